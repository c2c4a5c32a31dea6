"""XCOFF images made to order, well-formed or wrong in any way that is asked for.

A well-formed file is laid out first; then single fields of its headers are set as asked, and it is
cut. So a wrong field is wrong alone. Source: aix-xcoff.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import Attribute, field, frozen

from bprocsim.aix import xcoff as x
from bprocsim.aix.xcoff import FORMS, Form, Import, XcoffFile, parse

PAGE_BYTES = 4096
# Where text and data go in memory, by the width of a word.
TEXT_START = {32: 0x1000_0000, 64: 0x1_0000_0000}
DATA_START = {32: 0x2000_0000, 64: 0x1_1000_0000}
MEMORY_MAX_BYTES = {32: 1 << 28, 64: 1 << 46}
MAGIC = {32: x.U802TOCMAGIC, 64: x.U64_TOCMAGIC}
CODE = bytes.fromhex("38600000 4e800020")  # li r3,0; blr
DEFAULT_LIBPATH = "/usr/lib:/lib"

_NEED = re.compile(r"(?:(?P<path>.*)/)?(?P<base>[^/()]+)(?:\((?P<member>[^/()]+)\))?")
# What can be set as it stands, by the header that holds it.
_FIELDS = {
    "header": {name for form in FORMS.values() for name in form.header_fields},
    "auxiliary": {name for form in FORMS.values() for name in form.auxiliary_fields},
    "loader": {name for form in FORMS.values() for name in form.loader_fields},
    "sections": {*x.Section._fields},
}


def import_of(name: str) -> Import:
    """Take a library's name, such as libc.a(shr.o), as an import file. ValueError: it is none."""
    found = _NEED.fullmatch(name)
    if found is None or "\0" in name:
        raise ValueError(f"needed: expected names such as 'libc.a(shr.o)' or '/opt/lib/libx.so', got {name!r}")
    return Import(found["path"] or ("/" if name.startswith("/") else ""), found["base"], found["member"] or "")


def _to_needed(value: Any) -> tuple[str, ...]:
    if isinstance(value, str | bytes) or not isinstance(value, Iterable):
        raise TypeError(f"needed: {value!r} is not a tuple or list")
    names = tuple(value)
    for each in names:
        if not isinstance(each, str):
            raise TypeError(f"needed: {each!r} is not a str")
        import_of(each)
    return names


def _check_bits(_: XcoffImage, __: Attribute[Any], value: object) -> None:
    if value not in (32, 64):
        raise ValueError(f"bits: {value!r} is neither 32 nor 64")


def _check_text(_: XcoffImage, named: Attribute[Any], value: object) -> None:
    if value is None and named.name == "program":
        return
    if not isinstance(value, str):
        raise TypeError(f"{named.name}: {value!r} is not a str")
    if "\0" in value or (named.name == "program" and not value):
        raise ValueError(f"{named.name}: {value!r} is no text that a file can hold")


def _check_memory(image: XcoffImage, _: Attribute[Any], value: object) -> None:
    most = MEMORY_MAX_BYTES[image.bits]
    if value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"memory_bytes: {value!r} is not an int")
    if not 0 < value <= most:
        raise ValueError(f"memory_bytes: {value} is outside 1 to {most} ({image.bits} bits)")


def _check_fields(_: XcoffImage, named: Attribute[Any], value: Mapping[Any, object]) -> None:
    known = _FIELDS[named.name]
    for name in value:
        if (name[1] if isinstance(name, tuple) else name) not in known:
            raise ValueError(f"{named.name}: there is no field {name!r}; expected some of {', '.join(sorted(known))}")


@frozen(kw_only=True)
class XcoffImage:
    """An executable file of the XCOFF format, made to order.

    `bits` 32 or 64; `program` names the behaviour behind the image, in a comment section; `needed`
    the shared libraries, such as libc.a(shr.o), which the loader section names; `libpath` the
    directories that it names; `memory_bytes` what text, data and zeros take, rounded up to pages,
    None: two pages, or what its program takes;
    `shared` it is a shared object, and no program.

    All that follows sets fields by their names in XCOFF as they stand, right or wrong: `header` of
    the file header, `auxiliary`, `loader` (the loader section's header), `sections` by (number from
    1, field). `truncate` keeps that many bytes of the file. ValueError, TypeError: name the argument.
    """

    bits: int = field(default=32, validator=_check_bits)
    program: str | None = field(default=None, validator=_check_text)
    needed: tuple[str, ...] = field(default=(), converter=_to_needed)
    libpath: str = field(default=DEFAULT_LIBPATH, validator=_check_text)
    memory_bytes: int | None = field(default=None, validator=_check_memory)
    shared: bool = False
    header: Mapping[str, int] = field(factory=dict, validator=_check_fields)
    auxiliary: Mapping[str, Any] = field(factory=dict, validator=_check_fields)
    loader: Mapping[str, int] = field(factory=dict, validator=_check_fields)
    sections: Mapping[tuple[int, str], Any] = field(factory=dict, validator=_check_fields)
    truncate: int | None = None

    @property
    def xcoff(self) -> XcoffFile:
        """Give all that a reader of the file finds in it."""
        return parse(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Give the file. ValueError: a field that is set does not fit into its place."""
        form = FORMS[self.bits]
        parts = self._parts(form)
        start = form.header.size + form.auxiliary.size + form.section.size * len(parts)
        body, table = b"", b""
        numbers = {flags: number for number, (_, flags, _, _, _) in enumerate(parts, 1)}
        for number, (name, flags, address, content, size) in enumerate(parts, 1):
            place = start + len(body) if content else 0
            fields: dict[str, Any] = dict.fromkeys(x.Section._fields, 0)
            fields |= {
                "s_name": name, "s_paddr": address, "s_vaddr": address, "s_size": size, "s_scnptr": place,
                "s_flags": flags,
            }  # fmt: skip
            fields |= {key: value for (of, key), value in self.sections.items() if of == number}
            table += _packed(form.section, fields, "sections")
            body += content + bytes(-len(content) % 8)
        whole = self._header(form, len(parts)) + self._auxiliary(form, numbers) + table + body
        return whole[: self.truncate]

    def _parts(self, form: Form) -> list[tuple[bytes, int, int, bytes, int]]:
        """Give the sections: name, flags, address, what is in the file, how long it is."""
        data = DATA_START[self.bits]
        # A function descriptor, which is what the entry leads to: code, table of contents, environment.
        descriptor = b"".join(each.to_bytes(self.bits // 8, "big") for each in (TEXT_START[self.bits], data, 0))
        parts = [
            (b".text", x.STYP_TEXT, TEXT_START[self.bits], CODE, len(CODE)),
            (b".data", x.STYP_DATA, data, descriptor, len(descriptor)),
            (b".bss", x.STYP_BSS, data + len(descriptor), b"", self._zeros(len(descriptor))),
        ]
        if self.needed or self.shared:
            content = self._loader(form)
            parts.append((b".loader", x.STYP_LOADER, 0, content, len(content)))
        if self.program is not None:
            text = x.NOTE + self.program.encode("utf-8", "surrogateescape") + b"\0"
            text = x.NOTE_LENGTH.pack(len(text)) + text
            parts.append((b".info", x.STYP_INFO, 0, text, len(text)))
        return parts

    def _zeros(self, data_bytes: int) -> int:
        """Tell how many zeros follow the data, so that all pages together are as many as were asked for."""
        pages = -(-(self.memory_bytes or 0) // PAGE_BYTES)
        return max(0, (pages - 1) * PAGE_BYTES - data_bytes)

    def _loader(self, form: Form) -> bytes:
        files = [Import(self.libpath, "", ""), *map(import_of, self.needed)]
        text = "".join(f"{each.path}\0{each.base}\0{each.member}\0" for each in files)
        strings = text.encode("utf-8", "surrogateescape")
        fields = dict.fromkeys(form.loader_fields, 0) | {
            "l_version": 1 if self.bits == 32 else 2, "l_istlen": len(strings), "l_nimpid": len(files),
            "l_impoff": form.loader.size,
        }  # fmt: skip
        return _packed(form.loader, fields | dict(self.loader), "loader") + strings

    def _header(self, form: Form, count: int) -> bytes:
        flags = x.F_EXEC | (x.F_DYNLOAD if self.needed or self.shared else 0) | (x.F_SHROBJ if self.shared else 0)
        fields = dict.fromkeys(form.header_fields, 0) | {
            "f_magic": MAGIC[self.bits], "f_nscns": count, "f_opthdr": form.auxiliary.size, "f_flags": flags,
        }  # fmt: skip
        return _packed(form.header, fields | dict(self.header), "header")

    def _auxiliary(self, form: Form, numbers: dict[int, int]) -> bytes:
        text, data = TEXT_START[self.bits], DATA_START[self.bits]
        data_bytes = 3 * self.bits // 8
        fields: dict[str, Any] = dict.fromkeys(form.auxiliary_fields, 0)
        fields |= {
            "o_mflag": x.AOUT_MAGIC, "o_vstamp": 1, "o_tsize": len(CODE), "o_dsize": data_bytes,
            "o_bsize": self._zeros(data_bytes), "o_entry": data, "o_text_start": text, "o_data_start": data,
            "o_toc": data, "o_snentry": numbers[x.STYP_DATA], "o_sntext": numbers[x.STYP_TEXT],
            "o_sndata": numbers[x.STYP_DATA], "o_sntoc": numbers[x.STYP_DATA],
            "o_snloader": numbers.get(x.STYP_LOADER, 0), "o_snbss": numbers[x.STYP_BSS], "o_algntext": 2,
            "o_algndata": 3, "o_modtype": b"RE" if self.shared else b"1L",
        }  # fmt: skip
        return _packed(form.auxiliary, fields | dict(self.auxiliary), "auxiliary")


def _packed(record: Any, fields: dict[str, Any], argument: str) -> bytes:
    from struct import error

    try:
        packed: bytes = record.pack(*fields.values())
    except error as wrong:
        raise ValueError(f"{argument}: a field does not fit: {wrong}") from None
    return packed
