"""A cluster: one master, its slaves, and the calls that can be made on them from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from bprocsim.bproc.commandfiles import FRONT_END, PASSWD_FILE
from bprocsim.bproc.editions import EDITIONS, Edition
from bprocsim.bproc.execmove import execmove_errors
from bprocsim.bproc.master import Master
from bprocsim.bproc.nodes import NODE_MASTER, Event, Node, NodeState
from bprocsim.costs import PRESETS, Costs
from bprocsim.engine import Processors
from bprocsim.faces.bproc import BprocProc
from bprocsim.kernel import Machine
from bprocsim.notation import recorded
from bprocsim.posix.arch import arch
from bprocsim.posix.exec import ExecProfile
from bprocsim.posix.execcalls import execve_errors
from bprocsim.posix.image import Program, image_bytes
from bprocsim.posix.machine import FileTable, Memory
from bprocsim.posix.network import Network
from bprocsim.posix.procs import OPEN_LIMIT, PidSpace
from bprocsim.posix.profiles import PROFILES
from bprocsim.posix.unix import LINUX, Unix
from bprocsim.programs.bproc import commands_of
from bprocsim.world.directcalls import LEFT_OUT, Request, execmove, execve
from bprocsim.world.handles import MachineHandle, Nodes, ProcessHandle
from bprocsim.world.movecalls import MovingCalls
from bprocsim.world.outcome import Outcome
from bprocsim.world.simulation import Simulation
from bprocsim.world.specs import (
    NodeSpec,
    User,
    at_least,
    credentials_of,
    listed,
    named_record,
    node_numbers,
    node_specs,
)
from bprocsim.world.system import absolute, sim_for

if TYPE_CHECKING:
    from bprocsim.faces.iolists import IoArgument
    from bprocsim.faults import Fault, Planned
    from bprocsim.posix.elfbuild import ElfImage
    from bprocsim.world.bprocsession import BprocSession

_DOWN = NodeState.DOWN  # looking a member up in an Enum is slow

# The name of a world's first cluster, unless it is given another: its lanes need no name before them.
FIRST = "cluster0"


class Cluster(MovingCalls):
    """A BProc cluster: a master and slaves 0, 1, ..., all up, in a world of its own unless `sim` is given.

    `nodes` a number, or a list of NodeSpec; `master` the NodeSpec of the front end; `edition`
    "scyld", "lanl32", "bproc4" or a record of bp.editions; `kernel` the exec and path rules;
    `costs` the time model; `faults` what goes wrong; `boot` "up" or "cold" (down, boot, up in
    simulated time). The rest is Simulation's: seed, trace, trace_limit, strict, strict_faults,
    max_events, order. TypeError, ValueError: name the argument.
    """

    def __init__(
        self, nodes: int | Sequence[NodeSpec] = 4, *, seed: int = 0, edition: str | Edition = "scyld",
        kernel: str | ExecProfile = "documented", costs: str | Costs = "clustermatic-2002",
        faults: Sequence[Fault] = (), boot: str = "up", master: NodeSpec | None = None, name: str | None = None,
        sim: Simulation | None = None, trace: str = "errors", trace_limit: int | None = None, strict: bool = False,
        strict_faults: bool = False, max_events: int = 10_000_000, order: str = "fifo",
    ) -> None:  # fmt: skip
        sim = sim_for(
            sim, seed=seed, trace=trace, trace_limit=trace_limit, strict=strict, strict_faults=strict_faults,
            max_events=max_events, order=order,
        )  # fmt: skip
        self._count, self._specs = node_specs(nodes)
        if boot not in ("up", "cold"):
            raise ValueError(f"boot: expected 'up' or 'cold', got {boot!r}")
        self._boots, self._front = boot, master
        self.edition: Edition = named_record(edition, EDITIONS, Edition, "edition")
        self.kernel: ExecProfile = named_record(kernel, PROFILES, ExecProfile, "kernel")
        self.costs: Costs = named_record(costs, PRESETS, Costs, "costs")
        if master is not None and not isinstance(master, NodeSpec):
            raise TypeError(f"master: expected bp.NodeSpec or None, got {master!r}")
        plan = listed("faults", faults, "faults such as [bp.PowerOff(node=2)]")
        super().__init__(sim, sim.name_for(name, "cluster"))
        self._programs |= commands_of(self.edition.tools)
        self._lane = "" if self.name == FIRST else f"{self.name} "
        self._network = Network(self._at)
        self.pids = PidSpace()
        self._execve_errors = execve_errors(self.kernel)
        self.home = front = self._machine(
            "master", NODE_MASTER, "10.54.0.1", master or _first(self._specs), "master", FRONT_END
        )
        self.bpmaster = Master(
            front, self.edition, execmove_errors(self.edition, self.kernel), self.pids, self._count,
            self._make_node,
        )  # fmt: skip
        front.join(self.bpmaster)
        self.bpmaster.running = front.module
        self.master = MachineHandle(front)
        self.nodes = Nodes(self.bpmaster)
        self._booted = NodeState.UP if boot == "up" else NodeState.DOWN
        try:
            for fault in plan:
                self.inject(fault)
        except (TypeError, ValueError):
            for planned in self.planned:
                planned.cancel()
            raise
        self._given = len(plan)
        if boot == "cold":
            self._boot()
        sim.hold(self)

    # ---- building ----

    def _machine(
        self, name: str, number: int, address: str, spec: NodeSpec, hostname: str, unix: Unix = LINUX
    ) -> Machine:  # fmt: skip
        made = Machine(
            name=self._lane + name, number=number, address=address, port=self.sim.engine,
            processors=Processors(spec.cores, self.costs.quantum_ns), arch=arch(spec.arch), profile=self.kernel,
            costs=self.costs, trace=self.sim.trace, memory=Memory(spec.memory_bytes), files=FileTable(spec.open_files),
            network=self._network, pids=self.pids, programs=self._programs, execve_errors=self._execve_errors,
            rules=self.rules,            strict=self.sim.strict, face=BprocProc, unix=unix, hostname=hostname,
        )  # fmt: skip
        made.module = spec.module
        return made

    def _make_node(self, number: int) -> Node:
        address = f"10.54.{1 + number // 256}.{number % 256}"
        spec, hostname = self._specs[number % len(self._specs)], self.edition.node_name.format(number)
        machine = self._machine(f"node {number}", number, address, spec, hostname)
        machine.join(self.bpmaster)
        node = Node(number, machine)
        # What all have become by now that nothing has happened to.
        if self._booted is not NodeState.UP or not machine.module:
            node.become(Event.LOST, NodeState.DOWN)
        if self._booted is NodeState.BOOT and machine.module:
            node.become(Event.CONNECT, NodeState.BOOT)
        return node

    def _at(self, host: str) -> Machine | None:
        """Find the machine of a slave by its address, whether somebody has looked at it before or not."""
        first, second, third, fourth = map(int, host.split("."))
        node = self.bpmaster.node((third - 1) * 256 + fourth) if (first, second) == (10, 54) else None
        return node.machine if node is not None else None

    def _boot(self) -> None:
        """Let all nodes, which are down, connect after a while, and then be up."""
        engine, costs = self.sim.engine, self.costs
        connects_ns = engine.now_ns + costs.node_connect_ns
        engine.first_at(connects_ns, partial(self._become, Event.CONNECT, NodeState.BOOT))
        engine.first_at(connects_ns + costs.node_up_ns, partial(self._become, Event.SCRIPT_OK, NodeState.UP))

    def _become(self, event: Event, state: NodeState) -> None:
        """Let every node change its state that can, whether somebody has looked at it or not."""
        self._booted = state
        self.bpmaster.changed()
        trace, now_ns = self.sim.trace, self.sim.now_ns
        for number in range(self._count):
            node, now = self.bpmaster.nodes.get(number), state
            if not self._specs[number % len(self._specs)].module:
                continue
            if node is not None:
                if not node.machine.alive or node.starts or not node.may(event, state):
                    continue
                if number in self.bpmaster.failing_scripts and state is NodeState.UP:
                    now = NodeState.ERROR
                node.become(Event.SCRIPT_FAILED if now is NodeState.ERROR else event, now)
            if trace.all:
                trace.add(now_ns, f"{self._lane}node {number}", 0, "node", now.value)

    def machine_of(self, number: int, argument: str) -> Machine:
        """Give the machine of a node, -1 for the master, on which somebody can make a call.

        TypeError, ValueError: name the `argument`.
        """
        if number == NODE_MASTER:
            return self.home
        machine = self.machine(number, argument)
        if not machine.alive or self.bpmaster.nodes[number].state is _DOWN:
            raise ValueError(f"{argument}: node {number} is down: nobody there can make a call")
        return machine

    def is_down(self, machine: Machine) -> bool:
        """Tell whether a slave is down, known or not; the harness's own processes on it are not killed."""
        node = self.bpmaster.node(machine.number)
        return node is not None and (not machine.alive or node.state is _DOWN)

    def machine(self, number: int, argument: str = "number") -> Machine:
        """Give the machine of a node, -1 for the master.

        TypeError, ValueError: name the `argument` that is no number of a node.
        """
        if isinstance(number, bool) or not isinstance(number, int):
            raise TypeError(f"{argument}: expected a node number, got {number!r}")
        if number == NODE_MASTER:
            found: Machine = self.bpmaster.machine
            return found
        node = self.bpmaster.node(number)
        if node is None:
            nodes = f"there are {self._count}, numbered from 0, and -1 is the master"
            raise ValueError(f"{argument}: there is no node {number}; {nodes}")
        machine: Machine = node.machine
        return machine

    def install(
        self, path: Any, program: Any, on: Any = "master", *, mode: int = 0o755, uid: int = 0, gid: int = 0,
        image: ElfImage | bytes | None = None,
    ) -> Program | None:  # fmt: skip
        """Write an image file, whose bytes name the program, on some nodes; missing parents are made.

        `program` a function, a bp.program, or None with `image`; `on` a node specification; `image`
        an ElfImage or bytes to be written in place of the usual one. Gives the program.
        TypeError, ValueError: name the argument.
        """
        where, numbers = absolute(path), node_numbers(on, self._count)
        known = self._known(program, image)
        if image is not None and not isinstance(image, bytes):
            image = _bytes_of(image, known)
        parent = where.rpartition(b"/")[0]
        for number in numbers:
            machine = self.machine(number)
            fs = MachineHandle(machine).fs
            if parent:
                fs.mkdir(parent, parents=True, exist_ok=True)
            data = _image_of(known, machine) if image is None else image
            fs.write_file(where, data, mode=mode, uid=uid, gid=gid)
        return known

    def user(self, name: str, uid: int, gid: int, groups: Sequence[int] = (), capabilities: Any = None) -> User:
        """Make an account, with its line in the master's /etc/passwd; give what it gives as `user=`.

        TypeError, ValueError: name the argument.
        """
        made = super().user(name, uid, gid, groups, capabilities)
        self._enroll(self.master, PASSWD_FILE, name, f"{name}:x:{uid}:{gid}::/:/bin/sh\n")
        return made

    @property
    def commands(self) -> Mapping[str, Program]:
        """Give the commands that lie on the master, by name; `install` puts one on a node as well."""
        return {path.rpartition("/")[2]: each for path, each in commands_of(self.edition.tools).items()}

    def inject(self, fault: Fault) -> Planned:
        """Plan a fault from now on; gives a handle with `.fired`, `.cancel()` and `with`."""
        from bprocsim.faults import plan  # a world without faults does not need them

        planned = plan(fault, self.sim.engine, self.bpmaster)
        self.planned.append(planned)
        return planned

    def idle_process(
        self, user: Any = None, node: int = NODE_MASTER, open_limit: int = OPEN_LIMIT
    ) -> ProcessHandle:  # fmt: skip
        """Start a process of `user` on `node` that waits for ever, to be given as `caller=`.

        `open_limit` how many descriptors it may have, from 3 on. TypeError, ValueError: name the argument.
        """
        machine = self.machine(node, "node")
        if self.is_down(machine):
            raise ValueError(f"node: node {node} is down: nobody there can wait")
        return ProcessHandle.idle(self.sim, machine, credentials_of(user), at_least("open_limit", open_limit, 3))

    def session(
        self, *, user: Any = None, node: int = NODE_MASTER, cwd: Any = None, env: Mapping[Any, Any] | None = None,
        input: bytes = b"", timeout_ns: int | None = None,
    ) -> BprocSession:  # fmt: skip
        """Start a process whose calls are ordinary methods: `s.read(0)` without `yield from`.

        It is `user`'s, on `node`, in `cwd`; `env` None is PATH alone; `input` is its stdin, and
        `s.stdout` and `s.stderr` what it writes; `timeout_ns` bounds each of its calls. It ends with
        a `with` block, by `s.exit()`, by an exec (bp.Replaced), or by a signal.
        TypeError, ValueError: name the argument.
        """
        from bprocsim.world.bprocsession import BprocSession

        return BprocSession(self, user=user, node=node, cwd=cwd, env=env, input=input, timeout_ns=timeout_ns)

    # ---- direct calls ----

    def bproc_execmove(
        self, node: int, cmd: Any, argv: Any = LEFT_OUT, envp: Any = (), *, user: Any = None,
        from_node: int = NODE_MASTER, caller: ProcessHandle | None = None, input: bytes = b"", cwd: Any = None,
        timeout_ns: int | None = None,
    ) -> Outcome:  # fmt: skip
        """Load an image on the calling node, move it to `node` and run it there; I/O as with port 0.

        `node` a node number; `cmd`, `argv`, `envp` as in C: None is NULL, bp.BAD_ADDRESS a pointer
        to nowhere; `argv` left out is [last name of cmd], `envp` left out is empty. The call is made
        by a fresh process of `user` on `from_node` in `cwd`, or by the idle process `caller`.
        `input` would be its stdin; `timeout_ns` bounds the call. Errors: bproc_execmove, as an
        Outcome. Deadlock, Runaway, Timeout. Source: scyld-bproc_execmove.
        """
        request = Request(user, from_node, caller, input, cwd, timeout_ns)
        return execmove(self, request, node, 0, cmd, argv, envp)

    def bproc_execmove_io(
        self, node: int, port: IoArgument, cmd: Any, argv: Any = LEFT_OUT, envp: Any = (), *, user: Any = None,
        from_node: int = NODE_MASTER, caller: ProcessHandle | None = None, input: bytes = b"", cwd: Any = None,
        timeout_ns: int | None = None, listen: bool = True,
    ) -> Outcome:  # fmt: skip
        """Do what bproc_execmove does, with I/O forwarding to `port` of the calling node.

        Where the edition has lists, `port` may also be one of bp.BprocIo. The harness listens on the
        port, or wherever a list names one of the calling node, and takes what comes for stdout, stderr
        and stdin, unless `listen` is False; `input` is what stdin gives. Errors: bproc_execmove, as an
        Outcome.
        """
        request = Request(user, from_node, caller, input, cwd, timeout_ns, listen)
        return execmove(self, request, node, port, cmd, argv, envp)

    _bproc_execmove_io = bproc_execmove_io

    def execve(
        self, path: Any, argv: Any = LEFT_OUT, envp: Any = (), *, user: Any = None, from_node: int = NODE_MASTER,
        caller: ProcessHandle | None = None, input: bytes = b"", cwd: Any = None, timeout_ns: int | None = None,
    ) -> Outcome:  # fmt: skip
        """Become another image on the calling node, by the rules of `kernel`. Errors: execve."""
        request = Request(user, from_node, caller, input, cwd, timeout_ns)
        return execve(self, request, path, argv, envp)

    def built(self) -> Callable[[], str]:
        """See System."""
        own = {
            "nodes": self._count if self._specs == (NodeSpec(),) else list(self._specs),
            "edition": recorded(self.edition, EDITIONS, "editions"),
            "kernel": recorded(self.kernel, PROFILES, "kernels"),
            "costs": recorded(self.costs, PRESETS, "costs"),
            "boot": self._boots, "master": self._front,
        }  # fmt: skip
        return self._as_built("cluster", own)


def _first(specs: Sequence[NodeSpec]) -> NodeSpec:
    """Give the master the architecture of the first slave, so that images fit both."""
    return specs[0] if specs else NodeSpec()


def _bytes_of(image: Any, program: Program | None) -> bytes:
    """Build the image that was asked for; it names the program, unless it names one or is another's bytes."""
    from attrs import evolve

    from bprocsim.posix.elfbuild import ElfImage

    if not isinstance(image, ElfImage):
        raise TypeError(f"image: expected bp.ElfImage or bytes, got {image!r}")
    if program is not None and image.program is None and image._raw is None:
        image = evolve(image, program=program.name)
        if image._memory_bytes is None and image._segments is None:
            image = evolve(image, memory_bytes=program.memory_bytes)
    data: bytes = image.to_bytes()
    return data


def _image_of(program: Program | None, machine: Machine) -> bytes:
    assert program is not None
    return image_bytes(program.name, program.needs, program.memory_bytes, machine.arch)
