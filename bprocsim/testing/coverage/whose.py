"""Whose code made a call: the user's, a recipe of the kit's, or another part of the package."""

from __future__ import annotations

import sys
from enum import Enum
from types import FrameType

from attrs import frozen


class Maker(Enum):
    """Whose code made a call."""

    USER = "user"
    KIT = "kit"
    PACKAGE = "package"


@frozen
class Made:
    """Whose code made a call, and where it stands: `file` and `line`."""

    maker: Maker
    file: str = ""
    line: int = 0


_PACKAGE = "bprocsim"
# What only carries out a call that somebody else has made.
_CARRIES_OUT = ("aix", "bproc", "engine", "faces", "faults", "kernel", "posix", "world", "testing.coverage")
# A command line is the harness's to start, and what a program has raised is its to print: nobody calls there.
_OF_THE_HARNESS = frozenset({"bprocsim.world.launch", "bprocsim.kernel.life"})
# A generated call is a strategy's idea, and no test's.
_GENERATED = "bprocsim.world.call"

# What was found of each module, by its name: None carries out.
_known: dict[str, Maker | None] = {}


def who_made_it() -> Made:
    """Tell whose code made the call that is now coming back: the nearest that does not merely carry it out."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__") or ""
        if module not in _known:
            _known[module] = _maker_in(module)
        maker = _known[module]
        if maker is not None:
            return Made(maker, frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return Made(Maker.PACKAGE)


def _maker_in(module: str) -> Maker | None:
    package, _, room = module.partition(".")
    if package == "simpy":
        return None
    if package != _PACKAGE:
        return Maker.USER
    if module in _OF_THE_HARNESS:
        return Maker.PACKAGE
    if module == _GENERATED:
        return Maker.KIT
    if any(room == each or room.startswith(f"{each}.") for each in _CARRIES_OUT):
        return None
    return Maker.KIT if room.partition(".")[0] == "testing" else Maker.PACKAGE
