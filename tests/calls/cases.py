"""For every row of every POSIX call: a program that meets it, and the nearest world in which it does not.

A case is one program, run twice: with `bad` true it ends in the call that the row refuses; with
`bad` false the same call, in a world that lacks that one defect, does something else.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from attrs import frozen

import bprocsim as bp
from bprocsim.units import ms, s

Steps = Generator[Any, Any, Any]
MASTER = bp.BPROC_NODE_MASTER
ALICE = bp.Credentials(500, 500)
PROGRAM = "/usr/bin/case"
HERE = "127.0.0.1"

# When faults strike that would keep the program itself from being loaded.
STRIKE_NS = 5 * ms


@frozen
class Case:
    """A row's program; `build` the world's files, `faults` what strikes, `user` who runs it."""

    call: str
    cause: str
    program: Callable[..., Steps]
    build: Callable[[bp.Cluster, bool], object] | None = None
    faults: Callable[[bool], list[Any]] | None = None
    user: bp.Credentials | None = None


CASES: dict[tuple[str, str], Case] = {}


def case(call: str, *causes: str, **options: Any) -> Callable[[Callable[..., Steps]], Callable[..., Steps]]:
    """Enter a program `(proc, bad)` as the case of a row; with several causes, `(proc, bad, cause)`."""

    def enter(program: Callable[..., Steps]) -> Callable[..., Steps]:
        for cause in causes:
            assert (call, cause) not in CASES
            made = program if len(causes) == 1 else _for_cause(program, cause)
            CASES[call, cause] = Case(call, cause, made, **options)
        return program

    return enter


def _for_cause(program: Callable[..., Steps], cause: str) -> Callable[..., Steps]:
    return lambda proc, bad: program(proc, bad, cause)


def until_struck(proc: bp.Proc) -> Steps:
    """Wait until the faults have struck."""
    yield from proc.sleep(2 * STRIKE_NS)


def ignore(_proc: bp.Proc, _signum: int) -> None:
    """Catch a signal and do nothing."""


def prod(proc: bp.Proc, bad: bool, act: Callable[[bp.Proc], Any] | None = None) -> Steps:
    """Let a child send a signal that is caught when bad, and then do what lets the call go on."""
    yield from proc.sigaction(bp.SIGUSR1, ignore if bad else bp.SIG_IGN)
    parent = proc.pid

    def child(proc: bp.Proc) -> Steps:
        yield from proc.sleep(1 * ms)
        yield from proc.kill(parent, bp.SIGUSR1)
        yield from proc.sleep(1 * ms)
        if act is not None:
            yield from act(proc)

    yield from proc.fork(child)


def use_up_descriptors(proc: bp.Proc, leave: int = 0) -> Steps:
    """Let all numbers but `leave` be in use."""
    for number in range(3, 1024 - leave):
        if number not in proc.thread.process.descriptors:
            yield from proc.dup2(0, number)


def few_files(left: int, enough: int) -> Callable[[bool], list[Any]]:
    """Leave the machine's table of open files room for `left`; `enough` without the defect."""
    return lambda bad: [bp.OpenFileLimit(MASTER, left if bad else enough, STRIKE_NS)]


def listening(proc: bp.Proc, port: int = 7000, backlog: int = 1, host: str = "") -> Steps:
    """Give a descriptor that listens."""
    fd = yield from proc.socket()
    yield from proc.bind(fd, bp.Address(host, port))
    yield from proc.listen(fd, backlog)
    return fd


def connection(proc: bp.Proc) -> Steps:
    """Give both ends of a connection: who connected, who accepted."""
    listener = yield from listening(proc)
    one = yield from proc.socket()
    yield from proc.connect(one, bp.Address(HERE, 7000))
    other, _ = yield from proc.accept(listener)
    yield from proc.close(listener)
    return one, other


def reset_connection(proc: bp.Proc, bad: bool) -> Steps:
    """Give the end of a connection that the other side has thrown away, or closed."""
    one, other = yield from connection(proc)
    yield from proc.write(one, b"unread")
    yield from proc.sleep(1 * ms)
    if not bad:
        yield from proc.read(other)
    yield from proc.close(other)
    yield from proc.sleep(1 * ms)
    return one


# ---- read, write ---------------------------------------------------------------------------------


@case("read", "fd_not_readable")
def read_fd_not_readable(proc: bp.Proc, bad: bool) -> Steps:
    reading, writing = yield from proc.pipe()
    yield from proc.write(writing, b"x")
    yield from proc.read(writing if bad else reading)


@case("read", "is_a_directory", build=lambda cluster, bad: cluster.master.fs.write_file("/tmp/f", b"x"))
def read_is_a_directory(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from proc.open("/tmp" if bad else "/tmp/f")
    yield from proc.read(fd)


@case("read", "not_connected")
def read_not_connected(proc: bp.Proc, bad: bool) -> Steps:
    if bad:
        fd = yield from proc.socket()
    else:
        fd, other = yield from connection(proc)
        yield from proc.write(other, b"x")
    yield from proc.read(fd)


@case(
    "read", "media_error",
    build=lambda cluster, bad: cluster.master.fs.write_file("/tmp/f", b"x"),
    faults=lambda bad: [bp.IoError(MASTER, "/tmp/f")] * bad,
)  # fmt: skip
def read_media_error(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from proc.open("/tmp/f")
    yield from proc.read(fd)


@case("read", "connection_reset")
def read_connection_reset(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from reset_connection(proc, bad)
    yield from proc.read(fd)


@case("read", "interrupted")
def read_interrupted(proc: bp.Proc, bad: bool) -> Steps:
    reading, writing = yield from proc.pipe()
    yield from prod(proc, bad, lambda child: child.write(writing, b"x"))
    yield from proc.read(reading)


@case("write", "fd_not_writable")
def write_fd_not_writable(proc: bp.Proc, bad: bool) -> Steps:
    reading, writing = yield from proc.pipe()
    yield from proc.write(reading if bad else writing, b"x")


@case("write", "connection_lost")
def write_connection_lost(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from reset_connection(proc, bad)
    yield from proc.write(fd, b"x")


@case("write", "nobody_reads")
def write_nobody_reads(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.sigaction(bp.SIGPIPE, bp.SIG_IGN)
    reading, writing = yield from proc.pipe()
    if bad:
        yield from proc.close(reading)
    yield from proc.write(writing, b"x")


@case("write", "buffer_unreadable")
def write_buffer_unreadable(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.write(1, bp.BAD_ADDRESS if bad else b"x")  # type: ignore[arg-type]


@case(
    "write", "media_error",
    build=lambda cluster, bad: cluster.master.fs.write_file("/tmp/f", b"x"),
    faults=lambda bad: [bp.IoError(MASTER, "/tmp/f")] * bad,
)  # fmt: skip
def write_media_error(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from proc.open("/tmp/f", bp.O_WRONLY)
    yield from proc.write(fd, b"y")


@case("write", "interrupted")
def write_interrupted(proc: bp.Proc, bad: bool) -> Steps:
    reading, writing = yield from proc.pipe()
    yield from proc.write(writing, bytes(4096))
    yield from prod(proc, bad, lambda child: child.read(reading))
    yield from proc.write(writing, b"x")


# ---- close, dup2, pipe ---------------------------------------------------------------------------


@case("close", "fd_not_open")
def close_fd_not_open(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.close(3 if bad else 2)


@case("dup2", "fd_not_open")
def dup2_fd_not_open(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.dup2(3 if bad else 2, 4)


@case("dup2", "fd_out_of_range")
def dup2_fd_out_of_range(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.dup2(2, 1024 if bad else 1023)


@case("pipe", "file_table_full", faults=few_files(1, 2))
def pipe_file_table_full(proc: bp.Proc, bad: bool) -> Steps:
    yield from until_struck(proc)
    yield from proc.pipe()


@case("pipe", "descriptors_used_up")
def pipe_descriptors_used_up(proc: bp.Proc, bad: bool) -> Steps:
    yield from use_up_descriptors(proc, leave=1 if bad else 2)
    yield from proc.pipe()


# ---- open ----------------------------------------------------------------------------------------


def files(cluster: bp.Cluster, bad: bool) -> None:
    """Build what the cases of open look at."""
    fs = cluster.master.fs
    fs.mkdir("/d", 0o777)
    fs.write_file("/d/f", b"x", 0o666)
    fs.write_file("/d/secret", b"x", 0o600)
    fs.mkdir("/d/locked", 0o700)
    fs.write_file("/d/locked/f", b"x", 0o666)
    fs.mkdir("/d/fixed", 0o755)
    fs.symlink("loop", "/d/loop")
    fs.symlink("f", "/d/link")
    fs.mkdir("/ro")
    fs.mount("/ro", readonly=True)
    fs.chmod("/ro", 0o777)
    fs.write_file("/ro/f", b"x", 0o666)
    fs.mknod("/d/device", "chr", 0o666)
    cluster.install("/d/other", lambda proc: 0, mode=0o777)
    fs.chmod(PROGRAM, 0o777)


# What is opened when the row is due, and when it is not.
OPENS: dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]] = {
    "makes_a_directory": (("/d/new", bp.O_CREAT | bp.O_DIRECTORY), ("/d/new", bp.O_CREAT)),
    "path_unreadable": ((bp.BAD_ADDRESS,), ("/d/f",)),
    "path_empty": (("",), ("/d/f",)),
    "path_too_long": (("/d" + "/" * 4092 + "/f",), ("/d" + "/" * 4092 + "f",)),
    "search_denied": (("/d/locked/f",), ("/d/f",)),
    "slash_after_name": (("/d/f/", bp.O_CREAT), ("/d/f", bp.O_CREAT)),
    "component_too_long": (("/d/" + "n" * 256, bp.O_CREAT), ("/d/" + "n" * 255, bp.O_CREAT)),
    "file_absent": (("/d/new",), ("/d/f",)),
    "not_a_directory": (("/d/f/x",), ("/d/f",)),
    "too_many_links": (("/d/loop",), ("/d/link",)),
    "already_exists": (("/d/f", bp.O_CREAT | bp.O_EXCL), ("/d/new", bp.O_CREAT | bp.O_EXCL)),
    "directory_for_writing": (("/d", bp.O_WRONLY), ("/d", bp.O_RDONLY)),
    "directory_wanted": (("/d/f", bp.O_DIRECTORY), ("/d", bp.O_DIRECTORY)),
    "read_only_mount": (("/ro/f", bp.O_WRONLY), ("/ro/f", bp.O_RDONLY)),
    "directory_not_writable": (("/d/fixed/new", bp.O_CREAT), ("/d/new", bp.O_CREAT)),
    "access_denied": (("/d/secret",), ("/d/f",)),
    "no_device": (("/d/device",), ("/dev/null",)),
    "program_runs": ((PROGRAM, bp.O_WRONLY), ("/d/other", bp.O_WRONLY)),
}


@case("open", *OPENS, build=files, user=ALICE)
def open_(proc: bp.Proc, bad: bool, cause: str) -> Steps:
    yield from proc.open(*OPENS[cause][not bad])


@case("open", "path_io_error", build=files, faults=lambda bad: [bp.IoError(MASTER, "/d")] * bad)
def open_path_io_error(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.open("/d/f")


@case("open", "too_many_descriptors", build=files)
def open_too_many_descriptors(proc: bp.Proc, bad: bool) -> Steps:
    yield from use_up_descriptors(proc, leave=0 if bad else 1)
    yield from proc.open("/d/f")


@case("open", "table_full", build=files, faults=few_files(0, 1))
def open_table_full(proc: bp.Proc, bad: bool) -> Steps:
    yield from until_struck(proc)
    yield from proc.open("/d/f")


@case("open", "interrupted", build=lambda cluster, bad: cluster.master.fs.mknod("/tmp/fifo", "fifo"))
def open_interrupted(proc: bp.Proc, bad: bool) -> Steps:
    yield from prod(proc, bad, None if bad else lambda child: child.open("/tmp/fifo", bp.O_WRONLY))
    yield from proc.open("/tmp/fifo")


# ---- access, stat and their like -------------------------------------------------------------------


def mounts(cluster: bp.Cluster, bad: bool) -> None:
    """Build what access asks beside the files of open: file systems that forbid something."""
    files(cluster, bad)
    fs = cluster.master.fs
    fs.mkdir("/stiff")
    fs.mount("/stiff", noexec=True, readonly=True)
    fs.write_file("/stiff/f", b"x", 0o777)
    fs.write_file("/stiff/secret", b"x", 0o700)


# What is asked about when the row is due, and when it is not.
WAYS: dict[str, tuple[Any, Any]] = {
    "path_unreadable": (bp.BAD_ADDRESS, "/d/f"),
    "path_empty": ("", "/d/f"),
    "path_too_long": ("/d" + "/" * 4092 + "/f", "/d" + "/" * 4092 + "f"),
    "search_denied": ("/d/locked/f", "/d/f"),
    "component_too_long": ("/d/" + "n" * 256, "/d/f"),
    "cmd_absent": ("/d/new", "/d/f"),
    "not_a_directory": ("/d/f/x", "/d/f"),
    "too_many_links": ("/d/loop", "/d/link"),
}
ASKED: dict[str, tuple[tuple[Any, int], tuple[Any, int]]] = {
    "mode_invalid": (("/d/f", 8), ("/d/f", bp.R_OK)),
    "noexec_mount": (("/stiff/f", bp.X_OK), ("/stiff/f", bp.R_OK)),
    "read_only_mount": (("/ro/f", bp.W_OK), ("/d/f", bp.W_OK)),
    "access_denied": (("/d/secret", bp.R_OK), ("/d/secret", bp.F_OK)),
}


def owned(cluster: bp.Cluster, bad: bool) -> None:
    """Build the files of open, one of which is Alice's."""
    files(cluster, bad)
    cluster.master.fs.chown("/d/f", 500, 500)


@case("chmod", *WAYS, build=owned, user=ALICE)
def chmod_way(proc: bp.Proc, bad: bool, cause: str) -> Steps:
    yield from proc.chmod(WAYS[cause][not bad], 0o600)


@case("chmod", "path_io_error", build=files, faults=lambda bad: [bp.IoError(MASTER, "/d")] * bad)
def chmod_path_io_error(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.chmod("/d/f", 0o600)


@case("chmod", "on_read_only_mount", build=files)
def chmod_on_read_only_mount(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.chmod("/ro/f" if bad else "/d/f", 0o600)


@case("chmod", "not_owner", build=files, user=ALICE)
def chmod_not_owner(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.mkdir("/d/own")
    yield from proc.chmod("/d/f" if bad else "/d/own", 0o600)


# What is made, or read, when the row is due, and when it is not.
MADE: dict[str, tuple[Any, Any]] = {
    "path_unreadable": (bp.BAD_ADDRESS, "/d/new"),
    "path_empty": ("", "/d/new"),
    "path_too_long": ("/d" + "/" * 4092 + "/new", "/d" + "/" * 4090 + "new"),
    "search_denied": ("/d/locked/new", "/d/new"),
    "component_too_long": ("/d/" + "n" * 256, "/d/" + "n" * 255),
    "parent_absent": ("/d/new/new", "/d/new/"),
    "not_a_directory": ("/d/f/new", "/d/new"),
    "too_many_links": ("/d/loop/new", "/d/new"),
    "already_exists": ("/d/loop", "/d/new"),
    "read_only_parent": ("/ro/new", "/d/new"),
    "parent_not_writable": ("/d/fixed/new", "/d/new"),
}
READ: dict[str, tuple[Any, Any]] = {
    "path_unreadable": (bp.BAD_ADDRESS, "/d"),
    "path_empty": ("", "/d"),
    "path_too_long": ("/d" + "/" * 4094, "/d" + "/" * 4093),
    "search_denied": ("/d/locked/new", "/d"),
    "component_too_long": ("/d/" + "n" * 256, "/d"),
    "cmd_absent": ("/d/new", "/d"),
    "not_a_directory": ("/d/f/x", "/d"),
    "too_many_links": ("/d/loop", "/d"),
    "is_no_directory": ("/d/f", "/d"),
    "not_readable": ("/d/locked", "/d"),
}


@case("mkdir", *MADE, build=files, user=ALICE)
def mkdir_(proc: bp.Proc, bad: bool, cause: str) -> Steps:
    yield from proc.mkdir(MADE[cause][not bad])


@case("mkdir", "path_io_error", build=files, faults=lambda bad: [bp.IoError(MASTER, "/d")] * bad)
def mkdir_path_io_error(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.mkdir("/d/new")


@case("scandir", *READ, build=files, user=ALICE)
def scandir_(proc: bp.Proc, bad: bool, cause: str) -> Steps:
    yield from proc.scandir(READ[cause][not bad])


@case("scandir", "path_io_error", build=files, faults=lambda bad: [bp.IoError(MASTER, "/d")] * bad)
def scandir_path_io_error(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.scandir("/d/fixed")


@case("scandir", "too_many_descriptors", build=files)
def scandir_too_many_descriptors(proc: bp.Proc, bad: bool) -> Steps:
    yield from use_up_descriptors(proc, leave=0 if bad else 1)
    yield from proc.scandir("/d")


@case("scandir", "table_full", build=files, faults=few_files(0, 1))
def scandir_table_full(proc: bp.Proc, bad: bool) -> Steps:
    yield from until_struck(proc)
    yield from proc.scandir("/d")


@case("stat", *WAYS, build=files, user=ALICE)
def stat_(proc: bp.Proc, bad: bool, cause: str) -> Steps:
    yield from proc.stat(WAYS[cause][not bad])


@case("access", *WAYS, build=files, user=ALICE)
def access_way(proc: bp.Proc, bad: bool, cause: str) -> Steps:
    yield from proc.access(WAYS[cause][not bad], bp.F_OK)


@case("access", *ASKED, build=mounts, user=ALICE)
def access_(proc: bp.Proc, bad: bool, cause: str) -> Steps:
    yield from proc.access(*ASKED[cause][not bad])


@case("stat", "path_io_error", build=files, faults=lambda bad: [bp.IoError(MASTER, "/d")] * bad)
def stat_path_io_error(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.stat("/d/f")


@case("access", "path_io_error", build=files, faults=lambda bad: [bp.IoError(MASTER, "/d")] * bad)
def access_path_io_error(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.access("/d/f", bp.F_OK)


# ---- sockets -------------------------------------------------------------------------------------


@case("socket", "descriptors_used_up")
def socket_descriptors_used_up(proc: bp.Proc, bad: bool) -> Steps:
    yield from use_up_descriptors(proc, leave=0 if bad else 1)
    yield from proc.socket()


@case("socket", "file_table_full", faults=few_files(0, 1))
def socket_file_table_full(proc: bp.Proc, bad: bool) -> Steps:
    yield from until_struck(proc)
    yield from proc.socket()


def call_on(proc: bp.Proc, call: str, fd: int) -> Any:
    """Make a call about a socket."""
    more: dict[str, tuple[Any, ...]] = {
        "bind": (bp.Address("", 7001),),
        "listen": (1,),
        "connect": (bp.Address(HERE, 7001),),
    }
    return getattr(proc, call)(fd, *more.get(call, ()))


def on_wrong_descriptors(call: str) -> None:
    """Enter the cases of a descriptor that is not open, or no socket's."""

    def good(proc: bp.Proc) -> Steps:
        if call == "accept":
            fd = yield from listening(proc)
            client = yield from proc.socket()
            yield from proc.connect(client, bp.Address(HERE, 7000))
            return fd
        return (yield from proc.socket())

    @case(call, "fd_not_open")
    def not_open(proc: bp.Proc, bad: bool) -> Steps:
        fd = yield from good(proc)
        yield from call_on(proc, call, 77 if bad else fd)

    @case(call, "not_a_socket")
    def no_socket(proc: bp.Proc, bad: bool) -> Steps:
        fd = yield from good(proc)
        yield from call_on(proc, call, 0 if bad else fd)


for _call in ("bind", "listen", "accept", "connect", "getsockname"):
    on_wrong_descriptors(_call)


@case("bind", "address_not_ours")
def bind_address_not_ours(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from proc.socket()
    yield from proc.bind(fd, bp.Address("10.54.1.0" if bad else "10.54.0.1", 7000))


@case("bind", "port_privileged", user=ALICE)
def bind_port_privileged(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from proc.socket()
    yield from proc.bind(fd, bp.Address("", 1023 if bad else 1024))


@case("bind", "already_bound")
def bind_already_bound(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from proc.socket()
    if bad:
        yield from proc.bind(fd, bp.Address("", 7000))
    yield from proc.bind(fd, bp.Address("", 7001))


@case("bind", "address_in_use")
def bind_address_in_use(proc: bp.Proc, bad: bool) -> Steps:
    first = yield from proc.socket()
    yield from proc.bind(first, bp.Address("", 7000))
    fd = yield from proc.socket()
    yield from proc.bind(fd, bp.Address("", 7000 if bad else 7001))


def hold_ports(cluster: bp.Cluster, bad: bool) -> None:
    """Let all ports that are handed out be held, but for one without the defect."""
    for number in range(32768, 61000 if bad else 60999):
        cluster.master.sockets.hold(number)


@case("bind", "no_ports_left", build=hold_ports)
def bind_no_ports_left(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from proc.socket()
    yield from proc.bind(fd, bp.Address("", 0))


@case("listen", "no_ports_left", build=hold_ports)
def listen_no_ports_left(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from proc.socket()
    yield from proc.listen(fd, 1)


@case("connect", "no_ports_left", build=hold_ports)
def connect_no_ports_left(proc: bp.Proc, bad: bool) -> Steps:
    yield from listening(proc)
    fd = yield from proc.socket()
    yield from proc.connect(fd, bp.Address(HERE, 7000))


@case("listen", "connected")
def listen_connected(proc: bp.Proc, bad: bool) -> Steps:
    one, _ = yield from connection(proc)
    fresh = yield from proc.socket()
    yield from proc.listen(one if bad else fresh, 1)


@case("accept", "descriptors_used_up")
def accept_descriptors_used_up(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from listening(proc)
    client = yield from proc.socket()
    yield from proc.connect(client, bp.Address(HERE, 7000))
    yield from use_up_descriptors(proc, leave=0 if bad else 1)
    yield from proc.accept(fd)


@case("accept", "file_table_full", faults=few_files(2, 3))
def accept_file_table_full(proc: bp.Proc, bad: bool) -> Steps:
    yield from until_struck(proc)
    fd = yield from listening(proc)
    client = yield from proc.socket()
    yield from proc.connect(client, bp.Address(HERE, 7000))
    yield from proc.accept(fd)


@case("accept", "not_listening")
def accept_not_listening(proc: bp.Proc, bad: bool) -> Steps:
    listener = yield from listening(proc)
    client = yield from proc.socket()
    yield from proc.connect(client, bp.Address(HERE, 7000))
    yield from proc.accept(client if bad else listener)


@case("accept", "interrupted")
def accept_interrupted(proc: bp.Proc, bad: bool) -> Steps:
    listener = yield from listening(proc)
    client = yield from proc.socket()
    yield from prod(proc, bad, lambda child: child.connect(client, bp.Address(HERE, 7000)))
    yield from proc.accept(listener)


@case("connect", "connected")
def connect_connected(proc: bp.Proc, bad: bool) -> Steps:
    one, _ = yield from connection(proc)
    yield from listening(proc, 7001)
    fresh = yield from proc.socket()
    yield from proc.connect(one if bad else fresh, bp.Address(HERE, 7001))


@case("connect", "listens")
def connect_listens(proc: bp.Proc, bad: bool) -> Steps:
    listener = yield from listening(proc)
    fresh = yield from proc.socket()
    yield from proc.connect(listener if bad else fresh, bp.Address(HERE, 7000))


@case("connect", "no_route")
def connect_no_route(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from proc.socket()
    yield from proc.connect(fd, bp.Address("10.54.1.99" if bad else "10.54.1.1", 7000))


@case("connect", "connect_refused")
def connect_refused(proc: bp.Proc, bad: bool) -> Steps:
    yield from listening(proc)
    fd = yield from proc.socket()
    yield from proc.connect(fd, bp.Address(HERE, 7001 if bad else 7000))


@case("connect", "connect_timed_out", faults=lambda bad: [bp.PowerOff(1, at_ns=STRIKE_NS)] * bad)
def connect_timed_out(proc: bp.Proc, bad: bool) -> Steps:
    yield from until_struck(proc)
    fd = yield from proc.socket()
    yield from proc.connect(fd, bp.Address("10.54.1.1", 7000))


@case("connect", "interrupted")
def connect_interrupted(proc: bp.Proc, bad: bool) -> Steps:
    listener = yield from listening(proc, backlog=0)
    first = yield from proc.socket()
    yield from proc.connect(first, bp.Address(HERE, 7000))
    fd = yield from proc.socket()
    yield from prod(proc, bad, lambda child: child.accept(listener))
    yield from proc.connect(fd, bp.Address(HERE, 7000))


# ---- processes -----------------------------------------------------------------------------------


def fill_memory(bad: bool) -> list[Any]:
    """Leave room for no other process, or for one."""
    return [bp.MemoryFull(MASTER, 0 if bad else 1 << 20, STRIKE_NS)]


def idle(proc: bp.Proc) -> Steps:
    """Wait for ever."""
    yield from proc.pause()


def brief(proc: bp.Proc) -> Steps:
    """End at once."""
    yield from ()


@case("fork", "memory_used_up", faults=fill_memory)
def fork_memory_used_up(proc: bp.Proc, bad: bool) -> Steps:
    yield from until_struck(proc)
    yield from proc.fork(brief)


def few_pids(cluster: bp.Cluster, bad: bool) -> None:
    """Let the space of pids hold one more process than the case itself, or not even that."""
    pids = cluster.bpmaster.pids
    pids.last = pids.first + (not bad)


@case("fork", "no_pid_left", build=few_pids)
def fork_no_pid_left(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.fork(brief)


@case("waitpid", "unknown_options")
def waitpid_unknown_options(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.fork(brief)
    yield from proc.waitpid(-1, 4096 if bad else bp.WUNTRACED)


@case("waitpid", "group_unspeakable")
def waitpid_group_unspeakable(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.waitpid(-(2**31) if bad else -(2**31) + 1)


@case("waitpid", "no_such_child")
def waitpid_no_such_child(proc: bp.Proc, bad: bool) -> Steps:
    pid = yield from proc.fork(brief)
    if bad:
        yield from proc.waitpid(pid)
    yield from proc.waitpid(pid)


@case("waitpid", "interrupted")
def waitpid_interrupted(proc: bp.Proc, bad: bool) -> Steps:
    yield from prod(proc, bad)
    yield from proc.wait()


@case("setpgid", "group_negative")
def setpgid_group_negative(proc: bp.Proc, bad: bool) -> Steps:
    child = yield from proc.fork(brief)
    yield from proc.setpgid(child, -1 if bad else 0)


@case("setpgid", "not_own_child")
def setpgid_not_own_child(proc: bp.Proc, bad: bool) -> Steps:
    child = yield from proc.fork(brief)
    if bad:
        yield from proc.wait()
    yield from proc.setpgid(child, 0)


@case("setpgid", "child_execed", build=lambda cluster, bad: cluster.install("/tmp/idle", idle))
def setpgid_child_execed(proc: bp.Proc, bad: bool) -> Steps:
    def child(proc: bp.Proc) -> Steps:
        if bad:
            yield from proc.execv("/tmp/idle", ["idle"])
        yield from proc.pause()

    pid = yield from proc.fork(child)
    yield from proc.sleep(10 * ms)
    try:
        yield from proc.setpgid(pid, 0)
    finally:
        yield from proc.kill(pid, bp.SIGKILL)


def new_session(proc: bp.Proc) -> Steps:
    """Begin a session, and wait."""
    yield from proc.setsid()
    yield from proc.pause()


@case("setpgid", "other_session")
def setpgid_other_session(proc: bp.Proc, bad: bool) -> Steps:
    pid = yield from proc.fork(new_session if bad else idle)
    yield from proc.sleep(10 * ms)
    try:
        yield from proc.setpgid(pid, 0)
    finally:
        yield from proc.kill(pid, bp.SIGKILL)


@case("setpgid", "session_leader")
def setpgid_session_leader(proc: bp.Proc, bad: bool) -> Steps:
    def child(proc: bp.Proc) -> Steps:
        yield from proc.setpgid(0, 0)

    if bad:  # whoever the harness starts leads a session
        yield from proc.setpgid(0, 0)
    yield from proc.fork(child)


@case("setpgid", "group_elsewhere")
def setpgid_group_elsewhere(proc: bp.Proc, bad: bool) -> Steps:
    one = yield from proc.fork(brief)
    yield from proc.setpgid(one, one)
    two = yield from proc.fork(brief)
    yield from proc.setpgid(two, one + 100 if bad else one)


def told_by_child(proc: bp.Proc, body: Callable[..., Steps]) -> Steps:
    """Let a child, who leads nothing, do what is to be seen, and raise what it meets."""
    met: list[bp.CallError] = []

    def child(proc: bp.Proc) -> Steps:
        try:
            yield from body(proc)
        except bp.CallError as error:
            met.append(error)

    yield from proc.fork(child)
    yield from proc.wait()
    if met:
        raise met[0]


@case("setsid", "group_leader")
def setsid_group_leader(proc: bp.Proc, bad: bool) -> Steps:
    def body(proc: bp.Proc) -> Steps:
        if bad:
            yield from proc.setpgid(0, 0)
        yield from proc.setsid()

    yield from told_by_child(proc, body)


@case("setsid", "group_left_behind")
def setsid_group_left_behind(proc: bp.Proc, bad: bool) -> Steps:
    def body(proc: bp.Proc) -> Steps:
        yield from proc.setpgid(0, 0)
        member = yield from proc.fork(idle)
        leader = yield from proc.fork(idle)
        yield from proc.setpgid(leader, leader)
        yield from proc.setpgid(0, leader)
        if not bad:
            yield from proc.kill(member, bp.SIGKILL)
            yield from proc.waitpid(member)
        try:
            yield from proc.setsid()
        finally:
            yield from proc.kill(leader, bp.SIGKILL)
            if bad:
                yield from proc.kill(member, bp.SIGKILL)

    yield from told_by_child(proc, body)


# ---- time and threads ----------------------------------------------------------------------------


@case("nanosleep", "interrupted")
def nanosleep_interrupted(proc: bp.Proc, bad: bool) -> Steps:
    yield from prod(proc, bad)
    yield from proc.sleep(1 * s)


@case("pause", "interrupted")
def pause_interrupted(proc: bp.Proc, bad: bool) -> Steps:
    me = proc.pid
    # What would come instead is the end: there is no other way back from pause.
    yield from prod(proc, bad, None if bad else lambda child: child.kill(me, bp.SIGTERM))
    yield from proc.pause()


@case("thread_join", "no_such_thread")
def thread_join_no_such_thread(proc: bp.Proc, bad: bool) -> Steps:
    number = yield from proc.thread_create(brief)
    yield from proc.thread_join(number + bad)


@case("thread_join", "own_end_awaited")
def thread_join_own_end_awaited(proc: bp.Proc, bad: bool) -> Steps:
    number = yield from proc.thread_create(brief)
    yield from proc.thread_join(proc.thread_self() if bad else number)


# ---- signals -------------------------------------------------------------------------------------


@case("kill", "nobody_there")
def kill_nobody_there(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.kill(proc.pid + bad, 0)


@case("kill", "no_such_signal")
def kill_no_such_signal(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.sigaction(64, bp.SIG_IGN)
    yield from proc.kill(proc.pid, 65 if bad else 64)


IDLE_PID = 1001  # who was started first


@case("kill", "not_permitted", user=ALICE, build=lambda cluster, bad: cluster.idle_process(user=None if bad else ALICE))
def kill_not_permitted(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.kill(IDLE_PID, 0)


@case("sigaction", "cannot_be_caught")
def sigaction_cannot_be_caught(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.sigaction(bp.SIGKILL if bad else bp.SIGTERM, bp.SIG_IGN)


@case("sigprocmask", "unknown_how")
def sigprocmask_unknown_how(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.sigprocmask(3 if bad else bp.SIG_BLOCK, [bp.SIGTERM])


# ---- execvp --------------------------------------------------------------------------------------


@case("execvp", "elements_too_long")
def execvp_elements_too_long(proc: bp.Proc, bad: bool) -> Steps:
    proc.thread.process.env = (b"PATH=" + b"/" * (4093 if bad else 4000) + b"bin:" + b"/" * 4096,)
    yield from proc.execvp("sh", ["sh", "-c", "true"])
