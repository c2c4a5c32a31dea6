"""What always holds of the process space of a cluster, whatever processes do and nodes suffer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bprocsim as bp
from bprocsim.bproc.tree import COMPLETE
from bprocsim.posix.procs import Process, State

_LIVING = frozenset({State.RUNNING, State.STOPPED, State.MOVING})


def machines(cluster: bp.Cluster) -> list[Any]:
    """Give all machines of a cluster that anybody has looked at, the master's first."""
    return [cluster.home, *[node.machine for node in cluster.bpmaster.nodes.values()]]


def check_place(cluster: bp.Cluster, process: Process, held: list[Any]) -> None:
    """Assert that a process that was born in the space is where it says, once, and known to who must know it.

    `held` the machines of the cluster.
    """
    master, table = cluster.bpmaster, cluster.pids.table
    places = [each for each in held if each.processes.get(process.pid) is process]
    if process.ended is None:
        assert places == [process.machine], f"{process.pid} is in {places}"
        assert table[process.pid] is process
        elsewhere = process.machine is not cluster.home
        assert (process.ghost is not None) or not elsewhere, f"{process.pid} has no ghost"
        assert process.state in _LIVING
    elif process.state is State.GONE:
        assert places == ([cluster.home] if process.pid in master.waits and places else [])
        assert table.get(process.pid) is not process or process.pid in master.waits
    else:
        assert len(places) <= 1
        assert table[process.pid] is process
        if process.reported:
            assert process.state is State.ZOMBIE
            assert process.parent is not None, "init leaves nobody lying about"
    for child in process.children.values():
        assert child.parent is process
    for _, pid in process.children.ended:
        assert process.children[pid].state is State.ZOMBIE


def check_places(cluster: bp.Cluster, known: Iterable[Process]) -> None:
    """Assert of all these processes that each is in one place, and of each machine that its memory is accounted for."""
    held = machines(cluster)
    for process in known:
        check_place(cluster, process, held)
    for machine in held:
        assert machine.memory.used_bytes >= memory_of(cluster, machine), machine.name


def memory_of(cluster: bp.Cluster, machine: Any) -> int:
    """Add up what is known to be used; a child that waits for its number has its memory already."""
    moves = cluster.bpmaster.moves
    if not (moves or machine.processes):
        return 0
    kept = sum(move.held_bytes for move in moves.values() if move.source is machine) if moves else 0
    return int(kept + sum([each.memory_bytes for each in machine.processes.values()]))


def check_agreement(cluster: bp.Cluster) -> None:
    """Assert that everybody knows the same, once nothing has been under way for as long as a silence may last."""
    master = cluster.bpmaster
    assert master.waits == {}
    assert all(move.process.state is State.STOPPED for move in master.moves.values()), list(master.moves)
    for number in sorted(master.nodes):
        node, machine = cluster.nodes[number], cluster.machine(number)
        known = {pid for pid, each in master.pids.table.items() if each is not None and each.machine is machine}
        known = {pid for pid in known if master.pids.table[pid].ended is None and not master.pids.table[pid].idle}
        if node.state == "down" or not machine.alive:
            assert known == set(), f"{known} are thought to be on node {number}, which is {node.state}"
            continue
        there = {pid for pid, each in machine.processes.items() if each.ended is None and not each.idle}
        assert there == known, f"node {number} has {there}, and its master thinks {known}"
        for pid in there:
            process = machine.processes[pid]
            assert process.ghost is not None
            assert process.ghost.node == number or pid in master.moves
            assert process.left_by[1] >= 0
        assert machine.memory.used_bytes == memory_of(cluster, machine), machine.name


def state_of(cluster: bp.Cluster) -> tuple[Any, ...]:
    """Tell what a call on a cluster can change, so that a refused one shows if it did."""
    master = cluster.bpmaster
    nodes = [(each.state, each.mode, each.uid, each.gid) for each in master.nodes.values()]
    held = [
        (each.memory.used_bytes, each.files.used, len(each.processes),
         {**each.sockets.held}, len(each.sockets.listeners))
        for each in machines(cluster)
    ]  # fmt: skip
    descriptors = [len(each.descriptors) for each in master.pids.table.values() if each is not None]
    return nodes, held, descriptors, len(master.moves), len(master.notifiers), len(master.requests)


def is_left_alone(cluster: bp.Cluster) -> bool:
    """Tell whether a child of a vector launch waits for its beginning: for ever, once its caller's node is lost."""
    threads = [thread for each in cluster.pids.table.values() if each is not None for thread in each.threads]
    return any(thread.waiting is not None and thread.waiting.what == COMPLETE for thread in threads)


def check_nothing_left(cluster: bp.Cluster) -> None:
    """Assert that no process, descriptor, port or byte is left, and nothing in the master's books.

    A process of the harness outlives its node, and with it its children who have ended.
    """
    master = cluster.bpmaster
    left = [_told(each) for each in master.pids.table.values() if each is not None and not _is_the_harness_s(each)]
    assert left == []
    assert (master.moves, master.waits) == ({}, {})
    # One of the harness that has moved writes home by way of an iod.
    assert master.pids.table or master.forwarding == {}
    for machine in machines(cluster):
        mine = [_told(each) for each in machine.processes.values() if not _is_the_harness_s(each)]
        assert mine == [], machine.name
        if not machine.processes:
            assert (machine.memory.used_bytes, machine.files.used) == (0, 0), machine.name
            assert (machine.sockets.listeners, machine.sockets.held) == ({}, {}), machine.name


def _is_the_harness_s(process: Process) -> bool:
    return process.idle or (process.parent is not None and process.parent.idle and process.ended is not None)


def _told(process: Process) -> str:
    return f"pid {process.pid} ({process.comm.decode('utf-8', 'replace')}), {process.state.value}"
