"""What can be wrong with a scenario although each of its values is right: names and numbers that lead nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from bprocsim.bproc.execmove import execmove_errors
from bprocsim.faults import Fault
from bprocsim.manual import Errors
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.execcalls import execve_errors
from bprocsim.posix.profiles import PROFILES
from bprocsim.scenario.calltables import NONE, ExpectTable
from bprocsim.scenario.faulttables import fault_of
from bprocsim.scenario.problems import Path, Problem, choices, shown
from bprocsim.scenario.tables import ClusterTable, Scenario
from bprocsim.scenario.variants import costs_of, edition_of
from bprocsim.world.specs import node_numbers

ROOT = "root"


@frozen
class Known:
    """What names and numbers may lead to: `nodes` how many slaves (None: nobody knows), `users` by name."""

    nodes: int | None
    users: tuple[str, ...]


def check(scenario: Scenario, known: Known) -> Iterator[Problem]:
    """Find all that leads nowhere; a table that could not be read is None, and passed over."""
    if scenario.cluster is not None:
        yield from _variants(scenario.cluster)
    yield from _users(scenario)
    for name in ("mount", "directory", "file", "link", "node"):
        for number, table in _tables(scenario, name):
            yield from _nodes_named(table.on, (name, number, "on"), known)
            if getattr(table, "owner", None) is not None:
                yield from _user(table.owner, (name, number, "owner"), known)
                if table.uid is not None:
                    yield Problem((name, number, "uid"), "owner says whose it is already")
    yield from _twice(scenario, known)
    for number, table in _tables(scenario, "fault"):
        yield from _fault(table, ("fault", number), known)
    for number, table in _tables(scenario, "call"):
        yield from _call(scenario, table, ("call", number), known)


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


def _variants(cluster: ClusterTable) -> Iterator[Problem]:
    for name, make in (("edition", edition_of), ("costs", costs_of)):
        try:
            make(getattr(cluster, name))
        except (ValueError, TypeError) as error:
            yield misfit(error, ("cluster", name), getattr(cluster, name))


def _users(scenario: Scenario) -> Iterator[Problem]:
    seen = {ROOT}
    for number, table in _tables(scenario, "user"):
        if table.name in seen:
            yield Problem(("user", number, "name"), f"there is a user {shown(table.name)} already")
        seen.add(table.name)
        try:
            Credentials(table.uid, table.gid, groups=table.groups, capabilities=table.capabilities)
        except (ValueError, TypeError) as error:
            yield misfit(error, ("user", number), table)


def _user(name: str, path: Path, known: Known) -> Iterator[Problem]:
    if name not in known.users:
        yield Problem(path, f"there is no user {shown(name)}{choices(known.users, name)}")


def _nodes_named(on: Any, path: Path, known: Known) -> Iterator[Problem]:
    if known.nodes is None:
        return
    try:
        node_numbers(on, known.nodes)
    except (ValueError, TypeError) as error:
        yield Problem(path, str(error).removeprefix("on: "))


def _node(number: int, path: Path, known: Known) -> Iterator[Problem]:
    if known.nodes is not None and number >= known.nodes:
        there_are = f"nodes are 0 to {known.nodes - 1}" if known.nodes else "the cluster has no slaves"
        yield Problem(path, f"there is no node {number}; {there_are}, and -1 is the master")


def _twice(scenario: Scenario, known: Known) -> Iterator[Problem]:
    """Find two things of one path on one node."""
    first: dict[tuple[str, int], Path] = {}
    for name in ("directory", "file", "link"):
        for number, table in _tables(scenario, name):
            path: Path = (name, number, "path")
            for node in _numbers(table.on, known):
                before = first.setdefault((_normal(table.path), node), path)
                if before != path:
                    where = "on the master" if node < 0 else f"on node {node}"
                    yield Problem(path, f"{table.path} {where} is made by {'.'.join(map(str, before[:2]))} already")
                    break


def _normal(path: str) -> str:
    return re.sub("/+", "/", path).rstrip("/") or "/"


def _numbers(on: Any, known: Known) -> tuple[int, ...]:
    try:
        return () if known.nodes is None else node_numbers(on, known.nodes)
    except (ValueError, TypeError):
        return ()


def _fault(table: Any, path: Path, known: Known) -> Iterator[Problem]:
    for name in ("node", "a", "b"):
        if hasattr(table, name):
            yield from _node(getattr(table, name), (*path, name), known)
    try:
        made: Fault = fault_of(table)
        assert made is not None
    except (ValueError, TypeError) as error:
        yield misfit(error, path, table)


def _call(scenario: Scenario, table: Any, path: Path, known: Known) -> Iterator[Problem]:
    if hasattr(table, "user"):
        yield from _user(table.user, (*path, "user"), known)
    if hasattr(table, "from_node"):
        yield from _node(table.from_node, (*path, "from_node"), known)
    if hasattr(table, "args") and not table.args:
        yield Problem((*path, "args"), "expected a program's name and its arguments, got nothing")
    expect: ExpectTable | None = getattr(table, "expect", None)
    if expect is not None and scenario.cluster is not None:
        yield from _rows(scenario, table.call, expect, (*path, "expect"))


def _rows(scenario: Scenario, call: str, expect: ExpectTable, path: Path) -> Iterator[Problem]:
    """See that an expected errno or cause is one that some row of the call has."""
    asked = {name: getattr(expect, name) for name in ("errno", "late_errno", "cause")}
    asked = {name: value for name, value in asked.items() if value not in (None, NONE)}
    if not asked:
        return
    tables = _errors(scenario, call)
    for name, value in asked.items():
        rows = [row for table in tables for row in table.rows if (row.kind.value == "late") == (name == "late_errno")]
        if name == "cause":
            rows = [row for table in tables for row in table.rows]
        there_are = list(dict.fromkeys(row.cause if name == "cause" else row.errno.name for row in rows))
        if value not in there_are:
            what = "row" if name == "cause" else name.replace("_", " ")
            yield Problem((*path, name), f"{call} has no {what} {shown(value)}{choices(there_are, value)}")


def _errors(scenario: Scenario, call: str) -> list[Errors]:
    kernel = PROFILES[scenario.cluster.kernel]
    moves = execmove_errors(edition_of(scenario.cluster.edition), kernel)
    return [execve_errors(kernel)] if call == "execve" else [moves] if call != "run" else [execve_errors(kernel), moves]


def known_of(scenario: Scenario, values: dict[str, Any], wrong: set[Path]) -> Known:
    """Tell what there is, as far as it could be read: `values` the file's, `wrong` what is amiss in it."""
    nodes: Any = None
    if not any(path[:2] in (("cluster",), ("cluster", "nodes")) for path in wrong):
        nodes = scenario.cluster.nodes
        nodes = nodes if isinstance(nodes, int) else sum(each.count for each in nodes)
    given = values.get("user", [])
    names = [each.get("name") for each in given if isinstance(each, dict)] if isinstance(given, list | tuple) else []
    return Known(nodes, (ROOT, *(name for name in names if isinstance(name, str))))


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
