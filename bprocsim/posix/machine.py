"""What the rooms of a Unix node may ask of the machine they are on: a protocol.

`kernel` implements it. What belongs to a cluster stands behind it as well, so that no room here
knows one: who learns of a process's end, where a pid comes from, what a reached step sets off.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from attrs import define, setters

from bprocsim.costs import Costs
from bprocsim.manual import Errors
from bprocsim.port import Interface, Port, Steps
from bprocsim.posix.arch import Arch
from bprocsim.posix.exec import ExecProfile
from bprocsim.posix.image import Loaded, Program
from bprocsim.posix.network import Network, Ports
from bprocsim.posix.procs import Ended, Process, Thread
from bprocsim.posix.unix import Unix
from bprocsim.posix.vfs import FileTree
from bprocsim.trace import Trace


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Memory:
    """The memory of one machine in bytes: `total`, what processes use, and what a fault holds back."""

    total_bytes: int
    used_bytes: int = 0
    withheld_bytes: int = 0

    @property
    def free_bytes(self) -> int:
        """Tell how much may still be reserved."""
        free = self.total_bytes - self.used_bytes - self.withheld_bytes
        return free if free > 0 else 0


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class FileTable:
    """The open files of one machine: how many there are, of at most `limit`."""

    limit: int
    used: int = 0

    @property
    def free(self) -> int:
        """Tell how many more may be opened."""
        return self.limit - self.used if self.used < self.limit else 0


def counted(machine: Machine, description: Any) -> Any:
    """Enter an open file into the machine's table, from which its last close takes it."""
    machine.files.used += 1
    description.table = machine.files
    return description


class Machine(Protocol):
    """One machine, as its rooms see it."""

    name: str
    hostname: str
    number: int
    address: str
    port: Port
    arch: Arch
    profile: ExecProfile
    costs: Costs
    trace: Trace
    memory: Memory
    files: FileTable
    sockets: Ports
    network: Network
    processors: Any
    interface_out: Interface
    interface_in: Interface
    processes: dict[int, Process]
    fifos: dict[int, Any]  # those that somebody has open, by inode number
    alive: bool
    alone: bool  # no process here belongs to BProc's space
    sees_all: bool  # all processes of the system can be seen from here, and not only those that run here
    master: Any  # the master daemon of its cluster, for the rooms that know one
    partition: Any  # what AIX knows of its processors, for the rooms that know it
    execve_errors: Errors
    unix: Unix

    @property
    def tree(self) -> FileTree:
        """Give its files, which come into being when first asked for."""

    def program_of(self, image: Loaded) -> Program | None:
        """Find the behaviour behind an image, None for a foreign one."""

    def hides(self, library: bytes) -> bool:
        """Tell whether a fault hides this library from the loader."""

    def new_child(self, parent: Process, thread: Thread) -> Any:
        """Give birth to a child where all cannot be seen; a generator that gives the Process, or None without a pid."""

    def new_child_at_once(self) -> Process | None:
        """Give birth to a child where all can be seen; gives None without a pid."""

    def embark(self, process: Process, journey: Steps, then: Callable[[], Steps]) -> None:
        """Let a process travel; `then` gives what it does where it has come to, or when it is no more."""

    def lead_on(self, thread: Thread) -> Steps:
        """Lead a process that has travelled on from where it is, with the signals that have waited for it."""

    def start(self, process: Process, body: Any) -> None:
        """Let a process run: `body(proc)` is what it does."""

    def start_thread(self, thread: Thread, body: Any) -> None:
        """Let another thread of a process run."""

    def end(self, process: Process, ended: Ended) -> None:
        """End a process, whatever it is doing."""

    def stop(self, process: Process, signum: int) -> None:
        """Stop a process, by a signal, until it is continued."""

    def visible(self) -> list[Process]:
        """Give the processes that can be seen from here, by pid."""

    def by_ghost(self, thread: Thread, call: str, what: str, decide: Callable[[Any], Any]) -> Steps:
        """Have `decide(machine)` done where all can be seen; `what` is said of who waits. Gives what it gives."""

    def reap(self, child: Process) -> None:
        """Let a child that has ended be no more: its parent, who is here, has been told."""

    def goes_on(self, process: Process) -> None:
        """Note that a process that was stopped goes on."""

    def only(self, thread: Thread) -> None:
        """Let the other threads of its process end, as exec does."""

    def take_signals(self, thread: Thread) -> Steps:
        """Do what pending signals ask for before a program goes on; gives `thread.restart`."""

    def find(self, pid: int) -> Process | None:
        """Find a process that is visible from here."""

    def forward(self, process: Process, signum: int, sender: Process | None) -> bool:
        """Send a signal on to where the process is; False if it is here."""

    def record(self, pid: int, kind: str, *details: Any) -> None:
        """Put a record into the trace."""
