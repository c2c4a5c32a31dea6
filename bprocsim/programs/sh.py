"""A small shell: enough for `#!` scripts and for what exec hands to it."""

from __future__ import annotations

import shlex
from collections.abc import Generator
from typing import Any

from bprocsim.faces.errors import CallError
from bprocsim.faces.pyos import Proc

Steps = Generator[Any, Any, Any]


def sh(proc: Proc) -> Steps:
    """Run `-c COMMAND`, a script named as first argument, or stdin, line by line."""
    arguments = proc.argv[1:]
    if arguments[:1] == ["-c"]:
        text = arguments[1] if len(arguments) > 1 else ""
    elif arguments:
        text = yield from _script(proc, arguments[0])
        if text is None:
            yield from proc.print(f"sh: 0: cannot open {arguments[0]}: No such file", fd=2)
            return 2
    else:
        text = (yield from _read_all(proc, 0)).decode("utf-8", "surrogateescape")
    status = 0
    for number, line in enumerate(text.replace(";", "\n").splitlines(), 1):
        status = yield from _line(proc, line.strip(), number, status)
    return status


def _script(proc: Proc, path: str) -> Steps:
    """Give a script's text; one that travelled in the image is read from memory."""
    image = proc.thread.process.image
    if image is not None and image.script is not None and image.script_path.decode("utf-8", "surrogateescape") == path:
        return image.script.decode("utf-8", "surrogateescape")
    try:
        fd = yield from proc.open(path)
        data = yield from _read_all(proc, fd)
    except CallError:  # absent, unreadable, a directory, ...
        return None
    yield from proc.close(fd)
    return data.decode("utf-8", "surrogateescape")


def _read_all(proc: Proc, fd: int) -> Steps:
    data = b""
    while piece := (yield from proc.read(fd)):
        data += piece
    return data


def _line(proc: Proc, line: str, number: int, status: int) -> Steps:
    """Run one command; gives its status."""
    if not line or line.startswith("#"):
        return status
    try:
        words = shlex.split(line)
    except ValueError as error:
        yield from proc.print(f"sh: {number}: Syntax error: {error}", fd=2)
        return 2
    if words[0] == "exit":
        yield from proc.exit(int(words[1]) if len(words) > 1 and words[1].isdecimal() else status)
    if words[0] in ("true", ":"):
        return 0
    if words[0] == "false":
        return 1
    if words[0] == "echo":
        yield from proc.print(*words[1:])
        return 0
    return (yield from _command(proc, words, number))


def _command(proc: Proc, words: list[str], number: int) -> Steps:
    def child(inner: Proc) -> Steps:
        try:
            yield from inner.execvp(words[0], words)
        except CallError as error:
            missing = error.error.name == "ENOENT"
            said = "not found" if missing else error.error.message
            yield from inner.print(f"sh: {number}: {words[0]}: {said}", fd=2)
            return 127 if missing else 126

    pid = yield from proc.fork(child)
    waited = yield from proc.waitpid(pid)
    return 128 + waited.signal if waited.signal is not None else waited.exit_status
