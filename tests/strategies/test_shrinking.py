"""The smallest example of a planted bug: fewer nodes, shorter names, nothing odd that is not needed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import find
from hypothesis import strategies as st

import bprocsim as bp
from bprocsim.testing import FileTree
from bprocsim.testing import strategies as bst
from tests.strategies.generating import SMALLEST


def smallest(strategy: st.SearchStrategy[Any], fails: Callable[[Any], bool]) -> str:
    """Find the smallest example in which something fails, and write it."""
    return repr(find(strategy, fails, settings=SMALLEST))


@st.composite
def launches(draw: st.DrawFn, /, **options: Any) -> tuple[bp.Cluster, bp.Call]:
    """Give a cluster and a call that is to be made there."""
    cluster = draw(bst.clusters(**options))
    return cluster, draw(bst.execmove_calls(cluster))


@st.composite
def attachments(draw: st.DrawFn, /, **options: Any) -> tuple[bp.Lpar, bp.Call]:
    """Give a partition and a call that is to be made there."""
    lpar = draw(bst.topologies(**options))
    return lpar, draw(bst.ra_exec_calls(lpar))


# ---- worlds ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "wrong", "expected"),
    [
        (bst.clusters(), lambda _: True, "bp.Cluster(nodes=1)"),
        (bst.clusters(), lambda cluster: len(cluster.nodes) > 2, "bp.Cluster(nodes=3)"),
        (bst.clusters(), lambda cluster: cluster.edition.io_lists, "bp.Cluster(nodes=1, edition='lanl32')"),
        (bst.clusters(min_nodes=0), lambda _: True, "bp.Cluster(nodes=0)"),
        pytest.param(
            bst.clusters(), lambda cluster: len({each.memory.total_bytes for each in cluster.nodes}) > 1,
            "bp.Cluster(nodes=[bp.NodeSpec(), bp.NodeSpec(memory_bytes=1048576)])", marks=pytest.mark.slow,
        ),
        (bst.topologies(), lambda _: True, "bp.Lpar(cores=1, smt=1)"),
        (bst.topologies(), lambda lpar: lpar.partition.topology.srads > 1, "bp.Lpar(cores=2, smt=1, srads=2)"),
        (
            bst.topologies(), lambda lpar: lpar.partition.topology.smt > 4,
            "bp.Lpar(cores=1, smt=8, cpu='POWER8')",
        ),
        (bst.topologies(), lambda lpar: lpar.level.lacks, "bp.Lpar(cores=1, smt=1, level='5.2')"),
        (bst.users(), lambda _: True, "bp.User('a', bp.Credentials(500, 500))"),
        (bst.users(), lambda user: user.uid != user.gid, "bp.User('a', bp.Credentials(500, 501))"),
        (bst.elf_images(), lambda _: True, "bp.ElfImage()"),
        (
            bst.elf_images(), lambda image: len(image.interpreters) > 1,
            "bp.ElfImage(interpreters=('/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux.so.2'))",
        ),
        (bst.rsets(bp.Lpar(4, 2)), lambda _: True, "bp.Rset.of('')"),
        (bst.rsets(bp.Lpar(4, 2)), lambda rset: 5 in rset, "bp.Rset.of('5')"),
        (bst.exclusive_sets(bp.Lpar(4, 2)), lambda _: True, "bp.Rset.of('0')"),
    ],
)  # fmt: skip
def test_the_smallest_world(strategy: Any, wrong: Callable[[Any], bool], expected: str) -> None:
    assert smallest(strategy, wrong) == expected


# ---- files -------------------------------------------------------------------------------------------


def crawls_badly(tree: FileTree) -> bool:
    """Tell whether a crawler that follows links for ever comes to no end."""
    files = tree.build(bp.Cluster(1).master.fs)
    return any(_leads_on_and_on(files, path) for path in tree.paths)


def _leads_on_and_on(files: Any, path: str) -> bool:
    for _ in range(40):
        try:
            target = files.readlink(path)
        except OSError:
            return False
        path = target if target.startswith("/") else f"{path.rpartition('/')[0]}/{target}"
    return True


def test_a_crawler_that_goes_in_circles() -> None:
    assert smallest(bst.filesystems(), crawls_badly) == "bp.testing.FileTree(bp.Call('symlink', '/a', '/a'))"


def statuses(tree: FileTree, depth: int) -> list[Any]:
    """Tell of what lies so deep in a tree, once it is built."""
    files = tree.build(bp.Cluster(1).master.fs)
    return [files.lstat(path) for path in tree.paths if path.count("/") == depth]


def test_a_tool_that_forgets_set_ids() -> None:
    def forgets(tree: FileTree) -> bool:
        return any(each.kind == "file" and each.mode & 0o4000 for each in statuses(tree, 1))

    assert smallest(bst.filesystems(), forgets) == (
        "bp.testing.FileTree(bp.Call('write_file', '/a', b'', mode=0o4755))"
    )


@pytest.mark.slow
def test_a_tool_that_forgets_what_lies_in_directories() -> None:
    assert smallest(bst.filesystems(), lambda tree: any(each.kind == "file" for each in statuses(tree, 2))) == (
        "bp.testing.FileTree(bp.Call('mkdir', '/a', mode=0o755), bp.Call('write_file', '/a/a', b'', mode=0o755))"
    )


# ---- launchers ---------------------------------------------------------------------------------------


def takes_high_statuses_for_signals(launch: tuple[bp.Cluster, bp.Call]) -> bool:
    """Tell whether a launcher that takes a status of 100 and more for a signal misjudges this run."""
    cluster, call = launch
    out = call(cluster)
    return out.exit_status is not None and out.exit_status >= 100


@pytest.mark.slow
def test_a_launcher_that_takes_high_statuses_for_signals() -> None:
    assert smallest(launches(), takes_high_statuses_for_signals) == (
        "(bp.Cluster(nodes=1), bp.Call('bproc_execmove_io', 0, 4000, '/bin/sh', listen=False))"
    )


@pytest.mark.slow
def test_a_launcher_that_forgets_who_calls() -> None:
    def forgets(launch: tuple[bp.Cluster, bp.Call]) -> bool:
        cluster, call = launch
        cluster.nodes[0].chmod(0o110)
        return bool(call(cluster).cause == "node_not_permitted")

    assert smallest(launches(), forgets) == (
        "(bp.Cluster(nodes=1), bp.Call('bproc_execmove', 0, '/bin/sh', user=bp.Credentials(500, 500)))"
    )


@pytest.mark.slow
def test_a_scheduler_that_forgets_siblings() -> None:
    """It asks for single threads of cores that it was not given whole."""

    def forgets(attachment: tuple[bp.Lpar, bp.Call]) -> bool:
        lpar, call = attachment
        lpar.mkrset("sysxrset/app", lpar.effective_rset(lpar.idle_process().pid))
        return bool(call(lpar).cause == "st_set_empty")

    assert smallest(attachments(), forgets) == (
        "(bp.Lpar(cores=1, smt=2), bp.Call('ra_execv', 2, bp.Rset.of('0'), 256, '/usr/bin/sh', []))"
    )


# ---- worlds of rows ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "wrong", "expected"),
    [
        ("bproc_execmove", lambda _: True, "bp.testing.Case()"),
        ("bproc_execmove", lambda case: case.run().errno is bp.Errno.ENOENT, "bp.testing.Case(cmd='empty')"),
        ("bproc_execmove", lambda case: case.run().late_errno is not None, "bp.testing.Case(daemon_ends=True)"),
        ("bproc_chmod", lambda case: case.who == "stranger", "bp.testing.NodeCase(call='bproc_chmod', who='stranger')"),
        ("ra_exec", lambda case: case.run().cause == "st_set_empty", "bp.testing.LparCase(flags=256, processors='5')"),
    ],
)  # fmt: skip
def test_the_smallest_world_of_a_row(call: str, wrong: Callable[[Any], bool], expected: str) -> None:
    assert smallest(bst.any_outcome(call), wrong) == expected


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        (lambda _: True, "bp.testing.Case(program=bp.testing.File('/program', missing=True))"),
        (
            lambda case: case.from_node == 1,
            "bp.testing.Case(program=bp.testing.File('/program', missing=True), from_node=1)",
        ),
        (
            lambda case: case.program.links > 1,
            "bp.testing.Case(program=bp.testing.File('/program', links=2, missing=True))",
        ),
    ],
)
def test_nothing_is_left_beside_a_row_that_is_not_needed(wrong: Callable[[Any], bool], expected: str) -> None:
    assert smallest(bst.failing("bproc_execmove", "cmd_absent"), wrong) == expected
