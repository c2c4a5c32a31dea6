"""The page "How the kernels differ", written from the profiles and from worlds that are run under each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import attrs

import bprocsim as bp
from bprocsim.cli.markdown import code, page, prose, table
from bprocsim.posix.mapping import Fate
from bprocsim.testing.rows.cases import Case
from bprocsim.testing.rows.defects import defects
from bprocsim.testing.rows.recipes import combine

NAMES = tuple(bp.kernels)

# What each field of a profile is called on the page; "" for what has a section of its own, or none.
FIELDS = {
    "name": "",
    "rows": "",
    "source": "rows and limits from",
    "order": "order from",
    "paths": "",
    "argument_area_bytes": "room for name, argv and envp (32 bits, 64)",
    "stack_bytes": "",
    "pointers_count": "pointers take of that room",
    "pointers_max": "most elements of one vector (32 bits, 64)",
    "string_bytes": "longest single string, with its NUL",
    "empty_argv_gets_name": "an empty argv becomes one empty string",
    "read_script": "a `#!` line that is too long",
    "script_line_bytes": "bytes of a `#!` line that are looked at",
    "script_levels": "scripts behind each other that run",
    "script_kept": "a script's file is open while its interpreter is opened",
    "interpreter_path_bytes": "longest PT_INTERP",
    "table_bytes": "largest table of program headers",
    "loader_header_bytes": "shortest loader",
    "reserved_files": "open files that only root may take",
    "files_unlimited_by": "who knows no limit of open files",
    "image_memory_reserved": "memory for the image is asked for at once",
    "fates": "",
    "loader_fates": "",
    "user_top": "where user space ends (32 bits, 64)",
    "lowest_address": "lowest address that a user may map",
    "stack_tables_bytes": "bytes added on the stack beneath the strings, besides the vectors (32 bits, 64)",
    "search": "",  # the C library's, one for all of them
    "on_interpreters": "",
}


def kernels_page() -> str:
    """Write the page."""
    return page(
        "# How the kernels differ",
        prose(
            """`Cluster(kernel=...)` takes the rules of exec by name. `documented` is the manual page of bproc_execmove,
            word for word, with the limits of Linux 2.4.20. The others are what kernels do: 2.4.20 and 2.6.11, of
            BProc's years, read in their sources, and 6.18, measured. This page is written by the program, from the
            tables by which it decides and from worlds that it ran."""
        ),
        "## The same world under each",
        prose(
            """Each line is one thing that is wrong with a file or with the arguments, and what execve makes of it.
            Where all four agree the line is left out."""
        ),
        table(("what is wrong", *NAMES), _worlds()),
        "## Limits",
        table(("", *NAMES), _limits()),
        "## Which errno",
        prose(
            """The causes that not all four know, or not by the same errno, in the order of decision; a cause that is
            not listed is the same in all. Under a name with `interpreter_` before it stands the same of an interpreter
            that cmd names."""
        ),
        table(("cause", *NAMES), _errnos()),
        "## In which order",
        prose(
            """All open the program and its interpreters in the same order: the name, the way to the file, the file
            itself, who writes it, the vectors. Pairs of causes that two kernels decide in another order:"""
        ),
        table(("earlier", "later", "in", "but the other way round in"), _orders()),
        "## After the point of no return",
        prose(
            """These headers pass every check of exec. Then the old program is gone, so there is no errno: the process
            is killed, or runs."""
        ),
        table(("what is wrong", *NAMES), _fates()),
    )


# ---- worlds ----------------------------------------------------------------------------------------


def _worlds() -> Iterator[tuple[str, ...]]:
    told: set[tuple[str, ...]] = set()
    for cause, sentence in _sentences().items():
        for kernel in NAMES:
            if cause not in _causes(kernel):
                continue
            case = combine(Case(call="execve", kernel=kernel), [defects(cause, kernel)[0]])
            came = tuple(_came(attrs.evolve(case, kernel=name)) for name in NAMES)
            line = (f"{sentence} ({code(cause)})", *came)
            if len(set(came)) > 1 and line not in told:
                told.add(line)
                yield line
            break


def _came(case: Case) -> str:
    """Tell what an execve comes to, in a word."""
    outcome = case.run()
    if outcome.errno is not None:
        return outcome.errno.name
    return "runs" if outcome.signal is None else bp.Signal(outcome.signal).name


def _causes(kernel: str) -> dict[str, bp.Errno]:
    return {row.cause: row.errno for row in bp.kernels[kernel].rows}


def _sentences() -> dict[str, str]:
    """Give what each cause says, in the order of decision, those of the page first where it has them."""
    found: dict[str, str] = {}
    for kernel in NAMES:
        before: list[str] = []
        for row in bp.kernels[kernel].rows:
            if row.cause not in found:
                found = _insert(found, before[-1] if before else "", row.cause, row.sentence)
            before.append(row.cause)
    return found


def _insert(found: dict[str, str], after: str, cause: str, sentence: str) -> dict[str, str]:
    """Put one cause behind another."""
    items = list(found.items())
    place = 1 + next((index for index, (name, _) in enumerate(items) if name == after), len(items) - 1)
    return dict([*items[:place], (cause, sentence), *items[place:]])


# ---- tables ----------------------------------------------------------------------------------------


def _limits() -> Iterator[tuple[str, ...]]:
    for label, name in (
        ("longest path, with its NUL", "path_max"),
        ("longest name in a path", "name_max"),
        ("symbolic links inside each other", "nested_links"),
        ("symbolic links in all", "total_links"),
        ("in a removed directory a name that is too long is only absent", "removed_is_empty"),
    ):
        yield (label, *(_told(getattr(bp.kernels[kernel].paths, name)) for kernel in NAMES))
    for each in attrs.fields(bp.ExecProfile):
        if FIELDS[each.name]:
            yield (FIELDS[each.name], *(_field(bp.kernels[name], each.name) for name in NAMES))


# What None means where it is not "no limit".
_NOTHING = {
    "argument_area_bytes": "a quarter of the stack, 128 KiB to 6 MiB",
    "stack_tables_bytes": "finds room",
}


def _field(profile: bp.ExecProfile, name: str) -> str:
    value = getattr(profile, name)
    if name in _NOTHING and value is None:
        return _NOTHING[name]
    if name == "script_levels":
        return str(value if value == 1 else value - 1)
    if name == "loader_header_bytes":
        return "any" if not _has(profile, "loader_short") else f"{value} bytes" if value else "a header"
    if name == "read_script":
        return {"read_cut": "is cut", "read_whole": "is refused, if its name may be cut"}[value.__name__]
    if name == "stack_tables_bytes" and value is None:
        return "always find room"
    if name in ("source", "order"):
        return code(value)
    return _told(value)


def _has(profile: bp.ExecProfile, cause: str) -> bool:
    return any(row.cause == cause for row in profile.rows)


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(_told(each) for each in value)
    if isinstance(value, int):
        return hex(value) if value >= 1 << 28 else str(value)
    return "no limit" if value is None else value or "nobody"


def _errnos() -> Iterator[tuple[str, ...]]:
    for cause in _sentences():
        if cause.startswith("interpreter_") and cause.removeprefix("interpreter_") in _sentences():
            continue
        errnos = [_causes(name).get(cause) for name in NAMES]
        if len(set(errnos)) > 1:
            yield (code(cause), *("" if errno is None else errno.name for errno in errnos))


def _orders() -> Iterator[tuple[str, ...]]:
    places = {name: {cause: place for place, cause in enumerate(_causes(name))} for name in NAMES}
    for one, other in combinations(_sentences(), 2):
        asked = [name for name in NAMES if one in places[name] and other in places[name]]
        so = [name for name in asked if places[name][one] < places[name][other]]
        if so and len(so) < len(asked):
            yield (code(one), code(other), ", ".join(so), ", ".join(name for name in asked if name not in so))


def _fates() -> Iterator[tuple[str, ...]]:
    of_kernels = [(bp.kernels[name].fates, bp.kernels[name].loader_fates) for name in NAMES]
    for which in (0, 1):
        sentences: dict[str, str] = {}
        for fates in of_kernels:
            sentences |= {fate.sentence: fate.cause for fate in fates[which] if fate.sentence not in sentences}
        for sentence in sentences:
            yield (
                f"{sentence} ({code(sentences[sentence])})",
                *(_signal(fates[which], sentence) for fates in of_kernels),
            )


def _signal(fates: tuple[Fate, ...], sentence: str) -> str:
    return next((fate.signal.name for fate in fates if fate.sentence == sentence), "runs")
