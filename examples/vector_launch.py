"""One call, many nodes: who hands the image to whom, and what each slot tells."""

from collections.abc import Generator
from typing import Any

import bprocsim as bp
from bprocsim.units import MiB

WORK = "/usr/bin/work"


def work(proc: bp.BprocProc) -> Generator[object, Any, int]:
    """Compute a little, and end with its rank as status."""
    yield from proc.compute(1_000_000)
    return int(proc.env["BPROC_RANK"])


def launcher(proc: bp.BprocProc) -> object:
    """Start the work on seven nodes by one call, and wait for whoever was placed."""
    nodes, pids = [0, 1, 2, 3, 4, 5, 6], list[int]()
    count = yield from proc.bproc_vexecmove(len(nodes), nodes, pids, WORK, ["work"], {"BPROC_RANK": "XXXXXXX"})
    yield from proc.print(f"bproc_vexecmove returns {count}")
    for node, pid in zip(nodes, pids, strict=True):
        if pid < 0:
            reason = yield from proc.bproc_strerror(pid)
            yield from proc.print(f"  node {node}: {pid}, {reason}")
        else:
            ended = yield from proc.waitpid(pid)
            yield from proc.print(f"  node {node}: pid {pid}, exit status {ended.exit_status}")


def main() -> None:
    """Launch on seven nodes of which one is down, show the copies, and launch on more and more."""
    cluster = bp.Cluster(nodes=7, edition="lanl32", trace="all", faults=[bp.PowerOff(node=5)])
    cluster.install(WORK, work)
    cluster.install("/usr/bin/launcher", launcher)
    print(cluster.execve("/usr/bin/launcher").text)

    print("who sent the image to whom, in ms:")
    for record in cluster.trace.of_kind("message"):
        if record.message == "image":
            print(f"  {record.at_ns / 1e6:>7.3f}  {record.node} to {record.to}")
    print("node 5 is down, so node 2, which was to send to it, is not asked again")
    print()

    image = bp.ElfImage().to_bytes().ljust(4 * MiB, b"\1")
    print("an image of 4 MiB on all nodes of a larger cluster:")
    for nodes in (1, 2, 4, 8, 16, 32, 64, 128):
        larger = bp.Cluster(nodes=nodes, edition="lanl32")
        larger.install("/usr/bin/large", None, image=image)
        out = larger.bproc_vexecmove(range(nodes), "/usr/bin/large")
        print(f"  {nodes:>3} nodes: {out.elapsed_ns / 1e9:.3f} s")


if __name__ == "__main__":
    main()
