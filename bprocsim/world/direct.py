"""Calls made from outside: a process of the harness makes them, and the clock moves until they end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from attrs import define, setters

from bprocsim.engine.tasks import EngineTask
from bprocsim.faces.control import ProcessEnds
from bprocsim.kernel import call, lead
from bprocsim.manual import Errors, Exit, Fail, Placed, Replaced
from bprocsim.port import Steps, Waiter
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.procs import Descriptor, Ended, Process, Thread
from bprocsim.posix.streams import Endpoint, Sink, Source
from bprocsim.world.outcome import Outcome
from bprocsim.world.simulation import Deadlock, Simulation, Timeout

if TYPE_CHECKING:
    from bprocsim.world.directcalls import Caller


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Family:
    """A process of the harness and all that came from it: how many live.

    `for_the_harness`: it is an open session, which may yet wake those of them who wait. `streams`
    where the harness hears of an idle process: what its descriptors 1 and 2 were before it moved.
    `ends` the connections for output that the harness took, of which an idle process has `kept` some
    for its next calls.
    """

    living: int = 1
    for_the_harness: bool = False
    streams: tuple[Sink, Sink] | None = None
    ends: tuple[Endpoint, ...] = ()
    kept: tuple[Endpoint, ...] = ()


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Attempt:
    """One call from outside while it is under way.

    `out`, `err` what it writes to, of which `seen` bytes were there before; `result` what the call
    came to; `returned` whether it came back; `ended_ns`, `node` when and where it was over;
    `with_children` a call that comes back is not over before they are; `placed` the resource set and the
    home SRAD of the new image, where there are such.
    """

    process: Process
    began_ns: int
    out: Sink
    err: Sink
    seen: tuple[int, int]
    result: Any = None
    returned: bool = False
    ended_ns: int = -1
    node: int = -1
    task: Any = None
    with_children: bool = False
    placed: tuple[Any, int | None] = (None, None)

    def end(self, sim: Simulation) -> None:
        """Note when and where the call itself has ended; from now on it may be over."""
        engine = sim.engine
        self.ended_ns, self.node = engine.now_ns, self.process.machine.number
        engine.ask()

    def over(self) -> bool:
        """Tell whether the call, all that it started, and all its output have come to an end."""
        if self.ended_ns < 0:
            return False
        living = self.process.family.living
        if self.returned:
            if not (self.with_children and self.task.ended):
                return bool(self.task.ended)
            if self.process.idle:
                return living <= 1 and self._heard()
        return living <= 0 and not (self.out.references or self.err.references) and self._heard()

    def _heard(self) -> bool:
        """Tell whether nothing more will come over the connections that the harness took."""
        ends = self.process.family.ends
        return not ends or all(end.ended or end.reset or _unheard(end) or self._is_kept(end) for end in ends)

    def _is_kept(self, end: Endpoint) -> bool:
        """Tell whether it is an idle process that has a connection, so that only what is on its way will come."""
        process, peer = self.process, end.peer
        if not process.idle or peer is None:
            return False
        family = process.family
        if end not in family.kept and any(each.description is peer for each in process.descriptors.values()):
            family.kept += (end,)
        return end in family.kept and not peer.unread


def _unheard(end: Endpoint) -> bool:
    """Tell whether the other side has gone without a way to say so: its machine died, or the link is cut for good."""
    peer = end.peer
    if peer is None or not peer.closed:
        return False
    return peer.link is None or (peer.link.cuts > 0 and peer.link.mending is None)


def clothe(process: Process, who: Credentials, data: bytes) -> tuple[Sink, Sink]:
    """Give a process of the harness its ids and descriptors 0, 1 and 2."""
    out, err, source = Sink(), Sink(), Source(data)
    out.references = err.references = source.references = 1
    process.credentials = who
    process.descriptors = {0: Descriptor(source), 1: Descriptor(out), 2: Descriptor(err)}
    return out, err


def make_call(
    sim: Simulation, caller: Caller, name: str, traced: str, args: tuple[Any, ...], errors: Errors,
    with_children: bool = False,
) -> Outcome:  # fmt: skip
    """Make a call from a process of the harness and tell what happened once all of it has ended.

    `name` what the user called, `traced` the kernel's own name of it. Deadlock, Runaway, Timeout.
    """
    process = caller.process
    if process is None:
        process = caller.machine.new_process()
        out, err = clothe(process, caller.who, caller.data)
    else:
        out, err = _streams(process)
        _feed_again(process, caller.data)
        process.idle = False
    before = process.cwd, process.cwd_path
    process.cwd, process.cwd_path = caller.cwd, caller.cwd_path
    if process.family is None:
        process.family = Family(streams=None if caller.process is None else (out, err))
    where = process.machine
    seen = len(out.data), len(err.data)
    attempt = Attempt(process, sim.engine.now_ns, out, err, seen, with_children=with_children)

    def ended(_process: Process) -> None:
        attempt.end(sim)

    process.watchers = [ended] if process.watchers is None else [*process.watchers, ended]
    listeners = [_listen(caller, attempt, *each) for each in caller.listen.items()] if caller.listen else ()
    thread = process.threads[0]
    try:
        steps = _attempt(sim, thread, attempt, traced, args, caller)
        attempt.task = thread.task = task = EngineTask(sim.engine, steps)
        wait_until(sim, attempt.over, f"{name} by pid {process.pid}", attempt.began_ns, caller.timeout_ns, task)
    finally:
        # Also when it did not end in time: then the harness no longer listens, and hears no more of it.
        for listener in listeners:
            if not listener.closed:
                listener.close(sim.engine)
        if process.watchers:
            process.watchers.remove(ended)
    if process.idle and process.machine is where:
        process.cwd, process.cwd_path = before
    return tell(attempt, name, errors)


def _streams(process: Process) -> tuple[Sink, Sink]:
    """Give what an idle process writes to, by way of an iod where it has moved."""
    if process.family is not None and process.family.streams is not None:
        streams: tuple[Sink, Sink] = process.family.streams
        return streams
    out, err = (process.descriptors[number].description for number in (1, 2))
    assert isinstance(out, Sink) and isinstance(err, Sink)
    return out, err


def _feed_again(process: Process, data: bytes) -> None:
    """Give an idle process the stdin of its next call; one that has moved has none any more."""
    stdin = process.descriptors.get(0)
    source = None if stdin is None else stdin.description
    if isinstance(source, Source):
        source.data, source.place = data, 0


def wait_until(
    sim: Simulation, over: Callable[[], bool], head: str, began_ns: int, timeout_ns: int | None, first: Any = None
) -> None:
    """Let the world go on until `over()`; `head` says what has to end, `first` begins. Deadlock, Runaway, Timeout."""
    until_ns = None if timeout_ns is None else max(sim.now_ns, began_ns + timeout_ns)
    if sim.advance(over, until_ns, first) and (until_ns is None or over()):
        return
    if until_ns is not None:
        raise Timeout("\n".join([f"{head} did not end within {timeout_ns} ns", *sim.at_work(), *sim.waiting()]))
    raise Deadlock("\n".join([f"{head} can never end: nothing is left to happen", *sim.waiting()]))


def _attempt(
    sim: Simulation, thread: Thread, attempt: Attempt, name: str, args: tuple[Any, ...], caller: Caller
) -> Steps:
    """Make the call; lead on as the new image, or end, or stay idle for the next call."""
    process = thread.process
    try:
        attempt.result = result = yield from call(thread, name, args, caller.surveyed)
    except ProcessEnds as end:
        # A signal was waiting for it when the call came back.
        thread.process.machine.end(thread.process, Ended(end.exit_status, end.signal), thread)
        return
    if result.__class__ is Replaced:
        attempt.placed = placed(thread)
        process.body = None
        yield from lead(thread)
    elif result.__class__ is Exit:
        process.machine.end(process, Ended(exit_status=result.status), thread)
    else:
        attempt.returned = True
        attempt.end(sim)
        if caller.process is thread.process:
            process.idle = True
            thread.task = None
        else:  # it was made for the call, or has left its process
            thread.process.machine.end(thread.process, Ended(exit_status=0), thread)


def placed(thread: Thread) -> tuple[Any, int | None]:
    """Give the resource set and the home SRAD of a thread, where its machine has such."""
    partition = thread.process.machine.partition
    return (None, None) if partition is None else partition.placed(thread)


def tell(attempt: Attempt, name: str, errors: Errors) -> Outcome:
    """Make the Outcome of a call `name` that is over; `errors` its table."""
    process, result = attempt.process, attempt.result
    late, failed = process.late, result.__class__ is Fail
    placed = result if result.__class__ is Placed else None
    row = late.row if late is not None else result.row if failed else None
    if placed is not None:
        row = next((each for each in placed.rows if each is not None), None)
    ended = None if attempt.returned else process.ended
    table = late.errors if late is not None else result.errors if failed else errors
    value = None if not attempt.returned else result if placed is None else placed.value
    if failed:
        value = result.returned
    exit_status, signal = (None, None) if ended is None else (ended.exit_status, ended.signal)
    out, err = bytes(attempt.out.data[attempt.seen[0] :]), bytes(attempt.err.data[attempt.seen[1] :])
    return Outcome(
        name, value, row, table, late is not None, exit_status, signal, out, err,
        process.pid, attempt.node, attempt.ended_ns - attempt.began_ns, process.exception, attempt.returned,
        result.subject if failed else b"", process.machine.unix.name, *attempt.placed, placed,
    )  # fmt: skip


def _listen(caller: Caller, attempt: Attempt, number: int, wanted: tuple[tuple[int, int], ...]) -> Any:
    """Listen for connections on a port: by order for which descriptors, each with the bytes to be left out first."""
    from bprocsim.posix.sockets import open_listener

    machine, port = caller.machine, caller.machine.port
    sinks = {1: attempt.out, 2: attempt.err}
    listener = open_listener(machine, number, len(wanted))
    coming: dict[str, Iterator[tuple[int, int]]] = {}

    def accepted(end: Endpoint) -> None:
        # Children of one call come from different nodes.
        number, left_out = next(coming.setdefault(end.remote.host, iter(wanted)), (0, 0))
        if number == 0:
            port.start(_feed(end, port, caller.data))
        else:
            attempt.process.family.ends += (end,)
            end.arrived = _taker(sinks.get(number), port, left_out)
            end.at_end = _closer(end, port)

    listener.accepted = accepted
    return listener


def _taker(sink: Sink | None, port: Any, left_out: int) -> Callable[[bytes], int]:
    """Give what takes data that arrive, but the first `left_out` bytes; without a sink they are lost."""

    def take(data: bytes) -> int:
        nonlocal left_out
        kept = data[left_out:]
        left_out -= len(data) - len(kept)
        return len(data) if sink is None or not kept else len(data) - len(kept) + sink.give(port, kept)

    return take


def _closer(end: Endpoint, port: Any) -> Callable[[], None]:
    return lambda: end.close(port)


def _feed(end: Endpoint, port: Any, data: bytes) -> Steps:
    """Write the input into the third connection, then its end of file."""
    left = memoryview(data)
    while left and not end.broken:
        taken = end.give(port, left)
        left = left[taken:]
        if left and not taken:
            yield end.writing.join(port, Waiter("the harness, to feed stdin", port.now_ns))
    end.close(port)
