"""Read from path_resolution(7) and the kernels of the day: where a path leads, or why it leads nowhere."""

from __future__ import annotations

import attrs

from tests.opinion.worlds import Entry, Mount, Tree, Who

NAME_MAX = 255
PATH_MAX = 4096


@attrs.frozen
class Links:
    """How many symbolic links a look-up may meet: one inside another, and in all."""

    nested: int | None
    total: int


@attrs.frozen
class Stop:
    """A look-up that ends with an errno."""

    errno: str


@attrs.define
class Walk:
    """One look-up of a path by somebody, from a directory."""

    tree: Tree
    who: Who
    links: Links
    worn_first: bool = False  # a directory whose disk fails is noticed before one's rights to search it
    met: int = 0

    def to(self, path: str, start: str, depth: int = 0) -> str | Stop:
        """Where it leads: a physical path that is no link, or the errno."""
        place = "/" if path.startswith("/") else start
        names = [name for name in path.split("/") if name]
        for name in names:
            at = self.entry(place)
            if at.kind != "dir":
                return Stop("ENOTDIR")
            worn, closed = place in self.tree.unreadable, not may_execute(at, self.who)
            if worn or closed:
                return Stop("EIO" if worn and (self.worn_first or not closed) else "EACCES")
            if len(name.encode("utf-8", "surrogateescape")) > NAME_MAX:
                return Stop("ENAMETOOLONG")
            if name == ".":
                continue
            if name == "..":
                place = parent(place)
                continue
            there = join(place, name)
            if there not in self.tree.entries:
                return Stop("ENOENT")
            if self.entry(there).kind == "link":
                followed = self.follow(there, place, depth)
                if isinstance(followed, Stop):
                    return followed
                there = followed
            place = there
        if path.endswith("/") and self.entry(place).kind != "dir":
            return Stop("ENOTDIR")
        return place

    def follow(self, link: str, place: str, depth: int) -> str | Stop:
        """Go on in the text of a link."""
        if self.links.nested is not None and depth >= self.links.nested:
            return Stop("ELOOP")
        if self.met >= self.links.total:
            return Stop("ELOOP")
        self.met += 1
        return self.to(self.tree.entries[link].target, place, depth + 1)

    def entry(self, place: str) -> Entry:
        """What is there; a file of several names is one file."""
        return entry_at(self.tree, place)


def entry_at(tree: Tree, place: str) -> Entry:
    """What is at a physical path."""
    if place == "/":
        return Entry("dir")
    entry = tree.entries[place]
    return tree.entries[entry.same_as] if entry.same_as else entry


def parent(place: str) -> str:
    """The directory above; the root's is the root."""
    return place.rpartition("/")[0] or "/"


def join(place: str, name: str) -> str:
    """A name in a directory."""
    return f"/{name}" if place == "/" else f"{place}/{name}"


def mount_of(tree: Tree, place: str) -> Mount:
    """The file system that a physical path lies in."""
    while place != "/":
        if place in tree.mounts:
            return tree.mounts[place]
        place = parent(place)
    return Mount()


def is_written(tree: Tree, place: str) -> bool:
    """Whether anybody holds the file open for writing, by whichever of its names."""
    one = tree.entries[place].same_as or place
    return any((tree.entries[name].same_as or name) == one for name in tree.written)


def class_bits(mode: int, uid: int, gid: int, who: Who) -> int:
    """The three bits of the one class that somebody is in: owner, else group, else other."""
    if who.euid == uid:
        return mode >> 6 & 7
    return mode >> 3 & 7 if gid == who.egid or gid in who.groups else mode & 7


def may_execute(entry: Entry, who: Who) -> bool:
    """Whether the x bit of their class is set; the mighty need any of the three, or none on a directory."""
    if who.mighty:
        return entry.kind == "dir" or bool(entry.mode & 0o111)
    return bool(class_bits(entry.mode, entry.uid, entry.gid, who) & 1)


def may_use(mode: int, uid: int, gid: int, who: Who) -> bool:
    """Whether a node's bits let somebody in: as for a file, so root needs one bit of the three."""
    return bool(mode & 0o111 if who.mighty else class_bits(mode, uid, gid, who) & 1)
