"""Pipes: buffers that fill, writes that stay whole, ends that close, many at both ends."""

from __future__ import annotations

import random
from itertools import accumulate, groupby

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.units import ms, s
from tests.calls.worlds import PROGRAM, Steps, assert_clean, call_errors, play, says, world

EVERY_BYTE = bytes(range(256))


def test_a_writer_is_seen_blocked_until_its_reader_reads() -> None:
    seen: list[list[str]] = []

    def program(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()
        yield from proc.write(writing, bytes(4096))

        def writer(proc: bp.Proc) -> Steps:
            yield from proc.close(reading)
            yield from proc.write(writing, b"one more")

        yield from proc.fork(writer)
        for _ in range(3):
            yield from proc.sleep(1 * s)
            seen.append(says(made))
        yield from proc.read(reading, 7)
        yield from proc.sleep(1 * ms)
        seen.append(says(made))  # seven bytes are no room for eight
        yield from proc.read(reading, 1)
        yield from proc.sleep(1 * ms)
        seen.append(says(made))
        yield from proc.close(writing)
        assert (yield from proc.read(reading, 4088)) == bytes(4088)
        assert (yield from proc.read(reading)) == b"one more"
        assert (yield from proc.read(reading)) == b""

    made = world(program)
    made.execve(PROGRAM)
    blocked = "  pid 1002 (program) on master waits in write(4) since 1.131136 ms"
    assert [[line for line in lines if "write" in line] for lines in seen] == [[blocked]] * 4 + [[]]
    assert_clean(made)


@pytest.mark.parametrize("size", [1, 4095, 4096, 4097])
def test_every_byte_arrives_in_order_through_buffers_of_any_size(size: int) -> None:
    data = EVERY_BYTE * (16 if size == 1 else 512)
    got = bytearray()

    def program(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()

        def writer(proc: bp.Proc) -> Steps:
            yield from proc.close(reading)
            for start in range(0, len(data), size):
                piece = data[start : start + size]
                assert (yield from proc.write(writing, piece)) == len(piece)

        yield from proc.fork(writer)
        yield from proc.close(writing)
        while piece := (yield from proc.read(reading, size)):
            assert len(piece) <= size
            got.extend(piece)

    play(program)
    assert bytes(got) == data


@pytest.mark.slow
@pytest.mark.parametrize("size", [1, 4095])
def test_a_mebibyte(size: int) -> None:
    data = EVERY_BYTE * (4096 if size > 1 else 256)
    got = bytearray()

    def program(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()

        def writer(proc: bp.Proc) -> Steps:
            yield from proc.close(reading)
            for start in range(0, len(data), size):
                yield from proc.write(writing, data[start : start + size])

        yield from proc.fork(writer)
        yield from proc.close(writing)
        while piece := (yield from proc.read(reading, size)):
            got.extend(piece)

    play(program)
    assert bytes(got) == data


@settings(max_examples=40)
@given(
    sizes=st.lists(st.lists(st.integers(1, 6000), min_size=1, max_size=6), min_size=1, max_size=4),
    reads=st.lists(st.integers(1, 5000), min_size=1, max_size=5),
    readers=st.integers(1, 3),
    capacity=st.sampled_from([4096, 8192, 65536]),
)
def test_many_writers_and_readers(sizes: list[list[int]], reads: list[int], readers: int, capacity: int) -> None:
    """Each writer's bytes come in its order; writes of up to 4096 bytes are never torn by others."""
    got: list[bytes] = []

    def program(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()

        def writer(proc: bp.Proc, number: int) -> Steps:
            yield from proc.close(reading)
            for size in sizes[number]:
                assert (yield from proc.write(writing, bytes([number]) * size)) == size

        def reader(proc: bp.Proc) -> Steps:
            yield from proc.close(writing)
            turn = 0
            while piece := (yield from proc.read(reading, reads[turn % len(reads)])):
                got.append(piece)
                turn += 1

        for number in range(len(sizes)):
            yield from proc.fork(writer, number)
        for _ in range(readers):
            yield from proc.fork(reader)

    costs = evolve(bp.costs["clustermatic-2002"], pipe_bytes=capacity)
    play(program, costs=costs)
    whole = b"".join(got)
    for number, ones in enumerate(sizes):
        assert whole.count(bytes([number])) == sum(ones)
    if max(map(max, sizes)) <= 4096:
        # What one writer has between others' bytes is made of whole writes.
        ends = {number: set(accumulate(ones)) for number, ones in enumerate(sizes)}
        passed = dict.fromkeys(ends, 0)
        for number, run in groupby(whole):
            passed[number] += len(list(run))
            assert passed[number] in ends[number]


def test_bytes_left_by_one_reader_wake_the_next() -> None:
    """Two wait for one byte each; one write brings both."""
    got: list[bytes] = []

    def program(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()

        def reader(proc: bp.Proc) -> Steps:
            yield from proc.close(writing)
            got.append((yield from proc.read(reading, 1)))

        for _ in range(2):
            yield from proc.fork(reader)
        yield from proc.sleep(1 * ms)
        yield from proc.write(writing, b"ab")

    play(program)
    assert sorted(got) == [b"a", b"b"]


def test_a_reader_that_dies_at_the_instant_of_its_wakening_leaves_the_bytes_to_the_next() -> None:
    got: list[bytes] = []

    def program(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()

        def reader(proc: bp.Proc, _number: int) -> Steps:
            got.append((yield from proc.read(reading, 10)))

        first = yield from proc.fork(reader, 1)
        yield from proc.fork(reader, 2)

        def writer(proc: bp.Proc) -> Steps:
            yield from proc.sleep(1 * ms - costs.syscall_ns)
            yield from proc.write(writing, b"for one")

        def killer(proc: bp.Proc) -> Steps:
            yield from proc.sleep(1 * ms - costs.signal_ns)
            yield from proc.kill(first, bp.SIGKILL)  # at the instant of the write, but after it

        yield from proc.fork(writer)
        yield from proc.fork(killer)
        told = []
        for _ in range(4):
            told.append((yield from proc.wait()))
        assert bp.Waited(first, None, bp.SIGKILL) in told

    costs = evolve(bp.costs["clustermatic-2002"], fork_ns=0, signal_ns=500)
    play(program, costs=costs)
    assert got == [b"for one"]


def test_ends_that_close() -> None:
    def program(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()
        yield from proc.write(writing, b"left")
        yield from proc.dup2(writing, 9)
        yield from proc.close(writing)
        assert (yield from proc.read(reading)) == b"left"
        yield from proc.write(9, b"more")
        yield from proc.close(9)
        assert (yield from proc.read(reading)) == b"more"
        assert (yield from proc.read(reading)) == b""
        assert (yield from proc.read(reading)) == b""

    play(program)


def test_a_waiting_reader_meets_the_end_when_the_last_writer_dies() -> None:
    def program(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()

        def writer(proc: bp.Proc) -> Steps:
            yield from proc.pause()

        pids = []
        for _ in range(2):
            pids.append((yield from proc.fork(writer)))
        yield from proc.close(writing)

        def killer(proc: bp.Proc) -> Steps:
            for pid in pids:
                yield from proc.close(writing) if pid == 0 else proc.sleep(1 * s)
                yield from proc.kill(pid, bp.SIGKILL)

        yield from proc.fork(killer)
        assert (yield from proc.read(reading)) == b""
        assert made.sim.now_ns > 2 * s

    made = world(program)
    made.execve(PROGRAM)
    assert_clean(made)


def test_a_waiting_writer_is_killed_when_the_last_reader_dies() -> None:
    def program(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()
        yield from proc.write(writing, bytes(4096))

        def writer(proc: bp.Proc) -> Steps:
            yield from proc.close(reading)
            yield from proc.write(writing, b"x")

        def stubborn(proc: bp.Proc) -> Steps:
            yield from proc.sigaction(bp.SIGPIPE, bp.SIG_IGN)
            yield from proc.close(reading)
            assert (yield from call_errors(proc.write(writing, b"x"))) == "EPIPE"
            assert (yield from call_errors(proc.write(writing, b"x"))) == "EPIPE"
            return 5

        first = yield from proc.fork(writer)
        second = yield from proc.fork(stubborn)
        yield from proc.sleep(1 * ms)
        yield from proc.close(reading)
        assert (yield from proc.waitpid(first)) == bp.Waited(first, None, bp.SIGPIPE)
        assert (yield from proc.waitpid(second)) == bp.Waited(second, 5)

    play(program)


def test_a_writer_whose_reader_goes_away_midway_is_told_how_much_was_written() -> None:
    def program(proc: bp.Proc) -> Steps:
        yield from proc.sigaction(bp.SIGPIPE, bp.SIG_IGN)
        reading, writing = yield from proc.pipe()

        def reader(proc: bp.Proc) -> Steps:
            yield from proc.sleep(1 * ms)

        yield from proc.fork(reader)
        yield from proc.close(reading)
        assert (yield from proc.write(writing, bytes(10_000))) == 4096
        assert (yield from call_errors(proc.write(writing, b"x"))) == "EPIPE"

    play(program)


@pytest.mark.parametrize(("size", "first"), [(4096, 1), (4097, 4096)])
def test_what_is_no_longer_than_a_pipe_goes_in_whole(size: int, first: int) -> None:
    def program(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()
        yield from proc.write(writing, b"1")

        def writer(proc: bp.Proc) -> Steps:
            yield from proc.write(writing, bytes(size))

        yield from proc.fork(writer)
        yield from proc.sleep(1 * ms)
        assert len((yield from proc.read(reading, 2 * 4096))) == first
        assert len((yield from proc.read(reading, 2 * 4096))) == size + 1 - first

    play(program)


@pytest.mark.parametrize(("number", "answer"), [(-1, "EBADF"), (0, 0), (1023, 1023), (1024, "EBADF")])
def test_a_descriptor_may_become_any_that_there_can_be(number: int, answer: object) -> None:
    def program(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()
        yield from proc.write(writing, b"x")
        assert (yield from call_errors(proc.dup2(reading, number))) == answer
        if answer == number:
            assert (yield from proc.read(number)) == b"x"

    play(program)


@pytest.mark.parametrize(("data", "answer"), [(b"", 0), (b"x", "EPIPE"), (b"XXXX", "EPIPE")])
def test_nobody_notices_that_nothing_is_written_to_nobody(data: bytes, answer: object) -> None:
    def program(proc: bp.Proc) -> Steps:
        yield from proc.sigaction(bp.SIGPIPE, bp.SIG_IGN)
        reading, writing = yield from proc.pipe()
        yield from proc.close(reading)
        assert (yield from call_errors(proc.write(writing, data))) == answer

    play(program)


def test_the_rest_of_a_long_write_goes_in_byte_by_byte() -> None:
    """What is whole is a write of up to 4096 bytes, not what is left of a longer one."""

    def program(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()
        done: list[int] = []

        def writer(proc: bp.Proc) -> Steps:
            done.append((yield from proc.write(writing, bytes(4096) + b"tail")))

        yield from proc.fork(writer)
        yield from proc.sleep(1 * ms)
        yield from proc.read(reading, 3)
        yield from proc.sleep(1 * ms)
        assert done == []
        yield from proc.read(reading, 1)
        yield from proc.sleep(1 * ms)
        assert done == [4100]

    play(program)


def test_whoever_waits_for_the_other_side_of_a_fifo_holds_nothing_afterwards() -> None:
    def program(proc: bp.Proc) -> Steps:
        yield from proc.sigaction(bp.SIGALRM, lambda proc, signum: None)
        yield from proc.alarm(1)
        assert (yield from call_errors(proc.open("/tmp/fifo"))) == "EINTR"
        assert made.machine(-1).files.used == 0
        assert made.machine(-1).fifos == {}

        def waiting(proc: bp.Proc, flags: int) -> Steps:
            yield from proc.open("/tmp/fifo", flags)

        pid = yield from proc.fork(waiting, bp.O_WRONLY)
        yield from proc.sleep(1 * ms)
        assert any("waits in open(b'/tmp/fifo')" in line for line in says(made))
        yield from proc.kill(pid, bp.SIGKILL)
        yield from proc.wait()
        assert made.machine(-1).fifos == {}

    made = world(program)
    made.master.fs.mknod("/tmp/fifo", "fifo")
    made.execve(PROGRAM)
    assert_clean(made)


def test_seeded_chaos_leaves_nothing() -> None:
    """Children that write, read, close and are killed at odd moments."""
    chance = random.Random("pipes")
    for _ in range(20):
        plan = [(chance.choice("rwcs"), chance.randrange(1, 6000)) for _ in range(12)]
        victims = [chance.randrange(3) for _ in range(3)]

        def program(proc: bp.Proc, plan: list[tuple[str, int]] = plan, victims: list[int] = victims) -> Steps:
            reading, writing = yield from proc.pipe()

            def child(proc: bp.Proc, share: list[tuple[str, int]]) -> Steps:
                for what, size in share:
                    if what == "r":
                        yield from call_errors(proc.read(reading, size))
                    elif what == "w":
                        yield from call_errors(proc.write(writing, bytes(size)))
                    elif what == "c":
                        yield from call_errors(proc.close(reading if size % 2 else writing))
                    else:
                        yield from proc.sleep(size * 100)

            pids = []
            for number in range(4):
                pids.append((yield from proc.fork(child, plan[number * 3 : number * 3 + 3])))
            yield from proc.close(reading)
            yield from proc.close(writing)
            for victim in victims:
                yield from proc.sleep(200_000)
                yield from call_errors(proc.kill(pids[victim], bp.SIGKILL))
            yield from proc.sleep(1 * s)
            for pid in pids:
                yield from call_errors(proc.kill(pid, bp.SIGKILL))

        play(program)


def test_both_sides_of_a_fifo_may_take_the_last_places_there_are() -> None:
    """Who waits holds his place already: that no other is left then is nothing to him."""
    told: list[object] = []

    def program(proc: bp.Proc) -> Steps:
        made.inject(bp.OpenFileLimit(-1, 2))
        child = yield from proc.fork(writes)
        told.append((yield from call_errors(proc.open("/tmp/fifo", bp.O_RDONLY))))
        yield from proc.waitpid(child)

    def writes(proc: bp.Proc) -> Steps:
        yield from proc.sleep(1 * ms)
        told.append((yield from call_errors(proc.open("/tmp/fifo", bp.O_WRONLY))))
        yield from proc.sleep(1 * ms)

    made = world(program)
    made.master.fs.mknod("/tmp/fifo", "fifo")
    made.execve(PROGRAM)
    assert sorted(map(str, told)) == ["3", "3"]
