"""Building a world's files by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import pytest

from bprocsim.errnos import Errno
from bprocsim.faces.errors import CallError
from bprocsim.manual import Errors
from bprocsim.posix import fs as room
from bprocsim.posix.fs import Fs
from bprocsim.posix.vfs import FileTree

LONG = "x" * 256


@pytest.fixture
def fs() -> Fs:
    """Give a small world to make mistakes in."""
    fs = Fs(FileTree(FileTree()))
    fs.mkdir("/d")
    fs.write_file("/d/f", b"data")
    fs.write_file("/file", b"other")
    fs.symlink("d", "/to")
    fs.symlink("absent", "/dangling")
    fs.symlink("self", "/self")
    fs.mknod("/pipe", "fifo")
    fs.mkdir("/mnt")
    fs.mount("/mnt")
    fs.mkdir("/busy")
    fs.mount("/busy")
    fs.mkdir("/busy/inner")
    fs.mount("/busy/inner")
    return fs


# ---- What it does -----------------------------------------------------------------------------------


def test_files(fs: Fs) -> None:
    fs.write_file("/a", b"1", mode=0o4711, uid=3, gid=4)
    before = fs.stat("/a")
    assert (before.kind, before.mode, before.uid, before.gid, before.size) == ("file", 0o4711, 3, 4, 1)
    fs.link("/a", "/d/again")
    fs.write_file("/a", b"22")
    after = fs.stat("/d/again")
    assert (after.number, after.mode, after.uid, after.gid) == (before.number, 0o644, 0, 0)
    assert (after.size, after.links) == (2, 2)
    assert fs.read_file("/d/again") == b"22"


def test_writing_follows_links_and_makes_their_targets(fs: Fs) -> None:
    fs.write_file("/to/new", b"n")
    assert fs.read_file("/d/new") == b"n"
    fs.write_file("/dangling", b"made")
    assert fs.read_file("/absent") == b"made"
    assert fs.lstat("/dangling").kind == "symlink"


def test_directories(fs: Fs) -> None:
    fs.mkdir("/e/f/g", mode=0o1777, uid=5, gid=6, parents=True)
    assert (fs.stat("/e/f/g").mode, fs.stat("/e/f/g").uid) == (0o1777, 5)
    assert (fs.stat("/e/f").mode, fs.stat("/e/f").uid) == (0o755, 0)
    fs.mkdir("/e/f/g", mode=0o700, parents=True, exist_ok=True)
    assert fs.stat("/e/f/g").mode == 0o1777
    fs.mkdir("/to", exist_ok=True)
    fs.mkdir("/to/sub/deep/", parents=True)
    assert fs.listdir("/d/sub") == ["deep"]
    fs.mkdir("//x//y/../z", parents=True)
    assert fs.listdir("/x") == ["y", "z"]
    fs.rmdir("/e/f/g/")
    assert not fs.exists("/e/f/g")


def test_links(fs: Fs) -> None:
    assert fs.readlink("/to") == "d"
    assert fs.read_file("/to/f") == b"data"
    fs.link("/dangling", "/second")  # the link itself
    assert fs.lstat("/second").links == 2
    fs.unlink("/to")
    assert fs.exists("/d/f")


def test_special_files(fs: Fs) -> None:
    fs.mkdir("/dev")
    fs.mknod("/dev/null", "chr", mode=0o666)
    fs.mknod("/dev/other", "blk", device="disk")
    fs.mknod("/socket", "socket")
    assert [(fs.stat(p).kind, fs.stat(p).device) for p in ("/dev/null", "/dev/other", "/socket", "/pipe")] == [
        ("chr", "null"),
        ("blk", "disk"),
        ("socket", ""),
        ("fifo", ""),
    ]


def test_owners_and_modes_are_exact(fs: Fs) -> None:
    fs.chmod("/to", 0o7777)
    fs.chown("/to", 8, 9)
    assert (fs.stat("/d").mode, fs.stat("/d").uid, fs.stat("/d").gid) == (0o7777, 8, 9)
    assert fs.lstat("/to").uid == 0
    fs.lchown("/to", 7, 6)
    assert (fs.lstat("/to").uid, fs.lstat("/to").gid, fs.stat("/d").uid) == (7, 6, 8)


def test_the_builder_is_bound_by_nothing(fs: Fs) -> None:
    fs.mkdir("/shut", mode=0)
    fs.mount("/shut", readonly=True)
    fs.write_file("/shut/f", b"", mode=0)
    fs.tree.bad_paths.update((b"/shut", b"/shut/f"))
    fs.tree.own(fs.tree.inodes[fs.stat("/shut/f").number].number).running = 1
    fs.write_file("/shut/f", b"new")
    assert fs.read_file("/shut/f") == b"new"


def test_unmounting_brings_back_what_was_covered(fs: Fs) -> None:
    fs.write_file("/mnt/above", b"")
    fs.mount("/mnt")
    fs.write_file("/mnt/top", b"")
    fs.unmount("/mnt/")
    assert fs.listdir("/mnt") == ["above"]
    fs.unmount("/mnt")
    assert fs.listdir("/mnt") == []
    fs.mount("/mnt")
    assert fs.listdir("/mnt") == []
    fs.unmount("/busy/inner")
    fs.unmount("/busy")
    assert [mount.path for mount in fs.tree.mounts] == [b"/", b"/mnt"]
    assert [mount.path for mount in fs.tree.lost] == [b"/mnt", b"/mnt", b"/busy/inner", b"/busy"]


def test_the_builder_gets_into_what_does_not_answer(fs: Fs) -> None:
    fs.mkdir("/nfs")
    fs.mount("/nfs", silent=True, foreign_ids=True)
    fs.write_file("/nfs/file", b"data")
    assert fs.read_file("/nfs/file") == b"data"


def test_where_no_link_is_followed(fs: Fs) -> None:
    fs.mkdir("/still")
    fs.mount("/still", nosymfollow=True)
    fs.write_file("/still/file", b"text")
    fs.symlink("file", "/still/link")
    fs.symlink("/still/file", "/way")
    assert fs.read_file("/still/file") == fs.read_file("/way") == b"text"
    with pytest.raises(OSError, match="symbolic links"):
        fs.read_file("/still/link")
    fs.unlink("/still/link")


def test_mounts(fs: Fs) -> None:
    fs.mount("/d", nosuid=True, noexec=True)
    assert fs.listdir("/d") == []
    assert fs.stat("/d").mount == "/d"
    mount = fs.tree.inodes[fs.stat("/d").number].mount
    assert (mount.nosuid, mount.noexec, mount.readonly) == (True, True, False)
    top = fs.stat("/d")
    assert (top.kind, top.mode, top.uid, top.gid) == ("directory", 0o755, 0, 0)


def test_open_for_write_counts_writers(fs: Fs) -> None:
    def writers() -> int:
        return fs.tree.inodes[fs.stat("/d/f").number].writers

    fs.link("/d/f", "/again")
    with fs.open_for_write("/d/f") as one:
        other = fs.open_for_write("/again")
        assert (writers(), one.closed) == (2, False)
    assert (writers(), one.closed) == (1, True)
    one.close()
    assert writers() == 1
    other.close()
    assert writers() == 0


def test_a_file_may_be_removed_while_open(fs: Fs) -> None:
    with fs.open_for_write("/d/f"):
        fs.unlink("/d/f")
    assert not fs.exists("/d/f")


@pytest.mark.parametrize("path", ["/ä\udcff", b"/\xc3\xa4\xff", PurePosixPath("/ä\udcff")])
def test_paths_in_any_form(fs: Fs, path: Any) -> None:
    fs.write_file(path, b"x")
    assert fs.read_file(b"/\xc3\xa4\xff") == b"x"
    assert "ä\udcff" in fs.listdir("/")
    fs.symlink(path, "/l")
    assert fs.readlink("/l") == "/ä\udcff"


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("/", True),
        ("/to/f", True),
        ("/dangling", False),
        ("/self", False),
        ("/file/", False),
        ("/" + "d/../" * 1000, False),
    ],
)
def test_exists(fs: Fs, path: str, there: bool) -> None:
    assert fs.exists(path) is there


# ---- Its errors ---------------------------------------------------------------------------------------

# Every row of every table: the call that meets it.
MISTAKES: list[tuple[Errors, str, Callable[[Fs], object]]] = [
    (room.MKDIR, "parent_absent", lambda fs: fs.mkdir("/absent/new")),
    (room.MKDIR, "name_taken", lambda fs: fs.mkdir("/d")),
    (room.MKDIR, "name_taken", lambda fs: fs.mkdir("/")),
    (room.MKDIR, "name_taken", lambda fs: fs.mkdir("/dangling/")),
    (room.MKDIR, "name_taken", lambda fs: fs.mkdir("/file", exist_ok=True)),
    (room.MKDIR, "name_taken", lambda fs: fs.mkdir("/dangling/new", parents=True)),
    (room.MKDIR, "not_a_directory", lambda fs: fs.mkdir("/file/new", parents=True)),
    (room.WRITE_FILE, "parent_absent", lambda fs: fs.write_file("/absent/new", b"")),
    (room.WRITE_FILE, "is_directory", lambda fs: fs.write_file("/to", b"")),
    (room.WRITE_FILE, "slash_after_new_name", lambda fs: fs.write_file("/new/", b"")),
    (room.WRITE_FILE, "not_regular", lambda fs: fs.write_file("/pipe", b"")),
    (room.READ_FILE, "absent", lambda fs: fs.read_file("/dangling")),
    (room.READ_FILE, "is_directory", lambda fs: fs.read_file("/d")),
    (room.READ_FILE, "not_regular", lambda fs: fs.read_file("/pipe")),
    (room.OPEN_FOR_WRITE, "absent", lambda fs: fs.open_for_write("/absent")),
    (room.OPEN_FOR_WRITE, "is_directory", lambda fs: fs.open_for_write("/d")),
    (room.OPEN_FOR_WRITE, "not_regular", lambda fs: fs.open_for_write("/pipe")),
    (room.SYMLINK, "target_empty", lambda fs: fs.symlink("", "/new")),
    (room.SYMLINK, "target_too_long", lambda fs: fs.symlink("x" * 4096, "/new")),
    (room.SYMLINK, "parent_absent", lambda fs: fs.symlink("x", "/absent/new")),
    (room.SYMLINK, "name_taken", lambda fs: fs.symlink("x", "/dangling")),
    (room.SYMLINK, "slash_after_new_name", lambda fs: fs.symlink("x", "/new/")),
    (room.LINK, "absent", lambda fs: fs.link("/absent", "/new")),
    (room.LINK, "parent_absent", lambda fs: fs.link("/file", "/absent/new")),
    (room.LINK, "name_taken", lambda fs: fs.link("/file", "/d/f")),
    (room.LINK, "slash_after_new_name", lambda fs: fs.link("/file", "/new/")),
    (room.LINK, "other_file_system", lambda fs: fs.link("/file", "/mnt/new")),
    (room.LINK, "is_directory", lambda fs: fs.link("/d", "/new")),
    (room.LINK, "not_a_directory", lambda fs: fs.link("/file/", "/new")),
    (room.MKNOD, "parent_absent", lambda fs: fs.mknod("/absent/new", "fifo")),
    (room.MKNOD, "name_taken", lambda fs: fs.mknod("/file", "fifo")),
    (room.MKNOD, "slash_after_new_name", lambda fs: fs.mknod("/new/", "fifo")),
    (room.UNLINK, "absent", lambda fs: fs.unlink("/absent")),
    (room.UNLINK, "is_directory", lambda fs: fs.unlink("/d/")),
    (room.UNLINK, "is_directory", lambda fs: fs.unlink("/d/.")),
    (room.UNLINK, "is_directory", lambda fs: fs.unlink("/")),
    (room.UNLINK, "slash_after_file", lambda fs: fs.unlink("/file/")),
    (room.UNLINK, "slash_after_file", lambda fs: fs.unlink("/to/")),
    (room.RMDIR, "absent", lambda fs: fs.rmdir("/absent")),
    (room.RMDIR, "ends_in_dot", lambda fs: fs.rmdir("/d/.")),
    (room.RMDIR, "ends_in_dotdot", lambda fs: fs.rmdir("/d/..")),
    (room.RMDIR, "is_no_directory", lambda fs: fs.rmdir("/to")),
    (room.RMDIR, "is_mount_point", lambda fs: fs.rmdir("/mnt")),
    (room.RMDIR, "is_mount_point", lambda fs: fs.rmdir("/")),
    (room.RMDIR, "not_empty", lambda fs: fs.rmdir("/d")),
    (room.CHMOD, "absent", lambda fs: fs.chmod("/dangling", 0)),
    (room.CHOWN, "absent", lambda fs: fs.chown("/dangling", 0, 0)),
    (room.LCHOWN, "absent", lambda fs: fs.lchown("/absent", 0, 0)),
    (room.MOUNT, "absent", lambda fs: fs.mount("/absent")),
    (room.MOUNT, "is_no_directory", lambda fs: fs.mount("/file")),
    (room.MOUNT, "is_root", lambda fs: fs.mount("/")),
    (room.UNMOUNT, "absent", lambda fs: fs.unmount("/absent")),
    (room.UNMOUNT, "not_a_mount_point", lambda fs: fs.unmount("/d")),
    (room.UNMOUNT, "not_a_mount_point", lambda fs: fs.unmount("/file")),
    (room.UNMOUNT, "is_root", lambda fs: fs.unmount("/")),
    (room.UNMOUNT, "holds_mounts", lambda fs: fs.unmount("/busy")),
    (room.STAT, "absent", lambda fs: fs.stat("/dangling")),
    (room.LSTAT, "absent", lambda fs: fs.lstat("/absent")),
    (room.READLINK, "absent", lambda fs: fs.readlink("/absent")),
    (room.READLINK, "not_a_link", lambda fs: fs.readlink("/d")),
    (room.LISTDIR, "absent", lambda fs: fs.listdir("/absent")),
    (room.LISTDIR, "is_no_directory", lambda fs: fs.listdir("/file")),
]
# The rows of the walk, of every call: on the way to `path`.
CALLS: list[tuple[Errors, Callable[[Fs, str], object]]] = [
    (room.MKDIR, lambda fs, path: fs.mkdir(path)),
    (room.WRITE_FILE, lambda fs, path: fs.write_file(path, b"")),
    (room.READ_FILE, lambda fs, path: fs.read_file(path)),
    (room.OPEN_FOR_WRITE, lambda fs, path: fs.open_for_write(path)),
    (room.SYMLINK, lambda fs, path: fs.symlink("x", path)),
    (room.LINK, lambda fs, path: fs.link("/file", path)),
    (room.LINK, lambda fs, path: fs.link(path, "/new")),
    (room.MKNOD, lambda fs, path: fs.mknod(path, "fifo")),
    (room.UNLINK, lambda fs, path: fs.unlink(path)),
    (room.RMDIR, lambda fs, path: fs.rmdir(path)),
    (room.CHMOD, lambda fs, path: fs.chmod(path, 0)),
    (room.CHOWN, lambda fs, path: fs.chown(path, 0, 0)),
    (room.LCHOWN, lambda fs, path: fs.lchown(path, 0, 0)),
    (room.MOUNT, lambda fs, path: fs.mount(path)),
    (room.UNMOUNT, lambda fs, path: fs.unmount(path)),
    (room.STAT, lambda fs, path: fs.stat(path)),
    (room.LSTAT, lambda fs, path: fs.lstat(path)),
    (room.READLINK, lambda fs, path: fs.readlink(path)),
    (room.LISTDIR, lambda fs, path: fs.listdir(path)),
]
ON_THE_WAY = {
    "path_too_long": "/" + "d/../" * 1000,
    "component_too_long": f"/d/{LONG}",
    "not_a_directory": "/file/x",
    "too_many_links": "/self/x",
}
TABLES = [value for value in vars(room).values() if isinstance(value, Errors)]


@pytest.mark.parametrize(("errors", "cause", "call"), MISTAKES, ids=lambda value: getattr(value, "call", None))
def test_a_mistake(fs: Fs, errors: Errors, cause: str, call: Callable[[Fs], object]) -> None:
    with pytest.raises(CallError) as caught:
        call(fs)
    error = caught.value
    assert (error.call, error.cause) == (errors.call, cause)
    assert error.error is errors.row(cause).errno


@pytest.mark.parametrize("cause", ON_THE_WAY)
@pytest.mark.parametrize(("errors", "call"), CALLS, ids=lambda value: getattr(value, "call", None))
def test_a_mistake_on_the_way(fs: Fs, errors: Errors, call: Callable[[Fs, str], object], cause: str) -> None:
    with pytest.raises(CallError) as caught:
        call(fs, ON_THE_WAY[cause])
    assert (caught.value.call, caught.value.cause) == (errors.call, cause)


def test_every_row_is_met() -> None:
    met = {(errors.call, cause) for errors, cause, _ in MISTAKES}
    met |= {(errors.call, cause) for errors, _ in CALLS for cause in ON_THE_WAY}
    assert met == {(errors.call, row.cause) for errors in TABLES for row in errors.rows}


@pytest.mark.parametrize(("errors", "cause", "call"), MISTAKES, ids=lambda value: getattr(value, "call", None))
def test_a_mistake_changes_nothing(fs: Fs, errors: Errors, cause: str, call: Callable[[Fs], object]) -> None:
    before = (fs.tree.changes, fs.tree.next_number)
    with pytest.raises(CallError):
        call(fs)
    assert (fs.tree.changes, fs.tree.next_number) == before


def test_errors_are_the_ordinary_ones(fs: Fs) -> None:
    with pytest.raises(FileNotFoundError, match="'/absent/x'") as caught:
        fs.read_file(b"/absent/x")
    assert caught.value.filename == "/absent/x"
    with pytest.raises(FileExistsError):
        fs.mkdir("/d")
    with pytest.raises(IsADirectoryError):
        fs.unlink("/d")
    with pytest.raises(NotADirectoryError):
        fs.listdir("/file")
    with pytest.raises(PermissionError):
        fs.link("/d", "/x")
    with pytest.raises(OSError, match="Directory not empty") as not_empty:
        fs.rmdir("/d")
    assert isinstance(not_empty.value, CallError)
    assert not_empty.value.error is Errno.ENOTEMPTY


@pytest.mark.parametrize(
    ("call", "error", "name"),
    [
        (lambda fs: fs.mkdir("relative"), ValueError, "path"),
        (lambda fs: fs.mkdir(""), ValueError, "path"),
        (lambda fs: fs.mkdir("/a\0b"), ValueError, "path"),
        (lambda fs: fs.mkdir(3), TypeError, "path"),
        (lambda fs: fs.mkdir("/new", mode="755"), TypeError, "mode"),
        (lambda fs: fs.mkdir("/new", mode=True), TypeError, "mode"),
        (lambda fs: fs.mkdir("/new", mode=0o10000), ValueError, "mode"),
        (lambda fs: fs.mkdir("/new", mode=-1), ValueError, "mode"),
        (lambda fs: fs.mkdir("/new", uid=-1), ValueError, "uid"),
        (lambda fs: fs.mkdir("/new", gid=None), TypeError, "gid"),
        (lambda fs: fs.mkdir("/d", mode=-1, exist_ok=True), ValueError, "mode"),
        (lambda fs: fs.write_file("/new", "text"), TypeError, "data"),
        (lambda fs: fs.write_file("/new", 3), TypeError, "data"),
        (lambda fs: fs.write_file("/new", b"", mode=0o10000), ValueError, "mode"),
        (lambda fs: fs.symlink(None, "/new"), TypeError, "target"),
        (lambda fs: fs.symlink("a\0", "/new"), ValueError, "target"),
        (lambda fs: fs.symlink("/x", "new"), ValueError, "path"),
        (lambda fs: fs.link("file", "/new"), ValueError, "old"),
        (lambda fs: fs.link("/file", "new"), ValueError, "new"),
        (lambda fs: fs.mknod("/new", "file"), ValueError, "kind: expected one of fifo, socket, chr, blk, got 'file'"),
        (lambda fs: fs.mknod("/new", "chr", device=3), TypeError, "device"),
        (lambda fs: fs.chmod("/d", "rwx"), TypeError, "mode"),
        (lambda fs: fs.chown("/d", "root", 0), TypeError, "uid"),
        (lambda fs: fs.lchown("/d", 0, -1), ValueError, "gid"),
        (lambda fs: fs.exists("relative"), ValueError, "path"),
    ],
)
def test_a_wrong_argument_is_named(fs: Fs, call: Callable[[Any], object], error: type[Exception], name: str) -> None:
    before = fs.tree.changes
    with pytest.raises(error, match=f"^{name}(: |$)"):
        call(fs)
    assert fs.tree.changes == before
