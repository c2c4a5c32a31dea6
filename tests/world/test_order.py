"""Events of one instant in other orders: what is decided by chance differs, what is promised does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import attrs
import pytest

import bprocsim as bp
from bprocsim.units import ms

SEEDS = range(24)
Steps = Iterator[object]

# Nothing takes time on its way, so that as much as may be falls on one instant.
AT_ONCE = attrs.evolve(bp.costs["clustermatic-2002"], link_latency_ns=0, link_ns_per_mib=0, syscall_ns=0, fork_ns=0)


def world(seed: int, order: str = "random", **more: Any) -> bp.Cluster:
    return bp.Cluster(nodes=3, seed=seed, order=order, trace="all", **more)


def race(proc: bp.Proc) -> Steps:
    """Let two children write at one instant, and print what came first."""
    reading, writing = yield from proc.pipe()

    def child(proc: bp.Proc, name: bytes) -> Steps:
        yield from proc.sleep(5 * ms)
        yield from proc.write(writing, name)

    yield from proc.fork(child, b"a")
    yield from proc.fork(child, b"b")
    yield from proc.wait()
    yield from proc.wait()
    yield from proc.write(1, (yield from proc.read(reading)))


def told(cluster: bp.Cluster, program: Callable[..., Any]) -> bytes:
    cluster.install("/usr/bin/program", program)
    out = cluster.execve("/usr/bin/program")
    assert out.exit_status == 0, out.explain()
    return out.stdout


def test_a_race_is_decided_one_way_as_planned_and_both_ways_by_the_seed() -> None:
    assert {told(world(seed, "fifo", costs=AT_ONCE), race) for seed in SEEDS} == {b"ab"}
    assert {told(world(seed, costs=AT_ONCE), race) for seed in SEEDS} == {b"ab", b"ba"}


def test_one_seed_gives_one_order() -> None:
    digests = []
    for seed in SEEDS:
        runs = []
        for _ in range(2):
            cluster = world(seed, costs=AT_ONCE)
            told(cluster, race)
            runs.append(cluster.sim.trace.digest())
        assert runs[0] == runs[1]
        digests.append(runs[0])
    assert len(set(digests)) > 1


def test_as_planned_is_what_is_left_out() -> None:
    given, left_out = bp.Cluster(order="fifo", trace="all"), bp.Cluster(trace="all")
    for cluster in (given, left_out):
        told(cluster, race)
    assert given.sim.trace.digest() == left_out.sim.trace.digest()
    assert given.sim.order == "fifo"


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_sent_over_one_link_arrives_as_it_was_sent(seed: int) -> None:
    cluster = world(seed, costs=AT_ONCE)

    def talks(proc: bp.Proc) -> Steps:
        for number in range(40):
            yield from proc.write(1, b"%d " % number)

    cluster.install("/usr/bin/talks", talks)
    out = cluster.bproc_execmove(1, "/usr/bin/talks")
    assert out.exit_status == 0
    assert out.stdout.split() == [b"%d" % number for number in range(40)]


def test_messages_of_two_links_may_overtake_each_other() -> None:
    def first_of_two(seed: int) -> str:
        cluster = world(seed, costs=AT_ONCE)
        cluster.install("/usr/bin/says", lambda proc: (yield from proc.write(1, proc.argv[1].encode())))

        def both(proc: bp.BprocProc) -> Steps:
            def sent(proc: bp.BprocProc, node: int) -> Steps:
                yield from proc.bproc_execmove(node, "/usr/bin/says", ["says", str(node)], {})

            yield from proc.fork(sent, 1)
            yield from proc.fork(sent, 2)
            yield from proc.wait()
            yield from proc.wait()

        return told(cluster, both).decode()

    assert {first_of_two(seed) for seed in SEEDS} == {"12", "21"}


def test_a_strike_comes_before_all_else_of_its_instant() -> None:
    def last_words(order: str, seed: int, at_ns: int | None) -> tuple[bytes, int]:
        faults = [] if at_ns is None else [bp.PowerOff(node=1, at_ns=at_ns)]
        cluster, wakes = world(seed, order, faults=faults, costs=AT_ONCE), [0]

        def writes(proc: bp.Proc) -> Steps:
            yield from proc.sleep(5 * ms)
            wakes[0] = cluster.sim.now_ns
            yield from proc.write(1, b"late")

        cluster.install("/usr/bin/writes", writes)
        return cluster.bproc_execmove(1, "/usr/bin/writes").stdout, wakes[0]

    said, wakes_ns = last_words("fifo", 0, None)
    assert said == b"late"
    for seed in SEEDS:
        assert last_words("random", seed, wakes_ns + 1)[0] == b"late"
        assert last_words("random", seed, wakes_ns) == (b"", 0)


@pytest.mark.parametrize("edition", sorted(bp.editions))
def test_a_launch_without_a_race_comes_to_the_same_in_any_order(edition: str) -> None:
    def launch(order: str, seed: int) -> list[tuple[Any, ...]]:
        cluster = bp.Cluster(nodes=3, seed=seed, order=order, edition=edition, trace="all")
        cluster.install("/usr/bin/hello", lambda proc: (yield from proc.print("hello")))
        outs = [cluster.bproc_execmove(node, "/usr/bin/hello") for node in (0, 1, 2, 9)]
        return [(out.exit_status, out.stdout, out.cause, out.elapsed_ns) for out in outs]

    expected = launch("fifo", 0)
    assert all(launch("random", seed) == expected for seed in SEEDS)


def test_the_instants_do_not_change() -> None:
    cluster = world(7)
    told(cluster, race)
    assert all(one.at_ns <= other.at_ns for one, other in pairwise(cluster.sim.trace.records))


def test_a_partition_takes_it_too() -> None:
    seen = set()
    for seed in SEEDS:
        lpar = bp.Lpar(cores=4, smt=2, seed=seed, order="random", costs=AT_ONCE)
        lpar.install("/usr/bin/program", race)
        seen.add(lpar.execve("/usr/bin/program").stdout)
    assert seen == {b"ab", b"ba"}
