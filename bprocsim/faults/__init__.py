"""What goes wrong in a world."""

from bprocsim.faults.planning import Planned, plan
from bprocsim.faults.records import (
    CallFails,
    ConnectRefused,
    CoreFails,
    Fault,
    Hang,
    IoError,
    LibraryMissing,
    LinkCut,
    Loss,
    MasterDaemonExit,
    MemoryFull,
    NodeUpFails,
    OpenFileLimit,
    PowerOff,
    PowerOn,
    SlowLink,
)

__all__ = [
    "CallFails",
    "ConnectRefused",
    "CoreFails",
    "Fault",
    "Hang",
    "IoError",
    "LibraryMissing",
    "LinkCut",
    "Loss",
    "MasterDaemonExit",
    "MemoryFull",
    "NodeUpFails",
    "OpenFileLimit",
    "Planned",
    "PowerOff",
    "PowerOn",
    "SlowLink",
    "plan",
]
