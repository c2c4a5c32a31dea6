"""One call of a program: made by a method, run by `yield from`, and noticed if it never is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

from bprocsim.faces.control import ForgottenYieldFrom, ImageReplaced, ProcessEnds
from bprocsim.faces.errors import raised
from bprocsim.manual import Done, Exit, Fail, Replaced

T = TypeVar("T")

# What a call comes to that is no plain value.
_OUTCOMES = (Done, Fail, Exit, Replaced)

# What runs a call: (thread, name, arguments).
Dispatch = Callable[[Any, str, tuple[Any, ...]], Generator[Any, Any, Any]]

# How often a program that is over may try to go on, as one that catches everything in a loop does.
_PATIENCE = 100


class Pending:
    """What a thread has to answer for: a call made and not started, and calls after its end.

    `call` the last call that was made, "" once it was started; `over` what took the program out of
    its process: its exit, or another image.
    """

    __slots__ = ("_place", "_tries", "call", "code", "over")

    def __init__(self) -> None:
        self.call = ""
        self.code: Any = None
        self._place = 0
        self.over: BaseException | None = None
        self._tries = 0

    def made(self, depth: int) -> str:
        """Note a call, made by whoever called into `faces`, and give the name it was called by.

        `depth` how many calls above this one somebody in `faces` is asked. ForgottenYieldFrom: the
        call before was never run.
        """
        if self.call:
            self.check()
        frame = sys._getframe(depth)  # each frame that is looked at costs, so the nearest are passed by
        while frame.f_globals.get("__package__") == __package__:
            name, frame = frame.f_code.co_name, frame.f_back  # type: ignore[assignment]
        self.call, self.code, self._place = name, frame.f_code, frame.f_lasti
        return name

    def check(self) -> None:
        """Raise ForgottenYieldFrom if the last call was never run."""
        if self.call:
            call, self.call = self.call, ""
            raise ForgottenYieldFrom(
                f"{self.code.co_filename}:{self._line()}: {call}(...) was made but never run; "
                f"write `yield from proc.{call}(...)`"
            )

    def _line(self) -> int | None:
        """Tell in which line the call was made; a frame that is asked at each call looks it up each time."""
        found: int | None = next(line for start, end, line in self.code.co_lines() if start <= self._place < end)
        return found

    def refuse(self, thread: Any, name: str) -> Generator[Any, Any, None]:
        """Let a program not go on after its end, whatever its `except` and `finally` blocks try."""
        process = thread.process
        self._tries += 1
        if self._tries > _PATIENCE:
            process.machine.abandon(process, self.over)
            yield None  # from where nobody ever comes back
        if self.over is not None:
            raise self.over
        if thread.task is not None:
            raise GeneratorExit  # it is being killed just now
        raise RuntimeError(
            f"proc.{name}(...): process {process.pid} has ended; use the proc that this function was given"
        )


class Call(Generic[T]):
    """A call that a program has made; `yield from` it to run it and get what it returns.

    Failures raise CallError.
    """

    __slots__ = ("_args", "_dispatch", "_name", "_pending", "_thread", "_typed")

    def __init__(
        self, typed: str, pending: Pending, dispatch: Dispatch, thread: Any, name: str, args: tuple[Any, ...]
    ) -> None:
        self._typed = typed
        self._pending = pending
        self._dispatch = dispatch
        self._thread = thread
        self._name = name
        self._args = args

    def called(self, typed: str) -> None:
        """Remember the name under which the program made this call."""
        self._typed = self._pending.call = typed

    def steps(self) -> Generator[Any, Any, Any]:
        """Give what runs it, for somebody who does the rest that `yield from` does; a failure is a Fail."""
        return self._dispatch(self._thread, self._name, self._args)

    def __iter__(self) -> Generator[Any, Any, T]:
        pending, thread = self._pending, self._thread
        pending.call = ""
        if pending.over is not None or thread.ended:
            yield from pending.refuse(thread, self._typed)
        if thread.calling:
            raise RuntimeError(
                f"proc.{self._typed}(...): process {thread.process.pid} is in {thread.calling}(...) already; "
                "use the proc that this function was given"
            )
        thread.calling = self._typed
        try:
            value: T = settle((yield from self._dispatch(thread, self._name, self._args)), thread)
            return value
        except (ImageReplaced, ProcessEnds) as end:
            pending.over = end
            raise
        finally:
            thread.calling = ""

    def misuse(self) -> TypeError:
        """Say what to write in place of a plain `yield`."""
        self._pending.call = ""
        return TypeError(f"`yield proc.{self._typed}(...)`: write `yield from proc.{self._typed}(...)`")

    def __repr__(self) -> str:
        return f"<{self._typed}(...), not run: write `yield from`>"


def leave(thread: Any, name: str, args: tuple[Any, ...]) -> Generator[Any, Any, Any]:
    """End the process with an exit status: the one call that no machine has to do with."""
    yield from ()  # so that it is a generator, as every call is
    raise ProcessEnds(exit_status=args[0])


class Told(int):
    """A number that a call tells at once: use it as it is, or with `yield from` as any other call.

    With `yield from` it takes the time of a system call, so that a program which asks for ever is
    found out.
    """

    _thread: Any

    @classmethod
    def to(cls, thread: Any, value: int) -> Told:
        """Tell a thread a number."""
        made = cls(value)
        made._thread = thread
        return made

    def __iter__(self) -> Generator[Any, Any, int]:
        process = self._thread.process
        yield process.machine.port.sleep(process.machine.costs.syscall_ns)
        if process.stands_still:
            yield from process.machine.take_signals(self._thread)
        return int(self)

    def misuse(self) -> TypeError:
        """Say what to write in place of a plain `yield`."""
        return TypeError(f"`yield` of a number, {int(self)}: write `yield from`, or nothing")


def settle(result: Any, thread: Any) -> Any:
    """Turn an outcome into what a thread's program sees: a value, a raised CallError, or its end."""
    if not isinstance(result, _OUTCOMES):
        return result
    if isinstance(result, Fail):
        raise raised(result, thread.process.machine.unix.name)
    if isinstance(result, Replaced):
        raise ImageReplaced(result.image)
    if isinstance(result, Exit):
        raise ProcessEnds(exit_status=result.status)
    return result.value
