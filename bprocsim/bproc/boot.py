"""How a slave comes: it starts, connects, boots, and is up once its node_up script says so; and how it leaves."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from bprocsim.bproc.nodes import Event, Node, NodeState

if TYPE_CHECKING:
    from bprocsim.bproc.master import Master

_BOOT, _DOWN = NodeState.BOOT, NodeState.DOWN


def start(master: Master, node: Node, after_ns: int = 0) -> None:
    """Let a slave start in `after_ns`, and connect when that has taken its time; an earlier start is called off.

    Source: bproc-4.0.0pre8-master.
    """
    port, costs = master.machine.port, master.machine.costs
    node.starts += 1
    port.first_at(port.now_ns + after_ns + costs.node_connect_ns, partial(_dial, master, node, node.starts))


def _dial(master: Master, node: Node, start: int) -> None:
    """Let its daemon connect; over a link that is cut that waits until it is mended."""
    machine, front = node.machine, master.machine
    link = machine.network.link(machine, front)
    machine.port.send(link, machine.costs.message_bytes, _connected, (master, node, start))


def _connected(master: Master, node: Node, start: int) -> None:
    """Take a slave into the space: what the master thought to be there is over, and it boots."""
    if node.starts != start or not (master.running and master.machine.alive):
        return
    if node.state is not _DOWN:
        master.lose(node, "replaced")
    machine = node.machine
    if not machine.alive:
        machine.revive()
    master.severed.discard(node.number)
    master.library_lists.pop(node.number, None)
    _become(master, node, Event.CONNECT, _BOOT)
    port = machine.port
    port.first_at(port.now_ns + machine.costs.node_up_ns, partial(_booted, master, node, start))


def _booted(master: Master, node: Node, start: int) -> None:
    """Let a slave be up if its script exits with 0, unless it is no longer booting."""
    if node.starts == start and node.state is _BOOT and node.machine.alive:
        failed = node.number in master.failing_scripts
        event, state = (Event.SCRIPT_FAILED, NodeState.ERROR) if failed else (Event.SCRIPT_OK, NodeState.UP)
        _become(master, node, event, state)


def _become(master: Master, node: Node, event: Event, state: NodeState) -> None:
    node.become(event, state)
    master.changed()
    if master.machine.trace.all:
        master.machine.trace.add(master.machine.port.now_ns, node.machine.name, 0, "node", state.value)


def order(master: Master, node: Node, state: NodeState) -> None:
    """Tell a slave to leave, as Scyld does: it is in the state until the master hears that its link is closed.

    Source: scyld-bpctl.
    """
    node.become(Event.SET, state)
    master.changed()
    home, machine = master.machine, node.machine
    home.trace.add(home.port.now_ns, machine.name, 0, "node", state.value)
    master.tell(home, machine, f"NODE_{state.name}", _closes, master, node, state)


def _closes(master: Master, node: Node, state: NodeState) -> None:
    """Let a slave close its link, and with it end what belongs to the space; the master hears of it, and it leaves."""
    machine, front = node.machine, master.machine
    master.gives_up(node)
    machine.network.send(machine, front, machine.costs.message_bytes, _closed, (master, node, state))
    leave(master, node, state)


def _closed(master: Master, node: Node, state: NodeState) -> None:
    """Let the master find a link closed, unless it has given the node up meanwhile, or has ended itself."""
    if node.state is state and master.running:
        master.lose(node, state.value)


def leave(master: Master, node: Node, state: NodeState) -> None:
    """Let a slave that has closed its link sync its disks, and then reboot, halt or be off.

    Source: bproc-4.0.0pre8-slave.
    """
    port, costs = master.machine.port, master.machine.costs
    if state is NodeState.REBOOT:
        start(master, node, costs.node_shutdown_ns)
    else:
        node.starts += 1
    port.first_at(port.now_ns + costs.node_shutdown_ns, partial(_off, node, node.starts))


def _off(node: Node, start: int) -> None:
    """Let a slave's machine stop, unless somebody has started it meanwhile."""
    if node.starts == start and node.machine.alive:
        node.machine.die()
