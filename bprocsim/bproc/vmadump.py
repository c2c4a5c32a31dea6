"""VMADump: what a frozen process holds, which regions travel, and who can thaw it."""

from __future__ import annotations

from attrs import define, setters

from bprocsim.posix.arch import Arch
from bprocsim.posix.image import Loaded, read_once
from bprocsim.posix.machine import Machine
from bprocsim.posix.paths import walk
from bprocsim.posix.procs import Process

# Which regions travel; all others go by name. Sources: scyld-bproc_move, bproc-4.0.0pre8-vmadump.
DUMP_LIBS, DUMP_EXEC, DUMP_OTHER = 1, 2, 4
DUMP_ALL = DUMP_LIBS | DUMP_EXEC | DUMP_OTHER

# Header, comm, registers, signal actions, and a word beside each page. Source: bproc-4.0.0pre8-vmadump.
FIXED_BYTES = 2048
WORD_BYTES = 8


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Frozen:
    """A frozen process on its way.

    `arch` whose image it is; `size_bytes` on the wire; `memory_bytes` it will take; `by_name` the
    paths of what is mapped and is not sent.
    """

    arch: Arch
    size_bytes: int
    memory_bytes: int
    by_name: tuple[bytes, ...] = ()


def freeze(machine: Machine, process: Process, library_list: tuple[str, ...]) -> Frozen:
    """Freeze a process that has just taken its image: its program, its loader, its arguments.

    Libraries are not there yet: the loader maps them, and it has not run.
    """
    image: Loaded = process.image
    page = machine.arch.page_bytes
    by_name: tuple[bytes, ...] = ()
    pages = _pages(image.inode.data, page)
    if image.loader is not None:
        if _is_listed(image.loader_path, library_list):
            by_name = (image.loader_path,)
        else:
            pages += _pages(image.loader.data, page)
    if image.script is not None:
        pages += _pages(image.script, page)
    strings = (*process.argv, *process.env)
    pages += -(-(sum(map(len, strings)) + len(strings)) // page)
    return Frozen(machine.arch, FIXED_BYTES + pages * (page + WORD_BYTES), process.memory_bytes, by_name)


def freeze_running(machine: Machine, process: Process, flags: int, library_list: tuple[str, ...]) -> Frozen:
    """Freeze a process that runs, by DUMP_ flags: its memory, its program, and what its loader has mapped.

    All of its memory counts as written to. Libraries that are on the library list are sent under
    DUMP_LIBS, other mapped files under DUMP_OTHER, the program's own under DUMP_EXEC.
    """
    page = machine.arch.page_bytes
    pages, by_name = -(-process.memory_bytes // page), list[bytes]()
    image: Loaded | None = process.image
    if image is not None and not flags & DUMP_EXEC:
        pages = max(0, pages - _pages(image.inode.data, page))
        by_name.append(image.path)
    for path, inode in image.mapped if image is not None else ():
        if flags & (DUMP_LIBS if _is_listed(path, library_list) else DUMP_OTHER):
            pages += _pages(inode.data, page)
        else:
            by_name.append(path)
    return Frozen(machine.arch, FIXED_BYTES + pages * (page + WORD_BYTES), process.memory_bytes, tuple(by_name))


def _is_listed(path: bytes, library_list: tuple[str, ...]) -> bool:
    return bool(library_list) and path.decode("utf-8", "surrogateescape") in library_list


@read_once
def _pages(data: bytes, page: int) -> int:
    """Count the pages that are not all zero: only these are sent."""
    nothing = bytes(page)
    return sum(data[start : start + page] != nothing[: len(data) - start] for start in range(0, len(data), page))


def understands(machine: Machine, frozen: Frozen) -> bool:
    """Tell whether a machine can thaw it: the same architecture, by vmadump's own number of it."""
    here, there = machine.arch, frozen.arch
    return here is there or (here.vmadump_code == there.vmadump_code and here.machine == there.machine)


def finds(machine: Machine, process: Process, frozen: Frozen, root: int) -> bool:
    """Tell whether all that is sent by name is there; `root` is the root directory there."""
    return all(_is_there(machine, process, path, root) for path in frozen.by_name)


def _is_there(machine: Machine, process: Process, path: bytes, root: int) -> bool:
    found = walk(machine.tree, root, path, process.credentials, machine.profile.paths, root=root)
    return found.inode is not None and not machine.hides(path.rpartition(b"/")[2])
