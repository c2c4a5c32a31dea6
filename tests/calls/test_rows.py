"""Each row of each POSIX call is met by a program, and spares the nearest world without the defect."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

import bprocsim as bp
from bprocsim.manual import Errors, Row
from bprocsim.posix import execcalls, fileio, life, openfile, pathcalls, signaling, sockets
from tests.calls.cases import CASES, PROGRAM, Case, Steps

TABLES = {
    table.call: table
    for room in (execcalls, fileio, openfile, pathcalls, sockets, life, signaling)
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


def state(cluster: bp.Cluster) -> list[Any]:
    """What a call that fails must leave alone, on every machine, and of every process."""
    made: list[Any] = []
    for number in range(-1, len(cluster.nodes)):
        machine = cluster.machine(number)
        ports, tree = machine.sockets, machine.tree
        made.append((machine.memory.used_bytes, machine.files.used, tree.next_number, len(tree.inodes)))
        made.append((sorted(ports.held.items()), sorted(ports.listeners), ports.next_ephemeral))
        made.append([(n, i.data, i.mode, i.links, i.writers, i.running) for n, i in sorted(tree.inodes.items())])
        for pid, process in sorted(machine.processes.items()):
            descriptors = [(fd, id(each.description)) for fd, each in process.descriptors.items()]
            made.append((pid, descriptors, process.pgid, process.sid, process.blocked, dict(process.handlers)))
            made.append((list(process.children), len(process.threads), process.state, process.umask, process.cwd))
    return made


@pytest.mark.parametrize(("call", "cause"), ROWS)
def test_failing_changes_nothing(call: str, cause: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the decision and the moment at which the program learns of it, and in the decision itself."""
    worlds: list[bp.Cluster] = []
    seen: list[tuple[str, list[Any], list[Any]]] = []
    real, real_cluster = Errors.first, bp.Cluster

    def first(self: Errors, facts: Any, step: str = "") -> Row | None:
        before = state(worlds[-1]) if worlds and worlds[-1].sim.systems else []
        row = real(self, facts, step)
        if row is not None and self.call == call and worlds:
            seen.append((row.cause, before, state(worlds[-1])))
        return row

    def build(*args: Any, **options: Any) -> bp.Cluster:
        worlds.append(real_cluster(*args, **options))
        return worlds[-1]

    monkeypatch.setattr(Errors, "first", first)
    monkeypatch.setattr(bp, "Cluster", build)
    after: list[list[Any]] = []
    case = CASES[call, cause]

    def program(proc: bp.Proc, bad: bool) -> Steps:
        try:
            yield from case.program(proc, bad)
        except bp.CallError:
            after.append(state(worlds[-1]))
            raise

    meet(evolve(case, program=program), True)
    met, before, decided = seen[-1]
    assert met == cause
    assert before == decided
    if (call, cause) not in TOLD_LATER:
        assert after == [decided]


# The case is told by a child, or does something between the failure and the end, or holds something
# while it waits that it gives back then.
TOLD_LATER = {
    ("setsid", "group_leader"), ("setsid", "group_left_behind"), ("setpgid", "child_execed"),
    ("setpgid", "other_session"), ("open", "interrupted"),
}  # fmt: skip


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
