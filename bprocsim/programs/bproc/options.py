"""The options of a command line, met one by one, as the C library's getopt_long meets them. Source: glibc-getopt."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from attrs import field, frozen

from bprocsim.programs.bproc.command import Ends


@frozen
class Options:
    """A command's options: `short` as getopt takes them, `long` the short one that each long one stands for.

    One that has no short one stands for its own name, with ":" behind that if it has a parameter. Options
    may come behind other words, unless `short` begins with "+".
    """

    short: str
    long: dict[str, str] = field(factory=dict)

    def of(self, argv: list[str]) -> Met:
        """Meet those of a command line, whose first word the command is called by."""
        return Met(self, argv)

    def takes(self, option: str) -> bool:
        """Tell whether an option has a parameter."""
        return option.endswith(":") or (len(option) == 1 and f"{option}:" in self.short)


class Met:
    """The options of a command line in their order, as (option, parameter), "" where it has none.

    What has not been met has not been looked at: `operands`, the words that are no options, are known at the end.
    Ends: the next one is none.
    """

    def __init__(self, options: Options, argv: list[str]) -> None:
        self._options, self._words = options, deque(argv[1:])
        self._name = argv[0] if argv else ""
        self.operands: list[str] = []

    def __iter__(self) -> Iterator[tuple[str, str]]:
        while self._words:
            word = self._words.popleft()
            if word == "--":
                break
            if word.startswith("--"):
                yield self._long(word)
            elif word.startswith("-") and word != "-":
                yield from self._cluster(word[1:])
            else:
                self.operands.append(word)
                if self._options.short.startswith("+"):
                    break
        self.operands += self._words
        self._words.clear()

    def _cluster(self, letters: str) -> Iterator[tuple[str, str]]:
        """Meet short options that stand together; the parameter of one is what is left of the word, or the next."""
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter not in self._options.short or letter in "+:":
                raise self._wrong(f"invalid option -- {letter}")
            if not self._options.takes(letter):
                yield letter, ""
            elif letters or self._words:
                yield letter, letters or self._words.popleft()
                return
            else:
                raise self._wrong(f"option requires an argument -- {letter}")

    def _long(self, word: str) -> tuple[str, str]:
        """Meet a long option, whose name may be cut short as long as it is no other's."""
        given, equals, value = word[2:].partition("=")
        long = self._options.long
        names = [given] if given in long else [name for name in long if name.startswith(given)]
        if not names:
            raise self._wrong(f"unrecognized option `{word}'")
        if len({long[name] for name in names}) > 1:
            raise self._wrong(f"option `{word}' is ambiguous")
        option = long[names[0]]
        if not self._options.takes(option):
            if equals:
                raise self._wrong(f"option `--{names[0]}' doesn't allow an argument")
            return option, ""
        if not equals and not self._words:
            raise self._wrong(f"option `{word}' requires an argument")
        return option.rstrip(":"), value if equals else self._words.popleft()

    def _wrong(self, text: str) -> Ends:
        """Say what is wrong, as the C library of the time did."""
        return Ends(1, f"{self._name}: {text}")
