"""The loader on a node: what a node has of its own, where a comparison with a real one cannot reach."""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp
from bprocsim.posix.elf import parse
from bprocsim.testing.rows.programcases import ALICE
from tests.calls.loaderreal import read_recording
from tests.calls.worlds import Steps, assert_clean, world


@bp.program(needs=("libx.so", "libc.so.6"))
def linked(proc: bp.Proc) -> Steps:
    """Run if its libraries are there."""
    yield from proc.print("ran")


FILES, _ = read_recording()
LIBRARY = bp.ElfImage(type="DYN", interpreters=(), soname="libx.so").to_bytes()
NARROW = bp.ElfImage(type="DYN", machine="i386", bits=32, interpreters=(), soname="libx.so").to_bytes()
NOT_THERE = b" shared object file: No such file or directory\n"


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


def test_a_library_of_another_class_is_passed_over_and_named_where_there_is_no_other() -> None:
    made = world(linked)
    env = {"LD_LIBRARY_PATH": "/a"}
    made.master.fs.mkdir("/a")
    assert made.execve("/usr/bin/program", envp=env).stderr.endswith(b": libx.so: cannot open" + NOT_THERE)
    made.master.fs.write_file("/a/libx.so", NARROW)
    assert made.execve("/usr/bin/program", envp=env).stderr.endswith(b": libx.so: wrong ELF class: ELFCLASS32\n")
    made.master.fs.write_file("/lib/libx.so", LIBRARY)
    assert made.execve("/usr/bin/program", envp=env).text == "ran\n"


def test_a_library_for_another_machine_is_passed_over_unless_its_version_is_wrong() -> None:
    """The version is looked at first."""
    made = world(linked)
    env = {"LD_LIBRARY_PATH": "/a"}
    made.master.fs.mkdir("/a")
    made.master.fs.write_file("/lib/libx.so", LIBRARY)
    for version, said in ((1, b"ran\n"), (2, b": /a/libx.so: ELF file version does not match current one\n")):
        foreign = bp.ElfImage(type="DYN", machine="aarch64", interpreters=(), soname="libx.so", version=version)
        made.master.fs.write_file("/a/libx.so", foreign.to_bytes())
        out = made.execve("/usr/bin/program", envp=env)
        assert (out.stdout + out.stderr).endswith(said)


@pytest.mark.parametrize(("directory", "status"), [("/file", 0), ("file", 127)])
def test_what_is_no_directory_is_passed_over_where_it_is_named_from_the_root(directory: str, status: int) -> None:
    made = world(linked)
    made.master.fs.write_file("/file", b"")
    made.master.fs.mkdir("/b")
    made.master.fs.write_file("/b/libx.so", LIBRARY)
    env = {"LD_LIBRARY_PATH": f"{directory}:/b"}
    assert made.execve("/usr/bin/program", envp=env).exit_status == status


@pytest.mark.parametrize("separator", [":", ";"])
def test_directories_of_the_environment_stand_between_colons_or_semicolons(separator: str) -> None:
    made = world(linked)
    made.master.fs.mkdir("/b")
    made.master.fs.write_file("/b/libx.so", LIBRARY)
    env = {"LD_LIBRARY_PATH": separator.join(("/a", "/b", "/c"))}
    assert made.execve("/usr/bin/program", envp=env).text == "ran\n"


@pytest.mark.parametrize("name", ["rpath", "runpath"])
@pytest.mark.parametrize("place", ["/first place", "/second"])
def test_directories_of_a_file_stand_between_colons(name: str, place: str) -> None:
    made = bp.Cluster(nodes=0)
    made.master.fs.mkdir(place)
    made.master.fs.write_file(f"{place}/libx.so", LIBRARY)
    paths: dict[str, Any] = {name: "/first place:/second"}
    made.install("/bin/p", lambda proc: 5, image=bp.ElfImage(type="DYN", needed=("libx.so",), **paths))
    assert made.execve("/bin/p").exit_status == 5


def test_an_empty_name_is_the_programs_own() -> None:
    """So it was with glibc 2.36, where a program's DT_NEEDED was changed to name nothing."""
    made = bp.Cluster(nodes=0)
    for needed in (("", "libx.so"), ("libx.so", "")):
        made.master.fs.write_file("/lib64/libx.so", bp.ElfImage(type="DYN", soname="libx.so", needed=("",)).to_bytes())
        made.install("/bin/p", lambda proc: 5, image=bp.ElfImage(type="DYN", needed=needed))
        assert made.execve("/bin/p").exit_status == 5
    made.master.fs.unlink("/lib64/libx.so")
    assert made.execve("/bin/p").stderr.endswith(b": libx.so: cannot open" + NOT_THERE)


def test_a_path_that_is_too_long_ends_a_search_where_its_directory_can_be_reached() -> None:
    """The rest of the list is not looked at then."""
    made = world(linked)
    made.master.fs.mkdir("/closed", mode=0o700)
    made.master.fs.mkdir("/b")
    made.master.fs.write_file("/b/libx.so", LIBRARY)
    env = {"LD_LIBRARY_PATH": "/closed/" + 2041 * "./" + ":/b"}
    assert made.execve("/usr/bin/program", envp=env).stderr.endswith(b": libx.so: cannot open" + NOT_THERE)
    assert made.execve("/usr/bin/program", envp=env, user=ALICE).text == "ran\n"


def test_what_the_loader_needs_is_looked_for_beside_it() -> None:
    made = bp.Cluster(nodes=0)
    loader = bp.ElfImage(type="DYN", interpreters=(), soname="ld.so", needed=("libx.so",), runpath="$ORIGIN/more")
    made.master.fs.mkdir("/tools/more", parents=True)
    made.master.fs.write_file("/tools/ld.so", loader.to_bytes(), mode=0o755)
    program = bp.ElfImage(type="DYN", interpreters=("/tools/ld.so",), needed=("ld.so",))
    made.install("/bin/p", lambda proc: 5, image=program)
    assert made.execve("/bin/p").stderr.endswith(b": libx.so: cannot open" + NOT_THERE)
    made.master.fs.write_file("/tools/more/libx.so", LIBRARY)
    assert made.execve("/bin/p").exit_status == 5


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


# ---- stand-ins beside real files -------------------------------------------------------------------


def run_foreign(program: str, env: dict[str, str] | None = None, **libraries: bytes) -> tuple[int | None, bytes]:
    """Run a recorded program on a node whose other files are stand-ins, but for some libraries."""
    made = bp.Cluster(nodes=0)
    for name, data in libraries.items():
        made.master.fs.write_file(f"/lib/{name}.so", data)
    made.install("/bin/p", None, image=bp.ElfImage.from_bytes(FILES[program]))
    out = made.execve("/bin/p", ["p"], env or {})
    assert_clean(made)
    return out.exit_status, out.stderr


def stand_in(soname: str) -> bytes:
    """Give a library of ours."""
    return bp.ElfImage(type="DYN", interpreters=(), soname=soname).to_bytes()


def test_a_stand_in_has_the_versions_and_symbols_that_are_asked_of_it() -> None:
    assert run_foreign("v2-now", libx=stand_in("libx.so")) == (0, b"")
    assert run_foreign("two-now", libx=stand_in("libx.so")) == (0, b"")
    assert run_foreign("deep-now", libx=stand_in("libx.so"), liby=FILES["y-now"]) == (0, b"")


def test_a_stand_in_has_no_version_of_another_library() -> None:
    said = b"p: /lib/libx.so: no version information available (required by p)\n"
    lacking = b"p: symbol lookup error: p: undefined symbol: x, version V1\n"
    assert run_foreign("both-v", libx=FILES["x-bare"], liby=stand_in("liby.so")) == (127, said + lacking)


def test_a_stand_in_has_a_symbol_without_a_version_unless_versions_are_asked_of_it() -> None:
    assert run_foreign("both", libx=FILES["x-bare"], liby=stand_in("liby.so")) == (0, b"")
    said = b"p: symbol lookup error: p: undefined symbol: w\n"
    assert run_foreign("both-v", libx=stand_in("libx.so"), liby=FILES["y-v1"]) == (127, said)


def test_the_loader_stands_in_for_no_library() -> None:
    env = {"LD_PRELOAD": "ld-linux-x86-64.so.2"}
    said = b"p: symbol lookup error: p: undefined symbol: x\n"
    assert run_foreign("plain", env, libx=FILES["x-bare"]) == (127, said)
    assert run_foreign("plain", {"LD_PRELOAD": "libc.so.6"}, libx=FILES["x-bare"]) == (0, b"")


def test_without_an_argv_the_loader_says_so() -> None:
    def program(proc: bp.Proc) -> Steps:
        yield from proc.execv("/bin/p", [])

    made = world(program)
    made.install("/bin/p", None, image=bp.ElfImage.from_bytes(FILES["v2"]))
    made.master.fs.write_file("/lib/libx.so", FILES["x-v1"])
    out = made.execve("/usr/bin/program")
    said = b"<program name unknown>: /lib/libx.so: version `V2' not found (required by <main program>)\n"
    assert (out.exit_status, out.stderr) == (1, said)


def test_what_the_loader_says_stands_in_the_trace_line_by_line() -> None:
    made = bp.Cluster(nodes=1)
    made.nodes[0].fs.write_file("/lib/libx.so", FILES["x-v3"])
    made.install("/bin/p", None, image=bp.ElfImage.from_bytes(FILES["v2"]))
    out = made.bproc_execmove(0, "/bin/p", ["p"], {"LD_PRELOAD": "one.so"})
    assert out.exit_status == 1
    lines = out.stdout.decode().splitlines()
    assert [line.split()[0] for line in lines] == ["ERROR:", "p:", "p:"]
    told = [line.partition("loader: ")[2] for line in made.trace.text().splitlines()]
    assert [each for each in told if each] == lines


def test_a_library_without_end_kills_with_a_bus_error_and_leaves_nothing() -> None:
    made = bp.Cluster(nodes=0)
    made.master.fs.write_file("/lib/libx.so", FILES["x-long"][:5000])
    made.install("/bin/p", None, image=bp.ElfImage.from_bytes(FILES["plain"]))
    assert made.execve("/bin/p").signal == bp.SIGBUS
    assert_clean(made)


@pytest.mark.parametrize("arch", ["i386", "x86-64", "ppc64"])
def test_the_libraries_that_are_everywhere_say_what_they_are(arch: str) -> None:
    fs = bp.Cluster([bp.NodeSpec(arch=arch)]).nodes[0].fs
    for directory in ("/lib", "/lib64"):
        for name in fs.listdir(directory) if fs.exists(directory) else ():
            assert parse(fs.read_file(f"{directory}/{name}")).soname == name
