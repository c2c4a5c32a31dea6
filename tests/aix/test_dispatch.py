"""The dispatcher: where threads run, how fast, in which turns, and that no work is lost or made."""

from __future__ import annotations

import sys
from fractions import Fraction
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bprocsim.aix.models import MODELS
from bprocsim.aix.placement import Attached, ProcessPlacement
from bprocsim.port import Why
from bprocsim.units import ms, s
from tests.aix.dispatching import Bench

QUANTUM = 50 * ms


# ------------------------------------------------------------------------------------ how fast


def test_a_thread_alone_on_a_core_has_its_full_speed() -> None:
    bench = Bench("POWER5")
    alone = bench.thread(10 * ms)
    bench.run()
    assert bench.done_ns[alone] == [10 * ms]
    assert bench.dispatcher.busy_ns == [10 * ms, 0]
    bench.assert_conserved()


@pytest.mark.parametrize("cpu", MODELS)
def test_threads_of_a_core_run_at_the_speed_of_its_model(cpu: str) -> None:
    model = MODELS[cpu]
    for busy in range(1, model.smt + 1):
        bench = Bench(cpu)
        threads = [bench.thread(10 * ms) for _ in range(busy)]
        bench.run()
        ended_ns = ceil(Fraction(10 * ms * 1000, model.speeds[busy - 1]))
        assert [bench.done_ns[each] for each in threads] == [[ended_ns]] * busy
        bench.assert_conserved()


def test_a_thread_is_faster_from_the_instant_at_which_its_sibling_is_done() -> None:
    bench = Bench("POWER5")
    short, long = bench.thread(6_500), bench.thread(65_000)
    bench.run()
    assert bench.done_ns[short] == [10_000]
    assert bench.done_ns[long] == [10_000 + (65_000 - 6_500)]
    bench.assert_conserved()


def test_a_part_of_a_nanosecond_is_to_a_threads_credit() -> None:
    """Seven works of 1 ns beside a busy sibling: 7 / 0.65 ns, rounded up once and not seven times."""
    bench = Bench("POWER5")
    many, _ = bench.thread(*[1] * 7), bench.thread(1 * ms)
    bench.run()
    assert bench.done_ns[many][-1] == ceil(Fraction(7 * 1000, 650))
    bench.assert_conserved()


def test_a_signal_loses_no_part_of_the_work_done_before_it() -> None:
    bench = Bench("POWER5")
    hit, _ = bench.thread(1000), bench.thread(1 * ms)
    for at_ns in range(1, 1200, 7):
        bench.run(until_ns=at_ns)
        bench.interrupt(hit)
    bench.run()
    assert bench.done_ns[hit] == [ceil(Fraction(1000 * 1000, 650))]
    bench.assert_conserved()


# -------------------------------------------------------------------------------------- where


def test_primary_threads_of_all_cores_come_first_then_secondary_ones() -> None:
    bench = Bench("POWER7", cores=2)
    for _ in range(9):
        bench.thread(1 * ms)
    bench.run(until_ns=1)
    assert bench.where() == {0: 0, 1: 4, 2: 1, 3: 5, 4: 2, 5: 6, 6: 3, 7: 7}
    assert bench.dispatcher.waiting == 1


def test_of_equal_threads_the_one_on_the_idlest_core_is_taken() -> None:
    """Processor 1 runs work that may run nowhere else, so of the primary threads 0 and 2 the second is faster."""
    bench = Bench("POWER5", cores=2)
    bench.thread(1 * ms, allowed=0b0010)
    bench.thread(1 * ms)
    bench.run(until_ns=1)
    assert bench.where() == {0: 1, 1: 2}


def test_the_home_srad_comes_first_and_is_never_required() -> None:
    bench = Bench("POWER7", cores=2, srads=2)
    for _ in range(5):
        bench.thread(1 * ms, srad=1)
    bench.run(until_ns=1)
    assert bench.where() == {0: 4, 1: 5, 2: 6, 3: 7, 4: 0}


def test_nobody_runs_outside_the_set_that_it_is_attached_to() -> None:
    bench = Bench("POWER5", cores=4)
    for _ in range(3):
        bench.thread(1 * ms, allowed=0b00001100)
    bench.run(until_ns=1)
    assert bench.where() == {0: 2, 1: 3}
    bench.run()
    assert [busy_ns > 0 for busy_ns in bench.dispatcher.busy_ns] == [False, False, True, True] + [False] * 4


def test_exclusive_processors_are_left_to_work_that_names_them() -> None:
    bench = Bench("POWER5", cores=2)
    bench.partition.exclusive = 0b1100
    for _ in range(3):
        bench.thread(1 * ms)
    named = bench.thread(1 * ms, allowed=0b1100)
    bench.run(until_ns=1)
    assert bench.where() == {0: 0, 1: 1, 3: 2}
    bench.run()
    assert bench.done_ns[named] == [1 * ms]
    bench.assert_conserved()


def test_a_thread_that_may_no_longer_run_where_it_does_leaves_at_once() -> None:
    bench = Bench("POWER5", cores=2)
    moved = bench.thread(10 * ms)
    bench.run(until_ns=4 * ms)
    bench.attach(moved, 0b1000)
    assert bench.where() == {0: 3}
    bench.run()
    assert bench.dispatcher.busy_ns == [4 * ms, 0, 0, 6 * ms]
    bench.assert_conserved()


def test_of_threads_that_leave_together_the_one_comes_first_who_came_first_to_where_it_was() -> None:
    """The second had the processor before the first, made before it, had to wait for it again."""
    bench = Bench("POWER5", cores=2, smt=1)
    both = [bench.thread(1 * s, allowed=0b01) for _ in range(2)]
    bench.thread(1 * s, allowed=0b10)
    bench.run(until_ns=60 * ms)
    assert bench.where() == {1: 0, 2: 1}
    for thread in both:
        thread.process.placement = ProcessPlacement(effective=Attached(0b10))
    bench.partition.changed(both)
    bench.run(until_ns=2 * QUANTUM + 1)
    assert bench.where() == {1: 1}
    bench.run()
    bench.assert_conserved()


def test_work_without_a_processor_waits_until_one_comes_back() -> None:
    bench = Bench("POWER5", cores=2)
    stuck = bench.thread(10 * ms, allowed=0b1100)
    bench.run(until_ns=4 * ms)
    bench.partition.online = 0b0011
    bench.partition.changed()
    assert (bench.where(), bench.dispatcher.waiting) == ({}, 1)
    bench.run()
    assert bench.engine.now_ns == 4 * ms, "nothing is left to happen: a deadlock, not a hang"
    bench.run(until_ns=1 * s)
    bench.partition.online = 0b1011
    bench.partition.changed()
    bench.run()
    assert bench.done_ns[stuck] == [1 * s + 6 * ms]
    bench.assert_conserved()


# ----------------------------------------------------------------------------------- in turns


def test_threads_take_turns_of_a_quantum_and_get_equal_shares() -> None:
    bench = Bench("POWER5", cores=1, smt=1)
    three = [bench.thread(100 * ms) for _ in range(3)]
    bench.run()
    assert [bench.done_ns[each] for each in three] == [[200 * ms], [250 * ms], [300 * ms]]
    bench.assert_conserved()


def test_one_waiter_takes_one_place_at_a_time_of_those_who_have_run_longest() -> None:
    bench = Bench("POWER5", cores=4, smt=1)
    for _ in range(5):
        bench.thread(200 * ms)
    places = []
    for turn in range(4):
        bench.run(until_ns=turn * QUANTUM + 1)
        places.append(bench.where())
    assert places == [
        {0: 0, 1: 1, 2: 2, 3: 3},
        {4: 0, 1: 1, 2: 2, 3: 3},
        {4: 0, 0: 1, 2: 2, 3: 3},
        {4: 0, 0: 1, 1: 2, 3: 3},
    ]


def test_a_turn_that_has_lasted_its_quantum_ends_when_somebody_comes() -> None:
    bench = Bench("POWER5", cores=1, smt=1)
    first, second = bench.thread(1 * s), bench.thread(10 * ms, at_ns=320 * ms)
    bench.run()
    assert bench.done_ns[second] == [330 * ms]
    assert bench.done_ns[first] == [1 * s + 10 * ms]


def test_nobody_gives_way_to_one_who_may_not_run_there() -> None:
    bench = Bench("POWER5", cores=2, smt=1)
    free = bench.thread(1 * s, allowed=0b01)
    for _ in range(2):
        bench.thread(100 * ms, allowed=0b10)
    bench.run(until_ns=500 * ms)
    assert bench.where() == {0: 0}
    bench.run()
    assert bench.done_ns[free] == [1 * s]


def test_a_thread_nobody_waits_behind_runs_to_its_end_in_one_event() -> None:
    bench = Bench("POWER8", cores=2)
    for _ in range(16):
        bench.thread(3600 * s)
    bench.run()
    assert bench.engine.events <= 3 * 16


def test_a_thread_moves_to_an_idler_core_when_its_turn_ends() -> None:
    """The third shares a core with the first until its turn ends after the second is done."""
    bench = Bench("POWER5", cores=2)
    first, second, third = bench.thread(1 * s), bench.thread(10 * ms), bench.thread(1 * s)
    bench.run(until_ns=49 * ms)
    assert bench.where() == {0: 0, 2: 1}
    bench.run()
    shared_ns = QUANTUM * 65 // 100
    assert bench.done_ns[second] == [10 * ms]
    # Both were slowed down by the other for one quantum: of two who could move, the one in front does.
    assert bench.done_ns[first] == bench.done_ns[third] == [1 * s + QUANTUM - shared_ns]
    bench.assert_conserved()


def test_who_gives_way_takes_a_processor_that_is_idle() -> None:
    bench = Bench("POWER5", cores=2, smt=1)
    either, only = bench.thread(200 * ms, allowed=0b11), bench.thread(200 * ms, allowed=0b01)
    bench.run(until_ns=QUANTUM + 1)
    assert bench.where() == {0: 1, 1: 0}
    bench.run()
    assert (bench.done_ns[either], bench.done_ns[only]) == ([200 * ms], [250 * ms])


def test_a_thread_that_may_leave_its_core_from_now_on_does_so_when_its_turn_ends() -> None:
    bench = Bench("POWER5", cores=2)
    for _ in range(2):
        bench.thread(1 * s, allowed=0b0011)
    bench.run(until_ns=10 * ms)
    bench.attach(bench.threads[1], 0b1111)
    bench.run(until_ns=QUANTUM + 1)
    assert bench.where() == {0: 0, 1: 2}
    bench.run()
    bench.assert_conserved()


def test_nobody_moves_to_a_core_that_would_be_no_less_busy() -> None:
    """Turns end, since the last waits for processor 0; the third gains nothing beside the second."""
    bench = Bench("POWER5", cores=2)
    for _ in range(3):
        bench.thread(1 * s)
    bench.attach(bench.threads[0], 0b0001)
    bench.thread(1 * s, allowed=0b0001)
    bench.run(until_ns=QUANTUM + 1)
    assert bench.where() == {3: 0, 1: 2, 2: 1}


def test_who_is_at_home_stays_there_although_another_core_is_idle() -> None:
    bench = Bench("POWER5", cores=2, srads=2)
    for _ in range(2):
        bench.thread(200 * ms, srad=0)
    bench.run(until_ns=QUANTUM + 1)
    assert bench.where() == {0: 0, 1: 1}


def test_a_thread_comes_home_when_its_turn_has_ended() -> None:
    bench = Bench("POWER5", cores=2, srads=2)
    for _ in range(2):
        bench.thread(10 * ms, allowed=0b1100)
    bench.thread(200 * ms, srad=1)
    bench.run(until_ns=49 * ms)
    assert bench.where() == {2: 0}
    bench.run(until_ns=51 * ms)
    assert bench.where() == {2: 2}


@given(st.integers(1, 12), st.integers(1, 3), st.sampled_from(sorted(MODELS)))
def test_equal_threads_end_within_a_turn_of_each_other(count: int, cores: int, cpu: str) -> None:
    bench = Bench(cpu, cores=cores, smt=1)
    threads = [bench.thread(1 * s) for _ in range(count)]
    bench.run()
    ended = [bench.done_ns[each][0] for each in threads]
    assert max(ended) - min(ended) <= max(0, ceil(count / cores) - 1) * QUANTUM + QUANTUM
    bench.assert_conserved()


# ------------------------------------------------------------------------------ whatever happens

STARTS_NS = st.integers(0, 200 * ms) | st.sampled_from((0, QUANTUM, 2 * QUANTUM))
WORKS_NS = st.lists(st.integers(1, 1000) | st.integers(1, 200 * ms), min_size=1, max_size=4)


@st.composite
def benches(draw: st.DrawFn) -> Bench:
    """Threads that come at any time, some attached to sets or with a home; cores of any model, some exclusive."""
    cores = draw(st.integers(1, 3))
    bench = Bench(draw(st.sampled_from(sorted(MODELS))), cores, draw(st.sampled_from((1, 2))), srads=min(cores, 2))
    everything = bench.partition.online
    bench.partition.exclusive = draw(st.just(0) | st.integers(0, everything))
    for _ in range(draw(st.integers(1, 9))):
        bench.thread(
            *draw(WORKS_NS),
            at_ns=draw(STARTS_NS),
            allowed=draw(st.just(0) | st.integers(1, everything)),
            srad=draw(st.none() | st.integers(0, bench.partition.topology.srads - 1)),
        )
    return bench


@pytest.mark.slow
@given(benches(), st.lists(st.tuples(STARTS_NS, st.integers(0, 8), st.booleans()), max_size=12))
def test_no_work_is_lost_or_made(bench: Bench, signals: list[tuple[int, int, bool]]) -> None:
    """Signals take threads off their work, some for ever; after each event the bench looks at everything."""
    for at_ns, number, kills in sorted(signals):
        bench.run(until_ns=at_ns)
        bench.interrupt(bench.threads[number % len(bench.threads)], Why.DONE if kills else Why.SIGNAL)
    bench.run()
    assert all(thread.waiting is None for thread in bench.threads)
    bench.assert_conserved()


def lines_an_event(count: int, **machine: Any) -> float:
    """Tell how many lines of the dispatcher an event costs, on average, with so many threads at work."""
    bench = Bench("POWER8", **machine)
    for number in range(count):
        bench.thread(*[(number * 7919 % 1000 + 1) * ms // 10] * 4)
    lines = 0

    def count_line(_frame: Any, event: str, _arg: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return count_line

    def watch(frame: Any, _event: str, _arg: Any) -> Any:
        return count_line if frame.f_globals["__name__"] in WATCHED else None

    bench.engine.run(until_ns=1)
    events, before = bench.engine.events, sys.gettrace()
    sys.settrace(watch)
    try:
        bench.engine.run()
    finally:
        sys.settrace(before)
    return lines / (bench.engine.events - events)


WATCHED = ("bprocsim.aix.dispatch", "bprocsim.aix.cores", "bprocsim.aix.topology", "bprocsim.aix.placement")


@pytest.mark.slow
def test_an_event_costs_the_same_however_many_threads_there_are() -> None:
    few, many = (lines_an_event(count, cores=8) for count in (128, 1024))
    assert many < 1.5 * few
