"""A fault given to a world: checked, waited for, called off or undone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bprocsim.bproc.master import Master
from bprocsim.bproc.nodes import NODE_MASTER
from bprocsim.bproc.steps import Step
from bprocsim.bproc.transit import Move
from bprocsim.faults.callrules import rule_of
from bprocsim.faults.records import (
    CallFails,
    ConnectRefused,
    CoreFails,
    Fault,
    IoError,
    LibraryMissing,
    LinkCut,
    MemoryFull,
    OpenFileLimit,
)
from bprocsim.faults.strikes import STRIKES, links_of, machine_of

# What strikes a partition, which has no nodes and no links.
_OF_ONE_MACHINE = frozenset({CallFails, CoreFails, IoError, MemoryFull, OpenFileLimit, ConnectRefused, LibraryMissing})

# Faults that are in force for a while and strike each time that something is done: what counts them, and tells.
COUNTED: dict[type[Fault], Callable[[Any, Any, Any, Planned], Callable[[Any, Any, Any], Callable[[], None] | None]]] = {
    CallFails: rule_of,
}


class Planned:
    """A fault given to a world: how often it has struck (`fired`), and a way to call it off.

    Used with `with`, it is called off, or undone where that makes sense, at the end.
    """

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.fired = 0
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
    counted = COUNTED.get(type(fault))
    strike = STRIKES[type(fault)] if counted is None else counted(fault, engine, master, planned)

    def happens() -> None:
        if counted is None:
            planned.fired = 1
            machine_of(master, NODE_MASTER).record(0, "fault", repr(fault))
        planned._undo.clear()  # what would have called it off
        undo = strike(fault, engine, master)
        if undo is not None:
            planned._undo.append(undo)
        until_ns = getattr(fault, "until_ns", None)
        if until_ns is not None:
            ends = engine.first_at(max(until_ns, engine.now_ns), planned.cancel)
            if isinstance(fault, LinkCut):
                for link in links_of(fault, master):
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
        if number not in (NODE_MASTER, None) and master.node(number) is None:
            raise ValueError(f"{name}: there is no node {number}; nodes are 0 to {master.node_count - 1}")


def _check_for_partition(fault: Any, partition: Any) -> None:
    if type(fault) not in _OF_ONE_MACHINE:
        known = ", ".join(sorted(kind.__name__ for kind in _OF_ONE_MACHINE))
        raise ValueError(f"faults: a partition can have {known}; {type(fault).__name__} strikes a cluster")
    if isinstance(fault, CoreFails):
        if fault.core >= partition.topology.cores:
            raise ValueError(f"core: there is no core {fault.core}; cores are 0 to {partition.topology.cores - 1}")
    elif fault.node not in (NODE_MASTER, None):
        raise ValueError(f"node: a partition has one machine, bp.BPROC_NODE_MASTER, got {fault.node}")


def _wait_for_step(
    fault: Any, step: Step, engine: Any, master: Master, planned: Planned, happens: Callable[[], None]
) -> None:
    def hook(reached: Step, move: Move) -> bool:
        # The master takes part in every move.
        sender = move.sender or move.source
        takes_part = fault.node in (NODE_MASTER, move.destination, move.source.number, sender.number)
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
