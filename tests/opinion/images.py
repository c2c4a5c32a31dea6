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
    """A file whose first line names its interpreter; `unended` if the buffer ends within that name."""

    interpreter: str
    argument: str | None
    unended: bool = False


@attrs.frozen
class Name:
    """The first PT_INTERP of an ELF file: where its string lies, and what it is."""

    length: int
    negative: bool  # it would lie before the file
    cut: bool  # it ends past the end of the file
    ended: bool  # by a NUL
    text: str

    @property
    def lawful(self) -> bool:
        """Whether its length is one that a kernel takes."""
        return 2 <= self.length <= 4096


@attrs.frozen
class Elf:
    """An ELF file of a type and machine that this kernel takes, as its headers are."""

    narrow: bool  # of 32 bits: the handler that reads it takes a loader of 32 bits
    sized: bool  # its program headers have the right size
    count: int
    large: bool  # the table has more bytes than a kernel takes
    negative: bool  # the table would lie before the file
    short: bool  # the table ends past the end of the file
    name: Name | None = None
    interpreters: int = 0  # how many it names
    plain: bool = False  # nothing in its tables kills it later

    @property
    def sound(self) -> bool:
        """Whether its table is one that can be read."""
        return self.sized and self.count > 0 and not (self.large or self.negative or self.short)


@attrs.frozen
class Unknown:
    """A file that no format accepts."""


def read(data: bytes, arch: str, line_bytes: int = 127) -> Script | Elf | Unknown:
    """Judge a file by its bytes; of a script's first line only so many count."""
    if data.startswith(b"#!"):
        return _read_script(data, line_bytes)
    return _read_elf(data, arch)


def _read_script(data: bytes, line_bytes: int) -> Script | Unknown:
    line = data[:line_bytes].split(b"\n", 1)[0].split(b"\0", 1)[0].rstrip(b" \t")[2:].lstrip(b" \t")
    name, blank, rest = line.replace(b"\t", b" ").partition(b" ")
    if not name:
        return Unknown()
    argument = rest.lstrip(b" ").decode("utf-8", "surrogateescape") or None
    unended = not blank and len(data) > line_bytes and b"\n" not in data[:line_bytes]
    return Script(name.decode("utf-8", "surrogateescape"), argument, unended)


def _read_elf(data: bytes, arch: str) -> Elf | Unknown:
    head = data[:128].ljust(128, b"\0")
    kind, machine = struct.unpack_from("<HH", head, 16)
    if head[:4] != b"\x7fELF" or kind not in (2, 3) or machine not in MACHINES[arch]:
        return Unknown()
    narrow = MACHINES[arch][machine]
    offset = struct.unpack_from("<i" if narrow else "<q", head, 28 if narrow else 32)[0]
    entry_bytes, count = struct.unpack_from("<HH", head, 42 if narrow else 54)
    whole_bytes = count * (32 if narrow else 56)
    table = data[offset : offset + whole_bytes] if offset >= 0 else b""
    elf = Elf(
        narrow, sized=entry_bytes == (32 if narrow else 56), count=count, large=whole_bytes > TABLE_MAX_BYTES,
        negative=offset < 0, short=len(table) < whole_bytes,
    )  # fmt: skip
    if not elf.sound:
        return elf
    headers = [_header(table, at * entry_bytes, narrow) for at in range(count)]
    named = [header for header in headers if header.kind == PT_INTERP]
    entry = struct.unpack_from("<I" if narrow else "<Q", head, 24)[0]
    name = _name(data, named[0]) if named else None
    return attrs.evolve(elf, name=name, interpreters=len(named), plain=_is_plain(headers, len(data), entry))


def _name(data: bytes, header: Header) -> Name:
    at, length = header.offset, header.size
    name = data[at : at + length] if at >= 0 else b""
    text = name.split(b"\0", 1)[0].decode("utf-8", "surrogateescape")
    return Name(length, negative=at < 0, cut=len(name) < length, ended=name[-1:] == b"\0", text=text)


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
        and (load.size == load.memory or load.flags & 2)
        and PAGE_BYTES <= load.address < 1 << 40
        and load.offset % PAGE_BYTES == load.address % PAGE_BYTES
        for load in loads
    )
