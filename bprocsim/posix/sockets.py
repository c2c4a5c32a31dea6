"""socket, bind, listen, accept, connect, getsockname: stream sockets between machines."""

from __future__ import annotations

from typing import Any

from attrs import define, setters

from bprocsim.errnos import Errno as E
from bprocsim.manual import Errors, Fail, Row
from bprocsim.port import Steps, Why
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.dial import ANY, Dial
from bprocsim.posix.fileio import descriptors_used_up, fd_not_open, file_table_full
from bprocsim.posix.machine import Machine, counted
from bprocsim.posix.network import Address, Answer
from bprocsim.posix.procs import Descriptor, Process, Thread, let_go, put
from bprocsim.posix.streams import Endpoint, Listener, Socket
from bprocsim.posix.waiting import block, interrupted

# The longest queue of connections that a program may ask for. Source: linux-listen2.
SOMAXCONN = 128


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class SocketFacts:
    """What the calls about sockets ask about.

    `address` the one that the call names; `needs_port` nobody has named one, so that one must be
    handed out; `used` descriptors of at most `open_limit`, of which `wanted` more are asked for;
    `answer` how an attempt to connect ended.
    """

    machine: Machine
    process: Process
    descriptor: Descriptor | None = None
    address: Address | None = None
    needs_port: bool = False
    wanted: int = 0
    interrupted: bool = False
    answer: Answer | None = None

    @property
    def description(self) -> Any:
        """Give what the descriptor stands for."""
        return self.descriptor.description if self.descriptor is not None else None

    @property
    def who(self) -> Credentials:
        """Give whose process it is."""
        return self.process.credentials

    @property
    def used(self) -> int:
        """Tell how many descriptors the process has."""
        return len(self.process.descriptors)

    @property
    def open_limit(self) -> int:
        """Tell how many it may have."""
        return self.process.open_limit


def not_a_socket(f: SocketFacts) -> bool:
    return f.descriptor is not None and not isinstance(f.description, Socket | Endpoint | Listener)


def already_bound(f: SocketFacts) -> bool:
    return not isinstance(f.description, Socket) or f.description.local is not None


def address_not_ours(f: SocketFacts) -> bool:
    return f.address is not None and f.address.host != ANY and not is_local(f.machine, f.address.host)


def port_privileged(f: SocketFacts) -> bool:
    port = f.address.port if f.address is not None else 0
    return 0 < port < 1024 and not f.process.credentials.can("CAP_NET_BIND_SERVICE")


def address_in_use(f: SocketFacts) -> bool:
    return f.address is not None and f.address.port in f.machine.sockets.held


def connected(f: SocketFacts) -> bool:
    return isinstance(f.description, Endpoint)


def not_listening(f: SocketFacts) -> bool:
    return f.descriptor is not None and not isinstance(f.description, Listener)


def no_ports_left(f: SocketFacts) -> bool:
    return f.needs_port and not f.machine.sockets.free_port()


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
_TOO_MANY_FILES = Row(E.ENFILE, file_table_full, "the machine's table of open files is full")
_TOO_MANY_DESCRIPTORS = Row(E.EMFILE, descriptors_used_up, "the process has too many descriptors open")

SOCKET_ERRORS = Errors(
    "socket",
    page="posix-socket",
    order="linux-6.18-measured",
    rows=(_TOO_MANY_DESCRIPTORS, _TOO_MANY_FILES),
)
BIND_ERRORS = Errors(
    "bind",
    page="posix-bind",
    order="linux-6.18-measured",
    rows=(
        _NOT_OPEN,
        _NOT_A_SOCKET,
        Row(E.EADDRNOTAVAIL, address_not_ours, "the address is not one of this machine's"),
        Row(E.EACCES, port_privileged, "the port is below 1024 and the program may not bind to those"),
        Row(E.EINVAL, already_bound, "the socket has an address already"),
        Row(E.EADDRINUSE, no_ports_left, "port 0 asks for any, and none is free", source="linux-bind2"),
        Row(E.EADDRINUSE, address_in_use, "somebody else has the port"),
    ),
)
LISTEN_ERRORS = Errors(
    "listen",
    page="posix-listen",
    order="linux-6.18-measured",
    rows=(
        _NOT_OPEN,
        _NOT_A_SOCKET,
        Row(E.EINVAL, connected, "the socket is connected"),
        Row(E.EADDRINUSE, no_ports_left, "the socket has no address, and no port is free", source="linux-listen2"),
    ),
)
ACCEPT_ERRORS = Errors(
    "accept",
    page="posix-accept",
    order="linux-6.18-measured",
    rows=(
        _NOT_OPEN,
        _TOO_MANY_DESCRIPTORS,
        _NOT_A_SOCKET,
        _TOO_MANY_FILES,
        Row(E.EINVAL, not_listening, "the socket does not listen"),
        Row(E.EINTR, interrupted, "a signal was caught"),
    ),
)
CONNECT_ERRORS = Errors(
    "connect",
    page="posix-connect",
    order="linux-6.18-measured",
    rows=(
        _NOT_OPEN,
        _NOT_A_SOCKET,
        Row(E.EISCONN, connected, "the socket is connected already"),
        Row(E.EISCONN, listens, "the socket listens", source="linux-6.18-measured"),
        Row(E.EHOSTUNREACH, no_route, "no machine has that address"),
        Row(E.EADDRNOTAVAIL, no_ports_left, "the socket has no address, and no port is free", source="linux-connect2"),
        Row(E.ECONNREFUSED, connect_refused, "nobody listens on that port"),
        Row(E.ETIMEDOUT, connect_timed_out, "no answer came in time"),
        Row(E.EINTR, interrupted, "a signal was caught; the attempt goes on"),
    ),
)
GETSOCKNAME_ERRORS = Errors(
    "getsockname", page="posix-getsockname", order="linux-6.18-measured", rows=(_NOT_OPEN, _NOT_A_SOCKET)
)


def _facts(machine: Machine, thread: Thread, fd: int, address: Address | None = None) -> SocketFacts:
    facts = SocketFacts(machine, thread.process, thread.process.descriptors.get(fd), address)
    description = facts.description
    if isinstance(description, Socket):
        facts.needs_port = description.local is None and description.dial is None
    return facts


def is_local(machine: Machine, host: str) -> bool:
    """Tell whether an address is one of a machine's own."""
    return host == machine.address or host.startswith("127.")


# ---- calls ---------------------------------------------------------------------------------------


def getsockname(machine: Machine, thread: Thread, fd: int) -> Steps:
    """Tell a socket's own address. Errors: GETSOCKNAME_ERRORS. Source: posix-getsockname."""
    yield machine.port.sleep(machine.costs.syscall_ns)
    facts = _facts(machine, thread, fd)
    if (row := GETSOCKNAME_ERRORS.first(facts)) is not None:
        return Fail(row, GETSOCKNAME_ERRORS)
    return facts.description.local or Address(ANY, 0)


def socket(machine: Machine, thread: Thread) -> Steps:
    """Make a stream socket; gives a descriptor. Errors: SOCKET_ERRORS. Source: posix-socket."""
    yield machine.port.sleep(machine.costs.syscall_ns)
    facts = SocketFacts(machine, thread.process, wanted=1)
    if (row := SOCKET_ERRORS.first(facts)) is not None:
        return Fail(row, SOCKET_ERRORS)
    return put(thread.process, counted(machine, Socket()))


def bind(machine: Machine, thread: Thread, fd: int, address: Address) -> Steps:
    """Give a socket an address; port 0 takes a free one. Errors: BIND_ERRORS. Source: posix-bind."""
    yield machine.port.sleep(machine.costs.syscall_ns)
    facts = _facts(machine, thread, fd, address if address.host else Address(ANY, address.port))
    facts.needs_port = address.port == 0
    if (row := BIND_ERRORS.first(facts)) is not None:
        return Fail(row, BIND_ERRORS, f"{address.host}:{address.port}")
    _bind(machine, facts.description, address.host or ANY, address.port)
    return 0


def _bind(machine: Machine, plain: Socket, host: str, number: int = 0) -> None:
    """Give a socket an address and hold the port; 0 is any that is free."""
    ports = machine.sockets
    if number:
        ports.hold(number)
    else:
        number = ports.take_port()
    plain.local = Address(host, number)
    plain.on_close = lambda: ports.release(number)


def listen(machine: Machine, thread: Thread, fd: int, backlog: int) -> Steps:
    """Let a socket take connections. Errors: LISTEN_ERRORS. Source: posix-listen."""
    yield machine.port.sleep(machine.costs.syscall_ns)
    facts = _facts(machine, thread, fd)
    if (row := LISTEN_ERRORS.first(facts)) is not None:
        return Fail(row, LISTEN_ERRORS)
    description = facts.description
    if isinstance(description, Listener):
        description.backlog = _queue_length(backlog)
        return 0
    if description.local is None:
        _bind(machine, description, ANY)
    ports, local = machine.sockets, description.local
    listener = Listener(_queue_length(backlog), machine.costs.socket_buffer_bytes, local)
    let_go_of_port = description.on_close

    def gone() -> None:
        del ports.listeners[local.port]
        let_go_of_port()

    listener.on_close = gone
    ports.listeners[local.port] = listener
    become(machine, thread.process, description, listener)
    return 0


def _queue_length(backlog: int) -> int:
    """Give how many more than one connection may wait; a negative number asks for the most."""
    return min(backlog, SOMAXCONN) if backlog >= 0 else SOMAXCONN


def open_listener(machine: Machine, number: int, backlog: int) -> Listener:
    """Listen on a port of this machine at which nobody listens, without a process."""
    ports = machine.sockets
    listener = Listener(backlog, machine.costs.socket_buffer_bytes, Address(ANY, number))

    def gone() -> None:
        del ports.listeners[number]
        ports.release(number)

    ports.hold(number)
    listener.on_close = gone
    ports.listeners[number] = listener
    return listener


def become(machine: Machine, process: Process, old: Socket, new: Any) -> None:
    """Let every descriptor that stood for a plain socket stand for what it became, whoever has it.

    Those of a process that is on its way are not found; they hold `new` through `old`.
    """
    new.table, old.table = old.table, None
    for holder in (process, *(machine.processes.values() if old.references > 1 else ())):
        for descriptor in holder.descriptors.values():
            if descriptor.description is old:
                descriptor.description = new
                new.references += 1
                old.references -= 1
    if old.references:
        old.became = new
        new.references += 1


def accept(machine: Machine, thread: Thread, fd: int) -> Steps:
    """Take the next connection; gives (descriptor, the peer's Address). Errors: ACCEPT_ERRORS. Source: posix-accept."""
    port = machine.port
    yield port.sleep(machine.costs.syscall_ns)
    facts = _facts(machine, thread, fd)
    facts.wanted, since_ns = 1, port.now_ns
    if (row := ACCEPT_ERRORS.first(facts)) is not None:
        return Fail(row, ACCEPT_ERRORS)
    listener = facts.description
    listener.references += 1  # it listens on, though another thread may close the descriptor
    try:
        while not listener.waiting:
            why = yield from block(port, thread, listener.accepting, f"accept({fd})", since_ns)
            facts.interrupted = why is Why.SIGNAL and not listener.waiting
            if (row := ACCEPT_ERRORS.first(facts)) is not None:
                return Fail(row, ACCEPT_ERRORS)
        end = listener.waiting.pop(0)
        return put(thread.process, counted(machine, end)), end.remote
    finally:
        let_go(listener, port)


def connect(machine: Machine, thread: Thread, fd: int, address: Address) -> Steps:
    """Connect a socket, or wait on for an attempt that a signal left going.

    Errors: CONNECT_ERRORS. Sources: posix-connect, linux-connect2.
    """
    yield machine.port.sleep(machine.costs.syscall_ns)
    here = address.host in ("", ANY) or is_local(machine, address.host)
    facts = _facts(machine, thread, fd, Address(machine.address, address.port) if here else address)
    if (row := CONNECT_ERRORS.first(facts)) is not None:
        return Fail(row, CONNECT_ERRORS, f"{address.host}:{address.port}")
    plain = facts.description
    if plain.dial is None:
        host = machine.address if address.host in ("", ANY) else address.host
        target = machine.network.machine(facts.address.host) if facts.address is not None else None
        plain.dial = Dial(machine, target, Address(host, address.port), plain.local)
    dial = plain.dial
    while dial.answer is None and not facts.interrupted:
        why = yield from block(machine.port, thread, dial.waiting, f"connect({fd})")
        facts.interrupted = why is Why.SIGNAL and dial.answer is None
    facts.answer, facts.needs_port = dial.answer, False
    if plain.dial is dial and not facts.interrupted:
        plain.dial = None
        if dial.end is not None:
            become(machine, thread.process, plain, dial.end)
    if facts.answer is Answer.CONNECTED:
        return 0
    row = CONNECT_ERRORS.first(facts)
    assert row is not None, "it is not connected"
    return Fail(row, CONNECT_ERRORS, f"{address.host}:{address.port}")
