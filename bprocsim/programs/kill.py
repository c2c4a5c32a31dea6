"""kill: send a signal to processes, or list signals. The shell, which has it built in, reads its words by this too.

Source: choice-bproc-commands.
"""

from __future__ import annotations

import re

from bprocsim.faces.errors import CallError
from bprocsim.faces.pyos import Proc
from bprocsim.programs.files import Steps
from bprocsim.signals import LAST, OF_AIX, Signal, known

_KILLED = 128  # a shell's status of who was killed is this and the signal
_WIDTH = 73
_PID = re.compile(r"-?[0-9]{1,9}", re.ASCII)


class Misread(Exception):
    """Nothing can be made of the words; the text says of which."""


def signal_of(text: str) -> int:
    """Take a signal by its name, with SIG or without, or by its number. Misread: there is none."""
    if text.isascii() and text.isdecimal() and int(text) <= LAST:
        return int(text)
    found = _named(text)
    if found is None:
        raise Misread(f"{text}: invalid signal specification")
    return int(found)


def _named(text: str) -> Signal | None:
    return Signal.__members__.get(f"SIG{text.upper().removeprefix('SIG')}")


def words_of(words: list[str]) -> tuple[int, list[int]]:
    """Take `[-SIGNAL | -s SIGNAL] [--] pid ...` apart; gives the signal and the pids. Misread: it cannot."""
    signum, rest = int(Signal.SIGTERM), list(words)
    first = rest[0] if rest else ""
    if first == "-s" and len(rest) > 1:
        signum, rest = signal_of(rest[1]), rest[2:]
    elif first.startswith("-s") and _named(first[1:]) is None and len(first) > 2:
        signum, rest = signal_of(first[2:]), rest[1:]
    elif first.startswith("-") and first != "--":
        signum, rest = signal_of(first[1:]), rest[1:]
    if rest[:1] == ["--"]:
        rest = rest[1:]
    if not rest:
        raise Misread("usage: kill [ -s signal | -signal ] pid ..., or kill -l [ signal ... ]")
    for word in rest:
        if not _PID.fullmatch(word):
            raise Misread(f"{word}: no such process")
    return signum, [int(word) for word in rest]


def listed(words: list[str]) -> list[str] | None:
    """Give what `-l [signal ...]` asks for: the names that there are, or of each signal its name, its number of a name.

    A number above 128 is the status of who was killed. None: that is not asked for. Misread: there is no such signal.
    """
    if not words or not words[0].startswith("-l"):
        return None
    asked = [*([words[0][2:]] if len(words[0]) > 2 else []), *words[1:]]
    if not asked:
        return [each.name.removeprefix("SIG") for each in Signal if each not in OF_AIX]
    return [_told(word) for word in asked]


def _told(word: str) -> str:
    if not (word.isascii() and word.isdecimal()):
        return str(signal_of(word))
    number = int(word[:9])
    found = known(number - _KILLED if number > _KILLED else number)
    if found is None:
        raise Misread(f"{word}: invalid signal specification")
    return found.name.removeprefix("SIG")


def _lines(names: list[str]) -> list[str]:
    """Put names behind one another, on lines that end behind the one that passes a column."""
    lines = [""]
    for name in names:
        lines[-1] += f" {name}" if lines[-1] else name
        if len(lines[-1]) > _WIDTH:
            lines.append("")
    return [line for line in lines if line]


def kill(proc: Proc) -> Steps:
    """Run it as a command of its own; gives 1 if any signal could not be sent."""
    try:
        names = listed(proc.argv[1:])
        if names is not None:
            yield from proc.print("\n".join(_lines(names)))
            return 0
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
