"""A partition, its dispatcher and threads that compute, on an engine and with nothing else."""

from __future__ import annotations

from typing import Any

from bprocsim.aix.dispatch import Dispatcher
from bprocsim.aix.levels import LEVELS
from bprocsim.aix.models import MODELS
from bprocsim.aix.partition import Partition
from bprocsim.aix.placement import Attached, ProcessPlacement, ThreadPlacement, eligible
from bprocsim.aix.topology import Topology
from bprocsim.engine import Engine
from bprocsim.port import Steps, Waiter, Why
from bprocsim.posix.procs import Process, Thread
from bprocsim.units import ms


class Bench:
    """Cores of a model, and threads on them: `done_ns` when each has ended its works, one after the other.

    `given_ps` the work that threads have had; `busy_ns`, `done_ps` what each processor did, counted apart.
    """

    def __init__(self, cpu: str = "POWER5", cores: int = 1, smt: int = 0, srads: int = 1) -> None:
        model = MODELS[cpu]
        self.partition = Partition(LEVELS["7.1"], model, Topology(cores, smt or model.smt, srads))
        self.engine = Engine()
        self.dispatcher = Dispatcher(self.partition, 50 * ms)
        self.threads: list[Thread] = []
        self.done_ns: dict[Thread, list[int]] = {}
        self.given_ps = 0
        self.busy_ns = [0] * self.partition.online.bit_length()
        self.done_ps = list(self.busy_ns)
        self._looked_ns = 0
        self._ran: list[int] = []

    def thread(self, *works_ns: int, at_ns: int = 0, allowed: int = 0, srad: int | None = None) -> Thread:
        """Start a thread that computes; `allowed` the set that it is attached to, none if 0."""
        thread = Thread(Process(1001 + len(self.threads), None))
        if allowed:
            thread.process.placement = ProcessPlacement(effective=Attached(allowed))
        if srad is not None:
            thread.placement = ThreadPlacement(srad=srad)
        self.threads.append(thread)
        self.done_ns[thread] = []
        self.engine.start(self._computes(thread, works_ns, at_ns))
        return thread

    def _computes(self, thread: Thread, works_ns: tuple[int, ...], at_ns: int) -> Steps:
        if at_ns:
            yield self.engine.sleep(at_ns)
        for work_ns in works_ns:
            left_ns, why = work_ns, Why.SIGNAL
            while left_ns and why is Why.SIGNAL:
                thread.waiting = waiter = Waiter("compute", self.engine.now_ns, thread=thread)
                why = yield self.engine.busy(self.dispatcher, waiter, left_ns)  # type: ignore[arg-type]
                thread.waiting = None
                self.given_ps += (left_ns - waiter.left_ns) * 1000
                left_ns = waiter.left_ns
            if left_ns:
                return  # killed
            self.done_ns[thread].append(self.engine.now_ns)

    def interrupt(self, thread: Thread, why: Why = Why.SIGNAL) -> None:
        """Take a thread off what it computes: by a signal it goes on later, else never."""
        waiter: Any = thread.waiting
        if waiter is not None and waiter.queue is not None:
            waiter.queue.leave(waiter)
            self.engine.wake(waiter, why)

    def attach(self, thread: Thread, allowed: int) -> None:
        """Attach a thread's process to a set while it runs."""
        thread.process.placement = ProcessPlacement(effective=Attached(allowed))
        self.partition.changed([thread])

    def run(self, until_ns: int | None = None) -> None:
        """Let time pass, up to an instant, or until nobody computes any more, and check everything after each event."""
        self.engine.run(self._look, until_ns)

    def _look(self) -> bool:
        """Assert what holds between two events, and count on our own what processors do."""
        dispatcher, partition = self.dispatcher, self.partition
        topology, speeds = partition.topology, partition.model.speeds
        passed_ns = self.engine.now_ns - self._looked_ns
        cores = [topology.core_of(processor) for processor in self._ran]
        for processor, core in zip(self._ran, cores, strict=True):
            self.busy_ns[processor] += passed_ns
            self.done_ps[processor] += passed_ns * speeds[cores.count(core) - 1]
        self._looked_ns, self._ran = self.engine.now_ns, sorted(dispatcher.running)
        idle = partition.online
        for processor, job in dispatcher.running.items():
            idle &= ~(1 << processor)
            allowed = eligible(partition, job.waiter.thread)
            assert allowed >> processor & 1, f"{processor} is forbidden to {job.waiter.thread.process.pid}"
        for thread in self.threads:
            if thread.waiting is not None and thread.waiting.queue is dispatcher:
                waits = dispatcher.processor_of(thread) < 0
                assert not (waits and idle & eligible(partition, thread)), f"{thread.process.pid} waits, {idle:b} idle"
        return False

    def assert_conserved(self) -> None:
        """Assert that what the processors did is what threads were given, to the picosecond; nobody runs any more."""
        dispatcher = self.dispatcher
        assert (dispatcher.running, dispatcher.waiting, dispatcher.cores.busy) == ({}, 0, 0)
        assert (dispatcher._groups, dispatcher._roaming, dispatcher._homing) == ({}, {}, 0), "nothing is kept of them"
        assert dispatcher.busy_ns == self.busy_ns
        assert dispatcher.work_ps == self.done_ps
        assert sum(self.done_ps) == self.given_ps + sum(dispatcher.credit_ps.values())
        assert all(0 < credit_ps < 1000 for credit_ps in dispatcher.credit_ps.values())

    def where(self) -> dict[int, int]:
        """Tell on which processor each thread runs, by their numbers: 0 the first one made."""
        found = {number: self.dispatcher.processor_of(thread) for number, thread in enumerate(self.threads)}
        return {number: processor for number, processor in found.items() if processor >= 0}
