"""What is promised of the state machines: what a step costs beside the calls that are made in it."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from attrs import evolve
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from bprocsim.testing import ClusterMachine, Deed
from bprocsim.testing.machines.deeds import DIGITS, NotNowError, Repertoire
from tests.benchmarks.measuring import Promise, bare_timeouts, seconds

ROUNDS = 9
SETTINGS = settings(
    max_examples=20, stateful_step_count=50, database=None, deadline=None, derandomize=True,
    phases=[Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip


class Clock:
    """A clock that stands still for what is simulated; it notes at which moments a machine began, stepped and ended."""

    def __init__(self) -> None:
        self.moments: list[float] = []
        self.steps = 0
        self.simulated = 0.0
        self._stands = False

    def note(self) -> None:
        """Note a moment."""
        self.moments.append(time.perf_counter() - self.simulated)

    def step(self) -> None:
        """Note the moment at which a step begins."""
        self.steps += 1
        self.note()

    def stopped(self, action: Callable[..., Any]) -> Callable[..., Any]:
        """Make an action for which it stands still."""

        def take(*args: Any) -> Any:
            if self._stands:
                return action(*args)
            began = time.perf_counter()
            self._stands = True
            try:
                return action(*args)
            finally:
                self._stands = False
                self.simulated += time.perf_counter() - began

        return take

    def run(self, machine: type[RuleBasedStateMachine]) -> list[float]:
        """Run a machine; gives the seconds from each moment to the next."""
        self.moments.clear()
        self.steps, self.simulated = 0, 0.0
        gc.collect()
        run_state_machine_as_test(machine, settings=SETTINGS)
        return [later - earlier for earlier, later in pairwise(self.moments)]


CLOCK = Clock()


class Marked(RuleBasedStateMachine):
    """A machine whose beginning and end are noted."""

    def __init__(self) -> None:
        CLOCK.note()
        super().__init__()

    def teardown(self) -> None:
        """Note the end."""
        super().teardown()
        CLOCK.note()


class Empty(Marked):
    """A machine that draws what ClusterMachine draws, and does nothing."""

    @initialize(seed=st.integers(0, 255), off=st.binary(min_size=4, max_size=4))
    def begin(self, seed: int, off: bytes) -> None:
        """Do nothing."""

    @rule(deed=st.binary(min_size=DIGITS, max_size=DIGITS))
    def happens(self, deed: bytes) -> None:
        """Do nothing."""
        CLOCK.step()


class Nothing(Marked):
    """A machine that draws nothing either."""

    @rule()
    def happens(self) -> None:
        """Do nothing."""
        CLOCK.step()


class Timed(Marked, ClusterMachine):
    """A machine for whose calls, and whose world's beginning and end, the clock stands still, but not for its laws."""

    def __init__(self) -> None:
        super().__init__()
        self._table = _TIMED

    def build(self, seed: int) -> Any:
        """Build a world."""
        return CLOCK.stopped(super().build)(seed)

    def built(self) -> None:
        """Let its nodes come into being."""
        CLOCK.stopped(super().built)()

    def do(self, deed: Deed) -> None:
        """Do a deed in a step."""
        CLOCK.step()
        super().do(deed)

    def go_on(self, duration_ns: int) -> None:
        """Let the world go on."""
        CLOCK.stopped(super().go_on)(duration_ns)

    def end_all(self) -> None:
        """End a world."""
        CLOCK.stopped(super().end_all)()


def _timed(table: Repertoire) -> Repertoire:
    """Let the clock stand still for what is called."""
    actions = {name: evolve(each, make=CLOCK.stopped(each.make)) for name, each in table.actions.items()}
    return evolve(table, actions=actions)


_TIMED = _timed(ClusterMachine.repertoire())


def step_of_a_machine() -> tuple[float, str]:
    """Measure a step of ClusterMachine, less what is simulated in it, against one of an empty machine.

    Every round of a machine does the same, so that of each time from step to step the best of nine counts. Before
    them, in a first round, Hypothesis reads the modules from which it draws constants. Without the garbage
    collector: what it finds in the one's time is of the other's.
    """
    gc.disable()
    machines: tuple[type[RuleBasedStateMachine], ...] = Empty, Nothing, Timed
    for machine in machines:
        CLOCK.run(machine)
    best, steps = [CLOCK.run(machine) for machine in machines], [0, 0, 0]
    for _ in range(ROUNDS - 1):
        for place, machine in enumerate(machines):
            took = CLOCK.run(machine)
            best[place] = [min(two) for two in zip(best[place], took, strict=True)]
            steps[place] = CLOCK.steps
    gc.enable()
    simulated = CLOCK.simulated / CLOCK.steps
    empty, nothing, ours = (sum(each) / count for each, count in zip(best, steps, strict=True))
    told = f"{ours * 1e6:.0f} us against {empty * 1e6:.0f} us, {nothing * 1e6:.0f} us of a machine that draws nothing"
    return ours / empty, f"{told}; {simulated * 1e6:.0f} us are simulated"


def hundred_calls() -> tuple[float, str]:
    """Make a hundred public calls by chance on a cluster of four nodes, without Hypothesis, laws and faults.

    Ten times over, each time in a world of its own, of whose nine rounds the best counts. A deed that is of a
    process which is not there makes no call and is passed over; in which time words become arguments is not counted.
    """

    class OfCalls(ClusterMachine):
        faults = ()

    table = _timed(OfCalls.repertoire())
    chosen = [[deed for deed in table.some(seed, 400) if _is_a_call(deed)] for seed in range(10)]

    def hundred(seed: int) -> float:
        machine = OfCalls()
        machine.system = machine.build(seed)
        CLOCK.simulated, made = 0.0, 0
        for deed in chosen[seed]:
            try:
                table.do(machine, deed)
            except NotNowError:
                continue
            made += 1
            if made == 100:
                return CLOCK.simulated
        raise AssertionError(f"seed {seed} has {made} calls")

    timeouts = 6_000  # which take as long
    best, best_t = ([float("inf")] * len(chosen) for _ in range(2))
    for _ in range(ROUNDS + 1):
        for seed in range(len(chosen)):
            best_t[seed] = min(best_t[seed], seconds(bare_timeouts, timeouts))
            best[seed] = min(best[seed], hundred(seed))
    return sum(best) / sum(best_t), "calls that were made, without Hypothesis"


def _is_a_call(deed: Deed) -> bool:
    return deed.name == "execve" or "bproc_" in deed.name


PROMISES = (
    Promise("a step of ClusterMachine", 1.5, "x", step_of_a_machine),
    Promise("100 random public calls", 6000, "T", hundred_calls),
)
