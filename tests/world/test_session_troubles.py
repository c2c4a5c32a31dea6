"""Sessions in trouble: calls that never return, signals and their handlers, death in every place, an interrupt."""

from __future__ import annotations

import gc
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import ms
from bprocsim.units import s as seconds


def sleeper(proc: bp.Proc) -> Any:
    yield from proc.sleep(50 * ms)


def killer(proc: bp.Proc) -> Any:
    """Send a signal to a process, after 5 ms."""
    yield from proc.sleep(5 * ms)
    yield from proc.kill(int(proc.argv[1]), int(proc.argv[2]))


@pytest.fixture
def cluster() -> bp.Cluster:
    made = bp.Cluster(nodes=3, trace="all")
    made.install("/usr/bin/sleeper", sleeper)
    made.install("/usr/bin/killer", killer, on="master,all")
    return made


def assert_usable(s: bp.Session) -> None:
    """It makes calls as ever, waiting ones too."""
    reading, writing = s.pipe()
    s.write(writing, b"works")
    assert s.read(reading) == b"works"
    s.close(reading)
    s.close(writing)
    s.compute(1 * ms)
    s.sleep(1 * ms)
    with pytest.raises(FileNotFoundError):
        s.open("/none")
    assert s.waitpid(s.spawn("/usr/bin/killer", ["killer", "1", "0"])).exit_status == 1  # there is no process 1
    assert s.thread.calling == ""
    assert s.thread.waiting is None


# ---- calls that do not return ------------------------------------------------------------------------


def test_a_call_that_can_never_return_is_a_deadlock_and_may_be_left(cluster: bp.Cluster) -> None:
    s = cluster.session()
    listener = s.socket()
    s.bind(listener, bp.Address("", 4000))
    s.listen(listener, 3)
    reading, _writing = s.pipe()
    stuck = s.spawn("/usr/bin/sleeper")
    s.kill(stuck, bp.SIGSTOP)
    for name, call in (
        ("accept(3)", lambda: s.accept(listener)),
        ("read(4)", lambda: s.read(reading)),
        ("pause()", s.pause),
        ("waitpid(-1)", s.wait),
        ("accept(3)", lambda: s.libc.accept(listener)),
    ):
        with pytest.raises(bp.Deadlock) as error:
            call()
        lines = str(error.value).splitlines()
        assert lines[0].endswith("(...) by pid 1001 can never end: nothing is left to happen")
        assert any(line.startswith(f"  pid 1001 (session) on master waits in {name} since ") for line in lines[1:])
        assert any("pid 1002 (sleeper) on master waits in SIGCONT" in line for line in lines[1:])
    s.kill(stuck, bp.SIGCONT)
    assert s.wait().exit_status == 0
    assert_usable(s)


def test_nothing_is_lost_to_a_call_that_was_left(cluster: bp.Cluster) -> None:
    """Neither data nor connections nor the end of a child: the next call finds them."""
    s, other = cluster.session(), cluster.session()
    listener = s.socket()
    s.bind(listener, bp.Address("", 4000))
    s.listen(listener, 3)
    with pytest.raises(bp.Deadlock):
        s.accept(listener)
    fd = other.socket()
    other.connect(fd, bp.Address("", 4000))
    mine, _ = s.accept(listener)
    with pytest.raises(bp.Deadlock):
        s.read(mine)
    other.write(fd, b"hello")
    assert s.read(mine) == b"hello"


@pytest.mark.parametrize("call", ["sleep", "compute", "accept", "wait"])
def test_a_call_that_takes_too_long_is_a_timeout(cluster: bp.Cluster, call: str) -> None:
    s = cluster.session(timeout_ns=10 * ms)
    listener = s.socket()
    s.listen(listener)
    s.spawn("/usr/bin/sleeper")
    began_ns = cluster.sim.now_ns
    args = {"sleep": (seconds,), "compute": (seconds,), "accept": (listener,), "wait": ()}[call]
    with pytest.raises(bp.Timeout, match=rf"{call}\(...\) by pid 1001 did not end within 10000000 ns"):
        getattr(s, call)(*args)
    assert cluster.sim.now_ns == began_ns + 10 * ms
    s.timeout_ns = None
    assert s.wait().exit_status == 0
    assert cluster.sim.now_ns < began_ns + 60 * ms, "nothing is left of the call"
    s.timeout_ns = 100 * ms
    assert_usable(s)
    assert s.timeout_ns == 100 * ms
    with pytest.raises(ValueError, match="timeout_ns: expected at least 1, got 0"):
        s.timeout_ns = 0


def test_an_exec_whose_image_never_ends_leaves_it_in_the_world(cluster: bp.Cluster) -> None:
    def waits(proc: bp.Proc) -> Any:
        reading, _ = yield from proc.pipe()
        yield from proc.read(reading)

    cluster.install("/usr/bin/waits", waits)
    for timeout_ns, kind in ((None, bp.Deadlock), (5 * ms, bp.Timeout)):
        s = cluster.session(timeout_ns=timeout_ns)
        with pytest.raises(kind, match=rf"execve\(...\) by pid {s.pid}"):
            s.execve("/usr/bin/waits", ["waits"], {})
        with pytest.raises(bp.SessionEnded, match=r"has become another image by execve\(...\)"):
            s.getpid()
        assert s.pid in cluster.master.processes


def test_a_runaway_is_told_and_the_session_goes_on() -> None:
    cluster = bp.Cluster(nodes=1, max_events=1000)

    def busy(proc: bp.Proc) -> Any:
        while True:
            yield from proc.sleep(1000)

    cluster.install("/usr/bin/busy", busy)
    s = cluster.session()
    pid = s.spawn("/usr/bin/busy")
    with pytest.raises(bp.Runaway, match="max_events=1000"):
        s.wait()
    s.kill(pid, bp.SIGKILL)
    assert s.wait().signal == bp.SIGKILL


def test_what_another_program_raises_under_strict_leaves_the_session_usable() -> None:
    cluster = bp.Cluster(nodes=1, strict=True)

    def broken(proc: bp.Proc) -> Any:
        yield from proc.sleep(1 * ms)
        raise ZeroDivisionError("of a program")

    cluster.install("/usr/bin/broken", broken)
    s = cluster.session()
    pid = s.spawn("/usr/bin/broken")
    with pytest.raises(ZeroDivisionError, match="of a program"):
        s.wait()
    assert s.waitpid(pid).exit_status == 1


# ---- killed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signum", [bp.SIGKILL, bp.SIGTERM])
@pytest.mark.parametrize("when", ["idle", "in a call", "by itself", "by a direct call in between"])
def test_a_session_that_is_killed_says_by_what(cluster: bp.Cluster, signum: bp.Signal, when: str) -> None:
    s, other = cluster.session(), cluster.session()
    victim = str(s.pid)
    if when == "idle":
        other.kill(s.pid, signum)
        call: Any = s.getpid
    elif when == "in a call":
        other.spawn("/usr/bin/killer", ["killer", victim, str(int(signum))])
        call = s.pause
    elif when == "by itself":

        def call() -> None:
            s.kill(s.pid, signum)
    else:
        assert cluster.execve("/usr/bin/killer", ["killer", victim, str(int(signum))]).exit_status == 0
        call = s.getpid
    for again in (call, s.getpid, s.libc.getpid, lambda: s.spawn("/x"), lambda: s.close(0)):
        with pytest.raises(bp.SessionEnded) as error:
            again()
        assert str(error.value) == f"this session is over: process {victim} was killed by {signum.name}"
        assert (error.value.exit_status, error.value.signal) == (None, signum)
    assert s.ended
    assert s.close() == 0
    assert s.pid not in cluster.master.processes
    assert_usable(other)


def test_a_stopped_session_waits_to_be_continued(cluster: bp.Cluster) -> None:
    s, other = cluster.session(), cluster.session()
    other.kill(s.pid, bp.SIGSTOP)
    with pytest.raises(bp.Deadlock, match="waits in SIGCONT"):
        s.getpid() and s.write(1, b"x")
    other.kill(s.pid, bp.SIGCONT)
    assert_usable(s)


@pytest.mark.parametrize("fault", [bp.PowerOff, bp.Hang])
@pytest.mark.parametrize("in_a_call", [False, True])
def test_a_session_goes_down_with_its_node(fault: type, in_a_call: bool) -> None:
    cluster = bp.Cluster(nodes=3, faults=[fault(node=1, at_ns=20 * ms)])
    s = cluster.session(node=1)
    s.alarm(1)
    if in_a_call:
        with pytest.raises(bp.SessionEnded) as error:
            s.sleep(seconds)
        assert cluster.sim.now_ns == 20 * ms, "it knows no later instant"
    else:
        cluster.sleep(0.03)
        with pytest.raises(bp.SessionEnded) as error:
            s.getpid()
    assert str(error.value) == f"this session is over: process {s.pid} went down with node 1, as if by SIGKILL"
    assert error.value.signal == bp.SIGKILL
    cluster.sim.run()
    with pytest.raises(bp.SessionEnded, match="was killed by SIGKILL"):
        s.getpid()
    assert cluster.bpmaster.pids.table.get(s.pid) is None
    assert s.close() == 0


def test_a_session_is_killed_when_its_node_is_set_down_and_an_idle_process_is_not(cluster: bp.Cluster) -> None:
    s, idle = cluster.session(node=1), cluster.idle_process(node=1)
    cluster.nodes[1].set_state("down")
    with pytest.raises(bp.SessionEnded, match="was killed by SIGKILL"):
        s.getpid()
    assert idle.returncode is None


def test_a_session_dies_with_the_master() -> None:
    cluster = bp.Cluster(nodes=2, faults=[bp.PowerOff(node=-1, at_ns=5 * ms)])
    s = cluster.session()
    with pytest.raises(bp.SessionEnded, match=r"killed by SIGKILL|went down with master"):
        s.sleep(seconds)


@pytest.mark.parametrize("step", [step for step in bp.Step if step.value > 6])
def test_a_move_whose_target_dies_ends_the_session_as_it_ends_a_direct_call(step: bp.Step) -> None:
    def world() -> bp.Cluster:
        made = bp.Cluster(nodes=3, faults=[bp.PowerOff(node=1, step=step)])
        made.install("/usr/bin/sleeper", sleeper)
        return made

    direct = world().bproc_execmove(1, "/usr/bin/sleeper", ["sleeper"], {})
    with pytest.raises(bp.Replaced) as replaced:
        world().session().bproc_execmove(1, "/usr/bin/sleeper", ["sleeper"], {})
    assert repr(replaced.value.outcome) == repr(direct)


# ---- handlers ----------------------------------------------------------------------------------------


def test_a_handler_is_ordinary_python_called_on_the_way_back(cluster: bp.Cluster) -> None:
    s = cluster.session()
    seen: list[Any] = []

    def handler(session: bp.Session, signum: int) -> None:
        assert session is s
        seen.append((signum, session.write(1, b"from the handler\n"), cluster.sim.now_ns))

    assert s.sigaction(bp.SIGUSR1, handler) == bp.SIG_DFL
    assert s.sigaction(bp.SIGUSR1, handler) is handler, "as it was given"
    s.kill(s.pid, bp.SIGUSR1)
    assert [(signum, count) for signum, count, _ in seen] == [(bp.SIGUSR1, 17)]
    # A signal that comes in between is taken before the next call, which it does not interrupt.
    cluster.execve("/usr/bin/killer", ["killer", str(s.pid), str(int(bp.SIGUSR1))])
    assert len(seen) == 1
    began_ns = cluster.sim.now_ns
    s.sleep(seconds)
    assert seen[1][2] == began_ns + cluster.costs.syscall_ns
    assert cluster.sim.now_ns == seen[1][2] + seconds
    assert len(seen) == 2
    assert_usable(s)


def test_a_handler_may_let_the_call_go_on(cluster: bp.Cluster) -> None:
    s = cluster.session()
    seen: list[int] = []
    reading, writing = s.pipe()
    s.sigaction(bp.SIGUSR1, lambda _s, signum: seen.append(s.write(writing, b"x")), restart=True)
    s.spawn("/usr/bin/killer", ["killer", str(s.pid), str(int(bp.SIGUSR1))])
    assert s.read(reading) == b"x"
    assert seen == [1]


def test_what_a_handler_raises_comes_out_of_the_call(cluster: bp.Cluster) -> None:
    s = cluster.session()

    class TooLong(BaseException):
        pass

    def handler(_session: bp.Session, _signum: int) -> None:
        raise TooLong("enough")

    s.sigaction(bp.SIGALRM, handler)
    s.alarm(1)
    with pytest.raises(TooLong, match="enough"):
        s.pause()
    assert s.thread.process.blocked == frozenset()
    assert_usable(s)
    s.alarm(1)
    with pytest.raises(TooLong):
        s.libc.pause()


def test_a_handler_may_meet_a_deadlock_a_failure_or_the_end(cluster: bp.Cluster) -> None:
    for does, expected in (
        (lambda s: s.read(s.pipe()[0]), bp.Deadlock),
        (lambda s: s.open("/none"), FileNotFoundError),
        (lambda s: s.exit(4), bp.SessionEnded),
        (lambda s: s.kill(s.pid, bp.SIGKILL), bp.SessionEnded),
        (lambda s: s.execve("/usr/bin/sleeper", ["sleeper"], {}), bp.Replaced),
    ):
        s = cluster.session()
        s.sigaction(bp.SIGUSR1, lambda session, _signum, does=does: does(session))
        with pytest.raises(expected):
            s.kill(s.pid, bp.SIGUSR1)
        assert s.ended == (expected in (bp.SessionEnded, bp.Replaced))
        if not s.ended:
            assert_usable(s)
            s.exit()
    cluster.sim.run()
    assert not cluster.master.processes


def test_a_handler_that_gives_a_generator_is_told_what_to_write(cluster: bp.Cluster) -> None:
    s = cluster.session()

    def as_a_program(proc: bp.Proc, signum: int) -> Any:
        yield from proc.print("caught", signum)

    s.sigaction(bp.SIGUSR1, lambda session, signum: as_a_program(session, signum))
    with pytest.raises(TypeError, match="gave a generator; write it without `yield from`"):
        s.kill(s.pid, bp.SIGUSR1)
    s.sigaction(bp.SIGUSR1, as_a_program)
    s.kill(s.pid, bp.SIGUSR1)
    assert s.text == "caught 10\n"

    def forgets(proc: bp.Proc, _signum: int) -> Any:
        proc.print("never run")
        yield from proc.getpid()
        yield from proc.print("found out")

    s.sigaction(bp.SIGUSR1, forgets)
    with pytest.raises(bp.ForgottenYieldFrom, match=r"print\(...\) was made but never run"):
        s.kill(s.pid, bp.SIGUSR1)
    with pytest.raises(TypeError, match="sigaction: action: expected a function"):
        s.sigaction(bp.SIGUSR1, 5)


# ---- what is left behind -----------------------------------------------------------------------------


def test_a_keyboard_interrupt_within_an_event_is_remembered(cluster: bp.Cluster) -> None:
    """What it cut off nobody can tell, so that world is no longer used."""

    def pressed(proc: bp.Proc) -> Any:
        yield from proc.sleep(1 * ms)
        raise KeyboardInterrupt

    cluster.install("/usr/bin/pressed", pressed)
    s = cluster.session()
    s.spawn("/usr/bin/pressed")
    with pytest.raises(KeyboardInterrupt), s:
        s.wait()
    said = "a KeyboardInterrupt cut this world off within an event; build a new one"
    for call in (s.getpid, lambda: cluster.execve("/x"), cluster.sim.run, cluster.session, lambda: s.spawn("/x")):
        with pytest.raises(RuntimeError, match=said):
            call()


@pytest.mark.slow
def test_many_sessions_leave_nothing_behind(cluster: bp.Cluster) -> None:
    def once() -> None:
        with cluster.session() as s:
            with pytest.raises(FileNotFoundError):
                s.open("/none")
            assert s.libc.close(77) == -1
            s.spawn("/usr/bin/killer", ["killer", "1", "0"])
            s.wait()
        with pytest.raises(bp.Replaced):
            cluster.session().execve("/usr/bin/killer", ["killer", "1", "0"], {})

    small = bp.Cluster(nodes=1)
    small.install("/usr/bin/killer", killer)
    cluster = small
    for _ in range(20):
        once()
    assert not cluster.master.processes
    assert not cluster.bpmaster.pids.table
    assert cluster.master.memory.used_bytes == 0
    assert cluster.machine(-1).files.used == 0
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(50):
        once()
    gc.collect()
    assert len(gc.get_objects()) - before < 50


def test_sessions_in_two_worlds_know_nothing_of_each_other() -> None:
    one, other = bp.Cluster(nodes=1).session(), bp.Cluster(nodes=1).session()
    one.sleep(5 * ms)
    assert other.thread.process.machine.port.now_ns == 0
    assert (one.pid, other.pid) == (1001, 1001)


def test_a_fault_that_is_given_between_two_calls_is_there_at_once(cluster: bp.Cluster) -> None:
    s = cluster.session()
    s.sleep(1 * ms)
    with cluster.inject(bp.OpenFileLimit(node=-1, files=0)), pytest.raises(bp.CallError) as error:
        s.open("/tmp")
    assert error.value.error is bp.Errno.ENFILE
    s.open("/tmp")
    at_ns = cluster.sim.now_ns + 5 * ms
    cluster.inject(bp.OpenFileLimit(node=-1, files=0, at_ns=at_ns))
    s.sleep(5 * ms)
    assert cluster.sim.now_ns == at_ns
    with pytest.raises(bp.CallError):
        s.open("/tmp")
