"""BProc 4.0's calls about nodes and processes: nodes are files of bpfs, and states are words."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from attrs import evolve

from bprocsim.bproc import administration, attributes, bpfs, information, nodesets, notifier, processes, rights, slaves
from bprocsim.bproc.errandcalls import NODECHROOT_4, RECONNECT_4
from bprocsim.bproc.filerows import no_page_left, of_a_descriptor, of_a_file, unread, unwritable_set
from bprocsim.bproc.lanlcalls import COMMANDS, LANL_CALLS
from bprocsim.bproc.nodes import NODE_MASTER, NODE_NONE
from bprocsim.bproc.nodesetcalls import NODESET_CALLS
from bprocsim.bproc.processes import ProcessFacts
from bprocsim.bproc.service import Asker, Service, errors_of
from bprocsim.errnos import Errno as E
from bprocsim.faces.arguments import integer, unchecked
from bprocsim.faces.pointers import pointer_or_null
from bprocsim.manual import Row

_FILES, _NUMBERS, _INTERFACE = "bproc-bpfs", "bproc-common", "bproc-4.0.0pre8-interface"
_LIBRARY = "bproc-4.0.0pre8-library"

_UNKNOWN = "there is no node of that number, or the caller is on another slave, which has no file for it"
_FROM_SLAVE = "the caller is on a slave"
_DOWN = "the node is down"
_NOT_ROOT = "the caller is not root"
_NO_STATE = "the master has no state, and on a slave nothing has"


# ---- what is known of nodes -------------------------------------------------------------------------

_INFORMATION = (
    Service(
        errors_of(
            "bproc_numnodes",
            _FILES,
            [Row(E.ENOENT, bpfs.not_mounted, "the caller is on a slave, which has no file of all nodes")],
        ),
        information.survey_nothing,
        information.tell_count,
    ),
    Service(
        errors_of(
            "bproc_nodestatus",
            _FILES,
            [
                Row(E.ENOENT, information.node_unknown, _UNKNOWN),
                Row(E.ENODATA, bpfs.without_state, _NO_STATE),
                Row(E.ERANGE, bpfs.status_too_long_for_buffer, "the buffer is smaller than the state and its NUL"),
                Row(E.EFAULT, bpfs.buffer_unwritable, "status points to memory that the program cannot write"),
            ],
        ),
        bpfs.survey_status,
        bpfs.fill_status,
        information.subject_of,
        {"node": integer, "status": unchecked, "len": integer},
    ),
    Service(
        errors_of(
            "bproc_nodeinfo",
            _LIBRARY,
            [
                unread(information.info_unwritable, "info points to memory that the program cannot write"),
                Row(E.BE_INVALIDNODE, information.node_unknown, _UNKNOWN),
                Row(E.BE_INVALIDNODE, bpfs.without_state, _NO_STATE),
                Row(E.BE_INVALIDNODE, information.node_without_address, "the node is down, and so has no address"),
            ],
        ),
        bpfs.survey_file,
        bpfs.fill_info,
        information.subject_of,
    ),
    Service(
        errors_of("bproc_nodelist", _LIBRARY, [unwritable_set(), *of_a_file(), no_page_left()]),
        nodesets.survey_set,
        nodesets.fill_all,
    ),
    Service(
        errors_of(
            "bproc_nodelist_",
            _LIBRARY,
            [
                unwritable_set(),
                Row(E.EBADF, nodesets.not_a_notifier, "fd is not a descriptor that bproc_notifier gave"),
                no_page_left(),
            ],
        ),
        nodesets.survey_list,
        nodesets.read_all,
    ),
    Service(
        errors_of(
            "bproc_nodeaddr",
            _FILES,
            [
                Row(E.ENOENT, information.node_unknown, _UNKNOWN),
                Row(E.ENODATA, information.node_without_address, "the node is down, and so has no address"),
                Row(E.EFAULT, information.addr_unwritable, "addr points to memory that the program cannot write"),
            ],
        ),
        bpfs.survey_file,
        information.fill_address,
        information.subject_of,
    ),
    Service(errors_of("bproc_notifier", _LIBRARY, of_a_file()), information.survey_nothing, notifier.open_notifier),
)

# ---- rights -----------------------------------------------------------------------------------------


def _changing(call: str, *rows: Row) -> Service:
    """Make a call that changes who may use a node."""
    table = errors_of(
        call,
        _FILES,
        (
            Row(E.ENOENT, slaves.slave_unknown, _UNKNOWN),
            Row(E.EPERM, slaves.from_slave, _FROM_SLAVE),
            Row(E.EPERM, slaves.node_down, _DOWN),
            *rows,
        ),
    )
    return evolve(LANL_CALLS[call], errors=table, survey=bpfs.survey_change)


_RIGHTS = (
    Service(
        errors_of(
            "bproc_access",
            _FILES,
            [
                Row(E.ENOENT, information.node_unknown, _UNKNOWN),
                Row(E.EACCES, rights.more_than_execute, "mode asks for more than BPROC_X_OK"),
                Row(E.EACCES, rights.not_permitted, "the caller may not move processes to that node"),
            ],
        ),
        bpfs.survey_use,
        rights.allow,
        information.subject_of,
    ),
    _changing(
        "bproc_chmod",
        Row(E.EPERM, rights.not_owner, "the caller is neither the node's owner nor root"),
        Row(E.EPERM, rights.mode_invalid, "mode has other bits than 0111"),
    ),
    _changing(
        "bproc_chown",
        Row(E.EPERM, rights.owner_not_permitted, "the caller is not root, and not the node's owner who keeps it"),
    ),
    _changing(
        "bproc_chgrp",
        Row(
            E.EPERM,
            rights.group_of_file_not_permitted,
            "the caller is not root, and not the node's owner who keeps its group, or is in the new one",
            name="group_not_permitted",
        ),
    ),
)

# ---- states and attributes --------------------------------------------------------------------------


def _command(name: str) -> Service:
    """Make a call that tells a node to go."""
    rows = (
        Row(E.ENOSYS, slaves.from_slave, _FROM_SLAVE),
        Row(E.EPERM, administration.not_administrator, _NOT_ROOT),
        Row(E.BE_INVALIDNODE, slaves.slave_unknown, "there is no node of that number", source=_NUMBERS),
        Row(E.BE_NODEDOWN, slaves.node_down, _DOWN, source=_NUMBERS),
        Row(E.EIO, information.no_master, "there is no master daemon"),
    )
    return evolve(LANL_CALLS[name], errors=errors_of(name, _INTERFACE, rows))


_STATES = (
    Service(
        errors_of(
            "bproc_nodesetstatus",
            _FILES,
            [
                unread(bpfs.status_unreadable, "status points to memory that the program cannot read"),
                Row(E.ENOENT, slaves.slave_unknown, _UNKNOWN),
                Row(E.EPERM, slaves.from_slave, _FROM_SLAVE),
                Row(E.EPERM, administration.not_administrator, _NOT_ROOT),
                Row(E.EINVAL, slaves.node_down, _DOWN),
                Row(E.ENOSPC, bpfs.status_too_long, "status has more than 15 characters"),
                Row(E.EINVAL, bpfs.status_malformed, "status is empty, or has something else than letters and digits"),
            ],
        ),
        bpfs.survey_change,
        bpfs.set_status,
        information.subject_of,
        {"node": integer, "status": pointer_or_null},
    ),
    *map(_command, COMMANDS),
    NODECHROOT_4,
    RECONNECT_4,
    Service(
        errors_of(
            "bproc_getnodeattr",
            _FILES,
            [
                unread(attributes.name_unreadable, "name points to memory that the program cannot read"),
                Row(E.ENOENT, information.node_unknown, _UNKNOWN),
                Row(E.ENODATA, slaves.node_down, "the node is down, and so has no attributes"),
                Row(E.ENODATA, attributes.attribute_absent, "the node has no attribute of that name"),
                Row(E.ERANGE, attributes.value_too_long_for_buffer, "the buffer is smaller than the value"),
                Row(E.EFAULT, bpfs.buffer_unwritable, "value points to memory that the program cannot write"),
            ],
        ),
        attributes.survey_attribute,
        attributes.fill_attribute,
        information.subject_of,
    ),
    Service(
        errors_of(
            "bproc_setnodeattr",
            _FILES,
            [
                unread(attributes.name_unreadable, "name points to memory that the program cannot read"),
                Row(E.ENOENT, slaves.slave_unknown, _UNKNOWN),
                Row(E.EFAULT, attributes.value_unreadable, "value points to memory that the program cannot read"),
                Row(E.EPERM, slaves.from_slave, _FROM_SLAVE),
                Row(E.EPERM, administration.not_administrator, _NOT_ROOT),
                Row(E.ENODATA, slaves.node_down, "the node is down, and can have no attributes"),
                Row(E.ENOSPC, attributes.name_too_long, "name has more than 63 bytes"),
                Row(E.ENOSPC, attributes.value_too_long, "size is more than 64, or negative"),
                Row(E.ENOSPC, attributes.too_many_attributes, "the node has 32 attributes already"),
            ],
        ),
        attributes.survey_new_attribute,
        attributes.keep_attribute,
        information.subject_of,
    ),
)

# ---- processes --------------------------------------------------------------------------------------


def _survey_ghosts(asker: Asker, node: int, out: Any) -> ProcessFacts:
    """Gather what bproc_proclist asks, which looks for ghosts in /proc: there are none on a slave."""
    return processes.survey_list(asker, node if asker.at_home else NODE_NONE, out)


def _survey_ghost(asker: Asker, pid: int) -> ProcessFacts:
    """Gather what bproc_pidnode asks, which looks whether a process is a ghost: on a slave none is."""
    facts = processes.survey_process(asker, pid)
    if not asker.at_home:
        facts.where = NODE_NONE
    return facts


def _tell_where(f: ProcessFacts) -> int:
    """Give the node that a process is on; -1 is the master, and stands for a failure too."""
    return NODE_MASTER if f.where == NODE_NONE else f.where


_NO_PROCESS = "there is no such process, or the caller's node knows of none"

_PROCESSES = (
    Service(
        errors_of(
            "bproc_proclist",
            _LIBRARY,
            [
                unread(information.list_unwritable, "list points to memory that the program cannot write"),
                *of_a_descriptor(E.EEXIST, _LIBRARY),
            ],
        ),
        _survey_ghosts,
        processes.fill_processes,
    ),
    Service(
        errors_of(
            "bproc_pidnode",
            _LIBRARY,
            [no_page_left(), *of_a_descriptor(), Row(E.ENOENT, processes.no_such_process, _NO_PROCESS)],
        ),
        _survey_ghost,
        _tell_where,
    ),
)

_SAME = ("bproc_currnode", "bproc_version", "bproc_strerror")

BPROC4_CALLS: Mapping[str, Service] = MappingProxyType(
    {
        **{name: LANL_CALLS[name] for name in _SAME},
        **{
            each.errors.call: each for each in (*_INFORMATION, *NODESET_CALLS.values(), *_RIGHTS, *_STATES, *_PROCESSES)
        },
    }
)
