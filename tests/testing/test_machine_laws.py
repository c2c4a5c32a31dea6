"""The laws of the machines see what is planted, and their hooks are called: each driven by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from attrs import evolve

import bprocsim as bp
from bprocsim.aix.placement import Attached, of_process
from bprocsim.testing import ClusterMachine, Deed, LparMachine
from bprocsim.testing.machines.base import WorldMachine

NONE_OFF, ALL_OFF = bytes(4), b"\xff" * 4
KINDS: list[type[WorldMachine]] = [ClusterMachine, LparMachine]


def begun(kind: type[Any], off: bytes = NONE_OFF) -> Any:
    state = kind()
    state.begin(seed=0, off=off)
    return state


def stays(proc: bp.Proc) -> Any:
    """Wait until a signal ends it."""
    yield from proc.pause()


def starts_a_job(state: Any) -> Any:
    """Let a program run on in a machine's world; gives its process."""
    handle = state.system.popen(stays)
    state.system.sleep(0.1)
    return state.system.pids.table[handle.pid]


# ---- of a cluster ------------------------------------------------------------------------------------


def _uses_less_than_it_has(cluster: Any, job: Any) -> None:
    cluster.home.memory.used_bytes = job.memory_bytes - 1


def _is_nowhere(cluster: Any, job: Any) -> None:
    del cluster.home.processes[job.pid]


def _is_in_two_places(cluster: Any, job: Any) -> None:
    cluster.machine(1).processes[job.pid] = job


@pytest.mark.parametrize("plant", [_uses_less_than_it_has, _is_nowhere, _is_in_two_places])
def test_the_places_of_processes_are_looked_at(plant: Callable[[Any, Any], None]) -> None:
    state = begun(ClusterMachine)
    job = starts_a_job(state)
    state.everybody_is_in_one_place()
    plant(state.cluster, job)
    state.cluster.sleep(0.1)  # nothing is looked at twice at one instant
    state.cluster.execve("/bin/job")
    with pytest.raises(AssertionError):
        state.everybody_is_in_one_place()


def _is_thought_to_be_there(cluster: Any) -> None:
    job = cluster.pids.table[cluster.popen(["sleep", "1000"]).pid]
    job.machine = cluster.machine(1)


def _is_waited_for(cluster: Any) -> None:
    cluster.bpmaster.waits[31000] = object()


def _takes_memory_for_nobody(cluster: Any) -> None:
    cluster.machine(1).memory.used_bytes += 1


@pytest.mark.parametrize("plant", [_is_thought_to_be_there, _is_waited_for, _takes_memory_for_nobody])
def test_what_the_master_knows_is_looked_at_when_all_is_quiet(plant: Callable[[Any], None]) -> None:
    state = begun(ClusterMachine)
    state.do(Deed("falls_quiet"))
    plant(state.cluster)
    with pytest.raises(AssertionError):
        state.do(Deed("falls_quiet"))


def _file(home: Any) -> None:
    home.files.used += 1


def _byte(home: Any) -> None:
    home.memory.used_bytes += 1


def _port(home: Any) -> None:
    home.sockets.held[32768] = 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("plant", [_file, _byte, _port])
def test_what_is_left_at_the_end_is_found(kind: type[Any], plant: Callable[[Any], None]) -> None:
    state = begun(kind)
    plant(state.system.home)
    with pytest.raises(AssertionError):
        state.teardown()


# ---- of a partition ----------------------------------------------------------------------------------


def _a_processor_that_is_none(lpar: Any) -> None:
    lpar.partition.online |= 1 << 99


def _more_threads_than_smt_lets_be(lpar: Any) -> None:
    lpar.partition.width = 1


def _exclusive_without_a_set(lpar: Any) -> None:
    lpar.partition.exclusive = 1


def _set_outside_the_partition_set(lpar: Any) -> None:
    process = lpar.idle_process().process
    process.placement = evolve(of_process(process), effective=Attached(0b11), partition=Attached(0b01))


@pytest.mark.parametrize(
    "plant",
    [
        _a_processor_that_is_none, _more_threads_than_smt_lets_be, _exclusive_without_a_set,
        _set_outside_the_partition_set,
    ],
)  # fmt: skip
def test_what_a_partition_may_not_be_is_found(plant: Callable[[Any], None]) -> None:
    def looks() -> None:
        state.nobody_runs_where_he_may_not()
        state.processors_are_what_they_are_said_to_be()

    state = begun(LparMachine)
    starts_a_job(state)
    looks()
    plant(state.lpar)
    with pytest.raises(AssertionError):
        looks()


# ---- of both -----------------------------------------------------------------------------------------

REFUSED = {ClusterMachine: Deed("bproc_chmod", node=99, mode=0), LparMachine: Deed("rmrset", name="kit/none")}
CHANGED: dict[Any, Callable[[Any], None]] = {
    ClusterMachine: lambda cluster: cluster.nodes[0].chmod(0o100),
    LparMachine: lambda lpar: setattr(lpar.partition, "width", 1),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_refused_call_that_changes_something_is_found(kind: type[Any]) -> None:
    state, deed = begun(kind), REFUSED[kind]
    state.do(deed)  # which is refused
    call = getattr(state.system, deed.name)

    def changes(**words: Any) -> Any:
        CHANGED[kind](state.system)
        return call(**words)

    setattr(state.system, deed.name, changes)
    with pytest.raises(AssertionError, match="has changed something"):
        state.do(deed)


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_faults_that_are_off_do_not_strike(kind: type[Any]) -> None:
    strikes = Deed("MemoryFull", node=-1, free_bytes=0, after_ns=0)
    for off, swarm, struck in ((NONE_OFF, True, 1), (ALL_OFF, True, 0), (ALL_OFF, False, 1)):
        state = begun(type("Machine", (kind,), {"swarm": swarm}), off)
        state.do(strikes)
        assert len(state.injected) == struck
        state.do(Deed("lift"))
        assert state.injected == []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("may_wait", [False, True])
def test_who_waits_for_ever_is_told_unless_that_may_be(kind: type[Any], may_wait: bool) -> None:
    def waits(**_: Any) -> None:
        raise bp.Deadlock("nobody wakes it")

    state = begun(type("Machine", (kind,), {"may_wait_for_ever": lambda self: may_wait}))
    state.system.sleep = waits
    if may_wait:
        state.do(Deed("sleep", seconds=1))
    else:
        with pytest.raises(bp.Deadlock, match="nobody wakes it"):
            state.do(Deed("sleep", seconds=1))


@pytest.mark.parametrize("kind", KINDS)
def test_hooks_are_called_in_order(kind: type[Any]) -> None:
    told: list[Any] = []

    class Hooked(kind):  # type: ignore[misc]
        def prepare(self) -> None:
            told.append(("prepare", self.system.sim.now_ns))

        def before(self, deed: Deed) -> None:
            told.append(("before", deed.name))

        def after(self, deed: Deed, outcome: Any) -> None:
            told.append(("after", deed.name, getattr(outcome, "call", None)))

        def at_rest(self) -> None:
            told.append(("at rest", len(self.injected), any(each.ended is None for each in jobs)))

    state = begun(Hooked)
    jobs = [starts_a_job(state)]
    state.do(Deed("MemoryFull", node=-1, free_bytes=0, after_ns=0))
    state.do(Deed("execve", path="/none"))
    state.teardown()
    assert told == [
        ("prepare", 0),
        ("before", "MemoryFull"), ("after", "MemoryFull", None),
        ("before", "execve"), ("after", "execve", "execve"),
        ("at rest", 0, True),
    ]  # fmt: skip
    assert jobs[0].ended is not None
