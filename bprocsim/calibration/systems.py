"""The systems on which launch times were measured: links, disks and processors as records."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from bprocsim.costs import PRESETS, Costs
from bprocsim.units import GiB, MiB
from bprocsim.world.specs import NodeSpec, label, named_record


@frozen
class System:
    """A cluster to launch on: `costs` the figures of its links, disks and processors, `front` and `node` its machines.

    `hardware` says what it is; `source` an id of sources.toml. A system of your own is a record of
    your own: `attrs.evolve(SYSTEMS["pinkish"], costs=...)`. TypeError, ValueError: name the argument.
    """

    name: str
    costs: Costs
    front: NodeSpec = field(factory=NodeSpec)
    node: NodeSpec = field(factory=NodeSpec)
    hardware: str = ""
    source: str = ""

    def __attrs_post_init__(self) -> None:
        label("name", self.name)
        for argument, kind in (("costs", Costs), ("front", NodeSpec), ("node", NodeSpec)):
            value: Any = getattr(self, argument)
            if not isinstance(value, kind):
                raise TypeError(f"{argument}: expected bp.{kind.__name__}, got {value!r}")


def _system(name: str, machine: NodeSpec, hardware: str, source: str) -> System:
    return System(name, PRESETS[name], machine, machine, hardware, source)


# The sources say what the machines were; how much memory the Alphas had they do not. Source: choice-launch.
SYSTEMS: dict[str, System] = {
    each.name: each
    for each in (
        _system(
            "pinkish", NodeSpec(cores=2, memory_bytes=2 * GiB),
            "91 nodes at LANL, dual Opteron, 2 GB of memory, Myrinet of 2 Gb/s, coreboot", source="xcpu2-results",
        ),
        _system(
            "LLNL-1000", NodeSpec(cores=2, memory_bytes=2 * GiB),
            "about 1000 nodes at LLNL, Linux, Quadrics", source="slurm-figures-2002",
        ),
        _system(
            "2x ES40", NodeSpec(cores=4, memory_bytes=2 * GiB),
            "2 Compaq AlphaServer ES40, TCP/IP over Myrinet 2000", source="hendriks-2002",
        ),
        _system(
            "16x CS20", NodeSpec(cores=2, memory_bytes=1 * GiB),
            "16 API CS20 with two Alphas of 833 MHz, Fast Ethernet", source="hendriks-2002",
        ),
        _system(
            "Ed-like 126", NodeSpec(cores=1, memory_bytes=512 * MiB),
            "105 DS10L, 16 CS20 and 5 ES40, one of which is the front end, Fast Ethernet", source="hendriks-2002",
        ),
        _system(
            "BProc cluster in STORM table", NodeSpec(cores=2, memory_bytes=1 * GiB),
            "not told; Alphas and Myrinet, as is concluded from its years", source="storm-2002",
        ),
    )
}  # fmt: skip


def system_of(value: Any) -> System:
    """Take a System or the name of one. TypeError, ValueError: name the systems that there are."""
    found: System = named_record(value, SYSTEMS, System, "system")
    return found
