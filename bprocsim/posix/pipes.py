"""Pipes, with and without a name: bytes in order between those who have its ends open.

What an open file answers, and why all who wait are woken: see `streams`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field, setters

from bprocsim.port import Port, WaitQueue, Why

# Writes of up to so many bytes into a pipe are not mixed with others'. Source: posix-write.
PIPE_BUF = 4096


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Pipe:
    """The buffer behind a pipe: `capacity` bytes, and how many ends of each kind are open."""

    capacity: int
    buffer: bytearray = field(factory=bytearray)
    readers: int = 0
    writers: int = 0
    reading: WaitQueue = field(factory=WaitQueue)
    writing: WaitQueue = field(factory=WaitQueue)


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class PipeReader:
    """The reading end of a pipe."""

    pipe: Pipe
    references: int = 0
    table: Any = None
    readable = True
    writable = False
    reset = False
    broken = False

    def __attrs_post_init__(self) -> None:
        self.pipe.readers += 1

    @property
    def reading(self) -> WaitQueue:
        """Give the queue of those who wait for bytes."""
        return self.pipe.reading

    def take(self, port: Port, count: int) -> bytes | None:
        """Take up to `count` bytes."""
        pipe = self.pipe
        if not pipe.buffer:
            return None if pipe.writers else b""
        data = bytes(pipe.buffer[:count])
        del pipe.buffer[:count]
        pipe.writing.wake_all(port, Why.DATA)
        return data

    def close(self, port: Port) -> None:
        """Go away: writers then meet EPIPE."""
        self.pipe.readers -= 1
        if not self.pipe.readers:
            self.pipe.writing.wake_all(port, Why.GONE)


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class PipeWriter:
    """The writing end of a pipe."""

    pipe: Pipe
    references: int = 0
    table: Any = None
    readable = False
    writable = True
    reset = False

    def __attrs_post_init__(self) -> None:
        self.pipe.writers += 1

    @property
    def broken(self) -> bool:
        """Tell whether nobody can read any more."""
        return not self.pipe.readers

    @property
    def writing(self) -> WaitQueue:
        """Give the queue of those who wait for room."""
        return self.pipe.writing

    def give(self, port: Port, data: bytes | memoryview) -> int:
        """Put in what there is room for; up to PIPE_BUF bytes all or nothing."""
        if len(data) <= PIPE_BUF and len(data) > self.pipe.capacity - len(self.pipe.buffer):
            return 0
        return self.give_rest(port, data)

    def give_rest(self, port: Port, data: bytes | memoryview) -> int:
        """Put in what there is room for, of a longer write that has begun."""
        pipe = self.pipe
        taken = min(pipe.capacity - len(pipe.buffer), len(data))
        if taken:
            pipe.buffer += data[:taken]
            pipe.reading.wake_all(port, Why.DATA)
        return taken

    def close(self, port: Port) -> None:
        """Go away: readers then meet the end of file."""
        self.pipe.writers -= 1
        if not self.pipe.writers:
            self.pipe.reading.wake_all(port, Why.END)


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Fifo(Pipe):
    """A pipe with a name, as long as anybody has it open.

    `opening` those who wait for somebody to open the other side; `opened` how often each side has
    been opened, for somebody may come and go while they wait; `gone` is called when nobody is left.
    """

    opening: WaitQueue = field(factory=WaitQueue)
    opened: list[int] = field(factory=lambda: [0, 0])
    gone: Callable[[], object] = object

    def end(self, readable: bool, writable: bool) -> FifoEnd:
        """Make what stands for an open fifo."""
        self.opened[0] += readable
        self.opened[1] += writable
        return FifoEnd(self, PipeReader(self) if readable else None, PipeWriter(self) if writable else None)


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class FifoEnd:
    """A fifo that is open: the ends of it that this open file is."""

    fifo: Fifo
    reader: PipeReader | None
    writer: PipeWriter | None
    references: int = 0
    table: Any = None
    reset = False

    @property
    def readable(self) -> bool:
        """Tell whether it was opened for reading."""
        return self.reader is not None

    @property
    def writable(self) -> bool:
        """Tell whether it was opened for writing."""
        return self.writer is not None

    @property
    def broken(self) -> bool:
        """Tell whether nobody can read any more."""
        return not self.fifo.readers

    @property
    def reading(self) -> WaitQueue:
        """Give the queue of those who wait for bytes."""
        return self.fifo.reading

    @property
    def writing(self) -> WaitQueue:
        """Give the queue of those who wait for room."""
        return self.fifo.writing

    def take(self, port: Port, count: int) -> bytes | None:
        """Take up to `count` bytes."""
        assert self.reader is not None, "readable"
        return self.reader.take(port, count)

    def give(self, port: Port, data: bytes | memoryview) -> int:
        """Put in what there is room for; up to PIPE_BUF bytes all or nothing."""
        assert self.writer is not None, "writable"
        return self.writer.give(port, data)

    def give_rest(self, port: Port, data: bytes | memoryview) -> int:
        """Put in what there is room for, of a longer write that has begun."""
        assert self.writer is not None, "writable"
        return self.writer.give_rest(port, data)

    def close(self, port: Port) -> None:
        """Go away, with both ends."""
        for end in (self.reader, self.writer):
            if end is not None:
                end.close(port)
        if not self.fifo.readers and not self.fifo.writers:
            self.fifo.gone()
