"""What BProc's commands share: what they say when something is wrong, and how they end.

What their documents do not tell of it is a choice of ours. Source: choice-bproc-commands.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any

from bprocsim.bproc.records import BprocVersion
from bprocsim.faces.bproc import BprocProc
from bprocsim.faces.errors import CallError

Steps = Generator[Any, Any, Any]


class Ends(Exception):
    """The command is over: with a status, after a text on descriptor 2, or on 1 where it was asked for."""

    def __init__(self, status: int, said: str = "", fd: int = 2) -> None:
        super().__init__(said)
        self.status, self.said, self.fd = status, said, fd


def run(proc: BprocProc, main: Callable[[list[str]], Steps]) -> Steps:
    """Run a command's `main(argv)` as a program; gives its exit status."""
    try:
        status = yield from main(proc.argv)
    except Ends as end:
        if end.said:
            with suppress(CallError):  # nobody can be told
                yield from proc.print(end.said, fd=end.fd)
        return end.status
    return status or 0


def version_line(proc: BprocProc, name: str) -> Steps:
    """Give the line that tells a command's version."""
    version = BprocVersion()
    with suppress(CallError):
        yield from proc.bproc_version(version)
    return f"{name} version {version.version_string}"
