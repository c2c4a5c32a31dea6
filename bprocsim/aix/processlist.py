"""What a program learns of processes and threads: getprocs and getthrds."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from bprocsim.aix.placement import of_thread
from bprocsim.aix.service import Asker, Service
from bprocsim.aix.work import tid_of
from bprocsim.manual import Errors
from bprocsim.posix.procs import State

PAGE = "choice-commands"


@frozen
class ProcessEntry:
    """A process: `uid` the effective one; `state` running, stopped or zombie; `argv` what it was called with."""

    pid: int
    ppid: int
    uid: int
    state: str
    argv: tuple[str, ...]


@frozen
class ThreadEntry:
    """A thread: `state` runnable, sleeping or stopped; `bound` the bind id that bindprocessor gave it, or None."""

    tid: int
    pid: int
    state: str
    bound: int | None


def _processes(asker: Asker) -> list[ProcessEntry]:
    return [
        ProcessEntry(
            process.pid,
            process.ppid,
            process.credentials.euid,
            process.state.value,
            tuple(word.decode("utf-8", "surrogateescape") for word in process.argv),
        )
        for _, process in sorted(asker.partition.machine.processes.items())
    ]


def _threads(found: tuple[Asker, int]) -> list[ThreadEntry]:
    asker, pid = found
    machine = asker.partition.machine
    process = machine.processes.get(pid)
    if process is None or process.ended is not None:
        return []
    return [
        ThreadEntry(tid_of(thread), pid, _state(machine, process, thread), of_thread(thread).bound)
        for thread in process.threads
        if not thread.ended
    ]


def _state(machine: Any, process: Any, thread: Any) -> str:
    if process.state is State.STOPPED:
        return "stopped"
    waiting = thread.waiting
    idle = process.idle or (waiting is not None and waiting.queue is not machine.processors)
    return "sleeping" if idle else "runnable"


# getprocs(): gives a ProcessEntry for each process, by pid.
GETPROCS = Service(Errors("getprocs", page=PAGE, order=PAGE, rows=()), lambda asker: asker, _processes)

# getthrds(pid): gives a ThreadEntry for each thread of a process; none for a process that is not there.
GETTHRDS = Service(Errors("getthrds", page=PAGE, order=PAGE, rows=()), lambda asker, pid: (asker, pid), _threads)
