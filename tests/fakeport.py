"""Time kept by hand, in some forty lines and without SimPy: all that the semantics ask of a port."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import Any

from bprocsim.port import Act, Args, Interface, Link, Steps, Waiter, Why


class FakeWait:
    """What a generator of ours yields: over at once, or when its instant comes, or when it is woken."""

    def __init__(self) -> None:
        self.why: Why | None = None
        self.task: FakeTask | None = None

    def end(self, why: Why) -> None:
        if self.why is None:
            self.why = why
            if self.task is not None:
                self.task.go_on(why)


class FakeTask:
    """A generator, driven from wait to wait."""

    def __init__(self, generator: Steps) -> None:
        self.generator = generator
        self.ended = False

    def go_on(self, why: Why | None) -> None:
        while not self.ended:
            try:
                wait: FakeWait = self.generator.send(why)
            except StopIteration:
                self.ended = True
                return
            wait.task, why = self, wait.why
            if why is None:
                return


def _both(first: Steps, then: Callable[[], Steps]) -> Steps:
    yield from first
    yield from then()


class FakeTimer:
    """A planned action."""

    def __init__(self, action: Callable[[], None]) -> None:
        self.act = action

    def cancel(self) -> None:
        self.act = lambda: None


class FakePort:
    """A clock and a queue of what is planned, in order of time and then of planning."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.queue: list[tuple[int, int, FakeTimer]] = []
        self.order = count()

    def after(self, delay_ns: int, action: Callable[[], None], *, background: bool = False) -> FakeTimer:
        timer = FakeTimer(action)
        heappush(self.queue, (self.now_ns + delay_ns, next(self.order), timer))
        return timer

    def first_at(self, at_ns: int, action: Callable[[], None]) -> FakeTimer:
        return self.after(at_ns - self.now_ns, action)

    def sleep(self, duration_ns: int) -> FakeWait:
        return self.wait(Waiter("sleep", self.now_ns), duration_ns)

    def busy(self, processors: Any, waiter: Waiter, work_ns: int) -> FakeWait:
        return self.wait(waiter, work_ns)

    def wait(self, waiter: Waiter, timeout_ns: int | None = None) -> FakeWait:
        waiter.event = wait = FakeWait()
        if timeout_ns is not None:
            self.after(timeout_ns, lambda: wait.end(Why.DONE))
        return wait

    def wait_until(self, waiter: Waiter, delay_ns: int) -> FakeWait:
        waiter.since_ns, waiter.due_ns = self.now_ns, self.now_ns + delay_ns
        return self.wait(waiter, delay_ns)

    def wake(self, waiter: Waiter, why: Why) -> None:
        if waiter.event is not None:
            self.after(0, lambda: waiter.event.end(why))

    def pass_at_once(self, duration_ns: int) -> bool:
        return False

    def cross(self, out: Interface, into: Interface, size_bytes: int, ns_per_mib: int) -> int:
        into.free_at_ns = max(into.free_at_ns, self.now_ns) + size_bytes * ns_per_mib // 2**20
        return into.free_at_ns - self.now_ns

    def occupy(self, link: Link, size_bytes: int) -> int:
        # What was sent first arrives first.
        arrival_ns = self.now_ns + link.latency_ns + size_bytes * link.ns_per_mib // 2**20
        link.arrival_ns = max(link.arrival_ns, arrival_ns)
        return link.arrival_ns - self.now_ns

    def send(self, link: Link, size_bytes: int, act: Act, args: Args = ()) -> None:
        self.after(self.occupy(link, size_bytes), lambda: act(*args))

    def start(self, generator: Steps) -> FakeTask:
        task = FakeTask(generator)
        self.after(0, lambda: task.go_on(None))
        return task

    def start_at_once(self, generator: Steps, then: Callable[[], Steps] | None = None) -> FakeTask:
        task = FakeTask(generator if then is None else _both(generator, then))
        task.go_on(None)
        return task

    def deliver(self, out: Interface, into: Interface, delay_ns: int, act: Act, args: Args = ()) -> None:
        self.after(delay_ns, lambda: act(*args))

    def wake_in(self, out: Interface, into: Interface, delay_ns: int, waiter: Waiter, why: Why) -> None:
        self.after(delay_ns, lambda: waiter.event.end(why))

    def stop(self, task: FakeTask) -> None:
        task.ended = True
        task.generator.close()

    def run(self) -> None:
        """Let everything happen."""
        while self.queue:
            self.now_ns, _, timer = heappop(self.queue)
            timer.act()
