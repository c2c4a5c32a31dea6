"""Tasks of the engine: what drives a generator, and what follows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bprocsim.engine.clock import Engine
from bprocsim.engine.shuffling import ShuffledEngine
from bprocsim.port import Interface, Steps, Waiter, Why


def waits(engine: Engine, told: list[Any], name: str, duration_ns: int) -> Steps:
    """Say when it begins and when it ends."""
    told.append((engine.now_ns, name))
    yield engine.sleep(duration_ns)
    told.append((engine.now_ns, name))


def at_once(engine: Engine, told: list[Any], name: str) -> Steps:
    """Say so and end, without a wait."""
    told.append((engine.now_ns, name))
    yield from ()


@pytest.mark.parametrize("make", [Engine, ShuffledEngine])
def test_what_follows_a_generator_begins_at_its_end(make: Callable[[], Engine]) -> None:
    engine, told = make(), list[Any]()
    task = engine.start_at_once(waits(engine, told, "first", 5), lambda: waits(engine, told, "then", 7))
    assert told == [(0, "first")]
    engine.run()
    assert told == [(0, "first"), (5, "first"), (5, "then"), (12, "then")]
    assert task.ended


def test_a_generator_without_a_wait_is_followed_too() -> None:
    engine, told = Engine(), list[Any]()
    task = engine.start_at_once(at_once(engine, told, "first"), lambda: at_once(engine, told, "then"))
    assert (told, task.ended) == ([(0, "first"), (0, "then")], True)


def test_nothing_follows_a_task_that_was_stopped() -> None:
    engine, told = Engine(), list[Any]()
    task = engine.start_at_once(waits(engine, told, "first", 5), lambda: waits(engine, told, "then", 7))
    engine.stop(task)
    engine.run()
    assert (told, task.ended) == ([(0, "first")], True)


def test_what_follows_is_stopped_as_its_own() -> None:
    engine, told = Engine(), list[Any]()
    task = engine.start_at_once(waits(engine, told, "first", 5), lambda: waits(engine, told, "then", 7))
    engine.after(8, lambda: engine.stop(task))
    engine.run()
    assert told == [(0, "first"), (5, "first"), (5, "then")]


def test_an_exception_in_what_follows_comes_out_of_the_run() -> None:
    def fails() -> Steps:
        yield engine.sleep(1)
        raise LookupError("planted")

    engine = Engine()
    task = engine.start_at_once(waits(engine, [], "first", 5), fails)
    with pytest.raises(LookupError, match="planted"):
        engine.run()
    assert (task.ended, engine.now_ns) == (True, 6)


def test_no_time_passes_in_a_task_that_begins_in_the_middle_of_another() -> None:
    """Whoever starts it has not gone on yet, so that nothing may happen before it does."""

    def starts() -> Steps:
        engine.start_at_once(waits(engine, told, "inner", 5))
        told.append((engine.now_ns, "goes on"))
        yield engine.sleep(3)
        told.append((engine.now_ns, "outer"))

    engine, told = Engine(), list[Any]()
    engine.start(starts())
    engine.run()
    assert told == [(0, "inner"), (0, "goes on"), (3, "outer"), (5, "inner")]


@pytest.mark.parametrize("make", [Engine, ShuffledEngine])
def test_a_wait_until_an_instant_ends_there_or_when_it_is_woken(make: Callable[[], Engine]) -> None:
    def waiting(waiter: Waiter) -> Steps:
        told.append(((yield engine.wait_until(waiter, 10)), engine.now_ns))

    engine, told = make(), list[Any]()
    early, late = Waiter("early", 0), Waiter("late", 0)
    for waiter in (early, late):
        engine.start(waiting(waiter))
    engine.after(4, lambda: engine.wake(early, Why.GONE))
    engine.run()
    assert told == [(Why.GONE, 4), (Why.DONE, 10)]
    assert [(each.since_ns, each.due_ns) for each in (early, late)] == [(0, 10), (0, 10)]
    assert engine.now_ns == 10
    assert engine.background == 0


@pytest.mark.parametrize("make", [Engine, ShuffledEngine])
def test_a_waiter_waits_again_and_again(make: Callable[[], Engine]) -> None:
    """Its event does for all its waits, but for one that still stands in the heap, as one that was woken early."""

    def waiting() -> Steps:
        for delay_ns in (10, 10, 10, 5, 10):
            told.append(((yield engine.wait_until(waiter, delay_ns)), engine.now_ns))

    engine, told, waiter = make(), list[Any](), Waiter("again", 0)
    engine.start(waiting())
    engine.after(23, lambda: engine.wake(waiter, Why.GONE))
    engine.run()
    assert told == [(Why.DONE, 10), (Why.DONE, 20), (Why.GONE, 23), (Why.DONE, 28), (Why.DONE, 38)]
    assert (engine.now_ns, engine.background) == (38, 0)


@pytest.mark.parametrize("seed", range(20))
def test_what_was_sent_first_arrives_first_in_any_order_of_events(seed: int) -> None:
    engine, told = ShuffledEngine(seed), list[int]()
    out, into = Interface(), Interface()
    for number in range(8):
        delay_ns = engine.cross(out, into, 0, 80) + 100
        engine.deliver(out, into, delay_ns, told.append, (number,))
    engine.run()
    assert told == list(range(8))


@pytest.mark.parametrize("again", ["sleep", "wait_until"])
def test_who_goes_on_after_a_mistake_waits_once(again: str) -> None:
    """What stands in the heap from the beginning is not planned once more."""

    def mistaken() -> Steps:
        try:
            yield "a mistake"
        except TypeError:
            yield engine.sleep(10) if again == "sleep" else engine.wait_until(Waiter("late", 0), 10)
        told.append(engine.now_ns)
        yield engine.sleep(5)
        told.append(engine.now_ns)

    engine, told = Engine(), list[int]()
    engine.start(mistaken())
    engine.run()
    assert (told, engine.background) == ([10, 15], 0)
