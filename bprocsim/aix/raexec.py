"""ra_exec in all its forms, and ra_fork: a new image, or a child, that is attached to a resource.

One kernel operation: the process is attached and becomes the new image, or neither happens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from attrs import evolve

from bprocsim.aix.resource import RESOURCE_ROWS, ResourceFacts, rows_about
from bprocsim.aix.service import Asker
from bprocsim.aix.work import Work, place_process, place_thread
from bprocsim.faces.pointers import BAD_ADDRESS, Pointer, Vector, of_strings
from bprocsim.manual import Errors, Fail, Replaced, Row
from bprocsim.port import Steps
from bprocsim.posix import newimage
from bprocsim.posix.exec import ExecFacts, ExecProfile
from bprocsim.posix.life import FORK_ERRORS, fork
from bprocsim.posix.machine import Machine
from bprocsim.posix.procs import Process, Thread
from bprocsim.posix.search import search_path

PAGE = "aix-ra_exec"
ORDER = "choice-ra_exec-order"


class RaExecFacts(ExecFacts):
    """What ra_exec asks: of the resource, and all that exec asks."""

    __slots__ = ("resource",)
    resource: ResourceFacts


def the_resource(f: RaExecFacts) -> ResourceFacts:
    """Give what is asked of the resource."""
    return f.resource


@cache
def ra_exec_errors(profile: ExecProfile) -> Errors:
    """Make the table of ra_exec for the exec rules of a level."""
    return Errors("ra_exec", page=PAGE, order=ORDER, rows=(*rows_about(the_resource), *_rows_of(profile)))


def _rows_of(profile: ExecProfile) -> Iterator[Row]:
    """Give the rows of an exec, which the page takes over as they are."""
    for row in profile.rows:
        yield evolve(row, source=row.source or profile.source)


def survey(
    asker: Asker, cwd: int, resource: tuple[int, Any, int], path: Pointer, argv: Vector, envp: Vector
) -> tuple[Fail | None, RaExecFacts]:
    """Gather the facts of an ra_exec and decide: what would be refused, or None. No time passes.

    `resource` (rstype, rsid, flags).
    """
    machine = asker.partition.machine
    facts = RaExecFacts(machine, asker.who, cwd, path, argv, envp, asker.process)
    facts.resource = ResourceFacts(asker, Work(asker.process), *resource)
    table = ra_exec_errors(machine.profile)
    row = table.first(facts)
    return (None if row is None else Fail(row, table, b"" if path is BAD_ADDRESS else path)), facts


def ra_execve(
    machine: Machine, thread: Thread, rstype: int, rsid: Any, flags: int, path: Pointer, argv: Vector, envp: Vector,
    surveyed: tuple[Fail | None, RaExecFacts] | None = None,
) -> Steps:  # fmt: skip
    """Become another image, attached to a resource; comes back only if it fails.

    Errors: ra_exec_errors. Source: aix-ra_exec.
    """
    process = thread.process
    if surveyed is None:
        surveyed = survey(_asker(machine, thread), process.cwd, (rstype, rsid, flags), path, argv, envp)
    refused, facts = surveyed
    if refused is not None:
        if not machine.port.pass_at_once(machine.costs.syscall_ns):
            yield machine.port.sleep(machine.costs.syscall_ns)
        return refused
    resource = facts.resource
    machine.only(thread)
    newimage.commit(machine, process, facts, machine.port)
    process.image.script = None  # its interpreter opens the file
    _attach(resource, process)
    size = len(process.image.inode.data)
    yield machine.port.sleep(machine.costs.exec_ns + machine.costs.image_read_ns(size))
    return Replaced(process.image)


def _asker(machine: Machine, thread: Thread) -> Asker:
    process = thread.process
    return Asker(machine.partition, process.credentials, process.pid, thread)


def _attach(resource: ResourceFacts, process: Process) -> None:
    """Attach a process to a resource in which no row holds; its first thread has nothing of its own then."""
    thread = process.threads[0]
    if resource.given is not None:
        place_process(process, effective=resource.given.result)
        place_thread(thread, attached=None)
    else:
        place_thread(thread, srad=resource.rsid)


def ra_exect(
    machine: Machine, thread: Thread, rstype: int, rsid: Any, flags: int, path: Pointer, argv: Vector, envp: Vector
) -> Steps:
    """Do what ra_execve does; a tracer, if there were one, would see the image stop at its first instruction."""
    return ra_execve(machine, thread, rstype, rsid, flags, path, argv, envp)


def ra_execvp(
    machine: Machine, thread: Thread, rstype: int, rsid: Any, flags: int, file: Pointer, argv: Vector,
    envp: Vector | None,
) -> Steps:  # fmt: skip
    """Become another image that is looked for along PATH, attached to a resource.

    A headerless script goes to the shell, which is attached in its place. `envp` None keeps the
    environment. Errors: ra_exec_errors. Source: aix-ra_exec.
    """

    def execute(at: Any, by: Any, path: Pointer, words: Vector, variables: Vector) -> Steps:
        return ra_execve(at, by, rstype, rsid, flags, path, words, variables)

    given = of_strings(thread.process.env) if envp is None else envp
    return (yield from search_path(machine, thread, file, argv, given, execute, machine.profile.search))


# ---- ra_fork -------------------------------------------------------------------------------------


# What is decided before fork itself decides; and all that its caller may be told.
_ON_ENTRY = Errors("ra_fork", page="aix-ra_fork", order=ORDER, rows=RESOURCE_ROWS)
RA_FORK_ERRORS = Errors(
    "ra_fork",
    page="aix-ra_fork",
    order=ORDER,
    rows=(*_ON_ENTRY.rows, *(evolve(row, source=row.source or FORK_ERRORS.page) for row in FORK_ERRORS.rows)),
)


def ra_fork(
    machine: Machine, thread: Thread, rstype: int, rsid: Any, flags: int, body: Callable[..., Any],
    args: tuple[Any, ...],
) -> Steps:  # fmt: skip
    """Make a child that runs `body(proc, *args)` and is attached to a resource; gives its pid.

    Errors: RA_FORK_ERRORS. Source: aix-ra_fork.
    """
    asker = _asker(machine, thread)
    facts = ResourceFacts(asker, Work(thread.process), rstype, rsid, flags)
    row = _ON_ENTRY.first(facts)
    if row is not None:
        if not machine.port.pass_at_once(machine.costs.syscall_ns):
            yield machine.port.sleep(machine.costs.syscall_ns)
        return Fail(row, RA_FORK_ERRORS)
    result = yield from fork(machine, thread, body, args, lambda child: _attach(facts, child))
    # Its caller has made one call, and is told of that one.
    return Fail(RA_FORK_ERRORS.row(result.row.cause), RA_FORK_ERRORS) if isinstance(result, Fail) else result
