"""Programs: what `proc` tells them, how they end, and the decorator."""

from __future__ import annotations

import errno
from pathlib import PurePosixPath
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import MiB, ms

Answer = dict[str, Any]


def told(**options: Any) -> tuple[Answer, bp.Outcome]:
    """Run a program on node 2 that tells what its `proc` tells; gives that, and the outcome."""
    answer: Answer = {}

    def program(proc: bp.Proc) -> None:
        for name in ("argv", "env", "pid", "ppid", "node", "uid", "gid", "euid", "egid", "cwd"):
            answer[name] = getattr(proc, name)

    cluster = options.pop("cluster", None) or bp.Cluster()
    cluster.install("/usr/bin/tell", program, on="all,master", mode=options.pop("mode", 0o755), uid=7, gid=8)
    options.setdefault("cmd", "/usr/bin/tell")
    return answer, cluster.bproc_execmove(options.pop("node", 2), **options)


def test_who_and_where() -> None:
    answer, out = told(argv=["tell", "-v"], envp={"A": "1", "B": "x=y"}, user=bp.Credentials(500, 600))
    assert answer == {
        "argv": ["tell", "-v"], "env": {"A": "1", "B": "x=y"}, "pid": out.pid, "ppid": 1, "node": 2,
        "uid": 500, "gid": 600, "euid": 500, "egid": 600, "cwd": "/",
    }  # fmt: skip


def test_on_the_master() -> None:
    answer: Answer = {}

    def program(proc: bp.Proc) -> None:
        answer.update(node=proc.node, cwd=proc.cwd)

    cluster = bp.Cluster()
    cluster.install("/bin/x", program)
    cluster.execve("/bin/x", cwd="/tmp")
    assert answer == {"node": bp.BPROC_NODE_MASTER, "cwd": "/tmp"}


def test_the_effective_ids_are_the_files() -> None:
    answer, _ = told(mode=0o6755, user=bp.Credentials(500, 600))
    assert [answer[name] for name in ("uid", "gid", "euid", "egid")] == [500, 600, 7, 8]


def test_bytes_that_are_no_text() -> None:
    answer, _ = told(argv=[b"caf\xe9", "caf\udce9", "café"], envp=[b"X=\xff"])
    assert answer["argv"] == ["caf\udce9", "caf\udce9", "café"]
    assert answer["env"] == {"X": "\udcff"}


def test_of_two_entries_of_one_name_the_first_counts() -> None:
    answer, _ = told(envp=["A=1", "A=2", "EMPTY=", "=odd", "none"])
    assert answer["env"] == {"A": "1", "EMPTY": "", "": "odd", "none": ""}


def test_the_directory_is_entered_on_the_node_where_it_is() -> None:
    cluster = bp.Cluster()
    for fs in (cluster.master.fs, cluster.nodes[2].fs):
        fs.mkdir("/home/alice", parents=True)
    assert told(cluster=cluster, cwd="/home/alice")[0]["cwd"] == "/home/alice"
    assert told(cluster=cluster, cwd="/home/alice", node=1)[0]["cwd"] == "/"


def test_children_and_parents() -> None:
    answer: Answer = {}

    def child(proc: bp.Proc, word: str) -> None:
        answer["child"] = (proc.pid, proc.ppid, proc.node, proc.argv, word)

    def parent(proc: bp.Proc) -> Any:
        answer["parent"] = proc.pid
        pid = yield from proc.fork(child, "hello")
        answer["waited"] = yield from proc.waitpid(pid)

    cluster = bp.Cluster()
    cluster.install("/bin/parent", parent)
    cluster.bproc_execmove(3, "/bin/parent")
    pid, ppid, *rest = answer["child"]
    assert ppid == answer["parent"]
    assert rest == [3, ["parent"], "hello"]
    assert (answer["waited"].pid, answer["waited"].exit_status, answer["waited"].signal) == (pid, 0, None)


# ---- how a program ends --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "status"), [(None, 0), (0, 0), (3, 3), (255, 255), (256, 0), (-1, 255), (True, 1), (1000, 232)]
)
def test_what_a_program_returns_is_its_exit_status(value: int | None, status: int) -> None:
    def generator(proc: bp.Proc) -> Any:
        yield from proc.compute(1)
        return value

    def plain(proc: bp.Proc) -> Any:
        return value

    cluster = bp.Cluster()
    for program in (generator, plain):
        cluster.install("/bin/x", program)
        out = cluster.execve("/bin/x")
        assert (out.exit_status, out.signal, out.exception, out.value) == (status, None, None, None)


@pytest.mark.parametrize("value", ["0", 1.0, b"", [0], object()])
def test_anything_else_is_a_mistake(value: Any) -> None:
    cluster = bp.Cluster()
    cluster.install("/bin/x", lambda proc: value)
    out = cluster.execve("/bin/x")
    assert out.exit_status == 1
    assert isinstance(out.exception, TypeError)
    assert b"x: TypeError: a program returns its exit status" in out.stderr
    assert b" at 0x" not in out.stderr  # no two runs would print the same


def test_a_program_that_raises() -> None:
    error = RuntimeError("boom")

    def bad(proc: bp.Proc) -> Any:
        yield from proc.write(1, b"before\n")
        raise error

    cluster = bp.Cluster()
    cluster.install("/bin/bad", bad)
    out = cluster.execve("/bin/bad")
    assert (out.exit_status, out.stdout, out.stderr) == (1, b"before\n", b"bad: RuntimeError: boom\n")
    assert out.exception is error
    assert cluster.trace.of_kind("raised")[0].exception == "RuntimeError: boom"
    assert cluster.bproc_execmove(1, "/bin/bad").stdout == b"before\nbad: RuntimeError: boom\n"


def test_a_failure_that_nobody_catches_ends_the_program() -> None:
    def bad(proc: bp.Proc) -> Any:
        yield from proc.open("/absent")

    cluster = bp.Cluster()
    cluster.install("/bin/bad", bad)
    out = cluster.execve("/bin/bad")
    assert out.exit_status == 1
    assert isinstance(out.exception, bp.CallError)
    assert isinstance(out.exception, FileNotFoundError)
    assert out.stderr.startswith(b"bad: CallError: [Errno ")


def test_a_signal() -> None:
    def suicide(proc: bp.Proc) -> Any:
        yield from proc.kill(proc.pid, bp.SIGTERM)

    cluster = bp.Cluster()
    cluster.install("/bin/suicide", suicide)
    out = cluster.bproc_execmove(1, "/bin/suicide")
    assert (out.exit_status, out.signal) == (None, bp.SIGTERM)


def test_what_a_failure_tells() -> None:
    caught: list[bp.CallError] = []

    def bad(proc: bp.BprocProc) -> Any:
        try:
            yield from proc.bproc_execmove(0, "/absent", ["x"], {})
        except FileNotFoundError as error:
            caught.append(error)  # type: ignore[arg-type]

    cluster = bp.Cluster()
    cluster.install("/bin/bad", bad)
    assert cluster.execve("/bin/bad").exit_status == 0
    error = caught[0]
    assert isinstance(error, bp.CallError)
    assert isinstance(error, OSError)
    assert (error.error, error.number, error.cause, error.call) == (bp.Errno.ENOENT, 2, "cmd_absent", "bproc_execmove")
    assert (error.filename, error.source) == ("/absent", "scyld-bproc_execmove")
    assert error.errno == errno.ENOENT
    assert "FAIL         ENOENT         cmd_absent" in error.explain()


# ---- print ---------------------------------------------------------------------------------------


def test_print_writes_lines_of_text() -> None:
    def speak(proc: bp.Proc) -> Any:
        yield from proc.print()
        yield from proc.print("a", 1, None, PurePosixPath("/x"))
        yield from proc.print("é", "\udcff")
        yield from proc.print("oops", fd=2)
        return (yield from proc.print("count"))

    cluster = bp.Cluster()
    cluster.install("/bin/speak", speak)
    out = cluster.execve("/bin/speak")
    assert out.stdout == b"\na 1 None /x\n\xc3\xa9 \xff\ncount\n"
    assert out.stderr == b"oops\n"
    assert out.exit_status == len("count\n")


# ---- the decorator -------------------------------------------------------------------------------


def test_the_decorator_without_arguments() -> None:
    @bp.program
    def hello(proc: bp.Proc) -> Any:
        yield from proc.print("hello")

    assert isinstance(hello, bp.Program)
    assert (hello.name, hello.needs) == ("hello", ())
    cluster = bp.Cluster()
    assert cluster.install("/bin/hello", hello).name == "hello"  # type: ignore[union-attr]
    assert cluster.execve("/bin/hello").text == "hello\n"


def test_the_decorator_with_arguments() -> None:
    @bp.program(needs=["libc.so.6"], memory_bytes=4 * MiB, name="hi")
    def hello(proc: bp.Proc) -> Any:
        yield from proc.print("hello")

    assert (hello.name, hello.needs, hello.memory_bytes) == ("hi", ("libc.so.6",), 4 * MiB)
    cluster = bp.Cluster()
    cluster.install("/bin/hello", hello)
    out = cluster.bproc_execmove(1, "/bin/hello")
    assert (out.text, out.exit_status) == ("hello\n", 0)
    cluster.inject(bp.LibraryMissing(node=1, name="libc.so.6"))
    out = cluster.bproc_execmove(1, "/bin/hello")
    assert (out.exit_status, out.late_errno) == (127, None)
    assert "libc.so.6" in out.text


def test_memory_is_taken_while_a_program_runs() -> None:
    used: list[int] = []

    @bp.program(memory_bytes=4 * MiB)
    def big(proc: bp.Proc) -> Any:
        yield from proc.compute(1 * ms)
        used.append(cluster.nodes[1].memory.used_bytes)

    cluster = bp.Cluster()
    cluster.install("/bin/big", big)
    assert cluster.bproc_execmove(1, "/bin/big").exit_status == 0
    assert 4 * MiB <= used[0] < 5 * MiB
    assert cluster.nodes[1].memory.used_bytes == cluster.master.memory.used_bytes == 0


def test_a_decorated_function_can_be_called_as_before() -> None:
    @bp.program
    def double(number: int) -> int:
        return 2 * number

    assert double(4) == 8


def test_decorating_no_function_is_refused() -> None:
    with pytest.raises(TypeError, match="function"):
        bp.program(5)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="function"):
        bp.program(needs=())("hello")  # type: ignore[arg-type]
