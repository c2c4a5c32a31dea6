"""What is promised of large clusters: idle nodes, messages, children, and what a process or a node weighs."""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Callable, Iterator

import bprocsim as bp
from bprocsim.faces.calls import Call
from bprocsim.units import s
from tests.benchmarks.measuring import ROUNDS, Promise, bare_timeouts, in_timeouts, seconds

_DAY_NS = 24 * 3600 * s


def idle_day() -> tuple[float, str]:
    """Let 10,000 nodes idle for a day, on which one hangs and is found."""
    best, best_t, events = float("inf"), float("inf"), 0
    for round_ in range(ROUNDS):
        best_t = min(best_t, seconds(bare_timeouts, 20_000))
        began = time.perf_counter()
        cluster = bp.Cluster(nodes=10_000)
        cluster.inject(bp.Hang(4711, at_ns=_DAY_NS // 2 + round_ * 7_654_321_987))
        cluster.sim.run(until_ns=_DAY_NS)
        best = min(best, time.perf_counter() - began)
        assert cluster.nodes[4711].state == "down"
        events = cluster.sim.engine.events
    return best / best_t, f"{events} events"


def message() -> tuple[float, str]:
    """Send a message from one node's daemon to another's."""
    cluster = bp.Cluster(nodes=4, trace="off")
    master, ends = cluster.bpmaster, (cluster.machine(1), cluster.machine(2))

    def action(count: int) -> None:
        left = count

        def hop() -> None:
            nonlocal left
            left -= 1
            if left:
                master.tell(ends[left % 2], ends[1 - left % 2], "PING", hop)

        hop()
        cluster.sim.run()
        assert left == 0

    return in_timeouts(action, 3000), "from daemon to daemon"


def _stays(proc: bp.Proc) -> Iterator[object]:
    yield from proc.pause()


def _wait_among(others: int) -> float:
    """Fork and wait, beside so many children who stay; gives the seconds that one takes."""
    cluster, times = bp.Cluster(nodes=1, trace="off"), list[float]()

    def parent(proc: bp.Proc) -> Iterator[object]:
        for _ in range(others):
            yield from proc.fork(_stays)
        for _ in range(ROUNDS):
            began = time.perf_counter()
            for _ in range(100):
                yield from proc.fork(lambda child: 0)
                yield from proc.wait()
            times.append((time.perf_counter() - began) / 100)
        yield from proc.kill(0, bp.SIGKILL)

    cluster.install("/bin/parent", parent)
    assert cluster.execve("/bin/parent").signal == bp.SIGKILL
    return min(times)


def wait_among_many() -> tuple[float, str]:
    """Compare a fork and a wait beside 4,096 other children with those beside 16."""
    few = min(_wait_among(16) for _ in range(3))
    many = min(_wait_among(4096) for _ in range(2))
    return many / few, f"{few * 1e6:.0f} us and {many * 1e6:.0f} us"


def _weigh(start: Callable[[bp.BprocProc], Call[int]], count: int = 300) -> float:
    """Weigh a process that waits, in bytes by tracemalloc: so many are started, and as many before them."""
    cluster, marks = bp.Cluster(nodes=50, trace="off"), list[int]()

    def parent(proc: bp.BprocProc) -> Iterator[object]:
        for _ in range(2):
            for _ in range(count):
                yield from start(proc)
            yield from proc.sleep(s)
            gc.collect()
            if not marks:
                tracemalloc.start()
            marks.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        yield from proc.kill(0, bp.SIGKILL)

    cluster.install("/bin/stays", _stays)
    cluster.install("/bin/parent", parent)
    for node in cluster.nodes:
        node.fs.exists("/bin/sh")
    cluster.execve("/bin/parent")
    return (marks[1] - marks[0]) / count


def local_process() -> tuple[float, str]:
    """Weigh a process that was forked, and waits."""
    return _weigh(lambda proc: proc.fork(_stays)), "bytes, by tracemalloc"


def remote_process() -> tuple[float, str]:
    """Weigh a process that was moved to a node by execmove, and waits."""

    def goes(proc: bp.BprocProc) -> Iterator[object]:
        yield from proc.bproc_execmove(proc.pid % 50, "/bin/stays", ["stays"], {})

    return _weigh(lambda proc: proc.fork(goes)), "bytes, its ghost and its connection included"


PROMISES = (
    Promise("10,000 nodes for a day", 50_000, "T", idle_day),
    Promise("message between nodes", 4, "T", message),
    Promise("wait among 4,096 children", 1.3, "x", wait_among_many),
    Promise("forked process", 8192, "B", local_process),
    Promise("remote process", 8192, "B", remote_process),
)
