"""What execmove asks on entry, its table of errors, and how it decides; `move` does the rest.

Up to the exec everything is decided on the caller's node, and a failure is returned.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from attrs import evolve

from bprocsim.bproc.editions import Edition
from bprocsim.bproc.entry import no_master
from bprocsim.faces.pointers import BAD_ADDRESS, Pointer, Vector
from bprocsim.manual import Errors, Fail, Kind, Row
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.exec import ExecFacts, ExecProfile
from bprocsim.posix.machine import Machine
from bprocsim.posix.profiles import DOCUMENTED

if TYPE_CHECKING:
    from bprocsim.faces.iolists import Io, IoList

PAGE = "scyld-bproc_execmove"


@cache
def execmove_errors(edition: Edition, profile: ExecProfile) -> Errors:
    """Make the table of bproc_execmove for an edition and the exec rules of a kernel."""
    return Errors(
        "bproc_execmove",
        page=PAGE,
        order=profile.order,
        rows=(
            Row(edition.no_master, no_master, "there is no master", source=edition.no_master_source),
            *edition.list_rows().entry,
            *exec_rows(profile),
            *edition.after_exec(),
        ),
    )


def exec_rows(profile: ExecProfile) -> Iterator[Row]:
    """Give the rows of an exec; those of a real kernel that the page does not have are beyond it."""
    listed = {(row.cause, row.errno) for row in DOCUMENTED.rows}
    for row in profile.rows:
        if profile.source == PAGE:
            yield row
        else:
            kind = row.kind if (row.cause, row.errno) in listed else Kind.BEYOND
            yield evolve(row, kind=kind, source=row.source or profile.source)


class ExecmoveFacts(ExecFacts):
    """What an execmove or a rexec asks with a list of its descriptors, `io`."""

    __slots__ = ("io",)

    io: IoList


def facts_of(
    machine: Machine, who: Credentials, cwd: int, cmd: Pointer, argv: Vector, envp: Vector, process: Any, io: Io
) -> ExecFacts:
    """Gather the facts of an exec before a move; `io` its port or list."""
    if isinstance(io, int):
        return ExecFacts(machine, who, cwd, cmd, argv, envp, process)
    facts = ExecmoveFacts(machine, who, cwd, cmd, argv, envp, process)
    facts.io = io
    return facts


def survey(
    machine: Machine, who: Credentials, cwd: int, cmd: Pointer, argv: Vector, envp: Vector, process: Any = None,
    io: Io = 0,
) -> tuple[Fail | None, ExecFacts]:  # fmt: skip
    """Gather the facts of an execmove and decide: what would be refused, or None. No time passes."""
    facts = facts_of(machine, who, cwd, cmd, argv, envp, process, io)
    table = machine.master.execmove_errors
    row = table.first(facts)
    if row is None:
        return None, facts
    facts.forget()
    return Fail(row, table, b"" if cmd is BAD_ADDRESS else cmd), facts
