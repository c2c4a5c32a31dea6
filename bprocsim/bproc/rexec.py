"""rexec: become an image that is loaded on another node, where all names are looked up.

What the call is given is copied on the caller's node; files are judged on the target. There are two
kinds of editions. In the one the exec is a part of the move, and its failure is returned to a process
that is what it was. In the other the process has moved by then, and exits.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from attrs import evolve

from bprocsim.bproc.before import leave_behind
from bprocsim.bproc.editions import Edition
from bprocsim.bproc.entry import no_master
from bprocsim.bproc.execmove import exec_rows, facts_of
from bprocsim.bproc.late import IO_SETUP, THAW, returned
from bprocsim.bproc.steps import Step
from bprocsim.bproc.transit import Move, Plan, Plans, passes
from bprocsim.bproc.travel import ENTERED, IN_THE_MASTER, REQUESTED, arrive, depart, drive, readable, settle
from bprocsim.bproc.vmadump import FIXED_BYTES, Frozen
from bprocsim.faces.pointers import BAD_ADDRESS, Pointer, Vector
from bprocsim.manual import Errors, Exit, Fail, Kind, Replaced, Row
from bprocsim.port import Steps
from bprocsim.posix import newimage
from bprocsim.posix.exec import ExecFacts, ExecProfile
from bprocsim.posix.execcalls import become
from bprocsim.posix.machine import Machine
from bprocsim.posix.procs import Thread

if TYPE_CHECKING:
    from bprocsim.faces.iolists import Io

PAGE = "scyld-bproc_rexec"
THERE = "EXEC"  # the step at which the rows of files are decided, on the target

ASKED: Plan = (*ENTERED, *REQUESTED)
ARRIVES: Plan = ((Step.RUN, lambda move: f"pid {move.process.pid}"),)
PLANS = Plans(ASKED, (*ASKED, *IN_THE_MASTER), ARRIVES)
EXECUTED: Plan = ((Step.EXEC, lambda move: readable(move.process.image.path)),)

# What is wrong with the arguments themselves, whatever they name.
_COPIED = frozenset(
    {
        "cmd_unreadable", "cmd_empty", "cmd_too_long", "argv_unreadable", "envp_unreadable", "argv_too_long",
        "envp_too_long", "string_unreadable", "args_too_big",
    }
)  # fmt: skip


@cache
def rexec_errors(edition: Edition, profile: ExecProfile) -> Errors:
    """Make the table of bproc_rexec for an edition and the exec rules of a kernel."""
    asked = Row(edition.no_master, no_master, "there is no master", source=edition.no_master_source)
    copied = tuple(row for row in exec_rows(profile) if row.cause in _COPIED)
    # No image is sent, so there is none that cannot be thawed.
    way = tuple(row for row in returned(edition.after_exec(), PAGE) if row.step != THAW)
    before = tuple(row for row in way if row.step != IO_SETUP)
    there = tuple(_there(edition, profile))
    order = (*there, *way[len(before) :]) if edition.rexec_status is None else (*way[len(before) :], *there)
    return Errors(
        "bproc_rexec",
        page=PAGE,
        order=profile.order,
        rows=(asked, *edition.list_rows().entry, *copied, *before, *order),
    )


def _there(edition: Edition, profile: ExecProfile) -> Iterator[Row]:
    """Give the rows of files, which are decided on the target."""
    for row in exec_rows(profile):
        if row.cause in _COPIED:
            continue
        if edition.rexec_status is None:
            # It has no descriptors yet, so it never has too many.
            if "too_many_descriptors" not in row.cause:
                yield evolve(row, step=THERE)
        else:
            yield evolve(row, step=THERE, kind=Kind.LATE, source=PAGE, status=edition.rexec_status)


def rexec(machine: Machine, thread: Thread, node: int, io: Io, cmd: Pointer, argv: Vector, envp: Vector) -> Steps:
    """Move to a node and become an image there; comes back only if it fails.

    `node` a node number; `io` 0 or a TCP port (an int through htons) for I/O forwarding, or a list;
    `cmd` is looked up on that node. Errors: rexec_errors. Source: scyld-bproc_rexec.
    """
    process, master, edition = thread.process, machine.master, machine.master.edition
    table = master.tables.get("bproc_rexec") or rexec_errors(edition, machine.profile)
    subject = b"" if cmd is BAD_ADDRESS else cmd
    given = facts_of(machine, process.credentials, process.cwd, cmd, argv, envp, process, io)
    if (row := table.first(given)) is not None:
        if not machine.port.pass_at_once(machine.costs.syscall_ns):
            yield machine.port.sleep(machine.costs.syscall_ns)
        return Fail(row, table, subject)

    def freeze(move: Move, _library_list: tuple[str, ...]) -> Frozen:
        return Frozen(move.target.arch, FIXED_BYTES + given.argument_bytes, 0)

    def execute(move: Move) -> Steps:
        return (yield from _execute(move, cmd, argv, envp))

    move = Move(process, machine, node, io, process.credentials, table, PLANS, freeze)
    if edition.rexec_status is None:
        move.rebuild = execute
    depart(move)
    row = yield from drive(machine, master, move, (0, machine.costs.syscall_ns, machine.costs.syscall_ns, 0))
    settle(master, move)
    if row is not None:
        if move.before is not None:
            move.before.restore()
        return Fail(row, table, subject)
    arrive(thread)
    if edition.rexec_status is None:
        return Replaced(process.image)
    return (yield from _execute_at_last(thread, table, cmd, argv, envp))


def _execute(move: Move, cmd: Pointer, argv: Vector, envp: Vector) -> Steps:
    """Become the image as a part of the move; gives the row that is against it."""
    process, target = move.process, move.target
    facts = ExecFacts(target, move.caller, process.cwd, cmd, argv, envp, process)
    row: Row | None = move.table.first(facts, THERE)
    if row is not None:
        return row
    move.before = leave_behind(move)
    newimage.commit(target, process, facts, target.port)
    process.image.script = None  # its interpreter opens the file
    costs, size = target.costs, len(process.image.inode.data)
    yield from passes(target, target.master, move, EXECUTED, (costs.exec_ns + costs.image_read_ns(size),))
    return None


def _execute_at_last(thread: Thread, table: Errors, cmd: Pointer, argv: Vector, envp: Vector) -> Steps:
    """Become the image once all else is done; if that is refused, exit."""
    process = thread.process
    machine: Any = process.machine
    facts = ExecFacts(machine, process.credentials, process.cwd, cmd, argv, envp, process)
    row = table.first(facts, THERE)
    if row is None:
        return (yield from become(machine, thread, facts))
    yield machine.port.sleep(machine.costs.syscall_ns)
    process.late = Exit(row.exit_status(), row, table)
    machine.record(process.pid, "late", table.call, row.errno.name, row.cause, process.late.status)
    return process.late
