"""exec on AIX: each row, their order, its scripts and limits, and what a new image is."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest
from attrs import evolve

import bprocsim as bp
from bprocsim import Errno
from bprocsim.aix.execrules import LIBRARY_ROWS, ROWS, exec_profile, read_line
from bprocsim.faces.pointers import BAD_ADDRESS
from tests.aix.execcases import (
    DEFECTS,
    LIMIT_BYTES,
    PROGRAM,
    SCRIPT,
    WAY,
    Case,
    compatible,
    image,
    put,
    quiet,
    strings,
)  # fmt: skip

Steps = Any
CAUSES = {cause: part for part, causes in DEFECTS.items() for cause in causes}
# What is asked of the interpreter of a script as well.
OF_FILES = {
    **WAY,
    **{
        cause: spoil
        for part in ("mount", "kind", "mode", "writer", "ids", "sector", "content")
        for cause, spoil in DEFECTS[part].items()
        if cause != "script_malformed"
    },
}


def spoilt(*causes: str, script: bool = False) -> Case:
    case = Case(script=script)
    for cause in causes:
        DEFECTS[CAUSES[cause]][cause](case)
    return case


# ---- rows ----------------------------------------------------------------------------------------


def test_a_healthy_case_is_refused_by_nothing() -> None:
    for script in (False, True):
        assert Case(script=script).decided() == (None, set())
        lpar = Case(script=script).build()
        assert lpar.execve(SCRIPT if script else PROGRAM).exit_status == 7


@pytest.mark.parametrize("cause", CAUSES)
def test_each_row_is_met_alone(cause: str) -> None:
    row, due = spoilt(cause).decided()
    assert row is not None
    assert (row.cause, due) == (cause, {cause, ALSO_DUE.get(cause, cause)})


# What is told of a file system that does not answer where a system has no errno of its own for it; and
# a name that is too long names nothing.
ALSO_DUE = {
    "current_directory_lost": "path_io_error",
    "server_silent": "path_io_error",
    "component_too_long": "cmd_absent",
}


@pytest.mark.parametrize("cause", OF_FILES)
def test_each_row_of_an_interpreter_is_met_alone(cause: str) -> None:
    case = Case(script=True)
    OF_FILES[cause](case)
    row, due = case.decided()
    assert row is not None
    also = ALSO_DUE.get(cause, cause)
    assert (row.cause, due) == (f"interpreter_{cause}", {f"interpreter_{cause}", f"interpreter_{also}"})


def test_every_row_is_met() -> None:
    met = {*CAUSES, *(f"interpreter_{cause}" for cause in OF_FILES), "interpreter_args_too_big"}
    assert met == {row.cause for row in ROWS}


PLACES = {row.cause: place for place, row in enumerate(ROWS)}
PAIRS = [
    pair
    for pair in combinations(CAUSES, 2)
    if CAUSES[pair[0]] != CAUSES[pair[1]] and compatible(CAUSES[pair[0]], CAUSES[pair[1]], set(pair))
]


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_of_two_defects_the_earlier_row_is_reported(pair: tuple[str, str]) -> None:
    case = spoilt(*pair)
    row, due = case.decided()
    assert due >= set(pair)
    assert row is not None
    assert row.cause == min(pair, key=PLACES.__getitem__)


def test_enough_pairs_are_tried() -> None:
    assert len(PAIRS) > 100


@pytest.mark.parametrize("cause", ["argv_unreadable", "args_too_big", "interpreter_format_unknown"])
def test_memory_is_asked_for_last(cause: str) -> None:
    case = Case(script=cause.startswith("interpreter"))
    {**DEFECTS["argv"], **DEFECTS["envp"], "interpreter_format_unknown": put("content", b"text")}[cause](case)
    case.free_bytes = 0
    row, due = case.decided()
    assert row is not None
    assert row.cause == cause and "out_of_memory" in due


# ---- what each is, from outside --------------------------------------------------------------------

NUMBERS = {
    "search_denied": (Errno.EACCES, 13), "component_too_long": (Errno.ENAMETOOLONG, 86),
    "cmd_absent": (Errno.ENOENT, 2),
    "too_many_links": (Errno.ELOOP, 85), "server_silent": (Errno.ETIMEDOUT, 78), "path_io_error": (Errno.EIO, 5),
    "ids_untranslated": (Errno.EPERM, 1), "cmd_being_written": (Errno.ETXTBSY, 26), "args_too_big": (Errno.E2BIG, 7),
    "argv_unreadable": (Errno.EFAULT, 14), "format_unknown": (Errno.ENOEXEC, 8), "out_of_memory": (Errno.ENOMEM, 12),
    "not_a_directory": (Errno.ENOTDIR, 20),
}  # fmt: skip


@pytest.mark.parametrize("cause", NUMBERS)
def test_a_refusal_has_the_numbers_of_aix(cause: str) -> None:
    case = spoilt(cause)
    lpar = case.build()
    out = lpar.execve(case.path, case.argv, case.envp, user=case.user)
    errno, number = NUMBERS[cause]
    assert (out.errno, out.cause) == (errno, cause)
    with pytest.raises(bp.CallError) as raised:
        out.check()
    assert (raised.value.error, raised.value.number, raised.value.source) == (errno, number, "aix-exec-errors")


def test_a_program_sees_the_numbers_of_aix() -> None:
    lpar = bp.Lpar(cores=1, smt=1)
    lpar.machine.fs.symlink("/l", "/l")
    seen: list[int] = []

    def program(proc: bp.Proc) -> Steps:
        assert (yield from proc.libc.execve("/l", ["l"], {})) == -1
        seen.append(proc.libc.errno)
        with pytest.raises(bp.CallError) as raised:
            yield from proc.execv("/l", ["l"])
        seen.append(raised.value.number)
        with pytest.raises(bp.CallError) as refused:
            yield from proc.connect((yield from proc.socket()), bp.Address("10.55.0.1", 9))
        seen.append(refused.value.number)

    lpar.install("/usr/bin/p", program)
    assert lpar.execve("/usr/bin/p").exit_status == 0
    assert seen == [85, 85, 79]
    with pytest.raises(bp.CallError) as built:
        lpar.machine.fs.read_file("/l")
    assert built.value.number == 85


def test_who_is_in_a_file_system_that_is_lost() -> None:
    lpar = bp.Lpar(cores=1, smt=1)
    fs = lpar.machine.fs
    fs.mkdir("/home")
    fs.mount("/home")
    lpar.install("/home/app", quiet)
    session = lpar.session(cwd="/home")
    fs.unmount("/home")
    with pytest.raises(bp.CallError) as lost:
        session.execve("app", ["app"], {})
    assert (lost.value.error, lost.value.number, lost.value.cause) == (Errno.ESTALE, 52, "current_directory_lost")
    with pytest.raises(bp.CallError) as absent:
        session.execve("/home/app", ["app"], {})
    assert absent.value.cause == "cmd_absent"
    with pytest.raises(bp.Replaced):
        session.execve("/usr/bin/sh", ["sh", "-c", "true"], {})


def test_the_same_on_a_cluster_is_an_io_error() -> None:
    cluster = bp.Cluster(nodes=1)
    fs = cluster.master.fs
    for path, flags in (("/nfs", {"silent": True}), ("/gone", {}), ("/foreign", {"foreign_ids": True})):
        fs.mkdir(path)
        fs.mount(path, **flags)
        cluster.install(f"{path}/app", quiet, mode=0o4755)
    assert cluster.execve("/nfs/app").cause == "path_io_error"
    assert cluster.execve("/foreign/app").exit_status == 7
    session = cluster.session(cwd="/gone")
    fs.unmount("/gone")
    with pytest.raises(bp.CallError) as lost:
        session.execve("app", ["app"], {})
    assert lost.value.error is Errno.EIO
    with pytest.raises(bp.CallError) as opened:
        session.open("app", bp.O_RDONLY)
    assert opened.value.error is Errno.EIO


# ---- limits ----------------------------------------------------------------------------------------


def test_a_path_has_at_most_1023_bytes() -> None:
    lpar = bp.Lpar(cores=1, smt=1)
    lpar.install("/app", quiet)
    assert lpar.execve("/" * 1020 + "app").exit_status == 7
    assert lpar.execve("/" * 1021 + "app").cause == "cmd_too_long"
    assert lpar.execve("/" + "x" * 255).cause == "cmd_absent"
    assert lpar.execve("/" + "x" * 256).cause == "component_too_long"


@pytest.mark.parametrize(("level", "limit_bytes"), [("5.2", 24 * 1024), ("6.1", LIMIT_BYTES), ("7.3", LIMIT_BYTES)])
def test_arguments_have_the_limit_of_the_level(level: str, limit_bytes: int) -> None:
    lpar = bp.Lpar(cores=1, smt=1, level=level)
    lpar.install("/app", quiet)
    assert lpar.execve("/app", strings(limit_bytes)).exit_status == 7
    assert lpar.execve("/app", strings(limit_bytes + 1)).cause == "args_too_big"
    assert lpar.execve("/app", strings(limit_bytes - 4), ["A=b"]).exit_status == 7
    assert lpar.execve("/app", strings(limit_bytes - 3), ["A=b"]).cause == "args_too_big"
    lpar.machine.fs.write_file("/script", b"#!/app arg\n", mode=0o755)
    added_bytes = len("/app\0arg\0/script\0") - len("app\0")
    assert lpar.execve("/script", strings(limit_bytes - added_bytes)).exit_status == 7
    too_many = lpar.execve("/script", strings(limit_bytes - added_bytes + 1))
    assert (too_many.errno, too_many.cause) == (Errno.E2BIG, "interpreter_args_too_big")


def test_the_rules_of_a_level_are_made_once() -> None:
    for level in bp.levels.values():
        assert exec_profile(level) is exec_profile(level)
        assert exec_profile(level).rows == ROWS
    other = evolve(bp.levels["7.1"], library_failure="errno")
    assert exec_profile(other).rows == (*ROWS, *LIBRARY_ROWS)


@pytest.mark.parametrize(
    ("vectors", "cause"),
    [
        ((None, {}), "argv_unreadable"),
        ((BAD_ADDRESS, {}), "argv_unreadable"),
        (([], None), "envp_unreadable"),
        (([], BAD_ADDRESS), "envp_unreadable"),
        (([], [BAD_ADDRESS]), "string_unreadable"),
        (([], {}), None),
    ],
)
def test_null_is_an_address_outside(vectors: tuple[Any, Any], cause: str | None) -> None:
    lpar = bp.Lpar(cores=1, smt=1)
    lpar.install("/app", quiet)
    out = lpar.execve("/app", *vectors)
    assert out.cause == cause
    assert (out.errno is Errno.EFAULT) == (cause is not None)


# ---- images and scripts ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (bp.ElfImage(machine="ppc64", program="app").to_bytes(), "format_unknown"),
        (bp.ElfImage(program="app").to_bytes(), "format_unknown"),
        (b"", "format_unknown"),
        (b"\x01", "format_unknown"),
        (b"\x01\xdf", "header_malformed"),
        (b"\x01\xf7" + bytes(500), "header_malformed"),
        (b"\x01\xef" + bytes(500), "wrong_machine"),
        (image(header={"f_opthdr": 0}), "header_malformed"),
        (image(header={"f_flags": 0x1000}), "header_malformed"),
        (image(header={"f_nscns": 200}), "header_malformed"),
        (image(header={"f_nscns": 0}), "header_malformed"),
        (image(auxiliary={"o_sntext": 0}), "header_malformed"),
        (image(auxiliary={"o_snentry": 40}), "header_malformed"),
        (image(sections={(1, "s_size"): 1 << 20}), "header_malformed"),
        (image(loader={"l_nimpid": 5}), "header_malformed"),
        (image(shared=True), "header_malformed"),
        (image(truncate=200), "header_malformed"),
        (image(bits=64, truncate=200), "header_malformed"),
        (image(), None),
        (bp.XcoffImage(), None),
        (bp.XcoffImage(bits=64, auxiliary={"o_mflag": 0}), None),
    ],
)
def test_what_is_an_executable(content: bytes | bp.XcoffImage, cause: str | None) -> None:
    lpar = bp.Lpar(cores=1, smt=1)
    lpar.install("/app", quiet, image=content) if isinstance(content, bp.XcoffImage) else lpar.install(
        "/app", None, image=content
    )
    out = lpar.execve("/app")
    assert out.cause == cause
    assert out.errno is (Errno.ENOEXEC if cause else None)
    if cause is None:
        assert out.exit_status in (0, 7)


def test_what_may_be_installed() -> None:
    lpar = bp.Lpar(cores=1, smt=1)
    with pytest.raises(TypeError, match=r"image: expected bp\.XcoffImage, bp\.ElfImage or bytes, got 3"):
        lpar.install("/new/app", quiet, image=3)
    assert not lpar.machine.fs.exists("/new")
    lpar.install("/elf", None, image=bp.ElfImage(machine="ppc64"))
    assert (lpar.execve("/elf").errno, lpar.execve("/elf").cause) == (Errno.ENOEXEC, "format_unknown")
    big = bp.program(memory_bytes=100 * 4096)(quiet)
    lpar.install("/big", big, image=bp.XcoffImage(bits=64))
    lpar.install("/small", big, image=bp.XcoffImage(memory_bytes=1))
    lpar.home.memory.withheld_bytes = lpar.home.memory.free_bytes - 50 * 4096
    assert (lpar.execve("/big").errno, lpar.execve("/small").exit_status) == (Errno.ENOMEM, 7)


def test_an_image_of_ours_runs_with_either_width() -> None:
    for bits, member in ((32, "shr.o"), (64, "shr_64.o")):
        lpar = bp.Lpar(cores=1, smt=1)
        lpar.install("/app", quiet, image=bp.XcoffImage(bits=bits, needed=(f"libc.a({member})",)))
        assert lpar.execve("/app").exit_status == 7


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"#!/usr/bin/x\n", (b"/usr/bin/x",)),
        (b"#! /usr/bin/x -a\nmore", (b"/usr/bin/x", b"-a")),
        (b"#!\t/x\t \n", (b"/x",)),
        (b"#!/x one two\n", (b"/x", b"one")),
        (b"#!/x", ()),
        (b"#!\n/x\n", ()),
        (b"#!" + b"/x".rjust(254) + b"\n", ()),
        (b"#!" + b"/x".rjust(253) + b"\n", (b"/x",)),
    ],
)
def test_how_a_line_is_read(text: bytes, words: tuple[bytes, ...]) -> None:
    assert read_line(text, 256) == words


def test_a_script_runs_its_interpreter() -> None:
    lpar = bp.Lpar(cores=1, smt=1)
    fs = lpar.machine.fs

    def shows(proc: bp.Proc) -> Steps:
        yield from proc.print(proc.argv, proc.uid, proc.thread.process.credentials.euid)

    lpar.install("/app", shows, mode=0o4755, uid=5)
    fs.write_file("/dir", b"#!/app -x y\n", mode=0o4755, uid=9)
    assert lpar.execve("/dir", ["zero", "one"], user=lpar.user("u", 500, 500)).text == (
        "['/app', '-x', '/dir', 'one'] 500 5\n"
    )
    fs.write_file("/second", b"#!/dir\n", mode=0o755)
    assert lpar.execve("/second").cause == "interpreter_format_unknown"
    with fs.open_for_write("/dir"):
        assert lpar.execve("/dir").exit_status == 0
        with fs.open_for_write("/app"):
            assert lpar.execve("/dir").cause == "interpreter_cmd_being_written"


# ---- the machine -----------------------------------------------------------------------------------


def test_what_a_fresh_machine_holds() -> None:
    fs = bp.Lpar(cores=1, smt=1).machine.fs
    for path, mode in (("/", 0o755), ("/bin", 0o755), ("/usr/bin", 0o755), ("/lib", 0o755), ("/lib64", 0o755)):
        assert (fs.stat(path).kind, fs.stat(path).mode) == ("directory", mode), path
    assert (fs.stat("/etc").kind, fs.stat("/tmp").mode, fs.stat("/dev/null").kind) == ("directory", 0o1777, "chr")
    assert fs.read_file("/usr/bin/sh") == fs.read_file("/bin/sh")
    assert fs.read_file("/usr/bin/sh")[:2] == b"\x01\xdf"
    assert fs.readlink("/bin") == "/usr/bin"
    assert "libc.a" in fs.listdir("/lib")


@pytest.mark.parametrize(
    ("capabilities", "uid", "left"),
    [
        ({"CAP_NUMA_ATTACH", "CAP_PROPAGATE"}, 500, True),
        ({"CAP_NUMA_ATTACH"}, 500, False),
        (None, 500, False),
        (None, 0, True),
        ({"CAP_NUMA_ATTACH"}, 0, False),
    ],
)
def test_what_a_child_keeps(capabilities: set[str] | None, uid: int, left: bool) -> None:
    lpar = bp.Lpar(cores=1, smt=1)
    user = bp.Credentials(uid, uid, capabilities=capabilities)

    def child(proc: bp.Proc) -> int:
        return int(proc.thread.process.credentials.can("CAP_NUMA_ATTACH"))

    def parent(proc: bp.Proc) -> Steps:
        yield from proc.fork(child)
        return (yield from proc.wait()).exit_status

    lpar.install("/app", parent)
    assert lpar.execve("/app", user=user).exit_status == left
    cluster = bp.Cluster(nodes=0)
    cluster.install("/app", parent)
    assert cluster.execve("/app", user=user).exit_status == (uid == 0 if capabilities is None else True)


def test_a_child_without_its_names_may_still_become_root() -> None:
    who = bp.Credentials(500, 500, capabilities={"CAP_NUMA_ATTACH"})
    child = who.handed_on("CAP_PROPAGATE")
    assert child.capabilities is None
    assert child.with_effective(0).can("CAP_DAC_OVERRIDE")
    assert who.handed_on("") is who
    root = bp.Credentials(0, 0, capabilities={"CAP_NUMA_ATTACH"}).handed_on("CAP_PROPAGATE")
    assert root.capabilities == frozenset()
