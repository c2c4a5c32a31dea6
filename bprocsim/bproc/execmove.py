"""What execmove asks on entry, its table of errors, and how it decides; `move` does the rest.

Up to the exec everything is decided on the caller's node, and a failure is returned.
"""

from __future__ import annotations

from functools import cache

from bprocsim.bproc.editions import Edition
from bprocsim.faces.pointers import BAD_ADDRESS, Pointer, Vector
from bprocsim.manual import Errors, Fail, Row
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.exec import ExecFacts, ExecProfile
from bprocsim.posix.machine import Machine


class MoveFacts(ExecFacts):
    """What execmove asks on entry: all that exec asks, and whether there is a master."""

    __slots__ = ("has_master",)

    def __init__(self, machine: Machine, who: Credentials, cwd: int, cmd: Pointer, argv: Vector, envp: Vector) -> None:
        super().__init__(machine, who, cwd, cmd, argv, envp)
        master = machine.master
        # A caller on a slave never sees its absence: it is killed there.
        self.has_master: bool = master.running or machine is not master.machine


def no_master(f: MoveFacts) -> bool:
    return not f.has_master


@cache
def execmove_errors(edition: Edition, profile: ExecProfile) -> Errors:
    """Make the table of bproc_execmove for an edition and the exec rules of a kernel."""
    return Errors(
        "bproc_execmove",
        page="scyld-bproc_execmove",
        order=profile.order,
        rows=(
            Row(edition.no_master, no_master, "there is no master", source=edition.no_master_source),
            *profile.rows,
            *edition.late_rows,
        ),
    )


def survey(
    machine: Machine, who: Credentials, cwd: int, cmd: Pointer, argv: Vector, envp: Vector
) -> tuple[Fail | None, MoveFacts]:
    """Gather the facts of an execmove and decide: what would be refused, or None. No time passes."""
    facts = MoveFacts(machine, who, cwd, cmd, argv, envp)
    table = machine.master.execmove_errors
    row = table.first(facts)
    return (None if row is None else Fail(row, table, b"" if cmd is BAD_ADDRESS else cmd)), facts
