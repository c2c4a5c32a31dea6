"""The wires between machines, and who listens on which port of each."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any

from attrs import define, field, frozen, setters

from bprocsim.port import Act, Args, Interface, Link

if TYPE_CHECKING:
    from bprocsim.posix.streams import Listener


@frozen
class Address:
    """A socket address: `host` a dotted quad ("" is any of the machine's own), `port` 0 to 65535."""

    host: str
    port: int


class Answer(Enum):
    """How an attempt to connect ended."""

    CONNECTED = "connected"
    REFUSED = "refused"
    SILENCE = "no answer"
    GONE = "the machine was lost"
    SIGNAL = "a signal came"


# The ports that are handed out to whoever asks for none. Source: linux-ip7.
EPHEMERAL = range(32768, 61000)


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Ports:
    """The TCP ports of one machine.

    `listeners` who listens where; `held` how many sockets hold a port: bound, listening, or at this
    end of a connection that began here (one that was accepted holds none, and none stays held after
    a close, as with SO_REUSEADDR); `refused` ports at which a fault lets nobody connect.
    """

    listeners: dict[int, Listener] = field(factory=dict)
    refused: list[int] = field(factory=list)
    held: dict[int, int] = field(factory=dict)
    next_ephemeral: int = EPHEMERAL.start

    def free_port(self) -> int:
        """Tell which port would be handed out next; 0 when all are held."""
        number = self.next_ephemeral
        for _ in EPHEMERAL:
            if number not in self.held:
                return number
            number = number + 1 if number + 1 in EPHEMERAL else EPHEMERAL.start
        return 0

    def take_port(self) -> int:
        """Hand out a port and hold it; somebody has made sure that there is one."""
        number = self.free_port()
        assert number, "free_port was asked"
        self.next_ephemeral = number + 1 if number + 1 in EPHEMERAL else EPHEMERAL.start
        self.hold(number)
        return number

    def hold(self, number: int) -> None:
        """Note that one more socket holds a port."""
        self.held[number] = self.held.get(number, 0) + 1

    def release(self, number: int) -> None:
        """Note that a socket holds a port no more."""
        left = self.held.pop(number) - 1
        if left:
            self.held[number] = left


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Network:
    """All machines that can reach one another, by address; links come into being when first asked for.

    `lookup` finds, or makes, the machine at a dotted quad at which nobody has looked yet.
    """

    lookup: Callable[[str], Any]
    machines: dict[str, Any] = field(factory=dict)
    links: dict[tuple[str, str], Link] = field(factory=dict)

    def machine(self, host: str) -> Any:
        """Find the machine at an address, or None."""
        return self.machines.get(host) or self.lookup(host)

    def link(self, sender: Any, receiver: Any) -> Link:
        """Give the direction from one machine to another; to itself, the loopback."""
        key = (sender.address, receiver.address)
        found = self.links.get(key)
        if found is None:
            found = self.links[key] = self._make(sender, receiver)
        return found

    def occupy(self, sender: Any, receiver: Any, size_bytes: int) -> int:
        """Let a message take its turn between two machines; tell in how many ns it is there, -1 if the link is cut.

        Where nobody has asked for the link itself nothing has befallen it, and it need not be made.
        """
        link = self.links.get((sender.address, receiver.address))
        if link is None:
            costs = sender.costs
            out, into = sender.interface_out, receiver.interface_in
            arrival_ns: int = sender.port.cross(out, into, size_bytes, costs.link_ns_per_mib) + costs.link_latency_ns
            return arrival_ns
        return -1 if link.cuts else int(sender.port.occupy(link, size_bytes))

    def latency_ns(self, sender: Any, receiver: Any) -> int:
        """Tell how long it takes from one machine to another where nothing slows it down."""
        link = self.links.get((sender.address, receiver.address))
        return int(sender.costs.link_latency_ns) if link is None else link.latency_ns

    def send(self, sender: Any, receiver: Any, size_bytes: int, act: Act, args: Args = ()) -> None:
        """Call `act(*args)` when `size_bytes` have passed from one machine to another; not while the link is cut."""
        delay_ns, port = self.occupy(sender, receiver, size_bytes), sender.port
        if delay_ns < 0:
            port.send(self.link(sender, receiver), size_bytes, act, args)
        else:
            port.deliver(sender.interface_out, receiver.interface_in, delay_ns, act, args)

    def _make(self, sender: Any, receiver: Any) -> Link:
        name = f"{sender.name} > {receiver.name}"
        costs = sender.costs
        if sender.address == receiver.address:
            return Link(name, costs.loopback_latency_ns, costs.loopback_ns_per_mib, Interface(), Interface())
        return Link(name, costs.link_latency_ns, costs.link_ns_per_mib, sender.interface_out, receiver.interface_in)
