"""Command lines run on the simulated master, in the shape of the subprocess module.

A launcher that calls `subprocess.run` can be given `cluster.run` instead. Reading, waiting and
`cluster.sleep` move the clock; `poll` only looks.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from typing import Any

from bprocsim.faces.errors import raised
from bprocsim.faces.pointers import c_string, of_strings, vector
from bprocsim.kernel import call, lead
from bprocsim.manual import Fail
from bprocsim.port import Steps, Why
from bprocsim.posix.procs import Descriptor, Ended, Process, Thread
from bprocsim.posix.streams import Feed, Null, Sink
from bprocsim.signals import Signal
from bprocsim.world.direct import Family
from bprocsim.world.simulation import Deadlock, Simulation
from bprocsim.world.specs import credentials_of

DEFAULT_ENVIRONMENT = {"PATH": "/bin:/usr/bin"}

# What subprocess also takes and what would mean nothing to a simulated process.
MEANINGLESS = (
    "bufsize", "executable", "preexec_fn", "close_fds", "startupinfo", "creationflags", "restore_signals",
    "pass_fds", "umask", "pipesize", "process_group", "extra_groups",
)  # fmt: skip


def _refuse_unknown(unknown: Mapping[str, Any]) -> None:
    for name in unknown:
        if name in MEANINGLESS:
            raise ValueError(f"{name}: has no meaning for a simulated process")
        raise TypeError(f"{name}: no such argument")


def _nanoseconds(seconds: float | None, now_ns: int) -> int | None:
    return None if seconds is None else now_ns + max(0, round(seconds * 1_000_000_000))


class Reader:
    """What a simulated process writes, to be read; a read moves the clock until it can be answered."""

    def __init__(self, popen: Popen, sink: Sink) -> None:
        self._popen = popen
        self._sink = sink
        self._place = 0

    def read(self, size: int = -1) -> Any:
        """Read `size` bytes (characters, as text), or all that will ever come."""
        if size < 0:
            return self._take(lambda data: len(data) if self._over() else -1)
        return self._take(lambda data: min(size, len(data)) if len(data) >= size or self._over() else -1)

    def readline(self) -> Any:
        """Read up to the end of a line."""

        def length(data: bytes) -> int:
            end = data.find(b"\n") + 1
            return end or (len(data) if self._over() else -1)

        return self._take(length)

    def __iter__(self) -> Any:
        while line := self.readline():
            yield line

    def close(self) -> None:
        """Read no more; the process does not notice."""

    def everything(self) -> bytes:
        """Give all that was written so far, also what has been read."""
        return bytes(self._sink.data)

    def _over(self) -> bool:
        return not self._sink.references

    def _take(self, length: Callable[[bytes], int]) -> Any:
        """Let the world go on until `length` of what is there is not negative, and take so much."""

        def rest() -> bytes:
            return bytes(self._sink.data[self._place :])

        self._popen._advance(lambda: length(rest()) >= 0, None)
        count = length(rest())
        data = rest()[:count]
        self._place += count
        return self._popen._decode(data)


class Writer:
    """The stdin of a simulated process."""

    def __init__(self, popen: Popen, feed: Feed) -> None:
        self._popen = popen
        self._feed = feed

    def write(self, data: Any) -> int:
        """Give the process bytes (or text) to read; BrokenPipeError as EPIPE is not known here."""
        raw = self._popen._encode(data)
        self._feed.data += raw
        self._wake()
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """End what the process can read."""
        self._feed.closed = True
        self._wake()

    def _wake(self) -> None:
        self._feed.reading.wake_all(self._popen._sim.engine, Why.DATA)


class Popen:
    """A process started by the harness, as subprocess.Popen has it.

    `args` as given; `pid`; `returncode` None until `poll`, `wait` or `communicate` has seen its
    end, then its status, or minus the signal that killed it; `stdin`, `stdout`, `stderr`.
    """

    def __init__(
        self, cluster: Any, args: Any, *, stdin: Any = None, stdout: Any = None, stderr: Any = None,
        shell: bool = False, cwd: Any = None, env: Mapping[Any, Any] | None = None, text: bool | None = None,
        universal_newlines: bool | None = None, encoding: str | None = None, errors: str | None = None,
        user: Any = None, start_new_session: bool = False, **unknown: Any,
    ) -> None:  # fmt: skip
        _refuse_unknown(unknown)
        self._sim: Simulation = cluster.sim
        self._sim.ready("popen")
        self.args = args
        self._text = bool(text or universal_newlines or encoding or errors)
        self._encoding, self._errors = encoding or "utf-8", errors or "strict"
        machine = cluster.master._machine
        self.returncode: int | None = None
        self.process: Process = machine.new_process()
        self.process.credentials = credentials_of(user)
        self.process.family = Family()
        if cwd is not None:
            from bprocsim.world.directcalls import directory

            self.process.cwd, self.process.cwd_path = directory(machine, self.process.credentials, cwd)
        self.process.env = vector(DEFAULT_ENVIRONMENT if env is None else env, "env").strings
        if start_new_session:
            self.process.sid = self.process.pid
        self._streams(stdin, stdout, stderr)
        self._start(args, shell)

    # ---- starting ----

    def _streams(self, stdin: Any, stdout: Any, stderr: Any) -> None:
        """Give the process its descriptors: captured unless asked otherwise."""
        for name, value in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
            if value not in (None, subprocess.PIPE, subprocess.DEVNULL) and not (
                name == "stderr" and value == subprocess.STDOUT
            ):
                raise ValueError(f"{name}: expected subprocess.PIPE, DEVNULL, STDOUT or None, got {value!r}")
        feed = Feed(closed=stdin != subprocess.PIPE)
        self.stdin = Writer(self, feed) if stdin == subprocess.PIPE else None
        out = Null() if stdout == subprocess.DEVNULL else Sink()
        err = out if stderr == subprocess.STDOUT else Null() if stderr == subprocess.DEVNULL else Sink()
        self.stdout = Reader(self, out) if isinstance(out, Sink) else None
        self.stderr = Reader(self, err) if isinstance(err, Sink) and err is not out else None
        self._feed, self._out, self._err = feed, out, err
        for number, description in enumerate((feed, out, err)):
            description.references += 1
            self.process.descriptors[number] = Descriptor(description)

    def _start(self, args: Any, shell: bool) -> None:
        thread = self.process.threads[0]
        failure: list[Fail] = []
        if callable(args):
            self.process.body = args
            self.process.comm = getattr(args, "__name__", "program").encode()[:15]
            thread.task = self._sim.engine.start(lead(thread))
            return
        if shell:
            words: list[Any] = ["/bin/sh", "-c", args]
        else:
            words = [args] if isinstance(args, str | bytes) else list(args)
        if not words:
            raise ValueError("args: expected a program's name and its arguments, got nothing")
        strings = tuple(c_string(word, "args") for word in words)
        task = self._sim.begin(_exec(thread, strings, failure))
        thread.task = None if task.ended else task
        self._sim.advance(lambda: bool(failure) or self.process.image is not None)
        if failure:
            raise raised(Fail(failure[0].row, failure[0].errors, strings[0]))

    # ---- what subprocess.Popen offers ----

    @property
    def pid(self) -> int:
        """Give its pid."""
        return self.process.pid

    def poll(self) -> int | None:
        """Look whether it has ended; the clock stands still."""
        ended = self.process.ended
        if self.returncode is None and self.process.reported and ended is not None:
            self.returncode = -ended.signal if ended.signal is not None else ended.exit_status
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Let the world go on until it has ended; TimeoutExpired after `timeout` simulated seconds."""
        self._advance(lambda: self.poll() is not None, timeout)
        assert self.returncode is not None
        return self.returncode

    def communicate(self, input: Any = None, timeout: float | None = None) -> tuple[Any, Any]:
        """Feed its stdin, wait for its end, and give all that it wrote: (stdout, stderr)."""
        if input is not None and self.stdin is None:
            raise ValueError("input: stdin is not a pipe; start it with stdin=subprocess.PIPE")
        if self.stdin is not None:
            if input:
                self.stdin.write(input)
            self.stdin.close()
        self._advance(lambda: self.poll() is not None and self._quiet(), timeout)
        return self._collected()

    def send_signal(self, sig: int) -> None:
        """Send a signal, if it has not ended."""
        from bprocsim.posix.signaling import post

        self._sim.ready("send_signal")
        if self.poll() is None:
            machine = self._sim_machine()
            if not machine.forward(self.process, int(sig), None):
                post(machine, self.process, int(sig), None)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(Signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(Signal.SIGKILL)

    def __enter__(self) -> Popen:
        return self

    def __exit__(self, *_: object) -> None:
        if self.stdin is not None:
            self.stdin.close()
        self.wait()

    def __repr__(self) -> str:
        return f"<Popen: returncode: {self.poll()} args: {self.args!r}>"

    # ---- the inside ----

    def _sim_machine(self) -> Any:
        return self.process.machine.master.machine

    def _quiet(self) -> bool:
        """Tell whether nobody can write any more to what is captured."""
        return not any(each.references for each in (self._out, self._err) if isinstance(each, Sink))

    def _advance(self, done: Callable[[], bool], timeout: float | None) -> None:
        if done():
            return
        sim = self._sim
        sim.outside("popen")
        until_ns = _nanoseconds(timeout, sim.now_ns)
        sim.advance(done, until_ns)
        if done():
            return
        if until_ns is not None:
            out, err = self._collected()
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0, output=out, stderr=err)
        raise Deadlock("\n".join([f"{self!r} can never end: nothing is left to happen", *sim.waiting()]))

    def _collected(self) -> tuple[Any, Any]:
        return self._all_of(self.stdout), self._all_of(self.stderr)

    def _all_of(self, reader: Reader | None) -> Any:
        return None if reader is None else self._decode(reader.everything())

    def _decode(self, data: bytes) -> Any:
        if not self._text:
            return data
        return data.decode(self._encoding, self._errors).replace("\r\n", "\n")

    def _encode(self, data: Any) -> bytes:
        if self._text and isinstance(data, str):
            return data.encode(self._encoding, self._errors)
        if self._text or not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"input: expected {'str' if self._text else 'bytes'}, got {data!r}")
        return bytes(data)


def _exec(thread: Thread, strings: tuple[bytes, ...], failure: list[Fail]) -> Steps:
    """Let a fresh process become the program that a command line names."""
    process = thread.process
    result = yield from call(thread, "execvp", (strings[0], of_strings(strings), None))
    if isinstance(result, Fail):
        failure.append(result)
        process.machine.end(process, Ended(exit_status=127), thread)
        return
    yield from lead(thread)


def run(
    cluster: Any, args: Any, *, input: Any = None, capture_output: bool = False, timeout: float | None = None,
    check: bool = False, stdin: Any = None, **options: Any,
) -> subprocess.CompletedProcess[Any]:  # fmt: skip
    """Run a command line to its end, as subprocess.run does; see Cluster.run."""
    if capture_output and (options.get("stdout") is not None or options.get("stderr") is not None):
        raise ValueError("capture_output: stdout and stderr may not be used with it")
    if input is not None:
        if stdin is not None:
            raise ValueError("input: stdin may not be used with it")
        stdin = subprocess.PIPE
    started = Popen(cluster, args, stdin=stdin, **options)
    try:
        out, err = started.communicate(input if input is not None else None, timeout)
    except subprocess.TimeoutExpired:
        started.kill()
        started.wait()
        raise
    done = subprocess.CompletedProcess(args, started.returncode or 0, out, err)
    if check:
        done.check_returncode()
    return done
