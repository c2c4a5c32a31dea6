"""bproc_move: a process goes on elsewhere, with what travels and without what does not."""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import KiB, MiB, ms
from tests.bproc.test_return import differences, seen_of
from tests.bproc.test_sequence import ghosts
from tests.bproc.worlds import HELLO, MASTER, Steps, assert_clean, cluster, steps

MOVED = [step.name for step in bp.Step if step not in (bp.Step.EXEC, bp.Step.SUID_CHECK)]
WAYS = [(MASTER, 2), (1, 2), (1, MASTER)]


def runs(program: Any, source: int = MASTER, made: bp.Cluster | None = None, **options: Any) -> bp.Outcome:
    """Run a program's function on a node."""
    made = made or cluster()
    made.install("/usr/bin/program", program, on="master,all")
    out = made.execve("/usr/bin/program", from_node=source, **options)
    assert out.exception is None, out.exception
    return out


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_it_goes_on_there_and_the_steps_are_those_of_a_move(source: int, target: int) -> None:
    def goes(proc: bp.BprocProc) -> Steps:
        kept = [1, 2]
        assert (yield from proc.bproc_move(target)) == 0
        yield from proc.print(proc.node, proc.pid, proc.ppid, kept, proc.argv)
        yield from proc.print("and this", fd=2)
        return 7

    made = cluster()
    out = runs(goes, source, made)
    assert (out.exit_status, out.node) == (7, target)
    assert out.text == f"{target} {out.pid} 1 [1, 2] ['program']\nand this\n"  # both, through the socket of the move
    assert steps(made) == MOVED
    assert_clean(made)


def test_what_travels_and_what_does_not() -> None:
    """Source: bproc-4.0.0pre8-move. Descriptors, timers and other threads stay behind."""
    seen = dict[str, Any]()

    def handler(proc: bp.Proc, signum: int) -> None:
        seen["handled on"] = proc.node

    def other(proc: bp.Proc) -> Steps:
        while True:
            yield from proc.sleep(100_000)
            seen["other at"] = made.sim.now_ns

    def goes(proc: bp.BprocProc) -> Steps:
        process = proc.thread.process
        yield from proc.sigaction(bp.SIGUSR1, handler)
        yield from proc.sigaction(bp.SIGHUP, bp.SIG_IGN)
        yield from proc.sigprocmask(bp.SIG_BLOCK, [bp.SIGUSR1])
        yield from proc.kill(proc.pid, bp.SIGUSR1)
        yield from proc.alarm(1)
        yield from proc.thread_create(other)
        yield from proc.pipe()
        child = yield from proc.fork(waits)
        yield from proc.bproc_move(2)
        seen["moved at"] = made.sim.now_ns
        seen["descriptors"] = sorted(process.descriptors)
        seen["threads"] = len(process.threads)
        seen["ids"] = (process.pgid, process.sid, proc.uid, proc.euid, proc.cwd, sorted(process.handlers))
        seen["stdin"] = yield from proc.read(0)
        yield from proc.sigprocmask(bp.SIG_UNBLOCK, [bp.SIGUSR1])
        yield from proc.sleep(2000 * ms)
        yield from proc.kill(child, bp.SIGTERM)
        waited = yield from proc.wait()
        seen["waited"] = (waited.pid == child, waited.signal)

    def waits(proc: bp.Proc) -> Steps:
        yield from proc.pause()

    made = cluster()
    made.master.fs.mkdir("/work")
    made.nodes[2].fs.mkdir("/work")
    alice = made.user("alice", 500, 500)
    out = runs(goes, made=made, user=alice, cwd="/work")
    assert out.exit_status == 0
    assert seen["descriptors"] == [0, 1, 2]
    assert seen["threads"] == 1
    assert seen["other at"] < seen["moved at"]
    assert seen["ids"] == (out.pid, out.pid, 500, 500, "/work", [bp.SIGHUP, bp.SIGUSR1])
    assert (seen["stdin"], seen["handled on"], seen["waited"]) == (b"", 2, (True, bp.SIGTERM))
    assert_clean(made)


def test_a_move_home_leaves_no_ghost_and_needs_no_permission() -> None:
    counts = []

    def goes(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(1)
        counts.append(len(ghosts(made)))
        made.nodes[1].chmod(0)
        yield from proc.bproc_move(MASTER)
        counts.append(len(ghosts(made)))
        yield from proc.print("home", proc.node)

    made = cluster()
    out = runs(goes, made=made, user=made.user("alice", 500, 500))
    assert (counts, out.node) == ([1, 0], MASTER)
    assert out.text == "home -1\n"  # by way of node 1 and two daemons
    assert_clean(made)


def test_a45_home_and_out_again_with_what_only_the_master_has() -> None:
    def goes(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(1)
        yield from proc.bproc_move(MASTER)
        yield from proc.bproc_execmove(2, HELLO, ["hello"], {})

    made = cluster(on="master")
    out = runs(goes, made=made)
    assert (out.exit_status, out.node) == (3, 2)
    assert out.text == "out of node 2\nerr of node 2\n"


@pytest.mark.parametrize("source", [MASTER, 1])
def test_a12_a_move_to_the_own_node_by_edition(source: int) -> None:
    told = []

    def goes(proc: bp.BprocProc) -> Steps:
        fd, _ = yield from proc.pipe()
        yield from proc.alarm(1000)
        told.append((yield from proc.libc.bproc_move(source)))
        told.append(proc.libc.errno)
        assert fd in proc.thread.process.descriptors  # nothing was closed
        assert (yield from proc.alarm(0)) == 1000

    for edition in ("scyld", "lanl32", "bproc4"):
        runs(goes, source, cluster(edition=edition))
    assert told == [-1, 40, 0, 0, 0, 0]


def test_who_is_there_already_needs_no_permission_where_it_succeeds() -> None:
    made = cluster(edition="bproc4")
    alice = made.user("alice", 500, 500)
    caller = made.idle_process(alice, 1)
    made.nodes[1].chmod(0)
    made.nodes[2].chmod(0)
    assert made.bproc_move(1, caller=caller).value == 0
    assert made.bproc_move(2, caller=caller).cause == "node_not_permitted"


@pytest.mark.parametrize("node", [99, 1])
def test_a_failure_names_the_node(node: int) -> None:
    """Be it refused on the way, or, where there is no master, at once."""
    told: list[Any] = []

    def goes(proc: bp.BprocProc) -> Steps:
        with pytest.raises(bp.CallError) as caught:
            yield from proc.bproc_move(node)
        told.append(caught.value.filename)

    for faults in ([bp.PowerOff(1)], [bp.MasterDaemonExit()]):
        runs(goes, made=cluster(faults=faults))
    assert told == [str(node)] * 2


def test_a_path_that_is_no_text_is_told_in_the_trace_all_the_same() -> None:
    made = cluster()
    made.install(b"/bin/caf\xe9", lambda proc: 3)
    assert made.bproc_execmove(2, b"/bin/caf\xe9").exit_status == 3
    (about,) = [each.about for each in made.trace.of_kind("step") if each.step == "EXEC"]
    assert about == r"/bin/caf\xe9"


@pytest.mark.parametrize("source", [MASTER, 1])
def test_the_news_of_a_failure_are_a_message_like_others(source: int) -> None:
    made = bp.Cluster([bp.NodeSpec(), bp.NodeSpec(), bp.NodeSpec(arch="ppc")], trace="all")
    assert made.bproc_move(2, from_node=source).cause == "undump_refused"
    sizes = [each.size_bytes for each in made.trace.of_kind("message") if each.message == "MOVE response"]
    assert sizes == [made.costs.message_bytes] * (1 if source == MASTER else 2)


def test_a13_without_a_master() -> None:
    found = {}
    for edition in ("scyld", "lanl32", "bproc4"):
        made = cluster(edition=edition, faults=[bp.MasterDaemonExit()])
        out = made.bproc_move(0), made.bproc_move(MASTER), made.bproc_rfork(0, lambda proc: 0), made.bproc_rexec(0, "x")
        found[edition] = [each.errno.name if each.errno is not None else each.value for each in out]
    assert found == {
        "scyld": ["EBUSY"] * 4,
        "lanl32": ["EBUSY", 0, "EBUSY", "EBUSY"],
        "bproc4": ["ENOSYS", 0, "ENOSYS", "ENOSYS"],
    }


# ---- what is sent ----------------------------------------------------------------------------------


@bp.program(needs=("libc.so.6",), memory_bytes=1 * MiB)
def big(proc: bp.BprocProc) -> Steps:
    """Move by the flags of argv[1], if there are any."""
    flags = [int(each) for each in proc.argv[1:]]
    result = yield from (proc.libc._bproc_move(2, *flags) if flags else proc.libc.bproc_move(2))
    yield from proc.print(result, proc.libc.errno)


def image_bytes(*words: str, state: str = "up", **edition: Any) -> int:
    """Tell how much of it is sent to a node in some state."""
    made = cluster(**edition)
    made.nodes[2].set_state(state)
    made.install("/usr/bin/big", big, on="master,2")
    out = made.execve("/usr/bin/big", ["big", *words])
    assert out.text == "0 0\n"
    return sum(each.size_bytes for each in made.trace.of_kind("message") if each.message == "image")


def test_flags_say_what_goes_by_name() -> None:
    usual = image_bytes()
    assert usual > 1 * MiB
    assert image_bytes(str(bp.BPROC_DUMP_EXEC | bp.BPROC_DUMP_OTHER)) == usual == image_bytes(str(bp.BPROC_DUMP_ALL))
    without_program, without_libraries = image_bytes(str(bp.BPROC_DUMP_OTHER)), image_bytes(str(bp.BPROC_DUMP_EXEC))
    assert without_program < usual
    assert without_libraries < usual
    assert image_bytes("0") == without_program + without_libraries - usual


def test_a_library_on_the_list_goes_by_name_unless_it_is_asked_for() -> None:
    from attrs import evolve

    listed = evolve(bp.editions["scyld"], library_list=("/lib64/libc.so.6", "/lib/libc.so.6"))
    assert image_bytes(edition=listed) < image_bytes()
    assert image_bytes(str(bp.BPROC_DUMP_ALL), edition=listed) == image_bytes()


@pytest.mark.parametrize("name", bp.editions)
def test_scyld_sends_listed_libraries_to_a_node_that_is_not_up(name: str) -> None:
    """The library of the others knows no states: its usual flags are always the same."""
    from attrs import evolve

    listed = evolve(bp.editions[name], library_list=("/lib64/libc.so.6", "/lib/libc.so.6"))
    more = image_bytes(edition=listed, state="error") > image_bytes(edition=listed)
    assert more is (name == "scyld")


def test_what_goes_by_name_must_be_there() -> None:
    made = cluster()
    made.install("/usr/bin/big", big)
    words = ["big", str(bp.BPROC_DUMP_OTHER)]
    assert made.execve("/usr/bin/big", words).text == "-1 2\n"  # the program itself
    made.install("/usr/bin/big", big, on="2")
    assert made.execve("/usr/bin/big", words).text == "0 0\n"
    with made.inject(bp.LibraryMissing(2, "libc.so.6")):
        assert made.execve("/usr/bin/big", ["big", str(bp.BPROC_DUMP_EXEC)]).text == "-1 2\n"
        assert made.execve("/usr/bin/big").text == "0 0\n"


@pytest.mark.parametrize(("source", "target"), WAYS)
def test_memory_is_taken_where_the_process_is(source: int, target: int) -> None:
    used = []

    @bp.program(memory_bytes=256 * KiB)
    def goes(proc: bp.BprocProc) -> Steps:
        used.append([made.machine(node).memory.used_bytes for node in (source, target)])
        yield from proc.bproc_move(target)
        used.append([made.machine(node).memory.used_bytes for node in (source, target)])

    made = cluster()
    runs(goes, source, made)
    assert used[0][0] > 256 * KiB
    assert used == [[used[0][0], 0], [0, used[0][0]]]
    assert_clean(made)


# ---- I/O -------------------------------------------------------------------------------------------


def test_three_connections_to_a_port() -> None:
    made = cluster()
    out = made.bproc_rfork_io(2, 4000, talks, input=b"words")
    assert (out.stdout, out.stderr) == (b"WORDS", b"to stderr\n")

    def goes(proc: bp.BprocProc) -> Steps:
        listening = yield from proc.socket()
        yield from proc.bind(listening, bp.Address("", 4000))
        yield from proc.listen(listening, 3)
        yield from proc.fork(moves)
        ends = []
        for _ in range(3):
            ends.append((yield from proc.accept(listening))[0])
        yield from proc.write(ends[2], b"in")
        yield from proc.close(ends[2])
        for end in ends[:2]:
            yield from proc.write(1, (yield from proc.read(end)))

    def moves(proc: bp.BprocProc) -> Steps:
        yield from proc._bproc_move_io(2, bp.BPROC_DUMP_ALL, 4000)
        yield from talks(proc)

    assert runs(goes, made=made).text == "INto stderr\n"
    assert_clean(made)


def talks(proc: bp.Proc) -> Steps:
    """Write what it reads, and something else."""
    yield from proc.write(1, (yield from proc.read(0)).upper())
    yield from proc.print("to stderr", fd=2)


# ---- failures --------------------------------------------------------------------------------------

FAULTS: dict[str, tuple[int, int, list[Any]]] = {
    "node_unknown": (99, 0, []),
    "node_down": (2, 0, [bp.PowerOff(2)]),
    "node_not_permitted": (3, 0, []),
    "slave_lost": (2, 0, [bp.PowerOff(2, step=bp.Step.RESPONSE)]),
    "undump_out_of_memory": (2, 0, [bp.MemoryFull(2)]),
    "connect_refused": (2, 4000, []),
    "connect_timed_out": (2, 4000, []),  # and the link is cut when it is about to connect
}


@pytest.mark.parametrize("call", ["bproc_move", "bproc_rexec", "bproc_rfork"])
@pytest.mark.parametrize("edition", ["scyld", "lanl32", "bproc4"])
@pytest.mark.parametrize("cause", FAULTS)
def test_a_call_that_fails_leaves_a_process_as_it_was(cause: str, edition: str, call: str) -> None:
    """All that can be seen of it: ids, memory, files, signals, directory, threads, children."""
    told, made = fails(cause, edition, call, list(FAULTS[cause][2]))
    if cause == "connect_timed_out":
        (thawed_ns,) = [each.at_ns for each in made.trace.of_kind("step") if each.step == "THAW"]
        told, made = fails(cause, edition, call, [bp.LinkCut(1, 2, at_ns=thawed_ns + 1)])
    if call == "bproc_rexec" and cause == "undump_out_of_memory":
        # No image is sent: its exec finds no memory there.
        cause = "out_of_memory"
    errno = made.bpmaster.execmove_errors.row(cause).errno
    assert told == ([] if (cause, edition) == ("out_of_memory", "scyld") else [(cause, errno), []])
    assert_clean(made)


def fails(cause: str, edition: str, call: str, faults: list[Any]) -> tuple[list[Any], bp.Cluster]:
    """Let a program make the call; gives the cause, the errno, and what differs then from what was before."""
    node, port, _ = FAULTS[cause]
    told = list[Any]()

    def handler(proc: bp.Proc, signum: int) -> None:
        raise AssertionError("nobody sends it")

    def tries(proc: bp.BprocProc) -> Steps:
        process = proc.thread.process
        yield from proc.sigaction(bp.SIGCHLD, handler)
        yield from proc.sigprocmask(bp.SIG_BLOCK, [bp.SIGHUP])
        yield from proc.alarm(1000)
        yield from proc.open("/etc", bp.O_CLOEXEC)
        yield from proc.pipe()
        before = seen_of(process)
        made_call: Any = {
            "bproc_move": lambda: proc.bproc_move_io(node, port),
            "bproc_rexec": lambda: proc.bproc_rexec_io(node, port, HELLO, ["hello"], {}),
            "bproc_rfork": lambda: proc.bproc_rfork_io(node, port, lambda child: 0),
        }[call]
        try:
            told.append((yield from made_call()))
        except bp.CallError as error:
            told.append((error.cause, error.error))
        told.append(differences(before, seen_of(process)))
        yield from proc.alarm(0)
        return 9

    made = cluster(edition=edition, faults=faults)
    made.nodes[3].chmod(0o100)
    made.machine(1).tree  # noqa: B018  (comes into being when first asked for)
    out = runs(tries, 1, made, user=made.user("alice", 500, 500), cwd="/tmp")
    assert (out.exit_status, out.node) == ((9, 1) if told else (1, 2))
    made.sim.run()
    return told, made


def test_other_threads_stand_still_while_it_is_on_its_way_and_go_on_if_it_comes_back() -> None:
    ticks = list[tuple[int, int]]()

    def other(proc: bp.Proc) -> Steps:
        while True:
            yield from proc.sleep(100_000)
            ticks.append((made.sim.now_ns, proc.node))

    def tries(proc: bp.BprocProc) -> Steps:
        yield from proc.thread_create(other)
        yield from proc.thread_create(computes)
        yield from proc.sleep(1 * ms)
        left_ns = made.sim.now_ns
        assert (yield from proc.libc.bproc_move(2)) == -1
        back_ns = made.sim.now_ns
        yield from proc.sleep(1 * ms)
        assert not [at_ns for at_ns, _ in ticks if left_ns + 100_000 < at_ns < back_ns]
        assert [at_ns for at_ns, _ in ticks if at_ns > back_ns]
        assert {node for _, node in ticks} == {MASTER}

    def computes(proc: bp.Proc) -> Steps:
        yield from proc.compute(50 * ms)

    made = cluster(faults=[bp.MemoryFull(2)])
    assert runs(tries, made=made).exit_status == 0
    assert_clean(made)


@pytest.mark.parametrize("asks", [1, 50])
def test_a_thread_that_only_asks_who_it_is_stands_still_too(asks: int) -> None:
    """It would end the process in the middle of its move."""

    def other(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(2)
        yield from proc.print("moved")

    def goes(proc: bp.BprocProc) -> Steps:
        yield from proc.thread_create(other)
        for _ in range(asks):
            yield from proc.getpid()
        return 5

    made = cluster()
    out = runs(goes, made=made)
    assert (out.text, out.node) == ("moved\n", 2)
    assert_clean(made)


def test_a_second_thread_may_move_and_is_the_only_one_there() -> None:
    def other(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(2)
        yield from proc.print("thread on", proc.node)

    def goes(proc: bp.BprocProc) -> Steps:
        yield from proc.thread_create(other)
        yield from proc.pause()

    made = cluster()
    out = runs(goes, made=made)
    assert (out.text, out.exit_status, out.node) == ("thread on 2\n", 0, 2)
    assert_clean(made)


def test_a_signal_that_comes_on_the_way_is_taken_on_arrival() -> None:
    seen = list[Any]()

    def handler(proc: bp.Proc, signum: int) -> None:
        seen.append((proc.node, signum))

    def moves(proc: bp.BprocProc) -> Steps:
        yield from proc.sigaction(bp.SIGUSR1, handler)
        yield from proc.bproc_move(2)
        yield from proc.pause()

    def kills(proc: bp.Proc) -> Steps:
        pid = yield from proc.fork(moves)
        yield from proc.sleep(1 * ms)
        yield from proc.kill(pid, bp.SIGUSR1)
        yield from proc.kill(pid, bp.SIGTERM)
        seen.append((yield from proc.wait()).signal)

    runs(kills)
    assert seen == [bp.SIGTERM]  # which ends it before any handler runs


# ---- from outside ----------------------------------------------------------------------------------


def test_an_idle_process_moves_and_goes_on_waiting_there() -> None:
    made = cluster()
    caller = made.idle_process()
    out = made.bproc_move(2, caller=caller)
    assert (out.value, out.returned, out.node, caller.node) == (0, True, 2, 2)
    assert made.bproc_move(2, caller=caller).cause == "same_node"
    assert made.bproc_execmove(1, HELLO, caller=caller).text == "out of node 1\nerr of node 1\n"
    assert caller.returncode == 3
    assert_clean(made)


@pytest.mark.parametrize("further", [(), (1,), (1, 3)])
@pytest.mark.parametrize("call", ["bproc_move_io", "_bproc_move_io"])
def test_an_idle_process_that_moved_with_a_port_keeps_the_connections_for_its_next_calls(
    call: str, further: tuple[int, ...]
) -> None:
    made = cluster()
    caller = made.idle_process()
    arguments = (2, 4000) if call == "bproc_move_io" else (2, 6, 4000)
    assert getattr(made, call)(*arguments, caller=caller).value == 0
    assert caller.node == 2 and not caller.ended.triggered
    for node in further:
        assert made.bproc_move(node, caller=caller).value == 0
    assert made.bproc_execmove(99, "/absent", caller=caller).cause == "cmd_absent"
    out = made.execve(HELLO, caller=caller)
    here = further[-1] if further else 2
    # Moves with port 0 make one stream of two.
    both = b"err of node %d\n" % here
    assert (out.stdout, out.stderr) == (b"out of node %d\n" % here + both * bool(further), both * (not further))
    assert (out.exit_status, caller.returncode) == (3, 3)
    assert_clean(made)


def test_a_fresh_process_moves_and_ends() -> None:
    made = cluster()
    out = made.bproc_move(2)
    assert (out.value, out.failed, out.exit_status, out.node) == (0, False, None, 2)
    assert "not reached" not in out.explain()
    with pytest.raises(TypeError, match="no argument 'where'"):
        made.bproc_move(2, where=3)  # type: ignore[call-arg]
    with made.session() as session:
        fd = session.socket()
        session.bind(fd, bp.Address("", 4000))
        session.listen(fd)
        with pytest.raises(ValueError, match="somebody listens on port 4000"):
            made.bproc_rexec_io(2, 4000, HELLO)
    assert_clean(made)


def test_a_session_moves() -> None:
    made = cluster()
    with made.session() as session:
        assert (session.node, session.bproc_move(2), session.node) == (MASTER, 0, 2)
        session.print("from", session.node)
        with pytest.raises(bp.CallError, match="on that node already"):
            session.bproc_move(2)
        assert (session.libc._bproc_move(9, 7), session.libc.errno) == (-1, 22)
        with pytest.raises(RuntimeError, match=r"s\.spawn\(path, argv, envp, node=N\)"):
            session.bproc_rfork(1, lambda proc: 0)
        session.bproc_move(MASTER)
        assert session.stdout == b"from 2\n"
        with pytest.raises(bp.Replaced) as replaced:
            session.bproc_rexec(1, HELLO, ["hello"], {})
    assert (replaced.value.outcome.exit_status, replaced.value.outcome.node) == (3, 1)
    assert_clean(made)
