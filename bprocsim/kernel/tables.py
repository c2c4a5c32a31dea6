"""Which table of errors is in force for each call that a machine's programs may make."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from bprocsim.aix.raexec import ra_exec_errors
from bprocsim.bproc.move import move_errors
from bprocsim.bproc.rexec import rexec_errors
from bprocsim.bproc.rfork import rfork_errors
from bprocsim.bproc.service import Call
from bprocsim.bproc.vector import vexecmove_errors, vrfork_errors
from bprocsim.kernel.calls import CALLS, runner
from bprocsim.manual import Errors
from bprocsim.posix.execcalls import execvp_errors


def _vrfork(machine: Any) -> Errors | None:
    edition = machine.master.edition
    return None if edition.vector_calls is None else vrfork_errors(edition)


def _vexecmove(machine: Any) -> Errors | None:
    edition = machine.master.edition
    return None if edition.vector_calls is None else vexecmove_errors(edition, machine.profile)


# Tables that depend on what a machine runs; None: it has no such call.
_MADE: dict[str, Callable[[Any], Errors | None]] = {
    "execve": lambda machine: machine.execve_errors,
    "execvp": lambda machine: execvp_errors(machine.profile),
    "_bproc_execmove_io": lambda machine: machine.master.execmove_errors,
    "_bproc_move_io": lambda machine: move_errors(machine.master.edition),
    "_bproc_rexec_io": lambda machine: rexec_errors(machine.master.edition, machine.profile),
    "_bproc_rfork_io": lambda machine: rfork_errors(machine.master.edition),
    "_bproc_vrfork_io": _vrfork,
    "bproc_vexecmove_io": _vexecmove,
    "ra_execve": lambda machine: ra_exec_errors(machine.profile),
    "ra_exect": lambda machine: ra_exec_errors(machine.profile),
    "ra_execvp": lambda machine: ra_exec_errors(machine.profile),
}


def tables_in_force(machine: Any) -> dict[str, Errors]:
    """Give the tables of a machine's calls, by the names under which its kernel knows them.

    What no page describes (compute, thread_create) has none.
    """
    elsewhere = "aix." if machine.partition is None else "bproc."
    found = {name: _table(machine, name) for name, (room, _) in CALLS.items() if not room.startswith(elsewhere)}
    return {name: table for name, table in found.items() if table is not None}


def _table(machine: Any, name: str) -> Errors | None:
    if name in _MADE:
        return _MADE[name](machine)
    run: Any = runner(name)
    if isinstance(run, Call):
        run = machine.master.edition.calls().get(run.name)  # None: this edition lacks it
    errors: Errors | None = getattr(run, "errors", None)
    return errors or _of_room(CALLS[name][0], name)


def _of_room(room: str, call: str) -> Errors | None:
    """Find the public table of a call in its own room."""
    things = vars(import_module(f"bprocsim.{room}")).items()
    return next(
        (each for name, each in things if isinstance(each, Errors) and each.call == call and name[0] != "_"), None
    )
