"""Arguments as C passes them: strings, vectors of strings, NULL, and addresses that lead nowhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from enum import Enum
from pathlib import PurePath
from typing import Any, ClassVar, Final, Literal

from attrs import define, setters


class _Address(Enum):
    """The one address that no process can read."""

    BAD_ADDRESS = "a pointer to nowhere"

    def __repr__(self) -> str:
        return "BAD_ADDRESS"


BAD_ADDRESS: Final = _Address.BAD_ADDRESS

Nowhere = Literal[_Address.BAD_ADDRESS]
Pointer = bytes | Nowhere


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Vector:
    """argv or envp: its strings up to the NULL that ends it.

    `size_bytes` the strings with their NULs; `unreadable` the vector itself cannot be read;
    `bad_elements` how many of its pointers lead nowhere, the last of them behind `before_bad` strings;
    `null` it is NULL, which some systems take as an empty one.
    """

    changes_later: ClassVar[bool] = False  # said at length, for traces ask it of every argument

    strings: tuple[bytes, ...] = ()
    size_bytes: int = 0
    unreadable: bool = False
    bad_elements: int = 0
    before_bad: int = 0
    null: bool = False

    @property
    def bad_element(self) -> bool:
        """Tell whether one of its pointers leads nowhere."""
        return self.bad_elements > 0

    @property
    def pointers(self) -> int:
        """Count its pointers, without the NULL that ends them."""
        return len(self.strings) + self.bad_elements

    def whole(self) -> Any:
        """Give all of it, for a trace that loses nothing: its strings, and BAD_ADDRESS where that stands."""
        if self.unreadable:
            return BAD_ADDRESS
        return [*self.strings, BAD_ADDRESS] if self.bad_element else list(self.strings)

    def __repr__(self) -> str:
        """Write it as strace does: the first strings, and how many there are if that is not all."""
        if self.unreadable:
            return "BAD_ADDRESS"
        shown = [text[:40].decode("utf-8", "backslashreplace") for text in self.strings[:8]]
        more = f", ... {len(self.strings)} in all" if len(self.strings) > len(shown) else ""
        return f"[{', '.join(map(repr, shown))}{more}]"


EMPTY = Vector()
NULL = Vector(null=True)


def c_string(value: Any, argument: str) -> bytes:
    """Turn a str (UTF-8, surrogateescape), bytes or path into a C string: up to its first NUL.

    TypeError names the argument.
    """
    if value.__class__ is not str and isinstance(value, PurePath):
        value = value.as_posix()
    if isinstance(value, str):
        try:
            text = value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:  # half of a surrogate pair, which stands for no byte
            text = value.encode("utf-8", "surrogatepass")
    elif isinstance(value, bytes):
        text = value
    else:
        raise TypeError(f"{argument}: expected str, bytes or a path, got {value!r}")
    return text if 0 not in text else text[: text.index(0)]  # a number: bytes are looked for slowly


def pointer(value: Any, argument: str) -> Pointer:
    """Take a string argument; None is NULL, which nobody can read."""
    if value is None or value is BAD_ADDRESS:
        return BAD_ADDRESS
    return c_string(value, argument)


def pointer_or_null(value: Any, argument: str) -> Pointer | None:
    """Take a string argument of a call that tells NULL, None, from an address that leads nowhere."""
    return None if value is None else pointer(value, argument)


def of_string(string: bytes) -> Vector:
    """Make a vector of one C string."""
    return Vector((string,), len(string) + 1)


def of_strings(strings: tuple[bytes, ...]) -> Vector:
    """Make a vector of C strings."""
    return Vector(strings, sum(map(len, strings)) + len(strings))


def vector(value: Any, argument: str) -> Vector:
    """Take argv or envp: None is NULL, which is empty, a mapping is NAME=value, an element None ends it.

    Source for NULL as an empty vector: linux-execve2.
    """
    if value is None:
        return NULL
    if value == ():
        return EMPTY
    if value is BAD_ADDRESS:
        return Vector(unreadable=True)
    plain = value.__class__ is list or value.__class__ is tuple  # as nearly all are: asking is slow
    if not plain and isinstance(value, Mapping) and argument != "argv":
        return of_strings(
            tuple(c_string(name, argument) + b"=" + c_string(text, argument) for name, text in value.items())
        )
    # A set has no order of its own, and two runs no common one.
    if not plain and (isinstance(value, str | bytes | Mapping | AbstractSet) or not isinstance(value, Iterable)):
        raise TypeError(f"{argument}: expected a list of strings{_or_mapping(argument)}, got {value!r}")
    strings: list[bytes] = []
    bad_elements = before_bad = 0
    for element in value:
        if element is None:
            break
        if element is BAD_ADDRESS:
            bad_elements, before_bad = bad_elements + 1, len(strings)
        else:
            strings.append(c_string(element, argument))
    made = of_strings(tuple(strings))
    made.bad_elements, made.before_bad = bad_elements, before_bad
    return made


def _or_mapping(argument: str) -> str:
    return "" if argument == "argv" else " or a mapping"
