"""Every ERRORS table by the name of its call."""

from __future__ import annotations

from bprocsim import Edition, ExecProfile, Level
from bprocsim.manual import Errors
from bprocsim.posix import execcalls, fileio, life, openfile, pathcalls, signaling, sockets
from bprocsim.testing.rows.recipes import exec_tables, lpar_tables, move_tables, node_tables

_ROOMS = (execcalls, fileio, openfile, pathcalls, sockets, life, signaling)


def tables(
    edition: str | Edition = "scyld", kernel: str | ExecProfile = "documented", level: str | Level = "7.1"
) -> dict[str, Errors]:
    """Give every table by its call: BProc's and exec's for an edition and a kernel, POSIX's, and AIX's for a level.

    Those of the `fs` methods, with which a world is built, are not among them.
    `edition`, `kernel`, `level` names or records. KeyError: no such name.
    """
    found = [*exec_tables(edition, kernel), *move_tables(edition, kernel)]
    for room in _ROOMS:
        found += [thing for thing in vars(room).values() if isinstance(thing, Errors)]
    found += node_tables(edition)
    found += lpar_tables(level)
    return {table.call: table for table in found}
