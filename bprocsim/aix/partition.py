"""One AIX partition: its level, its processors and their states, its named sets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import define, field, setters

from bprocsim.aix.levels import Level
from bprocsim.aix.models import Model
from bprocsim.aix.placement import Attached, eligible, in_force, of_process, of_thread
from bprocsim.aix.rset import Rset, written
from bprocsim.aix.topology import Topology, members


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Partition:
    """What AIX knows of its processors, beside the machine that all Unix systems have.

    `machine` that machine; `dispatcher` who gives its threads their turns; `online`, `exclusive` sets of
    processors as bits; `width` how many hardware threads of a core SMT lets be online; `names` the
    registry of named sets; `enhanced_affinity` whether SRADIDs may be attached to, fixed at boot.
    """

    level: Level
    model: Model
    topology: Topology
    enhanced_affinity: bool = False
    machine: Any = None
    dispatcher: Any = None
    online: int = 0
    exclusive: int = 0
    width: int = 0
    names: dict[tuple[bytes, bytes], Any] = field(factory=dict)
    _bindable: tuple[int, tuple[int, ...]] = (0, ())

    def __attrs_post_init__(self) -> None:
        self.online = self.topology.everything
        self.width = self.topology.smt

    def width_of(self, threads: int) -> int:
        """Take how many hardware threads of each core are to be online; ValueError: cores never have so many."""
        widths = [each for each in self.model.widths if each <= self.topology.smt]
        if threads not in widths:
            known = ", ".join(map(str, widths))
            raise ValueError(f"threads: a core of this {self.model.name} can have {known} online, never {threads}")
        return threads

    @property
    def default_set(self) -> Attached:
        """Give the system's default set: all processors, online or not, and all memory."""
        return Attached(self.topology.everything, self.topology.memory_pools)

    @property
    def bindable(self) -> tuple[int, ...]:
        """Give the logical ids that are online in the order of their bind ids, which have no holes."""
        online, found = self._bindable
        if online != self.online:
            found = tuple(members(self.online))
            self._bindable = self.online, found
        return found

    def bound_to(self, bind_id: int) -> int:
        """Give the processor, as a set, that a bind id stands for; none if it stands for none."""
        bindable = self.bindable
        return 1 << bindable[bind_id] if 0 <= bind_id < len(bindable) else 0

    def changed(self, threads: Iterable[Any] | None = None) -> None:
        """Let threads run where they may from now on; called at the end of whatever changes that.

        `threads` whose own placement, or whose process's, has changed; None: it may be anybody's, since
        other processors are online, exclusive, or have other bind ids.
        """
        if self.dispatcher is not None:
            self.dispatcher.refresh(threads)

    def placed(self, thread: Any) -> tuple[Rset, int | None]:
        """Give the effective set of a thread's process (else its partition set, else the default set), and its home."""
        placed = of_process(thread.process)
        found = placed.effective or placed.partition or self.default_set
        return Rset(found.processors, found.memory), of_thread(thread).srad

    def lacking(self, thread: Any) -> str:
        """Say which processors a thread may use, if none of them is online; "" if one is."""
        if eligible(self, thread):
            return ""
        wanted = in_force(thread)
        named = "a processor" if wanted is None else f"one of processors {written(wanted.processors)}"
        return f", for {named} to come online (dlpar_add or smtctl brings them back),"

    def threads(self) -> list[Any]:
        """Give the threads of all processes that live here, by pid and number."""
        return [
            thread
            for _, process in sorted(self.machine.processes.items())
            if process.ended is None
            for thread in process.threads
        ]
