"""BProc 4.0's calls about nodes: states as words, attributes, sets, specifications, and what a slave sees."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.bproc.bpfs import status_too_long_for_buffer
from bprocsim.bproc.nodespec import parse
from bprocsim.world.specs import node_numbers

E = bp.Errno


@pytest.fixture
def cluster() -> bp.Cluster:
    """Four nodes, the last without power."""
    return bp.Cluster(nodes=4, edition="bproc4", faults=[bp.PowerOff(node=3)])


def stays(proc: bp.Proc) -> Iterator[Any]:
    yield from proc.pause()


def word(cluster: bp.Cluster, node: int) -> str:
    """Ask for a node's state."""
    status = bytearray(16)
    length = cluster.bproc_nodestatus(node, status, 16).check().value
    return bytes(status[: length - 1]).decode()


def selected(cluster: bp.Cluster, text: Any) -> list[int]:
    """Give the numbers that a specification selects."""
    found = bp.BprocNodeSet()
    assert cluster.bproc_nodespec(found, text).value == 0
    return [info.node for info in found.node]


# ---- states ------------------------------------------------------------------------------------------


def test_a_state_is_a_word_and_the_nul_behind_it(cluster: bp.Cluster) -> None:
    status = bytearray(b"\xff" * 6)
    assert cluster.bproc_nodestatus(0, status, 3).value == 3
    assert status == b"up\0\xff\xff\xff"
    assert cluster.bproc_nodestatus(3, status, 16).value == 5
    assert status == b"down\0\xff"


@pytest.mark.parametrize("size", [2, 1, 0, -1])
def test_a_buffer_that_is_too_small_stays_as_it_is(size: int, cluster: bp.Cluster) -> None:
    status = bytearray(b"\xff" * 6)
    out = cluster.bproc_nodestatus(0, status, size)
    assert (out.value, out.errno, bytes(status)) == (-1, E.ERANGE, b"\xff" * 6)
    assert out.cause == status_too_long_for_buffer.__name__


@pytest.mark.parametrize(
    ("node", "errno"),
    [(4, E.ENOENT), (-3, E.ENOENT), (bp.BPROC_NODE_MASTER, E.ENODATA), (bp.BPROC_NODE_SELF, E.ENODATA)],
)
def test_some_numbers_have_no_state(node: int, errno: bp.Errno, cluster: bp.Cluster) -> None:
    assert cluster.bproc_nodestatus(node, bytearray(), 16).errno is errno
    assert cluster.bproc_nodeinfo(node, bp.BprocNodeInfo()).errno is E.BE_INVALIDNODE


def test_an_administrator_says_any_word(cluster: bp.Cluster) -> None:
    """And it changes nothing else: neither who may come nor what runs there."""
    alice = cluster.user("alice", 500, 500)
    cluster.install("/bin/stays", stays)
    for said in ("maintenance", "error", "x", "9", "reboot", "halt", "boot", "unavailable", "A1b2C3d4E5f6G7h"):
        assert cluster.bproc_nodesetstatus(1, said).value == 0
        assert (word(cluster, 1), cluster.nodes[1].state, cluster.nodes[1].mode) == (said, said, 0o111)
        assert cluster.bproc_execmove(1, "/bin/sh", ["sh", "-c", "exit 7"], user=alice).exit_status == 7


@pytest.mark.parametrize(
    ("said", "errno"),
    [
        ("", E.EINVAL), ("in_use", E.EINVAL), ("ä", E.EINVAL), ("on off", E.EINVAL), ("x" * 16, E.ENOSPC),
        ("_" * 16, E.ENOSPC), (None, E.EFAULT), (bp.BAD_ADDRESS, E.EFAULT),
    ],
)  # fmt: skip
def test_what_is_no_word_is_no_state(said: Any, errno: bp.Errno, cluster: bp.Cluster) -> None:
    assert cluster.bproc_nodesetstatus(1, said).errno is errno
    assert word(cluster, 1) == "up"


def test_down_is_the_one_word_that_does_something(cluster: bp.Cluster) -> None:
    cluster.install("/bin/stays", stays)

    def goes(proc: bp.BprocProc) -> Iterator[Any]:
        yield from proc.bproc_execmove(1, "/bin/stays", ["stays"], {})

    there = cluster.popen(bp.program(goes))
    cluster.sleep(0.1)
    assert cluster.bproc_setnodeattr(1, "cpus", b"2", 1).value == 0
    assert cluster.bproc_nodesetstatus(1, "odd").value == 0
    assert cluster.bproc_nodesetstatus(1, "down").value == 0
    assert there.wait() == -bp.SIGKILL
    assert (cluster.nodes[1].state, cluster.nodes[1].mode) == ("down", 0)
    assert cluster.bproc_nodesetstatus(1, "up").cause == "node_down"
    assert cluster.bproc_getnodeattr(1, "cpus", bytearray(), 16).errno is E.ENODATA
    assert cluster.bproc_execmove(1, "/bin/sh").late_errno is E.BE_NODEDOWN


def test_a_node_of_any_state_is_lost_when_it_dies(cluster: bp.Cluster) -> None:
    cluster.bproc_nodesetstatus(1, "odd")
    cluster.inject(bp.PowerOff(node=1))
    cluster.sleep(46)
    assert word(cluster, 1) == "down"


def test_the_builder_says_words_too(cluster: bp.Cluster) -> None:
    cluster.nodes[1].set_state("odd")
    assert (word(cluster, 1), repr(cluster.nodes[1])) == ("odd", "<node 1: odd>")
    for wrong in ("", "in_use", "x" * 16, "ä"):
        with pytest.raises(ValueError, match="name: expected 1 to 15 letters and digits, got "):
            cluster.nodes[1].set_state(wrong)
    with pytest.raises(ValueError, match="name: a node that is down cannot be set 'odd'"):
        cluster.nodes[3].set_state("odd")


def test_words_are_for_calls_that_know_them() -> None:
    for name in ("scyld", "lanl32"):
        with pytest.raises(ValueError, match="bpfs: calls that tell states by numbers"):
            evolve(bp.editions[name], bpfs=True)
    calls = bp.editions["bproc4"].calls
    cluster = bp.Cluster(nodes=1, edition=evolve(bp.editions["lanl32"], calls=calls, bpfs=True))
    assert cluster.bproc_nodesetstatus(0, "odd").value == 0
    assert (word(cluster, 0), cluster.nodes[0].mode) == ("odd", 0o111)


def test_who_boots_is_up_in_the_end_unless_somebody_says_something_else() -> None:
    cluster = bp.Cluster(nodes=2, edition="bproc4", boot="cold")
    cluster.nodes[1]
    while cluster.nodes[1].state != "boot":
        cluster.sleep(0.5)
    assert cluster.nodes[1].mode == 0o100
    assert cluster.bproc_nodesetstatus(1, "kept").value == 0
    cluster.sleep(60)
    assert [(node.state, node.mode) for node in cluster.nodes] == [("up", 0o111), ("kept", 0o100)]


# ---- what a slave sees ---------------------------------------------------------------------------------


def test_a_slave_has_files_of_itself_and_the_master(cluster: bp.Cluster) -> None:
    addr = bp.BprocAddress()
    told = [cluster.bproc_nodeaddr(node, addr, from_node=1).errno for node in (-1, 1, bp.BPROC_NODE_SELF, 0, 2)]
    assert told == [None, None, None, E.ENOENT, E.ENOENT]
    assert [cluster.bproc_access(node, bp.BPROC_X_OK, from_node=1).value for node in (-1, 1, 2)] == [0, 0, -1]
    assert cluster.bproc_chmod(1, 0, from_node=1).cause == "from_slave"
    assert cluster.bproc_chmod(2, 0, from_node=1).cause == "slave_unknown"
    assert cluster.bproc_currnode(from_node=1).value == 1


def test_a_slave_knows_no_states_and_no_list(cluster: bp.Cluster) -> None:
    here, fd = cluster.idle_process(node=1), 0
    assert cluster.bproc_nodestatus(1, bytearray(), 16, caller=here).errno is E.ENODATA
    assert cluster.bproc_nodestatus(2, bytearray(), 16, caller=here).errno is E.ENOENT
    found = bp.BprocNodeSet()
    outs = [
        cluster.bproc_numnodes(caller=here), cluster.bproc_nodelist(found, caller=here),
        cluster.bproc_nodespec(found, "all", caller=here), cluster.bproc_notifier(caller=here),
    ]  # fmt: skip
    assert [out.errno for out in outs] == [E.ENOENT] * 4
    assert cluster.bproc_nodelist_(found, fd, caller=here).errno is E.EBADF
    assert cluster.bproc_nodereboot(1, caller=here).errno is E.ENOSYS


def test_a_node_that_is_down_has_no_address(cluster: bp.Cluster) -> None:
    addr = bp.BprocAddress("x", 1)
    assert cluster.bproc_nodeaddr(3, addr).errno is E.ENODATA
    assert addr == bp.BprocAddress("x", 1)


def test_minus_one_is_the_master_and_nowhere(cluster: bp.Cluster) -> None:
    cluster.install("/bin/stays", stays)

    def goes(proc: bp.BprocProc) -> Iterator[Any]:
        yield from proc.bproc_execmove(0, "/bin/stays", ["stays"], {})

    home, away = cluster.popen(bp.program(stays)), cluster.popen(bp.program(goes))
    cluster.sleep(0.1)
    outs = [cluster.bproc_pidnode(pid) for pid in (home.pid, away.pid, 9)]
    assert [(out.value, out.failed) for out in outs] == [(-1, False), (0, False), (-1, True)]
    found: list[Any] = []
    assert cluster.bproc_proclist(bp.BPROC_NODE_ANY, found).value == 1
    assert found == [bp.BprocProcInfo(away.pid, 0)]
    # On a slave no process is a ghost.
    assert cluster.bproc_pidnode(away.pid, from_node=0).value == -1
    assert cluster.bproc_proclist(bp.BPROC_NODE_SELF, [], from_node=0).value == 0


def test_without_the_daemon_files_stay_and_commands_fail(cluster: bp.Cluster) -> None:
    cluster.inject(bp.MasterDaemonExit())
    assert word(cluster, 1) == "up"
    assert cluster.bproc_chmod(1, 0o1).value == 0
    assert cluster.bproc_nodereboot(1).errno is E.EIO
    assert cluster.nodes[1].state == "up"


# ---- attributes ----------------------------------------------------------------------------------------


def test_attributes_are_kept_until_the_node_is_down(cluster: bp.Cluster) -> None:
    value = bytearray(b"\xff" * 4)
    assert cluster.bproc_setnodeattr(1, "cpus", b"2\0", 2).value == 0
    assert cluster.bproc_getnodeattr(1, "cpus", value, 4).value == 2
    assert value == b"2\0\xff\xff"
    assert cluster.bproc_setnodeattr(1, "cpus", b"16", 2).value == 0
    assert cluster.bproc_getnodeattr(1, "cpus", value, 2).value == 2
    assert value == b"16\xff\xff"
    assert cluster.bproc_getnodeattr(1, "cpus", value, 1).errno is E.ERANGE
    assert cluster.bproc_getnodeattr(0, "cpus", value, 4).errno is E.ENODATA
    assert cluster.bproc_getnodeattr(bp.BPROC_NODE_MASTER, "cpus", value, 4).errno is E.ENODATA
    assert cluster.bproc_getnodeattr(1, "cpus", value, 4, from_node=1).errno is E.ENODATA


def test_the_limits_of_attributes(cluster: bp.Cluster) -> None:
    assert cluster.bproc_setnodeattr(1, "n" * 63, b"v" * 64, 64).value == 0
    assert cluster.bproc_setnodeattr(1, "n" * 64, b"v", 1).cause == "name_too_long"
    assert cluster.bproc_setnodeattr(1, "n", b"v" * 65, 65).cause == "value_too_long"
    for number in range(31):
        assert cluster.bproc_setnodeattr(1, f"x{number}", b"", 0).value == 0
    assert cluster.bproc_setnodeattr(1, "one more", b"", 0).cause == "too_many_attributes"
    assert cluster.bproc_setnodeattr(1, "x3", b"again", 5).value == 0
    assert cluster.bproc_setnodeattr(2, "one more", b"", 0).value == 0


def test_a_node_is_given_away_as_a_file_is(cluster: bp.Cluster) -> None:
    """Its owner may keep it and its group, as chown(2) has it, and give it to nobody; -1 changes nothing, whoever asks.

    The group he may keep although he is in another; once it is changed, he cannot go back.
    """
    alice, bob = cluster.user("alice", 500, 500), cluster.user("bob", 501, 501)
    cluster.nodes[1].chown(500, 8)
    assert [cluster.bproc_chown(1, uid, user=alice).cause for uid in (500, -1, 501, 0)] == [
        None, None, "owner_not_permitted", "owner_not_permitted",
    ]  # fmt: skip
    assert [cluster.bproc_chown(1, uid, user=bob).cause for uid in (501, 500)] == ["owner_not_permitted"] * 2
    assert cluster.bproc_chown(1, -1, user=bob).value == cluster.bproc_chgrp(1, -1, user=bob).value == 0
    assert (cluster.nodes[1].uid, cluster.nodes[1].gid) == (500, 8)
    assert [cluster.bproc_chgrp(1, gid, user=alice).cause for gid in (8, 500, 8)] == [None, None, "group_not_permitted"]
    older = bp.Cluster(nodes=1)
    older.nodes[0].chown(500, 8)
    assert older.bproc_chown(0, 500, user=alice).cause == "not_root"
    assert older.bproc_chgrp(0, 8, user=alice).cause == "group_not_permitted"


def test_root_alone_sets_attributes_and_everybody_reads_them(cluster: bp.Cluster) -> None:
    alice = cluster.user("alice", 500, 500)
    cluster.nodes[1].chown(500, 500)
    assert cluster.bproc_setnodeattr(1, "mine", b"1", 1, user=alice).errno is E.EPERM
    assert cluster.bproc_setnodeattr(1, "mine", b"1", 1).value == 0
    assert cluster.bproc_getnodeattr(1, "mine", bytearray(), 1, user=alice).value == 1


# ---- sets and specifications ------------------------------------------------------------------------------

SPECIFICATIONS = {
    "0": [0], "n2": [2], ".1": [1], "0-2": [0, 1, 2], "2-": [2, 3], "n1-n2": [1, 2], "2,0,2": [2, 0, 2],
    "all": [0, 1, 2, 3], "up": [0, 2], "allup": [0, 2], "down": [3], "!down": [0, 1, 2], "notdown": [0, 1, 2],
    "allnotup": [1, 3], "all!up": [1, 3], "odd": [1], "foo": [], "in_use": [], "master": [-1], "": [],
    "master,odd,3": [-1, 1, 3], "-1": [], "n-1": [], "7": [], "2-9": [2, 3], "3-1": [], "99999999999": [],
    "00000000000001": [1], "not": [], "self": [],
}  # fmt: skip


@pytest.mark.parametrize("text", SPECIFICATIONS)
def test_what_a_specification_selects(text: str, cluster: bp.Cluster) -> None:
    cluster.nodes[1].set_state("odd")
    assert selected(cluster, text) == SPECIFICATIONS[text]


@pytest.mark.parametrize("text", [",", "0,", "0,,1", "0-x", "3--1", "1.5", "up!", "!", "all!", " up", "0 1", "²", "ä"])
def test_what_is_no_specification(text: str, cluster: bp.Cluster) -> None:
    found = bp.BprocNodeSet([bp.BprocNodeInfo(7)])
    out = cluster.bproc_nodespec(found, text)
    assert (out.value, out.errno, [info.node for info in found.node]) == (-1, E.EINVAL, [7])


def test_a_set_tells_what_is_known_of_its_nodes(cluster: bp.Cluster) -> None:
    cluster.nodes[2].chown(500, 501)
    cluster.nodes[2].chmod(0o110)
    found, info = bp.BprocNodeSet(), bp.BprocNodeInfo()
    assert cluster.bproc_nodelist(found).value == found.size == 4
    assert cluster.bproc_nodeinfo(2, info).value == 0
    assert found.node[2] == info == bp.BprocNodeInfo(2, "up", 0o110, 500, 501, bp.Address("10.54.1.2", 0))
    assert found.node[3] == bp.BprocNodeInfo(3, "down", 0, 0, 0, bp.Address("0.0.0.0", 0))


def test_a_filter_looks_at_the_set_alone(cluster: bp.Cluster) -> None:
    known, found = bp.BprocNodeSet(), bp.BprocNodeSet()
    cluster.bproc_nodespec(known, "2,1,0")
    cluster.nodes[1].set_state("odd")
    assert cluster.bproc_nodefilter(found, known, "up,0-9").value == 0
    assert [info.node for info in found.node] == [2, 1, 0, 0, 1, 2]
    found.node[0].status = "changed"
    assert [info.status for info in known.node] == ["up"] * 3
    assert cluster.bproc_nodefilter(known, known, "1").value == 0
    assert [info.node for info in known.node] == [1]
    assert cluster.bproc_nodefilter(found, bp.BprocNodeSet(), "0").value == found.size == 0


def test_sets_grow(cluster: bp.Cluster) -> None:
    one, other = bp.BprocNodeSet(), bp.BprocNodeSet()
    assert cluster.bproc_nodeset_init(one, 2).value == 0
    assert one.node == [bp.BprocNodeInfo(status=""), bp.BprocNodeInfo(status="")]
    assert cluster.bproc_nodeset_grow(one, 3).value == cluster.bproc_nodeset_grow(one, 1).value == 0
    assert one.size == 3
    info = bp.BprocNodeInfo(5, "up")
    assert cluster.bproc_nodeset_add(other, info).value == 0
    info.node = 6
    assert cluster.bproc_nodeset_append(one, other).value == cluster.bproc_nodeset_append(other, other).value == 0
    assert [each.node for each in one.node] == [-3, -3, -3, 5]
    assert [each.node for each in other.node] == [5, 5]
    assert cluster.bproc_nodeset_free(one).value == one.size == 0


@pytest.mark.parametrize("size", [-1, 2**31 - 1, 2**62])
def test_a_set_has_no_more_room_than_there_is_memory(size: int, cluster: bp.Cluster) -> None:
    found = bp.BprocNodeSet([bp.BprocNodeInfo(7)])
    assert cluster.bproc_nodeset_init(found, size).errno is E.ENOMEM
    assert cluster.bproc_nodeset_grow(found, size).errno is E.ENOMEM
    assert found.size == 1


def test_a_list_is_read_again_through_a_notifier(cluster: bp.Cluster) -> None:
    found = bp.BprocNodeSet()
    with cluster.session() as s:
        fd = s.bproc_notifier()
        cluster.nodes[1].set_state("odd")
        assert s.bproc_nodelist_(found, fd) == 4
        assert found.node[1].status == "odd"
        with pytest.raises(bp.Deadlock):
            s.read(fd)  # what the list told is no news
        cluster.nodes[1].set_state("up")
        assert s.read(fd) == b"\1"
        reading, _ = s.pipe()
        with pytest.raises(OSError, match="bproc_nodelist_: fd is not"):
            s.bproc_nodelist_(found, reading)


TEXTS = st.text("0123456789n.-,!_ alupdownotmaster", max_size=12) | st.text(max_size=6)


@given(st.lists(TEXTS, max_size=4).map(",".join))
def test_no_specification_is_too_strange(text: str) -> None:
    """It is none, or what it selects are nodes of the list, one part after the other."""
    cluster = bp.Cluster(nodes=3, edition="bproc4", faults=[bp.PowerOff(node=2)])
    found = bp.BprocNodeSet()
    out = cluster.bproc_nodespec(found, text)
    written = text.partition("\0")[0]  # C ends there
    assert out.failed is (parse(written) is None)
    if not out.failed:
        assert {info.node for info in found.node} <= {-1, 0, 1, 2}
        assert [info.node for info in found.node] == [
            number for part in written.split(",") if part for number in selected(cluster, part)
        ]


@given(st.one_of(TEXTS, st.lists(TEXTS, max_size=3).map(",".join), st.integers(-9, 9)))
def test_nor_for_the_builder(on: str | int) -> None:
    """It means nodes that there are, or a ValueError says what it is not."""
    said, numbers = "", tuple[int, ...]()
    try:
        numbers = node_numbers(on, 3)
    except ValueError as error:
        said = str(error)
    assert set(numbers) <= {-1, 0, 1, 2}
    assert not said or said.startswith("on: ")


# ---- whoever calls ---------------------------------------------------------------------------------------


def test_programs_sessions_and_c_are_told_alike(cluster: bp.Cluster) -> None:
    told: list[Any] = []

    def asks(proc: bp.BprocProc) -> Iterator[Any]:
        status = bytearray(8)
        told.append((yield from proc.bproc_nodestatus(1, status, 8)))
        told.append(bytes(status))
        told.append((yield from proc.libc.bproc_nodestatus(1, status, 2)))
        told.append(proc.libc.errno)
        told.append((yield from proc.libc.bproc_setnodeattr(1, "a", b"b", 1)))

    cluster.install("/bin/asks", asks)
    assert cluster.execve("/bin/asks").exception is None
    s, status = cluster.session(), bytearray(8)
    told += [s.bproc_nodestatus(1, status, 8), bytes(status), s.libc.bproc_nodestatus(1, status, 2), s.libc.errno]
    told.append(s.libc.bproc_setnodeattr(1, "a", b"b", 1))
    assert told[:5] == told[5:] == [3, b"up\0\0\0\0\0\0", -1, 34, 0]


def test_a_call_in_another_editions_shape_is_a_mistake(cluster: bp.Cluster) -> None:
    of_scyld = bp.Cluster(nodes=1)
    with pytest.raises(TypeError, match=r"bproc_nodestatus: in this edition it takes \(node, status, len\), got 1"):
        cluster.bproc_nodestatus(1)
    with pytest.raises(TypeError, match=r"bproc_nodestatus: in this edition it takes \(node\), got 3"):
        of_scyld.bproc_nodestatus(0, bytearray(), 16)
    with pytest.raises(TypeError, match="status: expected str, bytes or a path, got 3"):
        cluster.bproc_nodesetstatus(1, bp.bproc_node_up)
    with pytest.raises(TypeError, match="status: expected an int, got 'up'"):
        bp.Cluster(nodes=1, edition="lanl32").bproc_nodesetstatus(0, "up")
    with pytest.raises(TypeError, match="bproc_setnodeattr: data: expected bytes, got str '2'"):
        cluster.bproc_setnodeattr(1, "cpus", "2", 1)
    assert cluster.bproc_nodelist([]).cause == "set_unwritable"


def test_the_trace_keeps_buffers_and_sets_as_they_were() -> None:
    world = bp.Cluster(nodes=2, edition="bproc4", trace="all")
    status, found = bytearray(b"????"), bp.BprocNodeSet()
    world.bproc_nodestatus(1, status, 4)
    world.bproc_nodelist(found)
    with world.session() as s:
        s.bproc_nodestatus(0, status, 4)
    status[:] = b"late"
    found.node[0].node = 77
    text = world.trace.text()
    assert "bproc_nodestatus(1, '????', 4) = 3" in text
    assert "bproc_nodestatus(0, 'up\\x00?', 4) = 3" in text
    assert "late" not in text
    assert "77" not in world.trace.jsonl()
