"""Any single row, limit or order of `linux-6` that is changed makes the comparison fail."""

from __future__ import annotations

import contextlib

import attrs
import pytest

from bprocsim.testing import recipes_of
from tests.kernel import mutants, recording
from tests.kernel.simside import simulate

# Disk errors, a full table of files, and no memory: the kernel could not be asked without harm.
NOT_ASKED = {
    f"{prefix}{cause}"
    for prefix in ("", "interpreter_")
    for cause in ("path_io_error", "header_io_error", "file_table_full", "out_of_memory")
} & {row.cause for row in mutants.LINUX.rows}

# What can be taken away or moved, and still all is as it was: whatever it meets, another one meets too.
COVERED = {
    "fates without entry_outside_user_space": "entry_not_mapped: nothing is mapped there",
    "loader_fates without entry_outside_user_space": "entry_not_mapped: nothing is mapped there",
    "loader_fates without segments_too_far_apart": "segment_outside_user_space: a loader's parts are placed one by one",
}

KNOWN = mutants.known()
ALL = mutants.mutants()


@pytest.mark.parametrize("name", KNOWN)
def test_a_case_notices_it(name: str) -> None:
    id = KNOWN[name]
    case, answer = recording.all_cases()[id], recording.read().answers[id]
    assert simulate(case) == answer
    assert mutants.differs(case, ALL[name], answer)


def test_no_row_can_be_left_out_unnoticed() -> None:
    rows = {f"without {row.cause}" for row in mutants.LINUX.rows}
    assert rows - KNOWN.keys() == {f"without {cause}" for cause in NOT_ASKED}


@pytest.mark.parametrize("cause", sorted(NOT_ASKED))
def test_what_the_kernel_was_not_asked_is_missed_by_its_recipe(cause: str) -> None:
    recipe = recipes_of(kernel="linux-6")["execve", cause]
    came = None
    with contextlib.suppress(AssertionError):  # what cannot be read is to be run
        came = attrs.evolve(recipe.case, kernel=ALL[f"without {cause}"]).run().cause
    assert came != cause


def test_no_limit_and_no_fate_can_be_changed_unnoticed() -> None:
    changed = {name for name in ALL if "=" in name or "fates without" in name}
    assert changed - KNOWN.keys() == COVERED.keys()


def test_there_are_enough() -> None:
    assert len(KNOWN) >= 100
