"""What always holds of a partition: where threads may run, sets within sets, exclusive use.

What is allowed is worked out here a second time, with sets of numbers, by the documents' rules.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bprocsim as bp
from bprocsim.aix.placement import of_process, of_thread
from bprocsim.aix.topology import members
from bprocsim.posix.procs import Process


def allowed(lpar: bp.Lpar, thread: Any) -> set[int]:
    """Give the processors on which a thread may run."""
    partition = lpar.partition
    online, exclusive = set(members(partition.online)), set(members(partition.exclusive))
    own, process = of_thread(thread), of_process(thread.process)
    if own.bound is not None:
        named = sorted(online)[own.bound : own.bound + 1]
        if set(named) - exclusive:
            return set(named)
    else:
        for attached in (own.attached, process.effective, process.partition):
            if attached is not None:
                return online & set(members(attached.processors))
    return online - exclusive or set(sorted(online)[:1])


def check_places(lpar: bp.Lpar, processes: Iterable[Process]) -> None:
    """Assert that who runs may, and that who waits may not use what is idle."""
    dispatcher = lpar.partition.dispatcher
    idle = set(members(lpar.partition.online)) - set(dispatcher.running)
    for process in processes:
        for thread in process.threads:
            processor = dispatcher.processor_of(thread)
            if processor >= 0:
                assert processor in allowed(lpar, thread), f"{process.pid} runs on {processor}"
            elif thread.waiting is not None and thread.waiting.queue is dispatcher:
                free = idle & allowed(lpar, thread)
                assert not free, f"{process.pid} waits, and {sorted(free)} are idle"


def check_containment(processes: Iterable[Process]) -> None:
    """Assert that each set lies within the one around it, and that what is bound has none."""
    for process in processes:
        placed = of_process(process)
        if placed.effective is not None and placed.partition is not None:
            assert not placed.effective.processors & ~placed.partition.processors
        around = placed.effective or placed.partition
        for thread in process.threads:
            own = of_thread(thread)
            if own.bound is not None:
                assert (placed.effective, placed.partition, own.attached) == (None, None, None)
            if own.attached is not None and around is not None:
                assert not own.attached.processors & ~around.processors
                assert placed.partition is None or not own.attached.processors & ~placed.partition.processors


def check_exclusive(lpar: bp.Lpar) -> None:
    """Assert that the processors of exclusive use are those that the sets of sysxrset hold, where a level has such."""
    held, partition = 0, lpar.partition
    for (namespace, _), named in partition.names.items():
        if namespace == b"sysxrset" and partition.level.exclusive_sets:
            held |= named.processors
    assert partition.exclusive == held


def check_limits(lpar: bp.Lpar) -> None:
    """Assert that what is online is there, and of each core no more than SMT lets be."""
    partition = lpar.partition
    smt = partition.topology.smt
    assert not partition.online & ~partition.topology.everything
    for core in range(partition.topology.cores):
        threads = partition.online >> core * smt & (1 << smt) - 1
        assert not threads >> partition.width, f"core {core} has {threads:b} online, and SMT lets {partition.width}"


def state_of(lpar: bp.Lpar) -> tuple[Any, ...]:
    """Tell all that a call on sets, bindings and processors can change, so that a refused one shows if it did."""
    partition = lpar.partition
    named = tuple((key, each.processors, each.memory, each.owner, each.group, each.mode)
                  for key, each in partition.names.items())  # fmt: skip
    placed = tuple(
        (process.pid, process.placement, tuple(thread.placement for thread in process.threads))
        for process in lpar.home.processes.values()
        if process.ended is None
    )
    return partition.online, partition.exclusive, partition.width, named, placed


def check_nothing_left(lpar: bp.Lpar) -> None:
    """Assert that no process, descriptor, port, byte or work is left."""
    machine, dispatcher = lpar.home, lpar.partition.dispatcher
    assert [f"pid {each.pid}, {each.state.value}" for each in machine.processes.values()] == []
    assert (machine.memory.used_bytes, machine.files.used) == (0, 0)
    assert (machine.sockets.listeners, machine.sockets.held) == ({}, {})
    assert (dispatcher.running, dispatcher.waiting) == ({}, 0)
