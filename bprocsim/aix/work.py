"""The work that a call is about: a process or a thread, found by rstype and rsid; who may touch it."""

from __future__ import annotations

from typing import Any

from attrs import define, setters

from bprocsim.aix.constants import R_PROCESS, R_THREAD, RS_MYSELF
from bprocsim.aix.placement import Attached, ProcessPlacement, ThreadPlacement, of_process, of_thread
from bprocsim.aix.service import Asker

# A thread's id, beside its number within its process: what R_THREAD and BINDTHREAD name.
_THREADS = 1 << 16


def tid_of(thread: Any) -> int:
    """Give a thread's id, which no other thread of the machine has."""
    return int(thread.process.pid * _THREADS + thread.number)


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Work:
    """What is attached or bound: `process` and, of a call about one thread, `thread`.

    Of a process that the harness makes for a call both are None: nothing is attached to it.
    """

    process: Any
    thread: Any = None

    @property
    def threads(self) -> list[Any]:
        """Give the threads that it is about."""
        if self.process is None:
            return []
        return [self.thread] if self.thread is not None else list(self.process.threads)


# The work of a process that the harness makes for a call, before it has made it.
NOBODY = Work(None)


def find(asker: Asker, rstype: int, rsid: Any) -> Work | None:
    """Find the work that a type (R_PROCESS or R_THREAD) and an id name; None if there is no such.

    A thread is named by its id, or, if it is the caller's, by its number within the process.
    """
    machine = asker.partition.machine
    if rsid == RS_MYSELF or (rstype == R_PROCESS and rsid == asker.pid):
        return Work(asker.process, asker.thread if rstype == R_THREAD else None)
    if isinstance(rsid, bool) or not isinstance(rsid, int) or rsid < 0:
        return None
    if rstype == R_PROCESS:
        process = machine.find(rsid)
        return None if process is None or process.ended is not None else Work(process)
    pid, number = divmod(rsid, _THREADS)
    process = machine.find(pid) if pid else asker.process
    if process is None or process.ended is not None:
        return None
    thread = next((each for each in process.threads if each.number == number and not each.ended), None)
    return None if thread is None else Work(process, thread)


def owned(asker: Asker, work: Work) -> bool:
    """Tell whether the caller is root or has the effective user id of the work. Source: aix-ra_attachrset."""
    return asker.is_root or work.process is None or work.process.credentials.euid == asker.who.euid


def partition_set(work: Work | None) -> Attached | None:
    """Give the partition set that bounds the work; None: nothing does."""
    return None if work is None or work.process is None else of_process(work.process).partition


def set_effective(process: Any, effective: Attached | None) -> None:
    """Give a process another effective set, or none."""
    process.placement = ProcessPlacement(effective, of_process(process).partition)


def set_partition(process: Any, partition: Attached | None) -> None:
    """Bound a process by a partition set, or by none."""
    process.placement = ProcessPlacement(of_process(process).effective, partition)


def set_own(thread: Any, attached: Attached | None) -> None:
    """Give a thread another set of its own, or none."""
    placed = of_thread(thread)
    if placed.attached is not attached:
        thread.placement = ThreadPlacement(attached, placed.bound, placed.srad)


def set_bound(thread: Any, bound: int | None) -> None:
    """Bind a thread to a processor by its bind id, or to none."""
    placed = of_thread(thread)
    thread.placement = ThreadPlacement(placed.attached, bound, placed.srad)


def set_home(thread: Any, srad: int) -> None:
    """Give a thread another home SRAD."""
    placed = of_thread(thread)
    thread.placement = ThreadPlacement(placed.attached, placed.bound, srad)
