"""What a failure report tells of the worlds of a test."""

from __future__ import annotations

from collections.abc import Iterator

from bprocsim.testing.plugin.parting import differences_of, parting_of
from bprocsim.testing.plugin.replaying import as_command
from bprocsim.testing.plugin.seen import SeenRun, SeenWorld
from bprocsim.trace import Trace

LAST = 12  # lines of a trace
LINE_MAX = 200  # characters of one
HEAD_MAX = 2000  # ... and of the Python that builds a world


def lines_of(run: SeenRun, passed: SeenRun | None, what: str) -> Iterator[str]:
    """Tell of the worlds of a run that has failed; `passed` the one to compare with, `what` names that one."""
    kept = len(run.worlds)
    if run.count > kept:
        yield f"{run.count} worlds were made; of the first {run.count - kept} nothing was kept"
    for name, count in run.swept.items():
        yield f"{name} made {count} more, and tells of them itself"
    for world in run:
        yield from _lines_of_world(world, run.count)
        before = None if passed is None else passed.world(world.number)
        if before is not None:
            yield from _lines_of_parting(before, world, what)


def _lines_of_world(world: SeenWorld, count: int) -> Iterator[str]:
    number = f"world {world.number} of {count}: " if count > 1 else "world: "
    yield _cut(f"{number}{', '.join(world.made_of())}", HEAD_MAX)
    faults = [f"    {planned!r}" for planned in world.faults]
    yield from ["  faults:", *faults] if faults else ["  faults: none"]
    yield from _lines_of_trace(world.trace)
    yield from (f"  this world alone: {as_command(words)}" for words in world.replays)


def _lines_of_trace(trace: Trace) -> Iterator[str]:
    if not trace.keeps:
        yield '  trace: off (trace="errors" or trace="all" keeps one)'
        return
    records = trace.records
    about = "" if trace.all else ', failures and faults alone; trace="all" keeps everything'
    whole = trace.dropped + len(records)
    if not records:
        yield f"  trace: no records{about}"
        return
    which = f"the last {LAST} of {whole} records" if whole > LAST else f"{whole} record{'s' * (whole > 1)}"
    yield f"  trace: {which}{about}"
    yield from (f"    {_cut(record.text())}" for record in records[-LAST:])


def _lines_of_parting(passed: SeenWorld, failed: SeenWorld, what: str) -> Iterator[str]:
    """Tell where a world parts from the same world of a run that has passed."""
    yield from (f"  in {what}, {difference}" for difference in differences_of(passed, failed))
    parting = parting_of(passed.trace, failed.trace)
    if parting is not None:
        yield f"  it parts from {what} at record {parting.number} of the trace:"
        yield f"    passed: {_cut(parting.passed or '(nothing more)')}"
        yield f"    failed: {_cut(parting.failed or '(nothing more)')}"


def _cut(line: str, most: int = LINE_MAX) -> str:
    return line if len(line) <= most else line[: most - 3] + "..."
