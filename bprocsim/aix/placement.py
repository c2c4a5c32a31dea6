"""What ties a process and its threads to processors: attached sets, bindings, and what follows from them.

Placements are frozen: a call gives a process or a thread another one, and a child shares its parent's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

if TYPE_CHECKING:
    from bprocsim.aix.partition import Partition


@frozen(eq=False)
class Attached:
    """A set that something is attached to: a copy of the caller's, `processors` and `memory` as bits."""

    processors: int
    memory: int = 0


@frozen(eq=False)
class ProcessPlacement:
    """Of a process: its effective set and its partition set; None: nothing attached."""

    effective: Attached | None = None
    partition: Attached | None = None


@frozen(eq=False)
class ThreadPlacement:
    """Of a thread: its own set, the bind id that bindprocessor gave it, and its home SRAD."""

    attached: Attached | None = None
    bound: int | None = None
    srad: int | None = None

    def handed_on(self) -> ThreadPlacement:
        """Give what a thread has that this one creates: its binding and home, but no set of its own."""
        return ThreadPlacement(bound=self.bound, srad=self.srad)


# What most have.
PLAIN_PROCESS = ProcessPlacement()
PLAIN_THREAD = ThreadPlacement()


def of_process(process: Any) -> ProcessPlacement:
    """Give the placement of a process."""
    found: ProcessPlacement = process.placement or PLAIN_PROCESS
    return found


def of_thread(thread: Any) -> ThreadPlacement:
    """Give the placement of a thread."""
    found: ThreadPlacement = thread.placement or PLAIN_THREAD
    return found


def in_force(thread: Any) -> Attached | None:
    """Give the set that a thread goes by: its own, its process's effective or partition set; None: the default set.

    Source: aix-ra_getrset.
    """
    own = of_thread(thread).attached
    if own is not None:
        return own
    process = of_process(thread.process)
    return process.effective if process.effective is not None else process.partition


def general(partition: Partition) -> int:
    """Give the processors that are for work which names none; the lowest online one if all are exclusive."""
    online = partition.online
    return online & ~partition.exclusive or online & -online


def eligible(partition: Partition, thread: Any) -> int:
    """Give the processors on which a thread may be dispatched now; 0: it waits for one to come back.

    Work that names no set, and work that is bound, keeps off exclusive-use processors; if there is
    no other, it runs on the lowest processor that is online. Source: aix-exclusive; the last is a
    choice of ours.
    """
    online = partition.online
    bound = of_thread(thread).bound
    if bound is None:
        attached = in_force(thread)
        if attached is not None:
            return attached.processors & online
    shared = general(partition)
    if bound is not None:
        named = partition.bound_to(bound) & shared
        if named:
            return named
    return shared


def preferred(partition: Partition, thread: Any) -> int:
    """Give the processors of a thread's home SRAD: taken first where they are free, never required."""
    srad = of_thread(thread).srad
    return 0 if srad is None else partition.topology.srad_sets[srad]
