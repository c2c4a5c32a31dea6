"""How a call of AIX reads: facts are surveyed, a table decides, a function commits; then its cost passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, frozen, setters

from bprocsim.aix.partition import Partition
from bprocsim.aix.records import RadInfo, RsetAttributes
from bprocsim.aix.rset import Rset
from bprocsim.manual import Errors, Fail
from bprocsim.port import Steps
from bprocsim.posix.credentials import Credentials


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Asker:
    """Who makes a call: `thread` and its process, None where the harness makes it for a process of `who`."""

    partition: Partition
    who: Credentials
    pid: int
    thread: Any = None

    @property
    def process(self) -> Any:
        """Give the calling process, None if it was never made."""
        return None if self.thread is None else self.thread.process

    @property
    def may_attach(self) -> bool:
        """Tell whether it has root authority or CAP_NUMA_ATTACH. Source: aix-ra_exec."""
        return self.who.euid == 0 or self.who.can("CAP_NUMA_ATTACH")

    @property
    def is_root(self) -> bool:
        """Tell whether it has root authority: effective uid 0."""
        return self.who.euid == 0


@frozen(eq=False)
class Service:
    """A call that is over in one step.

    `survey(asker, *args)` gathers its facts, `errors` decides, `commit(facts)` does it and gives
    what the call returns. `subject(facts)` is what a failure is about; `failed` what C returns then.
    """

    errors: Errors
    survey: Callable[..., Any]
    commit: Callable[[Any], Any]
    subject: Callable[[Any], bytes | str] = lambda _facts: ""
    failed: int | None = -1

    def decide(self, asker: Asker, args: tuple[Any, ...]) -> Any:
        """Make the call: give a Fail, with nothing changed, or what it returns."""
        facts = self.survey(asker, *args)
        row = self.errors.first(facts)
        if row is not None:
            return Fail(row, self.errors, self.subject(facts))
        return self.commit(facts)

    def __call__(self, machine: Any, thread: Any, *args: Any) -> Steps:
        """Make it for a thread; see kernel.calls."""
        process = thread.process
        result = self.decide(Asker(machine.partition, process.credentials, process.pid, thread), args)
        if not machine.port.pass_at_once(machine.costs.syscall_ns):
            yield machine.port.sleep(machine.costs.syscall_ns)
        return result


def traced(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give arguments as a trace keeps them: copies of what changes later (a set, a record, a list)."""
    return tuple([kept(each) for each in args])


def kept(value: Any) -> Any:
    """Give one argument as a trace keeps it."""
    if value.__class__ is Rset:
        return value.copy()  # which is written when somebody reads the trace
    return repr(value) if isinstance(value, RsetAttributes | RadInfo | list) else value
