"""`bprocsim errors --all`: nothing is left out, all of it comes, and what is told of a row is true."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

import bprocsim as bp
from bprocsim import testing
from bprocsim.manual import Kind
from bprocsim.sources import load
from bprocsim.testing.rows.programs import PROGRAMS
from tests.cli.command import Here, command, python

ABOUT = Path(bp.__file__).parent / "about"
TABLES = {edition: testing.tables(edition) for edition in bp.editions}


@pytest.fixture(scope="module")
def atlas() -> Any:
    """Give the atlas as JSON has it."""
    done = command("errors", "--all", "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    return json.loads(done.stdout)


def test_no_documented_row_of_any_edition_is_left_out(atlas: Any) -> None:
    told = {(entry["call"], entry["cause"], entry["errno"], entry["sentence"]) for entry in atlas["rows"]}
    assert len(told) == len(atlas["rows"])
    assert told == {
        (table.call, row.cause, row.errno.name, row.sentence)
        for known in TABLES.values()
        for table in known.values()
        for row in table.rows
        if row.kind is not Kind.BEYOND
    }


def test_all_come_as_documented(atlas: Any) -> None:
    assert [entry for entry in atlas["rows"] if not entry["ok"] or entry["problem"]] == []
    assert (atlas["ok"], atlas["edition"], atlas["kernel"], atlas["level"]) == (True, "all", "documented", "7.1")


def test_a_row_names_its_source_and_the_editions_that_have_it(atlas: Any) -> None:
    assert {entry["source"] for entry in atlas["rows"]} <= set(load())
    down = {
        tuple(entry["editions"]): entry["errno"]
        for entry in atlas["rows"]
        if (entry["call"], entry["cause"]) == ("bproc_execmove", "node_down")
    }
    assert down == {("scyld",): "EINVAL", ("lanl32", "bproc4"): "BE_NODEDOWN"}
    assert {tuple(entry["editions"]) for entry in atlas["rows"] if entry["call"] in ("rs_op", "read")} == {()}
    (chroot,) = (e for e in atlas["rows"] if (e["call"], e["cause"]) == ("bproc_nodechroot", "node_down"))
    assert "bproc_slave_chroot" in TABLES["scyld"]
    assert "scyld" not in chroot["editions"]


def test_each_tells_how_to_come_to_it(atlas: Any) -> None:
    assert [entry for entry in atlas["rows"] if not entry["recipe"]] == []
    assert [entry for entry in atlas["rows"] if not entry["try"]] == []


def test_the_calls_of_a_program_end_with_the_refusal(atlas: Any) -> None:
    for entry in atlas["rows"]:
        if (entry["call"], entry["cause"]) in PROGRAMS:
            assert entry["recipe"][-1].endswith(f") = -1 {entry['errno']} ({entry['cause']})"), entry
            assert len(entry["recipe"]) < 20, entry


def test_the_recipe_makes_the_call(atlas: Any) -> None:
    """It is Python, which is run here as it stands there."""
    for entry in atlas["rows"]:
        line, *calls = entry["recipe"]
        assert line.endswith(".run()")
        assert bool(calls) == ((entry["call"], entry["cause"]) in PROGRAMS)
        outcome = eval(line, {"bp": bp})
        assert outcome.cause == entry["cause"], line
        assert (outcome.errno or outcome.late_errno or outcome.row.errno).name == entry["errno"], line


PIPE = """\
ok      EMFILE  descriptors_used_up, page
when      the process has too many descriptors open
try       Call with all descriptors of the process in use, or all but one where
          two are needed.
recipe    bp.testing.program_case('pipe', 'descriptors_used_up').run()
          dup2(0, 3) = 3
          ... (1018 more)
          dup2(0, 1022) = 1022
          pipe() = -1 EMFILE (descriptors_used_up)
came      -1 EMFILE
source    posix-pipe
"""


def test_a_recipe_needs_no_more_than_is_said(atlas: Any) -> None:
    line = next(each["recipe"][0] for each in atlas["rows"] if each["call"] == "read")
    done = python("-c", f"import bprocsim as bp, bprocsim.testing\nprint({line})")
    assert done.stdout.startswith(b"<read: -1 EBADF fd_not_readable; "), done.stderr
    assert "`import bprocsim as bp, bprocsim.testing`" in " ".join((ABOUT / "atlas.md").read_text("utf-8").split())


def test_the_text_tells_all_of_a_row(here: Here) -> None:
    status, text = here("errors", "--all", "--errno", "EMFILE", COLUMNS="100")
    assert status == 0
    heading, told = text.partition("\npipe\n")[2].split("\n\n", 1)
    assert set(heading) == {"-"}
    assert told.startswith(PIPE)
    assert "\ndup2\n" not in text  # EBADF alone
    count = text.count("ok      EMFILE")
    assert text.endswith(f"\n{count} of {count} came as documented\n\nseed 0\n")


def test_what_comes_late_or_of_one_node_is_told_as_it_is_met(here: Here) -> None:
    text = here("errors", "--all", "--errno", "BE_NODEDOWN", "--format", "markdown")[1]
    came = {
        line.split(" | ")[2]: line.split(" | ")[5] for line in text.splitlines() if line.startswith("| BE_NODEDOWN")
    }
    assert came == {"late": "exit 45 BE_NODEDOWN", "page": "-1 BE_NODEDOWN", "slot": "-301 BE_NODEDOWN"}


def test_a_row_that_does_not_come_fails_it(monkeypatch: pytest.MonkeyPatch, here: Here) -> None:
    healthy = evolve(PROGRAMS["close", "fd_not_open"], bad=False)
    monkeypatch.setattr("bprocsim.testing.rows.recipes.PROGRAMS", {**PROGRAMS, ("close", "fd_not_open"): healthy})
    status, text = here("errors", "--all", "--format", "markdown", "--errno", "ebadf")
    assert status == 1
    failed = [line for line in text.splitlines() if "FAILED" in line]
    assert len(failed) == 1
    assert failed[0].startswith("| EBADF | `fd_not_open` | page | the descriptor is not open | Give a number ")


def test_other_rules_make_another_atlas(here: Here) -> None:
    status, text = here(
        "errors", "--all", "--kernel", "linux-6", "--level", "5.3", "--errno", "elibbad", "--format", "json"
    )
    told = json.loads(text)
    assert (status, told["kernel"], told["level"]) == (0, "linux-6", "5.3")
    assert {entry["errno"] for entry in told["rows"]} == {"ELIBBAD"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--all", "read"), "--all is about every call; leave it out, or read"),
        (("--all", "--edition", "bproc4"), "--all is about every edition; leave --edition out"),
        (("--format", "markdown"), "--format markdown is the form of the atlas: add --all"),
        (("--json", "--format", "text"), "--json and --format text: give one of them"),
        (("--all", "--errno", "EBADD"), "there is no row of any call for errno 'EBADD' (did you mean EBADF?)"),
        (("--format", "html"), "argument --format: invalid choice: 'html'"),
    ],
)
def test_what_does_not_go_together_is_refused(
    arguments: tuple[str, ...], said: str, here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    status, text = here("errors", *arguments)
    assert (status, text) == (2, "")
    assert said in capsys.readouterr().err
