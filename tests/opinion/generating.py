"""Worlds with a sound call in them, in which up to four things are then made amiss."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator

import attrs

import bprocsim as bp
from tests.opinion.building import LISTENED_PORT
from tests.opinion.files import Links, Stop, Walk, entry_at
from tests.opinion.given import GIVEN
from tests.opinion.worlds import NOWHERE, Call, Entry, Mount, Text, Tree, Vector, Who, World

Rng = random.Random

WHOS = (
    Who(),
    Who(500, 500, 500, 500),
    Who(500, 500, 500, 500, groups=(600,)),
    Who(501, 501, 501, 501),
    Who(0, 0, 500, 500),
    Who(500, 500, 0, 500),
    Who(0, 0, 0, 0, powerless=True),
)
OWNERS = (0, 500, 501)
GROUPS = (0, 500, 600)
MODES = (0o755, 0o700, 0o070, 0o007, 0o111, 0o100, 0o010, 0o001, 0o000, 0o666, 0o4755, 0o2755, 0o6711, 0o4000)
EDITIONS = ("scyld", "lanl32", "bproc4")
APP = "/work/d/e/app"
OTHER_NAME = "/work/d/e/other"
STATIC = bp.ElfImage().to_bytes()
DYNAMIC = bp.ElfImage(needed=("libc.so.6",)).to_bytes()
OLD_STATIC = bp.ElfImage(machine=3).to_bytes()
OLD_DYNAMIC = bp.ElfImage(machine=3, needed=("libc.so.6",)).to_bytes()
BASE = {
    **GIVEN,
    "/work": Entry("dir"), "/work/d": Entry("dir"), "/work/d/e": Entry("dir"),
    APP: Entry(data=STATIC), "/work/run": Entry(data=STATIC), "/work/text": Entry(data=b"no program\n"),
}  # fmt: skip


@attrs.define
class Draft:
    """A world and a call in the making."""

    rng: Rng
    entries: dict[str, Entry]
    call: Call
    path: str = APP
    world: World = attrs.field(init=False)
    tree: Tree = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.tree = Tree(self.entries)
        self.world = World(self.tree)

    def change(self, path: str, **changes: object) -> None:
        """Change an entry of the tree."""
        self.entries[path] = attrs.evolve(self.entries[path], **changes)  # type: ignore[arg-type]

    def set_tree(self, **changes: object) -> None:
        """Change the tree."""
        self.tree = attrs.evolve(self.tree, **changes)  # type: ignore[arg-type]

    def set_world(self, **changes: object) -> None:
        """Change the world."""
        self.world = attrs.evolve(self.world, **changes)  # type: ignore[arg-type]

    def set_call(self, **changes: object) -> None:
        """Change the call."""
        self.call = attrs.evolve(self.call, **changes)  # type: ignore[arg-type]

    def finished(self) -> tuple[World, Call]:
        """The world and the call."""
        call = self.call if self.call.path != APP else attrs.evolve(self.call, path=self.path)
        return attrs.evolve(self.world, tree=attrs.evolve(self.tree, entries=self.entries)), call

    def set_station(self, **changes: object) -> None:
        """Change the node that is gone to."""
        node = self.call.node
        if node is None or not 0 <= node < len(self.world.stations):
            return
        stations = list(self.world.stations)
        stations[node] = attrs.evolve(stations[node], **changes)  # type: ignore[arg-type]
        self.set_world(stations=tuple(stations))


def start(rng: Rng, *, moving: bool) -> Draft:
    """A sound world and call."""
    entries = {**BASE, APP: Entry(data=rng.choice((STATIC, DYNAMIC)))}
    draft = Draft(rng, entries, Call(APP, ("app",), (), node=rng.randrange(2) if moving else None))
    draft.set_world(who=rng.choice(WHOS), cwd=rng.choice(("/", "/work", "/work/d/e")))
    if moving:
        draft.set_world(edition=rng.choice(EDITIONS))
    return draft


def draw(rng: Rng, *, moving: bool) -> tuple[World, Call]:
    """A world and an exec in it, or with `moving` an execmove."""
    draft = start(rng, moving=moving)
    defects = FILES + ARGUMENTS + MACHINE + (JOURNEY * 2 if moving else ())
    for _ in range(rng.choice((0, 1, 1, 1, 2, 2, 3, 4))):
        rng.choice(defects)(draft)
    settle(draft)
    spell(draft)
    return draft.finished()


def pairs(*, moving: bool) -> Iterator[tuple[World, Call]]:
    """Worlds in which two things are amiss, for all pairs of what can be (or the one twice)."""
    defects = dict.fromkeys(FILES + ARGUMENTS + MACHINE + (JOURNEY if moving else ()))
    for first, second in itertools.product(defects, repeat=2):
        draft = start(random.Random(f"{first.__name__} {second.__name__}"), moving=moving)
        first(draft)
        second(draft)
        settle(draft)
        yield draft.finished()


def settle(draft: Draft) -> None:
    """Take back what cannot be built: a caller where they may not be, a writer of what is no file."""
    if draft.entries[APP].kind != "file":
        draft.entries.pop(OTHER_NAME, None)
    tree = attrs.evolve(draft.tree, entries=draft.entries)
    if isinstance(Walk(tree, draft.world.who, Links(5, 40)).to(draft.world.cwd + "/.", "/"), Stop):
        draft.set_world(cwd="/")
    if draft.world.at != -1 and draft.world.stations[draft.world.at].state not in ("up", "error", "unavailable"):
        draft.set_world(at=-1)
    stations = [attrs.evolve(each, silent="" if at == draft.world.at else each.silent)
                for at, each in enumerate(draft.world.stations)]  # fmt: skip
    draft.set_world(stations=tuple(stations))
    if draft.entries[APP].data != DYNAMIC:  # nothing is missed
        draft.set_world(stations=tuple(attrs.evolve(station, missing=()) for station in draft.world.stations))
    draft.set_tree(
        written=tuple(
            path for path in draft.tree.written if path in tree.entries and entry_at(tree, path).kind == "file"
        )
    )


def spell(draft: Draft) -> None:
    """Write the path another way: repeated slashes, dots, from the working directory."""
    rng, path = draft.rng, draft.path
    if path and rng.random() < 0.3:
        names = path.split("/")
        at = rng.randrange(1, len(names))
        names.insert(at, rng.choice((".", "", "../work" if at == 2 else ".", "d/.." if at == 2 else "")))
        path = "/".join(names)
    cwd = draft.world.cwd
    if rng.random() < 0.2 and path.startswith(cwd + "/"):
        path = path.removeprefix(cwd + "/").lstrip("/") or path
    draft.path = path


# ------------------------------------------------------------------------------------------ files


def absent(draft: Draft) -> None:
    draft.path = draft.rng.choice(("/work/no", "/no/app", "/work/d/no/app", "/work/no/..", "/work/d/e/app2"))


def in_file(draft: Draft) -> None:
    draft.path = draft.rng.choice(
        (f"{APP}/x", f"{APP}/", f"{APP}/.", f"{APP}/..", "/work/text/x", "/work/d/", "/work/text/../d/e/app")
    )


def closed_directory(draft: Draft) -> None:
    rng = draft.rng
    draft.change(rng.choice(("/work", "/work/d", "/work/d/e")), mode=rng.choice(MODES) & 0o777, uid=rng.choice(OWNERS))


def other_mode(draft: Draft) -> None:
    rng = draft.rng
    draft.change(APP, mode=rng.choice(MODES), uid=rng.choice(OWNERS), gid=rng.choice(GROUPS))


def other_kind(draft: Draft) -> None:
    draft.change(APP, kind=draft.rng.choice(("dir", "fifo", "socket", "chr", "blk")))


def link_chain(draft: Draft) -> None:
    """A chain of links, each the last name of the one before: they nest."""
    rng = draft.rng
    length = rng.choice((1, 2, 4, 5, 6, 7))
    end = rng.choice((APP, "d/e/app", "/work/d/../d/e/app", "no", "l1", "text", "d"))
    for at in range(length):
        draft.entries[f"/work/l{at}"] = Entry("link", target=f"l{at + 1}" if at + 1 < length else end)
    draft.path = "/work/l0" + rng.choice(("", "", "", "/", "/x"))


def link_row(draft: Draft) -> None:
    """Many links one after the other: they do not nest, but each counts."""
    draft.entries["/work/here"] = Entry("link", target=draft.rng.choice((".", "../work")))
    draft.path = "/work/" + "here/" * draft.rng.choice((39, 40, 41)) + "d/e/app"


def link_upward(draft: Draft) -> None:
    """What is above a link is above its target."""
    draft.entries["/work/up"] = Entry("link", target="d/e")
    draft.path = draft.rng.choice(("/work/up/../e/app", "/work/up/../d/e/app", "/work/up/app"))


def long_name(draft: Draft) -> None:
    rng = draft.rng
    name = "n" * rng.choice((255, 256))
    draft.path = rng.choice((f"/work/{name}", f"/work/d/{name}/app", f"/no/{name}", f"{APP}/{name}"))


def long_path(draft: Draft) -> None:
    length = draft.rng.choice((4094, 4095, 4096, 5000))
    draft.path = "/" * (length - len(APP)) + APP


def flagged_mount(draft: Draft) -> None:
    rng = draft.rng
    mount = Mount(nosuid=rng.random() < 0.7, noexec=rng.random() < 0.4)
    draft.set_tree(mounts={**draft.tree.mounts, rng.choice(("/work", "/work/d", "/work/d/e")): mount})
    if rng.random() < 0.7:
        draft.change(APP, mode=rng.choice((0o4755, 0o2755, 0o6755, 0o755, 0o4644)), uid=rng.choice(OWNERS))


def other_image(draft: Draft) -> None:
    draft.change(APP, data=draft.rng.choice(IMAGES))


def spoiled_image(draft: Draft) -> None:
    """A sound image in whose first bytes some are others."""
    rng = draft.rng
    data = bytearray(draft.entries[APP].data)
    for _ in range(rng.choice((1, 1, 2))):
        if data:
            data[rng.randrange(min(len(data), 64 + 56))] = rng.choice((0, 1, 2, 3, 6, 32, 56, 127, 255))
    draft.change(APP, data=bytes(data))


def script(draft: Draft) -> None:
    rng = draft.rng
    loader = rng.choice(
        (
            "/work/run",
            "/work/run",
            "/work/text",
            "/work/no",
            "/work",
            "/work/run/x",
            "run",
            "",
            "/work/inner",
            "/work/r2",
        )
    )
    line = b"#!" + rng.choice((b"", b" ", b"\t ")) + loader.encode() + rng.choice((b"", b" -x", b"  a b ", b"\r"))
    draft.entries["/work/inner"] = Entry(data=b"#!/work/run\n")
    draft.entries["/work/r2"] = Entry(data=STATIC, mode=rng.choice(MODES), uid=rng.choice(OWNERS))
    draft.change(APP, data=line + rng.choice((b"\n", b"\necho\n", b"")))


def other_loader(draft: Draft) -> None:
    """An image whose loader is another file, in one of many ways not fit."""
    rng = draft.rng
    draft.entries["/work/ld"] = Entry(
        data=rng.choice((STATIC, b"", b"text " * 20, b"#!/bin/x\n" * 20, FOREIGN)),
        mode=rng.choice((0o755, 0o755, 0o644, 0o700)), uid=rng.choice(OWNERS),
    )  # fmt: skip
    paths = ("/work/ld", "/work/ld", "/work/no", "/work", "/work/text/x", "work/ld", "/dev/null", "/work/" + "n" * 256)
    draft.change(APP, data=bp.ElfImage(interpreters=(rng.choice(paths),)).to_bytes())


def other_interpreter(draft: Draft) -> None:
    """A script or an image whose interpreter is in one of many ways not fit, or not to be had."""
    rng = draft.rng
    sound = Entry(data=STATIC)
    draft.entries.update({
        "/alt": Entry("dir"), "/alt/closed": Entry("dir", mode=0o700), "/alt/closed/x": sound,
        "/alt/noexec": Entry("dir"), "/alt/noexec/x": sound, "/alt/nosuid": Entry("dir"),
        "/alt/nosuid/x": attrs.evolve(sound, mode=rng.choice((0o4755, 0o2755, 0o755))),
        "/alt/loop": Entry("link", target="loop"), "/alt/link": Entry("link", target="../work/run"),
        "/alt/fifo": Entry("fifo"), "/alt/busy": sound, "/alt/disk": sound,
        "/alt/mode": attrs.evolve(sound, mode=0o644),
        "/alt/bad": Entry(data=bp.ElfImage(phentsize=32).to_bytes()), "/alt/foreign": Entry(data=FOREIGN),
        "/alt/two": Entry(data=bp.ElfImage(interpreters=("/lib64/ld-linux-x86-64.so.2", "/no")).to_bytes()),
        "/alt/odd": Entry(data=bp.ElfImage(interpreters=("/no",)).to_bytes()), "/alt/text": Entry(data=b"text\n" * 30),
    })  # fmt: skip
    mounts = {**draft.tree.mounts, "/alt/noexec": Mount(noexec=True), "/alt/nosuid": Mount(nosuid=True)}
    path = rng.choice([path for path in draft.entries if path.startswith("/alt")]) + rng.choice(("", "", "", "/", "/x"))
    draft.set_tree(
        mounts=mounts, written=(*draft.tree.written, "/alt/busy"), unreadable=(*draft.tree.unreadable, "/alt/disk")
    )
    image = bp.ElfImage(interpreters=(path, "/no") if rng.random() < 0.1 else (path,))
    draft.change(APP, data=f"#!{path} -x\n".encode() if rng.random() < 0.5 else image.to_bytes())


def written(draft: Draft) -> None:
    rng = draft.rng
    if draft.entries[APP].kind != "file":
        return
    name = APP
    if rng.random() < 0.3:
        name = OTHER_NAME
        draft.entries[name] = Entry(same_as=APP)
    path = rng.choice((name, name, "/work/run", "/lib64/ld-linux-x86-64.so.2"))
    draft.set_tree(written=(*draft.tree.written, path))


def failing_disk(draft: Draft) -> None:
    path = draft.rng.choice((APP, APP, "/work/d", "/work/run", "/lib64/ld-linux-x86-64.so.2"))
    draft.set_tree(unreadable=(*draft.tree.unreadable, path))


FOREIGN = bp.ElfImage(machine=8).to_bytes()
IMAGES = (
    b"", b"\x7fELF", b"plain text\n", b"#!", b"#!\n", b"\x01\xdf" + bytes(100), STATIC[:60], STATIC[:100], FOREIGN,
    bp.ElfImage(machine=3).to_bytes(), bp.ElfImage(machine=6).to_bytes(), bp.ElfImage(machine=183).to_bytes(),
    bp.ElfImage(type="DYN").to_bytes(), bp.ElfImage(type="REL").to_bytes(), bp.ElfImage(type="CORE").to_bytes(),
    bp.ElfImage(phentsize=32).to_bytes(), bp.ElfImage(phnum=0).to_bytes(), bp.ElfImage(phnum=1171).to_bytes(),
    bp.ElfImage(phnum=1170).to_bytes(), bp.ElfImage(phoff=1 << 40).to_bytes(),
    bp.ElfImage(interpreters=("/lib64/ld-linux-x86-64.so.2", "/no")).to_bytes(),
    bp.ElfImage(interpreters=("/no", "/no")).to_bytes(),
    bp.ElfImage(interpreters=("",)).to_bytes(), bp.ElfImage(interpreters=("", "/no")).to_bytes(),
    bp.ElfImage(interpreters=("/" + "x" * 4094,)).to_bytes(), bp.ElfImage(interpreters=("/" + "x" * 4095,)).to_bytes(),
    bp.ElfImage(interpreters=("/lib64/ld-linux-x86-64.so.2",)).to_bytes(),
    bp.ElfImage(machine=3, interpreters=("/lib/ld-linux.so.2",)).to_bytes(),
    bp.ElfImage(machine=3, interpreters=("/lib64/ld-linux-x86-64.so.2",)).to_bytes(),
    bp.ElfImage(interpreters=("/lib/ld-linux.so.2",)).to_bytes(),
)  # fmt: skip
FILES: tuple[Callable[[Draft], None], ...] = (
    absent, in_file, closed_directory, other_mode, other_mode, other_kind, link_chain, link_row, link_upward, long_name,
    long_path, flagged_mount, flagged_mount, other_image, other_image, spoiled_image, script, script, other_loader,
    other_loader, other_interpreter, other_interpreter, other_interpreter, written, failing_disk,
)  # fmt: skip


# -------------------------------------------------------------------------------------- arguments


def bad_pointer(draft: Draft) -> None:
    rng = draft.rng
    which = rng.choice(("path", "argv", "envp", "argv string", "envp string", "empty path"))
    if which == "path":
        draft.set_call(path=rng.choice((None, NOWHERE)))
    elif which == "empty path":
        draft.path = ""
    elif which in ("argv", "envp"):
        draft.set_call(**{which: rng.choice((None, NOWHERE, NOWHERE))})
    else:
        draft.set_call(**{which.split()[0]: _with(draft, which.split()[0], rng.choice((None, NOWHERE)))})


def _with(draft: Draft, which: str, text: Text) -> Vector:
    vector: Vector = getattr(draft.call, which)
    if not isinstance(vector, tuple):
        return vector
    at = draft.rng.randrange(len(vector) + 1)
    return (*vector[:at], text, *vector[at:])


def many_strings(draft: Draft) -> None:
    """Strings of just under, exactly or just over what an exec takes, or far more."""
    rng = draft.rng
    total = rng.choice((131063, 131064, 131065, 131068, 131069, 200_000)) - (len(APP) + 1)
    which = rng.choice(("argv", "envp"))
    text = "A=" + "x" * (total // 2 - 3)
    rest = total - (len(text) + 1) - sum(len(given) + 1 for given in ("app",) if which == "envp")
    draft.set_call(**{which: (text, "B=" + "y" * (rest - 3)) if which == "envp" else (text, "y" * (rest - 1))})


ARGUMENTS: tuple[Callable[[Draft], None], ...] = (bad_pointer, bad_pointer, many_strings)


# ---------------------------------------------------------------------------------------- machine


def no_files(draft: Draft) -> None:
    draft.set_world(files_left=draft.rng.choice((0, 1, 2)))


def no_memory(draft: Draft) -> None:
    draft.set_world(memory_left=False)


MACHINE: tuple[Callable[[Draft], None], ...] = (no_files, no_memory)


# ---------------------------------------------------------------------------------------- journey


def other_node(draft: Draft) -> None:
    draft.set_call(node=draft.rng.choice((-1, -2, -3, -4, 2, 99, 0, 1)))


def other_place(draft: Draft) -> None:
    draft.set_world(at=0)


def down(draft: Draft) -> None:
    if draft.call.node != draft.world.at:
        draft.set_station(state="down")


def lost(draft: Draft) -> None:
    """The node has just lost its power, or hangs, or its link is cut, and nobody has noticed yet."""
    if draft.call.node != draft.world.at:
        draft.set_station(silent=draft.rng.choice(("power", "hang", "link")))


def other_state(draft: Draft) -> None:
    states = ("error", "unavailable") + (("reboot", "halt", "pwroff") if draft.world.edition == "scyld" else ())
    draft.set_station(state=draft.rng.choice(states))


def other_permission(draft: Draft) -> None:
    rng = draft.rng
    mode = rng.choice((0o111, 0o100, 0o010, 0o001, 0o000, 0o011))
    draft.set_station(mode=mode, uid=rng.choice(OWNERS), gid=rng.choice(GROUPS))


def other_port(draft: Draft) -> None:
    port = draft.rng.choice((0, LISTENED_PORT, LISTENED_PORT - 65536, LISTENED_PORT + 65536, 4001, 65536))
    draft.set_call(port=port, heard=port % 65536 == LISTENED_PORT)


def no_library(draft: Draft) -> None:
    draft.set_station(missing=("libc.so.6",))
    draft.change(APP, data=DYNAMIC)


def other_arch(draft: Draft) -> None:
    draft.set_station(arch="i386")


def old_caller(draft: Draft) -> None:
    """A caller on a node of 32 bits, which runs images of its own machine alone; often all nodes are such."""
    rng = draft.rng
    stations = [attrs.evolve(each, arch="i386" if rng.random() < 0.7 else each.arch) for each in draft.world.stations]
    draft.set_world(at=0, stations=tuple(stations))
    draft.change(APP, data=rng.choice((STATIC, OLD_STATIC, OLD_STATIC, OLD_DYNAMIC)))


def no_master(draft: Draft) -> None:
    draft.set_world(master_gone=True)


JOURNEY: tuple[Callable[[Draft], None], ...] = (
    other_node, other_place, down, lost, other_state, other_permission, other_port, no_library, other_arch, old_caller,
    old_caller, no_master,
)  # fmt: skip
