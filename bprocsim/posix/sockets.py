"""socket, bind, listen, accept, connect: stream sockets between machines."""

from __future__ import annotations

from typing import Any, Protocol

from attrs import define, setters

from bprocsim.errnos import Errno as E
from bprocsim.manual import Errors, Fail, Row
from bprocsim.port import Port, Steps, Waiter, Why
from bprocsim.posix.fileio import block, descriptors_used_up, fd_not_open, file_table_full, interrupted
from bprocsim.posix.machine import Machine, counted
from bprocsim.posix.network import Address, Answer
from bprocsim.posix.procs import Descriptor, Thread, put
from bprocsim.posix.streams import Endpoint, Listener, connect_ends

ANY = ""


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Socket:
    """A stream socket before it listens or is connected; afterwards that takes its place."""

    local: Address | None = None
    references: int = 0
    table: Any = None
    readable = True
    writable = True
    reset = False
    broken = False
    peer = None

    def close(self, port: Port) -> None:
        """Nothing to let go of."""


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class SocketFacts:
    """What the calls about sockets ask about."""

    machine: Machine
    descriptor: Descriptor | None = None
    address: Address | None = None
    used: int = 0
    open_limit: int = 0
    wanted: int = 0
    interrupted: bool = False
    answer: Answer | None = None

    @property
    def description(self) -> Any:
        """Give what the descriptor stands for."""
        return self.descriptor.description if self.descriptor is not None else None


def not_a_socket(f: SocketFacts) -> bool:
    return f.descriptor is not None and not isinstance(f.description, Socket | Endpoint | Listener)


def already_bound(f: SocketFacts) -> bool:
    return not isinstance(f.description, Socket) or f.description.local is not None


def address_not_ours(f: SocketFacts) -> bool:
    return f.address is not None and f.address.host not in (ANY, "0.0.0.0", "127.0.0.1", f.machine.address)


def address_in_use(f: SocketFacts) -> bool:
    return f.address is not None and f.address.port in f.machine.sockets.listeners


def connected(f: SocketFacts) -> bool:
    return isinstance(f.description, Endpoint)


def not_listening(f: SocketFacts) -> bool:
    return f.descriptor is not None and not isinstance(f.description, Listener)


def no_ports_left(f: SocketFacts) -> bool:
    return isinstance(f.description, Socket) and f.description.local is None and not f.machine.sockets.free_port()


def connect_refused(f: SocketFacts) -> bool:
    return f.answer is Answer.REFUSED


def connect_timed_out(f: SocketFacts) -> bool:
    return f.answer in (Answer.SILENCE, Answer.GONE)


def no_route(f: SocketFacts) -> bool:
    return f.address is not None and f.machine.network.machine(f.address.host) is None


def listens(f: SocketFacts) -> bool:
    return isinstance(f.description, Listener)


_NOT_OPEN = Row(E.EBADF, fd_not_open, "the descriptor is not open")
_NOT_A_SOCKET = Row(E.ENOTSOCK, not_a_socket, "the descriptor is no socket's")

SOCKET_ERRORS = Errors(
    "socket",
    page="posix-socket",
    order="linux-2.4.20-exec",
    rows=(
        Row(E.ENFILE, file_table_full, "the machine's table of open files is full"),
        Row(E.EMFILE, descriptors_used_up, "the process has too many descriptors open"),
    ),
)
BIND_ERRORS = Errors(
    "bind",
    page="posix-bind",
    order="linux-bind2",
    rows=(
        _NOT_OPEN,
        _NOT_A_SOCKET,
        Row(E.EADDRNOTAVAIL, address_not_ours, "the address is not one of this machine's"),
        Row(E.EINVAL, already_bound, "the socket has an address already"),
        Row(E.EADDRINUSE, address_in_use, "somebody else has the port"),
    ),
)
LISTEN_ERRORS = Errors(
    "listen",
    page="posix-listen",
    order="linux-bind2",
    rows=(
        _NOT_OPEN,
        _NOT_A_SOCKET,
        Row(E.EINVAL, connected, "the socket is connected"),
        Row(E.EADDRINUSE, no_ports_left, "no port is free", source="linux-bind2"),
    ),
)
ACCEPT_ERRORS = Errors(
    "accept",
    page="posix-accept",
    order="linux-bind2",
    rows=(
        _NOT_OPEN,
        _NOT_A_SOCKET,
        Row(E.EINVAL, not_listening, "the socket does not listen"),
        Row(E.ENFILE, file_table_full, "the machine's table of open files is full"),
        Row(E.EMFILE, descriptors_used_up, "the process has too many descriptors open"),
        Row(E.EINTR, interrupted, "a signal was caught"),
    ),
)
CONNECT_ERRORS = Errors(
    "connect",
    page="posix-connect",
    order="linux-connect2",
    rows=(
        _NOT_OPEN,
        _NOT_A_SOCKET,
        Row(E.EISCONN, connected, "the socket is connected already"),
        Row(E.EOPNOTSUPP, listens, "the socket listens"),
        Row(E.EHOSTUNREACH, no_route, "no machine has that address"),
        Row(E.ECONNREFUSED, connect_refused, "nobody listens on that port"),
        Row(E.ETIMEDOUT, connect_timed_out, "no answer came in time"),
        Row(E.EINTR, interrupted, "a signal was caught"),
    ),
)


def _facts(machine: Machine, thread: Thread, fd: int) -> SocketFacts:
    process = thread.process
    descriptors = process.descriptors
    return SocketFacts(machine, descriptors.get(fd), used=len(descriptors), open_limit=process.open_limit)


GETSOCKNAME_ERRORS = Errors(
    "getsockname", page="posix-getsockname", order="linux-bind2", rows=(_NOT_OPEN, _NOT_A_SOCKET)
)


def getsockname(machine: Machine, thread: Thread, fd: int) -> Steps:
    """Tell a socket's own address. Errors: GETSOCKNAME_ERRORS. Source: posix-getsockname."""
    yield machine.port.sleep(machine.costs.syscall_ns)
    facts = _facts(machine, thread, fd)
    if (row := GETSOCKNAME_ERRORS.first(facts)) is not None:
        return Fail(row, GETSOCKNAME_ERRORS)
    return facts.description.local or Address("0.0.0.0", 0)


def socket(machine: Machine, thread: Thread) -> Steps:
    """Make a stream socket; gives a descriptor. Errors: SOCKET_ERRORS. Source: posix-socket."""
    process = thread.process
    yield machine.port.sleep(machine.costs.syscall_ns)
    facts = SocketFacts(machine, used=len(process.descriptors), open_limit=process.open_limit, wanted=1)
    if (row := SOCKET_ERRORS.first(facts)) is not None:
        return Fail(row, SOCKET_ERRORS)
    return put(process, counted(machine, Socket()))


def bind(machine: Machine, thread: Thread, fd: int, address: Address) -> Steps:
    """Give a socket an address; port 0 takes a free one. Errors: BIND_ERRORS. Source: posix-bind."""
    yield machine.port.sleep(machine.costs.syscall_ns)
    facts = _facts(machine, thread, fd)
    facts.address = address
    if (row := BIND_ERRORS.first(facts)) is not None:
        return Fail(row, BIND_ERRORS, f"{address.host}:{address.port}")
    facts.description.local = Address(machine.address, address.port or machine.sockets.free_port())
    return 0


def listen(machine: Machine, thread: Thread, fd: int, backlog: int) -> Steps:
    """Let a socket take connections. Errors: LISTEN_ERRORS. Source: posix-listen."""
    yield machine.port.sleep(machine.costs.syscall_ns)
    facts = _facts(machine, thread, fd)
    if (row := LISTEN_ERRORS.first(facts)) is not None:
        return Fail(row, LISTEN_ERRORS)
    description = facts.description
    if isinstance(description, Listener):
        description.backlog = max(0, backlog)
        return 0
    local = description.local or Address(machine.address, machine.sockets.free_port())
    listener = open_listener(machine, local.port, backlog)
    become(thread, description, listener)
    return 0


def open_listener(machine: Machine, number: int, backlog: int) -> Listener:
    """Listen on a port of this machine."""
    listeners = machine.sockets.listeners
    listener = Listener(max(0, backlog), machine.costs.socket_buffer_bytes, Address(machine.address, number))

    def gone() -> None:
        if listeners.get(number) is listener:
            del listeners[number]

    listener.on_close = gone
    listeners[number] = listener
    return listener


def become(thread: Thread, old: Socket, new: Any) -> None:
    """Let every descriptor of the process that stood for a plain socket stand for what it became."""
    new.table, new.references = old.table, old.references
    for descriptor in thread.process.descriptors.values():
        if descriptor.description is old:
            descriptor.description = new


def accept(machine: Machine, thread: Thread, fd: int) -> Steps:
    """Take the next connection; gives (descriptor, the peer's Address). Errors: ACCEPT_ERRORS. Source: posix-accept."""
    port = machine.port
    yield port.sleep(machine.costs.syscall_ns)
    facts = _facts(machine, thread, fd)
    facts.wanted = 1
    while True:
        if (row := ACCEPT_ERRORS.first(facts)) is not None:
            return Fail(row, ACCEPT_ERRORS)
        listener = facts.description
        if listener.waiting:
            end = listener.waiting.pop(0)
            return put(thread.process, counted(machine, end)), end.remote
        why = yield from block(port, thread, listener.accepting, f"accept({fd})")
        facts.interrupted = why is Why.SIGNAL


def connect(machine: Machine, thread: Thread, fd: int, address: Address) -> Steps:
    """Connect a socket. Errors: CONNECT_ERRORS. Source: posix-connect, linux-connect2."""
    yield machine.port.sleep(machine.costs.syscall_ns)
    facts = _facts(machine, thread, fd)
    facts.address = Address(machine.address, address.port) if address.host in (ANY, "127.0.0.1") else address
    if (row := CONNECT_ERRORS.first(facts)) is not None:
        return Fail(row, CONNECT_ERRORS, f"{address.host}:{address.port}")
    plain = facts.description
    target = machine.network.machine(facts.address.host)
    facts.answer, end = yield from reach(machine, target, facts.address.port, thread, f"connect({fd})")
    facts.interrupted = facts.answer is Answer.SIGNAL
    if (row := CONNECT_ERRORS.first(facts)) is not None:
        return Fail(row, CONNECT_ERRORS, f"{address.host}:{address.port}")
    become(thread, plain, end)
    return 0


class Holder(Protocol):
    """Who waits: a thread, or a process on its way."""

    waiting: Waiter | None


def reach(machine: Machine, target: Any, number: int, holder: Holder, what: str) -> Steps:
    """Try to connect from `machine` to a port of `target`; gives (Answer, Endpoint or None).

    A request that finds the listener's queue full, or a dead machine, gets no answer and is sent
    again after each pause of `tcp_retries_ns`. Source: linux-tcp7.
    """
    port, network, costs = machine.port, machine.network, machine.costs
    there, back = network.link(machine, target), network.link(target, machine)
    answered: list[tuple[Answer, Endpoint | None]] = []
    waiter = Waiter(what, port.now_ns)

    def ask() -> None:
        if answered or not target.alive:
            return
        listener = target.sockets.listeners.get(number)
        if listener is None or number in target.sockets.refused:
            answer: tuple[Answer, Endpoint | None] = (Answer.REFUSED, None)
        elif listener.full:
            return
        else:
            local = Address(machine.address, machine.sockets.free_port())
            here = Endpoint(costs.socket_buffer_bytes, local=local, remote=listener.local)
            remote = Endpoint(costs.socket_buffer_bytes, local=listener.local, remote=local)
            connect_ends(here, remote, there, back)
            answer = (Answer.CONNECTED, here)
            listener.arrive(port, remote)
        answered.append(answer)
        port.send(back, 0, lambda: port.wake(waiter, Why.DATA))

    for pause_ns in costs.tcp_retries_ns:
        port.send(there, 0, ask)
        holder.waiting = waiter
        why = yield port.wait(waiter, costs.tcp_connect_ns + pause_ns)
        holder.waiting = None
        if why is Why.SIGNAL:
            return Answer.SIGNAL, None
        if why is Why.GONE:
            return Answer.GONE, None
        if why is Why.DATA:
            return answered[0]
    return Answer.SILENCE, None
