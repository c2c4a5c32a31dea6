"""From a path to an inode, or to everything that stands in the way. Picks no errno.

The walk is the kernel's: in each directory reached it must be a directory, be searchable (for `.`
and `..` too), the component must not be too long, and must exist; symbolic links are walked where
they stand, and `..` goes up from where a link led. Nothing is cancelled in the text.
"""

from __future__ import annotations

import re
from enum import Enum
from pathlib import PurePosixPath
from sys import maxsize
from typing import Any

import attrs
from attrs import define, field, frozen, setters

from bprocsim.posix.credentials import Credentials
from bprocsim.posix.vfs import EXECUTE, FileTree, Inode, permits

AnyPath = str | bytes | PurePosixPath

# 2.4.20 to 2.6.11: 5 links inside each other, 40 in all. 2.6.20 to 4.1: 8 and 40. Since 4.2: 40 in all.
_NESTED_LINKS, _TOTAL_LINKS = 5, 40
_COMPONENT = rb"[^/]+"


class Stop(Enum):
    """What can be wrong at a component of a path, in the order in which Linux looks."""

    NOT_A_DIRECTORY = "not a directory"
    STALE = "in a file system that was unmounted by force"
    TIMED_OUT = "its server does not answer"
    SEARCH_DENIED = "search permission denied"
    NAME_TOO_LONG = "name too long"
    ABSENT = "absent"
    TOO_MANY_LINKS = "too many symbolic links"
    IO_ERROR = "unreadable"


def _check_limit(limits: PathLimits, attribute: attrs.Attribute[Any], value: Any) -> None:
    name = attribute.name
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name}: expected an int or None, got {value!r}")
    if value < 0:
        raise ValueError(f"{name}: expected at least 0, got {value}")


@frozen
class PathLimits:
    """How long paths may be and how many symbolic links a walk may meet; None: no such limit.

    `path_max` bytes of a path with its NUL (the caller asks `too_long`; a walk does not);
    `name_max` bytes of a component; `nested_links` how deep links may stand inside links' targets;
    `total_links` how many links a walk may follow; `removed_is_empty` in a removed directory nothing
    is looked for, so that a name which is too long is merely absent.
    ValueError: a negative limit, or neither limit on links, for then a loop never ends.
    Sources: linux-2.4.20-namei, linux-path_resolution7, linux-6.18-measured.
    """

    path_max: int | None = field(default=4096, validator=_check_limit)
    name_max: int | None = field(default=255, validator=_check_limit)
    nested_links: int | None = field(default=_NESTED_LINKS, validator=_check_limit)
    total_links: int | None = field(default=_TOTAL_LINKS, validator=_check_limit)
    removed_is_empty: bool = False
    # The same as plain numbers: comparing with "no limit" then needs no question of its own.
    name_cap: int = field(init=False, repr=False, eq=False)
    nested_cap: int = field(init=False, repr=False, eq=False)
    total_cap: int = field(init=False, repr=False, eq=False)

    @name_cap.default
    def _name_cap(self) -> int:
        return maxsize if self.name_max is None else self.name_max

    @nested_cap.default
    def _nested_cap(self) -> int:
        return maxsize if self.nested_links is None else self.nested_links

    @total_cap.default
    def _total_cap(self) -> int:
        return maxsize if self.total_links is None else self.total_links

    def __attrs_post_init__(self) -> None:
        if self.nested_links is None and self.total_links is None:
            raise ValueError("nested_links, total_links: None for both; then a loop of links never ends")

    def too_long(self, path: bytes) -> bool:
        """Tell whether a path and its NUL exceed `path_max`."""
        return self.path_max is not None and len(path) + 1 > self.path_max


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Walk:
    """Where a path led.

    `inode` what it names, or None; `stops` all that holds at the first component where anything is
    wrong, in Linux's order, () if nothing is. `where` the caller's path up to and including that
    component (for NOT_A_DIRECTORY the one that is none), the whole path if all is well; `link_text`
    likewise the target of the innermost link in which it went wrong, b"" outside of links.
    `parent`, `name`: the directory in which the last component was looked up and that component,
    for making and removing it; parent is None if the walk did not get so far, for the path "/", and
    when that directory has been removed. `wants_directory`: the path, or the target of a last link
    that was followed, ends in a slash.
    """

    inode: Inode | None
    stops: tuple[Stop, ...]
    where: bytes
    parent: Inode | None
    name: bytes
    wants_directory: bool = False
    link_text: bytes = b""


# Of a path that is not walked at all: it cannot be read, or is empty or too long.
NOWHERE = Walk(inode=None, stops=(), where=b"", parent=None, name=b"")

LIMITS_NOW = PathLimits(nested_links=None, removed_is_empty=True)  # of today's Linux


def path_bytes(path: object, argument: str = "path") -> bytes:
    """Give a path (str as UTF-8 with surrogateescape, bytes, PurePosixPath) as the bytes a kernel sees.

    TypeError: another type; ValueError: a NUL in it. Both name `argument`.
    """
    if isinstance(path, PurePosixPath):
        path = str(path)
    if isinstance(path, str):
        path = path.encode("utf-8", "surrogateescape")
    if not isinstance(path, bytes):
        raise TypeError(f"{argument}: expected str, bytes or PurePosixPath, got {path!r}")
    if b"\0" in path:
        raise ValueError(f"{argument}: a path has no NUL in it: {path!r}")
    return path


def walk(
    tree: FileTree,
    start: int,
    path: bytes,
    who: Credentials,
    limits: PathLimits = LIMITS_NOW,
    follow_last: bool = True,
    sectors: bool = True,
    root: int = 0,
) -> Walk:
    """Walk a path, not empty, from the directory numbered `start` (the cwd) with the rights of `who`.

    `follow_last` False gives a last symbolic link itself, unless a slash follows it; `sectors`
    False ignores the tree's unreadable paths and silent servers; `root` the number of the directory that
    is the caller's root, 0 for the tree's. Nothing changes and no time passes.
    Sources: linux-path_resolution7, posix-pathname-resolution, linux-2.4.20-namei.
    """
    assert path, "an empty path is its caller's business"
    assert 0 not in path, "so is one with a NUL"
    own, base = tree.inodes.get, tree.inodes.base
    if path[0] == 47:
        names, number = path[1:].split(b"/"), root or tree.root
    else:
        names, number = path.split(b"/"), start
    here = parent = own(number) or base[number]
    taken, name = 0, b""
    # The good case, in one loop: plain names, all there, all searchable, no link; and the commonest
    # trouble, a plain name that is not there. Whatever else there is, even an empty component, goes
    # to the careful walk, with what has been walked.
    if len(path) <= limits.name_cap and not tree.bad_paths and not tree.ailing:
        for taken, name in enumerate(names):
            entries = here.entries
            if entries is None or (here.mode & 0o111 != 0o111 and not permits(here, who, EXECUTE)):
                break
            found = entries.get(name)
            if found is None:
                if name in _NOT_NAMES or not names[-1]:
                    break
                return _absent(here, names, taken, path)
            child = own(found) or base[found]
            if child.target:
                break
            parent, here = here, child
        else:
            # A removed directory has no entries, so this parent lives.
            return Walk(here, (), path, parent, name)
    walker = _Walker(tree, path, who, limits, sectors, here, root or tree.root)
    if taken:
        walker.resume(taken, parent, names[taken - 1])
    return walker.run(follow_last)


_NOT_NAMES = (b"", b".", b"..")
_ABSENT = (Stop.ABSENT,)


def _absent(here: Inode, names: list[bytes], taken: int, path: bytes) -> Walk:
    """Describe a plain name that is not in a directory that can be searched."""
    if taken == len(names) - 1:
        return Walk(None, _ABSENT, path, here if here.links > 0 else None, names[taken])
    where = (b"/" if path[0] == 47 else b"") + b"/".join(names[: taken + 1])
    return Walk(None, _ABSENT, where, None, names[taken])


def walk_to_make(
    tree: FileTree,
    start: int,
    path: bytes,
    who: Credentials,
    limits: PathLimits = LIMITS_NOW,
    sectors: bool = True,
    root: int = 0,
) -> Walk:
    """Walk as the calls do that make or remove a name: a last symbolic link is never followed.

    Slashes at the end are looked away from, but told in `wants_directory`.
    """
    bare = path.rstrip(b"/") or b"/"
    found = walk(tree, start, bare, who, limits, follow_last=False, sectors=sectors, root=root)
    found.wants_directory = len(bare) < len(path)
    return found


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class _Frame:
    """A text being walked: the caller's path, or a link's target."""

    text: bytes
    parts: list[bytes]
    next: int = 0

    @classmethod
    def of(cls, text: bytes) -> _Frame:
        return cls(text, [part for part in text.split(b"/") if part])

    def so_far(self) -> bytes:
        """Give the text up to the component taken last."""
        if self.next == 0:
            return self.text[:1]
        for taken, component in enumerate(re.finditer(_COMPONENT, self.text), 1):
            if taken == self.next:
                return self.text[: component.end()]
        raise AssertionError("more components taken than there are")


class _Walker:
    """The careful walk: links, dots, limits, and all that is wrong with one component at once."""

    __slots__ = (
        "ailing", "following", "inode", "limits", "links", "name", "parent", "path", "root", "sectors", "tree", "who",
    )  # fmt: skip

    def __init__(
        self, tree: FileTree, path: bytes, who: Credentials, limits: PathLimits, sectors: bool, start: Inode, root: int
    ) -> None:
        self.tree, self.who, self.limits, self.root = tree, who, limits, root
        self.path = path
        self.sectors = sectors and bool(tree.bad_paths)
        self.ailing = sectors and tree.ailing
        self.inode = start
        self.parent: Inode | None = None
        self.name = b""
        self.links = 0
        # The texts in which the walk stands, the caller's path first. A link's text stays here
        # while its own last component is looked at: that is what "nested" means.
        self.following = [_Frame.of(path)]

    def resume(self, taken: int, parent: Inode, name: bytes) -> None:
        """Go on after `taken` plain components, the last of them `name` in `parent`."""
        self.following[0].next = taken
        self.parent, self.name = parent, name

    def run(self, follow_last: bool) -> Walk:
        """Take component after component until the end or the first trouble."""
        wants_directory = self.path.endswith(b"/")
        frame = self.following[0]
        while True:
            while frame.next == len(frame.parts):
                if len(self.following) == 1:
                    return self._arrive(wants_directory)
                self.following.pop()
                frame = self.following[-1]
            if self.inode.entries is None:
                return self._stopped((Stop.NOT_A_DIRECTORY,), wants_directory)
            name = frame.parts[frame.next]
            frame.next += 1
            last = frame.next == len(frame.parts) and self._outer_ones_ended()
            child = self._child(name)
            follow = child is not None and bool(child.target) and (follow_last or wants_directory or not last)
            self.parent, self.name = self.inode, name
            stops = self._wrong(name, child, follow)
            if stops:
                return self._stopped(stops, wants_directory, last)
            assert child is not None, "nothing is wrong with it"
            if not follow:
                self.inode = child
                continue
            self.links += 1
            frame = _Frame.of(child.target)
            self.following.append(frame)
            if last:
                wants_directory = wants_directory or child.target.endswith(b"/")
            if child.target.startswith(b"/"):
                self.inode = self.tree.inodes[self.root]

    def _outer_ones_ended(self) -> bool:
        return all(frame.next == len(frame.parts) for frame in self.following)

    def _child(self, name: bytes) -> Inode | None:
        """Look a component up in the directory reached, unconditionally."""
        inodes, entries = self.tree.inodes, self.inode.entries
        assert entries is not None, "a directory"
        if name == b".":
            return self.inode
        if name == b"..":
            return self.inode if self.inode.number == self.root else inodes[self.inode.parent]
        number = entries.get(name)
        return None if number is None else inodes[number]

    def _wrong(self, name: bytes, child: Inode | None, follow: bool) -> tuple[Stop, ...]:
        """List all that is wrong with a component, in the order in which Linux looks."""
        if self.ailing:
            # Whatever else may be wrong, nobody tells. Where a system has one errno for both, it is that of I/O.
            if self.inode.mount in self.tree.lost:
                return (Stop.STALE, Stop.IO_ERROR)
            if self.inode.mount.silent:
                return (Stop.TIMED_OUT, Stop.IO_ERROR)
        stops = []
        if not permits(self.inode, self.who, EXECUTE):
            stops.append(Stop.SEARCH_DENIED)
        if len(name) > self.limits.name_cap and (self.inode.links > 0 or not self.limits.removed_is_empty):
            stops.append(Stop.NAME_TOO_LONG)
        # Of an unreadable directory nobody knows what is in it; `.` and `..` need no reading.
        if self.sectors and name not in (b".", b"..") and self.tree.is_bad(self.inode):
            stops.append(Stop.IO_ERROR)
        elif child is None:
            stops.append(Stop.ABSENT)
        elif follow:
            # The count comes before the text is read, and where none may be followed one is too many.
            too_many = self.links >= self.limits.total_cap or len(self.following) > self.limits.nested_cap
            if too_many or child.mount.nosymfollow:
                stops.append(Stop.TOO_MANY_LINKS)
            if self.sectors and self.tree.is_bad(child):
                stops.append(Stop.IO_ERROR)
        return tuple(stops)

    def _arrive(self, wants_directory: bool) -> Walk:
        if wants_directory and self.inode.entries is None:
            return self._stopped((Stop.NOT_A_DIRECTORY,), wants_directory)
        return Walk(self.inode, (), self.path, self._live_parent(), self.name, wants_directory)

    def _stopped(self, stops: tuple[Stop, ...], wants_directory: bool, last: bool = False) -> Walk:
        """Describe the trouble with the component taken last."""
        inner = self.following[-1]
        return Walk(
            None,
            stops,
            self.following[0].so_far(),
            self._live_parent() if last else None,
            self.name,
            wants_directory,
            b"" if inner is self.following[0] else inner.so_far(),
        )

    def _live_parent(self) -> Inode | None:
        """Give the directory of the last component, unless it has been removed: nothing can be made there."""
        return self.parent if self.parent is not None and self.parent.links > 0 else None
