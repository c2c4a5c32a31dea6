"""A pytest hook that leaves its counts, and the reasons of what was skipped, where `python3 tests` asks."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from tests.steps import TALLY


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the tally; under xdist only the controller, which hears of every test, comes here."""
    path = os.environ.get(TALLY)
    if not path:
        return
    stats = terminalreporter.stats
    left_out = [*stats.get("skipped", []), *stats.get("xfailed", [])]
    tally = {
        "passed": len(stats.get("passed", [])),
        "failed": len(stats.get("failed", [])) + len(stats.get("error", [])),
        "skipped": len(left_out),
        "reasons": Counter(reason(report) for report in left_out),
    }
    Path(path).write_text(json.dumps(tally), encoding="utf-8")


def reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Why a test was skipped, or was expected to fail."""
    expected = getattr(report, "wasxfail", None)
    if expected is not None:
        return f"expected to fail: {expected.removeprefix('reason: ') or 'no reason given'}"
    if isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return str(report.longrepr)
