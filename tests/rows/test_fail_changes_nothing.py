"""A call that returns -1 leaves every record of the world as it was, and so does looking at one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from types import FunctionType, GeneratorType, MethodType
from typing import Any

import pytest
from attrs import evolve

import bprocsim as bp
from bprocsim.testing import Recipe, recipes, recipes_of
from bprocsim.testing.rows.cases import Case
from bprocsim.testing.rows.execcases import USER
from bprocsim.units import ms
from tests.rows.snapshot import LEFT_OUT, differences, fields_of, snapshot, walk, watched
from tests.rows.worlds import ENTRY, table_of

RETURNED = [
    pytest.param(recipe, id=str(recipe))
    for recipe in recipes.values()
    if recipe.cause in ENTRY and isinstance(recipe.case, Case) and recipe.call in ("bproc_execmove", "execve")
]
# Of the other calls that move a process: what is decided on entry, and by the master.
OTHERS = [
    pytest.param(recipe, id=str(recipe))
    for recipe in recipes.values()
    if recipe.call in ("bproc_move", "bproc_rexec", "bproc_rfork")
    and table_of(recipe.case).row(recipe.cause).step in ("", "ROUTE")
]


# ---- a world in which much is under way, so that there is much to change -------------------------


def stays(proc: bp.Proc) -> Iterator[Any]:
    """Stay where it is for ever."""
    yield from proc.pause()


def on_signal(proc: bp.Proc, signum: int) -> None:
    """Do nothing."""


def moves(proc: bp.BprocProc) -> Iterator[Any]:
    """Go to a slave and stay there."""
    yield from proc.bproc_execmove(1, "/bin/stays", ["stays"], {})


def reads(proc: bp.Proc, fd: int) -> Iterator[Any]:
    """Wait for bytes that never come."""
    yield from proc.read(fd)


def accepts(proc: bp.Proc) -> Iterator[Any]:
    """Wait for a second connection."""
    fd = yield from proc.socket()
    yield from proc.bind(fd, bp.Address("", 7000))
    yield from proc.listen(fd)
    yield from proc.accept(fd)
    yield from proc.accept(fd)


def busy(proc: bp.Proc) -> Iterator[Any]:
    """Hold some of everything; what the world's faults forbid is left out."""
    yield from proc.sigaction(bp.SIGUSR1, on_signal)
    yield from proc.alarm(3600)
    for begin in (_with_files, _with_children):
        try:
            yield from begin(proc)
        except bp.CallError:
            continue
    yield from proc.thread_create(stays)
    yield from proc.pause()


def _with_files(proc: bp.Proc) -> Iterator[Any]:
    here, there = yield from proc.pipe()
    yield from proc.write(there, b"unread")
    empty, _ = yield from proc.pipe()
    yield from proc.open("/tmp/log", bp.O_CREAT | bp.O_WRONLY)
    yield from proc.fork(reads, empty)
    yield from proc.fork(accepts)
    yield from proc.sleep(1 * ms)
    fd = yield from proc.socket()
    yield from proc.connect(fd, bp.Address("10.54.0.1", 7000))
    yield from proc.write(fd, b"unread")
    yield from proc.close(here)


def _with_children(proc: bp.Proc) -> Iterator[Any]:
    yield from proc.fork(moves)
    yield from proc.fork(stays)


def busy_world(case: Case) -> bp.Cluster:
    """Build a case's world, with processes, pipes, sockets and a process on a slave beside it."""
    cluster = case.world()
    cluster.install("/bin/stays", stays)
    cluster.popen(busy)
    cluster.sleep(0.1)
    for node in cluster.nodes:
        assert node.fs.tree is not None  # touched: it has come into being
    return cluster


# ---- refused calls ---------------------------------------------------------------------------------


@pytest.mark.parametrize("recipe", RETURNED)
def test_a_refused_call_changes_nothing(recipe: Recipe) -> None:
    cluster = busy_world(recipe.case)
    # A process that was made for the call has descriptors left.
    caller = recipe.case.caller(cluster) if recipe.case.descriptors is not None else None
    before = snapshot(cluster)
    assert recipe.case.make(cluster, caller).cause == recipe.cause
    assert differences(before, snapshot(cluster)) == []


@pytest.mark.parametrize("recipe", RETURNED)
@pytest.mark.slow
def test_nor_does_one_by_an_idle_process(recipe: Recipe) -> None:
    cluster = busy_world(recipe.case)
    caller = recipe.case.caller(cluster)
    before = snapshot(cluster)
    outcome = recipe.case.make(cluster, caller)
    assert (outcome.cause, outcome.pid) == (recipe.cause, caller.pid)
    assert differences(before, snapshot(cluster)) == []


@pytest.mark.slow
@pytest.mark.parametrize("recipe", OTHERS)
def test_nor_does_one_of_the_other_calls_that_move_a_process(recipe: Recipe) -> None:
    """No child, no zombie and no SIGCHLD either, which the caller would have had."""
    case: Case = recipe.case
    cluster = busy_world(case)
    caller = case.caller(cluster)
    before = snapshot(cluster)
    if recipe.call == "bproc_move":
        outcome = cluster.bproc_move(case.node, caller=caller)
    elif recipe.call == "bproc_rfork":
        outcome = cluster.bproc_rfork(case.node, stays, caller=caller)
    else:
        outcome = cluster.bproc_rexec(case.node, *case.arguments(), caller=caller)
    assert (outcome.value, outcome.cause, outcome.pid) == (-1, recipe.cause, caller.pid)
    assert differences(before, snapshot(cluster)) == []


# Of the calls for several nodes: what is refused as a whole, and one slot that is refused before anything moves.
SEVERAL = [
    pytest.param(recipe, id=str(recipe))
    for recipe in recipes_of("lanl32").values()
    if recipe.call in ("bproc_vexecmove", "bproc_vrfork")
    and table_of(recipe.case).row(recipe.cause).step in ("", "load", "ROUTE")
    and recipe.case.count is None
    and recipe.case.pids_writable
    and recipe.case.descriptors is None
]


@pytest.mark.slow
@pytest.mark.parametrize("recipe", SEVERAL)
def test_nor_does_one_for_several_nodes(recipe: Recipe) -> None:
    """Of a child that has never been nothing is left, and nobody hears of it."""
    case: Case = recipe.case
    cluster = busy_world(case)
    caller = case.caller(cluster)
    before = snapshot(cluster)
    nodes: Any = list(case.nodes) if case.nodes_readable else bp.BAD_ADDRESS
    io = case.port_or_list
    if recipe.call == "bproc_vexecmove":
        outcome = cluster.bproc_vexecmove_io(nodes, io, *case.arguments(), caller=caller)
    else:
        outcome = cluster.bproc_vrfork_io(nodes, io, lambda proc, _index: stays(proc), caller=caller)
    assert (outcome.cause, outcome.pid) == (recipe.cause, caller.pid)
    # Only how often the tree was changed is counted on: the first child has run the image.
    assert [each for each in differences(before, snapshot(cluster)) if "._tree.changes: " not in each] == []


LATE_RETURNED = ["node_unknown", "node_down", "same_node", "node_not_permitted"]


@pytest.mark.parametrize("cause", LATE_RETURNED)
def test_nor_does_a_late_failure_where_the_edition_returns_it(cause: str) -> None:
    """The exec has happened by then, and is undone: the caller is what it was."""
    returning = evolve(bp.editions["scyld"], late_failure="return")
    recipe = recipes["bproc_execmove", cause]
    cluster = busy_world(recipe.case.change({"edition": returning}))
    caller = cluster.idle_process(user=cluster.users[USER], node=recipe.case.from_node)
    before = snapshot(cluster)
    outcome = recipe.case.make(cluster, caller)
    assert (outcome.value, outcome.errno, outcome.cause) == (-1, recipe.errno, cause)
    # Only how often the tree was changed, there and back, is counted on.
    assert [each for each in differences(before, snapshot(cluster)) if "._tree.changes: " not in each] == []


def test_a_call_that_succeeds_is_seen_to_change_something() -> None:
    cluster = busy_world(Case())
    before = snapshot(cluster)
    cluster.bproc_execmove(1, "/bin/sh", caller=cluster.idle_process())
    assert differences(before, snapshot(cluster))


# ---- the snapshot sees every field -----------------------------------------------------------------


class Planted:
    """What no world holds."""


def _reached(cluster: bp.Cluster) -> list[tuple[str, Any]]:
    return [(path, thing) for path, _, thing in walk(cluster) if thing is not None]


def _plant_in_fields(cluster: bp.Cluster, thing: Any, names: list[str], before: dict[str, Any]) -> Iterator[str]:
    """Plant a change in each of these fields, and give those in which the snapshot does not see it."""
    for name in names:
        was = getattr(thing, name)
        object.__setattr__(thing, name, Planted())
        seen = bool(differences(before, snapshot(cluster)))
        object.__setattr__(thing, name, was)
        if not seen:
            yield name


def _plant_inside(thing: Any) -> Any:
    """Put something into a container; gives what takes it out again."""
    if isinstance(thing, dict):
        thing[Planted] = 0
        return lambda: thing.pop(Planted)
    if isinstance(thing, set):
        thing.add(Planted)
        return lambda: thing.discard(Planted)
    if isinstance(thing, bytearray):
        thing.append(0)
    else:
        thing.append(Planted)
    return thing.pop


def _unseen(cluster: bp.Cluster) -> Iterator[str]:
    """Plant a change in each kind of container and each field of each class, and tell what the snapshot misses."""
    before = snapshot(cluster)
    done: set[tuple[type, str]] = set()
    for path, thing in _reached(cluster):
        kind = type(thing)
        if isinstance(thing, dict | list | deque | set | bytearray) and (kind, "") not in done:
            done.add((kind, ""))
            take_out = _plant_inside(thing)
            if not differences(before, snapshot(cluster)):
                yield path
            take_out()
        if isinstance(thing, FIXED):
            continue
        names = [name for name in watched(thing) if (kind, name) not in done]
        done.update((kind, name) for name in names)
        yield from (f"{path}.{name}" for name in _plant_in_fields(cluster, thing, names, before))
    assert differences(before, snapshot(cluster)) == []


# Nobody can change one of these; its parts are walked.
FIXED = (tuple, FunctionType, MethodType, GeneratorType)


@pytest.mark.slow
def test_a_change_in_any_field_of_any_class_is_seen() -> None:
    assert list(_unseen(busy_world(Case()))) == []


def test_every_field_of_every_record_is_taken_down() -> None:
    cluster = busy_world(Case())
    taken = snapshot(cluster)
    records = [(path, thing) for path, thing in _reached(cluster) if not isinstance(thing, FIXED)]
    fields = [f"{path}.{name}" for path, thing in records for name in watched(thing)]
    assert len(fields) > 1000
    assert [field for field in fields if field not in taken] == []


def test_what_is_left_out_is_there_to_be_left_out() -> None:
    reached = {(type(thing).__name__, name) for _, thing in _reached(busy_world(Case())) for name in fields_of(thing)}
    assert set(LEFT_OUT) <= reached


def test_much_is_reached() -> None:
    """A busy world holds what a call could change."""
    kinds = {type(thing).__name__ for _, thing in _reached(busy_world(Case()))}
    assert kinds >= {
        "Cluster", "Simulation", "Engine", "Master", "Node", "Machine", "Memory", "FileTable", "Ports", "Processors",
        "FileTree", "Inode", "Mount", "Network", "Link", "Interface", "PidSpace", "Process", "Thread", "Descriptor",
        "Pipe", "PipeReader", "PipeWriter", "Listener", "Endpoint", "WaitQueue", "Waiter", "Handler", "Credentials",
        "Loaded", "Ghost", "EngineTask", "EngineTimer", "OpenFile", "Program", "User",
    }  # fmt: skip


# ---- looking ---------------------------------------------------------------------------------------


def says_where(proc: bp.Proc) -> Iterator[Any]:
    """Write from where it runs, and compute a little."""
    yield from proc.print("on node", proc.node)
    yield from proc.compute(2 * ms)


def _digest(look: Callable[[bp.Cluster], None], **options: Any) -> tuple[str, str]:
    """Run a program on three nodes, look at the beginning; gives the trace and its digest."""
    cluster = bp.Cluster(4, seed=3, trace="all", **options)
    look(cluster)
    cluster.install("/bin/says_where", says_where)
    for node in (2, 0, 1, 2):
        cluster.bproc_execmove(node, "/bin/says_where")
        cluster.bproc_execmove_io(node, 4000, "/bin/says_where")
    cluster.sleep(100)
    return cluster.trace.text(), cluster.trace.digest()


def _do_not_look(cluster: bp.Cluster) -> None:
    """Touch nothing."""


def _look(cluster: bp.Cluster) -> None:
    """Touch all that can be touched, last node first."""
    for node in reversed(list(cluster.nodes)):
        assert node.state
        assert node.mode >= 0
    for machine in [*reversed(list(cluster.nodes)), cluster.master]:
        assert machine.fs.listdir("/")
        assert machine.fs.read_file("/bin/sh")
        assert machine.memory.free_bytes > 0
        assert repr((machine, machine.processes, machine.processors, machine.sockets, machine.address))
    assert repr((cluster, cluster.nodes, cluster.sim.now_ns, len(cluster.trace)))


FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "losses": {"faults": [bp.Loss(-1, node, 0.3) for node in (0, 1, 2)]},
    "a node dies": {"faults": [bp.PowerOff(2, at_ns=5 * ms), bp.Hang(3, at_ns=9 * ms)]},
    "a node is slow": {"faults": [bp.SlowLink(-1, 1, 7)]},
    "a cold boot": {"boot": "cold"},
}


@pytest.mark.parametrize("options", [pytest.param(options, id=name) for name, options in FAULTS.items()])
def test_looking_changes_nothing(options: dict[str, Any]) -> None:
    assert _digest(_do_not_look, **options) == _digest(_look, **options)
