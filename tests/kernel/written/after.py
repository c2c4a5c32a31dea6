"""Stage `after`: the point of no return is behind; what cannot be mapped or run is killed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bprocsim.posix.elf import PT_LOAD, Segment
from tests.kernel.building import ROOT, USER, case, file, script
from tests.kernel.case import Case
from tests.kernel.images import BASE, GOOD, PAGE, PIE, asking_for, image, load, with_table
from tests.kernel.written.strings import LONGEST

TOP = 1 << 47
I386: dict[str, Any] = {"machine": "i386"}
BASE_32 = 0x08048000

LOADS: dict[str, dict[str, int]] = {
    "good": {},
    "filesz-over-memsz": {"p_memsz": 100},
    "filesz-over-memsz-0": {"p_memsz": 0},
    "filesz-over-memsz-by-1": {"p_memsz": PAGE - 1},
    "vaddr-misaligned": {"p_vaddr": BASE + 1},
    "offset-misaligned": {"p_offset": 1},
    "both-misaligned": {"p_vaddr": BASE + 64, "p_offset": 64, "p_filesz": 600, "p_memsz": 600},
    "memsz-huge": {"p_memsz": 1 << 62},
    "memsz-top": {"p_memsz": TOP},
    "memsz-last": {"p_memsz": (1 << 64) - 1},
    "filesz-huge": {"p_filesz": 1 << 62, "p_memsz": 1 << 62},
    "vaddr-kernel": {"p_vaddr": 0xFFFF_8000_0000_0000},
    "vaddr-hole": {"p_vaddr": 1 << 60},
    "vaddr-top": {"p_vaddr": TOP},
    "vaddr-below-top": {"p_vaddr": TOP - PAGE},
    "vaddr-last-page": {"p_vaddr": (1 << 64) - PAGE},
    "vaddr-elsewhere": {"p_vaddr": 0x10000000},
    "offset-huge": {"p_offset": 1 << 62},
    "offset-last": {"p_offset": (1 << 64) - PAGE},
    "offset-half": {"p_offset": 1 << 63},
    "offset-page-below-half": {"p_offset": (1 << 63) - PAGE, "p_filesz": 1},
    "offset-pages-below-half": {"p_offset": (1 << 63) - 2 * PAGE, "p_filesz": 1},
    "offset-past-end": {"p_offset": PAGE},
    "offset-far-past-end": {"p_offset": PAGE * 100},
    "filesz-0": {"p_filesz": 0},
    "both-0": {"p_filesz": 0, "p_memsz": 0},
    "memsz-0": {"p_memsz": 0, "p_filesz": 0},
    "filesz-1": {"p_filesz": 1, "p_memsz": 1},
    "no-x": {"p_flags": 4},
    "no-flags": {"p_flags": 0},
    "write-only": {"p_flags": 2},
    "x-only": {"p_flags": 1},
    "wx": {"p_flags": 3},
    "rw": {"p_flags": 6},
    "bss": {"p_memsz": PAGE * 20},
    "bss-writable": {"p_memsz": PAGE * 20, "p_flags": 7},
    "bss-short": {"p_filesz": 700, "p_memsz": 800, "p_flags": 7},
    "bss-read-only": {"p_filesz": 700, "p_memsz": PAGE * 3, "p_flags": 5},
    "filesz-past-end": {"p_filesz": PAGE * 3, "p_memsz": PAGE * 3},
    "filesz-0-misaligned": {"p_filesz": 0, "p_vaddr": BASE + 1},
    "filesz-0-offset-misaligned": {"p_filesz": 0, "p_offset": 1},
}


def loads() -> Iterator[Case]:
    """Give one PT_LOAD, wrong in one way, in images of each kind."""
    for name, fields in LOADS.items():
        for who_name, who in (("root", ROOT), ("user", USER)):
            yield case(f"after/load-{name}-{who_name}", file("/x", with_table(load(**fields))), who=who)
        placed = fields | {
            "p_vaddr": fields.get("p_vaddr", BASE) - (0 if fields.get("p_vaddr", 0) > TOP - PAGE * 2 else BASE)
        }
        yield case(f"after/load-{name}-pie", file("/x", with_table(load(**placed), type="DYN")))
        # A second one, which does not hold the entry.
        second = {"p_vaddr": BASE + 0x100000} | fields
        if fields.get("p_vaddr", 0) < TOP - PAGE * 2 and fields.get("p_vaddr"):
            second["p_vaddr"] += 0x100000
        yield case(f"after/second-load-{name}", file("/x", with_table(load(), load(**second))))
        if all(value < 1 << 32 for value in fields.values()):
            small = {"p_vaddr": BASE_32} | {
                key: value - BASE + BASE_32 if key == "p_vaddr" and value < 0x500000 else value
                for key, value in fields.items()
            }
            yield case(f"after/load-{name}-i386", file("/x", with_table(load(**small), **I386)))
    for vaddr in (0, 1, PAGE, 2 * PAGE, 0x8000, 0x10000, 0x11000):
        for who_name, who in (("root", ROOT), ("user", USER)):
            yield case(f"after/low-{vaddr:x}-{who_name}", file("/x", with_table(load(p_vaddr=vaddr))), who=who)
            yield case(
                f"after/low-{vaddr:x}-besides-{who_name}", file("/x", with_table(load(), load(p_vaddr=vaddr))), who=who
            )
    for vaddr in (0xC0000000, 0xFFFFE000, 0xFFFFF000, 0x40000000):
        yield case(f"after/i386-at-{vaddr:x}", file("/x", with_table(load(p_vaddr=vaddr), **I386)))
        yield case(
            f"after/i386-besides-at-{vaddr:x}",
            file("/x", with_table(load(p_vaddr=BASE_32), load(p_vaddr=vaddr), **I386)),
        )


def several_loads() -> Iterator[Case]:
    """Give several PT_LOADs: overlapping, descending, empty, of many flags."""
    data = load(p_vaddr=BASE + 0x100000, p_flags=6)
    for name, segments in {
        "twice": (load(), load()),
        "descending": (load(p_vaddr=BASE + 0x100000), load()),
        "overlap-data": (load(), load(p_flags=6)),
        "overlap-first": (load(p_flags=6), load()),
        "apart": (load(), data),
        "far-apart": (load(), load(p_vaddr=0x7000_0000_0000)),
        "three": (load(), data, load(p_vaddr=BASE + 0x200000)),
        "empty-first": (load(p_filesz=0, p_memsz=0), load()),
        "empty-last": (load(), load(p_filesz=0, p_memsz=0)),
        "bss-over-text": (load(p_vaddr=BASE), load(p_vaddr=BASE - PAGE, p_memsz=PAGE * 2, p_flags=6)),
        "text-over-bss": (load(p_vaddr=BASE - PAGE, p_memsz=PAGE * 2, p_flags=6), load()),
        "empty-last-over-entry": (load(), load(p_filesz=0, p_memsz=0, p_vaddr=BASE + 64)),
        "bad-last": (load(), load(p_vaddr=1 << 60)),
        "bad-first": (load(p_vaddr=1 << 60), load()),
        "misaligned-last": (load(), load(p_vaddr=BASE + 0x100001)),
        "bss-alone": (load(), load(p_vaddr=BASE + 0x100000, p_filesz=0, p_memsz=PAGE * 4, p_flags=6)),
        "tail-past-end": (
            load(),
            load(p_vaddr=BASE + 0x100000, p_offset=PAGE * 8, p_filesz=100, p_memsz=200, p_flags=6),
        ),
        "tail-past-end-read-only": (
            load(),
            load(p_vaddr=BASE + 0x100000, p_offset=PAGE * 8, p_filesz=100, p_memsz=200, p_flags=4),
        ),
        "tail-past-end-page": (
            load(),
            load(p_vaddr=BASE + 0x100000, p_offset=PAGE * 8, p_filesz=PAGE, p_memsz=PAGE * 2, p_flags=6),
        ),
        "tail-in-file": (load(), load(p_vaddr=BASE + 0x100000, p_filesz=100, p_memsz=200, p_flags=6)),
        "tail-to-page-end": (load(), load(p_vaddr=BASE + 0x100000, p_filesz=100, p_memsz=PAGE, p_flags=6)),
    }.items():
        yield case(f"after/loads-{name}", file("/x", with_table(*segments)))
        yield case(f"after/loads-{name}-user", file("/x", with_table(*segments)), who=USER)
    yield case("after/no-load", file("/x", with_table(Segment(0))))
    yield case("after/no-load-entry-0", file("/x", with_table(Segment(0), entry=0)))
    yield case("after/no-load-pie", file("/x", with_table(Segment(0), type="DYN")))
    yield case("after/no-load-i386", file("/x", with_table(Segment(0), **I386)))
    yield case("after/no-load-from-script", script("/s", b"/x\n"), file("/x", with_table(Segment(0))), cmd="/s")


def entries() -> Iterator[Case]:
    """Give entries outside of what is mapped, and PIEs that are placed oddly."""
    for name, entry in {
        "0": 0,
        "unmapped": 0x900000,
        "kernel": 0xFFFF_8000_0000_0000,
        "hole": 1 << 60,
        "top": TOP,
        "below-top": TOP - 1,
        "last": (1 << 64) - 1,
        "last-user-page": TOP - PAGE,
        "behind-last-user-page": TOP - PAGE - 1,
        "just-behind": BASE + PAGE,
        "just-before": BASE - 1,
    }.items():
        for who_name, who in (("root", ROOT), ("user", USER)):
            yield case(f"after/entry-{name}-{who_name}", file("/x", with_table(load(), entry=entry)), who=who)
        yield case(f"after/entry-{name}-with-interpreter", file("/x", asking_for("/i", entry=entry)), file("/i", PIE))
        if not entry:
            continue  # in an image that is placed from 0 on this is its magic, which nobody simulates
        yield case(f"after/entry-{name}-pie", file("/x", image(type="DYN", entry=entry)))
        yield case(
            f"after/entry-{name}-of-interpreter",
            file("/x", asking_for("/i")),
            file("/i", image(type="DYN", entry=entry)),
        )
    for name, entry in {
        "0": 0,
        "unmapped": 0x900000,
        "c0000000": 0xC0000000,
        "last-page": 0xFFFFF000,
        "last": 0xFFFFFFFF,
        "ffffe000": 0xFFFFE000,
    }.items():
        yield case(f"after/entry-i386-{name}", file("/x", image(**I386, entry=entry)))
    for power in (0, 12, 13, 16, 21, 30, 40, 47, 62, 63):
        for who_name, who in (("root", ROOT), ("user", USER)):
            placed = with_table(load(p_vaddr=0, p_align=1 << power), type="DYN")
            yield case(f"after/pie-align-2^{power}-{who_name}", file("/x", placed), who=who)
            loaded = image(type="DYN", segments=[load(p_vaddr=0, p_align=1 << power)], interpreters=["/i"])
            yield case(f"after/pie-align-2^{power}-loaded-{who_name}", file("/x", loaded), file("/i", PIE), who=who)
    for align in (3, 5000, 0x1800, (1 << 64) - 1):
        yield case(f"after/pie-align-{align}", file("/x", with_table(load(p_vaddr=0, p_align=align), type="DYN")))
    for vaddr in (PAGE, 0x400000, 0x10000000, 0x5555_0000_0000):
        yield case(
            f"after/pie-at-{vaddr:x}",
            file("/x", with_table(load(p_vaddr=vaddr), type="DYN", entry=vaddr + _entry(PIE))),
        )


def _entry(data: bytes) -> int:
    return int.from_bytes(data[24:32], "little")


def sizes() -> Iterator[Case]:
    """Give files cut within what is mapped, and stacks that are too small for their arguments."""
    long = GOOD.ljust(PAGE * 3, b"\0")
    for length in (PAGE * 3, PAGE * 2 + 1, PAGE * 2, PAGE + 1, PAGE):
        segments = (load(), load(p_vaddr=BASE + 0x100000, p_offset=PAGE, p_filesz=PAGE * 2, p_memsz=PAGE * 2))
        data = with_table(*segments).ljust(len(long), b"\0")[:length]
        yield case(f"after/cut-second-{length}", file("/x", data))
    for offset in (PAGE, PAGE * 2):
        # The entry is mapped from that far into the file, past its end.
        moved = with_table(load(p_offset=offset, p_filesz=PAGE, p_memsz=PAGE))
        yield case(f"after/entry-past-end-{offset}", file("/x", moved))
        yield case(f"after/entry-past-end-{offset}-user", file("/x", moved), who=USER)
        yield case(
            f"after/entry-past-end-{offset}-i386",
            file("/x", with_table(load(p_vaddr=BASE_32, p_offset=offset), **I386)),
        )
    yield case(
        "after/many-loads", file("/x", with_table(load(), *[load(p_vaddr=BASE + 0x10000 * (n + 1)) for n in range(60)]))
    )
    yield case(
        "after/load-behind-other-types",
        file("/x", with_table(Segment(4, p_filesz=1 << 60), Segment(7, p_memsz=1 << 62), load())),
    )
    yield case(
        "after/load-type-high-bit",
        file("/x", with_table(Segment(PT_LOAD | 1 << 31, 5, 0, BASE, BASE, PAGE, PAGE, PAGE))),
    )


def loaders() -> Iterator[Case]:
    """Give loaders with one PT_LOAD that is wrong in one way, and programs whose parts lie far apart."""
    main, entry = file("/x", asking_for("/i")), _entry(GOOD) - BASE
    for name, fields in LOADS.items():
        for kind, place in (("EXEC", 0x10000000), ("DYN", 0)):
            at = fields.get("p_vaddr", BASE)
            moved = load(**(fields | {"p_vaddr": at - BASE + place if at < 0x500000 else at}))
            made = with_table(moved, type=kind, entry=place + entry)
            yield case(f"after/loader-{name}-{kind.lower()}", main, file("/i", made))
    for vaddr in (0, PAGE):
        low = file("/i", with_table(load(p_vaddr=0x10000000), load(p_vaddr=vaddr), entry=0x10000000 + entry))
        for who_name, who in (("root", ROOT), ("user", USER)):
            yield case(f"after/low-{vaddr:x}-loader-{who_name}", main, low, who=who)
    for power in (46, 47, 63):
        for who_name, who in (("root", ROOT), ("user", USER)):
            made = with_table(load(p_vaddr=0, p_align=1 << power), type="DYN", entry=entry)
            yield case(f"after/pie-align-2^{power}-of-loader-{who_name}", main, file("/i", made), who=who)
    far = load(p_vaddr=0x10100000, p_offset=PAGE * 8, p_filesz=100, p_memsz=200, p_flags=6)
    made = with_table(load(p_vaddr=0x10000000), far, entry=0x10000000 + entry)
    yield case("after/loader-tail-past-end", main, file("/i", made))
    for power in (28, 44):
        made = with_table(load(p_vaddr=0x10000000, p_memsz=1 << power, p_flags=7), entry=0x10000000 + entry)
        yield case(f"after/loader-memsz-2^{power}", main, file("/i", made))
    for distance in (1 << 30, 1 << 40, 1 << 44, 0x2000_0000_0000, 0x5000_0000_0000, 0x6000_0000_0000, 0x7FFF_0000_0000):
        parts = with_table(load(p_vaddr=0), load(p_vaddr=distance), type="DYN", entry=entry)
        yield case(f"after/parts-{distance:x}-pie", file("/x", parts))
        parts = image(segments=[load(p_vaddr=0), load(p_vaddr=distance)], type="DYN", interpreters=["/i"])
        yield case(f"after/parts-{distance:x}-loaded", file("/x", parts), file("/i", PIE))
        parts = with_table(load(p_vaddr=0), load(p_vaddr=distance), type="DYN", entry=entry)
        yield case(f"after/parts-{distance:x}-of-loader", main, file("/i", parts))
    for distance in (0x2AAA_0000_0000, 0x2AAB_0000_0000):
        parts = image(segments=[load(p_vaddr=0), load(p_vaddr=distance)], type="DYN", interpreters=["/i"])
        yield case(f"after/parts-{distance:x}-loaded", file("/x", parts), file("/i", PIE))
    small = file("/i", image(**I386, type="DYN"))
    for distance in (0x10000000, 0x80000000, 0xA9000000, 0xA9B00000, 0xE0000000):
        for interpreters in ((), ("/i",)):
            pair = [load(p_vaddr=0), load(p_vaddr=distance)]
            made = image(segments=pair, type="DYN", interpreters=interpreters, **I386)
            yield case(f"after/parts-{distance:x}-i386-{len(interpreters)}", file("/x", made), small)
    for power in (44, 45, 46):
        for flags in (5, 6, 7):
            size = load(p_vaddr=0x10000000, p_memsz=1 << power, p_flags=flags)
            yield case(f"after/memsz-2^{power}-{flags}", file("/x", with_table(load(), size)))
    for flags in (0, 2, 4, 5, 6):
        past = with_table(load(p_offset=PAGE, p_flags=flags))
        yield case(f"after/past-end-{flags}", file("/x", past))
        past = with_table(load(p_vaddr=0, p_offset=PAGE, p_flags=flags), type="DYN", entry=entry)
        yield case(f"after/past-end-{flags}-of-loader", main, file("/i", past))
        past = with_table(load(p_vaddr=BASE_32, p_offset=PAGE, p_flags=flags), **I386)
        yield case(f"after/past-end-{flags}-i386", file("/x", past))


def stacks() -> Iterator[Case]:
    """Give arguments that fit on the stack, while what a kernel puts beneath them does not, or just does."""
    tables = 368 + 23  # about what it puts there for x86-64
    for stack_bytes in (61 << 10, 64 << 10, 128 << 10):
        for many in (1, 2, 3, 8):
            for spare in (-17, -16, -9, -8, -1, 0, 1, 8, 9, 16, 17, 40):
                length = stack_bytes - stack_bytes % PAGE - 8 - len("/x") - 1 - many * 9 - 3 * 8 - tables - spare
                argv = (*(b"",) * (many - 1), b"a" * length)
                id = f"after/stack-{stack_bytes >> 10}K-{many}{spare:+d}"
                if length <= LONGEST:
                    yield case(id, file("/x"), argv=argv, stack_bytes=stack_bytes)
    for spare in range(-40, 41, 4):
        length = (64 << 10) - 8 - len("/x") - 1 - 9 - 3 * 8 - tables - spare
        argv, stack_bytes = (b"a" * length,), 64 << 10
        yield case(
            f"after/stack-loader{spare:+d}",
            file("/x", asking_for("/i")),
            file("/i", PIE),
            argv=argv,
            stack_bytes=stack_bytes,
        )
        yield case(
            f"after/stack-script{spare:+d}", script("/x", b"/y\n"), file("/y"), argv=argv, stack_bytes=stack_bytes
        )
        yield case(
            f"after/stack-argument{spare:+d}", script("/x", b"/y -o\n"), file("/y"), argv=argv, stack_bytes=stack_bytes
        )
        wider = (b"a" * (length + 192),)
        yield case(f"after/stack-i386{spare:+d}", file("/x", image(**I386)), argv=wider, stack_bytes=stack_bytes)


def cases() -> Iterator[Case]:
    """Give the cases of this stage."""
    for family in (loads, several_loads, entries, sizes, loaders, stacks):
        yield from family()
