"""`bprocsim errors`: every documented error, provoked live in a small world of its own."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bprocsim.cli.pages import (
    SLOT_TITLE,
    failure_of,
    find_call,
    is_late,
    is_slot,
    late_title,
    never_failing,
    system_of,
    tables_of,
)
from bprocsim.cli.screen import Progress, Screen, Span, Table
from bprocsim.cli.usage import add_rules, check_rules, unknown

if TYPE_CHECKING:
    from bprocsim.manual import Errors, Row
    from bprocsim.testing import Recipe
    from bprocsim.world.outcome import Outcome

SUMMARY = "every documented error of a call, provoked live"
DESCRIPTION = """\
Provoke every documented error of a call, each in a simulated world of its own
in which nothing else is wrong, and compare what came with what the page says.
Without CALL: of every call for which there are such worlds."""
EPILOG = """\
examples:
  bprocsim errors bproc_execmove
  bprocsim errors bproc_execmove --errno ENOENT
  bprocsim errors execve --kernel linux-6
  bprocsim errors ra_exec
  bprocsim errors --json | python3 -m json.tool

exit status: 0 all came as documented, 1 one did not, 2 wrong usage."""

SCHEMA = 1
SEED = 0  # that of every recipe's world
WIDE = 110  # columns from which on the cause has one of its own


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `bprocsim errors --help`."""
    parser.add_argument("call", nargs="?", metavar="CALL", help="a page, or any of its calls, in any case")
    parser.add_argument("--errno", metavar="NAME", help="only the rows that report this errno")
    parser.add_argument("--json", action="store_true", help="write one JSON document, of one line, in place of tables")
    parser.add_argument("--beyond", action="store_true", help="also what real kernels do and the page does not list")
    add_rules(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Provoke what was asked for; the last line is the seed."""
    check_rules(options)
    from bprocsim.testing import recipes_of

    recipes = recipes_of(options.edition, options.kernel, options.level)
    known = tables_of(options.edition, options.kernel, options.level)
    calls = [call for call in dict.fromkeys(call for call, _ in recipes) if call in known]
    if options.call is not None:
        never = never_failing(options.edition, options.level)
        known |= never
        calls = [find_call(options.call, [*calls, *never], options.level)]
    rows = {call: _rows(known[call], options.beyond) for call in calls}
    asked = [(known[call], row) for call in calls for row in rows[call] if _wanted(row, options.errno)]
    if options.errno is not None and not asked:
        reported = dict.fromkeys(row.errno.name for call in calls for row in rows[call])
        raise unknown(f"row of {' or '.join(calls)} for errno", options.errno.upper(), reported)
    with Progress(sys.stderr, len(asked), "provoking") as progress:
        trials = [_try(table, row, recipes, progress) for table, row in asked]
    if options.json:
        screen.write(_document(trials, options) + "\n")
    else:
        for call in calls:
            if not known[call].rows:
                screen.put((call, "title"), (" never fails: there is nothing to provoke", ""))
            _show(screen, known[call], [trial for trial in trials if trial.call == call])
        screen.put((f"seed {SEED}", "dim"))
    return 0 if all(trial.ok for trial in trials) else 1


def _rows(table: Errors, beyond: bool) -> list[Row]:
    """Give the rows that a page has, late ones included, and if asked for those beyond it."""
    return [row for row in table.rows if beyond or row.kind.value != "beyond"]


def _wanted(row: Row, errno: str | None) -> bool:
    return errno is None or row.errno.name == errno.upper()


# ---- one trial -------------------------------------------------------------------------------------


class Trial:
    """One row and what came when it was provoked; `outcome` None: nobody knows how, or `problem` tells."""

    def __init__(self, call: str, row: Row, outcome: Outcome | None, problem: str = "") -> None:
        self.call = call
        self.row = row
        self.outcome = outcome
        self.problem = problem

    @property
    def late(self) -> bool:
        """Tell whether the row is one that is met after the exec."""
        return is_late(self.row)

    @property
    def slot(self) -> bool:
        """Tell whether the row is one that is told of one node of several."""
        return is_slot(self.row)

    @property
    def ok(self) -> bool:
        """Tell whether exactly this row was met, and in the way that it is documented."""
        got = self.outcome
        if got is None or got.cause != self.row.cause:
            return False
        if self.slot:
            return got.returned and got.pids[-1:] == (-self.row.errno.number(got.system),)
        if self.late and got.errors is not None and not got.failed:
            return got.late_errno is self.row.errno and got.exit_status == self.row.exit_status(got.system)
        failed = got.errors is not None and got.value in (got.errors.failed, -self.row.errno.number(got.system))
        return got.returned and failed and got.errno is self.row.errno

    @property
    def came(self) -> str:
        """Tell what the caller, or its parent, saw."""
        got = self.outcome
        if got is None:
            return "?"
        if got.pids:
            return str(got.pids[-1])
        if got.failed:
            return "NULL" if got.value is None else str(got.value)
        return f"exit {got.exit_status}" if got.signal is None else f"signal {got.signal}"


def _try(table: Errors, row: Row, recipes: Mapping[tuple[str, str], Recipe], progress: Progress) -> Trial:
    recipe = recipes.get((table.call, row.cause))
    try:
        if recipe is None:
            return Trial(table.call, row, None, "there is no recipe for this row")
        return Trial(table.call, row, recipe.provoke())
    except Exception as error:  # a recipe that breaks is one row that did not come, not the end of all others
        return Trial(table.call, row, None, f"{type(error).__name__}: {error}".partition("\n")[0])
    finally:
        progress.step()


# ---- telling ---------------------------------------------------------------------------------------


def _show(screen: Screen, table: Errors, trials: list[Trial]) -> None:
    """Write a call's rows in the order of its table, returned ones and late ones apart."""
    if not trials:
        return
    screen.put((table.call, "title"), (": every documented error, in the order of decision", ""))
    for late, slot, title in (
        (False, False, f"Returned: {failure_of(table)} and errno, before anything has changed"),
        (False, True, SLOT_TITLE),
        (True, False, late_title(trial.row for trial in trials)),
    ):
        rows = [_cells(screen, trial) for trial in trials if (trial.late, trial.slot) == (late, slot)]
        if rows:
            screen.put()
            screen.put((title, "label"))
            cause = ("cause",) if screen.width >= WIDE else ()
            screen.table(Table(("", "came", "errno", *cause, "the page says"), rows))
    passed = sum(trial.ok for trial in trials)
    verdict = (f"{passed} of {len(trials)} came as documented", "ok" if passed == len(trials) else "fail")
    screen.put()
    screen.put(verdict)
    screen.put()


def _cells(screen: Screen, trial: Trial) -> tuple[Span, ...]:
    row = trial.row
    wide = screen.width >= WIDE
    said = row.sentence if wide else f"{row.sentence} ({row.cause})"
    if not trial.ok:
        said += f"; but: {trial.problem or _instead(trial)}"
    return (
        ("ok", "ok") if trial.ok else ("FAILED", "fail"),
        (trial.came, "late" if trial.late else ""),
        (row.errno.name, "code"),
        *([(row.cause, "dim")] if wide else []),
        (said, "" if trial.ok else "fail"),
    )


def _instead(trial: Trial) -> str:
    """Tell what came in place of the row."""
    got = trial.outcome
    assert got is not None
    return f"there came {trial.came}" + (f" {got.row.errno.name} ({got.row.cause})" if got.row is not None else "")


def _document(trials: list[Trial], options: argparse.Namespace) -> str:
    """Write the JSON document, on one line; what it holds is documented by its keys."""
    document = {
        "schema": SCHEMA,
        "seed": SEED,
        "edition": options.edition,
        "kernel": options.kernel,
        "level": options.level,
        "ok": all(trial.ok for trial in trials),
        "rows": [_entry(trial) for trial in trials],
    }
    return json.dumps(document, sort_keys=True)


def _entry(trial: Trial) -> dict[str, Any]:
    row, got = trial.row, trial.outcome
    return {
        "call": trial.call,
        "cause": row.cause,
        "errno": row.errno.name,
        "number": row.errno.number(system_of(trial.call)),
        "kind": row.kind.value,
        "sentence": row.sentence,
        "ok": trial.ok,
        "problem": trial.problem or (None if trial.ok else _instead(trial)),
        "got": None
        if got is None
        else {
            "cause": got.cause,
            "errno": None if got.errno is None else got.errno.name,
            "late_errno": None if got.late_errno is None else got.late_errno.name,
            "exit_status": got.exit_status,
            "signal": got.signal,
            "value": got.value if got.value is None or isinstance(got.value, int) else str(got.value),
            "elapsed_ns": got.elapsed_ns,
        },
    }
