"""Calls that are made to fail although nothing in the world is amiss: which, and when.

A rule reports a row of the call's own table, so nobody meets an errno that no page has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bprocsim.manual import Errors, Fail, Row


class Rule:
    """One rule: `node` whose calls count, None all; `strikes(n)` whether the n-th of them fails, from 1 on.

    `told` is called each time it strikes.
    """

    __slots__ = ("calls", "failure", "node", "strikes", "told")

    def __init__(
        self, row: Row, errors: Errors, node: int | None, strikes: Callable[[int], bool], told: Callable[[], None]
    ) -> None:
        self.failure = Fail(row, errors)
        self.node = node
        self.strikes = strikes
        self.told = told
        self.calls = 0


class Rules:
    """The rules of one system, by the names under which its kernels know calls.

    `documented` the rows of each call that were looked up in its table, and found there; `hearers`
    who hear of each call that came back, by its name, and of what it came to: mostly nobody.
    """

    __slots__ = ("by_call", "documented", "hearers")

    def __init__(self) -> None:
        self.by_call: dict[str, list[Rule]] = {}
        self.documented: dict[str, set[Row]] = {}
        self.hearers: tuple[Callable[[str, Any], None], ...] = ()

    def add(self, calls: tuple[str, ...], rule: Rule) -> None:
        """Let a rule hold for calls."""
        for call in calls:
            self.by_call.setdefault(call, []).append(rule)

    def remove(self, calls: tuple[str, ...], rule: Rule) -> None:
        """Let a rule hold no more."""
        for call in calls:
            self.by_call[call].remove(rule)
            if not self.by_call[call]:
                del self.by_call[call]

    def tell(self, call: str, result: Any) -> None:
        """Tell all who want to hear it what a call came to. Looked at first is whether there is anybody."""
        for hears in self.hearers:
            hears(call, result)

    def refuse(self, machine: Any, pid: int, call: str) -> Fail | None:
        """Count a call that is made; gives how it fails, None if no rule strikes. The eldest rule that does wins."""
        struck: Rule | None = None
        for rule in self.by_call.get(call, ()):
            if rule.node is None or rule.node == machine.number:
                rule.calls += 1
                if struck is None and rule.strikes(rule.calls):
                    struck = rule
        if struck is None:
            return None
        struck.told()
        return struck.failure
