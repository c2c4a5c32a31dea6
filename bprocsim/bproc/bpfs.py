"""What BProc 4.0 tells of nodes: each is a file of bpfs, with a mode, an owner and attributes.

On the master there is a file for every node; on a slave only its own and the master's, with no more
than an address. Without the master's daemon the files stay as they were. Source: bproc-bpfs.
"""

from __future__ import annotations

from typing import Any

from bprocsim.bproc.information import NodeFacts, describe, survey_node
from bprocsim.bproc.nodes import NODE_MASTER, WORD_MAX, NodeState, state_called, word_of
from bprocsim.bproc.rights import survey_access
from bprocsim.bproc.service import Asker
from bprocsim.bproc.slaves import survey_slave


def _seen(facts: NodeFacts) -> NodeFacts:
    """Leave of what a slave knows only itself and the master."""
    asker = facts.asker
    if not asker.at_home and facts.number not in (NODE_MASTER, asker.machine.number):
        facts.node = None
    return facts


def survey_file(asker: Asker, number: int, out: Any = None) -> NodeFacts:
    """Gather what a call asks about a node's file."""
    return _seen(survey_node(asker, number, out))


def survey_status(asker: Asker, number: int, out: Any, size: int) -> NodeFacts:
    """Gather what bproc_nodestatus asks; its word goes to `out`, where there is room for `size` bytes."""
    facts = survey_file(asker, number, out)
    facts.value = size
    return facts


def survey_use(asker: Asker, number: int, mode: int) -> NodeFacts:
    """Gather what bproc_access asks."""
    return _seen(survey_access(asker, number, mode))


def survey_change(asker: Asker, number: int, value: Any) -> NodeFacts:
    """Gather what a call asks that changes a node's file."""
    return _seen(survey_slave(asker, number, value))


# ---- what can be wrong ------------------------------------------------------------------------------


def not_mounted(f: Any) -> bool:
    """The list of all nodes is a file that slaves do not have."""
    return not f.asker.at_home


def without_state(f: NodeFacts) -> bool:
    return f.number == NODE_MASTER or not f.asker.at_home


def status_too_long_for_buffer(f: NodeFacts) -> bool:
    return f.node is not None and f.value < len(_word(f))


def buffer_unwritable(f: NodeFacts) -> bool:
    return not isinstance(f.out, bytearray)


def status_unreadable(f: NodeFacts) -> bool:
    return not isinstance(f.value, bytes)


def status_too_long(f: NodeFacts) -> bool:
    return isinstance(f.value, bytes) and len(f.value) > WORD_MAX


def status_malformed(f: NodeFacts) -> bool:
    return isinstance(f.value, bytes) and not (f.value.isalnum() and f.value.isascii())


# ---- states -----------------------------------------------------------------------------------------


def _word(f: NodeFacts) -> bytes:
    assert f.node is not None, "every row was tested"
    return word_of(f.node.state).encode() + b"\0"


def fill_status(f: NodeFacts) -> int:
    """Write the word for a node's state, and the NUL that ends it; gives how many bytes."""
    word = _word(f)
    f.out[: len(word)] = word
    return len(word)


def fill_info(f: NodeFacts) -> int:
    """Fill a record with what is known of a node."""
    describe(f.out, f.number, f.node, f.asker, word_of)
    return 0


def set_status(f: NodeFacts) -> int:
    """Give a node's state a word; "down" disconnects it, all others change nothing else."""
    assert f.node is not None, "every row was tested"
    state = state_called(f.value.decode())
    if state != f.node.state:
        f.asker.master.set_state(f.node, state, word=state is not NodeState.DOWN)
    return 0
