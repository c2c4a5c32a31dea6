"""A machine dies at any step of a vector launch: each slot ends in one of its outcomes, and nothing is left behind."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest
from attrs import define, field

import bprocsim as bp
from bprocsim.units import s
from tests.bproc.test_crash import assert_the_rest_works
from tests.bproc.test_vector import at_steps, vectored
from tests.bproc.worlds import MASTER, Steps

# Some 1,100 worlds, each of a few milliseconds.
pytestmark = pytest.mark.slow

CALLS = ("bproc_vexecmove", "bproc_vrfork")
EDITIONS = ("lanl32", "bproc4")
# Of the nodes of a launch: 4 gets the image from the caller, 0 from 4, then 2 from 4 and 1 from 0.
NODES = (4, 0, 2, 1)
SLAVE_LOST, SENDER_LOST, IN_PLACE = -303, -5, "pid"


@define
class Told:
    """What a caller learned: what the call `returned`, the slots, who it `waited` for, how often SIGCHLD came."""

    returned: int | None = None
    pids: list[int] = field(factory=list)
    waited: dict[int, Any] = field(factory=dict)
    signals: int = 0


def launch(made: bp.Cluster, call: str, source: int) -> tuple[bp.Outcome, Told]:
    """Let a program on `source` make the call, and wait for every child."""
    told = Told()

    def on_child(proc: bp.Proc, signum: int) -> None:
        told.signals += 1

    def child(proc: bp.Proc, index: int) -> Steps:
        yield from proc.sleep(1)
        return 0

    def caller(proc: bp.BprocProc) -> Steps:
        yield from proc.sigaction(bp.SIGCHLD, on_child)
        if call == "bproc_vexecmove":
            told.returned = yield from proc.bproc_vexecmove(4, NODES, told.pids, "/usr/bin/true", ["true"], {})
        else:
            told.returned = yield from proc.bproc_vrfork(4, NODES, told.pids, child)
        while True:
            try:
                waited = yield from proc.wait()
            except InterruptedError:
                continue
            except ChildProcessError:
                return 9
            assert waited.pid not in told.waited
            told.waited[waited.pid] = waited

    made.install("/usr/bin/caller", caller, on=source if source >= 0 else "master")
    out = made.execve("/usr/bin/caller", from_node=source)
    assert out.exception is None, out.exception
    return out, told


def ways(victims: list[int], sources: tuple[int, ...] = (MASTER, 3)) -> Iterator[Any]:
    """Give (edition, call, step, source, victim) for every step."""
    for edition in EDITIONS:
        for call in CALLS:
            for step in bp.Step:
                if call == "bproc_vrfork" and step in (bp.Step.EXEC, bp.Step.SUID_CHECK):
                    continue
                for source in sources:
                    for victim in victims:
                        shown = f"{edition}-{call}-{step.name}-{source}-{victim}"
                        yield pytest.param(edition, call, step, source, victim, id=shown)


@pytest.mark.parametrize(("edition", "call", "step", "source", "victim"), list(ways([4, 0, 2, 1])))
def test_a_node_of_the_launch_dies(edition: str, call: str, step: bp.Step, source: int, victim: int) -> None:
    """At the first time that a move in which it takes part reaches the step: as target, or as who passes it on."""
    made = vectored(5, edition, faults=[bp.PowerOff(victim, step=step)])
    out, told = launch(made, call, source)
    if not made.planned[0].fired:
        assert step in (bp.Step.EXEC, bp.Step.SUID_CHECK) and victim != NODES[0]
        return
    assert (out.exit_status, told.returned, len(told.pids)) == (9, 4, 4)
    for node, pid in zip(NODES, told.pids, strict=True):
        if pid > 0:
            assert told.waited[pid].exit_status == 0 or (node == victim and told.waited[pid].signal == bp.SIGKILL)
        elif not pid:
            # SIGCHLD of a child that had been placed has ended the launch.
            assert told.waited[told.pids[NODES.index(victim)]].signal == bp.SIGKILL
            assert not any(told.pids[NODES.index(node) :])
        else:
            # Its own node was lost on the way, or had been given up before it was its turn; or who sent to it was.
            assert pid in ((SLAVE_LOST, -301) if node == victim else (SENDER_LOST,))
    assert victim in [node for node, pid in zip(NODES, told.pids, strict=True) if pid <= 0 or told.waited[pid].signal]
    # Of who never was nobody hears, and of each of the others once.
    assert sorted(told.waited) == sorted(pid for pid in told.pids if pid > 0)
    assert told.signals == len(told.waited)
    assert 30 * s <= out.elapsed_ns <= 91 * s  # pings found it out, once for each wait that it kept
    assert_the_rest_works(made)


@pytest.mark.parametrize(("edition", "call", "step", "source", "victim"), list(ways([3], (3,))))
def test_the_callers_slave_dies(edition: str, call: str, step: bp.Step, source: int, victim: int) -> None:
    made = vectored(5, edition, faults=[bp.PowerOff(victim, step=step)])
    stuck = ""
    try:
        out, told = launch(made, call, source)
        assert (out.signal, told.returned) == (bp.SIGKILL, None) or told.returned == 4
    except bp.Deadlock as error:
        stuck = str(error)
    # Those who have been placed wait to be told to begin: there is no cleaning up.
    assert not stuck or "MOVE_COMPLETE, which ends its vector launch" in stuck
    assert "pid 1001 (" not in stuck
    assert made.planned[0].fired
    left = [process for process in made.pids.table.values() if process is not None and process.ended is None]
    assert all(process.machine.number in NODES for process in left)
    placed = len(at_steps(made, bp.Step.HANDOVER))
    assert len(at_steps(made, bp.Step.RUN)) in (0, placed) or step is bp.Step.RUN

    def ends(proc: bp.Proc) -> Steps:
        for process in left:
            yield from proc.kill(process.pid, bp.SIGKILL)
        yield from proc.sleep(1 * s)

    made.install("/usr/bin/ends", ends)
    assert made.execve("/usr/bin/ends").exit_status == 0
    made.sim.run()
    assert_the_rest_works(made)


@pytest.mark.parametrize(("edition", "call", "step", "source", "victim"), list(ways([MASTER])))
def test_the_master_dies(edition: str, call: str, step: bp.Step, source: int, victim: int) -> None:
    """What is on it goes down with it; the slaves find out by the pings that do not come, and kill theirs."""
    made = vectored(5, edition, faults=[bp.PowerOff(victim, step=step)])
    out, told = launch(made, call, source)
    if out.signal != bp.SIGKILL:
        assert told.returned == 4 and source != MASTER
    assert out.elapsed_ns <= 31 * s
    made.sim.run()
    assert_the_rest_works(made)


@pytest.mark.parametrize("victims", [(4, 0), (0, 4), (4, 2), (2, 4), (0, 1), (1, 0)])
@pytest.mark.parametrize("at_ns", range(4_000_000, 11_000_000, 500_000))
def test_sender_and_target_are_given_up_at_one_instant(at_ns: int, victims: tuple[int, int]) -> None:
    """Nobody is left who could tell the master that it failed: the target's loss does."""
    made = vectored(5, faults=[bp.PowerOff(number, at_ns=at_ns) for number in victims])
    out, told = launch(made, "bproc_vexecmove", MASTER)
    assert (out.exit_status, told.returned) == (9, 4)
    # A child that is killed is a signal for the caller, after which it tries nobody else.
    assert set(told.pids) - set(told.waited) <= {SLAVE_LOST, SENDER_LOST, -301, 0}
    made.sim.run()
    assert_the_rest_works(made)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("source", [MASTER, 3])
@pytest.mark.parametrize("at_ns", range(900_000, 10_500_000, 200_000))
def test_the_masters_daemon_may_end_at_any_instant(at_ns: int, source: int, call: str) -> None:
    """Ghosts die, and what is on slaves; a caller on the master lives, and hears of its children."""
    made = vectored(5, faults=[bp.MasterDaemonExit(at_ns=at_ns)])
    out, told = launch(made, call, source)
    if source == MASTER:
        assert out.exit_status == 9
        assert told.returned in (4, None)
        assert sorted(told.waited) == sorted(pid for pid in told.pids if pid > 0)
    made.sim.run()
    assert_the_rest_works(made)


@pytest.mark.parametrize("at_ns", range(100_000, 12_000_000, 250_000))
@pytest.mark.parametrize("ends", [(MASTER, 4), (MASTER, 0), (4, 0), (0, 1), (4, 2)])
def test_a_link_may_be_cut_for_ever_at_any_instant(ends: tuple[int, int], at_ns: int) -> None:
    made = vectored(5, faults=[bp.LinkCut(*ends, at_ns=at_ns)])
    out, told = launch(made, "bproc_vexecmove", MASTER)
    assert (out.exit_status, told.returned) == (9, 4)
    assert sorted(told.waited) == sorted(pid for pid in told.pids if pid > 0)
    # A cut between two slaves is found out by TCP alone, when its patience ends.
    assert set(told.pids) - set(told.waited) <= {SLAVE_LOST, SENDER_LOST, -301, -110}
    made.sim.run()


@pytest.mark.parametrize("number", [4, 0])
@pytest.mark.parametrize("at_ns", range(2_000_000, 12_000_000, 100_000))
def test_a_node_may_be_taken_away_at_any_instant(at_ns: int, number: int) -> None:
    """Also between the choice of who sends the image and the fork of who is to get it."""
    made = vectored(5)

    def administrator() -> Generator[Any, Any, None]:
        yield made.sim.env.timeout(at_ns)
        made.nodes[number].set_state("down")

    made.sim.env.process(administrator())
    out, told = launch(made, "bproc_vexecmove", MASTER)
    assert (out.exit_status, told.returned) == (9, 4)
    # A child that is killed is a signal for the caller, after which it tries nobody else.
    assert set(told.pids) - set(told.waited) <= {SLAVE_LOST, SENDER_LOST, -301, 0}


@pytest.mark.parametrize("seed", range(60))
def test_what_happens_at_one_instant_may_happen_in_any_order(seed: int) -> None:
    faults = [bp.PowerOff(NODES[seed % 4], at_ns=2_000_000 + seed * 110_000)] if seed % 3 == 0 else []
    made = vectored(5, order="random", seed=seed, trace="errors", faults=faults)
    out, told = launch(made, CALLS[seed % 2], MASTER if seed % 5 else 3)
    assert (out.exit_status, told.returned) == (9, 4)
    assert sorted(told.waited) == sorted(pid for pid in told.pids if pid > 0)
    made.sim.run()
    assert_the_rest_works(made)
