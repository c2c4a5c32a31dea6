"""One process space over the nodes: who hears of whom, when, and by which messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import ms, s
from tests.bproc.worlds import MASTER, Steps, assert_clean, cluster

COSTS = bp.Cluster(nodes=1).costs
HOP_NS = COSTS.link_latency_ns + COSTS.message_bytes * COSTS.link_ns_per_mib // 2**20
CALL_NS = COSTS.syscall_ns


def messages(made: bp.Cluster, *names: str) -> list[tuple[str, str, str]]:
    """Give the messages of these names in the trace: what, from where, to where."""
    found = made.trace.of_kind("message")
    return [(each.message, each.node, each.to) for each in found if each.message in names]


def run(made: bp.Cluster, body: Any, node: int = MASTER, **options: Any) -> bp.Outcome:
    """Let a program run on a node, and what it starts; nothing may be left."""
    made.install("/usr/bin/body", body, on="master,all")
    out = made.execve("/usr/bin/body", from_node=node, **options)
    assert out.exception is None, out.exception
    assert_clean(made)
    return out


# ---- the end of a child ------------------------------------------------------------------------------

# Where the parent is, where the child, and how many messages there are between its end and his hearing of it.
WAYS = [
    pytest.param(MASTER, MASTER, 0, id="both on the master"),
    pytest.param(MASTER, 1, 1, id="parent on the master"),
    pytest.param(1, 1, 0, id="both on a slave"),
    pytest.param(1, MASTER, 1, id="child on the master"),
    pytest.param(1, 2, 2, id="on two slaves"),
]


@pytest.mark.parametrize(("where", "child_on", "hops"), WAYS)
def test_a_parent_hears_of_an_end_when_the_message_has_come(where: int, child_on: int, hops: int) -> None:
    at = dict[str, int]()

    def child(proc: bp.BprocProc) -> Steps:
        if child_on != where:
            yield from proc.bproc_move(child_on)
        yield from proc.sleep(5 * ms)
        at["ends"] = made.sim.now_ns
        return 3

    def heard(proc: bp.Proc, signum: int) -> None:
        at["signalled"] = made.sim.now_ns

    def parent(proc: bp.Proc) -> Steps:
        yield from proc.sigaction(bp.SIGCHLD, heard, restart=True)
        pid = yield from proc.fork(child)
        waited = yield from proc.wait()
        at["waited"] = made.sim.now_ns
        assert (waited.pid, waited.exit_status) == (pid, 3)
        with pytest.raises(ChildProcessError):
            yield from proc.wait()

    made = cluster()
    run(made, parent, where)
    assert at["waited"] - at["ends"] == at["signalled"] - at["ends"] == hops * HOP_NS


@pytest.mark.parametrize("node", [MASTER, 1])
def test_the_master_keeps_a_ghost_until_it_hears_that_somebody_waited(node: int) -> None:
    seen = list[Any]()

    def look() -> tuple[bool, bool]:
        return pids[0] in made.pids.table, pids[0] in made.machine(node).processes

    def parent(proc: bp.Proc) -> Steps:
        pids.append((yield from proc.fork(lambda child: 3)))
        yield from proc.sleep(5 * ms)
        seen.append(look())
        yield from proc.wait()
        seen.append(look())
        yield from proc.sleep(HOP_NS - 1)
        seen.append(look())
        yield from proc.sleep(2)
        seen.append(look())

    pids = list[int]()
    made = cluster()
    run(made, parent, node)
    if node == MASTER:
        assert seen == [(True, True), (False, False), (False, False), (False, False)]
    else:
        assert seen == [(True, True), (True, False), (True, False), (False, False)]
        assert messages(made, "EXIT", "WAIT")[:2] == [("EXIT", "node 1", "master"), ("WAIT", "node 1", "master")]


@pytest.mark.parametrize("where", [1, MASTER])
def test_who_ignores_sigchld_has_no_zombies_wherever_they_end(where: int) -> None:
    def child(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(2)

    def parent(proc: bp.Proc) -> Steps:
        yield from proc.sigaction(bp.SIGCHLD, bp.SIG_IGN)
        yield from proc.fork(child)
        yield from proc.fork(lambda proc: 0)
        with pytest.raises(ChildProcessError):
            yield from proc.wait()

    run(cluster(), parent, where)


def test_a_parent_that_moves_is_found_where_it_goes() -> None:
    """The news meet it on the way: they are sent to where it was, and on from there."""

    def child(proc: bp.BprocProc, end_ns: int) -> Steps:
        yield from proc.bproc_move(2)
        yield from proc.sleep(end_ns - made.sim.now_ns)
        return 3

    def parent(proc: bp.BprocProc) -> Steps:
        end_ns = int(proc.argv[1])
        pid = yield from proc.fork(child, end_ns)
        yield from proc.sleep(20 * ms - made.sim.now_ns)
        for node in (3, MASTER, 0):
            yield from proc.bproc_move(node)
        waited = yield from proc.waitpid(pid)
        assert (waited.exit_status, proc.node) == (3, 0)

    for end_ns in range(20 * ms, 28 * ms, 190_000):
        made = cluster(trace="errors")
        made.install("/usr/bin/body", parent, on="master,all")
        out = made.execve("/usr/bin/body", ["body", str(end_ns)], from_node=1)
        assert out.exit_status == 0, out.exception
        made.sim.run()
        assert_clean(made)


def test_with_the_master_dies_what_it_would_have_said() -> None:
    """A child on the master dies with it; its parent on a slave never hears so: it is killed like all there."""
    at = dict[str, int]()

    def child(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(MASTER)
        yield from proc.pause()

    def heard(proc: bp.Proc, signum: int) -> None:
        at["signalled"] = made.sim.now_ns

    def parent(proc: bp.Proc) -> Steps:
        yield from proc.sigaction(bp.SIGCHLD, heard, restart=True)
        yield from proc.fork(child)
        yield from proc.wait()

    made = cluster(faults=[bp.PowerOff(MASTER, at_ns=7 * s)])
    made.install("/usr/bin/body", parent, on="1")
    out = made.execve("/usr/bin/body", from_node=1)
    assert (out.signal, at) == (bp.SIGKILL, {})
    assert 7 * s + 15 * s <= out.elapsed_ns <= 7 * s + 30 * s


def test_a_parent_waits_for_its_child_though_the_master_has_gone_and_nobody_knows() -> None:
    waited = list[Any]()

    def child(proc: bp.Proc) -> Steps:
        yield from proc.sleep(8 * s)
        return 3

    def parent(proc: bp.Proc) -> Steps:
        pid = yield from proc.fork(child)
        found = yield from proc.waitpid(pid)
        waited.append((found.pid == pid, found.exit_status, 8 * s < made.sim.now_ns < 9 * s))
        yield from proc.pause()

    made = cluster(faults=[bp.PowerOff(MASTER, at_ns=7 * s)])
    made.install("/usr/bin/body", parent, on="1")
    assert made.execve("/usr/bin/body", from_node=1).signal == bp.SIGKILL
    assert waited == [(True, 3, True)]


@pytest.mark.parametrize("after_ns", [1, HOP_NS // 2, HOP_NS - 1, HOP_NS + 1])
def test_a_daemon_that_ends_while_it_is_told_of_a_wait_leaves_nothing(after_ns: int) -> None:
    waited_ns = list[int]()

    def parent(proc: bp.Proc) -> Steps:
        yield from proc.fork(lambda child: 0)
        yield from proc.sleep(10 * ms)
        yield from proc.wait()
        waited_ns.append(made.sim.now_ns)
        yield from proc.sleep(10 * ms)

    made = cluster()
    run(made, parent, 1)
    made = cluster(faults=[bp.MasterDaemonExit(at_ns=waited_ns[0] + after_ns)])
    made.install("/usr/bin/body", parent, on="1")
    assert made.execve("/usr/bin/body", from_node=1).signal == bp.SIGKILL
    assert (len(waited_ns), made.bpmaster.waits) == (2, {})
    assert_clean(made)


@pytest.mark.parametrize("at_ns", [10 * ms + 1, 10 * ms + CALL_NS + 1, 10 * ms + 50_000, 11 * ms])
@pytest.mark.parametrize("kind", [bp.PowerOff, lambda node, at_ns: bp.LinkCut(MASTER, node, at_ns)])
def test_news_that_are_lost_with_a_slave_leave_nothing_behind(kind: Any, at_ns: int) -> None:
    """A child ended, and its parent there has waited or will; the master hears of neither."""

    def parent(proc: bp.Proc) -> Steps:
        yield from proc.fork(lambda child: child.sleep(10 * ms - made.sim.now_ns))
        yield from proc.wait()
        yield from proc.pause()

    made = cluster(faults=[kind(1, at_ns=at_ns)])
    out = run(made, parent, 1)
    assert out.signal == bp.SIGKILL
    assert made.bpmaster.waits == {}


def test_a_number_that_is_free_again_is_not_freed_by_old_news() -> None:
    """What a slave had sent before it was given up does not arrive once the link is mended."""

    def parent(proc: bp.Proc) -> Steps:
        yield from proc.fork(lambda child: 0)
        yield from proc.sleep(10 * ms)
        yield from proc.wait()
        yield from proc.pause()

    made = cluster(faults=[bp.LinkCut(MASTER, 1, at_ns=9 * ms, until_ns=50 * s)])
    made.pids.last = 1003
    made.install("/usr/bin/body", parent, on="1")
    assert made.execve("/usr/bin/body", from_node=1).signal == bp.SIGKILL
    idle = [made.idle_process() for _ in range(3)]
    assert [each.pid for each in idle] == [1003, 1001, 1002]
    made.sim.run(until_ns=60 * s)
    assert sorted(made.pids.table) == [1001, 1002, 1003]


# ---- orphans -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trace", ["all", "errors"])
@pytest.mark.parametrize(("child_on", "hops"), [(MASTER, 1), (1, 0), (2, 2)])
def test_an_orphan_learns_so_by_a_message(child_on: int, hops: int, trace: str) -> None:
    """Also where nobody sees that message, and the instant stands for it."""
    at, seen = dict[str, int](), list[Any]()

    def child(proc: bp.BprocProc) -> Steps:
        if child_on != 1:
            yield from proc.bproc_move(child_on)
        yield from proc.sleep(10 * ms - made.sim.now_ns)
        for wait_ns in (hops * HOP_NS - 1, 1, 1):
            if wait_ns > 0:
                yield from proc.sleep(wait_ns)
            seen.append(proc.ppid == 1)
        yield from proc.sleep(10 * ms)  # it is there when the master hears of its parent's end
        seen.append(proc.ppid == 1)

    def parent(proc: bp.Proc) -> Steps:
        yield from proc.fork(child)
        yield from proc.sleep(10 * ms - made.sim.now_ns)
        at["ends"] = made.sim.now_ns

    made = cluster(trace=trace)
    run(made, parent, 1)
    assert at["ends"] == 10 * ms
    assert seen[-1]
    assert seen[-2]
    assert seen[0] is (hops == 0)
    if trace == "all":
        assert len(messages(made, "PARENT_EXIT")) == (1 if child_on == 2 else 0)


@pytest.mark.parametrize("order", ["fifo", "random"])
def test_what_is_kept_in_the_trace_changes_no_time(order: str) -> None:
    """Not that at which nobody can act any more, with an orphan that waits for ever elsewhere."""

    def child(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(2)
        yield from proc.pause()

    def parent(proc: bp.Proc) -> Steps:
        yield from proc.fork(child)
        yield from proc.sleep(50 * ms)

    ends = []
    for trace in ("all", "errors", "off"):
        made = cluster(trace=trace, order=order)
        made.install("/usr/bin/parent", parent)
        made.popen(["/usr/bin/parent"])
        with pytest.raises(bp.Deadlock):
            made.sim.run()
        ends.append(made.sim.now_ns)
    assert ends == [ends[0]] * 3


def test_an_orphan_behind_a_cut_link_learns_so_once_that_is_mended() -> None:
    seen = list[tuple[int, bool]]()

    def child(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(2)
        for _ in range(6):
            yield from proc.sleep(10 * ms)
            seen.append((made.sim.now_ns, proc.ppid == 1))

    def parent(proc: bp.Proc) -> Steps:
        yield from proc.fork(child)
        yield from proc.sleep(25 * ms)

    cut = bp.LinkCut(MASTER, 2, at_ns=20 * ms, until_ns=45 * ms)
    made = cluster(trace="errors", faults=[cut])
    run(made, parent)
    assert [knows for _, knows in seen] == sorted(knows for _, knows in seen)
    assert {knows for at_ns, knows in seen if at_ns < 45 * ms} == {False}
    assert {knows for at_ns, knows in seen if at_ns > 46 * ms} == {True}


def test_nobody_tells_a_child_that_has_ended() -> None:
    def child(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(2)

    def parent(proc: bp.Proc) -> Steps:
        yield from proc.fork(child)
        yield from proc.sleep(100 * ms)

    made = cluster()
    run(made, parent, 1)
    assert messages(made, "PARENT_EXIT") == []


def test_an_orphan_of_a_lost_node_lives_on_elsewhere() -> None:
    seen = list[Any]()

    def child(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(2)
        seen.append(proc.ppid)
        yield from proc.sleep(100 * s)
        seen.append(proc.ppid)

    def parent(proc: bp.Proc) -> Steps:
        yield from proc.fork(child)
        yield from proc.pause()

    made = cluster(faults=[bp.PowerOff(1, at_ns=1 * s)])
    out = run(made, parent, 1)
    assert (out.signal, seen) == (bp.SIGKILL, [out.pid, 1])


# ---- stop and continue -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("where", "child_on", "hops"), WAYS)
def test_a_parent_hears_that_a_child_was_stopped(where: int, child_on: int, hops: int) -> None:
    at = list[int]()

    def child(proc: bp.BprocProc) -> Steps:
        if child_on != where:
            yield from proc.bproc_move(child_on)
        yield from proc.sleep(10 * ms - made.sim.now_ns)
        yield from proc.kill(proc.pid, bp.SIGSTOP)
        return 3

    def parent(proc: bp.Proc) -> Steps:
        pid = yield from proc.fork(child)
        waited = yield from proc.waitpid(pid, bp.WUNTRACED)
        at.append(made.sim.now_ns)
        assert (waited.stopped, waited.signal) == (True, bp.SIGSTOP)
        assert (yield from proc.waitpid(pid, bp.WUNTRACED | bp.WNOHANG)) is None  # it tells so once
        yield from proc.kill(pid, bp.SIGCONT)
        assert (yield from proc.waitpid(pid, bp.WUNTRACED)).exit_status == 3

    made = cluster()
    run(made, parent, where)
    assert at == [10 * ms + COSTS.signal_ns + hops * HOP_NS]


def test_one_that_goes_on_before_anybody_asks_was_never_stopped() -> None:
    def child(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(2)
        yield from proc.pause()

    def parent(proc: bp.Proc) -> Steps:
        pid = yield from proc.fork(child)
        yield from proc.sleep(10 * ms)
        for signum in (bp.SIGSTOP, bp.SIGCONT):
            yield from proc.kill(pid, signum)
            yield from proc.sleep(10 * ms)
        assert (yield from proc.waitpid(pid, bp.WUNTRACED | bp.WNOHANG)) is None
        yield from proc.kill(pid, bp.SIGSTOP)
        yield from proc.kill(pid, bp.SIGKILL)
        yield from proc.sleep(10 * ms)
        assert (yield from proc.waitpid(pid, bp.WUNTRACED)).signal == bp.SIGKILL

    made = cluster()
    run(made, parent, 1)
    assert [each[0] for each in messages(made, "STOP", "CONT")][:2] == ["STOP", "STOP"]  # node 2, master, node 1


# ---- signals ---------------------------------------------------------------------------------------------


def test_a_kill_on_a_slave_is_made_there_or_by_the_ghost() -> None:
    """Who is on the node is signalled at once; for others the caller waits for what the master says."""
    took = dict[str, int]()

    def stays(proc: bp.BprocProc, node: int) -> Steps:
        if node != 1:
            yield from proc.bproc_move(node)
        yield from proc.pause()

    def parent(proc: bp.Proc) -> Steps:
        for name, node in (("here", 1), ("there", 2), ("home", MASTER)):
            pid = yield from proc.fork(stays, node)
            yield from proc.sleep(10 * ms)
            began_ns = made.sim.now_ns
            yield from proc.kill(pid, bp.SIGTERM)
            took[name] = made.sim.now_ns - began_ns
            assert (yield from proc.waitpid(pid)).signal == bp.SIGTERM
        began_ns = made.sim.now_ns
        with pytest.raises(ProcessLookupError):
            yield from proc.kill(30_000, bp.SIGTERM)
        took["nobody"] = made.sim.now_ns - began_ns

    made = cluster()
    run(made, parent, 1)
    assert took.pop("here") == COSTS.signal_ns
    # Two messages, which may have to wait until others have left.
    assert all(2 * HOP_NS <= each - COSTS.signal_ns <= 3 * HOP_NS for each in took.values()), took
    assert [each[0] for each in messages(made, "SYS_KILL", "FWD_SIG")] == [
        "SYS_KILL",
        "FWD_SIG",
        "SYS_KILL",
        "SYS_KILL",
    ]


def test_the_ghost_may_signal_whom_the_process_may() -> None:
    alice = bp.Credentials(500, 500)

    def parent(proc: bp.Proc) -> Steps:
        for pid in map(int, proc.argv[1:]):
            with pytest.raises(PermissionError):
                yield from proc.kill(pid, bp.SIGTERM)

    made = cluster()
    idle = [made.idle_process(node=node) for node in (MASTER, 1, 2)]
    made.install("/usr/bin/body", parent, on="all")
    out = made.execve("/usr/bin/body", ["body", *(str(each.pid) for each in idle)], from_node=1, user=alice)
    assert out.exit_status == 0, out.exception


def test_a_group_is_signalled_on_the_slave_and_again_by_the_ghost() -> None:
    hits = list[tuple[int, int]]()

    def member(proc: bp.BprocProc, node: int) -> Steps:
        def hit(proc: bp.Proc, signum: int) -> None:
            hits.append((proc.node, made.sim.now_ns))

        yield from proc.sigaction(bp.SIGUSR1, hit, restart=True)
        if node != 1:
            yield from proc.bproc_move(node)
        yield from proc.compute(60 * ms - made.sim.now_ns)

    def parent(proc: bp.Proc) -> Steps:
        yield from proc.sigaction(bp.SIGUSR1, bp.SIG_IGN)
        for node in (1, 2, MASTER):
            yield from proc.fork(member, node)
        yield from proc.sleep(50 * ms - made.sim.now_ns)
        yield from proc.kill(0, bp.SIGUSR1)
        for _ in range(3):
            yield from proc.wait()

    made = cluster()
    run(made, parent, 1)
    sent_ns = 50 * ms + COSTS.signal_ns
    assert hits[0] == (1, sent_ns)
    assert [node for node, _ in hits[1:]] == [MASTER, 1, 2]
    assert hits[1][1] == sent_ns + HOP_NS
    assert all(at_ns >= sent_ns + 2 * HOP_NS for _, at_ns in hits[2:])


def test_who_waits_for_the_master_is_killed_when_its_node_gives_it_up() -> None:
    def parent(proc: bp.Proc) -> Steps:
        yield from proc.sleep(1 * s)
        yield from proc.kill(30_000, bp.SIGTERM)

    made = cluster(faults=[bp.LinkCut(MASTER, 1, at_ns=ms)])
    assert run(made, parent, 1).signal == bp.SIGKILL


# ---- groups and sessions -----------------------------------------------------------------------------------


def test_groups_and_sessions_are_the_masters() -> None:
    """They span nodes, and what a process on a slave changes about them the master decides."""
    took = list[int]()

    def child(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(2)
        began_ns = made.sim.now_ns
        yield from proc.setsid()
        took.append(made.sim.now_ns - began_ns)
        with pytest.raises(PermissionError):
            yield from proc.setpgid(0, 0)  # it leads a session
        yield from proc.pause()

    def parent(proc: bp.Proc) -> Steps:
        pid = yield from proc.fork(child)
        began_ns = made.sim.now_ns
        with pytest.raises(PermissionError):
            yield from proc.setpgid(0, 0)  # it leads a session
        took.append(made.sim.now_ns - began_ns)
        yield from proc.sleep(20 * ms)
        with pytest.raises(PermissionError):
            yield from proc.setpgid(pid, pid)  # it is in another session by now
        with pytest.raises(ChildProcessError):
            yield from proc.waitpid(0)
        yield from proc.kill(-pid, bp.SIGTERM)
        assert (yield from proc.waitpid(-pid)).signal == bp.SIGTERM

    for node, hops in ((MASTER, 0), (1, 2)):
        took.clear()
        made = cluster()
        run(made, parent, node)
        assert took == [CALL_NS + hops * HOP_NS, CALL_NS + 2 * HOP_NS]
        assert {each.pid for each in made.trace.of_kind("message")} == {0}, "daemons send them, not processes"
        asked = [each[0] for each in messages(made, "SYS_SETSID", "SYS_SETPGID")]
        own = [] if node == MASTER else ["SYS_SETPGID"]
        assert asked == [*own, "SYS_SETSID", "SYS_SETPGID", *own]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda proc: proc.setpgid(0, 0), "setpgid(0, 0), which the master decides"),
        (lambda proc: proc.setsid(), "setsid(), which the master decides"),
        (lambda proc: proc.libc.kill(1, 0), "kill(1, 0), which its ghost on the master makes"),
    ],
)
def test_who_has_his_ghost_do_it_says_so_meanwhile(call: Callable[[bp.BprocProc], Steps], words: str) -> None:
    def asks(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(1)
        asks_at_ns.append(made.sim.now_ns)
        yield from call(proc)

    made, asks_at_ns = cluster(), list[int]()
    asking = made.popen(asks)
    while not asks_at_ns:
        made.sim.run(until_ns=made.sim.now_ns + CALL_NS)
    made.sim.run(until_ns=asks_at_ns[0] + COSTS.signal_ns + CALL_NS + HOP_NS)
    (line,) = made.sim.waiting()
    assert line.startswith(f"  pid {asking.pid} (asks) on node 1 waits in {words} since ")
    assert asking.wait() == 0
    assert_clean(made)


# ---- what a cut does to messages ----------------------------------------------------------------------------


@pytest.mark.parametrize(("until_ns", "hit"), [(20 * s, True), (60 * s, False)])
def test_a_message_outlives_a_short_cut_and_is_lost_with_its_connection(until_ns: int, hit: bool) -> None:
    """A process on a slave signals one on the master while nothing passes between them."""

    def signals(proc: bp.BprocProc) -> Steps:
        yield from proc.sleep(14 * s)
        yield from proc.kill(int(proc.argv[1]), bp.SIGTERM)

    made = cluster(faults=[bp.LinkCut(MASTER, 1, at_ns=13 * s, until_ns=until_ns)])
    made.install("/usr/bin/signals", signals, on="1")
    target = made.popen("/usr/bin/stays")
    out = made.execve("/usr/bin/signals", ["signals", str(target.pid)], from_node=1)
    assert out.signal == (None if hit else bp.SIGKILL)
    made.sim.run(until_ns=100 * s)
    assert target.poll() == (-15 if hit else None)


@pytest.mark.parametrize(("where", "there"), [(MASTER, False), (1, True), (3, False)])
def test_a_zombie_is_where_its_parent_can_wait_for_it(where: int, there: bool) -> None:
    """On its node if its parent is there too; else its ghost alone is left."""
    seen = list[Any]()

    def child(proc: bp.BprocProc) -> Steps:
        if where != 1:
            yield from proc.bproc_move(1)

    def parent(proc: bp.Proc) -> Steps:
        pid = yield from proc.fork(child)
        yield from proc.sleep(50 * ms)
        seen.append((pid in made.pids.table, pid in made.machine(1).processes))
        yield from proc.wait()

    made = cluster()
    run(made, parent, where)
    assert seen == [(True, there)]


def test_the_iod_of_a_slave_goes_with_the_daemon() -> None:
    """Also where nothing will ever arrive any more to end it: what it read from is cut off."""
    made = cluster(faults=[bp.LinkCut(1, 2, at_ns=20 * ms), bp.MasterDaemonExit(at_ns=30 * ms)])
    assert made.bproc_execmove(2, "/usr/bin/stays", from_node=1).signal == bp.SIGKILL
    assert made.sim.now_ns < 40 * ms
    assert_clean(made)
