"""Calls about nodes made from outside: each is decided, done, charged and told; no process is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from bprocsim.bproc.nodes import NODE_MASTER
from bprocsim.bproc.service import Asker
from bprocsim.trace import as_now
from bprocsim.world.directcalls import Request, caller_of, maker
from bprocsim.world.outcome import Outcome
from bprocsim.world.served import decide, tell


class From(TypedDict, total=False):
    """Who makes a call: a fresh process of `user` (root if left out) on `from_node`, or the idle process `caller`."""

    user: Any
    from_node: int
    caller: Any


def serve(cluster: Any, name: str, args: tuple[Any, ...], by: Mapping[str, Any]) -> Outcome:
    """Make a call that is over in one step; `by` holds the keys of From. AttributeError: the edition lacks it."""
    sim = cluster.sim
    sim.ready(name)
    service = cluster.edition.calls().get(name)
    if service is None:
        raise AttributeError(f"cluster.{name}(...): {cluster.edition.lacking(name)}")
    args = service.ready(args)
    request = _request(name, **by)
    if service.travels:
        return maker()(sim, caller_of(cluster, request), name, name, args, service.errors)
    asker = _asker(cluster, request)
    machine = asker.machine
    shown = as_now(args) if sim.trace.all else ()
    result = decide(machine, name, asker, service, args)
    cost_ns = machine.costs.syscall_ns
    sim.pass_time(cost_ns)
    return tell(sim, machine, name, asker.pid, args, shown, result, service.errors, cost_ns)


def _request(
    name: str, user: Any = None, from_node: int = NODE_MASTER, caller: Any = None, **unknown: Any
) -> Request:  # fmt: skip
    """Take the keys of From. TypeError names one that is none."""
    if unknown:
        known = "user, from_node and caller"
        raise TypeError(f"{name}: there is no argument {sorted(unknown)[0]!r}; who calls is said by {known}")
    return Request(user, from_node, caller, b"", None, None)


def _asker(cluster: Any, request: Request) -> Asker:
    found = caller_of(cluster, request)
    process = found.process
    if process is None:
        return Asker(found.machine, found.who, found.machine.new_pid())
    return Asker(found.machine, found.who, process.pid, process.threads[0])
