"""Whatever the image, the path or the arguments: a documented outcome, never an exception."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.posix.elf import MAGIC, PT_INTERP, PT_LOAD, Segment
from bprocsim.testing import tables

LOADER, LIBRARY = "/lib64/ld-linux-x86-64.so.2", "/lib64/libc.so.6"
TABLES = tables()


def check(outcome: bp.Outcome) -> None:
    """Hold an outcome against the documents: -1 and a row, or an end of the process, with or without a late row."""
    # A program may meet an error of a call and not handle it; nothing else is raised in here.
    assert outcome.exception is None or isinstance(outcome.exception, bp.CallError)
    if outcome.row is not None:
        assert outcome.row.cause in {row.cause for row in TABLES[outcome.call].rows}
        assert outcome.errno is outcome.row.errno or outcome.late_errno is outcome.row.errno
    if outcome.failed:
        assert (outcome.value, outcome.returned) == (-1, True)
        assert (outcome.exit_status, outcome.signal) == (None, None)
        return
    assert (outcome.value, outcome.returned) == (None, False)
    assert (outcome.exit_status is None) != (outcome.signal is None)
    assert outcome.exit_status is None or 0 <= outcome.exit_status <= 255
    if outcome.late_errno is not None:
        assert outcome.exit_status == outcome.late_errno.number("linux") & 0xFF


def both(cluster: bp.Cluster, node: int, *arguments: Any, **options: Any) -> None:
    """Make the call as execmove, and as a plain exec."""
    check(cluster.bproc_execmove(node, *arguments, **options))
    check(cluster.execve(*arguments, **options))


# ---- images ------------------------------------------------------------------------------------------

GOOD = tuple(
    image.to_bytes()
    for image in (
        bp.ElfImage(),
        bp.ElfImage(needed=("libc.so.6",), runpath="/lib64:/lib"),
        bp.ElfImage(machine="i386", needed=("libc.so.6",)),
        bp.ElfImage(interpreters=(LOADER, LOADER), program="nobody"),
        bp.ElfImage(type="DYN", soname="libc.so.6", needed=("libm.so.6",)),
    )
)
WORDS = st.one_of(st.integers(0, 100), st.sampled_from([0xFF, 0xFFFF, 0x10000, 2**31, 2**32 - 1]))
SHORT = st.integers(0, 0xFFFF)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Damage a good image: bytes changed, cut off, doubled."""
    data = bytearray(draw(st.sampled_from(GOOD)))
    for place, value in draw(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 255)), max_size=8)):
        data[place % len(data)] = value
    start, end = sorted(draw(st.tuples(st.integers(0, len(data)), st.integers(0, len(data)))))
    how = draw(st.sampled_from(["whole", "cut", "hole", "doubled"]))
    return bytes({"whole": data, "cut": data[:end], "hole": data[:start] + data[end:], "doubled": data * 2}[how])


@st.composite
def with_any_fields(draw: st.DrawFn) -> bytes:
    """Build an image with any numbers in its headers."""
    kinds = st.sampled_from([PT_INTERP, PT_LOAD, 2, 4, 0xFFFFFFFF])
    segments = draw(st.lists(st.builds(Segment, kinds, *[WORDS] * 7), max_size=4))
    fields: dict[str, Any] = {
        **draw(st.dictionaries(st.sampled_from(["phentsize", "phnum", "ehsize", "type"]), SHORT)),
        **draw(st.dictionaries(st.sampled_from(["phoff", "entry"]), WORDS)),
    }
    return bp.ElfImage(machine=draw(st.sampled_from([62, 3, 6, 20])), segments=segments, **fields).to_bytes()


@st.composite
def scripts(draw: st.DrawFn) -> bytes:
    """Write a `#!` line with anything in it."""
    names = st.sampled_from([b"/bin/sh", b"/bin/fuzzed", b"sh", b".", b"/", b"\t", b"\r"])
    word = st.one_of(names, st.binary(max_size=200))
    return b"#!" + draw(st.sampled_from([b" ", b"\t", b""])).join(draw(st.lists(word, max_size=4))) + b"\n"


IMAGES = st.one_of(
    st.binary(max_size=300), st.binary(max_size=300).map(MAGIC.__add__), mutated(), with_any_fields(), scripts()
)


@example(b"#!\0", 0)
@given(IMAGES, st.integers(0, 0o7777))
def test_any_bytes_as_an_image(data: bytes, mode: int) -> None:
    cluster = bp.Cluster(2)
    cluster.master.fs.write_file("/bin/fuzzed", data, mode=mode | 0o111)
    both(cluster, 1, "/bin/fuzzed")


@given(IMAGES)
def test_any_bytes_as_an_interpreter(data: bytes) -> None:
    cluster = bp.Cluster(2)
    cluster.master.fs.write_file("/bin/fuzzed", data, mode=0o755)
    cluster.master.fs.write_file("/bin/dynamic", bp.ElfImage(interpreters=("/bin/fuzzed",)).to_bytes(), mode=0o755)
    cluster.master.fs.write_file("/bin/script", b"#!/bin/fuzzed\n", mode=0o755)
    both(cluster, 0, "/bin/dynamic")
    both(cluster, 0, "/bin/script")


@pytest.mark.slow
@given(IMAGES)
def test_any_bytes_as_a_library(data: bytes) -> None:
    cluster = bp.Cluster(1)
    for machine in (cluster.master, cluster.nodes[0]):
        machine.fs.write_file(LIBRARY, data)
    cluster.install("/bin/dynamic", None, image=bp.ElfImage(needed=("libc.so.6",)))
    both(cluster, 0, "/bin/dynamic")


# ---- paths -------------------------------------------------------------------------------------------

NAMES = ("", ".", "..", "bin", "sh", "tmp", "dev", "null", "loop", "up", "nowhere", "shell", "closed", "\udcff", "é\n")
COMPONENTS = st.sampled_from([*NAMES, "x" * 255, "y" * 256])
PATHS = st.one_of(
    st.text(max_size=50),
    st.binary(max_size=50),
    st.lists(COMPONENTS, max_size=12).map("/".join),
    st.lists(COMPONENTS, max_size=12).map(lambda parts: "/" + "/".join(parts)),
    st.lists(COMPONENTS, min_size=1, max_size=5).map(lambda parts: PurePosixPath(*parts)),
    st.integers(4000, 4200).map(lambda length: "/bin" + "/" * (length - 6) + "sh"),
    st.sampled_from([None, bp.BAD_ADDRESS, "", "/"]),
)


def _with_links() -> bp.Cluster:
    cluster = bp.Cluster(1)
    cluster.user("alice", 500, 500)
    files = cluster.master.fs
    files.symlink("loop", "/loop")
    files.symlink("../..", "/tmp/up")
    files.symlink("/nowhere/at/all", "/nowhere")
    files.symlink("../bin/sh/", "/tmp/shell")
    files.mkdir("/closed", mode=0)
    return cluster


@given(PATHS, st.sampled_from(["/", "/tmp", "/tmp/up"]), st.booleans())
def test_any_path(path: Any, cwd: str, as_root: bool) -> None:
    cluster = _with_links()
    both(cluster, 0, path, cwd=cwd, user=None if as_root else cluster.users["alice"])


@given(PATHS)
def test_any_path_as_an_interpreter(path: Any) -> None:
    """Where one can stand in a file: without a NUL and, in a script, on one line."""
    raw = bytes(path) if isinstance(path, PurePosixPath | bytes) else str(path).encode("utf-8", "surrogatepass")
    raw = raw.partition(b"\0")[0]
    cluster = _with_links()
    cluster.master.fs.write_file("/bin/dynamic", bp.ElfImage(interpreters=(raw + b"\0",)).to_bytes(), mode=0o755)
    cluster.master.fs.write_file("/bin/script", b"#!" + raw + b"\n", mode=0o755)
    both(cluster, 0, "/bin/dynamic")
    both(cluster, 0, "/bin/script")


# ---- arguments ---------------------------------------------------------------------------------------

STRINGS = st.one_of(st.text(max_size=30), st.binary(max_size=30), st.sampled_from(["", "a" * 131_071, "b" * 131_072]))
ELEMENTS = st.one_of(STRINGS, st.sampled_from([None, bp.BAD_ADDRESS]))
VECTORS = st.one_of(
    st.sampled_from([None, bp.BAD_ADDRESS]),
    st.lists(ELEMENTS, max_size=5),
    st.integers(0, 40_000).map(lambda count: ["abc"] * count),
)
ENVIRONMENTS = st.one_of(VECTORS, st.dictionaries(STRINGS, STRINGS, max_size=3))
PROGRAMS = st.sampled_from(["/bin/sh", "/bin/script", "/bin/absent", b"/bin/dynamic", bp.BAD_ADDRESS])


@pytest.mark.slow
@given(
    PROGRAMS,
    VECTORS,
    ENVIRONMENTS,
    st.one_of(st.integers(-6, 5), st.integers()),
    st.one_of(st.sampled_from([0, 4000, 65536, -1]), st.integers()),
    st.booleans(),
)
def test_any_arguments(program: Any, argv: Any, envp: Any, node: int, port: int, listen: bool) -> None:
    cluster = bp.Cluster(3, faults=[bp.PowerOff(1)])
    cluster.master.fs.write_file("/bin/script", b"#!/bin/sh\n", mode=0o755)
    cluster.install("/bin/dynamic", None, image=bp.ElfImage(needed=("libc.so.6",)))
    both(cluster, node, program, argv, envp)
    check(cluster.bproc_execmove_io(node, port, program, argv, envp, listen=listen))
    check(cluster.bproc_execmove(node, program, argv, envp, from_node=2, input=b"unread"))
