"""The calls of a scenario, made one after the other, each held against what was expected of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import attrs
from attrs import fields, frozen

from bprocsim.aix.rset import Rset, listed, written
from bprocsim.bproc import nodes
from bprocsim.bproc.records import BprocNodeSet
from bprocsim.errnos import Errno
from bprocsim.faces.errors import CallError
from bprocsim.scenario.aixkinds import IDS_MAX
from bprocsim.scenario.bprockinds import STATES
from bprocsim.scenario.build import World
from bprocsim.scenario.callbase import NONE, ExpectTable
from bprocsim.scenario.load import Loaded
from bprocsim.scenario.making import Making
from bprocsim.scenario.tables import CLUSTER
from bprocsim.scenario.values import bytes_of
from bprocsim.signals import Signal
from bprocsim.world.outcome import Outcome
from bprocsim.world.simulation import Deadlock, Runaway, Timeout


class Refused(Exception):
    """A call that could not be made: what the harness was asked for cannot be, as the text says."""

    def __init__(self, number: int, key: str, what: str) -> None:
        super().__init__(what)
        self.number = number
        self.key = key


@frozen
class Missed:
    """One expectation that was not met: its `key`, what was `expected`, and what it was."""

    key: str
    expected: Any
    got: Any


@frozen
class Result:
    """What became of one call: its `outcome`, or how it `raised`; what was `missed`.

    `system` where it was made: "cluster", "lpar", or a partition's name; `filled` what it has filled, as
    plain values.
    """

    number: int
    call: Any
    at_ns: int
    outcome: Outcome | None
    raised: str | None
    why: str
    missed: tuple[Missed, ...]
    system: str = CLUSTER
    filled: Any = None

    @property
    def ok(self) -> bool:
        """Tell whether it came to what was expected of it."""
        return not self.missed


def play(world: World, loaded: Loaded) -> Iterator[Result]:
    """Make the calls in order, and tell what each came to. Refused: one cannot be made.

    After a Runaway no more are made.
    """
    scenario = loaded.scenario
    making = Making(world, loaded)
    for number, call in enumerate(scenario.call):
        began_ns, outcome, raised, why = world.sim.now_ns, None, None, ""
        try:
            outcome = making.make(number, call)
        except (Deadlock, Runaway, Timeout) as error:
            raised, why = type(error).__name__, str(error)
        except CallError as error:
            raise Refused(number, "cwd", f"{error.strerror}") from None
        except (ValueError, TypeError) as error:
            key, colon, what = str(error).partition(": ")
            known = bool(colon) and hasattr(call, key)
            raise Refused(number, key if known else "", what if known else str(error)) from None
        expect = getattr(call, "expect", None) or ExpectTable()
        filled = None if outcome is None else plain_filled(making.filled)
        missed = [*_missed(expect, outcome, raised, filled)]
        if scenario.of_world("strict") and expect.exception is None:
            missed += _exceptions(world, began_ns, outcome)
        yield Result(number, call, began_ns, outcome, raised, why, tuple(missed), making.system, filled)
        if raised == "Runaway":
            return


# ---- what was expected -------------------------------------------------------------------------------


def told(outcome: Outcome) -> dict[str, Any]:
    """Give all of an outcome that a scenario can speak of, by the keys of `expect`, as plain values."""
    value = outcome.value
    return {
        "failed": outcome.failed,
        "returned": outcome.returned,
        "late": outcome.late,
        "value": value if value is None or isinstance(value, int) else str(value),
        "errno": _name(outcome.errno),
        "late_errno": _name(outcome.late_errno),
        "cause": outcome.cause,
        "exit_status": outcome.exit_status,
        "signal": outcome.signal,
        "stdout": outcome.stdout,
        "stderr": outcome.stderr,
        "text": outcome.text,
        "pid": outcome.pid,
        "node": outcome.node,
        "elapsed_ns": outcome.elapsed_ns,
        "pids": list(outcome.pids),
        "causes": list(outcome.causes),
        "rset": None if outcome.rset is None else repr(outcome.rset),
        "sradid": outcome.sradid,
        "exception": None if outcome.exception is None else type(outcome.exception).__name__,
    }


def plain_filled(filled: Any) -> Any:
    """Give what a call has filled as plain values: a text for a set or a buffer, a list, or a table."""
    if isinstance(filled, Rset):
        return repr(filled)
    if isinstance(filled, bytes | bytearray):
        return filled.decode("utf-8", "backslashreplace").removesuffix("\0")
    if isinstance(filled, BprocNodeSet):
        return plain_filled(filled.node)
    if attrs.has(type(filled)):
        return {field.name: _plain(getattr(filled, field.name)) for field in attrs.fields(type(filled))}
    return [_plain(each) for each in filled] if isinstance(filled, list) else None


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | str) else plain_filled(value)


def _name(errno: Errno | None) -> str | None:
    return None if errno is None else errno.name


def _missed(expect: ExpectTable, outcome: Outcome | None, raised: str | None, filled: Any) -> Iterator[Missed]:
    given = {field.name: value for field in fields(ExpectTable) if (value := getattr(expect, field.name)) is not None}
    wanted = given.pop("raises", None)
    if raised != wanted:
        yield Missed("raises", wanted, raised)
    if outcome is None:
        if raised is not None:
            yield from (Missed(name, value, None) for name, value in given.items())
        return
    found = told(outcome) | {"filled": filled}
    for name, value in given.items():
        stream, contains = name.removesuffix("_contains"), name.endswith("_contains")
        expected, got = _meant(stream, value), found[stream]
        if (expected not in got) if contains else not _fits(got, expected):
            yield Missed(name, expected, got)


def _fits(got: Any, expected: Any) -> bool:
    """Tell whether a value is what was expected; of a table those keys are that were given."""
    if isinstance(expected, Mapping):
        return isinstance(got, Mapping) and all(
            name in got and _fits(got[name], value) for name, value in expected.items()
        )
    if isinstance(expected, list | tuple):
        return isinstance(got, list | tuple) and len(got) == len(expected) and all(map(_fits, got, expected))
    return bool(got == expected)


def _exceptions(world: World, since_ns: int, outcome: Outcome | None) -> Iterator[Missed]:
    """Tell what programs raised: all of them, or where no trace is kept the one that was called."""
    if world.trace.keeps:
        raised = [each.exception for each in world.trace.of_kind("raised") if each.at_ns >= since_ns]
    else:
        raised = [repr(outcome.exception)] if outcome is not None and outcome.exception is not None else []
    yield from (Missed("exception", None, each) for each in raised)


def _meant(name: str, value: Any) -> Any:
    """Give what an expected value is in an outcome."""
    if name in ("stdout", "stderr"):
        return bytes_of(value)
    if name == "text":
        return bytes_of(value).decode("utf-8", "replace")
    if value == NONE:
        return None
    if name == "signal" and isinstance(value, str):
        return int(Signal[value])
    if name in ("value", "filled"):
        value = _with_states(value)
    if name in ("rset", "value", "filled") and isinstance(value, str) and not any(each.isalpha() for each in value):
        return written(listed(value, name, IDS_MAX - 1))  # "2,3" is "2-3"
    if name == "causes":
        return [None if each == NONE else each for each in value]
    return list(value) if isinstance(value, tuple) else value


def _with_states(value: Any) -> Any:
    """Give an expected value with the numbers of states in the place of their names."""
    if isinstance(value, Mapping):
        return {key: _with_states(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_with_states(each) for each in value]
    return getattr(nodes, value) if value in STATES else value
