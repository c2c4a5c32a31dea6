"""The part of a machine that is outside of BProc's space: where processes are that have detached themselves."""

from __future__ import annotations

from bprocsim.bproc.connections import silence
from bprocsim.kernel.machine import Machine
from bprocsim.posix.procs import Ended, PidSpace, release
from bprocsim.signals import Signal

# The numbers of processes outside of the space, which no process of the space has.
_FIRST, _LAST = 300, 1000


class Apart(Machine):
    """The part of a slave that is outside of BProc's space: the same hardware, files and wires, and other processes.

    Whoever is here sees nobody of the space, and the master knows of nobody who is here. Source:
    scyld-bproc_detach.
    """

    __slots__ = ()

    def __init__(self, whole: Machine) -> None:
        for slot in Machine.__slots__:
            setattr(self, slot, getattr(whole, slot))
        self._tree = whole.tree
        self.alone = self.sees_all = True
        self.processes = {}
        self.pids = PidSpace(_FIRST, _LAST, _FIRST)

    def perish(self) -> None:
        """Go down with the whole machine."""
        self.alive, self.died_ns = False, self.port.now_ns
        for process in list(self.processes.values()):
            self.kill_silently(process, Ended(signal=int(Signal.SIGKILL)))
            silence(process.descriptors)
            release(self, process)
            self.report(process)
