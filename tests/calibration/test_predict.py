"""predict runs a launch for any point, always with the same answer, and refuses what it does not know."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.calibration import SYSTEMS, predict
from bprocsim.units import KiB, MiB

PINKISH = SYSTEMS["pinkish"]
QUESTION: dict[str, Any] = {
    "launcher": "xcpu", "mode": "flat", "nodes": 4, "image_bytes": MiB, "system": "pinkish",
}  # fmt: skip


def seconds(mode: str = "flat", nodes: int = 4, image_bytes: int = MiB, **options: Any) -> float:
    return predict("xcpu", mode, nodes, image_bytes, **({"system": "pinkish"} | options))


def test_it_answers_for_a_point_that_nobody_measured() -> None:
    assert 0.05 < seconds("flat", 5) < seconds("flat", 50) < 5
    assert seconds("tree", 50, fanout=4) != seconds("tree", 50, fanout=5)


@pytest.mark.parametrize("mode", ["flat", "tree"])
def test_the_same_question_has_the_same_answer(mode: str) -> None:
    assert seconds(mode, 12) == seconds(mode, 12)


def test_a_tree_has_the_published_fanout_unless_told_otherwise() -> None:
    assert seconds("tree", 20) == seconds("tree", 20, fanout=8) != seconds("tree", 20, fanout=2)


def test_a_tree_as_wide_as_the_cluster_copies_as_the_flat_launcher_does() -> None:
    assert seconds("tree", 8, fanout=8) == pytest.approx(seconds("flat", 8), rel=0.01)
    assert seconds("tree", 8, fanout=100) == seconds("tree", 8, fanout=8)


def test_one_process_on_each_node_is_usual_and_more_take_turns() -> None:
    assert seconds(nodes=4, procs=4) == seconds(nodes=4)
    assert seconds(nodes=4, procs=7) > seconds(nodes=4)
    assert seconds("tree", nodes=4, procs=12) > seconds("tree", nodes=4)


def test_a_system_is_known_by_its_name_or_given_as_a_record() -> None:
    assert seconds(system=PINKISH) == seconds(system="pinkish")
    slow = attrs.evolve(PINKISH, name="slow", costs=attrs.evolve(PINKISH.costs, link_ns_per_mib=10**9))
    assert seconds(system=slow, nodes=3) == pytest.approx(3, abs=0.3)
    assert all(seconds(system=name) > 0 for name in SYSTEMS)


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(
    mode=st.sampled_from(["flat", "tree"]), nodes=st.integers(1, 30), image=st.integers(16 * KiB, 4 * MiB),
    more_nodes=st.integers(0, 6), more_bytes=st.integers(0, MiB), fanout=st.integers(1, 9),
)  # fmt: skip
def test_more_nodes_and_more_bytes_never_take_less(
    mode: str, nodes: int, image: int, more_nodes: int, more_bytes: int, fanout: int
) -> None:
    wide = {"fanout": fanout} if mode == "tree" else {}
    base = seconds(mode, nodes, image, **wide)
    assert seconds(mode, nodes, image + more_bytes, **wide) >= base
    assert seconds(mode, nodes + more_nodes, image, **wide) >= base


def test_time_grows_with_every_node() -> None:
    found = [seconds("tree", nodes, fanout=3) for nodes in range(1, 16)]
    assert found == sorted(found) and len(set(found)) == len(found)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"launcher": "xcpu3"}, "launcher: there is no 'xcpu3'; expected one of xcpu, bproc"),
        ({"launcher": "bproc", "mode": "tree8"}, "mode: bproc has no 'tree8'; expected one of flat, tree"),
        ({"launcher": "bproc", "mode": "tree", "fanout": 8}, "fanout: bproc has a tree of fanout 2 alone, got 8"),
        ({"mode": "tree8"}, "mode: xcpu has no 'tree8'; expected one of flat, tree"),
        ({"mode": None}, "mode: xcpu has no None; expected one of flat, tree"),
        ({"system": "pink"}, "system: there is no 'pink'; expected one of pinkish, LLNL-1000"),
        ({"fanout": 0, "mode": "tree"}, "fanout: expected at least 1, got 0"),
        ({"fanout": 8}, "fanout: only a tree has one"),
        ({"nodes": 0}, "nodes: expected at least 1, got 0"),
        ({"procs": 3}, "procs: expected at least 4, got 3"),
        ({"image_bytes": 10}, "image_bytes: expected at least"),
    ],
)
def test_what_it_does_not_know_is_refused_by_name(arguments: dict[str, Any], told: str) -> None:
    question = QUESTION | arguments
    with pytest.raises(ValueError, match=told):
        predict(**question)


@pytest.mark.parametrize(
    "arguments", [{"nodes": 1.5}, {"nodes": True}, {"image_bytes": "1"}, {"fanout": "8", "mode": "tree"}, {"system": 4},
                  {"procs": 4.0}, {"launcher": None}],
)  # fmt: skip
def test_what_is_of_another_kind_is_refused(arguments: dict[str, Any]) -> None:
    question = QUESTION | arguments
    with pytest.raises(TypeError, match=f"^{next(iter(arguments))}: "):
        predict(**question)


@pytest.mark.parametrize("argument", ["costs", "front", "node"])
def test_a_system_is_made_of_records(argument: str) -> None:
    with pytest.raises(TypeError, match=f"{argument}: expected bp"):
        attrs.evolve(PINKISH, **dict[str, Any]({argument: "fast"}))
    with pytest.raises(ValueError, match="name: "):
        attrs.evolve(PINKISH, name="")


def test_a_preset_can_be_used_for_a_world_of_ones_own() -> None:
    assert bp.Cluster(costs="pinkish").costs is PINKISH.costs


def test_a_launch_that_fails_is_told_in_the_words_of_the_launcher() -> None:
    small = attrs.evolve(PINKISH, front=bp.NodeSpec(memory_bytes=1 * MiB))
    with pytest.raises(RuntimeError, match=r"the launch failed with status 127: flat: .*Cannot allocate memory.*job'$"):
        predict("bproc", "flat", 4, 64 * KiB, system=small, procs=40)


def test_a_tree_by_bproc_is_told_in_its_words_too() -> None:
    small = attrs.evolve(PINKISH, node=bp.NodeSpec(arch="ppc"))
    with pytest.raises(RuntimeError, match="the launch failed with status 127: tree: 0: Exec format error"):
        predict("bproc", "tree", 4, 2 * MiB, system=small)


def test_the_tree_of_bproc_doubles_what_it_has_in_each_round() -> None:
    """By hand: one copy more, and the work of the caller for each node, for twice as many nodes."""
    one_copy = 4 * PINKISH.costs.link_ns_per_mib / 1e9
    found = [predict("bproc", "tree", nodes, 4 * MiB, system="pinkish") for nodes in (8, 16, 32, 64)]
    for nodes, few, many in zip((8, 16, 32), found, found[1:], strict=False):
        assert one_copy < many - few < one_copy + 0.005 + 0.0003 * nodes
    assert predict("bproc", "tree", 64, 4 * MiB, system="pinkish", fanout=2) == found[-1]
    assert predict("bproc", "flat", 64, 4 * MiB, system="pinkish") > 5 * found[-1]


def test_more_processes_than_nodes_are_forked_where_the_image_has_come_to() -> None:
    once = predict("bproc", "tree", 4, 4 * MiB, system="pinkish")
    more = predict("bproc", "tree", 4, 4 * MiB, system="pinkish", procs=40)
    # Ten on each: nine forks there, and no further copy.
    assert once < more < once + 9 * 0.001
    assert predict("bproc", "tree", 4, 4 * MiB, system="pinkish", procs=41) > more
