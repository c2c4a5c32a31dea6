"""What is wrong with a scenario: problems with file, line, key, and what was expected."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable
from typing import Any

from attrs import frozen

Path = tuple[str | int, ...]  # keys, and numbers of elements, from the top of the file

SHOWN_CHARACTERS = 60
MANY = 20  # names that are not listed if it is plain which one was meant


@frozen
class Problem:
    """One thing that is wrong: the `path` of keys to it, and what.

    `at_key` it is the key itself, not its value; `where` file and line, or the --set, once known.
    """

    path: Path
    what: str
    at_key: bool = False
    where: str = ""

    def __str__(self) -> str:
        return ": ".join(each for each in (self.where, dotted(self.path), self.what) if each)


class ScenarioError(Exception):
    """A scenario that cannot be run, with all of its `problems`; `name` the file's."""

    def __init__(self, name: str, problems: Iterable[Problem]) -> None:
        self.name = name
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class WrongValue(ValueError):
    """A value is not what its key takes; `at` leads from the key's value to what is wrong in it."""

    def __init__(self, what: str, at: Path = ()) -> None:
        super().__init__(what)
        self.what = what
        self.at = at


def dotted(path: Path) -> str:
    """Write a path as --set takes it: call.0.node."""
    return ".".join(str(each) for each in path)


def did_you_mean(given: str, names: Iterable[str]) -> str:
    """Say which of the names may have been meant, as a remark in parentheses; or nothing."""
    lowered = {name.lower(): name for name in names}
    close = [lowered[name] for name in difflib.get_close_matches(given.lower(), lowered, n=3)]
    return f" (did you mean {' or '.join(close)}?)" if close else ""


def choices(names: Iterable[str], given: str = "") -> str:
    """List what there is; where that is much and something close to what was given, only that."""
    there_are = list(names)
    meant = did_you_mean(given, there_are)
    if meant and len(there_are) > MANY:
        return meant
    return f"{meant}; expected one of {', '.join(there_are)}"


def shown(value: Any) -> str:
    """Write a value as the file has it, shortened."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 3] + "..."


def refused(expected: str, value: Any, at: Path = ()) -> WrongValue:
    """Make the error for a value that is something else."""
    return WrongValue(f"expected {expected}, got {shown(value)}", at)
