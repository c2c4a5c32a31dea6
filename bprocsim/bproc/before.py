"""What a process was before an exec, for an edition in which a failed move comes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define, setters

from bprocsim.port import Port
from bprocsim.posix.procs import Descriptor, Process, let_go

if TYPE_CHECKING:
    from bprocsim.bproc.transit import Move

# What an exec changes of a process; its memory and the file it runs are counted elsewhere too.
CHANGED = ("argv", "env", "comm", "image", "credentials", "handlers", "body", "execed")


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Before:
    """The fields of `process` that an exec changes, and the descriptors that it closes."""

    process: Process
    fields: dict[str, Any]
    memory_bytes: int
    running_file: Any
    closed: dict[int, Descriptor]

    def restore(self) -> None:
        """Make it that again, on the machine where it was."""
        process = self.process
        process.machine.memory.used_bytes += self.memory_bytes - process.memory_bytes
        process.memory_bytes = self.memory_bytes
        if process.running_file is not None:
            process.running_file.running -= 1
        process.running_file = self.running_file
        if self.running_file is not None:
            self.running_file.running += 1
        for name, value in self.fields.items():
            setattr(process, name, value)
        process.descriptors.update(self.closed)
        self.closed = {}

    def let_go(self, port: Port) -> None:
        """Close what the exec would have closed: nobody comes back."""
        closed, self.closed = self.closed, {}
        for _, descriptor in sorted(closed.items()):
            let_go(descriptor.description, port)


def remember(process: Process) -> Before:
    """Keep what a process is now; the files that an exec closes stay open meanwhile."""
    closed = {number: each for number, each in process.descriptors.items() if each.close_on_exec}
    for descriptor in closed.values():
        descriptor.description.references += 1
    return Before(process, _fields(process), process.memory_bytes, process.running_file, closed)


def leave_behind(move: Move) -> Before:
    """Keep what a process is that becomes another image on the target; the source holds all that it has open."""
    return Before(move.process, _fields(move.process), move.held_bytes, move.held_file, {})


def _fields(process: Process) -> dict[str, Any]:
    return {name: getattr(process, name) for name in CHANGED}
