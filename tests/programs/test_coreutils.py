"""cat, echo, false, hostname, kill, sleep, true, and kill as the shell has it."""

from __future__ import annotations

import pytest

import bprocsim as bp
from bprocsim.units import s
from tests.commandline import Said, typed

SIGNALS = (
    "HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM CHLD\nCONT STOP TSTP TTIN TTOU URG WINCH\n"
)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["true", "x"], Said(0, "", "")),
        (["false"], Said(1, "", "")),
        (["echo", "a  b", "c"], Said(0, "a  b c\n", "")),
        (["echo"], Said(0, "\n", "")),
        (["echo", "-n", "a"], Said(0, "a", "")),
        (["echo", "-n"], Said(0, "", "")),
        (["hostname"], Said(0, "master\n", "")),
        (["hostname", "x"], Said(1, "", "hostname: the name is that of the node, and cannot be set\n")),
        (["cat", "/f", "-", "/nosuch", "/f"], Said(1, "f\nin\nf\n", "cat: /nosuch: No such file or directory\n")),
        (["cat"], Said(0, "in\n", "")),
        (["cat", "--", "/f", "--"], Said(1, "f\n", "cat: --: No such file or directory\n")),
        (["cat", "--"], Said(0, "in\n", "")),
        (["echo", "--", "-n"], Said(0, "-- -n\n", "")),
        (["sleep", "--", "0"], Said(0, "", "")),
        (["sleep", "--"], Said(1, "", "sleep: missing operand\n")),
        (["cat", "/tmp"], Said(1, "", "cat: /tmp: Is a directory\n")),
        (["sleep"], Said(1, "", "sleep: missing operand\n")),
        (["sleep", "1x"], Said(1, "", "sleep: invalid time interval `1x'\n")),
        (["sleep", "-1"], Said(1, "", "sleep: invalid time interval `-1'\n")),
        (["kill"], Said(1, "", "kill: usage: kill [ -s signal | -signal ] pid ..., or kill -l [ signal ... ]\n")),
        (["kill", "-9", "999"], Said(1, "", "kill: 999: No such process\n")),
        (["kill", "-NOSUCH", "1"], Said(1, "", "kill: NOSUCH: invalid signal specification\n")),
        (["kill", "-s", "99", "1"], Said(1, "", "kill: 99: invalid signal specification\n")),
        (["kill", "-s99", "1"], Said(1, "", "kill: 99: invalid signal specification\n")),
        (["kill", "-s"], Said(1, "", "kill: s: invalid signal specification\n")),
        (["kill", "-l"], Said(0, SIGNALS, "")),
        (["kill", "-l", "9", "143", "SIGHUP", "int"], Said(0, "KILL TERM 1 2\n", "")),
        (["kill", "-l15"], Said(0, "TERM\n", "")),
        (["kill", "-lUSR1"], Said(0, "10\n", "")),
        (["kill", "-l", "0"], Said(1, "", "kill: 0: invalid signal specification\n")),
        (["kill", "-l", "128"], Said(1, "", "kill: 128: invalid signal specification\n")),
        (["kill", "-l", "58"], Said(1, "", "kill: 58: invalid signal specification\n")),
        (["kill", "-l", "9", "nosuch"], Said(1, "", "kill: nosuch: invalid signal specification\n")),
        (["kill", "x"], Said(1, "", "kill: x: no such process\n")),
    ],
)  # fmt: skip
def test_what_they_say(words: list[str], said: Said) -> None:
    cluster = bp.Cluster(nodes=1)
    cluster.master.fs.write_file("/f", b"f\n")
    assert typed(cluster, words, input=b"in\n") == said


@pytest.mark.parametrize(
    ("words", "seconds"),
    [("2", 2), ("0.25", 0.25), (".5", 0.5), ("1m", 60), ("2h 1s", 7201), ("1d", 86400), ("1.000000001", 1.000000001)],
)
def test_sleep_lets_time_pass(words: str, seconds: float) -> None:
    cluster = bp.Cluster(nodes=1)
    assert typed(cluster, f"sleep {words}").status == 0
    assert round(seconds * s) < cluster.sim.now_ns < round(seconds * s) + s // 100


@pytest.mark.parametrize("signal", ["-9", "-KILL", "-SIGKILL", "-s kill", "-kill --", "-s9", "-sKILL --"])
def test_kill_names_signals_in_many_ways(signal: str) -> None:
    cluster = bp.Cluster(nodes=1)
    job = cluster.popen(["sleep", "9"])
    cluster.sleep(1)
    assert typed(cluster, f"kill {signal} {job.pid}") == Said(0, "", "")
    assert job.wait() == -bp.SIGKILL


def test_kill_reaches_processes_on_nodes_and_groups() -> None:
    """A pid is the same everywhere; a negative one is a group's."""
    cluster = bp.Cluster(nodes=2)
    job = cluster.popen(["bpsh", "0,1", "sleep", "9"], start_new_session=True)
    cluster.sleep(1)
    assert typed(cluster, f"kill {job.pid + 2}").status == 0
    cluster.sleep(1)
    assert [len(node.processes) for node in cluster.nodes] == [1, 0]
    assert typed(cluster, f"kill -TERM -{job.pid}").status == 0
    assert job.wait() == -bp.SIGTERM
    cluster.sleep(1)
    assert [len(node.processes) for node in cluster.nodes] == [0, 0]


def test_stop_and_continue_from_the_master() -> None:
    cluster = bp.Cluster(nodes=1)
    job = cluster.popen(["bpsh", "0", "sleep", "2"])
    cluster.sleep(1)
    typed(cluster, f"kill -STOP {job.pid + 1}")
    cluster.sleep(20)
    assert job.poll() is None
    assert f"{job.pid + 1} ?        T" in typed(cluster, "ps ax").stdout
    typed(cluster, f"kill -CONT {job.pid + 1}")
    assert job.wait() == 0


def test_the_shell_has_kill_built_in() -> None:
    cluster = bp.Cluster(nodes=1)
    assert cluster.run(["sh", "-c", "kill -9 $$; echo not reached"]).returncode == -9
    assert typed(cluster, ["sh", "-c", "kill 99; echo $?"]) == Said(0, "1\n", "sh: 1: kill: No such process\n")
    assert typed(cluster, ["sh", "-c", "kill -x 1"]).stderr == "sh: 1: kill: x: invalid signal specification\n"
    assert typed(cluster, ["sh", "-c", "kill -0 $$"]).status == 0
    assert typed(cluster, ["sh", "-c", "kill -l 137; kill -l"]).stdout == "KILL\n" + SIGNALS.replace(" ", "\n")
    assert typed(cluster, ["sh", "-c", "kill -stop 0x"]).stderr == "sh: 1: kill: 0x: no such process\n"


def test_they_lie_on_the_master_and_can_be_put_on_nodes() -> None:
    cluster = bp.Cluster(nodes=2)
    assert not cluster.nodes[0].fs.exists("/bin/hostname")
    script = ["bpsh", "0,1", "sh", "-c", "hostname"]
    assert typed(cluster, script) == Said(127, "", "sh: 1: hostname: not found\n" * 2)
    assert set(cluster.commands) == {
        "bpcp", "bpctl", "bpsh", "bpstat", "cat", "echo", "false", "hostname", "kill", "ps", "sleep", "true",
    }  # fmt: skip
    cluster.install("/bin/hostname", cluster.commands["hostname"], on="all")
    assert typed(cluster, script) == Said(0, ".0\n.1\n", "")
