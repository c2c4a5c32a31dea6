"""Which Unix a machine runs: its numbers, its first files, what a child keeps. Rules for exec stand in profiles."""

from __future__ import annotations

from collections.abc import Callable

from attrs import frozen

from bprocsim.posix.arch import Arch
from bprocsim.posix.skeleton import skeleton
from bprocsim.posix.vfs import FileTree


@frozen(eq=False)
class Unix:
    """One kind of Unix.

    `name` by which `Errno.number` knows its numbers; `skeleton(arch)` gives the tree that its fresh
    machines share; `handing_on` the capability without which a child has none of those that were
    named for its parent, "" where a child has what its parent has; `path` the PATH with which a
    command line begins.
    """

    name: str
    skeleton: Callable[[Arch], FileTree]
    handing_on: str = ""
    path: str = "/usr/bin:/bin"


LINUX = Unix("linux", skeleton)
