"""Whether somebody listens for steps, as a fault that is planned for one does, changes nothing by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.faults import Fault
from bprocsim.units import ms
from tests.bproc.worlds import MASTER, cluster, true

EDITIONS = ("scyld", "lanl32", "bproc4")

CALLS: dict[str, Callable[[bp.Cluster], bp.Outcome]] = {
    "execmove": lambda made: made.bproc_execmove(0, "/usr/bin/true"),
    "execmove from a node": lambda made: made.bproc_execmove(0, "/usr/bin/true", from_node=1),
    "rfork": lambda made: made.bproc_rfork(0, true),
    "move": lambda made: made.bproc_move(0),
    "vexecmove": lambda made: made.bproc_vexecmove([0, 1], "/usr/bin/true"),
}

NO_CALL = {("scyld", "vexecmove")}

KINDS: tuple[Callable[[int], Fault], ...] = (
    lambda at_ns: bp.MasterDaemonExit(at_ns=at_ns),
    lambda at_ns: bp.PowerOff(MASTER, at_ns=at_ns),
    lambda at_ns: bp.PowerOff(0, at_ns=at_ns),
    lambda at_ns: bp.PowerOff(1, at_ns=at_ns),
    lambda at_ns: bp.Hang(0, at_ns=at_ns),
    lambda at_ns: bp.LinkCut(MASTER, 0, at_ns=at_ns, until_ns=at_ns + 20 * ms),
)


def run(call: str, edition: str, fault: Fault | None = None, *, heard: bool = False) -> tuple[str, list[str]]:
    """Make a call in a world with a fault; `heard` somebody is told of each step, and does nothing."""
    made = cluster(3, edition=edition, faults=() if fault is None else (fault,))
    if heard:
        made.bpmaster.hooks.append(lambda step, move: False)
    out = CALLS[call](made)
    return f"{out!r} {out.elapsed_ns}", [record.text() for record in made.trace.records]


def instants(call: str, edition: str) -> Iterator[int]:
    """Give all instants at which something happens in a call, and those just before and after."""
    made = cluster(3, edition=edition)
    CALLS[call](made)
    near = {record.at_ns + beside for record in made.trace.records for beside in (-1, 0, 1)}
    yield from sorted(at_ns for at_ns in near if at_ns > 0)  # before all else there may be no caller left


def test_who_finds_no_queue_has_done_all_until_then_though_somebody_listens() -> None:
    """A move that the daemon's end stops goes on to where it finds that out, as it does where nobody listens."""
    told, records = run("execmove", "scyld", bp.MasterDaemonExit(at_ns=1), heard=True)
    assert "queue_closed" in told
    assert [line.split("step ")[1].split()[0] for line in records if " step " in line] == [
        "ENTRY", "ARGUMENTS", "EXEC", "SUID_CHECK", "MOVE_REQUEST",
    ]  # fmt: skip
    assert (told, records) == run("execmove", "scyld", bp.MasterDaemonExit(at_ns=1))


@pytest.mark.parametrize(
    ("edition", "call"), [(edition, call) for edition in EDITIONS for call in CALLS if (edition, call) not in NO_CALL]
)
def test_who_listens_for_steps_changes_nothing(edition: str, call: str) -> None:
    compared: list[Any] = []
    for at_ns in instants(call, edition):
        for kind in KINDS:
            alone, heard = (run(call, edition, kind(at_ns), heard=heard) for heard in (False, True))
            assert alone == heard, kind(at_ns)
            compared.append(at_ns)
    assert len(compared) > 50
