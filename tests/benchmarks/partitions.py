"""What is promised of AIX partitions: building one, ra_exec, resource sets, and many processes on many cores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import bprocsim as bp
from bprocsim.aix.rset import st_set
from bprocsim.aix.topology import Topology
from tests.benchmarks.measuring import Promise, events_of, in_timeouts


def build_partition() -> tuple[float, str]:
    """Build a partition of four cores."""

    def action(count: int) -> None:
        for _ in range(count):
            bp.Lpar(cores=4, smt=2)

    return in_timeouts(action, 300), ""


def _partition() -> tuple[bp.Lpar, bp.Rset]:
    lpar = bp.Lpar(cores=4, smt=2)
    return lpar, lpar.rset("0-3")


def _repeated(made: Callable[[], object], count: int) -> float:
    def action(times: int) -> None:
        for _ in range(times):
            made()

    return in_timeouts(action, count)


def refused_ra_exec() -> tuple[float, str]:
    """Make an ra_exec whose attachment is refused."""
    lpar, rset = _partition()

    def call() -> bp.Outcome:
        return lpar.ra_execve(bp.R_RSET, rset, bp.R_ATTACH_STRSET, "/bin/sh")

    assert call().cause == "not_exclusive"
    return _repeated(call, 300), f"{events_of(lpar, call)} event(s), EINVAL"


def absent_ra_exec() -> tuple[float, str]:
    """Make an ra_exec whose exec is refused."""
    lpar, rset = _partition()

    def call() -> bp.Outcome:
        return lpar.ra_execve(bp.R_RSET, rset, 0, "/usr/bin/nothing")

    assert call().errno is bp.Errno.ENOENT
    return _repeated(call, 300), f"{events_of(lpar, call)} event(s), ENOENT"


def successful_ra_exec() -> tuple[float, str]:
    """Make an ra_exec whose program ends at once."""
    lpar, rset = _partition()

    def call() -> bp.Outcome:
        return lpar.ra_execve(bp.R_RSET, rset, 0, "/usr/bin/nothing")

    lpar.install("/usr/bin/nothing", lambda proc: 0)
    assert call().exit_status == 0
    return _repeated(call, 100), f"{events_of(lpar, call)} events"


def rs_op() -> tuple[float, str]:
    """Unite two sets by the call, with its table of errors and its Outcome."""
    lpar, rset = _partition()
    other = lpar.rset("2-5")
    return _repeated(lambda: lpar.rs_op(bp.RS_UNION, other, rset), 1000), "RS_UNION"


def pure_union() -> tuple[float, str]:
    """Unite two sets as values."""
    first, second = bp.Rset(0b1111), bp.Rset(0b111100)

    def action(count: int) -> None:
        for _ in range(count):
            first.processors | second.processors

    return in_timeouts(action, 10_000), "sets as ints"


def large_st_set() -> tuple[float, str]:
    """Make the ST set of 1,024 logical processors."""
    topology = Topology(128, 8)
    everything = topology.everything

    def action(count: int) -> None:
        for _ in range(count):
            st_set(everything, everything, topology)

    return in_timeouts(action, 1000), "128 cores, SMT8"


def _crowd(processes: int) -> float:
    """Let so many processes share 128 SMT8 cores; gives the seconds that one event takes."""
    lpar = bp.Lpar(cores=128, smt=8, cpu="POWER8", trace="off")

    def worker(proc: bp.AixProc) -> Iterator[object]:
        for turn in range(4):
            yield from proc.compute(1_000_000 + 1000 * (proc.pid + turn))

    for _ in range(processes):
        lpar.popen(worker)
    events, began = lpar.sim.engine.events, time.perf_counter()
    lpar.sim.run()
    return (time.perf_counter() - began) / (lpar.sim.engine.events - events)


def crowd() -> tuple[float, str]:
    """Compare an event among 8,000 processes with one among 1,000: O(log n) is 1.3, O(n) is 8."""
    few = min(_crowd(1000) for _ in range(3))
    many = min(_crowd(8000) for _ in range(2))
    return many / few, f"{few * 1e6:.0f} us and {many * 1e6:.0f} us an event"


PROMISES = (
    Promise("build Lpar(cores=4, smt=2)", 40, "T", build_partition),
    Promise("refused ra_exec", 20, "T", refused_ra_exec),
    Promise("ra_exec of what is not there", 20, "T", absent_ra_exec),
    Promise("ra_exec that succeeds", 100, "T", successful_ra_exec),
    Promise("union of two sets", 0.3, "T", pure_union),
    Promise("rs_op with its Outcome", 6, "T", rs_op),
    Promise("ST set of 1,024", 10, "T", large_st_set),
    Promise("event among many", 2, "x", crowd),
)
