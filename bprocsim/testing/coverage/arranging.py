"""How a documented row is made due in a user's own world, and what is said where that cannot be."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NoReturn

import attrs

import bprocsim as bp
from bprocsim.aix.raexec import EXEC
from bprocsim.aix.service import Asker
from bprocsim.faces.pointers import of_string, vector
from bprocsim.kernel.tables import tables_in_force
from bprocsim.manual import Errors, Row
from bprocsim.posix.exec import ExecFacts
from bprocsim.testing.coverage.places import Place, own_programs
from bprocsim.testing.coverage.spoiling import OF_FILES, OF_SLAVES, Aim, change_of
from bprocsim.testing.rows.tables import of_level
from bprocsim.world.specs import credentials_of

if TYPE_CHECKING:
    from bprocsim.testing.coverage.cases import ErrnoCase

# Calls that become an image of the calling node: only of them the row can be looked up beforehand.
_EXECS = frozenset({"execve", "bproc_execmove", "bproc_vexecmove", "ra_exec"})
# A call whose image lies on the node that it names.
_ON_THE_NODE = "bproc_rexec"
_INTERPRETER = "interpreter_"
_OF_LOADER = "loader_"


def arrange(case: ErrnoCase, world: Any, path: str | None, node: int | None, user: Any) -> None:
    """Make the row of a case due in a world; see ErrnoCase.arrange."""
    if not isinstance(world, bp.Cluster | bp.Lpar):
        raise TypeError(f"world: expected a Cluster or a Lpar, got {world!r}")
    table = _table_of(case, world)
    everywhere = change_of(case.call, case.cause)
    if everywhere is not None:
        nodes = _nodes(world, node)
        if not nodes and case.cause in OF_SLAVES:
            _cannot(case, "there is no slave in this world")
        if bp.BPROC_NODE_MASTER in nodes and case.cause in OF_SLAVES:
            raise ValueError(f"node: {case} is about a slave, and {node} is the master; slaves are numbered from 0")
        everywhere(Aim(world, nodes, _callers(case, world, node)))
        if case.call in _EXECS and case.cause not in _WITH_THE_CALL:
            _check(case, table, _targets(case, world, path, node), user)
        return
    if case.cause in _OF_CALLERS and case.call not in _WITH_NAMES:
        _check_caller(case, world, user)
        return
    part, wrong = _file_part(case.cause)
    if wrong not in OF_FILES or (case.call not in _EXECS and case.call != _ON_THE_NODE):
        _cannot(case, _why_not(case))
    targets = _targets(case, world, path, node)
    for place in dict.fromkeys(_parts(case, targets, part)):
        OF_FILES[wrong](place)
    if case.call in _EXECS:
        _check(case, table, targets, user)


# Rows that a look at the file does not tell of.
_WITH_THE_CALL = frozenset({"no_master", "node_down", "node_not_permitted", "slave_lost", "undump_out_of_memory"})


# Rows that ask nothing but who calls; where a set is named it depends on the name as well.
_OF_CALLERS = frozenset({"not_privileged", "not_root", "no_root_authority", "not_administrator"})
_WITH_NAMES = frozenset({"rs_registername"})


def _table_of(case: ErrnoCase, world: Any) -> Errors:
    """Give the table of the call that is in force; skips where it has no such row."""
    partition = world.home.partition
    for call, whole in tables_in_force(world.home).items():
        if whole.call == case.call and (partition is None or call not in partition.level.lacks):
            table = whole if partition is None else of_level(whole, partition.level)
            if any((row.cause, row.errno) == (case.cause, case.errno) for row in table.rows):
                return table
            _cannot(case, f"the table in force in {world!r} has no such row")
    raise TypeError(f"world: {case.call} cannot be called in {world!r}")


def _nodes(world: Any, node: int | None) -> tuple[int, ...]:
    if isinstance(world, bp.Lpar):
        return ()
    if node is None:
        return tuple(range(len(world.nodes)))
    world.machine(node, "node")
    return (node,)


def _callers(case: ErrnoCase, world: Any, node: int | None) -> tuple[int, ...]:
    """Give the machines whose files and memory decide."""
    return _nodes(world, node) if case.call == _ON_THE_NODE else (bp.BPROC_NODE_MASTER,)


def _file_part(cause: str) -> tuple[str, str]:
    """Tell of which file a cause is, the program or its interpreter, and what is wrong with that."""
    if cause.startswith(_INTERPRETER):
        return "interpreter", cause.removeprefix(_INTERPRETER)
    return ("interpreter" if cause.startswith(_OF_LOADER) else "program"), cause


def _targets(case: ErrnoCase, world: Any, path: str | None, node: int | None) -> tuple[Place, ...]:
    """Give the files that will be executed; skips if there is none. ValueError: `path` is no file."""
    numbers = _callers(case, world, node)
    if path is None:
        found = tuple(place for number in numbers for place in own_programs(world, number))
        if not found:
            _cannot(case, "there is no program of yours in this world: install one first")
        return found
    given = tuple(Place(world, number, path) for number in numbers)
    for place in given:
        if not place.fs.exists(path) or place.fs.stat(path).kind != "file":
            raise ValueError(f"path: there is no file {path!r} on {place.machine.name}")
    return given


def _parts(case: ErrnoCase, targets: Iterable[Place], part: str) -> Iterator[Place]:
    for place in targets:
        if part == "program":
            yield place
            continue
        interpreter = place.interpreter()
        if interpreter is None:
            _cannot(case, f"{place.path} names no interpreter, by PT_INTERP or by #!")
        yield interpreter


def _check(case: ErrnoCase, table: Errors, targets: Iterable[Place], user: Any) -> None:
    """Skip unless the row is the one that a call would report now."""
    who = credentials_of(user)
    for place in targets:
        row = _due(place, table, who)
        if row is None or row.cause != case.cause:
            due = "nothing" if row is None else f"{row.errno.name} ({row.cause})"
            caller = "root" if user is None else repr(user)
            advice = "; say user= if somebody else calls" if user is None else ""
            _cannot(case, f"for {caller} {due} is due if {place.path} is executed{advice}")


def _check_caller(case: ErrnoCase, world: Any, user: Any) -> None:
    """Skip unless the row holds of who will call."""
    who = credentials_of(user)
    asker = SimpleNamespace(who=who) if isinstance(world, bp.Cluster) else Asker(world.home.partition, who, 0)
    if not case.row.condition(SimpleNamespace(asker=asker)):
        caller = "root" if user is None else repr(user)
        _cannot(case, f"{case.sentence}, and {caller} is not such a one; say user= if somebody else calls")


def _due(place: Place, table: Errors, who: bp.Credentials) -> Row | None:
    """Tell what an exec of a file would meet at this instant. No time passes, and nothing changes."""
    machine = place.machine
    if table.call == "bproc_vexecmove":  # which decides on the image by the same rows
        table = machine.master.execmove_errors
    cmd = place.path.encode("utf-8", "surrogateescape")
    facts = ExecFacts(machine, who, machine.tree.root, cmd, of_string(cmd), vector((), "envp"))
    return table.first(facts, EXEC if machine.partition is not None and table.call == "ra_exec" else "")


# ---- why not -------------------------------------------------------------------------------------

# The fields of a recipe's case by which a row is due, where it is no arranging of a world that makes it so.
_ABOUT = {
    "who makes the call": (
        "who", "root", "attaches", "propagates", "theirs", "owned", "from_node", "descriptors", "directory_lost",
        "notifier", "inside",
    ),
    "what processes are attached or bound to": ("bound", "bounds", "effective", "own"),
    "what a program has done before it makes the call": ("bad",),
    "how the world was built": (
        "module", "node_arch", "by_name", "loader_there", "level", "affinity", "by_capability", "overlapping",
        "exclusive", "removed", "failed", "width", "pids_left", "numbers_left", "kept", "taken", "name_mode",
    ),
    "what its program finds left when it makes the call": (
        "free_files", "free_bytes", "fork_bytes", "node_files", "node_free_bytes",
    ),
    "what happens while the call is made": (
        "daemon_ends", "silent", "sender_dies", "relayed", "fate", "listens", "lost_at",
    ),
}  # fmt: skip


def _why_not(case: ErrnoCase) -> str:
    """Say what the row is due by, from the world that is written down for it."""
    of_case, of_healthy = case.recipe.case, case.recipe.healthy
    names = [each.name for each in attrs.fields(type(of_case))]
    differ = {name for name in names if getattr(of_case, name) != getattr(of_healthy, name)}
    by = next((about for about, fields in _ABOUT.items() if differ & set(fields)), "what the call is given")
    instead = "world()" if case.never_returned else "fault() or world()"
    return f"{case.sentence}; that is a matter of {by}; use {instead}"


def _cannot(case: ErrnoCase, why: str) -> NoReturn:
    """Skip the test, by pytest if that is there; unittest's exception is understood by both."""
    text = f"{case} cannot be arranged here: {why}"
    if "pytest" in sys.modules:
        import pytest

        pytest.skip(text)
    from unittest import SkipTest

    raise SkipTest(text)
