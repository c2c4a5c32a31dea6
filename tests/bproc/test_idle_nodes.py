"""Nodes at which nothing happens cost nothing, and one that falls silent is found at whatever instant it does."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.units import s

DAY_NS = 24 * 3600 * s
NODES = 10_000


def test_a_day_of_idle_nodes_takes_no_events() -> None:
    made = bp.Cluster(nodes=NODES)
    made.sim.run(until_ns=DAY_NS)
    assert made.sim.now_ns == DAY_NS
    assert made.sim.engine.events <= 2
    assert made.bpmaster.nodes == {}


# Beside any instant at all: just before, at, and just after the master looks.
TICKS_NS = st.builds(lambda tick, off: tick * 15 * s + off, st.integers(1, DAY_NS // (15 * s)), st.integers(-2, 2))
INSTANTS_NS = st.integers(1, DAY_NS) | TICKS_NS


@settings(max_examples=40)
@given(INSTANTS_NS, st.sampled_from([bp.Hang, bp.PowerOff, lambda node, at_ns: bp.LinkCut(-1, node, at_ns)]))
def test_a_node_that_falls_silent_is_found_in_time(at_ns: int, kind: Any) -> None:
    made = bp.Cluster(nodes=NODES, faults=[kind(4711, at_ns=at_ns)], trace="all")
    made.sim.run(until_ns=at_ns + 30 * s - 1)
    assert made.nodes[4711].state == "up"
    made.sim.run(until_ns=at_ns + 45 * s)
    assert made.nodes[4711].state == "down"
    assert made.sim.engine.events <= 8
    assert [made.nodes[number].state for number in (4710, 4712)] == ["up", "up"]


@given(st.integers(1, 1000).map(lambda half: 2 * half), st.integers(1, 10_000))
def test_in_time_means_one_to_one_and_a_half_timeouts(timeout_ns: int, at_ns: int) -> None:
    edition = attrs.evolve(bp.editions["scyld"], ping_timeout_ns=timeout_ns)
    made = bp.Cluster(nodes=1, edition=edition, faults=[bp.Hang(0, at_ns=at_ns)], trace="all")
    made.sim.run(until_ns=at_ns + 2 * timeout_ns)
    (found,) = made.trace.of_kind("node")
    assert timeout_ns <= found.at_ns - at_ns <= 1.5 * timeout_ns


@pytest.mark.parametrize("count", [1, 100])
def test_many_that_fall_silent_are_each_found(count: int) -> None:
    faults = [bp.Hang(number, at_ns=1 + number * s) for number in range(count)]
    made = bp.Cluster(nodes=NODES, faults=faults)
    made.sim.run(until_ns=300 * s)
    assert {made.nodes[number].state for number in range(count)} == {"down"}
    assert made.sim.engine.events <= 4 * count + 2
