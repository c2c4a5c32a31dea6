"""What makes each row of the calls about nodes and processes due: a defect, a few fields of a `NodeCase`."""

from __future__ import annotations

import bprocsim as bp
from bprocsim.bproc.service import PAGE_BYTES
from bprocsim.testing.cases import CALLER, NOWHERE, OTHER
from bprocsim.testing.defects import Defect, ways
from bprocsim.testing.nodecases import STRANGER

_BAD = ways("out", "bad", "null")

_WAYS: dict[str, tuple[Defect, ...]] = {
    "no_master": ways("daemon", False),
    "from_slave": ways("from_node", OTHER),
    "out_of_memory": (Defect({"free_bytes": PAGE_BYTES - 1}, {"free_bytes": PAGE_BYTES}),),
    **dict.fromkeys(
        ("info_unwritable", "info_unreadable", "list_unwritable", "addr_unwritable", "version_unwritable"), _BAD
    ),
    "node_unknown": ways("node", NOWHERE, bp.BPROC_NODE_NONE, bp.BPROC_NODE_ANY),
    "slave_unknown": ways("node", NOWHERE, CALLER),
    "node_down": ways("down", True),
    "node_without_address": ways("down", True),
    "not_owner": ways("who", "stranger"),
    "not_root": ways("who", "owner", "stranger"),
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
    "no_such_process": ways("pid", "absent"),
    "descriptors_used_up": (Defect({"descriptors": 0}, {"descriptors": 1}),),
    "files_used_up": (Defect({"free_files": 0}, {"free_files": 1}),),
}  # fmt: skip


def node_defects(cause: str) -> tuple[Defect, ...]:
    """Give the ways to a row of a call about nodes or processes, the recipe's first. KeyError: no such cause."""
    return _WAYS[cause]
