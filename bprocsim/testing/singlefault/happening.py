"""What happens in a run that a fault could strike: the calls that are made, and the steps of moves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from attrs import Factory, define, frozen

import bprocsim as bp
from bprocsim.faults.callrules import calls_of, plain
from bprocsim.kernel.rules import Rules
from bprocsim.manual import Errors, Fail
from bprocsim.scenario.build import World
from bprocsim.testing.rows.tables import documented_tables


@frozen
class CallMade:
    """A call that somebody made: the `number`-th of its name on its system, from 1 on.

    `call` the name by which CallFails knows it and no other, `page` its page's name; `place` and `pid` who made
    it; `table` what it may report.
    """

    system: str
    call: str
    page: str
    number: int
    place: str
    pid: int
    at_ns: int
    table: Errors

    def is_named(self, name: str) -> bool:
        """Tell whether a name means this call: its page's, its own, or that of another form of it."""
        return name in (self.call, self.page) or plain(name) == plain(self.call)


@frozen
class StepReached:
    """A step that a move has reached; `nodes` those that take part, the master (-1) among them."""

    system: str
    step: bp.Step
    nodes: tuple[int, ...]
    pid: int
    at_ns: int


@frozen
class MessageSent:
    """A message of BProc's daemons: what it was, from whom to whom."""

    message: str
    sender: str
    receiver: str
    at_ns: int


@define
class Happening:
    """All that has happened in a run, in order."""

    calls: list[CallMade] = Factory(list)
    steps: list[StepReached] = Factory(list)
    messages: list[MessageSent] = Factory(list)


def listen(world: World) -> Happening:
    """Note from now on what is called in a world, and which steps moves reach; `note_messages` does the rest."""
    happening = Happening()
    for name, system in world.systems.items():
        _hear_calls(name, system, happening.calls.append)
        if isinstance(system, bp.Cluster):
            _hear_steps(name, system, happening.steps.append)
    return happening


def note_messages(world: World, happening: Happening) -> None:
    """Note the messages that the trace of a run tells of."""
    for each in world.trace.of_kind("message"):
        happening.messages.append(MessageSent(each.message, each.node, each.to, each.at_ns))


class _Listening(Rules):
    """The rules of a system that also tell of each call that is made."""

    __slots__ = ("_made",)

    def __init__(self, rules: Rules, made: Callable[[Any, int, str], None]) -> None:
        self.by_call, self.documented, self.hearers = rules.by_call, rules.documented, rules.hearers
        self.by_call.setdefault("", [])  # kernels ask only if there are rules
        self._made = made

    def refuse(self, machine: Any, pid: int, call: str) -> Fail | None:
        self._made(machine, pid, call)
        return super().refuse(machine, pid, call)


def _hear_calls(name: str, system: Any, tell: Callable[[CallMade], None]) -> None:
    tables = {call: table for call, table in documented_tables(system).items() if table.rows}
    asked = {call: _asked(call, tables) for call in tables}
    # As CallFails counts them: with those of another name that the same name means.
    counted = {call: {each for each in asked.values() if call in calls_of(each, tables)[0]} for call in tables}
    made: Counter[str] = Counter()

    def hear(machine: Any, pid: int, call: str) -> None:
        if call in tables:
            made.update(counted[call])
            table, known = tables[call], asked[call]
            tell(CallMade(name, known, table.call, made[known], machine.name, pid, system.sim.now_ns, table))

    rules = system.rules = _Listening(system.rules, hear)
    for machine in _machines_made(system):
        machine.rules = rules


def _asked(call: str, tables: dict[str, Errors]) -> str:
    """Give the name of a call for a CallFails: that of its page, where it means this call alone."""
    page = tables[call].call
    return page if calls_of(page, tables)[0] == (call,) else call


def _machines_made(system: Any) -> Iterator[Any]:
    """Give the machines that are there; a node that nobody has looked at yet takes its system's rules when it is."""
    yield system.home
    if isinstance(system, bp.Cluster):
        yield from (node.machine for node in system.bpmaster.nodes.values())


def _hear_steps(name: str, cluster: bp.Cluster, tell: Callable[[StepReached], None]) -> None:
    master = cluster.bpmaster

    def hear(step: bp.Step, move: Any) -> bool:
        sender = move.sender or move.source
        concerned = (bp.BPROC_NODE_MASTER, move.source.number, sender.number, move.destination)
        nodes = [each for each in dict.fromkeys(concerned) if each < 0 or master.node(each) is not None]
        tell(StepReached(name, step, tuple(nodes), move.process.pid, cluster.sim.now_ns))
        return False

    master.hooks.append(hear)
