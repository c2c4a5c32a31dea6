"""How a call that moves a running process is made of the fields of a case: by a program that has memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bprocsim as bp
from bprocsim.bproc.move import move_errors
from bprocsim.bproc.rfork import rfork_errors
from bprocsim.manual import Errors
from bprocsim.testing.iocases import PORT

MOVER = "/usr/bin/mover"
CALLS = ("bproc_move", "bproc_rfork")


def make_inside(case: Any, cluster: bp.Cluster, who: dict[str, Any]) -> bp.Outcome:
    """Let a program make the call of a case; `who` runs it. The Outcome is that of the call alone."""
    told: list[tuple[int | None, str]] = []

    @bp.program(needs=("libc.so.6",))
    def mover(proc: bp.BprocProc) -> Iterator[Any]:
        """Make the call, and tell what it came to."""
        port = case.port or (PORT if "socket" in case.io else 0)
        if port and case.listens:
            fd = yield from proc.socket()
            yield from proc.bind(fd, bp.Address("", port))
            yield from proc.listen(fd, 3)
        _leave_little(case, cluster, proc.pid)
        try:
            told.append(((yield from _call(case, proc)), ""))
        except bp.CallError as error:
            told.append((error.failed, error.cause))

    cluster.install(MOVER, mover, on=case.from_node if case.from_node >= 0 else "master")
    began_ns = cluster.sim.now_ns
    pid = cluster.execve(MOVER, **who).pid
    table = _table(case, cluster)
    # One that was killed in the call was told nothing.
    value, cause = told[0] if told else (None, "")
    row = table.row(cause) if cause else None
    return bp.Outcome(
        case.call, value, row, table, pid=pid, elapsed_ns=cluster.sim.now_ns - began_ns, returned=bool(told)
    )


def _table(case: Any, cluster: bp.Cluster) -> Errors:
    known = cluster.bpmaster.tables.get(case.call)
    return known or (move_errors if case.call == "bproc_move" else rfork_errors)(cluster.edition)


def _leave_little(case: Any, cluster: bp.Cluster, pid: int) -> None:
    """Leave the calling node so little, now that the program runs there."""
    if case.fork_bytes is not None:
        cluster.inject(bp.MemoryFull(case.from_node, case.fork_bytes))
    if case.pids_left is not None:
        cluster.pids.first = cluster.pids.next = pid
        cluster.pids.last = pid + case.pids_left


def _call(case: Any, proc: bp.BprocProc) -> Any:
    """Give the call, not yet made; without flags and port in its shorter form."""
    io = case.port_or_list
    given = bool(case.io or case.port)
    if case.call == "bproc_move":
        if case.flags is not None:
            return proc._bproc_move_io(case.node, case.flags, io)
        return proc.bproc_move_io(case.node, io) if given else proc.bproc_move(case.node)
    if case.flags is not None:
        return proc._bproc_rfork_io(case.node, case.flags, io, _ends)
    return proc.bproc_rfork_io(case.node, io, _ends) if given else proc.bproc_rfork(case.node, _ends)


def _ends(proc: bp.Proc) -> Iterator[Any]:
    """Be there for a moment."""
    yield from proc.sleep(0)
