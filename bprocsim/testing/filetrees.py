"""Files as data: the calls that make them, for any machine's `fs`."""

from __future__ import annotations

from typing import Any

from attrs import frozen

import bprocsim as bp
from bprocsim.notation import Notated, call_text


@frozen(init=False, repr=False)
class FileTree(Notated):
    """Files as data: `calls` of a machine's `fs` that make them, in order.

    `FileTree(bp.Call("mkdir", "/a"), bp.Call("write_file", "/a/b", b"text")).build(cluster.master.fs)`.
    """

    calls: tuple[bp.Call, ...]

    def __init__(self, *calls: bp.Call) -> None:
        self.__attrs_init__(calls)

    def build(self, fs: Any) -> Any:
        """Make the files; gives `fs`. OSError: what one of the calls does not find as it needs it."""
        for call in self.calls:
            call(fs)
        return fs

    @property
    def paths(self) -> tuple[str, ...]:
        """Give the paths that it makes, in order."""
        return tuple(dict.fromkeys(str(call.args[_PLACE.get(call.name, 0)]) for call in self.calls))

    def notation(self) -> str:
        """Write it as Python."""
        return call_text("bp.testing.FileTree", self.calls, {})


# Which argument of a call is the path that it makes, where that is not the first.
_PLACE = {"symlink": 1, "link": 1}
