"""Read from bproc_move(2), bproc_rfork, bproc_rexec and the vector calls: what a caller may come to by them."""

from __future__ import annotations

import itertools

import attrs

from tests.opinion.execs import Ended, Fate, Ran, Refused, fates
from tests.opinion.files import PATH_MAX
from tests.opinion.moves import LANL, NAMES, SCYLD, refused_by_master
from tests.opinion.worlds import Call, World

NUMBERS = {
    "EPERM": 1, "ENOENT": 2, "EIO": 5, "E2BIG": 7, "ENOEXEC": 8, "ENOMEM": 12, "EACCES": 13, "EFAULT": 14,
    "ENOTDIR": 20, "EINVAL": 22, "ENFILE": 23, "ETXTBSY": 26, "ENAMETOOLONG": 36, "ELOOP": 40,
}  # fmt: skip
VECTORS = ("vrfork", "vexecmove")


@attrs.frozen
class Went:
    """The caller runs on, on this node."""

    where: int


@attrs.frozen
class Child:
    """There is a child."""


@attrs.frozen
class Negative:
    """The value is an errno's number, negated; 4.0's rfork returns one so."""

    number: int


@attrs.frozen
class Slots:
    """What became of each node's child: 1 it is there, or its errno's number, negated."""

    pids: tuple[int, ...]


Result = Fate | Went | Child | Negative | Slots


@attrs.frozen
class Journey:
    """One of these calls: "move" "rfork" "rexec" "vrfork" "vexecmove", to one node or, a vector's, to several."""

    kind: str
    nodes: tuple[int, ...]
    exec: Call  # what rexec and vexecmove run


def results(world: World, journey: Journey) -> set[Result]:
    """All that the call may come to here."""
    if world.master_gone:
        errno = "ENOSYS" if world.edition == "bproc4" else "EBUSY"
        stays = journey.kind == "move" and journey.nodes == (-1,) and world.edition != "scyld"
        if journey.kind in VECTORS and not journey.nodes:
            return {Refused(errno), Refused("EINVAL")}
        return {Went(-1)} if stays else {Refused(errno)}
    if journey.kind in VECTORS:
        return set(vector(world, journey))
    reasons = whys(world, journey.kind, journey.nodes[0])
    return set(itertools.chain.from_iterable(single(world, journey, why) for why in reasons))


def whys(world: World, kind: str, node: int) -> tuple[str, ...]:
    """Why nobody gets there, "" if they do; more than one where the pages do not say which."""
    refusals = refused_by_master(world, node) or ("",)
    troubles = troubles_of(world, node) if kind != "rexec" and "" in refusals else ()
    # A caller that is no program of ours has no memory that would have to be there.
    hollow = troubles == ("full",) and kind != "vexecmove"
    return tuple(why for why in refusals if why or hollow or not troubles) + troubles


def troubles_of(world: World, node: int) -> tuple[str, ...]:
    """Why a running image cannot be taken up there."""
    arch, full = (world.arch, False) if node == -1 else (world.stations[node].arch, world.stations[node].full)
    return (("undump",) if arch != world.caller_arch else ()) + (("full",) if full else ())


def whys_again(world: World, kind: str, nodes: tuple[int, ...], at: int) -> tuple[str, ...]:
    """The same in a vector: a lost node that was tried before may have been found to be down by now."""
    again = whys(world, kind, nodes[at])
    return (*again, "down") if "lost" in again and nodes[at] in nodes[:at] else again


def number_of(world: World, why: str) -> int:
    """The edition's number for it."""
    return (SCYLD if world.edition == "scyld" else LANL)[why]


def single(world: World, journey: Journey, why: str) -> set[Result]:
    """What one of the calls for one node comes to, once the master has said why not, or nothing."""
    node = journey.nodes[0]
    if journey.kind == "rexec":
        # The name is copied here, and with it judged as a string; where it leads is the node's affair.
        if journey.exec.path == "" or len(str(journey.exec.path)) >= PATH_MAX:
            return {Refused("ENAMETOOLONG" if journey.exec.path else "ENOENT")}
        return {Refused(NAMES[number_of(world, why)])} if why else set(run_there(world, journey))
    # The library of the later ones takes it for done when the caller is there already.
    if why == "same" and world.edition != "scyld":
        return {Went(world.at) if journey.kind == "move" else Child()}
    if not why:
        return {Went(node) if journey.kind == "move" else Child()}
    number = number_of(world, why)
    if journey.kind == "rfork" and world.edition == "bproc4":
        return {Negative(-number)}
    return {Refused(NAMES[number])}


def run_there(world: World, journey: Journey) -> set[Fate]:
    """rexec: the exec is the node's; Scyld's process is gone by then, and ends with 1 if it fails."""
    node = journey.nodes[0]
    arch = world.arch if node == -1 else world.stations[node].arch
    full = node != -1 and world.stations[node].full
    there = attrs.evolve(world, at=-1, arch=arch, memory_left=not full)
    found = set[Fate]()
    for fate in fates(there, attrs.evolve(journey.exec, node=None)):
        if isinstance(fate, Refused):
            found.add(Ended(1, fate.errno) if world.edition == "scyld" else fate)
        else:
            found.add(Ran(node) if isinstance(fate, Ran) else fate)
    return found


def vector(world: World, journey: Journey) -> set[Result]:
    """The vector calls: one exec, here, for all; then each node for itself."""
    if not journey.nodes:
        return {Refused("EINVAL")}
    found = set[Result]()
    for fate in fates(world, attrs.evolve(journey.exec, node=None)) if journey.kind == "vexecmove" else {Ran(-1)}:
        if isinstance(fate, Refused):
            found.add(Slots((-NUMBERS[fate.errno],) * len(journey.nodes)))
            continue
        places = range(len(journey.nodes))
        for all_whys in itertools.product(*(whys_again(world, journey.kind, journey.nodes, at) for at in places)):
            found.add(Slots(tuple(slot(world, why) for why in all_whys)))
    return found


def slot(world: World, why: str) -> int:
    """What becomes of one node's child; where the caller is, it is started without a move."""
    return 1 if why in ("", "same") else -number_of(world, why)
