"""Scenarios as values: run, with faults, as a token, as Python; and made up by chance."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.faults import Fault
from bprocsim.scenario.problems import ScenarioError
from bprocsim.scenario.tokens import read_token
from bprocsim.testing import Scenario
from bprocsim.testing import strategies as bst
from bprocsim.testing.strategies.faulting import KINDS
from bprocsim.testing.strategies.scenarios import _partition_faults
from tests.cli.command import command
from tests.environment import TOP
from tests.testing.written import namespace

Steps = Generator[Any, Any, Any]
HELLO = {"path": "/usr/bin/hello", "program": "hello"}
GOES = {"call": "bproc_execmove", "node": 1, "cmd": "/usr/bin/hello"}
LEAST = {
    "cluster": {"nodes": 1},
    "user": [{"name": "a", "uid": 1, "gid": 1}],
    "file": [{"path": "/usr/bin/a", "program": "true"}, {"path": "/usr/bin/b", "program": "true"}],
    "call": [{"call": "bproc_execmove", "node": 0, "cmd": "/usr/bin/a"}],
}
SHRUNK = settings(database=None, phases=[Phase.generate, Phase.shrink], max_examples=2000, derandomize=True)


def counts(proc: bp.Proc) -> Steps:
    """Say how many words there are: a program of this module."""
    yield from proc.print(len(proc.argv))
    return 4


def other(function: Any) -> Any:
    """Give another function of the same name."""

    def wrapped(proc: bp.Proc) -> int:
        return int(function(proc)) + 1

    wrapped.__name__ = function.__name__
    return wrapped


def one(**more: Any) -> Scenario:
    return Scenario(cluster={"nodes": 2}, file=[HELLO], call=[GOES], **more)


def test_it_runs_to_the_outcome_of_its_last_call() -> None:
    out = one().run()
    assert (out.text, out.exit_status) == ("hello from node 1\n", 0)


def test_each_run_is_in_a_world_of_its_own() -> None:
    scenario = one()
    assert scenario.run().pid == scenario.run().pid
    assert scenario.play().digest == scenario.play().digest


def test_faults_are_records_or_tables() -> None:
    table = {"kind": "PowerOff", "node": 1, "step": "STREAM"}
    given, written = one(fault=[bp.PowerOff(1, step=bp.Step.STREAM)]), one(fault=[table])
    assert given == written
    assert given.run().cause == "slave_lost"
    assert given.faults == [bp.PowerOff(1, step=bp.Step.STREAM)]
    assert given != one()


ALL_FAULTS = [
    bp.PowerOff(0), bp.PowerOff(0, at_ns=3), bp.PowerOff(-1, step=bp.Step.RUN), bp.PowerOn(0, 9), bp.Hang(1, 2),
    bp.NodeUpFails(1), bp.LinkCut(-1, 0, 1, 2), bp.SlowLink(0, 1, 7), bp.Loss(0, 1, 0.5), bp.MasterDaemonExit(5),
    bp.IoError(0, b"/etc/passwd"), bp.MemoryFull(0, 3), bp.OpenFileLimit(0, 4), bp.ConnectRefused(0, 5),
    bp.LibraryMissing(0, "libm.so.6"), bp.CallFails("write", bp.Errno.EIO, when="2+", node=1, at_ns=1, until_ns=9),
]  # fmt: skip


def test_every_fault_survives_being_written_down() -> None:
    kept = one().with_faults(*ALL_FAULTS).faults
    assert kept[:10] + kept[11:] == ALL_FAULTS[:10] + ALL_FAULTS[11:]
    assert kept[10] == bp.IoError(0, "/etc/passwd")


def test_more_faults_make_another_scenario() -> None:
    plain = one()
    struck = plain.with_faults(bp.PowerOff(1))
    assert (plain.run().cause, struck.run().cause) == (None, "node_down")
    assert plain.faults == []


def test_faults_strike_the_system_that_is_named() -> None:
    both = Scenario(
        cluster={"nodes": 1}, lpar={"cores": 2},
        call=[{"call": "execve", "path": "/usr/bin/sh", "argv": ["sh", "-c", "exit 3"], "system": "lpar"}],
    )  # fmt: skip
    refused = bp.CallFails("execve", bp.Errno.ENOMEM)
    assert both.with_faults(refused, system="lpar").run().errno is bp.Errno.ENOMEM
    assert both.with_faults(refused, system="cluster").run().exit_status == 3


def test_programs_may_be_functions() -> None:
    call = {"call": "run", "args": ["counts", "x"]}
    scenario = Scenario(file=[{"path": "/usr/bin/counts", "program": counts}], call=[call])
    assert (scenario.run().text, scenario.run().exit_status) == ("2\n", 4)
    assert scenario.tables["file"][0]["program"] == "test_scenarios:counts"


def test_a_token_with_a_function_is_replayed_beside_its_module() -> None:
    scenario = Scenario(
        file=[{"path": "/usr/bin/counts", "program": counts}], call=[{"call": "run", "args": ["counts"]}]
    )
    token = scenario.token()
    assert read_token(token).used.keys() == {"test_scenarios.py"}
    done = command("replay", token, "--beside", str(Path(__file__).parent))
    assert done.returncode == 0, done.stderr
    assert b"the same as in the first run" in done.stdout


def test_a_token_is_a_scenario_again() -> None:
    scenario = one(fault=[bp.PowerOff(1, step=bp.Step.THAW)])
    assert Scenario.of_token(scenario.token()) == scenario
    call = {"call": "run", "args": ["counts"]}
    counting = Scenario(file=[{"path": "/usr/bin/counts", "program": counts}], call=[call])
    assert Scenario.of_token(counting.token(), beside=Path(__file__).parent).run().exit_status == 4
    with pytest.raises(ScenarioError, match="is code, which no token holds"):
        Scenario.of_token(counting.token())


def test_a_function_within_a_function_runs_but_has_no_token() -> None:
    def inner(proc: bp.Proc) -> int:
        return 5

    scenario = Scenario(file=[{"path": "/usr/bin/in", "program": inner}], call=[{"call": "run", "args": ["in"]}])
    assert scenario.run().exit_status == 5
    assert scenario == Scenario(**{**scenario.tables, "file": [{"path": "/usr/bin/in", "program": inner}]})
    assert scenario != Scenario(**{**scenario.tables, "file": [{"path": "/usr/bin/in", "program": other(inner)}]})
    with pytest.raises(ValueError, match=r"program: .*inner is no function at the top of a module"):
        scenario.token()


def test_two_functions_of_one_name_are_two_programs() -> None:
    def named(status: int) -> Any:
        def same(proc: bp.Proc) -> int:
            return status

        return same

    files = [{"path": f"/usr/bin/{status}", "program": named(status)} for status in (5, 6)]
    for status in (5, 6):
        assert Scenario(file=files, call=[{"call": "run", "args": [str(status)]}]).run().exit_status == status


def test_another_level_of_trace_keeps_all_of_it() -> None:
    limited = one(trace="all", trace_limit=2)
    assert limited.with_trace("all").play().digest == one(trace="all").play().digest
    assert limited.with_trace("all").play().world.trace.dropped == 0 < limited.play().world.trace.dropped


def test_what_is_wrong_is_told_at_once_and_by_key() -> None:
    with pytest.raises(ScenarioError) as told:
        Scenario(cluster={"nods": 2}, file=[HELLO], call=[{**GOES, "cmd": 3}])
    assert "cluster.nods: there is no such key here (did you mean nodes?)" in str(told.value)
    assert "call.0.cmd" in str(told.value)


def test_a_run_without_an_outcome_says_why() -> None:
    with pytest.raises(ValueError, match="no call that comes to something"):
        Scenario(call=[{"call": "sleep", "seconds": 1}]).run()
    waits = {"path": "/usr/bin/sleep", "program": "sleep"}
    call = {"call": "execve", "path": "/usr/bin/sleep", "argv": ["sleep", "1000"], "timeout_ns": 1000}
    with pytest.raises(bp.Timeout):
        Scenario(file=[waits], call=[call]).run()
    with pytest.raises(ValueError, match=r"call.0.from_node: .*is down"):
        Scenario(fault=[bp.PowerOff(0)], call=[{**GOES, "from_node": 0}]).run()


@pytest.mark.parametrize("name", ["first.toml", "node_states.toml", "st_set.toml", "missing_library.toml"])
def test_a_file_is_a_scenario_too(name: str) -> None:
    scenario = Scenario.of(TOP / "examples" / name)
    assert scenario.play().ok
    again = eval(repr(scenario), namespace())
    assert again == scenario
    assert again.play().digest == scenario.play().digest


def test_other_things_are_none() -> None:
    with pytest.raises(TypeError, match=r"scenario: expected a file, or a bprocsim\.testing\.Scenario"):
        Scenario.of(3)  # type: ignore[arg-type]


def test_what_is_no_fault_is_none() -> None:
    with pytest.raises(TypeError, match=r"faults: expected records such as bp\.PowerOff\(node=2\), got 'PowerOff'"):
        Scenario(call=[]).with_faults("PowerOff")  # type: ignore[arg-type]


# ---- made up by chance ---------------------------------------------------------------------------------


@settings(max_examples=60)
@given(bst.scenarios())
def test_any_scenario_runs_and_is_python_that_builds_it_again(scenario: Scenario) -> None:
    assert isinstance(scenario.run(), bp.Outcome)
    again = eval(repr(scenario), namespace())
    assert again == scenario
    assert read_token(again.token()).digest == scenario.play().digest


@settings(max_examples=60, suppress_health_check=())
@given(bst.scenarios(), bst.faults(bp.Cluster(2)), bst.faults(bp.Cluster(2), swarm=True), bst.fault(bp.Lpar(2)))
def test_health_checks_do_not_complain(scenario: Scenario, some: list[Fault], swarm: list[Fault], fault: Fault) -> None:
    assert scenario.tables["call"] and len(some) <= 4 and len(swarm) <= 4 and type(fault) in KINDS


def test_the_least_scenario_is_one_call_in_a_small_cluster() -> None:
    least = find(bst.scenarios(), lambda scenario: True, settings=SHRUNK)
    assert least.tables == LEAST


def drawn(strategy: st.SearchStrategy[Any], count: int) -> list[Any]:
    """Give values of a strategy, the same ones each time."""
    made: list[Any] = []

    @settings(max_examples=count, database=None, derandomize=True, phases=[Phase.generate])
    @given(strategy)
    def draws(value: Any) -> None:
        made.append(value)

    draws()
    return made


def test_scenarios_are_of_every_sort() -> None:
    made = [scenario.tables for scenario in drawn(bst.scenarios(), 200)]
    clusters, lpars = ([each[name] for each in made if name in each] for name in ("cluster", "lpar"))
    assert {each.get("edition", "scyld") for each in clusters} == {*bp.editions}
    assert {each.get("level", "7.1") for each in lpars} == {*bp.levels}
    for systems in (clusters, lpars):
        assert {each.get("order", "fifo") for each in systems} == {"fifo", "random"}
    assert {len(each["call"]) for each in made} == {1, 2, 3, 4}
    assert {len(each.get("fault", ())) for each in made} == {0, 1, 2, 3}


def test_a_core_is_left_to_a_partition() -> None:
    faults = [each for some in drawn(_partition_faults("7.1", 3, False), 200) for each in some]
    assert {each.core for each in faults if isinstance(each, bp.CoreFails)} == {0, 1}  # of three


@pytest.mark.slow
def test_of_what_goes_wrong_only_what_matters_is_left() -> None:
    def lacks_memory(scenario: Scenario) -> bool:
        on_cluster = "cluster" in scenario.tables
        return on_cluster and any(
            each.fired and isinstance(each.fault, bp.MemoryFull) for each in scenario.play().world.planned
        )

    least = find(bst.scenarios(), lacks_memory, settings=SHRUNK)
    assert least.faults == [bp.MemoryFull(0)]
    assert least.tables["cluster"] == {"nodes": 1}
    assert len(least.tables["call"]) == 1


def test_neither_scenarios_nor_single_faults_need_hypothesis() -> None:
    code = (
        "import sys, bprocsim.testing as kit\n"
        "scenario = kit.Scenario(call=[{'call': 'run', 'args': ['echo', 'x']}])\n"
        "assert kit.each_single_fault(scenario, calls=['execve']).ok\n"
        "assert not {'hypothesis', 'pytest'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=TOP, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
