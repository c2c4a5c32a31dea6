"""bproc_vexecmove and bproc_vrfork: one call, many nodes, and the image goes from node to node."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from attrs import evolve

import bprocsim as bp
from bprocsim.posix.credentials import Credentials
from bprocsim.units import KiB, MiB, ms
from tests.bproc.test_move import runs
from tests.bproc.worlds import HELLO, MASTER, Steps, assert_clean, cluster, stays
from tests.kernel.images import load, with_table

EDITIONS = ("lanl32", "bproc4")
TRUE = "/usr/bin/true"
NODE_DOWN, NODE_UNKNOWN = -301, -300


def vectored(nodes: int = 4, edition: str | bp.Edition = "bproc4", **options: Any) -> bp.Cluster:
    """Build a cluster whose edition has the calls."""
    return cluster(nodes, edition=edition, **options)


def images(made: bp.Cluster) -> list[tuple[str, str]]:
    """Tell who sent an image to whom, in order."""
    return [(record.node, record.to) for record in made.trace.of_kind("message") if record.message == "image"]


def at_steps(made: bp.Cluster, step: bp.Step) -> list[int]:
    """Tell when a step was reached, by whomever."""
    return [record.at_ns for record in made.trace.of_kind("step") if record.step == step.name]


# ---- what it returns -------------------------------------------------------------------------------


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("source", [MASTER, 3])
def test_a28_a_node_that_is_down_has_an_errno_in_its_slot(source: int, edition: str) -> None:
    seen = dict[str, Any]()

    def on_child(proc: bp.Proc, signum: int) -> None:
        seen["signals"] = seen.get("signals", 0) + 1

    def caller(proc: bp.BprocProc) -> Steps:
        yield from proc.sigaction(bp.SIGCHLD, on_child)
        pids: list[int] = []
        count = yield from proc.bproc_vexecmove(3, [0, 1, 2], pids, TRUE, ["true"], {})
        seen["told"] = (count, [pid if pid < 0 else "pid" for pid in pids])
        seen["pids"], seen["waited"] = [pid for pid in pids if pid > 0], []
        for _ in seen["pids"]:
            seen["waited"].append((yield from proc.wait()).pid)
        seen["left"] = yield from proc.libc.waitpid(-1, bp.WNOHANG)

    made = vectored(edition=edition, faults=[bp.PowerOff(1)])
    runs(caller, source, made)
    assert seen["told"] == (3, ["pid", NODE_DOWN, "pid"])
    assert sorted(seen["waited"]) == seen["pids"]
    assert (seen["signals"], seen["left"]) == (2, (-1, 0))
    assert_clean(made)


def test_a29_each_child_is_told_its_rank_where_there_is_room() -> None:
    def tells(proc: bp.Proc) -> Steps:
        told.append((proc.node, proc.env.get("BPROC_RANK"), proc.env.get("OTHER")))
        yield from proc.sleep(1)

    made = vectored(5)
    made.install("/usr/bin/tells", tells)
    for rank in ("XXXXXXX", "XXXXXX", "xxxxxxx", None):
        told: list[tuple[int, str | None, str | None]] = []
        env = {"OTHER": "BPROC_RANK=XXXXXXX"} | ({} if rank is None else {"BPROC_RANK": rank})
        made.bproc_vexecmove([4, 2, 0, 1, 3], "/usr/bin/tells", ["tells"], env)
        ranks = [f"{index:07}" if rank == "XXXXXXX" else rank for index in range(5)]
        other = "BPROC_RANK=XXXXXXX"
        assert sorted(told) == sorted((node, each, other) for node, each in zip([4, 2, 0, 1, 3], ranks, strict=True))
    assert_clean(made)


@pytest.mark.parametrize("edition", EDITIONS)
def test_a30_a_missing_file_is_an_errno_in_each_slot_and_no_node_hears_of_it(edition: str) -> None:
    made = vectored(edition=edition, faults=[bp.PowerOff(1)])
    out = made.bproc_vexecmove([0, 1, 99], "/usr/bin/none")
    assert (out.value, out.failed, out.errno, out.returned) == (3, False, None, True)
    assert (out.pids, out.causes) == ((-2, -2, -2), ("cmd_absent",) * 3)
    assert not made.trace.of_kind("message")
    assert_clean(made)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("count", [0, -1])
def test_a31_no_node_at_all_is_refused(count: int, edition: str) -> None:
    told = list[Any]()

    def caller(proc: bp.BprocProc) -> Steps:
        pids = [7]
        libc = proc.libc
        told.append((yield from libc.bproc_vexecmove(count, [0], pids, TRUE, ["true"], {})))
        told.append(libc.errno)
        told.append((yield from libc.bproc_vrfork(count, [0], pids, stays)))
        told.append(libc.errno)
        told.append(pids)

    def names_it(proc: bp.BprocProc) -> Steps:
        with pytest.raises(bp.CallError) as caught:
            yield from proc.bproc_vexecmove(count, [0], [], TRUE, ["true"], {})
        told.append(caught.value.filename)

    made = vectored(edition=edition)
    runs(caller, made=made)
    assert told == [-1, 22, -1, 22, [7]]
    runs(names_it, made=made)
    assert told[-1] == str(count)
    assert made.bproc_vexecmove([], TRUE).cause == made.bproc_vrfork([], stays).cause == "count_not_positive"
    assert_clean(made)


def test_each_slot_has_its_own_errno() -> None:
    specs = [bp.NodeSpec(), bp.NodeSpec(arch="ppc"), bp.NodeSpec(), bp.NodeSpec(), bp.NodeSpec()]
    made = bp.Cluster(specs, edition="lanl32", faults=[bp.PowerOff(0), bp.MemoryFull(4)])
    made.install(TRUE, lambda proc: 0)
    made.nodes[2].chmod(0o100)
    out = made.bproc_vexecmove([0, 1, 2, 3, 4, 5, -2, 3], TRUE, user=made.user("alice", 500, 500))
    assert out.causes == (
        "node_down", "undump_refused", "node_not_permitted", None, "undump_out_of_memory", "node_unknown",
        "node_unknown", None,
    )  # fmt: skip
    assert [pid for pid in out.pids if pid < 0] == [-301, -22, -1, -12, -300, -300]
    assert (out.value, out.cause, out.errno) == (8, "node_down", None)
    assert "slot 0: BE_NODEDOWN node_down" in repr(out)
    assert out.check() is out
    slots = [(each.slot, each.target, each.cause) for each in made.trace.of_kind("slot")]
    assert sorted(slots)[0] == (0, 0, "node_down") and len(slots) == 6
    assert_clean(made)


def test_arrays_are_memory_of_the_program() -> None:
    told = list[Any]()

    def caller(proc: bp.BprocProc) -> Steps:
        libc, nowhere = proc.libc, bp.BAD_ADDRESS
        arrays: list[Any] = [
            (1, None, []), (1, nowhere, []), (2, [0], []), (1, [0], None), (1, [0], nowhere), (0, None, None),
        ]  # fmt: skip
        for n, nodes, pids in arrays:
            rc = yield from libc.bproc_vexecmove(n, nodes, pids, TRUE, ["true"], {})
            told.append((rc, libc.errno))
        # Only so many as are said to be there are looked at, and the array is overwritten.
        pids = [5, 6, 7]
        told.append((yield from proc.bproc_vexecmove(1, (3, 99), pids, TRUE, ["true"], {})))
        told.append(pids == [(yield from proc.wait()).pid])

    made = vectored()
    runs(caller, made=made)
    assert told == [(-1, 14)] * 5 + [(-1, 22), 1, True]


@pytest.mark.parametrize(
    ("nodes", "pids", "said"),
    [(3, [], "nodes: expected a list of ints, got 3"), ("0-3", [], "nodes: expected a list of ints, got '0-3'"),
     ([0.5], [], "nodes: expected an int, got 0.5"), ([0], (), "pids: expected a list, which the call fills, got ()")],
)  # fmt: skip
def test_what_is_no_array_is_refused_by_name(nodes: Any, pids: Any, said: str) -> None:
    def caller(proc: bp.BprocProc) -> Steps:
        with pytest.raises(TypeError) as told:
            yield from proc.bproc_vexecmove(1, nodes, pids, TRUE, ["true"], {})
        assert str(told.value) == said

    runs(caller, made=vectored())


def test_scyld_has_none_of_them() -> None:
    made = cluster()

    def caller(proc: bp.BprocProc) -> Steps:
        exec_: tuple[Any, ...] = TRUE, [], {}
        more: tuple[Any, ...] = 0, stays
        calls: dict[str, Any] = {
            "bproc_vexecmove": exec_, "bproc_vexecmove_io": (0, *exec_), "bproc_vrfork": (stays,),
            "_bproc_vrfork": more, "bproc_vrfork_io": more, "_bproc_vrfork_io": (0, *more),
        }  # fmt: skip
        for call, words in calls.items():
            with pytest.raises(AttributeError, match=f"edition scyld has no {call}$"):
                yield from getattr(proc, call)(1, [0], [], *words)

    runs(caller, made=made)
    with pytest.raises(AttributeError, match=r"cluster\.bproc_vexecmove\(\.\.\.\): edition scyld has no"):
        made.bproc_vexecmove([0], TRUE)
    with pytest.raises(AttributeError, match="edition scyld has no _bproc_vrfork"):
        made._bproc_vrfork([0], 7, stays)


# ---- the tree --------------------------------------------------------------------------------------


def expected_senders(count: int) -> list[str]:
    """Tell who sends to each of `count` nodes, if all copies take equally long: by hand, without a clock."""
    senders, waiting, found = ["master"], list[str](), list[str]()
    while len(found) < count:
        # One round: each of those who can sends one copy; then they can again, and whom they sent to after them.
        for sender in senders[: count - len(found)]:
            found.append(sender)
            if sender != "master":
                waiting.append(sender)
            waiting.append(f"node {len(found) - 1}")
        senders, waiting = waiting, []
    return found


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 7, 8, 9, 16])
def test_whoever_has_the_image_passes_it_on(count: int) -> None:
    """Each node gets it once, the caller sends it once, and copies double from round to round."""
    made = vectored(count)
    out = made.bproc_vexecmove(range(count), TRUE)
    sent = images(made)
    assert [to for _, to in sent] == [f"node {node}" for node in range(count)]
    assert Counter(sender for sender, _ in sent)["master"] == 1
    assert [sender for sender, _ in sent] == expected_senders(count)
    assert (out.value, out.causes) == (count, (None,) * count)
    assert_clean(made)


def test_time_grows_with_the_rounds_where_the_image_is_large() -> None:
    """By hand: the first copy, and one round for each doubling; a round takes what a copy takes."""
    image = bp.ElfImage().to_bytes().ljust(4 * MiB, b"\1")
    copy_ns = 4 * bp.costs["clustermatic-2002"].link_ns_per_mib
    took = {}
    for count, rounds in ((1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (8, 4), (9, 5), (16, 5)):
        made = vectored(count, trace="errors")
        made.install("/usr/bin/large", None, image=image)
        took[count] = made.bproc_vexecmove(range(count), "/usr/bin/large").elapsed_ns
        # Besides copies: the exec, and what each round and each fork of the caller takes.
        assert rounds * copy_ns < took[count] < rounds * copy_ns + 40 * ms + count * 2 * ms
    flat = vectored(16, trace="errors")
    flat.install("/usr/bin/large", None, image=image)

    def moves(proc: bp.BprocProc, node: int) -> Steps:
        yield from proc.bproc_execmove(node, "/usr/bin/large", ["large"], {})

    def one_by_one(proc: bp.BprocProc) -> Steps:
        for node in range(16):
            yield from proc.fork(moves, node)
        for _ in range(16):
            yield from proc.wait()

    assert runs(one_by_one, made=flat).elapsed_ns > 16 * copy_ns > 3 * took[16]


@pytest.mark.parametrize("edition", EDITIONS)
def test_children_begin_when_all_have_been_placed(edition: str) -> None:
    made = vectored(6, edition)
    made.bproc_vexecmove(range(6), TRUE)
    begun, placed = at_steps(made, bp.Step.RUN), at_steps(made, bp.Step.HANDOVER)
    assert len(begun) == len(placed) == 6
    assert max(placed) < min(begun)
    complete = [each for each in made.trace.of_kind("message") if each.message == "MOVE_COMPLETE"]
    assert [each.to for each in complete] == [f"node {node}" for node in range(6)]
    assert {each.at_ns for each in complete} == {max(placed)}


def test_who_was_to_send_to_a_node_that_failed_is_not_asked_again() -> None:
    """By hand: node 0 sends to node 1, which is lost; then nobody has it but the caller. Slot 2 begins anew."""
    made = vectored(faults=[bp.PowerOff(1)])
    out = made.bproc_vexecmove([0, 1, 2, 3], TRUE)
    assert out.causes == (None, "node_down", None, None)
    assert images(made) == [("master", "node 0"), ("master", "node 2"), ("node 2", "node 3")]
    assert [each.to for each in made.trace.of_kind("message") if each.message == "MOVE_COMPLETE"] == [
        "node 0", "node 2", "node 3",
    ]  # fmt: skip
    assert_clean(made)


def test_an_image_is_read_and_executed_once() -> None:
    made = vectored(5)
    made.bproc_vexecmove(range(5), TRUE)
    executed = [each for each in made.trace.of_kind("step") if each.step == bp.Step.EXEC.name]
    assert len(executed) == 1


def test_a_caller_on_a_slave_has_pids_of_the_master_and_children_anywhere() -> None:
    made = vectored()
    out = made.bproc_vexecmove([2, MASTER, 1, 0], TRUE, from_node=3)
    assert out.pids == tuple(range(out.pid + 1, out.pid + 5))
    # By hand: node 3 to 2, 2 to the master, then 2 and the master at once.
    assert images(made) == [
        ("node 3", "node 2"), ("node 2", "master"), ("node 2", "node 1"), ("master", "node 0"),
    ]  # fmt: skip
    assert_clean(made)


def test_several_children_of_one_node_are_placed_one_by_one() -> None:
    made = vectored()
    out = made.bproc_vexecmove([1, 1, 2, 1], TRUE)
    assert out.causes == (None,) * 4 and len(set(out.pids)) == 4
    assert_clean(made)


# ---- the caller's own node -------------------------------------------------------------------------


@pytest.mark.parametrize("source", [MASTER, 1])
@pytest.mark.parametrize("place", [0, 2])
def test_a43_a_child_on_the_own_node_is_a_fork_that_begins_at_once(place: int, source: int) -> None:
    begun = dict[int, Any]()

    def tells(proc: bp.Proc) -> Steps:
        begun[proc.node] = (made.sim.now_ns, proc.env["BPROC_RANK"])
        yield from proc.write(2, b"err")

    made = vectored()
    made.install("/usr/bin/tells", tells, on="master,all")
    nodes = [2, 3]
    nodes.insert(place, source)
    out = made.bproc_vexecmove(nodes, "/usr/bin/tells", ["tells"], {"BPROC_RANK": "XXXXXXX"}, from_node=source)
    assert out.causes == (None,) * 3
    # It has the caller's descriptors, and was not numbered.
    assert out.stderr == b"err"
    assert {node: rank for node, (_, rank) in begun.items()} == {
        source: "XXXXXXX", 2: f"000000{nodes.index(2)}", 3: f"000000{nodes.index(3)}",
    }  # fmt: skip
    if not place:
        assert begun[source][0] < min(begun[2][0], begun[3][0])
    assert_clean(made)


def test_a_child_on_the_own_node_needs_memory_there_and_connections_as_well() -> None:
    made = vectored()

    def caller(proc: bp.BprocProc) -> Steps:
        pids: list[int] = []
        yield from proc.bproc_vexecmove_io(2, [0, MASTER], pids, 4000, TRUE, ["true"], {})
        assert pids == [-111, -111]
        with made.inject(bp.MemoryFull(MASTER, 100)):
            yield from proc.bproc_vrfork(2, [0, MASTER], pids, stays)
        assert pids == [-12, -12]

    runs(caller, made=made)
    assert_clean(made)


@pytest.mark.parametrize("at_ns", [10 * ms, 14 * ms, 17 * ms])
def test_a_child_that_comes_back_to_its_node_is_forked_there_and_then(at_ns: int) -> None:
    """The last is led by one of the others; by then there is no memory left for it where its parent is."""
    pids: list[int] = []

    def caller(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_vrfork(3, [0, 1, MASTER], pids, _ends)

    made = vectored(faults=[bp.MemoryFull(MASTER, 100, at_ns=at_ns)])
    runs(caller, made=made)
    assert [min(pid, 0) for pid in pids] == [0, 0, -12]
    assert_clean(made)


# ---- what the children are and have ----------------------------------------------------------------


@pytest.mark.parametrize("source", [MASTER, 1])
def test_vrfork_runs_a_function_with_the_index_on_each_node(source: int) -> None:
    seen = list[Any]()

    def child(proc: bp.BprocProc, index: int, word: str) -> Steps:
        seen.append((index, proc.node, proc.ppid, word, proc.argv))
        yield from proc.sleep(1)
        return 10 + index

    def caller(proc: bp.BprocProc) -> Steps:
        pids: list[int] = []
        assert (yield from proc.bproc_vrfork(3, [3, 0, 2], pids, child, "word")) == 3
        for index, pid in enumerate(pids):
            assert (yield from proc.waitpid(pid)).exit_status == 10 + index

    made = vectored()
    out = runs(caller, source, made)
    assert sorted(seen) == [(index, node, out.pid, "word", ["program"]) for index, node in enumerate([3, 0, 2])]
    assert_clean(made)


def test_flags_of_vrfork_say_what_is_sent_but_one_library_drops_them() -> None:
    """A bug of bproc4's library: _bproc_vrfork ignores its flags. Source: bproc-4.0.0pre8-interface."""
    sizes = {}
    for edition in EDITIONS:
        made = vectored(edition=edition)

        def caller(proc: bp.BprocProc) -> Steps:
            for flags in (bp.BPROC_DUMP_ALL, bp.BPROC_DUMP_OTHER):
                yield from proc._bproc_vrfork(1, [0], [], flags, _ends)
                yield from proc._bproc_vrfork_io(1, [0], [], 0, flags, _ends)

        runs(caller, made=made)
        about = [each.about for each in made.trace.of_kind("step") if each.step == "STREAM"]
        sizes[edition] = [int(each.split()[0]) for each in about]
        assert_clean(made)
    everything, less = sizes["lanl32"][0], sizes["lanl32"][2]
    assert sizes["lanl32"] == [everything, everything, less, less] and less < everything
    assert sizes["bproc4"] == [everything, everything, everything, less]


def _ends(proc: bp.Proc, index: int) -> Steps:
    yield from proc.sleep(0)


def test_children_have_become_another_image_or_are_still_forked() -> None:
    """A parent may change the group of a child only up to its exec."""
    told = dict[str, list[Any]]()

    def caller(proc: bp.BprocProc) -> Steps:
        fresh: list[int] = []
        forked: list[int] = []
        yield from proc.bproc_vexecmove(4, [0, 1, 2, 3], fresh, "/usr/bin/stays", ["stays"], {})
        yield from proc.bproc_vrfork(4, [0, 1, 2, 3], forked, stays)
        for name, pids in (("fresh", fresh), ("forked", forked)):
            told[name] = []
            for pid in pids:
                answer = yield from proc.libc.setpgid(pid, 0)
                told[name].append((answer, proc.libc.errno if answer else 0))
                yield from proc.kill(pid, bp.SIGKILL)
                yield from proc.waitpid(pid)

    made = vectored()
    runs(caller, made=made)
    assert told == {"fresh": [(-1, bp.Errno.EACCES.number("linux"))] * 4, "forked": [(0, 0)] * 4}
    assert_clean(made)


def test_children_have_the_ids_and_handlers_of_an_exec() -> None:
    seen = list[Any]()

    def tells(proc: bp.Proc) -> Steps:
        process = proc.thread.process
        seen.append((proc.uid, proc.euid, process.pgid, sorted(process.handlers), proc.cwd, process.comm))
        yield from proc.sleep(1)

    def caller(proc: bp.BprocProc) -> Steps:
        yield from proc.sigaction(bp.SIGUSR1, lambda proc, signum: None)
        yield from proc.sigaction(bp.SIGUSR2, bp.SIG_IGN)
        yield from proc.bproc_vexecmove(3, [0, 1, 2], [], "/usr/bin/tells", ["x"], {})
        for _ in range(3):
            yield from proc.wait()

    made = vectored()
    made.install("/usr/bin/tells", tells, mode=0o4755, uid=77)
    out = runs(caller, made=made, user=made.user("alice", 500, 500), cwd="/tmp")
    assert seen == [(500, 77, out.pid, [bp.SIGUSR2], "/tmp", b"tells")] * 3
    # Who may go to a node is asked of the caller, not of whom the image makes of him.
    made.nodes[1].chmod(0o100)
    caller_of = Credentials(500, 500, euid=500)
    assert made.bproc_vexecmove([0, 1], "/usr/bin/tells", user=caller_of).pids[1] == -1


def test_without_io_of_their_own_only_those_of_the_first_generation_reach_the_caller() -> None:
    """Source: bproc-4.0.0pre8-move. The others write to a socket whose other end was closed."""
    found = list[Any]()

    def caller(proc: bp.BprocProc) -> Steps:
        pids: list[int] = []
        yield from proc.bproc_vexecmove(3, [0, 1, 2], pids, HELLO, ["hello"], {})
        for pid in pids:
            waited = yield from proc.waitpid(pid)
            found.append((waited.exit_status, waited.signal))
        yield from proc.bproc_vrfork(2, [0, 1], pids, writes)
        for pid in pids:
            found.append((yield from proc.waitpid(pid)).exit_status)

    def writes(proc: bp.BprocProc, index: int) -> Steps:
        yield from proc.sigaction(bp.SIGPIPE, bp.SIG_IGN)
        written = yield from proc.libc.write(1, b"of %d\n" % index)
        assert (yield from proc.read(0)) == b""
        return proc.libc.errno if written < 0 else written

    made = vectored()
    out = runs(caller, made=made)
    assert found == [(3, None), (None, bp.SIGPIPE), (None, bp.SIGPIPE), 5, 32]
    assert out.text == "out of node 0\nerr of node 0\nof 0\n"
    assert_clean(made)


def test_with_a_port_each_connects_to_the_caller() -> None:
    heard = dict[str, bytes]()

    def caller(proc: bp.BprocProc) -> Steps:
        fd = yield from proc.socket()
        yield from proc.bind(fd, bp.Address("", 4000))
        yield from proc.listen(fd, 9)
        pids: list[int] = []
        yield from proc.bproc_vexecmove_io(3, [0, 1, 2], pids, 4000, HELLO, ["hello"], {})
        ends = []
        for _ in range(9):
            ends.append((yield from proc.accept(fd)))
        for end, address in ends:
            if address.host in heard and len(heard[address.host].splitlines()) == 2:
                continue
            heard[address.host] = heard.get(address.host, b"") + (yield from proc.read(end))
        for _ in range(3):
            assert (yield from proc.wait()).exit_status == 3

    made = vectored()
    runs(caller, made=made)
    assert heard == {f"10.54.1.{node}": b"out of node %d\nerr of node %d\n" % (node, node) for node in range(3)}
    assert_clean(made)


def test_an_image_that_is_killed_by_its_headers_has_been() -> None:
    found = list[Any]()

    def caller(proc: bp.BprocProc) -> Steps:
        pids: list[int] = []
        found.append((yield from proc.bproc_vexecmove(2, [0, 1], pids, "/usr/bin/low", ["low"], {})))
        for pid in pids:
            found.append((yield from proc.waitpid(pid)).signal)

    made = vectored()
    made.master.fs.write_file("/usr/bin/low", with_table(load(p_vaddr=0)), mode=0o755)
    runs(caller, made=made)
    assert found == [2, bp.SIGSEGV, bp.SIGSEGV]
    assert not images(made)
    assert_clean(made)


# ---- signals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [MASTER, 3])
def test_a_signal_ends_the_launch_early_and_the_call_returns_all_the_same(source: int) -> None:
    seen = dict[str, Any]()

    def on_usr1(proc: bp.Proc, signum: int) -> None:
        seen["handled"] = made.sim.now_ns

    def caller(proc: bp.BprocProc) -> Steps:
        yield from proc.sigaction(bp.SIGUSR1, on_usr1)
        pids: list[int] = []
        seen["count"] = yield from proc.bproc_vexecmove(3, [0, 1, 2], pids, TRUE, ["true"], {})
        seen["pids"] = pids
        for pid in pids:
            if pid > 0:
                assert (yield from proc.waitpid(pid)).exit_status == 0

    def signals(proc: bp.Proc) -> Steps:
        child = yield from proc.fork(caller)
        yield from proc.sleep(3 * ms)
        yield from proc.kill(child, bp.SIGUSR1)
        seen["sent"] = made.sim.now_ns
        assert (yield from proc.wait()).exit_status == 0

    made = vectored()
    runs(signals, source, made)
    first, second, third = seen["pids"]
    assert seen["count"] == 3
    assert first > 0 and (second, third) == (0, 0)
    # Who was on the way has been awaited, and then the handler ran.
    assert seen["handled"] >= at_steps(made, bp.Step.HANDOVER)[0] > seen["sent"]
    assert len(images(made)) == 1
    assert_clean(made)


@pytest.mark.parametrize("source", [MASTER, 3])
@pytest.mark.parametrize("at_ns", range(200_000, 14_000_000, 900_000))
def test_the_caller_may_be_killed_at_any_instant_and_those_on_their_way_begin(at_ns: int, source: int) -> None:
    def caller(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_vexecmove(4, [0, 1, 2, 0], [], TRUE, ["true"], {})
        yield from proc.pause()

    def killer(proc: bp.Proc) -> Steps:
        child = yield from proc.fork(caller)
        yield from proc.sleep(at_ns)
        yield from proc.kill(child, bp.SIGKILL)
        assert (yield from proc.wait()).signal == bp.SIGKILL

    made = vectored()
    runs(killer, source, made)
    made.sim.run()
    assert len(at_steps(made, bp.Step.RUN)) == len(at_steps(made, bp.Step.HANDOVER))
    assert_clean(made)


def test_a_child_that_waits_for_the_others_can_be_killed_but_not_handle_anything() -> None:
    seen = dict[Any, Any]()

    def caller(proc: bp.BprocProc) -> Steps:
        pids: list[int] = []
        yield from proc.bproc_vexecmove(2, [0, 1], pids, TRUE, ["true"], {})
        seen["pids"] = pids
        for pid in pids:
            waited = yield from proc.waitpid(pid)
            seen[pid] = (waited.exit_status, waited.signal)

    def killer(proc: bp.Proc) -> Steps:
        child = yield from proc.fork(caller)
        while not at_steps(made, bp.Step.HANDOVER):
            yield from proc.sleep(100_000)
        yield from proc.kill(child + 1, bp.SIGKILL)
        assert (yield from proc.wait()).exit_status == 0

    made = vectored()
    runs(killer, made=made)
    first, second = seen["pids"]
    assert (seen[first], seen[second]) == ((None, bp.SIGKILL), (0, None))
    assert_clean(made)


def test_children_of_a_caller_whose_node_is_lost_wait_until_somebody_ends_them() -> None:
    """There is no cleaning up. Source: bproc-4.0.0pre8-interface."""
    made = vectored(faults=[bp.PowerOff(3, at_ns=5_500_000)])
    session = made.session(node=3)
    with pytest.raises(bp.SessionEnded):
        session.bproc_vexecmove(3, [0, 1, 2], [], TRUE, ["true"], {})
    with pytest.raises(bp.Deadlock, match="node 0 waits in MOVE_COMPLETE, which ends its vector launch"):
        made.sim.run()
    left = [pid for pid, process in made.pids.table.items() if process is not None]
    assert left
    assert not at_steps(made, bp.Step.RUN)

    def ends(proc: bp.Proc) -> Steps:
        for pid in left:
            yield from proc.kill(pid, bp.SIGTERM)
        yield from proc.sleep(1 * ms)

    runs(ends, made=made)
    assert_clean(made)


# ---- other faces -----------------------------------------------------------------------------------


def test_a_session_launches_and_waits_but_cannot_be_copied() -> None:
    made = vectored()
    with made.session() as session:
        pids: list[int] = []
        assert session.bproc_vexecmove(3, [0, 9, 2], pids, TRUE, ["true"], {}) == 3
        assert pids[1] == NODE_UNKNOWN
        assert sorted([session.wait().pid, session.wait().pid]) == [pids[0], pids[2]]
        assert session.libc.bproc_vexecmove(0, [], pids, TRUE, [], {}) == -1
        with pytest.raises(RuntimeError, match="cannot be copied"):
            session.bproc_vrfork(1, [0], pids, stays)
    assert_clean(made)


def test_the_trace_tells_of_the_call_and_of_slots_that_failed() -> None:
    made = vectored()
    made.bproc_vexecmove([0, 99], TRUE, ["true"], {})
    [call] = [each for each in made.trace.of_kind("call") if each.call == "bproc_vexecmove_io"]
    assert call.value == 2
    assert "bproc_vexecmove: slot 1, node 99: BE_INVALIDNODE (node_unknown)" in made.trace.text()


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_same_launch_leaves_the_same_trace(edition: str) -> None:
    def run() -> tuple[str, int]:
        made = vectored(6, edition, faults=[bp.Loss(-1, 2, 0.3), bp.PowerOff(4, at_ns=6 * ms)])
        out = made.bproc_vexecmove([0, 1, 2, 3, 4, 5, -1], TRUE)
        return made.trace.digest(), out.elapsed_ns

    assert run() == run()
    digest_off = vectored(6, edition, trace="off", faults=[bp.Loss(-1, 2, 0.3), bp.PowerOff(4, at_ns=6 * ms)])
    assert digest_off.bproc_vexecmove([0, 1, 2, 3, 4, 5, -1], TRUE).elapsed_ns == run()[1]


def test_an_edition_can_be_given_the_calls_or_be_without() -> None:
    given = evolve(bp.editions["scyld"], name="mine", vector_calls=bp.editions["lanl32"].vector_calls)
    assert vectored(edition=given).bproc_vexecmove([0, 99], TRUE).pids[1] == -22
    without = evolve(bp.editions["bproc4"], vector_calls=None)
    with pytest.raises(AttributeError):
        vectored(edition=without).bproc_vexecmove([0], TRUE)


def test_memory_of_who_passes_an_image_on_is_the_nodes_own() -> None:
    """The children that get it from another child need none of the caller's node."""
    made = vectored()

    @bp.program(memory_bytes=64 * MiB)
    def large(proc: bp.BprocProc) -> Steps:
        used = made.master.memory.used_bytes
        with made.inject(bp.MemoryFull(MASTER, 65 * MiB)):
            pids: list[int] = []
            yield from proc.bproc_vrfork(3, [0, 1, 2], pids, stays_a_while)
        assert all(pid > 0 for pid in pids), pids
        assert made.master.memory.used_bytes == used
        for node in range(3):
            assert made.nodes[node].memory.used_bytes >= 64 * MiB
        for _ in pids:
            yield from proc.wait()

    def stays_a_while(proc: bp.Proc, index: int) -> Steps:
        yield from proc.sleep(1 * ms)

    made.install("/usr/bin/larger", large)
    out = made.execve("/usr/bin/larger")
    assert out.exception is None, out.exception
    assert_clean(made)


def test_a_message_is_of_the_usual_size_and_an_image_is_sent_whole() -> None:
    made = vectored(3)
    made.bproc_vexecmove(range(3), TRUE)
    sizes = {each.size_bytes for each in made.trace.of_kind("message") if each.message != "image"}
    assert sizes == {made.costs.message_bytes}
    sent = [each.size_bytes for each in made.trace.of_kind("message") if each.message == "image"]
    assert len(set(sent)) == 1 and sent[0] > 4 * KiB


# ---- lists -----------------------------------------------------------------------------------------


def test_with_a_list_each_child_connects_to_the_caller_and_says_who_it_is() -> None:
    heard = list[tuple[int, int, bytes]]()

    def says(proc: bp.Proc) -> Steps:
        yield from proc.write(1, b"node %d" % proc.node)

    def caller(proc: bp.BprocProc) -> Steps:
        fd = yield from proc.socket()
        yield from proc.bind(fd, bp.Address("", 4000))
        yield from proc.listen(fd, 9)
        pids: list[int] = []
        io = [bp.BprocIo(1, bp.BPROC_IO_SOCKET, bp.BPROC_IO_SEND_INFO, bp.Address("", 4000))]
        yield from proc.libc.bproc_vexecmove_io(3, [0, 1, 2], pids, io, 1, "/usr/bin/says", ["says"], {})
        for _ in range(3):
            end, _address = yield from proc.accept(fd)
            head = yield from proc.read(end, 8)
            text = yield from proc.read(end)
            heard.append((pids.index(int.from_bytes(head[:4], "little")), head[4], text))
        for _ in range(3):
            yield from proc.wait()

    made = vectored()
    made.install("/usr/bin/says", says)
    runs(caller, made=made)
    # Also those that got the image from another child: the first one's list was passed on, with the caller's address.
    assert sorted(heard) == [(node, 1, b"node %d" % node) for node in range(3)]
    assert_clean(made)


def test_a_file_of_a_list_is_opened_on_each_node_and_its_errno_stands_in_the_slot() -> None:
    made = vectored(3)
    for node in (0, 2):
        made.nodes[node].fs.mkdir("/scratch")
    io = [
        bp.BprocIo(
            1, bp.BPROC_IO_FILE, 0, file_name="/scratch/out", file_flags=bp.O_WRONLY | bp.O_CREAT, file_mode=0o644
        )
    ]
    out = made.bproc_vexecmove_io([0, 1, 2], io, HELLO)
    assert (out.causes, out.pids[1]) == ((None, "io_file_absent", None), -2)
    assert [made.nodes[node].fs.read_file("/scratch/out") for node in (0, 2)] == [
        b"out of node 0\n",
        b"out of node 2\n",
    ]
    assert made.bproc_vexecmove_io([0], io * 17, HELLO).cause == "io_list_too_long"
    assert_clean(made)


def _says_index(proc: bp.Proc, index: int) -> Steps:
    yield from proc.print("index", index)


def test_the_harness_takes_the_connections_of_every_node() -> None:
    made = vectored(3)
    out = made.bproc_vexecmove_io([0, 1, 2], 4000, HELLO)
    assert sorted(out.stdout.splitlines()) == [b"out of node %d" % node for node in range(3)]
    assert sorted(out.stderr.splitlines()) == [b"err of node %d" % node for node in range(3)]
    forked = made.bproc_vrfork_io([1, 2], 4000, _says_index)
    assert sorted(forked.stdout.splitlines()) == [b"index 0", b"index 1"]
    assert made._bproc_vrfork_io([1, 1], 4000, 7, stays, listen=False).pids == (-111, -111)
    with pytest.raises(ValueError, match="nodes: 1 is there twice, whose connections cannot be told apart"):
        made.bproc_vexecmove_io([1, 0, 1], 4000, HELLO)
    without = cluster(edition=evolve(bp.editions["scyld"], vector_calls=bp.editions["lanl32"].vector_calls))
    with pytest.raises(TypeError, match="edition scyld has no lists"):
        without.bproc_vexecmove_io([1], [], HELLO)
    assert_clean(made)


@pytest.mark.parametrize("call", ["bproc_vrfork", "bproc_rfork"])
def test_a_child_that_cannot_take_its_arguments_is_refused(call: str) -> None:
    """Before anything happens, from outside and by a program."""
    wrong = [1] if call == "bproc_vrfork" else 1

    def calls(proc: bp.BprocProc) -> Steps:
        numbers = (1, wrong, []) if call == "bproc_vrfork" else (1,)
        yield from getattr(proc, call)(*numbers, lambda: 0)

    cluster = bp.Cluster(nodes=2, edition="lanl32")
    cluster.install("/usr/bin/calls", calls)
    with pytest.raises(TypeError, match=rf"{call}: child: expected a function that takes \(proc"):
        getattr(cluster, call)(wrong, lambda: 0)
    assert isinstance(cluster.execve("/usr/bin/calls").exception, TypeError)
    assert getattr(cluster, call)(wrong, lambda *_: 0).value > 0
    assert cluster.bproc_vrfork([1], print).value == 1


# ---- what it leaves unmade -------------------------------------------------------------------------


def test_a_launch_makes_no_link_and_no_descriptor_that_nobody_asks_for() -> None:
    began, looked = dict[int, tuple[int, bool]](), dict[int, tuple[int, bool]]()

    def looks(proc: bp.Proc) -> Steps:
        process, files = proc.thread.process, made.machine(proc.node).files
        began[proc.node] = files.used, process.unmade is not None
        yield from proc.sleep(1)
        assert sorted(process.descriptors) == [0, 1, 2]
        looked[proc.node] = files.used, process.unmade is not None

    made = vectored(4, trace="errors")
    made.install("/usr/bin/looks", looks)
    assert made.bproc_vexecmove(range(4), "/usr/bin/looks").causes == (None,) * 4
    # The image came to the first from the caller, whose connection it keeps; to the others from one another.
    assert began == {0: (2, False), 1: (2, True), 2: (2, True), 3: (2, True)}
    assert looked == dict.fromkeys(range(4), (2, False))
    assert len(made.home.network.links) == 2
    assert_clean(made)


def test_who_never_looks_at_its_descriptors_has_none_open_when_it_has_ended() -> None:
    made = vectored(4)
    made.install("/usr/bin/job", lambda proc: 0)
    assert made.bproc_vexecmove(range(4), "/usr/bin/job").causes == (None,) * 4
    assert_clean(made)


@pytest.mark.parametrize("times", [1, 2, 100])
def test_a_link_that_is_made_later_lets_what_was_sent_before_arrive_first(times: int) -> None:
    made = vectored(2, trace="errors")
    front, node, network = made.machine(MASTER), made.machine(0), made.home.network
    told: list[str] = []
    network.send(front, node, MiB, lambda: told.append("before"))
    assert network.links == {}
    if times > 1:
        made.inject(bp.SlowLink(MASTER, 0, times=times))
    network.link(front, node)
    network.send(front, node, 0, lambda: told.append("after"))
    made.sim.run()
    assert told == ["before", "after"]
