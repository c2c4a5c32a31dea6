"""access and stat: what a path names, and what the caller may do with it."""

from __future__ import annotations

from attrs import define, field, frozen, setters

from bprocsim.errnos import Errno as E
from bprocsim.faces.pointers import BAD_ADDRESS, Pointer
from bprocsim.manual import Errors, Fail, Row
from bprocsim.port import Steps
from bprocsim.posix.conditions import (
    cmd_absent,
    component_too_long,
    not_a_directory,
    path_io_error,
    search_denied,
    too_many_links,
)
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.machine import Machine
from bprocsim.posix.paths import Walk, walk
from bprocsim.posix.procs import Process, Thread
from bprocsim.posix.vfs import EXECUTE, READ, WRITE, Inode, Kind, permits

# What access may be asked: the simulated Linux's own numbers. Source: posix-access.
F_OK, X_OK, W_OK, R_OK = 0, EXECUTE, WRITE, READ


@frozen
class Stat:
    """What stat fills: `kind` "file", "directory", "fifo", "socket", "chr" or "blk"; `mode` the bits of 07777.

    `uid`, `gid` whose it is; `size` its bytes.
    """

    kind: str
    mode: int
    uid: int
    gid: int
    size: int


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class PathFacts:
    """What a call asks that names a file: who asks, where the path leads, `mode` what is wanted."""

    machine: Machine
    process: Process
    who: Credentials
    path: Pointer
    mode: int = F_OK
    _walk: Walk | None = field(default=None, init=False)

    @property
    def walk(self) -> Walk:
        """Give where the path leads."""
        if self._walk is None:
            limits = self.machine.profile.paths
            if self.path is BAD_ADDRESS or not self.path or limits.too_long(self.path):
                self._walk = Walk(inode=None, stops=(), where=b"", parent=None, name=b"", wants_directory=False)
            else:
                self._walk = walk(self.machine.tree, self.process.cwd, self.path, self.who, limits)
        return self._walk

    @property
    def inode(self) -> Inode | None:
        """Give what the path names."""
        return self.walk.inode


def mode_invalid(f: PathFacts) -> bool:
    return bool(f.mode & ~(R_OK | W_OK | X_OK))


def path_unreadable(f: PathFacts) -> bool:
    return f.path is BAD_ADDRESS


def path_empty(f: PathFacts) -> bool:
    return f.path == b""


def path_too_long(f: PathFacts) -> bool:
    return f.path is not BAD_ADDRESS and bool(f.machine.profile.paths.too_long(f.path))


def read_only_mount(f: PathFacts) -> bool:
    inode = f.inode
    if inode is None or not f.mode & W_OK:
        return False
    return inode.mount.readonly and inode.kind in (Kind.FILE, Kind.DIRECTORY)


def access_denied(f: PathFacts) -> bool:
    return f.inode is not None and not permits(f.inode, f.who, f.mode)


def noexec_mount(f: PathFacts) -> bool:
    return f.inode is not None and f.inode.kind is Kind.FILE and bool(f.mode & X_OK) and f.inode.mount.noexec


_WAY = (
    Row(E.EFAULT, path_unreadable, "the path is memory that the program cannot read", source="linux-open2"),
    Row(E.ENOENT, path_empty, "the path is empty"),
    Row(E.ENAMETOOLONG, path_too_long, "the path is too long"),
    Row(E.EACCES, search_denied, "the program may not search a directory on the path"),
    Row(E.ENAMETOOLONG, component_too_long, "a name on the path is too long"),
    Row(E.ENOENT, cmd_absent, "the file does not exist"),
    Row(E.ENOTDIR, not_a_directory, "part of the path is not a directory"),
    Row(E.ELOOP, too_many_links, "too many symbolic links on the way"),
    Row(E.EIO, path_io_error, "an I/O error occurred while a directory was read", source="linux-open2"),
)

# A file system that forbids something forbids it to everybody, so it is asked before the file's mode.
# Source: linux-access2.
ACCESS_ERRORS = Errors(
    "access",
    page="posix-access",
    order="linux-access2",
    rows=(
        Row(E.EINVAL, mode_invalid, "mode asks for something else than R_OK, W_OK and X_OK", source="linux-access2"),
        *_WAY,
        Row(E.EACCES, noexec_mount, "the file lies where nothing may be executed", source="linux-access2"),
        Row(E.EROFS, read_only_mount, "the file system is mounted read-only"),
        Row(E.EACCES, access_denied, "the file's mode denies what is asked for"),
    ),
)

STAT_ERRORS = Errors("stat", page="posix-stat", order="linux-path_resolution7", rows=_WAY)


def access(machine: Machine, thread: Thread, path: Pointer, mode: int) -> Steps:
    """Ask with the real ids what may be done with a file; gives 0. Errors: ACCESS_ERRORS. Source: posix-access."""
    yield machine.port.sleep(machine.costs.syscall_ns)
    process, who = thread.process, thread.process.credentials
    facts = PathFacts(machine, process, who.with_effective(who.uid, who.gid), path, mode)
    if (row := ACCESS_ERRORS.first(facts)) is not None:
        return Fail(row, ACCESS_ERRORS, b"" if path is BAD_ADDRESS else path)
    return 0


def stat(machine: Machine, thread: Thread, path: Pointer) -> Steps:
    """Tell what a path names, links followed; gives a Stat. Errors: STAT_ERRORS. Source: posix-stat."""
    yield machine.port.sleep(machine.costs.syscall_ns)
    facts = PathFacts(machine, thread.process, thread.process.credentials, path)
    if (row := STAT_ERRORS.first(facts)) is not None:
        return Fail(row, STAT_ERRORS, b"" if path is BAD_ADDRESS else path)
    inode = facts.inode
    assert inode is not None, "decided"
    return Stat(inode.kind.value, inode.mode, inode.uid, inode.gid, len(inode.data))
