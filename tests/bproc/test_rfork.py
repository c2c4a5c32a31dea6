"""bproc_rfork: a child that begins elsewhere, or has never been."""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import ms
from tests.bproc.test_move import runs
from tests.bproc.worlds import HELLO, MASTER, Steps, assert_clean, cluster

WAYS = [(MASTER, 2), (1, 2), (1, MASTER)]


@pytest.mark.parametrize("edition", ["scyld", "lanl32", "bproc4"])
@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a_child_begins_on_the_node_with_what_its_parent_has(source: int, target: int, edition: str) -> None:
    seen = dict[str, Any]()

    def child(proc: bp.BprocProc, word: str) -> Steps:
        process = proc.thread.process
        seen["child"] = (proc.node, proc.ppid, process.pgid, proc.uid, word, proc.argv, sorted(process.descriptors))
        yield from proc.print("child on", proc.node)
        return 5

    def parent(proc: bp.BprocProc) -> Steps:
        pid = yield from proc.bproc_rfork(target, child, "word")
        seen["pids"] = (pid > proc.pid, proc.node)
        waited = yield from proc.wait()
        seen["waited"] = (waited.pid == pid, waited.exit_status)

    made = cluster(edition=edition)
    out = runs(parent, source, made, user=made.user("alice", 500, 500))
    assert seen["child"] == (target, out.pid, out.pid, 500, "word", ["program"], [0, 1, 2])
    assert (seen["pids"], seen["waited"]) == ((True, source), (True, 5))
    assert out.text == f"child on {target}\n"
    assert_clean(made)


@pytest.mark.parametrize("edition", ["scyld", "lanl32", "bproc4"])
def test_a_failed_fork_is_told_by_edition_and_leaves_nobody(edition: str) -> None:
    told = list[Any]()

    def parent(proc: bp.BprocProc) -> Steps:
        yield from proc.sigaction(bp.SIGCHLD, lambda proc, signum: told.append("SIGCHLD"))
        told.append((yield from proc.libc.bproc_rfork(99, never)))
        told.append(proc.libc.errno)
        told.append((yield from proc.libc.waitpid(-1, bp.WNOHANG)))
        told.append(proc.libc.errno)

    def never(proc: bp.Proc) -> Steps:
        raise AssertionError("it has never been")

    made = cluster(edition=edition)
    runs(parent, made=made)
    first = {"scyld": [-1, 22], "lanl32": [-1, 300], "bproc4": [-300, 0]}[edition]
    assert told == [*first, (-1, 0), 10]
    assert made.bproc_rfork(99, never).value == first[0]
    assert_clean(made)


def test_a_failure_is_raised_in_python_whatever_the_number() -> None:
    made = cluster(edition="bproc4")

    def parent(proc: bp.BprocProc) -> Steps:
        try:
            yield from proc.bproc_rfork(99, lambda child: 0)
        except bp.CallError as error:
            yield from proc.print(error.cause, error.failed)

    assert runs(parent, made=made).text == "node_unknown -300\n"


@pytest.mark.parametrize("source", [MASTER, 1])
@pytest.mark.parametrize("port", [0, 4000])
def test_a12_a_child_on_the_own_node_by_edition(port: int, source: int) -> None:
    def child(proc: bp.Proc) -> Steps:
        text = (yield from proc.read(0)) if port else b""
        yield from proc.write(1, b"out %d " % proc.node + text)
        yield from proc.write(2, b"err")

    found = {}
    for edition in ("scyld", "lanl32", "bproc4"):
        made = cluster(edition=edition)
        who: Any = {"from_node": source, "input": b"in"}
        out = made.bproc_rfork_io(source, 4000, child, **who) if port else made.bproc_rfork(source, child, **who)
        found[edition] = out.cause or (out.stdout, out.stderr)
        if port and edition != "scyld":
            refused = made.bproc_rfork_io(source, 4001, child, listen=False, from_node=source)
            assert refused.cause == "connect_refused"
        assert_clean(made)
    succeeds = (b"out %d in" % source if port else b"out %d " % source, b"err")
    assert found == {"scyld": "same_node", "lanl32": succeeds, "bproc4": succeeds}


def test_a32_grandchildren_have_the_masters_numbers_and_outlive_their_parent() -> None:
    seen = list[tuple[int, int, int]]()

    def grandchild(proc: bp.Proc) -> Steps:
        yield from proc.sleep(20 * ms)
        seen.append((proc.node, proc.pid, proc.ppid))

    def child(proc: bp.Proc) -> Steps:
        for _ in range(2):
            yield from proc.fork(grandchild)

    def parent(proc: bp.BprocProc) -> Steps:
        pid = yield from proc.bproc_rfork(2, child)
        assert (yield from proc.wait()).pid == pid
        listed = made.master.processes
        assert {pid + 1, pid + 2} <= set(listed)
        yield from proc.sleep(40 * ms)
        assert seen == [(2, pid + 1, 1), (2, pid + 2, 1)]

    made = cluster()
    runs(parent, made=made)
    assert_clean(made)


def test_a_child_moves_on_and_executes() -> None:
    def child(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(1)
        yield from proc.bproc_execmove(3, HELLO, ["hello"], {})

    made = cluster()
    out = made.bproc_rfork(2, child)
    assert (out.value, out.returned, out.failed) == (out.pid + 1, True, False)
    assert out.text == "out of node 3\nerr of node 3\n"
    assert_clean(made)


def test_its_parent_may_die_meanwhile() -> None:
    seen = list[Any]()

    def child(proc: bp.Proc) -> Steps:
        seen.append((proc.node, proc.ppid))
        yield from proc.sleep(1)

    def parent(proc: bp.BprocProc, node: int) -> Steps:
        yield from proc.bproc_rfork(node, child)
        seen.append("never")

    def killer(proc: bp.Proc) -> Steps:
        for node in (2, 99):
            pid = yield from proc.fork(parent, node)
            yield from proc.sleep(300_000)
            yield from proc.kill(pid, bp.SIGKILL)
            assert (yield from proc.wait()).signal == bp.SIGKILL

    made = cluster()
    runs(killer, made=made)
    made.sim.run()
    assert seen == [(2, 1)]
    assert_clean(made)


@pytest.mark.parametrize("source", [MASTER, 1])
def test_a_signal_for_the_parent_waits_until_the_child_has_arrived(source: int) -> None:
    """And one for the child until it begins."""
    seen = list[Any]()

    def handler(proc: bp.Proc, signum: int) -> None:
        seen.append((proc.pid, signum))

    def child(proc: bp.Proc) -> Steps:
        seen.append("begins")
        yield from proc.pause()

    def parent(proc: bp.BprocProc) -> Steps:
        yield from proc.sigaction(bp.SIGUSR1, handler)
        pid = yield from proc.bproc_rfork(2, child)
        seen.append("returned")
        yield from proc.kill(pid, bp.SIGUSR1)
        yield from proc.sleep(5 * ms)
        yield from proc.kill(pid, bp.SIGTERM)
        assert (yield from proc.wait()).pid == pid

    def signals(proc: bp.Proc) -> Steps:
        pid = yield from proc.fork(parent)
        for _ in range(12):
            yield from proc.sleep(100_000)
            yield from proc.kill(pid, bp.SIGUSR1)
        waited = yield from proc.wait()
        assert waited.exit_status == 0, waited

    made = cluster()
    runs(signals, source, made)
    assert [each for each in seen if isinstance(each, str)] == ["begins", "returned"]
    assert seen.index("returned") > 0
    assert_clean(made)


@pytest.mark.parametrize("target", [1, 2])
def test_a_child_that_is_killed_on_its_way_has_been(target: int) -> None:
    """Its parent, which is no ghost, is told its number, and waits for it."""
    told = list[Any]()

    def parent(proc: bp.BprocProc) -> Steps:
        pid = yield from proc.bproc_rfork(target, lambda child: 0)
        waited = yield from proc.wait()
        told.append((waited.pid == pid, waited.signal))

    asked = cluster()
    asked.bproc_rfork(target, lambda child: 0).check()
    began_ns, there_ns = [each.at_ns for each in asked.trace.of_kind("step") if each.step in ("ENTRY", "STUB")]
    made = cluster()
    made.install("/usr/bin/parent", parent)
    going = made.popen(["parent"])
    while not any(each.step == "ENTRY" for each in made.trace.of_kind("step")):
        made.sim.run(until_ns=made.sim.now_ns + 1000)
    made.inject(bp.MasterDaemonExit(at_ns=made.sim.now_ns + there_ns - began_ns))
    assert going.wait() == 0
    assert told == [(True, bp.SIGKILL)]
    assert_clean(made)
