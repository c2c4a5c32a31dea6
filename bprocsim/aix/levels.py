"""Levels of AIX: which types and flags each knows, its limits, and our choices where its pages are silent."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import frozen

from bprocsim.aix import constants as c
from bprocsim.units import KiB, MiB

# What later levels attach to, and what work an attachment may be of.
_SETS = frozenset({c.R_RSET})
_SETS_AND_SRADS = frozenset({c.R_RSET, c.R_SRADID})
_PROCESSES = frozenset({c.R_PROCESS})
_PROCESSES_AND_THREADS = frozenset({c.R_PROCESS, c.R_THREAD})

# Calls that came with SRADIDs, and the one that came with AIX 6.1. Sources: power7-guide, aix-ra_attach.
_WITH_SRADIDS = frozenset({"rs_get_homesrad", "rs_info"})
_SINCE_6 = _WITH_SRADIDS | {"ra_attach"}

# The capabilities that a user of AIX may be given. Source: aix-capabilities.
CAPABILITIES = (
    "CAP_NUMA_ATTACH", "CAP_PROPAGATE", "CAP_BYPASS_RAC_VMM", "CAP_EWLM_AGENT", "CAP_ARM_APPLICATION", "CAP_AACCT",
)  # fmt: skip

# What becomes of an image whose shared library is missing.
LIBRARY_FAILURES = ("exit255", "sigkill", "errno")


@frozen(eq=False)
class Level:
    """One level of AIX.

    `resources` the rstypes that ra_exec, ra_fork and ra_attach attach to; `work` those of what
    ra_attachrset and its like are about; `attach_flags` the flags of an attachment to a set;
    `sradids` whether SRADIDs and enhanced affinity exist; `processors_max` the logical
    processors of a partition; `argument_bytes` what arguments and environment may take (the
    attribute ncargs).

    `lacks` calls that came later.

    Our choices, where the pages are silent or speak twice: `exclusive_by_capability` whether
    CAP_NUMA_ATTACH is enough to make and remove an exclusive set, or root alone may;
    `overlapping_exclusive` whether two exclusive sets may share a processor; `library_failure` what
    the caller's parent sees of an image whose shared library is missing: "exit255", "sigkill", or
    the exec itself fails ("errno").
    """

    name: str
    resources: frozenset[int]
    work: frozenset[int]
    attach_flags: int
    sradids: bool
    processors_max: int
    argument_bytes: int
    lacks: frozenset[str] = frozenset()
    exclusive_by_capability: bool = True
    overlapping_exclusive: bool = True
    library_failure: str = "exit255"

    def __attrs_post_init__(self) -> None:
        if self.library_failure not in LIBRARY_FAILURES:
            known = ", ".join(LIBRARY_FAILURES)
            raise ValueError(f"library_failure: expected one of {known}, got {self.library_failure!r}")

    @property
    def exclusive_sets(self) -> bool:
        """Tell whether exclusive-use processors and ST sets exist; they came together."""
        return bool(self.attach_flags & c.R_ATTACH_STRSET)


LEVELS: Mapping[str, Level] = MappingProxyType(
    {
        each.name: each
        for each in (
            Level("5.2", _SETS, _PROCESSES, 0, False, 256, 24 * KiB, _SINCE_6),
            Level("5.3", _SETS, _PROCESSES_AND_THREADS, c.R_ATTACH_STRSET, False, 256, 24 * KiB, _SINCE_6),
            Level("6.1", _SETS, _PROCESSES_AND_THREADS, c.R_ATTACH_STRSET, False, 256, 1 * MiB, _WITH_SRADIDS),
            Level("6.1.5", _SETS_AND_SRADS, _PROCESSES_AND_THREADS, c.R_ATTACH_STRSET, True, 256, 1 * MiB),
            Level("7.1", _SETS_AND_SRADS, _PROCESSES_AND_THREADS, c.R_ATTACH_STRSET, True, 1024, 1 * MiB),
            Level("7.2", _SETS_AND_SRADS, _PROCESSES_AND_THREADS, c.R_ATTACH_STRSET, True, 1024, 1 * MiB),
            Level("7.3", _SETS_AND_SRADS, _PROCESSES_AND_THREADS, c.R_ATTACH_STRSET, True, 1024, 1 * MiB),
        )
    }
)
