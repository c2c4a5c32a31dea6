"""Processor models: how many hardware threads a core has, and how fast each runs beside busy siblings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen


@frozen(eq=False)
class Model:
    """One processor model.

    `smt` the hardware threads of a core; `speeds` how fast each of them runs, in per mille of a
    thread that has the core to itself, by how many are busy (the first: one); `enhanced_affinity`
    whether it can be switched on; `source` of the speeds.
    """

    name: str
    smt: int
    speeds: tuple[int, ...]
    source: str
    enhanced_affinity: bool = False

    @property
    def widths(self) -> tuple[int, ...]:
        """Give the numbers of hardware threads that a core of it may have, or may have online."""
        return tuple(width for width in (1, 2, 4, 8) if width <= self.smt)


MODELS: Mapping[str, Model] = MappingProxyType(
    {
        each.name: each
        for each in (
            Model("POWER5", 2, (1000, 650), "smt-power5"),
            Model("POWER6", 2, (1000, 650), "choice-smt-speeds"),
            Model("POWER7", 4, (1000, 700, 500, 400), "smt-power7", enhanced_affinity=True),
            Model(
                "POWER8", 8, (1000, 800, 581, 472, 384, 325, 283, 252), "smt-power8", enhanced_affinity=True
            ),
        )
    }
)  # fmt: skip
