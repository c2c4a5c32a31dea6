"""XCOFF files and archives: built to order, read from any bytes, and as another reader sees them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.aix import xcoff as x
from bprocsim.aix.archive import HEADER_BYTES, MAGIC, build_archive, read_members
from bprocsim.aix.images import POWER
from bprocsim.aix.xcoff import parse
from bprocsim.aix.xcoffbuild import MAGIC as MAGIC_OF
from bprocsim.aix.xcoffbuild import import_of
from bprocsim.posix.image import image_bytes, memory_of, program_named, read_elf

NAMES = st.text(st.characters(exclude_characters="\0/()", exclude_categories=["Cs"]), min_size=1, max_size=12)
NEEDS = st.builds(
    lambda path, base, member: f"{path}{base}" + (f"({member})" if member else ""),
    st.sampled_from(["", "/usr/lib/", "/", "../lib/"]),
    NAMES,
    st.one_of(st.just(""), NAMES),
)


@st.composite
def images(draw: st.DrawFn) -> bp.XcoffImage:
    return bp.XcoffImage(
        bits=draw(st.sampled_from([32, 64])),
        program=draw(st.none() | NAMES),
        needed=draw(st.lists(NEEDS, max_size=4)),
        libpath=draw(st.sampled_from(["", "/usr/lib:/lib", "/opt/lib"])),
        memory_bytes=draw(st.none() | st.integers(1, 1 << 20)),
        shared=draw(st.booleans()),
    )


def check_readable(data: bytes) -> None:
    """Reading never fails, and what it gives hangs together."""
    file = parse(data)
    assert file.size == len(data)
    assert file.magic_ok == (data[:2] in {b"\x01\xdf", b"\x01\xef", b"\x01\xf7"})
    assert len(file.sections) <= max(file.f_nscns, 0)
    assert not file.table_complete or len(file.sections) == min(file.f_nscns, x.SECTIONS_LIMIT)
    assert memory_of(data, POWER) >= 0
    assert program_named(data, POWER) == file.program
    if not file.magic_ok:
        assert (file.sections, file.imports, file.program) == ((), (), None)


# ---- reading -------------------------------------------------------------------------------------


@given(images())
def test_what_was_asked_for_is_read_back(image: bp.XcoffImage) -> None:
    data = image.to_bytes()
    check_readable(data)
    file = image.xcoff
    assert (file.layout.bits, file.layout.byteorder) == (image.bits, "big")
    assert (file.program, file.needed) == (image.program, image.needed)
    assert file.libpath == (image.libpath if image.needed or image.shared else "")
    assert file.table_complete and file.imports_complete
    assert all(file.holds(each) for each in file.sections)
    assert file.auxiliary is not None
    assert file.section(file.auxiliary.o_sntext) == file.sections[0]
    assert file.section(0) is file.section(len(file.sections) + 1) is None
    assert bool(file.f_flags & x.F_SHROBJ) == image.shared
    assert memory_of(data, POWER) == max(2, -(-(image.memory_bytes or 0) // 4096)) * 4096


@given(st.binary(max_size=400))
def test_any_bytes_can_be_read(data: bytes) -> None:
    check_readable(data)


@given(st.sampled_from(sorted(x.MAGICS)), st.binary(max_size=400))
def test_any_bytes_after_a_magic_can_be_read(magic: int, data: bytes) -> None:
    check_readable(magic.to_bytes(2, "big") + data)


@pytest.mark.slow
@given(images(), st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), max_size=12), st.integers(0, 900))
def test_a_spoilt_image_can_be_read(image: bp.XcoffImage, changes: list[tuple[int, int]], keep: int) -> None:
    data = bytearray(image.to_bytes())
    for place, byte in changes:
        if place < len(data):
            data[place] = byte
    check_readable(bytes(data[:keep]))
    for reader in (POWER, bp.ARCHES["x86-64"]):
        read_elf(bytes(data), reader)


@pytest.mark.parametrize("bits", [32, 64])
def test_a_hostile_file_costs_little(bits: int) -> None:
    huge = {"l_istlen": (1 << 32) - 1, "l_nimpid": (1 << 32) - 1}
    image = bp.XcoffImage(bits=bits, needed=("a.a(b.o)",), header={"f_nscns": 0xFFFF}, loader=huge)
    data = image.to_bytes() + bytes(1 << 20)
    file = parse(data)
    assert len(file.sections) == x.SECTIONS_LIMIT
    assert not file.imports_complete and len(file.imports) < 30000
    assert not parse(data[:200]).table_complete


def test_no_format_takes_the_other_for_its_own() -> None:
    elf = bp.ElfImage(program="app").to_bytes()
    assert not read_elf(elf, POWER).magic_ok
    assert program_named(elf, POWER) is None
    ours = bp.XcoffImage(program="app").to_bytes()
    assert not read_elf(ours, bp.ARCHES["ppc64"]).magic_ok
    assert program_named(ours, bp.ARCHES["ppc64"]) is None
    with pytest.raises(TypeError, match="data"):
        parse("text")  # type: ignore[arg-type]


def test_the_image_of_a_program_of_ours() -> None:
    data = image_bytes("app", ("libc.a(shr.o)",), 100_000, POWER)
    assert data[:2] == b"\x01\xdf"
    assert program_named(data, POWER) == "app"
    assert read_elf(data, POWER).needed == ("libc.a(shr.o)",)
    assert memory_of(data, POWER) == 25 * 4096


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"bprocsim\0app\0", "app"),
        (b"bprocsim\0app", "app"),
        (b"bprocsim\0\0", None),
        (b"bprocsim", None),
        (b"other\0app\0", None),
        (b"", None),
    ],
)
def test_the_name_in_a_comment_section(content: bytes, name: str | None) -> None:
    data = bp.XcoffImage(program="x" * 40).to_bytes()
    section = parse(data).sections[-1]
    assert section.s_name == b".info"
    note = x.NOTE_LENGTH.pack(len(content)) + content
    spoilt = data[: section.s_scnptr] + note.ljust(section.s_size, b"z") + data[section.s_scnptr + section.s_size :]
    assert parse(spoilt).program == name


# ---- building ------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize(
    ("header", "name", "value"),
    [
        ("header", "f_magic", 0x01EF), ("header", "f_nscns", 9), ("header", "f_flags", 0), ("header", "f_opthdr", 3),
        ("auxiliary", "o_snloader", 77), ("auxiliary", "o_entry", 5), ("auxiliary", "o_modtype", b"RO"),
        ("loader", "l_nimpid", 9), ("loader", "l_impoff", 4000), ("sections", (1, "s_size"), 1 << 30),
        ("sections", (2, "s_name"), b".other"),
    ],
)  # fmt: skip
def test_a_field_is_set_and_nothing_else(bits: int, header: str, name: Any, value: Any) -> None:
    plain = bp.XcoffImage(bits=bits, program="app", needed=("libc.a(shr.o)",))
    wrong: dict[str, Any] = {header: {name: value}}
    other = evolve(plain, **wrong)
    before, after = plain.to_bytes(), other.to_bytes()
    assert len(before) == len(after)
    different = [place for place in range(len(before)) if before[place] != after[place]]
    assert 1 <= len(different) <= 8
    assert different[-1] - different[0] < 8
    check_readable(after)


def test_a_file_is_cut() -> None:
    image = bp.XcoffImage(program="app", needed=("libc.a(shr.o)",))
    whole = image.to_bytes()
    for keep in range(len(whole) + 2):
        data = evolve(image, truncate=keep).to_bytes()
        assert data == whole[:keep]
        check_readable(data)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"bits": 16}, ValueError, "bits: 16"),
        ({"needed": "libc.a"}, TypeError, "needed: 'libc.a' is not a tuple"),
        ({"needed": (3,)}, TypeError, "needed: 3 is not a str"),
        ({"needed": ("libc.a(",)}, ValueError, "needed: expected names such as 'libc.a"),
        ({"needed": ("dir/",)}, ValueError, "needed"),
        ({"needed": ("a\0b",)}, ValueError, "needed"),
        ({"program": ""}, ValueError, "program: ''"),
        ({"program": 3}, TypeError, "program: 3"),
        ({"libpath": "a\0"}, ValueError, "libpath"),
        ({"libpath": None}, TypeError, "libpath"),
        ({"memory_bytes": 0}, ValueError, "memory_bytes: 0"),
        ({"memory_bytes": True}, TypeError, "memory_bytes: True"),
        ({"header": {"e_type": 1}}, ValueError, "header: there is no field 'e_type'; expected some of f_flags"),
        ({"sections": {(1, "f_magic"): 1}}, ValueError, "sections"),
    ],
)
def test_a_wrong_argument_is_told_by_name(arguments: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=re.escape(says)):
        bp.XcoffImage(**arguments)


def test_a_value_that_does_not_fit_is_told_by_name() -> None:
    with pytest.raises(ValueError, match="header: a field does not fit"):
        bp.XcoffImage(header={"f_nscns": 1 << 16}).to_bytes()
    with pytest.raises(ValueError, match="auxiliary: a field does not fit"):
        bp.XcoffImage(auxiliary={"o_entry": -1}).to_bytes()


@pytest.mark.parametrize(
    ("name", "path", "base", "member"),
    [
        ("libc.a(shr.o)", "", "libc.a", "shr.o"),
        ("libx.so", "", "libx.so", ""),
        ("/opt/x/liby.a(z.o)", "/opt/x", "liby.a", "z.o"),
        ("/libx.so", "/", "libx.so", ""),
        ("../x.so", "..", "x.so", ""),
    ],
)
def test_how_a_library_is_named(name: str, path: str, base: str, member: str) -> None:
    assert tuple(import_of(name)) == (path, base, member)
    assert import_of(name).name == name


# ---- archives ------------------------------------------------------------------------------------

MEMBERS = st.dictionaries(NAMES, st.binary(max_size=40), max_size=5)


@given(MEMBERS)
def test_members_are_read_back(members: dict[str, bytes]) -> None:
    archive = build_archive(members)
    assert archive.startswith(MAGIC)
    assert read_members(archive) == members
    assert list(read_members(archive)) == list(members)


def test_a_member_may_have_a_name_that_is_no_text() -> None:
    members = {"shr\udcff.o": b"1"}
    archive = build_archive(members)
    assert b"shr\xff.o" in archive
    assert read_members(archive) == members


@given(MEMBERS, st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=12), st.integers(0, 800))
def test_a_spoilt_archive_can_be_read(members: dict[str, bytes], changes: list[tuple[int, int]], keep: int) -> None:
    data = bytearray(build_archive(members))
    for place, byte in changes:
        if place < len(data):
            data[place] = byte
    read_members(bytes(data[:keep]))
    read_members(MAGIC + bytes(data[:keep]))


def test_an_archive_whose_members_lead_in_a_circle() -> None:
    data = build_archive({"a": b"1", "b": b"2"})
    first = data.index(b"a\0`") - 112
    assert first == HEADER_BYTES
    second = int(data[first + 20 : first + 40])
    circle = data[: second + 20] + str(first).encode().ljust(20) + data[second + 40 :]
    assert read_members(circle) == {"a": b"1", "b": b"2"}
    assert read_members(b"!<arch>\n" + data) == {}


# ---- as others read them -------------------------------------------------------------------------


def run(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@pytest.mark.skipif(shutil.which("llvm-readobj") is None, reason="needs llvm-readobj")
@pytest.mark.parametrize("bits", [32, 64])
def test_llvm_reads_the_same_headers(bits: int, tmp_path: Path) -> None:
    image = bp.XcoffImage(bits=bits, program="app", needed=("libc.a(shr.o)",), memory_bytes=300_000)
    file, where = image.xcoff, tmp_path / "app"
    where.write_bytes(image.to_bytes())
    said = run("llvm-readobj", "--file-headers", "--section-headers", str(where))
    told = [(name, int(value, 0)) for name, value in re.findall(r"(\w+): (0x[0-9A-Fa-f]+|\d+)$", said, re.MULTILINE)]
    assert told.count(("Magic", MAGIC_OF[bits])) == 1
    assert told.count(("NumberOfSections", file.f_nscns)) == 1
    assert told.count(("OptionalHeaderSize", file.f_opthdr)) == 1
    assert [value for name, value in told if name == "Size"] == [each.s_size for each in file.sections]
    assert [value for name, value in told if name == "RawDataOffset"] == [each.s_scnptr for each in file.sections]
    assert [value for name, value in told if name == "VirtualAddress"] == [each.s_vaddr for each in file.sections]
    assert re.findall(r"Name: (\S+)", said) == [each.s_name.decode() for each in file.sections]
    types = [int(flags, 16) for flags in re.findall(r"Type: \w+ \((0x[0-9A-F]+)\)", said)]
    assert types == [each.s_flags for each in file.sections]


@pytest.mark.skipif(shutil.which("llvm-ar") is None, reason="needs llvm-ar")
def test_llvm_finds_the_members_of_an_archive(tmp_path: Path) -> None:
    members = {"shr.o": bp.XcoffImage(shared=True).to_bytes(), "odd.o": b"odd", "shr_64.o": b"even"}
    where = tmp_path / "libc.a"
    where.write_bytes(build_archive(members))
    assert run("llvm-ar", "t", str(where)).split() == list(members)
    assert run("llvm-ar", "p", str(where), "odd.o") == "odd"
