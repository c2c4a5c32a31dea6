"""A world: one clock, one trace, and the systems in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from bprocsim.engine import Engine, NanosecondEnvironment, RunawayError
from bprocsim.faces.control import RunStops
from bprocsim.kernel import documented
from bprocsim.posix.procs import Process
from bprocsim.trace import Trace
from bprocsim.units import MiB
from bprocsim.world import watching
from bprocsim.world.specs import ORDERS, at_least, label, truth

if TYPE_CHECKING:
    from bprocsim.aix.levels import Level
    from bprocsim.aix.models import Model
    from bprocsim.bproc.editions import Edition
    from bprocsim.costs import Costs
    from bprocsim.faults import Fault, Planned
    from bprocsim.posix.exec import ExecProfile
    from bprocsim.world.cluster import Cluster
    from bprocsim.world.lpar import Lpar
    from bprocsim.world.specs import NodeSpec
    from bprocsim.world.system import System


class Deadlock(RuntimeError):
    """A process that somebody waits for can never be woken; the message names who waits for what."""


class Timeout(TimeoutError):
    """A call did not end within its `timeout_ns`; the message names who waits for what."""


class Runaway(RuntimeError):
    """A run took more events than `max_events`; the message names who was still at it."""


# What a program writes in place of a call that is made from outside, where that has another name there.
_INSIDE = {
    "run": "proc.fork(...)` and, in the child, `yield from proc.execvp(...)",
    "popen": "proc.fork(...)` and, in the child, `yield from proc.execvp(...)",
    "idle_process": "proc.fork(...)",
    "send_signal": "proc.kill(...)",
    "wait": "proc.waitpid(...)",
    "sim.run": "proc.sleep(...)",
    "session": "proc.read(...)` and the like, with the program's own `proc",
    "spawn": "proc.fork(...)` and, in the child, `yield from proc.execve(...)",
}


def _engine_of(order: str) -> type[Engine]:
    """Give what runs a world; that with another order is fetched when it is asked for."""
    if order == "fifo":
        return Engine
    from bprocsim.engine.shuffling import ShuffledEngine

    return ShuffledEngine


class Simulation:
    """One world: a clock of integer nanoseconds, a trace, and the clusters in it.

    `seed` seeds every generator; `trace` "errors", "all" or "off", of which `trace_limit` records
    are kept (None: all, or the last 256 under "errors"); `strict` lets what a program raises
    reach the caller; `strict_faults` fails a run in which a planned fault never struck;
    `max_events` bounds one run; `order` how events of one instant follow each other, "fifo" (as they
    were planned) or "random" (as the seed has it), which shows what works only by such a chance.
    TypeError, ValueError: name the argument.
    """

    def __init__(
        self, seed: int = 0, *, trace: str = "errors", trace_limit: int | None = None, strict: bool = False,
        strict_faults: bool = False, max_events: int = 10_000_000, order: str = "fifo",
    ) -> None:  # fmt: skip
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise TypeError(f"seed: expected an int, got {seed!r}")
        self.seed = seed
        self.trace, self.trace_limit = Trace(trace, trace_limit), trace_limit
        self.strict = truth("strict", strict)
        self.strict_faults = truth("strict_faults", strict_faults)
        if order not in ORDERS:
            raise ValueError(f"order: expected {' or '.join(map(repr, ORDERS))}, got {order!r}")
        self.order = order
        self.engine = _engine_of(order)(seed, at_least("max_events", max_events, 1))
        self.systems: dict[str, System] = {}
        self._inside = False
        self.broken = ""  # what cut it off in the middle of an event
        self._last: object = None
        if watching.watchers:
            watching.tell_of_world(self)

    @property
    def env(self) -> NanosecondEnvironment:
        """Give the SimPy environment, for processes of your own (delays are integers of nanoseconds)."""
        return self.engine.env

    @property
    def now_ns(self) -> int:
        """Tell the time in nanoseconds since the world began."""
        return self.engine.now_ns

    def cluster(
        self, nodes: int | Sequence[NodeSpec] = 4, *, name: str | None = None, edition: str | Edition = "scyld",
        kernel: str | ExecProfile = "documented", costs: str | Costs = "clustermatic-2002",
        faults: Sequence[Fault] = (), boot: str = "up", master: NodeSpec | None = None,
    ) -> Cluster:  # fmt: skip
        """Build a Cluster in this world; `name` names its seeds and lanes ("cluster0", ...).

        The other arguments are Cluster's. TypeError, ValueError: name the argument.
        """
        from bprocsim.world.cluster import Cluster

        return Cluster(
            nodes, sim=self, name=name, edition=edition, kernel=kernel, costs=costs, faults=faults, boot=boot,
            master=master,
        )  # fmt: skip

    def lpar(
        self, cores: int = 4, smt: int | None = None, *, name: str | None = None, cpu: str | Model = "POWER7",
        level: str | Level = "7.1", enhanced_affinity: bool = False, srads: int = 1, memory_bytes: int = 4096 * MiB,
        open_files: int = 8192, costs: str | Costs = "clustermatic-2002", faults: Sequence[Fault] = (),
    ) -> Lpar:  # fmt: skip
        """Build an Lpar in this world; `name` names its seeds and lanes ("lpar0", ...).

        The other arguments are Lpar's. TypeError, ValueError: name the argument.
        """
        from bprocsim.world.lpar import Lpar

        return Lpar(
            cores, smt, sim=self, name=name, cpu=cpu, level=level, enhanced_affinity=enhanced_affinity, srads=srads,
            memory_bytes=memory_bytes, open_files=open_files, costs=costs, faults=faults,
        )  # fmt: skip

    def name_for(self, name: str | None, kind: str) -> str:
        """Give the name that a new system will have: "cluster0", ... for one of that `kind` without a name.

        TypeError, ValueError: it is none, or taken.
        """
        if name is None:
            return next(free for n in range(len(self.systems) + 1) if (free := f"{kind}{n}") not in self.systems)
        if label("name", name) in self.systems:
            raise ValueError(f"name: this world has a system called {name!r} already")
        return name

    def hold(self, system: System) -> None:
        """Take a system that has been built, under its name."""
        self.systems[system.name] = system
        if watching.watchers:
            watching.tell_of_system(system)

    def inject(self, fault: Fault) -> Planned:
        """Give a fault to the only system of this world; with several, use the system's own inject."""
        if len(self.systems) != 1:
            held = "several systems; use the inject of the one you mean" if self.systems else "no system yet"
            raise ValueError(f"inject: this world holds {held}")
        return next(iter(self.systems.values())).inject(fault)

    # ---- running ----

    def outside(self, call: str) -> None:
        """Assert that no program is running; RuntimeError names what to write instead."""
        if self.broken:
            raise RuntimeError(f"{call}: {self.broken} cut this world off within an event; build a new one")
        if self._inside:
            instead = _INSIDE.get(call, f"proc.{call}(...)")
            raise RuntimeError(f"{call} was called from within a program; there write `yield from {instead}`")

    def run(self, until_ns: int | None = None) -> None:
        """Let the world go on until no process of a user can act, or until an instant.

        Deadlock: processes wait that can never be woken. ValueError: `until_ns` lies in the past.
        """
        self.outside("sim.run")
        if until_ns is not None:
            at_least("until_ns", until_ns, self.now_ns)
        self.advance(None, until_ns)
        if until_ns is None:
            while (stuck := self.waiting(for_the_harness=False)) and self.engine.call_up():
                self.advance(None)
            if stuck:
                raise Deadlock("\n".join(["nothing is left to happen", *self.waiting()]))
            self.check_faults()

    def advance(self, done: Callable[[], bool] | None, until_ns: int | None = None, first: Any = None) -> bool:
        """Let events happen until `done()`, and a task begin before them; gives whether it came to that."""
        inside, self._inside = self._inside, True
        try:
            return self.engine.run(done, until_ns, first)
        except RunawayError as error:
            raise Runaway("\n".join([str(error), *self.at_work(), *self.waiting()])) from None
        except (KeyboardInterrupt, RunStops) as cut:
            raise self._cut_off(cut) from None
        finally:
            self._inside = inside

    def begin(self, generator: Any, hasten: bool = False) -> Any:
        """Drive a generator of the harness up to its first wait; gives its task.

        `hasten`: and on, as long as nothing else is to happen before it wakes.
        """
        self._inside = True
        try:
            return self.engine.begin(generator, hasten)
        except (KeyboardInterrupt, RunStops) as cut:
            raise self._cut_off(cut) from None
        finally:
            self._inside = False

    def go_on(self, task: Any) -> None:
        """Drive a generator on that waits for the harness, up to its next wait."""
        self._inside = True
        try:
            task.begin()
        except (KeyboardInterrupt, RunStops) as cut:
            raise self._cut_off(cut) from None
        finally:
            self._inside = False

    def ready(self, call: str, by: object = None) -> None:
        """Be outside of any program, with everything done that is due at or before now.

        `by` a session that makes the call. If it made the last one too it goes straight on, as a
        program does: only what strikes before all else of an instant is done.
        """
        if self._inside or self.broken:
            self.outside(call)
        engine = self.engine
        goes_on, self._last = by is not None and by is self._last, by
        if goes_on:
            if engine.strikes_now():
                self.advance(lambda: not engine.strikes_now())
        elif engine.is_due_now():
            self.advance(lambda: not engine.is_due_now())

    def vouch(self, machine: Any, call: str, pid: int, failure: Any) -> None:
        """Let a call that the harness made fail like this. Undocumented: the call's table does not have it."""
        try:
            documented.vouch(machine, call, pid, failure)
        except RunStops as cut:
            raise self._cut_off(cut) from None

    def _cut_off(self, cut: KeyboardInterrupt | RunStops) -> BaseException:
        """Note that the world is not to be used any more; gives what its user gets."""
        error = cut.error if isinstance(cut, RunStops) else cut
        self.broken = f"{'an' if isinstance(cut, RunStops) else 'a'} {type(error).__name__}"
        return error

    def pass_time(self, duration_ns: int) -> None:
        """Let time pass: the clock simply moves, unless something is due on the way."""
        if not self.engine.skip(duration_ns):
            self.advance(None, self.engine.now_ns + duration_ns)

    # ---- who is at what ----

    def processes(self) -> list[Process]:
        """Give all processes of all systems that live and are not idle, by pid."""
        return [
            process
            for system in self.systems.values()
            for _, process in sorted(system.pids.table.items())
            if process is not None and process.ended is None and not process.idle
        ]

    def waiting(self, for_the_harness: bool = True) -> list[str]:
        """Tell of every process that waits: who, for what, since when.

        Without `for_the_harness` those are left out who wait for what the harness itself may yet do.
        """
        return [
            f"  {_who(process)} waits in {waiter.told}{_lacking(process, waiter)} since {waiter.since_ns / 1e6:.6f} ms"
            for process in self.processes()
            for waiter in _waiters(process)
            if for_the_harness or not (_for_the_harness(waiter.queue) or _for_the_harness(process.family))
        ]

    def at_work(self) -> list[str]:
        """Tell of every process that waits for nobody: it is in a step of a call, or about to go on."""
        return [f"  {_who(process)} is at work" for process in self.processes() if not _waiters(process)]

    def check_faults(self) -> None:
        """Under strict_faults: fail if a planned fault never struck, unless it was called off."""
        if not self.strict_faults:
            return
        missed = [
            planned
            for system in self.systems.values()
            for planned in system.planned
            if not planned.fired and not planned.cancelled
        ]
        if missed:
            raise AssertionError("planned faults that never struck: " + ", ".join(repr(each.fault) for each in missed))


def _for_the_harness(thing: Any) -> bool:
    """Tell whether the harness may yet wake who waits for this, or who is one of these."""
    return getattr(thing, "for_the_harness", False) is True


def _waiters(process: Process) -> list[Any]:
    """Give what the threads of a process wait for, and whoever drives its move."""
    master = process.machine.master
    move = None if master is None else master.moves.get(process.pid)
    holders = [*process.threads, *([move] if move is not None else [])]
    return [holder.waiting for holder in holders if holder.waiting is not None]


def _lacking(process: Process, waiter: Any) -> str:
    """Say which processors somebody waits for of which none is online, where that is why."""
    partition = process.machine.partition
    return "" if partition is None or waiter.thread is None else str(partition.lacking(waiter.thread))


def _who(process: Process) -> str:
    name = process.comm.decode("utf-8", "replace") or "caller"
    return f"pid {process.pid} ({name}) on {process.machine.name}"
