"""Processor models: how many hardware threads a core has, and how fast each runs beside busy siblings."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen

# How many hardware threads a core of any model may have.
WIDTHS = (1, 2, 4, 8)


@frozen(eq=False)
class Model:
    """One processor model.

    `smt` the hardware threads of a core; `speeds` how fast each of them runs, in per mille of a
    thread that has the core to itself, by how many are busy (the first: one); `enhanced_affinity`
    whether it can be switched on; `source` of the speeds.
    TypeError, ValueError: name the field.
    """

    name: str
    smt: int
    speeds: tuple[int, ...]
    source: str
    enhanced_affinity: bool = False

    def __attrs_post_init__(self) -> None:
        if self.smt not in WIDTHS:
            raise ValueError(f"smt: expected one of {', '.join(map(str, WIDTHS))}, got {self.smt!r}")
        if len(self.speeds) != self.smt:
            raise ValueError(f"speeds: expected {self.smt}, for 1 busy hardware thread and more, got {self.speeds!r}")
        for speed in self.speeds:
            if isinstance(speed, bool) or not isinstance(speed, int):
                raise TypeError(f"speeds: expected ints, per mille, got {speed!r}")
            if not 1 <= speed <= 1000:
                raise ValueError(f"speeds: expected 1 to 1000 per mille, got {speed}")

    @property
    def widths(self) -> tuple[int, ...]:
        """Give the numbers of hardware threads that a core of it may have, or may have online."""
        return tuple(width for width in WIDTHS if width <= self.smt)


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
