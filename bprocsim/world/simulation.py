"""A world: one clock, one trace, and the systems in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bprocsim.engine import Engine, RunawayError
from bprocsim.posix.procs import Process
from bprocsim.trace import Trace
from bprocsim.world.specs import at_least


class Deadlock(RuntimeError):
    """A process that somebody waits for can never be woken; the message names who waits for what."""


class Timeout(TimeoutError):
    """A call did not end within its `timeout_ns`; the message names who waits for what."""


class Runaway(RuntimeError):
    """A run took more events than `max_events`; the message names who was still at it."""


class Simulation:
    """One world: a clock of integer nanoseconds, a trace, and the clusters in it.

    `seed` seeds every generator; `trace` "errors", "all" or "off", of which `trace_limit` records
    are kept (None: all, or the last 256 under "errors"); `strict` lets what a program raises
    reach the caller; `strict_faults` fails a run in which a planned fault never struck;
    `max_events` bounds one run.
    TypeError, ValueError: name the argument.
    """

    def __init__(
        self, seed: int = 0, *, trace: str = "errors", trace_limit: int | None = None, strict: bool = False,
        strict_faults: bool = False, max_events: int = 10_000_000,
    ) -> None:  # fmt: skip
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise TypeError(f"seed: expected an int, got {seed!r}")
        self.seed = seed
        self.trace = Trace(trace, trace_limit)
        self.strict = strict
        self.strict_faults = strict_faults
        self.engine = Engine(seed, at_least("max_events", max_events, 1))
        self.systems: dict[str, Any] = {}
        self._inside = False

    @property
    def env(self) -> Any:
        """Give the SimPy environment, for processes of your own (delays are integers of nanoseconds)."""
        return self.engine.env

    @property
    def now_ns(self) -> int:
        """Tell the time in nanoseconds since the world began."""
        return self.engine.now_ns

    def cluster(self, nodes: Any = 4, *, name: str | None = None, **options: Any) -> Any:
        """Build a Cluster in this world; `name` names its seeds and lanes ("cluster0", ...)."""
        from bprocsim.world.cluster import Cluster

        return Cluster(nodes, sim=self, name=name, **options)

    def enter(self, system: Any, name: str | None) -> str:
        """Take a system into this world; gives its name. ValueError: the name is taken."""
        name = name or f"cluster{len(self.systems)}"
        if name in self.systems:
            raise ValueError(f"name: this world has a system called {name!r} already")
        self.systems[name] = system
        return name

    def inject(self, fault: Any) -> Any:
        """Give a fault to the only system of this world; with several, use the system's own inject."""
        if len(self.systems) != 1:
            raise ValueError("inject: this world holds several systems; use the inject of the one you mean")
        return next(iter(self.systems.values())).inject(fault)

    # ---- running ----

    def outside(self, call: str) -> None:
        """Assert that no program is running; RuntimeError names what to write instead."""
        if self._inside:
            raise RuntimeError(f"{call} was called from within a program; there write `yield from proc.{call}(...)`")

    def run(self, until_ns: int | None = None) -> None:
        """Let the world go on until no process of a user can act, or until an instant.

        Deadlock: processes wait that can never be woken. ValueError: `until_ns` lies in the past.
        """
        self.outside("run")
        self.advance(None, until_ns)
        if until_ns is None:
            waiting = self.waiting()
            if waiting:
                raise Deadlock("nothing is left to happen\n" + "\n".join(waiting))
            self.check_faults()

    def advance(self, done: Callable[[], bool] | None, until_ns: int | None = None) -> bool:
        """Let events happen until `done()`; gives whether it came to that."""
        inside, self._inside = self._inside, True
        try:
            return self.engine.run(done, until_ns)
        except RunawayError as error:
            raise Runaway("\n".join([str(error), *self.waiting()])) from None
        finally:
            self._inside = inside

    def begin(self, generator: Any) -> Any:
        """Drive a generator of the harness up to its first wait; gives its task."""
        self._inside = True
        try:
            return self.engine.begin(generator)
        finally:
            self._inside = False

    def ready(self, call: str) -> None:
        """Be outside of any program, with everything done that is due at or before now."""
        self.outside(call)
        engine = self.engine
        if engine.env.peek() <= engine.now_ns:
            self.advance(lambda: engine.env.peek() > engine.now_ns)

    def pass_time(self, duration_ns: int) -> None:
        """Let time pass: the clock simply moves, unless something is due on the way."""
        if not self.engine.skip(duration_ns):
            self.advance(None, self.engine.now_ns + duration_ns)

    def processes(self) -> list[Process]:
        """Give all processes of all systems that live and are not idle, by pid."""
        return [
            process
            for system in self.systems.values()
            for _, process in sorted(system.bpmaster.pids.table.items())
            if process is not None and process.ended is None and not process.idle
        ]

    def waiting(self) -> list[str]:
        """Tell of every process that waits: who, for what, since when."""
        lines = []
        for process in self.processes():
            move = process.machine.master.moves.get(process.pid)
            holders = [*process.threads, *([move] if move is not None else [])]
            for holder in holders:
                waiter = holder.waiting
                if waiter is not None:
                    lines.append(
                        f"  pid {process.pid} ({process.comm.decode('utf-8', 'replace') or 'caller'}) on "
                        f"{process.machine.name} waits in {waiter.what} since {waiter.since_ns / 1e6:.6f} ms"
                    )
        return lines

    def check_faults(self) -> None:
        """Under strict_faults: fail if a planned fault never struck."""
        if not self.strict_faults:
            return
        missed = [planned for system in self.systems.values() for planned in system.planned if not planned.fired]
        if missed:
            raise AssertionError("planned faults that never struck: " + ", ".join(repr(each.fault) for each in missed))
