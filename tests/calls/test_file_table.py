"""A full table of open files: whom a kernel lets pass, and for whom it keeps a few, in every call that opens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import bprocsim as bp

ALICE = bp.Credentials(500, 500)
KERNELS = ("documented", "linux-2.4", "linux-2.6", "linux-6")
CALLS: dict[str, Callable[[bp.Session], Any]] = {
    "open": lambda session: session.open("/etc/hosts", bp.O_RDONLY),
    "pipe": lambda session: session.pipe(),
    "socket": lambda session: session.socket(),
    "scandir": lambda session: session.scandir("/"),
}


def errno_of(kernel: str, call: str, user: Any, files: int) -> bp.Errno | None:
    """Make the call where so many files more may be open."""
    cluster = bp.Cluster(nodes=1, kernel=kernel)
    cluster.master.fs.write_file("/etc/hosts", b"")
    session = cluster.session(user=user)
    cluster.inject(bp.OpenFileLimit(bp.BPROC_NODE_MASTER, files + cluster.home.files.used))
    try:
        CALLS[call](session)
    except bp.CallError as error:
        return error.error
    return None


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("kernel", KERNELS)
def test_who_may_open_one_more(kernel: str, call: str) -> None:
    least = 2 if call == "pipe" else 1
    reserve = 10 if kernel == "linux-2.4" else 0
    assert errno_of(kernel, call, ALICE, least + reserve) is None
    assert errno_of(kernel, call, ALICE, least + reserve - 1) is bp.Errno.ENFILE
    assert errno_of(kernel, call, None, least) is None
    passes = kernel in ("linux-2.6", "linux-6")
    assert errno_of(kernel, call, None, least - 1) is (None if passes else bp.Errno.ENFILE)


@pytest.mark.parametrize("kernel", ["linux-2.6", "linux-6"])
def test_the_loader_opens_libraries_for_whom_the_kernel_lets_pass(kernel: str) -> None:
    cluster = bp.Cluster(nodes=1, kernel=kernel, faults=[bp.OpenFileLimit(bp.BPROC_NODE_MASTER, 0)])
    cluster.master.fs.write_file("/bin/dynamic", bp.ElfImage(needed=("libc.so.6",)).to_bytes(), mode=0o755)
    assert cluster.execve("/bin/dynamic").exit_status == 0
    assert cluster.execve("/bin/dynamic", user=ALICE).errno is bp.Errno.ENFILE
