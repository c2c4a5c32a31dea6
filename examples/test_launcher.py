"""A launcher under test: it takes a death for success, and the kit shows which one."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

from hypothesis import find, given, settings

import bprocsim as bp
from bprocsim.faults import Fault
from bprocsim.testing import strategies as bst
from bprocsim.units import ms

NODES = (0, 1)
# What befalls nodes, and the way to them. The head is where the launcher itself runs.
KINDS = (bp.PowerOff, bp.Hang, bp.LinkCut, bp.SlowLink, bp.LibraryMissing, bp.MemoryFull)


# ---- the launcher --------------------------------------------------------------------------------


def everywhere(nodes: Sequence[int], *command: str) -> list[int]:
    """Run a command on all nodes at once; gives those on which it failed."""
    running = {node: subprocess.Popen(["bpsh", str(node), *command]) for node in nodes}
    # The mistake: "128 and more is a signal, and who sends one knows why". bpsh says 255 of a lost node.
    return [node for node, process in running.items() if 0 < process.wait() < 128]


def everywhere_mended(nodes: Sequence[int], *command: str) -> list[int]:
    """Run a command on all nodes at once; gives those on which it failed."""
    running = {node: subprocess.Popen(["bpsh", str(node), *command]) for node in nodes}
    return [node for node, process in running.items() if process.wait() != 0]


# ---- under test ----------------------------------------------------------------------------------


def unnoticed(launch: Callable[..., list[int]], faults: Sequence[Fault]) -> set[int]:
    """Launch a job on a cluster in which something goes wrong; gives the nodes whose failure was not told."""
    done = []

    def job(proc: bp.Proc) -> Any:
        yield from proc.compute(50 * ms)
        done.append(proc.node)

    cluster = bp.Cluster(nodes=len(NODES), faults=faults)
    cluster.install("/usr/bin/job", job)
    with mock.patch("subprocess.Popen", cluster.popen):
        failed = launch(NODES, "job")
    return set(NODES) - set(done) - set(failed)


def of_nodes() -> Any:
    """Give what may go wrong, but for the death of the head."""
    faults = bst.faults(bp.Cluster(nodes=len(NODES)), kinds=KINDS, most=2)
    return faults.filter(lambda each: not any(getattr(one, "node", 0) == bp.BPROC_NODE_MASTER for one in each))


def smallest() -> list[Fault]:
    """Let Hypothesis look for the least that goes wrong without being told."""
    settled = settings(max_examples=10_000, database=None, derandomize=True)
    return find(of_nodes(), lambda faults: bool(unnoticed(everywhere, faults)), settings=settled)


def test_the_kit_finds_the_death_that_counts_as_success() -> None:
    faults = smallest()
    assert len(faults) == 1
    assert unnoticed(everywhere, faults) and not unnoticed(everywhere_mended, faults)


@settings(max_examples=100, deadline=None)
@given(of_nodes())
def test_the_mended_one_tells_of_all(faults: list[Fault]) -> None:
    assert not unnoticed(everywhere_mended, faults)


if __name__ == "__main__":
    found = smallest()
    print(f"with faults={found}")
    print(f"everywhere        does not tell of node {unnoticed(everywhere, found)}")
    print(f"everywhere_mended does not tell of node {unnoticed(everywhere_mended, found) or 'none'}")
