"""How a session's call is driven: the process makes it, and the clock moves until it returns.

Everything between two calls happens outside of the world, at the instant at which the last one came
back: so a session leaves the same trace as the same lines written as a program.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from inspect import isgeneratorfunction
from types import GeneratorType
from typing import Any, NoReturn, Protocol, TypeVar

from attrs import define, setters

from bprocsim.faces.calls import Call, Pending, settle
from bprocsim.faces.control import ImageReplaced, ProcessEnds
from bprocsim.faces.pyos import Proc
from bprocsim.kernel import call, lead
from bprocsim.manual import Errors, Fail
from bprocsim.port import Steps, Waiter
from bprocsim.posix.procs import Ended, Process, State, Thread
from bprocsim.posix.streams import Sink
from bprocsim.posix.waiting import withdraw
from bprocsim.signals import Signal, name
from bprocsim.world.direct import Attempt, placed, tell, wait_until
from bprocsim.world.outcome import Outcome
from bprocsim.world.simulation import Simulation

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


_STOPPED = State.STOPPED  # looking it up in its Enum at each call is slow


class Runs(Protocol[T_co]):
    """What a program would write after `yield from`; it comes to a T_co."""

    def __iter__(self) -> Generator[Any, Any, T_co]: ...


class Replaced(BaseException):
    """A session's process became another image, which ends the session; `outcome` tells what came of it.

    No Exception, so that `except Exception` does not run on in a process that is no longer there.
    """

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.outcome = outcome


class SessionEnded(RuntimeError):
    """A session's process is over; the message says why.

    `exit_status` what it exited with, or `signal` what killed it (SIGKILL for one that went down
    with its node); both None for one that has become another image.
    """

    def __init__(self, why: str, exit_status: int | None = None, signal: int | None = None) -> None:
        super().__init__(why)
        self.exit_status = exit_status
        self.signal = signal


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Reply:
    """What one call comes to: `back` once it has returned a `value`, a Fail too, or raised an `error`.

    `began_ns` when it was made; `seen` how much the process had written by then; `asks` a handler
    that is to run before it goes on, for the signal `signum`, and `raised` what that raised; `late`
    signals came before the call; `placed` what Attempt has of that name.
    """

    began_ns: int
    seen: tuple[int, int]
    back: bool = False
    value: Any = None
    error: BaseException | None = None
    asks: Callable[..., Any] | None = None
    signum: int = 0
    raised: BaseException | None = None
    late: bool = False
    placed: tuple[Any, int | None] = (None, None)


class Prompt(Pending):
    """What a session's thread has to answer for: nothing, since each call is run when it is made."""

    __slots__ = ()

    def made(self, depth: int) -> str:
        """Note nothing."""
        return ""


class DrivenProc(Proc):
    """The inside view of a session's process: handlers run outside, where its other code does."""

    __slots__ = ("_driver",)

    def __init__(self, thread: Thread, driver: Driver) -> None:
        super().__init__(thread, call)
        self._pending = Prompt()
        self._driver = driver

    def _handle(self, function: Callable[..., Any], signum: int) -> Any:
        if isgeneratorfunction(function):
            face = self.thread.process.machine.face  # which notices a forgotten `yield from`
            return function(face(self.thread, call), signum)
        return self._driver.ask(function, signum)

    def fork(self, child: Callable[..., Any], *args: Any) -> NoReturn:
        """Refuse: a Python program in the middle of its work cannot be copied. RuntimeError."""
        raise RuntimeError(
            "fork: Python that is running cannot be copied; write s.spawn(path, argv, envp), "
            "which is a fork and an exec, with node=N a fork and an execmove"
        )

    def thread_create(self, function: Callable[..., Any], *args: Any) -> NoReturn:
        """Refuse: ordinary Python does one thing at a time. RuntimeError."""
        raise RuntimeError(
            "thread_create: a session is one thread, for ordinary Python does one thing at a time; "
            "install a program, which may have threads, and write s.spawn(path, argv, envp)"
        )


class Driver:
    """Makes the calls of one session: one at a time, each until it returns.

    `owner` is what handlers are called with; `out` and `err` take what the process writes;
    `timeout_ns` bounds each call, None for no bound; `face` the kind of its calls.
    """

    def __init__(
        self, sim: Simulation, process: Process, out: Sink, err: Sink, face: type[DrivenProc] = DrivenProc
    ) -> None:
        self.sim = sim
        self.process = process
        self.thread = process.threads[0]
        self.out = out
        self.err = err
        self.timeout_ns: int | None = None
        self.owner: Any = None
        self.proc = face(self.thread, self)
        self._home = process.machine
        self._became = ""
        self._events = sim.engine.events  # how many had happened when the last call was back
        self._reply: Reply | None = None
        process.proc = self.proc
        process.idle = process.driven = process.family.for_the_harness = True
        process.watchers = [*(process.watchers or ()), self._over]

    def _over(self, process: Process) -> None:
        process.family.for_the_harness = False

    def gone(self) -> SessionEnded | None:
        """Tell why no call can be made any more; None while one can."""
        process = self.process
        if not (self.thread.ended or process.execed) and self._home.alive:
            return None
        who = f"this session is over: process {process.pid}"
        if process.execed:
            return SessionEnded(f"{who} has become another image by {self._became}")
        if process.ended is None:
            return SessionEnded(f"{who} went down with {self._home.name}, as if by SIGKILL", None, Signal.SIGKILL)
        if process.ended.signal is not None:
            return SessionEnded(f"{who} was killed by {name(process.ended.signal)}", None, process.ended.signal)
        status = process.ended.exit_status
        return SessionEnded(f"{who} has exited with {status}", status)

    def ready(self, typed: str) -> None:
        """Be ready for a call. SessionEnded; RuntimeError: a program made it, and what it should write."""
        thread, process, home = self.thread, self.process, self._home
        if not (thread.ended or process.execed) and home.alive:
            self.sim.ready(typed, self)
            if home.alive and not self.thread.ended:  # or what was due just now has ended it
                return
        gone = self.gone()
        assert gone is not None, "that is what it asks"
        raise gone

    def run(self, typed: str, made: Runs[T]) -> T | Fail:
        """Run a call to its end; gives what it returns, or how it failed.

        Deadlock, Runaway, Timeout, after which the call counts as interrupted; Replaced,
        SessionEnded; and what a handler raised.
        """
        process, thread = self.process, self.thread
        outer, outer_task = self._reply, thread.task
        engine, seen = self.sim.engine, (len(self.out.data), len(self.err.data))
        self._reply = reply = Reply(engine.now_ns, seen)
        process.idle = False
        if process.pending or process.state is _STOPPED:
            # What came since the last call is taken now: a process that is in no call takes it at once.
            reply.late = engine.events != self._events
        try:
            task = self.sim.begin(_drive(thread, typed, made, reply), self.timeout_ns is None)
            if not reply.back:
                thread.task = None if task.ended else task
                self._await(typed, reply, task)
        finally:
            self._reply, self._events = outer, engine.events
            if not (process.execed or thread.ended):
                thread.task = outer_task
                process.idle = outer is None
        if reply.error is not None:
            try:
                raise reply.error
            finally:
                reply.error = None  # nothing here holds on to it
        value: T | Fail = reply.value
        return value

    def _await(self, typed: str, reply: Reply, task: Any) -> None:
        """Let the world go on until the call is back; run handlers on the way."""
        process, thread, sim = self.process, self.thread, self.sim

        def stirs() -> bool:
            return bool(reply.back or thread.ended or process.execed or reply.asks)

        while not reply.back:
            if not stirs():
                head = f"{typed}(...) by pid {process.pid}"
                try:
                    wait_until(sim, stirs, head, reply.began_ns, self.timeout_ns)
                except BaseException:
                    if not (process.execed or thread.ended):
                        self._take_back(task)
                    raise
            if reply.asks is not None:
                self._answer(reply, task)
            elif process.execed:
                self._see_off(typed, reply)
            elif thread.ended and not reply.back:
                gone = self.gone()
                assert gone is not None, "its only thread has ended"
                raise gone

    def _take_back(self, task: Any) -> None:
        """Let a call that does not return be as if it had never been made; what it changed stays changed."""
        withdraw(self.thread)
        self.thread.calling = ""
        blocked = self.process.blocked
        self.sim.engine.stop(task)
        self.process.blocked = blocked

    # ---- handlers ----

    def ask(self, handler: Callable[..., Any], signum: int) -> Steps:
        """Let a handler run outside, at this very instant, before the process goes on."""
        reply, engine = self._reply, self.sim.engine
        assert reply is not None, "signals are taken in a call"
        reply.asks, reply.signum = handler, signum
        yield engine.wait(Waiter("its handler", engine.now_ns))
        raised, reply.raised = reply.raised, None
        if raised is not None:
            reply.error = raised
            raise raised

    def _answer(self, reply: Reply, task: Any) -> None:
        """Run a handler that a call asks for, and let the call go on; what it raises comes out of the call."""
        handler, reply.asks = reply.asks, None
        assert handler is not None, "the caller has looked"
        try:
            left = handler(self.owner, reply.signum)
            if isinstance(left, GeneratorType):
                left.close()
                raise TypeError(
                    f"the handler {handler!r} gave a generator; write it without `yield from`, "
                    "or as a generator function (proc, signum)"
                )
        except BaseException as error:
            if self.gone() is not None:
                self._take_back(task)
                raise
            reply.raised = error
        if (gone := self.gone()) is not None:
            self._take_back(task)
            raise gone
        self.sim.go_on(task)

    # ---- the end ----

    def _see_off(self, typed: str, reply: Reply) -> None:
        """Wait for the end of the new image and of all that the session started; raises Replaced.

        Comes back only if the edition lets a failed move come back.
        """
        process, sim = self.process, self.sim
        self._became = f"{typed}(...)"
        attempt = Attempt(process, reply.began_ns, self.out, self.err, reply.seen)
        attempt.placed = reply.placed

        def ended(_process: Process) -> None:
            attempt.end(sim)

        if process.reported:
            ended(process)
        process.watchers = [*(process.watchers or ()), ended]
        try:
            head = f"{self._became} by pid {process.pid}"
            wait_until(sim, lambda: reply.back or attempt.over(), head, reply.began_ns, self.timeout_ns)
        finally:
            process.watchers.remove(ended)
        if not reply.back:
            raise Replaced(tell(attempt, *self._page(typed)))

    def _page(self, typed: str) -> tuple[str, Errors]:
        """Give the name of a call as an Outcome has it, and its table."""
        if "execmove" in typed:
            return "bproc_execmove", self._home.master.execmove_errors
        if "ra_exec" in typed:
            from bprocsim.aix.raexec import ra_exec_errors  # on AIX alone

            return typed.removeprefix("libc."), ra_exec_errors(self._home.profile)
        return typed.removeprefix("libc."), self._home.execve_errors


def _drive(thread: Thread, typed: str, made: Runs[Any], reply: Reply) -> Steps:
    """Make a call; lead on as the new image, or end, or be back."""
    process = thread.process
    try:
        if reply.late:
            yield from process.machine.take_signals(thread)
        thread.calling = typed
        result = yield from (made.steps() if isinstance(made, Call) else made)
        reply.value = result if isinstance(result, Fail) else settle(result, thread)
    except ImageReplaced:
        thread.calling = ""
        process.machine.only(thread)
        process.proc = None
        reply.placed = placed(thread)
        yield from lead(thread)
        return
    except ProcessEnds as end:
        process.machine.end(process, Ended(end.exit_status, end.signal), thread)
        return
    except BaseException as error:
        if error is not reply.error and not isinstance(error, Exception):
            raise
        reply.error = error
    thread.calling = ""
    reply.back = True
