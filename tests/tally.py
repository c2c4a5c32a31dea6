"""A pytest hook that leaves its counts, and the reasons of what was skipped, where `python3 tests` asks."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.steps import TALLY

# How many slow tests a run has left out. Each worker of xdist counts them all.
SLOW = pytest.StashKey[int]()


def note_slow(config: pytest.Config, count: int) -> None:
    """Note how many tests are left out because they are slow."""
    config.stash[SLOW] = count
    if hasattr(config, "workeroutput"):
        config.workeroutput["slow"] = count


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Learn from a worker of xdist what it has left out."""
    node.config.stash[SLOW] = getattr(node, "workeroutput", {}).get("slow", 0)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the tally; under xdist only the controller, which hears of every test, comes here."""
    path = os.environ.get(TALLY)
    if not path:
        return
    stats = terminalreporter.stats
    slow = terminalreporter.config.stash.get(SLOW, 0)
    left_out = [*stats.get("skipped", []), *stats.get("xfailed", [])]
    tally = {
        "passed": len(stats.get("passed", [])),
        "failed": len(stats.get("failed", [])) + len(stats.get("error", [])),
        "skipped": len(left_out) + slow,
        "reasons": Counter(reason(report) for report in left_out) + Counter({"slow (left out by --quick)": slow}),
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
