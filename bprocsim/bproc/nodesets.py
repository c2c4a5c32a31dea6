"""Sets of nodes in BProc 4.0: all of them, what a specification selects, and what the library does with sets."""

from __future__ import annotations

from copy import copy
from typing import Any

from bprocsim.bproc.information import NodeFacts, description
from bprocsim.bproc.nodes import word_of
from bprocsim.bproc.nodespec import parse, select
from bprocsim.bproc.notifier import Notifier
from bprocsim.bproc.records import BprocNodeInfo, BprocNodeSet
from bprocsim.bproc.service import Asker

INFO_BYTES = 48  # of one record: three ints, 16 characters, an address of 16 bytes, a mode


def survey_list(asker: Asker, out: Any, fd: int) -> NodeFacts:
    """Gather what bproc_nodelist_ asks: its list is read through a notifier."""
    process = asker.thread.process if asker.thread is not None else None
    descriptor = process.descriptors.get(fd) if process is not None else None
    return NodeFacts(asker, out=out, value=None if descriptor is None else descriptor.description)


def survey_filter(asker: Asker, out: Any, given: Any, text: Any) -> NodeFacts:
    """Gather what bproc_nodefilter asks: of the set `given` that is selected which `text` specifies."""
    return NodeFacts(asker, out=out, value=(given, text))


def survey_specification(asker: Asker, out: Any, text: Any) -> NodeFacts:
    """Gather what bproc_nodespec asks, which selects from all nodes."""
    return survey_filter(asker, out, BprocNodeSet(), text)


def survey_set(asker: Asker, out: Any, value: Any = None) -> NodeFacts:
    """Gather what is asked by a call that changes a set."""
    return NodeFacts(asker, out=out, value=value)


# ---- what can be wrong ------------------------------------------------------------------------------


def set_unwritable(f: NodeFacts) -> bool:
    return not isinstance(f.out, BprocNodeSet)


def not_a_notifier(f: NodeFacts) -> bool:
    return not isinstance(f.value, Notifier)


def set_unreadable(f: NodeFacts) -> bool:
    return not isinstance(f.value[0], BprocNodeSet)


def other_set_unreadable(f: NodeFacts) -> bool:
    return not isinstance(f.value, BprocNodeSet)


def node_unreadable(f: NodeFacts) -> bool:
    return not isinstance(f.value, BprocNodeInfo)


def specification_unreadable(f: NodeFacts) -> bool:
    return not isinstance(f.value[1], bytes)


def specification_malformed(f: NodeFacts) -> bool:
    return isinstance(f.value[1], bytes) and parse(_text(f)) is None


def set_too_big(f: NodeFacts) -> bool:
    """A negative size counts as a very great one."""
    return not 0 <= f.value * INFO_BYTES <= f.asker.machine.memory.free_bytes


# ---- what is done -----------------------------------------------------------------------------------


def _all(asker: Asker) -> list[BprocNodeInfo]:
    """Tell of each slave what the file of all nodes has of it."""
    master = asker.master
    return [description(number, master.node(number), asker, word_of) for number in range(master.node_count)]


def _text(f: NodeFacts) -> str:
    text: bytes = f.value[1]
    return text.decode("utf-8", "surrogateescape")


def fill_all(f: NodeFacts) -> int:
    """Fill a set with all slaves; gives how many."""
    f.out.node = _all(f.asker)
    return len(f.out.node)


def read_all(f: NodeFacts) -> int:
    """Fill a set with all slaves, and wait by the notifier for what changes from now on; gives how many."""
    f.value.changed = False
    return fill_all(f)


def fill_filtered(f: NodeFacts) -> int:
    """Fill a set with those of another that are meant."""
    return _fill_selected(f, f.value[0].node)


def fill_specified(f: NodeFacts) -> int:
    """Fill a set with those of all nodes that are meant."""
    return _fill_selected(f, _all(f.asker))


def _fill_selected(f: NodeFacts, known: list[BprocNodeInfo]) -> int:
    parts = parse(_text(f))
    assert parts is not None, "every row was tested"
    f.out.node = [copy(info) for info in select(parts, known)]
    return 0


def make_room(f: NodeFacts) -> int:
    """Let a set have as many records, all of them empty."""
    f.out.node = [BprocNodeInfo(status="") for _ in range(f.value)]
    return 0


def make_more_room(f: NodeFacts) -> int:
    """Let a set have at least as many records; those it has stay."""
    f.out.node += [BprocNodeInfo(status="") for _ in range(f.value - f.out.size)]
    return 0


def empty(f: NodeFacts) -> int:
    """Let a set have none."""
    f.out.node = []
    return 0


def add(f: NodeFacts) -> int:
    """Put what is known of a node behind those of a set."""
    f.out.node.append(copy(f.value))
    return 0


def append(f: NodeFacts) -> int:
    """Put those of another set behind those of a set."""
    f.out.node += [copy(info) for info in f.value.node]
    return 0
