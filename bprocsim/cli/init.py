"""`bprocsim init`: a commented scenario to begin with."""

from __future__ import annotations

import argparse
from pathlib import Path

from bprocsim.cli.screen import Screen
from bprocsim.cli.usage import UsageError

SUMMARY = "write a commented scenario to begin with"
DESCRIPTION = """\
Write a scenario file to begin with: a world, a fault and some calls, each key
with a comment that says what it is. A file that is there already is left as
it is, unless --force is given."""
EPILOG = """\
examples:
  bprocsim init -
  bprocsim init - | bprocsim run -
  bprocsim init --lpar lpar.toml

Without a name it writes first.toml; then `bprocsim run first.toml` runs it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `bprocsim init --help`."""
    parser.add_argument(
        "file", nargs="?", default="first.toml", metavar="FILE", help="default first.toml; - is standard output"
    )
    parser.add_argument("--lpar", action="store_true", help="of an AIX partition, in place of a cluster")
    parser.add_argument("--force", action="store_true", help="overwrite a file that is there")


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Write the scenario."""
    from bprocsim.scenario.first import LPAR_TEXT, TEXT, first_scenario

    text = first_scenario(LPAR_TEXT if options.lpar else TEXT)
    if options.file == "-":
        screen.write(text)
        return 0
    try:
        with Path(options.file).open("w" if options.force else "x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{options.file} is there already; give another name, or --force to overwrite it") from None
    except OSError as error:
        raise UsageError(f"{options.file} cannot be written: {error.strerror}") from None
    screen.put((options.file, "code"), (" is written; now: ", ""), (f"bprocsim run {options.file}", "code"))
    return 0
