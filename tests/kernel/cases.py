"""All written cases, by stage and by id."""

from __future__ import annotations

from collections import Counter
from functools import cache

from tests.kernel.case import STAGES, Case
from tests.kernel.written import (
    after,
    busy,
    elf,
    files,
    formats,
    interpreters,
    names,
    pairs,
    scripts,
    strings,
    vectors,
    walk,
)

ROOMS = (names, walk, files, busy, vectors, strings, formats, scripts, elf, interpreters, after, pairs)


@cache
def written() -> dict[str, Case]:
    """Give every written case by its id, in the order of the stages."""
    made = [each for room in ROOMS for each in room.cases()]
    twice = [id for id, count in Counter(each.id for each in made).items() if count > 1]
    assert not twice, f"ids that two cases have: {', '.join(twice)}"
    return {each.id: each for each in sorted(made, key=lambda each: STAGES.index(each.stage))}
