"""The order of the rows of the calls about nodes and processes: in a cluster wrong in many ways, the first counts."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.manual import Errors, Row
from bprocsim.testing.nodecases import NodeCase
from bprocsim.testing.nodedefects import node_defects
from bprocsim.testing.recipes import node_tables
from tests.rows.lparworlds import deciding
from tests.rows.staircase import Order, Pair, listed

pytestmark = pytest.mark.slow  # many worlds, or interpreters of their own

# Written by hand: no page promises an order (the source choice-node-calls).
ORDERS = {
    "bproc_numnodes": "no_master",
    "bproc_nodestatus": "no_master out_of_memory node_unknown",
    "bproc_nodeinfo": "no_master info_unwritable out_of_memory node_unknown",
    "bproc_nodelist": "no_master list_unwritable out_of_memory",
    "bproc_nodeaddr": "no_master addr_unwritable node_unknown node_without_address",
    "bproc_masteraddr": "addr_unwritable",
    "bproc_version": "version_unwritable",
    "bproc_notifier": "no_master descriptors_used_up files_used_up",
    "bproc_access": "no_master out_of_memory node_unknown more_than_execute not_permitted",
    "_bproc_access": "info_unreadable more_than_execute info_not_permitted",
    "bproc_chmod": "no_master from_slave slave_unknown node_down not_owner mode_invalid",
    "bproc_chown": "no_master from_slave slave_unknown node_down not_root",
    "bproc_chgrp": "no_master from_slave slave_unknown node_down group_not_permitted",
    "bproc_setnodestatus": "no_master from_slave not_administrator out_of_memory slave_unknown node_down "
    "status_unknown status_not_settable",
    "bproc_nodesetstatus": "no_master from_slave slave_unknown not_administrator node_down "
    "status_unknown status_not_settable status_is_command",
    "bproc_nodereboot": "no_master from_slave not_administrator slave_unknown node_down",
    "bproc_nodehalt": "no_master from_slave not_administrator slave_unknown node_down",
    "bproc_nodepwroff": "no_master from_slave not_administrator slave_unknown node_down",
    "bproc_proclist": "no_master list_unwritable",
    "bproc_pidnode": "out_of_memory descriptors_used_up files_used_up no_such_process",
    "bproc_pidghostnode": "out_of_memory descriptors_used_up files_used_up no_such_process",
}

_ASKED_OF_IT = ["node_down", "not_owner", "group_not_permitted", "not_permitted", "node_without_address"]
APART = listed(
    {
        "who is on a slave without a master is killed": [(["no_master"], ["from_slave"])],
        "a node that is not there is nobody's, and in no state": [(["slave_unknown", "node_unknown"], _ASKED_OF_IT)],
        "a state has one number": [
            (["status_unknown"], ["status_not_settable", "status_is_command"]),
            (["status_not_settable"], ["status_is_command"]),
        ],
        "a pointer that leads nowhere describes no node": [(["info_unreadable"], ["info_not_permitted"])],
    }
)

EDITION_OF = {table.call: edition for edition in ("lanl32", "scyld") for table in node_tables(edition)}
TABLES = {table.call: table for edition in ("lanl32", "scyld") for table in node_tables(edition)}


@cache
def held_in(case: NodeCase) -> tuple[str, ...]:
    """Tell all that holds when the call is decided, in the order of the table."""
    held: list[tuple[str, ...]] = []
    first = Errors.first

    def watch(table: Errors, facts: Any, step: str) -> Row | None:
        found = first(table, facts, step)
        every = tuple(row.cause for row in table.every(facts, step))
        assert (found.cause if found is not None else None) == (every[0] if every else None)
        if table.call == case.call:
            held.append(every)
        return found

    cluster = case.world()
    with deciding(watch):
        case.make(cluster)
    return held[-1]


def reported(case: NodeCase, table: Errors | None = None) -> str | None:
    """Make the call and give the cause that it reports, by its own table or by another."""
    cluster, first = case.world(), Errors.first

    def decide(own: Errors, facts: Any, step: str) -> Row | None:
        return first(table if table is not None and own.call == table.call else own, facts, step)

    with deciding(decide):
        return case.make(cluster).cause


def exclusive_of(call: str) -> dict[Pair, str]:
    """Give the pairs of a call's rows that cannot hold together."""
    return {pair: why for pair, why in APART.items() if set(pair) <= set(ORDERS[call].split())}


CASES = {
    call: Order(
        TABLES[call],
        order.split(),
        NodeCase(call=call, edition=EDITION_OF[call]),
        node_defects,
        lambda case, _step: held_in(case),
        reported,
        exclusive_of(call),
    )
    for call, order in ORDERS.items()
}
ROWS = [pytest.param(call, cause, id=f"{call}-{cause}") for call, order in CASES.items() for cause in order.order]
NEIGHBOURS = [
    pytest.param(call, *pair, id=f"{call}-{pair[0]}-{pair[1]}")
    for call, order in CASES.items()
    for pair in order.neighbours
]


def test_every_table_has_its_order() -> None:
    assert set(ORDERS) == set(TABLES)


@pytest.mark.parametrize("edition", ["scyld", "lanl32"])
def test_the_order_of_the_rows(edition: str) -> None:
    for table in node_tables(edition):
        assert [row.cause for row in table.rows] == ORDERS[table.call].split()


@pytest.mark.parametrize("call", ORDERS)
def test_the_list_of_exclusive_pairs_is_in_order(call: str) -> None:
    assert set(exclusive_of(call)) <= set(combinations(ORDERS[call].split(), 2))


@pytest.mark.parametrize(("call", "cause"), ROWS)
def test_two_rows_hold_together_unless_they_are_listed_as_exclusive(call: str, cause: str) -> None:
    """And then the earlier one is reported."""
    CASES[call].check_pairs(cause)


@pytest.mark.parametrize(("call", "cause"), ROWS)
def test_a_case_wrong_in_every_later_way_reports_its_own_row(call: str, cause: str) -> None:
    """And once that is mended the next row, down to the last step."""
    CASES[call].check_staircases(cause)


@pytest.mark.parametrize(("call", "cause"), ROWS)
def test_so_does_every_other_way_to_the_row(call: str, cause: str) -> None:
    CASES[call].check_other_ways(cause)


@pytest.mark.parametrize(("call", "one", "other"), NEIGHBOURS)
def test_a_swap_of_two_neighbours_is_noticed(call: str, one: str, other: str) -> None:
    CASES[call].check_swap(one, other)


def test_the_editions_differ_in_their_errnos() -> None:
    errnos = {
        edition: bp.editions[edition].calls()["bproc_nodestatus"].errors.row("node_unknown").errno
        for edition in ("scyld", "lanl32")
    }
    assert errnos == {"scyld": bp.Errno.EIO, "lanl32": bp.Errno.BE_INVALIDNODE}
