"""The plugin's fixtures, factories and marker, as this project's own tests have them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bprocsim as bp

MakeCluster = Callable[..., bp.Cluster]
MakeLpar = Callable[..., bp.Lpar]


def test_without_a_marker_they_are_as_the_classes_make_them(bproc_cluster: bp.Cluster, aix_lpar: bp.Lpar) -> None:
    usual, partition = bp.Cluster(), bp.Lpar()
    assert repr(bproc_cluster) == repr(usual)
    assert repr(aix_lpar) == repr(partition)
    assert (bproc_cluster.sim.seed, bproc_cluster.trace.level) == (0, "errors")


@pytest.mark.bprocsim(nodes=8, seed=3)
def test_the_marker_says_how_a_cluster_is_made(bproc_cluster: bp.Cluster) -> None:
    assert (len(bproc_cluster.nodes), bproc_cluster.sim.seed) == (8, 3)


@pytest.mark.bprocsim(cpu="POWER5", cores=2, smt=2, trace="all", faults=[bp.CoreFails(core=1, at_ns=5)])
def test_the_marker_says_how_a_partition_is_made(aix_lpar: bp.Lpar) -> None:
    shape = aix_lpar.partition.topology
    assert (aix_lpar.cpu, shape.cores, shape.smt) == (bp.models["POWER5"], 2, 2)
    assert aix_lpar.trace.all
    assert [planned.fault for planned in aix_lpar.planned] == [bp.CoreFails(core=1, at_ns=5)]


@pytest.mark.bprocsim(seed=9, nodes=2, cores=1)
def test_the_fixtures_of_a_test_share_one_world(
    bproc_cluster: bp.Cluster, aix_lpar: bp.Lpar, bproc_sim: bp.Simulation
) -> None:
    assert bproc_cluster.sim is aix_lpar.sim is bproc_sim
    assert bproc_sim.seed == 9
    assert list(bproc_sim.systems.values()) == [bproc_cluster, aix_lpar]
    bproc_cluster.sleep(1)
    assert aix_lpar.sim.now_ns == 10**9


@pytest.mark.bprocsim(order="random", seed=4, strict=True)
def test_an_empty_world_takes_what_is_its_own(bproc_sim: bp.Simulation) -> None:
    assert (bproc_sim.order, bproc_sim.seed, bproc_sim.strict, bproc_sim.systems) == ("random", 4, True, {})


@pytest.mark.bprocsim(nodes=3, seed=1, edition="lanl32")
class TestMarkerOfAClass:
    def test_it_counts_for_its_tests(self, bproc_cluster: bp.Cluster) -> None:
        assert (len(bproc_cluster.nodes), bproc_cluster.sim.seed) == (3, 1)

    @pytest.mark.bprocsim(seed=2)
    def test_one_that_is_closer_counts_more(self, bproc_cluster: bp.Cluster) -> None:
        assert (len(bproc_cluster.nodes), bproc_cluster.sim.seed) == (3, 2)
        assert bproc_cluster.edition is bp.editions["lanl32"]

    def test_a_keyword_that_another_test_of_the_class_means_is_let_be(self, aix_lpar: bp.Lpar) -> None:
        assert aix_lpar.sim.seed == 1


@pytest.mark.bprocsim(cores=2)
def test_who_may_ask_for_any_fixture_may_be_given_any_keyword(
    request: pytest.FixtureRequest, bproc_cluster: bp.Cluster
) -> None:
    assert request.getfixturevalue("aix_lpar").partition.topology.cores == 2
    assert len(bproc_cluster.nodes) == 4


@pytest.mark.parametrize("number", [1, 2])
def test_each_test_has_a_world_of_its_own(number: int, bproc_cluster: bp.Cluster) -> None:
    assert bproc_cluster.sim.now_ns == 0
    bproc_cluster.master.fs.mkdir("/only-once")
    bproc_cluster.sleep(number)


# ---- factories -----------------------------------------------------------------------------------------


@given(nodes=st.integers(1, 9), seed=st.integers(0, 3))
@settings(max_examples=20)
def test_factories_are_safe_under_given(
    make_bproc_cluster: MakeCluster, make_aix_lpar: MakeLpar, nodes: int, seed: int
) -> None:
    cluster, lpar = make_bproc_cluster(nodes=nodes, seed=seed), make_aix_lpar(cores=nodes, seed=seed)
    assert cluster.sim is not lpar.sim
    assert (len(cluster.nodes), lpar.partition.topology.cores) == (nodes, nodes)
    assert cluster.sim.seed == lpar.sim.seed == seed
    assert cluster.sim.now_ns == 0
    cluster.sleep(1)


def test_a_factory_makes_another_one_each_time(make_bproc_cluster: MakeCluster) -> None:
    assert make_bproc_cluster() is not make_bproc_cluster()


@pytest.mark.bprocsim(nodes=8, seed=3)
def test_the_marker_counts_where_a_call_says_nothing(make_bproc_cluster: MakeCluster, make_aix_lpar: MakeLpar) -> None:
    assert (len(make_bproc_cluster().nodes), make_bproc_cluster().sim.seed) == (8, 3)
    assert (len(make_bproc_cluster(2).nodes), make_bproc_cluster(2).sim.seed) == (2, 3)
    assert make_bproc_cluster(nodes=5, seed=6).sim.seed == 6
    assert make_aix_lpar().sim.seed == 3


@pytest.mark.bprocsim(seed=3)
def test_a_system_in_a_world_that_is_given_is_made_there(
    bproc_sim: bp.Simulation, make_bproc_cluster: MakeCluster
) -> None:
    cluster = make_bproc_cluster(nodes=2, sim=bproc_sim)
    assert bproc_sim.systems == {"cluster0": cluster}


@pytest.fixture(scope="module")
def for_all(make_bproc_cluster: MakeCluster) -> bp.Cluster:
    return make_bproc_cluster(nodes=2)


@pytest.mark.bprocsim(seed=3, trace="all")
def test_a_fixture_that_outlives_the_test_is_made_without_its_marker(for_all: bp.Cluster) -> None:
    assert for_all.sim.seed == 0


def test_what_a_factory_is_told_wrong_is_told_as_the_class_tells_it(make_bproc_cluster: MakeCluster) -> None:
    with pytest.raises(ValueError, match=r"^nodes: expected at least 0, got -1$"):
        make_bproc_cluster(nodes=-1)
    with pytest.raises(TypeError, match="nods"):
        make_bproc_cluster(nods=3)
