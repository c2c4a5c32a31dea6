"""What faults do to moves, one kind after the other, and the handles by which they are called off."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.units import KiB, ms, s
from tests.bproc.worlds import HELLO, MASTER, Steps, assert_clean, cluster, steps

USUAL_NS = cluster().bproc_execmove(2, HELLO).elapsed_ns


def run_on(made: bp.Cluster, until_ns: int) -> None:
    """Let the world go on until an instant, if that is to come."""
    if until_ns > made.sim.now_ns:
        made.sim.run(until_ns=until_ns)


# ---- links -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_ns", [1, 1 * ms, 2 * ms, 3_400_000, 4 * ms, 5_600_000])
@pytest.mark.parametrize("ends", [(MASTER, 2), (2, MASTER)])
def test_a_short_cut_is_mended_and_the_move_goes_on(at_ns: int, ends: tuple[int, int]) -> None:
    made = cluster(faults=[bp.LinkCut(*ends, at_ns=at_ns, until_ns=10 * s)])
    out = made.bproc_execmove(2, HELLO)
    assert (out.exit_status, out.stdout) == (3, b"out of node 2\nerr of node 2\n")
    # What was on the wire when it was cut arrives; whoever had nothing more to send did not notice.
    assert out.elapsed_ns > 10 * s or out.elapsed_ns == USUAL_NS
    assert made.nodes[2].state == "up"
    run_on(made, 60 * s)
    assert made.bproc_execmove(2, HELLO).exit_status == 3
    assert_clean(made)


def test_what_waited_for_a_link_goes_on_once_it_is_mended() -> None:
    """And the steps that a message brings come as long after it as ever."""
    plain, made = cluster(), cluster(faults=[bp.LinkCut(1, MASTER, at_ns=1, until_ns=10 * s)])
    for each in (plain, made):
        assert each.bproc_execmove(2, HELLO, from_node=1).exit_status == 3
        assert_clean(each)
    (usual, late) = [
        {record.step: record.at_ns for record in each.trace.of_kind("step") if record.node == "master"}
        for each in (plain, made)
    ]
    first = next(iter(usual))
    assert late[first] > 10 * s
    took = [{step: at_ns - each[first] for step, at_ns in each.items()} for each in (usual, late)]
    assert took[0] == took[1]
    assert len(set(took[0].values())) > 1


@pytest.mark.parametrize("until_ns", [None, 100 * s])
def test_a_long_cut_loses_the_node_and_its_processes_are_killed_on_both_sides(until_ns: int | None) -> None:
    waited = list[Any]()

    def child(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_execmove(2, "/usr/bin/stays", ["stays"], {})

    def waits(proc: bp.Proc) -> Steps:
        yield from proc.fork(child)
        waited.append((yield from proc.wait()))
        waited.append(made.sim.now_ns)

    made = cluster(faults=[bp.LinkCut(MASTER, 2, at_ns=20 * ms, until_ns=until_ns)])
    made.install("/usr/bin/waits", waits)
    killed: list[int] = []
    made.sim.env.process(look(made, lambda: killed.append(made.sim.now_ns) if there(made) else None))
    assert made.execve("/usr/bin/waits").exit_status == 0
    assert (waited[0].signal, waited[1]) == (bp.SIGKILL, 45 * s)
    # The slave gives its master up when no ping has come for the timeout, some time before.
    assert 15 * s <= max(killed) <= 31 * s
    assert [(each.node, each.state) for each in made.trace.of_kind("node")] == [
        ("node 2", "without a master"),
        ("node 2", "down (ping timeout)"),
    ]
    run_on(made, 101 * s)
    assert made.bproc_execmove(2, HELLO).cause == "node_down"
    assert_clean(made)


def there(made: bp.Cluster) -> bool:
    """Tell whether something lives on node 2."""
    return any(process.alive for process in made.machine(2).processes.values())


def look(made: bp.Cluster, act: Any) -> Any:
    """Look every half second for a while."""
    for _ in range(100):
        yield made.sim.env.timeout(500 * ms)
        act()


def test_a_slave_that_has_given_its_master_up_is_down_once_the_cut_is_mended() -> None:
    """20 seconds are too short for the master, and too long for the slave, which heard its last ping at 0."""
    made = cluster(faults=[bp.LinkCut(MASTER, 2, at_ns=14 * s, until_ns=34 * s)])

    def long(proc: bp.Proc) -> Steps:
        yield from proc.sleep(100 * s)

    made.install("/usr/bin/long", long)
    out = made.bproc_execmove(2, "/usr/bin/long")
    assert (out.signal, out.elapsed_ns) == (bp.SIGKILL, 34 * s)
    assert made.nodes[2].state == "down"
    assert_clean(made)


@pytest.mark.parametrize("port", [0, 4000])
def test_a_cut_between_two_slaves_is_tcps_to_find_out(port: int) -> None:
    """The image does not arrive, or a connection is not answered: ETIMEDOUT; the nodes stay up."""
    for at_ns in (1 * ms, 1_600_000, 3_500_000):
        made = cluster(faults=[bp.LinkCut(1, 2, at_ns=at_ns)])
        out = made.bproc_execmove_io(2, port, HELLO, from_node=1, listen=port != 0)
        if port or at_ns < 1_500_000:
            assert (out.cause, out.exit_status) == ("connect_timed_out", 110)
            assert out.elapsed_ns > 189 * s
        else:
            assert out.node == 2  # the image was on the wire; its output went nowhere
        assert [node.state for node in made.nodes] == ["up"] * 4
        made.sim.run()
        assert_clean(made)


def test_a_short_cut_between_two_slaves_only_delays() -> None:
    for at_ns in range(1, 6_000_000, 500_000):
        made = cluster(faults=[bp.LinkCut(1, 2, at_ns=at_ns, until_ns=60 * s)])
        assert made.bproc_execmove_io(2, 4000, HELLO, from_node=1).stderr == b"err of node 2\n"
        run_on(made, 61 * s)
        assert_clean(made)


def test_a_slow_link_takes_as_many_times_as_long_while_it_lasts() -> None:
    def stream_ns(*faults: Any) -> int:
        made = cluster(faults=faults)
        made.install("/usr/bin/big", lambda proc: 0, image=big_image())
        assert made.bproc_execmove(2, "/usr/bin/big").exit_status == 0
        at = {record.step: record.at_ns for record in made.trace.of_kind("step")}
        return int(at["STREAM"] - at["CONNECT_BACK"])

    usual = stream_ns()
    assert stream_ns(bp.SlowLink(MASTER, 2, 10)) == pytest.approx(10 * usual, rel=0.01)
    assert stream_ns(bp.SlowLink(2, MASTER, 10)) == pytest.approx(10 * usual, rel=0.01)
    assert stream_ns(bp.SlowLink(MASTER, 2, 2), bp.SlowLink(MASTER, 2, 3)) == pytest.approx(6 * usual, rel=0.01)
    assert stream_ns(bp.SlowLink(MASTER, 1, 10)) == usual
    assert stream_ns(bp.SlowLink(MASTER, 2, 10, until_ns=1)) == usual
    over = stream_ns(bp.SlowLink(MASTER, 2, 10, at_ns=1, until_ns=100 * ms))
    assert usual < over < 10 * usual


def big_image() -> bytes:
    """Give a static image of some 700 KiB."""
    plain = bp.ElfImage(machine=62, bits=64, byteorder="little").to_bytes()
    return plain + bytes(range(1, 256)) * 3000


def test_losses_only_delay_and_end_with_their_windows() -> None:
    made = cluster(
        faults=[bp.Loss(MASTER, 2, 0.5, until_ns=50 * s), bp.Loss(MASTER, 2, 0.5, at_ns=20 * s, until_ns=30 * s)]
    )
    link = made.machine(2).network.link(made.machine(-1), made.machine(2))
    seen = []
    for until_ns in (1 * s, 25 * s, 35 * s, 51 * s):
        run_on(made, until_ns)
        seen.append(link.loss)
    assert seen == [0.5, 0.75, 0.5, 0.0]
    assert made.bproc_execmove(2, HELLO).elapsed_ns == USUAL_NS


# ---- machines ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [bp.PowerOff, bp.Hang])
def test_a_node_that_goes_silent_counts_as_up_until_the_pings_find_out(kind: Any) -> None:
    for at_ns in (1, 1 * ms, 7 * s, 15 * s, 29 * s):
        made = cluster(faults=[kind(2, at_ns=at_ns)])
        run_on(made, at_ns + 1)
        assert made.nodes[2].state == "up"
        out = made.bproc_execmove(2, HELLO)
        assert (out.cause, out.exit_status) == ("slave_lost", 5)
        assert 30 * s <= made.sim.now_ns - at_ns <= 45 * s + ms
        assert made.nodes[2].state == "down"
        assert made.bproc_execmove(2, HELLO).cause == "node_down"


def test_a_node_without_power_from_the_beginning_never_connected() -> None:
    for faults in ([bp.PowerOff(2)], [bp.PowerOff(2, at_ns=0)]):
        made = cluster(faults=faults)
        assert made.nodes[2].state == "down"
        out = made.bproc_execmove(2, HELLO)
        assert (out.cause, out.exit_status) == ("node_down", 22)
    hung = cluster(faults=[bp.Hang(2)])
    assert hung.nodes[2].state == "up"
    assert hung.bproc_execmove(2, HELLO).cause == "slave_lost"


def test_a_node_that_is_off_does_not_boot() -> None:
    made = cluster(boot="cold", faults=[bp.PowerOff(1), bp.PowerOff(2, at_ns=1 * s), bp.PowerOff(3, at_ns=4 * s)])
    assert [node.state for node in made.nodes] == ["down"] * 4
    run_on(made, 5 * s)
    assert [node.state for node in made.nodes] == ["up", "down", "down", "boot"]
    run_on(made, 60 * s)
    assert [node.state for node in made.nodes] == ["up", "down", "down", "down"]


def test_the_ping_timeout_is_the_editions() -> None:
    quick = attrs.evolve(bp.editions["scyld"], ping_timeout_ns=4 * s)
    made = cluster(edition=quick, faults=[bp.PowerOff(2, at_ns=9 * s)])
    run_on(made, 9 * s)
    made.sim.run()
    assert made.nodes[2].state == "down"
    assert 13 * s <= made.sim.now_ns <= 15 * s


def test_a_fault_strikes_neither_the_harness_nor_what_is_asked_at_the_same_instant_too_late() -> None:
    """It is in force before any call made at its instant; the call's own process is not struck."""
    made = cluster()
    run_on(made, 5 * ms)
    made.inject(bp.PowerOff(2, at_ns=5 * ms))
    made.inject(bp.MasterDaemonExit(at_ns=1 * ms))
    assert made.bproc_execmove(2, HELLO).cause == "no_master"
    planned = cluster(faults=[bp.MasterDaemonExit(at_ns=5 * ms)])
    caller = planned.idle_process()
    on_slave = planned.idle_process(node=1)
    run_on(planned, 5 * ms)
    assert planned.bproc_execmove(2, HELLO, caller=caller).cause == "no_master"
    assert caller.returncode is None
    assert planned.bproc_execmove(2, "/no/such", caller=on_slave).errno is bp.Errno.ENOENT
    assert planned.bproc_execmove(2, HELLO, caller=on_slave).signal == bp.SIGKILL


def test_nobody_can_leave_a_machine_that_is_off() -> None:
    for fault in (bp.PowerOff(1), bp.Hang(1)):
        with pytest.raises(ValueError, match="from_node: node 1 is down"):
            cluster(faults=[fault]).bproc_execmove(2, HELLO, from_node=1)
    made = cluster()
    caller = made.idle_process(node=1)
    made.nodes[1].set_state("down")
    with pytest.raises(ValueError, match="caller"):
        made.bproc_execmove(2, HELLO, caller=caller)
    made = cluster(faults=[bp.PowerOff(MASTER)])
    assert made.bproc_execmove(2, HELLO).cause == "no_master"
    assert made.bproc_execmove(2, HELLO, from_node=1).signal == bp.SIGKILL
    assert made.bproc_execmove(2, "/no/such", from_node=1).errno is bp.Errno.ENOENT


def test_the_daemons_end_kills_all_that_is_away_and_nothing_else() -> None:
    """A34: and whoever calls later finds no master."""
    waited = list[Any]()

    def child(proc: bp.BprocProc, node: int) -> Steps:
        yield from proc.bproc_execmove(node, "/usr/bin/stays", ["stays"], {})

    def waits(proc: bp.Proc) -> Steps:
        for node in (0, 1, 2):
            yield from proc.fork(child, node)
        for _ in range(3):
            waited.append((yield from proc.wait()).signal)
        rc = yield from proc.libc.bproc_execmove(0, HELLO, ["hello"], {})
        waited.append((rc, proc.libc.errno))
        return 6

    for edition, errno in (("scyld", 16), ("lanl32", 16), ("bproc4", 38)):
        waited.clear()
        made = cluster(edition=edition, faults=[bp.MasterDaemonExit(at_ns=20 * ms)])
        made.install("/usr/bin/waits", waits)
        assert made.execve("/usr/bin/waits").exit_status == 6
        assert waited == [bp.SIGKILL] * 3 + [(-1, errno)]
        assert_clean(made)


def test_no_memory_on_the_caller_is_returned_and_on_the_target_it_is_an_exit() -> None:
    made = cluster()
    with made.inject(bp.MemoryFull(MASTER, 4 * KiB)):
        assert made.bproc_execmove(2, HELLO).errno is bp.Errno.ENOMEM
    with made.inject(bp.MemoryFull(2, 4 * KiB)):
        assert made.bproc_execmove(2, HELLO).exit_status == 12
    assert made.bproc_execmove(2, HELLO).exit_status == 3


def test_a_port_may_refuse_though_somebody_listens() -> None:
    made = cluster()
    with made.inject(bp.ConnectRefused(MASTER, 4000)):
        out = made.bproc_execmove_io(2, 4000, HELLO)
        assert (out.cause, out.exit_status, out.late_errno) == ("connect_refused", 111, bp.Errno.ECONNREFUSED)
        assert made.bproc_execmove_io(2, 4001, HELLO).exit_status == 3
        assert made.bproc_execmove_io(2, 4000 + 65536, HELLO).exit_status == 111
    assert made.bproc_execmove_io(2, 4000, HELLO).exit_status == 3
    assert_clean(made)


def test_the_file_table_of_the_callers_node_counts_and_that_of_the_target_does_not() -> None:
    made = cluster()
    with made.inject(bp.OpenFileLimit(MASTER, 0)):
        assert made.bproc_execmove(2, HELLO).errno is bp.Errno.ENFILE
    with made.inject(bp.OpenFileLimit(2, 0)):
        assert made.bproc_execmove(2, HELLO).exit_status == 3
    assert made.bproc_execmove(2, HELLO).exit_status == 3


def test_a_bad_sector_concerns_its_own_node() -> None:
    made = cluster()
    with made.inject(bp.IoError(2, HELLO)), made.inject(bp.IoError(1, HELLO)), made.inject(bp.IoError(1, HELLO)):
        assert made.bproc_execmove(2, HELLO).exit_status == 3
        assert made.bproc_execmove(2, HELLO, from_node=1).errno is bp.Errno.EIO
    assert made.bproc_execmove(2, HELLO, from_node=1).exit_status == 3


@pytest.mark.parametrize("step", [bp.Step.STUB, bp.Step.THAW])
def test_who_is_on_his_way_to_a_node_that_died_waits_for_its_answer(step: bp.Step) -> None:
    def goes(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(2)

    made = cluster(faults=[bp.PowerOff(2, step=step)])
    going = made.popen(goes)
    made.sim.run(until_ns=1 * s)
    (line,) = made.sim.waiting()
    assert f"pid {going.pid} (goes) on " in line
    assert " waits in an answer from node 2 since " in line


# ---- handles -----------------------------------------------------------------------------------------


def test_a_planned_fault_can_be_called_off() -> None:
    made = cluster(strict_faults=True)
    planned = made.inject(bp.PowerOff(2, at_ns=1 * ms))
    at_step = made.inject(bp.PowerOff(2, step=bp.Step.STUB))
    assert (planned.fired, at_step.fired) == (False, False)
    assert "planned" in repr(planned)
    planned.cancel()
    at_step.cancel()
    assert made.bproc_execmove(2, HELLO).exit_status == 3
    assert (planned.fired, at_step.fired) == (False, False)
    assert "called off" in repr(planned)
    made.sim.run()  # what was called off is not missed


def test_a_fault_can_be_undone_where_that_makes_sense() -> None:
    made = cluster()
    with made.inject(bp.LinkCut(MASTER, 2)) as cut:
        assert cut.fired
        assert "struck" in repr(cut)
    assert made.bproc_execmove(2, HELLO).elapsed_ns == USUAL_NS
    assert made.nodes[2].state == "up"
    with made.inject(bp.LibraryMissing(2, "libc.so.6")):
        assert made.machine(2).hides(b"libc.so.6")
    assert not made.machine(2).hides(b"libc.so.6")
    cut.cancel()  # a second time it does nothing


def test_two_faults_of_one_kind_end_each_on_its_own() -> None:
    made = cluster()
    free, files = made.master.memory.free_bytes, made.machine(MASTER).files.free
    one, two = made.inject(bp.MemoryFull(MASTER, 100)), made.inject(bp.MemoryFull(MASTER, 10))
    three, four = made.inject(bp.OpenFileLimit(MASTER, 9)), made.inject(bp.OpenFileLimit(MASTER, 4))
    cut, other = made.inject(bp.LinkCut(MASTER, 2)), made.inject(bp.LinkCut(2, MASTER))
    assert (made.master.memory.free_bytes, made.machine(MASTER).files.free) == (10, 4)
    for planned in (one, three, cut):
        planned.cancel()
    assert made.machine(MASTER).network.link(made.machine(MASTER), made.machine(2)).cuts == 1
    for planned in (two, four, other):
        planned.cancel()
    assert (made.master.memory.free_bytes, made.machine(MASTER).files.free) == (free, files)
    assert made.bproc_execmove(2, HELLO).elapsed_ns == USUAL_NS


def test_a_run_fails_whose_planned_fault_never_struck_if_that_is_asked_for() -> None:
    made = cluster(strict_faults=True, faults=[bp.PowerOff(2, step=bp.Step.THAW)])
    assert made.bproc_execmove(1, HELLO).exit_status == 3
    with pytest.raises(AssertionError, match=r"PowerOff\(2"):
        made.sim.run()
    assert made.bproc_execmove(2, HELLO).cause == "slave_lost"
    made.sim.run()


bad: Any = bp  # whose arguments no type checker looks at

BAD: list[tuple[Any, type[Exception], str]] = [
    (lambda: bad.PowerOff(2, at_ns=1, step=bp.Step.THAW), ValueError, "at_ns, step"),
    (lambda: bad.PowerOff("2"), TypeError, "node"),
    (lambda: bad.PowerOff(-2), ValueError, "node"),
    (lambda: bad.PowerOff(2, at_ns=-1), ValueError, "at_ns"),
    (lambda: bad.PowerOff(2, at_ns=1.5), TypeError, "at_ns"),
    (lambda: bad.PowerOff(2, step="THAW"), TypeError, "step"),
    (lambda: bad.Hang(True), TypeError, "node"),
    (lambda: bad.LinkCut(0, 1, at_ns=5, until_ns=5), ValueError, "until_ns"),
    (lambda: bad.LinkCut(2, 2), ValueError, "a, b"),
    (lambda: bad.SlowLink(0, 1, 0), ValueError, "times"),
    (lambda: bad.SlowLink(0, 1, at_ns=2, until_ns=1), ValueError, "until_ns"),
    (lambda: bad.Loss(0, 1, at_ns=2, until_ns=2), ValueError, "until_ns"),
    (lambda: bad.Loss(0, 1, 1.0), ValueError, "probability"),
    (lambda: bad.Loss(0, 1, -0.1), ValueError, "probability"),
    (lambda: bad.MemoryFull(0, -1), ValueError, "free_bytes"),
    (lambda: bad.OpenFileLimit(0, -1), ValueError, "files"),
    (lambda: bad.ConnectRefused(0, 65536), ValueError, "port"),
    (lambda: bad.IoError(0, 5), TypeError, "path"),
    (lambda: bad.LibraryMissing(0, b"libc"), TypeError, "name"),
    (lambda: cluster(faults=[bp.PowerOff(4)]), ValueError, "node: there is no node 4"),
    (lambda: cluster(faults=[bp.LinkCut(0, 9)]), ValueError, "b: there is no node 9"),
    (lambda: cluster(faults=["PowerOff"]), TypeError, "faults"),
]


@pytest.mark.parametrize(("make", "kind", "says"), BAD, ids=range(len(BAD)))
def test_a_fault_that_makes_no_sense_is_refused_by_the_name_of_its_argument(make: Any, kind: Any, says: str) -> None:
    with pytest.raises(kind, match=says):
        make()


# ---- all at once -------------------------------------------------------------------------------------

node = st.integers(-1, 3)
instant = st.one_of(st.integers(0, 8 * ms), st.integers(0, 60 * s))
two = st.permutations(range(-1, 4)).map(lambda nodes: nodes[:2])
end = st.one_of(st.none(), st.integers(60 * s + 1, 200 * s))
faults = st.one_of(
    st.builds(bp.PowerOff, node, instant),
    st.builds(bp.PowerOff, node, step=st.sampled_from(bp.Step)),
    st.builds(bp.Hang, node, instant),
    st.builds(lambda ends, *rest: bp.LinkCut(*ends, *rest), two, instant, end),
    st.builds(lambda ends, *rest: bp.SlowLink(*ends, *rest), two, st.integers(1, 9), instant, end),
    st.builds(lambda ends, *rest: bp.Loss(*ends, *rest), two, st.floats(0, 0.9), instant, end),
    st.builds(bp.MasterDaemonExit, instant),
    st.builds(bp.MemoryFull, node, st.integers(0, 100 * KiB), instant),
    st.builds(bp.OpenFileLimit, node, st.integers(0, 4), instant),
    st.builds(bp.ConnectRefused, node, st.just(4000), instant),
    st.builds(bp.IoError, node, st.sampled_from([HELLO, "/usr/bin", "/lib/libc.so.6"]), instant),
    st.builds(bp.LibraryMissing, node, st.just("libc.so.6"), instant),
)
calls = st.tuples(st.integers(-2, 4), node, st.sampled_from([0, 4000, -1]), st.booleans())


def test_the_iod_goes_with_its_daemon_though_the_node_behind_it_is_silent() -> None:
    """Nobody would find out any more that the node is lost, and its output is at an end."""
    made = cluster()
    made.bproc_execmove(1, HELLO)
    ran_ns = next(each.at_ns for each in made.trace.of_kind("step") if each.step == "RUN")
    made = cluster(faults=[bp.PowerOff(1, ran_ns + 1), bp.MasterDaemonExit(ran_ns + 1000)])
    out = made.bproc_execmove(1, HELLO)
    assert (out.signal, out.stdout) == (bp.SIGKILL, b"")
    made.sim.run()


@settings(max_examples=200)
@given(st.lists(faults, max_size=5), st.lists(calls, min_size=1, max_size=3))
@pytest.mark.slow
def test_whatever_goes_wrong_every_call_ends_in_something_documented(planned: list[Any], made_calls: list[Any]) -> None:
    """No exception, nothing left behind on machines that live, and never a step out of order."""
    made = cluster(faults=planned)
    for target, source, port, linked in made_calls:
        if linked:
            made.install("/usr/bin/linked", bp.program(needs=("libc.so.6",))(say_hello), on="master,all")
        cmd = "/usr/bin/linked" if linked else HELLO
        seen = len(steps(made))
        try:
            out = made.bproc_execmove_io(target, port, cmd, from_node=source, listen=port == 4000)
        except ValueError:
            assert not made.machine(source).alive or made.nodes[source].state == "down"
            continue  # nobody is there to make a call
        documented = {row.errno for row in made.bpmaster.execmove_errors.rows}
        assert out.errno is None or out.errno in documented
        assert out.errno is not None or out.late_errno in documented or out.late_errno is None
        assert out.signal in (None, bp.SIGKILL, bp.SIGPIPE)
        passed = [name for name in bp.Step.__members__ if name in steps(made)[seen:]]
        assert steps(made)[seen:] == passed
    made.sim.run()
    run_on(made, 400 * s)
    assert_clean(made)


def say_hello(proc: bp.Proc) -> Steps:
    """Write a little."""
    yield from proc.write(1, b"hello")
    yield from proc.write(2, b"there")
