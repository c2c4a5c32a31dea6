"""The wires between machines, and who listens on which port of each."""

from __future__ import annotations

from enum import Enum
from typing import Any

from attrs import define, field, frozen, setters

from bprocsim.port import Interface, Link
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


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Ports:
    """The TCP ports of one machine: who listens where; `refused` ports answer nobody (a fault)."""

    listeners: dict[int, Listener] = field(factory=dict)
    refused: list[int] = field(factory=list)
    next_ephemeral: int = 32768

    def free_port(self) -> int:
        """Hand out a port that nobody uses; 0 when there is none."""
        for _ in range(61000 - 32768):
            number = self.next_ephemeral
            self.next_ephemeral = 32768 if number >= 60999 else number + 1
            if number not in self.listeners:
                return number
        return 0


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Network:
    """All machines that can reach one another, by address; links come into being when first used."""

    machines: dict[str, Any] = field(factory=dict)
    links: dict[tuple[str, str], Link] = field(factory=dict)

    def machine(self, host: str) -> Any:
        """Find the machine at an address, or None."""
        return self.machines.get(host)

    def link(self, sender: Any, receiver: Any) -> Link:
        """Give the direction from one machine to another; to itself, the loopback."""
        key = (sender.address, receiver.address)
        found = self.links.get(key)
        if found is None:
            found = self.links[key] = self._make(sender, receiver)
        return found

    def _make(self, sender: Any, receiver: Any) -> Link:
        name = f"{sender.name} > {receiver.name}"
        costs = sender.costs
        if sender is receiver:
            return Link(name, costs.loopback_latency_ns, costs.loopback_ns_per_mib, Interface(), Interface())
        return Link(name, costs.link_latency_ns, costs.link_ns_per_mib, sender.interface_out, receiver.interface_in)
