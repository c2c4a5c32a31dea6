"""What every call that attaches a set asks of it: availability, exclusive use, and the ST set.

ra_exec, ra_fork, ra_attachrset and rs_setpartition come to the same answers by the conditions here.
"""

from __future__ import annotations

from typing import Any

from attrs import define, setters

from bprocsim.aix.constants import R_ATTACH_STRSET
from bprocsim.aix.partition import Partition
from bprocsim.aix.placement import Attached, of_thread
from bprocsim.aix.rset import is_readable, st_set


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class SetFacts:
    """A set that is to be attached: a copy of what its handle holds, `processors` and `memory` as bits.

    `single_threaded` by R_ATTACH_STRSET: its ST set is attached in its place.
    """

    partition: Partition
    processors: int
    memory: int = 0
    single_threaded: bool = False
    _st_set: int = -1

    @property
    def available(self) -> int:
        """Give those of its processors that are online now."""
        return self.processors & self.partition.online

    @property
    def attached_processors(self) -> int:
        """Give the processors of the set that results: the given ones, offline ones too, or the ST set."""
        if not self.single_threaded:
            return self.processors
        if self._st_set < 0:
            self._st_set = st_set(self.processors, self.partition.online, self.partition.topology)
        return self._st_set

    @property
    def result(self) -> Attached:
        """Give the set that results, with the memory pools of the given one."""
        return Attached(self.attached_processors, self.memory)


def set_facts(partition: Partition, rset: Any, flags: int) -> SetFacts | None:
    """Look at the set behind a handle; None if it is no handle that can be read (EFAULT)."""
    if not is_readable(rset):
        return None
    return SetFacts(partition, rset.processors, rset.memory, bool(flags & R_ATTACH_STRSET))


# ---- conditions: their names are causes ----------------------------------------------------------


def no_available_processor(f: SetFacts) -> bool:
    return not f.available


def not_exclusive(f: SetFacts) -> bool:
    # Asked of the given set, before cores that are not whole are left out.
    return f.single_threaded and bool(f.available & ~f.partition.exclusive)


def st_set_empty(f: SetFacts) -> bool:
    return f.single_threaded and not f.attached_processors


# ---- of the process that it is to be attached to -------------------------------------------------


def has_bound_thread(process: Any) -> bool:
    """Tell whether bindprocessor has bound a thread of a process; None, one that was never made, has none."""
    return process is not None and any(of_thread(thread).bound is not None for thread in process.threads)


def thread_sets(process: Any) -> int:
    """Give the processors of all sets that threads of a process are attached to on their own."""
    found = 0
    for thread in () if process is None else process.threads:
        own = of_thread(thread).attached
        if own is not None:
            found |= own.processors
    return found
