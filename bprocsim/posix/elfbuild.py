"""ELF images made to order, well-formed or wrong in any way that is asked for.

A well-formed file is laid out first (`elflayout`), or taken from bytes; then single fields of its
header are set as asked, and it is cut. So a wrong field is wrong alone: everything else stays.

Sources: elf-gabi (layouts), linux-6.18-measured (the images for x86-64 and i386 run).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, overload

from attrs import Attribute, field, fields, frozen

from bprocsim.notation import Notated, notation
from bprocsim.posix import elf as e
from bprocsim.posix.arch import ARCHES, Arch, arch
from bprocsim.posix.elf import FORMS, ByteOrder, ElfFile, Layout, Segment, as_bytes, parse
from bprocsim.posix.elflayout import Plan, lay_out

TYPES = {"NONE": e.ET_NONE, "REL": e.ET_REL, "EXEC": e.ET_EXEC, "DYN": e.ET_DYN, "CORE": e.ET_CORE}
TYPE_NAMES = {number: name for name, number in TYPES.items()}

# exit(0) without a library, by machine number; an image for another machine has zeros for code.
EXIT_CODE = {
    62: bytes.fromhex("31ff b83c000000 0f05"),  # xor edi,edi; mov eax,60; syscall
    3: bytes.fromhex("31db b801000000 cd80"),  # xor ebx,ebx; mov eax,1; int 0x80
}
NO_CODE = bytes(16)

# Where a program that is not position-independent begins, by the width of a word.
BASE = {32: 0x08048000, 64: 0x400000}
MEMORY_MAX_BYTES = {32: 1 << 31, 64: 1 << 46}

TABLE_MAX = 0xFF00  # e_phnum has 16 bits, 0xFFFF says something else, and some entries are ours

# The header's fields in the order of the file, with the bytes of each; 0 is a word of the layout.
HEADER = {
    "ident": 16, "type": 2, "machine": 2, "version": 4, "entry": 0, "phoff": 0, "shoff": 0, "flags": 4,
    "ehsize": 2, "phentsize": 2, "phnum": 2, "shentsize": 2, "shnum": 2, "shstrndx": 2,
}  # fmt: skip
MAGIC_BYTES = {"magic": 4, "ident": HEADER["ident"]}

# What can be changed in an image that was taken from bytes.
CHANGEABLE = {*HEADER, "magic", "truncate", "raw"}
REPR_MAX_BYTES = 64  # a longer file is not spelled out


# ---- arguments: what is wrong with one is told by its name


@overload
def _encode(text: str) -> bytes: ...
@overload
def _encode(text: None) -> None: ...
def _encode(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogateescape")


def _number(argument: str, value: object, size: int) -> int:
    """Check an unsigned number of `size` bytes."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{argument}: {value!r} is not an int")
    if not 0 <= value < 1 << 8 * size:
        raise ValueError(f"{argument}: {value} is outside 0 to {(1 << 8 * size) - 1}, its {size} bytes")
    return value


def _string(argument: str, value: object) -> str:
    """Check a string that a file can hold, closed by a NUL."""
    if not isinstance(value, str):
        raise TypeError(f"{argument}: {value!r} is not a str")
    if "\0" in value:
        raise ValueError(f"{argument}: {value!r} has a NUL in it")
    try:
        _encode(value)
    except UnicodeEncodeError as error:
        raise ValueError(f"{argument}: {value!r} cannot be encoded: {error.reason}") from None
    return value


def _items(argument: str, value: object) -> tuple[Any, ...]:
    """Check a collection; a string alone is the mistake of a forgotten comma."""
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise TypeError(f"{argument}: {value!r} is not a tuple or list")
    return tuple(value)


def _interpreter(value: object) -> str | bytes:
    """Check a PT_INTERP's contents; where one NUL closes them they are given as the path."""
    if isinstance(value, str):
        return _string("interpreters", value)
    if not isinstance(value, bytes):
        raise TypeError(f"interpreters: {value!r} is neither a path (str) nor raw contents (bytes)")
    closed = value.endswith(b"\0") and value.count(b"\0") == 1
    return value[:-1].decode("utf-8", "surrogateescape") if closed else value


def _to_machine(value: str | int) -> int:
    if isinstance(value, Arch):
        raise TypeError("machine: give the Arch's machine, and its bits and byteorder, one by one")
    return arch(value, "machine").machine


def _to_type(value: str | int) -> str | int:
    if not isinstance(value, str):
        return TYPE_NAMES.get(_number("type", value, HEADER["type"]), value)
    if value not in TYPES:
        raise ValueError(f"type: {value!r} is none of {', '.join(TYPES)}, nor a number")
    return value


def _to_needed(value: Iterable[str]) -> tuple[str, ...]:
    return tuple([_string("needed", each) for each in _items("needed", value)])


def _to_interpreters(value: Iterable[str | bytes] | None) -> tuple[str | bytes, ...] | None:
    return None if value is None else tuple([_interpreter(each) for each in _items("interpreters", value)])


def _to_segments(value: Iterable[Segment] | None) -> tuple[Segment, ...] | None:
    return None if value is None else _items("segments", value)


def _check_choice(_: ElfImage, named: Attribute[Any], value: object) -> None:
    choices = (32, 64) if named.alias == "bits" else ("little", "big")
    if value is not None and value not in choices:
        raise ValueError(f"{named.alias}: {value!r} is neither {choices[0]!r} nor {choices[1]!r}")


def _check_string(_: ElfImage, named: Attribute[Any], value: object) -> None:
    if value is not None:
        _string(named.name, value)
    if named.name == "program" and value == "":
        raise ValueError("program: an empty name; None names no program")


def _check_bytes(_: ElfImage, named: Attribute[Any], value: object) -> None:
    if value is None:
        return
    if not isinstance(value, bytes):
        raise TypeError(f"{named.alias}: {value!r} is not bytes")
    size = MAGIC_BYTES.get(str(named.alias), len(value))
    if len(value) != size:
        raise ValueError(f"{named.name}: {len(value)} bytes given, {size} needed")


def _check_number(image: ElfImage, named: Attribute[Any], value: object) -> None:
    if value is not None:
        _number(named.name, value, HEADER.get(str(named.alias), 8) or image.bits // 8)


def _check_memory(image: ElfImage, _: Attribute[Any], value: object) -> None:
    most = MEMORY_MAX_BYTES[image.bits]
    if value is not None and not 0 < _number("memory_bytes", value, 8) <= most:
        raise ValueError(f"memory_bytes: {value} is outside 1 to {most} ({image.bits} bits)")


def _check_segments(image: ElfImage, _: Attribute[Any], value: tuple[object, ...] | None) -> None:
    for index, each in enumerate(value or ()):
        if not isinstance(each, Segment):
            raise TypeError(f"segments: {each!r} is not a Segment")
        for name, number in zip(each._fields, each, strict=True):
            size = 4 if name in ("p_type", "p_flags") else image.bits // 8
            _number(f"segments[{index}].{name}", number, size)


@frozen(kw_only=True, repr=False)
class ElfImage(Notated):
    """An executable file of the ELF format, made to order or taken from bytes.

    `machine` is a name of `ARCHES` or a machine number; `bits` (32, 64) and `byteorder`
    ("little", "big") are by default that machine's. `type` is "EXEC", "DYN", "REL", "CORE", "NONE"
    or a number. `program` names the behaviour behind the image, in a note.

    `needed` are its libraries (DT_NEEDED), `soname`, `rpath`, `runpath` the tags of that name.
    `interpreters` has one entry per PT_INTERP: a path, or bytes for contents that need not be
    closed by a NUL; by default it is the machine's own loader if anything is `needed`, else
    nothing: a static image. `memory_bytes` is how much its segments take in memory, rounded up to
    pages, at least what they need. `code` is at the entry; by default exit(0) where we know how.

    `segments` are entries of the program header table, taken as they are in place of PT_PHDR,
    PT_LOAD and PT_GNU_STACK; entries for `interpreters`, the dynamic table and the note are made
    too, unless one of that type is among them. So a table read from an image, with single entries
    changed, is a good argument.

    All that follows sets one field of the header as it stands, right or wrong, each unsigned and
    within its width: `magic` (4 bytes), `ident` (16 bytes; `magic` goes on top), `version`, `entry`,
    `phoff`, `shoff`, `flags`, `ehsize`, `phentsize`, `phnum`, `shentsize`, `shnum`, `shstrndx`.
    `truncate` keeps that many bytes of the file.

    In an image taken from bytes the header's fields and `truncate` can be changed with
    `attrs.evolve`; changing anything else is a ValueError.

    Read `machine` as a number, `type` as a name where it has one; `segments` is the whole table, and
    what the header holds is in `elf`. Source: elf-gabi.
    """

    machine: int = field(default=62, converter=_to_machine)
    _bits: int | None = field(default=None, validator=_check_choice)
    _byteorder: ByteOrder | None = field(default=None, validator=_check_choice)
    type: str | int = field(default="EXEC", converter=_to_type)
    program: str | None = field(default=None, validator=_check_string)
    needed: tuple[str, ...] = field(default=(), converter=_to_needed)
    _interpreters: tuple[str | bytes, ...] | None = field(default=None, converter=_to_interpreters)
    soname: str | None = field(default=None, validator=_check_string)
    rpath: str | None = field(default=None, validator=_check_string)
    runpath: str | None = field(default=None, validator=_check_string)
    code: bytes | None = field(default=None, validator=_check_bytes)
    _memory_bytes: int | None = field(default=None, validator=_check_memory)
    _segments: tuple[Segment, ...] | None = field(default=None, converter=_to_segments, validator=_check_segments)
    magic: bytes | None = field(default=None, validator=_check_bytes)
    ident: bytes | None = field(default=None, validator=_check_bytes)
    version: int | None = field(default=None, validator=_check_number)
    entry: int | None = field(default=None, validator=_check_number)
    phoff: int | None = field(default=None, validator=_check_number)
    shoff: int | None = field(default=None, validator=_check_number)
    flags: int | None = field(default=None, validator=_check_number)
    ehsize: int | None = field(default=None, validator=_check_number)
    phentsize: int | None = field(default=None, validator=_check_number)
    phnum: int | None = field(default=None, validator=_check_number)
    shentsize: int | None = field(default=None, validator=_check_number)
    shnum: int | None = field(default=None, validator=_check_number)
    shstrndx: int | None = field(default=None, validator=_check_number)
    truncate: int | None = field(default=None, validator=_check_number)
    _raw: bytes | None = field(default=None, validator=_check_bytes)

    def __attrs_post_init__(self) -> None:
        if self._raw is not None:
            self._check_changes(self._raw)
        elif self._segments is not None and self._memory_bytes is not None:
            raise ValueError("memory_bytes: `segments` already say how much memory the image takes")
        elif len(self._segments or ()) + len(self.interpreters) > TABLE_MAX:
            raise ValueError(f"segments, interpreters: more than {TABLE_MAX} of them")

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> ElfImage:
        """Take a file as it is, whatever it holds: `to_bytes` gives back the same bytes.

        It is read by the layout that it claims itself; of bytes that are no ELF file the fields
        are what stands in the place of a header. An interpreter's contents are at most 4096 bytes.
        """
        data = as_bytes(data)
        return cls(raw=data, **_asked_by(data))

    @property
    def layout(self) -> Layout:
        """Give the layout in which the file is written."""
        return Layout(self.bits, self.byteorder)

    @property
    def bits(self) -> int:
        """Give the width of a word: 32 or 64."""
        return self._bits or arch(self.machine).bits

    @property
    def byteorder(self) -> ByteOrder:
        """Give the byte order: "little" or "big"."""
        return self._byteorder or arch(self.machine).byteorder

    @property
    def interpreters(self) -> tuple[str | bytes, ...]:
        """Give what each PT_INTERP holds: a path, or bytes where one NUL does not close it."""
        if self._interpreters is not None:
            return self._interpreters
        return (arch(self.machine).loader,) if self.needed else ()

    @property
    def elf(self) -> ElfFile:
        """Give all that a reader of the file finds in it."""
        return parse(self.to_bytes(), self.layout)

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Give the program header table, as a reader of the file finds it."""
        return self.elf.segments

    @property
    def memory_bytes(self) -> int:
        """Give the memory that the PT_LOADs take, in bytes: all pages that each of them touches."""
        page = arch(self.machine).page_bytes
        return sum(
            -(-(each.p_vaddr % page + each.p_memsz) // page) * page
            for each in self.segments
            if each.p_type == e.PT_LOAD and each.p_memsz
        )

    def to_bytes(self) -> bytes:
        """Give the file."""
        data = lay_out(_plan(self)) if self._raw is None else self._raw
        header = FORMS[self.layout].header
        if len(data) >= header.size:
            found = header.unpack_from(data)
            asked = self._header_of(found)
            if asked != found:
                data = header.pack(*asked) + data[header.size :]
        return data[: self.truncate]

    def _asked(self) -> dict[str, Any]:
        """Give the arguments by which this image was made, by name."""
        return {str(each.alias): getattr(self, each.name) for each in fields(ElfImage)}

    def _header_of(self, found: tuple[Any, ...]) -> tuple[Any, ...]:
        """Give a header's fields with those that were asked for in place of the `found` ones."""
        header = dict(zip(HEADER, found, strict=True))
        header |= {name: value for name in HEADER if (value := getattr(self, name)) is not None}
        header["type"] = TYPES.get(header["type"], header["type"])
        if self.magic is not None:
            header["ident"] = self.magic + header["ident"][len(self.magic) :]
        return tuple(header.values())

    def _check_changes(self, raw: bytes) -> None:
        """Refuse what cannot be changed in a file that is already there."""
        taken = _asked_by(raw)
        changed = [name for name, value in self._asked().items() if value != taken.get(name)]
        for name in changed:
            if name not in CHANGEABLE:
                raise ValueError(f"{name}: cannot be changed in an image taken from bytes; make a new one")
            if name not in ("raw", "truncate") and len(raw) < FORMS[self.layout].header.size:
                raise ValueError(f"{name}: the {len(raw)} bytes of this image are too few for a header")

    def notation(self) -> str:
        """Give Python that makes this image; bytes that it was taken from are shown if they are few."""
        if self._raw is None:
            return f"bp.ElfImage({self._arguments({'machine': 62, 'type': 'EXEC', 'needed': ()})})"
        short = len(self._raw) <= REPR_MAX_BYTES
        taken = f"bp.ElfImage.from_bytes({repr(self._raw) if short else f'<{len(self._raw)} bytes>'})"
        changes = self._arguments(_asked_by(self._raw) | {"raw": self._raw})
        return f"attrs.evolve({taken}, {changes})" if changes else taken

    def _arguments(self, usual: dict[str, Any]) -> str:
        """Write the arguments that differ from the usual ones, or from None."""
        given = {name: value for name, value in self._asked().items() if value != usual.get(name)}
        named = arch(self.machine).name
        if "machine" in given and named in ARCHES:
            given["machine"] = named
        return ", ".join([f"{name}={notation(value)}" for name, value in given.items()])


def _asked_by(data: bytes) -> dict[str, Any]:
    """Give the arguments that describe a file taken from bytes."""
    elf = parse(data)
    return {
        "machine": elf.e_machine,
        "bits": elf.layout.bits,
        "byteorder": elf.layout.byteorder,
        "type": TYPE_NAMES.get(elf.e_type, elf.e_type),
        "program": e.program_of(elf),
        "needed": elf.needed,
        "interpreters": tuple([_interpreter(each.data) for each in elf.interpreters]),
        "soname": elf.soname,
        "rpath": elf.rpath,
        "runpath": elf.runpath,
    }


def _plan(image: ElfImage) -> Plan:
    """Tell what is to be in the file of an image that was not taken from bytes."""
    known = arch(image.machine)
    return Plan(
        layout=image.layout,
        page_bytes=known.page_bytes,
        base=0 if image.type == "DYN" else BASE[image.bits],
        code=EXIT_CODE.get(image.machine, NO_CODE) if image.code is None else image.code,
        program=_encode(image.program),
        needed=tuple([_encode(each) for each in image.needed]),
        interpreters=tuple([each if isinstance(each, bytes) else _encode(each) + b"\0" for each in image.interpreters]),
        soname=_encode(image.soname),
        rpath=_encode(image.rpath),
        runpath=_encode(image.runpath),
        memory_bytes=image._memory_bytes,
        segments=image._segments,
    )
