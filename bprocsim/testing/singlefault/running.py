"""A scenario run once for every single fault that it can meet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from traceback import walk_tb
from typing import Any

import bprocsim as bp
from bprocsim.scenario.build import World
from bprocsim.scenario.load import Loaded
from bprocsim.scenario.play import Result
from bprocsim.scenario.report import Report
from bprocsim.testing.scenarios import Scenario
from bprocsim.testing.singlefault.happening import Happening, listen, note_messages
from bprocsim.testing.singlefault.judging import Ending, Finding, Verdict, ending_of
from bprocsim.testing.singlefault.planning import Single, single_faults
from bprocsim.testing.singlefault.report import SingleFault, SingleFaults
from bprocsim.world.specs import listed
from bprocsim.world.watching import sweep

Check = Callable[[Report], object]
Drive = Callable[[World], object]


def each_single_fault(
    scenario: str | Path | Loaded | Scenario, *, calls: Collection[str] | None = None,
    steps: Collection[bp.Step | str] | None = None, drive: Drive | None = None, check: Check | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> SingleFaults:  # fmt: skip
    """Run a scenario once, and then once for each documented errno of each call, and each death at each step.

    `scenario` a bprocsim.testing.Scenario, or a scenario file. `calls` which of them fail (pages or calls;
    None all, empty none); at which `steps` of moves, or their names, a node that takes part loses power (None all,
    empty none).
    `drive` does something with each world (`.cluster`, `.lpar`, `.systems`) after its calls, as a launcher does
    that runs outside of it; what it raises is wrong with the run, and there is no token. `check` looks at each
    run (its `.results`, `.world` and so on) and raises AssertionError if something is wrong with it; `progress`
    is told how many runs of how many are over. What is wrong with a run is held against the run without the fault.
    ScenarioError: all that is wrong with the scenario. ValueError: it makes no such call, or there is no such step.
    """
    for argument, given in (("drive", drive), ("check", check), ("progress", progress)):
        if given is not None and not callable(given):
            raise TypeError(f"{argument}: expected a function, got {given!r}")
    whole = Scenario.of(scenario).with_trace("all")
    meant = None if steps is None else _steps_named(steps)
    with sweep(each_single_fault.__name__):
        happening = _happening(whole, drive)
    _check_names(happening, calls)
    singles = single_faults(happening, calls, meant)
    usual, ending = _run(whole, None, Ending(), drive, check)
    runs = []
    for number, single in enumerate(singles):
        if progress is not None:
            progress(number, len(singles))
        with sweep(each_single_fault.__name__):
            runs.append(_run(whole, single, ending, drive, check)[0])
    if progress is not None:
        progress(len(singles), len(singles))
    return SingleFaults(whole.loaded.where.name, usual, happening, tuple(runs))


def _happening(scenario: Scenario, drive: Drive | None) -> Happening:
    """Run a scenario to hear of what happens in it."""
    world = scenario.world()
    happening = listen(world)
    with suppress(Exception):  # the run that is judged tells of it
        scenario.play(world)
        if drive is not None:
            drive(world)
    note_messages(world, happening)
    return happening


def _check_names(happening: Happening, calls: Collection[str] | None) -> None:
    for name in () if calls is None else listed("calls", calls, "names"):
        if not any(each.is_named(name) for each in happening.calls):
            made = ", ".join(sorted({each.page for each in happening.calls})) or "none at all"
            raise ValueError(f"calls: this scenario makes no call {name!r}; it makes {made}")


def _steps_named(steps: Collection[bp.Step | str]) -> frozenset[bp.Step]:
    known, asked = bp.Step.__members__, listed("steps", steps, "members of bp.Step")
    for step in asked:
        if not isinstance(step, bp.Step) and step not in known:
            raise ValueError(f"steps: there is no step {step!r}; expected some of {', '.join(known)}")
    return frozenset(step if isinstance(step, bp.Step) else known[step] for step in asked)


def _run(
    scenario: Scenario, single: Single | None, usual: Ending, drive: Drive | None, check: Check | None
) -> tuple[SingleFault, Ending]:
    """Run a scenario with a fault, if one is given, and judge it; gives how it ended as well."""
    struck = scenario if single is None else scenario.with_faults(single.fault, system=single.system)
    world = struck.world()
    findings: list[Finding] = []
    report: Report | None = None
    try:
        report = struck.play(world)
    except bp.Undocumented as error:
        findings.append(Finding(Verdict.UNDOCUMENTED, str(error)))
    except Exception as error:  # whatever it is, the other runs are to be made
        findings.append(Finding(Verdict.CRASH, f"bprocsim itself raised {type(error).__name__}: {error}"))
    ending = Ending()
    if report is not None:  # else the world was cut off in the middle of something
        findings += _asserted(drive, world)
        findings += _asserted(check, report)
        ending = ending_of(world, report.results)
        findings += ending.beyond(usual)
    planned = [each for each in world.planned if single is not None and each.fault == single.fault]
    told = SingleFault(
        fault=None if single is None else single.fault,
        system="" if single is None else single.system,
        about="" if single is None else single.about,
        struck=single is None or any(each.fired for each in planned),
        findings=tuple(findings),
        came=() if report is None else tuple(map(_came, report.results)),
        refused="" if report is None else report.refused,
        token=None if report is None or struck.strangers or drive is not None else report.token,
    )
    return told, ending


def _asserted(look: Callable[[Any], object] | None, at: Any) -> Iterator[Finding]:
    """Let a function of the user look at a run, or go on with it; gives what it raised."""
    try:
        if look is not None:
            look(at)
    except AssertionError as error:
        yield Finding(Verdict.WRONG, _placed(str(error) or "an assertion failed", error))
    except bp.Undocumented as error:
        yield Finding(Verdict.UNDOCUMENTED, str(error))
    except (bp.Deadlock, bp.Runaway, bp.Timeout) as error:
        yield Finding(Verdict.HANG, f"{type(error).__name__}: {error}")
    except Exception as error:
        yield Finding(Verdict.CRASH, _placed(f"{type(error).__name__}: {error}", error))


# The names of what is not the user's.
_NOT_THEIRS = frozenset({"bprocsim", "simpy", *sys.stdlib_module_names})


def _placed(told: str, error: Exception) -> str:
    """Tell, on the first line, at which line of the user's code an exception was raised, or passed last."""
    places = [
        f" ({Path(frame.f_code.co_filename).name}, line {line})"
        for frame, line in walk_tb(error.__traceback__)
        if (frame.f_globals.get("__name__") or "").partition(".")[0] not in _NOT_THEIRS
    ]
    first, newline, more = told.partition("\n")
    return "".join((first, *places[-1:], newline, more))


def _came(result: Result) -> str:
    call = result.call.call
    if result.raised is not None:
        return f"{call}: {result.raised}"
    return f"{call}: done" if result.outcome is None else f"{call}: {result.outcome.told()}"
