"""Attachments while processes run: what wins over what, what is inherited, who may, and what ra_exec replaces."""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp
from bprocsim.aix.placement import of_thread
from bprocsim.aix.work import tid_of

TYPES = {
    bp.RS_DEFAULT_RSET: "default", bp.RS_PARTITION_RSET: "partition", bp.RS_EFFECTIVE_RSET: "effective",
    bp.RS_THREAD_RSET: "thread",
}  # fmt: skip


def told(proc: bp.AixProc, rstype: int = bp.R_PROCESS, rsid: int = bp.RS_MYSELF) -> Any:
    """Say which set is in force: "effective 0-3"."""
    rset = yield from proc.rs_alloc(bp.RS_EMPTY)
    which = yield from proc.ra_getrset(rstype, rsid, 0, rset)
    return f"{TYPES[which]} {rset}"


def tell(proc: bp.AixProc) -> Any:
    """A program that prints which set is in force, for its process and its thread."""
    for rstype in (bp.R_PROCESS, bp.R_THREAD):
        yield from proc.print((yield from told(proc, rstype)))


@pytest.fixture
def lpar() -> bp.Lpar:
    made = bp.Lpar(cores=4, smt=2, cpu="POWER5", strict=True)
    made.install("/usr/bin/tell", tell)
    made.user("bob", 501, 501, capabilities={"CAP_NUMA_ATTACH"})
    made.user("eve", 503, 503, capabilities={"CAP_NUMA_ATTACH"})
    return made


def run(lpar: bp.Lpar, program: Any, **given: Any) -> str:
    """Run a program on the partition; gives what it printed."""
    done = lpar.popen(program, **given)
    out, err = done.communicate()
    assert err == b""
    return str(out.decode())


def test_a_thread_goes_by_the_nearest_set(lpar: bp.Lpar) -> None:
    def program(proc: bp.AixProc) -> Any:
        yield from proc.print((yield from told(proc, bp.R_THREAD)))
        yield from proc.rs_setpartition(proc.pid, lpar.rset("0-5"))
        yield from proc.print((yield from told(proc, bp.R_THREAD)))
        yield from proc.ra_attachrset(bp.R_PROCESS, bp.RS_MYSELF, lpar.rset("0-3"))
        yield from proc.print((yield from told(proc, bp.R_THREAD)))
        yield from proc.ra_attachrset(bp.R_THREAD, bp.RS_MYSELF, lpar.rset("1"))
        yield from proc.print((yield from told(proc, bp.R_THREAD)))
        yield from proc.print((yield from told(proc)))

    assert run(lpar, program).splitlines() == [
        "default 0-7", "partition 0-5", "effective 0-3", "thread 1", "effective 0-3",
    ]  # fmt: skip


def test_detaching_a_process_leaves_its_threads_their_own_sets_unless_asked(lpar: bp.Lpar) -> None:
    def program(proc: bp.AixProc) -> Any:
        yield from proc.ra_attachrset(bp.R_PROCESS, bp.RS_MYSELF, lpar.rset("0-3"))
        yield from proc.ra_attachrset(bp.R_THREAD, bp.RS_MYSELF, lpar.rset("1"))
        yield from proc.ra_detachrset(bp.R_PROCESS, bp.RS_MYSELF)
        yield from proc.print((yield from told(proc, bp.R_THREAD)))
        yield from proc.ra_detachrset(bp.R_PROCESS, bp.RS_MYSELF, bp.R_DETACH_ALLTHRDS)
        yield from proc.print((yield from told(proc, bp.R_THREAD)))

    assert run(lpar, program).splitlines() == ["thread 1", "default 0-7"]


def test_a_child_has_its_parents_sets_and_binding(lpar: bp.Lpar) -> None:
    def attached(proc: bp.AixProc) -> Any:
        yield from proc.ra_attachrset(bp.R_PROCESS, bp.RS_MYSELF, lpar.rset("0-3"))
        yield from proc.fork(tell)
        yield from proc.wait()

    def bound(proc: bp.AixProc) -> Any:
        yield from proc.bindprocessor(bp.BINDPROCESS, proc.pid, 5)

        def child(proc: bp.AixProc) -> Any:
            assert of_thread(proc.thread).bound == 5
            yield from proc.print("bound")

        yield from proc.fork(child)
        yield from proc.wait()

    assert run(lpar, attached).splitlines() == ["effective 0-3", "effective 0-3"]
    assert run(lpar, bound) == "bound\n"


def test_a_new_thread_has_its_creators_binding_but_no_set_of_its_own(lpar: bp.Lpar) -> None:
    def second(proc: bp.AixProc) -> Any:
        yield from proc.print(of_thread(proc.thread).bound, of_thread(proc.thread).attached)

    def bound(proc: bp.AixProc) -> Any:
        yield from proc.bindprocessor(bp.BINDTHREAD, proc.thread_self(), 2)
        yield from proc.thread_join((yield from proc.thread_create(second)))

    def attached(proc: bp.AixProc) -> Any:
        yield from proc.ra_attachrset(bp.R_THREAD, bp.RS_MYSELF, lpar.rset("1"))
        yield from proc.thread_join((yield from proc.thread_create(second)))

    assert (run(lpar, bound), run(lpar, attached)) == ("2 None\n", "None None\n")


def test_exec_keeps_what_is_attached_and_ra_exec_replaces_it(lpar: bp.Lpar) -> None:
    def program(proc: bp.AixProc, attach: Any) -> Any:
        yield from proc.rs_setpartition(proc.pid, lpar.rset("0-5"))
        yield from proc.ra_attachrset(bp.R_PROCESS, bp.RS_MYSELF, lpar.rset("0-3"))
        yield from proc.ra_attachrset(bp.R_THREAD, bp.RS_MYSELF, lpar.rset("1"))
        if attach:
            yield from proc.ra_execl(bp.R_RSET, lpar.rset("4-5"), 0, "/usr/bin/tell", "tell")
        yield from proc.execl("/usr/bin/tell", "tell")

    assert run(lpar, lambda proc: program(proc, False)).splitlines() == ["effective 0-3", "thread 1"]
    assert run(lpar, lambda proc: program(proc, True)).splitlines() == ["effective 4-5", "effective 4-5"]


def test_ra_fork_attaches_the_child_alone(lpar: bp.Lpar) -> None:
    def program(proc: bp.AixProc) -> Any:
        yield from proc.ra_fork(bp.R_RSET, lpar.rset("6-7"), 0, tell)
        yield from proc.wait()
        yield from proc.print((yield from told(proc)))

    assert run(lpar, program).splitlines() == ["effective 6-7", "effective 6-7", "default 0-7"]


def test_a_refused_ra_exec_leaves_the_old_attachment(lpar: bp.Lpar) -> None:
    def program(proc: bp.AixProc) -> Any:
        yield from proc.ra_attachrset(bp.R_PROCESS, bp.RS_MYSELF, lpar.rset("0-3"))
        rc = yield from proc.libc.ra_execl(bp.R_RSET, lpar.rset("6-7"), 0, "/nowhere", "x")
        yield from proc.print(rc, proc.libc.errno, (yield from told(proc)))

    assert run(lpar, program) == "-1 2 effective 0-3\n"


def test_a_refused_attachment_ends_the_search_along_the_path(lpar: bp.Lpar) -> None:
    lpar.machine.fs.write_file("/usr/bin/script", b"echo hello\n", mode=0o755)
    out = lpar.ra_execlp(bp.R_RSET, lpar.rset("0-1"), bp.R_ATTACH_STRSET, "script", "script")
    assert (out.errno, out.cause) == (bp.Errno.EINVAL, "not_exclusive")
    assert out.elapsed_ns == lpar.costs.syscall_ns  # one attempt, and no shell


def test_a_headerless_script_runs_attached_to_the_same_set(lpar: bp.Lpar) -> None:
    lpar.machine.fs.write_file("/usr/bin/script", b"tell\n", mode=0o755)
    out = lpar.ra_execlp(bp.R_RSET, lpar.rset("0-1"), 0, "script", "script")
    assert out.text.splitlines()[0] == "effective 0-1"


def test_a_set_id_image_is_judged_by_the_ids_before(lpar: bp.Lpar) -> None:
    lpar.install("/usr/bin/setuid", tell, mode=0o4755)
    alice = lpar.user("alice", 502, 502)
    rset = lpar.rset("0-1")
    assert lpar.ra_execl(bp.R_RSET, rset, 0, "/usr/bin/setuid", "x", user=alice).cause == "not_privileged"
    assert lpar.ra_execl(bp.R_RSET, rset, 0, "/usr/bin/setuid", "x", user=lpar.users["bob"]).exit_status == 0


def test_bound_threads_and_attached_sets_exclude_each_other(lpar: bp.Lpar) -> None:
    process = lpar.idle_process()
    assert lpar.bindprocessor(bp.BINDPROCESS, process.pid, 0).value == 0
    assert lpar.ra_attachrset(bp.R_PROCESS, process.pid, lpar.rset("0-1")).cause == "thread_bound"
    assert lpar.ra_execl(bp.R_RSET, lpar.rset("0"), 0, "/usr/bin/tell", "x", caller=process).cause == "thread_bound"
    assert lpar.bindprocessor(bp.BINDPROCESS, process.pid, bp.PROCESSOR_CLASS_ANY).value == 0
    assert lpar.ra_attachrset(bp.R_PROCESS, process.pid, lpar.rset("0-1")).value == 0
    assert lpar.bindprocessor(bp.BINDPROCESS, process.pid, 0).cause == "resource_attached"
    assert lpar.bindprocessor(bp.BINDPROCESS, process.pid, bp.PROCESSOR_CLASS_ANY).value == 0


def test_a_thread_is_named_by_its_id_or_by_its_number_in_the_callers_process(lpar: bp.Lpar) -> None:
    process = lpar.idle_process()
    thread = process.process.threads[0]
    assert lpar.ra_attachrset(bp.R_THREAD, tid_of(thread), lpar.rset("3")).value == 0
    assert of_thread(thread).attached is not None
    assert lpar.ra_detachrset(bp.R_THREAD, 1, caller=process).value == 0
    assert of_thread(thread).attached is None
    assert lpar.ra_attachrset(bp.R_THREAD, 2, lpar.rset("3"), caller=process).errno is bp.Errno.ESRCH


def test_bindprocessor_knows_no_rs_myself(lpar: bp.Lpar) -> None:
    process = lpar.idle_process()
    assert lpar.bindprocessor(bp.BINDPROCESS, bp.RS_MYSELF, 0, caller=process).cause == "no_such_work"
    assert lpar.bindprocessor(bp.BINDPROCESS, process.pid, 0, caller=process).value == 0


def test_another_users_process_is_out_of_reach(lpar: bp.Lpar) -> None:
    process = lpar.idle_process(user=lpar.users["bob"])
    eve = lpar.users["eve"]
    assert lpar.ra_attachrset(bp.R_PROCESS, process.pid, lpar.rset("0"), user=eve).cause == "other_owner"
    assert lpar.ra_detachrset(bp.R_PROCESS, process.pid, user=eve).cause == "other_owner"
    assert lpar.bindprocessor(bp.BINDPROCESS, process.pid, 0, user=eve).cause == "other_owner"
    assert lpar.ra_getrset(bp.R_PROCESS, process.pid, 0, lpar.rset(), user=eve).value == bp.RS_DEFAULT_RSET


def test_a_home_srad_is_told_and_handed_on() -> None:
    lpar = bp.Lpar(cores=4, smt=2, cpu="POWER7", srads=2, enhanced_affinity=True, strict=True)

    def child(proc: bp.AixProc) -> Any:
        yield from proc.print((yield from proc.rs_get_homesrad()))

    def program(proc: bp.AixProc) -> Any:
        yield from child(proc)
        yield from proc.fork(child)
        yield from proc.wait()

    lpar.install("/usr/bin/home", program)
    out = lpar.ra_execl(bp.R_SRADID, 1, 0, "/usr/bin/home", "home")
    assert (out.text, out.sradid, repr(out.rset)) == ("1\n1\n", 1, "0-7")
    assert lpar.ra_execl(bp.R_SRADID, 2, 0, "/usr/bin/home", "home").cause == "sradid_invalid"
    assert lpar.ra_execl(bp.R_SRADID, lpar.rset("0"), 0, "/usr/bin/home", "home").cause == "sradid_invalid"
    assert lpar.ra_execl(bp.R_SRADID, 0, bp.R_ATTACH_STRSET, "/usr/bin/home", "home").cause == "flags_invalid"
    assert lpar.ra_attach(bp.R_PROCESS, bp.RS_MYSELF, bp.R_SRADID, 0).cause == "sradid_of_process"
