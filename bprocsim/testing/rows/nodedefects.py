"""What makes each row of the calls about nodes and processes due: a defect, a few fields of a `NodeCase`."""

from __future__ import annotations

import bprocsim as bp
from bprocsim.bproc.service import PAGE_BYTES
from bprocsim.testing.rows.cases import CALLER, NOWHERE, OTHER, TARGET
from bprocsim.testing.rows.defects import Defect, ways
from bprocsim.testing.rows.nodecases import STRANGER
from bprocsim.units import MiB

_BAD = ways("out", "bad", "null")

_WAYS: dict[str, tuple[Defect, ...]] = {
    "no_master": ways("daemon", False),
    "module_absent": ways("module", False),
    "from_slave": ways("from_node", TARGET, OTHER),
    "not_mounted": ways("from_node", OTHER, TARGET),
    "without_state": ways("node", CALLER) + ways("from_node", TARGET, OTHER),
    "out_of_memory": (Defect({"free_bytes": PAGE_BYTES - 1}, {"free_bytes": PAGE_BYTES}),),
    **dict.fromkeys(
        (
            "info_unwritable", "info_unreadable", "list_unwritable", "addr_unwritable", "version_unwritable",
            "set_unwritable", "buffer_unwritable", "value_unreadable",
        ),
        _BAD,
    ),
    **dict.fromkeys(
        (
            "status_unreadable", "name_unreadable", "specification_unreadable", "node_unreadable",
            "other_set_unreadable",
        ),
        ways("given", "bad", "null"),
    ),
    "set_unreadable": ways("other", "bad", "null"),
    "not_a_notifier": ways("notifier", False),
    "set_too_big": ways("size", 2**40, -1),
    "specification_malformed": ways("spec", "0-x", "0,,1", "up ", "n", "3--1", "é"),
    "status_too_long_for_buffer": ways("size", 2, 0, -1),
    "status_too_long": ways("word", "x" * 16, "_" * 16),
    "status_malformed": ways("word", "in_use", "", "ä", "on ", "_" * 16),
    "attribute_absent": (*ways("attribute", "mem", ""), *ways("kept", 0), *ways("node", CALLER)),
    "value_too_long_for_buffer": ways("size", 0, -1),
    "name_too_long": (Defect({"attribute": "x" * 64}, {"attribute": "x" * 63}),),
    "value_too_long": (Defect({"size": 65}, {"size": 64}), Defect({"size": -1}, {"size": 0})),
    "too_many_attributes": (Defect({"kept": 32}, {"kept": 31}, needs={"attribute": "new"}),),
    "node_unknown": ways("node", NOWHERE, bp.BPROC_NODE_NONE, bp.BPROC_NODE_ANY),
    "slave_unknown": ways("node", NOWHERE, CALLER),
    "node_down": ways("down", True),
    "node_without_address": ways("down", True),
    "not_owner": ways("who", "stranger"),
    "not_root": ways("who", "owner", "stranger"),
    "owner_not_permitted": ways("who", "owner", "stranger"),
    "not_administrator": ways("who", "owner"),
    "group_not_permitted": (
        Defect({"who": "stranger"}),
        Defect({"gid": STRANGER}, needs={"who": "owner"}),
    ),
    "mode_invalid": ways("mode", 0o711, 0o4111, -1),
    "more_than_execute": ways("mode", 3, -1),
    "not_permitted": (
        *ways("node_mode", 0), Defect({"who": "stranger"}, needs={"node_mode": 0o110}), *ways("down", True),
    ),
    "info_not_permitted": (*ways("node_mode", 0), Defect({"who": "stranger"}, needs={"node_mode": 0o110})),
    "status_unknown": ways("status", 8, -1),
    "status_not_settable": ways("status", bp.bproc_node_boot),
    "status_is_command": ways("status", bp.bproc_node_reboot, bp.bproc_node_halt, bp.bproc_node_pwroff),
    "directory_unreadable": ways("path", "bad", "null"),
    "directory_too_long": (Defect({"path": "4096"}, {"path": "4095"}),),
    "path_empty": ways("path", "empty"),
    "component_too_long": ways("path", "long name"),
    "directory_absent": ways("path", "absent"),
    "not_a_directory": ways("path", "beneath"),
    "too_many_links": ways("path", "links"),
    "path_io_error": ways("path", "spoilt"),
    "is_no_directory": ways("path", "file"),
    "address_unreadable": ways("ends", "bad", "null"),
    "address_not_inet": ways("ends", "name", "short"),
    "address_not_its_own": ways("ends", "from elsewhere"),
    "master_unreachable": ways("ends", "nowhere"),
    "master_not_there": ways("ends", "another port", "itself"),
    "slave_lost": ways("fate", "lost"),
    "master_lost": ways("fate", "orphaned"),
    "interrupted": ways("fate", "interrupted"),
    "memory_used_up": (Defect({"fork_bytes": 0}, {"fork_bytes": 1 * MiB}),),
    "no_number_left": (Defect({"numbers_left": 0}, {"numbers_left": 1}),),
    "no_such_process": ways("pid", "absent"),
    "descriptors_used_up": (Defect({"descriptors": 0}, {"descriptors": 1}),),
    "files_used_up": (Defect({"free_files": 0}, {"free_files": 1}),),
}  # fmt: skip


def node_defects(cause: str) -> tuple[Defect, ...]:
    """Give the ways to a row of a call about nodes or processes, the recipe's first. KeyError: no such cause."""
    return _WAYS[cause]
