"""States of nodes: which may follow which, who brings them about, and how a node comes back."""

from __future__ import annotations

from itertools import product
from typing import Any

import attrs
import pytest

import bprocsim as bp
from bprocsim.bproc.nodes import TRANSITIONS, Event, NodeState
from bprocsim.units import ms, s
from tests.bproc.worlds import HELLO, MASTER, Steps, assert_clean, cluster

COSTS = bp.costs["clustermatic-2002"]
CONNECTS_NS, BOOTS_NS, LEAVES_NS = COSTS.node_connect_ns, COSTS.node_up_ns, COSTS.node_shutdown_ns
MESSAGE_NS = 1 * ms  # more than one takes
STATES = [state.value for state in NodeState]

# From the manuals, by hand: what may follow each state, and on what.
SETTABLE = {"up", "error", "unavailable", "reboot", "halt", "pwroff", "down"}
BY_HAND: dict[str, dict[str, set[str]]] = {
    "down": {"connects": {"boot"}},
    "boot": {"node_up exits 0": {"up"}, "node_up fails": {"error"}, "lost": {"down"}, "set": SETTABLE},
    "up": {"lost": {"down"}, "set": SETTABLE},
    "error": {"lost": {"down"}, "set": SETTABLE},
    "unavailable": {"lost": {"down"}, "set": SETTABLE},
    "reboot": {"lost": {"down"}},
    "halt": {"lost": {"down"}},
    "pwroff": {"lost": {"down"}},
}
EVENTS = {
    "connects": Event.CONNECT,
    "node_up exits 0": Event.SCRIPT_OK,
    "node_up fails": Event.SCRIPT_FAILED,
    "lost": Event.LOST,
    "set": Event.SET,
}


def test_the_table_is_the_manuals() -> None:
    for state, (name, event) in product(NodeState, EVENTS.items()):
        follow = {each.value for each in TRANSITIONS.get((state, event), ())}
        assert follow == BY_HAND[state.value].get(name, set()), (state, name)


def in_state(state: str) -> bp.Cluster:
    """Build a cluster whose node 1 is in a state that lasts, or boots."""
    if state == "boot":
        made = bp.Cluster(boot="cold", trace="all")
        made.sim.run(until_ns=CONNECTS_NS + 1)
    else:
        made = bp.Cluster(trace="all")
        if state != "up":
            made.nodes[1].set_state(state)
    assert made.nodes[1].state == state
    return made


LASTING = ["up", "error", "unavailable", "down", "boot"]
RIGHTS = {"up": 0o111, "error": 0o100, "unavailable": 0o100, "down": 0, "boot": 0o100}


@pytest.mark.parametrize(("state", "then"), list(product(LASTING, STATES)))
def test_the_administrator_sets_what_may_follow(state: str, then: str) -> None:
    """From outside and by the call alike; who is sent away is down, by the call once the master has heard so."""
    made = in_state(state)
    node, allowed = made.nodes[1], then == state or then in BY_HAND[state].get("set", ())
    if allowed:
        node.set_state(then)
        after = "down" if then in ("reboot", "halt", "pwroff") else then
    else:
        with pytest.raises(ValueError, match=f"a node that is {state} cannot be set '{then}'"):
            node.set_state(then)
        after = state
    assert (node.state, node.mode) == (after, RIGHTS[after])

    made = in_state(state)
    out = made.bproc_setnodestatus(1, STATES_AS_NUMBERS[then])
    refused = not allowed or then == "boot" or state == "down"
    assert (out.failed, made.nodes[1].state) == (refused, state if refused else then)
    made.sleep(0.001)
    assert made.nodes[1].state == (state if refused else after)


STATES_AS_NUMBERS = {
    state: getattr(bp, f"bproc_node_{state}") for state in STATES
}  # fmt: skip


@pytest.mark.parametrize("state", LASTING)
@pytest.mark.parametrize("kind", [bp.PowerOff, bp.Hang, bp.LinkCut])
def test_whatever_state_a_silent_node_is_in_it_is_found(state: str, kind: Any) -> None:
    made = in_state(state)
    at_ns = made.sim.now_ns + 1
    made.inject(kind(MASTER, 1, at_ns=at_ns) if kind is bp.LinkCut else kind(1, at_ns=at_ns))
    made.sim.run(until_ns=at_ns + 45 * s)
    assert made.nodes[1].state == "down"


@pytest.mark.parametrize("order", ["reboot", "halt", "pwroff"])
def test_in_scyld_a_node_is_seen_to_leave(order: str) -> None:
    """It is in the state from the order until the master hears that its link is closed: a message there, one back."""
    made = cluster()
    made.user("alice", 500, 500)
    number = STATES_AS_NUMBERS[order]
    told: list[tuple[int, int | str, int]] = []

    def watch(proc: bp.BprocProc) -> Any:
        news = yield from proc.bproc_notifier()
        for _ in range(2):
            yield from proc.read(news)
            info = bp.BprocNodeInfo()
            yield from proc.bproc_nodeinfo(1, info)
            told.append((made.sim.now_ns, info.status, info.mode))

    def orders(proc: bp.BprocProc) -> Any:
        yield from proc.sleep(1 * s)
        yield from proc.bproc_setnodestatus(1, number)
        for status in (bp.bproc_node_up, number, bp.bproc_node_down):
            with pytest.raises(bp.CallError) as refused:
                yield from proc.bproc_setnodestatus(1, status)
            assert (refused.value.error.name, refused.value.cause) == ("EPERM", "node_down")
        assert (yield from proc.bproc_nodestatus(1)) == number
        with pytest.raises(PermissionError):
            yield from proc.bproc_access(1, bp.BPROC_X_OK)

    job = made.popen(["bpsh", "1", "sleep", "60"])
    watching = made.popen(watch)
    assert made.popen(orders).wait() == watching.wait() == 0
    assert job.wait() == 255
    (first_ns, status, mode), (then_ns, after, _) = told
    assert (status, mode, after) == (number, 0, bp.bproc_node_down)
    assert 0 < then_ns - first_ns < 2 * MESSAGE_NS
    sent = [record.message for record in made.trace.of_kind("message") if record.message.startswith("NODE_")]
    assert sent == [f"NODE_{order.upper()}"]
    made.sleep(20)
    assert made.nodes[1].state == ("up" if order == "reboot" else "down")
    assert made.machine(1).alive == (order == "reboot")


@pytest.mark.parametrize("after_ns", [1_000, 100_000, 150_000])
@pytest.mark.parametrize("fault", [bp.MasterDaemonExit, bp.PowerOff, bp.Hang])
def test_the_daemon_or_the_node_ends_while_it_leaves(fault: Any, after_ns: int) -> None:
    """Nobody is left waiting, and nothing runs on the node in the end."""
    made = cluster()
    job = made.popen(["bpsh", "1", "sleep", "60"])
    made.sleep(1)
    assert made.bproc_setnodestatus(1, bp.bproc_node_halt).value == 0
    at_ns = made.sim.now_ns + after_ns
    made.inject(fault(at_ns=at_ns) if fault is bp.MasterDaemonExit else fault(1, at_ns=at_ns))
    made.sleep(0.0001)
    assert made.nodes[1].state in ("halt", "down")
    assert job.wait() in (255, -bp.SIGKILL)
    made.sleep(100)
    assert not made.machine(1).processes
    assert not made.home.processes


@pytest.mark.parametrize("order", [bp.bproc_node_reboot, bp.bproc_node_halt, bp.bproc_node_pwroff])
def test_nobody_is_let_onto_a_node_that_leaves(order: int) -> None:
    made = cluster()
    assert made.bproc_setnodestatus(1, order).value == 0
    outcomes = [made.bproc_chmod(1, 0o111), made.bproc_chown(1, 500), made.bproc_chgrp(1, 500)]
    assert [(each.errno, each.cause) for each in outcomes] == [(bp.Errno.EPERM, "node_down")] * 3
    assert (made.nodes[1].mode, made.nodes[1].uid, made.nodes[1].gid) == (0, 0, 0)


def test_who_cannot_hear_the_order_is_in_the_state_until_his_silence_is_found() -> None:
    made = cluster(faults=[bp.Hang(1, at_ns=1)])
    assert made.bproc_setnodestatus(1, bp.bproc_node_reboot).value == 0
    made.sleep(29)
    assert (made.nodes[1].state, made.nodes[1].mode) == ("reboot", 0)
    made.sleep(16)
    assert made.nodes[1].state == "down"
    made.sleep(60)
    assert made.nodes[1].state == "down"


# ---- coming back -------------------------------------------------------------------------------------


def test_a_node_that_is_rebooted_comes_back() -> None:
    made = cluster()
    made.nodes[1].set_state("reboot")
    seen = [(record.at_ns, record.state) for record in made.trace.of_kind("node")]
    assert seen == [(0, "reboot"), (0, "down (reboot)")]
    returns_ns = LEAVES_NS + CONNECTS_NS
    for until_ns, state, alive in (
        (1, "down", True), (LEAVES_NS - 1, "down", True), (LEAVES_NS + 1, "down", False), (returns_ns, "down", False),
        (returns_ns + MESSAGE_NS, "boot", True), (returns_ns + BOOTS_NS, "boot", True),
        (returns_ns + BOOTS_NS + MESSAGE_NS, "up", True),
    ):  # fmt: skip
        made.sim.run(until_ns=until_ns)
        assert (made.nodes[1].state, made.machine(1).alive) == (state, alive), until_ns
    assert made.nodes[1].mode == 0o111
    assert made.bproc_execmove(1, HELLO).exit_status == 3
    assert_clean(made)


@pytest.mark.parametrize("state", ["halt", "pwroff"])
def test_one_that_is_halted_is_off_until_somebody_switches_it_on(state: str) -> None:
    made = cluster()
    made.nodes[1].set_state(state)
    made.sim.run(until_ns=1000 * s)
    assert (made.nodes[1].state, made.machine(1).alive) == ("down", False)
    made.nodes[1].boot()
    made.sim.run(until_ns=1010 * s)
    assert (made.nodes[1].state, made.bproc_execmove(1, HELLO).exit_status) == ("up", 3)


@pytest.mark.parametrize("how", ["set down", "power", "hang", "cut"])
def test_one_that_was_lost_is_booted_and_works_as_before(how: str) -> None:
    def stays(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_execmove(1, "/usr/bin/stays", ["stays"], {})

    made = cluster()
    processes = [made.popen(stays) for _ in range(3)]
    made.sim.run(until_ns=1 * s)
    assert len(made.machine(1).processes) == 3
    faults = {"power": bp.PowerOff(1, at_ns=2 * s), "hang": bp.Hang(1, at_ns=2 * s)}
    if how == "set down":
        made.nodes[1].set_state("down")
    else:
        made.inject(faults.get(how) or bp.LinkCut(MASTER, 1, at_ns=2 * s, until_ns=60 * s))
    made.sim.run(until_ns=61 * s)
    assert [each.poll() for each in processes] == [-9] * 3
    made.nodes[1].boot()
    made.sim.run(until_ns=70 * s)
    assert made.nodes[1].state == "up"
    machine = made.machine(1)
    assert (machine.alive, machine.processes, machine.memory.used_bytes, machine.files.used) == (True, {}, 0, 0)
    assert made.bproc_execmove(1, HELLO).stdout == b"out of node 1\nerr of node 1\n"
    assert made.bproc_execmove_io(2, 4000, HELLO, from_node=1).exit_status == 3
    made.inject(bp.Hang(1, at_ns=made.sim.now_ns + 1))
    made.sim.run(until_ns=made.sim.now_ns + 46 * s)
    assert made.nodes[1].state == "down"
    assert_clean(made)


def test_one_that_comes_back_before_it_is_missed_replaces_what_was_there() -> None:
    """Its master learns at once that all that ran there is over."""
    made = cluster(faults=[bp.PowerOff(1, at_ns=2 * s), bp.PowerOn(1, at_ns=5 * s)])

    def stays(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_execmove(1, "/usr/bin/stays", ["stays"], {})

    process = made.popen(stays)
    made.sim.run(until_ns=5 * s + CONNECTS_NS - 1)
    assert (made.nodes[1].state, process.poll()) == ("up", None)
    made.sim.run(until_ns=5 * s + CONNECTS_NS + MESSAGE_NS)
    assert (made.nodes[1].state, process.poll()) == ("boot", -9)
    made.sim.run(until_ns=60 * s)
    states = [record.state for record in made.trace.of_kind("node")]
    assert states == ["down (replaced)", "boot", "up"]
    assert made.bproc_execmove(1, HELLO).exit_status == 3
    assert_clean(made)


def test_a_move_on_its_way_to_a_node_that_comes_back_has_failed() -> None:
    for at_ns in range(1 * ms, 5 * ms, 700_000):
        made = cluster(faults=[bp.PowerOff(1, at_ns=at_ns), bp.PowerOn(1, at_ns=2 * s)])
        out = made.bproc_execmove(1, HELLO)
        assert out.cause == "slave_lost" or out.signal == bp.SIGKILL
        assert out.elapsed_ns <= 2 * s + CONNECTS_NS + MESSAGE_NS
        made.sim.run(until_ns=60 * s)
        assert made.bproc_execmove(1, HELLO).exit_status == 3
        assert_clean(made)


def test_a_script_that_fails_leaves_a_node_in_error() -> None:
    made = cluster(faults=[bp.NodeUpFails(1)])
    assert made.nodes[1].state == "up"  # it says nothing of one that is up
    made.nodes[1].set_state("reboot")
    made.sim.run(until_ns=60 * s)
    assert (made.nodes[1].state, made.nodes[1].mode) == ("error", 0o100)
    alice = made.user("alice", 500, 500)
    assert made.bproc_execmove(1, HELLO, user=alice).cause == "node_not_permitted"
    assert made.bproc_execmove(1, HELLO).exit_status == 3  # root may


def test_a_script_that_fails_at_a_cold_boot() -> None:
    with_fault = cluster(boot="cold", faults=[bp.NodeUpFails(1)])
    with_fault.sim.run(until_ns=60 * s)
    assert [node.state for node in with_fault.nodes] == ["up", "error", "up", "up"]
    states = [record.state for record in with_fault.trace.of_kind("node") if record.node == "node 1"]
    assert states == ["boot", "error"]


def test_what_interferes_with_a_boot() -> None:
    """Whatever comes last counts: power that goes, a second start, a state that is set."""
    made = cluster()
    one, two, three = made.nodes[1], made.nodes[2], made.nodes[3]
    for node in (one, two, three):
        node.set_state("reboot")
    made.inject(bp.PowerOff(1, at_ns=LEAVES_NS + 1 * s))
    made.sim.run(until_ns=LEAVES_NS + CONNECTS_NS + MESSAGE_NS)
    assert [node.state for node in (one, two, three)] == ["down", "boot", "boot"]
    two.set_state("unavailable")
    three.set_state("down")
    made.sim.run(until_ns=60 * s)
    assert [node.state for node in (one, two, three)] == ["down", "unavailable", "down"]
    for _ in range(3):
        one.boot()
    made.sim.run(until_ns=120 * s)
    states = [record.state for record in made.trace.of_kind("node") if record.node == "node 1"]
    assert states == ["reboot", "down (reboot)", "boot", "up"]


def test_who_has_power_and_is_up_is_not_switched_on() -> None:
    with pytest.raises(ValueError, match=r"boot: node 1 has power and is up; bproc_nodereboot reboots it"):
        cluster().nodes[1].boot()


def test_nobody_connects_to_a_master_that_is_gone() -> None:
    for fault in (bp.MasterDaemonExit(at_ns=1 * s), bp.PowerOff(MASTER, at_ns=1 * s)):
        made = cluster(faults=[fault])
        made.nodes[1].set_state("reboot")
        made.sim.run(until_ns=100 * s)
        assert made.nodes[1].state == "down"


def test_a_link_that_is_cut_keeps_a_node_from_connecting_until_it_is_mended() -> None:
    made = cluster(faults=[bp.LinkCut(MASTER, 1, at_ns=1 * s, until_ns=50 * s)])
    made.nodes[1].set_state("reboot")
    made.sim.run(until_ns=49 * s)
    assert made.nodes[1].state == "down"
    made.sim.run(until_ns=50 * s + BOOTS_NS + MESSAGE_NS)
    assert made.nodes[1].state == "up"


def test_a_boot_keeps_no_run_alive_but_whoever_waits_for_it_sees_it() -> None:
    made = cluster()
    made.nodes[1].set_state("reboot")
    made.sim.run()
    assert made.sim.now_ns < LEAVES_NS

    def waits(proc: bp.BprocProc) -> Steps:
        changes = yield from proc.bproc_notifier()
        while (yield from proc.bproc_nodestatus(1)) != bp.bproc_node_up:
            yield from proc.read(changes, 1)

    made.install("/usr/bin/waits", waits)
    assert made.execve("/usr/bin/waits").exit_status == 0
    assert made.nodes[1].state == "up"


def test_a_fault_that_is_undone_gives_power_back() -> None:
    made = cluster()
    with made.inject(bp.PowerOff(1, at_ns=1)):
        made.sim.run(until_ns=50 * s)
        assert made.nodes[1].state == "down"
    made.sim.run(until_ns=60 * s)
    assert made.nodes[1].state == "up"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bp.PowerOn(-1), "node: expected at least 0, got -1"),
        (lambda: bp.PowerOn(1, at_ns=-1), "at_ns: expected at least 0, got -1"),
        (lambda: bp.NodeUpFails(-1), "node: expected at least 0, got -1"),
    ],
)
def test_a_fault_that_cannot_be(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


# ---- library lists -----------------------------------------------------------------------------------


def test_each_machine_has_a_library_list_of_its_own() -> None:
    """What is on the sender's list goes by name; the list of a node that boots is made anew."""
    loader = "/lib64/ld-linux-x86-64.so.2"
    made = cluster(edition=attrs.evolve(bp.editions["scyld"], library_list=("/lib/usual.so",)))
    made.install("/usr/bin/dynamic", bp.program(needs=("libc.so.6",))(lambda proc: 0), on="all,master")
    made.nodes[2].fs.unlink(loader)
    assert made.bproc_execmove(2, "/usr/bin/dynamic").cause is None
    assert made.bproc_execmove(2, "/usr/bin/dynamic", from_node=1).cause is None
    made.nodes[1].library_list = [loader]
    assert made.bproc_execmove(2, "/usr/bin/dynamic").cause is None
    assert made.bproc_execmove(2, "/usr/bin/dynamic", from_node=1).cause == "loader_absent"
    assert made.bproc_execmove(3, "/usr/bin/dynamic", from_node=1).cause is None
    assert (made.master.library_list, made.nodes[1].library_list) == (("/lib/usual.so",), (loader,))
    made.master.library_list = (loader,)
    assert made.bproc_execmove(2, "/usr/bin/dynamic").cause == "loader_absent"
    made.nodes[1].set_state("reboot")
    made.sim.run(until_ns=60 * s)
    assert made.nodes[1].library_list == ("/lib/usual.so",)


@pytest.mark.parametrize("paths", ["/lib/a.so", ["a.so"], [b"/lib/a.so"]])
def test_what_is_no_library_list(paths: Any) -> None:
    with pytest.raises(TypeError, match="library_list: expected a list of absolute paths"):
        cluster().nodes[0].library_list = paths
    with pytest.raises(AttributeError, match="library_list"):
        bp.Lpar().machine.library_list  # noqa: B018
