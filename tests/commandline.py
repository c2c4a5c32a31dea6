"""Command lines typed on a master or on a partition, and what they say."""

from __future__ import annotations

from typing import Any, NamedTuple

import bprocsim as bp


class Said(NamedTuple):
    """What a command came to."""

    status: int
    stdout: str
    stderr: str


def typed(system: bp.Cluster | bp.Lpar, line: str | list[str], **options: Any) -> Said:
    """Run a command line, given as words or with blanks between them."""
    words = line.split() if isinstance(line, str) else line
    done = system.run(words, capture_output=True, **options)
    return Said(done.returncode, *(each.decode("utf-8", "surrogateescape") for each in (done.stdout, done.stderr)))
