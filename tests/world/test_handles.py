"""Handles: machines, nodes and processes as users hold them."""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import MiB, ms, s

ALICE = bp.Credentials(500, 600)
BOB = bp.Credentials(501, 600)
CAROL = bp.Credentials(502, 700)


def nothing(proc: bp.Proc) -> None:
    pass


def sleeper(proc: bp.Proc) -> Any:
    yield from proc.sleep(1 * s)


@pytest.fixture
def cluster() -> bp.Cluster:
    made = bp.Cluster(nodes=300)
    made.install("/bin/nothing", nothing)
    made.install("/bin/sleeper", sleeper)
    return made


# ---- nodes ---------------------------------------------------------------------------------------


def test_nodes_are_a_sequence(cluster: bp.Cluster) -> None:
    nodes = cluster.nodes
    assert len(nodes) == 300
    assert nodes[7].number == 7
    assert [node.number for node in nodes[2:8:2]] == [2, 4, 6]
    assert [node.number for node in nodes][:3] == [0, 1, 2]
    assert nodes[7] == nodes[7]
    assert nodes[7] != nodes[8]
    assert nodes[7] != 7
    assert nodes[7] in nodes
    assert nodes.index(nodes[9]) == 9
    assert len({nodes[7], nodes[7], nodes[8]}) == 2
    assert repr(nodes) == "<300 nodes>"
    assert repr(nodes[7]) == "<node 7: up>"
    assert repr(cluster.master) == "<master>"


@pytest.mark.parametrize("index", [300, -1, -2, 10**9])
def test_a_node_that_is_not_there(cluster: bp.Cluster, index: int) -> None:
    """-1 is the master's number, not the last node."""
    with pytest.raises(IndexError, match=f"no node {index};"):
        cluster.nodes[index]


@pytest.mark.parametrize("index", ["0", None, 1.0, True])
def test_an_index_that_is_none(cluster: bp.Cluster, index: Any) -> None:
    with pytest.raises(TypeError, match="nodes: expected a node number or a slice"):
        cluster.nodes[index]


def test_names_and_addresses(cluster: bp.Cluster) -> None:
    assert (cluster.master.name, cluster.master.address) == ("master", "10.54.0.1")
    told = [(cluster.nodes[number].name, cluster.nodes[number].address) for number in (0, 1, 255, 256, 299)]
    assert told == [
        ("node 0", "10.54.1.0"),
        ("node 1", "10.54.1.1"),
        ("node 255", "10.54.1.255"),
        ("node 256", "10.54.2.0"),
        ("node 299", "10.54.2.43"),
    ]


def test_an_up_node_is_roots_and_open_to_all(cluster: bp.Cluster) -> None:
    node = cluster.nodes[1]
    assert (node.state, node.mode, node.uid, node.gid) == ("up", 0o111, 0, 0)
    assert cluster.bproc_execmove(1, "/bin/nothing", user=ALICE).exit_status == 0


@pytest.mark.parametrize(
    ("mode", "allowed"),
    [
        (0o111, "alice bob carol"), (0o000, ""), (0o100, "alice"), (0o010, "bob"), (0o001, "carol"),
        (0o110, "alice bob"), (0o777, "alice bob carol"), (0o666, ""), (0o101, "alice carol"),
    ],
)  # fmt: skip
def test_only_x_bits_say_who_may_move_there(cluster: bp.Cluster, mode: int, allowed: str) -> None:
    node = cluster.nodes[1]
    node.chown(500, 600)
    node.chmod(mode)
    assert (node.uid, node.gid, node.mode) == (500, 600, mode & 0o111)
    users = {"alice": ALICE, "bob": BOB, "carol": CAROL}
    outs = {name: cluster.bproc_execmove(1, "/bin/nothing", user=user) for name, user in users.items()}
    assert " ".join(name for name, out in outs.items() if out.exit_status == 0) == allowed
    assert {out.cause for out in outs.values()} <= {None, "node_not_permitted"}
    # Root needs one x bit, of anybody's.
    assert cluster.bproc_execmove(1, "/bin/nothing").exit_status == (0 if mode & 0o111 else 1)


@pytest.mark.parametrize("state", ["error", "unavailable"])
def test_states_that_leave_a_node_to_root(cluster: bp.Cluster, state: str) -> None:
    node = cluster.nodes[1]
    node.set_state(state)
    assert (node.state, node.mode) == (state, 0o100)
    assert cluster.bproc_execmove(1, "/bin/nothing").exit_status == 0
    assert cluster.bproc_execmove(1, "/bin/nothing", user=ALICE).exit_status == 1
    node.set_state("up")
    assert cluster.bproc_execmove(1, "/bin/nothing", user=ALICE).exit_status == 0


def test_a_node_that_is_set_down_is_down_at_once(cluster: bp.Cluster) -> None:
    started = cluster.popen(bp.program(lambda proc: (yield from proc.bproc_execmove(1, "/bin/sleeper", ["s"], {}))))
    cluster.sleep(0.1)
    assert started.node == 1
    before_ns = cluster.sim.now_ns
    cluster.nodes[1].set_state("down")
    assert (cluster.nodes[1].state, started.poll(), cluster.sim.now_ns) == ("down", -bp.SIGKILL, before_ns)
    assert cluster.bproc_execmove(1, "/bin/nothing").cause == "node_down"
    with pytest.raises(ValueError, match="name: a node that is down cannot be set 'up'"):
        cluster.nodes[1].set_state("up")
    cluster.nodes[1].set_state("down")  # it is already


def test_an_unknown_state_is_told_what_there_is(cluster: bp.Cluster) -> None:
    with pytest.raises(ValueError, match="name: there is no state 'on'; there are down, boot, up, error"):
        cluster.nodes[1].set_state("on")
    with pytest.raises(ValueError, match="name: a node that is up cannot be set 'boot'"):
        cluster.nodes[1].set_state("boot")


# ---- machines ------------------------------------------------------------------------------------


def test_processes_of_a_machine_and_ghosts_of_others(cluster: bp.Cluster) -> None:
    assert cluster.master.processes == {}
    here = cluster.popen(["sleeper"])
    away = cluster.popen(bp.program(lambda proc: (yield from proc.bproc_execmove(1, "/bin/sleeper", ["s"], {}))))
    cluster.sleep(0.1)
    assert list(cluster.nodes[1].processes) == [away.pid]
    assert list(cluster.master.processes) == [here.pid, away.pid]
    assert cluster.master.processes[here.pid] is here.process
    ghost = cluster.master.processes[away.pid]
    assert (ghost.pid, ghost.node, ghost.comm) == (away.pid, 1, b"sleeper")
    assert (type(ghost).__name__, here.node, away.node) == ("Ghost", -1, 1)
    cluster.sim.run()
    assert cluster.master.processes == cluster.nodes[1].processes == {}


def test_an_idle_process_is_one_of_its_machines(cluster: bp.Cluster) -> None:
    idle, other = cluster.idle_process(user=ALICE), cluster.idle_process(node=5)
    assert list(cluster.nodes[5].processes) == [other.pid]
    assert idle.pid in cluster.master.processes
    assert cluster.master.processes[idle.pid].credentials == ALICE


def test_memory(cluster: bp.Cluster) -> None:
    memory = cluster.nodes[1].memory
    assert (memory.total_bytes, memory.used_bytes, memory.free_bytes) == (512 * MiB, 0, 512 * MiB)
    with cluster.inject(bp.MemoryFull(node=1, free_bytes=MiB)):
        assert memory.free_bytes == MiB
    assert memory.free_bytes == 512 * MiB


def test_processors() -> None:
    cluster = bp.Cluster(nodes=[bp.NodeSpec(cores=2)])

    def works(proc: bp.Proc) -> Any:
        yield from proc.compute(10 * ms)

    def three(proc: bp.Proc) -> Any:
        for _ in range(3):
            yield from proc.fork(works)
        for _ in range(3):
            yield from proc.wait()

    cluster.install("/bin/three", three)
    processors = cluster.nodes[0].processors
    assert (processors.count, len(processors.running), processors.busy_ns) == (2, 0, 0)
    out = cluster.bproc_execmove(0, "/bin/three")
    assert processors.busy_ns == 30 * ms
    assert 20 * ms < out.elapsed_ns < 30 * ms  # three of them on two processors


def test_sockets(cluster: bp.Cluster) -> None:
    def server(proc: bp.Proc) -> Any:
        fd = yield from proc.socket()
        yield from proc.bind(fd, bp.Address("", 80))
        yield from proc.listen(fd)
        yield from proc.sleep(1 * s)

    cluster.popen(server)
    cluster.sleep(0.5)
    assert list(cluster.master.sockets.listeners) == [80]
    assert list(cluster.nodes[1].sockets.listeners) == []
    cluster.sim.run()
    assert list(cluster.master.sockets.listeners) == []


def test_looking_makes_no_process_and_takes_no_time(cluster: bp.Cluster) -> None:
    for machine in (cluster.master, *cluster.nodes[:3]):
        for name in ("fs", "processes", "processors", "memory", "sockets", "name", "address"):
            getattr(machine, name)
    assert cluster.sim.now_ns == 0
    assert cluster.bproc_execmove(1, "/bin/nothing").pid == 1001


# ---- processes -----------------------------------------------------------------------------------


def test_a_process_from_outside(cluster: bp.Cluster) -> None:
    idle = cluster.idle_process()
    assert isinstance(idle, bp.ProcessHandle)
    assert (idle.pid, idle.node, idle.returncode) == (1001, -1, None)
    assert repr(idle) == "<process 1001: alive>"
    cluster.bproc_execmove(2, "/bin/sleeper", caller=idle)
    assert (idle.node, idle.returncode) == (2, 0)
    assert repr(idle) == "<process 1001: 0>"


def test_what_popen_gives_is_a_process_too(cluster: bp.Cluster) -> None:
    started = cluster.popen(["sleeper"])
    assert isinstance(started, bp.ProcessHandle)
    assert (started.pid, started.node, started.returncode) == (1001, -1, None)


def test_ended_is_an_event(cluster: bp.Cluster) -> None:
    seen: list[Any] = []

    def watch(name: str, handle: bp.ProcessHandle) -> Any:
        seen.append((name, (yield handle.ended), cluster.sim.now_ns // s))

    one, two, idle = cluster.popen(["sleeper"]), cluster.popen(["sleeper"]), cluster.idle_process()
    assert one.ended is one.ended
    for name, handle in {"one": one, "two": two, "idle": idle}.items():
        cluster.sim.env.process(watch(name, handle))
    cluster.sleep(0.1)
    assert not one.ended.triggered
    two.kill()
    cluster.sim.run()
    assert seen == [("two", -bp.SIGKILL, 0), ("one", 0, 1)]
    cluster.execve("/bin/sleeper", caller=idle)
    cluster.sim.run()
    assert seen[2:] == [("idle", 0, 2)]


def test_ended_of_one_that_has_ended(cluster: bp.Cluster) -> None:
    started = cluster.popen(["nothing"])
    started.wait()
    assert started.ended.triggered
    assert started.ended.value == 0


def test_an_idle_process_can_be_killed(cluster: bp.Cluster) -> None:
    idle = cluster.idle_process()
    cluster.install("/bin/kill", bp.program(lambda proc: (yield from proc.kill(int(proc.argv[1]), bp.SIGTERM))))
    assert cluster.execve("/bin/kill", ["kill", str(idle.pid)]).exit_status == 0
    assert idle.returncode == -bp.SIGTERM
    assert idle.ended.value == -bp.SIGTERM
