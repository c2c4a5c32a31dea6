"""Docstrings: one sentence that says what to expect, and for each public call which errors.

A condition of a row is the one thing without a docstring: its name is the cause, the row holds the
sentence.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from bprocsim.bproc.editions import EDITIONS
from bprocsim.posix.profiles import PROFILES
from bprocsim.testing import tables
from tests.environment import TOP

PACKAGE = TOP / "bprocsim"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))

# Calls of a program that cannot fail.
NEVER_FAIL = {
    "alarm", "bproc_currnode", "bproc_getnodebyname", "bproc_nodenumber", "bproc_strerror",
    "compute", "exit", "getpid", "getppid", "rs_free", "rs_get_homesrad", "thread_create",
    "thread_self",
    "rs_getrsetnames", "getprocs", "getthrds", "gethostname", "gettimeofday", "readproctab",
}  # fmt: skip

# Words that tell what a thing does or is, where "Do it" is wanted of a function.
NOT_IMPERATIVE = {"a", "an", "it", "this", "that", "the", "there", "returns", "gives", "tells", "is", "will", "we"}


class Documented(NamedTuple):
    """Something public of the package: where it stands, what it is, and what it says of itself."""

    where: str
    node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    text: str | None
    in_class: str

    @property
    def first_line(self) -> str:
        return (self.text or "").partition("\n")[0]


def public(path: Path) -> Iterator[Documented]:
    """The public classes and functions of a module, and the public methods of these classes."""
    module = ast.parse(path.read_text(encoding="utf-8"))
    name = path.relative_to(TOP).as_posix()
    yield from _public(module.body, name, "")


def _public(body: list[ast.stmt], where: str, in_class: str) -> Iterator[Documented]:
    for node in body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or _is_hidden(node.name):
            continue
        if any("overload" in ast.unparse(each) for each in node.decorator_list):
            continue
        yield Documented(f"{where}: {node.name}", node, ast.get_docstring(node), in_class)
        if isinstance(node, ast.ClassDef):
            yield from _public(node.body, f"{where}: {node.name}", node.name)


def _is_hidden(name: str) -> bool:
    """Some calls of BProc begin with an underscore, and are as public as the others."""
    return name.startswith("_") and not name.startswith("_bproc_")


def conditions() -> set[str]:
    """The names of the functions that rows are made of."""
    rows = [
        row
        for edition in EDITIONS
        for kernel in PROFILES
        for table in tables(edition, kernel).values()
        for row in table.rows
    ]
    return {row.cause.removeprefix("interpreter_") for row in rows} | {row.cause for row in rows}


def is_condition(thing: Documented, causes: set[str]) -> bool:
    """A function of the facts of a call, or of an image, that gives a bool, and whose name is a cause."""
    node = thing.node
    return (
        isinstance(node, ast.FunctionDef)
        and not thing.in_class
        and isinstance(node.returns, ast.Name)
        and node.returns.id == "bool"
        and (
            (len(node.args.args) == 1 and (node.name in causes or node.args.args[0].arg in ("f", "survey")))
            or [argument.arg for argument in node.args.args] == ["m"]  # a fate of posix/mapping.py
        )
    )


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_every_module_says_what_it_holds(path: Path) -> None:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert text, "a module begins with its docstring"
    sentence = re.match(r"(.+?[.:?])(\s|$)", text, re.DOTALL)
    assert sentence, "its first sentence ends"


def test_everything_public_has_a_docstring() -> None:
    causes = conditions()
    silent = [
        thing.where for path in MODULES for thing in public(path) if not thing.text and not is_condition(thing, causes)
    ]
    assert silent == []


def test_the_first_line_is_a_sentence() -> None:
    """The first line holds all of the first sentence, so that a list of first lines reads well."""
    unfinished = [
        f"{thing.where}: {thing.first_line}"
        for path in MODULES
        for thing in public(path)
        if thing.text and not re.search(r"[.!?]$", thing.first_line)
    ]
    assert unfinished == []


def test_a_function_is_told_what_to_do() -> None:
    """Imperative, as on a manual page: "Give ...", never "Returns ..." or "This is ..."."""
    causes = conditions()
    # Where a function's docstring is the title that the demo prints.
    scenes = ("bprocsim/cli/demo.py", "bprocsim/cli/lpardemo.py")
    telling = [
        f"{thing.where}: {thing.first_line}"
        for path in MODULES
        for thing in public(path)
        if thing.text
        and isinstance(thing.node, ast.FunctionDef | ast.AsyncFunctionDef)
        and not is_condition(thing, causes)
        and not thing.where.startswith(scenes)
        and thing.first_line.split()[0].strip(",.:").lower() in NOT_IMPERATIVE
    ]
    assert telling == []


# ------------------------------------------------------------------------------- errors of the calls


def methods(module: str, name: str) -> list[Documented]:
    return [thing for thing in public(PACKAGE / module) if thing.in_class == name]


def calls_of_proc() -> list[Documented]:
    """The methods of Proc, BprocProc and AixProc that a program runs with `yield from`, and those that only tell."""
    return [
        thing
        for room, name in (("pyos", "Proc"), ("bproc", "BprocProc"), ("aix", "AixProc"))
        for thing in methods(f"faces/{room}.py", name)
        if isinstance(thing.node, ast.FunctionDef)
        and not any("property" in ast.unparse(each) for each in thing.node.decorator_list)
        and thing.node.name != "check_finished"
        and ast.unparse(thing.node.returns or thing.node) != "NoReturn"  # what a partition has not
    ]


def direct_calls() -> list[Documented]:
    return [
        thing
        for room, name in (
            ("cluster", "Cluster"),
            ("nodecalls", "NodeCalls"),
            ("lpar", "Lpar"),
            ("subroutines", "Subroutines"),
        )
        for thing in methods(f"world/{room}.py", name)
        if isinstance(thing.node, ast.FunctionDef)
        and thing.node.returns is not None
        and ast.unparse(thing.node.returns) == "Outcome"
    ]


def named_errors(thing: Documented) -> list[str]:
    return re.findall(r"\bErrors: (\w+)", " ".join((thing.text or "").split()))


def every_table() -> set[str]:
    """The names of all tables: an edition may have calls that others lack."""
    return {call for edition in EDITIONS for call in tables(edition)}


def test_every_call_names_its_errors() -> None:
    known = every_table()
    faults = []
    for thing in (*calls_of_proc(), *direct_calls()):
        names = named_errors(thing)
        if thing.node.name in NEVER_FAIL:
            if names or thing.node.name in known:
                faults.append(f"{thing.where}: cannot fail, and has errors")
        elif not names:
            faults.append(f"{thing.where}: names no table behind 'Errors:'")
        elif not set(names) <= known:
            faults.append(f"{thing.where}: there is no table of {', '.join(set(names) - known)}")
    assert faults == []


def test_every_table_is_named_by_a_call() -> None:
    named = {name for thing in (*calls_of_proc(), *direct_calls()) for name in named_errors(thing)}
    assert every_table() - named == set()


def test_the_calls_are_found() -> None:
    """The lists above are not empty by mistake."""
    found = {thing.node.name for thing in calls_of_proc()}
    assert {"read", "bproc_execmove", "fork", "ra_execve", "rs_op", "bindprocessor"} <= found
    assert {"bproc_execmove", "execve"} <= {thing.node.name for thing in direct_calls()}
