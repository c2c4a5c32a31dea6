"""What ld.so says and does: as this machine's own one does it, and as it was recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.calls.loadercases import CASES
from tests.calls.loaderfiles import GCC, SOURCES, build
from tests.calls.loaderreal import ABLE, Answer, read_recording, really, simulated

pytestmark = pytest.mark.slow  # hundreds of worlds, each held against a recording

FILES, ANSWERS = read_recording()

# No code of a foreign image is run: each function that it names counts as called, at once.
CALLED: dict[str, Answer] = {
    "symbol missing, not called": (127, "name: symbol lookup error: name: undefined symbol: y\n"),
    "symbol missing in a library, not called": (
        127,
        "name: symbol lookup error: a/liby.so: undefined symbol: no\n",
    ),
}


def test_all_is_recorded_and_there_are_enough() -> None:
    assert list(ANSWERS) == list(CASES)
    assert list(FILES) == list(SOURCES)
    assert len(CASES) >= 180


@pytest.mark.parametrize("title", CASES)
def test_a_node_answers_as_was_recorded(title: str) -> None:
    answer = simulated(CASES[title], FILES)
    assert answer == CALLED.get(title, ANSWERS[title])
    assert title not in CALLED or ANSWERS[title] == (0, "")


@pytest.mark.linux
@pytest.mark.skipif(not ABLE, reason="needs the ld.so of an x86-64 machine")
@pytest.mark.parametrize("title", CASES)
@pytest.mark.slow
def test_this_machine_answers_as_was_recorded(title: str) -> None:
    assert really(CASES[title], FILES) == ANSWERS[title]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    where: Path = tmp_path_factory.mktemp("loader")
    return build(where)


@pytest.mark.slow
@pytest.mark.linux
@pytest.mark.skipif(not ABLE or GCC is None, reason="needs gcc on an x86-64 machine")
@pytest.mark.parametrize("title", CASES)
def test_both_answer_alike_with_files_that_were_just_built(title: str, built: dict[str, bytes]) -> None:
    real = really(CASES[title], built)
    assert simulated(CASES[title], built) == CALLED.get(title, real)
