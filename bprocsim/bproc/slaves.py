"""What every call asks that changes something about a slave: which it is, whether it is there, who asks from where."""

from __future__ import annotations

from typing import Any

from bprocsim.bproc.information import NodeFacts
from bprocsim.bproc.nodes import NodeState
from bprocsim.bproc.service import Asker


def survey_slave(asker: Asker, number: int, value: Any) -> NodeFacts:
    """Gather what a call asks that changes something about a slave."""
    return NodeFacts(asker, number, asker.master.node(number), value=value)


def from_slave(f: NodeFacts) -> bool:
    return not f.asker.at_home


def slave_unknown(f: NodeFacts) -> bool:
    return f.node is None


def node_down(f: NodeFacts) -> bool:
    return f.node is not None and f.node.state is NodeState.DOWN
