"""Scenarios made up by chance: a small cluster or partition, a few calls there, and what goes wrong."""

from __future__ import annotations

from functools import cache
from typing import Any

from attrs import evolve
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.faults import Fault
from bprocsim.notation import parameters_of
from bprocsim.programs.samples import SAMPLES
from bprocsim.testing.scenarios import Scenario
from bprocsim.testing.strategies.faulting import chosen_kinds, place_of, planned
from bprocsim.world.specs import ORDERS

_Table = dict[str, Any]

_USERS = ({"name": "a", "uid": 1, "gid": 1},)
_NAMES = ("a", "b")
_PATHS = tuple(f"/usr/bin/{name}" for name in _NAMES)
_ABSENT = "/usr/bin/c"
_PORT = 4000
_CORES = 3  # of a partition, of which the last one neither fails nor is taken away
_SAMPLES = ("true", *sorted(set(SAMPLES) - {"true", "cat"}))  # cat is at its end as soon as its input is


@st.composite
def scenarios(
    draw: st.DrawFn, *, most_nodes: int = 4, most_calls: int = 4, most_faults: int = 3, swarm: bool = True
) -> Scenario:
    """Give a bprocsim.testing.Scenario: a cluster or a partition with programs, calls, and faults.

    `most_nodes`, `most_calls`, `most_faults` bound it; `swarm` as in `faults`. The least is a cluster of one node
    without faults, in which one call is made.
    """
    if draw(st.booleans()):
        return _on_a_partition(draw, most_calls, most_faults, swarm)
    return _on_a_cluster(draw, most_nodes, most_calls, most_faults, swarm)


def _on_a_cluster(draw: st.DrawFn, most_nodes: int, most_calls: int, most_faults: int, swarm: bool) -> Scenario:
    nodes, edition = draw(st.integers(1, most_nodes)), draw(_EDITIONS)
    cluster = {"nodes": nodes, **_unusual(bp.Cluster, edition=edition, order=draw(_ORDERS))}
    tables, calls = _world(draw), _cluster_calls(edition, nodes)
    made = _sequence(draw, calls, most_calls)
    faults = draw(_cluster_faults(nodes, edition, most_faults, swarm))
    return Scenario(**tables, cluster=cluster, fault=faults, call=made)


def _on_a_partition(draw: st.DrawFn, most_calls: int, most_faults: int, swarm: bool) -> Scenario:
    level = draw(_LEVELS)
    lpar = {"cores": _CORES, "smt": 2, **_unusual(bp.Lpar, level=level, order=draw(_ORDERS))}
    tables = _world(draw)
    made = _sequence(draw, _partition_calls(), most_calls)
    faults = draw(_partition_faults(level, most_faults, swarm))
    return Scenario(**tables, lpar=lpar, fault=faults, call=made)


def _world(draw: st.DrawFn) -> _Table:
    """Make the parts that both have: a seed, somebody with an account, programs."""
    files = [{"path": path, "program": draw(_PROGRAMS)} for path in _PATHS]
    return {"seed": draw(_SEEDS), "user": list(_USERS), "file": files}


def _unusual(kind: type, **keywords: str) -> _Table:
    """Leave out what a system is made with anyway."""
    usual = parameters_of(kind)
    return {name: value for name, value in keywords.items() if value != usual[name].default}


def _sequence(draw: st.DrawFn, calls: st.SearchStrategy[_Table], most: int) -> list[_Table]:
    """Make some calls; the last one comes to something, which letting time pass does not."""
    before = draw(st.lists(calls | _SLEEPS, max_size=most - 1))
    return [*before, draw(calls)]


_SLEEPS = st.sampled_from((0.001, 1, 60)).map(lambda seconds: {"call": "sleep", "seconds": seconds})

# What a strategy costs is making it, and judging it when it is first drawn from: each is made once.
_EDITIONS, _SEEDS, _PROGRAMS = st.sampled_from(tuple(bp.editions)), st.integers(0, 99), st.sampled_from(_SAMPLES)
_ORDERS = st.sampled_from(ORDERS)
_LEVELS = st.sampled_from(("7.1", *(name for name in bp.levels if name != "7.1")))


@cache
def _cluster_faults(nodes: int, edition: str, most: int, swarm: bool) -> st.SearchStrategy[list[Fault]]:
    return planned(chosen_kinds(place_of(bp.Cluster(nodes, edition=edition))), most, swarm)


@cache
def _partition_faults(level: str, most: int, swarm: bool) -> st.SearchStrategy[list[Fault]]:
    at = evolve(place_of(bp.Lpar(_CORES, 2, level=level)), cores=_CORES - 1)
    return planned(chosen_kinds(at), most, swarm)


# ---- calls -----------------------------------------------------------------------------------------


def _tables(call: str, **keys: st.SearchStrategy[Any]) -> st.SearchStrategy[_Table]:
    """Give tables of a call; a key whose value is None is left out."""
    drawn = st.fixed_dictionaries(keys)
    return drawn.map(lambda table: {"call": call} | {key: value for key, value in table.items() if value is not None})


_COMMANDS = st.sampled_from((*_PATHS, _ABSENT))
_USER = st.none() | st.just("a")
_INPUT = st.none() | st.text("ab\n", max_size=3)
_COUNT = st.none() | st.sampled_from([["x", "1"], ["x", "70"]])  # a status, or milliseconds


@cache
def _cluster_calls(edition: str, nodes: int) -> st.SearchStrategy[_Table]:
    """Give calls on a cluster of an edition."""
    node = st.integers(0, nodes) | st.just(bp.BPROC_NODE_MASTER)
    several = st.lists(node, min_size=1, max_size=3)
    common: dict[str, Any] = {"user": _USER}
    calls = [
        _tables("bproc_execmove", node=node, cmd=_COMMANDS, argv=_COUNT, input=_INPUT, **common),
        _tables("run", args=_lines(nodes), **common),
        _tables("execve", path=_COMMANDS, argv=_COUNT, **common),
        _tables("bproc_execmove_io", node=node, port=st.just(_PORT), cmd=_COMMANDS, listen=_LISTEN, **common),
        _tables("bproc_rexec", node=node, cmd=_COMMANDS, **common),
        _tables("bproc_rfork", node=node, child=st.sampled_from(_SAMPLES), **common),
        _tables("bproc_move", node=node, **common),
        _tables("bproc_nodestatus", node=node),
    ]
    if bp.editions[edition].vector_calls is not None:
        calls.append(_tables("bproc_vexecmove", nodes=several, cmd=_COMMANDS, **common))
    return st.one_of(*calls)


_LISTEN = st.none() | st.just(False)


def _lines(nodes: int) -> st.SearchStrategy[list[str]]:
    """Give command lines."""
    name = st.sampled_from((*_NAMES, "c"))
    where = st.sampled_from(["-a", *map(str, range(nodes)), f"0-{nodes}"])
    on_nodes = st.tuples(where, name).map(lambda words: ["bpsh", *words])
    return name.map(lambda each: [each]) | on_nodes | st.just(["bpstat"])


@cache
def _partition_calls() -> st.SearchStrategy[_Table]:
    """Give calls on a partition; what can be attached holds a processor that stays, so that nobody waits for ever."""
    rset = st.sampled_from(["0-5", "4", "2-5", "1,4", "7", ""])
    attached = {"rstype": st.just("R_RSET"), "rsid": rset, "flags": st.sampled_from([0, "R_ATTACH_STRSET"])}
    return st.one_of(
        _tables("execve", path=_COMMANDS, argv=_COUNT, user=_USER),
        _tables("ra_execve", **attached, path=_COMMANDS, argv=_COUNT, user=_USER),
        _tables("mkrset", name=st.sampled_from(["sysxrset/a", "b/a"]), processors=rset, user=_USER),
        _tables("rmrset", name=st.sampled_from(["sysxrset/a", "b/a"]), user=_USER),
        _tables("rs_op", command=st.sampled_from(["RS_UNION", "RS_STSET"]), rset1=rset),
        _tables("smtctl", threads=st.integers(1, 2)),
        _tables("dlpar_remove", core=st.sampled_from([*range(_CORES - 1), _CORES])),
        _tables("run", args=st.sampled_from([["a"], ["lsrset", "-a"], ["execrset", "-c", "2-5", "-e", "a"]])),
    )
