"""Cases of documented rows: one for each, due in its world, injected, and arranged in somebody's own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any
from unittest import SkipTest

import pytest

import bprocsim as bp
from bprocsim.manual import Kind
from bprocsim.testing import ErrnoCase, cases, recipes, tables
from bprocsim.testing.rows.files import File
from bprocsim.testing.rows.programcases import ProgramCase

E = bp.Errno

DEFAULT = [case for call in tables() for case in cases(call)]
# By what else a row can be due: other editions, other kernels, another level.
VARIANTS: list[dict[str, Any]] = [
    {"edition": "lanl32", "kernel": "linux-2.4"},
    {"edition": "bproc4", "kernel": "linux-2.6"},
    {"kernel": "linux-6"},
    {"level": "5.2"},
]


def hello(proc: bp.Proc) -> Iterator[Any]:
    yield from proc.print("hello")


def cluster(path: str = "/usr/bin/hello", needs: tuple[str, ...] = ()) -> bp.Cluster:
    made = bp.Cluster(nodes=3)
    made.install(path, bp.program(needs=needs)(hello))
    return made


def test_there_is_one_case_for_each_row_of_the_page_in_order() -> None:
    for call, table in tables().items():
        of_page = [row.cause for row in table.rows if row.kind is Kind.PAGE]
        assert [case.cause for case in cases(call)] == of_page
        assert [case.cause for case in cases(call, late=True, beyond=True)] == [row.cause for row in table.rows]
    assert len({str(case) for case in DEFAULT}) == len(DEFAULT) > 250


def test_a_case_tells_its_row() -> None:
    case = next(case for case in cases("bproc_execmove") if case.cause == "cmd_being_written")
    assert (case.call, case.errno, case.sentence) == (
        "bproc_execmove",
        E.ETXTBSY,
        "another program has cmd open for writing",
    )
    assert str(case) == "bproc_execmove-ETXTBSY-cmd_being_written"


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("ra_exec", "ra_exec"), ("RA_EXECLP", "ra_exec"), ("ra_exect", "ra_exec"), ("execl()", "execve"),
        ("_bproc_execmove_io", "bproc_execmove"), ("bproc_rfork_io", "bproc_rfork"), ("execvp", "execvp"),
        ("_bproc_access", "_bproc_access"), ("open", "open"),
    ],
)  # fmt: skip
def test_a_page_may_be_named_by_any_of_its_calls(name: str, call: str) -> None:
    assert {case.call for case in cases(name)} == {call}


def test_a_call_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"no 'bproc_execmov' that has errors; expected one of .*bproc_execmove"):
        cases("bproc_execmov")
    with pytest.raises(ValueError, match="no 'rs_info'"):
        cases("rs_info", level="5.2")  # which came later
    with pytest.raises(TypeError, match=r"call: expected a name such as 'bproc_execmove', got \['bproc_execmove'\]"):
        cases(["bproc_execmove"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("argument", "name", "known"),
    [("edition", "scylt", "scyld"), ("kernel", "linux-3", "linux-2.4"), ("level", "9.9", "7.1")],
)
def test_rules_that_are_none_are_told_with_those_that_there_are(argument: str, name: str, known: str) -> None:
    with pytest.raises(ValueError, match=f"{argument}: there is no '{name}'; expected one of .*{known}"):
        cases("ra_exec", **{argument: name})  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=f"{argument}: expected one of .*{known}.* got 7"):
        cases("ra_exec", **{argument: 7})  # type: ignore[arg-type]


def test_a_page_has_only_what_its_level_has() -> None:
    assert "affinity_disabled" in {case.cause for case in cases("ra_exec")}
    assert "affinity_disabled" not in {case.cause for case in cases("ra_exec", level="5.2")}


@pytest.mark.parametrize("case", [*cases("ra_exec"), *cases("bproc_access")], ids=str)
def test_in_the_world_of_a_case_the_row_is_due(case: ErrnoCase) -> None:
    out = case.make(case.world())
    assert (out.errno, out.cause) == (case.errno, case.cause)


@pytest.mark.parametrize("case", DEFAULT, ids=str)
def test_injected_it_is_met_by_a_call_with_which_nothing_is_amiss(case: ErrnoCase) -> None:
    """In the nearest healthy world; a call by a program of the case's has no Outcome of its own there."""
    healthy = case.recipe.healthy
    world = healthy.world()
    with world.inject(case.fault()) as rule:
        out = healthy.make(world)
    assert rule.fired
    assert (out.errno, out.cause) == (case.errno, case.cause)


def test_what_no_call_returns_cannot_be_injected() -> None:
    late = next(case for case in cases("bproc_execmove", late=True) if case.cause == "node_down")
    with pytest.raises(ValueError, match="node_down: bproc_execmove does not return this errno"):
        late.fault()
    assert late.make(late.world()).late_errno is late.errno
    slot = named("bproc_vexecmove", "node_down", edition="lanl32")
    with pytest.raises(ValueError, match="node_down: bproc_vexecmove does not return this errno"):
        slot.fault()


def test_a_program_that_makes_a_call_can_be_made_to_fail() -> None:
    case = cases("open")[0]
    world = bp.Cluster(nodes=1)
    world.inject(case.fault())
    with world.session() as session, pytest.raises(bp.CallError) as raised:
        session.open("/etc/passwd", bp.O_RDONLY)
    assert raised.value.cause == case.cause


# ---- arranged -------------------------------------------------------------------------------------


def arranged_and_made(case: ErrnoCase) -> bp.Outcome | None:
    """Arrange a case in the nearest healthy world and make the call there; None if it cannot be arranged."""
    healthy = case.recipe.healthy
    world = healthy.world()
    program = getattr(healthy, "program", None)
    who: dict[str, Any] = {}
    if isinstance(program, File) and "exec" in case.call:
        caller = healthy.credentials if isinstance(world, bp.Lpar) else world.users["alice"]
        who = {"path": program.place, "user": caller}
    if case.call == "bproc_rexec":
        who["node"] = healthy.node
    try:
        case.arrange(world, **who)
    except (SkipTest, pytest.skip.Exception):
        return None
    out: bp.Outcome = healthy.make(world)
    return out


def check_arranged(found: list[ErrnoCase], at_least: int) -> None:
    """Check that each is due where it says that it is, and that so many can be arranged."""
    outs = {str(case): (case, arranged_and_made(case)) for case in found}
    told = {name: out for name, (case, out) in outs.items() if out is not None}
    assert {name: repr(out) for name, out in told.items() if out.cause != outs[name][0].cause} == {}
    assert len(told) >= at_least


def test_what_is_arranged_in_a_healthy_world_is_met_there() -> None:
    check_arranged([case for call in ("bproc_execmove", "ra_exec") for case in cases(call)], 48)


@pytest.mark.slow
@pytest.mark.parametrize("rules", [{}, *VARIANTS], ids=str)
def test_what_is_arranged_is_met_by_all_calls(rules: dict[str, Any]) -> None:
    lacks = bp.levels[rules.get("level", "7.1")].lacks
    found = [
        case for call in tables(**rules) if call not in lacks for case in cases(call, late=True, beyond=True, **rules)
    ]
    # A program that meets a row has to be loaded first, which what is arranged may not let it.
    check_arranged([case for case in found if not isinstance(case.recipe.case, ProgramCase)], 150)


def named(call: str, cause: str, **more: Any) -> ErrnoCase:
    return next(case for case in cases(call, late=True, **more) if case.cause == cause)


@pytest.mark.parametrize("cause", ["cmd_absent", "cmd_being_written", "no_master", "file_table_full", "noexec_mount"])
def test_it_is_arranged_for_every_program_that_the_user_put_there(cause: str) -> None:
    world = cluster()
    world.install("/opt/tools/second", hello)
    named("bproc_execmove", cause).arrange(world)
    for path in ("/usr/bin/hello", "/opt/tools/second"):
        assert world.bproc_execmove(1, path).cause == cause


def test_it_is_arranged_for_the_file_and_the_node_that_are_named_alone() -> None:
    world = cluster()
    world.install("/opt/second", hello)
    named("execve", "format_unknown").arrange(world, path="/opt/second")
    assert world.execve("/opt/second").errno is E.ENOEXEC
    assert world.execve("/usr/bin/hello").text == "hello\n"
    named("bproc_execmove", "node_down").arrange(world, node=1)
    assert world.bproc_execmove(1, "/usr/bin/hello").late_errno is E.EINVAL
    assert world.bproc_execmove(2, "/usr/bin/hello").text == "hello\n"


def test_an_interpreter_is_the_one_that_the_program_names() -> None:
    world = cluster(needs=("libc.so.6",))
    case = named("bproc_execmove", "interpreter_cmd_absent")
    case.arrange(world)
    assert world.bproc_execmove(1, "/usr/bin/hello").cause == case.cause
    with pytest.raises(pytest.skip.Exception, match="/usr/bin/hello names no interpreter"):
        case.arrange(cluster())


def test_on_a_partition_too() -> None:
    lpar = bp.Lpar(cores=2, smt=2)
    lpar.install("/usr/bin/app", hello)
    named("ra_exec", "not_executable").arrange(lpar)
    assert lpar.ra_execl(bp.R_RSET, lpar.rset("0-1"), 0, "/usr/bin/app", "app").cause == "not_executable"


@pytest.mark.parametrize(
    ("cause", "why"),
    [
        (
            "cmd_unreadable",
            "cmd points to memory that the program cannot read; that is a matter of what the call is given;"
            r" use fault\(\) or world\(\)$",
        ),
        ("too_many_descriptors", "who makes the call"),
        ("search_denied", "for root nothing is due if /usr/bin/hello is executed; say user= if somebody else calls"),
        ("undump_refused", r"how the world was built; use world\(\)$"),
        ("connect_refused", r"what happens while the call is made; use world\(\)$"),
    ],
)
def test_where_it_cannot_be_arranged_the_test_is_skipped_saying_why(cause: str, why: str) -> None:
    with pytest.raises(pytest.skip.Exception, match=rf"bproc_execmove-\w+-{cause} cannot be arranged here: .*{why}"):
        named("bproc_execmove", cause).arrange(cluster())


def test_for_another_user_a_directory_can_be_closed() -> None:
    world = cluster()
    alice = world.user("alice", 500, 500)
    named("bproc_execmove", "search_denied").arrange(world, user=alice)
    assert world.bproc_execmove(1, "/usr/bin/hello", user=alice).errno is E.EACCES


@pytest.mark.parametrize(
    ("call", "cause", "arguments"),
    [
        ("bproc_chown", "not_root", (1, 500)),
        ("bproc_setnodestatus", "not_administrator", (1, bp.bproc_node_error)),
        ("bproc_slave_chroot", "not_administrator", (1, "/")),
    ],
)
def test_what_asks_who_calls_is_due_for_such_a_user(call: str, cause: str, arguments: tuple[Any, ...]) -> None:
    world = cluster()
    alice = world.user("alice", 500, 500)
    named(call, cause).arrange(world, user=alice)
    assert getattr(world, call)(*arguments, user=alice).cause == cause
    with pytest.raises(pytest.skip.Exception, match="and root is not such a one; say user="):
        named(call, cause).arrange(world)


def test_on_a_partition_privileges_are_those_of_the_user() -> None:
    lpar = bp.Lpar(cores=2, smt=2)
    bob = lpar.user("bob", uid=501, gid=501)
    carol = lpar.user("carol", uid=502, gid=502, capabilities={"CAP_NUMA_ATTACH"})
    case = named("ra_exec", "not_privileged")
    case.arrange(lpar, user=bob)
    assert lpar.ra_execl(bp.R_RSET, lpar.rset("0"), 0, "/usr/bin/sh", user=bob).cause == case.cause
    with pytest.raises(pytest.skip.Exception, match="carol"):
        case.arrange(lpar, user=carol)
    named("rs_setpartition", "no_root_authority").arrange(lpar, user=carol)
    with pytest.raises(pytest.skip.Exception, match="who makes the call"):
        named("rs_registername", "not_privileged").arrange(lpar, user=bob)


def test_what_was_amiss_before_is_told() -> None:
    for cause in ("cmd_absent", "out_of_memory"):  # of a file, of a machine
        world = cluster()
        named("bproc_execmove", "no_master").arrange(world)
        with pytest.raises(pytest.skip.Exception, match=r"EBUSY \(no_master\) is due"):
            named("bproc_execmove", cause).arrange(world)


@pytest.mark.parametrize("cause", ["format_unknown", "noexec_mount"])
def test_a_file_that_is_changed_keeps_its_owner_and_mode(cause: str) -> None:
    world = bp.Cluster(nodes=1)
    world.install("/usr/bin/hello", hello, mode=0o751, uid=500, gid=501)
    named("bproc_execmove", cause).arrange(world)
    found = world.master.fs.stat("/usr/bin/hello")
    assert (found.mode, found.uid, found.gid) == (0o751, 500, 501)


def test_a_world_of_other_rules_has_other_rows() -> None:
    with pytest.raises(pytest.skip.Exception, match="has no such row"):
        named("execve", "loader_not_elf", kernel="linux-2.4").arrange(cluster())
    with pytest.raises(pytest.skip.Exception, match="no program of yours"):
        named("execve", "cmd_absent").arrange(bp.Cluster(nodes=1))


def test_what_is_no_such_world_or_file_is_refused_by_name() -> None:
    case = recipes["bproc_execmove", "cmd_absent"]
    assert case.errno is E.ENOENT
    with pytest.raises(TypeError, match=r"world: bproc_execmove cannot be called in .*Lpar"):
        named("bproc_execmove", "cmd_absent").arrange(bp.Lpar())
    with pytest.raises(TypeError, match="world: expected a Cluster or a Lpar, got 7"):
        named("bproc_execmove", "cmd_absent").arrange(7)
    with pytest.raises(ValueError, match="path: there is no file '/usr/bin/none' on master"):
        named("bproc_execmove", "cmd_absent").arrange(cluster(), path="/usr/bin/none")
    with pytest.raises(ValueError, match="node"):
        named("bproc_execmove", "node_down").arrange(cluster(), node=9)


@pytest.mark.parametrize("cause", ["node_down", "node_not_permitted", "slave_lost"])
def test_of_the_master_no_row_of_a_slave_is_due(cause: str) -> None:
    world = cluster()
    with pytest.raises(ValueError, match=rf"node: bproc_execmove-\w+-{cause} is about a slave, and -1 is the master"):
        named("bproc_execmove", cause).arrange(world, node=-1)
    assert [node.state for node in world.nodes] == ["up"] * len(world.nodes)
    with pytest.raises(pytest.skip.Exception, match=f"{cause} cannot be arranged here: there is no slave"):
        named("bproc_execmove", cause).arrange(bp.Cluster(nodes=0))


def test_without_pytest_the_skip_is_that_of_unittest() -> None:
    code = """
import sys, unittest
import bprocsim as bp
from bprocsim.testing import cases
case = next(case for case in cases("bproc_execmove") if case.cause == "cmd_unreadable")
try:
    case.arrange(bp.Cluster(nodes=1))
except unittest.SkipTest as skip:
    print(skip)
assert not {"pytest", "_pytest", "hypothesis"} & set(sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "what the call is given" in done.stdout
