"""Worlds with a sound call in them, in which some things are then made amiss: at random, or by a list."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator

from tests.opinion.calldefects import ARGUMENTS, JOURNEY, MACHINE
from tests.opinion.drafts import APP, WHOS, settle, spell, start
from tests.opinion.filedefects import FILES, IMAGES, UNFIT, other_interpreter, run_by
from tests.opinion.worlds import Call, World


def draw(rng: random.Random, *, moving: bool) -> tuple[World, Call]:
    """A world and an exec in it, or with `moving` an execmove."""
    draft = start(rng, moving=moving)
    defects = FILES + ARGUMENTS + MACHINE + (JOURNEY * 2 if moving else ())
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 4))):
        rng.choice(defects)(draft)
    settle(draft)
    spell(draft)
    return draft.finished()


def images() -> Iterator[tuple[World, Call]]:
    """Worlds in which the image is another: each of IMAGES, and each unfit interpreter for root and for a user."""
    for at, image in enumerate(IMAGES):
        draft = start(random.Random(at), moving=False)
        draft.change(APP, data=image)
        yield draft.finished()
    for path, is_script, who in itertools.product(UNFIT, (False, True), WHOS[:2]):
        draft = start(random.Random(0), moving=False)
        other_interpreter(draft)
        draft.set_world(who=who)
        run_by(draft, path, is_script=is_script)
        yield draft.finished()
    for total in range(131064 - 40, 131065):  # a script's own strings take the last of the room
        draft = start(random.Random(0), moving=False)
        run_by(draft, "/work/run", is_script=True)
        draft.set_call(argv=("app", "x" * (total - len(APP) - len("app") - 3)))
        yield draft.finished()


def pairs(seed: str, *, moving: bool) -> Iterator[tuple[World, Call]]:
    """Worlds in which two things are amiss, for all pairs of what can be (or the one twice)."""
    defects = dict.fromkeys(FILES + ARGUMENTS + MACHINE + (JOURNEY if moving else ()))
    for first, second in itertools.product(defects, repeat=2):
        draft = start(random.Random(f"{seed} {first.__name__} {second.__name__}"), moving=moving)
        first(draft)
        second(draft)
        settle(draft)
        yield draft.finished()
