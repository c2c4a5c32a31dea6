"""boot="cold": nodes that are down, then boot, then are up, in simulated time."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

import bprocsim as bp
from bprocsim.units import ms, s

COSTS = bp.costs["clustermatic-2002"]
CONNECTS_NS = COSTS.node_connect_ns
UP_NS = CONNECTS_NS + COSTS.node_up_ns


def nothing(proc: bp.Proc) -> None:
    pass


def cold(**options: Any) -> bp.Cluster:
    made = bp.Cluster(boot="cold", **options)
    made.install("/bin/nothing", nothing)
    return made


def at(made: bp.Cluster, at_ns: int) -> bp.Cluster:
    made.sim.run(until_ns=at_ns)
    return made


def states(made: bp.Cluster) -> list[str]:
    return [node.state for node in made.nodes]


def test_down_then_boot_then_up() -> None:
    assert states(cold()) == ["down"] * 4
    assert states(at(cold(), CONNECTS_NS - 1)) == ["down"] * 4
    assert states(at(cold(), CONNECTS_NS + 1)) == ["boot"] * 4
    assert states(at(cold(), UP_NS - 1)) == ["boot"] * 4
    assert states(at(cold(), UP_NS + 1)) == ["up"] * 4


def test_a_node_that_was_looked_at_before_goes_the_same_way() -> None:
    made = cold()
    node = made.nodes[2]
    seen = []
    for at_ns in (1, CONNECTS_NS + 1, UP_NS + 1):
        at(made, at_ns)
        seen.append((node.state, node.mode))
    assert seen == [("down", 0), ("boot", 0o100), ("up", 0o111)]
    assert [(each.state, each.mode) for each in made.nodes] == [("up", 0o111)] * 4


def test_what_a_call_meets_meanwhile() -> None:
    made = cold()
    alice = made.user("alice", 500, 500)

    def launch(user: bp.User | None) -> tuple[str | None, int | None]:
        out = made.bproc_execmove(1, "/bin/nothing", user=user)
        return out.cause, out.exit_status

    assert launch(None) == launch(alice) == ("node_down", 22)
    at(made, CONNECTS_NS + 1)
    assert launch(None) == (None, 0)
    assert launch(alice) == ("node_not_permitted", 1)
    at(made, UP_NS + 1)
    assert launch(None) == launch(alice) == (None, 0)


def test_a_call_made_just_before_a_node_connects_finds_it_down_if_the_master_looks_before() -> None:
    """The master looks when the request reaches it, not when the call was made."""
    made = at(cold(), CONNECTS_NS - 100_000)
    assert made.bproc_execmove(1, "/bin/nothing").exit_status == 0
    made = at(cold(), CONNECTS_NS - 2 * ms)
    assert made.bproc_execmove(1, "/bin/nothing").cause == "node_down"


def test_the_times_are_costs() -> None:
    quick = attrs.evolve(COSTS, node_connect_ns=10, node_up_ns=20)
    made = cold(costs=quick)
    assert states(at(made, 11)) == ["boot"] * 4
    assert states(at(made, 31)) == ["up"] * 4


def test_a_cluster_that_is_added_later_boots_then() -> None:
    sim = bp.Simulation()
    sim.run(until_ns=10 * s)
    made = sim.cluster(boot="cold")
    sim.run(until_ns=10 * s + CONNECTS_NS + 1)
    assert states(made) == ["boot"] * 4
    sim.run(until_ns=10 * s + UP_NS + 1)
    assert states(made) == ["up"] * 4


def test_booting_keeps_no_run_alive() -> None:
    made = cold()
    made.sim.run()
    assert made.sim.now_ns == 0


def test_looking_changes_nothing() -> None:
    def digest(touched: bool) -> str:
        made = cold(nodes=5, trace="all", seed=3)
        if touched:
            states(made)
        at(made, UP_NS + 1)
        return made.trace.digest()

    assert digest(True) == digest(False)


def test_the_trace_tells_of_every_node() -> None:
    made = at(cold(nodes=2, trace="all"), UP_NS + 1)
    told = [(record.at_ns, record.node, record.state) for record in made.trace.of_kind("node")]
    assert told == [
        (CONNECTS_NS, "node 0", "boot"),
        (CONNECTS_NS, "node 1", "boot"),
        (UP_NS, "node 0", "up"),
        (UP_NS, "node 1", "up"),
    ]


def test_booting_is_no_error() -> None:
    assert at(cold(trace="errors"), UP_NS + 1).trace.records == ()


@pytest.mark.parametrize(
    "fault", [bp.PowerOff(node=2), bp.PowerOff(node=2, at_ns=1 * s), bp.PowerOff(node=2, at_ns=CONNECTS_NS)]
)
def test_a_node_without_power_stays_down(fault: bp.PowerOff) -> None:
    assert states(at(cold(faults=[fault]), UP_NS + 1)) == ["up", "up", "down", "up"]


def test_a_node_that_dies_while_it_boots() -> None:
    made = at(cold(faults=[bp.PowerOff(node=2, at_ns=CONNECTS_NS + 5)]), UP_NS + 1)
    assert states(made)[2] == "boot"  # nobody has noticed yet
    at(made, UP_NS + 60 * s)
    assert states(made)[2] == "down"


def test_the_administrator_may_interfere() -> None:
    made = cold()
    with pytest.raises(ValueError, match="down cannot be set 'up'"):
        made.nodes[0].set_state("up")
    at(made, CONNECTS_NS + 1)
    made.nodes[0].set_state("unavailable")
    made.nodes[1].set_state("up")
    made.nodes[3].set_state("down")
    at(made, UP_NS + 1)
    assert states(made) == ["unavailable", "up", "up", "down"]
