"""Named sets: every row, whose a name is, exclusive processors, and a machine of random calls beside a model."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bprocsim.aix import constants as c
from bprocsim.aix.levels import LEVELS
from bprocsim.aix.partition import Partition
from bprocsim.aix.records import RsetAttributes
from bprocsim.aix.registrycalls import (
    RS_DISCARDNAME,
    RS_GETNAMEATTR,
    RS_GETNAMEDRSET,
    RS_REGISTERNAME,
    RS_SETNAMEATTR,
)
from bprocsim.aix.rset import Rset
from bprocsim.aix.service import Asker
from bprocsim.aix.setcommands import MKRSET, RMRSET
from bprocsim.faces.pointers import BAD_ADDRESS
from bprocsim.posix.credentials import ROOT, Credentials
from tests.aix.partitions import ATTACHER, NOBODY, ask, bits, freed, made, rset

MAKER = Credentials(502, 502, capabilities={"CAP_NUMA_ATTACH", "CAP_PROPAGATE"})
OTHER = Credentials(503, 503, groups=(501,), capabilities={"CAP_NUMA_ATTACH"})
STRICT = attrs.evolve(LEVELS["7.1"], exclusive_by_capability=False, overlapping_exclusive=False)


def register(
    partition: Partition,
    held: Any,
    namespace: Any = "app",
    rsname: Any = "one",
    mode: int = 0o644,
    command: int = c.RS_DEFINE,
    by: Credentials = ROOT,
) -> Any:
    return ask(partition, RS_REGISTERNAME, held, namespace, rsname, mode, command, by=by)


def named(partition: Partition, namespace: str = "app", rsname: str = "one", by: Credentials = ROOT) -> Any:
    found = Rset()
    failed = ask(partition, RS_GETNAMEDRSET, namespace, rsname, found, by=by)
    return failed or found


def attributes(partition: Partition, namespace: str = "app", rsname: str = "one") -> RsetAttributes:
    found = RsetAttributes()
    assert ask(partition, RS_GETNAMEATTR, namespace, rsname, found, by=NOBODY) == 0
    return found


# ---- names ---------------------------------------------------------------------------------------

# What takes a name, with the rest of its arguments in order.
WITH_A_NAME: list[Callable[..., Any]] = [
    lambda p, namespace, rsname: ask(p, RS_REGISTERNAME, rset("0"), namespace, rsname, 0o644, c.RS_DEFINE),
    lambda p, namespace, rsname: ask(p, RS_GETNAMEDRSET, namespace, rsname, Rset()),
    lambda p, namespace, rsname: ask(p, RS_DISCARDNAME, namespace, rsname),
    lambda p, namespace, rsname: ask(p, RS_GETNAMEATTR, namespace, rsname, RsetAttributes()),
    lambda p, namespace, rsname: ask(p, RS_SETNAMEATTR, namespace, rsname, c.RS_PERM, RsetAttributes()),
]


@pytest.mark.parametrize("call", WITH_A_NAME)
def test_a_name_that_is_none(call: Callable[..., Any]) -> None:
    for bad in (None, "", "x" * 256, "a/b", "a b", "a\tb", "a\n", "\x7f", "ä", b"\xff"):
        assert call(made(), bad, "one") == ("EINVAL", "namespace_invalid")
        assert call(made(), "app", bad) == ("EINVAL", "rsname_invalid")
    assert call(made(), BAD_ADDRESS, "one") == ("EFAULT", "namespace_unreadable")
    assert call(made(), "app", BAD_ADDRESS) == ("EFAULT", "rsname_unreadable")


@pytest.mark.parametrize("call", WITH_A_NAME[1:])
def test_a_name_that_is_not_there(call: Callable[..., Any]) -> None:
    partition = made()
    assert register(partition, rset("0")) == 0
    for namespace, rsname in (("app", "two"), ("other", "one")):
        assert call(partition, namespace, rsname) == ("ENOENT", "name_absent")
    assert call(partition, "app", "one") == 0


def test_names_may_be_long_and_are_bytes_up_to_their_nul() -> None:
    partition = made()
    assert register(partition, rset("3"), "n" * 255, b"r" * 255 + b"\0more") == 0
    assert named(partition, "n" * 255, "r" * 255) == rset("3")


# ---- rs_registername -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "cause"),
    [
        ({"command": 2}, ("EINVAL", "command_invalid")),
        ({"mode": 0o744}, ("EINVAL", "mode_invalid")),
        ({"mode": -1}, ("EINVAL", "mode_invalid")),
        ({"held": None}, ("EFAULT", "rset_unreadable")),
        ({"held": freed()}, ("EFAULT", "rset_unreadable")),
        ({"by": NOBODY}, ("EPERM", "not_privileged")),
        ({"by": NOBODY, "namespace": "sysxrset"}, ("EPERM", "not_privileged")),
    ],
)
def test_a_set_that_is_not_registered(more: dict[str, Any], cause: tuple[str, str]) -> None:
    partition = made()
    assert register(partition, **{"held": rset("0"), **more}) == cause
    assert partition.names == {}


def test_a_new_name_is_its_makers() -> None:
    partition = made()
    held = rset("0,99", 1)
    assert register(partition, held, mode=0o640, by=ATTACHER) == 0
    held.processors = 0
    assert named(partition) == rset("0,99", 1)
    assert attributes(partition) == RsetAttributes(501, 501, 0o640, 0)


def test_a_name_that_exists_keeps_whose_it_is() -> None:
    partition = made()
    register(partition, rset("0"), mode=0o646, by=ATTACHER)
    assert register(partition, rset("1")) == ("EEXIST", "name_taken")
    assert register(partition, rset("1"), command=c.RS_REDEFINE, mode=0, by=NOBODY) == 0  # others may write
    assert named(partition) == rset("1")
    assert attributes(partition) == RsetAttributes(501, 501, 0o646, 0)


def test_a_redefinition_of_nothing_defines() -> None:
    partition = made()
    assert register(partition, rset("1"), command=c.RS_REDEFINE, by=NOBODY) == ("EPERM", "not_privileged")
    assert register(partition, rset("1"), command=c.RS_REDEFINE, by=ATTACHER) == 0
    assert named(partition) == rset("1")


@pytest.mark.parametrize("mode", [0o400, 0o040, 0o004, 0o200, 0o020, 0o002, 0o026, 0o462])
def test_who_may_read_and_overwrite_goes_by_one_triple_of_bits(mode: int) -> None:
    """The owner by the owner's bits, the group by the group's, and so on: never by the next one's."""
    for who, shift in ((ATTACHER, 6), (OTHER, 3), (NOBODY, 0), (ROOT, -1)):
        partition = made()
        register(partition, rset("0"), mode=mode, by=ATTACHER)
        reads, writes = (True, True) if shift < 0 else (bool(mode >> shift & 4), bool(mode >> shift & 2))
        assert named(partition, by=who) == (rset("0") if reads else ("EPERM", "not_readable"))
        written = register(partition, rset("1"), command=c.RS_REDEFINE, by=who)
        assert written == (0 if writes else ("EPERM", "not_writable"))


def test_only_a_set_takes_what_a_name_stands_for() -> None:
    partition = made()
    register(partition, rset("0"))
    assert ask(partition, RS_GETNAMEDRSET, "app", "one", freed()) == ("EFAULT", "rset_unreadable")


def test_a_name_takes_memory() -> None:
    partition = made()
    partition.machine.memory.withheld_bytes = partition.machine.memory.total_bytes
    assert register(partition, rset("0")) == ("ENOMEM", "out_of_memory")
    assert ask(partition, MKRSET, "app/one", Rset(1)) == ("ENOMEM", "out_of_memory")


# ---- rs_discardname ------------------------------------------------------------------------------


def test_a_name_is_taken_away_by_root_or_its_owner() -> None:
    partition = made()
    for owner, who in ((ATTACHER, ROOT), (ATTACHER, ATTACHER), (ROOT, ROOT)):
        assert register(partition, rset("0"), mode=0o666, by=owner) == 0
        plain = Credentials(501, 501)
        for stranger in (OTHER, NOBODY, plain):
            assert ask(partition, RS_DISCARDNAME, "app", "one", by=stranger) == ("EPERM", "not_owner")
        assert ask(partition, RS_DISCARDNAME, "app", "one", by=who) == 0
        assert named(partition) == ("ENOENT", "name_absent")


# ---- rs_setnameattr ------------------------------------------------------------------------------


def test_attributes_are_set_one_by_one() -> None:
    partition = made()
    register(partition, rset("0"), by=ATTACHER)
    new = RsetAttributes(9, 8, 0o600, 7)
    for command, expected in (
        (c.RS_OWNER, RsetAttributes(9, 501, 0o644, 0)),
        (c.RS_GROUP, RsetAttributes(9, 8, 0o644, 0)),
        (c.RS_PERM, RsetAttributes(9, 8, 0o600, 0)),
    ):
        assert ask(partition, RS_SETNAMEATTR, "app", "one", command, new) == 0
        assert attributes(partition) == expected


@pytest.mark.parametrize(
    ("command", "given", "who", "cause"),
    [
        (0, RsetAttributes(), ROOT, ("EINVAL", "command_invalid")),
        (8, RsetAttributes(), ROOT, ("EINVAL", "command_invalid")),
        (c.RS_PERM, None, ROOT, ("EFAULT", "attributes_unreadable")),
        (c.RS_PERM, RsetAttributes(mode=0o1000), ROOT, ("EINVAL", "mode_invalid")),
        (c.RS_PERM, RsetAttributes(), OTHER, ("EPERM", "not_owner")),
        (c.RS_PERM, RsetAttributes(), Credentials(501, 501), ("EPERM", "not_owner")),
        (c.RS_OWNER, RsetAttributes(owner=500), ATTACHER, ("EPERM", "owner_given_away")),
        (c.RS_GROUP, RsetAttributes(group=500), ATTACHER, ("EPERM", "group_not_own")),
    ],
)
def test_attributes_that_are_not_set(command: int, given: Any, who: Credentials, cause: tuple[str, str]) -> None:
    partition = made()
    register(partition, rset("0"), by=ATTACHER)
    assert ask(partition, RS_SETNAMEATTR, "app", "one", command, given, by=who) == cause
    assert attributes(partition) == RsetAttributes(501, 501, 0o644, 0)


def test_an_owner_gives_a_name_to_a_group_of_his() -> None:
    partition = made()
    register(partition, rset("0"), by=OTHER)
    wanted = RsetAttributes(owner=503, group=501, mode=0o060)
    assert ask(partition, RS_SETNAMEATTR, "app", "one", c.RS_OWNER | c.RS_GROUP | c.RS_PERM, wanted, by=OTHER) == 0
    assert attributes(partition) == RsetAttributes(503, 501, 0o060, 0)
    assert ask(partition, RS_SETNAMEATTR, "app", "one", c.RS_GROUP, RsetAttributes(mode=0o7777, group=7)) == 0
    # It is none of the owner's groups, but it is the name's already.
    assert ask(partition, RS_SETNAMEATTR, "app", "one", c.RS_GROUP, RsetAttributes(group=7), by=OTHER) == 0


def test_attributes_are_told_to_anybody_who_has_room_for_them() -> None:
    partition = made()
    register(partition, rset("0"), mode=0)
    assert attributes(partition) == RsetAttributes(0, 0, 0, 0)
    assert ask(partition, RS_GETNAMEATTR, "app", "one", BAD_ADDRESS) == ("EFAULT", "attributes_unreadable")


# ---- exclusive sets ------------------------------------------------------------------------------


def test_an_exclusive_set_takes_its_processors_from_all_others() -> None:
    partition = made(offline="3")
    told = partition.dispatcher
    assert register(partition, rset("2,3"), "sysxrset", "a") == 0
    assert (partition.exclusive, told.count) == (bits("2,3"), 1)
    assert register(partition, rset("3-5"), "sysxrset", "b", by=ATTACHER) == 0
    assert (partition.exclusive, told.count) == (bits("2-5"), 2)
    assert register(partition, rset("4"), "sysxrset", "c") == 0
    assert told.count == 2  # nothing has changed
    assert ask(partition, RS_DISCARDNAME, "sysxrset", "b", by=ATTACHER) == 0
    assert (partition.exclusive, told.count) == (bits("2-4"), 3)
    assert register(partition, rset("0-7"), "sysxrset", "all") == 0
    assert partition.exclusive == bits("0-7")


def test_other_namespaces_make_nothing_exclusive() -> None:
    partition = made()
    register(partition, rset("2,3"), "sysxrset2", "a")
    assert ask(partition, MKRSET, "app/sysxrset", Rset(bits("2,3"))) == 0
    assert partition.exclusive == 0
    old = made(level="5.2")
    assert register(old, rset("2,3"), "sysxrset", "a") == 0
    assert old.exclusive == 0


def test_an_exclusive_set_is_not_overwritten() -> None:
    partition = made()
    register(partition, rset("2,3"), "sysxrset", "a", mode=0o666)
    for who in (ROOT, NOBODY):
        cause = register(partition, rset("4"), "sysxrset", "a", command=c.RS_REDEFINE, by=who)
        assert cause == (("EBUSY", "exclusive_set_fixed") if who is ROOT else ("EPERM", "exclusive_not_permitted"))
    assert partition.exclusive == bits("2,3")


def test_a_level_may_leave_exclusive_sets_to_root_and_keep_them_apart() -> None:
    partition = made(level=STRICT)
    assert register(partition, rset("2"), "sysxrset", "a", by=ATTACHER) == ("EPERM", "exclusive_not_permitted")
    assert ask(partition, MKRSET, "sysxrset/a", Rset(4), by=MAKER) == ("EPERM", "exclusive_not_permitted")
    assert register(partition, rset("2"), "sysxrset", "a") == 0
    assert register(partition, rset("2,3"), "sysxrset", "b") == ("EBUSY", "exclusive_sets_overlap")
    assert ask(partition, MKRSET, "sysxrset/b", Rset(bits("2,3"))) == ("EBUSY", "exclusive_sets_overlap")
    assert register(partition, rset("3"), "sysxrset", "b") == 0
    partition.names[b"sysxrset", b"a"].owner = partition.names[b"sysxrset", b"b"].owner = ATTACHER.uid
    assert ask(partition, RS_DISCARDNAME, "sysxrset", "a", by=ATTACHER) == ("EPERM", "exclusive_not_permitted")
    assert ask(partition, RMRSET, "sysxrset/b", by=ATTACHER) == ("EPERM", "exclusive_not_permitted")
    assert partition.exclusive == bits("2,3")


# ---- mkrset, rmrset ------------------------------------------------------------------------------


def test_mkrset_makes_a_name_of_an_administrators() -> None:
    partition = made()
    assert ask(partition, MKRSET, "app/one", Rset(bits("0-3"), 1), by=MAKER) == 0
    assert named(partition, by=NOBODY) == rset("0-3", 1)
    assert attributes(partition) == RsetAttributes(502, 502, 0o644, 0o1000)
    assert ask(partition, MKRSET, "app/one", Rset(1)) == ("EEXIST", "name_taken")
    assert ask(partition, MKRSET, "sysxrset/all", Rset(bits("0-7,99"))) == 0
    assert partition.exclusive == bits("0-7,99")


@pytest.mark.parametrize("name", ["one", "", "/", "app/", "/one", "app/one/two", "a b/one", "app/" + "x" * 256])
def test_the_commands_take_a_namespace_and_a_name(name: str) -> None:
    assert ask(made(), MKRSET, name, Rset(1)) == ("EINVAL", "name_malformed")
    assert ask(made(), RMRSET, name) == ("EINVAL", "name_malformed")


def test_mkrset_asks_for_both_capabilities() -> None:
    only = [Credentials(502, 502, capabilities={name}) for name in ("CAP_NUMA_ATTACH", "CAP_PROPAGATE")]
    for who in (NOBODY, *only):
        assert ask(made(), MKRSET, "app/one", Rset(1), by=who) == ("EPERM", "may_not_make")


def test_rmrset_asks_for_the_right_to_write() -> None:
    partition = made()
    assert ask(partition, RMRSET, "app/one") == ("ENOENT", "name_absent")
    register(partition, rset("0"), mode=0o642, by=ATTACHER)
    for who in (NOBODY, OTHER):  # others may write, but this one may not attach; the group may only read
        assert ask(partition, RMRSET, "app/one", by=who) == ("EPERM", "may_not_remove")
    assert ask(partition, RMRSET, "app/one", by=MAKER) == 0
    assert partition.names == {}


def test_a_failure_is_about_the_name() -> None:
    for service, args, subject in (
        (RMRSET, ("app/one",), b"app/one"),
        (RS_DISCARDNAME, ("app", "one"), b"app/one"),
        (RS_DISCARDNAME, (None, "one"), b"one"),
    ):
        assert service.decide(Asker(made(), ROOT, 1), args).subject == subject


# ---- random calls beside a model -----------------------------------------------------------------

PEOPLE = [ROOT, MAKER, ATTACHER, OTHER, NOBODY]
NAMES = st.tuples(st.sampled_from(["app", "sysxrset"]), st.sampled_from(["one", "two", "three"]))
SETS = st.builds(Rset, st.integers(0, 0x3FF), st.integers(0, 1))


class Registry(RuleBasedStateMachine):
    """What is under which name, whose, and so which processors are exclusive: by a dict and plain sets."""

    def __init__(self) -> None:
        super().__init__()
        self.model: dict[tuple[str, str], tuple[Rset, int, int]] = {}  # the set, its owner, its mode

    @initialize(by_capability=st.booleans(), overlapping=st.booleans())
    def begin(self, by_capability: bool, overlapping: bool) -> None:
        self.level = attrs.evolve(
            LEVELS["7.1"], exclusive_by_capability=by_capability, overlapping_exclusive=overlapping
        )
        self.partition = made(level=self.level)

    def attaches(self, who: Credentials) -> bool:
        return who.euid == 0 or who.can("CAP_NUMA_ATTACH")

    def may_exclude(self, who: Credentials, name: tuple[str, str]) -> bool:
        if name[0] != "sysxrset" or who.euid == 0:
            return True
        return self.level.exclusive_by_capability and self.attaches(who)

    def writes(self, who: Credentials, name: tuple[str, str]) -> bool:
        _, owner, mode = self.model[name]
        shift = 6 if who.euid == owner else 3 if owner in who.members else 0  # everybody's group has his number
        return who.euid == 0 or bool(mode >> shift & 2)

    def overlaps(self, held: Rset, name: tuple[str, str]) -> bool:
        if self.level.overlapping_exclusive or name[0] != "sysxrset":
            return False
        return any(set(held) & set(other[0]) for key, other in self.model.items() if key[0] == "sysxrset")

    @rule(name=NAMES, held=SETS, who=st.sampled_from(PEOPLE), mode=st.sampled_from([0o644, 0o666, 0o620, 0]))
    def define(self, name: tuple[str, str], held: Rset, who: Credentials, mode: int) -> None:
        found = register(self.partition, held, *name, mode, by=who)
        allowed = self.attaches(who) and self.may_exclude(who, name) and name not in self.model
        allowed = allowed and not self.overlaps(held, name)
        assert (found == 0) == allowed, found
        if allowed:
            self.model[name] = (held.copy(), who.euid, mode)

    @rule(name=NAMES, held=SETS, who=st.sampled_from(PEOPLE))
    def redefine(self, name: tuple[str, str], held: Rset, who: Credentials) -> None:
        found = register(self.partition, held, *name, 0o666, c.RS_REDEFINE, by=who)
        if name in self.model:
            allowed = name[0] != "sysxrset" and self.writes(who, name)
        else:
            allowed = self.attaches(who) and self.may_exclude(who, name) and not self.overlaps(held, name)
        assert (found == 0) == allowed, found
        if allowed:
            self.model[name] = (held.copy(), *(self.model[name][1:] if name in self.model else (who.euid, 0o666)))

    @rule(name=NAMES, held=SETS, who=st.sampled_from(PEOPLE))
    def mkrset(self, name: tuple[str, str], held: Rset, who: Credentials) -> None:
        found = ask(self.partition, MKRSET, "/".join(name), held, by=who)
        allowed = who in (ROOT, MAKER) and self.may_exclude(who, name) and name not in self.model
        allowed = allowed and not self.overlaps(held, name)
        assert (found == 0) == allowed, found
        if allowed:
            self.model[name] = (held.copy(), who.euid, 0o644)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), who=st.sampled_from(PEOPLE), command=st.booleans())
    def take_away(self, data: st.DataObject, who: Credentials, command: bool) -> None:
        name = data.draw(st.sampled_from(sorted(self.model)))
        if command:
            found = ask(self.partition, RMRSET, "/".join(name), by=who)
            allowed = self.attaches(who) and self.writes(who, name)
        else:
            found = ask(self.partition, RS_DISCARDNAME, *name, by=who)
            allowed = self.attaches(who) and who.euid in (0, self.model[name][1])
        allowed = allowed and self.may_exclude(who, name)
        assert (found == 0) == allowed, found
        if allowed:
            del self.model[name]

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "partition"):
            return
        found = {key: (Rset(e.processors, e.memory), e.owner, e.mode) for key, e in self.partition.names.items()}
        assert found == {(key[0].encode(), key[1].encode()): held for key, held in self.model.items()}
        exclusive = {each for key, held in self.model.items() if key[0] == "sysxrset" for each in held[0]}
        assert set(Rset(self.partition.exclusive)) == exclusive


TestRegistry = pytest.mark.slow(Registry.TestCase)
