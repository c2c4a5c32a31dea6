"""Calls about resource sets one after the other, held against a second reading of the pages, with what they leave."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import bprocsim as bp
from tests.opinion import setnames
from tests.opinion.lparbuilding import build, spelled
from tests.opinion.lpargenerating import Draft, make_exclusive, take_away
from tests.opinion.lpars import STRSET, Attach, Partition
from tests.opinion.sets import (
    ADD,
    ANY,
    BINDPROCESS,
    DELETE,
    FIRST,
    IDS_MAX,
    MYSELF,
    NEXT,
    NEXT_WRAP,
    NO_ID,
    NOBODY,
    R_PROCESS,
    ST,
    TEST,
    UNBIND,
    UNION,
    Hand,
    Ids,
    Judge,
    May,
    Process,
    State,
)  # fmt: skip
from tests.opinion.worlds import NOWHERE, Pointer

LEVELS = ("5.2", "5.3", "6.1", "7.1", "7.1", "7.3")
WHOS = ((0, 0), (0, 500), (500, 500), (500, 500), (501, 501))  # effective ids, and whether capable: see `play`


@attrs.define
class Table:
    """A state by the pages and one by the simulator, side by side."""

    rng: random.Random
    state: State
    lpar: bp.Lpar
    sets: list[bp.Rset]
    processes: list[bp.ProcessHandle]
    said: list[str] = attrs.field(factory=list)
    met: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    mixed: set[Hand] = attrs.field(factory=set)  # sets that may hold memory pools as well

    def hand(self, *, bad: float = 0.08) -> Hand:
        """A set by its number, or what is none."""
        return self.rng.choice((None, NOWHERE)) if self.rng.random() < bad else self.rng.randrange(len(self.sets))

    def given(self, hand: Hand) -> Any:
        """What a hand is to the simulator."""
        return bp.BAD_ADDRESS if isinstance(hand, Pointer) else None if hand is None else self.sets[hand]

    def who(self) -> int:
        """A process by its number, the caller, or nobody."""
        who: int = self.rng.choice((*range(len(self.processes)), MYSELF, NOBODY))
        return who

    def pid(self, who: int) -> int:
        """Its pid."""
        return int(self.processes[who].pid) if 0 <= who < len(self.processes) else who

    def held(self, name: str, told: tuple[object, ...], may: May, out: bp.Outcome) -> None:
        """Compare an outcome, and what it has left, with what the pages allow; go on from there."""
        said = f"{name}{told}"
        self.said.append(said)
        here = "\n".join((f"in {self.state.partition}", *self.said))
        if out.failed:
            errno = out.errno.name if out.errno is not None else "none"
            assert errno in may.errnos or ANY in may.errnos, f"{said}: got {errno}; the pages allow {may}\n{here}"
            self.met[name, errno] += 1
        else:
            assert may.works, f"{said}: got {out.value}; the pages allow {may}\n{here}"
            assert out.value in may.values, f"{said}: got {out.value}; the pages allow {may}\n{here}"
            for number, allowed in may.sets.items():
                got = frozenset(self.sets[number])
                assert got in allowed, f"{said}: set {number} is {got}; the pages allow {may}\n{here}"
                self.state.sets[number] = got
            if may.then is not None:
                may.then()
            self.met[name, "done"] += 1
        for number, ids in enumerate(self.state.sets):
            if ids is not None:
                assert frozenset(self.sets[number]) == ids, f"{said} left set {number} as {self.sets[number]}\n{here}"
        for number, process in enumerate(self.state.processes):
            self.check_effective(said, number, process, here)

    def check_effective(self, said: str, number: int, process: Process, here: str) -> None:
        """Compare what a process is confined to."""
        ids = process.attached if process.attached is not None else process.bounds
        got = frozenset(self.lpar.effective_rset(self.processes[number].pid))
        if ids is not None:
            assert got == ids, f"{said} left process {number} with {sorted(got)}, not {sorted(ids)}\n{here}"


def play(rng: random.Random, calls: int) -> Table:
    """Make a partition with sets and processes, and calls in it."""
    partition = Partition(cores=rng.choice((1, 2, 3)), smt=rng.choice((1, 2, 4)), level=rng.choice(LEVELS))
    draft = Draft(rng, partition, Attach("ve", 0, None, 0, "sound"))
    take_away(draft)
    make_exclusive(draft)
    partition = draft.partition
    lpar = build(partition).lpar
    sets = [draft.some(draft.every()) for _ in range(4)]
    processes = [Process(euid, capable=rng.random() < 0.7) for euid in (0, 500, 500, 501)]
    named = {f"x{number}": ids for number, ids in enumerate(partition.exclusive)}
    table = Table(
        rng, State(partition, [*sets], processes, named), lpar, [lpar.rset(spelled(ids)) for ids in sets],
        [lpar.idle_process(_identity(each)) for each in processes],
    )  # fmt: skip
    for _ in range(calls):
        rng.choice(CALLS)(table)
    return table


def _identity(process: Process) -> bp.Credentials:
    capabilities = ("CAP_NUMA_ATTACH", "CAP_PROPAGATE") if process.capable else ()
    return bp.Credentials(process.euid, process.euid, capabilities=capabilities)


def _caller(table: Table) -> tuple[int, Judge, bp.ProcessHandle]:
    number = table.rng.choice((0, 0, 1, 2, 3))
    return number, Judge(table.state, number), table.processes[number]


def combine(table: Table) -> None:
    """rs_op."""
    rng = table.rng
    _, judge, process = _caller(table)
    command = rng.choice((*range(UNION, ST + 1), *range(UNION, ST + 1), 0, 15, -1))
    one, two = table.hand(), table.hand()
    if command in (NEXT, NEXT_WRAP) and len(judge.held(two) or ()) != 1:
        command = FIRST
    single = command in (TEST, ADD, DELETE) or {one, two} & table.mixed
    table.mixed |= {two} if command == ST and one in table.mixed else set()
    flags = rng.choice((1, 1, 1, 4)) if single else rng.choice((0, 1, 3, 1, 3, 4, 0x100))
    number = rng.choice((0, 1, 2, 3, 5, IDS_MAX - 1, -1, NO_ID))
    out = table.lpar.rs_op(command, table.given(one), table.given(two), flags, number, caller=process)
    table.held("rs_op", (command, one, two, flags, number), judge.op(command, one, two, flags, number), out)


def ask(table: Table) -> None:
    """rs_getinfo, rs_numrads."""
    _, judge, process = _caller(table)
    hand, flags = table.hand(), table.rng.choice((0, 0, 0, 1))
    out = table.lpar.rs_getinfo(table.given(hand), bp.R_NUMPROCS, flags, caller=process)
    table.held("rs_getinfo", (hand, flags), judge.count(hand, flags), out)
    out = table.lpar.rs_numrads(table.given(hand), _core_level(table), flags, caller=process)
    table.held("rs_numrads", (hand, flags), judge.cores_in(hand, flags), out)


def _core_level(table: Table) -> int:
    level: int = table.lpar.rs_getinfo(None, bp.R_PCORESDL, 0).check().value
    return level


def part(table: Table) -> None:
    """rs_getrad."""
    rng = table.rng
    _, judge, process = _caller(table)
    hand, rad, index, flags = table.hand(), table.hand(), rng.choice((0, 0, 1, 2, -1)), rng.choice((0, 0, 0, 16))
    table.mixed |= {rad} if hand in table.mixed else set()
    out = table.lpar.rs_getrad(table.given(hand), table.given(rad), _core_level(table), index, flags, caller=process)
    table.held("rs_getrad", (hand, rad, index, flags), judge.core_of(hand, rad, index, flags), out)


def fill(table: Table) -> None:
    """rs_init."""
    _, judge, process = _caller(table)
    hand, flags = table.hand(), table.rng.choice((0, 1, 2, 3, 4, -1))
    table.mixed.add(hand)
    out = table.lpar.rs_init(table.given(hand), flags, caller=process)
    table.held("rs_init", (hand, flags), judge.fill(hand, flags), out)


def refill(table: Table) -> None:
    """Put other ids into a set, as its owner may at any time: what it was attached to stays as it is."""
    number = table.rng.randrange(len(table.sets))
    draft = Draft(table.rng, table.state.partition, Attach("ve", 0, None, 0, "sound"))
    exclusive = table.state.partition.not_general
    ids: Ids = draft.some(exclusive) if exclusive and table.rng.random() < 0.5 else draft.some(draft.every())
    table.sets[number] = table.lpar.rset(spelled(ids))
    table.state.sets[number] = ids
    table.mixed.discard(number)
    table.said.append(f"set {number} is now {spelled(ids)!r}")


def attach(table: Table) -> None:
    """ra_attachrset."""
    rng = table.rng
    number, judge, process = _caller(table)
    rstype, flags = rng.choice((R_PROCESS,) * 8 + (0, 2, 99)), rng.choice((0, 0, 0, STRSET, STRSET, 2, 0x200))
    who, hand = table.who(), table.hand()
    if table.state.partition.level >= "6.1" and rng.random() < 0.3:
        out = table.lpar.ra_attach(rstype, table.pid(who), bp.R_RSET, table.given(hand), flags, caller=process)
    else:
        out = table.lpar.ra_attachrset(rstype, table.pid(who), table.given(hand), flags, caller=process)
    table.held("ra_attachrset", (number, rstype, who, hand, flags), judge.attach(rstype, who, hand, flags), out)


def detach(table: Table) -> None:
    """ra_detachrset."""
    rng = table.rng
    number, judge, process = _caller(table)
    rstype, who, flags = rng.choice((R_PROCESS,) * 6 + (0, 99)), table.who(), rng.choice((0, 0, 0, 0x200))
    out = table.lpar.ra_detachrset(rstype, table.pid(who), flags, caller=process)
    table.held("ra_detachrset", (number, rstype, who, flags), judge.detach(rstype, who, flags), out)


def get(table: Table) -> None:
    """ra_getrset, rs_getpartition."""
    rng = table.rng
    number, judge, process = _caller(table)
    rstype, who, flags, hand = rng.choice((R_PROCESS,) * 6 + (99,)), table.who(), rng.choice((0, 0, 0, 1)), table.hand()
    table.mixed.add(hand)
    out = table.lpar.ra_getrset(rstype, table.pid(who), flags, table.given(hand), caller=process)
    table.held("ra_getrset", (number, rstype, who, flags, hand), judge.get(rstype, who, flags, hand), out)
    out = table.lpar.rs_getpartition(table.pid(who), table.given(hand), caller=process)
    table.held("rs_getpartition", (number, who, hand), judge.get_partition(who, hand), out)


def bound_by_sets(table: Table) -> None:
    """rs_setpartition."""
    rng = table.rng
    number, judge, process = _caller(table)
    who, hand, flags = table.who(), table.hand(), rng.choice((0, 0, 0, STRSET, 2))
    if rng.random() < 0.3:
        out = table.lpar.rs_setpartition(table.pid(who), bp.RS_DEFAULT, 0, caller=process)
        table.held("rs_setpartition", (number, who, "RS_DEFAULT"), judge.drop_partition(who), out)
        return
    out = table.lpar.rs_setpartition(table.pid(who), table.given(hand), flags, caller=process)
    table.held("rs_setpartition", (number, who, hand, flags), judge.set_partition(who, hand, flags), out)


def bind(table: Table) -> None:
    """bindprocessor."""
    rng = table.rng
    number, judge, process = _caller(table)
    what, who = rng.choice((BINDPROCESS,) * 6 + (0, 3)), rng.choice((*range(len(table.processes)), NOBODY))
    bind_id = rng.choice((0, 0, 1, 2, 3, 64, UNBIND, UNBIND, UNBIND, -2))
    out = table.lpar.bindprocessor(what, table.pid(who), bind_id, caller=process)
    table.held("bindprocessor", (number, what, who, bind_id), judge.bind(what, who, bind_id), out)


def change(table: Table) -> None:
    """dlpar_remove, dlpar_add, smtctl."""
    rng, partition = table.rng, table.state.partition
    number, judge, process = _caller(table)
    if rng.random() < 0.5:
        threads = rng.choice([each for each in (1, 2, 4) if each <= partition.smt])
        out = table.lpar.smtctl(threads=threads, caller=process)
        may = setnames.change(judge, attrs.evolve(partition, threads=threads))
        table.held("smtctl", (number, threads), may, out)
        return
    core = rng.randrange(partition.cores)
    if core in partition.removed:
        out = table.lpar.dlpar_add(core=core, caller=process)
        may = setnames.change(judge, attrs.evolve(partition, removed=partition.removed - {core}))
    else:
        out = table.lpar.dlpar_remove(core=core, caller=process)
        may = setnames.change(judge, attrs.evolve(partition, removed=partition.removed | {core}))
    table.held("dlpar", (number, core), may, out)


def name_exclusive(table: Table) -> None:
    """mkrset and rmrset in sysxrset."""
    rng = table.rng
    number, judge, process = _caller(table)
    name = rng.choice(("x0", "x1", "x2", "x3"))
    if table.state.partition.level == "5.2":
        return
    if rng.random() < 0.4:
        out = table.lpar.rmrset(f"sysxrset/{name}", caller=process)
        table.held("rmrset", (number, name), setnames.discard(judge, name), out)
        return
    draft = Draft(rng, table.state.partition, Attach("ve", 0, None, 0, "sound"))
    ids = draft.some(draft.every())
    out = table.lpar.mkrset(f"sysxrset/{name}", spelled(ids), caller=process)
    table.held("mkrset", (number, name, spelled(ids)), setnames.make_exclusive(judge, name, ids), out)


def register(table: Table) -> None:
    """rs_registername, rs_getnamedrset, rs_discardname."""
    rng = table.rng
    number, judge, process = _caller(table)
    name = ("app", rng.choice(("a", "a", "b", "n" * 255, "n" * 256, "")))
    hand, chance = table.hand(), rng.random()
    if chance < 0.5:
        mode, command = rng.choice((0o644, 0o600, 0o060, 0o006, 0o000, 0o666)), rng.choice((0, 0, 1, 2))
        out = table.lpar.rs_registername(table.given(hand), *name, mode, command, caller=process)
        may = setnames.register(judge, hand, name, mode, command)
        table.held("rs_registername", (number, hand, name, oct(mode), command), may, out)
    elif chance < 0.8:
        table.mixed.add(hand)
        out = table.lpar.rs_getnamedrset(*name, table.given(hand), caller=process)
        table.held("rs_getnamedrset", (number, name, hand), setnames.get_named(judge, name, hand), out)
    else:
        out = table.lpar.rs_discardname(*name, caller=process)
        table.held("rs_discardname", (number, name), setnames.discard_name(judge, name), out)


CALLS = (
    combine, combine, combine, ask, part, fill, refill, attach, attach, detach, get, bound_by_sets, bind, change,
    change, name_exclusive, register, register, register,
)  # fmt: skip


@given(rng=st.randoms(use_true_random=False), calls=st.integers(1, 20))
@settings(max_examples=50)
def test_any_calls(rng: random.Random, calls: int) -> None:
    play(rng, calls)


def test_the_same_calls_in_every_run() -> None:
    for at in range(60):
        play(random.Random(f"opinion/{at}"), 20)


@pytest.mark.slow
def test_many_more_calls_reach_all_that_the_pages_tell() -> None:
    met: Counter[tuple[str, str]] = Counter()
    for at in range(300):
        met += play(random.Random(f"more/{at}"), 20).met
    expected = {
        "rs_op": {"EINVAL", "EFAULT"},
        "rs_getinfo": {"EINVAL", "EFAULT"},
        "rs_numrads": {"EINVAL", "EFAULT"},
        "rs_getrad": {"EINVAL", "EFAULT"},
        "rs_init": {"EINVAL", "EFAULT"},
        "ra_attachrset": {"EINVAL", "ENODEV", "ESRCH", "EFAULT", "EPERM"},
        "ra_detachrset": {"EINVAL", "ESRCH", "EPERM"},
        "ra_getrset": {"EINVAL", "ESRCH", "EFAULT"},
        "rs_getpartition": {"ESRCH", "EFAULT"},
        "rs_setpartition": {"EINVAL", "ENODEV", "ESRCH", "EFAULT", "EPERM"},
        "bindprocessor": {"EINVAL", "ESRCH", "EPERM"},
        "rs_registername": {"EINVAL", "EFAULT", "EPERM", "EEXIST"},
        "rs_getnamedrset": {"EINVAL", "EFAULT", "EPERM", "ENOENT"},
        "rs_discardname": {"EINVAL", "EPERM", "ENOENT"},
    }
    assert {name: {errno for each, errno in met if each == name} for name in expected} == {
        name: errnos | {"done"} for name, errnos in expected.items()
    }
