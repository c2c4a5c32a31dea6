"""Plant a bug in a copy of the simulator, and see which tests notice it.

`bugs.toml` holds the bugs. `python3 -m tests.planted` looks for a test of each that has none yet, or
whose test does not notice it any more, and writes the file anew.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from tests.environment import TOP

FILE = Path(__file__).parent / "bugs.toml"
LINKED = ("tests", "examples", "README.md", "pyproject.toml")
ANYWHERE = "not (linux or root or browser)"  # a test that is skipped notices nothing
FAILED = 1  # the exit status of pytest when a test has failed; what it could not even begin has another


@frozen
class Bug:
    """One bug: `old` stands in `file` once, and `new` is put there; `tests` notice it.

    `look` names the folders and files in which a test of it is to be looked for.
    """

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    look: tuple[str, ...] = ("tests",)


def bugs() -> tuple[Bug, ...]:
    """Read the list."""
    found: list[dict[str, Any]] = tomllib.loads(FILE.read_text(encoding="utf-8"))["bug"]
    return tuple(
        Bug(each["name"], each["file"], each["old"], each["new"], tuple(each["tests"]), tuple(each["look"]))
        for each in found
    )


def copy_to(folder: Path) -> None:
    """Make a copy of the package, with what Python has compiled, and links to the tests and what they read."""
    shutil.copytree(TOP / "bprocsim", folder / "bprocsim")
    for name in LINKED:
        (folder / name).symlink_to(TOP / name)


def plant(bug: Bug, folder: Path) -> None:
    """Put a bug into a copy. ValueError: its place is not there, or not the only one."""
    path = folder / bug.file
    text = path.read_text(encoding="utf-8")
    if text.count(bug.old) != 1:
        raise ValueError(
            f"{bug.name!r}: its place was found {text.count(bug.old)} times in {bug.file}, expected once; "
            f"the code has changed, so write in {FILE.name} what stands there now:\n{bug.old}"
        )
    path.write_text(text.replace(bug.old, bug.new), encoding="utf-8", newline="\n")


def run(folder: Path, tests: Sequence[str], *options: str) -> subprocess.CompletedProcess[str]:
    """Run tests against a copy, one process, without the tally and the settings of the run around it."""
    words = [
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-q",
        "-x",
        "--no-header",
        "-m",
        ANYWHERE,
        "--tb=line",
        *options,
        *tests,
    ]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "BPROCSIM"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=folder,
        env=kept | {"PYTHONPATH": str(folder), "NO_COLOR": "1"},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def noticed_by(done: subprocess.CompletedProcess[str]) -> str | None:
    """Give the first test that failed; None if none did."""
    found = re.search(r"^FAILED (.+?)(?: - .*)?$", done.stdout, re.MULTILINE)
    return found[1] if done.returncode == FAILED and found else None
