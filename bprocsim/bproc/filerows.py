"""Rows that BProc 4.0's calls share: what may be wrong with files, memory, and addresses that a library follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bprocsim.bproc import bpfs, information, nodesets, processes
from bprocsim.errnos import Errno
from bprocsim.errnos import Errno as E
from bprocsim.manual import Kind, Row

CHOICE = "choice-node-calls"

_NO_MEMORY = "there is not a page of memory left for the answer"


def unread(condition: Callable[[Any], bool], what: str, errno: Errno = E.EFAULT) -> Row:
    """Make a row for an address that its library follows without asking: a real program is killed there."""
    return Row(errno, condition, what, kind=Kind.BEYOND, source=CHOICE)


def unwritable_set() -> Row:
    """Make the row of a call that fills or changes a set of nodes."""
    return unread(nodesets.set_unwritable, "the set is in memory that the program cannot write")


def of_a_file() -> tuple[Row, ...]:
    """Give what may be wrong with reading the file of all nodes."""
    return (
        Row(E.ENOENT, bpfs.not_mounted, "the caller is on a slave, which has no file of all nodes"),
        *of_a_descriptor(),
    )


def of_a_descriptor(errno: Errno | None = None, source: str = "posix-open") -> tuple[Row, ...]:
    """Give what may be wrong with opening a file; `errno` where the library says the same for both."""
    no_descriptor, no_file = "the process has no descriptor left", "the limit on open files has been reached"
    return (
        Row(errno or E.EMFILE, processes.descriptors_used_up, no_descriptor, source=source),
        Row(errno or E.ENFILE, processes.files_used_up, no_file, source=source),
    )


def no_page_left() -> Row:
    """Make the row of a library that asks for memory."""
    return Row(E.ENOMEM, information.out_of_memory, _NO_MEMORY, kind=Kind.BEYOND, source=CHOICE)
