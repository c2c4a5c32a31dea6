"""Strategies for resource sets of a partition."""

from __future__ import annotations

from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.notation import notation


class _Drawn(bp.Rset):
    """A set that is written as Python when it is printed, for `@example`; else like any other."""

    __slots__ = ()

    def __repr__(self) -> str:
        return notation(self)

    def _repr_pretty_(self, printer: object, _cycle: bool) -> None:
        printer.text(repr(self))  # type: ignore[attr-defined]


def rsets(lpar: bp.Lpar, min_size: int = 0, absent: bool = False) -> st.SearchStrategy[bp.Rset]:
    """Give sets of a partition's processors, online or not: the empty one first, then low numbers, then more.

    `min_size` how many each holds at least; `absent`: now and then one that is not there at all.
    TypeError: this is no partition; ValueError: there are not so many.
    """
    shape = expect_lpar(lpar).partition.topology
    there = shape.cores * shape.smt
    if not 0 <= min_size <= there:
        raise ValueError(f"min_size: expected 0 to {there}, the processors of this partition, got {min_size}")
    whole = (1 << shape.smt) - 1
    # Whole cores, of which ST sets are made.
    cores = _bits(shape.cores).map(lambda chosen: sum(whole << core * shape.smt for core in bp.Rset(chosen)))
    found = _bits(there) | cores
    if absent:
        found |= _bits(lpar.level.processors_max)
    return found.map(lambda bits: _Drawn(_at_least(min_size, bits)))


def exclusive_sets(lpar: bp.Lpar) -> st.SearchStrategy[bp.Rset]:
    """Give sets that are fit for exclusive use, none of them empty, a single low processor first.

    Where the partition has processors of exclusive use, sets of those: what R_ATTACH_STRSET takes. Where it
    has none, any set of its processors: what can be registered in sysxrset. TypeError: this is no partition.
    """
    partition = expect_lpar(lpar).partition
    among = [1 << number for number in bp.Rset(partition.exclusive or partition.topology.everything)]
    return _bits(len(among), least=1).map(lambda chosen: _Drawn(sum(among[place] for place in bp.Rset(chosen))))


def expect_lpar(given: object) -> bp.Lpar:
    """Give a partition back. TypeError: it is none."""
    if not isinstance(given, bp.Lpar):
        raise TypeError(f"lpar: expected a Lpar, got {given!r}")
    return given


def _bits(width: int, least: int = 0) -> st.SearchStrategy[int]:
    """Give sets as ints; the smaller the int, the simpler."""
    return st.integers(least, (1 << width) - 1)


def _at_least(size: int, bits: int) -> int:
    """Add the lowest numbers that are missing, until there are enough."""
    while bits.bit_count() < size:
        bits |= bits + 1
    return bits
