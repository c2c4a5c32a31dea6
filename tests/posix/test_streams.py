"""A connection's inbox: bytes in order, in any portions, and a message taken whole is the one that was sent."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.posix.streams import Endpoint
from bprocsim.units import KiB, MiB, ms
from tests.fakeport import FakePort


def test_a_message_that_is_taken_whole_is_not_copied() -> None:
    end, data = Endpoint(100), bytes(range(50))
    end.receive(FakePort(), data)
    assert end.take(FakePort(), 50) is data
    assert end.take(FakePort(), 50) is None


@given(st.lists(st.binary(min_size=1, max_size=20)), st.lists(st.integers(1, 30)))
def test_bytes_come_out_in_order_however_they_came_and_are_taken(sent: list[bytes], portions: list[int]) -> None:
    end, port, taken = Endpoint(10_000), FakePort(), b""
    waiting = iter(sent)
    for count in portions:
        if (data := next(waiting, None)) is not None:
            end.receive(port, data)
        piece: Any = end.take(port, count)
        assert piece is None or 0 < len(piece) <= count
        taken += piece or b""
    for data in waiting:
        end.receive(port, data)
    while (piece := end.take(port, 7)) is not None:
        taken += piece
    assert taken == b"".join(sent)


def test_reading_and_writing_a_file_takes_what_a_copy_takes() -> None:
    """Of regular files alone: a pipe has none."""
    import attrs

    took: dict[str, int] = {}

    def copy(proc: bp.Proc) -> Any:
        def timed(name: str, call: Any) -> Any:
            began = cluster.sim.now_ns
            result = yield from call
            took[name] = cluster.sim.now_ns - began
            return result

        fd = yield from proc.open("/image")
        data = yield from timed("read", proc.read(fd, MiB))
        yield from timed("end", proc.read(fd, MiB))
        out = yield from proc.open("/copy", bp.O_WRONLY | bp.O_CREAT)
        yield from timed("write", proc.write(out, data))
        _, writing = yield from proc.pipe()
        yield from timed("pipe", proc.write(writing, b"1234"))

    costs = attrs.evolve(bp.costs["clustermatic-2002"], name="copying", syscall_ns=1, file_copy_ns_per_mib=8 * ms)
    cluster = bp.Cluster(nodes=0, costs=costs)
    cluster.master.fs.write_file("/image", bytes(512 * KiB))
    cluster.install("/usr/bin/copy", copy)
    assert cluster.execve("/usr/bin/copy").exit_status == 0
    assert took == {"read": 4 * ms + 1, "end": 1, "write": 4 * ms + 1, "pipe": 1}
    assert cluster.master.fs.read_file("/copy") == bytes(512 * KiB)
