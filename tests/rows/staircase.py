"""Worlds that are wrong in several ways at once, for any table: what the tests of all orders share.

An `Order` is a table with the worlds in which its call is made. Of two rows that are decided at one
moment both hold in its facts; of two moments the earlier one's row is reported, and the later one's
once the earlier is mended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from itertools import pairwise, product
from typing import Any

from attrs import define, field, frozen

from bprocsim.manual import Errors
from bprocsim.testing.rows.defects import Defect
from bprocsim.testing.rows.recipes import combine

Pair = tuple[str, str]


@frozen
class Ways:
    """One defect of each of some rows, by cause, in the world of `base`."""

    base: Any
    of: dict[str, Defect]

    def case(self, *mended: str) -> Any:
        """Give the world with all of them but the mended ones, which are prepared for and put right."""
        wrong = [defect for cause, defect in self.of.items() if cause not in mended]
        return combine(self.base, wrong, [self.of[cause] for cause in mended])

    def with_(self, cause: str, defect: Defect) -> Ways:
        """Give these and one more."""
        return Ways(self.base, {**self.of, cause: defect})


def listed(groups: Mapping[str, list[tuple[list[str], list[str]]]]) -> dict[Pair, str]:
    """Write groups of (earlier rows, later rows), by the reason why no two can hold together, as pairs."""
    return {
        pair: reason for reason, pairs in groups.items() for before, after in pairs for pair in product(before, after)
    }


@define(eq=False)
class Order:
    """A table whose order is tested.

    `order` its causes, written by hand; `defects` the ways to a row; `held` all that holds in a case
    at a step, in the order of the table; `reported` what a case comes to, by the table or by another;
    `exclusive` pairs that cannot hold together, with the reason; `only_behind` pairs that can, but
    only where a third row holds before them; `possible` whether a case can be.
    """

    table: Errors
    order: list[str]
    base: Any
    defects: Callable[[str], tuple[Defect, ...]]
    held: Callable[[Any, str], tuple[str, ...]]
    reported: Callable[..., str | None]
    exclusive: dict[Pair, str]
    only_behind: frozenset[Pair] = frozenset()
    possible: Callable[[Any], bool] = lambda _case: True
    _staircases: dict[str, tuple[Ways, ...]] = field(factory=dict)

    @cached_property
    def step(self) -> dict[str, str]:
        """Give the step at which each row is decided."""
        return {row.cause: row.step for row in self.table.rows}

    @property
    def entry(self) -> list[str]:
        """Give the rows that are decided first."""
        return [cause for cause in self.order if not self.step[cause]]

    @property
    def apart(self) -> set[Pair]:
        """Give the pairs of which no staircase is made."""
        return {*self.exclusive, *self.only_behind}

    @property
    def neighbours(self) -> list[Pair]:
        """Give neighbouring rows that can both hold; rows of different moments are not decided by their places."""
        return [
            pair for pair in pairwise(self.order) if pair not in self.apart and self.step[pair[0]] == self.step[pair[1]]
        ]

    def in_order(self, causes: Iterable[str]) -> list[str]:
        """Sort causes by the list."""
        return sorted(causes, key=self.order.index)

    def first(self, case: Any) -> str:
        """Give the first row by the list that holds on entry, "" if none does."""
        return min(self.held(case, ""), key=self.order.index, default="")

    def leads(self, case: Any, cause: str) -> bool:
        """Tell whether a row is the first, by the list, that holds in a case."""
        step = self.step[cause]
        if self.first(case) != ("" if step else cause):
            return False
        return not step or min(self.held(case, step), key=self.order.index, default="") == cause

    # ---- two at once ----

    def together(self, one: str, other: str, first: Defect, second: Defect) -> bool:
        """Tell whether a world with these two defects is wrong in both ways at once."""
        both = Ways(self.base, {one: first, other: second})
        if not self.possible(both.case()):
            return False
        if self.step[one] == self.step[other]:
            held = self.held(both.case(), self.step[one])
            return one in held and other in held
        return self.reported(both.case()) == one and self.reported(both.case(one)) == other

    def pairs(self, one: str, other: str) -> Iterator[Ways]:
        """Look through all defects of two rows for worlds that are wrong in both ways."""
        for first in self.defects(one):
            for second in self.defects(other):
                if self.together(one, other, first, second):
                    yield Ways(self.base, {one: first, other: second})

    def check_pairs(self, one: str) -> None:
        """Two rows hold together unless they are listed as exclusive, and then the earlier one is reported."""
        for other in self.order[self.order.index(one) + 1 :]:
            found = next(self.pairs(one, other), None)
            if found is None:
                assert (one, other) in self.exclusive, f"no world has both {one} and {other}, and no reason is listed"
                continue
            assert (one, other) not in self.exclusive, f"here are {one} and {other} at once: {found.case()}"
            begins = next((ways for ways in self.pairs(one, other) if self.leads(ways.case(), one)), None)
            assert (begins is None) == ((one, other) in self.only_behind)
            assert begins is None or self.reported(begins.case()) == one

    # ---- staircases ----

    def stands(self, ways: Ways) -> bool:
        """Tell whether all of these hold together, and still do while one after the other is mended.

        Judged by what holds, never by what is reported.
        """
        steps = self.in_order(ways.of)
        for place, cause in enumerate(steps):
            case, left = ways.case(*steps[:place]), steps[place:]
            if not self.possible(case) or not self.leads(case, cause):
                return False
            held = self.held(case, self.step[cause])
            if not {each for each in left if self.step[each] == self.step[cause]} <= set(held):
                return False
        return True

    def without(self, ways: Ways, cause: str) -> Ways:
        """Leave out what excludes a row."""
        apart = self.apart
        return Ways(
            self.base, {each: way for each, way in ways.of.items() if not {(each, cause), (cause, each)} & apart}
        )

    def grown(self, ways: Ways, later: list[str]) -> Ways:
        """Make a world wrong in more ways, as long as it stands."""
        for cause in later:
            if cause in ways.of or self.without(ways, cause) != ways:
                continue
            more = (ways.with_(cause, defect) for defect in self.defects(cause))
            ways = next(filter(self.stands, more), ways)
        return ways

    def alone(self, cause: str) -> list[Defect]:
        """Give the ways to a row that bring none before it; the recipe's is the first."""
        return [each for each in self.defects(cause) if self.stands(Ways(self.base, {cause: each}))]

    def _begin(self, cause: str, later: str) -> Ways:
        """Make a staircase of a later row begin with this one; where that cannot be, a new one of the two."""
        on_top = (
            self.without(ways, cause).with_(cause, defect)
            for ways in self.staircases(later)
            for defect in self.alone(cause)
        )
        for ways in on_top:
            if later in ways.of and self.stands(ways):
                return ways
        return self.grown(next(filter(self.stands, self.pairs(cause, later))), self.later(cause))

    def staircases(self, cause: str) -> tuple[Ways, ...]:
        """Make staircases that begin with a row, until all rows that can have their step in one of them."""
        if cause not in self._staircases:
            found: list[Ways] = []
            for later in self.later(cause):
                if not any(later in ways.of for ways in found):
                    found.append(self._begin(cause, later))
            self._staircases[cause] = tuple(found) or (Ways(self.base, {cause: self.alone(cause)[0]}),)
        return self._staircases[cause]

    def later(self, cause: str) -> list[str]:
        """Give the rows behind one that can hold together with it."""
        return [each for each in self.order[self.order.index(cause) + 1 :] if (cause, each) not in self.apart]

    def descend(self, ways: Ways) -> None:
        """Go down: each row is reported as long as it is not mended."""
        steps = self.in_order(ways.of)
        for place, expected in enumerate(steps):
            case = ways.case(*steps[:place])
            assert self.reported(case) == expected, case

    def check_staircases(self, cause: str) -> None:
        """A case wrong in every later way reports its own row, and once that is mended the next, down to the last."""
        found = self.staircases(cause)
        assert {*self.later(cause), cause} == {each for ways in found for each in ways.of}
        for ways in found:
            self.descend(ways)

    def check_other_ways(self, cause: str) -> None:
        """So does every other way to the row."""
        for defect in self.alone(cause)[1:]:
            self.descend(self.grown(Ways(self.base, {cause: defect}), self.later(cause)))

    # ---- another order ----

    def swapped(self, one: str, other: str) -> Errors:
        """Give the table with two neighbours in the other order."""
        rows = list(self.table.rows)
        place = self.order.index(one)
        assert rows[place + 1].cause == other
        rows[place], rows[place + 1] = rows[place + 1], rows[place]
        return Errors(self.table.call, page=self.table.page, order=self.table.order, rows=rows)

    def check_swap(self, one: str, other: str) -> None:
        """A swap of two neighbours is noticed."""
        table = self.swapped(one, other)
        noticing = [ways for ways in self.staircases(one) if other in ways.of]
        assert noticing
        for ways in noticing:
            assert self.reported(ways.case(), table) == other != self.reported(ways.case()) == one
