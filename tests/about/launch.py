"""The page on launch times, written from the measured points and from launches that are run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import evolve

from bprocsim.calibration import (
    LAUNCHERS,
    SYSTEMS,
    Launcher,
    Point,
    System,
    compare,
    context,
    leave_one_out,
    mean_error,
    ping_pong,
    points,
    refit,
)
from bprocsim.cli.markdown import code, page, prose, table
from bprocsim.costs import PRESET_SOURCES
from bprocsim.sources import load
from bprocsim.units import us

XCPU, BPROC, PINKISH = LAUNCHERS["xcpu"], LAUNCHERS["bproc"], SYSTEMS["pinkish"]
MODES = ("flat", "tree")

# What may have been otherwise, by the costs that it changes.
OTHERWISE: dict[str, dict[str, Any]] = {
    "as it is": {},
    "copies in memory take no time": {"file_copy_ns_per_mib": 0},
    "copies in memory take twice as long": {"file_copy_ns_per_mib": 2 * PINKISH.costs.file_copy_ns_per_mib},
    "a message takes 100 us": {"link_latency_ns": 100 * us},
}


def launch_page() -> str:
    """Write the page."""
    return page(
        "# Launch times",
        prose(
            """How long it took to launch a program on all nodes of a cluster was measured and published for a few
            systems. This page is written by the program, which ran each launch that it can: times come out of
            messages, copies and the work of processes, and of the constants named here, never from a formula for the
            total."""
        ),
        *(part for mode in MODES for part in _group(mode)),
        "## BProc",
        prose(
            """All four points come from one mechanism, that of the calls. What moves to and fro between two slaves is a
            process that calls bproc_move. The flat launcher forks on the master, and each child moves itself by
            bproc_execmove (the measured ones called bproc_move, which reads no image). The tree is one bproc_vexecmove;
            where there are more processes than nodes, those that arrive fork on their nodes, and the master forks a
            ghost for each."""
        ),
        prose(
            """What a daemon, a stub and a thawing take was reckoned from the first point, as if it had been measured
            over Fast Ethernet. The links of the last system,
            of which nothing is told, were fitted on its only point: as many constants as points, so that fit is exact
            and not good. Nothing is fitted on the other two."""
        ),
        table(
            ("what", "system", "nodes", "processes", "measured, s", "simulated, s", "error", "fitted on it"), _bproc()
        ),
        "## The fitted constants",
        prose(
            f"""XCPU has {len(XCPU.constants)} in all, of which the program of the flat launcher uses
            {len(XCPU.fitted("flat"))} and that of the tree all. They were found by least squares of relative errors,
            in steps of 10 us, those of the tree with those of the flat launcher held."""
        ),
        table(("constant", "ms", "what takes it", "fitted on"), _constants()),
        "## If our choices were wrong",
        prose(
            """What nothing says of the cluster pinkish is chosen: memory that copies 2.5 GiB each second with the
            measured slope in sight. Each line changes one figure: the mean errors with the constants as they are,
            and with constants that were fitted anew."""
        ),
        table(("figure", "flat", "tree", "flat, fitted anew", "tree, fitted anew"), _otherwise()),
        "## The figures of the systems",
        prose("What a system has of its own; all else is as in the preset `clustermatic-2002`."),
        table(("system", "what it is", "figure", "value", "from"), _figures()),
        "## The next version, XCPU2",
        prose("Nothing is fitted on it: these are its measured times beside the programs of XCPU."),
        table(("nodes", "MiB", "mode", "measured, s", "simulated, s", "error", "source"), _next_version()),
        "## Measured and not simulated",
        table(("launcher", "system", "mode", "nodes", "processes", "measured, s", "tier", "source"), _others()),
        table(("launcher", "told", "tier", "source"), _context()),
        prose("Tier A was read in raw data or the full text, B in an abstract, C is recalled and good to some 10 %."),
    )


def _group(mode: str) -> Iterator[str]:
    yield f"## XCPU, {mode}, on pinkish"
    found = [compare(XCPU, point) for point in XCPU.points(mode)]
    without = leave_one_out(XCPU, mode)
    yield table(
        ("nodes", "MiB", "measured, s", "simulated, s", "error", "fitted without it, s", "error", "source"),
        (
            (
                each.point.nodes, each.point.image_mib, each.point.seconds, f"{each.seconds:.3f}",
                f"{each.error:+.1%}", f"{other.seconds:.3f}", f"{other.error:+.1%}",
                f"{code(each.point.source)}, {each.point.section}",
            )
            for each, other in zip(found, without, strict=True)
        ),
    )  # fmt: skip
    yield prose(
        f"""Mean error of {len(found)} points: {mean_error(found):.1%}; of each point by constants that were fitted
        without it: {mean_error(without):.1%}. The same launch measured twice differs by up to 2 %."""
    )


def _bproc() -> Iterator[tuple[object, ...]]:
    for each in (ping_pong(), *(compare(BPROC, point) for mode in MODES for point in BPROC.points(mode))):
        point = each.point
        own = PRESET_SOURCES[point.system]
        fitted = (
            ", ".join(code(figure) for figure, source in own.items() if source.startswith("choice-fit-")) or "nothing"
        )
        error = "" if point.bound else f"{each.error:+.1%}"
        what = f"{point.mode} ({code(point.source)})"
        yield what, point.system, point.nodes, point.procs, _measured(point), f"{each.seconds:.4g}", error, fitted


def _measured(point: Point) -> str:
    return f"{'at most ' if point.bound else ''}{point.seconds:g}"


def _constants() -> Iterator[tuple[object, ...]]:
    for each in XCPU.constants:
        yield code(each.name), f"{each.ns / 1e6:.2f}", each.what, f"{len(XCPU.points(each.mode))} {each.mode} points"


def _otherwise() -> Iterator[tuple[object, ...]]:
    for what, changed in OTHERWISE.items():
        system = evolve(PINKISH, costs=evolve(PINKISH.costs, **changed))
        anew = XCPU
        for mode in MODES:
            anew = refit(anew, mode, XCPU.points(mode), system)
        yield (what, *_errors(XCPU, system), *_errors(anew, system))


def _errors(launcher: Launcher, system: System) -> Iterator[str]:
    for mode in MODES:
        yield f"{mean_error([compare(launcher, point, system) for point in XCPU.points(mode)]):.1%}"


def _figures() -> Iterator[tuple[object, ...]]:
    for name, system in SYSTEMS.items():
        what = f"{system.hardware} ({code(system.source)})"
        yield name, what, "cores of a node", system.node.cores, ""
        for figure, source in PRESET_SOURCES[name].items():
            yield "", "", code(figure), getattr(system.costs, figure), code(source)


def _next_version() -> Iterator[tuple[object, ...]]:
    for point in points():
        if point.launcher == "xcpu2":
            found = compare(XCPU, point)
            times = point.seconds, f"{found.seconds:.3f}", f"{found.error:+.1%}"
            yield point.nodes, point.image_mib, point.mode, *times, f"{code(point.source)}, {point.section}"


def _others() -> Iterator[tuple[object, ...]]:
    for point in points():
        if not point.launcher.startswith((XCPU.name, BPROC.name)):
            where = point.launcher, point.system, point.mode, point.nodes, point.procs
            yield *where, _measured(point), point.tier, f"[{point.source}]({load()[point.source].address})"


def _context() -> Iterator[tuple[object, ...]]:
    for told in context():
        yield told.launcher, told.told, told.tier, f"[{told.source}]({load()[told.source].address})"
