"""Nodes as the master sees them: their states, who may move to them, and how states follow."""

from __future__ import annotations

from enum import Enum
from typing import Any

from attrs import define, field, setters

from bprocsim.posix.credentials import Credentials
from bprocsim.posix.vfs import ROOT_NUMBER

NODE_MASTER, NODE_SELF, NODE_NONE, NODE_ANY = -1, -2, -3, -4
STATUS_NONE = -2  # that nothing is known of a state. Source: bproc-common.


class NodeState(Enum):
    """The states of BProc 3.x and Scyld. Sources: sf-bproc-3, scyld-bpctl."""

    DOWN = "down"
    BOOT = "boot"
    UP = "up"
    ERROR = "error"
    UNAVAILABLE = "unavailable"
    REBOOT = "reboot"
    HALT = "halt"
    PWROFF = "pwroff"


# A state of which only its word is known, as an administrator of BProc 4.0 may say it, stands as that word.
State = NodeState | str

# States that mean something in BProc 4.0, where the others are commands or words like any. Source: bproc-bpfs.
_WORDS = {
    each.value: each for each in (NodeState.DOWN, NodeState.BOOT, NodeState.UP, NodeState.ERROR, NodeState.UNAVAILABLE)
}
WORD_MAX = 15  # without the NUL that ends it


def word_of(state: State) -> str:
    """Give the word for a state."""
    return state.value if isinstance(state, NodeState) else state


def state_called(word: str) -> State:
    """Give the state of a word in BProc 4.0."""
    return _WORDS.get(word, word)


# The numbers of the states, in the order in which the manual lists them. Source: scyld-bproc_nodes.
bproc_node_down, bproc_node_unavailable, bproc_node_error, bproc_node_up = 0, 1, 2, 3
bproc_node_reboot, bproc_node_halt, bproc_node_pwroff, bproc_node_boot = 4, 5, 6, 7
_STATUSES = (
    NodeState.DOWN, NodeState.UNAVAILABLE, NodeState.ERROR, NodeState.UP,
    NodeState.REBOOT, NodeState.HALT, NodeState.PWROFF, NodeState.BOOT,
)  # fmt: skip


def status_of(state: State) -> int:
    """Give the number of a state, as calls have it."""
    assert isinstance(state, NodeState), "where states have numbers nobody makes words up"
    return _STATUSES.index(state)


def state_of(status: int) -> NodeState | None:
    """Give the state of a number, None if there is none."""
    return _STATUSES[status] if 0 <= status < len(_STATUSES) else None


class Event(Enum):
    """What moves a node from state to state."""

    CONNECT = "connects"
    SCRIPT_OK = "node_up exits 0"
    SCRIPT_FAILED = "node_up fails"
    LOST = "link lost or ping timeout"
    SET = "set by the administrator"


_SETTABLE = (NodeState.UP, NodeState.ERROR, NodeState.UNAVAILABLE)
LEAVING = (NodeState.REBOOT, NodeState.HALT, NodeState.PWROFF)

# (state, event) -> the states that may follow; the documentation's diagram is drawn from it.
TRANSITIONS: dict[tuple[NodeState, Event], tuple[NodeState, ...]] = {
    (NodeState.DOWN, Event.CONNECT): (NodeState.BOOT,),
    (NodeState.BOOT, Event.SCRIPT_OK): (NodeState.UP,),
    (NodeState.BOOT, Event.SCRIPT_FAILED): (NodeState.ERROR,),
    **{(state, Event.LOST): (NodeState.DOWN,) for state in NodeState if state is not NodeState.DOWN},
    **{(state, Event.SET): (*_SETTABLE, *LEAVING, NodeState.DOWN) for state in (NodeState.BOOT, *_SETTABLE)},
}

# The mode that a state brings with it. Nobody but root gets onto a node that is not up, so it is his; onto one that
# leaves nobody does.
_MODES: dict[NodeState, int] = {
    NodeState.DOWN: 0,
    NodeState.BOOT: 0o100,
    NodeState.UP: 0o111,
    NodeState.ERROR: 0o100,
    NodeState.UNAVAILABLE: 0o100,
    **dict.fromkeys(LEAVING, 0),
}


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Node:
    """One slave as the master knows it: `number`, its `machine`, `state`, and who may move there.

    `parted` the count of the master's partings when its connection last ended; `root` the directory
    of its tree that its daemon has for a root, and with it whoever comes there; `starts` how often it was
    started or stopped by order.
    An up node is root's with mode 0111; only x bits count. `attributes` what BProc 4.0 keeps for whoever
    asks, gone when it is down. Sources: sf-bproc-3, bproc-bpfs.
    """

    number: int
    machine: Any
    state: State = NodeState.UP
    mode: int = 0o111
    uid: int = 0
    gid: int = 0
    parted: int = 0
    root: int = ROOT_NUMBER
    attributes: dict[bytes, bytes] = field(factory=dict)
    starts: int = 0

    def become(self, event: Event, state: NodeState) -> None:
        """Change state along the table, with the rights that come with it."""
        assert self.may(event, state), f"node {self.number}: {self.state} {event} {state}"
        self.state = state
        self.mode = _MODES[state]
        if state is not NodeState.UP:
            self.uid = self.gid = 0
        if state is NodeState.DOWN:
            self.attributes.clear()
            self.root = ROOT_NUMBER

    def be_called(self, state: State) -> None:
        """Take the word that an administrator of BProc 4.0 gives it; who may move there stays. Source: bproc-bpfs."""
        assert NodeState.DOWN not in (self.state, state), f"node {self.number}: {self.state} set {state}"
        self.state = state

    def may(self, event: Event, state: NodeState) -> bool:
        """Tell whether the table allows a change; a word of an administrator's own counts as up."""
        before = self.state if isinstance(self.state, NodeState) else NodeState.UP
        return state in TRANSITIONS.get((before, event), ())

    def permits(self, who: Credentials) -> bool:
        """Tell whether somebody may move a process here."""
        return permits(who, self.mode, self.uid, self.gid)


def permits(who: Credentials, mode: int, uid: int, gid: int) -> bool:
    """Tell whether somebody may move to a node of this mode, owner and group: an ordinary execute check.

    The overriding capability needs at least one x bit. Source: bproc-4.0.0pre8-master.
    """
    if who.overrides and mode & 0o111:
        return True
    if who.euid == uid:
        return bool(mode & 0o100)
    if who.in_group(gid):
        return bool(mode & 0o010)
    return bool(mode & 0o001)
