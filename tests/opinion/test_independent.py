"""The second opinion is one: what judges imports nothing of the simulator, nor what builds for it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

# The rooms that say what the pages allow.
JUDGES = (
    "worlds", "readings", "given", "files", "images", "execs", "kernels", "moves", "journeys", "nodes", "lists",
    "lpars", "attaching", "sets", "setnames",
)  # fmt: skip
LAWFUL = {"__future__", "collections.abc", "enum", "itertools", "struct", "typing", "attrs"}


@pytest.mark.parametrize("room", JUDGES)
def test_a_judge_knows_nothing_of_the_simulator(room: str) -> None:
    tree = ast.parse(Path(__file__).with_name(f"{room}.py").read_text(encoding="utf-8"))
    imported = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    imported |= {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert imported <= LAWFUL | {f"tests.opinion.{judge}" for judge in JUDGES}
