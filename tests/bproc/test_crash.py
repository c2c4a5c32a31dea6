"""Deaths: of every machine that takes part in a move, at every step and at any instant.

Nothing ever hangs: what a death leaves undecided is decided when somebody finds it out.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.units import ms, s
from tests.bproc.worlds import HELLO, MASTER, STEPS, Steps, assert_clean, assert_ordered, cluster, machines, steps

pytestmark = pytest.mark.slow  # many worlds, or interpreters of their own

STEP = bp.Step
PORTS = [pytest.param(0, id="port 0"), pytest.param(4000, id="a port")]


def launch(made: bp.Cluster, source: int, target: int, port: int) -> bp.Outcome:
    """Make the call from a process of the harness."""
    if port:
        return made.bproc_execmove_io(target, port, HELLO, from_node=source)
    return made.bproc_execmove(target, HELLO, from_node=source)


def assert_the_rest_works(made: bp.Cluster) -> None:
    """Assert that the machines that are left do what they always did."""
    up = alive(made)
    if made.bpmaster.running:
        for node in up:
            assert made.bproc_execmove(node, HELLO).exit_status == 3
        if len(up) > 1:
            assert made.bproc_execmove(up[1], HELLO, from_node=up[0]).stdout == b"out of node %d\n" % up[1] + (
                b"err of node %d\n" % up[1]
            )
    else:
        assert made.bproc_execmove(0, HELLO).cause == "no_master"
        assert made.bproc_execmove(up[0], HELLO, from_node=up[1]).signal == bp.SIGKILL
    assert_clean(made)


def alive(made: bp.Cluster) -> list[int]:
    """Give the slaves that have power and a master."""
    return [
        number for number in range(len(made.nodes)) if made.machine(number).alive and made.nodes[number].state == "up"
    ]


def assert_found_out_by_pings(elapsed_ns: int) -> None:
    assert 30 * s <= elapsed_ns <= 46 * s


# ---- exactly at a step ---------------------------------------------------------------------------------


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("source", [MASTER, 1])
@pytest.mark.parametrize("step", STEP, ids=lambda step: step.name)
def test_the_target_dies(step: bp.Step, source: int, port: int) -> None:
    made = cluster(faults=[bp.PowerOff(2, step=step)])
    out = launch(made, source, 2, port)
    if step.value <= STEP.RESPONSE.value:
        # The master has not heard of its arrival: the slave was lost on the way.
        assert (out.cause, out.exit_status, out.node) == ("slave_lost", 5, source)
        assert steps(made) == list(STEPS[: max(step.value, STEP.ROUTE.value)])
    else:
        # It is the slave's process, and goes down with it.
        assert (out.signal, out.cause) == (bp.SIGKILL, None)
        assert steps(made) == list(STEPS[: max(step.value, STEP.HANDOVER.value)])
    assert_found_out_by_pings(out.elapsed_ns)
    assert (out.stdout, out.stderr) == (b"", b"")
    assert made.nodes[2].state == "down"
    assert made.planned[0].fired
    assert_the_rest_works(made)


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize("target", [MASTER, 2])
@pytest.mark.parametrize("step", STEP, ids=lambda step: step.name)
def test_the_callers_slave_dies(step: bp.Step, target: int, port: int) -> None:
    made = cluster(faults=[bp.PowerOff(1, step=step)])
    out = launch(made, 1, target, port)
    if step.value <= (STEP.THAW if port else STEP.CONNECT_BACK).value:
        # It is needed until it has sent the image, and to be connected to; then the process is lost with it.
        assert (out.signal, out.cause) == (bp.SIGKILL, None)
        last = STEP.THAW if step.value > STEP.CONNECT_BACK.value else STEP.CONNECT_BACK
        assert steps(made) == list(STEPS[: step.value if step.value < STEP.ROUTE.value else last.value])
        assert out.elapsed_ns >= 30 * s
    else:
        # The process is on the target, and runs; its output has nowhere to go.
        missing = ["HANDOVER"] if step.value < STEP.HANDOVER.value else []
        assert steps(made) == [name for name in STEPS if name not in missing]
        assert (out.node, out.late_errno) == (target, None)
        if step is STEP.RUN:
            assert out.exit_status == 3
        else:
            assert isinstance(out.exception, ConnectionResetError)
    assert_the_rest_works(made)


@pytest.mark.parametrize("port", PORTS)
@pytest.mark.parametrize(("source", "target"), [(MASTER, 2), (1, 2), (1, MASTER)])
@pytest.mark.parametrize("step", STEP, ids=lambda step: step.name)
def test_the_master_dies(step: bp.Step, source: int, target: int, port: int) -> None:
    """What is on it goes down with it; the slaves find out by the pings that do not come, and kill theirs."""
    made = cluster(faults=[bp.PowerOff(MASTER, step=step)])
    out = launch(made, source, target, port)
    done = steps(made)
    assert done == list(STEPS[: len(done)])
    if source == MASTER:
        goes_on = STEP.RESPONSE if STEP.THAW.value < step.value < STEP.RESPONSE.value else step
    elif target == MASTER:
        goes_on = max(step, STEP.GHOST, key=lambda each: each.value)
    elif step.value < STEP.ROUTE.value:
        goes_on = STEP.GHOST
    else:
        goes_on = STEP.RESPONSE if STEP.ROUTE.value < step.value < STEP.RESPONSE.value else step
    if step is STEP.HANDOVER and source != MASTER and target != MASTER:
        goes_on = STEP.RUN  # the master is not needed any more
    assert done[-1] == goes_on.name
    if goes_on is STEP.RUN and target != MASTER:
        assert out.exit_status == 3  # before anybody found out
    else:
        assert out.signal == bp.SIGKILL
        on_it = source if step.value <= STEP.THAW.value else target
        assert out.elapsed_ns < 4 * ms if on_it == MASTER else 15 * s <= out.elapsed_ns <= 30 * s
    assert_the_rest_works(made)


@pytest.mark.parametrize(("edition", "status"), [("scyld", 5), ("lanl32", 47), ("bproc4", 47)])
def test_a14_what_a_lost_slave_leaves_by_edition(edition: str, status: int) -> None:
    made = cluster(edition=edition, faults=[bp.PowerOff(2, step=STEP.STREAM)])
    out = made.bproc_execmove(2, HELLO)
    assert (out.cause, out.exit_status) == ("slave_lost", status)


def test_a15_a_job_that_runs_on_a_node_that_dies_is_killed_for_its_parent() -> None:
    made = cluster(faults=[bp.PowerOff(2, at_ns=5 * ms)])
    assert made.bproc_execmove(2, "/usr/bin/stays").signal == bp.SIGKILL
    assert_found_out_by_pings(made.sim.now_ns)
    assert [(each.node, each.fault) for each in made.trace.of_kind("fault")] == [
        ("master", "bp.PowerOff(2, at_ns=5000000)")
    ]
    # Nobody on the node can tell: it is the ghost that ends, on the master.
    assert [(each.node, each.signal) for each in made.trace.of_kind("killed")] == [("master", "SIGKILL")]


def test_an_exit_that_the_master_does_not_hear_of_was_a_death_for_the_parent() -> None:
    """Cut off, the process ends well; but the master only sees its node lost."""
    made = cluster(faults=[bp.LinkCut(MASTER, 2, at_ns=4 * ms)])
    out = made.bproc_execmove(2, HELLO)
    assert [(each.node, each.status) for each in made.trace.of_kind("exit")] == [("node 2", 3)]
    assert (out.signal, out.exit_status) == (bp.SIGKILL, None)
    assert_found_out_by_pings(out.elapsed_ns)
    short = cluster(faults=[bp.LinkCut(MASTER, 2, at_ns=4 * ms, until_ns=1 * s)])
    assert short.bproc_execmove(2, HELLO).exit_status == 3


def test_a_death_at_a_step_strikes_once_and_only_those_who_take_part() -> None:
    made = cluster(faults=[bp.PowerOff(1, step=STEP.ROUTE), bp.PowerOff(2, step=STEP.STUB)])
    assert made.bproc_execmove(3, HELLO).exit_status == 3
    assert [planned.fired for planned in made.planned] == [False, False]
    assert made.bproc_execmove(2, HELLO, from_node=1).signal == bp.SIGKILL
    assert [planned.fired for planned in made.planned] == [True, True]
    made.sim.run()
    assert [made.nodes[number].state for number in (1, 2)] == ["down", "down"]
    assert_the_rest_works(made)


# ---- at any instant --------------------------------------------------------------------------------------


def family(source: int, target: int) -> Any:
    """Make a program that sends two children away, one of which has a child there, and waits for all."""

    def grandchild(proc: bp.Proc) -> Steps:
        yield from proc.sleep(3 * ms)
        yield from proc.write(1, b"grandchild\n")

    def busy(proc: bp.Proc) -> Steps:
        yield from proc.write(1, bytes(100_000))
        pid = yield from proc.fork(grandchild)
        yield from proc.waitpid(pid)
        return 5

    def child(proc: bp.BprocProc, cmd: str) -> Steps:
        yield from proc.bproc_execmove(target, cmd, [cmd], {})

    def parent(proc: bp.Proc) -> Steps:
        yield from proc.fork(child, "/usr/bin/busy")
        yield from proc.fork(child, HELLO)
        status = 0
        for _ in range(2):
            waited = yield from proc.wait()
            status |= waited.exit_status if waited.exit_status is not None else 64
        return status

    made = cluster(on="master,all")
    made.install("/usr/bin/busy", busy, on=source)
    made.install("/usr/bin/parent", parent, on=source)
    return made


WAYS = [(MASTER, 2), (1, 2), (1, MASTER)]
DURATIONS_NS = {way: family(*way).execve("/usr/bin/parent", from_node=way[0]).elapsed_ns for way in WAYS}


def test_the_family_comes_home_when_nothing_happens() -> None:
    for source, target in WAYS:
        made = family(source, target)
        out = made.execve("/usr/bin/parent", from_node=source)
        assert (out.exit_status, len(out.stdout)) == (
            5 | 3,
            100_000 + 11 + 28 if target != MASTER else 100_000 + 11 + 30,
        )
        assert_clean(made)


way = st.sampled_from(WAYS)
dying = st.sampled_from([MASTER, 1, 2])


@st.composite
def instants(draw: st.DrawFn, over: tuple[int, int]) -> int:
    """Draw an instant, mostly within the time that the family takes."""
    long = DURATIONS_NS[over]
    return draw(st.one_of(st.integers(1, long), st.integers(1, long), st.integers(long, long + 60 * s)))


def end_of(made: bp.Cluster, source: int) -> bp.Outcome:
    """Let the family run, then let all that is planned strike and be found out."""
    out = made.execve("/usr/bin/parent", from_node=source)
    made.sim.run()
    last_ns = max(getattr(planned.fault, "at_ns", 0) for planned in made.planned)
    if last_ns > made.sim.now_ns:
        made.sim.run(until_ns=last_ns)
        made.sim.run()
    assert_ordered(made)
    return out


@settings(max_examples=150)
@given(st.data())
@pytest.mark.slow
def test_any_machine_may_die_at_any_instant(data: st.DataObject) -> None:
    source, target = over = data.draw(way)
    kind = data.draw(st.sampled_from([bp.PowerOff, bp.Hang]))
    victims = data.draw(st.lists(dying, min_size=1, max_size=3, unique=True))
    made = family(source, target)
    for victim in victims:
        made.inject(kind(victim, at_ns=data.draw(instants(over))))
    out = end_of(made, source)
    assert out.signal in (None, bp.SIGKILL)
    if source not in victims and MASTER not in victims:
        assert out.exit_status in (8 - 1, 64, 64 | 3, 64 | 5, 69, 5)
    assert all(machine.alive == (machine.number not in victims) for machine in machines(made))
    assert_the_rest_works(made)


@settings(max_examples=80)
@given(st.data())
def test_the_masters_daemon_may_end_at_any_instant(data: st.DataObject) -> None:
    source, target = over = data.draw(way)
    made = family(source, target)
    at_ns = data.draw(instants(over))
    made.inject(bp.MasterDaemonExit(at_ns=at_ns))
    out = end_of(made, source)
    if at_ns < out.elapsed_ns or out.signal is not None:
        # Ghosts, and what is on the slaves; what never left the master lives.
        assert out.signal == (None if source == MASTER else bp.SIGKILL)
    assert_the_rest_works(made)


@settings(max_examples=80)
@given(st.data())
def test_a_link_may_be_cut_at_any_instant_and_mended_at_any_other(data: st.DataObject) -> None:
    source, target = over = data.draw(way)
    a, b = data.draw(st.sampled_from([(MASTER, 1), (2, MASTER), (1, 2)]))
    at_ns = data.draw(instants(over))
    length_ns = data.draw(st.one_of(st.none(), st.integers(1, 12 * s), st.integers(1, 300 * s)))
    made = family(source, target)
    made.inject(bp.LinkCut(a, b, at_ns=at_ns, until_ns=None if length_ns is None else at_ns + length_ns))
    out = end_of(made, source)
    if length_ns is not None and at_ns + length_ns > made.sim.now_ns:
        made.sim.run(until_ns=at_ns + length_ns)
    if length_ns is not None and length_ns < 14 * s:
        assert (out.exit_status, out.signal) == (7, None)
    assert_clean(made)
    assert made.bproc_execmove(3, HELLO).exit_status == 3


@settings(max_examples=80)
@given(st.data())
def test_the_administrator_may_set_a_node_down_at_any_instant(data: st.DataObject) -> None:
    """Everybody concerned hears of it at once."""
    source, target = over = data.draw(way)
    victim, at_ns = data.draw(st.sampled_from([1, 2])), data.draw(instants(over))
    made = family(source, target)
    made.sim.env.process(at(made, at_ns, lambda: made.nodes[victim].set_state("down")))
    out = made.execve("/usr/bin/parent", from_node=source)
    if at_ns < out.elapsed_ns:
        assert out.elapsed_ns < at_ns + DURATIONS_NS[over]
        assert out.signal == (bp.SIGKILL if victim == source else None)
        assert victim in (source, target) or out.exit_status == 7
    made.sim.run(until_ns=max(made.sim.now_ns, at_ns + 1))
    assert made.nodes[victim].state == "down"
    assert_the_rest_works(made)


@given(st.integers(1, 6 * ms), st.sampled_from([0, 4000]), st.sampled_from([0, 1, 2]))
def test_so_may_he_while_bad_news_is_on_its_way(at_ns: int, port: int, defect: int) -> None:
    """A move that fails and a node that is lost: it is the one or the other, and ends soon."""
    made = cluster(faults=[[bp.ConnectRefused(1, 4000)], [bp.MemoryFull(2)], []][defect])
    made.sim.env.process(at(made, at_ns, lambda: made.nodes[2].set_state("down")))
    out = launch(made, 1, 2, port)
    assert (out.cause, out.exit_status, out.signal) in [
        *[("connect_refused", 111, None)] * (defect == 0 and port > 0),
        *[("undump_out_of_memory", 12, None)] * (defect == 1),
        ("slave_lost", 5, None),
        ("node_down", 22, None),
        (None, None, bp.SIGKILL),
        (None, 3, None),
    ]
    assert out.elapsed_ns < 10 * ms
    made.sim.run(until_ns=7 * ms if made.sim.now_ns < 7 * ms else None)
    assert_the_rest_works(made)


def at(made: bp.Cluster, at_ns: int, act: Any) -> Any:
    """Act at an instant, from a process of the library's user."""
    yield made.sim.env.timeout(at_ns)
    act()


@pytest.mark.parametrize("dead", [MASTER, 2])
def test_a_machine_that_dies_says_nothing_not_even_that_it_is_the_end(dead: int) -> None:
    """Who reads from a process on it waits: until its own node gives up, or the pings find out."""
    ends = dict[str, Any]()

    def launcher(proc: bp.Proc) -> Steps:
        def child(inner: bp.BprocProc) -> Steps:
            yield from inner.bproc_execmove_io(2, 4000, "/usr/bin/cat", ["cat"], {})

        listening = yield from proc.socket()
        yield from proc.bind(listening, bp.Address("", 4000))
        yield from proc.listen(listening, 3)
        yield from proc.fork(child)
        out, _ = yield from proc.accept(listening)
        for _ in range(2):
            yield from proc.accept(listening)
        try:
            ends["read"] = yield from proc.read(out)
        except ConnectionResetError:
            ends["read"] = "reset"
        ends["read at"] = made.sim.now_ns
        ends["child"] = (yield from proc.wait()).signal

    made = cluster(faults=[bp.PowerOff(dead, at_ns=20 * ms)])
    made.install("/usr/bin/launcher", launcher)
    out = made.execve("/usr/bin/launcher")
    made.sim.run()
    if dead == 2:
        assert (out.exit_status, ends) == (0, {"read": "reset", "read at": 45 * s, "child": bp.SIGKILL})
    else:
        assert (out.signal, ends) == (bp.SIGKILL, {})
        (killed,) = [record for record in made.trace.of_kind("killed") if record.node == "node 2"]
        assert killed.at_ns == 30 * s
        assert not [record for record in made.trace.of_kind("read") if record.node == "node 2"]
    assert_the_rest_works(made)


@given(st.data())
@pytest.mark.slow
def test_slow_and_lossy_links_change_nothing_but_the_time(data: st.DataObject) -> None:
    source, target = over = data.draw(way)
    ends = st.sampled_from([(MASTER, 1), (MASTER, 2), (1, 2)])
    made = family(source, target)
    usual = made.execve("/usr/bin/parent", from_node=source)
    made = family(source, target)
    for _ in range(data.draw(st.integers(1, 3))):
        at_ns, (a, b) = data.draw(instants(over)), data.draw(ends)
        until_ns = data.draw(st.one_of(st.none(), st.integers(at_ns + 1, at_ns + 60 * ms)))
        slow = bp.SlowLink(a, b, data.draw(st.integers(1, 50)), at_ns=at_ns, until_ns=until_ns)
        lossy = bp.Loss(a, b, data.draw(st.floats(0, 0.9)), at_ns=at_ns, until_ns=until_ns)
        made.inject(data.draw(st.sampled_from([slow, lossy])))
    out = end_of(made, source)
    assert (out.exit_status, sorted(out.stdout)) == (7, sorted(usual.stdout))
    assert out.elapsed_ns >= usual.elapsed_ns
    assert_clean(made)


def test_a_program_may_switch_off_the_machine_that_it_is_on() -> None:
    seen = list[str]()

    def careless(proc: bp.Proc) -> Steps:
        made.inject(bp.PowerOff(proc.node, at_ns=0))
        seen.append("its last instant")
        yield from proc.sleep(1)
        seen.append("never")

    made = cluster()
    made.install("/usr/bin/careless", careless)
    assert made.bproc_execmove(2, "/usr/bin/careless").signal == bp.SIGKILL
    assert seen == ["its last instant"]
    assert_the_rest_works(made)


def test_a_child_that_is_being_born_on_a_lost_slave_leaves_no_number() -> None:
    """Its number was taken on the master while the answer was on its way."""

    def forks(proc: bp.Proc) -> Steps:
        yield from proc.fork(lambda inner: 0)

    for at_ns in range(4_600_000, 5_100_000, 20_000):
        made = cluster(faults=[bp.PowerOff(2, at_ns=at_ns)])
        made.install("/usr/bin/forks", forks)
        made.bproc_execmove(2, "/usr/bin/forks")
        made.sim.run(until_ns=60 * s)
        assert_the_rest_works(made)
