"""For every row of a call of POSIX: a program that meets it, and one that does not."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from attrs import evolve

from bprocsim.manual import Errors
from bprocsim.testing.rows import fileprograms, lifeprograms, pathprograms, socketprograms
from bprocsim.testing.rows.programcases import ProgramCase
from bprocsim.testing.rows.recipes import Recipe

CASES: Mapping[tuple[str, str], ProgramCase] = MappingProxyType(
    {**fileprograms.CASES, **pathprograms.CASES, **socketprograms.CASES, **lifeprograms.CASES}
)


def program_recipes(tables: Mapping[str, Errors]) -> Mapping[tuple[str, str], Recipe]:
    """Give a recipe for each row of those of `tables` that have programs, by (call, cause), in order."""
    return MappingProxyType(
        {
            (call, row.cause): Recipe(call, row.cause, row.errno, row.sentence, case, evolve(case, bad=False))
            for call, table in tables.items()
            for row in table.rows
            if (case := CASES.get((call, row.cause))) is not None
        }
    )
