"""Where the images of commands lie, and what they read besides: on every master from the start."""

from __future__ import annotations

from functools import cache, partial

from bprocsim.posix.arch import Arch
from bprocsim.posix.image import image_bytes
from bprocsim.posix.skeleton import Unread, skeleton
from bprocsim.posix.unix import Unix
from bprocsim.posix.vfs import FileTree, Inode, create_file, resolve
from bprocsim.units import KiB

# They are on the master alone: a node of a BProc cluster has next to nothing, and what is to run there is sent.
COMMANDS = (
    "/bin/cat", "/bin/echo", "/bin/false", "/bin/hostname", "/bin/kill", "/bin/ps", "/bin/sleep", "/bin/true",
    "/usr/bin/bpcp", "/usr/bin/bpctl", "/usr/bin/bpsh", "/usr/bin/bpstat",
)  # fmt: skip

# The accounts that every master has; those that cluster.user makes come to them.
PASSWD_FILE = "/etc/passwd"
PASSWD = b"root:x:0:0:root:/:/bin/sh\n"
GROUP = b"root:x:0:\n"


@cache
def front_end_skeleton(arch: Arch) -> FileTree:
    """Make the tree that masters of an architecture share: that of every node, and the commands."""
    tree = FileTree(skeleton(arch))
    unread = Unread(tree)

    def put(path: str, data: bytes, mode: int) -> Inode:
        parent, _, name = path.rpartition("/")
        directory = resolve(tree, parent.encode())
        assert directory is not None, "every node has it"
        return create_file(tree, directory.number, name.encode(), mode, 0, 0, data)

    for path in COMMANDS:
        unread.put(put(path, b"", 0o755), partial(image_bytes, path, (), 64 * KiB, arch))
    put(PASSWD_FILE, PASSWD, 0o644)
    put("/etc/group", GROUP, 0o644)
    return tree


FRONT_END = Unix("linux", front_end_skeleton)
