"""What the tests of calls share: one program in a world, and what must be true when all is over."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import bprocsim as bp

Steps = Generator[Any, Any, Any]
MASTER = bp.BPROC_NODE_MASTER
PROGRAM = "/usr/bin/program"


def world(program: Callable[..., Any], *, nodes: int = 0, strict: bool = True, **options: Any) -> bp.Cluster:
    """Build a cluster on which a program is installed everywhere."""
    made = bp.Cluster(nodes=nodes, strict=strict, **options)
    made.install(PROGRAM, program, on="master,all" if nodes else "master")
    return made


def play(program: Callable[..., Any], *, user: Any = None, **options: Any) -> bp.Outcome:
    """Run a program on the master of a world of its own, and see that it leaves nothing behind."""
    made = world(program, **options)
    out = made.execve(PROGRAM, user=user)
    assert_clean(made)
    return out


def machines(made: bp.Cluster) -> list[Any]:
    """Give all machines of a cluster."""
    return [made.machine(number) for number in range(-1, len(made.nodes))]


def assert_clean(made: bp.Cluster) -> None:
    """Assert that nothing is in use: memory, files, ports, processors, running and written inodes."""
    for machine in machines(made):
        assert machine.memory.used_bytes == 0, machine.name
        assert machine.files.used == 0, machine.name
        assert machine.sockets.held == {}, machine.name
        assert machine.sockets.listeners == {}, machine.name
        assert machine.fifos == {}, machine.name
        assert machine.processes == {}, machine.name
        assert machine.processors.running == [], machine.name
        assert list(machine.processors.ready) == [], machine.name
        used = [number for number, each in sorted(machine.tree.inodes.items()) if each.running or each.writers]
        assert used == [], machine.name
    assert made.bpmaster.pids.table == {}


def says(cluster: bp.Cluster) -> list[str]:
    """Tell who waits for what."""
    return cluster.sim.waiting()


def call_errors(call: Any) -> Steps:
    """Make a call and give the name of its errno, or what it returned."""
    try:
        return (yield from call)
    except bp.CallError as error:
        return error.error.name
