"""The ends of a command's stdin, stdout and stderr that the harness holds: files of Python's own kinds."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from bprocsim.faces.errors import make_error
from bprocsim.port import WaitQueue, Why
from bprocsim.posix.fileio import WRITE_ERRORS
from bprocsim.posix.streams import Feed, Sink


class Expecting(WaitQueue):
    """Those who wait for what the harness may yet write: that they wait is no deadlock."""

    for_the_harness = True


class Input(Feed):
    """What a command reads: whatever the harness writes. `file` is kept as long as anybody may read."""

    file: Any = None

    def __init__(self, closed: bool) -> None:
        super().__init__(closed=closed, reading=Expecting())


class Captured(Sink):
    """What a command writes. `broken` when the harness has closed its end; `file` is kept as long as anybody may write.

    So that no end is closed because Python collects a Popen that nobody holds any more.
    """

    broken = False
    file: Any = None


class Output(io.RawIOBase):
    """What a command writes, to be read: a read moves the clock until it can be answered."""

    def __init__(self, sink: Captured, advance: Callable[[Callable[[], bool]], bool]) -> None:
        super().__init__()
        self._sink = sink
        self._advance = advance
        self._place = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read what is there, or wait until there is something or the end."""
        sink = self._sink
        self._advance(lambda: len(sink.data) > self._place or not sink.references)
        piece = bytes(sink.data[self._place : self._place + len(buffer)])
        buffer[: len(piece)] = piece
        self._place += len(piece)
        return len(piece)

    def unread(self) -> bytes:
        """Give what was written so far and not read."""
        return bytes(self._sink.data[self._place :])

    def close(self) -> None:
        """Read no more: who still writes then meets EPIPE."""
        self._sink.broken = True
        super().close()


class Writable(io.RawIOBase):
    """The stdin of a command: what is written is there at once."""

    def __init__(self, feed: Input, engine: Any) -> None:
        super().__init__()
        self._feed = feed
        self._engine = engine

    def writable(self) -> bool:
        """Tell that it can be written."""
        return True

    def write(self, data: Any) -> int:
        """Give the command bytes to read; BrokenPipeError if nobody is left to read them."""
        if self.closed:
            raise ValueError("write to closed file")
        if isinstance(data, str):
            raise TypeError(f"a bytes-like object is required, not 'str': {data!r}; use text=True, or .encode()")
        raw = bytes(data)
        if not self._feed.references:
            raise make_error(WRITE_ERRORS, WRITE_ERRORS.row("nobody_reads"))
        self._feed.data += raw
        self._feed.reading.wake_all(self._engine, Why.DATA)
        return len(raw)

    def close(self) -> None:
        """End what the command can read."""
        if not self.closed:
            self._feed.closed = True
            self._feed.reading.wake_all(self._engine, Why.DATA)
        super().close()


def as_text(file: Any, encoding: str, errors: str) -> io.TextIOWrapper:
    """Give the file as text; every kind of line end is read as \\n, and none is written but that."""
    newline = "\n" if file.writable() else None
    return io.TextIOWrapper(file, encoding, errors, newline, write_through=True)
