"""One call of a program: made by a method, run by `yield from`, and noticed if it never is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar

from bprocsim.faces.control import ForgottenYieldFromError, ImageReplaced, ProcessEnds
from bprocsim.faces.errors import raised
from bprocsim.manual import Done, Exit, Fail, Replaced

T = TypeVar("T")

# What runs a call: (thread, name, arguments).
Dispatch = Callable[[Any, str, tuple[Any, ...]], Generator[Any, Any, Any]]


class Pending:
    """The last call that a thread made, as long as it was not started."""

    __slots__ = ("call", "code", "line")

    def __init__(self) -> None:
        self.call = ""
        self.code: Any = None
        self.line = 0

    def made(self, name: str, depth: int) -> None:
        """Note a call made in the frame `depth` above; complain if the one before was never run."""
        self.check()
        frame = sys._getframe(depth)
        self.call, self.code, self.line = name, frame.f_code, frame.f_lineno

    def check(self) -> None:
        """Raise ForgottenYieldFromError if the last call was never run."""
        if self.call:
            call, self.call = self.call, ""
            raise ForgottenYieldFromError(
                f"{self.code.co_filename}:{self.line}: {call}(...) was made but never run; "
                f"write `yield from proc.{call}(...)`"
            )


class Call(Generic[T]):
    """A call that a program has made; `yield from` it to run it and get what it returns.

    Failures raise CallError.
    """

    __slots__ = ("_args", "_dispatch", "_name", "_pending", "_thread")

    def __init__(self, pending: Pending, dispatch: Dispatch, thread: Any, name: str, args: tuple[Any, ...]) -> None:
        pending.made(name, depth=4)
        self._pending = pending
        self._dispatch = dispatch
        self._thread = thread
        self._name = name
        self._args = args

    def __iter__(self) -> Generator[Any, Any, T]:
        self._pending.call = ""
        result = yield from self._dispatch(self._thread, self._name, self._args)
        value: T = settle(result, raising=True)
        return value

    def misuse(self) -> TypeError:
        """Say what to write in place of a plain `yield`."""
        self._pending.call = ""
        return TypeError(f"`yield proc.{self._name}(...)`: write `yield from proc.{self._name}(...)`")

    def __repr__(self) -> str:
        return f"<{self._name}(...), not run: write `yield from`>"


def settle(result: Any, *, raising: bool) -> Any:
    """Turn an outcome into what a program sees; a Fail is raised, or given back as it is."""
    if isinstance(result, Fail):
        if raising:
            raise raised(result)
        return result
    if isinstance(result, Replaced):
        raise ImageReplaced(result.image)
    if isinstance(result, Exit):
        raise ProcessEnds(exit_status=result.status)
    return result.value if isinstance(result, Done) else result
