"""The JSON Schema of a scenario file, made from the records: what an editor can complete and check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from bprocsim.scenario.tables import Scenario

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Give the schema; the class of each table is one of its `$defs`."""
    return {
        "$schema": DIALECT,
        "title": "bprocsim scenario",
        **_of(Scenario),
        "$defs": {record.__name__: _of(record) for record in records() if record is not Scenario},
    }


def records(kind: type = Scenario) -> Iterator[type]:
    """Give the classes of all tables, each once: the whole first, then what stands in it."""
    waiting, seen = [kind], {kind}
    while waiting:
        record = waiting.pop(0)
        yield record
        for field in attrs.fields(record):
            for inner in _inner(field.metadata["kind"]):
                if inner not in seen:
                    seen.add(inner)
                    waiting.append(inner)


def _inner(kind: Any) -> Iterator[type]:
    """Give the classes of the tables that a kind takes."""
    if hasattr(kind, "records"):
        yield from dict.fromkeys(kind.records[name] for name in kind.records)
    elif hasattr(kind, "record"):
        yield kind.record
    for each in getattr(kind, "kinds", {}).values():
        yield from _inner(each)


def _of(record: type) -> dict[str, Any]:
    fields = attrs.fields(record)
    required = [field.name for field in fields if field.default is attrs.NOTHING]
    return {
        "type": "object",
        "description": (record.__doc__ or "").partition("\n")[0],
        "properties": {
            field.name: {"description": field.metadata["doc"], **field.metadata["kind"].schema()} for field in fields
        },
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }
