"""How bproc_detach is made of the fields of a case: by a program that has memory, and leaves its node little."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bprocsim as bp
from bprocsim.units import KiB

_LEAVES = "/usr/bin/leaves"
_MEMORY_BYTES = 64 * KiB


def make_leave(case: Any, cluster: bp.Cluster) -> bp.Outcome:
    """Let a program make the call of a case; the Outcome is that of the call alone."""
    told: list[tuple[int | None, str]] = []

    @bp.program(memory_bytes=_MEMORY_BYTES)
    def leaves(proc: bp.BprocProc) -> Iterator[Any]:
        """Leave the space, and tell what the call came to."""
        if case.fork_bytes is not None:
            cluster.inject(bp.MemoryFull(case.from_node, case.fork_bytes))
        if case.numbers_left is not None:
            cluster.pids.first = cluster.pids.next = proc.pid
            cluster.pids.last = proc.pid + case.numbers_left
        try:
            told.append(((yield from proc.bproc_detach(3)), ""))
        except bp.CallError as error:
            told.append((error.failed, error.cause))

    cluster.install(_LEAVES, leaves, on=case.from_node if case.from_node >= 0 else "master")
    pid = cluster.execve(_LEAVES, from_node=case.from_node, user=case.credentials).pid
    table = cluster.edition.calls()[case.call].errors
    ((value, cause),) = told
    return bp.Outcome(case.call, value, table.row(cause) if cause else None, table, pid=pid, returned=True)
