"""bproc_detach: a process leaves the space and runs on where it is; to all others it has exited."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import ms, s
from tests.bproc.worlds import MASTER, Steps, assert_clean, cluster

Does = Callable[[bp.BprocProc], Steps]


def leaves(node: int, then: Does, code: int = 7) -> Does:
    """Make a program that goes to a node, leaves the space there and goes on."""

    def program(proc: bp.BprocProc) -> Steps:
        if node != MASTER:
            yield from proc.bproc_move(node)
        assert (yield from proc.bproc_detach(code)) == 0
        return (yield from then(proc))

    return program


def nothing(proc: bp.BprocProc) -> Steps:
    """End after a while."""
    yield from proc.sleep(1 * s)
    return 5


def pauses(proc: bp.BprocProc) -> Steps:
    """Stay until a signal comes."""
    yield from proc.pause()


@pytest.mark.parametrize("node", [MASTER, 2])
@pytest.mark.parametrize("code", [0, 7, 255, 256, -1])
def test_its_parent_sees_an_exit_and_it_runs_on(node: int, code: int) -> None:
    made = cluster()
    told: dict[str, Any] = {}

    def parent(proc: bp.BprocProc) -> Steps:
        child = yield from proc.fork(leaves(node, tells, code))
        waited = yield from proc.waitpid(child)
        told["waited"] = waited.pid == child, waited.exit_status
        told["early"] = "end" not in told
        told["asked"] = yield from proc.libc.kill(child, 0)

    def tells(proc: bp.BprocProc) -> Steps:
        yield from proc.print("still here")
        told["where"] = proc.node, proc.ppid, proc.pid
        yield from proc.sleep(1 * s)
        told["end"] = True

    made.install("/usr/bin/parent", parent)
    out = made.execve("/usr/bin/parent")
    assert (told["waited"], told["early"], told["asked"], told["end"]) == ((True, code & 0xFF), True, -1, True)
    assert told["where"][:2] == (node, 1)
    assert (told["where"][2] < 1001) == (node != MASTER)
    assert out.text == "still here\n"
    assert_clean(made)


def test_what_it_has_goes_on_with_it() -> None:
    made = cluster()
    seen: dict[str, Any] = {}

    def handler(_proc: bp.Proc, signum: int) -> None:
        seen["handled"] = signum

    def program(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(2)
        reading, writing = yield from proc.pipe()
        yield from proc.sigaction(bp.SIGUSR1, handler)
        yield from proc.sigprocmask(bp.SIG_BLOCK, [bp.SIGUSR1])
        yield from proc.kill(proc.pid, bp.SIGUSR1)
        yield from proc.alarm(1)
        seen["child"] = yield from proc.fork(nothing)
        yield from proc.bproc_detach(0)
        yield from proc.write(writing, b"x")
        seen["read"] = yield from proc.read(reading)
        yield from proc.sigprocmask(bp.SIG_UNBLOCK, [bp.SIGUSR1])
        try:
            yield from proc.wait()
        except ChildProcessError:
            seen["children"] = 0
        yield from proc.sleep(2 * s)  # its alarm was the other's
        seen["session"] = proc.thread.process.sid == proc.pid
        yield from proc.execve("/usr/bin/true", ["true"], {})

    made.popen(program).wait()
    made.sim.run()
    child = seen.pop("child")
    assert seen == {"handled": bp.SIGUSR1, "read": b"x", "children": 0, "session": True}
    assert [each.status for each in made.trace.of_kind("exit") if each.pid == child] == [5]
    assert_clean(made)


def test_nobody_of_the_space_sees_it_and_it_sees_nobody() -> None:
    made = cluster()
    running = made.popen(leaves(2, pauses))
    running.wait()
    inside = made.popen(_stays_on(2))
    made.sleep(0.1)
    (apart,) = [pid for pid in made.nodes[2].processes if pid < 1001]
    listed: list[Any] = []
    made.bproc_proclist(bp.BPROC_NODE_ANY, listed)
    assert [each.pid for each in listed] == [inside.pid]
    assert made.bproc_pidnode(apart, from_node=2).errno is bp.Errno.ENOENT
    told: list[int] = []

    def asks(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(2)
        told.append((yield from proc.libc.kill(apart, 0)))
        yield from proc.bproc_detach(0)
        told.append((yield from proc.libc.kill(inside.pid, 0)))
        told.append((yield from proc.libc.kill(apart, bp.SIGTERM)))

    made.popen(asks).wait()
    made.sleep(0.1)
    assert told == [-1, -1, 0]
    assert list(made.nodes[2].processes) == [inside.pid]


def _stays_on(node: int) -> Does:
    def program(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(node)
        yield from proc.pause()

    return program


def test_it_has_no_master() -> None:
    made = cluster()
    told: list[Any] = []

    def asks(proc: bp.BprocProc) -> Steps:
        libc = proc.libc
        told.append(((yield from libc.bproc_move(1)), libc.errno))
        told.append(((yield from libc.bproc_rexec(1, "/usr/bin/true", ["true"], {})), libc.errno))
        told.append(((yield from libc.bproc_rfork(1, nothing)), libc.errno))
        told.append(((yield from libc.bproc_execmove(1, "/usr/bin/true", ["true"], {})), libc.errno))
        told.append(((yield from libc.bproc_numnodes()), libc.errno))

    made.popen(leaves(2, asks)).wait()
    made.sim.run()
    assert told == [(-1, 16)] * 5
    assert_clean(made)


def test_on_the_master_it_is_an_ordinary_process_that_may_move() -> None:
    made = cluster()
    told: list[Any] = []

    def goes(proc: bp.BprocProc) -> Steps:
        told.append((yield from proc.bproc_move(2)))
        told.append(proc.node)

    made.popen(leaves(MASTER, goes)).wait()
    made.sim.run()
    assert told == [0, 2]
    assert_clean(made)


@pytest.mark.parametrize("how", ["down", "daemon", "cut"])
def test_it_outlives_the_connection(how: str) -> None:
    """All that belongs to the space is killed then. Source: bproc-4.0.0pre8-slave."""
    made = cluster()
    ended: list[str] = []

    def counts(proc: bp.BprocProc) -> Steps:
        yield from proc.sleep(100 * s)
        ended.append("apart")

    def inside(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(2)
        yield from proc.sleep(100 * s)
        ended.append("inside")

    made.popen(leaves(2, counts)).wait()
    within = made.popen(inside)
    made.sleep(1)
    if how == "down":
        made.nodes[2].set_state("down")
    else:
        now_ns = made.sim.now_ns
        cut = bp.LinkCut(MASTER, 2, at_ns=now_ns)
        made.inject(bp.MasterDaemonExit(at_ns=now_ns) if how == "daemon" else cut)
    made.sleep(200)
    assert within.wait() == -bp.SIGKILL
    assert ended == ["apart"]


def test_it_goes_down_with_its_node() -> None:
    made = cluster(faults=[bp.PowerOff(2, at_ns=2 * s)])
    ended: list[str] = []

    def counts(proc: bp.BprocProc) -> Steps:
        fd = yield from proc.socket()
        yield from proc.bind(fd, bp.Address("", 5000))
        yield from proc.listen(fd, 1)
        yield from proc.sleep(10 * s)
        ended.append("no")

    made.popen(leaves(2, counts)).wait()
    made.sim.run()
    assert ended == []
    assert list(made.nodes[2].processes) == []
    assert (made.machine(2).files.used, made.machine(2).memory.used_bytes) == (0, 0)


def test_an_outcome_waits_for_what_runs_on() -> None:
    made = cluster()
    made.install("/usr/bin/leaves", leaves(2, nothing))
    out = made.execve("/usr/bin/leaves")
    assert (out.exit_status, out.elapsed_ns < 1 * s) == (7, True)
    assert made.sim.now_ns >= 1 * s
    assert_clean(made)


def test_threads_are_left_behind() -> None:
    made = cluster()
    ticks: list[int] = []

    def other(proc: bp.Proc) -> Steps:
        while True:
            yield from proc.sleep(10 * ms)
            ticks.append(made.sim.now_ns)

    def program(proc: bp.BprocProc) -> Steps:
        yield from proc.thread_create(other)
        yield from proc.bproc_move(2)
        yield from proc.thread_create(other)
        yield from proc.bproc_detach(0)
        left = made.sim.now_ns
        yield from proc.sleep(1 * s)
        assert all(each <= left for each in ticks)
        return 5

    made.popen(program).wait()
    made.sim.run()
    assert [each.status for each in made.trace.of_kind("exit")] == [0, 5]
    assert_clean(made)


def test_a_second_thread_may_call_it() -> None:
    made = cluster()

    def other(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_detach(4)
        yield from proc.sleep(1 * s)

    def program(proc: bp.BprocProc) -> Steps:
        yield from proc.thread_create(other)
        yield from proc.pause()

    running = made.popen(program)
    assert running.wait() == 4
    made.sim.run()
    assert_clean(made)


def test_direct_calls_and_sessions() -> None:
    made = cluster()
    out = made.bproc_detach(3, from_node=2)
    assert (out.value, out.errno) == (0, None)
    caller = made.idle_process()
    assert made.bproc_detach(3, caller=caller).value == 0
    assert (caller.ended.triggered, caller.returncode) == (True, 3)
    assert made.bproc_detach(0, user=made.user("alice", 500, 500)).errno is bp.Errno.EPERM
    with pytest.raises(RuntimeError, match="bproc_detach: what runs on is another process"):
        made.session().bproc_detach(0)


def test_only_scyld_has_it() -> None:
    with pytest.raises(AttributeError, match="edition lanl32 has no bproc_detach"):
        cluster(edition="lanl32").bproc_detach(0)


def test_a_refusal_takes_its_time_beside_others() -> None:
    """Two who ask at the same instant are refused at the same instant."""
    made = cluster()
    told: list[Any] = []

    def asks(proc: bp.BprocProc) -> Steps:
        began_ns = made.sim.now_ns
        answer = yield from proc.libc.bproc_detach(0)
        told.append((answer, proc.libc.errno, made.sim.now_ns - began_ns))

    alice = made.user("alice", 500, 500)
    both = [made.popen(asks, user=alice) for _ in range(2)]
    assert [each.wait() for each in both] == [0, 0]
    assert told == [(-1, bp.Errno.EPERM.number("linux"), made.costs.syscall_ns)] * 2
