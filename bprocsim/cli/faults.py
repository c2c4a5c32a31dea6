"""`bprocsim faults`: a scenario run once for every single fault that it can meet."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import closing
from typing import TYPE_CHECKING

from bprocsim.bproc.steps import Step
from bprocsim.cli import scenarios
from bprocsim.cli.screen import Progress, Screen
from bprocsim.cli.usage import UsageError

if TYPE_CHECKING:
    from bprocsim.scenario.load import Loaded
    from bprocsim.testing import SingleFault, SingleFaults

SUMMARY = "run a scenario once for every single fault"
DESCRIPTION = """\
Run a scenario once, then once more for each documented errno of each call that
was made in it, and for the death of each node at each step of each move. Tells
which of these runs crash, hang, leave a ghost, a process or a descriptor
behind, or come to what no page allows, and how each is replayed. What is wrong
is held against the run without the fault; what the scenario expects is not
looked at."""
EPILOG = """\
examples:
  bprocsim faults first.toml --call bproc_execmove
  bprocsim faults first.toml --step STREAM --step THAW --all

exit status: 0 nothing is wrong; 1 something is, in one of the runs; 2 the
scenario, or the command line, is wrong."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `bprocsim faults --help`."""
    scenarios.add_file(parser)
    parser.add_argument(
        "--call", action="append", metavar="CALL", help="fail this call alone, a page or one of its calls; repeatable"
    )
    parser.add_argument(
        "--step", action="append", choices=[each.name for each in Step], metavar="STEP",
        help="let nodes die at this step of moves alone; repeatable",
    )  # fmt: skip
    parser.add_argument("--all", action="store_true", help="show every run, also those with which nothing is wrong")
    parser.add_argument("--json", action="store_true", help="write one JSON document, of one line, in place of text")


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Try every single fault; the last line is the seed."""
    if options.file is None:
        raise UsageError("which scenario? give its file, or - for standard input")
    loaded, _ = scenarios.open_scenario(options)
    found = _tried(options, loaded)
    seed = loaded.scenario.seed
    if options.json:
        screen.write(json.dumps(_document(found, seed), sort_keys=True) + "\n")
    else:
        _tell(screen, found, options.all)
        screen.put((f"seed {seed}", "dim"))
    screen.flush()
    return 0 if found.ok else 1


def _tried(options: argparse.Namespace, scenario: Loaded) -> SingleFaults:
    """Make all the runs, and show on stderr how far it is. If one kind is asked for, the other is left out."""
    from bprocsim.testing import each_single_fault

    narrow = options.call is not None or options.step is not None
    calls = options.call or ([] if narrow else None)
    steps = [Step[name] for name in options.step or ()] if narrow else None
    with closing(_Bar()) as bar:
        try:
            return each_single_fault(scenario, calls=calls, steps=steps, progress=bar)
        except ValueError as error:
            raise UsageError(f"--call: {str(error).removeprefix('calls: ')}") from None


class _Bar:
    """How many runs of how many are over."""

    def __init__(self) -> None:
        self._progress: Progress | None = None

    def __call__(self, done: int, of: int) -> None:
        if self._progress is None:
            self._progress = Progress(sys.stderr, of, "runs")
        if done:
            self._progress.step()

    def close(self) -> None:
        if self._progress is not None:
            self._progress.close()


def _tell(screen: Screen, found: SingleFaults, everything: bool) -> None:
    for each in (found.usual, *found) if everything else found.bad:
        _tell_run(screen, each)
    for line in found.summary().splitlines():
        screen.put((line, "ok" if found.ok else "fail"))


def _tell_run(screen: Screen, each: SingleFault) -> None:
    head, *told, replay = each.lines()
    screen.put((head, "label"))
    for line in told:
        for text in screen.wrap(line, scenarios.INDENT, screen.width):
            screen.put((" " * scenarios.INDENT, ""), (text, "" if each.ok else "fail"))
    screen.put((" " * scenarios.INDENT, ""), (replay, "code"))


def _document(found: SingleFaults, seed: int) -> dict[str, object]:
    """Give all of it as one JSON document."""
    happened = found.happening
    return {
        "schema": scenarios.SCHEMA,
        "seed": seed,
        "file": found.name,
        "ok": found.ok,
        "calls": len(happened.calls),
        "steps": len(happened.steps),
        "messages": len(happened.messages),
        "usual": found.usual.document(),
        "runs": [each.document() for each in found],
    }
