"""Stage `elf`: the program's own headers, and the place of its interpreter's name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bprocsim.posix.elf import PT_DYNAMIC, PT_GNU_STACK, PT_INTERP, PT_LOAD, PT_NOTE, PT_PHDR, PT_TLS, Segment
from tests.kernel.building import USER, case, file, link
from tests.kernel.case import Case
from tests.kernel.images import BASE, GOOD, GOOD_I386, asking_for, image, load, with_table

KINDS: dict[int, dict[str, Any]] = {64: {}, 32: {"machine": "i386"}}
HEADER_BYTES = {64: 56, 32: 32}  # of a program header
# Machines that an x86-64 kernel takes, and others; 0x3e00 is 62 in the other byte order.
MACHINES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 20, 21, 40, 50, 61, 62, 63, 183, 243, 0x0300, 0x3E00, 0x9026, 0xFFFF)


def changed(data: bytes, place: int, new: bytes) -> bytes:
    """Put other bytes at a place in a file."""
    return data[:place] + new + data[place + len(new) :]


def headers() -> Iterator[Case]:
    """Give one field of the header at a time."""
    for bits, kind in KINDS.items():
        good = image(**kind)
        for number in (0, 1, 2, 3, 4, 5, 0xFE00, 0xFF00, 0xFFFF, 0x0200, 0x0300):
            yield case(f"elf/{bits}-type-{number:04x}", file("/x", image(**kind, type=number)))
        for machine in MACHINES:
            yield case(
                f"elf/{bits}-machine-{machine:04x}", file("/x", changed(good, 18, machine.to_bytes(2, "little")))
            )
        size = HEADER_BYTES[bits]
        for number in (0, 1, 31, 32, 33, 40, 55, 56, 57, 64, 112, 0x2000, 0x3800, 0xFFFF):
            yield case(f"elf/{bits}-phentsize-{number}", file("/x", image(**kind, phentsize=number)))
        for number in (0, 1, 2, 3, 9, 10, 100, 1170, 1171, 2048, 2049, 0xFFFE, 0xFFFF):
            yield case(f"elf/{bits}-phnum-{number}", file("/x", image(**kind, phnum=number)))
            if number > 2049:
                continue
            padded = image(**kind, phnum=number) + bytes(size * number)
            yield case(f"elf/{bits}-phnum-{number}-all-there", file("/x", padded))
        end = len(good)
        top = 1 << bits
        for name, number in (
            ("0", 0),
            ("1", 1),
            ("63", 63),
            ("65", 65),
            ("4096", 4096),
            ("end-of-file", end),
            ("last-header", end - 2 * size),
            ("one-too-far", end - 2 * size + 1),
            ("half", top >> 1),
            ("below-half", (top >> 1) - 1),
            ("last", top - 1),
            ("wrapping", top - 2 * size),
            ("2^31", 1 << 31),
        ):
            yield case(f"elf/{bits}-phoff-{name}", file("/x", image(**kind, phoff=number)))
        table = good[(kind and 52) or 64 :][: 2 * size]
        for shift in (0, 1, 3, 8):
            moved = image(**kind, phoff=end + shift) + bytes(shift) + table
            yield case(f"elf/{bits}-phoff-moved-{shift}", file("/x", moved))
            yield case(f"elf/{bits}-phoff-moved-{shift}-cut", file("/x", moved[:-1]))


def ignored() -> Iterator[Case]:
    """Give fields that nobody looks at."""
    for bits, kind in KINDS.items():
        good = image(**kind)
        for place, name in (
            (4, "class"),
            (5, "data"),
            (6, "version"),
            (7, "osabi"),
            (8, "abiversion"),
            (9, "padding"),
            (15, "last-padding"),
        ):
            for value in (0, 1, 2, 3, 0xFF):
                yield case(f"elf/{bits}-ident-{name}-{value}", file("/x", changed(good, place, bytes([value]))))
        for name, values in {
            "version": (0, 2, 0xFFFFFFFF),
            "shoff": (1, 0xFFFFFFFF),
            "flags": (1, 0xFFFFFFFF),
            "ehsize": (0, 1, 0xFFFF),
            "shentsize": (1, 40, 64, 0xFFFF),
            "shnum": (1, 0xFFFF),
            "shstrndx": (1, 0xFFFF),
        }.items():
            for value in values:
                yield case(f"elf/{bits}-ignored-{name}-{value}", file("/x", image(**(kind | {name: value}))))
    yield case("elf/all-ident-ones", file("/x", GOOD[:4] + b"\xff" * 12 + GOOD[16:]))
    for name, fields in (
        ("paddr", {"p_paddr": 12345}),
        ("align-0", {"p_align": 0}),
        ("align-1", {"p_align": 1}),
        ("align-3", {"p_align": 3}),
        ("align-big", {"p_align": 1 << 40}),
        ("flags-high", {"p_flags": 0xFFFFFFFF}),
        ("rwx", {"p_flags": 7}),
    ):
        yield case(f"elf/load-{name}", file("/x", with_table(load(**fields))))


def tables() -> Iterator[Case]:
    """Give program headers of many kinds beside the one that is loaded."""
    for name, kind in (
        ("null", 0),
        ("note", PT_NOTE),
        ("phdr", PT_PHDR),
        ("tls", PT_TLS),
        ("dynamic", PT_DYNAMIC),
        ("stack", PT_GNU_STACK),
        ("unknown", 0x12345678),
        ("shlib", 5),
        ("os", 0x60000000),
        ("processor", 0x70000000),
        ("relro", 0x6474E552),
        ("eh-frame", 0x6474E550),
    ):
        nonsense = Segment(kind, 7, 1 << 50, 1 << 60, 3, 1 << 40, 5, 7)
        yield case(f"elf/besides-{name}", file("/x", with_table(load(), Segment(kind))))
        yield case(f"elf/besides-{name}-nonsense", file("/x", with_table(nonsense, load(), nonsense)))
    for count in (2, 73, 74, 1169, 1170, 1171):
        yield case(f"elf/table-of-{count}", file("/x", with_table(load(), *[Segment(0)] * (count - 1))))
    yield case(
        "elf/table-of-1170-load-last",
        file("/x", with_table(*[Segment(0)] * 1169, load(p_filesz=0x11000, p_memsz=0x11000))),
    )


def names_of_interpreters() -> Iterator[Case]:
    """Give PT_INTERPs of all lengths, cut, unclosed, outside of the file."""
    y = file("/y")
    for name, content in {
        "empty": b"",
        "nul": b"\0",
        "two-nuls": b"\0\0",
        "three-nuls": b"\0\0\0",
        "unclosed": b"/y",
        "one-byte": b"/",
        "two-bytes": b"/\0",
        "nul-inside": b"/y\0z\0",
        "nul-inside-unclosed": b"/y\0z",
        "blank": b" \0",
        "not-a-path": b"\xff\xfe\0",
        "padded": b"/y" + bytes(100),
    }.items():
        yield case(f"elf/interp-{name}", file("/x", asking_for(content)), y)
    for length in (4094, 4095, 4096, 4097, 5000):
        closed = b"/" * (length - 2) + b"y\0"
        yield case(f"elf/interp-length-{length}", file("/x", asking_for(closed)), y)
        yield case(f"elf/interp-length-{length}-unclosed", file("/x", asking_for(b"/" * (length - 1) + b"y")), y)
        yield case(f"elf/interp-length-{length}-early-nul", file("/x", asking_for(b"/y".ljust(length, b"\0"))), y)
    good = asking_for("/y")
    size = len(good)
    for bits in (64, 32):
        kind = KINDS[bits]
        interpreter = [file("/y", image(**kind))]
        top = 1 << bits
        for name, offset, length in (
            ("at-end", size, 3),
            ("cut", size - 2, 3),
            ("beyond", size + 4096, 3),
            ("half", top >> 1, 3),
            ("last", top - 1, 3),
            ("wraps", top - 2, 3),
            ("huge-length", 0x200, top - 1),
            ("beyond-and-huge", size + 4096, top - 1),
            ("length-0", 0x200, 0),
            ("length-1", 0x200, 1),
            ("far-and-length-0", size + 4096, 0),
            ("below-half", (top >> 1) - 1, 3),
            ("below-half-by-3", (top >> 1) - 3, 3),
        ):
            fields = {} if bits == 64 else {"p_vaddr": 0x08048000}
            made = with_table(Segment(PT_INTERP, 4, offset, 0, 0, length, length, 1), load(**fields), **kind)
            yield case(f"elf/interp-{bits}-{name}", file("/x", made), *interpreter)
    yield case("elf/interp-memsz-differs", file("/x", with_table(Segment(PT_INTERP, 0, 0, 0, 0, 2, 99, 0), load())), y)
    yield case("elf/interp-is-the-magic", file("/x", with_table(Segment(PT_INTERP, 0, 0, 0, 0, 10, 10, 0), load())), y)
    yield case("elf/interp-is-padding", file("/x", with_table(Segment(PT_INTERP, 0, 9, 0, 0, 4, 4, 0), load())), y)


def orders() -> Iterator[Case]:
    """Give two faults of the headers, and a fault of the headers before one behind them."""
    bad: dict[str, dict[str, Any]] = {
        "type": {"type": 1},
        "machine": {"machine": 21, "bits": 64, "byteorder": "little"},
        "phentsize": {"phentsize": 32},
        "phnum": {"phnum": 0},
        "phoff": {"phoff": 1 << 40},
    }
    for name, fields in bad.items():
        for behind, interpreters in (
            ("absent", ["/none"]),
            ("unclosed", [b"/y"]),
            ("there", ["/y"]),
            ("two", ["/none", "/y"]),
        ):
            yield case(
                f"elf/{name}-and-interpreter-{behind}", file("/x", asking_for(*interpreters, **fields)), file("/y")
            )
        for other, more in bad.items():
            if name < other:
                yield case(f"elf/{name}-and-{other}", file("/x", image(**(fields | more))))
        yield case(f"elf/{name}-and-unmapped", file("/x", with_table(load(p_vaddr=1 << 60), **fields)))
        yield case(f"elf/{name}-unreadable", file("/x", image(**fields), 0o111), who=USER)
        yield case(f"elf/{name}-set-uid", file("/x", image(**fields), 0o4755, 7), who=USER)
    yield case("elf/good-by-link", file("/y", GOOD_I386), link("/x", "y"))


def both_machines() -> Iterator[Case]:
    """Give images of one width that say they are of the other."""
    yield case("elf/64-says-i386", file("/x", image(machine=3, bits=64)))
    yield case("elf/32-says-x86-64", file("/x", image(machine=62, bits=32)))
    yield case("elf/64-says-i486", file("/x", image(machine=6, bits=64)))
    yield case("elf/32-says-i486", file("/x", image(machine=6, bits=32, code=bytes.fromhex("31db b801000000 cd80"))))
    yield case("elf/64-big-endian", file("/x", image(machine=62, byteorder="big")))
    yield case("elf/32-big-endian", file("/x", image(machine=3, byteorder="big")))
    for machine in ("sparc", "alpha", "ppc", "ppc64", "aarch64", "riscv64"):
        yield case(f"elf/of-{machine}", file("/x", image(machine=machine)))
        yield case(f"elf/of-{machine}-with-interpreter", file("/x", asking_for("/y", machine=machine)), file("/y"))
    x32 = image(machine=62, bits=32, code=bytes.fromhex("31ff b83c000040 0f05"))
    yield case("elf/x32", file("/x", x32))
    yield case("elf/x32-with-interpreter", file("/x", asking_for("/none", machine=62, bits=32)))
    yield case("elf/load-only", file("/x", with_table(Segment(PT_LOAD, 5, 0, BASE, BASE, 4096, 4096, 4096))))


def cases() -> Iterator[Case]:
    """Give the cases of this stage."""
    for family in (headers, ignored, tables, names_of_interpreters, orders, both_machines):
        yield from family()
