"""What holds in a case on a partition, whichever room decides its call; and the tables that have an order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import Any
from unittest.mock import patch

import bprocsim as bp
from bprocsim.aix.raexec import FORK
from bprocsim.manual import Errors, Row
from bprocsim.testing.rows.lparcalls import base_of
from bprocsim.testing.rows.lparcases import LparCase
from bprocsim.testing.rows.lpardefects import lpar_defects
from bprocsim.testing.rows.recipes import lpar_tables
from tests.rows.staircase import Order, Pair

TABLES = {table.call: table for table in lpar_tables()}

# A table that decides a part of another call.
_PART_OF = {("ra_fork", "fork"): FORK}

_first = Errors.first


@contextmanager
def deciding(how: Callable[[Errors, Any, str], Row | None]) -> Iterator[None]:
    """Let `how` decide in place of every table."""

    def first(self: Errors, facts: Any, step: str = "") -> Row | None:
        return how(self, facts, step)

    with patch.object(Errors, "first", first):
        yield


@cache
def held_in(case: LparCase) -> dict[str, tuple[str, ...]]:
    """Tell all that holds whenever the call is decided, in the order of the table, by the step."""
    held: dict[str, tuple[str, ...]] = {}

    def watch(table: Errors, facts: Any, step: str) -> Row | None:
        found = _first(table, facts, step)
        every = tuple(row.cause for row in table.every(facts, step))
        assert (found.cause if found is not None else None) == (every[0] if every else None)
        if table.call == case.call or (case.call, table.call) in _PART_OF:
            held.setdefault(step or _PART_OF.get((case.call, table.call), ""), every)
        return found

    lpar = case.world()
    with deciding(watch):
        case.make(lpar)
    return held


def held_at(case: LparCase, step: str) -> tuple[str, ...]:
    """Tell all that holds at a step, () if the call does not come so far."""
    return held_in(case).get(step, ())


def reported(case: LparCase, table: Errors | None = None) -> str | None:
    """Make the call and give the cause that it reports, by its own table or by another."""
    lpar = case.world()
    if table is None:
        return case.make(lpar).cause

    def decide(own: Errors, facts: Any, step: str) -> Row | None:
        return _first(table if own.call == table.call else own, facts, step)

    with deciding(decide):
        return case.make(lpar).cause


def order_of(call: str, order: list[str], exclusive: dict[Pair, str], only_behind: frozenset[Pair]) -> Order:
    """Make what tests the order of a call's table."""
    return Order(
        TABLES[call],
        order,
        base_of(call),
        partial(lpar_defects, call),
        held_at,
        reported,
        exclusive,
        only_behind,
        possible,
    )


@cache
def possible(case: LparCase) -> bool:
    """Tell whether there can be such a partition: a call may have come with a later level."""
    return case.call not in bp.levels[case.rules.name].lacks
