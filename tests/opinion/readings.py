"""What the pages leave open is decided in every way: each decision that is met is a question, and each answer a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import attrs

T = TypeVar("T")


@attrs.define
class Reading:
    """One way to read the pages: the answers given so far; others are kept for later runs."""

    answers: dict[str, object]
    later: list[dict[str, object]]

    def either(self, question: str) -> bool:
        """Answer a question with no, and later with yes."""
        return self.one_of(question, (False, True))

    def one_of(self, question: str, options: tuple[T, ...]) -> T:
        """Answer a question with the first option, and later with each of the others."""
        if question not in self.answers:
            self.later += [{**self.answers, question: option} for option in options[1:]]
            self.answers[question] = options[0]
        answer = self.answers[question]
        assert answer in options
        return options[options.index(answer)]


def every(decide: Callable[[Reading], T]) -> set[T]:
    """All that a decision may come to."""
    later: list[dict[str, object]] = [{}]
    found = set()
    while later:
        found.add(decide(Reading(dict(later.pop()), later)))
    return found
