"""A cluster: one master, its slaves, and the calls that can be made on them from outside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

from bprocsim.bproc.editions import EDITIONS, Edition
from bprocsim.bproc.master import Master
from bprocsim.bproc.move import execmove_errors
from bprocsim.bproc.nodes import NODE_MASTER, Event, Node, NodeState
from bprocsim.costs import PRESETS, Costs
from bprocsim.engine import Processors
from bprocsim.kernel import Machine
from bprocsim.posix.arch import arch
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.exec import PROFILES, ExecProfile
from bprocsim.posix.execcalls import execve_errors
from bprocsim.posix.image import Program, as_program, image_bytes
from bprocsim.posix.machine import FileTable, Memory
from bprocsim.posix.network import Network
from bprocsim.posix.procs import PidSpace
from bprocsim.programs import BUILTIN
from bprocsim.world.directcalls import LEFT_OUT, Request, execmove, execve
from bprocsim.world.handles import MachineHandle, NodeHandle, ProcessHandle
from bprocsim.world.outcome import Outcome
from bprocsim.world.simulation import Simulation
from bprocsim.world.specs import NodeSpec, User, credentials_of, node_numbers, node_specs

if TYPE_CHECKING:
    import subprocess

    from bprocsim.faults import Planned
    from bprocsim.posix.elfbuild import ElfImage
    from bprocsim.world.command import Popen


def _record_of(value: Any, known: dict[str, Any], kind: type, argument: str) -> Any:
    """Take a name or a record; ValueError or TypeError names the argument and what there is."""
    if isinstance(value, kind):
        return value
    if isinstance(value, str):
        if value in known:
            return known[value]
        raise ValueError(f"{argument}: there is no {value!r}; expected one of {', '.join(known)}")
    raise TypeError(f"{argument}: expected one of {', '.join(known)}, or a record of that kind, got {value!r}")


class Nodes(Sequence[NodeHandle]):
    """The slaves of a cluster, by number; each comes into being when first touched."""

    def __init__(self, master: Master, sim: Simulation) -> None:
        self._master = master
        self._sim = sim

    def __len__(self) -> int:
        return self._master.node_count

    @overload
    def __getitem__(self, index: int) -> NodeHandle: ...
    @overload
    def __getitem__(self, index: slice) -> list[NodeHandle]: ...
    def __getitem__(self, index: int | slice) -> NodeHandle | list[NodeHandle]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        node = self._master.node(index)
        if node is None:
            raise IndexError(f"there is no node {index}; nodes are 0 to {len(self) - 1}")
        return NodeHandle(node, self._master)

    def __iter__(self) -> Iterator[NodeHandle]:
        return (self[number] for number in range(len(self)))

    def __repr__(self) -> str:
        return f"<{len(self)} nodes>"


class Cluster:
    """A BProc cluster: a master and slaves 0, 1, ..., all up, in a world of its own unless `sim` is given.

    `nodes` a number, or a list of NodeSpec; `master` the NodeSpec of the front end; `edition`
    "scyld", "lanl32", "bproc4" or a record of bp.editions; `kernel` the exec and path rules;
    `costs` the time model; `faults` what goes wrong; `boot` "up" or "cold" (down, boot, up in
    simulated time). The rest is Simulation's: seed, trace, trace_limit, strict, strict_faults,
    max_events. TypeError, ValueError: name the argument.
    """

    def __init__(
        self, nodes: Any = 4, *, seed: int = 0, edition: str | Edition = "scyld",
        kernel: str | ExecProfile = "documented", costs: str | Costs = "clustermatic-2002",
        faults: Sequence[Any] = (), boot: str = "up", master: NodeSpec | None = None, sim: Simulation | None = None,
        name: str | None = None, **options: Any,
    ) -> None:  # fmt: skip
        if sim is not None and (seed or options):
            raise ValueError(f"{', '.join(['seed'] * bool(seed) + sorted(options))}: belong to the Simulation")
        self.sim = sim if sim is not None else _simulation(seed, options)
        self._count, self._specs = node_specs(nodes)
        if boot not in ("up", "cold"):
            raise ValueError(f"boot: expected 'up' or 'cold', got {boot!r}")
        self.edition: Edition = _record_of(edition, EDITIONS, Edition, "edition")
        self.kernel: ExecProfile = _record_of(kernel, PROFILES, ExecProfile, "kernel")
        self.costs: Costs = _record_of(costs, PRESETS, Costs, "costs")
        self.name = self.sim.enter(self, name)
        self._boot = boot
        self._programs: dict[str, Program] = dict(BUILTIN)
        self._network = Network()
        self._pids = PidSpace()
        self._execve_errors = execve_errors(self.kernel)
        self.users: dict[str, User] = {}
        if master is not None and not isinstance(master, NodeSpec):
            raise TypeError(f"master: expected bp.NodeSpec, got {master!r}")
        front = self._machine("master", NODE_MASTER, "10.54.0.1", master or _first(self._specs))
        self.bpmaster = Master(
            front, self.edition, execmove_errors(self.edition, self.kernel), self._pids, self._count,
            self._make_node,
        )  # fmt: skip
        front.master = self.bpmaster
        self.master = MachineHandle(front)
        self.nodes = Nodes(self.bpmaster, self.sim)
        self.planned: list[Planned] = []
        for fault in faults:
            self.inject(fault)

    # ---- building ----

    def _machine(self, name: str, number: int, address: str, spec: NodeSpec) -> Machine:
        return Machine(
            name=name, number=number, address=address, port=self.sim.engine,
            processors=Processors(spec.cores, self.costs.quantum_ns), arch=arch(spec.arch), profile=self.kernel,
            costs=self.costs, trace=self.sim.trace, memory=Memory(spec.memory_bytes), files=FileTable(spec.open_files),
            network=self._network, pids=self._pids, programs=self._programs, execve_errors=self._execve_errors,
            strict=self.sim.strict,
        )  # fmt: skip

    def _make_node(self, number: int) -> Node:
        address = f"10.54.{1 + number // 256}.{number % 256}"
        machine = self._machine(f"node {number}", number, address, self._specs[number % len(self._specs)])
        machine.master = self.bpmaster
        node = Node(number, machine)
        if self._boot == "cold":
            self._boot_node(node)
        return node

    def _boot_node(self, node: Node) -> None:
        """Let a node be what it has become since the beginning: down, then boot, then up."""
        engine, costs = self.sim.engine, self.costs
        node.become(Event.LOST, NodeState.DOWN)
        for at_ns, event, state in (
            (costs.node_connect_ns, Event.CONNECT, NodeState.BOOT),
            (costs.node_connect_ns + costs.node_up_ns, Event.SCRIPT_OK, NodeState.UP),
        ):

            def becomes(event: Event = event, state: NodeState = state) -> None:
                if node.machine.alive and node.may(event, state):
                    node.become(event, state)
                    node.machine.record(0, "node", state.value)

            if at_ns <= engine.now_ns:
                becomes()
            else:
                engine.first_at(at_ns, becomes)

    def machine(self, number: int) -> Machine:
        """Give the machine of a node, -1 for the master; ValueError if no node has that number."""
        if number == NODE_MASTER:
            found: Machine = self.bpmaster.machine
            return found
        node = self.bpmaster.node(number)
        if node is None:
            raise ValueError(f"there is no node {number}; nodes are 0 to {self._count - 1}")
        machine: Machine = node.machine
        return machine

    @property
    def trace(self) -> Any:
        """Give the world's trace."""
        return self.sim.trace

    def user(self, name: str, uid: int, gid: int, groups: Sequence[int] = (), capabilities: Any = None) -> User:
        """Make an account; give what it gives as `user=`. ValueError: the name is taken."""
        if name in self.users:
            raise ValueError(f"name: there is a user {name!r} already")
        made = self.users[name] = User(name, Credentials(uid, gid, groups=groups, capabilities=capabilities))
        return made

    def install(
        self, path: Any, program: Any, on: Any = "master", *, mode: int = 0o755, uid: int = 0, gid: int = 0,
        image: ElfImage | bytes | None = None,
    ) -> Program | None:  # fmt: skip
        """Write an image file, whose bytes name the program, on some nodes; missing parents are made.

        `program` a function, a bp.program, or None with `image`; `on` a node specification; `image`
        an ElfImage or bytes to be written in place of the usual one. Gives the program.
        TypeError, ValueError: name the argument.
        """
        known = None if program is None else self._know(as_program(program))
        if known is None and image is None:
            raise ValueError("image: with program=None there must be an image to write")
        for number in node_numbers(on, self._count):
            machine = self.machine(number)
            handle = MachineHandle(machine)
            data = _image_for(known, image, machine)
            where = path if isinstance(path, str | bytes) else str(path)
            parent = where[: where.rindex("/" if isinstance(where, str) else b"/")]  # type: ignore[arg-type]
            if parent:
                handle.fs.mkdir(parent, parents=True, exist_ok=True)
            handle.fs.write_file(where, data, mode=mode, uid=uid, gid=gid)
        return known

    def _know(self, program: Program) -> Program:
        """Enter a program under a name of its own: two functions of one name differ by a number."""
        base, count = program.name, 1
        name = base
        while name in self._programs and self._programs[name].function is not program.function:
            count += 1
            name = f"{base}-{count}"
        known = self._programs.get(name)
        if known is None or known.needs != program.needs or known.memory_bytes != program.memory_bytes:
            known = self._programs[name] = Program(program.function, name, program.needs, program.memory_bytes)
        return known

    def inject(self, fault: Any) -> Planned:
        """Plan a fault from now on; gives a handle with `.fired`, `.cancel()` and `with`."""
        from bprocsim.faults import plan  # a world without faults does not need them

        planned = plan(fault, self.sim.engine, self.bpmaster)
        self.planned.append(planned)
        return planned

    def idle_process(self, user: Any = None, node: int = NODE_MASTER) -> ProcessHandle:
        """Start a process that waits for ever, to be given as `caller=`."""
        return ProcessHandle.idle(self.sim, self.machine(node), credentials_of(user))

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
        self, node: int, port: int, cmd: Any, argv: Any = LEFT_OUT, envp: Any = (), *, user: Any = None,
        from_node: int = NODE_MASTER, caller: ProcessHandle | None = None, input: bytes = b"", cwd: Any = None,
        timeout_ns: int | None = None, listen: bool = True,
    ) -> Outcome:  # fmt: skip
        """Do what bproc_execmove does, with I/O forwarding to `port` of the calling node.

        The harness listens there and takes three connections, stdout, stderr and stdin, unless
        `listen` is False; `input` is what stdin gives. Errors: bproc_execmove, as an Outcome.
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

    # ---- command lines ----

    def popen(self, args: Any, **options: Any) -> Popen:
        """Start a command line, or a program's function, on the master, as subprocess.Popen does.

        Options: stdin, stdout, stderr, shell, cwd, env, text, universal_newlines, encoding, errors,
        user, start_new_session. Output is captured unless asked otherwise. FileNotFoundError,
        PermissionError, ... if it cannot be executed; ValueError names an option without meaning.
        """
        from bprocsim.world.command import Popen

        return Popen(self, args, **options)

    def run(self, args: Any, **options: Any) -> subprocess.CompletedProcess[Any]:
        """Run a command line on the master to its end, as subprocess.run does.

        Options: input, capture_output, timeout (simulated seconds), check, and those of `popen`.
        CalledProcessError, TimeoutExpired, FileNotFoundError as subprocess raises them.
        """
        from bprocsim.world.command import run

        return run(self, args, **options)

    def sleep(self, seconds: float) -> None:
        """Let simulated time pass."""
        if seconds < 0:
            raise ValueError(f"seconds: expected 0 or more, got {seconds!r}")
        self.sim.ready("sleep")
        self.sim.pass_time(round(seconds * 1_000_000_000))

    def __repr__(self) -> str:
        return f"<Cluster {self.name}: {self._count} nodes, {self.edition.name}, {self.kernel.name}>"


def _first(specs: Sequence[NodeSpec]) -> NodeSpec:
    """Give the master the architecture of the first slave, so that images fit both."""
    return specs[0] if specs else NodeSpec()


def _simulation(seed: int, options: dict[str, Any]) -> Simulation:
    known = ("trace", "trace_limit", "strict", "strict_faults", "max_events")
    unknown = sorted(set(options) - set(known))
    if unknown:
        raise TypeError(f"{', '.join(unknown)}: a Cluster has no such argument; a Simulation has {', '.join(known)}")
    return Simulation(seed, **options)


def _image_for(program: Program | None, image: ElfImage | bytes | None, machine: Machine) -> bytes:
    from bprocsim.posix.elfbuild import ElfImage

    if isinstance(image, bytes):
        return image
    if isinstance(image, ElfImage):
        return image.to_bytes()
    if image is not None:
        raise TypeError(f"image: expected bp.ElfImage or bytes, got {image!r}")
    assert program is not None
    return image_bytes(program.name, program.needs, program.memory_bytes, machine.arch)
