"""A small world, and a call in it, as plain data: all that the second opinion and the builder know of each other.

Nothing here or in the rooms that judge (see JUDGES in `test_independent.py`) comes from bprocsim: they are read from
the manual pages and their sources alone, so that a mistake of the simulator's tables cannot be theirs too.
"""

from __future__ import annotations

import enum

import attrs


class Pointer(enum.Enum):
    """A pointer that leads nowhere, in place of a path, a vector or a string."""

    NOWHERE = "nowhere"


NOWHERE = Pointer.NOWHERE
Text = str | None | Pointer
Vector = tuple[Text, ...] | None | Pointer


@attrs.frozen
class Who:
    """Who calls: real and effective ids, other groups, and whether all privileges were taken away."""

    uid: int = 0
    gid: int = 0
    euid: int = 0
    egid: int = 0
    groups: tuple[int, ...] = ()
    powerless: bool = False  # uid 0 without capabilities

    @property
    def mighty(self) -> bool:
        """Whether the rules of files yield to them."""
        return self.euid == 0 and not self.powerless


@attrs.frozen
class Entry:
    """A file, directory, link or special file of a tree."""

    kind: str = "file"  # "dir" "link" "fifo" "socket" "chr" "blk"
    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    data: bytes = b""
    target: str = ""
    same_as: str = ""  # another name of that file (a hard link)


@attrs.frozen
class Mount:
    """A file system of its own, with flags."""

    nosuid: bool = False
    noexec: bool = False


@attrs.frozen
class Tree:
    """The files of a machine, by physical path, parents first. `mounts` are directories of it."""

    entries: dict[str, Entry]
    mounts: dict[str, Mount] = attrs.field(factory=dict)
    written: tuple[str, ...] = ()  # held open for writing
    unreadable: tuple[str, ...] = ()  # the disk fails there


@attrs.frozen
class Station:
    """A slave: its state, who may use it, its architecture and whether the shared libraries are there."""

    state: str = "up"
    mode: int = 0o111
    uid: int = 0
    gid: int = 0
    arch: str = "x86-64"
    missing: tuple[str, ...] = ()  # shared libraries
    full: bool = False  # no memory is left there
    silent: str = ""  # what has just cut it off, which nobody has noticed: "power" "hang" "link"


@attrs.frozen
class World:
    """A cluster before one call."""

    tree: Tree  # of the machine where the caller is
    who: Who = Who()
    edition: str = "scyld"
    kernel: str = "documented"
    arch: str = "x86-64"  # of the master
    at: int = -1  # where the caller is
    stations: tuple[Station, ...] = (Station(), Station())
    master_gone: bool = False
    files_left: int = 100  # how many more the machine may open
    memory_left: bool = True
    cwd: str = "/"

    @property
    def caller_arch(self) -> str:
        """The architecture where the caller is."""
        return self.arch if self.at == -1 else self.stations[self.at].arch


@attrs.frozen
class Call:
    """An exec, or with `node` an execmove."""

    path: Text
    argv: Vector
    envp: Vector
    node: int | None = None
    port: int | None = None  # only _bproc_execmove_io has one
    heard: bool = True  # somebody listens on the port
