"""Who makes a call of AIX that is over in one step."""

from __future__ import annotations

from typing import Any

from attrs import define, frozen, setters

from bprocsim.aix.partition import Partition
from bprocsim.posix import service
from bprocsim.posix.credentials import Credentials


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Asker:
    """Who makes a call: `thread` and its process, None where the harness makes it for a process of `who`."""

    partition: Partition
    who: Credentials
    pid: int
    thread: Any = None

    @property
    def process(self) -> Any:
        """Give the calling process, None if it was never made."""
        return None if self.thread is None else self.thread.process

    @property
    def may_attach(self) -> bool:
        """Tell whether it has root authority or CAP_NUMA_ATTACH. Source: aix-ra_exec."""
        return self.who.euid == 0 or self.who.can("CAP_NUMA_ATTACH")

    @property
    def is_root(self) -> bool:
        """Tell whether it has root authority: effective uid 0."""
        return self.who.euid == 0


@frozen(eq=False)
class Service(service.Service):
    """A call of AIX that is over in one step."""

    def asker(self, machine: Any, thread: Any) -> Asker:
        """Give what a survey knows of the thread that makes the call."""
        process = thread.process
        return Asker(machine.partition, process.credentials, process.pid, thread)
