"""The order of the rows of the calls for several nodes, and that each kind of row is told where it belongs."""

from __future__ import annotations

from itertools import combinations, pairwise

import pytest

import bprocsim as bp
from bprocsim.manual import Errors, Kind
from bprocsim.testing import recipes_of
from bprocsim.testing.rows.cases import Case
from bprocsim.testing.rows.defects import defects
from bprocsim.testing.rows.recipes import move_tables
from tests.rows.staircase import Order, Pair, listed
from tests.rows.test_move_staircase import CONNECTED, ENTRIES, LISTS, ROUTE
from tests.rows.test_staircase import EXCLUSIVE, ORDER
from tests.rows.worlds import held_at, held_on_entry, possible, reported

EDITIONS = ("lanl32", "bproc4")

# Written by hand: the call itself (bproc-4.0.0pre8-interface), fork, the image, and the way of a move.
ENTRY = ["no_master", "count_not_positive", *LISTS, "nodes_unreadable", "pids_unwritable"]
FORK = ["memory_used_up", "no_pid_left"]
LOST = [*[cause for cause in ROUTE if cause != "same_node"], "slave_lost", "sender_lost"]
LOADED = ORDER[1 : ORDER.index("queue_closed")]
VEXECMOVE = [
    *ENTRY,
    *FORK,
    *LOADED,
    *LOST,
    "undump_refused",
    "loader_absent",
    "undump_out_of_memory",
    *CONNECTED,
    *ENTRIES,
]
VRFORK = [*ENTRY, *FORK, *LOST, "undump_refused", "mapped_file_absent", "undump_out_of_memory", *CONNECTED, *ENTRIES]

APART = listed(
    {
        "a node that is not there is nothing else": [(["node_unknown"], ["node_down", "node_not_permitted"])],
        "only who is on the master queues a request there, and only another slave is silent for so long": [
            (["queue_closed"], ["connect_timed_out"])
        ],
        "only a caller on the master can see that it is gone, and only another slave is silent for so long": [
            (["no_master"], ["connect_timed_out"])
        ],
        "a connection has one end": [(["connect_refused"], ["connect_timed_out"])],
    }
)


def tables_of(edition: str) -> dict[str, Errors]:
    """Give the tables of the calls for several nodes."""
    return {table.call: table for table in move_tables(edition) if table.call.startswith("bproc_v")}


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_order_of_the_rows(edition: str) -> None:
    found = {call: [row.cause for row in table.rows] for call, table in tables_of(edition).items()}
    misread = ["script_misread"] if edition == "bproc4" else []
    thaw = VEXECMOVE.index("undump_refused")
    assert found == {"bproc_vexecmove": [*VEXECMOVE[:thaw], *misread, *VEXECMOVE[thaw:]], "bproc_vrfork": VRFORK}


@pytest.mark.parametrize("edition", EDITIONS)
def test_what_is_wrong_with_the_call_is_returned_and_all_else_is_told_of_a_node(edition: str) -> None:
    for table in tables_of(edition).values():
        assert [row.cause for row in table.rows if row.kind is not Kind.SLOT] == ENTRY
        assert all(bool(row.step) is (row.kind is Kind.SLOT) for row in table.rows)


def test_scyld_has_no_such_tables() -> None:
    assert not tables_of("scyld")


# ---- staircases --------------------------------------------------------------------------------------


def held(case: Case, step: str) -> tuple[str, ...]:
    """Give all that holds at a step."""
    return held_at(case, step) if step else held_on_entry(case)


def order_of(call: str, order: list[str], exclusive: dict[Pair, str]) -> Order:
    """Give an order whose staircases are of entries and of the way; fork and exec are decided by their own tables."""
    base = Case(call=call, edition="lanl32")
    return Order(tables_of("lanl32")[call], order, base, defects, held, reported, exclusive, possible=possible)


def of_way(order: list[str]) -> list[str]:
    """Leave out fork, exec, lists, and the loss of the sender, for which another node is needed."""
    return [cause for cause in order if cause not in (*FORK, *LOADED, *LISTS, *ENTRIES, "sender_lost")]


ORDERS = {
    call: order_of(call, of_way(order), APART)
    for call, order in {"bproc_vexecmove": VEXECMOVE, "bproc_vrfork": VRFORK}.items()
}
EACH = [pytest.param(order, cause, id=f"{call}-{cause}") for call, order in ORDERS.items() for cause in order.order]


@pytest.mark.slow
@pytest.mark.parametrize(("order", "one"), EACH)
def test_two_rows_hold_together_unless_they_are_listed_as_exclusive(order: Order, one: str) -> None:
    order.check_pairs(one)


@pytest.mark.slow
@pytest.mark.parametrize(("order", "cause"), EACH)
def test_a_case_wrong_in_every_later_way_reports_its_own_row(order: Order, cause: str) -> None:
    order.check_staircases(cause)


@pytest.mark.slow
@pytest.mark.parametrize(("one", "other"), list(pairwise([ENTRY[0], *FORK, LOADED[0], LOST[0]])))
def test_the_call_comes_before_fork_and_fork_before_the_image_and_that_before_the_way(one: str, other: str) -> None:
    both = Case(call="bproc_vexecmove", edition="lanl32").change(defects(one)[0].wrong, defects(other)[0].wrong)
    mended = both.change(defects(one)[0].right or {"daemon": True, "cmd": "good"})
    assert (reported(both), reported(mended)) == (one, other)


EXECS = [
    pair for pair in pairwise(LOADED) if pair not in listed(EXCLUSIVE) and not pair[0].startswith("interpreter_")
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("one", "other"), EXECS)
def test_the_rows_of_an_exec_are_in_the_order_of_an_exec(one: str, other: str) -> None:
    order = Order(
        tables_of("lanl32")["bproc_vexecmove"], VEXECMOVE, Case(call="bproc_vexecmove", edition="lanl32"), defects,
        held, reported, {},
    )  # fmt: skip
    found = next(order.pairs(one, other), None)
    assert found is not None
    assert reported(found.case()) == one


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("call", ["bproc_vexecmove", "bproc_vrfork"])
def test_a_call_that_is_refused_leaves_the_array_as_it_was(call: str, edition: str) -> None:
    for cause in ENTRY:
        outcome = recipes_of(edition)[call, cause].provoke()
        assert (outcome.value, outcome.pids, outcome.failed) == (-1, (), True)
        assert outcome.errno is tables_of(edition)[call].row(cause).errno
    assert recipes_of("bproc4")[call, "no_master"].provoke().errno is bp.Errno.ENOSYS


def test_the_exclusive_pairs_are_in_order() -> None:
    for order in ORDERS.values():
        assert set(APART) <= set(combinations(order.order, 2))
