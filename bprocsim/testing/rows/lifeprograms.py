"""What meets each row of the calls about processes, time, threads and signals, and of execvp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import bprocsim as bp
from bprocsim.testing.rows.programcases import (
    ALICE,
    MASTER,
    STRIKE_NS,
    ProgramCase,
    Steps,
    brief,
    entering,
    idle,
    prod,
    until_struck,
)
from bprocsim.units import ms, s

CASES: dict[tuple[str, str], ProgramCase] = {}
case = entering(CASES)


# ---- processes -----------------------------------------------------------------------------------


def fill_memory(bad: bool) -> list[Any]:
    """Leave room for no other process, or for one."""
    return [bp.MemoryFull(MASTER, 0 if bad else 1 << 20, STRIKE_NS)]


@case("fork", "memory_used_up", faults=fill_memory)
def _fork_memory_used_up(proc: bp.Proc, bad: bool) -> Steps:
    yield from until_struck(proc)
    yield from proc.fork(brief)


def few_pids(cluster: bp.Cluster, bad: bool) -> None:
    """Let the space of pids hold one more process than the case itself, or not even that."""
    pids = cluster.bpmaster.pids
    pids.last = pids.first + (not bad)


@case("fork", "no_pid_left", build=few_pids)
def _fork_no_pid_left(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.fork(brief)


@case("waitpid", "unknown_options")
def _waitpid_unknown_options(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.fork(brief)
    yield from proc.waitpid(-1, 4096 if bad else bp.WUNTRACED)


@case("waitpid", "group_unspeakable")
def _waitpid_group_unspeakable(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.waitpid(-(2**31) if bad else -(2**31) + 1)


@case("waitpid", "no_such_child")
def _waitpid_no_such_child(proc: bp.Proc, bad: bool) -> Steps:
    pid = yield from proc.fork(brief)
    if bad:
        yield from proc.waitpid(pid)
    yield from proc.waitpid(pid)


@case("waitpid", "interrupted")
def _waitpid_interrupted(proc: bp.Proc, bad: bool) -> Steps:
    yield from prod(proc, bad)
    yield from proc.wait()


@case("setpgid", "group_negative")
def _setpgid_group_negative(proc: bp.Proc, bad: bool) -> Steps:
    child = yield from proc.fork(brief)
    yield from proc.setpgid(child, -1 if bad else 0)


@case("setpgid", "not_own_child")
def _setpgid_not_own_child(proc: bp.Proc, bad: bool) -> Steps:
    child = yield from proc.fork(brief)
    if bad:
        yield from proc.wait()
    yield from proc.setpgid(child, 0)


@case("setpgid", "child_execed", build=lambda cluster, bad: cluster.install("/tmp/idle", idle))
def _setpgid_child_execed(proc: bp.Proc, bad: bool) -> Steps:
    def child(proc: bp.Proc) -> Steps:
        if bad:
            yield from proc.execv("/tmp/idle", ["idle"])
        yield from proc.pause()

    pid = yield from proc.fork(child)
    yield from proc.sleep(10 * ms)
    try:
        yield from proc.setpgid(pid, 0)
    finally:
        yield from proc.kill(pid, bp.SIGKILL)


def new_session(proc: bp.Proc) -> Steps:
    """Begin a session, and wait."""
    yield from proc.setsid()
    yield from proc.pause()


@case("setpgid", "other_session")
def _setpgid_other_session(proc: bp.Proc, bad: bool) -> Steps:
    pid = yield from proc.fork(new_session if bad else idle)
    yield from proc.sleep(10 * ms)
    try:
        yield from proc.setpgid(pid, 0)
    finally:
        yield from proc.kill(pid, bp.SIGKILL)


@case("setpgid", "session_leader")
def _setpgid_session_leader(proc: bp.Proc, bad: bool) -> Steps:
    def child(proc: bp.Proc) -> Steps:
        yield from proc.setpgid(0, 0)

    if bad:  # whoever the harness starts leads a session
        yield from proc.setpgid(0, 0)
    yield from told_by_child(proc, child)


@case("setpgid", "group_elsewhere")
def _setpgid_group_elsewhere(proc: bp.Proc, bad: bool) -> Steps:
    one = yield from proc.fork(brief)
    yield from proc.setpgid(one, one)
    two = yield from proc.fork(brief)
    yield from proc.setpgid(two, one + 100 if bad else one)


def told_by_child(proc: bp.Proc, body: Callable[..., Steps]) -> Steps:
    """Let a child, who leads nothing, do what is to be seen, and raise what it meets."""
    met: list[bp.CallError] = []

    def child(proc: bp.Proc) -> Steps:
        try:
            yield from body(proc)
        except bp.CallError as error:
            met.append(error)

    yield from proc.fork(child)
    yield from proc.wait()
    if met:
        raise met[0]


@case("setsid", "group_leader")
def _setsid_group_leader(proc: bp.Proc, bad: bool) -> Steps:
    def body(proc: bp.Proc) -> Steps:
        if bad:
            yield from proc.setpgid(0, 0)
        yield from proc.setsid()

    yield from told_by_child(proc, body)


@case("setsid", "group_left_behind")
def _setsid_group_left_behind(proc: bp.Proc, bad: bool) -> Steps:
    def body(proc: bp.Proc) -> Steps:
        yield from proc.setpgid(0, 0)
        member = yield from proc.fork(idle)
        leader = yield from proc.fork(idle)
        yield from proc.setpgid(leader, leader)
        yield from proc.setpgid(0, leader)
        if not bad:
            yield from proc.kill(member, bp.SIGKILL)
            yield from proc.waitpid(member)
        try:
            yield from proc.setsid()
        finally:
            yield from proc.kill(leader, bp.SIGKILL)
            if bad:
                yield from proc.kill(member, bp.SIGKILL)

    yield from told_by_child(proc, body)


# ---- time and threads ----------------------------------------------------------------------------


@case("nanosleep", "interrupted")
def _nanosleep_interrupted(proc: bp.Proc, bad: bool) -> Steps:
    yield from prod(proc, bad)
    yield from proc.sleep(1 * s)


@case("pause", "interrupted")
def _pause_interrupted(proc: bp.Proc, bad: bool) -> Steps:
    me = proc.pid
    # What would come instead is the end: there is no other way back from pause.
    yield from prod(proc, bad, None if bad else lambda child: child.kill(me, bp.SIGTERM))
    yield from proc.pause()


@case("thread_join", "no_such_thread")
def _thread_join_no_such_thread(proc: bp.Proc, bad: bool) -> Steps:
    number = yield from proc.thread_create(brief)
    yield from proc.thread_join(number + bad)


@case("thread_join", "own_end_awaited")
def _thread_join_own_end_awaited(proc: bp.Proc, bad: bool) -> Steps:
    number = yield from proc.thread_create(brief)
    yield from proc.thread_join(proc.thread_self() if bad else number)


# ---- signals -------------------------------------------------------------------------------------


@case("kill", "nobody_there")
def _kill_nobody_there(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.kill(proc.pid + bad, 0)


@case("kill", "no_such_signal")
def _kill_no_such_signal(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.sigaction(64, bp.SIG_IGN)
    yield from proc.kill(proc.pid, 65 if bad else 64)


IDLE_PID = 1001  # who was started first


@case("kill", "not_permitted", user=ALICE, build=lambda cluster, bad: cluster.idle_process(user=None if bad else ALICE))
def _kill_not_permitted(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.kill(IDLE_PID, 0)


@case("sigaction", "cannot_be_caught")
def _sigaction_cannot_be_caught(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.sigaction(bp.SIGKILL if bad else bp.SIGTERM, bp.SIG_IGN)


@case("sigprocmask", "unknown_how")
def _sigprocmask_unknown_how(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.sigprocmask(3 if bad else bp.SIG_BLOCK, [bp.SIGTERM])


# ---- execvp --------------------------------------------------------------------------------------


@case("execvp", "elements_too_long")
def _execvp_elements_too_long(proc: bp.Proc, bad: bool) -> Steps:
    proc.thread.process.env = (b"PATH=" + b"/" * (4093 if bad else 4000) + b"bin:" + b"/" * 4096,)
    yield from proc.execvp("sh", ["sh", "-c", "true"])
