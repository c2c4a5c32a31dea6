"""Scyld's calls about nodes and processes, each with its table. Its pages list errnos, and rarely say when."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bprocsim.bproc import administration, detach, information, notifier, processes, rights, slaves
from bprocsim.bproc.errandcalls import SLAVE_CHROOT
from bprocsim.bproc.nodes import NODE_NONE
from bprocsim.bproc.service import Service, errors_of
from bprocsim.errnos import Errno as E
from bprocsim.faces.arguments import integer, node_address
from bprocsim.manual import Kind, Row
from bprocsim.posix import life

_PAGES, _OLDER = "scyld-bproc_nodes", "sf-bproc_nodes"
_RIGHTS, _CHOICE = "bproc-bpfs", "choice-node-calls"

_NO_MASTER = "there is no master daemon"
_NO_MODULE = "BProc's kernel module is not loaded on the caller's node"
_NO_MEMORY = "there is not a page of memory left for the answer"
_UNKNOWN = "there is no node of that number"
_FROM_SLAVE = "the caller is on a slave, where nothing about nodes can be changed"


def _from_slave() -> Row:
    return Row(E.EPERM, slaves.from_slave, _FROM_SLAVE, kind=Kind.BEYOND, source=_RIGHTS)


def _gone_or_leaving() -> Row:
    leaves = "the node is down, or has been told to reboot, to halt or to switch itself off"
    return Row(E.EPERM, administration.node_leaves, leaves, name="node_down")


# ---- information ------------------------------------------------------------------------------------

_INFORMATION = (
    Service(
        errors_of("bproc_numnodes", _OLDER, [Row(E.EBUSY, information.no_master, _NO_MASTER)]),
        information.survey_nothing,
        information.tell_count,
    ),
    Service(errors_of("bproc_currnode", _OLDER), information.survey_nothing, information.tell_own_number),
    Service(
        errors_of(
            "bproc_nodestatus",
            _PAGES,
            [
                Row(E.EIO, information.no_master, _NO_MASTER),
                Row(E.ENOMEM, information.out_of_memory, _NO_MEMORY),
                Row(E.EIO, information.node_unknown, _UNKNOWN),
            ],
        ),
        information.survey_node,
        information.tell_status,
        information.subject_of,
        {"node": integer},
    ),
    Service(
        errors_of(
            "bproc_nodeinfo",
            _PAGES,
            [
                Row(E.EIO, information.no_master, _NO_MASTER),
                Row(E.EFAULT, information.info_unwritable, "info points to memory that the program cannot write"),
                Row(E.ENOMEM, information.out_of_memory, _NO_MEMORY),
                Row(E.EIO, information.node_unknown, _UNKNOWN),
            ],
        ),
        information.survey_node,
        information.fill_info,
        information.subject_of,
    ),
    Service(
        errors_of(
            "bproc_nodelist",
            _OLDER,
            [
                Row(E.EBUSY, information.no_master, _NO_MASTER),
                Row(E.EFAULT, information.list_unwritable, "list points to memory that the program cannot write"),
                Row(E.ENOMEM, information.out_of_memory, _NO_MEMORY),
            ],
        ),
        information.survey_out,
        information.fill_list,
    ),
    Service(
        errors_of(
            "bproc_nodeaddr",
            _PAGES,
            [
                Row(E.EIO, information.no_master, _NO_MASTER),
                Row(E.EFAULT, information.addr_unwritable, "addr points to memory that the program cannot write"),
                Row(E.EIO, information.node_unknown, _UNKNOWN),
                Row(E.EIO, information.node_without_address, "the node is down, and so has no address"),
            ],
        ),
        information.survey_node,
        information.fill_address,
        information.subject_of,
    ),
    Service(
        errors_of(
            "bproc_masteraddr",
            _PAGES,
            [Row(E.EFAULT, information.addr_unwritable, "addr points to memory that the program cannot write")],
        ),
        information.survey_out,
        information.fill_masters_address,
    ),
    Service(
        errors_of("bproc_nodenumber", _PAGES),
        information.survey_value,
        information.tell_number,
        takes={"addr": node_address},
    ),
    Service(errors_of("bproc_getnodebyname", _PAGES), information.survey_value, information.tell_named),
    Service(
        errors_of(
            "bproc_version",
            _OLDER,
            [Row(E.EFAULT, information.version_unwritable, "version points to memory that the program cannot write")],
        ),
        information.survey_out,
        information.fill_version,
    ),
)

_NOTIFIER = Service(
    errors_of(
        "bproc_notifier",
        _OLDER,
        [
            Row(E.EBUSY, information.no_master, _NO_MASTER),
            *(
                Row(errno, condition, sentence, kind=Kind.BEYOND, source="posix-open")
                for errno, condition, sentence in (
                    (E.EMFILE, processes.descriptors_used_up, "the process has no descriptor left"),
                    (E.ENFILE, processes.files_used_up, "the limit on open files has been reached"),
                )
            ),
        ],
    ),
    information.survey_nothing,
    notifier.open_notifier,
)

# ---- rights -----------------------------------------------------------------------------------------

_RIGHTS_CALLS = (
    Service(
        errors_of(
            "bproc_access",
            _PAGES,
            [
                Row(E.ENOSYS, information.module_absent, _NO_MODULE),
                Row(E.EBUSY, information.no_master, _NO_MASTER),
                Row(E.ENOMEM, information.out_of_memory, _NO_MEMORY),
                Row(E.EACCES, information.node_unknown, _UNKNOWN),
                Row(E.EACCES, rights.more_than_execute, "mode asks for more than BPROC_X_OK"),
                Row(E.EACCES, rights.not_permitted, "the caller may not move processes to that node"),
            ],
        ),
        rights.survey_access,
        rights.allow,
        information.subject_of,
    ),
    Service(
        errors_of(
            "_bproc_access",
            _PAGES,
            [
                Row(
                    E.EFAULT,
                    rights.info_unreadable,
                    "info points to memory that the program cannot read",
                    kind=Kind.BEYOND,
                    source=_CHOICE,
                ),
                Row(E.EACCES, rights.more_than_execute, "mode asks for more than BPROC_X_OK"),
                Row(E.EACCES, rights.info_not_permitted, "the caller may not move processes to such a node"),
            ],
        ),
        rights.survey_info_access,
        rights.allow,
    ),
    Service(
        errors_of(
            "bproc_chmod",
            _RIGHTS,
            [
                Row(E.EBUSY, information.no_master, _NO_MASTER, source=_OLDER),
                _from_slave(),
                Row(E.ENOENT, slaves.slave_unknown, _UNKNOWN),
                _gone_or_leaving(),
                Row(E.EPERM, rights.not_owner, "the caller is neither the node's owner nor root"),
                Row(E.EPERM, rights.mode_invalid, "mode has other bits than 0111"),
            ],
        ),
        slaves.survey_slave,
        rights.set_mode,
        information.subject_of,
    ),
    Service(
        errors_of(
            "bproc_chown",
            _RIGHTS,
            [
                Row(E.EBUSY, information.no_master, _NO_MASTER, source=_OLDER),
                _from_slave(),
                Row(E.ENOENT, slaves.slave_unknown, _UNKNOWN),
                _gone_or_leaving(),
                Row(E.EPERM, rights.not_root, "the caller is not root"),
            ],
        ),
        slaves.survey_slave,
        rights.set_owner,
        information.subject_of,
    ),
    Service(
        errors_of(
            "bproc_chgrp",
            _RIGHTS,
            [
                Row(E.EBUSY, information.no_master, _NO_MASTER, source=_OLDER),
                _from_slave(),
                Row(E.ENOENT, slaves.slave_unknown, _UNKNOWN),
                _gone_or_leaving(),
                Row(
                    E.EPERM,
                    rights.group_not_permitted,
                    "the caller is not root, and not the node's owner who is in that group",
                ),
            ],
        ),
        slaves.survey_slave,
        rights.set_group,
        information.subject_of,
    ),
)

# ---- states -----------------------------------------------------------------------------------------

_STATES = (
    Service(
        errors_of(
            "bproc_setnodestatus",
            _PAGES,
            [
                Row(E.EIO, information.no_master, _NO_MASTER),
                _from_slave(),
                Row(E.EPERM, administration.not_administrator, "the caller is not root"),
                Row(E.ENOMEM, information.out_of_memory, _NO_MEMORY),
                Row(E.EIO, slaves.slave_unknown, _UNKNOWN),
                _gone_or_leaving(),
                Row(E.EPERM, administration.status_unknown, "status is the number of no state"),
                Row(E.EPERM, administration.status_not_settable, "only the master itself lets a node boot"),
            ],
        ),
        administration.survey_status,
        administration.order_status,
        information.subject_of,
    ),
)

# ---- processes --------------------------------------------------------------------------------------

_NO_PROCESS = "there is no such process, or the caller's node knows of none"


def _of_a_process() -> tuple[Row, ...]:
    return (
        Row(E.ENOMEM, information.out_of_memory, _NO_MEMORY),
        Row(E.EMFILE, processes.descriptors_used_up, "the process has no descriptor left"),
        Row(E.ENFILE, processes.files_used_up, "the limit on open files has been reached"),
        Row(E.ENOENT, processes.no_such_process, _NO_PROCESS),
    )


_PROCESSES = (
    Service(
        errors_of(
            "bproc_proclist",
            _OLDER,
            [
                Row(E.EBUSY, information.no_master, _NO_MASTER),
                Row(
                    E.EFAULT,
                    information.list_unwritable,
                    "list points to memory that the program cannot write",
                    kind=Kind.BEYOND,
                    source=_CHOICE,
                ),
            ],
        ),
        processes.survey_list,
        processes.fill_processes,
    ),
    Service(
        errors_of("bproc_pidnode", _PAGES, _of_a_process(), failed=NODE_NONE),
        processes.survey_process,
        processes.tell_where,
    ),
    Service(
        errors_of("bproc_pidghostnode", _PAGES, _of_a_process(), failed=NODE_NONE),
        processes.survey_process,
        processes.tell_ghosts_node,
    ),
)

_DETACH = detach.Detach(
    errors_of(
        "bproc_detach",
        "scyld-bproc_detach",
        [
            Row(E.ENOSYS, information.module_absent, _NO_MODULE),
            Row(E.EPERM, administration.not_administrator, "the caller is not root"),
            Row(E.ENOMEM, life.memory_used_up, "there is not enough memory for another such process"),
            Row(
                E.EAGAIN,
                detach.no_number_left,
                "the limit on processes outside of the space has been reached",
                step=detach.BORN,
            ),
        ],
    ),
    detach.survey_detach,
    lambda _facts: 0,
    travels=True,
)

SCYLD_CALLS: Mapping[str, Service] = MappingProxyType(
    {
        each.errors.call: each
        for each in (*_INFORMATION, _NOTIFIER, *_RIGHTS_CALLS, *_STATES, SLAVE_CHROOT, *_PROCESSES, _DETACH)
    }
)
