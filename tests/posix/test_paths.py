"""Where a path leads, held against the documents and against this machine's own kernel."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from attrs import evolve, frozen
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bprocsim.posix import vfs
from bprocsim.posix.credentials import ROOT, Credentials
from bprocsim.posix.paths import LIMITS_NOW, PathLimits, Stop, path_bytes, walk, walk_to_make
from bprocsim.posix.vfs import FileTree, Inode, permits

ALICE = Credentials(500, 500)


# ---- Worlds: a few files, described once, built here and on the host ------------------------------


@frozen
class Node:
    """One file: `kind` "d", "f" or "l"; its directory must stand before it."""

    path: bytes
    kind: str = "f"
    mode: int = 0o755
    uid: int = 0
    gid: int = 0
    target: bytes = b""


def d(path: bytes, mode: int = 0o755, uid: int = 0, gid: int = 0) -> Node:
    return Node(path, "d", mode, uid, gid)


def f(path: bytes, mode: int = 0o755, uid: int = 0, gid: int = 0) -> Node:
    return Node(path, "f", mode, uid, gid)


def ln(path: bytes, target: bytes) -> Node:
    return Node(path, "l", target=target)


@frozen
class World:
    """Files, the directory to start in (which may be removed when we are in it), and who asks."""

    nodes: tuple[Node, ...] = ()
    start: bytes = b"/"
    who: Credentials = ROOT
    start_removed: bool = False

    def build(self) -> tuple[FileTree, dict[bytes, int]]:
        """Build the world here, and tell the number of every inode by its path."""
        tree = FileTree(FileTree())
        numbers = {b"/": tree.root}
        for node in self.nodes:
            above, _, name = node.path.rpartition(b"/")
            parent = numbers[above or b"/"]
            if node.kind == "d":
                made = vfs.create_directory(tree, parent, name, node.mode, node.uid, node.gid)
            elif node.kind == "l":
                made = vfs.create_symlink(tree, parent, name, node.target, node.uid, node.gid)
            else:
                made = vfs.create_file(tree, parent, name, node.mode, node.uid, node.gid)
            numbers[node.path] = made.number
        if self.start_removed:
            above, _, name = self.start.rpartition(b"/")
            vfs.rmdir(tree, numbers[above or b"/"], name)
        return tree, numbers


ERRNO = {
    Stop.NOT_A_DIRECTORY: errno.ENOTDIR,
    Stop.SEARCH_DENIED: errno.EACCES,
    Stop.NAME_TOO_LONG: errno.ENAMETOOLONG,
    Stop.ABSENT: errno.ENOENT,
    Stop.TOO_MANY_LINKS: errno.ELOOP,
    Stop.IO_ERROR: errno.EIO,
}


def ours(world: World, paths: list[bytes]) -> list[str]:
    """Tell for stat and lstat of each path which errno, or which inode and what access, we say."""
    tree, numbers = world.build()
    names = {number: name for name, number in numbers.items()}
    told = []
    for path in paths:
        for follow in (True, False):
            found = walk(tree, numbers[world.start], path, world.who, LIMITS_NOW, follow)
            if found.inode is None:
                told.append(errno.errorcode[ERRNO[found.stops[0]]])
                continue
            access = 0
            if not found.inode.target:
                access = sum(want for want in (4, 2, 1) if permits(found.inode, world.who, want))
            told.append(f"{names[found.inode.number]!r} {access}")
    return told


# ---- The same questions to the host's kernel ------------------------------------------------------


def _lay_out(world: World, top: Path) -> dict[str, bytes]:
    """Make the files below `top`, and tell their paths by device and inode."""
    here = os.fsencode(top)
    for node in world.nodes:
        path = here + node.path
        if node.kind == "d":
            os.mkdir(path)
        elif node.kind == "l":
            os.symlink(node.target, path)
        else:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL))
    (top / ".").chmod(0o755)
    for node in world.nodes:
        os.lchown(here + node.path, node.uid, node.gid)
        if node.kind != "l":
            os.chmod(here + node.path, node.mode)
    paths = [b"/", *(node.path for node in world.nodes)]
    return {_identity(os.lstat(here + path)): path for path in paths}


def _identity(status: os.stat_result) -> str:
    return f"{status.st_dev}:{status.st_ino}"


def _become(who: Credentials) -> None:
    """Take on ids, groups and, if they are explicit, exactly these capabilities."""
    libc = ctypes.CDLL(None, use_errno=True)
    if who.capabilities is not None:
        assert libc.prctl(8, 1, 0, 0, 0) == 0, "PR_SET_KEEPCAPS"
    os.setgroups(list(who.groups))
    os.setresgid(who.gid, who.egid, who.egid)
    os.setresuid(who.uid, who.euid, who.euid)
    if who.capabilities is not None:
        bits = 2 * ("CAP_DAC_OVERRIDE" in who.capabilities) + 4 * ("CAP_DAC_READ_SEARCH" in who.capabilities)
        header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(bits, bits)
        assert libc.capset(header, sets) == 0, "capset"


def _ask(paths: list[bytes]) -> list[Any]:
    told: list[Any] = []
    for path in paths:
        for follow in (True, False):
            try:
                status = os.stat(path) if follow else os.lstat(path)
            except OSError as error:
                told.append(errno.errorcode[error.errno or 0])
                continue
            access = 0
            if status.st_mode & 0o170000 != 0o120000:
                access = sum(want for want in (4, 2, 1) if os.access(path, want, effective_ids=True))
            told.append((_identity(status), access))
    return told


def _fork() -> int:
    with warnings.catch_warnings():
        # The runner may have threads; the child does system calls only, and ends by _exit.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def kernels(world: World, paths: list[bytes]) -> list[str]:
    """Tell what the host's kernel says: files in a directory of their own, a child confined to it."""
    top = Path(tempfile.mkdtemp(prefix="bprocsim-paths-"))
    try:
        names = _lay_out(world, top)
        reader, writer = os.pipe()
        child = _fork()
        if child == 0:
            with suppress(BaseException):
                os.chroot(top)
                os.chdir(world.start)
                if world.start_removed:
                    os.rmdir(world.start)
                _become(world.who)
                with open(writer, "w") as pipe:
                    json.dump(_ask(paths), pipe)
                os._exit(0)
            os._exit(1)
        os.close(writer)
        with open(reader) as pipe:
            text = pipe.read()
        assert os.waitpid(child, 0)[1] == 0, "the child had its say"
    finally:
        shutil.rmtree(top)
    return [one if isinstance(one, str) else f"{names[one[0]]!r} {one[1]}" for one in json.loads(text)]


@pytest.fixture
def capable() -> None:
    """Skip where even root may not do what the child must: many containers keep capabilities back."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("CapEff"))
    effective = int(line.split()[1], 16)
    needed = {"CHOWN": 0, "DAC_OVERRIDE": 1, "DAC_READ_SEARCH": 2, "SETGID": 6, "SETUID": 7, "SYS_CHROOT": 18}
    missing = [f"CAP_{name}" for name, bit in needed.items() if not effective >> bit & 1]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")


# ---- Every fact by hand ---------------------------------------------------------------------------


@frozen
class Case:
    """A path in a world and where it must lead: to a path of the world's, or to the first stop."""

    name: str
    path: bytes
    leads_to: bytes | Stop
    nodes: tuple[Node, ...] = ()
    start: bytes = b"/"
    who: Credentials = ROOT
    start_removed: bool = False
    follow: bool = True

    @property
    def world(self) -> World:
        return World(self.nodes, self.start, self.who, self.start_removed)


def chain(length: int, last: bytes = b"/end") -> tuple[Node, ...]:
    """Links l1 -> l2 -> ... -> `last`, `length` of them, and a file /end."""
    links = [ln(b"/l%d" % i, b"l%d" % (i + 1) if i < length else last) for i in range(1, length + 1)]
    return (f(b"/end"), *links)


TREE = (d(b"/a"), d(b"/a/b"), f(b"/a/b/f"), f(b"/file"))
SHUT = (d(b"/shut", 0o700), f(b"/shut/f"), d(b"/shut/d"))
LONG, LONGEST = b"x" * 256, b"y" * 255
SET_ID = Credentials(5, 5, euid=6, egid=6)

CASES = [
    # Where a walk starts, and slashes.
    Case("absolute", b"/a/b/f", b"/a/b/f", TREE, start=b"/a"),
    Case("relative", b"b/f", b"/a/b/f", TREE, start=b"/a"),
    Case("root", b"/", b"/"),
    Case("root_many_slashes", b"///", b"/"),
    Case("repeated_slashes", b"//a///b//f", b"/a/b/f", TREE),
    Case("dotdot_at_root_stays", b"/../../a", b"/a", TREE),
    Case("dot", b"./b/././f", b"/a/b/f", TREE, start=b"/a"),
    Case("dotdot", b"../file", b"/file", TREE, start=b"/a"),
    # (a) a directory.
    Case("file_as_directory", b"/file/x", Stop.NOT_A_DIRECTORY, TREE),
    Case("file_as_directory_by_link", b"/l/x", Stop.NOT_A_DIRECTORY, (*TREE, ln(b"/l", b"file"))),
    Case("file_dot", b"/file/.", Stop.NOT_A_DIRECTORY, TREE),
    Case("file_dotdot", b"/file/..", Stop.NOT_A_DIRECTORY, TREE),
    Case("file_long", b"/file/" + LONG, Stop.NOT_A_DIRECTORY, TREE),
    # (b) search permission, before everything else in that directory.
    Case("shut", b"/shut/f", Stop.SEARCH_DENIED, SHUT, who=ALICE),
    Case("shut_itself", b"/shut", b"/shut", SHUT, who=ALICE),
    Case("shut_slash", b"/shut/", b"/shut", SHUT, who=ALICE),
    Case("shut_dot", b"/shut/.", Stop.SEARCH_DENIED, SHUT, who=ALICE),
    Case("shut_dotdot", b"/shut/..", Stop.SEARCH_DENIED, SHUT, who=ALICE),
    Case("shut_absent", b"/shut/absent", Stop.SEARCH_DENIED, SHUT, who=ALICE),
    Case("shut_long", b"/shut/" + LONG, Stop.SEARCH_DENIED, SHUT, who=ALICE),
    Case("shut_cwd", b"f", Stop.SEARCH_DENIED, SHUT, start=b"/shut", who=ALICE),
    Case("shut_cwd_dot", b".", Stop.SEARCH_DENIED, SHUT, start=b"/shut", who=ALICE),
    Case("shut_cwd_dotdot", b"../shut", Stop.SEARCH_DENIED, SHUT, start=b"/shut", who=ALICE),
    Case("shut_cwd_absolute", b"/shut", b"/shut", SHUT, start=b"/shut", who=ALICE),
    Case("shut_above_cwd", b"../d", Stop.SEARCH_DENIED, SHUT, start=b"/shut/d", who=ALICE),
    Case("shut_root_passes", b"/shut/f", b"/shut/f", (d(b"/shut", 0), f(b"/shut/f", 0))),
    Case("shut_readable_only", b"/r/f", Stop.SEARCH_DENIED, (d(b"/r", 0o744), f(b"/r/f")), who=ALICE),
    Case("search_only", b"/x/f", b"/x/f", (d(b"/x", 0o711), f(b"/x/f")), who=ALICE),
    # (c) length of a component.
    Case("name_256", b"/" + LONG, Stop.NAME_TOO_LONG),
    Case("name_256_on_the_way", b"/" + LONG + b"/..", Stop.NAME_TOO_LONG),
    Case("name_255_absent", b"/" + LONGEST, Stop.ABSENT),
    Case("name_255", b"/" + LONGEST, b"/" + LONGEST, (f(b"/" + LONGEST),)),
    Case("name_256_in_target", b"/l", Stop.NAME_TOO_LONG, (ln(b"/l", LONG),)),
    Case("earlier_wins", b"/absent/" + LONG, Stop.ABSENT),
    # (d) existence.
    Case("absent", b"/absent", Stop.ABSENT),
    Case("absent_slash", b"/absent/", Stop.ABSENT),
    Case("absent_dotdot", b"/absent/..", Stop.ABSENT),
    Case("absent_on_the_way", b"/absent/../file", Stop.ABSENT, TREE),
    # (e) symbolic links.
    Case("link", b"/l", b"/file", (*TREE, ln(b"/l", b"file"))),
    Case("link_itself", b"/l", b"/l", (*TREE, ln(b"/l", b"file")), follow=False),
    Case("link_itself_slash", b"/l/", b"/a", (*TREE, ln(b"/l", b"a")), follow=False),
    Case("link_on_the_way", b"/l/f", b"/a/b/f", (*TREE, ln(b"/l", b"a/b")), follow=False),
    Case("link_from_its_directory", b"/a/l", b"/a/b", (*TREE, ln(b"/a/l", b"b"))),
    Case("link_absolute", b"/a/l/f", b"/a/b/f", (*TREE, ln(b"/a/l", b"/a/b"))),
    Case("link_dotdot_is_physical", b"/l/..", b"/a", (*TREE, ln(b"/l", b"a/b"))),
    Case("link_target_slash", b"/l", b"/a", (*TREE, ln(b"/l", b"a/"))),
    Case("link_target_file_slash", b"/l", Stop.NOT_A_DIRECTORY, (*TREE, ln(b"/l", b"file/"))),
    Case("link_target_slash_2", b"/l", Stop.NOT_A_DIRECTORY, (*TREE, ln(b"/l", b"m/"), ln(b"/m", b"file"))),
    Case("slash_inside", b"/l/m", b"/file", (*TREE, ln(b"/l", b"a/"), ln(b"/a/m", b"../file"))),
    Case("slash_inside_itself", b"/l/m", b"/a/m", (*TREE, ln(b"/l", b"a/"), ln(b"/a/m", b"b")), follow=False),
    Case("link_slash_to_file", b"/l/", Stop.NOT_A_DIRECTORY, (*TREE, ln(b"/l", b"file"))),
    Case("dangling", b"/l", Stop.ABSENT, (ln(b"/l", b"absent"),)),
    Case("dangling_slash", b"/l/", Stop.ABSENT, (ln(b"/l", b"absent"),)),
    Case("dangling_itself", b"/l", b"/l", (ln(b"/l", b"absent"),), follow=False),
    Case("self", b"/l", Stop.TOO_MANY_LINKS, (ln(b"/l", b"l"),)),
    Case("self_slash", b"/l/", Stop.TOO_MANY_LINKS, (ln(b"/l", b"l"),)),
    Case("self_itself", b"/l", b"/l", (ln(b"/l", b"l"),), follow=False),
    Case("loop_of_two", b"/l", Stop.TOO_MANY_LINKS, (ln(b"/l", b"m"), ln(b"/m", b"l"))),
    Case("target_denied", b"/l", Stop.SEARCH_DENIED, (*SHUT, ln(b"/l", b"shut/f")), who=ALICE),
    Case("target_not_a_directory", b"/l", Stop.NOT_A_DIRECTORY, (*TREE, ln(b"/l", b"file/x"))),
    Case("target_loops", b"/l", Stop.TOO_MANY_LINKS, (ln(b"/l", b"m/x"), ln(b"/m", b"m"))),
    Case("link_mode_never_matters", b"/l", b"/file", (*TREE, Node(b"/l", "l", 0, 9, 9, b"file")), who=ALICE),
    Case("chain_40", b"/l1", b"/end", chain(40)),
    Case("chain_41", b"/l1", Stop.TOO_MANY_LINKS, chain(41)),
    Case("chain_41_itself", b"/l1", b"/l1", chain(41), follow=False),
    Case("many_40", b"/" + b"l/" * 40 + b"end", b"/end", (f(b"/end"), ln(b"/l", b"."))),
    Case("many_41", b"/" + b"l/" * 41 + b"end", Stop.TOO_MANY_LINKS, (f(b"/end"), ln(b"/l", b"."))),
    # A slash at the end.
    Case("file_slash", b"/file/", Stop.NOT_A_DIRECTORY, TREE),
    Case("directory_slash", b"/a/b//", b"/a/b", TREE),
    Case("directory_dot", b"/a/b/.", b"/a/b", TREE),
    Case("only_slash_of_relative", b"b/", b"/a/b", TREE, start=b"/a"),
    # A cwd that has been removed.
    Case("removed_name", b"x", Stop.ABSENT, TREE[:2], start=b"/a/b", start_removed=True),
    Case("removed_dot", b".", b"/a/b", TREE[:2], start=b"/a/b", start_removed=True),
    Case("removed_dotdot", b"../../a", b"/a", TREE[:2], start=b"/a/b", start_removed=True),
    Case("removed_absolute", b"/a", b"/a", TREE[:2], start=b"/a/b", start_removed=True),
    Case("removed_by_link", b"/l", Stop.ABSENT, (d(b"/a"), ln(b"/l", b"a")), start=b"/a", start_removed=True),
    # Names are bytes.
    Case("name_space", b"/a b", b"/a b", (f(b"/a b"),)),
    Case("name_newline", b"/a\nb", b"/a\nb", (f(b"/a\nb"),)),
    Case("name_high_bytes", b"/\xff\x80", b"/\xff\x80", (f(b"/\xff\x80"),)),
    Case("name_three_dots", b"/...", b"/...", (f(b"/..."),)),
    # The class rule, in directories.
    Case("owner_0077", b"/d/f", Stop.SEARCH_DENIED, (d(b"/d", 0o077, 500, 9), f(b"/d/f")), who=ALICE),
    Case("group_0707", b"/d/f", Stop.SEARCH_DENIED, (d(b"/d", 0o707, 9, 500), f(b"/d/f")), who=ALICE),
    Case(
        "supplementary_group_denies",
        b"/d/f",
        Stop.SEARCH_DENIED,
        (d(b"/d", 0o707, 9, 30), f(b"/d/f")),
        who=Credentials(500, 500, groups=(30, 31)),
    ),
    Case(
        "supplementary_group_grants",
        b"/d/f",
        b"/d/f",
        (d(b"/d", 0o010, 9, 31), f(b"/d/f")),
        who=Credentials(500, 500, groups=(30, 31)),
    ),
    Case("real_uid_does_not", b"/d/f", Stop.SEARCH_DENIED, (d(b"/d", 0o700, 5), f(b"/d/f")), who=SET_ID),
    Case("effective_uid_counts", b"/d/f", b"/d/f", (d(b"/d", 0o100, 6), f(b"/d/f")), who=SET_ID),
    Case("real_gid_does_not", b"/d/f", Stop.SEARCH_DENIED, (d(b"/d", 0o070, 9, 5), f(b"/d/f")), who=SET_ID),
    Case("effective_gid_counts", b"/d/f", b"/d/f", (d(b"/d", 0o010, 9, 6), f(b"/d/f")), who=SET_ID),
    Case(
        "root_without_capabilities",
        b"/shut/f",
        Stop.SEARCH_DENIED,
        (d(b"/shut", 0o077), f(b"/shut/f")),
        who=Credentials(0, 0, capabilities=()),
    ),
    Case(
        "capability_without_root",
        b"/shut/f",
        b"/shut/f",
        SHUT,
        who=Credentials(500, 500, capabilities=["CAP_DAC_OVERRIDE"]),
    ),
    Case(
        "read_search_searches",
        b"/shut/f",
        b"/shut/f",
        SHUT,
        who=Credentials(500, 500, capabilities=["CAP_DAC_READ_SEARCH"]),
    ),
    Case("effective_root_passes", b"/shut/f", b"/shut/f", SHUT, who=Credentials(500, 500, euid=0)),
    Case("real_root_does_not", b"/shut/f", Stop.SEARCH_DENIED, SHUT, who=Credentials(0, 0, 500, 500)),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_fact(case: Case) -> None:
    tree, numbers = case.world.build()
    found = walk(tree, numbers[case.start], case.path, case.who, LIMITS_NOW, case.follow)
    if isinstance(case.leads_to, Stop):
        assert found.inode is None
        assert found.stops[0] is case.leads_to
    else:
        assert found.stops == ()
        assert found.inode is tree.inodes[numbers[case.leads_to]]


@pytest.mark.root
@pytest.mark.linux
@pytest.mark.usefixtures("capable")
@pytest.mark.slow
def test_the_kernel_says_the_same_of_every_fact() -> None:
    differ = [
        (case.name, ours(case.world, [case.path]), told)
        for case in CASES
        if (told := kernels(case.world, [case.path])) != ours(case.world, [case.path])
    ]
    assert not differ


# ---- All that is wrong at once --------------------------------------------------------------------


def go(nodes: tuple[Node, ...], path: bytes, who: Credentials = ROOT, **limits: Any) -> Any:
    tree, numbers = World(nodes).build()
    return walk(tree, numbers[b"/"], path, who, PathLimits(**limits))


def test_all_stops_of_the_first_place_are_told() -> None:
    found = go(SHUT, b"/shut/" + LONG + b"/more", ALICE)
    assert found.stops == (Stop.SEARCH_DENIED, Stop.NAME_TOO_LONG, Stop.ABSENT)
    assert found.where == b"/shut/" + LONG


def test_not_a_directory_excludes_all_others() -> None:
    assert go(TREE, b"/file/" + LONG, ALICE).stops == (Stop.NOT_A_DIRECTORY,)


def test_an_existing_name_in_a_shut_directory_is_not_absent() -> None:
    assert go(SHUT, b"/shut/f", ALICE).stops == (Stop.SEARCH_DENIED,)


def test_a_link_too_many_in_a_shut_directory() -> None:
    nodes = (d(b"/shut", 0o700), ln(b"/shut/l", b"l"))
    assert go(nodes, b"/shut/l", ALICE, total_links=0).stops == (Stop.SEARCH_DENIED, Stop.TOO_MANY_LINKS)


@pytest.mark.parametrize(
    ("nodes", "path", "where", "link_text"),
    [
        (TREE, b"//a///absent//x", b"//a///absent", b""),
        (TREE, b"a/b/f/x/y", b"a/b/f", b""),
        (TREE, b"/file/", b"/file", b""),
        (TREE, b"/a/", b"/a/", b""),
        ((*TREE, ln(b"/l", b"a//absent/x")), b"/l/more", b"/l", b"a//absent"),
        ((*TREE, ln(b"/l", b"a/../m/x"), ln(b"/m", b"/file")), b"/l/y", b"/l", b"a/../m"),
        ((*TREE, ln(b"/l", b"m"), ln(b"/m", b"absent")), b"./l", b"./l", b"absent"),
        ((*TREE, ln(b"/l", b"file")), b"/l/y", b"/l", b""),
    ],
)  # fmt: skip
def test_where_it_went_wrong(nodes: tuple[Node, ...], path: bytes, where: bytes, link_text: bytes) -> None:
    found = go(nodes, path)
    assert (found.where, found.link_text) == (where, link_text)


# ---- For making and removing names ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "parent", "name", "wants_directory"),
    [
        (b"/a/new", b"/a", b"new", False),
        (b"/a/new//", b"/a", b"new", True),
        (b"/a/b/f", b"/a/b", b"f", False),
        (b"/a/b/", b"/a", b"b", True),
        (b"/a/..", b"/a", b"..", False),
        (b"/a/.", b"/a", b".", False),
        (b"/", None, b"", True),
        (b"/absent/new", None, b"absent", False),
        (b"/file/new", None, b"file", False),
        (b"/to", b"/a", b"new", False),  # a dangling link: what open would create
        (b"/dir", b"/a", b"new", True),
        (b"/l/new", b"/a/b", b"new", False),
    ],
)
def test_parent_and_name(path: bytes, parent: bytes | None, name: bytes, wants_directory: bool) -> None:
    links = (ln(b"/to", b"a/new"), ln(b"/dir", b"a/new/"), ln(b"/l", b"a/b"))
    tree, numbers = World((*TREE, *links)).build()
    found = walk(tree, tree.root, path, ROOT)
    assert (found.parent and found.parent.number) == (numbers[parent] if parent else None)
    assert (found.name, found.wants_directory) == (name, wants_directory)


def test_parent_is_told_when_the_last_component_is_denied_or_too_long() -> None:
    assert go(SHUT, b"/shut/new", ALICE).parent is not None
    assert go(SHUT, b"/" + LONG).parent is not None


def test_nothing_is_made_in_a_removed_directory() -> None:
    tree, numbers = World(TREE[:2], b"/a/b", start_removed=True).build()
    found = walk(tree, numbers[b"/a/b"], b"new", ROOT)
    assert (found.stops, found.parent, found.name) == ((Stop.ABSENT,), None, b"new")


@pytest.mark.parametrize("path", [b"/l", b"/l/", b"/l//"])
def test_making_never_follows_a_last_link(path: bytes) -> None:
    tree, numbers = World((ln(b"/l", b"absent"),)).build()
    found = walk_to_make(tree, tree.root, path, ROOT)
    assert found.inode is tree.inodes[numbers[b"/l"]]
    assert found.wants_directory is (path != b"/l")
    assert walk_to_make(tree, tree.root, b"//", ROOT).inode is tree.inodes[tree.root]


# ---- Limits -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "chain_passes"),
    [
        (PathLimits(nested_links=5, total_links=None), 5),  # 2.2.1
        (PathLimits(nested_links=8, total_links=None), 8),  # 2.4.0
        (PathLimits(), 5),  # 2.4.20, 2.6.11
        (PathLimits(nested_links=8), 8),  # 2.6.20, 2.6.32
        (LIMITS_NOW, 40),
    ],
)
def test_a_chain_of_last_components_nests(limits: PathLimits, chain_passes: int) -> None:
    for length, stops in ((chain_passes, ()), (chain_passes + 1, (Stop.TOO_MANY_LINKS,))):
        tree, _ = World(chain(length)).build()
        assert walk(tree, tree.root, b"/l1", ROOT, limits).stops == stops


@pytest.mark.parametrize(("total", "passes"), [(40, 40), (7, 7), (0, 0), (None, 300)])
def test_links_side_by_side_do_not_nest(total: int | None, passes: int) -> None:
    nodes = (f(b"/end"), ln(b"/l", b"."))
    assert go(nodes, b"l/" * passes + b"end", total_links=total, nested_links=1).inode is not None
    if total is not None:
        assert go(nodes, b"l/" * (passes + 1) + b"end", total_links=total).stops == (Stop.TOO_MANY_LINKS,)


def test_a_link_in_the_middle_of_a_target_nests_as_well() -> None:
    nodes = (d(b"/a"), f(b"/a/f"), ln(b"/l1", b"l2/f"), ln(b"/l2", b"l3"), ln(b"/l3", b"a"))
    assert go(nodes, b"/l1", nested_links=3).inode is not None
    assert go(nodes, b"/l1", nested_links=2).stops == (Stop.TOO_MANY_LINKS,)


def test_depth_ends_with_the_target() -> None:
    """After a link's target has been walked, the next link stands where the first one stood."""
    nodes = (d(b"/a"), ln(b"/a/l", b"."), ln(b"/m", b"a/l/l/l"))
    assert go(nodes, b"/m/l/l", nested_links=2).inode is not None
    assert go(nodes, b"/m/l/l", nested_links=1).stops == (Stop.TOO_MANY_LINKS,)


def test_limits_on_names_and_paths() -> None:
    assert go((), b"/abcd", name_max=3).stops == (Stop.NAME_TOO_LONG, Stop.ABSENT)
    assert go((f(b"/abcd"),), b"/abcd", name_max=3).stops == (Stop.NAME_TOO_LONG,)
    assert go((), b"/" + LONG, name_max=None).stops == (Stop.ABSENT,)
    limits = PathLimits()
    assert not limits.too_long(b"x" * 4095)
    assert limits.too_long(b"x" * 4096)
    assert not PathLimits(path_max=None).too_long(b"x" * 10_000)


@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        ({"path_max": "4096"}, TypeError, "path_max: "),
        ({"name_max": True}, TypeError, "name_max: "),
        ({"nested_links": -1}, ValueError, "nested_links: "),
        ({"nested_links": None, "total_links": None}, ValueError, "total_links: "),
    ],
)
def test_wrong_limits_are_named(wrong: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        PathLimits(**wrong)


def test_limits_are_values() -> None:
    assert evolve(PathLimits(), nested_links=None, removed_is_empty=True) == LIMITS_NOW
    assert eval(repr(LIMITS_NOW)) == LIMITS_NOW


# ---- Unreadable sectors -----------------------------------------------------------------------------

LINKED = (*TREE, ln(b"/l", b"a"), ln(b"/self", b"self"))


@pytest.mark.parametrize(
    ("bad", "path", "stops"),
    [
        (b"/a", b"/a/b/f", (Stop.IO_ERROR,)),
        (b"/a", b"/a/absent", (Stop.IO_ERROR,)),  # nobody knows that it is absent
        (b"/a", b"/a/" + LONG, (Stop.NAME_TOO_LONG, Stop.IO_ERROR)),
        (b"/a", b"/a", ()),
        (b"/a", b"/a/.", ()),  # what needs no reading
        (b"/a", b"/a/..", ()),
        (b"/a", b"/l/b", (Stop.IO_ERROR,)),  # by whatever name
        (b"/a/../a", b"/a/b", (Stop.IO_ERROR,)),
        (b"/l/b", b"/a/b/f", (Stop.IO_ERROR,)),
        (b"/l", b"/l/b", (Stop.IO_ERROR,)),
        (b"/l", b"/a/b", ()),  # the link is bad, not the directory
        (b"/absent", b"/a/b", ()),
        (b"/self/x", b"/a/b", ()),
        (b"/file", b"/file", ()),  # reading it is another matter
        (b"/file/x", b"/file", ()),
        (b"/", b"/file", (Stop.IO_ERROR,)),
    ],
)
def test_bad_sectors(bad: bytes, path: bytes, stops: tuple[Stop, ...]) -> None:
    tree, _ = World(LINKED).build()
    tree.bad_paths.add(bad)
    assert walk(tree, tree.root, path, ROOT).stops == stops
    assert Stop.IO_ERROR not in walk(tree, tree.root, path, ROOT, sectors=False).stops


def test_a_link_too_many_may_be_unreadable_too() -> None:
    tree, _ = World(LINKED).build()
    tree.bad_paths.add(b"/l")
    limits = PathLimits(total_links=0)
    assert walk(tree, tree.root, b"/l", ROOT, limits).stops == (Stop.TOO_MANY_LINKS, Stop.IO_ERROR)
    assert walk(tree, tree.root, b"/l", ROOT, limits, follow_last=False).stops == ()


def test_a_shut_directory_may_be_unreadable_too() -> None:
    tree, _ = World(SHUT).build()
    tree.bad_paths.add(b"/shut")
    assert walk(tree, tree.root, b"/shut/absent", ALICE).stops == (Stop.SEARCH_DENIED, Stop.IO_ERROR)


def test_bad_paths_mean_what_they_name_now() -> None:
    tree, numbers = World(TREE).build()
    tree.bad_paths.add(b"/a/new")
    assert walk(tree, tree.root, b"/a/b/f", ROOT).stops == ()
    new = vfs.create_directory(tree, numbers[b"/a"], b"new", 0o755, 0, 0)
    assert tree.is_bad(new)
    vfs.rmdir(tree, numbers[b"/a"], b"new")
    assert not tree.is_bad(new)


# ---- Mounts -----------------------------------------------------------------------------------------


def mounted() -> tuple[FileTree, dict[bytes, int], Inode]:
    tree, numbers = World((*TREE, ln(b"/l", b"/a/b"))).build()
    return tree, numbers, vfs.mount(tree, numbers[b"/a/b"], nosuid=True)


def test_a_lost_or_silent_file_system_tells_nothing() -> None:
    tree, numbers, root = mounted()
    inside = vfs.create_directory(tree, root.number, b"in", 0o000, 0, 0)
    before = walk(tree, inside.number, b"../nowhere", ROOT)
    assert before.stops == (Stop.ABSENT,)
    vfs.unmount(tree, root.number)
    for path in (b"x", b".", b"..", b"../in", b"in/x"):
        gone = walk(tree, root.number, path, ROOT)
        assert (gone.inode, gone.stops) == (None, (Stop.STALE, Stop.IO_ERROR)), path
        assert walk(tree, root.number, path, ROOT, sectors=False).stops != gone.stops
    assert walk(tree, root.number, b"/a/b", ROOT).inode is tree.inodes[numbers[b"/a/b"]]
    silent = vfs.mount(tree, numbers[b"/a/b"], silent=True)
    assert walk(tree, tree.root, b"/a/b", ROOT).inode is silent
    assert walk(tree, tree.root, b"/a/b/x/y", ROOT).stops == (Stop.TIMED_OUT, Stop.IO_ERROR)
    assert walk(tree, tree.root, b"/a/b/x/y", ROOT).where == b"/a/b/x"
    assert walk(tree, tree.root, b"/a", ROOT).inode is tree.inodes[numbers[b"/a"]]


def test_mounts_are_crossed_in_both_directions() -> None:
    tree, numbers, root = mounted()
    assert walk(tree, tree.root, b"/a/b", ROOT).inode is root
    assert walk(tree, tree.root, b"/l/", ROOT).inode is root
    assert walk(tree, tree.root, b"/a/b/f", ROOT).stops == (Stop.ABSENT,)  # covered
    assert walk(tree, root.number, b"..", ROOT).inode is tree.inodes[numbers[b"/a"]]
    inside = vfs.create_directory(tree, root.number, b"in", 0o755, 0, 0)
    assert walk(tree, inside.number, b"../../b/in", ROOT).inode is inside


def test_who_was_in_a_covered_directory_stays_in_it() -> None:
    tree, numbers, root = mounted()
    assert walk(tree, numbers[b"/a/b"], b"f", ROOT).inode is tree.inodes[numbers[b"/a/b/f"]]
    assert walk(tree, numbers[b"/a/b"], b"../b", ROOT).inode is root


# ---- Against the kernel, whatever Hypothesis thinks of ----------------------------------------------

MODES = st.sampled_from([0o755, 0o755, 0o755, 0o711, 0o700, 0o077, 0o707, 0o000]) | st.integers(0, 0o777)
IDS = st.integers(0, 3)
COMPONENTS = st.sampled_from([b"a", b"b", b"c", b"a", b"b", b"c", b".", b"..", b"", LONG, LONGEST])


def texts(most: int) -> st.SearchStrategy[bytes]:
    parts = st.lists(COMPONENTS, min_size=1, max_size=most).map(b"/".join)
    return st.tuples(st.sampled_from([b"", b"/"]), parts).map(b"".join).filter(bool)


@st.composite
def worlds(draw: Callable[..., Any]) -> World:
    """Make up to twelve files, links and directories, a cwd, and somebody with or without rights."""
    nodes: list[Node] = []
    directories, taken = [b""], set()
    for _ in range(draw(st.integers(0, 12))):
        path = draw(st.sampled_from(directories)) + b"/" + draw(st.sampled_from([b"a", b"b", b"c"]))
        kind = draw(st.sampled_from("ddfll"))
        if path in taken:
            continue
        taken.add(path)
        if kind == "l":
            nodes.append(ln(path, draw(texts(3))))
            continue
        nodes.append(Node(path, kind, draw(MODES), draw(IDS), draw(IDS)))
        if kind == "d":
            directories.append(path)
    effective = st.none() | IDS
    capabilities = st.none() | st.sets(st.sampled_from(["CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"]))
    # Mostly somebody without capabilities: whom permissions bind.
    uid, euid = draw(st.sampled_from([1, 2, 3, 1, 2, 3, 0])), draw(effective)
    who = Credentials(uid, draw(IDS), euid, draw(effective), draw(st.lists(IDS, max_size=2)), draw(capabilities))
    return World(tuple(nodes), draw(st.sampled_from(directories)) or b"/", who)


seen: dict[str, int] = {}


@pytest.mark.slow
@pytest.mark.root
@pytest.mark.linux
@pytest.mark.usefixtures("capable")
@settings(max_examples=300)
@given(worlds(), st.lists(texts(5), min_size=1, max_size=12))
@example(World(chain(41)), [b"l1", b"l2", b"l2/", b"./l1/.."])
def test_walk_agrees_with_the_kernel(world: World, paths: list[bytes]) -> None:
    told = kernels(world, paths)
    assert ours(world, paths) == told
    for one in told:
        kind = one if one.startswith("E") else "found"
        seen[kind] = seen.get(kind, 0) + 1


@pytest.fixture(scope="module", autouse=True)
def _every_errno_was_seen() -> Iterator[None]:
    """Hold the generator to what it is for: it must have met each outcome, not only ENOENT."""
    yield
    if seen:
        assert set(seen) == {"found", "EACCES", "ENAMETOOLONG", "ENOENT", "ENOTDIR", "ELOOP"}, seen


@given(worlds(), st.lists(texts(5), min_size=1, max_size=12))
@pytest.mark.slow
def test_the_quick_loop_and_the_careful_walk_agree(world: World, paths: list[bytes]) -> None:
    """A tree with a bad path that names nothing takes the careful walk throughout."""
    tree, numbers = world.build()
    careful, _ = world.build()
    careful.bad_paths.add(b"/nothing is called so")

    def told(which: FileTree, path: bytes, follow: bool) -> tuple[Any, ...]:
        found = walk(which, numbers[world.start], path, world.who, LIMITS_NOW, follow)
        inode, parent = found.inode and found.inode.number, found.parent and found.parent.number
        return inode, found.stops, found.where, parent, found.name, found.wants_directory, found.link_text

    for path in paths:
        for follow in (True, False):
            assert told(tree, path, follow) == told(careful, path, follow)


@given(worlds(), texts(5), st.booleans())
def test_looking_changes_nothing(world: World, path: bytes, follow: bool) -> None:
    tree, numbers = world.build()
    own, changes = sorted(tree.inodes), tree.changes
    walk(tree, numbers[world.start], path, world.who, PathLimits(), follow)
    assert (sorted(tree.inodes), tree.changes) == (own, changes)


@pytest.mark.slow
@given(worlds(), texts(5))
def test_a_bigger_budget_only_helps(world: World, path: bytes) -> None:
    tree, numbers = world.build()
    for few, many in ((PathLimits(), PathLimits(nested_links=8)), (PathLimits(nested_links=8), LIMITS_NOW)):
        found = walk(tree, numbers[world.start], path, world.who, few)
        if Stop.TOO_MANY_LINKS not in found.stops:
            assert found.stops == walk(tree, numbers[world.start], path, world.who, many).stops


# ---- Paths as users write them ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "bytes_of_it"),
    [
        ("/a", b"/a"),
        (b"/a", b"/a"),
        (PurePosixPath("/a/b"), b"/a/b"),
        ("/ä", b"/\xc3\xa4"),
        ("/\udcff", b"/\xff"),
    ],
)
def test_path_bytes(path: object, bytes_of_it: bytes) -> None:
    assert path_bytes(path) == bytes_of_it


@pytest.mark.parametrize(("path", "error"), [(3, TypeError), (None, TypeError), ("/a\0", ValueError)])
def test_path_bytes_names_the_argument(path: object, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"^cmd: "):
        path_bytes(path, "cmd")


def test_an_empty_path_is_the_callers_business() -> None:
    tree, _ = World().build()
    with pytest.raises(AssertionError):
        walk(tree, tree.root, b"", ROOT)
