"""The order of the rows of the calls about nodes and processes: in a cluster wrong in many ways, the first counts."""

from __future__ import annotations

from functools import cache
from itertools import combinations
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.manual import Errors, Row
from bprocsim.testing.rows.cases import TARGET
from bprocsim.testing.rows.nodecases import NodeCase
from bprocsim.testing.rows.nodedefects import node_defects
from bprocsim.testing.rows.recipes import node_tables
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
    "bproc_access": "module_absent no_master out_of_memory node_unknown more_than_execute not_permitted",
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

_OF_A_FILE = "not_mounted descriptors_used_up files_used_up"
_MOUNTED = "from_slave not_administrator slave_unknown node_down no_master"

# Where BProc 4.0 has other rows than the editions before it.
IN_BPROC4 = {
    "bproc_version": "version_unwritable",
    "bproc_numnodes": "not_mounted",
    "bproc_nodestatus": "node_unknown without_state status_too_long_for_buffer buffer_unwritable",
    "bproc_nodeinfo": "info_unwritable node_unknown without_state node_without_address",
    "bproc_nodelist": f"set_unwritable {_OF_A_FILE} out_of_memory",
    "bproc_nodelist_": "set_unwritable not_a_notifier out_of_memory",
    "bproc_nodeaddr": "node_unknown node_without_address addr_unwritable",
    "bproc_notifier": _OF_A_FILE,
    "bproc_nodespec": f"set_unwritable specification_unreadable {_OF_A_FILE} out_of_memory specification_malformed",
    "bproc_nodefilter": "set_unwritable set_unreadable specification_unreadable out_of_memory specification_malformed",
    "bproc_nodeset_init": "set_unwritable set_too_big",
    "bproc_nodeset_grow": "set_unwritable set_too_big",
    "bproc_nodeset_free": "set_unwritable",
    "bproc_nodeset_add": "set_unwritable node_unreadable out_of_memory",
    "bproc_nodeset_append": "set_unwritable other_set_unreadable out_of_memory",
    "bproc_access": "node_unknown more_than_execute not_permitted",
    "bproc_chmod": "slave_unknown from_slave node_down not_owner mode_invalid",
    "bproc_chown": "slave_unknown from_slave node_down owner_not_permitted",
    "bproc_chgrp": "slave_unknown from_slave node_down group_not_permitted",
    "bproc_nodesetstatus": "status_unreadable slave_unknown from_slave not_administrator node_down status_too_long "
    "status_malformed",
    "bproc_nodereboot": _MOUNTED,
    "bproc_nodehalt": _MOUNTED,
    "bproc_nodepwroff": _MOUNTED,
    "bproc_getnodeattr": "name_unreadable node_unknown node_down attribute_absent value_too_long_for_buffer "
    "buffer_unwritable",
    "bproc_setnodeattr": "name_unreadable slave_unknown value_unreadable from_slave not_administrator node_down "
    "name_too_long value_too_long too_many_attributes",
    "bproc_proclist": "list_unwritable descriptors_used_up files_used_up",
    "bproc_pidnode": "out_of_memory descriptors_used_up files_used_up no_such_process",
}

# What a slave's daemon says of a directory, and what becomes of a request.
_THERE = [
    "path_empty", "component_too_long", "directory_absent", "not_a_directory", "too_many_links", "path_io_error",
    "is_no_directory",
]  # fmt: skip
_FATES = ["slave_lost", "master_lost", "interrupted"]
_ERRAND = " ".join([*_THERE, *_FATES])
ORDERS["bproc_slave_chroot"] = (
    "no_master from_slave not_administrator directory_unreadable directory_too_long out_of_memory slave_unknown "
    f"node_down {_ERRAND}"
)
_ENDS = ["address_not_its_own", "master_unreachable", "master_not_there"]
_ANEW = "from_slave not_administrator address_unreadable address_not_inet slave_unknown node_down"
ORDERS["bproc_nodereconnect"] = f"no_master {_ANEW} {' '.join([*_ENDS, *_FATES])}"
IN_BPROC4["bproc_nodereconnect"] = f"{_ANEW} no_master {' '.join([*_ENDS, *_FATES])}"
for _form in ("bproc_nodereboot", "bproc_nodehalt", "bproc_nodepwroff"):
    ORDERS[f"{_form}_async"], IN_BPROC4[f"{_form}_async"] = ORDERS[_form], _MOUNTED
ORDERS["bproc_detach"] = "module_absent not_administrator memory_used_up no_number_left"
ORDERS["bproc_nodechroot"] = ORDERS["bproc_slave_chroot"]
IN_BPROC4["bproc_nodechroot"] = (
    "from_slave not_administrator directory_unreadable directory_too_long out_of_memory slave_unknown node_down "
    f"no_master {_ERRAND}"
)

_ASKED_OF_IT = [
    "node_down", "not_owner", "group_not_permitted", "not_permitted", "node_without_address",
    "status_too_long_for_buffer", "value_too_long_for_buffer", "too_many_attributes",
]  # fmt: skip
APART = listed(
    {
        "who is on a slave without a master is killed": [(["no_master"], ["from_slave"])],
        "a node that is not there is nobody's, and in no state": [(["slave_unknown", "node_unknown"], _ASKED_OF_IT)],
        "a state has one number": [
            (["status_unknown"], ["status_not_settable", "status_is_command"]),
            (["status_not_settable"], ["status_is_command"]),
        ],
        "a pointer that leads nowhere describes no node": [(["info_unreadable"], ["info_not_permitted"])],
        "what cannot be read is not too long, and not wrong": [
            (["status_unreadable"], ["status_too_long", "status_malformed"]),
            (["specification_unreadable"], ["specification_malformed"]),
            (["name_unreadable"], ["name_too_long", "value_too_long_for_buffer"]),
        ],
        "a directory has one name": [
            (["directory_unreadable"], ["directory_too_long", *_THERE]),
            (["directory_too_long"], _THERE),
            *(([one], _THERE[place + 1 :]) for place, one in enumerate(_THERE[:-1])),
        ],
        "who does not answer says nothing": [(_THERE, _FATES), (_ENDS, _FATES)],
        "a connection has one end here and one there": [
            (["address_unreadable"], ["address_not_inet", *_ENDS]),
            (["address_not_inet"], _ENDS),
            *(([one], _ENDS[place + 1 :]) for place, one in enumerate(_ENDS[:-1])),
        ],
        "a request has one end": [(["slave_lost"], _FATES[1:]), (["master_lost"], _FATES[2:])],
        "a node that is down has no attributes": [
            (["node_down"], ["value_too_long_for_buffer", "too_many_attributes"]),
            (["attribute_absent"], ["value_too_long_for_buffer"]),
        ],
    }
)

# In BProc 4.0 a slave has a file of itself alone: nobody there asks about another node, or while it is down.
ON_ITSELF = listed(
    {
        "who is on a node that is down is not heard": [
            (["from_slave", "without_state"], ["node_down", "node_without_address"])
        ],
    }
)

# Each table by its call and, where it is not as in an edition before, its edition.
TABLES = {
    **{table.call: (table, edition) for edition in ("lanl32", "scyld") for table in node_tables(edition)},
    **{f"{table.call} in bproc4": (table, "bproc4") for table in node_tables("bproc4")},
}
ALL_ORDERS = {**ORDERS, **{f"{call} in bproc4": order for call, order in IN_BPROC4.items()}}


@cache
def held_in(case: NodeCase) -> dict[str, tuple[str, ...]]:
    """Tell all that holds whenever the call is decided, in the order of the table, by the step."""
    held: dict[str, tuple[str, ...]] = {}
    first = Errors.first

    def watch(table: Errors, facts: Any, step: str) -> Row | None:
        found = first(table, facts, step)
        every = tuple(row.cause for row in table.every(facts, step))
        assert (found.cause if found is not None else None) == (every[0] if every else None)
        if table.call == case.call:
            held[step] = every
        return found

    cluster = case.world()
    with deciding(watch):
        case.make(cluster)
    return held


def reported(case: NodeCase, table: Errors | None = None) -> str | None:
    """Make the call and give the cause that it reports, by its own table or by another."""
    cluster, first = case.world(), Errors.first

    def decide(own: Errors, facts: Any, step: str) -> Row | None:
        return first(table if table is not None and own.call == table.call else own, facts, step)

    with deciding(decide):
        return case.make(cluster).cause


def exclusive_of(name: str) -> dict[Pair, str]:
    """Give the pairs of a table's rows that cannot hold together."""
    order = ALL_ORDERS[name].split()
    known = {**APART, **(ON_ITSELF if name in FILES else {})}
    return {
        pair: why
        for (one, other), why in known.items()
        for pair in ((one, other), (other, one))
        if set(pair) <= set(order) and order.index(pair[0]) < order.index(pair[1])
    }


# Calls of BProc 4.0 about a node's file, and not about the node itself.
FILES = {
    f"{call} in bproc4"
    for call, order in IN_BPROC4.items()
    if order != _MOUNTED and call not in ("bproc_nodechroot", "bproc_nodereconnect")
}

CASES = {
    name: Order(
        TABLES[name][0],
        order.split(),
        NodeCase(call=TABLES[name][0].call, edition=TABLES[name][1]),
        node_defects,
        lambda case, step: held_in(case).get(step, ()),
        reported,
        exclusive_of(name),
        possible=lambda case: case.from_node != TARGET or not (case.down or case.fate in ("lost", "interrupted")),
    )
    for name, order in ALL_ORDERS.items()
}
ROWS = [pytest.param(call, cause, id=f"{call}-{cause}") for call, order in CASES.items() for cause in order.order]
NEIGHBOURS = [
    pytest.param(call, *pair, id=f"{call}-{pair[0]}-{pair[1]}")
    for call, order in CASES.items()
    for pair in order.neighbours
]


def test_every_table_has_its_order() -> None:
    assert set(ALL_ORDERS) == set(TABLES)


@pytest.mark.parametrize("edition", bp.editions)
def test_the_order_of_the_rows(edition: str) -> None:
    orders = IN_BPROC4 if edition == "bproc4" else ORDERS
    for table in node_tables(edition):
        assert [row.cause for row in table.rows] == orders[table.call].split()


@pytest.mark.parametrize("call", ALL_ORDERS)
def test_the_list_of_exclusive_pairs_is_in_order(call: str) -> None:
    assert set(exclusive_of(call)) <= set(combinations(ALL_ORDERS[call].split(), 2))


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
        for edition in bp.editions
    }
    assert errnos == {"scyld": bp.Errno.EIO, "lanl32": bp.Errno.BE_INVALIDNODE, "bproc4": bp.Errno.ENOENT}
