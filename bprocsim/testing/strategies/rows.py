"""Strategies for worlds in which a row of a table is the one reported, and for all that a call can come to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import cache, lru_cache
from itertools import product
from typing import Any

from attrs import evolve, frozen
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.testing.rows.defects import Defect
from bprocsim.testing.rows.programcases import ProgramCase
from bprocsim.testing.rows.programs import PROGRAMS
from bprocsim.testing.rows.recipes import combine, pages_of
from bprocsim.testing.rows.tables import of_level, page_named
from bprocsim.testing.strategies.beside import beside

_MOST_BESIDE = 3


@frozen
class _Rows:
    """The rows of one call under one set of rules: `base` a world in which it succeeds, `ways` to each by cause."""

    base: Any
    ways: dict[str, tuple[Defect, ...]]


def failing(
    call: str, cause: str, *, edition: str | None = None, kernel: str | None = None, level: str | None = None
) -> st.SearchStrategy[Any]:
    """Give scenarios of one call for which the row `cause` is the one reported: `.run()` gives the Outcome.

    `call` a table's name, or that of one of its forms. Beside the row's own defect, which comes about in
    every way that is known, other things are unusual or even wrong too, as long as the row is reported; the
    simplest scenario has nothing but the defect. A scenario is a Case, NodeCase or LparCase of
    bprocsim.testing: `.world()` builds its world, and `.make(world)` makes the call there. For a call of
    POSIX it is a ProgramCase, of which there is one for each row.

    `edition`, `kernel`, `level` by name; left out, the first that has the row: "scyld", "documented", "7.1".
    TypeError: the cause is no text. ValueError: there is no such call, cause or name, or nothing leads to the row
    under these rules.
    """
    if not isinstance(cause, str):
        raise TypeError(f"cause: expected the name of a row such as 'cmd_absent', got {cause!r}")
    named, every = page_named(call), _rules(edition, kernel, level)
    if cause in (programs := _programs(named)):
        return st.just(programs[cause])
    known: dict[str, Any] = {**programs}
    for rules in every:
        found = _rows_of(named, *rules)
        if found is None:
            continue
        known |= dict.fromkeys(found.ways)
        if leading := _leading(found.base, cause, found.ways.get(cause, ())):
            return _scenarios(found, cause, leading)
    if cause in known:
        raise ValueError(f"cause: under these rules nothing makes {call} come to {cause!r}: they lack what it is about")
    raise ValueError(f"cause: {call} has no row {cause!r}{_hint(cause, known)}")


def any_outcome(
    call: str, *, edition: str | None = None, kernel: str | None = None, level: str | None = None
) -> st.SearchStrategy[Any]:
    """Give scenarios of one call that reach all it can come to: success first, then each row of its table.

    As for `failing`; a few hundred examples reach all of them. ValueError: there is no such call or name.
    """
    named = page_named(call)
    for rules in _rules(edition, kernel, level):
        found = _rows_of(named, *rules)
        if found is not None:
            ways = {cause: _leading(found.base, cause, ways) for cause, ways in found.ways.items()}
            return _any_of(found, {None: (Defect({}),), **{cause: each for cause, each in ways.items() if each}})
    programs = list(_programs(named).values())
    if not programs:
        raise ValueError(f"call: there is no {call!r} under these rules")
    spared = (evolve(each, bad=False) for each in programs)
    return st.sampled_from([next(each for each in spared if reported(each) is None), *programs])


# ---- which rows there are ------------------------------------------------------------------------

_Rules = tuple[str, str, str]


def _rules(edition: str | None, kernel: str | None, level: str | None) -> list[_Rules]:
    """Give the rules to look under, the usual ones first. ValueError: there is no such name."""
    editions, kernels = _chosen("edition", edition, bp.editions), _chosen("kernel", kernel, bp.kernels)
    return list(product(editions, kernels, _chosen("level", level, {"7.1": None, **bp.levels})))


def _chosen(argument: str, name: str | None, known: Iterable[str]) -> Sequence[str]:
    names = list(known)
    if name is not None and name not in names:
        raise ValueError(f"{argument}: there is no {name!r}; expected one of {', '.join(names)}")
    return names if name is None else [name]


def _programs(call: str) -> dict[str, ProgramCase]:
    """Give the programs that meet the rows of a call of POSIX, by cause; none of other calls."""
    return {cause: case for (each, cause), case in PROGRAMS.items() if each == call}


def _hint(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = get_close_matches(name, names, 1)
    if near:
        return f" (did you mean {near[0]}?)"
    return f"; it is one of {', '.join(names)}" if names else " under these rules"


@cache
def _rows_of(call: str, edition: str, kernel: str, level: str) -> _Rows | None:
    """Give the rows of a call under some rules, None if it is not there."""
    asked = bp.levels[level]
    for page in pages_of(edition, kernel, level):
        if page.table.call == call and call not in asked.lacks:
            return _Rows(page.base, {row.cause: page.ways(row.cause) for row in of_level(page.table, asked).rows})
    return None


# ---- what is drawn -------------------------------------------------------------------------------


def _leading(base: Any, cause: str, ways: tuple[Defect, ...]) -> tuple[Defect, ...]:
    """Give the ways that lead to a row by themselves."""
    return tuple(way for way in ways if reported(combine(base, [way])) == cause)


@lru_cache(maxsize=4096)
def reported(case: Any) -> str | None:
    """Tell the cause that a case comes to, None if it succeeds, "impossible" if there can be no such case."""
    try:
        return case.run().cause  # type: ignore[no-any-return]
    except (AttributeError, OSError, ValueError):
        return "impossible"


@st.composite
def _any_of(draw: st.DrawFn, rows: _Rows, leading: dict[str | None, tuple[Defect, ...]]) -> Any:
    """Draw a row, or None for success, with nothing beside it in every second scenario.

    Of those there are so few that Hypothesis, which repeats nothing, comes to the end of them soon: that
    is why each row is reached.
    """
    alone = draw(st.sampled_from([True, False]))
    cause = draw(st.sampled_from(list(leading)))
    if alone:
        return combine(rows.base, [leading[cause][0]])
    return draw(_scenarios(rows, cause, leading[cause]))


@st.composite
def _scenarios(draw: st.DrawFn, rows: _Rows, cause: str | None, leading: tuple[Defect, ...]) -> Any:
    """Draw a way to a row, then what else is unusual or wrong, and take of that what leaves the row reported."""
    way = draw(st.sampled_from(leading))
    taken: list[Defect] = []
    for more in draw(st.lists(st.sampled_from(_beside(rows)), max_size=_MOST_BESIDE)):
        if reported(combine(rows.base, [*taken, more, way])) == cause:
            taken.append(more)
    return combine(rows.base, [*taken, way])


def _beside(rows: _Rows) -> tuple[Defect, ...]:
    """Give what may be unusual or wrong beside a row: the first ways to all the others come last."""
    return (*beside(rows.base), *(ways[0] for ways in rows.ways.values()))
