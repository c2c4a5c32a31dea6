"""Each single fault: all of them are tried, each of them strikes, and what is planted is found and replayed."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import bprocsim as bp
from bprocsim.bproc import move
from bprocsim.bproc.master import Master
from bprocsim.bproc.transit import Move
from bprocsim.faults import Fault
from bprocsim.manual import Errors, Fail, Row
from bprocsim.scenario.build import World
from bprocsim.scenario.report import Report
from bprocsim.scenario.tokens import read_token
from bprocsim.testing import Scenario, SingleFaults, Verdict, each_single_fault, tables
from bprocsim.testing import strategies as bst
from bprocsim.testing.rows.tables import returned_errnos
from bprocsim.testing.singlefault.happening import listen
from bprocsim.units import ms
from tests.environment import TOP

Steps = Generator[Any, Any, Any]
HERE = Path(__file__).parent
HELLO = {"path": "/usr/bin/hello", "program": "hello"}


def goes(node: int) -> dict[str, Any]:
    return {"call": "bproc_execmove", "node": node, "cmd": "/usr/bin/hello"}


ONE = Scenario(cluster={"nodes": 2}, file=[HELLO], call=[goes(1)])
LOST = "exit 5 AFTER the exec: EIO slave_lost"
TWO = Scenario(cluster={"nodes": 2}, file=[HELLO], call=[goes(1), goes(1)])


def faults_of(found: SingleFaults) -> set[Fault]:
    return {each.fault for each in found if each.fault is not None}


# ---- what is tried -----------------------------------------------------------------------------------


def test_every_errno_of_every_call_and_every_death_at_every_step_is_tried() -> None:
    found = each_single_fault(ONE)
    page = tables()
    expected: set[Fault] = {bp.CallFails("write", errno, when="1") for errno in returned_errnos(page["write"])}
    for errno in returned_errnos(page["bproc_execmove"]):
        expected.add(bp.CallFails("bproc_execmove", errno, when="1"))
    expected |= {bp.PowerOff(node, step=step) for step in bp.Step for node in (1, -1)}
    assert faults_of(found) == expected
    assert len(found) == len(expected)
    assert all(each.struck for each in found)


def test_what_happened_is_listed() -> None:
    happening = each_single_fault(ONE, calls=[], steps=[]).happening
    assert [(each.page, each.number, each.place) for each in happening.calls] == [
        ("bproc_execmove", 1, "master"),
        ("write", 1, "node 1"),
    ]
    assert [each.step for each in happening.steps] == list(bp.Step)
    assert {(each.sender, each.receiver) for each in happening.messages} == {("master", "node 1"), ("node 1", "master")}
    assert any(each.message == "image" for each in happening.messages)


def test_each_call_of_a_name_fails_by_itself() -> None:
    found = each_single_fault(TWO, calls=["write"], steps=[])
    assert [each.came for each in found if each.fault == bp.CallFails("write", bp.Errno.EIO, when="2")] == [
        ("bproc_execmove: exit 0", "bproc_execmove: exit 1")
    ]
    assert {each.fault.when for each in found if isinstance(each.fault, bp.CallFails)} == {"1", "2"}


def test_steps_of_later_moves_are_met_at_their_instants() -> None:
    found = each_single_fault(TWO, calls=[], steps=[bp.Step.STREAM])
    assert [(each.fault.node, each.fault.step) for each in found if isinstance(each.fault, bp.PowerOff)] == [
        (-1, bp.Step.STREAM), (1, bp.Step.STREAM), (-1, None), (1, None),
    ]  # fmt: skip
    assert [each.came for each in found][1::2] == [
        (f"bproc_execmove: {LOST}", "bproc_execmove: exit 22 AFTER the exec: EINVAL node_down"),
        ("bproc_execmove: exit 0", f"bproc_execmove: {LOST}"),
    ]


def told(report: Report) -> list[str]:
    """Give what happened in an order that does not depend on when within an instant it was written.

    A direct call that is refused tells of its process's end only where there are rules for calls.
    """
    return sorted(each.text() for each in report.world.trace.records if each.kind != "exit")


def test_listening_changes_nothing() -> None:
    for scenario in (ONE, TWO, Scenario.of(TOP / "examples" / "first.toml"), Scenario.of(TOP / "examples/st_set.toml")):
        world = scenario.world()
        listen(world)
        heard, plain = scenario.play(world), scenario.play()
        assert told(heard) == told(plain)


def test_a_partition_has_calls_alone() -> None:
    call = {"call": "ra_execve", "rstype": "R_RSET", "rsid": "0-1", "flags": 0, "path": "/usr/bin/hello"}
    found = each_single_fault(Scenario(lpar={"cores": 2, "level": "5.2"}, file=[HELLO], call=[call]), calls=["ra_exec"])
    assert {each.fault.call for each in found if isinstance(each.fault, bp.CallFails)} == {"ra_execve"}
    assert all(each.struck for each in found)
    assert not any("affinity" in each.came[0] for each in found)  # which this level has not


def test_two_systems_are_struck_each_by_itself() -> None:
    line = ["sh", "-c", "exit 3"]
    both = Scenario(
        cluster={"nodes": 1}, lpar={"cores": 1},
        call=[{"call": "run", "args": line, "system": name} for name in ("cluster", "lpar")],
    )  # fmt: skip
    found = each_single_fault(both, calls=["execve"])
    assert {each.system for each in found} == {"cluster", "lpar"}
    assert all(each.struck and each.came.count("run: exit 3") == 1 for each in found)


# ---- what is found -----------------------------------------------------------------------------------


def stays(proc: bp.Proc) -> Steps:
    """Wait until a signal ends it."""
    yield from proc.pause()


def leaks_a_job(proc: bp.BprocProc) -> Steps:
    """Start two jobs, or none; planted: a second one that cannot be started is reported, and the first goes on."""
    pids = []
    for _ in range(2):
        try:
            pids.append((yield from proc.fork(stays)))
        except bp.CallError:
            return 1
    yield from proc.sleep(10 * ms)
    for pid in pids:
        yield from proc.kill(pid, bp.SIGKILL)
        yield from proc.waitpid(pid)
    return 0


def hangs_on_a_pipe(proc: bp.BprocProc) -> Steps:
    """Wait for a line of a child; planted: the writing end stays open here, so its end is never read."""
    reading, writing = yield from proc.pipe()

    def child(proc: bp.BprocProc) -> Steps:
        try:
            yield from proc.write(writing, b"x")
        except bp.CallError:
            return 1
        return 0

    yield from proc.fork(child)
    yield from proc.read(reading, 1)
    return 0


def ignores(proc: bp.BprocProc) -> Steps:
    """Run hello on node 0; planted: whatever comes of it is taken for success."""

    def child(proc: bp.BprocProc) -> Steps:
        try:
            yield from proc.bproc_execmove(0, "/usr/bin/hello", ["hello"], {})
        except bp.CallError:
            return 1

    yield from proc.fork(child)
    yield from proc.wait()
    yield from proc.print("done")
    return 0


def launcher(program: Any) -> Scenario:
    files = [HELLO, {"path": "/usr/bin/launch", "program": program}]
    return Scenario(cluster={"nodes": 1}, file=files, call=[{"call": "run", "args": ["launch"]}])


def test_a_process_that_is_left_behind_is_found() -> None:
    found = each_single_fault(launcher(leaks_a_job))
    left = found.with_verdict(Verdict.PROCESS)
    assert {each.fault for each in left} >= {bp.CallFails("fork", bp.Errno.EAGAIN, when="2")}
    assert "leaves a process: launch on master, which waits in pause" in str(left[0])


def test_a_launcher_that_hangs_is_found() -> None:
    found = each_single_fault(launcher(hangs_on_a_pipe), calls=["write"])
    assert {each.fault for each in found.with_verdict(Verdict.HANG)} == {
        bp.CallFails("write", errno, when="1") for errno in returned_errnos(tables()["write"])
    }
    assert found.bad[0].came == ("run: Deadlock",)


def test_a_program_that_lets_an_error_through_crashes() -> None:
    found = each_single_fault(ONE, calls=["write"], steps=[])
    assert len(found.with_verdict(Verdict.CRASH)) == len(found) == len(returned_errnos(tables()["write"]))


def test_a_check_of_ones_own_finds_what_was_overlooked() -> None:
    def succeeds(report: Report) -> None:
        out = report.results[-1].outcome
        assert out is None or b"hello" in out.stdout or out.exit_status, "success, and nobody said hello"

    found = each_single_fault(launcher(ignores), calls=["bproc_execmove"], steps=list(bp.Step), check=succeeds)
    wrong = found.with_verdict(Verdict.WRONG)
    assert len(wrong) > len(bp.Step) / 2
    assert "is not as asserted: success, and nobody said hello" in str(wrong[0])


def fans_out(world: World) -> None:
    """Run hello on every node, as a launcher outside would; planted: 128 and more is taken for success."""
    assert world.cluster is not None
    done = [world.cluster.run(["bpsh", str(node), "hello"], capture_output=True) for node in range(2)]
    for each in done:
        failed = 0 < each.returncode < 128
        assert failed or b"hello" in each.stdout, f"{each.returncode} is no success"


def test_a_launcher_outside_is_driven_through_every_single_fault() -> None:
    world = Scenario(cluster={"nodes": 2}, file=[{**HELLO, "on": "master,all"}])
    found = each_single_fault(world, calls=["write"], steps=[bp.Step.RUN], drive=fans_out)
    assert found.usual.ok
    wrong = found.with_verdict(Verdict.WRONG)
    assert {each.fault.node for each in wrong if isinstance(each.fault, bp.PowerOff)} >= {0, 1}
    assert any("255 is no success" in str(each) for each in wrong)  # as bpsh tells of a death
    assert {each.token for each in found} == {None}


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (RuntimeError("x"), "crashes: RuntimeError: x"),
        (bp.Deadlock("y"), "hangs: Deadlock: y"),
        (AssertionError(), "is not as asserted: an assertion failed"),
    ],
)
def test_what_a_driver_raises_is_wrong_with_the_run(error: Exception, told: str) -> None:
    def drive(_world: World) -> None:
        raise error

    line = drive.__code__.co_firstlineno + 1
    place = "" if isinstance(error, bp.Deadlock) else f" (test_single_fault.py, line {line})"
    assert f"{told}{place}\n" in f"{each_single_fault(ONE, calls=['write'], steps=[], drive=drive).usual}\n"


def test_what_a_check_raises_is_told_with_the_line_of_the_users_that_led_to_it() -> None:
    def check(_report: Report) -> None:
        json.loads("{")

    line = check.__code__.co_firstlineno + 1
    told = str(each_single_fault(ONE, calls=["write"], steps=[], check=check).usual)
    assert f"(char 1) (test_single_fault.py, line {line})\n" in told


def test_of_many_lines_that_an_assertion_tells_the_place_is_on_the_first() -> None:
    def check(_report: Report) -> None:
        raise AssertionError("one\ntwo")

    told = str(each_single_fault(ONE, calls=["write"], steps=[], check=check).usual)
    assert re.search(r"one \(test_single_fault.py, line [0-9]+\)\n *two", told)


def test_a_ghost_that_nobody_buries_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted in the simulator: when a node is lost, nobody kills what ran there."""
    monkeypatch.setattr(Master, "_kill_all", lambda *_, **__: None)
    found = each_single_fault(launcher(ignores), calls=[], steps=[bp.Step.RUN])
    ghosts = {each.fault for each in found.with_verdict(Verdict.GHOST)}
    assert ghosts == {bp.PowerOff(0, step=bp.Step.RUN)}
    assert "leaves a ghost: of hello, said to be on node 0, which is dead" in str(found)


@pytest.mark.parametrize(
    ("what", "verdict"), [("files.used", Verdict.DESCRIPTOR), ("memory.used_bytes", Verdict.MEMORY)]
)
def test_what_a_lost_target_leaves_in_use_is_found(
    what: str, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planted in the simulator: whoever loses the target of a move forgets to give something back."""
    lose, (room, name) = Move.lose_target, what.split(".")

    def forgets(self: Move) -> None:
        lose(self)
        part = getattr(self.source, room)
        setattr(part, name, getattr(part, name) + 1)

    monkeypatch.setattr(Move, "lose_target", forgets)
    found = each_single_fault(ONE, calls=[])
    assert {each.fault for each in found.with_verdict(verdict)} >= {bp.PowerOff(1, step=bp.Step.STREAM)}
    assert not any(each.fault.node < 0 for each in found.bad if isinstance(each.fault, bp.PowerOff))


def test_what_no_page_allows_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """Planted in the simulator: a late failure is told by another table's row."""
    row = Row(bp.Errno.EXDEV, lambda facts: True, "a mistake", name="mistaken")
    other = Errors("bproc_execmove", page="scyld-bproc_execmove", order="scyld-bproc_execmove", rows=[row])
    monkeypatch.setattr(move, "_late", lambda *_: Fail(row, other))
    found = each_single_fault(ONE, calls=[])
    wrong = found.with_verdict(Verdict.UNDOCUMENTED)
    assert {each.fault for each in wrong} >= {bp.PowerOff(1, step=bp.Step.STREAM)}
    assert "EXDEV (mistaken: a mistake)" in str(wrong[0])


def test_a_mistake_of_ours_is_told_and_the_other_runs_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(self: Move) -> None:
        raise KeyError("planted")

    monkeypatch.setattr(Move, "lose_target", breaks)
    found = each_single_fault(ONE, calls=[])
    assert "bprocsim itself raised KeyError: 'planted'" in str(found.with_verdict(Verdict.CRASH)[0])
    assert len(found) == 2 * len(bp.Step)


def test_what_is_wrong_without_the_fault_is_told_once() -> None:
    def raises(proc: bp.Proc) -> Steps:
        yield from proc.print("x")
        raise RuntimeError("always")

    scenario = Scenario(file=[{"path": "/usr/bin/r", "program": raises}], call=[{"call": "run", "args": ["r"]}])
    found = each_single_fault(scenario, calls=["execve"])
    assert [each.fault for each in found.bad] == [None]
    assert "without any fault\n    crashes: a program on master raised RuntimeError: always" in str(found)
    assert found.bad[0].token is None


# ---- the report --------------------------------------------------------------------------------------


def test_each_line_is_replayed_by_its_token() -> None:
    found = each_single_fault(TWO, calls=["bproc_execmove"], steps=[bp.Step.THAW])
    for each in found:
        assert each.token is not None
        again = Scenario.of_token(each.token)
        assert again.faults == [each.fault]
        report = again.play()
        assert report.digest == read_token(each.token).digest
        assert tuple(f"{one.call.call}: {one.outcome.told()}" for one in report.results if one.outcome) == each.came


def test_the_report_is_read_and_checked() -> None:
    clean = each_single_fault(ONE, calls=["bproc_execmove"])
    assert clean.ok and clean.check() is clean
    assert "2 calls, 17 steps of moves" in str(clean) and "nothing is wrong" in str(clean)
    assert str(clean[0]).splitlines()[1].startswith("    ok: bproc_execmove: -1 ")

    bad = each_single_fault(ONE, calls=["write"], steps=[])
    with pytest.raises(
        AssertionError, match=r"crashes: a program on node 1 raised CallError(.|\n)*bprocsim replay bps1\."
    ):
        bad.check()
    assert bad.summary().splitlines()[1] == f"  {len(bad)} crashes"


def test_a_file_and_what_was_understood_of_it_do_as_well() -> None:
    path = TOP / "examples" / "first.toml"
    by_path = each_single_fault(path, calls=["execve"])
    assert [*by_path] == [*each_single_fault(str(path), calls=["execve"])]
    assert [*by_path] == [*each_single_fault(Scenario.of(path).loaded, calls=["execve"])]


def test_long_work_tells_how_far_it_is() -> None:
    told: list[tuple[int, int]] = []
    found = each_single_fault(ONE, calls=["write"], progress=lambda done, of: told.append((done, of)))
    assert told == [(done, len(found)) for done in range(len(found) + 1)]
    assert all(later[0] - sooner[0] == 1 for sooner, later in pairwise(told))


def test_steps_may_be_named_and_calls_by_any_of_their_forms() -> None:
    by_name = each_single_fault(ONE, calls=["_bproc_execmove_io"], steps=["RUN"])
    found = each_single_fault(ONE, calls=["bproc_execmove"], steps=[bp.Step.RUN])
    assert [each.fault for each in by_name] == [each.fault for each in found]
    assert {type(each.fault) for each in by_name} == {bp.CallFails, bp.PowerOff}


def test_what_cannot_be_tried_is_said() -> None:
    with pytest.raises(
        ValueError, match=r"calls: this scenario makes no call 'bproc_mov'; it makes bproc_execmove, write"
    ):
        each_single_fault(ONE, calls=["bproc_mov"])
    with pytest.raises(TypeError, match="calls: expected a list of names, got 'write'"):
        each_single_fault(ONE, calls="write")
    with pytest.raises(ValueError, match=r"steps: there is no step 'RUNN'; expected some of ENTRY, .*, RUN"):
        each_single_fault(ONE, steps=["RUNN"])
    with pytest.raises(TypeError, match=r"steps: expected a list of members of bp\.Step, got 'RUN'"):
        each_single_fault(ONE, steps="RUN")
    with pytest.raises(TypeError, match=r"steps: expected a list of members of bp\.Step, got <Step\.RUN"):
        each_single_fault(ONE, steps=bp.Step.RUN)  # type: ignore[arg-type]
    for argument in ("drive", "check", "progress"):
        with pytest.raises(TypeError, match=f"{argument}: expected a function, got 3"):
            each_single_fault(ONE, **{argument: 3})  # type: ignore[arg-type]


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(bst.scenarios(most_nodes=2, most_calls=2, most_faults=0))
def test_no_single_fault_makes_the_simulator_itself_go_wrong(scenario: Scenario) -> None:
    """Of made-up scenarios too: programs may crash, but nothing is left, nobody hangs, and pages are kept to."""
    found = each_single_fault(scenario)
    assert all(each.struck for each in found)
    for each in found.bad:
        assert {finding.verdict for finding in each.findings} == {Verdict.CRASH}, str(each)
        assert not any("bprocsim itself" in finding.what for finding in each.findings), str(each)
