"""How the command line is read: a parser whose help rich draws where it can, and what is wrong usage."""

from __future__ import annotations

import argparse
import difflib
import sys
from collections.abc import Iterable

from bprocsim.cli.screen import wants_color


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


def add_seed(parser: argparse.ArgumentParser) -> None:
    """Let a command take `--seed`."""
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of the simulated world (default 0); same seed, same output"
    )


def add_color(parser: argparse.ArgumentParser) -> None:
    """Let a command take `--color`."""
    parser.add_argument(
        "--color",
        choices=("auto", "always", "never"),
        default="auto",
        help="auto: on a terminal, unless NO_COLOR or TERM=dumb says otherwise, and where FORCE_COLOR asks for it",
    )


def unknown(kind: str, given: str, known: Iterable[str]) -> UsageError:
    """Say that there is no such thing, which ones there are, and which may have been meant."""
    names = list(known)
    lowered = {name.lower(): name for name in names}
    close = [lowered[name] for name in difflib.get_close_matches(given.lower(), lowered, n=3, cutoff=0.6)]
    meant = f"; did you mean {' or '.join(close)}?" if close else ""
    return UsageError(f"there is no {kind} {given!r}{meant or ';'} There are: {', '.join(names)}")
