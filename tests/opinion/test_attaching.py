"""The simulator's ra_exec family, held against a second reading of the pages."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.opinion.attaching import EVERY_ID, Attached, Result, refuse_attachment, results
from tests.opinion.execs import Refused
from tests.opinion.lparbuilding import build, handle, result_of
from tests.opinion.lpargenerating import draw
from tests.opinion.lpars import Attach, Partition


def compare(partition: Partition, call: Attach) -> Result:
    """Make the call; what the simulator says must be what the pages allow."""
    allowed, got = results(partition, call), result_of(partition, call)
    assert got in allowed, f"got {got}; the pages allow {allowed}\nin {partition}\nby {call}"
    return got


@given(rng=st.randoms(use_true_random=False))
@settings(max_examples=100)
def test_any_partition(rng: random.Random) -> None:
    compare(*draw(rng))


def test_the_same_partitions_in_every_run() -> None:
    sweep(300)


def test_a_fork_is_attached_by_the_same_rules() -> None:
    met = Counter[str | None]()
    for at in range(300):
        partition, call = draw(random.Random(f"fork/{at}"))
        refused = refuse_attachment(partition, call.rstype, call.rsid, call.flags)
        built = build(partition)
        mine = frozenset(built.lpar.effective_rset(built.caller.pid))
        rsid = handle(built.lpar, call.rsid)
        out = built.lpar.ra_fork(call.rstype, rsid, call.flags, lambda proc: 0, caller=built.caller)
        got = out.errno.name if out.errno is not None else None
        assert got == refused, f"got {got}; the pages allow {refused}\nin {partition}\nby {call}"
        assert frozenset(built.lpar.effective_rset(built.caller.pid)) == mine, "the parent's own attachment changed"
        met[got] += 1
    assert set(met) >= {None, "EINVAL", "ENODEV", "EFAULT", "EPERM"}


@pytest.mark.slow
def test_many_more_partitions_reach_all_that_the_pages_tell() -> None:
    met = sweep(2000, "more")
    refused = {result.errno for result in met if isinstance(result, Refused)}
    added = {"EINVAL", "ENODEV", "EFAULT", "EPERM", "ENOTSUP"}
    assert refused == added | {
        "ENOENT", "EACCES", "ENOTDIR", "ENAMETOOLONG", "ETXTBSY", "ENOEXEC", "ELOOP", "E2BIG",
    }  # fmt: skip
    homes = {(result.ids == EVERY_ID, result.srad is not None) for result in met if isinstance(result, Attached)}
    assert homes == {(True, True), (False, True), (False, False)}


def sweep(partitions: int, seed: str = "opinion") -> Counter[Result]:
    """Compare in seeded partitions; what was met there."""
    return Counter(compare(*draw(random.Random(f"{seed}/{at}"))) for at in range(partitions))
