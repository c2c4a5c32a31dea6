"""Faults by strategy: all kinds, nothing that cannot strike, none first, and a swarm of kinds."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.faults import Fault
from bprocsim.testing import strategies as bst
from bprocsim.testing.strategies.faulting import KINDS
from tests.testing.written import namespace

SHRUNK = settings(database=None, phases=[Phase.generate, Phase.shrink], max_examples=2000, derandomize=True)
CLUSTER, LPAR = bp.Cluster(3), bp.Lpar(2)


def least(strategy: st.SearchStrategy[Any], holds: Any = lambda value: True) -> Any:
    return find(strategy, holds, settings=SHRUNK)


def test_every_kind_of_fault_has_a_strategy() -> None:
    assert set(KINDS) == set(Fault.__subclasses__())


@given(bst.faults(CLUSTER), bst.faults(LPAR), st.booleans())
def test_what_is_given_can_strike(on_cluster: list[Fault], on_lpar: list[Fault], cold: bool) -> None:
    bp.Cluster(3, faults=on_cluster, boot="cold" if cold else "up")
    bp.Lpar(2, faults=on_lpar)
    for each in (*on_cluster, *on_lpar):
        assert eval(repr(each), namespace()) == each


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not bp.CoreFails])
def test_a_cluster_is_struck_by_each_kind(kind: type[Fault]) -> None:
    assert least(bst.faults(CLUSTER), lambda faults: any(isinstance(each, kind) for each in faults)) == [
        least(bst.fault(CLUSTER, kinds=[kind]))
    ]


def test_a_partition_is_struck_by_what_strikes_one() -> None:
    found: set[type] = set()

    @settings(max_examples=300, database=None, deadline=None)
    @given(bst.fault(LPAR))
    def look(fault: Fault) -> None:
        found.add(type(fault))

    look()
    on_both = {bp.IoError, bp.MemoryFull, bp.OpenFileLimit, bp.ConnectRefused, bp.LibraryMissing, bp.CallFails}
    assert found == {bp.CoreFails, *on_both}


def test_no_faults_come_first_then_the_first_node_at_once() -> None:
    assert least(bst.faults(CLUSTER)) == []
    assert least(bst.faults(CLUSTER, swarm=True)) == []
    assert least(bst.faults(CLUSTER), bool) == [bp.PowerOff(0)]
    assert least(bst.fault(CLUSTER, kinds=[bp.LinkCut])) == bp.LinkCut(-1, 0)
    assert least(bst.fault(CLUSTER, kinds=[bp.Hang]), lambda fault: fault.node < 0) == bp.Hang(-1)


@pytest.mark.parametrize("step", bp.Step)
def test_a_node_dies_at_every_step(step: bp.Step) -> None:
    deaths = bst.fault(CLUSTER, kinds=[bp.PowerOff])
    assert least(deaths, lambda fault: fault.step is step) == bp.PowerOff(0, step=step)


def test_the_least_fault_that_a_planted_bug_needs_is_found() -> None:
    def loses_a_job(faults: list[Fault]) -> bool:
        """Be a launcher that takes death by a signal for success; without its own node it is none."""
        if any(getattr(each, "node", 0) == bp.BPROC_NODE_MASTER for each in faults):
            return False
        world = bp.Cluster(3, faults=faults)
        ends = [world.bproc_execmove(node, "/bin/sleep", ["sleep", "0.01"]) for node in range(3)]
        return any(each.signal is not None for each in ends)

    found = least(bst.faults(CLUSTER, kinds=[bp.PowerOff, bp.LinkCut, bp.SlowLink], swarm=True), loses_a_job)
    assert len(found) == 1 and isinstance(found[0], bp.PowerOff) and found[0].node == 0


@pytest.mark.slow
def test_a_swarm_turns_kinds_off() -> None:
    """Many faults at once are of fewer kinds in a swarm, where what is off never appears."""

    def kinds_in_ten(swarm: bool) -> float:
        kinds = faults = 0

        @settings(max_examples=200, database=None, deadline=None, derandomize=True)
        @given(bst.faults(CLUSTER, most=12, swarm=swarm))
        def count(given: list[Fault]) -> None:
            nonlocal kinds, faults
            if len(given) > 5:
                kinds, faults = kinds + len(set(map(type, given))), faults + len(given)

        count()
        return 10 * kinds / faults

    assert kinds_in_ten(swarm=True) < kinds_in_ten(swarm=False) - 1


def test_instants_are_after_now() -> None:
    world = bp.Cluster(2)
    world.sleep(1)

    @given(bst.fault(world))
    def look(fault: Any) -> None:
        assert getattr(fault, "at_ns", None) in (None, 0) or fault.at_ns >= world.sim.now_ns

    look()


def test_calls_are_those_asked_for() -> None:
    @given(bst.fault(CLUSTER, kinds=[bp.CallFails], calls=["bproc_execmove", "write"]))
    def look(fault: Any) -> None:
        assert fault.call in ("bproc_execmove", "write")
        bp.Cluster(3, faults=[fault])

    look()
    form = least(bst.fault(bp.Lpar(1), kinds=[bp.CallFails], calls=["ra_execl"]))
    assert isinstance(form, bp.CallFails)
    assert form.call == "ra_execl"


def test_files_and_libraries_are_those_that_are_there() -> None:
    world = bp.Cluster(1)
    world.install("/opt/mine", bp.program(needs=("libmine.so",))(lambda proc: 0))
    assert least(bst.fault(world, kinds=[bp.IoError])) == bp.IoError(0, "/opt/mine")
    names = bst.fault(world, kinds=[bp.LibraryMissing])
    assert least(names, lambda fault: fault.name != "libc.so.6").name == "libmine.so"


def test_a_cluster_without_slaves_has_faults_too() -> None:
    assert least(bst.faults(bp.Cluster(0)), bool) == [bp.PowerOff(-1)]


def test_what_cannot_be_given_is_said() -> None:
    with pytest.raises(TypeError, match=r"kinds: expected a list of classes of faults, got <class .*PowerOff'>"):
        bst.fault(CLUSTER, kinds=bp.PowerOff)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="kinds: CoreFails has nothing to strike here"):
        bst.faults(CLUSTER, kinds=[bp.CoreFails])
    with pytest.raises(TypeError, match="kinds: expected classes of faults"):
        bst.fault(CLUSTER, kinds=[bp.PowerOff(1)])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="calls: there is no 'bproc_execmov'"):
        bst.faults(CLUSTER, calls=["bproc_execmov"])
    with pytest.raises(TypeError, match="calls: expected a list of names, got 'write'"):
        bst.faults(CLUSTER, calls="write")
    with pytest.raises(TypeError, match="system: expected a Cluster or a Lpar, got 3"):
        bst.fault(3)  # type: ignore[arg-type]
