"""`bprocsim errors`: every documented error, provoked live in a small world of its own."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
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
from bprocsim.cli.usage import EDITION, UsageError, add_rules, check_rules, unknown

if TYPE_CHECKING:
    from bprocsim.manual import Errors, Row
    from bprocsim.testing import Recipe
    from bprocsim.world.outcome import Outcome

SUMMARY = "every documented error of a call, provoked live"
DESCRIPTION = """\
Provoke every documented error of a call, each in a simulated world of its own
in which nothing else is wrong, and compare what came with what the page says.
Without CALL: of every call. With --all: of every call of every edition; it is
told besides where each row stands written, and how to come to it."""
EPILOG = """\
examples:
  bprocsim errors bproc_execmove
  bprocsim errors bproc_execmove --errno ENOENT
  bprocsim errors execve --kernel linux-6
  bprocsim errors ra_exec
  bprocsim errors --json | python3 -m json.tool
  bprocsim errors --all --format markdown > atlas.md

exit status: 0 all came as documented, 1 one did not, 2 wrong usage."""

HINT = "; an errno is asked for by --errno NAME, and one call at a time"

FORMATS = ("text", "json", "markdown")
SCHEMA = 1
SEED = 0  # that of every recipe's world
WIDE = 110  # columns from which on the cause has one of its own


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `bprocsim errors --help`."""
    parser.add_argument("call", nargs="?", metavar="CALL", help="a page, or any of its calls, in any case")
    parser.add_argument("--errno", metavar="NAME", help="only the rows that report this errno")
    parser.add_argument("--all", action="store_true", help="the atlas: every call of every edition, in full")
    parser.add_argument("--format", choices=FORMATS, help="text (default), json or markdown; markdown with --all alone")
    parser.add_argument("--json", action="store_true", help="the same as --format json: one document, of one line")
    parser.add_argument("--beyond", action="store_true", help="also what real kernels do and the page does not list")
    add_rules(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Provoke what was asked for; the last line is the seed."""
    check_rules(options)
    _check_format(options)
    if options.all:
        from bprocsim.cli import atlas

        return atlas.run(options, screen)
    from bprocsim.testing import recipes_of

    recipes = recipes_of(options.edition, options.kernel, options.level)
    known = tables_of(options.edition, options.kernel, options.level)
    calls = [call for call in dict.fromkeys(call for call, _ in recipes) if call in known]
    if options.call is not None:
        never = never_failing(options.edition, options.level)
        known |= never
        calls = [find_call(options.call, [*calls, *never], options.level)]
    rows = {call: rows_of(known[call], options.beyond) for call in calls}
    asked = [(known[call], row) for call in calls for row in rows[call] if is_wanted(row, options.errno)]
    if options.errno is not None and not asked:
        reported = dict.fromkeys(row.errno.name for call in calls for row in rows[call])
        raise unknown(f"row of {' or '.join(calls)} for errno", options.errno.upper(), reported)
    with Progress(sys.stderr, len(asked), "provoking") as progress:
        trials = [attempt(table, row, recipes, progress) for table, row in asked]
    if options.format == "json":
        screen.write(_document(trials, options) + "\n")
    else:
        for call in calls:
            if not known[call].rows:
                screen.put((call, "title"), (" never fails: there is nothing to provoke", ""))
            _show(screen, known[call], [trial for trial in trials if trial.call == call])
        screen.put((f"seed {SEED}", "dim"))
    return 0 if all(trial.ok for trial in trials) else 1


def _check_format(options: argparse.Namespace) -> None:
    """Settle in which form it is told. UsageError: what was asked for does not go together."""
    if options.json and options.format not in (None, "json"):
        raise UsageError(f"--json and --format {options.format}: give one of them")
    options.format = "json" if options.json else options.format or "text"
    if options.all and options.call is not None:
        raise UsageError(f"--all is about every call; leave it out, or {options.call}")
    if options.all and options.edition != EDITION:
        raise UsageError("--all is about every edition; leave --edition out")
    if options.format == "markdown" and not options.all:
        raise UsageError("--format markdown is the form of the atlas: add --all")


def rows_of(table: Errors, beyond: bool) -> list[Row]:
    """Give the rows that a page has, late ones included, and if asked for those beyond it."""
    return [row for row in table.rows if beyond or row.kind.value != "beyond"]


def is_wanted(row: Row, errno: str | None) -> bool:
    """Tell whether a row reports an errno that is asked for by name."""
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


def attempt(table: Errors, row: Row, recipes: Mapping[tuple[str, str], Recipe], progress: Progress) -> Trial:
    """Provoke one row."""
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
        said += f"; but: {trial.problem or instead(trial)}"
    return (
        ("ok", "ok") if trial.ok else ("FAILED", "fail"),
        (trial.came, "late" if trial.late else ""),
        (row.errno.name, "code"),
        *([(row.cause, "dim")] if wide else []),
        (said, "" if trial.ok else "fail"),
    )


def instead(trial: Trial) -> str:
    """Tell what came in place of the row."""
    got = trial.outcome
    assert got is not None
    return f"there came {trial.came}" + (f" {got.row.errno.name} ({got.row.cause})" if got.row is not None else "")


def _document(trials: list[Trial], options: argparse.Namespace) -> str:
    """Write the JSON document, on one line; what it holds is documented by its keys."""
    rules = {"edition": options.edition, "kernel": options.kernel, "level": options.level}
    return document_of(rules, trials, [entry_of(trial) for trial in trials])


def document_of(rules: Mapping[str, str], trials: Sequence[Trial], entries: Sequence[Mapping[str, Any]]) -> str:
    """Write the JSON document of these rows."""
    document = {"schema": SCHEMA, "seed": SEED, **rules, "ok": all(trial.ok for trial in trials), "rows": entries}
    return json.dumps(document, sort_keys=True)


def entry_of(trial: Trial) -> dict[str, Any]:
    """Tell of one row."""
    row, got = trial.row, trial.outcome
    return {
        "call": trial.call,
        "cause": row.cause,
        "errno": row.errno.name,
        "number": row.errno.number(system_of(trial.call)),
        "kind": row.kind.value,
        "sentence": row.sentence,
        "ok": trial.ok,
        "problem": trial.problem or (None if trial.ok else instead(trial)),
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
