"""Partitions without a world: processors, processes and memory, as the calls of AIX see them."""

from __future__ import annotations

from typing import Any

from bprocsim.aix.levels import LEVELS, Level
from bprocsim.aix.models import MODELS
from bprocsim.aix.partition import Partition
from bprocsim.aix.rset import Rset, listed
from bprocsim.aix.service import Asker, Service
from bprocsim.aix.topology import Topology
from bprocsim.manual import Fail
from bprocsim.posix.credentials import ROOT, Credentials
from bprocsim.posix.machine import Memory
from bprocsim.posix.procs import Process, Thread
from bprocsim.units import MiB

NOBODY = Credentials(500, 500)
ATTACHER = Credentials(501, 501, capabilities={"CAP_NUMA_ATTACH"})


class FakeMachine:
    """As much of a machine as these calls ask for."""

    def __init__(self) -> None:
        self.processes: dict[int, Process] = {}
        self.memory = Memory(1024 * MiB)

    def find(self, pid: int) -> Process | None:
        return self.processes.get(pid)


class FakeDispatcher:
    """A dispatcher that counts how often it was told to look again; who runs where is said by hand."""

    def __init__(self) -> None:
        self.count = 0
        self.running: dict[int, Any] = {}

    def processor_of(self, thread: Any) -> int:
        return next((processor for processor, each in self.running.items() if each is thread), -1)

    def refresh(self, threads: Any = None) -> None:
        self.count += 1


def made(
    cpu: str = "POWER5",
    smt: int = 2,
    cores: int = 4,
    *,
    srads: int = 1,
    level: str | Level = "7.1",
    exclusive: str = "",
    offline: str = "",
    enhanced_affinity: bool = False,
) -> Partition:
    partition = Partition(
        LEVELS[level] if isinstance(level, str) else level,
        MODELS[cpu],
        Topology(cores, smt, srads),
        enhanced_affinity,
        FakeMachine(),
        FakeDispatcher(),
    )
    partition.exclusive = bits(exclusive)
    partition.online &= ~bits(offline)
    return partition


def bits(text: str) -> int:
    return listed(text, "processors", 1023)


def rset(text: str, memory: int = 0) -> Rset:
    return Rset(bits(text), memory)


def freed() -> Rset:
    gone = Rset(1)
    gone.freed = True
    return gone


def process(partition: Partition, who: Credentials = ROOT, pid: int = 1001, threads: int = 1) -> Process:
    new = Process(pid, partition.machine, credentials=who)
    new.threads = [Thread(new, number) for number in range(1, threads + 1)]
    partition.machine.processes[pid] = new
    return new


def ask(partition: Partition, service: Service, *args: Any, by: Any = ROOT) -> Any:
    """Make a call; `by` credentials, or the process that makes it. Gives the cause if it fails."""
    if isinstance(by, Process):
        asker = Asker(partition, by.credentials, by.pid, by.threads[0])
    else:
        asker = Asker(partition, by, 1)
    result = service.decide(asker, args)
    return (result.row.errno.name, result.row.cause) if isinstance(result, Fail) else result
