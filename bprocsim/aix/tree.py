"""What an AIX machine's tree begins with, and which Unix AIX is: its numbers, and what a child keeps."""

from __future__ import annotations

from functools import cache

from bprocsim.aix.archive import build_archive
from bprocsim.aix.commandfiles import PATH, put_commands
from bprocsim.aix.xcoffbuild import XcoffImage
from bprocsim.posix.arch import Arch
from bprocsim.posix.image import image_bytes
from bprocsim.posix.unix import Unix
from bprocsim.posix.vfs import FileTree, Kind, create_directory, create_file, create_special, create_symlink
from bprocsim.units import KiB

DIRECTORIES = (
    ("/usr", 0o755), ("/usr/bin", 0o755), ("/usr/lib", 0o755), ("/lib64", 0o755), ("/etc", 0o755), ("/dev", 0o755),
    ("/tmp", 0o1777),
)  # fmt: skip
LINKS = (("/bin", "/usr/bin"), ("/lib", "/usr/lib"))
# Shared libraries: an archive, its member of 32 bits and that of 64.
LIBRARIES = (
    ("/usr/lib/libc.a", "shr.o", "shr_64.o"),
    ("/usr/lib/libpthreads.a", "shr_xpg5.o", "shr_xpg5_64.o"),
)


@cache
def skeleton(arch: Arch) -> FileTree:
    """Make the tree that AIX machines share."""
    tree = FileTree()
    numbers = {"": tree.root}
    for path, mode in DIRECTORIES:
        parent, _, name = path.rpartition("/")
        numbers[path] = create_directory(tree, numbers[parent], name.encode(), mode, 0, 0).number
    for path, target in LINKS:
        parent, _, name = path.rpartition("/")
        create_symlink(tree, numbers[parent], name.encode(), target.encode(), 0, 0)
    create_special(tree, numbers["/dev"], b"null", Kind.CHR, 0o666, 0, 0, "null")
    create_file(tree, numbers["/usr/bin"], b"sh", 0o555, 0, 0, image_bytes("sh", (), 64 * KiB, arch))
    for path, small, large in LIBRARIES:
        members = {small: XcoffImage(shared=True).to_bytes(), large: XcoffImage(bits=64, shared=True).to_bytes()}
        create_file(tree, numbers["/usr/lib"], path.rpartition("/")[2].encode(), 0o444, 0, 0, build_archive(members))
    put_commands(tree, numbers, arch)
    return tree


# Source: hwloc-aix.
AIX = Unix("aix", skeleton, handing_on="CAP_PROPAGATE", path=PATH)
