"""Calls of AIX made from outside: their arguments made ready, then made.

A call that is over in one step needs no process: it is decided, done, charged and told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypedDict

from bprocsim.aix.raexec import RA_FORK_ERRORS, ra_exec_errors
from bprocsim.aix.raexec import survey as survey_ra_exec
from bprocsim.aix.reconfigure import Reconfiguration
from bprocsim.aix.service import Asker, Service
from bprocsim.bproc.nodes import NODE_MASTER
from bprocsim.engine.tasks import EngineTask
from bprocsim.faces.arguments import function, integer
from bprocsim.faces.pointers import of_strings
from bprocsim.kernel.calls import runner
from bprocsim.port import Steps
from bprocsim.posix.credentials import ROOT
from bprocsim.trace import as_now, lasting
from bprocsim.world.direct import make_call, wait_until
from bprocsim.world.directcalls import LEFT_OUT, Request, caller_of, refuse, vectors_of
from bprocsim.world.outcome import Outcome
from bprocsim.world.served import decide, tell
from bprocsim.world.specs import credentials_of


class By(TypedDict, total=False):
    """Who makes a call: a fresh process of `user` (root if left out), or the idle process `caller`."""

    user: Any
    caller: Any


class Runs(By, total=False):
    """Who makes a call that runs a program: also its directory, its stdin, and how long it may take."""

    cwd: Any
    input: bytes
    timeout_ns: int | None


def serve(system: Any, name: str, args: tuple[Any, ...], by: Mapping[str, Any]) -> Outcome:
    """Make a call that is over in one step; `by` holds the keys of By."""
    sim, machine = system.sim, system.home
    asker = _ready(system, name, by)
    service: Service = runner(name)  # type: ignore[assignment]
    shown = as_now(args) if sim.trace.all else ()
    result = decide(machine, name, asker, service, args)
    cost_ns = machine.costs.syscall_ns
    sim.pass_time(cost_ns)
    return tell(sim, machine, name, asker.pid, args, shown, result, service.errors, cost_ns)


def reconfigure(system: Any, name: str, args: tuple[Any, ...], by: Mapping[str, Any]) -> Outcome:
    """Make a change of the processors, and wait until it is done or refused; `by` holds the keys of By."""
    sim = system.sim
    asker, began_ns = _ready(system, name, by), sim.now_ns
    change: Reconfiguration = runner(name)  # type: ignore[assignment]
    machine = system.home
    refused = machine.rules.refuse(machine, asker.pid, name)
    if refused is not None:
        sim.pass_time(machine.costs.syscall_ns)
        return tell(sim, machine, name, asker.pid, args, args, refused, change.errors, machine.costs.syscall_ns)
    results: list[Any] = []

    def lead() -> Steps:
        results.append((yield from change.steps(asker, args)))
        sim.engine.ask()

    wait_until(sim, lambda: bool(results), name, began_ns, None, EngineTask(sim.engine, lead()))
    took_ns = sim.now_ns - began_ns
    return tell(sim, machine, name, asker.pid, args, args, results[0], change.errors, took_ns)


def _ready(system: Any, name: str, by: Mapping[str, Any]) -> Asker:
    """Be ready for a call, and tell who makes it. AttributeError: this level has no such call."""
    system.sim.ready(name)
    partition = system.home.partition
    if name in partition.level.lacks:
        raise AttributeError(f"lpar.{name}(...): AIX {partition.level.name} has no {name}")
    return _asker(system, name, **by) if by else Asker(partition, ROOT, system.home.new_pid())


def _asker(system: Any, name: str, user: Any = None, caller: Any = None, **unknown: Any) -> Asker:
    if unknown:
        raise TypeError(f"{name}: there is no argument {sorted(unknown)[0]!r}; who calls is said by user= or caller=")
    machine = system.home
    if caller is None:
        return Asker(machine.partition, credentials_of(user), machine.new_pid())
    found = caller_of(system, Request(user, NODE_MASTER, caller, b"", None, None))
    process = found.process
    assert process is not None, "the caller is an idle process"
    return Asker(machine.partition, process.credentials, process.pid, process.threads[0])


# A call by a fresh process of root, with nothing else asked for: most of them.
BY_ROOT = Request(None, NODE_MASTER, None, b"", None, None)


def ra_exec(
    system: Any, name: str, traced_as: str, resource: tuple[Any, Any, Any], path: Any, argv: Any, envp: Any,
    by: Mapping[str, Any],
) -> Outcome:  # fmt: skip
    """Make ra_exec in one of its forms: `name` what the user called, `traced_as` the kernel's name of it.

    `resource` (rstype, rsid, flags); `envp` left out is the caller's own.
    """
    where, arguments, environment = vectors_of(path, argv, () if envp is LEFT_OUT else envp, "path")
    which = (integer(resource[0], "rstype"), resource[1], integer(resource[2], "flags"))
    system.sim.ready(name)
    caller = caller_of(system, request_of(name, **by) if by else BY_ROOT)
    machine = caller.machine
    if envp is LEFT_OUT and caller.process is not None:
        environment = of_strings(caller.process.env)
    args = (*which, where, arguments, environment)
    if caller.process is None and traced_as == "ra_execve":
        asker = Asker(machine.partition, caller.who, 0)
        caller.surveyed = survey_ra_exec(asker, caller.cwd, which, where, arguments, environment)
        refused = caller.surveyed.refused
        if refused is not None and caller.timeout_ns is None and not machine.rules.by_call:
            kept = (which[0], lasting(which[1]), *args[2:])  # the handle alone changes later
            return refuse(system.sim, machine, name, traced_as, kept, refused)
    return make_call(system.sim, caller, name, traced_as, args, ra_exec_errors(machine.profile))


def ra_fork(
    system: Any, resource: tuple[Any, Any, Any], child: Callable[..., Any], args: tuple[Any, ...],
    by: Mapping[str, Any],
) -> Outcome:  # fmt: skip
    """Make ra_fork, and wait for the child's end too; the value is its pid."""
    which = (integer(resource[0], "rstype"), resource[1], integer(resource[2], "flags"))
    system.sim.ready("ra_fork")
    caller = caller_of(system, request_of("ra_fork", **by))
    made = (*which, function(child, "ra_fork"), args)
    return make_call(system.sim, caller, "ra_fork", "ra_fork", made, RA_FORK_ERRORS, with_children=True)


def request_of(
    name: str, user: Any = None, caller: Any = None, cwd: Any = None, input: bytes = b"", timeout_ns: Any = None,
    **unknown: Any,
) -> Request:  # fmt: skip
    """Take the keys of Runs. TypeError names one that is none."""
    if unknown:
        known = "user, caller, cwd, input and timeout_ns"
        raise TypeError(f"{name}: there is no argument {sorted(unknown)[0]!r}; who calls, and how, is said by {known}")
    return Request(user, NODE_MASTER, caller, input, cwd, timeout_ns)
