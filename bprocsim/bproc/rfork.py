"""rfork: make a child that begins its life on another node.

The child is forked where the caller is, and then moves as a process of its own. If it does not arrive
it has never been: no zombie, no SIGCHLD. Source: scyld-bproc_rfork.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from types import GeneratorType
from typing import TYPE_CHECKING, Any

from attrs import define, evolve, setters

from bprocsim.bproc import iod
from bprocsim.bproc.editions import Edition
from bprocsim.bproc.entry import EntryFacts, no_master
from bprocsim.bproc.late import IO_SETUP, ConnectFacts
from bprocsim.bproc.move import MOVE_PLANS, default_flags, freezing, returned_rows
from bprocsim.bproc.transit import Move
from bprocsim.bproc.travel import arrive, depart, drive, killed, settle
from bprocsim.manual import Errors, Fail, Kind, Row
from bprocsim.port import Steps, Waiter, Why
from bprocsim.posix.life import FORK_ERRORS, fork
from bprocsim.posix.machine import Machine
from bprocsim.posix.procs import Ended, Process, State, Thread, drop, release

if TYPE_CHECKING:
    from bprocsim.faces.iolists import Io

PAGE = "scyld-bproc_rfork"
FORK = "fork"  # the step at which fork's own rows are decided


@cache
def rfork_errors(edition: Edition) -> Errors:
    """Make the table of bproc_rfork for an edition."""
    asked = Row(edition.no_master, no_master, "there is no master", source=edition.no_master_source)
    own = tuple(
        evolve(row, step=FORK, source=row.source or FORK_ERRORS.page, kind=_KINDS[row.cause])
        for row in FORK_ERRORS.rows
    )
    way = tuple(evolve(row, source=PAGE if row.kind is Kind.PAGE else row.source) for row in returned_rows(edition))
    return Errors(
        "bproc_rfork", page=PAGE, order="bproc-4.0.0pre8-master", rows=(asked, *edition.list_rows().entry, *own, *way)
    )


# The page lists lack of memory, and no limit on processes.
_KINDS = {"memory_used_up": Kind.PAGE, "no_pid_left": Kind.BEYOND}


def told_by_value(edition: Edition, row: Row) -> int | None:
    """Give what rfork returns that tells the errno by itself: of what stops a child on its way, in some editions."""
    return edition.rfork_value(row.errno) if row.step not in ("", FORK) else None


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Birth:
    """A child that is on its way, and what its parent will be told: `over`, and why if it failed.

    `row` what stopped it; `waiter` the parent's wait.
    """

    over: bool = False
    row: Row | None = None
    waiter: Waiter | None = None

    def tell(self, port: Any, row: Row | None = None) -> None:
        """Let the parent know, if it still waits."""
        if not self.over:
            self.over, self.row = True, row
            if self.waiter is not None:
                port.wake(self.waiter, Why.DONE)


def rfork(
    machine: Machine, thread: Thread, node: int, flags: int | None, io: Io, body: Callable[..., Any],
    args: tuple[Any, ...],
) -> Steps:  # fmt: skip
    """Make a child that runs `body(proc, *args)` on a node; gives its pid once it runs there.

    `node` a node number, -1 the master; `flags` DUMP_ flags, None for the usual ones; `io` 0 or a TCP
    port (an int through htons) for I/O forwarding, or a list. Errors: rfork_errors. Source:
    scyld-bproc_rfork.
    """
    process, master = thread.process, machine.master
    table = master.tables.get("bproc_rfork") or rfork_errors(master.edition)
    if (row := table.first(EntryFacts(machine, node, io))) is not None:
        if not machine.port.pass_at_once(machine.costs.syscall_ns):
            yield machine.port.sleep(machine.costs.syscall_ns)
        return Fail(row, table, str(node))
    if not master.reaches(machine):
        yield from killed(master, process)
    sent = default_flags(master.edition, master.node(node)) if flags is None else flags
    birth = Birth()

    def goes(proc: Any) -> Steps:
        return (yield from _go(machine, proc, birth, (node, sent, io), table, lambda: body(proc, *args)))

    def dress(child: Process) -> None:
        # One that is killed on its way has been: its parent gets its pid, and waits for it.
        child.watchers = [lambda _child: birth.tell(machine.port)]

    result = yield from fork(machine, thread, goes, (), dress)
    if isinstance(result, Fail):
        return Fail(table.row(result.row.cause), table, str(node))
    while not birth.over:
        birth.waiter = thread.waiting = Waiter(f"its child {result}, on its way to node {node}", machine.port.now_ns)
        yield machine.port.wait(birth.waiter)
        birth.waiter = thread.waiting = None
    if birth.row is None:
        return result
    return Fail(birth.row, table, str(node), told_by_value(master.edition, birth.row))


def _go(
    machine: Machine, proc: Any, birth: Birth, where: tuple[int, int, Io], table: Errors, begin: Callable[[], Any]
) -> Steps:
    """Let a child move to where it is to begin, tell its parent, and begin; or be gone without a trace."""
    thread: Thread = proc.thread
    child, master, (node, flags, io) = thread.process, machine.master, where
    move = Move(child, machine, node, io, child.credentials, table, MOVE_PLANS, freezing(flags))
    depart(move)
    row = yield from drive(machine, master, move, (0, machine.costs.syscall_ns, machine.costs.syscall_ns, 0))
    settle(master, move)
    if row is None and not move.there and io != 0:
        row = yield from set_up_at_home(machine, thread, io, table)
    if row is not None:
        vanish(child, thread)
        birth.tell(machine.port, row)
        return 0
    if move.there:
        arrive(thread)
    child.watchers = None
    birth.tell(machine.port)
    if child.pending:
        yield from child.machine.take_signals(thread)
    made = begin()
    return (yield from made) if isinstance(made, GeneratorType) else made


def set_up_at_home(machine: Machine, thread: Thread, io: Io, table: Errors) -> Steps:
    """Give a child that stays where it was forked what it was to have there; gives the row that is against it.

    What a list does not name, and with a port all but the three connections, is as it was forked.
    """
    child = thread.process
    if not isinstance(io, int):
        from bprocsim.bproc.iosetup import set_up, set_up_delayed

        row = yield from set_up(machine, machine, child, child.credentials, io, thread, table)
        if row is None:
            yield from set_up_delayed(machine, machine, child, child.credentials, io, thread, table)
        return row
    for number in (0, 1, 2):
        if number in child.descriptors:
            drop(child, number, machine.port)
    answer = yield from iod.connect_back(machine, machine, child, io, thread)
    return table.first(ConnectFacts(answer), IO_SETUP)


def vanish(child: Process, thread: Thread) -> None:
    """Let a child be gone as if it had never been: nobody waits for it, nobody is signalled."""
    machine, parent = child.machine, child.parent
    machine.kill_silently(child, Ended(exit_status=0), thread)
    release(machine, child)
    if child.family is not None:
        child.family.living -= 1
    if parent is not None:
        parent.children.undo(child)
    child.ghost = None
    child.watchers = None
    child.reported = True
    child.move_to(State.GONE)
    machine.forget(child)
