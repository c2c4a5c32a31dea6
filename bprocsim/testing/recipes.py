"""For every row of exec and execmove: a world in which it is due, and the nearest in which it is not.

A row is provoked by a defect, a few fields of a `Case`, never by naming an errno. Defects of
different fields can be put into one world, so that it is wrong in several ways at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

import bprocsim as bp
from bprocsim.bproc.execmove import execmove_errors
from bprocsim.errnos import Errno
from bprocsim.manual import Errors, Row
from bprocsim.posix.execcalls import execve_errors
from bprocsim.testing.cases import CALLER, NAME_MAX, NOWHERE, PATH_MAX, PORT, TARGET, Case
from bprocsim.units import KiB, MiB

Change = Mapping[str, Any]


@frozen
class Defect:
    """What makes one row due: `wrong` are fields of a Case.

    `right` what they are in the nearest world without it (left out: as in a healthy one); `needs`
    what must be so before it can be wrong at all.
    """

    wrong: Change
    right: Change = field(factory=dict)
    needs: Change = field(factory=dict)


# What may be wrong with a file that exec opens; the fields are those of cases.File. The first one
# of a cause is its recipe; the others are further ways to the same row.
_OF_FILES: dict[str, tuple[Defect, ...]] = {
    "search_denied": (Defect({"closed": True}),),
    "component_too_long": (Defect({"name_bytes": NAME_MAX + 1}, {"name_bytes": NAME_MAX}),),
    "cmd_absent": (Defect({"missing": True}), Defect({"missing": True}, needs={"links": 2})),
    "not_a_directory": (Defect({"beneath": True}),),
    "too_many_links": (Defect({"links": 6}, {"links": 5}),),
    "path_io_error": (Defect({"bad_way": "directory"}), Defect({"bad_way": "link"}, needs={"links": 6})),
    "noexec_mount": (Defect({"noexec": True}),),
    "not_regular": tuple(Defect({"kind": kind}) for kind in ("directory", "fifo", "chr", "blk", "socket")),
    "not_executable": (Defect({"executable": False}),),
    "cmd_being_written": (Defect({"written": True}),),
    "suid_on_nosuid": tuple(Defect({"set_id": mode}, needs={"nosuid": True}) for mode in (0o4000, 0o2000)),
    "header_io_error": (Defect({"bad": True}),),
    "format_unknown": (Defect({"content": "text"}), Defect({"content": "empty"}), Defect({"magic": b"\x7fELf"})),
    "wrong_machine": (Defect({"foreign": True}),),
    "header_malformed": tuple(
        Defect({"malformed": what})
        for what in ("type", "entry size", "no entries", "too many entries", "table elsewhere", "short")
    ),
}

_LOADER = {"program.interpreters": 1}
_SCRIPT = {"program.content": "script"}


def _moved(defect: Defect, part: str, needs: Change) -> Defect:
    """Give a file's defect as one of the program or of the interpreter."""
    wrong, right, own = (
        {f"{part}.{name}": value for name, value in change.items()}
        for change in (defect.wrong, defect.right, defect.needs)
    )
    return Defect(wrong, right, {**own, **needs})


def _of_interpreter(cause: str) -> tuple[Defect, ...]:
    """Give the ways in which an interpreter may be wrong: a loader, or a script's interpreter."""
    roles = (_SCRIPT,) if cause == "suid_on_nosuid" else (_LOADER, _SCRIPT)
    return tuple(_moved(defect, "interpreter", role) for role in roles for defect in _OF_FILES[cause])


_OF_CALLS: dict[str, tuple[Defect, ...]] = {
    "no_master": (Defect({"daemon": False}),),
    "cmd_unreadable": (Defect({"cmd": "bad"}),),
    "cmd_empty": (Defect({"cmd": "empty"}),),
    "cmd_too_long": (Defect({"cmd_bytes": PATH_MAX}, {"cmd_bytes": PATH_MAX - 1}),),
    "file_table_full": (Defect({"free_files": 0}, {"free_files": 1}), Defect({"free_files": 0})),
    "argv_unreadable": (Defect({"argv": False}),),
    "envp_unreadable": (Defect({"envp": False}),),
    "string_unreadable": (Defect({"element": False}),),
    "args_too_big": (Defect({"room": -1}, {"room": 0}), Defect({"room": -1})),
    # No room for the arguments; and room for them, but not for the image.
    "out_of_memory": tuple(Defect({"free_bytes": left}, {"free_bytes": 1 * MiB}) for left in (0, 32 * KiB)),
    "interpreter_file_table_full": (
        Defect({"free_files": 1}, {"free_files": 2}, _LOADER),
        Defect({"free_files": 1}, {"free_files": 2}, {**_SCRIPT, "interpreter.interpreters": 1}),
        Defect({"free_files": 0}, needs=_SCRIPT),
    ),
    "interpreter_args_too_big": (Defect({"room": 0}, {"room": 256}, _SCRIPT),),
    "interpreter_format_unknown": (
        *_of_interpreter("format_unknown"),
        Defect({"interpreter.content": "script"}, needs=_LOADER),
        Defect({"interpreter.content": "script", "interpreter.malformed": "type"}, needs=_SCRIPT),
    ),
    "header_malformed": (
        *(_moved(defect, "program", {}) for defect in _OF_FILES["header_malformed"]),
        Defect({"program.malformed": "interpreter"}, needs=_LOADER),
        Defect({"program.malformed": "type"}, needs=_SCRIPT),
    ),
    "second_interpreter": (Defect({"program.interpreters": 2}, _LOADER),),
    "interpreter_second_interpreter": (
        Defect({"interpreter.interpreters": 2}, {"interpreter.interpreters": 1}, _SCRIPT),
    ),
    # After the exec.
    "node_unknown": (Defect({"node": NOWHERE}),),
    "node_down": (Defect({"down": True}),),  # and nobody calls from there
    "same_node": (Defect({"node": CALLER}), Defect({"from_node": TARGET})),
    "node_not_permitted": (Defect({"node_mode": 0o110}),),
    "slave_lost": (Defect({"lost_at": bp.Step.STUB}),),
    "undump_refused": (Defect({"node_arch": "i386"}),),
    "loader_absent": (
        Defect({"loader_there": False}, needs={**_LOADER, "by_name": True}),
        Defect({"loader_there": False}, needs={**_SCRIPT, "interpreter.interpreters": 1, "by_name": True}),
    ),
    "undump_out_of_memory": (Defect({"node_free_bytes": 32 * KiB}, {"node_free_bytes": 1 * MiB}),),
    "connect_refused": (Defect({"listens": False}, needs={"port": PORT}),),
    "connect_timed_out": (Defect({"silent": True}, needs={"port": PORT, "from_node": 1}),),
}


def defects(cause: str) -> tuple[Defect, ...]:
    """Give the ways to a row, the recipe's first. KeyError: a cause of no row of exec or execmove."""
    if cause in _OF_CALLS:
        return _OF_CALLS[cause]
    if cause.startswith("interpreter_"):
        return _of_interpreter(cause.removeprefix("interpreter_"))
    return tuple(_moved(defect, "program", {}) for defect in _OF_FILES[cause])


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
_LEFT = ("room", "free_files", "free_bytes", "node_free_bytes")


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
    defect = defects(row.cause)[0]
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
