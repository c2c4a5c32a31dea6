"""Every ERRORS table by the name of its call."""

from __future__ import annotations

from bprocsim import Edition, ExecProfile
from bprocsim.aix import attach, bind, raexec
from bprocsim.aix.service import Service
from bprocsim.manual import Errors
from bprocsim.posix import execcalls, fileio, life, openfile, signaling, sockets
from bprocsim.posix.profiles import DOCUMENTED
from bprocsim.testing.recipes import exec_tables

_ROOMS = (execcalls, fileio, openfile, sockets, life, signaling, attach, bind, raexec)


def tables(edition: str | Edition = "scyld", kernel: str | ExecProfile = "documented") -> dict[str, Errors]:
    """Give every table by its call: BProc's and exec's for an edition and a kernel, and POSIX's.

    Those of the `fs` methods, with which a world is built, are not among them.
    `edition`, `kernel` names or records. KeyError: no such name.
    """
    found = [*exec_tables(edition, kernel), raexec.ra_exec_errors(DOCUMENTED)]
    for room in _ROOMS:
        found += [thing for thing in vars(room).values() if isinstance(thing, Errors)]
        found += [thing.errors for thing in vars(room).values() if isinstance(thing, Service)]
    return {table.call: table for table in found}
