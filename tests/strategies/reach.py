"""After how many examples `any_outcome` has reached each row of a call."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from attrs import frozen
from hypothesis import Phase, given, settings

import bprocsim as bp
from bprocsim.testing import strategies as bst
from bprocsim.testing.rows.programs import PROGRAMS
from bprocsim.testing.rows.recipes import pages_of
from bprocsim.testing.rows.tables import of_level
from tests.strategies.generating import STRICT

AT_MOST = 500  # examples: "a few hundred"
_ALL = settings(STRICT, max_examples=AT_MOST, phases=[Phase.generate])

# Every call, under the first rules that have it.
RULES: dict[str, dict[str, str]] = {
    **{call: {} for call, _ in PROGRAMS},
    **{
        page.table.call: {} if edition == "scyld" else {"edition": edition}
        for edition in reversed(bp.editions)
        for page in pages_of(edition, "documented", "7.1")
    },
}


@frozen
class Reach:
    """How far the examples of a call came: its `rows`, those that were `missed`, after how many `examples`."""

    rows: int
    missed: tuple[str, ...]
    examples: int


class _AllReached(Exception):
    """Every row has been reported, and success has been seen."""


def causes_of(call: str, rules: dict[str, str]) -> list[str]:
    """Give the causes of a call's table under some rules, as far as anything leads to them there."""
    under: dict[str, str] = {"edition": "scyld", "kernel": "documented", "level": "7.1", **rules}
    level = bp.levels[under["level"]]
    programs = [cause for each, cause in PROGRAMS if each == call]
    known = (of_level(page.table, level) for page in pages_of(**under))
    return programs or [row.cause for table in known if table.call == call for row in table.rows]


def measured(call: str, rules: dict[str, str]) -> Reach:
    """Make examples until every row of a call has been reported, or there are enough."""
    wanted: set[str | None] = {None, *causes_of(call, rules)}
    rows, examples = len(wanted) - 1, 0

    @_ALL
    @given(bst.any_outcome(call, **rules))
    def run(scenario: Any) -> None:
        nonlocal examples
        if not wanted:
            raise _AllReached
        examples += 1
        wanted.discard(scenario.run().cause)

    with suppress(_AllReached):
        run()
    return Reach(rows, tuple(sorted(map(str, wanted))), examples)
