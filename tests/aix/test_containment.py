"""Whatever programs and their keepers do: sets lie within sets, exclusive use is what sysxrset says, work is conserved.

Programs take orders: to fork, to become another image, to attach themselves, to make threads, to
compute. Nothing but public calls is used, from inside and from outside.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import bprocsim as bp
from bprocsim.aix.work import tid_of
from bprocsim.testing.machines import placementlaws
from bprocsim.units import ms

CORES = 3
WHO = st.integers(0, 40)
BITS = st.integers(0, (1 << 2 * CORES) - 1)
FLAGS = st.sampled_from((0, 0, bp.R_ATTACH_STRSET))

Order = Callable[[bp.AixProc], Any]


class Containment(RuleBasedStateMachine):
    """Processes that fork, exec and make threads, while sets, bindings and processors change around them."""

    @initialize(cpu=st.sampled_from(("POWER5", "POWER7")), affinity=st.booleans())
    def build(self, cpu: str, affinity: bool) -> None:
        self.lpar = bp.Lpar(CORES, 2, cpu=cpu, strict=True, enhanced_affinity=affinity and cpu == "POWER7")
        self.attacher = self.lpar.user("attacher", 500, 500, capabilities={"CAP_NUMA_ATTACH", "CAP_PROPAGATE"})
        self.orders: dict[int, deque[Order]] = {}
        self.threads: list[Any] = []  # all that ever were, so that nobody's credit is forgotten
        self.exclusive: dict[str, int] = {}
        self.forced = False  # an exec or an exit has ended other threads
        self.lpar.install("/usr/bin/works", self.works)
        self.begin(False)

    # ---- programs ----

    def works(self, proc: bp.AixProc) -> Iterator[Any]:
        """Do what is ordered, and wait for more."""
        pid = proc.getpid()
        orders = self.orders.setdefault(int(pid), deque())
        self.threads.append(proc.thread)
        while True:
            while orders:
                try:
                    yield from orders.popleft()(proc)
                except bp.CallError:
                    continue
            yield from proc.sleep(1 * ms)

    def computes(self, proc: bp.AixProc) -> Iterator[Any]:
        self.threads.append(proc.thread)
        yield from proc.compute(7 * ms + 333)

    def alive(self) -> list[Any]:
        return [each for each in self.lpar.machine.processes.values() if each.ended is None]

    def one(self, number: int) -> Any:
        alive = self.alive()
        return alive[number % len(alive)] if alive else None

    def order(self, number: int, order: Order, *, ends_threads: bool = False) -> None:
        process = self.one(number)
        if process is not None:
            self.forced |= ends_threads and len(process.threads) > 1
            self.orders[process.pid].append(order)
            self.lpar.sleep(0.003)

    def some(self, bits: int) -> bp.Rset:
        return self.lpar.rset([number for number in range(2 * CORES) if bits >> number & 1])

    @rule(root=st.booleans())
    def begin(self, root: bool) -> None:
        if len(self.alive()) < 6:
            self.lpar.popen("/usr/bin/works", user=None if root else self.attacher)
            self.lpar.sleep(0.003)

    # ---- from inside ----

    @rule(number=WHO)
    def fork(self, number: int) -> None:
        if len(self.alive()) < 6:
            self.order(number, lambda proc: proc.fork(self.works))

    @rule(number=WHO, bits=BITS, flags=FLAGS)
    def ra_fork(self, number: int, bits: int, flags: int) -> None:
        if len(self.alive()) < 6:
            self.order(number, lambda proc: proc.ra_fork(bp.R_RSET, self.some(bits), flags, self.works))

    @rule(number=WHO, bits=BITS, flags=FLAGS, srad=st.booleans())
    def ra_exec(self, number: int, bits: int, flags: int, srad: bool) -> None:
        rstype, rsid = (bp.R_SRADID, 0) if srad else (bp.R_RSET, self.some(bits))
        self.order(
            number,
            lambda proc: proc.ra_execve(rstype, rsid, 0 if srad else flags, "/usr/bin/works", ["works"], {}),
            ends_threads=True,
        )

    @rule(number=WHO)
    def execve(self, number: int) -> None:
        self.order(number, lambda proc: proc.execve("/usr/bin/works", ["works"], {}), ends_threads=True)

    @rule(number=WHO)
    def make_thread(self, number: int) -> None:
        self.order(number, lambda proc: proc.thread_create(self.computes))

    @rule(number=WHO, work_ns=st.sampled_from((1, 999, 3 * ms)))
    def compute(self, number: int, work_ns: int) -> None:
        self.order(number, lambda proc: proc.compute(work_ns))

    @rule(number=WHO, bits=BITS, flags=FLAGS, type=st.sampled_from((bp.R_PROCESS, bp.R_THREAD)))
    def attach_itself(self, number: int, bits: int, flags: int, type: int) -> None:
        self.order(number, lambda proc: proc.ra_attachrset(type, bp.RS_MYSELF, self.some(bits), flags))

    @rule(number=WHO)
    def end(self, number: int) -> None:
        self.order(number, lambda proc: proc.exit(0), ends_threads=True)

    # ---- from outside ----

    @rule(number=WHO, bits=BITS, flags=FLAGS)
    def attach_process(self, number: int, bits: int, flags: int) -> None:
        if (process := self.one(number)) is not None:
            self.lpar.ra_attachrset(bp.R_PROCESS, process.pid, self.some(bits), flags)

    @rule(number=WHO, bits=BITS, flags=FLAGS)
    def attach_thread(self, number: int, bits: int, flags: int) -> None:
        if (process := self.one(number)) is not None:
            thread = process.threads[number % len(process.threads)]
            self.lpar.ra_attachrset(bp.R_THREAD, tid_of(thread), self.some(bits), flags)

    @rule(number=WHO, flags=st.sampled_from((0, bp.R_DETACH_ALLTHRDS)))
    def detach(self, number: int, flags: int) -> None:
        if (process := self.one(number)) is not None:
            self.lpar.ra_detachrset(bp.R_PROCESS, process.pid, flags)

    @rule(number=WHO, bits=BITS, flags=FLAGS, away=st.booleans())
    def set_partition(self, number: int, bits: int, flags: int, away: bool) -> None:
        if (process := self.one(number)) is not None:
            self.lpar.set_partition(process.pid, bp.RS_DEFAULT if away else self.some(bits), 0 if away else flags)

    @rule(number=WHO, where=st.integers(-1, 2 * CORES), threads=st.booleans())
    def bind(self, number: int, where: int, threads: bool) -> None:
        if (process := self.one(number)) is not None:
            if threads:
                thread = process.threads[number % len(process.threads)]
                self.lpar.bindprocessor(bp.BINDTHREAD, tid_of(thread), where)
            else:
                self.lpar.bindprocessor(bp.BINDPROCESS, process.pid, where)

    @rule(bits=BITS, name=st.sampled_from("abc"), other=st.booleans())
    def mkrset(self, bits: int, name: str, other: bool) -> None:
        namespace = "other" if other else "sysxrset"
        if not self.lpar.mkrset(f"{namespace}/{name}", self.some(bits)).failed and not other:
            self.exclusive[name] = bits

    @rule(name=st.sampled_from("abc"))
    def rmrset(self, name: str) -> None:
        if not self.lpar.rmrset(f"sysxrset/{name}").failed:
            del self.exclusive[name]

    @rule(core=st.integers(0, CORES - 1), how=st.sampled_from(("dlpar_remove", "dlpar_add", "dlpar_add", "fail")))
    def change_core(self, core: int, how: str) -> None:
        if how == "fail":
            self.lpar.inject(bp.CoreFails(core=core))
        else:
            getattr(self.lpar, how)(core)

    @rule(width=st.sampled_from((1, 2)))
    def smtctl(self, width: int) -> None:
        self.lpar.smtctl(width)

    # ---- what holds always ----

    @invariant()
    def sets_lie_within_sets_and_who_is_bound_has_none(self) -> None:
        if hasattr(self, "lpar"):
            placementlaws.check_containment(self.alive())

    @invariant()
    def exclusive_use_is_what_sysxrset_holds(self) -> None:
        if hasattr(self, "lpar"):
            held = 0
            for bits in self.exclusive.values():
                held |= bits
            assert self.lpar.partition.exclusive == held

    @invariant()
    def nobody_runs_where_he_may_not(self) -> None:
        if hasattr(self, "lpar"):
            placementlaws.check_places(self.lpar, self.alive())

    def teardown(self) -> None:
        """All that was computed is what the processors did, to the picosecond."""
        if not hasattr(self, "lpar"):
            return
        for core in range(CORES):
            self.lpar.dlpar_add(core)
        for process in self.alive():
            self.lpar.ra_detachrset(bp.R_PROCESS, process.pid, bp.R_DETACH_ALLTHRDS).check()
            self.lpar.set_partition(process.pid, bp.RS_DEFAULT).check()
        self.lpar.sleep(2)
        dispatcher = self.lpar.partition.dispatcher
        assert (dispatcher.running, dispatcher.waiting) == ({}, 0)
        given_ns = sum(each.cpu_ns for each in {thread.process: None for thread in self.threads})
        credit_ps = sum(dispatcher.credit_ps.values())
        assert sum(dispatcher.work_ps) >= 1000 * given_ns + credit_ps
        # A process is not charged for what its threads did that are ended by force.
        assert self.forced or sum(dispatcher.work_ps) == 1000 * given_ns + credit_ps


TestContainment = pytest.mark.slow(Containment.TestCase)
TestContainment.settings = settings(max_examples=40, stateful_step_count=40)
