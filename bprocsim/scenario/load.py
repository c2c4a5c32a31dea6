"""A scenario file from its bytes to a world that is ready to run: everything that is wrong with it at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path as HostPath
from typing import Any

import attrs
from attrs import define, frozen
from cattrs import BaseValidationError

from bprocsim.faces.arguments import child_function
from bprocsim.posix.image import Program
from bprocsim.scenario.checks import check, known_of, without
from bprocsim.scenario.materials import CONTENTS, Material, Outside, materials_of, program_named
from bprocsim.scenario.places import Places, find_places
from bprocsim.scenario.problems import Path, Problem, ScenarioError, WrongValue, dotted
from bprocsim.scenario.strict import problems_of, structured
from bprocsim.scenario.tables import Scenario


@define
class Where:
    """Where a key of a scenario stands: in the file `name` of this `text`, or in a --set."""

    name: str
    text: str | None
    settings: dict[Path, str] = attrs.field(factory=dict)
    _places: Places | None = None

    def of(self, path: Path, at_key: bool = False) -> str:
        """Tell the file and line of a key or a value, or the --set that gave it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.settings:
                return f"--set {self.settings[path[:length]]}"
        line = self.line_of(path, at_key)
        if self._places is not None and path and path not in self._places.keys:
            made = next((name for name in self.settings if name[: len(path)] == path), None)
            if made is not None:  # the table is in no file: this --set has made it
                return f"--set {self.settings[made]}"
        return self.name if line is None else f"{self.name}:{line}"

    def line_of(self, path: Path, at_key: bool = False) -> int | None:
        """Give the line of a key or a value; None where there is no file."""
        if self.text is None:
            return None
        if self._places is None:
            self._places = find_places(self.text)
        return self._places.line_of(path, key=at_key)

    def placed(self, problems: Iterable[Problem]) -> list[Problem]:
        """Tell of each problem where it is, in the order of the file."""
        ordered = sorted(problems, key=lambda each: self.line_of(each.path, each.at_key) or 0)
        return [attrs.evolve(each, where=each.where or self.of(each.path, each.at_key)) for each in ordered]


@frozen
class Loaded:
    """A scenario in which nothing is wrong: `materials` of its files, and where its keys stand.

    `children` the programs that calls of ra_fork name, by the calls' numbers.
    """

    scenario: Scenario
    materials: tuple[Material, ...]
    outside: Outside
    where: Where
    children: dict[int, Program]


def load(data: bytes, name: str, directory: HostPath, settings: Sequence[str] = ()) -> Loaded:
    """Read a scenario; `settings` are `key=value` of --set, `directory` is where its files lie.

    ScenarioError: all that is wrong, each with file, line, key and what was expected.
    """
    text = _decoded(data, name)
    where = Where(name, text)
    values = _parsed(text, where)
    problems = list(_set(values, settings, where))
    return understand(values, where, Outside(directory), problems)


def understand(values: dict[str, Any], where: Where, outside: Outside, problems: Iterable[Problem] = ()) -> Loaded:
    """Make a scenario of what a file, or a token, says. ScenarioError: all that is wrong."""
    wrong = list(problems)
    scenario = _structured(values, wrong)
    unread = {each.path for each in wrong}
    known = known_of(scenario, values, unread)
    wrong += (each for each in check(scenario, known) if each.path not in unread)
    materials = []
    unclear = {each.path[1] for each in wrong if each.path[:1] == ("file",) and {*each.path[2:3]} & {*CONTENTS}}
    for number, made in enumerate(materials_of(scenario.file, outside)):
        if isinstance(made, WrongValue) and not made.at and number in unclear:
            continue  # what it is made of was given, and could not be read
        if isinstance(made, WrongValue):
            wrong.append(Problem(("file", number, *made.at), made.what))
        elif made is not None:
            materials.append(made)
    children = {}
    for number, call in enumerate(scenario.call):
        if hasattr(call, "child"):
            try:
                children[number] = made_child = program_named(call.child, outside)
                given = ("index",) if "vrfork" in call.call else ()
                child_function(made_child.function, call.call, tuple(getattr(call, "args", None) or ()), *given)
            except WrongValue as error:
                wrong.append(Problem(("call", number, "child"), error.what))
            except TypeError as error:
                wrong.append(Problem(("call", number, "child"), str(error).partition("child: ")[2]))
    if wrong:
        raise ScenarioError(where.name, where.placed(wrong))
    return Loaded(scenario, tuple(materials), outside, where, children)


# ---- reading -----------------------------------------------------------------------------------------


def _decoded(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        what = f"expected UTF-8, got byte {data[error.start]:#04x}"
        raise ScenarioError(name, [Problem((), what, where=f"{name}:{line}")]) from None


# What tomllib says in words of its own, and what a reader wants to know.
_TOML_SAYS = {
    "Cannot overwrite a value": "this key has a value already",
    "Cannot declare": "this table stands twice",
    "Duplicate inline table key": "this key has a value already",
    "Illegal character '\\n'": "a text does not end on the line on which it begins",
}


def _parsed(text: str, where: Where) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError:
        what = "this is nested too deeply"
        raise ScenarioError(where.name, [Problem((), what, where=where.name)]) from None
    except ValueError as error:  # tomllib's own, or a number of more digits than Python reads
        found = re.search(r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", str(error), re.DOTALL)
        if found is None:
            raise ScenarioError(where.name, [Problem((), f"this cannot be read: {error}", where=where.name)]) from None
        line = int(found[2] or text.rstrip("\n").count("\n") + 1)
        said = next((ours for theirs, ours in _TOML_SAYS.items() if found[1].startswith(theirs)), found[1])
        what = f"this is no TOML: {said}" + (f" (column {found[3]})" if found[3] else " (at the end)")
        raise ScenarioError(where.name, [Problem((), what, where=f"{where.name}:{line}")]) from None


def _set(values: dict[str, Any], settings: Sequence[str], where: Where) -> Iterable[Problem]:
    """Put the values of --set in their places."""
    for setting in settings:
        name, equals, text = setting.partition("=")
        path: Path = tuple(int(each) if each.isdecimal() else each for each in name.strip().split("."))
        try:
            if not equals or not all(str(each) for each in path):
                raise WrongValue("expected key=value, such as cluster.nodes=8")
            _put(values, path, _toml_value(name.strip(), text.strip()))
        except WrongValue as wrong:
            yield Problem((), wrong.what, where=f"--set {setting}")
        else:
            where.settings[path] = setting


def _toml_value(name: str, text: str) -> Any:
    try:
        value = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        value = {}
    if list(value) != ["value"]:
        as_text = f"; as a text: --set '{name}=\"{text}\"'" if re.fullmatch(r"[\w./ +-]+", text) else ""
        raise WrongValue(
            f"expected a value as TOML has it, such as 8, true or '\"text\"', got {text or 'none'}{as_text}"
        )
    return value["value"]


def _put(values: Any, path: Path, value: Any) -> None:
    """Put a value at the end of a path; tables on the way are made where there are none."""
    for depth, step in enumerate(path, 1):
        if isinstance(values, list):
            if not isinstance(step, int) or step >= len(values):
                there_are = f"there are 0 to {len(values) - 1}" if values else "the list is empty"
                raise WrongValue(f"there is no {dotted(path[:depth])}; {there_are}")
        elif not isinstance(values, dict):
            raise WrongValue(f"{dotted(path[: depth - 1])} is no table")
        here = str(step) if isinstance(values, dict) else step
        if depth == len(path):
            values[here] = value
        elif isinstance(values, dict):
            values = values.setdefault(here, [] if isinstance(path[depth], int) else {})
        else:
            values = values[here]


def _structured(values: dict[str, Any], problems: list[Problem]) -> Scenario:
    """Make the records; of what is wrong the rest is kept, so that it can be checked as well."""
    try:
        return structured(values, Scenario)
    except BaseValidationError as error:
        found = list(problems_of(error))
    problems += found
    kept: dict[str, Any] = {}
    for field in attrs.fields(Scenario):
        if field.name in values and field.name != "schema":
            kept[field.name] = _readable(field, values[field.name], found)
    return Scenario(schema=1, **{name: value for name, value in kept.items() if value is not None})


def _readable(field: Any, value: Any, problems: list[Problem]) -> Any:
    """Give what can be read of one key of the file: None if that is nothing, and for such tables of a list."""
    kind, name = field.metadata["kind"], field.name
    if isinstance(value, list) and field.default == ():
        return tuple(_spared(kind, [each], (name, number), problems, (0,)) for number, each in enumerate(value))
    return _spared(kind, value, (name,), problems, ())


def _spared(kind: Any, value: Any, path: Path, problems: list[Problem], inner: Path) -> Any:
    table = value[0] if inner else value
    for each in problems:
        if each.path[: len(path)] == path:
            table = without(table, each.path[len(path) :])
    try:
        made = kind.take([table] if inner else table)
    except (BaseValidationError, WrongValue):
        return None
    return made[0] if inner else made
