"""What can be wrong with a scenario although each of its values is right: names and numbers that lead nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import attrs

from bprocsim.aix.execrules import exec_profile
from bprocsim.aix.raexec import RA_FORK_ERRORS, ra_exec_errors
from bprocsim.aix.reconfigure import Reconfiguration
from bprocsim.aix.service import Service
from bprocsim.bproc.execmove import execmove_errors
from bprocsim.faults import Fault
from bprocsim.kernel.calls import runner
from bprocsim.manual import Errors
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.execcalls import execve_errors
from bprocsim.posix.profiles import PROFILES
from bprocsim.scenario.aixcalls import AIX_CALLS, RA_EXEC, AixTable
from bprocsim.scenario.aixkinds import MYSELF, RsetValue, WorkValue
from bprocsim.scenario.callbase import NONE, ExpectTable, SleepTable
from bprocsim.scenario.calltables import IdleTable, RunTable
from bprocsim.scenario.faulttables import fault_of
from bprocsim.scenario.problems import Path, Problem, choices, shown
from bprocsim.scenario.systems import Known, homes, misplaced
from bprocsim.scenario.tables import CLUSTER, LPAR, OF_WORLD, ClusterTable, LparTable, Scenario
from bprocsim.scenario.variants import costs_of, cpu_of, edition_of, level_of
from bprocsim.world.specs import node_numbers

ROOT = "root"


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
            if getattr(table, "owner", None) is not None:
                yield from _user(table, "owner", (name, number), known)
                if table.uid is not None:
                    yield Problem((name, number, "uid"), "owner says whose it is already")
    yield from _twice(scenario, known)
    for number, table in _tables(scenario, "fault"):
        yield from _fault(table, ("fault", number), known)
    for number, table in _tables(scenario, "call"):
        yield from check_call(scenario, table, number, known)


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


def _user(table: Any, key: str, path: Path, known: Known, idle: str | None = None) -> Iterator[Problem]:
    name, (system, *_) = getattr(table, key), homes(table, known.systems, idle)
    names = known.users.get(system, ())
    if name not in names:
        yield Problem((*path, key), f"there is no user {shown(name)}{choices(names, name)}")


def _nodes_named(table: Any, path: Path, known: Known) -> Iterator[Problem]:
    if known.nodes is None or homes(table, known.systems) != (CLUSTER,):
        return
    try:
        node_numbers(nodes_of(table), known.nodes)
    except (ValueError, TypeError) as error:
        yield Problem(path, str(error).removeprefix("on: "))


def nodes_of(table: Any) -> Any:
    """Give the nodes that a table of a cluster names; left out it is the master."""
    return "master" if table.on is None else table.on


def _node(number: int | None, path: Path, known: Known) -> Iterator[Problem]:
    if number is not None and known.nodes is not None and number >= known.nodes:
        there_are = f"nodes are 0 to {known.nodes - 1}" if known.nodes else "the cluster has no slaves"
        yield Problem(path, f"there is no node {number}; {there_are}, and -1 is the master")


def _twice(scenario: Scenario, known: Known) -> Iterator[Problem]:
    """Find two things of one path on one node."""
    first: dict[tuple[str, int | str], Path] = {}
    for name in ("directory", "file", "link"):
        for number, table in _tables(scenario, name):
            path: Path = (name, number, "path")
            for node in _numbers(table, known):
                before = first.setdefault((_normal(table.path), node), path)
                if before != path:
                    where = (
                        f"on {node}" if isinstance(node, str) else "on the master" if node == -1 else f"on node {node}"
                    )
                    yield Problem(path, f"{table.path} {where} is made by {'.'.join(map(str, before[:2]))} already")
                    break


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
            yield from _node(getattr(table, name), (*path, name), known)
    try:
        made: Fault = fault_of(table)
        assert made is not None
    except (ValueError, TypeError) as error:
        yield misfit(error, path, table)


def check_call(scenario: Scenario, table: Any, number: int, known: Known) -> Iterator[Problem]:
    """Find what of a call leads nowhere: users, nodes, names that earlier calls have to make, expected rows."""
    path: Path = ("call", number)
    caller = getattr(table, "caller", None)
    idle = known.idle.get(caller, (number, None)) if caller is not None else (number, None)
    if caller is not None and idle[0] >= number:
        made = {name: place for name, (place, _) in known.idle.items()}
        yield _unmade(caller, (*path, "caller"), made, "idle_process")
        return
    wrong = None if isinstance(table, SleepTable) else misplaced(table, path, known, idle[1])
    if wrong is not None:
        yield wrong
        return
    if hasattr(table, "user") and caller is None:
        yield from _user(table, "user", path, known, idle[1])
    elif caller is not None and table.user != ROOT:
        yield Problem((*path, "user"), f"the call is made by {shown(caller)}, who has a user already")
    for name in ("from_node", "node") if isinstance(table, IdleTable) else ("from_node",):
        yield from _node(getattr(table, name, None), (*path, name), known)
    if isinstance(table, RunTable) and not table.args:
        yield Problem((*path, "args"), "expected a program's name and its arguments, got nothing")
    yield from _names(table, number, known, idle[1])
    home = homes(table, known.systems, idle[1])[0]
    if isinstance(table, AixTable) and home in scenario.partitions:
        level = level_of(scenario.partitions[home].level)
        if table.call in level.lacks:
            yield Problem((*path, "call"), f"AIX {level.name} has no {table.call}")
    expect: ExpectTable | None = getattr(table, "expect", None)
    if expect is not None:
        yield from _rows(scenario, table, expect, (*path, "expect"), home)


def _unmade(name: str, path: Path, there_are: dict[str, int], maker: str) -> Problem:
    """Tell that no call before this one has made what it names."""
    made = [each for each, place in there_are.items() if place < int(path[1])]
    listed = choices(made, name) if made else ""
    return Problem(path, f"no {maker} before this call has the name {shown(name)}{listed}")


def _names(table: Any, number: int, known: Known, idle: str | None) -> Iterator[Problem]:
    """See that processes and sets which a call of AIX names are made by calls before it."""
    found = homes(table, known.systems, idle)
    processes = {name: place for name, (place, system) in known.idle.items() if system in found}
    for field in attrs.fields(type(table)) if isinstance(table, AixTable) else ():
        kind, value = field.metadata["kind"], getattr(table, field.name)
        if isinstance(kind, WorkValue) and isinstance(value, str) and value != MYSELF:
            there_are, maker, name = processes, "idle_process", value
        elif isinstance(kind, RsetValue) and isinstance(value, dict) and "name" in value:
            there_are, maker, name = known.sets, "rset or rs_alloc", value["name"]
        else:
            continue
        if there_are.get(name, number) >= number:
            yield _unmade(name, ("call", number, field.name), there_are, maker)


def _rows(scenario: Scenario, table: Any, expect: ExpectTable, path: Path, system: str) -> Iterator[Problem]:
    """See that an expected errno or cause is one that some row of the call has."""
    asked = {name: getattr(expect, name) for name in ("errno", "late_errno", "cause")}
    asked = {name: value for name, value in asked.items() if value not in (None, NONE)}
    if not asked:
        return
    call, tables = table.call, _errors(scenario, table.call, system)
    for name, value in asked.items():
        rows = [row for each in tables for row in each.rows if (row.kind.value == "late") == (name == "late_errno")]
        if name == "cause":
            rows = [row for each in tables for row in each.rows]
        there_are = list(dict.fromkeys(row.cause if name == "cause" else row.errno.name for row in rows))
        if value not in there_are:
            what = "row" if name == "cause" else name.replace("_", " ")
            yield Problem((*path, name), f"{call} has no {what} {shown(value)}{choices(there_are, value)}")


def _errors(scenario: Scenario, call: str, system: str) -> list[Errors]:
    """Give the tables whose rows a call may end in."""
    table = scenario.systems.get(system)
    if not isinstance(table, ClusterTable):
        return _errors_of_aix(scenario.partitions.get(system), call)
    kernel = PROFILES[table.kernel]
    moves = execmove_errors(edition_of(table.edition), kernel)
    if call == "run":
        return [execve_errors(kernel), moves]
    return [execve_errors(kernel)] if call == "execve" else [moves] if "execmove" in call else []


def _errors_of_aix(lpar: LparTable | None, call: str) -> list[Errors]:
    if lpar is None:
        return []
    profile = exec_profile(level_of(lpar.level))
    if call in ("run", "execve"):
        return [execve_errors(profile)]
    if call in RA_EXEC:
        return [ra_exec_errors(profile)]
    if call == "ra_fork":
        return [RA_FORK_ERRORS]
    service = runner("rs_setpartition" if call == "set_partition" else call) if call in AIX_CALLS else None
    return [service.errors] if isinstance(service, Service | Reconfiguration) else []


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
