"""A world and a call in the making: sound at first, and settled at last so that it can be built."""

from __future__ import annotations

import random

import attrs

import bprocsim as bp
from tests.opinion.files import Links, Stop, Walk, entry_at
from tests.opinion.given import GIVEN
from tests.opinion.worlds import Call, Entry, Tree, Who, World

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


def settle(draft: Draft) -> None:
    """Take back what cannot be built: a caller where they may not be, a writer of what is no file."""
    if draft.entries[APP].kind != "file":
        draft.entries.pop(OTHER_NAME, None)
    tree = attrs.evolve(draft.tree, entries=draft.entries)
    if isinstance(Walk(tree, draft.world.who, Links(5, 40)).to(draft.world.cwd + "/.", "/"), Stop):
        draft.set_world(cwd="/")
    if draft.world.at != -1 and draft.world.stations[draft.world.at].state not in ("up", "error", "unavailable"):
        draft.set_world(at=-1)
    stations = [attrs.evolve(each, silent="", full=False) if at == draft.world.at else each
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
