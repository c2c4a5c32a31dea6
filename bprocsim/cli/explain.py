"""`bprocsim explain`: a manual page in our words, and all that is to be said of one errno."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from bprocsim.cli.errors import WIDE
from bprocsim.cli.pages import find_call, page_of, way_to
from bprocsim.cli.screen import LABEL_COLUMNS, Screen, Span, Table
from bprocsim.cli.usage import UsageError, add_rules, check_rules, unknown

if TYPE_CHECKING:
    from bprocsim.manual import Errors, Row

SUMMARY = "a call's manual page in our words, or all about one of its errors"
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
  bprocsim explain bproc_execmove 45 --edition lanl32"""

# Where each step of a late row is decided.
STAGES = {
    "": "Returned: decided on the calling node; -1 and errno, and nothing has changed",
    "ROUTE": "Late, at the master: the request has reached its daemon",
    "IN_TRANSIT": "Late, on the way: the process has been sent to the node",
    "THAW": "Late, on the node: the image is rebuilt there",
    "IO_SETUP": "Late, on the node: it connects back for stdout, stderr and stdin",
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
    from bprocsim.testing import tables

    known = tables(options.edition, options.kernel)
    table = known[find_call(options.call, known)]
    if options.errno is None:
        _page(screen, table, options.edition)
    else:
        rows = _rows_of(table, options.errno, options)
        _errno(screen, table, rows, options)
    return 0


# ---- a page ----------------------------------------------------------------------------------------


def _page(screen: Screen, table: Errors, edition: str) -> None:
    page = page_of(table.call)
    screen.put((table.call, "title"), (f": {page.title}", ""))
    screen.put()
    for place, line in enumerate(page.synopsis):
        screen.put((("" if place else "synopsis").ljust(LABEL_COLUMNS), "label"), (line, "code"))
    for label, text in page.says:
        screen.labelled(label, text)
    _stages(screen, table, edition)
    screen.put()
    _sources(screen, [table.page, table.order, *(table.source_of(row) for row in table.rows)])
    screen.put()
    screen.put((f"bprocsim explain {table.call} ERRNO", "code"), ("   tells more about one of them", ""))


def _stages(screen: Screen, table: Errors, edition: str) -> None:
    """Write the rows in the order of decision, stage by stage."""
    returns = _returns_late(edition)
    rows = list(enumerate(table.rows, 1))
    for step in dict.fromkeys(row.step for row in table.rows):
        screen.put()
        screen.put((STAGES.get(step, f"Late: at the step {step}"), "label"))
        cells = [_cells(screen, number, row, returns) for number, row in rows if row.step == step]
        ends = ("ends",) if step else ()
        cause = ("cause",) if screen.width >= WIDE else ()
        screen.table(Table(("#", "kind", *ends, "errno", *cause, "when"), cells, indent=0))


def _cells(screen: Screen, number: int, row: Row, returns: bool) -> tuple[Span, ...]:
    wide = screen.width >= WIDE
    late = row.kind.value == "late"
    return (
        (f"{number:>2}", "dim"),
        (row.kind.value, "late" if late else "dim"),
        *([("-1" if returns else f"exit {_status(row)}", "late")] if late else []),
        (row.errno.name, "code"),
        *([(row.cause, "dim")] if wide else []),
        (row.sentence if wide else f"{row.sentence} ({row.cause})", ""),
    )


def _status(row: Row) -> int:
    return row.errno.number() & 0xFF


def _returns_late(edition: str) -> bool:
    import bprocsim as bp

    return bp.editions[edition].late_failure == "return"


# ---- one errno -------------------------------------------------------------------------------------


def _rows_of(table: Errors, asked: str, options: argparse.Namespace) -> list[Row]:
    """Give the rows that an errno's name or number, an exit status or a cause means; UsageError if none."""
    if asked.isdecimal():
        number = int(asked)
        rows = [row for row in table.rows if row.errno.number() == number]
        rows += [row for row in table.rows if row.kind.value == "late" and _status(row) == number and row not in rows]
    else:
        rows = [row for row in table.rows if asked.upper() == row.errno.name or asked.lower() == row.cause]
    if rows:
        return sorted(rows, key=table.rows.index)
    elsewhere = [] if asked.isdecimal() else _editions_with(table.call, asked, options.kernel)
    if elsewhere:
        raise UsageError(
            f"{table.call} of the {options.edition} edition does not report {asked.upper()}, but that of "
            f"{' and '.join(elsewhere)} does: add --edition {elsewhere[0]}"
        )
    names = dict.fromkeys(row.errno.name for row in table.rows)
    if not names:
        raise UsageError(f"{table.call} reports no error at all")
    raise unknown(f"error of {table.call} called", asked, names, [row.cause for row in table.rows])


def _editions_with(call: str, errno: str, kernel: str) -> list[str]:
    import bprocsim as bp
    from bprocsim.testing import tables

    return [
        edition
        for edition in bp.editions
        if any(row.errno.name == errno.upper() for row in tables(edition, kernel)[call].rows)
    ]


def _errno(screen: Screen, table: Errors, rows: list[Row], options: argparse.Namespace) -> None:
    errnos = list(dict.fromkeys(row.errno for row in rows))
    shown = ", ".join(f"{errno.name} ({errno.number()}, {errno.message})" for errno in errnos)
    screen.put((table.call, "title"), (f" and {shown}", ""))
    screen.paragraph(f"It stands in {_count(len(rows), 'row')} of {len(table.rows)}, which are decided one after another.")
    for row in rows:
        _row(screen, table, row, _returns_late(options.edition))
    screen.put()
    _sources(screen, [table.page, table.order, *(table.source_of(row) for row in rows)])


def _row(screen: Screen, table: Errors, row: Row, returns: bool) -> None:
    """Tell all about one row."""
    place = table.rows.index(row)
    screen.put()
    screen.put((f"{place + 1}. {row.cause}", "title"), (f"  {row.errno.name}, {_KINDS[row.kind.value]}", ""))
    screen.labelled("when", _sentence(row.sentence))
    way = way_to(row.cause)
    if way:
        screen.labelled("try", way)
    screen.labelled("seen", _seen(row, returns))
    screen.labelled("before", _before(table, place))
    screen.labelled("source", table.source_of(row), "dim")


_KINDS = {
    "page": "a row of the page",
    "late": "late: after the exec",
    "beyond": "beyond the page: real kernels do it",
}


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}." if not text.startswith(("cmd", "argv", "envp")) else f"{text}."


def _seen(row: Row, returns: bool) -> str:
    number = row.errno.number()
    if row.kind.value != "late":
        return f"The call returns -1, and errno is {row.errno.name} ({number}). Nothing else has changed."
    if returns:
        return f"By the letter of the page the call returns -1, and errno is {row.errno.name} ({number})."
    low = f", the low eight bits of {number}" if number > 255 else f", the number of {row.errno.name}"
    return (
        f"The call does not return. The process exits with status {_status(row)}{low}, "
        "which its parent learns from wait; nothing is written."
    )


def _before(table: Errors, place: int) -> str:
    """Tell which errors come first: one that also holds is reported in its place."""
    earlier = table.rows[:place]
    row = table.rows[place]
    if not earlier:
        return "Nothing: it is decided first."
    if not row.step:
        return " → ".join(_grouped(earlier))
    returned = sum(not each.step for each in earlier)
    late = [each for each in earlier if each.step]
    text = f"All {returned} rows that are returned"
    return text + (", then " + " → ".join(_grouped(late)) if late else "")


def _grouped(rows: list[Row] | tuple[Row, ...]) -> list[str]:
    """Name rows in order, neighbours of one errno together: "EACCES (noexec_mount, not_regular)"."""
    groups: list[tuple[str, list[str]]] = []
    for row in rows:
        if not groups or groups[-1][0] != row.errno.name:
            groups.append((row.errno.name, []))
        groups[-1][1].append(row.cause)
    return [f"{errno} ({', '.join(causes)})" for errno, causes in groups]


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


# ---- sources ---------------------------------------------------------------------------------------


def _sources(screen: Screen, ids: list[str]) -> None:
    """Write where all of it stands: title, section, how it is known, address, and what was concluded."""
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
        if source.note:
            screen.paragraph(source.note, "dim", indent=4)
