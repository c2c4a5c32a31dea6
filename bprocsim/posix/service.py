"""How a call that is over in one step reads: survey its facts, let a table decide, commit; then its cost passes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen

from bprocsim.manual import Errors, Fail
from bprocsim.port import Steps


@frozen(eq=False)
class Service:
    """A call that is over in one step.

    `survey(asker, *args)` gathers its facts, `errors` decides, `commit(facts)` does it and gives
    what the call returns. `subject(facts)` is what a failure is about.
    """

    errors: Errors
    survey: Callable[..., Any]
    commit: Callable[[Any], Any]
    subject: Callable[[Any], bytes | str] = lambda _facts: ""

    def decide(self, asker: Any, args: tuple[Any, ...]) -> Any:
        """Make the call: give a Fail, with nothing changed, or what it returns."""
        facts = self.survey(asker, *args)
        row = self.errors.first(facts)
        if row is not None:
            return Fail(row, self.errors, self.subject(facts))
        return self.commit(facts)

    def asker(self, machine: Any, thread: Any) -> Any:
        """Give what a survey knows of the thread that makes the call."""
        raise NotImplementedError

    def __call__(self, machine: Any, thread: Any, *args: Any) -> Steps:
        """Make it for a thread; see kernel.calls."""
        result = self.decide(self.asker(machine, thread), args)
        if not machine.port.pass_at_once(machine.costs.syscall_ns):
            yield machine.port.sleep(machine.costs.syscall_ns)
        return result
