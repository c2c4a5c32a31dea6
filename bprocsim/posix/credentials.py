"""Who a process is: its real and effective ids, its groups, its capabilities."""

from __future__ import annotations

import re
from collections.abc import Iterable

from attrs import field, frozen

from bprocsim.notation import Notated, call_text

# (uid_t)-1 means "leave as it is" in the set-id calls, so it is nobody's id.
_GREATEST_ID = 2**32 - 2
_CAPABILITY = r"CAP_[A-Z0-9_]+"


def check_id(argument: str, value: object) -> int:
    """Give `value` back if it can be a user's or a group's id.

    TypeError: not an int; ValueError: outside 0..2**32-2. Both name `argument`.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{argument}: expected an int, got {value!r}")
    if not 0 <= value <= _GREATEST_ID:
        raise ValueError(f"{argument}: expected an id in 0..{_GREATEST_ID}, got {value}")
    return value


def _check_groups(groups: Iterable[int]) -> tuple[int, ...]:
    if isinstance(groups, (str, bytes)) or not isinstance(groups, Iterable):
        raise TypeError(f"groups: expected ids of groups, got {groups!r}")
    return tuple(check_id("groups", gid) for gid in groups)


def _check_capabilities(capabilities: Iterable[str] | None) -> frozenset[str] | None:
    if capabilities is None:
        return None
    if isinstance(capabilities, (str, bytes)) or not isinstance(capabilities, Iterable):
        raise TypeError(f"capabilities: expected a set of names or None, got {capabilities!r}")
    names = tuple(capabilities)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"capabilities: expected names such as 'CAP_NUMA_ATTACH', got {name!r}")
        if not re.fullmatch(_CAPABILITY, name):
            raise ValueError(f"capabilities: expected names such as 'CAP_NUMA_ATTACH', got {name!r}")
    return frozenset(names)


@frozen(init=False, repr=False)
class Credentials(Notated):
    """Say who a process is.

    `uid`, `gid` the real ids, 0..2**32-2; `euid`, `egid` the effective ones (None: the real ones);
    `groups` the supplementary groups; `capabilities` None for what the effective uid implies (0: all
    of them, else none), or exactly the names given, whatever the uid.
    TypeError, ValueError: an argument is no id, or no name of a capability.
    Sources: posix-permissions, linux-capabilities7.
    """

    uid: int
    gid: int
    euid: int
    egid: int
    groups: tuple[int, ...]
    capabilities: frozenset[str] | None
    # Answers for the path walk, which asks them some ten times per call: all groups that count,
    # whether permission bits bind at all (CAP_DAC_OVERRIDE), and whether reading and searching do.
    members: frozenset[int] = field(init=False, eq=False)
    overrides: bool = field(init=False, eq=False)
    reads_all: bool = field(init=False, eq=False)

    def __init__(
        self,
        uid: int,
        gid: int,
        euid: int | None = None,
        egid: int | None = None,
        groups: Iterable[int] = (),
        capabilities: Iterable[str] | None = None,
    ) -> None:
        self.__attrs_init__(
            check_id("uid", uid),
            check_id("gid", gid),
            check_id("euid", uid if euid is None else euid),
            check_id("egid", gid if egid is None else egid),
            _check_groups(groups),
            _check_capabilities(capabilities),
        )

    def notation(self) -> str:
        """Give Python that makes these; what follows from the ids is left out."""
        usual = {"euid": self.uid, "egid": self.gid, "groups": (), "capabilities": None}
        given = {name: value for name, told in usual.items() if (value := getattr(self, name)) != told}
        return call_text("bp.Credentials", (self.uid, self.gid), given)

    @members.default
    def _members(self) -> frozenset[int]:
        return frozenset((self.egid, *self.groups))

    @overrides.default
    def _overrides(self) -> bool:
        return self.can("CAP_DAC_OVERRIDE")

    @reads_all.default
    def _reads_all(self) -> bool:
        return self.overrides or self.can("CAP_DAC_READ_SEARCH")

    def can(self, capability: str) -> bool:
        """Tell whether the capability is in force: named explicitly, or implied by effective uid 0."""
        if self.capabilities is None:
            return self.euid == 0
        return capability in self.capabilities

    def in_group(self, gid: int) -> bool:
        """Tell whether `gid` is the effective group or a supplementary one; the real group never counts."""
        return gid in self.members

    def with_effective(self, euid: int | None = None, egid: int | None = None) -> Credentials:
        """Give the same person with other effective ids, as exec of a set-id image does.

        None keeps an id. Real ids and groups stay; capabilities follow the new effective uid only
        if they were implied.
        """
        return Credentials(
            self.uid,
            self.gid,
            self.euid if euid is None else euid,
            self.egid if egid is None else egid,
            self.groups,
            self.capabilities,
        )

    def handed_on(self, by: str) -> Credentials:
        """Give what a child has that keeps named capabilities only if `by` is among them ("": it keeps them)."""
        if not by or self.capabilities is None or by in self.capabilities:
            return self
        # What another effective uid comes to imply is not lost with them.
        return Credentials(
            self.uid, self.gid, self.euid, self.egid, self.groups, None if self.euid else frozenset[str]()
        )


ROOT = Credentials(0, 0)
