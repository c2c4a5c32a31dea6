"""What single faults are planned, and how a run that is over is judged: each way of being wrong by itself."""

from __future__ import annotations

from collections.abc import Generator
from itertools import count
from typing import Any

import attrs
import pytest

import bprocsim as bp
from bprocsim.scenario.build import World
from bprocsim.scenario.play import Result
from bprocsim.testing import Scenario, Verdict, each_single_fault
from bprocsim.testing.singlefault.happening import Happening, StepReached
from bprocsim.testing.singlefault.judging import Ending, ending_of
from bprocsim.testing.singlefault.planning import single_faults
from bprocsim.units import ms

Steps = Generator[Any, Any, Any]
HELLO = {"path": "/usr/bin/hello", "program": "hello"}


def goes(node: int, **more: Any) -> dict[str, Any]:
    return {"call": "bproc_execmove", "node": node, "cmd": "/usr/bin/hello", **more}


def runs(program: Any, **cluster: Any) -> Scenario:
    files = [{"path": "/usr/bin/tried", "program": program}]
    return Scenario(cluster={"nodes": 1, **cluster}, file=files, call=[{"call": "run", "args": ["tried"]}])


def told(ending: Ending) -> list[str]:
    return [str(each) for each in ending.beyond(Ending())]


def judged(scenario: Scenario) -> list[str]:
    """Tell what is wrong with a scenario without any fault."""
    return [str(each) for each in each_single_fault(scenario, calls=[], steps=[]).usual.findings]


# ---- which are tried ---------------------------------------------------------------------------------


def test_deaths_of_one_node_at_one_instant_are_one_fault() -> None:
    reached = [StepReached("cluster", step, (-1, 0), pid, at_ns)
               for pid, at_ns in ((1001, 0), (1002, 7)) for step in (bp.Step.ENTRY, bp.Step.EXEC)]  # fmt: skip
    found = single_faults(Happening(steps=reached), None, None)
    assert [each.fault for each in found] == [
        *(bp.PowerOff(node, step=step) for step in (bp.Step.ENTRY, bp.Step.EXEC) for node in (-1, 0)),
        bp.PowerOff(-1, at_ns=7), bp.PowerOff(0, at_ns=7),
    ]  # fmt: skip
    assert found[0].about == "the master loses power as pid 1001 reaches ENTRY"
    assert found[-1].about == "node 0 loses power as pid 1002 is about to reach ENTRY"


def test_a_node_that_is_none_loses_no_power() -> None:
    scenario = Scenario(cluster={"nodes": 1}, file=[HELLO], call=[goes(9)])
    struck = {each.fault.node for each in each_single_fault(scenario, calls=[]) if isinstance(each.fault, bp.PowerOff)}
    assert struck == {bp.BPROC_NODE_MASTER}


# ---- each way of being wrong -------------------------------------------------------------------------


def spins(proc: bp.Proc) -> Steps:
    """Leave a child behind that goes on for ever."""

    def child(proc: bp.Proc) -> Steps:
        while True:
            yield from proc.sleep(1 * ms)

    yield from proc.fork(child)


def test_programs_that_go_on_without_end_hang() -> None:
    assert judged(runs(spins, max_events=2000)) == [
        "hangs: run does not end (Runaway)",
        "hangs: programs go on without end",
        "leaves a process: tried on master, which waits in sleep(1000000)",
    ]


@pytest.mark.parametrize(("signal", "crashes"), [(bp.SIGSEGV, True), (bp.SIGTERM, False)])
def test_a_process_that_is_killed_as_by_a_mistake_of_its_own_crashes(signal: Any, crashes: bool) -> None:
    def dies(proc: bp.Proc) -> Steps:
        yield from proc.kill(proc.pid, signal)

    assert judged(runs(dies)) == ["crashes: a process on master was killed by SIGSEGV"] * crashes


def test_a_move_that_never_ends_leaves_a_ghost() -> None:
    world = Scenario(cluster={"nodes": 1}).world()
    assert world.cluster is not None
    moves: dict[int, Any] = world.cluster.bpmaster.moves
    moves[1001] = None
    assert told(ending_of(world, [])) == ["leaves a ghost: of a move of pid 1001 that never ended"]


def test_a_process_of_the_harness_is_not_left() -> None:
    def opens(world: World) -> None:
        assert world.cluster is not None
        world.cluster.session().getpid()
        world.cluster.idle_process()

    scenario = Scenario(cluster={"nodes": 1})
    assert each_single_fault(scenario, calls=[], steps=[], drive=opens).usual.findings == ()


def late() -> tuple[World, Result, bp.Outcome]:
    """Give a run that ended by a late failure."""
    report = Scenario(cluster={"nodes": 1}, file=[HELLO], call=[goes(9)]).play()
    (result,) = report.results
    assert result.outcome is not None and result.outcome.late
    return report.world, result, result.outcome


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        ({}, []),
        ({"exit_status": 7}, ["bproc_execmove ended with status 7 of EINVAL (node_unknown)"]),
        ({"errors": None}, ["bproc_execmove came to EINVAL (node_unknown), which its page does not have"]),
        ({"row": None, "exit_status": None}, ["bproc_execmove neither came back nor ended"]),
    ],
)
def test_what_no_page_allows(change: dict[str, Any], wrong: list[str]) -> None:
    world, result, outcome = late()
    result = attrs.evolve(result, outcome=attrs.evolve(outcome, **change))
    assert told(ending_of(world, [result])) == [f"comes to what no page allows: {each}" for each in wrong]


def test_a_run_is_held_against_the_one_without_the_fault() -> None:
    usual, worse = Ending(), Ending()
    usual.found[Verdict.HANG]["it"] = 2
    worse.found[Verdict.HANG].update({"it": 4, "more": 1})
    worse.found[Verdict.MEMORY]["bytes on master"] = 4096
    assert [str(each) for each in worse.beyond(usual)] == [
        "hangs: 2 times it", "hangs: more", "leaves memory in use: 4096 bytes on master",
    ]  # fmt: skip
    assert list(usual.beyond(worse)) == []


# ---- what is told of a run ---------------------------------------------------------------------------


def test_a_fault_that_did_not_strike_is_told() -> None:
    times = count()

    def calls_once(world: World) -> None:
        assert world.cluster is not None
        if next(times) == 0:
            world.cluster.bproc_execmove(0, "/none")

    found = each_single_fault(
        Scenario(cluster={"nodes": 1}), calls=["bproc_execmove"], steps=[], drive=calls_once
    )  # fmt: skip
    assert not any(each.struck for each in found)
    assert "the fault never struck" in found[0].lines()
    assert found.summary().splitlines()[-1] == f"  {len(found)} never struck"


def test_calls_that_could_not_be_made_are_told() -> None:
    scenario = Scenario(cluster={"nodes": 2}, file=[HELLO], call=[goes(0), goes(1, from_node=0)])
    found = each_single_fault(scenario, calls=[], steps=[bp.Step.RUN])
    (struck,) = [each for each in found if each.fault == bp.PowerOff(0, step=bp.Step.RUN)]
    assert any(line.startswith("not all calls were made: ") and "is down" in line for line in struck.lines())
    assert struck.document()["refused"] == struck.refused != ""
