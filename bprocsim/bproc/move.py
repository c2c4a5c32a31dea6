"""execmove: load the image here as an ordinary exec does, then move the process and run it there.

The errors come in two phases. Up to the exec everything is decided on the caller's node, and a
failure is returned. After it there is nothing to return to: a failure is a late row, and the
process exits with the errno as its status. Source of the sequence: bproc-4.0.0pre8-move.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from bprocsim.bproc import vmadump
from bprocsim.bproc.editions import Edition
from bprocsim.bproc.ghost import Ghost
from bprocsim.bproc.late import (
    IN_TRANSIT,
    IO_SETUP,
    ROUTE,
    THAW,
    ConnectFacts,
    RouteFacts,
    ThawFacts,
    TransitFacts,
)
from bprocsim.bproc.master import Master, Move
from bprocsim.bproc.nodes import NODE_MASTER
from bprocsim.bproc.steps import Step
from bprocsim.faces.pointers import BAD_ADDRESS, Pointer, Vector
from bprocsim.manual import Errors, Exit, Fail, Replaced, Row, exit_status
from bprocsim.port import Steps, Waiter
from bprocsim.posix import newimage
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.exec import ExecFacts, ExecProfile
from bprocsim.posix.machine import Machine
from bprocsim.posix.network import Answer
from bprocsim.posix.paths import walk
from bprocsim.posix.procs import Ended, Process, State, Thread, close_all
from bprocsim.posix.vfs import Kind


class MoveFacts(ExecFacts):
    """What execmove asks on entry: all that exec asks, and whether there is a master."""

    __slots__ = ("has_master",)

    def __init__(self, machine: Machine, who: Credentials, cwd: int, cmd: Pointer, argv: Vector, envp: Vector) -> None:
        super().__init__(machine, who, cwd, cmd, argv, envp)
        self.has_master: bool = machine.master.running


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


def execmove(
    machine: Machine,
    thread: Thread,
    node: int,
    port: int,
    cmd: Pointer,
    argv: Vector,
    envp: Vector,
    surveyed: tuple[Fail | None, MoveFacts] | None = None,
) -> Steps:
    """Load an image here, move it to a node and run it there; comes back only if it fails.

    `node` a node number; `port` 0 or a TCP port (an int through htons) for I/O forwarding.
    Errors: execmove_errors. Source: scyld-bproc_execmove.
    """
    process, master = thread.process, machine.master
    refused, facts = surveyed or survey(machine, process.credentials, process.cwd, cmd, argv, envp)
    if refused is not None:
        yield machine.port.sleep(machine.costs.syscall_ns)
        return refused
    caller = process.credentials
    before = newimage.remember(process) if master.edition.late_failure == "return" else None
    newimage.commit(machine, process, facts, machine.port)
    process.move_to(State.MOVING)
    move = Move(process, machine, node)
    failure = yield from _drive(machine, master, move, port, caller)
    master.moves.pop(process.pid, None)
    process.move_to(State.RUNNING)
    if failure is None:
        return Replaced(process.image)
    return _late(machine, master, process, failure, before, cmd)


def _drive(machine: Machine, master: Master, move: Move, port: int, caller: Any) -> Steps:
    """Take the process through the steps; gives the late row that stopped it, or None."""
    process, costs, table = move.process, machine.costs, master.execmove_errors
    front, route_step = master.machine, (Step.ROUTE, ("to node", move.destination), costs.daemon_ns)
    # From its exec on the process is the master's business: it is a ghost, or leaves its node's list.
    master.moves[process.pid] = move
    if process.ghost is None:
        process.ghost = Ghost(process, NODE_MASTER)
    yield from _pass(
        machine, master, move,
        (Step.ENTRY, "the master is there", 0),
        (Step.ARGUMENTS, ("as uid", caller.euid), costs.syscall_ns),
        (Step.EXEC, process.image.path, costs.exec_ns + costs.image_read_ns(len(process.image.inode.data))),
        (Step.SUID_CHECK, "allowed", 0),
        (Step.MOVE_REQUEST, "listens for the target", costs.syscall_ns),
        (Step.GHOST, ("pid", process.pid), 0),
        *((route_step,) if machine is front else ()),
    )  # fmt: skip
    if machine is not front:
        yield from _carry(master, move, machine, front, "MOVE", 0, route_step)
    known = master.node(move.destination)
    route = RouteFacts(move.destination, known, master.number_of(machine), caller)
    if (row := table.first(route, ROUTE)) is not None:
        yield from _carry(master, move, front, machine, "MOVE response")
        return row
    move.target = target = known.machine if known is not None else front
    move.routed = True
    process.ghost.node = move.destination
    row = yield from _at_target(machine, target, master, move, port)
    if row is None:
        _answer(machine, target, master, move, port)
        yield from _pass(target, master, move, (Step.RUN, process.image.path, 0))
        move.arrived = True
        return None
    if process.machine is target:
        close_all(process.descriptors, machine.port)
        _transfer(process, target, machine)
        process.descriptors = move.held
    if row.step != IN_TRANSIT:
        yield from _carry(master, move, target, front, "MOVE response")
        yield from _carry(master, move, front, machine, "MOVE response")
    return row


def _at_target(machine: Machine, target: Any, master: Master, move: Move, port: int) -> Steps:
    """Do what happens on the target, and decide there; gives a late row or None."""
    process, costs, table = move.process, machine.costs, master.execmove_errors
    connect_ns = costs.tcp_connect_ns + 2 * machine.network.link(machine, target).latency_ns
    yield from _carry(
        master, move, master.machine, target, "MOVE", 0,
        (Step.STUB, ("takes over pid", process.pid), costs.stub_ns),
        (Step.CONNECT_BACK, ("to", machine.name), connect_ns),
    )  # fmt: skip
    frozen = vmadump.freeze(machine, process, master.edition.library_list)
    if not (yield from _is_lost(machine, target, move)):
        yield from _stream(machine, target, master, move, frozen.size_bytes)
    if (yield from _is_lost(machine, target, move)):
        return table.first(TransitFacts(True), IN_TRANSIT)
    thaw = ThawFacts(
        vmadump.understands(target, frozen),
        vmadump.finds(target, process, frozen),
        frozen.memory_bytes,
        target.memory.free_bytes,
    )
    if (row := table.first(thaw, THAW)) is not None:
        return row
    from bprocsim.bproc import iod  # a refused call needs no I/O forwarding

    move.held, process.descriptors = process.descriptors, {}
    _transfer(process, machine, target)
    if port:
        answer = yield from iod.connect_back(machine, target, process, port, move)
        if answer is Answer.GONE or (yield from _is_lost(machine, target, move)):
            return table.first(TransitFacts(True), IN_TRANSIT)
        if (row := table.first(ConnectFacts(answer), IO_SETUP)) is not None:
            return row
    else:
        move.link, end = iod.migration_socket(machine, target)
        iod.give_migration_socket(target, process, end)
    yield from _pass(
        target, master, move,
        (Step.IO_SETUP, ("port", port), 0),
        (Step.PTRACE_TRAP, "not traced", 0),
        (Step.RESPONSE, "it worked", 0),
    )  # fmt: skip
    if (yield from _is_lost(machine, target, move)):
        return table.first(TransitFacts(True), IN_TRANSIT)
    return None


def _answer(machine: Machine, target: Any, master: Master, move: Move, port: int) -> None:
    """Send the good news back: the master notes it, and the caller's node lets go of what it held."""

    def forwarded() -> None:
        master.moves.pop(move.process.pid, None)
        _note(master.machine, master, move, Step.FORWARD_RESPONSE, "to " + machine.name)
        master.tell(master.machine, machine, "MOVE response", handed_over)

    def handed_over() -> None:
        _note(machine, master, move, Step.HANDOVER, "the link goes to iod" if move.link else "the ghost sleeps")
        _hand_over(machine, move)

    master.tell(target, master.machine, "MOVE response", forwarded)


def _hand_over(machine: Machine, move: Move) -> None:
    """Give the migration socket and the caller's old descriptor 1 to iod, and close the rest."""
    from bprocsim.bproc import iod

    output = None
    if move.link is not None:
        stdout = move.held.get(1)
        if stdout is not None and stdout.description.writable:
            output = stdout.description
            output.references += 1
        iod.forward(machine, move.link, output)
    drop_held(machine, move)


def drop_held(machine: Machine, move: Move) -> None:
    """Close the descriptors that a process had before it moved."""
    close_all(move.held, machine.port)


def _transfer(process: Process, source: Any, target: Any) -> None:
    """Let the process be on another machine: memory, process list, the file it runs, its directory."""
    source.memory.used_bytes -= process.memory_bytes
    target.memory.used_bytes += process.memory_bytes
    source.processes.pop(process.pid, None)
    target.processes[process.pid] = process
    if process.running_file is not None and source is not target:
        # The image came over the wire: on the target no file is busy on its account.
        process.running_file.running -= 1
        process.running_file = None
    process.machine = target
    if process.cwd_path == b"/":
        process.cwd = target.tree.root
        return
    found = walk(target.tree, target.tree.root, process.cwd_path, process.credentials, target.profile.paths)
    if found.inode is not None and found.inode.kind is Kind.DIRECTORY:
        process.cwd = found.inode.number
    else:
        process.cwd, process.cwd_path = target.tree.root, b"/"


def never_answered(master: Master, move: Move) -> None:
    """End a process that ran on a node which was lost before the master heard of its arrival."""
    table, process = master.execmove_errors, move.process
    row = table.first(TransitFacts(True), IN_TRANSIT)
    assert row is not None and process.machine is not None
    drop_held(move.source, move)
    status = exit_status(row.errno)
    process.late = Exit(status, row, table)
    master.moves.pop(process.pid, None)
    if process.ended is None:
        process.machine.kill_silently(process, Ended(exit_status=status))
    _record_late(master.machine, process, row, status)
    master.machine.report(process)


def _late(machine: Any, master: Master, process: Process, row: Row, before: Any, cmd: Pointer) -> Exit | Fail:
    """Turn a late row into what the edition makes of it: an exit status, or -1 by the letter."""
    if before is not None:
        before.restore()
        return Fail(row, master.execmove_errors, b"" if cmd is BAD_ADDRESS else cmd)
    process.late = Exit(exit_status(row.errno), row, master.execmove_errors)
    _record_late(machine, process, row, process.late.status)
    return process.late


def _record_late(machine: Any, process: Process, row: Row, status: int) -> None:
    machine.record(process.pid, "late", "bproc_execmove", row.errno.name, row.cause, status)


# ---- steps, messages, and waiting for what may never come ---------------------------------------

# A step, what is said of it, and how long it takes.
_Planned = tuple[Step, Any, int]


def _pass(machine: Any, master: Master, move: Move, *plan: _Planned) -> Steps:
    """Let steps pass on one machine, each after its nanoseconds.

    One event does for all, unless something is planned to strike at a step; a death in the middle
    leaves in the trace exactly the steps that were due.
    """
    port = machine.port
    if master.hooks:
        for step, about, duration_ns in plan:
            if duration_ns:
                yield port.sleep(duration_ns)
            if machine.alive:
                _note(machine, master, move, step, about)
        return
    began_ns = port.now_ns
    total_ns = sum([duration_ns for _, _, duration_ns in plan])
    try:
        if total_ns:
            yield port.sleep(total_ns)
    finally:
        if machine.trace.all:
            _note_due(machine, move, began_ns, plan)


def _carry(
    master: Master, move: Move, sender: Any, receiver: Any, message: str, size_bytes: int = 0, *plan: _Planned
) -> Steps:
    """Send something that concerns a move, wait until it is there, and let steps pass there.

    One event does for all of it, as in `_pass`. If the receiver is given up meanwhile, `move.lost`.
    """
    if sender is receiver:
        yield from _pass(receiver, master, move, *plan)
        return
    port = sender.port
    size_bytes = size_bytes or sender.costs.message_bytes
    if sender.trace.all:
        sender.record(0, "message", message, receiver.name, size_bytes)
    later = () if master.hooks else plan
    total_ns = sum([duration_ns for _, _, duration_ns in later])
    move.waiting = waiter = Waiter(f"{message} from {sender.name} to {receiver.name}", port.now_ns)
    try:
        yield port.carry(sender.network.link(sender, receiver), size_bytes, waiter, total_ns)
    finally:
        move.waiting = None
        if receiver.trace.all and waiter.due_ns >= 0:
            _note_due(receiver, move, waiter.due_ns - total_ns, later)
    if master.hooks and not move.lost:
        yield from _pass(receiver, master, move, *plan)


def _note_due(machine: Any, move: Move, at_ns: int, plan: tuple[_Planned, ...]) -> None:
    """Write the steps that were due by now, or by the machine's death, at their own instants."""
    last_ns = machine.port.now_ns if machine.alive else machine.died_ns - 1
    for step, about, duration_ns in plan:
        at_ns += duration_ns
        if at_ns <= last_ns:
            machine.trace.add(at_ns, machine.name, move.process.pid, "step", step.name, _text(about))


def _note(machine: Any, master: Master, move: Move, step: Step, about: Any) -> None:
    if machine.trace.all:
        machine.record(move.process.pid, "step", step.name, _text(about))
    master.reached(step, move)


def _text(about: Any) -> str:
    """Write what is said of a step; it is kept in parts until somebody reads it."""
    if isinstance(about, tuple):
        return " ".join(map(str, about))
    return about.decode("utf-8", "backslashreplace") if isinstance(about, bytes) else str(about)


def _stream(machine: Any, target: Any, master: Master, move: Move, size_bytes: int) -> Steps:
    """Send the frozen process in pieces, so that images that share a link share it fairly; thaw it."""
    piece = machine.costs.stream_chunk_bytes
    sent = 0
    while size_bytes - sent > piece and not move.lost:
        yield from _carry(master, move, machine, target, "image", piece)
        sent += piece
    if not move.lost:
        yield from _carry(
            master, move, machine, target, "image", size_bytes - sent,
            (Step.STREAM, (size_bytes, "bytes"), 0),
            (Step.THAW, ("in", _text(move.process.cwd_path)), machine.costs.thaw_ns),
        )  # fmt: skip


def _is_lost(machine: Machine, target: Any, move: Move) -> Steps:
    """Tell whether the target is gone; if it is silent, wait until the master has found out."""
    while not target.alive and not move.lost:
        waiter = Waiter(f"an answer from {target.name}", machine.port.now_ns)
        move.waiting = waiter
        yield machine.port.wait(waiter)
        move.waiting = None
    return move.lost
