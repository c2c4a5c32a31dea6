"""The failure report that the README shows is the one that its example has."""

from __future__ import annotations

import re
from pathlib import Path

from tests.environment import TOP
from tests.testing.inner import run_pytest

TEXT = (TOP / "README.md").read_text(encoding="utf-8")


def block(heading: str, language: str) -> str:
    """Give the first block of code in a language below a heading."""
    found = re.search(rf"^#+ {re.escape(heading)}\n.*?^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    assert found, f"README has no block of {language} below {heading!r}"
    return found[1]


def test_the_example_fails_as_the_readme_shows(tmp_path: Path) -> None:
    source = block("A tour in a minute", "python") + block("In pytest", "python")
    told = run_pytest(tmp_path, source).sections["test_hello_runs_everywhere"]
    shown = block("In pytest", "text").partition("\n")[2]
    assert told.replace("-p bprocsim.testing.plugin test_inner.py", "test_hello.py") + "\n" == shown
