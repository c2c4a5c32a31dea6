"""How the command line is read: a parser whose help rich draws where it can, and what is wrong usage."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from bprocsim.cli.screen import PROSE_COLUMNS, Screen, wants_color
from bprocsim.scenario.problems import did_you_mean

EDITION = "scyld"  # of BProc, if none is asked for
LEVEL = "7.1"  # of AIX, if none is asked for


class UsageError(Exception):
    """The command line asks for what there is not; the text is the one sentence that says so."""


class Parser(argparse.ArgumentParser):
    """A parser whose help is drawn by rich where it is installed and colour is wanted."""

    def format_help(self) -> str:
        """Format the help; rich is imported only now."""
        if wants_color(sys.stdout):
            try:
                from bprocsim.cli.richhelp import HelpFormatter
            except ImportError:  # the extra is not installed
                pass
            else:
                self.formatter_class = HelpFormatter
        return super().format_help()

    def print_help(self, file: Any = None) -> None:
        """Write the help. OutputError, which argparse's own way would swallow."""
        Screen(file or sys.stdout, PROSE_COLUMNS).write(self.format_help())


class Command(Parser):
    """The parser of one command: words too many are its own matter, and not that of `bprocsim`.

    `hint` what is said of them beside.
    """

    hint = ""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Take words apart; ends with 2 if any is left."""
        options, stray = super().parse_known_args(args, namespace)
        if stray:
            self.error(f"unrecognized arguments: {' '.join(stray)}{self.hint}")
        return options, stray


class Version(argparse.Action):
    """`--version`: write it, and end. OutputError, which argparse's own action would swallow."""

    def __init__(self, option_strings: Sequence[str], dest: str, version: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help="show the version and exit")
        self.version = version

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Write the version."""
        Screen(sys.stdout, PROSE_COLUMNS).write(f"{self.version}\n")
        parser.exit()


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Let a command take `--seed`."""
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="seed of the simulated world (default 0); same seed, same output",
    )


def add_color(parser: argparse.ArgumentParser) -> None:
    """Let a command take `--color`."""
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="auto: on a terminal, unless NO_COLOR or TERM=dumb says otherwise, and where FORCE_COLOR asks for it",
    )


def add_rules(parser: argparse.ArgumentParser) -> None:
    """Let a command take `--edition`, `--kernel` and `--level`; their names are checked where they are used."""
    parser.add_argument(
        "--edition", default=EDITION, metavar="NAME", help="edition of BProc: scyld (default), lanl32, bproc4"
    )
    parser.add_argument(
        "--kernel",
        default="documented",
        metavar="NAME",
        help="rules of exec: documented (default, the page's own), linux-2.4, linux-2.6, linux-6",
    )
    parser.add_argument(
        "--level", default=LEVEL, metavar="NAME", help="level of AIX: 5.2, 5.3, 6.1, 6.1.5, 7.1 (default), 7.2, 7.3"
    )


def check_rules(options: argparse.Namespace) -> None:
    """Check `--edition`, `--kernel` and `--level`; UsageError names what there is."""
    import bprocsim as bp

    for kind, known in (("edition", bp.editions), ("kernel", bp.kernels), ("level", bp.levels)):
        given = getattr(options, kind)
        if given not in known:
            raise unknown(kind, given, list(known))


def unknown(kind: str, given: str, there_are: Iterable[str], also: Iterable[str] = ()) -> UsageError:
    """Say in one sentence that there is no such thing, what may have been meant, and what there is.

    `also` are names that are known but not listed.
    """
    names = list(there_are)
    meant = did_you_mean(given, [*also, *names])
    return UsageError(f"there is no {kind} {given!r}{meant}; there are {', '.join(names)}")
