"""ELF files read and built: against a second reader, against nonsense, and against a real kernel."""

from __future__ import annotations

import errno
import io
import os
import pickle
import platform
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.enums import ENUM_E_MACHINE, ENUM_E_TYPE, ENUM_P_TYPE_BASE
from elftools.elf.segments import InterpSegment, NoteSegment
from hypothesis import given
from hypothesis import strategies as st

import bprocsim
from bprocsim.posix import elf as e
from bprocsim.posix.arch import ARCHES, Arch, arch
from bprocsim.posix.elf import FORMS, ElfFile, Layout, Note, Segment, layout_of, parse, program_of
from bprocsim.posix.elfbuild import HEADER, ElfImage

HOST_FILES, HOST_FILE_MAX_BYTES = 100, 20_000_000
LOADER = "/lib64/ld-linux-x86-64.so.2"

# ---- what is generated

names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20)
contents = st.binary(max_size=24)
paths = names.map(lambda name: "/lib/" + name)


@st.composite
def sound_images(draw: st.DrawFn) -> ElfImage:
    """Images as a linker makes them, for every architecture."""
    return ElfImage(
        machine=draw(st.sampled_from(list(ARCHES))),
        type=draw(st.sampled_from(["EXEC", "DYN"])),
        program=draw(st.none() | names),
        needed=draw(st.lists(names, max_size=4)),
        interpreters=draw(st.none() | st.lists(paths, max_size=1)),
        soname=draw(st.none() | names),
        rpath=draw(st.none() | names),
        runpath=draw(st.none() | names),
        code=draw(st.none() | contents),
        memory_bytes=draw(st.none() | st.integers(1, 1 << 30)),
    )


# Numbers at which something overflows, wraps or ends.
edges = st.sampled_from([0, 1, 2, 31, 32, 55, 56, 64, 120, 512, 4095, 4096, 4097, 65535, 65536, 1 << 31, (1 << 32) - 1])
long_edges = edges | st.sampled_from([1 << 32, 1 << 63, (1 << 64) - 1])
segment_types = st.sampled_from([*range(8), e.PT_GNU_STACK, 0xFFFFFFFF])


@st.composite
def wild_images(draw: st.DrawFn) -> ElfImage:
    """Images wrong in several ways at once: tables, header fields, contents, cuts."""
    layout = draw(st.sampled_from(list(FORMS)))
    word = edges if layout.bits == 32 else long_edges
    half = st.integers(0, 65535) | edges.map(lambda number: min(number, 65535))
    segment = st.builds(Segment, segment_types, edges, word, word, word, word, word, word)
    return ElfImage(
        machine=draw(half),
        bits=layout.bits,
        byteorder=layout.byteorder,
        type=draw(half),
        program=draw(st.none() | names),
        needed=draw(st.lists(names, max_size=2)),
        interpreters=draw(st.lists(paths | contents, max_size=3)),
        segments=draw(st.none() | st.lists(segment, max_size=6)),
        ident=draw(st.none() | st.binary(min_size=16, max_size=16)),
        magic=draw(st.sampled_from([e.MAGIC, e.MAGIC, e.MAGIC, b"#!/b"])),
        entry=draw(st.none() | word),
        phoff=draw(st.none() | word),
        phentsize=draw(st.none() | half),
        phnum=draw(st.none() | half),
        truncate=draw(st.none() | st.integers(0, 700)),
    )


def check_readable(data: bytes) -> None:
    """Read bytes in every way there is; none may fail, and the bytes stay as they are."""
    for layout in (None, *FORMS):
        elf = parse(data, layout)
        assert elf.size == len(data)
        assert len(elf.segments) <= min(elf.e_phnum, 2048)
        assert elf.table_complete or not elf.segments or elf.e_phnum > 0
        assert len(elf.interpreters) == sum(each.p_type == e.PT_INTERP for each in elf.segments)
        for each in elf.interpreters:
            assert len(each.data) <= each.p_filesz
            assert not each.complete or len(each.data) == min(each.p_filesz, 4096)
            assert each.path == each.data.split(b"\0")[0]
        assert program_of(elf) != ""
    for each_arch in ARCHES.values():
        assert each_arch.parse(data).size == len(data)
    image = ElfImage.from_bytes(data)
    assert image.to_bytes() == data
    assert image.elf == parse(data)
    assert image.memory_bytes >= 0
    assert "from_bytes" in repr(image)


def spoil(data: bytes, changes: list[tuple[int, int]], keep: int) -> bytes:
    """Change single bytes of a file, at places taken modulo its length, and cut it."""
    spoilt = bytearray(data)
    for place, value in changes:
        spoilt[place % len(spoilt)] = value
    return bytes(spoilt[: keep % (len(spoilt) + 1)])


# Header bytes are changed as often as all others together: there lie the offsets and sizes.
changes_strategy = st.lists(
    st.tuples(st.integers(0, 600) | st.integers(0, 1 << 24), st.integers(0, 255)), min_size=1, max_size=8
)

# ---- a second reader


def check_against_pyelftools(data: bytes) -> None:
    """Hold our reading of a well-formed file against pyelftools', field by field."""
    ours, theirs = parse(data), ELFFile(io.BytesIO(data))
    assert ours.layout == Layout(theirs.elfclass, "little" if theirs.little_endian else "big")
    header = dict(theirs.header)
    assert ours.magic_ok
    assert ours.table_complete
    assert ours.e_ident == data[:16]
    assert ours.e_type == ENUM_E_TYPE.get(header["e_type"], header["e_type"])
    assert ours.e_machine == ENUM_E_MACHINE.get(header["e_machine"], header["e_machine"])
    for name in (
        "e_entry", "e_phoff", "e_shoff", "e_flags", "e_ehsize", "e_phentsize", "e_phnum", "e_shentsize",
        "e_shnum", "e_shstrndx",
    ):  # fmt: skip
        assert getattr(ours, name) == header[name], name
    assert ours.e_version == 1
    segments = list(theirs.iter_segments())
    assert len(ours.segments) == len(segments)
    for mine, other in zip(ours.segments, segments, strict=True):
        fields = dict(other.header)
        kind = fields.pop("p_type")
        if kind in ENUM_P_TYPE_BASE or isinstance(kind, int):
            assert mine.p_type == ENUM_P_TYPE_BASE.get(kind, kind)
        else:
            assert 0x70000000 <= mine.p_type < 0x80000000  # a name that is the processor's own
        assert {name: getattr(mine, name) for name in fields} == fields
    assert [each.path.decode() for each in ours.interpreters] == [
        each.get_interp_name() for each in segments if isinstance(each, InterpSegment)
    ]
    found: dict[str, list[str]] = {"needed": [], "soname": [], "rpath": [], "runpath": []}
    for segment in segments:
        if isinstance(segment, DynamicSegment):
            for tag in segment.iter_tags():
                for name, values in found.items():
                    if tag.entry.d_tag == "DT_" + name.upper():
                        values.append(getattr(tag, name))
            assert {tag.entry.d_val for tag in segment.iter_tags("DT_SYMENT")} <= {16 if theirs.elfclass == 32 else 24}
    assert list(ours.needed) == found["needed"]
    for name in ("soname", "rpath", "runpath"):
        value = getattr(ours, name)
        assert ([] if value is None else [value]) == found[name]
    notes = [note for each in segments if isinstance(each, NoteSegment) for note in each.iter_notes()]
    assert [(each.owner, each.desc) for each in ours.notes] == [
        (note["n_name"].encode("latin-1"), note["n_descdata"]) for note in notes
    ]


@given(sound_images())
def test_pyelftools_agrees_on_sound_images(image: ElfImage) -> None:
    check_against_pyelftools(image.to_bytes())


def host_files() -> Iterator[Path]:
    """Give ELF files of this machine, each once, at most a hundred, and this Python first."""
    seen: set[Path] = set()
    first = [Path(sys.executable), Path("/bin/true"), Path("/bin/ls")]
    for path in (*first, *sorted(Path("/usr/bin").iterdir())):
        real = path.resolve()
        if len(seen) == HOST_FILES:
            return
        if real in seen or not real.is_file() or not os.access(real, os.R_OK):
            continue
        if real.stat().st_size > HOST_FILE_MAX_BYTES:
            continue
        with real.open("rb") as file:
            if file.read(4) == e.MAGIC:
                seen.add(real)
                yield real


@pytest.mark.linux
def test_pyelftools_agrees_on_the_files_of_this_machine() -> None:
    checked = 0
    for path in host_files():
        data = path.read_bytes()
        check_against_pyelftools(data)
        image = ElfImage.from_bytes(data)
        assert image.to_bytes() == data
        assert (image.machine, image.type) == (
            parse(data).e_machine,
            {2: "EXEC", 3: "DYN"}[parse(data).e_type],
        )
        assert image.memory_bytes % arch(image.machine).page_bytes == 0
        assert image.memory_bytes > 0
        assert program_of(image.elf) is image.program is None
        checked += 1
    assert checked >= 3


# ---- nonsense


@given(st.binary(max_size=300))
def test_any_bytes_can_be_read(data: bytes) -> None:
    check_readable(data)


@given(st.binary(max_size=400))
def test_any_bytes_after_the_magic_can_be_read(data: bytes) -> None:
    check_readable(e.MAGIC + data)


@given(wild_images())
def test_wild_images_can_be_built_and_read(image: ElfImage) -> None:
    check_readable(image.to_bytes())


@given(sound_images(), changes_strategy, st.integers(0))
def test_spoilt_images_can_be_read(image: ElfImage, changes: list[tuple[int, int]], keep: int) -> None:
    check_readable(spoil(image.to_bytes(), changes, keep))


@pytest.mark.linux
@given(changes_strategy, st.integers(0))
def test_a_spoilt_real_file_can_be_read(changes: list[tuple[int, int]], keep: int) -> None:
    check_readable(spoil(Path("/bin/true").read_bytes(), changes, keep))


@given(st.integers(0, 528))
def test_a_cut_image_tells_what_is_missing(keep: int) -> None:
    whole = ElfImage()
    elf = attrs.evolve(whole, truncate=keep).elf
    table_end = 64 + 2 * 56
    assert elf.size == keep
    assert elf.magic_ok == (keep >= 4)
    if keep >= 64:
        assert elf.table_complete == (keep >= table_end)
        assert len(elf.segments) == min(2, (keep - 64) // 56)


def test_the_largest_table_costs_little() -> None:
    interp = Segment(e.PT_INTERP, p_offset=0, p_filesz=1 << 40)
    row = FORMS[e.LE64].segment.pack(*interp)
    data = ElfImage(phnum=65535, segments=()).to_bytes()[:64] + row * 65535
    elf = parse(data)
    assert elf.table_complete
    assert elf.e_phnum == 65535
    assert len(elf.segments) == len(elf.interpreters) == 65536 // 56
    assert {(len(each.data), each.complete) for each in elf.interpreters} == {(4096, False)}


def test_other_lengths_of_a_program_header() -> None:
    image = ElfImage()
    shorter = attrs.evolve(image, phentsize=55).elf
    assert (shorter.segments, shorter.table_complete) == ((), True)
    wider = image.to_bytes()[:64] + b"".join(FORMS[e.LE64].segment.pack(*each) + bytes(8) for each in image.segments)
    assert parse(attrs.evolve(ElfImage.from_bytes(wider), phentsize=64).to_bytes()).segments == image.segments
    far = attrs.evolve(image, phoff=1 << 63).elf
    assert (far.segments, far.table_complete) == ((), False)
    none = attrs.evolve(image, phnum=0, phoff=1 << 63).elf
    assert (none.segments, none.table_complete) == ((), True)


def test_interpreters_tell_what_lies_in_the_file() -> None:
    image = ElfImage(interpreters=["/lib/ld.so", b"/lib/open", b"", b"\0\0", "", b"/a\0b\0"])
    assert image.interpreters == ("/lib/ld.so", b"/lib/open", b"", b"\0\0", "", b"/a\0b\0")
    found = image.elf.interpreters
    assert [each.data for each in found] == [
        b"/lib/ld.so\0", b"/lib/open", b"", b"\0\0", b"\0", b"/a\0b\0",
    ]  # fmt: skip
    assert [each.path for each in found] == [b"/lib/ld.so", b"/lib/open", b"", b"", b"", b"/a"]
    assert all(each.complete for each in found)
    assert ElfImage.from_bytes(image.to_bytes()).interpreters == image.interpreters
    exact = attrs.evolve(image, truncate=found[0].p_offset + found[0].p_filesz).elf.interpreters
    assert [each.complete for each in exact] == [True, False, True, False, False, False]
    cut = attrs.evolve(image, truncate=found[0].p_offset + 3).elf.interpreters
    assert [each.complete for each in cut] == [False, False, True, False, False, False]
    assert cut[0].data == b"/li"


def test_notes_with_the_alignment_of_their_segment() -> None:
    # Two notes of 3 and 0 bytes, once with 4 and once with 8 bytes between their parts.
    for align in (4, 8):
        body = b""
        for owner, desc in ((b"A\0", b"xyz"), (b"", b"")):
            body += FORMS[e.LE64].note.pack(len(owner), len(desc), 7) + owner
            body += bytes(-len(body) % align) + desc
            body += bytes(-len(body) % align)
        image = ElfImage(code=body)
        at = image.elf.size - len(body)
        note = Segment(e.PT_NOTE, p_offset=at, p_filesz=len(body), p_align=align)
        elf = attrs.evolve(image, segments=(note,)).elf
        assert elf.notes == (Note(b"A", 7, b"xyz"), Note(b"", 7, b""))


def test_a_note_that_its_segment_cuts_off_is_none() -> None:
    body = FORMS[e.LE64].note.pack(2, 8, 7) + b"A\0\0\0" + b"12345678"
    image = ElfImage(code=body)
    for size, notes in {24: (Note(b"A", 7, b"12345678"),), 23: (), 12: (), 11: (), 0: ()}.items():
        note = Segment(e.PT_NOTE, p_offset=image.elf.size - len(body), p_filesz=size)
        assert attrs.evolve(image, segments=(note,)).elf.notes == notes


def test_no_table_is_read_without_the_magic() -> None:
    elf = ElfImage(needed=["libc.so.6"], program="p", magic=b"\x7fELG").elf
    assert (elf.magic_ok, elf.e_phnum, elf.e_machine, elf.table_complete) == (False, 7, 62, True)
    assert (elf.segments, elf.interpreters, elf.needed, elf.notes) == ((), (), (), ())


def test_names_are_found_through_the_load_that_holds_them() -> None:
    def table(*rows: tuple[int, int]) -> bytes:
        return b"".join([FORMS[e.LE64].dynamic.pack(*row) for row in rows])

    # 16 bytes of names, then two dynamic tables; what follows the end of a table does not count.
    first = table((e.DT_NEEDED, 5), (e.DT_STRTAB, 0x7000), (e.DT_NULL, 0))
    last = table((e.DT_NEEDED, 0), (e.DT_STRTAB, 0x7000), (999, 0), (e.DT_SONAME, 5), (e.DT_NULL, 0), (e.DT_NEEDED, 5))
    body = b"libc\0own\0".ljust(16, b"\0") + first + last
    image = ElfImage(code=body)
    at = image.elf.size - len(body)
    tables = (
        Segment(e.PT_DYNAMIC, p_offset=at + 16, p_filesz=len(first)),
        Segment(e.PT_DYNAMIC, p_offset=at + 16 + len(first), p_filesz=len(last)),
    )

    def read(load: Segment, *others: Segment) -> ElfFile:
        return attrs.evolve(image, segments=(load, *others)).elf

    whole = Segment(e.PT_LOAD, p_offset=at, p_vaddr=0x7000, p_filesz=16)
    assert (read(whole, *tables).needed, read(whole, *tables).soname) == (("libc",), "own")
    assert (read(whole, tables[0]).needed, read(whole, tables[0]).soname) == (("own",), None)
    for other in (
        Segment(e.PT_LOAD, p_offset=at - 16, p_vaddr=0x6FF0, p_filesz=16),
        Segment(e.PT_LOAD, p_offset=at, p_vaddr=0x7001, p_filesz=16),
        whole._replace(p_type=e.PT_NULL),
    ):
        assert (read(other, *tables).needed, read(other, *tables).soname) == ((), None)
    assert read(Segment(e.PT_LOAD, p_offset=at - 16, p_vaddr=0x6FF0, p_filesz=17), *tables).needed == ("libc",)


# ---- what the reader reads by


@pytest.mark.parametrize("known", ARCHES.values(), ids=ARCHES)
def test_each_architecture_reads_its_own_images(known: Arch) -> None:
    image = ElfImage(machine=known.name, needed=["libc.so.6"], program="hello")
    assert (image.machine, image.layout) == (known.machine, known.layout)
    assert image.interpreters == (known.loader,)
    elf = known.parse(image.to_bytes())
    assert elf.layout == layout_of(image.to_bytes()) == known.layout
    assert known.layout_for(elf.e_machine) == known.layout
    assert (elf.e_phentsize, elf.e_ehsize) == ((56, 64) if known.bits == 64 else (32, 52))
    assert elf.needed == ("libc.so.6",)
    assert program_of(elf) == "hello"
    for other in ARCHES.values():
        takes = other.layout_for(other.parse(image.to_bytes()).e_machine) is not None
        assert takes == (other is known or (other.name, known.name) == ("x86-64", "i386"))


def test_class_and_data_bytes_are_recorded_and_not_looked_at() -> None:
    image = ElfImage(ident=e.MAGIC + bytes([1, 2, 9]) + bytes(9))
    elf = ARCHES["x86-64"].parse(image.to_bytes())
    assert (elf.ei_class, elf.ei_data, elf.e_machine) == (1, 2, 62)
    assert elf.segments == ElfImage().segments
    assert layout_of(image.to_bytes()) == e.BE32
    assert parse(image.to_bytes()).e_machine == 62 << 8


@pytest.mark.parametrize(
    ("ident", "layout"),
    [
        (b"", e.LE64),
        (bytes([1]), e.LE32),
        (bytes([1, 1]), e.LE32),
        (bytes([1, 2]), e.BE32),
        (bytes([2, 1]), e.LE64),
        (bytes([2, 2]), e.BE64),
        (bytes([0, 0]), e.LE64),
        (bytes([7, 7]), e.LE64),
    ],
)
def test_the_layout_that_a_file_claims(ident: bytes, layout: Layout) -> None:
    assert layout_of(e.MAGIC + ident) == parse(e.MAGIC + ident).layout == layout


def test_a_foreign_file_is_read_by_the_readers_own_layout() -> None:
    for known in ARCHES.values():
        for data in (b"", bytes(19), ElfImage(machine=9999).to_bytes()):
            assert known.parse(data).layout == known.layout


@pytest.mark.parametrize("machine", [3, 6])
@pytest.mark.parametrize("reader", ["i386", "x86-64"])
def test_32_bit_images_are_read_as_such(reader: str, machine: int) -> None:
    data = ElfImage(machine=machine, interpreters=["/lib/ld-linux.so.2"]).to_bytes()
    assert ARCHES[reader].layout_for(machine) == e.LE32
    elf = ARCHES[reader].parse(data)
    assert (elf.layout, elf.e_machine, elf.e_phentsize) == (e.LE32, machine, 32)
    assert elf.interpreters[0].path == b"/lib/ld-linux.so.2"


def test_machine_numbers() -> None:
    assert arch(62) is arch("x86-64") is arch(ARCHES["x86-64"])
    assert arch(20).layout == e.BE32
    assert (arch(6).layout, arch(6).accepts) == (e.LE32, ((6, e.LE32),))
    unknown = arch(9999)
    assert (unknown.layout, unknown.accepts, unknown.bits) == (e.LE64, ((9999, e.LE64),), 64)
    assert unknown == arch(9999)
    assert [each.page_bytes for each in ARCHES.values()] == [4096, 4096, 8192, *5 * [4096]]
    assert [each.vmadump_code for each in ARCHES.values()] == [1, 2, 3, 4, 5, 6, None, None]


@pytest.mark.parametrize(
    ("which", "error"),
    [("x86_64", ValueError), (-1, ValueError), (65536, ValueError), (True, TypeError), (1.5, TypeError)],
)
def test_an_unknown_architecture_is_told_by_name(which: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^arch: .*i386, sparc, alpha, ppc, x86-64, ppc64, aarch64, riscv64"):
        arch(which)
    with pytest.raises(error, match=r"^machine: "):
        ElfImage(machine=which)


def test_an_unknown_layout_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^layout: "):
        parse(b"", Layout(16, "little"))
    for wrong in (7, "text", None):
        with pytest.raises(TypeError, match=r"^data: "):
            parse(wrong)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match=r"^data: "):
            ElfImage.from_bytes(wrong)  # type: ignore[arg-type]
    assert parse(memoryview(ElfImage().to_bytes())) == parse(bytearray(ElfImage().to_bytes()))


# ---- what is built


@given(sound_images())
def test_what_was_asked_for_is_read_back(image: ElfImage) -> None:
    elf = image.elf
    assert program_of(elf) == image.program
    back = ElfImage.from_bytes(image.to_bytes())
    for name in (
        "machine", "bits", "byteorder", "type", "program", "needed", "interpreters", "soname", "rpath",
        "runpath", "segments", "memory_bytes", "elf",
    ):  # fmt: skip
        assert getattr(back, name) == getattr(image, name), name
    assert pickle.loads(pickle.dumps(image)) == image
    for each in elf.segments:
        if each.p_type == e.PT_PHDR:
            assert (each.p_offset, each.p_filesz) == (elf.e_phoff, elf.e_phnum * elf.e_phentsize)
        assert each.p_filesz == each.p_memsz or each.p_type == e.PT_LOAD
        assert each.p_offset % each.p_align == 0 or each.p_type == e.PT_LOAD
    for load in (each for each in elf.segments if each.p_type == e.PT_LOAD):
        assert load.p_offset % load.p_align == load.p_vaddr % load.p_align
        assert load.p_filesz <= load.p_memsz
        assert load.p_offset + load.p_filesz <= elf.size


@pytest.mark.parametrize(
    ("machine", "written"), [("x86-64", ""), (62, ""), ("ppc64", "machine='ppc64'"), (21, "machine='ppc64'")]
)
def test_repr_names_a_machine_that_has_a_name(machine: str | int, written: str) -> None:
    assert repr(ElfImage(machine=machine, type="EXEC")) == f"bp.ElfImage({written})"


@given(sound_images() | wild_images())
def test_repr_rebuilds_an_image(image: ElfImage) -> None:
    known = {"bp": bprocsim, "attrs": attrs}
    assert eval(repr(image), known) == image
    taken = ElfImage.from_bytes(image.to_bytes()[:60])
    assert eval(repr(taken), known) == taken
    changed = attrs.evolve(taken, truncate=3)
    assert eval(repr(changed), known) == changed


@pytest.mark.parametrize("known", ARCHES.values(), ids=ARCHES)
@pytest.mark.parametrize("needed", [(), ("libc.so.6",)])
@given(pages=st.integers(1, 1000), less=st.integers(0, 4095))
@pytest.mark.slow
def test_memory_is_what_was_asked_for(known: Arch, needed: tuple[str, ...], pages: int, less: int) -> None:
    image = ElfImage(machine=known.name, needed=needed, memory_bytes=pages * known.page_bytes - less)
    least = ElfImage(machine=known.name, needed=needed).memory_bytes
    assert image.memory_bytes == max(pages * known.page_bytes, least)
    assert least == known.page_bytes * (2 if needed else 1)


def test_memory_counts_every_page_that_a_load_touches() -> None:
    def memory(*loads: Segment) -> int:
        return ElfImage(segments=loads).memory_bytes

    assert memory() == 0
    assert memory(Segment(e.PT_LOAD, p_vaddr=0x1000, p_memsz=1)) == 4096
    assert memory(Segment(e.PT_LOAD, p_vaddr=0x1FFF, p_memsz=2)) == 8192
    assert memory(Segment(e.PT_LOAD, p_vaddr=0x1FFF, p_memsz=0)) == 0
    assert memory(Segment(e.PT_LOAD, p_memsz=5), Segment(e.PT_LOAD, p_memsz=5), Segment(e.PT_TLS, p_memsz=5)) == 8192


@pytest.mark.parametrize("name", [name for name in HEADER if name != "ident"])
@pytest.mark.parametrize("machine", ["x86-64", "ppc"])
def test_a_header_field_is_set_and_nothing_else(name: str, machine: str) -> None:
    known = ARCHES[machine]
    plain = ElfImage(
        machine=machine,
        bits=known.bits,
        byteorder=known.byteorder,
        interpreters=["/ld"],
        code=b"",
        program="p",
    )
    wrong: dict[str, Any] = {name: 0x7A5B}  # no field's own
    for image in (plain, ElfImage.from_bytes(plain.to_bytes())):
        changed = attrs.evolve(image, **wrong)
        before, after = plain.to_bytes(), changed.to_bytes()
        assert len(before) == len(after)
        places = [index for index, (old, new) in enumerate(zip(before, after, strict=True)) if old != new]
        assert len(places) in (1, 2, 3, 4)
        assert max(places) - min(places) < 8
        found = parse(after, plain.layout)
        assert getattr(found, "e_" + name) == wrong[name]
        others = [each for each in HEADER if each not in (name, "ident")]
        assert all(getattr(found, "e_" + each) == getattr(plain.elf, "e_" + each) for each in others)


def test_the_identification_can_be_set() -> None:
    assert ElfImage(magic=b"\x7fELG").to_bytes() == b"\x7fELG" + ElfImage().to_bytes()[4:]
    assert ElfImage(ident=bytes(range(16))).to_bytes()[:17] == bytes(range(16)) + b"\2"
    assert ElfImage(ident=bytes(16), magic=b"abcd").to_bytes()[:16] == b"abcd" + bytes(12)


def test_a_table_read_from_an_image_is_an_argument() -> None:
    image = ElfImage(needed=["libc.so.6"], interpreters=["/a", "/b"], program="p")
    assert [each.p_type for each in image.segments] == [6, 3, 3, 1, 1, 2, 4, e.PT_GNU_STACK]
    assert attrs.evolve(image, segments=image.segments).to_bytes() == image.to_bytes()
    third = Segment(e.PT_INTERP, p_offset=1 << 40, p_filesz=9)
    more = attrs.evolve(image, segments=[*image.segments, third])
    assert [each.path for each in more.elf.interpreters][:2] != [b"/a", b"/b"]  # the ninth header shifts
    seven = attrs.evolve(image, interpreters=["/a"])
    more = attrs.evolve(seven, segments=[*seven.segments, third])
    assert [each.path for each in more.elf.interpreters] == [b"/a", b""]
    bare = attrs.evolve(image, segments=[])
    assert [each.p_type for each in bare.segments] == [3, 3, 2, 4]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"machine": None}, TypeError),
        ({"machine": ARCHES["ppc"]}, TypeError),
        ({"bits": 16}, ValueError),
        ({"byteorder": "middle"}, ValueError),
        ({"type": "PIE"}, ValueError),
        ({"type": 65536}, ValueError),
        ({"type": None}, TypeError),
        ({"program": ""}, ValueError),
        ({"program": "a\0b"}, ValueError),
        ({"program": b"a"}, TypeError),
        ({"needed": "libc.so.6"}, TypeError),
        ({"needed": [b"libc.so.6"]}, TypeError),
        ({"needed": ["\ud800"]}, ValueError),
        ({"needed": 3}, TypeError),
        ({"interpreters": "/lib/ld.so"}, TypeError),
        ({"interpreters": b"/lib/ld.so"}, TypeError),
        ({"interpreters": [None]}, TypeError),
        ({"interpreters": ["a\0"]}, ValueError),
        ({"soname": 1}, TypeError),
        ({"rpath": "\0"}, ValueError),
        ({"runpath": b""}, TypeError),
        ({"code": "nop"}, TypeError),
        ({"memory_bytes": 0}, ValueError),
        ({"memory_bytes": 1 << 62}, ValueError),
        ({"memory_bytes": 1.0}, TypeError),
        ({"memory_bytes": 1, "segments": []}, ValueError),
        ({"segments": Segment(e.PT_LOAD)}, TypeError),
        ({"segments": [(1, 2, 3)]}, TypeError),
        ({"segments": [Segment(e.PT_LOAD, p_vaddr=-1)]}, ValueError),
        ({"segments": [Segment(e.PT_LOAD, p_flags=1 << 32)]}, ValueError),
        ({"segments": [Segment(e.PT_LOAD, p_vaddr=1 << 32)], "bits": 32}, ValueError),
        ({"magic": b"ELF"}, ValueError),
        ({"ident": "ELF"}, TypeError),
        ({"phnum": 65536}, ValueError),
        ({"phoff": -1}, ValueError),
        ({"entry": "main"}, TypeError),
        ({"entry": 1 << 32, "machine": "i386"}, ValueError),
        ({"flags": True}, TypeError),
        ({"truncate": -1}, ValueError),
    ],
    # Where pytest runs twice in one process, as mutmut runs it, it does not find an id with a backslash again.
    ids=lambda value: str(value).replace("\\", "/"),
)
def test_a_wrong_argument_is_told_by_name(arguments: dict[str, object], error: type[Exception]) -> None:
    with pytest.raises(error, match=rf"^{next(iter(arguments))}"):
        ElfImage(**arguments)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="positional"):
        ElfImage(62)  # type: ignore[call-arg]


def test_what_can_be_changed_in_a_file_taken_from_bytes() -> None:
    image = ElfImage.from_bytes(ElfImage(needed=["libc.so.6"], program="p").to_bytes())
    assert attrs.evolve(image, machine="ppc", type="REL", magic=b"abcd").to_bytes()[:20] == (
        b"abcd" + image.to_bytes()[4:16] + b"\1\0\x14\0"
    )
    assert attrs.evolve(attrs.evolve(image, phnum=0), truncate=10).to_bytes() == image.to_bytes()[:10]
    assert attrs.evolve(image, needed=["libc.so.6"], program="p") == image
    fixed: dict[str, Any] = {
        "needed": [], "program": None, "interpreters": ["/x"], "segments": [], "memory_bytes": 4096,
        "bits": 32, "byteorder": "big", "soname": "x", "rpath": "x", "runpath": "x", "code": b"",
    }  # fmt: skip
    for name, value in fixed.items():
        with pytest.raises(ValueError, match=rf"^{name}: cannot be changed"):
            attrs.evolve(image, **{name: value})
    bare = ElfImage.from_bytes(image.to_bytes()[:64])
    assert attrs.evolve(bare, phnum=0x1234).to_bytes()[56:] == b"\x34\x12" + bare.to_bytes()[58:]
    with pytest.raises(ValueError, match=r"^phnum: the 63 bytes of this image are too few"):
        attrs.evolve(ElfImage.from_bytes(image.to_bytes()[:63]), phnum=0)


@pytest.mark.parametrize(
    ("desc", "name"), [(b"hello", "hello"), (b"a\0b", "a"), (b"", None), (b"\0", None), (b"\xff", "\udcff")]
)
def test_the_note_of_a_program(desc: bytes, name: str | None) -> None:
    elf = ElfImage().elf
    ours = Note(b"bprocsim", 1, desc)
    others = (Note(b"GNU", 1, b"x"), Note(b"bprocsim", 2, b"x"), Note(b"bprocsim2", 1, b"x"))
    assert program_of(elf) is None
    assert program_of(elf._replace(notes=others)) is None
    assert program_of(elf._replace(notes=(*others, ours))) == name


# ---- a real kernel


@pytest.fixture
def run(tmp_path: Path) -> Callable[[ElfImage], int]:
    """Write an image and execute it on this machine; gives the status, or raises execve's error."""
    if platform.machine() != "x86_64":
        pytest.skip("needs an x86-64 kernel")

    def run_image(image: ElfImage) -> int:
        path = tmp_path / "image"
        path.unlink(missing_ok=True)
        path.write_bytes(image.to_bytes())
        path.chmod(0o755)
        return subprocess.run([path], stderr=subprocess.DEVNULL, check=False, timeout=60).returncode

    return run_image


Run = Callable[[ElfImage], int]
RUNS = {
    "EXEC": ElfImage(),
    "DYN": ElfImage(type="DYN"),
    "note and memory": ElfImage(program="hello", memory_bytes=1 << 22),
    "DYN with memory": ElfImage(type="DYN", memory_bytes=12345),
    "exit(42)": ElfImage(code=bytes.fromhex("bf2a000000 b83c000000 0f05")),
    "what no kernel reads": ElfImage(version=9, flags=1, ehsize=1, shoff=1 << 60, shentsize=3, shnum=9, shstrndx=9),
    "class and data": ElfImage(ident=e.MAGIC + bytes([1, 2]) + b"bprocsim.."),
    "unknown entry": ElfImage(segments=[*ElfImage().segments, Segment(0x12345678, 7, 1, 2, 3, 4, 5, 6)]),
}


@pytest.mark.linux
@pytest.mark.parametrize("image", RUNS.values(), ids=RUNS)
def test_a_static_image_runs(run: Run, image: ElfImage) -> None:
    assert run(image) == (42 if image.code else 0)


@pytest.mark.linux
def test_a_32_bit_image_runs(run: Run) -> None:
    try:
        run(ElfImage(machine="i386"))
    except OSError:
        pytest.skip("this kernel runs no 32-bit programs")
    assert run(ElfImage(machine="i386", memory_bytes=1 << 20)) == 0
    assert run(ElfImage(machine="i386", type="DYN")) == 0


@pytest.mark.linux
@pytest.mark.parametrize("kind", ["EXEC", "DYN"])
def test_an_image_is_loaded_by_the_machines_own_loader(run: Run, kind: str) -> None:
    if not Path(LOADER).exists():
        pytest.skip(f"needs {LOADER}")
    image = ElfImage(type=kind, needed=["libc.so.6"], program="hello")
    assert image.interpreters == (LOADER,)
    assert run(image) == 0
    without = ElfImage(type=kind, interpreters=[LOADER])
    assert e.PT_DYNAMIC in [each.p_type for each in without.segments]
    assert run(without) == 0
    assert run(ElfImage(type=kind, needed=["libabsent.so.1"])) == 127
    assert run(attrs.evolve(image, interpreters=[LOADER, "/absent", b""])) == 0  # the others are not read


STATIC, PATHED = ElfImage(), ElfImage(interpreters=[LOADER])
REFUSED = {
    "magic": (errno.ENOEXEC, attrs.evolve(STATIC, magic=b"\x7fELG")),
    "ET_REL": (errno.ENOEXEC, attrs.evolve(STATIC, type="REL")),
    "ET_CORE": (errno.ENOEXEC, attrs.evolve(STATIC, type="CORE")),
    "ppc64": (errno.ENOEXEC, attrs.evolve(STATIC, machine="ppc64")),
    "aarch64": (errno.ENOEXEC, attrs.evolve(STATIC, machine="aarch64")),
    "big-endian": (errno.ENOEXEC, attrs.evolve(STATIC, byteorder="big")),
    "phentsize less": (errno.ENOEXEC, attrs.evolve(STATIC, phentsize=55)),
    "phentsize more": (errno.ENOEXEC, attrs.evolve(STATIC, phentsize=57)),
    "phentsize 0": (errno.ENOEXEC, attrs.evolve(STATIC, phentsize=0)),
    "phnum 0": (errno.ENOEXEC, attrs.evolve(STATIC, phnum=0)),
    "phnum too many": (errno.ENOEXEC, attrs.evolve(STATIC, phnum=1171)),
    "no entries": (errno.ENOEXEC, attrs.evolve(STATIC, segments=[])),
    "empty": (errno.ENOEXEC, attrs.evolve(STATIC, truncate=0)),
    "cut header": (errno.ENOEXEC, attrs.evolve(STATIC, truncate=17)),
    "interp absent": (errno.ENOENT, attrs.evolve(PATHED, interpreters=["/absent/ld.so"])),
    "first interp absent": (errno.ENOENT, attrs.evolve(PATHED, interpreters=["/absent", LOADER])),
    "interp a directory": (errno.EACCES, attrs.evolve(PATHED, interpreters=["/"])),
    "interp two NULs": (errno.EACCES, attrs.evolve(PATHED, interpreters=[b"\0\0"])),
    "interp under a file": (errno.ENOTDIR, attrs.evolve(PATHED, interpreters=["/dev/null/ld.so"])),
    "interp name long": (errno.ENAMETOOLONG, attrs.evolve(PATHED, interpreters=["/" + 256 * "n"])),
    "interp not closed": (errno.ENOEXEC, attrs.evolve(PATHED, interpreters=[LOADER.encode()])),
    "interp no bytes": (errno.ENOEXEC, attrs.evolve(PATHED, interpreters=[b""])),
    "interp one NUL": (errno.ENOEXEC, attrs.evolve(PATHED, interpreters=[""])),
    "interp too long": (errno.ENOEXEC, attrs.evolve(PATHED, interpreters=[4096 * b"/" + b"\0"])),
    "interp cut": (errno.EIO, attrs.evolve(PATHED, truncate=PATHED.elf.interpreters[0].p_offset + 3)),
}


@pytest.mark.linux
@pytest.mark.parametrize(("number", "image"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_field_gets_the_kernels_refusal(run: Run, number: int, image: ElfImage) -> None:
    with pytest.raises(OSError) as caught:
        run(image)
    assert caught.value.errno == number


@pytest.mark.linux
@pytest.mark.parametrize(
    "loads",
    [
        (Segment(e.PT_NULL),),
        (Segment(e.PT_LOAD, 5, 0, 0x400000, 0x400000, 600, 500, 4096),),
        (Segment(e.PT_LOAD, 5, 1, 0x400000, 0x400000, 500, 500, 4096),),
        (Segment(e.PT_LOAD, 5, 0, 1 << 60, 1 << 60, 500, 500, 4096),),
    ],
    ids=["no load", "more in the file", "offset and address differ", "address of the kernel"],
)
def test_a_wrong_load_kills_after_the_exec(run: Run, loads: tuple[Segment, ...]) -> None:
    assert run(ElfImage(segments=loads)) == -signal.SIGSEGV


@pytest.mark.linux
def test_a_real_file_runs_when_it_is_written_again(run: Run) -> None:
    image = ElfImage.from_bytes(Path("/bin/true").read_bytes())
    assert image.program is None
    assert isinstance(image.elf, ElfFile)
    assert "libc.so.6" in image.needed or not image.needed
    assert run(image) == 0
    with pytest.raises(OSError) as caught:
        run(attrs.evolve(image, machine=20))
    assert caught.value.errno == errno.ENOEXEC
