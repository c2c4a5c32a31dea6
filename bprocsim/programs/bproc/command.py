"""What BProc's commands share: their options, what they say when something is wrong, and how they end.

What their documents do not tell of it is a choice of ours. Source: choice-bproc-commands.
"""

from __future__ import annotations

import getopt
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any

from attrs import field, frozen

from bprocsim.bproc.records import BprocVersion
from bprocsim.faces.bproc import BprocProc
from bprocsim.faces.errors import CallError

Steps = Generator[Any, Any, Any]


class Ends(Exception):
    """The command is over: with a status, after a text on descriptor 2, or on 1 where it was asked for."""

    def __init__(self, status: int, said: str = "", fd: int = 2) -> None:
        super().__init__(said)
        self.status, self.said, self.fd = status, said, fd


@frozen
class Options:
    """A command's options: `short` as getopt takes them, `long` the short one that each long one stands for.

    One that has no short one stands for its own name, with ":" behind that if it has a parameter;
    `mixed` options may also come behind other words.
    """

    short: str
    long: dict[str, str] = field(factory=dict)
    mixed: bool = False

    def read(self, name: str, words: list[str]) -> tuple[list[tuple[str, str]], list[str]]:
        """Take words apart: the short options in order, each with its parameter, and what is left. Ends: it cannot."""
        takes = getopt.gnu_getopt if self.mixed else getopt.getopt
        long = [word + "=" * (short.endswith(":") or f"{short}:" in self.short) for word, short in self.long.items()]
        try:
            given, rest = takes(words, self.short, long)
        except getopt.GetoptError as error:
            raise Ends(1, f"{name}: {_complaint(error)}") from None
        return [(self.long.get(option[2:], option[1:]).rstrip(":"), value) for option, value in given], rest


def _complaint(error: getopt.GetoptError) -> str:
    """Say it as the C library of the time did. Source: glibc-getopt."""
    if len(error.opt) != 1:
        what = "requires an argument" if "requires argument" in error.msg else None
        return f"option `--{error.opt}' {what}" if what else f"unrecognized option `--{error.opt}'"
    wants = "requires argument" in error.msg
    return f"option requires an argument -- {error.opt}" if wants else f"invalid option -- {error.opt}"


def run(proc: BprocProc, main: Callable[[list[str]], Steps]) -> Steps:
    """Run a command's `main(words)` as a program; gives its exit status."""
    try:
        status = yield from main(proc.argv[1:])
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
