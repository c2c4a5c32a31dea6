"""Lists of bp.BprocIo: what the descriptors of a process are on the node that it comes to."""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp
from tests.bproc.worlds import Steps, assert_clean, cluster, steps

EDITIONS = ["lanl32", "bproc4"]
FILE, SOCKET, MEMFILE = bp.BPROC_IO_FILE, bp.BPROC_IO_SOCKET, bp.BPROC_IO_MEMFILE
INFO, DELAY = bp.BPROC_IO_SEND_INFO, bp.BPROC_IO_DELAY
CREATE = bp.O_WRONLY | bp.O_CREAT | bp.O_TRUNC
SHOUT = "/usr/bin/shout"


def shout(proc: bp.Proc) -> Steps:
    """Write stdin in capitals, a word on stderr, and end with the number of descriptors."""
    if 0 in proc.thread.process.descriptors:
        yield from proc.write(1, (yield from proc.read(0)).upper())
    if 2 in proc.thread.process.descriptors:
        yield from proc.write(2, b"done\n")
    yield from proc.sleep(1)
    return len(proc.thread.process.descriptors)


def world(edition: str = "bproc4", **options: Any) -> bp.Cluster:
    """Build a cluster whose nodes have the program."""
    made = cluster(edition=edition, **options)
    made.install(SHOUT, shout, on="master,all")
    return made


def sockets(port: int, flags: int = 0, host: str = "") -> list[bp.BprocIo]:
    """Ask for connections to a port, for descriptors 0, 1 and 2."""
    return [bp.BprocIo(fd, SOCKET, flags, bp.Address(host, port)) for fd in (0, 1, 2)]


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("flags", [0, INFO, DELAY, INFO | DELAY])
@pytest.mark.parametrize("host", ["", "0.0.0.0", "10.54.0.1"])
def test_sockets_are_connected_and_the_harness_takes_them(edition: str, flags: int, host: str) -> None:
    made = world(edition)
    out = made.bproc_execmove_io(2, sockets(4000, flags, host), SHOUT, input=b"ping")
    assert (out.stdout, out.stderr, out.exit_status, out.node) == (b"PING", b"done\n", 3, 2)
    assert steps(made) == [step.name for step in bp.Step]
    assert_clean(made)


def test_files_are_opened_on_the_target_with_the_rights_of_the_caller() -> None:
    made = world()
    made.nodes[2].fs.mkdir("/work", 0o777)
    made.nodes[2].fs.write_file("/work/in", b"text", mode=0o644)
    entries = [
        bp.BprocIo(0, FILE, file_name="/work/in"),
        bp.BprocIo(1, FILE, file_name="/work/out", file_flags=CREATE, file_mode=0o666),
        bp.BprocIo(2, FILE, file_name="/dev/null", file_flags=bp.O_RDWR),
        bp.BprocIo(7, FILE, file_name="/work/in"),
    ]
    alice = made.user("alice", 500, 500)
    out = made.bproc_execmove_io(2, entries, SHOUT, user=alice)
    assert (out.exit_status, out.text) == (4, "")
    assert made.nodes[2].fs.read_file("/work/out") == b"TEXT"
    status = made.nodes[2].machine.tree if hasattr(made.nodes[2], "machine") else None
    del status
    made.nodes[2].fs.chmod("/work/in", 0o600)
    refused = made.bproc_execmove_io(2, entries, SHOUT, user=alice)
    assert (refused.late_errno, refused.cause, refused.exit_status) == (bp.Errno.EACCES, "io_access_denied", 13)
    assert_clean(made)
