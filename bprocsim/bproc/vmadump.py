"""VMADump: what a frozen process holds, which regions travel, and who can thaw it."""

from __future__ import annotations

from attrs import define, setters

from bprocsim.posix.arch import Arch
from bprocsim.posix.image import Loaded, read_once
from bprocsim.posix.machine import Machine
from bprocsim.posix.paths import walk
from bprocsim.posix.procs import Process

# Header, comm, registers, signal actions, and a word beside each page. Source: bproc-4.0.0pre8-vmadump.
FIXED_BYTES = 2048
WORD_BYTES = 8


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Frozen:
    """A frozen process on its way.

    `arch` whose image it is; `size_bytes` on the wire; `memory_bytes` it will take; `by_name` the
    path of a loader that is on the library list and so is not sent.
    """

    arch: Arch
    size_bytes: int
    memory_bytes: int
    by_name: bytes


def freeze(machine: Machine, process: Process, library_list: tuple[str, ...]) -> Frozen:
    """Freeze a process that has just taken its image: its program, its loader, its arguments.

    Libraries are not there yet: the loader maps them, and it has not run.
    """
    image: Loaded = process.image
    page = machine.arch.page_bytes
    pages, by_name = _pages(image.inode.data, page), b""
    if image.loader is not None:
        if image.loader_path.decode("utf-8", "surrogateescape") in library_list:
            by_name = image.loader_path
        else:
            pages += _pages(image.loader.data, page)
    if image.script is not None:
        pages += _pages(image.script, page)
    strings = (*process.argv, *process.env)
    pages += -(-(sum(map(len, strings)) + len(strings)) // page)
    return Frozen(machine.arch, FIXED_BYTES + pages * (page + WORD_BYTES), process.memory_bytes, by_name)


@read_once
def _pages(data: bytes, page: int) -> int:
    """Count the pages that are not all zero: only these are sent."""
    nothing = bytes(page)
    return sum(data[start : start + page] != nothing[: len(data) - start] for start in range(0, len(data), page))


def understands(machine: Machine, frozen: Frozen) -> bool:
    """Tell whether a machine can thaw it: the same architecture, by vmadump's own number of it."""
    return machine.arch.vmadump_code == frozen.arch.vmadump_code and machine.arch.machine == frozen.arch.machine


def finds(machine: Machine, process: Process, frozen: Frozen) -> bool:
    """Tell whether a loader that is sent by name is there."""
    if not frozen.by_name:
        return True
    root = machine.tree.root
    found = walk(machine.tree, root, frozen.by_name, process.credentials, machine.profile.paths)
    return found.inode is not None and not machine.hides(frozen.by_name.rpartition(b"/")[2])
