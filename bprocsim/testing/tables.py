"""Every ERRORS table by the name of its call."""

from __future__ import annotations

from bprocsim import Edition, ExecProfile
from bprocsim.aix.execrules import exec_profile
from bprocsim.aix.levels import LEVELS
from bprocsim.aix.raexec import RA_FORK_ERRORS, ra_exec_errors
from bprocsim.aix.reconfigure import Reconfiguration
from bprocsim.aix.service import Service
from bprocsim.kernel.calls import CALLS, runner
from bprocsim.manual import Errors
from bprocsim.posix import execcalls, fileio, life, openfile, signaling, sockets
from bprocsim.testing.recipes import exec_tables

_ROOMS = (execcalls, fileio, openfile, sockets, life, signaling)


def tables(edition: str | Edition = "scyld", kernel: str | ExecProfile = "documented") -> dict[str, Errors]:
    """Give every table by its call: BProc's and exec's for an edition and a kernel, POSIX's, and AIX's.

    Those of the `fs` methods, with which a world is built, are not among them.
    `edition`, `kernel` names or records. KeyError: no such name.
    """
    found = [*exec_tables(edition, kernel)]
    for room in _ROOMS:
        found += [thing for thing in vars(room).values() if isinstance(thing, Errors)]
    found += [ra_exec_errors(exec_profile(LEVELS["7.1"])), RA_FORK_ERRORS]
    services = [service for service in map(runner, CALLS) if isinstance(service, Service | Reconfiguration)]
    found += [service.errors for service in services if service.errors.rows]
    return {table.call: table for table in found}
