"""What a state machine does in a step, as data: a call, a fault, a while that passes.

A deed is made of a few bytes, each of which picks one thing: which deed, and each of its words. So
Hypothesis draws once for a step, and makes each byte small by itself when it looks for a simpler
example; for a byte of 0 the simplest stands. A word that may be more than 256 things takes two bytes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from attrs import field, frozen

from bprocsim.notation import Notated, call_text
from bprocsim.scenario.problems import choices

CALL = "call"  # the group of what is called, which can be refused
DIGITS = 9  # bytes of a deed: which, and for its words


class NotNowError(Exception):
    """What a deed needs is not there: a process that waits, a node on which somebody can call."""


class _Left:
    """Stands for a word that is not written."""

    def __repr__(self) -> str:
        return "LEFT"


LEFT: Final = _Left()


class Parts(dict[str, Any]):
    """A value that stands for several words at once."""


@frozen(init=False, repr=False, hash=False)
class Deed(Notated):
    """One thing that a machine does: `Deed("bproc_move", node=1)`, of a name and its words.

    What is in the machine's world stands there by a name or a number: "alice" a user, `caller=0` the
    first of the processes that wait, "new" a fresh thing to be filled. `repr` is Python that makes it again.
    """

    name: str
    words: dict[str, Any]

    def __init__(self, name: str, /, **words: Any) -> None:
        self.__attrs_init__(name, words)

    def notation(self) -> str:
        """Write it as Python."""
        return call_text("bp.testing.Deed", (self.name,), self.words)


# What makes an argument of what a word says, and what does a deed; the machine comes first.
Give = Callable[[Any, Any], Any]
Make = Callable[[Any, dict[str, Any]], Any]


@frozen
class Word:
    """What an argument of a deed may be: its name, `values` the simplest first, and what each stands for.

    A value that is LEFT is not written, and one that is Parts stands for several words. `give(machine,
    value)` makes the argument; without it the value is the argument. NotNowError: there is none now.
    """

    name: str
    values: tuple[Any, ...]
    give: Give | None = None


@frozen
class Action:
    """A kind of deed: its name, its words, and how a machine does it, with the arguments that they stand for.

    `weight` how often it is among a repertoire's, against others; `group` CALL, "fault", or what else it
    is; `gives` what makes the argument of a word, by its name.
    """

    name: str
    words: tuple[Word, ...]
    make: Make
    weight: int = 2
    group: str = CALL
    gives: Mapping[str, Give] = field(factory=dict)

    def do(self, machine: Any, words: Mapping[str, Any]) -> Any:
        """Let a machine do it, with what the words of a deed stand for. NotNowError: it cannot be done now."""
        gives = self.gives
        arguments = {word: gives[word](machine, value) if word in gives else value for word, value in words.items()}
        return self.make(machine, arguments)


@frozen
class Repertoire:
    """All that a machine may do, the simplest first: `offered` with each as often as it weighs."""

    actions: Mapping[str, Action]
    offered: tuple[Action, ...]

    @classmethod
    def of(cls, actions: Iterable[Action]) -> Repertoire:
        """Make one of some actions. ValueError: there are none, or too many for a byte."""
        named = {each.name: each for each in actions}
        offered = tuple(each for each in named.values() for _ in range(each.weight))
        if not 0 < len(offered) <= 256:
            raise ValueError(f"actions: expected 1 to 256 with their weights, got {len(offered)}")
        return cls(MappingProxyType(named), offered)

    def deed(self, digits: bytes) -> Deed:
        """Make the deed of some bytes."""
        digit_of = iter(digits)
        offered = self.offered
        action = offered[next(digit_of) % len(offered)]
        words: dict[str, Any] = {}
        for word in action.words:
            values = word.values
            digit = next(digit_of)
            if len(values) > 256:
                digit = digit << 8 | next(digit_of)
            value = values[digit % len(values)]
            if value.__class__ is Parts:
                words |= value
            elif value is not LEFT:
                words[word.name] = value
        return Deed(action.name, **words)

    def some(self, seed: int, count: int) -> list[Deed]:
        """Make `count` deeds by chance, the same for the same seed; no Hypothesis is needed."""
        drawn = random.Random(f"{seed}/deeds")
        return [self.deed(drawn.randbytes(DIGITS)) for _ in range(count)]

    def action(self, deed: Deed) -> Action:
        """Find the kind of a deed. ValueError: there is no such deed here."""
        found = self.actions.get(deed.name)
        if found is None:
            raise ValueError(f"deed: there is no {deed.name!r} here{choices(self.actions, deed.name)}")
        return found

    def do(self, machine: Any, deed: Deed) -> Any:
        """Let a machine do a deed. ValueError: there is no such deed here. NotNowError: it cannot be done now."""
        return self.action(deed).do(machine, deed.words)


def action(
    name: str, *words: Word, make: Make | None = None, weight: int = 2,
    group: str = CALL, gives: Mapping[str, Give] = MappingProxyType({}),
) -> Action:  # fmt: skip
    """Describe a kind of deed; left out, `make` is the call of that name on the machine's system."""
    known = {word.name: word.give for word in words if word.give is not None}
    return Action(name, words, make or _called(name), weight, group, {**gives, **known})


def _called(name: str) -> Make:
    def make(machine: Any, arguments: dict[str, Any]) -> Any:
        return getattr(machine.system, name)(**arguments)

    return make
