"""Errno coverage: whose calls count, what is documented, and how the counts of several processes are put together."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.manual import Kind
from bprocsim.testing import CoverageReport, ErrnoCoverage, cases, recipes, tables
from bprocsim.testing.coverage.counting import RowSeen
from bprocsim.testing.coverage.report import CallLine, ErrnoLine

E = bp.Errno
HERE = Path(__file__).parent


def met(coverage: ErrnoCoverage, call: str, late: bool = False) -> dict[str, int]:
    """Tell how often each errno of a call was met, of those that were."""
    lines = [each for each in coverage.report(late=late).calls if each.call == call]
    return {errno.errno: errno.times for each in lines for errno in each.met}


def made(coverage: ErrnoCoverage) -> dict[str, int]:
    return {each.call: each.made for each in coverage.report().calls}


def hello(proc: bp.Proc) -> Iterator[Any]:
    yield from proc.print("hello")


def test_of_every_call_that_was_made_the_errnos_of_its_page_are_told_met_or_not() -> None:
    with ErrnoCoverage() as coverage:
        world = bp.Cluster(nodes=2)
        for _ in range(3):
            world.bproc_execmove(1, "/none")
        world.bproc_execmove(1, "")
        world.bproc_numnodes()
    report = coverage.report()
    assert made(coverage) == {"bproc_execmove": 4, "bproc_numnodes": 1}
    assert met(coverage, "bproc_execmove") == {"ENOENT": 4}
    of_page = {row.errno.name for row in tables()["bproc_execmove"].rows if row.kind is Kind.PAGE}
    line = report.calls[0]
    assert {each.errno for each in (*line.met, *line.unseen)} == of_page
    assert (report.met, report.documented) == (1, len(of_page) + 1)  # EBUSY of bproc_numnodes
    causes = {row.cause: row.times for row in line.met[0].rows}
    assert causes == {"cmd_empty": 1, "cmd_absent": 3, "interpreter_cmd_absent": 0}


def test_programs_sessions_and_every_kind_of_direct_call_count() -> None:
    def tries(proc: bp.BprocProc) -> Iterator[Any]:
        for node in (0, 7):
            with suppress(bp.CallError):
                yield from proc.bproc_move(node)
        rc = yield from proc.libc.execve("/none", ["none"], {})
        assert rc == -1

    with ErrnoCoverage() as coverage:
        world = bp.Cluster(nodes=2)
        world.install("/usr/bin/tries", tries)
        assert world.execve("/usr/bin/tries").exit_status == 0
        with world.session() as session, pytest.raises(bp.CallError):
            session.kill(31999, 9)
        lpar = bp.Lpar(cores=2, smt=2)
        lpar.ra_execl(bp.R_RSET, lpar.rset("0"), 8, "/usr/bin/sh")  # refused on entry
        lpar.rs_op(99, lpar.rset("0"), lpar.rset("1"))  # over in one step
        lpar.dlpar_remove(9)  # takes its time
        with lpar.inject(bp.CallFails("smtctl", E.EBUSY)):
            lpar.smtctl(1)
    assert met(coverage, "execve") == {"ENOENT": 1}
    assert met(coverage, "kill") == {"ESRCH": 1}
    assert met(coverage, "ra_exec") == met(coverage, "rs_op") == {"EINVAL": 1}
    assert met(coverage, "smtctl") == {"EBUSY": 1}
    assert made(coverage)["bproc_move"] == 2
    assert made(coverage)["execve"] == 2
    assert made(coverage)["dlpar_remove"] == 1


def test_what_only_recipes_meet_does_not_count_and_is_marked() -> None:
    with ErrnoCoverage() as coverage:
        recipes["bproc_execmove", "args_too_big"].provoke()
        case = next(case for case in cases("ra_exec") if case.cause == "flags_invalid")
        case.make(case.world())
        bp.Cluster(nodes=1).bproc_execmove(0, "/none")
    report = coverage.report()
    assert made(coverage) == {"bproc_execmove": 1}
    assert met(coverage, "bproc_execmove") == {"ENOENT": 1}
    assert [errno.errno for errno in report.calls[0].unseen if errno.only_by_recipes] == ["E2BIG"]
    assert "E2BIG*" in report.text() and "which does not count" in report.text()


def test_a_generated_call_does_not_count_but_one_of_a_program_does() -> None:
    def tries(proc: bp.Proc) -> Iterator[Any]:
        with suppress(bp.CallError):
            yield from proc.execve("/none", ["none"], {})

    with ErrnoCoverage() as coverage:
        world = bp.Cluster(nodes=1)
        world.install("/usr/bin/tries", tries)
        bp.Call("bproc_execmove", 0, "/none")(world)
        bp.Call("bproc_execmove", 0, "/usr/bin/tries")(world)
    assert made(coverage) == {"execve": 1}


def test_a_call_of_the_user_in_the_world_of_a_recipe_counts() -> None:
    with ErrnoCoverage() as coverage:
        case = next(case for case in cases("bproc_execmove") if case.cause == "no_master")
        world = case.world()
        assert world.bproc_execmove(1, "/bin/sh").errno is E.EBUSY
    assert met(coverage, "bproc_execmove") == {"EBUSY": 1}


def test_what_commands_and_the_harness_do_is_nobodys_call() -> None:
    def raises(proc: bp.Proc) -> int:
        raise RuntimeError("told on descriptor 2")

    with ErrnoCoverage() as coverage:
        world = bp.Cluster(nodes=2)
        world.install("/usr/bin/hello", hello)
        world.install("/usr/bin/raises", raises)
        assert world.run(["bpsh", "1", "/usr/bin/hello"], capture_output=True).stdout == b"hello\n"
        with pytest.raises(FileNotFoundError):
            world.run(["none"])
        assert b"RuntimeError" in world.run(["raises"], capture_output=True).stderr
    assert made(coverage) == {"write": 1}  # that of hello


def test_where_an_errno_was_met_first_is_told() -> None:
    with ErrnoCoverage() as coverage:
        world = bp.Cluster(nodes=1)
        world.bproc_execmove(0, "/none")
        world.bproc_execmove(0, "/nothing")
    (errno,) = coverage.report(root=HERE).calls[0].met
    line = test_where_an_errno_was_met_first_is_told.__code__.co_firstlineno + 3
    assert errno.first == f"test_counting.py:{line}"
    assert coverage.report().calls[0].met[0].first == f"{__file__}:{line}"


def test_late_errnos_count_if_asked_for() -> None:
    with ErrnoCoverage("bproc_execmove") as coverage:
        world = bp.Cluster(nodes=1)
        world.install("/usr/bin/hello", hello)
        assert world.bproc_execmove(7, "/usr/bin/hello").late_errno is E.EINVAL
    assert met(coverage, "bproc_execmove") == {}
    assert met(coverage, "bproc_execmove", late=True) == {"EINVAL": 1}
    assert coverage.report(late=True).documented > coverage.report().documented
    assert "late ones included" in coverage.report(late=True).text()


def test_slots_count_if_late_ones_do() -> None:
    with ErrnoCoverage("bproc_vexecmove") as coverage:
        world = bp.Cluster(nodes=2, edition="lanl32")
        world.install("/usr/bin/hello", hello)
        assert world.bproc_vexecmove([1, 7], "/usr/bin/hello").causes == (None, "node_unknown")
    assert met(coverage, "bproc_vexecmove") == {}
    assert met(coverage, "bproc_vexecmove", late=True) == {"BE_INVALIDNODE": 1}


def test_what_was_asked_for_is_told_alone_also_if_it_was_never_made() -> None:
    with ErrnoCoverage("RA_EXECLP", "_bproc_execmove_io") as coverage:
        world = bp.Cluster(nodes=1)
        world.bproc_execmove(0, "/none")
        world.execve("/none")
    assert made(coverage) == {"bproc_execmove": 1, "ra_exec": 0}
    assert coverage.report().calls[1].percent == 0
    with pytest.raises(ValueError, match="no 'ra_exce' that has errors"):
        ErrnoCoverage("ra_exce")


def test_documented_is_what_the_page_in_force_has() -> None:
    documented = {}
    for rules in ({"edition": "scyld"}, {"edition": "bproc4", "kernel": "linux-6"}):
        with ErrnoCoverage() as coverage:
            bp.Cluster(nodes=1, **rules).bproc_execmove(0, "/none")  # type: ignore[arg-type]
        documented[rules["edition"]] = {errno.errno for errno in coverage.report().calls[0].errnos}
    assert "EPERM" in documented["scyld"] - documented["bproc4"]
    with ErrnoCoverage() as coverage:
        lpar = bp.Lpar(cores=1, cpu="POWER5", level="5.2")
        lpar.ra_execl(bp.R_RSET, lpar.rset("0"), 8, "/usr/bin/sh")
    assert "ENOTSUP" not in {errno.errno for errno in coverage.report().calls[0].errnos}  # no SRADIDs there


def test_only_worlds_that_are_built_within_it_count_and_only_what_is_called_within_it() -> None:
    before = bp.Cluster(nodes=1)
    with ErrnoCoverage() as coverage:
        within = bp.Cluster(nodes=1)
        before.bproc_execmove(0, "/none")
    within.bproc_execmove(0, "/none")
    assert made(coverage) == {}
    assert coverage.report().text() == "no call with documented errnos was made\n"
    assert coverage.report().percent == 0


def test_two_at_once_count_for_themselves() -> None:
    with ErrnoCoverage() as outer, ErrnoCoverage("execve") as inner:
        world = bp.Cluster(nodes=1)
        world.bproc_execmove(0, "/none")
        world.execve("/none")
    assert made(outer) == {"bproc_execmove": 1, "execve": 1}
    assert made(inner) == {"execve": 1}


def test_counting_changes_nothing_of_a_run() -> None:
    def digest() -> str:
        world = bp.Cluster(nodes=2, trace="all", faults=[bp.CallFails("bproc_execmove", E.ENOMEM, when="2")])
        world.install("/usr/bin/hello", hello)
        for path in ("/usr/bin/hello", "/usr/bin/hello", "/none"):
            world.bproc_execmove(1, path)
        return world.trace.digest()

    alone = digest()
    with ErrnoCoverage() as coverage:
        assert digest() == alone
    assert met(coverage, "bproc_execmove") == {"ENOENT": 1, "ENOMEM": 1}


def test_the_counts_of_two_processes_add_up() -> None:
    parts = []
    for path in ("/none", "", "x" * 5000):
        with ErrnoCoverage("ra_exec", "bproc_execmove") as coverage:
            bp.Cluster(nodes=1).bproc_execmove(0, path)
        parts.append(json.loads(json.dumps(coverage.counts())))
    whole = ErrnoCoverage("ra_exec", "bproc_execmove")
    for part in parts:
        whole.add(part)
    assert made(whole) == {"bproc_execmove": 3, "ra_exec": 0}
    assert met(whole, "bproc_execmove") == {"ENOENT": 2, "ENAMETOOLONG": 1}
    assert whole.report().documented == coverage.report().documented
    first = {errno.errno: errno.first for errno in whole.report(root=HERE).calls[0].met}
    assert all(each.startswith("test_counting.py:") for each in first.values())


def test_what_recipes_met_in_other_processes_is_marked() -> None:
    whole = ErrnoCoverage("bproc_execmove")
    for _ in range(2):
        with ErrnoCoverage() as coverage:
            recipes["bproc_execmove", "args_too_big"].provoke()
        whole.add(coverage.counts())
    assert "E2BIG*" in whole.report().text()
    assert whole.calls["bproc_execmove"].rows["E2BIG", "args_too_big"].by_recipes == 2


# ---- the report -------------------------------------------------------------------------------------


@pytest.fixture
def counted() -> ErrnoCoverage:
    with ErrnoCoverage("bproc_execmove", "bproc_numnodes", "bproc_masteraddr") as coverage:
        world = bp.Cluster(nodes=1)
        world.bproc_execmove(0, "/none")
        world.bproc_masteraddr(None)
        recipes["bproc_execmove", "args_too_big"].provoke()
    return coverage


def test_the_table(counted: ErrnoCoverage) -> None:
    assert (
        counted.report().text()
        == """\
call               made      met         never seen
bproc_execmove        1  1 of 15    6%   EBUSY EFAULT ENAMETOOLONG EACCES ENOTDIR ELOOP EIO ENFILE
                                         ETXTBSY EPERM E2BIG* ENOMEM ENOEXEC EINVAL
bproc_masteraddr      1   1 of 1  100%   -
bproc_numnodes        0   0 of 1    0%   EBUSY
2 of 17 documented errnos met (11%)
* met in a recipe of bprocsim's alone, which does not count
"""
    )


def line_of(met: int, documented: int, sentence: str = "it fails") -> CallLine:
    """Give what a report tells of a call of whose errnos so many were met."""
    rows = [RowSeen(f"E{number}", "cause", sentence, "page", int(number < met)) for number in range(documented)]
    return CallLine("call", 1, tuple(ErrnoLine(row.errno, (row,)) for row in rows))


@pytest.mark.parametrize(("met", "percent"), [(0, 0), (1, 1), (2, 1), (150, 50), (299, 99), (300, 100)])
def test_nothing_alone_is_0_percent_and_everything_alone_100(met: int, percent: int) -> None:
    report = CoverageReport((line_of(met, 300),))
    assert report.total() == f"{met} of 300 documented errnos met ({percent}%)"
    assert f" {percent}% " in report.text().splitlines()[1]


def test_a_sentence_does_not_break_a_table_of_markdown() -> None:
    lines = CoverageReport((line_of(0, 1, "a|b"),)).markdown().splitlines()
    assert r"| E0 | - | - | a\|b (`cause`) |" in lines


def test_in_markdown(counted: ErrnoCoverage) -> None:
    lines = counted.report(root=HERE).markdown().splitlines()
    assert "2 of 17 documented errnos met (11%)." in lines
    assert "| bproc_numnodes | 0 | 0 of 1 | EBUSY |" in lines
    assert any(line.startswith(r"| E2BIG | \* | - | the argument list is too big (`args_too_big`)") for line in lines)
    (entry,) = [line for line in lines if line.startswith("| ENOENT")]
    assert entry.startswith("| ENOENT | 1 | test_counting.py:") and "cmd does not exist (`cmd_absent`, 1)" in entry
    cells = {line.replace(r"\|", "").count("|") for line in lines if line.startswith("|")}
    assert cells == {5}


def test_in_json(counted: ErrnoCoverage) -> None:
    found = json.loads(counted.report(root=HERE).json())
    assert (found["schema"], found["met"], found["documented"], found["percent"]) == (1, 2, 17, 11.76)
    calls = {call["call"]: call for call in found["calls"]}
    row = tables()["bproc_numnodes"].row("no_master")
    assert calls["bproc_numnodes"] == {
        "call": "bproc_numnodes", "made": 0, "met": 0, "documented": 1, "percent": 0.0, "never_seen": ["EBUSY"],
        "errnos": [
            {
                "errno": "EBUSY", "times": 0, "first": None, "only_by_recipes": False,
                "causes": [{"cause": "no_master", "sentence": row.sentence, "kind": "page", "times": 0}],
            }
        ],
    }  # fmt: skip
    errnos = {errno["errno"]: errno for errno in calls["bproc_execmove"]["errnos"]}
    assert errnos["ENOENT"]["first"].startswith("test_counting.py:")
    assert errnos["E2BIG"]["only_by_recipes"]
    assert "ENOENT" not in calls["bproc_execmove"]["never_seen"]
