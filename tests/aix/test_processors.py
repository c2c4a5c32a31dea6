"""Processors that come and go: what each change does, what hinders it, who is warned, and what fails outright."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.aix.processors import DEALLOCATE_ERRORS, DLPAR_ADD_ERRORS, DLPAR_REMOVE_ERRORS, SMTCTL_ERRORS
from bprocsim.aix.rset import written
from bprocsim.units import ms, s
from tests.rows.snapshot import differences, snapshot

TABLES = (SMTCTL_ERRORS, DLPAR_REMOVE_ERRORS, DLPAR_ADD_ERRORS, DEALLOCATE_ERRORS)


@pytest.fixture
def lpar() -> bp.Lpar:
    """Four cores of two hardware threads: 0-1, 2-3, 4-5, 6-7."""
    return bp.Lpar(cores=4, cpu="POWER5", strict=True, trace="all")


def online(lpar: bp.Lpar) -> str:
    return written(lpar.partition.online)


def attached(lpar: bp.Lpar, processors: str) -> bp.ProcessHandle:
    """An idle process that is attached to a set."""
    process = lpar.idle_process()
    lpar.ra_attachrset(bp.R_PROCESS, process.pid, lpar.rset(processors)).check()
    return process


def bound(lpar: bp.Lpar, bind_id: int) -> bp.ProcessHandle:
    """An idle process that is bound to a processor."""
    process = lpar.idle_process()
    lpar.bindprocessor(bp.BINDPROCESS, process.pid, bind_id).check()
    return process


# ------------------------------------------------------------------------- what is done


def test_smtctl_keeps_logical_ids_and_counts_bind_ids_anew(lpar: bp.Lpar) -> None:
    assert lpar.smtctl(threads=1).value == 0
    assert (online(lpar), lpar.partition.bindable) == ("0,2,4,6", (0, 2, 4, 6))
    assert lpar.smtctl(threads=2).value == 0
    assert lpar.partition.bindable == tuple(range(8))


def test_a_core_comes_back_as_wide_as_smt_is_by_then(lpar: bp.Lpar) -> None:
    lpar.dlpar_remove(core=3).check()
    assert online(lpar) == "0-5"
    lpar.smtctl(threads=1).check()
    assert online(lpar) == "0,2,4", "the core that is not there stays away"
    lpar.dlpar_add(core=3).check()
    assert online(lpar) == "0,2,4,6"
    lpar.deallocate(core=0).check()
    assert online(lpar) == "2,4,6"


def test_a_core_that_goes_leaves_the_others_as_wide_as_they_are(lpar: bp.Lpar) -> None:
    for takes_away in (lpar.dlpar_remove, lpar.deallocate):
        lpar.smtctl(threads=1).check()
        takes_away(core=3).check()
        lpar.dlpar_add(core=3).check()
        assert online(lpar) == "0,2,4,6"


def test_what_runs_there_goes_elsewhere_at_once(lpar: bp.Lpar) -> None:
    def work(proc: bp.AixProc) -> Any:
        yield from proc.compute(10 * ms)

    running = [lpar.popen(work) for _ in range(4)]
    lpar.sleep(0.004)
    before_ns = lpar.sim.now_ns
    lpar.dlpar_remove(core=1).check()
    assert lpar.partition.dispatcher.cores.busy & 0b1100 == 0
    assert [each.wait() for each in running] == [0] * 4
    assert lpar.partition.dispatcher.busy_ns[2] <= before_ns
    assert lpar.partition.dispatcher.busy_ns[3] == 0


def test_to_change_nothing_is_done_at_once(lpar: bp.Lpar) -> None:
    bound(lpar, 7)
    out = lpar.smtctl(threads=2)
    assert (out.value, out.elapsed_ns) == (0, lpar.costs.syscall_ns)
    assert lpar.trace.of_kind("signal") == lpar.trace.of_kind("processors") == ()


@pytest.mark.parametrize("threads", [0, 3, 4, -1])
def test_a_width_that_no_core_has_is_a_mistake(lpar: bp.Lpar, threads: int) -> None:
    with pytest.raises(ValueError, match=r"^threads: "):
        lpar.smtctl(threads)


def test_a_narrow_core_of_a_wide_model_has_no_more_than_it_has() -> None:
    with pytest.raises(ValueError, match=r"^threads: a core of this POWER8 can have 1, 2 online, never 4$"):
        bp.Lpar(cpu="POWER8", smt=2).smtctl(4)


def test_a_processor_that_comes_online_in_an_exclusive_set_is_exclusive_at_once(lpar: bp.Lpar) -> None:
    lpar.mkrset("sysxrset/app", "2-3").check()
    lpar.dlpar_remove(core=1).check()
    lpar.dlpar_add(core=1).check()
    assert lpar.ra_attachrset(bp.R_PROCESS, attached(lpar, "2-3").pid, lpar.rset("2-3"), bp.R_ATTACH_STRSET).value == 0
    refused = lpar.bindprocessor(bp.BINDPROCESS, lpar.idle_process().pid, 2)
    assert refused.cause == "processor_exclusive"


# --------------------------------------------------------------------------- what hinders it

NOBODY = bp.Credentials(500, 500)


def as_it_is(_lpar: bp.Lpar) -> None:
    """Arrange nothing."""


def lonely(lpar: bp.Lpar) -> None:
    for core in (1, 2, 3):
        lpar.dlpar_remove(core).check()


# Each row of each table: what is arranged, and the call that is then refused.
HINDRANCES: dict[tuple[str, str], tuple[Callable[[bp.Lpar], object], Callable[[bp.Lpar], bp.Outcome]]] = {
    ("smtctl", "not_root"): (as_it_is, lambda lpar: lpar.smtctl(1, user=NOBODY)),
    ("smtctl", "bound_to_last"): (lambda lpar: bound(lpar, 4), lambda lpar: lpar.smtctl(1)),
    ("smtctl", "set_without_processor"): (lambda lpar: attached(lpar, "1,3"), lambda lpar: lpar.smtctl(1)),
    ("dlpar_remove", "not_root"): (as_it_is, lambda lpar: lpar.dlpar_remove(1, user=NOBODY)),
    ("dlpar_remove", "no_such_core"): (as_it_is, lambda lpar: lpar.dlpar_remove(4)),
    ("dlpar_remove", "core_not_online"): (lambda lpar: lpar.dlpar_remove(1), lambda lpar: lpar.dlpar_remove(1)),
    ("dlpar_remove", "last_core"): (lonely, lambda lpar: lpar.dlpar_remove(0)),
    ("dlpar_remove", "bound_to_last"): (lambda lpar: bound(lpar, 6), lambda lpar: lpar.dlpar_remove(0)),
    ("dlpar_remove", "set_without_processor"): (lambda lpar: attached(lpar, "2"), lambda lpar: lpar.dlpar_remove(1)),
    ("dlpar_add", "not_root"): (as_it_is, lambda lpar: lpar.dlpar_add(1, user=NOBODY)),
    ("dlpar_add", "no_such_core"): (as_it_is, lambda lpar: lpar.dlpar_add(-1)),
    ("dlpar_add", "core_online"): (as_it_is, lambda lpar: lpar.dlpar_add(3)),
    ("deallocate", "not_root"): (as_it_is, lambda lpar: lpar.deallocate(1, user=NOBODY)),
    ("deallocate", "no_such_core"): (as_it_is, lambda lpar: lpar.deallocate(99)),
    ("deallocate", "core_not_online"): (lambda lpar: lpar.deallocate(1), lambda lpar: lpar.deallocate(1)),
    ("deallocate", "last_core"): (lonely, lambda lpar: lpar.deallocate(0)),
    ("deallocate", "bound_to_last"): (lambda lpar: bound(lpar, 7), lambda lpar: lpar.deallocate(0)),
    ("deallocate", "set_without_processor"): (lambda lpar: attached(lpar, "0-1"), lambda lpar: lpar.deallocate(0)),
}


def test_every_row_is_here() -> None:
    assert sorted(HINDRANCES) == sorted((table.call, row.cause) for table in TABLES for row in table.rows)


@pytest.mark.parametrize(("call", "cause"), HINDRANCES, ids="-".join)
def test_a_refusal_changes_nothing(lpar: bp.Lpar, call: str, cause: str) -> None:
    arrange, refused = HINDRANCES[call, cause]
    arrange(lpar)
    before = snapshot(lpar)
    out = refused(lpar)
    assert (out.failed, out.call, out.cause) == (True, call, cause)
    assert differences(before, snapshot(lpar)) == []


@pytest.mark.parametrize(("bind_id", "hindered"), [(0, False), (5, False), (6, True), (7, True)])
def test_whatever_core_goes_the_last_bind_ids_go(lpar: bp.Lpar, bind_id: int, hindered: bool) -> None:
    bound(lpar, bind_id)
    assert lpar.dlpar_remove(core=0).failed == hindered


def test_who_is_bound_by_id_runs_on_the_processor_that_has_it_then(lpar: bp.Lpar) -> None:
    process = bound(lpar, 2)
    lpar.dlpar_remove(core=0).check()
    assert lpar.partition.bound_to(2) == 1 << 4
    assert lpar.effective_rset(process.pid) == lpar.rset("0-7"), "a binding is no attachment"


def test_a_set_with_another_processor_online_hinders_nothing(lpar: bp.Lpar) -> None:
    process = attached(lpar, "1-2")
    lpar.dlpar_remove(core=0).check()
    assert lpar.effective_rset(process.pid) == lpar.rset("1-2"), "offline ids stay in sets"
    assert lpar.dlpar_remove(core=1).cause == "set_without_processor"


def test_a_set_that_had_no_processor_left_is_not_hurt_again(lpar: bp.Lpar) -> None:
    attached(lpar, "2-3")
    lpar.inject(bp.CoreFails(core=1))
    assert lpar.dlpar_remove(core=2).value == 0


def test_of_all_attached_sets_none_may_be_left_without_a_processor(lpar: bp.Lpar) -> None:
    process = lpar.idle_process()
    lpar.set_partition(process.pid, lpar.rset("0-1")).check()
    assert lpar.deallocate(0).cause == "set_without_processor"


# ------------------------------------------------------------------------------ who is warned


def reconfigures(lpar: bp.Lpar) -> list[int]:
    return [each.pid for each in lpar.trace.of_kind("signal") if each.signal == "SIGRECONFIG"]


def catcher(proc: bp.AixProc, act: Callable[[bp.AixProc, int], Any], signum: int, bind_id: int) -> Any:
    """A program that is bound and catches a signal; it ends once no signal has come for an hour."""
    seen = 0

    def handler(proc: bp.AixProc, _signum: int) -> Any:
        nonlocal seen
        seen += 1
        yield from act(proc, seen)

    yield from proc.bindprocessor(bp.BINDPROCESS, proc.pid, bind_id)
    yield from proc.sigaction(signum, handler)
    while True:
        try:
            yield from proc.sleep(3600 * s)
        except InterruptedError:
            continue
        return seen


def unbinds(proc: bp.AixProc, _seen: int) -> Any:
    yield from proc.bindprocessor(bp.BINDPROCESS, proc.pid, bp.PROCESSOR_CLASS_ANY)


def stays(proc: bp.AixProc, _seen: int) -> Any:
    yield from proc.getpid()


def start(lpar: bp.Lpar, act: Callable[..., Any], signum: int, bind_id: int = 7) -> Any:
    process = lpar.popen(lambda proc: catcher(proc, act, signum, bind_id))
    lpar.sleep(0.001)
    return process


@pytest.mark.parametrize("change", ["remove", "smtctl"])
@pytest.mark.parametrize(("act", "done"), [(unbinds, True), (stays, False)])
def test_who_catches_sigreconfig_hears_of_it_three_times_and_may_act(
    lpar: bp.Lpar, change: str, act: Callable[..., Any], done: bool
) -> None:
    process = start(lpar, act, bp.SIGRECONFIG)
    out = lpar.dlpar_remove(core=1) if change == "remove" else lpar.smtctl(1)
    assert (out.failed, out.cause) == ((False, None) if done else (True, "bound_to_last"))
    assert reconfigures(lpar) == [process.pid] * 3
    assert process.wait() == 3


def test_who_neither_catches_it_nor_is_bound_hears_nothing_and_nobody_waits(lpar: bp.Lpar) -> None:
    lpar.idle_process()
    process = bound(lpar, 0)
    out = lpar.dlpar_remove(core=1)
    assert reconfigures(lpar) == [process.pid] * 3
    assert out.elapsed_ns == lpar.costs.syscall_ns


def test_sigreconfig_and_sigcpufail_do_nothing_to_who_does_not_catch_them(lpar: bp.Lpar) -> None:
    def program(proc: bp.AixProc) -> Any:
        yield from proc.kill(proc.pid, bp.SIGRECONFIG)
        yield from proc.kill(proc.pid, bp.SIGCPUFAIL)
        return 5

    assert lpar.popen(program).wait() == 5


def test_a_deallocation_waits_for_the_last_to_be_unbound(lpar: bp.Lpar) -> None:
    def after_a_while(proc: bp.AixProc, seen: int) -> Any:
        yield from proc.sleep(90 * s)
        yield from unbinds(proc, seen)

    process, other = start(lpar, after_a_while, bp.SIGCPUFAIL), bound(lpar, 5)
    out = lpar.deallocate(core=2)
    assert out.value == 0
    assert 90 * s <= out.elapsed_ns <= 91 * s
    assert [each.pid for each in lpar.trace.of_kind("signal")] == [process.pid]
    assert other.returncode is None
    assert online(lpar) == "0-3,6-7"


def test_a_deallocation_is_given_up_after_ten_minutes(lpar: bp.Lpar) -> None:
    start(lpar, stays, bp.SIGCPUFAIL)
    out = lpar.deallocate(core=2)
    assert (out.errno, out.cause) == (bp.Errno.EBUSY, "bound_to_last")
    assert 600 * s <= out.elapsed_ns <= 601 * s
    assert online(lpar) == "0-7"


def test_what_has_changed_meanwhile_counts(lpar: bp.Lpar) -> None:
    """While threads are waited for, the core fails: there is nothing left to deallocate."""
    bound(lpar, 7)
    lpar.inject(bp.CoreFails(core=2, at_ns=lpar.sim.now_ns + 10 * s))
    lpar.inject(bp.CoreFails(core=3, at_ns=lpar.sim.now_ns + 10 * s))
    out = lpar.deallocate(core=2)
    assert out.cause == "core_not_online"


# ------------------------------------------------------------------------- a core that fails


def test_work_of_a_core_that_fails_waits_until_it_is_back(lpar: bp.Lpar) -> None:
    rset = lpar.rset("2-3")

    def work(proc: bp.AixProc) -> Any:
        yield from proc.ra_attachrset(bp.R_PROCESS, bp.RS_MYSELF, rset)
        yield from proc.compute(10 * ms)

    process = lpar.popen(work)
    lpar.inject(bp.CoreFails(core=1, at_ns=4 * ms))
    with pytest.raises(bp.Deadlock, match=rf"pid {process.pid} .* waits in compute"):
        process.wait()
    assert lpar.partition.dispatcher.waiting == 1
    lpar.sleep(1)
    lpar.dlpar_add(core=1).check()
    assert process.wait() == 0
    assert lpar.sim.now_ns > 1 * s


def test_a_core_that_fails_asks_nobody(lpar: bp.Lpar) -> None:
    bound(lpar, 7)
    attached(lpar, "6-7")
    fault = lpar.inject(bp.CoreFails(core=3))
    assert (fault.fired, online(lpar)) == (True, "0-5")
    assert lpar.trace.of_kind("signal") == ()
    fault.cancel()
    assert online(lpar) == "0-7"


def test_a_core_may_fail_from_the_start() -> None:
    lpar = bp.Lpar(cores=2, cpu="POWER5", faults=[bp.CoreFails(core=0), bp.CoreFails(core=1, at_ns=5 * ms)])
    assert online(lpar) == "2-3"
    lpar.sleep(0.006)
    assert online(lpar) == ""


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (bp.CoreFails(core=4), "core: there is no core 4; cores are 0 to 3"),
        (bp.PowerOff(node=-1), "faults: a partition can have .*; PowerOff strikes a cluster"),
        (bp.MemoryFull(node=0), "node: a partition has one machine"),
    ],
    ids=repr,
)
def test_a_fault_that_cannot_strike_a_partition_is_a_mistake(lpar: bp.Lpar, fault: bp.CoreFails, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        lpar.inject(fault)


def test_a_core_of_a_cluster_does_not_fail() -> None:
    with pytest.raises(ValueError, match="CoreFails strikes a partition"):
        bp.Cluster(faults=[bp.CoreFails(core=0)])


def test_other_faults_strike_the_partitions_machine(lpar: bp.Lpar) -> None:
    lpar.machine.fs.write_file("/etc/data", b"x")
    lpar.inject(bp.IoError(node=bp.BPROC_NODE_MASTER, path="/etc/data"))
    lpar.inject(bp.MemoryFull(node=bp.BPROC_NODE_MASTER, free_bytes=7))
    assert lpar.machine.memory.free_bytes == 7
    assert lpar.execve("/etc/data").failed
