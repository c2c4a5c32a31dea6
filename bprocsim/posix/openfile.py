"""open, and regular files that are open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field, setters

from bprocsim.errnos import Errno as E
from bprocsim.faces.pointers import BAD_ADDRESS, Pointer
from bprocsim.manual import Errors, Fail, Row
from bprocsim.port import Port, Steps, WaitQueue, Why
from bprocsim.posix import vfs
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
from bprocsim.posix.machine import Machine, counted
from bprocsim.posix.paths import NOWHERE, Stop, Walk, walk
from bprocsim.posix.pipes import Fifo
from bprocsim.posix.procs import Process, Thread, let_go, put
from bprocsim.posix.streams import Null
from bprocsim.posix.vfs import READ, WRITE, Inode, Kind, permits
from bprocsim.posix.waiting import block, interrupted

# Flags of open, the simulated Linux's own numbers (i386, x86-64). Source: linux-fcntl.
O_RDONLY, O_WRONLY, O_RDWR, O_ACCMODE = 0, 1, 2, 3
O_CREAT, O_EXCL, O_TRUNC, O_APPEND = 0o100, 0o200, 0o1000, 0o2000
O_DIRECTORY, O_CLOEXEC = 0o200000, 0o2000000


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class OpenFile:
    """A regular file or directory that is open: which inode, where in it, for what."""

    machine: Machine
    number: int
    flags: int
    place: int = 0
    references: int = 0
    table: Any = None
    reset = False
    broken = False

    @property
    def inode(self) -> Inode:
        """Give the file as it is now."""
        return self.machine.tree.inodes[self.number]

    @property
    def readable(self) -> bool:
        """Tell whether it was opened for reading."""
        return self.flags & O_ACCMODE in (O_RDONLY, O_RDWR)

    @property
    def writable(self) -> bool:
        """Tell whether it was opened for writing."""
        return self.flags & O_ACCMODE in (O_WRONLY, O_RDWR)

    def take(self, port: Port, count: int) -> bytes:
        """Read on from its place."""
        data = self.inode.data[self.place : self.place + count]
        self.place += len(data)
        return data

    def give(self, port: Port, data: bytes | memoryview) -> int:
        """Write at its place, or at the end with O_APPEND."""
        inode = self.machine.tree.own(self.number)
        if self.flags & O_APPEND:
            self.place = len(inode.data)
        head = inode.data[: self.place].ljust(self.place, b"\0")
        inode.data = head + bytes(data) + inode.data[self.place + len(data) :]
        self.place += len(data)
        return len(data)

    def close(self, port: Port) -> None:
        """Let go of the file: it may be executed again if this was its last writer."""
        if self.writable:
            self.machine.tree.own(self.number).writers -= 1


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class OpenFacts:
    """What open asks about: `process` is to have the file, opened with the rights of `who`."""

    machine: Machine
    process: Process
    path: Pointer
    flags: int
    who: Credentials
    interrupted: bool = False
    _walk: Walk | None = field(default=None, init=False)

    @property
    def walk(self) -> Walk:
        """Give where the path leads."""
        if self._walk is None:
            limits = self.machine.profile.paths
            if self.path is BAD_ADDRESS or not self.path or limits.too_long(self.path):
                self._walk = NOWHERE
            else:
                # What is to be made must not exist, not even as a link that leads nowhere.
                follow = self.flags & (O_CREAT | O_EXCL) != O_CREAT | O_EXCL
                tree, root = self.machine.tree, self.process.root
                self._walk = walk(tree, self.process.cwd, self.path, self.who, limits, follow, root=root)
        return self._walk

    @property
    def inode(self) -> Inode | None:
        """Give what the path names."""
        return self.walk.inode

    @property
    def creates(self) -> bool:
        """Tell whether the call is to make the file: absent, asked for, and its directory is there."""
        found = self.walk
        return bool(self.flags & O_CREAT) and found.parent is not None and found.stops == (Stop.ABSENT,)

    @property
    def file(self) -> Inode | None:
        """Give what the path names, or the directory in which it is to be made."""
        return self.inode if self.inode is not None else self.walk.parent if self.creates else None

    @property
    def writes(self) -> bool:
        """Tell whether it is opened for writing or cut."""
        return self.flags & O_ACCMODE != O_RDONLY or bool(self.flags & O_TRUNC)


def makes_a_directory(f: OpenFacts) -> bool:
    return f.flags & (O_CREAT | O_DIRECTORY) == O_CREAT | O_DIRECTORY


def file_absent(f: OpenFacts) -> bool:
    return cmd_absent(f) and not f.creates


def slash_after_name(f: OpenFacts) -> bool:
    if f.path is BAD_ADDRESS or not f.flags & O_CREAT or Stop.SEARCH_DENIED in f.walk.stops:
        return False
    if f.path.endswith(b"/"):
        # Nothing was wrong before the last name, and that one is not looked up.
        return f.walk.where.rstrip(b"/") == f.path.rstrip(b"/")
    return f.walk.wants_directory and f.walk.parent is not None and f.inode is None


def directory_not_writable(f: OpenFacts) -> bool:
    parent = f.walk.parent
    return f.creates and parent is not None and not permits(parent, f.who, WRITE)


def already_exists(f: OpenFacts) -> bool:
    return f.inode is not None and f.flags & (O_CREAT | O_EXCL) == O_CREAT | O_EXCL


def directory_for_writing(f: OpenFacts) -> bool:
    return f.inode is not None and f.inode.kind is Kind.DIRECTORY and (f.writes or bool(f.flags & O_CREAT))


def directory_wanted(f: OpenFacts) -> bool:
    return f.inode is not None and f.inode.kind is not Kind.DIRECTORY and bool(f.flags & O_DIRECTORY)


def access_denied(f: OpenFacts) -> bool:
    if f.inode is None:
        return False
    mode = f.flags & O_ACCMODE
    want = {O_RDONLY: READ, O_WRONLY: WRITE}.get(mode, READ | WRITE) | (WRITE if f.flags & O_TRUNC else 0)
    return not permits(f.inode, f.who, want)


def read_only_mount(f: OpenFacts) -> bool:
    where = f.file
    if where is None or where.kind not in (Kind.FILE, Kind.DIRECTORY):
        return False
    return where.mount.readonly and (f.writes or f.creates)


def program_runs(f: OpenFacts) -> bool:
    writes = f.flags & O_ACCMODE in (O_WRONLY, O_RDWR) or bool(f.flags & O_TRUNC)
    return f.inode is not None and f.inode.running > 0 and writes


def no_device(f: OpenFacts) -> bool:
    inode = f.inode
    special = inode is not None and inode.kind not in (Kind.FILE, Kind.DIRECTORY, Kind.FIFO)
    return special and inode is not None and inode.device != "null"


def table_full(f: OpenFacts) -> bool:
    return f.machine.profile.lacks_files(f.machine.files.free, f.who)


def too_many_descriptors(f: OpenFacts) -> bool:
    return len(f.process.descriptors) >= f.process.open_limit


WAIT = "WAIT"  # the step at which a row is decided while open waits

OPEN_ERRORS = Errors(
    "open",
    page="posix-open",
    order="linux-6.18-measured",
    rows=(
        Row(E.EINVAL, makes_a_directory, "open makes no directories", source="linux-6.18-measured"),
        Row(E.EFAULT, path_unreadable, "the path is memory that the program cannot read", source="linux-open2"),
        Row(E.ENOENT, path_empty, "the path is empty"),
        Row(E.ENAMETOOLONG, path_too_long, "the path is too long"),
        Row(E.EMFILE, too_many_descriptors, "the process has too many descriptors open"),
        Row(E.ENFILE, table_full, "the machine's table of open files is full"),
        Row(E.EACCES, search_denied, "the program may not search a directory on the path"),
        Row(E.EISDIR, slash_after_name, "a file is to be made, and its name ends in a slash"),
        Row(E.ENAMETOOLONG, component_too_long, "a name on the path is too long"),
        Row(E.ENOENT, file_absent, "the file does not exist"),
        Row(E.ENOTDIR, not_a_directory, "part of the path is not a directory"),
        Row(E.ELOOP, too_many_links, "too many symbolic links on the way"),
        Row(E.EIO, path_io_error, "an I/O error occurred while a directory was read", source="linux-open2"),
        Row(E.EEXIST, already_exists, "the file is to be made, but exists"),
        Row(E.EISDIR, directory_for_writing, "a directory is to be written"),
        Row(E.ENOTDIR, directory_wanted, "a directory is wanted and this is none"),
        Row(E.EROFS, read_only_mount, "the file system is mounted read-only"),
        Row(E.EACCES, directory_not_writable, "the file is to be made, but its directory cannot be written"),
        Row(E.EACCES, access_denied, "the file's mode denies what is asked for"),
        Row(E.ENXIO, no_device, "no device of this simulator stands behind the special file"),
        Row(E.ETXTBSY, program_runs, "the file is a program that runs and is to be written", source="linux-open2"),
        Row(E.EINTR, interrupted, "a signal was caught while it waited for the other side of a fifo", step=WAIT),
    ),
)


def open_(machine: Machine, thread: Thread, path: Pointer, flags: int, mode: int) -> Steps:
    """Open a file, making it if asked; gives a descriptor. Errors: OPEN_ERRORS. Source: posix-open."""
    process = thread.process
    yield machine.port.sleep(machine.costs.syscall_ns)
    facts = OpenFacts(machine, process, path, flags, process.credentials)
    if (row := OPEN_ERRORS.first(facts)) is not None:
        return Fail(row, OPEN_ERRORS, b"" if path is BAD_ADDRESS else path)
    close_on_exec = bool(flags & O_CLOEXEC)
    return (
        yield from opened(
            facts,
            mode,
            lambda description: put(process, description, close_on_exec=close_on_exec),
            lambda queue, what, since_ns: block(machine.port, thread, queue, what, since_ns),
        )
    )


# Waits in a queue, for what, since when; gives the Why.
Stand = Callable[[WaitQueue, str, int], Steps]


def opened(facts: OpenFacts, mode: int, place: Callable[[Any], Any], stand: Stand) -> Steps:
    """Open what a table has been asked about, with `mode` if it is to be made; gives what `place` makes of it.

    `stand` waits for the other side of a fifo. A Fail if a signal was caught meanwhile, None if
    whoever waits was told to give up.
    """
    machine, process, who, flags = facts.machine, facts.process, facts.who, facts.flags
    tree, inode = machine.tree, facts.inode
    if inode is None:
        parent = facts.walk.parent
        assert parent is not None
        bits = mode & ~process.umask & 0o7777
        group = parent.gid if parent.mode & 0o2000 else who.egid
        inode = vfs.create_file(tree, parent.number, facts.walk.name, bits, who.euid, group)
    access = flags & O_ACCMODE
    if inode.kind is Kind.FIFO:
        readable, writable = access in (O_RDONLY, O_RDWR), access in (O_WRONLY, O_RDWR)
        return (yield from _open_fifo(facts, readable, writable, place, stand))
    if inode.device == "null":
        return place(counted(machine, Null(access in (O_RDONLY, O_RDWR), access in (O_WRONLY, O_RDWR))))
    file = OpenFile(machine, inode.number, flags)
    if facts.writes and inode.kind is Kind.FILE:
        own = tree.own(inode.number)
        if flags & O_TRUNC:
            own.data = b""
        if file.writable:
            own.writers += 1
    return place(counted(machine, file))


def _open_fifo(facts: OpenFacts, readable: bool, writable: bool, place: Callable[[Any], Any], stand: Stand) -> Steps:
    """Open a fifo; one side alone waits until somebody opens the other. Source: posix-open."""
    machine, inode = facts.machine, facts.inode
    assert inode is not None, "decided"
    port, number = machine.port, inode.number
    since_ns = port.now_ns
    fifo = machine.fifos.get(number)
    if fifo is None:
        fifo = machine.fifos[number] = Fifo(machine.costs.pipe_bytes, gone=lambda: machine.fifos.pop(number))
    end = counted(machine, fifo.end(readable, writable))
    fifo.opening.wake_all(port, Why.DATA)
    end.references += 1  # while it waits
    other, before = int(readable), list(fifo.opened)
    try:
        while readable != writable and not (fifo.writers if readable else fifo.readers):
            if fifo.opened[other] != before[other]:
                break  # somebody came and went
            why = yield from stand(fifo.opening, f"open({facts.path!r})", since_ns)
            if why is Why.GONE:
                return None
            facts.interrupted = why is Why.SIGNAL and fifo.opened[other] == before[other]
            if (row := OPEN_ERRORS.first(facts, WAIT)) is not None:
                return Fail(row, OPEN_ERRORS, b"" if facts.path is BAD_ADDRESS else facts.path)
        return place(end)
    finally:
        let_go(end, port)
