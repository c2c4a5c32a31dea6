"""Libraries do not travel: after the move the loader, which does, looks for them on the target."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

import bprocsim as bp
from bprocsim.units import KiB
from tests.bproc.worlds import MASTER, Steps, assert_clean, cluster, steps

LOADER = "/lib64/ld-linux-x86-64.so.2"
SAYS = "error while loading shared libraries: libfoo.so.1: cannot open shared object file: No such file or directory"
WAYS = [
    pytest.param(MASTER, 2, id="to a slave"),
    pytest.param(1, 2, id="between slaves"),
    pytest.param(1, -1, id="home"),
]


@bp.program(needs=("libc.so.6",))
def linked(proc: bp.Proc) -> Steps:
    """Run only if its library was found."""
    yield from proc.print("ran on", proc.node)


@bp.program(needs=("libc.so.6", "libfoo.so.1"))
def with_foo(proc: bp.Proc) -> Steps:
    """Need one that only some nodes have."""
    yield from proc.print("ran on", proc.node)


def static(proc: bp.Proc) -> Steps:
    """Need nothing."""
    yield from proc.print("ran on", proc.node)


def world(**options: Any) -> bp.Cluster:
    """Build a cluster with the three programs on the master and node 1."""
    made = cluster(**options)
    for program, name in ((linked, "linked"), (with_foo, "with-foo"), (static, "static")):
        made.install(f"/usr/bin/{name}", program, on="master,1")
    return made


def files(made: bp.Cluster, number: int) -> Any:
    """Give the files of a node."""
    return made.master.fs if number == MASTER else made.nodes[number].fs


def give_foo(made: bp.Cluster, number: int) -> None:
    """Install the library on one node."""
    data = files(made, number).read_file("/lib64/libc.so.6")
    files(made, number).write_file("/lib64/libfoo.so.1", data)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a16_a_library_that_the_target_does_not_have(source: int, target: int) -> None:
    """The launch succeeded; then the loader says its line on descriptor 2, and the status is 127."""
    made = world()
    give_foo(made, source)
    line = f"with-foo: {SAYS}\n".encode()
    out = made.bproc_execmove(target, "/usr/bin/with-foo", from_node=source)
    assert (out.exit_status, out.late_errno, out.cause, out.returned, out.node) == (127, None, None, False, target)
    assert (out.stdout, out.stderr) == (line, b"")  # with port 0 both come out of the caller's stdout
    apart = made.bproc_execmove_io(target, 4000, "/usr/bin/with-foo", from_node=source)
    assert (apart.exit_status, apart.stdout, apart.stderr) == (127, b"", line)
    assert steps(made)[-1] == "RUN"
    assert [record.message for record in made.trace.of_kind("loader")] == [f"with-foo: {SAYS}"] * 2
    assert_clean(made)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a_library_that_only_the_target_has(source: int, target: int) -> None:
    made = world()
    give_foo(made, target)
    assert made.bproc_execmove(target, "/usr/bin/with-foo", from_node=source).text == f"ran on {target}\n"
    assert made.execve("/usr/bin/with-foo", from_node=source).exit_status == 127


def test_a_fault_may_hide_a_library() -> None:
    made = world(faults=[bp.LibraryMissing(2, "libc.so.6")])
    out = made.bproc_execmove(2, "/usr/bin/linked")
    assert (out.exit_status, b"libc.so.6: cannot open" in out.stdout) == (127, True)
    assert made.bproc_execmove(3, "/usr/bin/linked").exit_status == 0


def test_a_parent_sees_127_as_any_exit_status() -> None:
    waited = list[Any]()

    def child(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_execmove(2, "/usr/bin/with-foo", ["with-foo"], {})

    def parent(proc: bp.Proc) -> Steps:
        yield from proc.fork(child)
        waited.append((yield from proc.wait()).exit_status)

    made = world()
    made.install("/usr/bin/parent", parent)
    assert made.execve("/usr/bin/parent").exit_status == 0
    assert waited == [127]


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a19_a_static_image_runs_wherever_it_comes(source: int, target: int) -> None:
    made = world()
    for directory in ("/lib", "/lib64", "/bin"):
        fs = files(made, target)
        for name in list_names(made, target, directory):
            fs.unlink(f"{directory}/{name}")
    assert made.bproc_execmove(target, "/usr/bin/static", from_node=source).text == f"ran on {target}\n"


def list_names(made: bp.Cluster, number: int, directory: str) -> list[str]:
    """List a directory of a node."""
    from bprocsim.posix.credentials import ROOT
    from bprocsim.posix.paths import walk

    machine = made.machine(number)
    found = walk(machine.tree, machine.tree.root, directory.encode(), ROOT, machine.profile.paths).inode
    assert found is not None and found.entries is not None
    return [name.decode() for name in found.entries]


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a18_a_loader_that_is_on_no_list_travels_with_the_image(source: int, target: int) -> None:
    """So it need not be there, and it is it that misses the C library."""
    made = world()
    files(made, target).unlink(LOADER)
    assert made.bproc_execmove(target, "/usr/bin/linked", from_node=source).text == f"ran on {target}\n"
    files(made, target).unlink("/lib64/libc.so.6")
    files(made, target).unlink("/lib/libc.so.6")  # the 32-bit one, of which the loader would complain
    out = made.bproc_execmove(target, "/usr/bin/linked", from_node=source)
    assert (out.exit_status, b"libc.so.6: cannot open" in out.stdout, out.late_errno) == (127, True, None)


def listing(edition: str = "scyld", *paths: str) -> Any:
    """Give an edition with a library list."""
    return attrs.evolve(bp.editions[edition], library_list=paths or (LOADER,))


@pytest.mark.parametrize("edition", ["scyld", "bproc4"])
@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a17_a_loader_on_the_list_is_sent_by_name_and_must_be_there(source: int, target: int, edition: str) -> None:
    made = world(edition=listing(edition))
    assert made.bproc_execmove(target, "/usr/bin/linked", from_node=source).exit_status == 0
    files(made, target).unlink(LOADER)
    out = made.bproc_execmove(target, "/usr/bin/linked", from_node=source)
    assert (out.cause, out.exit_status, out.late_errno, out.node) == ("loader_absent", 2, bp.Errno.ENOENT, source)
    assert (out.stdout, out.stderr) == (b"", b"")
    assert made.bproc_execmove(target, "/usr/bin/static", from_node=source).exit_status == 0
    assert_clean(made)


def test_a_library_list_says_nothing_of_libraries_that_an_execmove_has_not_loaded_yet() -> None:
    made = world(edition=listing("scyld", "/lib64/libc.so.6", LOADER))
    assert made.bproc_execmove(2, "/usr/bin/linked").exit_status == 0


def image_bytes(made: bp.Cluster, cmd: str) -> int:
    """Tell how many bytes of an image go over the wire."""
    seen = len(made.trace.records)
    assert made.bproc_execmove(2, cmd).exit_status == 0
    return sum(
        record.size_bytes
        for record in made.trace.records[seen:]
        if record.kind == "message" and record.message == "image"
    )


def test_what_travels_is_the_image_and_its_loader_never_the_libraries() -> None:
    made, by_name = world(), world(edition=listing())
    loader = len(made.master.fs.read_file(LOADER))
    sent, named = image_bytes(made, "/usr/bin/linked"), image_bytes(by_name, "/usr/bin/linked")
    assert sent - named == -(-loader // 4096) * (4096 + 8)
    for machine in (made, by_name):
        machine.master.fs.write_file(
            "/lib64/libc.so.6", machine.master.fs.read_file("/lib64/libc.so.6") + bytes(100 * KiB)
        )
    assert (image_bytes(made, "/usr/bin/linked"), image_bytes(by_name, "/usr/bin/linked")) == (sent, named)


def test_pages_of_zeros_do_not_travel() -> None:
    plain = bp.ElfImage(machine=62, bits=64, byteorder="little").to_bytes()
    made = cluster()
    made.install("/usr/bin/full", None, image=plain + b"\1" * (100 * 4096))
    made.install("/usr/bin/empty", None, image=plain + bytes(100 * 4096))
    difference = image_bytes(made, "/usr/bin/full") - image_bytes(made, "/usr/bin/empty")
    assert 99 * 4104 <= difference <= 101 * 4104


# ---- scripts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_the_body_of_a_script_travels_and_its_interpreter_runs_on_the_target(source: int, target: int) -> None:
    made = world()
    files(made, source).write_file("/tmp/script", b"#!/bin/sh\necho one\necho two\nexit 6\n", mode=0o755)
    files(made, target).unlink("/bin/sh")
    out = made.bproc_execmove(target, "/tmp/script", from_node=source)
    assert (out.text, out.exit_status, out.node) == ("one\ntwo\n", 6, target)
    assert_clean(made)


def test_what_a_script_starts_is_the_targets() -> None:
    def where(proc: bp.Proc) -> Steps:
        yield from proc.print("node", proc.node, *proc.argv[1:])

    made = cluster()
    made.install("/usr/bin/where", where, on=2)
    made.master.fs.write_file("/tmp/script", b"#!/bin/sh\n/usr/bin/where a b\nnowhere\n", mode=0o755)
    made.nodes[2].fs.write_file("/tmp/script", b"#!/bin/sh\necho the wrong one\n", mode=0o755)
    out = made.bproc_execmove(2, "/tmp/script")
    assert out.text.startswith("node 2 a b\n")
    assert "not found" in out.text
    assert out.exit_status == 127


def test_a_script_whose_interpreter_the_callers_node_lacks_is_refused_there() -> None:
    made = cluster()
    made.master.fs.write_file("/tmp/script", b"#!/usr/bin/perl\n", mode=0o755)
    made.install("/usr/bin/perl", static, on=2)
    out = made.bproc_execmove(2, "/tmp/script")
    assert (out.errno, out.cause) == (bp.Errno.ENOENT, "interpreter_cmd_absent")


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_in_bproc4_a_script_without_a_list_is_misread(source: int, target: int) -> None:
    """The body is sent although no entries were announced; lanl32 announces it. Source: bproc-4.0.0pre8-move."""
    text = b"#!/bin/sh\necho one\nexit 6\n"
    for edition, told in (("lanl32", ("one\n", 6, None)), ("bproc4", ("", 22, "script_misread"))):
        made = world(edition=edition)
        files(made, source).write_file("/tmp/script", text, mode=0o755)
        out = made.bproc_execmove(target, "/tmp/script", from_node=source)
        assert (out.text, out.exit_status, out.cause) == told
        assert_clean(made)
        null = [bp.BprocIo(fd=fd, type=bp.BPROC_IO_FILE, file_name="/dev/null", file_flags=2) for fd in (0, 1, 2)]
        out = made.bproc_execmove_io(target, null, "/tmp/script", from_node=source)
        assert (out.exit_status, out.cause) == (6, None)
        assert made.bproc_rexec(target, "/bin/sh", ["sh", "-c", "exit 4"], from_node=source).exit_status == 4
        assert_clean(made)


def test_in_bproc4_each_slot_tells_of_a_script_that_is_misread() -> None:
    """Those of down nodes tell that; a child that stays on the caller's node is a fork, and reads nothing."""
    made = cluster(3, edition="bproc4")
    made.nodes[1].set_state("down")
    made.master.fs.write_file("/tmp/script", b"#!/bin/sh\nexit 6\n", mode=0o755)
    out = made.bproc_vexecmove([0, 1, 2], "/tmp/script")
    assert out.pids == (-22, -301, -22)
    assert out.causes == ("script_misread", "node_down", "script_misread")
    assert made.bproc_vexecmove_io([2, 0], [], "/tmp/script").causes == (None, None)
    assert_clean(made)


def test_in_bproc4_who_interprets_a_script_may_move_as_anybody() -> None:
    """Its body travels with an exec alone."""

    def moves(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(2)
        return proc.node

    made = cluster(edition="bproc4")
    made.install("/usr/bin/moves", moves)
    made.master.fs.write_file("/tmp/script", b"#!/usr/bin/moves\n", mode=0o755)
    assert made.run(["/tmp/script"]).returncode == 2
    assert_clean(made)


def test_in_bproc4_bpsh_runs_scripts_for_it_gives_a_list() -> None:
    made = cluster(edition="bproc4")
    made.master.fs.write_file("/usr/bin/script", b"#!/bin/sh\necho here\n", mode=0o755)
    done = made.run(["bpsh", "1,2", "script"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "here\nhere\n", "")
