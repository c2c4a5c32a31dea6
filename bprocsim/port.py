"""What the semantics may ask of time: a protocol, and the records that pass through it.

Nothing here knows SimPy. `engine` implements the port on it, and a test can do so in some forty
lines, so every call can be driven by hand.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Sequence
from enum import Enum
from typing import Any, Protocol

from attrs import define, setters

# What a generator of ours yields: something the port made, which nobody else looks into.
Wait = Any
Steps = Generator[Wait, Any, Any]

# What is done once something has come, and with what: no closure, for messages wait by the thousand.
Act = Callable[..., None]
Args = tuple[Any, ...]


class Why(Enum):
    """Why a wait ended."""

    DONE = "done"
    DATA = "data"
    END = "end of file"
    SIGNAL = "signal"
    GONE = "gone"
    TIMEOUT = "timed out"


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Waiter:
    """One wait of one thread: `what` it waits for, a text or words to be joined, `since_ns` when it began.

    It stands in the queue of the thing that it waits on (`queue`), from which a signal or a death
    takes it before waking it. `left_ns` is the work left when a `busy` was cut short. `event` is
    the port's own. `due_ns` when what it waits for will be there, -1 when nobody knows. `thread`
    who it is, where the thing waited on may ask.
    """

    what: str | tuple[str, ...]
    since_ns: int
    queue: Any = None
    left_ns: int = 0
    event: Any = None
    due_ns: int = -1
    thread: Any = None

    @property
    def told(self) -> str:
        """Tell what it waits for: seldom asked, so that words are joined here alone."""
        return self.what if isinstance(self.what, str) else " ".join(self.what)


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Link:
    """One direction between two machines.

    `latency_ns` one way; `ns_per_mib` the inverse bandwidth; `out` and `into` the two network
    interfaces that a message occupies while it passes; `times` a slowdown; while `cuts` is above 0
    messages are `held`, and `mending` is the timer that ends the cut; `loss` is the probability that
    a message must be sent once more, after `retransmit_ns`, and `losses` what it is made of;
    `arrival_ns` when the last one sent arrives.
    """

    name: str
    latency_ns: int
    ns_per_mib: int
    out: Interface
    into: Interface
    times: int = 1
    cuts: int = 0
    loss: float = 0.0
    retransmit_ns: int = 200_000_000
    arrival_ns: int = 0
    held: Sequence[tuple[int, Act, Args]] = ()  # a list while it holds any, as few do
    random: random.Random | None = None
    mending: Any = None
    losses: tuple[float, ...] = ()

    def lose(self, probability: float, *, no_more: bool = False) -> None:
        """Lose so many more of the messages, or no more of them; several causes add up."""
        losses = list(self.losses)
        if no_more:
            losses.remove(probability)
        else:
            losses.append(probability)
        self.losses = tuple(losses)
        passed = 1.0
        for each in self.losses:
            passed *= 1.0 - each
        self.loss = 1.0 - passed


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Interface:
    """One direction of a machine's network interface: `free_at_ns` when the last byte has passed."""

    free_at_ns: int = 0


class Timer(Protocol):
    """A planned action that may be called off."""

    def cancel(self) -> None:
        """Call it off; it then neither happens nor keeps a run alive."""


class Task(Protocol):
    """A generator that the port drives."""

    ended: bool


class Port(Protocol):
    """What rooms below `engine` may ask of time.

    What `sleep`, `busy` and `wait` give is yielded as it is; what comes back is a `Why`.
    """

    @property
    def now_ns(self) -> int:
        """Tell the time in nanoseconds since the world began."""

    def sleep(self, duration_ns: int) -> Wait:
        """Let `duration_ns` >= 0 pass; no signal shortens it."""

    def pass_at_once(self, duration_ns: int) -> bool:
        """Let `duration_ns` pass without a wait, which spares a task its `sleep`; False if others may act meanwhile."""

    def busy(self, processors: Any, waiter: Waiter, work_ns: int) -> Wait:
        """Compute for `work_ns` of CPU time on `processors`, taking turns; DONE, or SIGNAL with `left_ns`."""

    def wait(self, waiter: Waiter, timeout_ns: int | None = None) -> Wait:
        """Wait until somebody wakes the waiter, or DONE after `timeout_ns`."""

    def wait_until(self, waiter: Waiter, delay_ns: int) -> Wait:
        """Wait as `wait` does with a bound, from now on, where it is known that `pass_at_once` would not do."""

    def wake(self, waiter: Waiter, why: Why) -> None:
        """End a wait; one that has ended already is left alone."""

    def wake_in(self, out: Interface, into: Interface, delay_ns: int, waiter: Waiter, why: Why) -> None:
        """End a wait without a bound by what arrives in `delay_ns` over two interfaces; nobody else can."""

    def send(self, link: Link, size_bytes: int, act: Act, args: Args = ()) -> None:
        """Call `act(*args)` when `size_bytes` have passed over `link`; never, if it is cut."""

    def deliver(self, out: Interface, into: Interface, delay_ns: int, act: Act, args: Args = ()) -> None:
        """Call `act(*args)` in `delay_ns`, when it arrives; what crossed the same interfaces before comes first."""

    def cross(self, out: Interface, into: Interface, size_bytes: int, ns_per_mib: int) -> int:
        """Let so many bytes take their turn from one interface to another; tell in how many nanoseconds they have."""

    def occupy(self, link: Link, size_bytes: int) -> int:
        """Let a message take its turn on a link that is not cut; tell in how many nanoseconds it will be there."""

    def after(self, delay_ns: int, action: Callable[[], None], *, background: bool = False) -> Timer:
        """Call `action` in `delay_ns`; a background timer does not keep a run alive."""

    def first_at(self, at_ns: int, action: Callable[[], None]) -> Timer:
        """Call `action` at an instant, before all else of it; a run lasts until then if somebody waits for ever."""

    def start(self, generator: Steps) -> Any:
        """Drive a generator from this instant on, after what is due already; gives its Task."""

    def start_at_once(self, generator: Steps, then: Callable[[], Steps] | None = None) -> Any:
        """Drive a generator up to its first wait before whoever asks goes on; gives its Task.

        `then` gives the generator that is driven when this one has come to its end.
        """

    def stop(self, task: Any) -> None:
        """Close a task's generator; it never runs on."""


class WaitQueue(list[Waiter]):
    """Those who wait for one thing, first come, first served."""

    __slots__ = ()

    def join(self, port: Port, waiter: Waiter) -> Wait:
        """Stand in the queue; yield what this gives."""
        waiter.queue = self
        self.append(waiter)
        return port.wait(waiter)

    def leave(self, waiter: Waiter) -> None:
        """Take a waiter out, wherever it stands."""
        if waiter in self:
            self.remove(waiter)
        waiter.queue = None

    def wake_first(self, port: Port, why: Why) -> bool:
        """Wake the one who has waited longest; tell whether there was one."""
        if not self:
            return False
        waiter = self.pop(0)
        waiter.queue = None
        port.wake(waiter, why)
        return True

    def wake_all(self, port: Port, why: Why) -> None:
        """Wake everybody."""
        while self.wake_first(port, why):
            pass
