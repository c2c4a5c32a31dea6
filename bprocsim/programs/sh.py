"""A small shell: enough for `#!` scripts and for what exec hands to it.

It knows simple commands, `;` and newlines, quotes, comments, parameters ($1, $@, $?, $$, $NAME), and
the builtins `:` true false echo exit exec kill. Whatever else a shell knows it refuses by name.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from typing import Any

from bprocsim.faces.errors import CallError
from bprocsim.faces.pyos import Proc
from bprocsim.programs.files import read_all
from bprocsim.programs.kill import Misread, listed, words_of

Steps = Generator[Any, Any, Any]

# What it has no use for: pipes, redirections, subshells, patterns, jobs.
_UNKNOWN = frozenset("|&<>()`*[]{}~")
# Why a command cannot be run: what counts as not found (127, else 126), and what is said to be. Source:
# linux-6.18-measured.
_NOT_FOUND = frozenset({"ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG"})
_ABSENT = frozenset({"ENOENT", "ENOTDIR"})
_PARAMETER = re.compile(r"\$(?:\{(\w+|[?$@#])\}|([A-Za-z_]\w*|[0-9?$@#]))")


class _Refused(Exception):
    """A line says something that this shell does not understand."""


class _Shell:
    """One run of the shell: `number` the line that it is at, `status` that of the last command."""

    def __init__(self, proc: Proc, arguments: list[str]) -> None:
        self.proc = proc
        self.arguments = arguments
        self.number = 0
        self.status = 0

    def complain(self, text: str) -> Any:
        """Say on descriptor 2 what is wrong, and where."""
        return self.proc.print(f"{self.arguments[0]}: {self.number}: {text}", fd=2)

    # ---- words ----

    def commands(self, line: str) -> Iterator[list[str]]:
        """Split a line into commands, and these into words, each when it is asked for. _Refused: it cannot."""
        words: list[str] = []
        word: str | None = None
        place = 0
        while place < len(line):
            here = line[place]
            if here in " \t;" or (here == "#" and word is None):
                if word is not None:
                    words.append(word)
                    word = None
                if here == "#":
                    break
                if here == ";":
                    yield words
                    words = []
                place += 1
            elif here == "$" and (found := _PARAMETER.match(line, place)):
                place = found.end()
                values = self.parameter(found[1] or found[2])
                if len(values) > 1:
                    words += [(word or "") + values[0], *values[1:-1]]
                    word = values[-1]
                elif values and values[0]:
                    word = (word or "") + values[0]
            elif here in "'\"\\":
                more, place = self._quoted(line, place, words)
                word = (word or "") + more
            elif here in _UNKNOWN:
                raise _Refused(f'"{here}" is not understood by this small shell')
            else:
                word = (word or "") + here
                place += 1
        if word is not None:
            words.append(word)
        yield words

    def _quoted(self, line: str, place: int, words: list[str]) -> tuple[str, int]:
        """Read what a quote or a backslash begins; gives its text and the place behind it."""
        quote = line[place]
        if quote == "\\":
            return line[place + 1 : place + 2], place + 2
        end = place + 1
        text = ""
        while line[end : end + 1] != quote:
            if end >= len(line):
                raise _Refused("Syntax error: Unterminated quoted string")
            found = _PARAMETER.match(line, end) if quote == '"' else None
            if found is not None:
                values = self.parameter(found[1] or found[2])
                words += [text + values[0], *values[1:-1]] if len(values) > 1 else []
                text = values[-1] if len(values) > 1 else text + "".join(values)
                end = found.end()
            elif quote == '"' and line[end] == "\\" and line[end + 1 : end + 2] in ('"', "\\", "$", "`"):
                text += line[end + 1]
                end += 2
            else:
                text += line[end]
                end += 1
        return text, end + 1

    def parameter(self, name: str) -> list[str]:
        """Give what a parameter stands for; "@" is one for each argument."""
        if name == "@":
            return self.arguments[1:]
        if name == "#":
            return [str(len(self.arguments) - 1)]
        if name.isdecimal():
            return self.arguments[int(name) : int(name) + 1]
        if name in "?$":
            return [str(self.status if name == "?" else self.proc.pid)]
        return [self.proc.env.get(name, "")]

    # ---- commands ----

    def run(self, text: str) -> Steps:
        """Run a text line by line; gives the last status."""
        for number, line in enumerate(text.split("\n"), 1):
            self.number = number
            try:
                list(self.commands(line))  # nothing of a line is run that is wrong somewhere
                for words in filter(None, self.commands(line)):
                    self.status = yield from self.command(words)
            except _Refused as error:
                yield from self.complain(str(error))
                return 2
        return self.status

    def command(self, words: list[str]) -> Steps:
        """Run one command; gives its status."""
        match words:
            case [":" | "true", *_]:
                return 0
            case ["false", *_]:
                return 1
            case ["echo", "-n", *rest]:
                yield from self.proc.write(1, " ".join(rest).encode("utf-8", "surrogateescape"))
                return 0
            case ["echo", *rest]:
                yield from self.proc.print(*rest)
                return 0
            case ["kill", *rest]:
                return (yield from self.kill(rest))
            case ["exit", *rest]:
                if rest and not rest[0].isdecimal():
                    raise _Refused(f"exit: Illegal number: {rest[0]}")
                yield from self.proc.exit(int(rest[0]) if rest else self.status)
            case ["exec", program, *rest]:
                yield from self.proc.exit((yield from self.become(self.proc, [program, *rest], "exec: ")))

        def child(proc: Proc) -> Steps:
            return (yield from self.become(proc, words))

        waited = yield from self.proc.waitpid((yield from self.proc.fork(child)))
        return 128 + waited.signal if waited.signal is not None else waited.exit_status

    def kill(self, words: list[str]) -> Steps:
        """Send a signal to processes, or list signals; gives 1 if one could not be sent, 2 if the words are none."""
        try:
            names = listed(words)
            if names is not None:
                yield from self.proc.print("\n".join(names))
                return 0
            signum, pids = words_of(words)
        except Misread as error:
            yield from self.complain(f"kill: {error}")
            return 2
        status = 0
        for pid in pids:
            try:
                yield from self.proc.kill(pid, signum)
            except CallError as error:
                yield from self.complain(f"kill: {error.error.message}")
                status = 1
        return status

    def become(self, proc: Proc, words: list[str], where: str = "") -> Steps:
        """Let a process become a command; gives the status with which it ends if it cannot."""
        try:
            yield from proc.execvp(words[0], words)
        except CallError as error:
            said = "not found" if error.error.name in _ABSENT else error.error.message
            yield from proc.print(f"{self.arguments[0]}: {self.number}: {where}{words[0]}: {said}", fd=2)
            return 127 if error.error.name in _NOT_FOUND else 126


def sh(proc: Proc) -> Steps:
    """Run `-c COMMAND`, a script named as first argument, or stdin, line by line."""
    itself, arguments = (proc.argv or ["sh"])[0], proc.argv[1:]
    if arguments[:1] == ["-c"]:
        text = arguments[1] if len(arguments) > 1 else ""
        arguments = arguments[2:] or [itself]
    elif arguments:
        try:
            text = yield from _script(proc, arguments[0])
        except CallError as error:
            said = "No such file" if error.error.name in _ABSENT else error.error.message
            yield from proc.print(f"{itself}: 0: cannot open {arguments[0]}: {said}", fd=2)
            return 2
    else:
        text = (yield from read_all(proc, 0)).decode("utf-8", "surrogateescape")
        arguments = [itself]
    return (yield from _Shell(proc, arguments).run(text))


def _script(proc: Proc, path: str) -> Steps:
    """Give a script's text; one that travelled in the image is read from memory. CallError: it cannot be opened."""
    image = proc.thread.process.image
    if image is not None and image.script is not None and image.script_path.decode("utf-8", "surrogateescape") == path:
        return image.script.decode("utf-8", "surrogateescape")
    fd = yield from proc.open(path)
    try:
        data = yield from read_all(proc, fd)
    except CallError:  # a directory, a bad sector: what cannot be read is not there
        data = b""
    yield from proc.close(fd)
    return data.decode("utf-8", "surrogateescape")
