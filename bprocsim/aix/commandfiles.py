"""Where the images of AIX's commands lie, and what they read besides: on every AIX machine from the start."""

from __future__ import annotations

from bprocsim.posix.arch import Arch
from bprocsim.posix.image import image_bytes
from bprocsim.posix.vfs import FileTree, create_directory, create_file
from bprocsim.units import KiB

DIRECTORIES = ("/usr/sbin", "/etc/objrepos")

COMMANDS = (
    "/usr/bin/attachrset", "/usr/bin/detachrset", "/usr/bin/execrset", "/usr/bin/lsrset", "/usr/bin/lssrad",
    "/usr/bin/mkrset", "/usr/bin/ps", "/usr/bin/rmrset", "/usr/sbin/bindprocessor", "/usr/sbin/smtctl",
)  # fmt: skip

# The accounts that every system has; those that lpar.user makes come to them.
PASSWD_FILE = "/etc/passwd"
PASSWD = b"root:!:0:0::/:/usr/bin/sh\n"
GROUP = b"system:!:0:root\n"

# What is to hold of SMT after the next boot; nothing so far. The record always has as many bytes, so that a new
# one covers the old.
BOOT_FILE = "/etc/objrepos/smtctl"
BOOT_RECORD = b"\n".rjust(40)

# Where a login shell looks for commands.
PATH = "/usr/bin:/etc:/usr/sbin:/usr/ucb:/usr/bin/X11:/sbin"


def put_commands(tree: FileTree, numbers: dict[str, int], arch: Arch) -> None:
    """Put them into a tree that is being made; `numbers` of the directories that it has."""
    for path in DIRECTORIES:
        parent, _, name = path.rpartition("/")
        numbers[path] = create_directory(tree, numbers[parent], name.encode(), 0o755, 0, 0).number
    for path in COMMANDS:
        parent, _, name = path.rpartition("/")
        data = image_bytes(name, (), 64 * KiB, arch)
        create_file(tree, numbers[parent], name.encode(), 0o555, 0, 0, data)
    create_file(tree, numbers["/etc"], b"passwd", 0o644, 0, 0, PASSWD)
    create_file(tree, numbers["/etc/objrepos"], b"smtctl", 0o644, 0, 0, BOOT_RECORD)
    create_file(tree, numbers["/etc"], b"group", 0o644, 0, 0, GROUP)
