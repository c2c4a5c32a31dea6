"""LparMachine: a partition on which every call is made and every fault strikes, and what holds all the while."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from hypothesis.stateful import invariant

import bprocsim as bp
from bprocsim.posix.procs import Process
from bprocsim.testing.machines import lparwords, placementlaws
from bprocsim.testing.machines.base import WorldMachine
from bprocsim.testing.machines.deeds import Action
from bprocsim.testing.machines.faultdeeds import partition_faults
from bprocsim.testing.machines.lpardeeds import lpar_actions


class LparMachine(WorldMachine):
    """A state machine of a partition, `self.lpar`, to be subclassed and run by Hypothesis.

    `world` the keywords of its bp.Lpar.
    """

    world: ClassVar[Mapping[str, Any]] = MappingProxyType(
        {"cores": 4, "smt": 2, "cpu": "POWER7", "srads": 2, "enhanced_affinity": True}
    )

    def __init__(self) -> None:
        super().__init__()
        self.sets: dict[str, bp.Rset] = {}

    @property
    def lpar(self) -> bp.Lpar:
        """Give the partition."""
        found: bp.Lpar = self.system
        return found

    def build(self, seed: int) -> bp.Lpar:
        """Build the partition, with the files and accounts that the machine's own calls name."""
        made = bp.Lpar(**self.world, seed=seed)
        lparwords.install(made)
        return made

    @classmethod
    def possible(cls) -> Iterator[Action]:
        """See WorldMachine."""
        made = bp.Lpar(**cls.world)
        yield from lpar_actions(made)
        yield from partition_faults(made, cls.failing)

    def kept_set(self, name: str) -> bp.Rset:
        """Give a set that is kept from deed to deed, empty to begin with."""
        return self.sets.setdefault(name, self.lpar.rset(""))

    # ---- what always holds ---------------------------------------------------------------------------

    def may_wait_for_ever(self) -> bool:
        """Tell whether processors are away: work that may run nowhere else waits for them."""
        partition = self.lpar.partition
        return partition.online != partition.topology.everything

    def state(self) -> Any:
        """See WorldMachine."""
        return placementlaws.state_of(self.system)

    def _living(self) -> list[Process]:
        return [each for each in self.system.home.processes.values() if each.ended is None]

    @invariant()
    def nobody_runs_where_he_may_not(self) -> None:
        """Each thread runs where it may, or waits for what is not idle; each set lies within those around it."""
        living = self._living()
        placementlaws.check_places(self.system, living)
        placementlaws.check_containment(living)

    @invariant()
    def processors_are_what_they_are_said_to_be(self) -> None:
        """What is exclusive is what sysxrset holds; what is online is there, as far as SMT lets it be."""
        placementlaws.check_exclusive(self.system)
        placementlaws.check_limits(self.system)

    def teardown(self) -> None:
        """End everything: then nothing is left."""
        if self.is_cut_short():
            return
        self.lift()
        self.at_rest()
        self.end_all()
        placementlaws.check_nothing_left(self.system)
