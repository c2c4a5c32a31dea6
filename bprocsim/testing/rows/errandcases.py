"""Calls that a slave's daemon carries out, as data: the directory that they name, and what becomes of the request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import bprocsim as bp
from bprocsim.units import us

_JAIL = "/jail"

# Directories of the slave by what is the matter with them; "bad" and "null" are addresses.
PATHS: Mapping[str, Any] = MappingProxyType(
    {
        "there": _JAIL,
        "bad": bp.BAD_ADDRESS,
        "null": None,
        "4095": "/" * (4095 - len("jail")) + "jail",
        "4096": "/" * (4096 - len("jail")) + "jail",
        "empty": "",
        "long name": "/" + "n" * 256,
        "absent": "/absent",
        "beneath": f"{_JAIL}/file/below",
        "links": f"{_JAIL}/circle",
        "spoilt": f"{_JAIL}/spoilt/in",
        "file": f"{_JAIL}/file",
    }
)

_BYTES = 16  # of a sockaddr_in

# Where a slave connects to, and from where, by what is the matter with it: two addresses with their sizes.
ENDS: Mapping[str, tuple[Any, int, Any, int]] = MappingProxyType(
    {
        "well": (bp.Address("10.54.0.1", 2223), _BYTES, bp.Address("", 0), _BYTES),
        "bad": (bp.BAD_ADDRESS, _BYTES, bp.Address("", 0), _BYTES),
        "null": (bp.Address("10.54.0.1", 0), _BYTES, None, _BYTES),
        "name": (bp.BprocAddress("master", 2223), _BYTES, bp.Address("", 0), _BYTES),
        "short": (bp.Address("10.54.0.1", 0), _BYTES - 1, bp.Address("", 0), _BYTES),
        "from elsewhere": (bp.Address("10.54.0.1", 0), _BYTES, bp.Address("10.54.1.0", 0), _BYTES),
        "nowhere": (bp.Address("10.99.0.1", 0), _BYTES, bp.Address("", 0), _BYTES),
        "another port": (bp.Address("10.54.0.1", 22), _BYTES, bp.Address("", 0), _BYTES),
        "itself": (bp.Address("", 0), _BYTES, bp.Address("", 0), _BYTES),
    }
)

# What the request meets: a node that hangs until that is found out, a daemon that ends while it is on
# its way, a node that hangs and a signal.
FATES = ("answered", "lost", "orphaned", "interrupted")


def prepare(cluster: bp.Cluster, node: int) -> None:
    """Make the directories on the node."""
    files = cluster.nodes[node].fs
    files.mkdir(f"{_JAIL}/spoilt", parents=True)
    files.write_file(f"{_JAIL}/file", b"")
    files.symlink(f"{_JAIL}/circle", f"{_JAIL}/circle")


def faults_of(cluster: bp.Cluster, node: int, path: str, fate: str) -> Iterator[Any]:
    """Give what is to go wrong."""
    if path == "spoilt":
        yield bp.IoError(node, f"{_JAIL}/spoilt")
    if fate in ("lost", "interrupted"):
        yield bp.Hang(node, at_ns=cluster.sim.now_ns)
    if fate == "orphaned":
        yield bp.MasterDaemonExit(at_ns=cluster.sim.now_ns + 20 * us)


def by_session(cluster: bp.Cluster, name: str, args: tuple[Any, ...], user: Any, node: int) -> bp.Outcome:
    """Let a session make the call, to which a signal comes after a second; the Outcome is that of the call alone."""
    table, value, cause = cluster.edition.calls()[name].errors, 0, ""
    session = cluster.session(user=user, node=node)
    session.sigaction(bp.SIGALRM, lambda _session, _signum: None)
    session.alarm(1)
    try:
        value = getattr(session, name)(*args)
    except bp.CallError as error:
        value, cause = error.failed or -1, error.cause
    return bp.Outcome(name, value, table.row(cause) if cause else None, table, pid=session.pid, returned=True)
