"""bproc_nodereconnect: a slave's daemon connects to the master anew, and then lets the old connection go.

Nothing is lost on the way, so that a node can be moved to another of the master's interfaces while it
works. Source: bproc-4.0.0pre8-master.
"""

from __future__ import annotations

from typing import Any

from attrs import define, setters

from bprocsim.bproc.errands import ErrandFacts
from bprocsim.bproc.service import Asker
from bprocsim.faces.arguments import is_quad
from bprocsim.faces.pointers import BAD_ADDRESS
from bprocsim.posix.dial import ANY
from bprocsim.posix.sockets import is_local

PORT = 2223  # where the master's daemon listens; a port of 0 stands for it. Source: bproc-4.0.0pre8-master
ADDRESS_BYTES = 16  # of a sockaddr_in


@define(on_setattr=setters.NO_OP, eq=False, repr=False)
class ReconnectFacts(ErrandFacts):
    """What a reconnection asks: `rem` where to connect to, `loc` from which address, with the bytes that they have."""

    rem: Any = None
    rem_bytes: int = 0
    loc: Any = None
    loc_bytes: int = 0

    @property
    def slave(self) -> Any:
        """Give the slave."""
        assert self.node is not None, "decided"
        return self.node.machine


def survey_reconnect(
    asker: Asker, number: int, rem: Any, rem_bytes: int, loc: Any, loc_bytes: int
) -> ReconnectFacts:  # fmt: skip
    """Gather what a reconnection asks."""
    node = asker.master.node(number)
    return ReconnectFacts(asker, number, node, rem=rem, rem_bytes=rem_bytes, loc=loc, loc_bytes=loc_bytes)


def address_unreadable(f: ReconnectFacts) -> bool:
    return any(each is None or each is BAD_ADDRESS for each in (f.rem, f.loc))


def address_not_inet(f: ReconnectFacts) -> bool:
    given = ((f.rem, f.rem_bytes), (f.loc, f.loc_bytes))
    return any(not _is_inet(each) or size < ADDRESS_BYTES for each, size in given)


def _is_inet(address: Any) -> bool:
    host = getattr(address, "host", None)
    return isinstance(host, str) and (host == "" or is_quad(host))


def address_not_its_own(f: ReconnectFacts) -> bool:
    return f.loc.host not in ("", ANY) and not is_local(f.slave, f.loc.host)


def master_unreachable(f: ReconnectFacts) -> bool:
    return _master_at(f) is None


def master_not_there(f: ReconnectFacts) -> bool:
    """Nobody else listens on that port, or knows this slave."""
    return _master_at(f) is not f.asker.master.machine or f.rem.port not in (0, PORT)


def _master_at(f: ReconnectFacts) -> Any:
    host = f.rem.host
    return f.slave if host in ("", ANY) or is_local(f.slave, host) else f.slave.network.machine(host)


def connecting_ns(f: ReconnectFacts) -> int:
    """Tell how long connecting takes, and greeting each other."""
    master = f.asker.master.machine
    costs, link = f.slave.costs, f.slave.network.link(f.slave, master)
    return int(costs.tcp_connect_ns + 4 * link.latency_ns)


def reconnect(f: ReconnectFacts) -> None:
    """Let the new connection be the one that counts."""
    f.slave.record(0, "node", "reconnected")
