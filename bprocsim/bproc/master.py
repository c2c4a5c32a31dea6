"""The master daemon: who is where, messages and their routes, nodes that are lost.

What travels between daemons are plain actions at the receiving end; they are dropped if that end
is no longer there. A silent node is found by its missing answers to pings: no event is spent on
the pings of live ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import define, field, setters

from bprocsim.bproc import connections
from bprocsim.bproc.editions import Edition
from bprocsim.bproc.ghost import Ghost, settle_wait
from bprocsim.bproc.nodes import LEAVING, Event, Node, NodeState, State, word_of
from bprocsim.bproc.steps import Step
from bprocsim.manual import Errors
from bprocsim.port import Steps, Timer, Waiter, Why
from bprocsim.posix.machine import Machine
from bprocsim.posix.procs import Ended, PidSpace, Process, Thread, release
from bprocsim.signals import Signal

if TYPE_CHECKING:
    from bprocsim.bproc.errands import Request
    from bprocsim.bproc.ghost import UnderWay
    from bprocsim.bproc.notifier import Notifier
    from bprocsim.bproc.transit import Move
    from bprocsim.posix.streams import Endpoint

_DOWN = NodeState.DOWN  # looking a member up in an Enum is slow


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Master:
    """bpmaster, and what it knows.

    `machine` the front end; `node_count` slaves, made by `make_node` when first asked for;
    `running` whether the daemon is there; `moves` those under way, by pid; `hooks` what a reached
    step sets off (faults); `searches` what will find out that a node is silent; `severed` the nodes
    whose daemon has given its master up; `forwarding` the ends that an iod reads, and where it is;
    `tables` what stands in place of an edition's tables of the other calls, by name; `notifiers` who
    is to be told of changes; `requests` what callers wait for that was asked of nodes; `waits`
    children for whom a parent on a slave has waited, by pid, with his machine, until the master hears
    so; `signals` those under way to a process, in order; `partings` how often a connection to a slave has
    ended; `asked_ns` when the nodes were last asked what their processes do; `failing_scripts` the nodes
    whose node_up script fails; `library_lists` a machine's list by its number, where it is not the edition's.
    """

    machine: Any
    edition: Edition
    execmove_errors: Errors
    pids: PidSpace
    node_count: int
    make_node: Callable[[int], Node]
    running: bool = True
    nodes: dict[int, Node] = field(factory=dict)
    moves: dict[int, Move] = field(factory=dict)
    hooks: list[Callable[[Step, Move], bool]] = field(factory=list)
    searches: dict[int, list[Timer]] = field(factory=dict)
    severed: set[int] = field(factory=set)
    forwarding: dict[Endpoint, Any] = field(factory=dict)
    tables: dict[str, Errors] = field(factory=dict)
    notifiers: list[Notifier] = field(factory=list)
    requests: list[Request] = field(factory=list)
    waits: dict[int, tuple[Process, Any]] = field(factory=dict)
    signals: dict[Process, list[UnderWay]] = field(factory=dict)
    partings: int = 0
    asked_ns: int | None = None
    failing_scripts: set[int] = field(factory=set)
    library_lists: dict[int, tuple[str, ...]] = field(factory=dict)

    # ---- who and where ----

    def node(self, number: int) -> Node | None:
        """Give a node's record, or None if no node has that number."""
        found = self.nodes.get(number)
        if found is None and 0 <= number < self.node_count:
            found = self.nodes[number] = self.make_node(number)
        return found

    def is_home(self, machine: Machine) -> bool:
        """Tell whether a machine is the front end."""
        return machine is self.machine

    def library_list(self, machine: Machine) -> tuple[str, ...]:
        """Give the paths that a machine's kernel sends by their names alone."""
        return self.library_lists.get(machine.number, self.edition.library_list)

    def serves(self, machine: Any) -> bool:
        """Tell whether a machine works: it has power, and its daemon is there."""
        if not machine.alive:
            return False
        return self.running if machine is self.machine else machine.number not in self.severed

    def undisturbed(self, one: Any, other: Any) -> bool:
        """Tell whether steps on two machines may pass in one go: both work, nothing strikes, nobody keeps steps."""
        if not (one.alive and other.alive and self.running) or self.hooks or one.trace.all:
            return False
        return not self.severed or not (one.number in self.severed or other.number in self.severed)

    def gave_up(self, machine: Any) -> bool:
        """Tell whether a machine is out of the space, and everybody who can know it does."""
        if machine is self.machine:
            return not machine.alive
        return machine.number in self.severed or self.nodes[machine.number].state is _DOWN

    def reaches(self, machine: Any) -> bool:
        """Tell whether a machine is in the space, as far as anybody knows."""
        return self.running and bool(machine.alive) and not self.gave_up(machine)

    # ---- messages ----

    def tell(self, sender: Any, receiver: Any, message: str, act: Callable[..., None], *args: Any) -> None:
        """Send a message from one machine's daemon to another's, which does `act(*args)`; between the same, at once."""
        if sender is receiver:
            act(*args)
            return
        if self._sends(sender, receiver, message):
            # No closure, and one tuple: messages may wait their turn by the thousand.
            about = (self, sender, receiver, self.partings, act, *args)
            sender.network.send(sender, receiver, sender.costs.message_bytes, _arrive, about)

    def inform(self, sender: Any, receiver: Any, message: str, act: Callable[..., None], *args: Any) -> int:
        """Send a message that lets nobody do anything: no event for it; gives the instant in ns at which it is there.

        -1 where nobody knows that: behind a cut link it does `act(*args)` when it comes, and else it never does.
        """
        if not self._sends(sender, receiver, message):
            return -1
        size_bytes = sender.costs.message_bytes
        delay_ns: int = sender.network.occupy(sender, receiver, size_bytes)
        if delay_ns >= 0:
            return int(sender.port.now_ns) + delay_ns
        about = (self, sender, receiver, self.partings, act, *args)
        sender.network.send(sender, receiver, size_bytes, _arrive, about)
        return -1

    def _sends(self, sender: Any, receiver: Any, message: str) -> bool:
        """Let a message go out, if its sender is there and linked with the receiver; tells whether it does."""
        if not sender.alive or (self.severed and (sender.number in self.severed or receiver.number in self.severed)):
            return False
        if sender.trace.all:
            sender.record(0, "message", message, receiver.name, sender.costs.message_bytes)
        return True

    def still_linked(self, sender: Any, receiver: Any, partings: int) -> bool:
        """Tell whether the connection still stands over which something was sent after so many partings."""
        nodes = [self.nodes[each.number] for each in (sender, receiver) if each is not self.machine]
        return all(node.parted <= partings for node in nodes)

    def _part(self, node: Node) -> None:
        """End the connection to a slave: what is on its way is lost, and nothing passes any more."""
        self.partings += 1
        node.parted = self.partings
        self.severed.add(node.number)

    # ---- what processes elsewhere need of the master ----

    def ask(self, machine: Any, thread: Thread, call: str, what: str, decide: Callable[[Any], Any]) -> Steps:
        """Have the ghost of a process do something, `decide(front end)`; gives what it gives.

        `what` is said of who waits. Signals wait until it is decided.
        """
        port = machine.port
        waiter: Any = None
        since_ns = port.now_ns
        answers: list[Any] = []
        heard = False

        def hear() -> None:
            nonlocal heard
            heard = True
            if waiter is not None:
                port.wake(waiter, Why.DONE)

        def act() -> None:
            answers.append(decide(self.machine))
            self.tell(self.machine, machine, f"{call} response", hear)

        self.tell(machine, self.machine, call, act)
        while not heard:
            waiter = thread.waiting = Waiter(what, since_ns)
            yield port.wait(waiter)
            thread.waiting = None
        return answers[0]

    def allocate_pid(self, machine: Any, thread: Thread) -> Steps:
        """Have a ghost forked for a child that is born on a slave; gives its pid, 0 if there is none."""
        pid, asking = 0, True

        def fork_ghost(_home: Any) -> int:
            nonlocal pid
            if asking:  # else who asked was killed meanwhile
                pid = self.pids.allocate()
            if pid:
                self.pids.table[pid] = None  # kept, until the child is born
            return pid

        try:
            yield from self.ask(machine, thread, "SYS_FORK", "fork(), which asks the master for a pid", fork_ghost)
        except GeneratorExit:
            asking = False
            if pid:
                del self.pids.table[pid]
            raise
        return pid

    def born(self, process: Process) -> None:
        """Enter a new process of the space; one that is born on a slave has a ghost at once."""
        self.pids.table[process.pid] = process
        if process.machine is not self.machine:
            process.ghost = Ghost(process, process.machine.number)

    def reached(self, step: Step, move: Move) -> bool:
        """Set off what was planned for a step that a move has reached; gives whether anything was."""
        struck = [hook(step, move) for hook in tuple(self.hooks)]
        return any(struck)

    # ---- nodes come and go ----

    def changed(self) -> None:
        """Let whoever asked for it learn that something about the nodes has changed."""
        for notifier in self.notifiers:
            notifier.note(self.machine.port)

    def silent(self, node: Node) -> None:
        """Note that nothing passes between the master and a node any more: the pings will find out.

        The master looks every half timeout and gives a node up at the third look after its last
        answer; a slave gives its master up when no ping has come for the timeout. Sources:
        bproc-4.0.0pre8-master, bproc-4.0.0pre8-slave.
        """
        if node.state is NodeState.DOWN or node.number in self.searches:
            return
        port = self.machine.port
        half_ns = self.edition.ping_timeout_ns // 2
        ping_ns = max(0, -(-port.now_ns // half_ns) - 1) * half_ns
        timers = self.searches[node.number] = []
        if self.running:
            delay_ns = ping_ns + 3 * half_ns - port.now_ns
            timers.append(port.after(delay_ns, lambda: self.lose(node, "ping timeout")))
        elif self.machine.alive:
            connections.run_out(self, node.machine)
        if node.machine.alive or not self.running:
            delay_ns = ping_ns + self.edition.ping_timeout_ns - port.now_ns
            timers.append(port.after(delay_ns, lambda: self.gives_up(node)))

    def heard(self, node: Node) -> None:
        """Note that a node and its master hear from each other again."""
        self._call_off(node)
        if node.number in self.severed:
            self.lose(node, "it had given its master up")

    def _call_off(self, node: Node) -> None:
        for timer in self.searches.pop(node.number, ()):
            timer.cancel()

    def lose(self, node: Node, reason: str) -> None:
        """Give a node up: it is down, its processes count as killed, moves to it have failed."""
        self._call_off(node)
        if node.state is NodeState.DOWN:
            return
        node.become(Event.LOST, NodeState.DOWN)
        machine = node.machine
        self._part(node)
        self.changed()
        self.machine.trace.add(self.machine.port.now_ns, machine.name, 0, "node", f"down ({reason})")
        connections.reset(self, machine)
        connections.end_forwarding(self, machine)
        for request in tuple(self.requests):
            if request.node is node:
                self.requests.remove(request)
                request.fail(self.machine.port, "lost")
        for move in list(self.moves.values()):
            if move.target is machine and not move.answered:
                move.lose_target()
            elif move.sender is machine and not move.there:
                move.lose_sender()
            elif move.source is machine and move.there:
                move.lose_source()
        self._kill_all(machine, told=True)

    def gives_up(self, node: Node) -> None:
        """Let a slave give its master up: it kills whatever belongs to the space."""
        machine = node.machine
        self._part(node)
        if machine.alive:
            machine.record(0, "node", "without a master")
        connections.end_forwarding(self, machine)
        self._kill_all(machine, told=not self.running)

    def _kill_all(self, machine: Any, *, told: bool) -> None:
        for process in list(machine.processes.values()):
            move = self.moves.get(process.pid)
            if self.running and move is not None and move.target is machine and not move.answered:
                continue  # it goes home, or is killed with the node that it came from
            self.kill(process, told=told)
        if told:
            for child, here in list(self.waits.values()):
                if here is machine or not self.running:
                    settle_wait(self, child)

    def kill(self, process: Process, *, told: bool = True) -> None:
        """Kill a process wherever it is, or note that it went down with its machine.

        `told`: the master knows, so the parent does. One that was reported stays as it is, and one
        that had ended unheard was killed as far as the master knows.
        """
        machine = process.machine
        if process.spared or process.reported:
            return
        self.signals.pop(process, None)
        killed = Ended(signal=int(Signal.SIGKILL))
        if process.ended is None:
            machine.kill_silently(process, killed)
            move = self.moves.pop(process.pid, None)
            if move is not None:
                move.let_go(forward=False)
            if not machine.alive:
                connections.silence(process.descriptors)
            release(machine, process)
            if machine.alive:
                machine.record(process.pid, "killed", "SIGKILL")
            elif self.running:
                self.machine.record(process.pid, "killed", "SIGKILL")
        if told:
            if self.running:
                process.ended = killed
            self.machine.report(process)

    def front_end_died(self) -> None:
        """Note that the master's machine has gone: what ran there is over, and the slaves will find out."""
        self.running = False
        connections.end_forwarding(self, self.machine)
        for move in list(self.moves.values()):
            if move.source is self.machine and move.there:
                move.let_go(forward=False)
        self._kill_all(self.machine, told=True)
        for node in list(self.nodes.values()):
            self._call_off(node)
            self.silent(node)

    def stop_daemon(self) -> None:
        """End the daemon and its iod: every ghost dies, and every slave kills what belongs to it, and its iod.

        Who was not a ghost yet finds the queue closed. Source: bproc-4.0.0pre8-move.
        """
        if not self.running:
            return
        self.running = False
        for machine in (self.machine, *(node.machine for node in self.nodes.values())):
            connections.end_forwarding(self, machine)
        while self.requests:
            self.requests.pop(0).fail(self.machine.port, "orphaned")
        for node in list(self.nodes.values()):
            if node.number in self.searches:
                connections.run_out(self, node.machine)
            self._call_off(node)
        for process in list(self.pids.table.values()):
            if process is not None and process.ghost is not None:
                move = self.moves.get(process.pid)
                if move is None or not move.lose_queue():
                    self.kill(process)
        for child, _ in list(self.waits.values()):
            settle_wait(self, child)

    def set_state(self, node: Node, state: State, word: bool = False) -> None:
        """Set a node's state as the administrator does.

        "down" disconnects it at once; so do "reboot", "halt" and "pwroff", for the slave closes its
        link first. A `word` changes nothing else. Source: bproc-4.0.0pre8-slave.
        """
        if state is NodeState.DOWN:
            self.lose(node, "set by the administrator")
            return
        if word or not isinstance(state, NodeState):
            node.be_called(state)
        else:
            node.become(Event.SET, state)
        self.changed()
        self.machine.trace.add(self.machine.port.now_ns, node.machine.name, 0, "node", word_of(state))
        if state in LEAVING:
            self.lose(node, word_of(state))
            from bprocsim.bproc import boot  # few nodes ever leave

            boot.leave(self, node, state)


def _arrive(
    master: Master, sender: Any, receiver: Any, partings: int, act: Callable[..., None], *args: Any
) -> None:  # fmt: skip
    """Do what a message says that was sent after so many partings, if its receiver and the connection are there."""
    if receiver.alive and (partings == master.partings or master.still_linked(sender, receiver, partings)):
        act(*args)
