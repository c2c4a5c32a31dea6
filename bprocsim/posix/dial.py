"""Connecting: requests to a listener that may be full, busy or dead, until one is answered."""

from __future__ import annotations

from typing import Any, Protocol

from bprocsim.port import Steps, Timer, Waiter, WaitQueue, Why
from bprocsim.posix.machine import Machine
from bprocsim.posix.network import Address, Answer
from bprocsim.posix.streams import Endpoint, Listener, connect_ends

# The address that stands for all of a machine's own.
ANY = "0.0.0.0"


class Holder(Protocol):
    """Who waits: a thread, or a process on its way."""

    waiting: Waiter | None


class Dial:
    """An attempt to connect from `machine` to `remote`, an address of `target`.

    A request that finds the listener's queue full, or a dead machine, gets no answer and is sent
    again after each pause of `tcp_retries_ns`. `answer` how it ended, and then `end` what was made;
    `waiting` those who want to know. It goes on without them. Source: linux-tcp7.
    """

    __slots__ = (
        "_bound", "_heard", "_number", "_timer", "_tries", "answer", "end", "machine", "remote", "target", "waiting",
    )  # fmt: skip

    def __init__(self, machine: Machine, target: Any, remote: Address, bound: Address | None = None) -> None:
        self.machine = machine
        self.target = target
        self.remote = remote
        self.answer: Answer | None = None
        self.end: Endpoint | None = None
        self.waiting = WaitQueue()
        self._bound = bound
        self._number = machine.sockets.take_port() if bound is None else bound.port
        self._heard = False
        self._timer: Timer | None = None
        self._tries = 0
        self._ask()

    def give_up(self) -> None:
        """Let nobody wait for it any more; a connection that stands already is thrown away."""
        if self.answer is None:
            self._settle(Answer.GONE, None)
        elif self.end is not None:
            if self._bound is not None:
                self.end.on_close = None  # its socket still holds the port
            self.end.throw_away(self.machine.port)

    def _ask(self) -> None:
        port, costs = self.machine.port, self.machine.costs
        if self._tries == len(costs.tcp_retries_ns):
            self._settle(Answer.SILENCE, None)
            return
        self._timer = port.after(costs.tcp_connect_ns + costs.tcp_retries_ns[self._tries], self._ask)
        self._tries += 1
        port.send(self.machine.network.link(self.machine, self.target), 0, self._request)

    def _request(self) -> None:
        """Be heard by the target, which answers once or not at all."""
        target, machine = self.target, self.machine
        if self._heard or self.answer is not None or not target.alive:
            return
        listener = target.sockets.listeners.get(self.remote.port)
        answer, here = Answer.REFUSED, None
        if listener is not None and self._may_reach(listener):
            if listener.full:
                return
            answer, here = Answer.CONNECTED, self._connect(listener)
        self._heard = True
        back = machine.network.link(target, machine)
        machine.port.send(back, 0, self._settle, (answer, here))

    def _may_reach(self, listener: Listener) -> bool:
        return listener.local.host in (ANY, self.remote.host) and self.remote.port not in self.target.sockets.refused

    def _connect(self, listener: Listener) -> Endpoint:
        """Make both ends at the target, and put one of them into its listener's queue."""
        machine, room = self.machine, self.machine.costs.socket_buffer_bytes
        local = Address(self.remote.host if self.target is machine else machine.address, self._number)
        here = Endpoint(room, local=local, remote=self.remote)
        there = Endpoint(room, local=self.remote, remote=local)
        network, ports, number = machine.network, machine.sockets, self._number
        connect_ends(here, there, network.link(machine, self.target), network.link(self.target, machine))
        here.on_close = lambda: ports.release(number)
        listener.arrive(machine.port, there)
        return here

    def _settle(self, answer: Answer, end: Endpoint | None) -> None:
        """Learn how it ended; an answer that comes too late is thrown away."""
        port = self.machine.port
        if self.answer is not None:
            if end is not None:
                end.on_close = None
                end.throw_away(port)
            return
        self.answer, self.end = answer, end
        if self._timer is not None:
            self._timer.cancel()
        if end is None and self._bound is None:
            self.machine.sockets.release(self._number)
        self.waiting.wake_all(port, Why.DATA)


def reach(machine: Machine, target: Any, number: int, holder: Holder, what: str) -> Steps:
    """Try to connect from `machine` to a port of `target`; gives (Answer, Endpoint or None).

    Whoever is killed meanwhile leaves nothing of it behind.
    """
    port = machine.port
    dial = Dial(machine, target, Address(target.address, number))
    try:
        while dial.answer is None:
            waiter = Waiter(what, port.now_ns)
            holder.waiting = waiter
            why = yield dial.waiting.join(port, waiter)
            holder.waiting = None
            if why is Why.GONE:
                dial.give_up()
    except GeneratorExit:
        dial.give_up()  # no descriptor holds it yet
        raise
    return dial.answer, dial.end
