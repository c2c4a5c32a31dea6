"""The loader on a node: what a node has of its own, where a comparison with a real one cannot reach."""

from __future__ import annotations

import bprocsim as bp
from tests.calls.cases import ALICE
from tests.calls.worlds import Steps, assert_clean, world


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
