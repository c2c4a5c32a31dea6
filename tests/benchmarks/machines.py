"""What is promised of the state machines: what a step costs beside the calls that are made in it."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar

from attrs import evolve
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from bprocsim.testing import ClusterMachine, Deed
from bprocsim.testing.machines.deeds import DIGITS, NotNowError
from tests.benchmarks.measuring import Promise, bare_timeouts, ratio

EXAMPLES, STEPS, ROUNDS = 40, 50, 7
SETTINGS = settings(
    max_examples=EXAMPLES, stateful_step_count=STEPS, database=None, deadline=None, derandomize=True,
    phases=[Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip


class Empty(RuleBasedStateMachine):
    """A machine that draws what ClusterMachine draws, and does nothing."""

    @initialize(seed=st.integers(0, 255), off=st.binary(min_size=4, max_size=4))
    def begin(self, seed: int, off: bytes) -> None:
        """Do nothing."""

    @rule(deed=st.binary(min_size=DIGITS, max_size=DIGITS))
    def happens(self, deed: bytes) -> None:
        """Do nothing."""


class Nothing(RuleBasedStateMachine):
    """A machine that draws nothing either."""

    @rule()
    def happens(self) -> None:
        """Do nothing."""


class Timed(ClusterMachine):
    """A machine that adds up how long its calls take, and its worlds' beginnings and ends."""

    simulated: ClassVar[list[float]] = []
    steps = 0

    def __init__(self) -> None:
        super().__init__()
        self._table = _TIMED

    def build(self, seed: int) -> Any:
        """Build a world."""
        return _timed(ClusterMachine.build)(self, seed)

    def do(self, deed: Deed) -> None:
        """Count a step."""
        Timed.steps += 1
        super().do(deed)

    def teardown(self) -> None:
        """End a world."""
        _timed(super().teardown)()


def _timed(action: Callable[..., Any]) -> Callable[..., Any]:
    def take(*args: Any) -> Any:
        began = time.perf_counter()
        try:
            return action(*args)
        finally:
            Timed.simulated[0] += time.perf_counter() - began

    return take


_OWN = ClusterMachine.repertoire()
_TIMED = evolve(_OWN, actions={name: evolve(each, make=_timed(each.make)) for name, each in _OWN.actions.items()})


def step_of_a_machine() -> tuple[float, str]:
    """Measure a step of ClusterMachine, less what is simulated in it, against one of an empty machine.

    Without the garbage collector: what it finds in the one's time is of the other's.
    """
    empty, nothing, ours, simulated = float("inf"), float("inf"), float("inf"), 0.0
    gc.disable()
    for _ in range(ROUNDS):
        empty = min(empty, _whole(Empty) / (EXAMPLES * STEPS))
        nothing = min(nothing, _whole(Nothing) / (EXAMPLES * STEPS))
        Timed.simulated[:], Timed.steps = [0.0], 0
        took = _whole(Timed) - Timed.simulated[0]
        if took / Timed.steps < ours:
            ours, simulated = took / Timed.steps, Timed.simulated[0] / Timed.steps
    gc.enable()
    told = f"{ours * 1e6:.0f} us against {empty * 1e6:.0f} us, {nothing * 1e6:.0f} us of a machine that draws nothing"
    return ours / empty, f"{told}; {simulated * 1e6:.0f} us are simulated"


def _whole(machine: type[RuleBasedStateMachine]) -> float:
    """Run a machine; gives the seconds that it takes."""
    gc.collect()
    began = time.perf_counter()
    run_state_machine_as_test(machine, settings=SETTINGS)
    return time.perf_counter() - began


def hundred_calls() -> tuple[float, str]:
    """Make a hundred public calls by chance on a cluster of four nodes, without Hypothesis, laws and faults."""

    class OfCalls(ClusterMachine):
        faults = ()

    table = OfCalls.repertoire()
    chosen = [[deed for deed in table.some(seed, 250) if _is_a_call(deed)][:100] for seed in range(10)]

    worlds: list[OfCalls] = []

    def build(count: int) -> None:
        worlds[:] = [OfCalls() for _ in range(count)]
        for seed, machine in enumerate(worlds):
            machine.system = machine.build(seed)

    def ours(count: int) -> None:
        for number, machine in enumerate(worlds):
            for deed in chosen[number % len(chosen)]:
                with suppress(NotNowError):
                    table.do(machine, deed)

    timeouts = 2_000  # for each hundred of calls
    hundred = ratio(ours, lambda count: bare_timeouts(timeouts * count), 10, build) * timeouts
    return hundred, "without Hypothesis"


def _is_a_call(deed: Deed) -> bool:
    return deed.name == "execve" or "bproc_" in deed.name


PROMISES = (
    Promise("a step of ClusterMachine", 1.5, "x", step_of_a_machine),
    Promise("100 random public calls", 6000, "T", hundred_calls),
)
