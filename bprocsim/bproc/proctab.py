"""readproctab: what `ps` learns of processes; on the master a ghost tells what its process did when last asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import frozen

from bprocsim.bproc.nodes import NODE_MASTER, Node
from bprocsim.port import Steps, Waiter, Why
from bprocsim.posix.procs import Process, State, Thread
from bprocsim.units import s

if TYPE_CHECKING:
    from bprocsim.bproc.master import Master

# How long what ghosts know is good, and how long a reader waits for the nodes. Source: bproc-4.0.0pre8-ghost.
GOOD_FOR_NS = 5 * s
PATIENCE_NS = 1 * s

# What a node says of a process: what it does, as ps has it, what it has computed, and the memory that it takes.
Told = tuple[str, int, int]


@frozen
class ProcEntry:
    """A process as /proc shows it: `state` R (runs), S (sleeps), T (stopped) or Z (zombie).

    `cmd` its short name; `cmdline` its arguments, of which a ghost has none; `euid` whose it is; `cpu_ns`
    what it has computed, `memory_bytes` what it takes.
    """

    pid: int
    ppid: int
    pgrp: int
    session: int
    euid: int
    state: str
    cmd: str
    cmdline: tuple[str, ...]
    cpu_ns: int
    memory_bytes: int


def readproctab(machine: Any, thread: Thread) -> Steps:
    """List the processes that a process here can see, by pid; gives ProcEntry records. Source: procps-readproctab."""
    yield machine.port.sleep(machine.costs.syscall_ns)
    master: Master = machine.master
    if not master.is_home(machine):
        return [_entry(each, _now(each), each.argv) for _, each in sorted(machine.processes.items())]
    yield from _ask_the_nodes(master, thread)
    return [_seen_from_home(each) for each in machine.visible()]


def _seen_from_home(process: Process) -> ProcEntry:
    """Tell what the master knows of a process; a ghost is no zombie before it has heard that all is over."""
    ghost = process.ghost
    if ghost is None or ghost.node == NODE_MASTER:
        return _entry(process, _now(process), process.argv)
    return _entry(process, (ghost.state, ghost.cpu_ns, ghost.memory_bytes), ())


def _entry(process: Process, told: Told, argv: tuple[bytes, ...]) -> ProcEntry:
    state, cpu_ns, memory_bytes = told
    cmdline = () if state == "Z" else argv  # a zombie has no memory that could hold them
    return ProcEntry(
        process.pid,
        process.ppid,
        process.pgid,
        process.sid,
        process.credentials.euid,
        state,
        _text(process.comm),
        tuple(map(_text, cmdline)),
        cpu_ns,
        memory_bytes,
    )


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _now(process: Process) -> Told:
    """Tell what a process does at this moment, where it is."""
    return _letter(process), process.cpu_ns, process.memory_bytes


def _letter(process: Process) -> str:
    if process.state is State.ZOMBIE:
        return "Z"
    if process.state is State.STOPPED:
        return "T"
    queue = process.machine.processors
    runs = any(not each.ended and (each.waiting is None or each.waiting.queue is queue) for each in process.threads)
    return "R" if runs and not process.idle else "S"


# ---- what ghosts know ------------------------------------------------------------------------------


def _ask_the_nodes(master: Master, thread: Thread) -> Steps:
    """Send GET_STATUS to every node that has processes, unless that was done a moment ago, and wait for answers."""
    home, port = master.machine, master.machine.port
    if not master.running or (master.asked_ns is not None and port.now_ns - master.asked_ns < GOOD_FOR_NS):
        return
    ghosts = [each.ghost for each in home.visible() if each.ghost is not None and each.ghost.node != NODE_MASTER]
    silent = dict.fromkeys(sorted({ghost.node for ghost in ghosts}))
    if not silent:
        return
    master.asked_ns = port.now_ns
    waiter: Any = None

    def ask(node: Node) -> None:
        def answer() -> None:
            found = {each.pid: _now(each) for each in node.machine.processes.values() if each.state is not State.ZOMBIE}
            master.tell(node.machine, home, "GET_STATUS response", lambda: note(found))

        def note(found: dict[int, Told]) -> None:
            for pid, told in found.items():
                process = home.find(pid)
                if process is not None and process.ghost is not None:
                    ghost = process.ghost
                    ghost.state, ghost.cpu_ns, ghost.memory_bytes = told
            silent.pop(node.number, None)
            if not silent and waiter is not None:
                port.wake(waiter, Why.DONE)

        master.tell(home, node.machine, "GET_STATUS", answer)

    for number in list(silent):
        node = master.node(number)
        if node is not None:
            ask(node)
    if silent:
        waiter = thread.waiting = Waiter("readproctab(), which asks the nodes", port.now_ns)
        yield port.wait(waiter, PATIENCE_NS)
        thread.waiting = None
