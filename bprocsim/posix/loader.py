"""ld.so: it finds the libraries of a dynamic image on the machine where the image runs.

A missing or broken library is no error of exec: the loader says so on descriptor 2 and the process
exits with status 127. Sources: glibc-ldso (search order), linux-6.18-measured (messages).
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, frozen, setters

from bprocsim.errnos import Errno as E
from bprocsim.posix import vfs
from bprocsim.posix.arch import Arch
from bprocsim.posix.elf import ET_DYN, ET_EXEC, PT_LOAD, ElfFile
from bprocsim.posix.image import Loaded, read_elf
from bprocsim.posix.machine import Machine
from bprocsim.posix.openfile import OPEN_ERRORS, OpenFacts
from bprocsim.posix.paths import walk
from bprocsim.posix.procs import Process
from bprocsim.posix.vfs import Inode, Kind

FAILED_STATUS = 127

# The only errors that the loader knows by name; of others it gives the number. Source:
# linux-6.18-measured.
_KNOWN = frozenset({E.ENOMEM, E.EINVAL, E.ENOENT, E.EPERM, E.EIO, E.EACCES})
# Those after which it looks into the next directory.
_PASSED_OVER = frozenset({E.ENOENT, E.ENOTDIR, E.EACCES})


@frozen
class Missing:
    """What the loader says of a library: `message` a whole line."""

    message: bytes


@frozen
class Resolved:
    """Which libraries were found, in the order in which they were loaded: (soname, path)."""

    libraries: tuple[tuple[bytes, bytes], ...]


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class _Object:
    """The image or a library: its headers, the directory it lies in, and who asked for it."""

    elf: ElfFile
    origin: bytes
    loader: _Object | None = None


def resolve(machine: Machine, process: Process, image: Loaded) -> Resolved | Missing:
    """Find all that an image needs, breadth first, each library once."""
    search = _Search(machine, process, image)
    main = _Object(image.elf, search.origin)
    found: list[tuple[bytes, bytes]] = []
    wanted = [(_bytes(name), main) for name in image.elf.needed]
    seen: set[bytes] = set()
    while wanted:
        name, needed_by = wanted.pop(0)
        if name in seen:
            continue
        seen.add(name)
        path, inode, error = search.find(name, needed_by)
        if inode is not None and path is not None and error is None:
            error = _wrong(machine, search, name, path, inode)
        if error is not None:
            shown = process.argv[0] if process.argv else b"<program name unknown>"
            return Missing(shown + b": error while loading shared libraries: " + error + b"\n")
        assert path is not None and inode is not None
        found.append((name, path))
        library = _Object(read_elf(inode.data, machine.arch), path.rpartition(b"/")[0] or b"/", needed_by)
        if library.elf.soname is not None:
            seen.add(_bytes(library.elf.soname))
        wanted += [(_bytes(more), library) for more in library.elf.needed]
    return Resolved(tuple(found))


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


def _data(elf: ElfFile) -> int:
    return 1 if elf.layout.byteorder == "little" else 2


def _wrong(machine: Machine, search: _Search, name: bytes, path: bytes, inode: Inode) -> bytes | None:
    """Say what is wrong with a library, in the loader's words; None if it can be loaded."""
    if inode.kind is Kind.DIRECTORY:
        return path + b": cannot read file data: " + _strerror(E.EISDIR)
    if machine.tree.is_bad(inode):
        return path + b": cannot read file data: " + _strerror(E.EIO)
    if len(inode.data) < search.header_bytes:
        return path + b": file too short"
    elf = read_elf(inode.data, machine.arch)
    for test, text, whole in _TESTS:
        if test(elf, search.elf):
            said = text % search.elf.layout.byteorder.encode() if b"%" in text else text
            return (path if whole else name) + b": " + said
    return None


def _strerror(errno: E) -> bytes:
    return errno.message.encode() if errno in _KNOWN else b"Error %d" % errno.number("linux")


# ---- where it is looked for ----------------------------------------------------------------------


class _Search:
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

    def find(self, name: bytes, needed_by: _Object) -> tuple[bytes | None, Inode | None, bytes | None]:
        """Give the path and inode of the first file of that name, or what the loader says.

        A library for another machine or of another class is passed over.
        """
        inode: Inode | None
        error, other_class = E.ENOENT, False
        if self.machine.hides(name):
            places = []
        elif b"/" in name:
            places = [[b""]]
        else:
            places = self._places(needed_by)
        for directories in places:
            for directory in directories:
                path = directory.rstrip(b"/") + b"/" + name if directory else name  # empty: here
                inode, error = self._open(path)
                if inode is not None and self._fits(inode):
                    return path, inode, None
                other_class = other_class or (inode is not None and self._class_differs(inode))
                if inode is None and error not in _PASSED_OVER:
                    break  # the rest of this list is not looked at
            if b"/" not in name and error in _PASSED_OVER:
                error = E.ENOENT
        if other_class:
            return None, None, name + b": wrong ELF class: ELFCLASS%d" % (32 if self.elf.layout.bits == 64 else 64)
        return None, None, name + b": cannot open shared object file: " + _strerror(error)

    def _places(self, needed_by: _Object) -> list[list[bytes]]:
        """Give the lists of directories in order; an RPATH counts for all that is loaded below it."""
        places: list[list[bytes]] = []
        asking: _Object | None = needed_by
        while asking is not None and needed_by.elf.runpath is None:
            if asking.elf.runpath is None:
                places.append(self._split(asking.elf.rpath, asking.origin))
            asking = asking.loader
        places.append([_expanded(each, self.origin) for each in self.from_environment])
        places.append(self._split(needed_by.elf.runpath, needed_by.origin))
        places.append(list(self.usual))
        return places

    def _split(self, text: str | None, origin: bytes) -> list[bytes]:
        parts = [_bytes(part) for part in text.split(":")] if text else []
        return [_expanded(part, origin) for part in parts if not (self.secure and b"$" in part)]

    def _open(self, path: bytes) -> tuple[Inode | None, E]:
        """Open a file for reading as open does; gives its inode, or None and why not."""
        facts = OpenFacts(self.machine, self.thread, path, 0)
        row = OPEN_ERRORS.first(facts)
        return (facts.inode, E.ENOENT) if row is None else (None, row.errno)

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
    for entry in env:
        if entry.startswith(b"LD_LIBRARY_PATH=") and len(entry) > len(b"LD_LIBRARY_PATH="):
            return tuple(entry.partition(b"=")[2].replace(b";", b":").split(b":"))
    return ()


def _origin(machine: Machine, process: Process, path: bytes) -> bytes:
    """Give the directory in which an image lies; where it is not on this machine, the one it was named by."""
    found = walk(machine.tree, process.cwd, path, process.credentials, machine.profile.paths) if path else None
    if found is not None and found.inode is not None and found.parent is not None:
        return vfs.path_of(machine.tree, found.parent.number) or b"/"
    return path.rpartition(b"/")[0] or b"/"


def _expanded(directory: bytes, origin: bytes) -> bytes:
    return directory.replace(b"${ORIGIN}", origin).replace(b"$ORIGIN", origin)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
