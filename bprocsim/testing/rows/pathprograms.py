"""What meets each row of access, chmod, mkdir, scandir and stat."""

from __future__ import annotations

from typing import Any

import bprocsim as bp
from bprocsim.testing.rows.fileprograms import files
from bprocsim.testing.rows.programcases import (
    ALICE,
    ProgramCase,
    Steps,
    entering,
    few_files,
    unreadable,
    until_struck,
    use_up_descriptors,
)

CASES: dict[tuple[str, str], ProgramCase] = {}
case = entering(CASES)


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
def _chmod_way(proc: bp.Proc, bad: bool, cause: str) -> Steps:
    yield from proc.chmod(WAYS[cause][not bad], 0o600)


@case("chmod", "path_io_error", build=files, faults=unreadable("/d"))
def _chmod_path_io_error(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.chmod("/d/f", 0o600)


@case("chmod", "on_read_only_mount", build=files)
def _chmod_on_read_only_mount(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.chmod("/ro/f" if bad else "/d/f", 0o600)


@case("chmod", "not_owner", build=files, user=ALICE)
def _chmod_not_owner(proc: bp.Proc, bad: bool) -> Steps:
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
def _mkdir_(proc: bp.Proc, bad: bool, cause: str) -> Steps:
    yield from proc.mkdir(MADE[cause][not bad])


@case("mkdir", "path_io_error", build=files, faults=unreadable("/d"))
def _mkdir_path_io_error(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.mkdir("/d/new")


@case("scandir", *READ, build=files, user=ALICE)
def _scandir_(proc: bp.Proc, bad: bool, cause: str) -> Steps:
    yield from proc.scandir(READ[cause][not bad])


@case("scandir", "path_io_error", build=files, faults=unreadable("/d"))
def _scandir_path_io_error(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.scandir("/d/fixed")


@case("scandir", "too_many_descriptors", build=files)
def _scandir_too_many_descriptors(proc: bp.Proc, bad: bool) -> Steps:
    yield from use_up_descriptors(proc, leave=0 if bad else 1)
    yield from proc.scandir("/d")


@case("scandir", "table_full", build=files, faults=few_files(0, 1))
def _scandir_table_full(proc: bp.Proc, bad: bool) -> Steps:
    yield from until_struck(proc)
    yield from proc.scandir("/d")


@case("stat", *WAYS, build=files, user=ALICE)
def _stat_(proc: bp.Proc, bad: bool, cause: str) -> Steps:
    yield from proc.stat(WAYS[cause][not bad])


@case("access", *WAYS, build=files, user=ALICE)
def _access_way(proc: bp.Proc, bad: bool, cause: str) -> Steps:
    yield from proc.access(WAYS[cause][not bad], bp.F_OK)


@case("access", *ASKED, build=mounts, user=ALICE)
def _access_(proc: bp.Proc, bad: bool, cause: str) -> Steps:
    yield from proc.access(*ASKED[cause][not bad])


@case("stat", "path_io_error", build=files, faults=unreadable("/d"))
def _stat_path_io_error(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.stat("/d/f")


@case("access", "path_io_error", build=files, faults=unreadable("/d"))
def _access_path_io_error(proc: bp.Proc, bad: bool) -> Steps:
    yield from proc.access("/d/f", bp.F_OK)
