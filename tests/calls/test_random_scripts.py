"""Calls by chance: nothing but documented answers, nothing left behind, and what the host's kernel says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bprocsim as bp
from tests.calls.language import Script, read_scripts
from tests.calls.random_scripts import Writer
from tests.calls.simside import simulate

HERE = Path(__file__).parent


def scripts(seeds: range) -> tuple[str, dict[str, Script]]:
    """Write scripts; give their text, and what it is read as."""
    text = "".join(f"== {seed}\n{Writer(seed).script()}\n" for seed in seeds)
    return text, read_scripts(text)


@pytest.mark.parametrize("first", range(0, 400, 100))
def test_calls_by_chance_end_in_something_documented(first: int) -> None:
    """A program that waits for itself is a Deadlock; else all goes on to its end."""
    _, found = scripts(range(first, first + 100))
    ended = 0
    for script in found.values():
        try:
            seen = simulate(script, root=True)
        except bp.Deadlock:
            continue
        ended += 1
        broken = [note for note in seen["notes"]["main"] if note.startswith("broke")]
        # A name is missing after a call that failed; nothing else goes wrong.
        assert all("has no attribute" in note or "getsockname" in note for note in broken), broken
    assert ended > 20


@pytest.mark.linux
@pytest.mark.slow
def test_the_hosts_kernel_says_the_same(tmp_path: Path) -> None:
    _, found = scripts(range(1000, 1600))
    ours = {}
    for title, script in found.items():
        try:
            seen = simulate(script, root=os.geteuid() == 0)
        except bp.Deadlock:
            continue
        if not seen["notes"]["main"][-1].startswith("broke"):
            ours[title] = seen
    assert len(ours) > 100
    path = tmp_path / "scripts.txt"
    path.write_text("".join(f"== {title}\n{Writer(int(title)).script()}\n" for title in ours), "utf-8")
    done = subprocess.run(
        [sys.executable, str(HERE / "realside.py"), str(path), "1"], capture_output=True, encoding="utf-8", check=False
    )
    assert done.returncode == 0, done.stderr
    real = json.loads(done.stdout)
    assert [title for title in ours if ours[title] != real[title]] == []
