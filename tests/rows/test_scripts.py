"""What a `#!` line says, seen by the interpreter that it names. Source: linux-2.4.20-exec."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import bprocsim as bp


def shows(proc: bp.Proc) -> Iterator[Any]:
    """Write its arguments."""
    yield from proc.print(repr(proc.argv))


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        (b"#!/bin/shows\n", []),
        (b"#! \t /bin/shows \t\n", []),
        (b"#!/bin/shows -x\n", ["-x"]),
        (b"#!/bin/shows \t -x  -y\tz \n", ["-x  -y\tz"]),
        (b"#!/bin/shows", []),
        (b"#!/bin/shows\0 -x\n", []),
        (b"#!/bin/shows -x\0y\n", ["-x"]),
        (b"#!/bin/shows " + b"a" * 200 + b"\n", ["a" * (127 - len("#!/bin/shows "))]),
    ],
)
def test_the_line_gives_an_interpreter_and_at_most_one_argument(line: bytes, arguments: list[str]) -> None:
    cluster = bp.Cluster(1)
    cluster.install("/bin/shows", shows)
    cluster.master.fs.write_file("/bin/script", line, mode=0o755)
    out = cluster.bproc_execmove(0, "/bin/script", ["ignored", "one", "two"])
    assert out.text.strip() == repr(["/bin/shows", *arguments, "/bin/script", "one", "two"])


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (b"#!", "header_malformed"),
        (b"#!\n/bin/shows\n", "header_malformed"),
        (b"#! \t \n", "header_malformed"),
        (b"#!\0/bin/shows\n", "header_malformed"),
        (b"#!/bin/sh\r\n", "interpreter_cmd_absent"),
        (b"#!/bin/sh/\n", "interpreter_not_a_directory"),
        (b"#!bin/shh\n", "interpreter_cmd_absent"),
        (b"#!/bin/script\n", "interpreter_format_unknown"),
        (b" #!/bin/sh\n", "format_unknown"),
    ],
)
def test_a_line_that_leads_nowhere(line: bytes, cause: str) -> None:
    cluster = bp.Cluster(1)
    cluster.master.fs.write_file("/bin/script", line, mode=0o755)
    assert cluster.bproc_execmove(0, "/bin/script").cause == cause
