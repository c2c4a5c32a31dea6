"""Calls about nodes and processes: what they tell and do, from the master and from slaves, edition by edition."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.testing import recipes_of
from bprocsim.testing.rows.nodecases import NodeCase
from bprocsim.units import ms
from tests.rows.snapshot import differences, snapshot

RECIPES = [
    pytest.param(recipe, id=f"{edition}-{recipe}")
    for edition in bp.editions
    for recipe in recipes_of(edition).values()
    if isinstance(recipe.case, NodeCase)
]


def stays(proc: bp.Proc) -> Iterator[Any]:
    yield from proc.pause()


def forks(proc: bp.Proc) -> Iterator[Any]:
    yield from proc.fork(stays)
    yield from proc.pause()


def goes(node: int, path: str) -> Any:
    def program(proc: bp.BprocProc) -> Iterator[Any]:
        yield from proc.bproc_execmove(node, path, ["x"], {})

    return bp.program(program)


@pytest.fixture
def cluster() -> bp.Cluster:
    """Four nodes, the last without power."""
    return bp.Cluster(nodes=4, faults=[bp.PowerOff(node=3)])


def on_entry(recipe: Any) -> bool:
    """Tell whether the row is decided by a call from outside, before anything is asked of another node."""
    return recipe.call != "bproc_detach" and not recipe.case.record.calls()[recipe.call].errors.row(recipe.cause).step


@pytest.mark.parametrize("recipe", [param for param in RECIPES if on_entry(param.values[0])])
def test_a_refused_call_changes_nothing(recipe: Any) -> None:
    world = recipe.world()
    before = snapshot(world)
    assert recipe.make(world).cause == recipe.cause
    assert differences(before, snapshot(world)) == []


# ---- information -------------------------------------------------------------------------------------


def test_the_numbers_of_nodes(cluster: bp.Cluster) -> None:
    assert cluster.bproc_numnodes().value == 4
    assert [cluster.bproc_currnode(from_node=node).value for node in (-1, 0, 2)] == [-1, 0, 2]


def test_the_states_have_numbers(cluster: bp.Cluster) -> None:
    cluster.nodes[1].set_state("error")
    asked = [cluster.bproc_nodestatus(node).value for node in (0, 1, 3, bp.BPROC_NODE_MASTER, bp.BPROC_NODE_SELF)]
    assert asked == [bp.bproc_node_up, bp.bproc_node_error, bp.bproc_node_down, bp.bproc_node_up, bp.bproc_node_up]
    assert bp.bproc_node_down == 0, "so that a state that is not 0 is a node that is there"
    assert cluster.bproc_nodestatus(bp.BPROC_NODE_SELF, from_node=1).value == bp.bproc_node_error


def test_what_is_known_of_a_node(cluster: bp.Cluster) -> None:
    cluster.nodes[2].chown(500, 501)
    cluster.nodes[2].chmod(0o110)
    info = bp.BprocNodeInfo()
    assert cluster.bproc_nodeinfo(2, info, from_node=0).value == 0
    assert info == bp.BprocNodeInfo(2, bp.bproc_node_up, 0o110, 500, 501, bp.Address("10.54.1.2", 0))
    assert cluster.bproc_nodeinfo(3, info).value == 0
    assert info == bp.BprocNodeInfo(3, bp.bproc_node_down, 0, 0, 0, bp.Address("0.0.0.0", 0))
    assert cluster.bproc_nodeinfo(bp.BPROC_NODE_MASTER, info).value == 0
    assert info == bp.BprocNodeInfo(-1, bp.bproc_node_up, 0o111, 0, 0, bp.Address("10.54.0.1", 0))


def test_a_failure_fills_nothing(cluster: bp.Cluster) -> None:
    info = bp.BprocNodeInfo(7, 7, 7, 7, 7)
    assert cluster.bproc_nodeinfo(4, info).errno is bp.Errno.EIO
    assert info == bp.BprocNodeInfo(7, 7, 7, 7, 7)


def test_the_list_replaces_what_was_there(cluster: bp.Cluster) -> None:
    found: list[Any] = ["old"]
    assert cluster.bproc_nodelist(found).value == 4
    assert [(each.node, each.status) for each in found] == [(0, 3), (1, 3), (2, 3), (3, 0)]


def test_addresses_lead_to_nodes_and_back(cluster: bp.Cluster) -> None:
    addr = bp.BprocAddress()
    for node in (bp.BPROC_NODE_MASTER, 0, 2):
        assert cluster.bproc_nodeaddr(node, addr).value == 0
        assert cluster.bproc_nodenumber(addr).value == node
        assert cluster.bproc_nodenumber(bp.Address(addr.host, 2223)).value == node
    assert cluster.bproc_nodeaddr(bp.BPROC_NODE_SELF, addr, from_node=1).value == 0
    assert addr == bp.BprocAddress("10.54.1.1", 0)
    assert cluster.bproc_masteraddr(addr, from_node=1).value == 0
    assert addr == bp.BprocAddress("10.54.0.1", 0)


@pytest.mark.parametrize("edition", ["scyld", "lanl32"])
def test_in_c_an_address_has_a_size(edition: str) -> None:
    def program(proc: bp.BprocProc) -> Iterator[Any]:
        addr, size, libc = bp.BprocAddress(), [128], proc.libc
        assert (yield from libc.bproc_nodeaddr(1, addr, size)) == 0
        assert (addr.host, size) == ("10.54.1.1", [16])
        assert (yield from libc.bproc_nodenumber(addr, 16)) == 1
        assert (yield from libc.bproc_masteraddr(addr, [16])) == 0
        assert (yield from libc.bproc_nodenumber(addr)) == bp.BPROC_NODE_MASTER
        assert (yield from libc.bproc_nodeaddr(99, addr, [16])) == -1
        assert libc.errno == bp.Errno["EIO" if edition == "scyld" else "BE_INVALIDNODE"].number("linux")
        with pytest.raises(TypeError, match=r"bproc_nodeaddr: size: expected a list of one int, or an int, got '16'"):
            libc.bproc_nodeaddr(1, addr, "16")

    cluster = bp.Cluster(nodes=2, edition=edition, strict=True)
    cluster.install("/bin/program", program)
    assert cluster.execve("/bin/program").exit_status == 0
    session, addr = cluster.session(), bp.BprocAddress()
    assert session.libc.bproc_nodeaddr(1, addr, [16]) == 0
    assert session.libc.bproc_nodenumber(addr, 16) == 1


@pytest.mark.parametrize(
    "addr", [None, bp.BAD_ADDRESS, bp.Address("", 0), bp.Address("10.54.9.9", 0), bp.BprocAddress("x")]
)
def test_an_address_of_nobody_is_that_of_no_node(addr: Any, cluster: bp.Cluster) -> None:
    out = cluster.bproc_nodenumber(addr)
    assert (out.value, out.failed) == (bp.BPROC_NODE_NONE, False)


NAMES = {"master": -1, "self": 1, "n0": 0, ".2": 2, "3": 3, "-1": -1, "4": -3, "n": -3, "": -3, "n-1": -3, "²": -3}


@pytest.mark.parametrize("name", NAMES)
def test_nodes_have_names(name: str, cluster: bp.Cluster) -> None:
    assert cluster.bproc_getnodebyname(name, from_node=1).value == NAMES[name]


@pytest.mark.parametrize("name", [None, bp.BAD_ADDRESS, b"\xff"])
def test_what_is_no_name_is_that_of_no_node(name: Any, cluster: bp.Cluster) -> None:
    assert cluster.bproc_getnodebyname(name).value == bp.BPROC_NODE_NONE


@pytest.mark.parametrize(("arch", "number"), [("ppc", 3), ("x86-64", 4), ("aarch64", 0)])
def test_the_version(arch: str, number: int) -> None:
    cluster = bp.Cluster([bp.NodeSpec(arch=arch)], edition="lanl32")
    found = bp.BprocVersion()
    assert cluster.bproc_version(found).value == 0
    assert found == bp.BprocVersion(b"BPr", number, 0, bp.editions["lanl32"].version)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (301, "Node is down"), (-301, "Node is down"), (304, "Invalid process ID"), (2, "No such file or directory"),
        (0, "Success"), (-9999, "Unknown error 9999"),
    ],
)  # fmt: skip
def test_errnos_have_messages(number: int, text: str) -> None:
    cluster = bp.Cluster(nodes=1, edition="lanl32")
    assert cluster.bproc_strerror(number).value == text
    assert cluster.session().libc.bproc_strerror(number) == text


# ---- rights ------------------------------------------------------------------------------------------


def test_access_tells_what_a_move_would_meet(cluster: bp.Cluster) -> None:
    """For whoever asks, on every node, in every mode."""
    users = [cluster.user("alice", 500, 600), cluster.user("bob", 501, 600), cluster.user("carol", 502, 700), None]
    node, info = cluster.nodes[1], bp.BprocNodeInfo()
    node.chown(500, 600)
    for mode in (0, 0o1, 0o10, 0o11, 0o100, 0o101, 0o110, 0o111):
        node.chmod(mode)
        cluster.bproc_nodeinfo(1, info)
        for user in users:
            allowed = cluster.bproc_execmove(1, "/bin/sh", user=user).cause != "node_not_permitted"
            assert cluster.bproc_access(1, bp.BPROC_X_OK, user=user).failed is not allowed
            assert cluster._bproc_access(info, bp.BPROC_X_OK, user=user).failed is not allowed


def test_mode_0_asks_only_whether_there_is_such_a_node(cluster: bp.Cluster) -> None:
    alice, info = cluster.user("alice", 500, 500), bp.BprocNodeInfo()
    cluster.nodes[1].chmod(0)
    cluster.bproc_nodeinfo(1, info)
    four = bp.Cluster(nodes=1, edition="bproc4")
    four.nodes[0].chmod(0)
    for made, node in ((cluster, 1), (cluster, 3), (four, 0)):
        assert made.bproc_access(node, 0, user=alice).value == 0
        assert made.bproc_access(node, bp.BPROC_X_OK, user=alice).errno is bp.Errno.EACCES
        assert made.bproc_access(99, 0, user=alice).failed
    assert cluster._bproc_access(info, 0, user=alice).value == 0


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("node", "1", "an int"),
        ("mode", "x", "an int"),
        ("user", None, "an int"),
        ("group", True, "an int"),
        ("status", None, "a number such as bp.bproc_node_up, in BProc 4.0 a word"),
        ("addr", "10.54.1.1", "a bp.Address"),
    ],
)
def test_a_record_takes_what_it_can_hold(field: str, value: Any, expected: str) -> None:
    made: Any = bp.BprocNodeInfo
    with pytest.raises(TypeError, match=f"{field}: expected {expected}, got {value!r}"):
        made(**{field: value})
    info = bp.BprocNodeInfo()
    with pytest.raises(TypeError, match=f"{field}: expected {expected}, got {value!r}"):
        setattr(info, field, value)


@pytest.mark.parametrize("edition", list(bp.editions))
def test_who_is_in_more_groups_than_a_request_has_room_for_counts_as_in_none(edition: str) -> None:
    cluster = bp.Cluster(nodes=1, edition=edition)
    cluster.nodes[0].chown(0, 700)
    cluster.nodes[0].chmod(0o010)
    for count, most in ((32, 32), (33, bp.editions[edition].groups_max)):
        user = bp.Credentials(500, 500, groups=range(700, 700 + count))
        out = cluster.bproc_execmove(0, "/bin/sh", ["sh", "-c", "exit 3"], user=user)
        permitted = most is None or count <= most
        assert (out.exit_status, out.cause) == ((3, None) if permitted else (1, "node_not_permitted"))
        if not permitted:  # it is his groups alone that he has too many of
            cluster.nodes[0].chmod(0o001)
            assert cluster.bproc_execmove(0, "/bin/sh", ["sh", "-c", "exit 3"], user=user).exit_status == 3
    assert [each for each in bp.editions if bp.editions[each].groups_max == 32] == ["lanl32", "bproc4"]


def test_nobody_may_use_a_node_that_is_down_and_everybody_the_master(cluster: bp.Cluster) -> None:
    alice = cluster.user("alice", 500, 500)
    assert cluster.bproc_access(3, bp.BPROC_X_OK).errno is bp.Errno.EACCES
    assert cluster.bproc_access(bp.BPROC_NODE_MASTER, bp.BPROC_X_OK, user=alice).value == 0


def test_an_owner_says_who_else_may_come(cluster: bp.Cluster) -> None:
    alice, bob = cluster.user("alice", 500, 500, groups=[7]), cluster.user("bob", 501, 501)
    assert cluster.bproc_chown(1, 500).value == 0
    assert cluster.bproc_chmod(1, 0o100, user=alice).value == 0
    assert cluster.bproc_chmod(1, 0o111, user=bob).cause == "not_owner"
    assert cluster.bproc_execmove(1, "/bin/sh", user=bob).late_errno is bp.Errno.EPERM
    assert cluster.bproc_chgrp(1, 7, user=alice).value == 0
    assert cluster.bproc_chgrp(1, 8, user=alice).cause == "group_not_permitted"
    assert (cluster.nodes[1].uid, cluster.nodes[1].gid, cluster.nodes[1].mode) == (500, 7, 0o100)


def test_minus_one_leaves_an_id_as_it_is(cluster: bp.Cluster) -> None:
    alice = cluster.user("alice", 500, 500)
    cluster.nodes[1].chown(500, 8)
    assert cluster.bproc_chown(1, -1).value == cluster.bproc_chgrp(1, -1, user=alice).value == 0
    assert (cluster.nodes[1].uid, cluster.nodes[1].gid) == (500, 8)


# ---- states ------------------------------------------------------------------------------------------


def test_a_state_is_set(cluster: bp.Cluster) -> None:
    assert cluster.bproc_setnodestatus(1, bp.bproc_node_unavailable).value == 0
    assert (cluster.nodes[1].state, cluster.nodes[1].mode) == ("unavailable", 0o100)
    assert cluster.bproc_setnodestatus(1, bp.bproc_node_up).value == 0
    assert (cluster.nodes[1].state, cluster.nodes[1].mode) == ("up", 0o111)


@pytest.mark.parametrize(("edition", "call"), [("scyld", "bproc_setnodestatus"), ("lanl32", "bproc_nodesetstatus")])
@pytest.mark.parametrize("state", [bp.bproc_node_unavailable, bp.bproc_node_error])
def test_a_node_that_is_not_up_is_roots_whoever_owned_it(edition: str, call: str, state: int) -> None:
    cluster, info = bp.Cluster(nodes=2, edition=edition), bp.BprocNodeInfo()
    alice = cluster.user("alice", 500, 500)
    assert cluster.bproc_chown(1, 500).value == cluster.bproc_chgrp(1, 500).value == 0
    assert getattr(cluster, call)(1, state).value == 0
    assert cluster.bproc_nodeinfo(1, info).value == 0
    assert (info.status, info.mode, info.user, info.group) == (state, 0o100, 0, 0)
    assert cluster.bproc_access(1, bp.BPROC_X_OK, user=alice).failed
    assert cluster.bproc_execmove(1, "/bin/sh", user=alice).cause == "node_not_permitted"
    assert cluster.bproc_execmove(1, "/bin/sh", ["sh", "-c", "exit 3"]).exit_status == 3
    assert getattr(cluster, call)(1, bp.bproc_node_up).value == 0
    assert (cluster.nodes[1].mode, cluster.nodes[1].uid) == (0o111, 0)


def test_a_node_that_is_down_is_roots_and_takes_no_other_rights(cluster: bp.Cluster) -> None:
    node = cluster.nodes[1]
    node.set_state("down")
    node.chmod(0o111)
    node.chown(500, 500)
    assert (node.mode, node.uid, node.gid) == (0, 0, 0)


def test_a_state_that_is_there_already_changes_nothing(cluster: bp.Cluster) -> None:
    cluster.nodes[1].chmod(0o100)
    assert cluster.bproc_setnodestatus(1, bp.bproc_node_up).value == 0
    assert cluster.nodes[1].mode == 0o100


@pytest.mark.parametrize(
    ("edition", "call", "args"),
    [
        ("scyld", "bproc_setnodestatus", (bp.bproc_node_down,)),
        ("scyld", "bproc_setnodestatus", (bp.bproc_node_reboot,)),
        ("scyld", "bproc_setnodestatus", (bp.bproc_node_pwroff,)),
        ("lanl32", "bproc_nodesetstatus", (bp.bproc_node_down,)),
        ("lanl32", "bproc_nodereboot", ()),
        ("lanl32", "bproc_nodehalt", ()),
        ("lanl32", "bproc_nodepwroff", ()),
    ],
)
def test_who_sends_a_node_away_kills_what_runs_there(edition: str, call: str, args: tuple[int, ...]) -> None:
    cluster = bp.Cluster(nodes=2, edition=edition)
    cluster.install("/bin/stays", stays)
    there = cluster.popen(goes(1, "/bin/stays"))
    cluster.sleep(0.1)
    assert getattr(cluster, call)(1, *args).value == 0
    assert there.wait() == -bp.SIGKILL
    assert cluster.nodes[1].state == "down"
    assert cluster.bproc_nodestatus(1).value == bp.bproc_node_down
    assert getattr(cluster, call)(1, *args).cause == "node_down"


# ---- processes ---------------------------------------------------------------------------------------


def spread() -> tuple[bp.Cluster, int, int, int]:
    """Make a cluster with processes on the master and on nodes 1 and 2; gives their pids."""
    cluster = bp.Cluster(nodes=3)
    cluster.install("/bin/stays", stays)
    cluster.install("/bin/forks", forks)
    home = cluster.popen(bp.program(stays))
    one, two = cluster.popen(goes(1, "/bin/stays")), cluster.popen(goes(2, "/bin/forks"))
    cluster.sleep(0.1)
    return cluster, home.pid, one.pid, two.pid


def test_where_processes_are() -> None:
    cluster, home, one, two = spread()
    found: list[Any] = []
    assert cluster.bproc_proclist(bp.BPROC_NODE_ANY, found).value == 3
    (child,) = {each.pid for each in found} - {one, two}
    assert found == [bp.BprocProcInfo(one, 1), bp.BprocProcInfo(two, 2), bp.BprocProcInfo(child, 2)]
    assert [cluster.bproc_proclist(node, []).value for node in (-1, 0, 1, 2, 9, bp.BPROC_NODE_SELF)] == [
        0, 0, 1, 2, 0, 0,
    ]  # fmt: skip
    assert [cluster.bproc_pidnode(pid).value for pid in (home, one, two, child)] == [-3, 1, 2, 2]
    assert [cluster.bproc_pidghostnode(pid).value for pid in (home, one, two, child)] == [-3, -1, -1, -1]


def test_a_slave_knows_of_its_own_processes_alone() -> None:
    cluster, home, one, two = spread()
    found: list[Any] = []
    assert cluster.bproc_proclist(bp.BPROC_NODE_ANY, found, from_node=1).value == 1
    assert found == [bp.BprocProcInfo(one, 1)]
    assert [cluster.bproc_proclist(node, [], from_node=2).value for node in (1, 2, bp.BPROC_NODE_SELF)] == [0, 2, 2]
    assert cluster.bproc_pidnode(two, from_node=2).value == 2
    for pid in (home, one):
        out = cluster.bproc_pidnode(pid, from_node=2)
        assert (out.value, out.errno) == (bp.BPROC_NODE_NONE, bp.Errno.ENOENT)


def test_a_failure_that_is_not_minus_one() -> None:
    """The page has BPROC_NODE_NONE for it, in C; a program's own face raises as ever."""
    cluster = bp.Cluster(nodes=1)
    s = cluster.session()
    assert (s.libc.bproc_pidnode(77), s.libc.errno) == (bp.BPROC_NODE_NONE, 2)
    with pytest.raises(FileNotFoundError, match="bproc_pidnode"):
        s.bproc_pidnode(77)
    assert repr(cluster.bproc_pidnode(77)).startswith("<bproc_pidnode: -3 ENOENT no_such_process;")


# ---- whoever calls -----------------------------------------------------------------------------------


def test_programs_sessions_and_direct_calls_are_told_alike(cluster: bp.Cluster) -> None:
    told: list[Any] = []

    def asks(proc: bp.BprocProc) -> Iterator[Any]:
        info = bp.BprocNodeInfo()
        told.append((yield from proc.bproc_nodeinfo(2, info)))
        told.append(info)
        told.append((yield from proc.libc.bproc_nodestatus(9)))
        told.append(proc.libc.errno)

    cluster.install("/bin/asks", asks)
    assert cluster.bproc_execmove(1, "/bin/asks").exception is None
    s, info = cluster.session(node=1), bp.BprocNodeInfo()
    told += [s.bproc_nodeinfo(2, info), info, s.libc.bproc_nodestatus(9), s.libc.errno]
    direct = bp.BprocNodeInfo()
    asked = [cluster.bproc_nodeinfo(2, direct, from_node=1), cluster.bproc_nodestatus(9, from_node=1)]
    told += [asked[0].value, direct, asked[1].value, bp.Errno.EIO.number()]
    assert told[:4] == told[4:8] == told[8:] == [0, info, -1, 5]


def test_a_call_takes_the_time_of_a_system_call(cluster: bp.Cluster) -> None:
    idle = cluster.idle_process(node=2)
    before = cluster.sim.now_ns
    out = cluster.bproc_currnode(caller=idle)
    assert (out.value, out.pid) == (2, idle.pid)
    assert out.elapsed_ns == cluster.sim.now_ns - before == cluster.costs.syscall_ns


def test_a_program_that_asks_for_ever_is_found_out() -> None:
    def asks(proc: bp.BprocProc) -> Iterator[Any]:
        while (yield from proc.bproc_nodestatus(0)):
            pass

    cluster = bp.Cluster(nodes=1, max_events=1000)
    cluster.install("/bin/asks", asks)
    with pytest.raises((bp.Runaway, bp.Timeout)):
        cluster.execve("/bin/asks", timeout_ns=1000 * ms)


def test_an_edition_lacks_the_calls_of_others(cluster: bp.Cluster) -> None:
    with pytest.raises(
        AttributeError, match=r"^cluster\.bproc_nodereboot\(\.\.\.\): edition scyld has no bproc_nodereboot$"
    ):
        cluster.bproc_nodereboot(1)
    with pytest.raises(AttributeError, match=r"^s\.bproc_nodehalt\(\.\.\.\): edition scyld has no bproc_nodehalt$"):
        cluster.session().bproc_nodehalt(1)
    with pytest.raises(AttributeError, match="edition bproc4 has no bproc_masteraddr"):
        bp.Cluster(edition="bproc4").bproc_masteraddr(bp.BprocAddress())
    with pytest.raises(AttributeError, match="edition lanl32 has no bproc_setnodestatus"):
        bp.Cluster(edition="lanl32").bproc_setnodestatus(1, 1)


def test_an_argument_of_the_harness_that_is_none_is_named(cluster: bp.Cluster) -> None:
    with pytest.raises(
        TypeError, match="bproc_numnodes: there is no argument 'by'; who calls is said by user, from_node"
    ):
        cluster.bproc_numnodes(by=3)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="node: expected an int, got '1'"):
        cluster.bproc_nodestatus("1")  # type: ignore[arg-type]
    for addr in ("10.54.1.1", 3):
        with pytest.raises(TypeError, match=f"addr: expected a bp.Address or a bp.BprocAddress, got {addr!r}"):
            cluster.bproc_nodenumber(addr)
    with pytest.raises(ValueError, match="from_node: node 3 is down"):
        cluster.bproc_currnode(from_node=3)


NUMBERS = st.integers(-(2**40), 2**40) | st.integers(-6, 8)
WORDS = st.text(max_size=4) | st.text(max_size=70) | st.sampled_from(["up", "down", "0-1", "odd", "x" * 16, "a_b"])
NOWHERE = st.sampled_from([None, bp.BAD_ADDRESS])
TEXTS = WORDS | NOWHERE
DATA = st.binary(max_size=70) | NOWHERE
BUFFERS = st.builds(bytearray) | NOWHERE
SETS = st.builds(bp.BprocNodeSet, st.lists(st.builds(bp.BprocNodeInfo, NUMBERS, WORDS), max_size=3)) | NOWHERE
INFOS = st.builds(bp.BprocNodeInfo, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS) | NOWHERE
ADDRESSES = st.builds(bp.BprocAddress, st.text(max_size=3) | st.just("10.54.1.1"), NUMBERS) | NOWHERE
LISTS: Any = st.builds(list) | NOWHERE

# What each call is given.
GIVEN: dict[str, tuple[Any, ...]] = {
    "bproc_nodestatus": (NUMBERS,), "bproc_nodeinfo": (NUMBERS, INFOS), "bproc_nodelist": (LISTS | SETS,),
    "bproc_nodelist_": (SETS, NUMBERS), "bproc_nodespec": (SETS, TEXTS), "bproc_nodefilter": (SETS, SETS, TEXTS),
    "bproc_nodeset_init": (SETS, NUMBERS), "bproc_nodeset_grow": (SETS, NUMBERS), "bproc_nodeset_free": (SETS,),
    "bproc_nodeset_add": (SETS, INFOS), "bproc_nodeset_append": (SETS, SETS), "bproc_nodeaddr": (NUMBERS, ADDRESSES),
    "bproc_masteraddr": (ADDRESSES,), "bproc_nodenumber": (ADDRESSES,), "bproc_getnodebyname": (TEXTS,),
    "bproc_strerror": (NUMBERS,), "bproc_access": (NUMBERS, NUMBERS), "_bproc_access": (INFOS, NUMBERS),
    "bproc_chmod": (NUMBERS, NUMBERS), "bproc_chown": (NUMBERS, NUMBERS), "bproc_chgrp": (NUMBERS, NUMBERS),
    "bproc_setnodestatus": (NUMBERS, NUMBERS), "bproc_nodesetstatus": (NUMBERS, NUMBERS),
    "bproc_nodereboot": (NUMBERS,), "bproc_nodehalt": (NUMBERS,), "bproc_nodepwroff": (NUMBERS,),
    "bproc_getnodeattr": (NUMBERS, TEXTS, BUFFERS, NUMBERS), "bproc_setnodeattr": (NUMBERS, TEXTS, DATA, NUMBERS),
    "bproc_proclist": (NUMBERS, LISTS), "bproc_pidnode": (NUMBERS,), "bproc_pidghostnode": (NUMBERS,),
    "bproc_slave_chroot": (NUMBERS, TEXTS), "bproc_nodechroot": (NUMBERS, TEXTS), "bproc_detach": (NUMBERS,),
    **{f"bproc_node{what}_async": (NUMBERS,) for what in ("reboot", "halt", "pwroff")},
    "bproc_nodereconnect": (NUMBERS, ADDRESSES, NUMBERS, ADDRESSES, NUMBERS),
}  # fmt: skip
IN_BPROC4 = {"bproc_nodestatus": (NUMBERS, BUFFERS, NUMBERS), "bproc_nodesetstatus": (NUMBERS, TEXTS)}
FIXED = {"bproc_numnodes", "bproc_currnode", "bproc_version", "bproc_notifier"}


def test_every_call_is_given_something_strange() -> None:
    assert set(GIVEN) | FIXED == {call for edition in bp.editions.values() for call in edition.calls()}


@pytest.mark.slow
@pytest.mark.parametrize("edition", bp.editions)
@given(data=st.data())
def test_nothing_that_a_call_is_given_is_too_strange(edition: str, data: st.DataObject) -> None:
    """An outcome comes back, and what failed has an errno of the call's table, from outside and in a program."""
    cluster = bp.Cluster(nodes=3, edition=edition, faults=[bp.PowerOff(node=2)])
    given = {**GIVEN, **(IN_BPROC4 if edition == "bproc4" else {})}
    session = cluster.session()
    for _ in range(4):
        name = data.draw(st.sampled_from(sorted(set(given) & set(bp.editions[edition].calls()))))
        from_node = data.draw(st.sampled_from([-1, 0, 1]))
        if from_node >= 0 and cluster.nodes[from_node].state == "down":
            from_node = -1  # nobody is there any more
        args = [data.draw(each) for each in given[name]]
        out = getattr(cluster, name)(*args, from_node=from_node)
        assert out.returned
        assert out.errors is not None
        assert out.row is None or out.row in out.errors.rows
        assert out.failed is (out.row is not None)
        if name != "bproc_detach":  # which leaves a session no process
            in_c = getattr(session.libc, name)(*args)
            assert isinstance(in_c, int | str)
    for node in cluster.nodes:
        assert node.state in ("up", "error", "unavailable", "down") or edition == "bproc4"
        assert 0 <= node.uid < 2**32
        assert not node.mode & ~0o111


@pytest.mark.parametrize("edition", bp.editions)
@given(node=NUMBERS, call=st.sampled_from(["bproc_execmove", "bproc_move", "bproc_rexec", "bproc_rfork"]))
def test_no_destination_is_too_strange(edition: str, node: int, call: str) -> None:
    """There is no such node, it is the master, it is down, or it is reached."""
    cluster = bp.Cluster(nodes=3, edition=edition, faults=[bp.PowerOff(node=2)])
    more: dict[str, tuple[Any, ...]] = {"bproc_move": (), "bproc_rfork": (lambda proc: 0,)}
    out = getattr(cluster, call)(node, *more.get(call, ("/bin/sh", ["sh", "-c", "exit 0"])))
    causes = {-1: ("same_node", None), 0: (None,), 1: (None,), 2: ("node_down",)}.get(node, ("node_unknown",))
    assert out.cause in causes


def test_the_trace_keeps_what_was_given_then(cluster: bp.Cluster) -> None:
    world, info = bp.Cluster(nodes=2, trace="all"), bp.BprocNodeInfo()
    world.bproc_nodeinfo(1, info)
    info.node = 77
    assert "node=77" not in world.trace.text()
    assert "bproc_nodeinfo(1, " in world.trace.text()


# ---- notifiers ---------------------------------------------------------------------------------------


def watcher(proc: bp.BprocProc) -> Iterator[Any]:
    """Write down what a notifier on a slave tells, with the instants, twice."""
    fd = yield from proc.bproc_notifier()
    for _ in range(2):
        data = yield from proc.read(fd)
        status = yield from proc.bproc_nodestatus(1)
        yield from proc.print(data, status)
    yield from proc.close(fd)


CHANGES = {
    "a state": lambda world: world.bproc_setnodestatus(0, bp.bproc_node_error),
    "a mode": lambda world: world.bproc_chmod(0, 0o1),
    "an owner": lambda world: world.bproc_chown(0, 5),
    "a group": lambda world: world.bproc_chgrp(0, 5),
    "by hand": lambda world: world.nodes[0].chmod(0o10),
    "whose, by hand": lambda world: world.nodes[0].chown(5, 5),
    "a node sent away": lambda world: world.nodes[0].set_state("down"),
}


def test_a_notifier_tells_of_each_change_once() -> None:
    cluster = bp.Cluster(nodes=3)
    cluster.install("/bin/watcher", watcher)
    watching = cluster.popen(goes(2, "/bin/watcher"), text=True)
    cluster.sleep(0.1)
    cluster.nodes[1].set_state("error")
    cluster.sleep(0.1)
    cluster.nodes[1].set_state("down")
    out, _ = watching.communicate()
    assert out == "b'\\x01' 2\nb'\\x01' 0\n"
    assert not cluster.bpmaster.notifiers


@pytest.mark.parametrize("change", CHANGES)
def test_a_notifier_tells_of_any_change(change: str) -> None:
    cluster = bp.Cluster(nodes=3)
    s = cluster.session()
    fd = s.bproc_notifier()
    CHANGES[change](cluster)
    assert s.read(fd) == b"\1"
    with pytest.raises(bp.Deadlock):
        s.read(fd)
    s.close(fd)
    assert not cluster.bpmaster.notifiers


def test_a_notifier_tells_of_nodes_that_boot() -> None:
    cluster = bp.Cluster(nodes=1, boot="cold")
    with cluster.session() as s:
        fd, states = s.bproc_notifier(), list[int]()
        for _ in range(2):
            s.read(fd)
            states.append(s.bproc_nodestatus(0))
    assert states == [bp.bproc_node_boot, bp.bproc_node_up]


def test_a_notifier_goes_with_its_process() -> None:
    cluster = bp.Cluster(nodes=2)
    cluster.install("/bin/watcher", watcher)
    cluster.popen(goes(1, "/bin/watcher"))
    cluster.sleep(0.1)
    assert len(cluster.bpmaster.notifiers) == 1
    cluster.inject(bp.PowerOff(node=1))
    cluster.sleep(60)
    assert not cluster.bpmaster.notifiers


def test_a_notifier_from_outside_is_an_idle_processs() -> None:
    cluster = bp.Cluster(nodes=2)
    assert cluster.bproc_notifier(caller=cluster.idle_process(node=1)).value == 3
    with pytest.raises(TypeError, match="bproc_notifier: caller: "):
        cluster.bproc_notifier()
