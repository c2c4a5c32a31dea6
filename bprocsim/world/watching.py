"""Who is told of worlds, and of the systems in them, as they are made: tools of tests, mostly nobody.

A watcher is asked nothing and may change nothing about what it is told of; it may keep it. It hears of
worlds of every thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bprocsim.world.simulation import Simulation
    from bprocsim.world.system import System


class Watcher:
    """Somebody who is told of worlds; of itself it does nothing. Take what you need of it in a class of your own."""

    def world_made(self, sim: Simulation) -> None:
        """Hear of a world that has just been made; it holds no system yet."""

    def world_swept(self, sim: Simulation, by: str) -> None:
        """Hear of a world that `by` has made among many alike, and will tell of itself: one as any other."""
        self.world_made(sim)

    def system_made(self, system: System) -> None:
        """Hear of a cluster or a partition that has just been built, and is held by its world."""

    def scenario_played(self, sim: Simulation, token: str, beside: str | None) -> None:
        """Hear that all calls of a scenario were made in its world.

        `token` replays them; `beside` the folder in which what it uses is looked for, None if it uses nothing.
        """


# Those who watch, in the order in which they began. Looked at for its truth before anybody is told.
watchers: list[Watcher] = []

# Who makes many worlds alike just now, the innermost last.
_sweeping: list[str] = []


class Watching:
    """What `watch` gives: `stop()`, or the end of a `with`, is the end of it."""

    def __init__(self, watcher: Watcher) -> None:
        self.watcher = watcher
        watchers.append(watcher)

    def stop(self) -> None:
        """Tell the watcher no more; a second time this does nothing."""
        watchers[:] = [each for each in watchers if each is not self.watcher]

    def __enter__(self) -> Watching:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def watch(watcher: Watcher) -> Watching:
    """Let somebody be told of every world and system that is made from now on, until `.stop()` or the end of a `with`.

    Who watches already is not told twice. TypeError: it is no Watcher.
    """
    if not isinstance(watcher, Watcher):
        raise TypeError(f"watcher: expected a Watcher, got {watcher!r}")
    watchers[:] = [each for each in watchers if each is not watcher]
    return Watching(watcher)


def tell_of_world(sim: Simulation) -> None:
    """Tell all who watch of a world."""
    for watcher in tuple(watchers):
        if _sweeping:
            watcher.world_swept(sim, _sweeping[-1])
        else:
            watcher.world_made(sim)


@contextmanager
def sweep(by: str) -> Iterator[None]:
    """Let the worlds that are made within be those of a sweep; `by` names who will tell of them."""
    _sweeping.append(by)
    try:
        yield
    finally:
        _sweeping.pop()


def tell_of_system(system: System) -> None:
    """Tell all who watch of a system."""
    for watcher in tuple(watchers):
        watcher.system_made(system)


def tell_of_scenario(sim: Simulation, token: str, beside: str | None) -> None:
    """Tell all who watch of a scenario that was played."""
    for watcher in tuple(watchers):
        watcher.scenario_played(sim, token, beside)
