"""The calls of a scenario, made one after the other, each held against what was expected of it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from typing import Any

from attrs import fields, frozen

from bprocsim.errnos import Errno
from bprocsim.faces.errors import CallError
from bprocsim.posix.execcalls import execve_errors
from bprocsim.scenario.calltables import NONE, ExpectTable
from bprocsim.scenario.checks import ROOT
from bprocsim.scenario.tables import Scenario
from bprocsim.scenario.values import bytes_of, c_value, variables_of, vector_of
from bprocsim.signals import Signal
from bprocsim.world.cluster import Cluster
from bprocsim.world.outcome import Outcome
from bprocsim.world.simulation import Deadlock, Runaway, Timeout


class Refused(Exception):
    """A call that could not be made: what the harness was asked for cannot be, as the text says."""

    def __init__(self, number: int, key: str, what: str) -> None:
        super().__init__(what)
        self.number = number
        self.key = key


@frozen
class Missed:
    """One expectation that was not met: its `key`, what was `expected`, and what it was."""

    key: str
    expected: Any
    got: Any


@frozen
class Result:
    """What became of one call: its `outcome`, or how it `raised`; what was `missed`."""

    number: int
    call: Any
    at_ns: int
    outcome: Outcome | None
    raised: str | None
    why: str
    missed: tuple[Missed, ...]

    @property
    def ok(self) -> bool:
        """Tell whether it came to what was expected of it."""
        return not self.missed


def play(cluster: Cluster, scenario: Scenario) -> Iterator[Result]:
    """Make the calls in order, and tell what each came to. Refused: one cannot be made.

    After a Runaway no more are made.
    """
    for number, call in enumerate(scenario.call):
        began_ns, outcome, raised, why = cluster.sim.now_ns, None, None, ""
        try:
            outcome = _make(cluster, call)
        except (Deadlock, Runaway, Timeout) as error:
            raised, why = type(error).__name__, str(error)
        except CallError as error:
            raise Refused(number, "cwd", f"{error.strerror}") from None
        except (ValueError, TypeError) as error:
            key, colon, what = str(error).partition(": ")
            known = bool(colon) and hasattr(call, key)
            raise Refused(number, key if known else "", what if known else str(error)) from None
        expect = getattr(call, "expect", None) or ExpectTable()
        missed = [*_missed(expect, outcome, raised)]
        if scenario.cluster.strict and expect.exception is None:
            missed += _exceptions(cluster, began_ns, outcome)
        yield Result(number, call, began_ns, outcome, raised, why, tuple(missed))
        if raised == "Runaway":
            return


def _make(cluster: Cluster, call: Any) -> Outcome | None:
    """Make one call; None for one that only lets time pass."""
    if call.call == "sleep":
        cluster.sleep(call.seconds)
        return None
    user = None if call.user == ROOT else cluster.users[call.user]
    if call.call == "run":
        return _run(cluster, call, user)
    options: dict[str, Any] = {
        "user": user, "from_node": call.from_node, "input": bytes_of(call.input), "cwd": call.cwd,
        "timeout_ns": call.timeout_ns,
    }  # fmt: skip
    for name in ("argv", "envp"):
        if getattr(call, name) is not None:
            options[name] = vector_of(getattr(call, name))
    if call.call == "execve":
        return cluster.execve(c_value(call.path), **options)
    if hasattr(call, "port"):
        return cluster.bproc_execmove_io(call.node, call.port, c_value(call.cmd), listen=call.listen, **options)
    return cluster.bproc_execmove(call.node, c_value(call.cmd), **options)


def _run(cluster: Cluster, call: Any, user: Any) -> Outcome:
    """Run a command line, and tell of it as of any call."""
    began_ns = cluster.sim.now_ns
    try:
        done = cluster.popen(
            [c_value(each) for each in call.args], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, shell=call.shell, cwd=call.cwd, user=user,
            env=None if call.env is None else variables_of(call.env),
        )  # fmt: skip
    except CallError as error:
        errors = execve_errors(cluster.kernel)
        if error.cause not in [row.cause for row in errors.rows]:
            raise
        return Outcome(
            "run", -1, errors.row(error.cause), errors, elapsed_ns=cluster.sim.now_ns - began_ns, returned=True
        )
    try:
        out, err = done.communicate(bytes_of(call.input), call.timeout)
    except subprocess.TimeoutExpired:
        done.kill()
        done.wait()
        raise Timeout(f"run did not end within {call.timeout:g} s") from None
    status = done.returncode or 0
    process = done.process
    late = process.late
    return Outcome(
        "run", None, None if late is None else late.row, None, late is not None, status if status >= 0 else None,
        -status if status < 0 else None, out or b"", err or b"", done.pid, done.node,
        cluster.sim.now_ns - began_ns, process.exception,
    )  # fmt: skip


# ---- what was expected -------------------------------------------------------------------------------


def told(outcome: Outcome) -> dict[str, Any]:
    """Give all of an outcome that a scenario can speak of, by the keys of `expect`, as plain values."""
    value = outcome.value
    return {
        "failed": outcome.failed,
        "returned": outcome.returned,
        "late": outcome.late,
        "value": value if value is None or isinstance(value, int) else str(value),
        "errno": _name(outcome.errno),
        "late_errno": _name(outcome.late_errno),
        "cause": outcome.cause,
        "exit_status": outcome.exit_status,
        "signal": outcome.signal,
        "stdout": outcome.stdout,
        "stderr": outcome.stderr,
        "text": outcome.text,
        "pid": outcome.pid,
        "node": outcome.node,
        "elapsed_ns": outcome.elapsed_ns,
        "rset": None if outcome.rset is None else repr(outcome.rset),
        "sradid": outcome.sradid,
        "exception": None if outcome.exception is None else type(outcome.exception).__name__,
    }


def _name(errno: Errno | None) -> str | None:
    return None if errno is None else errno.name


def _missed(expect: ExpectTable, outcome: Outcome | None, raised: str | None) -> Iterator[Missed]:
    given = {field.name: value for field in fields(ExpectTable) if (value := getattr(expect, field.name)) is not None}
    wanted = given.pop("raises", None)
    if raised != wanted:
        yield Missed("raises", wanted, raised)
    if outcome is None:
        if raised is not None:
            yield from (Missed(name, value, None) for name, value in given.items())
        return
    found = told(outcome)
    for name, value in given.items():
        stream, contains = name.removesuffix("_contains"), name.endswith("_contains")
        expected, got = _meant(stream, value), found[stream]
        if (expected not in got) if contains else (got != expected):
            yield Missed(name, expected, got)


def _exceptions(cluster: Cluster, since_ns: int, outcome: Outcome | None) -> Iterator[Missed]:
    """Tell what programs raised: all of them, or where no trace is kept the one that was called."""
    if cluster.trace.keeps:
        raised = [each.exception for each in cluster.trace.of_kind("raised") if each.at_ns >= since_ns]
    else:
        raised = [repr(outcome.exception)] if outcome is not None and outcome.exception is not None else []
    yield from (Missed("exception", None, each) for each in raised)


def _meant(name: str, value: Any) -> Any:
    """Give what an expected value is in an outcome."""
    if name in ("stdout", "stderr"):
        return bytes_of(value)
    if name == "text":
        return bytes_of(value).decode("utf-8", "replace")
    if value == NONE:
        return None
    if name == "signal" and isinstance(value, str):
        return int(Signal[value])
    return value
