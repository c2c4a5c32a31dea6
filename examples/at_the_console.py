"""What one types on a master: bpstat, bpsh, bpctl, bpcp and ps, while a node is lost."""

import shlex
from typing import Any

import bprocsim as bp
from bprocsim.units import s


class Console:
    """A terminal on the master: what is typed there, and what comes back."""

    def __init__(self, cluster: bp.Cluster) -> None:
        self.cluster = cluster

    def type(self, line: str, *, user: bp.User | None = None, input: str = "") -> None:
        """Type a command line, show all that it writes, and its exit status if that is not 0."""
        print(f"{user.name if user else 'root'}$ {line}")
        done = self.cluster.run(shlex.split(line), user=user, input=input, text=True)
        print(done.stdout + done.stderr, end="")
        if done.returncode:
            print(f"(exit status {done.returncode})")

    def say(self, text: str) -> None:
        """Say what happens beside."""
        print(f"\n# {self.cluster.sim.now_ns / 1e9:.1f} s: {text}")


def count_words(proc: bp.Proc) -> Any:
    """Count the words of stdin: a program of somebody's own."""
    text = b""
    while piece := (yield from proc.read(0)):
        text += piece
    yield from proc.print(len(text.split()))


def main() -> None:
    """Look at the cluster, run things, give nodes away, copy, lose a node, clear up."""
    cluster = bp.Cluster(nodes=6, faults=[bp.PowerOff(node=5), bp.PowerOff(node=1, at_ns=12 * s)])
    cluster.install("/usr/bin/words", count_words)
    alice = cluster.user("alice", uid=500, gid=500)
    console = Console(cluster)

    console.say("six nodes, one of them without power")
    console.type("bpstat")
    console.type("bpsh -a hostname")
    console.type("bpsh -p 0-2 words", input="the same three\nfor all of them\n")
    console.type("bpsh -a words")

    console.say("two nodes for alice alone; a program is copied to one, so that a script there finds it")
    console.type("bpctl -S 3-4 -u alice -m 100")
    console.type("bpstat 3-")
    console.type("bpsh 3 sh -c 'echo here; hostname'", user=alice)
    console.type("bpcp /bin/hostname 3:/bin")
    console.type("bpsh 3 sh -c 'echo here; hostname'", user=alice)

    console.say("a job on three nodes; each of its processes has a ghost on the master")
    job = cluster.popen(["bpsh", "0-2", "sleep", "3600"])
    cluster.sleep(8)
    console.type("ps ax")
    console.type("bpstat -p")

    console.say("node 1 loses power at 12 s, and nobody is told: pings find it out")
    console.type("sleep 60")
    console.type("bpstat")
    console.type("ps ax")

    console.say("the other two are stopped by hand")
    console.type(f"kill {job.pid + 1} {job.pid + 3}")
    print(f"the job ends with {job.wait()}, and has said:")
    print(job.communicate()[1].decode(), end="")


if __name__ == "__main__":
    main()
