"""LparMachine makes every call on a partition, and its laws see what is planted."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar
from unittest import mock

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

import bprocsim as bp
from bprocsim.aix import registry
from bprocsim.testing import Deed, LparMachine
from bprocsim.testing.machines.deeds import DIGITS

# What a user of a partition calls that is no call made on it: he builds with them, or asks for a part.
BUILDERS = {"install", "user", "machine_of", "is_down", "inject", "notation", "built"}
NOT_EXPLAINED = [each for each in Phase if each is not Phase.explain]  # which traces every line that is run
SETTINGS = settings(
    max_examples=40,
    stateful_step_count=40,
    deadline=None,
    database=None,
    derandomize=True,
    phases=NOT_EXPLAINED,
    report_multiple_bugs=False,
)
WORLDS: dict[str, dict[str, Any]] = {
    "POWER7": {"cores": 4, "smt": 2, "cpu": "POWER7", "srads": 2, "enhanced_affinity": True},
    "POWER5, 5.2": {"cores": 3, "smt": 1, "cpu": "POWER5", "level": "5.2"},
    "POWER8, 7.2": {"cores": 2, "smt": 8, "cpu": "POWER8", "level": "7.2", "order": "random"},
}


def machine_of(world: dict[str, Any], **more: Any) -> type[LparMachine]:
    """Give a machine of such a partition."""
    return type("OfWorld", (LparMachine,), {"world": world, **more})


@pytest.mark.parametrize("level", bp.levels)
def test_every_public_call_and_every_kind_of_fault_is_a_deed(level: str) -> None:
    table = machine_of({"cores": 2, "level": level}).repertoire()
    named = {name for name, _ in inspect.getmembers(bp.Lpar, inspect.isfunction) if not name.startswith("_")}
    calls = {name for name, each in table.actions.items() if each.group == "call"}
    assert calls == named - BUILDERS - bp.levels[level].lacks
    faults = {name for name, each in table.actions.items() if each.group == "fault"}
    of_one_machine = {"IoError", "MemoryFull", "OpenFileLimit", "ConnectRefused", "LibraryMissing"}
    assert faults == {"CallFails", "CoreFails"} | of_one_machine


def test_the_words_of_a_call_are_its_parameters() -> None:
    table = LparMachine.repertoire()
    for index, each in enumerate(table.offered):
        method = getattr(bp.Lpar, each.name, None)
        if method is None or each.name in ("run", "popen", "session", "rset"):
            continue
        known = set(inspect.signature(method).parameters) | {"user", "caller"}
        deeds = [table.deed(bytes([index]) + bytes([digit]) * (DIGITS - 1)) for digit in range(256)]
        assert {word for deed in deeds for word in deed.words} <= known, each.name


def test_a_deed_is_python_that_makes_it_again() -> None:
    for deed in LparMachine.repertoire().some(seed=1, count=1000):
        assert eval(repr(deed), {"bp": bp}) == deed


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS.values(), ids=list(WORLDS))
def test_whatever_is_called_the_laws_hold(world: dict[str, Any]) -> None:
    run_state_machine_as_test(machine_of(world), settings=settings(SETTINGS, max_examples=100))


# ---- the laws see what is planted ----------------------------------------------------------------


def _keeps_all(partition: Any) -> None:
    """Forget to let go of processors of exclusive use."""
    found = partition.exclusive
    for key, named in partition.names.items():
        if registry.is_exclusive(partition, key):
            found |= named.processors
    partition.exclusive = found
    partition.changed()


def _anywhere(partition: Any, thread: Any) -> int:
    return int(partition.online)


PLANTED: dict[str, tuple[str, Any]] = {
    "exclusive use that stays": ("bprocsim.aix.registry._renew_exclusive", _keeps_all),
    "work that runs anywhere": ("bprocsim.aix.dispatch.eligible", _anywhere),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PLANTED)
def test_the_machine_finds_a_planted_bug(name: str) -> None:
    target, wrong = PLANTED[name]
    with mock.patch(target, wrong), pytest.raises(AssertionError) as caught:
        run_state_machine_as_test(LparMachine, settings=settings(SETTINGS, max_examples=2000))
    told = "\n".join(getattr(caught.value, "__notes__", []))
    assert told.count("state.happens(") <= 4, told


# ---- whose code is under test --------------------------------------------------------------------


class Pool:
    """Code under test: it makes a set of exclusive use for whoever asks, and takes away the last one's."""

    def __init__(self, lpar: bp.Lpar) -> None:
        self.lpar = lpar
        self.held: dict[str, str] = {}

    def take(self, name: str, processors: str) -> None:
        self.lpar.mkrset(f"sysxrset/{name}", processors)
        self.held[name] = processors  # planted: nobody looks whether it was made

    def give_back(self) -> None:
        if self.held:
            name, _ = self.held.popitem()
            self.lpar.rmrset(f"sysxrset/{name}")


class Pooling(LparMachine):
    """A machine with this code in the loop; its own calls are few."""

    world: ClassVar[dict[str, Any]] = {"cores": 2, "smt": 2}
    calls = ("sleep", "smtctl")
    faults = ("CallFails", "CoreFails")
    failing = ("mkrset", "rmrset")

    def prepare(self) -> None:
        """Make the pool."""
        self.pool = Pool(self.lpar)

    @rule(name=st.sampled_from("ab"), processors=st.sampled_from(["0-1", "2-3"]))
    def takes(self, name: str, processors: str) -> None:
        """Let somebody take a set."""
        self.pool.take(name, processors)

    @rule()
    def gives_back(self) -> None:
        """Let the last one give his back."""
        self.pool.give_back()

    @invariant()
    def what_is_held_is_there(self) -> None:
        """What the pool thinks it holds has a name in the registry."""
        if hasattr(self, "pool"):
            names = {name.decode() for _, name in self.lpar.partition.names}
            assert set(self.pool.held) <= names


@pytest.mark.slow
def test_a_planted_bug_in_code_under_test_is_found_and_shown_with_little_else() -> None:
    with pytest.raises(AssertionError) as caught:
        # What Hypothesis draws goes by the modules that are loaded too: enough examples for any of them.
        run_state_machine_as_test(Pooling, settings=settings(SETTINGS, max_examples=1000))
    told = "\n".join(getattr(caught.value, "__notes__", []))
    steps = [line for line in told.splitlines() if "state.happens" in line or "state.takes" in line]
    assert len(steps) == 2, told
    assert "'CallFails', call='mkrset'" in steps[0]
    assert steps[1] == "state.takes(name='a', processors='0-1')"


def test_a_deed_names_what_is_kept() -> None:
    state = LparMachine()
    state.begin(seed=0, off=bytes(4))
    state.do(Deed("rset", name="a", processors="0-1"))
    state.do(Deed("rs_op", command=bp.RS_UNION, rset1="2-3", rset2="a", flags=0, id=0))
    assert repr(state.sets["a"]) == "0-3"
    state.teardown()
