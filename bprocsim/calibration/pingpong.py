"""A process that moves to and fro between two slaves: how long one way takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bprocsim.calibration.fitting import Comparison
from bprocsim.calibration.launchers import BPROC
from bprocsim.calibration.points import Point, points
from bprocsim.calibration.systems import SYSTEMS, System
from bprocsim.posix.image import program
from bprocsim.units import s
from bprocsim.world.cluster import Cluster

_ROUNDS = 10


def one_way(system: System, memory_bytes: int) -> float:
    """Let a process of so much memory move between two slaves by bproc_move; gives seconds for one way."""
    told: list[int] = []

    @program(memory_bytes=memory_bytes)
    def mover(proc: Any) -> Iterator[Any]:
        """Go there and come back, again and again."""
        yield from proc.bproc_move(0)
        began_ns = cluster.sim.now_ns
        for _ in range(_ROUNDS):
            yield from proc.bproc_move(1)
            yield from proc.bproc_move(0)
        told.append(cluster.sim.now_ns - began_ns)

    cluster = Cluster([system.node] * 2, costs=system.costs, master=system.front, edition=BPROC.edition)
    cluster.install("/usr/bin/mover", mover)
    cluster.execve("/usr/bin/mover").check()
    return told[0] / (2 * _ROUNDS) / s


def ping_pong() -> Comparison:
    """Hold the measured time of one move, half of a round trip, against the simulated one."""
    [point] = (each for each in points() if is_ping_pong(each))
    return Comparison(point, one_way(SYSTEMS[point.system], point.image_bytes))


def is_ping_pong(point: Point) -> bool:
    """Tell whether a point is no launch, but a move to and fro."""
    return point.mode.startswith("move ping-pong")
