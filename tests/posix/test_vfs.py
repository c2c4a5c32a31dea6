"""Inodes, permissions, mounts, and layers over a shared tree."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bprocsim.posix import vfs
from bprocsim.posix.credentials import ROOT, Credentials
from bprocsim.posix.vfs import EXECUTE, READ, WRITE, FileTree, Inode, Kind, Mount, permits

FLAGS = ("nosuid", "noexec", "readonly", "nosymfollow", "foreign_ids", "silent")


def a_base() -> FileTree:
    """Make a small tree: /etc, /usr/bin/hello, a link /lib, /dev/null."""
    base = FileTree()
    vfs.create_directory(base, base.root, b"etc", 0o755, 0, 0)
    usr = vfs.create_directory(base, base.root, b"usr", 0o755, 0, 0)
    usr_bin = vfs.create_directory(base, usr.number, b"bin", 0o755, 0, 0)
    vfs.create_file(base, usr_bin.number, b"hello", 0o755, 0, 0, b"hello, world")
    vfs.create_symlink(base, base.root, b"lib", b"usr/lib", 0, 0)
    dev = vfs.create_directory(base, base.root, b"dev", 0o755, 0, 0)
    vfs.create_special(base, dev.number, b"null", Kind.CHR, 0o666, 0, 0, "null")
    return base


def at(tree: FileTree, path: bytes) -> Inode:
    found = vfs.resolve(tree, path)
    assert found is not None, path
    return found


def everything(tree: FileTree) -> dict[bytes, tuple[object, ...]]:
    """Describe every file that can be reached, field by field."""
    told: dict[bytes, tuple[object, ...]] = {}

    def tell(path: bytes, number: int) -> None:
        inode = tree.inodes[number]
        told[path] = tuple(
            sorted(value.items()) if isinstance(value, dict) else value
            for value in (getattr(inode, field.name) for field in attrs.fields(Inode))
        )
        for name, below in (inode.entries or {}).items():
            tell(path + b"/" + name, below)

    tell(b"", tree.root)
    return told


# ---- The class rule -----------------------------------------------------------------------------


def by_the_book(inode: Inode, who: Credentials, want: str) -> bool:
    """Judge one letter of rwx as the documents tell it, slowly."""
    if who.can("CAP_DAC_OVERRIDE"):
        any_x = any(inode.mode & bit for bit in (0o100, 0o010, 0o001))
        return want != "x" or inode.kind is Kind.DIRECTORY or any_x
    if who.can("CAP_DAC_READ_SEARCH") and (want == "r" or (want == "x" and inode.kind is Kind.DIRECTORY)):
        return True
    text = "".join(letter if inode.mode & 0o400 >> i else "-" for i, letter in enumerate("rwxrwxrwx"))
    if inode.uid == who.euid:
        return want in text[:3]
    if inode.gid == who.egid or inode.gid in who.groups:
        return want in text[3:6]
    return want in text[6:]


SOMEBODY = st.builds(
    Credentials,
    st.integers(0, 2),
    st.integers(0, 2),
    st.none() | st.integers(0, 2),
    st.none() | st.integers(0, 2),
    st.lists(st.integers(0, 2), max_size=2),
    st.none() | st.sets(st.sampled_from(["CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_KILL"])),
)


@given(
    st.sampled_from([Kind.FILE, Kind.DIRECTORY]),
    st.integers(0, 0o7777),
    st.integers(0, 2),
    st.integers(0, 2),
    SOMEBODY,
)
def test_permits_is_the_class_rule(kind: Kind, mode: int, uid: int, gid: int, who: Credentials) -> None:
    entries: dict[bytes, int] | None = {} if kind is Kind.DIRECTORY else None
    inode = Inode(3, kind, mode, uid, gid, Mount(b"/"), entries=entries)
    for letter, want in (("r", READ), ("w", WRITE), ("x", EXECUTE)):
        assert permits(inode, who, want) is by_the_book(inode, who, letter)


def a_file(mode: int, uid: int = 0, gid: int = 0) -> Inode:
    return Inode(3, Kind.FILE, mode, uid, gid, Mount(b"/"))


@pytest.mark.parametrize(
    ("inode", "who", "may"),
    [
        # A less privileged class is never consulted, even if it would grant.
        (a_file(0o077, 500), Credentials(500, 9), False),
        (a_file(0o707, 9, 500), Credentials(500, 500), False),
        (a_file(0o707, 9, 30), Credentials(500, 500, groups=(30,)), False),
        (a_file(0o070, 9, 30), Credentials(500, 500, groups=(30,)), True),
        # Real ids never count.
        (a_file(0o770, 500, 500), Credentials(500, 500, 6, 6), False),
        (a_file(0o100, 6, 9), Credentials(500, 500, 6, 6), True),
        # Root needs one x bit, anybody's; set-id bits are none.
        (a_file(0o666), ROOT, False),
        (a_file(0o4000), ROOT, False),
        (a_file(0o001, 9, 9), ROOT, True),
        (a_file(0o010, 9, 9), ROOT, True),
        (a_file(0o001), ROOT, True),
        # uid 0 without capabilities is an ordinary owner.
        (a_file(0o077), Credentials(0, 0, capabilities=()), False),
        (a_file(0o100), Credentials(0, 0, capabilities=()), True),
    ],
)
def test_who_may_execute(inode: Inode, who: Credentials, may: bool) -> None:
    assert permits(inode, who, EXECUTE) is may


def test_several_wants_are_all_needed() -> None:
    alice = Credentials(500, 500)
    assert permits(a_file(0o600, 500), alice, READ | WRITE)
    assert not permits(a_file(0o500, 500), alice, READ | WRITE)
    assert permits(a_file(0), ROOT, READ | WRITE)
    assert not permits(a_file(0), ROOT, READ | EXECUTE)
    searcher = Credentials(500, 500, capabilities=["CAP_DAC_READ_SEARCH"])
    directory = Inode(3, Kind.DIRECTORY, 0, 0, 0, Mount(b"/"), entries={})
    assert permits(directory, searcher, READ | EXECUTE)
    assert not permits(directory, searcher, READ | WRITE)
    assert not permits(a_file(0o111), searcher, READ | EXECUTE)


# ---- Layers ---------------------------------------------------------------------------------------


def changes_of(tree: FileTree) -> list[Callable[[], object]]:
    """List one change of each kind."""
    hello, usr_bin = at(tree, b"/usr/bin/hello").number, at(tree, b"/usr/bin").number
    return [
        lambda: setattr(tree.own(hello), "data", b"other"),
        lambda: setattr(tree.own(hello), "mode", 0o600),
        lambda: setattr(tree.own(hello), "running", 1),
        lambda: vfs.create_file(tree, usr_bin, b"new", 0o644, 1, 1),
        lambda: vfs.create_directory(tree, usr_bin, b"d", 0o644, 1, 1),
        lambda: vfs.link(tree, usr_bin, b"again", hello),
        lambda: vfs.unlink(tree, usr_bin, b"hello"),
        lambda: vfs.rmdir(tree, tree.root, b"etc"),
        lambda: vfs.mount(tree, at(tree, b"/etc").number, nosuid=True),
    ]


@pytest.mark.parametrize("which", range(9))
def test_a_change_in_one_tree_is_unseen_in_others(which: int) -> None:
    base = a_base()
    before = everything(base)
    one, other = FileTree(base), FileTree(base)
    assert everything(one) == before
    changes_of(one)[which]()
    assert everything(one) != before
    assert one.changes > 0
    for tree in (base, other, FileTree(base)):
        assert everything(tree) == before
    assert (other.changes, len(other.inodes), other.mounts) == (0, 0, base.mounts)


def test_layers_may_lie_on_layers() -> None:
    base = a_base()
    middle = FileTree(base)
    vfs.create_file(middle, middle.root, b"middle", 0o644, 0, 0, b"m")
    top = FileTree(middle)
    top.own(at(top, b"/middle").number).data = b"t"
    assert (at(middle, b"/middle").data, at(top, b"/middle").data) == (b"m", b"t")
    assert at(top, b"/usr/bin/hello") is at(base, b"/usr/bin/hello")


def test_own_gives_the_same_copy_again() -> None:
    tree = FileTree(a_base())
    first = tree.own(tree.root)
    assert tree.own(tree.root) is first is tree.inodes[tree.root]
    assert first.entries == at(tree, b"/").entries


@pytest.mark.parametrize("field", attrs.fields(Inode), ids=lambda field: field.name)
def test_a_copy_copies_every_field(field: Any) -> None:
    inode = Inode(3, Kind.FIFO, 0o12, 4, 5, Mount(b"/m"), 6, b"7", {b"8": 9}, 10, b"11", "12", 13, 14)
    assert getattr(inode.copy(), field.name) == getattr(inode, field.name)
    assert inode.copy().entries is not inode.entries


def test_a_base_never_changes() -> None:
    base = a_base()
    FileTree(base)
    with pytest.raises(AssertionError):
        base.own(base.root)
    with pytest.raises(AssertionError):
        vfs.create_file(base, base.root, b"x", 0o644, 0, 0)


def test_numbers_are_deterministic_and_never_the_bases() -> None:
    base = a_base()
    trees = [FileTree(base), FileTree(base)]
    numbers = [[vfs.create_file(t, t.root, n, 0o644, 0, 0).number for n in (b"a", b"b")] for t in trees]
    assert numbers[0] == numbers[1]
    assert not set(numbers[0]) & set(base.inodes)


def test_a_freshly_touched_node_is_small() -> None:
    """Making a tree and one program in it costs under 1.5 KiB."""
    base = a_base()
    usr_bin = at(base, b"/usr/bin").number
    count = 100
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        trees = []
        for _ in range(count):
            tree = FileTree(base)
            vfs.create_file(tree, usr_bin, b"app", 0o755, 0, 0)
            trees.append(tree)
        used = (tracemalloc.get_traced_memory()[0] - before) / count
    finally:
        tracemalloc.stop()
    assert used < 1536, f"{used:.0f} bytes"


# ---- Links, removal, mounts -----------------------------------------------------------------------


def test_links_are_counted() -> None:
    tree = FileTree(a_base())
    usr_bin, hello = at(tree, b"/usr/bin").number, at(tree, b"/usr/bin/hello").number
    assert at(tree, b"/").links == 2 + 3
    vfs.link(tree, tree.root, b"hi", hello)
    assert at(tree, b"/hi") is at(tree, b"/usr/bin/hello")
    assert at(tree, b"/hi").links == 2
    vfs.unlink(tree, usr_bin, b"hello")
    gone = vfs.unlink(tree, tree.root, b"hi")
    assert (gone.links, tree.inodes[hello]) == (0, gone)  # for those who run it
    made = vfs.create_directory(tree, usr_bin, b"d", 0o755, 0, 0)
    assert (made.links, at(tree, b"/usr/bin").links) == (2, 3)
    removed = vfs.rmdir(tree, usr_bin, b"d")
    assert (removed.links, removed.parent, at(tree, b"/usr/bin").links) == (0, usr_bin, 2)


@pytest.mark.parametrize("given", [(), *((each,) for each in FLAGS), FLAGS])
def test_a_mount_has_the_flags_that_it_was_given_and_no_other(given: tuple[str, ...]) -> None:
    tree = FileTree(a_base())
    mount = vfs.mount(tree, at(tree, b"/etc").number, **dict.fromkeys(given, True)).mount
    assert [each for each in FLAGS if getattr(mount, each)] == list(given)
    assert tree.ailing == ("silent" in given)


def test_what_the_caller_must_have_decided_is_asserted() -> None:
    tree = FileTree(a_base())
    root, etc = tree.root, at(tree, b"/etc").number
    hello = at(tree, b"/usr/bin/hello").number
    mounted = vfs.mount(tree, vfs.create_directory(tree, root, b"mnt", 0o755, 0, 0).number).number
    wrong: list[Callable[[], object]] = [
        lambda: vfs.create_file(tree, root, b"etc", 0o644, 0, 0),
        lambda: vfs.create_file(tree, root, b"a/b", 0o644, 0, 0),
        lambda: vfs.create_file(tree, root, b"..", 0o644, 0, 0),
        lambda: vfs.create_file(tree, root, b"x", 0o10000, 0, 0),
        lambda: vfs.create_file(tree, hello, b"x", 0o644, 0, 0),
        lambda: vfs.create_symlink(tree, root, b"x", b"", 0, 0),
        lambda: vfs.create_special(tree, root, b"x", Kind.FILE, 0o644, 0, 0),
        lambda: vfs.link(tree, root, b"x", etc),
        lambda: vfs.link(tree, mounted, b"x", hello),
        lambda: vfs.unlink(tree, root, b"etc"),
        lambda: vfs.rmdir(tree, root, b"usr"),
        lambda: vfs.rmdir(tree, root, b"mnt"),
        lambda: vfs.mount(tree, root),
        lambda: vfs.mount(tree, hello),
    ]
    for change in wrong:
        with pytest.raises(AssertionError):
            change()
    removed = vfs.rmdir(tree, root, b"etc")
    with pytest.raises(AssertionError):
        vfs.create_file(tree, removed.number, b"x", 0o644, 0, 0)


def test_mounts() -> None:
    tree = FileTree(a_base())
    covered = at(tree, b"/usr/bin")
    root = vfs.mount(tree, covered.number, nosuid=True, noexec=True)
    assert (root.mount.path, root.mount.nosuid, root.mount.noexec, root.mount.readonly) == (
        b"/usr/bin",
        True,
        True,
        False,
    )
    assert at(tree, b"/usr/bin") is root
    assert at(tree, b"/usr/bin/..") is at(tree, b"/usr")
    assert tree.mounts == (covered.mount, root.mount)
    made = vfs.create_directory(tree, root.number, b"d", 0o755, 0, 0)
    assert made.mount is root.mount
    assert [vfs.is_mount_point(tree, n) for n in (tree.root, root.number, made.number)] == [True, True, False]
    assert not vfs.is_mount_point(tree, at(tree, b"/dev/null").number)
    above = vfs.mount(tree, root.number, readonly=True)  # one upon the other
    assert at(tree, b"/usr/bin") is above
    assert (above.mount.path, above.mount.readonly, above.mount.nosuid) == (b"/usr/bin", True, False)


def test_path_of() -> None:
    tree = FileTree(a_base())
    assert vfs.path_of(tree, tree.root) == b"/"
    usr_bin = at(tree, b"/usr/bin").number
    assert vfs.path_of(tree, usr_bin) == b"/usr/bin"
    made = vfs.create_directory(tree, usr_bin, b"d", 0o755, 0, 0).number
    vfs.rmdir(tree, usr_bin, b"d")
    assert vfs.path_of(tree, made) is None
    vfs.mount(tree, usr_bin)
    assert vfs.path_of(tree, usr_bin) is None


@pytest.mark.parametrize(
    ("path", "leads_to"),
    [
        (b"/", b"/"),
        (b"//usr/./bin//hello", b"/usr/bin/hello"),
        (b"/usr/../..", b"/"),
        (b"/to", b"/to"),
        (b"/to/", b"/usr"),
        (b"/to/bin/hello", b"/usr/bin/hello"),
        (b"/absent", None),
        (b"/absent/..", None),
        (b"/usr/bin/hello/", None),
        (b"/usr/bin/hello/.", None),
        (b"/lib/", None),
        (b"/loop", b"/loop"),
        (b"/loop/", None),
    ],
)
def test_resolve(path: bytes, leads_to: bytes | None) -> None:
    tree = FileTree(a_base())
    vfs.create_symlink(tree, tree.root, b"to", b"/usr/bin/..", 0, 0)
    vfs.create_symlink(tree, tree.root, b"loop", b"loop", 0, 0)
    assert vfs.resolve(tree, path) is (at(tree, leads_to) if leads_to else None)
