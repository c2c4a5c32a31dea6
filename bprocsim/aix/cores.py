"""Which hardware threads are busy, core by core, and which idle one is the best for some work."""

from __future__ import annotations

from bprocsim.aix.topology import Topology


class Cores:
    """The cores of a partition: `busy` the hardware threads that have work, as bits.

    `busy_of` how many are busy by core; `by_load` the sets of all processors on cores of which none,
    one, two, ... are busy; `touched` the cores that have changed, until somebody has seen to them.
    All of it costs the same however many threads wait or run.
    """

    __slots__ = ("busy", "busy_of", "by_load", "topology", "touched")

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.busy = 0
        self.busy_of = [0] * topology.cores
        self.by_load = [topology.everything, *([0] * topology.smt)]
        self.touched: dict[int, None] = {}

    def take(self, processor: int) -> None:
        """Let a processor be busy."""
        self.busy |= 1 << processor
        self._count(processor // self.topology.smt, 1)

    def free(self, processor: int) -> None:
        """Let a processor be idle."""
        self.busy ^= 1 << processor
        self._count(processor // self.topology.smt, -1)

    def _count(self, core: int, change: int) -> None:
        load, whole = self.busy_of[core], self.topology.core_sets[core]
        self.busy_of[core] = load + change
        self.by_load[load] ^= whole
        self.by_load[load + change] |= whole
        self.touched[core] = None

    def _least(self, idle: int) -> int:
        """Give the load of the least busy core with one of the processors `idle`, -1 if there is none of them."""
        return next((load for load, on_cores in enumerate(self.by_load) if idle & on_cores), -1)

    def uneven(self, online: int) -> bool:
        """Tell whether work could go from some core to one less busy that has an idle processor."""
        least = self._least(online & ~self.busy)
        return least >= 0 and any(self.by_load[least + 2 :])

    def best(self, allowed: int, home: int) -> int:
        """Choose an idle processor of those allowed, -1 if there is none.

        At `home` if one is idle there; primary threads of cores before secondary ones, and so on; of
        those one whose core is least busy; then the lowest id. Source: aix4admins-dispatch.
        """
        idle = allowed & ~self.busy
        idle = idle & home or idle
        if not idle:
            return -1
        for rank in self.topology.thread_sets:
            found = idle & rank
            if found:
                break
        found &= self.by_load[self._least(found)]
        return (found & -found).bit_length() - 1

    def better(self, processors: int, allowed: int, home: int) -> tuple[int, int]:
        """Choose an idle processor for work that runs on one of `processors`, and who gains by it.

        It is the one on the least busy core, at home if one is idle there. Those gain who come home,
        and those whose core is busier than the new one will be with them.
        """
        idle = allowed & ~self.busy
        gains = 0
        if home:
            at_home = idle & home
            if at_home:
                gains = processors & ~home
                idle = at_home
            else:
                processors &= ~home  # who is at home stays there
        least = self._least(idle)
        if least < 0:
            return -1, 0
        for on_cores in self.by_load[least + 2 :]:
            gains |= processors & on_cores
        return self.best(idle & self.by_load[least], 0), gains
