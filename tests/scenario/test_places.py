"""Lines: right for every key and every value, however a text is laid out."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bprocsim.scenario.places import find_places
from bprocsim.scenario.problems import Path

# ---- texts of which it is known where everything stands ----------------------------------------------

NAMES = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True), st.sampled_from(["a.b", "a b", '"', "#", "é", "["])
)


class Writer:
    """Writes a document piece by piece, and notes the line of each key and value."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.text = ""
        self.keys: dict[Path, int] = {}
        self.values: dict[Path, int] = {}

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def put(self, text: str) -> None:
        self.text += text

    def choose(self, *options: str) -> str:
        return str(self.draw(st.sampled_from(options)))

    def key(self, name: str) -> None:
        plain = name.replace("-", "").replace("_", "").isalnum() and name.isascii()
        forms = [f'"{name.replace(chr(34), chr(92) + chr(34))}"', *([f"'{name}'"] if "'" not in name else [])]
        self.put(self.draw(st.sampled_from([*([name] * 3 if plain else []), *forms])))

    def blank(self, inside: bool = False) -> None:
        """Put what may stand between statements, or inside of an array."""
        for _ in range(self.draw(st.integers(0, 2))):
            self.put(self.choose("\n", "  \n", "# [a] = { 'x' = [\n", '\t# """\n'))
        if inside:
            self.put(self.choose("", " ", "\t"))

    def value(self, path: Path, depth: int, one_line: bool = False) -> None:
        self.values[path] = self.line
        plain = ("1", "0o755", "true", "1.5", "-inf", "1979-05-27 07:32:00", "'x'", '"a\\"b # ]"', '"\\u0041"')
        long = ('"""\n]\n= \\"""\n"""', "'''\n}'\n'''", '"""a""""', "'''b'''''")
        kind = self.draw(st.integers(0, 5)) if depth else 0
        if kind < 3:
            self.put(self.choose(*plain, *(() if one_line else long)))
        elif kind == 3:
            self.array(path, depth, one_line)
        else:
            self.inline(path, depth)

    def array(self, path: Path, depth: int, one_line: bool) -> None:
        self.put("[")
        for number in range(self.draw(st.integers(0, 3))):
            if not one_line:
                self.blank(inside=True)
            self.value((*path, number), depth - 1, one_line)
            self.put(self.choose(",", " ,"))
        if not one_line:
            self.blank(inside=True)
        self.put("]")

    def inline(self, path: Path, depth: int) -> None:
        self.put("{")
        names = self.draw(st.lists(NAMES, max_size=3, unique=True))
        for place, name in enumerate(names):
            self.put(self.choose("", " ") if not place else ", ")
            self.keys[(*path, name)] = self.line
            self.key(name)
            self.put(self.choose("=", " = "))
            self.value((*path, name), depth - 1, one_line=True)
        self.put(self.choose("}", " }"))

    def pairs(self, path: Path) -> None:
        for name in self.draw(st.lists(NAMES, max_size=4, unique=True)):
            self.blank()
            self.put(self.choose("", "  "))
            here: Path = (*path, name)
            self.keys[here] = self.line
            self.key(name)
            if self.draw(st.integers(0, 3)) == 0:  # a dotted key
                self.put(self.choose(".", " . "))
                here = (*here, "inner")
                self.keys[here] = self.line
                self.put("inner")
            self.put(self.choose("=", " = ", "=\t"))
            self.value(here, 2)
            self.put(self.choose("\n", " \n", " # = 3\n"))


@st.composite
def documents(draw: Any) -> Writer:
    writer = Writer(draw)
    writer.pairs(())
    for number in range(draw(st.integers(0, 3))):
        writer.blank()
        table = f"table{number}"
        many = draw(st.booleans())
        for place in range(draw(st.integers(1, 3)) if many else 1):
            path: Path = (table, place) if many else (table,)
            writer.keys.setdefault((table,), writer.line)
            writer.keys[path] = writer.line
            writer.put(f"[[{table}]]" if many else f"[ {table} ]")
            writer.put(draw(st.sampled_from(["\n", " # x\n"])))
            writer.pairs(path)
            if draw(st.booleans()):  # a table within
                inner: Path = (*path, "within")
                if inner not in writer.keys:
                    writer.keys[inner] = writer.line
                    writer.put(f"[{table}.within]\n")
                    writer.pairs(inner)
    return writer


@settings(max_examples=300)
@given(documents(), st.booleans())
@pytest.mark.slow
def test_everything_is_found_in_its_line(writer: Writer, windows: bool) -> None:
    tomllib.loads(writer.text)  # what was written is TOML
    text = writer.text.replace("\n", "\r\n") if windows else writer.text
    found = find_places(text)
    assert found.values == writer.values
    assert found.keys == writer.keys


# ---- by hand -----------------------------------------------------------------------------------------

TEXT = """\
a.b.c = 1
a.b.d = 2

[[call]]
x = 1

[[call]]
x = [
  1,
  # 2,
  { y = 3, z = [4, 5] },
]
[call.expect]
errno = "x"

[[call.inner]]
[[call.inner]]
k = '''
a
b''' # c
last = 1
"""


def test_lines_by_hand() -> None:
    line_of = find_places(TEXT).line_of
    assert line_of(("a", "b", "d")) == 2
    assert line_of(("a", "b")) == 1
    assert line_of(("call",)) == 4
    assert line_of(("call", 1)) == 7
    assert line_of(("call", 1, "x", 0)) == 9
    assert line_of(("call", 1, "x", 1, "z", 1)) == 11
    assert line_of(("call", 1, "expect", "errno")) == 14
    assert line_of(("call", 1, "inner", 0)) == 16
    assert line_of(("call", 1, "inner", 1, "last")) == 21
    assert line_of(("call", 1, "inner", 1, "k"), key=True) == 18


def test_what_is_not_there_has_the_line_of_what_is_around_it() -> None:
    line_of = find_places(TEXT).line_of
    assert line_of(("call", 0, "node")) == 4
    assert line_of(("call", 1, "x", 1, "missing")) == 11
    assert line_of(("missing",)) == 1
