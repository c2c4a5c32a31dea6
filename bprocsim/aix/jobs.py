"""The work of one thread, and how far the threads of one core are with theirs."""

from __future__ import annotations

from attrs import define, field, setters

from bprocsim.port import Waiter


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Job:
    """The work of a thread that wants a processor.

    `left_ps` of it was left when it last came to a processor or off one; `allowed` the processors
    that it may use, `home` those that it would rather; `processor` where it runs, -1 while it waits;
    `number` tells who came before whom, to the queue or to the processor; `since_ns` since when it
    runs, and `ends_ps` how far its core's threads will be when it is done; `turn_ends_ns`.
    """

    waiter: Waiter
    left_ps: int
    allowed: int
    home: int
    processor: int = -1
    number: int = 0
    since_ns: int = 0
    ends_ps: int = 0
    turn_ends_ns: int = 0


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Clock:
    """How far the threads of one core are, who all run equally fast: `jobs` those who run, by processor.

    `done_ps` is what one that ran all the time would have done by `since_ns`; from then on `speed`
    counts. `plan` is the number of the event at which the next of them is done, `ends_ns` when.
    """

    done_ps: int = 0
    since_ns: int = 0
    speed: int = 0
    plan: int = -1
    ends_ns: int = -1
    jobs: dict[int, Job] = field(factory=dict)

    def go_to(self, now_ns: int) -> None:
        """Count what has been done up to now."""
        self.done_ps += (now_ns - self.since_ns) * self.speed
        self.since_ns = now_ns
