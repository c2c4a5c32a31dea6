"""The simulator under `linux-6` against what a real kernel answered, on every machine."""

from __future__ import annotations

import json
from collections import Counter

import attrs
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.kernel import bytetext, recording
from tests.kernel.case import STAGES, Case, from_json, line, to_json
from tests.kernel.cases import written
from tests.kernel.exceptions import EXCEPTIONS
from tests.kernel.generated import sample

pytestmark = pytest.mark.slow  # hundreds of worlds, each held against a recording


@pytest.mark.slow
def test_every_case_is_recorded_as_it_is() -> None:
    changed = recording.changed(recording.lines())
    assert not changed, (
        f"{len(changed)} cases are not recorded as they are now, or are no more: {', '.join(changed[:20])}\n"
        f"On a root Linux machine this asks its kernel anew: {recording.COMMAND}"
    )


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_the_simulator_says_what_the_kernel_said(stage: str) -> None:
    answers = recording.read().answers
    cases = {id: case for id, case in recording.all_cases().items() if case.stage == stage and id in answers}
    assert cases
    said = {id: recording.said(id) for id in cases if id not in EXCEPTIONS}
    differing = [recording.tell(id, ours, answers[id]) for id, ours in said.items() if ours != answers[id]]
    assert not differing, "\n".join([f"{len(differing)} of {len(said)} differ:", *differing])


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_its_cases(stage: str) -> None:
    assert sum(case.stage == stage for case in written().values()) >= 15


def test_there_are_enough() -> None:
    assert len(written()) >= 300
    assert 500 <= len(sample()) <= 1000


def test_every_stage_has_answers_of_several_kinds() -> None:
    """Cases that all come out alike would compare little."""
    answers = recording.read().answers
    for stage in STAGES:
        kinds = Counter(str(answer) for id, answer in answers.items() if id.partition("/")[0] == stage)
        assert len(kinds) >= 3, (stage, kinds)
        assert kinds.most_common(1)[0][1] <= 0.9 * kinds.total(), (stage, kinds)


def test_exceptions_are_few_and_still_differ() -> None:
    answers = recording.read().answers
    assert len(EXCEPTIONS) <= 10
    for id, reason in EXCEPTIONS.items():
        assert reason.endswith("."), id
        assert recording.said(id) != answers[id], f"{id} agrees now: take it off the list"


def test_the_recording_says_whose_it_is() -> None:
    recorded = recording.read()
    assert recorded.kernel.startswith("6.")
    assert recorded.machine == "x86_64"
    assert recorded.asked_by == "root"
    assert len(recorded.date.split("-")) == 3
    assert recorded.answers.keys() == recorded.cases.keys()


def test_the_recording_is_small() -> None:
    assert sum(path.stat().st_size for path in recording.FOLDER.iterdir()) < 1_000_000


def test_the_summary_counts_every_case_once() -> None:
    counted = recording.summary()
    assert counted.written == len(written())
    assert counted.generated == len(sample())
    assert counted.agreeing + counted.exceptions == len(recording.all_cases())
    assert list(counted.stages) == list(STAGES)


# ---- the language --------------------------------------------------------------------------------


@given(st.binary() | st.binary(min_size=1, max_size=1).map(lambda byte: byte * 500))
@example(b"\\{}\x00\x00\x00\x00\x7f aaaaaaaa")
def test_bytes_come_back_from_text(data: bytes) -> None:
    text = bytetext.show(data)
    assert text.isascii()
    assert text.isprintable()
    assert bytetext.read(text) == data


@pytest.mark.parametrize("text", ["{", "}", "\\", "\\x", "{a*}", "{bad}", "a{b", "\x7f\n{"])
def test_text_that_nobody_wrote_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no byte, no run"):
        bytetext.read(text)


def test_cases_come_back_from_json() -> None:
    for id, case in recording.all_cases().items():
        assert from_json(json.loads(recording.lines()[id])) == case


def test_a_case_that_changes_is_noticed() -> None:
    now = dict(recording.lines())
    assert recording.changed(now) == []
    del now["walk/loop-of-two"]
    now["walk/new"] = line(to_json(Case("walk/new")))
    now["busy/twice"] = line(to_json(attrs.evolve(written()["busy/twice"], cmd=b"/elsewhere")))
    assert sorted(recording.changed(now)) == ["busy/twice", "walk/loop-of-two", "walk/new"]
