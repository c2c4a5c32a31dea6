"""A direct call that is over in one step: decided, told, and written into the trace."""

from __future__ import annotations

from typing import Any

from bprocsim.manual import Errors, Fail, Row
from bprocsim.trace import as_now
from bprocsim.world.outcome import Outcome


def decide(machine: Any, name: str, asker: Any, service: Any, args: tuple[Any, ...]) -> Any:
    """Make a call: give a Fail, of a rule that strikes or of its table, or what it returns."""
    refused = machine.rules.refuse(machine, asker.pid, name) if machine.rules.by_call else None
    return service.decide(asker, args) if refused is None else refused


def tell(
    sim: Any, machine: Any, name: str, pid: int, args: tuple[Any, ...], shown: tuple[Any, ...], result: Any,
    errors: Errors, took_ns: int,
) -> Outcome:  # fmt: skip
    """Write a call into the trace, and tell what it came to; `shown` its arguments as they were before it."""
    row: Row | None = None
    subject: bytes | str = b""
    if machine.rules.hearers:
        machine.rules.tell(name, result)
    if result.__class__ is Fail:
        if result.row not in machine.rules.documented.get(name, ()):
            sim.vouch(machine, name, pid, result)
        row, subject, result = result.row, result.subject, result.returned
        shown = as_now(args) if sim.trace.keeps else ()
        sim.trace.add(sim.engine.now_ns, machine.name, pid, "fail", name, shown, row.errno_name, row.cause, result)
    elif sim.trace.all:
        sim.trace.add(sim.engine.now_ns, machine.name, pid, "call", name, shown, as_now((result,))[0])
    return Outcome(
        name, result, row, errors, False, None, None, b"", b"", pid, machine.number, took_ns, None, True,
        subject, machine.unix.name,
    )  # fmt: skip
