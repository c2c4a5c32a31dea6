"""All that there is in a world, as one flat dict of plain values: to be compared, field by field.

Everything reachable from a cluster is walked: records with their fields, containers with their items
in order, closures, and the frames of programs that stand somewhere. What is met again is told by
where it was met first, so loops end and a changed alias shows.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator, Mapping
from enum import Enum
from functools import partial
from types import BuiltinFunctionType, CodeType, FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

from bprocsim.posix.children import CHILDLESS

ATOMS = (int, str, bytes, float, type(None), Enum, range, type, ModuleType, CodeType, BuiltinFunctionType)

# What may differ although nothing has changed: (class, field) and why.
LEFT_OUT: dict[tuple[str, str], str] = {
    ("Simulation", "trace"): "the trace",
    ("Machine", "trace"): "the trace",
    ("Engine", "env"): "the clock, and SimPy's own heap",
    ("Engine", "events"): "how many events there were",
    ("Engine", "background"): "how many events in SimPy's heap are stale",
    ("Rules", "documented"): "which rows were looked up in the tables of their calls, and are there",
    ("Rules", "hearers"): "who of the test run hears of calls",
    ("PidSpace", "next"): "the pid that a direct call took for itself",
    ("Process", "cpu_ns"): "processor time",
    ("Processors", "busy_ns"): "processor time",
    ("Process", "family"): "what the harness counts of an idle process's calls",
    ("Process", "watchers"): "whom the harness tells of its end",
}

# What stands in many places until there is something in it: nobody changes it, so it is no alias.
SHARED = (CHILDLESS,)

# Where something is only once somebody has asked for it, and the name under which to ask.
MADE_WHEN_ASKED = {("Machine", "_tree"): "tree"}

Parts = Iterator[tuple[str, Any]]


def fields_of(thing: Any) -> list[str]:
    """Name the fields of a record: its slots, those of its bases, and its dict."""
    named: list[str] = []
    for kind in type(thing).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        named += (slots,) if isinstance(slots, str) else slots
    named += getattr(thing, "__dict__", ())
    return [name for name in dict.fromkeys(named) if name not in ("__dict__", "__weakref__")]


def is_simpys(thing: Any) -> bool:
    """Tell whether something is SimPy's own, or one of its events as our engine makes them."""
    return any(kind.__module__.partition(".")[0] == "simpy" for kind in type(thing).__mro__)


def watched(thing: Any) -> list[str]:
    """Name the fields of a record that a snapshot holds and that are set."""
    kind = type(thing).__name__
    if is_simpys(thing):
        return []
    return [name for name in fields_of(thing) if (kind, name) not in LEFT_OUT and hasattr(thing, name)]


def _parts(thing: Any) -> Parts:
    """Give the parts of anything that has some, by name."""
    if isinstance(thing, Mapping):
        for index, (key, value) in enumerate(thing.items()):
            yield f"key {index}", key
            yield f"[{key!r}]" if isinstance(key, ATOMS) else f"[key {index}]", value
        if type(thing) is dict:
            return
    elif isinstance(thing, list | tuple | deque):
        yield "length", len(thing)
        for index, item in enumerate(thing):
            yield f"[{index}]", item
        return
    elif isinstance(thing, set | frozenset):
        yield "items", " ".join(sorted(map(repr, thing)))
        return
    elif isinstance(thing, FunctionType):
        yield "name", thing.__qualname__
        for name, cell in zip(thing.__code__.co_freevars, thing.__closure__ or (), strict=True):
            yield name, cell.cell_contents
        yield "defaults", thing.__defaults__
        return
    elif isinstance(thing, MethodType):
        yield "of", thing.__self__
        yield "function", thing.__func__
        return
    elif isinstance(thing, GeneratorType):
        yield "at", thing.gi_frame.f_lasti if thing.gi_frame is not None else "its end"
        yield "waits in", thing.gi_yieldfrom
        if thing.gi_frame is not None:
            yield from thing.gi_frame.f_locals.items()
        return
    for name in watched(thing):
        # What comes into being when first looked at is looked at: an untouched one equals a new one.
        yield name, getattr(thing, MADE_WHEN_ASKED.get((type(thing).__name__, name), name))


def walk(root: Any) -> Iterator[tuple[str, Any, Any]]:
    """Go through all there is: (path, plain value, the thing itself or None for a value)."""
    seen: dict[int, str] = {}
    kept = []  # so that no id is given out twice
    stack: list[tuple[str, Any]] = [("world", root)]
    while stack:
        path, thing = stack.pop()
        if isinstance(thing, ATOMS):
            yield path, thing, None
            continue
        if any(thing is each for each in SHARED):
            seen.pop(id(thing), None)
        if id(thing) in seen:
            yield path, f"as {seen[id(thing)]}", None
            continue
        seen[id(thing)] = path
        kept.append(thing)
        kind = type(thing)
        if isinstance(thing, bytearray | memoryview):
            yield path, bytes(thing), thing
        elif isinstance(thing, random.Random):
            yield path, thing.getstate(), thing
        elif is_simpys(thing):
            yield path, kind.__name__, thing
        elif isinstance(thing, partial):
            stack += [(f"{path}.function", thing.func), (f"{path}.arguments", thing.args)]
        else:
            yield path, kind.__qualname__, thing
            stack += [(f"{path}.{name}", part) for name, part in _parts(thing)]


def snapshot(root: Any) -> dict[str, Any]:
    """Take down everything."""
    return {path: (type(value).__name__, value) for path, value, _ in walk(root)}


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Say what differs between two snapshots, path by path."""
    return [
        f"{path}: {before.get(path, 'nothing')} -> {after.get(path, 'nothing')}"
        for path in dict.fromkeys([*before, *after])
        if before.get(path) != after.get(path)
    ]
