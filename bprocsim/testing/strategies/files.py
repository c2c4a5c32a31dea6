"""Strategies for files: whole trees of them, as data."""

from __future__ import annotations

from posixpath import join, relpath
from typing import Any

from attrs import define, field
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.testing.filetrees import FileTree
from bprocsim.testing.strategies.images import elf_images

_SHORT = st.text("abc", min_size=1, max_size=2)
_NAMES = _SHORT | st.sampled_from(["é", "two words", "x" * 255, "..."])
_CUT = 250  # of a name's characters, so that a number fits behind them
_MODES = st.sampled_from([0o755, 0o644, 0o4755, 0o2755, 0o111, 0]) | st.integers(0, 0o7777)
_OWNERS = st.sampled_from([0, 500])
_TEXTS = st.sampled_from([b"", b"text\n", b"#!/bin/sh\n", b"#!\n", b"#! /bin/absent -x\n"])
_FLAGS = ("nosuid", "noexec", "readonly")
_KINDS = ("file", "directory", "symlink", "special", "mount", "link")


@define
class _Growing:
    """A tree in the making: the calls so far, and the paths of what can be built on."""

    root: str
    calls: list[bp.Call] = field(factory=list)
    directories: list[str] = field(factory=list)
    files: list[str] = field(factory=list)
    taken: set[str] = field(factory=set)

    def place(self, draw: st.DrawFn) -> str:
        """Find a path that is free, below one of the directories; a name that is taken gets a number."""
        directory, name = draw(st.sampled_from([self.root, *self.directories])), draw(_NAMES)
        path, again = join(directory, name), 1
        while path in self.taken:
            again += 1
            path = join(directory, f"{name[:_CUT]}{again}")
        self.taken.add(path)
        return path


def _owner(draw: st.DrawFn) -> dict[str, int]:
    """Give who owns a file, where that is not root."""
    owner = draw(_OWNERS)
    return {"uid": owner, "gid": owner} if owner else {}


def _file(draw: st.DrawFn, tree: _Growing, path: str) -> None:
    data = draw(_TEXTS | elf_images().map(bp.ElfImage.to_bytes))
    tree.calls.append(bp.Call("write_file", path, data, mode=draw(_MODES), **_owner(draw)))
    tree.files.append(path)


def _directory(draw: st.DrawFn, tree: _Growing, path: str) -> None:
    tree.calls.append(bp.Call("mkdir", path, mode=draw(_MODES), **_owner(draw)))
    tree.directories.append(path)


def _symlink(draw: st.DrawFn, tree: _Growing, path: str) -> None:
    known = st.sampled_from(sorted(tree.taken))  # itself too: a circle
    relative = known.map(lambda target: relpath(target, path.rpartition("/")[0]))
    target = draw(known | relative | st.sampled_from(["/bin/sh", "/absent", "..", "."]))
    tree.calls.append(bp.Call("symlink", target, path))


def _special(draw: st.DrawFn, tree: _Growing, path: str) -> None:
    kind = draw(st.sampled_from(["fifo", "socket", "chr", "blk"]))
    tree.calls.append(bp.Call("mknod", path, kind, mode=draw(_MODES)))


def _mount(draw: st.DrawFn, tree: _Growing, path: str) -> None:
    flags = dict.fromkeys(draw(st.lists(st.sampled_from(_FLAGS), unique=True, max_size=2)), True)
    tree.calls += [bp.Call("mkdir", path), bp.Call("mount", path, **flags)]
    tree.directories.append(path)


def _link(draw: st.DrawFn, tree: _Growing, path: str) -> None:
    device = _mounted(tree, path)
    same = [each for each in tree.files if _mounted(tree, each) == device]
    if same:
        tree.calls.append(bp.Call("link", draw(st.sampled_from(same)), path))
    else:
        _file(draw, tree, path)


def _mounted(tree: _Growing, path: str) -> str:
    """Tell on which mount of the tree a path lies, "" if on none."""
    mounts = [str(each.args[0]) for each in tree.calls if each.name == "mount"]
    return max((each for each in mounts if path.startswith(each + "/")), key=len, default="")


_MAKE: dict[str, Any] = {
    "file": _file, "directory": _directory, "symlink": _symlink, "special": _special, "mount": _mount, "link": _link,
}  # fmt: skip


@st.composite
def filesystems(draw: st.DrawFn, /, root: str = "/", max_entries: int = 8) -> FileTree:
    """Give files as data, to be built with `tree.build(cluster.master.fs)`: none first, then short names.

    At most `max_entries` of them, each below `root`, a directory that is there: files that hold text, scripts or
    images, with any mode; directories; links, also in circles or to nowhere; special files; file systems that
    are mounted.
    """
    tree = _Growing(root)
    for kind in draw(st.lists(st.sampled_from(_KINDS), max_size=max_entries)):
        _MAKE[kind](draw, tree, tree.place(draw))
    return FileTree(*tree.calls)
