"""The page "How far to trust it": each row, where it comes from, and what was held against something else."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import bprocsim as bp
from bprocsim.cli.markdown import code, page, prose, table
from bprocsim.manual import Errors, Row
from bprocsim.sources import KINDS, load
from bprocsim.testing import tables
from tests.calls.execvpcases import CASES as EXECVP
from tests.calls.language import read_scripts
from tests.calls.loadercases import CASES as LOADER
from tests.calls.test_execvp import CHOSEN
from tests.calls.test_loader_cases import CALLED
from tests.kernel import recording
from tests.kernel.exceptions import EXCEPTIONS

TOP = Path(__file__).resolve().parents[2]

STAGE_TITLES = {
    "name": "the name itself",
    "walk": "the way to the file",
    "file": "the file: its kind, its mode, its mount",
    "busy": "who has it open for writing",
    "vectors": "argv and envp as vectors",
    "strings": "their strings, to the byte",
    "format": "which format it is",
    "script": "`#!` lines and chains of scripts",
    "elf": "the headers of an ELF file",
    "interpreter": "its interpreter",
    "after": "what dies after the point of no return",
}


def trust_page() -> str:
    """Write the page."""
    return page(
        "# How far to trust it",
        prose(
            """A simulator is worth what its answers are worth. Every errno that bprocsim reports is a row of a table,
            and every row cites a source by an id of `bprocsim/sources.toml`. A source is *read* (a page or a program's
            source says so itself), *measured* (a real system was asked), or *inferred* (concluded from what it says;
            its note tells what from what). This page is written by the program from its tables, its recordings and
            its README."""
        ),
        "## Held against something that we did not write",
        table(("what", "against", "cases", "agree"), _comparisons()),
        prose(_about_the_recording()),
        prose(
            """Of execvp and ld.so the cases that do not agree are choices of ours: a PATH that is not set, a path that
            is too long, and symbols that a foreign image would look up only when it calls them."""
        ),
        *_exceptions(),
        "## Rows of the calls",
        prose(
            """How many rows each table has, what kind of source says so, and where the order of decision comes from,
            which pages rarely promise. Of bproc_execmove and execve by the rules `documented`, the default; those of
            real kernels are below."""
        ),
        table(("call", "rows", *KINDS, "order from", "which is"), _calls(tables())),
        "## Rows of exec by kernel",
        table(("kernel", "rows", *KINDS, "order from", "which is"), _kernels()),
        "## Sources",
        prose("How many rows cite each, over all editions and kernels; the others stand behind numbers and rules."),
        table(("source", "kind", "rows", "what it is"), _sources()),
        "## What is not modelled",
        _not_modelled(),
    )


def _comparisons() -> Iterator[tuple[object, ...]]:
    told = recording.summary()
    for stage, counted in told.stages.items():
        cases = counted.written + counted.generated
        yield f"execve under `linux-6`: {STAGE_TITLES[stage]}", f"Linux {told.kernel}", cases, counted.agreeing
    yield "execvp: the search along PATH", "the C library, recorded", len(EXECVP), len(EXECVP) - len(CHOSEN)
    yield "ld.so: libraries, versions, symbols", "the loader, recorded", len(LOADER), len(LOADER) - len(CALLED)
    scripts = read_scripts((TOP / "tests" / "calls" / "scripts.txt").read_text("utf-8"))
    yield "small programs of the POSIX calls", "the kernel on which the tests run", len(scripts), len(scripts)


def _about_the_recording() -> str:
    told = recording.summary()
    least = min(stage.written for stage in told.stages.values())
    return f"""The kernel's answers to the execs were recorded on {told.date}: {told.written} cases written by hand, at
        least {least} for each stage that decides, and {told.generated} made up by chance; {told.agreeing} of all
        {told.written + told.generated} agree. They are compared on every machine, and a Linux 6 that can be asked is
        asked besides. BProc's own rows can be held against nothing but their documents: nobody has the system."""


def _exceptions() -> Iterator[str]:
    if EXCEPTIONS:
        yield "The cases in which the simulator differs, and why:"
        yield table(("case", "why"), ((code(name), why) for name, why in EXCEPTIONS.items()))


def _calls(found: dict[str, Errors]) -> Iterator[tuple[object, ...]]:
    for call, errors in found.items():
        if errors.rows:
            yield (code(call), len(errors.rows), *_kinds(errors), code(errors.order), load()[errors.order].kind)


def _kernels() -> Iterator[tuple[object, ...]]:
    for name in bp.kernels:
        errors = tables(kernel=name)["execve"]
        yield (code(name), len(errors.rows), *_kinds(errors), code(errors.order), load()[errors.order].kind)


def _kinds(errors: Errors) -> list[int]:
    counted = Counter(load()[errors.source_of(row)].kind for row in errors.rows)
    return [counted[kind] for kind in KINDS]


def _all_rows() -> set[tuple[str, str, str, Row]]:
    """Give every row once, with its table and its source."""
    return {
        (errors.call, row.cause, errors.source_of(row), row)
        for edition in bp.editions
        for kernel in bp.kernels
        for errors in tables(edition, kernel).values()
        for row in errors.rows
    }


def _sources() -> Iterator[tuple[object, ...]]:
    cited = Counter(source for _, _, source in {(call, cause, source) for call, cause, source, _ in _all_rows()})
    for name, source in load().items():
        # A place in the clone is told as seen from the page.
        address = source.address if "://" in source.address else f"../../{source.address}"
        yield code(name), source.kind, cited[name] or "", f"[{source.title}]({address})"


def _not_modelled() -> str:
    """Take the section from the README."""
    text = (TOP / "README.md").read_text(encoding="utf-8")
    found = re.search(r"^## What is not modelled\n\n(.*?)\n\n## ", text, re.DOTALL | re.MULTILINE)
    assert found, "README.md has no section What is not modelled"
    return found[1]
