"""For every row of exec, BProc's and AIX's calls: a world in which it is due, and the nearest in which it is not.

A row is provoked by a defect, never by naming an errno. Defects of different fields can be put into
one world, so that it is wrong in several ways at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol, Self, TypeVar, cast

from attrs import evolve, field, frozen

import bprocsim as bp
from bprocsim.aix.execrules import exec_profile
from bprocsim.aix.raexec import RA_FORK_ERRORS, ra_exec_errors
from bprocsim.aix.reconfigure import Reconfiguration
from bprocsim.aix.service import Service
from bprocsim.bproc.execmove import execmove_errors
from bprocsim.bproc.late import script_misread
from bprocsim.bproc.move import move_errors
from bprocsim.bproc.rexec import rexec_errors
from bprocsim.bproc.rfork import rfork_errors
from bprocsim.bproc.vector import vexecmove_errors, vrfork_errors
from bprocsim.errnos import Errno
from bprocsim.kernel.calls import CALLS, runner
from bprocsim.manual import Errors, Row
from bprocsim.posix import execcalls, fileio, life, openfile, pathcalls, signaling, sockets
from bprocsim.posix.execcalls import execve_errors
from bprocsim.scenario.problems import choices
from bprocsim.testing.rows.cases import PORT, Case
from bprocsim.testing.rows.defects import Defect, defects
from bprocsim.testing.rows.lparcalls import base_of
from bprocsim.testing.rows.lparcases import LparCase
from bprocsim.testing.rows.lpardefects import lpar_defects
from bprocsim.testing.rows.nodecases import NodeCase
from bprocsim.testing.rows.nodedefects import node_defects
from bprocsim.testing.rows.programs import PROGRAMS
from bprocsim.world.specs import named_record


class _Changed(Protocol):
    def change(self, *changes: Mapping[str, Any]) -> Self: ...


C = TypeVar("C", bound=_Changed)


@frozen
class Recipe:
    """How to come to one row: `call`, `cause`, `errno` and `sentence` are the row's.

    `case` is a world in which the row is due, `healthy` the nearest in which it is not: a Case or a
    NodeCase of a cluster, a LparCase of a partition, or a ProgramCase, in which a program makes the call.
    """

    call: str
    cause: str
    errno: Errno
    sentence: str
    case: Any = field(repr=False)
    healthy: Any = field(repr=False)

    def world(self) -> Any:
        """Build a cluster or a partition in which the row is due for `make`'s call."""
        return self.case.world()

    def make(self, world: Any) -> bp.Outcome:
        """Make the call in a world that `world` built."""
        return cast(bp.Outcome, self.case.make(world))

    def provoke(self) -> bp.Outcome:
        """Build such a world and make the call: the outcome has this cause."""
        return cast(bp.Outcome, self.case.run())

    def spare(self) -> bp.Outcome:
        """Make the call in the nearest world without the defect."""
        return cast(bp.Outcome, self.healthy.run())

    def __call__(self) -> Any:
        """Give the scenario, which ends in this row when it is `run`."""
        return self.case

    def __str__(self) -> str:
        return f"{self.call}-{self.cause}"


# Fields that count what is left: of two defects the one that leaves less has it.
_LEFT = ("room", "descriptors", "free_files", "free_bytes", "node_free_bytes")


def combine(base: C, wrong: Iterable[Defect], right: Iterable[Defect] = ()) -> C:
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


def _recipe(page: Page, row: Row) -> Recipe:
    defect = page.ways(row.cause)[0]
    case, healthy = combine(page.base, [defect]), combine(page.base, [], [defect])
    if row.condition is not script_misread and any(each.condition is script_misread for each in page.table.rows):
        case, healthy = _readable(case), _readable(healthy)
    return Recipe(page.table.call, row.cause, row.errno, row.sentence, case, healthy)


def _readable(case: Any) -> Any:
    """Give a script a port: without one the target would not read it."""
    bare = case.program.content == "script" and not case.io and not case.port
    return evolve(case, port=PORT) if bare else case


# ---- which rows there are ------------------------------------------------------------------------


@frozen
class Page:
    """The rows of one call: its `table`, a `base` world in which it succeeds, and the `ways` to a row, by its cause."""

    table: Errors
    base: Case | NodeCase | LparCase
    ways: Callable[[str], tuple[Defect, ...]]


def pages_of(edition: str | bp.Edition, kernel: str | bp.ExecProfile, level: str | bp.Level) -> Iterator[Page]:
    """Give the pages of an edition, the exec rules of a kernel and a level of AIX, but for those of POSIX.

    POSIX's calls are made by programs (`PROGRAMS`). `edition`, `kernel`, `level` names or records.
    ValueError: no such name.
    """
    for table in (*exec_tables(edition, kernel), *move_tables(edition, kernel)):
        moves = Case(call=table.call, edition=edition, kernel=kernel)
        yield Page(table, moves, partial(defects, kernel=moves.profile))
    for table in node_tables(edition):
        yield Page(table, NodeCase(call=table.call, edition=edition), node_defects)
    for table in lpar_tables(level):
        on_partition = base_of(table.call, level=level)
        yield Page(table, on_partition, partial(lpar_defects, table.call, rules=on_partition.rules))


def _edition(given: str | bp.Edition) -> bp.Edition:
    return cast(bp.Edition, named_record(given, bp.editions, bp.Edition, "edition"))


def _kernel(given: str | bp.ExecProfile) -> bp.ExecProfile:
    return cast(bp.ExecProfile, named_record(given, bp.kernels, bp.ExecProfile, "kernel"))


def level_named(given: str | bp.Level) -> bp.Level:
    """Find a level of AIX by its name; a record is one already. ValueError: there is none of that name."""
    return cast(bp.Level, named_record(given, bp.levels, bp.Level, "level"))


def exec_tables(
    edition: str | bp.Edition = "scyld", kernel: str | bp.ExecProfile = "documented"
) -> tuple[Errors, Errors]:
    """Give the tables that have recipes: of bproc_execmove and of execve.

    `edition`, `kernel` names or records. ValueError: no such name.
    """
    profile = _kernel(kernel)
    return execmove_errors(_edition(edition), profile), execve_errors(profile)


def node_tables(edition: str | bp.Edition = "scyld") -> tuple[Errors, ...]:
    """Give the tables of an edition's calls about nodes and processes, but of those that cannot fail.

    `edition` a name or a record. ValueError: no such name.
    """
    return tuple(each.errors for each in _edition(edition).calls().values() if each.errors.rows)


def move_tables(edition: str | bp.Edition = "scyld", kernel: str | bp.ExecProfile = "documented") -> tuple[Errors, ...]:
    """Give the tables of the other calls that move a process: bproc_move, bproc_rexec, bproc_rfork.

    And of those for several nodes, where the edition has them: bproc_vexecmove, bproc_vrfork.

    `edition`, `kernel` names or records. ValueError: no such name.
    """
    of_edition, profile = _edition(edition), _kernel(kernel)
    several = (
        () if of_edition.vector_calls is None else (vexecmove_errors(of_edition, profile), vrfork_errors(of_edition))
    )
    return move_errors(of_edition), rexec_errors(of_edition, profile), rfork_errors(of_edition), *several


def lpar_tables(level: str | bp.Level = "7.1") -> tuple[Errors, ...]:
    """Give the tables that have recipes on a partition of a level, execve's own apart.

    `level` a name or a record. ValueError: no such name.
    """
    services = [service for service in map(runner, CALLS) if isinstance(service, Service | Reconfiguration)]
    of_calls = (each.errors for each in services if each.errors.rows)
    return ra_exec_errors(exec_profile(level_named(level))), RA_FORK_ERRORS, *of_calls


def posix_tables() -> tuple[Errors, ...]:
    """Give the tables of the calls of POSIX, which are the same everywhere, execve's own apart."""
    rooms = execcalls, fileio, openfile, pathcalls, sockets, life, signaling
    return tuple(thing for room in rooms for thing in vars(room).values() if isinstance(thing, Errors))


def recipes_of(
    edition: str | bp.Edition = "scyld",
    kernel: str | bp.ExecProfile = "documented",
    level: str | bp.Level = "7.1",
) -> Mapping[tuple[str, str], Recipe]:
    """Give a recipe for each row of an edition, the exec rules of a kernel and a level of AIX, in order.

    By (call, cause), the call as its table is named. `edition`, `kernel`, `level` names or records.
    ValueError: no such name. KeyError: a row that nobody has a recipe for.
    """

    def each() -> Iterator[Recipe]:
        for page in pages_of(edition, kernel, level):
            for row in page.table.rows:
                yield _recipe(page, row)
        for table in posix_tables():
            for row in table.rows:
                case = PROGRAMS[table.call, row.cause]
                yield Recipe(table.call, row.cause, row.errno, row.sentence, case, evolve(case, bad=False))

    return MappingProxyType(_Recipes({(recipe.call, recipe.cause): recipe for recipe in each()}))


class _Recipes(dict[tuple[str, str], Recipe]):
    """Recipes by (call, cause), that say what there is when they are asked for another."""

    def __missing__(self, key: object) -> Recipe:
        if not (isinstance(key, tuple) and len(key) == 2):
            raise KeyError(f"recipes: expected (call, cause) such as ('execve', 'cmd_absent'), got {key!r}")
        call, cause = key
        causes = [each for table, each in self if table == call]
        if causes:
            raise KeyError(f"recipes: {call} has no row {cause!r}{choices(causes, str(cause))}")
        raise KeyError(f"recipes: there is no table of {call!r}{choices({each: None for each, _ in self}, str(call))}")


recipes = recipes_of()
