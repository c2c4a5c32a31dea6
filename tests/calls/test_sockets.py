"""Stream sockets: between machines, against full queues, dead machines and thrown-away connections."""

from __future__ import annotations

import random
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.posix.network import EPHEMERAL, Ports
from bprocsim.testing.rows.programcases import listening
from bprocsim.units import KiB, MiB, ms, s
from tests.calls.worlds import MASTER, PROGRAM, Steps, assert_clean, call_errors, play, says, world

EVERY_BYTE = bytes(range(256))
FRONT, NODE0, NODE1 = "10.54.0.1", "10.54.1.0", "10.54.1.1"


def client_of(host: str, port: int = 7000) -> Any:
    """Make what connects and gives the descriptor."""

    def connected(proc: bp.Proc) -> Steps:
        fd = yield from proc.socket()
        yield from proc.connect(fd, bp.Address(host, port))
        return fd

    return connected


def copy(proc: bp.Proc, fd: int, data: bytes, size: int) -> Steps:
    """Write data in pieces."""
    for start in range(0, len(data), size):
        piece = data[start : start + size]
        assert (yield from proc.write(fd, piece)) == len(piece)


def drain(proc: bp.Proc, fd: int, size: int) -> Steps:
    """Read up to the end of file."""
    data = bytearray()
    while piece := (yield from proc.read(fd, size)):
        assert len(piece) <= size
        data.extend(piece)
    return bytes(data)


def exchange(data: bytes, size: int) -> None:
    """Move data from the master to a slave and back, through buffers of `size` bytes."""
    got: dict[str, bytes] = {}

    def there(proc: bp.Proc) -> Steps:
        fd = yield from client_of(FRONT)(proc)
        got["there"] = yield from drain_some(proc, fd)
        yield from copy(proc, fd, data[::-1], size)

    def drain_some(proc: bp.Proc, fd: int) -> Steps:
        seen = bytearray()
        while len(seen) < len(data):
            seen.extend((yield from proc.read(fd, min(size, len(data) - len(seen)))))
        return bytes(seen)

    def program(proc: bp.Proc) -> Steps:
        if proc.node == 0:
            yield from there(proc)
            return
        listener = yield from listening(proc)

        def mover(proc: bp.BprocProc) -> Steps:
            yield from proc.bproc_execmove(0, PROGRAM, ["there"], {})

        yield from proc.fork(mover)
        fd, peer = yield from proc.accept(listener)
        assert peer == bp.Address(NODE0, 32768)
        assert (yield from proc.getsockname(fd)) == bp.Address(FRONT, 7000)

        def writer(proc: bp.Proc) -> Steps:
            yield from copy(proc, fd, data, size)

        yield from proc.fork(writer)
        got["back"] = yield from drain(proc, fd, size)
        yield from proc.wait()
        yield from proc.wait()

    play(program, nodes=1)
    assert got["there"] == data
    assert got["back"] == data[::-1]


@pytest.mark.parametrize("size", [1, 4095, 4096, 4097])
def test_every_byte_both_ways_between_two_nodes(size: int) -> None:
    exchange(EVERY_BYTE * (8 if size == 1 else 512), size)


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 4095, 4096, 4097])
def test_a_mebibyte_both_ways_between_two_nodes(size: int) -> None:
    exchange(EVERY_BYTE * (64 if size == 1 else 4096), size)


def test_a_writer_waits_until_the_other_side_reads() -> None:
    """64 KiB fit into the connection; the writer of more is seen waiting."""
    seen: list[bool] = []

    def program(proc: bp.Proc) -> Steps:
        listener = yield from listening(proc)

        def writer(proc: bp.Proc) -> Steps:
            fd = yield from client_of(FRONT)(proc)
            assert (yield from proc.write(fd, bytes(64 * KiB + 1))) == 64 * KiB + 1

        yield from proc.fork(writer)
        fd, _ = yield from proc.accept(listener)
        for _ in range(2):
            yield from proc.sleep(1 * s)
            seen.append(any("waits in write" in line for line in says(made)))
        yield from proc.read(fd, 1)
        yield from proc.sleep(1 * ms)
        seen.append(any("waits in write" in line for line in says(made)))
        assert len((yield from drain(proc, fd, 4096))) == 64 * KiB

    made = world(program)
    made.execve(PROGRAM)
    assert seen == [True, True, False]
    assert_clean(made)


def test_two_transfers_that_share_a_link_take_twice_as_long() -> None:
    def transfer_ns(count: int) -> list[int]:
        took: list[int] = []

        def program(proc: bp.Proc) -> Steps:
            if proc.node == 0:
                fd = yield from client_of(FRONT)(proc)
                yield from proc.read(fd, 2)
                yield from copy(proc, fd, bytes(1 * MiB), 4096)
                return
            listener = yield from listening(proc, backlog=5)

            def mover(proc: bp.BprocProc) -> Steps:
                yield from proc.bproc_execmove(0, PROGRAM, ["there"], {})

            def taker(proc: bp.Proc, fd: int) -> Steps:
                began = made.sim.now_ns
                yield from drain(proc, fd, 65536)
                took.append(made.sim.now_ns - began)

            for _ in range(count):
                yield from proc.fork(mover)
            ends = []
            for _ in range(count):
                ends.append((yield from proc.accept(listener))[0])
            for fd in ends:
                yield from proc.write(fd, b"go")
                yield from proc.fork(taker, fd)
            for _ in range(2 * count):
                yield from proc.wait()

        made = world(program, nodes=1)
        made.execve(PROGRAM)
        assert_clean(made)
        return took

    (alone,) = transfer_ns(1)
    together = transfer_ns(2)
    assert len(together) == 2
    for each in together:
        assert 1.8 * alone < each < 2.2 * alone
    # One MiB at the pace of Fast Ethernet.
    assert 0.9 * 93_457_944 < alone < 1.1 * 93_457_944


def test_a_full_queue_is_asked_again_after_3_6_12_seconds() -> None:
    """A request that finds no room is dropped; the third finds some."""

    def program(proc: bp.Proc) -> Steps:
        listener = yield from listening(proc, backlog=0)
        yield from client_of(FRONT)(proc)

        def late(proc: bp.Proc) -> Steps:
            began = made.sim.now_ns
            yield from client_of(FRONT)(proc)
            assert 9 * s < made.sim.now_ns - began < 9 * s + 1 * ms

        yield from proc.fork(late)
        yield from proc.sleep(5 * s)
        yield from proc.accept(listener)
        yield from proc.wait()

    made = world(program)
    made.execve(PROGRAM)
    assert_clean(made)


def test_a_queue_that_stays_full_is_given_up_after_all_pauses() -> None:
    def program(proc: bp.Proc) -> Steps:
        yield from listening(proc, backlog=1)
        for _ in range(2):
            yield from client_of(FRONT)(proc)
        fd = yield from proc.socket()
        began = made.sim.now_ns
        assert (yield from call_errors(proc.connect(fd, bp.Address(FRONT, 7000)))) == "ETIMEDOUT"
        assert 189 * s <= made.sim.now_ns - began < 189 * s + 1 * ms

    made = world(program)
    made.execve(PROGRAM)
    assert_clean(made)


def test_a_dead_machine_does_not_answer() -> None:
    def program(proc: bp.Proc) -> Steps:
        fd = yield from proc.socket()
        assert (yield from call_errors(proc.connect(fd, bp.Address(NODE1, 1)))) == "ECONNREFUSED"
        yield from proc.sleep(1 * s)
        assert (yield from call_errors(proc.connect(fd, bp.Address(NODE1, 1)))) == "ETIMEDOUT"

    made = world(program, nodes=2, faults=[bp.PowerOff(1, at_ns=500 * ms)])
    made.execve(PROGRAM)


def test_a_refused_port_answers_so_although_somebody_listens() -> None:
    def program(proc: bp.Proc) -> Steps:
        yield from listening(proc)
        fd = yield from proc.socket()
        with made.inject(bp.ConnectRefused(MASTER, 7000)):
            assert (yield from call_errors(proc.connect(fd, bp.Address(FRONT, 7000)))) == "ECONNREFUSED"
        assert (yield from proc.connect(fd, bp.Address(FRONT, 7000))) == 0

    made = world(program)
    made.execve(PROGRAM)
    assert_clean(made)


def test_a_machine_listens_on_its_loopback_alone_if_asked() -> None:
    def program(proc: bp.Proc) -> Steps:
        yield from listening(proc, host="127.0.0.1", backlog=9)
        yield from listening(proc, 7001, backlog=9)
        yield from listening(proc, 7002, host=FRONT, backlog=9)
        answers = []
        for host in ("127.0.0.1", "", "0.0.0.0", FRONT):
            for port in (7000, 7001, 7002):
                fd = yield from proc.socket()
                answers.append((yield from call_errors(proc.connect(fd, bp.Address(host, port)))))
        refused = "ECONNREFUSED"
        assert answers[:3] == [0, 0, refused]
        assert answers[-3:] == [refused, 0, 0]

    play(program)


def test_a_slave_nobody_has_looked_at_can_be_reached() -> None:
    def program(proc: bp.Proc) -> Steps:
        fd = yield from proc.socket()
        assert (yield from call_errors(proc.connect(fd, bp.Address("10.54.2.44", 1)))) == "ECONNREFUSED"
        assert (yield from call_errors(proc.connect(fd, bp.Address("10.54.2.45", 1)))) == "EHOSTUNREACH"

    made = world(program, nodes=1)
    assert len(made.nodes) == 1
    big = bp.Cluster(nodes=301)
    big.install(PROGRAM, program)
    big.execve(PROGRAM)
    assert list(big.bpmaster.nodes) == [300]


@pytest.mark.parametrize(("after_ns", "heard"), [(5_000, False), (16_000, True)])
def test_nobody_waits_for_one_who_was_killed_while_connecting(after_ns: int, heard: bool) -> None:
    """The loopback takes 11 us: the request is on its way, or the answer is."""

    def program(proc: bp.Proc) -> Steps:
        listener = yield from listening(proc)

        def client(proc: bp.Proc) -> Steps:
            fd = yield from client_of(FRONT)(proc)
            yield from proc.write(fd, b"alive")

        pid = yield from proc.fork(client)
        yield from proc.sleep(after_ns)
        yield from proc.kill(pid, bp.SIGKILL)
        yield from proc.fork(client)
        if heard:
            fd, _ = yield from proc.accept(listener)
            assert (yield from call_errors(proc.read(fd))) == "ECONNRESET"
        fd, _ = yield from proc.accept(listener)
        assert (yield from proc.read(fd)) == b"alive"

    play(program)


def test_a_connection_that_a_signal_left_going_is_thrown_away_with_its_socket() -> None:
    def program(proc: bp.Proc) -> Steps:
        listener = yield from listening(proc, backlog=0)
        yield from client_of(FRONT)(proc)
        yield from proc.sigaction(bp.SIGALRM, lambda proc, signum: None)
        fd = yield from proc.socket()
        yield from proc.alarm(1)
        assert (yield from call_errors(proc.connect(fd, bp.Address(FRONT, 7000)))) == "EINTR"
        yield from proc.accept(listener)
        yield from proc.sleep(3 * s)  # by now the attempt has succeeded
        yield from proc.close(fd)
        other, _ = yield from proc.accept(listener)
        assert (yield from call_errors(proc.read(other))) == "ECONNRESET"

    play(program)


def test_connect_goes_on_after_a_handler_with_restart() -> None:
    def program(proc: bp.Proc) -> Steps:
        listener = yield from listening(proc, backlog=0)
        yield from client_of(FRONT)(proc)
        yield from proc.sigaction(bp.SIGALRM, lambda proc, signum: None, restart=True)

        def other(proc: bp.Proc) -> Steps:
            yield from proc.sleep(2 * s)
            yield from proc.accept(listener)

        yield from proc.fork(other)
        yield from proc.alarm(1)
        yield from client_of(FRONT)(proc)
        yield from proc.wait()

    play(program)


def test_accepting_many_at_once() -> None:
    """Each of many acceptors gets one connection, and nobody waits beside one."""
    got: list[int] = []

    def program(proc: bp.Proc) -> Steps:
        listener = yield from listening(proc, backlog=9)

        def acceptor(proc: bp.Proc) -> Steps:
            fd, peer = yield from proc.accept(listener)
            got.append(peer.port)
            yield from proc.read(fd)

        for _ in range(6):
            yield from proc.fork(acceptor)
        for _ in range(6):
            yield from client_of(FRONT)(proc)

    play(program)
    assert sorted(got) == list(range(32768, 32774))


def test_seeded_chaos_leaves_nothing() -> None:
    """Clients and servers that write, read, close and are killed at odd moments."""
    chance = random.Random("sockets")
    for _ in range(20):
        sizes = [chance.randrange(1, 100_000) for _ in range(4)]
        pauses = [chance.randrange(1, 3 * ms) for _ in range(4)]

        def program(proc: bp.Proc, sizes: list[int] = sizes, pauses: list[int] = pauses) -> Steps:
            listener = yield from listening(proc, backlog=1)

            def client(proc: bp.Proc, size: int) -> Steps:
                fd = yield from client_of(FRONT)(proc)
                yield from call_errors(proc.write(fd, bytes(size)))
                yield from call_errors(proc.read(fd))

            def server(proc: bp.Proc) -> Steps:
                fd, _ = yield from proc.accept(listener)
                yield from call_errors(proc.read(fd, 1000))
                yield from call_errors(proc.write(fd, bytes(1000)))
                yield from proc.pause()

            pids = []
            for size in sizes:
                pids.append((yield from proc.fork(client, size)))
                pids.append((yield from proc.fork(server)))
            yield from proc.close(listener)
            for place, pause in enumerate(pauses):
                yield from proc.sleep(pause)
                yield from call_errors(proc.kill(pids[pauses[-place] % 8], bp.SIGKILL))
            for pid in pids:
                yield from call_errors(proc.kill(pid, bp.SIGKILL))

        play(program)


@pytest.mark.parametrize(
    ("capabilities", "answer"), [(None, "EACCES"), ({"CAP_NET_BIND_SERVICE"}, 0), ({"CAP_NET_ADMIN"}, "EACCES")]
)
def test_a_low_port_is_for_who_has_the_capability(capabilities: set[str] | None, answer: object) -> None:
    """Source: linux-capabilities7."""

    def program(proc: bp.Proc) -> Steps:
        fd = yield from proc.socket()
        assert (yield from call_errors(proc.bind(fd, bp.Address("", 80)))) == answer
        assert (yield from call_errors(proc.bind(fd, bp.Address("", 1024)))) == (0 if answer else "EINVAL")

    play(program, user=bp.Credentials(500, 500, capabilities=capabilities))


def test_a_failure_to_bind_names_the_address() -> None:
    def program(proc: bp.Proc) -> Steps:
        fd = yield from proc.socket()
        for host in ("10.9.9.9", ""):
            with pytest.raises(bp.CallError) as caught:
                yield from proc.bind(fd, bp.Address(host, 80))
            told.append(caught.value.filename)

    told: list[object] = []
    play(program, user=bp.Credentials(500, 500))
    assert told == ["10.9.9.9:80", ":80"]


@pytest.mark.parametrize(("size", "answer"), [(0, b""), (1, "ENOTCONN"), (2, "ENOTCONN")])
def test_who_asks_for_a_byte_finds_a_socket_not_connected(size: int, answer: object) -> None:
    def program(proc: bp.Proc) -> Steps:
        fd = yield from proc.socket()
        assert (yield from call_errors(proc.read(fd, size))) == answer

    play(program)


def test_a_connection_is_made_in_the_time_of_two_ways() -> None:
    """What makes it has no size."""
    took: list[int] = []

    def program(proc: bp.Proc) -> Steps:
        fd = yield from proc.socket()
        began_ns = made.sim.now_ns
        yield from call_errors(proc.connect(fd, bp.Address(NODE0, 7000)))
        took.append(made.sim.now_ns - began_ns)

    made = world(program, nodes=1)
    made.execve(PROGRAM)
    assert took == [2 * made.costs.link_latency_ns + made.costs.syscall_ns]


def test_ports_are_handed_out_in_turn_and_from_the_first_again_after_the_last() -> None:
    ports = Ports()
    assert [ports.take_port() for _ in EPHEMERAL] == list(EPHEMERAL)
    assert ports.free_port() == 0
    for number in (EPHEMERAL[7], EPHEMERAL[5], EPHEMERAL[-1]):
        ports.release(number)
    assert [ports.take_port(), ports.take_port(), ports.take_port()] == [EPHEMERAL[5], EPHEMERAL[7], EPHEMERAL[-1]]


@pytest.mark.slow
def test_all_ports_used_up_by_programs() -> None:
    """28,232 sockets of 28 processes hold all ports that are handed out; then there are none."""

    def program(proc: bp.Proc) -> Steps:
        def holder(proc: bp.Proc) -> Steps:
            for _ in range(1020):
                fd = yield from proc.socket()
                if (yield from call_errors(proc.bind(fd, bp.Address("", 0)))) != 0:
                    break
            yield from proc.pause()

        pids = []
        for _ in range(28):
            pids.append((yield from proc.fork(holder)))
        yield from proc.sleep(1 * s)
        fd = yield from proc.socket()
        assert (yield from call_errors(proc.bind(fd, bp.Address("", 0)))) == "EADDRINUSE"
        assert (yield from call_errors(proc.listen(fd, 1))) == "EADDRINUSE"
        assert (yield from call_errors(proc.connect(fd, bp.Address(FRONT, 80)))) == "EADDRNOTAVAIL"
        assert (yield from call_errors(proc.bind(fd, bp.Address("", 80)))) == 0
        for pid in pids:
            yield from proc.kill(pid, bp.SIGKILL)

    play(program, master=bp.NodeSpec(open_files=40_000))
