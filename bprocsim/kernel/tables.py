"""Which table of errors is in force for each call that a machine's programs may make."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any

from bprocsim.kernel.calls import CALLS, runner
from bprocsim.manual import Errors

# Each fetches the room of its call alone: a world in which one call is refused has no use for the others.


def _execvp(machine: Any) -> Errors:
    from bprocsim.posix.execcalls import execvp_errors

    return execvp_errors(machine.profile)


def _move(machine: Any) -> Errors:
    from bprocsim.bproc.move import move_errors

    return machine.master.tables.get("bproc_move") or move_errors(machine.master.edition)


def _rexec(machine: Any) -> Errors:
    from bprocsim.bproc.rexec import rexec_errors

    return machine.master.tables.get("bproc_rexec") or rexec_errors(machine.master.edition, machine.profile)


def _rfork(machine: Any) -> Errors:
    from bprocsim.bproc.rfork import rfork_errors

    return machine.master.tables.get("bproc_rfork") or rfork_errors(machine.master.edition)


def _vrfork(machine: Any) -> Errors | None:
    from bprocsim.bproc.vector import vrfork_errors

    edition = machine.master.edition
    if edition.vector_calls is None:
        return None
    return machine.master.tables.get("bproc_vrfork") or vrfork_errors(edition)


def _vexecmove(machine: Any) -> Errors | None:
    from bprocsim.bproc.vector import vexecmove_errors

    edition = machine.master.edition
    if edition.vector_calls is None:
        return None
    return machine.master.tables.get("bproc_vexecmove") or vexecmove_errors(edition, machine.profile)


def _ra_exec(machine: Any) -> Errors:
    from bprocsim.aix.raexec import ra_exec_errors

    return ra_exec_errors(machine.profile)


# Tables that depend on what a machine runs; None: it has no such call.
_MADE: dict[str, Callable[[Any], Errors | None]] = {
    "execve": lambda machine: machine.execve_errors,
    "execvp": _execvp,
    "_bproc_execmove_io": lambda machine: machine.master.execmove_errors,
    "_bproc_move_io": _move,
    "_bproc_rexec_io": _rexec,
    "_bproc_rfork_io": _rfork,
    "_bproc_vrfork_io": _vrfork,
    "bproc_vexecmove_io": _vexecmove,
    "ra_execve": _ra_exec,
    "ra_exect": _ra_exec,
    "ra_execvp": _ra_exec,
}


def tables_in_force(machine: Any) -> dict[str, Errors]:
    """Give the tables of a machine's calls, by the names under which its kernel knows them.

    What no page describes (compute, thread_create) has none.
    """
    elsewhere = "aix." if machine.partition is None else "bproc."
    found = {name: table_in_force(machine, name) for name, (room, _) in CALLS.items() if not room.startswith(elsewhere)}
    return {name: table for name, table in found.items() if table is not None}


def table_in_force(machine: Any, name: str) -> Errors | None:
    """Give the table of one of a machine's calls; None if no page describes it, or the edition lacks it."""
    if name in _MADE:
        return _MADE[name](machine)
    room, run = CALLS[name][0], runner(name)
    if room == "bproc.nodecalls":
        run = machine.master.edition.calls().get(name)  # None: this edition lacks it
    errors: Errors | None = getattr(run, "errors", None)
    return errors or _of_room(room, name)


@cache
def _of_room(room: str, call: str) -> Errors | None:
    """Find the public table of a call in its own room."""
    things = vars(import_module(f"bprocsim.{room}")).items()
    return next(
        (each for name, each in things if isinstance(each, Errors) and each.call == call and name[0] != "_"), None
    )
