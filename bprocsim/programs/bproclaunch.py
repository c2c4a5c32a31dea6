"""A flat launch by BProc: the launcher forks on the master, and each child moves itself to its node."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from bprocsim.faces.bproc import BprocProc
from bprocsim.faces.errors import CallError

Steps = Generator[Any, Any, Any]


def flat(proc: BprocProc) -> Steps:
    """Launch `flat NODE,NODE,... IMAGE [ARGUMENT ...]`; gives the greatest exit status, once all have ended."""
    words = proc.argv[1:]
    if len(words) < 2 or not all(node.isdecimal() for node in words[0].split(",")):
        yield from proc.print("usage: flat NODE,NODE,... IMAGE [ARGUMENT ...]", fd=2)
        return 2
    children = []
    for node in words[0].split(","):
        children.append((yield from proc.fork(_move, int(node), words[1:])))
    worst = 0
    for child in children:
        ended = yield from proc.waitpid(child)
        worst = max(worst, ended.exit_status if ended.signal is None else 128 + ended.signal)
    return worst


def _move(proc: BprocProc, node: int, argv: list[str]) -> Steps:
    """Become the image on a node; 127 if that is refused."""
    try:
        yield from proc.bproc_execmove(node, argv[0], argv, proc.env)
    except CallError as error:
        yield from proc.print(f"flat: {error}", fd=2)
        return 127
