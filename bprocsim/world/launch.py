"""How a command line becomes a process: its words, who runs it and where, and the search for its program."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from bprocsim.errnos import Errno
from bprocsim.faces.errors import raised
from bprocsim.faces.pointers import Vector, c_string, of_strings, vector
from bprocsim.kernel import call, lead
from bprocsim.manual import Fail
from bprocsim.port import Steps
from bprocsim.posix.credentials import Credentials
from bprocsim.posix.execcalls import survey
from bprocsim.posix.procs import Ended, Process, Thread
from bprocsim.world.simulation import Simulation
from bprocsim.world.specs import credentials_of

# The harness is everybody's parent, as init is: its children are in its group unless they leave it.
HARNESS_GROUP = 1

# What the search for a program passes over if another directory tells something worse.
ABSENT = frozenset({Errno.ENOENT, Errno.ENOTDIR})


def words_of(args: Any, shell: bool, as_given: bool = False) -> tuple[Any, ...]:
    """Take a command line as C strings, or each word as it was given. TypeError, ValueError: it is none."""
    if isinstance(args, str | bytes | PurePath):
        given = [args]
    elif isinstance(args, Mapping) or not hasattr(args, "__iter__"):
        raise TypeError(f"args: expected a program's name and its arguments, or a function, got {args!r}")
    else:
        given = list(args)
    if not given:
        raise ValueError("args: expected a program's name and its arguments, got nothing")
    if shell:
        given = ["/bin/sh", "-c", *given]
    if as_given:
        return tuple(given)
    for word in given:
        if "\0" in word if isinstance(word, str) else isinstance(word, bytes) and b"\0" in word:
            raise ValueError(f"args: embedded null byte in {word!r}")
    return tuple(c_string(word, "args") for word in given)


def clothe_command(machine: Any, user: Any, cwd: Any, env: Any, new_session: bool) -> Process:
    """Make the process of a command line, with all it has but descriptors.

    The OSErrors of chdir; TypeError, ValueError: name the argument.
    """
    who, environment = credentials_of(user), environment_of(env, machine)
    directory = (machine.tree.root, b"/") if cwd is None else _directory(machine, who, cwd)
    process: Process = machine.new_process()
    process.credentials, process.env = who, environment.strings
    process.cwd, process.cwd_path = directory
    if not new_session:
        process.pgid = process.sid = HARNESS_GROUP
    return process


def _directory(machine: Any, who: Credentials, cwd: Any) -> tuple[int, bytes]:
    """Find where a command starts; a relative path begins at the root, where the harness is."""
    from bprocsim.posix.directory import enter

    text = c_string(cwd, "cwd")
    found = enter(machine, who, text if text.startswith(b"/") or not text else b"/" + text)
    if isinstance(found, Fail):
        error = raised(found, machine.unix.name)
        error.filename, error.strerror = cwd, found.row.errno.message
        raise error
    return found


def environment_of(env: Any, machine: Any) -> Vector:
    """Take the environment of a new process, None for the machine's usual one. TypeError, ValueError: name it."""
    if env is None:
        return vector({"PATH": machine.unix.path}, "env")
    if not isinstance(env, Mapping):
        raise TypeError(f"env: expected a mapping or None, got {env!r}")
    for name in env:
        if b"=" in c_string(name, "env"):
            raise ValueError(f"env: illegal environment variable name {name!r}")
    return vector(env, "env")


def executed(sim: Simulation, thread: Thread, words: tuple[bytes, ...]) -> Fail | None:
    """Let a fresh process become the program that a command line names; gives why it could not."""
    failure: list[Fail] = []
    process = thread.process
    task = sim.begin(_exec(thread, words, failure))
    thread.task = None if task.ended else task
    sim.advance(lambda: bool(failure) or process.image is not None)
    return failure[0] if failure else None


def _exec(thread: Thread, words: tuple[bytes, ...], failure: list[Fail]) -> Steps:
    """Try the directories of PATH as subprocess does: all of them, and no shell for what has no header.

    What one of them tells is reported before what is merely absent; of several the first.
    """
    process = thread.process
    machine, who, argv, envp = process.machine, process.credentials, of_strings(words), of_strings(process.env)
    chosen: tuple[bytes, Any] | None = None
    for path in _places(process, words[0]):
        tried = survey(machine, who, process.cwd, path, argv, envp)
        refused = tried[0]
        if chosen is None or refused is None or chosen[1][0].row.errno in ABSENT:
            chosen = path, tried
        if refused is None:
            break
    assert chosen is not None, "there is at least one place"
    result = yield from call(thread, "execve", (chosen[0], argv, envp), chosen[1])
    if isinstance(result, Fail):
        failure.append(result)
        machine.end(process, Ended(exit_status=127), thread)
        return
    yield from lead(thread)


def _places(process: Process, name: bytes) -> list[bytes]:
    """Give the paths that a program's name may mean."""
    if b"/" in name:
        return [name]
    usual = process.machine.profile.search.default_path
    search = next((entry[5:] for entry in process.env if entry.startswith(b"PATH=")), usual)
    return [directory.rstrip(b"/") + b"/" + name if directory else name for directory in search.split(b":")]
