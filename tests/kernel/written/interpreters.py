"""Stage `interpreter`: the file that a PT_INTERP names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bprocsim.posix.elf import PT_INTERP, Segment
from tests.kernel.building import MEMBER, NO_CAPABILITIES, ROOT, USER, case, file, folder, link, mount, script, special
from tests.kernel.case import Case, Held
from tests.kernel.images import BASE, GOOD, GOOD_I386, PAGE, PIE, asking_for, image, load, with_table

E = file("/e", asking_for("/i"))
ENTRY = int.from_bytes(GOOD[24:32], "little")


def opening() -> Iterator[Case]:
    """Give what can be wrong on the way to it and with its rights."""
    i = file("/i")
    for name, path, tree in (
        ("absent", "/none", ()),
        ("absent-directory", "/none/i", ()),
        ("file-as-directory", "/i/i", (i,)),
        ("slash", "/i/", (i,)),
        ("dot", "/i/.", (i,)),
        ("loop", "/l", (link("/l", "l"),)),
        ("dangling", "/l", (link("/l", "none"),)),
        ("link", "/l", (i, link("/l", "i"))),
        ("too-long-component", "/" + "n" * 256, ()),
        ("255-bytes", "/" + "n" * 255, ()),
        ("directory", "/d", (folder("/d"),)),
        ("root", "/", ()),
        ("dot-alone", ".", ()),
        ("fifo", "/f", (special("/f", "fifo"),)),
        ("null", "/f", (special("/f", "chr"),)),
        ("socket", "/f", (special("/f", "socket"),)),
        ("block", "/f", (special("/f", "blk"),)),
        ("dots", "/./../i", (i,)),
    ):
        yield case(f"interpreter/{name}", file("/e", asking_for(path)), *tree, cmd="/e")
    for mode in (0o000, 0o644, 0o111, 0o711, 0o100, 0o010, 0o001):
        for who_name, who in (("root", ROOT), ("user", USER), ("member", MEMBER), ("nocap", NO_CAPABILITIES)):
            yield case(f"interpreter/mode-{mode:03o}-{who_name}", E, file("/i", mode=mode, gid=200), cmd="/e", who=who)
    for who_name, who in (("root", ROOT), ("user", USER)):
        closed = (file("/e", asking_for("/c/i")), folder("/c", 0o600), file("/c/i"))
        yield case(f"interpreter/closed-{who_name}", *closed, cmd="/e", who=who)
    yield case(
        "interpreter/closed-and-absent", file("/e", asking_for("/c/none")), folder("/c", 0o600), cmd="/e", who=USER
    )
    for flags in (("noexec",), ("nosuid",), ("readonly",)):
        mounted = (*mount("/m", *flags), file("/m/i"))
        yield case(f"interpreter/on-{flags[0]}", file("/e", asking_for("/m/i")), *mounted, cmd="/e")
    for name in ("n" * 256, "n" * 255):
        tree = (file("/e", asking_for("/c/" + name)), folder("/c", 0o600))
        yield case(f"interpreter/closed-and-{len(name)}-bytes", *tree, cmd="/e", who=USER)
    yield case("interpreter/busy", E, i, cmd="/e", held=(Held(b"/i"),))
    yield case("interpreter/busy-and-no-x", E, file("/i", mode=0o644), cmd="/e", held=(Held(b"/i"),))
    for path in ("i", "./i", "../i", "d/i"):
        for cwd in (b"/", b"/d"):
            here = (file("/e", asking_for(path)), i, folder("/d"))
            yield case(
                f"interpreter/relative-{path.replace('/', '_')}-in{cwd.decode().replace('/', '_')}",
                *here,
                cmd="/e",
                cwd=cwd,
            )
    yield case(
        "interpreter/relative-cwd-removed",
        file("/e", asking_for("i")),
        i,
        folder("/d"),
        cmd="/e",
        cwd=b"/d",
        cwd_removed=True,
    )
    yield case(
        "interpreter/relative-up-cwd-removed",
        file("/e", asking_for("../i")),
        i,
        folder("/d"),
        cmd="/e",
        cwd=b"/d",
        cwd_removed=True,
    )
    yield case("interpreter/itself", file("/e", asking_for("/e")), cmd="/e")
    yield case(
        "interpreter/empty-name-closed-cwd",
        file("/e", asking_for(b"\0\0")),
        folder("/d", 0o000),
        cwd=b"/d",
        cmd="/e",
        who=USER,
    )
    yield case(
        "interpreter/empty-name-cwd-removed",
        file("/e", asking_for(b"\0\0")),
        folder("/d"),
        cwd=b"/d",
        cwd_removed=True,
        cmd="/e",
    )


def contents() -> Iterator[Case]:
    """Give what can be in it: nothing, text, a script, foreign and damaged images."""
    for name, data in {
        "empty": b"",
        "one-byte": b"\x7f",
        "text-short": b"text\n",
        "text-63": b"t" * 63,
        "text-64": b"t" * 64,
        "text-128": b"t" * 128,
        "nuls-64": bytes(64),
        "script": b"#!/i\n",
        "script-64": b"#!/good\n".ljust(64, b"\n"),
        "elf-cut-4": GOOD[:4],
        "elf-cut-51": GOOD[:51],
        "elf-cut-52": GOOD[:52],
        "elf-cut-63": GOOD[:63],
        "elf-cut-64": GOOD[:64],
        "elf-cut-119": GOOD[:119],
        "elf-cut-120": GOOD[:120],
        "elf-cut-175": GOOD[:175],
        "elf-cut-176": GOOD[:176],
        "i386": GOOD_I386,
        "i386-cut-52": GOOD_I386[:52],
        "pie": PIE,
    }.items():
        yield case(f"interpreter/of-{name}", E, file("/i", data), cmd="/e")
    for machine in (0, 2, 3, 6, 20, 21, 62, 183, 243):
        yield case(
            f"interpreter/machine-{machine}",
            E,
            file("/i", GOOD[:18] + machine.to_bytes(2, "little") + GOOD[20:]),
            cmd="/e",
        )
    for number in (0, 1, 2, 3, 4, 5, 0xFFFF):
        yield case(f"interpreter/type-{number}", E, file("/i", image(type=number)), cmd="/e")
    headers: dict[str, dict[str, Any]] = {
        "phentsize-0": {"phentsize": 0},
        "phentsize-32": {"phentsize": 32},
        "phentsize-57": {"phentsize": 57},
        "phnum-0": {"phnum": 0},
        "phnum-1": {"phnum": 1},
        "phnum-2000": {"phnum": 2000},
        "phnum-100": {"phnum": 100},
        "phoff-far": {"phoff": 1 << 40},
        "phoff-0": {"phoff": 0},
        "phoff-half": {"phoff": 1 << 63},
        "phoff-last": {"phoff": (1 << 64) - 1},
        "class-32": {"ident": b"\x7fELF\1\1\1" + bytes(9)},
        "no-magic": {"magic": b"\x7fELG"},
        "version-9": {"version": 9},
        "ehsize-0": {"ehsize": 0},
        "shoff-far": {"shoff": 1 << 40},
    }
    for name, fields in headers.items():
        yield case(f"interpreter/{name}", E, file("/i", image(**fields)), cmd="/e")
    for name, segment in {
        "load-misaligned": load(p_vaddr=0x400001),
        "load-nowhere": load(p_vaddr=1 << 60),
        "load-huge": load(p_memsz=1 << 62),
        "load-empty": load(p_filesz=0, p_memsz=0),
        "load-past-end": load(p_offset=PAGE * 4),
        "no-load": Segment(0),
    }.items():
        for kind, place in (("EXEC", BASE + 0x10000000), ("DYN", 0x10000000)):
            moved = segment
            if segment.p_type:
                moved = segment._replace(p_vaddr=segment.p_vaddr - BASE + place)
            entry = place + ENTRY - BASE
            data = with_table(moved, type=kind, entry=entry)
            yield case(f"interpreter/{name}-{kind.lower()}", E, file("/i", data), cmd="/e")
    yield case("interpreter/own-interpreter", E, file("/i", asking_for("/none")), cmd="/e")
    yield case("interpreter/own-interpreter-unclosed", E, file("/i", asking_for(b"/x")), cmd="/e")
    yield case("interpreter/at-the-same-address", E, file("/i"), cmd="/e")
    for cut in (0, 4, 51, 52, 63, 64, 83, 84, 115, 116):
        yield case(
            f"interpreter/i386-cut-{cut}",
            file("/e", asking_for("/i", machine="i386")),
            file("/i", GOOD_I386[:cut]),
            cmd="/e",
        )
    yield case(
        "interpreter/i386-good",
        file("/e", asking_for("/i", machine="i386")),
        file("/i", image(machine="i386", type="DYN")),
        cmd="/e",
    )
    yield case("interpreter/i386-of-64", file("/e", asking_for("/i", machine="i386")), file("/i"), cmd="/e")
    yield case("interpreter/i386-absent", file("/e", asking_for("/i", machine="i386")), cmd="/e")
    yield case("interpreter/behind-script", script("/s", b"/e\n"), E, file("/i", b"text".ljust(64)), cmd="/s")
    yield case("interpreter/behind-script-absent", script("/s", b"/e\n"), E, cmd="/s")


def several() -> Iterator[Case]:
    """Give more than one PT_INTERP: only the first is looked at."""
    i = file("/i", PIE)
    several: dict[str, tuple[str | bytes, ...]] = {
        "good-good": ("/i", "/i"),
        "good-absent": ("/i", "/none"),
        "absent-good": ("/none", "/i"),
        "good-unclosed": ("/i", b"/i"),
        "unclosed-good": (b"/i", "/i"),
        "good-empty": ("/i", b""),
        "empty-good": (b"", "/i"),
        "three": ("/i", "/none", b"/x"),
        "text-good": ("/t", "/i"),
    }
    for name, interpreters in several.items():
        yield case(
            f"interpreter/several-{name}", file("/e", asking_for(*interpreters)), i, file("/t", b"t" * 99), cmd="/e"
        )
    nonsense = Segment(PT_INTERP, 7, 1 << 63, 0, 0, 1 << 63, 1, 1)
    base = asking_for("/i")
    first = next(each for each in _segments(base) if each.p_type == PT_INTERP)
    yield case(
        "interpreter/several-good-nonsense",
        file("/e", with_table(first, load(), nonsense, interpreters=("/i",))),
        i,
        cmd="/e",
    )
    yield case(
        "interpreter/several-nonsense-good",
        file("/e", with_table(nonsense, load(), first, interpreters=("/i",))),
        i,
        cmd="/e",
    )


def _segments(data: bytes) -> tuple[Segment, ...]:
    from bprocsim.posix.elf import parse

    return parse(data).segments


def orders() -> Iterator[Case]:
    """Give a bad interpreter of an image that has a later fault, or an earlier one."""
    for name, tree in {
        "absent": (),
        "no-x": (file("/i", mode=0o644),),
        "text": (file("/i", b"t" * 99),),
        "short": (file("/i", b"t"),),
        "bad-headers": (file("/i", image(phnum=0)),),
        "good": (file("/i", PIE),),
    }.items():
        for what, segment in {
            "nowhere": load(p_vaddr=1 << 60),
            "misaligned": load(p_vaddr=0x400001),
            "none": Segment(0),
            "entry": load(p_vaddr=0x900000),
        }.items():
            data = image(segments=[segment], interpreters=["/i"])
            yield case(f"interpreter/{name}-and-load-{what}", file("/e", data), *tree, cmd="/e")
        yield case(f"interpreter/{name}-and-entry", file("/e", asking_for("/i", entry=1 << 60)), *tree, cmd="/e")
        yield case(
            f"interpreter/{name}-and-set-uid", file("/e", asking_for("/i"), 0o4755, 7), *tree, cmd="/e", who=USER
        )


def cases() -> Iterator[Case]:
    """Give the cases of this stage."""
    for family in (opening, contents, several, orders):
        yield from family()
