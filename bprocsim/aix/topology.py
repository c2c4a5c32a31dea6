"""How logical processors lie in cores and SRADs: numbers and masks, which never change."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import field, frozen


@frozen(eq=False)
class Topology:
    """The processors that a partition may have: `cores` of `smt` hardware threads each, in `srads`.

    Logical id = core * smt + thread. Sets of processors are ints: bit n stands for logical id n.
    `everything` all of them; `core_sets`, `srad_sets` those of each core and SRAD, `thread_sets`
    those of the first, second, ... hardware thread of every core; `memory_pools` one for each SRAD.
    """

    cores: int
    smt: int
    srads: int = 1
    everything: int = field(init=False, repr=False)
    core_sets: tuple[int, ...] = field(init=False, repr=False)
    thread_sets: tuple[int, ...] = field(init=False, repr=False)
    srad_sets: tuple[int, ...] = field(init=False, repr=False)
    memory_pools: int = field(init=False, repr=False)

    @everything.default
    def _everything(self) -> int:
        return (1 << self.cores * self.smt) - 1

    @core_sets.default
    def _core_sets(self) -> tuple[int, ...]:
        whole = (1 << self.smt) - 1
        return tuple(whole << core * self.smt for core in range(self.cores))

    @thread_sets.default
    def _thread_sets(self) -> tuple[int, ...]:
        firsts = self.everything // ((1 << self.smt) - 1)
        return tuple(firsts << thread for thread in range(self.smt))

    @srad_sets.default
    def _srad_sets(self) -> tuple[int, ...]:
        bounds = [number * self.cores // self.srads * self.smt for number in range(self.srads + 1)]
        return tuple((1 << bounds[number + 1]) - (1 << bounds[number]) for number in range(self.srads))

    @memory_pools.default
    def _memory_pools(self) -> int:
        return (1 << self.srads) - 1  # each SRAD has one

    def core_of(self, processor: int) -> int:
        """Tell which core a logical id belongs to."""
        return processor // self.smt

    def thread_of(self, processor: int) -> int:
        """Tell which hardware thread of its core a logical id is."""
        return processor % self.smt

    def srad_of(self, processor: int) -> int:
        """Tell which SRAD a logical id lies in."""
        core = self.core_of(processor)
        return next(number for number in range(self.srads) if self.srad_sets[number] & self.core_sets[core])


def members(processors: int) -> Iterator[int]:
    """Give the logical ids of a set, lowest first."""
    while processors:
        lowest = processors & -processors
        yield lowest.bit_length() - 1
        processors ^= lowest
