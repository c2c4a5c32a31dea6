"""Resource sets: the laws of sets, how they are written, and the ST set against a second computation."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bprocsim.aix import constants as c
from bprocsim.aix.rset import Rset, after, after_or_first, first, is_contained, listed, st_set, without, written
from bprocsim.aix.rsetcalls import RS_OP
from bprocsim.aix.topology import Topology, members
from tests.aix.partitions import ask, made

PARTITION = made("POWER8", 8, 8, srads=4)
EVERYTHING = PARTITION.topology.everything


class Whole(Rset):
    """A set that is equal to another only if that holds the same memory pools too."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rset) and (self.processors, self.memory) == (other.processors, other.memory)

    __hash__ = None

    def copy(self) -> Whole:
        return Whole(self.processors, self.memory)


processors = st.integers(0, EVERYTHING)
rsets = st.builds(Whole, processors, st.integers(0, 15))
combining = st.sampled_from([c.RS_UNION, c.RS_INTERSECTION])


def put(command: int, one: Rset, two: Rset, flags: int = 0) -> Rset:
    """What rs_op leaves in rset2, with both operands kept."""
    result = two.copy()
    assert ask(PARTITION, RS_OP, command, one, result, flags) == 0
    return result


def told(command: int, one: Rset, two: Rset, flags: int = 0) -> bool:
    found = ask(PARTITION, RS_OP, command, one, two, flags)
    assert found in (0, 1)
    return bool(found)


def complement(some: Rset) -> Rset:
    return put(c.RS_EXCLUSION, some, Rset(EVERYTHING, 15))


# ---- laws ----------------------------------------------------------------------------------------


@given(combining, rsets, rsets, rsets)
def test_union_and_intersection_are_commutative_associative_and_idempotent(
    command: int, a: Rset, b: Rset, d: Rset
) -> None:
    assert put(command, a, b) == put(command, b, a)
    assert put(command, a, put(command, b, d)) == put(command, put(command, a, b), d)
    assert put(command, a, a) == a


@given(rsets, rsets, rsets)
def test_each_is_distributive_over_the_other(a: Rset, b: Rset, d: Rset) -> None:
    for outer, inner in ((c.RS_UNION, c.RS_INTERSECTION), (c.RS_INTERSECTION, c.RS_UNION)):
        assert put(outer, a, put(inner, b, d)) == put(inner, put(outer, a, b), put(outer, a, d))


@given(rsets, rsets)
def test_de_morgan_holds_within_everything(a: Rset, b: Rset) -> None:
    assert complement(put(c.RS_UNION, a, b)) == put(c.RS_INTERSECTION, complement(a), complement(b))
    assert complement(put(c.RS_INTERSECTION, a, b)) == put(c.RS_UNION, complement(a), complement(b))
    assert complement(complement(a)) == a


@given(rsets, rsets)
def test_exclusion_takes_the_first_out_of_the_second(a: Rset, b: Rset) -> None:
    left = put(c.RS_EXCLUSION, a, b)
    assert left == b - a
    assert put(c.RS_UNION, left, put(c.RS_INTERSECTION, a, b)) == b
    assert told(c.RS_ISEMPTY, put(c.RS_INTERSECTION, a, left), left)


@given(rsets, rsets)
def test_containment_and_equality_follow_from_union(a: Rset, b: Rset) -> None:
    assert told(c.RS_ISCONTAINED, a, b) == (put(c.RS_UNION, a, b) == b)
    assert told(c.RS_ISCONTAINED, a, b, c.R_PROCS) == (a <= b)
    assert told(c.RS_ISEQUAL, a, b) == (told(c.RS_ISCONTAINED, a, b) and told(c.RS_ISCONTAINED, b, a)) == (a == b)
    assert told(c.RS_ISEQUAL, a, b, c.R_PROCS) == (Rset(a.processors) == Rset(b.processors, 3))
    assert told(c.RS_ISCONTAINED, a, put(c.RS_UNION, a, b))


@given(rsets, rsets)
def test_operators_of_a_handle_are_those_of_rs_op(a: Rset, b: Rset) -> None:
    before = a.copy(), b.copy()
    assert a | b == put(c.RS_UNION, a, b)
    assert a & b == put(c.RS_INTERSECTION, a, b)
    assert (a, b) == before


@given(processors, processors)
def test_pure_functions_are_those_of_pythons_sets(a: int, b: int) -> None:
    one, two = set(members(a)), set(members(b))
    assert set(members(without(a, b))) == two - one
    assert is_contained(a, b) == (one <= two)
    assert list(members(first(a))) == sorted(one)[:1]
    later = sorted(each for each in one if two and each > max(two))
    assert list(members(after(a, b))) == later[:1]
    assert list(members(after_or_first(a, b))) == (later or sorted(one))[:1]


# ---- RS_FIRST, RS_NEXT, RS_NEXT_WRAP, RS_COPY ----------------------------------------------------


def walk(command: int, whole: Rset, kinds: int, steps: int) -> list[tuple[list[int], list[int]]]:
    at = put(c.RS_FIRST, whole, Rset(1, 1), kinds)
    seen = []
    for _ in range(steps):
        seen.append((list(members(at.processors)), list(members(at.memory))))
        at = put(command, whole, at, kinds)
    return seen


@given(rsets, st.sampled_from([0, c.R_PROCS, c.R_MEMPS, c.R_ALL_RESOURCES]))
def test_a_walk_visits_each_member_once_and_then_finds_nothing(whole: Rset, kinds: int) -> None:
    expected: list[tuple[list[int], list[int]]] = []
    if kinds != c.R_MEMPS:
        expected += [([each], []) for each in whole]
    if kinds != c.R_PROCS:
        expected += [([], [each]) for each in members(whole.memory)]
    count = len(expected)
    assert walk(c.RS_NEXT, whole, kinds, count + 2) == [*expected, ([], []), ([], [])]
    if expected:
        assert walk(c.RS_NEXT_WRAP, whole, kinds, 2 * count) == expected * 2


@given(rsets, rsets, st.sampled_from([c.R_PROCS, c.R_MEMPS]))
def test_a_copy_holds_only_the_kinds_that_are_named(a: Rset, b: Rset, kind: int) -> None:
    kept = put(c.RS_COPY, a, b, kind)
    assert (kept.processors, kept.memory) == ((a.processors, 0) if kind == c.R_PROCS else (0, a.memory))


@given(combining, rsets, rsets)
def test_kinds_that_are_not_named_stay_in_the_second_set(command: int, a: Rset, b: Rset) -> None:
    whole = put(command, a, b)
    assert put(command, a, b, c.R_PROCS) == Rset(whole.processors, b.memory)
    assert put(command, a, b, c.R_MEMPS) == Rset(b.processors, whole.memory)


@given(rsets, st.integers(0, 1023), st.sampled_from([c.R_PROCS, c.R_MEMPS]))
def test_one_resource_is_added_found_and_deleted(whole: Rset, number: int, kind: int) -> None:
    mine, bit = whole.copy(), 1 << number
    held = bool((whole.processors if kind == c.R_PROCS else whole.memory) & bit)
    assert ask(PARTITION, RS_OP, c.RS_TESTRESOURCE, mine, None, kind, number) == held
    assert ask(PARTITION, RS_OP, c.RS_ADDRESOURCE, mine, None, kind, number) == 0
    assert ask(PARTITION, RS_OP, c.RS_TESTRESOURCE, mine, None, kind, number) == 1
    assert mine == whole | (Rset(bit) if kind == c.R_PROCS else Rset(0, bit))
    assert ask(PARTITION, RS_OP, c.RS_DELRESOURCE, mine, None, kind, number) == 0
    assert ask(PARTITION, RS_OP, c.RS_TESTRESOURCE, mine, None, kind, number) == 0
    assert mine == whole - (Rset(bit) if kind == c.R_PROCS else Rset(0, bit))


def test_both_kinds_of_an_id_are_tested_together() -> None:
    mine = Rset(0b10, 0)
    assert ask(PARTITION, RS_OP, c.RS_TESTRESOURCE, mine, None, 0, 1) == 0
    assert ask(PARTITION, RS_OP, c.RS_ADDRESOURCE, mine, None, 0, 1) == 0
    assert mine == Rset(0b10, 0b10)
    assert ask(PARTITION, RS_OP, c.RS_TESTRESOURCE, mine, None, 0, 1) == 1


# ---- the ST set ----------------------------------------------------------------------------------


def naive_st_set(ids: set[int], online: set[int], topology: Topology) -> set[int]:
    """The page's three rules, one after the other, core by core."""
    chosen = set()
    for core in range(topology.cores):
        threads = {core * topology.smt + number for number in range(topology.smt)}
        active = threads & online  # all offline processors are ignored
        if not active or not active <= ids:  # not all of them are included: the others are ignored too
            continue
        chosen.add(min(active))  # only one of a physical processor
    return chosen


@st.composite
def st_cases(draw: st.DrawFn) -> tuple[Topology, int, int]:
    topology = Topology(draw(st.integers(1, 12)), draw(st.sampled_from([1, 2, 4, 8])))
    anything = st.integers(0, topology.everything)
    online = draw(anything)
    # Whole cores are rare among random bits: mostly take some, then a few processors more or fewer.
    whole = 0
    for core in draw(st.sets(st.integers(0, topology.cores - 1))):
        whole |= topology.core_sets[core]
    given_ = draw(st.one_of(anything, anything.map(lambda few: whole ^ (few & -few)), st.just(whole)))
    return topology, given_ | draw(st.sampled_from([0, 1 << 1000])), online


@given(st_cases())
@example((Topology(4, 2), 0b11111100, 0b11111111))
@example((Topology(1, 8), 0b01111111, 0b11111111))
@example((Topology(2, 4), 0b00110000, 0b00110011))
def test_the_st_set_is_what_the_three_rules_say(case: tuple[Topology, int, int]) -> None:
    topology, given_, online = case
    expected = naive_st_set(set(members(given_)), set(members(online)), topology)
    assert set(members(st_set(given_, online, topology))) == expected


@given(st_cases(), processors, st.integers(0, 15), st.sampled_from([0, c.RS_NON_EXCLUSIVE]))
def test_rs_op_gives_the_st_set_of_any_set_exclusive_or_not(
    case: tuple[Topology, int, int], exclusive: int, memory: int, flags: int
) -> None:
    topology, given_, online = case
    partition = made(smt=1, cores=1)
    partition.topology, partition.online, partition.exclusive = topology, online, exclusive
    mine, result = Rset(given_, memory), Rset(1, 1)
    assert ask(partition, RS_OP, c.RS_STSET, mine, result, flags) == 0
    assert set(result) == naive_st_set(set(members(given_)), set(members(online)), topology)
    assert result.memory == memory
    assert mine == Rset(given_, memory)


# ---- as it is written ----------------------------------------------------------------------------


@given(st.sets(st.integers(0, 1023)))
def test_what_is_written_is_read_again(ids: set[int]) -> None:
    whole = sum(1 << each for each in ids)
    assert listed(written(whole), "rset", 1023) == whole
    assert repr(Rset(whole)) == written(whole)


@given(st.lists(st.tuples(st.integers(0, 1023), st.integers(0, 3)), min_size=1))
def test_a_list_may_repeat_itself_in_any_order(parts: list[tuple[int, int]]) -> None:
    text = ", ".join(f"{low}-{min(low + more, 1023)}" if more else str(low) for low, more in parts)
    expected = {each for low, more in parts for each in range(low, min(low + more, 1023) + 1)}
    assert set(members(listed(text, "rset", 1023))) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("0-3,x", "rset: '0-3,x': expected a number or a range such as 0-3 at position 5, got 'x'"),
        ("x", "position 1, got 'x'"),
        ("0,,2", "position 3, got ''"),
        ("1-", "position 1, got '1-'"),
        ("0,-1", "position 3, got '-1'"),
        ("1-2-3", "position 1, got '1-2-3'"),
        ("0,5-8", "at position 3: ids go from 0 to 7, got 8"),
        ("0,3-2", "at position 3: the range 3-2 runs backwards"),
        ("٣", "position 1"),
    ],
)
def test_a_list_that_is_none_tells_the_position(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"^rset: ") as caught:
        listed(text, "rset", 7)
    assert message in str(caught.value)


def test_a_list_is_a_string() -> None:
    with pytest.raises(TypeError, match=r"rset: expected a list of processors such as '0-3,6', got 3"):
        listed(3, "rset", 7)


# ---- a handle ------------------------------------------------------------------------------------


@given(rsets, rsets)
def test_a_handle_is_a_set_of_logical_ids(a: Rset, b: Rset) -> None:
    ids = set(members(a.processors))
    assert len(a) == len(ids)
    assert list(a) == sorted(ids)
    assert {each for each in range(100) if each in a} == ids
    assert -1 not in a
    assert "0" not in a
    assert (a >= b) == (b <= a)
    assert a - b <= a <= a | b


def test_a_handle_is_changed_by_nobody_else_and_has_no_hash() -> None:
    mine = Rset(3, 1)
    other = mine.copy()
    other.processors = 4
    assert mine == Rset(3, 1)
    assert mine != other
    assert mine != 3
    with pytest.raises(TypeError, match="unhashable"):
        hash(mine)
    with pytest.raises(TypeError):
        mine | 3  # type: ignore[operator]
