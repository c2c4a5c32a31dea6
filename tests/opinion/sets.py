"""Read from rs_op, ra_attachrset, rs_setpartition and their kin: what a call may come to, and what it leaves behind.

No page gives an order of errors: a call that is wrong in several ways may report any of them.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from tests.opinion.lpars import STRSET, Partition
from tests.opinion.worlds import Pointer

Ids = frozenset[int]
R_PROCS, R_ALL_RESOURCES = 1, 3
R_PROCESS = 1
UNION, INTERSECTION, EXCLUSION, COPY, FIRST, NEXT, NEXT_WRAP = range(1, 8)
ISEMPTY, ISEQUAL, ISCONTAINED, TEST, ADD, DELETE, ST = range(8, 15)
WITH_RSET1_ALONE = (ISEMPTY, TEST, ADD, DELETE)
EFFECTIVE, BY_PARTITION, DEFAULT = 2, 3, 4
MYSELF = -1
NOBODY = 999_999
BINDPROCESS = 1
UNBIND = -1
ANY = "any errno"
# Ids that every level's sets can hold, and one that none can.
IDS_MAX, NO_ID = 256, 100_000


@attrs.define
class Process:
    """A process of the partition: who it is, and what it is attached and bound to."""

    euid: int
    capable: bool
    attached: Ids | None = None
    bounds: Ids | None = None
    bind_id: int | None = None

    @property
    def bound(self) -> bool:
        """Whether it is bound by bindprocessor."""
        return self.bind_id is not None

    @property
    def privileged(self) -> bool:
        """Whether it may attach at all."""
        return self.euid == 0 or self.capable


@attrs.frozen
class Named:
    """A registered set: what it holds, whose it is, and who may read and write it."""

    ids: Ids
    uid: int
    mode: int

    def grants(self, process: Process, bit: int) -> bool:
        """Whether a process has the right, 4 to read or 2 to write; here everybody's group is his own."""
        return process.euid == 0 or bool((self.mode >> 6 if process.euid == self.uid else self.mode) & bit)


@attrs.define
class State:
    """A partition as calls find it and leave it: its sets in hand by number (None: freed) and its processes."""

    partition: Partition
    sets: list[Ids | None]
    processes: list[Process]
    exclusive: dict[str, Ids] = attrs.field(factory=dict)  # named sets of sysxrset
    named: dict[tuple[str, str], Named] = attrs.field(factory=dict)  # those of other namespaces


# A set by its number; or NULL, or a pointer to nowhere.
Hand = int | None | Pointer


@attrs.frozen
class May:
    """What a call may come to: errnos, or a value (any of some) and what is then so; `works` whether it may succeed."""

    errnos: frozenset[str] = frozenset()
    works: bool = True
    values: tuple[object, ...] = (0,)
    sets: dict[int, tuple[Ids, ...]] = attrs.field(factory=dict)
    then: Callable[[], None] | None = None


def refused(*errnos: str) -> May:
    """It fails with one of these."""
    return May(frozenset(errnos), works=False)


@attrs.frozen
class Judge:
    """What the pages say of calls in a state, made by one of its processes."""

    state: State
    caller: int

    @property
    def online(self) -> Ids:
        """The ids that are there."""
        return self.state.partition.online

    @property
    def every(self) -> Ids:
        """All ids of the machine."""
        return frozenset(range(self.state.partition.cores * self.state.partition.smt))

    @property
    def me(self) -> Process:
        """Who calls."""
        return self.state.processes[self.caller]

    def held(self, hand: Hand) -> Ids | None:
        """The set in a hand; None if that is no valid one."""
        return self.state.sets[hand] if isinstance(hand, int) else None

    def target(self, pid: int) -> Process | None:
        """The process of a number; -1 is the caller."""
        if pid == MYSELF:
            return self.me
        return self.state.processes[pid] if pid < len(self.state.processes) else None

    # ---- rs_op ----

    def op(self, command: int, one: Hand, two: Hand, flags: int, number: int) -> May:
        """Set algebra; results go into the second set, single resources in and out of the first."""
        a, b = self.held(one), self.held(two)
        old = self.state.partition.level == "5.2"
        errnos = set()
        if not UNION <= command <= (DELETE if old else ST):
            errnos.add("EINVAL")
        if flags & ~R_ALL_RESOURCES:
            errnos.add("EINVAL")
        if a is None or (b is None and command not in WITH_RSET1_ALONE):
            errnos.add("EFAULT")
        if command in (TEST, ADD, DELETE) and not 0 <= number < NO_ID:
            errnos.add("EINVAL")
        if errnos or a is None:
            # RS_STSET has a flag of its own, and no page says whether it knows kinds of resources as well.
            return refused(*errnos, *(["EINVAL"] if command == ST and flags & ~1 else []))
        maybe = frozenset({"EFAULT"}) if b is None else frozenset[str]()
        if command in WITH_RSET1_ALONE:
            return self._with_one(command, a, one, number, maybe)
        assert b is not None
        if command in (ISEQUAL, ISCONTAINED):
            return May(values=(int(a == b if command == ISEQUAL else a <= b),))
        if command == ST:
            made = self.st_of(a)
            # Without RS_NON_EXCLUSIVE (1) it may ask for exclusive use, or not: the pages differ.
            general = bool(a & self.online - self.state.partition.not_general)
            doubtful = (general and not flags & 1) or flags & ~1
            return self.put(two, made, maybe=frozenset({"EINVAL"}) if doubtful else frozenset())
        return self.put(two, self._combined(command, a, b))

    def _with_one(self, command: int, a: Ids, one: Hand, number: int, maybe: frozenset[str]) -> May:
        if command == ISEMPTY:
            return May(maybe, values=(int(not a),))
        if command == TEST:
            return May(maybe, values=(int(number in a),))
        return self.put(one, a | {number} if command == ADD else a - {number}, maybe=maybe)

    @staticmethod
    def _combined(command: int, a: Ids, b: Ids) -> Ids:
        if command in (FIRST, NEXT, NEXT_WRAP):
            later = sorted(a) if command == FIRST else [each for each in sorted(a) if each > max(b)]
            if command == NEXT_WRAP and not later:
                later = sorted(a)
            return frozenset(later[:1])
        return {UNION: a | b, INTERSECTION: a & b, EXCLUSION: b - a, COPY: a}[command]

    def st_of(self, ids: Ids) -> Ids:
        """One thread of each core all of whose online threads are there."""
        smt = self.state.partition.smt
        on = {core: {each for each in self.online if each // smt == core} for core in range(self.state.partition.cores)}
        return frozenset(min(threads) for threads in on.values() if threads and threads <= ids)

    def put(self, hand: Hand, ids: Ids, *also: Ids, value: object = 0, maybe: frozenset[str] = frozenset()) -> May:
        """It succeeds, and a hand holds these ids (or others of which the pages allow more than one)."""
        assert isinstance(hand, int)
        return May(maybe, values=(value,), sets={hand: (ids, *also)})

    # ---- what a set tells ----

    def count(self, hand: Hand, flags: int) -> May:
        """rs_getinfo(R_NUMPROCS): how many of its processors are available."""
        ids = self.held(hand)
        errnos = ({"EINVAL"} if flags else set()) | ({"EFAULT"} if ids is None else set())
        return refused(*errnos) if errnos or ids is None else May(values=(len(ids & self.online),))

    def cores_in(self, hand: Hand, flags: int) -> May:
        """rs_numrads at the level of cores: how many have an available processor in the set."""
        ids = self.held(hand)
        errnos = ({"EINVAL"} if flags else set()) | ({"EFAULT"} if ids is None else set())
        return refused(*errnos) if errnos or ids is None else May(values=(len(self._cores(ids)),))

    def _cores(self, ids: Ids) -> list[int]:
        return sorted({each // self.state.partition.smt for each in ids & self.online})

    def core_of(self, hand: Hand, rad: Hand, index: int, flags: int) -> May:
        """rs_getrad at the level of cores: the part of a core that lies in the set."""
        ids = self.held(hand)
        errnos = {"EINVAL"} if flags & ~3 else set[str]()
        if ids is None or self.held(rad) is None:
            errnos.add("EFAULT")
        if ids is not None and not 0 <= index < len(self._cores(ids)):
            errnos.add("EINVAL")
        if errnos or ids is None:
            return refused(*errnos)
        smt, core = self.state.partition.smt, self._cores(ids)[index]
        part = frozenset(each for each in ids if each // smt == core)
        return self.put(rad, part, part & self.online)

    def fill(self, hand: Hand, flags: int) -> May:
        """rs_init: nothing, what is available, everything, or the caller's partition set."""
        errnos = ({"EINVAL"} if flags not in range(4) else set()) | ({"EFAULT"} if self.held(hand) is None else set())
        if errnos:
            return refused(*errnos)
        bounds = self.me.bounds
        by_flags = {
            0: (frozenset[int](),), 1: (self.online,), 2: (self.every,),
            3: (self.every, self.online) if bounds is None else (bounds,),
        }  # fmt: skip
        return self.put(hand, *by_flags[flags])

    # ---- attachments ----

    def _of_set(self, ids: Ids | None, flags: int) -> set[str]:
        """What any attachment asks of a set: that it is one, is there, and for an ST set is exclusive and whole."""
        errnos = set()
        lawful = 0 if self.state.partition.level == "5.2" else STRSET
        if flags & ~lawful:
            errnos.add("EINVAL")
        if ids is None:
            return errnos | {"EFAULT"}
        there = ids & self.online
        if not there or (flags & STRSET and not self.st_of(ids)):
            errnos.add("ENODEV")
        if flags & STRSET and there - self.state.partition.not_general:
            errnos.add("EINVAL")
        return errnos

    def attach(self, rstype: int, pid: int, hand: Hand, flags: int) -> May:
        """ra_attachrset of a process."""
        ids, target = self.held(hand), self.target(pid)
        errnos = self._of_set(ids, flags)
        if rstype != R_PROCESS:
            errnos.add("EINVAL")
        if not self.me.privileged:
            errnos.add("EPERM")
        if target is None:
            errnos.add("ESRCH")
        else:
            foreign = self.me.euid not in (0, target.euid)
            outside = ids is not None and target.bounds is not None and not ids <= target.bounds
            if foreign or target.bound or outside:
                errnos.add("EPERM")
        if errnos or target is None or ids is None:
            return refused(*errnos)
        effective = self.st_of(ids) if flags else ids
        return May(then=lambda: setattr(target, "attached", effective))

    def detach(self, rstype: int, pid: int, flags: int) -> May:
        """ra_detachrset of a process; one with nothing attached succeeds."""
        target = self.target(pid)
        errnos = {"EINVAL"} if rstype != R_PROCESS or flags not in (0, 1) else set()
        if target is None:
            errnos.add("ESRCH")
        if not self.me.privileged or (target is not None and self.me.euid not in (0, target.euid)):
            errnos.add("EPERM")
        return refused(*errnos) if errnos else May(then=lambda: setattr(target, "attached", None))

    def get(self, rstype: int, pid: int, flags: int, hand: Hand) -> May:
        """ra_getrset of a process: its effective set, else its partition set, else the default one."""
        target = self.target(pid)
        errnos = {"EINVAL"} if rstype != R_PROCESS or flags else set()
        errnos |= ({"ESRCH"} if target is None else set()) | ({"EFAULT"} if self.held(hand) is None else set())
        if errnos or target is None:
            return refused(*errnos)
        if target.attached is not None:
            return self.put(hand, target.attached, value=EFFECTIVE)
        return self.get_partition(pid, hand)

    def get_partition(self, pid: int, hand: Hand) -> May:
        """rs_getpartition."""
        target = self.target(pid)
        errnos = ({"ESRCH"} if target is None else set()) | ({"EFAULT"} if self.held(hand) is None else set())
        if errnos or target is None:
            return refused(*errnos)
        if target.bounds is not None:
            return self.put(hand, target.bounds, value=BY_PARTITION)
        return self.put(hand, self.every, self.online, value=DEFAULT)

    def set_partition(self, pid: int, hand: Hand, flags: int) -> May:
        """rs_setpartition with a set: root's alone."""
        ids, target = self.held(hand), self.target(pid)
        errnos = self._of_set(ids, flags)
        if self.me.euid != 0:
            errnos.add("EPERM")
        if target is None:
            errnos.add("ESRCH")
        maybe = set()
        if target is not None and ids is not None:
            bounds = self.st_of(ids) if flags else ids
            if target.bound or (target.attached is not None and not target.attached <= ids):
                errnos.add("EPERM")
            elif target.attached is not None and not target.attached <= bounds:
                maybe.add("EPERM")  # whether the given set must contain it or the ST set is not said
        if errnos or target is None or ids is None:
            return refused(*errnos | maybe)
        return May(frozenset(maybe), then=lambda: setattr(target, "bounds", bounds))

    def drop_partition(self, pid: int) -> May:
        """rs_setpartition with RS_DEFAULT."""
        target = self.target(pid)
        errnos = ({"ESRCH"} if target is None else set()) | ({"EPERM"} if self.me.euid != 0 else set())
        if errnos or target is None:
            return refused(*errnos)
        maybe = frozenset({"EPERM"}) if target.bound else frozenset[str]()
        return May(maybe, then=lambda: setattr(target, "bounds", None))

    def bind(self, what: int, pid: int, bind_id: int) -> May:
        """Bindprocessor of a process: bind ids count what is online; exclusive processors cannot be had."""
        target = self.target(pid) if pid >= 0 else None
        errnos = {"EINVAL"} if what not in (BINDPROCESS, 2) else set()
        if bind_id != UNBIND:
            online = sorted(self.online)
            if not 0 <= bind_id < len(online) or online[bind_id] in self.state.partition.not_general:
                errnos.add("EINVAL")
        if target is None:
            errnos.add("ESRCH")
            return refused(*errnos)
        if self.me.euid not in (0, target.euid):
            errnos.add("EPERM")
        if bind_id == UNBIND:
            return refused(*errnos) if errnos else May(then=lambda: setattr(target, "bind_id", None))
        if target.attached is not None:
            errnos.add("EPERM")
        if errnos:
            # Whether a partition set counts as an attachment is not said.
            return refused(*errnos, *(["EPERM"] if target.bounds is not None else []))
        maybe = frozenset({"EPERM", "EINVAL"}) if target.bounds is not None else frozenset[str]()
        return May(maybe, then=lambda: setattr(target, "bind_id", bind_id))
