"""What the plugin tells of worlds when a test fails: seed, faults, trace, and how to run it again."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import bprocsim as bp
from bprocsim.cli import main
from bprocsim.testing.plugin.parting import parting_of
from bprocsim.trace import Trace
from tests.testing.inner import LOADED, Run, run_pytest, run_words

SOURCE = """
import gc
import weakref

def test_passes():
    bp.Cluster(nodes=7)

@pytest.mark.bprocsim(nodes=2, seed=5, faults=[bp.PowerOff(node=1, at_ns=10)])
def test_plain(bproc_cluster):
    bproc_cluster.bproc_execmove(0, "/bin/nothing")
    assert False

def test_without_a_world():
    assert False

@pytest.fixture
def mine():
    return bp.Lpar(cores=1, seed=1)

def test_anywhere(mine, bproc_cluster):
    bp.Cluster(nodes=3, seed=2, order="random", trace="off")  # nobody holds it any more
    sim = bp.Simulation(seed=3, trace="all")
    sim.cluster(nodes=1, name="east")
    sim.lpar(cores=2, name="west")
    with pytest.raises(ValueError):
        bp.Cluster(nodes=-1, seed=4)
    assert False

@pytest.fixture
def broken(bproc_cluster):
    raise RuntimeError("in the set-up")

def test_set_up(broken):
    pass

@pytest.fixture
def late():
    yield
    bp.Cluster(nodes=9)
    raise RuntimeError("in the teardown")

def test_teardown(late):
    pass

def test_both(late, bproc_cluster):
    assert False

@pytest.fixture
def breaks():
    yield
    raise RuntimeError("in the teardown")

def test_nothing_new(breaks, bproc_cluster):
    assert False

def test_subtests(subtests):
    for number in (1, 2):
        with subtests.test(number=number):
            bp.Cluster(nodes=number)
            assert False

def test_thousand():
    worlds = []
    for seed in range(1000):
        cluster = bp.Cluster(nodes=1, seed=seed, faults=[bp.PowerOff(node=0)] if seed == 7 else ())
        worlds.append(weakref.ref(cluster))
    del cluster
    gc.collect()
    assert not any(world() for world in worlds), "the plugin keeps worlds alive"
    assert False, "as it should"

def test_sweep():
    from bprocsim.testing import Scenario, each_single_fault
    scenario = Scenario(cluster={"nodes": 1}, call=[{"call": "bproc_execmove", "node": 0, "cmd": "/bin/true"}])
    assert not each_single_fault(scenario).ok, "so it fails"

def test_long(bproc_cluster):
    for number in range(300):
        bproc_cluster.execve(f"/bin/{number}")
    bproc_cluster.execve("/bin/" + "x" * 200, ["y" * 100] * 9)
    assert False

@pytest.mark.xfail
def test_fails_as_expected(bproc_cluster):
    assert False

def test_is_skipped(bproc_cluster):
    pytest.skip()

@pytest.mark.parametrize("node", [0, 1, 7])
def test_each(bproc_cluster, node):
    bproc_cluster.install("/bin/p", lambda proc: 0)
    bproc_cluster.execve("/bin/nothing")
    assert bproc_cluster.bproc_execmove(node, "/bin/p").exit_status == 0

def test_after(bproc_cluster):
    assert False

@pytest.fixture(scope="class")
def for_all(make_bproc_cluster):
    return make_bproc_cluster(nodes=2)

class TestShared:
    def test_first(self, for_all):
        for_all.execve("/bin/nothing")
        for_all.sim.lpar(cores=1)

    def test_shared(self, for_all):
        bp.Cluster(nodes=3)
        assert False

    def test_does_not_share(self, bproc_sim):
        assert False

def test_uses_it_anew(for_all):
    assert False

@pytest.mark.parametrize("number", [1, 2])
def test_never_passes(bproc_cluster, number):
    bproc_cluster.execve(f"/bin/{number}")
    assert False

@pytest.mark.parametrize("number", [0, 1])
def test_injects(bproc_cluster, number):
    if number:
        bproc_cluster.inject(bp.MemoryFull(0, 5, at_ns=10**12))
    assert not number

class TestMakesOne:
    @pytest.fixture(scope="class")
    @classmethod
    def maybe(cls):
        return bp.Cluster(nodes=5)

    def test_it(self, maybe):
        pass

class TestMakesNone:
    @pytest.fixture(scope="class")
    @classmethod
    def maybe(cls):
        return None

    def test_has_none(self, maybe):
        assert False

from bprocsim.testing import Scenario

def test_scenario():
    call = {"call": "bproc_execmove", "node": 1, "cmd": "/bin/sh"}
    Scenario(cluster={"nodes": 2}, trace="all", call=[call]).play()
    mine = {"path": "/bin/mine", "program": lambda proc: 0}
    out = Scenario(cluster={"nodes": 2}, call=[call | {"cmd": "/bin/mine"}], file=[mine]).run()
    assert out.failed
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_pytest(tmp_path_factory.mktemp("report"), SOURCE)


def test_every_failure_with_worlds_tells_of_them_and_nothing_else_does(run: Run) -> None:
    assert run.counts == {"passed": 7, "failed": 21, "error": 4, "skipped": 1, "xfailed": 1}
    assert {*run.sections} == {
        "test_plain", "test_anywhere", "test_set_up", "test_teardown", "test_both", "test_thousand", "test_sweep",
        "test_long", "test_each", "test_after", "test_scenario", "test_shared",
        "test_does_not_share", "test_injects", "test_never_passes", "test_uses_it_anew", "test_nothing_new",
        "test_subtests",
    }  # fmt: skip


def test_who_fails_several_times_tells_of_what_is_new(run: Run) -> None:
    told = [name for name, _ in run.all_sections]
    assert [told.count(name) for name in ("test_both", "test_subtests", "test_nothing_new")] == [2, 2, 1]
    assert run.sections["test_subtests"].splitlines()[3] == "world 2 of 2: seed 0, bp.Cluster(nodes=2)"


def test_seed_faults_trace_and_one_command_are_told(run: Run) -> None:
    assert run.sections["test_plain"].splitlines() == [
        "world: seed 5, bp.Cluster(nodes=2, seed=5, faults=[bp.PowerOff(1, at_ns=10)])",
        "  faults:",
        "    <bp.PowerOff(1, at_ns=10), struck>",
        '  trace: 2 records, failures and faults alone; trace="all" keeps everything',
        "        0.000010 ms  master             fault: bp.PowerOff(1, at_ns=10)",
        "        0.001000 ms  master     [1001]  "
        "_bproc_execmove_io(0, 0, '/bin/nothing', ['nothing'], []) = -1 ENOENT (cmd_absent)",
        "replay: pytest -p bprocsim.testing.plugin test_inner.py::test_plain --bprocsim-seed=0",
    ]


def test_worlds_made_anywhere_in_a_test_are_told_in_order(run: Run) -> None:
    section = run.sections["test_anywhere"]
    assert [line for line in section.splitlines() if line.startswith("world ")] == [
        "world 1 of 5: seed 1, bp.Lpar(cores=1, seed=1)",
        "world 2 of 5: seed 0, bp.Cluster(nodes=4)",
        "world 3 of 5: seed 2, bp.Cluster(nodes=3, seed=2, trace='off', order='random')",
        "world 4 of 5: seed 3, bp.Cluster(nodes=1, seed=3, name='east', trace='all'), "
        "bp.Lpar(cores=2, seed=3, name='west', trace='all')",
        "world 5 of 5: seed 4, no system",
    ]
    assert '  trace: off (trace="errors" or trace="all" keeps one)\n' in section
    assert "  trace: no records\n" in section  # under "all" nothing is left out


def test_of_a_thousand_worlds_the_last_ones_are_kept_and_none_is_kept_alive(run: Run) -> None:
    assert "the plugin keeps worlds alive" not in run.text
    first, *others = run.sections["test_thousand"].splitlines()
    assert first == "1000 worlds were made; of the first 984 nothing was kept"
    assert others[0] == "world 985 of 1000: seed 984, bp.Cluster(nodes=1, seed=984)"


def test_worlds_of_which_others_tell_are_counted(run: Run) -> None:
    first, *others = run.sections["test_sweep"].splitlines()
    assert re.fullmatch("each_single_fault made [1-9][0-9]* more, and tells of them itself", first)
    assert [line.partition(":")[0] for line in others if line.startswith("world")] == ["world"]


def test_only_the_last_lines_of_a_long_trace_are_told_and_long_lines_are_cut(run: Run) -> None:
    lines = run.sections["test_long"].splitlines()
    about = 'failures and faults alone; trace="all" keeps everything'
    at = lines.index(f"  trace: the last 12 of 301 records, {about}")
    shown = lines[at + 1 : -1]
    assert len(shown) == 12
    assert "'/bin/289'" in shown[0]
    assert len(shown[-1]) == 204
    assert shown[-1].endswith("...")


def test_the_last_run_that_passed_of_the_same_function_is_held_against_one_that_failed(run: Run) -> None:
    lines = run.sections["test_each"].splitlines()
    at = lines.index("  it parts from the last run that passed (test_each[1]) at record 2 of the trace:")
    assert lines[at + 1] == "    passed: (nothing more)"
    assert lines[at + 2].startswith("    failed: ")
    assert "after the exec: EINVAL (node_unknown)" in lines[at + 2]
    assert "passed" not in run.sections["test_after"]
    assert "passed" not in run.sections["test_never_passes"]
    line = "  in the last run that passed (test_injects[0]), its faults were none"
    assert line in run.sections["test_injects"].splitlines()


@pytest.mark.parametrize("limits", [(None, 3), (3, None), (4, 3), (None, None)])
def test_what_a_trace_has_dropped_is_not_compared(limits: tuple[int | None, int | None]) -> None:
    def traced(limit: int | None, last: str) -> Trace:
        world = bp.Cluster(nodes=1, trace_limit=limit)
        for name in ("a", "b", "c", "d", last):
            world.execve(f"/bin/{name}")
        return world.trace

    parting = parting_of(traced(limits[0], "e"), traced(limits[1], "x"))
    assert parting is not None and parting.passed is not None and parting.failed is not None
    assert (parting.number, "'/bin/e'" in parting.passed, "'/bin/x'" in parting.failed) == (5, True, True)


def test_worlds_of_a_fixture_that_outlives_tests_are_told_to_each_that_uses_it(run: Run) -> None:
    lines = run.sections["test_shared"].splitlines()
    assert lines[:2] == [
        "of the fixture for_all, which other tests may have used:",
        "world: seed 0, bp.Cluster(nodes=2), bp.Lpar(cores=1)",
    ]
    assert "'/bin/nothing'" in lines[4]
    assert lines[5] == "world: seed 0, bp.Cluster(nodes=3)"
    assert "for_all" not in run.sections["test_does_not_share"]
    anew = run.sections["test_uses_it_anew"]
    assert "world: seed 0, bp.Cluster(nodes=2)\n" in anew
    assert "no records" in anew


def test_a_scenario_that_was_played_is_replayed_by_its_token(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    lines = run.sections["test_scenario"].splitlines()
    # A token holds no code: there is none for the second, whose program is a function of the test.
    (words,) = [shlex.split(line.partition(": ")[2]) for line in lines if line.startswith("  this world alone: ")]
    assert words[:2] == ["bprocsim", "replay"]
    assert main(words[1:]) == 0
    assert "the same as in the first run" in capsys.readouterr().out


# ---- the command that replays it ---------------------------------------------------------------------

FAILS = """
@pytest.mark.parametrize("name", ["a b"])
def test_fails(make_bproc_cluster, name):
    cluster = make_bproc_cluster(trace="all")
    cluster.run(["bpsh", "0-3", "hello"])
    assert False, cluster.trace.digest()

def test_is_not_run_again():
    assert False
"""


@pytest.mark.slow
@pytest.mark.parametrize("where", ["here", "above", "elsewhere"])
def test_the_command_runs_the_test_again_with_the_same_worlds(tmp_path: Path, where: str) -> None:
    folders = {name: tmp_path / name for name in ("some dir", "other")}
    for folder in folders.values():
        folder.mkdir()
    start = {"here": folders["some dir"], "above": tmp_path, "elsewhere": folders["other"]}[where]
    run_pytest(folders["some dir"], FAILS, "--collect-only")
    first = run_words(start, [*LOADED, f"--rootdir={tmp_path}", "--bprocsim-seed=77", str(folders["some dir"])])
    section = first.sections["test_fails"]
    assert "seed 77" in section
    pytest_word, *words = shlex.split(section.rpartition("replay: ")[2])
    assert pytest_word == "pytest"
    again = run_words(start, words)
    assert again.counts == {"failed": 1}
    told = section.partition("replay: ")[0]
    assert again.sections["test_fails"].partition("replay: ")[0] == told
