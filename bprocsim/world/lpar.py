"""An AIX partition: cores with hardware threads, resource sets, and the calls made on it from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar

from attrs import evolve

from bprocsim.aix.commandfiles import PASSWD_FILE
from bprocsim.aix.constants import R_PROCESS
from bprocsim.aix.dispatch import Dispatcher
from bprocsim.aix.execrules import exec_profile
from bprocsim.aix.images import POWER
from bprocsim.aix.levels import CAPABILITIES, LEVELS, Level
from bprocsim.aix.models import MODELS, Model
from bprocsim.aix.partition import Partition
from bprocsim.aix.rset import Rset, listed
from bprocsim.aix.topology import Topology
from bprocsim.aix.tree import AIX
from bprocsim.bproc.nodes import NODE_MASTER
from bprocsim.costs import PRESETS, Costs
from bprocsim.faces.aix import AixProc
from bprocsim.faces.arguments import integer, usable
from bprocsim.faces.pointers import c_string, pointer_or_null
from bprocsim.kernel import Machine
from bprocsim.notation import recorded
from bprocsim.posix.execcalls import execve_errors
from bprocsim.posix.image import image_bytes
from bprocsim.posix.machine import FileTable, Memory
from bprocsim.posix.network import Network
from bprocsim.posix.procs import OPEN_LIMIT, PidSpace
from bprocsim.programs import BUILTIN
from bprocsim.programs.aix import COMMANDS
from bprocsim.units import MiB
from bprocsim.world.aixdirect import By, Runs, reconfigure, request_of, serve
from bprocsim.world.directcalls import LEFT_OUT, Request, caller_of, execve
from bprocsim.world.handles import MachineHandle, ProcessHandle
from bprocsim.world.outcome import Outcome
from bprocsim.world.simulation import Simulation
from bprocsim.world.specs import User, at_least, named_record, truth
from bprocsim.world.specs import listed as as_list
from bprocsim.world.subroutines import Subroutines
from bprocsim.world.system import absolute, sim_for

if TYPE_CHECKING:
    from typing import Unpack

    from bprocsim.faults import Fault, Planned
    from bprocsim.posix.image import Program
    from bprocsim.world.aixsession import AixSession

topology = lru_cache(maxsize=64)(Topology)


class Lpar(Subroutines):
    """A logical partition that runs AIX, in a world of its own unless `sim` is given.

    `cores` how many; `smt` hardware threads that each has (None: the model's most), all online at
    the start; `cpu` a model's name or record (bp.models); `level` AIX's, a name or record
    (bp.levels); `enhanced_affinity` whether SRADIDs may be attached to (POWER7 and later models,
    level 6.1.5 and later); `srads` the domains in which the cores lie; `memory_bytes`,
    `open_files` of the machine; `costs` the time model; `faults` what goes wrong. The rest is
    Simulation's: seed, trace, trace_limit, strict, strict_faults, max_events, order.
    TypeError, ValueError: name the argument.
    """

    builtin: ClassVar[Mapping[str, Program]] = {**BUILTIN, **COMMANDS}

    def __init__(
        self, cores: int = 4, smt: int | None = None, *, cpu: str | Model = "POWER7", level: str | Level = "7.1",
        enhanced_affinity: bool = False, srads: int = 1, seed: int = 0, memory_bytes: int = 4096 * MiB,
        open_files: int = 8192, costs: str | Costs = "clustermatic-2002", faults: Sequence[Fault] = (),
        name: str | None = None, sim: Simulation | None = None, trace: str = "errors", trace_limit: int | None = None,
        strict: bool = False, strict_faults: bool = False, max_events: int = 10_000_000, order: str = "fifo",
    ) -> None:  # fmt: skip
        sim = sim_for(
            sim, seed=seed, trace=trace, trace_limit=trace_limit, strict=strict, strict_faults=strict_faults,
            max_events=max_events, order=order,
        )  # fmt: skip
        model: Model = named_record(cpu, MODELS, Model, "cpu")
        of_level: Level = named_record(level, LEVELS, Level, "level")
        width = _width(model, smt)
        count = at_least("cores", cores, 1)
        if count * width > of_level.processors_max:
            most = f"AIX {of_level.name} has at most {of_level.processors_max} logical processors"
            raise ValueError(f"cores: {most}, and {count} cores of {width} hardware threads have {count * width}")
        if at_least("srads", srads, 1) > count:
            raise ValueError(f"srads: expected at most one for each of the {count} cores, got {srads}")
        _check_affinity(truth("enhanced_affinity", enhanced_affinity), model, of_level)
        self.costs: Costs = named_record(costs, PRESETS, Costs, "costs")
        plan = as_list("faults", faults, "faults such as [bp.CoreFails(core=1)]")
        super().__init__(sim, sim.name_for(name, "lpar"))
        self.level, self.cpu = of_level, model
        self.partition = Partition(of_level, model, topology(count, width, srads), enhanced_affinity)
        self.pids = PidSpace()
        self.home = self._machine(at_least("memory_bytes", memory_bytes, 65536), at_least("open_files", open_files, 0))
        self.machine = MachineHandle(self.home)
        try:
            for fault in plan:
                self.inject(fault)
        except (TypeError, ValueError):
            for planned in self.planned:
                planned.cancel()
            raise
        self._given, self._asked = len(plan), (smt, open_files)
        sim.hold(self)

    # ---- building ----

    def _machine(self, memory_bytes: int, open_files: int) -> Machine:
        costs, sim = self.costs, self.sim
        profile = exec_profile(self.level)
        machine = Machine(
            name=self.name, number=NODE_MASTER, address="10.55.0.1", port=sim.engine,
            processors=Dispatcher(self.partition, costs.quantum_ns), arch=POWER, profile=profile, costs=costs,
            trace=sim.trace, memory=Memory(memory_bytes), files=FileTable(open_files), network=Network(_nobody),
            pids=self.pids, programs=self._programs, execve_errors=execve_errors(profile), rules=self.rules,
            strict=sim.strict, face=AixProc, unix=AIX,
        )  # fmt: skip
        machine.partition = self.partition
        self.partition.machine = machine
        return machine

    def machine_of(self, number: int, argument: str) -> Machine:
        """See System: there is only one."""
        raise ValueError(f"{argument}: nodes are a cluster's, and a partition has one machine; got {number!r}")

    def install(
        self, path: Any, program: Any, *, mode: int = 0o755, uid: int = 0, gid: int = 0, image: Any = None
    ) -> Program | None:
        """Write an image file, whose bytes name the program; missing parents are made.

        `program` a function, a bp.program, or None with `image`; `image` a bp.XcoffImage, a
        bp.ElfImage or bytes to be written in place of the usual one. Gives the program.
        TypeError, ValueError: name the argument.
        """
        where, known = absolute(path), self._known(program, image)
        data = _bytes_of(image, known, self.home)
        parent, fs = where.rpartition(b"/")[0], self.machine.fs
        if parent:
            fs.mkdir(parent, parents=True, exist_ok=True)
        fs.write_file(where, data, mode=mode, uid=uid, gid=gid)
        return known

    def user(self, name: str, uid: int, gid: int, groups: Sequence[int] = (), capabilities: Any = None) -> User:
        """Make an account, with its line in /etc/passwd; give what it gives as `user=`.

        `capabilities` some of AIX's own. TypeError, ValueError: name the argument.
        """
        unknown = sorted(set(capabilities or ()) - set(CAPABILITIES), key=str)
        if unknown and all(isinstance(each, str) for each in unknown):
            raise ValueError(f"capabilities: AIX has no {unknown[0]!r}; expected some of {', '.join(CAPABILITIES)}")
        made = super().user(name, uid, gid, groups, capabilities)
        self._enroll(self.machine, PASSWD_FILE, name, f"{name}:!:{uid}:{gid}::/:/usr/bin/sh\n")
        return made

    def inject(self, fault: Fault) -> Planned:
        """Plan a fault from now on; gives a handle with `.fired`, `.cancel()` and `with`."""
        from bprocsim.faults import plan  # a world without faults does not need them

        planned = plan(fault, self.sim.engine, self)
        self.planned.append(planned)
        return planned

    def idle_process(self, user: Any = None, *, open_limit: int = OPEN_LIMIT, cwd: Any = None) -> ProcessHandle:
        """Start a process of `user` that waits for ever, to be given as `caller=`.

        `open_limit` how many descriptors it may have, from 3 on; `cwd` the directory it is in, left
        out the root. TypeError, ValueError: name the argument.
        """
        found = caller_of(self, Request(user, NODE_MASTER, None, b"", cwd, None))
        idle = ProcessHandle.idle(self.sim, self.home, found.who, at_least("open_limit", open_limit, 3))
        idle.process.cwd, idle.process.cwd_path = found.cwd, found.cwd_path
        return idle

    def session(
        self, *, user: Any = None, cwd: Any = None, env: Mapping[Any, Any] | None = None, input: bytes = b"",
        timeout_ns: int | None = None,
    ) -> AixSession:  # fmt: skip
        """Start a process whose calls are ordinary methods: `s.ra_attachrset(...)` without `yield from`.

        The arguments are those of Cluster.session, without a node. TypeError, ValueError: name the argument.
        """
        from bprocsim.world.aixsession import AixSession

        return AixSession(self, user=user, cwd=cwd, env=env, input=input, timeout_ns=timeout_ns)

    # ---- resource sets ----

    def rset(self, processors: Any = "", memory: Any = None) -> Rset:
        """Make a resource set that the caller owns: of "0-3,6", a list of logical ids, or another set; "" is empty.

        Any id may be in it that a partition of this level can have, whether there is such a processor or
        not. `memory` pools likewise, left out those of the other set, or none.
        TypeError, ValueError: name the argument, the position, and what was expected there.
        """
        made = Rset()
        if isinstance(processors, Rset):
            made = usable(processors, "rset").copy()
        else:
            if not isinstance(processors, str | bytes) and isinstance(processors, Iterable):
                processors = ",".join(str(at_least("processors", each, 0)) for each in processors)
            made.processors = listed(processors, "processors", self.level.processors_max - 1)
        if memory is not None:
            made.memory = listed(memory, "memory", self.partition.topology.srads - 1)
        return made

    def effective_rset(self, pid: int) -> Rset:
        """Give what ra_getrset(R_PROCESS, pid) tells, as a set. CallError: there is no such process."""
        found = Rset()
        serve(self, "ra_getrset", (R_PROCESS, pid, 0, found), {}).check()
        return found

    def set_partition(self, pid: int, rset: Any, flags: int = 0, **by: Unpack[By]) -> Outcome:
        """Set a process's partition set: rs_setpartition. Errors: rs_setpartition."""
        return self.rs_setpartition(pid, rset, flags, **by)

    def mkrset(self, name: Any, processors: Any, memory: Any = None, **by: Unpack[By]) -> Outcome:
        """Do what the command mkrset does: make the named set "namespace/name"; in sysxrset an exclusive one.

        `processors`, `memory` as for `rset`. Errors: mkrset.
        """
        return serve(self, "mkrset", (c_string(name, "name"), self.rset(processors, memory)), by)

    def rmrset(self, name: Any, **by: Unpack[By]) -> Outcome:
        """Do what the command rmrset does: take the named set "namespace/name" away. Errors: rmrset."""
        return serve(self, "rmrset", (c_string(name, "name"),), by)

    def rs_getrsetnames(self, namespace: Any = None, **by: Unpack[By]) -> Outcome:
        """List the names of a namespace, or of all; the value is pairs (namespace, rsname), in order."""
        return serve(self, "rs_getrsetnames", (pointer_or_null(namespace, "namespace"),), by)

    # ---- processors ----

    def smtctl(self, threads: int, **by: Unpack[By]) -> Outcome:
        """Do what the command smtctl does: let `threads` hardware threads of each core be online. Errors: smtctl.

        ValueError: cores of this model and partition have never so many.
        """
        width = self.partition.width_of(at_least("threads", threads, 1))
        return reconfigure(self, "smtctl", (width,), by)

    def dlpar_remove(self, core: int, **by: Unpack[By]) -> Outcome:
        """Remove a core from the running partition, as the HMC does. Errors: dlpar_remove."""
        return reconfigure(self, "dlpar_remove", (integer(core, "core"),), by)

    def dlpar_add(self, core: int, **by: Unpack[By]) -> Outcome:
        """Add a core that was removed, deallocated or failed to the running partition. Errors: dlpar_add."""
        return reconfigure(self, "dlpar_add", (integer(core, "core"),), by)

    def deallocate(self, core: int, **by: Unpack[By]) -> Outcome:
        """Deallocate a core that is predicted to fail: threads bound to the last ids have ten minutes to go.

        Errors: deallocate.
        """
        return reconfigure(self, "deallocate", (integer(core, "core"),), by)

    # ---- direct calls ----

    def execve(self, path: Any, argv: Any = LEFT_OUT, envp: Any = (), **by: Unpack[Runs]) -> Outcome:
        """Become another image, by AIX's rules; what is attached stays. Errors: execve."""
        return execve(self, request_of("execve", **by), path, argv, envp)

    def built(self) -> Callable[[], str]:
        """See System."""
        shape, (smt, open_files) = self.partition.topology, self._asked
        own = {
            "cores": shape.cores, "smt": smt, "cpu": recorded(self.cpu, MODELS, "models"),
            "level": recorded(self.level, LEVELS, "levels"),
            "enhanced_affinity": self.partition.enhanced_affinity, "srads": shape.srads,
            "memory_bytes": self.home.memory.total_bytes, "open_files": open_files,
            "costs": recorded(self.costs, PRESETS, "costs"),
        }  # fmt: skip
        return self._as_built("lpar", own)


def _width(model: Model, smt: Any) -> int:
    """Take how many hardware threads a core has; None is the model's most."""
    if smt is None:
        return model.smt
    if isinstance(smt, bool) or not isinstance(smt, int):
        raise TypeError(f"smt: expected an int or None, got {smt!r}")
    if smt not in model.widths:
        known = ", ".join(map(str, model.widths))
        raise ValueError(f"smt: a core of {model.name} has {known} hardware threads, never {smt}")
    return smt


def _check_affinity(enhanced_affinity: bool, model: Model, level: Level) -> None:
    if enhanced_affinity and not (model.enhanced_affinity and level.sradids):
        needs = "POWER7 or a later model, and level 6.1.5 or later"
        raise ValueError(f"enhanced_affinity: it needs {needs}; this is {model.name} with AIX {level.name}")


def _nobody(_host: str) -> None:
    """Find the machine of an address: a partition has no neighbours."""


def _bytes_of(image: Any, program: Program | None, machine: Machine) -> bytes:
    """Build the image that was asked for, None for the usual one; it names the program, unless it names one."""
    if image is None:
        assert program is not None, "or there would be an image"
        return image_bytes(program.name, program.needs, program.memory_bytes, machine.arch)
    if isinstance(image, bytes):
        return image
    from bprocsim.aix.xcoffbuild import XcoffImage
    from bprocsim.posix.elfbuild import ElfImage

    if isinstance(image, ElfImage):  # which no exec here takes
        return image.to_bytes()
    if not isinstance(image, XcoffImage):
        raise TypeError(f"image: expected bp.XcoffImage, bp.ElfImage or bytes, got {image!r}")
    if program is not None and image.program is None:
        memory_bytes = program.memory_bytes if image.memory_bytes is None else image.memory_bytes
        image = evolve(image, program=program.name, memory_bytes=memory_bytes)
    data: bytes = image.to_bytes()
    return data
