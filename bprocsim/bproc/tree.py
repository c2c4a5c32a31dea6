"""A vector launch: children go to many nodes, and whoever has arrived sends the image on.

The caller makes the children, one after the other, and each asks the master for its way. The first
gets the image from the caller's node; a child that has arrived passes it on to one after the other, so
that the copies double from round to round: a binomial tree. None begins before all have been
placed. Source: bproc-4.0.0pre8-move.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import Any, Protocol

from attrs import define, field, setters

from bprocsim.bproc.ghost import hear
from bprocsim.bproc.rfork import FORK, set_up_at_home, vanish
from bprocsim.bproc.transit import Durations, Move, Plan, Plans, passes
from bprocsim.bproc.travel import arrive, depart, drive, settle
from bprocsim.faces.iolists import Io
from bprocsim.manual import Errors, Placed, Row
from bprocsim.port import Steps, Waiter, Why
from bprocsim.posix.life import ForkFacts, bear, share
from bprocsim.posix.machine import Machine
from bprocsim.posix.procs import Ended, Process, Thread, is_called_away

# What a child waits for that has been placed.
COMPLETE = "MOVE_COMPLETE, which ends its vector launch"

RANK = b"BPROC_RANK="
RANK_DIGITS = 7
RANK_SLOT = RANK + b"X" * RANK_DIGITS


class Cargo(Protocol):
    """What a launch carries: an image that is executed first, or the caller's own memory.

    `first_plans` the steps of who takes it from the caller's node, `later_plans` of who gets it on the
    way; `begins` the last step.
    """

    first_plans: Plans
    later_plans: Plans
    begins: Plan

    def load(self, child: Process, table: Errors) -> Row | None:
        """Make ready what is sent from the caller's node; gives the row that is against it."""

    def killed_by(self, child: Process) -> int:
        """Give the signal that ends a child for what was loaded, 0 for none."""

    def durations(self, child: Process, first: bool) -> Durations:
        """Tell how long the steps on the caller's node take."""

    def freeze(self, move: Move, library_list: tuple[str, ...]) -> Any:
        """Freeze what is sent from the caller's node."""

    def pass_on(self, sender: Process, child: Process) -> None:
        """Let a child be what its sender is."""

    def dress(self, child: Process, index: int) -> None:
        """Tell a child that has arrived what it is to run."""


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Slot:
    """One node of a launch: `index` which, `node` its number, `sender` who sends the image, None for the caller.

    `child` who goes there, `frozen` what arrived; `pid` and `row` what the caller is told; `settled`
    it is decided; `placed` the journey of a child that waits for its beginning; `begun` it was told to
    begin; `waiter` its wait for that.
    """

    launch: Launch
    index: int
    node: int
    sender: Slot | None = None
    child: Any = None
    frozen: Any = None
    pid: int = 0
    row: Row | None = None
    settled: bool = False
    placed: Move | None = None
    begun: bool = False
    waiter: Waiter | None = None

    def freeze(self, move: Move, library_list: tuple[str, ...]) -> Any:
        """Give what is sent from the caller's node."""
        self.frozen = self.launch.cargo.freeze(move, library_list)
        return self.frozen

    def killed(self, child: Process) -> None:
        """Learn that the child was killed on its way: it has been, so that its parent gets its pid."""
        self.launch.settle(self, child.pid)

    def begin(self) -> None:
        """Learn that all have been placed."""
        self.begun = True
        if self.waiter is not None:
            self.child.machine.port.wake(self.waiter, Why.DONE)

    def live(self) -> Steps:
        """Let a child stay in the kernel of its node until all have been placed; lead it on from there.

        Only a signal that ends it ends that wait.
        """
        child = self.child
        if child.ended is not None:
            return
        thread, move = child.threads[0], self.placed
        if move is not None:
            machine = child.machine
            while not self.begun:
                self.waiter = thread.waiting = Waiter(COMPLETE, machine.port.now_ns)
                yield machine.port.wait(self.waiter)
                self.waiter = thread.waiting = None
            yield from passes(machine, machine.master, move, self.launch.cargo.begins, (0,))
            self.placed = move = None
        yield from child.machine.lead_on(thread)


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Launch:
    """A launch under way, by `thread` on `machine`, by the rows of `table`; `io` 0, a port, or a list.

    `travelling` how many children are on their way; `senders` those who may pass the image on;
    `placed` who waits for the end of it; `over` nobody else goes; `waiter` the caller's wait.
    """

    machine: Machine
    thread: Thread
    table: Errors
    cargo: Cargo
    io: Io
    slots: list[Slot] = field(factory=list)
    travelling: int = 0
    senders: deque[Slot] = field(factory=deque)
    placed: list[Slot] = field(factory=list)
    over: bool = False
    waiter: Waiter | None = None

    def settle(self, slot: Slot, pid: int, row: Row | None = None) -> None:
        """Decide what the caller is told of a slot."""
        if slot.settled:
            return
        slot.settled, slot.pid, slot.row = True, pid, row
        self.travelling -= 1
        if row is not None:
            machine = self.machine
            machine.record(
                self.thread.process.pid, "slot", self.table.call, slot.index, slot.node, row.errno_name, row.cause
            )
        if self.waiter is not None:
            self.machine.port.wake(self.waiter, Why.DONE)

    def refuse(self, slot: Slot, row: Row) -> None:
        """Let a slot have failed; whoever was to send is not asked again. Source: bproc-4.0.0pre8-interface."""
        self.settle(slot, -row.errno.number(self.machine.unix.name), row)

    def arrived(self, slot: Slot, here: bool) -> None:
        """Let a child be placed: it and its sender may pass the image on; one that is `here` never left."""
        if slot.sender is not None:
            self.senders.append(slot.sender)
        if not here:
            self.senders.append(slot)
            self.placed.append(slot)
            if self.over:
                self.release(slot)
        self.settle(slot, slot.child.pid)

    def sender(self) -> Slot | None:
        """Give who is to send next, None for the caller: those who are known to have ended are left out."""
        while self.senders:
            found = self.senders.popleft()
            if found.child.ended is None:
                return found
        return None

    def release(self, slot: Slot) -> None:
        """Tell a child that has been placed to begin, if it is not known to have ended."""
        child, machine, message = slot.child, self.machine, "MOVE_COMPLETE"
        if child.ended is not None:
            return
        master, target = machine.master, child.machine
        if slot.waiter is not None and machine is master.machine and master.undisturbed(machine, target):
            delay_ns = machine.network.occupy(machine, target, machine.costs.message_bytes)
            if delay_ns >= 0:
                # It hears of nothing else, so that one event does for the message and its wait.
                slot.begun = True
                out, into = machine.interface_out, target.interface_in
                machine.port.wake_in(out, into, delay_ns, slot.waiter, Why.DONE)
                return
        master.tell(machine, master.machine, message, partial(hear, master, child, message, slot.begin))

    def end(self) -> None:
        """Let nobody else go, and tell all who have been placed to begin."""
        self.over = True
        for slot in self.placed:
            self.release(slot)
        self.placed.clear()


def launch(going: Launch, nodes: Iterable[int]) -> Steps:
    """Place a child on each node, in order; gives Placed. A signal for the caller ends it early."""
    process = going.thread.process
    going.slots = [Slot(going, index, node) for index, node in enumerate(nodes)]
    try:
        for slot in going.slots:
            while going.travelling and not going.senders and not is_called_away(process):
                yield from _news(going)
            if is_called_away(process):
                break
            slot.sender = going.sender()
            going.travelling += 1
            _send_off(going, slot, (yield from bear(going.machine, going.thread, slot.sender is None)))
        while going.travelling:
            yield from _news(going)
    finally:
        going.end()
    slots, going.slots = going.slots, []
    return Placed(len(slots), tuple([slot.pid for slot in slots]), tuple([slot.row for slot in slots]))


def _news(going: Launch) -> Steps:
    """Wait until something has become of a child on its way, or a signal has come."""
    port = going.machine.port
    going.waiter = going.thread.waiting = Waiter("its children, which are on their way", port.now_ns)
    yield port.wait(going.waiter)
    going.waiter = going.thread.waiting = None


def _send_off(going: Launch, slot: Slot, born: Process | Row) -> None:
    """Let the child of a slot go, if it was born."""
    sender = slot.sender
    if isinstance(born, Row):
        if sender is not None:
            going.senders.append(sender)  # it was not even asked
        going.refuse(slot, going.table.row(born.cause))
        return
    slot.child = born
    born.watchers = [slot.killed]
    if sender is not None:
        going.cargo.pass_on(sender.child, born)
    going.machine.embark(born, _journey(going, slot), slot.live)


def _journey(going: Launch, slot: Slot) -> Steps:
    """Take a child to its node, where it is to live; or let it be gone, and tell its slot so."""
    machine, child, cargo, sender = going.machine, slot.child, going.cargo, slot.sender
    thread, master = child.threads[0], machine.master
    if sender is None and (yield from _loaded_badly(going, slot)):
        return
    caller = going.thread.process.credentials
    if sender is None:
        move = Move(child, machine, slot.node, going.io, caller, going.table, cargo.first_plans, slot.freeze)
    else:
        move = Move(child, machine, slot.node, going.io, caller, going.table, cargo.later_plans, None)
        move.sender, move.frozen = sender.child.machine, sender.frozen
        slot.frozen = sender.frozen
    depart(move)
    row = yield from drive(machine, master, move, cargo.durations(child, sender is None))
    settle(master, move)
    there = child.machine is move.target
    if row is None and not there:
        row = yield from _stay(going, slot)
    if row is not None:
        vanish(child, thread)
        going.refuse(slot, row)
        return
    child.watchers = None
    cargo.dress(child, slot.index)
    going.arrived(slot, here=not there)
    if there:
        slot.placed = move
        arrive(thread)
        _number(child, slot.index)


def _loaded_badly(going: Launch, slot: Slot) -> Steps:
    """Load what is sent from the caller's node; gives whether that was the end of the child."""
    machine, child = going.machine, slot.child
    costs, thread = machine.costs, child.threads[0]
    row = going.cargo.load(child, going.table)
    if row is not None:
        yield machine.port.sleep(costs.syscall_ns)
        vanish(child, thread)
        going.refuse(slot, row)
        return True
    signum = going.cargo.killed_by(child)
    if signum:
        # The image is mapped here before it moves, so here is where its headers kill it.
        yield machine.port.sleep(costs.syscall_ns + costs.exec_ns)
        machine.end(child, Ended(signal=signum))
        return True
    return False


def _stay(going: Launch, slot: Slot) -> Steps:
    """Let a child be where its caller is, with what that has; gives the row that is against it."""
    machine, child, table = going.machine, slot.child, going.table
    parent, thread = going.thread.process, child.threads[0]
    late = slot.sender is not None
    if late:
        row = table.first(ForkFacts(machine, parent), FORK)
        if row is not None:
            return row
        share(parent, child)
    if going.io != 0:
        row = yield from set_up_at_home(machine, thread, going.io, table)
        if row is not None:
            return row
    if not late:
        return None
    row = going.cargo.load(child, table)
    yield machine.port.sleep(sum(going.cargo.durations(child, True)) if row is None else machine.costs.syscall_ns)
    return row


def _number(child: Process, index: int) -> None:
    """Write into a child's environment which it is, where there is room for that."""
    if RANK_SLOT in child.env:
        rank = RANK + b"%0*d" % (RANK_DIGITS, index)
        child.env = tuple(rank if each == RANK_SLOT else each for each in child.env)
