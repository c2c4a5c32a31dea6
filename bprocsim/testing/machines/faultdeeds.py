"""All that goes wrong, as deeds: each kind of fault, from now or a little later on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import Any

import bprocsim as bp
from bprocsim.testing.machines.clusterwords import JOB, PORT
from bprocsim.testing.machines.deeds import Action, Make, Parts, Word, action
from bprocsim.testing.strategies.faulting import place_of
from bprocsim.units import MiB, ms, s

FAULT = "fault"
AFTER = Word("after_ns", (0, ms // 10, 2 * ms, 8 * ms, 30 * ms))
LASTS = Word("lasts_ns", (20 * ms, 2 * s, 60 * s))
WHEN = Word("when", (*(Parts(after_ns=each) for each in AFTER.values), *(Parts(step=each) for each in bp.Step)))


def cluster_faults(cluster: bp.Cluster, failing: Collection[str] | None) -> Iterator[Action]:
    """Give every kind of fault that strikes a cluster; `failing` the calls that CallFails does, None all."""
    count = len(cluster.nodes)
    slaves = tuple(range(count))
    node, slave = Word("node", (*slaves, *slaves, bp.BPROC_NODE_MASTER)), Word("node", slaves)
    ends = Word("a", (bp.BPROC_NODE_MASTER, *slaves)), Word("b", slaves)
    files = Word("path", (JOB, "/bin", "/bin/sh"))
    yield _fault(bp.PowerOff, slave, WHEN, weight=4)
    yield _fault(bp.PowerOn, slave, AFTER)
    yield _fault(bp.Hang, slave, AFTER)
    yield _fault(bp.NodeUpFails, slave, AFTER, lasting=True)
    yield _fault(bp.LinkCut, *ends, AFTER, LASTS)
    yield _fault(bp.SlowLink, *ends, Word("times", (2, 20, 200)), AFTER, LASTS)
    yield _fault(bp.Loss, *ends, Word("probability", (0.01, 0.3, 0.9)), AFTER, LASTS)
    yield _fault(bp.MasterDaemonExit, AFTER, weight=1)
    yield from _of_one_machine(node, files)
    yield _call_fails(cluster, failing)
    yield action("lift", make=_lift, weight=5, group="time")


def partition_faults(lpar: bp.Lpar, failing: Collection[str] | None) -> Iterator[Action]:
    """Give every kind of fault that strikes a partition; `failing` the calls that CallFails does, None all."""
    cores = Word("core", tuple(range(lpar.partition.topology.cores)))
    yield _fault(bp.CoreFails, cores, AFTER, lasting=True)
    yield from _of_one_machine(Word("node", (bp.BPROC_NODE_MASTER,)), Word("path", (JOB, "/bin", "/usr/bin/sh")))
    yield _call_fails(lpar, failing)
    yield action("lift", make=_lift, weight=5, group="time")


def _of_one_machine(node: Word, files: Word) -> Iterator[Action]:
    yield _fault(bp.IoError, node, files, AFTER, lasting=True)
    yield _fault(bp.MemoryFull, node, Word("free_bytes", (0, 64 * 1024, MiB)), AFTER, lasting=True)
    yield _fault(bp.OpenFileLimit, node, Word("files", (0, 1, 3)), AFTER, lasting=True)
    yield _fault(bp.ConnectRefused, node, Word("port", (PORT, 1)), AFTER, lasting=True)
    yield _fault(bp.LibraryMissing, node, Word("name", ("libc.so.6",)), AFTER, lasting=True)


def _fault(kind: Callable[..., Any], *words: Word, weight: int = 2, lasting: bool = False) -> Action:
    """Describe a fault; one that is `lasting` is lifted some time, lest it hide all others."""
    return action(kind.__name__, *words, make=_injects(kind), weight=weight, group=FAULT)


def _injects(kind: Callable[..., Any]) -> Make:
    """Make what gives a fault to a machine's world, from `after_ns` from now on, for `lasts_ns`."""

    def make(machine: Any, arguments: dict[str, Any]) -> Any:
        after_ns, lasts_ns = arguments.pop("after_ns", None), arguments.pop("lasts_ns", None)
        if arguments.get("a") is not None and arguments["a"] == arguments["b"]:
            arguments["a"] = bp.BPROC_NODE_MASTER
        if after_ns is not None:
            arguments["at_ns"] = machine.system.sim.now_ns + after_ns
        if lasts_ns is not None:
            arguments["until_ns"] = arguments["at_ns"] + lasts_ns
        machine.inject(kind(**arguments))

    return make


def _call_fails(system: Any, failing: Collection[str] | None) -> Action:
    """Describe the errnos that calls return by a rule: each of each table in force, one after the other."""
    pairs = tuple(Parts(call=call, errno=errno) for call, errno in place_of(system, failing, "failing").errnos)
    what, when = Word("what", pairs), Word("when", ("1", "2+", "1..9+2"))
    return action("CallFails", what, when, make=_injects(bp.CallFails), group=FAULT, weight=4)


def _lift(machine: Any, arguments: dict[str, Any]) -> Any:
    machine.lift()
