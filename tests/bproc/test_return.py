"""An edition in which a failure after the exec comes back: the process is exactly what it was."""

from __future__ import annotations

from copy import copy
from typing import Any

import attrs
import pytest

import bprocsim as bp
from tests.bproc.worlds import HELLO, MASTER, Steps, assert_clean, cluster


def editions(name: str) -> Any:
    """Give an edition whose late failures return."""
    return attrs.evolve(bp.editions[name], late_failure="return")


# How to come to each late row: a word for it, the node, the port, and what is wrong.
WAYS: dict[str, tuple[int, int, list[Any]]] = {
    "node_unknown": (99, 0, []),
    "node_down": (2, 0, [bp.PowerOff(2)]),
    "same_node": (1, 0, []),
    "slave_lost": (2, 0, [bp.PowerOff(2, step=bp.Step.THAW)]),
    "undump_out_of_memory": (2, 0, [bp.MemoryFull(2)]),
    "connect_refused": (2, 4000, []),
    "connect_timed_out": (2, 4000, [bp.LinkCut(1, 2, at_ns=40_000_000)]),
}


@pytest.mark.parametrize("edition", ["scyld", "bproc4"])
@pytest.mark.parametrize("cause", WAYS)
def test_the_call_returns_the_errno_and_the_process_is_what_it_was(cause: str, edition: str) -> None:
    """All that can be seen of it: ids, image, arguments, memory, files, signals, directory, threads."""
    node, port, faults = WAYS[cause]
    told = list[Any]()

    def handler(proc: bp.Proc, signum: int) -> None:
        raise AssertionError("nobody sends it")

    def tries(proc: bp.Proc) -> Steps:
        process = proc.thread.process
        yield from proc.sigaction(bp.SIGUSR1, handler)
        yield from proc.sigaction(bp.SIGUSR2, bp.SIG_IGN)
        yield from proc.sigprocmask(bp.SIG_BLOCK, [bp.SIGHUP])
        yield from proc.alarm(1000)
        yield from proc.open("/etc", bp.O_CLOEXEC)
        yield from proc.open("/tmp", bp.O_RDONLY)
        yield from proc.pipe()
        if cause == "connect_timed_out":
            yield from proc.sleep(40_000_000 - made.sim.now_ns - 3_300_000)
        before = seen_of(process)
        told.append(
            (yield from proc.libc._bproc_execmove_io(node, port, "/usr/bin/set-id", ["other", "x"], {"A": "b"}))
        )
        told.append(proc.libc.errno)
        told.append(differences(before, seen_of(process)))
        yield from proc.alarm(0)
        return 9

    made = cluster(edition=editions(edition), faults=faults)
    made.install("/usr/bin/tries", tries, on="master,1")
    made.install("/usr/bin/set-id", lambda proc: 0, on="master,1", mode=0o6755, uid=3, gid=4)
    made.machine(1).tree  # noqa: B018  (comes into being when first asked for)
    alice = made.user("alice", 500, 500, groups=(9,))
    made.nodes[1].fs.mkdir("/only/here", parents=True)
    out = made.execve("/usr/bin/tries", ["tries", "me"], {"OLD": "1"}, user=alice, from_node=1, cwd="/only/here")
    assert out.exception is None, out.exception
    row = made.bpmaster.execmove_errors.row(cause)
    assert told == [-1, row.errno.number("linux"), []]
    assert (out.exit_status, out.node, out.late_errno) == (9, 1, None)
    assert_clean(made)


def seen_of(process: Any) -> dict[str, Any]:
    """Take down every field of a process, and what its machine counts of it."""
    names = [name.removeprefix("_") for name in attrs.fields_dict(type(process)) if name != "cpu_ns"]
    fields = {name: getattr(process, name) for name in names}
    copied: dict[str, Any] = {name: copy(value) for name, value in fields.items() if isinstance(value, dict | list)}
    machine = process.machine
    return {
        **fields,
        **copied,
        "open": {
            number: (each.description, each.description.references) for number, each in copied["descriptors"].items()
        },
        "listed": machine.processes.get(process.pid),
        "known": machine.pids.table.get(process.pid),
        "ghost of": process.ghost and (process.ghost.process, process.ghost.node),
        "in use": process.running_file and process.running_file.running,
        "memory": machine.memory.used_bytes,
        "files": machine.files.used,
        "tasks": [(each.number, each.task and each.task.ended) for each in process.threads],
    }


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Name what differs."""
    return [f"{name}: {before[name]!r} -> {after[name]!r}" for name in before if before[name] != after[name]]


def test_a_direct_call_is_told_as_one_that_failed() -> None:
    made = cluster(edition=editions("scyld"))
    out = made.bproc_execmove(99, HELLO)
    assert (out.errno, out.late_errno, out.value, out.failed, out.returned) == (bp.Errno.EINVAL, None, -1, True, True)
    with pytest.raises(bp.CallError, match="no node of that number"):
        out.check()
    caller = made.idle_process()
    assert made.bproc_execmove(MASTER, HELLO, caller=caller).cause == "same_node"
    assert made.bproc_execmove(2, HELLO, caller=caller).exit_status == 3
    assert_clean(made)


def test_what_an_exec_closes_is_closed_when_it_does_not_come_back() -> None:
    """And other threads run on until then: they stop only if the move succeeds."""
    ticks = list[int]()

    def other(proc: bp.Proc) -> Steps:
        while True:
            yield from proc.sleep(100_000)
            ticks.append(made.sim.now_ns)

    def tries(proc: bp.BprocProc) -> Steps:
        yield from proc.open("/etc", bp.O_CLOEXEC)
        yield from proc.thread_create(other)
        assert (yield from proc.libc.bproc_execmove(99, HELLO, ["hello"], {})) == -1
        after_first = made.sim.now_ns
        yield from proc.sleep(1_000_000)
        assert max(ticks) > after_first
        yield from proc.bproc_execmove(2, HELLO, ["hello"], {})

    made = cluster(edition=editions("scyld"))
    made.install("/usr/bin/tries", tries)
    out = made.execve("/usr/bin/tries")
    assert out.exception is None, out.exception
    assert (out.exit_status, out.node) == (3, 2)
    assert max(ticks) <= next(each.at_ns for each in made.trace.of_kind("step") if each.step == "RUN")
    assert_clean(made)


def test_a_process_that_dies_on_its_way_leaves_nothing_open() -> None:
    def tries(proc: bp.BprocProc) -> Steps:
        yield from proc.open("/etc", bp.O_CLOEXEC)
        yield from proc.bproc_execmove(2, HELLO, ["hello"], {})

    made = cluster(edition=editions("scyld"), faults=[bp.MasterDaemonExit(at_ns=4_000_000)])
    made.install("/usr/bin/tries", tries)
    assert made.execve("/usr/bin/tries").signal == bp.SIGKILL
    assert_clean(made)
