"""Six lines: a program leaves the master and says hello from a slave."""

import bprocsim as bp


def hello(proc: bp.Proc) -> object:  # a program: its calls are made with `yield from`
    yield from proc.print("hello from node", proc.node)


cluster = bp.Cluster(nodes=4)  # a master, and slaves 0 to 3
cluster.install("/usr/bin/hello", hello)  # an image file on the master; no slave has it
print(cluster.bproc_execmove(2, "/usr/bin/hello").text, end="")  # what came out of the caller's stdout
