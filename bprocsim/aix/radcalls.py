"""What a program asks of the machine behind a set: rs_getinfo, rs_numrads, rs_getrad, rs_getassociativity."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from attrs import define, setters

from bprocsim.aix import constants as c
from bprocsim.aix.partition import Partition
from bprocsim.aix.placement import Attached
from bprocsim.aix.rads import CORE_SDL, DETAIL_LEVELS, SRAD_SDL, SYSTEM_SDL, THREAD_SDL, containing, rads
from bprocsim.aix.rset import is_readable
from bprocsim.aix.rsetcalls import no_root_authority, rset_unreadable
from bprocsim.aix.service import Asker, Service
from bprocsim.errnos import Errno as E
from bprocsim.manual import Errors, Row
from bprocsim.units import MiB

# ---- rs_getinfo ----------------------------------------------------------------------------------


def _processors(partition: Partition, rset: Any) -> int:
    return int((rset.processors & partition.online).bit_count())


def _memory_pools(partition: Partition, rset: Any) -> int:
    return int((rset.memory & partition.topology.memory_pools).bit_count())


def _memory_mib(partition: Partition, rset: Any) -> int:
    whole: int = partition.machine.memory.total_bytes
    return whole * _memory_pools(partition, rset) // partition.topology.srads // MiB


def _nothing(_partition: Partition, _rset: Any) -> int:
    return 0  # neither large pages nor attachments of shared memory are modelled


# What is told of a set. Source: aix-rs_getinfo.
OF_SET: Mapping[int, Callable[[Partition, Any], int]] = MappingProxyType(
    {
        c.R_NUMPROCS: _processors,
        c.R_NUMMEMPS: _memory_pools,
        c.R_MEMSIZE: _memory_mib,
        c.R_LGPGFREE: _nothing,
        c.R_LGPGDEF: _nothing,
        c.R_SHMATTCAP: _nothing,
    }
)

# What a set can hold, whichever it is: as many ids of each kind.
_OF_ANY_SET = (c.R_MAXPROCS, c.R_MAXMEMPS)


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class InfoFacts:
    """What rs_getinfo asks about."""

    partition: Partition
    rset: Any
    type: int
    flags: int

    @property
    def about_set(self) -> bool:
        """Tell whether it is the set that is asked about, and not the system."""
        return self.type in OF_SET


def type_invalid(f: InfoFacts) -> bool:
    if f.type == c.R_REF1SDL:
        return not f.partition.level.sradids
    return f.type not in OF_SET and f.type not in DETAIL_LEVELS and f.type not in _OF_ANY_SET


def flags_nonzero(f: Any) -> bool:
    return bool(f.flags)


def asked_rset_unreadable(f: InfoFacts) -> bool:
    return f.about_set and not is_readable(f.rset)


def _info(f: InfoFacts) -> int:
    if f.about_set:
        return OF_SET[f.type](f.partition, f.rset)
    return DETAIL_LEVELS.get(f.type, f.partition.level.processors_max)


# rs_getinfo(rset, type, flags): gives a number; rset may be NULL where it is not what is asked about.
RS_GETINFO = Service(
    Errors(
        "rs_getinfo",
        page="aix-rs_getinfo",
        order="choice-rsets",
        rows=(
            Row(E.EINVAL, type_invalid, "type is no information that there is"),
            Row(E.EINVAL, flags_nonzero, "flags is not 0"),
            Row(E.EFAULT, asked_rset_unreadable, "rset is an invalid address", name="rset_unreadable"),
        ),
    ),
    lambda asker, rset, type, flags=0: InfoFacts(asker.partition, rset, type, flags),
    _info,
)


# ---- RADs ----------------------------------------------------------------------------------------


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class RadFacts:
    """What rs_numrads and rs_getrad ask about; `rad` the set that takes the answer of rs_getrad."""

    partition: Partition
    rset: Any
    sdl: int
    flags: int
    rad: Any = None
    index: int = 0

    def found(self) -> Iterator[Attached]:
        """Give the RADs of the level that have available resources in the set."""
        partition = self.partition
        processors, memory = self.rset.processors & partition.online, self.rset.memory
        for each in rads(partition, self.sdl):
            if each.processors & processors or each.memory & memory:
                yield each

    def chosen(self) -> Attached | None:
        """Give the RAD of that index, None if there is none."""
        return next((each for number, each in enumerate(self.found()) if number == self.index), None)


def sdl_invalid(f: RadFacts) -> bool:
    return not SYSTEM_SDL <= f.sdl <= THREAD_SDL


def rad_flags_invalid(f: RadFacts) -> bool:
    return f.flags not in (0, c.RS_UNION, c.RS_EXCLUSION)


def index_invalid(f: RadFacts) -> bool:
    return is_readable(f.rset) and not sdl_invalid(f) and f.chosen() is None


def rad_unreadable(f: RadFacts) -> bool:
    return not is_readable(f.rad)


def _get_rad(f: RadFacts) -> int:
    chosen, rset, rad = f.chosen(), f.rset, f.rad
    assert chosen is not None
    processors, memory = chosen.processors & rset.processors, chosen.memory & rset.memory
    if f.flags == c.RS_UNION:
        processors, memory = rad.processors | processors, rad.memory | memory
    elif f.flags == c.RS_EXCLUSION:
        processors, memory = rad.processors & ~processors, rad.memory & ~memory
    rad.processors, rad.memory = processors, memory
    return 0


# rs_numrads(rset, sdl, flags): tells how many RADs of a level have available resources in the set.
RS_NUMRADS = Service(
    Errors(
        "rs_numrads",
        page="aix-rs_numrads",
        order="choice-rsets",
        rows=(
            Row(E.EINVAL, sdl_invalid, "sdl is no system detail level"),
            Row(E.EINVAL, flags_nonzero, "flags is not 0"),
            Row(E.EFAULT, rset_unreadable, "rset is an invalid address"),
        ),
    ),
    lambda asker, rset, sdl, flags=0: RadFacts(asker.partition, rset, sdl, flags),
    lambda f: sum(1 for _ in f.found()),
)

# rs_getrad(rset, rad, sdl, index, flags): puts what of a RAD lies in rset into rad; `index` is among
# those that rs_numrads counts.
RS_GETRAD = Service(
    Errors(
        "rs_getrad",
        page="aix-rs_getrad",
        order="choice-rsets",
        rows=(
            Row(E.EINVAL, sdl_invalid, "sdl is no system detail level"),
            Row(E.EINVAL, rad_flags_invalid, "flags is none of 0, RS_UNION, RS_EXCLUSION", name="flags_invalid"),
            Row(E.EFAULT, rset_unreadable, "rset is an invalid address"),
            Row(E.EFAULT, rad_unreadable, "rad is an invalid address"),
            Row(E.EINVAL, index_invalid, "index is not below what rs_numrads gives"),
        ),
    ),
    lambda asker, rset, rad, sdl, index, flags=0: RadFacts(asker.partition, rset, sdl, flags, rad, index),
    _get_rad,
)


# ---- rs_getassociativity -------------------------------------------------------------------------


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class AssociativityFacts:
    """What rs_getassociativity asks about."""

    asker: Asker
    type: int
    id: int
    array: Any
    size: int


def kind_invalid(f: AssociativityFacts) -> bool:
    return f.type != c.R_PROCS


def size_invalid(f: AssociativityFacts) -> bool:
    return f.size <= 0


def array_unreadable(f: AssociativityFacts) -> bool:
    return not isinstance(f.array, list)


def id_absent(f: AssociativityFacts) -> bool:
    return f.id < 0 or not f.asker.partition.topology.everything >> f.id & 1


def _associativity(f: AssociativityFacts) -> int:
    """Fill the array: how many levels, then the processor's RAD at each, coarse to fine, as far as there is room."""
    indices = [f.id]
    for sdl in (THREAD_SDL, CORE_SDL, SRAD_SDL):
        indices.insert(0, containing(f.asker.partition, sdl, indices[0]))
    told = [len(indices), *indices][: f.size]
    f.array[: len(told)] = told
    return 0


# rs_getassociativity(type, id, array, size): fills a list.
RS_GETASSOCIATIVITY = Service(
    Errors(
        "rs_getassociativity",
        page="aix-rs_getassociativity",
        order="choice-rsets",
        rows=(
            Row(E.EINVAL, kind_invalid, "type is not R_PROCS"),
            Row(E.EINVAL, size_invalid, "size is 0"),
            Row(E.EFAULT, array_unreadable, "array is an invalid address"),
            Row(E.EPERM, no_root_authority, "the caller has no root authority"),
            Row(E.ENODEV, id_absent, "there is no such processor"),
        ),
    ),
    AssociativityFacts,
    _associativity,
)
