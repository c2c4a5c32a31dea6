"""Node specifications: "0-3,n7,allup,!down,master" as data, and which nodes of a list they select.

The grammar is that of bproc_nodespec(2): parts with commas between, each a number ("4", "n4", ".4"),
a range ("0-3", or "3-" up to the last), "master", "all", or a state with "all", "not" or "!" before
it. Source: bproc-nodespec.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from attrs import frozen

from bprocsim.bproc.nodes import NODE_MASTER
from bprocsim.bproc.records import BprocNodeInfo

_NUMBERS = re.compile(r"[n.]?(-?[0-9]+)(?:(-)(?:[n.]?([0-9]+))?)?", re.ASCII)
_STATE = re.compile(r"(all(?=.))?(not(?=.)|!)?([A-Za-z_][A-Za-z0-9_]*)", re.ASCII)
_DIGITS = 9  # a number with more is that of no node


@frozen
class Numbers:
    """Nodes by their numbers, from `low` to `high`; None: to the last."""

    low: int
    high: int | None


@frozen
class Master:
    """The master."""


@frozen
class InState:
    """Nodes that are in a state, or with `negated` those that are not; without a `state` all of them."""

    state: str = ""
    negated: bool = False


Part = Numbers | Master | InState


def parse(text: str) -> tuple[Part, ...] | None:
    """Read a specification; an empty one has no parts. None: it is none."""
    parts: list[Part] = []
    for each in text.split(",") if text else ():
        part = _part(each)
        if part is None:
            return None
        parts.append(part)
    return tuple(parts)


def _part(text: str) -> Part | None:
    if text == "master":
        return Master()
    if text == "all":
        return InState()
    found = _NUMBERS.fullmatch(text)
    if found is not None:
        low, dash, high = found.groups()
        return Numbers(_number(low), (None if high is None else _number(high)) if dash else _number(low))
    found = _STATE.fullmatch(text)
    return None if found is None else InState(found[3], negated=found[2] is not None)


def _number(digits: str) -> int:
    if digits.startswith("-"):
        return -1
    digits = digits.lstrip("0")
    return int(digits or "0") if len(digits) <= _DIGITS else 10**_DIGITS


def select(parts: Iterable[Part], known: Iterable[BprocNodeInfo]) -> Iterator[BprocNodeInfo]:
    """Give what is known of each node that is meant, in the order of the parts, as often as it is meant.

    Numbers of no node are passed over; of the master nothing but its number is told.
    """
    infos = list(known)
    by_number = {info.node: info for info in infos}
    last = max(by_number, default=-1)
    for part in parts:
        if isinstance(part, Master):
            yield BprocNodeInfo(NODE_MASTER, status="")
        elif isinstance(part, Numbers):
            high = last if part.high is None else min(part.high, last)
            yield from (by_number[number] for number in range(max(part.low, 0), high + 1) if number in by_number)
        else:
            yield from (info for info in infos if _matches(part, info.status))


def _matches(part: InState, status: Any) -> bool:
    return not part.state or (status == part.state) is not part.negated
