"""A process on its way: what it holds on which machine, how steps and messages pass, who waits for whom."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from attrs import define, frozen, setters

from bprocsim.bproc import iod
from bprocsim.bproc.connections import silence
from bprocsim.bproc.steps import Step
from bprocsim.port import Link, Port, Steps, Timer, Wait, Waiter, Why
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.paths import walk
from bprocsim.posix.procs import Descriptor, Process, close_all
from bprocsim.posix.vfs import EXECUTE, ROOT_NUMBER, Kind, permits

if TYPE_CHECKING:
    from bprocsim.bproc.master import Master
    from bprocsim.bproc.nodes import Node
    from bprocsim.bproc.vmadump import Frozen
    from bprocsim.faces.iolists import Io
    from bprocsim.manual import Errors


# Steps that follow one another, and what is said of each: asked only where somebody keeps it.
Plan = tuple[tuple[Step, Callable[["Move"], str]], ...]

# How long each of them takes.
Durations = tuple[int, ...]


_NOTHING: dict[int, Descriptor] = {}  # what is held before anything is: nobody writes into it


@frozen(eq=False)
class Plans:
    """The steps that are a call's own: on the source, there and in the master's daemon, and the last one."""

    on_the_source: Plan
    on_the_front_end: Plan
    runs: Plan


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Move:
    """A process of `caller` on its way from `source` to the node `destination`, whose machine is `target`.

    `table` what its call may meet, `plans` the steps that are its call's own; `freeze(move,
    library_list)` gives what is sent, None where that is there already; `rebuild(move)`, where there is
    such, makes more of it on the target and gives the row that it met. `node` the master's record of that
    node, None for the front end and where there is no such node; `port` the one for I/O forwarding, 0 for
    none; `frozen` what is sent; `sender` the machine that sends it in the source's place, as the nodes of
    a vector launch do.
    `queued_ns` when its request is queued on the front end, before which it is no ghost; `unqueued` the daemon
    had ended by then.
    `answered` the master has heard that it arrived, so that it belongs to the target; `lost` the
    target, or (`unsent`) the sender, `orphaned` the source was given up before that, or before all
    was handed over;
    `returning` it has failed and goes home. `waiting` what whoever drives it waits for, `silent`
    whether that took longer than TCP waits; `leg` its wait for each message, one after the other.
    Until the source lets go, it keeps the `held` descriptors, `held_bytes` of memory and `held_file` in
    use, and `home` was the directory; `link`
    is the source's end of the migration socket, for iod; `before` what an edition in which failures
    come back remembers.
    """

    process: Process
    source: Any
    destination: int
    io: Io
    caller: Credentials
    table: Errors
    plans: Plans
    freeze: Callable[[Move, tuple[str, ...]], Frozen] | None
    rebuild: Callable[[Move], Steps] | None = None
    node: Node | None = None
    target: Any = None
    frozen: Any = None  # a Frozen, once it is made
    sender: Any = None
    queued_ns: int = 0
    unqueued: bool = False
    answered: bool = False
    lost: bool = False
    unsent: bool = False
    orphaned: bool = False
    returning: bool = False
    silent: bool = False
    waiting: Waiter | None = None
    leg: Waiter | None = None
    held: dict[int, Descriptor] = _NOTHING
    held_bytes: int = 0
    held_file: Any = None
    home: tuple[int, bytes, int] = (0, b"/", 0)
    link: Any = None
    before: Any = None

    @property
    def there(self) -> bool:
        """Tell whether the process has been rebuilt on the target."""
        return self.process.machine is self.target

    @property
    def root(self) -> int:
        """Give the directory of the target that is the root of whoever comes there."""
        return ROOT_NUMBER if self.node is None else self.node.root

    def decided(self) -> bool:
        """Tell whether the loss of a machine has decided what becomes of it, so that waiting is over."""
        return self.orphaned if self.answered else (self.lost or self.unsent) and not self.returning

    def lose_target(self) -> None:
        """Learn that the target is gone: whoever drives the move hears so."""
        self.lost = True
        if not self.returning:
            self._wake()

    def lose_sender(self) -> None:
        """Learn that whoever sends it is gone, before all of it has arrived: who drives the move hears so too."""
        self.unsent = True
        if not self.returning:
            self._wake()

    def lose_queue(self) -> bool:
        """Learn that the daemon is gone; gives whether that spares the process, for it is no ghost yet."""
        if self.source.port.now_ns >= self.queued_ns:
            return False
        self.unqueued = self.lost = True
        return True

    def lose_source(self) -> None:
        """Learn that the source is gone: what it held is gone with it."""
        self.orphaned = True
        self.let_go(forward=False)
        if self.answered:
            self._wake()

    def _wake(self) -> None:
        if self.waiting is not None:
            self.source.port.wake(self.waiting, Why.GONE)

    # ---- what is where ----

    def go_there(self) -> None:
        """Be on the target: memory, process list, directory. The source keeps what it has for now."""
        process, source, target = self.process, self.source, self.target
        self.held = process.part_from_descriptors()
        self.held_bytes = process.memory_bytes
        # The image came over the wire: on the target no file is busy on its account.
        self.held_file, process.running_file = process.running_file, None
        self.home = process.cwd, process.cwd_path, process.root
        process.memory_bytes = self.frozen.memory_bytes
        target.memory.used_bytes += process.memory_bytes
        source.processes.pop(process.pid, None)
        target.processes[process.pid] = process
        process.machine = target
        process.cwd = process.root = root = self.root
        if process.cwd_path != b"/":
            who = process.credentials
            inode = walk(target.tree, root, process.cwd_path, who, target.profile.paths, root=root).inode
            if inode is not None and inode.kind is Kind.DIRECTORY and permits(inode, who, EXECUTE):
                process.cwd = inode.number
            else:
                process.cwd_path = b"/"

    def come_back(self) -> None:
        """Be on the source again with all that it kept; nothing is left on the target."""
        process, source, target = self.process, self.source, self.target
        if not target.alive:
            silence(process.descriptors)
        close_all(process.descriptors, source.port)
        target.memory.used_bytes -= process.memory_bytes
        process.memory_bytes = self.held_bytes
        target.processes.pop(process.pid, None)
        source.processes[process.pid] = process
        process.machine = source
        process.descriptors, self.held = self.held, {}
        if process.running_file is not None:
            process.running_file.running -= 1
        process.running_file, self.held_file = self.held_file, None
        process.cwd, process.cwd_path, process.root = self.home
        self.held_bytes = 0
        self._close_link()

    def let_go(self, *, forward: bool) -> None:
        """Let the source go of all that it kept; `forward` gives the migration socket to its iod."""
        source = self.source
        if not source.alive:
            silence(self.held)
        source.memory.used_bytes -= self.held_bytes
        self.held_bytes = 0
        if self.held_file is not None:
            self.held_file.running -= 1
            self.held_file = None
        if forward and self.link is not None:
            iod.forward(source, self.link, self.held.get(1))
            self.link = None
        close_all(self.held, source.port)
        self.held = _NOTHING
        self._close_link()
        if self.before is not None:
            self.before.let_go(source.port)

    def _close_link(self) -> None:
        if self.link is not None:
            if not self.source.alive:
                self.link.link = None
            self.link.close(self.source.port)
            self.link = None


# ---- steps, messages, and waiting for what may never come ---------------------------------------


def passes(machine: Any, master: Master, move: Move, plan: Plan, durations_ns: Durations) -> Iterable[Wait]:
    """Let steps pass on one machine, each after its nanoseconds; gives what to wait for, often nothing.

    One event does for all, unless something is planned to strike at a step; a death in the middle
    leaves in the trace exactly the steps that were due. Afterwards the machine is there, or
    `move.decided()`.
    """
    if master.undisturbed(machine, machine):
        total_ns = sum(durations_ns)
        if not total_ns or machine.port.pass_at_once(total_ns):
            return ()
    return _pass(machine, master, move, plan, durations_ns)


def _pass(machine: Any, master: Master, move: Move, plan: Plan, durations_ns: Durations) -> Steps:
    """Wait while steps pass, as `passes` has it."""
    port = machine.port
    if master.hooks:
        yield from _one_by_one(machine, master, move, plan, durations_ns)
        return
    total_ns, trace = sum(durations_ns), machine.trace
    if not trace.all:
        if total_ns:
            yield port.sleep(total_ns)
    else:
        began_ns, woken = port.now_ns, not total_ns
        due = trace.expect(lambda: _due(machine, move, began_ns, plan, durations_ns, woken))
        try:
            if total_ns:
                yield port.sleep(total_ns)
                woken = True
        finally:
            trace.settle(due)
    if not master.serves(machine):
        yield from _stand(machine, master, move)


def carry(
    master: Master, move: Move, sender: Any, receiver: Any, message: str, size_bytes: int = 0, plan: Plan = (),
    durations_ns: Durations = (),
) -> Iterable[Wait]:  # fmt: skip
    """Send something that concerns a move, wait until it is there, and let steps pass there.

    One event does for all of it, as in `passes`. Afterwards the receiver is there, or `move.decided()`.
    """
    size_bytes = size_bytes or sender.costs.message_bytes
    if sender is not receiver and master.undisturbed(sender, receiver):
        delay_ns = sender.network.occupy(sender, receiver, size_bytes)
        if delay_ns >= 0:
            delay_ns += sum(durations_ns)
            if sender.port.pass_at_once(delay_ns):
                return ()
            return _arrive(master, move, sender, receiver, message, delay_ns)
    return _carry(master, move, sender, receiver, message, size_bytes, plan, durations_ns)


def _arrive(master: Master, move: Move, sender: Any, receiver: Any, message: str, delay_ns: int) -> Steps:
    """Wait for something that was sent between two that work, while nobody keeps steps."""
    waiter, what = move.leg, (message, "from", sender.name, "to", receiver.name)
    if waiter is None:
        waiter = move.leg = Waiter(what, 0)
    else:
        waiter.what = what
    move.waiting = waiter
    yield sender.port.wait_until(waiter, delay_ns)
    move.waiting = None
    if not master.serves(receiver):
        yield from _stand(receiver, master, move)


def _carry(
    master: Master, move: Move, sender: Any, receiver: Any, message: str, size_bytes: int, plan: Plan,
    durations_ns: Durations,
) -> Steps:  # fmt: skip
    """Send something and wait for it, as `carry` has it."""
    if not master.serves(sender):
        yield from _stand(sender, master, move)
        if move.decided():
            return
    if sender is receiver:
        yield from passes(receiver, master, move, plan, durations_ns)
        return
    port, trace = sender.port, sender.trace
    if trace.all:
        sender.record(0, "message", message, receiver.name, size_bytes)
    total_ns = 0 if master.hooks else sum(durations_ns)
    link = sender.network.link(sender, receiver)
    move.waiting = waiter = Waiter(f"{message} from {sender.name} to {receiver.name}", port.now_ns)
    patience = _patience(master, move, sender, receiver, waiter) if link.cuts else None
    woken, due = False, None
    if trace.all and not master.hooks:

        def steps_due() -> Iterator[tuple[Any, ...]]:
            if waiter.due_ns >= 0:
                yield from _due(receiver, move, waiter.due_ns - total_ns, plan, durations_ns, woken)

        due = trace.expect(steps_due)
    try:
        if link.cuts:
            yield _once_mended(port, link, size_bytes, waiter, total_ns)
        else:
            delay_ns = port.occupy(link, size_bytes) + total_ns
            waiter.due_ns = port.now_ns + delay_ns
            yield port.wait(waiter, delay_ns)
        woken = True
    finally:
        move.waiting = None
        if patience is not None:
            patience.cancel()
        if due is not None:
            trace.settle(due)
    if master.hooks and not move.decided():
        yield from _one_by_one(receiver, master, move, plan, durations_ns)
    elif not master.serves(receiver):
        yield from _stand(receiver, master, move)


def _once_mended(port: Port, link: Link, size_bytes: int, waiter: Waiter, then_ns: int) -> Wait:
    """Wait until a message has passed over a link that is cut just now, and `then_ns` more; or until woken."""

    def arrived() -> None:
        waiter.due_ns = port.now_ns + then_ns
        port.after(then_ns, lambda: port.wake(waiter, Why.DONE))

    port.send(link, size_bytes, arrived)
    return port.wait(waiter)


def _patience(master: Master, move: Move, sender: Any, receiver: Any, waiter: Waiter) -> Timer | None:
    """Bound the wait for a connection between two slaves that is cut: no ping will find it out."""
    if master.machine in (sender, receiver):
        return None

    def give_up() -> None:
        move.silent = True
        sender.port.wake(waiter, Why.TIMEOUT)

    timer: Timer = sender.port.after(sum(sender.costs.tcp_retries_ns), give_up)
    return timer


def _one_by_one(machine: Any, master: Master, move: Move, plan: Plan, durations_ns: Durations) -> Steps:
    """Let steps pass while something is planned to strike at one of them."""
    port, closed = machine.port, False
    for (step, about), duration_ns in zip(plan, durations_ns, strict=True):
        if duration_ns:
            yield port.sleep(duration_ns)
        if not move.unqueued:  # else it goes on until it finds that out
            yield from _stand(machine, master, move)
            if move.decided():
                return
        closed = closed or (move.unqueued and step is Step.GHOST)
        if closed:
            continue
        if machine.trace.all:
            machine.record(move.process.pid, "step", step.name, about(move))
        if step is Step.GHOST:
            move.queued_ns = 0
        if master.reached(step, move):
            yield port.sleep(0)  # what strikes now strikes before anything else of this instant
    yield from _stand(machine, master, move)


def _due(
    machine: Any, move: Move, at_ns: int, plan: Plan, durations_ns: Durations, woken: bool
) -> Iterator[tuple[Any, ...]]:
    """Give records of the steps that were due, at their own instants; what kills strikes first in its instant."""
    last_ns = machine.port.now_ns if woken else machine.port.now_ns - 1
    if not machine.alive:
        last_ns = machine.died_ns - 1
    for (step, about), duration_ns in zip(plan, durations_ns, strict=True):
        at_ns += duration_ns
        if move.unqueued and step is Step.GHOST:
            return
        if at_ns <= last_ns:
            yield at_ns, machine.name, move.process.pid, "step", step.name, about(move)


def _stand(machine: Any, master: Master, move: Move) -> Steps:
    """Wait for a machine that does nothing any more, until its loss has been noticed."""
    while not move.decided() and not master.serves(machine):
        move.waiting = waiter = Waiter(f"an answer from {machine.name}", machine.port.now_ns)
        yield machine.port.wait(waiter)
        move.waiting = None
