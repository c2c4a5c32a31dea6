"""Process records: what a process is, its states, its descriptors, its threads.

Plain data and functions that change it without letting time pass. Calls that let time pass are
in the rooms of their subject (`life`, `signaling`, `fileio`, `sockets`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType
from typing import Any, Protocol

from attrs import define, field, frozen, setters

from bprocsim.manual import Exit
from bprocsim.port import Port, Task, Waiter, WaitQueue
from bprocsim.posix.children import CHILDLESS, Children
from bprocsim.posix.credentials import ROOT, Credentials
from bprocsim.posix.vfs import ROOT_NUMBER
from bprocsim.signals import UNCATCHABLE


class State(Enum):
    """Where a process is in its life."""

    RUNNING = "running"
    STOPPED = "stopped"
    MOVING = "moving"
    ZOMBIE = "zombie"
    GONE = "gone"

    __hash__ = object.__hash__  # Enum's own is written in Python, and tables are keyed by these


# Looking a member up in an Enum is slow, and every process asks for these.
_MOVING, _STOPPED, _ZOMBIE = State.MOVING, State.STOPPED, State.ZOMBIE

# Which state may follow which; the documentation's diagram is drawn from it.
TRANSITIONS: dict[State, frozenset[State]] = {
    State.RUNNING: frozenset({State.STOPPED, State.MOVING, State.ZOMBIE, State.GONE}),
    State.STOPPED: frozenset({State.RUNNING, State.ZOMBIE, State.GONE}),
    State.MOVING: frozenset({State.RUNNING, State.ZOMBIE, State.GONE}),
    State.ZOMBIE: frozenset({State.GONE}),
    State.GONE: frozenset(),
}


class Disposition(Enum):
    """What a process has asked a signal to do, where it is not a handler."""

    DEFAULT = 0
    IGNORE = 1


@frozen
class Handler:
    """A handler as a program sets it: a generator function (proc, signum), and SA_RESTART."""

    function: Callable[..., Any]
    restart: bool = False


@frozen
class Ended:
    """How a process ended: `exit_status` 0 to 255, or the `signal` that killed it."""

    exit_status: int | None = None
    signal: int | None = None


class Description(Protocol):
    """An open file: what stands behind descriptors; shared by dup and fork.

    `references` how many descriptors; `table` the machine's table of open files, where it counts.
    """

    references: int
    table: Any

    def close(self, port: Port) -> None:
        """Let go of it: the last descriptor was closed."""


# What a process begins with, and shares with others until it sets one of its own.
_NO_HANDLERS: Mapping[int, Handler | Disposition] = MappingProxyType({})

# How many descriptors a process may have unless it is told otherwise.
OPEN_LIMIT = 1024


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Descriptor:
    """A slot of a descriptor table."""

    description: Description
    close_on_exec: bool = False


class Unmade(Protocol):
    """What makes the descriptors of a process when somebody looks at them: until then it has an empty table."""

    def make(self, process: Process) -> None:
        """Put them into the process's table."""

    def forget(self, process: Process) -> None:
        """Let go of them, though they were never made."""


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Thread:
    """A thread of a process: the `task` that runs it and what it waits for, if it does.

    `calling` the call that it is in, "" between calls; `restart` whether the first handler that
    ran during that call asked for it to be restarted, None while none has run; `ended` it runs no more,
    and left `value`; `joins` the thread for whose end it waits; `placement` what ties it to
    processors, where a system has such ties.
    """

    process: Process
    number: int = 1
    task: Task | None = None
    waiting: Waiter | None = None
    calling: str = ""
    restart: bool | None = None
    ended: bool = False
    value: Any = None
    joins: Any = None
    joiners: WaitQueue | None = None
    placement: Any = None


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Process:
    """A process: pid and family, whose it is, where it stands, what it runs, what it holds.

    `machine` is where it runs now, `ghost` what stands for it on the master while it is elsewhere.
    `ended` how it ended; `reported` the system, that is the master of its cluster, has heard so. `body`
    what it runs in place of an image (a forked child's function); `execed` it has become another image
    since it was forked; `late` the row by which a move failed after its exec; `birth` how many children
    its parent had before it; `left_by` the pid of a parent that is gone, and the instant in ns at which
    this is heard where the process is, -1 if nobody knows yet; `stop_report` the signal that stopped
    it, as its parent has heard and no wait has told; `watchers` are called when it is reported; `idle`
    it belongs to the harness and waits for its next call; `driven` by a session, so that it dies with
    its machine all the same; `family` the harness's count of those who came from one call; `placement`
    what ties it to processors, where a system has such ties; `unmade` what its `descriptors` will be
    once somebody looks at them, None if they are there.
    """

    pid: int
    machine: Any
    parent: Any = None
    credentials: Credentials = ROOT
    pgid: int = 0
    sid: int = 0
    cwd: int = ROOT_NUMBER
    cwd_path: bytes = b"/"
    root: int = ROOT_NUMBER
    argv: tuple[bytes, ...] = ()
    env: tuple[bytes, ...] = ()
    comm: bytes = b""
    image: Any = None
    body: Callable[..., Any] | None = None
    execed: bool = False
    _descriptors: dict[int, Descriptor] = field(factory=dict)
    open_limit: int = OPEN_LIMIT
    umask: int = 0o022
    memory_bytes: int = 0
    handlers: Mapping[int, Handler | Disposition] = _NO_HANDLERS
    blocked: frozenset[int] = frozenset()
    pending: tuple[int, ...] = ()
    state: State = State.RUNNING
    ended: Ended | None = None
    children: Children = CHILDLESS
    birth: int = 0
    left_by: tuple[int, int] = (0, 0)
    child_waiters: WaitQueue | None = None
    continued: WaitQueue | None = None
    stop_report: int = 0
    alarm: Any = None
    cpu_ns: int = 0
    threads: list[Thread] = field(factory=list)
    running_file: Any = None
    ghost: Any = None
    proc: Any = None
    exception: BaseException | None = None
    late: Exit | None = None
    reported: bool = False
    watchers: list[Callable[[Any], None]] | None = None
    idle: bool = False
    driven: bool = False
    family: Any = None
    placement: Any = None
    unmade: Unmade | None = None

    @property
    def descriptors(self) -> dict[int, Descriptor]:
        """Give what it has open, by number."""
        unmade = self.unmade
        if unmade is not None:
            self.unmade = None
            unmade.make(self)
        return self._descriptors

    @descriptors.setter
    def descriptors(self, table: dict[int, Descriptor]) -> None:
        """Let it have another table of what is open."""
        self._descriptors, self.unmade = table, None

    def part_from_descriptors(self) -> dict[int, Descriptor]:
        """Give what it has open, and leave it nothing."""
        unmade, table = self.unmade, self._descriptors
        if unmade is not None:
            table = self.descriptors
        self._descriptors = {}
        return table

    @property
    def ppid(self) -> int:
        """Tell the parent's pid; 1 once it is gone, and this is known here."""
        parent = self.parent
        if parent is None:
            pid, heard_ns = self.left_by
            return pid if heard_ns < 0 or self.machine.port.now_ns < heard_ns else 1
        return parent.pid if parent.ended is None or parent.machine is not self.machine else 1

    def move_to(self, state: State) -> None:
        """Change state along the table of transitions."""
        assert state in TRANSITIONS[self.state], f"process {self.pid}: {self.state} -> {state}"
        self.state = state

    @property
    def alive(self) -> bool:
        """Tell whether it has not ended."""
        return self.ended is None

    @property
    def stands_still(self) -> bool:
        """Tell whether its threads do nothing before it goes on: it is stopped, or one of them moves it."""
        return self.state is _STOPPED or self.state is _MOVING

    @property
    def spared(self) -> bool:
        """Tell whether it outlives its machine: it waits for the harness, which goes on."""
        return self.idle and not self.driven


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class PidSpace:
    """One space of process numbers: the master's, shared by all of a cluster's nodes.

    `first` is the lowest that is handed out; numbers wrap at `last` and skip those in use.
    """

    first: int = 1001
    last: int = 32767
    next: int = 1001
    table: dict[int, Any] = field(factory=dict)

    def allocate(self) -> int:
        """Hand out a free pid; 0 when there is none."""
        pid = self.next
        if pid not in self.table and pid < self.last:  # nearly always
            self.next = pid + 1
            return pid
        for _ in range(self.last - self.first + 1):
            pid = self.next
            self.next = self.first if pid >= self.last else pid + 1
            if pid not in self.table:
                return pid
        return 0


def lowest_free(descriptors: dict[int, Descriptor], start: int = 0) -> int:
    """Give the lowest descriptor number from `start` on that is not in use."""
    number = start
    while number in descriptors:
        number += 1
    return number


def put(process: Process, description: Description, number: int | None = None, close_on_exec: bool = False) -> int:
    """Let a descriptor stand for an open file; the lowest free one unless `number` is given."""
    table = process.descriptors
    if number is None:
        number = lowest_free(table)
    description.references += 1
    table[number] = Descriptor(description, close_on_exec)
    return number


def drop(process: Process, number: int, port: Port) -> None:
    """Close a descriptor; its open file too, when it was the last."""
    let_go(process.descriptors.pop(number).description, port)


def let_go(description: Description, port: Port) -> None:
    """Take one reference from an open file, and close it when that was the last."""
    description.references -= 1
    if not description.references:
        description.close(port)
        if description.table is not None:
            description.table.used -= 1


def close_all(descriptors: dict[int, Descriptor], port: Port) -> None:
    """Close every descriptor of a table, in order of their numbers."""
    if not descriptors:
        return
    closing = sorted(descriptors.items())  # no two numbers are the same, so it never compares further
    descriptors.clear()
    for _, descriptor in closing:
        let_go(descriptor.description, port)


def close_on_exec(process: Process, port: Port) -> None:
    """Close the descriptors that an exec closes."""
    table = process.descriptors
    for number in sorted(table):
        if table[number].close_on_exec:
            drop(process, number, port)


# ---- signals -------------------------------------------------------------------------------------


def keep_pending(process: Process, signum: int) -> None:
    """Let a signal wait until it is taken; of two of a kind one waits."""
    if signum not in process.pending:
        process.pending += (signum,)


def take_off(process: Process, signum: int) -> None:
    """Let a signal wait no more."""
    process.pending = tuple(each for each in process.pending if each != signum)


def is_called_away(process: Process) -> bool:
    """Tell whether a process has to take a signal, or to stand still, before it may wait for anything."""
    if process.stands_still:
        return True
    return bool(process.pending) and any(
        signum not in process.blocked or signum in UNCATCHABLE for signum in process.pending
    )


# ---- the end -------------------------------------------------------------------------------------


def release(machine: Any, process: Process) -> None:
    """Give back what a process holds on a machine: descriptors, memory, its image."""
    if process.unmade is None:
        close_all(process._descriptors, machine.port)
    else:
        process.unmade.forget(process)
        process.unmade = None
    machine.memory.used_bytes -= process.memory_bytes
    process.memory_bytes = 0
    if process.running_file is not None:
        process.running_file.running -= 1
        process.running_file = None
    if process.alarm is not None:
        process.alarm[1].cancel()
        process.alarm = None


def orphan_children(process: Process) -> None:
    """Leave the children to init, which reaps those that are known to have ended."""
    for child in process.children.values():
        child.parent = None
        if child.state is _ZOMBIE and child.reported:
            child.move_to(State.GONE)
            child.machine.forget(child)
    process.children = CHILDLESS
