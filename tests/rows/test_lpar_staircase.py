"""The order of the rows of AIX's calls: on a partition that is wrong in many ways, the first of them is reported."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bprocsim.testing.rows.lparcalls import base_of
from bprocsim.testing.rows.lpardefects import lpar_defects
from tests.rows.lparorders import ONLY_BEHIND, ORDERS, exclusive_of
from tests.rows.lparworlds import TABLES, held_in, order_of, possible, reported
from tests.rows.staircase import Ways

pytestmark = pytest.mark.slow  # many worlds, or interpreters of their own

CASES = {
    call: order_of(call, order, exclusive_of(call), ONLY_BEHIND.get(call, frozenset()))
    for call, (order, _) in ORDERS.items()
}
ROWS = [pytest.param(call, cause, id=f"{call}-{cause}") for call, order in CASES.items() for cause in order.order]
NEIGHBOURS = [
    pytest.param(call, *pair, id=f"{call}-{pair[0]}-{pair[1]}")
    for call, order in CASES.items()
    for pair in order.neighbours
]


def test_every_table_has_its_order() -> None:
    assert set(ORDERS) == set(TABLES)


@pytest.mark.parametrize("call", ORDERS)
def test_the_order_of_the_rows(call: str) -> None:
    assert [row.cause for row in TABLES[call].rows] == ORDERS[call][0]


@pytest.mark.parametrize("call", ORDERS)
def test_the_list_of_exclusive_pairs_is_in_order_and_says_nothing_twice(call: str) -> None:
    order, groups = ORDERS[call]
    pairs = exclusive_of(call)
    assert set(pairs) <= set(combinations(order, 2))
    assert len(pairs) == sum(len(before) * len(after) for each in groups.values() for before, after in each)


@pytest.mark.parametrize(("call", "cause"), ROWS)
def test_two_rows_hold_together_unless_they_are_listed_as_exclusive(call: str, cause: str) -> None:
    """And then the earlier one is reported."""
    CASES[call].check_pairs(cause)


@given(st.data())
def test_no_world_with_many_defects_holds_an_exclusive_pair(data: st.DataObject) -> None:
    """A search beyond pairs: what holds in a world with any defects is in no exclusive pair."""
    call = data.draw(st.sampled_from(list(CASES)))
    order = CASES[call]
    causes = data.draw(st.lists(st.sampled_from(order.order), min_size=2, max_size=8, unique=True))
    drawn = {cause: data.draw(st.sampled_from(lpar_defects(call, cause))) for cause in order.in_order(causes)}
    case = Ways(base_of(call), drawn).case()
    if not possible(case):
        return
    for held in held_in(case).values():
        assert not order.exclusive.keys() & set(combinations(held, 2)), case
        if held:
            assert reported(case) == order.in_order(held)[0]


@pytest.mark.parametrize(("call", "cause"), ROWS)
def test_a_case_wrong_in_every_later_way_reports_its_own_row(call: str, cause: str) -> None:
    """And once that is mended the next row, down to the last step."""
    CASES[call].check_staircases(cause)


@pytest.mark.slow
@pytest.mark.parametrize(("call", "cause"), ROWS)
def test_so_does_every_other_way_to_the_row(call: str, cause: str) -> None:
    CASES[call].check_other_ways(cause)


@pytest.mark.parametrize(("call", "one", "other"), NEIGHBOURS)
def test_a_swap_of_two_neighbours_is_noticed(call: str, one: str, other: str) -> None:
    CASES[call].check_swap(one, other)
