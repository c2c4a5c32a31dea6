"""Where two runs part: the first record in which their traces differ."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from attrs import frozen

from bprocsim.testing.plugin.seen import SeenWorld
from bprocsim.trace import Record, Trace


@frozen
class Parting:
    """The first difference of two traces: record `number` from 1 on; what each has there, None behind its end."""

    number: int
    passed: str | None
    failed: str | None


def differences_of(passed: SeenWorld, failed: SeenWorld) -> Iterator[str]:
    """Tell in what two worlds differ that were made in the same place: how they were made, their faults."""
    ours, theirs = failed.made_of(), passed.made_of()
    if ours != theirs:
        yield f"it was {', '.join(theirs)}"
        return
    plans = [[repr(planned.fault) for planned in world.faults] for world in (passed, failed)]
    if plans[0] != plans[1]:
        yield f"its faults were {', '.join(plans[0]) or 'none'}"


def parting_of(passed: Trace, failed: Trace) -> Parting | None:
    """Find the first record in which two traces differ, None if they do not; what was dropped is not compared."""
    if not (passed.keeps and failed.keeps):
        return None
    first = max(passed.dropped, failed.dropped)
    kept = (trace.records[first - trace.dropped :] for trace in (passed, failed))
    for number, (ours, theirs) in enumerate(zip_longest(*kept), first + 1):
        if ours != theirs and _text(ours) != _text(theirs):
            return Parting(number, _text(ours), _text(theirs))
    return None


def _text(record: Record | None) -> str | None:
    return None if record is None else record.text()
