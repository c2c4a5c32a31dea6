"""The ghost on the master that stands for a process elsewhere."""

from __future__ import annotations

from attrs import define, setters

from bprocsim.posix.procs import Process


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Ghost:
    """A process-table entry of the master: no memory, no files; its pid, family and ids are `process`'s.

    `node` where the process is, or is on its way to. Source: sf-bproc-3.
    """

    process: Process
    node: int

    @property
    def pid(self) -> int:
        """Give the pid, the same on the master and on the slave."""
        return self.process.pid

    @property
    def comm(self) -> bytes:
        """Give the program's short name."""
        return self.process.comm
