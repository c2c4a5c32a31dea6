"""BProc's commands: where their images lie on the master, what they read besides, what differs between editions."""

from __future__ import annotations

from functools import cache, partial

from attrs import frozen

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


@frozen
class Tools:
    """What BProc's commands do in an edition.

    `vector` bpsh starts all processes by one bproc_vexecmove_io, else each by a fork and an execmove; with it
    commands say by lists what descriptors shall be, else by a port; `minus_one_is_master` its option -1 means the
    master, else nobody; `abnormal` what it says of a child that was killed, with `{node}`, and `abnormal_at_end`
    if it forwards nothing and only waits; `fixed_columns` bpstat's columns are those of 3.x, else they go by the
    terminal's width; `numbered_states` calls have a node's state as a number, else by its name; `sets_leaving`
    the calls of administration are Scyld's: a node is rebooted, halted or switched off by setting its state; else
    they are LANL's; `names_first_word` of a wrong specification bpstat shows the first word of the command line.
    Sources: bproc-4.0.0pre8-clients, bpsh-users, scyld-bpctl.
    """

    vector: bool
    minus_one_is_master: bool
    abnormal: str
    abnormal_at_end: str
    fixed_columns: bool
    numbered_states: bool = True
    sets_leaving: bool = False
    names_first_word: bool = False


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
