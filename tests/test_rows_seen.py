"""A row that no test has seen fails the run: shown on a small project whose tests see some rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.command import environment
from tests.environment import TOP
from tests.rowsseen import known_rows

# The rows that there are to see, one of which a test sees directly, one as an exception, and one after the exec.
CONFTEST = """
from tests.rowsseen import RowsSeen

KNOWN = {
    ("bproc_chmod", "slave_unknown", "ENOENT"): "edition scyld",
    ("fs.mkdir", "name_taken", "EEXIST"): "",
    ("bproc_execmove", "node_down", "EINVAL"): "",
}

def pytest_configure(config):
    config.pluginmanager.register(RowsSeen(config, lambda: KNOWN))
"""
TESTS = """
import pytest
import bprocsim as bp

def test_direct():
    assert bp.Cluster(nodes=1).bproc_chmod(9, 0o111).failed

def test_raised():
    with pytest.raises(FileExistsError):
        bp.Cluster(nodes=1).master.fs.mkdir("/usr")

def test_late():
    world = bp.Cluster(nodes=1, faults=[bp.PowerOff(0)])
    world.install("/usr/bin/tool", lambda proc: 0)
    assert world.bproc_execmove(0, "/usr/bin/tool").late_errno
"""


def run(project: Path, tests: str, *arguments: str) -> tuple[int, str]:
    """Run a project's tests; give the exit status, and what was printed."""
    (project / "conftest.py").write_text(CONFTEST, "utf-8")
    (project / "test_it.py").write_text(tests, "utf-8")
    (project / "pytest.ini").write_text("[pytest]\ntestpaths = test_it.py test_more.py\n", "utf-8")
    (project / "test_more.py").write_text("def test_more(): pass\n", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments],
        cwd=project, env=environment(PYTHONPATH=str(TOP)), capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("workers", [("-p", "no:xdist"), ("-n", "2")], ids=["alone", "workers"])
def test_a_run_that_sees_all_rows_passes(workers: tuple[str, ...], tmp_path: Path) -> None:
    status, text = run(tmp_path, TESTS, *workers)
    assert (status, "no test has seen" in text) == (0, False), text


@pytest.mark.slow
@pytest.mark.parametrize("workers", [("-p", "no:xdist"), ("-n", "2")], ids=["alone", "workers"])
def test_a_row_that_none_sees_is_named_and_fails_the_run(workers: tuple[str, ...], tmp_path: Path) -> None:
    blind = TESTS.replace("bproc_chmod(9, 0o111).failed", "bproc_chmod(0, 0o111)")
    status, text = run(tmp_path, blind, *workers)
    assert status == 1, text
    told = text.partition("rows of tables that no test has seen")[2]
    assert "\nbproc_chmod: ENOENT slave_unknown (edition scyld)\nEach wants a test" in told
    assert "mkdir" not in told
    assert "execmove" not in told


@pytest.mark.parametrize("chosen", [("-k", "late"), ("test_it.py",)])
def test_a_run_of_some_tests_is_not_judged(chosen: tuple[str, ...], tmp_path: Path) -> None:
    status, text = run(tmp_path, "def test_late(): pass\n", "-p", "no:xdist", *chosen)
    assert (status, "no test has seen" in text) == (0, False), text


def test_a_run_that_failed_is_not_judged_besides(tmp_path: Path) -> None:
    status, text = run(tmp_path, "def test_late(): assert False\n", "-p", "no:xdist")
    assert (status, "no test has seen" in text) == (1, False), text


def test_what_there_is_to_see() -> None:
    """Of all editions, kernels and levels, and of what only world-building asks."""
    known = known_rows()
    for key in (
        ("bproc_execmove", "node_down", "BE_NODEDOWN"), ("bproc_vexecmove", "scripts_too_deep", "ELOOP"),
        ("chdir", "path_empty", "ENOENT"), ("fs.mkdir", "name_taken", "EEXIST"), ("read", "interrupted", "EINTR"),
        ("ra_exec", "st_set_empty", "ENODEV"),
    ):  # fmt: skip
        assert key in known
    assert known["bproc_execmove", "node_down", "BE_NODEDOWN"] == "edition lanl32, kernel documented"
