"""What `run`, `check` and `replay` share: how a scenario is opened, run, and told of."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bprocsim import __version__
from bprocsim.cli.calltext import SHOWN_CHARACTERS, argument_text, call_text
from bprocsim.cli.screen import Progress, Screen
from bprocsim.cli.usage import UsageError

if TYPE_CHECKING:
    from bprocsim.manual import Placed, Row
    from bprocsim.scenario.build import World
    from bprocsim.scenario.load import Loaded
    from bprocsim.scenario.play import Missed, Result
    from bprocsim.scenario.problems import ScenarioError
    from bprocsim.scenario.report import Report

SCHEMA = 1
INDENT = 6
STDIN = "standard input"
SHOWN_LINES = 8
LABEL = 8
SLOTS_SHOWN = 8


def read_input(name: str) -> tuple[bytes, str, Path]:
    """Read a file, or stdin for "-"; gives its bytes, what to call it, and where files beside it lie.

    UsageError: it cannot be read.
    """
    if name == "-":
        if sys.stdin is None:
            raise UsageError("there is no standard input")
        return sys.stdin.buffer.read(), STDIN, Path()
    try:
        return Path(name).read_bytes(), name, Path(name).parent
    except OSError as error:
        raise UsageError(f"{name} cannot be read: {error.strerror}") from None


def open_scenario(options: argparse.Namespace) -> tuple[Loaded, World]:
    """Read, check and build what a command line names. UsageError, once all that is wrong is told."""
    from bprocsim.scenario.load import load

    data, name, directory = read_input(options.file)
    settings = [*options.set, *([] if options.seed is None else [f"seed={options.seed}"])]
    with told_of():
        loaded = load(data, name, directory, settings)
        return loaded, built(loaded)


def built(loaded: Loaded) -> World:
    """Build the world of a scenario. ScenarioError."""
    from bprocsim.scenario.build import build

    return build(loaded)


@contextlib.contextmanager
def told_of() -> Iterator[None]:
    """Tell on stderr all that is wrong with a scenario, one line each; then UsageError."""
    from bprocsim.scenario.problems import ScenarioError

    try:
        yield
    except ScenarioError as error:
        _say(map(str, error.problems))
        raise UsageError(_counted(error)) from None


def _counted(error: ScenarioError) -> str:
    count = len(error.problems)
    return f"{'one thing is' if count == 1 else f'{count} things are'} wrong with {error.name}; nothing was run"


def _say(lines: Iterator[str]) -> None:
    with contextlib.suppress(OSError):
        for line in lines:
            print(line, file=sys.stderr)


def add_file(parser: argparse.ArgumentParser) -> None:
    """Let a command take a scenario file, `--set` and `--seed`."""
    parser.add_argument("file", nargs="?", metavar="FILE", help="a scenario, or - for standard input")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE",
        help="put a TOML value in the place of one of the file, such as cluster.nodes=8 or call.0.node=3",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the world, in place of the file's")


# ---- running -----------------------------------------------------------------------------------------


def run_all(loaded: Loaded, world: World) -> Report:
    """Make all calls of a scenario; one that cannot be made ends the run."""
    from bprocsim.scenario.report import run_all

    with Progress(sys.stderr, len(loaded.scenario.call), "calls") as progress:
        return run_all(loaded, world, __version__, progress.step)


def status_of(report: Report) -> int:
    """Give the exit status of a run. UsageError: one of its calls could not be made."""
    if report.refused:
        _say(iter([report.refused]))
        raise UsageError(f"call {len(report.results)} cannot be made; it and those after it were not")
    return 0 if report.ok else 1


# ---- telling -----------------------------------------------------------------------------------------


def tell(screen: Screen, report: Report) -> None:
    """Write each call with its outcome and what was expected of it, then the sum."""
    for result in report.results:
        _tell_call(screen, report, result)
    screen.put()
    expecting = [each for each in report.results if _expected(each) or not each.ok]
    failed = [each for each in expecting if not each.ok]
    calls = f"{len(report.results)} call{'' if len(report.results) == 1 else 's'}"
    verdict = (
        f"{len(expecting) - len(failed)} of {len(expecting)} came as expected" if expecting else "nothing expected"
    )
    screen.put((f"{calls}, {verdict}", "fail" if failed else "ok"))
    for fault in report.idle:
        _line(screen, "fault", f"{fault!r} never struck", "fail" if report.strict_faults else "late")


def tell_end(screen: Screen, report: Report) -> None:
    """Write how the run is told apart and replayed; its seed is the last line."""
    if report.digest is not None:
        screen.put(("digest ", "label"), (report.digest, ""))
    screen.put(("replay ", "label"), (f"bprocsim replay {report.token}", "code"))
    screen.put((f"seed {report.seed}", "dim"))


def _tell_call(screen: Screen, report: Report, result: Result) -> None:
    mark = ("FAIL", "fail") if not result.ok else ("ok", "ok") if _expected(result) else ("done", "dim")
    line = report.loaded.where.line_of(("call", result.number))
    head = f"call {result.number}" + ("" if line is None else f", line {line}")
    screen.put((mark[0].ljust(INDENT), mark[1]), (head, "label"), (f" at {_duration(result.at_ns)}", "dim"))
    room = screen.width - INDENT
    text = call_text(result.call)
    screen.put((" " * INDENT, ""), (text if len(text) <= room else text[: room - 3] + "...", "code"))
    outcome = result.outcome
    if outcome is not None:
        _line(screen, "came", _came(outcome, result.system), "late" if outcome.late else "")
        if outcome.rset is not None:
            home = "" if outcome.sradid is None else f", home SRAD {outcome.sradid}"
            _line(screen, "set", f"{_set_text(outcome.rset)}{home}")
        if result.filled is not None and not outcome.failed:
            filled = result.filled
            _line(screen, "filled", _set_text(filled) if isinstance(filled, str) else argument_text(filled))
        if outcome.placed is not None:
            _tell_slots(screen, outcome.placed)
        elif outcome.row is not None:
            _line(screen, "row", f"{outcome.row.errno.name}, {outcome.row.cause}: {outcome.row.sentence}")
        for name, data in (("stdout", outcome.stdout), ("stderr", outcome.stderr)):
            _stream(screen, name, data)
        if outcome.exception is not None:
            _line(screen, "raised", f"{type(outcome.exception).__name__}: {outcome.exception}", "late")
    elif result.raised:
        for place, text in enumerate(result.why.splitlines()):
            _line(screen, result.raised.lower() if not place else "", text.strip(), "late")
    for missed in result.missed:
        where = report.loaded.where.of(("call", result.number, "expect", missed.key))
        _line(screen, "FAIL", f"{where}: {missed_text(missed)}", "fail")


def _tell_slots(screen: Screen, placed: Placed) -> None:
    """Write what a call told of each node: its slots, and each row with the slots of those that it was against."""
    _line(screen, "slots", argument_text(list(placed.pids)))
    against: dict[Row, list[str]] = {}
    for slot, row in enumerate(placed.rows):
        if row is not None:
            against.setdefault(row, []).append(str(slot))
    for row, slots in against.items():
        which = ", ".join(slots) if len(slots) <= SLOTS_SHOWN else f"{', '.join(slots[:SLOTS_SHOWN])}, ..."
        _line(screen, "row", f"slot {which}: {row.errno.name}, {row.cause}: {row.sentence}")


def _duration(ns: int) -> str:
    return f"{ns / 1e6:.3f} ms" if ns < 1_000_000_000 else f"{ns / 1e9:.6f} s"


def _set_text(rset: Any) -> str:
    return repr(rset) if not isinstance(rset, str) else rset or "(empty)"


def _came(outcome: Any, system: str) -> str:
    if outcome.failed:
        came = "-1"
    elif outcome.returned:
        came = f"returned {outcome.value}"
    else:
        came = f"signal {outcome.signal}" if outcome.signal is not None else f"exit {outcome.exit_status}"
    where = f"node {outcome.node}"
    if outcome.node < 0:
        where = {"cluster": "the master", "lpar": "the partition"}.get(system, system)
    after = " AFTER the exec" if outcome.late else ""
    return f"{came}{after}, on {where}, in {_duration(outcome.elapsed_ns)}"


def missed_text(missed: Missed) -> str:
    """Say what was expected and what came in its place."""
    from bprocsim.scenario.tokens import plain

    expected, got = (shown_value(plain(each)) for each in (missed.expected, missed.got))
    if missed.key.endswith("_contains"):
        return f"{missed.key}: expected {expected} in {got}"
    return f"{missed.key}: expected {expected}, got {got}"


def shown_value(value: Any) -> str:
    """Write a value as a scenario has it, shortened; none for None."""
    if value is None:
        return "none"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 2 * SHOWN_CHARACTERS else text[: 2 * SHOWN_CHARACTERS - 3] + "..."


def _expected(result: Result) -> bool:
    from bprocsim.scenario.tables import written

    expect = getattr(result.call, "expect", None)
    return expect is not None and bool(written(expect))


def _line(screen: Screen, label: str, text: str, style: str = "") -> None:
    """Write a labelled line below a call, wrapped."""
    for place, line in enumerate(screen.wrap(text, INDENT + LABEL + 1, screen.width)):
        head = "" if place else label
        screen.put((" " * INDENT + head.ljust(LABEL) + " ", "label"), (line, style))


def _stream(screen: Screen, name: str, data: bytes) -> None:
    """Write the first lines of an output; what a terminal would obey is escaped."""
    text = data.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    lines = text.removesuffix("\n").split("\n") if text else []
    room = screen.width - INDENT - LABEL - 1
    told = []
    for line in lines[:SHOWN_LINES]:
        text = screen.fit("".join(each if each.isprintable() else repr(each)[1:-1] for each in line))
        parts = [text] if len(text) <= room else screen.wrap(text, INDENT + LABEL + 1, screen.width)
        told += [part[at : at + room] for part in parts for at in range(0, max(len(part), 1), room)]
    if len(lines) > SHOWN_LINES:
        told.append(f"... and {len(lines) - SHOWN_LINES} lines more")
    for place, text in enumerate(told):
        screen.put((" " * INDENT + ("" if place else name).ljust(LABEL) + " ", "label"), (text, ""))


# ---- JSON --------------------------------------------------------------------------------------------


def document(report: Report) -> dict[str, Any]:
    """Give all of a run as one JSON document; what it holds is documented by its keys."""
    return {
        "schema": SCHEMA,
        "seed": report.seed,
        "file": report.loaded.where.name,
        "ok": report.ok and not report.refused,
        "problem": report.refused or None,
        "calls": [_entry(report, result) for result in report.results],
        "faults": [{"fault": repr(each.fault), "struck": each.fired} for each in report.world.planned],
        "digest": report.digest,
        "token": report.token,
    }


def _entry(report: Report, result: Result) -> dict[str, Any]:
    from bprocsim.scenario.tables import written
    from bprocsim.scenario.tokens import plain, plain_outcome

    return {
        "number": result.number,
        "line": report.loaded.where.line_of(("call", result.number)),
        "at_ns": result.at_ns,
        "call": written(result.call),
        "ok": result.ok,
        "outcome": None if result.outcome is None else plain_outcome(result.outcome),
        **({"filled": result.filled} if result.filled is not None else {}),
        "raised": result.raised,
        "why": result.why or None,
        "missed": [
            {"key": each.key, "expected": plain(each.expected), "got": plain(each.got)} for each in result.missed
        ],
    }
