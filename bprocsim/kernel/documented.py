"""The guard behind every answer: what a call reports stands in the table that is in force for it.

Whoever lets an outcome reach a program, a session or the harness asks here, once for each row of a
call and a system; `Rules.documented` remembers the answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bprocsim.faces.control import RunStops, Undocumented
from bprocsim.manual import Errors, Exit, Fail, Placed, Row


def vouch(machine: Any, call_name: str, pid: int, result: Fail | Exit | Placed) -> None:
    """Let a call of a process come to this. RunStops: a row of it is not in the call's table."""
    known = machine.rules.documented.setdefault(call_name, set())
    rows: Iterable[Row | None] = result.rows if isinstance(result, Placed) else (result.row,)
    for row in rows:
        if row is not None and row not in known:
            look_up(machine, call_name, pid, row)
            known.add(row)


def look_up(machine: Any, call_name: str, pid: int, row: Row) -> Errors:
    """Find the table that is in force for a call, which has this row. RunStops: it has not."""
    from bprocsim.kernel.tables import table_in_force  # which knows the dispatch, which knows this room

    table = table_in_force(machine, call_name)
    if table is None or row not in table.rows:
        raise RunStops(Undocumented(_complaint(machine, call_name, pid, row, table)))
    return table


def _complaint(machine: Any, call_name: str, pid: int, row: Row, table: Errors | None) -> str:
    """Say what came, what may come, and whose mistake it is."""
    if table is None:
        may = f"{call_name} has no table of errors on {machine.name}"
    else:
        errnos = ", ".join(sorted({each.errno_name for each in table.rows})) or "none at all"
        same = [each.cause for each in table.rows if each.errno is row.errno]
        by = f", {row.errno_name} by {' or '.join(same)} alone" if same else ""
        may = f"the table of {table.call} that is in force there (page {table.page}) has {errnos}{by}"
    return (
        f"{call_name} by pid {pid} on {machine.name} came to {row.errno_name} ({row.cause}: "
        f"{row.sentence}), but {may}. This is a mistake in bprocsim and not in the program that made the call; the run "
        "was stopped there. Please report it with what led to it"
    )
