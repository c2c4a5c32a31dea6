"""What the README says of the code, held against the code. (Its examples are run by tests/readme.py.)

A failing comparison shows the text that belongs there.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator
from itertools import groupby

import attrs
import pytest

from bprocsim.bproc.editions import EDITIONS, Edition
from bprocsim.costs import Costs
from bprocsim.errnos import Errno
from bprocsim.manual import Errors, Kind
from bprocsim.posix.exec import ExecProfile
from bprocsim.programs import BUILTIN
from bprocsim.programs.samples import SAMPLES
from bprocsim.scenario.aixcalls import AixRunTable, AixTable
from bprocsim.scenario.bproccalls import BprocTable, MovingIoTable, MovingTable
from bprocsim.scenario.jsonschema import bracketed
from bprocsim.scenario.jsonschema import tables as scenario_tables
from bprocsim.testing import tables
from bprocsim.world.handles import NodeHandle
from bprocsim.world.specs import NodeSpec
from tests.environment import TOP

PACKAGE = TOP / "bprocsim"
TEXT = (TOP / "README.md").read_text(encoding="utf-8")
LINES_LIKED, FUNCTION_LINES_LIKED = 400, 60
# The page's own list, in its order.
PAGE = "EPERM ENOMEM EBUSY EFAULT EACCES E2BIG ENOEXEC ENAMETOOLONG ENOENT ENOTDIR ELOOP ETXTBSY EIO ENFILE EINVAL"


def section(title: str) -> str:
    """The text below a heading, down to the next heading of its level or above."""
    found = re.search(rf"^(#+) {re.escape(title)}\n", TEXT, re.MULTILINE)
    assert found, f"README has no heading {title!r}"
    after = TEXT[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", after, re.MULTILINE)
    return after[: end.start()] if end else after


def table(edition: str = "scyld") -> Errors:
    return tables(edition)["bproc_execmove"]


# ------------------------------------------------------------------------------------ tables of errors


def page_rows() -> str:
    """The rows of the page, numbered as they are decided; those of interpreters are told of in words."""
    rows = [row for row in table().rows if row.kind is Kind.PAGE and not row.cause.startswith("interpreter_")]
    lines = ["| | errno | cause | when |", "|---:|---|---|---|"]
    lines += [f"| {number} | {row.errno.name} | `{row.cause}` | {row.sentence} |" for number, row in enumerate(rows, 1)]
    return "\n".join(lines) + "\n"


def late_rows() -> str:
    """The late rows that all have, with the exit status that each gives them; editions that agree share a column."""
    late = [row for row in table().rows if row.kind is Kind.LATE]
    statuses = {name: tuple(table(name).row(row.cause).exit_status() for row in late) for name in EDITIONS}
    shared = [list(names) for _, names in groupby(EDITIONS, statuses.__getitem__)]
    lines = [
        f"| cause | when | {' | '.join(', '.join(names) for names in shared)} |",
        f"|---|---|{'---|' * len(shared)}",
    ]
    for place, row in enumerate(late):
        cells = []
        for names in shared:
            errno = table(names[0]).row(row.cause).errno
            cells.append(f"{statuses[names[0]][place]} ({errno.name})")
        lines.append(f"| `{row.cause}` | {row.sentence} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def test_the_rows_of_the_page_are_told() -> None:
    expected = page_rows()
    assert expected in section("The errors of bproc_execmove"), expected


def test_the_late_rows_are_told() -> None:
    expected, told = late_rows(), section("The errors of bproc_execmove")
    assert expected in told, expected
    common = {row.cause for row in table().rows}
    own = {
        (name, row.cause, row.exit_status())
        for name in EDITIONS
        for row in table(name).rows
        if row.kind is Kind.LATE and row.cause not in common and not row.cause.startswith("io_")
    }
    assert own == {("bproc4", "script_misread", 22)}
    assert "With bproc4 a script that is sent without an I/O list ends with 22 (`script_misread`)." in told


def test_all_fifteen_errnos_of_the_page_are_there_and_no_other() -> None:
    assert {row.errno for row in table().rows if row.kind is Kind.PAGE} == {Errno[name] for name in PAGE.split()}
    assert len(PAGE.split()) == 15


def test_an_interpreter_is_judged_by_the_same_rows_in_the_same_order() -> None:
    """As the README says; but for the row that only an interpreter can have."""
    causes = [row.cause for row in table().rows if row.kind is Kind.PAGE]
    of_interpreter = [cause.removeprefix("interpreter_") for cause in causes if cause.startswith("interpreter_")]
    assert [cause for cause in of_interpreter if cause != "args_too_big"] == [
        cause for cause in causes if cause in of_interpreter and cause != "args_too_big"
    ]


# -------------------------------------------------------------------------------------- scenario files


# Tables of calls whose own keys are a method's parameters: what each begins with, and for which calls it stands.
BEGIN = {
    AixTable: "any call of AIX",
    AixRunTable: "ra_exec in all its forms, ra_fork",
    BprocTable: "any other call of BProc",
    MovingTable: "those that move a process",
    MovingIoTable: "those with a port",
}


def scenario_keys() -> str:
    """The tables of a scenario file with their keys; what several have in common is told once."""
    lines = ["| table | keys |", "|---|---|"]
    own: dict[type, dict[tuple[str, ...], list[str]]] = {AixTable: {}, BprocTable: {}}
    for title, record in scenario_tables():
        place = re.sub(r"^(\[+\w+\]+)", r"`\1`", bracketed(title))
        base = next((each for each in BEGIN if each in record.__bases__), None)
        if base is None:
            lines.append(f"| {place} | {quoted(keys_of(record))} |")
        else:
            names = tuple(each for each in keys_of(record) if each not in keys_of(base))
            own[AixTable if issubclass(base, AixTable) else BprocTable].setdefault(names, []).append(
                title.split(" ", 1)[1]
            )
    for first, calls in own.items():
        for record in (each for each in BEGIN if issubclass(each, first)):
            before = () if record is first else keys_of(record.__bases__[0])
            names = tuple(each for each in keys_of(record) if each not in before)
            lines.append(f"| `[[call]]` {BEGIN[record]} | {quoted(names)} |")
        lines += [f"| `[[call]]` {', '.join(named)} | {quoted(names)} |" for names, named in calls.items()]
    return "\n".join(lines) + "\n"


def keys_of(record: type) -> tuple[str, ...]:
    """The keys of a table."""
    return tuple(field.name for field in attrs.fields(record))


def quoted(names: Iterable[str]) -> str:
    """Write names as code."""
    return " ".join(f"`{name}`" for name in names)


def test_the_keys_of_a_scenario_are_told() -> None:
    expected = scenario_keys()
    assert expected in section("Scenario files"), expected


def test_the_programs_that_a_scenario_can_name_are_told() -> None:
    told = section("Scenario files").partition("Programs of ours\nare ")[2].partition(". ")[0]
    assert re.findall(r"`(\w+)`", told) == sorted({*SAMPLES, *BUILTIN})


# ------------------------------------------------------------------------------------------- the house


def layers() -> str:
    """The rooms that there are, as the import contract orders them."""
    contracts = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    (rooms,) = [each["layers"] for each in contracts["contracts"] if each["type"] == "layers"]
    lines = []
    for layer in rooms:
        names = [name.strip(" ()") for name in layer.split("|")]
        there = [name for name in names if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").exists()]
        if there:
            lines.append(" | ".join(there))
    return "\n".join(lines) + "\n"


def test_who_may_import_whom_is_told_as_it_is_enforced() -> None:
    expected = layers()
    assert expected in section("The house"), expected


def test_the_house_has_every_room_and_no_other() -> None:
    tree = section("The house").partition("```text\n")[2].partition("```")[0]
    folder, told = "", set()
    for line in tree.splitlines():
        found = re.match(r"( *)([\w./]+)(?:\s|$)", line)
        assert found, line
        indent, name = len(found[1]), found[2]
        if name == "bprocsim/":
            continue
        if name.endswith("/"):
            folder = name
            told.add(name)
        else:
            told.add(name if indent == 2 else folder + name)
    files = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*") if path.is_file()}
    files = {file for file in files if "__pycache__" not in file and not file.endswith("/__init__.py")}
    assert told == files | {f"{file.partition('/')[0]}/" for file in files if "/" in file}


# ------------------------------------------------------------------------------- our own known violations


def test_modules_that_have_grown_too_long_are_confessed() -> None:
    confessed = section("Where we break our own rules")
    long = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if len(path.read_text(encoding="utf-8").splitlines()) > LINES_LIKED
    }
    line = next(line for line in confessed.split("\n- ") if "lines we like" in line)
    assert long <= set(re.findall(r"`([\w/]+\.py)`", line))


def test_functions_that_have_grown_too_long_are_confessed() -> None:
    confessed = section("Where we break our own rules")
    assert [where for where in long_functions() if f"`{where}`" not in confessed] == []


def long_functions() -> Iterator[str]:
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= FUNCTION_LINES_LIKED:
                yield node.name


def test_the_private_names_of_simpy_are_confessed() -> None:
    used = set()
    rooms = sorted((PACKAGE / "engine").glob("*.py"))
    for node in (each for room in rooms for each in ast.walk(ast.parse(room.read_text(encoding="utf-8")))):
        if isinstance(node, ast.Attribute) and re.fullmatch(
            r"_(queue|now|eid|ok|value|callbacks|defused|processed)", node.attr
        ):
            used.add(node.attr)
    assert set(re.findall(r"`(?:Environment|Event)\.(_\w+)`", section("Where we break our own rules"))) == used
    assert set(re.findall(r"`(?:Environment|Event)\.(_\w+)`", section("If you inherit this"))) == used


# --------------------------------------------------------------------------------------------- the rest

RECORDS: dict[str, Iterable[str]] = {
    "Edition": attrs.fields_dict(Edition),
    "ExecProfile": attrs.fields_dict(ExecProfile),
    "NodeSpec": attrs.fields_dict(NodeSpec),
    "Costs": attrs.fields_dict(Costs),
    "NodeHandle": dir(NodeHandle),
}


@pytest.mark.parametrize(
    ("record", "name"), sorted(set(re.findall(r"`(Edition|ExecProfile|NodeSpec|Costs|NodeHandle)\.(\w+)`", TEXT)))
)
def test_a_choice_can_be_turned_by_the_field_that_is_named(record: str, name: str) -> None:
    assert name in RECORDS[record]


def test_it_opens_with_the_two_commands() -> None:
    first_block = TEXT.partition("```text\n")[2].partition("```")[0]
    commands = [line.split("  ")[0] for line in first_block.splitlines()]
    assert commands == ["python3 examples", "python3 tests"]
    assert TEXT.index("```text") < 40


def test_lines_are_no_longer_than_those_of_the_code() -> None:
    long = [line for line in TEXT.splitlines() if len(line) > 120 and not line.startswith(("|", "(127, "))]
    assert long == []


def test_paths_that_it_names_are_in_the_clone() -> None:
    named = re.findall(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|toml|md))`", TEXT)
    homes = (TOP, PACKAGE, TOP / "tests", TOP / "examples")
    assert [name for name in named if not any((home / name).exists() for home in homes)] == []
