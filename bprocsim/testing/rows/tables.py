"""Every ERRORS table by the name of its call, or of another form of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from bprocsim import Edition, Errno, ExecProfile, Level, editions
from bprocsim.aix.constants import R_THREAD
from bprocsim.kernel.tables import tables_in_force
from bprocsim.manual import Errors, Kind
from bprocsim.testing.rows.recipes import exec_tables, lpar_tables, move_tables, node_tables, posix_tables


def tables(
    edition: str | Edition = "scyld", kernel: str | ExecProfile = "documented", level: str | Level = "7.1"
) -> dict[str, Errors]:
    """Give every table by its call: BProc's and exec's for an edition and a kernel, POSIX's, and AIX's for a level.

    Those of the `fs` methods, with which a world is built, are not among them.
    `edition`, `kernel`, `level` names or records. ValueError: no such name.
    """
    found = [*exec_tables(edition, kernel), *move_tables(edition, kernel), *posix_tables(), *node_tables(edition)]
    found += lpar_tables(level)
    return {table.call: table for table in found}


@cache
def first_tables() -> dict[str, Errors]:
    """Give every table by its call, each of the first edition that has it."""
    return {call: table for edition in reversed([*editions]) for call, table in tables(edition).items()}


# The forms of exec, of which a page describes all at once.
_EXECS = re.compile(r"(ra_)?exec(?:[lv](?:e|p|pe)?|t)?")


def table_named(call: str, known: Mapping[str, Errors]) -> Errors:
    """Find a table by its call, or by another name of it, in any case. TypeError; ValueError names what there is."""
    if not isinstance(call, str):
        raise TypeError(f"call: expected a name such as 'bproc_execmove', got {call!r}")
    by_name = {name.lower(): table for name, table in known.items()}
    asked = call.lower().removesuffix("()")
    exec_form = _EXECS.fullmatch(asked)
    plain = asked.removeprefix("_").removesuffix("_io")
    family = "" if exec_form is None else "ra_exec" if exec_form[1] else "execve"
    for name in (asked, plain, family):
        if name in by_name:
            return by_name[name]
    raise ValueError(f"call: there is no {call!r} that has errors; expected one of {', '.join(sorted(known))}")


def page_named(call: str) -> str:
    """Give the page of a call that any edition has, as `table_named` finds it. ValueError names what there is."""
    return table_named(call, first_tables()).call


def returned_errnos(table: Errors) -> tuple[Errno, ...]:
    """Give the errnos of a page with which a call comes back, each once, in the order of its rows."""
    return tuple(dict.fromkeys(row.errno for row in table.rows if row.kind is Kind.PAGE))


def documented_tables(system: Any) -> dict[str, Errors]:
    """Give the tables of a cluster's or a partition's calls, by the names under which its kernels know them.

    What its level of AIX lacks, they do not tell of.
    """
    partition = system.home.partition
    found = tables_in_force(system.home)
    return found if partition is None else {call: of_level(table, partition.level) for call, table in found.items()}


def of_level(table: Errors, level: Level) -> Errors:
    """Give a table of AIX with no row about a thing that a level lacks."""
    if all(_has(level, row.cause) for row in table.rows):
        return table
    rows = [row for row in table.rows if _has(level, row.cause)]
    return Errors(table.call, page=table.page, order=table.order, rows=rows, failed=table.failed)


def _has(level: Level, cause: str) -> bool:
    return cause not in _OF_LEVELS or _OF_LEVELS[cause](level)


def _knows_threads(level: Level) -> bool:
    return R_THREAD in level.work


# Rows about things that not every level of AIX has, with what tells whether one has it.
_OF_LEVELS: dict[str, Callable[[Level], bool]] = {
    **dict.fromkeys(("affinity_disabled", "sradid_invalid", "sradid_of_process"), lambda level: level.sradids),
    **dict.fromkeys(
        (
            "not_exclusive", "st_set_empty", "processor_exclusive", "exclusive_not_permitted", "exclusive_set_fixed",
            "exclusive_sets_overlap",
        ),
        lambda level: level.exclusive_sets,
    ),
    **dict.fromkeys(("thread_set_outside", "outside_effective"), _knows_threads),
}  # fmt: skip
