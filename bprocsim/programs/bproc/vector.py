"""How bpsh starts all its processes by one call: each says on its connections who it is, and for which stream."""

from __future__ import annotations

from typing import Literal

from attrs import define, field, setters

from bprocsim.bproc.records import BprocVersion
from bprocsim.faces.bproc import BprocProc
from bprocsim.faces.errors import CallError
from bprocsim.faces.iolists import IO_FILE, IO_SEND_INFO, IO_SOCKET, BprocIo
from bprocsim.posix.network import Address
from bprocsim.posix.openfile import O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY
from bprocsim.programs.bproc.command import Ends, Steps
from bprocsim.programs.bproc.forward import Forwarder, Job
from bprocsim.programs.bproc.launch import Command, accepted, listening, too_many

# A process's index among those of the launch is written over the X; the rest tells it what it was called as.
_RANK = ("BPROC_RANK", "XXXXXXX")
_PROGRAM_NAME = "BPROC_PROGNAME"

_INTEGER_BYTES = 4
# By the number that bproc_version has for an architecture; all others put the lowest byte first.
_BIG_ENDIAN = frozenset({3, 5})


@define(on_setattr=setters.NO_OP, eq=False)
class _Connections:
    """Connections, and whose they are: `jobs` by pid, once these are known; `early` those that came before that."""

    forwarder: Forwarder
    listener: int
    byteorder: Literal["little", "big"]
    jobs: dict[int, Job] | None = None
    early: list[tuple[int, int, int]] = field(factory=list)

    def accept(self, proc: BprocProc) -> Steps:
        """Take all connections that come."""
        while True:
            fd, _ = yield from accepted(proc, self.listener)
            yield from proc.thread_create(self._greet, fd)

    def _greet(self, proc: BprocProc, fd: int) -> Steps:
        """Read who has connected, and for which of its descriptors."""
        head = b""
        while len(head) < 2 * _INTEGER_BYTES:
            try:
                piece = yield from proc.read(fd, 2 * _INTEGER_BYTES - len(head))
            except CallError:
                piece = b""
            if not piece:  # it was never to be a process
                yield from proc.close(fd)
                return
            head += piece
        pid, stream = (int.from_bytes(each, self.byteorder, signed=True) for each in (head[:4], head[4:]))
        if self.jobs is None:
            self.early.append((pid, stream, fd))
        else:
            yield from self._assign(proc, pid, stream, fd)

    def _assign(self, proc: BprocProc, pid: int, stream: int, fd: int) -> Steps:
        """Give a connection to its process; one of nobody is closed without a word."""
        assert self.jobs is not None, "they are known"
        job = self.jobs.get(pid)
        if job is None:
            yield from proc.close(fd)
        elif len(job.connected) == len(self.forwarder.streams):
            yield from too_many(proc, job, stream)
        else:
            yield from self.forwarder.connect(proc, job, stream, fd)

    def launched(self, proc: BprocProc, jobs: dict[int, Job]) -> Steps:
        """Learn which pids the processes have, and so whose the connections are that have come."""
        self.jobs = jobs
        for pid, stream, fd in self.early:
            yield from self._assign(proc, pid, stream, fd)


def _entry(stream: int, command: Command, port: int) -> BprocIo:
    """Say what a descriptor of a process is to be."""
    name = command.files.get(stream) if command.forwards else "/dev/null"
    if name is None:
        return BprocIo(fd=stream, type=IO_SOCKET, flags=IO_SEND_INFO, addr=Address("", port))
    makes = O_WRONLY | O_CREAT | O_TRUNC if stream else O_RDONLY
    return BprocIo(fd=stream, type=IO_FILE, file_name=name, file_flags=makes, file_mode=0o666)


def launch_by_vector(proc: BprocProc, forwarder: Forwarder, command: Command) -> Steps:
    """Start every job, and say of which nodes it failed; that counts for nothing. Ends: the whole call is refused."""
    connections, port = None, 0
    if forwarder.streams:
        listener, port = yield from listening(proc)
        version = BprocVersion()
        yield from proc.bproc_version(version)
        connections = _Connections(forwarder, listener, "big" if version.arch in _BIG_ENDIAN else "little")
        yield from proc.thread_create(connections.accept)
    nodes, pids = [job.node for job in forwarder.jobs], list[int]()
    io = [_entry(stream, command, port) for stream in (0, 1, 2)]
    env = command.env | dict([_RANK, (_PROGRAM_NAME, command.path)])
    try:
        yield from proc.bproc_vexecmove_io(len(nodes), nodes, pids, io, command.path, command.argv, env)
    except CallError as error:
        raise Ends(1, f"bproc_vexecmove_io: {error.error.message}") from None
    for job, pid in zip(forwarder.jobs, pids, strict=True):
        if pid > 0:
            job.pid = pid
            continue
        job.ended = True
        if pid:
            said = yield from proc.bproc_strerror(pid)
            yield from proc.print(f"{job.node}: {said}", fd=2)
    if connections is not None:
        yield from connections.launched(proc, {job.pid: job for job in forwarder.jobs if job.pid})
    return 0
