"""Worlds as the plugin has seen them: enough to tell of them, and not so much that it keeps them alive."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from weakref import ReferenceType, ref

from attrs import define, field

if TYPE_CHECKING:
    from bprocsim.faults import Planned
    from bprocsim.trace import Trace
    from bprocsim.world.simulation import Simulation

# So many worlds of one run are kept, the last ones; a test may make thousands.
KEPT = 16


@define(eq=False)
class SeenWorld:
    """One world: its `number` in its run from 1 on, what it was made of, its faults, and its trace.

    `systems` what writes each as Python, and the faults that it was given, as far as that has come by now;
    `replays` commands that do in a world alike what scenarios have done in this one.
    """

    number: int
    seed: int
    trace: Trace
    _sim: ReferenceType[Simulation]
    systems: list[tuple[Callable[[], str], list[Planned]]] = field(factory=list)
    replays: list[list[str]] = field(factory=list)

    def is_of(self, sim: Simulation) -> bool:
        """Tell whether it is this one."""
        return self._sim() is sim

    @property
    def faults(self) -> list[Planned]:
        """Give the faults of all of its systems."""
        return [planned for _, faults in self.systems for planned in faults]

    def made_of(self) -> list[str]:
        """Tell what it was made of: what a world alike has in common with it."""
        return [f"seed {self.seed}", *([built() for built, _ in self.systems] or ["no system"])]


@define(eq=False)
class SeenRun:
    """The worlds of one test, or of one example of it: `count` of them, of which the last ones are kept.

    `swept` how many more there were of whom others tell, by those others' names.
    """

    count: int = 0
    swept: dict[str, int] = field(factory=dict)
    worlds: deque[SeenWorld] = field(factory=lambda: deque(maxlen=KEPT))

    def add_world(self, sim: Simulation) -> None:
        """Take a new world."""
        self.count += 1
        self.worlds.append(SeenWorld(self.count, sim.seed, sim.trace, ref(sim)))

    def world(self, number: int) -> SeenWorld | None:
        """Give the world of a number, None if there was none, or it has not been kept."""
        return next((each for each in self.worlds if each.number == number), None)

    def __iter__(self) -> Iterator[SeenWorld]:
        return iter(self.worlds)
