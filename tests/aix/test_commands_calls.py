"""What commands ask of a process beside resource sets: names, processes, threads, SMT; and where they lie."""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp
from tests.aix.commands import done, power5


def test_names_of_sets() -> None:
    lpar = power5()
    for name in ("test/b", "sysxrset/x", "test/a", "other/a"):
        lpar.mkrset(name, "0").check()
    with lpar.session() as s:
        assert s.rs_getrsetnames() == [("other", "a"), ("sysxrset", "x"), ("test", "a"), ("test", "b")]
        assert s.rs_getrsetnames("test") == [("test", "a"), ("test", "b")]
        assert s.rs_getrsetnames(b"none") == []


def test_sets_are_named_from_inside() -> None:
    lpar = power5()
    with lpar.session() as s:
        s.mkrset("test/some", lpar.rset("1-2"))
        with pytest.raises(bp.CallError, match="File exists"):
            s.mkrset("test/some", lpar.rset("1-2"))
        with pytest.raises(TypeError, match=r"mkrset: rset: expected a set such as rs_alloc gives, got '1-2'"):
            s.mkrset("test/other", "1-2")
        s.rmrset("test/some")
        with pytest.raises(FileNotFoundError):
            s.rmrset("test/some")
    assert lpar.partition.names == {}


def test_smt_is_changed_from_inside() -> None:
    lpar = power5()
    with lpar.session() as s:
        assert s.smtctl(1) == 0
        with pytest.raises(ValueError, match="threads: a core of this POWER5 can have 1, 2 online, never 4"):
            s.smtctl(4)
    assert lpar.partition.online == 0b01010101


def test_processes_and_threads() -> None:
    lpar = power5()
    bob = lpar.user("bob", 501, 501)
    p = lpar.idle_process(user=bob)
    lpar.bindprocessor(bp.BINDPROCESS, p.pid, 3).check()
    with lpar.session(user=bob) as s:
        told = {each.pid: each for each in s.getprocs()}
        assert list(told) == sorted({p.pid, s.pid})
        assert (told[p.pid].ppid, told[p.pid].uid, told[p.pid].state, told[p.pid].argv) == (1, 501, "running", ())
        assert told[s.pid].argv == ("session",)
        (thread,) = s.getthrds(p.pid)
        assert (thread.tid, thread.pid, thread.state, thread.bound) == (p.pid * 65536 + 1, p.pid, "sleeping", 3)
        (own,) = s.getthrds(s.pid)
        assert own.bound is None
        assert s.getthrds(4) == s.getthrds(-1) == []


def test_a_thread_that_waits_for_a_processor_is_runnable() -> None:
    lpar = bp.Lpar(cores=1, smt=1, cpu="POWER5")

    def works(proc: bp.AixProc) -> Any:
        yield from proc.compute(10**9)

    pids = [lpar.popen(works).pid for _ in range(2)]
    lpar.sleep(0.1)
    with lpar.session() as s:
        assert [each.state for pid in pids for each in s.getthrds(pid)] == ["runnable", "runnable"]


def test_commands_lie_where_the_usual_path_leads() -> None:
    lpar = power5()
    fs = lpar.machine.fs
    for path in ("/usr/bin/lsrset", "/bin/lsrset", "/usr/sbin/smtctl", "/usr/sbin/bindprocessor", "/usr/bin/ps"):
        assert fs.read_file(path)[:2] in (b"\x01\xdf", b"\x01\xf7"), path
    places = lpar.session().env["PATH"].split(":")
    assert places[0] == "/usr/bin" and "/usr/sbin" in places
    assert done(lpar, ["sh", "-c", "smtctl -m off -w now; bindprocessor -q"]).endswith(":  0 1 2 3\n")
    with pytest.raises(FileNotFoundError):
        lpar.run(["smtctl"], env={"PATH": "/usr/bin"})


def test_a_program_of_that_name_is_the_users() -> None:
    lpar = power5()

    def ps(proc: bp.AixProc) -> Any:
        yield from proc.print("mine")

    lpar.install("/tmp/ps", ps)
    assert done(lpar, "/tmp/ps") == "mine\n"
    assert done(lpar, "ps -o THREAD").startswith("    USER")
    lpar.install("/usr/bin/ps", ps)
    assert done(lpar, "ps") == "mine\n"
    with pytest.raises(FileNotFoundError):
        bp.Cluster(nodes=1).run(["lsrset"])


def test_users_have_their_line() -> None:
    lpar = power5()
    for name, uid in (("bob", 501), ("eve:x", 502), ("zoë\udcff", 503), ("\ud800", 504)):
        lpar.user(name, uid, 600)
    lines = lpar.machine.fs.read_file("/etc/passwd").decode("utf-8", "surrogateescape").splitlines()
    assert [line.split(":")[0] for line in lines[:3]] == ["root", "bob", "zoë\udcff"]
    lpar.machine.fs.unlink("/etc/passwd")
    lpar.user("late", 505, 600)
    with pytest.raises(FileNotFoundError):
        lpar.machine.fs.read_file("/etc/passwd")
    assert power5().machine.fs.read_file("/etc/passwd") == b"root:!:0:0::/:/usr/bin/sh\n"
