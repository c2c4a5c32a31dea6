"""The loader's messages and search, held against this machine's own ld.so with the same files."""

from __future__ import annotations

import platform
import shutil
import struct
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import bprocsim as bp
from tests.calls.cases import ALICE
from tests.calls.worlds import Steps, assert_clean, world

GCC = shutil.which("gcc")
ABLE = pytest.mark.skipif(
    GCC is None or platform.machine() != "x86_64", reason="needs gcc, on the machine that nodes are by default"
)


class Built:
    """A directory with real programs and libraries, of which the simulator gets a copy."""

    def __init__(self, top: Path) -> None:
        self.top = top
        for name in ("a", "b", "w"):
            (top / name).mkdir()
        (top / "x.c").write_text("int x(void) { return 0; }\n")
        (top / "y.c").write_text("int x(void); int y(void) { return x(); }\n")
        (top / "p.c").write_text("int x(void); int main(void) { return x(); }\n")
        (top / "q.c").write_text("int y(void); int main(void) { return y(); }\n")
        shared = ("-shared", "-fPIC")
        self._build(*shared, "x.c", "-o", "libx.so")
        self._build(*shared, "x.c", "-o", "libabs.so", f"-Wl,-soname,{top}/a/libx.so")
        self._build(*shared, "y.c", "-o", "liby.so", "-L.", "-lx")
        self._build(*shared, "y.c", "-o", "libyrun.so", "-L.", "-lx", "-Wl,--enable-new-dtags,-rpath,nowhere")
        self._build("p.c", "-o", "plain", "-L.", "-lx")
        self._build("p.c", "-o", "rpath", "-L.", "-lx", f"-Wl,--disable-new-dtags,-rpath,{top}/a")
        self._build("p.c", "-o", "runpath", "-L.", "-lx", f"-Wl,--enable-new-dtags,-rpath,{top}/a")
        self._build("p.c", "-o", "origin", "-L.", "-lx", "-Wl,--enable-new-dtags,-rpath,$ORIGIN/a:${ORIGIN}/b")
        self._build("p.c", "-o", "absolute", "-L.", "-labs")
        below = ("-L.", "-Wl,--allow-shlib-undefined")
        self._build("q.c", "-o", "deep-rpath", "liby.so", *below, f"-Wl,--disable-new-dtags,-rpath,{top}/a:{top}/b")
        self._build("q.c", "-o", "deep-runpath", "liby.so", *below, f"-Wl,--enable-new-dtags,-rpath,{top}/a:{top}/b")
        self._build("q.c", "-o", "deep-mixed", "libyrun.so", *below, f"-Wl,--disable-new-dtags,-rpath,{top}/a:{top}/b")
        self.good = (top / "libx.so").read_bytes()

    def _build(self, *arguments: str) -> None:
        assert GCC is not None
        subprocess.run([GCC, *arguments], cwd=self.top, check=True)

    def patched(self, place: int, *values: int) -> bytes:
        """Give a good library with one or two bytes of its header changed, and perhaps another one."""
        data = bytearray(self.good)
        data[place : place + len(values[:2])] = bytes(values[:2])
        if values[2:]:
            data[values[2]] = values[3]
        return bytes(data)

    def without_segments(self, p_type: int) -> bytes:
        """Give a good library without segments of a type."""
        data = bytearray(self.good)
        start, size, count = struct.unpack_from("<Q", data, 32)[0], *struct.unpack_from("<HH", data, 54)
        for place in range(start, start + size * count, size):
            if struct.unpack_from("<I", data, place)[0] == p_type:
                struct.pack_into("<I", data, place, 0)
        return bytes(data)

    def really(self, program: str, argv0: str, env: dict[str, str]) -> tuple[int, bytes]:
        """Run a program on this machine."""
        done = subprocess.run(
            [argv0], executable=self.top / program, env=env, cwd=self.top / "w", capture_output=True, check=False
        )
        return done.returncode, done.stderr

    def simulated(self, program: str, argv0: str, env: dict[str, str]) -> tuple[int | None, bytes]:
        """Run it on a node with the same files."""
        cluster = bp.Cluster(nodes=0)
        fs = cluster.master.fs
        for path in sorted(self.top.rglob("*")):
            if path.is_symlink():
                fs.symlink(str(path.readlink()), str(path))
            elif path.is_dir():
                fs.mkdir(str(path), parents=True, exist_ok=True)
            elif path.suffix != ".c":
                fs.mkdir(str(path.parent), parents=True, exist_ok=True)
                fs.write_file(str(path), path.read_bytes(), mode=0o755)
        out = cluster.execve(str(self.top / program), [argv0], env, cwd=str(self.top / "w"))
        return out.exit_status, out.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    return Built(tmp_path_factory.mktemp("loader"))


@pytest.fixture
def clean(built: Built) -> Iterator[Built]:
    """The directory with nothing in a, b and w."""
    yield built
    for name in ("a", "b", "w"):
        shutil.rmtree(built.top / name)
        (built.top / name).mkdir()


def put(what: Callable[[Built], bytes]) -> Callable[[Built, str], None]:
    """Make what writes a library."""

    def write(built: Built, where: str) -> None:
        (built.top / where / "libx.so").write_bytes(what(built))

    return write


GOOD = put(lambda built: built.good)
SHORT = put(lambda built: b"short")
TEXT = put(lambda built: b"This is no library at all, but long enough to have the size of one. Really.")
ALIEN = put(lambda built: built.patched(18, 40, 0))
SMALL = put(lambda built: built.patched(4, 1))
LOOP = lambda built, where: (built.top / where / "libx.so").symlink_to("libx.so")  # noqa: E731
FOLDER = lambda built, where: (built.top / where / "libx.so").mkdir()  # noqa: E731

# What stands in a and in b, which program is run, and with which environment ({} is the directory).
Place = Callable[[Built, str], Any]
A = "LD_LIBRARY_PATH={}/a"
AB = "LD_LIBRARY_PATH={}/a:{}/b"
CASES: dict[str, tuple[str, list[Place], list[Place], str]] = {
    "missing": ("plain", [], [], A),
    "there": ("plain", [GOOD], [], A),
    "no path": ("plain", [GOOD], [], ""),
    "empty": ("plain", [put(lambda built: b"")], [], A),
    "63 bytes": ("plain", [put(lambda built: built.good[:63])], [], A),
    "64 bytes": ("plain", [put(lambda built: built.good[:64])], [], A),
    "cut in the table": ("plain", [put(lambda built: built.good[:100])], [], A),
    "text": ("plain", [TEXT], [], A),
    "a directory": ("plain", [FOLDER], [], A),
    "a loop of links": ("plain", [LOOP], [GOOD], AB),
    "wrong machine": ("plain", [ALIEN], [], A),
    "wrong machine, then a good one": ("plain", [ALIEN], [GOOD], AB),
    "other class": ("plain", [SMALL], [], A),
    "other class, then a good one": ("plain", [SMALL], [GOOD], AB),
    "other class, then wrong machine": ("plain", [SMALL], [ALIEN], AB),
    "no class": ("plain", [put(lambda built: built.patched(4, 0))], [], A),
    "big-endian": ("plain", [put(lambda built: built.patched(5, 2))], [], A),
    "version of the identification": ("plain", [put(lambda built: built.patched(6, 0))], [], A),
    "version": ("plain", [put(lambda built: built.patched(20, 7))], [], A),
    "system": ("plain", [put(lambda built: built.patched(7, 0x55))], [], A),
    "GNU's system": ("plain", [put(lambda built: built.patched(7, 3))], [], A),
    "version of the system": ("plain", [put(lambda built: built.patched(8, 7))], [], A),
    "padding": ("plain", [put(lambda built: built.patched(9, 7))], [], A),
    "relocatable": ("plain", [put(lambda built: built.patched(16, 1, 0))], [], A),
    "a core": ("plain", [put(lambda built: built.patched(16, 4, 0))], [], A),
    "an executable": ("plain", [put(lambda built: built.patched(16, 2, 0))], [], A),
    "size of program headers": ("plain", [put(lambda built: built.patched(54, 0, 0))], [], A),
    "no program headers": ("plain", [put(lambda built: built.patched(56, 0, 0))], [], A),
    "nothing to load": ("plain", [put(lambda built: built.without_segments(1))], [], A),
    "short, then a good one": ("plain", [SHORT], [GOOD], AB),
    "relocatable and cut": ("plain", [put(lambda built: built.patched(16, 1, 0)[:64])], [], A),
    "big-endian, wrong machine": ("plain", [put(lambda built: built.patched(18, 40, 0, 5, 2))], [], A),
    "padding, wrong machine": ("plain", [put(lambda built: built.patched(18, 40, 0, 9, 7))], [], A),
    "version, wrong machine": ("plain", [put(lambda built: built.patched(18, 40, 0, 20, 7))], [], A),
    "magic, wrong machine": ("plain", [put(lambda built: built.patched(18, 40, 0, 0, 7))], [], A),
    "other class, big-endian": ("plain", [put(lambda built: built.patched(4, 1, 2))], [], A),
    "RPATH": ("rpath", [GOOD], [], ""),
    "RPATH before the environment": ("rpath", [SHORT], [TEXT], "LD_LIBRARY_PATH={}/b"),
    "RUNPATH": ("runpath", [GOOD], [], ""),
    "the environment before RUNPATH": ("runpath", [SHORT], [TEXT], "LD_LIBRARY_PATH={}/b"),
    "RUNPATH after the environment": ("runpath", [SHORT], [], "LD_LIBRARY_PATH={}/b"),
    "origin": ("origin", [], [SHORT], ""),
    "origin in the environment": ("plain", [SHORT], [], "LD_LIBRARY_PATH=$ORIGIN/a"),
    "semicolons": ("plain", [], [SHORT], "LD_LIBRARY_PATH={}/a;{}/b"),
    "an empty environment": ("plain", [SHORT], [], "LD_LIBRARY_PATH="),
    "a relative directory": ("plain", [SHORT], [], "LD_LIBRARY_PATH=../a"),
    "a slash at the end": ("plain", [SHORT], [], "LD_LIBRARY_PATH={}/a//"),
    "a file for a directory": ("plain", [GOOD], [], "LD_LIBRARY_PATH={}/libx.so:{}/a"),
    "absolute": ("absolute", [GOOD], [], ""),
    "absolute, missing": ("absolute", [], [], ""),
    "absolute, short": ("absolute", [SHORT], [], ""),
    "absolute, wrong machine": ("absolute", [ALIEN], [], ""),
    "absolute, other class": ("absolute", [SMALL], [], ""),
    "absolute, a loop": ("absolute", [LOOP], [], ""),
    "absolute, a directory": ("absolute", [FOLDER], [], ""),
}


@ABLE
@pytest.mark.linux
@pytest.mark.parametrize("name", CASES)
def test_the_message_and_the_status_are_those_of_ld_so(name: str, clean: Built) -> None:
    program, in_a, in_b, env = CASES[name]
    for place in in_a:
        place(clean, "a")
    for place in in_b:
        place(clean, "b")
    key, _, text = env.partition("=")
    environment = {key: text.replace("{}", str(clean.top))} if key else {}
    real = clean.really(program, "name", environment)
    assert clean.simulated(program, "name", environment) == real
    assert real[0] in (0, 127)


@ABLE
@pytest.mark.linux
@pytest.mark.parametrize("program", ["deep-rpath", "deep-runpath", "deep-mixed"])
def test_an_rpath_counts_for_what_libraries_need_and_a_runpath_does_not(program: str, clean: Built) -> None:
    for library in ("liby.so", "libyrun.so"):
        shutil.copy(clean.top / library, clean.top / "a")
    GOOD(clean, "b")
    assert clean.simulated(program, "p", {}) == clean.really(program, "p", {})


@ABLE
@pytest.mark.linux
def test_an_empty_element_is_the_current_directory(clean: Built) -> None:
    SHORT(clean, "w")
    for path in (":", f"{clean.top}/a:", f":{clean.top}/a"):
        environment = {"LD_LIBRARY_PATH": path}
        real = clean.really("plain", "p", environment)
        assert b"libx.so: file too short" in real[1]
        assert clean.simulated("plain", "p", environment) == real


# ---- in the simulator alone ------------------------------------------------------------------------


@bp.program(needs=("libx.so", "libc.so.6"))
def linked(proc: bp.Proc) -> Steps:
    """Run if its libraries are there."""
    yield from proc.print("ran")


LIBRARY = bp.ElfImage(type="DYN", interpreters=(), soname="libx.so").to_bytes()


def test_a_set_id_program_looks_where_its_owner_wants() -> None:
    made = world(linked)
    made.master.fs.write_file("/tmp/libx.so", LIBRARY)
    env = {"LD_LIBRARY_PATH": "/tmp"}
    assert made.execve("/usr/bin/program", envp=env, user=ALICE).text == "ran\n"
    made.master.fs.chown("/usr/bin/program", 7, 7)
    made.master.fs.chmod("/usr/bin/program", 0o4755)
    missing = b"libx.so: cannot open shared object file: No such file or directory\n"
    out = made.execve("/usr/bin/program", envp=env, user=ALICE)
    assert (out.exit_status, out.stderr) == (127, b"program: error while loading shared libraries: " + missing)
    # It is no stranger's program to its owner.
    assert made.execve("/usr/bin/program", envp=env, user=bp.Credentials(7, 7)).text == "ran\n"
    made.master.fs.write_file("/usr/lib/libx.so", LIBRARY) if made.master.fs.exists("/usr/lib") else None
    made.master.fs.write_file("/lib/libx.so", LIBRARY)
    assert made.execve("/usr/bin/program", envp=env, user=ALICE).text == "ran\n"
    assert_clean(made)


def test_a_library_that_may_not_be_read_is_passed_over() -> None:
    made = world(linked)
    made.master.fs.mkdir("/a")
    made.master.fs.write_file("/a/libx.so", LIBRARY, mode=0o311)
    made.master.fs.mkdir("/b", mode=0o700)
    made.master.fs.write_file("/b/libx.so", LIBRARY)
    env = {"LD_LIBRARY_PATH": "/a:/b"}
    assert made.execve("/usr/bin/program", envp=env).text == "ran\n"
    assert b"libx.so: cannot open" in made.execve("/usr/bin/program", envp=env, user=ALICE).stderr
    made.master.fs.write_file("/lib64/libx.so", LIBRARY, mode=0o444)  # no x bit is needed
    assert made.execve("/usr/bin/program", envp=env, user=ALICE).text == "ran\n"


def test_a_disk_error_in_a_library() -> None:
    made = world(linked, faults=[bp.IoError(bp.BPROC_NODE_MASTER, "/lib64/libx.so")])
    made.master.fs.write_file("/lib64/libx.so", LIBRARY)
    out = made.execve("/usr/bin/program")
    assert out.stderr.endswith(b": /lib64/libx.so: cannot read file data: Input/output error\n")


def test_libraries_of_libraries_once_each_and_in_order() -> None:
    def library(soname: str, *needed: str) -> bytes:
        return bp.ElfImage(type="DYN", interpreters=(), soname=soname, needed=needed).to_bytes()

    @bp.program(needs=("one.so", "two.so"))
    def program(proc: bp.Proc) -> Steps:
        yield from proc.print("ran")

    made = world(program)
    fs = made.master.fs
    fs.write_file("/lib/one.so", library("one.so", "three.so", "two.so"))
    fs.write_file("/lib/two.so", library("two.so", "one.so", "four.so"))
    assert b": three.so: cannot open" in made.execve("/usr/bin/program").stderr
    fs.write_file("/lib/three.so", library("alias.so"))
    assert b": four.so: cannot open" in made.execve("/usr/bin/program").stderr
    fs.write_file("/lib/four.so", library("four.so", "alias.so"))  # somebody loaded has that name
    assert made.execve("/usr/bin/program").text == "ran\n"
    with made.inject(bp.LibraryMissing(bp.BPROC_NODE_MASTER, "two.so")):
        assert b": two.so: cannot open" in made.execve("/usr/bin/program").stderr
