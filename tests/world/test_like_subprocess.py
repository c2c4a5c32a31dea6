"""cluster.run and cluster.popen beside the real subprocess, on programs that do the same here and there.

Each scenario is told of in one way, whoever runs it, and the two tales must be equal. All say what
they want captured: where nobody says so, subprocess lets a terminal have it, and ours captures it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

import bprocsim as bp
from bprocsim.units import ms

pytestmark = pytest.mark.linux

# The programs of the host; the simulated ones stand below.
SCRIPTS = {
    "hello": 'echo hello "$@"; echo oops >&2; exit 3',
    "cat": "exec /bin/cat",
    "context": 'pwd; echo "$A"',
    "killed": "echo last; kill -TERM $$",
    "slow": "echo begins; exec /bin/sleep 20",
    "crlf": r"printf 'a\r\nb\rc\n'",
    "bytes": r"printf 'caf\351\n'",
    "quiet": "exec /bin/sleep 0.05",
    "deaf": "exec <&-; exec /bin/sleep 0.05",
}


def hello(proc: bp.Proc) -> Any:
    yield from proc.print("hello", *proc.argv[1:])
    yield from proc.print("oops", fd=2)
    return 3


def cat(proc: bp.Proc) -> Any:
    while data := (yield from proc.read(0)):
        yield from proc.write(1, data)


def context(proc: bp.Proc) -> Any:
    yield from proc.print(proc.cwd)
    yield from proc.print(proc.env.get("A", ""))


def killed(proc: bp.Proc) -> Any:
    yield from proc.print("last")
    yield from proc.kill(proc.pid, bp.SIGTERM)


def slow(proc: bp.Proc) -> Any:
    yield from proc.print("begins")
    yield from proc.sleep(20_000 * ms)


def crlf(proc: bp.Proc) -> Any:
    yield from proc.write(1, b"a\r\nb\rc\n")


def bytes_(proc: bp.Proc) -> Any:
    yield from proc.write(1, b"caf\xe9\n")


def quiet(proc: bp.Proc) -> Any:
    yield from proc.sleep(50 * ms)


def deaf(proc: bp.Proc) -> Any:
    yield from proc.close(0)
    yield from proc.sleep(50 * ms)


PROGRAMS = {
    "hello": hello, "cat": cat, "context": context, "killed": killed, "slow": slow, "crlf": crlf, "bytes": bytes_,
    "quiet": quiet, "deaf": deaf,
}  # fmt: skip


@frozen
class Side:
    """One of the two: how it runs things, and where its programs lie."""

    run: Callable[..., Any]
    popen: Callable[..., Any]
    top: str

    @property
    def env(self) -> dict[str, str]:
        """The environment in which the programs are found."""
        return {"PATH": f"{self.top}/empty:{self.top}/bin", "A": "1"}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Side:
    top = tmp_path_factory.mktemp("host").resolve()
    folder = top / "bin"
    folder.mkdir()
    (top / "empty").mkdir()
    for name, script in SCRIPTS.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        (folder / name).chmod(0o755)
    (folder / "private").write_text("", encoding="utf-8")
    (folder / "private").chmod(0o644)
    (folder / "headerless").write_text("echo headerless\n", encoding="utf-8")
    (folder / "headerless").chmod(0o755)
    (folder / "stray").write_text("#!/absent/interpreter\n", encoding="utf-8")
    (folder / "stray").chmod(0o755)
    return Side(subprocess.run, subprocess.Popen, str(top))


@pytest.fixture
def here(host: Side) -> Side:
    """A world with the same files at the same places."""
    cluster = bp.Cluster(trace="all")
    for name, program in PROGRAMS.items():
        cluster.install(f"{host.top}/bin/{name}", program)
    fs = cluster.master.fs
    fs.mkdir(f"{host.top}/empty")
    fs.write_file(f"{host.top}/bin/private", b"")
    fs.write_file(f"{host.top}/bin/headerless", b"echo headerless\n", mode=0o755)
    fs.write_file(f"{host.top}/bin/stray", b"#!/absent/interpreter\n", mode=0o755)
    return Side(cluster.run, cluster.popen, host.top)


def told(thing: Any) -> Any:
    """Tell of what came back, or was raised, so that two tales can be compared."""
    if isinstance(thing, OSError):
        kind = next(each for each in type(thing).__mro__ if each.__module__ == "builtins")
        name = thing.filename
        text = os.fspath(name) if isinstance(name, Path) else name  # as CPython 3.13 tells of a path itself
        return kind.__name__, thing.errno, thing.strerror, text, str(thing).replace(repr(name), repr(text))
    if isinstance(thing, subprocess.SubprocessError | ValueError | TypeError | LookupError):
        given = {
            name: getattr(thing, name, None) for name in ("returncode", "cmd", "timeout", "output", "stdout", "stderr")
        }
        kind = next(each for each in type(thing).__mro__ if each.__module__ in ("builtins", "subprocess"))
        return kind.__name__, given
    if isinstance(thing, subprocess.CompletedProcess):
        return type(thing).__name__, thing.args, thing.returncode, thing.stdout, thing.stderr, repr(thing)
    return thing


def attempt(make: Callable[[], Any]) -> Any:
    try:
        return told(make())
    except (OSError, subprocess.SubprocessError, ValueError, TypeError, LookupError) as error:
        return told(error)


PIPE, DEVNULL, STDOUT = subprocess.PIPE, subprocess.DEVNULL, subprocess.STDOUT
BOTH = {"stdout": PIPE, "stderr": PIPE}

RUNS: dict[str, tuple[Any, dict[str, Any]]] = {
    "an exit status": (["hello", "world"], {"capture_output": True}),
    "text": (["hello"], {"capture_output": True, "text": True}),
    "check": (["hello"], {"capture_output": True, "check": True}),
    "check, text": (["hello"], {"capture_output": True, "check": True, "text": True}),
    "check, and all is well": (["cat"], {"capture_output": True, "check": True, "input": b"x"}),
    "stderr into stdout": (["hello"], {"stdout": PIPE, "stderr": STDOUT}),
    "nothing captured": (["hello"], {"stdout": DEVNULL, "stderr": DEVNULL}),
    "one of two": (["hello"], {"stdout": DEVNULL, "stderr": PIPE}),
    "input": (["cat"], {"capture_output": True, "input": b"caf\xe9\x00\n"}),
    "empty input": (["cat"], {"capture_output": True, "input": b""}),
    "no input": (["cat"], {"capture_output": True, "stdin": DEVNULL}),
    "text input": (["cat"], {"capture_output": True, "input": "é\n", "text": True, "encoding": "utf-8"}),
    "line ends": (["crlf"], {"capture_output": True, "text": True}),
    "line ends as they are": (["crlf"], {"capture_output": True}),
    "another encoding": (["bytes"], {"capture_output": True, "encoding": "latin-1"}),
    "bytes that are no text": (["bytes"], {"capture_output": True, "encoding": "ascii", "errors": "replace"}),
    "bytes that must be text": (["bytes"], {"capture_output": True, "encoding": "ascii"}),
    "a signal": (["killed"], {"capture_output": True}),
    "a signal, checked": (["killed"], {"capture_output": True, "check": True}),
    "too slow": (["slow"], {"capture_output": True, "timeout": 0.3}),
    "too slow, text": (["slow"], {"capture_output": True, "timeout": 0.3, "text": True}),
    "too slow, and silent": (["slow"], {"stdout": DEVNULL, "stderr": PIPE, "timeout": 0.3}),
    "soon enough": (["quiet"], {"capture_output": True, "timeout": 10}),
    "nobody reads the input": (["deaf"], {"capture_output": True, "input": b"x" * 10}),
    "a directory": (["context"], {"capture_output": True, "cwd": "empty"}),
    "a directory that is not there": (["context"], {"cwd": "/absent/place"}),
    "a directory that is a file": (["context"], {"cwd": "bin/hello"}),
    "an absent program": (["absent"], {}),
    "an absent path": (["/absent/program"], {}),
    "an absent path as bytes": ([b"/absent/program"], {}),
    "an absent path as a path": ([Path("/absent/program")], {}),
    "an empty name": ([""], {}),
    "a file that is not executable": (["private"], {}),
    "a directory as a program": (["/bin/"], {}),
    "a file as a directory": (["bin/hello/x"], {}),
    "a script without a header": (["headerless"], {"capture_output": True}),
    "a script without its interpreter": (["stray"], {}),
    "a name that is too long": (["x" * 300], {}),
    "arguments that are too many": (["hello", *["x" * 100_000] * 40], {}),
    "one word": ("hello", {"capture_output": True}),
    "one word as bytes": (b"hello", {"capture_output": True}),
    "one word that is two": ("hello world", {}),
    "a shell": ("echo one; exit 5", {"capture_output": True, "shell": True}),
    "a shell, bytes": (b"echo one", {"capture_output": True, "shell": True}),
    "a shell, and a list": (["echo one", "zero"], {"capture_output": True, "shell": True}),
    "both of capture_output and stdout": (["hello"], {"capture_output": True, "stdout": PIPE}),
    "both of input and stdin": (["cat"], {"input": b"x", "stdin": PIPE}),
    "text and universal_newlines at odds": (["cat"], {"text": True, "universal_newlines": False}),
    "text for bytes": (["cat"], {"input": "x", "capture_output": True}),
    "a null byte": (["hello", "a\0b"], {}),
    "an argument that is none": (["hello", None], {}),
    "a variable with =": (["hello"], {"env": {"A=": "b"}}),
    "a variable that is none": (["hello"], {"env": {"A": 5}}),
    "an option that is none": (["hello"], {"timout": 5}),
}


@pytest.mark.parametrize("name", RUNS)
def test_run(name: str, host: Side, here: Side) -> None:
    args, options = RUNS[name]

    def tale(side: Side) -> Any:
        given = {"env": side.env, **options}
        if not str(given.get("cwd", "/")).startswith("/"):
            given["cwd"] = f"{side.top}/{given['cwd']}"
        line = [f"{side.top}/{args[0]}", *args[1:]] if args[0] == "bin/hello/x" else args
        return attempt(lambda: side.run(line, **given))

    theirs, ours = tale(host), tale(here)
    assert ours == theirs


def conversation(side: Side) -> Any:
    with side.popen(["cat"], stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=side.env, text=True) as started:
        yield started.poll()
        started.stdin.write("one\ntwo\n")
        started.stdin.flush()
        yield started.stdout.readline()
        yield started.stdout.readline()
        started.stdin.close()
        yield started.stdout.read()
        yield started.stdout.readline()
        yield started.stderr
    yield started.returncode, started.stdout.closed, started.stdin.closed
    yield attempt(started.stdout.read)
    yield attempt(lambda: started.stdin.write("x"))


def stopping(side: Side) -> Any:
    for stop in ("terminate", "kill"):
        started = side.popen(["slow"], stdout=PIPE, stderr=DEVNULL, env=side.env)
        yield started.returncode, started.poll(), started.stdout.readline()
        yield getattr(started, stop)()
        yield started.wait(), started.returncode, started.poll()
        yield getattr(started, stop)()
        yield started.stdout.read()
        started.stdout.close()


def waiting(side: Side) -> Any:
    started = side.popen(["slow"], stdout=PIPE, stderr=PIPE, env=side.env)
    yield started.stdout.readline()
    yield attempt(lambda: started.wait(timeout=0.05))
    yield attempt(lambda: started.wait(timeout=0))
    yield attempt(lambda: started.communicate(timeout=0.05))
    yield started.returncode
    started.send_signal(15)
    yield attempt(started.communicate)
    yield started.wait(), started.wait(5), started.poll(), repr(started)


def communicating(side: Side) -> Any:
    started = side.popen(["cat"], stdin=PIPE, stdout=PIPE, stderr=PIPE, env=side.env)
    yield started.communicate(b"in")
    yield started.returncode, started.args, repr(started), started.stdout.closed, started.stdin.closed
    yield started.communicate()
    silent = side.popen(["quiet"], stdout=PIPE, stderr=DEVNULL, env=side.env, text=True)
    yield silent.communicate()
    nothing = side.popen(["quiet"], stdout=DEVNULL, stderr=DEVNULL, env=side.env)
    yield nothing.communicate(), nothing.stdout, nothing.stderr, nothing.stdin


def going_on(side: Side) -> Any:
    started = side.popen(["slow"], stdin=PIPE, stdout=PIPE, stderr=STDOUT, env=side.env, text=True)
    yield attempt(lambda: started.communicate("x", timeout=0.3))
    yield attempt(lambda: started.communicate("y", timeout=0.3))
    started.kill()
    yield started.communicate()
    yield started.returncode


def iterating(side: Side) -> Any:
    with side.popen(["hello", "a", "b"], stdout=PIPE, stderr=STDOUT, env=side.env, encoding="ascii") as started:
        yield list(started.stdout)
        yield started.stdout.encoding, started.stdout.errors, started.stderr
    yield started.returncode


def hanging_up(side: Side) -> Any:
    started = side.popen(["cat"], stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=side.env)
    started.stdout.close()
    started.stdin.write(b"x")
    started.stdin.close()
    yield started.wait()


def too_late(side: Side) -> Any:
    started = side.popen(["quiet"], stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=side.env)
    started.wait()
    yield started.communicate(b"x" * 10)
    yield repr(started)
    long = side.popen(["quiet", "x" * 100], stdout=PIPE, stderr=DEVNULL, env=side.env)
    yield repr(long), long.wait(), repr(long)
    long.stdout.close()


SCENES = [conversation, stopping, waiting, communicating, going_on, iterating, hanging_up, too_late]


@pytest.mark.parametrize("scene", SCENES)
def test_popen(scene: Callable[[Side], Any], host: Side, here: Side) -> None:
    theirs, ours = list(scene(host)), list(scene(here))
    assert ours == theirs
