"""Where each fault strikes: on the state of lower rooms, or on hooks that they have.

A fault never picks an errno (that is for a table's row): it makes the world such that one is due.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bprocsim.bproc import connections
from bprocsim.bproc.master import Master
from bprocsim.bproc.nodes import NODE_MASTER, Event, NodeState
from bprocsim.faults.records import (
    ConnectRefused,
    CoreFails,
    Fault,
    Hang,
    IoError,
    LibraryMissing,
    LinkCut,
    Loss,
    MasterDaemonExit,
    MemoryFull,
    NodeUpFails,
    OpenFileLimit,
    PowerOff,
    PowerOn,
    SlowLink,
)


def machine_of(master: Any, number: int) -> Any:
    """Give the machine of a node, or the one that a partition has."""
    if not isinstance(master, Master):
        return master.home
    if number == NODE_MASTER:
        return master.machine
    node = master.node(number)
    assert node is not None
    return node.machine


def _power_off(fault: Any, engine: Any, master: Master) -> Callable[[], None] | None:
    machine = machine_of(master, fault.node)
    if fault.node == NODE_MASTER:
        if machine.alive:
            machine.die()
            master.front_end_died()
        return None
    node = master.node(fault.node)
    assert node is not None
    node.starts += 1  # if it was about to come, it does not
    if not machine.alive:
        return None
    machine.die()
    if isinstance(fault, PowerOff) and fault.step is None and engine.now_ns == 0:
        # It never connected, so nobody has to find out.
        if node.may(Event.LOST, NodeState.DOWN):
            node.become(Event.LOST, NodeState.DOWN)
    else:
        master.silent(node)
    return (lambda: _power_on(fault, engine, master)) if isinstance(fault, PowerOff) else None


def _power_on(fault: Any, engine: Any, master: Master) -> None:
    from bprocsim.bproc import boot  # in most worlds nothing comes back

    node = master.node(fault.node)
    assert node is not None
    if not node.machine.alive:
        boot.start(master, node)


def _script_fails(fault: Any, engine: Any, master: Master) -> Callable[[], None]:
    failing, number = master.failing_scripts, fault.node
    if number in failing:
        return lambda: None
    failing.add(number)
    return lambda: failing.discard(number)


def _cut(fault: Any, engine: Any, master: Master) -> Callable[[], None]:
    links = links_of(fault, master)
    for link in links:
        link.cuts += 1
    slave = max(fault.a, fault.b)
    node = master.node(slave) if NODE_MASTER in (fault.a, fault.b) else None
    if node is not None:
        master.silent(node)
    else:
        # No ping will find it out: connections between the two end when TCP has waited long enough.
        a, b = machine_of(master, fault.a), machine_of(master, fault.b)
        patience = engine.after(sum(a.costs.tcp_retries_ns), lambda: connections.reset(master, a, b))

    def mend() -> None:
        if node is None:
            patience.cancel()
        for link in links:
            engine.mend(link)
        if node is not None and not links[0].cuts and node.machine.alive and master.running:
            master.heard(node)

    return mend


def links_of(fault: Any, master: Master) -> tuple[Any, Any]:
    """Give the links, there and back, between the two machines of a fault."""
    a, b = machine_of(master, fault.a), machine_of(master, fault.b)
    return a.network.link(a, b), a.network.link(b, a)


def _slow(fault: Any, engine: Any, master: Master) -> Callable[[], None]:
    links = links_of(fault, master)
    for link in links:
        link.times *= fault.times

    def mend() -> None:
        for link in links:
            link.times //= fault.times

    return mend


def _lossy(fault: Any, engine: Any, master: Master) -> Callable[[], None]:
    links = links_of(fault, master)
    for link in links:
        link.lose(fault.probability)

    def mend() -> None:
        for link in links:
            link.lose(fault.probability, no_more=True)

    return mend


def _daemon_exit(fault: Any, engine: Any, master: Master) -> None:
    master.stop_daemon()


def _io_error(fault: Any, engine: Any, master: Master) -> Callable[[], None] | None:
    bad, path = machine_of(master, fault.node).tree.bad_paths, fault.path
    if not isinstance(path, bytes):
        path = str(path).encode("utf-8", "surrogateescape")
    if path in bad:
        return None
    bad.add(path)
    return lambda: bad.discard(path)


def _memory_full(fault: Any, engine: Any, master: Master) -> Callable[[], None]:
    memory = machine_of(master, fault.node).memory
    withheld = max(0, memory.free_bytes - fault.free_bytes)
    memory.withheld_bytes += withheld

    def give_back() -> None:
        memory.withheld_bytes -= withheld

    return give_back


def _file_limit(fault: Any, engine: Any, master: Master) -> Callable[[], None]:
    files = machine_of(master, fault.node).files
    withheld = max(0, files.limit - (files.used + fault.files))
    files.limit -= withheld

    def restore() -> None:
        files.limit += withheld

    return restore


def _refuse(fault: Any, engine: Any, master: Master) -> Callable[[], None]:
    refused = machine_of(master, fault.node).sockets.refused
    refused.append(fault.port)
    return lambda: refused.remove(fault.port)


def _hide(fault: Any, engine: Any, master: Master) -> Callable[[], None]:
    hidden, name = machine_of(master, fault.node).hidden, fault.name.encode("utf-8", "surrogateescape")
    hidden.append(name)
    return lambda: hidden.remove(name)


def _core_fails(fault: Any, engine: Any, system: Any) -> Callable[[], None]:
    from bprocsim.aix.processors import fail_core  # clusters have none

    return fail_core(system.home.partition, fault.core)


STRIKES: dict[type[Fault], Callable[[Any, Any, Any], Callable[[], None] | None]] = {
    PowerOff: _power_off,
    Hang: _power_off,
    PowerOn: _power_on,
    NodeUpFails: _script_fails,
    LinkCut: _cut,
    SlowLink: _slow,
    Loss: _lossy,
    MasterDaemonExit: _daemon_exit,
    IoError: _io_error,
    MemoryFull: _memory_full,
    OpenFileLimit: _file_limit,
    ConnectRefused: _refuse,
    LibraryMissing: _hide,
    CoreFails: _core_fails,
}
