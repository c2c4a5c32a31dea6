"""The symbols of an ELF file and their versions: what it offers, what it asks of others.

Read from real bytes without ever failing, like all in `elf`: a table that lies outside the file, or
makes no sense, is as if it were not there, or ends where the sense does. Nothing is judged here;
`binding` holds one file's wishes against the others' offers. Names are bytes, for nobody prints
them but a loader. Sources: elf-gabi (symbols, hash table, relocations), linux-6.18-measured
(versions and GNU's hash table, which no gABI has).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from struct import Struct
from typing import NamedTuple

from bprocsim.posix.elf import (
    DT_STRTAB,
    DT_SYMTAB,
    FORMS,
    STRING_LIMIT_BYTES,
    ElfFile,
    dynamic_entries,
    file_offset,
)

DT_PLTRELSZ, DT_HASH, DT_RELA, DT_RELASZ, DT_REL, DT_RELSZ, DT_PLTREL, DT_JMPREL = 2, 4, 7, 8, 17, 18, 20, 23
DT_BIND_NOW, DT_FLAGS = 24, 30
DT_GNU_HASH, DT_VERSYM, DT_FLAGS_1 = 0x6FFFFEF5, 0x6FFFFFF0, 0x6FFFFFFB
DT_VERDEF, DT_VERNEED = 0x6FFFFFFC, 0x6FFFFFFE
DF_BIND_NOW, DF_1_NOW, DF_1_PIE = 8, 1, 0x08000000
SHN_UNDEF, SHN_ABS = 0, 0xFFF1
STB_WEAK = 2
STT_TLS = 6
VER_FLG_BASE, VER_FLG_WEAK = 1, 2
HIDDEN = 0x8000  # of an index into the versions

# Of bindings and types, those that a loader binds to: global, weak, unique; no section, no file.
_BOUND = frozenset({1, 2, 10})
_TYPES = frozenset({0, 1, 2, 5, 6, 10})

# The relocation that copies a variable out of a library, by machine: its symbol stands in the file
# that asks, and is looked for elsewhere.
_COPIES = {2: 19, 3: 5, 6: 5, 20: 19, 21: 19, 62: 5, 183: 1024, 243: 4}

# No table is longer than a file; this bounds those whose entries point at one another.
_ENTRIES_LIMIT = 65536


class NeededVersion(NamedTuple):
    """A version that is asked of a file; `weak` it may be missing, `hidden` no other will do."""

    file: bytes
    name: bytes
    weak: bool = False
    hidden: bool = False


class Reference(NamedTuple):
    """A symbol that another file is to define: its name and version, as a relocation asks for it.

    `weak` it may be missing; `lazy` it is a function, bound when it is called, unless the file is
    bound at once; `copied` the file has room for it, and does not count as who defines it.
    """

    name: bytes
    version: NeededVersion | None
    weak: bool
    lazy: bool
    copied: bool = False


class Definition(NamedTuple):
    """One definition of a symbol: its version's index, and whether only who names that version gets it."""

    version_index: int
    hidden: bool


class Symbols(NamedTuple):
    """What the dynamic table of a file says of symbols.

    `has_table` there is a hash table, without which a loader finds no symbol; `has_indices` each
    symbol has a version's index (DT_VERSYM); `defines_versions` there are definitions of versions
    (DT_VERDEF), and `versions` their names by index, with those that are asked for, without the
    file's own; `offered` the names that are defined. `needed` are the versions asked for, in order,
    `exports` the definitions by symbol, `references` what relocations ask for, in order and once
    each. `bound_at_once` nothing is lazy; `is_program` it says that it is a program.
    """

    has_table: bool
    has_indices: bool
    defines_versions: bool
    versions: dict[int, bytes]
    offered: frozenset[bytes]
    needed: tuple[NeededVersion, ...]
    exports: dict[bytes, tuple[Definition, ...]]
    references: tuple[Reference, ...]
    bound_at_once: bool
    is_program: bool


class _Records(NamedTuple):
    """The records of one layout; ELF32 and ELF64 order the fields of a symbol differently."""

    symbol: Struct
    symbol_fields: tuple[int, int, int, int, int]  # where name, info, other, shndx and value stand
    word: Struct
    half: Struct
    rel: Struct
    rela: Struct
    info_shift: int
    verdef: Struct  # version, flags, ndx, cnt, hash, aux, next
    verdaux: Struct  # name, next
    verneed: Struct  # version, cnt, file, aux, next
    vernaux: Struct  # hash, flags, other, name, next


def _records(bits: int, byteorder: str) -> _Records:
    end = "<" if byteorder == "little" else ">"
    wide = bits == 64
    return _Records(
        Struct(end + ("IBBHQQ" if wide else "IIIBBH")),
        (0, 1, 2, 3, 4) if wide else (0, 3, 4, 5, 1),
        Struct(end + "I"),
        Struct(end + "H"),
        Struct(end + ("QQ" if wide else "II")),
        Struct(end + ("QQq" if wide else "IIi")),
        32 if wide else 8,
        Struct(end + "4H3I"),
        Struct(end + "2I"),
        Struct(end + "2H3I"),
        Struct(end + "I2H2I"),
    )


_RECORDS = {layout: _records(*layout) for layout in FORMS}


class _Symbol(NamedTuple):
    name: int
    info: int
    other: int
    shndx: int
    value: int

    @property
    def bind(self) -> int:
        return self.info >> 4

    @property
    def is_bound_elsewhere(self) -> bool:
        """Tell whether others see it, or it them: not local, hidden or internal."""
        return self.bind in _BOUND and self.other & 3 not in (1, 2)

    @property
    def is_offered(self) -> bool:
        """Tell whether a loader finds it."""
        placed = self.value != 0 or self.shndx == SHN_ABS or self.info & 15 == STT_TLS
        return self.is_bound_elsewhere and self.info & 15 in _TYPES and self.shndx != SHN_UNDEF and placed


class _File:
    """A file whose tables are being read."""

    def __init__(self, data: bytes, elf: ElfFile) -> None:
        self.data = data
        self.elf = elf
        self.records = _RECORDS[elf.layout]
        self.values = dict(dynamic_entries(data, elf.layout, elf.segments))
        self.strings = self.place(DT_STRTAB)
        self.symbols = self.place(DT_SYMTAB)
        self.indices = self.place(DT_VERSYM)

    def place(self, tag: int) -> int | None:
        """Tell where in the file the table of a tag lies; None if nowhere."""
        return file_offset(self.elf.segments, self.values[tag]) if tag in self.values else None

    def unpack(self, record: Struct, offset: int) -> tuple[int, ...] | None:
        """Read a record; None if it does not lie in the file."""
        inside = 0 <= offset <= len(self.data) - record.size
        return record.unpack_from(self.data, offset) if inside else None

    def string(self, place: int) -> bytes:
        """Read a name of the string table."""
        if self.strings is None:
            return b""
        start = self.strings + place
        end = self.data.find(b"\0", start, start + STRING_LIMIT_BYTES)
        return self.data[start : end if end >= 0 else start + STRING_LIMIT_BYTES]

    def symbol(self, number: int) -> _Symbol | None:
        """Read a symbol by its number."""
        if self.symbols is None:
            return None
        fields = self.unpack(self.records.symbol, self.symbols + number * self.records.symbol.size)
        return None if fields is None else _Symbol(*[fields[each] for each in self.records.symbol_fields])

    def index(self, number: int) -> int:
        """Give the version's index of a symbol; 1, of no version, where there is none."""
        if self.indices is None:
            return 1
        found = self.unpack(self.records.half, self.indices + 2 * number)
        return 1 if found is None else found[0]

    def chain(self, start: int | None, record: Struct) -> Iterator[tuple[int, tuple[int, ...]]]:
        """Follow records whose last field says how far behind it the next one lies."""
        for _ in range(_ENTRIES_LIMIT):
            fields = None if start is None else self.unpack(record, start)
            if start is None or fields is None:
                return
            yield start, fields
            if not fields[-1]:
                return
            start += fields[-1]


def read_symbols(data: bytes, elf: ElfFile) -> Symbols:
    """Read the symbols and versions of a file whose headers are `elf`; any bytes at all give some."""
    file = _File(data, elf)
    defined, needed = _read_definitions(file), _read_needs(file)
    versions = {**{index: each.name for index, each in needed.items()}, **defined}
    flags, flags_1 = file.values.get(DT_FLAGS, 0), file.values.get(DT_FLAGS_1, 0)
    return Symbols(
        has_table=DT_GNU_HASH in file.values or DT_HASH in file.values,
        has_indices=file.indices is not None,
        defines_versions=DT_VERDEF in file.values,
        versions=versions,
        offered=frozenset(defined.values()),
        needed=tuple(needed.values()),
        exports=_read_exports(file),
        references=_read_references(file, needed),
        bound_at_once=bool(DT_BIND_NOW in file.values or flags & DF_BIND_NOW or flags_1 & DF_1_NOW),
        is_program=bool(flags_1 & DF_1_PIE),
    )


def _read_definitions(file: _File) -> dict[int, bytes]:
    """Read which versions a file defines, by their index; the file's own name is none."""
    found: dict[int, bytes] = {}
    for place, (_, flags, index, _, _, aux, _) in file.chain(file.place(DT_VERDEF), file.records.verdef):
        name = file.unpack(file.records.verdaux, place + aux)
        if name is not None and not flags & VER_FLG_BASE:
            found[index & ~HIDDEN] = file.string(name[0])
    return found


def _read_needs(file: _File) -> dict[int, NeededVersion]:
    """Read which versions a file asks for, by their index and in their order."""
    found: dict[int, NeededVersion] = {}
    for place, (_, count, name, aux, _) in file.chain(file.place(DT_VERNEED), file.records.verneed):
        asked = file.string(name)
        for _, (_, flags, other, version, _) in islice(file.chain(place + aux, file.records.vernaux), count):
            found[other & ~HIDDEN] = NeededVersion(
                asked, file.string(version), bool(flags & VER_FLG_WEAK), bool(other & HIDDEN)
            )
    return found


def _read_exports(file: _File) -> dict[bytes, tuple[Definition, ...]]:
    """Read the definitions that a loader finds through the hash table: GNU's, if there is one."""
    found: dict[bytes, tuple[Definition, ...]] = {}
    for number in _by_gnu_hash(file) if DT_GNU_HASH in file.values else _by_hash(file):
        symbol = file.symbol(number)
        if symbol is None:
            break
        if symbol.is_offered:
            index, name = file.index(number), file.string(symbol.name)
            found[name] = (*found.get(name, ()), Definition(index & ~HIDDEN, bool(index & HIDDEN)))
    return found


def _by_hash(file: _File) -> range:
    """Tell which symbols the table of DT_HASH has: as many as it has links."""
    start = file.place(DT_HASH)
    count = None if start is None else file.unpack(file.records.word, start + 4)
    return range(1, count[0]) if count is not None else range(0)


def _by_gnu_hash(file: _File) -> range:
    """Tell which symbols the table of DT_GNU_HASH has: from its first to the end of the last chain."""
    start, word = file.place(DT_GNU_HASH), file.records.word
    head = None if start is None else file.unpack(Struct(word.format[:1] + "4I"), start)
    if start is None or head is None:
        return range(0)
    buckets, first, filter_words, _ = head
    at = start + 16 + filter_words * file.elf.layout.bits // 8
    if at + 4 * buckets > len(file.data):
        return range(0)
    last = max((each for (each,) in word.iter_unpack(file.data[at : at + 4 * buckets])), default=0)
    if last < first:
        return range(0)
    links = at + 4 * buckets
    while (link := file.unpack(word, links + 4 * (last - first))) is not None and not link[0] & 1:
        last += 1
    return range(first, last + (link is not None))


def _read_references(file: _File, needed: dict[int, NeededVersion]) -> tuple[Reference, ...]:
    """Read what the relocations ask of others: first what is bound at once, then functions."""
    tables = [
        (DT_RELA, file.values.get(DT_RELASZ, 0), file.records.rela, False),
        (DT_REL, file.values.get(DT_RELSZ, 0), file.records.rel, False),
        (
            DT_JMPREL,
            file.values.get(DT_PLTRELSZ, 0),
            file.records.rela if file.values.get(DT_PLTREL) == DT_RELA else file.records.rel,
            True,
        ),
    ]
    shift, copies = file.records.info_shift, _COPIES.get(file.elf.e_machine, -1)
    found: dict[tuple[bytes, NeededVersion | None, bool], Reference] = {}
    for tag, size, record, lazy in tables:
        start = file.place(tag)
        if start is None:
            continue
        part = file.data[start : start + size]
        # Most have no symbol, and many the same one.
        asked = dict.fromkeys(
            info for _, info, *_ in record.iter_unpack(part[: len(part) - len(part) % record.size]) if info >> shift
        )
        for info in asked:
            number, copied = info >> shift, info & (1 << shift) - 1 == copies
            symbol = file.symbol(number)
            if symbol is None or not symbol.is_bound_elsewhere or not (copied or symbol.shndx == SHN_UNDEF):
                continue
            name, version = file.string(symbol.name), needed.get(file.index(number) & ~HIDDEN)
            made = Reference(name, version, symbol.bind == STB_WEAK, lazy, copied)
            found.setdefault((name, version, copied), made)
    return tuple(found.values())
