"""Faults as data, and where they strike: on the state of lower rooms, or on hooks that they have.

A fault never picks an errno (that is for a table's row): it makes the world such that one is due.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import attrs
from attrs import field, frozen, validators

from bprocsim.bproc.master import Master
from bprocsim.bproc.nodes import NODE_MASTER, Event, NodeState
from bprocsim.bproc.steps import Step
from bprocsim.bproc.transit import Move


def _at_least(least: int) -> Any:
    def check(_fault: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"{attribute.name}: expected an int, got {value!r}")
        if value < least:
            raise ValueError(f"{attribute.name}: expected at least {least}, got {value}")

    return check


def _is_path(_fault: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str | bytes | PurePosixPath):
        raise TypeError(f"{attribute.name}: expected str, bytes or a path, got {value!r}")
    if not (value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")).startswith(b"/"):
        raise ValueError(f"{attribute.name}: expected an absolute path, got {value!r}")


def _is_text(_fault: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{attribute.name}: expected a str, got {value!r}")


def _is_step(_fault: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not isinstance(value, Step):
        raise TypeError(f"{attribute.name}: expected a member of bp.Step, got {value!r}")


def _is_probability(_fault: Any, attribute: attrs.Attribute[Any], value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{attribute.name}: expected a number, got {value!r}")
    if not 0 <= value < 1:
        raise ValueError(f"{attribute.name}: expected 0 or more and less than 1, got {value!r}")


def _are_two(fault: Any) -> None:
    if fault.a == fault.b:
        raise ValueError(f"a, b: a link has two ends, got {fault.a} twice")


_is_node = _at_least(NODE_MASTER)
_time = _at_least(0)


@frozen
class Fault:
    """What goes wrong in a world, and when: `at_ns` nanoseconds after its beginning."""


def _check_window(fault: Any) -> None:
    if fault.until_ns is not None and fault.until_ns <= fault.at_ns:
        raise ValueError(f"until_ns: expected an instant after at_ns={fault.at_ns}, got {fault.until_ns}")


@frozen
class PowerOff(Fault):
    """A node loses power: at `at_ns`, or when a move that it takes part in reaches `step`; never both.

    At 0 the node never connected, so it is down. Later nobody is told: pings find out.
    """

    node: int = field(validator=_is_node)
    at_ns: int | None = field(default=None, validator=validators.optional(_time))
    step: Step | None = field(default=None, validator=validators.optional(_is_step))

    def __attrs_post_init__(self) -> None:
        if self.at_ns is not None and self.step is not None:
            raise ValueError("at_ns, step: PowerOff takes one of them, never both")


@frozen
class PowerOn(Fault):
    """A slave that has no power, or hangs, is switched on at `at_ns`: it connects, boots, and is up."""

    node: int = field(validator=_at_least(0))
    at_ns: int = field(default=0, validator=_time)


@frozen
class Hang(Fault):
    """A node stops at `at_ns` without a word; the ping timeout finds it."""

    node: int = field(validator=_is_node)
    at_ns: int = field(default=0, validator=_time)


@frozen
class NodeUpFails(Fault):
    """The script that sets a node up fails from `at_ns` on: the node boots into "error"."""

    node: int = field(validator=_at_least(0))
    at_ns: int = field(default=0, validator=_time)


@frozen
class LinkCut(Fault):
    """Nothing passes between nodes `a` and `b` from `at_ns` to `until_ns` (None: for ever)."""

    a: int = field(validator=_is_node)
    b: int = field(validator=_is_node)
    at_ns: int = field(default=0, validator=_time)
    until_ns: int | None = field(default=None, validator=validators.optional(_time))

    def __attrs_post_init__(self) -> None:
        _are_two(self)
        _check_window(self)


@frozen
class SlowLink(Fault):
    """What passes between nodes `a` and `b` takes `times` as long."""

    a: int = field(validator=_is_node)
    b: int = field(validator=_is_node)
    times: int = field(default=2, validator=_at_least(1))
    at_ns: int = field(default=0, validator=_time)
    until_ns: int | None = field(default=None, validator=validators.optional(_time))

    def __attrs_post_init__(self) -> None:
        _are_two(self)
        _check_window(self)


@frozen
class Loss(Fault):
    """Each message between nodes `a` and `b` is lost with `probability`, and sent again."""

    a: int = field(validator=_is_node)
    b: int = field(validator=_is_node)
    probability: float = field(default=0.01, validator=_is_probability)
    at_ns: int = field(default=0, validator=_time)
    until_ns: int | None = field(default=None, validator=validators.optional(_time))

    def __attrs_post_init__(self) -> None:
        _are_two(self)
        _check_window(self)


@frozen
class MasterDaemonExit(Fault):
    """The master daemon ends at `at_ns`: ghosts die, slaves kill, and later calls find no master."""

    at_ns: int = field(default=0, validator=_time)


@frozen
class IoError(Fault):
    """The disk of a node cannot read what `path` names: a file's contents, or a directory."""

    node: int = field(validator=_is_node)
    path: str | bytes | PurePosixPath = field(validator=_is_path)
    at_ns: int = field(default=0, validator=_time)


@frozen
class MemoryFull(Fault):
    """A node has only `free_bytes` of memory left."""

    node: int = field(validator=_is_node)
    free_bytes: int = field(default=0, validator=_time)
    at_ns: int = field(default=0, validator=_time)


@frozen
class OpenFileLimit(Fault):
    """A node lets only `files` more be open, counting all of its processes."""

    node: int = field(validator=_is_node)
    files: int = field(default=0, validator=_time)
    at_ns: int = field(default=0, validator=_time)


@frozen
class ConnectRefused(Fault):
    """A node refuses connections to `port`."""

    node: int = field(validator=_is_node)
    port: int = field(validator=[_time, validators.le(0xFFFF)])
    at_ns: int = field(default=0, validator=_time)


@frozen
class LibraryMissing(Fault):
    """A node's loader does not find the library `name`."""

    node: int = field(validator=_is_node)
    name: str = field(validator=_is_text)
    at_ns: int = field(default=0, validator=_time)


@frozen
class CoreFails(Fault):
    """A core of a partition fails at `at_ns`, with all its hardware threads; nobody is asked or warned."""

    core: int = field(validator=_time)
    at_ns: int = field(default=0, validator=_time)


class Planned:
    """A fault given to a world: whether it has struck (`fired`), and a way to call it off.

    Used with `with`, it is called off, or undone where that makes sense, at the end.
    """

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.fired = False
        self.cancelled = False
        self._undo: list[Callable[[], None]] = []

    def cancel(self) -> None:
        """Call it off; what it has done and can be undone is undone."""
        self.cancelled = not self.fired
        while self._undo:
            self._undo.pop()()

    def __enter__(self) -> Planned:
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()

    def __repr__(self) -> str:
        return f"<{self.fault!r}, {'struck' if self.fired else 'called off' if self.cancelled else 'planned'}>"


def plan(fault: Fault, engine: Any, master: Any) -> Planned:
    """Give a fault to a cluster by its Master, or to a partition, whose `home` is its machine.

    What is due now or earlier strikes at once. ValueError: a node or core that is not there, a step
    of a fault that has none, a fault that strikes no system of this kind. TypeError: no fault.
    """
    if not isinstance(fault, Fault):
        raise TypeError(f"faults: expected faults such as bp.PowerOff(node=2), got {fault!r}")
    if isinstance(master, Master):
        _check_for_cluster(fault, master)
    else:
        _check_for_partition(fault, master.home.partition)
    planned = Planned(fault)
    strike = _STRIKES[type(fault)]

    def happens() -> None:
        planned.fired = True
        _machine(master, NODE_MASTER).record(0, "fault", repr(fault))
        planned._undo.clear()  # what would have called it off
        undo = strike(fault, engine, master)
        if undo is not None:
            planned._undo.append(undo)
        until_ns = getattr(fault, "until_ns", None)
        if until_ns is not None:
            ends = engine.first_at(max(until_ns, engine.now_ns), planned.cancel)
            if isinstance(fault, LinkCut):
                for link in _links(fault, master):
                    link.mending = ends

    step = getattr(fault, "step", None)
    if step is not None:
        _wait_for_step(fault, step, engine, master, planned, happens)
        return planned
    at_ns = getattr(fault, "at_ns", 0) or 0
    if at_ns <= engine.now_ns:
        happens()
    else:
        timer = engine.first_at(at_ns, happens)
        planned._undo.append(timer.cancel)
    return planned


def _check_for_cluster(fault: Fault, master: Master) -> None:
    if isinstance(fault, CoreFails):
        raise ValueError("faults: CoreFails strikes a partition, and this is a cluster")
    for name in ("node", "a", "b"):
        number = getattr(fault, name, NODE_MASTER)
        if number != NODE_MASTER and master.node(number) is None:
            raise ValueError(f"{name}: there is no node {number}; nodes are 0 to {master.node_count - 1}")


def _check_for_partition(fault: Any, partition: Any) -> None:
    if type(fault) not in _OF_ONE_MACHINE:
        known = ", ".join(sorted(kind.__name__ for kind in _OF_ONE_MACHINE))
        raise ValueError(f"faults: a partition can have {known}; {type(fault).__name__} strikes a cluster")
    if isinstance(fault, CoreFails):
        if fault.core >= partition.topology.cores:
            raise ValueError(f"core: there is no core {fault.core}; cores are 0 to {partition.topology.cores - 1}")
    elif fault.node != NODE_MASTER:
        raise ValueError(f"node: a partition has one machine, bp.BPROC_NODE_MASTER, got {fault.node}")


def _wait_for_step(
    fault: Any, step: Step, engine: Any, master: Master, planned: Planned, happens: Callable[[], None]
) -> None:
    def hook(reached: Step, move: Move) -> bool:
        # The master takes part in every move.
        takes_part = fault.node in (NODE_MASTER, move.destination, move.source.number)
        if reached is not step or not takes_part:
            return False
        master.hooks.remove(hook)
        # Whoever reached the step is still at it: strike next, before all else of this instant.
        planned._undo.append(engine.first_at(engine.now_ns, happens).cancel)
        return True

    def remove() -> None:
        if hook in master.hooks:
            master.hooks.remove(hook)

    master.hooks.append(hook)
    planned._undo.append(remove)


# ---- where each one strikes ----------------------------------------------------------------------


def _machine(master: Any, number: int) -> Any:
    """Give the machine of a node, or the one that a partition has."""
    if not isinstance(master, Master):
        return master.home
    if number == NODE_MASTER:
        return master.machine
    node = master.node(number)
    assert node is not None
    return node.machine


def _power_off(fault: Any, engine: Any, master: Master) -> Callable[[], None] | None:
    machine = _machine(master, fault.node)
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
    links = _links(fault, master)
    for link in links:
        link.cuts += 1
    slave = max(fault.a, fault.b)
    node = master.node(slave) if NODE_MASTER in (fault.a, fault.b) else None
    if node is not None:
        master.silent(node)
    else:
        # No ping will find it out: connections between the two end when TCP has waited long enough.
        a, b = _machine(master, fault.a), _machine(master, fault.b)
        patience = engine.after(sum(a.costs.tcp_retries_ns), lambda: master.part(a, b))

    def mend() -> None:
        if node is None:
            patience.cancel()
        for link in links:
            engine.mend(link)
        if node is not None and not links[0].cuts and node.machine.alive and master.running:
            master.heard(node)

    return mend


def _links(fault: Any, master: Master) -> tuple[Any, Any]:
    a, b = _machine(master, fault.a), _machine(master, fault.b)
    return a.network.link(a, b), a.network.link(b, a)


def _slow(fault: Any, engine: Any, master: Master) -> Callable[[], None]:
    links = _links(fault, master)
    for link in links:
        link.times *= fault.times

    def mend() -> None:
        for link in links:
            link.times //= fault.times

    return mend


def _lossy(fault: Any, engine: Any, master: Master) -> Callable[[], None]:
    links = _links(fault, master)
    for link in links:
        link.lose(fault.probability)

    def mend() -> None:
        for link in links:
            link.lose(fault.probability, no_more=True)

    return mend


def _daemon_exit(fault: Any, engine: Any, master: Master) -> None:
    master.stop_daemon()


def _io_error(fault: Any, engine: Any, master: Master) -> Callable[[], None] | None:
    bad, path = _machine(master, fault.node).tree.bad_paths, fault.path
    if not isinstance(path, bytes):
        path = str(path).encode("utf-8", "surrogateescape")
    if path in bad:
        return None
    bad.add(path)
    return lambda: bad.discard(path)


def _memory_full(fault: Any, engine: Any, master: Master) -> Callable[[], None]:
    memory = _machine(master, fault.node).memory
    withheld = max(0, memory.free_bytes - fault.free_bytes)
    memory.withheld_bytes += withheld

    def give_back() -> None:
        memory.withheld_bytes -= withheld

    return give_back


def _file_limit(fault: Any, engine: Any, master: Master) -> Callable[[], None]:
    files = _machine(master, fault.node).files
    withheld = max(0, files.limit - (files.used + fault.files))
    files.limit -= withheld

    def restore() -> None:
        files.limit += withheld

    return restore


def _refuse(fault: Any, engine: Any, master: Master) -> Callable[[], None]:
    refused = _machine(master, fault.node).sockets.refused
    refused.append(fault.port)
    return lambda: refused.remove(fault.port)


def _hide(fault: Any, engine: Any, master: Master) -> Callable[[], None]:
    hidden, name = _machine(master, fault.node).hidden, fault.name.encode("utf-8", "surrogateescape")
    hidden.append(name)
    return lambda: hidden.remove(name)


def _core_fails(fault: Any, engine: Any, system: Any) -> Callable[[], None]:
    from bprocsim.aix.processors import fail_core  # clusters have none

    return fail_core(system.home.partition, fault.core)


_STRIKES: dict[type[Fault], Callable[[Any, Any, Any], Callable[[], None] | None]] = {
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

# What strikes a partition, which has no nodes and no links.
_OF_ONE_MACHINE = frozenset({CoreFails, IoError, MemoryFull, OpenFileLimit, ConnectRefused, LibraryMissing})
