"""Whoever watches is told of worlds and systems as they are made, and costs nothing when nobody does."""

from __future__ import annotations

from threading import Thread

import pytest

import bprocsim as bp
from bprocsim.testing import Scenario
from bprocsim.world import watching
from bprocsim.world.watching import Watcher, watch


class Log(Watcher):
    """Keeps what it is told: seeds of worlds, names of systems."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def world_made(self, sim: bp.Simulation) -> None:
        assert sim.systems == {}
        self.told.append(sim.seed)

    def system_made(self, system: object) -> None:
        assert isinstance(system, bp.Cluster | bp.Lpar)
        assert system.sim.systems[system.name] is system
        self.told.append(system.name)


def test_a_watcher_is_told_of_each_world_and_then_of_the_systems_in_it() -> None:
    log = Log()
    with watch(log):
        bp.Cluster(nodes=1, seed=7)
        sim = bp.Simulation(seed=8)
        sim.lpar(cores=1)
        sim.cluster(nodes=1, name="east")
    assert log.told == [7, "cluster0", 8, "lpar0", "east"]


def test_after_the_end_nobody_is_told() -> None:
    log = Log()
    watching_it = watch(log)
    watching_it.stop()
    watching_it.stop()
    bp.Lpar(cores=1)
    assert log.told == []
    assert log not in watching.watchers


def test_the_worlds_of_a_sweep_are_told_as_any_others_to_who_does_not_ask() -> None:
    class Asks(Log):
        def world_swept(self, sim: bp.Simulation, by: str) -> None:
            self.told.append((by, sim.seed))

    log, asks = Log(), Asks()
    with watch(log), watch(asks):
        with pytest.raises(TypeError), watching.sweep("outer"), watching.sweep("inner"):
            bp.Simulation(seed=1).cluster(nodes="many")  # type: ignore[arg-type]
        bp.Simulation(seed=2)
    assert log.told == [1, 2]
    assert asks.told == [("inner", 1), 2]


def test_who_watches_twice_is_told_once() -> None:
    log = Log()
    with watch(log), watch(log):
        bp.Cluster(nodes=1)
    assert log.told == [0, "cluster0"]


def test_two_watchers_are_told_in_the_order_in_which_they_began() -> None:
    told: list[str] = []

    class Named(Watcher):
        def __init__(self, name: str) -> None:
            self.name = name

        def world_made(self, sim: bp.Simulation) -> None:
            told.append(self.name)

    with watch(Named("first")), watch(Named("second")):
        bp.Simulation()
    assert told == ["first", "second"]


def test_a_watcher_may_stop_when_it_is_told() -> None:
    told: list[object] = []

    class Once(Watcher):
        def world_made(self, sim: bp.Simulation) -> None:
            told.append(sim.seed)
            once.stop()

    once = watch(Once())
    log = Log()
    with watch(log):
        bp.Simulation(seed=1)
        bp.Simulation(seed=2)
    assert told == [1]
    assert log.told == [1, 2]


def test_worlds_of_other_threads_are_told_too() -> None:
    log = Log()
    with watch(log):
        thread = Thread(target=lambda: bp.Simulation(seed=5))
        thread.start()
        thread.join()
    assert log.told == [5]


def test_a_system_that_could_not_be_built_is_not_told_of() -> None:
    log = Log()
    with watch(log), pytest.raises(ValueError, match="boot"):
        bp.Cluster(nodes=1, boot="warm")
    assert log.told == [0]


def test_a_watcher_is_told_of_scenarios_that_were_played() -> None:
    told: list[tuple[int, str, str | None]] = []

    class Ear(Watcher):
        def scenario_played(self, sim: bp.Simulation, token: str, beside: str | None) -> None:
            told.append((sim.seed, token, beside))

    call = {"call": "bproc_execmove", "node": 0, "cmd": "/bin/sh"}
    scenario = Scenario(seed=4, cluster={"nodes": 1}, call=[call])
    with watch(Ear()):
        report = scenario.play()
    scenario.play()
    assert told == [(4, report.token, None)]


def test_only_a_watcher_can_watch() -> None:
    with pytest.raises(TypeError, match=r"^watcher: expected a Watcher, got 3$"):
        watch(3)  # type: ignore[arg-type]


def test_watching_changes_nothing() -> None:
    def digest() -> str:
        cluster = bp.Cluster(nodes=2, seed=3, trace="all", faults=[bp.PowerOff(node=1, at_ns=1000)])
        cluster.install("/bin/p", lambda proc: 0)
        cluster.bproc_execmove(0, "/bin/p")
        cluster.bproc_execmove(1, "/bin/p")
        return cluster.trace.digest()

    alone = digest()
    with watch(Log()):
        assert digest() == alone
