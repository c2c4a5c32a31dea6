"""The trace: which records are kept, what they hold, and what is said when they are off."""

from __future__ import annotations

import copy
import functools
import itertools
import json
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.trace import KINDS, Trace
from bprocsim.units import ms, us

READERS: dict[str, Callable[[Trace], Any]] = {
    "records": lambda trace: trace.records,
    "text": lambda trace: trace.text(),
    "jsonl": lambda trace: trace.jsonl(),
    "iteration": list,
    "of_kind": lambda trace: trace.of_kind("fail"),
    "digest": lambda trace: trace.digest(),
}


def busy(proc: bp.Proc) -> Any:
    yield from proc.write(1, b"caf\xe9\n")
    pid = yield from proc.fork(child)
    yield from proc.waitpid(pid)
    try:
        yield from proc.open("/absent")
    except FileNotFoundError:
        yield from proc.print("no such file")


def child(proc: bp.Proc) -> Any:
    yield from proc.compute(1 * ms)
    yield from proc.kill(proc.pid, bp.SIGTERM)


def raises(proc: bp.Proc) -> None:
    raise RuntimeError("boom")


def eventful(**options: Any) -> bp.Cluster:
    """A world in which something of every kind has happened."""
    cluster = bp.Cluster(**{"trace": "all", "faults": [bp.PowerOff(node=3)], **options})
    cluster.install("/bin/busy", busy)
    cluster.install("/bin/raises", raises)
    cluster.install("/bin/dynamic", bp.program(needs=("libabsent.so",))(lambda proc: 0))
    cluster.bproc_execmove(1, "/bin/busy", ["busy", "é"], {"A": "b"})
    cluster.bproc_execmove(3, "/bin/busy")
    cluster.execve("/bin/sh", input=b"true")
    cluster.bproc_execmove(2, "/absent")
    cluster.bproc_execmove(2, "/bin/raises")
    cluster.bproc_execmove(2, "/bin/dynamic")
    cluster.nodes[2].set_state("down")
    other = cluster.sim.cluster(nodes=1, edition="bproc4", name="other")
    other.install("/bin/busy", busy)
    absent = bp.BprocIo(1, bp.BPROC_IO_FILE, bp.BPROC_IO_DELAY, file_name="/absent")
    other.bproc_execmove_io(0, [absent], "/bin/busy")
    other.bproc_vexecmove([0, 9], "/bin/busy")
    cluster.sim.lpar(cores=1).smtctl(1)
    return cluster


# ---- levels --------------------------------------------------------------------------------------


def test_all_keeps_every_kind() -> None:
    assert {record.kind for record in eventful().trace} == set(KINDS)


def test_errors_keeps_failures_and_faults() -> None:
    trace = eventful(trace="errors").trace
    errors = {kind for kind, (_, kept) in KINDS.items() if kept}
    assert (
        {record.kind for record in trace}
        == errors
        == {"fail", "late", "killed", "loader", "node", "processors", "fault", "raised", "io", "slot"}
    )
    kept = [record.text() for record in eventful().trace if record.kind in errors]
    assert [record.text() for record in trace] == kept


def test_errors_is_usual() -> None:
    cluster = bp.Cluster()
    assert cluster.trace.level == "errors"
    cluster.execve("/absent")
    assert [record.cause for record in cluster.trace.records] == ["cmd_absent"]


@pytest.mark.parametrize("reader", READERS)
def test_off_says_so(reader: str) -> None:
    trace = eventful(trace="off").trace
    assert len(trace) == 0
    with pytest.raises(ValueError, match="trace='all'"):
        READERS[reader](trace)


def test_what_the_level_does_not_keep_is_said() -> None:
    trace = eventful(trace="errors").trace
    assert len(trace.of_kind("late")) == 1
    with pytest.raises(ValueError, match=r"trace='errors' keeps no 'write' records; .* trace='all'"):
        trace.of_kind("write")
    with pytest.raises(ValueError, match="trace='all', not 'errors'"):
        trace.digest()
    with pytest.raises(ValueError, match=r"kind: expected one of call, fail, .*, got 'writes'"):
        trace.of_kind("writes")


def test_the_level_changes_nothing_that_happens() -> None:
    told = {level: eventful(trace=level).sim.now_ns for level in ("off", "errors", "all")}
    assert len(set(told.values())) == 1


# ---- records -------------------------------------------------------------------------------------


def test_what_a_record_tells() -> None:
    trace = eventful().trace
    for record in trace.records:
        assert type(record.at_ns) is int
        assert record.node.removeprefix("other ") in {"master", "node 0", "node 1", "node 2", "node 3", "lpar0"}
        assert record.pid >= 0
        for name in KINDS[record.kind][0]:
            assert hasattr(record, name)
    fail = [each for each in trace.of_kind("fail") if each.node == "master"][-1]
    assert (fail.call, fail.errno, fail.cause, fail.node) == ("_bproc_execmove_io", "ENOENT", "cmd_absent", "master")
    late = trace.of_kind("late")[0]
    assert (late.call, late.errno, late.cause, late.status) == ("bproc_execmove", "EINVAL", "node_down", 22)
    assert trace.of_kind("write")[0].data == b"caf\xe9\n"
    assert trace.of_kind("raised")[0].exception == "RuntimeError: boom"
    assert trace.of_kind("killed")[0].signal == "SIGTERM"


def test_a_failure_is_told_as_c_returns_it() -> None:
    """Not always -1: a node is BPROC_NODE_NONE, a pointer is NULL, and bproc4's rfork tells the errno itself."""
    sim = bp.Simulation(trace="all")
    scyld, four, lpar = sim.cluster(nodes=1), sim.cluster(nodes=1, edition="bproc4", name="four"), sim.lpar(cores=1)
    scyld.bproc_pidnode(31000)
    scyld.popen(_asks).wait()
    four.popen(_forks).wait()
    lpar.rs_alloc(99)
    values = [(each.call, each.value) for each in sim.trace.of_kind("fail")]
    assert values == [("bproc_pidnode", -3), ("bproc_pidnode", -3), ("_bproc_rfork_io", -300), ("rs_alloc", None)]
    told = [line.partition("(")[2] for line in sim.trace.text().splitlines() if "rs_alloc" in line or "pidnode" in line]
    assert [line.partition(" = ")[2].split(" (")[0] for line in told] == ["-3 ENOENT", "-3 ENOENT", "NULL EINVAL"]


def _asks(proc: bp.BprocProc) -> Iterator[Any]:
    yield from proc.libc.bproc_pidnode(31000)


def _forks(proc: bp.BprocProc) -> Iterator[Any]:
    yield from proc.libc.bproc_rfork(9, _asks)


def test_what_a_record_does_not_tell() -> None:
    record = eventful().trace.of_kind("fail")[0]
    with pytest.raises(AttributeError, match="a 'fail' record has call, arguments, errno, cause, value; not 'data'"):
        _ = record.data


def test_records_are_values() -> None:
    trace = eventful().trace
    assert trace.records == trace.records
    fail = trace.of_kind("killed")[0]
    assert copy.copy(fail) == pickle.loads(pickle.dumps(fail)) == fail
    assert hash(fail) == hash(copy.deepcopy(fail))


def test_records_come_ordered_by_time() -> None:
    """Steps that pass in one wait are written at its end, with their own instants."""
    trace = eventful().trace
    times = [record.at_ns for record in trace.records]
    assert times == sorted(times)
    assert [json.loads(line)["at_ns"] for line in trace.jsonl().splitlines()] == times
    steps = [record for record in trace.of_kind("step") if record.pid == 1001 and "other" not in record.node]
    assert [record.step for record in steps] == [step.name for step in bp.Step if step.name in {r.step for r in steps}]
    assert {record.step for record in steps} == {step.name for step in bp.Step}


def test_two_machines_that_wait_at_once_are_told_in_turns() -> None:
    cluster = bp.Cluster(trace="all")
    cluster.install("/bin/busy", busy)
    mover = bp.program(lambda proc: (yield from proc.bproc_execmove(1, "/bin/busy", ["busy"], {})))
    other = bp.program(lambda proc: (yield from proc.bproc_execmove(2, "/bin/busy", ["busy"], {})))
    cluster.popen(mover)
    cluster.sleep(0.0005)
    cluster.popen(other)
    cluster.sim.run()
    times = [record.at_ns for record in cluster.trace]
    assert times == sorted(times)
    pids = [record.pid for record in cluster.trace.of_kind("step")]
    assert sum(one != two for one, two in itertools.pairwise(pids)) > 3


# ---- text and JSON -------------------------------------------------------------------------------


def test_text_has_a_line_for_each_record() -> None:
    trace = eventful().trace
    lines = trace.text().splitlines()
    assert len(lines) == len(trace.records)
    assert lines == [record.text() for record in trace.records]
    assert any(line.endswith("node 1     [1001]  write(1, 'caf\\xe9\\n') = 5") for line in lines)
    assert any(line.endswith("-1 ENOENT (cmd_absent)") for line in lines)
    assert any(line.endswith("bproc_execmove: exit 22 after the exec: EINVAL (node_down)") for line in lines)


def test_json_lines_lose_nothing() -> None:
    trace = eventful().trace
    lines = [json.loads(line) for line in trace.jsonl().splitlines()]
    assert len(lines) == len(trace.records)
    for line, record in zip(lines, trace.records, strict=True):
        assert (line["at_ns"], line["node"], line["pid"], line["kind"]) == (
            record.at_ns, record.node, record.pid, record.kind,
        )  # fmt: skip
        assert set(line) == {"at_ns", "node", "pid", "kind", *KINDS[record.kind][0]}
    write = next(line for line in lines if line["kind"] == "write")
    assert write["data"].encode("latin-1") == b"caf\xe9\n"
    assert trace.jsonl().isascii()


def test_json_lines_hold_all_arguments() -> None:
    cluster = bp.Cluster(trace="all")
    cluster.execve("/absent", ["x" * 100] * 20, ["A=1"])
    line = json.loads(cluster.trace.jsonl())
    assert line["arguments"] == ["/absent", ["x" * 100] * 20, ["A=1"]]
    cluster.execve("/absent", bp.BAD_ADDRESS, ["A=1", bp.BAD_ADDRESS])
    line = json.loads(cluster.trace.jsonl().splitlines()[1])
    assert line["arguments"] == ["/absent", "BAD_ADDRESS", ["A=1", "BAD_ADDRESS"]]


# ---- the digest ----------------------------------------------------------------------------------


def test_the_same_world_has_the_same_digest() -> None:
    assert eventful().trace.digest() == eventful().trace.digest()
    assert len(eventful().trace.digest()) == 64


def test_reading_does_not_change_it() -> None:
    trace = eventful().trace
    before = trace.digest()
    for reader in READERS.values():
        reader(trace)
    assert trace.digest() == before


@pytest.mark.parametrize(
    "change",
    [
        {"argv": ["busy", "other"]}, {"envp": {"A": "c"}}, {"node": 2}, {"cmd": "/bin//busy"},
        {"argv": ["busy", *"x" * 20, "y"]}, {"user": bp.Credentials(5, 5)},
    ],
    ids=str,
)  # fmt: skip
def test_another_call_has_another(change: dict[str, Any]) -> None:
    def digest(call: dict[str, Any]) -> str:
        cluster = bp.Cluster(trace="all")
        cluster.install("/bin/busy", busy)
        usual = {"node": 1, "cmd": "/bin/busy", "argv": ["busy", *"x" * 21], "envp": {"A": "b"}}
        cluster.bproc_execmove(**{**usual, **call})
        return cluster.trace.digest()

    assert digest(change) != digest({})


def test_every_byte_counts() -> None:
    def digest(data: bytes) -> str:
        cluster = bp.Cluster(trace="all")
        cluster.install("/bin/x", lambda proc: (yield from proc.write(1, data)) and None)
        cluster.execve("/bin/x")
        return cluster.trace.digest()

    assert digest(bytes(1000) + b"a") != digest(bytes(1000) + b"b")


def test_addresses_of_pythons_own_objects_do_not_count() -> None:
    class Word:
        """Without a repr of its own."""

    def digest() -> str:
        def speak(word: Word, proc: bp.Proc) -> Any:
            yield from proc.compute(1)

        def parent(proc: bp.Proc) -> Any:
            yield from proc.fork(functools.partial(speak, Word()))
            yield from proc.wait()
            yield from proc.fork(lambda proc, word: None, Word())
            yield from proc.sigaction(bp.SIGUSR1, functools.partial(speak, Word()))
            yield from proc.sigprocmask(bp.SIG_BLOCK, {bp.SIGHUP, bp.SIGUSR1, bp.SIGUSR2, bp.SIGTERM})
            raise ValueError(Word())

        cluster = bp.Cluster(trace="all")
        cluster.install("/bin/x", parent)
        cluster.execve("/bin/x")
        keep.append(cluster)
        assert " at 0x" not in cluster.trace.text() + cluster.trace.jsonl()
        return cluster.trace.digest()

    keep: list[Any] = []
    assert digest() == digest()


# ---- the limit -----------------------------------------------------------------------------------


@pytest.mark.parametrize("limit", [1, 7, 50])
def test_a_limit_bounds_what_is_kept_and_not_the_digest(limit: int) -> None:
    whole, cut = eventful().trace, eventful(trace_limit=limit).trace
    assert len(cut) == len(cut.records) == limit
    assert cut.dropped == len(whole) - limit
    assert whole.dropped == 0
    assert cut.digest() == whole.digest()
    assert cut.text().splitlines()[0] == f"({cut.dropped} earlier records were dropped: trace_limit={limit})"
    assert cut.text().splitlines()[-1] == whole.text().splitlines()[-1]
    assert len(cut.jsonl().splitlines()) == limit


def test_a_limit_that_is_not_reached() -> None:
    trace = eventful(trace_limit=10_000).trace
    assert (trace.dropped, trace.text()) == (0, eventful().trace.text())


def test_errors_are_bounded_anyway() -> None:
    cluster = bp.Cluster()
    for _ in range(300):
        cluster.execve("/absent")
    assert (len(cluster.trace), cluster.trace.dropped) == (256, 44)
    unbounded = bp.Cluster(trace="all")
    for _ in range(300):
        unbounded.execve("/absent")
    assert (len(unbounded.trace), unbounded.trace.dropped) == (300, 0)


def test_what_is_under_way_is_told_up_to_now() -> None:
    """A run that stops in the middle of several steps finds those in the trace that were due."""

    def mover(proc: bp.BprocProc) -> Any:
        yield from proc.bproc_execmove(1, "/bin/busy", ["busy"], {})

    def world() -> bp.Cluster:
        cluster = bp.Cluster(trace="all")
        cluster.install("/bin/busy", busy)
        cluster.popen(mover)
        return cluster

    straight = world()
    straight.sim.run()
    whole = [record.text() for record in straight.trace]
    stopping = world()
    for at_ns in range(0, straight.sim.now_ns, 50 * us):
        stopping.sim.run(until_ns=at_ns)
        told = stopping.trace.text().splitlines()
        # What happens at the instant itself has not been reached by a run until then.
        assert sorted(told) == sorted(record.text() for record in straight.trace if record.at_ns < at_ns)
        assert stopping.trace.digest() == stopping.trace.digest()
    stopping.sim.run()
    assert [record.text() for record in stopping.trace] == whole
    assert stopping.trace.digest() == straight.trace.digest()
