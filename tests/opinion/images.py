"""Read from the ELF specification and binfmt_elf.c: what an exec makes of the bytes of a file."""

from __future__ import annotations

import struct

import attrs

# The machines that the kernel of an architecture runs, and whether their tables are of 32 bits.
MACHINES = {"x86-64": {62: False, 3: True, 6: True}, "i386": {3: True, 6: True}}
PT_LOAD, PT_INTERP = 1, 3
TABLE_MAX_BYTES = 65536
PAGE_BYTES = 4096
MUCH_MEMORY_BYTES = 1 << 28


@attrs.frozen
class Script:
    """A file whose first line names its interpreter."""

    interpreter: str
    argument: str | None


@attrs.frozen
class Elf:
    """An ELF file that this kernel takes so far."""

    interpreter: str | None  # None: it has none
    interpreters: int  # how many it names
    malformed: bool  # the first one's name is no string of a lawful length
    cut: bool  # its name lies past the end of the file
    plain: bool  # nothing in its tables kills it later
    narrow: bool  # of 32 bits: the handler that reads it takes a loader of 32 bits


@attrs.frozen
class Unknown:
    """A file that no format accepts."""


def read(data: bytes, arch: str) -> Script | Elf | Unknown:
    """Judge a file by its bytes."""
    if data.startswith(b"#!"):
        return _read_script(data)
    return _read_elf(data, arch)


def _read_script(data: bytes) -> Script | Unknown:
    line = data[:127].split(b"\n", 1)[0].split(b"\0", 1)[0].rstrip(b" \t")[2:].lstrip(b" \t")
    name, _, rest = line.replace(b"\t", b" ").partition(b" ")
    if not name:
        return Unknown()
    argument = rest.lstrip(b" ")
    return Script(name.decode("utf-8", "surrogateescape"), argument.decode("utf-8", "surrogateescape") or None)


def _read_elf(data: bytes, arch: str) -> Elf | Unknown:
    head = data[:128].ljust(128, b"\0")
    kind, machine = struct.unpack_from("<HH", head, 16)
    if head[:4] != b"\x7fELF" or kind not in (2, 3) or machine not in MACHINES[arch]:
        return Unknown()
    narrow = MACHINES[arch][machine]
    offset = struct.unpack_from("<i" if narrow else "<q", head, 28 if narrow else 32)[0]
    entry_bytes, count = struct.unpack_from("<HH", head, 42 if narrow else 54)
    if entry_bytes != (32 if narrow else 56) or count < 1 or count * entry_bytes > TABLE_MAX_BYTES:
        return Unknown()
    table = data[offset : offset + count * entry_bytes] if offset >= 0 else b""
    if len(table) < count * entry_bytes:
        return Unknown()
    headers = [_header(table, at * entry_bytes, narrow) for at in range(count)]
    named = [header for header in headers if header.kind == PT_INTERP]
    entry = struct.unpack_from("<I" if narrow else "<Q", head, 24)[0]
    plain = _is_plain(headers, len(data), entry)
    if not named:
        return Elf(None, 0, malformed=False, cut=False, plain=plain, narrow=narrow)
    at, length = named[0].offset, named[0].size
    name = data[at : at + length] if at >= 0 else b""
    malformed = not 2 <= length <= 4096
    cut = not malformed and len(name) < length
    malformed = malformed or (not cut and name[-1:] != b"\0")
    text = name.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
    return Elf(text, len(named), malformed=malformed, cut=cut, plain=plain, narrow=narrow)


def is_huge(data: bytes, arch: str) -> bool:
    """Whether an ELF file, even one that no kernel here takes, would fill more memory than a machine may have."""
    head = data[:128].ljust(128, b"\0")
    narrow = MACHINES[arch].get(struct.unpack_from("<H", head, 18)[0], arch == "i386")
    offset = struct.unpack_from("<I" if narrow else "<Q", head, 28 if narrow else 32)[0]
    size, count = (32 if narrow else 56), struct.unpack_from("<H", head, 44 if narrow else 56)[0]
    there = range(min(count, max(0, len(data) - offset) // size))
    headers = [_header(data, offset + at * size, narrow) for at in there]
    return sum(header.memory for header in headers if header.kind == PT_LOAD) > MUCH_MEMORY_BYTES


@attrs.frozen
class Header:
    """A program header, as far as it matters."""

    kind: int
    flags: int
    offset: int
    address: int
    size: int
    memory: int


def _header(table: bytes, at: int, narrow: bool) -> Header:
    if narrow:
        kind, offset, address, _, size, memory, flags = struct.unpack_from("<IiIIIII", table, at)
    else:
        kind, flags, offset, address, _, size, memory = struct.unpack_from("<IIqQQQQ", table, at)
    return Header(kind, flags, offset, address, size, memory)


def _is_plain(headers: list[Header], file_bytes: int, entry: int) -> bool:
    """Whether all of it can be mapped, and it starts in what can be run."""
    loads = [header for header in headers if header.kind == PT_LOAD]
    return any(load.flags & 1 and load.address <= entry < load.address + load.size for load in loads) and all(
        0 <= load.offset <= load.offset + load.size <= file_bytes
        and load.size <= load.memory < MUCH_MEMORY_BYTES
        and PAGE_BYTES <= load.address < 1 << 40
        and load.offset % PAGE_BYTES == load.address % PAGE_BYTES
        for load in loads
    )
