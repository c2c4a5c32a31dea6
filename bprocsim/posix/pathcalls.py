"""access, stat, chmod, mkdir and scandir: what a path names, and what the caller may do with it."""

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
    path_empty,
    path_io_error,
    path_too_long,
    path_unreadable,
    search_denied,
    too_many_links,
)
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.machine import Machine
from bprocsim.posix.paths import NOWHERE, Walk, walk, walk_to_make
from bprocsim.posix.procs import Process, Thread
from bprocsim.posix.vfs import EXECUTE, READ, WRITE, Inode, Kind, create_directory, permits

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
    """What a call asks that names a file: who asks, where the path leads, `mode` what is wanted.

    `makes` the last name is to be made.
    """

    machine: Machine
    process: Process
    who: Credentials
    path: Pointer
    mode: int = F_OK
    makes: bool = False
    _walk: Walk | None = field(default=None, init=False)

    @property
    def walk(self) -> Walk:
        """Give where the path leads."""
        if self._walk is None:
            limits = self.machine.profile.paths
            if self.path is BAD_ADDRESS or not self.path or limits.too_long(self.path):
                self._walk = NOWHERE
            else:
                takes, root = walk_to_make if self.makes else walk, self.process.root
                self._walk = takes(self.machine.tree, self.process.cwd, self.path, self.who, limits, root=root)
        return self._walk

    @property
    def inode(self) -> Inode | None:
        """Give what the path names."""
        return self.walk.inode


def mode_invalid(f: PathFacts) -> bool:
    return bool(f.mode & ~(R_OK | W_OK | X_OK))


def read_only_mount(f: PathFacts) -> bool:
    inode = f.inode
    if inode is None or not f.mode & W_OK:
        return False
    return inode.mount.readonly and inode.kind in (Kind.FILE, Kind.DIRECTORY)


def access_denied(f: PathFacts) -> bool:
    return f.inode is not None and not permits(f.inode, f.who, f.mode)


def parent_absent(f: PathFacts) -> bool:
    return cmd_absent(f) and f.walk.parent is None


def already_exists(f: PathFacts) -> bool:
    return f.inode is not None


def read_only_parent(f: PathFacts) -> bool:
    return f.walk.parent is not None and f.walk.parent.mount.readonly


def parent_not_writable(f: PathFacts) -> bool:
    return f.walk.parent is not None and not permits(f.walk.parent, f.who, WRITE)


def is_no_directory(f: PathFacts) -> bool:
    return f.inode is not None and f.inode.kind is not Kind.DIRECTORY


def not_readable(f: PathFacts) -> bool:
    return f.inode is not None and not permits(f.inode, f.who, READ)


def too_many_descriptors(f: PathFacts) -> bool:
    return len(f.process.descriptors) >= f.process.open_limit


def table_full(f: PathFacts) -> bool:
    return f.machine.profile.lacks_files(f.machine.files.free, f.who)


def on_read_only_mount(f: PathFacts) -> bool:
    return f.inode is not None and f.inode.mount.readonly


def not_owner(f: PathFacts) -> bool:
    return f.inode is not None and f.inode.uid != f.who.euid and not f.who.can("CAP_FOWNER")


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
ACCESS_ERRORS = Errors(
    "access",
    page="posix-access",
    order="linux-6.18-measured",
    rows=(
        Row(E.EINVAL, mode_invalid, "mode asks for something else than R_OK, W_OK and X_OK", source="linux-access2"),
        *_WAY,
        Row(E.EACCES, noexec_mount, "the file lies where nothing may be executed", source="linux-access2"),
        Row(E.EROFS, read_only_mount, "the file system is mounted read-only"),
        Row(E.EACCES, access_denied, "the file's mode denies what is asked for"),
    ),
)

CHMOD_ERRORS = Errors(
    "chmod",
    page="posix-chmod",
    order="linux-6.18-measured",
    rows=(
        *_WAY,
        Row(E.EROFS, on_read_only_mount, "the file system is mounted read-only"),
        Row(E.EPERM, not_owner, "the program is neither the file's owner nor root"),
    ),
)

_BEFORE, _ABSENT = _WAY[:5], _WAY[6:]
MKDIR_ERRORS = Errors(
    "mkdir",
    page="posix-mkdir",
    order="linux-6.18-measured",
    rows=(
        *_BEFORE,
        Row(E.ENOENT, parent_absent, "the directory in which it is to be made does not exist"),
        *_ABSENT,
        Row(E.EEXIST, already_exists, "the name exists already, perhaps as a symbolic link"),
        Row(E.EROFS, read_only_parent, "the file system is mounted read-only"),
        Row(E.EACCES, parent_not_writable, "the directory in which it is to be made cannot be written"),
    ),
)

# It opens the directory to read it, so that what hinders open hinders it too.
SCANDIR_ERRORS = Errors(
    "scandir",
    page="posix-opendir",
    order="linux-6.18-measured",
    rows=(
        *_WAY[:3],
        Row(E.EMFILE, too_many_descriptors, "the process has too many descriptors open"),
        Row(E.ENFILE, table_full, "the machine's table of open files is full"),
        *_WAY[3:],
        Row(E.ENOTDIR, is_no_directory, "it is not a directory"),
        Row(E.EACCES, not_readable, "the directory may not be read"),
    ),
)

STAT_ERRORS = Errors("stat", page="posix-stat", order="linux-6.18-measured", rows=_WAY)


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


def chmod(machine: Machine, thread: Thread, path: Pointer, mode: int) -> Steps:
    """Set a file's mode, links followed; gives 0. Errors: CHMOD_ERRORS. Source: posix-chmod.

    The set-group-id bit of another group's file is only root's to set.
    """
    yield machine.port.sleep(machine.costs.syscall_ns)
    who = thread.process.credentials
    facts = PathFacts(machine, thread.process, who, path)
    if (row := CHMOD_ERRORS.first(facts)) is not None:
        return Fail(row, CHMOD_ERRORS, b"" if path is BAD_ADDRESS else path)
    inode = facts.inode
    assert inode is not None, "decided"
    foreign = not who.in_group(inode.gid) and not who.can("CAP_FSETID")
    machine.tree.own(inode.number).mode = mode & (0o5777 if foreign else 0o7777)
    return 0


def mkdir(machine: Machine, thread: Thread, path: Pointer, mode: int) -> Steps:
    """Make a directory; gives 0. Errors: MKDIR_ERRORS. Source: posix-mkdir."""
    yield machine.port.sleep(machine.costs.syscall_ns)
    process, who = thread.process, thread.process.credentials
    facts = PathFacts(machine, process, who, path, makes=True)
    if (row := MKDIR_ERRORS.first(facts)) is not None:
        return Fail(row, MKDIR_ERRORS, b"" if path is BAD_ADDRESS else path)
    parent = facts.walk.parent
    assert parent is not None, "decided"
    # Of a directory with the set-group-id bit a new one has the group, and the bit.
    inherited = parent.mode & 0o2000
    group = parent.gid if inherited else who.egid
    bits = mode & ~process.umask & 0o1777 | inherited
    create_directory(machine.tree, parent.number, facts.walk.name, bits, who.euid, group)
    return 0


def scandir(machine: Machine, thread: Thread, path: Pointer) -> Steps:
    """List the names in a directory but . and .., sorted. Errors: SCANDIR_ERRORS. Source: posix-opendir."""
    yield machine.port.sleep(3 * machine.costs.syscall_ns)  # it is opened, read, and closed
    facts = PathFacts(machine, thread.process, thread.process.credentials, path)
    if (row := SCANDIR_ERRORS.first(facts)) is not None:
        return Fail(row, SCANDIR_ERRORS, b"" if path is BAD_ADDRESS else path)
    inode = facts.inode
    assert inode is not None, "decided"
    return [name.decode("utf-8", "surrogateescape") for name in sorted(inode.entries or ())]
