"""The steps of an execmove: in order, where they belong, and what a process is on its way."""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import KiB, ms
from tests.bproc.worlds import HELLO, MASTER, STEPS, Steps, assert_clean, cluster, machines, say

WAYS = [
    pytest.param(MASTER, 2, id="to a slave"),
    pytest.param(1, 2, id="between slaves"),
    pytest.param(1, -1, id="home"),
]


def place(number: int) -> str:
    """Name a machine as the trace does."""
    return "master" if number == MASTER else f"node {number}"


def forks(target: int, cmd: str = HELLO, status: list[Any] | None = None) -> Any:
    """Make a program that forks a child, which goes to `target`, and waits for it."""

    def child(proc: bp.BprocProc) -> Steps:
        yield from say(proc, "child", proc.pid, proc.ppid)
        yield from proc.bproc_execmove(target, cmd, [cmd.rpartition("/")[2]], {})

    def forking(proc: bp.Proc) -> Steps:
        pid = yield from proc.fork(child)
        waited = yield from proc.waitpid(pid)
        assert waited.pid == pid
        if status is not None:
            status.append(waited)
        return waited.exit_status

    return forking


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_the_steps_come_in_order_on_the_right_machines(source: int, target: int) -> None:
    made = cluster()
    assert made.bproc_execmove(target, HELLO, from_node=source).exit_status == 3
    records = made.trace.of_kind("step")
    assert [record.step for record in records] == list(STEPS)
    on_source = ("ENTRY", "ARGUMENTS", "EXEC", "SUID_CHECK", "MOVE_REQUEST", "GHOST", "HANDOVER")
    where = {
        step: source if step in on_source else MASTER if step in ("ROUTE", "FORWARD_RESPONSE") else target
        for step in STEPS
    }
    assert {record.step: record.node for record in records} == {step: place(where[step]) for step in STEPS}
    instants = [record.at_ns for record in records]
    assert instants == sorted(instants)
    assert len({record.pid for record in records}) == 1
    assert_clean(made)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_so_they_do_for_the_child_of_a_program_and_the_parent_sees_one_ordinary_exit(source: int, target: int) -> None:
    made, seen = cluster(), list[Any]()
    made.install("/usr/bin/forks", forks(target, status=seen), on=source)
    out = made.execve("/usr/bin/forks", from_node=source)
    assert out.exit_status == 3
    assert [(each.exit_status, each.signal, each.stopped) for each in seen] == [(3, None, False)]
    assert [record.step for record in made.trace.of_kind("step")] == list(STEPS)
    assert len([record for record in made.trace.of_kind("exit") if record.pid == seen[0].pid]) == 1
    assert_clean(made)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_pid_family_and_session_stay(source: int, target: int) -> None:
    """Neither the numbers nor the parent change, wherever a process is."""

    def tells(proc: bp.Proc) -> Steps:
        process = proc.thread.process
        yield from proc.print(proc.node, proc.pid, proc.ppid, process.pgid, process.sid)

    def child(proc: bp.BprocProc) -> Steps:
        process = proc.thread.process
        yield from proc.setpgid(0, 0)
        yield from proc.print(proc.node, proc.pid, proc.ppid, process.pgid, process.sid)
        yield from proc.bproc_execmove(target, "/usr/bin/tells", ["tells"], {})

    def forking(proc: bp.Proc) -> Steps:
        yield from proc.fork(child)
        yield from proc.wait()

    made = cluster()
    made.install("/usr/bin/tells", tells, on=source)
    made.install("/usr/bin/forking", forking, on=source)
    out = made.execve("/usr/bin/forking", from_node=source)
    before, after = [[int(word) for word in line.split()] for line in out.text.splitlines()]
    assert before == [source, *after[1:]]
    assert after[0] == target
    pid, parent, group, session = after[1:]
    assert (parent, group, session) == (out.pid, pid, out.pid)


def test_pid_family_and_session_stay_when_the_caller_leads_a_session() -> None:
    def tells(proc: bp.Proc) -> Steps:
        process = proc.thread.process
        yield from proc.print(proc.pid, process.pgid, process.sid)

    def leads(proc: bp.BprocProc) -> Steps:
        yield from proc.setsid()
        yield from proc.bproc_execmove(2, "/usr/bin/tells", ["tells"], {})

    def forking(proc: bp.Proc) -> Steps:
        pid = yield from proc.fork(leads)
        yield from proc.wait()
        yield from proc.print(pid, pid, pid)

    made = cluster()
    made.install("/usr/bin/tells", tells)
    made.install("/usr/bin/forking", forking)
    told, expected = made.execve("/usr/bin/forking").text.splitlines()
    assert told == expected


def test_the_parent_number_is_1_once_the_parent_has_ended() -> None:
    seen = []

    def outlives(proc: bp.Proc) -> Steps:
        seen.append(proc.ppid)
        yield from proc.sleep(20 * ms)
        seen.append(proc.ppid)

    def child(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_execmove(2, "/usr/bin/outlives", ["outlives"], {})

    def short(proc: bp.Proc) -> Steps:
        yield from proc.fork(child)
        yield from proc.sleep(10 * ms)

    made = cluster()
    made.install("/usr/bin/outlives", outlives)
    made.install("/usr/bin/short", short)
    out = made.execve("/usr/bin/short")
    assert seen == [out.pid, 1]
    assert_clean(made)


# ---- looking in while it is under way --------------------------------------------------------------


def watch(made: bp.Cluster, every_ns: int, look: Any) -> None:
    """Call `look()` again and again while the world goes on."""

    def watching() -> Any:
        while True:
            look()
            yield made.sim.env.timeout(every_ns)

    made.sim.env.process(watching())


def instants_of(made: bp.Cluster) -> dict[str, int]:
    """Tell when each step was."""
    return {record.step: record.at_ns for record in made.trace.of_kind("step")}


def ghosts(made: bp.Cluster) -> list[Any]:
    """Give the ghosts that the master's process list shows."""
    return [each for each in made.master.processes.values() if type(each).__name__ == "Ghost"]


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_there_is_one_ghost_while_it_is_away(source: int, target: int) -> None:
    """From its birth on a slave, or from its exec on the master, until it is home, or over."""
    made, seen = cluster(), list[tuple[int, int, list[int]]]()
    watch(made, 50_000, lambda: seen.append((made.sim.now_ns, len(ghosts(made)), [g.node for g in ghosts(made)])))
    out = made.bproc_execmove(target, HELLO, from_node=source)
    at = instants_of(made)
    assert {count for at_ns, count, _ in seen if at["GHOST"] < at_ns <= at["RESPONSE"]} == {1}
    away = [(count, nodes) for at_ns, count, nodes in seen if at_ns > at["RUN"] and at_ns < out.elapsed_ns]
    assert away and all(each == ((0, []) if target == MASTER else (1, [target])) for each in away)
    assert ghosts(made) == []
    on_the_way = [nodes for at_ns, _, nodes in seen if at["ROUTE"] < at_ns < at["RUN"]]
    assert on_the_way and all(nodes == [target] for nodes in on_the_way)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_memory_is_taken_where_the_process_is_and_given_back(source: int, target: int) -> None:
    made, seen = cluster(), list[tuple[int, int, int]]()

    @bp.program(memory_bytes=256 * KiB)
    def big(proc: bp.Proc) -> Steps:
        yield from proc.sleep(10 * ms)

    made.install("/usr/bin/big", big, on=source)
    here, there = made.machine(source), made.machine(target)
    watch(made, 20_000, lambda: seen.append((made.sim.now_ns, here.memory.used_bytes, there.memory.used_bytes)))
    out = made.bproc_execmove(target, "/usr/bin/big", from_node=source)
    assert out.exit_status == 0
    at, needed = instants_of(made), max(used for _, _, used in seen)
    assert needed > 256 * KiB
    ended_ns = made.trace.of_kind("exit")[0].at_ns
    for at_ns, used_here, used_there in seen:
        # The caller's node lets go when all is handed over, the target has it once it is thawed.
        assert used_here == (needed if 0 < at_ns < at["HANDOVER"] else 0 if at_ns != 0 else used_here)
        if at_ns != at["THAW"]:
            assert used_there == (needed if at["THAW"] < at_ns < ended_ns else 0)
    assert_clean(made)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_the_callers_descriptors_are_closed_at_the_hand_over_neither_earlier_nor_later(
    source: int, target: int
) -> None:
    ends = list[int]()

    def child(proc: bp.BprocProc, reading: int, writing: int) -> Steps:
        yield from proc.close(reading)
        yield from proc.bproc_execmove(target, "/usr/bin/stays", ["stays"], {})

    def holds(proc: bp.Proc) -> Steps:
        reading, writing = yield from proc.pipe()
        pid = yield from proc.fork(child, reading, writing)
        yield from proc.close(writing)
        assert (yield from proc.read(reading, 1)) == b""
        ends.append(made.sim.now_ns)
        yield from proc.kill(pid, bp.SIGTERM)
        yield from proc.wait()

    made = cluster()
    made.install("/usr/bin/holds", holds, on=source)
    assert made.execve("/usr/bin/holds", from_node=source).exit_status == 0
    assert ends == [instants_of(made)["HANDOVER"]]
    assert_clean(made)


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_a_file_is_busy_on_the_callers_node_until_the_hand_over(source: int, target: int) -> None:
    made, seen = cluster(), list[tuple[int, int]]()
    tree = made.machine(source).tree
    hello = next(number for number, inode in tree.inodes.items() if b"hello" in (inode.data or b"")[-400:])
    watch(made, 20_000, lambda: seen.append((made.sim.now_ns, tree.inodes[hello].running)))
    made.bproc_execmove(target, HELLO, from_node=source)
    at = instants_of(made)
    assert {running for at_ns, running in seen if 0 < at_ns < at["HANDOVER"]} == {1}
    assert {running for at_ns, running in seen if at_ns > at["HANDOVER"]} == {0}


# ---- what travels ----------------------------------------------------------------------------------


def moves_with(prepare: Any, tell: Any, **options: Any) -> bp.Outcome:
    """Let a program prepare itself, move to node 2, and tell there."""

    def prepared(proc: bp.BprocProc) -> Steps:
        yield from prepare(proc)
        yield from proc.bproc_execmove(2, "/usr/bin/tell", ["tell", "a", "", "b c"], {"HOME": "/root", "X": "1=2"})

    made = cluster(**options)
    made.install("/usr/bin/prepared", prepared)
    made.install("/usr/bin/tell", tell)
    made.master.fs.mkdir("/scratch/u", parents=True)
    made.master.fs.mkdir("/both")
    made.nodes[2].fs.mkdir("/both")
    made.nodes[2].fs.write_file("/scratch", b"a file here")
    out = made.execve("/usr/bin/prepared", [], {"OLD": "gone"})
    assert out.exception is None, out.exception
    return out


def nothing(proc: bp.Proc) -> Steps:
    """Prepare nothing."""
    yield from proc.sleep(0)


def test_arguments_and_environment_travel() -> None:
    def tell(proc: bp.Proc) -> Steps:
        yield from proc.print(proc.argv, proc.env)

    assert moves_with(nothing, tell).text == "['tell', 'a', '', 'b c'] {'HOME': '/root', 'X': '1=2'}\n"


def test_blocked_and_pending_and_ignored_signals_travel_and_handlers_are_reset() -> None:
    def handler(proc: bp.Proc, signum: int) -> None:
        raise AssertionError("this code is gone")

    def prepare(proc: bp.Proc) -> Steps:
        yield from proc.sigprocmask(bp.SIG_BLOCK, [bp.SIGUSR1, bp.SIGUSR2])
        yield from proc.sigaction(bp.SIGHUP, bp.SIG_IGN)
        yield from proc.sigaction(bp.SIGINT, handler)
        yield from proc.kill(proc.pid, bp.SIGUSR1)

    def tell(proc: bp.Proc) -> Steps:
        process = proc.thread.process
        handlers = [(int(signum), action.name) for signum, action in process.handlers.items()]
        yield from proc.print([*map(int, sorted(process.blocked))], [*map(int, process.pending)], handlers)
        yield from proc.sigprocmask(bp.SIG_UNBLOCK, [bp.SIGUSR1])

    out = moves_with(prepare, tell)
    assert out.text == f"[{int(bp.SIGUSR1)}, {int(bp.SIGUSR2)}] [{int(bp.SIGUSR1)}] [({int(bp.SIGHUP)}, 'IGNORE')]\n"
    assert out.signal == bp.SIGUSR1


def test_an_alarm_does_not_travel() -> None:
    def prepare(proc: bp.Proc) -> Steps:
        yield from proc.alarm(1)

    def tell(proc: bp.Proc) -> Steps:
        yield from proc.sleep(3000 * ms)

    assert moves_with(prepare, tell).exit_status == 0


def test_identity_travels() -> None:
    def tells(proc: bp.Proc) -> Steps:
        yield from proc.print(proc.uid, proc.gid, proc.euid, proc.egid, proc.thread.process.credentials.groups)

    made = cluster()
    made.install("/usr/bin/tells", tells, mode=0o6755, uid=7, gid=8)
    alice = made.user("alice", 500, 501, groups=(502,))
    assert made.bproc_execmove(2, "/usr/bin/tells", user=alice).text == "500 501 7 8 (502,)\n"


@pytest.mark.parametrize(("there", "expected"), [("/both", "/both"), ("/scratch/u", "/"), ("/", "/")])
def test_the_directory_is_entered_by_its_name_or_else_the_root(there: str, expected: str) -> None:
    """A27: a directory that is absent there, or is a file, or lies below one."""

    def tell(proc: bp.Proc) -> Steps:
        yield from proc.print(proc.cwd)

    made = cluster()
    made.install("/usr/bin/tell", tell)
    made.master.fs.mkdir("/scratch/u", parents=True)
    for fs in (made.master.fs, made.nodes[2].fs):
        fs.mkdir("/both")
    assert made.bproc_execmove(2, "/usr/bin/tell", cwd=there).text == expected + "\n"


@pytest.mark.parametrize(("there", "found"), [("/both", b"below"), ("/here", b"above")])
def test_names_are_looked_for_from_there(there: str, found: bytes) -> None:
    def reads(proc: bp.Proc) -> Steps:
        fd = yield from proc.open("file")
        yield from proc.write(1, (yield from proc.read(fd)))

    made = cluster()
    made.install("/usr/bin/reads", reads)
    for fs in (made.master.fs, made.nodes[2].fs):
        fs.mkdir("/both")
        fs.write_file("/both/file", b"below")
        fs.write_file("/file", b"above")
    made.master.fs.mkdir("/here")
    made.master.fs.write_file("/here/file", b"the wrong one")
    assert made.bproc_execmove(2, "/usr/bin/reads", cwd=there).stdout == found


def test_what_is_sent_has_a_size() -> None:
    made = cluster()
    made.bproc_execmove(2, HELLO, from_node=1)
    sizes = {(record.message, record.size_bytes) for record in made.trace.of_kind("message")}
    (image,) = [size for message, size in sizes if message == "image"]
    assert image > len(made.nodes[1].fs.read_file(HELLO))
    assert sizes == {("MOVE", 512), ("MOVE response", 512), ("EXIT", 512), ("image", image)}


def test_a_directory_that_cannot_be_entered_there_is_the_root() -> None:
    def tell(proc: bp.Proc) -> Steps:
        yield from proc.print(proc.cwd)

    made = cluster()
    made.install("/usr/bin/tell", tell)
    made.master.fs.mkdir("/private")
    made.nodes[2].fs.mkdir("/private", mode=0o700)
    alice = made.user("alice", 500, 500)
    assert made.bproc_execmove(2, "/usr/bin/tell", cwd="/private", user=alice).text == "/\n"
    assert made.bproc_execmove(2, "/usr/bin/tell", cwd="/private").text == "/private\n"


def test_open_files_do_not_travel_whatever_their_number() -> None:
    def prepare(proc: bp.Proc) -> Steps:
        yield from proc.pipe()
        yield from proc.open("/etc", 0)

    def tell(proc: bp.Proc) -> Steps:
        yield from proc.print(sorted(proc.thread.process.descriptors))

    assert moves_with(prepare, tell).text == "[0, 1, 2]\n"


def test_only_the_caller_becomes_the_new_image() -> None:
    """The other threads of its process stop at the exec."""
    late = list[int]()

    def other(proc: bp.Proc) -> Steps:
        while True:
            yield from proc.sleep(100_000)
            late.append(made.sim.now_ns)

    def threaded(proc: bp.BprocProc) -> Steps:
        yield from proc.thread_create(other)
        yield from proc.sleep(1 * ms)
        yield from proc.bproc_execmove(2, HELLO, ["hello"], {})

    made = cluster()
    made.install("/usr/bin/threaded", threaded)
    assert made.execve("/usr/bin/threaded").exit_status == 3
    assert late and max(late) <= instants_of(made)["ENTRY"]


def test_a_process_may_move_again_and_again() -> None:
    """A45: home, to take there what only the master has, and out again; each time with the same number."""

    def tour(proc: bp.BprocProc) -> Steps:
        yield from say(proc, proc.node, proc.pid)
        left = proc.argv[1:]
        if left:
            yield from proc.bproc_execmove(int(left[0]), "/usr/bin/tour", ["tour", *left[1:]], {})

    made = cluster()
    made.install("/usr/bin/tour", tour, on="master,all")
    out = made.bproc_execmove(0, "/usr/bin/tour", ["tour", "-1", "3", "1", "-1", "2"])
    assert out.text.split() == [word for node in (0, -1, 3, 1, -1, 2) for word in (str(node), str(out.pid))]
    assert_clean(made)


def test_no_machine_is_left_with_anything() -> None:
    made = cluster()
    for target in (0, 1, 2, 3):
        assert made.bproc_execmove_io(target, 4000, HELLO).stderr == b"err of node %d\n" % target
    assert all(not machine.sockets.listeners for machine in machines(made))
    assert_clean(made)
