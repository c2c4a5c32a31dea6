"""The search of the p forms along PATH, and their way to the shell: rules as data, and one generator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attrs import define, frozen, setters

from bprocsim.errnos import Errno as E
from bprocsim.faces.pointers import BAD_ADDRESS, Pointer, Vector, of_strings
from bprocsim.manual import Errors, Fail, Row
from bprocsim.port import Steps

if TYPE_CHECKING:
    from bprocsim.posix.machine import Machine
    from bprocsim.posix.procs import Thread

# What becomes another image: execute(machine, thread, path, argv, envp), as execve does it.
Execute = Callable[[Any, Any, Pointer, Vector, Vector], Steps]


@frozen(eq=False)
class SearchRules:
    """How one system's C library looks for a program.

    `default_path` what an unset PATH is; `goes_on` the errors after which the next directory is
    tried, any other ends the search; `remembered` those of them that are reported, the first one,
    if nothing was found; `shell` what runs a file in no known format; `element_bytes` an element of
    PATH as long as this is passed over, None: none is.
    """

    default_path: bytes
    goes_on: frozenset[E]
    remembered: frozenset[E]
    shell: bytes
    element_bytes: int | None = None


# Source: glibc-execvp.
GLIBC = SearchRules(
    default_path=b"/usr/bin:/bin",
    goes_on=frozenset({E.ENOENT, E.ENOTDIR, E.EACCES, E.ESTALE, E.ENODEV, E.ETIMEDOUT}),
    remembered=frozenset({E.EACCES}),
    shell=b"/bin/sh",
    element_bytes=4096,
)


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class SearchFacts:
    """What a p form asks about before it looks anywhere: the elements of PATH, None if it looks nowhere."""

    rules: SearchRules
    elements: list[bytes] | None


def elements_too_long(f: SearchFacts) -> bool:
    return f.elements is not None and all(_is_too_long(f.rules, each) for each in f.elements)


def _is_too_long(rules: SearchRules, element: bytes) -> bool:
    """Tell whether an element of PATH is passed over, whatever the name."""
    return rules.element_bytes is not None and len(element) >= rules.element_bytes


# Whatever else there is comes from execve. That the library leaves errno as it was is of no help to anybody.
EXECVP_ERRORS = Errors(
    "execvp",
    page="posix-exec",
    order="glibc-execvp",
    rows=(Row(E.ENAMETOOLONG, elements_too_long, "every element of PATH is too long", source="posix-exec"),),
)


def search_path(
    machine: Machine, thread: Thread, file: Pointer, argv: Vector, envp: Vector, execute: Execute, rules: SearchRules
) -> Steps:
    """Let a thread become another image that is looked for along PATH; a headerless script goes to the shell.

    `execute(machine, thread, path, argv, envp)` tries one path, and the shell too; a name with a
    slash is tried as it is. Gives what the last attempt gave, or the first Fail that is remembered;
    a Fail is of the table of `execute`, or of EXECVP_ERRORS. Sources: posix-exec, glibc-execvp.
    """
    searches = file is not BAD_ADDRESS and file != b"" and b"/" not in file
    elements = _elements(thread.process.env, rules) if searches else None
    if (row := EXECVP_ERRORS.first(SearchFacts(rules, elements))) is not None:
        yield machine.port.sleep(machine.costs.syscall_ns)
        return Fail(row, EXECVP_ERRORS, file)  # type: ignore[arg-type]  # there are elements: it is a name
    if elements is None or file is BAD_ADDRESS:
        return (yield from _or_shell(machine, thread, file, argv, envp, execute, rules))
    remembered: Fail | None = None
    result: Any = None
    for element in elements:
        if _is_too_long(rules, element):
            continue
        path = element + b"/" + file if element else file
        result = yield from _or_shell(machine, thread, path, argv, envp, execute, rules)
        if not isinstance(result, Fail) or result.row.errno not in rules.goes_on:
            return result
        if result.row.errno in rules.remembered:
            remembered = remembered or result
    return remembered or result


def _or_shell(
    machine: Machine, thread: Thread, path: Pointer, argv: Vector, envp: Vector, execute: Execute, rules: SearchRules
) -> Steps:
    result = yield from execute(machine, thread, path, argv, envp)
    if isinstance(result, Fail) and result.row.errno is E.ENOEXEC and path is not BAD_ADDRESS:
        script = of_strings((rules.shell, path, *argv.strings[1:]))
        return (yield from execute(machine, thread, rules.shell, script, envp))
    return result


def _elements(env: tuple[bytes, ...], rules: SearchRules) -> list[bytes]:
    for entry in env:
        if entry.startswith(b"PATH="):
            return entry[5:].split(b":")
    return rules.default_path.split(b":")
