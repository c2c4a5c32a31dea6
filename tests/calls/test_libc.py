"""proc.libc: the calls in the shape of the manual, -1 and errno."""

from __future__ import annotations

import inspect

import pytest

import bprocsim as bp
from bprocsim.errnos import Errno
from bprocsim.testing.rows.programcases import brief, idle
from bprocsim.units import ms
from tests.calls.worlds import PROGRAM, Steps, play, world


def test_the_calls_as_c_has_them() -> None:
    def program(proc: bp.Proc) -> Steps:
        c = proc.libc
        assert c.errno == 0
        assert (yield from c.pipe()) == (0, (3, 4))
        assert (yield from c.write(4, b"hello")) == 5
        assert (yield from c.read(3, 100)) == (5, b"hello")
        assert (yield from c.dup2(4, 9)) == 9
        assert (yield from c.close(9)) == 0
        assert (yield from c.open("/tmp/f", bp.O_CREAT, 0o600)) == 5
        assert (yield from c.socket()) == 6
        assert (yield from c.bind(6, bp.Address("", 7000))) == 0
        assert (yield from c.listen(6, 1)) == 0
        assert (yield from c.getsockname(6)) == (0, bp.Address("0.0.0.0", 7000))
        assert (yield from c.socket()) == 7
        assert (yield from c.connect(7, bp.Address("127.0.0.1", 7000))) == 0
        assert (yield from c.accept(6)) == (8, bp.Address("127.0.0.1", 32768))
        pid = yield from c.fork(brief)
        got, status = yield from c.waitpid(pid, 0)
        assert (got, bp.WIFEXITED(status), bp.WEXITSTATUS(status)) == (pid, True, 0)
        pid = yield from c.fork(idle)
        assert (yield from c.waitpid(pid, bp.WNOHANG)) == (0, 0)
        assert (yield from c.kill(pid, bp.SIGSTOP)) == 0
        got, status = yield from c.waitpid(pid, bp.WUNTRACED)
        assert (got, status) == (pid, 0x137F)
        assert (bp.WIFSTOPPED(status), bp.WIFSIGNALED(status), bp.WIFEXITED(status)) == (True, False, False)
        assert (yield from c.kill(pid, bp.SIGKILL)) == 0
        got, status = yield from c.wait()
        assert (got, bp.WIFSIGNALED(status), bp.WTERMSIG(status)) == (pid, True, 9)
        assert (yield from c.sigaction(bp.SIGUSR1, bp.SIG_IGN)) == (0, bp.SIG_DFL)
        assert (yield from c.sigprocmask(bp.SIG_BLOCK, [bp.SIGHUP])) == (0, frozenset())
        assert (yield from c.alarm(5)) == 0
        assert (yield from c.alarm(0)) == 5
        assert (yield from c.nanosleep(1 * ms)) == 0
        assert (yield from c.getpid()) == c.getpid() == proc.pid
        assert (yield from c.getppid()) == 1
        assert (yield from c.thread_self()) == 1
        number = yield from c.thread_create(brief)
        assert (yield from c.thread_join(number)) == (0, None)
        assert (yield from c.compute(1 * ms)) == 0
        assert c.errno == 0
        yield from c.exit(5)

    assert play(program).exit_status == 5


def test_failures_are_minus_one_and_the_simulated_systems_number() -> None:
    def program(proc: bp.Proc) -> Steps:
        c = proc.libc
        failures = {
            "read": ((77, 5), (-1, None), Errno.EBADF),
            "write": ((77, b"x"), -1, Errno.EBADF),
            "open": (("/missing",), -1, Errno.ENOENT),
            "close": ((77,), -1, Errno.EBADF),
            "dup2": ((77, 5), -1, Errno.EBADF),
            "bind": ((0, bp.Address("", 1)), -1, Errno.ENOTSOCK),
            "listen": ((0, 1), -1, Errno.ENOTSOCK),
            "accept": ((0,), (-1, None), Errno.ENOTSOCK),
            "connect": ((0, bp.Address("", 1)), -1, Errno.ENOTSOCK),
            "getsockname": ((0,), (-1, None), Errno.ENOTSOCK),
            "wait": ((), (-1, 0), Errno.ECHILD),
            "waitpid": ((-1, 4096), (-1, 0), Errno.EINVAL),
            "kill": ((30000, 9), -1, Errno.ESRCH),
            "setpgid": ((0, -1), -1, Errno.EINVAL),
            "setsid": ((), -1, Errno.EPERM),
            "sigaction": ((9, bp.SIG_IGN), (-1, None), Errno.EINVAL),
            "sigprocmask": ((7, []), (-1, None), Errno.EINVAL),
            "thread_join": ((7,), (-1, None), Errno.ESRCH),
            "execve": (("/missing", ["x"], {}), -1, Errno.ENOENT),
            "execv": (("/tmp", ["x"]), -1, Errno.EACCES),
            "execvp": (("missing", ["x"]), -1, Errno.ENOENT),
            "execl": (("", "x"), -1, Errno.ENOENT),
            "execle": ((bp.BAD_ADDRESS, "x", {}), -1, Errno.EFAULT),
            "execlp": (("n" * 256, "x"), -1, Errno.ENAMETOOLONG),
            "bproc_execmove": ((0, "/missing", ["x"], {}), -1, Errno.ENOENT),
            "_bproc_execmove_io": ((0, 0, "/missing", ["x"], {}), -1, Errno.ENOENT),
        }
        for name, (arguments, result, errno) in failures.items():
            assert (yield from getattr(c, name)(*arguments)) == result, name
            assert c.errno == errno.number("linux"), name
        assert (yield from c.getpid()) == proc.pid
        assert c.errno == Errno.ENOENT.number("linux")  # success leaves it

    play(program)


def test_interrupted_calls() -> None:
    def program(proc: bp.Proc) -> Steps:
        c = proc.libc
        yield from c.sigaction(bp.SIGALRM, lambda proc, signum: None)
        yield from c.alarm(1)
        assert (yield from c.pause()) == -1
        assert c.errno == 4
        yield from c.alarm(1)
        assert (yield from c.nanosleep(5_000_000_000)) == -1

    play(program)


def test_calls_that_do_not_come_back() -> None:
    def program(proc: bp.Proc) -> Steps:
        yield from proc.libc.execv("/usr/bin/other", ["other"])

    made = world(program)
    made.install("/usr/bin/other", lambda proc: 9)
    assert made.execve(PROGRAM).exit_status == 9


def test_what_is_no_call_of_c() -> None:
    def program(proc: bp.Proc) -> Steps:
        yield from ()
        for name in ("print", "nonsense", "sleep", "check_finished", "pid", "_pending", "_call", "__len__"):
            with pytest.raises(AttributeError, match=f"libc has no call '{name}'"):
                getattr(proc.libc, name)
        assert repr(proc.libc.read(0)).startswith("<libc.read(...), not run")
        proc._pending.call = ""

    play(program)


def test_every_call_of_a_proc_is_there() -> None:
    calls = [
        name
        for name, thing in vars(bp.Proc).items()
        if inspect.isfunction(thing) and name[0] != "_" and name not in ("print", "sleep", "check_finished")
    ]

    def program(proc: bp.Proc) -> Steps:
        yield from ()
        for name in (*calls, "_bproc_execmove_io", "nanosleep"):
            assert callable(getattr(proc.libc, name))

    play(program)
