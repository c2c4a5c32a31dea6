"""Where the libraries of an image are looked for, and what can be wrong with one that is found.

Sources: glibc-ldso (search order), linux-6.18-measured (what is wrong, in ld.so's words).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from attrs import define, field, frozen, setters

from bprocsim.errnos import Errno as E
from bprocsim.posix import vfs
from bprocsim.posix.arch import Arch
from bprocsim.posix.elf import ET_DYN, ET_EXEC, PF_W, PT_DYNAMIC, PT_LOAD, ElfFile
from bprocsim.posix.elfsymbols import Symbols, read_symbols
from bprocsim.posix.image import Loaded, read_elf
from bprocsim.posix.machine import Machine
from bprocsim.posix.openfile import OPEN_ERRORS, OpenFacts
from bprocsim.posix.paths import walk
from bprocsim.posix.procs import Process
from bprocsim.posix.vfs import Inode, Kind

# The only errors that the loader knows by name; of others it gives the number. Source:
# linux-6.18-measured.
_KNOWN = frozenset({E.ENOMEM, E.EINVAL, E.ENOENT, E.EPERM, E.EIO, E.EACCES})
# Those after which it looks into the next directory.
_PASSED_OVER = frozenset({E.ENOENT, E.EACCES})


@frozen
class Trouble:
    """What the loader says of a library: of what it speaks, its text, and the errno if there is one.

    `kills` it says nothing, for it dies when it looks into the file.
    """

    subject: bytes
    text: bytes = b""
    errno: E | None = None
    kills: bool = False

    @property
    def message(self) -> bytes:
        """Write it as it stands behind `error while loading shared libraries: `."""
        if self.errno is None:
            return self.subject + b": " + self.text
        known = self.errno in _KNOWN
        told = self.errno.message.encode() if known else b"Error %d" % self.errno.number("linux")
        return self.subject + b": " + self.text + b": " + told


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Object:
    """The image, a library or the loader itself, in memory.

    `path` as it was found, b"" for the image; `inode` its file; `elf` and `symbols` what is in it;
    `origin` the directory that it lies in; `names` those by which others may ask for it, its soname
    too; `asked_by` who asked first, None for the image; `needs` what it asked for, in order.
    """

    path: bytes
    inode: Inode
    elf: ElfFile
    symbols: Symbols
    origin: bytes
    names: set[bytes]
    asked_by: Object | None = None
    needs: list[Object] = field(factory=list)


def make_object(
    arch: Arch, inode: Inode, path: bytes, origin: bytes, name: bytes = b"", asked_by: Object | None = None
) -> Object:
    """Make the object of a file that is an ELF file of `arch`."""
    elf = read_elf(inode.data, arch)
    names = {path, name or path}  # that of the image is empty, and who needs an empty name gets the image
    if elf.soname is not None:
        names.add(as_bytes(elf.soname))
    return Object(path, inode, elf, symbols_of(inode.data, arch), origin, names, asked_by)


@lru_cache(maxsize=256)
def symbols_of(data: bytes, arch: Arch) -> Symbols:
    """Read the symbols of a file as `arch` lays it out; the same bytes are read once."""
    return read_symbols(data, read_elf(data, arch))


# ---- what can be wrong with a file ---------------------------------------------------------------

# What is tested of a library's headers, in order: the test (of its headers and the program's), what
# the loader says, and whether it names the file's path or only what was asked for. A library without
# a dynamic section is taken, unlike by the real loader: stand-ins without code have none.
_Tests = tuple[tuple[Callable[[ElfFile, ElfFile], bool], bytes, bool], ...]
_OF_IDENTIFICATION: _Tests = (
    (lambda f, of: f.e_ident[5] != _data(of), b"ELF file data encoding not %s-endian", True),
    (lambda f, of: f.e_ident[6] != 1, b"ELF file version ident does not match current one", True),
    (lambda f, of: f.e_ident[7] not in (0, 3), b"ELF file OS ABI invalid", True),
    (lambda f, of: f.e_ident[8] >= (4 if f.e_ident[7] else 1), b"ELF file ABI version invalid", True),
    (lambda f, of: any(f.e_ident[9:16]), b"nonzero padding in e_ident", True),
)
_TESTS: _Tests = (
    (lambda f, of: not f.magic_ok, b"invalid ELF header", True),
    *_OF_IDENTIFICATION,
    (lambda f, of: f.e_version != 1, b"ELF file version does not match current one", True),
    (lambda f, of: f.e_type not in (ET_DYN, ET_EXEC), b"only ET_DYN and ET_EXEC can be loaded", True),
    (lambda f, of: f.e_phentsize != (56 if of.layout.bits == 64 else 32),
     b"ELF file's phentsize not the expected size", True),
    (lambda f, of: not f.table_complete, b"cannot read file data", True),
    (lambda f, of: all(segment.p_type != PT_LOAD for segment in f.segments),
     b"object file has no loadable segments", False),
    (lambda f, of: f.e_type == ET_EXEC, b"cannot dynamically load executable", False),
)  # fmt: skip


def _ends_early(elf: ElfFile, page_bytes: int) -> bool:
    """Tell whether what the loader reads or clears in memory lies beyond the last page of the file."""
    end = -(-elf.size // page_bytes) * page_bytes
    for each in elf.segments:
        if each.p_type == PT_DYNAMIC and each.p_offset >= end:
            return True
        cleared = each.p_offset + each.p_filesz  # from here to the end of the page
        if each.p_type == PT_LOAD and each.p_memsz > each.p_filesz and each.p_flags & PF_W:
            if cleared % page_bytes and cleared >= end:
                return True
    return False


def _data(elf: ElfFile) -> int:
    return 1 if elf.layout.byteorder == "little" else 2


# ---- where it is looked for ----------------------------------------------------------------------


class Search:
    """Where a library is looked for: RPATH, LD_LIBRARY_PATH, RUNPATH, then the usual directories."""

    def __init__(self, machine: Machine, process: Process, image: Loaded) -> None:
        who = process.credentials
        self.machine = machine
        self.thread = process.threads[0]
        self.elf = image.elf
        self.origin = _origin(machine, process, image.path)
        self.header_bytes = 64 if image.elf.layout.bits == 64 else 52
        # What a stranger has set, or where he has put it, is not for a program with other ids.
        self.secure = who.uid != who.euid or who.gid != who.egid
        self.from_environment = () if self.secure else _directories(process.env)
        self.usual = usual_directories(machine.arch, image.elf)

    def open(self, name: bytes, asked_by: Object, trusted: bool = False) -> Object | Trouble:
        """Give the first file of a name as an object, or what the loader says.

        A library for another machine or of another class is passed over. `trusted` a program with
        other ids takes one that is set-uid only.
        """
        found = self._find(name, asked_by, trusted and self.secure)
        if isinstance(found, Trouble):
            return found
        path, inode = found
        wrong = self._wrong(name, path, inode)
        if wrong is not None:
            return wrong
        return make_object(self.machine.arch, inode, path, path.rpartition(b"/")[0] or b"/", name, asked_by)

    def _find(self, name: bytes, asked_by: Object, only_set_id: bool) -> tuple[bytes, Inode] | Trouble:
        """Give the path and inode of the first file of that name, or what the loader says."""
        inode: Inode | None
        error, other_class = E.ENOENT, False
        named = _expanded(name, asked_by.origin) if b"/" in name else name
        if self.machine.hides(name):
            places = []
        elif b"/" in name:
            places = [[b""]]
        else:
            places = self._places(asked_by)
        for directories in places:
            for directory in directories:
                path = directory.rstrip(b"/") + b"/" + named if directory else named  # empty: here
                inode, error = self._open(path)
                if inode is not None and only_set_id and not inode.mode & 0o4000:
                    inode, error = None, E.ENOENT
                if inode is not None and self._fits(inode):
                    return path, inode
                other_class = other_class or (inode is not None and self._class_differs(inode))
                if inode is None and error not in _PASSED_OVER and not self._is_no_place(directory):
                    break  # the rest of this list is not looked at
            if b"/" not in name:
                error = E.ENOENT
        if other_class:
            return Trouble(named, b"wrong ELF class: ELFCLASS%d" % (32 if self.elf.layout.bits == 64 else 64))
        return Trouble(named, b"cannot open shared object file", error)

    def _wrong(self, name: bytes, path: bytes, inode: Inode) -> Trouble | None:
        """Say what is wrong with a library, in the loader's words; None if it can be loaded."""
        arch = self.machine.arch
        if inode.kind is Kind.DIRECTORY:
            return Trouble(path, b"cannot read file data", E.EISDIR)
        if self.machine.tree.is_bad(inode):
            return Trouble(path, b"cannot read file data", E.EIO)
        if len(inode.data) < self.header_bytes:
            return Trouble(path, b"file too short")
        elf = read_elf(inode.data, arch)
        for test, text, whole in _TESTS:
            if test(elf, self.elf):
                said = text % self.elf.layout.byteorder.encode() if b"%" in text else text
                return Trouble(path if whole else name, said)
        if symbols_of(inode.data, arch).is_program:
            return Trouble(name, b"cannot dynamically load position-independent executable")
        return Trouble(path, kills=True) if _ends_early(elf, arch.page_bytes) else None

    def _places(self, needed_by: Object) -> list[list[bytes]]:
        """Give the lists of directories in order; an RPATH counts for all that is loaded below it."""
        places: list[list[bytes]] = []
        asking: Object | None = needed_by
        while asking is not None and needed_by.elf.runpath is None:
            if asking.elf.runpath is None:
                places.append(self._split(asking.elf.rpath, asking.origin))
            asking = asking.asked_by
        places.append([_expanded(each, self.origin) for each in self.from_environment])
        places.append(self._split(needed_by.elf.runpath, needed_by.origin))
        places.append(list(self.usual))
        return places

    def _split(self, text: str | None, origin: bytes) -> list[bytes]:
        parts = [as_bytes(part) for part in text.split(":")] if text else []
        return [_expanded(part, origin) for part in parts if not (self.secure and b"$" in part)]

    def _open(self, path: bytes) -> tuple[Inode | None, E]:
        """Open a file for reading as open does; gives its inode, or None and why not."""
        process = self.thread.process
        facts = OpenFacts(self.machine, process, path, 0, process.credentials)
        row = OPEN_ERRORS.first(facts)
        return (facts.inode, E.ENOENT) if row is None else (None, row.errno)

    def _is_no_place(self, directory: bytes) -> bool:
        """Tell whether a directory is none: only where it is named from the root does the loader look."""
        if not directory.startswith(b"/"):
            return False
        process = self.thread.process
        found = walk(
            self.machine.tree,
            process.cwd,
            directory,
            process.credentials,
            self.machine.profile.paths,
            root=process.root,
        ).inode
        return found is None or found.kind is not Kind.DIRECTORY

    def _fits(self, inode: Inode) -> bool:
        """Tell whether the search ends here, well or not."""
        if inode.kind is not Kind.FILE or len(inode.data) < self.header_bytes or self.machine.tree.is_bad(inode):
            return True
        elf = read_elf(inode.data, self.machine.arch)
        if not elf.magic_ok:
            return True
        if self._class_differs(inode):
            return False
        identified = not any(test(elf, self.elf) for test, _, _ in _OF_IDENTIFICATION)
        # The version is looked at before the machine, the identification only after it.
        return elf.e_machine == self.elf.e_machine or (identified and elf.e_version != 1)

    def _class_differs(self, inode: Inode) -> bool:
        return inode.data[:4] == b"\x7fELF" and inode.data[4] != (2 if self.elf.layout.bits == 64 else 1)


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
    text = variable(env, b"LD_LIBRARY_PATH")
    return tuple(text.replace(b";", b":").split(b":")) if text else ()


def variable(env: tuple[bytes, ...], name: bytes) -> bytes:
    """Give the last value of a variable, as ld.so takes it; empty if there is none."""
    values = [entry.partition(b"=")[2] for entry in env if entry.startswith(name + b"=")]
    return values[-1] if values else b""


def _origin(machine: Machine, process: Process, path: bytes) -> bytes:
    """Give the directory in which an image lies; where it is not on this machine, the one it was named by."""
    who, limits, root = process.credentials, machine.profile.paths, process.root
    found = walk(machine.tree, process.cwd, path, who, limits, root=root) if path else None
    if found is not None and found.inode is not None and found.parent is not None:
        return vfs.path_of(machine.tree, found.parent.number, root) or b"/"
    return path.rpartition(b"/")[0] or b"/"


def _expanded(directory: bytes, origin: bytes) -> bytes:
    return directory.replace(b"${ORIGIN}", origin).replace(b"$ORIGIN", origin)


def as_bytes(text: str) -> bytes:
    """Give a name of an ELF file as its bytes."""
    return text.encode("utf-8", "surrogateescape")
