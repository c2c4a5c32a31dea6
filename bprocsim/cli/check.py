"""`bprocsim check`: all that is wrong with a scenario file, without a call being made."""

from __future__ import annotations

import argparse
import json

from bprocsim.cli import scenarios
from bprocsim.cli.screen import Screen
from bprocsim.cli.usage import UsageError

SUMMARY = "say all that is wrong with a scenario file"
DESCRIPTION = """\
Read a scenario file, build its world, and say all that is wrong with it, each
with file, line, key, and what was expected. No call is made; a program given
as "module:function" is imported. With --schema: write the JSON Schema of
scenario files, by which an editor completes and checks them."""
EPILOG = """\
examples:
  bprocsim check examples/first.toml
  bprocsim check examples/first.toml --set cluster.nodes=8
  bprocsim check --schema | python3 -m json.tool

exit status: 0 nothing is wrong, 2 something is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `bprocsim check --help`."""
    scenarios.add_file(parser)
    parser.add_argument("--schema", action="store_true", help="write the JSON Schema of scenario files, and end")


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Check a scenario, or write the schema."""
    if options.schema:
        from bprocsim.scenario.jsonschema import json_schema

        screen.write(json.dumps(json_schema(), indent=2) + "\n")
        return 0
    if options.file is None:
        raise UsageError("which scenario? give its file, - for standard input, or --schema")
    loaded, _ = scenarios.open_scenario(options)
    scenario = loaded.scenario
    counted = ((len(scenario.file), "file"), (len(scenario.fault), "fault"), (len(scenario.call), "call"))
    there_are = ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counted)
    screen.put((f"{loaded.where.name}: ", ""), ("nothing is wrong", "ok"), (f" ({there_are})", "dim"))
    return 0
