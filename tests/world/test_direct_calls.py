"""Direct calls: what may be given as cmd, argv and envp, who calls and from where, and how it all ends."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import attrs
import pytest

import bprocsim as bp
from bprocsim.units import ms, s
from tests.named import steady

BAD = bp.BAD_ADDRESS
ALICE = bp.Credentials(500, 600)


def show(proc: bp.Proc) -> Any:
    """Write what it was given: argv, the environment, where and who."""
    process = proc.thread.process
    yield from proc.print(list(process.argv), list(process.env), proc.node, proc.uid, proc.cwd)


def echo(proc: bp.Proc) -> Any:
    """Write what it reads."""
    while data := (yield from proc.read(0)):
        yield from proc.write(1, data)
    yield from proc.write(2, b"end\n")


def sleeper(proc: bp.Proc) -> Any:
    yield from proc.write(1, b"begins\n")
    yield from proc.sleep(10 * s)


def forever(proc: bp.Proc) -> Any:
    fd, _ = yield from proc.pipe()
    yield from proc.read(fd)


@pytest.fixture
def cluster() -> bp.Cluster:
    made = bp.Cluster(trace="all")
    for name, program in {"show": show, "echo": echo, "sleeper": sleeper, "forever": forever}.items():
        made.install(f"/bin/{name}", program, on="all,master")
    return made


Make = Callable[..., bp.Outcome]
CALLS = ["bproc_execmove", "bproc_execmove_io", "_bproc_execmove_io", "execve"]


def call(cluster: bp.Cluster, name: str, *args: Any, **options: Any) -> bp.Outcome:
    """Make one of the direct calls with the same cmd, argv and envp."""
    before = {"bproc_execmove": (2,), "execve": ()}.get(name, (2, 0))
    made: bp.Outcome = getattr(cluster, name)(*before, *args, **options)
    return made


# ---- cmd, argv, envp -----------------------------------------------------------------------------

SHOWN: list[tuple[dict[str, Any], list[bytes], list[bytes]]] = [
    ({}, [b"show"], []),
    ({"argv": ["a", "b"]}, [b"a", b"b"], []),
    ({"argv": ("a", b"b", PurePosixPath("/c"))}, [b"a", b"b", b"/c"], []),
    ({"argv": None}, [], []),
    ({"argv": []}, [], []),
    ({"argv": ()}, [], []),
    ({"argv": ["a", None, "b"]}, [b"a"], []),
    ({"argv": [None]}, [], []),
    ({"argv": ["a\0b", ""]}, [b"a", b""], []),
    ({"argv": ["caf\udce9", "é"]}, [b"caf\xe9", b"\xc3\xa9"], []),
    ({"envp": {}}, [b"show"], []),
    ({"envp": None}, [b"show"], []),
    ({"envp": []}, [b"show"], []),
    ({"envp": {"A": "1", b"B": b"2", "C": PurePosixPath("/x")}}, [b"show"], [b"A=1", b"B=2", b"C=/x"]),
    ({"envp": OrderedDict(B="2", A="1")}, [b"show"], [b"B=2", b"A=1"]),
    ({"envp": ["A=1", b"B=2", "odd"]}, [b"show"], [b"A=1", b"B=2", b"odd"]),
    ({"envp": ("A=1", None, "B=2")}, [b"show"], [b"A=1"]),
]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(("given", "argv", "env"), SHOWN, ids=[steady(row[0]) for row in SHOWN])
def test_vectors(cluster: bp.Cluster, name: str, given: dict[str, Any], argv: list[bytes], env: list[bytes]) -> None:
    out = call(cluster, name, "/bin/show", **given)
    assert out.text == f"{argv} {env} {-1 if name == 'execve' else 2} 0 /\n"


def test_an_iterator_will_do(cluster: bp.Cluster) -> None:
    out = cluster.bproc_execmove(2, "/bin/show", iter(["a", "b"]), iter(["A=1"]))
    assert out.text == "[b'a', b'b'] [b'A=1'] 2 0 /\n"


@pytest.mark.parametrize(
    "cmd",
    ["/bin/show", b"/bin/show", PurePosixPath("/bin/show"), "/bin/show\0ignored", "//bin/../bin/show", "bin/show"],
)
@pytest.mark.parametrize("name", CALLS)
def test_forms_of_cmd(cluster: bp.Cluster, name: str, cmd: Any) -> None:
    out = call(cluster, name, cmd)
    assert (out.exit_status, out.text.partition(" ")[0]) == (0, "[b'show']")


REFUSED: list[tuple[tuple[Any, ...], str, bp.Errno]] = [
    ((None,), "cmd_unreadable", bp.Errno.EFAULT),
    ((BAD,), "cmd_unreadable", bp.Errno.EFAULT),
    (("",), "cmd_empty", bp.Errno.ENOENT),
    (("\0/bin/show",), "cmd_empty", bp.Errno.ENOENT),
    (("/bin/show", BAD), "argv_unreadable", bp.Errno.EFAULT),
    (("/bin/show", ["a"], BAD), "envp_unreadable", bp.Errno.EFAULT),
    (("/bin/show", ["a", BAD]), "string_unreadable", bp.Errno.EFAULT),
    (("/bin/show", [BAD, "a"]), "string_unreadable", bp.Errno.EFAULT),
    (("/bin/show", ["a"], ["A=1", BAD]), "string_unreadable", bp.Errno.EFAULT),
    (("/absent", BAD, BAD), "cmd_absent", bp.Errno.ENOENT),
]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize(("args", "cause", "errno"), REFUSED, ids=[steady(row[0]) for row in REFUSED])
def test_pointers_to_nowhere(
    cluster: bp.Cluster, name: str, args: tuple[Any, ...], cause: str, errno: bp.Errno
) -> None:
    out = call(cluster, name, *args)
    assert (out.cause, out.errno, out.value, out.failed) == (cause, errno, -1, True)


def test_an_address_behind_the_end_of_a_vector_is_never_read(cluster: bp.Cluster) -> None:
    assert cluster.bproc_execmove(2, "/bin/show", ["a", None, BAD]).text.startswith("[b'a']")


WRONG: list[tuple[str, dict[str, Any], type[Exception]]] = [
    ("cmd", {"cmd": 5}, TypeError),
    ("cmd", {"cmd": ["/bin/show"]}, TypeError),
    ("argv", {"argv": "show"}, TypeError),
    ("argv", {"argv": b"show"}, TypeError),
    ("argv", {"argv": 5}, TypeError),
    ("argv", {"argv": [5]}, TypeError),
    ("argv", {"argv": {"a": "b"}}, TypeError),
    ("argv", {"argv": {"a"}}, TypeError),
    ("envp", {"envp": "A=1"}, TypeError),
    ("envp", {"envp": 5}, TypeError),
    ("envp", {"envp": [5]}, TypeError),
    ("envp", {"envp": {"A": 1}}, TypeError),
    ("envp", {"envp": {1: "A"}}, TypeError),
    ("envp", {"envp": {"A=1"}}, TypeError),
    ("node", {"node": "2"}, TypeError),
    ("node", {"node": None}, TypeError),
    ("node", {"node": True}, TypeError),
    ("node", {"node": 2.0}, TypeError),
    ("user", {"user": "alice"}, TypeError),
    ("user", {"user": 500}, TypeError),
    ("from_node", {"from_node": 9}, ValueError),
    ("from_node", {"from_node": -2}, ValueError),
    ("from_node", {"from_node": "2"}, TypeError),
    ("from_node", {"from_node": None}, TypeError),
    ("from_node", {"from_node": True}, TypeError),
    ("caller", {"caller": 1001}, TypeError),
    ("caller", {"caller": "idle"}, TypeError),
    ("input", {"input": "text"}, TypeError),
    ("input", {"input": None}, TypeError),
    ("cwd", {"cwd": 5}, TypeError),
    ("cwd", {"cwd": "tmp"}, ValueError),
    ("cwd", {"cwd": ""}, ValueError),
    ("cwd", {"cwd": "/absent"}, ValueError),
    ("cwd", {"cwd": "/bin/show"}, ValueError),
    ("timeout_ns", {"timeout_ns": 0}, ValueError),
    ("timeout_ns", {"timeout_ns": -5}, ValueError),
    ("timeout_ns", {"timeout_ns": 1.5}, TypeError),
    ("timeout_ns", {"timeout_ns": True}, TypeError),
    ("nodes", {"nodes": 5}, TypeError),
]


@pytest.mark.parametrize(("argument", "given", "error"), WRONG, ids=[steady(row[1]) for row in WRONG])
def test_what_is_wrong_is_named(
    cluster: bp.Cluster, argument: str, given: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        cluster.bproc_execmove(**{"node": 2, "cmd": "/bin/show", **given})
    assert type(caught.value) is error, repr(caught.value)
    assert argument in str(caught.value)
    assert (cluster.sim.now_ns, cluster.trace.records) == (0, ())


@pytest.mark.parametrize("port", ["4000", None, 4000.0, True, [4000]])
def test_a_port_that_is_none(cluster: bp.Cluster, port: Any) -> None:
    with pytest.raises(TypeError, match="port"):
        cluster.bproc_execmove_io(2, port, "/bin/show")


# ---- who calls, and from where -------------------------------------------------------------------


def test_the_user(cluster: bp.Cluster) -> None:
    alice = cluster.user("alice", 500, 600)
    for user in (alice, ALICE):
        assert cluster.bproc_execmove(2, "/bin/show", user=user).text.endswith(" 2 500 /\n")
    assert cluster.bproc_execmove(2, "/bin/show").text.endswith(" 2 0 /\n")


def test_from_a_slave(cluster: bp.Cluster) -> None:
    """Its files decide, and it is where the output comes home to."""
    cluster.master.fs.unlink("/bin/show")
    assert cluster.bproc_execmove(2, "/bin/show").errno is bp.Errno.ENOENT
    out = cluster.bproc_execmove(2, "/bin/show", from_node=1)
    assert (out.text, out.node) == ("[b'show'] [] 2 0 /\n", 2)
    out = cluster.bproc_execmove(1, "/bin/show", from_node=1)
    assert (out.cause, out.node) == ("same_node", 1)
    assert cluster.bproc_execmove(bp.BPROC_NODE_MASTER, "/bin/show", from_node=1).node == -1
    assert cluster.execve("/bin/show", from_node=3).text == "[b'show'] [] 3 0 /\n"


@pytest.mark.parametrize("how", ["power", "hang", "set"])
def test_nobody_calls_from_a_node_that_is_down(cluster: bp.Cluster, how: str) -> None:
    if how == "set":
        cluster.nodes[1].set_state("down")
    else:
        cluster.inject({"power": bp.PowerOff, "hang": bp.Hang}[how](node=1))
    for name in CALLS:
        with pytest.raises(ValueError, match="from_node: node 1 is down"):
            call(cluster, name, "/bin/show", from_node=1)


def test_the_directory(cluster: bp.Cluster) -> None:
    for fs in (cluster.master.fs, cluster.nodes[2].fs):
        fs.mkdir("/home/alice/bin", parents=True)
        fs.symlink("home/alice", "/link")
    cluster.install("/home/alice/bin/mine", show)
    for cwd in ("/home/alice", b"/home/alice/", PurePosixPath("/home/alice"), "/home//./alice/bin/..", "/link"):
        out = cluster.bproc_execmove(2, "bin/mine", cwd=cwd)
        assert out.text.endswith(" 2 0 /home/alice\n")
    assert cluster.execve("mine", cwd="/link/bin").text.endswith(" -1 0 /home/alice/bin\n")
    assert cluster.bproc_execmove(2, "bin/mine").errno is bp.Errno.ENOENT


def test_the_directory_is_the_users_to_enter(cluster: bp.Cluster) -> None:
    cluster.master.fs.mkdir("/private", mode=0o700)
    assert cluster.execve("/bin/show", cwd="/private").exit_status == 0
    with pytest.raises(ValueError, match="cwd: '/private' on master"):
        cluster.execve("/bin/show", cwd="/private", user=ALICE)
    idle = cluster.idle_process(user=ALICE)
    with pytest.raises(ValueError, match="cwd"):
        cluster.execve("/bin/show", cwd="/private", caller=idle)
    cluster.master.fs.mkdir("/only-here")
    with pytest.raises(ValueError, match="cwd: '/only-here' on node 1"):
        cluster.execve("/bin/show", cwd="/only-here", from_node=1)


# ---- caller= -------------------------------------------------------------------------------------


def test_an_idle_process_is_idle_again_after_a_failure(cluster: bp.Cluster) -> None:
    idle = cluster.idle_process(user=ALICE)
    before = cluster.sim.now_ns
    for _ in range(3):
        out = cluster.bproc_execmove(2, "/absent", caller=idle)
        assert (out.errno, out.pid, out.node) == (bp.Errno.ENOENT, idle.pid, -1)
        assert (out.exit_status, out.signal, out.returned) == (None, None, True)
        assert (idle.returncode, idle.node) == (None, -1)
    assert cluster.sim.now_ns > before
    assert cluster.execve("/absent", caller=idle).errno is bp.Errno.ENOENT


def test_an_idle_process_becomes_the_new_image(cluster: bp.Cluster) -> None:
    idle = cluster.idle_process(user=ALICE)
    out = cluster.bproc_execmove(2, "/bin/show", caller=idle)
    assert (out.pid, out.node, out.exit_status) == (idle.pid, 2, 0)
    assert out.text.endswith(" 2 500 /\n")
    assert (idle.returncode, idle.node) == (0, 2)
    with pytest.raises(ValueError, match=f"caller: process {idle.pid} is not idle: it has ended"):
        cluster.bproc_execmove(2, "/bin/show", caller=idle)


def test_an_idle_process_on_a_slave(cluster: bp.Cluster) -> None:
    idle = cluster.idle_process(node=1)
    assert idle.node == 1
    assert cluster.bproc_execmove(1, "/bin/show", caller=idle).cause == "same_node"
    idle = cluster.idle_process(node=1)
    assert cluster.bproc_execmove(2, "/bin/show", caller=idle, from_node=1).node == 2


def test_each_call_of_an_idle_process_has_its_own_input_and_directory(cluster: bp.Cluster) -> None:
    idle = cluster.idle_process()
    assert cluster.execve("absent", cwd="/tmp", caller=idle, input=b"lost").errno is bp.Errno.ENOENT
    assert idle.process.cwd_path == b"/"
    out = cluster.execve("echo", cwd="/bin", caller=idle, input=b"found")
    assert (out.stdout, out.stderr) == (b"found", b"end\n")


def test_what_an_idle_process_told_of_before_is_not_told_again(cluster: bp.Cluster) -> None:
    """An edition in which a late failure returns: the same process makes two calls that do something."""
    literal = attrs.evolve(bp.editions["scyld"], late_failure="return")
    made = bp.Cluster(edition=literal)
    made.install("/bin/show", show)
    idle = made.idle_process()
    out = made.bproc_execmove(9, "/bin/show", caller=idle)
    assert (out.value, out.errno, out.cause, out.failed, out.returned) == (
        -1,
        bp.Errno.EINVAL,
        "node_unknown",
        True,
        True,
    )
    out = made.bproc_execmove(1, "/bin/show", caller=idle)
    assert out.text == "[b'show'] [] 1 0 /\n"


def test_who_cannot_be_the_caller(cluster: bp.Cluster) -> None:
    idle = cluster.idle_process(node=1)
    with pytest.raises(ValueError, match=r"user: .* by `caller`"):
        cluster.bproc_execmove(2, "/bin/show", caller=idle, user=ALICE)
    with pytest.raises(ValueError, match=r"from_node: .* by `caller`, who is on node 1"):
        cluster.bproc_execmove(2, "/bin/show", caller=idle, from_node=2)
    with pytest.raises(ValueError, match=r"caller: .* belongs to another system"):
        cluster.bproc_execmove(2, "/bin/show", caller=bp.Cluster().idle_process())
    busy = cluster.popen(["sleeper"])
    with pytest.raises(ValueError, match=r"caller: .* is not idle"):
        cluster.bproc_execmove(2, "/bin/show", caller=busy)
    cluster.inject(bp.PowerOff(node=1, at_ns=5))
    cluster.sleep(1)
    with pytest.raises(ValueError, match=r"caller: .* is on node 1, which is down"):
        cluster.bproc_execmove(2, "/bin/show", caller=idle)
    cluster.sleep(100)
    assert idle.returncode is None  # the harness's own is never struck
    other = cluster.idle_process(node=3)
    cluster.nodes[3].set_state("down")
    with pytest.raises(ValueError, match=r"caller: .* is on node 3, which is down"):
        cluster.bproc_execmove(2, "/bin/show", caller=other)


def test_a_process_that_is_in_a_call_is_not_idle(cluster: bp.Cluster) -> None:
    idle = cluster.idle_process()
    with pytest.raises(bp.Timeout):
        cluster.execve("/bin/sleeper", caller=idle, timeout_ns=1 * s)
    with pytest.raises(ValueError, match=r"caller: .* is not idle"):
        cluster.execve("/bin/show", caller=idle)


# ---- input, ports, listening ---------------------------------------------------------------------


def test_input_and_output_by_connections(cluster: bp.Cluster) -> None:
    data = bytes(range(256)) * 300
    out = cluster.bproc_execmove_io(2, 4000, "/bin/echo", input=data)
    assert (out.stdout, out.stderr, out.exit_status) == (data, b"end\n", 0)
    out = cluster._bproc_execmove_io(2, 4000, "/bin/echo", input=b"x")
    assert (out.stdout, out.stderr) == (b"x", b"end\n")
    assert cluster.bproc_execmove_io(2, 4000 + 65536, "/bin/echo", input=b"y").stdout == b"y"
    assert cluster.bproc_execmove_io(2, -61536, "/bin/echo", input=b"z").stdout == b"z"
    assert cluster.master.sockets.listeners == {}


def test_input_and_output_with_port_0(cluster: bp.Cluster) -> None:
    out = cluster.bproc_execmove(2, "/bin/echo", input=b"never read")
    assert (out.stdout, out.stderr) == (b"end\n", b"")
    out = cluster.bproc_execmove_io(2, 0, "/bin/echo")
    assert (out.stdout, out.stderr) == (b"end\n", b"")
    out = cluster.execve("/bin/echo", input=b"read")
    assert (out.stdout, out.stderr) == (b"read", b"end\n")


def test_nobody_listens_unless_the_harness_does(cluster: bp.Cluster) -> None:
    out = cluster.bproc_execmove_io(2, 4000, "/bin/show", listen=False)
    assert (out.cause, out.exit_status, out.late_errno) == ("connect_refused", 111, bp.Errno.ECONNREFUSED)
    assert cluster.bproc_execmove_io(2, 65536, "/bin/show").cause == "connect_refused"


def test_the_harness_listens_on_the_callers_node(cluster: bp.Cluster) -> None:
    out = cluster.bproc_execmove_io(2, 4000, "/bin/echo", input=b"x", from_node=1)
    assert (out.stdout, out.stderr) == (b"x", b"end\n")


def test_a_port_that_somebody_has(cluster: bp.Cluster) -> None:
    def server(proc: bp.Proc) -> Any:
        fd = yield from proc.socket()
        yield from proc.bind(fd, bp.Address("", 4000))
        yield from proc.listen(fd)
        for _ in range(3):
            yield from proc.accept(fd)

    served = cluster.popen(server)
    cluster.sleep(1)
    with pytest.raises(ValueError, match="port: somebody listens on port 4000 of master"):
        cluster.bproc_execmove_io(2, 4000, "/bin/show")
    out = cluster.bproc_execmove_io(2, 4000, "/bin/show", listen=False)
    assert (out.exit_status, out.text) == (0, "")
    assert served.wait() == 0


def test_after_a_timeout_the_port_is_free_again(cluster: bp.Cluster) -> None:
    with pytest.raises(bp.Timeout):
        cluster.bproc_execmove_io(2, 4000, "/bin/sleeper", timeout_ns=1 * s)
    assert cluster.bproc_execmove_io(2, 4000, "/bin/echo", input=b"x").stdout == b"x"


# ---- from the outside only -----------------------------------------------------------------------

INSIDE: list[tuple[str, Callable[[bp.Cluster], Any], str]] = [
    ("bproc_execmove", lambda c: c.bproc_execmove(1, "/bin/show"), "proc.bproc_execmove(...)"),
    ("bproc_execmove_io", lambda c: c.bproc_execmove_io(1, 5, "/bin/show"), "proc.bproc_execmove_io(...)"),
    ("execve", lambda c: c.execve("/bin/show"), "proc.execve(...)"),
    ("run", lambda c: c.run(["show"]), "proc.fork(...)` and, in the child, `yield from proc.execvp(...)"),
    ("popen", lambda c: c.popen(["show"]), "proc.fork(...)"),
    ("idle_process", lambda c: c.idle_process(), "proc.fork(...)"),
    ("sleep", lambda c: c.sleep(1), "proc.sleep(...)"),
    ("sim.run", lambda c: c.sim.run(), "proc.sleep(...)"),
]


@pytest.mark.parametrize(("name", "made", "instead"), INSIDE, ids=[row[0] for row in INSIDE])
def test_calls_are_made_from_outside_the_world(
    cluster: bp.Cluster, name: str, made: Callable[[bp.Cluster], Any], instead: str
) -> None:
    def program(proc: bp.Proc) -> None:
        made(cluster)

    cluster.install("/bin/program", program)
    out = cluster.execve("/bin/program")
    assert isinstance(out.exception, RuntimeError)
    assert str(out.exception).startswith(f"{name} was called from within a program; there write `yield from {instead}")
    assert cluster.execve("/bin/show").exit_status == 0  # outside again


def test_methods_of_a_popen_too(cluster: bp.Cluster) -> None:
    started = cluster.popen(["sleeper"])

    def program(proc: bp.Proc, method: str) -> None:
        getattr(started, method)()

    for method, instead in {"wait": "waitpid", "communicate": "waitpid", "kill": "kill"}.items():
        cluster.install("/bin/program", lambda proc, method=method: program(proc, method))
        out = cluster.execve("/bin/program")
        assert isinstance(out.exception, RuntimeError)
        assert f"`yield from proc.{instead}(...)`" in str(out.exception)
    assert started.wait() == 0


# ---- time ----------------------------------------------------------------------------------------


def test_the_timeout_bounds_a_call(cluster: bp.Cluster) -> None:
    with pytest.raises(bp.Timeout) as caught:
        cluster.bproc_execmove(2, "/bin/sleeper", timeout_ns=1 * s)
    text = str(caught.value)
    assert isinstance(caught.value, TimeoutError)
    assert text.startswith("bproc_execmove by pid 1001 did not end within 1000000000 ns")
    assert "pid 1001 (sleeper) on node 2 waits in sleep(10000000000) since 3.4" in text
    assert cluster.sim.now_ns == 1 * s
    assert cluster.trace.of_kind("write")[0].data == b"begins\n"  # nothing already traced is lost
    cluster.sim.run()
    assert cluster.sim.now_ns > 10 * s


@pytest.mark.parametrize("timeout_ns", [1, 500 * 1000])
def test_a_timeout_in_the_middle_of_a_step(cluster: bp.Cluster, timeout_ns: int) -> None:
    with pytest.raises(bp.Timeout, match=r"pid 1001 .* on master is at work"):
        cluster.bproc_execmove(2, "/bin/show", timeout_ns=timeout_ns)
    assert cluster.sim.now_ns == timeout_ns


def test_a_refusal_has_its_time_too(cluster: bp.Cluster) -> None:
    with pytest.raises(bp.Timeout):
        cluster.bproc_execmove(2, "/absent", timeout_ns=1)
    out = cluster.bproc_execmove(2, "/absent", timeout_ns=1 * ms)
    assert (out.errno, out.elapsed_ns) == (bp.Errno.ENOENT, cluster.costs.syscall_ns)
    assert cluster.bproc_execmove(2, "/absent").elapsed_ns == cluster.costs.syscall_ns


def test_a_timeout_that_is_long_enough_changes_nothing(cluster: bp.Cluster) -> None:
    assert cluster.bproc_execmove(2, "/bin/show", timeout_ns=60 * s).exit_status == 0
    assert cluster.sim.now_ns < 1 * s


def test_what_is_due_comes_first(cluster: bp.Cluster) -> None:
    """A fault of this very instant is in force before a call that is made now."""
    cluster.inject(bp.IoError(node=-1, path="/bin/show", at_ns=5 * ms))
    cluster.sim.run(until_ns=5 * ms - 1)
    assert cluster.execve("/bin/show").exit_status == 0
    made = bp.Cluster(faults=[bp.IoError(node=-1, path="/bin/show", at_ns=5 * ms)])
    made.install("/bin/show", show)
    made.sim.run(until_ns=5 * ms)
    assert made.execve("/bin/show").errno is bp.Errno.EIO


def test_a_call_lasts_until_all_that_it_started_has_ended(cluster: bp.Cluster) -> None:
    def child(proc: bp.Proc) -> Any:
        yield from proc.sleep(3 * s)
        yield from proc.write(1, b"child\n")

    def parent(proc: bp.Proc) -> Any:
        yield from proc.fork(child)
        yield from proc.write(1, b"parent\n")

    cluster.install("/bin/parent", parent)
    for out in (cluster.bproc_execmove(2, "/bin/parent"), cluster.execve("/bin/parent")):
        assert out.stdout == b"parent\nchild\n"
    assert cluster.sim.now_ns > 6 * s
    assert cluster.master.processes == cluster.nodes[2].processes == {}


def test_a_call_that_can_never_end(cluster: bp.Cluster) -> None:
    with pytest.raises(bp.Deadlock) as caught:
        cluster.bproc_execmove(2, "/bin/forever")
    lines = str(caught.value).splitlines()
    assert lines[0] == "bproc_execmove by pid 1001 can never end: nothing is left to happen"
    assert lines[1].startswith("  pid 1001 (forever) on node 2 waits in read(3) since 3.4")
    assert lines[1].endswith(" ms")
    assert cluster.trace.of_kind("start")
