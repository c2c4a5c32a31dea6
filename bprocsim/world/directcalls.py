"""The calls that a cluster offers from outside: their arguments made ready, then made.

A call by a fresh process that is refused on entry needs no process: it is decided, charged and told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from attrs import define, setters

from bprocsim.bproc.execmove import survey as survey_execmove
from bprocsim.bproc.nodes import NODE_MASTER
from bprocsim.faces.arguments import integer
from bprocsim.faces.pointers import BAD_ADDRESS, EMPTY, Pointer, Vector, c_string, of_string, pointer, vector
from bprocsim.manual import Errors, Fail
from bprocsim.posix.credentials import ROOT, Credentials
from bprocsim.posix.execcalls import survey as survey_execve
from bprocsim.posix.procs import Process
from bprocsim.world.outcome import Outcome
from bprocsim.world.simulation import Simulation
from bprocsim.world.specs import credentials_of

if TYPE_CHECKING:
    from bprocsim.faces.iolists import Io


class _LeftOut:
    """The default of an argument for which None already means NULL."""

    def __repr__(self) -> str:
        return "LEFT_OUT"


LEFT_OUT: Final = _LeftOut()


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Request:
    """What the user of a direct call asked of the harness: who calls, from where, and what else."""

    user: Any
    from_node: int
    caller: Any
    input: bytes
    cwd: Any
    timeout_ns: int | None
    listen: bool = False


_NOWHERE: Mapping[int, tuple[tuple[int, int], ...]] = MappingProxyType({})


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class Caller:
    """Who makes a call from outside: `process` an idle one, or None for a fresh one of `who`.

    `data` its stdin; `cwd`, `cwd_path` its directory; `timeout_ns` bounds the call; `listen` the
    ports on which the harness takes connections, and for which descriptors, in order: each with the bytes
    that come before what is written; `surveyed` the call's survey, if made.
    """

    machine: Any
    who: Credentials
    process: Process | None
    data: bytes
    cwd: int
    cwd_path: bytes
    timeout_ns: int | None = None
    listen: Mapping[int, tuple[tuple[int, int], ...]] = _NOWHERE
    surveyed: Any = None


def execmove(cluster: Any, request: Request, node: Any, port: Any, cmd: Any, argv: Any, envp: Any) -> Outcome:
    """Make bproc_execmove, with port 0, or _bproc_execmove_io."""
    path, arguments, environment = vectors_of(cmd, argv, envp)
    io = io_argument(cluster, port)
    args = (integer(node, "node"), io, path, arguments, environment)
    cluster.sim.ready("bproc_execmove" if io == 0 else "bproc_execmove_io")
    caller = caller_of(cluster, request)
    if caller.process is None:
        caller.surveyed = survey_execmove(
            caller.machine, caller.who, caller.cwd, path, arguments, environment, None, io
        )
        refused = caller.surveyed[0]
        if refused is not None and caller.timeout_ns is None and not caller.machine.rules.by_call:
            return refuse(cluster.sim, caller.machine, "bproc_execmove", "_bproc_execmove_io", args, refused)
    listens(caller, request, io)
    errors: Errors = cluster.bpmaster.execmove_errors
    return maker()(cluster.sim, caller, "bproc_execmove", "_bproc_execmove_io", args, errors)


def execve(cluster: Any, request: Request, path: Any, argv: Any, envp: Any) -> Outcome:
    """Make execve."""
    where, arguments, environment = vectors_of(path, argv, envp, "path")
    args = (where, arguments, environment)
    cluster.sim.ready("execve")
    caller = caller_of(cluster, request)
    errors: Errors = caller.machine.execve_errors
    if caller.process is None:
        caller.surveyed = survey_execve(caller.machine, caller.who, caller.cwd, where, arguments, environment)
        refused = caller.surveyed[0]
        if refused is not None and caller.timeout_ns is None and not caller.machine.rules.by_call:
            return refuse(cluster.sim, caller.machine, "execve", "execve", args, refused)
    return maker()(cluster.sim, caller, "execve", "execve", args, errors)


def io_argument(cluster: Any, port: Any) -> Io:
    """Take a port, or a list where the edition of a cluster has such. TypeError."""
    if port.__class__ is int:
        return int(port)
    from bprocsim.faces.iolists import io_of  # most worlds have no lists

    edition = cluster.edition
    return io_of(port, "port", "" if edition.io_lists else f"edition {edition.name}")


# For which descriptors the harness is connected to on a port: stdout, stderr and stdin, and nothing before them.
_BY_PORT = ((1, 0), (2, 0), (0, 0))
_INFO_BYTES = 8  # a pid and a number


def listens(caller: Caller, request: Request, io: Io) -> None:
    """Let the harness listen where a process will connect to, if it was asked to; ValueError if somebody does."""
    if not request.listen:
        return
    if isinstance(io, int):
        if io % 65536:
            caller.listen = {_free(caller.machine, io): _BY_PORT}
        return
    from bprocsim.faces.iolists import IO_SOCKET

    found: dict[int, list[tuple[int, int]]] = {}
    for entry in sorted(io.from_host(caller.machine.address).entries, key=lambda each: each.delayed):
        if entry.type == IO_SOCKET and entry.addr.host == caller.machine.address and entry.addr.port:
            found.setdefault(entry.addr.port, []).append((entry.fd, _INFO_BYTES if entry.sends_info else 0))
    caller.listen = {_free(caller.machine, port): tuple(each) for port, each in found.items()}


@cache
def maker() -> Callable[..., Outcome]:
    """Fetch what makes a call by a process; one that is refused on entry needs none."""
    from bprocsim.world.direct import make_call

    return make_call


def refuse(sim: Simulation, machine: Any, name: str, traced: str, args: tuple[Any, ...], failure: Fail) -> Outcome:
    """Tell of a call by a fresh process that was refused on entry: its cost passes, nothing else."""
    pid = machine.new_pid()
    cost_ns = machine.costs.syscall_ns
    sim.pass_time(cost_ns)
    row = failure.row
    if row not in machine.rules.documented.get(traced, ()):
        sim.vouch(machine, traced, pid, failure)
    sim.trace.add(sim.engine.now_ns, machine.name, pid, "fail", traced, args, row.errno_name, row.cause, -1)
    if machine.rules.hearers:
        machine.rules.tell(traced, failure)
    return Outcome(
        name, -1, row, failure.errors, False, None, None, b"", b"", pid, machine.number, cost_ns, None, True,
        failure.subject, machine.unix.name,
    )  # fmt: skip


def vectors_of(cmd: Any, argv: Any, envp: Any, argument: str = "cmd") -> tuple[Pointer, Vector, Vector]:
    """Take cmd, argv and envp as C has them; argv left out is the last name of cmd."""
    name = pointer(cmd, argument)
    if argv is LEFT_OUT:
        arguments = EMPTY if name is BAD_ADDRESS else of_string(name[name.rfind(b"/") + 1 :])
    else:
        arguments = vector(argv, "argv")
    return name, arguments, vector(envp, "envp")


def caller_of(cluster: Any, request: Request, argument: str = "from_node") -> Caller:
    """Check what the harness was asked for; ValueError and TypeError name the argument.

    `argument` is what the node is called where the user wrote it.
    """
    if request.input.__class__ is not bytes:
        raise TypeError(f"input: expected bytes, got {request.input!r}")
    if request.timeout_ns is not None:
        integer(request.timeout_ns, "timeout_ns", 1)
    if request.caller is not None:
        return _idle(cluster, request)
    number = request.from_node
    machine = cluster.home if number == NODE_MASTER else cluster.machine_of(number, argument)
    who = ROOT if request.user is None else credentials_of(request.user)
    caller = Caller(machine, who, None, request.input, machine.tree.root, b"/", request.timeout_ns)
    if request.cwd is not None:
        caller.cwd, caller.cwd_path = _directory(machine, who, request.cwd)
    return caller


def _idle(cluster: Any, request: Request) -> Caller:
    from bprocsim.world.handles import ProcessHandle

    if not isinstance(request.caller, ProcessHandle):
        raise TypeError(f"caller: expected what idle_process() gives, got {request.caller!r}")
    process = request.caller.process
    if cluster.pids.table.get(process.pid) is not process and process.ended is None:
        raise ValueError(f"caller: process {process.pid} belongs to another system")
    if not process.idle or process.ended is not None:
        raise ValueError(f"caller: process {process.pid} is not idle: it has ended, or runs a program")
    machine = process.machine
    if cluster.is_down(machine):
        raise ValueError(f"caller: process {process.pid} is on {machine.name}, which is down")
    if request.user is not None:
        raise ValueError("user: the call is made by `caller`, who has a user already")
    if request.from_node not in (NODE_MASTER, machine.number):
        raise ValueError(f"from_node: the call is made by `caller`, who is on {machine.name}")
    caller = Caller(
        machine, process.credentials, process, request.input, process.cwd, process.cwd_path, request.timeout_ns
    )
    if request.cwd is not None:
        caller.cwd, caller.cwd_path = _directory(machine, caller.who, request.cwd)
    return caller


def _directory(machine: Any, who: Credentials, path: Any) -> tuple[int, bytes]:
    """Find the directory that a call starts in; ValueError if it is none."""
    from bprocsim.posix.directory import enter

    text = c_string(path, "cwd")
    if not text.startswith(b"/"):
        raise ValueError(f"cwd: expected an absolute path, got {path!r}")
    found = enter(machine, who, text)
    if isinstance(found, Fail):
        raise ValueError(f"cwd: {path!r} on {machine.name}: {found.row.sentence}")
    return found


def _free(machine: Any, port: int) -> int:
    """Take the port that the harness is to listen on; ValueError if somebody has it."""
    number = port % 65536
    if number in machine.sockets.listeners:
        raise ValueError(f"port: somebody listens on port {number} of {machine.name}; write listen=False")
    return number
