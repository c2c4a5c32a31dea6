"""The second half of `bprocsim demo`: an AIX partition, told while it is simulated."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bprocsim as bp
from bprocsim.cli.screen import Screen, Table
from bprocsim.cli.telling import Moment, happened, ms_of, tell_why
from bprocsim.units import ms

APP = "/usr/bin/app"
WORK_NS = 100 * ms


def interlude(screen: Screen) -> None:
    """Say what the second half is about."""
    screen.put()
    screen.paragraph(
        "The other half is an AIX partition: four cores of POWER7, each with four hardware "
        "threads, which AIX counts as processors 0 to 15. Core 2 is {8-11}, core 3 {12-15}."
    )


def _partition(seed: int) -> bp.Lpar:
    lpar = bp.Lpar(cores=4, smt=4, cpu="POWER7", seed=seed)
    lpar.install(APP, work)
    return lpar


def work(proc: bp.AixProc) -> Iterator[Any]:
    """Compute for a while."""
    yield from proc.compute(WORK_NS)


def busy(proc: bp.AixProc) -> Iterator[Any]:
    """Compute for ever."""
    while True:
        yield from proc.compute(WORK_NS)


# ---- the scenes ------------------------------------------------------------------------------------


def a_process_is_tied_to_its_processors(screen: Screen, seed: int) -> None:
    """A process is tied to its processors."""
    lpar = _partition(seed)
    moments: list[Moment] = []

    def tell(what: str, outcome: bp.Outcome) -> None:
        at_ns = lpar.sim.now_ns - outcome.elapsed_ns
        moments.append((at_ns, "lpar", what))
        came = "0: done" if outcome.returned else f"it runs on {{{outcome.rset}}}, and exits"
        moments.append((lpar.sim.now_ns, "", came))

    tell("mkrset sysxrset/app {8-15}", lpar.mkrset("sysxrset/app", "8-15"))
    for flags, name in ((0, "0"), (bp.R_ATTACH_STRSET, "R_ATTACH_STRSET")):
        outcome = lpar.ra_execv(bp.R_RSET, lpar.rset("8-15"), flags, APP)
        tell(f"ra_execv(R_RSET, {{8-15}}, {name}, app)", outcome)
    screen.labelled("called", "mkrset, and ra_execv in two ways", "code")
    happened(screen, moments)
    screen.labelled(
        "why",
        "A set in the namespace sysxrset takes its processors out of general use: work runs "
        "there only if it is attached to a set that holds them. ra_execv attaches and "
        "executes in one step. With R_ATTACH_STRSET it takes one hardware thread of each "
        "whole core, and leaves the others idle.",
    )


def a_refusal_explained(screen: Screen, seed: int) -> None:
    """A refusal explained."""
    lpar = _partition(seed)
    lpar.mkrset("sysxrset/app", "8-15")
    outcome = lpar.ra_execv(bp.R_RSET, lpar.rset("7-15"), bp.R_ATTACH_STRSET, APP)
    screen.labelled("called", "ra_execv(R_RSET, {7-15}, R_ATTACH_STRSET, app)", "code")
    screen.put()
    tell_why(screen, outcome, "among them those of exec")
    screen.put()
    screen.labelled(
        "why",
        "Processor 7 is everybody's. One such processor spoils the set; it does not help "
        "that its core would have been left out anyway. Both happen or neither: nothing was "
        "executed, and nothing is attached.",
    )


def alone_and_beside_busy_siblings(screen: Screen, seed: int) -> None:
    """Alone on a core, and beside busy siblings."""
    screen.paragraph("app has 100 ms to compute, on processor 0. Others compute for ever.")
    rows: list[tuple[bp.Outcome, str]] = []
    for siblings, beside in enumerate(("nobody", "one busy sibling", "two", "three")):
        lpar = _partition(seed)
        for processor in range(1, siblings + 1):
            other = lpar.popen(busy)
            lpar.ra_attachrset(bp.R_PROCESS, other.pid, lpar.rset(str(processor)))
        rows.append((lpar.ra_execv(bp.R_RSET, lpar.rset("0"), 0, APP), beside))
    lpar = _partition(seed)
    lpar.mkrset("sysxrset/app", "0-3")
    for _ in range(16):
        lpar.popen(busy)
    single = lpar.ra_execv(bp.R_RSET, lpar.rset("0-3"), bp.R_ATTACH_STRSET, APP)
    rows.append((single, "nobody: R_ATTACH_STRSET of {0-3}, sixteen others elsewhere"))
    screen.put()
    screen.table(
        Table(
            ("app took", "ran on", "beside it on the core"),
            [((ms_of(each.elapsed_ns), "ok"), (f"{{{each.rset}}}", "code"), (beside, "")) for each, beside in rows],
            indent=0,
        )
    )
    screen.put()
    screen.labelled(
        "why",
        "Hardware threads share their core: on POWER7 each runs at 700, 500 and 400 per "
        "mille of its speed beside one, two and three busy siblings. In the last line core 0 "
        "is of exclusive use: the others keep to the twelve processors of the other cores, "
        "and app has a whole core to itself.",
    )


SCENES = (a_process_is_tied_to_its_processors, a_refusal_explained, alone_and_beside_busy_siblings)
