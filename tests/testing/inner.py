"""Runs of pytest within tests of the plugin: each in a fresh interpreter, as users have it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import dedent

from attrs import frozen

from tests.environment import TOP

HEAD = """
import pytest
import bprocsim as bp
"""
WITH_HYPOTHESIS = """
from hypothesis import HealthCheck, assume, example, given, settings, strategies as st
"""
LOADED = ("-p", "bprocsim.testing.plugin")


@frozen
class Run:
    """What a run of pytest printed, and its exit status; `counts` as its last line has them."""

    text: str
    status: int

    @property
    def counts(self) -> dict[str, int]:
        """Give how many tests passed, failed, ..."""
        last = self.text.rstrip().rpartition("\n")[2]
        return {
            name.rstrip("s"): int(count) for count, name in re.findall(r"(\d+) ([a-z]+)", last.partition(" in ")[0])
        }

    @property
    def sections(self) -> dict[str, str]:
        """Give what failure reports told of worlds, by the test that the last line runs again; of several the last."""
        return dict(self.all_sections)

    @property
    def all_sections(self) -> list[tuple[str, str]]:
        """Give the test and what its failure report told of worlds, for each such report."""
        found = re.findall(
            r"^-+ bprocsim worlds -+\n(.*?^replay: [^\n]*::(\w+)[^\n]*)$", self.text, re.MULTILINE | re.DOTALL
        )
        return [(name, section) for section, name in found]


def run_pytest(
    folder: Path, source: str, *arguments: str, with_hypothesis: bool = False, more: Mapping[str, str] | None = None
) -> Run:
    """Run a test file of this source in a folder, in a fresh interpreter with the plugin; `more` of its environment."""
    head = HEAD + (WITH_HYPOTHESIS if with_hypothesis else "")
    (folder / "test_inner.py").write_text(head + dedent(source), encoding="utf-8")
    return run_words(folder, [*LOADED, "-p", "no:cacheprovider", "--tb=line", "-rN", *arguments], more)


def run_words(folder: Path, words: Sequence[str], more: Mapping[str, str] | None = None) -> Run:
    """Run pytest with some words in a folder, `more` of its environment."""
    taken = ("CI", "PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTEST_XDIST_WORKER_COUNT", "NO_COLOR", "FORCE_COLOR")
    environment = {name: value for name, value in os.environ.items() if name not in taken} | {"PYTHONPATH": str(TOP)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words], cwd=folder, env={**environment, **(more or {})},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False,
    )  # fmt: skip
    return Run(done.stdout, done.returncode)
