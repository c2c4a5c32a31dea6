"""Nodes as BProc's commands see them: which there are, in which state, and which a specification names."""

from __future__ import annotations

from attrs import evolve

from bprocsim.bproc.nodes import state_of
from bprocsim.bproc.nodespec import InState, parse, select
from bprocsim.bproc.records import BprocNodeInfo, BprocNodeSet
from bprocsim.bproc.tools import Tools
from bprocsim.faces.bproc import BprocProc
from bprocsim.faces.errors import CallError
from bprocsim.programs.bproc.command import Ends, Steps


def listed(proc: BprocProc, tools: Tools) -> Steps:
    """List the slaves, with their states by name; gives BprocNodeInfo records. CallError: as bproc_nodelist."""
    found: list[BprocNodeInfo] = []
    if tools.numbered_states:
        yield from proc.bproc_nodelist(found)
        return [evolve(each, status=_name(each.status)) for each in found]
    nodes = BprocNodeSet()
    yield from proc.bproc_nodelist(nodes)
    return nodes.node


def _name(status: int | str) -> str:
    state = state_of(status) if isinstance(status, int) else None
    return str(status) if state is None else state.value


def specified(proc: BprocProc, tools: Tools, text: str) -> Steps:
    """Give the numbers of the nodes that a specification names. Ends: it cannot be read; CallError: as its calls.

    In BProc 4.0 bproc_nodespec does it, which fails alike whether it is the words or the nodes that cannot
    be read. Source: bproc-4.0.0pre8-clients.
    """
    parts = parse(text)
    if parts is None:
        raise Ends(1, wrong(text))
    try:
        if any(isinstance(part, InState) and part.state for part in parts):
            known = yield from listed(proc, tools)
        else:  # so that not every node has to be asked about
            known = [BprocNodeInfo(number) for number in range((yield from proc.bproc_numnodes()))]
    except CallError:
        if tools.numbered_states:
            raise
        raise Ends(1, wrong(text)) from None
    return [each.node for each in select(parts, known)]


def named(text: str, known: list[BprocNodeInfo]) -> list[BprocNodeInfo]:
    """Give those of nodes that a specification names, and the master if it names that. Ends: it cannot be read."""
    parts = parse(text)
    if parts is None:
        raise Ends(1, wrong(text))
    return list(select(parts, known))


def wrong(text: str) -> str:
    """Say that a text names no nodes."""
    return f'Invalid node specification "{text}"'


def refused(call: str, error: CallError) -> Ends:
    """Say which call was refused to a command, as perror does."""
    return Ends(1, f"{call}: {error.error.message}")
