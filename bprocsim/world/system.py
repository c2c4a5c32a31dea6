"""What every system of a world has: users, programs, command lines, and a machine where they start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from bprocsim.faces.pointers import c_string
from bprocsim.kernel.rules import Rules
from bprocsim.notation import Notated, call_text, name_of, parameters_of
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.image import Program, as_program
from bprocsim.programs import BUILTIN
from bprocsim.world.simulation import Simulation
from bprocsim.world.specs import User, label

if TYPE_CHECKING:
    import subprocess
    from typing import Unpack

    from bprocsim.faults import Fault, Planned
    from bprocsim.kernel import Machine
    from bprocsim.posix.elfbuild import ElfImage
    from bprocsim.posix.procs import PidSpace
    from bprocsim.trace import Trace
    from bprocsim.world.command import Popen, PopenOptions, RunOptions
    from bprocsim.world.handles import MachineHandle


class System(Notated):
    """A cluster or a partition within a world: what both have.

    `home` the machine on which command lines run; `pids` its process numbers; `users` the accounts
    by name; `planned` the faults that it was given; `builtin` the programs that it knows from the start.
    """

    home: Machine
    pids: PidSpace
    builtin: ClassVar[Mapping[str, Program]] = BUILTIN
    _given: int  # how many of the faults it was built with

    def __init__(self, sim: Simulation, name: str) -> None:
        self.sim = sim
        self.name = name
        self.users: dict[str, User] = {}
        self.planned: list[Planned] = []
        self.rules = Rules()
        self._programs: dict[str, Program] = dict(self.builtin)

    @property
    def trace(self) -> Trace:
        """Give the world's trace."""
        return self.sim.trace

    def machine_of(self, number: int, argument: str) -> Machine:
        """Give the machine of a node number, on which somebody can make a call; ValueError, TypeError name it."""
        raise NotImplementedError

    def is_down(self, machine: Machine) -> bool:
        """Tell whether nobody on a machine can make a call."""
        return False

    def inject(self, fault: Fault) -> Planned:
        """Plan a fault from now on; gives a handle with `.fired`, `.cancel()` and `with`."""
        raise NotImplementedError

    def built(self) -> Callable[[], str]:
        """Give what writes Python that builds such a system in a world of its own, without holding on to this one."""
        raise NotImplementedError

    def notation(self) -> str:
        """Give Python that builds such a system, as it was before anything was done with it."""
        return self.built()()

    def _as_built(self, kind: str, own: Mapping[str, Any]) -> Callable[[], str]:
        sim = self.sim
        asked = {
            **own, "seed": sim.seed, "faults": [each.fault for each in self.planned[: self._given]],
            "name": None if self.name == f"{kind}0" else self.name, "trace": sim.trace.level,
            "trace_limit": sim.trace_limit, "strict": sim.strict, "strict_faults": sim.strict_faults,
            "max_events": sim.engine.max_events, "order": sim.order,
        }  # fmt: skip
        return partial(_written, type(self), asked)

    # ---- users and programs ----

    def user(self, name: str, uid: int, gid: int, groups: Sequence[int] = (), capabilities: Any = None) -> User:
        """Make an account; give what it gives as `user=`. TypeError, ValueError: name the argument."""
        if label("name", name) in self.users:
            raise ValueError(f"name: there is a user {name!r} already")
        made = self.users[name] = User(name, Credentials(uid, gid, groups=groups, capabilities=capabilities))
        return made

    def _enroll(self, machine: MachineHandle, path: str, name: str, line: str) -> None:
        """Add an account's line to the file in which commands look for names."""
        if not set(name) & set(":\n"):
            with suppress(OSError):  # whoever took the file away wants no names in it
                machine.fs.write_file(path, machine.fs.read_file(path) + c_string(line, "name"))

    def _known(self, program: Any, image: ElfImage | bytes | None) -> Program | None:
        """Take the program of an install under a name of its own: two functions of one name differ by a number."""
        asked = None if program is None else as_program(program)
        if asked is None:
            if image is None:
                raise ValueError("image: with program=None there must be an image to write")
            return None
        base, count = asked.name, 1
        name = base
        while name in self._programs and self._programs[name].function is not asked.function:
            count += 1
            name = f"{base}-{count}"
        known = self._programs.get(name)
        if known is None or known.needs != asked.needs or known.memory_bytes != asked.memory_bytes:
            known = self._programs[name] = Program(asked.function, name, asked.needs, asked.memory_bytes)
        return known

    # ---- command lines ----

    def popen(self, args: Any, **options: Unpack[PopenOptions]) -> Popen:
        """Start a command line, or a program's function, as subprocess.Popen does.

        It runs on the master of a cluster. Options: stdin, stdout, stderr, shell, cwd, env, text,
        universal_newlines, encoding, errors, user, start_new_session. Output is captured unless
        asked otherwise. FileNotFoundError, PermissionError, ... if it cannot be executed; ValueError
        names an option without meaning.
        """
        from bprocsim.world.command import Popen

        return Popen(self, args, **options)

    def run(self, args: Any, **options: Unpack[RunOptions]) -> subprocess.CompletedProcess[Any]:
        """Run a command line to its end, as subprocess.run does; on the master of a cluster.

        Options: input, capture_output, timeout (simulated seconds), check, and those of `popen`.
        CalledProcessError, TimeoutExpired, FileNotFoundError as subprocess raises them.
        """
        from bprocsim.world.command import run

        return run(self, args, **options)

    def sleep(self, seconds: float) -> None:
        """Let simulated time pass. TypeError, ValueError: `seconds` is no duration."""
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise TypeError(f"seconds: expected a number, got {seconds!r}")
        if not 0 <= seconds < float("inf"):
            raise ValueError(f"seconds: expected 0 or more, got {seconds!r}")
        self.sim.ready("sleep")
        self.sim.pass_time(round(seconds * 1_000_000_000))


def _written(kind: type[System], asked: Mapping[str, Any]) -> str:
    """Write Python that builds a system as it was asked for; what is left out anyway is left out."""
    # A class of somebody's own may take its words in other ways.
    ours = next(each for each in kind.__mro__ if "seed" in parameters_of(each))
    usual = parameters_of(ours)
    given = {
        name: value
        for name, value in asked.items()
        if name in ("nodes", "cores") or (value != usual[name].default and value != [])
    }
    return call_text(name_of(ours), (), given)


def sim_for(sim: Any, **options: Any) -> Simulation:
    """Give the Simulation that a new system is part of: a fresh one with these options, or `sim`, which has its own.

    TypeError, ValueError: name the argument.
    """
    if sim is None:
        return Simulation(**options)
    if not isinstance(sim, Simulation):
        raise TypeError(f"sim: expected bp.Simulation or None, got {sim!r}")
    given = [name for name, value in options.items() if value != _LEFT_OUT[name]]
    if given:
        raise ValueError(f"{', '.join(given)}: belong to the Simulation that `sim` gives")
    return sim


# What belongs to the world and not to one system, as it is when it is left out.
_LEFT_OUT = {
    "seed": 0, "trace": "errors", "trace_limit": None, "strict": False, "strict_faults": False,
    "max_events": 10_000_000, "order": "fifo",
}  # fmt: skip


def absolute(path: Any) -> bytes:
    """Take the path that an image is installed at; ValueError: it is not absolute."""
    where = c_string(path, "path")
    if not where.startswith(b"/"):
        raise ValueError(f"path: expected an absolute path, got {path!r}")
    return where
