"""[[call]]: what is called, with what. Those of AIX are in `aixcalls`, the others of BProc in `bproccalls`."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import Any

from attrs import frozen

from bprocsim.scenario.aixcalls import AIX_TABLES, RsetTable
from bprocsim.scenario.bproccalls import BPROC_TABLES
from bprocsim.scenario.callbase import ENVIRONMENT, CallTable, Expecting, SleepTable
from bprocsim.scenario.commonkinds import NAME, NODE, PATH, POINTER_OR_TEXT, SYSTEM, TEXT, TRUTH, VECTOR
from bprocsim.scenario.iokinds import PORT_OR_LIST
from bprocsim.scenario.kinds import Integer, Listed, Number, Tagged, Variables, key, tagged


@frozen(kw_only=True)
class _Fed(Expecting):
    input: Any = key(TEXT, "what stdin gives", "")
    cwd: str | None = key(PATH, "directory that it starts in; left out: /", None)


@frozen(kw_only=True)
class RunTable(_Fed):
    """Run a command line on the master, or on the partition, as cluster.run does."""

    args: tuple[Any, ...] = key(Listed(TEXT, "words"), "the command line")
    env: Any = key(Variables(TEXT), "its environment; left out: a PATH", None)
    shell: bool = key(TRUTH, "the first word is a line for /bin/sh -c", False)
    timeout: float | None = key(Number(0), "simulated seconds that it may take", None)
    system: str | None = key(SYSTEM, "where, if there are two", None)


@frozen(kw_only=True)
class _Direct(_Fed):
    argv: Any = key(VECTOR, "left out: the last name of the file", None)
    envp: Any = key(ENVIRONMENT, "environment; left out: empty", None)
    from_node: int | None = key(NODE, "where the caller is; left out: on the master", None)
    caller: str | None = key(NAME, "the idle_process that makes the call; left out: a fresh one", None)
    timeout_ns: int | None = key(Integer(1, what="nanoseconds"), "how long the call may take", None)


@frozen(kw_only=True)
class ExecveTable(_Direct):
    """Become another image on the calling node."""

    path: Any = key(POINTER_OR_TEXT, "the file")
    system: str | None = key(SYSTEM, "where, if there are two", None)


@frozen(kw_only=True)
class ExecmoveTable(_Direct):
    """Load an image on the calling node, move it to a node, and run it there."""

    node: int = key(Integer(what="a node number"), "the node to move to; any number")
    cmd: Any = key(POINTER_OR_TEXT, "the file")


@frozen(kw_only=True)
class ExecmoveIoTable(ExecmoveTable):
    """Do what bproc_execmove does, with I/O forwarding."""

    port: Any = key(PORT_OR_LIST, "for stdout, stderr and stdin; 0: none")
    listen: bool = key(TRUTH, "somebody listens on the port", True)


@frozen(kw_only=True)
class IdleTable(Expecting):
    """Start a process that waits for ever, by a name by which later calls name it."""

    name: str = key(NAME, "by which later calls name the process")
    node: int | None = key(NODE, "where it waits; left out: on the master, or on the partition", None)
    open_limit: int | None = key(Integer(3), "how many descriptors it may have", None)
    system: str | None = key(SYSTEM, "where, if there are two", None)


_OWN: dict[str, type] = {
    "bproc_execmove": ExecmoveTable,
    "bproc_execmove_io": ExecmoveIoTable,
    "_bproc_execmove_io": ExecmoveIoTable,
    "execve": ExecveTable,
    "run": RunTable,
    "sleep": SleepTable,
    "idle_process": IdleTable,
    "rset": RsetTable,
}
CALLS: Mapping[str, type] = ChainMap(AIX_TABLES, BPROC_TABLES, _OWN)  # type: ignore[arg-type]  # nobody puts any in

CALL_TABLES: Tagged = tagged("call", CallTable, CALLS, "a list of tables, each with its call")
