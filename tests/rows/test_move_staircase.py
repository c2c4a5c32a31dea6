"""The order of the rows of the other calls that move a process, by staircases as for execmove."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations, pairwise

import pytest

from bprocsim.manual import Errors
from bprocsim.testing.rows.cases import Case
from bprocsim.testing.rows.defects import defects
from bprocsim.testing.rows.recipes import move_tables
from tests.rows.staircase import Order, Pair, listed
from tests.rows.test_staircase import EXCLUSIVE, ONLY_BEHIND, ORDER
from tests.rows.worlds import held_at, held_on_entry, possible, reported

pytestmark = pytest.mark.slow  # many worlds, or interpreters of their own

MOVE, REXEC, RFORK = move_tables()

# Written by hand: the route, the transit, the thawing and the I/O set-up (bproc-4.0.0pre8-master,
# bproc-4.0.0pre8-move).
ROUTE = ["queue_closed", "node_unknown", "node_down", "same_node", "node_not_permitted"]
THAWED = ["undump_refused", "mapped_file_absent", "undump_out_of_memory"]
CONNECTED = ["connect_refused", "connect_timed_out"]
WAY = [*ROUTE, "slave_lost", *THAWED, *CONNECTED]
MOVE_ORDER = ["no_master", *WAY]
RFORK_ORDER = ["no_master", "memory_used_up", "no_pid_left", *WAY]

# What the caller's node copies; the way, on which no image is thawed; then exec's rows, on the target.
COPIED = [
    "cmd_unreadable", "cmd_empty", "cmd_too_long", "argv_unreadable", "envp_unreadable", "string_unreadable",
    "args_too_big",
]  # fmt: skip
LOST_AT_LAST = [*ROUTE, "slave_lost", *CONNECTED]
FILES = [cause for cause in ORDER[1 : ORDER.index("queue_closed")] if cause not in COPIED]
REXEC_ORDER = ["no_master", *COPIED, *LOST_AT_LAST, *FILES]

# Of a list of what the descriptors shall be: what is copied, and what the target says of an entry, open's
# rows in open's order (bproc-4.0.0pre8-interface, bproc-4.0.0pre8-move).
LISTS = ["io_list_too_long", "io_list_unreadable", "io_type_internal"]
ENTRIES = [
    "io_type_unknown", "io_descriptor_impossible", "io_table_full", "io_makes_a_directory", "io_path_empty",
    "io_search_denied", "io_slash_after_name", "io_file_absent", "io_not_a_directory", "io_too_many_links",
    "io_path_io_error", "io_already_exists", "io_directory_for_writing", "io_directory_wanted",
    "io_read_only_mount", "io_directory_not_writable", "io_access_denied", "io_no_device", "io_program_runs",
    "io_unreachable",
]  # fmt: skip

ON_THE_WAY = listed(
    {
        "a node that is not there is nothing else": [
            (["node_unknown"], ["node_down", "same_node", "node_not_permitted"])
        ],
        "nothing runs on a node that is down": [(["node_down"], ["same_node"])],
        "only who is on the master queues a request there, and only another slave is silent for so long": [
            (["queue_closed"], ["connect_timed_out"])
        ],
        "only a caller on the master can see that it is gone, and only another slave is silent for so long": [
            (["no_master"], ["connect_timed_out"])
        ],
        "a connection has one end": [(["connect_refused"], ["connect_timed_out"])],
    }
)


def _of_rexec() -> dict[Pair, str]:
    """Of exec's rows only those exclude each other that are decided at one moment."""
    exclusive = dict(ON_THE_WAY)
    for pair, reason in listed(EXCLUSIVE).items():
        if set(pair) <= set(FILES) or set(pair) <= set(COPIED):
            exclusive[pair] = reason
    return exclusive


def _order(table: Errors, order: list[str], exclusive: dict[Pair, str], only_behind: Iterable[Pair] = ()) -> Order:
    return Order(
        table,
        order,
        Case(call=table.call),
        defects,
        lambda case, step: held_at(case, step) if step else held_on_entry(case),
        reported,
        exclusive,
        frozenset(only_behind),
        possible,
    )


ORDERS = {
    "bproc_move": _order(MOVE, MOVE_ORDER, ON_THE_WAY),
    "bproc_rexec": _order(REXEC, REXEC_ORDER, _of_rexec(), ONLY_BEHIND),
}
EACH = [pytest.param(order, cause, id=f"{call}-{cause}") for call, order in ORDERS.items() for cause in order.order]


@pytest.mark.parametrize("table", move_tables(), ids=lambda table: table.call)
def test_the_order_of_the_rows(table: Errors) -> None:
    expected = {"bproc_move": MOVE_ORDER, "bproc_rexec": REXEC_ORDER, "bproc_rfork": RFORK_ORDER}
    assert [row.cause for row in table.rows] == expected[table.call]


@pytest.mark.parametrize("edition", ["lanl32", "bproc4"])
def test_where_the_exec_is_a_part_of_the_move_it_comes_before_the_io_is_set_up(edition: str) -> None:
    move, rexec, rfork, *_several = move_tables(edition)
    files = [cause for cause in FILES if "too_many_descriptors" not in cause]
    assert [row.cause for row in rexec.rows] == [
        "no_master", *LISTS, *COPIED, *LOST_AT_LAST[:6], *files, *LOST_AT_LAST[6:], *ENTRIES,
    ]  # fmt: skip
    assert [row.cause for row in move.rows] == ["no_master", *LISTS, *of_others(MOVE_ORDER[1:]), *ENTRIES]
    assert [row.cause for row in rfork.rows] == ["no_master", *LISTS, *of_others(RFORK_ORDER[1:]), *ENTRIES]


def of_others(order: list[str]) -> list[str]:
    """Give an order without the row that the library of the other editions never lets anybody meet."""
    return [cause for cause in order if cause != "same_node"]


def test_the_exclusive_pairs_are_in_order() -> None:
    for order in ORDERS.values():
        assert set(order.exclusive) <= set(combinations(order.order, 2))


@pytest.mark.parametrize(("order", "one"), EACH)
@pytest.mark.slow
def test_two_rows_hold_together_unless_they_are_listed_as_exclusive(order: Order, one: str) -> None:
    order.check_pairs(one)


@pytest.mark.parametrize(("order", "cause"), EACH)
def test_a_case_wrong_in_every_later_way_reports_its_own_row(order: Order, cause: str) -> None:
    order.check_staircases(cause)


@pytest.mark.parametrize(
    ("order", "one", "other"),
    [pytest.param(order, *pair, id=f"{call}-{pair}") for call, order in ORDERS.items() for pair in order.neighbours],
)
def test_a_swap_of_two_neighbours_is_noticed(order: Order, one: str, other: str) -> None:
    order.check_swap(one, other)


@pytest.mark.parametrize(("one", "other"), list(pairwise(RFORK_ORDER[:4])))
def test_a_fork_comes_before_the_way(one: str, other: str) -> None:
    """What is asked of fork itself is decided by fork's own table; the way is that of a move."""
    both = Case(call="bproc_rfork").change(defects(one)[0].wrong, defects(other)[0].wrong)
    mended = both.change(defects(one)[0].right or {"daemon": True})
    assert (reported(both), reported(mended)) == (one, other)
