"""The same calls in the shape of the manual: -1 and errno, and each call's own C name."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from bprocsim.faces.errors import CallError

if TYPE_CHECKING:
    from bprocsim.faces.pyos import Proc

Steps = Generator[Any, Any, Any]

# Calls that fill memory in C: they give (0, what was filled in) or (-1, None).
_FILLING = frozenset({"pipe"})
# Calls under other names in C than on a Proc.
_NAMES = {"_bproc_execmove_io": "_bproc_execmove_io", "nanosleep": "sleep"}


class Libc:
    """A process's calls as C has them: `rc = yield from proc.libc.execve(...)` is -1 on failure.

    `errno` is the simulated system's number for the last failure. Calls that fill memory give
    (rc, value); `wait` and `waitpid` give (pid, status), to be read with bp.WIFEXITED and its kin;
    `read` gives (count, data) and `accept` gives (descriptor, address).
    """

    __slots__ = ("_proc", "errno")

    def __init__(self, proc: Proc) -> None:
        self._proc = proc
        self.errno = 0

    def __getattr__(self, name: str) -> Callable[..., Steps]:
        made = getattr(self._proc, _NAMES.get(name, name), None)
        if name.startswith("__") or not callable(made) or name in ("print", "check_finished", "sleep"):
            raise AttributeError(f"libc has no call {name!r}")

        def call(*args: Any, **named: Any) -> Steps:
            return self._run(name, made, args, named)

        return call

    def _run(self, name: str, made: Callable[..., Any], args: tuple[Any, ...], named: dict[str, Any]) -> Steps:
        try:
            pending = made(*args, **named)
            value = (yield from pending) if hasattr(pending, "__iter__") else pending
        except CallError as error:
            self.errno = error.number
            return _failed(name)
        return _shaped(name, value)


def _failed(name: str) -> Any:
    if name in ("pipe", "accept", "read"):
        return -1, None
    return (-1, 0) if name in ("wait", "waitpid") else -1


def _shaped(name: str, value: Any) -> Any:
    if name in _FILLING:
        return 0, value
    if name in ("wait", "waitpid"):
        return (value.pid, value.status) if value is not None else (0, 0)
    if name == "read":
        return len(value), value
    return value
