"""`bprocsim check`: all that is wrong with a scenario file, without a call being made."""

from __future__ import annotations

import argparse
import json
from typing import Any

from bprocsim.cli import scenarios
from bprocsim.cli.screen import Screen
from bprocsim.cli.usage import UsageError
from bprocsim.scenario.problems import shown

SUMMARY = "say all that is wrong with a scenario file"
DESCRIPTION = """\
Read a scenario file, build its world, and say all that is wrong with it, each
with file, line, key, and what was expected. No call is made; a program given
as "module:function" is imported. With --keys: every key that a scenario may
have. With --schema: the same as JSON Schema, by which an editor completes and
checks."""
EPILOG = """\
examples:
  bprocsim check first.toml
  bprocsim check first.toml --set cluster.nodes=8
  bprocsim check --keys
  bprocsim check --schema | python3 -m json.tool

exit status: 0 nothing is wrong, 2 something is."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `bprocsim check --help`."""
    scenarios.add_file(parser)
    parser.add_argument("--keys", action="store_true", help="tell of every key of a scenario file, and end")
    parser.add_argument("--schema", action="store_true", help="write the JSON Schema of scenario files, and end")


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Check a scenario, or write the schema."""
    if options.schema:
        from bprocsim.scenario.jsonschema import json_schema

        screen.write(json.dumps(json_schema(), indent=2) + "\n")
        return 0
    if options.keys:
        _keys(screen)
        return 0
    if options.file is None:
        raise UsageError("which scenario? give its file, - for standard input, --keys or --schema")
    loaded, _ = scenarios.open_scenario(options)
    scenario = loaded.scenario
    counted = ((len(scenario.file), "file"), (len(scenario.fault), "fault"), (len(scenario.call), "call"))
    there_are = ", ".join(f"{count} {what}{'' if count == 1 else 's'}" for count, what in counted)
    screen.put((f"{loaded.where.name}: ", ""), ("nothing is wrong", "ok"), (f" ({there_are})", "dim"))
    return 0


def _keys(screen: Screen) -> None:
    """Write every key with what it takes and what it means, table by table."""
    import attrs

    from bprocsim.scenario.jsonschema import bracketed, tables

    for title, record in tables():
        fields = attrs.fields(record)
        screen.heading(bracketed(title))
        screen.paragraph((record.__doc__ or "").partition("\n")[0])
        screen.put()
        width = max(len(field.name) for field in fields)
        for field in fields:
            kind, doc = field.metadata["kind"], field.metadata["doc"]
            head = field.name
            for text, style in ((f"{doc}{_default(field)}", ""), (kind.expected, "dim")):
                for line in screen.wrap(text, width + 2, screen.width):
                    screen.put((head.ljust(width + 2), "code"), (line, style))
                    head = ""


def _default(field: Any) -> str:
    """Say what a key is when it is left out, where that is a plain value, and whether it has to be there."""
    import attrs

    if field.default is attrs.NOTHING:
        return " (has to be there)"
    plain = isinstance(field.default, str | int | float) and field.default != ""
    return f" (left out: {shown(field.default)})" if plain else ""
