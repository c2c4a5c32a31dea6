"""Where each key and value of a TOML text stands.

tomllib reads the text and says what is wrong with it, but keeps no positions. So this reader goes
over a text that tomllib has accepted, and is asked only when something is to be told of a line.
"""

from __future__ import annotations

import re
import tomllib
from typing import Final

from attrs import define

from bprocsim.scenario.problems import Path

_BLANK: Final = re.compile(r"(?:[ \t\n]+|#[^\n]*)*")
_SPACES: Final = re.compile(r"[ \t]*")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")
_STRINGS: Final = (
    re.compile(r'"""(?:\\.|[^\\])*?"{3,5}(?!")', re.DOTALL),
    re.compile(r"'''.*?'{3,5}(?!')", re.DOTALL),
    re.compile(r'"(?:\\.|[^"\\\n])*"'),
    re.compile(r"'[^'\n]*'"),
)
# A number, a truth or a date: none of them holds one of these.
_PLAIN: Final = re.compile(r"[^,\]}#\n]+")


@define
class Places:
    """The lines of a text by path: where a key stands, and where its value begins."""

    keys: dict[Path, int]
    values: dict[Path, int]

    def line_of(self, path: Path, *, key: bool = False) -> int:
        """Give the line of a value, or of its key; of what stands around it where it is not there."""
        for length in range(len(path), 0, -1):
            here = path[:length]
            found = self.keys.get(here) if key or here not in self.values else self.values[here]
            if found is not None:
                return found
        return 1


def find_places(text: str) -> Places:
    """Find where everything stands in a text that tomllib accepts."""
    return _Reader(text.replace("\r\n", "\n")).read()


class _Reader:
    """Goes over a text once; `here` is the table that keys are for."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line, self._counted = 1, 0
        self._lengths: dict[Path, int] = {}  # of arrays of tables
        self._found = Places({}, {})

    def read(self) -> Places:
        """Go over the whole text."""
        here: Path = ()
        while self._skip(_BLANK) < len(self._text):
            if self._text[self._at] == "[":
                here = self._header()
            else:
                self._pair(here)
        return self._found

    # ---- small steps ----

    def _skip(self, what: re.Pattern[str]) -> int:
        found = what.match(self._text, self._at)
        assert found is not None, f"what tomllib has accepted, at {self._at}"
        self._at = found.end()
        return self._at

    def _line_here(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _name(self) -> str:
        began = self._at
        if self._text[began] not in "\"'":
            return self._text[began : self._skip(_BARE_KEY)]
        self._string()
        (name,) = tomllib.loads(f"{self._text[began : self._at]} = 0")
        return name

    def _names(self) -> list[tuple[str, int]]:
        """Read a key, dotted or not: its parts, each with its line."""
        names = []
        while True:
            self._skip(_SPACES)
            line = self._line_here()
            names.append((self._name(), line))
            self._skip(_SPACES)
            if not self._text.startswith(".", self._at):
                return names
            self._at += 1

    def _string(self) -> None:
        for pattern in _STRINGS:
            found = pattern.match(self._text, self._at)
            if found is not None:
                self._at = found.end()
                return
        raise AssertionError(f"no string at {self._at}")

    # ---- statements ----

    def _header(self) -> Path:
        """Read `[table]` or `[[table]]`; gives the path of the table that it opens."""
        line = self._line_here()
        many = self._text.startswith("[[", self._at)
        self._at += 2 if many else 1
        names = [name for name, _ in self._names()]
        self._at += 2 if many else 1
        path: Path = ()
        for name in names[:-1]:
            path = self._into((*path, name), line)
        path = (*path, names[-1])
        if not many:
            return self._into(path, line)
        self._found.keys.setdefault(path, line)
        number = self._lengths[path] = self._lengths.get(path, 0) + 1
        path = (*path, number - 1)
        self._found.keys[path] = line
        return path

    def _into(self, path: Path, line: int) -> Path:
        """Go into a table; into the last one of an array of tables."""
        self._found.keys.setdefault(path, line)
        return (*path, self._lengths[path] - 1) if path in self._lengths else path

    def _pair(self, here: Path) -> None:
        path = here
        for name, line in self._names():
            path = (*path, name)
            self._found.keys.setdefault(path, line)
        self._at += 1  # the =
        self._skip(_SPACES)
        self._value(path)

    def _value(self, path: Path) -> None:
        self._found.values[path] = self._line_here()
        match self._text[self._at]:
            case '"' | "'":
                self._string()
            case "[":
                self._items(path, "]")
            case "{":
                self._items(path, "}")
            case _:
                self._skip(_PLAIN)

    def _items(self, path: Path, end: str) -> None:
        """Read what stands in brackets: the elements of an array, or the pairs of an inline table."""
        self._at += 1
        number = 0
        while self._text[self._skip(_BLANK)] != end:
            if self._text[self._at] == ",":
                self._at += 1
            elif end == "]":
                self._value((*path, number))
                number += 1
            else:
                self._pair(path)
        self._at += 1
