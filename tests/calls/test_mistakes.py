"""The mistakes that generators invite: each is told with what to write, and where it was made."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import ms, s
from tests.calls.worlds import PROGRAM, Steps, assert_clean, play, world


def line_of(function: Callable[..., Any], text: str) -> int:
    """Give the line of this file on which a function holds a text."""
    lines, first = inspect.getsourcelines(function)
    return next(first + place for place, line in enumerate(lines) if text in line)


def fails(program: Callable[..., Any], **options: Any) -> bp.Outcome:
    """Run a program that raises, not strictly."""
    made = world(program, strict=False, **options)
    out = made.execve(PROGRAM)
    assert_clean(made)
    return out


def test_a_forgotten_yield_from_is_told_at_the_next_call() -> None:
    def program(proc: bp.Proc) -> Steps:
        proc.sleep(1 * ms)  # here
        yield from proc.print("on")

    out = fails(program)
    assert isinstance(out.exception, bp.ForgottenYieldFrom)
    said = "sleep(...) was made but never run; write `yield from proc.sleep(...)`"
    assert str(out.exception) == f"{__file__}:{line_of(program, '# here')}: {said}"
    assert out.exit_status == 1
    assert out.stderr.startswith(b"program: ForgottenYieldFrom")
    assert out.stdout == b""


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda proc: proc.write(1, b"x"), "write"),
        (lambda proc: proc.print("x"), "print"),
        (lambda proc: proc.wait(), "wait"),
        (lambda proc: proc.exit(3), "exit"),
        (lambda proc: proc.execl("/bin/sh", "sh"), "execl"),
        (lambda proc: proc.bproc_execmove(0, "/bin/sh", ["sh"], {}), "bproc_execmove"),
        (lambda proc: proc.libc.read(0, 5), "libc.read"),
        (lambda proc: proc.libc.nanosleep(5), "libc.nanosleep"),
        (lambda proc: proc.libc._bproc_execmove_io(0, 0, "/bin/sh", ["sh"], {}), "libc._bproc_execmove_io"),
    ],
)
def test_and_at_the_end_by_the_name_under_which_it_was_made(call: Callable[[bp.Proc], Any], name: str) -> None:
    def program(proc: bp.Proc) -> Steps:
        yield from proc.sleep(1)
        call(proc)

    out = fails(program)
    assert isinstance(out.exception, bp.ForgottenYieldFrom)
    said = f"{call.__code__.co_filename}:{call.__code__.co_firstlineno}: {name}(...) was made but never run; "
    assert str(out.exception) == said + f"write `yield from proc.{name}(...)`"


def test_in_a_child_a_thread_and_a_handler_too() -> None:
    told: list[Any] = []

    def forgetful(proc: bp.Proc, *_: Any) -> Steps:
        yield from proc.sleep(1)
        proc.sleep(1)

    def program(proc: bp.Proc) -> Steps:
        pid = yield from proc.fork(forgetful)
        told.append((yield from proc.waitpid(pid)).exit_status)

        def with_thread(proc: bp.Proc) -> Steps:
            yield from proc.thread_create(forgetful)
            yield from proc.pause()

        pid = yield from proc.fork(with_thread)
        told.append((yield from proc.waitpid(pid)).exit_status)
        yield from proc.sigaction(bp.SIGUSR1, forgetful)
        yield from proc.kill(proc.pid, bp.SIGUSR1)

    out = fails(program)
    assert told == [1, 1]
    assert isinstance(out.exception, bp.ForgottenYieldFrom)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda proc: proc.read(0), "`yield proc.read(...)`: write `yield from proc.read(...)`"),
        (lambda proc: proc.sleep(1), "`yield proc.sleep(...)`: write `yield from proc.sleep(...)`"),
        (lambda proc: proc.exit(1), "`yield proc.exit(...)`: write `yield from proc.exit(...)`"),
        (lambda proc: proc.libc.pipe(), "`yield proc.libc.pipe(...)`: write `yield from proc.libc.pipe(...)`"),
        (lambda proc: proc.getpid(), "`yield` of a number, 1001: write `yield from`, or nothing"),
        (lambda proc: 5, "a program yielded 5; write `yield from`"),
        (lambda proc: None, "a program yielded None; write `yield from`"),
    ],
)
def test_yield_for_yield_from(call: Callable[[bp.Proc], Any], said: str) -> None:
    def program(proc: bp.Proc) -> Steps:
        yield call(proc)

    out = fails(program)
    assert isinstance(out.exception, TypeError)
    assert str(out.exception) == said


def test_a_program_may_go_on_after_it_was_told() -> None:
    def program(proc: bp.Proc) -> Steps:
        try:
            yield proc.sleep(1)
        except TypeError:
            with pytest.raises(TypeError):
                yield proc.print("told")
            yield from proc.print("told twice")

    assert play(program).text == "told twice\n"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda proc: proc.write(1, "text"),
            "write: data: expected bytes, got str 'text'; write b'...' or .encode(), or use proc.print(...)",
        ),
        (lambda proc: proc.write(1, 5), "write: data: expected bytes, got 5"),
        (lambda proc: proc.write("1", b"x"), "fd: expected an int, got '1'"),
        (lambda proc: proc.read(True), "fd: expected an int, got True"),
        (lambda proc: proc.read(0, -1), "count: expected at least 0, got -1"),
        (lambda proc: proc.open(5), "path: expected str, bytes or a path, got 5"),
        (lambda proc: proc.execv("/bin/sh", "sh"), "argv: expected a list of strings, got 'sh'"),
        (lambda proc: proc.execle("/bin/sh"), "execle: the environment comes last; there are no arguments"),
        (lambda proc: proc.kill(1, "9"), "signum: expected an int, got '9'"),
        (lambda proc: proc.sleep(0.5), "duration_ns: expected an int, got 0.5"),
        (lambda proc: proc.sleep(-1), "duration_ns: expected at least 0, got -1"),
        (lambda proc: proc.connect(3, ("h", 1)), "connect: address: expected bp.Address(host, port), got ('h', 1)"),
        (
            lambda proc: proc.connect(3, bp.Address("node1", 1)),
            "connect: address: host: expected a dotted quad or '', got 'node1'",
        ),
        (
            lambda proc: proc.bind(3, bp.Address("", 65536)),
            "bind: address: port: expected 0 to 65535, got 65536",
        ),
        (lambda proc: proc.sigprocmask(0, ["x"]), "signals: expected an int, got 'x'"),
    ],
)
def test_wrong_arguments_are_named(call: Callable[[bp.Proc], Any], said: str) -> None:
    def program(proc: bp.Proc) -> Steps:
        yield from call(proc)

    out = fails(program)
    assert isinstance(out.exception, TypeError | ValueError)
    assert str(out.exception) == said


def test_a_generator_where_a_function_is_wanted() -> None:
    def child(proc: bp.Proc) -> Steps:
        yield from proc.sleep(1)

    def program(proc: bp.Proc) -> Steps:
        yield from proc.fork(child(proc))  # type: ignore[arg-type]

    out = fails(program)
    assert "fork: expected a function (a generator cannot be copied), got <generator" in str(out.exception)

    def catching(proc: bp.Proc) -> Steps:
        yield from proc.sigaction(bp.SIGUSR1, child(proc))

    said = "sigaction: action: expected a function handler(proc, signum), bp.SIG_DFL or bp.SIG_IGN, got <generator"
    assert said in str(fails(catching).exception)


def test_a_call_on_the_proc_of_somebody_else() -> None:
    """A child that uses its parent's proc, as a closure invites to do."""

    def program(proc: bp.Proc) -> Steps:
        def child(_mine: bp.Proc) -> Steps:
            yield from proc.print("on whose account?")

        yield from proc.fork(child)
        yield from proc.wait()
        return 0

    made = world(program, strict=False, trace="all")
    out = made.execve(PROGRAM)
    said = "proc.print(...): process 1001 is in wait(...) already; use the proc that this function was given"
    assert out.stderr == f"program: RuntimeError: {said}\n".encode()
    assert out.exit_status == 0
    assert_clean(made)


def test_a_call_on_the_proc_of_a_process_that_has_ended() -> None:
    def program(proc: bp.Proc) -> Steps:
        def parent(mine: bp.Proc) -> Steps:
            def child(own: bp.Proc) -> Steps:
                yield from own.sleep(1 * ms)
                yield from mine.print("too late")

            yield from mine.fork(child)

        yield from proc.fork(parent)
        yield from proc.wait()

    out = fails(program)
    said = b"proc.print(...): process 1002 has ended; use the proc that this function was given"
    assert out.stderr == b"program: RuntimeError: " + said + b"\n"


# ---- programs that raise -----------------------------------------------------------------------------


def test_a_program_that_raises_dies_with_status_1_and_one_line() -> None:
    def program(proc: bp.Proc) -> Steps:
        yield from proc.print("before")
        raise KeyError("what was wanted")

    made = world(program, strict=False)
    out = made.execve(PROGRAM)
    assert (out.exit_status, out.stdout, out.stderr) == (1, b"before\n", b"program: KeyError: 'what was wanted'\n")
    assert isinstance(out.exception, KeyError)
    (record,) = made.trace.of_kind("raised")
    assert record.exception == "KeyError: 'what was wanted'"
    assert_clean(made)


def test_an_uncaught_call_error_is_such_an_exception() -> None:
    def program(proc: bp.Proc) -> Steps:
        yield from proc.open("/nowhere")

    out = fails(program)
    assert isinstance(out.exception, FileNotFoundError)
    assert isinstance(out.exception, bp.CallError)
    assert out.exit_status == 1
    assert b"No such file or directory (open: the file does not exist): '/nowhere'" in out.stderr


def test_nobody_may_read_what_it_says() -> None:
    def closed(proc: bp.Proc) -> Steps:
        yield from proc.close(2)
        raise ValueError

    def broken(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()
        yield from proc.dup2(writing, 2)
        yield from proc.close(reading)
        raise ValueError

    for program in (closed, broken):
        out = fails(program)
        assert (out.exit_status, out.signal, out.stderr) == (1, None, b"")


def test_a_full_pipe_keeps_the_process_until_somebody_reads() -> None:
    def program(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()
        yield from proc.write(writing, bytes(4096))

        def child(proc: bp.Proc) -> Steps:
            yield from proc.dup2(writing, 2)
            raise ValueError("late")

        pid = yield from proc.fork(child)
        yield from proc.sleep(1 * s)
        assert (yield from proc.waitpid(pid, bp.WNOHANG)) is None
        yield from proc.read(reading)
        assert (yield from proc.waitpid(pid)).exit_status == 1
        assert (yield from proc.read(reading)) == b"program: ValueError: late\n"

    out = fails(program)
    assert out.exception is None


def test_strictly_the_exception_itself_reaches_the_caller() -> None:
    def program(proc: bp.Proc) -> Steps:
        yield from proc.sleep(1)
        raise LookupError("as it was")

    made = world(program)
    with pytest.raises(LookupError, match="as it was") as caught:
        made.execve(PROGRAM)
    assert any(entry.name == "program" for entry in caught.traceback)
    assert_clean(made)

    def grandchild(proc: bp.Proc) -> Steps:
        yield from proc.fork(program)
        yield from proc.wait()

    made = world(grandchild)
    with pytest.raises(LookupError):
        made.execve(PROGRAM)


def test_a_plain_function_may_raise_too() -> None:
    def program(proc: bp.Proc) -> int:
        raise ZeroDivisionError("plainly")

    assert fails(program).stderr == b"program: ZeroDivisionError: plainly\n"


@pytest.mark.parametrize("value", ["0", b"0", 1.0, [0], object])
def test_what_is_no_exit_status(value: Any) -> None:
    def program(proc: bp.Proc) -> Any:
        return value

    out = fails(program)
    assert isinstance(out.exception, TypeError)
    assert "a program returns its exit status, an int or None, not" in str(out.exception)


def test_direct_calls_are_refused_within_a_program() -> None:
    def program(proc: bp.Proc) -> Steps:
        yield from proc.sleep(1)
        made.execve("/bin/sh")

    made = world(program, strict=False)
    out = made.execve(PROGRAM)
    assert isinstance(out.exception, RuntimeError)
    assert "execve was called from within a program; there write `yield from proc.execve(...)`" in str(out.exception)


# ---- programs that never end --------------------------------------------------------------------------


def test_a_deadlock_names_who_waits_for_what_since_when() -> None:
    def program(proc: bp.Proc) -> Steps:
        _, writing = yield from proc.pipe()

        def writer(proc: bp.Proc) -> Steps:
            yield from proc.write(writing, bytes(5000))

        def thread(proc: bp.Proc) -> Steps:
            yield from proc.sleep(3 * ms)
            yield from proc.thread_join(1)

        yield from proc.fork(writer)
        yield from proc.thread_create(thread)
        yield from proc.wait()

    made = world(program)
    with pytest.raises(bp.Deadlock) as caught:
        made.execve(PROGRAM)
    head, *lines = str(caught.value).splitlines()
    assert head == "execve by pid 1001 can never end: nothing is left to happen"
    assert [line.partition(" since ")[0].strip() for line in lines] == [
        "pid 1001 (program) on master waits in waitpid(-1)",
        "pid 1001 (program) on master waits in thread_join(1)",
        "pid 1002 (program) on master waits in write(4)",
    ]
    assert all(line.endswith(" ms") and float(line.split()[-2]) > 0.8 for line in lines)


def test_a_timeout_tells_the_same() -> None:
    def program(proc: bp.Proc) -> Steps:
        yield from proc.fork(sleeper)
        yield from proc.wait()

    def sleeper(proc: bp.Proc) -> Steps:
        yield from proc.sleep(10 * s)

    made = world(program)
    with pytest.raises(bp.Timeout) as caught:
        made.execve(PROGRAM, timeout_ns=5 * s)
    text = str(caught.value)
    assert "did not end within 5000000000 ns" in text
    assert "pid 1001 (program) on master waits in waitpid(-1) since" in text
    assert "pid 1002 (program) on master waits in sleep(10000000000) since" in text
    assert made.sim.now_ns == 5 * s


def test_a_runaway_names_who_was_at_it() -> None:
    def program(proc: bp.Proc) -> Steps:
        yield from proc.fork(idle)
        while True:
            yield from proc.kill(proc.pid, 0)

    def idle(proc: bp.Proc) -> Steps:
        yield from proc.pause()

    made = world(program, max_events=10_000)
    with pytest.raises(bp.Runaway) as caught:
        made.execve(PROGRAM)
    text = str(caught.value)
    assert text.startswith("more than max_events=10000 events in one run")
    assert "pid 1001 (program)" in text
    assert "pid 1002 (program) on master waits in pause() since" in text


def test_the_trace_is_there_afterwards() -> None:
    def program(proc: bp.Proc) -> Steps:
        yield from proc.print("before")
        yield from proc.pause()

    made = world(program, trace="all")
    with pytest.raises(bp.Deadlock):
        made.execve(PROGRAM)
    assert [record.data for record in made.trace.of_kind("write")] == [b"before\n"]
