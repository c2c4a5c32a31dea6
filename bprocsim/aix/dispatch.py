"""The dispatcher of a partition: which thread runs on which hardware thread, how fast, and for how long.

One hardware thread runs one thread of a program. How fast depends on how many of its core are busy.
Work is counted in picoseconds of a core's full speed: in a nanosecond at 650 per mille 650 of them
are done, so nothing is ever rounded. What a thread did beyond its work, in the last nanosecond of
it, or short of a whole one, when a signal took it away, it has to its credit when it next comes.

Threads wait by the set of processors that they may use; from those who may have a processor, the one
who has waited longest gets it. No event costs more than the logarithm of how many there are, for
each distinct set: nobody looks at all who run, or at all who wait.

Choices of ours: a turn that has lasted its quantum ends as soon as somebody waits for the processor,
the longest first; or else as soon as a processor is idle on which the thread would run faster, or
that is in its home SRAD. Until then, and where neither is so, it runs on. A thread that may no
longer run where it does leaves at once, and waits like one who comes anew. Source: choice-dispatch.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from operator import attrgetter
from typing import Any
from weakref import WeakKeyDictionary

from bprocsim.aix.cores import Cores
from bprocsim.aix.jobs import Clock, Job
from bprocsim.aix.partition import Partition
from bprocsim.aix.placement import eligible, preferred
from bprocsim.port import Port, Timer, Waiter, Why


class Dispatcher:
    """The processors of a partition and the threads that take turns on them; see the module.

    `quantum_ns` a turn when others wait. `running` the jobs by processor; `busy_ns` how long each
    logical processor has had work, and `work_ps` how much of it was done, by those who have left it;
    `credit_ps` what threads have done beforehand. Making one tells `partition` of it.
    """

    __slots__ = (
        "_clocks", "_ends", "_groups", "_homing", "_jobs", "_number", "_port", "_roaming", "_timer", "_timer_ns",
        "_turns", "busy_ns", "cores", "credit_ps", "partition", "quantum_ns", "running", "work_ps",
    )  # fmt: skip

    def __init__(self, partition: Partition, quantum_ns: int) -> None:
        self.partition = partition
        self.quantum_ns = quantum_ns
        self.cores = Cores(partition.topology)
        self.running: dict[int, Job] = {}
        self.busy_ns = [0] * partition.topology.everything.bit_length()
        self.work_ps = list(self.busy_ns)
        self.credit_ps: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self._clocks = [Clock() for _ in range(partition.topology.cores)]
        self._jobs: dict[Waiter, Job] = {}
        self._groups: dict[int, OrderedDict[Job, None]] = {}  # those who wait, by what they may use
        self._roaming: dict[tuple[int, int], int] = {}  # where those run who may leave their core, by allowed and home
        self._homing = 0  # how many of these would be at home
        self._ends: list[tuple[int, int, Clock]] = []  # when work ends, core by core: a heap, with what no longer holds
        self._turns: list[tuple[int, int, Job]] = []  # when turns end, likewise
        self._number = 0
        self._port: Port | None = None
        self._timer: Timer | None = None
        self._timer_ns = 0
        partition.dispatcher = self

    def __repr__(self) -> str:
        return f"<{self.count} processors online: {len(self.running)} busy, {self.waiting} threads wait>"

    @property
    def count(self) -> int:
        """Tell how many processors are online."""
        return self.partition.online.bit_count()

    @property
    def waiting(self) -> int:
        """Tell how many threads wait for a processor."""
        return len(self._jobs) - len(self.running)

    def processor_of(self, thread: Any) -> int:
        """Tell on which logical processor a thread runs, -1 if on none."""
        job = self._jobs.get(thread.waiting)
        return -1 if job is None else job.processor

    # ---- who comes and goes ----

    def enter(self, port: Port, waiter: Waiter) -> None:
        """Take a processor, or a place in the queue, for `left_ns` of work."""
        self._port = port
        thread = waiter.thread
        job = Job(
            waiter, waiter.left_ns * 1000 - self.credit_ps.pop(thread, 0), eligible(self.partition, thread),
            preferred(self.partition, thread),
        )  # fmt: skip
        self._jobs[waiter] = job
        self._queue(job)
        self._settle(port)

    def leave(self, waiter: Waiter) -> None:
        """Take a waiter off: its work left is in `left_ns`."""
        waiter.queue = None
        job = self._jobs.pop(waiter, None)
        if job is None:
            return
        assert self._port is not None
        if job.processor >= 0:
            self._halt(self._port, job)
        else:
            self._unqueue(job)
        waiter.left_ns = -(-job.left_ps // 1000)
        self._note(waiter.thread, waiter.left_ns * 1000 - job.left_ps)
        self._settle(self._port)

    def refresh(self, threads: Iterable[Any] | None = None) -> None:
        """Let `threads`, or all, run where they now may; see Partition.changed."""
        port = self._port
        if port is None:
            return
        self._end_work(port)
        if threads is None:
            meant = list(self._jobs.values())
        else:
            meant = [job for each in threads if (job := self._jobs.get(each.waiting)) is not None]
        moved = [job for job in meant if self._move(port, job)]
        for job in sorted(moved, key=_number):
            self._queue(job)
        self._settle(port)

    def _move(self, port: Port, job: Job) -> bool:
        """Ask anew where a job may run; tell whether it has to look for a processor, taking it off where it was."""
        allowed = eligible(self.partition, job.waiter.thread)
        home = preferred(self.partition, job.waiter.thread)
        if (allowed, home) == (job.allowed, job.home):
            return False
        processor = job.processor
        if processor < 0:
            self._unqueue(job)
            job.allowed, job.home = allowed, home
            return True
        if not allowed >> processor & 1:
            self._halt(port, job)
            job.allowed, job.home = allowed, home
            return True
        self._roam(job)
        job.allowed, job.home = allowed, home
        self._roam(job)
        return False

    def _note(self, thread: Any, credit_ps: int) -> None:
        if credit_ps:
            self.credit_ps[thread] = credit_ps

    # ---- the queue ----

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    def _queue(self, job: Job) -> None:
        """Let a job wait, behind all others."""
        job.number = self._next_number()
        group = self._groups.get(job.allowed)
        if group is None:
            group = self._groups[job.allowed] = OrderedDict()
        group[job] = None

    def _unqueue(self, job: Job) -> None:
        group = self._groups[job.allowed]
        del group[job]
        if not group:
            del self._groups[job.allowed]

    def _longest(self, processors: int, before: int) -> Job | None:
        """Give the job that has waited longest for one of `processors`, of those with a number up to `before`."""
        found = None
        for allowed, group in self._groups.items():
            if allowed & processors:
                job = next(iter(group))
                if job.number <= before:
                    found, before = job, job.number
        return found

    @property
    def _wanted(self) -> bool:
        """Tell whether somebody waits whom another's turn may keep waiting, and not only a processor to come back."""
        return len(self._groups) > (0 in self._groups)

    # ---- on a processor ----

    def _run(self, port: Port, job: Job, processor: int) -> None:
        """Let a job have an idle processor."""
        now = port.now_ns
        clock = self._clocks[processor // self.partition.topology.smt]
        clock.go_to(now)
        clock.jobs[processor] = self.running[processor] = job
        job.processor = processor
        job.number = self._next_number()
        job.since_ns = now
        job.ends_ps = clock.done_ps + job.left_ps
        job.turn_ends_ns = now + self.quantum_ns
        self.cores.take(processor)
        self._roam(job)
        heappush(self._turns, (job.turn_ends_ns, job.number, job))

    def _halt(self, port: Port, job: Job) -> None:
        """Take a job off its processor, and count what has been done of it."""
        now, processor = port.now_ns, job.processor
        clock = self._clocks[processor // self.partition.topology.smt]
        clock.go_to(now)
        left_ps = job.ends_ps - clock.done_ps
        self.busy_ns[processor] += now - job.since_ns
        self.work_ps[processor] += job.left_ps - left_ps
        job.left_ps = left_ps
        self._roam(job)
        self.cores.free(processor)
        del self.running[processor], clock.jobs[processor]
        job.processor = -1

    def _roam(self, job: Job) -> None:
        """Enter a running job among those that could run elsewhere, or take it out."""
        topology = self.partition.topology
        if not job.allowed & ~topology.core_sets[topology.core_of(job.processor)]:
            return
        key = job.allowed, job.home
        before = self._roaming.get(key, 0)
        after = before ^ 1 << job.processor
        if after:
            self._roaming[key] = after
        else:
            del self._roaming[key]
        if job.home and not (before and after):
            self._homing += 1 if after else -1

    # ---- what is due ----

    def _settle(self, port: Port) -> None:
        """Do all that is due now, give idle processors to those who wait, and plan what comes next."""
        self._end_work(port)
        self._fill(port)
        eager = self._wanted or self._restless()
        if eager and self._end_turns(port):
            self._fill(port)
            eager = self._wanted or self._restless()
        self._see_to_cores(port)
        self._plan(port, eager)

    def _fire(self) -> None:
        self._timer = None
        assert self._port is not None
        self._settle(self._port)

    def _end_work(self, port: Port) -> None:
        """Wake those whose work is done."""
        ends, now = self._ends, port.now_ns
        while ends and ends[0][0] <= now:
            _, plan, clock = heappop(ends)
            if clock.plan != plan:
                continue
            clock.go_to(now)
            done = [job for job in clock.jobs.values() if job.ends_ps <= clock.done_ps]
            for job in sorted(done, key=_ends_ps):
                self._halt(port, job)
                waiter = job.waiter
                del self._jobs[waiter]
                waiter.queue, waiter.left_ns = None, 0
                self._note(waiter.thread, -job.left_ps)
                port.wake(waiter, Why.DONE)

    def _fill(self, port: Port) -> None:
        """Let those who have waited longest choose an idle processor, until nobody waits for one."""
        while self._groups:
            job = self._longest(self.partition.online & ~self.cores.busy, self._number)
            if job is None:
                return
            self._unqueue(job)
            self._run(port, job, self.cores.best(job.allowed, job.home))

    def _end_turns(self, port: Port) -> bool:
        """End the turns that have lasted their quantum: for one who waits, or for a better processor.

        Who gives way at this instant takes nobody else's place at it. Gives whether a turn has ended.
        """
        turns, now, before = self._turns, port.now_ns, self._number
        ended = False
        while turns and turns[0][0] <= now:
            entry = heappop(turns)
            job = entry[2]
            if not _holds(entry):
                continue
            processor = job.processor
            other = self._longest(1 << processor, before)
            if other is not None:
                ended = True
                self._halt(port, job)
                self._unqueue(other)
                self._run(port, other, processor)
                self._queue(job)
                continue
            better, gains = self.cores.better(1 << processor, job.allowed, job.home)
            if gains:
                ended = True
                self._halt(port, job)
                self._run(port, job, better)
            else:
                turn = job.turn_ends_ns
                job.turn_ends_ns = turn + ((now - turn) // self.quantum_ns + 1) * self.quantum_ns
                heappush(turns, (job.turn_ends_ns, job.number, job))
        return ended

    def _restless(self) -> bool:
        """Tell whether somebody would run faster, or nearer home, on a processor that is idle."""
        crowded = self.cores.uneven(self.partition.online)
        if not (crowded or self._homing):
            return False
        return any(
            (crowded or home) and self.cores.better(processors, allowed, home)[1]
            for (allowed, home), processors in self._roaming.items()
        )

    def _see_to_cores(self, port: Port) -> None:
        """Give those on cores that have changed their new speed, and plan the end of the first one's work."""
        speeds, now = self.partition.model.speeds, port.now_ns
        for core in self.cores.touched:
            clock = self._clocks[core]
            if not clock.jobs:
                clock.plan = clock.ends_ns = -1
                continue
            clock.speed = speed = speeds[len(clock.jobs) - 1]
            ends_ns = now - (clock.done_ps - min(map(_ends_ps, clock.jobs.values()))) // speed
            if ends_ns != clock.ends_ns:
                clock.ends_ns, clock.plan = ends_ns, self._next_number()
                heappush(self._ends, (ends_ns, clock.plan, clock))
        self.cores.touched.clear()

    def _plan(self, port: Port, eager: bool) -> None:
        """Wake up for what comes next: work that ends, and a turn's end if that is of use to somebody."""
        ends, turns = self._ends, self._turns
        while ends and ends[0][2].plan != ends[0][1]:
            heappop(ends)
        if len(ends) > 2 * len(self.running) + 16:
            ends[:] = [entry for entry in ends if entry[2].plan == entry[1]]
            heapify(ends)
        while turns and not _holds(turns[0]):
            heappop(turns)
        if len(turns) > 2 * len(self.running) + 16:
            turns[:] = [entry for entry in turns if _holds(entry)]
            heapify(turns)
        if not ends:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            return
        next_ns = min(ends[0][0], turns[0][0]) if eager else ends[0][0]
        if self._timer is not None:
            if self._timer_ns <= next_ns:
                return  # it wakes us early enough
            self._timer.cancel()
        self._timer_ns = next_ns
        self._timer = port.after(next_ns - port.now_ns, self._fire)


def _holds(entry: tuple[int, int, Job]) -> bool:
    """Tell whether a turn's end still stands: the same turn, and not put off."""
    ends_ns, number, job = entry
    return job.processor >= 0 and job.number == number and job.turn_ends_ns == ends_ns


_number, _ends_ps = attrgetter("number"), attrgetter("ends_ps")
