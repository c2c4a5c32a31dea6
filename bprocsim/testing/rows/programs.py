"""The programs that meet the rows of POSIX, by (call, cause)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import evolve

from bprocsim.testing.rows import fileprograms, lifeprograms, pathprograms, socketprograms
from bprocsim.testing.rows.programcases import ProgramCase

PROGRAMS: Mapping[tuple[str, str], ProgramCase] = MappingProxyType(
    {**fileprograms.CASES, **pathprograms.CASES, **socketprograms.CASES, **lifeprograms.CASES}
)


def program_case(call: str, cause: str, bad: bool = True) -> ProgramCase:
    """Give the program that meets a row of a call of POSIX; not `bad`: what it does without the defect.

    KeyError: there is no such row.
    """
    return evolve(PROGRAMS[call, cause], bad=bad)
