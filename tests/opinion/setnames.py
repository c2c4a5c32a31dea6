"""Read from mkrset, rs_registername and the pages of DLPAR and SMT: what names sets, and what there is to name."""

from __future__ import annotations

import attrs

from tests.opinion.lpars import Partition
from tests.opinion.sets import ANY, Hand, Ids, Judge, May, Named, refused

DEFINE, REDEFINE = 0, 1
TEXT_MAX = 255


def change(judge: Judge, partition: Partition) -> May:
    """Take processors away or bring them back: nobody may lose the last that he is attached, or is bound, to.

    Bind ids have no holes, so it is the highest ones that go. Of partition sets the pages do not speak.
    """
    if judge.me.euid != 0:
        return refused(ANY)
    if not partition.online:
        return refused(ANY)
    maybe = frozenset[str]()
    if judge.online - partition.online:
        for process in judge.state.processes:
            if process.bind_id is not None and process.bind_id >= len(partition.online):
                return refused(ANY)
            if process.attached is not None and not process.attached & partition.online:
                return refused(ANY)
            if process.bounds is not None and not process.bounds & partition.online:
                maybe = frozenset({ANY})
    return May(maybe, then=lambda: setattr(judge.state, "partition", partition))


def make_exclusive(judge: Judge, name: str, ids: Ids) -> May:
    """mkrset in sysxrset; whether sets may overlap, or take from who is bound, the pages leave open."""
    errnos = (set() if judge.me.privileged else {"EPERM"}) | ({"EEXIST"} if name in judge.state.exclusive else set())
    if errnos:
        return refused(*errnos)
    doubtful = ids & judge.state.partition.not_general or any(each.bound for each in judge.state.processes)
    sets = {**judge.state.exclusive, name: ids}
    return May(frozenset({ANY}) if doubtful or not ids else frozenset(), then=lambda: _name(judge, sets))


def discard(judge: Judge, name: str) -> May:
    """rmrset in sysxrset: root may; of others the pages say both."""
    errnos = (set() if judge.me.privileged else {"EPERM"}) | (set() if name in judge.state.exclusive else {"ENOENT"})
    if errnos:
        return refused(*errnos)
    sets = {each: ids for each, ids in judge.state.exclusive.items() if each != name}
    return May(frozenset() if judge.me.euid == 0 else frozenset({"EPERM"}), then=lambda: _name(judge, sets))


def _name(judge: Judge, sets: dict[str, Ids]) -> None:
    judge.state.exclusive = sets
    judge.state.partition = attrs.evolve(judge.state.partition, exclusive=tuple(sets.values()))


def _misnamed(name: tuple[str, str]) -> set[str]:
    return set() if all(0 < len(part) <= TEXT_MAX for part in name) else {"EINVAL"}


def register(judge: Judge, hand: Hand, name: tuple[str, str], mode: int, command: int) -> May:
    """rs_registername: who may attach may define a name; to redefine one asks for the right to write it."""
    ids, there = judge.held(hand), judge.state.named.get(name)
    errnos = _misnamed(name) | (set() if command in (DEFINE, REDEFINE) else {"EINVAL"})
    errnos |= {"EFAULT"} if ids is None else set()
    errnos |= {"EEXIST"} if there is not None and command == DEFINE else set()
    writes = there is not None and command == REDEFINE and there.grants(judge.me, 2)
    if there is not None and command == REDEFINE and not writes:
        errnos.add("EPERM")
    if not judge.me.privileged and not writes:
        errnos.add("EPERM")
    # Whether redefining asks for the privilege too, the pages leave open.
    maybe = frozenset({"EPERM"}) if not judge.me.privileged else frozenset[str]()
    if errnos or ids is None:
        return refused(*errnos, *maybe)
    made = Named(ids, judge.me.euid, mode) if there is None else attrs.evolve(there, ids=ids)
    return May(maybe, then=lambda: judge.state.named.update({name: made}))


def get_named(judge: Judge, name: tuple[str, str], hand: Hand) -> May:
    """rs_getnamedrset: root, or who may read it."""
    there = judge.state.named.get(name)
    errnos = _misnamed(name) | ({"EFAULT"} if judge.held(hand) is None else set())
    if there is None:
        errnos.add("ENOENT")
    elif not there.grants(judge.me, 4):
        errnos.add("EPERM")
    return refused(*errnos) if errnos or there is None else judge.put(hand, there.ids)


def discard_name(judge: Judge, name: tuple[str, str]) -> May:
    """rs_discardname: root, or its creator if privileged."""
    there = judge.state.named.get(name)
    errnos = _misnamed(name) | ({"ENOENT"} if there is None else set())
    if judge.me.euid != 0 and not (judge.me.capable and there is not None and there.uid == judge.me.euid):
        errnos.add("EPERM")
    if errnos:
        return refused(*errnos)
    return May(then=lambda: judge.state.named.__delitem__(name))
