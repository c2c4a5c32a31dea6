"""Calls that fail by rule: which, when, where, and that only what a page has can be asked for."""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.bproc.service import Call
from bprocsim.faults.occasions import occasion
from bprocsim.kernel.calls import CALLS, runner
from bprocsim.kernel.tables import tables_in_force
from bprocsim.manual import Kind
from bprocsim.units import ms
from tests.scenario.loading import played, told

E = bp.Errno

# Calls of which no page says that they fail.
WITHOUT_ERRORS = {"compute", "thread_create", "alarm", "gethostname", "gettimeofday", "readproctab"}


def cluster(*faults: bp.CallFails, **more: Any) -> bp.Cluster:
    made = bp.Cluster(nodes=3, faults=list(faults), **more)
    made.install("/usr/bin/hello", lambda proc: 0)
    return made


def errnos(made: bp.Cluster, node: int = 1, times: int = 6) -> list[str]:
    """Tell how so many calls go: "" for one that succeeds."""
    outs = [made.bproc_execmove(node, "/usr/bin/hello") for _ in range(times)]
    return ["" if out.errno is None else out.errno.name for out in outs]


SYSTEMS: dict[str, Callable[[], Any]] = {
    **{edition: partial(bp.Cluster, nodes=1, edition=edition) for edition in bp.editions},
    **{level: partial(bp.Lpar, cores=2, level=level, cpu="POWER5") for level in ("5.2", "7.1")},
}


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_errno_of_every_page_can_be_asked_for_and_no_other(name: str) -> None:
    system = SYSTEMS[name]()
    for call, table in tables_in_force(system.home).items():
        of_page = {row.errno for row in table.rows if row.kind not in (Kind.LATE, Kind.SLOT)}
        for errno in of_page:
            system.inject(bp.CallFails(call, errno)).cancel()
        for errno in [errno for errno in E if errno not in of_page][:2]:
            with pytest.raises(ValueError, match=rf"errno: {table.call} is not documented to return {errno.name}"):
                system.inject(bp.CallFails(call, errno))
    assert not system.rules.by_call


@pytest.mark.parametrize("edition", bp.editions)
def test_every_call_has_a_table_or_no_errors(edition: str) -> None:
    home = bp.Cluster(edition=edition).home
    named = {call for call in CALLS if isinstance(runner(call), Call)}  # which an edition may lack
    vectors = {"_bproc_vrfork_io", "bproc_vexecmove_io"}
    has = {*(named & set(bp.editions[edition].calls())), *(vectors if edition != "scyld" else ())}
    aix = {call for call, (room, _) in CALLS.items() if room.startswith("aix.")}
    assert set(tables_in_force(home)) == (set(CALLS) - WITHOUT_ERRORS - aix - named - vectors) | has
    assert aix <= set(tables_in_force(bp.Lpar().home))


@pytest.mark.parametrize(
    ("when", "meant"),
    [
        ("1", [1]), ("3", [3]), ("2+", [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]), ("1+2", [1, 3, 5, 7, 9, 11]),
        ("4+4", [4, 8, 12]), ("2..4", [2, 3, 4]), ("1..9+2", [1, 3, 5, 7, 9]), ("2..9+3", [2, 5, 8]), ("5..5", [5]),
        ("1+", list(range(1, 13))), ("2..3+", [2, 3]),
    ],
)  # fmt: skip
def test_an_occasion_is_read_as_strace_reads_it(when: str, meant: list[int]) -> None:
    assert [number for number in range(1, 13) if occasion(when)(number)] == meant


@pytest.mark.parametrize("when", ["", "0", "-1", "1-2", "two", "2++", "1..", "..3", "3..2", "1+0", "1 ", "+2", "٣"])
def test_what_is_no_occasion_is_refused_by_name(when: str) -> None:
    with pytest.raises(ValueError, match="when"):
        bp.CallFails("write", E.EIO, when=when)


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ({"errno": "EIO"}, TypeError, "errno"),
        ({"errno": 5}, TypeError, "errno"),
        ({"call": 7}, TypeError, "call"),
        ({"when": 2}, TypeError, "when"),
        ({"when": "2", "probability": 0.5}, ValueError, "never both"),
        ({"probability": 1}, ValueError, "probability"),
        ({"at_ns": 5, "until_ns": 5}, ValueError, "until_ns"),
        ({"node": "1"}, TypeError, "node"),
    ],
)
def test_a_rule_with_a_wrong_argument_is_refused_by_name(wrong: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        bp.CallFails(**{"call": "write", "errno": E.EIO, **wrong})


def test_a_rule_for_what_is_not_there_is_refused() -> None:
    made = cluster()
    for rule, text in (
        (bp.CallFails("bproc_execmov", E.ENOMEM), "no 'bproc_execmov' here.*bproc_execmove"),
        (bp.CallFails("ra_exec", E.EPERM), "no 'ra_exec' here"),
        (bp.CallFails("alarm", E.EINVAL), "no 'alarm' here"),
        (bp.CallFails("write", E.EIO, node=7), "node: there is no node 7"),
        # What leaves an exit status behind is no errno of the call.
        (bp.CallFails("bproc_execmove", E.EAGAIN), "not documented"),
    ):
        with pytest.raises(ValueError, match=text):
            made.inject(rule)
    with pytest.raises(ValueError, match="one machine"):
        bp.Lpar().inject(bp.CallFails("write", E.EIO, node=1))


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("1+", ["ENOMEM"] * 6),
        ("2", ["", "ENOMEM", "", "", "", ""]),
        ("4+", ["", "", "", "ENOMEM", "ENOMEM", "ENOMEM"]),
        ("1..5+2", ["ENOMEM", "", "ENOMEM", "", "ENOMEM", ""]),
    ],
)
def test_the_calls_that_are_meant_fail_and_no_others(when: str, expected: list[str]) -> None:
    made = cluster(bp.CallFails("bproc_execmove", E.ENOMEM, when=when))
    assert errnos(made) == expected
    assert made.planned[0].fired == expected.count("ENOMEM")


def test_what_fails_by_rule_is_told_and_changes_nothing() -> None:
    made = cluster(bp.CallFails("bproc_execmove", E.ENOMEM), trace="all")
    out = made.bproc_execmove(1, "/usr/bin/hello")
    assert (out.value, out.errno, out.cause, out.exit_status) == (-1, E.ENOMEM, "out_of_memory", None)
    assert "out_of_memory" in out.explain()
    kinds = [record.kind for record in made.sim.trace.records]
    assert kinds == ["fault", "fail", "exit"]  # of the process that the harness made for the call
    assert out.elapsed_ns == made.costs.syscall_ns


def test_also_what_would_have_failed_fails_by_the_rule() -> None:
    made = cluster(bp.CallFails("execve", E.EACCES))
    assert made.execve("/usr/bin/nothing").errno is E.EACCES
    assert made.bproc_execmove(1, "/usr/bin/nothing").errno is E.ENOENT  # another call


def test_calls_count_where_the_rule_says() -> None:
    made = cluster(bp.CallFails("write", E.EIO, node=2))

    def says(proc: bp.Proc) -> Generator[object, Any, int]:
        try:
            yield from proc.write(1, b"said")
        except bp.CallError as error:
            return int(error.number)
        return 0

    made.install("/usr/bin/says", says)
    outs = [made.bproc_execmove(node, "/usr/bin/says") for node in (0, 1, 2)]
    assert [(out.exit_status, out.stdout) for out in outs] == [(0, b"said"), (0, b"said"), (5, b"")]


def test_a_page_is_about_all_of_its_calls() -> None:
    lpar = bp.Lpar(cores=2, smt=2)
    rset = lpar.rset("0-1")
    with lpar.inject(bp.CallFails("ra_exec", E.EPERM, when="1..2")) as rule:
        assert lpar.ra_execl(bp.R_RSET, rset, 0, "/usr/bin/sh").errno is E.EPERM
        assert lpar.ra_execvp(bp.R_RSET, rset, 0, "sh").errno is E.EPERM
        assert rule.fired == 2
    with lpar.inject(bp.CallFails("smtctl", E.EBUSY)):
        assert lpar.smtctl(1).errno is E.EBUSY
    assert lpar.smtctl(1).errno is None
    with lpar.inject(bp.CallFails("rs_op", E.EINVAL)):
        assert lpar.rs_op(bp.RS_UNION, rset, lpar.rset("2")).errno is E.EINVAL


@pytest.mark.parametrize("name", ["bproc_execmove", "bproc_execmove_io", "_bproc_execmove_io"])
def test_a_call_may_be_named_by_any_of_its_forms(name: str) -> None:
    made = cluster(bp.CallFails(name, E.ENOMEM))
    assert errnos(made, times=1) == ["ENOMEM"]
    assert made.bproc_execmove_io(1, 4000, "/usr/bin/hello").errno is E.ENOMEM


@pytest.mark.parametrize(
    ("name", "struck", "spared"),
    [
        ("ra_execl", "ra_execve", "ra_execvp"),
        ("ra_execle", "ra_execve", "ra_exect"),
        ("ra_execv", "ra_execl", "ra_execvp"),
        ("ra_execlp", "ra_execvp", "ra_execve"),
    ],
)
def test_a_form_of_the_library_is_the_call_that_it_makes(name: str, struck: str, spared: str) -> None:
    lpar = bp.Lpar(cores=1)
    arguments: dict[str, tuple[Any, ...]] = {"ra_execl": ("sh",), "ra_execvp": (["sh"],)}
    with lpar.inject(bp.CallFails(name, E.ENODEV)):
        for form, expected in ((struck, E.ENODEV), (spared, None)):
            rest = arguments.get(form, (["sh"], {}))
            path = "sh" if form == "ra_execvp" else "/usr/bin/sh"
            assert getattr(lpar, form)(bp.R_RSET, lpar.rset("0"), 0, path, *rest).errno is expected
    with lpar.inject(bp.CallFails("execl", E.EACCES)):
        assert lpar.execve("/usr/bin/sh").errno is E.EACCES


def test_what_a_slot_tells_is_no_errno_of_the_call() -> None:
    made = cluster(edition="lanl32")
    with pytest.raises(ValueError, match="not documented to return BE_NODEDOWN"):
        made.inject(bp.CallFails("bproc_vexecmove", E.BE_NODEDOWN))
    with made.inject(bp.CallFails("bproc_vexecmove_io", E.EFAULT)):
        assert made.bproc_vexecmove([0, 1], "/usr/bin/hello").errno is E.EFAULT


def test_a_rule_lives_as_long_as_its_with() -> None:
    made = cluster()
    with made.inject(bp.CallFails("bproc_execmove", E.EBUSY)) as rule:
        assert errnos(made, times=1) == ["EBUSY"]
    assert errnos(made, times=1) == [""]
    assert (rule.fired, rule.cancelled) == (1, False)
    assert not made.rules.by_call


def test_a_rule_holds_between_its_instants() -> None:
    made = cluster(bp.CallFails("bproc_numnodes", E.EBUSY, at_ns=10 * ms, until_ns=20 * ms))
    seen = []
    for _ in range(6):
        seen.append(made.bproc_numnodes().errno)
        made.sleep(0.005)
    assert seen == [None, None, E.EBUSY, E.EBUSY, None, None]


def test_the_eldest_rule_that_strikes_wins_and_all_count() -> None:
    made = cluster(
        bp.CallFails("bproc_execmove", E.ENOMEM, when="2"),
        bp.CallFails("bproc_execmove", E.EBUSY, when="2..3"),
        bp.CallFails("bproc_execmove", E.EIO, when="4"),
    )
    assert errnos(made, times=5) == ["", "ENOMEM", "EBUSY", "EIO", ""]
    assert [planned.fired for planned in made.planned] == [1, 1, 1]


def test_chance_is_the_seeds() -> None:
    def run(seed: int) -> list[str]:
        return errnos(cluster(bp.CallFails("bproc_execmove", E.ENOMEM, probability=0.5), seed=seed), times=40)

    assert run(1) == run(1) != run(2)
    assert 8 < run(1).count("ENOMEM") < 32


def test_a_rule_that_never_struck_fails_a_strict_run() -> None:
    made = cluster(bp.CallFails("bproc_execmove", E.ENOMEM, when="3"), strict_faults=True)
    errnos(made, times=2)
    with pytest.raises(AssertionError, match=r"never struck.*CallFails"):
        made.sim.run()
    errnos(made, times=1)
    made.sim.run()


def test_an_interrupted_call_by_rule_is_not_begun_again() -> None:
    made = cluster(bp.CallFails("waitpid", E.EINTR, when="1"))

    def parent(proc: bp.Proc) -> Generator[object, Any, int]:
        yield from proc.fork(lambda proc: proc.sleep(5 * ms))
        try:
            yield from proc.wait()
        except bp.CallError as error:
            yield from proc.wait()
            return int(error.number)
        return 0

    made.install("/usr/bin/parent", parent)
    assert made.execve("/usr/bin/parent").exit_status == 4


def test_a_session_meets_it_too() -> None:
    made = cluster(bp.CallFails("open", E.EMFILE, when="1"))
    made.master.fs.write_file("/etc/motd", b"hi")
    with made.session() as session:
        with pytest.raises(OSError) as caught:
            session.open("/etc/motd")
        assert isinstance(caught.value, bp.CallError)
        assert caught.value.error is E.EMFILE
        assert session.open("/etc/motd") == 3


def test_the_systems_of_a_world_have_rules_of_their_own() -> None:
    sim = bp.Simulation()
    first, second = sim.cluster(nodes=1), sim.cluster(nodes=1, name="other")
    for made in (first, second):
        made.install("/usr/bin/hello", lambda proc: 0)
    first.inject(bp.CallFails("bproc_execmove", E.ENOMEM))
    assert first.bproc_execmove(0, "/usr/bin/hello").errno is E.ENOMEM
    assert second.bproc_execmove(0, "/usr/bin/hello").errno is None


def test_a_scenario_may_have_one() -> None:
    text = """
schema = 1
[[file]]
path = "/usr/bin/hello"
program = "hello"
[[fault]]
kind = "CallFails"
call = "bproc_execmove"
errno = "ENOMEM"
when = "2"
[[call]]
call = "bproc_execmove"
node = 1
cmd = "/usr/bin/hello"
expect = { exit_status = 0 }
[[call]]
call = "bproc_execmove"
node = 1
cmd = "/usr/bin/hello"
expect = { errno = "ENOMEM" }
"""
    assert all(result.ok for result in played(text))
    (message,) = told(text.replace('"ENOMEM"\nwhen', '"EROFS"\nwhen'))
    assert "test.toml:9" in message
    assert "not documented to return EROFS" in message


def test_of_rows_that_report_one_errno_the_one_that_is_meant_is_met() -> None:
    made = cluster()
    for cause in ("search_denied", "not_executable"):
        with made.inject(bp.CallFails("bproc_execmove", E.EACCES, cause=cause)):
            assert made.bproc_execmove(1, "/usr/bin/hello").cause == cause
    with pytest.raises(
        ValueError, match=r"cause: bproc_execmove has no 'cmd_absent' that reports EACCES; .*search_denied"
    ):
        made.inject(bp.CallFails("bproc_execmove", E.EACCES, cause="cmd_absent"))
    with pytest.raises(TypeError, match="cause: expected a str"):
        bp.CallFails("bproc_execmove", E.EACCES, cause=E.EACCES)  # type: ignore[arg-type]
