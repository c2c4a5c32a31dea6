"""A call on a partition that returns -1 leaves every record as it was, and so does looking at one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import FunctionType, GeneratorType, MethodType
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.aix.placement import eligible
from bprocsim.testing import Recipe, recipes
from bprocsim.testing.rows.lparcalls import base_of
from bprocsim.testing.rows.lparcases import LparCase, thread_id
from bprocsim.units import ms, s
from tests.rows.snapshot import differences, snapshot, walk, watched

pytestmark = pytest.mark.slow  # many worlds, or interpreters of their own

# Fork asks a program's own memory, so a program makes that call, and is not there before.
OF_PROGRAMS = {("ra_fork", "memory_used_up")}
RETURNED = [
    pytest.param(recipe, id=str(recipe))
    for key, recipe in recipes.items()
    if isinstance(recipe.case, LparCase) and key not in OF_PROGRAMS
]


# ---- a partition on which much is under way ------------------------------------------------------


def busy(proc: bp.Proc) -> Iterator[Any]:
    """Compute with two threads, and have a child that does."""
    yield from proc.thread_create(computes)
    yield from proc.fork(computes)
    yield from computes(proc)


def computes(proc: bp.Proc) -> Iterator[Any]:
    """Compute longer than any test looks."""
    yield from proc.compute(10_000 * s)


def busy_world(case: LparCase) -> bp.Lpar:
    """Build a case's world, with processes that are attached, bound and bounded, and compute, beside it."""
    lpar = case.world()
    if case.pids_left is not None:
        return lpar
    for name, held in (("first", "0,1"), ("second", "2")):
        lpar.rs_registername(lpar.rset(held), "busy", name, 0o644, bp.RS_DEFINE)
    pids = [lpar.popen(busy).pid for _ in range(3)]
    lpar.sleep(0.01)
    lpar.ra_attachrset(bp.R_PROCESS, pids[0], lpar.rset("0-5"))
    lpar.ra_attachrset(bp.R_THREAD, thread_id(pids[0], 2), lpar.rset("1"))
    lpar.bindprocessor(bp.BINDTHREAD, thread_id(pids[1], 2), 1)
    lpar.set_partition(pids[2], lpar.rset("0-6"))
    lpar.idle_process()
    return lpar


# ---- refused calls -------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", RETURNED)
def test_a_refused_call_changes_nothing(recipe: Recipe) -> None:
    # This one waits for minutes, in which others compute.
    waits = (recipe.call, recipe.cause) == ("deallocate", "bound_to_last")
    lpar = recipe.case.world() if waits else busy_world(recipe.case)
    before = snapshot(lpar)
    assert recipe.case.make(lpar).cause == recipe.cause
    assert differences(before, snapshot(lpar)) == []


# Calls that change a partition when they succeed; those left out only fill what is the caller's.
CHANGING: dict[str, dict[str, Any]] = {
    "ra_exec": {}, "ra_fork": {}, "ra_attachrset": {}, "ra_attach": {}, "ra_detachrset": {"effective": "4"},
    "bindprocessor": {}, "rs_setpartition": {}, "rs_registername": {}, "rs_discardname": {},
    "rs_setnameattr": {"new_mode": 0o600}, "mkrset": {}, "rmrset": {}, "smtctl": {}, "dlpar_remove": {},
    "dlpar_add": {}, "deallocate": {},
}  # fmt: skip
ONLY_TELLS = {
    "rs_alloc", "rs_init", "rs_op", "rs_getinfo", "rs_numrads", "rs_getrad", "rs_getassociativity", "rs_info",
    "rs_getpartition", "rs_getnamedrset", "rs_getnameattr", "ra_getrset",
}  # fmt: skip


def test_every_call_changes_something_or_only_tells() -> None:
    calls = {recipe.call for recipe in recipes.values() if isinstance(recipe.case, LparCase)}
    assert calls == {*CHANGING, *ONLY_TELLS}


@pytest.mark.parametrize("call", CHANGING)
def test_a_call_that_succeeds_is_seen_to_change_something(call: str) -> None:
    case = base_of(call, **CHANGING[call])
    lpar = case.world()
    before = snapshot(lpar)
    assert not case.make(lpar).failed
    assert differences(before, snapshot(lpar))


@pytest.mark.parametrize("call", sorted(ONLY_TELLS))
def test_a_call_that_only_tells_changes_nothing(call: str) -> None:
    case = base_of(call)
    lpar = busy_world(case)
    before = snapshot(lpar)
    assert not case.make(lpar).failed
    assert differences(before, snapshot(lpar)) == []


# ---- the snapshot sees every field ---------------------------------------------------------------


class Planted:
    """What no world holds."""


FIXED = (tuple, FunctionType, MethodType, GeneratorType)
KINDS = {
    "Lpar", "Simulation", "Engine", "Machine", "Partition", "Level", "Model", "Topology", "NamedSet", "Dispatcher",
    "Cores", "Job", "Clock", "Process", "Thread", "ProcessPlacement", "ThreadPlacement", "Attached", "Waiter",
    "Memory", "FileTree", "PidSpace", "Credentials", "User",
}  # fmt: skip


def _case() -> LparCase:
    return LparCase(call="ra_attachrset", taken=True)


def test_much_is_reached() -> None:
    kinds = {type(thing).__name__ for _, _, thing in walk(busy_world(_case())) if thing is not None}
    assert kinds >= KINDS


@pytest.mark.slow
def test_a_change_in_any_field_of_a_partition_is_seen() -> None:
    lpar = busy_world(_case())
    before = snapshot(lpar)
    unseen = []
    done: set[tuple[type, str]] = set()
    for path, _, thing in walk(lpar):
        if type(thing).__name__ not in KINDS or isinstance(thing, FIXED):
            continue
        for name in watched(thing):
            if (type(thing), name) in done:
                continue
            done.add((type(thing), name))
            was = getattr(thing, name)
            object.__setattr__(thing, name, Planted())
            if not differences(before, snapshot(lpar)):
                unseen.append(f"{path}.{name}")
            object.__setattr__(thing, name, was)
    assert unseen == []
    assert differences(before, snapshot(lpar)) == []


def test_a_change_in_any_set_of_processors_is_seen() -> None:
    """Bits of placements, names and states: one more or less of each shows."""
    lpar = busy_world(_case())
    before = snapshot(lpar)
    partition = lpar.partition
    found = [partition, *partition.names.values()]
    for thread in partition.threads():
        found += [each for each in (thread.placement, thread.process.placement) if each is not None]
    seen = 0
    for thing in found:
        for name in watched(thing):
            was = getattr(thing, name)
            if isinstance(was, int) and not isinstance(was, bool):
                object.__setattr__(thing, name, was ^ 1)
                assert differences(before, snapshot(lpar)), (thing, name)
                object.__setattr__(thing, name, was)
                seen += 1
    assert seen > 15


# ---- looking -------------------------------------------------------------------------------------


def _shares(proc: bp.Proc) -> Iterator[Any]:
    """Compute in two threads, and say when it is done."""
    number = yield from proc.thread_create(_computes_a_little)
    yield from proc.compute(70 * ms)
    yield from proc.thread_join(number)
    yield from proc.print("done")


def _computes_a_little(proc: bp.Proc) -> Iterator[Any]:
    yield from proc.compute(30 * ms)


def _told(look: Callable[[bp.Lpar], None]) -> tuple[str, str]:
    """Run programs on a partition, and look at it now and then; gives the trace and its digest."""
    lpar = bp.Lpar(2, 2, cpu="POWER7", srads=2, enhanced_affinity=True, trace="all", seed=3)
    lpar.install("/usr/bin/shares", _shares)
    look(lpar)
    lpar.mkrset("sysxrset/own", "2,3").check()
    running = [lpar.popen("/usr/bin/shares") for _ in range(4)]
    for step, each in enumerate(running):
        lpar.sleep(0.01)
        look(lpar)
        if step:
            lpar.ra_attachrset(bp.R_PROCESS, each.pid, lpar.rset("1-3")).check()
    lpar.ra_execve(bp.R_RSET, lpar.rset("2,3"), bp.R_ATTACH_STRSET, "/usr/bin/shares").check()
    look(lpar)
    lpar.smtctl(1)
    look(lpar)
    lpar.sleep(2)
    return lpar.trace.text(), lpar.trace.digest()


def _look(lpar: bp.Lpar) -> None:
    """Look at all there is."""
    processors: Any = lpar.machine.processors
    partition = lpar.partition
    for process in lpar.machine.processes.values():
        for thread in process.threads:
            assert isinstance(eligible(partition, thread), int)
            assert isinstance(processors.processor_of(thread), int)
            assert partition.placed(thread)
    assert repr((lpar, lpar.machine, processors, partition.names, partition.bindable, partition.default_set))
    assert repr((lpar.rset("0-3"), lpar.sim.now_ns, len(lpar.trace)))
    assert lpar.machine.fs.listdir("/")
    assert snapshot(lpar)


def test_looking_changes_nothing() -> None:
    assert _told(_look) == _told(lambda lpar: None)


def test_nor_does_asking_for_an_effective_set() -> None:
    lpar = bp.Lpar(2, 2, cpu="POWER7")
    pid = lpar.idle_process().pid
    before = snapshot(lpar)
    assert repr(lpar.effective_rset(pid)) == "0-3"
    assert differences(before, snapshot(lpar)) == []
