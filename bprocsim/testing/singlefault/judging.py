"""What is wrong with a run that is over: it crashed, hung, left something behind, or came to what no page allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any

from attrs import Factory, define, frozen

import bprocsim as bp
from bprocsim.posix.procs import Process
from bprocsim.scenario.build import World
from bprocsim.scenario.play import Result
from bprocsim.units import s

# By then a node that is gone has been missed, and whoever waited for it knows.
_PATIENCE_NS = 100 * s
_OF_CRASHES = frozenset({"SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT", "SIGSYS", "SIGTRAP"})


class Verdict(Enum):
    """What may be wrong with a run, in the order in which a report tells of it."""

    UNDOCUMENTED = "comes to what no page allows"
    CRASH = "crashes"
    HANG = "hangs"
    GHOST = "leaves a ghost"
    PROCESS = "leaves a process"
    DESCRIPTOR = "leaves a descriptor"
    MEMORY = "leaves memory in use"
    WRONG = "is not as asserted"


@frozen
class Finding:
    """One thing that is wrong with a run: the `verdict`, and `what` it is about."""

    verdict: Verdict
    what: str

    def __str__(self) -> str:
        return f"{self.verdict.value}: {self.what}"


@define
class Ending:
    """How a run ended: for each verdict what speaks for it, and how often.

    Of each there may be several alike, so they are counted: a run is held against one without the fault.
    `told` more of a process that is left.
    """

    found: dict[Verdict, Counter[str]] = Factory(lambda: {verdict: Counter() for verdict in Verdict})
    told: dict[str, str] = Factory(dict)

    def beyond(self, usual: Ending) -> Iterator[Finding]:
        """Tell what is worse than in a usual run."""
        for verdict, found in self.found.items():
            for what, times in (found - usual.found[verdict]).items():
                told = f"{times} {what}" if verdict in _AMOUNTS else what if times == 1 else f"{times} times {what}"
                yield Finding(verdict, told + (f", which {self.told[what]}" if what in self.told else ""))


_AMOUNTS = frozenset({Verdict.DESCRIPTOR, Verdict.MEMORY})


def ending_of(world: World, results: Sequence[Result]) -> Ending:
    """Let a world come to rest after its calls, and look at how it ended."""
    ending = Ending()
    for result in results:
        if result.raised is not None:
            ending.found[Verdict.HANG][f"{result.call.call} does not end ({result.raised})"] += 1
        elif result.outcome is not None:
            ending.found[Verdict.UNDOCUMENTED].update(_of_no_page(result.outcome))
    _let_it_rest(world, ending)
    ending.found[Verdict.CRASH].update(
        f"a program on {each.node} raised {each.exception}" for each in world.trace.of_kind("raised")
    )
    killed = (each for each in world.trace.of_kind("killed") if each.signal in _OF_CRASHES)
    ending.found[Verdict.CRASH].update(f"a process on {each.node} was killed by {each.signal}" for each in killed)
    for system in world.systems.values():
        _look_around(system, ending)
    return ending


def _let_it_rest(world: World, ending: Ending) -> None:
    """Let what is under way end; a program that never does may go on."""
    with suppress(bp.Deadlock):  # who waits for ever is found by looking
        try:
            world.sim.run(until_ns=world.sim.now_ns + _PATIENCE_NS)
        except bp.Runaway:
            ending.found[Verdict.HANG]["programs go on without end"] += 1


def _of_no_page(outcome: bp.Outcome) -> Iterator[str]:
    """Tell what is not as it can be, by the page or by what a process comes to."""
    row, errors = outcome.row, outcome.errors
    if row is not None and (errors is None or row not in errors.rows):
        yield f"{outcome.call} came to {row.errno_name} ({row.cause}), which its page does not have"
    if row is not None and outcome.late and outcome.exit_status not in (row.exit_status(outcome.system), None):
        yield f"{outcome.call} ended with status {outcome.exit_status} of {row.errno_name} ({row.cause})"
    if not outcome.returned and outcome.exit_status is None and outcome.signal is None:
        yield f"{outcome.call} neither came back nor ended"


# ---- what is left ----------------------------------------------------------------------------------


def _look_around(system: Any, ending: Ending) -> None:
    """Look for what is left on the machines of a system that live, and in its master's books."""
    machines = [each for each in _machines(system) if each.alive]
    for machine in machines:
        for process in machine.processes.values():
            if not process.idle and not process.driven:
                who = f"{_called(process)} on {machine.name}"
                ending.found[Verdict.PROCESS][who] += 1
                ending.told[who] = _state(process)
    if isinstance(system, bp.Cluster) and system.home.alive:
        _look_into_books(system, ending)
    for machine in machines:
        holders = machine.processes.values()
        files = {each.description for process in holders for each in process.descriptors.values()}
        known = sum(getattr(each, "table", None) is machine.files for each in files)
        ending.found[Verdict.DESCRIPTOR][f"on {machine.name}"] += max(0, machine.files.used - known)
        known_bytes = sum(process.memory_bytes for process in holders)
        ending.found[Verdict.MEMORY][f"bytes on {machine.name}"] += max(0, machine.memory.used_bytes - known_bytes)


def _look_into_books(cluster: bp.Cluster, ending: Ending) -> None:
    """Look for processes that the master knows of and that are nowhere."""
    master = cluster.bpmaster
    for process in master.pids.table.values():
        if process is None or process.idle:
            continue
        if process.machine.alive and process.machine.processes.get(process.pid) is process:
            continue
        there = "which is dead" if not process.machine.alive else "which has no such process"
        ending.found[Verdict.GHOST][f"of {_called(process)}, said to be on {process.machine.name}, {there}"] += 1
    ending.found[Verdict.GHOST].update(f"of a move of pid {pid} that never ended" for pid in master.moves)


def _machines(system: Any) -> Iterator[Any]:
    yield system.home
    if isinstance(system, bp.Cluster):
        yield from (node.machine for _, node in sorted(system.bpmaster.nodes.items()))


def _called(process: Process) -> str:
    return process.comm.decode("utf-8", "replace") or "a forked process"


def _state(process: Process) -> str:
    if process.ended is not None:
        return "has ended, and nobody waits for it"
    waiting = [thread.waiting.told for thread in process.threads if thread.waiting is not None]
    return f"waits in {waiting[0]}" if waiting else "goes on"
