"""Small programs to have something to run: `SAMPLES` by the names that a scenario file gives them.

The first line of each docstring is what users read of it.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from bprocsim.faces.pyos import Proc
from bprocsim.posix.image import Program
from bprocsim.programs.coreutils import false, hostname, true
from bprocsim.signals import Signal
from bprocsim.units import ms

Steps = Generator[Any, Any, Any]


def hello(proc: Proc) -> Steps:
    """Say where it runs, and compute for 2 ms."""
    yield from proc.print(f"hello from node {proc.node}")
    yield from proc.compute(2 * ms)


def talk(proc: Proc) -> Steps:
    """Use all three standard streams."""
    yield from proc.print("result: 42")
    yield from proc.print("warning: it is hot", fd=2)
    data = yield from proc.read(0)
    yield from proc.print(f"I read: {data.decode('utf-8', 'replace') or '(end of file)'}")


def compute(proc: Proc) -> Steps:
    """Compute for as many ms as its first argument says (100), then say so."""
    lasts_ms = _number(proc, 100)
    yield from proc.compute(lasts_ms * ms)
    yield from proc.print(f"computed for {lasts_ms} ms")


def sleep(proc: Proc) -> Steps:
    """Sleep for as many ms as its first argument says (100)."""
    yield from proc.sleep(_number(proc, 100) * ms)


def leave(proc: Proc) -> Steps:
    """Exit with the status that its first argument says (0)."""
    yield from proc.exit(_number(proc, 0))


def abort(proc: Proc) -> Steps:
    """Die of SIGABRT."""
    yield from proc.kill(proc.pid, Signal.SIGABRT)


def echo(proc: Proc) -> Steps:
    """Write its arguments on one line."""
    yield from proc.print(*proc.argv[1:])


def env(proc: Proc) -> Steps:
    """Write its environment, one variable on each line."""
    for name, value in proc.env.items():
        yield from proc.print(f"{name}={value}")


def cat(proc: Proc) -> Steps:
    """Copy stdin to stdout, up to its end."""
    while data := (yield from proc.read(0)):
        yield from proc.write(1, data)


def _number(proc: Proc, usual: int) -> int:
    """Give the first argument as a number; the usual one where it is none."""
    first = proc.argv[1] if len(proc.argv) > 1 else ""
    return int(first) if first.isascii() and first.isdecimal() else usual


SAMPLES: dict[str, Program] = {
    name: Program(function, name)
    for name, function in {
        "abort": abort,
        "cat": cat,
        "compute": compute,
        "echo": echo,
        "env": env,
        "exit": leave,
        "false": false,
        "hello": hello,
        "hostname": hostname,
        "sleep": sleep,
        "talk": talk,
        "true": true,
    }.items()
}
