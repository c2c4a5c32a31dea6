"""kill, sigaction, sigprocmask, pause, alarm: signals, their handlers and default actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import GeneratorType
from typing import Any

from attrs import define, frozen, setters

from bprocsim.errnos import Errno as E
from bprocsim.faces.control import ImageReplaced, ProcessEnds
from bprocsim.manual import Errors, Fail, Row
from bprocsim.port import Steps, Waiter, WaitQueue, Why
from bprocsim.posix.machine import Machine
from bprocsim.posix.procs import Disposition, Ended, Handler, Process, State, Thread, keep_pending, take_off
from bprocsim.posix.waiting import block, interrupted
from bprocsim.signals import LAST, UNCATCHABLE, Action, Signal, known, name

SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK = 0, 1, 2
SIG_DFL, SIG_IGN = Disposition.DEFAULT, Disposition.IGNORE


def action_of(process: Process, signum: int) -> Action | Handler:
    """Tell what a signal will do to a process: its handler, or what is done without one."""
    chosen = process.handlers.get(signum, Disposition.DEFAULT)
    if isinstance(chosen, Handler):
        return chosen
    if chosen is Disposition.IGNORE:
        return Action.IGNORE
    return _default(process, signum)


def post(machine: Machine, process: Process, signum: int, sender: Process | None) -> None:
    """Let a signal reach a process that is on this machine, now.

    A process that is moving keeps it until it has arrived; one that blocks it, until it unblocks it;
    one that is stopped, until it goes on.
    """
    if not process.alive:
        return
    if machine.trace.all:
        machine.record(
            process.pid,
            "signal",
            name(signum, machine.unix.name),
            str(sender.pid) if sender is not None else "the kernel",
        )
    if signum == Signal.SIGCONT:
        process.pending = tuple(each for each in process.pending if _default(process, each) is not Action.STOP)
        resume(machine, process)
    elif process.pending and _default(process, signum) is Action.STOP and Signal.SIGCONT in process.pending:
        take_off(process, Signal.SIGCONT)
    if process.state is State.MOVING or (signum in process.blocked and signum not in UNCATCHABLE):
        keep_pending(process, signum)
        return
    action = action_of(process, signum)
    if action is Action.IGNORE or action is Action.CONTINUE:
        return
    if process.state is State.STOPPED and signum != Signal.SIGKILL:
        keep_pending(process, signum)
    elif action is Action.STOP:
        machine.stop(process, signum)
    elif action is Action.TERMINATE:
        if process is sender:
            keep_pending(process, signum)  # it ends when its call returns: nobody can close himself
        else:
            machine.end(process, Ended(signal=signum))
    else:
        keep_pending(process, signum)
        interrupt(machine, process)


def _default(process: Process, signum: int) -> Action:
    """Tell what a signal does where nobody has said anything else."""
    found = known(signum, process.machine.unix.name)
    return Action.TERMINATE if found is None else found.default


def interrupt(machine: Machine, process: Process, *, everybody: bool = False) -> None:
    """Wake the first thread that waits, so that a handler can run; or everybody, to stand still."""
    for thread in process.threads:
        waiter = thread.waiting
        if waiter is not None:
            if waiter.queue is not None:
                waiter.queue.leave(waiter)
            machine.port.wake(waiter, Why.SIGNAL)
            if not everybody:
                return


def resume(machine: Machine, process: Process) -> None:
    """Let a stopped process go on."""
    if process.state is State.STOPPED:
        process.move_to(State.RUNNING)
        machine.goes_on(process)
        if process.continued is not None:
            process.continued.wake_all(machine.port, Why.DONE)


def due(process: Process) -> int:
    """Give the lowest pending signal that is not blocked, taking it off; 0 when there is none."""
    signum = min((each for each in process.pending if each not in process.blocked or each in UNCATCHABLE), default=0)
    if signum:
        take_off(process, signum)
    return int(signum)


def take(machine: Machine, thread: Thread, proc: Any) -> Steps:
    """Do what pending signals ask for before a program goes on; stand still while it is stopped, or moves.

    As a kernel does, which looks at all of them before it goes back to the program: one that ends the
    process does so before any handler runs, and the handler of the first runs last. Handlers are
    called with `proc`. Gives `thread.restart`. ProcessEnds: a signal that nobody caught ends the
    process. Source: linux-6.18-measured.
    """
    process = thread.process
    frames: list[_Frame] = []
    while True:
        if process.stands_still:
            if process.continued is None:
                process.continued = WaitQueue()
            what = "SIGCONT" if process.state is State.STOPPED else "a move that another thread makes"
            thread.waiting = waiter = Waiter(what, machine.port.now_ns)
            yield process.continued.join(machine.port, waiter)
            thread.waiting = None
            continue
        signum = due(process)
        if not signum:
            if not frames:
                return thread.restart
            yield from _handle(thread, proc, frames.pop())
            continue
        action = action_of(process, signum)
        if isinstance(action, Handler):
            if thread.restart is None:
                thread.restart = action.restart
            frames.append(_Frame(signum, action, process.blocked))
            process.blocked |= {signum}
        elif action is Action.TERMINATE:
            raise ProcessEnds(signal=signum)
        elif action is Action.STOP:
            machine.stop(process, signum)


@frozen
class _Frame:
    """A handler that is to run: for which signal, and which signals were blocked before it."""

    signum: int
    handler: Handler
    blocked: frozenset[int]


def _handle(thread: Thread, proc: Any, frame: _Frame) -> Steps:
    """Run a handler, during which its signal waits; an exec out of it leaves it so. Source: posix-sigaction."""
    process, calling, restart = thread.process, thread.calling, thread.restart
    thread.calling = ""
    try:
        made = proc._handle(frame.handler.function, frame.signum)
        if isinstance(made, GeneratorType):
            yield from made
    except ImageReplaced:
        raise
    except BaseException:
        process.blocked = frame.blocked
        raise
    finally:
        thread.calling, thread.restart = calling, restart
    process.blocked = frame.blocked


# ---- kill --------------------------------------------------------------------------------------


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class KillFacts:
    """What kill asks about: the signal, those whom the pid means, and those who may be reached."""

    signum: int
    targets: list[Process]
    permitted: list[Process]


def no_such_signal(f: Any) -> bool:
    return not 0 <= f.signum <= LAST


def nobody_there(f: KillFacts) -> bool:
    return not f.targets


def not_permitted(f: KillFacts) -> bool:
    return bool(f.targets) and not f.permitted


KILL_ERRORS = Errors(
    "kill",
    page="posix-kill",
    order="linux-6.18-measured",
    rows=(
        Row(E.ESRCH, nobody_there, "no process has that pid or is in that group"),
        Row(E.EINVAL, no_such_signal, "there is no such signal"),
        Row(E.EPERM, not_permitted, "the program may signal none of the processes meant"),
    ),
)


def may_signal(sender: Process, target: Process, signum: int) -> bool:
    """Tell whether one process may signal another. Source: posix-kill.

    The target's saved id is its effective one: nothing here changes one without the other.
    """
    who, whom = sender.credentials, target.credentials
    if sender is target or who.can("CAP_KILL") or (signum == Signal.SIGCONT and sender.sid == target.sid):
        return True
    return bool({who.uid, who.euid} & {whom.uid, whom.euid})


def _targets(machine: Machine, process: Process, pid: int) -> list[Process]:
    if pid > 0:
        found = machine.find(pid)
        return [] if found is None else [found]
    if pid == -1:
        return [each for each in machine.visible() if each is not process and each.pid > 1]
    group = process.pgid if pid == 0 else -pid
    return [each for each in machine.visible() if each.pgid == group]


def kill(machine: Machine, thread: Thread, pid: int, signum: int) -> Steps:
    """Send a signal; 0 only asks. Errors: KILL_ERRORS. Source: posix-kill, linux-kill2.

    On a slave those who are there are signalled at once. For all others the caller's ghost on the master
    makes the call, for a whole group too, so that members on the slave are hit twice. Source:
    bproc-4.0.0pre8-routing.
    """
    process = thread.process
    yield machine.port.sleep(machine.costs.signal_ns)
    if machine.sees_all or (pid > 0 and machine.find(pid) is not None):
        return _kill(machine, process, pid, signum)
    here: int | Fail = 0
    if pid <= 0 and _targets(machine, process, pid):
        here = _kill(machine, process, pid, signum)
    what = f"kill({pid}, {signum}), which its ghost on the master makes"
    there = yield from machine.by_ghost(thread, "SYS_KILL", what, lambda home: _kill(home, process, pid, signum))
    return here if isinstance(here, Fail) else there


def _kill(machine: Machine, process: Process, pid: int, signum: int) -> int | Fail:
    """Send a signal to those whom a machine sees."""
    targets = _targets(machine, process, pid)
    facts = KillFacts(signum, targets, [each for each in targets if may_signal(process, each, signum)])
    if (row := KILL_ERRORS.first(facts)) is not None:
        return Fail(row, KILL_ERRORS, str(pid))
    if signum:
        for target in facts.permitted:
            if not machine.forward(target, signum, process):
                post(machine, target, signum, process)
    return 0


# ---- sigaction, sigprocmask, pause, alarm --------------------------------------------------------


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class ActionFacts:
    """What sigaction and sigprocmask ask about."""

    signum: int = 0
    changes: bool = False
    how: int = SIG_BLOCK
    interrupted: bool = False


def cannot_be_caught(f: ActionFacts) -> bool:
    return not 1 <= f.signum <= LAST or (f.signum in UNCATCHABLE and f.changes)


def unknown_how(f: ActionFacts) -> bool:
    return f.how not in (SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK)


SIGACTION_ERRORS = Errors(
    "sigaction",
    page="posix-sigaction",
    order="posix-sigaction",
    rows=(Row(E.EINVAL, cannot_be_caught, "there is no such signal, or it can be neither caught nor ignored"),),
)
SIGPROCMASK_ERRORS = Errors(
    "sigprocmask",
    page="posix-sigprocmask",
    order="posix-sigprocmask",
    rows=(Row(E.EINVAL, unknown_how, "how is none of SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK"),),
)
PAUSE_ERRORS = Errors(
    "pause",
    page="posix-pause",
    order="posix-pause",
    rows=(Row(E.EINTR, interrupted, "a signal was caught; there is no other way back"),),
)


def sigaction(
    machine: Machine, thread: Thread, signum: int, action: Callable[..., Any] | Disposition, restart: bool
) -> Steps:
    """Say what a signal shall do; gives what it did before. Errors: SIGACTION_ERRORS. Source: posix-sigaction."""
    process = thread.process
    yield machine.port.sleep(machine.costs.syscall_ns)
    if (row := SIGACTION_ERRORS.first(ActionFacts(signum, True))) is not None:
        return Fail(row, SIGACTION_ERRORS, str(signum))
    before = process.handlers.get(signum, Disposition.DEFAULT)
    if action is Disposition.DEFAULT:
        process.handlers = {each: asked for each, asked in process.handlers.items() if each != signum}
    else:
        asked = action if isinstance(action, Disposition) else Handler(action, restart)
        process.handlers = {**process.handlers, signum: asked}
    if signum in process.pending and action_of(process, signum) is Action.IGNORE:
        take_off(process, signum)  # even if it is blocked
    return before.function if isinstance(before, Handler) else before


def sigprocmask(machine: Machine, thread: Thread, how: int, signals: Iterable[int]) -> Steps:
    """Change which signals wait; gives which did before. Errors: SIGPROCMASK_ERRORS. Source: posix-sigprocmask."""
    process = thread.process
    yield machine.port.sleep(machine.costs.syscall_ns)
    if (row := SIGPROCMASK_ERRORS.first(ActionFacts(how=how))) is not None:
        return Fail(row, SIGPROCMASK_ERRORS)
    before, named = process.blocked, frozenset(signals) - UNCATCHABLE
    process.blocked = {SIG_BLOCK: before | named, SIG_UNBLOCK: before - named, SIG_SETMASK: named}[how]
    return before


def pause(machine: Machine, thread: Thread) -> Steps:
    """Wait for a signal that is caught: always fails with EINTR. Source: posix-pause."""
    yield machine.port.sleep(machine.costs.syscall_ns)
    yield from block(machine.port, thread, WaitQueue(), "pause()")
    row = PAUSE_ERRORS.first(ActionFacts(interrupted=True))
    assert row is not None, "nothing else ends it"
    return Fail(row, PAUSE_ERRORS)


def alarm(machine: Machine, thread: Thread, seconds: int) -> Steps:
    """Have SIGALRM sent in `seconds`, 0 calls it off; gives the seconds that were left. Source: posix-alarm."""
    process, port = thread.process, machine.port
    yield port.sleep(machine.costs.syscall_ns)
    left = 0
    if process.alarm is not None:
        due_ns, timer = process.alarm
        timer.cancel()
        left = -(-(due_ns - port.now_ns) // 1_000_000_000)
        process.alarm = None
    if seconds:
        delay_ns = seconds * 1_000_000_000

        def ring() -> None:
            process.alarm = None
            post(process.machine, process, Signal.SIGALRM, None)

        process.alarm = (port.now_ns + delay_ns, port.after(delay_ns, ring))
    return left
