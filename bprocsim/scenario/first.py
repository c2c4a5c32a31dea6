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

_HEADER = re.compile(r"\[+(\w+)\]+$")
_PAIR = re.compile(r"(\w+) = (.+)$")


def first_scenario() -> str:
    """Give the text, each key commented where it stands first."""
    lines, seen = [], set()
    record: type = Scenario
    table: type = Scenario
    for bare in TEXT.splitlines():
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
    found: type = getattr(kind, "record", None) or kind.base
    return found


def _commented(line: str, doc: str) -> str:
    """Put a comment beside a line, or above one that leaves no room."""
    beside = f"{line.ljust(COMMENT_COLUMN)}# {doc}"
    return beside if len(line) < COMMENT_COLUMN and len(beside) <= COLUMNS else f"# {doc}\n{line}"
