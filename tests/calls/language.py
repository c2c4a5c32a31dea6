"""A language for small programs, played by real processes and by simulated ones.

A script is text: one call a line, children indented below their `fork`. What each call came to is
noted, process by process; the notes of both sides must be equal. A line is

    [names =] call arguments...

Arguments are numbers, "bytes" (or 5000*"x"), names given before, flags such as O_CREAT|O_RDWR, and
signals. `me` is the process itself, the name of a child its pid, -child its group. Lines that begin
with @ build the world first.

Nothing here knows the simulator: the side of the real kernel is played by a Python of its own.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Generator
from typing import Any, NamedTuple, Protocol

Steps = Generator[Any, Any, Any]

_TOKEN = re.compile(r'(?:\d+\*)?"(?:[^"\\]|\\.)*"|\S+')


class Line(NamedTuple):
    """One call: the names it gives, the words, and the lines of a child."""

    names: tuple[str, ...]
    words: tuple[str, ...]
    text: str
    block: tuple[Line, ...]


class Script(NamedTuple):
    """A world, as the words of its @ lines, and a program."""

    title: str
    world: tuple[tuple[str, ...], ...]
    lines: tuple[Line, ...]


class Failed(str):
    """The name of the errno with which a call failed."""

    __slots__ = ()


class Side(Protocol):
    """One process of one side: every call by its name, and what the language needs besides."""

    name: str
    names: dict[str, Any]

    def flag(self, name: str) -> int:
        """Give the number that a constant has on this side."""

    def note(self, text: str) -> None:
        """Write down something that can be seen."""


def read_scripts(text: str) -> dict[str, Script]:
    """Read scripts, each under a line `== title`."""
    scripts = {}
    for part in re.split(r"^== ", text, flags=re.MULTILINE)[1:]:
        title, _, body = part.partition("\n")
        rows = [row for row in body.splitlines() if row.strip() and not row.lstrip().startswith("#")]
        world = tuple(tuple(_TOKEN.findall(row[1:])) for row in rows if row.startswith("@"))
        lines, rest = _block([row for row in rows if not row.startswith("@")], 0)
        assert not rest, f"{title}: {rest[0]!r} is indented oddly"
        assert title not in scripts, title
        scripts[title] = Script(title, world, lines)
    return scripts


def _block(rows: list[str], depth: int) -> tuple[tuple[Line, ...], list[str]]:
    lines: list[Line] = []
    while rows and len(rows[0]) - len(rows[0].lstrip()) == depth:
        text = rows[0].strip()
        names, equals, call = text.partition(" = ")
        words = tuple(_TOKEN.findall(call if equals else text))
        given = tuple(names.split()) if equals else ()
        block, rows = _block(rows[1:], depth + 2)
        lines.append(Line(given, words, text, block))
    return tuple(lines), rows


def value(side: Side, word: str) -> Any:
    """Give what a word stands for."""
    times, star, quoted = word.partition("*")
    if word.endswith('"'):
        if not star or not times.isdecimal():
            times, quoted = "1", word
        text: bytes = ast.literal_eval("b" + quoted)
        return text * int(times)
    if re.fullmatch(r"-?(0o[0-7]+|\d+)", word):
        return int(word, 0)
    if word in side.names:
        return side.names[word]
    if word[0] == "-" and word[1:] in side.names:
        return -side.names[word[1:]]
    return sum(side.flag(each) for each in word.split("|"))


def play(side: Any, lines: tuple[Line, ...]) -> Steps:
    """Make the calls of a script, line by line, and note what each came to."""
    for line in lines:
        call, *words = line.words
        method = getattr(side, "do_" + call)
        if call == "fork":
            result = yield from method(words[0], line.block)
        else:
            result = yield from method(*[value(side, word) for word in words])
        given = (result,) if len(line.names) == 1 else result
        if line.names and not isinstance(result, Failed):
            side.names.update(zip(line.names, given, strict=True))
        if call not in SILENT:
            side.note(f"{line.text} -> {shown(side, result, call in TELL_PIDS)}")


# What these give differs between the sides, or is noted elsewhere.
SILENT = frozenset({"port", "sleep", "busy", "fork"})
# These give a pid, or begin with one.
TELL_PIDS = frozenset({"setsid", "wait", "waitpid"})


def shown(side: Side, result: Any, pid: bool = False) -> str:
    """Write a result: pids by the names of their processes, long bytes by their ends."""
    if isinstance(result, Failed):
        return str(result)
    if isinstance(result, bytes) and len(result) > 60:
        return f"{len(result)} bytes {result[:4]!r}...{result[-4:]!r}"
    if isinstance(result, tuple):
        return "(" + ", ".join(shown(side, each, pid and not place) for place, each in enumerate(result)) + ")"
    if pid and isinstance(result, int):
        return next(name for name, number in side.names.items() if number == result)
    return result if isinstance(result, str) else repr(result)
