"""Launches by BProc: flat, where each child of the launcher moves itself, and by the tree of bproc_vexecmove."""

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


def tree(proc: BprocProc) -> Steps:
    """Launch `tree NODE,NODE,... IMAGE` by one call; gives the greatest exit status, once all have ended.

    A node that is there several times gets the image once, as `IMAGE EACH MORE`: the first MORE of the
    nodes are to have EACH + 1 copies of it, all others EACH; see `spread`. So they stand there in turns.
    """
    words = proc.argv[1:]
    if len(words) != 2 or not all(node.isdecimal() for node in words[0].split(",")):
        yield from proc.print("usage: tree NODE,NODE,... IMAGE", fd=2)
        return 2
    places = [int(node) for node in words[0].split(",")]
    nodes = list(dict.fromkeys(places))
    each, more = divmod(len(places), len(nodes))
    argv = [words[1]] if len(places) == len(nodes) else [words[1], str(each), str(more)]
    pids: list[int] = []
    env = {**proc.env, "BPROC_RANK": "XXXXXXX"}
    yield from proc.bproc_vexecmove(len(nodes), nodes, pids, words[1], argv, env)
    worst = 0
    for node, pid in zip(nodes, pids, strict=True):
        if pid <= 0:
            worst = 127
            reason = (yield from proc.bproc_strerror(pid)) if pid else "not tried"
            yield from proc.print(f"tree: {node}: {reason}", fd=2)
    for pid in pids:
        if pid > 0:
            ended = yield from proc.waitpid(pid)
            worst = max(worst, ended.exit_status if ended.signal is None else 128 + ended.signal)
    return worst


def spread(proc: BprocProc) -> Steps:
    """End at once; as `spread EACH MORE` first make as many copies on this node as its rank is to have."""
    if len(proc.argv) < 3:
        return 0
    each, more = map(int, proc.argv[1:3])
    copies = each + (int(proc.env["BPROC_RANK"]) < more) - 1
    for _ in range(copies):
        yield from proc.fork(_ends)
    for _ in range(copies):
        yield from proc.wait()
    return 0


def _ends(_proc: BprocProc) -> int:
    """End at once."""
    return 0


def _move(proc: BprocProc, node: int, argv: list[str]) -> Steps:
    """Become the image on a node; 127 if that is refused."""
    try:
        yield from proc.bproc_execmove(node, argv[0], argv, proc.env)
    except CallError as error:
        yield from proc.print(f"flat: {error}", fd=2)
        return 127
