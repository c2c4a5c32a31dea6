"""The master daemon: who is where, messages and their routes, nodes that are lost.

What travels between daemons are plain actions at the receiving end; they are dropped if that end
is no longer there. A silent node is found by its missing answers to pings: no event is spent on
the pings of live ones.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field, setters

from bprocsim.bproc.editions import Edition
from bprocsim.bproc.ghost import Ghost
from bprocsim.bproc.nodes import Event, Node, NodeState
from bprocsim.bproc.steps import Step
from bprocsim.manual import Errors
from bprocsim.port import Steps, Timer, Waiter, Why
from bprocsim.posix.machine import Machine
from bprocsim.posix.procs import Ended, PidSpace, Process, Thread
from bprocsim.posix.streams import Endpoint
from bprocsim.signals import Signal


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Move:
    """A process on its way from `source` to `target`.

    `routed` the master has given it to the target's node; `arrived` it runs there; `lost` the
    target was given up meanwhile; `waiting` what whoever drives it waits for; `held` the descriptors
    that it had, until they are closed or it comes back; `link` the source's end of the
    migration socket, for iod.
    """

    process: Process
    source: Machine
    destination: int
    target: Machine | None = None
    routed: bool = False
    arrived: bool = False
    lost: bool = False
    waiting: Waiter | None = None
    held: dict[int, Any] = field(factory=dict)
    link: Any = None


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Master:
    """bpmaster, and what it knows.

    `machine` the front end; `node_count` slaves, made by `make_node` when first asked for;
    `never_answered` ends a process that arrived on a node which was lost before the master heard so;
    `running` whether the daemon is there; `moves` those not yet answered, by pid; `hooks` what a
    reached step sets off (faults).
    """

    machine: Any
    edition: Edition
    execmove_errors: Errors
    pids: PidSpace
    node_count: int
    make_node: Callable[[int], Node]
    never_answered: Callable[[Move], None]
    running: bool = True
    nodes: dict[int, Node] = field(factory=dict)
    moves: dict[int, Move] = field(factory=dict)
    hooks: list[Callable[[Step, Move], None]] = field(factory=list)
    searches: dict[int, Timer] = field(factory=dict)

    # ---- who and where ----

    def node(self, number: int) -> Node | None:
        """Give a node's record, or None if no node has that number."""
        found = self.nodes.get(number)
        if found is None and 0 <= number < self.node_count:
            found = self.nodes[number] = self.make_node(number)
        return found

    def number_of(self, machine: Machine) -> int:
        """Give the node number of a machine, NODE_MASTER for the front end."""
        return machine.number

    def is_home(self, machine: Machine) -> bool:
        """Tell whether a machine is the front end."""
        return machine is self.machine

    # ---- messages ----

    def tell(self, sender: Any, receiver: Any, message: str, act: Callable[[], None], size_bytes: int = 0) -> None:
        """Send a message from one machine's daemon to another's; between the same, it is there at once."""
        if sender is receiver:
            act()
            return
        size_bytes = size_bytes or sender.costs.message_bytes
        if sender.trace.all:
            sender.record(0, "message", message, receiver.name, size_bytes)

        def arrive() -> None:
            if receiver.alive:
                act()

        sender.port.send(sender.network.link(sender, receiver), size_bytes, arrive)

    def by_master(self, sender: Any, receiver: Any, message: str, act: Callable[[], None]) -> None:
        """Send a message by way of the master, as all control messages go."""
        self.tell(sender, self.machine, message, lambda: self.tell(self.machine, receiver, message, act))

    # ---- what processes elsewhere need of the master ----

    def allocate_pid(self, machine: Any, thread: Thread) -> Steps:
        """Have a ghost forked for a child that is born on a slave; gives its pid, 0 if there is none."""
        if self.is_home(machine):
            return self.pids.allocate()
        port = machine.port
        waiter = Waiter("fork(), which asks the master for a pid", port.now_ns)
        answer: list[int] = []

        def fork_ghost() -> None:
            answer.append(self.pids.allocate())
            if answer[0]:
                self.pids.table[answer[0]] = None  # kept, until the child is born
            self.tell(self.machine, machine, "SYS_FORK response", lambda: port.wake(waiter, Why.DONE))

        self.tell(machine, self.machine, "SYS_FORK", fork_ghost)
        thread.waiting = waiter
        yield port.wait(waiter)
        thread.waiting = None
        return answer[0]

    def born(self, process: Process) -> None:
        """Enter a new process of the space; one that is born on a slave has a ghost at once."""
        self.pids.table[process.pid] = process
        if not self.is_home(process.machine):
            process.ghost = Ghost(process, self.number_of(process.machine))

    def forward_signal(self, sender: Any, process: Process, signum: int) -> None:
        """Send a signal to wherever a process is by then; it queues behind a move."""
        from bprocsim.posix.signaling import post

        target = process.machine
        self.by_master(sender, target, "FWD_SIG", lambda: post(process.machine, process, signum, None))

    def exited(self, process: Process) -> None:
        """Let the ghost, and so the parent, learn that a process ended on a slave."""

        def ghost_exits() -> None:
            if not process.reported:
                self.machine.report(process)

        self.tell(process.machine, self.machine, "EXIT", ghost_exits)

    # ---- moves ----

    def reached(self, step: Step, move: Move) -> None:
        """Note that a move has reached a step, and set off what was planned for it."""
        for hook in tuple(self.hooks):
            hook(step, move)

    def give_up(self, move: Move) -> None:
        """Wake whoever drives a move whose target is gone."""
        move.lost = True
        if move.waiting is not None:
            move.source.port.wake(move.waiting, Why.GONE)

    # ---- nodes come and go ----

    def silent(self, node: Node) -> None:
        """Note that a node no longer answers: the pings will find out.

        The master looks every half timeout and gives a node up at the third look after its last
        answer. Source: bproc-4.0.0pre8-master.
        """
        if node.state is NodeState.DOWN or node.number in self.searches or not self.running:
            return
        port = self.machine.port
        half_ns = self.edition.ping_timeout_ns // 2
        last_answer = max(0, -(-port.now_ns // half_ns) - 1) * half_ns
        self.searches[node.number] = port.after(
            last_answer + 3 * half_ns - port.now_ns, lambda: self.lose(node, "ping timeout")
        )

    def heard(self, node: Node) -> None:
        """Note that a node answers again before it was given up."""
        timer = self.searches.pop(node.number, None)
        if timer is not None:
            timer.cancel()

    def lose(self, node: Node, reason: str) -> None:
        """Give a node up: it is down, its processes count as killed, moves to it have failed."""
        self.heard(node)
        if node.state is NodeState.DOWN:
            return
        node.become(Event.LOST, NodeState.DOWN)
        self.machine.trace.add(self.machine.port.now_ns, node.machine.name, 0, "node", f"down ({reason})")
        machine = node.machine
        for move in list(self.moves.values()):
            if move.target is machine and move.routed:
                self.give_up(move)
        for process in list(machine.processes.values()):
            self._lost_process(machine, process)

    def _lost_process(self, machine: Any, process: Process) -> None:
        """Let a process on a lost node be killed there, if the node lives, and be reported dead here."""
        for descriptor in process.descriptors.values():
            end = descriptor.description
            if isinstance(end, Endpoint) and end.peer is not None and not machine.alive:
                end.peer.be_reset(machine.port)
        move = self.moves.get(process.pid)
        if move is not None and move.target is machine:
            if move.arrived:
                self.never_answered(move)
            return  # else whoever drives the move ends it
        if process.ended is None:
            machine.kill_silently(process, Ended(signal=int(Signal.SIGKILL)))
        if not process.reported:
            self.machine.report(process)

    def stop_daemon(self) -> None:
        """End the daemon: every ghost dies, and every slave kills what belongs to the space."""
        if not self.running:
            return
        self.running = False
        for node in list(self.nodes.values()):
            self.heard(node)
        for process in list(self.pids.table.values()):
            if process is not None and process.ghost is not None and process.ended is None:
                process.machine.kill_silently(process, Ended(signal=int(Signal.SIGKILL)))
                self.machine.report(process)

    def set_state(self, node: Node, state: NodeState) -> None:
        """Set a node's state as the administrator does; "down" disconnects it at once."""
        if state is NodeState.DOWN:
            self.lose(node, "set by the administrator")
            return
        node.become(Event.SET, state)
        self.machine.trace.add(self.machine.port.now_ns, node.machine.name, 0, "node", state.value)
