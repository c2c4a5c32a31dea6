"""A partition as its users build it, and what its calls made from outside tell."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Any

import attrs
import pytest

import bprocsim as bp


def app(proc: bp.AixProc) -> Any:
    """Say what it was started with."""
    yield from proc.print(*proc.argv)
    return 3


def partition(**given: Any) -> bp.Lpar:
    """A POWER5 with four cores of two hardware threads, a program, and three users."""
    lpar = bp.Lpar(**{"cores": 4, "smt": 2, "cpu": "POWER5", **given})
    lpar.install("/usr/bin/app", app)
    lpar.user("bob", 501, 501, capabilities={"CAP_NUMA_ATTACH"})
    lpar.user("alice", 502, 502)
    return lpar


# ---- building ------------------------------------------------------------------------------------


def test_what_a_partition_is_by_default() -> None:
    lpar = bp.Lpar()
    assert repr(lpar) == "bp.Lpar(cores=4)"
    assert lpar.rset("0-15") == lpar.effective_rset(lpar.idle_process().pid)
    assert not lpar.partition.enhanced_affinity


@pytest.mark.parametrize(
    ("given", "error", "says"),
    [
        ({"cpu": "POWER4"}, ValueError, "cpu: there is no 'POWER4'; expected one of POWER5, POWER6, POWER7, POWER8"),
        ({"cpu": 7}, TypeError, "cpu: expected one of POWER5"),
        ({"smt": 4}, ValueError, "smt: a core of POWER5 has 1, 2 hardware threads, never 4"),
        ({"smt": 0}, ValueError, "smt: a core of POWER5 has 1, 2 hardware threads, never 0"),
        ({"smt": "2"}, TypeError, "smt: expected an int or None, got '2'"),
        ({"level": "4.3"}, ValueError, "level: there is no '4.3'; expected one of 5.2, 5.3, 6.1, 6.1.5, 7.1, 7.2, 7.3"),
        ({"cores": 0}, ValueError, "cores: expected at least 1, got 0"),
        ({"cores": 600}, ValueError, "cores: AIX 7.1 has at most 1024 logical processors"),
        ({"cores": 200, "level": "6.1"}, ValueError, "cores: AIX 6.1 has at most 256 logical processors"),
        ({"srads": 5}, ValueError, "srads: expected at most one for each of the 4 cores, got 5"),
        ({"enhanced_affinity": True}, ValueError, "enhanced_affinity: it needs POWER7 or a later model"),
        ({"enhanced_affinity": 1}, TypeError, "enhanced_affinity: expected True or False, got 1"),
        ({"memory_bytes": 1}, ValueError, "memory_bytes: expected at least 65536, got 1"),
        ({"faults": "all"}, TypeError, "faults: expected a list of faults"),
        ({"trace": "some"}, ValueError, "trace: expected one of"),
    ],
)
def test_a_wrong_argument_is_named(given: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=f"^{says}"):
        partition(**given)


@pytest.mark.parametrize("level", ["5.3", "6.1"])
def test_enhanced_affinity_came_with_6_1_5(level: str) -> None:
    with pytest.raises(ValueError, match=f"level 6.1.5 or later; this is POWER7 with AIX {level}"):
        bp.Lpar(cpu="POWER7", level=level, enhanced_affinity=True)
    assert bp.Lpar(cpu="POWER7", level="6.1.5", enhanced_affinity=True).partition.enhanced_affinity


def test_ra_attach_came_with_6_1_and_sradids_later() -> None:
    with pytest.raises(AttributeError, match=r"AIX 5\.3 has no ra_attach"):
        bp.Lpar(level="5.3").ra_attach(bp.R_PROCESS, bp.RS_MYSELF, bp.R_RSET, None)
    for level in ("6.1", "6.1.5"):
        lpar = bp.Lpar(cores=2, level=level)
        process = lpar.idle_process()
        lpar.ra_attach(bp.R_PROCESS, process.pid, bp.R_RSET, lpar.rset("0")).check()
        assert lpar.effective_rset(process.pid) == lpar.rset("0")
        home = lpar.ra_attach(bp.R_THREAD, bp.RS_MYSELF, bp.R_SRADID, 0)
        assert home.errno is (bp.Errno.EINVAL if level == "6.1" else bp.Errno.ENOTSUP)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("0-3,x", "processors: '0-3,x': expected a number or a range such as 0-3 at position 5, got 'x'"),
        ("5-2", "processors: '5-2': at position 1: the range 5-2 runs backwards"),
        ("0,1024", "processors: '0,1024': at position 3: ids go from 0 to 1023, got 1024"),
        ("0,,1", "processors: '0,,1': expected a number or a range such as 0-3 at position 3, got ''"),
        ("-1", "processors: '-1': expected a number or a range such as 0-3 at position 1, got '-1'"),
    ],
)
def test_a_list_that_is_none_tells_the_position(text: str, says: str) -> None:
    with pytest.raises(ValueError) as caught:
        partition().rset(text)
    assert str(caught.value) == says


def test_a_set_may_hold_ids_that_were_never_online() -> None:
    lpar = partition()
    out = lpar.ra_execl(bp.R_RSET, lpar.rset("99"), 0, "/usr/bin/app", "app")
    assert (out.errno, out.cause) == (bp.Errno.ENODEV, "no_available_processor")
    assert lpar.mkrset("sysxrset/later", "2,99").value == 0


def test_a_set_is_a_handle_that_its_caller_owns() -> None:
    lpar = partition()
    rset = lpar.rset("0-3,6")
    assert repr(rset) == "0-3,6"
    assert lpar.rset([0, 1, 2, 3, 6]) == rset
    assert lpar.rset("") == lpar.rset() != rset
    with pytest.raises(TypeError, match="unhashable"):
        hash(rset)
    assert lpar.rs_free(rset).value is None
    assert lpar.ra_attachrset(bp.R_PROCESS, bp.RS_MYSELF, rset).errno is bp.Errno.EFAULT


def test_a_cluster_and_a_partition_share_one_clock() -> None:
    sim = bp.Simulation(seed=7, trace="all")
    cluster, lpar = sim.cluster(nodes=2), sim.lpar(cores=2)
    cluster.install("/bin/hello", lambda _proc: 0, on="master")
    lpar.install("/usr/bin/app", app)
    cluster.bproc_execmove(1, "/bin/hello")
    before = sim.now_ns
    assert before > 0
    assert lpar.execve("/usr/bin/app").exit_status == 3
    assert sim.now_ns > before
    assert {"master", "node 1", "lpar0"} <= {record.node for record in sim.trace.records}


def test_a_cluster_refuses_what_is_a_partitions_and_the_other_way_round() -> None:
    lpar = partition()

    def mover(proc: bp.AixProc) -> Any:
        yield from proc.bproc_execmove(1, "/usr/bin/app", ["app"], {})  # type: ignore[attr-defined]

    lpar.install("/usr/bin/mover", mover)
    out = lpar.execve("/usr/bin/mover")
    assert out.exit_status == 1
    assert "has no BProc" in out.stderr.decode()
    cluster = bp.Cluster(nodes=1)
    with pytest.raises(ValueError, match="caller: process 1002 belongs to another system"):
        cluster.execve("/bin/sh", caller=lpar.idle_process())


# ---- calls from outside --------------------------------------------------------------------------


def test_every_form_of_ra_exec_runs_and_attaches() -> None:
    lpar = partition()
    rset = lpar.rset("2-5")
    resource = (bp.R_RSET, rset, 0)
    outcomes = [
        lpar.ra_execl(*resource, "/usr/bin/app", "app", "-v"),
        lpar.ra_execle(*resource, "/usr/bin/app", "app", "-v", {"A": "b"}),
        lpar.ra_execlp(*resource, "app", "app", "-v"),
        lpar.ra_execv(*resource, "/usr/bin/app", ["app", "-v"]),
        lpar.ra_execve(*resource, "/usr/bin/app", ["app", "-v"], {}),
        lpar.ra_execvp(*resource, "app", ["app", "-v"]),
        lpar.ra_exect(*resource, "/usr/bin/app", ["app", "-v"], {}),
    ]
    for out in outcomes:
        assert (out.exit_status, out.text, out.rset, out.sradid) == (3, "app -v\n", rset, None), out
        assert out.value is None
        assert not out.returned
    assert [out.call for out in outcomes] == [
        "ra_execl", "ra_execle", "ra_execlp", "ra_execv", "ra_execve", "ra_execvp", "ra_exect",
    ]  # fmt: skip


def test_what_is_attached_is_a_copy() -> None:
    lpar = partition()
    process, rset = lpar.idle_process(), lpar.rset("2-5")
    lpar.ra_attachrset(bp.R_PROCESS, process.pid, rset)
    lpar.rs_op(bp.RS_DELRESOURCE, rset, None, bp.R_PROCS, 2)
    assert repr(lpar.effective_rset(process.pid)) == "2-5"


def test_without_an_attachment_the_set_of_a_new_image_is_the_default_set() -> None:
    lpar = partition()
    assert repr(lpar.execve("/usr/bin/app").rset) == "0-7"


def test_the_call_of_an_idle_process_attaches_that_process() -> None:
    lpar = partition()
    process = lpar.idle_process(user=lpar.users["bob"])
    assert lpar.ra_attachrset(bp.R_PROCESS, bp.RS_MYSELF, lpar.rset("4-5"), caller=process).value == 0
    assert repr(lpar.effective_rset(process.pid)) == "4-5"
    out = lpar.execve("/usr/bin/app", caller=process)
    assert (out.exit_status, repr(out.rset)) == (3, "4-5")


def test_who_calls_is_said_by_user_or_caller_and_nothing_else() -> None:
    lpar = partition()
    with pytest.raises(TypeError, match="rs_alloc: there is no argument 'node'"):
        lpar.rs_alloc(bp.RS_EMPTY, node=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="ra_execve: there is no argument 'from_node'"):
        lpar.ra_execve(bp.R_RSET, lpar.rset("0"), 0, "/usr/bin/app", from_node=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="user: expected"):
        lpar.rs_alloc(bp.RS_EMPTY, user="bob")


@pytest.mark.parametrize("call", ["ra_attach", "rs_get_homesrad", "rs_info"])
def test_a_call_that_a_level_lacks_is_no_call_there(call: str) -> None:
    lpar = partition(level="5.3")
    arguments: dict[str, tuple[Any, ...]] = {
        "ra_attach": (bp.R_PROCESS, -1, bp.R_RSET, lpar.rset("0")), "rs_info": ([], 1),
    }  # fmt: skip
    with pytest.raises(AttributeError, match=rf"lpar.{call}\(...\): AIX 5.3 has no {call}"):
        getattr(lpar, call)(*arguments.get(call, ()))

    def program(proc: bp.AixProc) -> Any:
        yield from getattr(proc, call)(*arguments.get(call, ()))

    out = lpar.popen(program)
    assert out.wait() == 1
    assert f"AIX 5.3 has no {call}" in out.communicate()[1].decode()


def test_a_refused_call_costs_time_and_nothing_else() -> None:
    lpar = partition()
    process = lpar.idle_process(user=lpar.users["alice"])
    out = lpar.ra_attachrset(bp.R_PROCESS, process.pid, lpar.rset("0"), user=lpar.users["alice"])
    assert (out.errno, out.cause, out.value) == (bp.Errno.EPERM, "not_privileged", -1)
    assert out.elapsed_ns > 0
    assert lpar.sim.now_ns == out.elapsed_ns
    assert repr(lpar.effective_rset(process.pid)) == "0-7"


def test_a_trace_keeps_sets_as_they_were() -> None:
    lpar = partition(trace="all")
    first, second = lpar.rset("0-3"), lpar.rset("2-5")
    lpar.rs_op(bp.RS_INTERSECTION, first, second)
    assert repr(second) == "2-3"
    assert "rs_op(2, 0-3, 2-5, 0, 0) = 0" in lpar.trace.text()


def test_two_runs_of_one_partition_have_one_digest() -> None:
    def run(seed: int) -> str:
        lpar = partition(seed=seed, trace="all")
        lpar.mkrset("sysxrset/a", "2-7")
        lpar.ra_execve(bp.R_RSET, lpar.rset("2-7"), bp.R_ATTACH_STRSET, "/usr/bin/app", ["app"], {})
        lpar.ra_fork(bp.R_RSET, lpar.rset("0-1"), 0, app)
        return lpar.trace.digest()

    assert run(1) == run(1)


# ---- sessions and command lines ------------------------------------------------------------------


def test_a_session_calls_what_a_program_calls() -> None:
    lpar = partition()
    with lpar.session(user=lpar.users["bob"]) as s:
        rset = s.rs_alloc(bp.RS_EMPTY)
        s.rs_op(bp.RS_ADDRESOURCE, rset, None, bp.R_PROCS, 3)
        assert s.ra_attachrset(bp.R_PROCESS, bp.RS_MYSELF, rset) == 0
        with pytest.raises(PermissionError) as caught:
            s.bindprocessor(bp.BINDPROCESS, s.pid, 0)
        assert (caught.value.cause, caught.value.number) == ("resource_attached", 1)  # type: ignore[attr-defined]
        with pytest.raises(bp.Replaced) as replaced:
            s.ra_execl(bp.R_RSET, lpar.rset("6-7"), 0, "/usr/bin/app", "app")
    assert replaced.value.outcome.exit_status == 3
    assert repr(replaced.value.outcome.rset) == "6-7"


def test_a_session_cannot_be_copied() -> None:
    with partition().session() as s, pytest.raises(RuntimeError, match="cannot be copied"):
        s.ra_fork(bp.R_RSET, bp.Rset(1), 0, app)


def test_a_command_line_runs_on_the_partition() -> None:
    lpar = partition()
    done = lpar.run(["app", "one"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (3, "app one\n")
    with pytest.raises(FileNotFoundError):
        lpar.run(["nothing"])


# ---- records and handles of the user's own -------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"speeds": (1000,)}, ValueError, "speeds: expected 4"),
        ({"speeds": (1000, 0, 0, 0)}, ValueError, "speeds: expected 1 to 1000 per mille, got 0"),
        ({"speeds": (1000, 0.5, 0.5, 0.5)}, TypeError, "speeds: expected ints, per mille, got 0.5"),
        ({"smt": 16, "speeds": (1,) * 16}, ValueError, "smt: expected one of 1, 2, 4, 8, got 16"),
    ],
)
def test_a_model_of_ones_own_is_checked(changes: dict[str, Any], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=f"^{says}"):
        attrs.evolve(bp.models["POWER7"], **changes)


def test_a_level_of_ones_own_is_checked() -> None:
    with pytest.raises(ValueError, match="library_failure: expected one of exit255, sigkill, errno, got 'abort'"):
        attrs.evolve(bp.levels["7.1"], library_failure="abort")


@pytest.mark.parametrize("processors", ["0-3", -1, 1.5, None])
def test_a_set_is_made_of_bits_or_by_the_partition(processors: Any) -> None:
    with pytest.raises(TypeError, match=r"processors: expected bits in an int, got .*; write lpar.rset\('0-3'\)"):
        bp.Rset(processors)


def test_a_freed_set_says_so() -> None:
    lpar = partition()
    rset = lpar.rset("0-3")
    lpar.rs_free(rset)
    assert repr(rset) == "freed"
    for use in (lambda: lpar.rset(rset), lambda: lpar.mkrset("test/a", rset)):
        with pytest.raises(ValueError, match="rset: this set was freed"):
            use()


def test_attributes_are_numbers() -> None:
    with pytest.raises(TypeError, match="owner: expected an int, got 'bob'"):
        bp.RsetAttributes(owner="bob")  # type: ignore[arg-type]
    attributes = bp.RsetAttributes()
    with pytest.raises(TypeError, match="mode: expected an int"):
        attributes.mode = "0644"  # type: ignore[assignment]


def test_a_capability_that_aix_has_not_is_named() -> None:
    with pytest.raises(ValueError, match="capabilities: AIX has no 'CAP_NUMA_ATACH'; expected some of CAP_NUMA_ATTACH"):
        partition().user("eve", 505, 505, capabilities={"CAP_NUMA_ATACH"})


def test_a_process_in_place_of_its_number_is_told() -> None:
    lpar = partition()
    process: Any = lpar.idle_process()
    says = r"rsid: expected the id of a process or a thread, .*; write .pid behind it"
    with pytest.raises(TypeError, match=says):
        lpar.ra_attachrset(bp.R_PROCESS, process, lpar.rset("0"))
    with pytest.raises(TypeError, match=says):
        lpar.ra_getrset(bp.R_PROCESS, process, 0, lpar.rset())


def test_what_c_has_as_null_is_none() -> None:
    lpar = partition()
    out = lpar.rs_alloc(99)
    assert (out.failed, out.value, out.errno) == (True, None, bp.Errno.EINVAL)
    with lpar.session() as s:
        assert s.libc.rs_alloc(99) is None
        assert s.libc.errno == 22


def test_a_named_set_keeps_memory_pools() -> None:
    lpar = partition()
    everything = lpar.rs_alloc(bp.RS_ALL).value
    lpar.mkrset("test/all", everything)
    found = lpar.rset()
    lpar.rs_getnamedrset("test", "all", found)
    assert (found, found.memory) == (everything, 1)
    assert lpar.rs_getrsetnames("test").value == [("test", "all")]


def test_a_deadlock_says_which_processors_are_missing() -> None:
    lpar = partition(faults=[bp.CoreFails(core=1, at_ns=2_000_000)])
    lpar.install("/usr/bin/work", lambda proc: (yield from proc.compute(50_000_000)))
    with pytest.raises(bp.Deadlock, match=r"waits in compute\(\d+\), for one of processors 2-3 to come online \(dlpar"):
        lpar.ra_execl(bp.R_RSET, lpar.rset("2-3"), 0, "/usr/bin/work")


def test_the_set_of_a_new_image_is_its_effective_one() -> None:
    lpar = partition()
    process = lpar.idle_process()
    lpar.ra_attachrset(bp.R_THREAD, bp.RS_MYSELF, lpar.rset("2-3"), caller=process)
    assert repr(lpar.execve("/usr/bin/app", caller=process).rset) == "0-7"


def test_a_partition_of_the_l_forms_without_arguments_gives_the_last_name() -> None:
    lpar = partition()
    assert lpar.ra_execl(bp.R_RSET, lpar.rset("0"), 0, "/usr/bin/app").text == "app\n"


def test_the_trace_of_a_program_keeps_sets_as_they_were() -> None:
    lpar = partition(trace="all")

    def program(proc: bp.AixProc) -> Any:
        rset = yield from proc.rs_alloc(bp.RS_EMPTY)
        for processor in (1, 7):
            yield from proc.rs_op(bp.RS_ADDRESOURCE, rset, None, bp.R_PROCS, processor)
        yield from proc.rs_free(rset)

    lpar.popen(program).wait()
    said = [record.arguments[1] for record in lpar.trace.of_kind("call") if record.call == "rs_op"]
    assert [repr(each) for each in said] == ["", "1"]
    assert "rs_free(1,7) = None" in lpar.trace.text()


def test_a_refused_call_leaves_nothing_for_the_garbage_collector() -> None:
    lpar = partition()
    rset = lpar.rset("0-1")
    refused: tuple[Callable[[], bp.Outcome], ...] = (
        lambda: lpar.execve("/nowhere"),
        lambda: lpar.ra_execve(bp.R_RSET, rset, 0, "/nowhere"),
        lambda: lpar.ra_execve(bp.R_RSET, rset, 1, "/nowhere"),
    )
    for call in refused:
        call()
    while gc.collect():  # what other tests have left; worlds that end may leave some more
        pass
    for call in refused:
        for _ in range(10):
            call()
    assert gc.collect() == 0
