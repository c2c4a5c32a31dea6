"""A file that exec opens, and the way to it: as data, and made."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from attrs import evolve, frozen

import bprocsim as bp
from bprocsim.notation import Notated
from bprocsim.posix.elf import PT_INTERP
from bprocsim.units import KiB

FOREIGN_MACHINE = 20  # ppc, which no node of a cluster here runs
NAME_MAX, INTERPRETER_MAX = 255, 4096


@frozen(repr=False)
class File(Notated):
    """A file that exec opens, and the way to it.

    `directory` where it lies; `name_bytes` of its last component; `links` symbolic links inside
    each other on the way; `missing` it is not there; `beneath` the path goes on below it; `closed`
    the caller may not search its directory; `bad_way` "directory" or "link": what cannot be read
    on the way; `noexec`, `nosuid`, `foreign_ids`, `silent` the flags of its file system; `relative`
    it is named from the root directory, without the slash; `kind` what it is; `executable`, `set_id`
    its mode; `written` somebody writes it; `bad` its contents cannot be read. `content` "elf",
    "script", "text", "empty", ...; of an image `magic` its first four bytes, `foreign` for another
    machine, `malformed` what is wrong with the headers or with PT_INTERP, `interpreters` how many
    PT_INTERP. "elf" stands for whatever format the machine executes.
    """

    directory: str
    name_bytes: int = 4
    links: int = 0
    missing: bool = False
    beneath: bool = False
    closed: bool = False
    bad_way: str = ""
    noexec: bool = False
    nosuid: bool = False
    foreign_ids: bool = False
    silent: bool = False
    relative: bool = False
    kind: str = "file"
    executable: bool = True
    set_id: int = 0
    written: bool = False
    bad: bool = False
    content: str = "elf"
    magic: bytes = b"\x7fELF"
    foreign: bool = False
    malformed: str = ""
    interpreters: int = 0

    @property
    def place(self) -> str:
        """Give where it lies."""
        return f"{self.directory}/{'f' * self.name_bytes}"

    @property
    def path(self) -> str:
        """Give the path by which it is named."""
        named = f"{self.directory}.links/1" if self.links > 1 else self.place
        return named[self.relative :] + "/below" * self.beneath


def make(files: Any, file: File, content: bytes) -> None:
    """Make a file that holds this, its directory, and the links to it."""
    files.mkdir(file.directory)
    if file.noexec or file.nosuid or file.foreign_ids or file.silent:
        files.mount(
            file.directory, noexec=file.noexec, nosuid=file.nosuid, foreign_ids=file.foreign_ids, silent=file.silent
        )
    _make_links(files, file)
    place = _itself(file) if file.links else file.place
    mode = (0o755 if file.executable else 0o644) | file.set_id
    if not file.missing and file.name_bytes <= NAME_MAX:
        if file.kind == "file":
            files.write_file(place, content, mode=mode)
            if file.written:
                files.open_for_write(place)
        elif file.kind == "directory":
            files.mkdir(place, mode=mode)
        else:
            files.mknod(place, file.kind, mode=mode)
    if file.closed:
        files.chmod(file.directory, 0o700)


def _itself(file: File) -> str:
    """Give the place of a file to which links lead."""
    return f"{file.directory}/itself"


def _make_links(files: Any, file: File) -> None:
    """Make links that stand inside each other's targets; the last lies beside the file."""
    if not file.links or file.name_bytes > NAME_MAX:
        return
    files.symlink(_itself(file), file.place)
    if file.links > 1:
        way = f"{file.directory}.links"
        files.mkdir(way)
        for number in range(1, file.links):
            files.symlink(f"{way}/{number + 1}" if number < file.links - 1 else file.place, f"{way}/{number}")


# ---- what is in it ---------------------------------------------------------------------------------


def plain_content(file: File, interpreter: str) -> bytes | None:
    """Give the bytes of a file that is no image, None if it is one; a script names the interpreter."""
    if file.content == "empty":
        return b""
    if file.content in ("text", "long text"):
        return b"no program at all\n" * (1 if file.content == "text" else 8)
    if file.content == "script":
        return b"#!\n" if file.malformed else b"#!" + interpreter.encode() + b" -x\n"
    return None


@lru_cache(maxsize=256)
def elf_content(file: File, interpreters: tuple[str, ...]) -> bytes:
    """Give the bytes of a file that names these interpreters if it names any."""
    plain = plain_content(file, interpreters[0])
    if plain is not None:
        return plain
    image = bp.ElfImage(
        machine=FOREIGN_MACHINE if file.foreign else 62,
        bits=64,
        byteorder="little",
        interpreters=[_PATHS.get(file.malformed, str)(each) for each in interpreters[: file.interpreters]],
        magic=file.magic,
        memory_bytes=64 * KiB,
    )
    if file.malformed in _ELSEWHERE:
        place = _ELSEWHERE[file.malformed]
        moved = [each._replace(p_offset=place) if each.p_type == PT_INTERP else each for each in image.segments]
        return evolve(image, segments=moved, memory_bytes=None).to_bytes()
    return evolve(image, **_MALFORMED.get(file.malformed, {})).to_bytes()


# What makes of good headers ones that no kernel takes.
_MALFORMED: dict[str, dict[str, Any]] = {
    "type": {"type": "REL"},
    "entry size": {"phentsize": 60},
    "no entries": {"phnum": 0},
    "too many entries": {"phnum": 2000},
    "table elsewhere": {"phoff": 1 << 40},
    "negative table": {"phoff": 1 << 63},
    "short": {"truncate": 40},
}

# What makes of a good path in PT_INTERP one that no kernel takes: without the NUL that ends it, too
# long, or too short even for its NUL; and places where it is not.
_PATHS: dict[str, Callable[[str], str | bytes]] = {
    "interpreter": lambda path: path.encode(),
    "long interpreter": lambda path: path.encode().ljust(INTERPRETER_MAX + 1, b"\0"),
    "short interpreter": lambda path: b"\0",
}
_ELSEWHERE = {"interpreter elsewhere": 1 << 40, "negative interpreter": 1 << 63}
