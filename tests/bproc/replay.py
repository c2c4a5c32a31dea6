"""A world in which much happens: faults, output both ways, three nodes. Run by itself, it prints its digest."""

from __future__ import annotations

import sys
from typing import Any

import bprocsim as bp
from bprocsim.units import KiB, ms, s
from tests.bproc.worlds import HELLO, MASTER, Steps, cluster


def busy(proc: bp.Proc) -> Steps:
    """Compute, fork, write, and be killed by a signal in the end."""

    def child(inner: bp.Proc) -> Steps:
        yield from inner.compute(3 * ms)
        yield from inner.write(2, b"child of %d\n" % inner.ppid)

    for _ in range(3):
        yield from proc.fork(child)
    yield from proc.write(1, bytes(range(256)) * (KiB // 2))
    for _ in range(3):
        yield from proc.wait()
    yield from proc.kill(proc.pid, bp.SIGUSR1)


def launcher(proc: bp.Proc) -> Steps:
    """Send one to each node at once."""

    def goes(inner: bp.BprocProc, node: int) -> Steps:
        yield from inner.bproc_execmove(node, "/usr/bin/busy", ["busy"], {"NODE": str(node)})

    for node in (0, 1, 2):
        yield from proc.fork(goes, node)
    for _ in range(3):
        waited = yield from proc.wait()
        yield from proc.print(waited)


def world(seed: int, **options: Any) -> bp.Cluster:
    """Build the world and let everything happen in it."""
    made = cluster(
        3,
        seed=seed,
        faults=[
            bp.Loss(MASTER, 1, 0.2),
            bp.Loss(0, 2, 0.3, at_ns=2 * ms, until_ns=20 * s),
            bp.SlowLink(MASTER, 2, 3, at_ns=1 * ms, until_ns=50 * ms),
            bp.LinkCut(MASTER, 0, at_ns=10 * ms, until_ns=3 * s),
            bp.PowerOff(2, at_ns=80 * ms),
            bp.LibraryMissing(1, "libc.so.6"),
        ],
        **options,
    )
    made.install("/usr/bin/busy", busy, on="master,all")
    made.install("/usr/bin/linked", bp.program(needs=("libc.so.6",))(busy), on="master,all")
    made.install("/usr/bin/launcher", launcher)
    made.execve("/usr/bin/launcher")
    made.bproc_execmove_io(1, 4000, HELLO, input=b"x" * 100_000)
    made.bproc_execmove(1, "/usr/bin/linked")
    made.bproc_execmove(0, "/no/such")
    made.sim.run()
    return made


if __name__ == "__main__":
    print(world(int(sys.argv[1])).trace.digest())
