"""execmove and move: a process goes to another node, as a fresh image or as it is.

The errors of execmove come in two phases. Up to the exec everything is decided on the caller's node,
and a failure is returned. After it there is nothing to return to: a failure is a late row, and the
process exits with the errno as its status. A move that fails always comes back, to a process that is
what it was.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from attrs import evolve

from bprocsim.bproc import vmadump
from bprocsim.bproc.editions import Edition
from bprocsim.bproc.entry import EntryFacts, no_master, no_master_for_others
from bprocsim.bproc.execmove import survey
from bprocsim.bproc.late import other_node_not_permitted, returned, same_node
from bprocsim.bproc.nodes import Node, NodeState
from bprocsim.bproc.steps import Step
from bprocsim.bproc.transit import Move, Plan, Plans
from bprocsim.bproc.travel import ENTERED, IN_THE_MASTER, REQUESTED, arrive, depart, drive, readable, settle
from bprocsim.faces.pointers import BAD_ADDRESS, Pointer, Vector
from bprocsim.manual import Errors, Exit, Fail, Replaced, Row
from bprocsim.port import Steps
from bprocsim.posix import newimage
from bprocsim.posix.exec import ExecFacts
from bprocsim.posix.machine import Machine
from bprocsim.posix.procs import Thread

if TYPE_CHECKING:
    from bprocsim.faces.iolists import Io

# ---- execmove ------------------------------------------------------------------------------------

EXECUTED: Plan = (
    *ENTERED,
    (Step.EXEC, lambda move: readable(move.process.image.path)),
    (Step.SUID_CHECK, lambda move: "allowed"),
    *REQUESTED,
)
BEGINS: Plan = ((Step.RUN, lambda move: readable(move.process.image.path)),)
EXECMOVE_PLANS = Plans(EXECUTED, (*EXECUTED, *IN_THE_MASTER), BEGINS)


def _freeze_fresh(move: Move, library_list: tuple[str, ...]) -> vmadump.Frozen:
    return vmadump.freeze(move.source, move.process, library_list)


def execmove(
    machine: Machine,
    thread: Thread,
    node: int,
    io: Io,
    cmd: Pointer,
    argv: Vector,
    envp: Vector,
    surveyed: tuple[Fail | None, ExecFacts] | None = None,
) -> Steps:
    """Load an image here, move it to a node and run it there; comes back only if it fails.

    `node` a node number; `io` 0 or a TCP port (an int through htons) for I/O forwarding, or a list.
    Errors: execmove_errors. Source: scyld-bproc_execmove.
    """
    process, master = thread.process, machine.master
    refused, facts = surveyed or survey(machine, process.credentials, process.cwd, cmd, argv, envp, process, io)
    if refused is not None:
        if not machine.port.pass_at_once(machine.costs.syscall_ns):
            yield machine.port.sleep(machine.costs.syscall_ns)
        return refused
    table = master.execmove_errors
    move = Move(process, machine, node, io, process.credentials, table, EXECMOVE_PLANS, _freeze_fresh)
    if master.edition.late_failure == "return":
        from bprocsim.bproc.before import remember

        move.before = remember(process)  # threads and all
    else:
        machine.only(thread)
    newimage.commit(machine, process, facts, machine.port)
    if process.image.kill:
        # The image is mapped here before it moves, so here is where its headers kill it.
        yield machine.port.sleep(machine.costs.syscall_ns + machine.costs.exec_ns)
        return Replaced(process.image)
    depart(move)
    costs = machine.costs
    exec_ns = costs.exec_ns + costs.image_read_ns(len(process.image.inode.data))
    failure = yield from drive(machine, master, move, (0, costs.syscall_ns, exec_ns, 0, costs.syscall_ns, 0))
    settle(master, move)
    if failure is not None:
        return _late(machine, move, failure, cmd)
    arrive(thread)
    return Replaced(process.image)


def _late(machine: Any, move: Move, row: Row, cmd: Pointer) -> Exit | Fail:
    """Turn a late row into what the edition makes of it: an exit status, or -1 by the letter."""
    table, process = move.table, move.process
    if move.before is not None:
        move.before.restore()
        return Fail(row, table, b"" if cmd is BAD_ADDRESS else cmd)
    process.late = Exit(row.exit_status(), row, table)
    machine.record(process.pid, "late", "bproc_execmove", row.errno.name, row.cause, process.late.status)
    return process.late


# ---- move ----------------------------------------------------------------------------------------

PAGE = "scyld-bproc_move"

ASKED: Plan = (*ENTERED, *REQUESTED)
GOES_ON: Plan = ((Step.RUN, lambda move: f"goes on as {readable(move.process.comm) or 'it was'}"),)
MOVE_PLANS = Plans(ASKED, (*ASKED, *IN_THE_MASTER), GOES_ON)


@cache
def move_errors(edition: Edition) -> Errors:
    """Make the table of bproc_move for an edition."""
    alone = no_master_for_others if edition.stays_put else no_master
    errno, source = edition.no_master, edition.no_master_source
    asked = Row(errno, alone, "there is no master", name="no_master", source=source)
    return Errors(
        "bproc_move",
        page=PAGE,
        order="bproc-4.0.0pre8-master",
        rows=(asked, *edition.list_rows().entry, *returned_rows(edition)),
    )


def returned_rows(edition: Edition) -> tuple[Row, ...]:
    """Give what can go wrong on the way, for a call of a process that is still there to be told."""
    rows = returned(edition.after_exec(), PAGE)
    if not edition.stays_put:
        return rows
    # Who is there already is never refused, whoever he is.
    permitted = {"node_not_permitted": other_node_not_permitted}
    return tuple(
        evolve(row, condition=permitted.get(row.cause, row.condition), name=row.cause)
        for row in rows
        if row.condition is not same_node
    )


def default_flags(edition: Edition, node: Node | None) -> int:
    """Give what bproc_move sends: in some editions libraries too, where the node is not up.

    Sources: scyld-bproc_move, bproc-common.
    """
    up = node is None or node.state is NodeState.UP or not edition.libraries_unless_up
    return vmadump.DUMP_EXEC | vmadump.DUMP_OTHER | (0 if up else vmadump.DUMP_LIBS)


def freezing(flags: int) -> Any:
    """Give what freezes a running process by DUMP_ flags."""
    return lambda move, library_list: vmadump.freeze_running(move.source, move.process, flags, library_list)


def move(machine: Machine, thread: Thread, node: int, flags: int | None, io: Io) -> Steps:
    """Go on running on another node; gives 0 there, or comes back because it failed.

    `node` a node number, -1 the master; `flags` DUMP_ flags, None for the usual ones; `io` 0 or a TCP
    port (an int through htons) for I/O forwarding, or a list. All other descriptors are closed by the move.
    Errors: move_errors. Source: scyld-bproc_move.
    """
    process, master = thread.process, machine.master
    table = master.tables.get("bproc_move") or move_errors(master.edition)
    entry = EntryFacts(machine, node, io)
    row = table.first(entry)
    if row is not None or no_master(entry):
        if not machine.port.pass_at_once(machine.costs.syscall_ns):
            yield machine.port.sleep(machine.costs.syscall_ns)
        return 0 if row is None else Fail(row, table, str(node))
    if flags is None:
        flags = default_flags(master.edition, master.node(node))
    going = Move(process, machine, node, io, process.credentials, table, MOVE_PLANS, freezing(flags))
    depart(going)
    row = yield from drive(machine, master, going, (0, machine.costs.syscall_ns, machine.costs.syscall_ns, 0))
    settle(master, going)
    if row is not None:
        return Fail(row, table, str(node))
    if going.there:
        arrive(thread)
    return 0
