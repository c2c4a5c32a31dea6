"""What calls tell of processes: on the master of all that have a ghost, on a slave of those that run there."""

from __future__ import annotations

from typing import Any

from attrs import define, setters

from bprocsim.bproc.nodes import NODE_ANY, NODE_MASTER, NODE_NONE, NODE_SELF
from bprocsim.bproc.records import BprocProcInfo
from bprocsim.bproc.service import Asker


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class ProcessFacts:
    """What a call about processes asks: of which `node`, or about which `process`; `out` what is to be filled.

    `where` the node that the process is on as far as the caller's node knows, NODE_NONE if it is on the
    master or nowhere.
    """

    asker: Asker
    node: int = NODE_NONE
    out: Any = None
    process: Any = None
    where: int = NODE_NONE


def survey_list(asker: Asker, node: int, out: Any) -> ProcessFacts:
    """Gather what bproc_proclist asks; SELF is the caller's node."""
    return ProcessFacts(asker, int(asker.machine.number) if node == NODE_SELF else node, out)


def survey_process(asker: Asker, pid: int) -> ProcessFacts:
    """Gather what a call asks about a process."""
    facts = ProcessFacts(asker, process=_process(asker, pid))
    if facts.process is not None:
        facts.where = _where(asker, facts.process)
    return facts


def _process(asker: Asker, pid: int) -> Any:
    """Find a process by its number; on a slave only those that run there can be seen."""
    if asker.at_home:
        return asker.machine.find(pid)
    return asker.machine.processes.get(pid)


def _where(asker: Asker, process: Any) -> int:
    if not asker.at_home:
        return int(asker.machine.number)
    ghost = process.ghost
    return NODE_NONE if ghost is None or ghost.node == NODE_MASTER else int(ghost.node)


# ---- what can be wrong ------------------------------------------------------------------------------


def no_such_process(f: ProcessFacts) -> bool:
    return f.process is None


def descriptors_used_up(f: ProcessFacts) -> bool:
    thread = f.asker.thread
    return thread is not None and len(thread.process.descriptors) >= thread.process.open_limit


def files_used_up(f: ProcessFacts) -> bool:
    machine = f.asker.machine
    return bool(machine.profile.lacks_files(machine.files.free, f.asker.who))


# ---- answers ----------------------------------------------------------------------------------------


def fill_processes(f: ProcessFacts) -> int:
    """Fill a list with the processes on a node, or with all that are on any; gives how many."""
    asker = f.asker
    seen = asker.machine.visible() if asker.at_home else [each for _, each in sorted(asker.machine.processes.items())]
    found = [(each.pid, _where(asker, each)) for each in seen if each.ended is None]
    f.out[:] = [BprocProcInfo(pid, node) for pid, node in found if node != NODE_NONE and f.node in (node, NODE_ANY)]
    return len(f.out)


def tell_where(f: ProcessFacts) -> int:
    """Give the node that a process is on, NODE_NONE if that is the master."""
    return f.where


def tell_ghosts_node(f: ProcessFacts) -> int:
    """Give the node that has the process's ghost, which is the master; NODE_NONE if it has no ghost."""
    return NODE_NONE if f.where == NODE_NONE else NODE_MASTER
