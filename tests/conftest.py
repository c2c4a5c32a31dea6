"""What every test shares: Hypothesis profiles, and markers for what a machine may lack."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings

from tests.rowsseen import RowsSeen
from tests.tally import note_slow, pytest_terminal_summary, pytest_testnodedown

__all__ = ["pytest_terminal_summary", "pytest_testnodedown"]  # hooks: found here by pytest

# Our own, which is loaded already where bprocsim is installed, and pytest's for tests of such.
pytest_plugins = ["bprocsim.testing.plugin", "pytester"]

# Simulated time is what is tested; the host's says how loaded it is. So no deadline, and no
# complaint about slow generation.
settings.register_profile("bprocsim", deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The same examples in every run, so that a red check means a changed project.
settings.register_profile(
    "bprocsim-ci", settings.get_profile("bprocsim"), derandomize=True, database=None, print_blob=True
)
settings.load_profile("bprocsim-ci" if os.environ.get("CI") else "bprocsim")


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def _has_browser() -> bool:
    return any(map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome")))


# Marker: (may this machine run it?, why not).
NEEDS: dict[str, tuple[Callable[[], bool], str]] = {
    "root": (_is_root, "needs root"),
    "linux": (lambda: sys.platform == "linux", "needs Linux"),
    "browser": (_has_browser, "needs a Chromium"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--refresh-golden", action="store_true", help="write goldens and pages anew, then read the diff")
    parser.addoption("--without-slow", action="store_true", help="skip tests marked slow, and say so")
    parser.addoption(
        "--like-windows", action="store_true", help="take away what Windows lacks (see tests/likewindows.py)"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Be like Windows, if asked to, before the first of our modules is imported; watch which rows are seen."""
    if config.getoption("--like-windows"):
        from tests.likewindows import install

        install()
    config.pluginmanager.register(RowsSeen(config))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip, with its reason, what this machine cannot run, and leave out what this run shall not."""
    reasons = {marker: reason for marker, (able, reason) in NEEDS.items() if not able()}
    if config.getoption("--without-slow"):
        # Thousands, of which each would cost a report.
        slow = [item for item in items if item.get_closest_marker("slow")]
        items[:] = [item for item in items if not item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        note_slow(config, len(slow))
    if config.getoption("--like-windows"):
        reasons.update(dict.fromkeys(("root", "linux"), "needs Linux (this run does as on Windows)"))
    for item in items:
        for marker, reason in reasons.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
                break


@pytest.fixture
def refresh_golden(request: pytest.FixtureRequest) -> bool:
    """Tell whether what is kept as it was printed is to be written anew."""
    return bool(request.config.getoption("--refresh-golden"))
