"""How to come to each row of BProc's calls about nodes and processes: one sentence by its cause."""

from __future__ import annotations

_NOWHERE = "Pass NULL, or a bad address, in place of what the call fills."
_DOWN = "Ask about a node that is down."
_STRANGER = "Call as a user who is neither root nor the node's owner."

NODE_WAYS = {
    "info_unwritable": _NOWHERE,
    "list_unwritable": _NOWHERE,
    "addr_unwritable": _NOWHERE,
    "version_unwritable": _NOWHERE,
    "info_unreadable": "Pass NULL, or a bad address, in place of the record.",
    "slave_unknown": "Name a node that the cluster has not, or the master.",
    "node_without_address": _DOWN,
    "from_slave": "Call from a program that runs on a slave.",
    "not_owner": _STRANGER,
    "not_root": "Call as a user who is not root, the owner included.",
    "not_administrator": "Call as a user who is not root.",
    "group_not_permitted": "Call as a stranger, or as the owner with a group that he is not in.",
    "mode_invalid": "Set any bit besides 0111, such as in 0755.",
    "more_than_execute": "Ask for more than BPROC_X_OK.",
    "not_permitted": "Take away the caller's x bit on the node, or let the node be down.",
    "info_not_permitted": "Let the record's mode have no x bit for the caller.",
    "status_unknown": "Set a status from 8 on, or a negative one.",
    "status_not_settable": "Set bproc_node_boot.",
    "status_is_command": "Set bproc_node_reboot, bproc_node_halt or bproc_node_pwroff.",
    "no_such_process": "Ask about a pid that no process has, or from a slave about one that is not there.",
    "descriptors_used_up": "Let the process have no descriptor left.",
    "files_used_up": "Let the node's table of open files be full.",
}
