"""The calls that a cluster offers from outside: their arguments made ready, then made."""

from __future__ import annotations

from typing import Any, Final

from attrs import frozen

from bprocsim.faces.arguments import integer
from bprocsim.faces.pointers import BAD_ADDRESS, Vector, c_string, pointer, vector
from bprocsim.posix.paths import walk
from bprocsim.posix.vfs import Kind
from bprocsim.world.direct import make_call
from bprocsim.world.outcome import Outcome
from bprocsim.world.specs import credentials_of


class _LeftOut:
    """The default of an argument for which None already means NULL."""

    def __repr__(self) -> str:
        return "LEFT_OUT"


LEFT_OUT: Final = _LeftOut()


@frozen
class Request:
    """Who makes a call from outside, from where, and what the harness does meanwhile."""

    user: Any = None
    from_node: int = -1
    caller: Any = None
    input: bytes = b""
    cwd: Any = None
    timeout_ns: int | None = None
    listen: bool = False


def _vectors(cmd: Any, argv: Any, envp: Any) -> tuple[Any, Vector, Vector]:
    name = pointer(cmd, "cmd")
    if argv is LEFT_OUT:
        argv = [] if name is BAD_ADDRESS else [name.rpartition(b"/")[2]]
    return name, vector(argv, "argv"), vector(envp, "envp")


def _prepared(cluster: Any, request: Request) -> dict[str, Any]:
    """Check what the harness was asked for; ValueError and TypeError name the argument."""
    caller = request.caller
    if caller is not None:
        process = getattr(caller, "process", None)
        if process is None:
            raise TypeError(f"caller: expected what idle_process() gives, got {caller!r}")
        if not process.idle or process.pid not in cluster.bpmaster.pids.table:
            raise ValueError(f"caller: process {process.pid} is not idle: it has ended, or runs a program")
        if request.user is not None:
            raise ValueError("user: the call is made by `caller`, who has a user already")
        machine = process.machine
    else:
        machine = cluster.machine(request.from_node)
    if not isinstance(request.input, bytes):
        raise TypeError(f"input: expected bytes, got {request.input!r}")
    if request.timeout_ns is not None:
        integer(request.timeout_ns, "timeout_ns", 1)
    return {
        "machine": machine,
        "who": credentials_of(request.user),
        "caller": None if caller is None else caller.process,
        "data": request.input,
        "cwd": None if request.cwd is None else _directory(machine, request.cwd),
        "timeout_ns": request.timeout_ns,
    }


def _directory(machine: Any, path: Any) -> tuple[int, bytes]:
    """Find the directory that a call starts in; ValueError if it is none."""
    text = c_string(path, "cwd")
    found = walk(machine.tree, machine.tree.root, text, credentials_of(None)) if text else None
    if found is None or found.inode is None or found.inode.kind is not Kind.DIRECTORY:
        raise ValueError(f"cwd: {path!r} is no directory on {machine.name}")
    return found.inode.number, text


def execmove(
    cluster: Any, request: Request, name: str, node: Any, port: Any, cmd: Any, argv: Any, envp: Any
) -> Outcome:
    """Make bproc_execmove or _bproc_execmove_io."""
    path, arguments, environment = _vectors(cmd, argv, envp)
    prepared = _prepared(cluster, request)
    number = integer(port, "port")
    shown_env = f"{len(environment.strings)} vars"
    ports = () if name == "bproc_execmove" else (number,)
    listens = request.listen and number % 65536 != 0
    if listens and number % 65536 in prepared["machine"].sockets.listeners:
        raise ValueError(f"port: somebody listens on port {number} of {prepared['machine'].name}; write listen=False")
    return make_call(
        cluster.sim, name="bproc_execmove",
        args=(integer(node, "node"), number, path, arguments, environment),
        shown=(node, *ports, path, list(arguments.strings), shown_env),
        table=cluster.bpmaster.execmove_errors, listen=number % 65536 if listens else None, **prepared,
    )  # fmt: skip


def execve(cluster: Any, request: Request, path: Any, argv: Any, envp: Any) -> Outcome:
    """Make execve."""
    where, arguments, environment = _vectors(path, argv, envp)
    prepared = _prepared(cluster, request)
    return make_call(
        cluster.sim, name="execve", args=(where, arguments, environment),
        shown=(where, list(arguments.strings), f"{len(environment.strings)} vars"),
        table=prepared["machine"].execve_errors, **prepared,
    )  # fmt: skip
