"""Each row of each POSIX call is met by a program, and spares the nearest world without the defect."""

from __future__ import annotations

import pytest

import bprocsim as bp
from bprocsim.manual import Errors
from bprocsim.posix import execcalls, fileio, life, openfile, signaling, sockets
from tests.calls.cases import CASES, PROGRAM, Case, Steps

TABLES = {
    table.call: table
    for room in (execcalls, fileio, openfile, sockets, life, signaling)
    for table in vars(room).values()
    if isinstance(table, Errors)
}
ROWS = [(call, row.cause) for call, table in TABLES.items() for row in table.rows]


def meet(case: Case, bad: bool) -> bp.CallError | None:
    """Run a case; give the CallError that ended it, if any did."""
    met: list[bp.CallError] = []
    faults = case.faults(bad) if case.faults is not None else []
    cluster = bp.Cluster(nodes=2, faults=faults, strict=True)

    def program(proc: bp.Proc) -> Steps:
        try:
            yield from case.program(proc, bad)
        except bp.CallError as error:
            met.append(error)

    cluster.install(PROGRAM, program)
    if case.build is not None:
        case.build(cluster, bad)
    out = cluster.execve(PROGRAM, user=case.user)
    assert not out.failed, out
    return met[0] if met else None


def test_every_row_has_a_case() -> None:
    assert [row for row in ROWS if row not in CASES] == []
    assert [row for row in CASES if row not in ROWS] == []


@pytest.mark.parametrize(("call", "cause"), ROWS)
def test_the_row_is_met(call: str, cause: str) -> None:
    error = meet(CASES[call, cause], True)
    assert error is not None, "nothing was refused"
    row = TABLES[call].row(cause)
    assert (error.call, error.cause, error.error) == (call, cause, row.errno)
    assert error.source == TABLES[call].source_of(row)
    assert error.explain().count("FAIL") == 1


@pytest.mark.parametrize(("call", "cause"), ROWS)
def test_the_nearest_world_is_spared(call: str, cause: str) -> None:
    error = meet(CASES[call, cause], False)
    assert error is None or (error.call, error.cause) != (call, cause)
    if (call, cause) not in REFUSED_OTHERWISE:
        assert error is None


# Where the nearest world without the defect has another one that no call can do without.
REFUSED_OTHERWISE = {
    ("connect", "fd_not_open"): "nobody listens",
    ("connect", "not_a_socket"): "nobody listens",
    ("connect", "no_route"): "nobody listens on that node",
    ("connect", "connect_timed_out"): "nobody listens on that node",
    ("waitpid", "group_unspeakable"): "that group has no member",
    ("write", "connection_lost"): "the first write after an orderly close still goes out",
}


@pytest.mark.parametrize("reason", REFUSED_OTHERWISE)
def test_the_reasons_are_in_use(reason: tuple[str, str]) -> None:
    assert reason in CASES
