"""The side of this machine's own kernel: each script is played by real processes.

Run as a program: it reads scripts and writes, as JSON, what each process of each saw. It imports
nothing of the simulator. Calls go to the C library itself, for Python's own would hide EINTR.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import resource
import select
import shutil
import signal
import socket
import stat
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.calls.language import Failed, Line, Script, Steps, play, read_scripts

LIBC = ctypes.CDLL(None, use_errno=True)
LOG, ALIVE = 900, 901  # descriptors that no script uses
NOBODY = 65534
LIMIT = 1024
AT_ONCE = 4
PATIENCE = 10
SLOWNESS = 1
F_SETPIPE_SZ = 1031


class Real:
    """One real process."""

    def __init__(self, name: str, names: dict[str, Any]) -> None:
        self.name = name
        self.names = names

    def flag(self, name: str) -> int:
        for module in (os, signal):
            if hasattr(module, name):
                return int(getattr(module, name))
        raise ValueError(f"{name}: no flag, no signal, no name")

    def note(self, text: str) -> None:
        os.write(LOG, (json.dumps([self.name, text]) + "\n").encode())

    def _call(self, function: Any, *arguments: Any) -> Any:
        result = function(*arguments)
        failed = ctypes.get_errno()
        for _ in range(8):
            pass  # handlers written in Python run at the next jump back
        return Failed(errno.errorcode[failed]) if result == -1 else result

    # ---- descriptors ----

    def do_pipe(self) -> Steps:
        yield from ()
        ends = (ctypes.c_int * 2)()
        result = self._call(LIBC.pipe, ends)
        if isinstance(result, Failed):
            return result
        # As large as the simulated ones.
        assert LIBC.fcntl(ends[1], F_SETPIPE_SZ, 4096) == 4096
        return ends[0], ends[1]

    def do_read(self, fd: int, count: int) -> Steps:
        yield from ()
        buffer = ctypes.create_string_buffer(max(1, count))
        result = self._call(LIBC.read, fd, buffer, count)
        return result if isinstance(result, Failed) else buffer.raw[:result]

    def do_readall(self, fd: int) -> Steps:
        data = b""
        while piece := (yield from self.do_read(fd, 100_000)):
            if isinstance(piece, Failed):
                return piece
            data += piece
        return data

    def do_write(self, fd: int, data: bytes) -> Steps:
        yield from ()
        return self._call(LIBC.write, fd, data, len(data))

    def do_write_nowhere(self, fd: int) -> Steps:
        yield from ()
        return self._call(LIBC.write, fd, ctypes.c_void_p(8), 10)

    def do_open(self, path: bytes, flags: int = 0, mode: int = 0o666) -> Steps:
        yield from ()
        return self._call(LIBC.open, path, flags, mode)

    def do_open_nowhere(self, flags: int = 0) -> Steps:
        yield from ()
        return self._call(LIBC.open, ctypes.c_void_p(8), flags, 0)

    def do_access(self, path: bytes, mode: int) -> Steps:
        yield from ()
        return self._call(LIBC.access, path, mode)

    def do_access_nowhere(self, mode: int) -> Steps:
        yield from ()
        return self._call(LIBC.access, ctypes.c_void_p(8), mode)

    def do_stat(self, path: bytes) -> Steps:
        yield from ()
        try:
            found = os.stat(path)
        except OSError as error:
            return Failed(errno.errorcode[error.errno or 0])
        kind = "directory" if stat.S_ISDIR(found.st_mode) else "file" if stat.S_ISREG(found.st_mode) else "other"
        return f"{kind} {found.st_mode & 0o7777:o} {'' if kind == 'directory' else found.st_size}"

    def do_chmod(self, path: bytes, mode: int) -> Steps:
        yield from ()
        return self._call(LIBC.chmod, path, mode)

    def do_mkdir(self, path: bytes, mode: int) -> Steps:
        yield from ()
        return self._call(LIBC.mkdir, path, mode)

    def do_scandir(self, path: bytes) -> Steps:
        yield from ()
        try:
            return " ".join(sorted(os.fsdecode(name) for name in os.listdir(path)))
        except OSError as error:
            return Failed(errno.errorcode[error.errno or 0])

    def do_close(self, fd: int) -> Steps:
        yield from ()
        return self._call(LIBC.close, fd)

    def do_dup2(self, old: int, new: int) -> Steps:
        yield from ()
        return self._call(LIBC.dup2, old, new)

    def do_fill(self) -> Steps:
        """Use up every descriptor."""
        yield from ()
        for number in range(3, LIMIT):
            if number not in (LOG, ALIVE) and LIBC.fcntl(number, 1) == -1:
                LIBC.dup2(0, number)
        return "full"

    # ---- sockets ----

    def do_socket(self) -> Steps:
        yield from ()
        return self._call(LIBC.socket, socket.AF_INET, socket.SOCK_STREAM, 0)

    def do_bind(self, fd: int, port: int, host: bytes = b"127.0.0.1") -> Steps:
        yield from ()
        return self._call(LIBC.bind, fd, _address(port, host), 16)

    def do_port(self, fd: int) -> Steps:
        yield from ()
        room, size = ctypes.create_string_buffer(16), ctypes.c_int(16)
        LIBC.getsockname(fd, room, ctypes.byref(size))
        return int.from_bytes(room.raw[2:4], "big")

    def do_host(self, fd: int) -> Steps:
        yield from ()
        room, size = ctypes.create_string_buffer(16), ctypes.c_int(16)
        result = self._call(LIBC.getsockname, fd, room, ctypes.byref(size))
        return result if isinstance(result, Failed) else socket.inet_ntoa(room.raw[4:8])

    def do_listen(self, fd: int, backlog: int) -> Steps:
        yield from ()
        return self._call(LIBC.listen, fd, backlog)

    def do_accept(self, fd: int) -> Steps:
        yield from ()
        return self._call(LIBC.accept, fd, None, None)

    def do_connect(self, fd: int, port: int) -> Steps:
        yield from ()
        return self._call(LIBC.connect, fd, _address(port, b"127.0.0.1"), 16)

    # ---- processes ----

    def do_fork(self, name: str, block: tuple[Line, ...]) -> Steps:
        yield from ()
        pid = os.fork()
        if not pid:
            names = {each: number for each, number in self.names.items() if each != "me"}
            run(Real(name, {**names, "parent": self.names["me"]}), block)
        self.names[name] = pid
        return pid

    def do_wait(self) -> Steps:
        return (yield from self.do_waitpid(-1))

    def do_waitpid(self, pid: int, options: int = 0) -> Steps:
        yield from ()
        status = ctypes.c_int()
        result = self._call(LIBC.waitpid, pid, ctypes.byref(status), options)
        if isinstance(result, Failed):
            return result
        if not result:
            return "nobody yet"
        told = status.value
        if os.WIFSTOPPED(told):
            return result, "stopped by", signal.Signals(os.WSTOPSIG(told)).name
        if os.WIFSIGNALED(told):
            return result, "killed by", signal.Signals(os.WTERMSIG(told)).name
        return result, "exited", os.WEXITSTATUS(told)

    def do_kill(self, pid: int, signum: int) -> Steps:
        yield from ()
        assert pid != -1, "never on a real machine"
        return self._call(LIBC.kill, pid, signum)

    def do_setpgid(self, pid: int, group: int) -> Steps:
        yield from ()
        return self._call(LIBC.setpgid, pid, group)

    def do_setsid(self) -> Steps:
        yield from ()
        return self._call(LIBC.setsid)

    def do_parent(self) -> Steps:
        """Tell whether the parent is still the one who forked."""
        yield from ()
        return "who forked" if os.getppid() == self.names["parent"] else "init"

    def do_exit(self, status: int = 0) -> Steps:
        yield from ()
        os._exit(status)

    def do_exec(self, path: bytes, *arguments: bytes) -> Steps:
        yield from ()
        return self._call(LIBC.execv, path, _vector(path, *arguments))

    def do_execvp(self, file: bytes, *arguments: bytes) -> Steps:
        yield from ()
        return self._call(LIBC.execvp, file, _vector(file, *arguments))

    def do_probe(self, *descriptors: int) -> Steps:
        """Become an image that tells which of these descriptors are open."""
        yield from ()
        asks = [f"if (: >&{fd}) 2>/dev/null; then echo {fd} open; else echo {fd} closed; fi" for fd in descriptors]
        return self._call(LIBC.execv, b"/bin/sh", _vector(b"sh", b"-c", ";".join(asks).encode()))

    # ---- signals and time ----

    def _set(self, signum: int, handler: Any, restart: bool = False) -> Any:
        try:
            signal.signal(signum, handler)
        except (OSError, ValueError):
            return Failed("EINVAL")
        if callable(handler):
            signal.siginterrupt(signum, not restart)
        return 0

    def do_catch(self, signum: int, restart: bytes = b"") -> Steps:
        yield from ()
        return self._set(signum, lambda number, _: self.note(f"caught {signal.Signals(number).name}"), bool(restart))

    def do_ignore(self, signum: int) -> Steps:
        yield from ()
        return self._set(signum, signal.SIG_IGN)

    def do_default(self, signum: int) -> Steps:
        yield from ()
        return self._set(signum, signal.SIG_DFL)

    def _mask(self, how: int, signals: tuple[int, ...]) -> Any:
        before = signal.pthread_sigmask(how, signals)
        for _ in range(8):
            pass
        return tuple(sorted(signal.Signals(each).name for each in before))

    def do_block(self, *signals: int) -> Steps:
        yield from ()
        return self._mask(signal.SIG_BLOCK, signals)

    def do_unblock(self, *signals: int) -> Steps:
        yield from ()
        return self._mask(signal.SIG_UNBLOCK, signals)

    def do_pause(self) -> Steps:
        yield from ()
        return self._call(LIBC.pause)

    def do_alarm(self, seconds: int) -> Steps:
        yield from ()
        return self._call(LIBC.alarm, seconds)

    def do_nanosleep(self, milliseconds: int) -> Steps:
        yield from ()
        milliseconds *= SLOWNESS
        span = struct.pack("ll", milliseconds // 1000, milliseconds % 1000 * 1_000_000)
        return self._call(LIBC.nanosleep, span, None)

    def do_sleep(self, milliseconds: int) -> Steps:
        """Give the others time to get where they wait."""
        yield from ()
        time.sleep(milliseconds * SLOWNESS / 1000)

    def do_busy(self, milliseconds: int) -> Steps:
        yield from ()
        until = time.process_time() + milliseconds / 1000
        while time.process_time() < until:
            pass

    # ---- the world, at once and by nobody ----

    def do_rm(self, path: bytes) -> Steps:
        yield from ()
        os.unlink(path)

    def do_rmdir(self, path: bytes) -> Steps:
        yield from ()
        os.rmdir(os.path.abspath(path))

    def do_mode(self, path: bytes) -> Steps:
        yield from ()
        return oct(os.stat(path).st_mode & 0o7777)

    def do_content(self, path: bytes) -> Steps:
        yield from ()
        return Path(os.fsdecode(path)).read_bytes()


def _address(port: int, host: bytes) -> bytes:
    return struct.pack("=HH4s8s", socket.AF_INET, socket.htons(port), socket.inet_aton(host.decode()), b"\0" * 8)


def _vector(*strings: bytes) -> Any:
    return (ctypes.c_char_p * (len(strings) + 1))(*strings, None)


# ---- playing ------------------------------------------------------------------------------------


def run(side: Real, lines: tuple[Line, ...]) -> None:
    """Be a process of a script until its end."""
    side.names["me"] = os.getpid()
    os.write(LOG, (json.dumps([None, os.getpid()]) + "\n").encode())
    status = 0
    try:
        for _ in play(side, lines):
            raise AssertionError("real calls yield nothing")
    except BaseException as error:
        side.note(f"broke: {type(error).__name__}: {error}")
        status = 99
    os._exit(status)


def build(script: Script, top: Path) -> dict[str, Any]:
    """Make the files of a script's world; give what is asked for besides."""
    asked: dict[str, Any] = {"cwd": top, "env": {"PATH": "/bin:/usr/bin"}, "user": False}
    for kind, *words in script.world:
        if kind == "cwd":
            asked["cwd"] = top / words[0]
        elif kind == "env":
            name, _, text = words[0].partition("=")
            asked["env"][name] = text
        elif kind == "user":
            asked["user"] = True
        elif kind == "file":
            place = top / words[0]
            place.write_bytes(eval("b" + words[2]))
            place.chmod(int(words[1], 8))
        elif kind == "image":
            shutil.copy("/bin/echo", top / words[0])
            (top / words[0]).chmod(int(words[1], 8))
        elif kind == "dir":
            (top / words[0]).mkdir()
            (top / words[0]).chmod(int(words[1], 8))
        elif kind == "fifo":
            os.mkfifo(top / words[0], int(words[1], 8))
        elif kind == "link":
            (top / words[0]).symlink_to(words[1])
        elif kind != "since":
            raise ValueError(f"@{kind}: no such thing to build")
    return asked


def begin(script: Script, top: Path) -> Callable[[], dict[str, Any]]:
    """Let a script begin; give what waits for its end and tells what was seen."""
    asked = build(script, top)
    if asked["user"] and os.geteuid() == 0:
        for path in (top, *top.rglob("*")):
            os.lchown(path, NOBODY, NOBODY)
    log = top.with_suffix(".log")
    out = top.with_suffix(".out")
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.setsid()
        os.chdir(asked["cwd"])
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open(out, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o666), 1)
        os.dup2(1, 2)
        os.dup2(os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o666), LOG, inheritable=False)
        os.dup2(writing, ALIVE, inheritable=True)
        os.closerange(3, LOG)
        os.closerange(ALIVE + 1, LIMIT + 100)
        resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.environ.clear()
        os.environ.update(asked["env"])
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            try:
                signal.signal(number, signal.SIG_DFL)
            except (OSError, ValueError):
                continue
        os.umask(0o022)
        if asked["user"] and os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        run(Real("main", {}), script.lines)
    os.close(writing)

    def finish() -> dict[str, Any]:
        # Whoever came from this script holds the other end; only when all are gone it ends.
        ended, _, _ = select.select([reading], [], [], PATIENCE)
        notes: dict[str, list[str]] = {}
        pids = []
        for line in log.read_text("utf-8").splitlines():
            name, text = json.loads(line)
            if name is None:
                pids.append(text)
            else:
                notes.setdefault(name, []).append(text)
        if not ended:
            notes.setdefault("main", []).append(f"still not over after {PATIENCE} s")
            for each in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
        os.close(reading)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status):
            end = f"exited {os.WEXITSTATUS(status)}"
        else:
            end = f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
        return {"notes": notes, "output": out.read_bytes().decode("latin-1"), "end": end}

    return finish


def main(path: str, slowness: int, *titles: str) -> None:
    """Play scripts of a file, all unless some are named; sleeps last `slowness` times as long."""
    global SLOWNESS  # noqa: PLW0603  (one script's processes share nothing else)
    SLOWNESS = slowness
    found = read_scripts(Path(path).read_text("utf-8"))
    scripts = [found[title] for title in titles or found]
    told: dict[str, Any] = {}
    signal.alarm(60)  # whatever hangs, this ends
    with tempfile.TemporaryDirectory(prefix="bprocsim-kernel-") as scratch:
        Path(scratch).chmod(0o755)
        for start in range(0, len(scripts), AT_ONCE):
            playing = []
            for number, script in enumerate(scripts[start : start + AT_ONCE], start):
                top = Path(scratch) / f"s{number}"
                top.mkdir(mode=0o755)
                playing.append((script.title, begin(script, top)))
            for title, finish in playing:
                told[title] = finish()
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
