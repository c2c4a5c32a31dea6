"""Partitions with a sound call of the ra_exec family in them, in which up to three things are then made amiss."""

from __future__ import annotations

import random
from collections.abc import Callable

import attrs

from tests.opinion.attaching import OF_THE_FILE, ON_THE_WAY, SHELLS
from tests.opinion.lpars import R_RSET, R_SRADID, STRSET, Attach, Handle, Partition
from tests.opinion.worlds import NOWHERE, Who

LEVELS = ("5.2", "5.3", "6.1", "6.1.5", "7.1", "7.1", "7.1", "7.2", "7.3")
FORMS = ("l", "le", "lp", "v", "ve", "vp", "t")
IMAGES = (
    *ON_THE_WAY, *OF_THE_FILE, *SHELLS, *SHELLS, "closed", "closed", "many strings", "script", "link",
    "as long as may be",
)  # fmt: skip
ALICE = Who(500, 500, 500, 500)


@attrs.define
class Draft:
    """A partition and a call in the making."""

    rng: random.Random
    partition: Partition
    call: Attach

    def some(self, of: frozenset[int]) -> frozenset[int]:
        """Some of these ids, often those of whole cores."""
        smt = self.partition.smt
        if self.rng.random() < 0.6:
            cores = {cpu // smt for cpu in of}
            return frozenset(cpu for cpu in of if cpu // smt in cores and self.rng.random() < 0.8)
        kept = {core for core in range(self.partition.cores) if self.rng.random() < 0.6}
        return frozenset(cpu for cpu in of if cpu // smt in kept)

    def every(self) -> frozenset[int]:
        """All ids of the partition."""
        return frozenset(range(self.partition.cores * self.partition.smt))


def draw(rng: random.Random) -> tuple[Partition, Attach]:
    """A partition and a call of the ra_exec family in it."""
    level = rng.choice(LEVELS)
    affinity = level >= "6.1.5" and rng.random() < 0.5
    partition = Partition(
        cores=rng.choice((1, 2, 3, 4)), smt=rng.choice((1, 2, 4)), level=level, affinity=affinity,
        who=rng.choice((Who(), ALICE, ALICE)),
    )  # fmt: skip
    partition = attrs.evolve(
        partition, srads=rng.choice((1, partition.cores)), capable=partition.who == ALICE and rng.random() < 0.8
    )
    draft = Draft(rng, partition, Attach(rng.choice(FORMS), R_RSET, Handle(frozenset({0})), 0, "sound"))
    take_away(draft)
    make_exclusive(draft)
    hold_caller(draft)
    aim(draft)
    if rng.random() < 0.3:  # nothing is wrong with the attachment
        draft.partition = attrs.evolve(draft.partition, who=Who(), bound=False, bounds=None)
        draft.call = attrs.evolve(draft.call, rstype=R_RSET, rsid=Handle(draft.partition.online), flags=0)
        other_image(draft)
        return draft.partition, draft.call
    for _ in range(rng.choice((0, 0, 1, 1, 2, 3))):
        rng.choice(DEFECTS)(draft)
    return draft.partition, draft.call


def take_away(draft: Draft) -> None:
    """Take a core, or threads of all cores, offline."""
    rng, partition = draft.rng, draft.partition
    if partition.cores > 1 and rng.random() < 0.3:
        draft.partition = attrs.evolve(draft.partition, removed=frozenset({rng.randrange(partition.cores)}))
    if partition.smt > 1 and rng.random() < 0.3:
        draft.partition = attrs.evolve(draft.partition, threads=rng.choice((1, partition.smt // 2)))


def make_exclusive(draft: Draft) -> None:
    """Make some processors exclusive, in one named set or two; one processor stays general."""
    if draft.partition.level < "5.3" or draft.rng.random() < 0.3:
        return
    ids = draft.some(draft.every()) - {min(draft.partition.online)}
    other = frozenset(cpu for cpu in ids if draft.rng.random() < 0.3)
    sets = tuple(each for each in (ids - other, other) if each)
    draft.partition = attrs.evolve(draft.partition, exclusive=sets)


def hold_caller(draft: Draft) -> None:
    """Bind the caller, or give it a partition set, and perhaps an effective one within that."""
    rng, partition = draft.rng, draft.partition
    chance = rng.random()
    if chance < 0.15:
        draft.partition = attrs.evolve(partition, bound=True)
    elif chance < 0.5:
        bounds = draft.some(draft.every())
        if bounds & partition.online:
            draft.partition = attrs.evolve(partition, bounds=bounds)
    if chance >= 0.15 and rng.random() < 0.3:
        attached = draft.some(draft.every() if draft.partition.bounds is None else draft.partition.bounds)
        if attached & partition.online:
            draft.partition = attrs.evolve(draft.partition, attached=attached)


def aim(draft: Draft) -> None:
    """Choose what to attach to, so that it often can be."""
    rng, partition = draft.rng, draft.partition
    if partition.affinity and rng.random() < 0.3:
        draft.call = attrs.evolve(draft.call, rstype=R_SRADID, rsid=rng.randrange(partition.srads))
        return
    flags = STRSET if partition.exclusive and rng.random() < 0.6 else 0
    of = partition.not_general if flags and rng.random() < 0.8 else draft.every()
    if partition.bounds is not None and rng.random() < 0.7:
        of &= partition.bounds
    draft.call = attrs.evolve(draft.call, rsid=Handle(draft.some(of)), flags=flags)


def other_type(draft: Draft) -> None:
    draft.call = attrs.evolve(draft.call, rstype=draft.rng.choice((0, 1, 3, 4, 5, 6, 7, 12, 14, -1, R_RSET, R_SRADID)))


def other_flags(draft: Draft) -> None:
    draft.call = attrs.evolve(draft.call, flags=draft.rng.choice((1, 2, 0x101, 0x200, 0x300, STRSET, 1 << 31)))


def other_rsid(draft: Draft) -> None:
    rng = draft.rng
    given = (None, NOWHERE, 0, 1, 99, -1, Handle(frozenset({0}), freed=True), Handle(), Handle(frozenset({200})))
    draft.call = attrs.evolve(draft.call, rsid=rng.choice(given))


def other_set(draft: Draft) -> None:
    draft.call = attrs.evolve(draft.call, rsid=Handle(draft.some(draft.every())))


def no_privilege(draft: Draft) -> None:
    rng = draft.rng
    who = rng.choice((ALICE, Who(0, 0, 500, 500), Who(500, 500, 0, 500)))
    draft.partition = attrs.evolve(draft.partition, who=who, capable=False)


def other_image(draft: Draft) -> None:
    draft.call = attrs.evolve(draft.call, image=draft.rng.choice(IMAGES))


def other_argv(draft: Draft) -> None:
    draft.call = attrs.evolve(draft.call, argv=draft.rng.choice((None, NOWHERE, ("app", NOWHERE))))


DEFECTS: tuple[Callable[[Draft], None], ...] = (
    other_type, other_flags, other_rsid, other_set, other_set, no_privilege, other_image, other_image, other_argv
)  # fmt: skip
