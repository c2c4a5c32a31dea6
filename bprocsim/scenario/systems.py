"""Which system a table means, where a world has a cluster and a partition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from bprocsim.scenario.aixcalls import AixTable, RsetTable
from bprocsim.scenario.bproccalls import BprocTable
from bprocsim.scenario.calltables import ExecmoveTable
from bprocsim.scenario.faulttables import OF_ONE_MACHINE, FaultTable
from bprocsim.scenario.problems import Path, Problem, choices, shown
from bprocsim.scenario.tables import CLUSTER, LPAR, NodeTable, Scenario, UserTable

ROOT = "root"

# Keys whose values are nodes, which a cluster has.
_NODES = ("on", "node", "from_node")


@frozen
class Known:
    """What names and numbers may lead to.

    `systems` "cluster" and the names of partitions; `nodes` how many slaves (None: nobody knows); `users` by
    system; `idle` the processes that calls make, and where: by name, with the number of the call;
    `sets` likewise, for sets that live on.
    """

    systems: tuple[str, ...]
    nodes: int | None
    users: dict[str, tuple[str, ...]]
    idle: dict[str, tuple[int, str]]
    sets: dict[str, int]


def partitions(systems: tuple[str, ...]) -> tuple[str, ...]:
    """Give those systems that are partitions."""
    return tuple(name for name in systems if name != CLUSTER)


def homes(table: Any, systems: tuple[str, ...], idle: Any = None) -> tuple[str, ...]:
    """Give the systems that a table may mean: one, unless it has to say so; all for a user who does not.

    `idle` the system of a process that is named as the caller.
    """
    asked = getattr(table, "system", None)
    if asked is not None:
        return (asked,)
    if isinstance(table, BprocTable | ExecmoveTable | NodeTable):
        return (CLUSTER,)
    if isinstance(table, AixTable | RsetTable) or (isinstance(table, FaultTable) and table.kind == "CoreFails"):
        return (str(idle),) if idle is not None else partitions(systems) or (LPAR,)
    if isinstance(table, FaultTable) and not (table.kind in OF_ONE_MACHINE and CLUSTER not in systems):
        return (CLUSTER,)
    if idle is not None:
        return (str(idle),)
    if len(systems) > 1 and any(getattr(table, name, None) is not None for name in _NODES):
        return (CLUSTER,)
    return systems


def system_of(table: Any, scenario: Scenario, idle: Any = None) -> str:
    """Give the system that a table in which nothing is wrong means."""
    return homes(table, tuple(scenario.systems), idle)[0]


def misplaced(table: Any, path: Path, known: Known, idle: Any = None) -> Problem | None:
    """Tell that a table means a system that there is not, or does not say which of two."""
    found = homes(table, known.systems, idle)
    if len(found) > 1 and not isinstance(table, UserTable):
        there_are = " or ".join(shown(name) for name in found)
        return Problem((*path, "system"), f"is missing; this world has several systems: expected {there_are}")
    missing = [name for name in found if name not in known.systems]
    if missing and missing[0] not in (CLUSTER, LPAR):
        return Problem((*path, "system"), f"there is no system {shown(missing[0])}{choices(known.systems, missing[0])}")
    if missing:
        where = (*path, "system") if getattr(table, "system", None) is not None else (*path, *_tag(table))
        return Problem(where, f"it belongs to a system that is not there: this file has no [{missing[0]}]")
    if found != (CLUSTER,):
        for name in _NODES:
            number = getattr(table, name, None)
            if number not in (None, -1):
                return Problem((*path, name), "nodes are a cluster's, and this is on the partition")
    return None


def _tag(table: Any) -> Path:
    return tuple(name for name in ("call", "kind") if hasattr(table, name))[:1]


def wrong_user(table: Any, key: str, path: Path, known: Known, idle: str | None = None) -> Iterator[Problem]:
    """Tell that a table names a user whom its system does not have."""
    name, (system, *_) = getattr(table, key), homes(table, known.systems, idle)
    names = known.users.get(system, ())
    if name not in names:
        yield Problem((*path, key), f"there is no user {shown(name)}{choices(names, name)}")


def wrong_node(number: int | None, path: Path, known: Known) -> Iterator[Problem]:
    """Tell that there is no node of a number."""
    if number is not None and known.nodes is not None and number >= known.nodes:
        there_are = f"nodes are 0 to {known.nodes - 1}" if known.nodes else "the cluster has no slaves"
        yield Problem(path, f"there is no node {number}; {there_are}, and -1 is the master")
