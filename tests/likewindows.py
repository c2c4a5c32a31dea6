"""A stand-in for Windows: what it lacks is taken away, so that what would fail there fails here.

Our own modules, tests and examples cannot import what only POSIX systems have (Python's own and
third parties still can, for they know what they run on), `os` has lost its forks and their like, and
what is started prints in cp1252. `pytest --like-windows` runs the tests so.
"""

from __future__ import annotations

import builtins
import os
from collections.abc import Mapping, Sequence
from typing import Any

MODULES = frozenset(
    ["crypt", "curses", "fcntl", "grp", "nis", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"]
)
FUNCTIONS = (
    "fork", "forkpty", "register_at_fork", "chroot", "mkfifo", "mknod", "killpg", "nice", "getpgid", "getpgrp",
    "getsid", "setpgid", "setsid", "geteuid", "getegid", "getgroups", "setuid", "setgid", "seteuid", "setegid",
    "setgroups", "wait", "wait3", "wait4", "waitid", "openpty", "pipe2", "sched_getaffinity",
)  # fmt: skip
OURS = ("bprocsim", "tests", "examples", "conftest", "__main__")


def install() -> None:
    """Take it all away, for the rest of this Python's life."""
    usual = builtins.__import__

    def guarded(
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        importer = str((globals or {}).get("__name__", ""))
        if level == 0 and name.partition(".")[0] in MODULES and importer.partition(".")[0] in OURS:
            raise ModuleNotFoundError(f"No module named {name!r} (like on Windows)", name=name)
        return usual(name, globals, locals, fromlist or (), level)

    builtins.__import__ = guarded
    for function in FUNCTIONS:
        if hasattr(os, function):
            delattr(os, function)
    os.environ["PYTHONIOENCODING"] = "cp1252"
