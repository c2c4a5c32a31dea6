"""Bugs that somebody might write into the simulator, each planted in a copy of it: some test notices every one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.planted import planting

BUGS = planting.bugs()

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        "sys.platform == 'win32'", reason="needs symbolic links, which Windows keeps for administrators"
    ),
]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_it_is_noticed(bug: planting.Bug, tmp_path: Path) -> None:
    planting.copy_to(tmp_path)
    planting.plant(bug, tmp_path)
    done = planting.run(tmp_path, bug.tests)
    assert planting.noticed_by(done) is not None, done.stdout + done.stderr


def test_a_copy_without_a_bug_passes_them_all(tmp_path: Path) -> None:
    """Else any of them might fail for another reason."""
    planting.copy_to(tmp_path)
    done = planting.run(tmp_path, sorted({test for bug in BUGS for test in bug.tests}))
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_enough() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 30
    assert len({bug.file for bug in BUGS}) >= 15
