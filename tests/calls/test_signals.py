"""Signals: default actions, handlers, blocking, stopping, and whom a process may signal."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

import bprocsim as bp
from bprocsim.posix.procs import Process
from bprocsim.posix.signaling import may_signal
from bprocsim.signals import OF_AIX, Action
from bprocsim.testing.rows.programcases import ALICE, idle
from bprocsim.units import ms, s, us
from tests.calls.worlds import PROGRAM, Steps, assert_clean, call_errors, play, world

BOB = bp.Credentials(600, 600)


@pytest.mark.parametrize("signum", list(bp.Signal), ids=lambda signum: signum.name)
def test_default_actions(signum: bp.Signal) -> None:
    """Of every signal that there is; the child is waiting, computing, or sending it to itself."""

    def computing(proc: bp.Proc) -> Steps:
        yield from proc.compute(100 * ms)

    def by_itself(proc: bp.Proc) -> Steps:
        yield from proc.sleep(1 * ms)
        yield from proc.kill(proc.pid, signum)
        yield from proc.sleep(1 * s)

    def sleeping(proc: bp.Proc) -> Steps:
        yield from proc.sleep(1 * s)

    def program(proc: bp.Proc) -> Steps:
        for child in (sleeping, computing, by_itself):
            pid = yield from proc.fork(child)
            yield from proc.sleep(2 * ms)
            if child is not by_itself:
                yield from proc.kill(pid, signum)
            told = yield from proc.waitpid(pid, bp.WUNTRACED)
            if signum.default is Action.TERMINATE or signum in OF_AIX:
                assert told == bp.Waited(pid, None, signum)
            elif signum.default is Action.STOP:
                assert told == bp.Waited(pid, None, signum, stopped=True)
                yield from proc.kill(pid, bp.SIGCONT)
                assert (yield from proc.waitpid(pid)).exit_status == 0
            else:
                assert told == bp.Waited(pid, 0)

    play(program)


def test_a_handler_runs_when_the_call_returns_to_the_program() -> None:
    """Not in the middle of it, and the interrupted call returns after it."""
    told: list[Any] = []

    def handler(proc: bp.Proc, signum: int) -> Steps:
        told.append(("handler", signum, made.sim.now_ns))
        yield from proc.sleep(5 * ms)
        told.append(("done", made.sim.now_ns))

    def program(proc: bp.Proc) -> Steps:
        yield from proc.sigaction(bp.SIGALRM, handler)
        yield from proc.alarm(1)
        began = made.sim.now_ns
        assert (yield from call_errors(proc.sleep(10 * s))) == "EINTR"
        assert told == [("handler", 14, began + 1 * s), ("done", began + 1 * s + 5 * ms)]
        assert made.sim.now_ns == began + 1 * s + 5 * ms

    made = world(program)
    made.execve(PROGRAM)
    assert_clean(made)


def test_a_handler_during_compute_does_not_shorten_the_work() -> None:
    def handler(proc: bp.Proc, _signum: int) -> Steps:
        yield from proc.compute(3 * ms)

    def program(proc: bp.Proc) -> Steps:
        yield from proc.sigaction(bp.SIGUSR1, handler)
        parent = proc.pid

        def child(proc: bp.Proc) -> Steps:
            for _ in range(4):
                yield from proc.sleep(10 * ms)
                yield from proc.kill(parent, bp.SIGUSR1)

        yield from proc.fork(child)
        began = made.sim.now_ns
        assert (yield from proc.compute(100 * ms)) == 0
        assert made.sim.now_ns - began == 112 * ms

    made = world(program)
    made.execve(PROGRAM)
    assert_clean(made)


@pytest.mark.parametrize("what", ["compute", "sleep", "write", "pause"])
def test_a_stopped_process_really_does_nothing(what: str) -> None:
    """Not what it was at, not what others let it go on with, not what signals ask of it."""
    did: list[int] = []

    def handler(proc: bp.Proc, _signum: int) -> None:
        did.append(-1)

    def program(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()
        yield from proc.write(writing, bytes(4096))

        def child(proc: bp.Proc) -> Steps:
            yield from proc.sigaction(bp.SIGUSR1, handler)
            did.append(made.sim.now_ns)
            if what == "compute":
                yield from proc.compute(100 * ms)
            elif what == "sleep":
                yield from proc.sleep(100 * ms)
            elif what == "write":
                yield from proc.write(writing, b"x")
            else:
                yield from call_errors(proc.pause())
            did.append(made.sim.now_ns)

        pid = yield from proc.fork(child)
        yield from proc.sleep(50 * ms)
        stopped_ns = made.sim.now_ns
        yield from proc.kill(pid, bp.SIGSTOP)
        told = yield from proc.waitpid(pid, bp.WUNTRACED)
        assert told == bp.Waited(pid, None, bp.SIGSTOP, stopped=True)
        if what == "write":
            yield from proc.read(reading)
        if what == "pause":
            yield from proc.kill(pid, bp.SIGUSR1)
        assert [process.state.value for process in made.master.processes.values()] == ["running", "stopped"]
        assert made.master.processors.running == []
        yield from proc.sleep(1 * s)
        assert len(did) == 1
        yield from proc.kill(pid, bp.SIGCONT)
        continued_ns = made.sim.now_ns
        assert (yield from proc.waitpid(pid)).exit_status == 0
        if what == "compute":
            assert did[1] - continued_ns == 100 * ms - (stopped_ns + 2 * us - did[0])
        elif what == "pause":
            assert did[1] == -1
        else:
            assert did[1] - continued_ns < 10 * us  # the second is long over

    made = world(program)
    made.execve(PROGRAM)
    assert_clean(made)


def test_all_threads_stand_still() -> None:
    ticks: list[int] = []

    def ticker(proc: bp.Proc) -> Steps:
        for _ in range(100):
            yield from proc.sleep(10 * ms)
            ticks.append(made.sim.now_ns)

    def worker(proc: bp.Proc) -> Steps:
        for _ in range(100):
            yield from proc.compute(10 * ms)
            ticks.append(made.sim.now_ns)

    def program(proc: bp.Proc) -> Steps:
        def child(proc: bp.Proc) -> Steps:
            yield from proc.thread_create(ticker)
            yield from proc.thread_create(worker)
            yield from proc.pause()

        pid = yield from proc.fork(child)
        yield from proc.sleep(100 * ms)
        yield from proc.kill(pid, bp.SIGSTOP)
        count = len(ticks)
        assert count > 15
        yield from proc.sleep(100 * ms)
        assert len(ticks) == count
        yield from proc.kill(pid, bp.SIGCONT)
        yield from proc.sleep(100 * ms)
        assert len(ticks) > count + 15
        yield from proc.kill(pid, bp.SIGKILL)
        count = len(ticks)
        yield from proc.sleep(100 * ms)
        assert len(ticks) == count  # threads of one process die together

    made = world(program)
    made.execve(PROGRAM)
    assert_clean(made)


def test_any_thread_takes_the_signal_and_any_can_end_the_process() -> None:
    def program(proc: bp.Proc) -> Steps:
        def exiting(proc: bp.Proc) -> Steps:
            yield from proc.sleep(1 * ms)
            yield from proc.exit(9)

        def child(proc: bp.Proc) -> Steps:
            yield from proc.thread_create(exiting)
            yield from proc.pause()

        pid = yield from proc.fork(child)
        assert (yield from proc.waitpid(pid)) == bp.Waited(pid, 9)

        def main_ends(proc: bp.Proc) -> Steps:
            yield from proc.thread_create(idle)
            yield from proc.sleep(1 * ms)
            return 4

        pid = yield from proc.fork(main_ends)
        assert (yield from proc.waitpid(pid)) == bp.Waited(pid, 4)

    play(program)


def test_sigchld_comes_for_ends_and_stops() -> None:
    caught: list[int] = []

    def handler(proc: bp.Proc, signum: int) -> Steps:
        caught.append(signum)
        yield from ()

    def program(proc: bp.Proc) -> Steps:
        yield from proc.sigaction(bp.SIGCHLD, handler)
        pid = yield from proc.fork(idle)
        yield from proc.kill(pid, bp.SIGSTOP)
        assert caught == [17]
        yield from proc.kill(pid, bp.SIGKILL)
        assert caught == [17, 17]
        yield from proc.wait()

    play(program)


def test_blocked_signals_are_delivered_before_the_unblocking_returns() -> None:
    order: list[str] = []

    def handler(proc: bp.Proc, signum: int) -> None:
        order.append(bp.Signal(signum).name)

    def program(proc: bp.Proc) -> Steps:
        for signum in (bp.SIGUSR1, bp.SIGUSR2):
            yield from proc.sigaction(signum, handler)
        before = yield from proc.sigprocmask(bp.SIG_BLOCK, [bp.SIGUSR1, bp.SIGUSR2, bp.SIGKILL])
        assert before == frozenset()
        for signum in (bp.SIGUSR2, bp.SIGUSR1, bp.SIGUSR2):
            yield from proc.kill(proc.pid, signum)
        yield from proc.sleep(1 * ms)
        assert order == []
        blocked = yield from proc.sigprocmask(bp.SIG_SETMASK, [])
        assert blocked == {bp.SIGUSR1, bp.SIGUSR2}
        # Once each; both are set up before either runs, and the last set up runs first.
        assert order == ["SIGUSR2", "SIGUSR1"]

    play(program)


@pytest.mark.parametrize(("action", "handled"), [("handler", [bp.SIGUSR1]), ("ignore", [])])
def test_what_waits_goes_by_the_action_of_when_it_is_delivered_unless_it_was_ignored(
    action: str, handled: list[int]
) -> None:
    """Source: posix-sigaction."""

    def program(proc: bp.Proc) -> Steps:
        def handler(_proc: bp.Proc, signum: int) -> None:
            told.append(signum)

        told: list[int] = []
        yield from proc.sigprocmask(bp.SIG_BLOCK, [bp.SIGUSR1])
        yield from proc.kill(proc.pid, bp.SIGUSR1)
        if action == "ignore":
            yield from proc.sigaction(bp.SIGUSR1, bp.SIG_IGN)
        yield from proc.sigaction(bp.SIGUSR1, handler)
        yield from proc.sigprocmask(bp.SIG_UNBLOCK, [bp.SIGUSR1])
        assert told == handled

    play(program)


def test_a_signal_that_comes_on_the_way_into_a_wait_ends_it() -> None:
    """A call takes a microsecond before it waits: whatever comes then must not be slept through."""
    for at_ns in range(0, 3_000, 250):

        def handler(proc: bp.Proc, _signum: int) -> None:
            pass

        def program(proc: bp.Proc, at_ns: int = at_ns) -> Steps:
            reading, _ = yield from proc.pipe()

            def child(proc: bp.Proc) -> Steps:
                yield from proc.sigaction(bp.SIGUSR1, handler)
                yield from proc.sleep(1 * ms)
                assert (yield from call_errors(proc.read(reading))) == "EINTR"

            pid = yield from proc.fork(child)
            yield from proc.sleep(1 * ms - 1_000 + at_ns)
            yield from proc.kill(pid, bp.SIGUSR1)
            told = yield from proc.waitpid(pid, bp.WNOHANG)
            if told is None:
                yield from proc.sleep(1 * ms)
                yield from proc.kill(pid, bp.SIGUSR1)
                yield from proc.sleep(1 * ms)
                told = yield from proc.waitpid(pid, bp.WNOHANG)
            assert told == bp.Waited(pid, 0)

        play(program)


def test_two_signals_at_one_instant_the_second_of_which_kills() -> None:
    """The sleeper is woken, and is killed before it runs: its timeout is given up once, not twice."""

    def victim(proc: bp.Proc) -> Steps:
        yield from proc.sigaction(bp.SIGUSR1, lambda proc, signum: None)
        yield from proc.sleep(10 * s)

    def program(proc: bp.Proc) -> Steps:
        pid = yield from proc.fork(victim)

        def sender(proc: bp.Proc, signum: int) -> Steps:
            yield from proc.sleep(1 * ms)
            yield from proc.kill(pid, signum)

        for signum in (bp.SIGUSR1, bp.SIGKILL):
            yield from proc.fork(sender, signum)
        for _ in range(3):
            yield from proc.wait()
        yield from proc.sleep(1 * s)  # something is still to happen

    out = play(program, costs=evolve(bp.costs["clustermatic-2002"], fork_ns=0))
    assert out.exit_status == 0


def test_the_interrupted_sleep_of_a_stopped_process_keeps_its_end() -> None:
    def program(proc: bp.Proc) -> Steps:
        ended: list[int] = []

        def child(proc: bp.Proc) -> Steps:
            yield from proc.sleep(100 * ms)
            ended.append(made.sim.now_ns)

        pid = yield from proc.fork(child)
        began = made.sim.now_ns
        yield from proc.sleep(20 * ms)
        yield from proc.kill(pid, bp.SIGSTOP)
        yield from proc.sleep(20 * ms)
        yield from proc.kill(pid, bp.SIGCONT)
        yield from proc.wait()
        assert ended == [began + 100 * ms]

    made = world(program)
    made.execve(PROGRAM)
    assert_clean(made)


def test_alarms() -> None:
    rang: list[int] = []

    def handler(proc: bp.Proc, _signum: int) -> None:
        rang.append(made.sim.now_ns)

    def program(proc: bp.Proc) -> Steps:
        yield from proc.sigaction(bp.SIGALRM, handler)
        assert (yield from proc.alarm(2)) == 0
        yield from proc.sleep(500 * ms)
        assert (yield from proc.alarm(1)) == 2  # a part of a second counts as one
        began = made.sim.now_ns

        def child(proc: bp.Proc) -> Steps:
            assert (yield from proc.alarm(0)) == 0  # not inherited

        yield from proc.fork(child)
        yield from proc.wait()
        yield from call_errors(proc.pause())
        assert rang == [began + 1 * s]
        assert (yield from proc.alarm(5)) == 0
        assert (yield from proc.alarm(0)) == 5

    made = world(program)
    made.execve(PROGRAM)
    assert_clean(made)


def test_an_alarm_and_ignored_signals_survive_exec_and_handlers_do_not() -> None:
    def image(proc: bp.Proc) -> Steps:
        before = yield from proc.sigaction(bp.SIGUSR1, bp.SIG_DFL)
        assert before is bp.SIG_IGN
        assert (yield from proc.sigaction(bp.SIGUSR2, bp.SIG_DFL)) is bp.SIG_DFL
        assert (yield from proc.sigprocmask(bp.SIG_BLOCK, [])) == {bp.SIGHUP}
        yield from proc.pause()

    def program(proc: bp.Proc) -> Steps:
        yield from proc.sigaction(bp.SIGUSR1, bp.SIG_IGN)
        yield from proc.sigaction(bp.SIGUSR2, lambda proc, signum: None)
        yield from proc.sigprocmask(bp.SIG_BLOCK, [bp.SIGHUP])
        yield from proc.kill(proc.pid, bp.SIGHUP)
        yield from proc.alarm(1)
        yield from proc.execv("/usr/bin/image", ["image"])

    made = world(program)
    made.install("/usr/bin/image", image)
    assert made.execve(PROGRAM).signal == bp.SIGALRM
    assert_clean(made)


def test_what_a_child_asks_of_a_signal_is_its_own_business() -> None:
    """It inherits a copy: neither of the two changes what the other has asked for. Source: posix-fork."""
    told: list[str] = []

    def handler(proc: bp.Proc, _signum: int) -> None:
        told.append("the parent's" if proc.pid == parents[0] else "the child's")

    def child(proc: bp.Proc) -> Steps:
        yield from proc.kill(proc.pid, bp.SIGUSR1)
        yield from proc.sigaction(bp.SIGUSR1, bp.SIG_IGN)
        yield from proc.kill(proc.pid, bp.SIGUSR1)
        yield from proc.sigaction(bp.SIGUSR2, handler)

    def program(proc: bp.Proc) -> Steps:
        parents.append(proc.pid)
        yield from proc.sigaction(bp.SIGUSR1, handler)
        yield from proc.fork(child)
        yield from proc.wait()
        yield from proc.kill(proc.pid, bp.SIGUSR1)
        yield from proc.kill(proc.pid, bp.SIGUSR2)

    parents: list[int] = []
    made = world(program)
    assert made.execve(PROGRAM).signal == bp.SIGUSR2
    assert told == ["the child's", "the parent's"]
    assert_clean(made)


def test_an_exec_in_a_handler_leaves_its_signal_blocked() -> None:
    def image(proc: bp.Proc) -> Steps:
        assert (yield from proc.sigprocmask(bp.SIG_BLOCK, [])) == {bp.SIGUSR1}

    def handler(proc: bp.Proc, _signum: int) -> Steps:
        yield from proc.execv("/usr/bin/image", ["image"])

    def program(proc: bp.Proc) -> Steps:
        yield from proc.sigaction(bp.SIGUSR1, handler)
        yield from proc.kill(proc.pid, bp.SIGUSR1)

    made = world(program)
    made.install("/usr/bin/image", image)
    assert made.execve(PROGRAM).exit_status == 0
    assert_clean(made)


def test_what_a_handler_raises_comes_out_of_the_call() -> None:
    def handler(proc: bp.Proc, _signum: int) -> Steps:
        yield from ()
        raise KeyError("out")

    def program(proc: bp.Proc) -> Steps:
        yield from proc.sigaction(bp.SIGUSR1, handler)
        with pytest.raises(KeyError, match="out"):
            yield from proc.kill(proc.pid, bp.SIGUSR1)
        assert (yield from proc.sigprocmask(bp.SIG_BLOCK, [])) == frozenset()

    play(program)


# ---- whom one may signal ---------------------------------------------------------------------------


def test_kill_of_groups_of_everybody_and_of_oneself() -> None:
    def program(proc: bp.Proc) -> Steps:
        group = yield from proc.fork(idle)
        yield from proc.setpgid(group, group)
        member = yield from proc.fork(idle)
        yield from proc.setpgid(member, group)
        other = yield from proc.fork(idle)
        yield from proc.kill(-group, bp.SIGTERM)
        for pid in (group, member):
            assert (yield from proc.waitpid(pid)).signal == bp.SIGTERM
        assert (yield from call_errors(proc.kill(-group, 0))) == "ESRCH"

        def sacrificed(proc: bp.Proc) -> Steps:
            yield from proc.setsid()
            yield from proc.fork(idle)
            yield from proc.kill(0, bp.SIGHUP)

        pid = yield from proc.fork(sacrificed)
        assert (yield from proc.waitpid(pid)).signal == bp.SIGHUP
        yield from proc.kill(-1, bp.SIGKILL)  # everybody but the one who asks
        assert (yield from proc.waitpid(other)).signal == bp.SIGKILL

    play(program)


@pytest.mark.parametrize(
    ("sender", "target", "allowed"),
    [
        (bp.Credentials(0, 0), ALICE, True),
        (ALICE, ALICE, True),
        (ALICE, BOB, False),
        (ALICE, bp.Credentials(0, 0), False),
        (bp.Credentials(500, 500, euid=600), BOB, True),  # the sender's effective id
        (bp.Credentials(500, 500, euid=600), ALICE, True),  # and the real one
        (ALICE, bp.Credentials(500, 500, euid=0), True),  # the target's real id
        (BOB, bp.Credentials(500, 500, euid=600), True),  # and its saved one
        (bp.Credentials(0, 0, capabilities=()), ALICE, False),
        (bp.Credentials(700, 700, capabilities={"CAP_KILL"}), ALICE, True),
    ],
)
def test_who_may_signal_whom(sender: bp.Credentials, target: bp.Credentials, allowed: bool) -> None:
    def program(proc: bp.Proc) -> Steps:
        assert (yield from call_errors(proc.kill(victim.pid, 0))) == (0 if allowed else "EPERM")
        assert (yield from call_errors(proc.kill(victim.pid, bp.SIGTERM))) == (0 if allowed else "EPERM")

    made = world(program)
    victim = made.idle_process(user=target)
    made.execve(PROGRAM, user=sender)
    assert victim.returncode == (-15 if allowed else None)


def test_anybody_of_a_session_may_continue_a_member() -> None:
    """SIGCONT alone, to whomever: as a shell continues a job that has changed its ids."""
    sender, member, stranger = (
        Process(pid, None, credentials=who, sid=sid) for pid, who, sid in ((1, ALICE, 1), (2, BOB, 1), (3, BOB, 3))
    )
    assert may_signal(sender, member, bp.SIGCONT)
    assert not may_signal(sender, member, bp.SIGTERM)
    assert not may_signal(sender, stranger, bp.SIGCONT)


def test_a_group_of_which_some_may_be_reached() -> None:
    """Who may be signalled is; the call fails only if nobody may."""

    def program(proc: bp.Proc) -> Steps:
        own = yield from proc.fork(idle)
        assert (yield from proc.kill(0, 0)) == 0
        yield from proc.kill(own, bp.SIGKILL)
        assert (yield from call_errors(proc.kill(-strangers.pid, bp.SIGTERM))) == "EPERM"

    made = world(program)
    strangers = made.idle_process()
    made.execve(PROGRAM, user=ALICE)
    assert strangers.returncode is None


def test_a_signal_is_the_same_by_its_name_and_by_its_number() -> None:
    """What a parent is told, and the trace, do not depend on how the killer wrote it."""

    def tells(signum: int) -> tuple[str, str]:
        def kills(proc: bp.Proc) -> Steps:
            pid = yield from proc.fork(idle)
            yield from proc.kill(pid, signum)
            yield from proc.print((yield from proc.wait()))

        made = world(kills, trace="all")
        return made.execve(PROGRAM).text, made.trace.digest()

    assert tells(bp.SIGTERM) == tells(15)
