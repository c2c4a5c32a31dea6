"""bproc_detach: a process leaves BProc's space and runs on where it is; to all others it has exited.

It is a fork of which the parent exits: what runs on is another process, with a number that only its
own node knows. Source: scyld-bproc_detach.
"""

from __future__ import annotations

from typing import Any

from attrs import define, frozen, setters

from bprocsim.bproc.information import NodeFacts
from bprocsim.bproc.service import Asker, Service
from bprocsim.manual import Fail
from bprocsim.port import Steps
from bprocsim.posix.life import take_after
from bprocsim.posix.procs import Ended, Process, Thread

BORN = "born"  # the step at which it is known whether there is a number for it


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class DetachFacts(NodeFacts):
    """What a process asks that leaves the space: `value` the exit code that others see, `pid` its new number."""

    pid: int = 0

    @property
    def process(self) -> Process:
        """Give the process."""
        found: Process = self.asker.thread.process
        return found

    @property
    def machine(self) -> Any:
        """Give where it is."""
        return self.asker.machine


def survey_detach(asker: Asker, code: int) -> DetachFacts:
    """Gather what bproc_detach asks."""
    return DetachFacts(asker, value=code)


def no_number_left(f: DetachFacts) -> bool:
    return not f.pid


@frozen(eq=False)
class Detach(Service):
    """The call; see the room."""

    def __call__(self, machine: Any, thread: Any, *args: Any) -> Steps:
        """Make it for a thread; see kernel.calls."""
        facts = self.survey(self.asker(machine, thread), *args)
        row = self.errors.first(facts)
        if row is None:
            yield machine.port.sleep(machine.costs.fork_ns)
            # On the master all processes are in one table, and only the number is another one.
            where = machine if machine.sees_all else machine.outside()
            facts.pid = where.pids.allocate()
            row = self.errors.first(facts, BORN)
        elif not machine.port.pass_at_once(machine.costs.syscall_ns):
            yield machine.port.sleep(machine.costs.syscall_ns)
        if row is not None:
            return Fail(row, self.errors)
        machine.only(thread)
        old = thread.process
        _take_over(thread, old, where.enter(facts.pid))
        machine.end(old, Ended(exit_status=facts.value & 0xFF))
        return 0


def _take_over(thread: Thread, old: Process, new: Process) -> None:
    """Let a process have all of another one that a fork would share, and its only thread."""
    take_after(old, new)
    new.parent = None
    new.pgid = new.sid = new.pid
    new.memory_bytes, old.memory_bytes = old.memory_bytes, 0
    new.running_file, old.running_file = old.running_file, None
    new.descriptors = old.part_from_descriptors()
    new.pending, old.pending = old.pending, ()
    new.body, new.execed, new.proc = old.body, old.execed, old.proc
    new.threads, old.threads = [thread], []
    thread.process = new
