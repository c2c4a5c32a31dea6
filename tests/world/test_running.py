"""Running a world: its clock, a user's own SimPy processes, and the ways in which a run can fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.engine import NanosecondEnvironment
from bprocsim.units import ms, s, us


def sleeper(proc: bp.Proc) -> Any:
    yield from proc.sleep(2 * s)
    yield from proc.write(1, b"done\n")


def reads_a_pipe(proc: bp.Proc) -> Any:
    fd, _ = yield from proc.pipe()
    yield from proc.sleep(3 * ms)
    yield from proc.read(fd)


def waits_for_a_child(proc: bp.Proc) -> Any:
    pid = yield from proc.fork(reads_a_pipe)
    yield from proc.waitpid(pid)


def spins(proc: bp.Proc) -> Any:
    while True:
        yield from proc.compute(1)


@pytest.fixture
def cluster() -> bp.Cluster:
    made = bp.Cluster(trace="all")
    for program in (sleeper, reads_a_pipe, waits_for_a_child, spins):
        made.install(f"/bin/{program.__name__}", program)
    return made


# ---- the clock -----------------------------------------------------------------------------------


def test_a_run_ends_when_nobody_can_act(cluster: bp.Cluster) -> None:
    cluster.sim.run()
    assert cluster.sim.now_ns == 0
    started = cluster.popen(["sleeper"])
    cluster.sim.run()
    assert 2 * s < cluster.sim.now_ns < 2.01 * s
    assert started.poll() == 0
    cluster.sim.run()
    assert 2 * s < cluster.sim.now_ns < 2.01 * s


def test_a_run_until_an_instant(cluster: bp.Cluster) -> None:
    cluster.sim.run(until_ns=5)
    assert cluster.sim.now_ns == 5
    cluster.sim.run(until_ns=5)
    assert cluster.sim.now_ns == 5
    started = cluster.popen(["sleeper"])
    cluster.sim.run(until_ns=1 * s)
    assert (cluster.sim.now_ns, started.poll()) == (1 * s, None)
    cluster.sim.run(until_ns=3 * s)
    assert (cluster.sim.now_ns, started.poll()) == (3 * s, 0)
    with pytest.raises(ValueError, match="until_ns"):
        cluster.sim.run(until_ns=3 * s - 1)
    assert type(cluster.sim.now_ns) is int


def test_sleep_moves_the_clock(cluster: bp.Cluster) -> None:
    for seconds, now_ns in ((0, 0), (0.5, 500 * ms), (1, 1500 * ms), (1e-9, 1500 * ms + 1)):
        cluster.sleep(seconds)
        assert cluster.sim.now_ns == now_ns


def test_sleep_lets_the_others_go_on(cluster: bp.Cluster) -> None:
    started = cluster.popen(["sleeper"])
    began_ns = cluster.sim.now_ns
    cluster.sleep(1)
    assert started.poll() is None
    cluster.sleep(2)
    assert (started.poll(), cluster.sim.now_ns) == (0, began_ns + 3 * s)


def test_idle_processes_and_pings_keep_nothing_alive(cluster: bp.Cluster) -> None:
    cluster.idle_process()
    cluster.idle_process(node=1)
    cluster.sim.run()
    assert cluster.sim.now_ns == 0


def test_a_machine_that_is_gone_but_not_noticed_keeps_a_run_alive() -> None:
    cluster = bp.Cluster(faults=[bp.PowerOff(node=1, at_ns=1 * s)])
    cluster.sim.run()
    assert cluster.sim.now_ns == 0  # nothing has happened yet, and nobody waits for it
    cluster.sleep(2)
    assert cluster.nodes[1].state == "up"
    cluster.sim.run()
    assert cluster.nodes[1].state == "down"
    timeout_ns = cluster.edition.ping_timeout_ns
    assert timeout_ns <= cluster.sim.now_ns - 1 * s <= 1.5 * timeout_ns


# ---- SimPy processes of the user -----------------------------------------------------------------


def test_processes_of_ones_own_live_beside_ours(cluster: bp.Cluster) -> None:
    sim = cluster.sim
    seen: list[tuple[str, int]] = []

    def metronome() -> Any:
        for _ in range(3):
            yield sim.env.timeout(1 * s)
            seen.append(("tick", sim.now_ns))

    started = cluster.popen(["sleeper"])

    def watcher() -> Any:
        code = yield started.ended
        seen.append((f"ended {code}", sim.now_ns))

    sim.env.process(metronome())
    sim.env.process(watcher())
    sim.run()
    names = [name for name, _ in seen]
    assert names == ["tick", "tick", "ended 0", "tick"] or names == ["tick", "ended 0", "tick", "tick"]
    assert [at_ns % s for name, at_ns in seen if name == "tick"] == [seen[0][1] % s] * 3
    assert sim.now_ns == seen[-1][1] >= 3 * s


def test_events_and_resources_of_simpy(cluster: bp.Cluster) -> None:
    env = cluster.sim.env
    log: list[Any] = []

    def one() -> Any:
        value = yield env.timeout(5, value="five")
        log.append((env.now, value))
        done.succeed("ok")

    def other() -> Any:
        log.append((yield done))
        both = yield env.all_of([env.timeout(2), env.timeout(3)])
        log.append((env.now, len(both.todict())))

    done = env.event()
    env.process(one())
    env.process(other())
    cluster.sim.run()
    assert log == [(5, "five"), "ok", (8, 2)]


@pytest.mark.parametrize("delay", [1.0, 0.5, "1", None, True])
def test_delays_are_integers(cluster: bp.Cluster, delay: Any) -> None:
    with pytest.raises(TypeError, match="delay: this world counts integers of nanoseconds"):
        cluster.sim.env.timeout(delay)


def test_simpys_own_run_counts_integers_too(cluster: bp.Cluster) -> None:
    env = cluster.sim.env
    with pytest.raises(TypeError, match="until: this world counts integers of nanoseconds"):
        env.run(until=1.5)
    started = cluster.popen(["sleeper"])
    env.run(until=1 * s)
    assert (cluster.sim.now_ns, type(env.now), started.poll()) == (1 * s, int, None)
    assert env.run(until=started.ended) == 0
    assert cluster.execve("/bin/sleeper").exit_status == 0


def test_what_ones_own_process_raises_reaches_the_caller(cluster: bp.Cluster) -> None:
    error = RuntimeError("mine")

    def bad() -> Any:
        yield cluster.sim.env.timeout(5)
        raise error

    cluster.sim.env.process(bad())
    with pytest.raises(RuntimeError, match="mine") as caught:
        cluster.sim.run()
    assert caught.value.__cause__ is error  # SimPy's own processes make a copy
    assert cluster.execve("/bin/sleeper").exit_status == 0  # outside again, and the world goes on


def test_ones_own_process_makes_no_direct_calls(cluster: bp.Cluster) -> None:
    def bad() -> Any:
        yield cluster.sim.env.timeout(5)
        cluster.execve("/bin/sleeper")

    cluster.sim.env.process(bad())
    with pytest.raises(RuntimeError, match="execve was called from within a program"):
        cluster.sim.run()


def test_a_direct_call_goes_on_beside_them(cluster: bp.Cluster) -> None:
    ticks: list[int] = []

    def metronome() -> Any:
        while True:
            yield cluster.sim.env.timeout(1 * s)
            ticks.append(cluster.sim.now_ns)

    cluster.sim.env.process(metronome())
    assert cluster.execve("/bin/sleeper").exit_status == 0
    assert ticks == [1 * s, 2 * s]
    cluster.execve("/absent")
    cluster.sim.run(until_ns=3 * s + 1)
    assert ticks == [1 * s, 2 * s, 3 * s]


# ---- Deadlock ------------------------------------------------------------------------------------


def test_a_deadlock_names_everybody(cluster: bp.Cluster) -> None:
    started = cluster.popen(["waits_for_a_child"])
    other = cluster.popen(reads_a_pipe)
    with pytest.raises(bp.Deadlock) as caught:
        cluster.sim.run()
    head, *lines = str(caught.value).splitlines()
    assert head == "nothing is left to happen"
    child = started.pid + 2
    assert len(lines) == 3
    for pid, name, what, line in zip(
        (started.pid, other.pid, child),
        ("waits_for_a_chi", "reads_a_pipe", "waits_for_a_chi"),
        (rf"waitpid({child})", "read(3)", "read(3)"),
        lines,
        strict=True,
    ):
        assert line.startswith(f"  pid {pid} ({name}) on master waits in {what} since ")
    assert lines[1].endswith("since 3.002000 ms")
    assert isinstance(caught.value, RuntimeError)


def test_nothing_already_traced_is_lost(cluster: bp.Cluster) -> None:
    started = cluster.popen(["waits_for_a_child"])
    with pytest.raises(bp.Deadlock):
        started.wait()
    assert [record.call for record in cluster.trace.of_kind("call")] == ["execve", "fork", "pipe", "nanosleep"]
    assert str(started.pid) in cluster.trace.text()
    assert cluster.trace.digest()


def test_after_a_deadlock_the_world_goes_on(cluster: bp.Cluster) -> None:
    started = cluster.popen(["waits_for_a_child"])
    with pytest.raises(bp.Deadlock):
        cluster.sim.run()
    assert cluster.execve("/absent").failed
    started.kill()
    with pytest.raises(bp.Deadlock, match=r"read\(3\)") as caught:  # the child waits on
        cluster.sim.run()
    assert f"pid {started.pid} " not in str(caught.value)


def test_who_waits_on_another_node(cluster: bp.Cluster) -> None:
    with pytest.raises(bp.Deadlock, match=r"pid 1001 \(reads_a_pipe\) on node 2 waits in read\(3\) since 6\.4"):
        cluster.bproc_execmove(2, "/bin/reads_a_pipe")


def test_a_program_that_waits_for_the_harness_is_no_deadlock(cluster: bp.Cluster) -> None:
    """The harness holds the other end of its stdin, and may yet write."""
    import subprocess

    def cat(proc: bp.Proc) -> Any:
        data = yield from proc.read(0)
        yield from proc.write(1, data)

    started = cluster.popen(cat, stdin=subprocess.PIPE)
    cluster.sim.run()
    assert started.poll() is None
    with pytest.raises(bp.Deadlock, match=r"pid \d+ \(cat\) on master waits in read\(0\)"):
        started.wait()
    assert started.communicate(b"now") == (b"now", b"")


def test_an_until_is_no_deadlock(cluster: bp.Cluster) -> None:
    cluster.popen(["waits_for_a_child"])
    cluster.sim.run(until_ns=1 * s)
    assert cluster.sim.now_ns == 1 * s


# ---- Runaway -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "run",
    [
        lambda cluster: cluster.sim.run(),
        lambda cluster: cluster.sim.run(until_ns=10 * s),
        lambda cluster: cluster.sleep(10),
        lambda cluster: cluster.execve("/bin/sleeper"),
    ],
    ids=["run", "until", "sleep", "call"],
)
def test_a_runaway_names_who_was_at_it(run: Callable[[bp.Cluster], Any]) -> None:
    cluster = bp.Cluster(max_events=500)
    cluster.install("/bin/spins", spins)
    cluster.install("/bin/sleeper", sleeper)
    started = cluster.popen(["spins"])
    with pytest.raises(bp.Runaway) as caught:
        run(cluster)
    text = str(caught.value)
    assert text.startswith("more than max_events=500 events in one run")
    assert f"pid {started.pid} (spins) on master waits in compute(1) since " in text
    assert isinstance(caught.value, RuntimeError)
    started.kill()
    cluster.sim.run()  # and the world goes on
    assert cluster.sim.now_ns < 3 * s  # not to the end of a run or a sleep that was cut short


def test_a_runaway_that_waits_for_nothing() -> None:
    def spins(proc: bp.Proc) -> Any:
        while True:
            yield from proc.write(1, b"")

    cluster = bp.Cluster(max_events=500)
    started = cluster.popen(spins)
    with pytest.raises(bp.Runaway, match=rf"pid {started.pid} \(spins\) on master is at work"):
        cluster.sim.run()


def test_max_events_bounds_each_run_by_itself() -> None:
    cluster = bp.Cluster(max_events=50)
    cluster.install("/bin/sleeper", sleeper)
    for _ in range(20):
        assert cluster.bproc_execmove(1, "/bin/sleeper").exit_status == 0


# ---- strict --------------------------------------------------------------------------------------

BOOM = KeyError("boom")


def plain(proc: bp.Proc) -> None:
    raise BOOM


def generator(proc: bp.Proc) -> Any:
    yield from proc.write(1, b"before\n")
    raise BOOM


def in_a_child(proc: bp.Proc) -> Any:
    yield from proc.fork(generator)
    yield from proc.wait()


def in_a_thread(proc: bp.Proc) -> Any:
    yield from proc.thread_create(generator)
    yield from proc.sleep(1 * s)


@pytest.mark.parametrize("program", [plain, generator, in_a_child, in_a_thread])
@pytest.mark.parametrize("how", ["call", "remote", "popen"])
def test_strict_lets_the_exception_itself_reach_the_caller(program: Callable[..., Any], how: str) -> None:
    cluster = bp.Cluster(strict=True, trace="all")
    cluster.install("/bin/x", program)
    run: dict[str, Callable[[], Any]] = {
        "call": lambda: cluster.execve("/bin/x"),
        "remote": lambda: cluster.bproc_execmove(1, "/bin/x"),
        "popen": lambda: cluster.run(["x"]),
    }
    with pytest.raises(KeyError) as caught:
        run[how]()
    assert caught.value is BOOM
    assert caught.value.args == ("boom",)
    assert cluster.trace.of_kind("raised")[0].exception == "KeyError: 'boom'"
    assert cluster.execve("/absent").failed  # the world goes on


def test_strict_leaves_failures_alone_that_a_program_catches() -> None:
    def careful(proc: bp.Proc) -> Any:
        try:
            yield from proc.open("/absent")
        except FileNotFoundError:
            return 7

    cluster = bp.Cluster(strict=True)
    cluster.install("/bin/x", careful)
    assert cluster.execve("/bin/x").exit_status == 7
    assert cluster.execve("/absent").errno is bp.Errno.ENOENT


def test_a_forgotten_yield_from_under_strict() -> None:
    def forgets(proc: bp.Proc) -> Any:
        proc.write(1, b"never")
        yield from proc.compute(1)

    cluster = bp.Cluster(strict=True)
    cluster.install("/bin/x", forgets)
    with pytest.raises(bp.ForgottenYieldFrom, match=r"test_running.py:\d+: write\(...\) was made but never run"):
        cluster.execve("/bin/x")


# ---- strict_faults -------------------------------------------------------------------------------


def world_with(*faults: Any, strict_faults: bool = True) -> bp.Cluster:
    made = bp.Cluster(faults=faults, strict_faults=strict_faults)
    made.install("/bin/sleeper", sleeper)
    return made


def test_strict_faults_fails_a_run_in_which_a_fault_never_struck() -> None:
    late = bp.PowerOff(node=1, at_ns=60 * s)
    cluster = world_with(bp.IoError(node=0, path="/x"), late)
    cluster.popen(["sleeper"])
    with pytest.raises(AssertionError) as caught:
        cluster.sim.run()
    assert str(caught.value) == f"planned faults that never struck: {late!r}"
    assert cluster.sim.now_ns > 2 * s  # the run itself was whole


def test_a_step_that_was_never_reached_is_told_too() -> None:
    cluster = world_with(bp.PowerOff(node=1, step=bp.Step.THAW))
    cluster.bproc_execmove(2, "/bin/sleeper")
    with pytest.raises(AssertionError, match=r"step=(bp\.)?Step.THAW"):
        cluster.sim.run()
    cluster.bproc_execmove(1, "/bin/sleeper")
    cluster.sim.run()


def test_without_strict_faults_nobody_minds() -> None:
    cluster = world_with(bp.PowerOff(node=1, at_ns=60 * s), strict_faults=False)
    cluster.sim.run()


def test_a_fault_that_was_called_off_is_not_missed() -> None:
    cluster = world_with()
    with cluster.inject(bp.PowerOff(node=1, at_ns=60 * s)) as planned:
        with pytest.raises(AssertionError):
            cluster.sim.run()
        assert not planned.fired
    cluster.sim.run()


def test_a_run_until_an_instant_is_not_the_whole_of_it() -> None:
    cluster = world_with(bp.PowerOff(node=1, at_ns=60 * us))
    cluster.sim.run(until_ns=30 * us)
    cluster.sim.run(until_ns=90 * us)
    cluster.sim.run()
    assert cluster.nodes[1].state == "down"


# ---- pauses -----------------------------------------------------------------------------------------


def napper(proc: bp.Proc) -> Any:
    for _ in range(50):
        yield from proc.sleep(1 * ms)


def steps_taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let SimPy tell at which instants it took an event off its heap."""
    step, taken = NanosecondEnvironment.step, list[int]()

    def counted(env: NanosecondEnvironment) -> None:
        step(env)
        taken.append(int(env.now))

    monkeypatch.setattr(NanosecondEnvironment, "step", counted)
    return taken


def test_a_pause_needs_no_event_where_nothing_else_is_due(cluster: bp.Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster.install("/bin/napper", napper)
    taken = steps_taken(monkeypatch)
    assert cluster.execve("/bin/napper").elapsed_ns > 50 * ms
    assert len(taken) < 5


def test_a_pause_stops_at_the_end_of_a_run(cluster: bp.Cluster) -> None:
    cluster.popen(napper)
    cluster.sim.run(until_ns=cluster.sim.now_ns + 10 * ms)
    assert 9 * ms < cluster.sim.now_ns < 20 * ms
    cluster.sim.run(until_ns=cluster.sim.now_ns + 10 * ms)
    assert 19 * ms < cluster.sim.now_ns < 30 * ms


def test_an_event_for_several_programs_reaches_all_before_time_goes_on(cluster: bp.Cluster) -> None:
    """One that goes on at once into a pause does not take the clock away from the others."""
    gate, passed = cluster.sim.env.event(), list[tuple[str, int]]()

    def waiting(name: str) -> Callable[[bp.Proc], Any]:
        def program(proc: bp.Proc) -> Any:
            yield gate
            passed.append((name, cluster.sim.now_ns))
            yield from proc.sleep(1 * ms)
            passed.append((name, cluster.sim.now_ns))

        return program

    for name in "ab":
        cluster.popen(waiting(name))

    def opener() -> Any:
        yield cluster.sim.env.timeout(5 * ms)
        gate.succeed()

    cluster.sim.env.process(opener())
    cluster.sim.run()
    instants = [at_ns for _, at_ns in passed]
    assert [name for name, _ in passed] == ["a", "b", "a", "b"]
    assert instants[0] == instants[1] == instants[2] - 1 * ms == instants[3] - 1 * ms
