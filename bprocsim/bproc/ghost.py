"""The ghost on the master that stands for a process elsewhere, and what passes by way of it.

What becomes of a process is known at once where it runs, on the master when the message has come
there, and to a parent on another slave one message later. Source: bproc-4.0.0pre8-routing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import define, setters

from bprocsim.posix.procs import Process, State

if TYPE_CHECKING:
    from bprocsim.bproc.master import Master


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Ghost:
    """A process-table entry of the master: no memory, no files; its pid, family and ids are `process`'s.

    `node` where the process is, or is on its way to; when that was last asked, `state` is what it did, as ps
    has it, `cpu_ns` what it had computed, and `memory_bytes` what it took. Source: sf-bproc-3.
    """

    process: Process
    node: int
    state: str = "S"
    cpu_ns: int = 0
    memory_bytes: int = 0

    @property
    def pid(self) -> int:
        """Give the pid, the same on the master and on the slave."""
        return self.process.pid

    @property
    def comm(self) -> bytes:
        """Give the program's short name."""
        return self.process.comm


def hear(master: Master, process: Process, message: str, act: Callable[[], None]) -> None:
    """Send a message from the master to wherever a process is when it comes there."""
    target = process.machine

    def arrive() -> None:
        if process.machine is target:
            act()
        else:
            master.tell(target, master.machine, message, lambda: hear(master, process, message, act))

    master.tell(master.machine, target, message, arrive)


def news(master: Master, process: Process, message: str, heard: Callable[[], None]) -> None:
    """Let a parent hear of a process: at once where both are on one machine, else by way of the master."""
    here, parent = process.machine, process.parent
    if parent.machine is here:
        heard()
    else:
        master.tell(here, master.machine, message, lambda: hear(master, parent, message, heard))


def exited(master: Master, process: Process) -> None:
    """Let a parent on the same slave learn that a process ended; then the ghost, and so everybody else."""
    here, parent = process.machine, process.parent
    if parent is not None and parent.machine is here and parent.alive:
        process.move_to(State.ZOMBIE)
        here.hear_of_end(process)
    if master.running:
        master.tell(here, master.machine, "EXIT", _ghost_exits, master, process)
    else:
        _ghost_exits(master, process)  # nobody is left to hear of it later


def _ghost_exits(master: Master, process: Process) -> None:
    if not process.reported:
        master.machine.report(process)


def waited_for(master: Master, here: Any, child: Process) -> None:
    """Let the ghost of a child be reaped, for which its parent on a slave has waited."""
    if child.machine is not master.machine:
        child.machine.processes.pop(child.pid, None)
    if not master.running:
        settle_wait(master, child)
        return

    def ghost_is_reaped() -> None:
        if master.waits.pop(child.pid, None) is not None:
            master.machine.forget(child)

    master.waits[child.pid] = (child, here)
    master.tell(here, master.machine, "WAIT", ghost_is_reaped)


def settle_wait(master: Master, child: Process) -> None:
    """Be done with a child of which nobody will hear any more that it was waited for, nor perhaps that it ended."""
    master.waits.pop(child.pid, None)
    master.kill(child)
    master.machine.forget(child)


def parent_gone(master: Master, process: Process) -> None:
    """Let the children of a process that has ended hear so, wherever they are.

    Only who is asked for its parent's pid ever looks, so that the instant does where that is known.
    """
    front = master.machine
    told: dict[Any, tuple[Process, ...]] = {}
    for child in process.children.values():
        if child.ended is None and child.machine is not process.machine and child.machine is not front:
            told[child.machine] = (*told.get(child.machine, ()), child)

    for machine, children in told.items():
        heard_ns = master.inform(front, machine, "PARENT_EXIT", _orphan, children, 0, 0)
        _orphan(children, process.pid, heard_ns)


def _orphan(children: Iterable[Process], pid: int, heard_ns: int) -> None:
    """Note by whom children were left, and when they hear so."""
    for child in children:
        child.left_by = pid, heard_ns


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class UnderWay:
    """A signal that is under way to a process, wherever that is by then."""

    signum: int


def forward_signal(master: Master, sender: Any, process: Process, signum: int) -> None:
    """Send a signal to wherever a process is by then; it queues behind a move, and behind those that were sent before.

    A message that finds the process gone follows it, and so may be overtaken by a later one: that one hands over
    both. Source: bproc-4.0.0pre8-routing.
    """
    if process.reported:
        return  # its ghost has ended, and takes it
    signal = UnderWay(signum)
    master.signals.setdefault(process, []).append(signal)
    act = partial(hand_over, master, process, signal)
    master.tell(sender, master.machine, "FWD_SIG", lambda: hear(master, process, "FWD_SIG", act))


def hand_over(master: Master, process: Process, last: UnderWay | None = None) -> None:
    """Let the signals that are under way to a process reach it in order, up to `last`, or all."""
    from bprocsim.posix.signaling import post

    under_way = master.signals.get(process, [])
    if last is not None and last not in under_way:
        return  # a later one has brought it
    while under_way:
        signal = under_way.pop(0)
        if not under_way:
            del master.signals[process]
        post(process.machine, process, signal.signum, None)
        if signal is last:
            return
