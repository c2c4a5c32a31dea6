"""A machine dies at any step of any call that moves a process: nothing hangs, nothing is left behind.

That of execmove is in test_crash; what holds for it holds here, but a call that fails comes back.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from attrs import define, field

import bprocsim as bp
from bprocsim.units import s
from tests.bproc.test_crash import assert_found_out_by_pings, assert_the_rest_works
from tests.bproc.worlds import HELLO, MASTER, Steps, cluster, steps

# Some 1,650 worlds, each of a few milliseconds.
pytestmark = pytest.mark.slow

CALLS = ("bproc_move", "bproc_rexec", "bproc_rfork")
EDITIONS = ("scyld", "bproc4")


def plan(call: str, edition: str) -> tuple[str, ...]:
    """Name the steps of a call, in order: without an exec on the caller's node."""
    left = [step.name for step in bp.Step if step not in (bp.Step.EXEC, bp.Step.SUID_CHECK)]
    if call == "bproc_rexec" and edition != "scyld":
        left.insert(left.index("THAW") + 1, "EXEC")
    return tuple(left)


@define
class Told:
    """What a caller learned: what the call `returned` and `errno`, who it waited for, how often SIGCHLD came."""

    returned: list[int] = field(factory=list)
    errno: list[int] = field(factory=list)
    waited: list[Any] = field(factory=list)
    signals: list[int] = field(factory=list)


def given(made: bp.Cluster, port: int) -> tuple[Any, ...]:
    """Give what a C program passes for its I/O: a port, or a list of three connections and its length."""
    if not made.edition.io_lists:
        return (port,)
    if not port:
        return None, -1
    return [bp.BprocIo(fd, bp.BPROC_IO_SOCKET, 0, bp.Address("", port)) for fd in (1, 2, 0)], 3


def launch(made: bp.Cluster, call: str, source: int, target: int, port: int) -> tuple[bp.Outcome, Told]:
    """Let a program on `source` make the call, and go on."""
    told = Told()

    def on_child(proc: bp.Proc, signum: int) -> None:
        told.signals.append(signum)

    def child(proc: bp.Proc) -> Steps:
        yield from proc.sleep(1)
        return 3

    def caller(proc: bp.BprocProc) -> Steps:
        yield from proc.sigaction(bp.SIGCHLD, on_child)
        if port:
            fd = yield from proc.socket()
            yield from proc.bind(fd, bp.Address("", port))
            yield from proc.listen(fd, 3)
        libc, io = proc.libc, given(made, port)
        if call == "bproc_move":
            told.returned.append((yield from libc.bproc_move_io(target, *io)))
        elif call == "bproc_rexec":
            told.returned.append((yield from libc.bproc_rexec_io(target, *io, "/usr/bin/true", ["true"], {})))
        else:
            told.returned.append((yield from libc.bproc_rfork_io(target, *io, child)))
        told.errno.append(libc.errno)
        if call == "bproc_rfork":
            try:
                told.waited.append((yield from proc.wait()))
            except ChildProcessError:
                told.waited.append(None)
        return 9

    made.install("/usr/bin/caller", caller, on="all" if source >= 0 else "master")
    out = made.execve("/usr/bin/caller", from_node=source)
    assert out.exception is None, out.exception
    return out, told


def ways(sources: list[tuple[int, int]]) -> Iterator[Any]:
    """Give (edition, call, step, source, target, port) for every step of every call."""
    for edition in EDITIONS:
        for call in CALLS:
            for name in plan(call, edition):
                for source, target in sources:
                    for port in (0, 4000):
                        shown = f"{edition}-{call}-{name}-{source}-{target}-{port}"
                        yield pytest.param(edition, call, bp.Step[name], source, target, port, id=shown)


def reached(made: bp.Cluster, call: str, edition: str, step: bp.Step) -> list[str]:
    """Give the steps that were reached, and hold them against the plan."""
    done, whole = steps(made), plan(call, edition)
    assert [name for name in whole if name in done] == done
    return done


@pytest.mark.parametrize(("edition", "call", "step", "source", "target", "port"), list(ways([(MASTER, 2), (1, 2)])))
def test_the_target_dies(edition: str, call: str, step: bp.Step, source: int, target: int, port: int) -> None:
    made = cluster(edition=edition, faults=[bp.PowerOff(2, step=step)])
    out, told = launch(made, call, source, target, port)
    whole = plan(call, edition)
    before = whole[: max(whole.index(step.name), whole.index("ROUTE")) + 1]
    errno = {"scyld": 5, "bproc4": 303}[edition]
    if whole.index(step.name) <= whole.index("RESPONSE"):
        # The master has not heard of its arrival: the slave was lost on the way, and the caller is what it was.
        negative = call == "bproc_rfork" and edition == "bproc4"
        assert (told.returned, told.errno) == ([-errno if negative else -1], [0 if negative else errno])
        assert (told.waited, told.signals) == ([None] if call == "bproc_rfork" else [], [])
        assert (out.exit_status, out.node) == (9, source)
        assert reached(made, call, edition, step) == list(before)
    elif call == "bproc_rfork":
        assert told.returned == [told.waited[0].pid]
        assert (told.waited[0].signal, told.waited[0].exit_status) == (bp.SIGKILL, None)
        assert (out.exit_status, told.signals) == (9, [bp.SIGCHLD])
    else:
        assert (out.signal, told.returned) == (bp.SIGKILL, [])
    assert_found_out_by_pings(out.elapsed_ns)
    assert made.nodes[2].state == "down"
    assert made.planned[0].fired
    assert_the_rest_works(made)


@pytest.mark.parametrize(("edition", "call", "step", "source", "target", "port"), list(ways([(1, MASTER), (1, 2)])))
def test_the_callers_slave_dies(edition: str, call: str, step: bp.Step, source: int, target: int, port: int) -> None:
    made = cluster(edition=edition, faults=[bp.PowerOff(1, step=step)])
    out, told = launch(made, call, source, target, port)
    done, whole = reached(made, call, edition, step), plan(call, edition)
    needed = "EXEC" if "EXEC" in whole else "THAW"
    if whole.index(step.name) <= whole.index(needed if port else "CONNECT_BACK"):
        # It is needed until it has sent the process, and to be connected to.
        assert (out.signal, told.returned) == (bp.SIGKILL, [])
        assert "RUN" not in done
    elif call == "bproc_rfork":
        # The parent is gone; its child runs on the other node, and ends there.
        assert (out.signal, told.returned) == (bp.SIGKILL, [])
        assert "RUN" in done
        assert 3 in [each.status for each in made.trace.of_kind("exit")]
    else:
        assert (out.exit_status, out.node) == (9 if call == "bproc_move" else 0, target)
        assert "RUN" in done
    assert made.planned[0].fired
    made.sim.run()
    assert_the_rest_works(made)


@pytest.mark.parametrize(
    ("edition", "call", "step", "source", "target", "port"), list(ways([(MASTER, 2), (1, 2), (1, MASTER)]))
)
def test_the_master_dies(edition: str, call: str, step: bp.Step, source: int, target: int, port: int) -> None:
    """What is on it goes down with it; the slaves find out by the pings that do not come, and kill theirs."""
    made = cluster(edition=edition, faults=[bp.PowerOff(MASTER, step=step)])
    out, told = launch(made, call, source, target, port)
    done = reached(made, call, edition, step)
    if out.signal != bp.SIGKILL:
        # It runs where it was going to, before anybody found out; or its child went down with the master.
        assert "RUN" in done or (call == "bproc_rfork" and told.waited[0].signal == bp.SIGKILL)
        assert target != MASTER or call == "bproc_rfork"
    assert -1 not in told.returned
    assert out.elapsed_ns <= 31 * s
    made.sim.run()
    assert_the_rest_works(made)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("source", "target"), [(MASTER, 2), (1, 2), (1, MASTER)])
@pytest.mark.parametrize("at_ns", range(0, 6_000_000, 150_000))
def test_the_masters_daemon_may_end_at_any_instant(at_ns: int, source: int, target: int, call: str) -> None:
    """Ghosts die, and what is on slaves; a parent on the master lives, and hears of its child."""
    made = cluster(faults=[bp.MasterDaemonExit(at_ns=at_ns)] if at_ns else [])
    out, told = launch(made, call, source, target, 0)
    made.sim.run(until_ns=max(at_ns, made.sim.now_ns) + 1)
    made.sim.run()
    if call == "bproc_rfork" and source == MASTER and at_ns:
        assert out.exit_status == 9
        assert told.returned == [-1] or told.waited[0].signal == bp.SIGKILL or told.waited[0].exit_status == 3
    elif not at_ns:
        assert (out.signal, told.returned == [-1]) == (None, False)
    assert_the_rest_works(made)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize(("source", "target"), [(MASTER, 2), (1, 2), (1, MASTER)])
def test_nothing_happens(source: int, target: int, edition: str, call: str) -> None:
    """And all steps are taken, in order, and all of it is over in the end."""
    made = cluster(edition=edition)
    out, told = launch(made, call, source, target, 4000)
    assert tuple(steps(made)) == plan(call, edition)
    assert out.exit_status == (0 if call == "bproc_rexec" else 9)
    if call == "bproc_rfork":
        assert [each.exit_status for each in told.waited] == [3]
        assert told.signals == [bp.SIGCHLD]
    assert_the_rest_works(made)
    assert made.bproc_execmove(2, HELLO).exit_status == 3
