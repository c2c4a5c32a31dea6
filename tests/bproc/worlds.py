"""What the tests of moves share: programs, worlds with them, and what must be true when all is over."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import bprocsim as bp

MASTER = bp.BPROC_NODE_MASTER
STEPS = tuple(step.name for step in bp.Step)
Steps = Generator[Any, Any, Any]

HELLO = "/usr/bin/hello"


def hello(proc: bp.Proc) -> Steps:
    """Say something on both outputs, some milliseconds apart."""
    yield from proc.write(1, b"out of node %d\n" % proc.node)
    yield from proc.sleep(2_000_000)
    yield from proc.write(2, b"err of node %d\n" % proc.node)
    return 3


def true(proc: bp.Proc) -> Steps:
    """Do nothing."""
    yield from proc.sleep(1)
    return 0


def stays(proc: bp.Proc, *_: Any) -> Steps:
    """Stay until a signal ends it."""
    yield from proc.pause()


def cat(proc: bp.Proc) -> Steps:
    """Copy descriptor 0 to 1 in pieces of argv[1] bytes."""
    size = int(proc.argv[1]) if len(proc.argv) > 1 else 4096
    while data := (yield from proc.read(0, size)):
        yield from proc.write(1, data)
    return 0


PROGRAMS = (hello, true, stays, cat)


def cluster(nodes: int = 4, *, on: str = "master,all", **options: Any) -> bp.Cluster:
    """Build a cluster on whose nodes the programs above are installed."""
    made = bp.Cluster(nodes=nodes, **{"trace": "all", **options})
    for program in PROGRAMS:
        made.install(f"/usr/bin/{program.__name__}", program, on=on)
    return made


def machines(made: bp.Cluster) -> list[Any]:
    """Give all machines of a cluster."""
    return [made.machine(number) for number in range(-1, len(made.nodes))]


def steps(made: bp.Cluster) -> list[str]:
    """Name the steps in the trace, in order."""
    return [record.step for record in made.trace.of_kind("step")]


def assert_clean(made: bp.Cluster) -> None:
    """Assert that nothing is left on the machines that live, and nothing in the master's books."""
    for machine in machines(made):
        if not machine.alive:
            continue
        assert machine.memory.used_bytes == 0, machine.name
        assert machine.files.used == 0, machine.name
        assert machine.processes == {}, machine.name
        if "tree" in dir(machine):
            busy = [number for number, inode in sorted(machine.tree.inodes.items()) if inode.running]
            assert busy == [], machine.name
    master = made.bpmaster
    assert master.pids.table == {}
    assert master.moves == {}
    assert master.forwarding == {}
    assert master.signals == {}
    assert_ordered(made)


def assert_ordered(made: bp.Cluster) -> None:
    """Assert that what the trace tells comes in the order of time."""
    instants = [record.at_ns for record in made.trace.records]
    assert instants == sorted(instants)


def say(proc: bp.Proc, *words: object) -> Any:
    """Write a line on descriptor 2, which a parent shares with its children until they move."""
    return proc.print(*words, fd=2)
