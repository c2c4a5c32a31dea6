"""fork, wait, exit, and who a process belongs to: parents, children, groups, sessions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, frozen, setters

from bprocsim.errnos import Errno as E
from bprocsim.manual import Errors, Fail, Row
from bprocsim.port import Steps, Waiter, WaitQueue, Why
from bprocsim.posix.children import CHILDLESS, Children
from bprocsim.posix.machine import Machine
from bprocsim.posix.procs import Descriptor, Process, Thread
from bprocsim.posix.waiting import block, interrupted

WNOHANG, WUNTRACED = 1, 2


@frozen
class Waited:
    """What wait tells: `pid`, and `exit_status` 0 to 255, or the `signal` that killed or (`stopped`) stopped it."""

    pid: int
    exit_status: int | None = None
    signal: int | None = None
    stopped: bool = False

    @property
    def status(self) -> int:
        """Give the status word as C has it. Source: linux-wait2."""
        if self.stopped:
            return (self.signal or 0) << 8 | 0x7F
        return self.signal if self.signal is not None else (self.exit_status or 0) << 8


# The macros of sys/wait.h, of the simulated system. Source: linux-wait2.


def WIFEXITED(status: int) -> bool:
    """Tell whether the process exited."""
    return status & 0x7F == 0


def WEXITSTATUS(status: int) -> int:
    """Give its exit status."""
    return status >> 8 & 0xFF


def WIFSIGNALED(status: int) -> bool:
    """Tell whether a signal killed it."""
    return status & 0x7F not in (0, 0x7F)


def WTERMSIG(status: int) -> int:
    """Give the signal that killed it."""
    return status & 0x7F


def WIFSTOPPED(status: int) -> bool:
    """Tell whether it is stopped."""
    return status & 0xFF == 0x7F


# ---- fork ----------------------------------------------------------------------------------------


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class ForkFacts:
    """What fork asks about; `child` the one that was born."""

    machine: Machine
    process: Process
    child: Process | None = None


def memory_used_up(f: ForkFacts) -> bool:
    return f.machine.memory.free_bytes < f.process.memory_bytes


def no_pid_left(f: ForkFacts) -> bool:
    return f.child is None


FORK_ERRORS = Errors(
    "fork",
    page="posix-fork",
    order="linux-fork2",
    rows=(
        Row(E.ENOMEM, memory_used_up, "there is not enough memory for another such process"),
        Row(E.EAGAIN, no_pid_left, "the limit on processes has been reached", step="born"),
    ),
)


def fork(
    machine: Machine, thread: Thread, body: Callable[..., Any], args: tuple[Any, ...],
    dress: Callable[[Process], None] | None = None,
) -> Steps:  # fmt: skip
    """Make a child that runs `body(proc, *args)`; gives its pid. Errors: FORK_ERRORS. Source: posix-fork.

    `dress(child)` is called on it before it runs.
    """
    child = yield from bear(machine, thread)
    if isinstance(child, Row):
        return Fail(child, FORK_ERRORS)
    if dress is not None:
        dress(child)
    machine.start(child, lambda proc: body(proc, *args))
    return child.pid


def bear(machine: Machine, thread: Thread, whole: bool = True) -> Steps:
    """Make a child that does not run yet; gives it, or the row of FORK_ERRORS that is against it.

    `whole` it has its parent's memory and descriptors; else it is only to become something elsewhere.
    """
    process = thread.process
    yield machine.port.sleep(machine.costs.fork_ns)
    if whole and (row := FORK_ERRORS.first(ForkFacts(machine, process))) is not None:
        return row
    if machine.sees_all:
        child = machine.new_child_at_once()
    else:
        # The memory is the child's from now on, though its pid has to come from the master.
        memory, size_bytes = machine.memory, process.memory_bytes if whole else 0
        memory.used_bytes += size_bytes
        try:
            child = yield from machine.new_child(process, thread)
        finally:
            memory.used_bytes -= size_bytes
    if child is None:
        return FORK_ERRORS.first(ForkFacts(machine, process), "born")
    take_after(process, child)
    if whole:
        share(process, child)
    child.threads[0].placement = thread.placement
    if process.children is CHILDLESS:
        process.children = Children()
    process.children.add(child)
    return child


def take_after(parent: Process, child: Process) -> None:
    """Give a child what it has from its parent, but what both have a share in: family, ids, image, handlers."""
    child.parent = parent
    child.credentials = parent.credentials.handed_on(child.machine.unix.handing_on)
    child.pgid, child.sid = parent.pgid, parent.sid
    child.cwd, child.cwd_path, child.root = parent.cwd, parent.cwd_path, parent.root
    child.argv, child.env, child.comm, child.image = parent.argv, parent.env, parent.comm, parent.image
    child.open_limit, child.umask = parent.open_limit, parent.umask
    child.handlers, child.blocked = parent.handlers, parent.blocked
    child.placement = parent.placement
    child.family = parent.family
    if child.family is not None:
        child.family.living += 1


def share(parent: Process, child: Process) -> None:
    """Give a child as much memory as its parent has, the file that it runs, and its descriptors."""
    child.memory_bytes = parent.memory_bytes
    child.machine.memory.used_bytes += parent.memory_bytes
    if parent.running_file is not None:
        child.running_file = parent.running_file
        parent.running_file.running += 1
    for number, descriptor in parent.descriptors.items():
        descriptor.description.references += 1
        child.descriptors[number] = Descriptor(descriptor.description, descriptor.close_on_exec)


# ---- wait ----------------------------------------------------------------------------------------


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class WaitFacts:
    """What wait asks about: whether the pid means a child at all, and whether a signal came."""

    pid: int
    options: int
    meant: bool = False
    interrupted: bool = False


def no_such_child(f: WaitFacts) -> bool:
    return not f.meant


def group_unspeakable(f: WaitFacts) -> bool:
    return f.pid == -(2**31)


def unknown_options(f: WaitFacts) -> bool:
    return bool(f.options & ~(WNOHANG | WUNTRACED))


WAIT_ERRORS = Errors(
    "waitpid",
    page="posix-wait",
    order="linux-wait2",
    rows=(
        Row(E.EINVAL, unknown_options, "options holds a flag that is none"),
        Row(E.ESRCH, group_unspeakable, "the pid is INT_MIN, and no int is its group's number", source="linux-wait2"),
        Row(E.ECHILD, no_such_child, "the program has no such child"),
        Row(E.EINTR, interrupted, "a signal was caught"),
    ),
)


def _meant(process: Process, pid: int) -> Callable[[Process], bool] | None:
    """Give what tells whether a child is meant; None if all are."""
    if pid == -1:
        return None
    group = process.pgid if pid == 0 else -pid
    return lambda child: child.pgid == group


def _look(process: Process, facts: WaitFacts) -> Process | None:
    """Look whether a child is meant; gives the eldest of whom there is something to tell."""
    children, pid, stopped = process.children, facts.pid, bool(facts.options & WUNTRACED)
    if pid > 0:
        child: Process | None = children.get(pid)
        facts.meant = child is not None
        return child if children.tells_of(child, stopped=stopped) else None
    counts = _meant(process, pid)
    found: Process | None = children.eldest(stopped=stopped, counts=counts)
    facts.meant = found is not None or (bool(children) if counts is None else any(map(counts, children.values())))
    return found


def _told(process: Process, child: Process) -> Waited:
    """Tell of a child, which is no more if it has ended."""
    if not process.children.has_ended(child):
        process.children.forget_stop(child)
        signum, child.stop_report = child.stop_report, 0
        return Waited(child.pid, None, signum, stopped=True)
    assert child.ended is not None
    process.machine.reap(child)
    return Waited(child.pid, child.ended.exit_status, child.ended.signal)


def waitpid(machine: Machine, thread: Thread, pid: int, options: int) -> Steps:
    """Wait for a child; gives Waited, or None with WNOHANG. Errors: WAIT_ERRORS. Source: posix-wait."""
    process = thread.process
    yield machine.port.sleep(machine.costs.syscall_ns)
    facts, since_ns = WaitFacts(pid, options), machine.port.now_ns
    while True:
        child = _look(process, facts)
        facts.interrupted = facts.interrupted and child is None  # a child comes before a signal
        if (row := WAIT_ERRORS.first(facts)) is not None:
            return Fail(row, WAIT_ERRORS, str(pid))
        if child is not None:
            return _told(process, child)
        if options & WNOHANG:
            return None
        if process.child_waiters is None:
            process.child_waiters = WaitQueue()
        why = yield from block(machine.port, thread, process.child_waiters, f"waitpid({pid})", since_ns)
        facts.interrupted = why is Why.SIGNAL


# ---- groups and sessions ---------------------------------------------------------------------------


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class GroupFacts:
    """What setpgid and setsid ask about.

    `group_exists` somebody of the session is in the group `pgid`; `members` how many are in the group
    that has the program's own number.
    """

    process: Process
    target: Process | None = None
    pgid: int = 0
    group_exists: bool = False
    members: int = 0


def group_negative(f: GroupFacts) -> bool:
    return f.pgid < 0


def not_own_child(f: GroupFacts) -> bool:
    return f.target is None or (f.target is not f.process and f.target.pid not in f.process.children)


def child_execed(f: GroupFacts) -> bool:
    return f.target is not None and f.target is not f.process and f.target.execed


def session_leader(f: GroupFacts) -> bool:
    return f.target is not None and f.target.sid == f.target.pid


def other_session(f: GroupFacts) -> bool:
    return f.target is not None and f.target.sid != f.process.sid


def group_elsewhere(f: GroupFacts) -> bool:
    return f.target is not None and f.pgid not in (0, f.target.pid) and not f.group_exists


def group_leader(f: GroupFacts) -> bool:
    return f.process.pgid == f.process.pid


def group_left_behind(f: GroupFacts) -> bool:
    return f.members > 0


SETPGID_ERRORS = Errors(
    "setpgid",
    page="posix-setpgid",
    order="linux-6.18-measured",
    rows=(
        Row(E.EINVAL, group_negative, "the group's number is negative"),
        Row(E.ESRCH, not_own_child, "the pid is neither the program's own nor a child's"),
        Row(E.EPERM, other_session, "the process is in another session"),
        Row(E.EACCES, child_execed, "the child has become another image since it was forked"),
        Row(E.EPERM, session_leader, "the process leads a session"),
        Row(E.EPERM, group_elsewhere, "no group of that number is in the session"),
    ),
)
SETSID_ERRORS = Errors(
    "setsid",
    page="posix-setsid",
    order="posix-setsid",
    rows=(
        Row(E.EPERM, group_leader, "the process already leads a group"),
        Row(E.EPERM, group_left_behind, "others are in the group of the process's number, which it has left"),
    ),
)


def setpgid(machine: Machine, thread: Thread, pid: int, pgid: int) -> Steps:
    """Put a process into a group. Errors: SETPGID_ERRORS. Source: posix-setpgid."""
    process = thread.process
    yield machine.port.sleep(machine.costs.syscall_ns)
    if machine.sees_all:
        return _setpgid(machine, process, pid, pgid)
    what = f"setpgid({pid}, {pgid}), which the master decides"
    return (yield from machine.by_ghost(thread, "SYS_SETPGID", what, lambda home: _setpgid(home, process, pid, pgid)))


def _setpgid(machine: Machine, process: Process, pid: int, pgid: int) -> int | Fail:
    """Put a process into a group, as a machine that sees all processes decides it."""
    target = process if pid in (0, process.pid) else machine.find(pid)
    # Only one that joins a group needs it to be there; who leads his own asks nobody.
    joins = target is not None and pgid not in (0, target.pid)
    exists = joins and any(each.pgid == pgid and each.sid == process.sid for each in machine.visible())
    facts = GroupFacts(process, target, pgid, exists)
    if (row := SETPGID_ERRORS.first(facts)) is not None:
        return Fail(row, SETPGID_ERRORS, str(pid))
    assert target is not None
    target.pgid = pgid or target.pid
    return 0


def setsid(machine: Machine, thread: Thread) -> Steps:
    """Begin a session; gives its number. Errors: SETSID_ERRORS. Source: posix-setsid."""
    process = thread.process
    yield machine.port.sleep(machine.costs.syscall_ns)
    if machine.sees_all:
        return _setsid(machine, process)
    what = "setsid(), which the master decides"
    return (yield from machine.by_ghost(thread, "SYS_SETSID", what, lambda home: _setsid(home, process)))


def _setsid(machine: Machine, process: Process) -> int | Fail:
    """Begin a session, as a machine that sees all processes decides it."""
    facts = GroupFacts(process, members=sum(each.pgid == process.pid for each in machine.visible()))
    if (row := SETSID_ERRORS.first(facts)) is not None:
        return Fail(row, SETSID_ERRORS)
    process.sid = process.pgid = process.pid
    return process.pid


# ---- time and threads ------------------------------------------------------------------------------

SLEEP_ERRORS = Errors(
    "nanosleep",
    page="posix-nanosleep",
    order="posix-nanosleep",
    rows=(Row(E.EINTR, interrupted, "a signal was caught"),),
)


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class SleepFacts:
    """What nanosleep asks about."""

    interrupted: bool


def sleep(machine: Machine, thread: Thread, duration_ns: int) -> Steps:
    """Let time pass, or a handler run; being stopped does not shorten it.

    Errors: SLEEP_ERRORS. Source: posix-nanosleep.
    """
    port = machine.port
    due_ns = port.now_ns + duration_ns
    while True:
        waiter = Waiter(f"sleep({duration_ns})", port.now_ns)
        thread.waiting = waiter
        why = yield port.wait(waiter, max(0, due_ns - port.now_ns))
        thread.waiting = None
        if why is not Why.SIGNAL:
            return 0
        yield from machine.take_signals(thread)
        if (row := SLEEP_ERRORS.first(SleepFacts(thread.restart is not None))) is not None:
            return Fail(row, SLEEP_ERRORS)


def compute(machine: Machine, thread: Thread, work_ns: int) -> Steps:
    """Use the processor for `work_ns`; a handler that runs meanwhile does not shorten the work."""
    process = thread.process
    if not work_ns:
        yield machine.port.sleep(0)  # even nothing is an event: a program that does it for ever is found out
    while work_ns > 0:
        waiter = Waiter(f"compute({work_ns})", machine.port.now_ns, thread=thread)
        thread.waiting = waiter
        why = yield machine.port.busy(machine.processors, waiter, work_ns)
        thread.waiting = None
        process.cpu_ns += work_ns - waiter.left_ns
        work_ns = waiter.left_ns
        if why is Why.SIGNAL:
            yield from machine.take_signals(thread)
    return 0


def thread_create(machine: Machine, thread: Thread, body: Callable[..., Any], args: tuple[Any, ...]) -> Steps:
    """Start another thread of this process, which runs `body(proc, *args)`; gives its number."""
    process = thread.process
    yield machine.port.sleep(machine.costs.syscall_ns)
    number = max(each.number for each in process.threads) + 1
    new = Thread(process, number)
    new.placement = None if thread.placement is None else thread.placement.handed_on()
    process.threads.append(new)
    machine.start_thread(new, lambda proc: body(proc, *args))
    return number


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class JoinFacts:
    """What thread_join asks about."""

    thread: Thread
    other: Thread | None


def no_such_thread(f: JoinFacts) -> bool:
    return f.other is None


def own_end_awaited(f: JoinFacts) -> bool:
    other = f.other
    while other is not None and other is not f.thread:
        other = other.joins
    return other is f.thread


JOIN_ERRORS = Errors(
    "thread_join",
    page="posix-pthread_join",
    order="posix-pthread_join",
    rows=(
        Row(E.ESRCH, no_such_thread, "the process has no such thread"),
        Row(E.EDEADLK, own_end_awaited, "the thread would wait for its own end, by itself or by way of others"),
    ),
)


def thread_join(machine: Machine, thread: Thread, number: int) -> Steps:
    """Wait for a thread's end, whatever signals come; gives what it returned.

    Errors: JOIN_ERRORS. Source: posix-pthread_join.
    """
    yield machine.port.sleep(machine.costs.syscall_ns)
    other = next((each for each in thread.process.threads if each.number == number), None)
    if (row := JOIN_ERRORS.first(JoinFacts(thread, other))) is not None:
        return Fail(row, JOIN_ERRORS, str(number))
    assert other is not None
    thread.joins = other
    while not other.ended:
        if other.joiners is None:
            other.joiners = WaitQueue()
        why = yield from block(machine.port, thread, other.joiners, f"thread_join({number})")
        if why is Why.SIGNAL:
            yield from machine.take_signals(thread)
    thread.joins = None
    return other.value
