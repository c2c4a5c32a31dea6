"""bproc_execmove_io with an I/O list, held against a second reading of the pages."""

from __future__ import annotations

import random
from collections import Counter

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

import bprocsim as bp
from tests.opinion import calldefects, filedefects
from tests.opinion.building import build, fate_of, plant, user
from tests.opinion.drafts import settle, start
from tests.opinion.execs import Ended, Fate, Refused, admits
from tests.opinion.given import GIVEN
from tests.opinion.lists import (
    CREATE,
    DIRECTORY,
    EXCLUSIVE,
    FILE,
    MEMFILE,
    READ,
    SOCKET,
    WRITE,
    Io,
    list_fates,
)  # fmt: skip
from tests.opinion.test_execs import told
from tests.opinion.worlds import Call, Entry, Tree, World

# The files of every node.
THERE = Tree({
    **GIVEN,
    "/io": Entry("dir"), "/io/open": Entry(mode=0o666), "/io/read": Entry(mode=0o644),
    "/io/mine": Entry(mode=0o600, uid=500), "/io/secret": Entry(mode=0o600), "/io/closed": Entry("dir", mode=0o700),
    "/io/free": Entry("dir", mode=0o777),
    "/io/loop": Entry("link", target="loop"), "/io/link": Entry("link", target="read"),
})  # fmt: skip
PATHS = (
    "/io/open", "/io/open", "/io/read", "/io/mine", "/io/secret", "/io/closed/x", "/io/free/new", "/io/free/new",
    "/io/none", "/io/none/x", "/io/read/x", "/io/loop", "/io/link", "/io", "/dev/null", "/io/" + "n" * 251,
)  # fmt: skip
HOWS = ({READ}, {READ}, {WRITE}, {READ, WRITE}, {WRITE, CREATE}, {WRITE, CREATE, EXCLUSIVE}, {READ, DIRECTORY})
FLAGS = {CREATE: bp.O_CREAT, EXCLUSIVE: bp.O_EXCL, DIRECTORY: bp.O_DIRECTORY}
PORT = 4000
ON_THE_WAY = (
    calldefects.other_node, calldefects.other_place, calldefects.down, calldefects.other_permission,
    calldefects.other_arch, calldefects.no_library, calldefects.no_master, filedefects.absent, filedefects.other_mode,
)  # fmt: skip


def draw(rng: random.Random) -> tuple[World, Call, tuple[Io, ...]]:
    """A world, an execmove in it, and its list."""
    draft = start(rng, moving=True)
    draft.set_world(cwd="/", edition=rng.choice(("lanl32", "bproc4")))
    for _ in range(rng.choice((0, 0, 0, 1, 2))):
        rng.choice(ON_THE_WAY)(draft)
    settle(draft)
    world, call = draft.finished()
    entries = tuple(_entry(rng) for _ in range(rng.choice((0, 1, 1, 2, 3, 3, 16, 17))))
    if len(entries) > 3:
        entries = tuple(attrs.evolve(entry, kind=FILE, path="/dev/null", how=frozenset({READ})) for entry in entries)
    return world, call, entries


def _entry(rng: random.Random) -> Io:
    kind = rng.choice((FILE,) * 12 + (SOCKET,) * 3 + (MEMFILE, 7))
    return Io(
        kind, rng.choice(PATHS), frozenset(rng.choice(HOWS)), heard=rng.random() < 0.6, delayed=rng.random() < 0.15
    )


def compare(world: World, call: Call, entries: tuple[Io, ...]) -> Fate:
    """Make the call; what the simulator says must be what the pages allow."""
    allowed = list_fates(world, call, entries, THERE)
    got = fate_in(world, call, entries)
    assert admits(allowed, got), f"got {got}; the pages allow {allowed}\nwith {entries}\nin {told(world)}\nby {call}"
    return got


def fate_in(world: World, call: Call, entries: tuple[Io, ...]) -> Fate:
    """What the simulator says that the call comes to."""
    cluster = build(world)
    for machine in (cluster.master, *cluster.nodes):
        plant(attrs.evolve(world, tree=THERE), machine.fs)
    listener = cluster.session(node=world.at) if not world.master_gone else None
    if listener is not None:
        listening = listener.socket()
        listener.bind(listening, bp.Address("", PORT))
        listener.listen(listening, 16)
    io = [record(fd, entry) for fd, entry in enumerate(entries)]
    assert call.node is not None
    out = cluster.bproc_execmove_io(
        call.node, io, call.path, ["app"], [], user=user(world.who), from_node=world.at, cwd="/", listen=False
    )
    return fate_of(out)


def record(fd: int, entry: Io) -> bp.BprocIo:
    """An entry as the simulator takes it."""
    access = bp.O_RDWR if {READ, WRITE} <= entry.how else bp.O_WRONLY if WRITE in entry.how else bp.O_RDONLY
    port = PORT if entry.heard else PORT + 1
    flags = access | sum(FLAGS[each] for each in sorted(entry.how) if each in FLAGS)
    return bp.BprocIo(
        fd, entry.kind, bp.BPROC_IO_DELAY if entry.delayed else 0, addr=bp.Address("", port),
        file_name=entry.path, file_flags=flags, file_mode=0o644,
    )  # fmt: skip


@given(rng=st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_any_list(rng: random.Random) -> None:
    compare(*draw(rng))


def test_the_same_lists_in_every_run() -> None:
    met = Counter(compare(*draw(random.Random(f"opinion/{at}"))) for at in range(300))
    assert {fate.errno for fate in met if isinstance(fate, Refused)} >= {"EINVAL", "EPERM", "ENOENT", "EBUSY", "ENOSYS"}
    late = {fate.errno for fate in met if isinstance(fate, Ended)}
    assert late >= {"ENOENT", "EACCES", "EISDIR", "ENOTDIR", "ELOOP", "EINVAL", "ECONNREFUSED", "BE_NODEDOWN"}
