"""LANL's calls about nodes and processes in BProc 3.2: most are Scyld's, some with errnos of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from attrs import evolve

from bprocsim.bproc import administration, information, slaves
from bprocsim.bproc.errandcalls import NODECHROOT_3, RECONNECT_3
from bprocsim.bproc.information import NodeFacts
from bprocsim.bproc.nodes import NodeState
from bprocsim.bproc.scyldcalls import SCYLD_CALLS
from bprocsim.bproc.service import Service, errors_of
from bprocsim.errnos import Errno as E
from bprocsim.faces.arguments import integer
from bprocsim.manual import Errors, Kind, Row

_OLDER, _NUMBERS, _INTERFACE = "sf-bproc_nodes", "bproc-common", "bproc-4.0.0pre8-interface"
_NODES = "bproc-bpfs"

# What 3.2 says differently since it has errnos of its own, by cause.
_ERRNOS = {"node_unknown": E.BE_INVALIDNODE, "slave_unknown": E.BE_INVALIDNODE}

_SHARED = (
    "bproc_numnodes", "bproc_currnode", "bproc_nodestatus", "bproc_nodeinfo", "bproc_nodelist", "bproc_nodeaddr",
    "bproc_masteraddr", "bproc_nodenumber", "bproc_getnodebyname", "bproc_version", "bproc_access", "bproc_chmod",
    "bproc_chown", "bproc_chgrp", "bproc_proclist", "bproc_pidnode", "bproc_notifier",
)  # fmt: skip


def _own(service: Service) -> Service:
    """Give a call of Scyld's with LANL's errnos."""
    table = service.errors
    rows = [
        evolve(row, errno=_ERRNOS[row.cause], source=_NUMBERS) if row.cause in _ERRNOS else row for row in table.rows
    ]
    made = Errors(table.call, page=table.page, order=table.order, rows=rows, failed=table.failed)
    return evolve(service, errors=made)


# The calls that send a node away, and to which state. None of them waits for the node: the forms that say so
# in their names do the same.
COMMANDS = {
    f"bproc_node{state.value}{form}": state
    for form in ("", "_async")
    for state in (NodeState.REBOOT, NodeState.HALT, NodeState.PWROFF)
}


def _command(name: str, state: NodeState) -> Service:
    """Make a call that tells a node to go."""
    rows = (
        Row(E.EBUSY, information.no_master, "there is no master daemon"),
        Row(E.ENOSYS, slaves.from_slave, "the caller is on a slave", kind=Kind.BEYOND, source=_INTERFACE),
        Row(E.EPERM, administration.not_administrator, "the caller is not root"),
        Row(E.BE_INVALIDNODE, slaves.slave_unknown, "there is no node of that number", source=_NUMBERS),
        Row(E.BE_NODEDOWN, slaves.node_down, "the node is down", source=_NUMBERS),
    )
    return Service(
        errors_of(name, _OLDER, rows),
        administration.survey_command(state),
        administration.set_status,
        information.subject_of,
    )


def _choice(condition: Callable[[NodeFacts], bool], sentence: str) -> Row:
    """Give a row for a state that cannot be set: no page speaks of numbers, and 4.0, which has words, has EINVAL."""
    return Row(E.EINVAL, condition, sentence, kind=Kind.BEYOND, source="choice-node-calls")


_SET_STATUS = Service(
    errors_of(
        "bproc_nodesetstatus",
        _NODES,
        [
            Row(E.EBUSY, information.no_master, "there is no master daemon", source=_OLDER),
            Row(E.EPERM, slaves.from_slave, "the caller is on a slave", kind=Kind.BEYOND),
            Row(E.BE_INVALIDNODE, slaves.slave_unknown, "there is no node of that number", source=_NUMBERS),
            Row(E.EPERM, administration.not_administrator, "the caller is not root"),
            Row(E.EINVAL, slaves.node_down, "the node is down"),
            _choice(administration.status_unknown, "status is the number of no state"),
            _choice(administration.status_not_settable, "only the master itself lets a node boot"),
            _choice(administration.status_is_command, "a node is sent away by calls of their own"),
        ],
    ),
    administration.survey_status,
    administration.set_status,
    information.subject_of,
    {"node": integer, "status": integer},
)

LANL_CALLS: Mapping[str, Service] = MappingProxyType(
    {
        **{name: _own(SCYLD_CALLS[name]) for name in _SHARED},
        "bproc_strerror": Service(
            errors_of("bproc_strerror", _NUMBERS), information.survey_value, information.tell_message
        ),
        "bproc_nodesetstatus": _SET_STATUS,
        **{name: _command(name, state) for name, state in COMMANDS.items()},
        "bproc_nodereconnect": RECONNECT_3,
        "bproc_nodechroot": NODECHROOT_3,
    }
)
