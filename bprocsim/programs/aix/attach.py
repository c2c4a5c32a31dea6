"""attachrset and detachrset: ties between a process that runs and a resource set."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from attrs import frozen

from bprocsim.aix.constants import (
    BINDTHREAD,
    PROCESSOR_CLASS_ANY,
    R_ATTACH_STRSET,
    R_DETACH_ALLTHRDS,
    R_PROCESS,
    R_THREAD,
    RS_EFFECTIVE_RSET,
    RS_EMPTY,
    RS_THREAD_RSET,
)
from bprocsim.aix.rset import RS_DEFAULT, Rset
from bprocsim.faces.aix import AixProc
from bprocsim.faces.calls import Call
from bprocsim.faces.errors import CallError
from bprocsim.programs.aix.command import (
    Command,
    Misused,
    Refused,
    Steps,
    lists_joined,
    options_of,
    pid_of,
    set_of_lists,
    tried,
)
from bprocsim.programs.aix.named import named_set

# What -F takes away before it attaches.
_HINDRANCES = frozenset({"thread_bound", "thread_set_outside", "effective_outside"})


@frozen
class Ties:
    """What ties a process to processors: its effective set, None if it has none, and that of its threads.

    `threads` their ids, what each is bound to, and its own set; None: nothing.
    """

    pid: int
    effective: Rset | None
    threads: list[tuple[int, int | None, Rset | None]]


def _ties(proc: AixProc, pid: int) -> Steps:
    """Look at the ties of a process; gives Ties. CallError: there is no such process."""
    effective = yield from _own_set(proc, R_PROCESS, pid, RS_EFFECTIVE_RSET)
    threads = []
    for thread in (yield from proc.getthrds(pid)):
        threads.append((thread.tid, thread.bound, (yield from _own_set(proc, R_THREAD, thread.tid, RS_THREAD_RSET))))
    return Ties(pid, effective, threads)


def _own_set(proc: AixProc, kind: int, number: int, which: int) -> Steps:
    """Give the set that something is attached to by itself, None if it goes by another or there is no such thing."""
    rset = yield from proc.rs_alloc(RS_EMPTY)
    try:
        found = yield from proc.ra_getrset(kind, number, 0, rset)
    except CallError:
        return None
    return rset if found == which else None


def _loosen(proc: AixProc, ties: Ties, with_effective: bool) -> Steps:
    """Take bindings and sets of threads away, and the effective set as well if that is asked for. CallError."""
    for tid, bound, own in ties.threads:
        if own is not None:
            yield from proc.ra_detachrset(R_THREAD, tid, 0)
        if bound is not None:
            yield from proc.bindprocessor(BINDTHREAD, tid, PROCESSOR_CLASS_ANY)
    if with_effective and ties.effective is not None:
        yield from proc.ra_detachrset(R_PROCESS, ties.pid, 0)


def _restore(proc: AixProc, ties: Ties) -> Steps:
    """Tie a process as it was; what has ended, or is in the way by now, is passed over."""
    if ties.effective is not None:
        with suppress(CallError):
            yield from proc.ra_attachrset(R_PROCESS, ties.pid, ties.effective, 0)
    for tid, bound, own in ties.threads:
        with suppress(CallError):
            if own is not None:
                yield from proc.ra_attachrset(R_THREAD, tid, own, 0)
            if bound is not None:
                yield from proc.bindprocessor(BINDTHREAD, tid, bound)


def _force(proc: AixProc, pid: int, attach: Callable[[], Call[Any]], of_partition: bool) -> Steps:
    """Attach, and take away before it what hinders that, but only if nothing else hinders it.

    What AIX finds first is decisive: it looks for hindrances of this kind last, and who is bound has no
    partition set. If the attachment is refused all the same, for something has changed meanwhile, all of
    it is given back. CallError: as `attach`.
    """
    ties = yield from _ties(proc, pid)
    try:
        yield from attach()
    except CallError as error:
        if error.cause not in _HINDRANCES:
            raise
    else:
        # Nobody was bound. What else -F takes away did not hinder it.
        if of_partition:
            yield from proc.ra_detachrset(R_PROCESS, pid, R_DETACH_ALLTHRDS)
        else:
            yield from _loosen(proc, ties, False)
        return
    try:
        yield from _loosen(proc, ties, of_partition)
        yield from attach()
    except CallError:
        yield from _restore(proc, ties)
        raise


def _attachrset(proc: AixProc, words: list[str]) -> Steps:
    flags, rest = options_of(lists_joined(words), "PFSc:m:")
    given = dict(flags)
    by_lists = "-c" in given or "-m" in given
    if len(rest) != (1 if by_lists else 2) or (by_lists and "-S" in given):
        raise Misused
    pid = pid_of(rest[-1])
    rset = yield from (set_of_lists(proc, given) if by_lists else named_set(proc, rest[0]))
    strset = R_ATTACH_STRSET if "-S" in given else 0
    of_partition = "-P" in given

    def attach() -> Call[Any]:
        if of_partition:
            return proc.rs_setpartition(pid, rset, strset)
        return proc.ra_attachrset(R_PROCESS, pid, rset, strset)

    try:
        if "-F" in given:
            yield from _force(proc, pid, attach, of_partition)
        else:
            yield from attach()
    except CallError as error:
        raise Refused(f"{pid}: {error.error.message}") from None


def _detachrset(proc: AixProc, words: list[str]) -> Steps:
    flags, rest = options_of(words, "P")
    if len(rest) != 1:
        raise Misused
    pid = pid_of(rest[0])
    call = proc.rs_setpartition(pid, RS_DEFAULT) if flags else proc.ra_detachrset(R_PROCESS, pid, 0)
    yield from tried(call, pid)


# Sources: aix-attachrset-command, aix-detachrset-command.
attachrset = Command(
    "attachrset",
    ("attachrset [-P] [-F] [-S] rsetname pid", "attachrset [-P] [-F] [-c CPUlist] [-m MEMlist] pid"),
    _attachrset,
)
detachrset = Command("detachrset", ("detachrset [-P] pid",), _detachrset)
