"""I/O forwarding: the existing socket of port 0, and the three connections back of any other port."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.units import KiB, MiB, ms, s
from tests.bproc.worlds import HELLO, MASTER, Steps, assert_clean, cluster

WAYS = [
    pytest.param(MASTER, 2, id="to a slave"),
    pytest.param(1, 2, id="between slaves"),
    pytest.param(1, -1, id="home"),
]
PORT = 4000


def installed(made: bp.Cluster, *programs: Any, on: str = "master,all") -> bp.Cluster:
    """Install programs under their own names."""
    for program in programs:
        made.install(f"/usr/bin/{getattr(program, 'name', None) or program.__name__}", program, on=on)
    return made


def read_all(proc: bp.Proc, fd: int, size: int = 65536) -> Steps:
    """Read up to the end of file."""
    data = bytearray()
    while piece := (yield from proc.read(fd, size)):
        data += piece
    return bytes(data)


def goes(node: int, name: str, *argv: str, port: int = 0) -> Callable[[bp.BprocProc], Steps]:
    """Make what a child does that only moves."""

    def child(proc: bp.BprocProc) -> Steps:
        yield from proc._bproc_execmove_io(node, port, f"/usr/bin/{name}", [name, *argv], {})

    return child


def run(made: bp.Cluster, program: Callable[..., Steps], source: int = MASTER) -> bp.Outcome:
    """Run a program and assert that it did not raise."""
    made.install("/usr/bin/launcher", program, on=source)
    out = made.execve("/usr/bin/launcher", from_node=source)
    assert out.exception is None, repr(out.exception)
    return out


# ---- port 0 --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("source", "target"), WAYS)
@pytest.mark.parametrize("edition", ["scyld", "lanl32", "bproc4"])
def test_stdin_of_port_0_is_empty_and_cannot_be_written(edition: str, source: int, target: int) -> None:
    def asks(proc: bp.Proc) -> Steps:
        assert (yield from proc.read(0, 10)) == b""
        try:
            yield from proc.write(0, b"abc")
        except OSError as error:
            return error.errno

    made = installed(bp.Cluster(nodes=3, edition=edition), asks)
    assert run(made, goes(target, "asks"), source).exit_status == bp.Errno.EBADF.number("linux")


def chatty(proc: bp.Proc) -> Steps:
    """Write to both in turn."""
    for number in range(20):
        yield from proc.write(1 + number % 2, b"%d on %d;" % (number, 1 + number % 2))


CHATTY = b"".join(b"%d on %d;" % (number, 1 + number % 2) for number in range(20))


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a22_both_outputs_come_out_of_the_callers_stdout_as_they_were_written(source: int, target: int) -> None:
    made = installed(cluster(), chatty)
    out = made.bproc_execmove(target, "/usr/bin/chatty", from_node=source)
    assert (out.stdout, out.stderr) == (CHATTY, b"")
    same = made.bproc_execmove_io(target, 0, "/usr/bin/chatty", from_node=source)
    assert (same.stdout, same.stderr) == (CHATTY, b"")
    assert_clean(made)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_stdin_is_at_its_end(source: int, target: int) -> None:
    def reads(proc: bp.Proc) -> Steps:
        assert (yield from proc.read(0)) == b""
        assert (yield from proc.read(0)) == b""
        yield from proc.print("the end")

    made = installed(cluster(), reads)
    out = made.bproc_execmove(target, "/usr/bin/reads", from_node=source, input=b"nobody reads this")
    assert (out.text, out.exit_status) == ("the end\n", 0)


def test_it_is_descriptor_1_of_the_caller_that_counts_not_2() -> None:
    def redirects(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()
        yield from proc.dup2(writing, 1)
        yield from proc.fork(goes(2, "chatty"))
        yield from proc.close(writing)
        yield from proc.close(1)
        data = yield from read_all(proc, reading)
        assert data == CHATTY
        yield from proc.wait()

    made = installed(cluster(), chatty)
    out = run(made, redirects)
    assert (out.stdout, out.stderr) == (b"", b"")
    assert_clean(made)


@pytest.mark.parametrize("how", ["closed", "only for reading"])
def test_without_a_stdout_of_the_caller_the_output_is_dropped(how: str) -> None:
    def closes(proc: bp.BprocProc) -> Steps:
        yield from proc.close(1)
        if how != "closed":
            assert (yield from proc.open("/etc/x", bp.O_RDONLY)) == 1
        yield from goes(2, "floods")(proc)

    def floods(proc: bp.BprocProc) -> Steps:
        yield from proc.write(1, bytes(1 * MiB))
        return 4

    made = installed(cluster(), floods)
    made.master.fs.write_file("/etc/x", b"")
    out = run(made, closes)
    assert (out.exit_status, out.stdout, out.stderr) == (4, b"", b"")
    assert_clean(made)


def test_output_goes_into_a_file_too() -> None:
    def into_file(proc: bp.BprocProc) -> Steps:
        yield from proc.close(1)
        assert (yield from proc.open("/tmp/out", bp.O_CREAT | bp.O_WRONLY)) == 1
        yield from proc.write(1, b"before;")
        yield from goes(2, "chatty")(proc)

    made = installed(cluster(), chatty)
    run(made, into_file)
    assert made.master.fs.read_file("/tmp/out") == b"before;" + CHATTY
    assert_clean(made)


def test_when_nobody_reads_the_callers_pipe_any_more_the_remote_process_gets_sigpipe() -> None:
    ended = list[Any]()

    def talks(proc: bp.Proc) -> Steps:
        for _ in range(1000):
            yield from proc.write(1, b"x" * 100)
            yield from proc.sleep(1 * ms)

    def pipes(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()
        yield from proc.dup2(writing, 1)
        yield from proc.fork(goes(2, "talks"))
        yield from proc.close(writing)
        yield from proc.close(1)
        assert (yield from proc.read(reading, 1)) == b"x"
        yield from proc.close(reading)
        ended.append((yield from proc.wait()))

    made = installed(cluster(), talks)
    run(made, pipes)
    assert ended[0].signal == bp.SIGPIPE
    assert made.sim.now_ns < 100 * ms
    assert_clean(made)


def test_it_gets_it_at_the_second_write_however_little_it_writes() -> None:
    """A pipe without a reader is not filled first."""
    ended, written = list[Any](), list[int]()

    def talks(proc: bp.Proc) -> Steps:
        for number in range(5):
            yield from proc.write(1, b"x")
            written.append(number)
            yield from proc.sleep(10 * ms)

    def pipes(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()
        yield from proc.dup2(writing, 1)
        yield from proc.fork(goes(2, "talks"))
        yield from proc.close(writing)
        yield from proc.close(1)
        assert (yield from proc.read(reading, 1)) == b"x"
        yield from proc.close(reading)
        ended.append((yield from proc.wait()))

    made = installed(cluster(), talks)
    run(made, pipes)
    assert (ended[0].signal, written) == (bp.SIGPIPE, [0, 1])
    assert_clean(made)


def test_or_the_error_if_it_does_not_let_itself_be_killed() -> None:
    met = list[Any]()

    def stubborn(proc: bp.Proc) -> Steps:
        yield from proc.sigaction(bp.SIGPIPE, bp.SIG_IGN)
        while (rc := (yield from proc.libc.write(1, bytes(10_000)))) != -1:
            met.append(rc)
        met.append(proc.libc.errno)

    def pipes(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()
        yield from proc.dup2(writing, 1)
        yield from proc.fork(goes(2, "stubborn"))
        yield from proc.close(writing)
        yield from proc.close(1)
        yield from proc.read(reading, 10)
        yield from proc.sleep(1 * s)  # by now the writer is blocked
        yield from proc.close(reading)
        yield from proc.wait()

    made = installed(cluster(), stubborn)
    run(made, pipes)
    assert met[-1] == bp.Errno.EPIPE.number("linux")
    assert_clean(made)


def test_a_full_pipe_of_the_caller_blocks_the_remote_writer_until_it_is_read() -> None:
    """iod holds what the pipe does not take, the socket's buffers fill, and the writer waits."""
    marks, size = list[int](), 300 * KiB

    def floods(proc: bp.Proc) -> Steps:
        for _ in range(size // 1024):
            yield from proc.write(1, b"y" * 1024)
            marks.append(made.sim.now_ns)

    def pipes(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()
        yield from proc.dup2(writing, 1)
        yield from proc.fork(goes(2, "floods"))
        yield from proc.close(writing)
        yield from proc.close(1)
        yield from proc.sleep(5 * s)
        blocked_at = len(marks)
        assert 64 * KiB <= blocked_at * 1024 < 100 * KiB
        assert marks[-1] < 1 * s
        assert any("floods" in line and "write(1)" in line for line in made.sim.waiting())
        data = yield from read_all(proc, reading)
        assert data == b"y" * size
        assert marks[blocked_at] >= 5 * s
        yield from proc.wait()

    made = installed(cluster(), floods)
    run(made, pipes)
    assert len(marks) == size // 1024
    assert_clean(made)


def test_what_was_written_before_a_death_still_comes_out() -> None:
    def speaks(proc: bp.Proc) -> Steps:
        yield from proc.write(1, b"last words")
        yield from proc.kill(proc.pid, bp.SIGKILL)

    made = installed(cluster(), speaks)
    out = made.bproc_execmove(2, "/usr/bin/speaks")
    assert (out.signal, out.stdout) == (bp.SIGKILL, b"last words")


def test_a_child_of_the_remote_process_shares_its_output_and_holds_it_open() -> None:
    def parent(proc: bp.Proc) -> Steps:
        def child(inner: bp.Proc) -> Steps:
            yield from inner.sleep(50 * ms)
            yield from inner.write(2, b"child")

        yield from proc.fork(child)
        yield from proc.write(1, b"parent;")

    made = installed(cluster(), parent)
    assert made.bproc_execmove(2, "/usr/bin/parent").stdout == b"parent;child"
    assert_clean(made)


# ---- any other port ------------------------------------------------------------------------------------


def echo(proc: bp.Proc) -> Steps:
    """Send stdin back on stdout, and its length on stderr."""
    data = yield from read_all(proc, 0)
    yield from proc.write(1, data)
    yield from proc.write(2, b"%d" % len(data))
    return 8


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a20_three_connections_in_the_order_stdout_stderr_stdin(source: int, target: int) -> None:
    """A program that binds, listens, lets a child move, and accepts three times."""
    peers = list[Any]()

    def launcher(proc: bp.Proc) -> Steps:
        listening = yield from proc.socket()
        yield from proc.bind(listening, bp.Address("", 0))
        yield from proc.listen(listening, 3)
        port = (yield from proc.getsockname(listening)).port
        yield from proc.fork(goes(target, "echo", port=port))
        ends = []
        for _ in range(3):
            end, peer = yield from proc.accept(listening)
            ends.append(end)
            peers.append(peer)
        out, err, inward = ends
        yield from proc.write(inward, b"some words")
        yield from proc.close(inward)
        assert (yield from read_all(proc, out)) == b"some words"
        assert (yield from read_all(proc, err)) == b"10"
        return (yield from proc.wait()).exit_status

    made = installed(cluster(), echo)
    assert run(made, launcher, source).exit_status == 8
    assert {peer.host for peer in peers} == {made.machine(target).address}
    assert len({peer.port for peer in peers}) == 3
    assert_clean(made)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_the_harness_listens_for_a_direct_call(source: int, target: int) -> None:
    made = installed(cluster(), echo)
    for call in (made.bproc_execmove_io, made._bproc_execmove_io):
        out = call(target, PORT, "/usr/bin/echo", from_node=source, input=b"in")
        assert (out.stdout, out.stderr, out.exit_status) == (b"in", b"2", 8)
    assert_clean(made)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a21_nobody_listens(source: int, target: int) -> None:
    made = cluster()
    out = made.bproc_execmove_io(target, PORT, HELLO, from_node=source, listen=False)
    assert (out.cause, out.exit_status, out.node) == ("connect_refused", 111, source)
    assert out.elapsed_ns < 10 * ms
    assert_clean(made)


@pytest.mark.parametrize(
    ("port", "reached"), [(PORT + 65536, PORT), (-1, 65535), (PORT - 65536, PORT), (2**31 - 1, 65535)]
)
def test_a_port_goes_through_htons(port: int, reached: int) -> None:
    """Modulo 65536, for negative numbers too."""
    seen = list[int]()

    def launcher(proc: bp.Proc) -> Steps:
        listening = yield from proc.socket()
        yield from proc.bind(listening, bp.Address("", reached))
        yield from proc.listen(listening, 3)
        yield from proc.fork(goes(2, "hello", port=port))
        for _ in range(3):
            yield from proc.accept(listening)
            seen.append(1)
        yield from proc.wait()

    made = cluster()
    run(made, launcher)
    assert len(seen) == 3
    assert made.bproc_execmove_io(2, port, HELLO).stdout == b"out of node 2\n"


@pytest.mark.parametrize("port", [65536, -65536, 2**31, 7 * 65536])
def test_a_port_that_becomes_0_is_not_port_0_and_fails_like_a_closed_one(port: int) -> None:
    made = cluster()
    assert made.bproc_execmove_io(2, port, HELLO).exit_status == 111
    assert made.bproc_execmove_io(2, port, HELLO, listen=False).cause == "connect_refused"
    assert made.bproc_execmove_io(2, 0, HELLO).exit_status == 3
    assert_clean(made)


def test_it_connects_to_the_host_that_it_came_from_not_to_the_master() -> None:
    """Those who listen on that port elsewhere hear nothing."""
    heard, statuses = list[int](), list[int]()

    def listens(proc: bp.Proc) -> Steps:
        listening = yield from proc.socket()
        yield from proc.bind(listening, bp.Address("", PORT))
        yield from proc.listen(listening, 5)
        yield from proc.accept(listening)
        heard.append(proc.node)

    def launcher(proc: bp.Proc) -> Steps:
        deaf = [(yield from proc.fork(listens))]
        for node in (2, 3):
            deaf.append((yield from proc.fork(goes(node, "listens"))))
        yield from proc.sleep(20 * ms)
        going = yield from proc.fork(goes(1, "goes-on"))
        statuses.append((yield from proc.waitpid(going)).exit_status)
        for pid in deaf:
            yield from proc.kill(pid, bp.SIGTERM)
        for _ in deaf:
            yield from proc.wait()

    made = installed(cluster(), listens)
    made.install("/usr/bin/goes-on", goes(2, "hello", port=PORT))
    made.install("/usr/bin/goes-on", goes(2, "hello", port=PORT), on=1)
    run(made, launcher)
    assert (heard, statuses) == ([], [111])
    assert_clean(made)


def test_a_listener_with_room_that_never_accepts_lets_it_run_until_the_buffers_are_full() -> None:
    written = list[int]()

    def floods(proc: bp.Proc) -> Steps:
        while True:
            written.append((yield from proc.write(1, bytes(1024))))

    def launcher(proc: bp.Proc) -> Steps:
        listening = yield from proc.socket()
        yield from proc.bind(listening, bp.Address("", PORT))
        yield from proc.listen(listening, 3)
        pid = yield from proc.fork(goes(2, "floods", port=PORT))
        yield from proc.sleep(10 * s)
        assert sum(written) == 64 * KiB
        assert any("floods" in line and "write(1)" in line for line in made.sim.waiting())
        yield from proc.kill(pid, bp.SIGTERM)
        assert (yield from proc.wait()).signal == bp.SIGTERM

    made = installed(cluster(), floods)
    run(made, launcher)
    assert_clean(made)


def test_one_of_the_three_that_fails_ends_the_process_and_the_others_see_the_end() -> None:
    seen = list[Any]()

    def launcher(proc: bp.Proc) -> Steps:
        listening = yield from proc.socket()
        yield from proc.bind(listening, bp.Address("", PORT))
        yield from proc.listen(listening, 3)
        yield from proc.fork(goes(2, "hello", port=PORT))
        out, _ = yield from proc.accept(listening)
        made.inject(bp.ConnectRefused(MASTER, PORT))
        seen.append((yield from read_all(proc, out)))
        seen.append((yield from proc.wait()).exit_status)

    made = cluster()
    run(made, launcher)
    assert seen == [b"", 111]
    assert_clean(made)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_an_acceptor_that_closes_one_of_them_leaves_the_others_as_they_are(which: int) -> None:
    """Who writes into a closed one meets EPIPE; who reads from a closed one, the end of file."""
    seen = dict[str, Any]()

    def talks(proc: bp.Proc) -> Steps:
        yield from proc.sigaction(bp.SIGPIPE, bp.SIG_IGN)
        seen["in"] = yield from read_all(proc, 0)
        for fd in (1, 2):
            rc = 0
            for _ in range(5):
                rc = yield from proc.libc.write(fd, b"word")
                if rc == -1:
                    break
                yield from proc.sleep(10 * ms)
            seen[f"write {fd}"] = rc if rc >= 0 else -proc.libc.errno
        return 0

    def launcher(proc: bp.Proc) -> Steps:
        listening = yield from proc.socket()
        yield from proc.bind(listening, bp.Address("", PORT))
        yield from proc.listen(listening, 3)
        yield from proc.fork(goes(2, "talks", port=PORT))
        ends = []
        for _ in range(3):
            ends.append((yield from proc.accept(listening))[0])
        yield from proc.close(ends[which])
        if which != 2:
            yield from proc.write(ends[2], b"hello")
            yield from proc.close(ends[2])
        for place, name in ((0, "out"), (1, "err")):
            if place != which:
                seen[name] = yield from read_all(proc, ends[place])
        yield from proc.wait()

    made = installed(cluster(), talks)
    run(made, launcher)
    words, epipe = b"word" * 5, -bp.Errno.EPIPE.number("linux")
    assert seen["in"] == (b"" if which == 2 else b"hello")
    assert (seen["write 1"], seen["write 2"]) == (epipe if which == 0 else 4, epipe if which == 1 else 4)
    assert (seen.get("out"), seen.get("err")) == (None if which == 0 else words, None if which == 1 else words)
    assert_clean(made)


def test_a_launcher_that_dies_leaves_the_remote_process_with_sigpipe() -> None:
    def talks(proc: bp.Proc) -> Steps:
        while True:
            yield from proc.write(1, b"word")
            yield from proc.sleep(1 * ms)

    def launcher(proc: bp.Proc) -> Steps:
        listening = yield from proc.socket()
        yield from proc.bind(listening, bp.Address("", PORT))
        yield from proc.listen(listening, 3)
        yield from proc.fork(goes(2, "talks", port=PORT))
        for _ in range(3):
            yield from proc.accept(listening)

    made = installed(cluster(), talks)
    run(made, launcher)
    made.sim.run()
    assert [record.signal for record in made.trace.of_kind("killed")] == ["SIGPIPE"]
    assert_clean(made)


def test_a_connection_that_nobody_answers_times_out() -> None:
    """The listener's queue is full: as often as TCP asks, there is no answer. 110."""

    def launcher(proc: bp.Proc) -> Steps:
        listening = yield from proc.socket()
        yield from proc.bind(listening, bp.Address("", PORT))
        yield from proc.listen(listening, 0)
        yield from proc.fork(goes(2, "hello", port=PORT))
        return (yield from proc.wait()).exit_status

    made = cluster()
    assert run(made, launcher).exit_status == 110
    assert 189 * s < made.sim.now_ns < 190 * s
    assert_clean(made)


def test_a_queue_that_is_full_for_a_while_only_delays() -> None:
    def launcher(proc: bp.Proc) -> Steps:
        listening = yield from proc.socket()
        yield from proc.bind(listening, bp.Address("", PORT))
        yield from proc.listen(listening, 0)
        yield from proc.fork(goes(2, "hello", port=PORT))
        yield from proc.sleep(5 * s)
        ends = []
        for _ in range(3):
            ends.append((yield from proc.accept(listening))[0])
        assert (yield from read_all(proc, ends[0])) == b"out of node 2\n"
        assert (yield from read_all(proc, ends[1])) == b"err of node 2\n"
        return (yield from proc.wait()).exit_status

    made = cluster()
    assert run(made, launcher).exit_status == 3
    assert_clean(made)


# ---- every byte, both ways ---------------------------------------------------------------------------

# Every value, in an order that no buffer size divides.
ALL_BYTES = bytes((value * 7 + value // 256) % 256 for value in range(1 * MiB))
LITTLE = ALL_BYTES[: 5 * KiB + 3]


def pump(data: bytes, size: int, port: int, source: int = MASTER, target: int = 2) -> tuple[bytes, bytes]:
    """Send data to `cat` and back through reads and writes of one size; what came out, and as stderr."""
    came = list[bytes]()

    def feeder(proc: bp.Proc, fd: int) -> Steps:
        for start in range(0, len(data), size):
            yield from proc.write(fd, data[start : start + size])
        yield from proc.close(fd)

    def feeding(proc: bp.Proc, fd: int, others: list[int]) -> Steps:
        for other in others:
            yield from proc.close(other)
        yield from feeder(proc, fd)

    def launcher(proc: bp.Proc) -> Steps:
        listening = yield from proc.socket()
        yield from proc.bind(listening, bp.Address("", port))
        yield from proc.listen(listening, 3)
        yield from proc.fork(goes(target, "cat", str(size), port=port))
        out, _ = yield from proc.accept(listening)
        err, _ = yield from proc.accept(listening)
        inward, _ = yield from proc.accept(listening)
        yield from proc.fork(feeding, inward, [out, err, listening])
        yield from proc.close(inward)
        came.append((yield from read_all(proc, out, size)))
        came.append((yield from read_all(proc, err, size)))
        for _ in range(2):
            assert (yield from proc.wait()).exit_status == 0

    made = cluster(trace="off")
    run(made, launcher, source)
    for machine in (made.machine(source), made.machine(target)):
        assert (machine.memory.used_bytes, machine.files.used) == (0, 0)
    return came[0], came[1]


@pytest.mark.slow
@pytest.mark.parametrize("size", [4095, 4096, 4097])
@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a_mebibyte_of_every_value_both_ways(size: int, source: int, target: int) -> None:
    out, err = pump(ALL_BYTES, size, PORT, source, target)
    assert out == ALL_BYTES and err == b""


def test_byte_by_byte() -> None:
    out, _ = pump(LITTLE, 1, PORT)
    assert out == LITTLE


@pytest.mark.slow
def test_a_mebibyte_byte_by_byte() -> None:
    out, _ = pump(ALL_BYTES, 1, PORT)
    assert out == ALL_BYTES


def spill(data: bytes, size: int, source: int, target: int) -> bp.Outcome:
    """Let a program write all of it through port 0."""

    def writes(proc: bp.Proc) -> Steps:
        for start in range(0, len(data), size):
            yield from proc.write(1 + start % 2, data[start : start + size])

    made = installed(cluster(trace="off"), writes)
    return made.bproc_execmove(target, "/usr/bin/writes", from_node=source)


@pytest.mark.slow
@pytest.mark.parametrize("size", [4095, 4096, 4097])
@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a_mebibyte_through_port_0(size: int, source: int, target: int) -> None:
    assert spill(ALL_BYTES, size, source, target).stdout == ALL_BYTES
    assert spill(LITTLE, 1, source, target).stdout == LITTLE


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.integers(1, 2), st.binary(max_size=200)), max_size=30),
    st.integers(0, 70_000),
    st.sampled_from([(MASTER, 2), (1, 2), (1, MASTER)]),
    st.integers(0, 3 * ms),
)
def test_any_writes_come_out_in_their_order(
    writes: list[tuple[int, bytes]], long: int, way: tuple[int, int], pause_ns: int
) -> None:
    def speaks(proc: bp.Proc) -> Steps:
        for fd, data in writes:
            yield from proc.write(fd, data)
            yield from proc.sleep(pause_ns)
        yield from proc.write(2, bytes(long))

    source, target = way
    made = installed(cluster(), speaks)
    joined = made.bproc_execmove(target, "/usr/bin/speaks", from_node=source)
    assert joined.stdout == b"".join(data for _, data in writes) + bytes(long)
    apart = made.bproc_execmove_io(target, PORT, "/usr/bin/speaks", from_node=source)
    assert apart.stdout == b"".join(data for fd, data in writes if fd == 1)
    assert apart.stderr == b"".join(data for fd, data in writes if fd == 2) + bytes(long)
    assert_clean(made)


# ---- sharing ---------------------------------------------------------------------------------------------

HEAVY = bp.ElfImage(machine=62, bits=64, byteorder="little").to_bytes() + bytes(range(1, 256)) * 8000


def streams(*moves: tuple[int, int]) -> list[int]:
    """Tell how long the image of each of several moves, begun at once, takes on the wire."""

    def launcher(proc: bp.BprocProc) -> Steps:
        def begins(inner: bp.BprocProc, source: int, target: int) -> Steps:
            if source != MASTER:
                yield from inner.bproc_execmove(source, "/usr/bin/goes", ["goes", str(target)], {})
            yield from inner.bproc_execmove(target, "/usr/bin/heavy", ["heavy"], {})

        for source, target in moves:
            yield from proc.fork(begins, source, target)
        for _ in moves:
            yield from proc.wait()

    def on(proc: bp.BprocProc) -> Steps:
        yield from proc.sleep(100 * ms - made.sim.now_ns)
        yield from proc.bproc_execmove(int(proc.argv[1]), "/usr/bin/heavy", ["heavy"], {})

    made = cluster(8)
    made.install("/usr/bin/heavy", None, image=HEAVY, on="master,all")
    made.install("/usr/bin/goes", on, on="master,all")
    run(made, launcher)
    began: dict[int, int] = {}
    took = dict[int, int]()
    for record in made.trace.of_kind("step"):
        if record.step == "CONNECT_BACK":
            began[record.pid] = record.at_ns
        elif record.step == "STREAM":
            took[record.pid] = record.at_ns - began[record.pid]
    pids = sorted(took)
    return [took[pid] for pid in pids]


def test_two_images_that_share_a_link_take_about_twice_as_long_each() -> None:
    (alone,) = streams((MASTER, 2))
    assert alone > 150 * ms
    for both in (streams((MASTER, 2), (MASTER, 2)), streams((MASTER, 2), (MASTER, 3))):
        # To one slave they share its link; to two they share the master's interface.
        assert all(1.9 * alone < each < 2.1 * alone for each in both), both
    assert all(2.8 * alone < each < 3.2 * alone for each in streams((MASTER, 1), (MASTER, 2), (MASTER, 3)))


def test_two_images_between_different_machines_do_not_share() -> None:
    (alone,) = streams((0, 1))
    assert all(each < 1.1 * alone for each in streams((0, 1), (2, 3)))
    # Into one slave they share its interface, whoever sends.
    assert all(1.9 * alone < each < 2.1 * alone for each in streams((0, 1), (2, 1)))


def test_two_outputs_that_share_the_masters_interface_take_about_twice_as_long() -> None:
    def floods(proc: bp.Proc) -> Steps:
        yield from proc.write(1, bytes(2 * MiB))

    def took(*nodes: int) -> int:
        def launcher(proc: bp.Proc) -> Steps:
            for node in nodes:
                yield from proc.fork(goes(node, "floods"))
            for _ in nodes:
                yield from proc.wait()

        made = installed(cluster(trace="off"), floods)
        return run(made, launcher).elapsed_ns

    alone, both = took(1), took(1, 2)
    assert 1.9 * alone < both < 2.1 * alone


@pytest.mark.parametrize("how", ["the master's daemon exits", "the slave is set down", "the slave loses its master"])
def test_the_iod_of_a_slave_goes_with_its_daemon(how: str) -> None:
    """What it forwards comes from a node that has died without a word, so nothing else would end it."""

    def talks(proc: bp.Proc) -> Steps:
        yield from proc.sleep(100 * s)

    def stays_on_0(proc: bp.BprocProc) -> Steps:
        yield from proc.fork(goes(1, "talks"))
        yield from proc.sleep(100 * s)

    def launches(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_rfork(0, stays_on_0)
        yield from proc.sleep(2 * s)

    faults: list[bp.Fault] = [bp.PowerOff(node=1, at_ns=900 * ms)]
    if how == "the master's daemon exits":
        faults.append(bp.MasterDaemonExit(at_ns=1 * s))
    elif how == "the slave loses its master":
        faults.append(bp.LinkCut(a=MASTER, b=0, at_ns=950 * ms))
    made = installed(cluster(2, faults=faults), talks, launches)
    launcher = made.popen(["launches"])
    made.sim.run(until_ns=950 * ms)
    assert [where.name for where in made.bpmaster.forwarding.values()] == ["master", "node 0"]
    if how == "the slave is set down":
        made.nodes[0].set_state("down")
    launcher.wait()
    if how == "the slave loses its master":
        made.sim.run(until_ns=35 * s)
    assert [where.name for where in made.bpmaster.forwarding.values() if where.name == "node 0"] == []
    assert made.machine(0).files.used == 0


@pytest.mark.parametrize("at_ms", [5, 6, 7])
def test_who_writes_to_an_iod_that_has_gone_learns_it(at_ms: int) -> None:
    """One that came home from a slave outlives the daemon, and writes by way of that slave."""

    def writes(proc: bp.Proc) -> Steps:
        for _ in range(64):
            yield from proc.write(1, b"x" * 64 * KiB)
            yield from proc.sleep(100_000)

    def comes_home(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_execmove(MASTER, "/usr/bin/writes", ["writes"], {})

    made = installed(cluster(2, faults=[bp.MasterDaemonExit(at_ns=at_ms * ms)]), writes)
    made.install("/usr/bin/comes_home", comes_home, on=1)
    out = made.execve("/usr/bin/comes_home", from_node=1)
    assert isinstance(out.exception, ConnectionResetError)
    assert (out.exit_status, out.node) == (1, MASTER)
