"""A broken scenario: every error at once, each with file, line, key and what was expected."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.scenario.loading import HEAD, loaded, problems, told

EXECVE = HEAD + '[[call]]\ncall = "execve"\npath = "/x"\n'

BROKEN = """\
schema = 1
sed = 2
[cluster]
nodes = 4
edition = "scylt"
[[user]]
name = "alice"
uid = 500
gid = -1
[[file]]
path = "/bin/x"
program = "hallo"
[[file]]
path = "/bin/x"
host = "nothing/of/this/name"
mod = 0o755
on = "0-9"
[[file]]
path = "/bin//x"
program = "hello"
owner = "alcie"
[[fault]]
kind = "PowerOff"
node = 9
at_ns = 3
step = "ENTRY"
[[fault]]
kind = "PowrOff"
[[call]]
call = "bproc_execmove"
node = 2
cmd = "/bin/x"
prt = 3
user = "bob"
expect = { errno = "EMLINK", cause = "node_donw",
           exti = 3 }
[[call]]
call = "bproc_execmove"
node = "x"
argv = ["a",
  3]
"""

# Inline tables of several lines are for a later TOML.
BROKEN = BROKEN.replace(",\n           exti", ", exti")


def test_everything_that_is_wrong_is_told_at_once() -> None:
    assert [(each.where, each.path) for each in problems(BROKEN)] == [
        ("test.toml:2", ("sed",)),
        ("test.toml:5", ("cluster", "edition")),
        ("test.toml:9", ("user", 0, "gid")),
        ("test.toml:12", ("file", 0, "program")),
        ("test.toml:15", ("file", 1, "host")),
        ("test.toml:16", ("file", 1, "mod")),
        ("test.toml:17", ("file", 1, "on")),
        ("test.toml:19", ("file", 2, "path")),
        ("test.toml:21", ("file", 2, "owner")),
        ("test.toml:24", ("fault", 0, "node")),
        ("test.toml:25", ("fault", 0, "at_ns")),
        ("test.toml:28", ("fault", 1, "kind")),
        ("test.toml:33", ("call", 0, "prt")),
        ("test.toml:34", ("call", 0, "user")),
        ("test.toml:35", ("call", 0, "expect", "exti")),
        ("test.toml:35", ("call", 0, "expect", "errno")),
        ("test.toml:35", ("call", 0, "expect", "cause")),
        ("test.toml:36", ("call", 1, "cmd")),
        ("test.toml:38", ("call", 1, "node")),
        ("test.toml:40", ("call", 1, "argv", 1)),
    ]


def test_a_problem_is_one_line_with_file_line_key_and_what_was_expected() -> None:
    lines = told(BROKEN)
    assert "test.toml:5: cluster.edition: there is no edition \"scylt\" (did you mean scyld?); expected one of scyld, lanl32, bproc4" in lines  # fmt: skip  # noqa: E501
    assert "test.toml:38: call.1.node: expected a node number, got \"x\"" in lines  # fmt: skip
    assert all("\n" not in line for line in lines)


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        # What is no TOML at all.
        ("schema = 1\nseed = \n", "test.toml:2", ["no TOML", "Invalid value", "column 8"]),
        ("schema = 1\nseed = 1\nseed = 2\n", "test.toml:3", ["this key has a value already"]),
        ("schema = 1\n[cluster]\n[cluster]\n", "test.toml:3", ["this table stands twice"]),
        ('schema = 1\nseed = "', "test.toml:2", ["no TOML"]),
        ('schema = 1\ntrace = "all\n', "test.toml:2", ["a text does not end on the line on which it begins"]),
        ("schema = 1\n\n[", "test.toml:3", ["no TOML"]),
        # The whole.
        ("seed = 1\n", "test.toml:1", ["schema: is missing; expected 1: the number of this format"]),
        ("schema = 2\n", "test.toml:1", ["schema: expected 1, got 2"]),
        (HEAD + "cluster = 3\n", "test.toml:2", ["expected a table, got 3"]),
        (HEAD + "[[cluster]]\nnodes = 3\n", "test.toml:2", ["cluster: expected a table, got a list"]),
        (HEAD + "seed = [1]\n", "test.toml:2", ["seed: expected a whole number, got a list"]),
        (HEAD + "call = 3\n", "test.toml:2", ["expected a list of tables, ", "got 3"]),
        (HEAD + '[file]\npath = "/x"\n', "test.toml:2", ["a list of tables", "in double brackets, got a table"]),
        (HEAD + "call = [3]\n", "test.toml:2", ["call.0: expected a table, got 3"]),
        (HEAD + "[[call]]\nnode = 2\n", "test.toml:2", ["call.0.call: is missing", "bproc_execmove"]),
        (HEAD + '[[call]]\ncall = "bproc_exemove"\n', "test.toml:3", ["did you mean bproc_execmove"]),
        # Nodes.
        (HEAD + "[cluster]\nnodes = [{ cores = 0 }]\n", "test.toml:3", ["cluster.nodes.0.cores", "from 1 on, got 0"]),
        (HEAD + '[cluster]\nnodes = [{ arch = "i38" }]\n', "test.toml:3", ["did you mean i386"]),
        (HEAD + "[cluster]\nnodes = 65_281\n", "test.toml:3", ["from 0 to 65280, got 65281"]),
        (HEAD + "[cluster]\nedition = { nam = 3 }\n", "test.toml:3", ["cluster.edition.nam", "did you mean name"]),
        (HEAD + "[cluster]\ncosts = { pipe_bytes = 7 }\n", "test.toml:3", ["costs.pipe_bytes", "at least 4096"]),
        (HEAD + "[cluster]\nseed = 3\n", "test.toml:3", ["key here, it belongs to the top of the file; expected"]),
        (HEAD + "kernel = 3\n", "test.toml:2", ["no such key here, it belongs to [cluster]; expected"]),
        (EXECVE + "port = 3\n", "test.toml:5", ["belongs to [[fault]] ConnectRefused or [[call]] bproc_execmove_io"]),
        (HEAD + "[cluster]\nnodes = true\n", "test.toml:3", ["a number, or a list of tables, got true"]),
        (HEAD + '[[node]]\non = "master"\nstate = "down"\n', "test.toml:3", ["the master has no state"]),
        (HEAD + '[[node]]\non = 3\nstate = "dwn"\n', "test.toml:4", ["did you mean down"]),
        (HEAD + '[[node]]\non = 4\nstate = "down"\n', "test.toml:3", ["there is no node 4"]),
        (HEAD + '[[node]]\non = "x"\n', "test.toml:3", ["no node specification"]),
        (HEAD + '[[fault]]\nkind = "LinkCut"\na = -1\nb = 4\n', "test.toml:5", ["there is no node 4"]),
        (HEAD + '[cluster]\nnodes = 0\n[[fault]]\nkind = "Hang"\nnode = 0\n', "test.toml:6", ["has no slaves"]),
        (HEAD + '[[call]]\ncall = "execve"\npath = "/x"\nfrom_node = 4\n', "test.toml:5", ["there is no node 4"]),
        # Faults.
        (HEAD + '[[fault]]\nkind = "PowerOff"\n', "test.toml:2", ["fault.0.node: is missing"]),
        (HEAD + '[[fault]]\nkind = "Loss"\na = 0\nb = 1\nprobability = 1.0\n', "test.toml:6", ["below 1, got 1.0"]),
        (HEAD + '[[fault]]\nkind = "LinkCut"\na = 1\nb = 1\n', "test.toml:4", ["a link has two ends"]),
        (HEAD + '[[fault]]\nkind = "LinkCut"\na = 0\nb = 1\nat_ns = 9\nuntil_ns = 9\n', "test.toml:7", ["after at_ns"]),
        (HEAD + '[[fault]]\nkind = "PowerOff"\nnode = 1\nstep = "GOHST"\n', "test.toml:5", ["did you mean GHOST"]),
        (HEAD + '[[fault]]\nkind = "IoError"\nnode = 1\npath = "x"\n', "test.toml:5", ["an absolute path"]),
        # Users.
        (HEAD + '[[user]]\nname = "root"\nuid = 0\ngid = 0\n', "test.toml:3", ["there is a user \"root\" already"]),
        (HEAD + '[[user]]\nname = "a"\nuid = 1\ngid = 1\ncapabilities = ["x"]\n', "test.toml:6", ["CAP_NUMA_ATTACH"]),
        # Files.
        (HEAD + '[[file]]\npath = "bin/x"\ntext = ""\n', "test.toml:3", ["an absolute path"]),
        (HEAD + '[[file]]\npath = "/x"\n', "test.toml:2", ["expected one of program, host, text", "none of them"]),
        (HEAD + '[[file]]\npath = "/x"\ntext = ""\nhex = "00"\n', "test.toml:2", ["got text and hex"]),
        (HEAD + '[[file]]\npath = "/x"\nhex = "0"\n', "test.toml:4", ["hexadecimal digits"]),
        (HEAD + '[[file]]\npath = "/x"\nbase64 = "*"\n', "test.toml:4", ["base64"]),
        (HEAD + '[[file]]\npath = "/x"\ntext = ""\nneeds = ["libc.so.6"]\n', "test.toml:5", ["a file with program"]),
        (HEAD + '[[file]]\npath = "/x"\nimage = { magic = "xx" }\n', "test.toml:4", ["2 bytes given, 4 needed"]),
        (HEAD + '[[file]]\npath = "/x"\nimage = { machin = 3 }\n', "test.toml:4", ["did you mean machine"]),
        (HEAD + '[[file]]\npath = "/x"\nprogram = "m:f"\n', "test.toml:4", ["m.py is not there"]),
        (HEAD + '[[file]]\npath = "/x"\nprogram = "m-n:f"\n', "test.toml:4", ['expected "module:function"']),
        (HEAD + '[[file]]\npath = "/bin/sh/x"\ntext = ""\n', "test.toml:3", ["cannot be made: File exists"]),
        (HEAD + '[[link]]\npath = "/x"\ntarget = "/y"\nhard = true\n', "test.toml:3", ["cannot be made: No such file"]),
        (HEAD + '[[file]]\npath = "/x"\ntext = ""\nowner = "root"\nuid = 3\n', "test.toml:6", ["owner says"]),
        # Calls.
        (HEAD + '[[call]]\ncall = "run"\nargs = []\n', "test.toml:4", ["got nothing"]),
        (HEAD + '[[call]]\ncall = "sleep"\nseconds = -1\n', "test.toml:4", ["from 0 on, got -1"]),
        (HEAD + '[[call]]\ncall = "run"\nargs = ["x"]\nenv = { "a=b" = "c" }\n', "test.toml:5", ["without ="]),
        (HEAD + '[[call]]\ncall = "execve"\npath = { pointer = "nil" }\n', "test.toml:4", ["null, bad"]),
        (HEAD + '[[call]]\ncall = "execve"\npath = { point = "bad" }\n', "test.toml:4", ["expected a text"]),
        (HEAD + '[[call]]\ncall = "execve"\npath = { hex = "zz" }\n', "test.toml:4", ["path.hex"]),
        (HEAD + '[[call]]\ncall = "run"\nargs = [{ pointer = "bad" }]\n', "test.toml:4", ["expected a text"]),
        (EXECVE + 'expect = { late_errno = "EIO" }\n', "test.toml:5", ["late errno"]),
        (EXECVE + 'expect = { exit_status = 256 }\n', "test.toml:5", ["to 255"]),
        (EXECVE + 'expect = { signal = "SIGKIL" }\n', "test.toml:5", ["SIGKILL"]),
        (EXECVE + 'expect = { raises = "Deadlok" }\n', "test.toml:5", ["Deadlock"]),
    ],
)  # fmt: skip
def test_one_thing_is_wrong(text: str, where: str, words: Sequence[str]) -> None:
    (line,) = told(text)
    assert line.startswith(f"{where}: ")
    for word in words:
        assert word in line


def test_bytes_that_are_no_text() -> None:
    from bprocsim.scenario.load import load
    from bprocsim.scenario.problems import ScenarioError

    with pytest.raises(ScenarioError, match=r"^test\.toml:2: expected UTF-8, got byte 0xff$"):
        load(b"schema = 1\n# \xff\n", "test.toml", Path())


def test_a_byte_order_mark_is_none_of_the_text() -> None:
    from bprocsim.scenario.load import load

    assert load(b"\xef\xbb\xbfschema = 1\r\nseed = 5\r\n", "test.toml", Path()).scenario.seed == 5


def test_what_follows_from_a_mistake_is_not_told_as_well() -> None:
    """How many nodes there are is not known: nobody is told that there is no node 7."""
    (line,) = told(
        HEAD + '[cluster]\nnodes = "8"\n[[fault]]\nkind = "Hang"\nnode = 7\n[[file]]\npath = "/x"\ntext = ""\non = 7\n'
    )
    assert line.startswith("test.toml:3: cluster.nodes: ")
    (line,) = told(
        HEAD + '[[user]]\nname = "bob"\nuid = "x"\ngid = 3\n[[call]]\ncall = "execve"\npath = "/x"\nuser = "bob"\n'
    )
    assert line.startswith("test.toml:4: user.0.uid: ")


def test_nothing_is_wrong() -> None:
    (cluster,) = loaded(HEAD).scenario.systems.values()
    assert getattr(cluster, "nodes", None) == 4
    assert problems(HEAD) == []


# ---- host files and modules -------------------------------------------------------------------------

HOST = HEAD + '[[file]]\npath = "/x"\nhost = "there"\n'
MODULE = HEAD + '[[file]]\npath = "/x"\nprogram = "mine:main"\n'


def test_a_host_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (line,) = told(HOST, beside=tmp_path)
    assert line.startswith(f"test.toml:4: file.0.host: {tmp_path / 'there'} cannot be read: ")
    (tmp_path / "there").mkdir()
    (line,) = told(HOST, beside=tmp_path)
    assert "cannot be read" in line


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no FIFOs")
def test_a_host_file_without_an_end_is_refused(tmp_path: Path) -> None:
    """Nobody writes into this FIFO: who opened it would wait for ever."""
    os.mkfifo(tmp_path / "there")
    (line,) = told(HOST, beside=tmp_path)
    assert line.endswith("there cannot be read: it is no regular file")


def test_a_host_file_is_found_beside_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "there").write_bytes(b"\x7fELF and more")
    ready = loaded(HOST, beside=tmp_path)
    assert ready.materials[0].data == b"\x7fELF and more"
    assert list(ready.outside.used) == ["there"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def main(proc:", ["SyntaxError", "line 1"]),
        ("\n\nraise ValueError('no')", ["ValueError: no", "line 3"]),
        ("import nothing_of_this_name", ["ModuleNotFoundError", "line 1"]),
        ("raise SystemExit(3)", ["it ends Python"]),
        ("def mian(proc): pass", ["mine.py has no function main", "did you mean mian"]),
        ("import sys; sys.path.clear()", ["mine.py has no function main"]),
        ("main = 3", ["mine.py has no function main"]),
    ],
)
def test_a_module_that_cannot_be_imported_is_told(
    code: str, words: Sequence[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "mine.py").write_text(code, encoding="utf-8")
    (line,) = told(MODULE, beside=tmp_path)
    assert line.startswith("test.toml:4: file.0.program: ")
    for word in words:
        assert word in line


def test_a_module_may_be_called_as_one_of_ours(tmp_path: Path) -> None:
    """And it may import what lies beside it, and be a package's."""
    (tmp_path / "random.py").write_text("import helper\ndef main(proc): return helper.STATUS\n", encoding="utf-8")
    (tmp_path / "helper.py").write_text("STATUS = 3\n", encoding="utf-8")
    import random

    assert problems(MODULE.replace("mine", "random"), beside=tmp_path) == []
    import sys

    assert sys.modules["random"] is random
    assert str(tmp_path) not in sys.path
