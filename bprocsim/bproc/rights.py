"""Who may use a node, and who may say so: facts, what can be wrong, and what is done."""

from __future__ import annotations

from typing import Any

from bprocsim.bproc.information import NodeFacts, survey_node
from bprocsim.bproc.nodes import NODE_MASTER, NodeState, permits, status_of
from bprocsim.bproc.records import BprocNodeInfo
from bprocsim.bproc.service import Asker

X_OK = 1
_X_BITS = 0o111
_UNCHANGED = 0xFFFFFFFF  # (uid_t)-1


def survey_access(asker: Asker, number: int, mode: int) -> NodeFacts:
    """Gather what bproc_access asks."""
    facts = survey_node(asker, number)
    facts.value = mode
    return facts


def survey_info_access(asker: Asker, info: Any, mode: int) -> NodeFacts:
    """Gather what _bproc_access asks, which looks at a record alone."""
    return NodeFacts(asker, out=info, value=mode)


# ---- what can be wrong ------------------------------------------------------------------------------


def mode_invalid(f: NodeFacts) -> bool:
    return bool(f.value & ~_X_BITS)


def not_owner(f: NodeFacts) -> bool:
    return f.node is not None and f.asker.who.euid != f.node.uid and not f.asker.who.can("CAP_FOWNER")


def not_root(f: NodeFacts) -> bool:
    """Only who may give files away may give a node to another user."""
    return not f.asker.who.can("CAP_CHOWN")


def group_not_permitted(f: NodeFacts) -> bool:
    """The owner may give it to a group that he is in."""
    who = f.asker.who
    if f.node is None or who.can("CAP_CHOWN"):
        return False
    return who.euid != f.node.uid or not (_kept(f.value) or who.in_group(f.value & _UNCHANGED))


def owner_not_permitted(f: NodeFacts) -> bool:
    """Of a file, its owner may say that it is his; -1 asks for no change, and nobody is refused that."""
    own = f.node is not None and f.asker.who.euid == f.node.uid == f.value & _UNCHANGED
    return not_root(f) and not own and not _kept(f.value)


def group_of_file_not_permitted(f: NodeFacts) -> bool:
    """Of a file, nobody is refused -1, nor its owner the group that it has, whoever is in that."""
    node = f.node
    own = node is not None and f.asker.who.euid == node.uid and f.value & _UNCHANGED == node.gid
    return group_not_permitted(f) and not own and not _kept(f.value)


def more_than_execute(f: NodeFacts) -> bool:
    return bool(f.value & ~X_OK)


def not_permitted(f: NodeFacts) -> bool:
    """Mode 0 asks only whether there is such a node."""
    if f.number == NODE_MASTER or f.node is None or not f.value & X_OK:
        return False  # moves to the master are never checked
    return f.node.state is NodeState.DOWN or not f.node.permits(f.asker.who)


def info_unreadable(f: NodeFacts) -> bool:
    return not isinstance(f.out, BprocNodeInfo)


def info_not_permitted(f: NodeFacts) -> bool:
    info = f.out
    if not isinstance(info, BprocNodeInfo) or info.node == NODE_MASTER or not f.value & X_OK:
        return False
    return info.status == status_of(NodeState.DOWN) or not permits(f.asker.who, info.mode, info.user, info.group)


# ---- what is done -----------------------------------------------------------------------------------


def allow(_facts: NodeFacts) -> int:
    """Say that it is permitted."""
    return 0


def set_mode(f: NodeFacts) -> int:
    """Say who may move there."""
    assert f.node is not None, "every row was tested"
    f.node.mode = f.value
    f.asker.master.changed()
    return 0


def set_owner(f: NodeFacts) -> int:
    """Give a node to a user; -1 leaves it whose it is."""
    assert f.node is not None, "every row was tested"
    if not _kept(f.value):
        f.node.uid = f.value & _UNCHANGED
        f.asker.master.changed()
    return 0


def set_group(f: NodeFacts) -> int:
    """Give a node to a group; -1 leaves it whose it is."""
    assert f.node is not None, "every row was tested"
    if not _kept(f.value):
        f.node.gid = f.value & _UNCHANGED
        f.asker.master.changed()
    return 0


def _kept(id: int) -> bool:
    return id & _UNCHANGED == _UNCHANGED
