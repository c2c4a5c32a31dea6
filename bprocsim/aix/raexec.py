"""ra_exec in all its forms, and ra_fork: a new image, or a child, that is attached to a resource.

One kernel operation: the process is attached and becomes the new image, or neither happens.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from attrs import define, evolve, setters

from bprocsim.aix.resource import RESOURCE_ROWS, ResourceFacts
from bprocsim.aix.service import Asker
from bprocsim.aix.work import NOBODY, Work, set_effective, set_home, set_own
from bprocsim.faces.pointers import BAD_ADDRESS, Pointer, Vector, of_strings
from bprocsim.manual import Errors, Fail
from bprocsim.port import Steps
from bprocsim.posix.exec import ExecFacts, ExecProfile
from bprocsim.posix.execcalls import become
from bprocsim.posix.life import FORK_ERRORS, fork
from bprocsim.posix.machine import Machine
from bprocsim.posix.procs import Process, Thread
from bprocsim.posix.search import search_path

PAGE = "aix-ra_exec"
ORDER = "choice-ra_exec-order"


# The step at which exec's own rows are decided: when nothing is wrong with the resource.
EXEC = "exec"


@cache
def ra_exec_errors(profile: ExecProfile) -> Errors:
    """Make the table of ra_exec for the exec rules of a level: what it asks of the resource, then what exec asks."""
    own = (evolve(row, source=row.source or profile.source, step=EXEC) for row in profile.rows)
    return Errors("ra_exec", page=PAGE, order=ORDER, rows=(*RESOURCE_ROWS, *own))


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Surveyed:
    """What an ra_exec came to on entry: why it is `refused`, or the facts to be committed."""

    refused: Fail | None
    resource: ResourceFacts
    image: ExecFacts | None = None


def survey(
    asker: Asker, cwd: int, resource: tuple[int, Any, int], path: Pointer, argv: Vector, envp: Vector
) -> Surveyed:
    """Gather the facts of an ra_exec and decide. No time passes. `resource` (rstype, rsid, flags)."""
    machine = asker.partition.machine
    table = ra_exec_errors(machine.profile)
    process = asker.process
    wanted = ResourceFacts(asker, NOBODY if process is None else Work(process), *resource)
    image = None
    row = table.first(wanted)
    if row is None:
        image = ExecFacts(machine, asker.who, cwd, path, argv, envp, process)
        row = table.first(image, EXEC)
        if row is not None:
            image.forget()
    return Surveyed(None if row is None else Fail(row, table, b"" if path is BAD_ADDRESS else path), wanted, image)


def ra_execve(
    machine: Machine, thread: Thread, rstype: int, rsid: Any, flags: int, path: Pointer, argv: Vector, envp: Vector,
    surveyed: Surveyed | None = None,
) -> Steps:  # fmt: skip
    """Become another image, attached to a resource; comes back only if it fails.

    Errors: ra_exec_errors. Source: aix-ra_exec.
    """
    process = thread.process
    if surveyed is None:
        surveyed = survey(_asker(machine, thread), process.cwd, (rstype, rsid, flags), path, argv, envp)
    if surveyed.refused is not None:
        if not machine.port.pass_at_once(machine.costs.syscall_ns):
            yield machine.port.sleep(machine.costs.syscall_ns)
        return surveyed.refused
    assert surveyed.image is not None, "every row was tested"
    resource = surveyed.resource
    return (yield from become(machine, thread, surveyed.image, lambda process: _attach(resource, process)))


def _asker(machine: Machine, thread: Thread) -> Asker:
    process = thread.process
    return Asker(machine.partition, process.credentials, process.pid, thread)


def _attach(resource: ResourceFacts, process: Process) -> None:
    """Attach a process to a resource in which no row holds; its first thread has nothing of its own then."""
    thread = process.threads[0]
    if resource.given is not None:
        set_effective(process, resource.given.result)
        set_own(thread, None)
    else:
        set_home(thread, resource.rsid)


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


# The step at which fork's own rows are decided, but for what is seen of the child.
FORK = "fork"

# What is decided before fork itself decides; and all that its caller may be told.
_ON_ENTRY = Errors("ra_fork", page="aix-ra_fork", order=ORDER, rows=RESOURCE_ROWS)
RA_FORK_ERRORS = Errors(
    "ra_fork",
    page="aix-ra_fork",
    order=ORDER,
    rows=(
        *_ON_ENTRY.rows,
        *(evolve(row, source=row.source or FORK_ERRORS.page, step=row.step or FORK) for row in FORK_ERRORS.rows),
    ),
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
