"""A row of a POSIX call as a program that meets it: run in one small cluster, and once more without the defect.

With `bad` true the program ends in the call that the row refuses; with `bad` false the same call, in a
world that lacks that one defect, does something else.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from itertools import groupby
from operator import itemgetter
from typing import Any

from attrs import frozen

import bprocsim as bp
from bprocsim.notation import Notated, call_text
from bprocsim.units import ms

Steps = Generator[Any, Any, Any]
Program = Callable[..., Steps]
MASTER = bp.BPROC_NODE_MASTER
ALICE = bp.Credentials(500, 500)
PROGRAM = "/usr/bin/case"
HERE = "127.0.0.1"

# When faults strike that would keep the program itself from being loaded.
STRIKE_NS = 5 * ms


@frozen(repr=False)
class ProgramCase(Notated):
    """A row's program; `build` the world's files, `faults` what strikes, `user` who runs it; `bad` the row is due."""

    call: str
    cause: str
    program: Program
    build: Callable[[bp.Cluster, bool], object] | None = None
    faults: Callable[[bool], list[Any]] | None = None
    user: bp.Credentials | None = None
    bad: bool = True

    def notation(self) -> str:
        """Write it as Python that finds it again, for programs have none."""
        return call_text("bp.testing.program_case", (self.call, self.cause), {} if self.bad else {"bad": False})

    def world(self, trace: str = "errors") -> bp.Cluster:
        """Build a fresh cluster in which the program can be run."""
        faults = [] if self.faults is None else self.faults(self.bad)
        cluster = bp.Cluster(nodes=2, faults=faults, trace=trace)

        def program(proc: bp.Proc) -> Steps:
            yield from self.program(proc, self.bad)

        cluster.install(PROGRAM, program)
        if self.build is not None:
            self.build(cluster, self.bad)
        return cluster

    def make(self, cluster: bp.Cluster) -> bp.Outcome:
        """Run the program in a world that `world` built; gives what the call came to that ended it."""
        ran = cluster.execve(PROGRAM, user=self.user).check()
        error = ran.exception
        if error is None:
            return bp.Outcome(self.call, 0, pid=ran.pid, elapsed_ns=ran.elapsed_ns, returned=True)
        if not isinstance(error, bp.CallError):
            raise error
        return bp.Outcome(
            error.call, error.failed, error._row, error._errors, pid=ran.pid, elapsed_ns=ran.elapsed_ns, returned=True
        )

    def run(self) -> bp.Outcome:
        """Build the world and run the program."""
        return self.make(self.world())

    def calls(self) -> list[str]:
        """Give what the program calls, what its children do, and which faults strike, up to the call that is refused.

        One line each, as strace would write it; of many alike in a row only the first and the last.
        """
        cluster = self.world(trace="all")
        pid = self.make(cluster).pid
        told: list[tuple[str, str]] = []  # the calls and what is written of them
        for record in cluster.trace:
            if record.kind in _TOLD and not _loads(record):
                text = record.phrase()
                told.append((text.partition("(")[0], text if record.pid in (0, pid) else f"{record.pid}: {text}"))
            if record.kind == "fail" and (record.call, record.cause) == (self.call, self.cause):
                break
        lines: list[str] = []
        for _, alike in groupby(told, itemgetter(0)):
            texts = [text for _, text in alike]
            lines += texts if len(texts) <= _MANY else [texts[0], f"... ({len(texts) - 2} more)", texts[-1]]
        return lines


# What is told of a run, by the kinds of its records.
_TOLD = ("call", "fail", "read", "write", "signal", "fault")

# Of how many of one call in a row only the first and the last are told.
_MANY = 4


def _loads(record: Any) -> bool:
    """Tell whether it is the beginning of the program itself."""
    return bool(record.kind == "call" and record.call == "execve" and record.arguments[0] == PROGRAM.encode())


def entering(cases: dict[tuple[str, str], ProgramCase]) -> Callable[..., Callable[[Program], Program]]:
    """Give what enters a program `(proc, bad)` as the case of a row; with several causes, `(proc, bad, cause)`."""

    def case(call: str, *causes: str, **options: Any) -> Callable[[Program], Program]:
        def enter(program: Program) -> Program:
            for cause in causes:
                assert (call, cause) not in cases
                made = program if len(causes) == 1 else _for_cause(program, cause)
                cases[call, cause] = ProgramCase(call, cause, made, **options)
            return program

        return enter

    return case


def _for_cause(program: Program, cause: str) -> Program:
    return lambda proc, bad: program(proc, bad, cause)


def until_struck(proc: bp.Proc) -> Steps:
    """Wait until the faults have struck."""
    yield from proc.sleep(2 * STRIKE_NS)


def ignore(_proc: bp.Proc, _signum: int) -> None:
    """Catch a signal and do nothing."""


def prod(proc: bp.Proc, bad: bool, act: Callable[[bp.Proc], Any] | None = None) -> Steps:
    """Let a child send a signal that is caught when bad, and then do what lets the call go on."""
    yield from proc.sigaction(bp.SIGUSR1, ignore if bad else bp.SIG_IGN)
    parent = proc.pid

    def child(proc: bp.Proc) -> Steps:
        yield from proc.sleep(1 * ms)
        yield from proc.kill(parent, bp.SIGUSR1)
        yield from proc.sleep(1 * ms)
        if act is not None:
            yield from act(proc)

    yield from proc.fork(child)


def use_up_descriptors(proc: bp.Proc, leave: int = 0) -> Steps:
    """Let all numbers but `leave` be in use."""
    for number in range(3, 1024 - leave):
        if number not in proc.thread.process.descriptors:
            yield from proc.dup2(0, number)


def few_files(left: int, enough: int) -> Callable[[bool], list[Any]]:
    """Leave the machine's table of open files room for `left`; `enough` without the defect."""
    return lambda bad: [bp.OpenFileLimit(MASTER, left if bad else enough, STRIKE_NS)]


def unreadable(path: str) -> Callable[[bool], list[Any]]:
    """Let the disk of the master not read a file, or a directory; without the defect it does."""
    return lambda bad: [bp.IoError(MASTER, path)] if bad else []


def listening(proc: bp.Proc, port: int = 7000, backlog: int = 1, host: str = "") -> Steps:
    """Give a descriptor that listens."""
    fd = yield from proc.socket()
    yield from proc.bind(fd, bp.Address(host, port))
    yield from proc.listen(fd, backlog)
    return fd


def connection(proc: bp.Proc) -> Steps:
    """Give both ends of a connection: who connected, who accepted."""
    listener = yield from listening(proc)
    one = yield from proc.socket()
    yield from proc.connect(one, bp.Address(HERE, 7000))
    other, _ = yield from proc.accept(listener)
    yield from proc.close(listener)
    return one, other


def reset_connection(proc: bp.Proc, bad: bool) -> Steps:
    """Give the end of a connection that the other side has thrown away, or closed."""
    one, other = yield from connection(proc)
    yield from proc.write(one, b"unread")
    yield from proc.sleep(1 * ms)
    if not bad:
        yield from proc.read(other)
    yield from proc.close(other)
    yield from proc.sleep(1 * ms)
    return one


def idle(proc: bp.Proc) -> Steps:
    """Wait for ever."""
    yield from proc.pause()


def brief(proc: bp.Proc) -> Steps:
    """End at once."""
    yield from ()
