"""The simulator's execve and bproc_execmove, held against a second reading of the pages."""

from __future__ import annotations

import random
from collections import Counter

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.opinion.building import outcome_of
from tests.opinion.drafts import BASE
from tests.opinion.execs import Fate, Refused, admits, fates
from tests.opinion.generating import draw, images, pairs
from tests.opinion.kernels import kernel_fates
from tests.opinion.moves import execmove_fates
from tests.opinion.worlds import Call, World


def compare(world: World, call: Call) -> Fate:
    """Make the call; what the simulator says must be what the pages allow."""
    plain = fates if world.kernel == "documented" else kernel_fates
    judge = plain if call.node is None else execmove_fates
    allowed = judge(world, call)
    got = outcome_of(world, call)
    assert admits(allowed, got), f"got {got}; the pages allow {allowed}\nin {told(world)}\nby {call}"
    return got


def told(world: World) -> str:
    """Say a world without what every world has."""
    entries = {path: entry for path, entry in world.tree.entries.items() if BASE.get(path) != entry}
    return repr(attrs.evolve(world, tree=attrs.evolve(world.tree, entries=entries)))


@pytest.mark.parametrize("moving", [False, True], ids=["execve", "execmove"])
@given(rng=st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_any_world(rng: random.Random, moving: bool) -> None:
    compare(*draw(rng, moving=moving))


@pytest.mark.parametrize("moving", [False, True], ids=["execve", "execmove"])
def test_the_same_worlds_in_every_run(moving: bool) -> None:
    sweep(moving, 300)


@pytest.mark.slow
@pytest.mark.parametrize("moving", [False, True], ids=["execve", "execmove"])
def test_each_pair_of_defects(moving: bool) -> None:
    for seed in ("one", "two", "three"):
        for world, call in pairs(seed, moving=moving):
            compare(world, call)


def test_each_image() -> None:
    for world, call in images():
        compare(world, call)


@pytest.mark.parametrize("kernel", ["linux-2.4", "linux-2.6", "linux-6"])
def test_the_rules_of_a_kernel(kernel: str) -> None:
    for at in range(200):
        world, call = draw(random.Random(f"opinion/{at}"), moving=at % 2 == 1)
        # Where memory runs out in these kernels the pages leave to each of their steps.
        compare(attrs.evolve(world, kernel=kernel, memory_left=True), call)


@pytest.mark.slow
@pytest.mark.parametrize("moving", [False, True], ids=["execve", "execmove"])
def test_many_more_worlds_reach_every_errno_of_the_page(moving: bool) -> None:
    met = {fate.errno for fate in sweep(moving, 1500, "more") if isinstance(fate, Refused)}
    page = {
        "EPERM", "ENOMEM", "EBUSY", "EFAULT", "EACCES", "E2BIG", "ENOEXEC", "ENAMETOOLONG", "ENOENT", "ENOTDIR",
        "ELOOP", "ETXTBSY", "EIO", "ENFILE", "EINVAL",
    }  # fmt: skip
    assert met == (page | {"ENOSYS"} if moving else page - {"EBUSY"})


def sweep(moving: bool, worlds: int, seed: str = "opinion") -> Counter[Fate]:
    """Compare in seeded worlds; what was met there."""
    return Counter(compare(*draw(random.Random(f"{seed}/{at}"), moving=moving)) for at in range(worlds))


def test_the_pages_leave_little_open() -> None:
    """An oracle that allows everything would agree with everybody."""
    drawn = [draw(random.Random(f"opinion/{at}"), moving=True) for at in range(300)]
    assert sum(len(execmove_fates(*each)) == 1 for each in drawn) > 270


def test_other_rules_are_found_out() -> None:
    """The rules of Linux 6 are not the page's: the comparison tells them apart within as many worlds."""
    differ = 0
    for at in range(300):
        world, call = draw(random.Random(f"opinion/{at}"), moving=False)
        differ += not admits(fates(world, call), outcome_of(attrs.evolve(world, kernel="linux-6"), call))
    assert differ >= 3
