"""`bprocsim about`: pages about bprocsim itself, which its tests write from its tables and recordings."""

from __future__ import annotations

import argparse
from importlib.resources import files

from bprocsim.cli.screen import Screen
from bprocsim.cli.usage import unknown

PAGES = {
    "trust": "how far to trust it: rows, sources, what was held against real systems",
    "editions": "how the editions of BProc differ",
    "kernels": "how the exec rules of the kernels differ",
    "launch": "published launch times beside simulated ones",
    "atlas": "every documented errno of every call, how to come to it, and what came",
}

SUMMARY = "how far to trust it, and how its editions and kernels differ"
DESCRIPTION = "Show a page about bprocsim itself, in Markdown. Without PAGE: which there are."
EPILOG = """\
examples:
  bprocsim about trust
  bprocsim about kernels > kernels.md"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """See `bprocsim about --help`."""
    parser.add_argument("page", nargs="?", metavar="PAGE", help=", ".join(PAGES))


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Show a page, or the list of pages."""
    if options.page is None:
        for name, what in PAGES.items():
            screen.put((f"bprocsim about {name}".ljust(24), "code"), (what, ""))
        return 0
    if options.page not in PAGES:
        raise unknown("page", options.page, PAGES)
    screen.write((files("bprocsim") / "about" / f"{options.page}.md").read_text(encoding="utf-8"))
    return 0
