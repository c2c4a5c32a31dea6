"""Files of one machine: inodes, directories, links, mounts, and who may use them. Plain data.

A machine's tree is a private layer over a base tree that many machines share and nobody changes:
an inode is copied when this machine first changes it. The functions below change a tree; they
assert what their caller must have decided, and choose no errno.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from attrs import define, frozen, setters

from bprocsim.posix.credentials import Credentials

READ, WRITE, EXECUTE = 4, 2, 1  # what may be wanted of an inode; EXECUTE of a directory is search

ROOT_NUMBER = 2  # the root directory's inode number, as on ext2


class Kind(Enum):
    """What an inode is."""

    FILE = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    FIFO = "fifo"
    SOCKET = "socket"
    CHR = "chr"
    BLK = "blk"


FILE = Kind.FILE  # looking a member up in an Enum is slow, and every exec asks for this one


@frozen(eq=False)
class Mount:
    """A mounted file system; compared by identity.

    `path` where it was mounted; its flags; `foreign_ids` it is remote, and no table translates the
    ids of its files; `silent` it is an NFS file system, mounted soft, whose server does not answer;
    `covered` the number of the directory that it hides.
    """

    path: bytes
    nosuid: bool = False
    noexec: bool = False
    readonly: bool = False
    nosymfollow: bool = False
    foreign_ids: bool = False
    silent: bool = False
    covered: int = 0


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Inode:
    """One file of any kind; which fields mean something depends on `kind`.

    `mode` the bits of 07777; `links` how many names it has (a directory: 2 and one for each
    subdirectory; 0: removed); `data` a file's bytes; `entries` a directory's names, None for all
    else; `parent` the inode number of a directory's `..`; `target` a symbolic link's text; `device`
    what a chr or blk stands for ("null"); `writers` how many hold it open for writing; `running`
    how many processes run it.
    """

    number: int
    kind: Kind
    mode: int
    uid: int
    gid: int
    mount: Mount
    links: int = 1
    data: bytes = b""
    entries: dict[bytes, int] | None = None
    parent: int = 0
    target: bytes = b""
    device: str = ""
    writers: int = 0
    running: int = 0

    def copy(self) -> Inode:
        """Give a copy that shares nothing changeable with this one."""
        return Inode(
            self.number,
            self.kind,
            self.mode,
            self.uid,
            self.gid,
            self.mount,
            self.links,
            self.data,
            None if self.entries is None else self.entries.copy(),
            self.parent,
            self.target,
            self.device,
            self.writers,
            self.running,
        )


class Inodes(dict[int, Inode]):
    """This tree's own inodes by number; asked for another one, it reads the base's."""

    __slots__ = ("base",)

    def __init__(self, base: Mapping[int, Inode]) -> None:
        self.base = base

    def __missing__(self, number: int) -> Inode:
        return self.base[number]


@define(on_setattr=setters.NO_OP, eq=False, init=False)
class FileTree:
    """The files of one machine, as a layer of changes over `base` (None: an empty root directory).

    `inodes` every inode by number; look at them freely, but change only what `own` gave. `root` the
    root directory's number; `mounts` what is mounted, in order, the root first; `lost` what was
    unmounted by force; `ailing` a file system is lost or silent, so that walks must ask; `bad_paths`
    absolute paths whose inodes, whatever they are when asked, cannot be read; `changes` counts
    calls of `own` and of the functions below, so an unequal count tells that something may differ;
    `shared` is True once the tree is another's base: from then on it never changes.
    """

    inodes: Inodes
    root: int
    mounts: tuple[Mount, ...]
    next_number: int
    bad_paths: set[bytes]
    changes: int = 0
    shared: bool = False
    lost: tuple[Mount, ...] = ()
    ailing: bool = False

    def __init__(self, base: FileTree | None = None) -> None:
        self.bad_paths = set()
        self.changes = 0
        self.shared = False
        self.lost, self.ailing = ((), False) if base is None else (base.lost, base.ailing)
        if base is not None:
            base.shared = True
            self.inodes = Inodes(base.inodes)
            self.root, self.mounts, self.next_number = base.root, base.mounts, base.next_number
            return
        self.inodes = Inodes({})
        self.root, self.mounts, self.next_number = ROOT_NUMBER, (Mount(b"/"),), ROOT_NUMBER + 1
        self.inodes[ROOT_NUMBER] = Inode(
            ROOT_NUMBER, Kind.DIRECTORY, 0o755, 0, 0, self.mounts[0], links=2, entries={}, parent=ROOT_NUMBER
        )

    def own(self, number: int) -> Inode:
        """Give the inode to be changed: this tree's own, copied from the base if need be."""
        assert not self.shared, "a tree that others are based on never changes"
        self.changes += 1
        inode = self.inodes.get(number)
        if inode is None:
            inode = self.inodes[number] = self.inodes[number].copy()
        return inode

    def is_bad(self, inode: Inode) -> bool:
        """Tell whether one of `bad_paths` names this inode now; a last symbolic link is meant itself."""
        if not self.bad_paths:
            return False
        # The order of a set does not matter to any().
        return any(resolve(self, path) is self.inodes[inode.number] for path in self.bad_paths)


def permits(inode: Inode, who: Credentials, want: int) -> bool:
    """Tell whether `who` may do `want` (a sum of READ, WRITE, EXECUTE) with the inode.

    The owner is judged by the owner's bits alone, else a member of the group by the group's bits
    alone, else by the others' bits. CAP_DAC_OVERRIDE passes all of it, but executes a file only if
    it has any x bit; CAP_DAC_READ_SEARCH reads files and reads and searches directories.
    Sources: posix-permissions, linux-capabilities7.
    """
    mode = inode.mode
    if inode.uid == who.euid:
        bits = mode >> 6
    elif inode.gid in who.members:
        bits = mode >> 3
    else:
        bits = mode
    if bits & want == want:
        return True
    if who.overrides:
        return inode.entries is not None or not want & EXECUTE or mode & 0o111 != 0
    if who.reads_all:
        return want == READ or (inode.entries is not None and not want & WRITE)
    return False


def resolve(tree: FileTree, path: bytes) -> Inode | None:
    """Find what an absolute path names now, without permissions and limits; None if nothing.

    A last symbolic link is not followed. For the builder of a world, never for a simulated call.
    """
    assert path.startswith(b"/"), "an absolute path"
    inode = tree.inodes[tree.root]
    names = path.split(b"/")[::-1]  # what is still to be walked, the next name last
    links = 0
    while names:
        name = names.pop()
        if inode.entries is None:
            return None
        if name in (b"", b"."):
            continue
        number = inode.parent if name == b".." else inode.entries.get(name)
        if number is None:
            return None
        found = tree.inodes[number]
        if found.kind is Kind.SYMLINK and names:
            links += 1
            if links > 1000:  # a loop: it names nothing
                return None
            names += found.target.split(b"/")[::-1]
            found = tree.inodes[tree.root] if found.target.startswith(b"/") else inode
        inode = found
    return inode


def path_of(tree: FileTree, number: int, root: int = 0) -> bytes | None:
    """Give a directory's path from `root` (0: the tree's), as getcwd does; None if it cannot be reached from there."""
    names: list[bytes] = []
    while number != (root or tree.root):
        if number == tree.root:
            return None
        parent = tree.inodes[number].parent
        name = name_in(tree, parent, number)
        if name is None:
            return None
        names.append(name)
        number = parent
    return b"/" + b"/".join(reversed(names))


def name_in(tree: FileTree, parent: int, number: int) -> bytes | None:
    """Find the first name that an inode has in the directory `parent`, or None."""
    for name, other in (tree.inodes[parent].entries or {}).items():
        if other == number:
            return name
    return None


def is_mount_point(tree: FileTree, number: int) -> bool:
    """Tell whether a directory is the root of a mounted file system, or of the whole tree."""
    inode = tree.inodes[number]
    if inode.entries is None:
        return False
    return number == tree.root or tree.inodes[inode.parent].mount is not inode.mount


# ---- Changes. The caller has decided that they succeed, and these assert it. --------------------


def _entries(directory: Inode) -> dict[bytes, int]:
    assert directory.entries is not None, "a directory"
    return directory.entries


def _add_name(tree: FileTree, parent: int, name: bytes, number: int) -> None:
    directory = tree.own(parent)
    entries = _entries(directory)
    assert directory.links > 0, "nothing is made in a removed directory"
    assert name not in (b"", b".", b".."), "a name"
    assert b"/" not in name, "one component"
    assert b"\0" not in name, "no NUL in a path"
    assert name not in entries, "a new name"
    entries[name] = number


def _make(tree: FileTree, parent: int, kind: Kind, mode: int, uid: int, gid: int) -> Inode:
    """Make an inode in the file system of the directory `parent`, without a name yet."""
    assert not tree.shared, "a tree that others are based on never changes"
    assert 0 <= mode <= 0o7777, "permission bits"
    number = tree.next_number
    tree.next_number = number + 1
    inode = Inode(number, kind, mode, uid, gid, tree.inodes[parent].mount)
    tree.inodes[number] = inode
    tree.changes += 1
    return inode


def create_file(tree: FileTree, parent: int, name: bytes, mode: int, uid: int, gid: int, data: bytes = b"") -> Inode:
    """Make a regular file called `name` in the directory `parent`, and give its inode."""
    inode = _make(tree, parent, Kind.FILE, mode, uid, gid)
    inode.data = data
    _add_name(tree, parent, name, inode.number)
    return inode


def create_directory(tree: FileTree, parent: int, name: bytes, mode: int, uid: int, gid: int) -> Inode:
    """Make an empty directory called `name` in the directory `parent`, and give its inode."""
    inode = _make(tree, parent, Kind.DIRECTORY, mode, uid, gid)
    inode.entries, inode.parent, inode.links = {}, parent, 2
    _add_name(tree, parent, name, inode.number)
    tree.own(parent).links += 1
    return inode


def create_symlink(tree: FileTree, parent: int, name: bytes, target: bytes, uid: int, gid: int) -> Inode:
    """Make a symbolic link to `target` called `name` in the directory `parent`, and give its inode."""
    assert target, "a text to be walked"
    assert b"\0" not in target, "no NUL in a path"
    inode = _make(tree, parent, Kind.SYMLINK, 0o777, uid, gid)
    inode.target = target
    _add_name(tree, parent, name, inode.number)
    return inode


def create_special(
    tree: FileTree, parent: int, name: bytes, kind: Kind, mode: int, uid: int, gid: int, device: str = ""
) -> Inode:
    """Make a fifo, socket, chr or blk called `name` in the directory `parent`, and give its inode."""
    assert kind in (Kind.FIFO, Kind.SOCKET, Kind.CHR, Kind.BLK), "a special file"
    inode = _make(tree, parent, kind, mode, uid, gid)
    inode.device = device
    _add_name(tree, parent, name, inode.number)
    return inode


def link(tree: FileTree, parent: int, name: bytes, number: int) -> None:
    """Give the inode `number`, no directory and on the same mount, one more name."""
    inode = tree.own(number)
    assert inode.entries is None, "directories have one name"
    assert inode.links > 0, "not a removed file"
    assert inode.mount is tree.inodes[parent].mount, "on the same file system"
    _add_name(tree, parent, name, number)
    inode.links += 1


def unlink(tree: FileTree, parent: int, name: bytes) -> Inode:
    """Take a name away from something that is no directory, and give its inode.

    The inode stays in the table with `links` 0, for those who have it open or run it.
    """
    entries = _entries(tree.own(parent))
    inode = tree.own(entries[name])
    assert inode.entries is None, "not a directory"
    del entries[name]
    inode.links -= 1
    return inode


def rmdir(tree: FileTree, parent: int, name: bytes) -> Inode:
    """Remove an empty directory that is no mount point, and give its inode.

    The inode stays in the table with `links` 0 and its `..`, for those whose cwd it is.
    """
    directory = tree.own(parent)
    entries = _entries(directory)
    inode = tree.own(entries[name])
    assert not _entries(inode), "an empty directory"
    assert not is_mount_point(tree, inode.number), "not a mount point"
    del entries[name]
    inode.links = 0
    directory.links -= 1
    return inode


def mount(
    tree: FileTree, covered: int, *, nosuid: bool = False, noexec: bool = False, readonly: bool = False,
    nosymfollow: bool = False, foreign_ids: bool = False, silent: bool = False,
) -> Inode:  # fmt: skip
    """Put an empty file system on the directory `covered`, not the root, and give its root directory.

    The name of the covered directory leads to the new root from now on, and the new root's `..`
    leads to where that name is: so a walk crosses a mount in both directions without knowing. Who
    has the covered directory as cwd stays in it, as on a real kernel.
    """
    below = tree.inodes[covered]
    assert below.entries is not None, "a directory"
    assert covered != tree.root, "not the root"
    name, path = name_in(tree, below.parent, covered), path_of(tree, covered)
    assert name is not None, "not removed, not covered already"
    assert path is not None, "reached from the root"
    root = _make(tree, covered, Kind.DIRECTORY, 0o755, 0, 0)
    root.entries, root.parent, root.links = {}, below.parent, 2
    root.mount = Mount(path, nosuid, noexec, readonly, nosymfollow, foreign_ids, silent, covered)
    tree.mounts += (root.mount,)
    tree.ailing = tree.ailing or silent
    _entries(tree.own(below.parent))[name] = root.number
    return root


def unmount(tree: FileTree, number: int) -> None:
    """Take a file system away by force, whose root directory is `number`: what it covered is there again.

    Its inodes stay in the table for those who are in it, but no walk gets on from there.
    """
    root = tree.inodes[number]
    assert is_mount_point(tree, number), "mounted"
    assert number != tree.root, "not the root"
    name = name_in(tree, root.parent, number)
    assert name is not None, "not lost already"
    _entries(tree.own(root.parent))[name] = root.mount.covered
    tree.mounts = tuple(each for each in tree.mounts if each is not root.mount)
    tree.lost += (root.mount,)
    tree.ailing = True
