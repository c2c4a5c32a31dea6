"""Measure what the project promises, as ratios against bare SimPy in the same run.

T is one `yield env.timeout(1)` in one process. Each thing is measured in nine rounds, each round
right after a round of T, and the best of both counts. Run it with the environment's Python:
`python tests/benchmarks` (or `python3 tests --only benchmarks`); name some to run only those.
"""

from __future__ import annotations

import gc
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import simpy
from attrs import frozen

import bprocsim as bp
from bprocsim.posix.credentials import ROOT
from bprocsim.posix.paths import walk
from bprocsim.posix.profiles import DOCUMENTED

ROUNDS = 9


@frozen
class Promise:
    """One promise: at most `limit`, in `unit`; `measure` gives the figure and a remark."""

    name: str
    limit: float
    unit: str
    measure: Callable[[], tuple[float, str]]


def seconds(action: Callable[[int], None], count: int) -> float:
    """Time `count` repetitions of an action, per repetition."""
    began = time.perf_counter()
    action(count)
    return (time.perf_counter() - began) / count


def bare_timeouts(count: int) -> None:
    """Let one process of bare SimPy wait `count` times."""

    def process(env: simpy.Environment) -> Generator[simpy.Event, object, None]:
        for _ in range(count):
            yield env.timeout(1)

    env = simpy.Environment()
    env.process(process(env))
    env.run()


def in_timeouts(action: Callable[[int], None], count: int) -> float:
    """Measure an action in T: the best of nine rounds, interleaved with rounds of T."""
    action(max(1, count // 10))
    best, best_t = float("inf"), float("inf")
    gc.collect()
    for _ in range(ROUNDS):
        best_t = min(best_t, seconds(bare_timeouts, 20_000))
        best = min(best, seconds(action, count))
    return best / best_t


# ---- what is measured ----------------------------------------------------------------------------


def build_cluster() -> tuple[float, str]:
    """Build a small cluster."""

    def action(count: int) -> None:
        for _ in range(count):
            bp.Cluster(nodes=4)

    return in_timeouts(action, 300), ""


def build_large_cluster() -> tuple[float, str]:
    """Build a cluster of a thousand nodes, none of them touched."""

    def action(count: int) -> None:
        for _ in range(count):
            bp.Cluster(nodes=1000)

    return in_timeouts(action, 300), "lazy"


def refused_call() -> tuple[float, str]:
    """Make a direct call that is refused with ENOENT."""
    cluster = bp.Cluster(nodes=4)
    events = _events(cluster, lambda: cluster.bproc_execmove(2, "/usr/bin/nothing"))

    def action(count: int) -> None:
        for _ in range(count):
            cluster.bproc_execmove(2, "/usr/bin/nothing")

    return in_timeouts(action, 300), f"{events} event(s)"


def successful_call() -> tuple[float, str]:
    """Make a direct bproc_execmove whose program writes twice."""
    cluster = bp.Cluster(nodes=4)

    def program(proc: bp.Proc) -> Iterator[object]:
        yield from proc.write(1, b"one\n")
        yield from proc.write(1, b"two\n")

    cluster.install("/usr/bin/two", program)
    assert cluster.bproc_execmove(2, "/usr/bin/two").stdout == b"one\ntwo\n"
    events = _events(cluster, lambda: cluster.bproc_execmove(2, "/usr/bin/two"))

    def action(count: int) -> None:
        for _ in range(count):
            cluster.bproc_execmove(2, "/usr/bin/two")

    return in_timeouts(action, 100), f"{events} events"


def session_call() -> tuple[float, str]:
    """Make a refused execve from a session, against the same direct call."""
    cluster = bp.Cluster(nodes=4)
    session = cluster.session()
    asked = ("/usr/bin/nothing", ["nothing"], {"PATH": "/bin"})

    def direct(count: int) -> None:
        for _ in range(count):
            cluster.execve(*asked)

    def by_session(count: int) -> None:
        execve: Callable[..., object] = session.execve
        for _ in range(count):
            try:
                execve(*asked)
            except FileNotFoundError:
                continue

    return _ratio(by_session, direct, 300), "execve, ENOENT, raised"


def session_exec() -> tuple[float, str]:
    """Become a program from a session that is open, against the direct call that does the same."""
    cluster = bp.Cluster(nodes=4)
    cluster.install("/usr/bin/hello", lambda proc: 0)
    asked = ("/usr/bin/hello", ["hello"], {"PATH": "/bin"})
    calls: list[Callable[..., object]] = []

    def open_sessions(count: int) -> None:
        calls[:] = [cluster.session().execve for _ in range(count)]

    def direct(count: int) -> None:
        for _ in range(count):
            cluster.execve(*asked)

    def by_session(count: int) -> None:
        for execve in calls:
            try:
                execve(*asked)
            except bp.Replaced:
                continue

    return _ratio(by_session, direct, 100, open_sessions), "execve that succeeds"


def _ratio(
    ours: Callable[[int], None],
    theirs: Callable[[int], None],
    count: int,
    before_ours: Callable[[int], None] = lambda count: None,
) -> float:
    """Compare two actions: the best of nine rounds each, in turns; what comes before ours is not timed."""
    before_ours(count)
    ours(count)
    theirs(count)
    best, best_theirs = float("inf"), float("inf")
    gc.collect()
    for _ in range(ROUNDS):
        best_theirs = min(best_theirs, seconds(theirs, count))
        before_ours(count)
        best = min(best, seconds(ours, count))
    return best / best_theirs


def _events(cluster: bp.Cluster, action: Callable[[], object]) -> int:
    before = cluster.sim.engine.events
    action()
    return cluster.sim.engine.events - before


def path_walk() -> tuple[float, str]:
    """Walk a path of depth three."""
    cluster = bp.Cluster(nodes=4)
    cluster.install("/usr/bin/hello", lambda proc: None)
    tree = cluster.machine(-1).tree

    def action(count: int) -> None:
        for _ in range(count):
            walk(tree, tree.root, b"/usr/bin/hello", ROOT, DOCUMENTED.paths)

    return in_timeouts(action, 3000), "/usr/bin/hello"


def touched_node() -> tuple[float, str]:
    """Weigh an idle node of which every part was touched."""
    cluster = bp.Cluster(nodes=600)

    def touch(numbers: range) -> None:
        for number in numbers:
            node = cluster.nodes[number]
            _ = (node.fs, node.processes, node.processors, node.memory, node.sockets, node.state)
            node.fs.exists("/usr/bin/sh")

    touch(range(100))
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    touch(range(100, 600))
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return grown / 500, "bytes, by tracemalloc"


_FIRST = "import bprocsim as bp; bp.Cluster(nodes=4).bproc_execmove(2, '/usr/bin/nothing')"
_BASE = """
import simpy, attrs
def process(env):
    yield env.timeout(1)
env = simpy.Environment()
env.process(process(env))
env.run()
"""


def first_answer() -> tuple[float, str]:
    """Start a fresh interpreter up to its first answer, against simpy and attrs with one event."""
    top = Path(__file__).resolve().parent.parent.parent

    def once(code: str) -> float:
        began = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, cwd=top)
        return time.perf_counter() - began

    once(_FIRST)
    base, ours = float("inf"), float("inf")
    for _ in range(ROUNDS):
        base, ours = min(base, once(_BASE)), min(ours, once(_FIRST))
    return ours / base, f"{ours * 1e3:.0f} ms against {base * 1e3:.0f} ms"


def ten_thousand_calls() -> tuple[float, str]:
    """Make 10,000 direct calls in one world: how much memory grows after the first 1,000."""
    cluster = bp.Cluster(nodes=4)
    cluster.install("/usr/bin/hello", lambda proc: 0)

    def calls(count: int) -> float:
        began = time.perf_counter()
        for number in range(count):
            cluster.bproc_execmove(2, "/usr/bin/hello" if number % 2 else "/usr/bin/nothing")
        return (time.perf_counter() - began) / count

    tracemalloc.start()
    calls(1000)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    calls(8000)
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return 100 * (after - before) / before, f"per cent, {before // 1024} KiB after 1,000"


def last_of_many() -> tuple[float, str]:
    """Compare what the last calls of 10,000 cost with what the first did."""
    cluster = bp.Cluster(nodes=4)

    def calls(count: int) -> float:
        best = float("inf")
        for _ in range(count // 100):
            began = time.perf_counter()
            for _ in range(100):
                cluster.bproc_execmove(2, "/usr/bin/nothing")
            best = min(best, time.perf_counter() - began)
        return best

    calls(300)
    first = calls(1000)
    calls(8000)
    return calls(1000) / first, "last 1,000 against first 1,000"


def scenario() -> tuple[float, str]:
    """Load a scenario of 200 lines: from its bytes to a world that is built."""
    from bprocsim.scenario.build import build
    from bprocsim.scenario.load import load

    text = "schema = 1\nseed = 7\n[cluster]\nnodes = 8\n"
    text += "".join(f'[[file]]\npath = "/bin/p{number}"\nprogram = "hello"\nmode = 0o755\n' for number in range(20))
    text += "".join(
        f'[[call]]\ncall = "bproc_execmove"\nnode = {number % 8}\ncmd = "/bin/p{number}"\n'
        'argv = ["a", "b"]\nexpect = { exit_status = 0, cause = "none" }\n'
        for number in range(20)
    )
    data = text.encode()
    times = []
    for _ in range(ROUNDS + 1):
        began = time.perf_counter()
        build(load(data, "scenario.toml", Path()))
        times.append((time.perf_counter() - began) * 1e3)
    return min(times), f"ms, {len(text.splitlines())} lines; the first time {times[0]:.0f} ms, cattrs' code included"


PROMISES = (
    Promise("build Cluster(nodes=4)", 40, "T", build_cluster),
    Promise("build Cluster(nodes=1000)", 80, "T", build_large_cluster),
    Promise("refused direct call", 20, "T", refused_call),
    Promise("execmove with two writes", 150, "T", successful_call),
    Promise("session, refused execve", 1.5, "x", session_call),
    Promise("session, execve succeeds", 1.5, "x", session_exec),
    Promise("path walk of depth 3", 3, "T", path_walk),
    Promise("touched idle node", 4096, "B", touched_node),
    Promise("first answer", 1.6, "x", first_answer),
    Promise("memory after 10,000 calls", 5, "%", ten_thousand_calls),
    Promise("cost of the last call", 1.1, "x", last_of_many),
    Promise("load a scenario", 50, "ms", scenario),
)


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
