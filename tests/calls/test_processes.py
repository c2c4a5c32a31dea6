"""fork, exec, wait and exit: what is inherited, what stays, what is given back."""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp
from bprocsim.testing.rows.programcases import ALICE, brief, idle
from bprocsim.units import KiB, MiB, ms, s
from tests.calls.worlds import MASTER, PROGRAM, Steps, assert_clean, call_errors, machines, play, world


def image(proc: bp.Proc) -> Steps:
    """Tell who it is."""
    yield from proc.print(proc.argv, sorted(proc.env.items()), proc.uid, proc.euid, proc.egid)


def test_fork_inherits_what_it_should() -> None:
    def program(proc: bp.Proc) -> Steps:
        def handler(proc: bp.Proc, _signum: int) -> None:
            raise AssertionError

        yield from proc.sigaction(bp.SIGUSR1, handler)
        yield from proc.sigaction(bp.SIGUSR2, bp.SIG_IGN)
        yield from proc.sigprocmask(bp.SIG_BLOCK, [bp.SIGHUP])
        yield from proc.kill(proc.pid, bp.SIGHUP)
        yield from proc.alarm(100)
        fd = yield from proc.open("/tmp/f", bp.O_RDWR | bp.O_CREAT | bp.O_CLOEXEC, 0o600)
        yield from proc.write(fd, b"0123456789")
        yield from proc.setpgid(0, 0) if proc.pid != 1001 else proc.sleep(0)
        same = ("argv", "env", "uid", "gid", "euid", "egid", "cwd", "node")
        parents = {name: getattr(proc, name) for name in same}
        number = proc.pid

        def child(proc: bp.Proc, *args: Any) -> Steps:
            assert args == (1, "two")
            assert {name: getattr(proc, name) for name in same} == parents
            assert (proc.ppid, proc.getppid()) == (number, number)
            assert proc.pid != number
            assert (yield from proc.sigaction(bp.SIGUSR1, bp.SIG_DFL)) is handler
            assert (yield from proc.sigaction(bp.SIGUSR2, bp.SIG_DFL)) is bp.SIG_IGN
            assert (yield from proc.sigprocmask(bp.SIG_UNBLOCK, [bp.SIGHUP])) == {bp.SIGHUP}  # nothing was pending
            assert (yield from proc.alarm(0)) == 0
            assert proc.thread_self() == 1
            # The place in the file is shared, and close-on-exec is inherited.
            yield from proc.write(fd, b"abc")
            yield from proc.dup2(fd, 9)
            assert (yield from call_errors(proc.execv("/usr/bin/probe", ["probe", str(fd), "9"]))) == 0

        pid = yield from proc.fork(child, 1, "two")
        assert (yield from proc.waitpid(pid)) == bp.Waited(pid, 0)
        yield from proc.write(fd, b"xyz")
        yield from proc.alarm(0)
        yield from proc.sigaction(bp.SIGHUP, bp.SIG_IGN)
        return 3

    def probe(proc: bp.Proc) -> Steps:
        first, second = map(int, proc.argv[1:])
        assert (yield from call_errors(proc.write(first, b""))) == "EBADF"
        assert (yield from call_errors(proc.write(second, b""))) == 0

    made = world(program)
    made.install("/usr/bin/probe", probe)
    out = made.execve(PROGRAM, ["p", "arg"], {"A": "b"}, cwd="/tmp")
    assert (out.exit_status, out.stderr) == (3, b"")
    assert made.master.fs.read_file("/tmp/f") == b"0123456789abcxyz"
    assert_clean(made)


def test_orphans_and_zombies() -> None:
    seen: list[Any] = []

    def program(proc: bp.Proc) -> Steps:
        def parent(proc: bp.Proc) -> Steps:
            def grandchild(proc: bp.Proc) -> Steps:
                seen.append(proc.ppid)
                yield from proc.sleep(10 * ms)
                seen.append(proc.ppid)
                yield from proc.sleep(10 * ms)

            yield from proc.fork(brief)  # a zombie that nobody waits for
            yield from proc.fork(grandchild)
            yield from proc.sleep(5 * ms)

        pid = yield from proc.fork(parent)
        yield from proc.sleep(7 * ms)
        states = {process.pid: process.state.value for process in made.master.processes.values()}
        assert states == {1001: "running", 1002: "zombie", 1004: "running"}
        assert (yield from proc.waitpid(pid)).exit_status == 0
        assert list(made.master.processes) == [1001, 1004]
        assert seen == [pid]
        yield from proc.sleep(10 * ms)
        assert seen == [pid, 1]
        yield from proc.sleep(10 * ms)
        assert list(made.master.processes) == [1001]
        assert (yield from call_errors(proc.wait())) == "ECHILD"

    made = world(program)
    made.execve(PROGRAM)
    assert_clean(made)


def test_a_zombie_holds_nothing_but_its_pid() -> None:
    def program(proc: bp.Proc) -> Steps:
        before = made.master.memory.used_bytes

        def child(proc: bp.Proc) -> Steps:
            yield from proc.pipe()

        pid = yield from proc.fork(child)
        yield from proc.sleep(1 * ms)
        assert made.master.memory.used_bytes == before
        assert made.machine(MASTER).files.used == 0
        assert (yield from proc.kill(pid, bp.SIGKILL)) == 0
        assert (yield from proc.waitpid(pid)).exit_status == 0

    made = world(program)
    made.execve(PROGRAM)
    assert_clean(made)


@pytest.mark.parametrize("end", ["returns", "exits", "is killed", "raises", "is replaced"])
def test_whatever_ends_it_everything_is_given_back(end: str) -> None:
    """Descriptors, pipes, sockets, memory, threads, timers, the file that runs and the one written."""

    def program(proc: bp.Proc) -> Steps:
        def child(proc: bp.Proc) -> Steps:
            reading, _ = yield from proc.pipe()
            fd = yield from proc.open("/tmp/f", bp.O_CREAT | bp.O_WRONLY)
            yield from proc.dup2(fd, 100)
            listener = yield from proc.socket()
            yield from proc.bind(listener, bp.Address("", 0))
            yield from proc.listen(listener, 5)
            client = yield from proc.socket()
            yield from proc.connect(client, (yield from proc.getsockname(listener)))
            bound = yield from proc.socket()
            yield from proc.bind(bound, bp.Address("", 7777))
            yield from proc.write(client, b"unread")
            yield from proc.alarm(100)

            def reader(proc: bp.Proc) -> Steps:
                yield from proc.read(reading)

            def worker(proc: bp.Proc) -> Steps:
                yield from proc.compute(1000 * s)

            def sleeper(proc: bp.Proc) -> Steps:
                yield from proc.sleep(1000 * s)

            for body in (reader, worker, worker, sleeper):
                yield from proc.thread_create(body)
            yield from proc.sleep(1 * ms)
            if end == "exits":
                yield from proc.exit(1)
            elif end == "is killed":
                yield from proc.pause()
            elif end == "raises":
                raise OSError(5, "on its own account")
            elif end == "is replaced":
                yield from proc.execv("/usr/bin/image", ["image"])

        pid = yield from proc.fork(child)
        yield from proc.sleep(10 * ms)
        yield from proc.kill(pid, bp.SIGKILL)
        began = made.sim.now_ns
        yield from proc.wait()
        assert made.sim.now_ns - began < 1 * ms

    made = world(program, strict=False)
    made.install("/usr/bin/image", idle)
    made.execve(PROGRAM)
    assert_clean(made)
    made.sim.run()
    assert made.sim.now_ns < 1 * s  # no timer is left that keeps the world going


def test_memory_is_counted() -> None:
    @bp.program(memory_bytes=3 * MiB)
    def big(proc: bp.Proc) -> Steps:
        used = made.master.memory.used_bytes
        assert 3 * MiB <= used < 4 * MiB
        for _ in range(3):
            yield from proc.fork(idle)
        assert made.master.memory.used_bytes == 4 * used
        assert (yield from call_errors(proc.fork(idle))) == "ENOMEM"
        yield from proc.kill(0, bp.SIGTERM)

    made = bp.Cluster(nodes=0, master=bp.NodeSpec(memory_bytes=14 * MiB))
    made.install(PROGRAM, big)
    assert made.execve(PROGRAM).signal == bp.SIGTERM
    assert_clean(made)


def test_files_are_counted_through_fork_dup_exec_and_exit() -> None:
    def used() -> int:
        return int(made.machine(MASTER).files.used)

    def program(proc: bp.Proc) -> Steps:
        assert used() == 0  # what the harness gave it is its own
        yield from proc.pipe()
        assert used() == 2
        yield from proc.dup2(3, 10)
        yield from proc.dup2(1, 11)
        assert used() == 2
        fd = yield from proc.open("/tmp/f", bp.O_CREAT)
        yield from proc.dup2(fd, 3)
        assert used() == 3

        def child(proc: bp.Proc) -> Steps:
            assert used() == 3
            yield from proc.socket()
            assert used() == 4
            yield from proc.execv("/usr/bin/image", ["image"])

        yield from proc.fork(child)
        yield from proc.close(10)
        yield from proc.sleep(10 * ms)
        assert used() == 4  # the child has a socket, and still has the reading end
        yield from proc.kill(1002, bp.SIGKILL)
        assert used() == 2
        for number in (3, 4, 5):
            yield from proc.close(number)
        assert used() == 0

    made = world(program)
    made.install("/usr/bin/image", idle)
    made.execve(PROGRAM)
    assert_clean(made)


def test_the_limit_of_a_node_and_of_a_process() -> None:
    """The node's holds for all processes together, root's too; a process's is 1,024 numbers."""

    def program(proc: bp.Proc) -> Steps:
        for _ in range(25):
            yield from proc.pipe()
        assert (yield from call_errors(proc.pipe())) == "ENFILE"
        assert (yield from call_errors(proc.socket())) == "ENFILE"
        assert (yield from call_errors(proc.open("/dev/null"))) == "ENFILE"
        assert (yield from call_errors(proc.execv("/usr/bin/image", ["image"]))) == "ENFILE"
        yield from proc.dup2(0, 900)  # no new open file
        yield from proc.close(3)
        assert (yield from call_errors(proc.open("/dev/null"))) == 3
        assert (yield from call_errors(proc.open("/dev/null"))) == "ENFILE"

        def child(proc: bp.Proc) -> Steps:
            assert (yield from call_errors(proc.socket())) == "ENFILE"

        yield from proc.fork(child)
        yield from proc.wait()

    made = world(program, master=bp.NodeSpec(open_files=50))
    made.install("/usr/bin/image", image)
    made.execve(PROGRAM)
    assert_clean(made)


def test_a_running_file_is_not_written_and_a_written_one_not_run() -> None:
    def program(proc: bp.Proc) -> Steps:
        assert (yield from call_errors(proc.open(PROGRAM, bp.O_WRONLY))) == "ETXTBSY"
        assert (yield from call_errors(proc.open(PROGRAM, bp.O_RDONLY | bp.O_TRUNC))) == "ETXTBSY"
        assert (yield from call_errors(proc.open("/usr/bin/hard", bp.O_RDWR))) == "ETXTBSY"
        assert (yield from call_errors(proc.open(PROGRAM))) == 3
        fd = yield from proc.open("/usr/bin/image", bp.O_WRONLY)
        yield from proc.dup2(fd, 7)
        yield from proc.close(fd)

        def holder(proc: bp.Proc) -> Steps:
            yield from proc.pause()

        pid = yield from proc.fork(holder)
        yield from proc.close(7)
        # A child that still has it keeps the file busy, as in a build that forks too early.
        assert (yield from call_errors(proc.execv("/usr/bin/image", ["image"]))) == "ETXTBSY"
        yield from proc.kill(pid, bp.SIGKILL)
        yield from proc.execv("/usr/bin/image", ["image"])

    made = world(program)
    made.install("/usr/bin/image", image)
    made.master.fs.link(PROGRAM, "/usr/bin/hard")
    assert made.execve(PROGRAM).exit_status == 0
    assert_clean(made)


def test_forms_of_exec() -> None:
    calls: dict[str, Any] = {
        "execv": lambda proc: proc.execv("/usr/bin/image", ["image", "a"]),
        "execve": lambda proc: proc.execve("/usr/bin/image", ["image", "a"], {"E": "2"}),
        "execl": lambda proc: proc.execl("/usr/bin/image", "image", "a"),
        "execle": lambda proc: proc.execle("/usr/bin/image", "image", "a", ["E=2"]),
        "execvp": lambda proc: proc.execvp("image", ["image", "a"]),
        "execlp": lambda proc: proc.execlp("image", "image", "a"),
    }
    for name, call in calls.items():

        def program(proc: bp.Proc, call: Any = call) -> Steps:
            yield from call(proc)

        made = world(program)
        made.install("/usr/bin/image", image)
        given = {"E": "2"} if "e" in name[4:] else {"E": "1", "PATH": "/usr/bin"}
        out = made.execve(PROGRAM, ["p"], {"E": "1", "PATH": "/usr/bin"}, user=ALICE)
        assert out.text == f"['image', 'a'] {sorted(given.items())} 500 500 500\n", name
        assert_clean(made)


def test_a_set_id_image_and_a_script_whose_interpreter_is_one() -> None:
    def program(proc: bp.Proc) -> Steps:
        for path in ("/usr/bin/suid", "/usr/bin/sgid", "/tmp/script", "/tmp/suid-script"):

            def child(proc: bp.Proc, path: str = path) -> Steps:
                yield from proc.execv(path, ["x"])

            yield from proc.fork(child)
            yield from proc.wait()

    made = world(program)
    made.install("/usr/bin/suid", image, mode=0o4755, uid=7, gid=8)
    made.install("/usr/bin/sgid", image, mode=0o2755, uid=7, gid=8)
    made.install("/usr/bin/plain", image)
    made.master.fs.write_file("/tmp/script", b"#!/usr/bin/suid\n", mode=0o755)
    made.master.fs.write_file("/tmp/suid-script", b"#!/usr/bin/plain\n", mode=0o6755, uid=7, gid=8)
    out = made.execve(PROGRAM, user=ALICE)
    ids = [line.split("] ")[-1] for line in out.text.splitlines()]
    # A script's own bits count for nothing, those of its interpreter do.
    assert ids == ["500 7 500", "500 500 8", "500 7 500", "500 500 500"]
    assert_clean(made)


def test_exec_out_of_a_second_thread_leaves_one_thread_and_the_pid() -> None:
    ran: list[str] = []

    def program(proc: bp.Proc) -> Steps:
        def other(proc: bp.Proc) -> Steps:
            yield from proc.execv("/usr/bin/image", [str(proc.pid)])

        def spinning(proc: bp.Proc) -> Steps:
            while True:
                yield from proc.compute(1 * ms)
                ran.append("on")

        yield from proc.thread_create(spinning)
        yield from proc.thread_create(other)
        yield from proc.pause()
        ran.append("main")

    def image(proc: bp.Proc) -> Steps:
        assert proc.argv == [str(proc.pid)]
        assert proc.thread_self() == 1
        count = len(ran)
        yield from proc.sleep(20 * ms)
        assert len(ran) == count
        assert made.master.processors.running == []
        assert (yield from call_errors(proc.thread_join(2))) == "ESRCH"
        return 5

    made = world(program)
    made.install("/usr/bin/image", image)
    assert made.execve(PROGRAM).exit_status == 5
    assert "main" not in ran
    assert_clean(made)


def test_a_move_leaves_one_thread_from_its_exec_on() -> None:
    ran: list[int] = []

    def program(proc: bp.BprocProc) -> Steps:
        if proc.node == 0:
            yield from proc.sleep(1 * s)
            return 4

        def spinning(proc: bp.BprocProc) -> Steps:
            while True:
                yield from proc.sleep(100_000)
                ran.append(made.sim.now_ns)

        yield from proc.thread_create(spinning)
        yield from proc.sleep(1 * ms)
        began = made.sim.now_ns
        try:
            yield from proc.bproc_execmove(0, PROGRAM, ["there"], {})
        finally:
            assert max(ran) <= began

    made = world(program, nodes=1)
    assert made.execve(PROGRAM).exit_status == 4
    assert_clean(made)


@pytest.mark.parametrize("what", ["read", "write", "accept"])
def test_a_file_stays_open_while_a_thread_waits_for_it(what: str) -> None:
    """Another thread closes the descriptor; whoever is at the other end notices nothing."""

    def program(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()
        listener = yield from proc.socket()
        yield from proc.bind(listener, bp.Address("", 7000))
        yield from proc.listen(listener, 1)
        if what == "write":
            yield from proc.write(writing, bytes(4096))

        def waiting(proc: bp.Proc) -> Steps:
            if what == "read":
                return (yield from proc.read(reading))
            if what == "write":
                return (yield from proc.write(writing, b"late"))
            return (yield from proc.accept(listener))[0]

        number = yield from proc.thread_create(waiting)
        yield from proc.sleep(1 * ms)
        if what == "read":
            yield from proc.close(reading)
            yield from proc.write(writing, b"for it")
            assert (yield from proc.thread_join(number)) == b"for it"
            yield from proc.sigaction(bp.SIGPIPE, bp.SIG_IGN)
            assert (yield from call_errors(proc.write(writing, b"x"))) == "EPIPE"
        elif what == "write":
            yield from proc.close(writing)
            yield from proc.read(reading)
            assert (yield from proc.thread_join(number)) == 4
            assert (yield from proc.read(reading)) == b"late"
            assert (yield from proc.read(reading)) == b""
        else:
            yield from proc.close(listener)
            client = yield from proc.socket()
            yield from proc.connect(client, bp.Address("127.0.0.1", 7000))
            assert client == listener  # the number was free again
            assert (yield from proc.thread_join(number)) == client + 1
            other = yield from proc.socket()
            assert (yield from call_errors(proc.connect(other, bp.Address("127.0.0.1", 7000)))) == "ECONNREFUSED"

    play(program)


def test_threads() -> None:
    def program(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()

        def adder(proc: bp.Proc, one: int, two: int) -> Steps:
            assert proc.pid == me
            yield from proc.sleep(1 * ms)
            yield from proc.write(writing, b"x")
            return one + two, proc.thread_self()

        me = proc.pid
        first = yield from proc.thread_create(adder, 1, 2)
        second = yield from proc.thread_create(adder, 3, 4)
        assert (first, second, proc.thread_self()) == (2, 3, 1)
        assert (yield from proc.thread_join(second)) == (7, 3)
        assert (yield from proc.thread_join(first)) == (3, 2)
        assert (yield from proc.read(reading)) == b"xx"  # descriptors are shared

        def waits_for_me(proc: bp.Proc) -> Steps:
            assert (yield from call_errors(proc.thread_join(1))) == "EDEADLK"

        third = yield from proc.thread_create(waits_for_me)
        yield from proc.thread_join(third)
        # A signal is taken, and the wait goes on.
        caught: list[int] = []

        def handler(proc: bp.Proc, signum: int) -> None:
            caught.append(signum)

        yield from proc.sigaction(bp.SIGALRM, handler)
        yield from proc.alarm(1)

        def long(proc: bp.Proc) -> Steps:
            yield from proc.compute(2 * s)
            return "done"

        fourth = yield from proc.thread_create(long)
        assert (yield from proc.thread_join(fourth)) == "done"
        assert caught == [bp.SIGALRM]

    play(program)


# ---- the end ---------------------------------------------------------------------------------------


# Python itself complains when it lets go of a program that catches everything for ever.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_killed_program_never_runs_on() -> None:
    """Its `finally` blocks run, but no call in them does, whatever they catch."""
    ran: list[str] = []

    def tidy(proc: bp.Proc) -> Steps:
        fd = yield from proc.open("/tmp/f", bp.O_CREAT | bp.O_WRONLY)
        try:
            yield from proc.pause()
        finally:
            ran.append("finally")
            yield from proc.write(fd, b"from the grave")
            ran.append("after a call")

    def stubborn(proc: bp.Proc) -> Steps:
        while True:
            try:
                yield from proc.sleep(1 * s)
            except BaseException:
                ran.append("caught")

    def raising(proc: bp.Proc) -> Steps:
        try:
            yield from proc.compute(100 * s)
        finally:
            raise ValueError("heard by nobody")

    def executing(proc: bp.Proc) -> Steps:
        try:
            yield from proc.pause()
        finally:
            yield from proc.execv("/usr/bin/image", ["image"])

    def program(proc: bp.Proc) -> Steps:
        for body in (tidy, stubborn, raising, executing):
            pid = yield from proc.fork(body)
            yield from proc.sleep(1 * ms)
            yield from proc.kill(pid, bp.SIGKILL)
            assert (yield from proc.waitpid(pid)) == bp.Waited(pid, None, bp.SIGKILL)

    made = world(program)
    made.install("/usr/bin/image", image)
    out = made.execve(PROGRAM)
    assert out.stdout == b""
    assert out.exception is None
    assert ran[0] == "finally"
    assert set(ran[1:]) == {"caught"}
    assert made.master.fs.read_file("/tmp/f") == b""
    assert_clean(made)
    made.sim.run()
    assert made.sim.now_ns < 1 * s


@pytest.mark.parametrize("end", ["exit", "signal", "exec"])
def test_a_program_that_ends_itself_does_not_run_on_either(end: str) -> None:
    ran: list[str] = []

    def program(proc: bp.Proc) -> Steps:
        def child(proc: bp.Proc) -> Steps:
            try:
                if end == "exit":
                    yield from proc.exit(7)
                elif end == "signal":
                    yield from proc.kill(proc.pid, bp.SIGTERM)
                else:
                    yield from proc.execv("/usr/bin/image", ["image"])
            except Exception:
                ran.append("an exit is no Exception")
            finally:
                ran.append("finally")
                yield from proc.print("from the grave")
                ran.append("after a call")

        pid = yield from proc.fork(child)
        told = yield from proc.waitpid(pid)
        expected = {"exit": bp.Waited(pid, 7), "signal": bp.Waited(pid, None, 15), "exec": bp.Waited(pid, 0)}
        assert told == expected[end]

    made = world(program)
    made.install("/usr/bin/image", brief)
    out = made.execve(PROGRAM)
    assert (ran, out.stdout) == (["finally"], b"")
    assert_clean(made)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_program_that_catches_its_own_exit_for_ever_is_ended_all_the_same() -> None:
    def program(proc: bp.Proc) -> Steps:
        while True:
            try:
                yield from proc.exit(6)
            except BaseException:
                continue

    out = play(program)
    assert out.exit_status == 6


def test_exit_statuses() -> None:
    for given, status in ((None, 0), (0, 0), (3, 3), (256, 0), (-1, 255), (True, 1), (300, 44)):

        def program(proc: bp.Proc, given: int | None = given) -> Steps:
            yield from proc.sleep(1)
            return given

        assert play(program).exit_status == status


def test_a_plain_function_is_a_program_too() -> None:
    def program(proc: bp.Proc) -> int:
        return proc.pid % 256

    assert play(program).exit_status == 1001 % 256


def test_processes_on_a_slave_are_counted_there() -> None:
    def program(proc: bp.BprocProc) -> Steps:
        if proc.node == MASTER:
            yield from proc.bproc_execmove(1, PROGRAM, ["there"], {})

        def child(proc: bp.Proc) -> Steps:
            yield from proc.pipe()
            yield from proc.sleep(1 * ms)

        before = [machine.memory.used_bytes for machine in machines(made)]
        pid = yield from proc.fork(child)
        after = [machine.memory.used_bytes for machine in machines(made)]
        assert after == [before[0], before[1], 2 * before[2]]
        assert made.machine(1).files.used >= 2
        assert (yield from proc.waitpid(pid)).exit_status == 0
        assert made.machine(1).memory.used_bytes == before[2] > 64 * KiB - 1

    made = world(program, nodes=2)
    assert made.execve(PROGRAM).exit_status == 0
    assert_clean(made)


@pytest.mark.slow
def test_all_pids_used_up_by_programs() -> None:
    """31,767 numbers, each held by a zombie."""

    def program(proc: bp.Proc) -> Steps:
        count = 0
        while (yield from call_errors(proc.fork(brief))) != "EAGAIN":
            count += 1
        assert count == 32767 - 1001
        yield from proc.wait()
        yield from proc.fork(brief)
        assert (yield from call_errors(proc.fork(brief))) == "EAGAIN"

    out = play(program, master=bp.NodeSpec(memory_bytes=1024 * MiB))
    assert out.exit_status == 0


def test_a_program_is_known_by_fifteen_bytes_of_its_name() -> None:
    names: list[bytes] = []

    def program(proc: bp.Proc) -> Steps:
        names.append(proc.thread.process.comm)
        yield from proc.sleep(0)

    made = bp.Cluster(nodes=0)
    for size in (14, 15, 16, 200):
        made.install(f"/bin/{'x' * size}", program)
        made.execve(f"/bin/{'x' * size}").check()
    assert names == [b"x" * 14, b"x" * 15, b"x" * 15, b"x" * 15]
