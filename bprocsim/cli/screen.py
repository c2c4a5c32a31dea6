"""What the commands write on: text laid out for a terminal, a pipe or a file.

Where no colour is wanted the text is plain, so a pipe gets the same bytes with rich and without it.
"""

from __future__ import annotations

import io
import os
import re
import sys
import textwrap
from collections.abc import Sequence
from typing import Any, NamedTuple, TextIO

PROSE_COLUMNS = 80
LEAST_COLUMNS, MOST_COLUMNS = 40, 120
LABEL_COLUMNS = 10

# What stands for a character that the stream's encoding lacks.
ASCII_FORMS = {"→": "->", "─": "-"}

# Style: (SGR parameters for a terminal without rich, rich's own words).
STYLES = {
    "": ("", ""),
    "title": ("1;36", "bold cyan"),
    "label": ("36", "cyan"),
    "code": ("1", "bold"),
    "ok": ("32", "green"),
    "fail": ("1;31", "bold red"),
    "late": ("33", "yellow"),
    "dim": ("2", "dim"),
}

Span = tuple[str, str]  # text, style

# Blanks at the end of a line, with the escapes among them.
_TRAILING = re.compile(r"(?: |\x1b\[[0-9;]*m)+$")


class OutputError(Exception):
    """What a command has to say cannot be written; `closed`: nobody reads it any more."""

    def __init__(self, why: str, *, closed: bool) -> None:
        super().__init__(why)
        self.closed = closed


class Table(NamedTuple):
    """Columns with `headers`, and `rows` of cells; the last column takes what width is left."""

    headers: tuple[str, ...]
    rows: Sequence[tuple[Span, ...]]
    indent: int = 2

    def widths(self) -> list[int]:
        """Give the width of every column but the last: that of its widest cell."""
        return [
            max(len(header), *(len(row[place][0]) for row in self.rows)) if self.rows else len(header)
            for place, header in enumerate(self.headers[:-1])
        ]


class Screen:
    """A stream that text is laid out for: plain, or painted with a terminal's own escapes.

    `width` how many columns may be written, one less than there are: some terminals begin a new
    line as soon as the last one is.
    """

    _rule = "-"

    def __init__(self, stream: TextIO, columns: int, *, painted: bool = False) -> None:
        self._stream = stream
        self._painted = painted
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self._forms = str.maketrans({glyph: form for glyph, form in ASCII_FORMS.items() if not self._has(glyph)})
        self.width = columns - 1

    def _has(self, glyph: str) -> bool:
        try:
            glyph.encode(self._encoding)
        except UnicodeEncodeError:
            return False
        return True

    def fit(self, text: str) -> str:
        """Write arrows and marks in ASCII where the stream has no others; before any layout."""
        return text.translate(self._forms)

    def write(self, text: str) -> None:
        """Write text as it is; a character that the stream lacks becomes an escape. OutputError."""
        safe = text.encode(self._encoding, "backslashreplace").decode(self._encoding)
        try:
            self._stream.write(safe)
        except OSError as error:
            raise output_error(error) from error

    def flush(self) -> None:
        """Let everything written so far be seen. OutputError."""
        try:
            self._stream.flush()
        except OSError as error:
            raise output_error(error) from error

    def put(self, *spans: Span) -> None:
        """Write one line made of styled pieces, without wrapping it."""
        fitted = [(self.fit(text), style) for text, style in spans]
        while fitted:
            text, style = fitted.pop()
            if text.rstrip():  # no line ends in blanks
                fitted.append((text.rstrip(), style))
                break
        self._put(fitted)

    def _put(self, spans: list[Span]) -> None:
        self.write("".join(self._paint(*span) for span in spans) + "\n")

    def _paint(self, text: str, style: str) -> str:
        codes = STYLES[style][0]
        return f"\x1b[{codes}m{text}\x1b[0m" if self._painted and codes and text else text

    # ---- layout ----

    def wrap(self, text: str, indent: int = 0, width: int = 0) -> list[str]:
        """Break text into the lines that fit beside an indent; prose is never wider than 80 columns."""
        room = max((width or min(self.width, PROSE_COLUMNS - 1)) - indent, 20)
        return textwrap.wrap(self.fit(text), room, break_long_words=False, break_on_hyphens=False) or [""]

    def paragraph(self, text: str, style: str = "", indent: int = 0) -> None:
        """Write prose, wrapped."""
        for line in self.wrap(text, indent):
            self.put((" " * indent, ""), (line, style))

    def heading(self, text: str) -> None:
        """Write a title with a rule under it, and an empty line before it."""
        self.put()
        self.put((text, "title"))
        self.put((self._rule * min(self.width, PROSE_COLUMNS - 1), "dim"))

    def labelled(self, label: str, text: str, style: str = "") -> None:
        """Write prose beside a word in the margin."""
        for place, line in enumerate(self.wrap(text, LABEL_COLUMNS)):
            self.put((("" if place else label).ljust(LABEL_COLUMNS), "label"), (line, style))

    def table(self, table: Table) -> None:
        """Write a table; where the last column has no room it stands below the others."""
        widths = table.widths()
        start = table.indent + sum(widths) + 2 * len(widths)
        beside = self.width - start >= 24
        if any(table.headers):
            self._head(table, widths)
        for row in table.rows:
            cells = [
                (self.fit(text).ljust(width + 2), style) for (text, style), width in zip(row, widths, strict=False)
            ]
            text, style = row[-1]
            lines = self.wrap(text, start if beside else table.indent + 4, self.width)
            if beside:
                self.put((" " * table.indent, ""), *cells, (lines.pop(0), style))
            else:
                self.put((" " * table.indent, ""), *cells)
            for line in lines:
                self.put((" " * (start if beside else table.indent + 4), ""), (line, style))

    def _head(self, table: Table, widths: list[int]) -> None:
        last = table.headers[-1]
        columns = [*zip(table.headers, widths, strict=False), (last, len(last))]
        self.put((" " * table.indent + "  ".join(text.ljust(width) for text, width in columns), "dim"))
        self.put((" " * table.indent + "  ".join("-" * width for _, width in columns), "dim"))


class RichScreen(Screen):
    """A terminal that rich draws on. ImportError where rich is not installed."""

    _rule = "─"

    def __init__(self, stream: TextIO, columns: int) -> None:
        super().__init__(stream, columns)
        from rich.console import Console
        from rich.theme import Theme

        self._paper = _Paper(self._encoding)
        self._console = Console(
            file=self._paper, width=self.width, color_system="standard", force_terminal=True, no_color=False,
            legacy_windows=False, markup=False, highlight=False, emoji=False,
            theme=Theme({f"bprocsim.{name or 'none'}": words or "none" for name, (_, words) in STYLES.items()}),
        )  # fmt: skip

    def _draw(self, renderable: Any, **options: Any) -> None:
        """Let rich draw on paper, then write what it drew: so there is one place that meets a closed pipe."""
        self._console.print(renderable, **options)
        lines = self._paper.getvalue().splitlines()
        self._paper.seek(0)
        self._paper.truncate()
        self.write("".join(_TRAILING.sub(_without_blanks, line) + "\n" for line in lines))

    def _put(self, spans: list[Span]) -> None:
        from rich.text import Text

        self._draw(Text.assemble(*((text, f"bprocsim.{style or 'none'}") for text, style in spans)), soft_wrap=True)

    def table(self, table: Table) -> None:
        """Write a table drawn by rich; where the last column has no room, as without rich."""
        widths = table.widths()
        if self.width - (table.indent + sum(widths) + 2 * len(widths)) < 24:
            super().table(table)
            return
        from rich import box
        from rich.padding import Padding
        from rich.table import Table as RichTable
        from rich.text import Text

        drawn = RichTable(
            box=box.SIMPLE_HEAD, show_header=any(table.headers), show_edge=False, pad_edge=False, padding=(0, 1, 0, 0),
            collapse_padding=True, header_style="bprocsim.dim", border_style="bprocsim.dim",
        )  # fmt: skip
        for place, header in enumerate(table.headers):
            drawn.add_column(self.fit(header), no_wrap=place < len(widths))
        for row in table.rows:
            drawn.add_row(*(Text(self.fit(text), f"bprocsim.{style or 'none'}") for text, style in row))
        self._draw(Padding(drawn, (0, 0, 0, table.indent)))


def _without_blanks(found: re.Match[str]) -> str:
    return found[0].replace(" ", "")


class _Paper(io.StringIO):
    """Where rich draws; its encoding is that of the stream, so that lines become ASCII where they must."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._stream_encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._stream_encoding


# ---- what a stream is and can ---------------------------------------------------------------------


def open_screen(stream: TextIO, color: str = "auto") -> Screen:
    """Make the screen for a stream: rich's where colour is wanted and rich is there, else our own."""
    columns = columns_of(stream)
    if not wants_color(stream, color):
        return Screen(stream, columns)
    try:
        return RichScreen(stream, columns)
    except ImportError:
        return Screen(stream, columns, painted=True)


def wants_color(stream: TextIO, color: str = "auto") -> bool:
    """Tell whether colour is wanted: by `--color`, NO_COLOR, FORCE_COLOR, and what the stream is."""
    environ = os.environ
    if color != "auto":
        return color == "always"
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    if environ.get("TERM") == "dumb" or not is_terminal(stream):
        return False
    # The old console of Windows shows escapes as they are; the newer ones say who they are.
    return sys.platform != "win32" or any(environ.get(name) for name in ("WT_SESSION", "ANSICON", "TERM"))


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether somebody sits before a stream."""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # it is closed
        return False


def columns_of(stream: TextIO) -> int:
    """Tell how many columns there are: COLUMNS, else the terminal's, else 80; at least 40, at most 120."""
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        columns = int(asked)
    else:
        try:
            columns = os.get_terminal_size(stream.fileno()).columns if is_terminal(stream) else 0
        except (OSError, ValueError):
            columns = 0
    return min(max(columns or PROSE_COLUMNS, LEAST_COLUMNS), MOST_COLUMNS)


def output_error(error: OSError) -> OutputError:
    """Tell a closed pipe from a disk that is full; Windows says "invalid argument" of the former."""
    closed = isinstance(error, BrokenPipeError) or (sys.platform == "win32" and error.errno == 22)
    return OutputError(error.strerror or str(error), closed=closed)


class Progress:
    """How far long work has come: one line on stderr, rewritten, and only where somebody sees it."""

    def __init__(self, stream: TextIO | None, total: int, what: str) -> None:
        hushed = os.environ.get("CI") or os.environ.get("TERM") == "dumb"
        self._stream = stream if is_terminal(stream) and not hushed else None
        self._total = total
        self._what = what
        self._done = 0

    def step(self) -> None:
        """Count one more, and show it."""
        self._done += 1
        if self._stream is not None:
            self._stream.write(f"\r{self._what} {self._done}/{self._total}")
            self._stream.flush()

    def close(self) -> None:
        """Wipe the line."""
        if self._stream is not None and self._done:
            self._stream.write("\r" + " " * len(f"{self._what} {self._total}/{self._total}") + "\r")
            self._stream.flush()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
