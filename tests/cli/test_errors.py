"""`bprocsim errors`: every documented row provoked, in order, and told truly when one does not come."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from attrs import evolve

import bprocsim as bp
from bprocsim import cli, testing
from bprocsim.cli.errors import Trial
from bprocsim.cli.screen import Progress
from bprocsim.manual import Kind
from tests.cli.command import Here, has_terminals, in_terminal

TABLES = testing.tables()
CALLS = tuple(dict.fromkeys(call for call, _ in testing.recipes))


def document(here: Here, *arguments: str) -> tuple[int, Any]:
    status, text = here("errors", *arguments, "--json")
    assert text.count("\n") == 1
    return status, json.loads(text)


@pytest.mark.parametrize("call", CALLS)
def test_every_documented_row_comes_as_documented(call: str, here: Here) -> None:
    status, told = document(here, call)
    rows = [row for row in TABLES[call].rows if row.kind is not Kind.BEYOND]
    assert [(entry["cause"], entry["errno"], entry["sentence"]) for entry in told["rows"]] == [
        (row.cause, row.errno.name, row.sentence) for row in rows
    ]
    assert [entry["problem"] for entry in told["rows"]] == [None] * len(rows)
    assert (status, told["ok"]) == (0, True)


@pytest.mark.parametrize("edition", list(bp.editions))
def test_every_edition_comes_as_documented(edition: str, here: Here) -> None:
    status, told = document(here, "bproc_execmove", "--edition", edition)
    assert [entry["problem"] for entry in told["rows"] if not entry["ok"]] == []
    assert (status, told["edition"]) == (0, edition)


@pytest.mark.slow
@pytest.mark.parametrize("level", ["5.2", "5.3", "6.1", "6.1.5", "7.3"])
def test_every_level_comes_as_documented(level: str, here: Here) -> None:
    """What a level does not have is not asked of it."""
    status, told = document(here, "--level", level)
    assert [entry for entry in told["rows"] if not entry["ok"]] == []
    assert (status, told["level"]) == (0, level)
    assert ("rs_info" in {entry["call"] for entry in told["rows"]}) == (level > "6.1")


def test_a_late_row_tells_the_status_that_its_errno_leaves(here: Here) -> None:
    _, told = document(here, "bproc_execmove", "--errno", "EINVAL")
    got = {entry["cause"]: entry["got"] for entry in told["rows"] if entry["kind"] == "late"}
    assert got["node_down"]["exit_status"] == 22
    assert got["node_down"]["errno"] is None
    assert got["node_down"]["late_errno"] == "EINVAL"


def test_the_table_is_in_order_and_marks_what_is_late(here: Here) -> None:
    status, text = here("errors", "bproc_execmove", COLUMNS="120")
    assert status == 0
    words = text.split()
    places = [words.index(row.cause) for row in TABLES["bproc_execmove"].rows]
    assert places == sorted(places)
    late = text[text.index("\nLate") :]
    for row in TABLES["bproc_execmove"].rows:
        assert (f" {row.cause} " in late) == (row.kind is Kind.LATE)
    assert f"\n{len(places)} of {len(places)} came as documented\n" in text


def test_without_a_call_all_that_have_recipes(here: Here) -> None:
    status, told = document(here)
    assert status == 0
    assert list(dict.fromkeys(entry["call"] for entry in told["rows"])) == list(
        dict.fromkeys(call for call, cause in testing.recipes if TABLES[call].row(cause).kind is not Kind.BEYOND)
    )


@pytest.mark.parametrize("name", ["bproc_execmove", "_bproc_execmove_io", "BPROC_execmove_io", "Bproc_Execmove"])
def test_a_page_goes_by_all_its_names(name: str, here: Here) -> None:
    assert here("errors", name) == here("errors", "bproc_execmove")


def test_only_one_errno(here: Here) -> None:
    status, told = document(here, "--errno", "eloop")
    assert status == 0
    assert {entry["errno"] for entry in told["rows"]} == {"ELOOP"}
    paths = {"open", "access", "chmod", "mkdir", "scandir", "stat"}
    assert {entry["call"] for entry in told["rows"]} == {"bproc_execmove", "bproc_rexec", "execve", "ra_exec"} | paths
    _, text = here("errors", "--errno", "eloop")
    assert "ENOENT" not in text
    # A call of which nothing was asked is not named.
    assert "execve:" not in here("errors", "--errno", "econnrefused")[1]


def test_the_document_is_stable(here: Here) -> None:
    status, told = document(here, "bproc_execmove")
    assert (status, document(here, "bproc_execmove")) == (0, (0, told))
    assert sorted(told) == ["edition", "kernel", "level", "ok", "rows", "schema", "seed"]
    assert (told["schema"], told["seed"]) == (1, 0)
    assert sorted(told["rows"][0]) == [
        "call", "cause", "errno", "got", "kind", "number", "ok", "problem", "sentence",
    ]  # fmt: skip
    assert sorted(told["rows"][0]["got"]) == [
        "cause", "elapsed_ns", "errno", "exit_status", "late_errno", "signal", "value",
    ]  # fmt: skip


# ---- when one does not come: status 1 --------------------------------------------------------------


class Spoilt(dict[tuple[str, str], Any]):
    """The recipes, of which some are replaced or gone."""


def spoil(monkeypatch: pytest.MonkeyPatch, cause: str, recipe: Any) -> None:
    changed = Spoilt(testing.recipes)
    if recipe is None:
        del changed["bproc_execmove", cause]
    else:
        changed["bproc_execmove", cause] = recipe
    monkeypatch.setattr(testing, "recipes_of", lambda *_: changed)


def test_another_row_in_its_place_is_told(monkeypatch: pytest.MonkeyPatch, here: Here) -> None:
    recipe = testing.recipes["bproc_execmove", "cmd_absent"]
    spoil(monkeypatch, "cmd_absent", evolve(recipe, case=testing.recipes["bproc_execmove", "node_down"].case))
    status, text = here("errors", "bproc_execmove", "--errno", "ENOENT", COLUMNS="120")
    assert status == 1
    line = next(line for line in text.splitlines() if " cmd_absent " in line)
    assert line.split()[:4] == ["FAILED", "exit", "22", "ENOENT"]
    assert "but: there came exit 22 EINVAL (node_down)" in " ".join(text.split())
    assert "3 of 4 came as documented" in text
    assert text.splitlines()[-1] == "seed 0"
    status, told = document(here, "bproc_execmove", "--errno", "ENOENT")
    assert (status, told["ok"]) == (1, False)
    assert [entry["cause"] for entry in told["rows"] if not entry["ok"]] == ["cmd_absent"]


def test_a_success_in_its_place_is_told(monkeypatch: pytest.MonkeyPatch, here: Here) -> None:
    recipe = testing.recipes["bproc_execmove", "no_master"]
    spoil(monkeypatch, "no_master", evolve(recipe, case=recipe.healthy))
    status, text = here("errors", "bproc_execmove", "--errno", "EBUSY")
    assert status == 1
    assert "but: there came exit 0" in " ".join(text.split())


def test_a_recipe_that_breaks_or_is_missing_is_one_failed_row(monkeypatch: pytest.MonkeyPatch, here: Here) -> None:
    class Broken:
        def provoke(self) -> None:
            raise ValueError("no such world\nand more")

    spoil(monkeypatch, "no_master", Broken())
    status, told = document(here, "bproc_execmove", "--errno", "EBUSY")
    assert (status, told["rows"][0]["problem"], told["rows"][0]["got"]) == (1, "ValueError: no such world", None)
    spoil(monkeypatch, "no_master", None)
    status, text = here("errors", "bproc_execmove", "--errno", "EBUSY")
    assert status == 1
    assert "there is no recipe for this row" in " ".join(text.split())


def test_the_right_errno_by_the_wrong_way_is_not_ok() -> None:
    table = TABLES["bproc_execmove"]
    late = testing.recipes["bproc_execmove", "node_down"].provoke()
    assert Trial("bproc_execmove", table.row("node_down"), late).ok
    assert not Trial("bproc_execmove", table.row("node_unknown"), late).ok  # EINVAL as well
    assert not Trial("bproc_execmove", table.row("node_down"), evolve(late, exit_status=23)).ok
    assert not Trial("bproc_execmove", table.row("node_down"), evolve(late, late=False)).ok
    returned = testing.recipes["bproc_execmove", "cmd_absent"].provoke()
    assert Trial("bproc_execmove", table.row("cmd_absent"), returned).ok
    assert not Trial("bproc_execmove", table.row("cmd_absent"), evolve(returned, late=True)).ok
    assert not Trial("bproc_execmove", table.row("cmd_absent"), evolve(returned, value=0)).ok


# ---- progress --------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    """A stream before which somebody sits."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("ci", "term", "shown"), [("", "xterm", True), ("1", "xterm", False), ("", "dumb", False)])
def test_progress_is_shown_to_somebody(ci: str, term: str, shown: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", ci)
    monkeypatch.setenv("TERM", term)
    stream = Terminal()
    with Progress(stream, 12, "provoking") as progress:
        progress.step()
        progress.step()
    lines = stream.getvalue().split("\r")
    assert lines == (["", "provoking 1/12", "provoking 2/12", " " * len("provoking 12/12"), ""] if shown else [""])


def test_progress_is_not_written_to_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["errors", "execve"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not has_terminals(), reason="needs pseudo-terminals")
def test_progress_is_wiped_before_the_table() -> None:
    _, shown = in_terminal("errors", "execve", with_stderr=True)
    progress, _, table = shown.rpartition("\r")
    assert "provoking 1/" in progress
    assert "provoking" not in table
