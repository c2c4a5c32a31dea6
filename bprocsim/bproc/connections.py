"""What becomes of connections when a machine is lost, or its daemon: nobody is left who could end them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from bprocsim.posix.procs import Descriptor
from bprocsim.posix.streams import Endpoint, Listener

if TYPE_CHECKING:
    from bprocsim.bproc.master import Master


def reset(master: Master, machine: Any, other: Any = None) -> None:
    """Throw away the connections of a machine that was given up with all others, or with one.

    The same for two machines whose link has been cut for longer than TCP waits.
    """
    port = master.machine.port

    def concerned(where: Any, end: Endpoint) -> bool:
        ends = (where, _at_the_other_end(master, end))
        return machine in ends and (other is None or other in ends) and _cut_off(machine, end)

    for end, where in list(master.forwarding.items()):
        if concerned(where, end):
            end.be_reset(port)
    everybody = [(each.machine, each) for each in master.pids.table.values() if each is not None]
    divided = [node.machine for node in master.nodes.values() if node.machine.apart is not None]
    everybody += [(where, each) for where in divided for each in where.apart.processes.values()]
    for where, process in everybody:
        for descriptor in list(process.descriptors.values()):
            end = descriptor.description
            if isinstance(end, Endpoint) and end.peer is not None and not end.reset and concerned(where, end):
                end.peer.be_reset(port)
                end.be_reset(port)


def run_out(master: Master, machine: Any) -> None:
    """Reset the connections of a machine when TCP has waited long enough: no daemon is left that could give it up."""
    machine.port.after(sum(machine.costs.tcp_retries_ns), partial(reset, master, machine))


def end_forwarding(master: Master, machine: Any) -> None:
    """Let the iod of a machine be over: it goes with its daemon, and whoever writes to it learns that."""
    port = machine.port
    for end, where in list(master.forwarding.items()):
        if where is machine:
            peer, link = end.peer, end.link
            end.be_reset(port)
            if machine.alive and peer is not None and link is not None:
                port.send(link, 0, peer.be_reset, (port,))


def _at_the_other_end(master: Master, end: Endpoint) -> Any:
    return master.machine.network.machine(end.remote.host) if end.remote is not None else None


def _cut_off(machine: Any, end: Endpoint) -> bool:
    """Tell whether nothing passes over a connection of a machine, so that its end says nothing either."""
    return not machine.alive or bool(end.link is not None and end.link.cuts)


def silence(descriptors: dict[int, Descriptor]) -> None:
    """Cut the connections of a machine that has died: it sends nobody an end of file."""
    for descriptor in descriptors.values():
        description = descriptor.description
        if isinstance(description, Listener):
            for end in description.waiting:
                end.link = None
        elif isinstance(description, Endpoint):
            description.link = None
