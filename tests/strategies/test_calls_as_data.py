"""bp.Call: a call as data, made in any world, and what is written as Python that builds it again."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

import bprocsim as bp
import bprocsim.testing
from tests.strategies.generating import rebuilt

CALL = bp.Call("bproc_execmove", 1, "/bin/sh", ["sh"], {"PATH": "/bin"}, user=bp.Credentials(500, 500))


def test_it_is_made_in_any_world() -> None:
    for nodes in (2, 3):
        world = bp.Cluster(nodes)
        out = CALL(world)
        assert (out.call, out.exit_status, out.node) == ("bproc_execmove", 0, 1)
    assert CALL(bp.Cluster(1)).late_errno is bp.Errno.EINVAL


def test_it_is_frozen_and_compared_by_its_contents() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        CALL.name = "execve"  # type: ignore[misc]
    same = bp.Call(*(CALL.name, *CALL.args), **CALL.keywords)
    assert (same, hash(same)) == (CALL, hash(CALL))
    assert bp.Call("execve", "/a") != bp.Call("execve", "/b") != bp.Call("run", "/b")


def test_a_call_changes_nothing_of_it() -> None:
    """rs_op stores its result in the second set, and bproc_nodelist fills a list."""
    lpar, cluster = bp.Lpar(), bp.Cluster(2)
    two = bp.Rset.of("2-3")
    union = bp.Call("rs_op", bp.RS_UNION, bp.Rset.of("0-1"), two, 0, 0)
    listed = bp.Call("bproc_nodelist", [])
    before = repr(union), repr(listed)
    assert [union(lpar).failed, listed(cluster).value] == [False, 2]
    assert (repr(union), repr(listed)) == before
    assert two == bp.Rset.of("2-3")


@pytest.mark.parametrize(("name", "error"), [(3, TypeError), ("", ValueError), ("rs op", ValueError)])
def test_what_is_no_name_of_a_call(name: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="name: expected the name of a call such as 'bproc_execmove'"):
        bp.Call(name)


def test_a_world_without_that_call() -> None:
    with pytest.raises(TypeError, match=r"ra_execv: there is no such call on bp.Cluster\(nodes=1\)"):
        bp.Call("ra_execv", 1, None, 0, "/a")(bp.Cluster(1))


VALUES = [
    CALL,
    bp.Call("x", bp.BAD_ADDRESS, None, bp.Errno.EIO, bp.SIGKILL, bp.Step.STUB, bp.RS_DEFAULT, (1,), {2}, b"\0", -1.5),
    bp.Call("x", [bp.BprocIo(3, bp.BPROC_IO_SOCKET, addr=bp.Address("", 4))], frozenset(), frozenset({"b", "a"})),
    bp.Credentials(500, 501, euid=0, groups=(1, 2), capabilities={"CAP_PROPAGATE", "CAP_NUMA_ATTACH"}),
    bp.User("a", bp.Credentials(1, 1)),
    bp.ElfImage(machine="i386", segments=[bp.Segment(1, p_memsz=4)], interpreters=(b"/open",)),
    bp.testing.File("/a", missing=True),
    bp.testing.Case(cmd="bad", program=bp.testing.File("/b", content="script")),
    bp.testing.NodeCase("bproc_chmod", who="owner"),
    bp.testing.LparCase("ra_fork", failed=(1, 2)),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_it_is_written_as_python(value: Any) -> None:
    call = bp.Call("x", value)
    assert rebuilt(call) == call
    assert rebuilt(call).args == (value,)


def test_what_is_as_usual_is_not_written() -> None:
    assert repr(CALL) == (
        "bp.Call('bproc_execmove', 1, '/bin/sh', ['sh'], {'PATH': '/bin'}, user=bp.Credentials(500, 500))"
    )
    assert repr(bp.testing.Case(node=1)) == "bp.testing.Case(node=1)"
    assert repr(bp.Cluster()) == "bp.Cluster(nodes=4)"  # but for what everybody looks for first


def test_what_is_written_is_the_same_in_every_process() -> None:
    assert repr(bp.Call("x", set("dcba"), mode=-1)) == "bp.Call('x', {'a', 'b', 'c', 'd'}, mode=-1)"
    assert repr(bp.Call("x", file_mode=0o644)) == "bp.Call('x', file_mode=0o644)"


def test_users_are_written_shortly() -> None:
    assert repr(bp.User("a", bp.Credentials(1, 1))) == "bp.User('a', bp.Credentials(1, 1))"


WORLDS = [
    bp.Cluster(),
    bp.Cluster(1, edition="bproc4", kernel="linux-6", seed=3, boot="cold", trace="all", order="random", name="c"),
    bp.Cluster([bp.NodeSpec(cores=2)] * 2, master=bp.NodeSpec(arch="i386"), strict=True, trace_limit=9, max_events=5),
    bp.Cluster(0, edition=attrs.evolve(bp.editions["lanl32"], late_failure="return"), costs="clustermatic-2002"),
    bp.Cluster(3, faults=[bp.PowerOff(1, step=bp.Step.STUB), bp.CallFails("fork", bp.Errno.ENOMEM, when="2+")]),
    bp.Lpar(),
    bp.Lpar(2, 1, cpu="POWER8", level="6.1.5", srads=2, enhanced_affinity=True, faults=[bp.CoreFails(1)], open_files=9),
    bp.Lpar(level=attrs.evolve(bp.levels["5.3"], overlapping_exclusive=False), seed=5, memory_bytes=1 << 20),
]


@pytest.mark.parametrize("world", WORLDS, ids=repr)
def test_a_world_is_written_as_it_was_built(world: Any) -> None:
    again = rebuilt(world)
    assert repr(again) == repr(world)
    assert type(again) is type(world)
    assert [each.fault for each in again.planned] == [each.fault for each in world.planned]


def test_what_was_done_with_a_world_is_not_written() -> None:
    cluster = bp.Cluster(2)
    cluster.inject(bp.PowerOff(1))
    cluster.bproc_execmove(0, "/bin/sh")
    assert repr(cluster) == "bp.Cluster(nodes=2)"
    lpar = bp.Simulation(seed=2).lpar(2)
    lpar.inject(bp.OpenFileLimit(-1, 3))
    lpar.smtctl(1)
    assert repr(lpar) == "bp.Lpar(cores=2, seed=2)"


def test_sets_are_made_of_text() -> None:
    assert bp.Rset.of("0-3,6") == bp.Lpar(4, 2).rset("0-3,6")
    assert bp.Rset.of().processors == 0
    assert bp.Rset.of("1", memory="0-1").memory == 3
    with pytest.raises(ValueError, match="memory: '3-': expected a number or a range"):
        bp.Rset.of("1", memory="3-")
