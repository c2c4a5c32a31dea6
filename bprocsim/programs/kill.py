"""kill: send a signal to processes. Its words are read here for the shell as well, which has it built in."""

from __future__ import annotations

import re

from bprocsim.faces.errors import CallError
from bprocsim.faces.pyos import Proc
from bprocsim.programs.files import Steps
from bprocsim.signals import LAST, Signal

_PID = re.compile(r"-?[0-9]{1,9}", re.ASCII)


class Misread(Exception):
    """Nothing can be made of the words; the text says of which."""


def signal_of(text: str) -> int:
    """Take a signal by its name, with SIG or without, or by its number. Misread: there is none."""
    if text.isascii() and text.isdecimal() and int(text) <= LAST:
        return int(text)
    name = text.upper().removeprefix("SIG")
    found = Signal.__members__.get(f"SIG{name}")
    if found is None:
        raise Misread(f"{text}: invalid signal specification")
    return int(found)


def words_of(words: list[str]) -> tuple[int, list[int]]:
    """Take `[-SIGNAL | -s SIGNAL] [--] pid ...` apart; gives the signal and the pids. Misread: it cannot."""
    signum, rest = int(Signal.SIGTERM), list(words)
    if rest[:1] == ["-s"] and len(rest) > 1:
        signum, rest = signal_of(rest[1]), rest[2:]
    elif rest and rest[0].startswith("-") and rest[0] != "--":
        signum, rest = signal_of(rest[0][1:]), rest[1:]
    if rest[:1] == ["--"]:
        rest = rest[1:]
    if not rest:
        raise Misread("usage: kill [ -s signal | -signal ] pid ...")
    for word in rest:
        if not _PID.fullmatch(word):
            raise Misread(f"{word}: no such process")
    return signum, [int(word) for word in rest]


def kill(proc: Proc) -> Steps:
    """Run it as a command of its own; gives 1 if any signal could not be sent."""
    try:
        signum, pids = words_of(proc.argv[1:])
    except Misread as error:
        yield from proc.print(f"kill: {error}", fd=2)
        return 1
    status = 0
    for pid in pids:
        try:
            yield from proc.kill(pid, signum)
        except CallError as error:
            yield from proc.print(f"kill: {pid}: {error.error.message}", fd=2)
            status = 1
    return status
