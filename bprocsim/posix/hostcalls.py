"""gethostname and gettimeofday: what a machine tells of itself. Neither can fail."""

from __future__ import annotations

from bprocsim.port import Steps
from bprocsim.posix.machine import Machine
from bprocsim.posix.procs import Thread


def gethostname(machine: Machine, _thread: Thread) -> Steps:
    """Tell the machine's name."""
    yield machine.port.sleep(machine.costs.syscall_ns)
    return machine.hostname


def gettimeofday(machine: Machine, _thread: Thread) -> Steps:
    """Tell the time since the world began: seconds and microseconds."""
    yield machine.port.sleep(machine.costs.syscall_ns)
    microseconds = machine.port.now_ns // 1000
    return divmod(microseconds, 1_000_000)
