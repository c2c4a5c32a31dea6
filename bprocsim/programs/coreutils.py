"""A few commands that every Unix has: cat, echo, false, hostname, sleep, true. Source: gnu-coreutils."""

from __future__ import annotations

import re

from bprocsim.faces.errors import CallError
from bprocsim.faces.pyos import Proc
from bprocsim.programs.files import Steps
from bprocsim.units import s

# How long the words of sleep are: a number, and a unit of so many seconds.
_DURATION = re.compile(r"(?P<number>[0-9]{1,9}(?:\.[0-9]{0,9})?|\.[0-9]{1,9})(?P<unit>[smhd]?)", re.ASCII)
_UNITS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def true(_proc: Proc) -> Steps:
    """Succeed."""
    yield from ()  # so that it is a generator, as every program is
    return 0


def false(_proc: Proc) -> Steps:
    """Fail."""
    yield from ()
    return 1


def _operands(proc: Proc) -> list[str]:
    """Give the words behind a command's name, without a "--" before them; there are no options here."""
    words = proc.argv[1:]
    return words[1:] if words[:1] == ["--"] else words


def echo(proc: Proc) -> Steps:
    """Write the words on one line; with -n first, without its end."""
    words = proc.argv[1:]
    if words[:1] == ["-n"]:
        text = " ".join(words[1:])
        if text:
            yield from proc.write(1, text.encode("utf-8", "surrogateescape"))
    else:
        yield from proc.print(*words)


def cat(proc: Proc) -> Steps:
    """Copy files, or stdin, to stdout; 1 if one cannot be read."""
    status = 0
    for name in _operands(proc) or ["-"]:
        try:
            fd = 0 if name == "-" else (yield from proc.open(name))
            while data := (yield from proc.read(fd)):
                yield from proc.write(1, data)
            if fd:
                yield from proc.close(fd)
        except CallError as error:
            yield from proc.print(f"cat: {name}: {error.error.message}", fd=2)
            status = 1
    return status


def hostname(proc: Proc) -> Steps:
    """Write the machine's name; setting it is refused."""
    if len(proc.argv) > 1:
        yield from proc.print("hostname: the name is that of the node, and cannot be set", fd=2)
        return 1
    yield from proc.print((yield from proc.gethostname()))
    return 0


def sleep(proc: Proc) -> Steps:
    """Let so many seconds pass, or with a unit behind the number minutes, hours, days; several add up."""
    words = _operands(proc)
    if not words:
        yield from proc.print("sleep: missing operand", fd=2)
        return 1
    total_ns = 0
    for word in words:
        found = _DURATION.fullmatch(word)
        if found is None:
            yield from proc.print(f"sleep: invalid time interval `{word}'", fd=2)
            return 1
        whole, _, part = found["number"].partition(".")
        total_ns += (int(whole or 0) * s + int(part.ljust(9, "0")[:9] or 0)) * _UNITS[found["unit"]]
    yield from proc.sleep(total_ns)
    return 0
