"""What is promised of launches on many nodes by one call."""

from __future__ import annotations

import gc
import time

import bprocsim as bp
from tests.benchmarks.measuring import ROUNDS, Promise, bare_timeouts, seconds


def _per_process(count: int) -> float:
    """Launch on so many nodes that have been looked at, by one direct call; gives the seconds for each process."""
    cluster = bp.Cluster(nodes=count, edition="lanl32")
    cluster.install("/usr/bin/job", lambda proc: 0)
    for node in cluster.nodes:
        assert node.state == "up"
    gc.collect()
    began = time.perf_counter()
    out = cluster.bproc_vexecmove(range(count), "/usr/bin/job")
    took = time.perf_counter() - began
    assert (out.value, out.causes) == (count, (None,) * count)
    return took / count


def launch() -> tuple[float, str]:
    """Launch 1,024 processes by bproc_vexecmove, until the last has ended."""
    best, best_t = float("inf"), float("inf")
    _per_process(64)
    for _ in range(ROUNDS):
        best_t = min(best_t, seconds(bare_timeouts, 20_000))
        best = min(best, _per_process(1024))
    return best / best_t, "until the last has ended"


def large_launch() -> tuple[float, str]:
    """Launch 4,096 processes, against 1,024, for each of them."""
    _per_process(64)
    few, many = float("inf"), float("inf")
    for _ in range(ROUNDS):
        few, many = min(few, _per_process(1024)), min(many, _per_process(4096))
    return many / few, f"{many * 1e6:.0f} us against {few * 1e6:.0f} us"


PROMISES = (
    Promise("launch of 1,024, each", 60, "T", launch),
    Promise("launch of 4,096, each", 1.3, "x", large_launch),
)
