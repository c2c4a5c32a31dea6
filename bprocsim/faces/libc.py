"""The same calls in the shape of the manual: -1 and errno, and each call's own C name."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from bprocsim.errnos import Errno
from bprocsim.faces.calls import Call
from bprocsim.faces.errors import CallError

if TYPE_CHECKING:
    from bprocsim.faces.pyos import Proc

# Calls that fill memory in C: they give (0, what was filled in), or (-1, None).
_FILLING = frozenset(
    {
        "gethostname",
        "getsockname",
        "gettimeofday",
        "pipe",
        "scandir",
        "sigaction",
        "sigprocmask",
        "stat",
        "thread_join",
    }
)
# Those that return a number besides.
_FAILED_PAIRS: dict[str, tuple[int, Any]] = {
    "accept": (-1, None), "read": (-1, None), "wait": (-1, 0), "waitpid": (-1, 0),
}  # fmt: skip
# Calls under other names in C than on a Proc, and methods of a Proc that are no calls of C.
_NAMES = {"nanosleep": "sleep"}
_NOT_IN_C = frozenset({"check_finished", "print", "sleep"})


class Libc:
    """A process's calls as C has them: `rc = yield from proc.libc.execve(...)` is -1 on failure.

    `errno` is the simulated system's number for the last failure. Calls that fill memory give
    (rc, value): what `pipe`, `stat`, `scandir`, `getsockname`, `gethostname`, `gettimeofday`, `sigaction`,
    `sigprocmask` and `thread_join` store;
    `wait` and `waitpid` give (pid, status), to be read with bp.WIFEXITED and its kin; `read` gives
    (count, data) and `accept` (descriptor, address). Where an edition of BProc has lists for I/O, the
    forms that take one are (node, io, iolen, ...), and flags stand behind those.
    """

    __slots__ = ("_proc", "errno")

    def __init__(self, proc: Proc) -> None:
        self._proc = proc
        self.errno = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        ours = name in _NOT_IN_C or (name[0] == "_" and not name.startswith("_bproc_"))
        made = None if ours else self._proc._in_c(_NAMES.get(name, name))
        if not callable(made):
            raise AttributeError(f"libc has no call {name!r}")

        def call(*args: Any, **named: Any) -> Any:
            pending = made(*args, **named)
            if not isinstance(pending, Call):
                return pending
            pending.called(f"libc.{name}")
            return CCall(self, name, pending)

        return call


class CCall:
    """A call in the shape of C; `yield from` it to run it."""

    __slots__ = ("_libc", "_name", "call")

    def __init__(self, libc: Libc, name: str, call: Call[Any]) -> None:
        self._libc = libc
        self._name = name
        self.call = call

    def __iter__(self) -> Generator[Any, Any, Any]:
        try:
            return self.shape((yield from self.call))
        except CallError as error:
            return self.failed(error.error, error.failed, error.silent)

    def failed(self, errno: Errno, value: int | None = -1, silent: bool = False) -> Any:
        """Set errno and give what C returns for a failure; `value` what the call's table says.

        `silent` it tells the errno by itself, which is not set then.
        """
        if silent:
            return value
        self._libc.errno = errno.number(self._libc._proc.thread.process.machine.unix.name)
        return _FAILED_PAIRS.get(self._name, (-1, None) if self._name in _FILLING else value)

    def shape(self, value: Any) -> Any:
        """Give what C returns for a value."""
        name = self._name
        if name in _FILLING:
            return 0, value
        if name in ("wait", "waitpid"):
            return (value.pid, value.status) if value is not None else (0, 0)
        return (len(value), value) if name == "read" else value

    def misuse(self) -> TypeError:
        """Say what to write in place of a plain `yield`."""
        return self.call.misuse()

    def __repr__(self) -> str:
        return repr(self.call)
