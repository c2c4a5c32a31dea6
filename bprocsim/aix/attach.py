"""ra_attachrset, ra_attach, ra_detachrset and ra_getrset: what is tied to which resource, while it runs."""

from __future__ import annotations

from typing import Any

from attrs import define, setters

from bprocsim.aix import constants as c
from bprocsim.aix.attaching import thread_sets
from bprocsim.aix.placement import of_process, of_thread
from bprocsim.aix.resource import (
    AFFINITY_DISABLED,
    FLAGS_INVALID,
    NOT_PRIVILEGED,
    OF_SETS,
    OUTSIDE_PARTITION,
    RSET_UNREADABLE,
    RSTYPE_INVALID,
    SRADID_INVALID,
    THREAD_BOUND,
    ResourceFacts,
    within,
)
from bprocsim.aix.rset import is_readable
from bprocsim.aix.service import Asker, Service
from bprocsim.aix.work import Work, find, owned, set_effective, set_home, set_own
from bprocsim.errnos import Errno as E
from bprocsim.manual import Errors, Row

ORDER = "choice-ra_exec-order"

# ---- the work, of all four -----------------------------------------------------------------------


def work_type_invalid(f: Any) -> bool:
    return f.work_type not in f.asker.partition.level.work


def no_such_work(f: Any) -> bool:
    return f.found is None


def other_owner(f: Any) -> bool:
    return f.found is not None and not owned(f.asker, f.found)


_WORK_TYPE_INVALID = Row(E.EINVAL, work_type_invalid, "the type is not one of work that can be attached")
NO_SUCH_WORK = Row(E.ESRCH, no_such_work, "there is no such process or thread")
_OTHER_OWNER = Row(E.EPERM, other_owner, "the caller is not root, and the target has another effective user id")

# ---- ra_attachrset and ra_attach -----------------------------------------------------------------


class AttachFacts(ResourceFacts):
    """What an attachment of running work asks, besides what it asks of the resource.

    `work_type` R_PROCESS or R_THREAD; `found` the work, None if there is no such.
    """

    __slots__ = ("found", "work_type")

    def __init__(self, asker: Asker, work_type: int, work_id: Any, rstype: int, rsid: Any, flags: int) -> None:
        self.work_type = work_type
        self.found = find(asker, work_type, work_id)
        super().__init__(asker, self.found or Work(None), rstype, rsid, flags)

    @property
    def is_thread(self) -> bool:
        """Tell whether one thread is to be attached."""
        return self.work_type == c.R_THREAD


def _survey_attachrset(asker: Asker, rstype: int, rsid: Any, rset: Any, flags: int) -> AttachFacts:
    return AttachFacts(asker, rstype, rsid, c.R_RSET, rset, flags)


def thread_set_outside(f: AttachFacts) -> bool:
    if f.is_thread or f.given is None:
        return False
    return bool(thread_sets(f.work.process) & ~f.given.attached_processors)


def outside_effective(f: AttachFacts) -> bool:
    if not f.is_thread or f.work.process is None or f.given is None:
        return False
    return not within(f.given, of_process(f.work.process).effective)


def sradid_of_process(f: AttachFacts) -> bool:
    return f.rstype == c.R_SRADID and f.work_type == c.R_PROCESS


_OF_RUNNING_SETS = (
    *OF_SETS,
    THREAD_BOUND,
    OUTSIDE_PARTITION,
    Row(E.EPERM, thread_set_outside, "a thread of the process is attached to a set that is not within this one"),
    Row(E.EPERM, outside_effective, "the resource set is not within the effective set of the thread's process"),
)

RA_ATTACHRSET_ERRORS = Errors(
    "ra_attachrset",
    page="aix-ra_attachrset",
    order=ORDER,
    rows=(
        _WORK_TYPE_INVALID, FLAGS_INVALID, RSET_UNREADABLE, NOT_PRIVILEGED, NO_SUCH_WORK, _OTHER_OWNER,
        *_OF_RUNNING_SETS,
    ),
)  # fmt: skip

RA_ATTACH_ERRORS = Errors(
    "ra_attach",
    page="aix-ra_attach",
    order=ORDER,
    rows=(
        _WORK_TYPE_INVALID,
        RSTYPE_INVALID,
        Row(E.EINVAL, sradid_of_process, "an SRADID is given for a process; it is threads that have one"),
        FLAGS_INVALID, AFFINITY_DISABLED, RSET_UNREADABLE, NOT_PRIVILEGED, NO_SUCH_WORK, _OTHER_OWNER, SRADID_INVALID,
        *_OF_RUNNING_SETS,
    ),
)  # fmt: skip


def _attach(f: AttachFacts) -> int:
    if f.given is None:
        for thread in f.work.threads:
            set_home(thread, f.rsid)
    elif f.is_thread:
        for thread in f.work.threads:
            set_own(thread, f.given.result)
    elif f.work.process is not None:
        set_effective(f.work.process, f.given.result)
    f.partition.changed(f.work.threads)
    return 0


RA_ATTACHRSET = Service(RA_ATTACHRSET_ERRORS, _survey_attachrset, _attach)
RA_ATTACH = Service(RA_ATTACH_ERRORS, AttachFacts, _attach)

# ---- ra_detachrset -------------------------------------------------------------------------------


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class DetachFacts:
    """What ra_detachrset asks."""

    asker: Asker
    work_type: int
    flags: int
    found: Work | None


def _survey_detach(asker: Asker, rstype: int, rsid: Any, flags: int) -> DetachFacts:
    return DetachFacts(asker, rstype, flags, find(asker, rstype, rsid))


def detach_flags_invalid(f: DetachFacts) -> bool:
    return bool(f.flags & ~(c.R_DETACH_ALLTHRDS if f.work_type == c.R_PROCESS else 0))


RA_DETACHRSET_ERRORS = Errors(
    "ra_detachrset",
    page="aix-ra_detachrset",
    order=ORDER,
    rows=(
        _WORK_TYPE_INVALID,
        Row(E.EINVAL, detach_flags_invalid, "flags holds a bit that is reserved", name="flags_invalid"),
        Row(E.EPERM, lambda f: not f.asker.may_attach, NOT_PRIVILEGED.sentence, name="not_privileged"),
        NO_SUCH_WORK,
        _OTHER_OWNER,
    ),
)


def _detach(f: DetachFacts) -> int:
    assert f.found is not None, "every row was tested"
    work = f.found
    if work.process is not None and f.work_type == c.R_PROCESS:
        set_effective(work.process, None)
    if f.work_type == c.R_THREAD or f.flags & c.R_DETACH_ALLTHRDS:
        for thread in work.threads:
            set_own(thread, None)
    f.asker.partition.changed(work.threads)
    return 0


RA_DETACHRSET = Service(RA_DETACHRSET_ERRORS, _survey_detach, _detach)

# ---- ra_getrset ----------------------------------------------------------------------------------


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class GetFacts:
    """What ra_getrset asks; `rset` the handle that it fills."""

    asker: Asker
    work_type: int
    flags: int
    found: Work | None
    rset: Any


def _survey_get(asker: Asker, rstype: int, rsid: Any, flags: int, rset: Any) -> GetFacts:
    return GetFacts(asker, rstype, flags, find(asker, rstype, rsid), rset)


def flags_not_zero(f: GetFacts) -> bool:
    return f.flags != 0


def rset_unwritable(f: GetFacts) -> bool:
    return not is_readable(f.rset)


RA_GETRSET_ERRORS = Errors(
    "ra_getrset",
    page="aix-ra_getrset",
    order=ORDER,
    rows=(
        _WORK_TYPE_INVALID,
        Row(E.EINVAL, flags_not_zero, "flags is not 0"),
        Row(E.EFAULT, rset_unwritable, "the resource set is at an invalid address"),
        NO_SUCH_WORK,
    ),
)


def _get(f: GetFacts) -> int:
    assert f.found is not None, "every row was tested"
    which, found = c.RS_DEFAULT_RSET, f.asker.partition.default_set
    process, thread = f.found.process, f.found.thread
    if process is not None:
        placed, own = of_process(process), None if thread is None else of_thread(thread).attached
        if own is not None:
            which, found = c.RS_THREAD_RSET, own
        elif placed.effective is not None:
            which, found = c.RS_EFFECTIVE_RSET, placed.effective
        elif placed.partition is not None:
            which, found = c.RS_PARTITION_RSET, placed.partition
    f.rset.processors, f.rset.memory = found.processors, found.memory
    return which


RA_GETRSET = Service(RA_GETRSET_ERRORS, _survey_get, _get)
