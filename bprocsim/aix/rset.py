"""Resource sets: what they hold, how they are written, and the algebra on them.

Processors and memory pools are bits of ints: bit n of `processors` stands for logical id n. The
functions here are pure; the calls that answer with errnos are in `rsetcalls`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from typing import Any, Final, Self

from bprocsim.aix.topology import Topology, members


class Rset:
    """A resource set that its caller owns: a handle, as in C.

    `processors` logical ids and `memory` memory pools, as bits. `freed` after rs_free: every call
    finds a bad address. `|`, `&`, `-` give new sets. Length, iteration, `in`, `==` and `<=` speak of
    the logical ids alone, so that a set is what it is written as; rs_op compares memory pools too.
    """

    __slots__ = ("freed", "memory", "processors")
    changes_later = True  # see trace.as_now

    def __init__(self, processors: int = 0, memory: int = 0) -> None:
        if processors.__class__ is not int or processors < 0:
            raise TypeError(f"processors: expected bits in an int, got {processors!r}; write lpar.rset('0-3')")
        self.processors = processors
        self.memory = memory
        self.freed = False

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rset):
            return NotImplemented
        return self.processors == other.processors

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __or__(self, other: Rset) -> Rset:
        if not isinstance(other, Rset):
            return NotImplemented
        return Rset(self.processors | other.processors, self.memory | other.memory)

    def __and__(self, other: Rset) -> Rset:
        if not isinstance(other, Rset):
            return NotImplemented
        return Rset(self.processors & other.processors, self.memory & other.memory)

    def __sub__(self, other: Rset) -> Rset:
        if not isinstance(other, Rset):
            return NotImplemented
        return Rset(without(other.processors, self.processors), without(other.memory, self.memory))

    def __le__(self, other: Rset) -> bool:
        if not isinstance(other, Rset):
            return NotImplemented
        return is_contained(self.processors, other.processors)

    def __contains__(self, processor: object) -> bool:
        return isinstance(processor, int) and processor >= 0 and bool(self.processors >> processor & 1)

    def __iter__(self) -> Iterator[int]:
        return members(self.processors)

    def __len__(self) -> int:
        return self.processors.bit_count()

    def __copy__(self) -> Rset:
        made = Rset.__new__(Rset)
        made.processors, made.memory, made.freed = self.processors, self.memory, self.freed
        return made

    def copy(self) -> Rset:
        """Give another set that holds the same."""
        return Rset(self.processors, self.memory)

    @classmethod
    def of(cls, processors: str = "", memory: str = "") -> Self:
        """Make a set of lists such as "0-3,6", of any ids; a level's limits are those of `lpar.rset`.

        ValueError: names the argument, the position, and what was expected there.
        """
        return cls(*(listed(text, name, _ANY) for text, name in ((processors, "processors"), (memory, "memory"))))

    def notation(self) -> str:
        """Give Python that makes a set that holds the same."""
        given = [repr(written(self.processors)), *([f"memory={written(self.memory)!r}"] if self.memory else [])]
        return f"bp.Rset.of({', '.join(given)})"

    def __repr__(self) -> str:
        return "freed" if self.freed else written(self.processors)


# Higher than any id of any level.
_ANY = 4095


class _Handle(Enum):
    """A handle that stands for no set of the caller's."""

    RS_DEFAULT = "the system's default set"

    def __repr__(self) -> str:
        return self.name


# In place of a set, for rs_setpartition: it takes the partition set away. Elsewhere it leads nowhere.
RS_DEFAULT: Final = _Handle.RS_DEFAULT


def is_readable(handle: Any) -> bool:
    """Tell whether a handle leads to a set; NULL, a bad address, a freed set and other things do not."""
    return isinstance(handle, Rset) and not handle.freed


def written(processors: int) -> str:
    """Write a set as a list of ids and ranges, "0-3,6"."""
    parts: list[str] = []
    first = last = -2
    for number in members(processors):
        if number == last + 1:
            last = number
        else:
            if first >= 0:
                parts.append(str(first) if first == last else f"{first}-{last}")
            first = last = number
    if first >= 0:
        parts.append(str(first) if first == last else f"{first}-{last}")
    return ",".join(parts)


def listed(text: Any, argument: str, highest: int) -> int:
    """Read a list such as "0-3,6"; ids from 0 to `highest`.

    TypeError, ValueError: name the argument, the position, and what was expected there.
    """
    if not isinstance(text, str):
        raise TypeError(f"{argument}: expected a list of processors such as '0-3,6', got {text!r}")
    found = place = 0
    if not text.strip():
        return 0
    for part in text.split(","):
        low, dash, high = part.strip().partition("-")
        for number in (low, high) if dash else (low,):
            if not (number.isascii() and number.isdecimal()):
                raise ValueError(
                    f"{argument}: {text!r}: expected a number or a range such as 0-3 at position {place + 1}, "
                    f"got {part.strip()!r}"
                )
        first, last = int(low), int(high if dash else low)
        if last > highest:
            raise ValueError(f"{argument}: {text!r}: at position {place + 1}: ids go from 0 to {highest}, got {last}")
        if last < first:
            raise ValueError(f"{argument}: {text!r}: at position {place + 1}: the range {part.strip()} runs backwards")
        found |= (1 << last + 1) - (1 << first)
        place += len(part) + 1
    return found


def without(some: int, whole: int) -> int:
    """Take some members out of a set: the second without the first, as RS_EXCLUSION has them."""
    return whole ^ whole & some  # ints without a sign are combined twice as fast as whole & ~some


def is_contained(some: int, whole: int) -> bool:
    """Tell whether all members of one set are in the other."""
    return some & whole == some


def first(members_of: int) -> int:
    """Give a set of the lowest member; the empty set has none."""
    return members_of & -members_of


def after(members_of: int, seen: int) -> int:
    """Give a set of the lowest member above all that were seen; empty if none is left or was seen."""
    if not seen:
        return 0
    passed = seen.bit_length()
    left = members_of >> passed
    return (left & -left) << passed


def after_or_first(members_of: int, seen: int) -> int:
    """Give a set of the next member, round and round."""
    return after(members_of, seen) or members_of & -members_of


def st_set(processors: int, online: int, topology: Topology) -> int:
    """Give the ST set: of each core whose online hardware threads all are in the set, the lowest of them.

    Sources: aix-ra_exec, aix-attachrset-command (that a core which is not whole is left out).
    """
    given = processors & online
    missing = online & ~processors
    shift = 1
    while shift < topology.smt:
        missing |= missing >> shift
        shift *= 2
    # Cores by their first id: a bit here stands for a core none of whose online threads is missing.
    whole = topology.thread_sets[0] & ~missing
    chosen = 0
    for thread, of_thread in enumerate(topology.thread_sets):
        found = given & of_thread & (whole << thread)
        chosen |= found
        whole &= ~(found >> thread)
    return chosen
