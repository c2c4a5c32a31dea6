"""One case for each documented row of a call: a world in which it is due, its injection, and a way to arrange it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from attrs import field, frozen

import bprocsim as bp
from bprocsim.errnos import Errno
from bprocsim.manual import Kind, Row
from bprocsim.testing.rows.recipes import Recipe, level_named, recipes, recipes_of
from bprocsim.testing.rows.tables import of_level, table_named, tables


@frozen
class ErrnoCase:
    """One documented row of a call: `call`, `errno`, `cause` and `sentence` are the row's; `str()` is a test's id.

    `row` the row itself; `recipe` a world in which it is due.
    """

    call: str
    errno: Errno
    cause: str
    sentence: str
    row: Row = field(repr=False)
    recipe: Recipe = field(repr=False)

    def world(self) -> Any:
        """Build a cluster or a partition in which the row is really due, for `make`'s call."""
        return self.recipe.world()

    def make(self, world: Any) -> bp.Outcome:
        """Make the call for which the row is due in a world that `world` built."""
        return self.recipe.make(world)

    @property
    def never_returned(self) -> bool:
        """Tell whether the row is met after the call can no longer fail: after the exec, or of one node of several."""
        return self.row.kind in (Kind.LATE, Kind.SLOT)

    def fault(self) -> bp.CallFails:
        """Give the injection of this row: the call fails with its errno, although nothing is amiss.

        ValueError: the row is met after the call can no longer fail, so no call reports it.
        """
        if self.never_returned:
            raise ValueError(f"{self}: {self.call} does not return this errno, so no call can be made to; use world()")
        return bp.CallFails(self.call, self.errno, cause=self.cause)

    def arrange(self, world: Any, *, path: str | None = None, node: int | None = None, user: Any = None) -> None:
        """Make the row due in a world of yours for the calls that come, or skip the test and say why that cannot be.

        `world` a cluster or a partition; `path` the file that will be executed, left out: every one
        that you put there; `node` the slave that it is about, left out: every one; `user` who will
        call, left out: root. Where the row is one of exec's, it is due for each of these files when
        this returns. TypeError: this is no world in which the call can be made. ValueError: there is no
        such node, or it is the master, and the row is about a slave.
        """
        from bprocsim.testing.coverage.arranging import arrange  # it needs more than a list of cases does

        arrange(self, world, path, node, user)

    def __str__(self) -> str:
        return f"{self.call}-{self.errno.name}-{self.cause}"


def cases(
    call: str,
    *,
    edition: str | bp.Edition = "scyld",
    kernel: str | bp.ExecProfile = "documented",
    level: str | bp.Level = "7.1",
    late: bool = False,
    beyond: bool = False,
) -> tuple[ErrnoCase, ...]:
    """Give one case for each row that a call's page has, in the order of decision, for pytest's parametrize.

    `call` a page (`ra_exec`) or one of its calls, in any case; `edition`, `kernel`, `level` whose
    page, as names or records. `late` those too that are met after the exec, or told of one node of
    several; `beyond` what real kernels do and the page does not list. ValueError: there is no such
    call, edition, kernel or level.
    """
    record = level_named(level)
    known = {name: table for name, table in tables(edition, kernel, level).items() if name not in record.lacks}
    table = of_level(table_named(call, known), record)
    kinds = {Kind.PAGE, *((Kind.LATE, Kind.SLOT) if late else ()), *((Kind.BEYOND,) if beyond else ())}
    found = _recipes_of(edition, kernel, level)
    return tuple(
        ErrnoCase(table.call, row.errno, row.cause, row.sentence, row, found[table.call, row.cause])
        for row in table.rows
        if row.kind in kinds
    )


@lru_cache(maxsize=8)  # for one page after another of the same rules
def _recipes_of(
    edition: str | bp.Edition, kernel: str | bp.ExecProfile, level: str | bp.Level
) -> Mapping[tuple[str, str], Recipe]:
    usual = (edition, kernel, level) == ("scyld", "documented", "7.1")
    return recipes if usual else recipes_of(edition, kernel, level)
