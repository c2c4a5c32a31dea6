"""For every row of exec and execmove: a world in which it is due, and the nearest in which it is not.

A row is provoked by a defect, never by naming an errno. Defects of different fields can be put into
one world, so that it is wrong in several ways at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from attrs import field, frozen

import bprocsim as bp
from bprocsim.bproc.execmove import execmove_errors
from bprocsim.errnos import Errno
from bprocsim.manual import Errors, Row
from bprocsim.posix.execcalls import execve_errors
from bprocsim.testing.cases import Case
from bprocsim.testing.defects import Defect, defects


@frozen
class Recipe:
    """How to come to one row: `call`, `cause`, `errno` and `sentence` are the row's.

    `case` is a world in which the row is due, `healthy` the nearest in which it is not.
    """

    call: str
    cause: str
    errno: Errno
    sentence: str
    case: Case = field(repr=False)
    healthy: Case = field(repr=False)

    def world(self) -> bp.Cluster:
        """Build a world in which the row is due for `make`'s call."""
        return self.case.world()

    def make(self, cluster: bp.Cluster) -> bp.Outcome:
        """Make the call in a world that `world` built."""
        return self.case.make(cluster)

    def provoke(self) -> bp.Outcome:
        """Build such a world and make the call: the outcome has this cause."""
        return self.case.run()

    def spare(self) -> bp.Outcome:
        """Make the call in the nearest world without the defect."""
        return self.healthy.run()

    def __call__(self) -> Case:
        """Give the scenario, which ends in this row when it is `run`."""
        return self.case

    def __str__(self) -> str:
        return f"{self.call}-{self.cause}"


# Fields that count what is left: of two defects the one that leaves less has it.
_LEFT = ("room", "descriptors", "free_files", "free_bytes", "node_free_bytes")


def combine(base: Case, wrong: Iterable[Defect], right: Iterable[Defect] = ()) -> Case:
    """Put defects into one world; those of `right` are prepared for, but mended.

    Where two of them want one field, the later one has it, and what is wrong goes before what is needed.
    """
    wrong, right = tuple(wrong), tuple(right)
    left: dict[str, int] = {}
    for name in _LEFT:
        worst = [each.wrong[name] for each in wrong if name in each.wrong]
        enough = [each.right[name] for each in right if name in each.right]
        if worst or enough:
            left[name] = min(worst) if worst else max(enough)
    return base.change(
        *(each.needs for each in (*wrong, *right)),
        *(each.right for each in right),
        *(each.wrong for each in wrong),
        left,
    )


def _recipe(call: str, row: Row, base: Case) -> Recipe:
    defect = defects(row.cause, base.profile)[0]
    case, healthy = combine(base, [defect]), combine(base, [], [defect])
    return Recipe(call, row.cause, row.errno, row.sentence, case, healthy)


def exec_tables(
    edition: str | bp.Edition = "scyld", kernel: str | bp.ExecProfile = "documented"
) -> tuple[Errors, Errors]:
    """Give the tables that have recipes: of bproc_execmove and of execve.

    `edition`, `kernel` names or records. KeyError: no such name.
    """
    of_edition = bp.editions[edition] if isinstance(edition, str) else edition
    profile = bp.kernels[kernel] if isinstance(kernel, str) else kernel
    return execmove_errors(of_edition, profile), execve_errors(profile)


def recipes_of(
    edition: str | bp.Edition = "scyld", kernel: str | bp.ExecProfile = "documented"
) -> Mapping[tuple[str, str], Recipe]:
    """Give a recipe for each row of an edition and the exec rules of a kernel, in order, by (call, cause).

    `edition`, `kernel` names or records. KeyError: no such name, or a row that nobody has a recipe for.
    """

    def each() -> Iterator[Recipe]:
        for table in exec_tables(edition, kernel):
            base = Case(call=table.call, edition=edition, kernel=kernel)
            for row in table.rows:
                yield _recipe(table.call, row, base)

    return MappingProxyType({(recipe.call, recipe.cause): recipe for recipe in each()})


recipes = recipes_of()
