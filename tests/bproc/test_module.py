"""Kernels on which BProc's module is not loaded: nobody connects, no daemon runs, and two pages know of ENOSYS."""

from __future__ import annotations

import pytest

import bprocsim as bp
from bprocsim.units import s
from tests.bproc.worlds import HELLO, hello


@pytest.mark.parametrize("boot", ["up", "cold"])
def test_a_slave_without_it_never_connects(boot: str) -> None:
    made = bp.Cluster([bp.NodeSpec(), bp.NodeSpec(module=False)], boot=boot, master=bp.NodeSpec(), trace="all")
    made.install(HELLO, hello)
    made.sleep(60)
    assert [node.state for node in made.nodes] == ["up", "down"]
    assert made.bproc_execmove(0, HELLO).exit_status == 3
    assert made.bproc_execmove(1, HELLO).cause == "node_down"
    assert not [each for each in made.trace.of_kind("node") if each.node == "node 1"]


@pytest.mark.parametrize("edition", ["scyld", "lanl32"])
def test_on_a_master_without_it_no_daemon_runs(edition: str) -> None:
    made = bp.Cluster(nodes=1, edition=edition, master=bp.NodeSpec(module=False))
    made.install(HELLO, hello)
    assert made.bproc_access(0, bp.BPROC_X_OK).errno is bp.Errno.ENOSYS
    assert made.bproc_execmove(0, HELLO).errno is bp.Errno.EBUSY
    assert made.execve(HELLO).exit_status == 3
    assert made.sim.now_ns < 1 * s


def test_bproc_detach_says_so_before_it_asks_who_calls() -> None:
    made = bp.Cluster(nodes=1, master=bp.NodeSpec(module=False))
    assert made.bproc_detach(0, user=made.user("alice", 500, 500)).cause == "module_absent"


def test_it_is_true_or_false() -> None:
    with pytest.raises(TypeError, match="module: expected True or False, got 0"):
        bp.NodeSpec(module=0)  # type: ignore[arg-type]
