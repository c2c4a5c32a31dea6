"""xcpufs: the file server of a node. Each connection has a thread, each session a program that it may run."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any

from attrs import define, field

from bprocsim.faces.errors import CallError
from bprocsim.faces.pyos import Proc
from bprocsim.posix.network import Address
from bprocsim.posix.openfile import O_CREAT, O_TRUNC, O_WRONLY
from bprocsim.posix.procs import Disposition
from bprocsim.programs.xcpu.messages import Message, Refused, Type, post, receive
from bprocsim.programs.xcpu.sessions import PORT, Figures, Session, join, spread
from bprocsim.signals import Signal

Steps = Generator[Any, Any, Any]

# How many connections may wait. Source: choice-launch.
_BACKLOG = 128


@define
class _Session:
    """What a server keeps of a session: where its image lies, and what runs."""

    path: str
    argv: list[bytes] = field(factory=lambda: [b"exec"])
    writing: int = -1
    pid: int = 0


def xcpufs(figures: Figures) -> Callable[[Proc], Steps]:
    """Make the server: a program that serves sessions for ever."""

    def serve(proc: Proc) -> Steps:
        server = _Server(figures)
        yield from proc.sigaction(Signal.SIGPIPE, Disposition.IGNORE)  # a client that goes takes nobody along
        listener = yield from proc.socket()
        yield from proc.bind(listener, Address("", PORT))
        yield from proc.listen(listener, _BACKLOG)
        while True:
            fd, _ = yield from proc.accept(listener)
            yield from proc.thread_create(server.attend, fd)

    return serve


class _Server:
    """The sessions of one node, and what clients do with their files."""

    def __init__(self, figures: Figures) -> None:
        self.figures = figures
        self.sessions: dict[str, _Session] = {}

    def attend(self, proc: Proc, fd: int) -> Steps:
        """Answer the requests of one connection, until its end, however that comes."""
        with suppress(CallError):
            while (request := (yield from receive(proc, fd))) is not None:
                try:
                    kind, data = Type.REPLY, (yield from self.answer(proc, request))
                except (CallError, Refused) as error:
                    kind, data = Type.ERROR, str(error).encode("utf-8", "surrogateescape")
                yield from post(proc, fd, kind, data=data)
        yield from proc.close(fd)

    def answer(self, proc: Proc, request: Message) -> Steps:
        """Do what a request asks for; gives what the reply carries. Refused, CallError."""
        number, _, name = request.name.partition("/")
        if request.type is Type.ATTACH:
            return b""
        if (request.type, request.name) == (Type.READ, "clone"):
            return self.begin()
        session = self.sessions.get(number)
        work = _FILES.get((request.type, name))
        if session is None or work is None:
            raise Refused(f"{request.name}: no such file")
        return (yield from work(self, proc, session, request.data))

    def begin(self) -> bytes:
        """Make a session; gives its number."""
        number = str(len(self.sessions))
        self.sessions[number] = _Session(f"/tmp/xcpu-{number}")
        return number.encode()

    def create(self, proc: Proc, session: _Session, _data: bytes) -> Steps:
        """Make the file for the image, empty."""
        session.writing = yield from proc.open(session.path, O_CREAT | O_TRUNC | O_WRONLY, 0o755)
        return b""

    def write(self, proc: Proc, session: _Session, data: bytes) -> Steps:
        """Write the image, or more of it."""
        yield from proc.write(session.writing, data)
        return b""

    def clunk(self, proc: Proc, session: _Session, _data: bytes) -> Steps:
        """Close the image: from now on it may be executed."""
        yield from proc.close(session.writing)
        return b""

    def name_arguments(self, proc: Proc, session: _Session, data: bytes) -> Steps:
        """Keep the arguments."""
        yield from ()
        session.argv = data.split(b"\0")
        return b""

    def control(self, proc: Proc, session: _Session, data: bytes) -> Steps:
        """Obey "exec" and "clone FANOUT HOST/NUMBER ..."."""
        match data.decode("utf-8", "replace").split():
            case ["exec"]:
                session.pid = yield from proc.fork(_run, session)
            case ["clone", fanout, *targets] if fanout.isdecimal() and int(fanout):
                places = (target.partition("/") for target in targets)
                others = [Session(host, number, fd=-1) for host, _, number in places]
                for other in (yield from spread(proc, others, int(fanout), session.path, self.reach)):
                    yield from proc.close(other.fd)
            case words:
                raise Refused(f"ctl: {' '.join(words)}: no such command")
        return b""

    def reach(self, proc: Proc, target: Session) -> Steps:
        """Connect to a session that is to get a copy; gives it."""
        session = yield from join(proc, target.host, target.number)
        yield from proc.compute(self.figures.clone_ns)
        return session

    def wait(self, proc: Proc, session: _Session, _data: bytes) -> Steps:
        """Wait for the process; gives its exit status, or 128 and the signal that killed it."""
        ended = yield from proc.waitpid(session.pid)
        return str(ended.exit_status if ended.signal is None else 128 + ended.signal).encode()


_FILES: dict[tuple[Type, str], Callable[[_Server, Proc, _Session, bytes], Steps]] = {
    (Type.CREATE, "exec"): _Server.create,
    (Type.WRITE, "exec"): _Server.write,
    (Type.CLUNK, "exec"): _Server.clunk,
    (Type.WRITE, "argv"): _Server.name_arguments,
    (Type.WRITE, "ctl"): _Server.control,
    (Type.READ, "wait"): _Server.wait,
}


def _run(proc: Proc, session: _Session) -> Steps:
    """Become the image of a session; 127 if that cannot be."""
    yield from proc.sigaction(Signal.SIGPIPE, Disposition.DEFAULT)
    try:
        yield from proc.execv(session.path, session.argv)
    except CallError:
        return 127
