"""The process as its program sees it: calls to be run with `yield from`, failures as OSErrors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from bprocsim.faces.arguments import action as check_action
from bprocsim.faces.arguments import address as check_address
from bprocsim.faces.arguments import data as check_data
from bprocsim.faces.arguments import function as check_function
from bprocsim.faces.arguments import integer
from bprocsim.faces.calls import Call, Dispatch, Pending, Told, leave
from bprocsim.faces.libc import Libc
from bprocsim.faces.pointers import pointer, vector

T = TypeVar("T")


class Inside:
    """What a simulated process can tell of itself at once: who it is and where, whoever writes its calls."""

    __slots__ = ("thread",)

    def __init__(self, thread: Any) -> None:
        self.thread = thread

    @property
    def argv(self) -> list[str]:
        """Give the arguments, the program's name first."""
        return [text.decode("utf-8", "surrogateescape") for text in self.thread.process.argv]

    @property
    def env(self) -> dict[str, str]:
        """Give the environment; of two entries of one name the first counts."""
        found: dict[str, str] = {}
        for entry in self.thread.process.env:
            name, _, value = entry.decode("utf-8", "surrogateescape").partition("=")
            found.setdefault(name, value)
        return found

    @property
    def pid(self) -> int:
        """Give the process's number, the same on every node."""
        return int(self.thread.process.pid)

    @property
    def ppid(self) -> int:
        """Give the parent's number, 1 once it is gone."""
        return int(self.thread.process.ppid)

    @property
    def node(self) -> int:
        """Give the number of the node it is on, -1 for the master."""
        return int(self.thread.process.machine.number)

    @property
    def uid(self) -> int:
        """Give the real user id."""
        return int(self.thread.process.credentials.uid)

    @property
    def gid(self) -> int:
        """Give the real group id."""
        return int(self.thread.process.credentials.gid)

    @property
    def euid(self) -> int:
        """Give the effective user id."""
        return int(self.thread.process.credentials.euid)

    @property
    def egid(self) -> int:
        """Give the effective group id."""
        return int(self.thread.process.credentials.egid)

    @property
    def cwd(self) -> str:
        """Give the current directory's path."""
        text: bytes = self.thread.process.cwd_path
        return text.decode("utf-8", "surrogateescape")


class Proc(Inside):
    """A simulated process, seen from inside.

    Its calls are run with `yield from`; each failure is a CallError. `libc` has the same calls in
    the shape of the manual: -1 and errno.
    """

    __slots__ = ("_dispatch", "_libc", "_pending")

    def __init__(self, thread: Any, dispatch: Dispatch) -> None:
        self.thread = thread
        self._dispatch = dispatch
        self._pending = Pending()
        self._libc: Libc | None = None

    def _call(self, name: str, *args: Any) -> Call[Any]:
        return Call(self._pending.made(2), self._pending, self._dispatch, self.thread, name, args)

    def _in_c(self, name: str) -> Any:
        """Give a call as the manual has it, where that takes other arguments; None: there is no such call."""
        return getattr(self, name, None)

    def check_finished(self) -> None:
        """Complain about a last call that was never run."""
        if self._pending.call:
            self._pending.check()

    def _handle(self, function: Callable[..., Any], signum: int) -> Any:
        """Call a handler of the program; gives what is left to run of it, if it is a generator function."""
        return function(self, signum)

    @property
    def libc(self) -> Libc:
        """Give the same calls in the manual's own shape."""
        if self._libc is None:
            self._libc = Libc(self)
        return self._libc

    # ---- descriptors ----

    def read(self, fd: int, count: int = 65536) -> Call[bytes]:
        """Read up to `count` bytes from descriptor `fd`; b"" at the end of file. Errors: read."""
        return self._call("read", integer(fd, "fd"), integer(count, "count", 0))

    def write(self, fd: int, data: bytes) -> Call[int]:
        """Write bytes to descriptor `fd`; returns how many. Errors: write."""
        return self._call("write", integer(fd, "fd"), check_data(data, "write"))

    def print(self, *values: object, fd: int = 1) -> Call[int]:
        """Write values as one line of text, as print does. Errors: write."""
        text = (" ".join(map(str, values)) + "\n").encode("utf-8", "surrogateescape")
        return self._call("write", integer(fd, "fd"), text)

    def open(self, path: Any, flags: int = 0, mode: int = 0o666) -> Call[int]:
        """Open a file with bp.O_* flags; returns a descriptor. Errors: open."""
        where = pointer(path, "path")
        return self._call("open", where, integer(flags, "flags"), integer(mode, "mode"))

    def access(self, path: Any, mode: int) -> Call[int]:
        """Ask whether the real user may read, write or execute a file: bp.R_OK, W_OK, X_OK, F_OK. Errors: access."""
        return self._call("access", pointer(path, "path"), integer(mode, "mode"))

    def stat(self, path: Any) -> Call[Any]:
        """Tell what a path names: a record of its kind, mode, uid, gid and size. Errors: stat."""
        return self._call("stat", pointer(path, "path"))

    def chmod(self, path: Any, mode: int) -> Call[int]:
        """Set a file's mode. Errors: chmod."""
        return self._call("chmod", pointer(path, "path"), integer(mode, "mode"))

    def mkdir(self, path: Any, mode: int = 0o777) -> Call[int]:
        """Make a directory, with a mode from which the umask is taken. Errors: mkdir."""
        return self._call("mkdir", pointer(path, "path"), integer(mode, "mode"))

    def scandir(self, path: Any) -> Call[list[str]]:
        """List the names in a directory, sorted, without . and .. Errors: scandir."""
        return self._call("scandir", pointer(path, "path"))

    def close(self, fd: int) -> Call[int]:
        """Close a descriptor. Errors: close."""
        return self._call("close", integer(fd, "fd"))

    def dup2(self, old: int, new: int) -> Call[int]:
        """Let descriptor `new` stand for what `old` does; returns `new`. Errors: dup2."""
        return self._call("dup2", integer(old, "old"), integer(new, "new"))

    def pipe(self) -> Call[tuple[int, int]]:
        """Make a pipe; returns (reading descriptor, writing descriptor). Errors: pipe."""
        return self._call("pipe")

    def socket(self) -> Call[int]:
        """Make a stream socket; returns a descriptor. Errors: socket."""
        return self._call("socket")

    def bind(self, fd: int, address: Any) -> Call[int]:
        """Give a socket a bp.Address; port 0 takes a free one. Errors: bind."""
        return self._call("bind", integer(fd, "fd"), check_address(address, "bind"))

    def listen(self, fd: int, backlog: int = 5) -> Call[int]:
        """Let a socket take connections, `backlog` + 1 of which may wait. Errors: listen."""
        return self._call("listen", integer(fd, "fd"), integer(backlog, "backlog"))

    def accept(self, fd: int) -> Call[tuple[int, Any]]:
        """Take the next connection; returns (descriptor, the peer's Address). Errors: accept."""
        return self._call("accept", integer(fd, "fd"))

    def connect(self, fd: int, address: Any) -> Call[int]:
        """Connect a socket to a bp.Address. Errors: connect."""
        return self._call("connect", integer(fd, "fd"), check_address(address, "connect"))

    def getsockname(self, fd: int) -> Call[Any]:
        """Tell the bp.Address that a socket has on this side. Errors: getsockname."""
        return self._call("getsockname", integer(fd, "fd"))

    # ---- processes ----

    def fork(self, child: Callable[..., Any], *args: Any) -> Call[int]:
        """Make a child that runs `child(proc, *args)`; returns its pid. Errors: fork."""
        return self._call("fork", check_function(child, "fork"), args)

    def wait(self) -> Call[Any]:
        """Wait for any child; returns Waited(pid, exit_status, signal). Errors: waitpid."""
        return self._call("waitpid", -1, 0)

    def waitpid(self, pid: int, options: int = 0) -> Call[Any]:
        """Wait for a child; returns Waited, or None under bp.WNOHANG. Errors: waitpid."""
        return self._call("waitpid", integer(pid, "pid"), integer(options, "options"))

    def exit(self, status: int = 0) -> Call[int]:
        """End this process with the low eight bits of `status`; never returns."""
        return Call(
            self._pending.made(1), self._pending, leave, self.thread, "exit", (integer(status, "status") & 0xFF,)
        )

    def getpid(self) -> Told:
        """Tell the process's number."""
        return Told.to(self.thread, self.pid)

    def getppid(self) -> Told:
        """Tell the parent's number."""
        return Told.to(self.thread, self.ppid)

    def setpgid(self, pid: int, pgid: int) -> Call[int]:
        """Put a process into a group; 0 means itself. Errors: setpgid."""
        return self._call("setpgid", integer(pid, "pid"), integer(pgid, "pgid"))

    def setsid(self) -> Call[int]:
        """Begin a session; returns its number. Errors: setsid."""
        return self._call("setsid")

    def execv(self, path: Any, argv: Any) -> Call[int]:
        """Become another image, keeping the environment. Errors: execve."""
        return self._exec(path, argv, None)

    def execve(self, path: Any, argv: Any, envp: Any) -> Call[int]:
        """Become another image; `envp` a mapping or NAME=value strings. Errors: execve."""
        return self._exec(path, argv, vector(envp, "envp"))

    def execvp(self, file: Any, argv: Any) -> Call[int]:
        """Become another image, looked for along PATH. Errors: execvp, and those of execve."""
        where, arguments = pointer(file, "file"), vector(argv, "argv")
        return self._call("execvp", where, arguments, None)

    def execl(self, path: Any, *arguments: Any) -> Call[int]:
        """Become another image; arguments one by one. Errors: execve."""
        return self._exec(path, list(arguments), None)

    def execle(self, path: Any, *arguments: Any) -> Call[int]:
        """Become another image; arguments one by one, the environment last. Errors: execve."""
        if not arguments:
            raise TypeError("execle: the environment comes last; there are no arguments")
        return self._exec(path, list(arguments[:-1]), vector(arguments[-1], "envp"))

    def execlp(self, file: Any, *arguments: Any) -> Call[int]:
        """Become another image, looked for along PATH; arguments one by one. Errors: execvp."""
        where, strings = pointer(file, "file"), vector(list(arguments), "argv")
        return self._call("execvp", where, strings, None)

    def _exec(self, path: Any, argv: Any, envp: Any) -> Call[int]:
        where, arguments = pointer(path, "path"), vector(argv, "argv")
        environment = self._environment() if envp is None else envp
        return self._call("execve", where, arguments, environment)

    def _environment(self) -> Any:
        return vector(list(self.thread.process.env), "envp")

    # ---- signals ----

    def kill(self, pid: int, signum: int) -> Call[int]:
        """Send a signal to a process, to a group (negative or 0), or to all (-1). Errors: kill."""
        return self._call("kill", integer(pid, "pid"), integer(signum, "signum"))

    def sigaction(self, signum: int, action: Any, restart: bool = False) -> Call[Any]:
        """Say what a signal does: a generator function (proc, signum), bp.SIG_DFL or bp.SIG_IGN.

        `restart`: a call that it interrupts goes on afterwards, where that is possible. Returns what
        the signal did before. Errors: sigaction.
        """
        return self._call("sigaction", integer(signum, "signum"), check_action(action), bool(restart))

    def sigprocmask(self, how: int, signals: Iterable[int]) -> Call[frozenset[int]]:
        """Change which signals wait; returns which did. Errors: sigprocmask."""
        named = tuple(integer(each, "signals") for each in signals)
        return self._call("sigprocmask", integer(how, "how"), named)

    def pause(self) -> Call[int]:
        """Wait until a caught signal comes: always fails with EINTR. Errors: pause."""
        return self._call("pause")

    def alarm(self, seconds: int) -> Call[int]:
        """Have SIGALRM sent in `seconds`, 0 calls it off; returns the seconds that were left."""
        return self._call("alarm", integer(seconds, "seconds", 0))

    # ---- the machine ----

    def gethostname(self) -> Call[str]:
        """Tell the name of the machine that the process is on."""
        return self._call("gethostname")

    def gettimeofday(self) -> Call[tuple[int, int]]:
        """Tell the time since the world began: (seconds, microseconds)."""
        return self._call("gettimeofday")

    # ---- time and threads ----

    def compute(self, cpu_ns: int) -> Call[int]:
        """Use the processor for `cpu_ns` nanoseconds, taking turns with others."""
        return self._call("compute", integer(cpu_ns, "cpu_ns", 0))

    def sleep(self, duration_ns: int) -> Call[int]:
        """Let `duration_ns` nanoseconds pass; EINTR if a signal is caught. Errors: nanosleep."""
        return self._call("nanosleep", integer(duration_ns, "duration_ns", 0))

    def thread_create(self, function: Callable[..., Any], *args: Any) -> Call[int]:
        """Start a thread that runs `function(proc, *args)`; returns its number."""
        check_function(function, "thread_create")
        return self._call("thread_create", function, args)

    def thread_self(self) -> Told:
        """Tell the thread's number; 1 is the first."""
        return Told.to(self.thread, self.thread.number)

    def thread_join(self, number: int) -> Call[Any]:
        """Wait for a thread's end; returns what its function returned. Errors: thread_join."""
        return self._call("thread_join", integer(number, "number"))
