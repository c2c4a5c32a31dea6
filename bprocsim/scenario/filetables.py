"""[[file]], [[directory]], [[link]] and [[mount]]: what is in the file trees before time begins."""

from __future__ import annotations

from typing import Any

import attrs
from attrs import frozen

from bprocsim.posix.elf import Segment
from bprocsim.posix.elfbuild import TYPES
from bprocsim.scenario.commonkinds import ARCH, BYTES, ID, MODE, NAME, NAMES, ON, PATH, PROGRAM, SYSTEM, TEXT, TRUTH
from bprocsim.scenario.kinds import Choice, Either, Integer, Listed, Table, Tables, Text, Word, key


@frozen(kw_only=True)
class _Place:
    """What everything in a file tree has: made before time begins, with the builder's authority."""

    path: str = key(PATH, "absolute; directories on the way are made")
    on: Any = key(ON, 'which nodes: "master", "0-2,5", "all", a number, or a list; left out: the master', None)
    system: str | None = key(SYSTEM, "where, if there are two", None)


@frozen(kw_only=True)
class _Owned(_Place):
    mode: int | None = key(MODE, "permission bits, exactly", None)
    owner: str | None = key(NAME, "the user whose it is; left out: root", None)
    uid: int | None = key(ID, "id of its user, in place of owner", None)
    gid: int | None = key(ID, "id of its group", None)


@frozen(kw_only=True)
class DirectoryTable(_Owned):
    """A directory; one that is there already gets this mode and owner."""


@frozen(kw_only=True)
class LinkTable(_Place):
    """One more name: a symbolic link, or a hard one."""

    target: str = key(Word("a path"), "what it leads to; a symbolic link's need not be there")
    hard: bool = key(TRUTH, "a second name of the file itself", False)


@frozen(kw_only=True)
class MountTable(_Place):
    """An empty file system, mounted before directories and files are made."""

    nosuid: bool = key(TRUTH, "set-id bits do not count there", False)
    noexec: bool = key(TRUTH, "nothing there may be executed", False)
    readonly: bool = key(TRUTH, "programs cannot write there", False)
    nosymfollow: bool = key(TRUTH, "nobody follows a symbolic link that lies there: ELOOP", False)
    foreign_ids: bool = key(TRUTH, "remote, and its ids cannot be translated: AIX executes no set-id file of it", False)
    silent: bool = key(TRUTH, "a remote server does not answer: ETIMEDOUT on AIX, EIO elsewhere", False)


_SegmentTable = attrs.make_class(
    "SegmentTable",
    {
        name: key(Integer(0), f"{name} of the program header", attrs.NOTHING if name == "p_type" else 0)
        for name in Segment._fields
    },
    frozen=True,
    kw_only=True,
)
_SegmentTable.__doc__ = "One entry of the program header table, taken as it is."

_HEADER = {
    "version": "e_version", "entry": "e_entry", "phoff": "e_phoff", "shoff": "e_shoff", "flags": "e_flags",
    "ehsize": "e_ehsize", "phentsize": "e_phentsize", "phnum": "e_phnum", "shentsize": "e_shentsize",
    "shnum": "e_shnum", "shstrndx": "e_shstrndx",
}  # fmt: skip


@frozen(kw_only=True)
class _ImageTable:
    machine: str | int | None = key(ARCH, "whose machine code: a name, or the number in the header", None)
    bits: int | None = key(Integer(32, 64, "32 or 64:"), "width of a word", None)
    byteorder: str | None = key(Choice(("little", "big"), "byte order"), "byte order", None)
    type: str | int | None = key(
        Either({str: Choice(TYPES, "type"), int: Integer(0, 65535)}, "a type of file, or its number"),
        "e_type, by name or number",
        None,
    )
    needed: tuple[str, ...] | None = key(NAMES, "libraries: DT_NEEDED", None)
    interpreters: Any = key(Listed(TEXT, "paths"), "what each PT_INTERP holds: a path, or bytes", None)
    soname: str | None = key(NAME, "DT_SONAME", None)
    rpath: str | None = key(NAME, "DT_RPATH", None)
    runpath: str | None = key(NAME, "DT_RUNPATH", None)
    code: Any = key(TEXT, "the bytes at its entry", None)
    memory_bytes: int | None = key(Integer(1), "what its segments take in memory", None)
    segments: Any = key(Tables(_SegmentTable), "the program header table, as it is", None)
    magic: Any = key(TEXT, "the first 4 bytes", None)
    ident: Any = key(TEXT, "the first 16 bytes", None)
    truncate: int | None = key(BYTES, "how many bytes of the file are kept", None)


ImageTable = attrs.make_class(
    "ImageTable",
    {name: key(Integer(0), f"{field} of the header, right or wrong", None) for name, field in _HEADER.items()},
    bases=(_ImageTable,),
    frozen=True,
    kw_only=True,
)
ImageTable.__doc__ = "The fields of bp.ElfImage: an image made to order, right or wrong."


@frozen(kw_only=True)
class FileTable(_Owned):
    """A file, with one of program, host, text, hex, base64, image and kind for what it is."""

    program: str | None = key(PROGRAM, "a program of ours, or module:function", None)
    needs: tuple[str, ...] | None = key(NAMES, "shared libraries of the program; left out: a static image", None)
    memory_bytes: int | None = key(Integer(1), "what the program takes when loaded", None)
    image: Any = key(Table(ImageTable), "fields of the ELF image, also of a program's or a host's", None)
    host: str | None = key(Word("a path"), "a file of your own computer, relative to this one", None)
    text: str | None = key(Text(), "its contents", None)
    hex: str | None = key(Word("hexadecimal digits, two for each byte"), "its contents, in hexadecimal digits", None)
    base64: str | None = key(Word("base64"), "its contents, in base64", None)
    kind: str | None = key(Choice(("fifo", "socket", "chr", "blk"), "kind"), "a special file", None)
    open_for_write: bool = key(TRUTH, "somebody holds it open for writing", False)
