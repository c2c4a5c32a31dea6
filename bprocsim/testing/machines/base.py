"""What the state machines share: a world from the class's description, deeds done in it, hooks for code under test."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

import bprocsim as bp
from bprocsim.testing.machines.deeds import CALL, DIGITS, Action, Deed, NotNowError, Repertoire
from bprocsim.testing.machines.faultdeeds import FAULT
from bprocsim.units import ms

_BYTES = st.binary(min_size=DIGITS, max_size=DIGITS)


@st.composite  # which costs less than a `map`: that of bytes opens two spans more, and guards against warnings
def _deeds(draw: st.DrawFn, made_of: Callable[[bytes], Deed]) -> Deed:
    """Draw what a step does, of a few bytes."""
    return made_of(draw(_BYTES))


class WorldMachine(RuleBasedStateMachine):
    """A world in which, step by step, something is called or goes wrong.

    To be described by a subclass: `world` the keywords of its Cluster or Lpar; `calls` the names of the calls
    that the machine makes by itself, None all; `faults` the kinds of fault that strike, classes or their
    names, None all; `failing` the calls that CallFails strikes, None all. Each example turns some kinds of
    fault off, unless `swarm` is False.
    """

    world: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    calls: ClassVar[Collection[str] | None] = None
    faults: ClassVar[Collection[str | type[bp.faults.Fault]] | None] = None
    failing: ClassVar[Collection[str] | None] = None
    swarm: ClassVar[bool] = True

    system: Any

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)

        # Its own, for what it may do depends on the class.
        @rule(deed=_deeds(cls._deed))
        def happens(self: WorldMachine, deed: Deed) -> None:
            """Do something: make a call, let something go wrong, let time pass."""
            self.do(deed)

        cls.happens = happens
        # Hypothesis explains an example by tracing every line that is run, which takes ten times as long.
        phases = [each for each in cls.TestCase.settings.phases if each is not Phase.explain]
        cls.TestCase.settings = settings(cls.TestCase.settings, phases=phases)

    def __init__(self) -> None:
        super().__init__()
        self.callers: list[bp.ProcessHandle] = []
        self.running: list[Any] = []
        self.injected: list[Any] = []
        self.off: frozenset[str] = frozenset()
        self._table = self.repertoire()

    # ---- what a subclass may say --------------------------------------------------------------------

    def build(self, seed: int) -> Any:
        """Build the world; a subclass may build its own."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Put into the fresh world what the code under test needs: files, accounts, the code itself."""

    def before(self, deed: Deed) -> None:
        """Look at a deed that is about to be done."""

    def after(self, deed: Deed, outcome: Any) -> None:
        """Look at what a deed has come to: an Outcome, where it was a call of the manual."""

    def at_rest(self) -> None:
        """Look at the world at the end of an example, when all faults are lifted, before the last are ended."""

    # ---- what happens --------------------------------------------------------------------------------

    @classmethod
    def possible(cls) -> Iterator[Action]:
        """Give all that a machine of this class may do, before `calls` and `faults` are looked at."""
        raise NotImplementedError

    @classmethod
    def repertoire(cls) -> Repertoire:
        """Give what a machine of this class does.

        TypeError, ValueError: `calls`, `faults` or `failing` are no names, or name what there is not.
        """
        for argument in ("calls", "faults", "failing"):
            asked = getattr(cls, argument)
            if isinstance(asked, str) or not (asked is None or isinstance(asked, Iterable)):
                example = getattr(asked, "__name__", asked)
                what = f"expected a tuple of names such as ({example!r},), got {asked!r}"
                raise TypeError(f"{cls.__name__}.{argument}: {what}")
        return _repertoire(cls)

    @classmethod
    def _deed(cls, digits: bytes) -> Deed:
        return _repertoire(cls).deed(digits)

    @initialize(seed=st.integers(0, 255), off=st.binary(min_size=4, max_size=4))
    def begin(self, seed: int, off: bytes) -> None:
        """Build the world; `off` says which kinds of fault do not strike in it."""
        kinds = [each.name for each in self._table.actions.values() if each.group == FAULT]
        bits = int.from_bytes(off, "big") if self.swarm else 0
        self.off = frozenset(kind for place, kind in enumerate(kinds) if bits >> (place % 32) & 1)
        self.system = self.build(seed)
        self.built()
        self.prepare()

    def do(self, deed: Deed) -> None:
        """Do a deed, unless what it needs is not there now, and check what it comes to."""
        if deed.name in self.off:
            return
        self.before(deed)
        kind, engine = self._table.action(deed), self.system.sim.engine
        # Only a call can be refused.
        state, events = self.state() if kind.group == CALL else None, engine.events
        try:
            outcome = kind.do(self, deed.words)
        except NotNowError:
            return
        except bp.Deadlock:
            if not self.may_wait_for_ever():
                raise
            return
        if outcome.__class__ is bp.Outcome:
            _check(outcome)
            # What else happened at that time is not the call's doing.
            if state is not None and outcome.failed and engine.events == events:
                assert self.state() == state, f"{outcome} has changed something"
        self.after(deed, outcome)

    def built(self) -> None:
        """Look at what comes into being when it is looked at."""

    def may_wait_for_ever(self) -> bool:
        """Tell whether something went wrong of a kind that may keep a call from ever coming back."""
        return False

    def state(self) -> Any:
        """Tell all that a call which is refused could have changed."""
        raise NotImplementedError

    def inject(self, fault: bp.faults.Fault) -> None:
        """Give the world a fault, which ends with the example at the latest."""
        self.injected.append(self.system.inject(fault))

    def lift(self) -> None:
        """Let all that went wrong, and can be undone, be over."""
        for planned in self.injected:
            planned.cancel()
        self.injected.clear()

    def waiting(self) -> list[bp.ProcessHandle]:
        """Give the processes that can be callers."""
        system = self.system
        table = system.pids.table
        self.callers = [each for each in self.callers if each.process.ended is None]
        return [
            each
            for each in self.callers
            if each.process.idle and table.get(each.pid) is each.process and not system.is_down(each.process.machine)
        ]

    def go_on(self, duration_ns: int) -> None:
        """Let the world go on for a while."""
        sim = self.system.sim
        sim.run(until_ns=sim.now_ns + duration_ns)

    def is_cut_short(self) -> bool:
        """Tell whether an example ends by an exception, or before there is a world: nothing is to be checked then."""
        return not hasattr(self, "system") or bool(self.system.sim.broken) or sys.exc_info()[0] is not None

    def end_all(self) -> None:
        """Kill every process of the system, until none is left but those that wait for the harness elsewhere."""
        with self.system.session() as session:
            for _ in range(3):
                for pid in [pid for pid in self.system.pids.table if pid != session.pid]:
                    session.libc.kill(pid, bp.SIGKILL)
                self.go_on(300 * ms)
        self.go_on(300 * ms)


def _check(outcome: bp.Outcome) -> None:
    """Assert of what a call has come to what holds of every call."""
    row = outcome.row
    if row is not None:
        assert outcome.errors is not None, f"{outcome} has no table"
        assert row in outcome.errors.rows, f"{outcome} is in no row of its table"
    assert outcome.returned or not outcome.failed, f"{outcome} has failed, and did not come back"
    assert outcome.elapsed_ns >= 0, outcome


@cache
def _repertoire(cls: type[WorldMachine]) -> Repertoire:
    actions = list(cls.possible())
    calls = cls.calls
    faults = None if cls.faults is None else [getattr(each, "__name__", str(each)) for each in cls.faults]
    of_faults = {each.name for each in actions if each.group == FAULT}
    of_calls = {each.name for each in actions} - of_faults
    for argument, asked, known in (("calls", calls, of_calls), ("faults", faults, of_faults)):
        unknown = sorted(set(asked or ()) - known)
        if unknown:
            expected = ", ".join(sorted(known))
            raise ValueError(f"{cls.__name__}.{argument}: there is no {unknown[0]!r} here; expected some of {expected}")

    def wanted(each: Action) -> bool:
        asked = faults if each.group == FAULT else calls
        return asked is None or each.name in asked or each.group == "time"

    return Repertoire.of(each for each in actions if wanted(each))
