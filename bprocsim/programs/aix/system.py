"""The processors of a partition as commands see them: which are online, in which cores and SRADs."""

from __future__ import annotations

from attrs import frozen

from bprocsim.aix.constants import R_PCORESDL, R_SRADSDL, RS_ALL, RS_EMPTY, RS_SYSTEM
from bprocsim.aix.rset import Rset
from bprocsim.faces.aix import AixProc
from bprocsim.programs.aix.command import Steps

# The namespace of the sets that the system itself has, one for each RAD.
SYSTEM = "sys"


@frozen
class Cores:
    """The cores that have a hardware thread online.

    `threads` how many a core has, online or not; `online` the logical ids that are, so that a bind
    id is a place in it; `cores` the sets of each core's processors.
    """

    threads: int
    online: list[int]
    cores: list[Rset]

    def bind_ids(self, core: Rset) -> list[int]:
        """Give the bind ids of a core's hardware threads."""
        return [bind_id for bind_id, processor in enumerate(self.online) if processor in core]


def rads(proc: AixProc, kind: int) -> Steps:
    """List the resource allocation domains of a level that rs_getinfo knows as `kind`; gives sets."""
    everything = yield from proc.rs_alloc(RS_ALL)
    sdl = yield from proc.rs_getinfo(None, kind)
    found = []
    for index in range((yield from proc.rs_numrads(everything, sdl))):
        found.append((yield from proc.rs_alloc(RS_EMPTY)))
        yield from proc.rs_getrad(everything, found[-1], sdl, index)
    return found


def cores(proc: AixProc) -> Steps:
    """Look at the cores; gives Cores."""
    online = yield from proc.rs_alloc(RS_SYSTEM)
    of_cores = yield from rads(proc, R_PCORESDL)
    return Cores(max(map(len, of_cores), default=1), list(online), of_cores)


def system_sets(proc: AixProc) -> Steps:
    """List the sets that the system itself has: all of it, each SRAD, each processor; gives pairs (name, set)."""
    everything = yield from proc.rs_alloc(RS_ALL)
    found = [("sys0", everything)]
    found += [(f"node.01.{number:05}", each) for number, each in enumerate((yield from rads(proc, R_SRADSDL)))]
    found += [(f"cpu.02.{processor:05}", Rset(1 << processor)) for processor in everything]
    return found
