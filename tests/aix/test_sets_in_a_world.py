"""Sets in a partition that runs: who keeps off exclusive processors, whom bounds move, what a program is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import ms

Body = Callable[[Any], Any]


def ran(lpar: bp.Lpar, body: Body) -> bp.Outcome:
    """Run a program to its end, which has to be a good one."""
    lpar.install("/usr/bin/app", body)
    out = lpar.execve("/usr/bin/app", ["app"], {})
    assert (out.exit_status, out.stderr) == (0, b""), out
    return out


def working(proc: Any, change: Body | None = None, threads: int = 2) -> Any:
    """Let so many threads work for 40 ms each, with a change after 10 ms."""

    def work(proc: Any) -> Any:
        yield from proc.compute(40 * ms)

    numbers = []
    for _ in range(threads):
        numbers.append((yield from proc.thread_create(work)))
    yield from proc.sleep(10 * ms)
    if change is not None:
        yield from change(proc)
    for number in numbers:
        yield from proc.thread_join(number)


def took_ms(lpar: bp.Lpar, change: Body | None = None) -> int:
    """Tell how long they worked, to some ten milliseconds: exec and the calls take their time too."""

    def body(proc: Any) -> Any:
        yield from working(proc, change)

    return ran(lpar, body).elapsed_ns // (10 * ms) * 10


def two_processors(**more: Any) -> bp.Lpar:
    return bp.Lpar(cores=2, smt=1, cpu="POWER5", **more)


def test_work_that_names_no_set_leaves_what_becomes_exclusive() -> None:
    assert took_ms(two_processors()) == 40
    lpar = two_processors()
    assert lpar.mkrset("sysxrset/one", "1").value == 0
    assert took_ms(lpar) == 80
    assert lpar.rmrset("sysxrset/one").value == 0
    assert took_ms(lpar) == 40

    def reserve(proc: Any) -> Any:
        mine = yield from proc.rs_alloc(bp.RS_EMPTY)
        yield from proc.rs_op(bp.RS_ADDRESOURCE, mine, None, bp.R_PROCS, 1)
        yield from proc.rs_registername(mine, "sysxrset", "late", 0o644, bp.RS_DEFINE)

    # After 10 ms there is one processor for the 60 ms of work that are left.
    assert took_ms(two_processors(), reserve) == 70


def test_work_that_names_exclusive_processors_stays() -> None:
    def attach(proc: Any) -> Any:
        mine = yield from proc.rs_alloc(bp.RS_ALL)
        yield from proc.ra_attachrset(bp.R_PROCESS, bp.RS_MYSELF, mine)
        yield from proc.rs_registername(mine, "sysxrset", "all", 0o644, bp.RS_DEFINE)

    assert took_ms(two_processors(), attach) == 40


def test_a_partition_set_moves_those_whom_it_bounds() -> None:
    def bound(proc: Any) -> Any:
        mine = yield from proc.rs_alloc(bp.RS_SYSTEM)
        yield from proc.rs_op(bp.RS_DELRESOURCE, mine, None, bp.R_PROCS, 0)
        yield from proc.rs_setpartition(bp.RS_MYSELF, mine)
        told = yield from proc.rs_getpartition(bp.RS_MYSELF, mine)
        assert (told, list(mine)) == (bp.RS_PARTITION_RSET, [1])

    def free_again(proc: Any) -> Any:
        yield from bound(proc)
        yield from proc.rs_setpartition(bp.RS_MYSELF, bp.RS_DEFAULT)

    assert took_ms(two_processors(), bound) == 70
    assert took_ms(two_processors(), free_again) == 40


def test_a_program_is_told_the_load_of_its_srad() -> None:
    told = []

    def look(proc: Any) -> Any:
        for srad in (0, 1):
            for command in (bp.RS_SRADID_LOADAVG, bp.RS_SRADID_USABLE_LOADAVG):
                out = bp.RadInfo()
                yield from proc.rs_info(out, command, srad)
                told.append((out.load_average, out.cpu_count))

    def body(proc: Any) -> Any:
        mine = yield from proc.rs_alloc(bp.RS_EMPTY)
        for number in (4, 5):
            yield from proc.rs_op(bp.RS_ADDRESOURCE, mine, None, bp.R_PROCS, number)
        yield from proc.ra_attachrset(bp.R_PROCESS, bp.RS_MYSELF, mine)
        yield from working(proc, look, threads=3)

    ran(bp.Lpar(cores=4, smt=2, cpu="POWER7", srads=2, enhanced_affinity=True), body)
    # Two run, the third waits for the same two processors.
    assert told == [(0, 4), (0, 0), (3000, 4), (3000, 2)]


def test_a_walk_over_the_machine_finds_each_processor_once() -> None:
    """As programs do that ask for the levels first, and for the sets behind them."""
    seen = []

    def body(proc: Any) -> Any:
        whole = yield from proc.rs_alloc(bp.RS_SYSTEM)
        part = yield from proc.rs_alloc(bp.RS_EMPTY)
        for level in (bp.R_MCMSDL, bp.R_PCORESDL, bp.R_MAXSDL):
            sdl = yield from proc.rs_getinfo(None, level)
            count = yield from proc.rs_numrads(whole, sdl)
            found = []
            for index in range(count):
                yield from proc.rs_getrad(whole, part, sdl, index)
                found.append(repr(part))
            seen.append(found)
        yield from proc.rs_free(whole)

    ran(bp.Lpar(cores=4, smt=2, cpu="POWER5", srads=2), body)
    assert seen == [["0-3", "4-7"], ["0-1", "2-3", "4-5", "6-7"], [str(each) for each in range(8)]]


def test_a_refusal_reaches_a_program_as_its_errno() -> None:
    def body(proc: Any) -> Any:
        with pytest.raises(bp.CallError) as caught:
            yield from proc.rs_getnamedrset("app", "one", None)
        assert (caught.value.error, caught.value.cause) == (bp.Errno.EFAULT, "rset_unreadable")
        rc = yield from proc.libc.rs_getnamedrset(None, "one", None)
        assert (rc, proc.libc.errno) == (-1, 22)

    ran(two_processors(), body)


def test_what_a_call_filled_stands_in_the_trace_as_it_was_given() -> None:
    lpar = two_processors(trace="all")
    mine, out = lpar.rset("0"), bp.RsetAttributes()
    lpar.rs_registername(mine, "app", "one", 0o640, bp.RS_DEFINE)
    lpar.rs_getnameattr("app", "one", out)
    assert out.mode == 0o640
    mine.processors = 2
    text = lpar.trace.text()
    assert "rs_registername(0, 'app', 'one', 416, 0) = 0" in text
    assert "rs_getnameattr('app', 'one', RsetAttributes(owner=0, group=0, mode=0, type=0)) = 0" in text
