"""Read from bproc_io_t's header and the kernel module: what an I/O list makes of an execmove."""

from __future__ import annotations

import attrs

from tests.opinion.execs import Ended, Fate, Loaded, Ran, Refused
from tests.opinion.files import Links, Stop, Walk, class_bits, entry_at, parent
from tests.opinion.moves import LIBRARY_MISSING, arrival, execmove_fates, refused_by_master
from tests.opinion.worlds import Call, Entry, Tree, World

FILE, SOCKET, MEMFILE = 0, 1, 2
DELAY = 2
ENTRIES_MAX = 16
READ, WRITE, CREATE, EXCLUSIVE, DIRECTORY = "read", "write", "create", "exclusive", "directory"
ERRNOS = {"EPERM": 1, "ENOENT": 2, "EACCES": 13, "EEXIST": 17, "ENOTDIR": 20, "EISDIR": 21, "EINVAL": 22}
ERRNOS |= {"ECONNREFUSED": 111, "ELOOP": 40, "ENAMETOOLONG": 36}


@attrs.frozen
class Io:
    """One entry: what a descriptor shall be, on the node where the process arrives."""

    kind: int
    path: str = ""
    how: frozenset[str] = frozenset({READ})
    heard: bool = True  # of a socket: somebody listens
    delayed: bool = False


def list_fates(world: World, call: Call, entries: tuple[Io, ...], there: Tree) -> set[Fate]:
    """All that an execmove with a list may come to; `there` are the files of every node."""
    before = set()
    if len(entries) > ENTRIES_MAX:
        before.add("EINVAL")
    if any(entry.kind == MEMFILE for entry in entries):
        before.add("EPERM")
    plain = execmove_fates(world, call)
    if before and not (world.master_gone and world.at == -1):
        killed: set[Fate] = {Loaded()} if world.master_gone else set()
        return killed | {Refused(errno) for errno in before}
    assert call.node is not None
    found = {fate for fate in plain if isinstance(fate, Refused) or refused_by_master(world, call.node)}
    if plain - found:
        found |= {fate for fate in plain if isinstance(fate, Loaded)}
        for fate in arrival(world, call, call.node) if not refused_by_master(world, call.node) else set():
            # Entries are done once the image has thawed, before it runs.
            thawed = isinstance(fate, Ran) or fate == Ended(LIBRARY_MISSING)
            wrong = first_wrong(world, entries, there) if thawed else None
            found.add(Ended(ERRNOS[wrong], wrong) if wrong else fate)
    return found


def first_wrong(world: World, entries: tuple[Io, ...], there: Tree) -> str | None:
    """The errno of the first entry that cannot be done; what is delayed comes after all others and stops nothing."""
    made: set[str] = set()
    for entry in entries:
        errno = None if entry.delayed else wrong_with(world, entry, there, made)
        if errno is not None:
            return errno
    return None


def wrong_with(world: World, entry: Io, there: Tree, made: set[str]) -> str | None:
    """Why one entry cannot be done: with the rights that the caller had, on the files of the node."""
    if entry.kind == SOCKET:
        return None if entry.heard else "ECONNREFUSED"
    if entry.kind != FILE:
        return "EINVAL"
    tree = attrs.evolve(there, entries={**there.entries, **{path: Entry(mode=0o644) for path in made}})
    if {CREATE, EXCLUSIVE} <= entry.how and there.entries.get(entry.path, Entry()).kind == "link":
        return "EEXIST"  # it is not followed
    place = Walk(tree, world.who, Links(5, 40)).to(entry.path, "/")
    if isinstance(place, Stop):
        above = Walk(tree, world.who, Links(5, 40)).to(parent(entry.path), "/")
        if place.errno != "ENOENT" or CREATE not in entry.how or isinstance(above, Stop):
            return place.errno
        if not _may(tree, above, world, 0o2):
            return "EACCES"
        made.add(entry.path)
        return None
    if {CREATE, EXCLUSIVE} <= entry.how:
        return "EEXIST"
    there_is = entry_at(tree, place)
    if there_is.kind == "dir" and entry.how & {WRITE, CREATE}:
        return "EISDIR"
    if there_is.kind != "dir" and DIRECTORY in entry.how:
        return "ENOTDIR"
    wanted = (0o4 if READ in entry.how else 0) | (0o2 if WRITE in entry.how else 0)
    if place in made:
        return None
    return None if _may(tree, place, world, wanted) else "EACCES"


def _may(tree: Tree, place: str, world: World, wanted: int) -> bool:
    entry = entry_at(tree, place)
    return world.who.mighty or class_bits(entry.mode, entry.uid, entry.gid, world.who) & wanted == wanted
