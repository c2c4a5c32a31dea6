"""How a scene of `bprocsim demo` is told: timelines, ends, rows."""

from __future__ import annotations

import bprocsim as bp
from bprocsim.cli.screen import LABEL_COLUMNS, Screen, Span, Table

Moment = tuple[int, str, str]  # when, on which machine, what


def happened(screen: Screen, moments: list[Moment]) -> None:
    """Write a timeline; a machine is named when the scene moves to it."""
    for place, (at_ns, where, what) in enumerate(moments):
        screen.put(
            (("" if place else "happened").ljust(LABEL_COLUMNS), "label"),
            (f"{at_ns / 1e6:>9.3f}  ", "dim"),
            (f"{where:<8}", ""),
            (what, ""),
        )


def tell_why(screen: Screen, outcome: bp.Outcome, others: str) -> None:
    """Write the rows that were decided up to the one that was met; `others` says what comes after."""
    assert outcome.errors is not None and outcome.row is not None
    told = outcome.errors.explain(outcome.row)
    reached = [(row, said) for row, said in told if said != "not reached"]
    styles = {"ok": "ok", "FAIL": "fail"}
    rows: list[tuple[Span, ...]] = [
        ((said, styles[said]), (row.errno.name, ""), (f"{row.sentence} ({row.cause})", "")) for row, said in reached
    ]
    rows.append((("not reached", "dim"), ("", ""), (f"{len(told) - len(reached)} more rows, {others}", "dim")))
    screen.table(Table(("", "", ""), rows, indent=0))


def end_of(outcome: bp.Outcome) -> str:
    """Tell how a call ended, and how long it took."""
    return f"{verdict(outcome)[0]}, {ms_of(outcome.elapsed_ns)} after the call"


def ms_of(ns: int) -> str:
    """Write a duration in ms, a long one in s."""
    return f"{ns / 1e6:.3f} ms" if ns < 1_000_000_000 else f"{ns / 1e9:.1f} s"


def verdict(outcome: bp.Outcome) -> Span:
    """Tell in a word or two what a call came to."""
    if outcome.errno is not None:
        return f"-1 {outcome.errno.name}", "fail"
    style = "late" if outcome.late_errno is not None else "fail" if outcome.exit_status else "ok"
    return f"exit {outcome.exit_status}", style


def output_of(outcome: bp.Outcome) -> str:
    """Give all that it wrote."""
    return (outcome.stdout + outcome.stderr).decode().rstrip()


def row_of(outcome: bp.Outcome) -> str:
    """Give the page's row that was met."""
    return "" if outcome.row is None else f"{outcome.row.errno.name}: {outcome.row.sentence}"
