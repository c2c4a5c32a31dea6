"""read, write, close, dup2, pipe: descriptors and what stands behind them."""

from __future__ import annotations

from typing import Any

from attrs import define, setters

from bprocsim.errnos import Errno as E
from bprocsim.faces.pointers import BAD_ADDRESS
from bprocsim.manual import Errors, Fail, Row
from bprocsim.port import Port, Steps, Why
from bprocsim.posix.credentials import ROOT, Credentials
from bprocsim.posix.machine import Machine, counted
from bprocsim.posix.openfile import OpenFile
from bprocsim.posix.pipes import FifoEnd, Pipe, PipeReader, PipeWriter
from bprocsim.posix.procs import (
    Descriptor,
    Disposition,
    Thread,
    drop,
    keep_pending,
    let_go,
    put,
)
from bprocsim.posix.streams import Listener, Socket
from bprocsim.posix.vfs import Kind
from bprocsim.posix.waiting import block, interrupted
from bprocsim.signals import Signal

# ---- read and write ----------------------------------------------------------------------------


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class IoFacts:
    """What read and write ask about.

    `file` what the descriptor stands for, None if it is not open; `buffer` what is to be written,
    `wanted` how many bytes are to be read; `at_end` nothing is left to read.
    """

    machine: Machine
    file: Any
    buffer: Any = None
    wanted: int = 0
    at_end: bool = False
    interrupted: bool = False


def fd_not_readable(f: IoFacts) -> bool:
    return f.file is None or not f.file.readable


def fd_not_writable(f: IoFacts) -> bool:
    return f.file is None or not f.file.writable


def is_a_directory(f: IoFacts) -> bool:
    return isinstance(f.file, OpenFile) and f.file.inode.kind is Kind.DIRECTORY


def not_connected(f: IoFacts) -> bool:
    return isinstance(f.file, Socket | Listener) and f.wanted > 0


def media_error(f: IoFacts) -> bool:
    return isinstance(f.file, OpenFile) and f.machine.tree.is_bad(f.file.inode)


def connection_reset(f: IoFacts) -> bool:
    return f.at_end and f.file.reset and not f.file.reset_told


def connection_lost(f: IoFacts) -> bool:
    return f.file is not None and f.file.reset and not f.file.reset_told


def without_reader(f: IoFacts) -> IoFacts | None:
    """Give the facts if the other end of what is written to has gone."""
    return f if f.file is not None and (f.file.reset or f.file.broken) else None


def nobody_reads(f: IoFacts) -> bool:
    if f.file is None or not f.file.broken:
        return False
    # Where nothing is written to a pipe, nobody notices.
    return not (f.buffer == b"" and isinstance(f.file, PipeWriter | FifoEnd))


def buffer_unreadable(f: IoFacts) -> bool:
    return f.buffer is BAD_ADDRESS


READ_ERRORS = Errors(
    "read",
    page="posix-read",
    order="linux-6.18-measured",
    rows=(
        Row(E.EBADF, fd_not_readable, "the descriptor is not open for reading"),
        Row(E.EISDIR, is_a_directory, "the descriptor is a directory's"),
        Row(E.ENOTCONN, not_connected, "the socket is not connected"),
        Row(E.EIO, media_error, "an I/O error occurred"),
        Row(E.ECONNRESET, connection_reset, "the other side threw the connection away"),
        Row(E.EINTR, interrupted, "a signal was caught before any byte was read"),
    ),
)
WRITE_ERRORS = Errors(
    "write",
    page="posix-write",
    order="linux-6.18-measured",
    rows=(
        Row(E.EBADF, fd_not_writable, "the descriptor is not open for writing"),
        Row(E.ECONNRESET, connection_lost, "the other side threw the connection away", about=without_reader),
        Row(
            E.EPIPE,
            nobody_reads,
            "nobody is left to read the other end, or never was; SIGPIPE is sent as well",
            about=without_reader,
        ),
        Row(E.EFAULT, buffer_unreadable, "the buffer is memory that the program cannot read", source="linux-write2"),
        Row(E.EIO, media_error, "an I/O error occurred"),
        Row(E.EINTR, interrupted, "a signal was caught before any byte was written"),
    ),
)


def _file(thread: Thread, fd: int) -> Any:
    """Give what a descriptor stands for, or None."""
    descriptor = thread.process.descriptors.get(fd)
    return None if descriptor is None else descriptor.description


def read(machine: Machine, thread: Thread, fd: int, count: int) -> Steps:
    """Read up to `count` bytes; b"" at the end of file. Errors: READ_ERRORS. Source: posix-read."""
    port = machine.port
    if not port.pass_at_once(machine.costs.syscall_ns):
        yield port.sleep(machine.costs.syscall_ns)
    facts = IoFacts(machine, _file(thread, fd), wanted=count)
    if (row := READ_ERRORS.first(facts)) is not None:
        return Fail(row, READ_ERRORS)
    file = facts.file
    data = file.take(port, count) if count else b""
    if data is None:
        data = yield from _wait_for_data(port, thread, facts, fd)
    facts.at_end = data == b"" and count > 0
    if (facts.interrupted or facts.at_end) and (row := READ_ERRORS.first(facts)) is not None:
        if facts.at_end:
            file.reset_told = True
        return Fail(row, READ_ERRORS)
    if data and isinstance(file, OpenFile) and (copy_ns := machine.costs.file_copy_ns(len(data))):
        yield port.sleep(copy_ns)
    if machine.trace.all:
        machine.record(thread.process.pid, "read", fd, data)
    return data


def _wait_for_data(port: Port, thread: Thread, facts: IoFacts, fd: int) -> Steps:
    """Wait until there is something to read; gives it, or None after a signal.

    The file stays open meanwhile, though another thread may close the descriptor.
    """
    file, since_ns = facts.file, port.now_ns
    data = None
    file.references += 1
    try:
        while data is None and not facts.interrupted:
            why = yield from block(port, thread, file.reading, f"read({fd})", since_ns)
            data = file.take(port, facts.wanted)
            facts.interrupted = data is None and why is Why.SIGNAL
    finally:
        let_go(file, port)
    return data


def write(machine: Machine, thread: Thread, fd: int, data: Any) -> Steps:
    """Write bytes, waiting for room; gives how many. Errors: WRITE_ERRORS. Source: posix-write."""
    port = machine.port
    if not port.pass_at_once(machine.costs.syscall_ns):
        yield port.sleep(machine.costs.syscall_ns)
    facts = IoFacts(machine, _file(thread, fd), data)
    if (row := WRITE_ERRORS.first(facts)) is not None:
        return _refused(machine, thread, facts, row)
    written = facts.file.give(port, data) if data else 0
    if written < len(data):
        written, row = yield from _write_rest(port, thread, facts, fd, written)
        if row is not None:
            return _refused(machine, thread, facts, row)
    if written and isinstance(facts.file, OpenFile) and (copy_ns := machine.costs.file_copy_ns(written)):
        yield port.sleep(copy_ns)
    if machine.trace.all:
        machine.record(thread.process.pid, "write", fd, bytes(data[:written]))
    return written


def _write_rest(port: Port, thread: Thread, facts: IoFacts, fd: int, written: int) -> Steps:
    """Write on as there is room; gives how many bytes were written in all, or the row if there are none."""
    file, left, since_ns = facts.file, memoryview(facts.buffer)[written:], port.now_ns
    file.references += 1
    try:
        while left:
            why = yield from block(port, thread, file.writing, f"write({fd})", since_ns)
            facts.interrupted = why is Why.SIGNAL
            if (row := WRITE_ERRORS.first(facts)) is not None:
                written = len(facts.buffer) - len(left)
                # What was written counts: the next call meets the error.
                return written, None if written else row
            give = file.give if len(left) == len(facts.buffer) else getattr(file, "give_rest", file.give)
            left = left[give(port, left) :]
    finally:
        let_go(file, port)
    return len(facts.buffer), None


def _refused(machine: Machine, thread: Thread, facts: IoFacts, row: Row) -> Fail:
    """Let a write fail; nobody reading means SIGPIPE too, a lost connection is told once."""
    if row.condition is connection_lost:
        facts.file.reset_told = True
    if row.errno is E.EPIPE:
        process = thread.process
        if machine.trace.all:
            machine.record(process.pid, "signal", Signal.SIGPIPE.name, "the kernel")
        if Signal.SIGPIPE in process.blocked or process.handlers.get(Signal.SIGPIPE) is not Disposition.IGNORE:
            keep_pending(process, Signal.SIGPIPE)
    return Fail(row, WRITE_ERRORS)


# ---- close, dup2, pipe -------------------------------------------------------------------------


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class SlotFacts:
    """What the calls about descriptors' numbers ask about."""

    machine: Machine
    descriptor: Descriptor | None = None
    number: int = 0
    open_limit: int = 0
    wanted: int = 0
    used: int = 0
    who: Credentials = ROOT


def fd_not_open(f: SlotFacts) -> bool:
    return f.descriptor is None


def fd_out_of_range(f: SlotFacts) -> bool:
    return not 0 <= f.number < f.open_limit


def descriptors_used_up(f: SlotFacts) -> bool:
    return f.used + f.wanted > f.open_limit


def file_table_full(f: Any) -> bool:
    return bool(f.machine.profile.lacks_files(f.machine.files.free, f.who, f.wanted))


CLOSE_ERRORS = Errors(
    "close",
    page="posix-close",
    order="posix-close",
    rows=(Row(E.EBADF, fd_not_open, "the descriptor is not open"),),
)
DUP2_ERRORS = Errors(
    "dup2",
    page="posix-dup",
    order="linux-dup2",
    rows=(
        Row(E.EBADF, fd_not_open, "the old descriptor is not open"),
        Row(E.EBADF, fd_out_of_range, "the new descriptor is negative or beyond the limit"),
    ),
)
PIPE_ERRORS = Errors(
    "pipe",
    page="posix-pipe",
    order="linux-2.4.20-exec",
    rows=(
        Row(E.ENFILE, file_table_full, "the machine's table of open files is full"),
        Row(E.EMFILE, descriptors_used_up, "the process has too many descriptors open"),
    ),
)


def close(machine: Machine, thread: Thread, fd: int) -> Steps:
    """Close a descriptor. Errors: CLOSE_ERRORS. Source: posix-close."""
    process = thread.process
    yield machine.port.sleep(machine.costs.syscall_ns)
    facts = SlotFacts(machine, process.descriptors.get(fd))
    if (row := CLOSE_ERRORS.first(facts)) is not None:
        return Fail(row, CLOSE_ERRORS)
    drop(process, fd, machine.port)
    return 0


def dup2(machine: Machine, thread: Thread, old: int, new: int) -> Steps:
    """Let `new` stand for what `old` does, closing what it stood for. Errors: DUP2_ERRORS. Source: posix-dup."""
    process = thread.process
    yield machine.port.sleep(machine.costs.syscall_ns)
    facts = SlotFacts(machine, process.descriptors.get(old), new, process.open_limit)
    if (row := DUP2_ERRORS.first(facts)) is not None:
        return Fail(row, DUP2_ERRORS)
    if old == new:
        return new
    description = process.descriptors[old].description
    description.references += 1  # so that closing `new` first never closes what is to be shared
    if new in process.descriptors:
        drop(process, new, machine.port)
    put(process, description, new)
    description.references -= 1
    return new


def pipe(machine: Machine, thread: Thread) -> Steps:
    """Make a pipe; gives (reading descriptor, writing descriptor). Errors: PIPE_ERRORS. Source: posix-pipe."""
    process = thread.process
    yield machine.port.sleep(machine.costs.syscall_ns)
    facts = SlotFacts(machine, None, 0, process.open_limit, 2, len(process.descriptors), process.credentials)
    if (row := PIPE_ERRORS.first(facts)) is not None:
        return Fail(row, PIPE_ERRORS)
    made = Pipe(machine.costs.pipe_bytes)
    reading = put(process, counted(machine, PipeReader(made)))
    return reading, put(process, counted(machine, PipeWriter(made)))
