"""Tables of a file become records, by strict cattrs; whatever is wrong with them is told at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache, partial
from typing import Any, TypeVar

import attrs
from cattrs import (
    AttributeValidationNote,
    BaseValidationError,
    ClassValidationError,
    Converter,
    ForbiddenExtraKeysError,
    IterableValidationError,
)
from cattrs.gen import make_dict_structure_fn, override

from bprocsim.scenario.problems import Path, Problem, WrongValue, choices, refused

T = TypeVar("T")

CONVERTER = Converter(forbid_extra_keys=True, detailed_validation=True)


def structured(value: Any, kind: type[T]) -> T:
    """Make the record that a table describes.

    WrongValue: it is no table. cattrs.ClassValidationError: everything that is wrong in it.
    """
    if not isinstance(value, Mapping):
        raise refused("a table", value)
    made: T = _hook(kind)(value, kind)  # type: ignore[arg-type]
    return made


def structured_list(value: Any, kind: type[T]) -> tuple[T, ...]:
    """Make the records that a list of tables describes; errors as in `structured`, by index."""
    if not isinstance(value, list | tuple):
        raise refused("a list of tables, each begun by a name in double brackets", value)
    made: list[T] = CONVERTER.structure(value, list[kind])  # type: ignore[valid-type]
    return tuple(made)


@cache
def _hook(kind: type) -> Callable[[Any, Any], Any]:
    """Make what structures a class: each field takes what its own kind takes."""
    takers: dict[str, Any] = {
        field.name: override(struct_hook=partial(_take, field.metadata["kind"])) for field in attrs.fields(kind)
    }
    return make_dict_structure_fn(kind, CONVERTER, **takers)


def _take(kind: Any, value: Any, _: Any) -> Any:
    return kind.take(value)


CONVERTER.register_structure_hook_func(
    lambda kind: attrs.has(kind) and all("kind" in field.metadata for field in attrs.fields(kind)), structured
)


# ---- what cattrs found, as problems -----------------------------------------------------------------


def problems_of(error: BaseException, path: Path = (), kind: type | None = None) -> Iterator[Problem]:
    """Tell all that an error of `structured` holds, with the way to each."""
    if isinstance(error, ClassValidationError | IterableValidationError):
        noted, others = error.group_exceptions()
        within = error.cl if isinstance(error, ClassValidationError) else kind
        for each, note in noted:
            step = note.name if isinstance(note, AttributeValidationNote) else note.index
            yield from problems_of(each, (*path, step), within)
        for each in others:
            yield from problems_of(each, path, within)
    elif isinstance(error, BaseValidationError):
        raise AssertionError(f"cattrs has an error that nobody told us of: {error!r}")
    elif isinstance(error, ForbiddenExtraKeysError):
        for name in sorted(error.extra_fields):
            yield Problem((*path, name), _unknown(name, error.cl), at_key=True)
    elif isinstance(error, KeyError):
        assert kind is not None, "a key is missing in a table"
        field = attrs.fields_dict(kind)[str(path[-1])]
        yield Problem(path, f"is missing; expected {field.metadata['kind'].expected}: {field.metadata['doc']}")
    elif isinstance(error, WrongValue):
        yield Problem((*path, *error.at), error.what)
    else:
        raise error


def _unknown(name: str, kind: type) -> str:
    names = [field.name for field in attrs.fields(kind)]
    return f"there is no such key here{_elsewhere(name)}{choices(names, name)}"


MANY = 12  # tables that have a key, of which nothing can be said any more


def _elsewhere(name: str) -> str:
    """Say which tables have a key of that name."""
    from bprocsim.scenario.jsonschema import bracketed, tables  # looked at when something is wrong

    homes = [bracketed(title) for title, record in tables() if name in attrs.fields_dict(record)]
    if not 0 < len(homes) <= MANY:
        return ""
    return f", it belongs to {' or '.join(homes[:3])}{' or others' if len(homes) > 3 else ''}"
