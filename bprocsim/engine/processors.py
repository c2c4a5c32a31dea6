"""Run queues: the processors of a machine and the threads that take turns on them."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from attrs import define, field, setters

from bprocsim.engine.tasks import EngineTimer
from bprocsim.port import Waiter, Why
from bprocsim.units import ms

if TYPE_CHECKING:
    from bprocsim.engine.clock import Engine


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class _Slice:
    """One thread's turn on a processor: since when, and until when it is planned."""

    waiter: Waiter
    began_ns: int
    timer: EngineTimer


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Processors:
    """The processors of one machine and the threads that want them: round robin in turns.

    `count` processors; `quantum_ns` a turn when others wait. A thread that nobody waits behind
    runs to its end in one event.
    """

    count: int = 1
    quantum_ns: int = 50 * ms
    running: list[_Slice] = field(factory=list)
    ready: deque[Waiter] = field(factory=deque)
    busy_ns: int = 0

    def enter(self, engine: Engine, waiter: Waiter) -> None:
        """Take a processor, or a place in the queue."""
        if len(self.running) < self.count:
            self._run(engine, waiter)
            return
        self.ready.append(waiter)
        if len(self.ready) == 1:
            # Until now nobody waited, so those who run were planned to their end: cut to their turn.
            for turn in self.running:
                self._plan(engine, turn)

    def leave(self, waiter: Waiter) -> None:
        """Take a waiter off: its work left is in `left_ns`."""
        waiter.queue = None
        if waiter in self.ready:
            self.ready.remove(waiter)
            return
        for turn in self.running:
            if turn.waiter is waiter:
                engine = turn.timer._engine
                turn.timer.cancel()
                self._account(engine, turn)
                self.running.remove(turn)
                self._next(engine)
                return

    def _run(self, engine: Engine, waiter: Waiter) -> None:
        turn = _Slice(waiter, engine.now_ns, None)  # type: ignore[arg-type]
        self.running.append(turn)
        self._plan(engine, turn)

    def _plan(self, engine: Engine, turn: _Slice) -> None:
        done_ns = engine.now_ns - turn.began_ns
        left_ns = turn.waiter.left_ns - done_ns
        if self.ready:
            # A turn ends at a multiple of the quantum since it began.
            left_ns = min(left_ns, self.quantum_ns - done_ns % self.quantum_ns)
        if turn.timer is not None:
            turn.timer.cancel()
        turn.timer = engine.after(left_ns, lambda: self._ended(engine, turn))

    def _account(self, engine: Engine, turn: _Slice) -> None:
        done_ns = engine.now_ns - turn.began_ns
        turn.waiter.left_ns -= done_ns
        turn.began_ns = engine.now_ns
        self.busy_ns += done_ns

    def _ended(self, engine: Engine, turn: _Slice) -> None:
        self._account(engine, turn)
        waiter = turn.waiter
        if waiter.left_ns > 0 and not self.ready:
            self._plan(engine, turn)
            return
        self.running.remove(turn)
        if waiter.left_ns > 0:
            self.ready.append(waiter)
        else:
            waiter.queue = None
            engine.wake(waiter, Why.DONE)
        self._next(engine)

    def _next(self, engine: Engine) -> None:
        if self.ready and len(self.running) < self.count:
            self._run(engine, self.ready.popleft())
