"""What is promised of clusters, of their calls, and of the package as a whole."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import bprocsim as bp
from bprocsim.posix.credentials import ROOT
from bprocsim.posix.paths import walk
from bprocsim.posix.profiles import DOCUMENTED
from tests.benchmarks.measuring import ROUNDS, Promise, events_of, in_timeouts, ratio


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
    events = events_of(cluster, lambda: cluster.bproc_execmove(2, "/usr/bin/nothing"))

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
    events = events_of(cluster, lambda: cluster.bproc_execmove(2, "/usr/bin/two"))

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

    return ratio(by_session, direct, 300), "execve, ENOENT, raised"


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

    return ratio(by_session, direct, 100, open_sessions), "execve that succeeds"


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
