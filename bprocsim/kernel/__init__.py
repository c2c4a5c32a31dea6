"""One machine: dispatch of calls, the life of a process, delivery of signals."""

from bprocsim.kernel.calls import CALLS, call
from bprocsim.kernel.life import lead
from bprocsim.kernel.machine import Machine

__all__ = ["CALLS", "Machine", "call", "lead"]
