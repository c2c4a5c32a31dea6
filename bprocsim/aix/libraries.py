"""The shared libraries of an XCOFF image: where they are looked for, and what is wrong with one.

Sources: aix-exec-errors, aix-loader-messages.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, cast

from attrs import define, frozen, setters

from bprocsim.aix.archive import is_archive, read_members
from bprocsim.aix.images import memory_of
from bprocsim.aix.xcoff import F_SHROBJ, Import, XcoffFile
from bprocsim.errnos import Errno as E
from bprocsim.posix.arch import Arch
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.image import read_elf
from bprocsim.posix.paths import Stop, walk
from bprocsim.posix.vfs import READ, Inode, Kind, permits

USUAL_DIRECTORIES = (b"/usr/lib", b"/lib")
# What the kernel itself gives.
KERNEL = "/unix"

# What stops a walk, as an errno: the first that holds.
_OF_STOPS = {
    Stop.STALE: E.ESTALE,
    Stop.TIMED_OUT: E.ETIMEDOUT,
    Stop.SEARCH_DENIED: E.EACCES,
    Stop.NAME_TOO_LONG: E.ENAMETOOLONG,
    Stop.ABSENT: E.ENOENT,
    Stop.NOT_A_DIRECTORY: E.ENOTDIR,
    Stop.TOO_MANY_LINKS: E.ELOOP,
    Stop.IO_ERROR: E.EIO,
}


@frozen
class Trouble:
    """Why a library cannot be loaded.

    `chain` the modules that need each other, the image's own need first and the one in question
    last; `errno` what is wrong; `member` the one that its archive has not, `no_archive` the file
    that should be one, `foreign` it is a module, but none that this image can use.
    """

    chain: tuple[str, ...]
    errno: E
    member: str = ""
    no_archive: str = ""
    foreign: bool = False


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Loader:
    """Who loads: `machine`, the credentials `who` and the directory `cwd` of the process, its `libpath`."""

    machine: Any
    who: Credentials
    cwd: int
    libpath: tuple[bytes, ...]

    def trouble(self, image: XcoffFile) -> Trouble | None:
        """Load all that an image needs, each module once, those of a module before its neighbours'; tell what fails."""
        loaded: set[tuple[str, str]] = set()
        waiting: list[tuple[Import, tuple[str, ...]]] = [(each, ()) for each in reversed(_needs(image))]
        while waiting:
            needed, chain = waiting.pop()
            found = self._load(needed, image, chain)
            if isinstance(found, Trouble):
                return found
            path, module = found
            if (path, needed.member) not in loaded:
                loaded.add((path, needed.member))
                name = f"{path}({needed.member})" if needed.member else path
                waiting += [(each, (*chain, name)) for each in reversed(_needs(module))]
        return None

    def _load(self, needed: Import, image: XcoffFile, chain: tuple[str, ...]) -> tuple[str, XcoffFile] | Trouble:
        """Give the path and the module of one import file, or why there is none."""
        found = self._find(needed, image)
        if isinstance(found, E):
            return Trouble((*chain, needed.name), found)
        path, inode = found
        shown = path.decode("utf-8", "surrogateescape")
        named = f"{shown}({needed.member})" if needed.member else shown
        wrong = self._wrong(inode)
        if wrong is not None:
            return Trouble((*chain, named), wrong)
        data = inode.data
        if needed.member:
            if not is_archive(data):
                return Trouble((*chain, named), E.ENOEXEC, no_archive=shown)
            members = _members(data)
            if needed.member not in members:
                return Trouble((*chain, named), E.ENOENT, member=needed.member)
            data = members[needed.member]
        module = _module(data, self.machine.arch)
        if not _fits(module, image):
            return Trouble((*chain, named), E.ENOEXEC, foreign=True)
        if memory_of(self.machine.arch, module) > self.machine.memory.total_bytes:
            return Trouble((*chain, named), E.ENOMEM)
        return shown, module

    def _find(self, needed: Import, image: XcoffFile) -> tuple[bytes, Inode] | E:
        """Give the first file of an import file's name, or the first thing that is worse than its absence."""
        machine = self.machine
        base = needed.base.encode("utf-8", "surrogateescape")
        if any(machine.hides(each.encode("utf-8", "surrogateescape")) for each in (needed.name, needed.base)):
            return E.ENOENT
        worse: E | None = None
        for directory in self._places(needed, image):
            path = directory.rstrip(b"/") + b"/" + base if directory else base
            limits = machine.profile.paths
            if limits.too_long(path):
                worse = worse or E.ENAMETOOLONG
                continue
            found = walk(machine.tree, self.cwd, path, self.who, limits)
            if found.inode is not None:
                return path, found.inode
            errno = next(_OF_STOPS[stop] for stop in found.stops)
            if errno is not E.ENOENT:
                worse = worse or errno
        return worse or E.ENOENT

    def _places(self, needed: Import, image: XcoffFile) -> Iterator[bytes]:
        """Give the directories: the one that is named, or LIBPATH, the image's own, and the usual ones."""
        if needed.path:
            yield needed.path.encode("utf-8", "surrogateescape")
            return
        yield from self.libpath
        if image.libpath:
            yield from image.libpath.encode("utf-8", "surrogateescape").split(b":")
        yield from USUAL_DIRECTORIES

    def _wrong(self, inode: Inode) -> E | None:
        """Tell what is wrong with a library's file before it is read."""
        if inode.kind is not Kind.FILE or not permits(inode, self.who, READ):
            return E.EACCES
        if inode.writers:
            return E.ETXTBSY
        return E.EIO if self.machine.tree.is_bad(inode) else None


def _module(data: bytes, arch: Arch) -> XcoffFile:
    return cast("XcoffFile", read_elf(data, arch))


def _needs(module: XcoffFile) -> list[Import]:
    return [each for each in module.imports if each.name != KERNEL]


def _fits(module: XcoffFile, image: XcoffFile) -> bool:
    """Tell whether a file is a shared object of the image's own width."""
    return module.magic_ok and module.f_magic == image.f_magic and bool(module.f_flags & F_SHROBJ)


@lru_cache(maxsize=64)
def _members(data: bytes) -> dict[str, bytes]:
    """Read an archive; the same bytes are read once."""
    return read_members(data)


def libpath_of(env: tuple[bytes, ...], secure: bool) -> tuple[bytes, ...]:
    """Give the directories of LIBPATH; a program with other ids takes none."""
    if secure:
        return ()
    text = next((each[8:] for each in env if each.startswith(b"LIBPATH=")), b"")
    return tuple(text.split(b":")) if text else ()
