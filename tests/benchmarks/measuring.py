"""How a promise is measured: in T, or against something else in the same run."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Generator

import simpy
from attrs import frozen

import bprocsim as bp

ROUNDS = 9


@frozen
class Promise:
    """One promise: at most `limit`, in `unit`; `measure` gives the figure and a remark."""

    name: str
    limit: float
    unit: str
    measure: Callable[[], tuple[float, str]]


def seconds(action: Callable[[int], None], count: int) -> float:
    """Time `count` repetitions of an action, per repetition."""
    began = time.perf_counter()
    action(count)
    return (time.perf_counter() - began) / count


def bare_timeouts(count: int) -> None:
    """Let one process of bare SimPy wait `count` times."""

    def process(env: simpy.Environment) -> Generator[simpy.Event, object, None]:
        for _ in range(count):
            yield env.timeout(1)

    env = simpy.Environment()
    env.process(process(env))
    env.run()


def in_timeouts(action: Callable[[int], None], count: int) -> float:
    """Measure an action in T: the best of nine rounds, interleaved with rounds of T."""
    action(max(1, count // 10))
    best, best_t = float("inf"), float("inf")
    gc.collect()
    for _ in range(ROUNDS):
        best_t = min(best_t, seconds(bare_timeouts, 20_000))
        best = min(best, seconds(action, count))
    return best / best_t


def ratio(
    ours: Callable[[int], None],
    theirs: Callable[[int], None],
    count: int,
    before_ours: Callable[[int], None] = lambda count: None,
) -> float:
    """Compare two actions: the best of nine rounds each, in turns; what comes before ours is not timed."""
    before_ours(count)
    ours(count)
    theirs(count)
    best, best_theirs = float("inf"), float("inf")
    gc.collect()
    for _ in range(ROUNDS):
        best_theirs = min(best_theirs, seconds(theirs, count))
        before_ours(count)
        best = min(best, seconds(ours, count))
    return best / best_theirs


def events_of(system: bp.Cluster | bp.Lpar, action: Callable[[], object]) -> int:
    """Count the events of an action."""
    before = system.sim.engine.events
    action()
    return system.sim.engine.events - before
