"""Two errors on one dead node: one call returns -1, the other never returns."""

import bprocsim as bp


def hello(proc: bp.Proc) -> object:
    """Say where it runs; on a node that is switched off nobody will ever hear it."""
    yield from proc.print("hello from node", proc.node)


def tell(cluster: bp.Cluster, path: str) -> None:
    """Make the call, and say what came of it and why."""
    out = cluster.bproc_execmove(3, path)
    print(f'bproc_execmove(3, "{path}")')
    if out.errno:
        # The usual way of a call that fails: -1, errno, and the caller goes on.
        print(f"    returned {out.value}, errno {out.errno.name} ({out.errno.message})")
    elif out.late_errno:
        # The exec had succeeded: the caller was gone, and nobody was left to return to.
        print(
            f"    did not return; the process exited with status {out.exit_status}, the number of {out.late_errno.name}"
        )
    print(f"    after {out.elapsed_ns / 1e6:.3f} ms, because of {out.cause}")
    print()


def main() -> None:
    """Call twice with node 3 switched off: with a file that is missing, and with a good one."""
    cluster = bp.Cluster(nodes=4, faults=[bp.PowerOff(node=3)])
    cluster.install("/usr/bin/hello", hello)

    # The image is loaded on the calling node, before anybody asks where it is to go. So the missing
    # file is what is wrong first, on a dead node as well as on any other.
    tell(cluster, "/usr/bin/hallo")

    # Here the image can be loaded, and from then on the caller has become hello. Only now the
    # master looks at the node.
    tell(cluster, "/usr/bin/hello")

    # A launcher that looks at the return value alone takes the second case for a program that ran
    # and exited with 22. This is what a program that does exit with 22 looks like on a good node:
    cluster.install("/usr/bin/exit22", lambda proc: 22)
    out = cluster.bproc_execmove(2, "/usr/bin/exit22")
    print("A program that itself exits with 22, on node 2:")
    print(f"    exit status {out.exit_status}, late_errno {out.late_errno}: only the simulator can tell them apart")


if __name__ == "__main__":
    main()
