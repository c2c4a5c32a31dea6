"""`bprocsim errors --all`: the atlas: every documented errno of every call, how to come to it, and what came."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from attrs import frozen

from bprocsim.cli.errors import SEED, Trial, attempt, document_of, entry_of, instead, is_wanted, rows_of
from bprocsim.cli.markdown import code, page, prose, table
from bprocsim.cli.pages import never_failing, system_of, tables_of, way_to
from bprocsim.cli.screen import Progress, Screen
from bprocsim.cli.usage import unknown

if TYPE_CHECKING:
    from bprocsim.manual import Errors, Row
    from bprocsim.testing import Recipe


@frozen(eq=False)
class Entry:
    """A row in the atlas: `editions` that have it, where not all that have the call do; `recipe` what was provoked."""

    editions: tuple[str, ...]
    table: Errors
    trial: Trial
    recipe: Recipe | None

    @property
    def row(self) -> Row:
        """Give the row."""
        return self.trial.row

    @property
    def source(self) -> str:
        """Give the id of the source that says so."""
        return self.table.source_of(self.row)

    @property
    def way(self) -> str:
        """Tell in a sentence how to come to it."""
        from bprocsim.posix.exec import bad_script_interpreter

        of_script = self.row.about is bad_script_interpreter
        return way_to(self.row.cause, of_script, system_of(self.table.call), self.table.call)

    @property
    def lines(self) -> tuple[str, ...]:
        """Give the recipe in a few lines: Python that makes the call, and if a program makes it what that calls."""
        from bprocsim.testing.rows.programcases import ProgramCase

        if self.recipe is None:
            return ()
        case = self.recipe.case
        return f"{case!r}.run()", *(case.calls() if isinstance(case, ProgramCase) else ())


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Provoke all rows, of the kernel and the level that are asked for, and write the atlas."""
    entries = provoked(options)
    if options.errno is not None and not entries:
        raise unknown("row of any call for errno", options.errno.upper(), _errnos(options))
    if options.format == "json":
        rules = {"edition": "all", "kernel": options.kernel, "level": options.level}
        screen.write(document_of(rules, [each.trial for each in entries], [_told(each) for each in entries]) + "\n")
    elif options.format == "markdown":
        screen.write(_markdown(entries, options))
    else:
        _show(screen, entries)
    return 0 if all(each.trial.ok for each in entries) else 1


# ---- what there is ---------------------------------------------------------------------------------

Key = tuple[str, str, str, str]  # call, cause, errno, sentence


def provoked(options: argparse.Namespace) -> list[Entry]:
    """Provoke every row that is asked for once, under the first edition that has it; call by call."""
    found = _rows_by_key(options)
    entries: dict[str, list[Entry]] = {}
    with Progress(sys.stderr, len(found), "provoking") as progress:
        for (call, *_), (editions, errors, row, recipes) in found.items():
            trial = attempt(errors, row, recipes, progress)
            entries.setdefault(call, []).append(Entry(editions, errors, trial, recipes.get((call, row.cause))))
    return [entry for each in entries.values() for entry in each]


Found = tuple[tuple[str, ...], "Errors", "Row", "Mapping[tuple[str, str], Recipe]"]


def _rows_by_key(options: argparse.Namespace) -> dict[Key, Found]:
    """Find every row once: with the editions that have it, if others that have the call do not; a table and recipes."""
    import bprocsim as bp
    from bprocsim.testing import recipes_of

    having: dict[Key, list[str]] = {}
    calling: dict[str, list[str]] = {}
    first: dict[Key, tuple[Errors, Row, Mapping[tuple[str, str], Recipe]]] = {}
    for edition in bp.editions:
        known = tables_of(edition, options.kernel, options.level)
        recipes = recipes_of(edition, options.kernel, options.level)
        for call, errors in known.items():
            calling.setdefault(call, []).append(edition)
            for row in rows_of(errors, options.beyond):
                if is_wanted(row, options.errno):
                    key = (call, row.cause, row.errno.name, row.sentence)
                    having.setdefault(key, []).append(edition)
                    first.setdefault(key, (errors, row, recipes))
    return {
        key: (() if having[key] == calling[key[0]] == list(bp.editions) else tuple(having[key]), *found)
        for key, found in first.items()
    }


def _errnos(options: argparse.Namespace) -> list[str]:
    """Name the errnos that some row reports."""
    every = argparse.Namespace(**{**vars(options), "errno": None})
    return sorted({errno for _, _, errno, _ in _rows_by_key(every)})


def _without_rows() -> list[str]:
    """Name the calls that never fail."""
    import bprocsim as bp

    return sorted({call for edition in bp.editions for call in never_failing(edition, list(bp.levels)[-1])})


# ---- telling ---------------------------------------------------------------------------------------


def _told(entry: Entry) -> dict[str, Any]:
    return {
        **entry_of(entry.trial),
        "editions": list(entry.editions),
        "source": entry.source,
        "try": entry.way,
        "recipe": list(entry.lines),
    }


def _by_call(entries: Iterable[Entry]) -> Iterator[tuple[str, list[Entry]]]:
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.table.call, []).append(entry)
    yield from found.items()


def _show(screen: Screen, entries: list[Entry]) -> None:
    """Write the atlas for somebody at a terminal."""
    for call, rows in _by_call(entries):
        screen.heading(call)
        for entry in rows:
            trial, row = entry.trial, entry.row
            of = f"  in {', '.join(entry.editions)}" if entry.editions else ""
            screen.put()
            screen.put(
                ("ok      " if trial.ok else "FAILED  ", "ok" if trial.ok else "fail"),
                (row.errno.name, "code"), (f"  {row.cause}, {row.kind.value}{of}", ""),
            )  # fmt: skip
            screen.labelled("when", row.sentence)
            if entry.way:
                screen.labelled("try", entry.way)
            for place, line in enumerate(entry.lines):
                screen.labelled("" if place else "recipe", line, "code")
            screen.labelled("came", _came(entry), "late" if trial.late else "")
            screen.labelled("source", entry.source, "dim")
    screen.put()
    passed = sum(entry.trial.ok for entry in entries)
    screen.put((f"{passed} of {len(entries)} came as documented", "ok" if passed == len(entries) else "fail"))
    screen.put()
    screen.put((f"seed {SEED}", "dim"))


def _came(entry: Entry) -> str:
    """Tell what came: what the caller, or its parent, saw, and which errno that was."""
    trial, got = entry.trial, entry.trial.outcome
    if not trial.ok or got is None or got.row is None:
        return f"FAILED: {trial.problem or instead(trial)}"
    return f"{trial.came} {got.row.errno.name}"


def _markdown(entries: list[Entry], options: argparse.Namespace) -> str:
    from bprocsim.sources import load

    sources = load()
    passed = sum(entry.trial.ok for entry in entries)
    cited = sorted({each for entry in entries for each in (entry.source, entry.table.order)})
    return page(
        "# The atlas of errors",
        prose(
            f"""Every documented errno of every call, in the order in which each call decides: {len(entries)} rows, of
            which {passed} came as documented when this page was written. Of exec and of what moves a process the rows
            are those of the rules `{options.kernel}`, of AIX those of {options.level}. Each row was provoked in a
            world of its own in which nothing else is wrong: the recipe builds it and makes the call, after `import
            bprocsim as bp, bprocsim.testing`. A call of POSIX is made by a program on the master of a small cluster;
            what that calls is told too, up to the refusal, with the pid in front where it is another process than the
            first."""
        ),
        prose(
            """A row of the kind `page` is returned, and nothing has changed. One of the kind `late` is met after the
            exec, or the move, has succeeded: the process exits. One of the kind `slot` is told of one node of several.
            Where an edition of BProc is named, the others that there are do not have the row. `bprocsim errors --all`
            provokes them all anew."""
        ),
        *(part for call, rows in _by_call(entries) for part in _section(call, rows)),
        "## Calls that never fail",
        prose(", ".join(map(code, _without_rows())) + "."),
        "## Sources",
        table(("source", "how it is known", "what it is"), ((code(name), *_cited(sources[name])) for name in cited)),
    )


def _cited(source: Any) -> tuple[str, str]:
    # A place in the clone is told as seen from where the page lies.
    address = source.address if "://" in source.address else f"../../{source.address}"
    return source.kind, f"[{source.title}]({address}), {source.section}"


def _section(call: str, rows: list[Entry]) -> Iterator[str]:
    of = rows[0].table
    yield f"## {call}"
    yield prose(f"Page {code(of.page)}; order of decision {code(of.order)}.")
    yield table(
        ("errno", "cause", "kind", "when", "how to come to it", "came", "source"),
        (
            (
                entry.row.errno.name,
                code(entry.row.cause) + (f" ({', '.join(entry.editions)})" if entry.editions else ""),
                entry.row.kind.value,
                _cell(entry.row.sentence),
                "<br>".join([*([_cell(entry.way)] if entry.way else []), *(code(_cell(line)) for line in entry.lines)]),
                _cell(_came(entry)),
                code(entry.source),
            )
            for entry in rows
        ),
    )


def _cell(text: str) -> str:
    """Let a text stand in a table's cell."""
    return text.replace("|", "\\|")
