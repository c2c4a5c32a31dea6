"""The port on SimPy: waiting, messages, running, and seeded generators.

Of SimPy's private names this room uses four: `Environment._queue`, the event heap, to know whether
anything but background timers is left to happen, and to take events of our own off it; `Environment._now`,
to move the clock when nothing happens on the way; `Event._ok` and `Event._value`, to plan an event with
what it gives back. `tasks` uses a fifth, `Environment._eid`, which numbers what is planned.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from heapq import heappop
from typing import Any

from simpy import Event, Timeout
from simpy.events import URGENT

from bprocsim.engine.processors import Processors
from bprocsim.engine.tasks import (
    OURS,
    Due,
    EngineTask,
    EngineTimer,
    Message,
    NanosecondEnvironment,
    Pause,
    RunawayError,
    Turns,
    Wake,
)
from bprocsim.port import Act, Args, Interface, Link, Steps, Waiter, Why
from bprocsim.units import MiB

# How many events a call may take before its run is one in which everything is looked at.
_HASTE = 4

# How many events are a crowd, in which messages take turns.
_CROWD = 64


class Engine:
    """The port on SimPy.

    `seed` seeds every generator; `max_events` bounds one run. `background` counts the events in
    SimPy's heap that do not keep a run alive; `planned` are strikes that only do so once everybody
    waits for something.
    """

    __slots__ = (
        "_asks", "_done", "_limit", "_others", "_queue", "_turns", "background", "env", "events",
        "hasty", "max_events", "planned", "seed",
    )  # fmt: skip

    def __init__(self, seed: int = 0, max_events: int = 10_000_000) -> None:
        self._take(NanosecondEnvironment(0))
        self.seed = seed
        self.max_events = max_events
        self.background = 0
        self.events = 0
        self.planned: list[EngineTimer] = []
        self._done: Callable[[], bool] = _never  # what ends the run that is under way
        self._asks = True  # whether it can hold yet
        self._limit = 0
        self._turns: dict[Interface, Turns] = {}  # those under way, by their interfaces
        self._others = False  # whether others may have more to do at this event, as at one of a user's
        self.hasty: EngineTask | None = None  # the task under way, or the last one

    def _take(self, env: NanosecondEnvironment) -> None:
        """Keep time by an environment in which nothing has happened yet."""
        self.env, self._queue = env, env._queue

    @property
    def now_ns(self) -> int:
        """Tell the time."""
        return self.env._now

    def random(self, component: str) -> random.Random:
        """Make the generator of one component: the same for the same seed and name, everywhere."""
        return random.Random(f"{self.seed}/{component}")

    # ---- waiting ----

    def sleep(self, duration_ns: int) -> Pause:
        """See Port."""
        return Pause(self.env, duration_ns)

    def wait(self, waiter: Waiter, timeout_ns: int | None = None) -> Event:
        """See Port."""
        event = Wake(self.env) if timeout_ns is None else Pause(self.env, timeout_ns)
        waiter.event = event
        return event

    def wait_until(self, waiter: Waiter, delay_ns: int) -> Due:
        """See Port."""
        env, event = self.env, waiter.event
        if type(event) is Due:
            event.callbacks = ()  # its last wait is over, for whoever ends one early takes it away: it does again
        else:
            waiter.event = event = Due(env, delay_ns)
        waiter.since_ns = now = env._now
        waiter.due_ns = now + delay_ns
        env.plan(event, delay_ns)
        return event

    def wake(self, waiter: Waiter, why: Why) -> None:
        """See Port."""
        event = waiter.event
        if event is None or event.callbacks is None:
            return
        waiter.event = None
        if isinstance(event, Pause):
            # It stands in the heap for later: another event takes its callbacks, and it becomes
            # background, so that a run does not last until it is due.
            early = Wake(self.env)
            early.callbacks, event.callbacks = event.callbacks, [self._stale]
            self.background += 1
            event = early
        event._ok, event._value = True, why
        self.env.plan(event, 0)

    def wake_in(self, out: Interface, into: Interface, delay_ns: int, waiter: Waiter, why: Why) -> None:
        """See Port."""
        event = waiter.event
        if event is not None and event.callbacks is not None:
            waiter.event = None
            event._ok, event._value = True, why
            self._cross(out, into, delay_ns, event)

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
        task = EngineTask(self, generator)
        event = Wake(self.env)
        event.callbacks = task
        event.succeed()
        return task

    def start_at_once(self, generator: Steps, then: Callable[[], Steps] | None = None) -> EngineTask:
        """See Port."""
        task = EngineTask(self, generator, then)
        # No time passes in it: whoever asks has not gone on yet.
        hasty, others, self._others = self.hasty, self._others, True
        task.begin()
        self.hasty, self._others = hasty, others
        return task

    def begin(self, generator: Steps, hasten: bool = False) -> EngineTask:
        """Drive a generator at once, up to its first wait; from outside a run only.

        `hasten`: and on through a few events, as long as the very next one is what it waits for.
        """
        task = EngineTask(self, generator)
        env, queue = self.env, self.env._queue
        if hasten:
            self._done, self._limit = _never, self.events + _HASTE
        try:
            task.begin()
            while self.events < self._limit and queue and queue[0][3] is task.target:
                self.events += 1
                self._others = type(task.target) not in OURS
                env.step()
        finally:
            self._rest()
        return task

    def _rest(self) -> None:
        """End a run: nothing passes at once before the next."""
        self._done, self._limit, self._asks, self.hasty, self._others = _never, 0, True, None, False

    def stop(self, task: EngineTask) -> None:
        """See Port."""
        if task.ended:
            return
        target = task.target
        # Not if it was woken just now: then the timeout is stale already.
        if isinstance(target, Pause) and target.callbacks is task:
            target.callbacks = [self._stale]
            self.background += 1
        task.end()
        if getattr(task._generator, "gi_running", False):
            return  # what it does just now ends it: it is closed at its next yield
        self.hasty = None  # no time passes in what it does while it is closed
        task._close()

    # ---- messages ----

    def send(self, link: Link, size_bytes: int, act: Act, args: Args = ()) -> None:
        """See Port."""
        if link.cuts:
            # Kept until the link is mended; if that is planned, a run waits for it.
            if not isinstance(link.held, list):
                link.held = []
            link.held.append((size_bytes, act, args))
            if link.mending is not None:
                link.mending.matter()
        else:
            self.deliver(link.out, link.into, self.occupy(link, size_bytes), act, args)

    def deliver(self, out: Interface, into: Interface, delay_ns: int, act: Act, args: Args = ()) -> None:
        """See Port."""
        self._cross(out, into, delay_ns, Message(self.env, act, args))

    def _cross(self, out: Interface, into: Interface, delay_ns: int, event: Event) -> None:
        """Let what was sent from one interface to another arrive."""
        env = self.env
        if len(self._queue) < _CROWD:
            env.plan(event, delay_ns)
            return
        turns, at_ns = self._turns, env._now + delay_ns
        queued = turns.get(out) or turns.get(into)
        if queued is not None and at_ns >= queued.last_ns:
            queued.join(event, at_ns)
        else:
            Turns(env, turns, (out, into), event, at_ns)

    def cross(self, out: Interface, into: Interface, size_bytes: int, ns_per_mib: int) -> int:
        """See Port."""
        begin = now = self.env._now
        if begin < out.free_at_ns:
            begin = out.free_at_ns
        if begin < into.free_at_ns:
            begin = into.free_at_ns
        out.free_at_ns = into.free_at_ns = passed = begin + size_bytes * ns_per_mib // MiB
        return passed - now

    def occupy(self, link: Link, size_bytes: int) -> int:
        """See Port."""
        now, times = self.env._now, link.times
        arrival = now + self.cross(link.out, link.into, size_bytes, link.ns_per_mib * times) + link.latency_ns * times
        if link.loss:
            arrival += self._sent_again_ns(link)
        # What was sent first arrives first: a stream carries all of it.
        if arrival < link.arrival_ns:
            arrival = link.arrival_ns
        link.arrival_ns = arrival
        return arrival - now

    def _sent_again_ns(self, link: Link) -> int:
        """Draw how often a message is lost; gives how much later it arrives for that."""
        later_ns = 0
        if link.random is None:
            link.random = self.random(f"link {link.name}")
        while link.random.random() < link.loss:
            later_ns += link.retransmit_ns
        return later_ns

    def mend(self, link: Link) -> None:
        """End one cut of a link; what was held is sent again, in order."""
        link.cuts -= 1
        if not link.cuts:
            link.mending = None
            held, link.held = link.held, ()
            for size_bytes, act, args in held:
                self.send(link, size_bytes, act, args)

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

    def is_due_now(self) -> bool:
        """Tell whether something is due at this instant that has not happened yet."""
        queue = self.env._queue
        return bool(queue) and queue[0][0] <= self.env._now

    def strikes_now(self) -> bool:
        """Tell whether something is due now that comes before all else of this instant."""
        return self.is_due_now() and self.env._queue[0][1] == URGENT

    def pass_at_once(self, duration_ns: int) -> bool:
        """See Port: a run would do nothing else next."""
        env, queue, task = self.env, self._queue, self.hasty
        then = env._now + duration_ns
        if (queue and queue[0][0] <= then) or task is None or task.ended or self._others:
            return False
        if self.events >= self._limit or (self._asks and self._done()):
            return False
        self.events += 1
        env._now = then
        return True

    def ask(self) -> None:
        """Let the run under way ask from now on whether it is done."""
        self._asks = True

    def run(
        self, done: Callable[[], bool] | None = None, until_ns: int | None = None, first: EngineTask | None = None
    ) -> bool:
        """Let events happen until `done()`, or the instant `until_ns`, or nothing is left to happen.

        `first` a task that begins before all of them, in a run that is not `done()` before somebody
        calls `ask`. Returns whether it ended by `done` or by the clock. RunawayError after `max_events`.
        """
        env, queue, ours = self.env, self._queue, OURS
        self._done = done or _never
        self._asks = first is None
        self._limit = limit = self.events + self.max_events
        marker: Any = None
        event: Any
        if until_ns is not None:
            if until_ns < env._now:
                raise ValueError(f"until_ns: {until_ns} lies before now, {env._now}")
            marker = Event(env)
            marker._ok, marker._value = True, None
            env.schedule(marker, URGENT, until_ns - self.now_ns)
        try:
            if first is not None:
                first.begin()
            while marker is None or marker.callbacks is not None:
                if self._asks and self._done():
                    return True
                if len(queue) <= self.background and marker is None and (done is None or not self.call_up()):
                    break
                self.events = events = self.events + 1
                if events > limit:
                    raise RunawayError(f"more than max_events={self.max_events} events in one run")
                if type(queue[0][3]) in ours:
                    # As SimPy's `step` does, for events that cannot fail.
                    env._now, _, _, event = heappop(queue)  # type: ignore[assignment]
                    callbacks, event.callbacks = event.callbacks, None
                    if type(callbacks) is EngineTask:
                        callbacks.resume(event)
                    else:
                        for callback in callbacks:
                            callback(event)
                else:
                    self._others = True
                    env.step()
                    self._others = False
        finally:
            self._rest()
            # Left before its instant, also by an exception: no later run waits for it.
            if marker is not None and not marker.processed:
                marker.callbacks.append(self._stale)
                self.background += 1
        return marker is not None or (done is not None and done())


def _never() -> bool:
    return False
