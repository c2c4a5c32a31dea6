"""Calls made from outside: a process of the harness makes them, and the clock moves until they end."""

from __future__ import annotations

from typing import Any

from attrs import define, field, setters

from bprocsim.kernel import call, lead
from bprocsim.manual import Errors, Exit, Fail, Replaced
from bprocsim.port import Steps, Waiter
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.procs import Descriptor, Ended, Process, Thread
from bprocsim.posix.streams import Endpoint, Sink, Source
from bprocsim.world.outcome import Outcome
from bprocsim.world.simulation import Deadlock, Simulation, Timeout

STREAMS = ("stdout", "stderr", "stdin")


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Family:
    """A process of the harness and all that came from it: how many live."""

    living: int = 0


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Attempt:
    """One call from outside while it is under way."""

    process: Process
    began_ns: int
    out: Sink
    err: Sink
    result: Any = None
    ended_ns: int = -1
    node: int = -1
    returned: bool = False
    ends: list[Endpoint] = field(factory=list)


def clothe(process: Process, who: Credentials, data: bytes) -> tuple[Sink, Sink]:
    """Give a process of the harness its ids and descriptors 0, 1 and 2."""
    out, err, source = Sink(references=1), Sink(references=1), Source(data, references=1)
    process.credentials = who
    process.descriptors = {0: Descriptor(source), 1: Descriptor(out), 2: Descriptor(err)}
    return out, err


def make_call(
    sim: Simulation, machine: Any, name: str, args: tuple[Any, ...], shown: tuple[Any, ...], *, who: Credentials,
    table: Errors, caller: Process | None = None, data: bytes = b"", cwd: Any = None, env: Any = None,
    timeout_ns: int | None = None, listen: int | None = None,
) -> Outcome:  # fmt: skip
    """Make a call from a process of the harness and tell what happened once all of it has ended."""
    sim.outside(name)
    sim.settle()
    if caller is None:
        process = machine.new_process()
        out, err = clothe(process, who, data)
    else:
        process = caller
        out, err = _sink(process, 1), _sink(process, 2)
        process.idle = False
    if cwd is not None:
        process.cwd, process.cwd_path = cwd
    if env is not None:
        process.env = env
    family = process.family = process.family or Family(1)
    attempt = Attempt(process, sim.now_ns, out, err)
    seen = len(out.data), len(err.data)
    thread = process.threads[0]

    def ended(_process: Process) -> None:
        attempt.ended_ns = sim.now_ns
        attempt.node = process.machine.number

    process.watchers = [ended]
    listener = None if listen is None else _listen(sim, machine, attempt, listen, data)
    task = sim.begin(_attempt(thread, attempt, name, args, shown, stay=caller is not None))
    if process.ended is None and not task.ended:
        thread.task = task

    def done() -> bool:
        if attempt.returned:
            return bool(task.ended)
        return (
            attempt.ended_ns >= 0
            and family.living <= 0
            and not (out.references or err.references)
            and all(end.ended or end.reset for end in attempt.ends[:2])
        )

    if not done():
        _wait(sim, attempt, name, done, timeout_ns)
    if listener is not None and not listener.closed:
        listener.close(sim.engine)
    process.watchers = None
    return _tell(attempt, name, table, seen)


def _sink(process: Process, number: int) -> Sink:
    """Give what an idle process writes to."""
    sink = process.descriptors[number].description
    assert isinstance(sink, Sink)
    return sink


def _wait(sim: Simulation, attempt: Attempt, name: str, done: Any, timeout_ns: int | None) -> None:
    until_ns = None if timeout_ns is None else attempt.began_ns + timeout_ns
    sim.advance(done, until_ns)
    if done():
        return
    head = f"{name} by pid {attempt.process.pid}"
    if until_ns is not None:
        raise Timeout("\n".join([f"{head} did not end within {timeout_ns} ns", *sim.waiting()]))
    raise Deadlock("\n".join([f"{head} can never end: nothing is left to happen", *sim.waiting()]))


def _attempt(thread: Thread, attempt: Attempt, name: str, args: Any, shown: Any, *, stay: bool) -> Steps:
    """Make the call; lead on as the new image, or end, or stay idle for the next call."""
    process = thread.process
    result = yield from call(thread, name, args, shown)
    attempt.result = result
    if isinstance(result, Replaced):
        process.body = None
        yield from lead(thread)
    elif isinstance(result, Exit):
        process.machine.end(process, Ended(exit_status=result.status), thread)
    else:
        attempt.returned = True
        attempt.ended_ns = process.machine.port.now_ns
        attempt.node = process.machine.number
        if stay:
            process.idle = True
            thread.task = None
        else:
            process.watchers = None
            process.machine.end(process, Ended(exit_status=0), thread)


def _tell(attempt: Attempt, name: str, table: Errors, seen: tuple[int, int]) -> Outcome:
    process, result = attempt.process, attempt.result
    late = process.late
    row = late.row if late is not None else result.row if isinstance(result, Fail) else None
    if isinstance(result, Fail):
        table = result.errors
    value = -1 if isinstance(result, Fail) else None if result is None or not attempt.returned else result
    ended = None if attempt.returned else process.ended
    return Outcome(
        call=table.call if table.call == "bproc_execmove" else name,
        value=value,
        row=row,
        errors=table,
        late=late is not None,
        exit_status=None if ended is None else ended.exit_status,
        signal=None if ended is None else ended.signal,
        stdout=bytes(attempt.out.data[seen[0] :]),
        stderr=bytes(attempt.err.data[seen[1] :]),
        pid=process.pid,
        node=attempt.node,
        elapsed_ns=attempt.ended_ns - attempt.began_ns,
        exception=process.exception,
        returned=attempt.returned,
        subject=result.subject if isinstance(result, Fail) else b"",
    )


def _listen(sim: Simulation, machine: Any, attempt: Attempt, number: int, data: bytes) -> Any:
    """Listen for the three connections: by order stdout, stderr, stdin."""
    from bprocsim.posix.sockets import open_listener

    engine = sim.engine
    sinks = (attempt.out, attempt.err)
    listener = open_listener(machine, number, len(STREAMS))

    def accepted(end: Endpoint) -> None:
        place = len(attempt.ends)
        attempt.ends.append(end)
        if place < len(sinks):
            sink = sinks[place]
            end.arrived = lambda piece: sink.data.extend(piece)
            end.at_end = lambda: end.close(engine)
        else:
            engine.start(_feed(machine, end, data))

    listener.accepted = accepted
    return listener


def _feed(machine: Any, end: Endpoint, data: bytes) -> Steps:
    """Write the input into the third connection, then its end of file."""
    left = memoryview(data)
    while left and not end.broken:
        taken = end.give(machine.port, left)
        left = left[taken:]
        if left and not taken:
            yield end.writing.join(machine.port, Waiter("the harness, to feed stdin", machine.port.now_ns))
    end.close(machine.port)
