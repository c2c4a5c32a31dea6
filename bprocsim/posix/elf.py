"""An ELF file as data: read from real bytes, without ever failing and without judging.

A kernel's checks, a loader's search and a student's `readelf` look at different parts of the same
file, and refuse different things. So nothing is decided here: every raw field that one of them asks
about is recorded as it stands, and `exec` and `loader` hold the conditions. Kernels do not look at
the class and byte-order bytes of the identification (an x86-64 kernel reads every file as ELF64,
little-endian), so the reader says by which `Layout` it reads.

Names are ELF's own. Sources: elf-gabi (layouts), linux-6.18-measured (what kernels do not look at).
"""

from __future__ import annotations

from functools import partial
from itertools import takewhile
from struct import Struct
from typing import Literal, NamedTuple

ByteOrder = Literal["little", "big"]

MAGIC = b"\x7fELF"
ET_NONE, ET_REL, ET_EXEC, ET_DYN, ET_CORE = range(5)
PT_NULL, PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_SHLIB, PT_PHDR, PT_TLS = range(8)
PT_GNU_STACK = 0x6474E551
PF_X, PF_W, PF_R = 1, 2, 4
DT_NULL, DT_NEEDED, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_SYMENT = 0, 1, 5, 6, 10, 11
DT_SONAME, DT_RPATH, DT_RUNPATH = 14, 15, 29

# The note that names the program behind an image of ours: owner, type; its descriptor is the name.
NOTE_OWNER = b"bprocsim"
NOTE_PROGRAM = 1

# How much of a hostile file is looked at. No kernel reads a table of more than 64 KiB or an
# interpreter's path of more than 4096 bytes, so nothing that anyone asks about lies beyond.
TABLE_LIMIT_BYTES = 65536
STRING_LIMIT_BYTES = 4096
NOTES_LIMIT = 256


class Layout(NamedTuple):
    """How a reader lays out the words of a file: 32 or 64 bits, "little" or "big" endian."""

    bits: int
    byteorder: ByteOrder


class Segment(NamedTuple):
    """One program header: where a part of the file lies and where it goes in memory.

    Also what `ElfImage(segments=...)` takes; what is left out is 0.
    """

    p_type: int
    p_flags: int = 0
    p_offset: int = 0
    p_vaddr: int = 0
    p_paddr: int = 0
    p_filesz: int = 0
    p_memsz: int = 0
    p_align: int = 0


class Interpreter(NamedTuple):
    """What one PT_INTERP points at.

    `data` is what could be read of its `p_filesz` bytes at `p_offset`, at most 4096 of them;
    `complete` says whether all `p_filesz` lie in the file.
    """

    p_offset: int
    p_filesz: int
    data: bytes
    complete: bool

    @property
    def path(self) -> bytes:
        """Give the path as C reads it: up to the first NUL."""
        return self.data.partition(b"\0")[0]


class Note(NamedTuple):
    """One note of a PT_NOTE: its owner's name without the closing NUL, its type, its descriptor."""

    owner: bytes
    type: int
    desc: bytes


class ElfFile(NamedTuple):
    """What is in a file that may be an ELF file, read by `layout`.

    `size` is the file's length in bytes. A header that the file cuts short reads as if followed by
    zeros, as in the buffer of a kernel. `magic_ok` says whether the file starts with the four bytes
    of the magic; without them only the `e_` fields are filled, and they are nonsense.

    `segments` are the program headers that lie wholly in the file, at most 64 KiB of them, and none
    if `e_phentsize` is shorter than a program header; `table_complete` says whether all
    `e_phnum * e_phentsize` bytes at `e_phoff` lie in the file. `interpreters` has one entry per
    PT_INTERP, in the order of the table.

    `needed`, `soname`, `rpath` and `runpath` are the strings of the PT_DYNAMIC, found through the
    PT_LOAD that holds DT_STRTAB: UTF-8, other bytes as surrogates. `notes` are those of every
    PT_NOTE, at most 256.
    """

    layout: Layout
    size: int
    magic_ok: bool
    e_ident: bytes
    e_type: int
    e_machine: int
    e_version: int
    e_entry: int
    e_phoff: int
    e_shoff: int
    e_flags: int
    e_ehsize: int
    e_phentsize: int
    e_phnum: int
    e_shentsize: int
    e_shnum: int
    e_shstrndx: int
    table_complete: bool
    segments: tuple[Segment, ...]
    interpreters: tuple[Interpreter, ...]
    needed: tuple[str, ...]
    soname: str | None
    rpath: str | None
    runpath: str | None
    notes: tuple[Note, ...]

    @property
    def ei_class(self) -> int:
        """Give the class byte: 1 says 32 bits, 2 says 64; no kernel looks."""
        return self.e_ident[4]

    @property
    def ei_data(self) -> int:
        """Give the byte-order byte: 1 says little-endian, 2 says big; no kernel looks."""
        return self.e_ident[5]


class Form(NamedTuple):
    """The records of one layout, ready to pack and unpack."""

    word_bytes: int
    header: Struct  # e_ident ... e_shstrndx
    segment: Struct  # in the order of the file, which differs: see `segment_fields`
    dynamic: Struct  # d_tag, d_val
    note: Struct  # namesz, descsz, type


def _form(layout: Layout) -> Form:
    end = "<" if layout.byteorder == "little" else ">"
    word, segment = ("I", "8I") if layout.bits == 32 else ("Q", "2I6Q")
    return Form(
        word_bytes=layout.bits // 8,
        header=Struct(f"{end}16s2HI3{word}I6H"),
        segment=Struct(end + segment),
        dynamic=Struct(f"{end}2{word}"),
        note=Struct(f"{end}3I"),
    )


LE32, BE32 = Layout(32, "little"), Layout(32, "big")
LE64, BE64 = Layout(64, "little"), Layout(64, "big")
FORMS = {layout: _form(layout) for layout in (LE32, BE32, LE64, BE64)}


def as_bytes(data: bytes | bytearray | memoryview) -> bytes:
    """Give a file's contents as bytes; a TypeError if they are none."""
    if isinstance(data, bytes):
        return data
    if isinstance(data, (bytearray, memoryview)):
        return bytes(data)
    raise TypeError(f"data: {data!r} is not bytes")


def layout_of(data: bytes) -> Layout:
    """Tell the layout that a file's own identification claims, as tools read it.

    A class byte of 1 is 32 bits and a data byte of 2 is big-endian; anything else, also in a file
    too short to say, is 64 bits, little-endian.
    """
    big = data[5:6] == b"\x02"
    if data[4:5] == b"\x01":
        return BE32 if big else LE32
    return BE64 if big else LE64


def parse(data: bytes | bytearray | memoryview, layout: Layout | None = None) -> ElfFile:
    """Read a file's bytes by a layout; None takes the layout that the file claims.

    Any bytes at all give an `ElfFile`; see there for what it holds when they make no sense. An unknown
    layout is a ValueError, and what is not bytes a TypeError.
    """
    data = as_bytes(data)
    if layout is None:
        layout = layout_of(data)
    form = FORMS.get(layout)
    if form is None:
        raise ValueError(f"layout: {layout!r} is none of {', '.join(map(repr, FORMS))}")
    size = len(data)
    head = data if size >= form.header.size else data.ljust(form.header.size, b"\0")
    fields = form.header.unpack_from(head)
    e_phoff, e_phentsize, e_phnum = fields[5], fields[9], fields[10]
    table_bytes = e_phentsize * e_phnum
    magic_ok = head.startswith(MAGIC)
    segments = _read_table(data, form, e_phoff, e_phentsize, e_phnum) if magic_ok else ()
    return ElfFile._make(
        (
            layout,
            size,
            magic_ok,
            *fields,
            not table_bytes or e_phoff + table_bytes <= size,
            segments,
            tuple([_read_interpreter(data, each) for each in segments if each.p_type == PT_INTERP]),
            *_read_dynamic(data, layout, segments),
            _read_notes(data, form, segments),
        )
    )


def program_of(elf: ElfFile) -> str | None:
    """Tell which program a note of ours in the file names; None for a file that names none."""
    for note in elf.notes:
        if note.owner == NOTE_OWNER and note.type == NOTE_PROGRAM:
            return _text(note.desc.partition(b"\0")[0]) or None
    return None


def segment_fields(segment: Segment, layout: Layout) -> tuple[int, ...]:
    """Give a program header's fields in the order of the file: ELF32 has p_flags near the end."""
    if layout.bits == 64:
        return segment
    p_type, p_flags, *places, p_align = segment
    return (p_type, *places, p_flags, p_align)


# A Segment from eight fields, without a call of Python's for each.
_segment = partial(tuple.__new__, Segment)


def _read_table(data: bytes, form: Form, e_phoff: int, e_phentsize: int, e_phnum: int) -> tuple[Segment, ...]:
    """Read the program headers that lie wholly in the file, up to the limit."""
    size = form.segment.size
    if e_phentsize < size:
        return ()
    room = (len(data) - e_phoff - size) // e_phentsize + 1
    count = min(e_phnum, room, TABLE_LIMIT_BYTES // size)
    unpack = form.segment.unpack_from
    rows = [unpack(data, offset) for offset in range(e_phoff, e_phoff + count * e_phentsize, e_phentsize)]
    if form.word_bytes == 4:
        rows = [(row[0], row[6], *row[1:6], row[7]) for row in rows]
    return tuple(map(_segment, rows))


def _read_interpreter(data: bytes, segment: Segment) -> Interpreter:
    """Read what a PT_INTERP points at."""
    start, length = segment.p_offset, segment.p_filesz
    return Interpreter(
        start,
        length,
        data[start : start + min(length, STRING_LIMIT_BYTES)],
        not length or start + length <= len(data),
    )


def dynamic_entries(data: bytes, layout: Layout, segments: tuple[Segment, ...]) -> tuple[tuple[int, int], ...]:
    """Read the (d_tag, d_val) of the dynamic table up to its DT_NULL; the last PT_DYNAMIC counts, as for ld.so."""
    tables = [each for each in segments if each.p_type == PT_DYNAMIC]
    if not tables:
        return ()
    form = FORMS[layout].dynamic
    start, length = tables[-1].p_offset, min(tables[-1].p_filesz, TABLE_LIMIT_BYTES)
    part = data[start : start + length]
    entries = form.iter_unpack(part[: len(part) - len(part) % form.size])
    return tuple(takewhile(lambda entry: entry[0] != DT_NULL, entries))


def _read_dynamic(
    data: bytes, layout: Layout, segments: tuple[Segment, ...]
) -> tuple[tuple[str, ...], str | None, str | None, str | None]:
    """Read DT_NEEDED, DT_SONAME, DT_RPATH and DT_RUNPATH."""
    entries = dynamic_entries(data, layout, segments)
    values = dict(entries)
    strings = file_offset(segments, values[DT_STRTAB]) if DT_STRTAB in values else None
    if strings is None:
        return (), None, None, None
    soname, rpath, runpath = [
        _string(data, strings + values[tag]) if tag in values else None for tag in (DT_SONAME, DT_RPATH, DT_RUNPATH)
    ]
    needed = tuple([_string(data, strings + value) for tag, value in entries if tag == DT_NEEDED])
    return needed, soname, rpath, runpath


def file_offset(segments: tuple[Segment, ...], address: int) -> int | None:
    """Tell where in the file the byte at an address in memory comes from; None if from nowhere."""
    for segment in segments:
        if segment.p_type == PT_LOAD and 0 <= address - segment.p_vaddr < segment.p_filesz:
            return address - segment.p_vaddr + segment.p_offset
    return None


def _read_notes(data: bytes, form: Form, segments: tuple[Segment, ...]) -> tuple[Note, ...]:
    """Read the notes of every PT_NOTE, up to the limit."""
    notes: list[Note] = []
    for segment in segments:
        if segment.p_type != PT_NOTE:
            continue
        start, length = segment.p_offset, min(segment.p_filesz, TABLE_LIMIT_BYTES)
        part = data[start : start + length]
        align = 8 if segment.p_align == 8 else 4
        offset = 0
        while len(part) - offset >= form.note.size and len(notes) < NOTES_LIMIT:
            namesz, descsz, note_type = form.note.unpack_from(part, offset)
            name = offset + form.note.size
            desc = name + namesz + -(name + namesz) % align
            if desc + descsz > len(part):
                break
            owner = part[name : name + namesz].removesuffix(b"\0")
            notes.append(Note(owner, note_type, part[desc : desc + descsz]))
            offset = desc + descsz + -(desc + descsz) % align
    return tuple(notes)


def _string(data: bytes, start: int) -> str:
    """Read a string of the file up to its NUL, the file's end, or the limit."""
    end = data.find(b"\0", start, start + STRING_LIMIT_BYTES)
    return _text(data[start : end if end >= 0 else start + STRING_LIMIT_BYTES])


def _text(data: bytes) -> str:
    """Decode a name or a path as a file system does: UTF-8, other bytes as surrogates."""
    return data.decode("utf-8", "surrogateescape")
