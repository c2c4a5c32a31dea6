"""Which single faults a run can meet: each documented errno of each call, and the death of each node at each step."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from attrs import frozen

import bprocsim as bp
from bprocsim.faults import Fault
from bprocsim.testing.rows.tables import returned_errnos
from bprocsim.testing.singlefault.happening import CallMade, Happening, StepReached


@frozen
class Single:
    """One fault to be tried: on which system, and what it strikes, in words."""

    fault: Fault
    system: str
    about: str


def single_faults(
    happening: Happening, calls: Collection[str] | None, steps: Collection[bp.Step] | None
) -> list[Single]:
    """Give each single fault, in the order of what it strikes; `calls` and `steps` those meant, None all."""
    found = [*_of_calls(happening.calls, calls), *_of_steps(happening.steps, steps)]
    return list({(each.system, each.fault): each for each in reversed(found)}.values())[::-1]


def _of_calls(made: list[CallMade], meant: Collection[str] | None) -> Iterator[Single]:
    for each in made:
        if meant is None or any(map(each.is_named, meant)):
            for errno in returned_errnos(each.table):
                about = f"{_ordinal(each.number)} {each.page}, by pid {each.pid} on {each.place}"
                yield Single(bp.CallFails(each.call, errno, when=str(each.number)), each.system, about)


def _of_steps(reached: list[StepReached], meant: Collection[bp.Step] | None) -> Iterator[Single]:
    seen: set[tuple[str, bp.Step, int]] = set()
    for each in reached:
        for node in each.nodes if meant is None or each.step in meant else ():
            first = (each.system, each.step, node) not in seen
            seen.add((each.system, each.step, node))
            # A fault can name a step of the first move alone; later ones are met at their instants.
            fault = bp.PowerOff(node, step=each.step) if first else bp.PowerOff(node, at_ns=each.at_ns)
            when = "reaches" if first else "is about to reach"
            who = "the master" if node == bp.BPROC_NODE_MASTER else f"node {node}"
            yield Single(fault, each.system, f"{who} loses power as pid {each.pid} {when} {each.step.name}")


def _ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
