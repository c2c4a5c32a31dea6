"""ps -mo THREAD: processes, their threads, and what these are bound to."""

from __future__ import annotations

from typing import Any

from bprocsim.errnos import Errno
from bprocsim.faces.aix import AixProc
from bprocsim.programs.accounts import Accounts, accounts
from bprocsim.programs.aix.command import Command, Misused, Refused, Steps, options_of, pid_of

# The columns of the real command; those that a simulated process has nothing for hold a dash.
# Source: aix-bindprocessor-command (BND, at least).
_COLUMNS = (
    ("USER", 8), ("PID", 7), ("PPID", 7), ("TID", 9), ("ST", 2), ("CP", 3), ("PRI", 3), ("SC", 2), ("WCHAN", 8),
    ("F", 8), ("TT", 6), ("BND", 3),
)  # fmt: skip
_STATES = {"stopped": "T", "zombie": "Z"}
_THREAD_STATES = {"runnable": "R", "stopped": "T"}


def _line(command: str, **known: Any) -> str:
    cells = [f"{known.get(name.lower(), '-'):>{width}}" for name, width in _COLUMNS]
    return " ".join([*cells, command])


HEADER = _line("COMMAND", **{name.lower(): name for name, _ in _COLUMNS})


def _lines(process: Any, threads: list[Any], who: Accounts, of_threads: bool) -> list[str]:
    """Write a process, and each of its threads under it if that is asked for."""
    bound = {thread.bound for thread in threads}
    where = bound.pop() if len(bound) == 1 else None
    lines = [
        _line(
            " ".join(process.argv) or "-", user=who.user(process.uid), pid=process.pid, ppid=process.ppid,
            st=_STATES.get(process.state, "A"), bnd="-" if where is None else where,
        )
    ]  # fmt: skip
    for thread in threads if of_threads else ():
        state = _THREAD_STATES.get(thread.state, "S")
        lines.append(_line("-", tid=thread.tid, st=state, bnd="-" if thread.bound is None else thread.bound))
    return lines


def _ps(proc: AixProc, words: list[str]) -> Steps:
    flags, rest = options_of(words, "aAemo:p:")
    given = dict(flags)
    if rest or "-o" not in given:
        raise Misused
    if given["-o"] != "THREAD":
        raise Misused(f"{given['-o']}: the only format known here is THREAD")
    chosen = {pid_of(text) for text in given.get("-p", "").replace(",", " ").split()}
    if "-p" in given and not chosen:
        raise Misused("A flag requires a parameter: p")
    everybody = bool({"-a", "-A", "-e"} & given.keys())
    lines, who = [HEADER], (yield from accounts(proc))
    for process in (yield from proc.getprocs()):
        if process.pid in chosen if chosen else everybody or process.uid == proc.euid:
            lines += _lines(process, (yield from proc.getthrds(process.pid)), who, "-m" in given)
    yield from proc.print("\n".join(lines))
    if chosen and len(lines) == 1:
        raise Refused(f"{given['-p']}: {Errno.ESRCH.message}")


ps = Command("ps", ("ps [-aAem] -o THREAD [-p pidlist]",), _ps)
