"""What a shell says of a command that it cannot run: as this machine's does, and as it was recorded."""

from __future__ import annotations

import pytest

from tests.calls.shcases import CASES
from tests.calls.shreal import ABLE, Answer, read_recording, really, simulated

pytestmark = pytest.mark.slow  # hundreds of worlds, each held against a recording

ANSWERS = read_recording()

# Where ours is not dash. POSIX and bash have 126 for what PATH holds without the right to execute it; our
# search is execvp's, which stops at a loop and calls an empty name absent; and "." is no builtin of ours.
OURS: dict[str, Answer] = {
    "denied in PATH": (126, "", "sh: 1: f: Permission denied\n"),
    "not found, then denied in PATH": (126, "", "sh: 1: f: Permission denied\n"),
    "a directory in PATH": (126, "", "sh: 1: d: Permission denied\n"),
    "a FIFO in PATH": (126, "", "sh: 1: p: Permission denied\n"),
    "two dots": (126, "", "sh: 1: ..: Permission denied\n"),
    "a dot": (126, "", "sh: 1: .: Permission denied\n"),
    "a loop in PATH, then a good one": (127, "", "sh: 1: l: Too many levels of symbolic links\n"),
    "an empty word": (127, "", "sh: 1: : not found\n"),
    "an empty word, then on": (0, "127\n", "sh: 1: : not found\n"),
    "exec of an empty word": (127, "", "sh: 1: exec: : not found\n"),
}


def test_all_is_recorded() -> None:
    assert list(ANSWERS) == list(CASES)
    assert len(CASES) >= 50


@pytest.mark.parametrize("title", CASES)
def test_a_node_answers_as_was_recorded(title: str) -> None:
    assert simulated(CASES[title]) == OURS.get(title, ANSWERS[title])
    assert title not in OURS or OURS[title] != ANSWERS[title]


@pytest.mark.linux
@pytest.mark.skipif(not ABLE, reason="needs dash as /bin/sh")
@pytest.mark.parametrize("title", CASES)
def test_this_machine_answers_as_was_recorded(title: str) -> None:
    assert really(CASES[title]) == ANSWERS[title]
