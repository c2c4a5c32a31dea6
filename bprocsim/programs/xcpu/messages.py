"""Messages between a launcher and a file server: after 9P, with the file's name in place of a fid.

So nothing is walked or opened first. A request has one reply, and a connection carries one request
at a time. Source: plan9-intro5.
"""

from __future__ import annotations

import struct
from collections.abc import Generator
from enum import IntEnum
from typing import Any

from attrs import frozen

from bprocsim.faces.pyos import Proc

Steps = Generator[Any, Any, Any]

# The size of all of it, its type, and the file's name, padded with NULs.
_HEAD = struct.Struct("<IB27s")
# Up to this size what is sent goes out in one write with its head.
_SMALL = 4096


class Type(IntEnum):
    """What a message is; the numbers are 9P's."""

    ATTACH = 104
    ERROR = 107
    CREATE = 114
    READ = 116
    REPLY = 117
    WRITE = 118
    CLUNK = 120


_NUMBERS = frozenset(Type)


@frozen
class Message:
    """One message: its type, the file that it is about, and what it carries."""

    type: Type
    name: str
    data: bytes


class Refused(Exception):
    """A server could not do what it was asked to."""


def post(proc: Proc, fd: int, kind: Type, name: str = "", data: bytes = b"") -> Steps:
    """Send one message. CallError: as write."""
    head = _HEAD.pack(_HEAD.size + len(data), kind, name.encode())
    if len(data) <= _SMALL:
        yield from proc.write(fd, head + data)
        return
    yield from proc.write(fd, head)
    yield from proc.write(fd, data)


def receive(proc: Proc, fd: int) -> Steps:
    """Take the next message; gives it, or None at the end, or when what comes is no message. CallError: as read."""
    head = yield from _exactly(proc, fd, _HEAD.size)
    if len(head) < _HEAD.size:
        return None
    size, kind, name = _HEAD.unpack(head)
    if kind not in _NUMBERS:
        return None
    data = yield from _exactly(proc, fd, size - _HEAD.size)
    return Message(Type(kind), name.rstrip(b"\0").decode("utf-8", "replace"), data)


def _exactly(proc: Proc, fd: int, count: int) -> Steps:
    """Read so many bytes, or what there is before the end; what came in one piece is given as it came."""
    pieces = []
    while count > 0:
        piece = yield from proc.read(fd, count)
        if not piece:
            break
        pieces.append(piece)
        count -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def ask(proc: Proc, fd: int, kind: Type, name: str = "", data: bytes = b"") -> Steps:
    """Send a request and wait for its reply; gives what that carries. Refused, CallError."""
    yield from post(proc, fd, kind, name, data)
    return (yield from reply(proc, fd))


def reply(proc: Proc, fd: int) -> Steps:
    """Wait for a reply; gives what it carries. Refused: the server could not, or has gone. CallError: as read."""
    message = yield from receive(proc, fd)
    if message is None:
        raise Refused("the server closed the connection")
    if message.type is Type.ERROR:
        raise Refused(message.data.decode("utf-8", "replace"))
    return message.data
