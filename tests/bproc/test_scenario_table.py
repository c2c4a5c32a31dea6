"""What is to be observed of BProc, row by row of a table that was concluded from its sources and manuals.

The rows have the table's own numbers, A1 to A45. Each is tried in every edition that has what it needs;
where editions differ the row says what each of them does. Those of vector launches (A28 to A31, and the
second half of A43) stand with the vector calls, A42 with the transcripts of bpsh.
"""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import ms, s
from tests.bproc.worlds import MASTER, Steps, assert_clean, cluster
from tests.commandline import typed

EDITIONS = ["scyld", "lanl32", "bproc4"]
ALL = pytest.mark.parametrize("edition", EDITIONS)
LANL = pytest.mark.parametrize("edition", ["lanl32", "bproc4"])
TRUE = "/usr/bin/true"
LOADER, LIBCS = "/lib64/ld-linux-x86-64.so.2", ("/lib64/libc.so.6", "/lib/libc.so.6")

# What an edition answers: a node that is not there, one that is down, the own node, one that dies.
STATUSES = {"scyld": (22, 22, 40, 5), "lanl32": (44, 45, 46, 47), "bproc4": (44, 45, 46, 47)}


def world(edition: str, **options: Any) -> bp.Cluster:
    """Build four nodes, all up, and a user who is not root."""
    return cluster(edition=edition, **options)


def parent_of(made: bp.Cluster, child: Any, then: Any = None, **options: Any) -> bp.Waited:
    """Fork a child, do something with its pid, and wait for it; gives what the parent was told."""
    told = list[bp.Waited]()

    def parent(proc: bp.BprocProc) -> Steps:
        pid = yield from proc.fork(child)
        if then is not None:
            yield from then(proc, pid)
        told.append((yield from proc.waitpid(pid)))

    made.install("/usr/bin/parent", parent, on="master,all")
    out = made.execve("/usr/bin/parent", **options)
    assert out.exception is None, out.exception
    assert_clean(made)
    return told[0]


def goes(node: int, program: str = TRUE) -> Any:
    """Make a child that becomes a program on a node."""

    def child(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_execmove(node, program, [program.rpartition("/")[2]], {})

    return child


# ---- execmove: what is returned, and what is an exit status -----------------------------------------------


@ALL
def test_a1_it_runs_under_its_pid_and_is_seen_on_the_master(edition: str) -> None:
    made = world(edition)
    assert parent_of(made, goes(0, "/usr/bin/true")).exit_status == 0
    process = made.popen(goes(0, "/usr/bin/stays"))
    made.sim.run(until_ns=made.sim.now_ns + 20 * ms)
    assert made.master.processes[process.pid].node == 0
    assert made.nodes[0].processes[process.pid].pid == process.pid
    assert str(process.pid) in typed(made, "ps -e").stdout.split()
    process.kill()
    assert process.wait() == -9


@ALL
@pytest.mark.parametrize(
    ("prepare", "errno"),
    [
        pytest.param(lambda fs: None, "ENOENT", id="a2 absent"),
        pytest.param(lambda fs: fs.write_file("/bin/x", b"\x7fELF", mode=0o644), "EACCES", id="a3 not executable"),
        pytest.param(lambda fs: fs.write_file("/bin/x", b"text\n", mode=0o755), "ENOEXEC", id="a4 no format"),
        pytest.param(None, "ETXTBSY", id="a5 open for writing"),
    ],
)
def test_a2_to_a5_exec_errors_are_returned(edition: str, prepare: Any, errno: str) -> None:
    made = world(edition)
    fs = made.master.fs
    went_on = list[str]()

    def caller(proc: bp.BprocProc) -> Steps:
        try:
            yield from proc.bproc_execmove(0, "/bin/x", ["x"], {})
        except bp.CallError as error:
            went_on.append(error.error.name)

    made.install("/bin/caller", caller)
    if prepare is None:
        made.install("/bin/x", lambda proc: 0)
        with fs.open_for_write("/bin/x"):
            assert made.execve("/bin/caller").exit_status == 0
    else:
        prepare(fs)
        assert made.execve("/bin/caller").exit_status == 0
    assert went_on == [errno]


@ALL
def test_a6_to_a8_nodes_that_take_nobody(edition: str) -> None:
    unknown, down, _, _ = STATUSES[edition]
    made = world(edition)
    made.nodes[1].set_state("down")
    assert parent_of(made, goes(1)).exit_status == down  # A6
    assert parent_of(made, goes(99)).exit_status == unknown  # A7
    assert made.bproc_execmove(99, "/no").errno is bp.Errno.ENOENT  # A8: the exec comes first


@ALL
def test_a9_and_a10_the_callers_own_identity_counts(edition: str) -> None:
    made = world(edition)
    made.nodes[0].chmod(0o100)
    alice = made.user("alice", 500, 500)
    made.install("/bin/suid", lambda proc: 0, mode=0o4755)
    for program in (TRUE, "/bin/suid"):
        assert parent_of(made, goes(0, program), user=alice).exit_status == 1
    assert parent_of(made, goes(0)).exit_status == 0


@ALL
def test_a11_and_a43_the_node_where_the_caller_is(edition: str) -> None:
    same = STATUSES[edition][2]
    made = world(edition)
    assert parent_of(made, goes(MASTER)).exit_status == same
    made.install(TRUE, lambda proc: 0, on="2")
    assert parent_of(made, goes(2), from_node=2).exit_status == same


@LANL
def test_a12_a_move_to_where_one_is(edition: str) -> None:
    made = world(edition)
    seen = list[Any]()

    def caller(proc: bp.BprocProc) -> Steps:
        seen.append((yield from proc.bproc_move(MASTER)))
        pid = yield from proc.bproc_rfork(MASTER, lambda child: child.node + 8)
        seen.append((yield from proc.waitpid(pid)).exit_status)

    made.install("/bin/caller", caller)
    assert made.execve("/bin/caller").exit_status == 0
    assert seen == [0, 7]


@ALL
def test_a13_no_master(edition: str) -> None:
    made = world(edition, faults=[bp.MasterDaemonExit(at_ns=0)])
    errno = bp.Errno.ENOSYS if edition == "bproc4" else bp.Errno.EBUSY
    assert made.bproc_execmove(0, TRUE).errno is errno
    moved = made.bproc_move(MASTER)
    assert (moved.value, moved.errno) == ((-1, errno) if edition == "scyld" else (0, None))


@ALL
def test_a14_power_that_goes_during_the_transfer(edition: str) -> None:
    made = world(edition, faults=[bp.PowerOff(0, step=bp.Step.STREAM)])
    assert parent_of(made, goes(0)).exit_status == STATUSES[edition][3]
    assert 30 * s <= made.sim.now_ns <= 46 * s


@ALL
def test_a15_a_node_that_dies_kills(edition: str) -> None:
    made = world(edition, faults=[bp.PowerOff(0, at_ns=1 * s)])
    waited = parent_of(made, goes(0, "/usr/bin/stays"))
    assert (waited.signal, bp.WTERMSIG(waited.status)) == (bp.SIGKILL, 9)


# ---- loaders and libraries -------------------------------------------------------------------------------


def dynamic(made: bp.Cluster, *needs: str) -> None:
    made.install("/bin/dynamic", bp.program(needs=needs)(lambda proc: 0))


@ALL
def test_a16_a_library_that_the_node_has_not(edition: str) -> None:
    made = world(edition)
    made.master.fs.write_file("/lib64/libfoo.so", made.master.fs.read_file(LIBCS[0]))
    dynamic(made, "libfoo.so")
    out = made.bproc_execmove(0, "/bin/dynamic")
    assert out.exit_status == 127
    assert out.text.endswith(
        "error while loading shared libraries: libfoo.so: cannot open shared object file: No such file or directory\n"
    )


@ALL
def test_a17_and_a18_where_the_loader_comes_from(edition: str) -> None:
    made = world(edition)
    dynamic(made, "libc.so.6")
    made.nodes[0].fs.unlink(LOADER)
    assert made.bproc_execmove(0, "/bin/dynamic").exit_status == 0  # it travels
    made.master.library_list = [LOADER]
    out = made.bproc_execmove(0, "/bin/dynamic")
    assert (out.exit_status, out.late_errno) == (2, bp.Errno.ENOENT)  # A17: it goes by name
    made.master.library_list = []
    for path in LIBCS:
        made.nodes[0].fs.unlink(path)
    out = made.bproc_execmove(0, "/bin/dynamic")
    assert out.exit_status == 127  # A18: the loader is there, and finds no libc
    assert "libc.so.6: cannot open shared object file" in out.text


@ALL
def test_a19_a_static_binary_needs_nothing(edition: str) -> None:
    made = world(edition)
    made.install("/bin/static", lambda proc: 5)
    for path in (LOADER, *LIBCS):
        made.nodes[0].fs.unlink(path)
    assert made.bproc_execmove(0, "/bin/static").exit_status == 5


# ---- I/O ------------------------------------------------------------------------------------------------


def speaks(proc: bp.Proc) -> Steps:
    """Say what was read, on both outputs."""
    got = yield from proc.read(0)
    yield from proc.write(1, b"out " + got)
    yield from proc.write(2, b"err")


def test_a20_and_a21_a_port_takes_three_connections_or_refuses() -> None:
    made = world("scyld")
    made.install("/bin/speaks", speaks)
    out = made.bproc_execmove_io(0, 4000, "/bin/speaks", input=b"in")
    assert (out.stdout, out.stderr, out.exit_status) == (b"out in", b"err", 0)
    refused = made.bproc_execmove_io(0, 4000, "/bin/speaks", listen=False)
    assert (refused.exit_status, refused.returned) == (111, False)


@ALL
def test_a22_weak_forwarding(edition: str) -> None:
    made = world(edition)
    made.install("/bin/speaks", speaks)
    out = made.bproc_execmove(0, "/bin/speaks", input=b"in")
    assert (out.stdout, out.stderr) == (b"out err", b"")


ABSENT = bp.BprocIo(1, bp.BPROC_IO_FILE, file_name="/no/dir/x", file_flags=bp.O_WRONLY)


@LANL
def test_a23_to_a26_lists(edition: str) -> None:
    made = world(edition)
    missing = made.bproc_execmove_io(0, [ABSENT], TRUE)
    assert (missing.returned, missing.exit_status) == (False, 2)  # A23
    many = made.bproc_execmove_io(0, [ABSENT] * 17, TRUE)
    assert many.errno is bp.Errno.EINVAL  # A24
    unknown = made.bproc_execmove_io(0, [bp.BprocIo(1, 7)], TRUE)
    assert (unknown.returned, unknown.exit_status) == (False, 22)  # A25: the target judges it
    inside = made.bproc_execmove_io(0, [bp.BprocIo(1, bp.BPROC_IO_MEMFILE)], TRUE)
    assert inside.errno is bp.Errno.EPERM  # A26


@ALL
def test_a27_a_directory_that_the_node_has_not(edition: str) -> None:
    made = world(edition)
    made.master.fs.mkdir("/scratch/u", parents=True)

    def where(proc: bp.Proc) -> Steps:
        yield from proc.print(proc.cwd)

    made.install("/bin/where", where)
    assert made.bproc_execmove(0, "/bin/where", cwd="/scratch/u").text == "/\n"
    made.nodes[0].fs.mkdir("/scratch/u", parents=True)
    assert made.bproc_execmove(0, "/bin/where", cwd="/scratch/u").text == "/scratch/u\n"


# ---- the process space -------------------------------------------------------------------------------------


@ALL
def test_a32_grandchildren_on_the_node(edition: str) -> None:
    made = world(edition)
    seen = list[Any]()

    def grandchild(proc: bp.Proc) -> Steps:
        yield from proc.sleep(100 * ms)
        seen.append((proc.node, proc.ppid))

    def forks(proc: bp.Proc) -> Steps:
        pids = []
        for _ in range(2):
            pids.append((yield from proc.fork(grandchild)))
        seen.append((proc.pid, pids))

    made.install("/bin/forks", forks)
    process = made.popen(goes(0, "/bin/forks"))
    made.sim.run(until_ns=50 * ms)
    (pid, pids), *_ = seen
    assert pids == [pid + 1, pid + 2]  # numbers of the master's, in its order
    assert process.poll() == 0
    status = typed(made, "bpstat -p").stdout.split()
    assert status == ["PID", "Node", str(pids[0]), "0", str(pids[1]), "0"]
    made.sim.run()
    assert seen[1:] == [(0, 1), (0, 1)]


@ALL
def test_a33_stop_and_continue(edition: str) -> None:
    made = world(edition)
    told = list[Any]()

    def stops(proc: bp.BprocProc, pid: int) -> Steps:
        yield from proc.sleep(20 * ms)
        yield from proc.kill(pid, bp.SIGSTOP)
        waited = yield from proc.waitpid(pid, bp.WUNTRACED)
        told.append((bp.WIFSTOPPED(waited.status), waited.signal))
        yield from proc.sleep(1 * s)
        told.append((yield from proc.waitpid(pid, bp.WNOHANG)))
        yield from proc.kill(pid, bp.SIGCONT)

    def lasts(proc: bp.Proc) -> Steps:
        yield from proc.compute(100 * ms)
        return 3

    made.install("/bin/lasts", lasts)
    assert parent_of(made, goes(0, "/bin/lasts"), stops).exit_status == 3
    assert told == [(True, bp.SIGSTOP), None]


@ALL
def test_a34_the_master_daemon_ends(edition: str) -> None:
    made = world(edition, faults=[bp.MasterDaemonExit(at_ns=1 * s)])
    assert parent_of(made, goes(0, "/usr/bin/stays")).signal == bp.SIGKILL
    assert made.nodes[0].processes == {}


@ALL
def test_a35_a_node_that_is_set_down_comes_back_only_if_it_is_started(edition: str) -> None:
    made = world(edition)

    process = made.popen(goes(0, "/usr/bin/stays"))
    made.sim.run(until_ns=20 * ms)
    assert typed(made, "bpctl -S 0 -s down") == (0, "", "")
    assert process.wait() == -9
    made.sim.run(until_ns=1000 * s)
    assert made.nodes[0].state == "down"
    made.nodes[0].boot()
    seen = list[str]()
    for until_ns in (1004 * s, 1010 * s):
        made.sim.run(until_ns=until_ns)
        seen.append(made.nodes[0].state)
    assert seen == ["boot", "up"]


@ALL
def test_a36_rights_that_change_while_a_job_runs(edition: str) -> None:
    made = world(edition)
    alice = made.user("alice", 500, 500)

    def forks(proc: bp.BprocProc) -> Steps:
        yield from proc.sleep(50 * ms)
        yield from proc.fork(lambda child: 0)
        return 4 + ((yield from proc.wait()).exit_status or 0)

    made.install("/bin/forks", forks)

    def shuts(proc: bp.BprocProc, pid: int) -> Steps:
        yield from proc.sleep(20 * ms)
        made.nodes[0].chmod(0)

    assert parent_of(made, goes(0, "/bin/forks"), shuts, user=alice).exit_status == 4
    assert parent_of(made, goes(0), user=alice).exit_status == 1


@ALL
def test_a44_and_a45_files_of_the_master(edition: str) -> None:
    """The exec is the caller's node's; whoever goes home first has the master's files."""
    made = world(edition)
    made.install("/opt/tool", lambda proc: proc.node)
    assert made.bproc_execmove(2, "/opt/tool", from_node=1).errno is bp.Errno.ENOENT

    def by_way_of_the_master(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(MASTER)
        yield from proc.bproc_execmove(2, "/opt/tool", ["tool"], {})

    assert parent_of(made, by_way_of_the_master, from_node=1).exit_status == 2


# ---- bpsh ------------------------------------------------------------------------------------------------


@ALL
def test_a37_to_a41_bpsh(edition: str) -> None:
    def says(command: str | list[str], **options: Any) -> Any:
        return typed(bp.Cluster(nodes=4, edition=edition), command, **options)

    assert says("bpsh 0,1 false") == (1, "", "")
    killed = says(["bpsh", "0", "sh", "-c", "kill -9 $$"])
    assert killed.status == 255
    assert killed.stderr.startswith("bpsh: Child process ")
    lines = says("bpsh -p 0-1 hostname").stdout.splitlines()
    assert sorted(line[:5] for line in lines) == ["  0: ", "  1: "]
    divided = says("bpsh -d 0-1 hostname").stdout.splitlines()
    assert divided[::2] == [f"{node}\t{'-' * 69}" for node in (0, 1)]
    assert says("bpsh 0-2 cat", input=b"hi\n").stdout == "hi\n" * 3
