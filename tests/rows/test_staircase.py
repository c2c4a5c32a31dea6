"""The order of the rows: in a world that is wrong in many ways, the first of them is reported."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import combinations, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bprocsim.manual import Errors
from bprocsim.testing.cases import Case
from bprocsim.testing.recipes import Defect, defects
from tests.rows.worlds import (
    ENTRY,
    EXECMOVE,
    EXECVE,
    STEP,
    Ways,
    find_pair,
    held_at,
    held_on_entry,
    possible,
    reported,
    together,
)

# Written by hand, so that a row that moves in the code is noticed here. Up to the last
# interpreter_... a Linux 2.4.20 exec (the source linux-2.4.20-exec) with EPERM where 2.2 had it and
# EINVAL for a second PT_INTERP before any interpreter is opened; then the route, the transit, the
# thawing and the I/O set-up of a move (bproc-4.0.0pre8-move, bproc-4.0.0pre8-master).
ORDER = """
no_master cmd_unreadable cmd_empty cmd_too_long
search_denied component_too_long cmd_absent not_a_directory too_many_links path_io_error
noexec_mount not_regular not_executable file_table_full cmd_being_written
argv_unreadable envp_unreadable suid_on_nosuid header_io_error string_unreadable args_too_big out_of_memory
format_unknown wrong_machine header_malformed second_interpreter
interpreter_search_denied interpreter_component_too_long interpreter_cmd_absent
interpreter_not_a_directory interpreter_too_many_links interpreter_path_io_error
interpreter_noexec_mount interpreter_not_regular interpreter_not_executable
interpreter_file_table_full interpreter_cmd_being_written interpreter_suid_on_nosuid
interpreter_header_io_error interpreter_args_too_big
interpreter_format_unknown interpreter_wrong_machine interpreter_header_malformed interpreter_second_interpreter
node_unknown node_down same_node node_not_permitted
slave_lost
undump_refused loader_absent undump_out_of_memory
connect_refused connect_timed_out
""".split()

# ---- pairs that exclude each other ---------------------------------------------------------------

NAME = "cmd_unreadable cmd_empty cmd_too_long".split()
WALK = "search_denied component_too_long cmd_absent not_a_directory too_many_links path_io_error".split()
FILE = "noexec_mount not_regular not_executable cmd_being_written suid_on_nosuid header_io_error".split()
HEADERS = "wrong_machine header_malformed second_interpreter".split()
CONTENTS = ["format_unknown", *HEADERS]
INTERPRETER = [cause for cause in ORDER if cause.startswith("interpreter_")]
# What needs a `#!` line, for it is not asked of the loader that an ELF file names.
SCRIPT = "interpreter_suid_on_nosuid interpreter_args_too_big interpreter_second_interpreter".split()


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
        (["interpreter_format_unknown"], ["interpreter_wrong_machine", "interpreter_second_interpreter"]),
    ],
    "a script has no headers": [(HEADERS, SCRIPT)],
    "a node that is not there is nothing else": [(["node_unknown"], ["node_down", "same_node", "node_not_permitted"])],
    "nothing runs on a node that is down": [(["node_down"], ["same_node"])],
    "a connection has one end": [(["connect_refused"], ["connect_timed_out"])],
}

# Both can hold, but only where the program itself found the table full: one free entry is enough for
# a script's interpreter, and no loader is opened behind a bad one.
ONLY_BEHIND = set(product(["interpreter_file_table_full"], SCRIPT))

LISTED = {
    pair: reason for reason, groups in EXCLUSIVE.items() for before, after in groups for pair in product(before, after)
}
PAIRS = list(combinations(ORDER, 2))


def test_the_order_of_the_rows() -> None:
    assert [row.cause for row in EXECMOVE.rows] == ORDER
    assert [row.cause for row in EXECVE.rows] == ORDER[1 : len(ENTRY)]


def test_the_list_of_exclusive_pairs_is_in_order_and_says_nothing_twice() -> None:
    assert set(LISTED) <= set(PAIRS)
    assert len(LISTED) == sum(len(before) * len(after) for groups in EXCLUSIVE.values() for before, after in groups)


@pytest.mark.parametrize("one", ORDER)
def test_two_rows_hold_together_unless_they_are_listed_as_exclusive(one: str) -> None:
    """And then the earlier one is reported, or one before both that must hold too."""
    for other in ORDER[ORDER.index(one) + 1 :]:
        pair = find_pair(one, other)
        if pair is None:
            assert (one, other) in LISTED, f"no world has both {one} and {other}, and no reason is listed"
        else:
            assert (one, other) not in LISTED, f"here are {one} and {other} at once: {pair.case()}"
            first = min(held_on_entry(pair.case()), key=ORDER.index) if other in ENTRY else one
            assert reported(pair.case()) == first
            assert first == one or (one, other) in ONLY_BEHIND, f"{one} and {other} hold behind {first} only"


@given(st.data())
def test_no_world_with_many_defects_holds_an_exclusive_pair(data: st.DataObject) -> None:
    """A search beyond pairs: what holds in a world with any defects is in no exclusive pair."""
    causes = data.draw(st.lists(st.sampled_from(ENTRY), min_size=2, max_size=8, unique=True))
    ways = Ways({cause: data.draw(st.sampled_from(defects(cause))) for cause in sorted(causes, key=ORDER.index)})
    held = held_on_entry(ways.case())
    assert not LISTED.keys() & set(combinations(held, 2)), ways.case()
    if held:
        assert reported(ways.case()) == min(held, key=ORDER.index)


# ---- staircases ----------------------------------------------------------------------------------


def _in_order(causes: Iterable[str]) -> list[str]:
    return sorted(causes, key=ORDER.index)


def _first(case: Case) -> str:
    """Give the first row by the list above that holds on entry, "" if none does."""
    return min(held_on_entry(case), key=ORDER.index, default="")


def _add(ways: Ways, later: str) -> Ways:
    """Make a world wrong in one more way, if that can be, without looking at what is reported."""
    if later in ways.of or any((earlier, later) in LISTED or (later, earlier) in LISTED for earlier in ways.of):
        return ways
    for defect in defects(later):
        more = ways.with_(later, defect)
        if possible(more.case()) and _all_hold(more, later):
            return more
    return ways


def _all_hold(ways: Ways, added: str) -> bool:
    """Tell whether all of these hold and nothing before them, and the one added does without the others."""
    entry = _in_order(set(ways.of) & set(ENTRY))
    held = held_on_entry(ways.case())
    if min(held, key=ORDER.index, default="") != (entry or [""])[0] or not set(entry) <= set(held):
        return False
    if added in ENTRY:
        return _first(ways.case(*(cause for cause in ways.of if cause != added))) == added
    moment = _in_order(cause for cause in ways.of if STEP[cause] == STEP[added])
    before = [cause for cause in ways.of if ORDER.index(cause) < ORDER.index(moment[0])]
    return all(
        set(moment[place:]) <= set(held_at(ways.case(*before, *moment[:place]), STEP[added]))
        for place in range(len(moment))
    )


def _staircase(cause: str, *seeds: tuple[str, Defect]) -> Ways:
    """Make a world wrong in this way, and then in every later way that still can be added."""
    ways = Ways(dict(seeds))
    for later in ORDER[ORDER.index(cause) + 1 :]:
        ways = _add(ways, later)
    return ways


@cache
def staircases(cause: str) -> tuple[Ways, ...]:
    """Make staircases that begin with a row: one for each way to it, and more until all later rows have their step."""
    alone = [defect for defect in defects(cause) if _first(Ways({cause: defect}).case()) in (cause, "")]
    found = [_staircase(cause, (cause, defect)) for defect in alone]
    for later in later_rows(cause):
        if any(later in ways.of for ways in found):
            continue
        pairs = ((defect, other) for defect in alone for other in defects(later))
        for defect, other in pairs:
            if together(cause, later, defect, other) and _first(Ways({cause: defect, later: other}).case()) in (cause, ""):
                found.append(_staircase(cause, (cause, defect), (later, other)))
                break
    return tuple(found)


def later_rows(cause: str) -> list[str]:
    """Give the rows behind one that can hold together with it."""
    return [
        later
        for later in ORDER[ORDER.index(cause) + 1 :]
        if (cause, later) not in LISTED and (cause, later) not in ONLY_BEHIND
    ]


@pytest.mark.parametrize("cause", ORDER)
def test_a_case_wrong_in_every_later_way_reports_its_own_row(cause: str) -> None:
    """And once that is mended the next row, down to the last step."""
    found = staircases(cause)
    assert set(later_rows(cause)) | {cause} == {each for ways in found for each in ways.of}
    for ways in found:
        steps = _in_order(ways.of)
        for place, expected in enumerate(steps):
            case = ways.case(*steps[:place])
            assert reported(case) == expected, case


def _swapped(one: str, other: str) -> Errors:
    rows = list(EXECMOVE.rows)
    place = ORDER.index(one)
    assert rows[place + 1].cause == other
    rows[place], rows[place + 1] = rows[place + 1], rows[place]
    return Errors(EXECMOVE.call, page=EXECMOVE.page, order=EXECMOVE.order, rows=rows)


# Rows of different moments are not decided by their places in the table.
NEIGHBOURS = [
    pair for pair in zip(ORDER, ORDER[1:], strict=False) if pair not in LISTED and STEP[pair[0]] == STEP[pair[1]]
]


@pytest.mark.parametrize(("one", "other"), NEIGHBOURS)
def test_a_swap_of_two_neighbours_is_noticed(one: str, other: str) -> None:
    table = _swapped(one, other)
    noticing = [ways for ways in staircases(one) if other in ways.of]
    assert noticing
    for ways in noticing:
        assert reported(ways.case(), table) == other != reported(ways.case()) == one
