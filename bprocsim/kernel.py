"""One machine: dispatch of calls, the life of a process, delivery of signals."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import suppress
from functools import cache
from importlib import import_module
from types import GeneratorType
from typing import Any

from bprocsim.bproc.master import Master
from bprocsim.costs import Costs
from bprocsim.errnos import Errno
from bprocsim.faces.control import ImageReplaced, ProcessEnds
from bprocsim.faces.pyos import Proc
from bprocsim.manual import Errors, Exit, Fail, Replaced
from bprocsim.port import Interface, Steps, Why
from bprocsim.posix.arch import Arch
from bprocsim.posix.elf import program_of
from bprocsim.posix.exec import ExecProfile
from bprocsim.posix.image import Loaded, Program
from bprocsim.posix.machine import FileTable, Memory
from bprocsim.posix.network import Network, Ports
from bprocsim.posix.procs import (
    Disposition,
    Ended,
    PidSpace,
    Process,
    State,
    Thread,
    orphan_children,
    release,
)
from bprocsim.posix.skeleton import skeleton
from bprocsim.posix.vfs import FileTree
from bprocsim.signals import Signal, name
from bprocsim.trace import Trace, anonymous

# Every call by its name: the room and the function that runs it. Rooms are fetched when a program
# first makes one of their calls, so that a world in which little happens begins fast.
CALLS: dict[str, tuple[str, str]] = {
    "read": ("posix.fileio", "read"),
    "write": ("posix.fileio", "write"),
    "close": ("posix.fileio", "close"),
    "dup2": ("posix.fileio", "dup2"),
    "pipe": ("posix.fileio", "pipe"),
    "open": ("posix.openfile", "open_"),
    "socket": ("posix.sockets", "socket"),
    "bind": ("posix.sockets", "bind"),
    "listen": ("posix.sockets", "listen"),
    "accept": ("posix.sockets", "accept"),
    "connect": ("posix.sockets", "connect"),
    "getsockname": ("posix.sockets", "getsockname"),
    "fork": ("posix.life", "fork"),
    "waitpid": ("posix.life", "waitpid"),
    "setpgid": ("posix.life", "setpgid"),
    "setsid": ("posix.life", "setsid"),
    "nanosleep": ("posix.life", "sleep"),
    "compute": ("posix.life", "compute"),
    "thread_create": ("posix.life", "thread_create"),
    "thread_join": ("posix.life", "thread_join"),
    "kill": ("posix.signaling", "kill"),
    "sigaction": ("posix.signaling", "sigaction"),
    "sigprocmask": ("posix.signaling", "sigprocmask"),
    "pause": ("posix.signaling", "pause"),
    "alarm": ("posix.signaling", "alarm"),
    "execve": ("posix.execcalls", "execve"),
    "execvp": ("posix.execcalls", "execvp"),
    "_bproc_execmove_io": ("bproc.move", "execmove"),
}


@cache
def runner(call_name: str) -> Callable[..., Steps]:
    """Fetch what runs a call; its arguments are as the faces pass them."""
    room, function = CALLS[call_name]
    found: Callable[..., Steps] = getattr(import_module(f"bprocsim.{room}"), function)
    return found


# Calls that write a record of their own, with the bytes.
HAVE_OWN_RECORDS = frozenset({"read", "write"})

# Calls that a caught signal always ends, whatever its handler asked for. Source: linux-signal7.
NEVER_RESTARTED = frozenset({"pause", "nanosleep"})


class Machine:
    """A machine of a simulated world; see posix/machine.py for what its rooms may ask of it.

    `number` its node number; `master` the master daemon of its cluster, None on a machine without
    BProc; `programs` the behaviours by the name in their images; `strict` lets a program's own
    exception reach the library's user.
    """

    __slots__ = (
        "address", "alive", "arch", "costs", "died_ns", "execve_errors", "files", "hidden", "interface_in",
        "interface_out", "master", "memory", "name", "network", "number", "pids", "port", "processes",
        "processors", "profile", "programs", "sockets", "strict", "trace", "tree",
    )  # fmt: skip

    tree: FileTree

    def __init__(
        self, *, name: str, number: int, address: str, port: Any, processors: Any, arch: Arch, profile: ExecProfile,
        costs: Costs, trace: Trace, memory: Memory, files: FileTable, network: Network, pids: PidSpace,
        programs: dict[str, Program], execve_errors: Errors, strict: bool = False,
    ) -> None:  # fmt: skip
        self.name = name
        self.number = number
        self.address = address
        self.port = port
        self.processors = processors
        self.arch = arch
        self.profile = profile
        self.costs = costs
        self.trace = trace
        self.memory = memory
        self.files = files
        self.network = network
        self.pids = pids
        self.programs = programs
        self.execve_errors = execve_errors
        self.strict = strict
        self.sockets = Ports()
        self.interface_out = Interface()
        self.interface_in = Interface()
        self.processes: dict[int, Process] = {}
        self.hidden: list[bytes] = []
        self.master: Master | None = None
        self.alive = True
        self.died_ns = 0
        network.machines[address] = self

    def __getattr__(self, name: str) -> Any:
        # Reached only while a slot is empty: its files come into being when first asked for.
        if name != "tree":
            raise AttributeError(name)
        self.tree = FileTree(skeleton(self.arch))
        return self.tree

    def record(self, pid: int, kind: str, *details: Any) -> None:
        """See posix.Machine."""
        self.trace.add(self.port.now_ns, self.name, pid, kind, *details)

    # ---- programs ----

    def program_of(self, image: Loaded) -> Program | None:
        """See posix.Machine."""
        named = program_of(image.elf)
        return self.programs.get(named) if named is not None else None

    def hides(self, library: bytes) -> bool:
        """See posix.Machine."""
        return bool(self.hidden) and library in self.hidden

    # ---- processes ----

    def visible(self) -> list[Process]:
        """Give the processes that a process here can name, by pid."""
        return [process for _, process in sorted(self.pids.table.items()) if process is not None]

    def find(self, pid: int) -> Process | None:
        """See posix.Machine."""
        found: Process | None = self.pids.table.get(pid)
        return found

    def forget(self, process: Process) -> None:
        """Free a pid: nobody will ask for this process any more."""
        self.pids.table.pop(process.pid, None)
        process.machine.processes.pop(process.pid, None)

    def new_pid(self) -> int:
        """Hand out a pid to the harness; ValueError when there is none."""
        pid = self.pids.allocate()
        if not pid:
            raise ValueError("user: this world has no pid left for another process")
        return pid

    def new_process(self) -> Process:
        """Make a process of the harness, with a pid and nothing else."""
        return self._enter(self.new_pid())

    def _enter(self, pid: int) -> Process:
        process = Process(pid, self, pgid=pid, sid=pid)
        process.threads.append(Thread(process))
        process.cwd = self.tree.root
        self.processes[pid] = process
        if self.master is None:
            self.pids.table[pid] = process
        else:
            self.master.born(process)
        return process

    def new_child(self, parent: Process, thread: Thread) -> Steps:
        """See posix.Machine."""
        if self.master is None or self.master.is_home(self):
            pid = self.pids.allocate()
        else:
            pid = yield from self.master.allocate_pid(self, thread)
        return self._enter(pid) if pid else None

    def start(self, process: Process, body: Callable[[Proc], Any]) -> None:
        """See posix.Machine."""
        thread = process.threads[0]
        process.body = body
        thread.task = self.port.start(lead(thread))

    def start_thread(self, thread: Thread, body: Callable[[Proc], Any]) -> None:
        """See posix.Machine."""
        thread.task = self.port.start(lead_thread(thread, body))

    def end(self, process: Process, ended: Ended, by: Thread | None = None) -> None:
        """See posix.Machine; `by` the thread that ends its own process, which nobody may close."""
        if process.ended is not None:
            return
        self.kill_silently(process, ended, by)
        release(self, process)
        if ended.signal is not None:
            self.record(process.pid, "killed", name(ended.signal))
        elif self.trace.all:
            self.record(process.pid, "exit", ended.exit_status)
        if self.master is None or self.master.is_home(self):
            self.report(process)
        else:
            self.master.exited(process)

    def kill_silently(self, process: Process, ended: Ended, by: Thread | None = None) -> None:
        """Let a process be over without anybody being told: its threads stop where they are."""
        process.ended = ended
        for thread in process.threads:
            self._close(thread, by)

    def _close(self, thread: Thread, by: Thread | None) -> None:
        """Let a thread run no more; `by` closes itself."""
        waiter, thread.waiting, thread.ended = thread.waiting, None, True
        if waiter is not None and waiter.queue is not None:
            waiter.queue.leave(waiter)
        if thread is not by and thread.task is not None:
            self.port.stop(thread.task)
        thread.task = None

    def abandon(self, process: Process, over: BaseException | None) -> None:
        """End a process whose program catches everything, `over` included, which was to end it."""
        ended = Ended(over.exit_status, over.signal) if isinstance(over, ProcessEnds) else Ended(exit_status=1)
        self.end(process, ended)

    def only(self, thread: Thread) -> None:
        """See posix.Machine."""
        process = thread.process
        for other in process.threads:
            if other is not thread:
                self._close(other, None)
        process.threads[:] = [thread]
        thread.number = 1

    def report(self, process: Process) -> None:
        """Let the parent learn that a process ended; one without a parent is reaped at once."""
        assert process.ended is not None
        process.reported = True
        if process.family is not None:
            process.family.living -= 1
        process.ghost = None
        orphan_children(process)
        parent = process.parent
        if parent is None or parent.handlers.get(Signal.SIGCHLD) is Disposition.IGNORE:
            process.move_to(State.GONE)
            self.forget(process)
            if parent is not None:
                parent.children.pop(process.pid, None)
        else:
            process.move_to(State.ZOMBIE)
        self.tell_parent(process)
        for watch in process.watchers or ():
            watch(process)
        process.proc = None

    def tell_parent(self, process: Process) -> None:
        """See posix.Machine."""
        parent = process.parent
        if parent is None or not parent.alive:
            return
        from bprocsim.posix.signaling import post

        post(parent.machine, parent, Signal.SIGCHLD, None)
        if parent.child_waiters is not None:
            parent.child_waiters.wake_all(self.port, Why.DONE)

    def stop(self, process: Process, signum: int) -> None:
        """See posix.Machine."""
        from bprocsim.posix.signaling import interrupt

        if process.state is State.RUNNING:
            process.move_to(State.STOPPED)
            process.stop_report = int(signum)
            interrupt(self, process, everybody=True)
            self.tell_parent(process)

    def forward(self, process: Process, signum: int, sender: Process | None) -> bool:
        """See posix.Machine."""
        if process.machine is self or self.master is None or process.state is State.MOVING:
            return False
        self.master.forward_signal(self, process, signum)
        return True

    def take_signals(self, thread: Thread) -> Steps:
        """See posix.Machine."""
        from bprocsim.posix.signaling import take

        return (yield from take(self, thread, proc_of(thread)))

    # ---- death ----

    def die(self) -> None:
        """Lose power, or hang: nothing here runs on, and nobody is told."""
        self.alive = False
        self.died_ns = self.port.now_ns
        for process in list(self.processes.values()):
            if process.state is not State.MOVING and not process.idle:
                for thread in process.threads:
                    self._close(thread, None)
                if process.alarm is not None:
                    process.alarm[1].cancel()  # its clock has stopped too


# ---- calls -----------------------------------------------------------------------------------------


def call(thread: Thread, call_name: str, args: tuple[Any, ...], surveyed: Any = None) -> Generator[Any, Any, Any]:
    """Make a call for a thread, deliver signals on the way back, and write it into the trace.

    `surveyed` the call's own survey, if it was made at this very instant. What comes back is an
    Outcome or a plain value.
    """
    process = thread.process
    run = runner(call_name)
    while True:
        thread.restart = None
        if surveyed is None:
            result = yield from run(process.machine, thread, *args)
        else:
            result = yield from run(process.machine, thread, *args, surveyed)
            surveyed = None
        interrupted = isinstance(result, Fail) and result.row.errno is Errno.EINTR
        if process.pending or process.state is State.STOPPED or interrupted:
            restart = yield from process.machine.take_signals(thread)
            # Where no handler ran (it was stopped, or another thread took the signal) nobody sees a thing.
            if interrupted and (restart is None or (restart and call_name not in NEVER_RESTARTED)):
                continue
        break
    trace = process.machine.trace
    if isinstance(result, Fail):
        process.machine.record(process.pid, "fail", call_name, args, result.row.errno.name, result.row.cause)
    elif trace.all and not isinstance(result, Exit) and call_name not in HAVE_OWN_RECORDS:
        value = None if isinstance(result, Replaced) else result
        process.machine.record(process.pid, "call", call_name, args, "(new image)" if value is None else value)
    return result


def proc_of(thread: Thread) -> Proc:
    """Give the inside view of a thread: what its program calls on."""
    process = thread.process
    if thread is not process.threads[0]:
        return Proc(thread, call)
    if process.proc is None:
        process.proc = Proc(thread, call)
    proc: Proc = process.proc
    return proc


# ---- the life of a process ---------------------------------------------------------------------------


def lead(thread: Thread) -> Steps:
    """Lead a process through its life: body or image after image, until one ends it."""
    process = thread.process
    while True:
        proc = proc_of(thread)
        try:
            body = process.body or run_image
            status = yield from _run(proc, body)
            ended = Ended(exit_status=status)
        except ImageReplaced:
            process.machine.only(thread)
            process.proc = None
            continue
        except ProcessEnds as end:
            ended = Ended(end.exit_status, end.signal)
        except Exception as error:
            if thread.ended:
                return  # it was killed: what its `finally` raises is heard by nobody
            ended = Ended(exit_status=1)
            process.exception = error
            process.machine.record(process.pid, "raised", told(error))
            if process.machine.strict:
                process.machine.end(process, ended, thread)
                raise
            yield from _complain(thread, error)
        break
    process.machine.end(process, ended, thread)


def _run(proc: Proc, body: Callable[[Proc], Any]) -> Steps:
    made = body(proc)
    value = (yield from made) if isinstance(made, GeneratorType) else made
    proc.check_finished()
    return as_status(value)


def as_status(value: Any) -> int:
    """Take what a program returned as its exit status: None is 0, an int its low eight bits."""
    if value is None:
        return 0
    if isinstance(value, int):
        return value & 0xFF
    raise TypeError(f"a program returns its exit status, an int or None, not {value!r}")


def told(error: Exception) -> str:
    """Write what a program raised: the same in every run, so without the addresses of Python's own objects."""
    return anonymous(f"{type(error).__name__}: {error}")


def _complain(thread: Thread, error: Exception) -> Steps:
    """Write what a program raised on its stderr, if that is open and takes it."""
    process = thread.process
    text = f"{process.comm.decode('utf-8', 'replace') or 'program'}: {told(error)}\n"
    data = text.encode("utf-8", "replace")
    with suppress(ProcessEnds):  # nobody reads it either
        yield from call(thread, "write", (2, data))


def run_image(proc: Proc) -> Steps:
    """Run the image of a process: its loader, then the program behind it.

    An image that names no program of ours loads its libraries and exits with 0.
    """
    thread = proc.thread
    process: Process = thread.process
    machine, image = process.machine, process.image
    if process.pending:
        yield from machine.take_signals(thread)
    if machine.trace.all:
        machine.record(process.pid, "start", image.path.decode("utf-8", "backslashreplace"), process.argv)
    if image.kill:
        raise ProcessEnds(signal=image.kill)
    if image.loader is not None:
        from bprocsim.posix import loader

        needed = len(image.elf.needed)
        yield machine.port.sleep(machine.costs.loader_ns_per_library * (needed + 1))
        found = loader.resolve(machine, process, image)
        if isinstance(found, loader.Missing):
            machine.record(process.pid, "loader", found.message.decode("utf-8", "backslashreplace").rstrip())
            yield from call(thread, "write", (2, found.message))
            return loader.FAILED_STATUS
    if image.program is None:
        return 0
    made = image.program.function(proc)
    return (yield from made) if isinstance(made, GeneratorType) else made


def lead_thread(thread: Thread, body: Callable[[Proc], Any]) -> Steps:
    """Lead a second thread until its function returns; its process lives on."""
    process = thread.process
    proc = proc_of(thread)
    try:
        made = body(proc)
        thread.value = (yield from made) if isinstance(made, GeneratorType) else made
        proc.check_finished()
    except ImageReplaced:
        process.machine.only(thread)
        process.proc = None
        yield from lead(thread)
        return
    except ProcessEnds as end:
        process.machine.end(process, Ended(end.exit_status, end.signal), thread)
        return
    except Exception as error:
        if thread.ended:
            return
        process.exception = error
        process.machine.record(process.pid, "raised", told(error))
        if not process.machine.strict:
            yield from _complain(thread, error)
        process.machine.end(process, Ended(exit_status=1), thread)
        if process.machine.strict:
            raise
        return
    thread.ended = True
    if thread.joiners is not None:
        thread.joiners.wake_all(process.machine.port, Why.DONE)
