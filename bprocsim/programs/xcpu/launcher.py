"""xrx: the launchers. One carries the image to each node itself, one lets the nodes hand it on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import Any

from bprocsim.faces.errors import CallError
from bprocsim.faces.pyos import Proc
from bprocsim.programs.xcpu.messages import Refused
from bprocsim.programs.xcpu.sessions import Figures, Session, begin, fill, name_arguments, spread, start, status

Steps = Generator[Any, Any, Any]


def xrx_flat(figures: Figures) -> Callable[[Proc], Steps]:
    """Make the flat launcher: `xrx HOST,HOST,... IMAGE [ARGUMENT ...]`."""

    def xrx(proc: Proc) -> Steps:
        match proc.argv[1:]:
            case [hosts, *argv] if argv:
                return (yield from _told(proc, _flat(proc, figures, hosts.split(","), argv)))
        return (yield from _usage(proc, ""))

    return xrx


def xrx_tree(figures: Figures) -> Callable[[Proc], Steps]:
    """Make the tree launcher: `xrx -n FANOUT HOST,HOST,... IMAGE [ARGUMENT ...]`."""

    def xrx(proc: Proc) -> Steps:
        match proc.argv[1:]:
            case ["-n", fanout, hosts, *argv] if argv and fanout.isdecimal() and int(fanout):
                return (yield from _told(proc, _tree(proc, figures, int(fanout), hosts.split(","), argv)))
        return (yield from _usage(proc, "-n FANOUT "))

    return xrx


def _usage(proc: Proc, options: str) -> Steps:
    """Say on descriptor 2 how a launcher is called; gives its status."""
    yield from proc.print(f"usage: xrx {options}HOST,HOST,... IMAGE [ARGUMENT ...]", fd=2)
    return 2


def _flat(proc: Proc, figures: Figures, hosts: Sequence[str], argv: Sequence[str]) -> Steps:
    """Serve one node after the other, then wait for all; gives the greatest exit status."""
    yield from proc.compute(figures.startup_ns)
    sessions = []
    for host in hosts:
        session = yield from _begin(proc, figures, host)
        yield from fill(proc, session, argv[0])
        yield from _start(proc, session, argv)
        sessions.append(session)
    return (yield from _all_ended(proc, sessions))


def _tree(proc: Proc, figures: Figures, fanout: int, hosts: Sequence[str], argv: Sequence[str]) -> Steps:
    """Begin all sessions, let the image spread from node to node, then start all; as _flat."""
    yield from proc.compute(figures.startup_ns)
    sessions = []
    for host in hosts:
        sessions.append((yield from _begin(proc, figures, host)))
    yield from spread(proc, sessions, fanout, argv[0], _at_hand)
    for session in sessions:
        yield from _start(proc, session, argv)
    return (yield from _all_ended(proc, sessions))


def _begin(proc: Proc, figures: Figures, host: str) -> Steps:
    """Begin a session, and do the launcher's own work for it; gives it."""
    session = yield from begin(proc, host)
    yield from proc.compute(figures.session_ns)
    return session


def _at_hand(_proc: Proc, session: Session) -> Steps:
    """Give a session that is reached already."""
    yield from ()
    return session


def _start(proc: Proc, session: Session, argv: Sequence[str]) -> Steps:
    """Tell a session its arguments, then let it begin."""
    yield from name_arguments(proc, session, argv)
    yield from start(proc, session)


def _all_ended(proc: Proc, sessions: Sequence[Session]) -> Steps:
    """Wait for the end of all; gives the greatest exit status."""
    worst = 0
    for session in sessions:
        worst = max(worst, (yield from status(proc, session)))
        yield from proc.close(session.fd)
    return worst


def _told(proc: Proc, launch: Steps) -> Steps:
    """Say on descriptor 2 what stopped a launch; its status is then 1."""
    try:
        return (yield from launch)
    except (CallError, Refused) as error:
        yield from proc.print(f"xrx: {error}", fd=2)
        return 1
