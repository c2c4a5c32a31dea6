"""cluster.run and cluster.popen: the clock, the files, the options, and launchers written for subprocess."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import MiB, ms, s
from tests.named import steady

ALICE = bp.Credentials(500, 600)


def hello(proc: bp.Proc) -> Any:
    yield from proc.print("hello", *proc.argv[1:])
    yield from proc.print("oops", fd=2)
    return 3


def ticks(proc: bp.Proc) -> Any:
    """Write a line each second, three of them."""
    for number in range(3):
        yield from proc.print("tick", number)
        yield from proc.sleep(1 * s)


def cat(proc: bp.Proc) -> Any:
    while data := (yield from proc.read(0)):
        yield from proc.write(1, data)


def context(proc: bp.Proc) -> Any:
    yield from proc.print(proc.cwd, proc.uid, proc.gid, sorted(proc.env.items()), proc.ppid)


def forever(proc: bp.Proc) -> Any:
    yield from proc.print("begins")
    yield from proc.pause()


@pytest.fixture
def cluster() -> bp.Cluster:
    made = bp.Cluster(trace="all")
    for program in (hello, ticks, cat, context, forever):
        made.install(f"/usr/bin/{program.__name__}", program)
    return made


# ---- run -----------------------------------------------------------------------------------------


def test_run_gives_what_subprocess_gives(cluster: bp.Cluster) -> None:
    done = cluster.run(["hello", "world"])
    assert isinstance(done, subprocess.CompletedProcess)
    assert (done.args, done.returncode) == (["hello", "world"], 3)
    assert (done.stdout, done.stderr) == (b"hello world\n", b"oops\n")  # captured unless asked otherwise


@pytest.mark.parametrize(
    ("options", "out", "err"),
    [
        ({}, b"hello\n", b"oops\n"),
        ({"capture_output": True}, b"hello\n", b"oops\n"),
        ({"capture_output": False}, None, None),
        ({"capture_output": False, "stdout": subprocess.PIPE}, b"hello\n", None),
        ({"stdout": subprocess.PIPE}, b"hello\n", b"oops\n"),
        ({"stdout": subprocess.DEVNULL}, None, b"oops\n"),
        ({"stderr": subprocess.DEVNULL}, b"hello\n", None),
        ({"stderr": subprocess.STDOUT}, b"hello\noops\n", None),
        ({"stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT}, None, None),
        ({"text": True}, "hello\n", "oops\n"),
        ({"universal_newlines": True}, "hello\n", "oops\n"),
        ({"encoding": "utf-16-le", "errors": "replace"}, "敨汬੯", None),
        ({"errors": "strict"}, "hello\n", "oops\n"),
    ],
    ids=str,
)
def test_what_is_captured(cluster: bp.Cluster, options: Any, out: Any, err: Any) -> None:
    done = cluster.run(["hello"], **options)
    assert done.stdout == out
    if "encoding" not in options:
        assert done.stderr == err


def test_the_clock_moves_while_it_runs(cluster: bp.Cluster) -> None:
    cluster.run(["ticks"])
    assert 3 * s < cluster.sim.now_ns < 3.1 * s


def test_input(cluster: bp.Cluster) -> None:
    assert cluster.run(["cat"], input=b"x\xffy").stdout == b"x\xffy"
    assert cluster.run(["cat"], input="é", text=True).stdout == "é"
    assert cluster.run(["cat"], input=b"").stdout == b""
    assert cluster.run(["cat"]).stdout == b""  # nothing to read, at once
    assert cluster.run(["cat"], stdin=subprocess.DEVNULL).stdout == b""
    data = bytes(range(256)) * 1024
    assert cluster.run(["cat"], input=data).stdout == data


def test_the_context(cluster: bp.Cluster) -> None:
    assert cluster.run(["context"], text=True).stdout == "/ 0 0 [('PATH', '/usr/bin:/bin')] 1\n"
    cluster.master.fs.mkdir("/home/alice", uid=500, parents=True)
    for cwd in ("/home/alice", b"/home/alice", PurePosixPath("/home/alice"), "home/alice/../alice"):
        done = cluster.run(["/usr/bin/context"], cwd=cwd, env={"A": "1"}, user=ALICE, text=True)
        assert done.stdout == "/home/alice 500 600 [('A', '1')] 1\n"
    assert cluster.run(["context"], env={}, text=True).stdout == "/ 0 0 [] 1\n"


def test_the_environments_path_is_searched(cluster: bp.Cluster) -> None:
    cluster.install("/opt/bin/tool", hello)
    assert cluster.run(["tool"], env={"PATH": "/none:/opt/bin"}).returncode == 3
    assert cluster.run(["tool"], env={"PATH": ""}, cwd="/opt/bin").returncode == 3
    with pytest.raises(FileNotFoundError):
        cluster.run(["tool"])


def test_one_word_and_a_shell(cluster: bp.Cluster) -> None:
    assert cluster.run("hello").returncode == 3
    assert cluster.run(b"hello").returncode == 3
    assert cluster.run(PurePosixPath("/usr/bin/hello")).returncode == 3
    assert cluster.run([PurePosixPath("/usr/bin/hello"), "x", b"y"]).stdout == b"hello x y\n"
    assert cluster.run(("hello", "x")).args == ("hello", "x")
    assert cluster.run("hello a; hello b; exit 4", shell=True).stdout == b"hello a\nhello b\n"
    assert cluster.run(["exit 4", "zero"], shell=True).returncode == 4
    with pytest.raises(FileNotFoundError):
        cluster.run("hello world")


def test_a_function_or_a_program(cluster: bp.Cluster) -> None:
    done = cluster.run(hello, text=True)
    assert (done.args, done.returncode, done.stdout) == (hello, 3, "hello\n")
    assert cluster.run(bp.program(context), cwd="/tmp", text=True).stdout.startswith("/tmp 0 0 ")
    assert cluster.run(lambda proc: (yield from proc.print(proc.argv)), text=True).stdout == "['<lambda>']\n"


def test_check(cluster: bp.Cluster) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        cluster.run(["hello"], check=True)
    error = caught.value
    assert (error.returncode, error.cmd, error.output, error.stderr) == (3, ["hello"], b"hello\n", b"oops\n")
    assert cluster.run(["cat"], check=True).returncode == 0


def test_a_signal_is_a_negative_returncode(cluster: bp.Cluster) -> None:
    assert cluster.run(lambda proc: (yield from proc.kill(proc.pid, bp.SIGTERM))).returncode == -15


def test_a_timeout_is_in_simulated_seconds(cluster: bp.Cluster) -> None:
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        cluster.run(["ticks"], timeout=1.5)
    assert (caught.value.cmd, caught.value.timeout) == (["ticks"], 1.5)
    assert (caught.value.output, caught.value.stderr) == (b"tick 0\ntick 1\n", None)
    assert 1.5 * s <= cluster.sim.now_ns < 1.6 * s
    assert cluster.master.processes == {}  # it was killed
    assert cluster.run(["ticks"], timeout=5).returncode == 0


def test_what_cannot_be_executed(cluster: bp.Cluster) -> None:
    cluster.install("/usr/bin/private", hello, mode=0o644)
    for args, kind, errno in (
        (["absent"], FileNotFoundError, bp.Errno.ENOENT),
        (["/absent"], FileNotFoundError, bp.Errno.ENOENT),
        (["private"], PermissionError, bp.Errno.EACCES),
        (["/bin"], PermissionError, bp.Errno.EACCES),
        (["/bin/sh/x"], NotADirectoryError, bp.Errno.ENOTDIR),
        (["x" * 300], OSError, bp.Errno.ENAMETOOLONG),
    ):
        with pytest.raises(kind) as caught:
            cluster.run(args)
        assert isinstance(caught.value, bp.CallError)
        assert (caught.value.error, caught.value.filename, caught.value.strerror) == (errno, args[0], errno.message)
        assert str(caught.value).endswith(f"{errno.message}: {args[0]!r}")
    assert cluster.master.processes == {}


def test_a_launchers_mistake_is_one_record_of_the_trace() -> None:
    cluster = bp.Cluster()
    cluster.install("/bin/hello", hello)
    cluster.run(["hello"])
    assert len(cluster.trace) == 0  # that it is not in /usr/bin is no error
    with pytest.raises(FileNotFoundError):
        cluster.run(["absent"])
    assert [record.cause for record in cluster.trace.records] == ["cmd_absent"]


# ---- options -------------------------------------------------------------------------------------

MEANINGLESS = [
    "bufsize", "executable", "preexec_fn", "close_fds", "startupinfo", "creationflags", "restore_signals", "pass_fds",
    "group", "extra_groups", "umask", "pipesize", "process_group",
]  # fmt: skip


@pytest.mark.parametrize("option", MEANINGLESS)
def test_an_option_without_a_meaning_is_refused_by_name(cluster: bp.Cluster, option: str) -> None:
    given: dict[str, Any] = {option: 7}
    for call in (cluster.run, cluster.popen):
        with pytest.raises(ValueError, match=f"^{option}: has no meaning for a simulated process"):
            call(["hello"], **given)


def test_but_subprocess_own_default_says_nothing(cluster: bp.Cluster) -> None:
    import inspect

    theirs = inspect.signature(subprocess.Popen).parameters
    given: dict[str, Any] = {option: theirs[option].default for option in MEANINGLESS}
    assert cluster.run(["hello"], **given).returncode == 3


def test_what_nobody_asked_to_capture_is_not_broken_off(cluster: bp.Cluster) -> None:
    def writes(proc: bp.Proc) -> Any:
        yield from proc.print("x")

    with cluster.popen(writes) as process:
        pass
    assert process.returncode == 0


def test_every_option_of_subprocess_is_known() -> None:
    import inspect

    theirs = set(inspect.signature(subprocess.Popen).parameters) - {"args"}
    ours = {
        "stdin", "stdout", "stderr", "shell", "cwd", "env", "text", "universal_newlines", "encoding", "errors", "user",
        "start_new_session",
    }  # fmt: skip
    assert theirs == ours | set(MEANINGLESS)


WRONG: list[tuple[str, dict[str, Any], type[Exception]]] = [
    ("timout", {"timout": 1}, TypeError),
    ("stdin", {"stdin": "x"}, ValueError),
    ("stdin", {"stdin": subprocess.STDOUT}, ValueError),
    ("stdout", {"stdout": subprocess.STDOUT}, ValueError),
    ("stdout", {"stdout": 1}, ValueError),
    ("stdout", {"stdout": io.BytesIO}, ValueError),
    ("stderr", {"stderr": True}, ValueError),
    ("capture_output", {"capture_output": True, "stdout": subprocess.PIPE}, ValueError),
    ("capture_output", {"capture_output": True, "stderr": subprocess.PIPE}, ValueError),
    ("input", {"input": b"x", "stdin": subprocess.PIPE}, ValueError),
    ("str", {"input": "x"}, TypeError),
    ("cwd", {"cwd": 5}, TypeError),
    ("env", {"env": ["A=1"]}, TypeError),
    ("env", {"env": {"A": 1}}, TypeError),
    ("env", {"env": {"A=B": "1"}}, ValueError),
    ("user", {"user": "alice"}, TypeError),
    ("text", {"text": True, "universal_newlines": False}, subprocess.SubprocessError),
    ("args", {"args": []}, ValueError),
    ("args", {"args": 5}, TypeError),
    ("args", {"args": {"hello": 1}}, TypeError),
    ("args", {"args": ["hello", 5]}, TypeError),
    ("args", {"args": ["hello", None]}, TypeError),
    ("args", {"args": ["hel\0lo"]}, ValueError),
    ("args", {"args": [b"hello", b"\0"]}, ValueError),
    ("unknown encoding", {"encoding": "klingon"}, LookupError),
]


@pytest.mark.parametrize(("said", "given", "error"), WRONG, ids=[steady(row[1]) for row in WRONG])
def test_what_is_wrong_is_named(cluster: bp.Cluster, said: str, given: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error, match=said):
        cluster.run(**{"args": ["hello"], **given})
    assert cluster.run(["hello"]).returncode == 3


# A directory that nobody can start in, and the row that says why.
NO_DIRECTORY = {
    "": "path_empty",
    "/" + "x/" * 2048: "path_too_long",
    "/private/below": "search_denied",
    "/" + "x" * 256: "component_too_long",
    "/absent": "directory_absent",
    "/bin/sh/below": "not_a_directory",
    "/loop": "too_many_links",
    "/bad/below": "path_io_error",
    "/bin/sh": "is_no_directory",
    "/private": "entry_denied",
}


@pytest.mark.parametrize(("cwd", "cause"), NO_DIRECTORY.items(), ids=NO_DIRECTORY.values())
def test_a_directory_that_cannot_be_entered(cluster: bp.Cluster, cwd: str, cause: str) -> None:
    files = cluster.master.fs
    files.mkdir("/private", mode=0o700)
    files.mkdir("/bad")
    files.symlink("loop", "/loop")
    cluster.inject(bp.IoError(bp.BPROC_NODE_MASTER, "/bad"))
    with pytest.raises(OSError) as caught:
        cluster.run(["hello"], cwd=cwd, user=ALICE)
    assert isinstance(caught.value, bp.CallError)
    assert (caught.value.call, caught.value.cause, caught.value.filename) == ("chdir", cause, cwd)
    assert isinstance(caught.value, USUAL.get(cause, OSError))
    assert cluster.master.processes == {}


# What Python itself raises, of whose classes a program's `except` may speak.
USUAL = {
    "path_empty": FileNotFoundError,
    "search_denied": PermissionError,
    "directory_absent": FileNotFoundError,
    "not_a_directory": NotADirectoryError,
    "is_no_directory": NotADirectoryError,
    "entry_denied": PermissionError,
}


# ---- popen ---------------------------------------------------------------------------------------


def test_poll_only_looks(cluster: bp.Cluster) -> None:
    started = cluster.popen(["ticks"])
    now_ns = cluster.sim.now_ns
    for _ in range(3):
        assert (started.poll(), started.returncode, cluster.sim.now_ns) == (None, None, now_ns)
    assert started.wait() == started.poll() == started.returncode == 0
    assert cluster.sim.now_ns > now_ns + 3 * s
    assert started.wait() == 0


def test_returncode_is_what_somebody_has_seen(cluster: bp.Cluster) -> None:
    started = cluster.popen(["hello"])
    cluster.sleep(1)
    assert started.returncode is None
    assert repr(started) == "<Popen: returncode: None args: ['hello']>"
    assert started.returncode is None
    assert (started.poll(), repr(started)) == (3, "<Popen: returncode: 3 args: ['hello']>")
    assert getattr(started, "returncode") == 3  # noqa: B009
    assert len(repr(cluster.popen(["hello", "x" * 100]))) == 80


def test_waiting_no_longer_than(cluster: bp.Cluster) -> None:
    started = cluster.popen(["ticks"])
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        started.wait(timeout=1)
    assert (caught.value.cmd, caught.value.timeout, caught.value.output) == (["ticks"], 1, None)
    with pytest.raises(subprocess.TimeoutExpired):
        started.wait(0)
    assert started.wait(timeout=10) == 0


def test_communicate(cluster: bp.Cluster) -> None:
    started = cluster.popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert started.communicate(b"data") == (b"data", b"")
    assert started.returncode == 0
    assert started.communicate() == (b"data", b"")
    assert (started.stdin.closed, started.stdout.closed) == (True, True)


def test_communicate_goes_on_after_a_timeout(cluster: bp.Cluster) -> None:
    started = cluster.popen(["ticks"], stdin=subprocess.PIPE, text=True)
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        started.communicate("x", timeout=0.5)
    assert caught.value.output == b"tick 0\n"
    with pytest.raises(ValueError, match="input"):
        started.communicate("more")
    assert started.communicate() == ("tick 0\ntick 1\ntick 2\n", "")


def test_communicate_gives_what_was_not_read(cluster: bp.Cluster) -> None:
    started = cluster.popen(["ticks"])
    assert started.stdout.readline() == b"tick 0\n"
    assert started.communicate()[0] == b"tick 1\ntick 2\n"


def test_input_needs_a_pipe(cluster: bp.Cluster) -> None:
    with pytest.raises(ValueError, match="input: stdin is not a pipe"):
        cluster.popen(["cat"]).communicate(b"x")
    assert cluster.popen(["cat"]).stdin is None


def test_reading_moves_the_clock(cluster: bp.Cluster) -> None:
    started = cluster.popen(["ticks"], text=True)
    began_ns = cluster.sim.now_ns
    lines = []
    for line in started.stdout:
        lines.append((line, (cluster.sim.now_ns - began_ns) // s))
    assert lines == [("tick 0\n", 0), ("tick 1\n", 1), ("tick 2\n", 2)]
    assert started.poll() == 0  # the end of file came with its end
    assert started.stdout.read() == ""


def test_files_are_pythons_own(cluster: bp.Cluster) -> None:
    binary = cluster.popen(["ticks"])
    assert isinstance(binary.stdout, io.BufferedReader)
    assert (binary.stdout.read(3), binary.stdout.readline()) == (b"tic", b"k 0\n")
    assert binary.stdout.readlines() == [b"tick 1\n", b"tick 2\n"]
    text = cluster.popen(["ticks"], encoding="ascii")
    assert isinstance(text.stdout, io.TextIOWrapper)
    assert (text.stdout.encoding, text.text_mode, text.universal_newlines) == ("ascii", True, True)
    assert (text.stdout.read(8), next(text.stdout)) == ("tick 0\nt", "ick 1\n")
    with pytest.raises(io.UnsupportedOperation):
        text.stdout.fileno()
    with pytest.raises(io.UnsupportedOperation):
        text.stdout.write("x")


def test_line_ends(cluster: bp.Cluster) -> None:
    done = cluster.run(["cat"], input="a\nb\r\nc\rd", text=True)
    assert done.stdout == "a\nb\nc\nd"
    assert cluster.run(["cat"], input=b"a\r\nb").stdout == b"a\r\nb"


def test_a_conversation(cluster: bp.Cluster) -> None:
    def shouts(proc: bp.Proc) -> Any:
        while line := (yield from proc.read(0)):
            yield from proc.write(1, line.upper())

    with cluster.popen(shouts, stdin=subprocess.PIPE, text=True) as started:
        for word in ("hello\n", "world\n"):
            started.stdin.write(word)
            started.stdin.flush()
            assert started.stdout.readline() == word.upper()
        assert started.poll() is None
    assert started.returncode == 0


def test_writing_to_one_that_has_ended(cluster: bp.Cluster) -> None:
    started = cluster.popen(["hello"], stdin=subprocess.PIPE)
    started.wait()
    with pytest.raises(BrokenPipeError):
        started.stdin.write(b"x")
    assert started.communicate(b"x") == (b"hello\n", b"oops\n")  # there nobody minds
    with pytest.raises(ValueError, match="closed"):
        started.stdin.write(b"x")


def test_closing_what_it_writes_to(cluster: bp.Cluster) -> None:
    started = cluster.popen(["ticks"])
    started.stdout.readline()
    started.stdout.close()
    assert started.wait() == -bp.SIGPIPE
    with pytest.raises(ValueError, match="closed"):
        started.stdout.read()


def test_a_popen_that_nobody_holds_goes_on(cluster: bp.Cluster) -> None:
    import gc

    pid = cluster.popen(["ticks"], text=True, stdin=subprocess.PIPE).pid
    gc.collect()
    cluster.sim.run()
    writes = [record.data for record in cluster.trace.of_kind("write") if record.pid == pid]
    assert writes == [b"tick 0\n", b"tick 1\n", b"tick 2\n"]
    assert [record.status for record in cluster.trace.of_kind("exit")] == [0]


def test_signals(cluster: bp.Cluster) -> None:
    ways: list[tuple[Callable[[Any], None], int]] = [
        (lambda started: started.terminate(), 15),
        (lambda started: started.kill(), 9),
        (lambda started: started.send_signal(2), 2),
        (lambda started: started.send_signal(bp.SIGHUP), 1),
    ]
    for send, signum in ways:
        started = cluster.popen(["forever"])
        cluster.sleep(0.1)
        send(started)
        assert started.wait() == -signum
        send(started)  # it has ended: nobody minds
        assert started.communicate() == (b"begins\n", b"")


def test_a_signal_that_is_none(cluster: bp.Cluster) -> None:
    started = cluster.popen(["forever"])
    started.send_signal(0)
    cluster.sleep(1)
    assert started.poll() is None
    for wrong, error in ((-1, ValueError), (65, ValueError), ("9", TypeError), (None, TypeError), (True, TypeError)):
        with pytest.raises(error, match="sig"):
            started.send_signal(wrong)  # type: ignore[arg-type]


def test_a_signal_follows_a_process_to_its_node(cluster: bp.Cluster) -> None:
    cluster.install(
        "/usr/bin/away", bp.program(lambda proc: (yield from proc.bproc_execmove(2, "/usr/bin/forever", ["f"], {})))
    )
    started = cluster.popen(["away"])
    assert started.stdout.readline() == b"begins\n"
    assert started.node == 2
    started.terminate()
    assert started.wait() == -15


def test_the_end_of_output_is_that_of_the_last_who_holds_it(cluster: bp.Cluster) -> None:
    def child(proc: bp.Proc) -> Any:
        yield from proc.sleep(2 * s)
        yield from proc.print("child")

    def parent(proc: bp.Proc) -> Any:
        yield from proc.fork(child)
        yield from proc.print("parent")

    started = cluster.popen(parent)
    assert started.wait() == 0
    assert cluster.sim.now_ns < 1 * s
    assert started.communicate()[0] == b"parent\nchild\n"
    assert cluster.sim.now_ns > 2 * s


def test_many_at_once(cluster: bp.Cluster) -> None:
    started = [cluster.popen(["ticks"]) for _ in range(5)]
    began_ns = cluster.sim.now_ns
    assert [each.wait() for each in started] == [0] * 5
    assert cluster.sim.now_ns - began_ns < 3.1 * s


def test_sessions_and_groups(cluster: bp.Cluster) -> None:
    def leads(proc: bp.Proc) -> Any:
        try:
            yield from proc.setsid()
        except PermissionError:
            return 1
        return 0

    assert cluster.run(leads).returncode == 0
    assert cluster.run(leads, start_new_session=True).returncode == 1  # it leads one already


def test_a_megabyte(cluster: bp.Cluster) -> None:
    def writes(proc: bp.Proc) -> Any:
        for _ in range(16):
            yield from proc.write(1, bytes(65536))

    assert len(cluster.run(writes).stdout) == MiB


def test_what_never_ends(cluster: bp.Cluster) -> None:
    for wait in (
        lambda: cluster.run(["forever"]),
        lambda: cluster.popen(["forever"]).wait(),
        lambda: cluster.popen(["forever"]).stdout.read(),
    ):
        with pytest.raises(bp.Deadlock, match=r"<Popen: returncode: None args: \['forever'\]> can never end"):
            wait()


# ---- launchers -----------------------------------------------------------------------------------


def launch(nodes: list[int], program: str) -> dict[int, str]:
    """Run a program on nodes, as a launcher does that was written for subprocess."""
    answers = {}
    for node in nodes:
        try:
            done = subprocess.run(["on", str(node), program], capture_output=True, text=True, check=True, timeout=10)
            answers[node] = done.stdout.strip()
        except subprocess.CalledProcessError as error:
            answers[node] = f"exit {error.returncode}"
        except subprocess.TimeoutExpired as error:
            answers[node] = f"more than {error.timeout} s"
        except FileNotFoundError as error:
            answers[node] = f"no {error.filename}"
    return answers


def test_a_launcher_runs_unchanged(cluster: bp.Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    def on(proc: bp.BprocProc) -> Any:
        node, program = int(proc.argv[1]), proc.argv[2]
        if node == 3:
            yield from proc.sleep(60 * s)
        yield from proc.bproc_execmove(node, f"/usr/bin/{program}", [program], proc.env)

    cluster.install("/usr/bin/where", lambda proc: (yield from proc.print("on", proc.node)) and None)
    monkeypatch.setattr(subprocess, "run", cluster.run)
    assert launch([0], "where") == {0: "no on"}
    cluster.install("/usr/bin/on", on)
    assert launch([0, 1, 2, 3], "where") == {0: "on 0", 1: "on 1", 2: "on 2", 3: "more than 10 s"}
    cluster.nodes[1].set_state("down")
    assert launch([1, 2], "where") == {1: "exit 22", 2: "on 2"}


def test_helpers_of_subprocess_work_on_it_too(cluster: bp.Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", cluster.run)
    monkeypatch.setattr(subprocess, "Popen", cluster.popen)
    assert subprocess.call(["hello"]) == 3
    assert subprocess.check_output(["context"], text=True, cwd="/tmp").startswith("/tmp 0 0")
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.check_call(["hello"])
    assert subprocess.getstatusoutput("echo hi; exit 2") == (2, "hi")


def test_several_milliseconds_pass_for_a_command(cluster: bp.Cluster) -> None:
    cluster.run(["hello"])
    assert 0 < cluster.sim.now_ns < 5 * ms
