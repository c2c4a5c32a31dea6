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
    "set_unwritable": "Pass NULL, or a bad address, in place of the set.",
    "buffer_unwritable": _NOWHERE,
    "value_unreadable": "Pass NULL, or a bad address, in place of the value.",
    "name_unreadable": "Pass NULL, or a bad address, in place of the name.",
    "status_unreadable": "Pass NULL, or a bad address, in place of the status.",
    "specification_unreadable": "Pass NULL, or a bad address, in place of the specification.",
    "node_unreadable": "Pass NULL, or a bad address, in place of the record.",
    "set_unreadable": "Pass NULL, or a bad address, in place of the set that is looked through.",
    "other_set_unreadable": "Pass NULL, or a bad address, in place of the other set.",
    "not_mounted": "Call from a program that runs on a slave.",
    "without_state": "Ask about the master, or on a slave about itself.",
    "status_too_long_for_buffer": 'Leave room for fewer bytes than the state takes: "up" takes 3.',
    "not_a_notifier": "Pass a descriptor of something else, or none.",
    "specification_malformed": 'Write what is no number, no range and no state, such as "3-x".',
    "set_too_big": "Ask for a negative size, or for more than there is memory for.",
    "status_too_long": "Set a status of 16 characters; 15 are allowed.",
    "status_malformed": 'Set a status with anything but letters and digits in it, such as "in_use".',
    "attribute_absent": "Ask for an attribute that nobody has set.",
    "value_too_long_for_buffer": "Leave room for fewer bytes than the value has.",
    "name_too_long": "Give an attribute a name of 64 bytes; 63 are allowed.",
    "value_too_long": "Give an attribute a value of 65 bytes; 64 are allowed.",
    "too_many_attributes": "Give a node a 33rd attribute.",
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
