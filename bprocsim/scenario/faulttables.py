"""[[fault]] tables: one class for each fault that there is, made of the fault's own fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from attrs import frozen

from bprocsim.bproc.steps import Step
from bprocsim.errnos import Errno
from bprocsim.faults import records
from bprocsim.scenario.commonkinds import SYSTEM
from bprocsim.scenario.kinds import Choice, Integer, Kind, Number, Tagged, Word, key, tagged

_NODE = Integer(-1, what="a node number (-1 is the master)")
_NS = Integer(0, what="nanoseconds")

# Each field of a fault: what it takes in a file, and what it means.
FAULT_KEYS: dict[str, tuple[Kind, str]] = {
    "node": (_NODE, "where it strikes"),
    "a": (_NODE, "one end of the link"),
    "b": (_NODE, "the other end"),
    "at_ns": (_NS, "when, since the world began"),
    "until_ns": (_NS, "when it is over; left out: never"),
    "step": (Choice([each.name for each in Step], "step"), "when a move that the node takes part in reaches it"),
    "times": (Integer(1), "how many times as long everything takes"),
    "probability": (Number(0, 1), "of each message to be lost, or of each call to fail"),
    "core": (Integer(0, what="a core of the partition"), "which core"),
    "path": (Word("an absolute path", begins="/"), "what cannot be read"),
    "free_bytes": (Integer(0, what="a number of bytes"), "how much is left"),
    "files": (Integer(0), "how many more may be open"),
    "port": (Integer(0, 65535, "a port"), "what is refused"),
    "name": (Word("a name"), "the library"),
    "call": (Word("a call, or its page"), "which call fails"),
    "errno": (Choice([each.name for each in Errno], "errno"), "what it reports, one that its page has"),
    "when": (Word('an occasion such as "3", "2+" or "1..9+2"'), "which of the calls; left out: all"),
    "cause": (Word("the id of a row"), "which of the rows that report the errno; left out: the first"),
}


# Faults of one machine: a node's, or a partition's.
OF_ONE_MACHINE = frozenset({"CallFails", "IoError", "MemoryFull", "OpenFileLimit", "ConnectRefused", "LibraryMissing"})


@frozen(kw_only=True)
class FaultTable:
    """What goes wrong in the world."""

    kind: str = key(Word("a fault"), "which fault: a class of bp.faults")


class _Faults(Mapping[str, type]):
    """The class of each fault's table by its kind; one is made when a scenario first has it."""

    def __init__(self) -> None:
        self._made: dict[str, type] = {}
        self._known = {
            name: kind
            for name, kind in vars(records).items()
            if isinstance(kind, type) and issubclass(kind, records.Fault) and kind is not records.Fault
        }

    def __getitem__(self, kind: str) -> type:
        if kind not in self._made:
            self._made[kind] = _table_of(self._known[kind])
        return self._made[kind]

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, kind: object) -> bool:
        return kind in self._known


def _table_of(fault: type) -> type:
    """Make the class of a fault's table: its fields, with None for what may be left out."""
    keys: dict[str, Any] = {}
    for field in attrs.fields(fault):
        kind, doc = FAULT_KEYS[field.name]
        keys[field.name] = key(kind, doc, attrs.NOTHING if field.default is attrs.NOTHING else None)
    if fault.__name__ in OF_ONE_MACHINE:
        keys["system"] = key(SYSTEM, "where, if there are two; left out: on the cluster", None)
    made = attrs.make_class(f"{fault.__name__}Table", keys, bases=(FaultTable,), frozen=True, kw_only=True)
    made.__doc__ = fault.__doc__
    return made


FAULTS: Mapping[str, type] = _Faults()
FAULT_TABLES: Tagged = tagged("kind", FaultTable, FAULTS, "a list of tables, each with its kind of fault")


def fault_of(table: FaultTable) -> records.Fault:
    """Make the fault that a table describes. ValueError: names the fields that do not fit each other."""
    given = attrs.asdict(table, recurse=False)
    given.pop("system", None)
    made: type[records.Fault] = getattr(records, given.pop("kind"))
    given = {name: value for name, value in given.items() if value is not None}
    if "step" in given:
        given["step"] = Step[given["step"]]
    if "errno" in given:
        given["errno"] = Errno[given["errno"]]
    return made(**given)


def table_of(fault: records.Fault) -> FaultTable:
    """Make the table that describes a fault: what `fault_of` takes. ValueError: a path that is no UTF-8."""
    values = {field: getattr(fault, field.name) for field in attrs.fields(type(fault))}
    given = {field.name: value for field, value in values.items() if value != field.default}
    for name in {"step", "errno"} & set(given):
        given[name] = given[name].name
    if "path" in given:
        given["path"] = _text_of(given["path"])
    kind = type(fault).__name__
    made: FaultTable = FAULTS[kind](kind=kind, **given)
    return made


def _text_of(path: Any) -> str:
    try:
        return path.decode() if isinstance(path, bytes) else str(path)
    except UnicodeDecodeError:
        raise ValueError(f"path: a scenario has paths in UTF-8 alone, got {path!r}") from None
