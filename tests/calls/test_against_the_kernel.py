"""Small programs, played by this machine's own kernel and by the simulator: both see the same."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.calls.language import read_scripts
from tests.calls.simside import simulate

HERE = Path(__file__).parent
SCRIPTS = read_scripts((HERE / "scripts.txt").read_text("utf-8"))


def really(*arguments: str) -> dict[str, Any]:
    """Play scripts by real processes; give what they saw, by title."""
    done = subprocess.run(
        [sys.executable, str(HERE / "realside.py"), str(HERE / "scripts.txt"), *arguments],
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def numbers(version: str) -> tuple[int, ...]:
    """The first two numbers of a version."""
    return tuple(map(int, re.findall(r"\d+", version)[:2]))


@pytest.fixture(scope="module")
def kernel() -> dict[str, Any]:
    """What the kernel of this machine answered."""
    return really("1")


def test_there_are_enough() -> None:
    assert len(SCRIPTS) >= 40


@pytest.mark.linux
@pytest.mark.parametrize("title", SCRIPTS)
@pytest.mark.slow
def test_both_see_the_same(title: str, kernel: dict[str, Any]) -> None:
    since = next((words[1] for words in SCRIPTS[title].world if words[0] == "since"), "0")
    if numbers(platform.release()) < numbers(since):
        pytest.skip(f"needs Linux {since}")
    ours = simulate(SCRIPTS[title], root=os.geteuid() == 0)
    real = kernel[title]
    if ours != real:
        # A real process may have been late on a busy machine; once more, with time to spare.
        real = really("5", title)[title]
    assert ours["notes"] == real["notes"]
    assert ours == real
