"""Processors that come and go: the SMT width, and cores that are added, removed, deallocated, or fail.

What is asked for is decided on the facts of the instant at which it is to be done, so that a program
may first do what it is warned for; then it is done whole, or not at all. Logical ids stay what they
are: an id that is offline stays in the sets that hold it. Bind ids are counted anew, so that
whatever core goes, the last bind ids go with it. Source: aix-dr-bindings.

Choices of ours, where the pages are silent: the errnos, and that the last core stays; a core that
fails takes its processors offline even if nothing is left. Source: choice-reconfiguration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attrs import define, setters

from bprocsim.aix.partition import Partition
from bprocsim.aix.placement import Attached, of_process, of_thread
from bprocsim.aix.reconfigure import GO, Reconfiguration, announced, deallocated
from bprocsim.aix.rset import written
from bprocsim.aix.service import Asker
from bprocsim.errnos import Errno as E
from bprocsim.manual import Errors, Kind, Row


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Change:
    """What is to change: `going` and `coming` processors as bits; `width` how many of a core are online then.

    `core` the one that it is about, -1 if it is all of them.
    """

    asker: Asker
    width: int
    going: int = 0
    coming: int = 0
    core: int = -1

    @property
    def partition(self) -> Partition:
        """Give the partition."""
        return self.asker.partition

    @property
    def online(self) -> int:
        """Give the processors that will be online."""
        return self.partition.online & ~self.going | self.coming

    @property
    def core_set(self) -> int:
        """Give the processors of its core, online or not; none if there is no such core."""
        cores = self.partition.topology.core_sets
        return cores[self.core] if 0 <= self.core < len(cores) else 0

    @property
    def bound(self) -> Iterator[int]:
        """Give the pids of threads that are bound to one of the bind ids that will be no more."""
        last = self.online.bit_count()
        for thread in self.partition.threads():
            bound = of_thread(thread).bound
            if bound is not None and bound >= last:
                yield thread.process.pid

    def done(self) -> int:
        """Do it; everybody runs where they then may."""
        self.partition.width = self.width
        put_online(self.partition, self.online)
        return 0


def put_online(partition: Partition, online: int) -> None:
    """Let exactly these processors be online from now on."""
    if online != partition.online:
        partition.online = online
        partition.machine.record(0, "processors", written(online))
        partition.changed()


# ---- conditions: their names are causes ----------------------------------------------------------


def not_root(f: Change) -> bool:
    return not f.asker.is_root


def no_such_core(f: Change) -> bool:
    return not f.core_set


def core_not_online(f: Change) -> bool:
    return not f.core_set & f.partition.online


def core_online(f: Change) -> bool:
    return bool(f.core_set & f.partition.online)


def last_core(f: Change) -> bool:
    return not f.online


def bound_to_last(f: Change) -> bool:
    return bool(f.going) and next(f.bound, None) is not None


def set_without_processor(f: Change) -> bool:
    """A set that had an online processor will have none."""
    before, after = f.partition.online, f.online
    return any(each.processors & before and not each.processors & after for each in _attached(f.partition))


def _attached(partition: Partition) -> Iterator[Attached]:
    """Give all sets that processes and threads are attached to."""
    for thread in partition.threads():
        placed = of_process(thread.process)
        for each in (of_thread(thread).attached, placed.effective, placed.partition):
            if each is not None:
                yield each


# ---- tables --------------------------------------------------------------------------------------


def _ours(errno: E, condition: Callable[[Change], bool], sentence: str, step: str = "") -> Row:
    """Make a row that no page has, though any system must answer something."""
    return Row(errno, condition, sentence, kind=Kind.BEYOND, source="choice-reconfiguration", step=step)


_NOT_ROOT = _ours(E.EPERM, not_root, "the caller is not root")
_NO_CORE = _ours(E.ENODEV, no_such_core, "the partition has no core of that number")
_NOT_ONLINE = _ours(E.ENODEV, core_not_online, "the core is not there: it was removed or deallocated, or it failed")
_LAST = _ours(E.EBUSY, last_core, "it is the last core that is online")
_BOUND = Row(
    E.EBUSY,
    bound_to_last,
    "a thread is bound by bindprocessor to one of the last bind ids, which would be no more",
    source="aix-dr-dependencies",
    step=GO,
)
_SET = Row(
    E.EBUSY,
    set_without_processor,
    "a process or thread is attached to a set that would be left with no processor online",
    source="aix-dr-bindings",
    step=GO,
)

SMTCTL_ERRORS = Errors("smtctl", page="aix-smtctl", order="choice-reconfiguration", rows=(_NOT_ROOT, _BOUND, _SET))
DLPAR_REMOVE_ERRORS = Errors(
    "dlpar_remove",
    page="aix-dr-dependencies",
    order="choice-reconfiguration",
    rows=(_NOT_ROOT, _NO_CORE, _NOT_ONLINE, _LAST, _BOUND, _SET),
)
DLPAR_ADD_ERRORS = Errors(
    "dlpar_add",
    page="aix-dr-bindings",
    order="choice-reconfiguration",
    rows=(_NOT_ROOT, _NO_CORE, _ours(E.EEXIST, core_online, "the core is online already")),
)
DEALLOCATE_ERRORS = Errors(
    "deallocate",
    page="aix-deallocation",
    order="choice-reconfiguration",
    rows=(
        _NOT_ROOT,
        _NO_CORE,
        _NOT_ONLINE,
        _LAST,
        Row(
            E.EBUSY,
            bound_to_last,
            "a thread has stayed bound to one of the last bind ids for the ten minutes that it was given",
            step=GO,
        ),
        _SET,
    ),
)


# ---- what is asked for ---------------------------------------------------------------------------


def _lanes(partition: Partition, width: int) -> int:
    """Give the first `width` hardware threads of every core."""
    return sum(partition.topology.thread_sets[:width])


def _threads(asker: Asker, threads: int) -> Change:
    partition = asker.partition
    assert threads in partition.model.widths and threads <= partition.topology.smt, "whoever asks has looked"
    there = sum(each for each in partition.topology.core_sets if each & partition.online)
    online = there & _lanes(partition, threads)
    return Change(asker, threads, partition.online & ~online, online & ~partition.online)


def _without(asker: Asker, core: int) -> Change:
    change = Change(asker, asker.partition.width, core=core)
    change.going = change.core_set & asker.partition.online
    return change


def _with(asker: Asker, core: int) -> Change:
    change = Change(asker, asker.partition.width, core=core)
    change.coming = change.core_set & _lanes(asker.partition, change.width)
    return change


SMTCTL = Reconfiguration(SMTCTL_ERRORS, _threads, announced)
DLPAR_REMOVE = Reconfiguration(DLPAR_REMOVE_ERRORS, _without, announced)
DLPAR_ADD = Reconfiguration(DLPAR_ADD_ERRORS, _with, announced)
DEALLOCATE = Reconfiguration(DEALLOCATE_ERRORS, _without, deallocated)


def fail_core(partition: Partition, core: int) -> Callable[[], None]:
    """Let a core fail outright: nobody is asked or warned. Gives what brings it back, with the width of then.

    Work that may run nowhere else waits until one of its processors is online again.
    """
    failed = partition.topology.core_sets[core] & partition.online
    put_online(partition, partition.online & ~failed)

    def repair() -> None:
        if failed:
            put_online(
                partition, partition.online | partition.topology.core_sets[core] & _lanes(partition, partition.width)
            )

    return repair
