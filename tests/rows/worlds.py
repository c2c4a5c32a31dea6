"""What the tests of the rows share: worlds that are wrong in several ways, and all that holds in them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from attrs import frozen

from bprocsim.manual import Errors, Kind, Row
from bprocsim.testing.cases import TARGET, Case
from bprocsim.testing.defects import Defect, defects
from bprocsim.testing.recipes import combine, exec_tables

EXECMOVE, EXECVE = exec_tables()
ENTRY = tuple(row.cause for row in EXECMOVE.rows if row.kind is not Kind.LATE)
LATE = tuple(row.cause for row in EXECMOVE.rows if row.kind is Kind.LATE)
STEP = {row.cause: row.step for row in EXECMOVE.rows}


@frozen
class Ways:
    """One defect of each of some rows, by cause."""

    of: dict[str, Defect]

    def case(self, *mended: str) -> Case:
        """Give the world with all of them but the mended ones, which are prepared for and put right."""
        wrong = [defect for cause, defect in self.of.items() if cause not in mended]
        return combine(Case(), wrong, [self.of[cause] for cause in mended])

    def with_(self, cause: str, defect: Defect) -> Ways:
        """Give these and one more."""
        return Ways({**self.of, cause: defect})


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
    execmove, execve = exec_tables(case.edition, case.kernel)
    return execve if case.call == "execve" else execmove


def install(case: Case, table: Errors) -> Any:
    """Build a world in which `table` decides the call."""
    cluster = case.world()
    if case.call == "execve":
        cluster.machine(case.from_node).execve_errors = table
    else:
        cluster.bpmaster.execmove_errors = table
    return cluster


@cache
def held_on_entry(case: Case) -> tuple[str, ...]:
    """Tell all that holds when the call is decided on entry, in the order of the table."""
    table = Watching(table_of(case), refuse=True)
    case.make(install(case, table))
    return table.held[""]


@cache
def held_at(case: Case, step: str) -> tuple[str, ...]:
    """Tell all that holds at a later step, () if the call does not come so far."""
    table = Watching(EXECMOVE, refuse=False)
    case.make(install(case, table))
    return table.held.get(step, ())


def reported(case: Case, table: Errors | None = None) -> str | None:
    """Make the call and give the cause that it reports."""
    outcome = case.make(install(case, table or EXECMOVE))
    return outcome.cause


def possible(case: Case) -> bool:
    """Tell whether somebody can make the call: nothing runs on a node that is down."""
    return not (case.down and case.from_node == TARGET)


def together(one: str, other: str, first: Defect, second: Defect) -> bool:
    """Tell whether a world with these two defects is wrong in both ways at once.

    Rows that are decided at one moment both hold in its facts. Of two moments the earlier one's row
    is reported, and the later one's once the earlier is mended.
    """
    both = Ways({one: first, other: second})
    if not possible(both.case()):
        return False
    if STEP[one] == STEP[other]:
        held = held_at(both.case(), STEP[one]) if STEP[one] else held_on_entry(both.case())
        return one in held and other in held
    return reported(both.case()) == one and reported(both.case(one)) == other


def pairs(one: str, other: str) -> Iterator[Ways]:
    """Look through all defects of two rows for worlds that are wrong in both ways."""
    for first in defects(one):
        for second in defects(other):
            if together(one, other, first, second):
                yield Ways({one: first, other: second})
