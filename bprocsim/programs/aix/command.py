"""What AIX's commands share: their words, what they say when they refuse, and how they end.

A command ends with 0 if it did what it was asked for, with 1 if that was refused, and with 2, after
its usage, if nothing could be made of its words. Source: choice-commands.
"""

from __future__ import annotations

import getopt
import re
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import suppress
from typing import Any

from attrs import frozen

from bprocsim.aix.constants import R_MAXPROCS, RS_ALL
from bprocsim.aix.rset import Rset, listed
from bprocsim.faces.aix import AixProc
from bprocsim.faces.errors import CallError

Steps = Generator[Any, Any, Any]

# A number that may stand for a process, a processor or the like; no longer one does.
_NUMBER = re.compile(r"[0-9]{1,10}", re.ASCII)
# A word of a list such as `1 3 5-7 10`.
_OF_LIST = re.compile(r"[0-9]+(-[0-9]+)?,?", re.ASCII)


class Refused(Exception):
    """What was asked for is refused: about what, and why."""


class Misused(Exception):
    """Nothing can be made of the words of a command; the text, if there is one, says of which."""


@frozen
class Command:
    """A command: `main(proc, words)` does it, and raises Refused, Misused or CallError if it does not.

    `usage` the lines that tell how it is written.
    """

    name: str
    usage: tuple[str, ...]
    main: Callable[[Any, list[str]], Steps]

    def __call__(self, proc: AixProc) -> Steps:
        """Run it as a program; gives its exit status."""
        try:
            yield from self.main(proc, proc.argv[1:])
        except Misused as error:
            said = [f"{self.name}: {error}"] if str(error) else []
            said += [("Usage: " if number == 0 else "       ") + line for number, line in enumerate(self.usage)]
            status = 2
        except Refused as error:
            said, status = [f"{self.name}: {error}"], 1
        except CallError as error:
            said, status = [f"{self.name}: {error.error.message}"], 1
        else:
            return 0
        with suppress(CallError):  # nobody can be told
            yield from proc.print("\n".join(said), fd=2)
        return status


def tried(call: Iterable[Any], about: object) -> Steps:
    """Make a call; gives what it returns. Refused: names what it was about, and the errno's message."""
    try:
        return (yield from call)
    except CallError as error:
        raise Refused(f"{about}: {error.error.message}") from None


# ---- words ---------------------------------------------------------------------------------------


def options_of(words: list[str], letters: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Take words apart as getopt does: the flags in order, each with its parameter, and what is left.

    `letters` the flags, those with a parameter followed by ":". Misused: a flag is none, or lacks its parameter.
    """
    try:
        return getopt.getopt(words, letters)
    except getopt.GetoptError as error:
        what = "A flag requires a parameter" if f"{error.opt}:" in letters else "Not a recognized flag"
        raise Misused(f"{what}: {error.opt}") from None


def lists_joined(words: list[str]) -> list[str]:
    """Make one word of each list that the flags -c and -m have been given word by word: `-c 1 3 5-7 10`.

    The last word of all is none of a list, and lists are over once a word is neither flag nor parameter.
    """
    found: list[str] = []
    place, last = 0, len(words) - 1
    while place <= last and re.match(r"-[^-]", words[place]):
        found.append(words[place])
        flag = re.match(r"-[^cm]*[cm](.*)", words[place], re.DOTALL)
        place += 1
        if flag is None:
            continue
        if not flag[1] and place <= last:
            found.append(words[place])
            place += 1
        while place < last and _OF_LIST.fullmatch(words[place]):
            found[-1] += f" {words[place]}"
            place += 1
    return found + words[place:]


def number(text: str, what: str) -> int:
    """Take a number that is not negative; Misused: it is none."""
    if not _NUMBER.fullmatch(text):
        raise Misused(f"{text}: expected {what}")
    return int(text)


def pid_of(text: str) -> int:
    """Take the number of a process; Misused: it is none."""
    return number(text, "the number of a process")


# ---- sets ----------------------------------------------------------------------------------------


def set_of_lists(proc: AixProc, flags: Mapping[str, str]) -> Steps:
    """Make a set of the lists that -c and -m give, if they are given; gives it. Refused: names what is wrong."""
    everything = yield from proc.rs_alloc(RS_ALL)
    most = yield from proc.rs_getinfo(None, R_MAXPROCS)
    return Rset(
        _bits("-c", flags.get("-c"), most - 1),
        _bits("-m", flags.get("-m"), everything.memory.bit_length() - 1),
    )


def _bits(flag: str, text: str | None, highest: int) -> int:
    if text is None:
        return 0
    if not text.strip():
        raise Refused(f"{flag}: expected a list such as 0-3, got nothing")
    # Lists of ids are written with blanks, or as programs of ours write them, with commas.
    commas = text if "," in text else ",".join(text.split())
    if re.search(r"[0-9]{11}", commas):
        raise Refused(f"{flag}: {text!r}: ids go from 0 to {highest}")
    try:
        return listed(commas, flag, highest)
    except ValueError as error:
        raise Refused(str(error)) from None


def ranges(processors: Rset) -> str:
    """Write the processors of a set as commands do, `0-3 6`."""
    return repr(processors).replace(",", " ")
