"""rs_setpartition and rs_getpartition: the set that bounds all that a process may be attached to."""

from __future__ import annotations

from typing import Any

from attrs import define, setters

from bprocsim.aix import constants as c
from bprocsim.aix.attach import no_such_work
from bprocsim.aix.attaching import SetFacts, has_bound_thread, set_facts, thread_sets
from bprocsim.aix.placement import of_process
from bprocsim.aix.resource import OF_SETS
from bprocsim.aix.rset import RS_DEFAULT, is_contained
from bprocsim.aix.rsetcalls import no_root_authority, out_of_memory, rset_unreadable
from bprocsim.aix.service import Asker, Service
from bprocsim.aix.work import Work, find, partition_set, set_partition
from bprocsim.errnos import Errno as E
from bprocsim.manual import Errors, Row


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class PartitionFacts:
    """What both calls ask about.

    `found` the process, None if there is no such; `given` the facts of the set that is to bound it,
    None for RS_DEFAULT, which takes the bounds away, and for a handle that leads nowhere.
    """

    asker: Asker
    found: Work | None
    rset: Any
    flags: int = 0
    given: SetFacts | None = None

    @property
    def process(self) -> Any:
        """Give the process; None if there is no such, or it was never made: then nothing is attached to it."""
        return None if self.found is None else self.found.process


# ---- rs_setpartition -----------------------------------------------------------------------------


def flags_invalid(f: PartitionFacts) -> bool:
    return bool(f.flags & ~f.asker.partition.level.attach_flags)


def bounds_unreadable(f: PartitionFacts) -> bool:
    return f.rset is not RS_DEFAULT and f.given is None


def thread_bound(f: PartitionFacts) -> bool:
    return f.given is not None and has_bound_thread(f.process)


def effective_outside(f: PartitionFacts) -> bool:
    # An ST set bounds the process as it results: what is attached stays within what bounds it.
    if f.given is None or f.process is None:
        return False
    effective = of_process(f.process).effective
    return effective is not None and not is_contained(effective.processors, f.given.attached_processors)


def thread_set_outside(f: PartitionFacts) -> bool:
    return f.given is not None and not is_contained(thread_sets(f.process), f.given.attached_processors)


def _survey_set(asker: Asker, pid: int, rset: Any, flags: int = 0) -> PartitionFacts:
    given = set_facts(asker.partition, rset, flags)
    return PartitionFacts(asker, find(asker, c.R_PROCESS, pid), rset, flags, given)


def _set(f: PartitionFacts) -> int:
    if f.process is not None:
        set_partition(f.process, None if f.given is None else f.given.result)
        f.asker.partition.changed(f.process.threads)
    return 0


# rs_setpartition(pid, rset, flags): RS_DEFAULT in place of a set takes the process's away.
RS_SETPARTITION = Service(
    Errors(
        "rs_setpartition",
        page="aix-rs_setpartition",
        order="choice-rsets",
        rows=(
            Row(E.EINVAL, flags_invalid, "flags holds a bit that is reserved"),
            Row(E.EFAULT, bounds_unreadable, "rset is an invalid address", name="rset_unreadable"),
            Row(E.EPERM, no_root_authority, "the caller has no root authority"),
            Row(E.ESRCH, no_such_work, "there is no such process"),
            *OF_SETS,
            Row(E.EPERM, thread_bound, "a thread of the process is bound to a processor by bindprocessor"),
            Row(E.EPERM, effective_outside, "the set does not contain the process's effective set"),
            Row(E.EPERM, thread_set_outside, "the set does not contain the sets of all threads of the process"),
            Row(E.ENOMEM, out_of_memory, "there is not enough memory for the set"),
        ),
    ),
    _survey_set,
    _set,
)

# ---- rs_getpartition -----------------------------------------------------------------------------


def _get(f: PartitionFacts) -> int:
    bounds = partition_set(f.found)
    held = bounds or f.asker.partition.default_set
    f.rset.processors, f.rset.memory = held.processors, held.memory
    return c.RS_DEFAULT_RSET if bounds is None else c.RS_PARTITION_RSET


# rs_getpartition(pid, rset): fills the set; tells whether it is a partition set or the default one.
RS_GETPARTITION = Service(
    Errors(
        "rs_getpartition",
        page="aix-rs_getpartition",
        order="choice-rsets",
        rows=(
            Row(E.EFAULT, rset_unreadable, "rset is an invalid address"),
            Row(E.ESRCH, no_such_work, "there is no such process"),
        ),
    ),
    lambda asker, pid, rset: PartitionFacts(asker, find(asker, c.R_PROCESS, pid), rset),
    _get,
)
