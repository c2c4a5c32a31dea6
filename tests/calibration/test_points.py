"""The measured points hold: near the simulated ones, by constants that were fitted on them and told as fitted."""

from __future__ import annotations

import attrs
import pytest

import bprocsim as bp
from bprocsim.calibration import (
    LAUNCHERS,
    SYSTEMS,
    compare,
    context,
    leave_one_out,
    mean_error,
    ping_pong,
    points,
    refit,
)
from bprocsim.calibration.launchers import mode_of
from bprocsim.costs import PRESET_SOURCES, SOURCES
from bprocsim.sources import load

XCPU = LAUNCHERS["xcpu"]
GROUPS = ("flat", "tree")


@pytest.mark.slow
@pytest.mark.parametrize("mode", GROUPS)
def test_a_group_is_met_within_fifteen_percent(mode: str) -> None:
    found = [compare(XCPU, point) for point in XCPU.points(mode)]
    assert len(found) >= 5
    assert mean_error(found) < 0.15
    assert max(abs(each.error) for each in found) < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("mode", GROUPS)
def test_a_point_is_met_by_constants_that_never_saw_it(mode: str) -> None:
    assert mean_error(leave_one_out(XCPU, mode)) < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("mode", GROUPS)
def test_the_constants_are_those_that_fit_best(mode: str) -> None:
    moved = XCPU.with_constants({each.name: each.ns * 2 for each in XCPU.fitted(mode)})
    for start in (XCPU, moved):
        assert refit(start, mode, XCPU.points(mode)).figures == XCPU.figures


@pytest.mark.parametrize("mode", GROUPS)
def test_few_constants_are_fitted_on_more_points(mode: str) -> None:
    """Three for a program, counting those that the tree's takes from the flat one's; a fit is never exact."""
    assert len(XCPU.constants) <= 3
    assert len(XCPU.fitted(mode)) < len(XCPU.points(mode))
    assert {each.mode for each in XCPU.constants} == set(GROUPS)


@pytest.mark.slow
def test_fifteen_thousand_processes_move_within_the_time_that_was_not_exceeded() -> None:
    """By nothing that was fitted on it: the Fast Ethernet of the master alone takes 44 s for so many images."""
    bproc = LAUNCHERS["bproc"]
    [point] = bproc.points("flat")
    assert (point.procs, point.bound, bproc.constants) == (15000, "upper", ())
    assert 44 < compare(bproc, point).seconds <= point.seconds


@pytest.mark.slow
def test_the_tree_of_fifteen_thousand_is_met_by_what_was_not_fitted_on_it() -> None:
    bproc = LAUNCHERS["bproc"]
    tree = {point.id: compare(bproc, point) for point in bproc.points("tree")}
    assert set(tree) == {"bproc-15000-tree-125", "bproc-12MB-100"}
    assert abs(tree["bproc-15000-tree-125"].error) < 0.15
    assert "choice-fit" not in "".join(PRESET_SOURCES["Ed-like 126"].values())


def test_one_constant_on_one_point_is_an_exact_fit_and_marked_as_fitted() -> None:
    [point] = (each for each in points() if each.id == "bproc-12MB-100")
    assert PRESET_SOURCES[point.system]["link_ns_per_mib"] == "choice-fit-storm"
    assert abs(compare(LAUNCHERS["bproc"], point).error) < 0.01
    fitted = {source for own in PRESET_SOURCES.values() for source in own.values() if source.startswith("choice-fit-")}
    assert fitted == {"choice-fit-storm"}


def test_a_small_process_moves_in_some_three_milliseconds() -> None:
    found = ping_pong()
    assert (found.point.id, found.point.seconds) == ("bproc-migrate-es40", 0.003)
    assert abs(found.error) < 0.4


def test_a_point_is_of_the_mode_that_its_launch_has() -> None:
    found = {point.mode: mode_of(point) for point in points()}
    assert found["tree8"] == found["tree rfork, then local fork"] == "tree"
    assert found["flat"] == found["flat: fork 15000 on master, each moves itself"] == "flat"
    assert found["move ping-pong, RTT/2"] == found["qsnet"] == ""


def test_every_point_names_a_system_and_a_source() -> None:
    assert len({each.id for each in points()}) == len(points()) == 33
    for point in points():
        assert point.system in SYSTEMS, point
        assert point.source in load(), point
        assert point.tier in ("A", "B", "C"), point
        assert point.seconds > 0 and point.nodes > 0 and point.procs >= point.nodes and point.section, point
        assert point.bound in ("", "upper"), point
    for told in context():
        assert told.source in load(), told


def test_every_system_is_a_preset_whose_own_numbers_have_sources() -> None:
    default = attrs.asdict(bp.costs["clustermatic-2002"], recurse=False)
    assert set(PRESET_SOURCES) == set(bp.costs) - {"clustermatic-2002"} == set(SYSTEMS)
    for name, system in SYSTEMS.items():
        assert system.name == name and system.costs is bp.costs[name]
        own = {key for key, value in attrs.asdict(system.costs, recurse=False).items() if value != default[key]}
        assert own - {"name"} == set(PRESET_SOURCES[name]), name
        assert set(PRESET_SOURCES[name]) <= set(SOURCES)
        assert {system.source, *PRESET_SOURCES[name].values()} <= set(load())


def test_an_error_is_a_part_of_the_measured_time() -> None:
    point = points()[0]
    found = compare(XCPU, point)
    assert found.error == pytest.approx((found.seconds - point.seconds) / point.seconds)
    assert mean_error([found, found]) == pytest.approx(abs(found.error))
