"""bproc_notifier: a descriptor that can be read once anything about the nodes has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import define, field, setters

from bprocsim.bproc.information import NodeFacts
from bprocsim.port import Port, WaitQueue, Why
from bprocsim.posix.machine import counted
from bprocsim.posix.procs import put

if TYPE_CHECKING:
    from bprocsim.bproc.master import Master


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Notifier:
    """What such a descriptor stands for: `changed` since it was read, or opened; `reading` who waits for a change.

    A read gives one byte, however much has changed, and clears it. Source: bproc-bpfs.
    """

    master: Master
    changed: bool = False
    references: int = 0
    table: Any = None
    reading: WaitQueue = field(factory=WaitQueue)
    readable = True
    writable = False
    reset = False
    broken = False

    def note(self, port: Port) -> None:
        """Note that something has changed."""
        self.changed = True
        self.reading.wake_all(port, Why.DATA)

    def take(self, _port: Port, _count: int) -> bytes | None:
        """Take the news, None if there is none."""
        changed, self.changed = self.changed, False
        return b"\1" if changed else None

    def close(self, _port: Port) -> None:
        """Go away: nobody asks any more."""
        self.master.notifiers.remove(self)


def open_notifier(f: NodeFacts) -> int:
    """Give the caller a descriptor that tells of changes."""
    notifier = Notifier(f.asker.master)
    f.asker.master.notifiers.append(notifier)
    return put(f.asker.thread.process, counted(f.asker.machine, notifier))
