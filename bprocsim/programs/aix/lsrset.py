"""lsrset: named sets, and the sets that processes go by."""

from __future__ import annotations

from attrs import frozen

from bprocsim.aix.constants import (
    R_MEMSIZE,
    R_PROCESS,
    R_SRADSDL,
    RS_ALL,
    RS_DEFAULT_RSET,
    RS_EMPTY,
    RS_PARTITION_RSET,
    RS_STSET,
    RS_SYSTEM,
)
from bprocsim.aix.records import RsetAttributes
from bprocsim.aix.registry import ADMINISTRATOR
from bprocsim.aix.rset import Rset, written
from bprocsim.errnos import Errno
from bprocsim.faces.aix import AixProc
from bprocsim.faces.errors import CallError
from bprocsim.programs.accounts import Accounts, accounts
from bprocsim.programs.aix.command import Command, Misused, Refused, Steps, options_of, pid_of, ranges, tried
from bprocsim.programs.aix.named import named_set
from bprocsim.programs.aix.system import SYSTEM, rads, system_sets

HEADER = "T Name                 Owner    Group    Mode      CPU  Memory  Resources"

# Which set of a process is shown.
_WHICH = {RS_PARTITION_RSET: "Partition", RS_DEFAULT_RSET: "Default"}

# The namespace of exclusive sets, which is there also while it holds none. Source: aix-exclusive.
_ALWAYS_THERE = (SYSTEM, "sysxrset")

# Whoever made a set, and what system sets are: read-only for everybody.
_SYSTEM_ATTRIBUTES = RsetAttributes(0, 0, 0o444)


@frozen
class Entry:
    """A set with a name: `kind` who made it, r (the system), s (an administrator) or a (a program).

    `rset` None if the caller may not read it.
    """

    kind: str
    name: str
    attributes: RsetAttributes
    rset: Rset | None


# ---- which sets ----------------------------------------------------------------------------------


def _registered(proc: AixProc, namespace: str | None) -> Steps:
    """List the sets of the registry, those of one namespace or all; gives entries by name."""
    found = []
    for where, name in (yield from proc.rs_getrsetnames(namespace)):
        attributes, rset = RsetAttributes(), (yield from proc.rs_alloc(RS_EMPTY))
        try:
            yield from proc.rs_getnameattr(where, name, attributes)
        except CallError:  # it has gone meanwhile
            continue
        try:
            yield from proc.rs_getnamedrset(where, name, rset)
        except CallError:
            rset = None
        found.append(Entry(_kind(attributes), f"{where}/{name}", attributes, rset))
    return found


def _kind(attributes: RsetAttributes) -> str:
    return "s" if attributes.type == ADMINISTRATOR else "a"


def _of_system(proc: AixProc) -> Steps:
    """List the sets of the system; gives entries."""
    found = yield from system_sets(proc)
    return [Entry("r", f"{SYSTEM}/{name}", _SYSTEM_ATTRIBUTES, rset) for name, rset in found]


def _in_namespace(proc: AixProc, namespace: str | None) -> Steps:
    """List the sets of a namespace, or of all. Refused: there is no such namespace."""
    found = (yield from _of_system(proc)) if namespace in (None, SYSTEM) else []
    found += yield from _registered(proc, namespace)
    if not found and namespace not in (None, *_ALWAYS_THERE):
        raise Refused(f"{namespace}: {Errno.ENOENT.message}")
    return found


def _named(proc: AixProc, name: str, single_threaded: bool) -> Steps:
    """Find one set by its name, or its ST set; gives a list of one entry. Refused: names it."""
    rset = yield from named_set(proc, name)
    namespace, _, rsname = name.partition("/")
    attributes = RsetAttributes()
    try:
        yield from proc.rs_getnameattr(namespace, rsname, attributes)
        kind = _kind(attributes)
    except CallError:  # it is one of the system's own, which nobody registered
        kind, attributes = "r", _SYSTEM_ATTRIBUTES
    if single_threaded:
        yield from proc.rs_op(RS_STSET, rset, rset)
    return [Entry(kind, name, attributes, rset)]


# ---- how they are shown --------------------------------------------------------------------------


class _Table:
    """What is needed to write entries: who is who, what is online, the whole system and its SRADs."""

    def __init__(self, who: Accounts, cut: bool, everything: Rset, srads: list[Rset]) -> None:
        self.who = who
        self.cut = cut
        self.everything = everything
        self.srads = srads

    def line(self, entry: Entry, memory_mib: int) -> str:
        """Write an entry on one line."""
        attributes, rset = entry.attributes, entry.rset
        owner, group = self.who.user(attributes.owner), self.who.group(attributes.group)
        if self.cut:
            owner, group = owner[:8], group[:8]
        mode = "".join(
            letter if attributes.mode & bit else "-"
            for bit, letter in zip((0o400, 0o200, 0o040, 0o020, 0o004, 0o002), "rwrwrw", strict=True)
        )
        held = ["-"] * 3 if rset is None else [str(len(rset)), str(memory_mib), self.resources(rset)]
        whose = f"{entry.kind} {entry.name:<20} {owner:<8} {group:<8} {mode}"
        return f"{whose} {held[0]:>6} {held[1]:>7}  {held[2]}".rstrip()

    def resources(self, rset: Rset) -> str:
        """Write of which of the system's own sets a set is made, the largest first."""
        if rset.processors == self.everything.processors:
            return f"{SYSTEM}/sys0"
        found, left = [], rset.processors
        for number, srad in enumerate(self.srads):
            if srad.processors and not srad.processors & ~left:
                found.append(f"{SYSTEM}/node.01.{number:05}")
                left &= ~srad.processors
        return " ".join([*found, *(f"{SYSTEM}/cpu.02.{processor:05}" for processor in Rset(left))])


def _lists(rset: Rset) -> list[str]:
    memory = written(rset.memory).replace(",", " ")
    return [f"CPU:  {ranges(rset) or '<empty>'}", f"MEM:  {memory or '<empty>'}"]


def _show(proc: AixProc, entries: list[Entry], given: set[str]) -> Steps:
    """Write entries: names alone, with -f or -v a line for each, with -v the ids in them too."""
    if not given & {"-f", "-v", "-o"}:
        return [entry.name for entry in entries]
    everything = yield from proc.rs_alloc(RS_ALL)
    srads = yield from rads(proc, R_SRADSDL)
    table = _Table((yield from accounts(proc)), "-X" not in given, everything, srads)
    lines = [HEADER]
    for entry in entries:
        memory_mib = 0 if entry.rset is None else (yield from proc.rs_getinfo(entry.rset, R_MEMSIZE))
        lines.append(table.line(entry, memory_mib))
        if "-v" in given and entry.rset is not None:
            lines += [*_lists(entry.rset), ""]
    return lines


def _of_process(proc: AixProc, pid: int, given: set[str]) -> Steps:
    """Write the set that a process goes by, or its partition set. Refused: there is no such process."""
    rset = yield from proc.rs_alloc(RS_EMPTY)
    asked = proc.rs_getpartition(pid, rset) if "-P" in given else proc.ra_getrset(R_PROCESS, pid, 0, rset)
    which = _WHICH.get((yield from tried(asked, pid)), "Effective")
    if "-o" in given:
        rset = rset & (yield from proc.rs_alloc(RS_SYSTEM))
    memory_mib = yield from proc.rs_getinfo(rset, R_MEMSIZE)
    first = f"{which} rset: {len(rset)} CPUs, {memory_mib} MB"
    return [first, *(_lists(rset) if "-v" in given else ())]


def _lsrset(proc: AixProc, words: list[str]) -> Steps:
    flags, rest = options_of(words, "XfvoSr:n:ap:P")
    parameters = dict(flags)
    given = set(parameters)
    asked = [flag for flag, _ in flags if flag in ("-r", "-n", "-a", "-p")]
    if rest or len(asked) != 1 or {"-v", "-o"} <= given:
        raise Misused
    if (
        ("-S" in given and asked != ["-r"])
        or ("-P" in given and asked != ["-p"])
        or ("-f" in given and asked == ["-p"])
    ):
        raise Misused
    if asked == ["-p"]:
        lines = yield from _of_process(proc, pid_of(parameters["-p"]), given)
    else:
        if asked == ["-r"]:
            entries = yield from _named(proc, parameters["-r"], "-S" in given)
        else:
            entries = yield from _in_namespace(proc, parameters.get("-n"))
        if "-o" in given:
            online = yield from proc.rs_alloc(RS_SYSTEM)
            entries = [
                Entry(e.kind, e.name, e.attributes, None if e.rset is None else e.rset & online) for e in entries
            ]
        lines = yield from _show(proc, entries, given)
    if lines:
        yield from proc.print("\n".join(lines))


# Source: aix-lsrset.
lsrset = Command(
    "lsrset",
    (
        "lsrset [-X] [-f] [-v | -o] [[-S] -r rsetname | -n namespace | -a]",
        "lsrset [-X] [-P] [-v | -o] -p pid",
    ),
    _lsrset,
)
