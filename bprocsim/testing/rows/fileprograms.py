"""What meets each row of read, write, close, dup2, pipe and open."""

from __future__ import annotations

from typing import Any

import bprocsim as bp
from bprocsim.testing.rows.programcases import (
    ALICE,
    PROGRAM,
    ProgramCase,
    Steps,
    connection,
    entering,
    few_files,
    prod,
    reset_connection,
    unreadable,
    until_struck,
    use_up_descriptors,
)

CASES: dict[tuple[str, str], ProgramCase] = {}
case = entering(CASES)


def small_file(cluster: bp.Cluster, bad: bool) -> None:
    """Build a file that holds something."""
    cluster.master.fs.write_file("/tmp/f", b"x")


# ---- read, write ---------------------------------------------------------------------------------


@case("read", "fd_not_readable")
def _read_fd_not_readable(proc: bp.Proc, bad: bool) -> Steps:
    reading, writing = yield from proc.pipe()
    yield from proc.write(writing, b"x")
    yield from proc.read(writing if bad else reading)


@case("read", "is_a_directory", build=small_file)
def _read_is_a_directory(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from proc.open("/tmp" if bad else "/tmp/f")
    yield from proc.read(fd)


@case("read", "not_connected")
def _read_not_connected(proc: bp.Proc, bad: bool) -> Steps:
    if bad:
        fd = yield from proc.socket()
    else:
        fd, other = yield from connection(proc)
        yield from proc.write(other, b"x")
    yield from proc.read(fd)


@case("read", "media_error", build=small_file, faults=unreadable("/tmp/f"))
def _read_media_error(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from proc.open("/tmp/f")
    yield from proc.read(fd)


@case("read", "connection_reset")
def _read_connection_reset(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from reset_connection(proc, bad)
    yield from proc.read(fd)


@case("read", "interrupted")
def _read_interrupted(proc: bp.Proc, bad: bool) -> Steps:
    reading, writing = yield from proc.pipe()
    yield from prod(proc, bad, lambda child: child.write(writing, b"x"))
    yield from proc.read(reading)


@case("write", "fd_not_writable")
def _write_fd_not_writable(proc: bp.Proc, bad: bool) -> Steps:
    reading, writing = yield from proc.pipe()
    yield from proc.write(reading if bad else writing, b"x")


@case("write", "connection_lost")
def _write_connection_lost(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from reset_connection(proc, bad)
    yield from proc.write(fd, b"x")


@case("write", "nobody_reads")
def _write_nobody_reads(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.sigaction(bp.SIGPIPE, bp.SIG_IGN)
    reading, writing = yield from proc.pipe()
    if bad:
        yield from proc.close(reading)
    yield from proc.write(writing, b"x")


@case("write", "buffer_unreadable")
def _write_buffer_unreadable(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.write(1, bp.BAD_ADDRESS if bad else b"x")  # type: ignore[arg-type]


@case("write", "media_error", build=small_file, faults=unreadable("/tmp/f"))
def _write_media_error(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from proc.open("/tmp/f", bp.O_WRONLY)
    yield from proc.write(fd, b"y")


@case("write", "interrupted")
def _write_interrupted(proc: bp.Proc, bad: bool) -> Steps:
    reading, writing = yield from proc.pipe()
    yield from proc.write(writing, b"." * 4096)
    yield from prod(proc, bad, lambda child: child.read(reading))
    yield from proc.write(writing, b"x")


# ---- close, dup2, pipe ---------------------------------------------------------------------------


@case("close", "fd_not_open")
def _close_fd_not_open(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.close(3 if bad else 2)


@case("dup2", "fd_not_open")
def _dup2_fd_not_open(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.dup2(3 if bad else 2, 4)


@case("dup2", "fd_out_of_range")
def _dup2_fd_out_of_range(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.dup2(2, 1024 if bad else 1023)


@case("pipe", "file_table_full", faults=few_files(1, 2))
def _pipe_file_table_full(proc: bp.Proc, bad: bool) -> Steps:
    yield from until_struck(proc)
    yield from proc.pipe()


@case("pipe", "descriptors_used_up")
def _pipe_descriptors_used_up(proc: bp.Proc, bad: bool) -> Steps:
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
def _open_(proc: bp.Proc, bad: bool, cause: str) -> Steps:
    yield from proc.open(*OPENS[cause][not bad])


@case("open", "path_io_error", build=files, faults=unreadable("/d"))
def _open_path_io_error(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.open("/d/f")


@case("open", "too_many_descriptors", build=files)
def _open_too_many_descriptors(proc: bp.Proc, bad: bool) -> Steps:
    yield from use_up_descriptors(proc, leave=0 if bad else 1)
    yield from proc.open("/d/f")


@case("open", "table_full", build=files, faults=few_files(0, 1))
def _open_table_full(proc: bp.Proc, bad: bool) -> Steps:
    yield from until_struck(proc)
    yield from proc.open("/d/f")


@case("open", "interrupted", build=lambda cluster, bad: cluster.master.fs.mknod("/tmp/fifo", "fifo"))
def _open_interrupted(proc: bp.Proc, bad: bool) -> Steps:
    yield from prod(proc, bad, None if bad else lambda child: child.open("/tmp/fifo", bp.O_WRONLY))
    yield from proc.open("/tmp/fifo")
