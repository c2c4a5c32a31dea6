"""What can be wrong with a scenario although each of its values is right: names and numbers that lead nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import attrs

from bprocsim.bproc.nodes import NodeState
from bprocsim.faults import Fault
from bprocsim.posix.credentials import Credentials
from bprocsim.scenario.callchecks import wrong_call
from bprocsim.scenario.calltables import IdleTable
from bprocsim.scenario.faulttables import fault_of
from bprocsim.scenario.problems import Path, Problem, choices, shown
from bprocsim.scenario.systems import ROOT, Known, homes, misplaced, wrong_node, wrong_user
from bprocsim.scenario.tables import CLUSTER, LPAR, OF_WORLD, ClusterTable, Scenario
from bprocsim.scenario.variants import costs_of, cpu_of, edition_of, level_of
from bprocsim.world.specs import node_numbers


def check(scenario: Scenario, known: Known) -> Iterator[Problem]:
    """Find all that leads nowhere; a table that could not be read is None, and passed over."""
    yield from _variants(scenario)
    yield from _users(scenario, known)
    for name in ("mount", "directory", "file", "link", "node"):
        for number, table in _tables(scenario, name):
            wrong = misplaced(table, (name, number), known)
            if wrong is not None:
                yield wrong
                continue
            yield from _nodes_named(table, (name, number, "on"), known)
            if name == "node":
                yield from _state(scenario, table, (name, number, "state"))
            if getattr(table, "owner", None) is not None:
                yield from wrong_user(table, "owner", (name, number), known)
                if table.uid is not None:
                    yield Problem((name, number, "uid"), "owner says whose it is already")
    yield from _twice(scenario, known)
    for number, table in _tables(scenario, "fault"):
        yield from _fault(table, ("fault", number), known)
    for number, table in _tables(scenario, "call"):
        yield from wrong_call(scenario, table, number, known)


def _tables(scenario: Scenario, name: str) -> Iterator[tuple[int, Any]]:
    for number, table in enumerate(getattr(scenario, name)):
        if table is not None:
            yield number, table


def misfit(error: Exception, path: Path, record: Any) -> Problem:
    """Tell what a constructor refused, at the key that its message names."""
    found = re.match(r"(\w+)(?:, \w+)*: (.*)", str(error), re.DOTALL)
    if found is None or not hasattr(record, found[1]):
        return Problem(path, str(error))
    return Problem((*path, found[1]), found[2] if ", " not in str(error).partition(":")[0] else str(error))


def _variants(scenario: Scenario) -> Iterator[Problem]:
    made: dict[str, Any] = {"edition": edition_of, "costs": costs_of, "cpu": cpu_of, "level": level_of}
    for system, table in scenario.systems.items():
        for name, make in made.items():
            if hasattr(table, name):
                try:
                    make(getattr(table, name))
                except (ValueError, TypeError) as error:
                    yield misfit(error, (*scenario.path_of(system), name), getattr(table, name))
        for name in OF_WORLD:
            usual, here = attrs.fields_dict(type(table))[name].default, getattr(table, name)
            if here not in (usual, scenario.of_world(name)):
                what = f"it is the whole world's, and another table says {shown(scenario.of_world(name))}"
                yield Problem((*scenario.path_of(system), name), what)
    names = [table.name or LPAR for table in scenario.lpar] if isinstance(scenario.lpar, tuple) else []
    for number, name in enumerate(names):
        if name == CLUSTER or name in names[:number]:
            yield Problem((LPAR, number, "name"), f"there is a system {shown(name)} already")


def _users(scenario: Scenario, known: Known) -> Iterator[Problem]:
    seen = {(system, ROOT) for system in known.systems}
    for number, table in _tables(scenario, "user"):
        wrong = misplaced(table, ("user", number), known)
        if wrong is not None:
            yield wrong
        places = {(system, table.name) for system in homes(table, known.systems)}
        if places & seen:
            yield Problem(("user", number, "name"), f"there is a user {shown(table.name)} already")
        seen |= places
        try:
            Credentials(table.uid, table.gid, groups=table.groups, capabilities=table.capabilities)
        except (ValueError, TypeError) as error:
            yield misfit(error, ("user", number), table)


def _nodes_named(table: Any, path: Path, known: Known) -> Iterator[Problem]:
    if known.nodes is None or homes(table, known.systems) != (CLUSTER,):
        return
    try:
        numbers = node_numbers(nodes_of(table), known.nodes)
    except (ValueError, TypeError) as error:
        yield Problem(path, str(error).removeprefix("on: "))
        return
    twice = next((number for place, number in enumerate(numbers) if number in numbers[:place]), None)
    if twice is not None:
        yield Problem(path, f"it names {_called(twice)} twice")


def _state(scenario: Scenario, table: Any, path: Path) -> Iterator[Problem]:
    """See that a state is one of the edition's: only where nodes are files any word is one."""
    cluster, there_are = scenario.systems.get(CLUSTER), [each.value for each in NodeState]
    if table.state in (None, *there_are) or not isinstance(cluster, ClusterTable):
        return
    if not edition_of(cluster.edition).bpfs:
        yield Problem(path, f"there is no state {shown(table.state)}{choices(there_are, table.state)}")


def nodes_of(table: Any) -> Any:
    """Give the nodes that a table of a cluster names; left out it is the master."""
    return "master" if table.on is None else table.on


def _twice(scenario: Scenario, known: Known) -> Iterator[Problem]:
    """Find two things of one path on one node, and nodes that two tables are about."""
    first: dict[tuple[str, int | str], Path] = {}
    for name in ("directory", "file", "link"):
        for number, table in _tables(scenario, name):
            path: Path = (name, number, "path")
            for node in _numbers(table, known):
                before = first.setdefault((_normal(table.path), node), path)
                if before != path:
                    made_by = ".".join(map(str, before[:2]))
                    yield Problem(path, f"{table.path} on {_called(node)} is made by {made_by} already")
                    break
    named: dict[int | str, int] = {}
    for number, table in _tables(scenario, "node"):
        for node in dict.fromkeys(_numbers(table, known)):
            if node in named:
                yield Problem(("node", number, "on"), f"{_called(node)} is named by node.{named[node]} already")
                break
            named[node] = number


def _called(node: int | str) -> str:
    """Give what a node, the master or a partition is called in errors."""
    return node if isinstance(node, str) else "the master" if node == -1 else f"node {node}"


def _normal(path: str) -> str:
    return re.sub("/+", "/", path).rstrip("/") or "/"


def _numbers(table: Any, known: Known) -> tuple[int | str, ...]:
    """Give the machines that a table is about: nodes by number, or the partition."""
    found = homes(table, known.systems)
    if len(found) == 1 and found != (CLUSTER,):
        return found
    try:
        return () if known.nodes is None or found != (CLUSTER,) else node_numbers(nodes_of(table), known.nodes)
    except (ValueError, TypeError):
        return ()


def _fault(table: Any, path: Path, known: Known) -> Iterator[Problem]:
    wrong = misplaced(table, path, known)
    if wrong is not None:
        yield wrong
        return
    for name in ("node", "a", "b"):
        if hasattr(table, name):
            yield from wrong_node(getattr(table, name), (*path, name), known)
    try:
        made: Fault = fault_of(table)
        assert made is not None
    except (ValueError, TypeError) as error:
        yield misfit(error, path, table)


def known_of(scenario: Scenario, values: dict[str, Any], wrong: set[Path]) -> Known:
    """Tell what there is, as far as it could be read: `values` the file's, `wrong` what is amiss in it."""
    systems = _systems_of(values)
    nodes: Any = None
    if CLUSTER in systems and not any(path[:2] in (("cluster",), ("cluster", "nodes")) for path in wrong):
        nodes = getattr(scenario.systems.get(CLUSTER), "nodes", 0)
        nodes = nodes if isinstance(nodes, int) else sum(each.count for each in nodes)
    idle: dict[str, tuple[int, str]] = {}
    sets: dict[str, int] = {}
    for number, table in _tables(scenario, "call"):
        name = getattr(table, "name", None)
        if isinstance(table, IdleTable):
            idle.setdefault(table.name, (number, homes(table, systems)[0]))
        elif table.call in ("rset", "rs_alloc") and name is not None:
            sets.setdefault(name, number)
    return Known(systems, nodes, {system: _users_of(values, system) for system in systems}, idle, sets)


def _systems_of(values: dict[str, Any]) -> tuple[str, ...]:
    """Give the names of the systems that there are, as far as they can be read."""
    lpar = values.get(LPAR, [])
    tables = [each for each in (lpar if isinstance(lpar, list | tuple) else [lpar]) if isinstance(each, dict)]
    names = [name if isinstance(name := each.get("name"), str) else LPAR for each in tables]
    names += [LPAR] if LPAR in values and not tables else []
    return (*([CLUSTER] if CLUSTER in values else []), *dict.fromkeys(names)) or (CLUSTER,)


def _users_of(values: dict[str, Any], system: str) -> tuple[str, ...]:
    """Give the names of those who have an account on a system, as far as they can be read."""
    given = values.get("user", [])
    tables = [each for each in given if isinstance(each, dict)] if isinstance(given, list | tuple) else []
    names = [each.get("name") for each in tables if each.get("system", system) == system]
    return (ROOT, *(name for name in names if isinstance(name, str)))


def without(value: Any, path: Path) -> Any:
    """Give a table without what a path leads to; a list loses the whole of what it stands in."""
    if not path or not isinstance(value, dict):
        return value
    name, rest = path[0], path[1:]
    if name not in value:
        return value
    if rest and isinstance(value[name], dict):
        return {**value, name: without(value[name], rest)}
    return {each: kept for each, kept in value.items() if each != name}
