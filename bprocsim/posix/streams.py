"""Stream connections, and what the harness gives a process: bytes in order, full buffers, ends of file.

Each open file here answers the same few questions, so that `read` and `write` are written once:
`take` (bytes, b"" at the end of file, None: wait in `reading`), `give` (how many bytes it took, if
not all: wait in `writing`), `broken` (nobody will read) and `reset`.

Whoever is woken looks again, and may find that another was faster: so all are woken, and none is
left asleep beside bytes because the one that was woken died, or took only some of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field, setters

from bprocsim.port import Link, Port, WaitQueue, Why
from bprocsim.posix.procs import let_go


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Endpoint:
    """One end of a stream connection.

    `peer` the other end, `link` the way to it; `inbox` what has arrived and was not read; `unread`
    how many bytes were sent from here and not yet read there, at most `capacity`; `ended` the peer
    sends no more; `reset` the connection was thrown away, so that writing here reaches nobody (`broken`),
    and `reset_told` a call here has said so;
    `closed` here; `arrived`, when set, is offered arriving bytes and gives how many it took, the
    rest fills the inbox; `at_end` is called at the end of file or a reset (the harness's own ends,
    and iod's); `on_close`, when set, is called when it is closed here.
    """

    capacity: int
    link: Link | None = None
    peer: Endpoint | None = None
    local: Any = None
    remote: Any = None
    inbox: bytes | bytearray = b""
    unread: int = 0
    ended: bool = False
    reset: bool = False
    broken: bool = False
    reset_told: bool = False
    closed: bool = False
    arrived: Callable[[bytes], int] | None = None
    at_end: Callable[[], None] | None = None
    on_close: Callable[[], None] | None = None
    references: int = 0
    table: Any = None
    _reading: WaitQueue | None = None
    _writing: WaitQueue | None = None
    readable = True
    writable = True

    @property
    def reading(self) -> WaitQueue:
        """Give the queue of those who wait for bytes: few connections ever have one."""
        if self._reading is None:
            self._reading = WaitQueue()
        return self._reading

    @property
    def writing(self) -> WaitQueue:
        """Give the queue of those who wait for room."""
        if self._writing is None:
            self._writing = WaitQueue()
        return self._writing

    def take(self, port: Port, count: int) -> bytes | None:
        """Take up to `count` bytes that have arrived."""
        inbox = self.inbox
        if not inbox:
            return b"" if self.ended or self.reset else None
        if len(inbox) <= count:
            data, self.inbox = bytes(inbox), b""
        else:
            if isinstance(inbox, bytes):
                inbox = self.inbox = bytearray(inbox)
            data = bytes(inbox[:count])
            del inbox[:count]
        self._opened(port, len(data))
        return data

    def give(self, port: Port, data: bytes | memoryview) -> int:
        """Send what the peer's buffer has room for."""
        taken = min(self.capacity - self.unread, len(data))
        if taken > 0:
            self.unread += taken
            self._send(port, taken, Endpoint.receive, bytes(data[:taken]))
        return taken

    def receive(self, port: Port, data: bytes) -> None:
        """Take in bytes that the peer sent."""
        if self.closed:
            # Nobody here reads: the peer learns it, as TCP does, by a reset.
            self._send(port, 0, Endpoint.be_reset)
            return
        if self.arrived is not None:
            taken = self.arrived(data)
            self._opened(port, taken)
            data = data[taken:]
            if not data:
                return
        if not self.inbox:
            self.inbox = data  # as it was sent: a whole image is shared by all who have it, and never copied
        else:
            if isinstance(self.inbox, bytes):
                self.inbox = bytearray(self.inbox)
            self.inbox += data
        if self._reading:
            self._reading.wake_all(port, Why.DATA)

    def receive_end(self, port: Port) -> None:
        """Learn that the peer sends no more."""
        self.ended = True
        if self.at_end is not None:
            self.at_end()
        if self._reading:
            self._reading.wake_all(port, Why.END)

    def be_reset(self, port: Port) -> None:
        """Learn that the peer threw the connection away; whoever met its end of file met that already."""
        self.reset = self.broken = True
        self.reset_told = self.ended
        at_end, self.at_end = self.at_end, None  # once: descriptors 1 and 2 may both hold the lost end
        if at_end is not None:
            at_end()
        self.reading.wake_all(port, Why.GONE)
        self.writing.wake_all(port, Why.GONE)

    def close(self, port: Port) -> None:
        """Go away: an end of file for the peer, or a reset when bytes were left unread."""
        if self.inbox:
            self.throw_away(port)
        elif not self.closed:
            self._close()
            if self.ended:
                self.peer = None  # it has closed too, and learns nothing new
            else:
                self._send(port, 0, Endpoint.receive_end)

    def throw_away(self, port: Port) -> None:
        """Go away with a reset for the peer."""
        if not self.closed:
            self._close()
            self._send(port, 0, Endpoint.be_reset)

    def _close(self) -> None:
        self.closed = True
        if self.on_close is not None:
            self.on_close()

    def _opened(self, port: Port, count: int) -> None:
        """Tell the peer that `count` bytes were read; the news itself takes no time here."""
        peer = self.peer
        if peer is not None:
            peer.unread -= count
            if peer._writing:
                peer._writing.wake_all(port, Why.DATA)

    def _send(self, port: Port, size_bytes: int, act: Callable[..., None], *what: Any) -> None:
        """Let the peer do something, with `what` was sent, when so many bytes have passed."""
        if self.peer is not None and self.link is not None and not self.reset:
            port.send(self.link, size_bytes, act, (self.peer, port, *what))


def connect_ends(one: Endpoint, other: Endpoint, there: Link, back: Link) -> None:
    """Join two ends into a connection: `there` leads from `one` to `other`, `back` the other way."""
    one.peer, other.peer = other, one
    one.link, other.link = there, back


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Socket:
    """A stream socket before it listens or is connected; afterwards `became` takes its place.

    `local` its address once it is bound; `dial` the attempt to connect that is under way; `on_close`,
    when set, is called when it is closed as it is. Nobody can read from it or write to it.
    """

    local: Any = None
    dial: Any = None
    became: Any = None
    on_close: Callable[[], None] | None = None
    references: int = 0
    table: Any = None
    readable = True
    writable = True
    broken = True
    reset = False

    def close(self, port: Port) -> None:
        """Let go of the address, and of an attempt to connect; a descriptor on its way kept the rest."""
        if self.became is not None:
            let_go(self.became, port)
            return
        if self.dial is not None:
            self.dial.give_up()
        if self.on_close is not None:
            self.on_close()


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Listener:
    """A socket that listens: at most `backlog` + 1 connections wait to be accepted.

    `accepted`, when set, takes each connection at once instead (the harness's own listeners);
    `on_close`, when set, is called when it is closed. Nobody can read from it or write to it.
    """

    backlog: int
    capacity: int
    local: Any = None
    waiting: list[Endpoint] = field(factory=list)
    accepting: WaitQueue = field(factory=WaitQueue)
    accepted: Callable[[Endpoint], None] | None = None
    closed: bool = False
    references: int = 0
    table: Any = None
    on_close: Callable[[], None] | None = None
    readable = True
    writable = True
    broken = True
    reset = False

    @property
    def full(self) -> bool:
        """Tell whether one more connection would find no room."""
        return len(self.waiting) > self.backlog

    def arrive(self, port: Port, end: Endpoint) -> None:
        """Put a new connection's end into the queue."""
        if self.accepted is not None:
            self.accepted(end)
            return
        self.waiting.append(end)
        self.accepting.wake_all(port, Why.DATA)

    def close(self, port: Port) -> None:
        """Stop listening: connections not yet accepted are reset."""
        self.closed = True
        if self.on_close is not None:
            self.on_close()
        for end in self.waiting:
            end.throw_away(port)
        self.waiting.clear()
        self.accepting.wake_all(port, Why.GONE)


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Null:
    """/dev/null: reads end at once, writes vanish; `readable` and `writable` as it was opened."""

    readable: bool = True
    writable: bool = True
    references: int = 0
    table: Any = None
    reset = False
    broken = False

    def take(self, port: Port, count: int) -> bytes | None:
        """Read the end of file."""
        return b""

    def give(self, port: Port, data: bytes | memoryview) -> int:
        """Take everything."""
        return len(data)

    def close(self, port: Port) -> None:
        """Nothing to let go of."""


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Sink:
    """What the harness gives a process to write to: it takes everything at once, in order."""

    data: bytearray = field(factory=bytearray)
    references: int = 0
    table: Any = None
    closed: bool = False
    readable = False
    writable = True
    reset = False
    broken = False

    def give(self, port: Port, data: bytes | memoryview) -> int:
        """Take everything."""
        self.data += data
        return len(data)

    def close(self, port: Port) -> None:
        """Note that nobody holds it any more."""
        self.closed = True


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Source:
    """What the harness gives a process to read: fixed bytes, then the end of file."""

    data: bytes = b""
    place: int = 0
    references: int = 0
    table: Any = None
    readable = True
    writable = False
    reset = False
    broken = False

    def take(self, port: Port, count: int) -> bytes | None:
        """Read on."""
        piece = self.data[self.place : self.place + count]
        self.place += len(piece)
        return piece

    def close(self, port: Port) -> None:
        """Nothing to let go of."""


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Feed:
    """What the harness feeds a process through its stdin, little by little; `closed` ends it."""

    data: bytearray = field(factory=bytearray)
    closed: bool = False
    references: int = 0
    table: Any = None
    reading: WaitQueue = field(factory=WaitQueue)
    readable = True
    writable = False
    reset = False
    broken = False

    def take(self, port: Port, count: int) -> bytes | None:
        """Take up to `count` bytes."""
        if not self.data:
            return b"" if self.closed else None
        piece = bytes(self.data[:count])
        del self.data[:count]
        return piece

    def close(self, port: Port) -> None:
        """Nothing to let go of."""
