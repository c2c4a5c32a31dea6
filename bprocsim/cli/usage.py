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
    """Let a command take `--edition` and `--kernel`; their names are checked where they are used."""
    parser.add_argument(
        "--edition", default="scyld", metavar="NAME", help="edition of BProc: scyld (default), lanl32, bproc4"
    )
    parser.add_argument(
        "--kernel", default="documented", metavar="NAME", help="rules of exec (default: documented, the page's own)"
    )


def check_rules(options: argparse.Namespace) -> None:
    """Check `--edition` and `--kernel`; UsageError names what there is."""
    import bprocsim as bp

    for kind, given, known in (("edition", options.edition, bp.editions), ("kernel", options.kernel, bp.kernels)):
        if given not in known:
            raise unknown(kind, given, known)


def unknown(kind: str, given: str, there_are: Iterable[str], also: Iterable[str] = ()) -> UsageError:
    """Say in one sentence that there is no such thing, what may have been meant, and what there is.

    `also` are names that are known but not listed.
    """
    names = list(there_are)
    lowered = {name.lower(): name for name in [*also, *names]}
    close = [lowered[name] for name in difflib.get_close_matches(given.lower(), lowered, n=3)]
    meant = f" (did you mean {' or '.join(close)}?)" if close else ""
    return UsageError(f"there is no {kind} {given!r}{meant}; there are {', '.join(names)}")
