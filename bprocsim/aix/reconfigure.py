"""How a change of the processors goes: it is announced, decided, done, and told of."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen

from bprocsim.aix.placement import of_thread
from bprocsim.aix.service import Asker
from bprocsim.manual import Errors, Fail
from bprocsim.port import Steps
from bprocsim.posix.procs import Handler
from bprocsim.posix.signaling import post
from bprocsim.signals import Signal
from bprocsim.units import ms, s

# The step at which what hinders a change is decided: after the warnings.
GO = "go"

# How long a program has to act on each of the two warnings by SIGRECONFIG. Source: choice-reconfiguration.
WARNING_NS = 100 * ms

# How long threads may stay bound to a processor that is to be deallocated. Source: aix-deallocation.
PATIENCE_NS = 600 * s

# How often it is looked whether they still are. Source: choice-reconfiguration.
LOOK_NS = 1 * s


@frozen(eq=False)
class Reconfiguration:
    """A change of the processors as a call.

    `survey(asker, *args)` gathers its facts, anew before it is done; `errors` decides, on entry and
    at the step GO; `warn(change, look)` lets programs know, and lets time pass if they may do
    something about it; it gives what is to follow, done or not. `look()` surveys anew.
    """

    errors: Errors
    survey: Callable[..., Any]
    warn: Callable[[Any, Callable[[], Any]], Steps]

    @property
    def hindered(self) -> bool:
        """Tell whether something may hinder it once it is about to be done."""
        return any(row.step == GO for row in self.errors.rows)

    def steps(self, asker: Asker, args: tuple[Any, ...]) -> Steps:
        """Make the change: gives a Fail, with nothing changed, or 0."""
        machine = asker.partition.machine
        result = yield from self._decided(asker, args)
        if not machine.port.pass_at_once(machine.costs.syscall_ns):
            yield machine.port.sleep(machine.costs.syscall_ns)
        return result

    def _decided(self, asker: Asker, args: tuple[Any, ...]) -> Steps:
        def look() -> Any:
            return self.survey(asker, *args)

        change = look()
        row = self.errors.first(change)
        if row is None and change.online != change.partition.online:
            follow = yield from self.warn(change, look)
            change = look()
            row = self.errors.first(change)
            if row is None and self.hindered:
                row = self.errors.first(change, GO)
        else:
            follow = _nothing
        result = change.done() if row is None else Fail(row, self.errors, _about(change))
        follow()
        return result

    def __call__(self, machine: Any, thread: Any, *args: Any) -> Steps:
        """Make it for a thread; see kernel.calls."""
        process = thread.process
        return self.steps(Asker(machine.partition, process.credentials, process.pid, thread), args)


def _about(change: Any) -> str:
    return f"core {change.core}" if change.core >= 0 else f"{change.width} threads"


def _nothing() -> None:
    """Tell nobody."""


def announced(change: Any, _look: Callable[[], Any]) -> Steps:
    """Raise SIGRECONFIG: to check, before, and, by what this gives, after, whether it was done or not.

    It reaches those who catch it or are bound to a processor. Only where somebody catches it time
    passes after the first two; what they do by then counts. Source: aix-dr-reconfig.
    """
    machine = change.partition.machine
    for _phase in ("check", "before"):
        _raise(machine, change.partition)
        if any(_catches(each) for each in _concerned(change.partition)):
            yield machine.port.sleep(WARNING_NS)
    return lambda: _raise(machine, change.partition)


def deallocated(change: Any, look: Callable[[], Any]) -> Steps:
    """Send SIGCPUFAIL to those bound to the last bind ids, and wait until none is, for at most ten minutes.

    Source: aix-deallocation.
    """
    machine = change.partition.machine
    due_ns = machine.port.now_ns + PATIENCE_NS
    for pid in dict.fromkeys(change.bound):
        post(machine, machine.processes[pid], Signal.SIGCPUFAIL, None)
    while machine.port.now_ns < due_ns and next(look().bound, None) is not None:
        yield machine.port.sleep(LOOK_NS)
    return _nothing


def _catches(process: Any) -> bool:
    return isinstance(process.handlers.get(Signal.SIGRECONFIG), Handler)


def _concerned(partition: Any) -> Iterator[Any]:
    """Give those who catch SIGRECONFIG or have a thread that is bound to a processor, by pid."""
    processes = dict.fromkeys(thread.process for thread in partition.threads())
    for process in processes:
        if _catches(process) or any(of_thread(thread).bound is not None for thread in process.threads):
            yield process


def _raise(machine: Any, partition: Any) -> None:
    for process in list(_concerned(partition)):
        post(machine, process, Signal.SIGRECONFIG, None)
