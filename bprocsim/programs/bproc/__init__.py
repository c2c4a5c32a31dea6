"""The commands on a master: BProc's own and a few that every Unix has, by the paths that name them.

Written against the public calls of a process on a cluster. Each is fetched when a world first runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from functools import cache
from importlib import import_module
from types import MappingProxyType
from typing import Any

from bprocsim.faces.bproc import BprocProc
from bprocsim.posix.image import Program

# The room of each command, and whether editions differ in it; what runs it is called after the command.
_ROOMS = {
    "/bin/cat": ("coreutils", False),
    "/bin/echo": ("coreutils", False),
    "/bin/false": ("coreutils", False),
    "/bin/hostname": ("coreutils", False),
    "/bin/kill": ("kill", False),
    "/bin/ps": ("bproc.ps", False),
    "/bin/sleep": ("coreutils", False),
    "/bin/true": ("coreutils", False),
    "/usr/bin/bpcp": ("bproc.bpcp", True),
    "/usr/bin/bpctl": ("bproc.bpctl", True),
    "/usr/bin/bpsh": ("bproc.bpsh", True),
    "/usr/bin/bpstat": ("bproc.bpstat", True),
}


def _runner(name: str, room: str, tools: Callable[[], Any] | None) -> Callable[[BprocProc], Generator[Any, Any, Any]]:
    def run(proc: BprocProc) -> Generator[Any, Any, Any]:
        command = getattr(import_module(f"bprocsim.programs.{room}"), name)
        return (yield from command(proc) if tools is None else command(proc, tools()))

    return run


@cache
def commands_of(tools: Callable[[], Any]) -> Mapping[str, Program]:
    """Give the commands that do what `tools()` of an edition says, by their paths: the names in their images too."""
    return MappingProxyType(
        {
            path: Program(_runner(path.rpartition("/")[2], room, tools if differs else None), path)
            for path, (room, differs) in _ROOMS.items()
        }
    )
