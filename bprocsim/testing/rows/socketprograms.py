"""What meets each row of the calls about sockets."""

from __future__ import annotations

from typing import Any

import bprocsim as bp
from bprocsim.testing.rows.programcases import (
    ALICE,
    HERE,
    STRIKE_NS,
    ProgramCase,
    Steps,
    connection,
    entering,
    few_files,
    listening,
    prod,
    until_struck,
    use_up_descriptors,
)

CASES: dict[tuple[str, str], ProgramCase] = {}
case = entering(CASES)


@case("socket", "descriptors_used_up")
def _socket_descriptors_used_up(proc: bp.Proc, bad: bool) -> Steps:
    yield from use_up_descriptors(proc, leave=0 if bad else 1)
    yield from proc.socket()


@case("socket", "file_table_full", faults=few_files(0, 1))
def _socket_file_table_full(proc: bp.Proc, bad: bool) -> Steps:
    yield from until_struck(proc)
    yield from proc.socket()


def call_on(proc: bp.Proc, call: str, fd: int) -> Any:
    """Make a call about a socket."""
    more: dict[str, tuple[Any, ...]] = {
        "bind": (bp.Address("", 7001),),
        "listen": (1,),
        "connect": (bp.Address(HERE, 7001),),
    }
    return getattr(proc, call)(fd, *more.get(call, ()))


def on_wrong_descriptors(call: str) -> None:
    """Enter the cases of a descriptor that is not open, or no socket's."""

    def good(proc: bp.Proc) -> Steps:
        if call == "accept":
            fd = yield from listening(proc)
            client = yield from proc.socket()
            yield from proc.connect(client, bp.Address(HERE, 7000))
            return fd
        return (yield from proc.socket())

    @case(call, "fd_not_open")
    def not_open(proc: bp.Proc, bad: bool) -> Steps:
        fd = yield from good(proc)
        yield from call_on(proc, call, 77 if bad else fd)

    @case(call, "not_a_socket")
    def no_socket(proc: bp.Proc, bad: bool) -> Steps:
        fd = yield from good(proc)
        yield from call_on(proc, call, 0 if bad else fd)


for _call in ("bind", "listen", "accept", "connect", "getsockname"):
    on_wrong_descriptors(_call)


@case("bind", "address_not_ours")
def _bind_address_not_ours(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from proc.socket()
    yield from proc.bind(fd, bp.Address("10.54.1.0" if bad else "10.54.0.1", 7000))


@case("bind", "port_privileged", user=ALICE)
def _bind_port_privileged(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from proc.socket()
    yield from proc.bind(fd, bp.Address("", 1023 if bad else 1024))


@case("bind", "already_bound")
def _bind_already_bound(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from proc.socket()
    if bad:
        yield from proc.bind(fd, bp.Address("", 7000))
    yield from proc.bind(fd, bp.Address("", 7001))


@case("bind", "address_in_use")
def _bind_address_in_use(proc: bp.Proc, bad: bool) -> Steps:
    first = yield from proc.socket()
    yield from proc.bind(first, bp.Address("", 7000))
    fd = yield from proc.socket()
    yield from proc.bind(fd, bp.Address("", 7000 if bad else 7001))


def hold_ports(cluster: bp.Cluster, bad: bool) -> None:
    """Let all ports that are handed out be held, but for one without the defect."""
    for number in range(32768, 61000 if bad else 60999):
        cluster.master.sockets.hold(number)


@case("bind", "no_ports_left", build=hold_ports)
def _bind_no_ports_left(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from proc.socket()
    yield from proc.bind(fd, bp.Address("", 0))


@case("listen", "no_ports_left", build=hold_ports)
def _listen_no_ports_left(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from proc.socket()
    yield from proc.listen(fd, 1)


@case("connect", "no_ports_left", build=hold_ports)
def _connect_no_ports_left(proc: bp.Proc, bad: bool) -> Steps:
    yield from listening(proc)
    fd = yield from proc.socket()
    yield from proc.connect(fd, bp.Address(HERE, 7000))


@case("listen", "connected")
def _listen_connected(proc: bp.Proc, bad: bool) -> Steps:
    one, _ = yield from connection(proc)
    fresh = yield from proc.socket()
    yield from proc.listen(one if bad else fresh, 1)


@case("accept", "descriptors_used_up")
def _accept_descriptors_used_up(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from listening(proc)
    client = yield from proc.socket()
    yield from proc.connect(client, bp.Address(HERE, 7000))
    yield from use_up_descriptors(proc, leave=0 if bad else 1)
    yield from proc.accept(fd)


@case("accept", "file_table_full", faults=few_files(2, 3))
def _accept_file_table_full(proc: bp.Proc, bad: bool) -> Steps:
    yield from until_struck(proc)
    fd = yield from listening(proc)
    client = yield from proc.socket()
    yield from proc.connect(client, bp.Address(HERE, 7000))
    yield from proc.accept(fd)


@case("accept", "not_listening")
def _accept_not_listening(proc: bp.Proc, bad: bool) -> Steps:
    listener = yield from listening(proc)
    client = yield from proc.socket()
    yield from proc.connect(client, bp.Address(HERE, 7000))
    yield from proc.accept(client if bad else listener)


@case("accept", "interrupted")
def _accept_interrupted(proc: bp.Proc, bad: bool) -> Steps:
    listener = yield from listening(proc)
    client = yield from proc.socket()
    yield from prod(proc, bad, lambda child: child.connect(client, bp.Address(HERE, 7000)))
    yield from proc.accept(listener)


@case("connect", "connected")
def _connect_connected(proc: bp.Proc, bad: bool) -> Steps:
    one, _ = yield from connection(proc)
    yield from listening(proc, 7001)
    fresh = yield from proc.socket()
    yield from proc.connect(one if bad else fresh, bp.Address(HERE, 7001))


@case("connect", "listens")
def _connect_listens(proc: bp.Proc, bad: bool) -> Steps:
    listener = yield from listening(proc)
    fresh = yield from proc.socket()
    yield from proc.connect(listener if bad else fresh, bp.Address(HERE, 7000))


@case("connect", "no_route")
def _connect_no_route(proc: bp.Proc, bad: bool) -> Steps:
    fd = yield from proc.socket()
    yield from proc.connect(fd, bp.Address("10.54.1.99" if bad else "10.54.1.1", 7000))


@case("connect", "connect_refused")
def _connect_refused(proc: bp.Proc, bad: bool) -> Steps:
    yield from listening(proc)
    fd = yield from proc.socket()
    yield from proc.connect(fd, bp.Address(HERE, 7001 if bad else 7000))


@case("connect", "connect_timed_out", faults=lambda bad: [bp.PowerOff(1, at_ns=STRIKE_NS)] * bad)
def _connect_timed_out(proc: bp.Proc, bad: bool) -> Steps:
    yield from until_struck(proc)
    fd = yield from proc.socket()
    yield from proc.connect(fd, bp.Address("10.54.1.1", 7000))


@case("connect", "interrupted")
def _connect_interrupted(proc: bp.Proc, bad: bool) -> Steps:
    listener = yield from listening(proc, backlog=0)
    first = yield from proc.socket()
    yield from proc.connect(first, bp.Address(HERE, 7000))
    fd = yield from proc.socket()
    yield from prod(proc, bad, lambda child: child.accept(listener))
    yield from proc.connect(fd, bp.Address(HERE, 7000))
