"""What SimPy's events drive: generators, planned actions, and an environment that counts nanoseconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from heapq import heappush
from typing import TYPE_CHECKING, Any

from simpy import Environment, Event, Timeout
from simpy.core import BoundClass
from simpy.events import NORMAL

from bprocsim.port import Interface, Steps, Why

if TYPE_CHECKING:
    from bprocsim.engine.clock import Engine


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
        _now: int

        def timeout(self, delay: int = 0, value: Any = None) -> Timeout:  # type: ignore[override]
            """Give an event that happens in `delay` nanoseconds."""
            ...
    else:
        timeout = BoundClass(_Nanoseconds)

    def plan(self, event: Event, delay_ns: int) -> None:
        """Let an event happen in `delay_ns`: `schedule`, for most events of ours."""
        heappush(self._queue, (self._now + delay_ns, NORMAL, next(self._eid), event))

    def run(self, until: Any = None) -> Any:
        """Run as SimPy does; `sim.run` also knows when no process can act any more. A float is a TypeError."""
        if isinstance(until, float):
            raise TypeError(f"until: this world counts integers of nanoseconds, got {until!r}")
        return super().run(until)


class Wake(Event):
    """An event for one task of ours, and for nobody else; `at_ns` and `number` where it waits for its turn."""

    __slots__ = ("at_ns", "number")
    callbacks: Any = ()  # until a task waits for it

    def __init__(self, env: Environment) -> None:
        self.env = env


class Pause(Wake):
    """A wait of known length: it enters SimPy's heap only if something may happen before it is over.

    Whoever resumes the generator that yields it decides that; until then nothing is planned.
    """

    _ok = True
    _value: Any = Why.DONE

    def __init__(self, env: NanosecondEnvironment, delay_ns: int) -> None:
        self.env = env
        self.delay_ns = delay_ns


class Due(Pause):
    """A wait of known length during which others may act: it stands in SimPy's heap from the beginning."""


class Message(Event):
    """A message on its way: once it is there, what its sender said is done; `at_ns` and `number` as of a Wake."""

    __slots__ = ("args", "at_ns", "number")
    _ok = True
    callbacks: Any = (lambda message: message._value(*message.args),)

    def __init__(self, env: Environment, act: Callable[..., None], args: tuple[Any, ...]) -> None:
        self.env = env
        self._value, self.args = act, args


class Turns(Event):
    """Messages that cross an interface one after the other: the next one stands in SimPy's heap, which stays short.

    `first` is that one; `others` know their own instants and numbers; `last_ns` when the last of all arrives.
    `turns` knows it by both its interfaces, `ends`, until the last has arrived.
    """

    _ok = True
    _value = None

    def __init__(
        self, env: NanosecondEnvironment, turns: dict[Interface, Turns], ends: tuple[Interface, Interface],
        first: Any, at_ns: int,
    ) -> None:  # fmt: skip
        self.env = env
        self.turns, self.ends = turns, ends
        for end in ends:
            turns[end] = self
        self.first: Any = first
        self.others: deque[Any] = deque()
        self.last_ns = at_ns
        self.callbacks = [self._arrive]
        env.plan(self, at_ns - env._now)

    def join(self, event: Any, at_ns: int) -> None:
        """Let another arrive, not before the last one does."""
        event.at_ns, event.number = at_ns, next(self.env._eid)
        self.others.append(event)
        self.last_ns = at_ns

    def _arrive(self, _event: Event) -> None:
        """Let the first arrive; the next one takes its place before anything comes of that."""
        event, others = self.first, self.others
        if others:
            self.first = following = others.popleft()
            self.callbacks = [self._arrive]
            heappush(self.env._queue, (following.at_ns, NORMAL, following.number, self))
        else:
            for end in self.ends:
                if self.turns.get(end) is self:
                    del self.turns[end]
        # As the loop of a run has it, which would pay for a function at every event.
        callbacks, event.callbacks = event.callbacks, None
        if type(callbacks) is EngineTask:
            callbacks.resume(event)
        else:
            for callback in callbacks:
                callback(event)


OURS = frozenset({Due, Message, Pause, Turns, Wake})  # nobody else has callbacks in these

# What a task is resumed by when it begins.
_BEGINNING = Wake(Environment())
_BEGINNING._value = None

_OVER: Any = object()  # what `next` gives for a task that has ended


class EngineTask:
    """A generator driven by events: each event it yields resumes it with that event's value.

    A SimPy Process would cost two events more, for its start and its end, and could not be closed. `then`
    gives the generator that follows when this one has come to its end. The task itself stands in the place
    of the callbacks of an event of ours for which it waits: no list for each, and none to look through.
    """

    __slots__ = ("_engine", "_generator", "ended", "target", "then")

    def __init__(self, engine: Engine, generator: Steps, then: Callable[[], Steps] | None = None) -> None:
        self._engine = engine
        self._generator = generator
        self.then = then
        self.ended = False
        self.target: Event | None = None

    def __iter__(self) -> Iterator[Callable[[Any], None]]:
        """Give what an event that it waits for calls, as SimPy asks for it."""
        return iter((self.resume,))

    def begin(self) -> None:
        """Run the generator up to its first yield, or on from where it waits for the harness."""
        self.resume(_BEGINNING)

    def resume(self, event: Event) -> None:
        """Run the generator up to its next yield."""
        engine, generator, value = self._engine, self._generator, event._value
        engine.hasty = self
        while not self.ended:
            try:
                if value is not None:
                    target = generator.send(value)
                else:
                    target = next(generator, _OVER)  # tells of an end without an exception, which takes long to make
                    if target is _OVER:
                        if self.then is None:
                            self.end()
                            return
                        generator = self._follow()
                        continue
            except StopIteration:
                if self.then is None:
                    self.end()
                    return
                generator, value = self._follow(), None
                continue
            except BaseException:
                self.end()
                raise
            if self.ended:  # what it did just now has stopped it
                self._close()  # type: ignore[unreachable]
                return
            kind = type(target)
            if kind is Due or (kind is Wake and target.callbacks is not None):
                target.callbacks = self
                self.target = target
                return
            if kind is Pause:
                if engine.pass_at_once(target.delay_ns):
                    value = target._value
                    continue
                engine.env.plan(target, target.delay_ns)
                target.callbacks = self
                self.target = target
                return
            try:
                callbacks = target.callbacks
            except AttributeError:
                # Somebody wrote `yield` where `yield from` belongs; tell the generator so.
                self._refuse(target)
                return
            if callbacks is not None:
                self._join(target)
                return
            value = target._value  # it has happened already: go on at once

    def _follow(self) -> Steps:
        """Go on with the generator that follows; gives it."""
        assert self.then is not None, "somebody has asked"
        self._generator, self.then = self.then(), None
        return self._generator

    def _join(self, target: Event) -> None:
        """Let an event resume it."""
        self.target = target
        assert target.callbacks is not None, "it has not happened"
        if isinstance(target, Wake):
            target.callbacks = self
        else:
            target.callbacks.append(self.resume)

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
                if type(target) is Pause:
                    self._engine.env.plan(target, target.delay_ns)
                self._join(target)

    def _close(self) -> None:
        # A program that yields in a `finally` gets a RuntimeError: a killed program never runs on.
        with suppress(RuntimeError):
            self._generator.close()

    def end(self) -> None:
        """Mark it as over and let go of what it held."""
        self.ended = True
        self.target = self.then = None


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
