"""The directory that a process starts in: found by its path as chdir finds it, and by what path it is known."""

from __future__ import annotations

from typing import Any

from attrs import define, field, setters

from bprocsim.errnos import Errno as E
from bprocsim.manual import Errors, Fail, Row
from bprocsim.posix.conditions import component_too_long, not_a_directory, path_io_error, search_denied, too_many_links
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.paths import NOWHERE, Stop, Walk, walk
from bprocsim.posix.vfs import EXECUTE, FileTree, Kind, permits


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class DirectoryFacts:
    """What chdir asks about: who wants to go where, and what is there."""

    machine: Any
    who: Credentials
    path: bytes
    walk: Walk = field(init=False)

    def __attrs_post_init__(self) -> None:
        limits, tree = self.machine.profile.paths, self.machine.tree
        if not self.path or limits.too_long(self.path):
            self.walk = NOWHERE
        else:
            self.walk = walk(tree, tree.root, self.path, self.who, limits)


def path_empty(f: DirectoryFacts) -> bool:
    return not f.path


def path_too_long(f: DirectoryFacts) -> bool:
    return bool(f.machine.profile.paths.too_long(f.path))


def directory_absent(f: DirectoryFacts) -> bool:
    return Stop.ABSENT in f.walk.stops


def is_no_directory(f: DirectoryFacts) -> bool:
    return f.walk.inode is not None and f.walk.inode.kind is not Kind.DIRECTORY


def entry_denied(f: DirectoryFacts) -> bool:
    inode = f.walk.inode
    return inode is not None and inode.kind is Kind.DIRECTORY and not permits(inode, f.who, EXECUTE)


CHDIR_ERRORS = Errors(
    "chdir",
    page="posix-chdir",
    order="linux-path_resolution7",
    rows=(
        Row(E.ENOENT, path_empty, "the path is empty"),
        Row(E.ENAMETOOLONG, path_too_long, "the path is too long"),
        Row(E.EACCES, search_denied, "a directory on the path may not be searched"),
        Row(E.ENAMETOOLONG, component_too_long, "a name on the path is too long"),
        Row(E.ENOENT, directory_absent, "the directory does not exist"),
        Row(E.ENOTDIR, not_a_directory, "part of the path is not a directory"),
        Row(E.ELOOP, too_many_links, "too many symbolic links on the way"),
        Row(E.EIO, path_io_error, "an I/O error occurred while a directory was read", source="linux-open2"),
        Row(E.ENOTDIR, is_no_directory, "it is not a directory"),
        Row(E.EACCES, entry_denied, "the directory may not be entered"),
    ),
)


def enter(machine: Any, who: Credentials, path: bytes) -> tuple[int, bytes] | Fail:
    """Find the directory that `who` enters by a path from the root; gives its inode's number and its own path.

    Errors: CHDIR_ERRORS. Source: posix-chdir.
    """
    facts = DirectoryFacts(machine, who, path)
    if (row := CHDIR_ERRORS.first(facts)) is not None:
        return Fail(row, CHDIR_ERRORS, path)
    inode = facts.walk.inode
    assert inode is not None, "decided"
    return inode.number, path_of(machine.tree, inode.number)


def path_of(tree: FileTree, number: int) -> bytes:
    """Give a directory's own path, without links and dots."""
    names: list[bytes] = []
    while number != tree.root:
        parent = tree.inodes[number].parent
        entries = tree.inodes[parent].entries or {}
        names.append(next(name for name, child in entries.items() if child == number))
        number = parent
    return b"/" + b"/".join(reversed(names))
