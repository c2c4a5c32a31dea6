"""Command lines run on the simulated master, in the shape of the subprocess module.

A launcher that calls `subprocess.run` can be given `cluster.run` instead. Reading, waiting and
`cluster.sleep` move the clock; `poll` only looks.
"""

from __future__ import annotations

import io
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypedDict

from bprocsim.faces.errors import raised
from bprocsim.kernel import lead
from bprocsim.posix.image import as_program
from bprocsim.posix.procs import Descriptor
from bprocsim.posix.streams import Null
from bprocsim.signals import LAST, Signal
from bprocsim.world.direct import Family
from bprocsim.world.handles import ProcessHandle
from bprocsim.world.launch import clothe_command, executed, words_of
from bprocsim.world.pipes import Captured, Input, Output, Writable, as_text
from bprocsim.world.simulation import Deadlock, Simulation

# What subprocess also takes and what would mean nothing to a simulated process.
# Each with subprocess's own default, which says nothing and so may stand there.
MEANINGLESS: dict[str, Any] = {
    "bufsize": -1, "executable": None, "preexec_fn": None, "close_fds": True, "startupinfo": None,
    "creationflags": 0, "restore_signals": True, "pass_fds": (), "group": None, "extra_groups": None,
    "umask": -1, "pipesize": -1, "process_group": None,
}  # fmt: skip


class PopenOptions(TypedDict, total=False):
    """What Popen takes besides the command line, each as subprocess.Popen has it."""

    stdin: Any
    stdout: Any
    stderr: Any
    shell: bool
    cwd: Any
    env: Mapping[Any, Any] | None
    text: bool | None
    universal_newlines: bool | None
    encoding: str | None
    errors: str | None
    user: Any
    start_new_session: bool


class RunOptions(PopenOptions, total=False):
    """What run takes besides the command line, each as subprocess.run has it."""

    input: Any
    capture_output: bool | None
    timeout: float | None
    check: bool


def _refuse_unknown(unknown: Mapping[str, Any]) -> None:
    for name, value in unknown.items():
        if name in MEANINGLESS:
            if value == MEANINGLESS[name]:
                continue
            raise ValueError(f"{name}: has no meaning for a simulated process")
        raise TypeError(f"{name}: no such argument")


def _is_text(text: bool | None, universal_newlines: bool | None, encoding: str | None, errors: str | None) -> bool:
    if text is not None and universal_newlines is not None and bool(text) is not bool(universal_newlines):
        raise subprocess.SubprocessError("text, universal_newlines: they mean the same, and say different things")
    return bool(text or universal_newlines or encoding or errors)


class Popen(ProcessHandle):
    """A process started by the harness, as subprocess.Popen has it.

    `args` as given; `pid`; `returncode` None until `poll`, `wait` or `communicate` has seen its
    end, then its status, or minus the signal that killed it; `stdin`, `stdout`, `stderr` files.
    """

    def __init__(
        self, system: Any, args: Any, *, stdin: Any = None, stdout: Any = None, stderr: Any = None,
        shell: bool = False, cwd: Any = None, env: Mapping[Any, Any] | None = None, text: bool | None = None,
        universal_newlines: bool | None = None, encoding: str | None = None, errors: str | None = None,
        user: Any = None, start_new_session: bool = False, **unknown: Any,
    ) -> None:  # fmt: skip
        _refuse_unknown(unknown)
        self.text_mode = _is_text(text, universal_newlines, encoding, errors)
        self.encoding, self.errors = encoding or "utf-8", errors or "strict"
        _check_streams(stdin, stdout, stderr)
        words = () if callable(args) else words_of(args, shell)
        sim: Simulation = system.sim
        sim.ready("popen")
        self.args = args
        self._returncode: int | None = None
        self._told: tuple[Any, Any] | None = None
        self._communicates = False
        self._home = system.home
        super().__init__(sim, clothe_command(self._home, user, cwd, env, start_new_session))
        self.process.family = Family()
        self._streams(stdin, stdout, stderr)
        thread = self.process.threads[0]
        if callable(args):
            made = as_program(args)
            self.process.body, name = made.function, made.name.encode("utf-8", "replace")
            self.process.argv, self.process.comm = (name,), name[:15]
            thread.task = sim.engine.start(lead(thread))
        elif (failure := executed(sim, thread, words)) is not None:
            error = raised(failure, self.process.machine.unix.name)
            error.filename, error.strerror = words_of(args, shell, as_given=True)[0], failure.row.errno.message
            raise error

    def _streams(self, stdin: Any, stdout: Any, stderr: Any) -> None:
        """Give the process its descriptors: captured unless asked otherwise."""
        feed = Input(closed=stdin != subprocess.PIPE)
        out = Null() if stdout == subprocess.DEVNULL else Captured()
        err = out if stderr == subprocess.STDOUT else Null() if stderr == subprocess.DEVNULL else Captured()
        self._captured = [each for each in dict.fromkeys((out, err)) if isinstance(each, Captured)]
        for number, description in enumerate((feed, out, err)):
            description.references += 1
            self.process.descriptors[number] = Descriptor(description)

        if stdin == subprocess.PIPE:
            feed.file = self._file(Writable(feed, self._sim.engine))
        for sink in self._captured:
            sink.file = self._file(io.BufferedReader(Output(sink, self._advance)))
        self._asked = [
            each.file
            for each, value in ((out, stdout), (err, stderr))
            if value == subprocess.PIPE and isinstance(each, Captured)
        ]
        self.stdin: Any = feed.file
        self.stdout: Any = out.file if isinstance(out, Captured) else None
        self.stderr: Any = err.file if isinstance(err, Captured) and err is not out else None

    def _file(self, file: Any) -> Any:
        return as_text(file, self.encoding, self.errors) if self.text_mode else file

    # ---- what subprocess.Popen offers ----

    @property
    def returncode(self) -> int | None:
        """Give how it ended, once somebody has looked."""
        return self._returncode

    @property
    def universal_newlines(self) -> bool:
        """Tell whether the files are text."""
        return self.text_mode

    def poll(self) -> int | None:
        """Look whether it has ended; the clock stands still."""
        if self._returncode is None:
            self._returncode = self._status()
        return self._returncode

    def wait(self, timeout: float | None = None) -> int:
        """Let the world go on until it has ended; TimeoutExpired after `timeout` simulated seconds."""
        if not self._advance(lambda: self.poll() is not None, timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        assert self._returncode is not None
        return self._returncode

    def communicate(self, input: Any = None, timeout: float | None = None) -> tuple[Any, Any]:
        """Feed its stdin, wait for its end, and give all that it writes: (stdout, stderr)."""
        if self._told is not None:
            return self._told
        if self._communicates and input:
            raise ValueError("input: cannot be sent after communication has begun")
        if input is not None and self.stdin is None:
            raise ValueError("input: stdin is not a pipe; start it with stdin=subprocess.PIPE")
        if self.stdin is not None and not self._communicates:
            with suppress(BrokenPipeError):  # as subprocess does: who does not read is not asked why
                if input:
                    self.stdin.write(input)
            self.stdin.close()
        self._communicates = True
        if not self._advance(lambda: self.poll() is not None and self._quiet(), timeout):
            so_far = [_unread(each) for each in (self.stdout, self.stderr)]
            raise subprocess.TimeoutExpired(self.args, timeout or 0, output=so_far[0], stderr=so_far[1])
        self._told = _rest(self.stdout), _rest(self.stderr)
        return self._told

    def send_signal(self, sig: int) -> None:
        """Send a signal, if it has not ended; 0 sends none. ValueError: there is no such signal."""
        from bprocsim.posix.signaling import post

        if isinstance(sig, bool) or not isinstance(sig, int):
            raise TypeError(f"sig: expected the number of a signal, got {sig!r}")
        if not 0 <= sig <= LAST:
            raise ValueError(f"sig: expected a signal from 0 to {LAST}, got {sig}")
        self._sim.ready("send_signal")
        if self.poll() is None and sig:
            machine = self._home
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
        # What nobody asked to capture is not broken off: without us it would have gone elsewhere.
        for file in (*self._asked, self.stdin):
            if file is not None:
                file.close()
        self.wait()
        for file in (self.stdout, self.stderr):
            if file is not None:
                file.close()

    def __repr__(self) -> str:
        text = f"<Popen: returncode: {self._returncode} args: {self.args!r}>"
        return text if len(text) <= 80 else text[:76] + "...>"

    # ---- the inside ----

    def _quiet(self) -> bool:
        """Tell whether nobody can write any more to what is captured."""
        return not any(each.references for each in self._captured)

    def _advance(self, done: Callable[[], bool], timeout: float | None = None) -> bool:
        """Let the world go on until `done()`; False if that takes more than `timeout` seconds."""
        if done():
            return True
        sim = self._sim
        sim.outside("wait")
        until_ns = None if timeout is None else sim.now_ns + max(0, round(timeout * 1_000_000_000))
        sim.advance(done, until_ns)
        if done():
            return True
        if until_ns is not None:
            return False
        raise Deadlock("\n".join([f"{self!r} can never end: nothing is left to happen", *sim.waiting()]))


def _check_streams(stdin: Any, stdout: Any, stderr: Any) -> None:
    for name, value in (("stdin", stdin), ("stdout", stdout), ("stderr", stderr)):
        known = (subprocess.PIPE, subprocess.DEVNULL, *((subprocess.STDOUT,) if name == "stderr" else ()))
        if value is not None and (not isinstance(value, int) or value not in known):
            choice = "PIPE, DEVNULL, STDOUT" if name == "stderr" else "PIPE, DEVNULL"
            raise ValueError(f"{name}: expected subprocess.{choice} or None, got {value!r}")


def _rest(file: Any) -> Any:
    """Read what is left, and close the file; one that was closed before gives nothing."""
    if file is None or file.closed:
        return None
    data = file.read()
    file.close()
    return data


def _unread(file: Any) -> bytes | None:
    """Give what was written so far and not read: bytes, None if there are none, as subprocess has it."""
    if file is None or file.closed:
        return None
    raw = getattr(file, "buffer", file).raw
    return raw.unread() or None


def run(
    system: Any, args: Any, *, input: Any = None, capture_output: bool | None = None, timeout: float | None = None,
    check: bool = False, stdin: Any = None, stdout: Any = None, stderr: Any = None, **options: Any,
) -> subprocess.CompletedProcess[Any]:  # fmt: skip
    """Run a command line to its end, as subprocess.run does; see Cluster.run."""
    if capture_output and (stdout is not None or stderr is not None):
        raise ValueError("capture_output: stdout and stderr may not be used with it")
    if capture_output is not None and not capture_output:
        # Asked not to: what nobody captures goes to a terminal that nobody sees.
        stdout = subprocess.DEVNULL if stdout is None else stdout
        stderr = subprocess.DEVNULL if stderr is None else stderr
    if input is not None:
        if stdin is not None:
            raise ValueError("input: stdin may not be used with it")
        stdin = subprocess.PIPE
    system.sim.ready("run")
    started = Popen(system, args, stdin=stdin, stdout=stdout, stderr=stderr, **options)
    try:
        out, err = started.communicate(input, timeout)
    except subprocess.TimeoutExpired:
        started.kill()
        started.wait()
        raise
    done = subprocess.CompletedProcess(args, started.returncode or 0, out, err)
    if check:
        done.check_returncode()
    return done
