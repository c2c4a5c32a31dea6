"""The resource that work is to be attached to: a type, an id, flags; what can be wrong with them.

Shared by ra_exec, ra_fork and ra_attach, whose pages have one table of errors.
"""

from __future__ import annotations

from typing import Any

from bprocsim.aix import attaching
from bprocsim.aix.attaching import SetFacts, has_bound_thread, set_facts
from bprocsim.aix.constants import R_RSET, R_SRADID
from bprocsim.aix.placement import Attached, of_thread
from bprocsim.aix.rset import is_contained
from bprocsim.aix.service import Asker
from bprocsim.aix.work import Work, partition_set
from bprocsim.errnos import Errno as E
from bprocsim.manual import Row


class ResourceFacts:
    """What an attachment asks about.

    `asker` who asks; `work` what is to be attached; `rstype`, `rsid`, `flags` as in C: R_RSET and an
    Rset, or R_SRADID and an int. `given` the facts of the set, None for an SRADID and for a handle that leads nowhere.
    """

    __slots__ = ("asker", "flags", "given", "partition", "rsid", "rstype", "work")

    def __init__(self, asker: Asker, work: Work, rstype: int, rsid: Any, flags: int) -> None:
        self.asker = asker
        self.partition = asker.partition
        self.work = work
        self.rstype = rstype
        self.rsid = rsid
        self.flags = flags
        self.given = set_facts(asker.partition, rsid, flags) if rstype == R_RSET else None


def rstype_invalid(f: ResourceFacts) -> bool:
    return f.rstype not in f.partition.level.resources


def flags_invalid(f: ResourceFacts) -> bool:
    allowed = f.partition.level.attach_flags if f.rstype == R_RSET else 0
    return bool(f.flags & ~allowed)


def affinity_disabled(f: ResourceFacts) -> bool:
    return f.rstype == R_SRADID and not f.partition.enhanced_affinity


def rset_unreadable(f: ResourceFacts) -> bool:
    return f.rstype == R_RSET and f.given is None


def not_privileged(f: ResourceFacts) -> bool:
    return not f.asker.may_attach


def sradid_invalid(f: ResourceFacts) -> bool:
    if f.rstype != R_SRADID:
        return False
    known = isinstance(f.rsid, int) and not isinstance(f.rsid, bool) and 0 <= f.rsid < f.partition.topology.srads
    return not known


def of_a_process(f: ResourceFacts) -> ResourceFacts | None:
    """Give the facts if there is a process; nothing ties one that the harness has yet to make for its call."""
    return None if f.work.process is None else f


def thread_bound(f: ResourceFacts) -> bool:
    thread = f.work.thread
    return has_bound_thread(f.work.process) if thread is None else of_thread(thread).bound is not None


def given_set(f: ResourceFacts) -> SetFacts | None:
    """Give the facts of the set that is to be attached."""
    return f.given


def outside_partition(f: ResourceFacts) -> bool:
    return f.given is not None and not within(f.given, partition_set(f.work))


def within(given: SetFacts, bound: Attached | None) -> bool:
    """Tell whether a set lies within another, by all its ids, online or not; None bounds nothing."""
    return bound is None or is_contained(given.processors, bound.processors)


def _set_row(errno: E, condition: Any, sentence: str) -> Row:
    return Row(errno, condition, sentence, about=given_set)


# In order; the pages promise none, only the grouping is ours.
RSTYPE_INVALID = Row(E.EINVAL, rstype_invalid, "rstype is no type of resource that can be attached to")
FLAGS_INVALID = Row(E.EINVAL, flags_invalid, "flags holds a bit that is reserved")
AFFINITY_DISABLED = Row(E.ENOTSUP, affinity_disabled, "an SRADID is given, and enhanced affinity is disabled")
RSET_UNREADABLE = Row(E.EFAULT, rset_unreadable, "the resource set is at an invalid address")
NOT_PRIVILEGED = Row(E.EPERM, not_privileged, "the caller has neither root authority nor CAP_NUMA_ATTACH")
SRADID_INVALID = Row(E.ENODEV, sradid_invalid, "there is no such SRADID")
OF_SETS = (
    _set_row(E.ENODEV, attaching.no_available_processor, "the resource set holds no available processor"),
    _set_row(
        E.EINVAL,
        attaching.not_exclusive,
        "R_ATTACH_STRSET is given, and an available processor of the set is not of exclusive use",
    ),
    _set_row(
        E.ENODEV,
        attaching.st_set_empty,
        "R_ATTACH_STRSET is given, and no core of the set is whole, so the ST set is empty",
    ),
)
THREAD_BOUND = Row(
    E.EPERM,
    thread_bound,
    "a thread that is to be attached is bound to a processor by bindprocessor",
    about=of_a_process,
)
OUTSIDE_PARTITION = Row(
    E.EPERM,
    outside_partition,
    "the resource set is not within the process's partition set",
    about=of_a_process,
)

RESOURCE_ROWS = (
    RSTYPE_INVALID, FLAGS_INVALID, AFFINITY_DISABLED, RSET_UNREADABLE, NOT_PRIVILEGED, SRADID_INVALID, *OF_SETS,
    THREAD_BOUND, OUTSIDE_PARTITION,
)  # fmt: skip
