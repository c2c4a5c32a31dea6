"""Attributes of nodes in BProc 4.0: small values that root leaves with a node's file. Source: bproc-bpfs."""

from __future__ import annotations

from typing import Any

from bprocsim.bproc.bpfs import survey_change, survey_file
from bprocsim.bproc.information import NodeFacts
from bprocsim.bproc.service import Asker

COUNT_MAX = 32
NAME_MAX, VALUE_MAX = 63, 64  # bytes


def survey_attribute(asker: Asker, number: int, name: Any, out: Any, size: int) -> NodeFacts:
    """Gather what bproc_getnodeattr asks: the value goes to `out`, where there is room for `size` bytes."""
    facts = survey_file(asker, number, out)
    facts.value = name, None, size
    return facts


def survey_new_attribute(asker: Asker, number: int, name: Any, value: Any, size: int) -> NodeFacts:
    """Gather what bproc_setnodeattr asks: the first `size` bytes of the value are meant."""
    return survey_change(asker, number, (name, value, size))


# ---- what can be wrong ------------------------------------------------------------------------------


def name_unreadable(f: NodeFacts) -> bool:
    return not isinstance(f.value[0], bytes)


def value_unreadable(f: NodeFacts) -> bool:
    return not isinstance(f.value[1], bytes)


def attribute_absent(f: NodeFacts) -> bool:
    """The master's file has none, nor have those on slaves."""
    return _kept(f) is None


def value_too_long_for_buffer(f: NodeFacts) -> bool:
    kept = _kept(f)
    return kept is not None and f.value[2] < len(kept)


def name_too_long(f: NodeFacts) -> bool:
    return isinstance(f.value[0], bytes) and len(f.value[0]) > NAME_MAX


def value_too_long(f: NodeFacts) -> bool:
    """A negative size counts as a very great one."""
    return not 0 <= f.value[2] <= VALUE_MAX


def too_many_attributes(f: NodeFacts) -> bool:
    if f.node is None or f.value[0] in f.node.attributes:
        return False
    return len(f.node.attributes) >= COUNT_MAX


# ---- what is done -----------------------------------------------------------------------------------


def _kept(f: NodeFacts) -> bytes | None:
    if f.node is None or not f.asker.at_home:
        return None
    return f.node.attributes.get(f.value[0])


def fill_attribute(f: NodeFacts) -> int:
    """Write an attribute's value; gives how many bytes."""
    kept = _kept(f)
    assert kept is not None, "every row was tested"
    f.out[: len(kept)] = kept
    return len(kept)


def keep_attribute(f: NodeFacts) -> int:
    """Keep an attribute of a node; what lies behind the end of the value is NULs."""
    assert f.node is not None, "every row was tested"
    name, value, size = f.value
    f.node.attributes[name] = value[:size].ljust(size, b"\0")
    return 0
