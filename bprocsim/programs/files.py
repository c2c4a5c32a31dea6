"""Files as programs of ours read them."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from bprocsim.faces.pyos import Proc

Steps = Generator[Any, Any, Any]


def read_all(proc: Proc, fd: int) -> Steps:
    """Read a descriptor to its end; gives bytes. CallError: as read."""
    data = b""
    while piece := (yield from proc.read(fd)):
        data += piece
    return data


def contents(proc: Proc, path: str) -> Steps:
    """Give the bytes of a file. CallError: as open and read."""
    fd = yield from proc.open(path)
    try:
        return (yield from read_all(proc, fd))
    finally:
        yield from proc.close(fd)
