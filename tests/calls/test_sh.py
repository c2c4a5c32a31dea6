"""The small shell, held against this machine's /bin/sh in what both know."""

from __future__ import annotations

import shutil
import subprocess

import pytest

import bprocsim as bp
from tests.calls.worlds import Steps

# Each is run with -c and two arguments; what is written and the status must be the same.
COMMANDS = [
    "",
    ":",
    "true",
    "false",
    "echo hello",
    "echo hello   world",
    "echo 'a;  b' \"c; d\" e\\;f",
    "echo one; echo two",
    "echo a;echo b ; false",
    "false; echo $?",
    "echo $? $# $0 $1 $2 $3",
    'echo "$@" $@',
    'echo "x$1y" \'x$1y\' "\\$1" \\$1',
    "echo ${1}2 $HOME $NOBODY.",
    "echo -n same; echo line",
    "# a comment",
    "echo a # a comment",
    "echo a#b '#c' \"#d\"",
    "echo one\necho two\n\n  echo three",
    "exit",
    "exit 7",
    "exit 256",
    "exit 300",
    "false; exit",
    "true; exit; echo not reached",
    "exec echo became $1",
    "exec true; echo not reached",
    "/bin/echo through a child; echo $?",
    "echo before; /bin/echo during; echo after",
    'echo ""; echo "" x ""',
    "'echo' quoted",
    "ec\\ho escaped",
    'echo "$#"',
    "echo not run; echo 'open",
]


def simulated(*arguments: str, **options: object) -> bp.Outcome:
    def echo(proc: bp.Proc) -> Steps:
        yield from proc.print(*proc.argv[1:])

    cluster = bp.Cluster(nodes=0)
    cluster.install("/bin/echo", echo)
    cluster.install("/bin/true", lambda proc: 0)
    env = {"PATH": "/bin:/usr/bin", "HOME": "/home/somebody"}
    return cluster.execve("/bin/sh", ["sh", *arguments], env, **options)  # type: ignore[arg-type]


@pytest.mark.linux
@pytest.mark.parametrize("command", COMMANDS)
def test_what_both_know(command: str) -> None:
    shell = shutil.which("sh")
    assert shell
    real = subprocess.run(
        [shell, "-c", command, "name", "first", "se cond"],
        env={"PATH": "/bin:/usr/bin", "HOME": "/home/somebody"}, capture_output=True, check=False,
    )  # fmt: skip
    out = simulated("-c", command, "name", "first", "se cond")
    assert (out.stdout, bool(out.stderr), out.exit_status) == (real.stdout, bool(real.stderr), real.returncode)


@pytest.mark.parametrize("character", "|&<>()`*[]{}~")
def test_what_it_does_not_know_it_refuses_by_name(character: str) -> None:
    out = simulated("-c", f"echo fine\necho a {character} b")
    said = f'sh: 2: "{character}" is not understood by this small shell\n'
    assert (out.stdout, out.stderr, out.exit_status) == (b"fine\n", said.encode(), 2)
    assert simulated("-c", f"echo '{character}' \"{character}\"").exit_status == 0


def test_messages_and_statuses() -> None:
    cases = {
        "missing": (127, b"sh: 1: missing: not found\n"),
        "/tmp": (126, b"sh: 1: /tmp: Permission denied\n"),
        "\n/bin/absent": (127, b"sh: 2: /bin/absent: not found\n"),
        "exec missing": (127, b"sh: 1: exec: missing: not found\n"),
        "exit x": (2, b"sh: 1: exit: Illegal number: x\n"),
        "echo 'open": (2, b"sh: 1: Syntax error: Unterminated quoted string\n"),
    }
    for command, (status, said) in cases.items():
        out = simulated("-c", command)
        assert (out.exit_status, out.stderr) == (status, said), command


def test_a_script_and_standard_input() -> None:
    out = simulated("/missing")
    assert (out.exit_status, out.stderr) == (2, b"sh: 0: cannot open /missing: No such file\n")
    assert simulated("/tmp").exit_status == 0  # it opens, and nothing can be read
    assert simulated(input=b"echo from $0 $#\nexit 4\n").text == "from sh 0\n"

    cluster = bp.Cluster(nodes=0)
    cluster.master.fs.write_file("/tmp/script", b"#!/bin/sh\necho $0 $1; exit 3\n", mode=0o755)
    out = cluster.execve("/tmp/script", ["ignored", "one"])
    assert (out.text, out.exit_status) == ("/tmp/script one\n", 3)


def test_a_killed_child_is_128_and_its_signal() -> None:
    def dies(proc: bp.Proc) -> Steps:
        yield from proc.kill(proc.pid, bp.SIGKILL)

    cluster = bp.Cluster(nodes=0)
    cluster.install("/bin/dies", dies)
    assert cluster.execve("/bin/sh", ["sh", "-c", "dies; echo $?"]).text == "137\n"
