"""Who makes a call of BProc that is over in one step, and by which edition's table it is decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from attrs import define, frozen, setters

from bprocsim.manual import Errors, Row
from bprocsim.port import Steps
from bprocsim.posix import service
from bprocsim.posix.credentials import Credentials

if TYPE_CHECKING:
    from bprocsim.bproc.master import Master

# What a call needs of the caller's node for its answer.
PAGE_BYTES = 4096


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Asker:
    """Who makes a call, on which machine: `thread` the calling one, None where the harness makes it for `who`."""

    machine: Any
    who: Credentials
    pid: int
    thread: Any = None

    @property
    def master(self) -> Master:
        """Give the master daemon of the cluster."""
        found: Master = self.machine.master
        return found

    @property
    def at_home(self) -> bool:
        """Tell whether the caller is on the master."""
        return self.machine is self.master.machine

    @property
    def without_master(self) -> bool:
        """Tell whether the caller has no master: on a slave it is killed then, unless it has left the space."""
        machine = self.machine
        master = machine.master
        return bool(machine.alone) or (machine is master.machine and not master.running)

    @property
    def without_module(self) -> bool:
        """Tell whether BProc's kernel module is not loaded on the caller's node."""
        return not self.machine.module

    @property
    def short_of_memory(self) -> bool:
        """Tell whether the caller's node has not a page left."""
        return bool(self.machine.memory.free_bytes < PAGE_BYTES)


@frozen(eq=False)
class Service(service.Service):
    """A call of BProc that is over in one step.

    `takes` what makes each of its arguments ready, by name, where the editions' calls of that name
    take different ones; `travels` it is over only when another node has answered.
    """

    takes: Mapping[str, Callable[[Any, str], Any]] | None = None
    travels: bool = False

    def ready(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Give arguments as the call takes them. TypeError names what it takes, or the argument."""
        if self.takes is None:
            return args
        if len(args) != len(self.takes):
            raise TypeError(f"{self.errors.call}: in this edition it takes ({', '.join(self.takes)}), got {len(args)}")
        return tuple(take(value, name) for value, (name, take) in zip(args, self.takes.items(), strict=True))

    def asker(self, machine: Any, thread: Any) -> Asker:
        """Give what a survey knows of the thread that makes the call."""
        process = thread.process
        return Asker(machine, process.credentials, process.pid, thread)


@frozen(eq=False)
class Call:
    """A call by its name, which each edition has its own table for, or lacks."""

    name: str

    def of(self, master: Master) -> Service:
        """Give the call as the edition of a cluster has it. KeyError: it lacks it."""
        return master.edition.calls()[self.name]

    def __call__(self, machine: Any, thread: Any, *args: Any) -> Steps:
        """Make it for a thread; see kernel.calls."""
        return self.of(machine.master)(machine, thread, *args)


def errors_of(call: str, page: str, rows: Iterable[Row] = (), failed: int | None = -1) -> Errors:
    """Make the table of a call about nodes; their pages give no order. `failed`: see Errors."""
    return Errors(call, page=page, order="choice-node-calls", rows=rows, failed=failed)
