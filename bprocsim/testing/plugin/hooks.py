"""What pytest asks of the plugin."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from bprocsim.testing.plugin import marker
from bprocsim.testing.plugin.options import add_options, hand_on, header, settle
from bprocsim.testing.plugin.recorder import RECORDER, Recorder
from bprocsim.testing.plugin.replaying import command_of
from bprocsim.testing.plugin.report import lines_of
from bprocsim.world.watching import Watching, watch

TITLE = "bprocsim worlds"
_WATCHING = pytest.StashKey[Watching]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known, and begin to watch."""
    config.addinivalue_line("markers", marker.SAYS)
    settle(config)
    recorder = config.stash[RECORDER] = Recorder()
    config.stash[_WATCHING] = watch(recorder)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Watch no more."""
    watching = config.stash.get(_WATCHING, None)
    if watching is not None:
        watching.stop()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Let a worker of pytest-xdist make the worlds that this run would make."""
    hand_on(node.config, node.workerinput)


def pytest_report_header(config: pytest.Config) -> str | None:
    """Tell of the plugin's options in force."""
    return header(config)


@pytest.hookimpl(wrapper=True)
def pytest_pycollect_makeitem(collector: pytest.Collector) -> Generator[None, Any, Any]:
    """Refuse a marker that nothing can be made of, by the name of its keyword, before any test runs."""
    made = yield
    items = made if isinstance(made, list) else [made]
    for item in items:
        if isinstance(item, pytest.Item):
            problems = list(marker.problems_of(item))
            if problems:
                raise collector.CollectError(f"{item.name}: @pytest.mark.{marker.NAME}: {'; '.join(problems)}")
    return made


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let a test be over when it is."""
    try:
        return (yield)
    finally:
        item.config.stash[RECORDER].end()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Keep the worlds of this test from now on; who runs it again begins here again."""
    item.config.stash[RECORDER].begin(item)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Let the factories know that it is the test itself who calls."""
    recorder = item.config.stash[RECORDER]
    recorder.calling = item
    try:
        return (yield)
    finally:
        recorder.calling = None


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Keep the worlds of a fixture that outlives a test for all tests that use it."""
    if fixturedef.scope == "function":
        return (yield)
    with request.config.stash[RECORDER].shared_by(fixturedef.argname):
        return (yield)


def pytest_fixture_post_finalizer(fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest) -> None:
    """Forget the worlds of such a fixture when it is torn down."""
    if fixturedef.scope != "function":
        request.config.stash[RECORDER].shared.pop(fixturedef.argname, None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the worlds of a test to the report that it failed."""
    report = yield
    recorder = item.config.stash[RECORDER]
    if report.when == "call":
        recorder.passed = report.passed
    if report.failed:
        text = _text(item, recorder, None if call.excinfo is None else call.excinfo.value)
        if text != recorder.shown:  # a test may fail several times: in its subtests, in its teardown
            recorder.shown = text
            report.sections.append((TITLE, text))
    return report


def _text(item: pytest.Item, recorder: Recorder, error: BaseException | None) -> str:
    """Tell of the worlds of a test that failed, or nothing if it has made none."""
    told = recorder.told
    lines: list[str] = []
    for fixture, run in recorder.shared_with(item):
        lines += [f"of the fixture {fixture}, which other tests may have used:", *lines_of(run, None, "")]
    if told.plain.count:
        before, name = recorder.last_passed(item)
        lines += lines_of(told.plain, before, name)
    examples = told.failing(error)
    for number, example in enumerate(examples, 1):
        which = f" {number} of {len(examples)}" if len(examples) > 1 else ""
        lines += [f"of the failing example{which}:", *lines_of(example, told.passed, "the last example that passed")]
    return "\n".join([*lines, f"replay: {command_of(item, told.wrapped)}"]) if lines else ""
