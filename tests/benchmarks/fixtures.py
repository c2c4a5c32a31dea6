"""What is promised of the pytest plugin: what a fixture adds to a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.benchmarks.measuring import Promise
from tests.environment import TOP

_TESTS = """
import pytest

@pytest.mark.parametrize("number", range(200))
class TestTurns:
    def test_without(self, number): pass
    def test_bproc_sim(self, number, bproc_sim): pass
    def test_bproc_cluster(self, number, bproc_cluster): pass
    def test_aix_lpar(self, number, aix_lpar): pass
    def test_make_bproc_cluster(self, number, make_bproc_cluster): make_bproc_cluster()
"""
_HOOKS = """
import json, time
from collections import defaultdict
import pytest

TIMES = defaultdict(list)

def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.callspec.params["number"])  # so that they take turns

@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item):
    began = time.perf_counter()
    result = yield
    TIMES[item.originalname].append(time.perf_counter() - began)
    return result

def pytest_sessionfinish():
    with open("times.json", "w") as file:
        json.dump(TIMES, file)
"""


def added_by_a_fixture() -> tuple[float, str]:
    """Run small tests with and without a fixture, in turns, as users run them."""
    with tempfile.TemporaryDirectory(prefix="bprocsim-fixtures-") as name:
        folder = Path(name)
        (folder / "test_turns.py").write_text(_TESTS, encoding="utf-8")
        (folder / "conftest.py").write_text(_HOOKS, encoding="utf-8")
        words = ["-m", "pytest", "-q", "-p", "bprocsim.testing.plugin", "-p", "no:cacheprovider"]
        environment = os.environ | {"PYTHONPATH": str(TOP)}
        subprocess.run([sys.executable, *words], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        times = json.loads((folder / "times.json").read_text(encoding="utf-8"))
    # The quickest tenth of each: what another process of the machine takes is none of the fixture's.
    best = {kind: sorted(each)[len(each) // 10] * 1e3 for kind, each in times.items()}
    without = best.pop("test_without")
    added = {kind.removeprefix("test_"): milliseconds - without for kind, milliseconds in best.items()}
    dearest = max(added, key=lambda kind: added[kind])
    told = ", ".join(f"{kind} {milliseconds:.2f}" for kind, milliseconds in added.items())
    return added[dearest], f"to a test of {without:.2f} ms: {told}"


PROMISES = (Promise("what a fixture adds to a test", 0.5, "ms", added_by_a_fixture),)
