"""Sessions as their clients use them: begun, filled with a program, handed on from node to node, run."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from attrs import frozen

from bprocsim.faces.pyos import Proc
from bprocsim.posix.network import Address
from bprocsim.programs.xcpu.messages import Refused, Type, ask, post, reply

Steps = Generator[Any, Any, Any]

# The port at which servers listen, and more bytes than any image has. Source: choice-launch.
PORT = 20001
_WHOLE = 1 << 40


@frozen
class Figures:
    """What XCPU takes beyond messages, copies and processes: its own work, on the processor.

    `startup_ns` of a launcher before its first session; `session_ns` of a launcher for each session;
    `clone_ns` of a node for each session into which it hands on what is in its own.
    """

    startup_ns: int = 0
    session_ns: int = 0
    clone_ns: int = 0


@frozen
class Session:
    """A session on a node: the `host`, its `number` there, and the connection through which it is reached."""

    host: str
    number: str
    fd: int

    def file(self, name: str) -> str:
        """Name one of its files."""
        return f"{self.number}/{name}"


def connect(proc: Proc, host: str) -> Steps:
    """Connect to the server of a node; gives the descriptor. Refused, CallError."""
    fd = yield from proc.socket()
    try:
        connecting = proc.connect(fd, Address(host, PORT))
    except ValueError:
        raise Refused(f"{host}: no address") from None
    yield from connecting
    yield from ask(proc, fd, Type.ATTACH, data=str(proc.uid).encode())
    return fd


def begin(proc: Proc, host: str) -> Steps:
    """Make a new session on a node; gives it. Refused, CallError."""
    fd = yield from connect(proc, host)
    number = yield from ask(proc, fd, Type.READ, "clone")
    return Session(host, number.decode(), fd)


def join(proc: Proc, host: str, number: str) -> Steps:
    """Reach a session that somebody else began; gives it. Refused, CallError."""
    return Session(host, number, (yield from connect(proc, host)))


def fill(proc: Proc, session: Session, path: str) -> Steps:
    """Copy the image at `path` into a session. Refused, CallError."""
    fd = yield from proc.open(path)
    data = yield from proc.read(fd, _WHOLE)
    yield from proc.close(fd)
    name = session.file("exec")
    yield from ask(proc, session.fd, Type.CREATE, name)
    yield from ask(proc, session.fd, Type.WRITE, name, data)
    yield from ask(proc, session.fd, Type.CLUNK, name)


def name_arguments(proc: Proc, session: Session, argv: Sequence[str]) -> Steps:
    """Tell a session the arguments of its process. Refused, CallError."""
    yield from ask(proc, session.fd, Type.WRITE, session.file("argv"), "\0".join(argv).encode())


def start(proc: Proc, session: Session) -> Steps:
    """Let a session's process begin. Refused, CallError."""
    yield from ask(proc, session.fd, Type.WRITE, session.file("ctl"), b"exec")


def status(proc: Proc, session: Session) -> Steps:
    """Wait for the end of a session's process; gives its exit status. Refused, CallError."""
    return int((yield from ask(proc, session.fd, Type.READ, session.file("wait"))))


def divide(targets: Sequence[Any], fanout: int) -> list[tuple[Any, list[Any]]]:
    """Pick the first targets, at most `fanout`, and give each an equal share of the rest, the last ones less."""
    firsts, rest = targets[:fanout], targets[fanout:]
    share = -(-len(rest) // len(firsts)) if firsts else 0
    return [(first, list(rest[place * share : (place + 1) * share])) for place, first in enumerate(firsts)]


def spread(proc: Proc, targets: Sequence[Any], fanout: int, path: str, reach: Callable[[Proc, Any], Steps]) -> Steps:
    """Copy an image into sessions: into the first `fanout` from here, and they into their shares of the rest.

    `targets` have `host` and `number`; `reach(proc, target)` gives the Session of one. Gives those that
    were reached, once all have the image. Refused, CallError.
    """
    reached, handing_on = [], []
    for target, share in divide(targets, fanout):
        session = yield from reach(proc, target)
        reached.append(session)
        yield from fill(proc, session, path)
        if share:
            words = ["clone", str(fanout), *(f"{each.host}/{each.number}" for each in share)]
            yield from post(proc, session.fd, Type.WRITE, session.file("ctl"), " ".join(words).encode())
            handing_on.append(session)
    for session in handing_on:
        yield from reply(proc, session.fd)
    return reached
