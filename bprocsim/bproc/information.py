"""What calls tell of nodes: their facts, what can be wrong with them, and their answers.

All that a caller on a slave is told, its own kernel knows: no message is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, setters

from bprocsim.bproc.nodes import NODE_MASTER, NODE_NONE, NODE_SELF, Node, NodeState, State, status_of
from bprocsim.bproc.records import NO_ADDRESS, BprocAddress, BprocNodeInfo, BprocVersion
from bprocsim.bproc.service import Asker
from bprocsim.errnos import message_of
from bprocsim.faces.arguments import is_quad
from bprocsim.posix.network import Address

# What the version's byte says of a node's architecture, and what stands before it. Source: bproc-common.
_ARCHES = {"i386": 1, "alpha": 2, "ppc": 3, "x86-64": 4, "ppc64": 5}
_MAGIC = b"BPr"

_MASTERS_MODE = 0o111


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class NodeFacts:
    """What a call about a node asks: `number` the node's (SELF is the caller's), `node` a slave's record.

    `out` what is to be filled; `value` what else the caller gave.
    """

    asker: Asker
    number: int = NODE_NONE
    node: Node | None = None
    out: Any = None
    value: Any = None


def survey_nothing(asker: Asker) -> NodeFacts:
    """Gather what a call without arguments asks."""
    return NodeFacts(asker)


def survey_out(asker: Asker, out: Any) -> NodeFacts:
    """Gather what a call asks that only fills something."""
    return NodeFacts(asker, out=out)


def survey_value(asker: Asker, value: Any) -> NodeFacts:
    """Gather what a call asks that is given a name, an address or a pid."""
    return NodeFacts(asker, value=value)


def survey_node(asker: Asker, number: int, out: Any = None) -> NodeFacts:
    """Gather what a call asks about a node, which the master and the caller's own may be too."""
    if number == NODE_SELF:
        number = asker.machine.number
    return NodeFacts(asker, number, asker.master.node(number), out)


def subject_of(f: NodeFacts) -> str:
    """Name the node that a failure is about."""
    return f"node {f.number}" if f.number != NODE_NONE else ""


# ---- what can be wrong ------------------------------------------------------------------------------


def no_master(f: Any) -> bool:
    return bool(f.asker.without_master)


def module_absent(f: Any) -> bool:
    return bool(f.asker.without_module)


def out_of_memory(f: Any) -> bool:
    return bool(f.asker.short_of_memory)


def node_unknown(f: NodeFacts) -> bool:
    return f.node is None and f.number != NODE_MASTER


def node_without_address(f: NodeFacts) -> bool:
    return f.node is not None and f.node.state is NodeState.DOWN


def info_unwritable(f: NodeFacts) -> bool:
    return not isinstance(f.out, BprocNodeInfo)


def list_unwritable(f: Any) -> bool:
    return not isinstance(f.out, list)


def addr_unwritable(f: NodeFacts) -> bool:
    return not isinstance(f.out, BprocAddress)


def version_unwritable(f: NodeFacts) -> bool:
    return not isinstance(f.out, BprocVersion)


# ---- answers ----------------------------------------------------------------------------------------


def tell_count(f: NodeFacts) -> int:
    """Give how many slaves there are."""
    return f.asker.master.node_count


def tell_own_number(f: NodeFacts) -> int:
    """Give the number of the caller's node."""
    return int(f.asker.machine.number)


def tell_status(f: NodeFacts) -> int:
    """Give a node's state as a number."""
    return status_of(NodeState.UP if f.node is None else f.node.state)


def fill_info(f: NodeFacts) -> int:
    """Fill a record with what is known of a node."""
    describe(f.out, f.number, f.node, f.asker)
    return 0


Said = Callable[[State], int | str]  # how a state is told


def describe(info: BprocNodeInfo, number: int, node: Node | None, asker: Asker, said: Said = status_of) -> None:
    """Fill a record with what is known of a node, None the master."""
    info.node, info.status, info.mode, info.user, info.group, info.addr = _known(number, node, asker, said)


def description(number: int, node: Node | None, asker: Asker, said: Said = status_of) -> BprocNodeInfo:
    """Make a record of what is known of a node, None the master."""
    return BprocNodeInfo(*_known(number, node, asker, said))


def _known(number: int, node: Node | None, asker: Asker, said: Said) -> tuple[int, int | str, int, int, int, Address]:
    if node is None:
        return number, said(NodeState.UP), _MASTERS_MODE, 0, 0, Address(asker.master.machine.address, 0)
    addr = NO_ADDRESS if node.state is NodeState.DOWN else Address(node.machine.address, 0)
    return number, said(node.state), node.mode, node.uid, node.gid, addr


def fill_list(f: NodeFacts) -> int:
    """Fill a list with a record for each slave; gives how many."""
    master = f.asker.master
    f.out[:] = [description(number, master.node(number), f.asker) for number in range(master.node_count)]
    return len(f.out)


def fill_address(f: NodeFacts) -> int:
    """Fill an address with a node's."""
    machine = f.asker.master.machine if f.node is None else f.node.machine
    f.out.host, f.out.port = machine.address, 0
    return 0


def fill_masters_address(f: NodeFacts) -> int:
    """Fill an address with the master's."""
    f.out.host, f.out.port = f.asker.master.machine.address, 0
    return 0


def tell_number(f: NodeFacts) -> int:
    """Give the number of the node at an address, NODE_NONE if there is none."""
    host = getattr(f.value, "host", None)
    if not isinstance(host, str) or not is_quad(host):
        return NODE_NONE
    found = f.asker.machine.network.machine(host)
    return NODE_NONE if found is None else int(found.number)


def tell_named(f: NodeFacts) -> int:
    """Give the number of a node by its name, "master", "self", "n3", ".3" or "3"; NODE_NONE if there is none."""
    if not isinstance(f.value, bytes):
        return NODE_NONE
    text = f.value.decode("utf-8", "surrogateescape")
    if text in ("master", "-1"):
        return NODE_MASTER
    if text == "self":
        return int(f.asker.machine.number)
    digits = text[1:] if text[:1] in ("n", ".") else text
    known = digits.isascii() and digits.isdecimal() and len(digits) < 10 and int(digits) < f.asker.master.node_count
    return int(digits) if known else NODE_NONE


def tell_message(f: NodeFacts) -> str:
    """Give the message of an errno; a negative one is taken as what a vector call stores. Source: bproc-common."""
    return message_of(abs(f.value))


def fill_version(f: NodeFacts) -> int:
    """Fill a record with the version of BProc."""
    f.out.magic, f.out.arch = _MAGIC, _ARCHES.get(f.asker.machine.arch.name, 0)
    f.out.version_magic, f.out.version_string = 0, f.asker.master.edition.version
    return 0
