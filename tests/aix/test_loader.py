"""What becomes of an image on AIX whose shared libraries cannot be loaded."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve

import bprocsim as bp
from bprocsim import Errno
from bprocsim.aix.archive import build_archive
from bprocsim.aix.execrules import LIBRARY_ROWS

Steps = Any
SHARED = bp.XcoffImage(shared=True).to_bytes()


@bp.program(needs=("libc.a(shr.o)", "libz.a(libz.so.1)"))
def app(proc: bp.Proc) -> int:
    return 7


def world(level: str | bp.Level = "7.1", **more: Any) -> bp.Lpar:
    lpar = bp.Lpar(cores=1, smt=1, level=level, **more)
    lpar.install("/usr/bin/app", app)
    lpar.machine.fs.write_file("/usr/lib/libz.a", build_archive({"libz.so.1": SHARED}))
    return lpar


HEAD = "exec(): 0509-036 Cannot load program /usr/bin/app because of the following errors:\n"
ABSENT = "0509-026 System error: A file or directory in the path name does not exist."


def lines(out: bp.Outcome) -> list[str]:
    text = out.stderr.decode()
    assert text.startswith(HEAD)
    body = text.removeprefix(HEAD)
    assert all(line.startswith("\t") for line in body.splitlines())
    return [line.removeprefix("\t") for line in body.splitlines()]


def test_a_program_whose_libraries_are_there() -> None:
    out = world().execve("/usr/bin/app")
    assert (out.exit_status, out.stderr) == (7, b"")


def spoil(lpar: bp.Lpar, how: str) -> None:
    fs = lpar.machine.fs
    library = "/usr/lib/libz.a"
    if how == "absent":
        fs.unlink(library)
    elif how == "member":
        fs.write_file(library, build_archive({"other.o": SHARED}))
    elif how == "no archive":
        fs.write_file(library, SHARED)
    elif how == "denied":
        fs.chmod(library, 0o600)
    elif how == "foreign":
        fs.write_file(library, build_archive({"libz.so.1": bp.XcoffImage(bits=64, shared=True).to_bytes()}))
    elif how == "program":
        fs.write_file(library, build_archive({"libz.so.1": bp.XcoffImage().to_bytes()}))
    elif how == "elf":
        fs.write_file(library, build_archive({"libz.so.1": bp.ElfImage(type="DYN").to_bytes()}))
    elif how == "written":
        fs.open_for_write(library)
    elif how == "sector":
        lpar.home.tree.bad_paths.add(library.encode())
    elif how == "directory":
        fs.unlink(library)
        fs.mkdir(library)
    elif how == "big":
        big = bp.XcoffImage(shared=True, memory_bytes=1 << 27).to_bytes()
        fs.write_file(library, build_archive({"libz.so.1": big}))


Z = "/usr/lib/libz.a(libz.so.1)"
NOT_LOADED = f"0509-150   Dependent module {Z} could not be loaded."
CANNOT = f"0509-022 Cannot load module {Z}."
SAID = {
    "absent": (
        Errno.ENOENT,
        [
            "0509-150   Dependent module libz.a(libz.so.1) could not be loaded.",
            "0509-022 Cannot load module libz.a(libz.so.1).",
            ABSENT,
        ],
    ),
    "member": (Errno.ENOENT, [NOT_LOADED, "0509-152   Member libz.so.1 is not found in archive"]),
    "no archive": (
        Errno.ENOEXEC,
        [
            NOT_LOADED,
            "0509-153   File /usr/lib/libz.a is not an archive or",
            "\t   the file could not be read properly.",
        ],
    ),
    "denied": (
        Errno.EACCES,
        [NOT_LOADED, CANNOT, "0509-026 System error: The file access permissions do not allow the specified action."],
    ),
    "foreign": (Errno.ENOEXEC, [NOT_LOADED, CANNOT, "0509-103   The module has an invalid magic number."]),
    "program": (Errno.ENOEXEC, [NOT_LOADED, CANNOT, "0509-103   The module has an invalid magic number."]),
    "elf": (Errno.ENOEXEC, [NOT_LOADED, CANNOT, "0509-103   The module has an invalid magic number."]),
    "written": (Errno.ETXTBSY, [NOT_LOADED, CANNOT, "0509-026 System error: Text file busy."]),
    "sector": (
        Errno.EIO, [NOT_LOADED, CANNOT, "0509-026 System error: There is an input or output error."]
    ),
    "directory": (
        Errno.EACCES,
        [NOT_LOADED, CANNOT, "0509-026 System error: The file access permissions do not allow the specified action."],
    ),
    "big": (
        Errno.ENOMEM, [NOT_LOADED, CANNOT, "0509-026 System error: There is not enough memory available now."]
    ),
}  # fmt: skip


def user(lpar: bp.Lpar) -> bp.User:
    return lpar.user("u", 500, 500)


@pytest.mark.parametrize("how", SAID)
def test_it_is_told_and_ends_with_255(how: str) -> None:
    lpar = world(memory_bytes=64 << 20)
    spoil(lpar, how)
    out = lpar.execve("/usr/bin/app", user=user(lpar))
    assert (out.failed, out.returned, out.exit_status, out.signal) == (False, False, 255, None)
    assert lines(out) == SAID[how][1]


@pytest.mark.parametrize("how", SAID)
def test_or_it_is_killed(how: str) -> None:
    lpar = world(evolve(bp.levels["7.1"], library_failure="sigkill"), memory_bytes=64 << 20)
    spoil(lpar, how)
    out = lpar.execve("/usr/bin/app", user=user(lpar))
    assert (out.exit_status, out.signal) == (None, 9)
    assert lines(out) == SAID[how][1]


@pytest.mark.parametrize("how", SAID)
def test_or_the_exec_itself_fails(how: str) -> None:
    lpar = world(evolve(bp.levels["7.1"], library_failure="errno"), memory_bytes=64 << 20)
    assert lpar.execve("/usr/bin/app", user=user(lpar)).exit_status == 7
    spoil(lpar, how)
    out = lpar.execve("/usr/bin/app", user=lpar.users["u"])
    assert (out.failed, out.errno, out.stderr) == (True, SAID[how][0], b"")
    assert out.cause is not None and out.cause.startswith("library_")
    attached = lpar.ra_execve(bp.R_RSET, lpar.rset("0"), 0, "/usr/bin/app")  # by root, who may read all
    assert (attached.cause, attached.exit_status) == ((None, 7) if how == "denied" else (out.cause, None))


def test_the_other_rows_of_a_library() -> None:
    level = evolve(bp.levels["7.1"], library_failure="errno")
    seen = {"library_absent", "library_unrecognized", "library_denied", "library_being_written", "library_too_big"}
    seen.add("library_unreachable")

    def cause(libpath: str, cwd: str = "/", lost: bool = False) -> str | None:
        lpar = world(level)
        fs = lpar.machine.fs
        fs.unlink("/usr/lib/libz.a")
        fs.mkdir("/home")
        fs.mount("/home")
        session = lpar.session(cwd=cwd)
        if lost:
            fs.unmount("/home")
        with pytest.raises(bp.CallError) as refused:
            session.execve("/usr/bin/app", ["app"], {"LIBPATH": libpath})
        assert refused.value.error is next(row for row in LIBRARY_ROWS if row.cause == refused.value.cause).errno
        return refused.value.cause

    for found, expected in (
        (cause("/etc"), "library_absent"),
        (cause("/usr/bin/sh"), "library_path_not_a_directory"),
        (cause("/" + "x" * 300), "library_name_too_long"),
        (cause("/" + "x/" * 600), "library_name_too_long"),
        (cause("", cwd="/home", lost=True), "library_absent"),
        (cause(":", cwd="/home", lost=True), "library_in_lost_file_system"),
    ):
        assert found == expected
        seen.add(expected)
    assert seen == {row.cause for row in LIBRARY_ROWS}


# ---- where it looks --------------------------------------------------------------------------------


def test_libpath_comes_first_and_not_for_other_ids() -> None:
    lpar = world()
    fs = lpar.machine.fs
    fs.mkdir("/opt/lib", parents=True)
    fs.write_file("/opt/lib/libz.a", b"text")
    assert lpar.execve("/usr/bin/app", envp={"LIBPATH": "/etc:/opt/lib"}).exit_status == 255
    assert lpar.execve("/usr/bin/app", envp={"LIBPATH": "/etc"}).exit_status == 7
    fs.chmod("/usr/bin/app", 0o4755)
    stranger = lpar.user("u", 500, 500)
    assert lpar.execve("/usr/bin/app", envp={"LIBPATH": "/opt/lib"}, user=stranger).exit_status == 7
    assert lpar.execve("/usr/bin/app", envp={"LIBPATH": "/opt/lib"}).exit_status == 255


def test_an_image_names_directories_of_its_own() -> None:
    lpar = bp.Lpar(cores=1, smt=1)
    fs = lpar.machine.fs
    fs.mkdir("/opt/own", parents=True)
    fs.write_file("/opt/own/libown.so", SHARED)
    fs.write_file("/opt/own/other.so", SHARED)
    for needed, libpath, status in (
        ("libown.so", "/opt/own", 7),
        ("libown.so", "/usr/lib", 255),
        ("/opt/own/libown.so", "", 7),
        ("/opt/libown.so", "/opt/own", 255),
        ("opt/own/other.so", "", 7),
    ):
        lpar.install("/app", app, image=bp.XcoffImage(needed=(needed,), libpath=libpath))
        assert lpar.execve("/app").exit_status == status, needed


def test_what_libraries_need_is_loaded_too_once_each() -> None:
    lpar = bp.Lpar(cores=1, smt=1)
    fs = lpar.machine.fs

    def library(*needed: str) -> bytes:
        return bp.XcoffImage(shared=True, needed=needed).to_bytes()

    fs.write_file("/usr/lib/a.so", library("b.so", "libc.a(shr.o)", "/unix"))
    fs.write_file("/usr/lib/b.so", library("a.so", "c.so"))
    fs.write_file("/usr/lib/c.so", library("a.so", "b.so"))
    lpar.install("/usr/bin/app", app, image=bp.XcoffImage(needed=("a.so", "b.so")))
    assert lpar.execve("/usr/bin/app").exit_status == 7
    fs.unlink("/usr/lib/c.so")
    assert lines(lpar.execve("/usr/bin/app")) == [
        "0509-150   Dependent module /usr/lib/a.so could not be loaded.",
        "0509-150   Dependent module /usr/lib/b.so could not be loaded.",
        "0509-150   Dependent module c.so could not be loaded.",
        "0509-022 Cannot load module c.so.",
        ABSENT,
    ]


def test_a_library_that_a_fault_hides() -> None:
    for name, status in (("libz.a", 255), ("libz.a(libz.so.1)", 255), ("libz", 7)):
        lpar = world()
        lpar.home.hidden.append(name.encode())
        assert lpar.execve("/usr/bin/app").exit_status == status


def test_the_attachment_was_made_before_the_process_died() -> None:
    lpar = world()
    spoil(lpar, "absent")
    out = lpar.ra_execvp(bp.R_RSET, lpar.rset("0"), 0, "app", ["app"])
    assert (out.failed, out.exit_status) == (False, 255)
    assert lines(out)[-1] == ABSENT
    handle = lpar.popen(["app"])
    assert handle.wait() == 255


def test_a_program_without_libraries_asks_nobody() -> None:
    lpar = bp.Lpar(cores=1, smt=1)
    lpar.machine.fs.unlink("/usr/lib/libc.a")
    lpar.install("/app", bp.program(lambda proc: 3))
    assert lpar.execve("/app").exit_status == 3
    lpar.install("/foreign", None, image=bp.XcoffImage(needed=("libc.a(shr.o)",)))
    assert lpar.execve("/foreign").exit_status == 255
    lpar.install("/static", None, image=bp.XcoffImage())
    assert lpar.execve("/static").exit_status == 0
