"""Short words for written cases."""

from __future__ import annotations

from typing import Any

from tests.kernel.case import Case, Entry, Who
from tests.kernel.images import GOOD

ROOT = Who()
USER = Who(1000, 1000)
MEMBER = Who(1000, 1000, groups=(200, 300))  # with supplementary groups
NO_CAPABILITIES = Who(0, 0, capabilities=())


def _path(path: str | bytes) -> bytes:
    return path.encode("utf-8", "surrogateescape") if isinstance(path, str) else path


def file(path: str | bytes, data: bytes = GOOD, mode: int = 0o755, uid: int = 0, gid: int = 0) -> Entry:
    """Make a file, by default a good image."""
    return Entry(_path(path), "file", mode, uid, gid, data)


def folder(path: str | bytes, mode: int = 0o755, uid: int = 0, gid: int = 0) -> Entry:
    """Make a directory."""
    return Entry(_path(path), "dir", mode, uid, gid)


def link(path: str | bytes, target: str | bytes) -> Entry:
    """Make a symbolic link."""
    return Entry(_path(path), "symlink", target=_path(target))


def name_of(path: str | bytes, other: str | bytes) -> Entry:
    """Give a file one more name, `path`."""
    return Entry(_path(path), "hardlink", target=_path(other))


def special(path: str | bytes, kind: str, mode: int = 0o777) -> Entry:
    """Make a fifo, a socket or a device."""
    return Entry(_path(path), kind, mode)


def mount(path: str | bytes, *flags: str) -> tuple[Entry, Entry]:
    """Make a directory and put an empty file system on it."""
    return folder(path), Entry(_path(path), "mount", flags=flags)


def script(path: str | bytes, line: bytes, mode: int = 0o755) -> Entry:
    """Make a file that begins with `#!`."""
    return file(path, b"#!" + line, mode)


def case(id: str, *tree: Entry, cmd: Any = "/x", **rest: Any) -> Case:
    """Make a case; `cmd` may be a str."""
    return Case(id, tree, _path(cmd) if isinstance(cmd, str) else cmd, **rest)
