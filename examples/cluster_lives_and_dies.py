"""A node dies and comes back, then the master's daemon ends: who hears of it, and when."""

import bprocsim as bp
from bprocsim.units import ms, s


def worker(proc: bp.BprocProc) -> object:
    """Work on a node for two minutes."""
    yield from proc.sleep(120 * s)


def launcher(proc: bp.BprocProc) -> object:
    """Start a worker on each node, and tell of each that ends."""

    def goes(child: bp.BprocProc, node: int) -> object:
        yield from child.bproc_execmove(node, "/usr/bin/worker", ["worker"], {})

    where = {}
    for node in range(3):
        where[(yield from proc.fork(goes, node))] = node
    while where:
        ended = yield from proc.wait()
        node = where.pop(ended.pid)
        how = f"signal {ended.signal}" if ended.signal else f"status {ended.exit_status}"
        say(f"launcher: the worker on node {node} (pid {ended.pid}) ended with {how}")


def say(what: str) -> None:
    """Print a line with the time of the simulated clock."""
    print(f"{cluster.sim.now_ns / 1e9:10.4f} s  {what}")


def look() -> None:
    """Print what the administrator sees: the nodes, and the processes that have a ghost on the master."""
    say("nodes: " + ", ".join(f"{node.number} {node.state}" for node in cluster.nodes))
    listed = cluster.run(["bpstat", "-p"], capture_output=True, text=True).stdout
    print("".join(f"{'':12}  | {line}\n" for line in listed.expandtabs().splitlines()), end="")


def main() -> None:
    """Let a node lose power at 10 s, switch it on at 60 s, and end the master's daemon at 90 s."""
    cluster.install("/usr/bin/worker", worker)
    cluster.install("/usr/bin/launcher", launcher)
    for fault in (bp.PowerOff(1, at_ns=10 * s), bp.PowerOn(1, at_ns=60 * s), bp.MasterDaemonExit(at_ns=90 * s)):
        cluster.inject(fault)
    cluster.popen("/usr/bin/launcher")

    cluster.sim.run(until_ns=20 * ms)
    look()

    # Nobody is told when a node loses power. The master looks every 15 seconds, and gives a node up
    # that has not answered for 30 to 45; what ran there counts as killed from then on.
    cluster.sim.run(until_ns=20 * s)
    look()
    cluster.sim.run(until_ns=59 * s)
    look()

    # A node that is switched on connects, boots while its script runs, and is up.
    for until_ns in (64 * s, 70 * s):
        cluster.sim.run(until_ns=until_ns)
        look()

    # With the daemon every ghost dies, and the slaves kill what belongs to the space.
    cluster.sim.run()
    done = cluster.run(["bpsh", "0", "hostname"], capture_output=True, text=True)
    say(f"bpsh 0 hostname: {done.stderr.strip()} (status {done.returncode})")


cluster = bp.Cluster(nodes=3)

if __name__ == "__main__":
    main()
