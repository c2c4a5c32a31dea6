"""Signals that reach a process on its way: it cannot be killed half way, and no signal is lost."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.units import ms
from tests.bproc.worlds import HELLO, MASTER, STEPS, Steps, assert_clean, cluster, steps

WAYS = [
    pytest.param(MASTER, 2, id="to a slave"),
    pytest.param(1, 2, id="between slaves"),
    pytest.param(1, -1, id="home"),
]


def signalled(made: bp.Cluster, at_ns: int, signum: int, source: int, target: int, sender_on: int) -> bp.Outcome:
    """Let a program send a child away, and another, elsewhere, signal it at an instant."""

    def child(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_execmove(target, HELLO, ["hello"], {})

    def signals(proc: bp.Proc) -> Steps:
        yield from proc.sleep(at_ns - made.sim.now_ns)
        yield from proc.libc.kill(int(proc.argv[1]), signum)

    def sends(proc: bp.BprocProc, pid: int) -> Steps:
        if sender_on != proc.node:
            yield from proc.bproc_execmove(sender_on, "/usr/bin/signals", ["signals", str(pid)], {})
        yield from proc.execv("/usr/bin/signals", ["signals", str(pid)])

    def parent(proc: bp.Proc) -> Steps:
        sender = yield from proc.fork(sends, proc.pid + 2)
        yield from proc.sleep(20 * ms - made.sim.now_ns)
        pid = yield from proc.fork(child)
        assert pid == proc.pid + 2
        ended.append((yield from proc.waitpid(pid)))
        yield from proc.waitpid(sender)

    ended = list[Any]()
    for program in (signals, parent):
        made.install(f"/usr/bin/{program.__name__}", program, on="master,all")
    out = made.execve("/usr/bin/parent", from_node=source)
    assert out.exception is None, out.exception
    return attrs.evolve(out, exit_status=ended[0].exit_status, signal=ended[0].signal)


@pytest.mark.parametrize("sender_on", [MASTER, 1, 2, 3])
@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a_signal_waits_until_the_process_has_arrived(source: int, target: int, sender_on: int) -> None:
    for at_ns in range(20_500_000, 25_000_000, 450_000):
        for signum in (bp.SIGKILL, bp.SIGTERM):
            made = cluster()
            out = signalled(made, at_ns, signum, source, target, sender_on)
            assert (out.signal, out.exit_status) == (signum, None)
            assert steps(made)[-17:] == list(STEPS)
            assert [(each.node, each.signal) for each in made.trace.of_kind("killed")] == [
                ("master" if target == MASTER else f"node {target}", bp.Signal(signum).name)
            ]
            assert_clean(made)


def test_one_that_is_ignored_or_blocked_stays_so() -> None:
    def child(proc: bp.BprocProc) -> Steps:
        yield from proc.sigprocmask(bp.SIG_BLOCK, [bp.SIGUSR1])
        yield from proc.sigaction(bp.SIGUSR2, bp.SIG_IGN)
        yield from proc.bproc_execmove(2, "/usr/bin/tell", ["tell"], {})

    def tell(proc: bp.Proc) -> Steps:
        yield from proc.print([*map(int, proc.thread.process.pending)])

    def parent(proc: bp.Proc) -> Steps:
        pid = yield from proc.fork(child)
        yield from proc.sleep(2 * ms)
        for signum in (bp.SIGUSR1, bp.SIGUSR2):
            yield from proc.kill(pid, signum)
        return (yield from proc.wait()).exit_status

    made = cluster()
    made.install("/usr/bin/tell", tell)
    made.install("/usr/bin/parent", parent)
    out = made.execve("/usr/bin/parent")
    assert (out.exit_status, out.text) == (0, f"[{int(bp.SIGUSR1)}]\n")


def test_one_that_stops_it_stops_it_there() -> None:
    seen = list[Any]()

    def child(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_execmove(2, HELLO, ["hello"], {})

    def parent(proc: bp.Proc) -> Steps:
        pid = yield from proc.fork(child)
        yield from proc.sleep(2 * ms)
        yield from proc.kill(pid, bp.SIGSTOP)
        waited = yield from proc.waitpid(pid, bp.WUNTRACED)
        seen.append((waited.stopped, waited.signal, made.sim.now_ns > 4 * ms))
        yield from proc.kill(pid, bp.SIGCONT)
        return (yield from proc.wait()).exit_status

    made = cluster()
    made.install("/usr/bin/parent", parent)
    assert made.execve("/usr/bin/parent").exit_status == 3
    assert seen == [(True, bp.SIGSTOP, True)]
    assert_clean(made)


def assert_two_signals_stay_in_their_order(first: int, second: int, at_ns: int) -> None:
    """Send two at an instant to a process that goes to one place and then to another."""

    def child(proc: bp.BprocProc) -> Steps:
        if first != MASTER:
            yield from proc.bproc_move(first)
        while made.sim.now_ns < 20 * ms:
            yield from proc.sleep(20 * ms - made.sim.now_ns)
        yield from proc.bproc_move(second)

    def parent(proc: bp.Proc) -> Steps:
        pid = yield from proc.fork(child)
        yield from proc.sleep(at_ns - made.sim.now_ns)
        yield from proc.kill(pid, bp.SIGSTOP)
        yield from proc.kill(pid, bp.SIGCONT)
        return (yield from proc.wait()).exit_status

    made = cluster(trace="errors")
    made.install("/usr/bin/parent", parent)
    assert made.execve("/usr/bin/parent", timeout_ns=1_000 * ms).exit_status == 0, at_ns
    assert_clean(made)


@pytest.mark.slow
@pytest.mark.parametrize(("first", "second"), [(1, 2), (1, -1), (-1, 2)])
def test_two_signals_stay_in_their_order_whenever_the_process_starts_to_move(first: int, second: int) -> None:
    """One that goes to the old place, and one that the master need not send far, do not change places."""
    for at_ns in (*range(19_850_000, 20_250_000, 4_000), *range(20_250_000, 28_500_000, 40_000)):
        assert_two_signals_stay_in_their_order(first, second, at_ns)


@pytest.mark.parametrize("second", [2, MASTER])
def test_two_signals_stay_in_their_order_where_the_later_one_brings_both(second: int) -> None:
    """Which is so when they follow the process to where it has just arrived."""
    for at_ns in range(27_900_000, 28_140_000, 20_000):
        assert_two_signals_stay_in_their_order(1, second, at_ns)


def test_one_that_was_lost_with_the_target_reaches_the_process_at_home() -> None:
    def child(proc: bp.BprocProc) -> Steps:
        with pytest.raises(OSError):
            yield from proc.bproc_move(2)
        yield from proc.sleep(1_000 * ms)
        return 7

    def parent(proc: bp.Proc, at_ns: int) -> Steps:
        pid = yield from proc.fork(child)
        yield from proc.sleep(at_ns - made.sim.now_ns)
        yield from proc.kill(pid, bp.SIGTERM)
        return 100 + ((yield from proc.wait()).signal or 0)

    for at_ns in range(5_000_000, 11_000_000, 250_000):
        made = cluster(faults=[bp.PowerOff(node=2, at_ns=9 * ms)])
        made.install("/usr/bin/parent", lambda proc, at_ns=at_ns: parent(proc, at_ns))
        assert made.execve("/usr/bin/parent").exit_status == 100 + bp.SIGTERM
        assert_clean(made)


def test_a_move_that_fails_exits_with_its_errno_whatever_waits() -> None:
    def child(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_execmove(99, HELLO, ["hello"], {})

    def parent(proc: bp.Proc) -> Steps:
        pid = yield from proc.fork(child)
        yield from proc.sleep(500_000)
        yield from proc.kill(pid, bp.SIGTERM)
        return (yield from proc.wait()).exit_status

    made = cluster()
    made.install("/usr/bin/parent", parent)
    assert made.execve("/usr/bin/parent").exit_status == 22


@pytest.mark.parametrize("late_failure", ["exit", "return"])
@given(at_ns=st.integers(1, 8 * ms), node=st.sampled_from([2, 99, MASTER]))
def test_so_it_is_with_the_process_of_a_direct_call(late_failure: str, at_ns: int, node: int) -> None:
    made = cluster(edition=attrs.evolve(bp.editions["scyld"], late_failure=late_failure))
    made.install("/usr/bin/signals", lambda proc: signals(proc))

    def signals(proc: bp.Proc) -> Steps:
        yield from proc.sleep(at_ns)
        yield from proc.libc.kill(proc.pid + 1, bp.SIGTERM)

    sender = made.popen(["/usr/bin/signals"])
    out = made.bproc_execmove(node, HELLO)
    sender.wait()
    assert out.pid == sender.pid + 1
    if out.signal is None:
        assert out.exit_status in (3, 22, 40) or out.cause in ("node_unknown", "same_node")
    else:
        assert out.signal == bp.SIGTERM
    assert_clean(made)


def test_a_signal_that_comes_while_a_child_is_born_on_a_slave_waits() -> None:
    """Its number is on the way from the master."""
    seen = list[int]()

    def handler(proc: bp.Proc, signum: int) -> None:
        seen.append(signum)

    def forks(proc: bp.Proc) -> Steps:
        yield from proc.sigaction(bp.SIGUSR1, handler, restart=True)
        for _ in range(10):
            pid = yield from proc.fork(lambda child: 0)
            assert (yield from proc.waitpid(pid)).pid == pid

    def signals(proc: bp.Proc) -> Steps:
        pid = yield from proc.fork(forks)
        for _ in range(40):
            yield from proc.sleep(77_000)
            yield from proc.kill(pid, bp.SIGUSR1)
        assert (yield from proc.wait()).exit_status == 0

    made = cluster()
    made.install("/usr/bin/signals", signals, on="1")
    assert made.execve("/usr/bin/signals", from_node=1).exit_status == 0
    assert len(seen) >= 5
    assert_clean(made)


@pytest.mark.parametrize("call", ["vexecmove", "vrfork"])
@pytest.mark.parametrize("signum", [bp.SIGTERM, bp.SIGUSR1])
def test_the_children_of_a_vector_launch_end_by_a_signal_that_reached_them_on_their_way(call: str, signum: int) -> None:
    """One without a handler ends them where they have arrived; vrfork's have the handlers of their parent."""
    seen: dict[str, Any] = {"ends": [], "handled": []}

    def handler(proc: bp.Proc, number: int) -> None:
        seen["handled"].append(number)
        if len(seen["handled"]) == 1:
            raise LookupError("planted")

    def signals(proc: bp.Proc, parent: int, after_ns: int) -> Steps:
        yield from proc.sleep(after_ns)
        children = [pid for pid, each in sorted(made.bpmaster.pids.table.items()) if each.ppid == parent]
        for pid in children:
            if pid != proc.pid:
                yield from proc.kill(pid, signum)

    def parent(proc: bp.BprocProc, after_ns: str) -> Steps:
        yield from proc.sigaction(bp.SIGUSR1, handler)
        sender = yield from proc.fork(signals, proc.pid, int(after_ns))
        pids: list[int] = []
        if call == "vexecmove":
            yield from proc.bproc_vexecmove(3, [0, 1, 2], pids, "/usr/bin/true", ["true"], {})
        else:
            yield from proc.bproc_vrfork(3, [0, 1, 2], pids, lambda child, index: 0)
        yield from proc.waitpid(sender)
        for pid in pids:
            ended = yield from proc.waitpid(pid)
            seen["ends"].append((ended.exit_status, ended.signal))

    def launches(proc: bp.BprocProc) -> Steps:
        yield from parent(proc, proc.argv[1])

    ends = set[tuple[int | None, int | None]]()
    for after_ns in range(200_000, 6_000_000, 400_000):
        made, seen["ends"], seen["handled"] = cluster(3, edition="bproc4"), [], []
        made.install("/usr/bin/launches", launches)
        out = made.execve("/usr/bin/launches", ["launches", str(after_ns)], {})
        assert (out.exit_status, out.exception, len(seen["ends"])) == (0, None, 3)
        ends |= set(seen["ends"])
        assert_clean(made)
    if call == "vrfork" and signum == bp.SIGUSR1:
        assert ends == {
            (0, None),
            (1, None),
        }  # what a handler raises ends its process as anything that a program raises
    else:
        assert ends == {(0, None), (None, signum)}
