"""What is returned and what is an exit: up to the exec the caller's node decides, after it the master and the target.

The cases are numbered as in the acceptance list that the sources of BProc give rise to.
"""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import MiB
from tests.bproc.worlds import HELLO, MASTER, STEPS, Steps, assert_clean, cluster, steps

EDITIONS = ("scyld", "lanl32", "bproc4")
# What a late failure leaves, by edition.
STATUS = {
    "scyld": {"node_unknown": 22, "node_down": 22, "same_node": 40, "node_not_permitted": 1, "slave_lost": 5},
    "lanl32": {"node_unknown": 44, "node_down": 45, "same_node": 46, "node_not_permitted": 1, "slave_lost": 47},
}
STATUS["bproc4"] = STATUS["lanl32"]
for each in STATUS.values():
    each["queue_closed"] = 5


def assert_late(out: bp.Outcome, cause: str, edition: str = "scyld") -> None:
    """Assert that the exec succeeded and the process then ended with the errno of a row."""
    assert (out.cause, out.errno, out.failed, out.returned) == (cause, None, False, False)
    assert out.late_errno is not None
    assert out.exit_status == STATUS[edition][cause] == out.late_errno.number("linux") & 0xFF
    assert (out.stdout, out.stderr, out.signal, out.value) == (b"", b"", None, None)


# ---- the exec phase ------------------------------------------------------------------------------


def test_a1_a_program_runs_with_the_number_that_it_had() -> None:
    made = cluster()
    out = made.bproc_execmove(0, "/usr/bin/true")
    assert (out.exit_status, out.node) == (0, 0)
    assert {record.pid for record in made.trace.of_kind("step")} == {out.pid}


@pytest.mark.parametrize(
    ("path", "errno"),
    [
        pytest.param("/no/such", "ENOENT", id="A2"),
        pytest.param("/tmp/plain", "EACCES", id="A3"),
        pytest.param("/tmp/text", "ENOEXEC", id="A4"),
        pytest.param("/tmp/open", "ETXTBSY", id="A5"),
    ],
)
@pytest.mark.parametrize("node", [0, 1, 99, MASTER, -2], ids=["up", "down", "A8: unknown", "same", "self"])
def test_the_exec_decides_first_and_a_refusal_is_returned(path: str, errno: str, node: int) -> None:
    """A2 to A5 and A8: whatever is wrong with the node; and the caller goes on."""
    made = cluster(faults=[bp.PowerOff(1)])
    files = made.master.fs
    files.write_file("/tmp/plain", b"\x7fELF", mode=0o644)
    files.write_file("/tmp/text", b"words\n", mode=0o755)
    made.install("/tmp/open", lambda proc: 0)
    told = list[Any]()

    def tries(proc: bp.Proc) -> Steps:
        began_ns = made.sim.now_ns
        told.append((yield from proc.libc.bproc_execmove(node, path, ["x"], {})))
        told.append(proc.libc.errno)
        told.append(made.sim.now_ns > began_ns)  # it is never free
        yield from proc.write(1, b"still here\n")
        return 7

    made.install("/usr/bin/tries", tries)
    with files.open_for_write("/tmp/open"):
        out = made.bproc_execmove(node, path)
        assert out.errno is bp.Errno[errno]
        assert (out.value, out.returned, out.failed, out.late_errno) == (-1, True, True, None)
        inside = made.execve("/usr/bin/tries")
    assert told == [-1, bp.Errno[errno].number("linux"), True]
    assert (inside.exit_status, inside.stdout) == (7, b"still here\n")
    assert steps(made) == []
    assert_clean(made)


def test_a44_a_slave_calls_by_the_rules_of_its_own_node() -> None:
    """Its own files, mounts and limits decide; what only the master has is not there."""
    made = cluster(on="master")
    out = made.bproc_execmove(2, HELLO, from_node=1)
    assert out.errno is bp.Errno.ENOENT
    made.install("/usr/bin/own", lambda proc: 5, on=1)
    assert made.bproc_execmove(2, "/usr/bin/own", from_node=1).exit_status == 5
    made.inject(bp.OpenFileLimit(1, 0))
    assert made.bproc_execmove(2, "/usr/bin/own", from_node=1).errno is bp.Errno.ENFILE
    made.inject(bp.MemoryFull(2))
    assert made.bproc_execmove(3, HELLO).exit_status == 3


def test_a45_what_only_the_master_has_is_reached_by_way_of_the_master() -> None:
    made = cluster(on="master")
    made.install("/usr/bin/from-home", hop(3, HELLO))
    made.install("/usr/bin/goes-home", hop(MASTER, "/usr/bin/from-home"), on=1)
    made.install("/usr/bin/from-home", hop(3, HELLO), on=1)
    assert made.bproc_execmove(MASTER, "/usr/bin/from-home", from_node=1).node == 3
    assert_clean(made)


def hop(node: int, cmd: str) -> Any:
    """Make a program that only goes on to another node."""

    def hops(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_execmove(node, cmd, [cmd], {})

    return hops


# ---- the master's answer ---------------------------------------------------------------------------


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("from_node", [MASTER, 2])
def test_a6_a_node_that_is_down(edition: str, from_node: int) -> None:
    made = cluster(edition=edition, faults=[bp.PowerOff(1)])
    assert made.nodes[1].state == "down"
    assert_late(made.bproc_execmove(1, HELLO, from_node=from_node), "node_down", edition)
    assert steps(made)[-1] == "ROUTE"
    assert_clean(made)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("node", [99, 4, -2, -3, -4, -5, 2**31 - 1, -(2**31)])
def test_a7_a_node_that_nobody_knows_and_self_none_and_any_are_such(edition: str, node: int) -> None:
    made = cluster(edition=edition)
    assert_late(made.bproc_execmove(node, HELLO), "node_unknown", edition)
    assert_late(made.bproc_execmove(node, HELLO, from_node=1), "node_unknown", edition)
    assert_clean(made)


@pytest.mark.parametrize("edition", EDITIONS)
def test_a9_somebody_who_may_not(edition: str) -> None:
    made = cluster(edition=edition)
    alice = made.user("alice", 500, 500)
    made.nodes[0].chmod(0o100)
    assert_late(made.bproc_execmove(0, HELLO, user=alice), "node_not_permitted", edition)
    assert made.bproc_execmove(0, HELLO).exit_status == 3
    assert_clean(made)


def test_a10_permission_is_asked_with_the_identity_before_a_set_id_exec() -> None:
    made = cluster()
    alice = made.user("alice", 500, 500)
    made.install("/usr/bin/root", lambda proc: proc.euid, mode=0o4755)
    made.nodes[0].chmod(0o100)
    assert_late(made.bproc_execmove(0, "/usr/bin/root", user=alice), "node_not_permitted")
    made.nodes[0].chown(500, 0)
    out = made.bproc_execmove(0, "/usr/bin/root", user=alice)
    assert (out.exit_status, out.cause) == (0, None)
    # And the other way round: root may, though the image is another's.
    made.install("/usr/bin/alice", lambda proc: proc.euid & 0xFF, mode=0o4755, uid=500)
    made.nodes[0].chown(0, 0)
    assert made.bproc_execmove(0, "/usr/bin/alice").exit_status == 500 & 0xFF


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("node", [MASTER, 1], ids=["A11: the master", "A43: a slave"])
def test_a11_and_a43_a_move_to_where_it_is_already(edition: str, node: int) -> None:
    made = cluster(edition=edition)
    assert_late(made.bproc_execmove(node, HELLO, from_node=node), "same_node", edition)
    assert_clean(made)


@pytest.mark.parametrize(("edition", "errno"), [("scyld", "EBUSY"), ("lanl32", "EBUSY"), ("bproc4", "ENOSYS")])
def test_a13_without_a_master_nothing_else_is_looked_at(edition: str, errno: str) -> None:
    made = cluster(edition=edition, faults=[bp.MasterDaemonExit(), bp.PowerOff(1)])
    for cmd, node in ((HELLO, 0), ("/no/such", 0), (None, 1), ("", 99)):
        out = made.bproc_execmove(node, cmd)
        assert (out.errno, out.cause) == (bp.Errno[errno], "no_master")
    assert_clean(made)


def test_on_a_slave_nobody_sees_that_there_is_no_master() -> None:
    """Its own node decides the exec; then the process is killed, as all of the space are there."""
    made = cluster(faults=[bp.MasterDaemonExit()])
    assert made.bproc_execmove(2, "/no/such", from_node=1).errno is bp.Errno.ENOENT
    out = made.bproc_execmove(2, HELLO, from_node=1)
    assert (out.signal, out.returned) == (bp.SIGKILL, False)
    assert_clean(made)


def test_the_order_of_the_master_unknown_down_same_permission() -> None:
    made = cluster(faults=[bp.PowerOff(3)])
    alice = made.user("alice", 500, 500)
    for node in made.nodes:
        node.chmod(0)
    assert_late(made.bproc_execmove(9, HELLO, user=alice, from_node=1), "node_unknown")
    assert_late(made.bproc_execmove(3, HELLO, user=alice), "node_down")
    assert_late(made.bproc_execmove(1, HELLO, user=alice, from_node=1), "same_node")
    assert_late(made.bproc_execmove(2, HELLO, user=alice, from_node=1), "node_not_permitted")


def test_a_move_home_is_never_judged() -> None:
    made = cluster()
    alice = made.user("alice", 500, 500)
    for node in made.nodes:
        node.chmod(0)
    assert made.bproc_execmove(MASTER, HELLO, user=alice, from_node=1).exit_status == 3


# ---- who may ----------------------------------------------------------------------------------------

WHO = {
    "root": bp.Credentials(0, 0),
    "owner": bp.Credentials(500, 1),
    "group": bp.Credentials(501, 600),
    "supplementary": bp.Credentials(501, 1, groups=(7, 600)),
    "other": bp.Credentials(501, 1),
    "effective owner": bp.Credentials(501, 1, euid=500),
    "no longer root": bp.Credentials(0, 0, euid=501, egid=1),
}
# Mode bit by bit: who passes. Root needs one bit, any; the owner's bit is the owner's alone.
ALLOWED = {
    0o000: set(),
    0o100: {"root", "owner", "effective owner"},
    0o010: {"root", "group", "supplementary"},
    0o001: {"root", "other", "no longer root"},
    0o111: set(WHO),
}


@pytest.mark.parametrize("mode", sorted(ALLOWED))
def test_who_may_move_to_a_node(mode: int) -> None:
    made = cluster(1)
    made.nodes[0].chown(500, 600)
    made.nodes[0].chmod(mode)
    came = {name for name, who in WHO.items() if made.bproc_execmove(0, HELLO, user=who).exit_status == 3}
    assert came == ALLOWED[mode]


def test_a_capability_is_what_lets_root_pass_not_the_number_zero() -> None:
    made = cluster(1)
    made.nodes[0].chown(500, 600)
    made.nodes[0].chmod(0o100)
    bare, able = bp.Credentials(0, 0, capabilities=set()), bp.Credentials(9, 9, capabilities={"CAP_DAC_OVERRIDE"})
    made.master.fs.chmod(HELLO, 0o755)
    assert_late(made.bproc_execmove(0, HELLO, user=bare), "node_not_permitted")
    assert made.bproc_execmove(0, HELLO, user=able).exit_status == 3


@pytest.mark.parametrize("state", ["boot", "error", "unavailable"])
def test_only_root_uses_a_connected_node_that_is_not_up(state: str) -> None:
    made = cluster(1, boot="cold" if state == "boot" else "up")
    alice = made.user("alice", 500, 500)
    if state == "boot":
        assert_late(made.bproc_execmove(0, HELLO), "node_down")
        made.sim.run(until_ns=3_500_000_000)
    else:
        made.nodes[0].set_state(state)
    assert made.nodes[0].state == state
    assert [record.state for record in made.trace.of_kind("node")][-1:] == [state]
    assert made.bproc_execmove(0, HELLO).exit_status == 3
    assert_late(made.bproc_execmove(0, HELLO, user=alice), "node_not_permitted")
    made.nodes[0].chmod(0o111)  # only the bits count, not the word
    assert made.bproc_execmove(0, HELLO, user=alice).exit_status == 3


def test_a35_nobody_uses_a_node_that_is_set_down_and_what_runs_there_is_killed() -> None:
    made, ends = cluster(), list[Any]()

    def child(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_execmove(0, "/usr/bin/stays", ["stays"], {})

    def waits(proc: bp.Proc) -> Steps:
        yield from proc.fork(child)
        ends.append((yield from proc.wait()))

    made.install("/usr/bin/waits", waits)
    made.nodes[0].chown(500, 500)
    made.sim.env.process(at(made, 10_000_000, lambda: made.nodes[0].set_state("down")))
    made.execve("/usr/bin/waits")
    assert (ends[0].exit_status, ends[0].signal) == (None, bp.SIGKILL)
    node = made.bpmaster.nodes[0]
    assert (made.nodes[0].state, node.mode, node.uid, node.gid) == ("down", 0, 0, 0)
    assert made.sim.now_ns < 11_000_000
    assert_late(made.bproc_execmove(0, HELLO), "node_down")
    assert_clean(made)


def test_a36_a_change_of_mode_concerns_neither_those_who_run_nor_their_children() -> None:
    made = cluster()
    alice = made.user("alice", 500, 500)

    def forks(proc: bp.Proc) -> Steps:
        yield from proc.sleep(10_000_000)
        yield from proc.fork(lambda inner: 4)
        return (yield from proc.wait()).exit_status

    made.install("/usr/bin/forks", forks)
    made.sim.env.process(at(made, 8_000_000, lambda: made.nodes[2].chmod(0)))
    assert made.bproc_execmove(2, "/usr/bin/forks", user=alice).exit_status == 4
    assert_late(made.bproc_execmove(2, HELLO, user=alice), "node_not_permitted")
    assert_clean(made)


def at(made: bp.Cluster, at_ns: int, act: Any) -> Any:
    """Act at an instant, from a process of the library's user."""
    yield made.sim.env.timeout(at_ns - made.sim.now_ns)
    act()


# ---- the target's answer -----------------------------------------------------------------------------


def test_an_image_for_another_architecture_than_the_targets_is_refused_there() -> None:
    """The calling node's architecture decides the exec; the target's, whether it can be thawed."""
    specs = [bp.NodeSpec(), bp.NodeSpec(arch="i386"), bp.NodeSpec(arch="ppc")]
    made = bp.Cluster(specs, master=bp.NodeSpec(), trace="all")
    made.install(HELLO, lambda proc: 3)
    assert made.bproc_execmove(0, HELLO).exit_status == 3
    for node in (1, 2):
        out = made.bproc_execmove(node, HELLO)
        assert (out.cause, out.exit_status, out.late_errno) == ("undump_refused", 22, bp.Errno.EINVAL)
    assert steps(made)[-1] == "THAW"
    assert_clean(made)


def test_a_target_without_memory_refuses_what_the_caller_had_room_for() -> None:
    @bp.program(memory_bytes=4 * MiB)
    def big(proc: bp.Proc) -> int:
        return 0

    made = cluster()
    made.install("/usr/bin/big", big)
    full = made.inject(bp.MemoryFull(2, 4 * MiB))
    out = made.bproc_execmove(2, "/usr/bin/big")
    assert (out.cause, out.exit_status) == ("undump_out_of_memory", 12)
    assert made.bproc_execmove(1, "/usr/bin/big").exit_status == 0
    full.cancel()
    assert made.bproc_execmove(2, "/usr/bin/big").exit_status == 0
    assert_clean(made)


def test_a_late_failure_is_an_ordinary_exit_to_the_parent_and_says_nothing() -> None:
    waited = list[Any]()

    def child(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_execmove(99, HELLO, ["hello"], {})
        yield from proc.write(2, b"this is never reached\n")

    def parent(proc: bp.Proc) -> Steps:
        pid = yield from proc.fork(child)
        waited.append((yield from proc.libc.waitpid(pid)))

    made = cluster()
    made.install("/usr/bin/parent", parent)
    out = made.execve("/usr/bin/parent")
    _, status = waited[0]
    assert bp.WIFEXITED(status) and bp.WEXITSTATUS(status) == 22
    assert (out.stdout, out.stderr, out.late_errno) == (b"", b"", None)


def test_the_clean_up_of_the_old_image_runs_though_no_real_exec_would_let_it() -> None:
    """The one documented lie; and `except Exception` never catches the end of an image."""
    seen = list[str]()

    def careful(proc: bp.BprocProc) -> Steps:
        try:
            yield from proc.bproc_execmove(99, HELLO, ["hello"], {})
        except Exception:
            seen.append("caught")
        finally:
            seen.append("finally")

    made = cluster()
    made.install("/usr/bin/careful", careful)
    assert made.execve("/usr/bin/careful").exit_status == 22
    assert seen == ["finally"]


# ---- one after the other, by one process -------------------------------------------------------------


def test_an_idle_process_may_be_the_caller_and_is_idle_again_after_a_refusal() -> None:
    made = cluster()
    caller = made.idle_process(node=1)
    out = made.bproc_execmove(2, "/no/such", caller=caller)
    assert (out.errno, out.pid, out.node) == (bp.Errno.ENOENT, caller.pid, 1)
    out = made.bproc_execmove(2, HELLO, caller=caller)
    assert (out.exit_status, out.pid, out.node) == (3, caller.pid, 2)
    with pytest.raises(ValueError, match="caller"):
        made.bproc_execmove(2, HELLO, caller=caller)


# ---- the daemon ends while a call is still on the caller's node ---------------------------------------


@pytest.mark.parametrize("edition", EDITIONS)
def test_who_is_no_ghost_yet_finds_the_queue_closed_and_who_is_one_dies(edition: str) -> None:
    """Sources: bproc-4.0.0pre8-move, bproc-4.0.0pre8-master."""
    asked = cluster(edition=edition, trace="all")
    asked.bproc_execmove(1, HELLO)
    (ghost_ns,) = [each.at_ns for each in asked.trace.of_kind("step") if each.step == "GHOST"]
    # What is to strike at a step that nobody comes to lets all others pass one by one.
    for trace, more in (("errors", []), ("all", []), ("all", [bp.PowerOff(0, step=bp.Step.THAW)])):
        for at_ns in (1, ghost_ns // 2, ghost_ns - 1):
            made = cluster(edition=edition, trace=trace, faults=[bp.MasterDaemonExit(at_ns=at_ns), *more])
            assert_late(made.bproc_execmove(1, HELLO), "queue_closed", edition)
            assert trace == "errors" or steps(made) == list(STEPS[: STEPS.index("GHOST")][: len(steps(made))])
            assert_clean(made)
        made = cluster(edition=edition, trace=trace, faults=[bp.MasterDaemonExit(at_ns=ghost_ns + 1), *more])
        assert made.bproc_execmove(1, HELLO).signal == bp.SIGKILL
        assert trace == "errors" or steps(made)[-1] == "GHOST"


@pytest.mark.parametrize("edition", EDITIONS)
def test_a_move_and_a_child_that_have_not_set_out_come_back(edition: str) -> None:
    def moves(proc: bp.BprocProc) -> Steps:
        try:
            yield from proc.bproc_move(1)
        except OSError as error:
            return error.errno

    made = cluster(edition=edition)
    made.install("/usr/bin/moves", moves)
    made.install("/usr/bin/stays", lambda proc: 0)
    began_ns = made.execve("/usr/bin/stays").elapsed_ns
    made.inject(bp.MasterDaemonExit(at_ns=made.sim.now_ns + began_ns + 1))
    assert made.execve("/usr/bin/moves").exit_status == 5
    assert_clean(made)
    # The daemon ends while the child is made, and while that is on its way to the queue.
    for at_ns in (500, 246_500):
        made = cluster(edition=edition, faults=[bp.MasterDaemonExit(at_ns=at_ns)])
        out = made.bproc_rfork(1, lambda proc: 0)
        assert (out.failed, out.cause, out.errno) == (True, "queue_closed", bp.Errno.EIO)
        assert_clean(made)


@pytest.mark.parametrize("edition", ["lanl32", "bproc4"])
def test_children_that_are_made_after_the_daemon_has_ended_have_never_been(edition: str) -> None:
    made = cluster(edition=edition, faults=[bp.MasterDaemonExit(at_ns=3_000_000)])
    out = made.bproc_vexecmove([0, 1, 2], HELLO)
    assert out.pids[0] > 0, "a ghost by then: it was killed"
    assert (out.value, out.pids[1:]) == (3, (-5, -5))
    assert_clean(made)
