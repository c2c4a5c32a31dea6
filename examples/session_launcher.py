"""A small launcher in ordinary Python: it starts jobs on nodes, collects what they write, and waits."""

from typing import Any

import bprocsim as bp
from bprocsim.units import ms

PORT = 4000

# What to run where. Node 3 has no power, and one name is misspelt.
JOBS = [(0, "/usr/bin/sum"), (1, "/usr/bin/sum"), (2, "/usr/bin/smu"), (3, "/usr/bin/sum"), (4, "/usr/bin/sum")]


def sum_up(proc: bp.Proc) -> Any:
    """Add up the numbers on stdin: the program that is launched, and the only generator of this file."""
    text = yield from proc.read(0)
    numbers = [int(word) for word in text.split()]
    yield from proc.compute(len(numbers) * ms)
    if len(numbers) > 5:
        yield from proc.print("that was a lot", fd=2)
    yield from proc.print(sum(numbers))
    return len(numbers)


class Job:
    """A program that is started on a node: its pid, and the three connections to it."""

    def __init__(self, s: bp.BprocSession, node: int, path: str) -> None:
        # A child is made that calls _bproc_execmove_io. If that is refused (no such file, no right
        # to execute it) spawn raises what the call met, as os.posix_spawn would, and there is no child.
        self.pid = s.spawn(path, [path.rpartition("/")[2]], {}, node=node, port=PORT)

    def connect(self, s: bp.BprocSession, listener: int) -> bool:
        """Take the three connections that the remote process makes, always in this order."""
        # A node that is down is found out only after the exec: then the child exits, and nobody
        # connects. So do not wait for ever; these are milliseconds of the simulated clock.
        s.timeout_ns = 100 * ms
        try:
            self.stdout, self.stderr, self.stdin = [s.accept(listener)[0] for _ in range(3)]
        except bp.Timeout:
            return False
        finally:
            s.timeout_ns = None
        return True


def read_all(s: bp.BprocSession, fd: int) -> str:
    """Read until the other side has closed."""
    text = b""
    while piece := s.read(fd):
        text += piece
    s.close(fd)
    return text.decode().strip()


def launch(s: bp.BprocSession) -> None:
    """Start all jobs, then collect what they write, then say how they ended."""
    listener = s.socket()
    s.bind(listener, bp.Address("", PORT))
    s.listen(listener, 3)

    running: dict[int, Job] = {}
    for node, path in JOBS:
        try:
            job = Job(s, node, path)
        except bp.CallError as error:
            print(f"node {node}: not started: {error.error.name} ({error.cause})")
            continue
        if not job.connect(s, listener):
            print(f"node {node}: nobody connected; the child's status is {s.waitpid(job.pid).exit_status}")
            continue
        running[node] = job
        numbers = " ".join(str(number) for number in range(1, node + 4))
        s.write(job.stdin, numbers.encode())
        s.close(job.stdin)

    print()
    print(f"{'node':>4}  {'pid':>4}  {'output':<8}{'errors':<16}{'status':>6}")
    for node, job in running.items():
        out, err = read_all(s, job.stdout), read_all(s, job.stderr)
        print(f"{node:>4}  {job.pid}  {out:<8}{err:<16}{s.waitpid(job.pid).exit_status:>6}")


def main() -> None:
    """Build a cluster, and open a session on its master."""
    cluster = bp.Cluster(nodes=5, faults=[bp.PowerOff(node=3)])
    cluster.install("/usr/bin/sum", sum_up)
    alice = cluster.user("alice", uid=500, gid=500)
    for node in cluster.nodes:
        node.chmod(0o111)  # everybody may move there

    # A session is a process, here alice's. Each of its methods is a system call: simulated time
    # passes until it returns, and none passes in between. When the block ends, the process exits.
    with cluster.session(user=alice) as s:
        launch(s)
    print()
    print(f"all of it took {cluster.sim.now_ns / 1e6:.3f} ms of simulated time")


if __name__ == "__main__":
    main()
