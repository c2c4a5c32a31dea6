"""Building worlds: what is asked for is there, and what is wrong is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

import bprocsim as bp
from bprocsim.units import MiB, ms, s

NODE = bp.NodeSpec()


def simulation(**arguments: Any) -> bp.Simulation:
    return bp.Simulation(**arguments)


def cluster(**arguments: Any) -> bp.Cluster:
    return bp.Cluster(**arguments)


def in_a_simulation(**arguments: Any) -> bp.Cluster:
    return bp.Cluster(sim=bp.Simulation(), **arguments)


def node_spec(**arguments: Any) -> bp.NodeSpec:
    return bp.NodeSpec(**arguments)


def user(**arguments: Any) -> bp.User:
    return bp.Cluster().user(**{"name": "alice", "uid": 500, "gid": 500, **arguments})


def credentials(**arguments: Any) -> bp.Credentials:
    return bp.Credentials(**{"uid": 500, "gid": 500, **arguments})


def install(**arguments: Any) -> Any:
    return bp.Cluster(nodes=2).install(**{"path": "/bin/x", "program": do_nothing, **arguments})


def idle(**arguments: Any) -> bp.ProcessHandle:
    return bp.Cluster(nodes=2).idle_process(**arguments)


def program(**arguments: Any) -> Any:
    return bp.program(**arguments)


def sleep(**arguments: Any) -> None:
    bp.Cluster().sleep(**arguments)


def run(**arguments: Any) -> None:
    world = bp.Simulation()
    world.run(until_ns=5)
    world.run(**arguments)


def costs(**arguments: Any) -> bp.Costs:
    return attrs.evolve(bp.costs["clustermatic-2002"], **arguments)


def edition(**arguments: Any) -> bp.Edition:
    return attrs.evolve(bp.editions["scyld"], **arguments)


def chmod(**arguments: Any) -> None:
    bp.Cluster().nodes[0].chmod(**arguments)


def chown(**arguments: Any) -> None:
    bp.Cluster().nodes[0].chown(**{"uid": 1, "gid": 1, **arguments})


def set_state(**arguments: Any) -> None:
    bp.Cluster().nodes[0].set_state(**arguments)


def do_nothing(proc: bp.Proc) -> None:
    pass


def the_same(*makers: Callable[..., Any], **values: Any) -> list[tuple[Callable[..., Any], str, Any, type[Exception]]]:
    """Rows for an argument that several things take alike: kinds of errors, and values that cause them."""
    (argument, wrong), *kinds = values.items()
    assert not kinds
    return [(maker, argument, value, error) for maker in makers for error, given in wrong.items() for value in given]


# Who is built, which argument is wrong and how, and what that is: a wrong kind of thing, or a wrong one of its kind.
WRONG: list[tuple[Callable[..., Any], str, Any, type[Exception]]] = [
    *the_same(simulation, cluster, seed={TypeError: [None, "7", 1.0, True]}),
    *the_same(simulation, cluster, trace={ValueError: ["", "some", "ALL", None, True, 1]}),
    *the_same(simulation, cluster, trace_limit={TypeError: ["5", 5.0, True, [5]], ValueError: [0, -1]}),
    *the_same(simulation, cluster, strict={TypeError: [None, 1, "yes"]}),
    *the_same(simulation, cluster, strict_faults={TypeError: [None, 0, "no"]}),
    *the_same(simulation, cluster, max_events={TypeError: [None, "1", 1e6, True], ValueError: [0, -5]}),
    *the_same(simulation, cluster, order={ValueError: ["", "FIFO", None, True, 1, ["fifo"]]}),
    *the_same(simulation, cluster, seeed={TypeError: [1]}),
    *the_same(simulation, nodes={TypeError: [4]}),
    *the_same(cluster, in_a_simulation, nodes={TypeError: [None, True, False, 4.0, "4", b"4", b"", {0: NODE}, {NODE}]}),
    *the_same(
        cluster, nodes={ValueError: [-1, -1000], TypeError: [[1], ["i386"], [NODE, None], (NODE, 2), [NODE, NODE, {}]]}
    ),
    *the_same(
        cluster, in_a_simulation, edition={ValueError: ["", "Scyld", "bproc5"], TypeError: [None, 4, bp.costs, NODE]}
    ),
    *the_same(cluster, kernel={ValueError: ["", "linux", "2.4"], TypeError: [None, 2.4, bp.editions["scyld"]]}),
    *the_same(cluster, costs={ValueError: ["", "free"], TypeError: [None, 0, {}, bp.editions["scyld"]]}),
    *the_same(cluster, boot={ValueError: ["", "down", None, True, 1]}),
    *the_same(cluster, master={TypeError: [1, "i386", {}, [NODE]]}),
    *the_same(
        cluster, faults={TypeError: [None, 5, bp.PowerOff(node=1), "PowerOff", [None], ["PowerOff"], [bp.PowerOff]]}
    ),
    *the_same(cluster, in_a_simulation, name={TypeError: [5, b"east", True], ValueError: [""]}),
    *the_same(cluster, sim={TypeError: [5, "sim", bp.Simulation]}),
    *the_same(cluster, smt={TypeError: [2]}),
    *the_same(node_spec, cores={TypeError: [None, "1", 1.0, True], ValueError: [0, -1]}),
    *the_same(node_spec, memory_bytes={TypeError: [None, "1", 1e9, True], ValueError: [0, -1, 65535]}),
    *the_same(node_spec, arch={TypeError: [None, 6.0, True, [3]], ValueError: ["", "x86", "I386", -1, 65536]}),
    *the_same(node_spec, open_files={TypeError: [None, "1", 1.5, False], ValueError: [-1]}),
    *the_same(node_spec, memory={TypeError: [1]}),
    *the_same(user, name={TypeError: [None, 5, b"alice"], ValueError: [""]}),
    *the_same(user, credentials, uid={TypeError: [None, "500", 1.0, True], ValueError: [-1, 2**32 - 1]}),
    *the_same(user, credentials, gid={TypeError: [None, "500", 1.0, True], ValueError: [-1, 2**32 - 1]}),
    *the_same(user, credentials, groups={TypeError: [5, "100", ["100"], [True], [1.0]], ValueError: [[-1]]}),
    *the_same(user, credentials, capabilities={TypeError: ["CAP_KILL", 5, [5]], ValueError: [["kill"]]}),
    *the_same(credentials, euid={TypeError: ["0", True], ValueError: [-1]}),
    *the_same(credentials, egid={TypeError: ["0", True], ValueError: [-1]}),
    *the_same(install, path={TypeError: [None, 5, ["/bin/x"]], ValueError: ["bin/x", "", "x", b"x"]}),
    *the_same(install, program={TypeError: [5, "hello", {}]}),
    *the_same(
        install,
        on={
            TypeError: [None, 1.0, True, b"0"],
            ValueError: ["", "slave", "2", "0-2", "1-0", "0,,1", "-1", "0x1", 2, -2, [0, 2], ["0", "5"]],
        },
    ),
    *the_same(install, mode={TypeError: [None, "755", True], ValueError: [-1, 0o10000]}),
    *the_same(install, uid={TypeError: [None, "0"], ValueError: [-1]}),
    *the_same(install, gid={TypeError: [None, "0"], ValueError: [-1]}),
    *the_same(install, image={TypeError: [5, "ELF", bytearray(b"\x7fELF"), bp.ElfImage]}),
    *the_same(idle, user={TypeError: [500, "alice", (500, 500)]}),
    *the_same(idle, node={TypeError: [None, "0", 1.0, True], ValueError: [2, -2]}),
    *the_same(program, needs={TypeError: ["libc.so.6", b"libc.so.6", 5, None, [5]], ValueError: [[""], ["a\0b"]]}),
    *the_same(program, memory_bytes={TypeError: [None, "4096", 1.0, True], ValueError: [0, -1]}),
    *the_same(program, name={TypeError: [5, b"hello"], ValueError: ["", "a\0"]}),
    *the_same(program, function={TypeError: [5, "hello"]}),
    *the_same(sleep, seconds={TypeError: [None, "1", True], ValueError: [-1, -0.5, float("nan"), float("inf")]}),
    *the_same(run, until_ns={TypeError: ["1", 1e9, True], ValueError: [-1, 4]}),
    *the_same(costs, syscall_ns={TypeError: [None, "1", 1.5, True], ValueError: [-1]}),
    *the_same(costs, tcp_retries_ns={TypeError: [None, 3, [1], (1.5,), ("3",)], ValueError: [(-1,), (1, -1)]}),
    *the_same(costs, link_ns_per_mib={TypeError: [1.5], ValueError: [-1]}),
    *the_same(costs, socket_buffer_bytes={TypeError: [1.5], ValueError: [0, -1]}),
    *the_same(costs, quantum_ns={TypeError: [1.5], ValueError: [0, -1]}),
    *the_same(edition, late_failure={ValueError: ["", "raise", None]}),
    *the_same(edition, ping_timeout_ns={TypeError: [None, "1", 1.5, True], ValueError: [0, -1]}),
    *the_same(chmod, mode={TypeError: [None, "111", 1.0, True], ValueError: [-1, 0o10000]}),
    *the_same(chown, uid={TypeError: [None, "0", True], ValueError: [-1]}),
    *the_same(chown, gid={TypeError: [None, "0", True], ValueError: [-1]}),
    *the_same(set_state, name={ValueError: ["", "UP", "on", None, 5]}),
]


@pytest.mark.parametrize(
    ("maker", "argument", "value", "error"),
    WRONG,
    ids=[f"{maker.__name__} {argument}={value!r}"[:80] for maker, argument, value, _ in WRONG],
)
def test_what_is_wrong_is_named(maker: Callable[..., Any], argument: str, value: Any, error: type[Exception]) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        maker(**{argument: value})
    assert type(caught.value) is error, repr(caught.value)
    assert argument in str(caught.value)


@pytest.mark.parametrize("fault", ["PowerOff", "Hang", "IoError", "MemoryFull", "OpenFileLimit", "LinkCut", "SlowLink"])
def test_a_fault_on_a_node_that_is_not_there(fault: str) -> None:
    kind = getattr(bp, fault)
    arguments: dict[str, Any] = (
        {"node": 4} if "node" in {field.name for field in attrs.fields(kind)} else {"a": 4, "b": 0}
    )
    if fault == "IoError":
        arguments["path"] = "/bin/x"
    with pytest.raises(ValueError, match=r"^(node|a): there is no node 4; nodes are 0 to 3"):
        bp.Cluster(nodes=4, faults=[kind(**arguments)])
    with pytest.raises(ValueError, match=r"^(node|a): there is no node 4"):
        bp.Cluster(nodes=4).inject(kind(**arguments))


@pytest.mark.parametrize(("argument", "known"), [("edition", bp.editions), ("kernel", bp.kernels), ("costs", bp.costs)])
def test_an_unknown_name_is_told_what_there_is(argument: str, known: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="nonsense") as caught:
        cluster(**{argument: "nonsense"})
    assert all(name in str(caught.value) for name in known)
    assert known


def test_all_unknown_keywords_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match="nodez"):
        cluster(nodez=3)
    with pytest.raises(TypeError, match="nodez"):
        bp.Simulation().cluster(nodez=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="seed"):
        bp.Simulation().cluster(seed=3)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "given",
    [
        {"seed": 1},
        {"trace": "all"},
        {"trace_limit": 5},
        {"strict": True},
        {"strict_faults": True},
        {"max_events": 5},
        {"order": "random"},
    ],
)
def test_what_belongs_to_the_simulation_is_not_asked_of_its_clusters(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        in_a_simulation(**given)


@pytest.mark.parametrize(
    "wrong",
    [{"faults": [bp.PowerOff(node=0), bp.PowerOff(node=9)]}, {"boot": "?"}, {"master": 5}, {"name": 5}, {"kernel": ""}],
)
def test_a_cluster_that_could_not_be_built_leaves_no_trace(wrong: dict[str, Any]) -> None:
    sim = bp.Simulation(trace="all")
    with pytest.raises((TypeError, ValueError)):
        sim.cluster(nodes=4, **wrong)
    assert sim.systems == {}
    sim.run()
    made = sim.cluster(nodes=4)
    assert (made.name, list(sim.systems)) == ("cluster0", ["cluster0"])
    sim.inject(bp.PowerOff(node=1))


def test_a_fault_that_was_planned_before_a_wrong_one_never_strikes() -> None:
    sim = bp.Simulation(trace="all")
    with pytest.raises(ValueError, match="no node 9"):
        sim.cluster(nodes=4, faults=[bp.MasterDaemonExit(at_ns=5), bp.PowerOff(node=9)])
    sim.run(until_ns=10)
    assert sim.trace.records == ()


# ---- what is built -------------------------------------------------------------------------------


def test_the_defaults() -> None:
    made = bp.Cluster()
    assert (len(made.nodes), made.edition.name, made.kernel.name) == (4, "scyld", "documented")
    assert (made.costs.name, made.sim.seed, made.trace.level) == ("clustermatic-2002", 0, "errors")
    assert (made.sim.strict, made.sim.strict_faults, made.sim.now_ns) == (False, False, 0)
    assert {node.state for node in made.nodes} == {"up"}
    assert made.trace is made.sim.trace
    assert bp.NodeSpec().arch == "x86-64"


@pytest.mark.parametrize("nodes", [0, 1, 3])
def test_so_many_nodes(nodes: int) -> None:
    made = bp.Cluster(nodes=nodes)
    assert [node.number for node in made.nodes] == list(range(nodes))
    assert [node.name for node in made.nodes] == [f"node {number}" for number in range(nodes)]
    with pytest.raises(IndexError, match=f"no node {nodes}"):
        made.nodes[nodes]


def test_each_node_as_it_is_described() -> None:
    made = bp.Cluster(
        nodes=[bp.NodeSpec(cores=2, memory_bytes=8 * MiB), bp.NodeSpec(arch="ppc", open_files=7)],
        master=bp.NodeSpec(cores=3),
    )
    assert (made.master.processors.count, made.nodes[0].processors.count, made.nodes[1].processors.count) == (3, 2, 1)
    assert (made.nodes[0].memory.total_bytes, made.nodes[1].memory.total_bytes) == (8 * MiB, 512 * MiB)
    assert made.machine(1).arch.name == "ppc"
    assert made.machine(1).files.limit == 7


def test_a_list_times_eight() -> None:
    made = bp.Cluster(nodes=[bp.NodeSpec(cores=2, memory_bytes=512 * MiB, arch="i386")] * 8)
    assert len(made.nodes) == 8
    assert {made.machine(number).arch.name for number in range(8)} == {"i386"}
    assert made.machine(-1).arch.name == "i386"  # so that images fit both


def test_the_edition_is_what_late_failures_speak() -> None:
    for edition, status in (("scyld", 22), ("lanl32", 300 & 255), ("bproc4", 300 & 255)):
        out = bp.Cluster(edition=edition).bproc_execmove(9, "/bin/sh")
        assert (out.cause, out.exit_status) == ("node_unknown", status)


def test_the_kernel_is_what_exec_says() -> None:
    """A variant may take a row away, as the kernels do that know no EPERM of this kind."""
    documented = bp.kernels["documented"]
    rows = tuple(row for row in documented.rows if row.cause != "suid_on_nosuid")
    for kernel, errno in ((documented, bp.Errno.EPERM), (attrs.evolve(documented, rows=rows), None)):
        made = bp.Cluster(kernel=kernel)
        made.master.fs.mkdir("/mnt")
        made.master.fs.mount("/mnt", nosuid=True)
        made.install("/mnt/set-id", do_nothing, mode=0o4755)
        assert made.execve("/mnt/set-id").errno is errno


@pytest.mark.parametrize("name", bp.kernels)
def test_every_kernel_runs_a_program(name: str) -> None:
    made = bp.Cluster(kernel=name)
    made.install("/bin/nothing", do_nothing)
    assert made.bproc_execmove(1, "/bin/nothing").exit_status == 0
    assert bp.Cluster(kernel=bp.kernels[name]).kernel is bp.kernels[name]


def test_variants_of_records() -> None:
    slow = attrs.evolve(bp.costs["clustermatic-2002"], name="slow", syscall_ns=7 * ms)
    assert bp.Cluster(costs=slow).execve("/absent").elapsed_ns == 7 * ms
    patient = attrs.evolve(bp.editions["scyld"], ping_timeout_ns=1000 * s)
    assert bp.Cluster(edition=patient).edition.ping_timeout_ns == 1000 * s
    literal = attrs.evolve(bp.editions["scyld"], late_failure="return")
    out = bp.Cluster(edition=literal).bproc_execmove(9, "/bin/sh")
    assert (out.failed, out.errno, out.cause, out.value) == (True, bp.Errno.EINVAL, "node_unknown", -1)
    narrow = attrs.evolve(bp.kernels["documented"], argument_area_bytes=(10, 10))
    assert bp.Cluster(kernel=narrow).execve("/bin/sh", ["sh", "x" * 20]).errno is bp.Errno.E2BIG


def test_faults_in_force_when_the_world_is_born() -> None:
    made = bp.Cluster(faults=[bp.PowerOff(node=2), bp.IoError(node=-1, path="/bin/sh")])
    assert made.nodes[2].state == "down"
    assert made.execve("/bin/sh").errno is bp.Errno.EIO
    assert [planned.fired for planned in made.planned] == [True, True]


def test_faults_may_come_from_any_list() -> None:
    for faults in ([bp.PowerOff(node=2)], (bp.PowerOff(node=2),), iter([bp.PowerOff(node=2)])):
        assert bp.Cluster(faults=faults).nodes[2].state == "down"  # type: ignore[arg-type]


# ---- several systems in one world ----------------------------------------------------------------


def hello(proc: bp.Proc) -> Any:
    yield from proc.print("hello from", proc.node, "as", proc.pid)


def test_clusters_of_one_world_share_its_clock_and_nothing_else() -> None:
    sim = bp.Simulation(seed=7, trace="all")
    one, two = sim.cluster(nodes=2), sim.cluster(nodes=3, name="east")
    assert (one.name, two.name, list(sim.systems)) == ("cluster0", "east", ["cluster0", "east"])
    assert one.sim is two.sim is sim
    assert one.trace is two.trace is sim.trace
    one.install("/bin/hello", hello)
    first = one.bproc_execmove(1, "/bin/hello")
    assert two.bproc_execmove(1, "/bin/hello").errno is bp.Errno.ENOENT
    two.install("/bin/hello", hello)
    second = two.bproc_execmove(2, "/bin/hello")
    assert (first.pid, first.text) == (1001, "hello from 1 as 1001\n")
    assert (second.pid, second.text) == (1002, "hello from 2 as 1002\n")  # 1001 was the refused call's
    assert sim.now_ns > first.elapsed_ns + second.elapsed_ns
    two.sleep(1)
    assert one.sim.now_ns == two.sim.now_ns > s


def test_networks_are_apart() -> None:
    sim = bp.Simulation()
    one, two = sim.cluster(nodes=2), sim.cluster(nodes=2)
    two.inject(bp.PowerOff(node=1))
    assert (one.nodes[1].state, two.nodes[1].state) == ("up", "down")
    assert one.nodes[1].address == two.nodes[1].address == "10.54.1.1"
    assert one.nodes[1] != two.nodes[1]


def test_lanes_of_the_trace_are_named_after_their_systems() -> None:
    sim = bp.Simulation(trace="all")
    for made in (sim.cluster(nodes=2), sim.cluster(nodes=2), sim.cluster(nodes=2, name="west")):
        made.bproc_execmove(1, "/bin/sh", ["sh", "-c", ":"])
    lanes = {record.node for record in sim.trace.records}
    assert lanes == {"master", "node 1", "cluster1 master", "cluster1 node 1", "west master", "west node 1"}


def test_seeds_are_named_after_their_systems() -> None:
    """Two clusters of one world do not lose the same messages; a cluster loses those its name says."""

    def elapsed(sim: bp.Simulation, *names: str) -> list[int]:
        made = [sim.cluster(nodes=2, name=name, faults=[bp.Loss(a=-1, b=1, probability=0.5)]) for name in names]
        return [[each.bproc_execmove(1, "/bin/sh", ["sh", "-c", ":"]).elapsed_ns for _ in range(4)] for each in made]  # type: ignore[misc]

    both = elapsed(bp.Simulation(seed=3), "east", "west")
    assert both[0] != both[1]
    assert elapsed(bp.Simulation(seed=3), "west") == both[1:]


def test_a_name_is_given_once() -> None:
    sim = bp.Simulation()
    sim.cluster(name="cluster1")
    assert sim.cluster().name == "cluster0"
    assert sim.cluster().name == "cluster2"
    with pytest.raises(ValueError, match=r"name: .*'cluster1'"):
        sim.cluster(name="cluster1")


def test_inject_asks_for_the_system_that_is_meant() -> None:
    sim = bp.Simulation()
    with pytest.raises(ValueError, match="no system"):
        sim.inject(bp.PowerOff(node=1))
    one = sim.cluster()
    assert sim.inject(bp.PowerOff(node=1)).fired
    assert one.nodes[1].state == "down"
    sim.cluster()
    with pytest.raises(ValueError, match="several systems"):
        sim.inject(bp.PowerOff(node=2))
    assert one.inject(bp.PowerOff(node=2)).fired


def test_constants_of_the_manuals_stand_at_top_level() -> None:
    assert bp.BPROC_NODE_MASTER == -1
    assert (bp.BPROC_NODE_SELF, bp.BPROC_NODE_NONE, bp.BPROC_NODE_ANY) == (-2, -3, -4)
