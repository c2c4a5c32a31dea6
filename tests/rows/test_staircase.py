"""The order of the rows: in a world that is wrong in many ways, the first of them is reported."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bprocsim.testing.rows.cases import Case
from bprocsim.testing.rows.defects import defects
from tests.rows.staircase import Order, Ways, listed
from tests.rows.worlds import ENTRY, EXECMOVE, EXECVE, held_at, held_on_entry, possible, reported


def _causes(text: str) -> list[str]:
    return text.split()


# Written by hand, so that a row that moves in the code is noticed here. Up to the last
# interpreter_... a Linux 2.4.20 exec (the source linux-2.4.20-exec) with EPERM where 2.2 had it and
# EINVAL for a second PT_INTERP before any interpreter is opened; then the route, the transit, the
# thawing and the I/O set-up of a move (bproc-4.0.0pre8-move, bproc-4.0.0pre8-master).
ORDER = _causes("""
no_master cmd_unreadable cmd_empty cmd_too_long
search_denied component_too_long cmd_absent not_a_directory too_many_links path_io_error
noexec_mount not_regular not_executable file_table_full cmd_being_written
argv_unreadable envp_unreadable suid_on_nosuid header_io_error string_unreadable args_too_big out_of_memory
format_unknown wrong_machine header_malformed too_many_descriptors second_interpreter
interpreter_args_too_big interpreter_search_denied interpreter_component_too_long interpreter_cmd_absent
interpreter_not_a_directory interpreter_too_many_links interpreter_path_io_error
interpreter_noexec_mount interpreter_not_regular interpreter_not_executable
interpreter_file_table_full interpreter_cmd_being_written interpreter_suid_on_nosuid
interpreter_header_io_error
interpreter_format_unknown interpreter_wrong_machine interpreter_header_malformed
interpreter_too_many_descriptors interpreter_second_interpreter
queue_closed node_unknown node_down same_node node_not_permitted
slave_lost
undump_refused loader_absent undump_out_of_memory
connect_refused connect_timed_out
""")

# ---- pairs that exclude each other ---------------------------------------------------------------

NAME = _causes("cmd_unreadable cmd_empty cmd_too_long")
WALK = _causes("search_denied component_too_long cmd_absent not_a_directory too_many_links path_io_error")
FILE = _causes("noexec_mount not_regular not_executable cmd_being_written suid_on_nosuid header_io_error")
HEADERS = _causes("wrong_machine header_malformed too_many_descriptors second_interpreter")
CONTENTS = ["format_unknown", *HEADERS]
INTERPRETER = [cause for cause in ORDER if cause.startswith("interpreter_")]
# What needs a `#!` line, for it is not asked of the loader that an ELF file names.
SCRIPT = _causes("""
interpreter_suid_on_nosuid interpreter_args_too_big interpreter_too_many_descriptors interpreter_second_interpreter
""")


def _of_interpreter(causes: list[str]) -> list[str]:
    return [f"interpreter_{cause}" for cause in causes]


# Reason: pairs of (earlier rows, later rows) of which no two can hold together.
EXCLUSIVE: dict[str, list[tuple[list[str], list[str]]]] = {
    "cmd is one pointer to one string": [(NAME[:1], NAME[1:]), (NAME[1:2], NAME[2:])],
    "a name that was never walked has no file": [(NAME, WALK + FILE + CONTENTS + INTERPRETER)],
    "a path that leads nowhere has no file": [
        (WALK, FILE + CONTENTS + INTERPRETER),
        (_of_interpreter(WALK), _of_interpreter(FILE + CONTENTS)),
    ],
    "only a directory is searched": [
        (["search_denied", "component_too_long", "cmd_absent"], ["not_a_directory"]),
        (["not_a_directory"], ["too_many_links", "path_io_error"]),
        (
            ["interpreter_search_denied", "interpreter_component_too_long", "interpreter_cmd_absent"],
            ["interpreter_not_a_directory"],
        ),
        (["interpreter_not_a_directory"], ["interpreter_too_many_links", "interpreter_path_io_error"]),
    ],
    "what is not there is no link": [
        (["component_too_long", "cmd_absent"], ["too_many_links"]),
        (["interpreter_component_too_long", "interpreter_cmd_absent"], ["interpreter_too_many_links"]),
    ],
    "nobody knows what is not in a directory that cannot be read": [
        (["cmd_absent"], ["path_io_error"]),
        (["interpreter_cmd_absent"], ["interpreter_path_io_error"]),
    ],
    "only a regular file has contents": [
        (["not_regular"], ["cmd_being_written", "header_io_error", *CONTENTS, *INTERPRETER]),
        (
            ["interpreter_not_regular"],
            _of_interpreter(["cmd_being_written", "header_io_error", *CONTENTS]),
        ),
    ],
    "contents that cannot be read are in no format, right or wrong": [
        (["header_io_error"], CONTENTS + INTERPRETER),
        (["interpreter_header_io_error"], _of_interpreter(CONTENTS)),
    ],
    "what is in no format has no headers and names nothing": [
        (["format_unknown"], HEADERS + INTERPRETER),
        (
            ["interpreter_format_unknown"],
            ["interpreter_wrong_machine", "interpreter_too_many_descriptors", "interpreter_second_interpreter"],
        ),
    ],
    "a script has no headers": [(HEADERS, SCRIPT)],
    "a node that is not there is nothing else": [(["node_unknown"], ["node_down", "same_node", "node_not_permitted"])],
    "only who is on the master queues a request there, and only another slave is silent for so long": [
        (["queue_closed"], ["connect_timed_out"])
    ],
    "nothing runs on a node that is down": [(["node_down"], ["same_node"])],
    "only a caller on the master can see that it is gone, and only another slave is silent for so long": [
        (["no_master"], ["connect_timed_out"])
    ],
    "a connection has one end": [(["connect_refused"], ["connect_timed_out"])],
}

# Both can hold, but only where the program itself found the table full: one free entry is enough for
# a script's interpreter, and no loader is opened behind a bad one.
ONLY_BEHIND = {
    ("interpreter_args_too_big", "interpreter_file_table_full"),
    ("interpreter_file_table_full", "interpreter_suid_on_nosuid"),
    ("interpreter_file_table_full", "interpreter_too_many_descriptors"),
    ("interpreter_file_table_full", "interpreter_second_interpreter"),
}

THE_ORDER = Order(
    EXECMOVE,
    ORDER,
    Case(),
    defects,
    lambda case, step: held_at(case, step) if step else held_on_entry(case),
    reported,
    listed(EXCLUSIVE),
    frozenset(ONLY_BEHIND),
    possible,
)


def test_the_order_of_the_rows() -> None:
    assert [row.cause for row in EXECMOVE.rows] == ORDER
    assert [row.cause for row in EXECVE.rows] == ORDER[1 : len(ENTRY)]


def test_the_list_of_exclusive_pairs_is_in_order_and_says_nothing_twice() -> None:
    assert set(THE_ORDER.exclusive) <= set(combinations(ORDER, 2))
    counted = sum(len(before) * len(after) for groups in EXCLUSIVE.values() for before, after in groups)
    assert len(THE_ORDER.exclusive) == counted


@pytest.mark.parametrize("one", ORDER)
@pytest.mark.slow
def test_two_rows_hold_together_unless_they_are_listed_as_exclusive(one: str) -> None:
    """And then the earlier one is reported."""
    THE_ORDER.check_pairs(one)


@pytest.mark.slow
@given(st.data())
def test_no_world_with_many_defects_holds_an_exclusive_pair(data: st.DataObject) -> None:
    """A search beyond pairs: what holds in a world with any defects is in no exclusive pair."""
    causes = data.draw(st.lists(st.sampled_from(ENTRY), min_size=2, max_size=8, unique=True))
    ways = Ways(Case(), {cause: data.draw(st.sampled_from(defects(cause))) for cause in THE_ORDER.in_order(causes)})
    held = held_on_entry(ways.case())
    assert not THE_ORDER.exclusive.keys() & set(combinations(held, 2)), ways.case()
    if held:
        assert reported(ways.case()) == min(held, key=ORDER.index)


# ---- staircases ----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("cause", ORDER)
def test_a_case_wrong_in_every_later_way_reports_its_own_row(cause: str) -> None:
    """And once that is mended the next row, down to the last step."""
    THE_ORDER.check_staircases(cause)


@pytest.mark.slow
@pytest.mark.parametrize("cause", [cause for cause in ORDER if len(defects(cause)) > 1])
def test_so_does_every_other_way_to_the_row(cause: str) -> None:
    THE_ORDER.check_other_ways(cause)


@pytest.mark.slow
@pytest.mark.parametrize(("one", "other"), THE_ORDER.neighbours)
def test_a_swap_of_two_neighbours_is_noticed(one: str, other: str) -> None:
    THE_ORDER.check_swap(one, other)
