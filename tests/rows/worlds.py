"""What the tests of the rows share: worlds that are wrong in several ways, and all that holds in them."""

from __future__ import annotations

from functools import cache
from typing import Any

from bprocsim.manual import Errors, Kind, Row
from bprocsim.testing.rows.cases import TARGET, Case
from bprocsim.testing.rows.recipes import exec_tables, move_tables

EXECMOVE, EXECVE = exec_tables()
ENTRY = tuple(row.cause for row in EXECMOVE.rows if row.kind is not Kind.LATE)
LATE = tuple(row.cause for row in EXECMOVE.rows if row.kind is Kind.LATE)
STEP = {row.cause: row.step for row in EXECMOVE.rows}


class Watching(Errors):
    """A table that remembers all that held whenever it was asked.

    `refuse`: what is decided on entry is always a refusal, so that nothing runs on.
    """

    __slots__ = ("held", "refuse")

    def __init__(self, table: Errors, refuse: bool) -> None:
        super().__init__(table.call, page=table.page, order=table.order, rows=table.rows)
        self.held: dict[str, tuple[str, ...]] = {}
        self.refuse = refuse

    def first(self, facts: Any, step: str = "") -> Row | None:
        found = super().first(facts, step)
        every = tuple(row.cause for row in self.every(facts, step))
        assert (found.cause if found is not None else None) == (every[0] if every else None)
        self.held[step] = every
        return self.rows[0] if found is None and self.refuse and not step else found


def table_of(case: Case) -> Errors:
    """Give the table by which a case is decided."""
    known = (*exec_tables(case.edition, case.kernel), *move_tables(case.edition, case.kernel))
    return next(table for table in known if table.call == case.call)


def install(case: Case, table: Errors) -> Any:
    """Build a world in which `table` decides the call."""
    cluster = case.world()
    if case.call == "execve":
        cluster.machine(case.from_node).execve_errors = table
    elif case.call == "bproc_execmove":
        cluster.bpmaster.execmove_errors = table
    else:
        cluster.bpmaster.tables[case.call] = table
    return cluster


@cache
def held_on_entry(case: Case) -> tuple[str, ...]:
    """Tell all that holds when the call is decided on entry, in the order of the table."""
    table = Watching(table_of(case), refuse=True)
    case.make(install(case, table))
    return table.held.get("", ())  # a program that cannot run does not even make it


@cache
def held_at(case: Case, step: str) -> tuple[str, ...]:
    """Tell all that holds at a later step, () if the call does not come so far."""
    table = Watching(table_of(case), refuse=False)
    case.make(install(case, table))
    return table.held.get(step, ())


def reported(case: Case, table: Errors | None = None) -> str | None:
    """Make the call and give the cause that it reports."""
    outcome = case.make(install(case, table or table_of(case)))
    return outcome.cause


def possible(case: Case) -> bool:
    """Tell whether somebody can make the call: nothing runs on a node that is down."""
    return not (case.down and case.from_node == TARGET)
