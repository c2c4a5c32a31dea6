"""Where the output goes: port 0, three connections, and a port where nobody listens."""

import bprocsim as bp

PORT = 4000


def talk(proc: bp.Proc) -> object:
    """Write to stdout and stderr, then say what stdin gives."""
    yield from proc.print("the result is 42")
    yield from proc.print("the room is hot", fd=2)
    data = yield from proc.read(0)
    yield from proc.print(f"stdin gave {data.decode()!r}")


def show(title: str, out: bp.Outcome) -> None:
    """Say what came out where, and how it ended."""
    print(title)
    for name, data in (("stdout", out.stdout), ("stderr", out.stderr)):
        for line in data.decode().splitlines() or ["(nothing)"]:
            print(f"    {name}  {line}")
    why = f" ({out.late_errno.name}: {out.cause})" if out.late_errno else ""
    print(f"    exit    {out.exit_status}{why}")
    print()


def main() -> None:
    """Move the same program to node 1 in three ways."""
    cluster = bp.Cluster(nodes=2)
    cluster.install("/usr/bin/talk", talk)

    # Port 0: stdout and stderr share the socket by which the process came, and come out, in the
    # order of writing, on the caller's stdout. There is no way back in: stdin is at its end.
    out = cluster.bproc_execmove_io(1, 0, "/usr/bin/talk", input=b"good morning")
    show("port 0", out)

    # Any other port: the slave connects back three times, for stdout, stderr and stdin. For a direct
    # call the harness listens on the caller's node, takes the three, and feeds the third.
    out = cluster.bproc_execmove_io(1, PORT, "/usr/bin/talk", input=b"good morning")
    show(f"port {PORT}, three connections", out)

    # Nobody listens. That is found out on the slave, when the exec has long succeeded: a status.
    out = cluster.bproc_execmove_io(1, PORT, "/usr/bin/talk", listen=False)
    show(f"port {PORT}, nobody listens", out)

    # A program that wants the three connections for itself does what the harness did: it listens,
    # lets a child make the call, and accepts three times.
    cluster.install("/usr/bin/launcher", launcher)
    show("a launcher of our own, on the master", cluster.execve("/usr/bin/launcher"))


def launcher(proc: bp.Proc) -> object:
    """Launch talk on node 1, and say what each of the three connections brings."""
    listener = yield from proc.socket()
    yield from proc.bind(listener, bp.Address("", PORT))
    yield from proc.listen(listener, 3)
    yield from proc.fork(child, listener)
    connections = []
    for name in ("stdout", "stderr", "stdin"):  # always in this order
        fd, _ = yield from proc.accept(listener)
        connections.append((name, fd))
    stdin = connections.pop()[1]
    yield from proc.write(stdin, b"from the launcher")
    yield from proc.close(stdin)
    for name, fd in connections:
        text = b""
        while piece := (yield from proc.read(fd)):  # b"" is the end of file
            text += piece
        for line in text.decode().splitlines():
            yield from proc.print(f"from {name}: {line}")
    waited = yield from proc.wait()
    yield from proc.exit(waited.exit_status)


def child(proc: bp.BprocProc, listener: int) -> object:
    """Become talk on node 1; only a failure comes back."""
    yield from proc.close(listener)
    yield from proc.bproc_execmove_io(1, PORT, "/usr/bin/talk", ["talk"], {})


if __name__ == "__main__":
    main()
