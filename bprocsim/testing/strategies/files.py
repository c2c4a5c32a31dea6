"""Strategies for files: whole trees of them, as data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import product
from posixpath import join, relpath
from typing import Any

from attrs import define, field
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.testing.filetrees import FileTree

_CUT = 250  # of a name's characters, so that a number fits behind them
_MOST = 8

# An entry of a tree is drawn in four choices: what it is, where, its name, and all else. Hypothesis takes out of a list
# only what it has drawn in few choices, so that with more of them an example would not shrink.
_PLACES = st.integers(0, _MOST - 1)  # which of the directories, or of the files, that there are by then
_NAMES = st.sampled_from(["a", "b", "c", "ab", "é", "two words", "...", "x" * 255])

_MODES = (0o755, 0o644, 0o4755, 0o2755, 0o111, 0o600, 0o777, 0)
_OWNERS = (0, 500)
_IMAGES = (
    bp.ElfImage(),
    bp.ElfImage(interpreters=("/lib64/ld-linux-x86-64.so.2",)),
    bp.ElfImage(interpreters=("/lib/absent",)),
    bp.ElfImage(needed=("libc.so.6",), type="DYN"),
    bp.ElfImage(machine="i386"),
    bp.ElfImage(machine="ppc"),
    bp.ElfImage(type="REL"),
    bp.ElfImage(truncate=40),
)
_TEXTS = (b"", b"text\n", b"#!/bin/sh\n", b"#!\n", b"#! /bin/absent -x\n", *(each.to_bytes() for each in _IMAGES))
_TARGETS = (*range(_MOST), "/bin/sh", "/absent", "/", "/tmp")
_FLAGS = ((), ("nosuid",), ("noexec",), ("readonly",), ("nosuid", "noexec"))


@define
class _Growing:
    """A tree in the making: the calls so far, and the paths of what can be built on."""

    root: str
    calls: list[bp.Call] = field(factory=list)
    directories: list[str] = field(factory=list)
    files: list[str] = field(factory=list)
    taken: list[str] = field(factory=list)

    def place(self, where: int, name: str) -> str:
        """Find a path that is free, below one of the directories; a name that is taken gets a number."""
        directories = [self.root, *self.directories]
        directory = directories[where % len(directories)]
        path, again = join(directory, name), 1
        while path in self.taken:
            again += 1
            path = join(directory, f"{name[:_CUT]}{again}")
        self.taken.append(path)
        return path


def _owned(owner: int) -> dict[str, int]:
    """Give who owns a file, where that is not root."""
    return {"uid": owner, "gid": owner} if owner else {}


def _file(tree: _Growing, path: str, data: bytes, mode: int, owner: int) -> None:
    tree.calls.append(bp.Call("write_file", path, data, mode=mode, **_owned(owner)))
    tree.files.append(path)


def _directory(tree: _Growing, path: str, mode: int, owner: int) -> None:
    tree.calls.append(bp.Call("mkdir", path, mode=mode, **_owned(owner)))
    tree.directories.append(path)


def _symlink(tree: _Growing, path: str, target: int | str, relative: bool) -> None:
    """Lead to one of the paths of the tree, itself too, or anywhere."""
    led = target if isinstance(target, str) else tree.taken[-1 - target % len(tree.taken)]
    tree.calls.append(bp.Call("symlink", relpath(led, path.rpartition("/")[0] or "/") if relative else led, path))


def _special(tree: _Growing, path: str, kind: str, mode: int) -> None:
    tree.calls.append(bp.Call("mknod", path, kind, mode=mode))


def _mount(tree: _Growing, path: str, *flags: str) -> None:
    tree.calls += [bp.Call("mkdir", path), bp.Call("mount", path, **dict.fromkeys(flags, True))]
    tree.directories.append(path)


def _link(tree: _Growing, path: str, place: int) -> None:
    """Give a file of the same mount one more name; where there is none, be a file."""
    device = _mounted(tree, path)
    same = [each for each in tree.files if _mounted(tree, each) == device]
    if same:
        tree.calls.append(bp.Call("link", same[place % len(same)], path))
    else:
        _file(tree, path, b"", 0o755, 0)


def _mounted(tree: _Growing, path: str) -> str:
    """Tell on which mount of the tree a path lies, "" if on none."""
    mounts = [str(each.args[0]) for each in tree.calls if each.name == "mount"]
    return max((each for each in mounts if path.startswith(each + "/")), key=len, default="")


def _entries(make: Callable[..., None], details: Iterable[tuple[Any, ...]]) -> st.SearchStrategy[Any]:
    """Give entries of a kind, of which `details` tells all that there can be, the simplest first."""
    return st.tuples(st.just(make), _PLACES, _NAMES, st.sampled_from(list(details)))


_ENTRIES = st.lists(
    st.one_of(
        _entries(_file, ((data, mode, owner) for mode in _MODES for owner in _OWNERS for data in _TEXTS)),
        _entries(_directory, product(_MODES, _OWNERS)),
        _entries(_symlink, product(_TARGETS, (False, True))),
        _entries(_special, product(("fifo", "socket", "chr", "blk"), _MODES)),
        _entries(_mount, _FLAGS),
        _entries(_link, ((place,) for place in range(_MOST))),
    ),
    max_size=_MOST,
)


@st.composite
def filesystems(draw: st.DrawFn, /, root: str = "/") -> FileTree:
    """Give files as data, to be built with `tree.build(cluster.master.fs)`: none first, then short names.

    At most eight of them, each below `root`, a directory that is there: files that hold text, scripts or images,
    with any mode; directories; links, also in circles or to nowhere; special files; file systems that are mounted.
    """
    tree = _Growing(root)
    for make, where, name, details in draw(_ENTRIES):
        make(tree, tree.place(where, name), *details)
    return FileTree(*tree.calls)
