"""Conditions on a file that a call names, and on what exec is given: their names are causes.

Those on the way to a file take anything that has a `walk`, for `open` and `chdir` ask them too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from bprocsim.faces.pointers import BAD_ADDRESS, Pointer
from bprocsim.posix.paths import Stop, Walk
from bprocsim.posix.vfs import EXECUTE, FILE, permits

if TYPE_CHECKING:
    from bprocsim.posix.exec import ExecFacts, Subject


class Walked(Protocol):
    """What knows where a path leads."""

    @property
    def walk(self) -> Walk:
        """Give where it leads."""


class Named(Protocol):
    """What is asked about a file that is named by `path`."""

    @property
    def machine(self) -> Any:
        """Give the machine on which it is looked up."""

    @property
    def path(self) -> Pointer:
        """Give the name."""


# ---- a name ---------------------------------------------------------------------------------------


def path_unreadable(f: Named) -> bool:
    return f.path is BAD_ADDRESS


def path_empty(f: Named) -> bool:
    return f.path == b""


def path_too_long(f: Named) -> bool:
    return f.path is not BAD_ADDRESS and bool(f.machine.profile.paths.too_long(f.path))


# ---- what exec is given --------------------------------------------------------------------------


def cmd_unreadable(f: ExecFacts) -> bool:
    return f.cmd is BAD_ADDRESS


def cmd_empty(f: ExecFacts) -> bool:
    return f.cmd == b""


def cmd_too_long(f: ExecFacts) -> bool:
    return f.cmd is not BAD_ADDRESS and f.profile.paths.too_long(f.cmd)


def argv_unreadable(f: ExecFacts) -> bool:
    return f.argv.unreadable


def envp_unreadable(f: ExecFacts) -> bool:
    return f.envp.unreadable


def out_of_memory(f: ExecFacts) -> bool:
    return bool(f.needed_bytes > f.machine.memory.free_bytes)


# ---- on the way to a file ------------------------------------------------------------------------


def search_denied(f: Walked) -> bool:
    return Stop.SEARCH_DENIED in f.walk.stops


def component_too_long(f: Walked) -> bool:
    return Stop.NAME_TOO_LONG in f.walk.stops


def cmd_absent(f: Walked) -> bool:
    return Stop.ABSENT in f.walk.stops


def not_a_directory(f: Walked) -> bool:
    return Stop.NOT_A_DIRECTORY in f.walk.stops


def too_many_links(f: Walked) -> bool:
    return Stop.TOO_MANY_LINKS in f.walk.stops


def path_io_error(f: Walked) -> bool:
    return Stop.IO_ERROR in f.walk.stops


def current_directory_lost(f: Walked) -> bool:
    return Stop.STALE in f.walk.stops


def server_silent(f: Walked) -> bool:
    return Stop.TIMED_OUT in f.walk.stops


# ---- the file itself -----------------------------------------------------------------------------


def noexec_mount(f: Subject) -> bool:
    inode = f.walk.inode
    return inode is not None and inode.mount.noexec


def not_regular(f: Subject) -> bool:
    inode = f.walk.inode
    return inode is not None and inode.kind is not FILE


def not_executable(f: Subject) -> bool:
    inode = f.walk.inode
    return inode is not None and not permits(inode, f.call.who, EXECUTE)


def file_table_full(f: Subject) -> bool:
    call, profile = f.call, f.call.profile
    # A loader is opened while the program's file is still held; a script's file is let go first by some.
    held = f.role == "loader" or (f.role == "script" and profile.script_kept)
    return profile.lacks_files(call.machine.files.free, call.who, 2 if held else 1)


def cmd_being_written(f: Subject) -> bool:
    inode = f.walk.inode
    return inode is not None and inode.writers > 0


def suid_on_nosuid(f: Subject) -> bool:
    inode = f.walk.inode
    return inode is not None and f.role != "loader" and inode.mount.nosuid and bool(inode.mode & 0o6000)


def ids_untranslated(f: Subject) -> bool:
    inode = f.walk.inode
    return inode is not None and inode.mount.foreign_ids and bool(inode.mode & 0o6000)


def header_io_error(f: Subject) -> bool:
    inode = f.walk.inode
    return inode is not None and inode.kind is FILE and f.call.tree.is_bad(inode)
