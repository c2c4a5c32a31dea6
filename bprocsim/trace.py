"""What happened, in order: records, kept as tuples until somebody reads them.

A record is (at_ns, node, pid, kind, details...); `Record` is what a reader gets. Which kinds are
kept depends on the level: "off" nothing, "errors" failures and faults, "all" everything.

Several steps that pass in one wait are written at its end, each with its own instant; who reads
meanwhile sees those that are due. A reader gets the records ordered by time, those of one instant as
they were written. The digest is over the records as they were written: that order too depends on
nothing but the world and its seed, and it needs no record that was dropped.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from copy import copy
from operator import itemgetter
from types import NoneType
from typing import Any

from attrs import frozen

# Each level: whether it keeps failures, whether it keeps all else as well, and how many records
# unless something else is said (None: all of them).
LEVELS: dict[str, tuple[bool, bool, int | None]] = {
    "off": (False, False, None),
    "errors": (True, False, 256),
    "all": (True, True, None),
}

# Each kind of record: the names of its details, in order, and whether level "errors" keeps it.
KINDS: dict[str, tuple[tuple[str, ...], bool]] = {
    "call": (("call", "arguments", "value"), False),
    "fail": (("call", "arguments", "errno", "cause", "value"), True),
    "late": (("call", "errno", "cause", "status"), True),
    "slot": (("call", "slot", "target", "errno", "cause"), True),
    "step": (("step", "about"), False),
    "start": (("program", "argv"), False),
    "exit": (("status",), False),
    "killed": (("signal",), True),
    "signal": (("signal", "sender"), False),
    "write": (("fd", "data"), False),
    "read": (("fd", "data"), False),
    "message": (("message", "to", "size_bytes"), False),
    "loader": (("message",), True),
    "node": (("state",), True),
    "processors": (("online",), True),
    "fault": (("fault",), True),
    "raised": (("exception",), True),
    "io": (("entry", "errno", "cause"), True),
}


@frozen
class Record:
    """One thing that happened: `at_ns`, `node` ("master", "node 2", ...), `pid` (0: none), `kind`, `details`."""

    at_ns: int
    node: str
    pid: int
    kind: str
    details: tuple[Any, ...]

    def __getattr__(self, name: str) -> Any:
        names = KINDS[self.kind][0]
        if name in names:
            return self.details[names.index(name)]
        raise AttributeError(f"a {self.kind!r} record has {', '.join(names)}; not {name!r}")

    def text(self) -> str:
        """Write it on one line, as strace would."""
        pid = f"[{self.pid}]" if self.pid else ""
        return f"{self.at_ns / 1e6:>12.6f} ms  {self.node:<10} {pid:<7} {self.phrase()}"

    def phrase(self) -> str:
        """Write what happened, but not when, where and to whom."""
        text: str = _PHRASES[self.kind](*self.details)
        return text


# What most arguments are, and never changes: looked at first, for asking an object is slow.
_PLAIN = frozenset({int, str, bytes, NoneType})
_CHANGING = frozenset({list, bytearray})


def as_now(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give arguments or results as a trace keeps them: see `lasting`."""
    for value in values:
        kind = value.__class__
        if kind not in _PLAIN and (kind in _CHANGING or getattr(value, "changes_later", False)):
            return tuple([lasting(value) for value in values])
    return values  # as nearly always


def lasting(value: Any) -> Any:
    """Give a value as a trace keeps it: a copy of a list or a buffer, and of what says that it `changes_later`."""
    if value.__class__ is list:
        return [lasting(each) for each in value]
    if value.__class__ is bytearray:
        return bytes(value)
    return copy(value) if getattr(value, "changes_later", False) else value


def _arguments(arguments: tuple[Any, ...]) -> str:
    return ", ".join(_value(argument) for argument in arguments)


def _value(value: Any) -> str:
    if isinstance(value, bytes | bytearray):
        text = repr(bytes(value[:40]))[1:]
        return text + "..." if len(value) > 40 else text
    if callable(value) and hasattr(value, "__name__"):
        return str(value.__name__)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, set | frozenset):
        return "{" + ", ".join(sorted(_value(item) for item in value)) + "}"
    return value if isinstance(value, str) else anonymous(repr(value))


def anonymous(text: str) -> str:
    """Take the addresses of Python's own objects out of a text: no two runs have the same."""
    return re.sub(_ADDRESS, "", text) if " at 0x" in text else text


_ADDRESS = r" at 0x[0-9A-Fa-f]+"  # compiled when first used, as everywhere: `import` is to be fast


_PHRASES: dict[str, Any] = {
    "call": lambda call, arguments, value: f"{call}({_arguments(arguments)}) = {_value(value)}",
    "fail": lambda call, arguments, errno, cause, value: (
        f"{call}({_arguments(arguments)}) = {'NULL' if value is None else value} {errno} ({cause})"
    ),
    "late": lambda call, errno, cause, status: f"{call}: exit {status} after the exec: {errno} ({cause})",
    "slot": lambda call, slot, target, errno, cause: f"{call}: slot {slot}, node {target}: {errno} ({cause})",
    "step": lambda step, about: f"step {step}  {about}",
    "start": lambda program, argv: f"runs {program} {_value(argv)}",
    "exit": lambda status: f"exit({status})",
    "killed": lambda signal: f"killed by {signal}",
    "signal": lambda signal, sender: f"gets {signal} from {sender}",
    "write": lambda fd, data: f"write({fd}, {_value(data)}) = {len(data)}",
    "read": lambda fd, data: f"read({fd}) = {_value(data)}",
    "message": lambda message, to, size_bytes: f"sends {message} to {to} ({size_bytes} bytes)",
    "loader": lambda message: f"loader: {message}",
    "node": lambda state: f"is now {state}",
    "processors": lambda online: f"processors online: {online or 'none'}",
    "fault": lambda fault: f"fault: {fault}",
    "raised": lambda exception: f"raised {exception}",
    "io": lambda entry, errno, cause: f"I/O entry {entry}: {errno} ({cause})",
}


def _plain(value: Any) -> Any:
    """Turn a detail into what JSON holds; bytes one character each, so that nothing is lost."""
    if isinstance(value, bytes | bytearray):
        return value.decode("latin-1")
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    whole = getattr(value, "whole", None)  # a vector of arguments, which only a line of text cuts short
    return _value(value) if whole is None else _plain(whole())


def _line(record: tuple[Any, ...]) -> str:
    import json  # here, since most worlds write none

    at_ns, node, pid, kind, *details = record
    fields = {"at_ns": at_ns, "node": node, "pid": pid, "kind": kind}
    fields.update(zip(KINDS[kind][0], (_plain(detail) for detail in details), strict=True))
    return json.dumps(fields, ensure_ascii=True, separators=(",", ":"))


def _new_hash() -> Any:
    from hashlib import sha256

    return sha256()


_INSTANT = itemgetter(0)

# Gives the records that are due by now of a wait that is under way.
Due = Callable[[], Iterable[tuple[Any, ...]]]


class Trace:
    """The records of one world.

    `level` "off", "errors" or "all"; `limit` how many are kept (None: all of them; under "errors"
    the last 256 unless said otherwise). Older ones are dropped, are counted in `dropped`, and
    still count for the digest.
    ValueError, TypeError: an unknown level, or a limit that is none.
    """

    __slots__ = ("_expected", "_hash", "_kept", "all", "dropped", "keeps", "level", "limit")

    def __init__(self, level: str = "errors", limit: int | None = None) -> None:
        if level not in LEVELS:
            raise ValueError(f"trace: expected one of {', '.join(LEVELS)}, got {level!r}")
        if isinstance(limit, bool) or not isinstance(limit, int | None):
            raise TypeError(f"trace_limit: expected a number of records from 1 on, or None, got {limit!r}")
        if limit is not None and limit < 1:
            raise ValueError(f"trace_limit: expected a number of records from 1 on, or None, got {limit!r}")
        self.level = level
        self.keeps, self.all, usual = LEVELS[level]
        self.limit = usual if limit is None else limit
        self.dropped = 0
        self._kept: deque[tuple[Any, ...]] = deque()
        self._expected: list[Due] = []
        self._hash: Any = None

    def add(self, at_ns: int, node: str, pid: int, kind: str, *details: Any) -> None:
        """Record something that every level but "off" keeps, or anything under "all"."""
        if not self.keeps:
            return
        self._kept.append((at_ns, node, pid, kind, *details))
        if self.limit is not None and len(self._kept) > self.limit:
            self._drop()

    def add_all(self, records: Iterable[tuple[Any, ...]]) -> None:
        """Record several things, each (at_ns, node, pid, kind, details...)."""
        for record in records:
            self.add(*record)

    def expect(self, due: Due) -> Due:
        """Let readers see what is due by now of steps that pass in one wait, until `settle`; gives it back."""
        self._expected.append(due)
        return due

    def settle(self, due: Due) -> None:
        """Write what was due when the wait ended."""
        self._expected.remove(due)
        self.add_all(due())

    def _drop(self) -> None:
        oldest = self._kept.popleft()
        self.dropped += 1
        if self.all:
            if self._hash is None:
                self._hash = _new_hash()
            self._hash.update(_line(oldest).encode() + b"\n")

    def __len__(self) -> int:
        return len(self._kept)

    def _ordered(self) -> list[tuple[Any, ...]]:
        """Give what was kept, by time; ValueError when the trace is off."""
        if not self.keeps:
            raise ValueError("the trace is off; build the world with trace='errors' or trace='all'")
        return sorted([*self._kept, *self._due_by_now()], key=_INSTANT)

    def _due_by_now(self) -> Iterator[tuple[Any, ...]]:
        for due in self._expected:
            yield from due()

    def __iter__(self) -> Iterator[Record]:
        for at_ns, node, pid, kind, *details in self._ordered():
            yield Record(at_ns, node, pid, kind, tuple(details))

    @property
    def records(self) -> tuple[Record, ...]:
        """Give the records, ordered by time; ValueError when the trace is off."""
        return tuple(self)

    def of_kind(self, kind: str) -> tuple[Record, ...]:
        """Give the records of one kind; ValueError when the level does not keep that kind."""
        if kind not in KINDS:
            raise ValueError(f"kind: expected one of {', '.join(KINDS)}, got {kind!r}")
        if not self.all and not (KINDS[kind][1] and self.keeps):
            raise ValueError(f"trace={self.level!r} keeps no {kind!r} records; build the world with trace='all'")
        return tuple(record for record in self if record.kind == kind)

    def text(self) -> str:
        """Write the records line by line, as strace would; ValueError when the trace is off."""
        lines = [record.text() + "\n" for record in self]
        head = f"({self.dropped} earlier records were dropped: trace_limit={self.limit})\n" if self.dropped else ""
        return head + "".join(lines)

    def jsonl(self) -> str:
        """Write the records as JSON Lines; bytes are text in which each character is one byte.

        ValueError when the trace is off.
        """
        return "".join(_line(record) + "\n" for record in self._ordered())

    def digest(self) -> str:
        """Hash every record, dropped ones included; ValueError unless the trace keeps all."""
        if not self.all:
            raise ValueError(f"a digest covers every record: build the world with trace='all', not {self.level!r}")
        whole = _new_hash() if self._hash is None else self._hash.copy()
        for record in (*self._kept, *self._due_by_now()):
            whole.update(_line(record).encode() + b"\n")
        return str(whole.hexdigest())
