"""The part of the pytest plugin that tells which documented errnos the tests have met, and may fail the run for it."""

from __future__ import annotations

import json
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bprocsim.testing.coverage.counting import ErrnoCoverage
    from bprocsim.testing.coverage.report import CoverageReport

OPTION = "--bprocsim-errno-cov"
# What a worker of xdist hands over when it has finished.
_HANDED_OVER = "bprocsim_errno_cov"

_COVERAGE: pytest.StashKey[ErrnoCoverage] = pytest.StashKey()
_REPORT: pytest.StashKey[CoverageReport] = pytest.StashKey()
_TROUBLES: pytest.StashKey[list[str]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of errno coverage."""
    group = parser.getgroup("bprocsim")
    group.addoption(
        OPTION, action="append", nargs="?", const="", default=[], metavar="CALL", dest="bprocsim_errno_cov",
        help="tell for each call that your code made the documented errnos that it met and those never seen; "
        "of CALL alone if it is given (a page such as ra_exec, or one of its calls; several with commas, or repeated)",
    )  # fmt: skip
    group.addoption(
        f"{OPTION}-report", action="append", default=[], metavar="FORM", dest="bprocsim_errno_cov_report",
        help="how: term (as if nothing is said), json:FILE or md:FILE; may be repeated",
    )  # fmt: skip
    group.addoption(
        f"{OPTION}-fail-under", type=float, default=None, metavar="PERCENT", dest="bprocsim_errno_cov_fail_under",
        help="fail the run if fewer than so many percent of the documented errnos were met",
    )  # fmt: skip
    group.addoption(
        f"{OPTION}-late", action="store_true", default=False, dest="bprocsim_errno_cov_late",
        help="let errnos count too that are met after the exec, or told of one node of several",
    )  # fmt: skip


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, parser: pytest.Parser, args: list[str]) -> None:
    """Take what stands behind the bare option for a path, unless it can be the name of a call."""
    bare = [place for place, word in enumerate(args[:-1]) if word == OPTION and not args[place + 1].isidentifier()]
    for place in bare:
        args[place] = f"{OPTION}="
    if bare:  # what pytest has read of the words so far took the path for a call
        early_config.known_args_namespace = parser.parse_known_args(args, copy(early_config.option))


def pytest_configure(config: pytest.Config) -> None:
    """Begin to count, if asked to. UsageError: what was asked for is not there."""
    asked = config.getoption("bprocsim_errno_cov")
    more = "bprocsim_errno_cov_report", "bprocsim_errno_cov_fail_under", "bprocsim_errno_cov_late"
    if not asked and all(config.getoption(each) in ([], None, False) for each in more):
        return
    _check(config)
    if config.getoption("collectonly"):
        return  # nothing will be called
    from bprocsim.testing.coverage.counting import ErrnoCoverage  # nobody else needs it

    try:
        coverage = ErrnoCoverage(*(call for each in asked for call in each.split(",") if call))
    except ValueError as error:
        raise pytest.UsageError(f"{OPTION}: {str(error).removeprefix('call: ')}") from None
    config.stash[_COVERAGE], config.stash[_TROUBLES] = coverage, []
    coverage.start()


def _check(config: pytest.Config) -> None:
    for form in config.getoption("bprocsim_errno_cov_report"):
        kind, colon, file = form.partition(":")
        if form != "term" and not (kind in _WRITE and colon and file):
            raise pytest.UsageError(f"{OPTION}-report: expected term, json:FILE or md:FILE, got {form!r}")
    least = config.getoption("bprocsim_errno_cov_fail_under")
    if least is not None and not 0 <= least <= 100:
        raise pytest.UsageError(f"{OPTION}-fail-under: expected a percentage from 0 to 100, got {least:g}")


_WRITE = {"json": lambda report: report.json(), "md": lambda report: report.markdown()}


def pytest_unconfigure(config: pytest.Config) -> None:
    """Count no more."""
    coverage = config.stash.get(_COVERAGE, None)
    if coverage is not None:
        coverage.stop()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker of xdist has counted."""
    coverage = node.config.stash.get(_COVERAGE, None)
    if coverage is None:
        return
    handed = getattr(node, "workeroutput", {}).get(_HANDED_OVER)
    if handed is None:
        node.config.stash[_TROUBLES].append(f"worker {node.gateway.id} died: what it had counted is missing")
    else:
        coverage.add(json.loads(handed))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hand over what was counted, or write the reports and fail the run if it is too little."""
    config = session.config
    coverage = config.stash.get(_COVERAGE, None)
    if coverage is None:
        return
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output[_HANDED_OVER] = json.dumps(coverage.counts())
        return
    late = config.getoption("bprocsim_errno_cov_late")
    report = config.stash[_REPORT] = coverage.report(late=late, root=config.rootpath)
    for form in config.getoption("bprocsim_errno_cov_report"):
        if form != "term":
            kind, _, file = form.partition(":")
            _write(config, config.invocation_params.dir / file, _WRITE[kind](report))
    least = config.getoption("bprocsim_errno_cov_fail_under")
    if least is not None and report.percent < least:
        config.stash[_TROUBLES].append(f"FAIL: {report.total()}, and {least:g}% are required")
    if config.stash[_TROUBLES] and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _write(config: pytest.Config, path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        config.stash[_TROUBLES].append(f"FAIL: {OPTION}-report: cannot write {path}: {error.strerror or error}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Write the table."""
    config = terminalreporter.config
    report = config.stash.get(_REPORT, None)
    if report is None:
        return
    forms = config.getoption("bprocsim_errno_cov_report") or ["term"]
    troubles = config.stash[_TROUBLES]
    if "term" in forms or troubles:
        terminalreporter.section("documented errnos met (bprocsim)")
    if "term" in forms:
        terminalreporter.write(report.text())
    for trouble in troubles:
        terminalreporter.write_line(trouble, red=True, bold=True)
