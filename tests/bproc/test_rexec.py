"""bproc_rexec: names are those of the other node, and what goes wrong there is told by edition."""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp
from tests.bproc.worlds import HELLO, MASTER, Steps, assert_clean, cluster, steps


@pytest.mark.parametrize("edition", ["scyld", "lanl32", "bproc4"])
@pytest.mark.parametrize(("source", "target"), [(MASTER, 2), (1, 2), (1, MASTER)])
def test_the_file_is_that_of_the_other_node(source: int, target: int, edition: str) -> None:
    made = cluster(on="master,1,2", edition=edition)
    for node in (MASTER, 1, 2):
        made.install("/usr/bin/where", _says(node), on=node if node >= 0 else "master")
    out = made.bproc_rexec(target, "/usr/bin/where", ["where", "x"], {"A": "b"}, from_node=source)
    assert (out.text, out.exit_status, out.node) == (f"file of {target}, on {target}: ['where', 'x'] b\n", 0, target)
    assert_clean(made)


def _says(node: int) -> Any:
    """Make a program that tells whose file it is."""

    def where(proc: bp.Proc) -> Steps:
        yield from proc.print(f"file of {node}, on {proc.node}:", proc.argv, proc.env["A"])

    return where


def test_a_missing_file_is_a_status_of_1_or_an_errno_by_edition() -> None:
    """Source: scyld-bproc_rexec, bproc-4.0.0pre8-move."""
    found = {}
    for edition in ("scyld", "lanl32", "bproc4"):
        made = cluster(on="master", edition=edition)
        out = made.bproc_rexec(2, HELLO)
        assert out.cause == "cmd_absent"
        found[edition] = (out.failed, out.exit_status, out.node, out.late_errno is not None)
        assert ("RUN" in steps(made)) == (edition == "scyld")
        assert_clean(made)
    assert found == {
        "scyld": (False, 1, 2, True),
        "lanl32": (True, None, MASTER, False),
        "bproc4": (True, None, MASTER, False),
    }
    assert repr(cluster(on="master").bproc_rexec(2, HELLO)).startswith(
        "<bproc_rexec: exit 1 AFTER the move: ENOENT cmd_absent;"
    )


@pytest.mark.parametrize("edition", ["scyld", "bproc4"])
def test_arguments_are_copied_here_and_nodes_asked_before_files(edition: str) -> None:
    made = cluster(on="master", edition=edition)
    asked = [
        made.bproc_rexec(99, bp.BAD_ADDRESS),
        made.bproc_rexec(99, HELLO, bp.BAD_ADDRESS),
        made.bproc_rexec(99, "/no"),
        made.bproc_rexec(MASTER, HELLO),
    ]
    assert [(each.failed, each.cause) for each in asked] == [
        (True, "cmd_unreadable"),
        (True, "argv_unreadable"),
        (True, "node_unknown"),
        (True, "same_node"),  # in every edition: only a move and a fork have a convenience
    ]


@pytest.mark.parametrize("edition", ["scyld", "bproc4"])
def test_libraries_must_be_there(edition: str) -> None:
    @bp.program(needs=("libfoo.so.1",))
    def needs(proc: bp.Proc) -> Steps:
        yield from proc.print("never")

    made = cluster(edition=edition)
    made.install("/usr/bin/needs", needs, on="2")
    out = made.bproc_rexec(2, "/usr/bin/needs")
    assert out.exit_status == 127
    assert "libfoo.so.1: cannot open shared object file" in out.text
    assert_clean(made)


@pytest.mark.parametrize("edition", ["scyld", "bproc4"])
def test_a_set_id_file_and_relative_names_are_those_of_the_node(edition: str) -> None:
    made = cluster(edition=edition)
    made.nodes[2].fs.mkdir("/work")
    made.master.fs.mkdir("/work")
    made.install("/work/tool", lambda proc: 40 + proc.euid, on="2", mode=0o4755, uid=2)
    alice = made.user("alice", 500, 500)
    assert made.bproc_rexec(2, "tool", user=alice, cwd="/work").exit_status == 42
    made.nodes[2].chmod(0)
    assert made.bproc_rexec(2, "tool", user=alice, cwd="/work").cause == "node_not_permitted"


@pytest.mark.parametrize("edition", ["scyld", "bproc4"])
def test_a_script_is_run_by_the_nodes_interpreter(edition: str) -> None:
    def interprets(proc: bp.Proc) -> Steps:
        fd = yield from proc.open(proc.argv[1])
        yield from proc.print(proc.node, proc.argv, (yield from proc.read(fd)))

    made = cluster(edition=edition)
    made.install("/usr/bin/interprets", interprets, on="2")
    made.nodes[2].fs.write_file("/script", b"#!/usr/bin/interprets\nbody\n", mode=0o755)
    out = made.bproc_rexec(2, "/script", ["s", "x"])
    assert out.text == "2 ['/usr/bin/interprets', '/script', 'x'] b'#!/usr/bin/interprets\\nbody\\n'\n"


@pytest.mark.parametrize("edition", ["scyld", "bproc4"])
def test_by_a_port(edition: str) -> None:
    made = cluster(edition=edition)
    out = made.bproc_rexec_io(2, 4000, "/usr/bin/cat", ["cat"], input=b"through")
    assert (out.stdout, out.stderr, out.exit_status) == (b"through", b"", 0)
    # Where the process has moved before its exec is refused, the connections have been made.
    assert made.bproc_rexec_io(2, 4001, "/none").cause == "cmd_absent"
    assert_clean(made)


def test_only_arguments_are_sent() -> None:
    made = cluster()
    made.bproc_rexec(2, HELLO, ["hello", "a" * 1000])
    (sent,) = [each.size_bytes for each in made.trace.of_kind("message") if each.message == "image"]
    assert 3000 < sent < 4000


def test_an_exec_that_comes_after_the_move_is_none_of_its_steps() -> None:
    """So a fault that is planned for that step strikes nothing there."""
    for edition, within in (("scyld", False), ("lanl32", True), ("bproc4", True)):
        made = cluster(edition=edition)
        assert made.bproc_rexec(2, HELLO).exit_status == 3
        passed = steps(made)
        assert (passed[passed.index("THAW") + 1 : passed.index("IO_SETUP")] == ["EXEC"]) is within
        assert ("EXEC" in passed) is within
        made = cluster(edition=edition, faults=[bp.PowerOff(2, step=bp.Step.EXEC)])
        assert (made.bproc_rexec(2, HELLO).exit_status == 3) is not within
