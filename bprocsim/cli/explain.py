"""`bprocsim explain`: a manual page in our words, and all that is to be said of one errno."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bprocsim.cli.errors import WIDE
from bprocsim.cli.pages import (
    SLOT_TITLE,
    failure_of,
    find_call,
    is_late,
    is_slot,
    late_title,
    never_failing,
    own_of_edition,
    page_of,
    system_of,
    tables_of,
    way_to,
)
from bprocsim.cli.screen import LABEL_COLUMNS, Screen, Span, Table
from bprocsim.cli.usage import UsageError, add_rules, check_rules, unknown

if TYPE_CHECKING:
    from bprocsim.manual import Errors, Row

SUMMARY = "a call's manual page in our words, or one of its errors"
DESCRIPTION = """\
Tell what a call does and which errors it reports, in the order in which they
are decided. With ERRNO: which rows report it, how to come to each, what is
decided before, what the caller sees, and where all that stands written."""
EPILOG = """\
examples:
  bprocsim explain bproc_execmove
  bprocsim explain bproc_execmove ENOEXEC
  bprocsim explain bproc_execmove node_down     one row, by its cause
  bprocsim explain bproc_execmove 22            by number: also an exit status
  bprocsim explain bproc_execmove 45 --edition lanl32
  bprocsim explain ra_execvp EPERM              a call by any of its forms"""

# By the step at which a row is decided, if not on entry: a word for the table, and where that is.
STAGES = {
    "QUEUE": ("queueing", "on the caller's node, where the request is queued for the master's daemon"),
    "ROUTE": ("routing", "by the master's daemon, which the request has reached"),
    "IN_TRANSIT": ("transit", "on the way, after the master has sent the process to the node"),
    "THAW": ("thawing", "on the node, where the image is rebuilt"),
    "IO_SETUP": ("I/O setup", "on the node, where the process gets its descriptors: connections back, files"),
    "EXEC": ("exec", "on the node, by exec's own rules"),
    "load": ("loading", "by exec's own rules, on the caller's node, where the image is loaded"),
    "fork": ("fork", "by fork's own rules, on the caller's node"),
    "exec": ("exec", "by exec's own rules, once nothing is wrong with the resource"),
    "born": ("fork", "by fork's own rules, once nothing is wrong with the resource"),
    "go": ("change", "after the warnings, just before it is done"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `bprocsim explain --help`."""
    parser.add_argument("call", metavar="CALL", help="a page, or any of its calls, in any case")
    parser.add_argument(
        "errno", nargs="?", metavar="ERRNO", help="an errno by name or number, an exit status, or a cause"
    )
    add_rules(parser)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Explain what was asked for."""
    check_rules(options)
    known = _tables(options.edition, options.kernel, options.level)
    table = known[find_call(options.call, known, options.level)]
    if options.errno is None:
        _page(screen, table, options.edition)
    else:
        rows = _rows_of(table, options.errno, options)
        _errno(screen, table, rows, options)
    return 0


def _tables(edition: str, kernel: str, level: str) -> dict[str, Errors]:
    """Give the tables by their calls; to execvp belongs what comes from the execve of a path that it found."""
    import bprocsim as bp
    from bprocsim.posix.execcalls import execvp_errors

    own = {"execvp": execvp_errors(bp.kernels[kernel])}
    return tables_of(edition, kernel, level) | own | never_failing(edition, level)


# ---- a page ----------------------------------------------------------------------------------------


def _page(screen: Screen, table: Errors, edition: str) -> None:
    page = page_of(table.call)
    screen.put((table.call, "title"), (f": {page.title}", ""))
    screen.put()
    for place, line in enumerate(page.synopsis):
        screen.put((("" if place else "synopsis").ljust(LABEL_COLUMNS), "label"), (line, "code"))
    for label, text in (*page.says, *own_of_edition(table.call, edition)):
        screen.labelled(label, text)
    if not table.rows:
        screen.labelled("errors", "None: it never fails.")
    elif table.order != table.page:
        screen.labelled("order", f"The page names its errors in no order; the one below is that of {table.order}.")
    _errors(screen, table, edition)
    screen.put()
    _sources(screen, [table.page, table.order, *(table.source_of(row) for row in table.rows)])
    if table.rows:
        screen.put()
        screen.put((f"bprocsim explain {table.call} ERRNO", "code"), ("   tells more about one of them", ""))


def _errors(screen: Screen, table: Errors, edition: str) -> None:
    """Write the rows in the order of decision: returned ones, then late ones."""
    returns = _returns_late(edition)
    for late, slot, title in (
        (False, False, f"Returned: {_returned(table, edition)}, and nothing has changed"),
        (False, True, SLOT_TITLE),
        (True, False, late_title(table.rows)),
    ):
        numbered = enumerate(table.rows, 1)
        rows = [(number, row) for number, row in numbered if (is_late(row), is_slot(row)) == (late, slot)]
        if rows:
            screen.put()
            screen.put((title, "label"))
            stage = ("during", "ends") if late else ("during", "slot") if slot else ()
            cause = ("cause",) if screen.width >= WIDE else ()
            cells = [_cells(screen, number, row, returns) for number, row in rows]
            screen.table(Table((" #", "kind", *stage, "errno", *cause, "when"), cells, indent=0))


def _returned(table: Errors, edition: str) -> str:
    """Tell what the rows of a table return that are returned."""
    both = f"{failure_of(table)} and errno"
    alone = any(_told_by_value(table, row, edition) is not None for row in table.rows)
    return f"{both}, or for what goes wrong on the way the errno's negative number alone" if alone else both


def _told_by_value(table: Errors, row: Row, edition: str) -> int | None:
    """Give what a call returns that tells the errno by itself, None where errno does."""
    import bprocsim as bp
    from bprocsim.bproc.rfork import told_by_value

    return told_by_value(bp.editions[edition], row) if table.call == "bproc_rfork" else None


def _cells(screen: Screen, number: int, row: Row, returns: bool) -> tuple[Span, ...]:
    wide = screen.width >= WIDE
    return (
        (f"{number:>2}", "dim"),
        (row.kind.value, "late" if is_late(row) else "dim"),
        *(
            [(_stage(row)[0], ""), ("-1" if returns and row.status is None else f"exit {_status(row)}", "late")]
            if is_late(row)
            else [(_stage(row)[0], ""), (str(-row.errno.number("linux")), "late")]
            if is_slot(row)
            else []
        ),
        (row.errno.name, "code"),
        *([(row.cause, "dim")] if wide else []),
        (row.sentence if wide else f"{row.sentence} ({row.cause})", ""),
    )


def _stage(row: Row) -> tuple[str, str]:
    return STAGES.get(row.step, (row.step.lower(), f"at the step {row.step}"))


def _status(row: Row) -> int:
    return row.exit_status()


def _returns_late(edition: str) -> bool:
    import bprocsim as bp

    return bp.editions[edition].late_failure == "return"


# ---- one errno -------------------------------------------------------------------------------------


def _matching(table: Errors, asked: str) -> list[Row]:
    """Give the rows that an errno's name or number, an exit status or a cause means; a number also as a slot has it."""
    asked = asked.removeprefix("-") if asked[1:].isdecimal() else asked
    if not asked.isdecimal():
        return [row for row in table.rows if asked.upper() == row.errno.name or asked.lower() == row.cause]
    number, system = int(asked), system_of(table.call)
    return [
        row for row in table.rows
        if number == row.errno.number(system) or (is_late(row) and number == _status(row))
    ]  # fmt: skip


def _rows_of(table: Errors, asked: str, options: argparse.Namespace) -> list[Row]:
    """Give the rows that are meant; UsageError if there are none, with the editions or kernels that have some."""
    import bprocsim as bp

    rows = _matching(table, asked)
    if rows:
        return rows
    edition, kernel, level = options.edition, options.kernel, options.level
    elsewhere = [each for each in bp.editions if _has_row(table.call, asked, _tables(each, kernel, level))]
    if elsewhere:
        raise UsageError(
            f"{table.call} of the {options.edition} edition does not report {asked.upper()}, but that of "
            f"{' and '.join(elsewhere)} does: add --edition {elsewhere[0]}"
        )
    elsewhere = [each for each in bp.kernels if _has_row(table.call, asked, _tables(edition, each, level))]
    if elsewhere:
        raise UsageError(
            f"{table.call} by the rules {options.kernel!r} does not report {asked.upper()}, but by those of "
            f"{' and '.join(elsewhere)} it does: add --kernel {elsewhere[-1]}"
        )
    elsewhere = [each for each in bp.levels if _has_row(table.call, asked, _tables(edition, kernel, each))]
    if elsewhere:
        raise UsageError(
            f"{table.call} of AIX {level} does not report {asked.upper()}, but that of {' and '.join(elsewhere)} does: "
            f"add --level {elsewhere[-1]}"
        )
    names = dict.fromkeys(row.errno.name for row in table.rows)
    if not names:
        raise UsageError(f"{table.call} reports no error at all")
    raise unknown(f"error of {table.call} called", asked, names, [row.cause for row in table.rows])


def _has_row(call: str, asked: str, known: dict[str, Errors]) -> bool:
    return call in known and bool(_matching(known[call], asked))


def _errno(screen: Screen, table: Errors, rows: list[Row], options: argparse.Namespace) -> None:
    errnos = list(dict.fromkeys(row.errno for row in rows))
    system = system_of(table.call)
    shown = ", ".join(f"{errno.name} ({errno.number(system)}, {errno.message})" for errno in errnos)
    screen.put((table.call, "title"), (f" and {shown}", ""))
    screen.paragraph(f"{_count(len(rows), 'row')} of {len(table.rows)}, which are decided one after another:")
    shown_before = 0
    for row in rows:
        _row(screen, table, row, shown_before, options.edition)
        shown_before = table.rows.index(row) + 1
    screen.put()
    _sources(screen, [table.page, table.order, *(table.source_of(row) for row in rows)])


def _row(screen: Screen, table: Errors, row: Row, shown_before: int, edition: str) -> None:
    """Tell all about one row; `shown_before` is the number of the last row that was told about, or 0."""
    from bprocsim.posix.exec import bad_script_interpreter

    place = table.rows.index(row)
    screen.put()
    screen.put((f"{place + 1}. {row.cause}", "title"), (f"  {row.errno.name}, {_KINDS[row.kind.value]}", ""))
    screen.labelled("when", _sentence(row.sentence))
    way = way_to(row.cause, row.about is bad_script_interpreter, system_of(table.call), table.call)
    if way:
        screen.labelled("try", way)
    if row.step:
        screen.labelled("where", _sentence(_stage(row)[1]))
    screen.labelled("seen", _seen(table, row, edition))
    screen.labelled("before", _before(table, place, shown_before))
    screen.labelled("source", table.source_of(row), "dim")


_KINDS = {
    "page": "a row of the page",
    "late": "late: after the exec",
    "beyond": "beyond the page: real kernels do it",
    "slot": "told of one node, in its slot",
}


def _sentence(text: str) -> str:
    """Make a sentence of it; the name of an argument stays as it is."""
    first = text if text.startswith(("cmd", "argv", "envp")) else text[0].upper() + text[1:]
    return first.removesuffix(".") + "."


def _seen(table: Errors, row: Row, edition: str) -> str:
    number, returns = row.errno.number(system_of(table.call)), _returns_late(edition)
    if is_slot(row):
        return f"The call goes on for the other nodes and returns. In this one's slot stands {-number}."
    if _told_by_value(table, row, edition) is not None:
        return f"The call returns {-number}, the negative number of {row.errno.name}, and errno is not set."
    if not is_late(row):
        failed = failure_of(table)
        return f"The call returns {failed}, and errno is {row.errno.name} ({number}). Nothing else has changed."
    if returns and row.status is None:
        return f"By the letter of the page the call returns -1, and errno is {row.errno.name} ({number})."
    if row.status is not None:
        return (
            "The call does not return. The process, which is on the other node by then, exits with status "
            f"{row.status}, which its parent learns from wait; nothing is written."
        )
    low = f", the low eight bits of {number}" if number > 255 else f", the number of {row.errno.name}"
    return (
        f"The call does not return. The process exits with status {_status(row)}{low}, "
        "which its parent learns from wait; nothing is written."
    )


def _before(table: Errors, place: int, shown_before: int) -> str:
    """Tell which errors come first: of two that hold, the earlier is reported."""
    if not place:
        return "Nothing: it is decided first."
    returned = sum(not is_late(row) for row in table.rows)
    start, text = 0, ""
    if shown_before and (shown_before > returned or not is_late(table.rows[place])):
        start, text = shown_before, f"What comes before {table.rows[shown_before - 1].cause}, and that"
    elif is_late(table.rows[place]):
        start, text = returned, f"All {returned} rows that are returned"
    names = [row.errno.name for row in table.rows[start:place]]
    runs = [name for index, name in enumerate(names) if index == 0 or names[index - 1] != name]
    return (f"{text}, then " if text and runs else text) + " → ".join(runs)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


# ---- sources ---------------------------------------------------------------------------------------


def _sources(screen: Screen, ids: list[str]) -> None:
    """Write where all of it stands: title, section, how it is known, address, what was concluded."""
    from bprocsim.sources import load

    known = load()
    screen.put(("Sources", "label"))
    for name in dict.fromkeys(ids):
        source = known.get(name)
        screen.put((f"  {name}", "code"))
        if source is None:
            screen.paragraph("(not among the sources yet)", "dim", indent=4)
            continue
        screen.paragraph(f"{source.title}: {source.section} ({source.kind}, {source.date})", indent=4)
        screen.put((f"    {source.address}", "dim"))
        if source.kind == "inferred":
            screen.paragraph(source.note, "dim", indent=4)
