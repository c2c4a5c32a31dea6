"""A scenario run from its first call to its last: what became of it, and the token that replays it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bprocsim.scenario.build import World
from bprocsim.scenario.load import Loaded
from bprocsim.scenario.play import Refused, Result, play
from bprocsim.scenario.tokens import write_token


class Report:
    """A run that is over: its results, what its faults did, its digest, and the token that replays it.

    `refused` says why a call could not be made, after which no more were; `made_by` the version of bprocsim.
    """

    def __init__(self, loaded: Loaded, world: World, results: Sequence[Result], refused: str, made_by: str) -> None:
        self.loaded, self.world, self.results, self.refused = loaded, world, results, refused
        self.seed = loaded.scenario.seed
        self.digest = world.trace.digest() if world.trace.all else None
        self.token = write_token(loaded, self.digest, results, made_by)
        self.idle = [planned.fault for planned in world.planned if not planned.fired]

    @property
    def ok(self) -> bool:
        """Tell whether everything came as expected."""
        return all(result.ok for result in self.results) and not (self.strict_faults and self.idle)

    @property
    def strict_faults(self) -> bool:
        """Tell whether a fault that never struck fails the run."""
        return bool(self.loaded.scenario.of_world("strict_faults"))


def run_all(loaded: Loaded, world: World, made_by: str, called: Callable[[], None] = lambda: None) -> Report:
    """Make all calls of a scenario in its world, and tell after each; one that cannot be made ends the run."""
    results: list[Result] = []
    refused = ""
    try:
        for result in play(world, loaded):
            results.append(result)
            called()
    except Refused as error:
        path: tuple[str | int, ...] = ("call", error.number, *([error.key] if error.key else []))
        refused = f"{loaded.where.of(path)}: {'.'.join(map(str, path))}: {error}"
    return Report(loaded, world, results, refused, made_by)
