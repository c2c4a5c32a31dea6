"""Resource allocation domains (RADs): what lies together in the machine, level by level.

System detail levels are numbers of ours, coarse to fine, since programs ask for them by rs_getinfo:
the whole system is 0, as it is on real machines, SRADs are 1, cores 2, hardware threads 3. Cores
that share a second-level cache are not told apart from cores, for the models have one for each core;
above SRADs there is nothing finer than the system. All four exist on every partition, one SRAD and
one hardware thread per core included, so that a program sees no level come and go.
Sources: aix-rs_getrad, hwloc-aix (which level is which), choice-rsets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from bprocsim.aix import constants as c
from bprocsim.aix.partition import Partition
from bprocsim.aix.placement import Attached

SYSTEM_SDL, SRAD_SDL, CORE_SDL, THREAD_SDL = range(4)

# Under which names rs_getinfo tells the levels.
DETAIL_LEVELS: Mapping[int, int] = MappingProxyType(
    {
        c.R_SMPSDL: SYSTEM_SDL,
        c.R_REF1SDL: SYSTEM_SDL,
        c.R_MCMSDL: SRAD_SDL,
        c.R_L2CSDL: CORE_SDL,
        c.R_PCORESDL: CORE_SDL,
        c.R_MAXSDL: THREAD_SDL,
    }
)


def rads(partition: Partition, sdl: int) -> Iterator[Attached]:
    """Give the RADs of a level in order; below SRADs they have no memory pools of their own."""
    topology = partition.topology
    if sdl == SYSTEM_SDL:
        yield partition.default_set
    elif sdl == SRAD_SDL:
        for number, processors in enumerate(topology.srad_sets):
            yield Attached(processors, 1 << number)
    elif sdl == CORE_SDL:
        yield from map(Attached, topology.core_sets)
    else:
        yield from (Attached(1 << number) for number in range(topology.cores * topology.smt))


def containing(partition: Partition, sdl: int, index: int) -> int:
    """Give the index of the RAD, one level up, that holds the RAD `index` of a level."""
    topology = partition.topology
    if sdl == THREAD_SDL:
        return topology.core_of(index)
    if sdl == CORE_SDL:
        return topology.srad_of(index * topology.smt)
    return 0


def count(partition: Partition, sdl: int) -> int:
    """Tell how many RADs a level has."""
    topology = partition.topology
    return (1, topology.srads, topology.cores, topology.cores * topology.smt)[sdl]
