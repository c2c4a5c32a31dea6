"""Values as Python that builds them again, with the public names as a user writes them: bp.NodeSpec(cores=2)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from functools import cache
from inspect import Parameter, signature
from typing import Any

_KIT = "bprocsim.testing."


class Notated:
    """What `repr` writes as Python that builds it again; Hypothesis and IPython print it so too."""

    __slots__ = ()

    def __repr__(self) -> str:
        return notation(self)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(repr(self))


def notation(value: Any) -> str:
    """Write a value as Python; records without the arguments that are as they would be anyway.

    What knows better has a method `notation`. With `import bprocsim as bp` it can be evaluated, unless the
    value holds a function.
    """
    kind = type(value)
    if callable(known := getattr(kind, "notation", None)):
        return str(known(value))
    if isinstance(value, Enum):
        return f"bp.{value!r}" if kind.__name__.startswith("_") else _member(value)
    if kind in (list, tuple, set, frozenset, dict):
        return _collection(kind, value)
    if hasattr(kind, "__attrs_attrs__") or hasattr(kind, "_fields"):
        given = [(each, getattr(value, each.name)) for each in parameters_of(kind).values()]
        return f"{name_of(kind)}({', '.join(_given(given))})"
    return repr(value)


def name_of(kind: type) -> str:
    """Give the public name of a class: bp.NodeSpec, or bp.testing.Case of the kit's."""
    return f"bp.{'testing.' * kind.__module__.startswith(_KIT)}{kind.__name__}"


def parameters_of(kind: Any) -> Mapping[str, Parameter]:
    """Give the parameters by which a class is made."""
    return _parameters_of(kind)


@cache  # whoever tells of many worlds asks often
def _parameters_of(kind: Any) -> Mapping[str, Parameter]:
    return signature(kind).parameters


def call_text(name: str, args: Iterable[Any], keywords: Mapping[str, Any]) -> str:
    """Write a call with these arguments."""
    written = [*map(notation, args), *(_keyword(key, value) for key, value in keywords.items())]
    return f"{name}({', '.join(written)})"


def _keyword(name: str, value: Any) -> str:
    """Write an argument by its name; permission bits as everybody knows them."""
    octal = name.endswith("mode") and type(value) is int and value >= 0
    return f"{name}={f'0o{value:o}' if octal else notation(value)}"


def _given(arguments: Iterable[tuple[Parameter, Any]]) -> Iterable[str]:
    """Write the arguments of a record that are not as they would be if they were left out."""
    for parameter, value in arguments:
        must = parameter.default is Parameter.empty
        if must and parameter.kind is not Parameter.KEYWORD_ONLY:
            yield notation(value)
        elif must or not _same(value, parameter.default):
            yield _keyword(parameter.name, value)


def _same(value: Any, default: Any) -> bool:
    return value is default or (type(value) is type(default) and bool(value == default))


def _member(value: Enum) -> str:
    kind = type(value)
    return f"bp.{value.name}" if kind.__name__ == "Signal" else f"bp.{kind.__name__}.{value.name}"


def _collection(kind: type, value: Any) -> str:
    if kind is dict:
        return "{" + ", ".join(f"{notation(key)}: {notation(each)}" for key, each in value.items()) + "}"
    if kind in (set, frozenset):
        shown = ", ".join(sorted(map(notation, value)))
        plain = "{" + shown + "}" if value else "set()"
        return plain if kind is set else f"frozenset({plain if value else ''})"
    shown = ", ".join(map(notation, value))
    if kind is list:
        return f"[{shown}]"
    return f"({shown},)" if len(value) == 1 else f"({shown})"


class Expression(str):
    """Python, as it is to be written."""

    __slots__ = ()

    def notation(self) -> str:
        """Give it."""
        return str(self)


def recorded(record: Any, known: Mapping[str, Any], records: str) -> Any:
    """Give a record as a user names it: by its name, or a variant of one by what is otherwise in it.

    `known` the records by name, `records` what they are called in public.
    """
    base = known.get(record.name)
    if base is None or base is record:
        return record if base is None else record.name
    pairs = ((each.name, getattr(record, each.name), getattr(base, each.name)) for each in type(record).__attrs_attrs__)
    given = {name: value for name, value, usual in pairs if not _same(value, usual)}
    return Expression(call_text("attrs.evolve", (Expression(f"bp.{records}[{record.name!r}]"),), given))
