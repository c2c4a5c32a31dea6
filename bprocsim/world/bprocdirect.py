"""Calls about nodes made from outside: each is decided, done, charged and told; no process is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from bprocsim.bproc.nodes import NODE_MASTER
from bprocsim.bproc.service import Asker
from bprocsim.trace import as_now
from bprocsim.world.directcalls import Caller, Request, caller_of, maker
from bprocsim.world.outcome import Outcome
from bprocsim.world.served import decide, tell
from bprocsim.world.specs import credentials_of


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
    if service.travels:
        return maker()(sim, _caller(cluster, name, **by), name, name, args, service.errors)
    asker = _asker(cluster, name, **by)
    machine = asker.machine
    shown = as_now(args) if sim.trace.all else ()
    result = decide(machine, name, asker, service, args)
    cost_ns = machine.costs.syscall_ns
    sim.pass_time(cost_ns)
    return tell(sim, machine, name, asker.pid, args, shown, result, service.errors, cost_ns)


def _caller(
    cluster: Any, name: str, user: Any = None, from_node: int = NODE_MASTER, caller: Any = None, **unknown: Any
) -> Caller:
    """Give who makes a call, of the keys of From. TypeError names one that is none."""
    if unknown:
        known = "user, from_node and caller"
        raise TypeError(f"{name}: there is no argument {sorted(unknown)[0]!r}; who calls is said by {known}")
    return caller_of(cluster, Request(user, from_node, caller, b"", None, None))


def _asker(
    cluster: Any, name: str, user: Any = None, from_node: int = NODE_MASTER, caller: Any = None, **unknown: Any
) -> Asker:
    """Give who makes a call that is over in one step: for a fresh process a pid will do."""
    if caller is None and not unknown:
        machine = cluster.machine_of(from_node, "from_node")
        return Asker(machine, credentials_of(user), machine.new_pid())
    process = _caller(cluster, name, user, from_node, caller, **unknown).process
    assert process is not None, "it is the idle caller's"
    return Asker(process.machine, process.credentials, process.pid, process.threads[0])
