"""What each strategy gives: it can be used, and its repr builds it again; no health check complains."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import find, given
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.testing import FileTree
from bprocsim.testing import strategies as bst
from tests.strategies.generating import FEW, MANY, SMALLEST, WITHOUT_SHRINKING, rebuilt

TOP = Path(__file__).parents[2]


def check(out: bp.Outcome) -> None:
    """Hold an outcome against itself: -1 with a row of the table, or an end of the process."""
    assert out.exception is None or isinstance(out.exception, bp.CallError)
    assert out.failed == (out.errno is not None)
    assert out.returned or (out.exit_status is None) != (out.signal is None)
    assert out.row is None or (out.errors is not None and out.row in out.errors.rows)


@MANY
@given(bst.clusters())
def test_clusters(cluster: bp.Cluster) -> None:
    assert 1 <= len(cluster.nodes) <= 5
    assert repr(rebuilt(cluster)) == repr(cluster)
    assert not cluster.planned


@MANY
@given(bst.clusters(min_nodes=2, max_nodes=3, editions=["lanl32"], alike=True, kernel="linux-6", trace="all"))
def test_clusters_as_asked_for(cluster: bp.Cluster) -> None:
    assert len(cluster.nodes) in (2, 3)
    assert (cluster.edition.name, cluster.kernel.name, cluster.trace.level) == ("lanl32", "linux-6", "all")
    assert "NodeSpec" not in repr(cluster)


@MANY
@given(bst.topologies())
def test_topologies(lpar: bp.Lpar) -> None:
    shape = lpar.partition.topology
    assert 1 <= shape.srads <= shape.cores <= 8
    assert repr(rebuilt(lpar)) == repr(lpar)


@FEW
@given(bst.topologies(cores=3, smt=2, level="6.1.5", cpu=bp.models["POWER7"], seed=4))
def test_topologies_as_asked_for(lpar: bp.Lpar) -> None:
    shape = lpar.partition.topology
    assert (shape.cores, shape.smt, lpar.level.name, lpar.cpu.name, lpar.sim.seed) == (3, 2, "6.1.5", "POWER7", 4)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: bst.clusters(min_nodes=3, max_nodes=2), "min_nodes, max_nodes: expected 0 <= min_nodes <= max_nodes"),
        (lambda: bst.topologies(max_cores=0), "max_cores: expected at least 1, got 0"),
        (lambda: bst.rsets(bp.Lpar(1, 2), min_size=3), "min_size: expected 0 to 2, the processors of this partition"),
    ],
)
def test_numbers_that_cannot_be(make: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        make()


@pytest.mark.parametrize(
    ("strategy", "system", "told"),
    [
        (bst.rsets, bp.Cluster(1), "lpar: expected a Lpar, got bp.Cluster"),
        (bst.exclusive_sets, bp.Cluster(1), "lpar: expected a Lpar, got bp.Cluster"),
        (bst.ra_exec_calls, bp.Cluster(1), "lpar: expected a Lpar, got bp.Cluster"),
        (bst.execmove_calls, bp.Lpar(1), "cluster: expected a Cluster, got bp.Lpar"),
    ],
)
def test_another_system_than_is_needed(strategy: Any, system: Any, told: str) -> None:
    with pytest.raises(TypeError, match=told):
        find(strategy(system), bool)


@pytest.mark.parametrize(
    ("strategy", "written"),
    [
        (bst.clusters(), "thing=bp.Cluster(nodes=1)"),
        (bst.rsets(bp.Lpar(2, 2)), "thing=bp.Rset.of('')"),
        (bst.users(), "thing=bp.User('a', bp.Credentials(500, 500))"),
        (bst.credentials(), "thing=bp.Credentials(500, 500)"),
        (bst.execmove_calls(bp.Cluster(1)), "thing=bp.Call('bproc_execmove', 0, '/bin/sh')"),
        (bst.failing("rs_op", "id_invalid"), "thing=bp.testing.LparCase(call='rs_op', command=12, id=1024)"),
    ],
)
def test_hypothesis_prints_what_can_be_given_as_an_example(strategy: Any, written: str) -> None:
    @SMALLEST
    @given(strategy)
    def fails(thing: Any) -> None:
        raise AssertionError("as planned")

    with pytest.raises(AssertionError, match="as planned") as caught:
        fails()
    assert written in "".join(caught.value.__notes__)


@MANY
@given(bst.filesystems())
def test_filesystems(tree: FileTree) -> None:
    assert rebuilt(tree) == tree
    files = tree.build(bp.Cluster(1).master.fs)
    assert all(files.lstat(path) for path in tree.paths)
    assert len(tree.calls) <= 16


@MANY
@given(bst.elf_images())
def test_elf_images(image: bp.ElfImage) -> None:
    assert rebuilt(image) == image
    assert rebuilt(image).to_bytes() == image.to_bytes()


@MANY
@given(bst.elf_images(sound=True))
def test_sound_images_are_executed_by_their_machine(image: bp.ElfImage) -> None:
    """Where their loader is there and theirs too; a library that is not makes the loader exit."""
    cluster = bp.Cluster(1, kernel="linux-6", master=bp.NodeSpec(arch=image.machine))
    cluster.master.fs.write_file("/a", image.to_bytes(), mode=0o755)
    out = cluster.execve("/a")
    missing = not all(map(cluster.master.fs.exists, image.interpreters))
    assert out.errno in ((bp.Errno.ENOENT,) if missing else (None, bp.Errno.ELIBBAD))


@MANY
@given(bst.users(capabilities=True))
def test_users(user: bp.User) -> None:
    assert rebuilt(user) == user
    check(bp.Lpar(1).ra_execv(bp.R_SRADID, 0, 0, "/usr/bin/sh", user=user))


@MANY
@given(bst.clusters(), bst.filesystems(), st.data())
def test_execmove_calls(cluster: bp.Cluster, tree: FileTree, data: st.DataObject) -> None:
    tree.build(cluster.master.fs)
    alice = cluster.user("alice", 500, 500)
    call = data.draw(bst.execmove_calls(cluster))
    assert rebuilt(call) == call
    assert call.name in ("bproc_execmove", "bproc_execmove_io")
    check(call(cluster))
    assert "User" not in repr(call) or call.keywords["user"] == alice


@MANY
@given(bst.topologies(max_cores=4), st.data())
def test_ra_exec_calls_and_sets(lpar: bp.Lpar, data: st.DataObject) -> None:
    there = lpar.rset(range(lpar.partition.topology.cores * lpar.partition.topology.smt))
    first = data.draw(bst.exclusive_sets(lpar))
    assert len(first) > 0
    assert first <= there
    if lpar.level.exclusive_sets:
        assert lpar.mkrset("sysxrset/app", first).value == 0
        assert data.draw(bst.exclusive_sets(lpar)) <= first
    some = data.draw(bst.rsets(lpar, min_size=1))
    assert some
    assert (some <= there, rebuilt(some) == some) == (True, True)
    call = data.draw(bst.ra_exec_calls(lpar))
    assert rebuilt(call) == call
    check(call(lpar))


CLUSTER, LPAR = bp.Cluster(3), bp.Lpar(2, 2)


@pytest.mark.parametrize(
    ("strategy", "there"),
    [
        (bst.rsets(LPAR, absent=True), lambda rset: not rset <= LPAR.rset("0-3")),
        (bst.execmove_calls(CLUSTER), lambda call: call.keywords.get("from_node", -1) >= 0),
        (bst.execmove_calls(CLUSTER), lambda call: "input" in call.keywords),
        (bst.ra_exec_calls(LPAR), lambda call: call.args[0] == bp.R_PROCESS),
        (bst.filesystems(), lambda tree: any(each.name == "link" for each in tree.calls)),
        (bst.filesystems(), lambda tree: any(each.name == "mount" and each.keywords for each in tree.calls)),
        (bst.credentials(), lambda who: who.euid != who.uid),
        (bst.credentials(), lambda who: len(who.groups) > 1),
        (bst.credentials(capabilities=True), lambda who: who.capabilities not in (None, frozenset())),
    ],
)
def test_now_and_then_there_is_something_odd(strategy: Any, there: Any) -> None:
    find(strategy, there, settings=WITHOUT_SHRINKING)


def test_a_drawn_set_is_a_set_like_any_other() -> None:
    drawn: list[bp.Rset] = []

    @WITHOUT_SHRINKING
    @given(bst.rsets(bp.Lpar(2, 2)))
    def draws(rset: bp.Rset) -> None:
        drawn.append(rset)

    draws()
    assert {repr(each) for each in drawn} >= {"bp.Rset.of('')", "bp.Rset.of('0')", "bp.Rset.of('0-3')"}
    assert all(repr(each | each) == repr(bp.Rset(each.processors)) for each in drawn)


def test_calls_come_to_much_of_what_they_can_come_to() -> None:
    """Success in a good part of them, and otherwise one thing or another."""
    met: dict[str, list[str | None]] = {"cluster": [], "lpar": []}

    @WITHOUT_SHRINKING
    @given(st.data())
    def makes(data: st.DataObject) -> None:
        cluster, lpar = bp.Cluster(3, edition="lanl32"), bp.Lpar(2, 2)
        cluster.nodes[2].chmod(0)
        cluster.user("alice", 500, 500)
        lpar.mkrset("sysxrset/app", "2-3")
        met["cluster"].append(data.draw(bst.execmove_calls(cluster))(cluster).cause)
        met["lpar"].append(data.draw(bst.ra_exec_calls(lpar))(lpar).cause)

    makes()
    for causes in met.values():
        assert len(set(causes)) >= 8, set(causes)
        assert len(causes) // 5 < causes.count(None) < len(causes) // 2


# ---- what Hypothesis finds by itself -----------------------------------------------------------------


@pytest.mark.parametrize("kind", [bp.Cluster, bp.Lpar, bp.ElfImage, bp.User, bp.Credentials])
def test_from_type(kind: type) -> None:
    found: set[str] = set()

    @WITHOUT_SHRINKING
    @given(st.from_type(kind))
    def draws(thing: Any) -> None:
        assert type(thing) is kind
        found.add(repr(thing))

    draws()
    assert len(found) > 10


_FRESH = """
import json, sys
before = set(sys.modules)
{code}
print(json.dumps([sorted(set(sys.modules) - before), {told}]))
"""


def fresh(code: str, told: str, *beside: Path) -> Any:
    """What a fresh interpreter has fetched by some code, and what it tells."""
    import json

    path = os.pathsep.join(map(str, [*beside, TOP]))
    done = subprocess.run(
        [sys.executable, "-c", _FRESH.format(code=code, told=told)],
        capture_output=True, encoding="utf-8", check=False, cwd=TOP, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Make what an installed package has beside it: its entry points, as pyproject.toml has them."""
    points = tomllib.loads((TOP / "pyproject.toml").read_text("utf-8"))["project"]["entry-points"]["hypothesis"]
    place = tmp_path / "bprocsim_told-1.0.dist-info"
    place.mkdir()
    (place / "METADATA").write_text("Metadata-Version: 2.1\nName: bprocsim-told\nVersion: 1.0\n", "utf-8")
    lines = "".join(f"{name} = {value}\n" for name, value in points.items())
    (place / "entry_points.txt").write_text(f"[hypothesis]\n{lines}", "utf-8")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("first", ["import bprocsim as bp; bp.Cluster", "import hypothesis"])
def test_the_entry_point_tells_hypothesis_of_our_classes(installed: Path, first: str) -> None:
    """Whoever is imported first, and with nothing of the kit imported by the user."""
    code = f"{first}\nimport bprocsim as bp\nfrom hypothesis import find, settings, strategies as st"
    found = "find(st.from_type(kind), lambda _: True, settings=settings(database=None))"
    told = f"[repr({found}) for kind in (bp.Cluster, bp.Lpar)]"
    _, written = fresh(code, told, installed)
    assert written == ["bp.Cluster(nodes=1)", "bp.Lpar(cores=1, smt=1)"]


def test_the_entry_point_fetches_no_world(installed: Path) -> None:
    """Whoever imports Hypothesis pays for nothing of ours that he does not use."""
    fetched, _ = fresh("import hypothesis.strategies", "0", installed)
    ours = [name for name in fetched if name.startswith(("bprocsim", "simpy"))]
    assert set(ours) <= {
        "bprocsim", "bprocsim.costs", "bprocsim.signals", "bprocsim.units", "bprocsim.testing",
        "bprocsim.testing.registering",
    }  # fmt: skip
    assert "bprocsim.testing.registering" in ours


@pytest.mark.parametrize("name", ["bprocsim", "bprocsim.testing", "bprocsim.testing.rows.recipes"])
def test_nobody_else_fetches_hypothesis(name: str) -> None:
    fetched, _ = fresh(f"import {name}", "0")
    assert [each for each in fetched if each.startswith(("hypothesis", "pytest", "_pytest"))] == []
