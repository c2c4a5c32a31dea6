"""A process travels: the steps between a call and its first instruction on the target.

Every call that moves a process goes this way, with the plans of its own that its `Move` names. What
stops it is a row of the call's table. Source of the sequence: bproc-4.0.0pre8-move.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bprocsim.bproc import iod
from bprocsim.bproc.ghost import Ghost, hand_over
from bprocsim.bproc.late import IN_TRANSIT, IO_SETUP, QUEUE, ROUTE, THAW, ConnectFacts, TransitFacts, same_node
from bprocsim.bproc.master import Master
from bprocsim.bproc.nodes import NODE_MASTER
from bprocsim.bproc.steps import Step
from bprocsim.bproc.transit import Durations, Move, Plan, carry, passes
from bprocsim.manual import Row
from bprocsim.port import Steps, Wait, Waiter, Why
from bprocsim.posix.machine import Machine
from bprocsim.posix.network import Answer
from bprocsim.posix.procs import Process, State, Thread
from bprocsim.posix.signaling import interrupt

# Looking a member up in an Enum is slow, and every move asks for these.
_MOVING, _RUNNING = State.MOVING, State.RUNNING


def readable(path: bytes) -> str:
    """Write a path as a trace has it."""
    return path.decode("utf-8", "backslashreplace")


# The steps between two waits, in order; those on the source and the last one are each call's own.
ENTERED: Plan = (
    (Step.ENTRY, lambda move: "the master is there"),
    (Step.ARGUMENTS, lambda move: f"as uid {move.caller.euid}"),
)
REQUESTED: Plan = (
    (Step.MOVE_REQUEST, lambda move: "listens for the target"),
    (Step.GHOST, lambda move: f"pid {move.process.pid}"),
)
IN_THE_MASTER: Plan = ((Step.ROUTE, lambda move: f"to node {move.destination}"),)
ON_THE_TARGET: Plan = (
    (Step.STUB, lambda move: f"takes over pid {move.process.pid}"),
    (Step.CONNECT_BACK, lambda move: f"to {(move.sender or move.source).name}"),
)
SENT: Plan = (
    (Step.STREAM, lambda move: f"{move.frozen.size_bytes} bytes"),
    (Step.THAW, lambda move: f"in {readable(move.process.cwd_path)}"),
)
REBUILT: Plan = (
    (Step.IO_SETUP, lambda move: f"port {move.io}" if isinstance(move.io, int) else repr(move.io)),
    (Step.PTRACE_TRAP, lambda move: "not traced"),
    (Step.RESPONSE, lambda move: "it worked"),
)
ANSWERED: Plan = ((Step.FORWARD_RESPONSE, lambda move: f"to {move.source.name}"),)
HANDED_OVER: Plan = ((Step.HANDOVER, lambda move: "to iod" if move.io == 0 else "the caller's copy goes"),)
ANSWERED_AND_HANDED_OVER: Plan = (*ANSWERED, *HANDED_OVER)


def depart(move: Move) -> None:
    """Let a process be on its way: its other threads stand still until it is decided who goes on where."""
    process = move.process
    process.move_to(_MOVING)
    if len(process.threads) != 1:
        interrupt(move.source, process, everybody=True)


def settle(master: Master, move: Move) -> None:
    """Let a process be where it has come to, or is still: nothing of the journey is left in the books."""
    process = move.process
    move.leg = None
    master.moves.pop(process.pid, None)
    process.move_to(_RUNNING)
    if process.machine is master.machine:
        process.ghost = None
    else:
        process.ghost.node = process.machine.number
    if process.continued is not None:
        process.continued.wake_all(move.source.port, Why.DONE)
    if process in master.signals and not move.there:
        hand_over(master, process)  # what was sent behind it may have been lost with the target


def arrive(thread: Thread) -> None:
    """Leave behind what does not move: other threads, and timers. Source: bproc-4.0.0pre8-move."""
    process = thread.process
    if len(process.threads) != 1:
        process.machine.only(thread)
        process.proc = None
    if process.alarm is not None:
        process.alarm[1].cancel()
        process.alarm = None


def drive(machine: Machine, master: Master, move: Move, here_ns: Durations) -> Steps:
    """Take a process through the steps; gives the row that stopped it, or None.

    `here_ns` how long each of the steps on the source takes. Where no row is against it, a process
    that is there already stays where it is.
    """
    process, costs, front = move.process, machine.costs, master.machine
    if not master.reaches(machine):
        if machine is front:
            return (yield from _unqueued(move, here_ns))
        yield from killed(master, process)
    # From here on the process is the master's business: it is a ghost, or leaves its node's list.
    master.moves[process.pid] = move
    if process.ghost is None:
        process.ghost = Ghost(process, NODE_MASTER)
    if machine is front:
        move.queued_ns = machine.port.now_ns + sum(here_ns)
        yield from passes(machine, master, move, move.plans.on_the_front_end, (*here_ns, costs.daemon_ns))
        if move.unqueued:
            return move.table.first(move, QUEUE)
    else:
        yield from passes(machine, master, move, move.plans.on_the_source, here_ns)
        yield from carry(master, move, machine, front, "MOVE", 0, IN_THE_MASTER, (costs.daemon_ns,))
    move.node = node = master.node(move.destination)
    row: Row | None = move.table.first(move, ROUTE)
    if row is not None or same_node(move):
        return (yield from _come_back(machine, master, move, row))
    move.target = node.machine if node is not None else front
    process.ghost.node = move.destination
    if move.sender is not None and master.gave_up(move.sender):
        move.lose_sender()  # it was given up before the master had this move in its books
    row = yield from _at_target(machine, move.sender or machine, move.target, master, move)
    if row is None and not (yield from _hand_over(machine, move.target, master, move)):
        row = _lost(move)
    return row if row is None else (yield from _come_back(machine, master, move, row))


def _unqueued(move: Move, here_ns: Durations) -> Steps:
    """Let a process find the queue closed, for the daemon ended before it set out; gives the row."""
    move.unqueued = True
    yield move.source.port.sleep(sum(here_ns))
    return move.table.first(move, QUEUE)


def _lost(move: Move) -> Row:
    row: Row | None = move.table.first(TransitFacts(move.lost, move.unsent), IN_TRANSIT)
    assert row is not None
    # Where the sender alone is gone, the target is there to say so, and is waited for.
    move.unsent = False
    return row


def _at_target(machine: Machine, sender: Any, target: Any, master: Master, move: Move) -> Steps:
    """Do what happens on the target, and decide there; gives the row that stops it, or None.

    `sender` the machine from which the process comes, mostly the caller's.
    """
    process, costs, table = move.process, machine.costs, move.table
    connect_ns = costs.tcp_connect_ns + 2 * machine.network.latency_ns(sender, target)
    yield from carry(
        master, move, master.machine, target, "MOVE", 0, ON_THE_TARGET, (costs.stub_ns, connect_ns)
    )  # fmt: skip
    if move.decided():
        return _lost(move)
    if move.freeze is not None:
        move.frozen = move.freeze(move, master.library_list(machine))
    yield from _stream(sender, target, master, move, move.frozen.size_bytes)
    if move.decided():
        return _lost(move)
    if move.silent:
        return table.first(ConnectFacts(Answer.SILENCE), IO_SETUP)
    if (row := table.first(move, THAW)) is not None:
        return row
    move.go_there()
    if move.rebuild is not None:
        row = yield from move.rebuild(move)
        if row is not None or move.decided():
            return row or _lost(move)
    if move.io == 0 and sender is machine:
        move.link = iod.give_migration_socket(machine, target, process)
    elif move.io == 0:
        iod.give_closed_socket(sender, target, process)
    else:
        row = yield from _set_up(machine, target, move)
        if row is not None or move.decided():
            return _lost(move) if move.decided() else row
    yield from passes(target, master, move, REBUILT, (0, 0, 0))
    return _lost(move) if move.decided() else None


def _set_up(machine: Machine, target: Any, move: Move) -> Steps:
    """Give a process its descriptors on the target, by a port or by a list; gives the row that is against it."""
    if isinstance(move.io, int):
        answer = yield from iod.connect_back(machine, target, move.process, move.io, move)
        return move.table.first(ConnectFacts(answer), IO_SETUP)
    from bprocsim.bproc.iosetup import set_up  # most worlds have no lists

    return (yield from set_up(machine, target, move.process, move.caller, move.io, move, move.table))


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
    if not isinstance(move.io, int):
        from bprocsim.bproc.iosetup import set_up_delayed

        yield from set_up_delayed(machine, target, move.process, move.caller, move.io, move, move.table)
    move.orphaned = False
    if move.plans.runs:
        yield from passes(target, master, move, move.plans.runs, (0,))
    return True


def _come_back(machine: Machine, master: Master, move: Move, row: Row | None) -> Steps:
    """Let the process be home again, where the news reaches it; gives the row that does, if it is bad."""
    target, front = move.target, master.machine
    if move.there:
        move.come_back()
    if target is not None and not move.decided():
        yield from carry(master, move, target, front, "MOVE response")
        if move.decided():
            row = _lost(move)
    move.returning = True
    if master.gave_up(machine):
        yield from killed(master, move.process)
    yield from carry(master, move, front, machine, "MOVE response")
    return row


def killed(master: Master, process: Process) -> Steps:
    """Let a process be killed: its node has been given up, or has no master."""
    port = master.machine.port
    port.after(master.machine.costs.syscall_ns, lambda: master.kill(process))
    while True:
        yield port.wait(Waiter("its end: its node has no master", port.now_ns))
