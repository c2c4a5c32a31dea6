"""What is read of a file's bytes is read once, and large files are not kept for it."""

from __future__ import annotations

import sys

from bprocsim.posix.image import read_once
from bprocsim.units import KiB, MiB


def test_the_same_bytes_are_read_once() -> None:
    read: list[int] = []

    @read_once
    def size(data: bytes, other: str) -> int:
        """Say what it is."""
        read.append(len(data))
        return len(data)

    for length in (10, 10, 2 * MiB, 2 * MiB):
        assert size(bytes(length), "a") == length
    assert read == [10, 2 * MiB]
    assert size(bytes(10), "b") == 10
    assert read[2:] == [10], "another question"
    assert size.__doc__ == "Say what it is."


def test_of_large_files_only_the_last_few_are_kept() -> None:
    @read_once
    def size(data: bytes) -> int:
        return len(data)

    small, large = [bytes(10 + each) for each in range(9)], [bytes(MiB + each * KiB) for each in range(9)]
    before = sys.getrefcount(small[0]), sys.getrefcount(large[0])
    for data in (*small, *large):
        size(data)
    after = sys.getrefcount(small[0]), sys.getrefcount(large[0])
    assert after[0] > before[0]
    assert after[1] == before[1]
