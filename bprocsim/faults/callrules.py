"""Calls that fail although nothing is amiss: checked against the table in force, counted, told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bprocsim.errnos import Errno
from bprocsim.faults.occasions import occasion
from bprocsim.faults.strikes import machine_of
from bprocsim.kernel.rules import Rule
from bprocsim.kernel.tables import tables_in_force
from bprocsim.manual import Errors, Kind, Row


def rule_of(fault: Any, engine: Any, master: Any, planned: Any) -> Callable[[Any, Any, Any], Callable[[], None]]:
    """Give what lets a CallFails be in force, and gives what ends it.

    ValueError: there is no such call here, or its page does not have the errno, or not by the cause.
    """
    home, text = machine_of(master, -1), repr(fault)
    calls, errors = calls_of(fault.call, tables_in_force(home))
    row = _row(errors, fault.errno, fault.cause)
    if fault.probability is None:
        strikes = occasion(fault.when)
    else:
        drawn = engine.random(f"{text} {home.name}")

        def strikes(_number: int) -> bool:
            return bool(drawn.random() < fault.probability)

    def told() -> None:
        planned.fired += 1
        home.record(0, "fault", text)

    rule = Rule(row, errors, fault.node, strikes, told)

    def begin(*_: Any) -> Callable[[], None]:
        home.rules.add(calls, rule)
        return lambda: home.rules.remove(calls, rule)

    return begin


def calls_of(asked: str, tables: dict[str, Errors]) -> tuple[tuple[str, ...], Errors]:
    """Give a system's calls that a page, or one call, is about, and their table."""
    calls = tuple(name for name, table in tables.items() if asked in (name, table.call))
    calls = calls or tuple(name for name in tables if plain(name) == plain(asked))
    if not calls:
        known = ", ".join(sorted({table.call for table in tables.values() if table.rows}))
        raise ValueError(f"call: there is no {asked!r} here that has errors; expected one of {known}")
    return calls, tables[calls[0]]


# The forms of exec that the C library makes of another call.
_OF_THE_LIBRARY = {"execl": "execve", "execle": "execve", "execv": "execve", "execlp": "execvp"}


def plain(call: str) -> str:
    """Give the name that a call's forms share: _bproc_move_io, bproc_move_io and bproc_move are one call.

    So are execl and execve, ra_execlp and ra_execvp: the first is made by the second.
    """
    family = "ra_" if call.startswith("ra_") else ""
    name = call.removeprefix("_").removesuffix("_io").removeprefix(family)
    return family + _OF_THE_LIBRARY.get(name, name)


def _row(errors: Errors, errno: Errno, cause: str | None) -> Row:
    """Find the row of an errno that a call returns: of a cause, or the first.

    What an exit or one node's slot tells is none.
    """
    returned = [row for row in errors.rows if row.kind not in (Kind.LATE, Kind.SLOT)]
    found = [row for row in returned if row.errno is errno]
    if not found:
        known = ", ".join(sorted({row.errno.name for row in returned})) or "none at all"
        raise ValueError(f"errno: {errors.call} is not documented to return {errno.name}; it returns {known}")
    for row in found:
        if cause in (None, row.cause):
            return row
    known = ", ".join(row.cause for row in found)
    raise ValueError(f"cause: {errors.call} has no {cause!r} that reports {errno.name}; expected one of {known}")
