"""Faults made up by chance: what may go wrong in a given cluster or partition, alone or several at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from attrs import field, frozen
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.faults import Fault
from bprocsim.faults.callrules import plain
from bprocsim.manual import Errors
from bprocsim.testing.rows.tables import documented_tables, returned_errnos
from bprocsim.units import MiB, ms, s
from bprocsim.world.specs import listed

System = bp.Cluster | bp.Lpar
Faults = st.SearchStrategy[Fault]

# A move takes some milliseconds, a death is noticed after half a minute, a node is up again after some more.
_SOON_NS, _LATER_NS = 20 * ms, (100 * ms, 1 * s, 31 * s, 46 * s, 60 * s)
_PORTS = (4000, 2223)
_OCCASIONS = ("1+", "1", "2", "3", "2+", "1+2", "1..9+2")
_CHANCES = (0.5, 0.1, 0.9)


@frozen
class Place:
    """What there is to go wrong: `nodes` slaves, `cores` of a partition, errnos of calls, files and libraries.

    `since_ns` is when it may begin.
    """

    nodes: int
    cores: int
    errnos: tuple[tuple[str, bp.Errno], ...] = field(repr=False)
    files: tuple[str, ...] = field(repr=False)
    libraries: tuple[str, ...]
    since_ns: int = 0

    def times(self) -> st.SearchStrategy[int]:
        """Give instants: at once, soon, or after something that takes long."""
        after = st.just(0) | st.integers(0, _SOON_NS) | st.sampled_from(_LATER_NS)
        return after.map(lambda after_ns: self.since_ns + after_ns)

    def machines(self) -> st.SearchStrategy[int]:
        """Give a machine: a slave, the first ones first, or the master."""
        return st.sampled_from([*range(self.nodes), bp.BPROC_NODE_MASTER])

    def slaves(self) -> st.SearchStrategy[int]:
        """Give a slave."""
        return st.sampled_from(range(self.nodes))


def place_of(system: System, calls: Iterable[str] | None = None, argument: str = "calls") -> Place:
    """Look at what there is in a cluster or a partition; `calls` those that CallFails is to strike, None all.

    `argument` what a user knows these as. TypeError: this is neither; ValueError: names a call that is not there.
    """
    if not isinstance(system, System):
        raise TypeError(f"system: expected a Cluster or a Lpar, got {system!r}")
    home = system.home
    tables = {name: table for name, table in documented_tables(system).items() if returned_errnos(table)}
    if calls is not None:
        if isinstance(calls, str):
            raise TypeError(f"{argument}: expected a list of names, got {calls!r}")
        tables = dict(_asked(call, tables, argument) for call in calls)
    needed = ["libc.so.6" if home.partition is None else "libc.a"]
    for name, program in system._programs.items():
        needed += program.needs if name not in system.builtin else ()
    return Place(
        nodes=system._count if isinstance(system, bp.Cluster) else 0,
        cores=0 if home.partition is None else home.partition.topology.cores,
        errnos=tuple((name, errno) for name, table in tables.items() for errno in returned_errnos(table)),
        files=_files(home.tree),
        libraries=tuple(dict.fromkeys(needed)),
        since_ns=system.sim.now_ns,
    )


def _asked(call: str, tables: dict[str, Errors], argument: str) -> tuple[str, Errors]:
    for name, table in tables.items():
        if call in (name, table.call) or plain(call) == plain(name):
            return call, table
    known = ", ".join(sorted({table.call for table in tables.values()}))
    raise ValueError(f"{argument}: there is no {call!r} here that has errors; expected some of {known}")


def _files(tree: Any) -> tuple[str, ...]:
    """Give the files of a machine by path; those that somebody made or changed come first."""

    def below(number: int, path: bytes) -> Iterator[tuple[bool, bytes]]:
        for name, inner in tree.inodes[number].entries.items():
            if tree.inodes[inner].entries is not None:
                yield from below(inner, path + name + b"/")
            else:
                yield inner not in tree.inodes, path + name  # asked so, it tells of this machine's own alone

    return tuple(path.decode("utf-8", "surrogateescape") for _, path in sorted(below(tree.root, b"/")))


# ---- each kind -----------------------------------------------------------------------------------


def _power_off(at: Place) -> Faults:
    node = at.machines()
    at_a_step = st.builds(bp.PowerOff, node, step=st.sampled_from(bp.Step))
    return st.builds(bp.PowerOff, node) | at_a_step | st.builds(bp.PowerOff, node, at_ns=at.times())


# Composite, for what st.builds makes is shown by the call of it: what is shown is to be the fault itself.


@st.composite
def _of_link(
    draw: st.DrawFn, /, kind: Callable[..., Fault], slaves: st.SearchStrategy[int], instants: st.SearchStrategy[int],
    **more: Any,
) -> Fault:  # fmt: skip
    """Strike a link, of which one end is the master first, for ever or for a while."""
    b = draw(slaves)
    a = draw(st.sampled_from(range(bp.BPROC_NODE_MASTER, b)))
    own = {name: draw(value) for name, value in more.items()}
    at_ns, lasts_ns = draw(instants), draw(_LASTS)
    return kind(a, b, at_ns=at_ns, until_ns=None if lasts_ns is None else at_ns + lasts_ns, **own)


_LASTS = st.none() | st.integers(1, _SOON_NS) | st.sampled_from(_LATER_NS)


@st.composite
def _call_fails(
    draw: st.DrawFn, errnos: st.SearchStrategy[tuple[str, bp.Errno]], nodes: st.SearchStrategy[int | None]
) -> Fault:
    (call, errno), node, when = draw(errnos), draw(nodes), draw(_WHEN)
    if isinstance(when, str):
        return bp.CallFails(call, errno, when=when, node=node)
    return bp.CallFails(call, errno, probability=when, node=node)


_WHEN = st.sampled_from(_OCCASIONS + _CHANCES)

# What makes each kind of fault; those for which there is nothing to strike are left out.
_KINDS: dict[type[Fault], Callable[[Place], Faults]] = {
    bp.PowerOff: _power_off,
    bp.PowerOn: lambda at: st.builds(bp.PowerOn, at.slaves(), at_ns=at.times()),
    bp.Hang: lambda at: st.builds(bp.Hang, at.machines(), at_ns=at.times()),
    bp.NodeUpFails: lambda at: st.builds(bp.NodeUpFails, at.slaves(), at_ns=at.times()),
    bp.LinkCut: lambda at: _of_link(bp.LinkCut, at.slaves(), at.times()),
    bp.SlowLink: lambda at: _of_link(bp.SlowLink, at.slaves(), at.times(), times=st.integers(2, 1000)),
    bp.Loss: lambda at: _of_link(bp.Loss, at.slaves(), at.times(), probability=st.sampled_from(_CHANCES)),
    bp.MasterDaemonExit: lambda at: st.builds(bp.MasterDaemonExit, at_ns=at.times()),
    bp.IoError: lambda at: st.builds(bp.IoError, at.machines(), st.sampled_from(at.files), at_ns=at.times()),
    bp.MemoryFull: lambda at: st.builds(bp.MemoryFull, at.machines(), st.integers(0, 4 * MiB), at_ns=at.times()),
    bp.OpenFileLimit: lambda at: st.builds(bp.OpenFileLimit, at.machines(), st.integers(0, 8), at_ns=at.times()),
    bp.ConnectRefused: lambda at: st.builds(
        bp.ConnectRefused, at.machines(), st.sampled_from(_PORTS) | st.integers(1, 65535), at_ns=at.times()
    ),
    bp.LibraryMissing: lambda at: st.builds(
        bp.LibraryMissing, at.machines(), st.sampled_from(at.libraries), at_ns=at.times()
    ),
    bp.CoreFails: lambda at: st.builds(bp.CoreFails, st.sampled_from(range(at.cores)), at_ns=at.times()),
    bp.CallFails: lambda at: _call_fails(st.sampled_from(at.errnos), st.none() | at.machines()),
}
KINDS = tuple(_KINDS)

_OF_SLAVES: frozenset[type[Fault]] = frozenset({bp.PowerOn, bp.NodeUpFails, bp.LinkCut, bp.SlowLink, bp.Loss})
_OF_CLUSTERS = _OF_SLAVES | {bp.PowerOff, bp.Hang, bp.MasterDaemonExit}


def kinds_of(at: Place) -> tuple[type[Fault], ...]:
    """Give the kinds of faults that can strike somewhere."""
    lacks: set[type[Fault]] = set(_OF_CLUSTERS if at.cores else {bp.CoreFails})
    lacks |= set() if at.nodes else _OF_SLAVES
    return tuple(kind for kind in _KINDS if kind not in lacks and (at.errnos or kind is not bp.CallFails))


def chosen_kinds(at: Place, kinds: Collection[type[Fault]] | None = None) -> dict[type[Fault], Faults]:
    """Give what makes each kind of fault that is asked for, None all. TypeError, ValueError: name `kinds`."""
    there = kinds_of(at)
    for kind in () if kinds is None else listed("kinds", kinds, "classes of faults"):
        if kind not in KINDS:
            known = ", ".join(each.__name__ for each in KINDS)
            raise TypeError(f"kinds: expected classes of faults ({known}), got {kind!r}")
        if kind not in there:
            known = ", ".join(each.__name__ for each in there)
            raise ValueError(f"kinds: {kind.__name__} has nothing to strike here; what can is {known}")
    return {kind: _KINDS[kind](at) for kind in there if kinds is None or kind in kinds}


# ---- what is asked for -----------------------------------------------------------------------------


def fault(
    system: System, *, kinds: Collection[type[Fault]] | None = None, calls: Iterable[str] | None = None
) -> Faults:
    """Give one fault that can strike a cluster or a partition, now or later.

    `kinds` the classes it may be of, None all that can strike there; `calls` those that a CallFails may
    strike, by page or by name, None all that have errors. A lesser fault is an earlier kind, an earlier
    node, at once. TypeError, ValueError: name the argument.
    """
    return st.one_of(*chosen_kinds(place_of(system, calls), kinds).values())


def faults(
    system: System, *, kinds: Collection[type[Fault]] | None = None, calls: Iterable[str] | None = None,
    most: int = 4, swarm: bool = False,
) -> st.SearchStrategy[list[Fault]]:  # fmt: skip
    """Give a list of faults for a cluster or a partition, such as its `faults=` takes; none is the least.

    `kinds` and `calls` as in `fault`; at `most` so many at once. With `swarm` each example turns a random
    part of the kinds off: what one kind hides, such as a cluster whose master is dead, another shows.
    TypeError, ValueError: name the argument.
    """
    return planned(chosen_kinds(place_of(system, calls), kinds), most, swarm)


def planned(chosen: dict[type[Fault], Faults], most: int, swarm: bool) -> st.SearchStrategy[list[Fault]]:
    """Give lists of the faults of some kinds."""
    if not swarm:
        return st.lists(st.one_of(*chosen.values()), max_size=most)
    return _swarm(list(chosen.values()), most)


@st.composite
def _swarm(draw: st.DrawFn, each: list[Faults], most: int) -> list[Fault]:
    on = [kind for kind in each if draw(st.booleans())]
    return draw(st.lists(st.one_of(*on), max_size=most)) if on else []
