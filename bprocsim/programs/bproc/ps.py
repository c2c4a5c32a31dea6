"""ps: the processes that can be seen; on the master also those on the nodes, by their ghosts. Source: procps-ps."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bprocsim.faces.bproc import BprocProc
from bprocsim.programs.accounts import Accounts, accounts
from bprocsim.programs.bproc.command import Ends, Steps, run
from bprocsim.programs.bproc.options import Options
from bprocsim.units import KiB, s

_OPTIONS = Options("eAafp:o:")
_PIDS = re.compile(r"[0-9]{1,9}(?:[ ,]+[0-9]{1,9})*", re.ASCII)

USAGE = "usage: ps [-eAaf] [-p pids] [-o columns], or ps [axuf]"

Cell = Callable[[Any, Accounts], str]


def _seconds(process: Any) -> int:
    return int(process.cpu_ns // s)


def _time(process: Any, _who: Accounts) -> str:
    minutes, seconds = divmod(_seconds(process), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"


def _short_time(process: Any, _who: Accounts) -> str:
    return "{}:{:02}".format(*divmod(_seconds(process), 60))


def _name(process: Any, _who: Accounts) -> str:
    return str(process.cmd) + (" <defunct>" if process.state == "Z" else "")


def _command(process: Any, who: Accounts) -> str:
    """Give the arguments; of a ghost, which has no memory to hold them, the short name in brackets."""
    if process.state == "Z":
        return f"[{process.cmd}] <defunct>"
    return " ".join(process.cmdline) if process.cmdline else f"[{process.cmd}]"


def _unknown(_process: Any, _who: Accounts) -> str:
    """Stand for what a simulated process has nothing for: when it began, its share of the processor."""
    return "-"


def _kib(process: Any, _who: Accounts) -> str:
    return str(process.memory_bytes // KiB)


# By name: the head, the width (negative: to the left), and what stands there. There are no terminals.
_COLUMNS: dict[str, tuple[str, int, Cell]] = {
    "pid": ("PID", 5, lambda p, _: str(p.pid)),
    "ppid": ("PPID", 5, lambda p, _: str(p.ppid)),
    "pgid": ("PGID", 5, lambda p, _: str(p.pgrp)),
    "sid": ("SID", 5, lambda p, _: str(p.session)),
    "uid": ("UID", 5, lambda p, _: str(p.euid)),
    "user": ("USER", -8, lambda p, who: who.user(p.euid)),
    "tty": ("TTY", -8, lambda p, _: "?"),
    "s": ("S", -1, lambda p, _: p.state),
    "stat": ("STAT", -4, lambda p, _: p.state),
    "c": ("C", 2, _unknown),
    "%cpu": ("%CPU", 4, _unknown),
    "%mem": ("%MEM", 4, _unknown),
    "vsz": ("VSZ", 6, _kib),
    "rss": ("RSS", 4, _kib),
    "stime": ("STIME", -5, _unknown),
    "start": ("START", -5, _unknown),
    "time": ("TIME", 8, _time),
    "bsdtime": ("TIME", 6, _short_time),
    "cmd": ("CMD", 0, _name),
    "comm": ("COMMAND", 0, _name),
    "args": ("COMMAND", 0, _command),
}
_USUAL: tuple[str, ...] = ("pid", "tty", "time", "cmd")
# -f calls two columns otherwise.
_FULL: tuple[str, ...] = ("user", "pid", "ppid", "c", "stime", "tty", "time", "args")
_FULL_HEADS = {"user": "UID", "args": "CMD"}
_BSD: tuple[str, ...] = ("pid", "tty", "stat", "bsdtime", "args")
_BSD_USER: tuple[str, ...] = (
    "user", "pid", "%cpu", "%mem", "vsz", "rss", "tty", "stat", "start", "bsdtime", "args",
)  # fmt: skip


def _lines(processes: list[Any], columns: tuple[str, ...], who: Accounts) -> list[str]:
    """Write processes, with a head above."""
    chosen = [_COLUMNS[name] for name in columns]
    heads = _FULL_HEADS if columns is _FULL else {}
    rows = [
        [heads.get(name, _COLUMNS[name][0]) for name in columns],
        *([cell(each, who) for _, _, cell in chosen] for each in processes),
    ]
    lines = []
    for row in rows:
        cells = [
            text.ljust(-width) if width <= 0 else text.rjust(width)
            for text, (_, width, _) in zip(row, chosen, strict=True)
        ]
        lines.append(" ".join(cells).rstrip())
    return lines


def ps(proc: BprocProc) -> Steps:
    """Run it as a program."""

    def main(argv: list[str]) -> Steps:
        words = argv[1:]
        if words and not words[0].startswith("-"):
            letters = set("".join(words))
            if letters - set("axfu"):
                raise Ends(1, USAGE)
            everybody, columns, pids = "a" in letters, _BSD_USER if "u" in letters else _BSD, set[int]()
        else:
            everybody, columns, pids = _asked(argv)
        processes = yield from proc.readproctab()
        shown = [each for each in processes if (each.pid in pids if pids else everybody or each.euid == proc.euid)]
        yield from proc.print("\n".join(_lines(shown, columns, (yield from accounts(proc)))))
        return 0 if shown else 1

    return (yield from run(proc, main))


def _asked(argv: list[str]) -> tuple[bool, tuple[str, ...], set[int]]:
    """Take the options: whether everybody's processes are shown, which columns, which pids alone. Ends: it cannot.

    Columns and pids that are named by several options add up.
    """
    everybody, full, columns, pids = False, False, list[str](), set[int]()
    options = _OPTIONS.of(argv)
    for letter, text in options:
        everybody |= letter in "eAa"
        full |= letter == "f"
        if letter == "o":
            columns += _columns(text)
        elif letter == "p":
            if not _PIDS.fullmatch(text.strip()):
                raise Ends(1, f"ps: -p: expected pids, got {text!r}")
            pids |= {int(word) for word in text.replace(",", " ").split()}
    if options.operands:
        raise Ends(1, USAGE)
    return everybody, tuple(columns) or (_FULL if full else _USUAL), pids


def _columns(text: str) -> list[str]:
    """Take names of columns apart. Ends: there is no such column."""
    names = text.replace(",", " ").split()
    unknown = [name for name in names if name not in _COLUMNS]
    if unknown or not names:
        raise Ends(1, f"ps: unknown column {' '.join(unknown)!r}; there are {' '.join(_COLUMNS)}")
    return names
