"""Events of one instant in another order: what is right only because ties fall as they do comes out.

What a real system promises stays: messages of one link arrive as they were sent, and a strike comes
before all else of its instant.
"""

from __future__ import annotations

from heapq import heappush
from random import Random

from simpy import Event
from simpy.events import NORMAL

from bprocsim.engine.clock import Engine
from bprocsim.engine.tasks import Message, NanosecondEnvironment
from bprocsim.port import Act, Args, Interface, Waiter, Why


class ShuffledEnvironment(NanosecondEnvironment):
    """An environment whose events, where their time is the same, happen in an order drawn by `drawn`."""

    def __init__(self, drawn: Random) -> None:
        super().__init__(0)
        self._drawn = drawn

    def draw(self) -> int:
        """Draw a place among the events of an instant."""
        return self._drawn.getrandbits(32)

    def schedule(self, event: Event, priority: int = NORMAL, delay: int = 0) -> None:  # type: ignore[override]
        """Plan an event, at a place of its own among those of its instant."""
        self.put(event, priority, delay, self.draw())

    def plan(self, event: Event, delay_ns: int) -> None:
        """Plan an event, at a place of its own."""
        self.put(event, NORMAL, delay_ns, self.draw())

    def put(self, event: Event, priority: int, delay: int, place: int) -> None:
        """Plan an event at a place. Those of one place happen as they were planned."""
        heappush(self._queue, (self._now + delay, priority, place << 64 | next(self._eid), event))  # type: ignore[misc]


class ShuffledEngine(Engine):
    """The port on SimPy, with the events of one instant in an order that the seed decides."""

    __slots__ = ("_sent", "_shuffled")

    def __init__(self, seed: int = 0, max_events: int = 10_000_000) -> None:
        super().__init__(seed, max_events)
        self._shuffled = ShuffledEnvironment(self.random("order"))
        self._take(self._shuffled)
        # When what was sent last from one interface to another arrives, and its place then.
        self._sent: dict[tuple[Interface, Interface], tuple[int, int]] = {}

    def deliver(self, out: Interface, into: Interface, delay_ns: int, act: Act, args: Args = ()) -> None:
        """See Port."""
        self._put(out, into, delay_ns, Message(self.env, act, args))

    def wake_in(self, out: Interface, into: Interface, delay_ns: int, waiter: Waiter, why: Why) -> None:
        """See Port."""
        event = waiter.event
        if event is not None and event.callbacks is not None:
            waiter.event = None
            event._ok, event._value = True, why
            self._put(out, into, delay_ns, event)

    def _put(self, out: Interface, into: Interface, delay_ns: int, event: Event) -> None:
        """Let what was sent from one interface to another arrive, after all that was sent before."""
        place, arrival = self._shuffled.draw(), self.now_ns + delay_ns
        before = self._sent.get((out, into))
        if before is not None and before[0] == arrival:
            place = max(place, before[1])
        self._sent[out, into] = arrival, place
        self._shuffled.put(event, NORMAL, delay_ns, place)
