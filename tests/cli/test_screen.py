"""The screen: layout, and what a stream is and can."""

from __future__ import annotations

import io
import sys

import pytest

from bprocsim.cli.screen import (
    OutputError,
    RichScreen,
    Screen,
    Table,
    columns_of,
    is_terminal,
    open_screen,
    output_error,
    wants_color,
)

TABLE = Table(
    ("", "errno", "when"),
    [
        (("ok", "ok"), ("ENOENT", "code"), ("cmd does not exist", "")),
        (("FAILED", "fail"), ("E2BIG", "code"), ("one two three four five six seven eight", "")),
    ],
)


class Stream(io.TextIOWrapper):
    """A stream in memory that may be a terminal."""

    def __init__(self, encoding: str = "utf-8", terminal: bool = False) -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="")
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def printed(self) -> str:
        self.flush()
        self.seek(0)
        return self.read()


def test_a_table() -> None:
    stream = Stream()
    Screen(stream, 46).table(TABLE)
    assert stream.printed() == (
        "          errno   when\n"
        "  ------  ------  ----\n"
        "  ok      ENOENT  cmd does not exist\n"
        "  FAILED  E2BIG   one two three four five six\n"
        "                  seven eight\n"
    )


@pytest.mark.parametrize("make", [Screen, RichScreen])
def test_a_table_without_room_puts_the_last_column_below(make: type[Screen]) -> None:
    if make is RichScreen:
        pytest.importorskip("rich")
    stream = Stream()
    make(stream, 40).table(TABLE._replace(headers=("", "", ""), rows=TABLE.rows[1:]))
    text = stream.printed()
    for escape in ("\x1b[1;31m", "\x1b[1m", "\x1b[0m"):
        text = text.replace(escape, "")
    assert text == "  FAILED  E2BIG\n      one two three four five six seven\n      eight\n"


def test_a_table_without_rows_is_its_head() -> None:
    stream = Stream()
    Screen(stream, 40).table(Table(("a", "b"), []))
    assert stream.printed() == "  a  b\n  -  -\n"


def test_prose_is_never_wider_than_80_columns() -> None:
    stream = Stream()
    Screen(stream, 120).paragraph("word " * 60)
    assert max(map(len, stream.printed().splitlines())) <= 79


def test_labelled_prose_hangs() -> None:
    stream = Stream()
    Screen(stream, 40).labelled("why", "because of what was said before it")
    assert stream.printed() == "why       because of what was said\n          before it\n"


@pytest.mark.parametrize(("encoding", "arrow"), [("utf-8", "→"), ("cp1252", "->"), ("ascii", "->"), ("cp437", "→")])
def test_arrows_fit_the_stream(encoding: str, arrow: str) -> None:
    if encoding == "cp437":
        arrow = "->"  # it draws one for a control character, and has no code for it
    stream = Stream(encoding)
    screen = Screen(stream, 80)
    assert screen.fit("a → b") == f"a {arrow} b"
    screen.put(("→ ö \N{SNOWMAN}", ""))
    assert stream.printed().startswith(arrow)


def test_rich_draws_lines_in_ascii_where_it_must() -> None:
    pytest.importorskip("rich")
    for encoding, line in (("utf-8", "─"), ("ascii", "-")):
        stream = Stream(encoding)
        screen = RichScreen(stream, 80)
        screen.heading("title")
        screen.table(TABLE)
        assert stream.printed().count(line * 10) >= 2


@pytest.mark.parametrize(
    ("environment", "terminal", "wanted"),
    [
        ({}, False, False),
        ({}, True, True),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),  # empty is as good as unset
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, True, True),
    ],
)
def test_who_wants_colour(
    environment: dict[str, str], terminal: bool, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"TERM": "xterm"} | environment).items():
        monkeypatch.setenv(name, value)
    stream = Stream(terminal=terminal)
    assert wants_color(stream) is wanted
    assert wants_color(stream, "always")
    assert not wants_color(stream, "never")


def test_an_old_console_of_windows_gets_no_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM", "WT_SESSION", "ANSICON"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "platform", "win32")
    assert not wants_color(Stream(terminal=True))
    monkeypatch.setenv("WT_SESSION", "1")
    assert wants_color(Stream(terminal=True))


def test_which_screen_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    assert type(open_screen(Stream(), "never")) is Screen
    for name in ("rich", "rich.console", "rich.theme"):
        monkeypatch.setitem(sys.modules, name, None)
    screen = open_screen(Stream(), "always")
    assert type(screen) is Screen
    assert screen._painted


@pytest.mark.parametrize(
    ("asked", "columns"), [("", 80), ("100", 100), ("20", 40), ("500", 120), ("0", 80), ("wide", 80), ("-5", 80)]
)
def test_how_wide_a_stream_is(asked: str, columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", asked)
    assert columns_of(Stream()) == columns


def test_a_terminal_without_a_size_has_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert columns_of(Stream(terminal=True)) == 80  # it has no descriptor either


def test_a_closed_stream_is_no_terminal() -> None:
    closed = io.StringIO()
    closed.close()
    assert not is_terminal(closed)
    assert not is_terminal(None)


class Broken(io.StringIO):
    """A stream that cannot be written to."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self._error = error

    def write(self, _: str) -> int:
        raise self._error

    def flush(self) -> None:
        raise self._error


@pytest.mark.parametrize(
    ("platform", "error", "closed"),
    [
        ("linux", BrokenPipeError(32, "Broken pipe"), True),
        ("linux", OSError(28, "No space left on device"), False),
        ("linux", OSError(22, "Invalid argument"), False),
        ("win32", OSError(22, "Invalid argument"), True),  # how Windows speaks of a closed pipe
    ],
)
def test_what_cannot_be_written(platform: str, error: OSError, closed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert output_error(error).closed is closed
    screen = Screen(Broken(error), 80)
    with pytest.raises(OutputError, match=str(error.strerror)):
        screen.put(("x", ""))
    with pytest.raises(OutputError):
        screen.flush()
