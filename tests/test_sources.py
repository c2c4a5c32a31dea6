"""Every row, number and rule cites a source that exists, and every source is cited.

A new citation is an id in the code and a table of that name in bprocsim/sources.toml.
"""

from __future__ import annotations

import ast
import importlib
import io
import pkgutil
import re
import tokenize
from collections import defaultdict
from functools import cache
from pathlib import Path

import attrs
import pytest

import bprocsim
from bprocsim import costs, kernels
from bprocsim.aix.levels import LEVELS
from bprocsim.aix.models import MODELS
from bprocsim.bproc.editions import EDITIONS
from bprocsim.calibration import SYSTEMS, context, points
from bprocsim.costs import PRESET_SOURCES, SOURCES, Costs
from bprocsim.errnos import Errno
from bprocsim.manual import Errors, Kind
from bprocsim.sources import KINDS, load, source
from bprocsim.testing import tables
from bprocsim.testing.rows.recipes import lpar_tables
from tests.environment import TOP

PACKAGE = TOP / "bprocsim"
README = TOP / "README.md"
CHOICES = "README.md#choices-where-the-documents-are-silent"

# "Source: an-id.", "Sources: one-id (what of it), another.", "Source of the order: an-id."
ID = r"[a-z][A-Za-z0-9_.+-]*[A-Za-z0-9]"
ITEM = rf"{ID}(?: \([^)]*\))?"
CITATION = re.compile(rf'\bSources?(?: (?:for|of) [^:."]+)?: ({ITEM}(?:, {ITEM})*)')

# A file of the clone as prose names it: README.md, posix/machine.py, ...
NAMED_FILE = re.compile(r"(?<![\w/.:-])(?:[\w.-]+/)*[\w-]+\.(?:md|toml|py|json|txt)\b(?!/)")


# ---------------------------------------------------------------------------------- who cites what


def prose(path: Path) -> str:
    """The docstrings and comments of a module, each on one line."""
    text = path.read_text(encoding="utf-8")
    said = [
        ast.get_docstring(node) or ""
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    comments = [
        token.string.lstrip("#: ")
        for token in tokenize.generate_tokens(io.StringIO(text).readline)
        if token.type == tokenize.COMMENT
    ]
    return "\n".join(" ".join(part.split()) for part in [*said, " ".join(comments)])


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


@cache
def cited_in_prose() -> dict[str, set[str]]:
    """Ids behind "Source:" in docstrings and comments, each with the files that cite it."""
    found = defaultdict(set)
    for path in modules():
        for citation in CITATION.finditer(prose(path)):
            for item in re.findall(ITEM, citation[1]):
                found[item.partition(" ")[0]].add(path.relative_to(TOP).as_posix())
    return found


@cache
def cited_by_arguments() -> dict[str, set[str]]:
    """Ids given as `page=`, `order=` or `source=`, also where no table in force holds them."""
    found = defaultdict(set)
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.keyword) or node.arg not in ("page", "order", "source"):
                continue
            if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) and node.value.value:
                found[node.value.value].add(path.relative_to(TOP).as_posix())
    return found


@cache
def every_table() -> tuple[Errors, ...]:
    """All tables: those that stand in modules, and those made for each edition and kernel."""
    found: dict[int, Errors] = {}
    for module in pkgutil.walk_packages([str(PACKAGE)], "bprocsim."):
        if "__main__" not in module.name and not module.name.startswith("bprocsim.cli"):
            for thing in vars(importlib.import_module(module.name)).values():
                if isinstance(thing, Errors):
                    found[id(thing)] = thing
    made = [table for edition in EDITIONS for kernel in kernels for table in tables(edition, kernel).values()]
    for level in LEVELS.values():
        for failure in ("exit255", "errno"):  # the second has rows of libraries too
            made += lpar_tables(attrs.evolve(level, library_failure=failure))
    return (*found.values(), *(table for table in made if id(table) not in found))


def cited_by_tables() -> dict[str, set[str]]:
    found = defaultdict(set)
    for table in every_table():
        for name in (table.page, table.order, *map(table.source_of, table.rows)):
            found[name].add(f"the table of {table.call}")
    return found


def cited_by_records() -> dict[str, set[str]]:
    """Ids that costs, systems, measured points, editions and exec profiles cite."""
    found = defaultdict(set)
    for name in SOURCES.values():
        found[name].add("costs.SOURCES")
    for preset, own in PRESET_SOURCES.items():
        for name in own.values():
            found[name].add(f"costs {preset}")
    for system in SYSTEMS.values():
        found[system.source].add(f"system {system.name}")
    for name, what in (*((each.source, each.id) for each in points()), *((each.source, each.id) for each in context())):
        found[name].add(f"point {what}")
    for edition in EDITIONS.values():
        if edition.no_master_source:
            found[edition.no_master_source].add(f"edition {edition.name}")
    for model in MODELS.values():
        found[model.source].add(f"model {model.name}")
    for kernel in kernels.values():
        found[kernel.source].add(f"kernel {kernel.name}")
        found[kernel.order].add(f"kernel {kernel.name}")
    return found


@cache
def citations() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for some in (cited_in_prose(), cited_by_arguments(), cited_by_tables(), cited_by_records()):
        for name, places in some.items():
            found[name] |= places
    return found


def test_every_source_that_is_cited_exists() -> None:
    missing = {name: sorted(places) for name, places in sorted(citations().items()) if name not in load()}
    assert missing == {}, "enter these in bprocsim/sources.toml"


def test_every_source_is_cited() -> None:
    assert [name for name in load() if name not in citations()] == []


def test_each_way_of_citing_is_seen() -> None:
    """The nets above are not empty: were one of them blind, the two tests above would still pass."""
    assert "linux-signal7" in cited_in_prose()
    assert {"elf-gabi", "linux-6.18-measured", "bproc-common"} <= set(cited_in_prose())
    assert "posix-read" in cited_by_arguments()
    assert "sf-bproc_move" in cited_by_tables()
    assert "choice-costs" in cited_by_records()
    assert re.fullmatch(ID, "bproc-4.0.0pre8-move")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Source: posix-read.", "posix-read"),
        ("Sources: a-b (c, d), linux-2.4.20-e. More.", "a-b (c, d), linux-2.4.20-e"),
        ("Source for NULL as an empty vector: linux-execve2.", "linux-execve2"),
        ("Source of the sequence: x-y", "x-y"),
        ("resource: none", ""),
    ],
)
def test_citations_are_read_as_people_write_them(text: str, names: str) -> None:
    found = CITATION.search(text)
    assert (found[1] if found else "") == names


# --------------------------------------------------------------------------------- rows and numbers


def test_every_row_has_a_source_and_says_its_cause() -> None:
    faults = []
    for table in every_table():
        for row in table.rows:
            where = f"{table.call}: {row.cause}"
            if table.source_of(row) not in load():
                faults.append(f"{where}: cites {table.source_of(row)!r}")
            if not row.sentence or re.search(r"\w\.$", row.sentence):
                faults.append(f"{where}: the sentence is a clause without its full stop: {row.sentence!r}")
            if not re.fullmatch(r"[a-z][a-z0-9_]*", row.cause):
                faults.append(f"{where}: a cause is a name in small letters")
            if row.kind is Kind.LATE and not row.step:
                faults.append(f"{where}: a late row names the step at which it is decided")
    assert faults == []


def test_every_table_has_a_page_and_an_order() -> None:
    for table in every_table():
        assert table.page in load(), table.call
        assert table.order in load(), table.call
        assert not table.page.startswith("choice-"), f"{table.call}: a page is somebody else's"


def test_every_cost_has_a_source_and_every_source_a_cost() -> None:
    assert set(SOURCES) == {each.name for each in attrs.fields(Costs)} - {"name"}


def test_every_preset_is_named_as_it_is_called() -> None:
    assert {name: preset.name for name, preset in costs.items()} == {name: name for name in costs}


# -------------------------------------------------------------------------------------- the entries


def test_every_entry_is_complete() -> None:
    for entry in load().values():
        assert re.fullmatch(ID, entry.id), entry
        assert entry.title and entry.section, entry
        assert re.fullmatch(r"(19|20)\d\d-(0[1-9]|1[0-2])", entry.date), entry
        assert entry.kind in KINDS, entry
        assert entry.note or entry.kind != "inferred", f"{entry.id}: a note says what was concluded from what"
        for text in (entry.title, entry.section, entry.note):
            assert text == text.strip(), entry


def test_every_address_can_be_followed() -> None:
    for entry in load().values():
        if entry.address != CHOICES:
            assert re.fullmatch(r"https://[^\s/]+\.[^\s]+", entry.address), entry


def test_a_choice_is_marked_as_one_and_told_in_the_readme() -> None:
    told = section_of_readme("Choices where the documents are silent")
    for entry in load().values():
        ours = entry.id.startswith("choice-")
        assert ours == entry.title.startswith("Choice of bprocsim: "), entry
        assert ours == (entry.address == CHOICES), entry
        if ours:
            assert entry.kind == "inferred", entry
            assert f"`{entry.id}`" in told, f"README's list of choices does not name {entry.id}"


def section_of_readme(title: str) -> str:
    """The text below one heading of the README, down to the next of its level."""
    text = README.read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"README has no heading {title!r}"
    return found[1]


def test_program_sources_are_marked_with_their_licence() -> None:
    for entry in load().values():
        if re.search(r"/blob/|/tree/|\.tar\.|a=blob", entry.address):
            assert re.search(r"GPL|MIT|Apache|BSD", entry.note), f"{entry.id}: under which licence was it read?"


def test_an_unknown_id_is_named() -> None:
    with pytest.raises(KeyError, match="no-such-source"):
        source("no-such-source")


def test_a_source_is_cited_on_one_line() -> None:
    text = source("posix-read").cite()
    assert text.startswith("POSIX.1-2024")
    assert "read, 2024-06" in text
    assert text.endswith("/functions/read.html")
    assert "\n" not in text


def test_sources_are_records_in_the_order_of_the_file() -> None:
    assert {name: entry.id for name, entry in load().items()} == {name: name for name in load()}
    assert next(iter(load())) == "scyld-bproc_execmove"


# ------------------------------------------------------------------- nothing that a clone does not have


def test_the_files_that_prose_names_are_in_the_clone() -> None:
    """A reader of a clone can follow every path that a docstring, a comment or a source gives."""
    texts = {path.relative_to(TOP).as_posix(): prose(path) for path in modules()}
    for entry in load().values():
        if entry.address == CHOICES:
            texts[f"sources.toml: {entry.id}"] = f"{entry.section} {entry.note}"
    homes = (TOP, PACKAGE, *(path for path in PACKAGE.rglob("*") if path.is_dir()), TOP / "tests", TOP / "examples")
    missing = [
        f"{where}: {name}"
        for where, text in texts.items()
        for name in NAMED_FILE.findall(text)
        if not any((home / name).exists() for home in homes)
    ]
    assert missing == []


def test_the_package_that_is_tested_is_the_clone() -> None:
    assert Path(bprocsim.__file__).parent == PACKAGE


def test_what_a_row_of_bproc_cites_speaks_of_that_errno() -> None:
    """A page of Scyld's has no number of Los Alamos's; and what is nobody's page is not called a row of one."""
    for edition in ("lanl32", "bproc4"):
        for call in ("bproc_move", "bproc_rexec", "bproc_rfork"):
            row = tables(edition)[call].row("slave_lost")
            assert (row.errno, row.kind, row.source) == (Errno.BE_SLAVEDIED, Kind.BEYOND, "bproc-common")
    scyld = tables("scyld")
    for call in ("bproc_execmove", "bproc_move", "bproc_rexec", "bproc_rfork"):
        assert scyld[call].source_of(scyld[call].row("no_master")) == f"scyld-{call}"
        if call != "bproc_execmove":
            assert scyld[call].row("slave_lost").kind is Kind.PAGE
    for edition in ("scyld", "lanl32"):
        for cause in ("descriptors_used_up", "files_used_up"):
            row = tables(edition)["bproc_notifier"].row(cause)
            assert (row.kind, row.source) == (Kind.BEYOND, "posix-open")
    chosen = tables("lanl32")["bproc_nodesetstatus"]
    for cause in ("status_unknown", "status_not_settable", "status_is_command"):
        assert chosen.source_of(chosen.row(cause)) == "choice-node-calls"
