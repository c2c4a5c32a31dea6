"""Symbols and versions: against a second reader, and against nonsense."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from struct import Struct

import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection, GNUVerSymSection
from elftools.elf.relocation import RelocationSection
from elftools.elf.sections import SymbolTableSection
from hypothesis import example, given
from hypothesis import strategies as st

from bprocsim.posix.elf import (
    DT_STRTAB,
    DT_SYMTAB,
    PT_DYNAMIC,
    STRING_LIMIT_BYTES,
    ByteOrder,
    dynamic_entries,
    file_offset,
    parse,
)
from bprocsim.posix.elfbuild import ElfImage
from bprocsim.posix.elfsymbols import (
    DF_1_NOW,
    DF_BIND_NOW,
    DT_BIND_NOW,
    DT_FLAGS,
    DT_FLAGS_1,
    DT_GNU_HASH,
    DT_HASH,
    DT_JMPREL,
    DT_PLTRELSZ,
    DT_REL,
    DT_RELA,
    DT_RELASZ,
    DT_RELSZ,
    DT_VERDEF,
    HIDDEN,
    Definition,
    Reference,
    Symbols,
    read_symbols,
)
from tests.calls.loaderfiles import GCC
from tests.calls.loaderreal import read_recording

HOST_FILES, HOST_FILE_MAX_BYTES = 15, 3_000_000
FILES, _ = read_recording()
ENTRY, SYMBOL_BYTES = Struct("<QQ"), 24  # of an ELF64 file
DT_DEBUG = 21  # which nobody here asks for


def symbols(data: bytes) -> Symbols:
    """Read the symbols of a file as it says that it is laid out."""
    return read_symbols(data, parse(data))


def index_of(versions: GNUVerSymSection | None, number: int) -> int | None:
    """Give the index of a symbol's version as a number; pyelftools writes the lowest two as words."""
    if versions is None:
        return None
    found = versions.get_symbol(number).entry["ndx"]
    return int({"VER_NDX_LOCAL": 0, "VER_NDX_GLOBAL": 1}.get(found, found))


def check_against_pyelftools(data: bytes) -> tuple[int, int, int, int]:
    """Hold our reading against pyelftools', which finds the tables by sections; count what was held."""
    ours, theirs = symbols(data), ELFFile(io.BytesIO(data))
    sections = list(theirs.iter_sections())
    table = next((each for each in sections if isinstance(each, SymbolTableSection) and each.name == ".dynsym"), None)
    if table is None:
        assert (ours.exports, ours.references) == ({}, ())
        return 0, 0, 0, 0
    indices = next((each for each in sections if isinstance(each, GNUVerSymSection)), None)
    assert ours.has_indices == (indices is not None)

    needed = [
        (need.name, aux.name, bool(aux["vna_flags"] & 2), aux["vna_other"] & 0x7FFF)
        for each in sections if isinstance(each, GNUVerNeedSection)
        for need, auxiliaries in each.iter_versions() for aux in auxiliaries
    ]  # fmt: skip
    assert [(each.file.decode(), each.name.decode(), each.weak) for each in ours.needed] == [
        each[:3] for each in needed
    ]
    offered = {
        each["vd_ndx"]: next(iter(auxiliaries)).name
        for section in sections if isinstance(section, GNUVerDefSection)
        for each, auxiliaries in section.iter_versions() if not each["vd_flags"] & 1
    }  # fmt: skip
    assert ours.offered == {name.encode() for name in offered.values()}
    names = {**{index: name for _, name, _, index in needed}, **offered}
    assert {index: name.decode() for index, name in ours.versions.items()} == names

    exports: dict[str, list[tuple[int, bool]]] = {}
    for number, symbol in enumerate(table.iter_symbols()):
        bound = symbol["st_info"]["bind"] in ("STB_GLOBAL", "STB_WEAK", "STB_LOOS")
        seen = symbol["st_other"]["visibility"] in ("STV_DEFAULT", "STV_PROTECTED")
        placed = symbol["st_value"] or symbol["st_shndx"] == "SHN_ABS" or symbol["st_info"]["type"] == "STT_TLS"
        if number and bound and seen and placed and symbol["st_shndx"] != "SHN_UNDEF":
            index = index_of(indices, number)
            version = 1 if index is None else index
            exports.setdefault(symbol.name, []).append((version & 0x7FFF, bool(version & 0x8000)))
    assert {
        name.decode(): [(each.version_index, each.hidden) for each in found] for name, found in ours.exports.items()
    } == (exports)

    asked: dict[tuple[str, str | None], tuple[bool, bool]] = {}
    for section in sections:
        if isinstance(section, RelocationSection) and section["sh_flags"] & 2:
            called = section.name in (".rela.plt", ".rel.plt")
            for each in section.iter_relocations():
                symbol = table.get_symbol(each["r_info_sym"])
                if each["r_info_sym"] and symbol["st_shndx"] == "SHN_UNDEF":
                    named = names.get((index_of(indices, each["r_info_sym"]) or 0) & 0x7FFF)
                    asked.setdefault((symbol.name, named), (symbol["st_info"]["bind"] == "STB_WEAK", called))
    found = {
        (each.name.decode(), None if each.version is None else each.version.name.decode()): (each.weak, each.lazy)
        for each in ours.references if not each.copied
    }  # fmt: skip
    assert found == asked

    dynamic = [tag for each in theirs.iter_segments() if isinstance(each, DynamicSegment) for tag in each.iter_tags()]
    flags = {tag.entry.d_tag: tag.entry.d_val for tag in dynamic}
    at_once = "DT_BIND_NOW" in flags or flags.get("DT_FLAGS", 0) & 8 or flags.get("DT_FLAGS_1", 0) & 1
    assert ours.bound_at_once == bool(at_once)
    assert ours.is_program == bool(flags.get("DT_FLAGS_1", 0) & 0x08000000)
    return len(exports), len(asked), len(needed), len(offered)


@pytest.mark.parametrize("name", FILES)
def test_pyelftools_agrees_on_the_recorded_files(name: str) -> None:
    exports, asked, *_ = check_against_pyelftools(FILES[name])
    # A library offers what it is for, a program asks; but one uses nothing of what it is linked with.
    assert exports or asked or name == "none"


def test_the_recorded_files_have_versions_of_both_kinds() -> None:
    counted = [check_against_pyelftools(data) for data in FILES.values()]
    assert sum(needed > 0 for *_, needed, _ in counted) >= 5
    assert sum(offered > 0 for *_, offered in counted) >= 5


def host_files() -> Iterator[bytes]:
    """Programs and libraries of this machine, the C library among them."""
    for directory, at_least in (("/lib/x86_64-linux-gnu", ["libc.so.6", "libm.so.6"]), ("/usr/bin", ["ls"])):
        top = Path(directory)
        if not top.is_dir():
            continue
        others = sorted(each.name for each in top.iterdir() if each.is_file())[:HOST_FILES]
        for name in (*at_least, *others):
            try:
                data = (top / name).read_bytes()
            except OSError:
                continue
            if data.startswith(b"\x7fELF") and len(data) < HOST_FILE_MAX_BYTES:
                yield data


@pytest.mark.linux
def test_pyelftools_agrees_on_the_files_of_this_machine() -> None:
    counted = [check_against_pyelftools(data) for data in host_files()]
    if sys.platform == "linux" and Path("/lib/x86_64-linux-gnu/libc.so.6").exists():
        # The C library offers symbols and versions, programs ask for them.
        totals = [sum(column) for column in zip(*counted, strict=True)]
        assert totals[0] > 3000
        assert totals[1] > 500
        assert totals[2] > 30
        assert totals[3] > 30


@pytest.mark.linux
@pytest.mark.skipif(GCC is None, reason="needs gcc")
@pytest.mark.parametrize("style", ["gnu", "sysv", "both"])
def test_pyelftools_agrees_on_32_bits(style: str, tmp_path: Path) -> None:
    (tmp_path / "it.c").write_text("int f(void); extern int d; int x(void) { return f() + d; } int y = 1;\n")
    (tmp_path / "it.map").write_text("V1 { global: x; }; V2 { global: y; local: *; } V1;\n")
    options = ("-m32", "-shared", "-fPIC", "-nostdlib", f"-Wl,--hash-style={style},--version-script=it.map")
    done = subprocess.run([str(GCC), *options, "it.c", "-o", "it.so"], cwd=tmp_path, capture_output=True, check=False)
    if done.returncode:
        pytest.skip("this gcc makes no 32-bit files")
    data = (tmp_path / "it.so").read_bytes()
    assert check_against_pyelftools(data) == (4, 2, 0, 2)  # two functions, and a symbol for each version


def narrow(byteorder: ByteOrder) -> bytes:
    """Make a library of 32 bits: it gives `given`, copies it too, and asks for the others, each in its own way."""
    end, machine, copy = ("<", 3, 5) if byteorder == "little" else (">", 20, 19)
    names = ["", "more", "data", "called", "given"]
    texts = [name.encode() + b"\0" for name in names]
    symbols = [
        struct.pack(
            end + "IIIBBH", sum(map(len, texts[:number])), 99 * (name == "given"), 0, 0x12, 0, name == "given"
        )
        for number, name in enumerate(names)
    ]  # fmt: skip
    plain = 6
    tables = {
        DT_STRTAB: b"".join(texts),
        DT_SYMTAB: b"".join(symbols),
        DT_HASH: struct.pack(end + "2I", 1, len(names)),
        DT_RELA: struct.pack(end + "IIi", 0, 1 << 8 | plain, -1),
        DT_REL: struct.pack(end + "4I", 0, 2 << 8 | plain, 0, 4 << 8 | copy),
        DT_JMPREL: struct.pack(end + "2I", 0, 3 << 8 | plain),
    }
    sizes = {DT_RELASZ: len(tables[DT_RELA]), DT_RELSZ: len(tables[DT_REL]), DT_PLTRELSZ: len(tables[DT_JMPREL])}
    headers_bytes, dynamic_bytes = 52 + 2 * 32, 8 * (len(tables) + len(sizes) + 1)
    entries, body = list(sizes.items()), b""
    for tag, table in tables.items():
        entries.append((tag, headers_bytes + dynamic_bytes + len(body)))
        body += table
    dynamic = b"".join(struct.pack(end + "2I", *entry) for entry in [*entries, (0, 0)])
    size = headers_bytes + dynamic_bytes + len(body)
    segments = ((1, 0, size), (PT_DYNAMIC, headers_bytes, dynamic_bytes))
    head = b"\x7fELF" + bytes([1, 1 if end == "<" else 2, 1]) + bytes(9)
    head += struct.pack(end + "2H5I6H", 3, machine, 1, 0, 52, 0, 0, 52, 32, len(segments), 0, 0, 0)
    table = b"".join(
        struct.pack(end + "8I", kind, start, start, start, length, length, 7, 4096) for kind, start, length in segments
    )
    return head + table + dynamic + body


@pytest.mark.parametrize("byteorder", ["little", "big"])
def test_a_file_of_32_bits_has_records_of_its_own(byteorder: ByteOrder) -> None:
    read = symbols(narrow(byteorder))
    assert read.exports == {b"given": (Definition(1, False),)}
    assert read.references == (
        Reference(b"more", None, weak=False, lazy=False),
        Reference(b"data", None, weak=False, lazy=False),
        Reference(b"given", None, weak=False, lazy=False, copied=True),
        Reference(b"called", None, weak=False, lazy=True),
    )


@pytest.mark.parametrize(
    ("size", "lost"), [(DT_RELASZ, {b"more"}), (DT_RELSZ, {b"data", b"given"}), (DT_PLTRELSZ, {b"called"})]
)
def test_a_table_of_relocations_without_a_size_has_none(size: int, lost: set[bytes]) -> None:
    data = narrow("little")
    place = 52 + 2 * 32 + 8 * (DT_RELASZ, DT_RELSZ, DT_PLTRELSZ).index(size)
    read = symbols(replaced(data, place, Struct("<I"), DT_DEBUG))
    assert {b"more", b"data", b"given", b"called"} - {each.name for each in read.references} == lost


def test_an_image_of_ours_offers_nothing_and_asks_for_nothing() -> None:
    made = symbols(ElfImage(type="DYN", needed=("libc.so.6",), soname="libx.so").to_bytes())
    assert made == Symbols(False, False, False, {}, frozenset(), (), {}, (), False, False)


def replaced(data: bytes, place: int, record: Struct, *values: int) -> bytes:
    """Put other values into a file."""
    changed = bytearray(data)
    record.pack_into(changed, place, *values)
    return bytes(changed)


def with_entry(data: bytes, tag: int, *entry: int) -> bytes:
    """Put another entry in the place of that of a tag into a file's dynamic table."""
    table = next(each for each in parse(data).segments if each.p_type == PT_DYNAMIC)
    places = range(table.p_offset, table.p_offset + table.p_filesz, ENTRY.size)
    place = next(each for each in places if ENTRY.unpack_from(data, each)[0] == tag)
    return replaced(data, place, ENTRY, *entry)


@pytest.mark.parametrize(
    ("entry", "flags_1", "at_once"),
    [
        ((DT_FLAGS, DF_BIND_NOW), DF_1_NOW, True),
        ((DT_FLAGS, DF_BIND_NOW), 0, True),
        ((DT_FLAGS, 0), DF_1_NOW, True),
        ((DT_BIND_NOW, 0), 0, True),
        ((DT_FLAGS, DF_1_NOW), DF_BIND_NOW, False),
        ((DT_FLAGS, 0), 0, False),
    ],
)
def test_any_one_entry_asks_for_binding_at_once(entry: tuple[int, int], flags_1: int, at_once: bool) -> None:
    """A linker writes two of them."""
    data = with_entry(FILES["x-now"], DT_FLAGS_1, DT_FLAGS_1, flags_1)
    assert symbols(with_entry(data, DT_FLAGS, *entry)).bound_at_once == at_once


def place_of(data: bytes, tag: int) -> int:
    """Tell where in a file the table of a tag lies."""
    elf = parse(data)
    place = file_offset(elf.segments, dict(dynamic_entries(data, elf.layout, elf.segments))[tag])
    assert place is not None
    return place


@pytest.mark.parametrize("buckets", [1 << 12, 1 << 31])
def test_a_hash_table_that_leaves_the_file_has_no_symbol(buckets: int) -> None:
    data = replaced(FILES["x"], place_of(FILES["x"], DT_GNU_HASH), Struct("<I"), buckets)
    assert (list(symbols(FILES["x"]).exports), list(symbols(data).exports)) == ([b"x"], [])


def test_a_version_that_is_hidden_has_the_index_without_the_bit() -> None:
    data = FILES["x-v1"]
    first = place_of(data, DT_VERDEF)
    second = first + Struct("<4H3I").unpack_from(data, first)[-1]
    (index,) = Struct("<H").unpack_from(data, second + 4)
    hidden = symbols(replaced(data, second + 4, Struct("<H"), index | HIDDEN))
    assert hidden.versions == symbols(data).versions == {index: b"V1"}


@pytest.mark.parametrize("size", [STRING_LIMIT_BYTES - 1, STRING_LIMIT_BYTES, STRING_LIMIT_BYTES + 1])
def test_a_name_without_an_end_is_read_up_to_the_end_of_the_file_or_the_limit(size: int) -> None:
    data = FILES["x"]
    strings, table = place_of(data, DT_STRTAB), place_of(data, DT_SYMTAB)
    # Of its two symbols the first is nobody's, the other one's name begins behind all else.
    named = replaced(data, table + SYMBOL_BYTES, Struct("<I"), len(data) - strings)
    assert list(symbols(named + size * b"x").exports) == [min(size, STRING_LIMIT_BYTES) * b"x"]


small = sorted(FILES.items())


@given(
    st.sampled_from(small),
    st.lists(st.tuples(st.integers(0, 2200), st.integers(0, 255)), max_size=12),
    st.integers(0, 2300),
)
@example(small[0], [], 0)
def test_no_bytes_at_all_make_it_fail(file: tuple[str, bytes], changes: list[tuple[int, int]], size: int) -> None:
    data = bytearray(file[1])
    for place, value in changes:
        if place < len(data):
            data[place] = value
    cut = bytes(data[:size])
    read = symbols(cut)
    assert len(read.exports) <= len(cut)
    assert len(read.references) <= len(cut)


@given(st.sampled_from(small), st.integers(0, 60), st.integers(0, 2**64 - 1))
def test_no_entry_of_the_dynamic_table_makes_it_fail(file: tuple[str, bytes], number: int, value: int) -> None:
    data = bytearray(file[1])
    table = next(each for each in parse(bytes(data)).segments if each.p_type == 2)
    place = table.p_offset + 8 * (number % (table.p_filesz // 8))
    data[place : place + 8] = value.to_bytes(8, "little")
    read = symbols(bytes(data))
    assert len(read.references) <= len(data)
