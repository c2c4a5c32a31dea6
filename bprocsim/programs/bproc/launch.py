"""How bpsh starts processes without vectors: each by a fork and an execmove, which connects back for its streams."""

from __future__ import annotations

from contextlib import suppress

from attrs import define, setters

from bprocsim.bproc.nodes import NODE_MASTER
from bprocsim.faces.bproc import BprocProc
from bprocsim.faces.errors import CallError
from bprocsim.posix.network import Address
from bprocsim.posix.openfile import O_RDWR
from bprocsim.programs.bproc.command import Steps
from bprocsim.programs.bproc.forward import STREAMS, Forwarder, Job

_BACKLOG = 1024
_ANYWHERE = Address("", 0)


@define(on_setattr=setters.NO_OP, eq=False)
class Command:
    """What is to run: `path` the image, `argv` its words, `env` its environment.

    `forwards` its streams come to bpsh, else they lead nowhere; `files` what they lead to in their place
    on the node, by descriptor.
    """

    path: str
    argv: list[str]
    env: dict[str, str]
    forwards: bool
    files: dict[int, str]


@define(on_setattr=setters.NO_OP, eq=False)
class _Listener:
    """A port for jobs of which no two are on one node, so that a connection's other end tells whose it is."""

    fd: int
    port: int
    jobs: dict[int, Job]


def launch_by_forks(proc: BprocProc, forwarder: Forwarder, command: Command) -> Steps:
    """Start every job; gives 1 if one could not be started, else 0."""
    listeners = (yield from _listeners(proc, forwarder)) if command.forwards else [_Listener(-1, 0, {})]
    for each in listeners if command.forwards else ():
        yield from proc.thread_create(_accept, forwarder, each)
    status, fds = 0, [each.fd for each in listeners if each.fd >= 0]
    for job in forwarder.jobs:
        port = next((each.port for each in listeners if each.jobs.get(job.node) is job), 0)
        try:
            job.pid = yield from proc.fork(_become, job.node, port, command, fds)
        except CallError as error:
            yield from proc.print(f"bpsh: fork: {error.error.message}", fd=2)
            job.ended, status = True, 1
    return status


def listening(proc: BprocProc) -> Steps:
    """Listen on a free port; gives the descriptor and the port."""
    fd = yield from proc.socket()
    yield from proc.bind(fd, _ANYWHERE)
    yield from proc.listen(fd, _BACKLOG)
    return fd, (yield from proc.getsockname(fd)).port


def accepted(proc: BprocProc, listener: int) -> Steps:
    """Take a connection; gives its descriptor and where it comes from. If there is no descriptor left, bpsh is over."""
    try:
        return (yield from proc.accept(listener))
    except CallError as error:
        yield from proc.print(f"bpsh: accept: {error.error.message}", fd=2)
        yield from proc.exit(1)


def too_many(proc: BprocProc, job: Job, fd: int) -> Steps:
    """Say that a process has connected once more than it has streams, and drop that connection."""
    yield from proc.print(f"too many connections from pid {job.pid} (rfd={fd})", fd=2)
    yield from proc.close(fd)


def _listeners(proc: BprocProc, forwarder: Forwarder) -> Steps:
    """Listen once for all nodes, and once more for those that are named again."""
    found: list[_Listener] = []
    for job in forwarder.jobs:
        free = next((each for each in found if job.node not in each.jobs), None)
        if free is None:
            fd, port = yield from listening(proc)
            free = _Listener(fd, port, {})
            found.append(free)
        free.jobs[job.node] = job
    return found


def _accept(proc: BprocProc, forwarder: Forwarder, listener: _Listener) -> Steps:
    """Take the connections of a listener's jobs, in the order in which each makes them."""
    while not all(len(job.connected) == len(STREAMS) for job in listener.jobs.values()):
        fd, peer = yield from accepted(proc, listener.fd)
        job = listener.jobs.get((yield from proc.bproc_nodenumber(peer)))
        if job is None:
            yield from proc.close(fd)
        elif len(job.connected) == len(STREAMS):
            yield from too_many(proc, job, fd)
        else:
            yield from forwarder.connect(proc, job, STREAMS[len(job.connected)], fd)


def _become(proc: BprocProc, node: int, port: int, command: Command, fds: list[int]) -> Steps:
    """Become the command on a node; gives 1 if that is refused."""
    try:
        if node == proc.node == NODE_MASTER:
            yield from _stay(proc, port, fds)
            yield from proc.execve(command.path, command.argv, command.env)
        if not port:
            with suppress(CallError):
                yield from proc.close(1)  # nothing is to come back
        yield from proc.bproc_execmove_io(node, port, command.path, command.argv, command.env)
    except CallError as error:
        yield from proc.print(f"{error.call}: {error.error.message}", fd=2)
        return 1


def _stay(proc: BprocProc, port: int, fds: list[int]) -> Steps:
    """Give the process on the master the streams that it would have elsewhere."""
    for fd in fds:
        yield from proc.close(fd)
    for stream in STREAMS:
        if port:
            fd = yield from proc.socket()
            yield from proc.connect(fd, Address("", port))
        else:
            fd = yield from proc.open("/dev/null", O_RDWR)
        yield from proc.dup2(fd, stream)
        if fd > max(STREAMS):
            yield from proc.close(fd)
