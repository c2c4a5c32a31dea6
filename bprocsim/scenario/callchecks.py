"""What can be wrong with a call of a scenario although each of its values is right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from bprocsim.aix.execrules import exec_profile
from bprocsim.aix.raexec import RA_FORK_ERRORS, ra_exec_errors
from bprocsim.aix.reconfigure import Reconfiguration
from bprocsim.aix.service import Service
from bprocsim.bproc.editions import Edition
from bprocsim.bproc.execmove import execmove_errors
from bprocsim.bproc.move import move_errors
from bprocsim.bproc.rexec import rexec_errors
from bprocsim.bproc.rfork import rfork_errors
from bprocsim.bproc.vector import vexecmove_errors, vrfork_errors
from bprocsim.kernel.calls import runner
from bprocsim.manual import Errors
from bprocsim.posix.exec import ExecProfile
from bprocsim.posix.execcalls import execve_errors
from bprocsim.posix.profiles import PROFILES
from bprocsim.scenario.aixcalls import AIX_CALLS, RA_EXEC, AixTable
from bprocsim.scenario.aixkinds import MYSELF, Named, RsetValue, WorkValue
from bprocsim.scenario.bproccalls import ABOUT_NODES, VECTOR_CALLS, BprocTable
from bprocsim.scenario.bprockinds import STATES, StatusValue
from bprocsim.scenario.callbase import NONE, ExpectTable, MethodTable, SleepTable, parameters_of
from bprocsim.scenario.calltables import IdleTable, RunTable
from bprocsim.scenario.problems import Path, Problem, choices, shown
from bprocsim.scenario.systems import ROOT, Known, homes, misplaced, wrong_node, wrong_user
from bprocsim.scenario.tables import CLUSTER, ClusterTable, LparTable, Scenario
from bprocsim.scenario.variants import edition_of, level_of


def wrong_call(scenario: Scenario, table: Any, number: int, known: Known) -> Iterator[Problem]:
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
        yield from wrong_user(table, "user", path, known, idle[1])
    elif caller is not None and table.user != ROOT:
        yield Problem((*path, "user"), f"the call is made by {shown(caller)}, who has a user already")
    for name in ("from_node", "node") if isinstance(table, IdleTable) else ("from_node",):
        yield from wrong_node(getattr(table, name, None), (*path, name), known)
    if isinstance(table, RunTable) and not table.args:
        yield Problem((*path, "args"), "expected a program's name and its arguments, got nothing")
    yield from _names(table, number, known, idle[1])
    home = homes(table, known.systems, idle[1])[0]
    if isinstance(table, AixTable) and home in scenario.partitions:
        level = level_of(scenario.partitions[home].level)
        if table.call in level.lacks:
            yield Problem((*path, "call"), f"AIX {level.name} has no {table.call}")
    yield from _lists(scenario, table, path)
    if isinstance(table, BprocTable):
        yield from _of_edition(scenario, table, path)
    expect: ExpectTable | None = getattr(table, "expect", None)
    if expect is not None:
        yield from _rows(scenario, table, expect, (*path, "expect"), home)


def _lists(scenario: Scenario, table: Any, path: Path) -> Iterator[Problem]:
    """See that a list in a port's place is for an edition that has lists."""
    cluster = scenario.systems.get(CLUSTER)
    if isinstance(cluster, ClusterTable) and isinstance(getattr(table, "port", 0), list | tuple):
        edition = edition_of(cluster.edition)
        if not edition.io_lists:
            what = f"expected a port, got a list: edition {edition.name} has no lists of descriptors"
            yield Problem((*path, "port"), what)


def _of_edition(scenario: Scenario, table: BprocTable, path: Path) -> Iterator[Problem]:
    """See that a call of BProc is one that the cluster's edition has, with such arguments."""
    cluster = scenario.systems.get(CLUSTER)
    if not isinstance(cluster, ClusterTable):
        return
    edition, call = edition_of(cluster.edition), table.call
    service = edition.calls().get(call)
    if call in VECTOR_CALLS and edition.vector_calls is None:
        yield Problem((*path, "call"), edition.lacking(call))
        return
    if service is None and call in ABOUT_NODES:
        has = [name for name in ABOUT_NODES if name in edition.calls()]
        yield Problem((*path, "call"), f"{edition.lacking(call)}{choices(has, call)}")
        return
    if call == "bproc_notifier" and table.caller is None:
        yield Problem((*path, "caller"), "is missing; the descriptor is an idle_process's, by its name")
    for name, kind in _own(table):
        value = getattr(table, name)
        if isinstance(kind, StatusValue) and not edition.bpfs and isinstance(value, str) and value not in STATES:
            yield Problem((*path, name), f"expected a state, got {shown(value)}{choices(STATES, value)}")
            continue
        if service is None or service.takes is None or value is None:
            continue
        if name not in service.takes:
            yield Problem((*path, name), f"in edition {edition.name} {call} takes {', '.join(service.takes)}")
            continue
        try:
            service.takes[name](kind.means(value, Named(), name) if hasattr(kind, "means") else value, name)
        except (TypeError, ValueError) as error:
            yield Problem((*path, name), str(error).partition(": ")[2])


def _own(table: MethodTable) -> Iterator[tuple[str, Any]]:
    """Give the keys that are a call's own, with what each takes."""
    for parameter in parameters_of(type(table), table.call):
        yield parameter.name, attrs.fields_dict(type(table))[parameter.name].metadata["kind"]


def _unmade(name: str, path: Path, there_are: dict[str, int], maker: str) -> Problem:
    """Tell that no call before this one has made what it names."""
    made = [each for each, place in there_are.items() if place < int(path[1])]
    listed = choices(made, name) if made else ""
    return Problem(path, f"no {maker} before this call has the name {shown(name)}{listed}")


def _names(table: Any, number: int, known: Known, idle: str | None) -> Iterator[Problem]:
    """See that processes and sets which a call names are made by calls before it."""
    found = homes(table, known.systems, idle)
    processes = {name: place for name, (place, system) in known.idle.items() if system in found}
    for field in attrs.fields(type(table)) if isinstance(table, MethodTable) else ():
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
    kernel, edition = PROFILES[table.kernel], edition_of(table.edition)
    if call in ("run", "execve"):
        return [execve_errors(kernel), *([execmove_errors(edition, kernel)] if call == "run" else [])]
    service = edition.calls().get(call)
    return _errors_of_moving(call, edition, kernel) if service is None else [service.errors]


def _errors_of_moving(call: str, edition: Edition, kernel: ExecProfile) -> list[Errors]:
    page = call.removeprefix("_").removesuffix("_io")
    made = {
        "bproc_execmove": lambda: execmove_errors(edition, kernel),
        "bproc_move": lambda: move_errors(edition),
        "bproc_rexec": lambda: rexec_errors(edition, kernel),
        "bproc_rfork": lambda: rfork_errors(edition),
        "bproc_vexecmove": lambda: vexecmove_errors(edition, kernel),
        "bproc_vrfork": lambda: vrfork_errors(edition),
    }
    return [made[page]()] if page in made else []


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
