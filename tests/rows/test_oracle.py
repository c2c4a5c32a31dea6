"""What is reported is always among all that would be allowed, in any world and under any order of the rows."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.manual import Errors, Kind, Row
from bprocsim.testing import Recipe, recipes, tables
from bprocsim.testing.rows.cases import Case
from bprocsim.testing.rows.defects import defects
from bprocsim.testing.rows.recipes import combine
from tests.rows.worlds import Watching, install, possible, table_of

# But what is asked of a fork is asked of fork's own table.
OF_CLUSTERS = [
    recipe
    for recipe in recipes.values()
    if isinstance(recipe.case, Case) and recipe.cause not in ("memory_used_up", "no_pid_left")
]
CAUSES = list(dict.fromkeys(recipe.cause for recipe in OF_CLUSTERS))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Put up to ten defects, of whatever rows, into the world of a call of either kind."""
    causes = draw(st.lists(st.sampled_from(CAUSES), max_size=10, unique=True))
    base = Case(
        call=draw(st.sampled_from(["bproc_execmove", "execve"])), edition=draw(st.sampled_from(list(bp.editions)))
    )
    return combine(base, [draw(st.sampled_from(defects(cause))) for cause in causes])


def watch(case: Case, table: Errors) -> tuple[bp.Outcome, Watching]:
    """Make the call under a table that remembers what held."""
    watching = Watching(table, refuse=False)
    return case.make(install(case, watching)), watching


def check(outcome: bp.Outcome, watching: Watching) -> None:
    """Hold what was reported against all that held when it was decided."""
    for step, every in watching.held.items():
        row = outcome.row
        if row is None or row.step != step:
            assert every == ()  # nothing held, for the call went on
        else:
            assert outcome.cause in every
    if outcome.row is not None:
        assert outcome.cause in watching.held[outcome.row.step]
        explained = watching.explain(outcome.row)
        place = watching.rows.index(outcome.row)
        assert [said for _, said in explained[:place]] == ["ok"] * place
        assert explained[place] == (outcome.row, "FAIL")


@pytest.mark.parametrize("recipe", [pytest.param(recipe, id=str(recipe)) for recipe in OF_CLUSTERS])
def test_the_row_of_a_recipe_is_among_all_that_hold(recipe: Recipe) -> None:
    outcome, watching = watch(recipe.case, table_of(recipe.case))
    assert outcome.cause == recipe.cause
    check(outcome, watching)


@given(cases().filter(possible))
def test_the_row_of_any_world_is_among_all_that_hold(case: Case) -> None:
    check(*watch(case, table_of(case)))


@pytest.mark.slow
@given(cases().filter(possible), st.randoms(use_true_random=False))
def test_under_another_order_another_of_them_is_reported(case: Case, chance: random.Random) -> None:
    """What holds does not depend on the order of the rows; only which of it is reported does."""
    table = table_of(case)
    rows = list(table.rows)
    chance.shuffle(rows)
    shuffled = Errors(table.call, page=table.page, order=table.order, rows=rows)
    one, before = watch(case, table)
    other, after = watch(case, shuffled)
    check(other, after)
    assert set(after.held[""]) == set(before.held[""])
    assert one.failed == other.failed


# ---- any table ---------------------------------------------------------------------------------------


def _asks(number: int) -> Row:
    def condition(facts: list[bool]) -> bool:
        return facts[number]

    condition.__name__ = f"cause_{number}"
    return Row(bp.Errno.EIO, condition, "it is so", kind=Kind.LATE, step=("", "", "then")[number % 3])


@given(st.lists(st.booleans(), max_size=12))
def test_first_is_the_first_of_every(facts: list[bool]) -> None:
    table = Errors("call", page="page", order="order", rows=[_asks(number) for number in range(len(facts))])
    for step in {"", *(row.step for row in table.rows)}:
        every = table.every(facts, step)
        assert every == tuple(row for row, due in zip(table.rows, facts, strict=True) if due and row.step == step)
        assert table.first(facts, step) is (every[0] if every else None)


@pytest.mark.parametrize("table", [pytest.param(table, id=call) for call, table in tables().items()])
def test_a_table_is_fit_to_be_read(table: Errors) -> None:
    """Each row has a cause of its own, a sentence, and an errno that Linux knows by a number."""
    assert len({row.cause for row in table.rows}) == len(table.rows)
    for row in table.rows:
        assert table.row(row.cause) is row
        assert row in table.by_errno(row.errno)
        assert row.sentence
        assert "{" not in row.sentence
        assert row.errno.number("linux") > 0
        assert table.source_of(row)
    with pytest.raises(KeyError, match="has no cause 'nothing'; it has"):
        table.row("nothing")
