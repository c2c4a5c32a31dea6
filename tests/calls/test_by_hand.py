"""Calls driven by hand, under a clock of forty lines: what waits for what, and what each step does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from bprocsim.errnos import Errno
from bprocsim.manual import Fail
from bprocsim.port import Interface, Link, Steps, Why
from bprocsim.posix import fileio
from bprocsim.posix.pipes import Pipe, PipeReader, PipeWriter
from bprocsim.posix.procs import Process, State, Thread, keep_pending, put
from bprocsim.posix.streams import Endpoint, Listener, connect_ends
from bprocsim.signals import Signal
from tests.fakeport import FakePort


class Bench:
    """A process, a port, and as much of a machine as the calls of fileio ask for."""

    def __init__(self) -> None:
        self.port = FakePort()
        self.process = Process(1, None)
        self.process.threads.append(Thread(self.process))
        self.machine: Any = SimpleNamespace(
            port=self.port, costs=SimpleNamespace(syscall_ns=10), trace=SimpleNamespace(all=False)
        )
        self.told: list[Any] = []

    def thread(self) -> Thread:
        made = Thread(self.process, len(self.process.threads) + 1)
        self.process.threads.append(made)
        return made

    def start(self, call: Any, *arguments: Any) -> Thread:
        """Let a thread make a call; what it comes to is told."""
        thread = self.thread()

        def steps() -> Steps:
            result = yield from call(self.machine, thread, *arguments)
            self.told.append(result.row.errno if isinstance(result, Fail) else result)

        self.port.start(steps())
        return thread


def pipe(bench: Bench, capacity: int = 4096) -> tuple[Pipe, int, int]:
    made = Pipe(capacity)
    return made, put(bench.process, PipeReader(made)), put(bench.process, PipeWriter(made))


def test_a_read_waits_in_the_pipes_queue_and_leaves_it() -> None:
    bench = Bench()
    made, reading, writing = pipe(bench)
    thread = bench.start(fileio.read, reading, 5)
    bench.port.run()
    assert bench.told == []
    assert thread.waiting is not None
    assert (thread.waiting.what, thread.waiting.since_ns) == ("read(0)", 10)
    assert [waiter.what for waiter in made.reading] == ["read(0)"]
    bench.start(fileio.write, writing, b"seven b")
    bench.port.run()
    assert bench.told == [7, b"seven"]
    assert (len(made.reading), bytes(made.buffer)) == (0, b" b")
    assert [each.waiting for each in bench.process.threads] == [None] * 3


def test_a_write_puts_in_what_fits_and_waits_for_the_rest() -> None:
    bench = Bench()
    made, reading, writing = pipe(bench)
    bench.start(fileio.write, writing, bytes(5000))
    bench.port.run()
    assert (bench.told, len(made.buffer)) == ([], 4096)
    bench.start(fileio.read, reading, 4)
    bench.port.run()
    # Room for four more, of a write that is not whole any more.
    assert (bench.told, len(made.buffer)) == ([bytes(4)], 4096)
    bench.start(fileio.read, reading, 4096)
    bench.port.run()
    assert bench.told == [bytes(4), bytes(4096), 5000]
    assert len(made.buffer) == 900


def test_a_small_write_waits_until_it_fits_whole() -> None:
    bench = Bench()
    made, reading, writing = pipe(bench)
    bench.start(fileio.write, writing, bytes(4000))
    bench.start(fileio.write, writing, b"x" * 100)
    bench.start(fileio.read, reading, 3)
    bench.port.run()
    assert (bench.told, len(made.buffer)) == ([4000, bytes(3)], 3997)
    bench.start(fileio.read, reading, 1)
    bench.port.run()
    assert bench.told[2:] == [b"\0", 100]
    assert made.buffer.endswith(b"x" * 100)


def test_whoever_waits_learns_of_the_end() -> None:
    bench = Bench()
    made, reading, writing = pipe(bench)
    for _ in range(2):
        bench.start(fileio.read, reading, 5)
    bench.port.run()
    bench.start(fileio.close, writing)
    bench.port.run()
    assert bench.told == [0, b"", b""]
    assert (made.writers, made.readers) == (0, 1)


def test_a_signal_that_is_due_is_not_slept_through() -> None:
    bench = Bench()
    _, reading, _ = pipe(bench)
    keep_pending(bench.process, Signal.SIGUSR1)
    bench.start(fileio.read, reading, 5)
    bench.port.run()
    assert bench.told == [Errno.EINTR]
    bench.process.blocked = frozenset({Signal.SIGUSR1})
    bench.start(fileio.read, reading, 5)
    bench.port.run()
    assert bench.told == [Errno.EINTR]  # it waits: a blocked signal disturbs nobody
    bench.process.state = State.STOPPED
    bench.start(fileio.read, reading, 5)
    bench.port.run()
    assert bench.told == [Errno.EINTR, Errno.EINTR]  # one who is stopped does not begin to wait


def test_bytes_come_before_a_signal_of_the_same_instant() -> None:
    bench = Bench()
    made, reading, _ = pipe(bench)
    thread = bench.start(fileio.read, reading, 5)
    bench.port.run()
    assert thread.waiting is not None
    made.reading.leave(thread.waiting)
    bench.port.wake(thread.waiting, Why.SIGNAL)
    made.buffer += b"there"
    bench.port.run()
    assert bench.told == [b"there"]


def ends(capacity: int = 100, latency_ns: int = 1000) -> tuple[FakePort, Endpoint, Endpoint]:
    one, other = Endpoint(capacity), Endpoint(capacity)
    there, back = (Link(name, latency_ns, 0, Interface(), Interface()) for name in ("there", "back"))
    connect_ends(one, other, there, back)
    return FakePort(), one, other


def test_a_connection_holds_so_many_bytes_that_nobody_has_read() -> None:
    port, one, other = ends()
    assert one.give(port, bytes(150)) == 100
    assert one.give(port, b"x") == 0
    assert other.take(port, 10) is None  # still on the wire
    port.run()
    assert port.now_ns == 1000
    assert other.take(port, 30) == bytes(30)
    assert one.give(port, bytes(50)) == 30


def test_an_end_of_file_comes_behind_the_bytes() -> None:
    port, one, other = ends()
    one.give(port, b"last")
    one.close(port)
    one.close(port)
    port.run()
    assert (other.take(port, 2), other.take(port, 9), other.take(port, 9)) == (b"la", b"st", b"")
    assert (other.ended, other.reset, other.broken) == (True, False, False)


def test_bytes_that_nobody_will_read_come_back_as_a_reset() -> None:
    port, one, other = ends()
    one.close(port)
    port.run()
    assert other.give(port, b"into the void") == 13
    port.run()
    assert (other.reset, other.broken, other.reset_told) == (True, True, True)  # after an end of file no news
    port, one, other = ends()
    other.give(port, b"unread")
    port.run()
    one.close(port)
    port.run()
    assert (other.ended, other.reset, other.reset_told) == (False, True, False)


def test_a_listener_throws_away_whom_it_has_not_accepted() -> None:
    port, one, other = ends()
    listener = Listener(0, 100)
    gone: list[str] = []
    listener.on_close, other.on_close = lambda: gone.append("port"), lambda: gone.append("end")
    full = [listener.full]
    listener.arrive(port, other)
    full.append(listener.full)
    assert full == [False, True]
    listener.close(port)
    port.run()
    assert (one.reset, gone, listener.waiting) == (True, ["port", "end"], [])
