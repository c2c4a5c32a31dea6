"""Of a Hypothesis test the plugin tells the worlds of the failing example, and where it parts from one that passed."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.testing.inner import Run, run_pytest, run_words

SOURCE = """
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

phases = [phase for phase in settings().phases if phase.name != "explain"]
quick = settings(max_examples=60, deadline=None, phases=phases)

@quick
@given(faulty=st.booleans(), number=st.integers(0, 100))
def test_minimal(make_bproc_cluster, faulty, number):
    cluster = make_bproc_cluster(nodes=3, faults=[bp.PowerOff(node=1)] if faulty else [])
    assume(number != 5)
    cluster.execve("/bin/nothing")
    if number >= 7:
        bp.Lpar(cores=1, seed=number)
        assert cluster.execve("/bin/sh").errno == "no"

@quick
@given(number=st.integers(0, 100))
def test_parts(make_bproc_cluster, number):
    cluster = make_bproc_cluster(nodes=3)
    cluster.execve("/bin/first")
    cluster.execve(f"/bin/{min(number, 20) // 20}")
    assert number < 20

@quick
@given(number=st.integers())
def test_two_bugs(number):
    bp.Cluster(nodes=1, seed=abs(number))
    if number > 10:
        raise RuntimeError
    assert number > -5

def worlds():
    return st.builds(lambda seed: bp.Cluster(nodes=2, seed=seed), st.integers(0, 50))

@quick
@given(cluster=worlds())
def test_drawn(cluster):
    assert cluster.sim.seed < 9

@example(number=3)
@example(number=4)
@quick
@given(number=st.integers(0, 1))
def test_explicit(number):
    bp.Cluster(nodes=1, seed=number)
    assert number != 4

@quick
@given(number=st.integers(0, 100))
def test_fails_without_a_world(number):
    if number < 30:
        bp.Cluster(nodes=1)
    assert number < 30

@settings(quick, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.integers(0, 100))
def test_fixture(number, bproc_sim):
    bp.Cluster(nodes=1, seed=number)
    assert number < 3

class Machine(RuleBasedStateMachine):
    @initialize(nodes=st.integers(1, 3))
    def build(self, nodes):
        self.cluster = bp.Cluster(nodes=nodes)
        self.count = 0

    @rule(name=st.sampled_from("ab"))
    def call(self, name):
        self.cluster.execve("/bin/" + name)
        self.count += 1
        assert self.count < 3

Machine.TestCase.settings = settings(quick, stateful_step_count=6)
TestMachine = Machine.TestCase

calls = 0

@quick
@given(st.just(1))
def test_flaky(one):
    global calls
    calls += 1
    cluster = bp.Cluster(nodes=1)
    cluster.execve("/bin/one" if calls == 1 else "/bin/another")
    assert calls > 1
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    arguments = ("--hypothesis-seed=7", "-W", "ignore")
    return run_pytest(tmp_path_factory.mktemp("examples"), SOURCE, *arguments, with_hypothesis=True)


def worlds_of(section: str) -> list[str]:
    """Give the lines that begin a world."""
    return [line for line in section.splitlines() if line.startswith("world")]


def test_only_the_worlds_of_the_minimal_example_are_told(run: Run) -> None:
    lines = run.sections["test_minimal"].splitlines()
    assert lines[0] == "of the failing example:"
    assert worlds_of(run.sections["test_minimal"]) == [
        "world 1 of 2: seed 0, bp.Cluster(nodes=3)",
        "world 2 of 2: seed 7, bp.Lpar(cores=1, seed=7)",
    ]
    assert "PowerOff" not in lines[2]


def test_the_first_record_that_differs_from_the_last_passing_example_is_told(run: Run) -> None:
    lines = run.sections["test_parts"].splitlines()
    at = lines.index("  it parts from the last example that passed at record 2 of the trace:")
    passed, failed = lines[at + 1 : at + 3]
    assert passed.startswith("    passed: ")
    assert "execve('/bin/0'" in passed
    assert failed.startswith("    failed: ")
    assert "execve('/bin/1'" in failed


def test_each_of_two_failures_has_its_example(run: Run) -> None:
    section = run.sections["test_two_bugs"]
    assert "of the failing example 1 of 2:" in section
    assert "of the failing example 2 of 2:" in section
    assert {line.partition(",")[0] for line in worlds_of(section)} == {"world: seed 11", "world: seed 5"}


def test_worlds_that_are_drawn_belong_to_their_example(run: Run) -> None:
    assert worlds_of(run.sections["test_drawn"]) == ["world: seed 9, bp.Cluster(nodes=2, seed=9)"]
    assert "in the last example that passed, it was seed " in run.sections["test_drawn"]


def test_an_explicit_example_that_fails_is_told_alone(run: Run) -> None:
    assert worlds_of(run.sections["test_explicit"]) == ["world: seed 4, bp.Cluster(nodes=1, seed=4)"]


def test_a_failing_example_without_a_world_shows_none_of_the_others(run: Run) -> None:
    assert run.counts == {"failed": 9}
    assert "test_fails_without_a_world" not in run.sections


def test_worlds_of_fixtures_are_told_before_those_of_the_example(run: Run) -> None:
    lines = run.sections["test_fixture"].splitlines()
    assert lines[0] == "world: seed 0, no system"
    at = lines.index("of the failing example:")
    assert lines[at + 1] == "world: seed 3, bp.Cluster(nodes=1, seed=3)"


def test_state_machines_have_examples_too(run: Run) -> None:
    section = run.sections["runTest"]
    assert worlds_of(section) == ["world: seed 0, bp.Cluster(nodes=1)"]
    assert section.count("execve('/bin/a'") >= 3
    assert "it parts from the last example that passed at record " in section


def test_a_flaky_example_is_held_against_itself(run: Run) -> None:
    section = run.sections["test_flaky"]
    assert "    passed:     0.001000 ms  master     [1001]  execve('/bin/another', ['another'], [])" in section
    assert "    failed:     0.001000 ms  master     [1001]  execve('/bin/one', ['one'], [])" in section


# ---- the command that replays it ---------------------------------------------------------------------

# Not shrunk, so that another run finds another example unless it is told which.
FAILS = """
from hypothesis import Phase

@settings({arguments}deadline=None, phases=[Phase.reuse, Phase.generate])
@given(numbers=st.lists(st.integers(0, 10**6), min_size=3))
def test_fails(numbers):
    cluster = bp.Cluster(nodes=1, seed=sum(numbers))
    assert sum(numbers) % 3 != 1
"""


@pytest.mark.parametrize(
    ("database", "derandomize", "with_seed"),
    [("None", False, True), ("None", True, False), ("settings().database", False, False)],
)
def test_the_command_brings_the_example_back(tmp_path: Path, database: str, derandomize: bool, with_seed: bool) -> None:
    source = FAILS.format(arguments=f"database={database}, derandomize={derandomize}, ")
    section = run_pytest(tmp_path, source, with_hypothesis=True).sections["test_fails"]
    _, *words = shlex.split(section.rpartition("replay: ")[2])
    assert any(word.startswith("--hypothesis-seed=") for word in words) is with_seed
    again = run_words(tmp_path, words)
    assert worlds_of(again.sections["test_fails"]) == worlds_of(section)


def test_what_ci_has_seen_comes_again_at_home(tmp_path: Path) -> None:
    source = FAILS.format(arguments="")
    section = run_pytest(tmp_path, source, with_hypothesis=True, more={"CI": "true"}).sections["test_fails"]
    _, *words = shlex.split(section.rpartition("replay: ")[2])
    assert words[-1] == "--hypothesis-profile=ci"
    assert worlds_of(run_words(tmp_path, words).sections["test_fails"]) == worlds_of(section)
