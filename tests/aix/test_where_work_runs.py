"""Whatever is done to sets, bindings and processors: nobody is dispatched where he may not run, and no work is lost.

What is forbidden is worked out a second time, with sets of numbers.
"""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import bprocsim as bp
from bprocsim.aix.dispatch import Dispatcher
from bprocsim.aix.models import MODELS
from bprocsim.aix.work import tid_of
from bprocsim.testing.machines import placementlaws
from bprocsim.units import ms

CORES = 3
NUMBERS = st.integers(0, 40)


class WhereWorkRuns(RuleBasedStateMachine):
    """Programs of one to three threads that compute, while everything about processors changes."""

    @initialize(cpu=st.sampled_from(sorted(MODELS)), smt=st.sampled_from((1, 2)), srads=st.integers(1, CORES))
    def build(self, cpu: str, smt: int, srads: int) -> None:
        affinity = MODELS[cpu].enhanced_affinity
        self.lpar = bp.Lpar(cores=CORES, cpu=cpu, smt=smt, srads=srads, strict=True, enhanced_affinity=affinity)
        self.count = CORES * smt
        self.running: list[Any] = []
        self.names: list[str] = []
        machine, run = self, Dispatcher._run

        def watched(dispatcher: Dispatcher, port: Any, job: Any, processor: int) -> None:
            assert processor in placementlaws.allowed(machine.lpar, job.waiter.thread)
            run(dispatcher, port, job, processor)

        self.patch = mock.patch.object(Dispatcher, "_run", watched)
        self.patch.start()

    def teardown(self) -> None:
        self.patch.stop()

    def one(self, number: int) -> Any:
        """Give one of the processes that live."""
        alive = [each for each in self.running if each.process.ended is None]
        return alive[number % len(alive)].process if alive else None

    def thread(self, number: int) -> Any:
        process = self.one(number)
        return None if process is None else process.threads[number % len(process.threads)]

    def some(self, bits: int) -> bp.Rset:
        return self.lpar.rset([number for number in range(self.count) if bits >> number & 1])

    # ---- work ----

    @rule(threads=st.integers(1, 3), work_ns=st.sampled_from((1, 777, 13 * ms, 2000 * ms)), times=st.integers(1, 4))
    def compute(self, threads: int, work_ns: int, times: int) -> None:
        def work(proc: bp.AixProc) -> Any:
            for _ in range(times):
                yield from proc.compute(work_ns)

        def program(proc: bp.AixProc) -> Any:
            others = []
            for _ in range(threads - 1):
                others.append((yield from proc.thread_create(work)))
            yield from work(proc)
            for each in others:
                yield from proc.thread_join(each)

        started = self.lpar.popen(program)
        started.worth_ns = threads * work_ns * times  # type: ignore[attr-defined]
        self.running.append(started)

    @rule(seconds=st.sampled_from((0.0, 0.001, 0.013, 0.05, 0.2)))
    def let_time_pass(self, seconds: float) -> None:
        self.lpar.sleep(seconds)

    @rule(number=NUMBERS)
    def interrupt(self, number: int) -> None:
        process = self.one(number)
        if process is not None:
            started = next(each for each in self.running if each.process is process)
            started.send_signal(bp.SIGSTOP)
            started.send_signal(bp.SIGCONT)

    # ---- attachments and bindings ----

    @rule(number=NUMBERS, bits=NUMBERS, single=st.booleans())
    def attach_process(self, number: int, bits: int, single: bool) -> None:
        process = self.one(number)
        if process is not None:
            flags = bp.R_ATTACH_STRSET if single else 0
            self.lpar.ra_attachrset(bp.R_PROCESS, process.pid, self.some(bits), flags)

    @rule(number=NUMBERS, bits=NUMBERS)
    def attach_thread(self, number: int, bits: int) -> None:
        thread = self.thread(number)
        if thread is not None:
            self.lpar.ra_attachrset(bp.R_THREAD, tid_of(thread), self.some(bits))

    @rule(number=NUMBERS, srad=st.integers(0, CORES))
    def prefer(self, number: int, srad: int) -> None:
        thread = self.thread(number)
        if thread is not None:
            self.lpar.ra_attach(bp.R_THREAD, tid_of(thread), bp.R_SRADID, srad)

    @rule(number=NUMBERS, flags=st.sampled_from((0, bp.R_DETACH_ALLTHRDS)))
    def detach(self, number: int, flags: int) -> None:
        process = self.one(number)
        if process is not None:
            self.lpar.ra_detachrset(bp.R_PROCESS, process.pid, flags)

    @rule(number=NUMBERS, bits=NUMBERS)
    def set_partition(self, number: int, bits: int) -> None:
        process = self.one(number)
        if process is not None:
            self.lpar.set_partition(process.pid, self.some(bits))

    @rule(number=NUMBERS, where=st.integers(-1, 6))
    def bind(self, number: int, where: int) -> None:
        process = self.one(number)
        if process is not None:
            self.lpar.bindprocessor(bp.BINDPROCESS, process.pid, where)

    # ---- processors ----

    @rule(bits=NUMBERS)
    def mkrset(self, bits: int) -> None:
        name = f"sysxrset/set{len(self.names)}"
        if not self.lpar.mkrset(name, self.some(bits)).failed:
            self.names.append(name)

    @rule(number=NUMBERS)
    def rmrset(self, number: int) -> None:
        if self.names:
            self.lpar.rmrset(self.names[number % len(self.names)])

    @rule(wide=st.booleans())
    def smtctl(self, wide: bool) -> None:
        self.lpar.smtctl(self.lpar.partition.topology.smt if wide else 1)

    @rule(core=st.integers(0, CORES))
    def dlpar_remove(self, core: int) -> None:
        self.lpar.dlpar_remove(core)

    @rule(core=st.integers(0, CORES))
    def dlpar_add(self, core: int) -> None:
        self.lpar.dlpar_add(core)

    @rule(core=st.integers(0, CORES))
    def deallocate(self, core: int) -> None:
        self.lpar.deallocate(core)

    @rule(core=st.integers(0, CORES - 1))
    def fail(self, core: int) -> None:
        self.lpar.inject(bp.CoreFails(core=core))

    # ---- what holds always ----

    @invariant()
    def who_runs_may_and_who_waits_may_not(self) -> None:
        if not hasattr(self, "lpar"):
            return
        placementlaws.check_places(self.lpar, [each.process for each in self.running])

    @rule()
    def let_all_end(self) -> None:
        """With all cores back, all work ends, and it is as much as was asked for."""
        for core in range(CORES):
            self.lpar.dlpar_add(core)
        for started in self.running:
            assert started.wait() == 0
            assert started.process.cpu_ns == started.worth_ns
        dispatcher = self.lpar.partition.dispatcher
        assert (dispatcher.running, dispatcher.waiting, dispatcher._roaming) == ({}, 0, {})
        worth_ps = 1000 * sum(started.worth_ns for started in self.running)
        assert 0 <= sum(dispatcher.work_ps) - worth_ps < 1000 * 3 * max(1, len(self.running))


TestWhereWorkRuns = pytest.mark.slow(WhereWorkRuns.TestCase)
TestWhereWorkRuns.settings = settings(max_examples=60, stateful_step_count=40)
