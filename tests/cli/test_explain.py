"""`bprocsim explain`: nothing of a table is left out, and every name leads somewhere."""

from __future__ import annotations

import re

import pytest

import bprocsim as bp
from bprocsim import testing
from bprocsim.cli.aixpages import AIX_PAGES
from bprocsim.cli.pages import PAGES, system_of, way_to
from bprocsim.manual import Kind
from bprocsim.posix.execcalls import execvp_errors
from bprocsim.sources import load
from bprocsim.testing.rows.programs import PROGRAMS
from tests.cli.command import Here

# To execvp belongs what comes from execve, too.
TABLES = testing.tables() | {"execvp": execvp_errors(bp.kernels["documented"])}


def explain(here: Here, *arguments: str, columns: int = 300) -> str:
    status, text = here("explain", *arguments, COLUMNS=str(columns))
    assert status == 0
    return text


def in_one_line(text: str) -> str:
    return " ".join(text.split())


# ---- a page ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", TABLES)
def test_a_page_names_every_row_in_order(call: str, here: Here) -> None:
    text = explain(here, call)
    table = TABLES[call]
    lines = [line for line in text.splitlines() if re.match(r" *\d+  (page|late|beyond)", line)]
    assert [line.split()[:2] for line in lines] == [
        [str(number), row.kind.value] for number, row in enumerate(table.rows, 1)
    ]
    told = in_one_line(text)
    for row in table.rows:
        assert f"{row.errno.name} {row.cause} {row.sentence}"[:90] in told
    for line, row in zip(lines, table.rows, strict=True):
        if row.kind is Kind.LATE:
            assert f" exit {row.exit_status()} " in line


@pytest.mark.parametrize("call", TABLES)
def test_a_page_says_what_the_call_does(call: str, here: Here) -> None:
    text = explain(here, call)
    assert text.startswith(f"{call}: ")
    assert "\ndoes  " in text
    assert "no description" not in text


@pytest.mark.slow
@pytest.mark.parametrize("call", TABLES)
def test_a_page_cites_its_sources_with_title_and_address(call: str, here: Here) -> None:
    text = in_one_line(explain(here, call))
    table = TABLES[call]
    for name in {table.page, table.order, *(table.source_of(row) for row in table.rows)}:
        source = load()[name]
        assert f"{name} {source.title}" in text
        assert source.address in text
        if source.kind == "inferred":
            assert in_one_line(source.note) in text
    assert "not among the sources" not in text


def test_the_page_of_execmove_says_what_the_manual_says(here: Here) -> None:
    text = in_one_line(explain(here, "bproc_execmove", columns=80))
    for words in (
        "int _bproc_execmove_io(int node, int port, const char *cmd,",
        "libraries do not",
        "for stdout, stderr and stdin",
        "does not return",
        "exit status",
        "in no order",
    ):
        assert words in text


# ---- names -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", [page for page in PAGES if page.names[0] in TABLES], ids=lambda page: page.names[0])
def test_every_name_of_a_page_leads_to_it(page: tuple[tuple[str, ...]], here: Here) -> None:
    others = [name for name in page[0][1:] if name not in TABLES]  # one with a table has a page of its own
    for name in others:
        assert explain(here, name) == explain(here, name.upper()) == explain(here, page[0][0])


# ---- one errno -------------------------------------------------------------------------------------


def errnos() -> list[tuple[str, str]]:
    return [(call, name) for call in TABLES for name in dict.fromkeys(row.errno.name for row in TABLES[call].rows)]


@pytest.mark.slow
@pytest.mark.parametrize(("call", "errno"), errnos())
def test_every_row_of_every_errno_is_told(call: str, errno: str, here: Here) -> None:
    text = explain(here, call, errno.lower())
    rows = [row for row in TABLES[call].rows if row.errno.name == errno]
    titles = re.findall(r"^(\d+)\. (\w+)  (\w+), (.*)$", text, re.MULTILINE)
    assert [title[1] for title in titles] == [row.cause for row in rows]
    assert [int(title[0]) for title in titles] == [TABLES[call].rows.index(row) + 1 for row in rows]
    for row, title in zip(rows, titles, strict=True):
        assert (row.kind is Kind.LATE) == title[3].startswith("late")
    assert text.count("\nseen  ") == text.count("\nbefore  ") == len(rows)
    for row in rows:
        assert row.sentence[1:] in in_one_line(text)


def test_a_returned_error(here: Here) -> None:
    text = in_one_line(explain(here, "bproc_execmove", "ENOTDIR"))
    assert "The call returns -1, and errno is ENOTDIR (20)" in text
    assert "before EBUSY → EFAULT → ENOENT → ENAMETOOLONG → EACCES → ENAMETOOLONG → ENOENT source" in text
    assert in_one_line(way_to("not_a_directory")) in text


def test_the_first_error(here: Here) -> None:
    assert "before Nothing: it is decided first." in in_one_line(explain(here, "bproc_execmove", "EBUSY"))


def test_a_late_error(here: Here) -> None:
    text = in_one_line(explain(here, "bproc_execmove", "ECONNREFUSED"))
    assert "The process exits with status 111, the number of ECONNREFUSED" in text
    assert "before All 46 rows that are returned, then EIO → EINVAL → ELOOP → EPERM" in text
    assert "where On the node, where the process gets its descriptors" in text


def test_a_late_error_whose_number_does_not_fit_into_a_status(here: Here) -> None:
    text = in_one_line(explain(here, "bproc_execmove", "BE_NODEDOWN", "--edition", "lanl32"))
    assert "exits with status 45, the low eight bits of 301" in text
    by_status = in_one_line(explain(here, "bproc_execmove", "45", "--edition", "lanl32"))
    assert by_status == text


def test_a_number_is_an_errno_or_an_exit_status(here: Here) -> None:
    assert explain(here, "bproc_execmove", "22") == explain(here, "bproc_execmove", "EINVAL")


def test_what_stands_in_a_slot_is_explained(here: Here) -> None:
    text = explain(here, "bproc_vexecmove", "-301", "--edition", "lanl32")
    assert text == explain(here, "bproc_vexecmove", "301", "--edition", "lanl32")
    assert "BE_NODEDOWN" in text


def test_a_cause_is_one_row(here: Here) -> None:
    text = explain(here, "bproc_execmove", "node_down")
    assert "49. node_down" in text
    assert "node_unknown  EINVAL" not in text


def test_another_edition_is_named_where_it_has_the_error(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    assert here("explain", "bproc_execmove", "BE_SAMENODE") == (2, "")
    assert "that of lanl32 and bproc4 does: add --edition lanl32" in capsys.readouterr().err
    for edition in ("lanl32", "bproc4"):
        assert here("explain", "bproc_execmove", "BE_SAMENODE", "--edition", edition)[0] == 0


def test_an_edition_that_returns_late_failures_says_so(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    from attrs import evolve

    literal = evolve(bp.editions["scyld"], name="literal", late_failure="return")
    monkeypatch.setitem(bp.editions, "literal", literal)
    text = in_one_line(explain(here, "bproc_execmove", "node_down", "--edition", "literal"))
    assert "By the letter of the page the call returns -1, and errno is EINVAL (22)." in text


# ---- AIX -------------------------------------------------------------------------------------------

AIX_CALLS = [call for call, table in TABLES.items() if system_of(call) == "aix"]


def test_every_call_of_aix_has_a_page_of_prose() -> None:
    from bprocsim.kernel.calls import CALLS as KNOWN

    assert {call for call, table in TABLES.items() if table.page.startswith("aix")} == set(AIX_CALLS)
    for name in KNOWN:
        if name.startswith(("ra_", "rs_")) and name != "rs_getrsetnames":  # which no page describes
            assert any(name in page.names for page in AIX_PAGES), name


@pytest.mark.parametrize(
    "form", ["ra_execl", "RA_EXECLE", "ra_execlp", "ra_execv()", "Ra_Execve", "ra_execvp", "ra_exect"]
)
def test_every_form_of_ra_exec_leads_to_its_page(form: str, here: Here) -> None:
    assert explain(here, form) == explain(here, "ra_exec")
    assert explain(here, form, "EPERM") == explain(here, "ra_exec", "EPERM")


def test_the_numbers_are_those_of_aix(here: Here) -> None:
    text = in_one_line(explain(here, "ra_exec", "ENOTSUP"))
    assert "ra_exec and ENOTSUP (124, Not supported)" in text
    assert "errno is ENOTSUP (124)" in text
    assert explain(here, "ra_exec", "124") == explain(here, "ra_exec", "enotsup")
    assert "errno is ELOOP (85)" in explain(here, "ra_execvp", "85")


def test_what_comes_after_the_resource_is_returned_all_the_same(here: Here) -> None:
    """Rows at a later step of the decision are not late: nothing has been executed yet."""
    for call, cause, words in (
        ("ra_exec", "cmd_absent", "where By exec's own rules, once nothing is wrong with the resource."),
        ("ra_fork", "no_pid_left", "where By fork's own rules"),
        ("smtctl", "bound_to_last", "where After the warnings"),
    ):
        text = in_one_line(explain(here, call, cause))
        assert words in text
        assert "The call returns -1" in text
    assert "Late" not in explain(here, "ra_exec")


def test_what_never_fails_says_so(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    for call in ("rs_free", "rs_get_homesrad"):
        assert "errors    None: it never fails." in explain(here, call)
        assert here("explain", call, "EINVAL") == (2, "")
        assert f"{call} reports no error at all" in capsys.readouterr().err


def test_a_level_of_aix_is_checked(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    assert here("explain", "ra_exec", "--level", "5.2")[0] == here("errors", "rs_op", "--level", "5.2")[0] == 0
    assert here("explain", "ra_exec", "--level", "7.9") == (2, "")
    assert "there is no level '7.9' (did you mean 7.3 or 7.2 or 7.1?); there are 5.2, " in capsys.readouterr().err


def test_a_level_has_the_rows_of_what_it_knows(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    assert "sradid_invalid" not in explain(here, "ra_exec", "--level", "6.1")
    assert here("explain", "ra_exec", "ENOTSUP", "--level", "5.3") == (2, "")
    assert "ra_exec of AIX 5.3 does not report ENOTSUP, but that of 6.1.5 and 7.1" in capsys.readouterr().err
    assert here("explain", "rs_info", "--level", "5.3") == here("errors", "rs_info", "--level", "5.3") == (2, "")
    assert capsys.readouterr().err.count("AIX 5.3 has no rs_info") == 2


@pytest.mark.parametrize(
    ("call", "cause"), [(call, row.cause) for call in AIX_CALLS for row in TABLES[call].rows], ids=str
)
def test_how_to_come_to_a_row_of_aix_is_one_sentence(call: str, cause: str) -> None:
    way = way_to(cause, system="aix")
    assert re.fullmatch(r"[A-Z][^.]*\.", way), way
    assert not re.search(r"\bcmd\b|ELF|PT_INTERP", way)


RECIPES = {
    (recipe.call if (recipe.call, recipe.cause) in PROGRAMS else "", recipe.cause): recipe
    for kernel in bp.kernels
    for recipe in testing.recipes_of(kernel=kernel).values()
}


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=str)
def test_how_to_come_to_a_row_is_one_sentence(recipe: testing.Recipe) -> None:
    way = way_to(recipe.cause, call=recipe.call)
    assert re.fullmatch(r"[A-Z][^.]*(\.c[^.]*)?\.", way), way


def test_an_unknown_cause_has_no_way() -> None:
    assert way_to("moon_full") == way_to("interpreter_moon_full") == ""


def test_execvp_reports_what_execve_does(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    assert "7. cmd_absent" in explain(here, "execvp", "ENOENT")
    assert here("explain", "execvp", "EMFILE")[0] == 2
    assert "add --kernel linux-2.6" in capsys.readouterr().err


def unwrapped(text: str) -> str:
    """Give a text on one line."""
    return " ".join(text.split())


def test_what_a_call_returns_when_it_fails_is_its_own(here: Here) -> None:
    for call, errno, value in (
        ("bproc_pidnode", "ENOENT", "BPROC_NODE_NONE (-3), and errno is ENOENT (2)"),
        ("bproc_pidghostnode", "ENOENT", "BPROC_NODE_NONE (-3), and errno is ENOENT (2)"),
        ("rs_alloc", "EINVAL", "NULL, and errno is EINVAL (22)"),
        ("bproc_chmod", "ENOENT", "-1, and errno is ENOENT (2)"),
    ):
        assert f"The call returns {value}." in explain(here, call, errno)
        assert f"Returned: {value.partition(',')[0]} and errno, and nothing has changed" in explain(here, call)
    assert "Returned: BPROC_NODE_NONE (-3) and errno, before" in here("errors", "bproc_pidnode")[1]


def test_rfork_of_4_0_tells_what_went_wrong_on_the_way_by_its_value(here: Here) -> None:
    told = unwrapped(explain(here, "bproc_rfork", "BE_NODEDOWN", "--edition", "bproc4"))
    assert "The call returns -301, the negative number of BE_NODEDOWN, and errno is not set." in told
    assert "The call returns -1, and errno is BE_NODEDOWN" in explain(
        here, "bproc_rfork", "BE_NODEDOWN", "--edition", "lanl32"
    )
    assert "The call returns -1, and errno is EAGAIN" in explain(here, "bproc_rfork", "EAGAIN", "--edition", "bproc4")
    assert "the errno's negative number alone" in explain(here, "bproc_rfork", "--edition", "bproc4")


def test_a_row_of_fork_is_decided_by_fork_alone(here: Here) -> None:
    assert "where     By fork's own rules, on the caller's node." in explain(here, "bproc_rfork", "EAGAIN")
    assert "once nothing is wrong with the resource" in explain(here, "ra_fork", "EAGAIN")


def test_a_cause_of_two_systems_is_met_in_the_way_of_each(here: Here) -> None:
    """A node's owner is one thing, that of an entry of AIX's registry another; and kill has no nodes."""
    told = explain(here, "bproc_chmod", "EPERM")
    assert "Call as a user who is neither root nor the node's owner." in told
    assert "Set any bit besides 0111" in told
    assert "Call as a user who is not root, the owner included." in explain(here, "bproc_chown", "not_root")
    assert way_to("not_root", system="aix") in explain(here, "smtctl", "not_root")
    assert "Call as a user about a process of another." in explain(here, "kill", "EPERM")
    assert "Call as a user about a file of another." in explain(here, "chmod", "EPERM")


@pytest.mark.parametrize("call", ["bproc_currnode", "bproc_nodenumber", "bproc_getnodebyname", "rs_free"])
def test_a_call_that_never_fails_is_known(call: str, here: Here) -> None:
    assert "None: it never fails." in explain(here, call)
    assert here("errors", call) == (0, f"{call} never fails: there is nothing to provoke\nseed 0\n")


def test_one_that_another_edition_has_is_looked_for_there(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    assert here("explain", "bproc_strerror") == (2, "")
    assert "this edition has no bproc_strerror, but lanl32 and bproc4: add --edition lanl32" in capsys.readouterr().err


def test_a_move_to_the_own_node_is_told_of_where_it_succeeds(here: Here) -> None:
    for edition, told in (("scyld", False), ("lanl32", True), ("bproc4", True)):
        moves, forks = (unwrapped(explain(here, call, "--edition", edition)) for call in ("bproc_move", "bproc_rfork"))
        assert ("returns 0 and moves nothing" in moves) is told
        assert ("begins there as one of fork does" in forks) is told
