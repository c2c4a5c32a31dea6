"""Sessions: a process whose calls are ordinary methods, for people who write Python without generators.

`with cluster.session() as s: s.write(1, b"...")`. Each method moves the clock until its call returns.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cache
from inspect import CO_GENERATOR, signature
from typing import Any, Concatenate, NoReturn, ParamSpec, Self, TypeVar, cast

from bprocsim.bproc.nodes import NODE_MASTER
from bprocsim.faces.arguments import integer
from bprocsim.faces.errors import raised
from bprocsim.faces.libc import CCall
from bprocsim.faces.pyos import Inside, Proc
from bprocsim.manual import Fail
from bprocsim.posix.life import Waited
from bprocsim.world.direct import Family, clothe
from bprocsim.world.directcalls import LEFT_OUT, Request, caller_of
from bprocsim.world.driven import DrivenProc, Driver, Replaced, Runs, SessionEnded
from bprocsim.world.launch import environment_of
from bprocsim.world.spawn import spawn

__all__ = ["Replaced", "Session", "SessionEnded", "SessionLibc"]

_HERE = globals()

P = ParamSpec("P")
T = TypeVar("T")


def session_call(made: Callable[Concatenate[Any, P], Runs[T]]) -> Callable[Concatenate[Session, P], T]:
    """Make the method of a session that runs a call of Proc to its end."""
    return _dressed(_method(made), made, "")


def session_exec(made: Callable[Concatenate[Any, P], Runs[int]]) -> Callable[Concatenate[Session, P], NoReturn]:
    """Make the method of a session that becomes another image: it comes back only by raising."""
    method = cast("Callable[Concatenate[Session, P], NoReturn]", _method(made))
    return _dressed(method, made, " Success raises bp.Replaced.")


def _method(made: Callable[Concatenate[Any, P], Runs[T]]) -> Callable[Concatenate[Session, P], T]:
    typed = made.__name__

    def method(self: Session, /, *args: P.args, **named: P.kwargs) -> T:
        driver = self._driver
        result: T | Fail = driver.run(typed, self._made(typed, made, (driver.proc, *args), named))
        if isinstance(result, Fail):
            raise raised(result, driver.process.machine.unix.name)
        return result

    return method


def _dressed(method: Callable[P, T], made: Callable[..., Any], more: str) -> Callable[P, T]:
    """Let a method look, to `help` and to an editor, as if it had been written out here."""
    whole = signature(made)
    returns = "NoReturn" if more else whole.return_annotation.removeprefix("Call[").removesuffix("]")
    method.__name__, method.__qualname__ = made.__name__, f"Session.{made.__name__}"
    method.__doc__ = f"{made.__doc__}{more}"
    method.__signature__ = whole.replace(  # type: ignore[attr-defined]  # where `inspect` looks first
        return_annotation="int" if returns == "Told" else returns
    )
    return method


class Session(Inside):
    """A process that ordinary Python drives: what `cluster.session(...)` and `lpar.session(...)` have in common.

    Its methods are the calls of bp.Proc without `yield from`: each lets the world go on until the
    call returns, gives what it returns, and raises bp.CallError if it fails. Between calls the
    process waits, for nothing. It ends with the `with` block, by `exit()` or `close()`, by an exec
    (bp.Replaced), or by a signal (bp.SessionEnded, which also every later call raises).

    A call that can never return raises bp.Deadlock, one that takes longer than `timeout_ns`
    bp.Timeout; it then counts as interrupted, and the session can be used on.
    """

    _face: type[DrivenProc] = DrivenProc

    def __init__(
        self, cluster: Any, *, user: Any = None, node: int = NODE_MASTER, cwd: Any = None,
        env: Mapping[Any, Any] | None = None, input: bytes = b"", timeout_ns: int | None = None,
    ) -> None:  # fmt: skip
        cluster.sim.ready("session")
        caller = caller_of(cluster, Request(user, node, None, input, cwd, timeout_ns), "node")
        environment = environment_of(env, caller.machine)
        process = caller.machine.new_process()
        out, err = clothe(process, caller.who, caller.data)
        process.cwd, process.cwd_path = caller.cwd, caller.cwd_path
        process.env, process.argv, process.comm = environment.strings, (b"session",), b"session"
        process.family = Family()
        self._driver = Driver(cluster.sim, process, out, err, self._face)
        self._driver.timeout_ns = timeout_ns
        self._driver.owner = self
        self._libc = SessionLibc(self)
        super().__init__(process.threads[0])

    # ---- what the harness holds of it ----

    @property
    def libc(self) -> SessionLibc:
        """Give the same calls in the manual's own shape: -1 and errno."""
        return self._libc

    @property
    def stdout(self) -> bytes:
        """Give what was written so far to its descriptor 1, by whoever has it."""
        return bytes(self._driver.out.data)

    @property
    def stderr(self) -> bytes:
        """Give what was written so far to its descriptor 2, by whoever has it."""
        return bytes(self._driver.err.data)

    @property
    def text(self) -> str:
        """Give `stdout` as text."""
        return self.stdout.decode("utf-8", "replace")

    @property
    def timeout_ns(self) -> int | None:
        """Tell how long each call may take, None for no bound; may be set at any time."""
        return self._driver.timeout_ns

    @timeout_ns.setter
    def timeout_ns(self, value: int | None) -> None:
        """Bound the calls from now on. TypeError, ValueError: it is no number of nanoseconds."""
        self._driver.timeout_ns = None if value is None else integer(value, "timeout_ns", 1)

    @property
    def ended(self) -> bool:
        """Tell whether its process is over, or has become another image."""
        return self._driver.gone() is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self.ended and not self._driver.sim.broken:
            self.exit(0 if kind is None else 1)

    def __repr__(self) -> str:
        gone = self._driver.gone()
        name = self.thread.process.machine.name
        return f"<session of process {self.pid} on {name}>" if gone is None else f"<{gone}>"

    def _made(self, typed: str, made: Callable[..., Any], args: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        """Make a call, without running it; `typed` is how the user wrote it."""
        frame = sys._getframe(2)
        while frame.f_globals is _HERE and frame.f_back is not None:
            frame = frame.f_back
        if frame.f_code.co_flags & CO_GENERATOR and _is_yielded_from(frame.f_code, frame.f_lasti):
            raise TypeError(f"`yield from s.{typed}(...)`: a session's calls are ordinary: leave out `yield from`")
        self._driver.ready(typed)
        try:
            return made(*args, **named)
        except (TypeError, AttributeError) as error:
            raise type(error)(str(error).replace("Proc.", "Session.").replace("proc.", "s.")) from None

    def _run_in_c(self, name: str, made: Callable[..., Any], args: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
        """Make a call of the manual's names and run it to its end; gives what C gives."""
        typed = f"libc.{name}"
        call = self._made(typed, made, args, named)
        if not isinstance(call, CCall):
            return self._driver.run(typed, call)
        result = self._driver.run(typed, call.call)
        if not isinstance(result, Fail):
            return call.shape(result)
        silent = result.value is not None
        return call.failed(result.row.errno, result.value if silent else result.errors.failed, silent)

    # ---- descriptors ----

    read = session_call(Proc.read)
    write = session_call(Proc.write)
    print = session_call(Proc.print)
    open = session_call(Proc.open)
    dup2 = session_call(Proc.dup2)
    pipe = session_call(Proc.pipe)
    socket = session_call(Proc.socket)
    bind = session_call(Proc.bind)
    listen = session_call(Proc.listen)
    accept = session_call(Proc.accept)
    connect = session_call(Proc.connect)
    getsockname = session_call(Proc.getsockname)
    access = session_call(Proc.access)
    stat = session_call(Proc.stat)
    chmod = session_call(Proc.chmod)
    mkdir = session_call(Proc.mkdir)
    scandir = session_call(Proc.scandir)
    gethostname = session_call(Proc.gethostname)
    gettimeofday = session_call(Proc.gettimeofday)

    def close(self, fd: int | None = None) -> int:
        """Close a descriptor; without one, end the session, whose process exits with 0. Errors: close."""
        if fd is not None:
            return _CLOSE(self, fd)
        if not self.ended:
            self.exit(0)
        return 0

    # ---- processes ----

    def spawn(
        self, path: Any, argv: Any = LEFT_OUT, envp: Any = (), *, stdin: int | None = None,
        stdout: int | None = None, stderr: int | None = None,
    ) -> int:  # fmt: skip
        """Start a child that runs another image, in place of fork and exec; returns its pid. Errors: fork.

        `argv` left out is [last name of path]; `envp` left out is empty. `stdin`, `stdout`,
        `stderr` are descriptors of the session that the child gets as 0, 1 and 2.

        Returns once the exec has been decided. One that is refused is raised here, as posix_spawn
        does (errors of execve), and no child is left.
        """
        return spawn(self._driver, path, argv, envp, (stdin, stdout, stderr))

    def fork(self, *_: Any) -> NoReturn:
        """Say what to write instead: a Python program in the middle of its work cannot be copied."""
        self._driver.proc.fork(Proc.fork)

    def exit(self, status: int = 0) -> None:
        """End the session: its process exits with the low eight bits of `status`."""
        number = integer(status, "status")
        self._driver.ready("exit")
        try:
            self._driver.run("exit", self._driver.proc.exit(number))
        except SessionEnded:
            return

    def wait(self) -> Waited:
        """Wait for any child; returns Waited(pid, exit_status, signal). Errors: waitpid."""
        waited: Waited = _WAIT(self)
        return waited

    waitpid = session_call(Proc.waitpid)
    getpid = session_call(Proc.getpid)
    getppid = session_call(Proc.getppid)
    setpgid = session_call(Proc.setpgid)
    setsid = session_call(Proc.setsid)

    execv = session_exec(Proc.execv)
    execve = session_exec(Proc.execve)
    execvp = session_exec(Proc.execvp)
    execl = session_exec(Proc.execl)
    execle = session_exec(Proc.execle)
    execlp = session_exec(Proc.execlp)

    # ---- signals ----

    kill = session_call(Proc.kill)
    sigprocmask = session_call(Proc.sigprocmask)
    pause = session_call(Proc.pause)
    alarm = session_call(Proc.alarm)

    def sigaction(self, signum: int, action: Any, restart: bool = False) -> Any:
        """Say what a signal does: a function handler(s, signum), bp.SIG_DFL or bp.SIG_IGN.

        The handler is ordinary Python and is called on the way back from a call (or, for a signal that
        came in between, on the way into the next) with this session, whose calls it may make; what
        it raises comes out of that call. A generator function
        (proc, signum), as programs have them, is run as theirs. `restart`: a call that it interrupts
        goes on afterwards. Returns what the signal did before. Errors: sigaction.
        """
        return _SIGACTION(self, signum, action, restart)

    # ---- time and threads ----

    compute = session_call(Proc.compute)
    sleep = session_call(Proc.sleep)
    thread_self = session_call(Proc.thread_self)
    thread_join = session_call(Proc.thread_join)

    def thread_create(self, *_: Any) -> NoReturn:
        """Say what to write instead: ordinary Python does one thing at a time."""
        self._driver.proc.thread_create(Proc.thread_create)


# What the methods run that are written out above.
_CLOSE, _WAIT, _SIGACTION = session_call(Proc.close), session_call(Proc.wait), session_call(Proc.sigaction)


class SessionLibc:
    """A session's calls as C has them: `rc = s.libc.execve(...)` is -1 on failure.

    `errno` is the simulated system's number for the last failure, and may be set. Calls that fill
    memory give (rc, value), as bp.Proc's `libc` does.
    """

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def errno(self) -> int:
        """Give the number of the last failure, 0 if there was none."""
        return self._session._driver.proc.libc.errno

    @errno.setter
    def errno(self, value: int) -> None:
        """Set it, to 0 before a call say."""
        self._session._driver.proc.libc.errno = integer(value, "errno", 0)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        session = self._session
        made = getattr(session._driver.proc.libc, name)

        def call(*args: Any, **named: Any) -> Any:
            return session._run_in_c(name, made, args, named)

        return call


@cache
def _is_yielded_from(code: Any, place: int) -> bool:
    """Tell whether what is called at this place of a generator function is run by `yield from`."""
    from dis import get_instructions

    return next((each.opname for each in get_instructions(code) if each.offset > place), "") == "GET_YIELD_FROM_ITER"
