"""What a key takes: each kind refuses what it does not take, and describes itself for the schema.

A kind keeps values as they stand in the file, so that a record can be written down again; what they
mean to the world is for `values` and `build`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import attrs
from attrs import field, frozen

from bprocsim.scenario.problems import WrongValue, choices, refused, shown
from bprocsim.scenario.strict import CONVERTER, structured, structured_list

Schema = dict[str, Any]


class Kind(Protocol):
    """What a key takes: `expected` says it in words."""

    @property
    def expected(self) -> str:
        """Say in words what is taken."""

    def take(self, value: Any) -> Any:
        """Give the value back. WrongValue, cattrs.BaseValidationError: it is not taken."""

    def schema(self) -> Schema:
        """Describe it in JSON Schema; `$defs` are named by the classes of records."""


@frozen
class Integer:
    """A whole number from `least` to `most`."""

    least: int | None = None
    most: int | None = None
    what: str = "a whole number"

    @property
    def expected(self) -> str:
        """Say what is taken."""
        if self.least is None:
            return self.what
        if self.least == self.most:
            return str(self.least)
        return f"{self.what} from {self.least} {'on' if self.most is None else f'to {self.most}'}"

    def take(self, value: Any) -> int:
        """Give it back, if it is one. WrongValue."""
        if isinstance(value, bool) or not isinstance(value, int):
            raise refused(self.expected, value)
        if (self.least is not None and value < self.least) or (self.most is not None and value > self.most):
            raise refused(self.expected, value)
        return value

    def schema(self) -> Schema:
        """Describe it in JSON Schema."""
        limits = {"minimum": self.least, "maximum": self.most}
        return {"type": "integer"} | {name: limit for name, limit in limits.items() if limit is not None}


@frozen
class Number:
    """A number from `least` on, below `below`."""

    least: float
    below: float | None = None

    @property
    def expected(self) -> str:
        """Say what is taken."""
        return f"a number from {self.least:g} on" + ("" if self.below is None else f" and below {self.below:g}")

    def take(self, value: Any) -> float:
        """Give it back, if it is one. WrongValue."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise refused(self.expected, value)
        if not self.least <= value < (float("inf") if self.below is None else self.below):
            raise refused(self.expected, value)
        return value

    def schema(self) -> Schema:
        """Describe it in JSON Schema."""
        return {"type": "number", "minimum": self.least} | (
            {} if self.below is None else {"exclusiveMaximum": self.below}
        )


@frozen
class Truth:
    """true or false."""

    expected: str = "true or false"

    def take(self, value: Any) -> bool:
        """Give it back, if it is one. WrongValue."""
        if not isinstance(value, bool):
            raise refused(self.expected, value)
        return value

    def schema(self) -> Schema:
        """Describe it in JSON Schema."""
        return {"type": "boolean"}


@frozen
class Word:
    """A text that is not empty; `begins` how it has to begin."""

    expected: str = "a text"
    begins: str = ""

    def take(self, value: Any) -> str:
        """Give it back, if it is one. WrongValue."""
        if not isinstance(value, str) or not value or not value.startswith(self.begins) or "\0" in value:
            raise refused(self.expected, value)
        return value

    def schema(self) -> Schema:
        """Describe it in JSON Schema."""
        return {"type": "string", "minLength": 1} | ({"pattern": f"^{self.begins}"} if self.begins else {})


@frozen
class Choice:
    """One of the names in `known`, which may still grow; `what` it names."""

    known: Iterable[str]
    what: str

    @property
    def expected(self) -> str:
        """Say what is taken."""
        return f"{self.what}: one of {', '.join(self.known)}"

    def take(self, value: Any) -> str:
        """Give it back, if it is one. WrongValue."""
        if not isinstance(value, str):
            raise refused(self.expected, value)
        if value not in self.known:
            raise WrongValue(f"there is no {self.what} {shown(value)}{choices(self.known, value)}")
        return value

    def schema(self) -> Schema:
        """Describe it in JSON Schema."""
        return {"enum": list(self.known)}


@frozen
class Listed:
    """A list of values of one kind."""

    of: Kind
    many: str

    @property
    def expected(self) -> str:
        """Say what is taken."""
        return f"a list of {self.many}"

    def take(self, value: Any) -> tuple[Any, ...]:
        """Give it back, if it is one. WrongValue."""
        if not isinstance(value, list | tuple):
            raise refused(self.expected, value)
        return tuple(_element(self.of, each, number) for number, each in enumerate(value))

    def schema(self) -> Schema:
        """Describe it in JSON Schema."""
        return {"type": "array", "items": self.of.schema()}


def _element(kind: Kind, value: Any, step: str | int) -> Any:
    try:
        return kind.take(value)
    except WrongValue as wrong:
        raise WrongValue(wrong.what, (step, *wrong.at)) from None


@frozen
class Variables:
    """A table of texts by name: an environment."""

    of: Kind
    expected: str = "a table of texts by name"

    def take(self, value: Any) -> dict[str, Any]:
        """Give it back, if it is one. WrongValue."""
        if not isinstance(value, Mapping):
            raise refused(self.expected, value)
        for name in value:
            if "=" in name or "\0" in name or not name:
                raise WrongValue(f"expected the name of a variable, without =, got {shown(name)}", (name,))
        return {name: _element(self.of, each, name) for name, each in value.items()}

    def schema(self) -> Schema:
        """Describe it in JSON Schema."""
        return {"type": "object", "propertyNames": {"pattern": "^[^=]+$"}, "additionalProperties": self.of.schema()}


@frozen
class Text:
    """A text; or bytes, or a text many times over, or (`pointer`) an address, each as a small table."""

    pointer: bool = False

    @property
    def expected(self) -> str:
        """Say what is taken."""
        forms = ["{ hex }", "{ base64 }", "{ text, times }", *(["{ pointer }"] if self.pointer else [])]
        return f"a text, or a table {', '.join(forms[:-1])} or {forms[-1]}"

    def take(self, value: Any) -> Any:
        """Give it back, if it is one. WrongValue."""
        if isinstance(value, str):
            return value
        if not isinstance(value, Mapping):
            raise refused(self.expected, value)
        form = tuple(sorted(value))
        if form == ("pointer",) and self.pointer:
            _element(POINTER, value["pointer"], "pointer")
        elif form == ("hex",):
            _decoded(value, "hex", bytes.fromhex, "hexadecimal digits, two for each byte")
        elif form == ("base64",):
            _decoded(value, "base64", lambda text: base64.b64decode(text, validate=True), "base64")
        elif form == ("text", "times"):
            _element(Word(), value["text"], "text")
            _element(Integer(0, LONGEST // len(value["text"]), "how many times:"), value["times"], "times")
        else:
            raise refused(self.expected, value)
        return dict(value)

    def schema(self) -> Schema:
        """Describe it in JSON Schema."""
        forms: list[Schema] = [
            {"type": "string"},
            small({"hex": {"type": "string", "pattern": "^([0-9A-Fa-f]{2}|\\s)*$"}}),
            small({"base64": {"type": "string", "contentEncoding": "base64"}}),
            small({"text": {"type": "string", "minLength": 1}, "times": {"type": "integer", "minimum": 0}}),
        ]
        return {"anyOf": [*forms, *([small({"pointer": POINTER.schema()})] if self.pointer else [])]}


LONGEST = 16 * 1024 * 1024  # characters of a text that is written many times over
POINTER = Choice(("null", "bad"), "pointer")


def small(properties: Schema) -> Schema:
    """Describe a table of exactly these keys."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _decoded(value: Mapping[str, Any], form: str, decode: Callable[[str], bytes], expected: str) -> None:
    try:
        decode(value[form])
    except (ValueError, TypeError, binascii.Error):
        raise refused(expected, value[form], (form,)) from None


@frozen
class NodesSpec:
    """Some nodes: a number, or a specification such as "master", "0-2,5", "all", or a list of them."""

    expected: str = "nodes: a number, a specification such as 'master', '0-2,5' or 'all', or a list of them"

    def take(self, value: Any) -> Any:
        """Give it back, if it is one. WrongValue."""
        several = isinstance(value, list | tuple)
        for number, each in enumerate(value if several else [value]):
            if isinstance(each, bool) or not isinstance(each, int | str):
                raise refused(self.expected, each, (number,) if several else ())
        return tuple(value) if several else value

    def schema(self) -> Schema:
        """Describe it in JSON Schema."""
        one: Schema = {"type": ["integer", "string"]}
        return {"anyOf": [one, {"type": "array", "items": one}]}


@frozen
class Either:
    """One of several kinds; which one, the `shape` of the value tells: its type in the file."""

    kinds: Mapping[type, Kind]
    expected: str

    def take(self, value: Any) -> Any:
        """Give it back, if it is one. WrongValue."""
        for shape, kind in self.kinds.items():
            if isinstance(value, shape) and not isinstance(value, bool):
                return kind.take(value)
        raise refused(self.expected, value)

    def schema(self) -> Schema:
        """Describe it in JSON Schema."""
        schemas = [kind.schema() for kind in self.kinds.values()]
        return {"anyOf": [each for place, each in enumerate(schemas) if each not in schemas[:place]]}


# ---- tables ------------------------------------------------------------------------------------------


def _reference(record: type) -> Schema:
    return {"$ref": f"#/$defs/{record.__name__}"}


@frozen
class Table:
    """A table that becomes a record."""

    record: type
    expected: str = "a table"

    def take(self, value: Any) -> Any:
        """Give it back, if it is one. WrongValue."""
        return structured(value, self.record)

    def schema(self) -> Schema:
        """Describe it in JSON Schema."""
        return _reference(self.record)


@frozen
class Tables:
    """A list of tables that become records of one class."""

    record: type
    expected: str = "a list of tables"

    def take(self, value: Any) -> Any:
        """Give it back, if it is one. WrongValue."""
        return structured_list(value, self.record)

    def schema(self) -> Schema:
        """Describe it in JSON Schema."""
        return {"type": "array", "items": _reference(self.record)}


@frozen
class Tagged:
    """A list of tables; the class of each is named by one of its keys, the `tag`."""

    tag: str
    base: type
    records: Mapping[str, type]
    expected: str

    def take(self, value: Any) -> Any:
        """Give it back, if it is one. WrongValue."""
        return structured_list(value, self.base)

    def schema(self) -> Schema:
        """Describe it in JSON Schema."""
        cases = [
            {"if": {"properties": {self.tag: {"const": name}}, "required": [self.tag]}, "then": _reference(record)}
            for name, record in self.records.items()
        ]
        tag = {"properties": {self.tag: {"enum": list(self.records)}}, "required": [self.tag]}
        return {"type": "array", "items": {"type": "object", **tag, "allOf": cases}}


def tagged(tag: str, base: type, records: Mapping[str, type], expected: str) -> Tagged:
    """Let the tables of a list become records of the class that `tag` names; `base` is what all of them are."""
    named = Choice(records, tag)

    def structure(value: Any, _: type) -> Any:
        if not isinstance(value, Mapping):
            raise refused("a table", value)
        if tag not in value:
            raise WrongValue(f"is missing; expected {named.expected}", (tag,))
        return structured(value, records[_element(named, value[tag], tag)])

    CONVERTER.register_structure_hook(base, structure)
    return Tagged(tag, base, records, expected)


def key(kind: Kind, doc: str, default: Any = attrs.NOTHING) -> Any:
    """Declare a key of a table: what it takes, what it means, and what it is when left out."""
    return field(default=default, metadata={"kind": kind, "doc": doc})
