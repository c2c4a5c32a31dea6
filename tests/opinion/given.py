"""What every fresh machine of a cluster has, by the interface's words, as the second opinion knows it."""

from __future__ import annotations

import struct

from tests.opinion.worlds import Entry


def loader(machine: int, narrow: bool) -> bytes:
    """An ELF file of a machine, bare but sound."""
    if narrow:
        head = struct.pack("<16sHHIIIIIHHHHHH", b"\x7fELF", 3, machine, 1, 0, 52, 0, 0, 52, 32, 1, 0, 0, 0)
        return head + struct.pack("<8I", 1, 0, 0, 0, 84, 84, 5, 4096)
    head = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF", 3, machine, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    return head + struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, 120, 120, 4096)


GIVEN = {
    **{path: Entry("dir") for path in ("/bin", "/usr", "/usr/bin", "/lib", "/lib64", "/etc", "/dev")},
    "/tmp": Entry("dir", mode=0o1777),
    "/dev/null": Entry("chr", mode=0o666),
    "/lib/ld-linux.so.2": Entry(data=loader(3, narrow=True)),
    "/lib64/ld-linux-x86-64.so.2": Entry(data=loader(62, narrow=False)),
}
