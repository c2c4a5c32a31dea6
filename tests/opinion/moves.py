"""Read from bproc_execmove(2), bproc_move(2) and the daemons: what becomes of an image that sets out."""

from __future__ import annotations

from tests.opinion.execs import Ended, Fate, Loaded, Ran, fates
from tests.opinion.files import may_use
from tests.opinion.kernels import kernel_fates
from tests.opinion.worlds import Call, World

# What a master that refuses says: BProc 3.0's own errnos, or the numbers of its own since 3.2.
SCYLD = {"unknown": 22, "down": 22, "same": 40, "forbidden": 1, "lost": 5, "full": 12, "refused": 111, "undump": 22}
LANL = {"unknown": 300, "down": 301, "same": 302, "forbidden": 1, "lost": 303, "full": 12, "refused": 111, "undump": 22}
NAMES = {1: "EPERM", 5: "EIO", 12: "ENOMEM", 22: "EINVAL", 40: "ELOOP", 111: "ECONNREFUSED"}
NAMES |= {300: "BE_INVALIDNODE", 301: "BE_NODEDOWN", 302: "BE_SAMENODE", 303: "BE_SLAVEDIED"}
LEAVING = ("reboot", "halt", "pwroff")
LIBRARY_MISSING = 127


def execmove_fates(world: World, call: Call) -> set[Fate]:
    """All that an execmove may come to: an exec here, then the journey."""
    assert call.node is not None
    # A slave that has lost its master kills every process there, but that takes a while.
    gone = world.master_gone and world.at != -1
    out: set[Fate] = {Loaded()} if gone else set()
    for fate in (fates if world.kernel == "documented" else kernel_fates)(world, call):
        if not isinstance(fate, Ran | Loaded):
            out.add(fate)
            continue
        if isinstance(fate, Loaded):  # killed here, or as below
            out.add(fate)
        refusals = refused_by_master(world, call.node)
        numbers = [(SCYLD if world.edition == "scyld" else LANL)[refusal] for refusal in refusals if refusal]
        out |= {Ended(number & 255, NAMES[number]) for number in numbers}
        if isinstance(fate, Ran) and ("" in refusals or not refusals):
            # 4.0 sends the body of a script without saying so if there is no list, and the node misreads what follows.
            misread = fate.script and world.edition == "bproc4" and not call.port
            out |= {Ended(22, "EINVAL")} if misread else arrival(world, call, call.node)
    return out


def refused_by_master(world: World, node: int) -> tuple[str, ...]:
    """Why the master lets nobody go there: the first of unknown, down, already there, forbidden; none, or "": it does.

    More than one where the pages do not say which.
    """
    if node == -1:
        return ("same",) if world.at == -1 else ()
    if not 0 <= node < len(world.stations):
        return ("unknown",)
    station = world.stations[node]
    if station.state == "down":
        return ("down",)
    if node == world.at:
        return ("same",)
    # A node that is told to leave does so at once, but the books also call the states ones that nobody may use.
    if station.state in LEAVING:
        return ("down", "forbidden")
    if not may_use(station.mode, station.uid, station.gid, world.who):
        return ("forbidden",)
    lost = "lost" if station.silent else ""  # it counts as up, and whatever goes there is lost with it
    # By Scyld's book a node that is not up is root's alone, "which equals" that its mode is 0100: who is right when
    # root has opened it all the same?
    by_state = world.edition == "scyld" and station.state != "up" and not world.who.mighty
    if by_state:
        return ("forbidden", lost)
    return (lost,) if lost else ()


def arrival(world: World, call: Call, node: int) -> set[Fate]:
    """What becomes of it on the node: it must thaw (and have room), then connect, then find its libraries."""
    arch = world.arch if node == -1 else world.stations[node].arch
    full = node != -1 and world.stations[node].full
    thawing: set[Fate] = {Ended(22, "EINVAL")} if arch != world.caller_arch else set()
    thawing |= {Ended(12, "ENOMEM")} if full else set()
    if thawing:
        return thawing
    if call.port is not None and call.port != 0 and not call.heard:
        return {Ended(111, "ECONNREFUSED")}
    if node != -1 and world.stations[node].missing:
        return {Ended(LIBRARY_MISSING)}
    return {Ran(node)}
