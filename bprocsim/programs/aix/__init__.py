"""AIX's commands for processors and resource sets; `COMMANDS` by the names in their images.

Written against the public calls of a process on AIX. Each is fetched when a world first runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from importlib import import_module
from typing import Any

from bprocsim.faces.pyos import Proc
from bprocsim.posix.image import Program

# The room of each command; what runs it is called after the command.
_ROOMS = {
    "attachrset": "attach",
    "bindprocessor": "bindprocessor",
    "detachrset": "attach",
    "execrset": "execrset",
    "lsrset": "lsrset",
    "lssrad": "lssrad",
    "mkrset": "named",
    "ps": "ps",
    "rmrset": "named",
    "smtctl": "smtctl",
}


def _runner(name: str, room: str) -> Callable[[Proc], Generator[Any, Any, Any]]:
    def run(proc: Proc) -> Generator[Any, Any, Any]:
        command = getattr(import_module(f"{__name__}.{room}"), name)
        return (yield from command(proc))

    return run


COMMANDS: dict[str, Program] = {name: Program(_runner(name, room), name) for name, room in _ROOMS.items()}
