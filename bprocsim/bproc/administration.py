"""Calls that set a node's state: facts, what can be wrong, and what is done."""

from __future__ import annotations

from collections.abc import Callable

from bprocsim.bproc import slaves
from bprocsim.bproc.information import NodeFacts
from bprocsim.bproc.nodes import LEAVING, Event, NodeState, state_of
from bprocsim.bproc.service import Asker
from bprocsim.bproc.slaves import survey_slave

_DOWN = NodeState.DOWN


def survey_status(asker: Asker, number: int, status: int) -> NodeFacts:
    """Gather what a call asks that sets a node's state."""
    return survey_slave(asker, number, state_of(status))


def survey_command(state: NodeState) -> Callable[[Asker, int], NodeFacts]:
    """Make what gathers the facts of a call that has one state in its name."""
    return lambda asker, number: survey_slave(asker, number, state)


def not_administrator(f: NodeFacts) -> bool:
    return not f.asker.who.can("CAP_SYS_ADMIN")


def status_unknown(f: NodeFacts) -> bool:
    return f.value is None


def status_not_settable(f: NodeFacts) -> bool:
    """Only the master itself lets a node boot."""
    return f.value is NodeState.BOOT


def status_is_command(f: NodeFacts) -> bool:
    """Where they are commands of their own, nobody sets these."""
    return f.value in LEAVING


def node_leaves(f: NodeFacts) -> bool:
    """Who is told to leave is not told anything else."""
    return slaves.node_down(f) or (f.node is not None and f.node.state in LEAVING)


def order_status(f: NodeFacts) -> int:
    """Set a node's state as Scyld does: one that is told to leave is in that state until it has left."""
    if f.value not in LEAVING:
        return set_status(f)
    from bprocsim.bproc import boot  # few nodes ever leave

    assert f.node is not None, "every row was tested"
    boot.order(f.asker.master, f.node, f.value)
    return 0


def set_status(f: NodeFacts) -> int:
    """Set a node's state, if it is another than now; some end the node."""
    node = f.node
    assert node is not None, "every row was tested"
    if f.value is not node.state:
        assert f.value is _DOWN or node.may(Event.SET, f.value), f"{node.state} {f.value}"
        f.asker.master.set_state(node, f.value)
    return 0
