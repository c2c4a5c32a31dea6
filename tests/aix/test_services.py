"""All calls on sets with any arguments: every row can be asked, and a refusal changes nothing."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bprocsim.aix.levels import LEVELS
from bprocsim.aix.partition import Partition
from bprocsim.aix.placement import Attached, ProcessPlacement, ThreadPlacement
from bprocsim.aix.records import RadInfo, RsetAttributes
from bprocsim.aix.rset import RS_DEFAULT, Rset
from bprocsim.aix.service import Asker, Service
from bprocsim.faces.pointers import BAD_ADDRESS
from bprocsim.kernel.calls import runner
from bprocsim.manual import Fail
from bprocsim.posix.credentials import ROOT, Credentials
from tests.aix.partitions import ATTACHER, NOBODY, freed, made, process

MAKER = Credentials(502, 502, capabilities={"CAP_NUMA_ATTACH", "CAP_PROPAGATE"})

numbers = st.one_of(st.integers(-1, 3), st.sampled_from([4, 5, 8, 14, 99, 255, 256, 1023, 1024, 0o644]))
flags = st.sampled_from([0, 0, 0, 1, 2, 3, 4, 0x100, 0x101, -1])
# Never touched by a call that fails, so these may be made once for each example.
handles = st.builds(Rset, st.one_of(st.integers(0, 255), st.just(1 << 99)), st.integers(0, 3)) | st.builds(freed)
rsets = st.one_of(handles, handles, handles, st.sampled_from([None, BAD_ADDRESS, RS_DEFAULT, 3, "0-3"]))
words = st.sampled_from(["app", "app", "sysxrset", "sysxrset", "one", "two", "", "a/b", "x" * 256, None, BAD_ADDRESS])
slashed = st.sampled_from(["app/one", "app/two", "sysxrset/one", "sysxrset/two", "app", "a b/c", "/"])
records = st.one_of(
    st.builds(RsetAttributes, st.sampled_from([0, 501, 502]), st.sampled_from([0, 501, 7]), numbers), st.none()
)
pids = st.sampled_from([1001, 1001, -1, 1, 77])

ARGUMENTS: dict[str, tuple[st.SearchStrategy[Any], ...]] = {
    "rs_alloc": (numbers,),
    "rs_init": (rsets, numbers),
    "rs_op": (st.integers(0, 15), rsets, rsets, flags, numbers),
    "rs_getinfo": (rsets, st.integers(-1, 15), flags),
    "rs_numrads": (rsets, numbers, flags),
    "rs_getrad": (rsets, rsets, numbers, numbers, flags),
    "rs_getassociativity": (st.integers(0, 3), numbers, st.sampled_from([None, 1]) | st.builds(list), numbers),
    "rs_info": (st.builds(RadInfo) | st.none(), st.integers(0, 4), numbers, numbers),
    "rs_setpartition": (pids, rsets, flags),
    "rs_getpartition": (pids, rsets),
    "rs_registername": (rsets, words, words, st.sampled_from([0o644, 0o666, 0, 0o777]), st.integers(0, 2)),
    "rs_getnamedrset": (words, words, rsets),
    "rs_discardname": (words, words),
    "rs_getnameattr": (words, words, records),
    "rs_setnameattr": (words, words, st.integers(0, 8), records),
    "mkrset": (slashed, st.builds(Rset, st.integers(0, 255), st.integers(0, 3))),
    "rmrset": (slashed,),
}


@st.composite
def worlds(draw: st.DrawFn) -> Partition:
    """A partition with two sets in its registry and one process, attached somehow."""
    level = attrs.evolve(
        LEVELS[draw(st.sampled_from(["7.1", "5.2"]))],
        exclusive_by_capability=draw(st.booleans()),
        overlapping_exclusive=draw(st.booleans()),
    )
    partition = made("POWER7", 2, 4, srads=2, level=level, enhanced_affinity=draw(st.booleans()))
    for name, who in (("app/one", ATTACHER), ("sysxrset/two", ATTACHER)):
        if draw(st.booleans()):
            asker = Asker(partition, ROOT, 1)
            service("mkrset").decide(asker, (name, Rset(draw(st.integers(0, 255)))))
            entry = partition.names[tuple(name.encode().split(b"/"))]  # type: ignore[index]
            entry.owner, entry.mode = who.uid, draw(st.sampled_from([0o644, 0o600, 0o666, 0]))
    partition.online = draw(st.integers(1, 255))
    mine = process(partition, threads=2)
    attached = st.none() | st.builds(Attached, st.integers(0, 255))
    mine.placement = ProcessPlacement(draw(attached), draw(attached))
    mine.threads[1].placement = ThreadPlacement(draw(attached), draw(st.none() | st.just(0)))
    if draw(st.integers(0, 5)) == 0:
        partition.machine.memory.withheld_bytes = partition.machine.memory.total_bytes
    return partition


def service(name: str) -> Service:
    found = runner(name)
    assert isinstance(found, Service)
    return found


def state(partition: Partition, args: tuple[Any, ...]) -> list[Any]:
    """All that a call of these may change."""
    mine = partition.machine.processes[1001]
    return [
        partition.online,
        partition.exclusive,
        {key: (e.processors, e.memory, e.owner, e.group, e.mode, e.type) for key, e in partition.names.items()},
        mine.placement,
        [thread.placement for thread in mine.threads],
        [(each.processors, each.memory, each.freed) if isinstance(each, Rset) else repr(each) for each in args],
        partition.dispatcher.count,
    ]


@pytest.mark.slow
@pytest.mark.parametrize("name", ARGUMENTS)
@settings(max_examples=60)
@given(worlds(), st.sampled_from([ROOT, ROOT, ATTACHER, MAKER, NOBODY, None]), st.data())
def test_a_refusal_changes_nothing_and_is_one_of_those_that_hold(
    name: str, partition: Partition, who: Credentials | None, data: st.DataObject
) -> None:
    args = tuple(data.draw(each) for each in ARGUMENTS[name])
    mine = partition.machine.processes[1001]
    asker = Asker(partition, mine.credentials, 1001, mine.threads[0]) if who is None else Asker(partition, who, 1)
    table = service(name).errors
    every = table.every(service(name).survey(asker, *args))
    before = state(partition, args)
    result = service(name).decide(asker, args)
    if isinstance(result, Fail):
        assert result.row is every[0]
        assert state(partition, args) == before
    else:
        assert every == ()
