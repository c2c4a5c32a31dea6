"""The JSON Schema of a scenario file, made from the records: what an editor can complete and check."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from bprocsim.scenario.tables import Scenario

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Give the schema; the class of each table is one of its `$defs`."""
    inner = dict.fromkeys(record for _, record in tables() if record is not Scenario)
    return {
        "$schema": DIALECT,
        "title": "bprocsim scenario",
        **_of(Scenario),
        "$defs": {record.__name__: _of(record) for record in inner},
    }


def tables() -> Iterator[tuple[str, type]]:
    """Give each class of tables once, with where it stands: "" the whole, "call execve", "call expect", ..."""
    waiting: list[tuple[str, str, type]] = [("", "", Scenario)]
    seen: set[type] = {Scenario}
    while waiting:
        path, tag, record = waiting.pop(0)
        yield f"{path} {tag}".strip(), record
        for field in attrs.fields(record):
            for inner_tag, inner in _inner(field.metadata["kind"]):
                if inner not in seen:
                    seen.add(inner)
                    waiting.append((f"{path} {field.name}".strip(), inner_tag, inner))


def bracketed(title: str) -> str:
    """Write where a table stands as the file does: [cluster] nodes, [[call]] execve."""
    name, _, rest = title.partition(" ")
    if not name:
        return "the top of the file"
    many = attrs.fields_dict(Scenario)[name].default == ()
    return f"[[{name}]] {rest}".rstrip() if many else f"[{name}] {rest}".rstrip()


def _inner(kind: Any) -> Iterator[tuple[str, type]]:
    """Give the tables that a kind takes, with what the tag says in each where there is one."""
    if hasattr(kind, "records"):
        by_class: dict[type, list[str]] = {}
        for name in kind.records:
            by_class.setdefault(kind.records[name], []).append(name)
        for record, names in by_class.items():
            yield ", ".join(names), record
    elif hasattr(kind, "record"):
        yield "", kind.record
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
