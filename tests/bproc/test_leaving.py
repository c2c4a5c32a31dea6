"""A node that the administrator reboots, halts or powers off is down at once, and its processes die."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import s


@pytest.mark.parametrize("state", ["reboot", "halt", "pwroff"])
def test_it_is_down_at_once(state: str) -> None:
    def stays(proc: bp.Proc) -> Iterator[Any]:
        yield from proc.sleep(10 * s)

    def launches(proc: bp.BprocProc) -> Iterator[Any]:
        yield from proc.bproc_execmove(1, "/bin/stays", ["stays"], {})

    cluster = bp.Cluster(nodes=2, trace="all")
    cluster.install("/bin/stays", stays)
    process = cluster.popen(launches)
    cluster.sleep(1)
    cluster.nodes[1].set_state(state)
    assert cluster.nodes[1].state == "down"
    assert process.wait() == -9
    assert [record.state for record in cluster.trace.of_kind("node")] == [state, f"down ({state})"]
    assert cluster.bproc_execmove(1, "/bin/stays").cause == "node_down"
    with pytest.raises(ValueError, match=r"^node: node 1 is down"):
        cluster.idle_process(node=1)
