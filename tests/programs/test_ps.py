"""ps, and readproctab behind it: what the master sees of processes on nodes, and when it asks them."""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import ms, s
from tests.commandline import Said, typed


def busy(proc: bp.Proc) -> Any:
    """Compute for three seconds, then sleep."""
    for _ in range(3):
        yield from proc.compute(1 * s)
    yield from proc.sleep(60 * s)


def with_jobs(**options: Any) -> tuple[bp.Cluster, bp.User]:
    """Ann's job sleeps on node 0, root's computes on node 1."""
    cluster = bp.Cluster(nodes=2, trace="all", **options)
    cluster.install("/bin/busy", busy)
    ann = cluster.user("ann", 700, 7)
    cluster.popen(["bpsh", "0", "sleep", "60"], user=ann)
    cluster.popen(["bpsh", "1", "busy"])
    cluster.sleep(1)
    return cluster, ann


def asked(cluster: bp.Cluster) -> int:
    """How many nodes were asked so far."""
    return sum(each.message == "GET_STATUS" for each in cluster.trace.of_kind("message"))


def test_own_processes_alone_unless_all_are_asked_for() -> None:
    cluster, ann = with_jobs()
    assert typed(cluster, "ps", user=ann).stdout == (
        "  PID TTY          TIME CMD\n"
        " 1001 ?        00:00:00 bpsh\n"
        " 1003 ?        00:00:00 sleep\n"
        " 1005 ?        00:00:00 ps\n"
    )
    names = [line.split()[-1] for line in typed(cluster, "ps -e").stdout.splitlines()]
    assert names == ["CMD", "bpsh", "bpsh", "sleep", "busy", "ps"]


def test_a_ghost_has_a_short_name_its_owner_and_no_arguments() -> None:
    cluster, _ = with_jobs()
    assert typed(cluster, "ps -f -p 1001,1003").stdout == (
        "UID        PID  PPID  C STIME TTY          TIME CMD\n"
        "ann       1001     1  - -     ?        00:00:00 bpsh 0 sleep 60\n"
        "ann       1003  1001  - -     ?        00:00:00 [sleep]\n"
    )


def test_states_are_those_of_the_nodes() -> None:
    cluster, _ = with_jobs()
    assert typed(cluster, "ps -e -o pid,s,user,comm").stdout.splitlines() == [
        "  PID S USER     COMMAND",
        " 1001 S ann      bpsh",
        " 1002 S root     bpsh",
        " 1003 S ann      sleep",
        " 1004 R root     busy",
        " 1005 R root     ps",
    ]


def test_columns_and_pids_of_several_options_add_up() -> None:
    cluster, _ = with_jobs()
    assert typed(cluster, "ps -o pid -p1001,1002 -p 1004 -os,user -f -o comm").stdout.splitlines() == [
        "  PID S USER     COMMAND",
        " 1001 S ann      bpsh",
        " 1002 S root     bpsh",
        " 1004 R root     busy",
    ]
    assert typed(cluster, "ps -fp 1001 -o comm -o comm").stdout == "COMMAND COMMAND\nbpsh bpsh\n"
    assert typed(cluster, "ps -o pid -o nosuch -z").stderr.startswith("ps: unknown column 'nosuch'; there are pid ")


def state_of(cluster: bp.Cluster, pid: int) -> str:
    head, state = typed(cluster, f"ps -p {pid} -o s").stdout.split()
    assert head == "S"
    return state


def test_memory_and_time_are_those_of_the_last_answer() -> None:
    cluster, _ = with_jobs()
    cluster.sleep(1)
    assert typed(cluster, "ps aux").stdout.splitlines()[::4] == [
        "USER       PID %CPU %MEM    VSZ  RSS TTY      STAT START   TIME COMMAND",
        "root      1004    -    -     68   68 ?        R    -       0:01 [busy]",
    ]
    cluster.sleep(3)
    assert " 0:01 [busy]" in typed(cluster, "ps ax").stdout
    cluster.sleep(3)
    assert " 0:03 [busy]" in typed(cluster, "ps ax").stdout


def test_a_child_that_its_parent_on_the_node_leaves_unwaited() -> None:
    """Its ghost is a zombie once it has heard of the end, and not before."""
    cluster = bp.Cluster(nodes=1)

    def parent(proc: bp.Proc) -> Any:
        yield from proc.fork(lambda child: 0)
        yield from proc.sleep(5 * s)

    cluster.install("/bin/parent", parent)
    cluster.popen(["bpsh", "0", "parent"])
    cluster.sleep(1)
    assert typed(cluster, "ps ax").stdout.splitlines()[-2] == " 1003 ?        Z      0:00 [parent] <defunct>"


def test_what_was_heard_is_good_for_five_seconds() -> None:
    """Source: bproc-4.0.0pre8-ghost."""
    cluster, _ = with_jobs()
    assert state_of(cluster, 1004) == "R"
    assert asked(cluster) == 2
    cluster.sleep(3)  # it sleeps by now
    assert state_of(cluster, 1004) == "R"
    assert asked(cluster) == 2
    cluster.sleep(2.1)
    assert state_of(cluster, 1004) == "S"
    assert asked(cluster) == 4


def test_a_node_that_does_not_answer_is_waited_for_one_second() -> None:
    """What it said before is shown."""
    cluster, _ = with_jobs()
    assert state_of(cluster, 1004) == "R"
    cluster.inject(bp.Hang(node=1, at_ns=cluster.sim.now_ns))
    cluster.sleep(6)
    before_ns = cluster.sim.now_ns
    assert state_of(cluster, 1004) == "R"
    assert 1 * s < cluster.sim.now_ns - before_ns < 1 * s + 10 * ms


def test_nobody_is_asked_when_nothing_runs_elsewhere() -> None:
    cluster = bp.Cluster(nodes=2, trace="all")
    assert typed(cluster, "ps").status == 0
    assert asked(cluster) == 0


def test_who_asks_goes_on_when_the_last_node_has_answered() -> None:
    """The second one is cut off for a while."""
    cluster, _ = with_jobs(faults=[bp.LinkCut(bp.BPROC_NODE_MASTER, 1, at_ns=2 * s, until_ns=2 * s + 300 * ms)])
    cluster.sim.run(until_ns=2 * s + 100 * ms)
    with cluster.session() as session:
        began_ns = cluster.sim.now_ns
        assert len(session.readproctab()) == 5
        assert 200 * ms < cluster.sim.now_ns - began_ns < 210 * ms


def test_a_slave_sees_what_runs_there() -> None:
    cluster, _ = with_jobs()
    with cluster.session(node=0) as session:
        assert [(each.pid, each.cmd, each.cmdline) for each in session.readproctab()] == [
            (1003, "sleep", ("sleep", "60")),
            (session.pid, "session", ("session",)),
        ]


def test_a_process_is_told_with_its_group() -> None:
    cluster = bp.Cluster(nodes=1)

    def leads(proc: bp.Proc) -> Any:
        yield from proc.setpgid(0, 0)
        yield from proc.sleep(5 * s)

    def parent(proc: bp.BprocProc) -> Any:
        pid = yield from proc.fork(leads)
        yield from proc.sleep(1 * s)
        told = {each.pid: each for each in (yield from proc.readproctab())}
        assert (told[pid].ppid, told[pid].pgrp, told[pid].session) == (proc.pid, pid, told[proc.pid].session)

    cluster.install("/bin/parent", parent)
    assert cluster.popen(["parent"]).wait() == 0


def test_a_zombie() -> None:
    cluster = bp.Cluster(nodes=1)

    def parent(proc: bp.Proc) -> Any:
        yield from proc.fork(lambda child: 0)
        yield from proc.sleep(5 * s)

    cluster.install("/bin/parent", parent)
    cluster.popen(["parent"])
    cluster.sleep(1)
    assert typed(cluster, "ps ax").stdout.splitlines()[2] == " 1002 ?        Z      0:00 [parent] <defunct>"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("x y", "usage: ps [-eAaf] [-p pids] [-o columns], or ps [axuf]"),
        ("-e x", "usage: ps [-eAaf] [-p pids] [-o columns], or ps [axuf]"),
        ("-z", "ps: invalid option -- z"),
        ("-p x", "ps: -p: expected pids, got 'x'"),
        ("-o pid,nosuch", "ps: unknown column 'nosuch'; there are "
         "pid ppid pgid sid uid user tty s stat c %cpu %mem vsz rss stime start time bsdtime cmd comm args"),
    ],
)  # fmt: skip
def test_what_is_refused(words: str, said: str) -> None:
    assert typed(bp.Cluster(nodes=1), f"ps {words}") == Said(1, "", f"{said}\n")


def test_no_such_process() -> None:
    assert typed(bp.Cluster(nodes=1), "ps -p 4711") == Said(1, "  PID TTY          TIME CMD\n", "")


def test_a_session_and_libc_ask_too() -> None:
    """What a machine tells of itself cannot be refused."""
    cluster = bp.Cluster(nodes=1, edition="lanl32")
    with cluster.session(node=0) as session:
        assert session.gethostname() == "n0"
        assert session.libc.gethostname() == (0, "n0")
        seconds, micros = session.gettimeofday()
        assert abs(seconds * 1_000_000 + micros - cluster.sim.now_ns // 1000) < 10
