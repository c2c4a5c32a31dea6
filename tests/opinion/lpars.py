"""A partition, and a call in it, as plain data (see `worlds`)."""

from __future__ import annotations

import attrs

from tests.opinion.worlds import Pointer, Vector, Who

SYSTEM = 0  # the id of root
ROOT = Who()
R_RSET, R_SRADID = 2, 13
STRSET = 0x100


@attrs.frozen
class Handle:
    """A resource set in somebody's hands: its logical ids, or that it was freed."""

    ids: frozenset[int] = frozenset()
    freed: bool = False


# What a program may pass where a handle belongs: also a number, NULL, or a pointer to nowhere.
Rsid = Handle | int | None | Pointer


@attrs.frozen
class Partition:
    """A logical partition before one call; ids are core * smt + thread."""

    cores: int = 2
    smt: int = 2
    cpu: str = "POWER7"
    level: str = "7.1"
    affinity: bool = False
    srads: int = 1
    removed: frozenset[int] = frozenset()  # cores that were taken away
    threads: int | None = None  # how many threads of a core are on
    exclusive: tuple[frozenset[int], ...] = ()  # named sets of sysxrset
    bounds: frozenset[int] | None = None  # the caller's partition set
    attached: frozenset[int] | None = None  # the caller's effective set
    bound: bool = False  # by bindprocessor
    who: Who = ROOT
    capable: bool = False  # CAP_NUMA_ATTACH, for who is not root

    @property
    def online(self) -> frozenset[int]:
        """The logical ids that can be dispatched to."""
        on = self.smt if self.threads is None else self.threads
        cores = [core for core in range(self.cores) if core not in self.removed]
        return frozenset(core * self.smt + thread for core in cores for thread in range(on))

    @property
    def not_general(self) -> frozenset[int]:
        """The ids of exclusive use."""
        return frozenset[int]().union(*self.exclusive)

    @property
    def privileged(self) -> bool:
        """Root authority, which is an effective id, or the capability."""
        return self.who.euid == SYSTEM or self.capable


@attrs.frozen
class Attach:
    """One of the ra_exec family: what it attaches to, and the image that it runs."""

    form: str  # "l" "le" "lp" "v" "ve" "vp" "t"
    rstype: int
    rsid: Rsid
    flags: int
    image: str  # "sound" "absent" "forbidden" "directory" "text" "written" "in file" "empty" "too long" "not in PATH"
    argv: Vector = ("app",)
