"""The programs that meet the rows of POSIX, by (call, cause)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bprocsim.testing.rows import fileprograms, lifeprograms, pathprograms, socketprograms
from bprocsim.testing.rows.programcases import ProgramCase

PROGRAMS: Mapping[tuple[str, str], ProgramCase] = MappingProxyType(
    {**fileprograms.CASES, **pathprograms.CASES, **socketprograms.CASES, **lifeprograms.CASES}
)
