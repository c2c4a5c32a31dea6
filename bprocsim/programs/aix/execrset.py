"""execrset: a command that is attached to a resource set from its first instruction on."""

from __future__ import annotations

from bprocsim.aix.constants import (
    BINDPROCESS,
    PROCESSOR_CLASS_ANY,
    R_ATTACH_STRSET,
    R_DETACH_ALLTHRDS,
    R_PROCESS,
    R_RSET,
)
from bprocsim.aix.resource import RESOURCE_ROWS
from bprocsim.faces.aix import AixProc
from bprocsim.faces.errors import CallError
from bprocsim.programs.aix.command import Command, Misused, Refused, Steps, lists_joined, options_of, set_of_lists
from bprocsim.programs.aix.named import named_set

# What ra_exec may find wrong with the set, or with who gives it, and not with the command.
_OF_SETS = frozenset(row.cause for row in RESOURCE_ROWS)


def _execrset(proc: AixProc, words: list[str]) -> Steps:
    flags, rest = options_of(lists_joined(words), "PFSc:m:e")
    given = dict(flags)
    by_lists = "-c" in given
    if by_lists:
        # What comes after -e is the command, so -e is the last flag.
        if flags[-1][0] != "-e" or "-S" in given:
            raise Misused
    elif "-m" in given or "-e" in given:
        raise Misused
    else:
        name, command = (rest or [""])[0], rest[1:]
        rest = command[1:] if command[:1] == ["-e"] else command
    if not rest:
        raise Misused
    rset = yield from (set_of_lists(proc, given) if by_lists else named_set(proc, name))
    strset = R_ATTACH_STRSET if "-S" in given else 0
    try:
        # It is about this process alone, which ends if it is refused.
        if "-F" in given:
            yield from proc.bindprocessor(BINDPROCESS, proc.pid, PROCESSOR_CLASS_ANY)
            yield from proc.ra_detachrset(R_PROCESS, proc.pid, R_DETACH_ALLTHRDS)
        if "-P" in given:
            yield from proc.rs_setpartition(proc.pid, rset, strset)
            yield from proc.execvp(rest[0], rest)
        yield from proc.ra_execvp(R_RSET, rset, strset, rest[0], rest)
    except CallError as error:
        of_the_set = error.cause in _OF_SETS or error.call == "rs_setpartition"
        about = (f"-c {given['-c']}" if by_lists else name) if of_the_set else rest[0]
        raise Refused(f"{about}: {error.error.message}") from None


# Source: aix-execrset.
execrset = Command(
    "execrset",
    (
        "execrset [-P] [-F] -c CPUlist [-m MEMlist] -e command [parameters]",
        "execrset [-P] [-F] [-S] rsetname [-e] command [parameters]",
    ),
    _execrset,
)
