"""What may be unusual in the world of a call, and is no reason for it to fail: a few fields of a case."""

from __future__ import annotations

from typing import Any

import bprocsim as bp
from bprocsim.testing.rows.cases import OTHER, PORT, Case
from bprocsim.testing.rows.defects import Defect, ways
from bprocsim.testing.rows.lparcases import LparCase
from bprocsim.testing.rows.nodecases import NodeCase

_OF_EXEC = (
    *ways("program.name_bytes", 1, 255),
    *ways("program.links", 1, 2),
    *ways("program.content", "script"),
    *ways("argv_pointers", 4),
    *ways("envp_pointers", 2),
)
_OF_CASES = (
    *_OF_EXEC,
    *ways("program.interpreters", 1),
    Defect({"interpreter.links": 1, "program.interpreters": 1}),
    *ways("from_node", OTHER),
    *ways("node", OTHER),
    *ways("port", PORT),
    *ways("node_mode", 0o101, 0o777),
)
_OF_NODES = (
    *ways("who", "owner"),
    *ways("from_node", OTHER),
    *ways("node", OTHER),
    *ways("node_mode", 0o777, 0),
    *ways("kept", 5),
)
_OF_PARTITIONS = (
    *ways("root", True),
    *ways("exclusive", "", "6,7"),
    *ways("removed", 0),
    *ways("affinity", False),
    *ways("processors", "6,7", "4-6"),
    *ways("srad", 0),
    *ways("flags", bp.R_ATTACH_STRSET),
    *ways("propagates", False),
    *ways("work_type", bp.R_THREAD),
    *ways("bounds", "0-7"),
    *ways("name_mode", 0o600),
)


def beside(base: Any) -> tuple[Defect, ...]:
    """Give what may be unusual in a case of this kind and is not wrong by itself."""
    if isinstance(base, Case):
        return _OF_CASES
    if isinstance(base, NodeCase):
        return _OF_NODES
    assert isinstance(base, LparCase)
    return (*_OF_PARTITIONS, *_OF_EXEC) if base.call == "ra_exec" else _OF_PARTITIONS
