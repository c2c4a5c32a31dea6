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


def _set_of(numbers: set[int]) -> bp.Rset:
    return _Drawn(sum(1 << number for number in numbers))


def rsets(lpar: bp.Lpar, min_size: int = 0, absent: bool = False) -> st.SearchStrategy[bp.Rset]:
    """Give sets of a partition's processors, online or not: the empty one first, then low numbers, then more.

    `min_size` how many each holds at least; `absent`: now and then one that is not there at all.
    ValueError: there are not so many.
    """
    shape = lpar.partition.topology
    there = shape.cores * shape.smt
    if not 0 <= min_size <= there:
        raise ValueError(f"min_size: expected 0 to {there}, the processors of this partition, got {min_size}")
    numbers = st.integers(0, there - 1)
    cores = st.sets(st.integers(0, shape.cores - 1)).map(
        lambda chosen: {core * shape.smt + thread for core in chosen for thread in range(shape.smt)}
    )
    found = st.sets(numbers, min_size=min_size)
    if not min_size:
        found |= cores  # whole cores, of which ST sets are made
    if absent:
        found |= st.sets(st.integers(0, lpar.level.processors_max - 1), min_size=min_size, max_size=there)
    return found.map(_set_of)


def exclusive_sets(lpar: bp.Lpar) -> st.SearchStrategy[bp.Rset]:
    """Give sets that are fit for exclusive use, none of them empty, a single low processor first.

    Where the partition has processors of exclusive use, sets of those: what R_ATTACH_STRSET takes. Where it
    has none, any set of its processors: what can be registered in sysxrset.
    """
    partition = lpar.partition
    among = partition.exclusive or partition.topology.everything
    return st.sets(st.sampled_from(sorted(bp.Rset(among))), min_size=1).map(_set_of)
