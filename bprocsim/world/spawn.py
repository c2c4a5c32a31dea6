"""spawn: what a session has in place of fork and exec."""

from __future__ import annotations

from typing import Any

from bprocsim.errnos import Errno
from bprocsim.faces.arguments import integer
from bprocsim.faces.calls import settle
from bprocsim.faces.errors import raised
from bprocsim.faces.pyos import Proc
from bprocsim.kernel import call
from bprocsim.manual import Fail
from bprocsim.port import Steps
from bprocsim.posix.procs import Disposition, Process
from bprocsim.world.direct import wait_until
from bprocsim.world.directcalls import vectors_of
from bprocsim.world.driven import Driver

# What the descriptors 0, 1 and 2 are called, and the status of a child whose exec was refused.
_NAMES = ((0, "stdin"), (1, "stdout"), (2, "stderr"))
_NOT_EXECUTED = 127


def spawn(
    driver: Driver, path: Any, argv: Any, envp: Any, streams: tuple[int | None, ...], node: Any = None, port: Any = 0
) -> int:
    """Fork a child of a session that becomes another image; gives its pid once that is decided.

    `streams` the descriptors that it gets as 0, 1 and 2; with `node` it moves there, its I/O
    forwarded to `port`. CallError: the fork or the exec was
    refused, and no child is left. TypeError, ValueError: name the argument.
    """
    where, arguments, environment = vectors_of(path, argv, envp, "path")
    files = [(integer(fd, name), number) for (number, name), fd in zip(_NAMES, streams, strict=True) if fd is not None]
    args: list[Any]
    name, args = "execve", [where, arguments, environment]
    if node is not None:
        name, args[:0] = "_bproc_execmove_io", [integer(node, "node"), integer(port, "port")]
    elif port:
        raise ValueError(f"port: I/O is forwarded from another node; there must be a node= with port={port!r}")
    refused: list[Fail] = []

    def spawned(proc: Proc) -> Steps:
        _reset_handlers(proc.thread.process)
        for made in (*(("dup2", each) for each in files), (name, tuple(args))):
            result = yield from call(proc.thread, *made)
            if isinstance(result, Fail):
                refused.append(result)
                yield from proc.exit(_NOT_EXECUTED)
        settle(result, proc.thread)

    driver.ready("spawn")
    pid = driver.run("spawn", Proc.fork(driver.proc, spawned))
    if isinstance(pid, Fail):
        raise raised(pid, driver.process.machine.unix.name)
    child: Process = driver.process.children[pid]
    head = f"spawn(...) by pid {driver.process.pid}"
    wait_until(driver.sim, lambda: bool(refused) or _is_decided(child), head, driver.sim.now_ns, driver.timeout_ns)
    if refused:
        _reap(driver, pid)
        raise raised(refused[0], driver.process.machine.unix.name)
    return pid


def _reset_handlers(process: Process) -> None:
    """Let a child catch nothing, as after its exec: the handlers are the session's. Source: posix-exec."""
    process.handlers = {signum: each for signum, each in process.handlers.items() if isinstance(each, Disposition)}


def _is_decided(child: Process) -> bool:
    """Tell whether a child's exec can fail no more by coming back, or it has ended."""
    master = child.machine.master
    move = None if master is None else master.moves.get(child.pid)
    return child.ended is not None or (child.execed and (move is None or move.before is None))


def _reap(driver: Driver, pid: int) -> None:
    """Wait for a child that nobody is to know of, whatever signals come; it is gone if SIGCHLD is ignored."""
    while True:
        result = driver.run("spawn", driver.proc.waitpid(pid))
        if not isinstance(result, Fail) or result.row.errno is not Errno.EINTR:
            return
