"""Where everything lies in an ELF image made to order: a well-formed file from a plan.

As a linker would do it: the header, the program headers, then what is only read (interpreter paths,
strings, a note, the code), then what is written (the dynamic table, zeros). Source: elf-gabi.
"""

from __future__ import annotations

from typing import NamedTuple

from bprocsim.posix import elf as e
from bprocsim.posix.elf import FORMS, Form, Layout, Segment, segment_fields

# Room is kept for so many program headers, so that one more does not shift what the others name.
TABLE_ROOM = 8


class Plan(NamedTuple):
    """What is to be in a file.

    `base` is the address at which its first byte appears in memory, a multiple of `page_bytes`;
    `interpreters` are the contents of the PT_INTERPs. `segments`, unless None, stand in place of
    PT_PHDR, PT_LOAD and PT_GNU_STACK, and of whatever else they have an entry for.
    """

    layout: Layout
    page_bytes: int
    base: int
    code: bytes
    program: bytes | None
    needed: tuple[bytes, ...]
    interpreters: tuple[bytes, ...]
    soname: bytes | None
    rpath: bytes | None
    runpath: bytes | None
    memory_bytes: int | None
    segments: tuple[Segment, ...] | None

    @property
    def is_dynamic(self) -> bool:
        """Tell whether there is anything for a dynamic loader to read."""
        names = (self.soname, self.rpath, self.runpath)
        return bool(self.interpreters or self.needed or any(each is not None for each in names))

    @property
    def table_length(self) -> int:
        """Give the number of program headers, or one more where a data segment turns out empty."""
        made = {e.PT_INTERP: len(self.interpreters), e.PT_DYNAMIC: self.is_dynamic}
        made[e.PT_NOTE] = self.program is not None
        if self.segments is None:
            writes = self.is_dynamic or self.memory_bytes is not None
            return sum(made.values()) + bool(self.interpreters) + 2 + writes
        given = {each.p_type for each in self.segments}
        return len(self.segments) + sum(count for p_type, count in made.items() if p_type not in given)


class _File:
    """A file in the making."""

    def __init__(self, base: int, start: int) -> None:
        self.base = base
        self.data = bytearray(start)

    def put(self, data: bytes, align: int = 1) -> int:
        """Add bytes at the next offset that is a multiple of `align`; give the offset."""
        self.data.extend(bytes(-len(self.data) % align))
        self.data.extend(data)
        return len(self.data) - len(data)

    def segment(self, p_type: int, p_flags: int, start: int, size: int, align: int, shift: int = 0) -> Segment:
        """Give an entry for `size` bytes at `start`; in memory they lie `shift` bytes further on."""
        address = self.base + shift + start
        return Segment(p_type, p_flags, start, address, address, size, size, align)


def lay_out(plan: Plan) -> bytes:
    """Give a well-formed file, in whose header the type and the machine are still 0."""
    form, page = FORMS[plan.layout], plan.page_bytes
    table_at = form.header.size
    file = _File(plan.base, table_at + max(plan.table_length, TABLE_ROOM) * form.segment.size)

    interps = [file.segment(e.PT_INTERP, e.PF_R, file.put(each), len(each), 1) for each in plan.interpreters]
    notes = []
    if plan.program is not None:
        note = _note(form, plan.program)
        notes = [file.segment(e.PT_NOTE, e.PF_R, file.put(note, 4), len(note), 4)]
    table = _dynamic_table(file, form, plan) if plan.is_dynamic else b""
    entry = plan.base + file.put(plan.code, 16)
    loads = [file.segment(e.PT_LOAD, e.PF_R | e.PF_X, 0, len(file.data), page)]

    # One page further on in memory than in the file, so that no page is both run and written.
    writable, table_offset = e.PF_R | e.PF_W, file.put(table, form.word_bytes)
    data = file.segment(e.PT_LOAD, writable, table_offset, len(table), page, shift=page)
    data = data._replace(p_memsz=_data_bytes(plan, loads[0], data))
    if data.p_memsz:
        loads.append(data)
    dynamic = []
    if table:
        dynamic = [data._replace(p_type=e.PT_DYNAMIC, p_memsz=len(table), p_align=form.word_bytes)]

    if plan.segments is None:
        segments = [*interps, *loads, *dynamic, *notes, Segment(e.PT_GNU_STACK, writable, p_align=16)]
        if interps:  # ld.so tells from it where the image lies
            size = (len(segments) + 1) * form.segment.size
            segments.insert(0, file.segment(e.PT_PHDR, e.PF_R, table_at, size, form.word_bytes))
    else:
        given = {each.p_type for each in plan.segments}
        made = [[] if each and each[0].p_type in given else each for each in (interps, dynamic, notes)]
        segments = [*made[0], *plan.segments, *made[1], *made[2]]

    ident = e.MAGIC + bytes((plan.layout.bits // 32, 1 + (plan.layout.byteorder == "big"), 1)) + bytes(9)
    head = form.header.pack(
        ident, 0, 0, 1, entry, table_at, 0, 0, form.header.size, form.segment.size, len(segments), 0, 0, 0
    ) + b"".join([form.segment.pack(*segment_fields(each, plan.layout)) for each in segments])
    return head + bytes(file.data[len(head) :])


def _data_bytes(plan: Plan, text: Segment, data: Segment) -> int:
    """Tell how many bytes the data segment takes in memory, so that both take what was asked for."""
    if plan.memory_bytes is None:
        return data.p_filesz
    page = plan.page_bytes
    pages = _pages(plan.memory_bytes, page) - _pages(text.p_memsz, page)
    return max(data.p_filesz, pages * page - data.p_vaddr % page)


def _pages(size: int, page: int) -> int:
    return (size + page - 1) // page


def _note(form: Form, program: bytes) -> bytes:
    """Give the note that names a program."""
    owner = e.NOTE_OWNER + b"\0"
    padded = owner + bytes(-len(owner) % 4) + program + bytes(-len(program) % 4)
    return form.note.pack(len(owner), len(program), e.NOTE_PROGRAM) + padded


def _dynamic_table(file: _File, form: Form, plan: Plan) -> bytes:
    """Put the strings and an empty symbol table into the file; give the table that points at them."""
    strings, rows = bytearray(1), []
    names: list[tuple[int, bytes | None]] = [(e.DT_NEEDED, each) for each in plan.needed]
    names += [(e.DT_SONAME, plan.soname), (e.DT_RPATH, plan.rpath), (e.DT_RUNPATH, plan.runpath)]
    for tag, name in names:
        if name is not None:
            rows.append((tag, len(strings)))
            strings += name + b"\0"
    symbol = bytes(24 if form.word_bytes == 8 else 16)  # the undefined symbol that every table begins with
    rows += [
        (e.DT_STRTAB, file.base + file.put(bytes(strings))),
        (e.DT_SYMTAB, file.base + file.put(symbol, form.word_bytes)),
        (e.DT_STRSZ, len(strings)),
        (e.DT_SYMENT, len(symbol)),
        (e.DT_NULL, 0),
    ]
    return b"".join([form.dynamic.pack(*row) for row in rows])
