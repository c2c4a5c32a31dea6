"""The side of the simulator: the same scripts, played by simulated processes."""

from __future__ import annotations

import ast
from typing import Any, NamedTuple

import bprocsim as bp
from bprocsim.units import ms, s
from tests.calls.language import Failed, Line, Script, Steps, play

TOP = "/w"


def echo(proc: bp.Proc) -> Steps:
    """Write the arguments, as /bin/echo does."""
    yield from proc.print(*proc.argv[1:])


def sleep(proc: bp.Proc) -> Steps:
    """Wait for so many seconds."""
    yield from proc.sleep(int(proc.argv[1]) * s)


def probe(proc: bp.Proc) -> Steps:
    """Tell which descriptors are open."""
    for text in proc.argv[1:]:
        try:
            yield from proc.dup2(int(text), int(text))
        except bp.CallError:
            yield from proc.print(text, "closed")
        else:
            yield from proc.print(text, "open")


class Simulated:
    """One simulated process."""

    def __init__(self, proc: bp.Proc, fs: Any, notes: dict[str, list[str]], name: str, names: dict[str, Any]) -> None:
        self.proc = proc
        self.fs = fs
        self.notes = notes
        self.name = name
        self.names = {**names, "me": proc.pid}

    def flag(self, name: str) -> int:
        return int(getattr(bp, name))

    def note(self, text: str) -> None:
        self.notes.setdefault(self.name, []).append(text)

    def _call(self, call: Any) -> Steps:
        try:
            return (yield from call)
        except bp.CallError as error:
            return Failed(error.error.name)

    # ---- descriptors ----

    def do_pipe(self) -> Steps:
        return (yield from self._call(self.proc.pipe()))

    def do_read(self, fd: int, count: int) -> Steps:
        return (yield from self._call(self.proc.read(fd, count)))

    def do_readall(self, fd: int) -> Steps:
        data = b""
        while piece := (yield from self.do_read(fd, 100_000)):
            if isinstance(piece, Failed):
                return piece
            data += piece
        return data

    def do_write(self, fd: int, data: bytes) -> Steps:
        return (yield from self._call(self.proc.write(fd, data)))

    def do_write_nowhere(self, fd: int) -> Steps:
        return (yield from self._call(self.proc.write(fd, bp.BAD_ADDRESS)))  # type: ignore[arg-type]

    def do_open(self, path: bytes, flags: int = 0, mode: int = 0o666) -> Steps:
        return (yield from self._call(self.proc.open(path, flags, mode)))

    def do_open_nowhere(self, flags: int = 0) -> Steps:
        return (yield from self._call(self.proc.open(bp.BAD_ADDRESS, flags)))

    def do_close(self, fd: int) -> Steps:
        return (yield from self._call(self.proc.close(fd)))

    def do_access(self, path: bytes, mode: int) -> Steps:
        return (yield from self._call(self.proc.access(path, mode)))

    def do_access_nowhere(self, mode: int) -> Steps:
        return (yield from self._call(self.proc.access(bp.BAD_ADDRESS, mode)))

    def do_stat(self, path: bytes) -> Steps:
        found = yield from self._call(self.proc.stat(path))
        if isinstance(found, Failed):
            return found
        return f"{found.kind} {found.mode:o} {'' if found.kind == 'directory' else found.size}"

    def do_chmod(self, path: bytes, mode: int) -> Steps:
        return (yield from self._call(self.proc.chmod(path, mode)))

    def do_mkdir(self, path: bytes, mode: int) -> Steps:
        return (yield from self._call(self.proc.mkdir(path, mode)))

    def do_scandir(self, path: bytes) -> Steps:
        names = yield from self._call(self.proc.scandir(path))
        return names if isinstance(names, Failed) else " ".join(names)

    def do_dup2(self, old: int, new: int) -> Steps:
        return (yield from self._call(self.proc.dup2(old, new)))

    def do_fill(self) -> Steps:
        used = self.proc.thread.process.descriptors
        for number in range(3, 1024):
            if number not in used:
                yield from self.proc.dup2(0, number)
        return "full"

    # ---- sockets ----

    def do_socket(self) -> Steps:
        return (yield from self._call(self.proc.socket()))

    def do_bind(self, fd: int, port: int, host: bytes = b"127.0.0.1") -> Steps:
        return (yield from self._call(self.proc.bind(fd, bp.Address(host.decode(), port))))

    def do_port(self, fd: int) -> Steps:
        return (yield from self.proc.getsockname(fd)).port

    def do_host(self, fd: int) -> Steps:
        result = yield from self._call(self.proc.getsockname(fd))
        return result if isinstance(result, Failed) else result.host

    def do_listen(self, fd: int, backlog: int) -> Steps:
        return (yield from self._call(self.proc.listen(fd, backlog)))

    def do_accept(self, fd: int) -> Steps:
        result = yield from self._call(self.proc.accept(fd))
        return result if isinstance(result, Failed) else result[0]

    def do_connect(self, fd: int, port: int) -> Steps:
        return (yield from self._call(self.proc.connect(fd, bp.Address("127.0.0.1", port))))

    # ---- processes ----

    def do_fork(self, name: str, block: tuple[Line, ...]) -> Steps:
        names = {**self.names, "parent": self.proc.pid}

        def child(proc: bp.Proc) -> Steps:
            yield from play(Simulated(proc, self.fs, self.notes, name, names), block)

        pid = yield from self._call(self.proc.fork(child))
        self.names[name] = pid
        return pid

    def do_wait(self) -> Steps:
        return self._waited((yield from self._call(self.proc.wait())))

    def do_waitpid(self, pid: int, options: int = 0) -> Steps:
        return self._waited((yield from self._call(self.proc.waitpid(pid, options))))

    def _waited(self, told: Any) -> Any:
        if isinstance(told, Failed):
            return told
        if told is None:
            return "nobody yet"
        if told.signal is None:
            return told.pid, "exited", told.exit_status
        return told.pid, "stopped by" if told.stopped else "killed by", bp.Signal(told.signal).name

    def do_kill(self, pid: int, signum: int) -> Steps:
        return (yield from self._call(self.proc.kill(pid, signum)))

    def do_setpgid(self, pid: int, group: int) -> Steps:
        return (yield from self._call(self.proc.setpgid(pid, group)))

    def do_setsid(self) -> Steps:
        return (yield from self._call(self.proc.setsid()))

    def do_parent(self) -> Steps:
        yield from ()
        assert self.proc.ppid in (self.names["parent"], 1)
        return "who forked" if self.proc.ppid == self.names["parent"] else "init"

    def do_exit(self, status: int = 0) -> Steps:
        yield from self.proc.exit(status)

    def do_exec(self, path: bytes, *arguments: bytes) -> Steps:
        return (yield from self._call(self.proc.execv(path, [path, *arguments])))

    def do_execvp(self, file: bytes, *arguments: bytes) -> Steps:
        return (yield from self._call(self.proc.execvp(file, [file, *arguments])))

    def do_probe(self, *descriptors: int) -> Steps:
        return (yield from self._call(self.proc.execv("/usr/bin/probe", ["probe", *map(str, descriptors)])))

    # ---- signals and time ----

    def do_catch(self, signum: int, restart: bytes = b"") -> Steps:
        def handler(_proc: bp.Proc, number: int) -> None:
            self.note(f"caught {bp.Signal(number).name}")

        return (yield from self._set(signum, handler, bool(restart)))

    def do_ignore(self, signum: int) -> Steps:
        return (yield from self._set(signum, bp.SIG_IGN))

    def do_default(self, signum: int) -> Steps:
        return (yield from self._set(signum, bp.SIG_DFL))

    def _set(self, signum: int, action: Any, restart: bool = False) -> Steps:
        result = yield from self._call(self.proc.sigaction(signum, action, restart))
        return result if isinstance(result, Failed) else 0

    def _mask(self, how: int, signals: tuple[int, ...]) -> Steps:
        before = yield from self.proc.sigprocmask(how, signals)
        return tuple(sorted(bp.Signal(each).name for each in before))

    def do_block(self, *signals: int) -> Steps:
        return (yield from self._mask(bp.SIG_BLOCK, signals))

    def do_unblock(self, *signals: int) -> Steps:
        return (yield from self._mask(bp.SIG_UNBLOCK, signals))

    def do_pause(self) -> Steps:
        return (yield from self._call(self.proc.pause()))

    def do_alarm(self, seconds: int) -> Steps:
        return (yield from self._call(self.proc.alarm(seconds)))

    def do_nanosleep(self, milliseconds: int) -> Steps:
        return (yield from self._call(self.proc.sleep(milliseconds * ms)))

    def do_sleep(self, milliseconds: int) -> Steps:
        yield from self.proc.sleep(milliseconds * ms)

    def do_busy(self, milliseconds: int) -> Steps:
        yield from self.proc.compute(milliseconds * ms)

    # ---- the world, at once and by nobody ----

    def _place(self, path: bytes) -> bytes:
        return path if path.startswith(b"/") else self.proc.cwd.encode() + b"/" + path

    def do_rm(self, path: bytes) -> Steps:
        yield from ()
        self.fs.unlink(self._place(path))

    def do_rmdir(self, path: bytes) -> Steps:
        yield from ()
        self.fs.rmdir(self._place(path).removesuffix(b"/."))

    def do_mode(self, path: bytes) -> Steps:
        yield from ()
        return oct(self.fs.stat(self._place(path)).mode)

    def do_content(self, path: bytes) -> Steps:
        yield from ()
        return self.fs.read_file(self._place(path))


class World(NamedTuple):
    """Where a script is played: the cluster, and who plays it with which environment in which directory."""

    cluster: bp.Cluster
    who: bp.Credentials | None
    env: dict[str, str]
    cwd: str


def build(script: Script, *, root: bool, trace: str = "errors") -> World:
    """Build the world of a script, for root or not."""
    cluster = bp.Cluster(nodes=0, trace=trace)
    fs = cluster.master.fs
    cluster.install("/bin/echo", echo)
    cluster.install("/bin/sleep", sleep)
    cluster.install("/usr/bin/probe", probe)
    root = root and ("user",) not in script.world
    uid = 0 if root else 1000
    fs.mkdir(TOP, uid=uid, gid=uid)
    cwd, env = TOP, {"PATH": "/bin:/usr/bin"}
    for kind, *words in script.world:
        path = f"{TOP}/{words[0]}" if words else ""
        if kind == "cwd":
            cwd = path
        elif kind == "env":
            name, _, text = words[0].partition("=")
            env[name] = text
        elif kind == "file":
            fs.write_file(path, ast.literal_eval("b" + words[2]), mode=int(words[1], 8), uid=uid, gid=uid)
        elif kind == "image":
            cluster.install(path, echo, mode=int(words[1], 8), uid=uid, gid=uid)
        elif kind == "dir":
            fs.mkdir(path, mode=int(words[1], 8), uid=uid, gid=uid)
        elif kind == "fifo":
            fs.mknod(path, "fifo", mode=int(words[1], 8), uid=uid, gid=uid)
        elif kind == "link":
            fs.symlink(words[1], path)
    return World(cluster, None if root else bp.Credentials(uid, uid), env, cwd)


def simulate(script: Script, *, root: bool) -> dict[str, Any]:
    """Play a script in a world of its own, by root or not; tell what was seen."""
    cluster, who, env, cwd = build(script, root=root)
    notes: dict[str, list[str]] = {}

    def main(proc: bp.Proc) -> Steps:
        yield from play(Simulated(proc, cluster.master.fs, notes, "main", {}), script.lines)

    cluster.install("/usr/bin/main", main)
    out = cluster.execve("/usr/bin/main", ["main"], env, user=who, cwd=cwd)
    end = f"exited {out.exit_status}" if out.signal is None else f"killed by {bp.Signal(out.signal).name}"
    if out.exception is not None:
        notes.setdefault("main", []).append(f"broke: {type(out.exception).__name__}: {out.exception}")
    return {"notes": notes, "output": (out.stdout + out.stderr).decode("latin-1"), "end": end}
