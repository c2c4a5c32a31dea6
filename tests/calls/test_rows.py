"""Each row of each POSIX call is met by a program, and spares the nearest world without the defect."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

import bprocsim as bp
from bprocsim.manual import Errors, Row
from bprocsim.posix import execcalls, fileio, life, openfile, pathcalls, signaling, sockets
from bprocsim.testing.rows.programcases import ProgramCase, Steps
from bprocsim.testing.rows.programs import PROGRAMS as CASES

TABLES = {
    table.call: table
    for room in (execcalls, fileio, openfile, pathcalls, sockets, life, signaling)
    for table in vars(room).values()
    if isinstance(table, Errors)
}
ROWS = [(call, row.cause) for call, table in TABLES.items() for row in table.rows]


def meet(case: ProgramCase, bad: bool) -> bp.Outcome:
    """Run a case; give what the call came to that ended it."""
    return evolve(case, bad=bad).run()


def test_every_row_has_a_case() -> None:
    assert [row for row in ROWS if row not in CASES] == []
    assert [row for row in CASES if row not in ROWS] == []


@pytest.mark.parametrize(("call", "cause"), ROWS)
def test_the_row_is_met(call: str, cause: str) -> None:
    out = meet(CASES[call, cause], True)
    assert out.failed, "nothing was refused"
    row = TABLES[call].row(cause)
    assert (out.call, out.cause, out.errno, out.value) == (call, cause, row.errno, -1)
    assert out.explain().count("FAIL") == 1
    assert out.explain().endswith(f"\nrow: {TABLES[call].source_of(row)}\n")


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
    real = Errors.first

    def first(self: Errors, facts: Any, step: str = "") -> Row | None:
        before = state(worlds[0]) if worlds else []
        row = real(self, facts, step)
        if row is not None and self.call == call and worlds:
            seen.append((row.cause, before, state(worlds[0])))
        return row

    monkeypatch.setattr(Errors, "first", first)
    after: list[list[Any]] = []
    case = CASES[call, cause]

    def program(proc: bp.Proc, bad: bool) -> Steps:
        try:
            yield from case.program(proc, bad)
        except bp.CallError:
            after.append(state(worlds[0]))
            raise

    watched = evolve(case, program=program)
    worlds.append(watched.world())
    watched.make(worlds[0])
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
    out = meet(CASES[call, cause], False)
    assert (out.call, out.cause) != (call, cause)
    if (call, cause) not in REFUSED_OTHERWISE:
        assert not out.failed


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
