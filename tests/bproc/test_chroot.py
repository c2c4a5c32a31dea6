"""bproc_slave_chroot and bproc_nodechroot: a slave's daemon gets another root, and with it whoever comes there."""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import ms, s
from tests.bproc.worlds import HELLO, MASTER, Steps, assert_clean, cluster

CALLS = {"scyld": "bproc_slave_chroot", "lanl32": "bproc_nodechroot", "bproc4": "bproc_nodechroot"}


def world(edition: str = "scyld", **options: Any) -> bp.Cluster:
    """Build a cluster of which node 2 has a directory with a tree of its own."""
    made = cluster(edition=edition, **options)
    files = made.nodes[2].fs
    files.mkdir("/jail/etc", parents=True)
    files.mkdir("/jail/work")
    files.mkdir("/work")
    files.mkdir("/etc", exist_ok=True)
    files.write_file("/jail/etc/name", b"inside")
    files.write_file("/etc/name", b"outside")
    files.symlink("/etc/name", "/jail/link")
    return made


def chroot(made: bp.Cluster, node: int = 2, path: str = "/jail", **by: Any) -> bp.Outcome:
    """Change a slave's root by the call that the edition has."""
    out: bp.Outcome = getattr(made, CALLS[made.edition.name])(node, path, **by)
    return out


def reads(proc: bp.Proc, path: str) -> Steps:
    """Read a file, "" if it is not there."""
    try:
        fd = yield from proc.open(path)
    except FileNotFoundError:
        return ""
    data = yield from proc.read(fd)
    yield from proc.close(fd)
    return data.decode()


def looks(proc: bp.Proc) -> Steps:
    """Tell what some paths lead to."""
    told = []
    for path in ("/etc/name", "/../etc/name", "/work/../../etc/name", "/link", "/jail/etc/name", "etc/name"):
        told.append((yield from reads(proc, path)))
    yield from proc.print(",".join(told), proc.cwd)
    return 4


@pytest.mark.parametrize("edition", CALLS)
def test_whoever_comes_has_the_directory_for_his_root(edition: str) -> None:
    made = world(edition)
    made.install("/usr/bin/looks", looks)
    before = made.bproc_execmove(2, "/usr/bin/looks")
    assert (before.text, before.exit_status) == ("outside,outside,outside,,inside,outside /\n", 4)
    out = chroot(made)
    assert (out.value, out.errno, out.node) == (0, None, MASTER)
    inside = made.bproc_execmove(2, "/usr/bin/looks")
    assert (inside.text, inside.exit_status) == ("inside,inside,inside,inside,,inside /\n", 4)
    assert made.bproc_execmove(1, "/usr/bin/looks").text.split(",")[0] == ""
    assert_clean(made)


def test_who_is_there_keeps_his_root_and_his_children_have_it() -> None:
    made = world()
    told: list[str] = []

    def stays(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(2)
        yield from proc.sleep(1 * s)
        told.append((yield from reads(proc, "/etc/name")))
        yield from proc.waitpid((yield from proc.fork(child)))
        yield from proc.bproc_move(MASTER)
        yield from proc.bproc_move(2)
        told.append((yield from reads(proc, "/etc/name")))
        yield from proc.waitpid((yield from proc.fork(child)))

    def child(proc: bp.Proc) -> Steps:
        told.append((yield from reads(proc, "/etc/name")))

    running = made.popen(stays)
    made.sleep(0.1)
    assert chroot(made).value == 0
    running.wait()
    assert told == ["outside", "outside", "inside", "inside"]
    made.sim.run()
    assert_clean(made)


def test_it_can_be_done_again_below_the_root_and_a_move_home_leads_out() -> None:
    made = world()
    made.master.fs.mkdir("/work")
    assert chroot(made).value == 0
    assert chroot(made, path="/jail").errno is bp.Errno.ENOENT
    assert chroot(made, path="../work").value == 0
    told: list[Any] = []

    def goes(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_move(2)
        told.append((yield from reads(proc, "/etc/name")))
        yield from proc.bproc_move(MASTER)
        told.append(proc.cwd)
        fd = yield from proc.open("/bin/sh")
        told.append(len((yield from proc.read(fd, 4))))

    made.popen(goes).wait()
    assert told == ["", "/", 4]


def test_the_name_of_the_directory_goes_along_within_the_root() -> None:
    made = world()
    made.master.fs.mkdir("/work")
    made.install("/usr/bin/looks", looks)
    chroot(made)
    assert made.bproc_execmove(2, "/usr/bin/looks", cwd="/work").text.endswith(" /work\n")
    made.nodes[2].fs.rmdir("/jail/work")
    assert made.bproc_execmove(2, "/usr/bin/looks", cwd="/work").text.endswith(" /\n")


def test_files_of_a_list_and_programs_of_rexec_are_looked_up_there() -> None:
    made = world("bproc4")
    chroot(made)
    made.install("/usr/bin/cat", _cat)
    entries = [
        bp.BprocIo(0, bp.BPROC_IO_FILE, file_name="/etc/name"),
        bp.BprocIo(1, bp.BPROC_IO_SOCKET, addr=bp.Address("", 4000)),
    ]
    assert made.bproc_execmove_io(2, entries, "/usr/bin/cat").text == "inside"
    assert made.bproc_rexec(2, HELLO).errno is bp.Errno.ENOENT


def test_a_library_is_looked_for_within_the_root() -> None:
    made = world()
    made.install("/usr/bin/dynamic", bp.program(needs=("libc.so.6",))(lambda proc: 0))
    assert made.bproc_execmove(2, "/usr/bin/dynamic").exit_status == 0
    chroot(made)
    assert made.bproc_execmove(2, "/usr/bin/dynamic").exit_status == 127


def _cat(proc: bp.Proc) -> Steps:
    yield from proc.write(1, (yield from proc.read(0)))


def test_it_takes_a_message_and_its_answer() -> None:
    made = world()
    out = chroot(made)
    costs = made.costs
    assert out.elapsed_ns >= 2 * costs.link_latency_ns
    assert [each.message for each in made.trace.of_kind("message")] == ["NODE_CHROOT", "NODE_CHROOT response"]


def test_a_node_that_goes_down_has_its_own_root_again() -> None:
    made = world()
    chroot(made)
    made.nodes[2].set_state("down")
    assert made.bpmaster.nodes[2].root == 2


def test_a_caught_signal_ends_the_wait_and_the_root_changes_all_the_same() -> None:
    made = world(faults=[bp.LinkCut(MASTER, 2, at_ns=1, until_ns=2 * s)])
    told: list[Any] = []

    def calls(proc: bp.BprocProc) -> Steps:
        yield from proc.sigaction(bp.SIGALRM, lambda proc, signum: None)
        yield from proc.alarm(1)
        told.append((yield from proc.libc.bproc_slave_chroot(2, "/jail")))
        told.append(proc.libc.errno)

    made.popen(calls).wait()
    assert told == [-1, 4]
    made.sleep(3)
    assert made.bpmaster.requests == []
    made.install("/usr/bin/looks", looks)
    assert made.bproc_execmove(2, "/usr/bin/looks").text.startswith("inside,")


def test_a_stop_in_between_is_not_seen_and_nothing_is_sent_twice() -> None:
    made = world(faults=[bp.SlowLink(MASTER, 2, times=10_000, at_ns=1, until_ns=2 * s)])
    told: list[Any] = []

    def calls(proc: bp.BprocProc) -> Steps:
        told.append((yield from proc.libc.bproc_slave_chroot(2, "/jail")))

    running = made.popen(calls)
    made.sleep(0.1)
    running.send_signal(bp.SIGSTOP)
    made.sleep(0.1)
    running.send_signal(bp.SIGCONT)
    running.wait()
    assert told == [0]
    assert [each.message for each in made.trace.of_kind("message")].count("NODE_CHROOT") == 1


def test_whoever_waits_may_be_killed() -> None:
    made = world(faults=[bp.Hang(2, at_ns=1)])

    def calls(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_slave_chroot(2, "/jail")

    running = made.popen(calls)
    made.sleep(0.1)
    running.kill()
    assert running.wait() == -bp.SIGKILL
    made.sleep(60)
    assert made.nodes[2].state == "down"
    assert made.bpmaster.requests == []


@pytest.mark.parametrize("edition", CALLS)
def test_a_silent_node_is_waited_for_until_it_is_given_up(edition: str) -> None:
    made = world(edition, faults=[bp.Hang(2, at_ns=10 * ms)])
    made.sleep(0.02)
    out = chroot(made)
    errno = {"scyld": "EIO"}.get(edition, "BE_SLAVEDIED")
    assert (out.errno, out.cause) == (bp.Errno[errno], "slave_lost")
    assert 30 * s <= out.elapsed_ns <= 45 * s


def test_a_session_makes_it_too() -> None:
    made = world()
    with made.session() as session:
        assert session.bproc_slave_chroot(2, "/jail") == 0
        with pytest.raises(FileNotFoundError):
            session.bproc_slave_chroot(2, "/absent")


def test_other_editions_have_it_under_another_name() -> None:
    with pytest.raises(AttributeError, match="edition bproc4 has no bproc_slave_chroot"):
        world("bproc4").bproc_slave_chroot(2, "/jail")


def test_whoever_waits_for_the_answer_says_so() -> None:
    def asks(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_slave_chroot(2, "/jail")

    made = world()
    asking = made.popen(asks)
    while not any(each.message == "NODE_CHROOT" for each in made.trace.of_kind("message")):
        made.sim.run(until_ns=made.sim.now_ns + 1000)
    (line,) = made.sim.waiting()
    waits = f"  pid {asking.pid} (asks) on master waits in bproc_slave_chroot, an answer from node 2 since "
    assert line.startswith(waits)
    assert asking.wait() == 0


@bp.program(needs=("libx.so",))
def linked(proc: bp.Proc) -> Steps:
    """Run if its library is there."""
    yield from proc.print("ran")


def test_the_loader_looks_below_the_root() -> None:
    """What is no directory there ends no search, though there is one of that name outside."""
    made = world()
    made.install("/usr/bin/linked", linked)
    files = made.nodes[2].fs
    files.write_file("/jail/a", b"no directory")
    files.mkdir("/a")
    files.mkdir("/jail/b")
    files.write_file("/jail/b/libx.so", bp.ElfImage(type="DYN", interpreters=(), soname="libx.so").to_bytes())
    env = {"LD_LIBRARY_PATH": "/a:/b"}
    assert made.bproc_execmove(2, "/usr/bin/linked", ["linked"], env).exit_status == 127
    chroot(made).check()
    assert made.bproc_execmove(2, "/usr/bin/linked", ["linked"], env).text == "ran\n"
    assert_clean(made)
