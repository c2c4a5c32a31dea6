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


def test_a_script_that_may_not_be_read_fails_in_its_shell_unless_it_travels() -> None:
    """An ordinary exec leaves the body in its file; a move carries it in memory."""
    cluster = bp.Cluster(nodes=1)
    cluster.master.fs.write_file("/s", b"#!/bin/sh\necho hi\n", mode=0o711)
    somebody = bp.Credentials(5, 5)
    assert cluster.execve("/s", user=somebody).exit_status == 2
    assert cluster.bproc_execmove(0, "/s", user=somebody).text == "hi\n"


def test_the_first_argument_makes_room_for_the_interpreters() -> None:
    """The script's own argv[0] is dropped, and the strings are counted before the interpreter is opened."""
    cluster = bp.Cluster(nodes=1)
    cluster.master.fs.write_file("/s", b"#!/nope\n", mode=0o755)
    added = len("/nope") + 1 + len("/s") + 1
    room = 131064 - len("/s") - 1 - added
    for first in (b"", b"x" * 100):
        for excess, cause in ((0, "interpreter_cmd_absent"), (1, "interpreter_args_too_big")):
            argv = [first, b"a" * (room - 1 + excess)]
            fits = len("/s") + 1 + sum(len(each) + 1 for each in argv) <= 131064
            assert fits or first
            if fits:
                assert cluster.execve("/s", argv, {}).cause == cause


@pytest.mark.parametrize("kernel", ["documented", "linux-2.4", "linux-2.6"])
def test_without_a_first_argument_nothing_makes_room(kernel: str) -> None:
    cluster = bp.Cluster(nodes=1, kernel=kernel)
    cluster.master.fs.write_file("/s", b"#!/nope\n", mode=0o755)
    added = len("/nope") + 1 + len("/s") + 1
    room = 131064 - len("/s") - 1 - added - len("A=") - 1
    for excess, cause in ((0, "interpreter_cmd_absent"), (1, "interpreter_args_too_big")):
        assert cluster.execve("/s", [], {"A": b"a" * (room + excess)}).cause == cause
