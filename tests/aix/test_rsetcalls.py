"""rs_alloc, rs_init, rs_free, rs_op, and what tells of the machine: every row, and what comes of success."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bprocsim.aix import constants as c
from bprocsim.aix.partition import Partition
from bprocsim.aix.placement import Attached, ProcessPlacement, ThreadPlacement
from bprocsim.aix.radcalls import RS_GETASSOCIATIVITY, RS_GETINFO, RS_GETRAD, RS_NUMRADS
from bprocsim.aix.records import RadInfo
from bprocsim.aix.rset import Rset
from bprocsim.aix.rsetcalls import COMMANDS, RS_ALLOC, RS_FREE, RS_INIT, RS_OP
from bprocsim.aix.sradcalls import RS_GET_HOMESRAD, RS_INFO
from bprocsim.faces.pointers import BAD_ADDRESS
from bprocsim.port import Waiter
from tests.aix.partitions import ATTACHER, NOBODY, ask, bits, freed, made, process, rset

NO_SETS: list[Any] = [None, BAD_ADDRESS, freed(), 3]

# ---- rs_alloc, rs_init, rs_free ------------------------------------------------------------------


def test_a_new_set_holds_what_its_flags_name() -> None:
    partition = made(offline="3,7", exclusive="4-7")
    partition.topology = made(srads=2).topology
    mine = process(partition)
    expected = {c.RS_EMPTY: rset(""), c.RS_SYSTEM: rset("0-2,4-6", 3), c.RS_ALL: rset("0-7", 3)}
    expected[c.RS_PARTITION] = expected[c.RS_ALL]
    for flags, held in expected.items():
        assert ask(partition, RS_ALLOC, flags, by=mine) == held
        assert ask(partition, RS_ALLOC, flags) == held
        old = Rset(1 << 99, 1 << 9)
        assert ask(partition, RS_INIT, old, flags, by=mine) == 0
        assert old == held
    mine.placement = ProcessPlacement(Attached(2, 0), Attached(6, 1))
    assert ask(partition, RS_ALLOC, c.RS_PARTITION, by=mine) == Rset(6, 1)


@pytest.mark.parametrize("flags", [-1, 4, 256])
def test_flags_of_a_new_set_that_are_none(flags: int) -> None:
    mine = rset("1")
    assert ask(made(), RS_ALLOC, flags) == ("EINVAL", "flags_invalid")
    assert ask(made(), RS_INIT, mine, flags) == ("EINVAL", "flags_invalid")
    assert mine == rset("1")


def test_a_new_set_takes_memory() -> None:
    partition = made()
    partition.machine.memory.withheld_bytes = partition.machine.memory.total_bytes - 255
    assert ask(partition, RS_ALLOC, c.RS_EMPTY) == ("ENOMEM", "out_of_memory")
    partition.machine.memory.withheld_bytes -= 1
    assert ask(partition, RS_ALLOC, c.RS_EMPTY) == rset("")


@pytest.mark.parametrize("handle", NO_SETS)
def test_only_a_set_can_be_filled(handle: Any) -> None:
    assert ask(made(), RS_INIT, handle, c.RS_ALL) == ("EFAULT", "rset_unreadable")


def test_a_freed_set_is_a_bad_address_for_every_call() -> None:
    partition, mine = made(), rset("0-3")
    assert ask(partition, RS_FREE, mine) is None
    assert ask(partition, RS_OP, c.RS_ISEMPTY, mine, None) == ("EFAULT", "rset1_unreadable")
    assert ask(partition, RS_GETINFO, mine, c.R_NUMPROCS) == ("EFAULT", "rset_unreadable")
    for handle in NO_SETS:
        assert ask(partition, RS_FREE, handle) is None


# ---- rs_op ---------------------------------------------------------------------------------------

ONE_SET = (c.RS_ISEMPTY, c.RS_TESTRESOURCE, c.RS_ADDRESOURCE, c.RS_DELRESOURCE)


def test_there_are_fourteen_commands() -> None:
    assert sorted(COMMANDS) == list(range(1, 15))
    for command in (0, 15, -1):
        assert ask(made(), RS_OP, command, rset("0"), rset("1")) == ("EINVAL", "command_invalid")


def test_the_first_level_knows_no_st_set() -> None:
    assert ask(made(level="5.2"), RS_OP, c.RS_STSET, rset("0"), rset("1")) == ("EINVAL", "command_invalid")
    assert ask(made(level="5.3"), RS_OP, c.RS_STSET, rset("0,1"), rset("1")) == 0


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_refuses_flags_that_it_does_not_know(command: int) -> None:
    for flags in (-1, 4, c.R_ATTACH_STRSET, *([] if command != c.RS_STSET else [c.R_MEMPS, c.R_ALL_RESOURCES])):
        one, two = rset("0,1"), rset("1")
        assert ask(made(), RS_OP, command, one, two, flags) == ("EINVAL", "flags_invalid")
        assert (one, two) == (rset("0,1"), rset("1"))


@pytest.mark.parametrize("handle", NO_SETS)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_needs_the_sets_that_it_is_about(command: int, handle: Any) -> None:
    mine = rset("0,1")
    assert ask(made(), RS_OP, command, handle, mine) == ("EFAULT", "rset1_unreadable")
    second = ask(made(), RS_OP, command, mine, handle)
    assert second in (0, 1) if command in ONE_SET else second == ("EFAULT", "rset2_unreadable")


@pytest.mark.parametrize("command", [c.RS_TESTRESOURCE, c.RS_ADDRESOURCE, c.RS_DELRESOURCE])
def test_an_id_is_one_that_a_set_can_hold(command: int) -> None:
    for level, most in (("5.3", 256), ("7.1", 1024)):
        partition = made(level=level)
        assert ask(partition, RS_OP, command, rset("0"), None, c.R_PROCS, most - 1) == 0
        for number in (most, -1):
            assert ask(partition, RS_OP, command, rset("0"), None, c.R_PROCS, number) == ("EINVAL", "id_invalid")
    # Elsewhere the id is not looked at.
    assert ask(made(), RS_OP, c.RS_ISEMPTY, rset("0"), None, 0, 9999) == 0


def test_a_set_may_be_both_operands() -> None:
    mine = rset("0-3", 1)
    assert ask(made(), RS_OP, c.RS_STSET, mine, mine) == 0
    assert mine == rset("0,2", 1)
    assert ask(made(), RS_OP, c.RS_EXCLUSION, mine, mine) == 0
    assert mine == rset("")


# ---- rs_getinfo ----------------------------------------------------------------------------------


def test_what_rs_getinfo_tells_of_a_set() -> None:
    partition = made(cores=8, srads=4, offline="2,3", exclusive="4-7")
    mine = rset("0-5,99", 0b10011)
    told = {type: ask(partition, RS_GETINFO, mine, type) for type in range(14)}
    assert told[c.R_NUMPROCS] == 4  # offline ids are not available, exclusive ones are
    assert told[c.R_NUMMEMPS] == 2
    assert told[c.R_MEMSIZE] == 512
    assert told[c.R_MAXPROCS] == told[c.R_MAXMEMPS] == 1024
    assert [told[sdl] for sdl in (c.R_SMPSDL, c.R_REF1SDL, c.R_MCMSDL, c.R_SRADSDL)] == [0, 0, 1, 1]
    assert [told[sdl] for sdl in (c.R_L2CSDL, c.R_PCORESDL, c.R_MAXSDL)] == [2, 2, 3]
    assert [told[type] for type in (c.R_LGPGFREE, c.R_LGPGDEF, c.R_SHMATTCAP)] == [0, 0, 0]


def test_the_set_is_looked_at_only_where_it_is_asked_about() -> None:
    of_set = (c.R_NUMPROCS, c.R_NUMMEMPS, c.R_MEMSIZE, c.R_LGPGFREE, c.R_LGPGDEF, c.R_SHMATTCAP)
    for type in range(14):
        for handle in NO_SETS:
            found = ask(made(), RS_GETINFO, handle, type)
            assert found == ("EFAULT", "rset_unreadable") if type in of_set else isinstance(found, int)


def test_information_that_there_is_none_of() -> None:
    for type in (-1, 14):
        assert ask(made(), RS_GETINFO, rset("0"), type) == ("EINVAL", "type_invalid")
    assert ask(made(), RS_GETINFO, rset("0"), c.R_NUMPROCS, 1) == ("EINVAL", "flags_nonzero")
    assert ask(made(level="6.1"), RS_GETINFO, None, c.R_REF1SDL) == ("EINVAL", "type_invalid")


# ---- RADs ----------------------------------------------------------------------------------------


def test_rads_are_counted_where_something_of_them_is_available() -> None:
    partition = made("POWER7", 4, 4, srads=2, offline="4-7")
    for held, memory, counts in (
        ("0-15", 3, [1, 2, 3, 12]),
        ("0-15", 0, [1, 2, 3, 12]),
        ("4-7", 0, [0, 0, 0, 0]),
        ("4-7", 2, [1, 1, 0, 0]),
        ("1,8,9", 0, [1, 2, 2, 3]),
        ("", 0, [0, 0, 0, 0]),
        ("99", 0, [0, 0, 0, 0]),
    ):
        assert [ask(partition, RS_NUMRADS, rset(held, memory), sdl) for sdl in range(4)] == counts


@given(st.integers(0, (1 << 32) - 1), st.integers(0, (1 << 32) - 1), st.integers(0, 3))
def test_the_rads_of_a_level_share_a_set_among_themselves(held: int, online: int, sdl: int) -> None:
    """Over all processors they are disjoint, in order, and what they leave out is offline."""
    partition = made("POWER8", 8, 4, srads=2)
    partition.online = online
    mine, found, rad = Rset(held), 0, Rset(1 << 99, 1)
    for index in range(ask(partition, RS_NUMRADS, mine, sdl)):
        assert ask(partition, RS_GETRAD, mine, rad, sdl, index) == 0
        assert rad.processors & online
        assert found < (rad.processors & -rad.processors)
        assert not found & rad.processors
        found |= rad.processors
    assert found | (held & ~online) == held
    last = ask(partition, RS_NUMRADS, mine, sdl)
    assert ask(partition, RS_GETRAD, mine, rad, sdl, last) == ("EINVAL", "index_invalid")


def test_a_rad_is_combined_with_what_is_there() -> None:
    partition = made(srads=2)
    for flags, expected in ((0, rset("4,5", 2)), (c.RS_UNION, rset("0,4,5", 3)), (c.RS_EXCLUSION, rset("0", 1))):
        rad = rset("0,4", 1)
        assert ask(partition, RS_GETRAD, rset("0-5", 2), rad, 1, 1, flags) == 0
        assert rad == expected


@pytest.mark.parametrize(
    ("args", "cause"),
    [
        ((rset("0"), rset(""), 4, 0), ("EINVAL", "sdl_invalid")),
        ((rset("0"), rset(""), -1, 0), ("EINVAL", "sdl_invalid")),
        ((rset("0"), rset(""), 0, 0, c.RS_INTERSECTION), ("EINVAL", "flags_invalid")),
        ((None, rset(""), 0, 0), ("EFAULT", "rset_unreadable")),
        ((rset("0"), None, 0, 0), ("EFAULT", "rad_unreadable")),
        ((rset("0"), rset(""), 0, 1), ("EINVAL", "index_invalid")),
        ((rset("0"), rset(""), 0, -1), ("EINVAL", "index_invalid")),
    ],
)
def test_a_rad_that_is_not_to_be_had(args: tuple[Any, ...], cause: tuple[str, str]) -> None:
    assert ask(made(), RS_GETRAD, *args) == cause


@pytest.mark.parametrize(
    ("args", "cause"),
    [
        ((rset("0"), 4), ("EINVAL", "sdl_invalid")),
        ((rset("0"), 0, 1), ("EINVAL", "flags_nonzero")),
        ((None, 0), ("EFAULT", "rset_unreadable")),
    ],
)
def test_rads_that_cannot_be_counted(args: tuple[Any, ...], cause: tuple[str, str]) -> None:
    assert ask(made(), RS_NUMRADS, *args) == cause


# ---- rs_getassociativity -------------------------------------------------------------------------


def test_associativity_tells_the_rad_at_each_level() -> None:
    partition = made("POWER7", 4, 4, srads=2, offline="9")
    array = [-1] * 8
    assert ask(partition, RS_GETASSOCIATIVITY, c.R_PROCS, 9, array, 8) == 0
    assert array == [4, 0, 1, 2, 9, -1, -1, -1]
    array = [-1] * 4
    assert ask(partition, RS_GETASSOCIATIVITY, c.R_PROCS, 15, array, 3) == 0
    assert array == [4, 0, 1, -1]


@pytest.mark.parametrize(
    ("args", "who", "cause"),
    [
        ((c.R_MEMPS, 0, [], 8), None, ("EINVAL", "kind_invalid")),
        ((c.R_PROCS, 0, [], 0), None, ("EINVAL", "size_invalid")),
        ((c.R_PROCS, 0, None, 8), None, ("EFAULT", "array_unreadable")),
        ((c.R_PROCS, 0, [], 8), ATTACHER, ("EPERM", "no_root_authority")),
        ((c.R_PROCS, 8, [], 8), None, ("ENODEV", "id_absent")),
        ((c.R_PROCS, -1, [], 8), None, ("ENODEV", "id_absent")),
    ],
)
def test_associativity_that_is_not_told(args: tuple[Any, ...], who: Any, cause: tuple[str, str]) -> None:
    found = ask(made(), RS_GETASSOCIATIVITY, *args) if who is None else ask(made(), RS_GETASSOCIATIVITY, *args, by=who)
    assert found == cause


# ---- SRADs ---------------------------------------------------------------------------------------


def affine(**more: Any) -> Partition:
    return made("POWER7", 4, 4, srads=2, enhanced_affinity=True, **more)


def test_the_home_srad_is_the_one_attached_or_where_the_thread_may_run() -> None:
    partition = affine()
    mine = process(partition)
    assert ask(partition, RS_GET_HOMESRAD, by=mine) == 0
    mine.placement = ProcessPlacement(Attached(bits("8-11")))
    assert ask(partition, RS_GET_HOMESRAD, by=mine) == 1
    mine.threads[0].placement = ThreadPlacement(srad=0)
    assert ask(partition, RS_GET_HOMESRAD, by=mine) == 0
    partition.exclusive = bits("0-7")
    assert ask(partition, RS_GET_HOMESRAD, by=NOBODY) == 1
    partition.enhanced_affinity = False
    assert ask(partition, RS_GET_HOMESRAD, by=mine) == c.SRADID_ANY


def test_a_rad_lies_in_one_of_the_level_above() -> None:
    out = RadInfo()
    for sdl, index, within in ((1, 1, 0), (2, 1, 0), (2, 2, 1), (3, 7, 1), (3, 8, 2)):
        assert ask(affine(), RS_INFO, out, c.RS_CONTAINING_RAD, sdl, index) == 0
        assert out.rad == within


def test_the_load_of_an_srad_is_that_of_its_processors() -> None:
    partition = affine(offline="15", exclusive="12-14")
    mine = process(partition, threads=3)
    out = RadInfo()

    def told(command: int, srad: int) -> tuple[int, int]:
        assert ask(partition, RS_INFO, out, command, srad, by=mine) == 0
        return out.load_average, out.cpu_count

    assert [told(c.RS_SRADID_LOADAVG, srad) for srad in (0, 1)] == [(0, 8), (0, 7)]
    for thread in mine.threads[:2]:  # wanting a processor, which the third does not
        thread.waiting = Waiter("compute", 0, queue=partition.dispatcher)
    # Each may run on eight processors of the one and on four of the other.
    assert [told(c.RS_SRADID_LOADAVG, srad) for srad in (0, 1)] == [(1332, 8), (666, 7)]
    assert [told(c.RS_SRADID_USABLE_LOADAVG, srad) for srad in (0, 1)] == [(1332, 8), (666, 4)]
    partition.dispatcher.running[9] = mine.threads[0]
    assert [told(c.RS_SRADID_LOADAVG, srad) for srad in (0, 1)] == [(666, 8), (1333, 7)]
    partition.dispatcher.running.clear()
    mine.placement = ProcessPlacement(Attached(bits("12-15")))
    assert [told(c.RS_SRADID_LOADAVG, srad) for srad in (0, 1)] == [(0, 8), (2000, 7)]
    assert [told(c.RS_SRADID_USABLE_LOADAVG, srad) for srad in (0, 1)] == [(0, 0), (2000, 3)]


@pytest.mark.parametrize(
    ("args", "cause"),
    [
        ((RadInfo(), 0), ("EINVAL", "command_invalid")),
        ((RadInfo(), 4), ("EINVAL", "command_invalid")),
        ((None, c.RS_SRADID_LOADAVG, 0), ("EFAULT", "out_unreadable")),
        ((RadInfo(), c.RS_CONTAINING_RAD, 0, 0), ("EINVAL", "rad_invalid")),
        ((RadInfo(), c.RS_CONTAINING_RAD, 4, 0), ("EINVAL", "rad_invalid")),
        ((RadInfo(), c.RS_CONTAINING_RAD, 2, 4), ("EINVAL", "rad_invalid")),
        ((RadInfo(), c.RS_SRADID_LOADAVG, 2), ("ENODEV", "sradid_invalid")),
        ((RadInfo(), c.RS_SRADID_USABLE_LOADAVG, -1), ("ENODEV", "sradid_invalid")),
    ],
)
def test_what_rs_info_does_not_tell(args: tuple[Any, ...], cause: tuple[str, str]) -> None:
    assert ask(affine(), RS_INFO, *args) == cause


def test_the_load_of_an_srad_needs_enhanced_affinity() -> None:
    plain = made("POWER7", 4, 4, srads=2)
    assert ask(plain, RS_INFO, RadInfo(), c.RS_SRADID_LOADAVG, 0) == ("ENOTSUP", "affinity_disabled")
    assert ask(plain, RS_INFO, RadInfo(), c.RS_CONTAINING_RAD, 2, 0) == 0
