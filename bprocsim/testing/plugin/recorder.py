"""Which worlds belong to which test, and of a Hypothesis test to which of its examples."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from attrs import define, field

from bprocsim.testing.plugin.seen import SeenRun, SeenWorld
from bprocsim.world.watching import Watcher

if TYPE_CHECKING:
    from bprocsim.world.simulation import Simulation
    from bprocsim.world.system import System


@define(eq=False)
class Example(SeenRun):
    """One example of a Hypothesis test: its `context` there while it runs, and whether it is its last word on it."""

    context: Any = None
    final: bool = False


@define(eq=False)
class Told:
    """What there is to tell of one test: its worlds outside of examples, and of which examples.

    `passed` the last that passed; `failed` the last that failed; `final` those by which Hypothesis shows
    why the test fails; `wrapped` what Hypothesis keeps about the test.
    """

    plain: SeenRun = field(factory=SeenRun)
    passed: SeenRun | None = None
    failed: SeenRun | None = None
    final: list[SeenRun] = field(factory=list)
    wrapped: Any = None

    def failing(self, error: BaseException | None) -> list[SeenRun]:
        """Give the examples by which a test has failed with an error."""
        errors = sys.modules.get("hypothesis.errors")
        if not self.final and self.failed is not None and errors is not None and isinstance(error, errors.Flaky):
            return [self.failed]  # which passed when it was to be shown
        return self.final


class Recorder(Watcher):
    """Hears of all worlds of a run of pytest, and keeps those of the test that is run now.

    `calling` the test whose own code is being run, None in set-ups and teardowns; `passed` whether the last
    of that has passed; `shown` what has been told of the test; `before` the last test that has passed, and its
    worlds; `shared` the worlds of fixtures that outlive a test, by their names.
    """

    def __init__(self) -> None:
        self.item: pytest.Item | None = None
        self.calling: pytest.Item | None = None
        self.told = Told()
        self.before: tuple[pytest.Item, SeenRun] | None = None
        self.shared: dict[str, SeenRun] = {}
        self.passed = False
        self.shown = ""
        self._setting_up: list[SeenRun] = []
        self._example: Example | None = None

    def begin(self, item: pytest.Item) -> None:
        """Begin with a test, or with it once more."""
        self.item, self.told, self._example = item, Told(), None
        self.passed, self.shown = False, ""

    def end(self) -> None:
        """Let a test be over: what is kept of it is kept for the next one alone."""
        if self.passed and self.item is not None and self.told.plain.count:
            self.before = self.item, self.told.plain
        self.item, self.told, self._example = None, Told(), None

    def last_passed(self, item: pytest.Item) -> tuple[SeenRun | None, str]:
        """Give the last run that passed of the same function, maybe with other parameters, and what to call it."""
        if self.before is None:
            return None, ""
        other, run = self.before
        if getattr(other, "function", other) is not getattr(item, "function", item):
            return None, ""
        return run, f"the last run that passed ({other.name})"

    @contextmanager
    def shared_by(self, fixture: str) -> Iterator[None]:
        """Keep worlds that are made within for all tests that use a fixture."""
        run = SeenRun()
        self._setting_up.append(run)
        try:
            yield
        finally:
            self._setting_up.pop()
            if run.count:
                self.shared[fixture] = run

    def shared_with(self, item: pytest.Item) -> Iterator[tuple[str, SeenRun]]:
        """Give the worlds that a test shares with others, by the fixtures that have made them."""
        for name in getattr(item, "fixturenames", ()):
            if name in self.shared:
                yield name, self.shared[name]

    # ---- as a Watcher ----

    def world_made(self, sim: Simulation) -> None:
        """See Watcher."""
        if self.item is not None:
            self._run().add_world(sim)

    def world_swept(self, sim: Simulation, by: str) -> None:
        """See Watcher."""
        if self.item is not None:
            swept = self._run().swept
            swept[by] = swept.get(by, 0) + 1

    def system_made(self, system: System) -> None:
        """See Watcher."""
        world = self._seen(system.sim)
        if world is not None:
            world.systems.append((system.built(), system.planned))

    def scenario_played(self, sim: Simulation, token: str, beside: str | None) -> None:
        """See Watcher."""
        world = self._seen(sim)
        if world is not None:
            world.replays.append(["bprocsim", "replay", *([] if beside is None else ["--beside", beside]), token])

    def _seen(self, sim: Simulation) -> SeenWorld | None:
        """Find a world of the test that is run now, or of its example."""
        runs = (*self._setting_up, self._example, self.told.plain, *self.shared.values())
        return next(
            (world for run in runs if run is not None for world in reversed(run.worlds) if world.is_of(sim)), None
        )

    def _run(self) -> SeenRun:
        """Give the run to which a world belongs that is made now."""
        if self._setting_up:
            return self._setting_up[-1]
        control = sys.modules.get("hypothesis.control")
        if control is None or not control.currently_in_test_context():
            return self.told.plain
        context = control.current_build_context()
        if self._example is None or self._example.context is not context:
            self._example = example = Example(context=context, final=bool(getattr(context, "is_final", False)))
            self.told.wrapped = getattr(context, "wrapped_test", None)
            control.cleanup(partial(self._ended, example, self.told, sys.exception()))
        return self._example

    def _ended(self, example: Example, told: Told, before: BaseException | None) -> None:
        """Hear that an example is over, while what it has raised, if anything, is on its way."""
        error, context, example.context = sys.exception(), example.context, None
        if error is not before and error is not None:
            if not _rejects(error, sys.modules["hypothesis.errors"]):
                told.failed = example
                if example.final:
                    told.final.append(example)
        elif _is_valid(context):
            told.passed = example


def _rejects(error: BaseException, errors: ModuleType) -> bool:
    """Tell whether an example has ended without a verdict."""
    return isinstance(error, errors.UnsatisfiedAssumption | errors.StopTest | pytest.skip.Exception)


def _is_valid(context: Any) -> bool:
    """Tell whether Hypothesis takes an example that raised nothing for one that has passed."""
    return getattr(getattr(getattr(context, "data", None), "status", None), "name", "VALID") == "VALID"


RECORDER = pytest.StashKey[Recorder]()
