"""The life of a process: body or image after image, until one ends it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from types import GeneratorType
from typing import Any

from bprocsim.faces.control import ImageReplaced, ProcessEnds
from bprocsim.faces.pyos import Proc
from bprocsim.kernel.calls import call, proc_of
from bprocsim.port import Steps, Why
from bprocsim.posix.procs import (
    Ended,
    Process,
    Thread,
)
from bprocsim.trace import anonymous


def lead(thread: Thread, arrived: bool = False) -> Steps:
    """Lead a process through its life: body or image after image, until one ends it.

    `arrived`: it has travelled, and begins with the signals that have waited for it. A call may make
    another process of the thread, so it is asked each time.
    """
    while True:
        proc = proc_of(thread)
        try:
            if arrived and (thread.process.pending or thread.process.stands_still):
                yield from thread.process.machine.take_signals(thread)
            arrived = False
            made = (thread.process.body or run_image)(proc)
            value = (yield from made) if isinstance(made, GeneratorType) else made
            proc.check_finished()
            ended = _exited(as_status(value))
        except ImageReplaced:
            thread.process.machine.only(thread)
            thread.process.proc = None
            continue
        except ProcessEnds as end:
            ended = Ended(end.exit_status, end.signal)
        except SystemExit as end:
            ended = Ended(exit_status=status_of(end))
        except Exception as error:
            if thread.ended:
                return  # it was killed: what its `finally` raises is heard by nobody
            ended, process = Ended(exit_status=1), thread.process
            process.exception = error
            process.machine.record(process.pid, "raised", told(error))
            if process.machine.strict:
                process.machine.end(process, ended, thread)
                raise
            yield from _complain(thread, error)
        break
    thread.process.machine.end(thread.process, ended, thread)


@cache
def _exited(status: int) -> Ended:
    """Give how a process ended that returned: one record for all of whom this is true."""
    return Ended(status)


def status_of(end: SystemExit) -> int:
    """Take sys.exit in a program as its exit: the code, or 1 for a message."""
    return end.code & 0xFF if isinstance(end.code, int) else 0 if end.code is None else 1


def as_status(value: Any) -> int:
    """Take what a program returned as its exit status: None is 0, an int its low eight bits."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value & 0xFF
    raise TypeError(f"a program returns its exit status, an int or None, not {value!r}")


def told(error: Exception) -> str:
    """Write what a program raised: the same in every run, so without the addresses of Python's own objects."""
    return anonymous(f"{type(error).__name__}: {error}")


def _complain(thread: Thread, error: Exception) -> Steps:
    """Write what a program raised on its stderr, if that is open and takes it."""
    process = thread.process
    text = f"{process.comm.decode('utf-8', 'replace') or 'program'}: {told(error)}\n"
    data = text.encode("utf-8", "replace")
    with suppress(ProcessEnds):  # nobody reads it either
        yield from call(thread, "write", (2, data))


def run_image(proc: Proc) -> Steps:
    """Run the image of a process: its loader, then the program behind it.

    An image that names no program of ours loads its libraries and exits with 0.
    """
    thread = proc.thread
    process: Process = thread.process
    machine, image = process.machine, process.image
    if process.pending:
        yield from machine.take_signals(thread)
    if machine.trace.all:
        machine.record(process.pid, "start", image.path.decode("utf-8", "backslashreplace"), process.argv)
    if image.kill:
        raise ProcessEnds(signal=image.kill)
    load = machine.arch.format.loader(image)
    if load is not None:
        needed = len(image.elf.needed)
        yield machine.port.sleep(machine.costs.loader_ns_per_library * (needed + 1))
        found = load(machine, process, image)
        for message in found.messages:
            machine.record(process.pid, "loader", message.decode("utf-8", "backslashreplace").rstrip())
            yield from call(thread, "write", (2, message))
        if found.signal:
            raise ProcessEnds(signal=found.signal)
        if found.status is not None:
            return found.status
    if image.program is None:
        return 0
    made = image.program.function(proc)
    return (yield from made) if isinstance(made, GeneratorType) else made


def lead_thread(thread: Thread, body: Callable[[Proc], Any]) -> Steps:
    """Lead a second thread until its function returns; its process lives on."""
    proc = proc_of(thread)
    try:
        made = body(proc)
        thread.value = (yield from made) if isinstance(made, GeneratorType) else made
        proc.check_finished()
    except ImageReplaced:
        thread.process.machine.only(thread)
        thread.process.proc = None
        yield from lead(thread)
        return
    except ProcessEnds as end:
        thread.process.machine.end(thread.process, Ended(end.exit_status, end.signal), thread)
        return
    except SystemExit as end:
        thread.process.machine.end(thread.process, Ended(exit_status=status_of(end)), thread)
        return
    except Exception as error:
        if thread.ended:
            return
        process = thread.process
        process.exception = error
        process.machine.record(process.pid, "raised", told(error))
        if not process.machine.strict:
            yield from _complain(thread, error)
        process.machine.end(process, Ended(exit_status=1), thread)
        if process.machine.strict:
            raise
        return
    process = thread.process
    if process.threads[0] is thread:
        process.machine.end(process, Ended(exit_status=0), thread)  # it moved, and left the others behind
        return
    thread.ended = True
    if thread.joiners is not None:
        thread.joiners.wake_all(process.machine.port, Why.DONE)
