"""How bpsh passes on what its processes write, and hands each of them what it reads itself.

A thread stands where the real one looks at many descriptors by turns: one for each stream.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from attrs import define, field, frozen, setters

from bprocsim.faces.bproc import BprocProc
from bprocsim.faces.errors import CallError
from bprocsim.posix.procs import Disposition
from bprocsim.programs.bproc.command import Steps
from bprocsim.signals import Signal

# The descriptors of a process in the order in which it connects. Source: scyld-bproc_execmove.
STREAMS = (1, 2, 0)

_DASHES = "-" * 69


@frozen
class Shape:
    """How output is shown: `prefix` each line with its node, `by_lines` whole lines alone.

    `in_order` one node after the other; `divider` a line before each; `buffer_bytes` what is read at once.
    """

    prefix: bool = False
    by_lines: bool = False
    in_order: bool = False
    divider: bool = False
    buffer_bytes: int = 4096


@define(on_setattr=setters.NO_OP, eq=False)
class Job:
    """A process that bpsh started on `node`: its `pid`, 0 if there is none, and whether it has `ended`.

    `connected` its streams for which a connection came; `stdin` the descriptor that it reads from at the
    other end; `copiers` the threads that pass on what it writes; `kept` what it wrote and is not shown yet.
    """

    node: int
    pid: int = 0
    ended: bool = False
    connected: list[int] = field(factory=list)
    stdin: int | None = None
    copiers: list[int] = field(factory=list)
    kept: list[tuple[int, bytes]] = field(factory=list)


@define(on_setattr=setters.NO_OP, eq=False)
class Forwarder:
    """The streams of all jobs: `streams` those for which each connects, in their order.

    `feeding` what bpsh reads is being handed on; `launched` all jobs are started.
    """

    jobs: list[Job]
    shape: Shape
    streams: tuple[int, ...] = STREAMS
    reads_stdin: bool = True
    launched: bool = False
    feeding: bool = False

    def settled(self, job: Job) -> bool:
        """Tell whether no connection of a job is to be waited for."""
        return job.ended or len(job.connected) == len(self.streams)

    def connect(self, proc: BprocProc, job: Job, stream: int, fd: int) -> Steps:
        """Take a connection as one of a job's streams."""
        job.connected.append(stream)
        if stream:
            job.copiers.append((yield from proc.thread_create(self._copy, job, fd, stream)))
        else:
            job.stdin = fd
        yield from self.feed_if_settled(proc)

    def feed_if_settled(self, proc: BprocProc) -> Steps:
        """Begin to hand on what bpsh reads, once every job has its connections or will have none."""
        if self.feeding or not self.launched or not all(map(self.settled, self.jobs)):
            return
        self.feeding = True
        # Whoever reads no more is told apart by the error, and must not end bpsh.
        yield from proc.sigaction(Signal.SIGPIPE, Disposition.IGNORE)
        yield from proc.thread_create(self._feed)

    # ---- from bpsh to the processes ----

    def _feed(self, proc: BprocProc) -> Steps:
        """Hand on to every process what bpsh reads, up to its end; the slowest reader sets the pace."""
        while self.reads_stdin and any(job.stdin is not None for job in self.jobs):
            try:
                data = yield from proc.read(0, self.shape.buffer_bytes)
            except CallError:
                break
            if not data:
                break
            for job in self.jobs:
                if job.stdin is not None:
                    try:
                        yield from proc.write(job.stdin, data)
                    except CallError:  # it reads no more
                        yield from self._let_go(proc, job)
        for job in self.jobs:
            if job.stdin is not None:
                yield from self._let_go(proc, job)

    def _let_go(self, proc: BprocProc, job: Job) -> Steps:
        fd, job.stdin = job.stdin, None
        assert fd is not None, "it was open"
        yield from proc.close(fd)

    # ---- from the processes to bpsh ----

    def _copy(self, proc: BprocProc, job: Job, fd: int, to: int) -> Steps:
        """Pass on what a process writes, up to its end."""
        head = b"%3d: " % job.node if self.shape.prefix else b""
        rest = b""
        while data := (yield from _read(proc, fd, self.shape.buffer_bytes)):
            if self.shape.by_lines:
                *lines, rest = (rest + data).split(b"\n")
                data = b"".join(head + line + b"\n" for line in lines)
            yield from self._show(proc, job, to, data)
        yield from self._show(proc, job, to, head + rest if rest else b"")
        yield from proc.close(fd)

    def _show(self, proc: BprocProc, job: Job, to: int, data: bytes) -> Steps:
        if self.shape.in_order:
            job.kept.append((to, data))
        elif data:
            yield from _write(proc, to, data)

    def finish(self, proc: BprocProc, jobs: Iterable[Job]) -> Steps:
        """Wait until nothing more can come from jobs, and show what was kept of each.

        One node's comes after another's in the order of their numbers. Source: bproc-4.0.0pre8-clients.
        """
        for job in sorted(jobs, key=lambda job: job.node) if self.shape.in_order else jobs:
            for thread in job.copiers:  # further ones may come to the list meanwhile
                with suppress(CallError):
                    yield from proc.thread_join(thread)
            if self.shape.divider:
                yield from _write(proc, 1, f"{job.node}\t{_DASHES}\n".encode())
            for to, data in job.kept:
                if data:
                    yield from _write(proc, to, data)


def _read(proc: BprocProc, fd: int, count: int) -> Steps:
    """Read; a connection that was thrown away has come to its end."""
    try:
        return (yield from proc.read(fd, count))
    except CallError:
        return b""


def _write(proc: BprocProc, fd: int, data: bytes) -> Steps:
    """Write; if nobody reads any more, bpsh is over."""
    try:
        yield from proc.write(fd, data)
    except CallError:
        yield from proc.exit(1)
