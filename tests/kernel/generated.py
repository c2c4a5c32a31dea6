"""Cases made up by chance: the same makers serve a fixed sample, from a seed, and Hypothesis.

What an image executes is not simulated, so only such images are made up whose first instruction is
that of our code, or is nowhere.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import attrs

from bprocsim.posix.elf import LE32, LE64, PT_INTERP, PT_LOAD, Segment, parse
from tests.kernel.building import MEMBER, NO_CAPABILITIES, ROOT, USER, case, file, folder, link, mount, name_of, special
from tests.kernel.case import BAD, STAGES, Case, Entry, Held, Text, Who
from tests.kernel.images import ARGV, BASE, GOOD, GOOD_I386, PAGE, PIE, asking_for, image, load, with_table
from tests.kernel.written.pairs import FAULTS, call, can_be_built
from tests.kernel.written.strings import LONGEST, filling, limit_of

T = TypeVar("T")

SAMPLE_PER_MAKER = 90
SEED = 20030917


class Chance(Protocol):
    """Whoever decides what is made up."""

    def among(self, options: Sequence[T]) -> T:
        """Give one of them."""

    def up_to(self, most: int) -> int:
        """Give a number from 0 to `most`."""


class Seeded:
    """Chance from a seed: the same on every Python, which promises that of `random()` alone."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def among(self, options: Sequence[T]) -> T:
        """Give one of them."""
        return options[self.up_to(len(options) - 1)]

    def up_to(self, most: int) -> int:
        """Give a number from 0 to `most`."""
        return int(self._random.random() * (most + 1))


CALLERS = (ROOT, USER, MEMBER, NO_CAPABILITIES, Who(1000, 1000, euid=2000, egid=200), Who(2000, 200, groups=(1000, 5)))
MODES = (0o777, 0o755, 0o700, 0o711, 0o070, 0o007, 0o000, 0o666, 0o611, 0o644, 0o501, 0o770)
IDS = (0, 1000, 2000)
GROUPS = (0, 200, 1000)
EDGES = (
    0,
    1,
    2,
    3,
    4,
    31,
    32,
    52,
    55,
    56,
    57,
    63,
    64,
    65,
    120,
    512,
    4095,
    4096,
    4097,
    65535,
    65536,
    1 << 31,
    (1 << 31) - 1,
    (1 << 32) - 1,
    1 << 32,
    1 << 40,
    (1 << 47) - 4096,
    1 << 47,
    (1 << 63) - 1,
    1 << 63,
    (1 << 64) - 4096,
    (1 << 64) - 1,
)


CAPABLE: tuple[tuple[str, ...] | None, ...] = (None, None, None, (), ("CAP_DAC_OVERRIDE",), ("CAP_DAC_READ_SEARCH",))


def tree(chance: Chance, id: str) -> Case:
    """Make a tree of directories, files and links, and a path that may lead anywhere in it."""
    here = [b""]
    made: list[Entry] = []
    names = [b"a", b"b", b"c"]
    for number in range(3 + chance.up_to(5)):
        path = chance.among(here) + b"/" + chance.among(names)
        if any(each.path == path for each in made):
            continue
        kind = chance.among(("dir", "dir", "file", "link", "link", "mount", "other", "hardlink"))
        ids = (chance.among(MODES), chance.among(IDS), chance.among(GROUPS))
        files = [each.path for each in made if each.kind == "file"]
        if kind == "dir":
            made.append(folder(path, *ids))
            here.append(path)
        elif kind == "mount" and number > 2:
            made += mount(path, *chance.among(((), ("noexec",), ("nosuid", "readonly"))))
            here.append(path)
        elif kind == "link":
            made.append(link(path, _path(chance)))
        elif kind == "other":
            made.append(special(path, chance.among(("fifo", "socket", "chr"))))
        elif kind == "hardlink" and files and not any(each.kind == "mount" for each in made):
            made.append(name_of(path, chance.among(files)))
        else:
            made.append(file(path, GOOD, *ids))
    cwd = chance.among(here)
    removable = not any(each.path.startswith(cwd + b"/") for each in made) and cwd != b""
    removable = removable and not any(each.kind == "mount" for each in made)
    return case(
        id,
        *made,
        cmd=_path(chance),
        who=chance.among(CALLERS),
        cwd=cwd or b"/",
        cwd_removed=removable and chance.up_to(3) == 0,
    )


def _path(chance: Chance) -> bytes:
    parts = [chance.among((b"a", b"b", b"c", b"a", b"b", b"c", b"..", b".", b"")) for _ in range(1 + chance.up_to(4))]
    if chance.up_to(20) == 0:
        parts.append(b"n" * (255 + chance.up_to(1)))
    return chance.among((b"/", b"/", b"/", b"")) + b"/".join(parts) or b"/"


def rights(chance: Chance, id: str) -> Case:
    """Make a file of any rights in a directory of any rights, and any caller."""
    who = Who(
        chance.among(IDS),
        chance.among(GROUPS),
        chance.among((None, *IDS)),
        chance.among((None, *GROUPS)),
        chance.among(((), (200,), (0, 200), (1000,))),
        chance.among(CAPABLE),
    )
    inner = folder("/d", chance.up_to(0o777), chance.among(IDS), chance.among(GROUPS))
    found = file("/d/x", GOOD, chance.up_to(0o777), chance.among(IDS), chance.among(GROUPS))
    cwd = chance.among((b"/", b"/d"))
    return case(id, inner, found, cmd="/d/x" if cwd == b"/" else chance.among(("x", "./x", "../d/x")), cwd=cwd, who=who)


def header(chance: Chance, id: str) -> Case:
    """Make an image with a few bytes of its header set otherwise, perhaps cut."""
    good = chance.among((GOOD, GOOD, GOOD_I386, PIE, asking_for("/i")))
    data = bytearray(good)
    for _ in range(1 + chance.up_to(1)):
        if chance.up_to(1):
            place = chance.up_to(63)
            data[place] = chance.among((0, 1, 2, 0x7F, 0x80, 0xFF, data[place] ^ 1, chance.up_to(255)))
        else:
            place, size = chance.among(((16, 2), (18, 2), (32, 8), (28, 4), (42, 2), (44, 2), (54, 2), (56, 2)))
            number = chance.among(EDGES) & ((1 << 8 * size) - 1)
            data[place : place + size] = number.to_bytes(size, "little")
    made = bytes(data[: chance.up_to(len(data))] if chance.up_to(9) == 0 else data)
    return case(id, file("/x", made if judged(made) else good), file("/i", PIE), who=chance.among((ROOT, USER)))


def program_headers(chance: Chance, id: str) -> Case:
    """Make a table of PT_LOADs and others with fields from the edges."""
    segments = []
    for _ in range(1 + chance.up_to(2)):
        fields: dict[str, int] = {}
        for _ in range(chance.up_to(2)):
            name = chance.among(("p_offset", "p_vaddr", "p_filesz", "p_memsz", "p_align", "p_flags", "p_type"))
            number = chance.among(EDGES)
            if name == "p_flags":
                number = chance.up_to(7)
            elif name == "p_type":
                number = chance.among((0, 1, 2, 4, 6, 7, 0x6474E551, 0xFFFFFFFF))
            elif name == "p_memsz":
                number = chance.among((0, 1, 600, PAGE, PAGE * 5, 1 << 47, 1 << 62, (1 << 64) - 1))
            elif name == "p_vaddr":
                number = chance.among(
                    (
                        BASE,
                        BASE + 1,
                        BASE + 64,
                        BASE + PAGE,
                        BASE + 16 * PAGE,
                        0x10000000,
                        1 << 47,
                        1 << 60,
                        (1 << 64) - PAGE,
                    )
                )
            elif name == "p_offset":
                number = chance.among((0, 1, 64, PAGE, 2 * PAGE, 1 << 40, (1 << 63) - PAGE, 1 << 63, (1 << 64) - PAGE))
            fields[name] = number
        segments.append(load()._replace(**fields))
    if chance.up_to(1):
        segments.insert(chance.up_to(len(segments)), load())
    made = with_table(*segments)
    return case(id, file("/x", made if judged(made) else GOOD), who=chance.among((ROOT, USER)))


def interpreter(chance: Chance, id: str) -> Case:
    """Make an image whose PT_INTERP, and the file that it names, may be anything."""
    text = chance.among(
        (b"/i\0", b"/i\0", b"/i\0", b"i\0", b"/l\0", b"/none\0", b"/d\0", b"/m/i\0", b"/i", b"/i\0\0", b"\0\0", b"")
    )
    main = asking_for(text, **chance.among(({}, {}, {}, {}, {"entry": 1 << 60}, {"type": 1})))
    if chance.up_to(4) == 0:
        place, size = chance.among(
            ((0, 600), (9, 4), (512, 3), (len(GOOD), 9), (1 << 62, 3), (1 << 63, 3), (512, 4097), (512, 1 << 40))
        )
        main = with_table(Segment(PT_INTERP, 4, place, 0, 0, size, size, 1), load(), interpreters=("/i",))
    found = bytearray(
        chance.among((PIE, GOOD, image(type="DYN"), GOOD_I386, b"#!/x\n", bytes(64), b"t" * 63, with_table(Segment(0))))
    )
    if found and chance.up_to(1):
        place = chance.up_to(min(63, len(found) - 1))
        found[place] = chance.among((0, 1, 2, 0xFF, found[place] ^ 1))
    if chance.up_to(5) == 0:
        del found[chance.up_to(len(found)) :]
    data = bytes(found) if judged(bytes(found)) else PIE
    tree = (
        folder("/m"),
        Entry(b"/m", "mount", flags=chance.among(((), ("noexec",)))),
        file("/m/i", data),
        link("/l", "i"),
        folder("/d", chance.among(MODES)),
        file("/i", data, chance.among((0o755, 0o755, 0o755, 0o644, 0o711, 0o100))),
        file("/x", main),
    )
    held = chance.among(((), (), (), (Held(b"/i"),)))
    return case(id, *tree, who=chance.among((ROOT, USER)), held=held, cwd=chance.among((b"/", b"/d")))


def script(chance: Chance, id: str) -> Case:
    """Make scripts of odd lines that name one another or an image that tells its arguments."""
    tokens = (
        b"/y",
        b"/s",
        b"y",
        b" ",
        b" ",
        b"\t",
        b"\n",
        b"\n",
        b"-o",
        b"\0",
        b"\r",
        b"/",
        b"a" * 100,
        b" " * 120,
        b"/" * 200,
        b"#!",
        b"/d/",
        b"x",
    )
    made = []
    for name in ("/x", "/s"):
        line = b"".join(chance.among(tokens) for _ in range(1 + chance.up_to(6)))
        start = chance.among((b"#!/y", b"#!/s", b"#!", b"#! /y ", b"#!"))
        made.append(file(name, start + line, chance.among((0o755, 0o755, 0o755, 0o4755, 0o644))))
    end = file("/y", chance.among((ARGV, ARGV, ARGV, b"", b"#!/x\n", asking_for("/none"))), 0o755)
    argv = tuple(
        chance.among((b"a", b"", b"zero", None, BAD)) if chance.up_to(9) == 0 else b"a%d" % n
        for n in range(chance.up_to(4))
    )
    return case(
        id, *made, end, folder("/d"), argv=argv, who=chance.among((ROOT, USER)), cwd=chance.among((b"/", b"/d"))
    )


def sizes(chance: Chance, id: str) -> Case:
    """Make argument lists around the limits, with bad strings and NULLs among them."""
    stack_bytes = chance.among((192, 256, 512, 520, 600, 1024, 2048, 8192, 24576, 25000, 32768)) << 10
    total = limit_of(stack_bytes) + chance.among((-5000, -9, -8, -2, -1, 0, 1, 2, 8, 9, 5000))
    cmd = "/" * (1 + chance.up_to(50)) + "x"
    longest = chance.among((LONGEST, LONGEST, LONGEST - 1, 100_000, 20_000))
    strings: list[Text] = list(filling(total, cmd, longest))
    if chance.up_to(2) == 0:
        strings.insert(chance.up_to(len(strings)), chance.among((BAD, b"", b"a" * LONGEST, b"a" * (LONGEST + 1), None)))
    cut = chance.up_to(len(strings))
    if chance.up_to(1):
        cut = len(strings)
    argv, envp = tuple(strings[:cut]), tuple(strings[cut:])
    data = chance.among((GOOD, GOOD, GOOD, b"", b"#!/y -o\n", asking_for("/none")))
    return case(id, file("/x", data), file("/y"), cmd=cmd, argv=argv, envp=envp, stack_bytes=stack_bytes)


def faults(chance: Chance, id: str) -> Case:
    """Make a call with three or four faults of different stages."""
    chosen: dict[str, object] = {}
    first = ""
    for stage in STAGES:
        if stage not in FAULTS or chance.up_to(2):
            continue
        sets = chance.among([FAULTS[stage][name] for name in sorted(FAULTS[stage])])
        if sets.keys().isdisjoint(chosen):
            chosen |= sets
            first = first or stage
    made = call(id, chosen)
    return made if can_be_built(made) else attrs.evolve(made, held=())


MAKERS: dict[str, tuple[str, Callable[[Chance, str], Case]]] = {
    "tree": ("walk", tree),
    "rights": ("file", rights),
    "faults": ("busy", faults),
    "sizes": ("strings", sizes),
    "script": ("script", script),
    "header": ("elf", header),
    "interpreter": ("interpreter", interpreter),
    "program-headers": ("after", program_headers),
}


def sample() -> dict[str, Case]:
    """Give the fixed sample, by id."""
    made: dict[str, Case] = {}
    for name, (stage, maker) in MAKERS.items():
        for number in range(SAMPLE_PER_MAKER):
            id = f"{stage}/generated-{name}-{number}"
            made[id] = maker(Seeded(SEED * 1000 + number + 100_000 * len(made)), id)
    return made


# ---- what can be foretold from headers alone -----------------------------------------------------


def judged(data: bytes) -> bool:
    """Tell whether what an image executes first is our code, or nothing at all; True for other files.

    Code is looked for in whole pages, as it is mapped.
    """
    machine = int.from_bytes(data[18:20], "little")
    if data[:4] != b"\x7fELF" or machine not in (3, 6, 62):
        return True
    elf = parse(data, LE64 if machine == 62 else LE32)
    code = bytes.fromhex("31ffb83c0000000f05" if machine == 62 else "31dbb801000000cd80")
    found = True
    for each in elf.segments:
        if each.p_type != PT_LOAD:
            continue
        first = each.p_vaddr - each.p_vaddr % PAGE
        if first <= elf.e_entry < each.p_vaddr + max(each.p_memsz, each.p_filesz) + PAGE:
            place = elf.e_entry - each.p_vaddr + each.p_offset
            past_the_end = place - place % PAGE >= len(data)
            found = past_the_end or (
                place >= 0 and data[place : place + len(code)] == code and not _zeroed(each, place)
            )
    return found


def _zeroed(segment: Segment, place: int) -> bool:
    """Tell whether the place in the file lies in what is cleared behind the file's part of a segment."""
    return bool(segment.p_memsz > segment.p_filesz and place >= segment.p_offset + segment.p_filesz)
