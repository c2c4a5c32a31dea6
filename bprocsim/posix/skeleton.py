"""What every node's tree begins with: directories, a shell, the usual loaders, the C library.

Made once for each architecture and shared by all nodes; a node copies what it changes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

from bprocsim.posix.arch import ARCHES, Arch
from bprocsim.posix.image import image_bytes
from bprocsim.posix.vfs import FileTree, Inode, Kind, create_directory, create_file, create_special
from bprocsim.units import KiB

DIRECTORIES = (
    ("/bin", 0o755), ("/usr", 0o755), ("/usr/bin", 0o755), ("/lib", 0o755), ("/lib64", 0o755),
    ("/etc", 0o755), ("/dev", 0o755), ("/tmp", 0o1777),
)  # fmt: skip


class Unread(dict[int, Inode]):
    """Files by number whose bytes are made when somebody first looks at them.

    Most worlds run none of them, and a first answer should not wait until ELF images are built.
    It lies under a tree, and over what that was based on so far.
    """

    def __init__(self, tree: FileTree) -> None:
        super().__init__()
        self._tree, self._base = tree, tree.inodes.base
        tree.inodes.base = self
        self._unread: dict[int, tuple[Inode, Callable[[], bytes]]] = {}

    def put(self, inode: Inode, build: Callable[[], bytes]) -> None:
        """Keep a file of the tree until it is looked at."""
        self._unread[inode.number] = self._tree.inodes.pop(inode.number), build

    def __missing__(self, number: int) -> Inode:
        if number not in self._unread:
            return self._base[number]
        inode, build = self._unread.pop(number)
        inode.data = build()
        self._tree.inodes[number] = inode
        return inode


@cache
def skeleton(arch: Arch) -> FileTree:
    """Make the tree that nodes of an architecture share."""
    tree = FileTree()
    unread = Unread(tree)
    numbers = {"": tree.root}
    for path, mode in DIRECTORIES:
        parent, _, name = path.rpartition("/")
        numbers[path] = create_directory(tree, numbers[parent], name.encode(), mode, 0, 0).number

    def put(path: str, build: Callable[[], bytes]) -> None:
        parent, _, name = path.rpartition("/")
        unread.put(create_file(tree, numbers[parent], name.encode(), 0o755, 0, 0), build)

    create_special(tree, numbers["/dev"], b"null", Kind.CHR, 0o666, 0, 0, "null")
    put("/bin/sh", partial(image_bytes, "sh", (), 64 * KiB, arch))
    loaders = {each.loader: each for each in (ARCHES["i386"], ARCHES["x86-64"])}
    loaders[arch.loader] = arch
    for path, owner in loaders.items():
        put(path, partial(_library, owner, path.rpartition("/")[2]))
    # A 64-bit machine also has the library of its 32-bit handler, where it has one.
    small = next((ARCHES[name] for name in ("i386",) if arch.layout_for(ARCHES[name].machine)), arch)
    put("/lib/libc.so.6", partial(_library, small if arch.bits == 64 else arch, "libc.so.6"))
    if arch.bits == 64:
        put("/lib64/libc.so.6", partial(_library, arch, "libc.so.6"))
    return tree


def _library(arch: Arch, soname: str) -> bytes:
    from bprocsim.posix.elfbuild import ElfImage  # with all its checks, for those who make images to order

    return ElfImage(
        machine=arch.machine, bits=arch.bits, byteorder=arch.byteorder, type="DYN", interpreters=(), soname=soname
    ).to_bytes()
