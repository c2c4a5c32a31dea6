"""The scenario that `bprocsim init` writes: a text whose comments are the documentation of its keys."""

from __future__ import annotations

import re
from typing import Any

import attrs

from bprocsim.scenario.calltables import CALLS
from bprocsim.scenario.faulttables import FAULTS
from bprocsim.scenario.tables import Scenario

COMMENT_COLUMN, COLUMNS = 36, 79

TEXT = """\
# A first scenario: two programs, a user, a fault, and five calls.
#
#   bprocsim run FILE                         what it comes to
#   bprocsim run FILE --set call.0.node=3     the same, but for one value
#   bprocsim check FILE                       is anything wrong with it?
#   bprocsim check --schema                   every key, for an editor

schema = 1
seed = 7

[cluster]
nodes = 4
edition = "scyld"
kernel = "documented"

[[user]]
name = "alice"
uid = 500
gid = 500

# What the master has. The nodes need none of it: an image travels.

[[file]]
path = "/usr/bin/hello"
program = "hello"

[[file]]
path = "/home/alice/talk"
program = "talk"
owner = "alice"
mode = 0o700

[[file]]
path = "/etc/motd"
text = "Welcome.\\n"

# Node 3 never had power.

[[fault]]
kind = "PowerOff"
node = 3

# The calls, one after the other, each with what it is to come to.

[[call]]
call = "bproc_execmove"
node = 2
cmd = "/usr/bin/hello"
argv = ["hello"]
expect = { exit_status = 0, text = "hello from node 2\\n" }

[[call]]
call = "bproc_execmove_io"
node = 0
port = 4000
cmd = "/home/alice/talk"
user = "alice"
input = "go on"
expect = { stdout_contains = "go on", stderr = "warning: it is hot\\n" }

[[call]]
call = "bproc_execmove"
node = 1
cmd = "/etc/motd"
expect = { errno = "EACCES", cause = "not_executable" }

# That node 3 is down is found after the exec: the exit status says it.

[[call]]
call = "bproc_execmove"
node = 3
cmd = "/usr/bin/hello"
expect = { late_errno = "EINVAL", exit_status = 22, cause = "node_down" }

[[call]]
call = "run"
args = ["hello"]
expect = { text = "hello from node -1\\n" }
"""

LPAR_TEXT = """\
# A first scenario of an AIX partition: who may run where, and what is left.
#
#   bprocsim run FILE                               what it comes to
#   bprocsim run FILE --set 'call.1.rsid="2-7"'     the same, but for one value
#   bprocsim check FILE                             is anything wrong with it?
#   bprocsim check --schema                         every key, for an editor

schema = 1
seed = 7

# Four cores of two hardware threads each: {0,1} {2,3} {4,5} {6,7}.

[lpar]
cores = 4
smt = 2
cpu = "POWER5"
level = "7.1"

[[user]]
name = "bob"
uid = 501
gid = 501
capabilities = ["CAP_NUMA_ATTACH"]

[[file]]
path = "/usr/bin/app"
program = "hello"

# What lies in the namespace sysxrset is of exclusive use.

[[call]]
call = "mkrset"
name = "sysxrset/app"
processors = "2-7"
expect = { value = 0 }

# One thread of each whole core: of core 3 only 7 is given.

[[call]]
call = "ra_execv"
rstype = "R_RSET"
rsid = "2-5,7"
flags = "R_ATTACH_STRSET"
path = "/usr/bin/app"
user = "bob"
expect = { rset = "2,4", exit_status = 0 }

[[call]]
call = "ra_execv"
rstype = "R_RSET"
rsid = "0-3"
flags = "R_ATTACH_STRSET"
path = "/usr/bin/app"
expect = { errno = "EINVAL", cause = "not_exclusive" }

# A process that lives on, attached while it waits; then it asks where it is.

[[call]]
call = "idle_process"
name = "p"
user = "bob"

[[call]]
call = "ra_attachrset"
rstype = "R_PROCESS"
rsid = "p"
rset = "0-1"
expect = { value = 0 }

[[call]]
call = "ra_getrset"
rstype = "R_PROCESS"
rsid = "RS_MYSELF"
flags = 0
caller = "p"
expect = { filled = "0-1" }
"""

_HEADER = re.compile(r"\[+(\w+)\]+$")
_PAIR = re.compile(r"(\w+) = (.+)$")


def first_scenario(text: str = TEXT) -> str:
    """Give a text, of a cluster if no other is given, each key commented where it stands first."""
    lines, seen = [], set()
    record: type = Scenario
    table: type = Scenario
    for bare in text.splitlines():
        line = bare
        header, pair = _HEADER.match(line), _PAIR.match(line)
        if header:
            table = record = _record_of(header[1])
        elif pair:
            if pair[1] in ("call", "kind") and table is not Scenario:
                record = {**CALLS, **FAULTS}[pair[2].strip('"')]
            field: Any = attrs.fields_dict(record)[pair[1]]
            if (table, pair[1]) not in seen:
                seen.add((table, pair[1]))
                line = _commented(line, field.metadata["doc"])
        lines.append(line)
    return "\n".join(lines) + "\n"


def _record_of(name: str) -> type:
    kind = attrs.fields_dict(Scenario)[name].metadata["kind"]
    kind = kind.kinds[dict] if hasattr(kind, "kinds") else kind
    found: type = getattr(kind, "record", None) or kind.base
    return found


def _commented(line: str, doc: str) -> str:
    """Put a comment beside a line, or above one that leaves no room."""
    beside = f"{line.ljust(COMMENT_COLUMN)}# {doc}"
    return beside if len(line) < COMMENT_COLUMN and len(beside) <= COLUMNS else f"# {doc}\n{line}"
