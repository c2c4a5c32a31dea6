"""What a program asks about SRADs: rs_get_homesrad and rs_info."""

from __future__ import annotations

from typing import Any

from attrs import define, setters

from bprocsim.aix import constants as c
from bprocsim.aix.partition import Partition
from bprocsim.aix.placement import eligible, general, of_thread
from bprocsim.aix.rads import containing, count
from bprocsim.aix.records import RadInfo
from bprocsim.aix.service import Asker, Service
from bprocsim.aix.topology import members
from bprocsim.errnos import Errno as E
from bprocsim.manual import Errors, Row


def usable(asker: Asker) -> int:
    """Give the processors on which the caller may run; a process never made has nothing attached."""
    return general(asker.partition) if asker.thread is None else eligible(asker.partition, asker.thread)


# ---- rs_get_homesrad -----------------------------------------------------------------------------


def _home(asker: Asker) -> int:
    """Tell the SRAD that the thread is attached to, or else that of the first processor it may run on."""
    if not asker.partition.enhanced_affinity:
        return c.SRADID_ANY
    srad = None if asker.thread is None else of_thread(asker.thread).srad
    if srad is not None:
        return srad
    return asker.partition.topology.srad_of(next(members(usable(asker)), 0))


# rs_get_homesrad(): gives the SRADID, or SRADID_ANY where enhanced affinity is disabled. It never fails.
RS_GET_HOMESRAD = Service(
    Errors(
        "rs_get_homesrad",
        page="aix-rs_get_homesrad",
        order="aix-rs_get_homesrad",
        rows=(),
    ),
    lambda asker: asker,
    _home,
)


# ---- rs_info -------------------------------------------------------------------------------------


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class RsInfoFacts:
    """What rs_info asks about."""

    asker: Asker
    out: Any
    command: int
    arg1: int
    arg2: int

    @property
    def about_srad(self) -> bool:
        """Tell whether the command is about an SRAD; the other is about a RAD of any level."""
        return self.command in (c.RS_SRADID_LOADAVG, c.RS_SRADID_USABLE_LOADAVG)


def command_invalid(f: RsInfoFacts) -> bool:
    return f.command not in (c.RS_CONTAINING_RAD, c.RS_SRADID_LOADAVG, c.RS_SRADID_USABLE_LOADAVG)


def out_unreadable(f: RsInfoFacts) -> bool:
    return not isinstance(f.out, RadInfo)


def affinity_disabled(f: RsInfoFacts) -> bool:
    return f.about_srad and not f.asker.partition.enhanced_affinity


def sradid_invalid(f: RsInfoFacts) -> bool:
    return f.about_srad and not 0 <= f.arg1 < f.asker.partition.topology.srads


def rad_invalid(f: RsInfoFacts) -> bool:
    if f.command != c.RS_CONTAINING_RAD:
        return False
    # The system itself, level 0, lies in nothing.
    return f.arg1 not in (1, 2, 3) or not 0 <= f.arg2 < count(f.asker.partition, f.arg1)


def load(partition: Partition, processors: int) -> int:
    """Tell how many threads want these processors now, in thousandths.

    One that runs counts where it does; one that waits, by the part of its processors that lies here.
    """
    dispatcher, total = partition.dispatcher, 0
    for thread in partition.threads():
        at = dispatcher.processor_of(thread)
        if at >= 0:
            total += 1000 * (processors >> at & 1)
        elif thread.waiting is not None and thread.waiting.queue is dispatcher:
            where = eligible(partition, thread)
            if where:
                total += 1000 * (where & processors).bit_count() // where.bit_count()
    return total


def _rs_info(f: RsInfoFacts) -> int:
    partition = f.asker.partition
    if f.command == c.RS_CONTAINING_RAD:
        f.out.rad = containing(partition, f.arg1, f.arg2)
        return 0
    processors = partition.topology.srad_sets[f.arg1] & partition.online
    if f.command == c.RS_SRADID_USABLE_LOADAVG:
        processors &= usable(f.asker)
    f.out.load_average, f.out.cpu_count = load(partition, processors), processors.bit_count()
    return 0


# rs_info(out, command, arg1, arg2): RS_CONTAINING_RAD with a level and an index, the others with an SRADID.
RS_INFO = Service(
    Errors(
        "rs_info",
        page="aix-rs_info",
        order="choice-rsets",
        rows=(
            Row(E.EINVAL, command_invalid, "command is not one of rs_info's"),
            Row(E.EFAULT, out_unreadable, "out is an invalid address"),
            Row(E.EINVAL, rad_invalid, "there is no such RAD, or none that contains it"),
            Row(E.ENOTSUP, affinity_disabled, "enhanced affinity is disabled", source="aix-ra_exec"),
            Row(E.ENODEV, sradid_invalid, "there is no such SRADID", source="aix-ra_exec"),
        ),
    ),
    lambda asker, out, command, arg1=0, arg2=0: RsInfoFacts(asker, out, command, arg1, arg2),
    _rs_info,
)
