"""bindprocessor: threads that run on one processor, named by its bind id."""

from __future__ import annotations

from attrs import define, setters

from bprocsim.aix.attach import NO_SUCH_WORK
from bprocsim.aix.constants import BINDPROCESS, BINDTHREAD, PROCESSOR_CLASS_ANY, R_PROCESS, R_THREAD, RS_MYSELF
from bprocsim.aix.placement import of_process, of_thread
from bprocsim.aix.service import Asker, Service
from bprocsim.aix.work import Work, find, set_bound
from bprocsim.errnos import Errno as E
from bprocsim.manual import Errors, Row

_TYPES = {BINDPROCESS: R_PROCESS, BINDTHREAD: R_THREAD}


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class BindFacts:
    """What bindprocessor asks: `what` and `found` who is to be bound, `where` a bind id or PROCESSOR_CLASS_ANY."""

    asker: Asker
    what: int
    found: Work | None
    where: int

    @property
    def unbinds(self) -> bool:
        """Tell whether the threads are to be bound no more."""
        return self.where == PROCESSOR_CLASS_ANY


def _survey(asker: Asker, what: int, who: int, where: int) -> BindFacts:
    # Unlike in the calls on sets, RS_MYSELF names nobody here.
    known = what in _TYPES and who != RS_MYSELF
    return BindFacts(asker, what, find(asker, _TYPES[what], who) if known else None, where)


def what_invalid(f: BindFacts) -> bool:
    return f.what not in _TYPES


def processor_invalid(f: BindFacts) -> bool:
    return not f.unbinds and not f.asker.partition.bound_to(f.where)


def processor_exclusive(f: BindFacts) -> bool:
    partition = f.asker.partition
    return not f.unbinds and bool(partition.bound_to(f.where) & partition.exclusive)


def other_owner(f: BindFacts) -> bool:
    """Neither the real nor the effective user id of the caller is one of the target's."""
    if f.found is None or f.found.process is None or f.asker.is_root:
        return False
    who, target = f.asker.who, f.found.process.credentials
    return bool(who.uid != target.uid and who.euid != target.euid)


def resource_attached(f: BindFacts) -> bool:
    if f.unbinds or f.found is None or f.found.process is None:
        return False
    placed = of_process(f.found.process)
    own = any(of_thread(thread).attached is not None for thread in f.found.threads)
    return own or placed.effective is not None or placed.partition is not None


ERRORS = Errors(
    "bindprocessor",
    page="aix-bindprocessor",
    order="choice-bindprocessor-order",
    rows=(
        Row(E.EINVAL, what_invalid, "What is neither BINDPROCESS nor BINDTHREAD"),
        Row(E.EINVAL, processor_invalid, "Where is no processor that is available"),
        Row(
            E.EINVAL,
            processor_exclusive,
            "Where is a processor of exclusive use, which takes no bound work",
            source="aix-exclusive",
        ),
        NO_SUCH_WORK,
        Row(E.EPERM, other_owner, "the caller is not root, and the process is another user's"),
        Row(E.EPERM, resource_attached, "the process is attached to a resource set"),
    ),
)


def _bind(f: BindFacts) -> int:
    assert f.found is not None, "every row was tested"
    for thread in f.found.threads:
        set_bound(thread, None if f.unbinds else f.where)
    f.asker.partition.changed(f.found.threads)
    return 0


BINDPROCESSOR = Service(ERRORS, _survey, _bind)
