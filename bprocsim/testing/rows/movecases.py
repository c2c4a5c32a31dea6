"""How a call that moves a running process is made of the fields of a case: by a program that has memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bprocsim as bp
from bprocsim.bproc.move import move_errors
from bprocsim.bproc.rfork import rfork_errors
from bprocsim.bproc.vector import vexecmove_errors, vrfork_errors
from bprocsim.manual import Errors, Placed, Row
from bprocsim.testing.rows.iocases import PORT

MOVER = "/usr/bin/mover"
CALLS = ("bproc_move", "bproc_rfork", "bproc_vrfork")
VECTORS = ("bproc_vexecmove", "bproc_vrfork")


def make_inside(case: Any, cluster: bp.Cluster, who: dict[str, Any]) -> bp.Outcome:
    """Let a program make the call of a case; `who` runs it. The Outcome is that of the call alone."""
    told: list[tuple[int | None, str]] = []
    pids: list[int] = []

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
            told.append(((yield from _call(case, proc, pids)), ""))
        except bp.CallError as error:
            told.append((error.failed, error.cause))

    cluster.install(MOVER, mover, on=case.from_node if case.from_node >= 0 else "master")
    began_ns = cluster.sim.now_ns
    pid = cluster.execve(MOVER, **who).pid
    table = _table(case, cluster)
    # One that was killed in the call was told nothing.
    value, cause = told[0] if told else (None, "")
    row, placed = table.row(cause) if cause else None, _slots(pids, table, cluster)
    if placed is not None:
        row = next((each for each in placed.rows if each is not None), None)
    return bp.Outcome(
        case.call, value, row, table, pid=pid, elapsed_ns=cluster.sim.now_ns - began_ns, returned=bool(told),
        placed=placed,
    )  # fmt: skip


def _table(case: Any, cluster: bp.Cluster) -> Errors:
    if (known := cluster.bpmaster.tables.get(case.call)) is not None:
        return known
    if case.call == "bproc_vexecmove":
        return vexecmove_errors(cluster.edition, cluster.kernel)
    return {"bproc_move": move_errors, "bproc_rfork": rfork_errors, "bproc_vrfork": vrfork_errors}[case.call](
        cluster.edition
    )


def _leave_little(case: Any, cluster: bp.Cluster, pid: int) -> None:
    """Leave the calling node so little, now that the program runs there."""
    if case.fork_bytes is not None:
        cluster.inject(bp.MemoryFull(case.from_node, case.fork_bytes))
    if case.pids_left is not None:
        cluster.pids.first = cluster.pids.next = pid
        cluster.pids.last = pid + case.pids_left


def _call(case: Any, proc: bp.BprocProc, pids: list[int]) -> Any:
    """Give the call, not yet made; without flags and port in its shorter form."""
    io = case.port_or_list
    given = bool(case.io or case.port)
    if case.call in VECTORS:
        return _vector_call(case, proc, pids, io, given)
    if case.call == "bproc_move":
        if case.flags is not None:
            return proc._bproc_move_io(case.node, case.flags, io)
        return proc.bproc_move_io(case.node, io) if given else proc.bproc_move(case.node)
    if case.flags is not None:
        return proc._bproc_rfork_io(case.node, case.flags, io, _ends)
    return proc.bproc_rfork_io(case.node, io, _ends) if given else proc.bproc_rfork(case.node, _ends)


def _vector_call(case: Any, proc: bp.BprocProc, pids: list[int], io: Any, given: bool) -> Any:
    nodes: Any = list(case.nodes) if case.nodes_readable else bp.BAD_ADDRESS
    arrays = (
        len(case.nodes) if case.count is None else case.count,
        nodes,
        pids if case.pids_writable else bp.BAD_ADDRESS,
    )
    if case.call == "bproc_vexecmove":
        if given:
            return proc.bproc_vexecmove_io(*arrays, io, *case.arguments())
        return proc.bproc_vexecmove(*arrays, *case.arguments())
    if case.flags is not None:
        return proc._bproc_vrfork_io(*arrays, io, case.flags, _ends)
    return proc.bproc_vrfork_io(*arrays, io, _ends) if given else proc.bproc_vrfork(*arrays, _ends)


def _slots(pids: list[int], table: Errors, cluster: bp.Cluster) -> Placed | None:
    """Give what the call told of each node, with the rows that the trace names."""
    if not pids:
        return None
    rows: list[Row | None] = [None] * len(pids)
    for each in cluster.trace.of_kind("slot"):
        rows[each.slot] = table.row(each.cause)
    return Placed(len(pids), tuple(pids), tuple(rows))


def _ends(proc: bp.Proc, *_: Any) -> Iterator[Any]:
    """Be there for a moment."""
    yield from proc.sleep(0)
