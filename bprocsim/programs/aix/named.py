"""mkrset and rmrset; and how commands find a set by its name."""

from __future__ import annotations

from bprocsim.aix.constants import RS_EMPTY
from bprocsim.errnos import Errno
from bprocsim.faces.aix import AixProc
from bprocsim.faces.errors import CallError
from bprocsim.programs.aix.command import (
    Command,
    Misused,
    Refused,
    Steps,
    lists_joined,
    options_of,
    set_of_lists,
    tried,
)
from bprocsim.programs.aix.system import SYSTEM, system_sets


def named_set(proc: AixProc, name: str) -> Steps:
    """Give a copy of the set "namespace/name"; Refused: there is none, or the caller may not read it."""
    namespace, _, rsname = name.partition("/")
    rset = yield from proc.rs_alloc(RS_EMPTY)
    try:
        yield from proc.rs_getnamedrset(namespace, rsname, rset)
    except CallError as error:
        if namespace == SYSTEM and error.error is Errno.ENOENT:
            found = dict((yield from system_sets(proc))).get(rsname)
            if found is not None:
                return found
        raise Refused(f"{name}: {error.error.message}") from None
    return rset


def _mkrset(proc: AixProc, words: list[str]) -> Steps:
    flags, rest = options_of(lists_joined(words), "c:m:")
    given = dict(flags)
    if "-c" not in given or len(rest) != 1:
        raise Misused
    rset = yield from set_of_lists(proc, given)
    yield from tried(proc.mkrset(rest[0], rset), rest[0])


def _rmrset(proc: AixProc, words: list[str]) -> Steps:
    _, rest = options_of(words, "")
    if len(rest) != 1:
        raise Misused
    yield from tried(proc.rmrset(rest[0]), rest[0])


# Sources: aix-mkrset, aix-rmrset.
mkrset = Command("mkrset", ("mkrset -c CPUlist [-m MEMlist] rsetname",), _mkrset)
rmrset = Command("rmrset", ("rmrset rsetname",), _rmrset)
