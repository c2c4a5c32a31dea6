"""Sessions: the calls of a process as ordinary methods, spawn in place of fork, and how a session ends."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Iterator
from typing import Any, assert_type

import pytest

import bprocsim as bp
from bprocsim.posix.life import Waited
from bprocsim.units import ms
from bprocsim.world.session import Session

PORT = 4000


def talk(proc: bp.Proc) -> Any:
    """Write to both streams, with what stdin gives and what the environment says."""
    yield from proc.print("node", proc.node, "as", proc.uid)
    yield from proc.print(sorted(proc.env), fd=2)
    text = yield from proc.read(0)
    yield from proc.write(1, text.upper())
    return 3


@pytest.fixture
def cluster() -> bp.Cluster:
    made = bp.Cluster(nodes=4, trace="all")
    made.install("/usr/bin/talk", talk)
    return made


# ---- who and where -----------------------------------------------------------------------------------


def test_a_session_is_a_process_of_its_own(cluster: bp.Cluster) -> None:
    alice = cluster.user("alice", 500, 600)
    cluster.master.fs.mkdir("/home/alice", parents=True)
    s = cluster.session(user=alice, cwd="/home/alice", env={"HOME": "/home/alice"})
    assert (s.uid, s.gid, s.euid, s.egid) == (500, 600, 500, 600)
    assert (s.node, s.cwd, s.env, s.argv) == (-1, "/home/alice", {"HOME": "/home/alice"}, ["session"])
    assert (s.pid, s.ppid) == (s.getpid(), s.getppid()) == (1001, 1)
    assert list(cluster.master.processes) == [1001]
    assert repr(s) == "<session of process 1001 on master>"
    assert cluster.session().env == {"PATH": "/usr/bin:/bin"}
    assert cluster.session(node=2).node == 2


def test_relative_paths_begin_in_its_directory(cluster: bp.Cluster) -> None:
    with cluster.session(cwd="/tmp") as s:
        s.close(s.open("made", bp.O_CREAT | bp.O_WRONLY))
    assert cluster.master.fs.exists("/tmp/made")


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"node": 9}, ValueError, "node: there is no node 9; there are 4, numbered from 0, and -1 is the master"),
        ({"node": "x"}, TypeError, "node: expected a node number, got 'x'"),
        ({"node": 3}, ValueError, "node: node 3 is down: nobody there can make a call"),
        ({"cwd": "tmp"}, ValueError, "cwd: expected an absolute path, got 'tmp'"),
        ({"cwd": "/nowhere"}, ValueError, "cwd: '/nowhere' on master: the directory does not exist"),
        ({"env": ["A=b"]}, TypeError, r"env: expected a mapping or None, got \['A=b'\]"),
        ({"input": "text"}, TypeError, "input: expected bytes, got 'text'"),
        ({"user": "alice"}, TypeError, "user: "),
        ({"timeout_ns": 0}, ValueError, "timeout_ns: expected at least 1, got 0"),
        ({"timeout_ns": 1.5}, TypeError, "timeout_ns: expected an int, got 1.5"),
    ],
)
def test_what_is_wrong_with_its_arguments_is_said(options: dict[str, Any], error: type[Exception], said: str) -> None:
    cluster = bp.Cluster(nodes=4, faults=[bp.PowerOff(node=3)])
    with pytest.raises(error, match=said):
        cluster.session(**options)
    assert not cluster.master.processes, "none is left behind"


# ---- calls -------------------------------------------------------------------------------------------


def public_calls(kind: type) -> set[str]:
    return {
        name
        for name, thing in inspect.getmembers(kind)
        if inspect.isfunction(thing) and (not name.startswith("_") or name.startswith("_bproc"))
    }


def test_a_session_has_every_call_of_a_program() -> None:
    """And nothing else but what it is for."""
    for face, session in ((bp.Proc, Session), (bp.BprocProc, bp.BprocSession)):
        assert public_calls(face) - {"check_finished"} <= public_calls(session)
        assert public_calls(session) - public_calls(face) == {"spawn"}


@pytest.mark.parametrize("name", sorted(public_calls(bp.BprocProc) - {"check_finished", "fork", "thread_create"}))
def test_a_method_looks_as_if_it_had_been_written_out(name: str, cluster: bp.Cluster) -> None:
    """For `help`, and for editors: the arguments of the program's call, and what comes back."""
    method, call = getattr(bp.BprocSession, name), getattr(bp.BprocProc, name)
    theirs, ours = inspect.signature(call), inspect.signature(method)
    if name not in ("close", "exit", "sigaction", "wait"):
        assert ours.parameters == theirs.parameters
        assert method.__doc__.startswith(call.__doc__)
    assert list(inspect.signature(getattr(cluster.session(), name)).parameters) == list(theirs.parameters)[1:]
    assert "Call" not in str(ours.return_annotation)
    assert method.__name__ == name
    assert method.__qualname__ == f"Session.{name}"
    assert method.__module__ in (Session.__module__,)


def test_types_are_those_of_the_calls(cluster: bp.Cluster) -> None:
    """Judged by mypy, which reads this file."""
    s = cluster.session()
    assert_type(s, bp.BprocSession)
    assert_type(s.read(0), bytes)
    assert_type(s.read(0, count=5), bytes)
    assert_type(s.pipe(), tuple[int, int])
    assert_type(s.getpid(), int)
    assert_type(s.print("a", 1, fd=1), int)
    assert_type(s.sigprocmask(bp.SIG_BLOCK, []), frozenset[int])
    assert_type(s.spawn("/usr/bin/talk"), int)
    assert_type(s.wait(), Waited)
    assert_type(s.close(0), int)
    with pytest.raises(TypeError, match=r"Session.read\(\) got an unexpected keyword argument 'size'"):
        s.read(0, size=5)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="fd: expected an int, got 'x'"):
        s.read("x")  # type: ignore[arg-type]


def test_each_call_takes_its_time_and_nothing_passes_in_between(cluster: bp.Cluster) -> None:
    s, costs = cluster.session(), cluster.costs
    assert cluster.sim.now_ns == 0
    s.write(1, b"x")
    assert cluster.sim.now_ns == costs.syscall_ns
    assert s.pid == 1001
    assert cluster.sim.now_ns == costs.syscall_ns
    s.sleep(7 * ms)
    assert cluster.sim.now_ns == costs.syscall_ns + 7 * ms


def test_its_streams_are_the_harness_s(cluster: bp.Cluster) -> None:
    s = cluster.session(input=b"good morning")
    assert (s.read(0, 4), s.read(0), s.read(0)) == (b"good", b" morning", b"")
    s.write(1, b"out")
    s.print("err", fd=2)
    assert (s.stdout, s.stderr, s.text) == (b"out", b"err\n", "out")
    assert (s.close(1), s.stdout) == (0, b"out")
    with pytest.raises(bp.CallError) as error:
        s.write(1, b"more")
    assert error.value.error is bp.Errno.EBADF


def test_a_failure_is_raised_as_a_program_meets_it(cluster: bp.Cluster) -> None:
    s = cluster.session()
    with pytest.raises(FileNotFoundError) as error:
        s.open("/none")
    assert isinstance(error.value, bp.CallError)
    assert (error.value.error, error.value.cause, error.value.call) == (bp.Errno.ENOENT, "file_absent", "open")
    assert error.value.filename == "/none"
    assert "FAIL" in error.value.explain()
    assert [each.name for each in error.traceback][1:] == ["method"], "nothing of the inside"


def test_libc_is_in_the_shape_of_the_manual(cluster: bp.Cluster) -> None:
    c = cluster.session().libc
    assert c.errno == 0
    assert (c.open("/none"), c.errno) == (-1, 2)
    rc, (reading, writing) = c.pipe()
    assert (rc, c.write(writing, b"abc"), c.read(reading, 10)) == (0, 3, (3, b"abc"))
    assert c.errno == 2, "success leaves it"
    c.errno = 0
    assert (c.read(99, 10), c.errno) == ((-1, None), 9)
    assert c.getpid() == 1001
    assert c.nanosleep(5 * ms) == 0
    assert (c.wait(), c.errno) == ((-1, 0), 10)
    assert (c.execve("/none", [], {}), c.errno) == (-1, 2)
    assert (c._bproc_execmove_io(1, 0, "/tmp", [], {}), c.errno) == (-1, 13)
    assert c.sigaction(bp.SIGUSR1, bp.SIG_IGN) == (0, bp.SIG_DFL)
    for name in ("print", "sleep", "nothing", "_handle"):
        with pytest.raises(AttributeError, match=f"libc has no call '{name}'"):
            getattr(c, name)
    with pytest.raises(TypeError, match="fd: expected an int, got None"):
        c.close(None)
    with pytest.raises(bp.Replaced) as replaced:
        c.execve("/usr/bin/talk", ["talk"], {})
    assert replaced.value.outcome.call == "execve"


# ---- spawn -------------------------------------------------------------------------------------------


def test_spawn_starts_a_child_and_wait_tells_of_it(cluster: bp.Cluster) -> None:
    s = cluster.session(input=b"ping")
    pid = s.spawn("/usr/bin/talk", ["talk"], {"A": "b"})
    waited = s.wait()
    assert (waited.pid, waited.exit_status, waited.signal) == (pid, 3, None)
    assert s.stdout == b"node -1 as 0\nPING"
    assert s.stderr == b"['A']\n"


def test_spawn_on_a_node_with_port_0_writes_where_the_session_does(cluster: bp.Cluster) -> None:
    s = cluster.session()
    s.spawn("/usr/bin/talk", node=2)
    assert s.wait().exit_status == 3
    assert s.stdout == b"node 2 as 0\n[]\n"


def test_three_connections_are_accepted_after_spawn(cluster: bp.Cluster) -> None:
    s = cluster.session(user=bp.Credentials(500, 500))
    for node in (0, 1):
        cluster.nodes[node].chmod(0o111)
    listener = s.socket()
    s.bind(listener, bp.Address("", PORT))
    s.listen(listener, 3)
    pids = [s.spawn("/usr/bin/talk", ["talk"], {}, node=node, port=PORT) for node in (0, 1)]
    said: dict[str, list[bytes]] = {}
    for _ in range(6):
        fd, peer = s.accept(listener)
        said.setdefault(peer.host, []).append(b"%d" % fd)
    for fds in said.values():
        out, err, into = map(int, fds)
        s.write(into, b"hi")
        s.close(into)
        fds[:] = [b"".join(iter(lambda fd=fd: s.read(fd), b"")) for fd in (out, err)]  # type: ignore[misc]
    assert said == {
        "10.54.1.0": [b"node 0 as 500\nHI", b"[]\n"],
        "10.54.1.1": [b"node 1 as 500\nHI", b"[]\n"],
    }
    assert sorted(s.wait().pid for _ in pids) == pids


def test_a_refused_spawn_is_raised_and_leaves_no_child(cluster: bp.Cluster) -> None:
    s = cluster.session()
    cluster.master.fs.write_file("/tmp/text", b"words", mode=0o644)
    for path, node, cause, call in (
        ("/none", None, "cmd_absent", "execve"),
        ("/tmp/text", None, "not_executable", "execve"),
        ("/none", 1, "cmd_absent", "bproc_execmove"),
        (bp.BAD_ADDRESS, 1, "cmd_unreadable", "bproc_execmove"),
    ):
        with pytest.raises(bp.CallError) as error:
            s.spawn(path, ["x"], {}, node)
        assert (error.value.cause, error.value.call) == (cause, call)
    with pytest.raises(ChildProcessError):
        s.wait()
    assert list(cluster.master.processes) == [s.pid]


def test_what_goes_wrong_after_the_exec_is_the_status_of_the_child() -> None:
    cluster = bp.Cluster(nodes=2, faults=[bp.PowerOff(node=1)])
    cluster.install("/usr/bin/talk", talk)
    s = cluster.session()
    ended = [s.waitpid(s.spawn("/usr/bin/talk", node=node)).exit_status for node in (1, 7, -1)]
    assert ended == [22, 22, 40]


def test_an_edition_in_which_a_move_comes_back_has_spawn_raise_that() -> None:
    import attrs

    edition = attrs.evolve(bp.editions["scyld"], late_failure="return")
    cluster = bp.Cluster(nodes=2, edition=edition, faults=[bp.PowerOff(node=1)])
    cluster.install("/usr/bin/talk", talk)
    s = cluster.session()
    with pytest.raises(bp.CallError) as error:
        s.spawn("/usr/bin/talk", node=1)
    assert error.value.cause == "node_down"
    with pytest.raises(bp.CallError) as error:
        s.bproc_execmove(1, "/usr/bin/talk", [], {})
    assert error.value.cause == "node_down"
    s.spawn("/usr/bin/talk", node=0)
    assert s.wait().exit_status == 3, "and the session goes on"


def test_spawn_gives_the_child_other_streams(cluster: bp.Cluster) -> None:
    s = cluster.session()
    (in_r, in_w), (out_r, out_w) = s.pipe(), s.pipe()
    s.write(in_w, b"through a pipe")
    s.spawn("/usr/bin/talk", stdin=in_r, stdout=out_w, stderr=out_w)
    s.wait()
    assert s.read(out_r) == b"node -1 as 0\n[]\nTHROUGH A PIPE"
    assert s.stdout == b""
    with pytest.raises(bp.CallError) as error:
        s.spawn("/usr/bin/talk", stdout=77)
    assert (error.value.error, error.value.call) == (bp.Errno.EBADF, "dup2")


def test_a_spawned_child_does_not_catch_what_the_session_catches(cluster: bp.Cluster) -> None:
    def waits(proc: bp.Proc) -> Any:
        yield from proc.sleep(10**9)

    cluster.install("/usr/bin/waits", waits)
    s = cluster.session()
    s.sigaction(bp.SIGUSR1, lambda _s, _signum: None)
    s.sigaction(bp.SIGUSR2, bp.SIG_IGN)
    first, second = s.spawn("/usr/bin/waits"), s.spawn("/usr/bin/waits")
    s.kill(first, bp.SIGUSR1)
    s.kill(second, bp.SIGUSR2)
    assert (s.waitpid(first).signal, s.waitpid(second).exit_status) == (bp.SIGUSR1, 0)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"argv": "talk"}, "argv: expected a list of strings, got 'talk'"),
        ({"envp": 5}, "envp: expected a list of strings or a mapping, got 5"),
        ({"node": "2"}, "node: expected an int, got '2'"),
        ({"node": 2, "port": 1.5}, "port: expected an int, got 1.5"),
        ({"stdin": "x"}, "stdin: expected an int, got 'x'"),
        ({"port": 4000}, r"port: I/O is forwarded from another node; there must be a node= with port=4000"),
    ],
)
def test_what_is_wrong_with_a_spawn_is_said(cluster: bp.Cluster, arguments: dict[str, Any], said: str) -> None:
    s = cluster.session()
    with pytest.raises((TypeError, ValueError), match=said):
        s.spawn("/usr/bin/talk", **arguments)
    assert cluster.sim.now_ns == 0


def test_fork_and_threads_say_what_to_write(cluster: bp.Cluster) -> None:
    s = cluster.session()
    for fork in (s.fork, s.libc.fork):
        with pytest.raises(RuntimeError, match=r"cannot be copied; write s.spawn\(path, argv, envp\)"):
            fork(talk)
    for create in (s.thread_create, s.libc.thread_create):
        with pytest.raises(RuntimeError, match="a session is one thread"):
            create(talk)
    assert s.thread_self() == 1


# ---- how it ends -------------------------------------------------------------------------------------


def test_the_end_of_the_block_is_the_end_of_the_process(cluster: bp.Cluster) -> None:
    with cluster.session() as s:
        fd = s.open("/tmp/x", bp.O_CREAT | bp.O_WRONLY)
        assert cluster.machine(-1).files.used == 1
    assert s.ended
    assert cluster.machine(-1).files.used == 0
    assert not cluster.master.processes
    with pytest.raises(bp.SessionEnded) as error:
        s.write(fd, b"x")
    assert str(error.value) == "this session is over: process 1001 has exited with 0"
    assert (error.value.exit_status, error.value.signal) == (0, None)
    assert repr(s) == "<this session is over: process 1001 has exited with 0>"
    assert s.close() == 0
    assert s.pid == 1001
    with pytest.raises(bp.SessionEnded):
        s.libc.getpid()
    with pytest.raises(bp.SessionEnded):
        s.spawn("/usr/bin/talk")
    with pytest.raises(bp.SessionEnded):
        s.exit()


def test_an_exception_in_the_block_ends_it_with_1(cluster: bp.Cluster) -> None:
    with pytest.raises(ZeroDivisionError), cluster.session() as s:
        _ = 1 // 0
    with pytest.raises(bp.SessionEnded, match="has exited with 1"):
        s.getpid()


def test_close_without_a_descriptor_and_exit_end_it_too(cluster: bp.Cluster) -> None:
    one, other = cluster.session(), cluster.session()
    one.close()
    other.exit(0x1FE)
    for s, status in ((one, 0), (other, 0xFE)):
        with pytest.raises(bp.SessionEnded, match=f"has exited with {status}"):
            s.getpid()


def test_a_parent_that_waits_is_no_party_to_it(cluster: bp.Cluster) -> None:
    """It is nobody's child: nothing of it is left, and its children go on as orphans."""
    with cluster.session() as s:
        s.spawn("/usr/bin/talk", node=1)
    cluster.sim.run()
    assert s.stdout == b"node 1 as 0\n[]\n"
    assert not cluster.master.processes


def test_an_exec_ends_it_with_what_came_of_it(cluster: bp.Cluster) -> None:
    s = cluster.session(input=b"ping")
    s.write(1, b"before\n")
    with pytest.raises(FileNotFoundError):
        s.execv("/none", ["x"])
    with pytest.raises(bp.Replaced) as replaced:
        s.execve("/usr/bin/talk", ["talk"], {"A": "b"})
    out, direct = replaced.value.outcome, cluster.execve("/usr/bin/talk", ["talk"], {"A": "b"}, input=b"ping")
    assert repr(out) == repr(direct).replace("1002", "1001")
    assert (out.stdout, out.stderr, out.exit_status, out.pid) == (direct.stdout, direct.stderr, 3, s.pid)
    assert (out.errno, out.late_errno, out.failed, out.returned) == (None, None, False, False)
    assert s.stdout == b"before\n" + out.stdout
    with pytest.raises(bp.SessionEnded) as error:
        s.getpid()
    assert str(error.value) == "this session is over: process 1001 has become another image by execve(...)"
    assert (error.value.exit_status, error.value.signal) == (None, None)


def test_an_execmove_that_fails_late_ends_it_too() -> None:
    cluster = bp.Cluster(nodes=2, faults=[bp.PowerOff(node=1)])
    cluster.install("/usr/bin/talk", talk)
    for node in (1, 5):
        with pytest.raises(bp.Replaced) as replaced, cluster.session() as s:
            s.bproc_execmove(node, "/usr/bin/talk", ["talk"], {})
        assert "exit 22 AFTER the exec: EINVAL" in repr(replaced.value.outcome)
        assert replaced.value.outcome.cause == ("node_down" if node == 1 else "node_unknown")
        assert "FAIL" in replaced.value.outcome.explain()


def test_no_except_exception_runs_on_after_an_exec(cluster: bp.Cluster) -> None:
    assert not issubclass(bp.Replaced, Exception)
    after: list[str] = []

    def catches_all(s: bp.Session) -> None:
        try:
            s.execvp("talk", ["talk"])
        except Exception:
            after.append("ran on")

    with pytest.raises(bp.Replaced):
        catches_all(cluster.session())
    assert after == []


def test_an_exec_waits_for_what_the_session_had_started(cluster: bp.Cluster) -> None:
    def slow(proc: bp.Proc) -> Any:
        yield from proc.sleep(50 * ms)
        yield from proc.print("slow")

    cluster.install("/usr/bin/slow", slow)
    s = cluster.session()
    s.spawn("/usr/bin/slow")
    with pytest.raises(bp.Replaced) as replaced:
        s.execl("/usr/bin/talk", "talk")
    assert replaced.value.outcome.text == "node -1 as 0\nslow\n"
    assert cluster.sim.now_ns > 50 * ms


# ---- the world around it -----------------------------------------------------------------------------


def test_an_open_session_keeps_nothing_alive_and_is_no_deadlock(cluster: bp.Cluster) -> None:
    s = cluster.session()
    s.pipe()
    cluster.sim.run()
    assert cluster.sim.now_ns == cluster.costs.syscall_ns
    assert cluster.bproc_execmove(1, "/usr/bin/talk").exit_status == 3
    assert cluster.run(["talk"]).returncode == 3
    assert s.write(1, b"still here") == 10


def test_who_waits_for_an_open_session_is_no_deadlock_either(cluster: bp.Cluster) -> None:
    s = cluster.session()
    reading, writing = s.pipe()
    s.spawn("/usr/bin/talk", stdin=reading)
    cluster.sim.run()  # it reads, and the session may yet write
    s.write(writing, b"now")
    assert s.wait().exit_status == 3
    s.spawn("/usr/bin/talk", stdin=reading)
    s.close(writing)
    s.exit()
    assert s.text == "node -1 as 0\nNOW"
    with pytest.raises(bp.Deadlock, match=r"pid 1003 \(talk\) on master waits in read\(0\)"):
        cluster.sim.run()  # for the child holds the writing end itself


def test_a_call_from_within_a_program_says_what_to_write(cluster: bp.Cluster) -> None:
    s = cluster.session()
    told: list[str] = []

    def inside(proc: bp.Proc) -> Any:
        for call in (lambda: s.read(0), lambda: s.libc.read(0, 1), lambda: s.spawn("/x"), s.exit, cluster.session):
            try:
                call()
            except RuntimeError as error:
                told.append(str(error))
        yield from proc.sleep(0)

    cluster.install("/usr/bin/inside", inside)
    cluster.execve("/usr/bin/inside")
    assert told == [
        "read was called from within a program; there write `yield from proc.read(...)`",
        "libc.read was called from within a program; there write `yield from proc.libc.read(...)`",
        "spawn was called from within a program; there write `yield from proc.fork(...)` "
        "and, in the child, `yield from proc.execve(...)`",
        "exit was called from within a program; there write `yield from proc.exit(...)`",
        "session was called from within a program; there write `yield from proc.read(...)` "
        "and the like, with the program's own `proc`",
    ]
    assert s.getpid() == 1001


def test_yield_from_is_found_out(cluster: bp.Cluster) -> None:
    s = cluster.session(input=b"abc")

    def as_programs_do() -> Iterator[Any]:
        yield from s.read(0)

    with pytest.raises(TypeError, match=r"`yield from s.read\(...\)`: .* leave out `yield from`"):
        list(as_programs_do())

    def in_c() -> Iterator[Any]:
        yield from s.libc.read(0, 5)

    with pytest.raises(TypeError, match=r"`yield from s.libc.read\(...\)`"):
        list(in_c())

    def a_generator_of_its_own() -> Iterator[bytes]:
        while data := s.read(0, 1):
            yield data

    assert list(a_generator_of_its_own()) == [b"a", b"b", b"c"]


def test_a_world_without_sessions_does_not_fetch_their_rooms() -> None:
    code = (
        "import sys, bprocsim as bp; bp.Cluster(nodes=1).bproc_execmove(0, '/none'); "
        "print([each for each in sys.modules if each in "
        "('bprocsim.world.session', 'bprocsim.world.driven', 'bprocsim.world.spawn')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert done.stdout == "[]\n"
