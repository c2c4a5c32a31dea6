"""[[call]] on a cluster: a table for each of BProc's calls, made of the method's own parameters.

Those of bproc_execmove are in `calltables`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from bprocsim.scenario.bprockinds import (
    ACCESS_MODE,
    DUMP_FLAGS,
    NODE_MODE,
    AddressValue,
    BytesValue,
    ErrnoValue,
    InfoValue,
    PidValue,
    Pointer,
    SetValue,
    StatusValue,
)
from bprocsim.scenario.callbase import ENVIRONMENT, MethodTable, MethodTables
from bprocsim.scenario.commonkinds import NODE, PATH, POINTER_OR_TEXT, PROGRAM, TEXT, TRUTH, VECTOR
from bprocsim.scenario.iokinds import PORT_OR_LIST
from bprocsim.scenario.kinds import Either, Integer, Kind, Listed, key
from bprocsim.world.cluster import Cluster

_INTEGER, _FRESH, _FRESH_SET = Integer(), "what is filled; left out: a fresh one", "the set; left out: an empty one"

_NUMBERS = Listed(Integer(what="a node number"), "node numbers")
_MANY = Either({list: _NUMBERS, tuple: _NUMBERS, dict: Pointer()}, "a list of node numbers, or { pointer = ... }")

# Each parameter of a call: what it takes in a file, and what it means; some mean another thing in some calls.
BPROC_KEYS: dict[str, tuple[Kind, str]] = {
    "node": (Integer(what="a node number"), "the node; any number"),
    "nodes": (_MANY, "the nodes; any numbers"),
    "status": (StatusValue(), "the state"),
    "len": (_INTEGER, "how many bytes there is room for, in BProc 4.0; left out: 16"),
    "info": (InfoValue(), _FRESH),
    "list": (Pointer(), _FRESH),
    "addr": (AddressValue(), _FRESH),
    "version": (Pointer(), _FRESH),
    "ns": (SetValue(), _FRESH_SET),
    "out": (SetValue(), _FRESH_SET),
    "given": (SetValue(), "the set that is looked through"),
    "other": (SetValue(), "the set whose nodes are appended"),
    "str": (POINTER_OR_TEXT, "the node specification"),
    "size": (_INTEGER, "of the value, or of what there is room for"),
    "name": (POINTER_OR_TEXT, "the name"),
    "value": (BytesValue(pointer=True), "the value"),
    "errno": (ErrnoValue(), "an errno"),
    "fd": (_INTEGER, "a descriptor that bproc_notifier gave"),
    "mode": (ACCESS_MODE, "BPROC_X_OK, whether the caller may move there; 0, whether there is such a node"),
    "uid": (_INTEGER, "id of a user"),
    "gid": (_INTEGER, "id of a group"),
    "pid": (PidValue(), "the process"),
    "rem": (AddressValue(), "the address at which the master is to be found"),
    "remsz": (_INTEGER, "its size, 16"),
    "loc": (AddressValue(), "the address from which the node connects"),
    "locsz": (_INTEGER, "its size, 16"),
    "code": (_INTEGER, "the exit status that others see"),
    "flags": (DUMP_FLAGS, "what is sent and not named"),
    "port": (PORT_OR_LIST, "for stdout, stderr and stdin; 0: none"),
    "path": (POINTER_OR_TEXT, "the directory"),
    "cmd": (POINTER_OR_TEXT, "the file"),
    "argv": (VECTOR, "left out: the last name of the file"),
    "envp": (ENVIRONMENT, "environment; left out: empty"),
    "child": (PROGRAM, "what the child runs: a program of ours, or module:function; in vrfork it takes an index"),
    "args": (Listed(TEXT, "texts"), "further arguments of the child's function"),
}
_SPECIAL: dict[tuple[str, str], tuple[Kind, str]] = {
    ("bproc_nodestatus", "status"): (Pointer(), _FRESH),
    ("bproc_getnodeattr", "value"): (Pointer(), _FRESH),
    ("bproc_chmod", "mode"): (NODE_MODE, "who may move there"),
    ("_bproc_access", "info"): (InfoValue(), "what is known of the node"),
    ("bproc_nodenumber", "addr"): (AddressValue(), "the address"),
    ("bproc_nodeset_add", "node"): (InfoValue(), "what is known of the node"),
    ("bproc_nodeset_init", "size"): (_INTEGER, "how many nodes"),
    ("bproc_nodeset_grow", "size"): (_INTEGER, "how many nodes at least"),
}

# What a call fills.
_FILLED = {
    "bproc_nodestatus": "status", "bproc_nodeinfo": "info", "bproc_nodelist": "list", "bproc_nodelist_": "ns",
    "bproc_nodespec": "ns", "bproc_nodefilter": "out", "bproc_nodeset_init": "ns", "bproc_nodeset_grow": "ns",
    "bproc_nodeset_free": "ns", "bproc_nodeset_add": "ns", "bproc_nodeset_append": "ns", "bproc_nodeaddr": "addr",
    "bproc_masteraddr": "addr", "bproc_version": "version", "bproc_getnodeattr": "value", "bproc_proclist": "list",
}  # fmt: skip

VECTOR_CALLS = (
    "bproc_vexecmove", "bproc_vrfork", "_bproc_vrfork", "bproc_vexecmove_io", "bproc_vrfork_io", "_bproc_vrfork_io",
)  # fmt: skip
_WITH_PORT = (
    "bproc_move_io", "_bproc_move_io", "bproc_rexec_io", "_bproc_rexec_io", "bproc_rfork_io", "_bproc_rfork_io",
    *(name for name in VECTOR_CALLS if name.endswith("_io")),
)  # fmt: skip
_MOVING = (
    "bproc_move", "_bproc_move", "bproc_rexec", "bproc_rfork", "_bproc_rfork",
    *(name for name in VECTOR_CALLS if name not in _WITH_PORT),
)  # fmt: skip
ABOUT_NODES = (
    "bproc_numnodes", "bproc_currnode", "bproc_nodestatus", "bproc_nodeinfo", "bproc_nodelist", "bproc_nodelist_",
    "bproc_nodespec", "bproc_nodefilter", "bproc_nodeset_init", "bproc_nodeset_grow", "bproc_nodeset_free",
    "bproc_nodeset_add", "bproc_nodeset_append", "bproc_nodeaddr", "bproc_masteraddr", "bproc_nodenumber",
    "bproc_getnodebyname", "bproc_version", "bproc_notifier", "bproc_strerror", "bproc_access", "_bproc_access",
    "bproc_chmod", "bproc_chown", "bproc_chgrp", "bproc_setnodestatus", "bproc_nodesetstatus", "bproc_nodereboot",
    "bproc_nodehalt", "bproc_nodepwroff", "bproc_slave_chroot", "bproc_nodechroot", "bproc_getnodeattr",
    "bproc_setnodeattr", "bproc_proclist", "bproc_pidnode", "bproc_pidghostnode",
    "bproc_detach", "bproc_nodereboot_async", "bproc_nodehalt_async", "bproc_nodepwroff_async", "bproc_nodereconnect",
)  # fmt: skip
BPROC_CALLS = (*_MOVING, *_WITH_PORT, *ABOUT_NODES)


@frozen(kw_only=True)
class BprocTable(MethodTable):
    """A call of BProc, made by somebody on the cluster."""

    made_of = Cluster
    fills = _FILLED

    from_node: int | None = key(NODE, "where the caller is; left out: on the master", None)


@frozen(kw_only=True)
class MovingTable(BprocTable):
    """A call of BProc that moves a process."""

    input: Any = key(TEXT, "what stdin gives", "")
    cwd: str | None = key(PATH, "directory that it starts in; left out: /", None)
    timeout_ns: int | None = key(Integer(1, what="nanoseconds"), "how long the call may take", None)


@frozen(kw_only=True)
class MovingIoTable(MovingTable):
    """A call of BProc that moves a process, with I/O forwarding."""

    listen: bool = key(TRUTH, "somebody listens on the port", True)


def _base(call: str) -> type[MethodTable]:
    return MovingIoTable if call in _WITH_PORT else MovingTable if call in _MOVING else BprocTable


BPROC_TABLES: Mapping[str, type] = MethodTables(
    BPROC_CALLS, _base, lambda call, name: _SPECIAL.get((call, name), BPROC_KEYS[name]), {}
)
