"""The pytest options of errno coverage: the table, the files, the gate, workers of xdist, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bprocsim.world import watching
from tests.testing.inner import Run, run_pytest

SOURCE = """
    from bprocsim.testing import recipes

    def test_one(bproc_cluster):
        assert bproc_cluster.bproc_execmove(1, "/none").failed

    def test_two():
        assert bp.Cluster(nodes=1).bproc_execmove(0, "").failed
        assert bp.Cluster(nodes=1).bproc_execmove(0, "x" * 5000).failed

    def test_recipe():
        assert recipes["bproc_execmove", "args_too_big"].provoke().failed

    def test_partition(aix_lpar):
        assert aix_lpar.ra_execl(bp.R_RSET, aix_lpar.rset("0"), 8, "/usr/bin/sh").failed
"""
TITLE = "documented errnos met (bprocsim)"


def run(folder: Path, *arguments: str) -> Run:
    return run_pytest(folder, SOURCE, *arguments)


def table(found: Run) -> list[str]:
    """Give the lines below the title."""
    return found.text.partition(TITLE)[2].splitlines()[1:]


def test_the_table_is_told_when_it_is_asked_for(tmp_path: Path) -> None:
    found = run(tmp_path, "--bprocsim-errno-cov")
    assert found.status == 0
    rows = {line.split()[0]: line.split()[1:5] for line in table(found) if line and line[0] != " "}
    assert rows["bproc_execmove"] == ["3", "2", "of", "15"]
    assert rows["ra_exec"] == ["1", "1", "of", "17"]
    assert "3 of 32 documented errnos met (9%)" in table(found)
    assert "E2BIG*" in found.text
    assert TITLE not in run(tmp_path).text


@pytest.mark.slow  # runs pytest four times
def test_one_call_alone_and_a_path_behind_the_option(tmp_path: Path) -> None:
    for words in (["--bprocsim-errno-cov=RA_EXECV,"], ["--bprocsim-errno-cov", "ra_exec"]):
        assert "1 of 17 documented errnos met (5%)" in table(run(tmp_path, *words))
    for words in (["--bprocsim-errno-cov", "test_inner.py"], ["--bprocsim-errno-cov", "./test_inner.py::test_one"]):
        found = run(tmp_path, *words)
        assert (found.status, found.counts["passed"]) == (0, 1 if "::" in words[1] else 4)
        assert any(line.startswith("bproc_execmove") for line in table(found))


def test_files_and_the_gate(tmp_path: Path) -> None:
    words = ["--bprocsim-errno-cov", "--bprocsim-errno-cov-report=json:out/cov.json"]
    found = run(tmp_path, *words, "--bprocsim-errno-cov-report=md:cov.md", "--bprocsim-errno-cov-fail-under=9.375")
    assert found.status == 0  # exactly that
    assert TITLE not in found.text  # the terminal was not asked for
    document = json.loads((tmp_path / "out/cov.json").read_text(encoding="utf-8"))
    assert [call["call"] for call in document["calls"]] == ["bproc_execmove", "ra_exec"]
    assert document["calls"][0]["errnos"][2]["first"] == "test_inner.py:11"
    assert (tmp_path / "cov.md").read_text(encoding="utf-8").startswith("# Documented errnos met\n")
    found = run(tmp_path, "--bprocsim-errno-cov-fail-under=10")
    assert found.status == 1
    assert "FAIL: 3 of 32 documented errnos met (9%), and 10% are required" in table(found)


def test_a_gate_without_a_call_fails(tmp_path: Path) -> None:
    found = run(tmp_path, "--bprocsim-errno-cov-fail-under=1", "-k", "recipe")
    assert found.status == 1
    assert "no call with documented errnos was made" in found.text
    assert run(tmp_path, "--bprocsim-errno-cov-fail-under=1", "--collect-only").status == 0


@pytest.mark.slow  # starts workers
def test_workers_of_xdist_hand_over_what_they_counted(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    alone = run(tmp_path, "--bprocsim-errno-cov", "--bprocsim-errno-cov-report=json:alone.json")
    spread = run(tmp_path, "--bprocsim-errno-cov", "--bprocsim-errno-cov-report=json:spread.json", "-n2")
    assert (alone.status, spread.status, spread.counts["passed"]) == (0, 0, 4)
    assert (tmp_path / "spread.json").read_text() == (tmp_path / "alone.json").read_text()


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("--bprocsim-errno-cov=excve", "--bprocsim-errno-cov: there is no 'excve' that has errors; expected one of"),
        ("--bprocsim-errno-cov-report=xml", "expected term, json:FILE or md:FILE, got 'xml'"),
        ("--bprocsim-errno-cov-report=json:", "expected term, json:FILE or md:FILE, got 'json:'"),
        ("--bprocsim-errno-cov-fail-under=101", "expected a percentage from 0 to 100, got 101"),
    ],
)
def test_what_cannot_be_is_refused_before_any_test(tmp_path: Path, word: str, told: str) -> None:
    found = run(tmp_path, word)
    assert found.status == 4
    assert told in found.text
    assert "Traceback" not in found.text


@pytest.mark.slow
def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    found = run(tmp_path, "--bprocsim-errno-cov", "--bprocsim-errno-cov-report=md:taken/cov.md")
    assert found.status == 1
    assert "cannot write" in found.text and "cov.md" in found.text
    assert "Traceback" not in found.text


def test_nothing_is_counted_any_more_when_the_run_is_over(pytester: pytest.Pytester) -> None:
    before = [*watching.watchers]
    pytester.makepyfile("def test_it(bproc_cluster): bproc_cluster.execve('/none')")
    words = ("-p", "no:cacheprovider", "-p", "bprocsim.testing.plugin", "--bprocsim-errno-cov")
    assert pytester.inline_run(*words).ret == 0
    assert watching.watchers == before


def test_who_does_not_ask_pays_nothing(tmp_path: Path) -> None:
    source = """
        import sys

        def test_it(bproc_cluster):
            assert not bproc_cluster.rules.hearers
            assert "bprocsim.testing.coverage.counting" not in sys.modules
            assert "hypothesis" not in sys.modules
    """
    assert run_pytest(tmp_path, source, "-p", "no:hypothesispytest").status == 0
