"""Which row is met when two are due: the order of each table, pinned by hand and tried.

The order is that of Linux: scripts.txt holds many of these pairs against the host's kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.manual import Errors, Row
from bprocsim.testing.rows.fileprograms import files
from bprocsim.testing.rows.pathprograms import mounts
from bprocsim.testing.rows.programcases import (
    ALICE,
    MASTER,
    PROGRAM,
    STRIKE_NS,
    Steps,
    brief,
    listening,
    reset_connection,
    until_struck,
    use_up_descriptors,
)
from bprocsim.testing.rows.socketprograms import hold_ports
from tests.calls.test_rows import TABLES

# The causes of each table, in the order in which they are decided; a line begins with (x) where it
# and the one before cannot both be due, and REASONS says why.
ORDER = {
    "read": """
        fd_not_readable
        (x) is_a_directory
        (x) not_connected
        (x) media_error
        (x) connection_reset
        (x) interrupted
    """,
    "write": """
        fd_not_writable
        (x) connection_lost
        nobody_reads
        buffer_unreadable
        media_error
        (x) interrupted
    """,
    "close": "fd_not_open",
    "dup2": """
        fd_not_open
        fd_out_of_range
    """,
    "pipe": """
        file_table_full
        descriptors_used_up
    """,
    "open": """
        makes_a_directory
        path_unreadable
        (x) path_empty
        (x) path_too_long
        too_many_descriptors
        table_full
        search_denied
        (x) slash_after_name
        component_too_long
        file_absent
        (x) not_a_directory
        (x) too_many_links
        path_io_error
        (x) already_exists
        directory_for_writing
        (x) directory_wanted
        read_only_mount
        directory_not_writable
        (x) access_denied
        no_device
        (x) program_runs
        (x) interrupted
    """,
    "access": """
        mode_invalid
        path_unreadable
        (x) path_empty
        (x) path_too_long
        (x) search_denied
        component_too_long
        cmd_absent
        (x) not_a_directory
        (x) too_many_links
        path_io_error
        (x) noexec_mount
        read_only_mount
        access_denied
    """,
    "stat": """
        path_unreadable
        (x) path_empty
        (x) path_too_long
        (x) search_denied
        component_too_long
        cmd_absent
        (x) not_a_directory
        (x) too_many_links
        path_io_error
    """,
    "chmod": """
        path_unreadable
        (x) path_empty
        (x) path_too_long
        (x) search_denied
        component_too_long
        cmd_absent
        (x) not_a_directory
        (x) too_many_links
        path_io_error
        (x) on_read_only_mount
        not_owner
    """,
    "mkdir": """
        path_unreadable
        (x) path_empty
        (x) path_too_long
        (x) search_denied
        component_too_long
        parent_absent
        (x) not_a_directory
        (x) too_many_links
        path_io_error
        (x) already_exists
        read_only_parent
        parent_not_writable
    """,
    "scandir": """
        path_unreadable
        (x) path_empty
        (x) path_too_long
        too_many_descriptors
        table_full
        search_denied
        component_too_long
        cmd_absent
        (x) not_a_directory
        (x) too_many_links
        path_io_error
        (x) is_no_directory
        not_readable
    """,
    "socket": """
        descriptors_used_up
        file_table_full
    """,
    "bind": """
        fd_not_open
        (x) not_a_socket
        address_not_ours
        port_privileged
        already_bound
        no_ports_left
        (x) address_in_use
    """,
    "listen": """
        fd_not_open
        (x) not_a_socket
        (x) connected
        (x) no_ports_left
    """,
    "accept": """
        fd_not_open
        descriptors_used_up
        not_a_socket
        file_table_full
        not_listening
        (x) interrupted
    """,
    "connect": """
        fd_not_open
        (x) not_a_socket
        (x) connected
        (x) listens
        no_route
        no_ports_left
        (x) connect_refused
        (x) connect_timed_out
        (x) interrupted
    """,
    "getsockname": """
        fd_not_open
        (x) not_a_socket
    """,
    "fork": """
        memory_used_up
        (x) no_pid_left
    """,
    "waitpid": """
        unknown_options
        group_unspeakable
        no_such_child
        (x) interrupted
    """,
    "setpgid": """
        group_negative
        not_own_child
        other_session
        child_execed
        (x) session_leader
        group_elsewhere
    """,
    "setsid": """
        group_leader
        group_left_behind
    """,
    "nanosleep": "interrupted",
    "pause": "interrupted",
    "thread_join": """
        no_such_thread
        (x) own_end_awaited
    """,
    "kill": """
        nobody_there
        no_such_signal
        not_permitted
    """,
    "sigaction": "cannot_be_caught",
    "sigprocmask": "unknown_how",
    "execvp": "elements_too_long",
}

REASONS = """
A descriptor stands for one thing: for nothing, a directory, a file, a pipe, a plain socket, one that
listens or one that is connected. A directory is never open for writing only. A path is a bad pointer,
empty, too long, or walked; a walk stops at one place, where a name is no directory, or is absent, or
is a link too many; if it arrives, a file is there or is to be made, is a directory or not, a device or a
program. A call that waits meets one thing at its end. A port is asked for or any will do. A pid is
asked for when there is memory. Who leads a session is in another one than its parent. Another
image is a child's, and who asks is none. Who waits has a child.
"""


def causes(call: str) -> list[tuple[str, bool]]:
    """The causes of a table as pinned, and whether each excludes the one before."""
    lines = [line.strip() for line in ORDER[call].strip().splitlines()]
    return [(line.removeprefix("(x) "), line.startswith("(x) ")) for line in lines]


def test_every_table_is_pinned() -> None:
    assert set(ORDER) == set(TABLES)


@pytest.mark.parametrize("call", TABLES)
def test_rows_stand_in_the_pinned_order(call: str) -> None:
    assert [row.cause for row in TABLES[call].rows] == [cause for cause, _ in causes(call)]


# ---- two at once -----------------------------------------------------------------------------------

Program = Callable[[bp.Proc], Steps]
DOUBLES: dict[tuple[str, str, str], tuple[Program, dict[str, Any]]] = {}


def both(call: str, first: str, second: str, **options: Any) -> Callable[[Program], Program]:
    """Enter a program in whose last call both rows are due."""

    def enter(program: Program) -> Program:
        DOUBLES[call, first, second] = program, options
        return program

    return enter


def opens(first: str, second: str, path: Any, flags: int = 0, **options: Any) -> None:
    """Enter a pair of rows of open."""

    @both("open", first, second, build=files, **options)
    def program(proc: bp.Proc) -> Steps:
        yield from proc.open(path, flags)


@both("write", "connection_lost", "nobody_reads")
def _(proc: bp.Proc) -> Steps:
    fd = yield from reset_connection(proc, True)
    yield from proc.write(fd, b"x")


@both("write", "nobody_reads", "buffer_unreadable")
def _(proc: bp.Proc) -> Steps:
    yield from proc.sigaction(bp.SIGPIPE, bp.SIG_IGN)
    reading, writing = yield from proc.pipe()
    yield from proc.close(reading)
    yield from proc.write(writing, bp.BAD_ADDRESS)  # type: ignore[arg-type]


@both("write", "buffer_unreadable", "media_error", build=files, faults=[bp.IoError(MASTER, "/d/f")])
def _(proc: bp.Proc) -> Steps:
    fd = yield from proc.open("/d/f", bp.O_WRONLY)
    yield from proc.write(fd, bp.BAD_ADDRESS)  # type: ignore[arg-type]


@both("dup2", "fd_not_open", "fd_out_of_range")
def _(proc: bp.Proc) -> Steps:
    yield from proc.dup2(77, 5000)


FULL = [bp.OpenFileLimit(MASTER, 0, STRIKE_NS)]


@both("pipe", "file_table_full", "descriptors_used_up", faults=FULL)
def _(proc: bp.Proc) -> Steps:
    yield from until_struck(proc)
    yield from use_up_descriptors(proc)
    yield from proc.pipe()


@both("socket", "descriptors_used_up", "file_table_full", faults=FULL)
def _(proc: bp.Proc) -> Steps:
    yield from until_struck(proc)
    yield from use_up_descriptors(proc)
    yield from proc.socket()


MAKE = bp.O_CREAT | bp.O_WRONLY
opens("makes_a_directory", "path_unreadable", bp.BAD_ADDRESS, bp.O_CREAT | bp.O_DIRECTORY)
opens("slash_after_name", "component_too_long", "/d/" + "n" * 256 + "/", MAKE)
opens("component_too_long", "file_absent", "/d/" + "n" * 256)
opens("already_exists", "directory_for_writing", "/d", MAKE | bp.O_EXCL)
opens("directory_wanted", "read_only_mount", "/ro/f", bp.O_DIRECTORY | bp.O_WRONLY)


def links(cluster: bp.Cluster, bad: bool) -> None:
    """Build a chain of links of which the sixth is one too many, and cannot be read."""
    for number in range(1, 7):
        cluster.master.fs.symlink(f"link{number + 1}", f"/tmp/link{number}")


@both("open", "too_many_links", "path_io_error", build=links, faults=[bp.IoError(MASTER, "/tmp/link6")])
def _(proc: bp.Proc) -> Steps:
    yield from proc.open("/tmp/link1")


@both("open", "path_too_long", "too_many_descriptors")
def _(proc: bp.Proc) -> Steps:
    yield from use_up_descriptors(proc)
    yield from proc.open("/" * 4096)


@both("open", "too_many_descriptors", "table_full", faults=FULL)
def _(proc: bp.Proc) -> Steps:
    yield from until_struck(proc)
    yield from use_up_descriptors(proc)
    yield from proc.open("/dev/null")


@both("open", "table_full", "search_denied", faults=FULL, build=files, user=ALICE)
def _(proc: bp.Proc) -> Steps:
    yield from until_struck(proc)
    yield from proc.open("/d/locked/f")


def more_files(cluster: bp.Cluster, bad: bool) -> None:
    """Build a directory on a read-only mount, and a device that Alice may not use."""
    cluster.master.fs.mkdir("/mnt")
    cluster.master.fs.mount("/mnt", readonly=True)
    cluster.master.fs.mkdir("/mnt/fixed")
    cluster.master.fs.mknod("/mnt/device", "chr", 0o600)


@both("open", "read_only_mount", "directory_not_writable", build=more_files, user=ALICE)
def _(proc: bp.Proc) -> Steps:
    yield from proc.open("/mnt/fixed/new", MAKE)


@both("open", "access_denied", "no_device", build=more_files, user=ALICE)
def _(proc: bp.Proc) -> Steps:
    yield from proc.open("/mnt/device")


def asks(call: str, first: str, second: str, path: Any, mode: int = 0, **options: Any) -> None:
    """Enter a pair of rows of access or one of its like."""

    @both(call, first, second, **({"build": mounts, "user": ALICE} | options))
    def program(proc: bp.Proc) -> Steps:
        given = (mode,) if call in ("access", "chmod") else ()
        yield from getattr(proc, call)(path, *given)


asks("access", "mode_invalid", "path_unreadable", bp.BAD_ADDRESS, 8)
asks("access", "noexec_mount", "read_only_mount", "/stiff/f", bp.X_OK | bp.W_OK)
asks("access", "read_only_mount", "access_denied", "/stiff/secret", bp.W_OK)
asks("chmod", "on_read_only_mount", "not_owner", "/ro/f", 0o600)
asks("mkdir", "already_exists", "read_only_parent", "/stiff/f")
asks("mkdir", "read_only_parent", "parent_not_writable", "/stiff/new")
asks("scandir", "is_no_directory", "not_readable", "/d/secret")
for each in ("access", "stat", "chmod", "mkdir", "scandir"):
    asks(each, "search_denied", "component_too_long", "/d/locked/" + "n" * 256)
    behind = "/x" if each == "mkdir" else ""  # whose last name need not be there
    absent = "parent_absent" if each == "mkdir" else "cmd_absent"
    asks(each, "component_too_long", absent, "/d/" + "n" * 256 + behind)
    asks(
        each, "too_many_links", "path_io_error", "/tmp/link1" + behind, build=links,
        faults=[bp.IoError(MASTER, "/tmp/link6")],
    )  # fmt: skip


@both("scandir", "path_too_long", "too_many_descriptors")
def _(proc: bp.Proc) -> Steps:
    yield from use_up_descriptors(proc)
    yield from proc.scandir("/" * 4096)


@both("scandir", "too_many_descriptors", "table_full", faults=FULL)
def _(proc: bp.Proc) -> Steps:
    yield from until_struck(proc)
    yield from use_up_descriptors(proc)
    yield from proc.scandir("/dev")


@both("scandir", "table_full", "search_denied", faults=FULL, build=files, user=ALICE)
def _(proc: bp.Proc) -> Steps:
    yield from until_struck(proc)
    yield from proc.scandir("/d/locked/f")


@both("bind", "not_a_socket", "address_not_ours")
def _(proc: bp.Proc) -> Steps:
    yield from proc.bind(0, bp.Address("10.99.0.1", 7000))


@both("bind", "address_not_ours", "port_privileged", user=ALICE)
def _(proc: bp.Proc) -> Steps:
    fd = yield from proc.socket()
    yield from proc.bind(fd, bp.Address("10.99.0.1", 80))


@both("bind", "port_privileged", "already_bound", user=ALICE)
def _(proc: bp.Proc) -> Steps:
    fd = yield from proc.socket()
    yield from proc.bind(fd, bp.Address("", 7000))
    yield from proc.bind(fd, bp.Address("", 80))


@both("bind", "already_bound", "no_ports_left", build=hold_ports)
def _(proc: bp.Proc) -> Steps:
    fd = yield from proc.socket()
    yield from proc.bind(fd, bp.Address("", 7000))
    yield from proc.bind(fd, bp.Address("", 0))


@both("accept", "fd_not_open", "descriptors_used_up")
def _(proc: bp.Proc) -> Steps:
    yield from use_up_descriptors(proc)
    yield from proc.accept(2000)


@both("accept", "descriptors_used_up", "not_a_socket")
def _(proc: bp.Proc) -> Steps:
    yield from use_up_descriptors(proc)
    yield from proc.accept(0)


@both("accept", "not_a_socket", "file_table_full", faults=FULL)
def _(proc: bp.Proc) -> Steps:
    yield from until_struck(proc)
    yield from proc.accept(0)


@both("accept", "file_table_full", "not_listening", faults=FULL)
def _(proc: bp.Proc) -> Steps:
    fd = yield from proc.socket()
    yield from until_struck(proc)
    yield from proc.accept(fd)


@both("connect", "listens", "no_route")
def _(proc: bp.Proc) -> Steps:
    fd = yield from listening(proc)
    yield from proc.connect(fd, bp.Address("10.99.0.1", 1))


@both("connect", "no_route", "no_ports_left", build=hold_ports)
def _(proc: bp.Proc) -> Steps:
    fd = yield from proc.socket()
    yield from proc.connect(fd, bp.Address("10.99.0.1", 1))


@both("waitpid", "unknown_options", "group_unspeakable")
def _(proc: bp.Proc) -> Steps:
    yield from proc.waitpid(-(2**31), 4096)


@both("waitpid", "group_unspeakable", "no_such_child")
def _(proc: bp.Proc) -> Steps:
    yield from proc.waitpid(-(2**31))


@both("setpgid", "group_negative", "not_own_child")
def _(proc: bp.Proc) -> Steps:
    yield from proc.setpgid(999, -1)


@both("setpgid", "not_own_child", "other_session", build=lambda cluster, bad: cluster.idle_process())
def _(proc: bp.Proc) -> Steps:
    yield from proc.setpgid(1001, 0)


@both("setpgid", "other_session", "child_execed", build=lambda cluster, bad: cluster.install("/tmp/brief", brief))
def _(proc: bp.Proc) -> Steps:
    def child(proc: bp.Proc) -> Steps:
        yield from proc.setsid()
        yield from proc.execv("/tmp/brief", ["brief"])

    pid = yield from proc.fork(child)
    yield from until_struck(proc)
    yield from proc.setpgid(pid, 0)


@both("setpgid", "session_leader", "group_elsewhere")
def _(proc: bp.Proc) -> Steps:
    yield from proc.setpgid(0, 12345)


@both("setsid", "group_leader", "group_left_behind")
def _(proc: bp.Proc) -> Steps:
    yield from proc.setsid()


@both("kill", "nobody_there", "no_such_signal")
def _(proc: bp.Proc) -> Steps:
    yield from proc.kill(30000, 65)


@both("kill", "no_such_signal", "not_permitted", user=ALICE, build=lambda cluster, bad: cluster.idle_process())
def _(proc: bp.Proc) -> Steps:
    yield from proc.kill(1001, 65)


NEIGHBOURS = [
    (call, first, second)
    for call in ORDER
    for (first, _), (second, excluded) in zip(causes(call), causes(call)[1:], strict=False)
    if not excluded
]


def test_every_two_neighbours_are_tried() -> None:
    assert sorted(DOUBLES) == sorted(NEIGHBOURS)


@pytest.mark.parametrize("pair", NEIGHBOURS, ids="-".join)
def test_the_first_of_two_is_met(pair: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    call, first, second = pair
    program, options = DOUBLES[pair]
    due: dict[str, list[str]] = {}
    real = Errors.first

    def spy(self: Errors, facts: Any, step: str = "") -> Row | None:
        row = real(self, facts, step)
        if row is not None:
            due[self.call] = [each.cause for each in self.every(facts, step)]
        return row

    monkeypatch.setattr(Errors, "first", spy)
    met: list[str] = []

    def main(proc: bp.Proc) -> Steps:
        try:
            yield from program(proc)
        except bp.CallError as error:
            met.append(f"{error.call} {error.cause}")

    cluster = bp.Cluster(nodes=2, faults=options.get("faults", ()), strict=True)
    cluster.install(PROGRAM, main)
    options.get("build", lambda cluster, bad: None)(cluster, True)
    cluster.execve(PROGRAM, user=options.get("user"))
    assert met == [f"{call} {first}"]
    assert {first, second} <= set(due[call])


def test_a_name_in_a_closed_directory_is_not_looked_at() -> None:
    """Search permission comes before a slash at the end, and before the length of a name."""
    cluster = bp.Cluster(nodes=0)
    cluster.install(PROGRAM, brief)
    files(cluster, True)
    met: list[str] = []

    def main(proc: bp.Proc) -> Steps:
        for path in ("/d/locked/new/", "/d/locked/" + "n" * 256, "/d/locked/f/x"):
            try:
                yield from proc.open(path, MAKE)
            except bp.CallError as error:
                met.append(error.cause)

    cluster.install("/usr/bin/main", main)
    cluster.execve("/usr/bin/main", user=ALICE)
    assert met == ["search_denied"] * 3
