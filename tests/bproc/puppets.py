"""Processes on strings: each does what a test orders, one call after the other, and tells what came of it."""

from __future__ import annotations

from typing import Any

from attrs import define, evolve, field

import bprocsim as bp
from bprocsim.engine import Engine
from bprocsim.engine.shuffling import ShuffledEngine
from bprocsim.posix.procs import Process
from bprocsim.units import ms
from tests.bproc.worlds import Steps

PING_TIMEOUT_NS = 40 * ms
POLL_NS = 2 * ms
COSTS = evolve(
    bp.costs["clustermatic-2002"], node_connect_ns=5 * ms, node_up_ns=3 * ms, node_shutdown_ns=4 * ms,
    tcp_retries_ns=(30 * ms, 60 * ms),
)  # fmt: skip
PATH = "/bin/puppet"


@define
class Theatre:
    """A cluster of puppets, in which little time passes before a silent node is missed.

    `orders` what each is to do; `born` all there have been, in order; `waited` of whom somebody was told,
    and by whom; `by_pid` who bears a number, or was the last to; `wrong` what they
    were told that is not true.
    """

    cluster: bp.Cluster
    orders: dict[Process, list[tuple[Any, ...]]] = field(factory=dict)
    born: list[Process] = field(factory=list)
    waited: dict[Process, Process] = field(factory=dict)
    by_pid: dict[int, Process] = field(factory=dict)
    wrong: list[str] = field(factory=list)

    @classmethod
    def build(cls, seed: int, edition: str, nodes: int = 3) -> Theatre:
        """Build a cluster with an order of events of its own."""
        quick = evolve(bp.editions[edition], ping_timeout_ns=PING_TIMEOUT_NS)
        made = bp.Cluster(nodes=nodes, seed=seed, edition=quick, costs=COSTS, trace="errors", order="random")
        theatre = cls(made)
        made.install(PATH, theatre.play, on="master,all")
        return theatre

    def start(self) -> None:
        """Start a puppet on the master that is nobody's child."""
        self.cluster.popen([PATH])

    def alive(self) -> list[Process]:
        """Give those that live, the eldest first."""
        return [each for each in self.born if each.ended is None]

    def order(self, process: Process, *what: Any) -> None:
        """Say what a puppet does next, once it has done what it was told before."""
        self.orders[process].append(what)

    def play(self, proc: bp.BprocProc) -> Steps:
        """Do what is ordered until one of the orders is to exit."""
        process: Process = proc.thread.process
        if process not in self.orders:
            self.orders[process] = []
            self.born.append(process)
            self.by_pid[proc.pid] = process
        orders = self.orders[process]
        while True:
            try:
                if not orders:
                    yield from proc.sleep(POLL_NS)
                    continue
                name, *args = orders.pop(0)
                if name == "exit":
                    return args[0]
                result = yield from getattr(self, f"_{name}")(proc, *args)
            except bp.CallError:
                continue
            if isinstance(result, bp.Waited) and not result.stopped:
                self.wrong += self._told(process, result)

    def _told(self, parent: Process, result: bp.Waited) -> list[str]:
        """Note of whom somebody was told; gives what is wrong with it."""
        child, told = self.by_pid[result.pid], (result.exit_status, result.signal)
        wrong = []
        if child in self.waited:
            wrong.append(f"{child.pid} was waited for twice")
        if child.parent is not parent:
            wrong.append(f"{parent.pid} was told of {child.pid}, which is no child of it")
        if child.ended is None or told != (child.ended.exit_status, child.ended.signal):
            wrong.append(f"{parent.pid} was told {result} of one that ended as {child.ended}")
        self.waited[child] = parent
        return wrong

    # ---- what may be ordered ----

    def _fork(self, proc: bp.BprocProc) -> Steps:
        return (yield from proc.fork(self.play))

    def _rfork(self, proc: bp.BprocProc, node: int) -> Steps:
        return (yield from proc.bproc_rfork(node, self.play))

    def _move(self, proc: bp.BprocProc, node: int) -> Steps:
        return (yield from proc.bproc_move(node))

    def _execmove(self, proc: bp.BprocProc, node: int) -> Steps:
        return (yield from proc.bproc_execmove(node, PATH, ["puppet"], {}))

    def _rexec(self, proc: bp.BprocProc, node: int) -> Steps:
        return (yield from proc.bproc_rexec(node, PATH, ["puppet"], {}))

    def _vrfork(self, proc: bp.BprocProc, *nodes: int) -> Steps:
        def child(proc: bp.BprocProc, _index: int) -> Steps:
            return (yield from self.play(proc))

        return (yield from proc.bproc_vrfork(len(nodes), list(nodes), [0] * len(nodes), child))

    def _vexecmove(self, proc: bp.BprocProc, *nodes: int) -> Steps:
        count = len(nodes)
        return (yield from proc.bproc_vexecmove(count, list(nodes), [0] * count, PATH, ["puppet"], {}))

    def _wait(self, proc: bp.BprocProc, options: int) -> Steps:
        return (yield from proc.waitpid(-1, options))

    def _kill(self, proc: bp.BprocProc, pid: int, signum: int) -> Steps:
        return (yield from proc.kill(pid, signum))

    def _group(self, proc: bp.BprocProc) -> Steps:
        return (yield from proc.setpgid(0, 0))

    def _session(self, proc: bp.BprocProc) -> Steps:
        return (yield from proc.setsid())

    def _pipe(self, proc: bp.BprocProc) -> Steps:
        """Make a pipe and leave it open."""
        return (yield from proc.pipe())

    def _talk(self, proc: bp.BprocProc) -> Steps:
        """Write a line on stdout, wherever that leads."""
        return (yield from proc.write(1, b"x" * 100))


def watch_messages(monkeypatch: Any) -> list[str]:
    """Check of every message that it takes its time and overtakes none; gives what is wrong, as it comes."""
    wrong = list[str]()
    sent, delivered = dict[int, int](), dict[int, int]()
    for engine in (Engine, ShuffledEngine):
        monkeypatch.setattr(engine, "send", _watched(engine.send, wrong, sent, delivered))
    return wrong


def _watched(real: Any, wrong: list[str], sent: dict[int, int], delivered: dict[int, int]) -> Any:
    def send(self: Engine, link: Any, size_bytes: int, act: Any, args: tuple[Any, ...] = ()) -> None:
        if getattr(act, "watched", False):
            real(self, link, size_bytes, act)  # kept while the link was cut, and sent again
            return
        began_ns, number = self.now_ns, sent.get(id(link), 0)
        sent[id(link)] = number + 1

        def arrive() -> None:
            if self.now_ns < began_ns + link.latency_ns:
                wrong.append(f"{link.name}: sent at {began_ns}, there at {self.now_ns}")
            if delivered.get(id(link), -1) >= number:
                wrong.append(f"{link.name}: message {number} came after {delivered[id(link)]}")
            delivered[id(link)] = number
            act(*args)

        arrive.watched = True  # type: ignore[attr-defined]
        real(self, link, size_bytes, arrive)

    return send
