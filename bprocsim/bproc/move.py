"""execmove: load the image here as an ordinary exec does, then move the process and run it there.

The errors come in two phases. Up to the exec everything is decided on the caller's node, and a
failure is returned. After it there is nothing to return to: a failure is a late row, and the
process exits with the errno as its status. Source of the sequence: bproc-4.0.0pre8-move.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bprocsim.bproc import iod, vmadump
from bprocsim.bproc.execmove import survey
from bprocsim.bproc.ghost import Ghost
from bprocsim.bproc.late import (
    IN_TRANSIT,
    IO_SETUP,
    ROUTE,
    THAW,
    ConnectFacts,
    TransitFacts,
)
from bprocsim.bproc.master import Master
from bprocsim.bproc.nodes import NODE_MASTER
from bprocsim.bproc.steps import Step
from bprocsim.bproc.transit import Move, Plan, carry, passes
from bprocsim.faces.pointers import BAD_ADDRESS, Pointer, Vector
from bprocsim.manual import Errors, Exit, Fail, Replaced, Row, exit_status
from bprocsim.port import Steps, Wait, Waiter
from bprocsim.posix import newimage
from bprocsim.posix.exec import ExecFacts
from bprocsim.posix.machine import Machine
from bprocsim.posix.network import Answer
from bprocsim.posix.procs import State, Thread

# Looking a member up in an Enum is slow, and every move asks for these.
_MOVING, _RUNNING = State.MOVING, State.RUNNING


def _readable(path: bytes) -> str:
    return path.decode("utf-8", "backslashreplace")


# The steps between two waits, in order.
ON_THE_SOURCE: Plan = (
    (Step.ENTRY, lambda move: "the master is there"),
    (Step.ARGUMENTS, lambda move: f"as uid {move.caller.euid}"),
    (Step.EXEC, lambda move: _readable(move.process.image.path)),
    (Step.SUID_CHECK, lambda move: "allowed"),
    (Step.MOVE_REQUEST, lambda move: "listens for the target"),
    (Step.GHOST, lambda move: f"pid {move.process.pid}"),
)
IN_THE_MASTER: Plan = ((Step.ROUTE, lambda move: f"to node {move.destination}"),)
ON_THE_FRONT_END: Plan = (*ON_THE_SOURCE, *IN_THE_MASTER)
ON_THE_TARGET: Plan = (
    (Step.STUB, lambda move: f"takes over pid {move.process.pid}"),
    (Step.CONNECT_BACK, lambda move: f"to {move.source.name}"),
)
SENT: Plan = (
    (Step.STREAM, lambda move: f"{move.frozen.size_bytes} bytes"),
    (Step.THAW, lambda move: f"in {_readable(move.process.cwd_path)}"),
)
REBUILT: Plan = (
    (Step.IO_SETUP, lambda move: f"port {move.port}"),
    (Step.PTRACE_TRAP, lambda move: "not traced"),
    (Step.RESPONSE, lambda move: "it worked"),
)
ANSWERED: Plan = ((Step.FORWARD_RESPONSE, lambda move: f"to {move.source.name}"),)
HANDED_OVER: Plan = ((Step.HANDOVER, lambda move: "the caller's copy goes" if move.port else "to iod"),)
ANSWERED_AND_HANDED_OVER: Plan = (*ANSWERED, *HANDED_OVER)
RUNNING: Plan = ((Step.RUN, lambda move: _readable(move.process.image.path)),)


def execmove(
    machine: Machine,
    thread: Thread,
    node: int,
    port: int,
    cmd: Pointer,
    argv: Vector,
    envp: Vector,
    surveyed: tuple[Fail | None, ExecFacts] | None = None,
) -> Steps:
    """Load an image here, move it to a node and run it there; comes back only if it fails.

    `node` a node number; `port` 0 or a TCP port (an int through htons) for I/O forwarding.
    Errors: execmove_errors. Source: scyld-bproc_execmove.
    """
    process, master = thread.process, machine.master
    refused, facts = surveyed or survey(machine, process.credentials, process.cwd, cmd, argv, envp, process)
    if refused is not None:
        if not machine.port.pass_at_once(machine.costs.syscall_ns):
            yield machine.port.sleep(machine.costs.syscall_ns)
        return refused
    move = Move(process, machine, node, port, process.credentials)
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
    process.move_to(_MOVING)
    failure = yield from _drive(machine, master, move)
    master.moves.pop(process.pid, None)
    process.move_to(_RUNNING)
    if process.machine is master.machine:
        process.ghost = None
    else:
        process.ghost.node = process.machine.number
    if failure is not None:
        return _late(machine, master, move, failure, cmd)
    if move.before is not None:
        _stop_others(thread)
    if process.alarm is not None:
        process.alarm[1].cancel()  # timers do not move
        process.alarm = None
    return Replaced(process.image)


def _stop_others(thread: Thread) -> None:
    """Stop the other threads: only the caller becomes the new image, and only it moves."""
    for other in thread.process.threads:
        if other is not thread and other.task is not None:
            if other.waiting is not None and other.waiting.queue is not None:
                other.waiting.queue.leave(other.waiting)
            thread.process.machine.port.stop(other.task)
            other.task = other.waiting = None


def _drive(machine: Machine, master: Master, move: Move) -> Steps:
    """Take the process through the steps; gives the late row that stopped it, or None."""
    process, costs, front = move.process, machine.costs, master.machine
    if not master.reaches(machine):
        yield from _killed(master, move)
    # From its exec on the process is the master's business: it is a ghost, or leaves its node's list.
    master.moves[process.pid] = move
    if process.ghost is None:
        process.ghost = Ghost(process, NODE_MASTER)
    exec_ns = costs.exec_ns + costs.image_read_ns(len(process.image.inode.data))
    here_ns = (0, costs.syscall_ns, exec_ns, 0, costs.syscall_ns, 0)
    if machine is front:
        yield from passes(machine, master, move, ON_THE_FRONT_END, (*here_ns, costs.daemon_ns))
    else:
        yield from passes(machine, master, move, ON_THE_SOURCE, here_ns)
        yield from carry(master, move, machine, front, "MOVE", 0, IN_THE_MASTER, (costs.daemon_ns,))
    move.node = node = master.node(move.destination)
    row = master.execmove_errors.first(move, ROUTE)
    if row is None:
        move.target = node.machine if node is not None else front
        process.ghost.node = move.destination
        row = yield from _at_target(machine, move.target, master, move)
        if row is None and not (yield from _hand_over(machine, move.target, master, move)):
            row = _lost(master.execmove_errors)
    if row is not None:
        row = yield from _come_back(machine, master, move, row)
    return row


def _lost(table: Errors) -> Row:
    row = table.first(TransitFacts(True), IN_TRANSIT)
    assert row is not None
    return row


def _at_target(machine: Machine, target: Any, master: Master, move: Move) -> Steps:
    """Do what happens on the target, and decide there; gives a late row or None."""
    process, costs, table = move.process, machine.costs, master.execmove_errors
    connect_ns = costs.tcp_connect_ns + 2 * machine.network.link(machine, target).latency_ns
    yield from carry(
        master, move, master.machine, target, "MOVE", 0, ON_THE_TARGET, (costs.stub_ns, connect_ns)
    )  # fmt: skip
    if move.decided():
        return _lost(table)
    move.frozen = vmadump.freeze(machine, process, master.edition.library_list)
    yield from _stream(machine, target, master, move, move.frozen.size_bytes)
    if move.decided():
        return _lost(table)
    if move.silent:
        return table.first(ConnectFacts(Answer.SILENCE), IO_SETUP)
    if (row := table.first(move, THAW)) is not None:
        return row
    move.go_there()
    if move.port:
        answer = yield from iod.connect_back(machine, target, process, move.port, move)
        if move.decided():
            return _lost(table)
        if (row := table.first(ConnectFacts(answer), IO_SETUP)) is not None:
            return row
    else:
        move.link = iod.give_migration_socket(machine, target, process)
    yield from passes(target, master, move, REBUILT, (0, 0, 0))
    return _lost(table) if move.decided() else None


def _stream(machine: Machine, target: Any, master: Master, move: Move, size_bytes: int) -> Iterable[Wait]:
    """Send the frozen process in pieces, so that images that share a link share it fairly; thaw it."""
    if size_bytes > machine.costs.stream_chunk_bytes:
        return _in_pieces(machine, target, master, move, size_bytes)
    return carry(master, move, machine, target, "image", size_bytes, SENT, (0, machine.costs.thaw_ns))


def _in_pieces(machine: Machine, target: Any, master: Master, move: Move, size_bytes: int) -> Steps:
    """Send piece after piece, and the last as a stream that fits into one."""
    piece = machine.costs.stream_chunk_bytes
    while size_bytes > piece:
        yield from carry(master, move, machine, target, "image", piece)
        if move.decided() or move.silent:
            return
        size_bytes -= piece
    yield from _stream(machine, target, master, move, size_bytes)


def _hand_over(machine: Machine, target: Any, master: Master, move: Move) -> Steps:
    """Tell the master and the caller's node that it worked; gives whether the master heard so.

    The image starts when the caller's node has let go, so that the steps come in the order of their
    numbers; nothing is sent to tell it so. If that node is lost, the master lets it start.
    """
    front, response = master.machine, "MOVE response"
    if machine is front:
        yield from carry(master, move, target, front, response, 0, ANSWERED_AND_HANDED_OVER, (0, 0))
    else:
        yield from carry(master, move, target, front, response, 0, ANSWERED, (0,))
    if move.decided():
        return False
    move.answered = True
    if machine is not front:
        yield from carry(master, move, front, machine, response, 0, HANDED_OVER, (0,))
    if not move.decided():
        move.let_go(forward=True)
    move.orphaned = False
    yield from passes(target, master, move, RUNNING, (0,))
    return True


def _come_back(machine: Machine, master: Master, move: Move, row: Row) -> Steps:
    """Let the process be home again, where the bad news reaches it; gives the row that does."""
    target, front = move.target, master.machine
    if move.there:
        move.come_back()
    if target is not None and not move.decided():
        yield from carry(master, move, target, front, "MOVE response")
        if move.decided():
            row = _lost(master.execmove_errors)
    move.returning = True
    if master.gave_up(machine):
        yield from _killed(master, move)
    yield from carry(master, move, front, machine, "MOVE response")
    return row


def _killed(master: Master, move: Move) -> Steps:
    """Let the process be killed: its node has been given up, or has no master."""
    port, process = master.machine.port, move.process
    port.after(master.machine.costs.syscall_ns, lambda: master.kill(process))
    while True:
        yield port.wait(Waiter("its end: its node has no master", port.now_ns))


def _late(machine: Any, master: Master, move: Move, row: Row, cmd: Pointer) -> Exit | Fail:
    """Turn a late row into what the edition makes of it: an exit status, or -1 by the letter."""
    table, process = master.execmove_errors, move.process
    if move.before is not None:
        move.before.restore()
        return Fail(row, table, b"" if cmd is BAD_ADDRESS else cmd)
    process.late = Exit(exit_status(row.errno), row, table)
    machine.record(process.pid, "late", "bproc_execmove", row.errno.name, row.cause, process.late.status)
    return process.late
