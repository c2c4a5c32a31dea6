"""ClusterMachine makes every call, lets every fault strike, and finds what user's code does wrong in between."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar
from unittest import mock

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule, run_state_machine_as_test

import bprocsim as bp
from bprocsim.faults.strikes import STRIKES
from bprocsim.manual import Errors, Row
from bprocsim.testing import ClusterMachine, Deed
from bprocsim.testing.machines.deeds import DIGITS

EDITIONS = tuple(bp.editions)
# What a user of a cluster calls that is no call made on it: he builds with them, or asks for a part.
BUILDERS = {"install", "user", "machine", "machine_of", "is_down", "inject", "notation", "built"}
SETTINGS = settings(max_examples=40, stateful_step_count=40, deadline=None, database=None)
NOT_EXPLAINED = [each for each in Phase if each is not Phase.explain]  # which traces every line that is run


def machine_of(edition: str, **more: Any) -> type[ClusterMachine]:
    """Give a machine of an edition."""
    return type(f"Of{edition}", (ClusterMachine,), {"world": {"nodes": 4, "edition": edition}, **more})


# ---- what it can do ------------------------------------------------------------------------------


def _public_calls(edition: str) -> set[str]:
    """Name what can be called on a cluster of an edition."""
    record = bp.editions[edition]
    named = {name for name, _ in inspect.getmembers(bp.Cluster, inspect.isfunction)}
    named = {name for name in named if name.startswith("_bproc") or not name.startswith("_")} - BUILDERS
    of_nodes = {name for each in bp.editions.values() for name in each.calls()}
    vectors = set() if record.vector_calls is not None else {name for name in named if "_v" in name} - of_nodes
    return named - (of_nodes - set(record.calls())) - vectors


@pytest.mark.parametrize("edition", EDITIONS)
def test_every_public_call_and_every_kind_of_fault_is_a_deed(edition: str) -> None:
    table = machine_of(edition).repertoire()
    calls = {name for name, each in table.actions.items() if each.group == "call"}
    assert calls == _public_calls(edition)
    faults = {name for name, each in table.actions.items() if each.group == "fault"}
    kinds = {kind.__name__ for kind in STRIKES} | {"CallFails"}
    assert faults == kinds - {"CoreFails"}


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_words_of_a_call_are_its_parameters(edition: str) -> None:
    table = machine_of(edition).repertoire()
    by = {"user", "from_node", "caller", "listen"}
    for name in table.actions:
        method = getattr(bp.Cluster, name, None)
        if method is None or name in ("run", "popen", "session"):
            continue
        known = set(inspect.signature(method).parameters) | by
        written = {word for deed in _all_deeds(table, name) for word in deed.words}
        assert written <= known, name


def _all_deeds(table: Any, name: str) -> Iterator[Deed]:
    place = next(index for index, each in enumerate(table.offered) if each.name == name)
    for digit in range(256):
        yield table.deed(bytes([place]) + bytes([digit]) * (DIGITS - 1))


def test_a_deed_is_python_that_makes_it_again() -> None:
    for edition in EDITIONS:
        for deed in machine_of(edition).repertoire().some(seed=1, count=500):
            assert eval(repr(deed), {"bp": bp}) == deed


def test_deeds_by_chance_are_the_same_for_the_same_seed() -> None:
    table = machine_of("scyld").repertoire()
    assert table.some(3, 50) == table.some(3, 50) != table.some(4, 50)


# ---- that it holds -------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("edition", EDITIONS)
def test_whatever_is_called_the_space_stays_whole(edition: str) -> None:
    run_state_machine_as_test(machine_of(edition), settings=settings(SETTINGS, max_examples=100, derandomize=True))


def test_a_machine_can_be_driven_by_hand() -> None:
    state = machine_of("scyld")()
    state.begin(seed=0, off=bytes(4))
    for deed in state.repertoire().some(seed=5, count=60):
        state.do(deed)
        state.everybody_is_in_one_place()
    state.teardown()
    assert state.cluster.pids.next > 1030  # much was called


def test_a_launch_that_is_left_alone_may_wait_for_ever() -> None:
    """Its caller's node was lost, and nobody tells the child to begin; else a call that waits for ever is a mistake."""
    state = machine_of("lanl32")()
    state.begin(seed=0, off=bytes(4))
    state.do(Deed("PowerOff", node=3, step=bp.Step.STREAM))
    assert not state.may_wait_for_ever()
    state.do(Deed("_bproc_vrfork", nodes=[0], flags=0, child="ends", from_node=3))
    assert state.may_wait_for_ever()
    state.teardown()
    assert not state.may_wait_for_ever()


# ---- whose code is under test --------------------------------------------------------------------


class Keeper:
    """Code under test: it starts a job on a node and counts every status but 0 as a failure; one is forgotten."""

    def __init__(self, run: Callable[..., Any]) -> None:
        self.run = run
        self.succeeded = 0

    def start(self, node: int) -> None:
        done = self.run(["bpsh", str(node), "good"])
        if done.returncode < 128:  # planted: what ends with an errno counts as a success
            self.succeeded += 1


class Keeping(ClusterMachine):
    """A machine with this code in the loop."""

    world: ClassVar[dict[str, Any]] = {"nodes": 3}
    calls = ("sleep", "bproc_nodestatus")
    faults = (bp.PowerOff, "Hang")  # by class, or by name

    def prepare(self) -> None:
        """Put the job, which counts how often it has ended, into the world."""
        self.ended = 0

        def good(proc: bp.Proc) -> None:
            self.ended += 1

        self.cluster.install("/bin/good", good)
        self.keeper = Keeper(self.cluster.run)

    @rule(node=st.integers(0, 2))
    def starts(self, node: int) -> None:
        """Let the code under test start a job."""
        self.keeper.start(node)

    @invariant()
    def no_success_is_made_up(self) -> None:
        """Nothing counts as a success that has not ended."""
        if hasattr(self, "keeper"):
            assert self.keeper.succeeded <= self.ended


@pytest.mark.slow
def test_a_planted_bug_is_found_and_shown_with_little_else() -> None:
    with pytest.raises(AssertionError) as caught:
        run_state_machine_as_test(
            Keeping, settings=settings(SETTINGS, derandomize=True, phases=NOT_EXPLAINED, max_examples=1000)
        )
    told = "\n".join(getattr(caught.value, "__notes__", []))
    steps = [line for line in told.splitlines() if "state.happens" in line or "state.starts" in line]
    assert [re.sub(r"node=\d", "node=N", step) for step in steps] == [
        "state.happens(deed=bp.testing.Deed('PowerOff', node=N, after_ns=0))",
        "state.starts(node=N)",
    ]


def test_an_errno_that_no_page_has_stops_the_machine() -> None:
    state = machine_of("scyld")()
    state.begin(seed=0, off=bytes(4))
    planted = Row(bp.Errno.EXDEV, bool, "somebody has made a mistake", name="planted")
    with mock.patch.object(Errors, "first", return_value=planted), pytest.raises(bp.Undocumented, match="EXDEV"):
        state.do(Deed("bproc_chmod", node=0, mode=0o111))
    state.teardown()  # of which nothing is to be checked any more


def test_what_a_rule_raises_is_not_hidden_by_the_end_of_the_example() -> None:
    class Mistaken(ClusterMachine):
        calls = ("popen",)
        faults = ()

        def after(self, deed: Deed, outcome: Any) -> None:
            self.cluster.pids.table[31000] = self.cluster.idle_process().process  # which no law allows
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        run_state_machine_as_test(Mistaken, settings=settings(SETTINGS, phases=NOT_EXPLAINED))


def test_calls_and_faults_can_be_chosen() -> None:
    named = set(Keeping.repertoire().actions)
    assert named >= {"sleep", "bproc_nodestatus", "PowerOff", "Hang"}
    assert named & {"bproc_execmove", "Loss", "CallFails"} == set()


@pytest.mark.parametrize("what", ["calls", "faults"])
def test_a_name_that_is_none_is_told(what: str) -> None:
    with pytest.raises(ValueError, match=f"Ofscyld.{what}: there is no 'bproc_exceve' here; expected some of "):
        machine_of("scyld", **{what: ("bproc_exceve",)}).repertoire()


@pytest.mark.parametrize("what", ["calls", "faults", "failing"])
def test_a_single_name_is_no_tuple_of_names(what: str) -> None:
    with pytest.raises(TypeError, match=rf"Ofscyld.{what}: expected a tuple of names such as \('Hang',\), got 'Hang'"):
        machine_of("scyld", **{what: "Hang"}).repertoire()
    with pytest.raises(TypeError, match=rf"Ofscyld.{what}: expected a tuple of names such as \('Hang',\), got .*Hang'"):
        machine_of("scyld", **{what: bp.Hang}).repertoire()


def test_a_call_to_fail_that_is_none_is_told() -> None:
    with pytest.raises(ValueError, match="failing: there is no 'bproc_exceve' here that has errors"):
        machine_of("scyld", failing=("bproc_exceve",)).repertoire()


def test_a_deed_that_is_none_is_told() -> None:
    machine = AsItIs()
    machine.begin(seed=0, off=b"")
    with pytest.raises(ValueError, match=r"deed: there is no 'PowrOff' here \(did you mean PowerOff"):
        machine.do(Deed("PowrOff", node=1))
    machine.teardown()


class AsItIs(ClusterMachine):
    """A machine that is used as it is."""


TestAsItIs = AsItIs.TestCase  # with Hypothesis's own settings, health checks and all
TestAsItIs.settings = settings(max_examples=5, derandomize=True)
