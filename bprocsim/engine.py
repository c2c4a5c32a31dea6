"""Time, kept by SimPy: the port, links, run queues and seeded generators.

The only room that imports SimPy. Of SimPy's private names it uses three: `Environment._queue`, the
event heap, to know whether anything but background timers is left to happen; `Environment._now`, to
move the clock when nothing happens on the way; `Event._value`, what an event gives back.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from attrs import define, field, setters
from simpy import Environment, Event, Timeout
from simpy.core import BoundClass
from simpy.events import URGENT

from bprocsim.port import Link, Steps, Waiter, Why
from bprocsim.units import MiB, ms


class RunawayError(RuntimeError):
    """A run took more events than `max_events` allows."""


class _Nanoseconds(Timeout):
    """A user's own timeout in our world: integers of nanoseconds only."""

    def __init__(self, env: Environment, delay: int, value: Any = None) -> None:
        if isinstance(delay, bool) or not isinstance(delay, int):
            raise TypeError(f"delay: this world counts integers of nanoseconds, got {delay!r}")
        super().__init__(env, delay, value)


class NanosecondEnvironment(Environment):
    """A SimPy environment whose time is an integer of nanoseconds; a float delay is a TypeError."""

    if TYPE_CHECKING:
        # Narrower than SimPy's, which takes floats: that is what it is for.
        def timeout(self, delay: int = 0, value: Any = None) -> Timeout:  # type: ignore[override]
            """Give an event that happens in `delay` nanoseconds."""
            ...
    else:
        timeout = BoundClass(_Nanoseconds)

    def run(self, until: Any = None) -> Any:
        """Run as SimPy does; `sim.run` also knows when no process can act any more. A float is a TypeError."""
        if isinstance(until, float):
            raise TypeError(f"until: this world counts integers of nanoseconds, got {until!r}")
        return super().run(until)


class EngineTask:
    """A generator driven by events: each event it yields resumes it with that event's value.

    A SimPy Process would cost two events more, for its start and its end, and could not be closed.
    """

    __slots__ = ("_generator", "ended", "target")

    def __init__(self, generator: Steps) -> None:
        self._generator = generator
        self.ended = False
        self.target: Event | None = None

    def resume(self, event: Event | None) -> None:
        """Run the generator up to its next yield."""
        value = event._value if event is not None else None
        while not self.ended:
            try:
                target = self._generator.send(value)
                if self._stopped():
                    self._close()
                    return
            except StopIteration:
                self.end()
                return
            except BaseException:
                self.end()
                raise
            try:
                callbacks = target.callbacks
            except AttributeError:
                # Somebody wrote `yield` where `yield from` belongs; tell the generator so.
                self._refuse(target)
                return
            if callbacks is not None:
                self.target = target
                callbacks.append(self.resume)
                return
            value = target._value  # it has happened already: go on at once

    def _refuse(self, thing: object) -> None:
        explain = getattr(thing, "misuse", None)
        mistake = explain() if explain is not None else TypeError(f"a program yielded {thing!r}; write `yield from`")
        try:
            target = self._generator.throw(mistake)
        except StopIteration:
            self.end()
        except BaseException:
            self.end()
            raise
        else:
            callbacks: Any = getattr(target, "callbacks", self)
            if callbacks is self:
                self._refuse(target)  # the same mistake again
            elif callbacks is None:
                self.resume(target)
            else:
                self.target = target
                callbacks.append(self.resume)

    def _stopped(self) -> bool:
        return self.ended

    def _close(self) -> None:
        # A program that yields in a `finally` gets a RuntimeError: a killed program never runs on.
        with suppress(RuntimeError):
            self._generator.close()

    def end(self) -> None:
        """Mark it as over and let go of what it held."""
        self.ended = True
        self.target = None


class EngineTimer:
    """A planned action."""

    __slots__ = ("_engine", "action", "at_ns", "background")

    def __init__(self, engine: Engine, action: Callable[[], None], background: bool) -> None:
        self._engine = engine
        self.action: Callable[[], None] | None = action
        self.background = background
        self.at_ns = -1

    def cancel(self) -> None:
        """Call it off; SimPy's heap keeps the event, which no longer counts."""
        if self.action is not None:
            self.action = None
            if not self.background:
                self.background = True
                self._engine.background += 1

    def matter(self) -> None:
        """Keep a run alive from now on: something waits for it."""
        if self.background and self.action is not None:
            self.background = False
            self._engine.background -= 1

    def fire(self, _event: Event) -> None:
        """Do it, unless it was called off."""
        action, self.action = self.action, None
        if self.background:
            self._engine.background -= 1
        if action is not None:
            action()


class Engine:
    """The port on SimPy.

    `seed` seeds every generator; `max_events` bounds one run. `background` counts the events in
    SimPy's heap that do not keep a run alive; `planned` are strikes that only do so once everybody
    waits for something.
    """

    __slots__ = ("background", "env", "events", "max_events", "planned", "seed")

    def __init__(self, seed: int = 0, max_events: int = 10_000_000) -> None:
        self.env = NanosecondEnvironment(0)
        self.seed = seed
        self.max_events = max_events
        self.background = 0
        self.events = 0
        self.planned: list[EngineTimer] = []

    @property
    def now_ns(self) -> int:
        """Tell the time."""
        return int(self.env._now)

    def random(self, component: str) -> random.Random:
        """Make the generator of one component: the same for the same seed and name, everywhere."""
        return random.Random(f"{self.seed}/{component}")

    # ---- waiting ----

    def sleep(self, duration_ns: int) -> Timeout:
        """See Port."""
        return Timeout(self.env, duration_ns, Why.DONE)

    def wait(self, waiter: Waiter, timeout_ns: int | None = None) -> Event:
        """See Port."""
        event = Event(self.env) if timeout_ns is None else Timeout(self.env, timeout_ns, Why.DONE)
        waiter.event = event
        return event

    def wake(self, waiter: Waiter, why: Why) -> None:
        """See Port."""
        event = waiter.event
        if event is None or event.callbacks is None:
            return
        waiter.event = None
        if isinstance(event, Timeout):
            # It stands in the heap for later: another event takes its callbacks, and it becomes
            # background, so that a run does not last until it is due.
            early = Event(self.env)
            early.callbacks, event.callbacks = event.callbacks, [self._stale]
            self.background += 1
            event = early
        event.succeed(why)

    def _stale(self, _event: Event) -> None:
        self.background -= 1

    def after(self, delay_ns: int, action: Callable[[], None], *, background: bool = False) -> EngineTimer:
        """See Port."""
        timer = EngineTimer(self, action, background)
        if background:
            self.background += 1
        event = Timeout(self.env, delay_ns)
        assert event.callbacks is not None
        event.callbacks.append(timer.fire)
        return timer

    def first_at(self, at_ns: int, action: Callable[[], None]) -> EngineTimer:
        """Plan an action that strikes before all else of its instant, in the background."""
        timer = EngineTimer(self, action, True)
        timer.at_ns = at_ns
        self.planned.append(timer)
        self.background += 1
        event = Event(self.env)
        event._ok, event._value = True, None
        assert event.callbacks is not None
        event.callbacks.append(timer.fire)
        self.env.schedule(event, URGENT, at_ns - self.now_ns)
        return timer

    def call_up(self) -> bool:
        """Let a run wait for what is planned next, where somebody would wait for ever; False if nothing is."""
        self.planned = [timer for timer in self.planned if timer.action is not None and timer.background]
        if not self.planned:
            return False
        min(self.planned, key=lambda timer: timer.at_ns).matter()
        return True

    # ---- tasks ----

    def start(self, generator: Steps) -> EngineTask:
        """See Port."""
        task = EngineTask(generator)
        event = Event(self.env)
        assert event.callbacks is not None
        event.callbacks.append(task.resume)
        event.succeed()
        return task

    def begin(self, generator: Steps) -> EngineTask:
        """Drive a generator at once, up to its first wait; from outside a run only."""
        task = EngineTask(generator)
        task.resume(None)
        return task

    def stop(self, task: EngineTask) -> None:
        """See Port."""
        if task.ended:
            return
        target = task.target
        # Not if it was woken just now: then the timeout is stale already.
        if isinstance(target, Timeout) and task.resume in (target.callbacks or ()):
            target.callbacks = [self._stale]
            self.background += 1
        task.end()
        if getattr(task._generator, "gi_running", False):
            return  # what it does just now ends it: it is closed at its next yield
        task._close()

    # ---- messages ----

    def send(self, link: Link, size_bytes: int, deliver: Callable[[], None]) -> None:
        """See Port."""
        if link.cuts:
            self._hold(link, size_bytes, deliver)
        else:
            self.after(self._occupy(link, size_bytes), deliver)

    def carry(self, link: Link, size_bytes: int, waiter: Waiter, then_ns: int = 0) -> Event:
        """See Port."""
        if link.cuts:

            def arrived() -> None:
                waiter.due_ns = self.now_ns + then_ns
                self.after(then_ns, lambda: self.wake(waiter, Why.DONE))

            self._hold(link, size_bytes, arrived)
            return self.wait(waiter)
        delay_ns = self._occupy(link, size_bytes) + then_ns
        waiter.due_ns = self.now_ns + delay_ns
        return self.wait(waiter, delay_ns)

    def _hold(self, link: Link, size_bytes: int, deliver: Callable[[], None]) -> None:
        """Keep a message until the link is mended; if that is planned, a run waits for it."""
        link.held.append((size_bytes, deliver))
        if link.mending is not None:
            link.mending.matter()

    def _occupy(self, link: Link, size_bytes: int) -> int:
        """Let a message take its turn on a link; gives in how many nanoseconds it will be there."""
        now = self.now_ns
        out, into = link.out, link.into
        begin = max(now, out.free_at_ns, into.free_at_ns)
        passed = begin + size_bytes * link.ns_per_mib * link.times // MiB
        out.free_at_ns = into.free_at_ns = passed
        arrival = passed + link.latency_ns * link.times
        if link.loss:
            if link.random is None:
                link.random = self.random(f"link {link.name}")
            while link.random.random() < link.loss:
                arrival += link.retransmit_ns
        # What was sent first arrives first: a stream carries all of it.
        link.arrival_ns = arrival = max(arrival, link.arrival_ns)
        return arrival - now

    def mend(self, link: Link) -> None:
        """End one cut of a link; what was held is sent again, in order."""
        link.cuts -= 1
        if not link.cuts:
            link.mending = None
            held, link.held = link.held, []
            for size_bytes, deliver in held:
                self.send(link, size_bytes, deliver)

    # ---- processors ----

    def busy(self, processors: Processors, waiter: Waiter, work_ns: int) -> Event:
        """See Port."""
        event = self.wait(waiter)
        waiter.queue = processors
        waiter.left_ns = work_ns
        processors.enter(self, waiter)
        return event

    # ---- running ----

    def skip(self, duration_ns: int) -> bool:
        """Move the clock on at once; False, and nothing done, if something is due by then."""
        env = self.env
        then = env._now + duration_ns
        if env._queue and env._queue[0][0] <= then:
            return False
        env._now = then
        return True

    def run(self, done: Callable[[], bool] | None = None, until_ns: int | None = None) -> bool:
        """Let events happen until `done()`, or the instant `until_ns`, or nothing is left to happen.

        Returns whether it ended by `done` or by the clock. RunawayError after `max_events`.
        """
        env, queue = self.env, self.env._queue
        limit = self.events + self.max_events
        marker: Event | None = None
        if until_ns is not None:
            if until_ns < env._now:
                raise ValueError(f"until_ns: {until_ns} lies before now, {env._now}")
            marker = Event(env)
            marker._ok, marker._value = True, None
            env.schedule(marker, URGENT, until_ns - self.now_ns)
        try:
            while marker is None or not marker.processed:
                if marker is None and len(queue) <= self.background and (done is None or done() or not self.call_up()):
                    break
                if done is not None and done():
                    return True
                self.events += 1
                if self.events > limit:
                    raise RunawayError(f"more than max_events={self.max_events} events in one run")
                env.step()
        finally:
            # Left before its instant, also by an exception: no later run waits for it.
            if marker is not None and not marker.processed:
                marker.callbacks.append(self._stale)
                self.background += 1
        return marker is not None or (done is not None and done())


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
