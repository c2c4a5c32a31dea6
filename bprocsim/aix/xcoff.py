"""An XCOFF file as data: read from real bytes, without ever failing and without judging.

What is in the headers is recorded as it stands; the conditions in `execrules` and `loader` judge it.
Names are XCOFF's own. Source: aix-xcoff.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from bprocsim.posix.elf import BE32, BE64, NOTE_OWNER, Layout, as_bytes

U802TOCMAGIC = 0x01DF  # 32 bits
U803XTOCMAGIC = 0x01EF  # 64 bits, up to AIX 4.3
U64_TOCMAGIC = 0x01F7  # 64 bits, since AIX 5
MAGICS = {U802TOCMAGIC: BE32, U803XTOCMAGIC: BE64, U64_TOCMAGIC: BE64}

F_EXEC, F_DYNLOAD, F_SHROBJ = 0x0002, 0x1000, 0x2000
STYP_TEXT, STYP_DATA, STYP_BSS, STYP_INFO, STYP_LOADER = 0x20, 0x40, 0x80, 0x200, 0x1000
AOUT_MAGIC = 0x010B  # o_mflag of what can be executed

# How much of a hostile file is looked at.
SECTIONS_LIMIT = 1024
STRINGS_LIMIT_BYTES = 65536

# What a comment section of ours begins with, before the program's name.
NOTE = NOTE_OWNER + b"\0"
NOTE_LENGTH = Struct(">I")


class Auxiliary(NamedTuple):
    """The auxiliary header, of which an executable needs all: sizes, addresses, numbers of sections from 1."""

    o_mflag: int
    o_vstamp: int
    o_tsize: int
    o_dsize: int
    o_bsize: int
    o_entry: int
    o_text_start: int
    o_data_start: int
    o_toc: int
    o_snentry: int
    o_sntext: int
    o_sndata: int
    o_sntoc: int
    o_snloader: int
    o_snbss: int
    o_algntext: int
    o_algndata: int
    o_modtype: bytes
    o_maxstack: int
    o_maxdata: int


class Section(NamedTuple):
    """One section header."""

    s_name: bytes
    s_paddr: int
    s_vaddr: int
    s_size: int
    s_scnptr: int
    s_relptr: int
    s_lnnoptr: int
    s_nreloc: int
    s_nlnno: int
    s_flags: int


class LoaderHeader(NamedTuple):
    """What begins the loader section; the offsets count from its own first byte."""

    l_version: int
    l_nsyms: int
    l_nreloc: int
    l_istlen: int
    l_nimpid: int
    l_impoff: int
    l_stlen: int
    l_stoff: int


class Import(NamedTuple):
    """One import file: a shared library, which is a member of an archive or a file by itself."""

    path: str
    base: str
    member: str

    @property
    def name(self) -> str:
        """Give it as it is written: libc.a(shr.o)."""
        file = f"{self.path.rstrip('/')}/{self.base}" if self.path else self.base
        return f"{file}({self.member})" if self.member else file


class XcoffFile(NamedTuple):
    """What is in a file that may be an XCOFF file.

    `layout` by which it is read; `size` its length in bytes; `magic_ok` it begins with one of
    `MAGICS`, without which the other fields are nonsense. A header that the file cuts short reads as
    if followed by zeros. `auxiliary` None if f_opthdr is too small for one. `sections` those whose
    headers lie wholly in the file; `table_complete` all f_nscns do. `loader` None if o_snloader
    names no section that lies in the file; `libpath` and `imports` its import files, `imports_complete`
    there are as many as it says. `program` the name of ours in a comment section.
    """

    layout: Layout
    size: int
    magic_ok: bool
    f_magic: int
    f_nscns: int
    f_opthdr: int
    f_flags: int
    auxiliary: Auxiliary | None
    sections: tuple[Section, ...]
    table_complete: bool
    loader: LoaderHeader | None
    libpath: str
    imports: tuple[Import, ...]
    imports_complete: bool
    program: str | None

    # What is asked of any format, and what this one does in another way.
    @property
    def needed(self) -> tuple[str, ...]:
        """Give the shared libraries that it names, in order."""
        return tuple(each.name for each in self.imports)

    @property
    def interpreters(self) -> tuple[()]:
        """Give none: the kernel loads libraries by itself."""
        return ()

    @property
    def segments(self) -> tuple[()]:
        """Give none: it has sections."""
        return ()

    def section(self, number: int) -> Section | None:
        """Give a section by its number, which counts from 1; None if there is no such."""
        return self.sections[number - 1] if 0 < number <= len(self.sections) else None

    def holds(self, section: Section) -> bool:
        """Tell whether all that a section has in the file lies in it; one of zeros has nothing there."""
        return bool(section.s_flags & STYP_BSS) or section.s_scnptr + section.s_size <= self.size


class Form(NamedTuple):
    """The records of one width; each field's name and its struct code, in the order of the file."""

    header: Struct
    auxiliary: Struct
    section: Struct
    loader: Struct
    header_fields: tuple[str, ...]
    auxiliary_fields: tuple[str, ...]
    loader_fields: tuple[str, ...]
    auxiliary_least_bytes: int  # without what only some linkers write


def _record(text: str) -> tuple[Struct, tuple[str, ...]]:
    """Make a struct of "name:code" words; a word without a name is padding or what nobody asks for."""
    words = [word.rpartition(":") for word in text.split()]
    return Struct(">" + "".join(code for _, _, code in words)), tuple(name for name, _, _ in words if name)


def _form(header: str, auxiliary: str, auxiliary_least_bytes: int, section: str, loader: str) -> Form:
    (head, head_fields), (aux, aux_fields), (load, load_fields) = map(_record, (header, auxiliary, loader))
    return Form(
        head, aux, Struct(">" + section), load, head_fields, aux_fields, load_fields, auxiliary_least_bytes
    )  # fmt: skip


FORMS = {
    32: _form(
        "f_magic:H f_nscns:H f_timdat:i f_symptr:I f_nsyms:i f_opthdr:H f_flags:H",
        "o_mflag:H o_vstamp:H o_tsize:I o_dsize:I o_bsize:I o_entry:I o_text_start:I o_data_start:I o_toc:I"
        " o_snentry:H o_sntext:H o_sndata:H o_sntoc:H o_snloader:H o_snbss:H o_algntext:H o_algndata:H o_modtype:2s"
        " 2x o_maxstack:I o_maxdata:I 4x 4x 4x",
        72,
        "8s6I2HI",
        "l_version:I l_nsyms:I l_nreloc:I l_istlen:I l_nimpid:I l_impoff:I l_stlen:I l_stoff:I",
    ),
    64: _form(
        "f_magic:H f_nscns:H f_timdat:i f_symptr:Q f_opthdr:H f_flags:H f_nsyms:i",
        "o_mflag:H o_vstamp:H 4x o_text_start:Q o_data_start:Q o_toc:Q o_snentry:H o_sntext:H o_sndata:H o_sntoc:H"
        " o_snloader:H o_snbss:H o_algntext:H o_algndata:H o_modtype:2s 2x 4x o_tsize:Q o_dsize:Q o_bsize:Q o_entry:Q"
        " o_maxstack:Q o_maxdata:Q 16x",
        110,
        "8s6Q2II4x",
        "l_version:I l_nsyms:I l_nreloc:I l_istlen:I l_nimpid:I l_stlen:I l_impoff:Q l_stoff:Q l_symoff:Q l_rldoff:Q",
    ),
}
# The sizes that the format fixes: file header, auxiliary header, section header, loader header.
assert [tuple(each.size for each in FORMS[bits][:4]) for bits in (32, 64)] == [(20, 72, 40, 32), (24, 120, 72, 56)]

_NO_LOADER = (None, "", (), True)


def parse(data: bytes | bytearray | memoryview) -> XcoffFile:
    """Read a file's bytes. Any bytes at all give an XcoffFile; what is not bytes is a TypeError."""
    data = as_bytes(data)
    f_magic = int.from_bytes(data[:2].ljust(2, b"\0"), "big")
    layout = MAGICS.get(f_magic)
    if layout is None:
        return XcoffFile(BE32, len(data), False, f_magic, 0, 0, 0, None, (), True, *_NO_LOADER, None)
    form = FORMS[layout.bits]
    fields = dict(zip(form.header_fields, form.header.unpack(_cut(data, 0, form.header.size)), strict=True))
    f_nscns, f_opthdr = fields["f_nscns"], fields["f_opthdr"]
    auxiliary = None
    if f_opthdr >= form.auxiliary_least_bytes:
        values = form.auxiliary.unpack(_cut(data, form.header.size, form.auxiliary.size))
        auxiliary = Auxiliary(**dict(zip(form.auxiliary_fields, values, strict=True)))
    start, size = form.header.size + f_opthdr, form.section.size
    count = max(0, min(f_nscns, SECTIONS_LIMIT, (len(data) - start) // size))
    sections = tuple(_section(form.section.unpack_from(data, start + index * size)) for index in range(count))
    return XcoffFile(
        layout,
        len(data),
        True,
        f_magic,
        f_nscns,
        f_opthdr,
        fields["f_flags"],
        auxiliary,
        sections,
        start + f_nscns * size <= len(data),
        *_read_loader(data, form, auxiliary, sections),
        _read_program(data, sections),
    )


def _cut(data: bytes, start: int, size: int) -> bytes:
    """Give bytes of a file, and zeros for those that it has not."""
    return data[start : start + size].ljust(size, b"\0")


def _section(values: tuple[bytes | int, ...]) -> Section:
    name, *rest = values
    assert isinstance(name, bytes), "so says the format"
    return Section(name.rstrip(b"\0"), *rest)  # type: ignore[arg-type]  # the rest are numbers


def _read_loader(
    data: bytes, form: Form, auxiliary: Auxiliary | None, sections: tuple[Section, ...]
) -> tuple[LoaderHeader | None, str, tuple[Import, ...], bool]:
    """Read the import files of the loader section: the first names the directories, the rest libraries."""
    number = 0 if auxiliary is None else auxiliary.o_snloader
    if not 0 < number <= len(sections):
        return _NO_LOADER
    section = sections[number - 1]
    start, size = section.s_scnptr, form.loader.size
    if section.s_size < size or start + size > len(data):
        return _NO_LOADER
    values = dict(zip(form.loader_fields, form.loader.unpack_from(data, start), strict=True))
    header = LoaderHeader(**{name: values[name] for name in LoaderHeader._fields})
    begin = start + header.l_impoff
    table = data[begin : begin + min(header.l_istlen, STRINGS_LIMIT_BYTES)]
    strings = [each.decode("utf-8", "surrogateescape") for each in table.split(b"\0")[:-1]]
    triples = [tuple(strings[place : place + 3]) for place in range(0, len(strings) - len(strings) % 3, 3)]
    named = [Import(*triple) for triple in triples[: header.l_nimpid]]
    libpath = named[0].path if named else ""
    return header, libpath, tuple(named[1:]), len(named) == header.l_nimpid


def _read_program(data: bytes, sections: tuple[Section, ...]) -> str | None:
    """Read the name of ours in the first comment section that has one."""
    for section in sections:
        if section.s_flags & STYP_INFO:
            part = data[section.s_scnptr : section.s_scnptr + min(section.s_size, STRINGS_LIMIT_BYTES)]
            length = int.from_bytes(part[: NOTE_LENGTH.size], "big")
            text = part[NOTE_LENGTH.size : NOTE_LENGTH.size + length]
            if text.startswith(NOTE):
                name = text.removeprefix(NOTE).partition(b"\0")[0]
                return name.decode("utf-8", "surrogateescape") or None
    return None
