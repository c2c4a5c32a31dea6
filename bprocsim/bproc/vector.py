"""vrfork and vexecmove: children on many nodes by one call, the image going from node to node.

What is wrong with the call itself is returned; what is wrong with one node is told in that node's slot
of the array that the call fills, and the others go on. Source: bproc-4.0.0pre8-interface.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

from attrs import define, evolve, setters

from bprocsim.bproc import vmadump
from bprocsim.bproc.editions import Edition
from bprocsim.bproc.entry import no_master
from bprocsim.bproc.execmove import PAGE as EXECMOVE
from bprocsim.bproc.execmove import exec_rows
from bprocsim.bproc.late import (
    IN_TRANSIT,
    node_not_permitted,
    other_node_not_permitted,
    returned,
    same_node,
    sender_lost,
)
from bprocsim.bproc.move import ASKED, BEGINS, EXECUTED, GOES_ON
from bprocsim.bproc.rfork import FORK
from bprocsim.bproc.transit import Durations, Move, Plan, Plans
from bprocsim.bproc.travel import IN_THE_MASTER, killed
from bprocsim.bproc.tree import Cargo, Launch, launch
from bprocsim.errnos import Errno as E
from bprocsim.faces.iolists import Io
from bprocsim.faces.pointers import BAD_ADDRESS, Pointer, Vector
from bprocsim.manual import Errors, Fail, Kind, Row
from bprocsim.port import Steps
from bprocsim.posix import newimage
from bprocsim.posix.exec import ExecFacts, ExecProfile
from bprocsim.posix.life import FORK_ERRORS
from bprocsim.posix.machine import Machine
from bprocsim.posix.procs import Process, Thread

PAGE = "bproc-4.0.0pre8-interface"
LOAD = "load"  # the step at which the rows of files are decided, on the caller's node


# ---- what is wrong with the call -----------------------------------------------------------------


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class VectorFacts:
    """What a vector call asks on entry: for how many nodes, with which port or list, and about both arrays."""

    machine: Machine
    count: int
    nodes: Any
    pids: Any
    io: Io = 0


def count_not_positive(f: VectorFacts) -> bool:
    return f.count <= 0


def nodes_unreadable(f: VectorFacts) -> bool:
    return f.nodes is BAD_ADDRESS or len(f.nodes) < f.count


def pids_unwritable(f: VectorFacts) -> bool:
    return f.pids is BAD_ADDRESS


def _entry_rows(edition: Edition) -> tuple[Row, ...]:
    return (
        Row(edition.no_master, no_master, "there is no master", source=edition.no_master_source),
        Row(E.EINVAL, count_not_positive, "the number of nodes is not above 0"),
        *edition.list_rows().entry,
        Row(E.EFAULT, nodes_unreadable, "the array of nodes is memory that the program cannot read"),
        Row(E.EFAULT, pids_unwritable, "the array of pids is memory that the program cannot write"),
    )


# ---- what is wrong with a node -------------------------------------------------------------------

SENDER_LOST = Row(
    E.EIO,
    sender_lost,
    "the node that passed the image on was lost before all of it had arrived",
    kind=Kind.SLOT,
    source="bproc-4.0.0pre8-move",
    step=IN_TRANSIT,
)


def _fork_rows() -> Iterator[Row]:
    for row in FORK_ERRORS.rows:
        yield evolve(row, step=row.step or FORK, source=row.source or FORK_ERRORS.page, kind=Kind.SLOT)


def _way_rows(rows: Iterable[Row]) -> Iterator[Row]:
    """Give what can go wrong on the way to a node; a child for the caller's own node stays there."""
    for row in rows:
        if row.condition is not same_node:
            elsewhere = row.condition is node_not_permitted
            condition = other_node_not_permitted if elsewhere else row.condition
            yield evolve(row, condition=condition, name=row.cause, kind=Kind.SLOT)
        if row.step == IN_TRANSIT:
            yield SENDER_LOST


@cache
def vexecmove_errors(edition: Edition, profile: ExecProfile) -> Errors:
    """Make the table of bproc_vexecmove for an edition and the exec rules of a kernel."""
    files = (evolve(row, kind=Kind.SLOT, step=LOAD, source=row.source or EXECMOVE) for row in exec_rows(profile))
    rows = (*_entry_rows(edition), *_fork_rows(), *files, *_way_rows(edition.after_exec()))
    return Errors("bproc_vexecmove", page=PAGE, order=profile.order, rows=rows)


@cache
def vrfork_errors(edition: Edition) -> Errors:
    """Make the table of bproc_vrfork for an edition."""
    way = _way_rows(returned(edition.after_exec(), "bproc-4.0.0pre8-move"))
    return Errors("bproc_vrfork", page=PAGE, order="bproc-4.0.0pre8-master", rows=(
        *_entry_rows(edition), *_fork_rows(), *way,
    ))  # fmt: skip


# ---- what is carried -----------------------------------------------------------------------------

FIRST = Plans(EXECUTED, (*EXECUTED, *IN_THE_MASTER), ())
LATER = Plans(ASKED, (*ASKED, *IN_THE_MASTER), ())


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Fresh:
    """An image, loaded by the first child on the caller's node and passed on; `env` as it was loaded."""

    cmd: Pointer
    argv: Vector
    envp: Vector
    env: tuple[bytes, ...] = ()
    first_plans: Plans = FIRST
    later_plans: Plans = LATER
    begins: Plan = BEGINS

    def load(self, child: Process, table: Errors) -> Row | None:
        """Let the child be that image; gives the row that is against it."""
        machine = child.machine
        facts = ExecFacts(machine, child.credentials, child.cwd, self.cmd, self.argv, self.envp, child)
        row = table.first(facts, LOAD)
        if row is None:
            newimage.commit(machine, child, facts, machine.port)
            self.env = child.env
        else:
            facts.forget()
        return row

    def killed_by(self, child: Process) -> int:
        """Give the signal by which its headers end it."""
        return int(child.image.kill)

    def durations(self, child: Process, first: bool) -> Durations:
        """Tell how long the steps on the caller's node take: the first child executes there."""
        costs = child.machine.costs
        if not first:
            return (0, costs.syscall_ns, costs.syscall_ns, 0)
        exec_ns = costs.exec_ns + costs.image_read_ns(len(child.image.inode.data))
        return (0, costs.syscall_ns, exec_ns, 0, costs.syscall_ns, 0)

    def freeze(self, move: Move, library_list: tuple[str, ...]) -> vmadump.Frozen:
        """Freeze the image that has just been loaded."""
        return vmadump.freeze(move.source, move.process, library_list)

    def pass_on(self, sender: Process, child: Process) -> None:
        """Let a child be the image that its sender is."""
        child.argv, child.env, child.comm, child.image = sender.argv, self.env, sender.comm, sender.image
        child.credentials, child.execed = sender.credentials, True
        if child.handlers:
            child.handlers = sender.handlers

    def dress(self, child: Process, index: int) -> None:
        """Nothing more: it runs its image."""


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Running:
    """The caller's own memory, frozen by DUMP_ `flags`; children run `body(proc, index, *args)`."""

    flags: int
    body: Callable[..., Any]
    args: tuple[Any, ...]
    first_plans: Plans = LATER
    later_plans: Plans = LATER
    begins: Plan = GOES_ON

    def load(self, child: Process, table: Errors) -> Row | None:
        """Nothing is loaded."""
        return None

    def killed_by(self, child: Process) -> int:
        """Nothing that was loaded ends it."""
        return 0

    def durations(self, child: Process, first: bool) -> Durations:
        """Tell how long the steps on the caller's node take."""
        costs = child.machine.costs
        return (0, costs.syscall_ns, costs.syscall_ns, 0)

    def freeze(self, move: Move, library_list: tuple[str, ...]) -> vmadump.Frozen:
        """Freeze the child, which is what its parent is."""
        return vmadump.freeze_running(move.source, move.process, self.flags, library_list)

    def pass_on(self, sender: Process, child: Process) -> None:
        """Nothing more: sender and child are both what their parent is."""

    def dress(self, child: Process, index: int) -> None:
        """Let a child run the function with its index."""
        child.body = lambda proc: self.body(proc, index, *self.args)


# ---- the calls -----------------------------------------------------------------------------------


def vexecmove(
    machine: Machine, thread: Thread, count: int, nodes: Any, pids: Any, io: Io, cmd: Pointer, argv: Vector,
    envp: Vector,
) -> Steps:  # fmt: skip
    """Load an image here and start it on many nodes; gives how many, and fills `pids`.

    `count` of the numbers in `nodes`, a tuple, each with a slot in the list `pids`: a pid, an errno's
    negative number, or 0 for a node that was never tried; `io` 0, a TCP port for I/O
    forwarding, or a list.
    Errors: vexecmove_errors. Source: bproc-4.0.0pre8-interface.
    """
    table = machine.master.tables.get("bproc_vexecmove") or vexecmove_errors(machine.master.edition, machine.profile)
    return (yield from _launch(machine, thread, table, (count, nodes, pids), io, Fresh(cmd, argv, envp)))


def vrfork(
    machine: Machine, thread: Thread, count: int, nodes: Any, pids: Any, flags: int | None, io: Io,
    body: Callable[..., Any], args: tuple[Any, ...],
) -> Steps:  # fmt: skip
    """Make a child on each of many nodes, which runs `body(proc, index, *args)`; gives how many, and fills `pids`.

    `flags` DUMP_ flags, None for the usual ones; the rest as for vexecmove. Errors: vrfork_errors.
    Source: bproc-4.0.0pre8-interface.
    """
    table = machine.master.tables.get("bproc_vrfork") or vrfork_errors(machine.master.edition)
    sent = vmadump.DUMP_EXEC | vmadump.DUMP_OTHER if flags is None else flags
    return (yield from _launch(machine, thread, table, (count, nodes, pids), io, Running(sent, body, args)))


def _launch(
    machine: Machine, thread: Thread, table: Errors, arrays: tuple[int, Any, Any], io: Io, cargo: Cargo
) -> Steps:  # fmt: skip
    """Decide what is wrong with the call; launch, and fill the array of pids."""
    count, nodes, pids = arrays
    row = table.first(VectorFacts(machine, count, nodes, pids, io))
    if row is not None:
        if not machine.port.pass_at_once(machine.costs.syscall_ns):
            yield machine.port.sleep(machine.costs.syscall_ns)
        return Fail(row, table, str(count))
    if not machine.master.reaches(machine):
        yield from killed(machine.master, thread.process)
    placed = yield from launch(Launch(machine, thread, table, cargo, io), nodes[:count])
    pids[:] = placed.pids
    return placed
