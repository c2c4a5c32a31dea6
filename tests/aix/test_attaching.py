"""The set that an attachment results in: each worked example, by the conditions in their order."""

from __future__ import annotations

import pytest

from bprocsim.aix import attaching
from bprocsim.aix.constants import R_ATTACH_STRSET
from bprocsim.aix.partition import Partition
from bprocsim.aix.rset import Rset, written
from tests.aix.partitions import freed, made, rset

CONDITIONS = (attaching.no_available_processor, attaching.not_exclusive, attaching.st_set_empty)

A = ("POWER5", 2, 4, "2-7")
B = ("POWER7", 4, 2, "4-7")
C = ("POWER8", 8, 1, "0-7")

# Machine, set, offline processors, what results: a set, or the condition that refuses it.
EXAMPLES = [
    (A, "2,3", "", "2"),
    (A, "2-7", "", "2,4,6"),
    (A, "2-4", "", "2"),
    (A, "3,4", "", "st_set_empty"),
    (A, "0,1", "", "not_exclusive"),
    (A, "0-3", "", "not_exclusive"),
    (A, "1-3", "", "not_exclusive"),
    (A, "2,3", "3", "2"),
    (A, "4", "5", "4"),
    (A, "5", "4", "5"),
    (A, "6,7", "6,7", "no_available_processor"),
    (A, "0-3", "0,1", "2"),
    (A, "", "", "no_available_processor"),
    (A, "99", "", "no_available_processor"),
    (A, "2,3", "1,3,5,7", "2"),
    (B, "4,5", "", "st_set_empty"),
    (B, "4-7", "", "4"),
    (B, "4,5", "2,3,6,7", "4"),
    (B, "4-7", "2,3,6,7", "4"),
    (C, "0-7", "", "0"),
    (C, "0-6", "", "st_set_empty"),
    (("POWER5", 2, 4, "2,3,4,5"), "2-5", "", "2,4"),
    (("POWER5", 2, 4, "2"), "2,3", "", "not_exclusive"),
    (("POWER5", 1, 4, "2,3"), "2,3", "", "2-3"),
]


def machine_of(machine: tuple[str, int, int, str], offline: str = "") -> Partition:
    cpu, smt, cores, exclusive = machine
    return made(cpu, smt, cores, exclusive=exclusive, offline=offline)


def answer(partition: Partition, given: str, flags: int) -> str:
    facts = attaching.set_facts(partition, rset(given, 1), flags)
    assert facts is not None
    for condition in CONDITIONS:
        if condition(facts):
            return condition.__name__
    assert facts.result.memory == 1
    return written(facts.result.processors)


@pytest.mark.parametrize(("machine", "given", "offline", "expected"), EXAMPLES)
def test_a_worked_example_of_the_st_set(
    machine: tuple[str, int, int, str], given: str, offline: str, expected: str
) -> None:
    assert answer(machine_of(machine, offline), given, R_ATTACH_STRSET) == expected


@pytest.mark.parametrize(
    ("given", "offline", "expected"),
    [
        ("0-7", "", "0-7"),
        ("2,3", "3", "2-3"),
        ("6,99", "7", "6,99"),
        ("6", "6", "no_available_processor"),
        ("", "", "no_available_processor"),
        ("99", "", "no_available_processor"),
    ],
)
def test_without_the_flag_the_set_is_attached_as_it_is(given: str, offline: str, expected: str) -> None:
    assert answer(machine_of(A, offline), given, 0) == expected


def test_what_is_attached_is_a_copy() -> None:
    mine = Rset(0b1100, 1)
    facts = attaching.set_facts(machine_of(A), mine, 0)
    assert facts is not None
    mine.processors = mine.memory = 0
    assert (facts.result.processors, facts.result.memory) == (0b1100, 1)


def test_what_is_no_set_has_no_facts() -> None:
    for handle in (None, freed(), 3, "0-3"):
        assert attaching.set_facts(machine_of(A), handle, 0) is None
