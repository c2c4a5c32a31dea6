"""ClusterMachine: a cluster on which every call is made and every fault strikes, and what holds all the while."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from hypothesis.stateful import invariant

import bprocsim as bp
from bprocsim.testing.machines import clusterwords, spacelaws
from bprocsim.testing.machines.base import WorldMachine
from bprocsim.testing.machines.clusterdeeds import cluster_actions
from bprocsim.testing.machines.deeds import Action
from bprocsim.testing.machines.faultdeeds import cluster_faults
from bprocsim.units import s

_LONGEST_NS = 60 * s  # of what goes wrong for a while


class ClusterMachine(WorldMachine):
    """A state machine of a cluster, `self.cluster`, to be subclassed and run by Hypothesis.

    `world` the keywords of its bp.Cluster.
    """

    world: ClassVar[Mapping[str, Any]] = MappingProxyType({"nodes": 4})

    def __init__(self) -> None:
        super().__init__()
        self._checked: tuple[int, int] | None = None

    @property
    def cluster(self) -> bp.Cluster:
        """Give the cluster."""
        found: bp.Cluster = self.system
        return found

    def build(self, seed: int) -> bp.Cluster:
        """Build the cluster, with the files and accounts that the machine's own calls name."""
        made = bp.Cluster(**self.world, seed=seed)
        clusterwords.install(made)
        return made

    @classmethod
    def possible(cls) -> Iterator[Action]:
        """See WorldMachine."""
        made = bp.Cluster(**cls.world)
        yield from cluster_actions(len(made.nodes), made.edition)
        yield from cluster_faults(made, cls.failing)

    def state(self) -> Any:
        """See WorldMachine."""
        return spacelaws.state_of(self.system)

    def built(self) -> None:
        """See WorldMachine: nodes come into being when looked at, which is no change."""
        for node in self.cluster.nodes:
            assert node.state

    def may_wait_for_ever(self) -> bool:
        """Tell whether a vector launch was left alone: with its caller's node, whoever ends it has gone."""
        return spacelaws.is_left_alone(self.system)

    # ---- what always holds ---------------------------------------------------------------------------

    @invariant()
    def everybody_is_in_one_place(self) -> None:
        """Each process is where the master thinks, once, with a ghost if it is elsewhere; memory is accounted for."""
        cluster = self.system
        table = cluster.pids.table
        stamp = cluster.sim.engine.events, len(table)
        if stamp == self._checked:
            return  # who goes anywhere takes an event
        self._checked = stamp
        spacelaws.check_places(cluster, [each for each in table.values() if each is not None and not each.idle])

    def fall_quiet(self) -> None:
        """Let all that is under way be over, and every silence be noticed; then everybody knows the same."""
        cluster = self.system
        self.go_on(_LONGEST_NS + 2 * cluster.edition.ping_timeout_ns)
        if cluster.bpmaster.running:
            spacelaws.check_agreement(cluster)

    def teardown(self) -> None:
        """End everything: then nothing is left."""
        if self.is_cut_short():
            return
        self.lift()
        self.go_on(_LONGEST_NS + 2 * self.system.edition.ping_timeout_ns)
        self.at_rest()
        self.end_all()
        spacelaws.check_nothing_left(self.system)
