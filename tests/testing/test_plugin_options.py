"""The plugin at the edges: options, a marker that is wrong, workers of xdist, and what it imports."""

from __future__ import annotations

import re
import sys
import tomllib

import pytest

from tests.environment import TOP

LOADED = ("-p", "bprocsim.testing.plugin", "-p", "no:cacheprovider")


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """Give what runs pytest in fresh interpreters that find this project."""
    monkeypatch.setenv("PYTHONPATH", str(TOP))
    return pytester


def run(inner: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return inner.runpytest_subprocess(*LOADED, *arguments, timeout=120)


# ---- options -------------------------------------------------------------------------------------------

SEEDS = """
    import pytest
    import bprocsim as bp

    def test_fixture(bproc_cluster):
        assert (bproc_cluster.sim.seed, bproc_cluster.trace.level) == (41, "all")

    @pytest.mark.bprocsim(seed=3, trace="off")
    def test_marker(bproc_cluster):
        assert (bproc_cluster.sim.seed, bproc_cluster.trace.level) == (3, "off")

    def test_factory(make_aix_lpar):
        assert [make_aix_lpar().sim.seed, make_aix_lpar(seed=5).sim.seed] == [41, 5]

    def test_by_hand():
        assert bp.Cluster().sim.seed == 0
"""


def test_the_options_count_where_nothing_else_is_said(inner: pytest.Pytester) -> None:
    inner.makepyfile(SEEDS)
    result = run(inner, "--bprocsim-seed=41", "--bprocsim-trace=all")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["bprocsim: --bprocsim-seed=41 --bprocsim-trace=all"])


def test_without_options_the_header_says_nothing(inner: pytest.Pytester) -> None:
    result = run(inner)
    assert "bprocsim:" not in result.stdout.str()


def test_a_seed_that_is_none_is_told(inner: pytest.Pytester) -> None:
    result = run(inner, "--bprocsim-seed=soon")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*argument --bprocsim-seed: expected a number, or random, got 'soon'"])


def test_all_workers_of_a_run_have_its_random_seed_and_tell_of_worlds(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_each(bproc_cluster, number):
            assert False
        """
    )
    result = run(inner, "-n", "2", "--bprocsim-seed=random")
    result.assert_outcomes(failed=4)
    (chosen,) = re.findall(r"^bprocsim: --bprocsim-seed=(\d+)$", result.stdout.str(), re.MULTILINE)
    told = re.findall(r"^world: seed (\d+), bp.Cluster\(nodes=4, seed=\d+\)$", result.stdout.str(), re.M)
    assert told == [chosen] * 4
    replayed = re.findall(r"^replay: pytest .*--bprocsim-seed=(\d+)$", result.stdout.str(), re.MULTILINE)
    assert replayed == [chosen] * 4


# ---- the marker --------------------------------------------------------------------------------------


def test_a_wrong_marker_fails_when_tests_are_collected_by_name(inner: pytest.Pytester) -> None:
    files = {
        "unknown": ("nods=8", "bproc_cluster"),
        "positional": ("8", "bproc_cluster"),
        "useless": ("smt=4", "bproc_cluster"),
        "given": ("sim=None", "aix_lpar"),
        "strange": ("colour='red'", "aix_lpar"),
    }
    for name, (said, fixture) in files.items():
        inner.makepyfile(
            **{f"test_{name}": f"import pytest\n@pytest.mark.bprocsim({said})\ndef test_it({fixture}):\n    pass\n"}
        )
    result = run(inner, "--continue-on-collection-errors")
    result.assert_outcomes(errors=5)
    marker = "test_it: @pytest.mark.bprocsim: "
    result.stdout.fnmatch_lines_random(
        [
            f"{marker}nods: neither Cluster nor Lpar has such a keyword; did you mean nodes[?]",
            f"{marker}it takes keywords alone, such as nodes=8, and got 8",
            f"{marker}smt: is a keyword of Lpar, and this test uses a Cluster alone",
            f"{marker}sim: the fixtures of a test make its world themselves; *",
            f"{marker}colour: neither Cluster nor Lpar has such a keyword; they have boot, *",
        ]
    )
    assert "Traceback" not in result.stdout.str()


def test_a_marker_of_a_class_a_module_or_a_parameter_is_looked_at_too(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        test_of_module="import pytest\npytestmark = pytest.mark.bprocsim(nods=1)\ndef test_it(): pass\n",
        test_of_class="import pytest\n@pytest.mark.bprocsim(nods=2)\nclass TestIt:\n    def test_it(self): pass\n",
        test_of_parameter="import pytest\n"
        "@pytest.mark.parametrize('n', [1, pytest.param(2, marks=pytest.mark.bprocsim(nods=3))])\n"
        "def test_it(n): pass\n",
    )
    run(inner, "--continue-on-collection-errors").assert_outcomes(errors=3)


def test_a_value_that_is_refused_is_told_without_a_traceback(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        """
        import pytest
        pytestmark = pytest.mark.bprocsim(nodes=-1)

        def test_fixture(bproc_cluster):
            pass

        @pytest.fixture
        def late(request):
            request.node.add_marker(pytest.mark.bprocsim(nods=3))

        @pytest.mark.bprocsim(nodes=1)
        def test_late(late, bproc_cluster):
            pass
        """
    )
    result = run(inner)
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(
        [
            "@pytest.mark.bprocsim: nodes: expected at least 0, got -1",
            "@pytest.mark.bprocsim: nods: neither Cluster nor Lpar has such a keyword; did you mean nodes[?]",
        ]
    )
    assert "fixtures.py" not in result.stdout.str()


def test_the_marker_is_known_where_markers_must_be(inner: pytest.Pytester) -> None:
    inner.makepyfile("import pytest\n@pytest.mark.bprocsim(nodes=2)\ndef test_it(bproc_cluster): pass\n")
    run(inner, "--strict-markers").assert_outcomes(passed=1)
    run(inner, "--markers").stdout.fnmatch_lines(["@pytest.mark.bprocsim(**keywords): how bproc_cluster, *"])


# ---- what it imports ---------------------------------------------------------------------------------


def test_what_is_not_used_is_not_imported(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        """
        import sys

        def test_no_worlds():
            assert "bprocsim.testing.plugin" in sys.modules
            unwanted = {"simpy", "cattrs", "hypothesis", "bprocsim.world.simulation", "bprocsim.cli", "rich"}
            assert unwanted.isdisjoint(sys.modules)

        def test_worlds(bproc_cluster, aix_lpar, make_bproc_cluster):
            make_bproc_cluster()
            assert "simpy" in sys.modules
            assert {"cattrs", "hypothesis", "bprocsim.cli", "rich"}.isdisjoint(sys.modules)

        def test_fails(bproc_cluster):
            assert False

        def test_still_not():
            assert {"cattrs", "hypothesis", "bprocsim.cli", "rich"}.isdisjoint(sys.modules)
        """
    )
    run(inner).assert_outcomes(passed=3, failed=1)


def test_pytest_finds_the_plugin_by_its_entry_point() -> None:
    entries = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]["pytest11"]
    # Named as the module, or -p and pytest_plugins would load it twice where it is installed.
    assert entries == {"bprocsim.testing.plugin": "bprocsim.testing.plugin"}
    assert "bprocsim.testing.plugin" in sys.modules


def test_every_fixture_says_what_it_gives(inner: pytest.Pytester) -> None:
    result = run(inner, "--fixtures")
    for name in (
        "bproc_sim",
        "bproc_cluster",
        "aix_lpar",
        "make_bproc_cluster [[]session scope]",
        "make_aix_lpar [[]session scope]",
    ):
        result.stdout.fnmatch_lines([f"{name} -- *", "    Give *"], consecutive=True)
