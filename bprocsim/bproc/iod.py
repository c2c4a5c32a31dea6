"""I/O forwarding: the migration socket for port 0, three connections back for any other port.

Port 0: stdout and stderr of the remote process share the socket that the image came over, and the
iod of the caller's node writes what arrives to the caller's descriptor 1, in order. Any other port:
the remote process connects to that port of the host that it came from, for stdout, stderr and
stdin, in this order. Sources: scyld-bproc_execmove, bproc-4.0.0pre8-iod.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from attrs import frozen

from bprocsim.port import Steps, Waiter, WaitQueue
from bprocsim.posix.dial import reach
from bprocsim.posix.machine import Machine
from bprocsim.posix.network import Address, Answer
from bprocsim.posix.procs import Descriptor, Process, Unmade, let_go
from bprocsim.posix.streams import Endpoint, Null

BUFFER_BYTES = 4096


def port_number(port: int) -> int:
    """Give the TCP port that an int becomes in htons: modulo 65536, for negatives too."""
    return port % 65536


def give_migration_socket(source: Machine, target: Machine, process: Process) -> Endpoint:
    """Make the connection that the image came over descriptors 1 and 2, and an empty file descriptor 0.

    Gives its end at the source.
    """
    network, room = source.network, target.costs.socket_buffer_bytes
    here_at, there_at = _without_port(source.address), _without_port(target.address)
    here = Endpoint(room, network.link(source, target), None, here_at, there_at)
    there = Endpoint(room, network.link(target, source), here, there_at, here_at)
    here.peer = there
    _give_stream(target, process, there)
    return here


def give_closed_socket(sender: Machine, target: Machine, process: Process) -> None:
    """Leave a process what is left of a connection to a slave that passed the image on: it has closed its end.

    So descriptors 1 and 2 reach nobody. They are made if somebody looks at them: a launch leaves them to
    thousands, most of whom have nothing to say. Source: bproc-4.0.0pre8-move.
    """
    target.files.used += _FILES
    process.unmade = _closed_by(sender.address)


_FILES = 2  # a socket, and an empty file


@frozen
class ClosedSocket(Unmade):
    """What is left of a connection to the slave at an address, which has closed its end."""

    host: str

    def make(self, process: Process) -> None:
        """See Unmade."""
        target = process.machine
        end = Endpoint(target.costs.socket_buffer_bytes, local=_without_port(target.address))
        end.remote = _without_port(self.host)
        end.ended = end.reset = end.reset_told = end.broken = True
        target.files.used -= _FILES
        _give_stream(target, process, end)

    def forget(self, process: Process) -> None:
        """See Unmade."""
        process.machine.files.used -= _FILES


@lru_cache(maxsize=8192)
def _closed_by(host: str) -> ClosedSocket:
    """Give what all have from one sender."""
    return ClosedSocket(host)


@lru_cache(maxsize=8192)
def _without_port(host: str) -> Address:
    """Give the address of an end that no program can name."""
    return Address(host, 0)


def _give_stream(machine: Machine, process: Process, end: Endpoint) -> None:
    """Make a connection descriptors 1 and 2, and an empty file descriptor 0."""
    table = process.descriptors
    _give(machine, table, 0, Null(writable=False))
    _give(machine, table, 1, end)
    table[2] = Descriptor(end)
    end.references += 1


def _give(machine: Machine, table: dict[int, Descriptor], number: int, description: Any) -> None:
    machine.files.used += 1
    description.table = machine.files
    description.references += 1
    table[number] = Descriptor(description)


def connect_back(source: Machine, target: Machine, process: Process, port: int, holder: Any) -> Steps:
    """Open the three connections from `target` to `source`; gives the Answer, CONNECTED if all stand.

    `holder` is who waits meanwhile. At the first that fails those already made are left to be
    closed with the process, so the listener sees ends of file.
    """
    for number, name in ((1, "stdout"), (2, "stderr"), (0, "stdin")):
        what = f"a connection to port {port_number(port)} of {source.name} for {name}"
        answer, end = yield from reach(target, source, port_number(port), holder, what)
        if answer is not Answer.CONNECTED:
            return answer
        _give(target, process.descriptors, number, end)
    return Answer.CONNECTED


def forward(machine: Machine, end: Endpoint, stdout: Descriptor | None) -> None:
    """Copy what arrives at `end` to the caller's old descriptor 1, until the end of file.

    If that is not open for writing, all of it is dropped; so it is where no daemon is left to do it. As
    long as it takes everything at once, nobody has to wait; a task is needed only when it is full, or has
    no reader any more.
    """
    master = machine.master
    if not master.serves(machine) or (master.machine.alive and not master.running):
        end.close(machine.port)
        return
    output: Any = stdout.description if stdout is not None else None
    if output is not None and output.writable:
        output.references += 1
    else:
        output = None
    machine.master.forwarding[end] = machine
    port = machine.port
    waiting: list[Any] = []

    def arrived(data: bytes) -> int:
        if waiting:
            return 0
        taken = len(data) if output is None else 0 if output.broken else int(output.give(port, data))
        if taken < len(data):
            end.at_end = None
            waiting.append(port.start(_forward_slowly(machine, end, output)))
        return taken

    def at_end() -> None:
        end.arrived = end.at_end = None
        end.close(port)
        _let_go(machine, end, output)

    end.arrived, end.at_end = arrived, at_end
    if end.inbox:
        # It arrived before the link was handed over.
        early, end.inbox = bytes(end.inbox), b""
        end.receive(port, early)
    if (end.ended or end.reset) and end.at_end is not None:
        at_end()


def _forward_slowly(machine: Machine, end: Endpoint, output: Any) -> Steps:
    """Copy on from the inbox, waiting for room in `output` and for more to arrive.

    When nobody reads `output` any more both sides are closed, so that the remote process meets
    EPIPE.
    """
    port = machine.port
    while True:
        data = end.take(port, BUFFER_BYTES)
        if data is None:
            yield _stand(machine, end.reading, "iod, for output of a remote process")
            continue
        if not data:
            break
        left = memoryview(data)
        while left:
            if output.broken:  # a pipe without a reader would take bytes until it is full
                _shut(machine, end)
                _let_go(machine, end, output)
                return
            taken = output.give(port, left)
            left = left[taken:]
            if left and not taken and not output.broken:
                yield _stand(machine, output.writing, "iod, for room to write")
    end.close(port)
    _let_go(machine, end, output)


def _shut(machine: Machine, end: Endpoint) -> None:
    """Close both directions, whatever has not been read: the next write at the other end is EPIPE."""
    port, peer = machine.port, end.peer
    end.inbox = b""
    end.close(port)
    if peer is not None and end.link is not None:
        port.send(end.link, 0, peer.be_reset, (port,))


def _stand(machine: Machine, queue: WaitQueue, what: str) -> Any:
    return queue.join(machine.port, Waiter(what, machine.port.now_ns))


def _let_go(machine: Machine, end: Endpoint, output: Any) -> None:
    machine.master.forwarding.pop(end, None)
    if output is not None:
        let_go(output, machine.port)
