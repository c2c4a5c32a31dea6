"""Measure what the project promises, as ratios against bare SimPy in the same run.

T is one `yield env.timeout(1)` in one process. Each thing is measured in nine rounds, each round
right after a round of T, and the best of both counts. Run it with the environment's Python:
`python -m tests.benchmarks` (or `python3 tests --only benchmarks`); name some to run only those.
"""

from __future__ import annotations

import sys

from tests.benchmarks import clusters, crowds, fixtures, launches, machines, partitions
from tests.benchmarks.measuring import ROUNDS, bare_timeouts, seconds

ROOMS = (clusters, crowds, fixtures, launches, machines, partitions)
PROMISES = tuple(promise for room in ROOMS for promise in room.PROMISES)


def main(names: list[str]) -> int:
    """Measure and print; gives 1 if a promise is not kept."""
    missed = 0
    t_us = min(seconds(bare_timeouts, 20_000) for _ in range(ROUNDS)) * 1e6
    print(f"Python {sys.version.split()[0]}; T = {t_us:.2f} us")
    for promise in PROMISES:
        if names and not any(name in promise.name for name in names):
            continue
        figure, remark = promise.measure()
        kept = figure <= promise.limit
        missed += not kept
        verdict = "kept" if kept else "MISSED"
        print(f"{promise.name:<28} {figure:>8.2f} {promise.unit} of {promise.limit:>7g}  {verdict:<7} {remark}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
