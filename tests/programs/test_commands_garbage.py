"""Any words behind a command's name: it never raises, says something when it fails, and leaves nothing open."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import bprocsim as bp
from tests.commandline import Said, typed

NODES = (
    "0",
    "1",
    "0-1",
    "1-",
    "all",
    "allup",
    "!up",
    "master",
    "-1",
    "77",
    "n0",
    ".1",
    "foo",
    "a/b",
    "0,,1",
    "",
    "9" * 30,
)
FLAGS = ("-h", "-v", "-V", "-a", "-A", "-1", "-n", "-N", "-L", "-p", "-s", "-d", "-b", "-t", "-l", "-I", "-O", "-E",
         "-c", "-R", "-S", "-P", "-M", "-m", "-u", "-g", "-f", "-r", "-e", "-o", "-x", "--", "-", "--help", "--state",
         "--time", "--st", "--cache-purge", "-l9", "-hq", "-sap", "-b1", "-S0", "-m111", "-nope", "-9",
         "-KILL")  # fmt: skip
OTHERS = ("true", "false", "hostname", "cat", "echo", "ps", "bpsh", "bpstat", "nosuch", "/etc", "/etc/passwd", "0:/tmp",
          "1:", ":", "x:y", "/tmp/0:x", "up", "down", "error", "reboot", "root", "111", "9", "ax", "pid,stat",
          "é")  # fmt: skip
NAMES = ("bpcp", "bpctl", "bpsh", "bpstat", "cat", "echo", "hostname", "kill", "ps", "sleep", "true", "false")

# What a command line may hold: anything but NUL, bytes that are no UTF-8 as well.
texts = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)
raw = st.binary(max_size=5).map(lambda data: data.replace(b"\0", b"").decode("utf-8", "surrogateescape"))
words = st.one_of(st.sampled_from(NODES), st.sampled_from(FLAGS), st.sampled_from(OTHERS), texts, raw)

# Statuses of commands that failed in silence, as they should.
SILENT = ("false", "ps", "bpsh", "bpctl")


def run(edition: str, name: str, arguments: list[str], as_user: bool) -> tuple[bp.Cluster, Said]:
    cluster = bp.Cluster(nodes=2, edition=edition, strict=True)
    user = cluster.user("ann", 700, 7) if as_user else None
    return cluster, typed(cluster, [name, *arguments], user=user, input=b"some\nlines\n")


@pytest.mark.parametrize("edition", ["scyld", "lanl32", "bproc4"])
@given(name=st.sampled_from(NAMES), arguments=st.lists(words, max_size=4), as_user=st.booleans())
@example(name="bpsh", arguments=["-p", "0,1", "ps"], as_user=False)
@example(name="bpcp", arguments=["/etc/passwd", "1:"], as_user=False)
@settings(max_examples=60)
def test_any_words(edition: str, name: str, arguments: list[str], as_user: bool) -> None:
    """Waiting for ever is right where it is asked for: bpstat -U, and bpcp of 4.0 with a node that refuses."""
    try:
        cluster, said = run(edition, name, arguments, as_user)
    except bp.Deadlock:
        assert (name == "bpstat" and any("U" in word for word in arguments)) or (name, edition) == ("bpcp", "bproc4")
        return
    assert 0 <= said.status <= 255 or name == "kill"
    assert "Traceback" not in said.stderr
    if said.status > 0 and name not in SILENT:
        assert said.stderr or said.stdout
    cluster.sleep(1)
    for number in (-1, 0, 1):
        machine = cluster.machine(number)
        assert (machine.files.used, machine.processes) == (0, {}), number
        assert not machine.sockets.listeners


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bpstat", "ps", "hostname", "cat", "echo"])
@given(arguments=st.lists(words, max_size=3))
@settings(max_examples=30)
def test_who_only_looks_changes_nothing(name: str, arguments: list[str]) -> None:
    try:
        cluster, _ = run("scyld", name, arguments, False)
    except bp.Deadlock:
        return
    assert [(node.state, node.mode, node.uid, node.gid) for node in cluster.nodes] == [("up", 0o111, 0, 0)] * 2
    fresh = bp.Cluster(nodes=2)
    fresh.user("ann", 700, 7)
    for number in (-1, 0, 1):
        tree, other = cluster.machine(number).tree, fresh.machine(number).tree
        assert tree.next_number == other.next_number
