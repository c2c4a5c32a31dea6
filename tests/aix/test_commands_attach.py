"""attachrset, detachrset and execrset: what ties processes to sets, and leaves nothing half done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.aix.placement import of_process, of_thread
from tests.aix.commands import done, misused, power5, refused, shape

DENIED = "Operation not permitted"
CAPABILITIES = {"attach": {"CAP_NUMA_ATTACH"}, "both": {"CAP_NUMA_ATTACH", "CAP_PROPAGATE"}, "none": set()}


def sleeper(threads: int = 1) -> Callable[[bp.AixProc], Any]:
    """A program of some threads that do nothing for a long time."""

    def idle(proc: bp.AixProc) -> Any:
        yield from proc.sleep(10**12)

    def main(proc: bp.AixProc) -> Any:
        for _ in range(threads - 1):
            yield from proc.thread_create(idle)
        yield from idle(proc)

    return main


def started(lpar: bp.Lpar, threads: int = 1, user: Any = None) -> int:
    """Start such a program; gives its pid."""
    pid = lpar.popen(sleeper(threads), user=user).pid
    lpar.sleep(0.001)
    return pid


def tids(pid: int, threads: int) -> list[int]:
    return [pid * 65536 + number for number in range(1, threads + 1)]


def bound(lpar: bp.Lpar, pid: int) -> list[int | None]:
    return [of_thread(thread).bound for thread in lpar.home.processes[pid].threads]


def which(lpar: bp.Lpar, kind: int, number: int) -> int:
    return int(lpar.ra_getrset(kind, number, 0, lpar.rset("")).check().value)


# ---- attachrset ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "processors"),
    [
        ("test/some {pid}", "2-5"), ("-c 1 3 5-7 {pid}", "1,3,5-7"), ("-c 0-3,6 {pid}", "0-3,6"),
        ("-c 2 -m 0 {pid}", "2"), ("-m 0 -c 2 4 {pid}", "2,4"), ("-F test/some {pid}", "2-5"),
        ("-S sysxrset/app {pid}", "6"), ("sysxrset/app {pid}", "6-7"), ("sys/node.01.00000 {pid}", "0-7"),
        ("sys/cpu.02.00003 {pid}", "3"), ("-FS sysxrset/app {pid}", "6"),
    ],
)  # fmt: skip
def test_attachrset(words: str, processors: str) -> None:
    lpar = power5()
    lpar.mkrset("test/some", "2-5")
    lpar.mkrset("sysxrset/app", "6-7")
    p = lpar.idle_process()
    assert done(lpar, "attachrset " + words.format(pid=p.pid)) == ""
    assert repr(lpar.effective_rset(p.pid)) == processors
    assert which(lpar, bp.R_PROCESS, p.pid) == bp.RS_EFFECTIVE_RSET


def test_attachrset_of_a_partition_set() -> None:
    lpar = power5()
    p = lpar.idle_process()
    done(lpar, f"attachrset -P -c 0-3 {p.pid}")
    assert which(lpar, bp.R_PROCESS, p.pid) == bp.RS_PARTITION_RSET
    assert refused(lpar, f"attachrset -c 4 {p.pid}") == f"attachrset: {p.pid}: {DENIED}"
    done(lpar, f"attachrset -c 1-2 {p.pid}")
    assert repr(lpar.effective_rset(p.pid)) == "1-2"
    done(lpar, f"detachrset {p.pid}")
    assert (repr(lpar.effective_rset(p.pid)), which(lpar, bp.R_PROCESS, p.pid)) == ("0-3", bp.RS_PARTITION_RSET)
    done(lpar, f"detachrset -P {p.pid}")
    assert which(lpar, bp.R_PROCESS, p.pid) == bp.RS_DEFAULT_RSET


def test_a_process_with_nothing_attached_is_detached_all_the_same() -> None:
    lpar = power5()
    p = lpar.idle_process()
    done(lpar, f"detachrset {p.pid}")
    assert refused(lpar, "detachrset 5") == "detachrset: 5: No such process"
    assert refused(lpar, "detachrset -P 5") == "detachrset: 5: No such process"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("test/some 5", "5: No such process"),
        ("test/none {pid}", "test/none: No such file or directory"),
        ("none {pid}", "none: Invalid argument"),
        ("-S test/some {pid}", "{pid}: Invalid argument"),
        ("-S sysxrset/part {pid}", "{pid}: No such device"),
        ("-m 0 {pid}", "{pid}: No such device"),
        ("-P -m 0 {pid}", "{pid}: No such device"),
        ("-c 0-3,x {pid}", "-c: '0-3,x': expected a number or a range such as 0-3 at position 5, got 'x'"),
        ("-F -c 8-9 {pid}", "{pid}: No such device"),
        ("-F -c 1024 {pid}", "-c: '1024': at position 1: ids go from 0 to 1023, got 1024"),
        ("-FS test/some {pid}", "{pid}: Invalid argument"),
        ("-FPS test/some {pid}", "{pid}: Invalid argument"),
    ],
)
def test_attachrset_refuses(words: str, said: str) -> None:
    lpar = power5()
    lpar.mkrset("test/some", "2-5")
    lpar.mkrset("sysxrset/part", "7")
    p = lpar.idle_process()
    lpar.bindprocessor(bp.BINDPROCESS, p.pid, 1).check()
    before = shape(lpar)
    assert refused(lpar, "attachrset " + words.format(pid=p.pid)) == "attachrset: " + said.format(pid=p.pid)
    assert shape(lpar) == before


@pytest.mark.parametrize(
    "words",
    ["", "1001", "test/some", "test/some 1001 1002", "-c 0", "-c 0 -S 1001", "-S -m 0 1001", "-e 1001", "-c",
     "test/some x", "-c 0 -- -1", "test/some 1_0", "test/some ٣"],
)  # fmt: skip
def test_attachrset_usage(words: str) -> None:
    misused(power5(), f"attachrset {words}")


@pytest.mark.parametrize("words", ["", "1001 1002", "x", "-z 1001", "-P"])
def test_detachrset_usage(words: str) -> None:
    misused(power5(), f"detachrset {words}")


@pytest.mark.parametrize("who", ["root", "attach", "both", "none", "other"])
@pytest.mark.parametrize("words", ["attachrset -c 1 {pid}", "attachrset -P -c 1 {pid}", "attachrset -F -c 1 {pid}",
                                   "attachrset -FP -c 1 {pid}", "detachrset {pid}", "detachrset -P {pid}"])  # fmt: skip
def test_who_may_tie_a_process(who: str, words: str) -> None:
    lpar = power5()
    owner = lpar.user("owner", 500, 500, capabilities=CAPABILITIES.get(who, {"CAP_NUMA_ATTACH"}))
    asks = {"root": None, "other": lpar.user("other", 501, 500, capabilities=CAPABILITIES["both"])}.get(who, owner)
    p = lpar.idle_process(user=owner)
    may = who == "root" or (who in ("attach", "both") and "P" not in words)
    before = shape(lpar)
    if may:
        done(lpar, words.format(pid=p.pid), user=asks)
    else:
        command = words.partition(" ")[0]
        assert refused(lpar, words.format(pid=p.pid), user=asks) == f"{command}: {p.pid}: {DENIED}"
        assert shape(lpar) == before


def test_whose_sets_may_be_attached() -> None:
    lpar = power5()
    carol = lpar.user("carol", 502, 502, capabilities=CAPABILITIES["attach"])
    lpar.rs_registername(lpar.rset("1"), "test", "own", 0o600, bp.RS_DEFINE).check()
    p = lpar.idle_process(user=carol)
    assert refused(lpar, f"attachrset test/own {p.pid}", user=carol) == f"attachrset: test/own: {DENIED}"
    done(lpar, f"attachrset test/own {p.pid}")


# ---- attachrset -F -------------------------------------------------------------------------------


def test_force_takes_bindings_and_sets_of_threads_away() -> None:
    lpar = power5()
    pid = started(lpar, 2)
    lpar.bindprocessor(bp.BINDPROCESS, pid, 4).check()
    assert refused(lpar, f"attachrset -c 0-1 {pid}") == f"attachrset: {pid}: {DENIED}"
    done(lpar, f"attachrset -F -c 0-1 {pid}")
    assert (bound(lpar, pid), repr(lpar.effective_rset(pid))) == ([None, None], "0-1")

    lpar.ra_attachrset(bp.R_THREAD, tids(pid, 2)[1], lpar.rset("1")).check()
    assert refused(lpar, f"attachrset -c 2-3 {pid}") == f"attachrset: {pid}: {DENIED}"
    done(lpar, f"attachrset -F -c 2-3 {pid}")
    assert which(lpar, bp.R_THREAD, tids(pid, 2)[1]) == bp.RS_EFFECTIVE_RSET
    assert repr(lpar.effective_rset(pid)) == "2-3"

    # Also where they would not have been in the way.
    lpar.ra_attachrset(bp.R_THREAD, tids(pid, 2)[1], lpar.rset("2")).check()
    done(lpar, f"attachrset -F -c 2-5 {pid}")
    assert which(lpar, bp.R_THREAD, tids(pid, 2)[1]) == bp.RS_EFFECTIVE_RSET


def test_force_with_a_partition_set_takes_the_effective_set_too() -> None:
    lpar = power5()
    pid = started(lpar, 2)
    lpar.ra_attachrset(bp.R_PROCESS, pid, lpar.rset("4-7")).check()
    lpar.ra_attachrset(bp.R_THREAD, tids(pid, 2)[1], lpar.rset("5")).check()
    assert refused(lpar, f"attachrset -P -c 0-1 {pid}") == f"attachrset: {pid}: {DENIED}"
    done(lpar, f"attachrset -P -F -c 0-1 {pid}")
    assert which(lpar, bp.R_PROCESS, pid) == which(lpar, bp.R_THREAD, tids(pid, 2)[1]) == bp.RS_PARTITION_RSET
    assert repr(lpar.effective_rset(pid)) == "0-1"
    # Within the new one the effective set would not have been in the way.
    lpar.ra_attachrset(bp.R_PROCESS, pid, lpar.rset("1")).check()
    done(lpar, f"attachrset -PF -c 0-2 {pid}")
    assert (which(lpar, bp.R_PROCESS, pid), repr(lpar.effective_rset(pid))) == (bp.RS_PARTITION_RSET, "0-2")


@pytest.mark.parametrize("words", ["-F -c 4 {pid}", "-FS test/some {pid}", "-F -m 0 {pid}", "-F -P -m 0 {pid}"])
def test_a_force_that_is_refused_takes_nothing_away(words: str) -> None:
    lpar = power5()
    lpar.mkrset("test/some", "0")
    pid = started(lpar, 2)
    lpar.set_partition(pid, lpar.rset("0-3")).check()
    lpar.ra_attachrset(bp.R_PROCESS, pid, lpar.rset("1-3")).check()
    lpar.ra_attachrset(bp.R_THREAD, tids(pid, 2)[1], lpar.rset("2")).check()
    before = shape(lpar)
    refused(lpar, "attachrset " + words.format(pid=pid))
    assert shape(lpar) == before


def test_a_force_that_fails_half_way_gives_back_what_it_took() -> None:
    """Somebody takes the exclusive set away, at each instant while the command is at work."""

    def raced(delay_ns: int) -> tuple[int, int]:
        """Give when the command ended, and how often it changed a binding."""
        lpar = power5(trace="all")
        lpar.mkrset("sysxrset/app", "6-7")
        pid = started(lpar, 2)
        lpar.bindprocessor(bp.BINDPROCESS, pid, 1).check()

        def meddle(proc: bp.AixProc) -> Any:
            yield from proc.sleep(delay_ns)
            yield from proc.rmrset("sysxrset/app")

        began_ns = lpar.sim.now_ns
        command = lpar.popen(["attachrset", "-F", "-S", "sysxrset/app", str(pid)])
        meddler = lpar.popen(meddle)
        status, took_ns = command.wait(), lpar.sim.now_ns - began_ns
        assert meddler.wait() == 0
        changes = sum(f"[{command.pid}]  bindprocessor(" in line for line in lpar.trace.text().splitlines())
        if status:
            assert (status, bound(lpar, pid), which(lpar, bp.R_PROCESS, pid)) == (1, [1, 1], bp.RS_DEFAULT_RSET)
        else:
            assert (bound(lpar, pid), repr(lpar.effective_rset(pid))) == ([None, None], "6")
        return took_ns, changes

    took_ns, changes = raced(10**9)
    assert changes == 2
    seen = {raced(took_ns - before_ns)[1] for before_ns in range(0, 20_000, 500)}
    assert seen == {0, 2, 4}  # refused at once, attached, and bound again


# ---- execrset ------------------------------------------------------------------------------------


def shows(proc: bp.AixProc) -> Any:
    """Write by what it goes, its arguments and its bindings."""
    rset = yield from proc.rs_alloc(bp.RS_EMPTY)
    found = yield from proc.ra_getrset(bp.R_PROCESS, bp.RS_MYSELF, 0, rset)
    threads = yield from proc.getthrds(proc.pid)
    yield from proc.print(found, rset, proc.argv, [thread.bound for thread in threads])


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("-c 0-1 -e shows", "2 0-1 ['shows']"), ("-c 0 3 5-6 -e shows 1 2", "2 0,3,5-6 ['shows', '1', '2']"),
        ("-c 0 -m 0 -e shows -c 7", "2 0 ['shows', '-c', '7']"), ("-Fc 0 -e shows", "2 0 ['shows']"),
        ("test/some shows x", "2 2-5 ['shows', 'x']"), ("test/some -e shows -e", "2 2-5 ['shows', '-e']"),
        ("-S sysxrset/app shows", "2 6 ['shows']"), ("-F sysxrset/app -e shows", "2 6-7 ['shows']"),
        ("-P test/some shows", "3 2-5 ['shows']"), ("-P -F -c 1 -e shows", "3 1 ['shows']"),
        ("sys/cpu.02.00001 /usr/bin/shows", "2 1 ['/usr/bin/shows']"),
    ],
)  # fmt: skip
def test_execrset(words: str, shown: str) -> None:
    lpar = power5()
    lpar.install("/usr/bin/shows", shows)
    lpar.mkrset("test/some", "2-5")
    lpar.mkrset("sysxrset/app", "6-7")
    assert done(lpar, f"execrset {words}") == f"{shown} [None]\n"


def test_the_status_is_that_of_the_command() -> None:
    lpar = power5()
    lpar.install("/usr/bin/five", lambda proc: 5)
    assert lpar.run(["execrset", "-c", "0", "-e", "five"]).returncode == 5


@pytest.mark.parametrize("forced", [False, True])
def test_execrset_of_a_bound_process(forced: bool) -> None:
    lpar = power5()
    lpar.install("/usr/bin/shows", shows)

    def launcher(proc: bp.AixProc) -> Any:
        yield from proc.bindprocessor(bp.BINDPROCESS, proc.pid, 1)
        yield from proc.execvp("execrset", ["execrset", *(["-F"] if forced else []), "-c", "2", "-e", "shows"])

    lpar.install("/usr/bin/launcher", launcher)
    if forced:
        assert done(lpar, "launcher") == "2 2 ['shows'] [None]\n"
    else:
        assert refused(lpar, "launcher") == f"execrset: -c 2: {DENIED}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("-c 0 -e nosuch", "nosuch: No such file or directory"),
        ("-c 0 -e /etc/passwd", "/etc/passwd: Permission denied"),
        ("-P -c 0 -e nosuch", "nosuch: No such file or directory"),
        ("test/none ps", "test/none: No such file or directory"),
        ("-S test/some ps", "test/some: Invalid argument"),
        ("-c 8 -e ps", "-c 8: No such device"),
    ],
)
def test_execrset_refuses(words: str, said: str) -> None:
    lpar = power5()
    lpar.mkrset("test/some", "2-5")
    assert refused(lpar, f"execrset {words}") == f"execrset: {said}"


@pytest.mark.parametrize(
    "words",
    ["", "-c 0", "-c 0 ps", "-c 0 -e", "-e -c 0 ps", "-c 0 -eP ps", "-c 0 -e -F ps", "-S -c 0 -e ps", "-m 0 -e ps",
     "test/some", "test/some -e", "-e test/some ps", "-z test/some ps"],
)  # fmt: skip
def test_execrset_usage(words: str) -> None:
    misused(power5(), f"execrset {words}")


@pytest.mark.parametrize("who", ["root", "attach", "both", "none"])
@pytest.mark.parametrize("words", ["-c 1 -e shows", "-F -c 1 -e shows", "-P -c 1 -e shows"])
def test_who_may_execrset(who: str, words: str) -> None:
    lpar = power5()
    lpar.install("/usr/bin/shows", shows)
    user = None if who == "root" else lpar.user(who, 500, 500, capabilities=CAPABILITIES[who])
    if who == "root" or (who != "none" and "-P" not in words):
        assert " 1 ['shows']" in done(lpar, f"execrset {words}", user=user)
    else:
        assert refused(lpar, f"execrset {words}", user=user) == f"execrset: -c 1: {DENIED}"


def test_a_child_without_cap_propagate_may_not() -> None:
    """sh forks before it runs a command; what it becomes itself keeps its capabilities."""
    lpar = power5()
    lpar.install("/usr/bin/shows", shows)
    attach = lpar.user("attach", 500, 500, capabilities=CAPABILITIES["attach"])
    both = lpar.user("both", 501, 501, capabilities=CAPABILITIES["both"])
    line = "execrset -c 1 -e shows; echo end"
    assert done(lpar, ["sh", "-c", line], user=both) == "2 1 ['shows'] [None]\nend\n"
    said = lpar.run(["sh", "-c", line], user=attach, text=True)
    assert (said.stdout, said.stderr) == ("end\n", f"execrset: -c 1: {DENIED}\n")
    assert done(lpar, ["sh", "-c", "exec execrset -c 1 -e shows"], user=attach) == "2 1 ['shows'] [None]\n"


@pytest.mark.parametrize("level", ["5.2", "5.3", "6.1"])
def test_older_levels(level: str) -> None:
    lpar = power5(level=level)
    lpar.mkrset("sysxrset/app", "6-7")
    p = lpar.idle_process()
    lpar.bindprocessor(bp.BINDPROCESS, p.pid, 1).check()
    if level == "5.2":  # no ST sets; nothing of the process is lost by asking for one
        assert refused(lpar, f"attachrset -FS sysxrset/app {p.pid}") == f"attachrset: {p.pid}: Invalid argument"
        assert bound(lpar, p.pid) == [1]
    done(lpar, f"attachrset -F sysxrset/app {p.pid}")
    assert (bound(lpar, p.pid), repr(lpar.effective_rset(p.pid))) == ([None], "6-7")
    assert of_process(lpar.home.processes[p.pid]).partition is None
