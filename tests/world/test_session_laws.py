"""A session leaves the trace that the same lines leave as a program, byte for byte.

Each program here is written once, as a generator. `Played` lets a session play it: `yield from` calls an
ordinary method, and finds nothing left to wait for.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import ms, us
from bprocsim.world import session
from tests.calls.language import Script, play, read_scripts
from tests.calls.random_scripts import Writer
from tests.calls.simside import Simulated, build

Steps = Generator[Any, Any, Any]

SCRIPTS = read_scripts((Path(__file__).parent.parent / "calls" / "scripts.txt").read_text("utf-8"))


class Played:
    """A session under the looks of a Proc: what `yield from` runs is the method of the session."""

    def __init__(self, played: bp.Session) -> None:
        self.session = played

    def __getattr__(self, name: str) -> Any:
        thing = getattr(self.session, name)
        return (lambda *args, **named: _Method(thing, *args, **named)) if callable(thing) else thing

    def fork(self, child: Callable[..., Any], *args: Any) -> _Method:
        """Fork as a program does, which only a test can: the child is a program."""
        return _Method(session.session_call(bp.Proc.fork), self.session, child, *args)

    def sigaction(self, signum: int, action: Any, restart: bool = False) -> _Method:
        """Set a handler that is ordinary Python: it does at once what the program's own would."""
        if not callable(action):
            return _Method(self.session.sigaction, signum, action, restart)

        def handler(given: bp.Session, number: int) -> None:
            assert given is self.session
            exhaust(action(self, number))

        handler.__name__ = action.__name__
        return _Method(self.session.sigaction, signum, handler, restart)


class _Method:
    """A call of a session that is made when `yield from` asks what it came to."""

    def __init__(self, method: Callable[..., Any], *args: Any, **named: Any) -> None:
        self._made = method, args, named

    def __iter__(self) -> Steps:
        yield from ()
        method, args, named = self._made
        return method(*args, **named)


def exhaust(left: Any) -> Any:
    """Run a generator in which nothing is left to wait for."""
    if not isinstance(left, Generator):
        return left
    try:
        thing = next(left)
    except StopIteration as end:
        return end.value
    raise AssertionError(f"{thing!r} was left to wait for")


def told(cluster: bp.Cluster) -> tuple[str, str, int]:
    cluster.sim.run()
    return cluster.trace.text(), cluster.trace.digest(), cluster.sim.now_ns


def as_program(cluster: bp.Cluster, body: Callable[[Any], Any], **options: Any) -> None:
    cluster.popen(body, start_new_session=True, **options).wait()


def as_session(cluster: bp.Cluster, body: Callable[[Any], Any], **options: Any) -> None:
    s = cluster.session(**options)  # left open if the program cannot go on
    s.exit(exhaust(body(Played(s))) or 0)


# ---- programs of a launcher ------------------------------------------------------------------------


def talk(proc: bp.Proc) -> Steps:
    yield from proc.print("hello from node", proc.node)
    yield from proc.print("warm here", fd=2)
    data = yield from proc.read(0)
    yield from proc.compute(300 * us)
    yield from proc.write(1, data.upper())
    return 3


def cluster_of(**options: Any) -> Callable[[], bp.Cluster]:
    def world() -> bp.Cluster:
        cluster = bp.Cluster(nodes=4, seed=5, trace="all", **options)
        cluster.install("/usr/bin/talk", talk)
        cluster.install("/usr/bin/talk-all", talk, on="all")
        return cluster

    return world


def files(proc: Any) -> Steps:
    fd = yield from proc.open("/tmp/log", bp.O_CREAT | bp.O_RDWR | bp.O_APPEND)
    for number in range(5):
        yield from proc.write(fd, b"line %d\n" % number)
    yield from proc.close(fd)
    fd = yield from proc.open("/tmp/log")
    while piece := (yield from proc.read(fd, 7)):
        yield from proc.write(1, piece)
    for path in ("/tmp/none", "/tmp/log/x", "/tmp"):
        try:
            yield from proc.open(path, bp.O_RDWR)
        except bp.CallError as error:
            yield from proc.print(error.cause, fd=2)
    yield from proc.getpid()
    yield from proc.sleep(3 * ms)
    return 7


def pipes(proc: Any) -> Steps:
    def child(proc: bp.Proc, writing: int) -> Steps:
        yield from proc.write(writing, b"x" * 9000)
        yield from proc.sleep(1 * ms)
        yield from proc.exit(5)

    reading, writing = yield from proc.pipe()
    pids = []
    for _ in range(3):
        pids.append((yield from proc.fork(child, writing)))
    yield from proc.close(writing)
    while piece := (yield from proc.read(reading, 1000)):
        yield from proc.write(1, b"%d " % len(piece))
    for pid in pids:
        yield from proc.print((yield from proc.waitpid(pid)))
    try:
        yield from proc.wait()
    except bp.CallError as error:
        yield from proc.print(error.cause)


PORT = 4000


def launcher(proc: Any) -> Steps:
    """Launch by fork and execmove on every node, one of them down, one number too high."""

    def spawned(proc: bp.BprocProc, node: int) -> Steps:
        yield from proc._bproc_execmove_io(node, PORT, "/usr/bin/talk", ["talk"], {"A": "b"})

    listener = yield from proc.socket()
    yield from proc.bind(listener, bp.Address("", PORT))
    yield from proc.listen(listener, 3)
    for node in (2, 3, 0, 9):
        yield from proc.fork(spawned, node)
        if node in (2, 0):
            yield from serve(proc, listener)
        yield from proc.print((yield from proc.wait()))


def serve(proc: Any, listener: int) -> Steps:
    """Take the three connections, and copy what they bring."""
    ends = []
    for _ in range(3):
        fd, peer = yield from proc.accept(listener)
        yield from proc.print(peer.host)
        ends.append(fd)
    yield from proc.write(ends[2], b"ping")
    yield from proc.close(ends[2])
    for fd in ends[:2]:
        while piece := (yield from proc.read(fd)):
            yield from proc.write(1, piece)
        yield from proc.close(fd)


def signals(proc: Any) -> Steps:
    def caught(proc: Any, signum: int) -> Steps:
        yield from proc.print("caught", signum)
        if signum == bp.SIGUSR1:
            yield from proc.kill(proc.pid, bp.SIGUSR2)  # a second one inside of the first
        yield from proc.sleep(100 * us)

    def child(proc: bp.Proc, parent: int) -> Steps:
        yield from proc.sleep(2 * ms)
        yield from proc.kill(parent, bp.SIGUSR1)
        yield from proc.sleep(2 * ms)
        yield from proc.kill(parent, bp.SIGUSR2)
        yield from proc.write(writing, b"late")

    yield from proc.sigaction(bp.SIGUSR1, caught)
    yield from proc.sigaction(bp.SIGUSR2, caught, True)
    yield from proc.sigaction(bp.SIGCHLD, bp.SIG_IGN)
    reading, writing = yield from proc.pipe()
    yield from proc.fork(child, proc.pid)
    try:
        yield from proc.read(reading)
    except bp.CallError as error:
        yield from proc.print(error.cause)
    yield from proc.print((yield from proc.read(reading)))  # goes on after the handler of SIGUSR2
    yield from proc.sigprocmask(bp.SIG_BLOCK, [bp.SIGUSR2])
    yield from proc.kill(proc.pid, bp.SIGUSR2)
    yield from proc.compute(1 * ms)
    yield from proc.sigprocmask(bp.SIG_UNBLOCK, [bp.SIGUSR2])
    yield from proc.alarm(1)
    yield from proc.sigaction(bp.SIGALRM, caught)
    try:
        yield from proc.pause()
    except InterruptedError:
        yield from proc.print("woken")
    yield from proc.kill(proc.pid, bp.SIGTERM)


@pytest.mark.parametrize("body", [files, pipes, launcher, signals], ids=lambda body: body.__name__)
@pytest.mark.parametrize("edition", ["scyld", "lanl32", "bproc4"])
def test_a_session_leaves_the_trace_of_the_program(body: Callable[[Any], Any], edition: str) -> None:
    def plan() -> Callable[[], bp.Cluster]:
        faults = [bp.PowerOff(node=3), bp.Loss(a=-1, b=2, probability=0.2), bp.SlowLink(a=-1, b=0, times=3)]
        return cluster_of(edition=edition, faults=faults)

    one, other = plan()(), plan()()
    as_program(one, body)
    killed = pytest.raises(bp.SessionEnded, match="killed by SIGTERM")
    with killed if body is signals else nullcontext():
        as_session(other, body)
    by_program, by_session = told(one), told(other)
    assert by_session[0] == by_program[0]
    assert by_session == by_program
    assert len(by_program[0].splitlines()) > 15


def test_handlers_that_are_generator_functions_are_run_as_a_programs() -> None:
    def with_its_own_handlers(cluster: bp.Cluster) -> None:
        with cluster.session() as s:
            played = Played(s)
            played.sigaction = lambda *args: _Method(s.sigaction, *args)  # type: ignore[method-assign]
            with pytest.raises(bp.SessionEnded, match="killed by SIGTERM"):
                exhaust(signals(played))

    one, other = cluster_of()(), cluster_of()()
    as_program(one, signals)
    with_its_own_handlers(other)
    assert told(one) == told(other)


# ---- an exec ends both -----------------------------------------------------------------------------


@pytest.mark.parametrize("node", [None, 1, 3, 9])
def test_an_exec_leaves_the_same_trace(node: int | None) -> None:
    def becomes(proc: Any) -> Steps:
        yield from proc.print("before")
        for path in ("/usr/bin/none", "/tmp", "/usr/bin/talk"):
            try:
                if node is None:
                    yield from proc.execv(path, ["talk"])
                else:
                    yield from proc.bproc_execmove(node, path, ["talk"], {})
            except bp.CallError as error:
                yield from proc.print(error.cause)

    one, other = (cluster_of(faults=[bp.PowerOff(node=3)])() for _ in range(2))
    as_program(one, becomes)
    with pytest.raises(bp.Replaced) as replaced:
        as_session(other, becomes)
    assert told(one) == told(other)
    out = replaced.value.outcome
    expected = {None: (3, None), 1: (3, None), 3: (22, "node_down"), 9: (22, "node_unknown")}[node]
    assert (out.exit_status, out.cause) == expected


# ---- spawn -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("node", [None, 1, 3, 9, -1])
def test_spawn_is_fork_and_exec(node: int | None) -> None:
    """Equal where the exec succeeds, whatever comes after it."""

    def by_fork(proc: bp.Proc) -> Steps:
        def spawned(proc: bp.BprocProc) -> Steps:
            if node is None:
                yield from proc.execve("/usr/bin/talk", ["talk"], {"A": "b"})
            else:
                yield from proc._bproc_execmove_io(node, 0, "/usr/bin/talk", ["talk"], {"A": "b"})

        yield from proc.print("begin")
        pid = yield from proc.fork(spawned)
        yield from proc.waitpid(pid)

    one, other = (cluster_of(faults=[bp.PowerOff(node=3)])() for _ in range(2))
    as_program(one, by_fork)
    with other.session() as s:
        s.print("begin")
        s.waitpid(s.spawn("/usr/bin/talk", ["talk"], {"A": "b"}, node))
    assert told(one) == told(other)


@pytest.mark.parametrize("node", [None, 1, 3])
def test_a_refused_spawn_is_fork_exec_exit_and_wait_in_a_row(node: int | None) -> None:
    """It differs from fork and exec in this alone: it returns only when the child has told and is gone."""

    cluster = cluster_of()()
    with cluster.session() as s:
        began_ns = cluster.sim.now_ns
        with pytest.raises(FileNotFoundError):
            s.spawn("/usr/bin/none", ["none"], {}, node)
        costs = cluster.costs
        assert cluster.sim.now_ns - began_ns == costs.fork_ns + 2 * costs.syscall_ns
    lines = [line[36:] for line in cluster.trace.text().splitlines()]
    assert lines[0] == "fork(spawned, []) = 1002"
    assert "ENOENT (cmd_absent)" in lines[1]
    assert lines[2:] == [
        "exit(127)",
        "gets SIGCHLD from the kernel",
        "waitpid(1002, 0) = Waited(pid=1002, exit_status=127, signal=None, stopped=False)",
        "exit(0)",
    ]


def test_the_three_connections_after_spawn_are_those_after_fork() -> None:
    def by_fork(proc: bp.Proc) -> Steps:
        def spawned(proc: bp.BprocProc) -> Steps:
            yield from proc._bproc_execmove_io(1, PORT, "/usr/bin/talk", ["talk"], {})

        listener = yield from proc.socket()
        yield from proc.bind(listener, bp.Address("", PORT))
        yield from proc.listen(listener, 3)
        yield from proc.fork(spawned)
        yield from serve(proc, listener)
        yield from proc.wait()

    one, other = cluster_of()(), cluster_of()()
    as_program(one, by_fork)
    with other.session() as s:
        listener = s.socket()
        s.bind(listener, bp.Address("", PORT))
        s.listen(listener, 3)
        s.spawn("/usr/bin/talk", ["talk"], {}, 1, port=PORT)
        exhaust(serve(Played(s), listener))
        s.wait()
        assert s.text == "10.54.1.1\n" * 3 + "hello from node 1\nPINGwarm here\n"
    assert told(one) == told(other)


# ---- scripts of the tests of calls, and scripts by chance ------------------------------------------


def seen(script: Script, run: Callable[..., None]) -> tuple[Any, ...]:
    """Play a script in a world of its own; tell all there is to see."""
    cluster, who, env, cwd = build(script, root=True, trace="all")
    notes: dict[str, list[str]] = {}

    def main(proc: Any) -> Steps:
        yield from play(Simulated(proc, cluster.master.fs, notes, "main", {}), script.lines)

    end = "ended"
    try:
        run(cluster, main, user=who, env=env, cwd=cwd)
    except (bp.Replaced, bp.SessionEnded):
        pass
    except bp.Deadlock:
        end = "waits for ever"
    return end, notes, cluster.trace.text(), cluster.trace.digest(), cluster.sim.now_ns


def test_every_script_leaves_the_same_trace_both_ways() -> None:
    for title, script in SCRIPTS.items():
        by_program, by_session = seen(script, as_program), seen(script, as_session)
        assert by_session == by_program, title
    assert len(SCRIPTS) > 80


@pytest.mark.parametrize("first", range(0, 200, 100))
def test_scripts_by_chance_leave_the_same_trace_both_ways(first: int) -> None:
    compared = 0
    for seed in range(first, first + 100):
        [script] = read_scripts(f"== {seed}\n{Writer(seed).script()}\n").values()
        try:
            by_session = seen(script, as_session)
        except (AttributeError, KeyError, ValueError, bp.CallError):
            continue  # it names what a call that failed did not give: a program dies of that by itself
        assert by_session == seen(script, as_program), seed
        compared += 1
    assert compared > 20


def test_sessions_and_direct_calls_may_alternate() -> None:
    """Whatever is called in between, by whomever, all goes on; and twice the same is the same."""

    def once(seed: int) -> tuple[str, str, int]:
        chance, cluster = random.Random(seed), cluster_of()()
        sessions = [cluster.session(), cluster.session(user=bp.Credentials(500, 500)), cluster.session(node=1)]
        for _ in range(30):
            s = chance.choice(sessions)
            match chance.randrange(7):
                case 0:
                    assert cluster.bproc_execmove(2, "/usr/bin/talk").exit_status == 3
                case 1:
                    cluster.sleep(0.001)
                case 2:
                    assert cluster.run(["talk"]).returncode == 3
                case 3:
                    cluster.popen(["talk"])
                case 4:
                    s.spawn("/usr/bin/talk-all" if s.node == 1 else "/usr/bin/talk", node=chance.choice([None, 0]))
                    cluster.sim.run()
                    assert s.wait().exit_status == 3
                case 5:
                    s.sleep(chance.randrange(5) * ms)
                case 6:
                    assert s.write(1, b"x") == 1
        return told(cluster)

    assert once(1) == once(1) != once(2)
