"""ld.so: it finds the libraries of a dynamic image on the machine where the image runs.

A missing or broken library is no error of exec: the loader says so on descriptor 2 and the process
exits with status 127. Sources: glibc-ldso (search order), linux-6.18-measured (messages).
"""

from __future__ import annotations

from attrs import frozen

from bprocsim.posix.arch import Arch
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.elf import ElfFile
from bprocsim.posix.image import Loaded, read_elf
from bprocsim.posix.machine import Machine
from bprocsim.posix.paths import walk
from bprocsim.posix.procs import Process
from bprocsim.posix.vfs import READ, Inode, Kind, permits

FAILED_STATUS = 127
HEADER_BYTES = 64


@frozen
class Missing:
    """What the loader says of a library: `message` a whole line."""

    message: bytes


@frozen
class Resolved:
    """Which libraries were found, in the order in which they were loaded: (soname, path)."""

    libraries: tuple[tuple[bytes, bytes], ...]


def resolve(machine: Machine, process: Process, image: Loaded) -> Resolved | Missing:
    """Find all that an image needs, breadth first, each library once."""
    search = _Search(machine, process, image)
    found: list[tuple[bytes, bytes]] = []
    wanted = [(_bytes(name), image.elf) for name in image.elf.needed]
    seen: set[bytes] = set()
    while wanted:
        name, needed_by = wanted.pop(0)
        if name in seen:
            continue
        seen.add(name)
        path, inode = search.find(name, needed_by)
        wrong = _wrong(machine, name, path, inode)
        if wrong is not None:
            shown = process.argv[0] if process.argv else b""
            return Missing(shown + b": error while loading shared libraries: " + wrong + b"\n")
        assert path is not None and inode is not None
        found.append((name, path))
        library = read_elf(inode.data, machine.arch)
        wanted += [(_bytes(more), library) for more in library.needed]
    return Resolved(tuple(found))


def _wrong(machine: Machine, name: bytes, path: bytes | None, inode: Inode | None) -> bytes | None:
    """Say what is wrong with a library, in the loader's words; None if it can be loaded."""
    if path is None or inode is None:
        return name + b": cannot open shared object file: No such file or directory"
    if inode.kind is Kind.DIRECTORY:
        return path + b": cannot read file data: Error 21"
    if machine.tree.is_bad(inode):
        return path + b": cannot read file data: Input/output error"
    if len(inode.data) < HEADER_BYTES:
        return path + b": file too short"
    elf = read_elf(inode.data, machine.arch)
    if not elf.magic_ok:
        return path + b": invalid ELF header"
    if not elf.table_complete:
        return path + b": cannot read file data"
    if elf.e_type not in (2, 3):
        return path + b": only ET_DYN and ET_EXEC can be loaded"
    return None


class _Search:
    """Where a library is looked for: RPATH, LD_LIBRARY_PATH, RUNPATH, then the usual directories."""

    def __init__(self, machine: Machine, process: Process, image: Loaded) -> None:
        self.machine = machine
        self.who: Credentials = process.credentials
        self.cwd = process.cwd
        self.elf = image.elf
        self.from_environment = () if image.set_id else _directories(process.env)
        self.usual = usual_directories(machine.arch, image.elf)

    def find(self, name: bytes, needed_by: ElfFile) -> tuple[bytes | None, Inode | None]:
        """Give the path and inode of the first file of that name that is for this architecture."""
        if self.machine.hides(name):
            return None, None
        if b"/" in name:
            return (name, self._open(name)) if self._open(name) is not None else (None, None)
        for directory in self._places(needed_by):
            path = directory.rstrip(b"/") + b"/" + name
            inode = self._open(path)
            if inode is not None and self._fits(inode):
                return path, inode
        return None, None

    def _places(self, needed_by: ElfFile) -> tuple[bytes, ...]:
        rpath = needed_by.rpath if needed_by.runpath is None else None
        return (
            *_split(rpath),
            *self.from_environment,
            *_split(needed_by.runpath),
            *self.usual,
        )

    def _open(self, path: bytes) -> Inode | None:
        found = walk(self.machine.tree, self.cwd, path, self.who, self.machine.profile.paths)
        if found.inode is None or not permits(found.inode, self.who, READ):
            return None
        return found.inode

    def _fits(self, inode: Inode) -> bool:
        """Tell whether the search ends here: a library for another machine is passed over."""
        if inode.kind is not Kind.FILE or len(inode.data) < HEADER_BYTES:
            return True
        elf = read_elf(inode.data, self.machine.arch)
        return not elf.magic_ok or elf.e_machine == self.elf.e_machine


def usual_directories(arch: Arch, elf: ElfFile) -> tuple[bytes, ...]:
    """Give the directories that every search ends with. Source: glibc-ldso."""
    names: tuple[bytes, ...] = (b"/lib", b"/usr/lib")
    if elf.layout.bits == 64:
        names = (b"/lib64", b"/usr/lib64", *names)
    # Debian's own: real files from such a host name nothing else, and its libraries lie there.
    triplet = _TRIPLETS.get(elf.e_machine)
    return names if triplet is None else (b"/lib/" + triplet, b"/usr/lib/" + triplet, *names)


_TRIPLETS = {3: b"i386-linux-gnu", 62: b"x86_64-linux-gnu", 183: b"aarch64-linux-gnu", 243: b"riscv64-linux-gnu"}


def _directories(env: tuple[bytes, ...]) -> tuple[bytes, ...]:
    for entry in env:
        if entry.startswith(b"LD_LIBRARY_PATH="):
            return tuple(part or b"." for part in entry.partition(b"=")[2].replace(b";", b":").split(b":"))
    return ()


def _split(text: str | None) -> tuple[bytes, ...]:
    return tuple(_bytes(part) for part in text.split(":") if part) if text else ()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
