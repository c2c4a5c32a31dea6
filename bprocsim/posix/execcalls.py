"""execve and execvp: the calls, and the search along PATH."""

from __future__ import annotations

from functools import cache
from typing import Any

from attrs import define, setters

from bprocsim.errnos import Errno as E
from bprocsim.faces.pointers import BAD_ADDRESS, Pointer, Vector, of_strings
from bprocsim.manual import Errors, Fail, Replaced, Row
from bprocsim.port import Steps
from bprocsim.posix import newimage
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.exec import ExecFacts, ExecProfile
from bprocsim.posix.machine import Machine
from bprocsim.posix.procs import Thread

DEFAULT_PATH = b"/usr/bin:/bin"
SHELL = b"/bin/sh"

# Errors after which the search goes on with the next directory. Source: glibc-execvp.
GOES_ON = frozenset({E.ENOENT, E.ENOTDIR, E.EACCES, E.ESTALE, E.ENODEV, E.ETIMEDOUT})


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
    return (None if row is None else Fail(row, table, b"" if cmd is BAD_ADDRESS else cmd)), facts


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
    machine.only(thread)
    newimage.commit(machine, process, facts, machine.port)
    process.image.script = None  # only a move carries the body: here the interpreter opens the file
    size = len(process.image.inode.data)
    yield machine.port.sleep(machine.costs.exec_ns + machine.costs.image_read_ns(size))
    return Replaced(process.image)


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class SearchFacts:
    """What execvp asks about before it looks anywhere: the elements of PATH, None if it looks nowhere."""

    machine: Machine
    elements: list[bytes] | None


def elements_too_long(f: SearchFacts) -> bool:
    return f.elements is not None and all(_is_too_long(f.machine, each) for each in f.elements)


def _is_too_long(machine: Machine, element: bytes) -> bool:
    """Tell whether an element of PATH is passed over, whatever the name."""
    longest = machine.profile.paths.path_max
    return longest is not None and len(element) >= longest


# Whatever else there is comes from execve. That the library leaves errno as it was is of no help to anybody.
EXECVP_ERRORS = Errors(
    "execvp",
    page="posix-exec",
    order="glibc-execvp",
    rows=(Row(E.ENAMETOOLONG, elements_too_long, "every element of PATH is too long", source="posix-exec"),),
)


@cache
def execvp_errors(profile: ExecProfile) -> Errors:
    """Make the table of execvp with what comes from execve, for the exec rules of a kernel."""
    rows = (*EXECVP_ERRORS.rows, *profile.rows)
    return Errors("execvp", page=profile.source, order=profile.order, rows=rows)


def execvp(machine: Machine, thread: Thread, file: Pointer, argv: Vector, envp: Vector | None) -> Steps:
    """Become another image that is looked for along PATH; a headerless script goes to the shell.

    `envp` None keeps the environment. Errors: EXECVP_ERRORS, execve_errors. Sources: posix-exec,
    glibc-execvp.
    """
    process = thread.process
    searches = file is not BAD_ADDRESS and file != b"" and b"/" not in file
    elements = _search_path(process.env) if searches else None
    table = execvp_errors(machine.profile)
    if (row := EXECVP_ERRORS.first(SearchFacts(machine, elements))) is not None:
        yield machine.port.sleep(machine.costs.syscall_ns)
        return Fail(row, table, b"" if file is BAD_ADDRESS else file)
    given = of_strings(process.env) if envp is None else envp
    result: Any = None
    if elements is None or file is BAD_ADDRESS:
        result = yield from _or_shell(machine, thread, file, argv, given)
    else:
        result = yield from _search(machine, thread, file, elements, argv, given)
    # Its caller has made one call, and is told of that one.
    return Fail(result.row, table, result.subject) if isinstance(result, Fail) else result


def _search(machine: Machine, thread: Thread, file: bytes, elements: list[bytes], argv: Vector, envp: Vector) -> Steps:
    """Try one directory after another; a refusal is remembered, else the last error counts."""
    denied: Fail | None = None
    result: Any = None
    for element in elements:
        if _is_too_long(machine, element):
            continue
        path = element + b"/" + file if element else file
        result = yield from _or_shell(machine, thread, path, argv, envp)
        if not isinstance(result, Fail) or result.row.errno not in GOES_ON:
            return result
        if result.row.errno is E.EACCES:
            denied = denied or result
    return denied or result


def _or_shell(machine: Machine, thread: Thread, path: Pointer, argv: Vector, envp: Vector) -> Steps:
    result = yield from execve(machine, thread, path, argv, envp)
    if isinstance(result, Fail) and result.row.errno is E.ENOEXEC and path is not BAD_ADDRESS:
        script = of_strings((SHELL, path, *argv.strings[1:]))
        return (yield from execve(machine, thread, SHELL, script, envp))
    return result


def _search_path(env: tuple[bytes, ...]) -> list[bytes]:
    for entry in env:
        if entry.startswith(b"PATH="):
            return entry[5:].split(b":")
    return DEFAULT_PATH.split(b":")
