"""The files in a user's world that his code is going to execute: found, and changed in place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import evolve, frozen

import bprocsim as bp
from bprocsim.posix.fs import Fs
from bprocsim.posix.vfs import FileTree

_MAY_EXECUTE = 0o111
_SCRIPT_LINE = 256  # bytes of a `#!` line that are read


@frozen
class Place:
    """A file: `number` of the machine (-1 the master, or a partition's own), `path` where it lies there."""

    world: Any
    number: int
    path: str

    @property
    def machine(self) -> Any:
        """Give the machine."""
        return self.world.home if self.number == bp.BPROC_NODE_MASTER else self.world.machine(self.number)

    @property
    def fs(self) -> Fs:
        """Give the machine's files."""
        return Fs(self.machine.tree, self.machine.unix.name)

    @property
    def directory(self) -> str:
        """Give the directory in which it lies."""
        return self.path.rpartition("/")[0] or "/"

    def rewrite(self, data: bytes) -> None:
        """Let it hold something else."""
        status = self.fs.stat(self.path)
        self.fs.write_file(self.path, data, status.mode, status.uid, status.gid)

    def replace_by_link(self, target: str) -> None:
        """Let a symbolic link stand in its place."""
        self.fs.unlink(self.path)
        self.fs.symlink(target, self.path)

    def remount(self, set_id: int = 0, **flags: bool) -> None:
        """Move it to a file system of its own, mounted with these flags, and let a link stand in its place."""
        files, status = self.fs, self.fs.stat(self.path)
        data = files.read_file(self.path)
        there = next(way for n in range(1000) if not files.exists(way := f"/arranged{n}"))
        files.mkdir(there)
        files.mount(there, **flags)
        files.write_file(f"{there}/file", data, status.mode | set_id, status.uid, status.gid)
        self.replace_by_link(f"{there}/file")

    def interpreter(self) -> Place | None:
        """Give the interpreter that it names, by PT_INTERP or by `#!`, None if there is no such file."""
        data = self.fs.read_file(self.path)
        named = b""
        if data.startswith(b"#!"):
            named = (data[2:_SCRIPT_LINE].partition(b"\n")[0].split() or [b""])[0]
        elif data.startswith(b"\x7fELF"):
            found = bp.ElfImage.from_bytes(data).interpreters
            named = (found[0] if isinstance(found[0], bytes) else found[0].encode()) if found else b""
        path = named.rstrip(b"\0").decode("utf-8", "surrogateescape")
        there = path.startswith("/") and self.fs.exists(path) and self.fs.stat(path).kind == "file"
        return evolve(self, path=path) if there else None


def own_programs(world: Any, number: int) -> tuple[Place, ...]:
    """Give the files that may be executed and that no fresh machine has, in the order of their paths."""
    here = Place(world, number, "/")
    machine = here.machine
    fresh = Fs(FileTree(machine.unix.skeleton(machine.arch)), machine.unix.name)
    return tuple(evolve(here, path=path) for path in _executables(here.fs, fresh, ""))


def _executables(files: Fs, fresh: Fs, directory: str) -> Iterator[str]:
    for name in sorted(files.listdir(directory or "/")):
        path = f"{directory}/{name}"
        status = files.lstat(path)
        if status.kind == "directory":
            yield from _executables(files, fresh, path)
        elif status.kind == "file" and status.mode & _MAY_EXECUTE and not fresh.exists(path):
            yield path
