"""`bprocsim run`: a scenario's world is built, its calls are made, and held against what was expected."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from bprocsim.cli import scenarios
from bprocsim.cli.screen import Screen
from bprocsim.cli.usage import UsageError

if TYPE_CHECKING:
    from bprocsim.trace import Trace

SUMMARY = "run a scenario file, and compare with what it expects"
DESCRIPTION = """\
Build the world that a scenario file describes, make its calls, show what each
came to, and compare with what was expected. If anything is wrong with the
file, all of it is told with file, line and key, and nothing is run."""
EPILOG = """\
examples:
  bprocsim run first.toml
  bprocsim run first.toml --seed 8 --set cluster.nodes=8
  bprocsim run first.toml --json | python3 -m json.tool
  bprocsim run first.toml --trace - | less

exit status: 0 all came as expected, 1 something did not, 2 wrong file or usage."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `bprocsim run --help`."""
    scenarios.add_file(parser)
    parser.add_argument(
        "--trace", metavar="FILE",
        help="write the trace: as JSON lines to a name that ends in .jsonl, else as text; - is standard output",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="write one JSON document, of one line, in place of text")


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Run a scenario; the last line is the seed."""
    if options.file is None:
        raise UsageError("which scenario? give its file, or - for standard input")
    if options.json and options.trace == "-":
        raise UsageError("--json and --trace - both write to standard output; give the trace a file")
    if options.trace and _same_file(options.trace, options.file):
        raise UsageError(f"--trace: {options.trace} is the scenario itself, and would be lost; give another name")
    loaded, world = scenarios.open_scenario(options)
    if options.trace and not world.trace.keeps:
        raise UsageError("--trace: the scenario keeps no trace; say --set 'trace=\"all\"'")
    report = scenarios.run_all(loaded, world)
    if options.json:
        screen.write(json.dumps(scenarios.document(report), sort_keys=True) + "\n")
    else:
        scenarios.tell(screen, report)
    if options.trace:
        _write(screen, options.trace, world.trace)
    if not options.json:
        scenarios.tell_end(screen, report)
    screen.flush()
    return scenarios.status_of(report)


def _same_file(one: str, other: str) -> bool:
    try:
        return one != "-" != other and Path(one).samefile(other)
    except OSError:
        return False  # one of them is not there


def _write(screen: Screen, name: str, trace: Trace) -> None:
    """Write the trace to a file, or to the screen."""
    if name == "-":
        screen.put()
        screen.write(trace.text())
        return
    text = trace.jsonl() if name.endswith(".jsonl") else trace.text()
    try:
        with Path(name).open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except OSError as error:
        raise UsageError(f"--trace: {name} cannot be written: {error.strerror}") from None
