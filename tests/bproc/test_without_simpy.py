"""The rooms of the semantics know no SimPy: they import without it, and run under a port made by hand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import bprocsim as bp
from bprocsim.bproc.editions import EDITIONS
from bprocsim.bproc.execmove import execmove_errors
from bprocsim.bproc.master import Master
from bprocsim.bproc.nodes import NODE_MASTER, Node
from bprocsim.costs import Costs
from bprocsim.kernel import Machine
from bprocsim.kernel.rules import Rules
from bprocsim.posix.arch import arch
from bprocsim.posix.execcalls import execve_errors
from bprocsim.posix.fs import Fs
from bprocsim.posix.image import as_program, image_bytes
from bprocsim.posix.machine import FileTable, Memory
from bprocsim.posix.network import Network
from bprocsim.posix.procs import Descriptor, PidSpace
from bprocsim.posix.profiles import PROFILES
from bprocsim.posix.streams import Sink
from bprocsim.trace import Trace
from tests.fakeport import FakePort

TOP = Path(__file__).resolve().parents[2]


def world(*programs: Any) -> tuple[FakePort, Machine, Trace]:
    """Build a master and two slaves by hand, the programs installed on the master."""
    port, trace, network, pids = FakePort(), Trace("all"), Network(lambda host: None), PidSpace()
    rules = Rules()
    profile, kind, known = PROFILES["documented"], arch("x86-64"), dict[str, Any]()
    for each in map(as_program, programs):
        known[each.name] = each

    def machine(name: str, number: int, address: str) -> Machine:
        return Machine(
            name=name,
            number=number,
            address=address,
            port=port,
            processors=None,
            arch=kind,
            profile=profile,
            costs=Costs(),
            trace=trace,
            memory=Memory(2**29),
            files=FileTable(1024),
            network=network,
            pids=pids,
            programs=known,
            execve_errors=execve_errors(profile),
            rules=rules,
            face=bp.BprocProc,
        )

    def node(number: int) -> Node:
        slave = machine(f"node {number}", number, f"10.54.1.{number}")
        slave.join(master)
        return Node(number, slave)

    front, edition = machine("master", NODE_MASTER, "10.54.0.1"), EDITIONS["scyld"]
    master = Master(front, edition, execmove_errors(edition, profile), pids, 2, node)
    front.join(master)
    for each in known.values():
        Fs(front.tree).write_file(
            f"/bin/{each.name}", image_bytes(each.name, each.needs, each.memory_bytes, kind), 0o755
        )
    return port, front, trace


def begin(machine: Machine, body: Any) -> Sink:
    """Start a process; gives what it writes."""
    process, sink = machine.new_process(), Sink(references=2)
    process.descriptors = {1: Descriptor(sink), 2: Descriptor(sink)}
    machine.start(process, body)
    return sink


def one_launch() -> str:
    """Let a launcher fork a child that moves and writes home; gives what came."""

    def there(proc: Any) -> Any:
        yield from proc.compute(1_000_000)
        yield from proc.write(1, b"out of node %d, " % proc.node)
        yield from proc.write(2, b"err of pid %d\n" % proc.pid)
        return 3

    def child(proc: Any) -> Any:
        yield from proc.bproc_execmove(1, "/bin/there", ["there"], {})

    def launcher(proc: Any) -> Any:
        pid = yield from proc.fork(child)
        waited = yield from proc.waitpid(pid)
        yield from proc.print(waited.pid - pid, waited.exit_status)

    port, front, trace = world(there)
    sink = begin(front, launcher)
    port.run()
    steps = [record.step for record in trace.of_kind("step")]
    assert steps == [step.name for step in bp.Step], steps
    assert [machine.memory.used_bytes for machine in front.network.machines.values()] == [0, 0]
    assert front.processes == {} and sink.closed
    return bytes(sink.data).decode()


def test_a_launch_with_output_under_a_port_made_by_hand() -> None:
    assert one_launch() == "out of node 1, err of pid 1002\n0 3\n"


def test_so_are_the_errors_of_both_phases() -> None:
    told = []

    def nothing(proc: Any) -> int:
        return 0

    def late(proc: Any) -> Any:
        yield from proc.bproc_execmove(99, "/bin/nothing", ["nothing"], {})

    def launcher(proc: Any) -> Any:
        for cmd, node in (("/no/such", 99), ("/bin", 0)):
            told.append((yield from proc.libc.bproc_execmove(node, cmd, [cmd], {})))
            told.append(proc.libc.errno)
        yield from proc.fork(late)
        told.append((yield from proc.wait()).exit_status)

    port, front, _ = world(nothing)
    begin(front, launcher)
    port.run()
    assert told == [-1, 2, -1, 13, 22]


# What makes SimPy unimportable in a Python, from its first line on.
BLOCK = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "simpy":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Blocker())
"""

IMPORT_ALL = """
import importlib, pkgutil
import bprocsim
import bprocsim.posix, bprocsim.bproc
for room in (bprocsim.posix, bprocsim.bproc):
    for found in pkgutil.iter_modules(room.__path__, room.__name__ + "."):
        importlib.import_module(found.name)
import bprocsim.kernel, bprocsim.faults
assert "simpy" not in sys.modules
"""


def blocked(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a Python without SimPy."""
    environment = {**os.environ, "PYTHONPATH": str(TOP), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-c", BLOCK + code], cwd=TOP, env=environment, capture_output=True, text=True, check=False
    )


def test_without_simpy_the_rooms_of_the_semantics_import() -> None:
    done = blocked(IMPORT_ALL)
    assert done.returncode == 0, done.stderr


def test_without_simpy_a_whole_launch_runs() -> None:
    done = blocked("from tests.bproc.test_without_simpy import one_launch\nprint(one_launch(), end='')")
    assert (done.returncode, done.stdout) == (0, "out of node 1, err of pid 1002\n0 3\n"), done.stderr


def test_without_simpy_there_is_no_world() -> None:
    done = blocked("import bprocsim\nbprocsim.Cluster")
    assert done.returncode == 1
    assert "No module named 'simpy'" in done.stderr
