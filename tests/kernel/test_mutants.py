"""Any single row, limit or order of `linux-6` that is changed makes the comparison fail."""

from __future__ import annotations

import pytest

from tests.kernel import mutants, recording
from tests.kernel.simside import simulate

# Disk errors, a full table of files, and no memory: the kernel could not be asked without harm. That
# each of these is due in its own world is seen in tests/rows/test_kernels.py.
NOT_ASKED = (
    "path_io_error", "file_table_full", "out_of_memory", "header_io_error",
    "interpreter_path_io_error", "interpreter_file_table_full", "interpreter_header_io_error",
)  # fmt: skip

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


def test_no_limit_and_no_fate_can_be_changed_unnoticed() -> None:
    changed = {name for name in ALL if "=" in name or "fates without" in name}
    assert changed - KNOWN.keys() == COVERED.keys()


def test_there_are_enough() -> None:
    assert len(KNOWN) >= 100
