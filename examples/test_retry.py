"""A launcher under test: a scheduler that tries the next node, and so runs a job twice."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from unittest import mock

from hypothesis import find, given, settings

import bprocsim as bp
from bprocsim.faults import Fault
from bprocsim.testing import strategies as bst
from bprocsim.units import ms

NODES = (0, 1, 2)
KINDS = (bp.PowerOff, bp.Hang, bp.LinkCut, bp.SlowLink)


# ---- the scheduler -------------------------------------------------------------------------------


class Unknown(Exception):
    """Nobody can tell whether the job has run."""


def run_once(nodes: Sequence[int], job: str) -> int | None:
    """Run a job on the first node that will; gives the node, None if none would."""
    for node in nodes:
        # The mistake: a job that came to a bad end has not run. But 255 says that it was killed, or its node
        # was lost, maybe after the job had done its work.
        if subprocess.run(["bpsh", str(node), job], check=False).returncode == 0:
            return node
    return None


def run_once_mended(nodes: Sequence[int], job: str) -> int | None:
    """Run a job on the first node that will; gives the node, None if none would. Unknown: it may have run."""
    for node in nodes:
        status = subprocess.run(["bpsh", str(node), job], check=False).returncode
        if status == 0:
            return node
        if not 0 < status < 128:  # below stand the errnos of a move that failed, and our jobs' own status is 0
            raise Unknown(f"job on node {node} came to {status}")
    return None


# ---- under test ----------------------------------------------------------------------------------


def often(schedule: Callable[..., int | None], faults: Sequence[Fault]) -> list[int]:
    """Schedule a job on a cluster in which something goes wrong; gives the nodes on which it has done its work."""
    worked = []

    def job(proc: bp.Proc) -> Any:
        yield from proc.compute(5 * ms)
        worked.append(proc.node)
        yield from proc.compute(50 * ms)  # it tidies up

    cluster = bp.Cluster(nodes=len(NODES), faults=faults)
    cluster.install("/usr/bin/job", job)
    with mock.patch("subprocess.run", cluster.run), suppress(Unknown):
        schedule(NODES, "job")
    return worked


def of_nodes(most: int) -> Any:
    """Give what may go wrong, but for the death of the head."""
    faults = bst.faults(bp.Cluster(nodes=len(NODES)), kinds=KINDS, most=most)
    return faults.filter(lambda each: not any(getattr(one, "node", 0) == bp.BPROC_NODE_MASTER for one in each))


def smallest() -> list[Fault]:
    """Let Hypothesis look for the least fault by which a job runs twice."""
    settled = settings(max_examples=10_000, database=None, derandomize=True)
    return find(of_nodes(most=1), lambda faults: len(often(run_once, faults)) > 1, settings=settled)


def test_the_kit_finds_the_job_that_runs_twice() -> None:
    faults = smallest()
    assert len(often(run_once, faults)) > 1 >= len(often(run_once_mended, faults))


@settings(max_examples=100, deadline=None)
@given(of_nodes(most=2))
def test_the_mended_one_runs_no_job_twice(faults: list[Fault]) -> None:
    assert len(often(run_once_mended, faults)) <= 1


if __name__ == "__main__":
    found = smallest()
    print(f"with faults={found}")
    print(f"run_once        did the work on nodes {often(run_once, found)}")
    print(f"run_once_mended did the work on nodes {often(run_once_mended, found)}")
