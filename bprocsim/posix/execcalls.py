"""execve and execvp: their tables, and the calls."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from bprocsim.faces.pointers import BAD_ADDRESS, Pointer, Vector, of_strings
from bprocsim.manual import Errors, Fail, Replaced
from bprocsim.port import Steps
from bprocsim.posix import newimage
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.exec import ExecFacts, ExecProfile
from bprocsim.posix.machine import Machine
from bprocsim.posix.procs import Process, Thread
from bprocsim.posix.search import EXECVP_ERRORS, search_path


@cache
def execve_errors(profile: ExecProfile) -> Errors:
    """Make the table of execve for the exec rules of a kernel."""
    return Errors("execve", page=profile.source, order=profile.order, rows=profile.rows)


def survey(
    machine: Machine, who: Credentials, cwd: int, cmd: Pointer, argv: Vector, envp: Vector, process: Any = None
) -> tuple[Fail | None, ExecFacts]:
    """Gather the facts of an execve and decide: what would be refused, or None. No time passes.

    `process` the caller's, None if it is made for this call.
    """
    facts = ExecFacts(machine, who, cwd, cmd, argv, envp, process)
    table = machine.execve_errors
    row = table.first(facts)
    if row is None:
        return None, facts
    facts.forget()
    return Fail(row, table, b"" if cmd is BAD_ADDRESS else cmd), facts


def execve(
    machine: Machine,
    thread: Thread,
    cmd: Pointer,
    argv: Vector,
    envp: Vector,
    surveyed: tuple[Fail | None, ExecFacts] | None = None,
) -> Steps:
    """Become another image; comes back only if it fails. Errors: execve_errors. Source: posix-exec."""
    process = thread.process
    refused, facts = surveyed or survey(machine, process.credentials, process.cwd, cmd, argv, envp, process)
    if refused is not None:
        if not machine.port.pass_at_once(machine.costs.syscall_ns):
            yield machine.port.sleep(machine.costs.syscall_ns)
        return refused
    return (yield from become(machine, thread, facts))


def become(machine: Machine, thread: Thread, facts: ExecFacts, dress: Callable[[Process], None] | None = None) -> Steps:
    """Let the process of a thread become an image in whose facts no row holds; `dress(process)` follows at once."""
    process = thread.process
    machine.only(thread)
    newimage.commit(machine, process, facts, machine.port)
    process.image.script = None  # only a move carries the body: here the interpreter opens the file
    if dress is not None:
        dress(process)
    size = len(process.image.inode.data)
    yield machine.port.sleep(machine.costs.exec_ns + machine.costs.image_read_ns(size))
    return Replaced(process.image)


@cache
def execvp_errors(profile: ExecProfile) -> Errors:
    """Make the table of execvp with what comes from execve, for the exec rules of a kernel."""
    passed_over = () if profile.search.element_bytes is None else EXECVP_ERRORS.rows
    rows = (*passed_over, *profile.rows)
    return Errors("execvp", page=profile.source, order=profile.order, rows=rows)


def execvp(machine: Machine, thread: Thread, file: Pointer, argv: Vector, envp: Vector | None) -> Steps:
    """Become another image that is looked for along PATH; a headerless script goes to the shell.

    `envp` None keeps the environment. Errors: EXECVP_ERRORS, execve_errors. Sources: posix-exec,
    glibc-execvp.
    """
    rules = machine.profile.search
    given = of_strings(thread.process.env) if envp is None else envp
    result = yield from search_path(machine, thread, file, argv, given, execve, rules)
    # Its caller has made one call, and is told of that one.
    return Fail(result.row, execvp_errors(machine.profile), result.subject) if isinstance(result, Fail) else result
