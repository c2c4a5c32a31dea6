"""Worlds of rows: the row is the one reported, whatever is beside it; all rows are reached; no row is invented."""

from __future__ import annotations

import re
from typing import Any

import attrs
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.testing import recipes, recipes_of
from bprocsim.testing import strategies as bst
from bprocsim.testing.rows.recipes import combine
from bprocsim.testing.rows.tables import page_named
from bprocsim.testing.strategies import beside, rows
from tests.strategies.generating import FEW, SMALLEST, STRICT, rebuilt
from tests.strategies.reach import RULES, measured

# Of rules that are not the usual ones, the rows that those do not have, or report otherwise.
OTHER_RULES: list[dict[str, str]] = [{"edition": "bproc4"}, {"kernel": "linux-2.4"}, {"kernel": "linux-6"}]


def by_call(rules: dict[str, str]) -> dict[str, list[str]]:
    """Give the causes to be tried of each call under some rules."""
    found: dict[str, list[str]] = {}
    for (call, cause), recipe in recipes_of(**rules).items():
        if (call, cause) not in recipes or recipe.errno is not recipes[call, cause].errno or not rules:
            found.setdefault(call, []).append(cause)
    return found


CALLS = [
    pytest.param(call, causes, rules, id="-".join((*rules.values(), call)))
    for rules in ({}, *OTHER_RULES)
    for call, causes in by_call(rules).items()
]


def check(call: str, causes: list[str], rules: dict[str, str], times: int) -> None:
    """Hold worlds of rows against them: so many of each, as chance has it."""
    table = recipes_of(**rules)
    worlds = {cause: bst.failing(call, cause, **rules) for cause in causes}

    @settings(STRICT, max_examples=times * len(causes))
    @given(st.sampled_from(causes).flatmap(lambda cause: st.tuples(st.just(cause), worlds[cause])))
    def runs(drawn: tuple[str, Any]) -> None:
        cause, scenario = drawn
        out = scenario.run()
        assert out.cause == cause
        found = out.row or next(each for each in out.placed.rows if each)
        assert found.errno is table[call, cause].errno
        assert rebuilt(scenario) == scenario

    runs()


@pytest.mark.parametrize(("call", "causes", "rules"), CALLS[::14])
def test_a_row_is_the_one_reported(call: str, causes: list[str], rules: dict[str, str]) -> None:
    check(call, causes, rules, times=2)


@pytest.mark.slow
@pytest.mark.parametrize(("call", "causes", "rules"), CALLS)
def test_each_row_is_the_one_reported(call: str, causes: list[str], rules: dict[str, str]) -> None:
    check(call, causes, rules, times=1)


@pytest.mark.parametrize("call", ["open", "kill", "connect"])
@given(data=st.data())
@FEW
def test_a_row_of_posix_is_the_one_reported(call: str, data: st.DataObject) -> None:
    scenario = data.draw(bst.any_outcome(call))
    assert scenario.run().cause == (scenario.cause if scenario.bad else None)
    assert rebuilt(scenario) == scenario
    assert not scenario.bad or data.draw(bst.failing(call, scenario.cause)) == scenario


def test_the_simplest_world_is_the_recipes() -> None:
    for call, cause in [*recipes][::240]:
        found = find(bst.failing(call, cause), lambda _: True, settings=SMALLEST)
        assert found == recipes[call, cause].case


@pytest.mark.parametrize(
    ("call", "cause", "unusual", "wrong"),
    [
        ("bproc_execmove", "not_executable", {"from_node", "port"}, {"argv", "envp"}),
        ("ra_exec", "flags_invalid", {"bounds", "envp_pointers"}, {"attaches", "cmd"}),
    ],
)
def test_something_else_is_often_unusual_or_wrong_too(
    call: str, cause: str, unusual: set[str], wrong: set[str]
) -> None:
    """Otherwise this would say no more than the recipe."""
    met: list[Any] = []

    @settings(STRICT, max_examples=300, phases=[Phase.generate])
    @given(bst.failing(call, cause))
    def draws(scenario: Any) -> None:
        met.append(scenario)

    draws()
    usual, names = type(met[0])(call=call), [each.name for each in attrs.fields(type(met[0]))]
    assert len(set(map(repr, met))) > len(met) / 3
    assert {name for each in met for name in names if getattr(each, name) != getattr(usual, name)} >= unusual | wrong


@pytest.mark.parametrize("base", [rows._rows_of(call, "scyld", "documented", "7.1") for call in ("execve", "ra_exec")])
def test_what_is_beside_is_not_wrong_by_itself(base: Any) -> None:
    assert [each for each in beside.beside(base.base) if rows.reported(combine(base.base, [each]))] == []


# ---- all that a call can come to ----------------------------------------------------------------------


@pytest.mark.parametrize("call", ["bproc_execmove", "ra_exec", "bproc_nodeaddr", "rs_registername"])
def test_all_rows_are_reached(call: str) -> None:
    assert measured(call, RULES[call]).missed == ()  # within AT_MOST examples


@pytest.mark.slow
@pytest.mark.parametrize("call", RULES)
def test_all_rows_of_every_call_are_reached(call: str) -> None:
    found = measured(call, RULES[call])
    assert found.missed == ()


@pytest.mark.slow
@pytest.mark.parametrize("level", [each for each in bp.levels if each != "7.1"])
def test_all_rows_of_a_level_are_reached(level: str) -> None:
    """And no others: a level that knows no SRADIDs has no row about them."""
    for call in ("ra_exec", "rs_op"):
        assert measured(call, {"level": level}).missed == ()


def test_every_call_that_has_recipes_is_measured() -> None:
    for edition in bp.editions:
        assert {call for call, _ in recipes_of(edition)} <= set(RULES)


# ---- names --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "table"),
    [
        ("_bproc_execmove_io", "bproc_execmove"),
        ("bproc_rexec_io", "bproc_rexec"),
        ("ra_execlp", "ra_exec"),
        ("_bproc_access", "_bproc_access"),
        ("RS_OP", "rs_op"),
    ],
)
def test_a_form_has_the_rows_of_its_page(call: str, table: str) -> None:
    assert page_named(call) == table


@pytest.mark.parametrize(
    ("call", "cause", "rules", "told"),
    [
        ("bproc_execmoev", "node_down", {}, r"call: there is no 'bproc_execmoev' that has errors; expected one of "),
        ("bproc_execmove", "node_dwon", {}, r"cause: bproc_execmove has no row 'node_dwon' (did you mean node_down?)"),
        ("rs_op", "cmd_absent", {}, r"cause: rs_op has no row 'cmd_absent'; it is one of command_invalid, "),
        ("rs_op", "id_invalid", {"level": "8.1"}, r"level: there is no '8.1'; expected one of "),
        ("open", "file_absent", {"kernel": "linux-7"}, r"kernel: there is no 'linux-7'; expected one of documented, "),
        ("open", "cmd_absent", {}, r"cause: open has no row 'cmd_absent' (did you mean file_absent?)"),
        ("ra_exec", "sradid_invalid", {"level": "5.3"}, r"cause: ra_exec has no row 'sradid_invalid' (did you mean "),
        ("bproc_vexecmove", "node_down", {"edition": "scyld"}, r"cause: bproc_vexecmove has no row 'node_down' under"),
    ],
)
def test_what_there_is_not_is_told(call: str, cause: str, rules: dict[str, str], told: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(told)):
        bst.failing(call, cause, **rules)


def test_an_errno_is_no_cause() -> None:
    with pytest.raises(TypeError, match=r"cause: expected the name of a row .*, got Errno\.ENOENT"):
        bst.failing("bproc_execmove", bp.Errno.ENOENT)  # type: ignore[arg-type]


def test_rules_are_found_that_have_the_row() -> None:
    found = find(bst.failing("bproc_nodelist_", "not_a_notifier"), lambda _: True, settings=SMALLEST)
    assert found.edition == "bproc4"
    found = find(bst.failing("execve", "loader_short"), lambda _: True, settings=SMALLEST)
    assert found.kernel != "documented"
