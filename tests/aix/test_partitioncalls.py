"""rs_setpartition and rs_getpartition: every row, what bounds a process then, and that the bounds hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bprocsim.aix import constants as c
from bprocsim.aix.partition import Partition
from bprocsim.aix.partitioncalls import RS_GETPARTITION, RS_SETPARTITION
from bprocsim.aix.placement import Attached, ProcessPlacement, ThreadPlacement
from bprocsim.aix.rset import RS_DEFAULT, Rset, is_contained, st_set
from bprocsim.aix.rsetcalls import RS_OP
from bprocsim.faces.pointers import BAD_ADDRESS
from bprocsim.posix.procs import Ended, Process
from tests.aix.partitions import ATTACHER, ask, bits, freed, made, process, rset


def world(effective: str = "", thread: str = "", **more: Any) -> tuple[Partition, Process]:
    """A partition of four POWER5 cores, 2-7 exclusive, with one process of two threads, attached so."""
    partition = made(**{"exclusive": "2-7", **more})
    mine = process(partition, threads=2)
    if effective:
        mine.placement = ProcessPlacement(Attached(bits(effective)))
    if thread:
        mine.threads[1].placement = ThreadPlacement(Attached(bits(thread)))
    return partition, mine


def bounds(partition: Partition, pid: int = 1001) -> tuple[int, Rset]:
    found = Rset()
    return ask(partition, RS_GETPARTITION, pid, found), found


def test_a_partition_set_is_set_told_and_taken_away() -> None:
    partition, mine = world("2,3", "3")
    assert bounds(partition) == (c.RS_DEFAULT_RSET, rset("0-7", 1))
    given_ = rset("2-4,99", 1)
    assert ask(partition, RS_SETPARTITION, mine.pid, given_) == 0
    given_.processors = 0
    assert bounds(partition) == (c.RS_PARTITION_RSET, rset("2-4,99", 1))
    assert mine.placement.effective.processors == bits("2,3")
    assert partition.dispatcher.count == 1
    assert ask(partition, RS_SETPARTITION, mine.pid, RS_DEFAULT) == 0
    assert bounds(partition) == (c.RS_DEFAULT_RSET, rset("0-7", 1))
    assert partition.dispatcher.count == 2


def test_a_process_may_speak_of_itself_and_one_never_made_too() -> None:
    partition, mine = world()
    assert ask(partition, RS_SETPARTITION, c.RS_MYSELF, rset("0"), by=mine) == 0
    found = Rset()
    assert ask(partition, RS_GETPARTITION, c.RS_MYSELF, found, by=mine) == c.RS_PARTITION_RSET
    assert found == rset("0")
    # By the harness, for a process that is over as soon as the call is.
    assert ask(partition, RS_SETPARTITION, c.RS_MYSELF, rset("0")) == 0
    assert ask(partition, RS_GETPARTITION, c.RS_MYSELF, found) == c.RS_DEFAULT_RSET


def test_a_process_with_nothing_attached_takes_any_set_that_holds_an_online_processor() -> None:
    for held in ("0", "7", "1,6", "0-7"):
        partition, mine = world()
        assert ask(partition, RS_SETPARTITION, mine.pid, rset(held)) == 0


@pytest.mark.parametrize(
    ("world_", "given_", "flags", "cause"),
    [
        ({}, rset("0"), 1, ("EINVAL", "flags_invalid")),
        ({}, rset("0"), -1, ("EINVAL", "flags_invalid")),
        ({"level": "5.2"}, rset("2,3"), c.R_ATTACH_STRSET, ("EINVAL", "flags_invalid")),
        ({}, None, 0, ("EFAULT", "rset_unreadable")),
        ({}, BAD_ADDRESS, 0, ("EFAULT", "rset_unreadable")),
        ({}, freed(), 0, ("EFAULT", "rset_unreadable")),
        ({}, c.RS_DEFAULT_RSET, 0, ("EFAULT", "rset_unreadable")),
        ({"offline": "6,7"}, rset("6,7,99"), 0, ("ENODEV", "no_available_processor")),
        ({}, rset("1,2"), c.R_ATTACH_STRSET, ("EINVAL", "not_exclusive")),
        ({}, rset("3,4"), c.R_ATTACH_STRSET, ("ENODEV", "st_set_empty")),
        ({"effective": "2,3"}, rset("3-7"), 0, ("EPERM", "effective_outside")),
        ({"effective": "2,3", "offline": "2"}, rset("3-7"), 0, ("EPERM", "effective_outside")),
        ({"effective": "2,3"}, rset("2-7"), c.R_ATTACH_STRSET, ("EPERM", "effective_outside")),
        ({"thread": "2,3"}, rset("3-7"), 0, ("EPERM", "thread_set_outside")),
        ({"thread": "3"}, rset("2-7"), c.R_ATTACH_STRSET, ("EPERM", "thread_set_outside")),
    ],
)
def test_a_set_that_bounds_nobody(world_: dict[str, Any], given_: Any, flags: int, cause: tuple[str, str]) -> None:
    partition, mine = world(**world_)
    before = mine.placement
    assert ask(partition, RS_SETPARTITION, mine.pid, given_, flags) == cause
    assert mine.placement is before


def test_only_root_sets_bounds_and_anybody_may_ask_for_them() -> None:
    partition, mine = world()
    mine.credentials = ATTACHER
    for by in (ATTACHER, mine):
        assert ask(partition, RS_SETPARTITION, mine.pid, rset("0"), by=by) == ("EPERM", "no_root_authority")
        assert ask(partition, RS_SETPARTITION, mine.pid, RS_DEFAULT, by=by) == ("EPERM", "no_root_authority")
        assert ask(partition, RS_GETPARTITION, mine.pid, Rset(), by=by) == c.RS_DEFAULT_RSET


def test_a_process_that_is_not_there() -> None:
    partition, mine = world()
    mine.ended = Ended(0)
    for pid in (mine.pid, 4711, -2):
        assert ask(partition, RS_SETPARTITION, pid, rset("0")) == ("ESRCH", "no_such_work")
        assert ask(partition, RS_SETPARTITION, pid, RS_DEFAULT) == ("ESRCH", "no_such_work")
        assert ask(partition, RS_GETPARTITION, pid, Rset()) == ("ESRCH", "no_such_work")
    assert ask(partition, RS_GETPARTITION, c.RS_MYSELF, freed()) == ("EFAULT", "rset_unreadable")


def test_a_bound_thread_keeps_its_process_unbounded() -> None:
    partition, mine = world()
    mine.threads[1].placement = ThreadPlacement(bound=0)
    assert ask(partition, RS_SETPARTITION, mine.pid, rset("0-7")) == ("EPERM", "thread_bound")
    assert ask(partition, RS_SETPARTITION, mine.pid, RS_DEFAULT) == 0


def test_bounds_take_memory() -> None:
    partition, mine = world()
    partition.machine.memory.withheld_bytes = partition.machine.memory.total_bytes
    assert ask(partition, RS_SETPARTITION, mine.pid, rset("0")) == ("ENOMEM", "out_of_memory")
    assert ask(partition, RS_GETPARTITION, mine.pid, Rset()) == c.RS_DEFAULT_RSET


def test_the_default_set_is_no_handle_for_other_calls() -> None:
    assert ask(made(), RS_OP, c.RS_ISEMPTY, RS_DEFAULT, None) == ("EFAULT", "rset1_unreadable")
    assert repr(RS_DEFAULT) == "RS_DEFAULT"


some = st.integers(0, 255)


@given(some, some, some, some, some, st.sampled_from([0, c.R_ATTACH_STRSET]))
def test_what_is_attached_always_lies_within_what_bounds_it(
    given_: int, effective: int, thread: int, online: int, exclusive: int, flags: int
) -> None:
    partition, mine = world()
    partition.online, partition.exclusive = online, exclusive
    if effective:
        mine.placement = ProcessPlacement(Attached(effective))
    if thread:
        mine.threads[0].placement = ThreadPlacement(Attached(thread))
    found = ask(partition, RS_SETPARTITION, mine.pid, Rset(given_), flags)
    result = st_set(given_, online, partition.topology) if flags else given_
    usable = given_ & online and not (flags and (given_ & online & ~exclusive or not result))
    assert (found == 0) == bool(usable and is_contained(effective, result) and is_contained(thread, result))
    if found == 0:
        assert mine.placement.partition.processors == result
