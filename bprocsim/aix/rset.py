"""Resource sets: what they hold, how they are written, and the algebra on them.

Processors and memory pools are bits of ints: bit n of `processors` stands for logical id n. The
functions here are pure; the calls that answer with errnos are in `rsetcalls`.
"""

from __future__ import annotations

from typing import Any

from bprocsim.aix.topology import Topology, members


class Rset:
    """A resource set that its caller owns: a handle, as in C.

    `processors` logical ids and `memory` memory pools, as bits. `freed` after rs_free: every call
    finds a bad address. Two are equal if they hold the same.
    """

    __slots__ = ("freed", "memory", "processors")

    def __init__(self, processors: int = 0, memory: int = 0) -> None:
        self.processors = processors
        self.memory = memory
        self.freed = False

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rset):
            return NotImplemented
        return self.processors == other.processors and self.memory == other.memory

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return written(self.processors)


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
