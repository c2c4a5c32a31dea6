"""Lists of bp.BprocIo: what the descriptors of a process are on the node that it comes to."""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp
from bprocsim.faces.iolists import io_list
from bprocsim.units import ms, s
from tests.bproc.worlds import HELLO, MASTER, Steps, assert_clean, cluster, steps

EDITIONS = ["lanl32", "bproc4"]
FILE, SOCKET, MEMFILE = bp.BPROC_IO_FILE, bp.BPROC_IO_SOCKET, bp.BPROC_IO_MEMFILE
INFO, DELAY = bp.BPROC_IO_SEND_INFO, bp.BPROC_IO_DELAY
CREATE = bp.O_WRONLY | bp.O_CREAT | bp.O_TRUNC
SHOUT, LISTS = "/usr/bin/shout", "/usr/bin/lists"
NULL = bp.BprocIo(1, FILE, file_name="/dev/null", file_flags=bp.O_WRONLY)


def shout(proc: bp.Proc) -> Steps:
    """Write stdin in capitals, a word on stderr, and end with the number of descriptors."""
    if 0 in proc.thread.process.descriptors:
        yield from proc.write(1, (yield from proc.read(0)).upper())
    if 2 in proc.thread.process.descriptors:
        yield from proc.write(2, b"done\n")
    yield from proc.sleep(1)
    return len(proc.thread.process.descriptors)


def world(edition: str = "bproc4", **options: Any) -> bp.Cluster:
    """Build a cluster whose nodes have the program."""
    made = cluster(edition=edition, **options)
    made.install(SHOUT, shout, on="master,all")
    return made


def sockets(port: int, flags: int = 0, host: str = "") -> list[bp.BprocIo]:
    """Ask for connections to a port, for descriptors 0, 1 and 2."""
    return [bp.BprocIo(fd, SOCKET, flags, bp.Address(host, port)) for fd in (0, 1, 2)]


def file(fd: int, name: str, flags: int = 0, mode: int = 0) -> bp.BprocIo:
    """Ask for a file of the target."""
    return bp.BprocIo(fd, FILE, file_name=name, file_flags=flags, file_mode=mode)


def runs(made: bp.Cluster, program: Any, source: int = MASTER, **options: Any) -> bp.Outcome:
    """Run a program's function on a node."""
    made.install("/usr/bin/program", program, on="master,all")
    out = made.execve("/usr/bin/program", from_node=source, **options)
    assert out.exception is None, out.exception
    return out


# ---- direct calls -----------------------------------------------------------------------------------


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("flags", [0, INFO, DELAY, INFO | DELAY])
@pytest.mark.parametrize("host", ["", "0.0.0.0", "10.54.0.1"])
def test_sockets_are_connected_and_the_harness_takes_them(edition: str, flags: int, host: str) -> None:
    made = world(edition)
    out = made.bproc_execmove_io(2, sockets(4000, flags, host), SHOUT, input=b"ping")
    assert (out.stdout, out.stderr, out.exit_status, out.node) == (b"PING", b"done\n", 3, 2)
    assert steps(made) == [step.name for step in bp.Step]
    assert_clean(made)


@pytest.mark.parametrize("source", [MASTER, 1])
def test_each_descriptor_may_have_a_port_of_its_own(source: int) -> None:
    made = world()
    entries = [bp.BprocIo(fd, SOCKET, INFO, bp.Address("", 4000 + fd)) for fd in (2, 1, 0)]
    out = made.bproc_execmove_io(2, entries, SHOUT, input=b"x", from_node=source)
    assert (out.stdout, out.stderr) == (b"X", b"done\n")
    assert_clean(made)


def test_the_order_of_delayed_entries_is_kept_behind_the_others() -> None:
    """Descriptor 1 is connected last, so the harness gives it the last of the connections."""
    made = world()
    flags = {0: 0, 1: DELAY, 2: 0}
    entries = [bp.BprocIo(fd, SOCKET, flags[fd], bp.Address("", 4000)) for fd in (1, 0, 2)]
    out = made.bproc_execmove_io(2, entries, SHOUT, input=b"ping")
    assert (out.stdout, out.stderr) == (b"PING", b"done\n")


def test_nobody_listens_unless_the_harness_does() -> None:
    out = world().bproc_execmove_io(2, sockets(4000), SHOUT, listen=False)
    assert (out.late_errno, out.cause, out.exit_status) == (bp.Errno.ECONNREFUSED, "connect_refused", 111)


def test_an_empty_list_leaves_no_descriptor_at_all() -> None:
    made = world()
    out = made.bproc_execmove_io(2, [], SHOUT)
    assert (out.exit_status, out.stdout, out.stderr) == (0, b"", b"")
    assert_clean(made)


# ---- files ------------------------------------------------------------------------------------------


def test_files_are_opened_on_the_target_with_the_rights_of_the_caller() -> None:
    made = world()
    files = made.nodes[2].fs
    files.mkdir("/work", 0o777)
    files.write_file("/work/in", b"text")
    null = file(2, "/dev/null", bp.O_RDWR)
    entries = [file(0, "/work/in"), file(1, "/work/out", CREATE, 0o666), null, file(7, "/work/in")]
    alice = made.user("alice", 500, 500)
    out = made.bproc_execmove_io(2, entries, SHOUT, user=alice)
    assert (out.exit_status, out.text) == (4, "")
    assert files.read_file("/work/out") == b"TEXT"
    inode = next(each for each in made.machine(2).tree.inodes.values() if each.data == b"TEXT")
    assert (inode.uid, inode.mode & 0o777) == (500, 0o644)
    files.chmod("/work/in", 0o600)
    refused = made.bproc_execmove_io(2, entries, SHOUT, user=alice)
    assert (refused.late_errno, refused.cause, refused.exit_status) == (bp.Errno.EACCES, "io_access_denied", 13)
    assert_clean(made)


def test_a_set_uid_program_gets_its_files_with_the_ids_of_the_caller() -> None:
    """Source: bproc-4.0.0pre8-move: an older one had root's, and a file of root's could be overwritten."""
    made = world()
    made.install("/usr/bin/roots", shout, mode=0o4755)
    made.nodes[2].fs.write_file("/secret", b"s", mode=0o600)
    out = made.bproc_execmove_io(2, [file(0, "/secret")], "/usr/bin/roots", user=made.user("alice", 500, 500))
    assert (out.late_errno, out.exit_status) == (bp.Errno.EACCES, 13)


def test_a_name_may_be_relative_and_ends_at_255_bytes() -> None:
    made = world()
    made.master.fs.mkdir("/work")
    made.nodes[2].fs.mkdir("/work")
    made.nodes[2].fs.write_file("/work/" + "n" * 255, b"long")
    entries = [file(0, "n" * 300), file(1, "out", CREATE, 0o600)]
    assert made.bproc_execmove_io(2, entries, SHOUT, cwd="/work").exit_status == 2
    assert made.nodes[2].fs.read_file("/work/out") == b"LONG"


def test_the_offset_changes_nothing() -> None:
    """It is documented, and BProc never used it."""
    made = world()
    made.nodes[2].fs.write_file("/in", b"text")
    entry = bp.BprocIo(0, FILE, file_name="/in", file_offset=2)
    made.bproc_execmove_io(2, [entry, file(1, "/out", CREATE, 0o600)], SHOUT)
    assert made.nodes[2].fs.read_file("/out") == b"TEXT"


def test_a_descriptor_that_is_named_twice_is_the_later_entrys() -> None:
    made = world()
    made.nodes[2].fs.write_file("/one", b"one")
    made.nodes[2].fs.write_file("/two", b"two")
    made.bproc_execmove_io(2, [file(0, "/one"), file(1, "/out", CREATE, 0o600), file(0, "/two")], SHOUT)
    assert made.nodes[2].fs.read_file("/out") == b"TWO"
    assert_clean(made)


def test_a_fifo_keeps_the_process_on_its_way_until_somebody_opens_the_other_side() -> None:
    made = world()
    made.nodes[2].fs.mknod("/fifo", "fifo")

    def writes(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(2)
        yield from proc.sleep(50 * ms)
        fd = yield from proc.open("/fifo", bp.O_WRONLY)
        yield from proc.write(fd, b"through")

    made.popen(writes)
    out = made.bproc_execmove_io(2, [file(0, "/fifo"), file(1, "/out", CREATE, 0o600)], SHOUT)
    assert out.exit_status == 2
    assert out.elapsed_ns > 50 * ms
    made.sim.run()
    assert made.nodes[2].fs.read_file("/out") == b"THROUGH"
    assert_clean(made)


def test_a_node_that_dies_while_an_entry_waits_is_a_slave_that_was_lost() -> None:
    made = world(faults=[bp.PowerOff(2, at_ns=1 * s)])
    made.nodes[2].fs.mknod("/fifo", "fifo")
    out = made.bproc_execmove_io(2, [file(0, "/fifo")], SHOUT)
    assert (out.late_errno, out.cause, out.exit_status) == (bp.Errno.BE_SLAVEDIED, "slave_lost", 47)
    assert_clean(made)


# ---- what is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize(
    ("io", "errno", "cause"),
    [
        ([NULL] * 17, "EINVAL", "io_list_too_long"),
        (bp.BAD_ADDRESS, "EFAULT", "io_list_unreadable"),
        (None, "EFAULT", "io_list_unreadable"),
        ([NULL, bp.BprocIo(0, MEMFILE)], "EPERM", "io_type_internal"),
    ],
)
def test_a_list_is_refused_before_the_exec(edition: str, io: Any, errno: str, cause: str) -> None:
    """And before a file that is not there is looked for."""
    made = world(edition)
    caller = made.idle_process()
    for cmd in (SHOUT, "/absent"):
        out = made.bproc_execmove_io(2, io, cmd, caller=caller)
        assert (out.value, out.errno, out.cause) == (-1, bp.Errno[errno], cause)
    assert made.bproc_move_io(2, io, caller=caller).cause == cause
    assert made.bproc_rexec_io(2, io, SHOUT, caller=caller).cause == cause
    assert made.bproc_rfork_io(2, io, shout, caller=caller).cause == cause
    assert caller.node == MASTER


def test_sixteen_entries_are_taken() -> None:
    entries = [file(fd, "/dev/null", bp.O_RDWR) for fd in range(16)]
    assert world().bproc_execmove_io(2, entries, SHOUT).exit_status == 16


@pytest.mark.parametrize(
    ("entry", "status", "cause"),
    [
        (file(1, "/no/dir/x", bp.O_WRONLY), 2, "io_file_absent"),
        (bp.BprocIo(0, 7), 22, "io_type_unknown"),
        (bp.BprocIo(-1, FILE, file_name="/dev/null"), 23, "io_descriptor_impossible"),
        (bp.BprocIo(1, SOCKET, 0, bp.Address("10.99.0.9", 4000)), 113, "io_unreachable"),
        (bp.BprocIo(1, SOCKET), 111, "connect_refused"),
        (bp.BprocIo(1, SOCKET, 0, bp.Address("127.0.0.1", 4000)), 111, "connect_refused"),
    ],
)
def test_an_entry_is_refused_on_the_target(entry: bp.BprocIo, status: int, cause: str) -> None:
    """The process exits with the errno; of a call that can come back it is returned, and nothing has changed."""
    made = world()
    out = made.bproc_execmove_io(2, [NULL, entry, file(2, "/dev/null")], SHOUT, listen=False)
    assert (out.exit_status, out.cause, out.node) == (status, cause, MASTER)
    told: list[Any] = []

    def goes(proc: bp.BprocProc) -> Steps:
        libc, entries = proc.libc, [NULL, entry]
        told.append((yield from libc.bproc_move_io(2, entries, 2)))
        told.append(libc.errno)
        told.append((yield from libc.bproc_rexec_io(2, entries, 2, HELLO, ["hello"], {})))
        told.append(libc.errno)
        told.append((yield from libc.bproc_rfork_io(2, entries, 2, shout)))
        yield from proc.print("still", proc.node)

    assert runs(made, goes).text == "still -1\n"
    assert told == [-1, status, -1, status, -status]  # bproc4's rfork tells it so
    assert_clean(made)


def test_the_first_entry_that_fails_counts_and_the_others_are_not_tried() -> None:
    made = world()
    entries = [file(1, "/made", CREATE, 0o600), file(0, "/absent"), bp.BprocIo(0, 7), file(2, "/not", CREATE, 0o600)]
    assert made.bproc_execmove_io(2, entries, SHOUT).cause == "io_file_absent"
    assert made.nodes[2].fs.read_file("/made") == b""
    with pytest.raises(FileNotFoundError):
        made.nodes[2].fs.read_file("/not")


def test_a_delayed_entry_that_fails_stops_nothing_and_is_noted() -> None:
    made = world()
    late = bp.BprocIo(0, FILE, DELAY, file_name="/absent")
    out = made.bproc_execmove_io(2, [late, file(1, "/dev/null", bp.O_WRONLY)], SHOUT)
    assert (out.exit_status, out.cause) == (1, None)
    (noted,) = made.trace.of_kind("io")
    assert (noted.errno, noted.cause, noted.node) == ("ENOENT", "io_file_absent", "node 2")
    assert "I/O entry {fd=0, FILE, DELAY, '/absent', 0o0}: ENOENT (io_file_absent)" in made.trace.text()
    handed = made.trace.of_kind("step")[-2]
    assert (handed.step, handed.at_ns <= noted.at_ns) == ("HANDOVER", True)
    assert_clean(made)


# ---- what is sent first -----------------------------------------------------------------------------


@pytest.mark.parametrize("flags", [INFO, INFO | DELAY])
def test_pid_and_descriptor_come_first(flags: int) -> None:
    made = world()
    read: dict[int, bytes] = {}

    def launcher(proc: bp.BprocProc) -> Steps:
        fd = yield from proc.socket()
        yield from proc.bind(fd, bp.Address("", 4000))
        yield from proc.listen(fd, 4)
        child = yield from proc.fork(goes)
        for _ in range(2):
            end, _address = yield from proc.accept(fd)
            head = b""
            while len(head) < 8:
                head += yield from proc.read(end, 8 - len(head))
            assert int.from_bytes(head[:4], "little") == child
            number = int.from_bytes(head[4:], "little")
            data = b""
            while piece := (yield from proc.read(end)):
                data += piece
            read[number] = data
        assert (yield from proc.waitpid(child)).exit_status == 3

    def goes(proc: bp.BprocProc) -> Steps:
        yield from proc.libc.bproc_execmove_io(2, sockets(4000, flags)[1:], 2, HELLO, ["hello"], {})

    runs(made, launcher)
    assert read == {1: b"out of node 2\n", 2: b"err of node 2\n"}
    assert_clean(made)


# ---- the shape of C, sessions, other editions --------------------------------------------------------


def test_in_c_the_list_comes_with_its_length_and_flags_behind_it() -> None:
    made = world()
    told: list[Any] = []

    def goes(proc: bp.BprocProc) -> Steps:
        libc, process = proc.libc, proc.thread.process
        null = [file(fd, "/dev/null", bp.O_RDWR) for fd in (0, 1, 2)]
        told.append((yield from libc._bproc_move_io(0, null, 2, bp.BPROC_DUMP_ALL)))
        told.append(sorted(process.descriptors))
        told.append((yield from libc.bproc_move_io(1, None, 0)))
        told.append(sorted(process.descriptors))
        told.append((yield from libc.bproc_move_io(2, bp.BAD_ADDRESS, -1)))
        told.append(sorted(process.descriptors))
        told.append((yield from libc.bproc_move_io(1, null, 4)))
        told.append(libc.errno)
        told.append((yield from libc.bproc_move_io(1, null, 17)))
        told.append(libc.errno)
        child = yield from libc._bproc_rfork_io(1, null, 3, bp.BPROC_DUMP_ALL, shout)
        told.append((yield from proc.waitpid(child)).exit_status)
        yield from libc.bproc_execmove_io(0, null, 3, SHOUT, [SHOUT], {})

    assert runs(made, goes).exit_status == 3
    assert told == [0, [0, 1], 0, [], 0, [0, 1, 2], -1, 14, -1, 22, 3]
    assert_clean(made)


def test_in_c_the_form_of_the_page_takes_a_port_everywhere() -> None:
    made = world()

    def goes(proc: bp.BprocProc) -> Steps:
        yield from proc.libc._bproc_execmove_io(2, 0, HELLO, ["hello"], {})

    assert runs(made, goes).text == "out of node 2\nerr of node 2\n"


def test_a_session_takes_lists_too() -> None:
    made = world()
    made.nodes[2].fs.write_file("/in", b"text")
    session = made.session()
    assert session.libc.bproc_move_io(2, [file(5, "/in")], 1) == 0
    assert session.read(5) == b"text"
    with pytest.raises(bp.CallError, match="does not exist"):
        session.bproc_move_io(1, [file(5, "/absent")])
    with pytest.raises(bp.Replaced) as replaced:
        session.bproc_execmove_io(1, [file(1, "/dev/null", bp.O_WRONLY)], SHOUT, [SHOUT], {})
    assert replaced.value.outcome.exit_status == 1


def test_scyld_has_no_lists() -> None:
    made = world("scyld")
    expected = "port: expected a port .*edition scyld has no lists of bp.BprocIo"
    with pytest.raises(TypeError, match=expected):
        made.bproc_execmove_io(2, [NULL], SHOUT)

    def goes(proc: bp.BprocProc) -> Steps:
        with pytest.raises(TypeError, match=expected):
            proc.bproc_move_io(2, [NULL])
        yield from proc.libc.bproc_move_io(2, 0)

    assert runs(made, goes).node == 2


def untyped(value: Any) -> Any:
    """Give a value that no type says anything of."""
    return value


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (lambda: bp.BprocIo(untyped("1")), "BprocIo: fd: expected an int, got '1'"),
        (lambda: bp.BprocIo(1, SOCKET, 0, untyped("10.0.0.1")), "BprocIo: address: expected bp.Address"),
        (lambda: bp.BprocIo(1, SOCKET, 0, bp.Address("x", 1)), "BprocIo: address: host: expected a dotted quad"),
        (lambda: bp.BprocIo(1, FILE, file_name=7), "BprocIo: file_name: expected str, bytes or a path, got 7"),
        (lambda: io_list(["x"], "io"), r"io: expected a list of bp.BprocIo, got one with 'x'"),
        (lambda: io_list("x", "io"), r"io: expected a port \(an int\) or a list of bp.BprocIo, got 'x'"),
    ],
)
def test_what_is_no_entry_is_refused_by_name(made: Any, expected: str) -> None:
    with pytest.raises((TypeError, ValueError), match=expected):
        made()


# ---- a child that stays -----------------------------------------------------------------------------


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_child_of_rfork_that_stays_has_what_it_was_forked_with_and_what_the_list_names(edition: str) -> None:
    made = world(edition)
    made.master.fs.write_file("/in", b"text")
    seen: list[Any] = []

    def goes(proc: bp.BprocProc) -> Steps:
        child = yield from proc.bproc_rfork_io(MASTER, [file(0, "/in"), bp.BprocIo(6, FILE, DELAY)], tells)
        assert (yield from proc.waitpid(child)).exit_status == 0
        with pytest.raises(bp.CallError):
            yield from proc.bproc_rfork_io(MASTER, [file(0, "/absent")], tells)

    def tells(proc: bp.Proc) -> Steps:
        seen.append((yield from proc.read(0)))
        seen.append(sorted(proc.thread.process.descriptors))

    runs(made, goes)
    assert seen == [b"text", [0, 1, 2]]
    assert [each.cause for each in made.trace.of_kind("io")] == ["io_path_empty"]
    assert_clean(made)
