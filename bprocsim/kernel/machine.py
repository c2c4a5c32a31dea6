"""A machine of a simulated world: what it has, its processes, their beginnings and their ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bprocsim.bproc import ghost
from bprocsim.bproc.master import Master
from bprocsim.costs import Costs
from bprocsim.faces.control import ProcessEnds
from bprocsim.faces.pyos import Proc
from bprocsim.kernel.calls import proc_of
from bprocsim.kernel.life import lead, lead_thread
from bprocsim.kernel.rules import Rules
from bprocsim.manual import Errors
from bprocsim.port import Interface, Steps, Why
from bprocsim.posix.arch import Arch
from bprocsim.posix.exec import ExecProfile
from bprocsim.posix.image import Loaded, Program, program_named
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
from bprocsim.posix.unix import LINUX, Unix
from bprocsim.posix.vfs import FileTree
from bprocsim.posix.waiting import withdraw
from bprocsim.signals import Signal, name
from bprocsim.trace import Trace

if TYPE_CHECKING:
    from bprocsim.aix.partition import Partition
    from bprocsim.kernel.apart import Apart

_GONE, _ZOMBIE = State.GONE, State.ZOMBIE  # looking a member up in an Enum is slow


class Machine:
    """A machine of a simulated world; see posix/machine.py for what its rooms may ask of it.

    `number` its node number; `master` the master daemon of its cluster, None on a machine without
    BProc; `partition` what AIX knows of its processors, None elsewhere; `programs` the behaviours by
    the name in their images; `strict` lets a program's own exception reach the library's user;
    `unix` what kind of system it runs, `face` how a program sees its process there; `hostname` what it
    calls itself, its name unless that is given; `alone` no process here belongs to BProc's space,
    `sees_all` from here all of its processes can be seen; `apart` the part of it that is outside of that
    space, once anybody is there; `module` BProc's kernel module is loaded.
    """

    __slots__ = (
        "_tree", "address", "alive", "alone", "apart", "arch", "costs", "died_ns", "execve_errors", "face",
        "fifos", "files", "hidden", "hostname", "interface_in", "interface_out", "master", "memory", "module", "name",
        "network", "number", "partition", "pids", "port", "processes", "processors", "profile", "programs",
        "rules", "sees_all", "sockets", "strict", "trace", "unix",
    )  # fmt: skip

    def __init__(
        self, *, name: str, number: int, address: str, port: Any, processors: Any, arch: Arch, profile: ExecProfile,
        costs: Costs, trace: Trace, memory: Memory, files: FileTable, network: Network, pids: PidSpace,
        programs: dict[str, Program], execve_errors: Errors, rules: Rules, strict: bool = False, unix: Unix = LINUX,
        face: type[Proc] = Proc, hostname: str = "",
    ) -> None:  # fmt: skip
        self.name = name
        self.hostname = hostname or name
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
        self.rules = rules
        self.strict = strict
        self.unix = unix
        self.face = face
        self.sockets = Ports()
        self.fifos: dict[int, Any] = {}
        self.interface_out = Interface()
        self.interface_in = Interface()
        self.processes: dict[int, Process] = {}
        self.hidden: list[bytes] = []
        self.master: Master | None = None
        self.partition: Partition | None = None
        self.alive = self.alone = self.sees_all = True
        self.died_ns = 0
        self.apart: Apart | None = None
        self.module = True
        self._tree: FileTree | None = None
        network.machines[address] = self

    @property
    def tree(self) -> FileTree:
        """Give its files, which come into being when first asked for."""
        if self._tree is None:
            self._tree = FileTree(self.unix.skeleton(self.arch))
        return self._tree

    def record(self, pid: int, kind: str, *details: Any) -> None:
        """See posix.Machine."""
        self.trace.add(self.port.now_ns, self.name, pid, kind, *details)

    # ---- programs ----

    def program_of(self, image: Loaded) -> Program | None:
        """See posix.Machine."""
        named = program_named(image.inode.data, self.arch)
        return self.programs.get(named) if named is not None else None

    def hides(self, library: bytes) -> bool:
        """See posix.Machine."""
        return bool(self.hidden) and library in self.hidden

    # ---- processes ----

    def join(self, master: Master) -> None:
        """Be a machine of a master's cluster from now on."""
        self.master, self.alone, self.sees_all = master, False, master.machine is self

    def visible(self) -> list[Process]:
        """See posix.Machine."""
        seen = self.pids.table if self.sees_all else self.processes
        return [process for _, process in sorted(seen.items()) if process is not None]

    def find(self, pid: int) -> Process | None:
        """See posix.Machine."""
        found: Process | None = (self.pids.table if self.sees_all else self.processes).get(pid)
        return found

    def by_ghost(self, thread: Thread, call: str, what: str, decide: Callable[[Any], Any]) -> Steps:
        """See posix.Machine."""
        assert self.master is not None, "who has no master sees all"
        return (yield from self.master.ask(self, thread, call, what, decide))

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
        return self.enter(self.new_pid())

    def enter(self, pid: int) -> Process:
        """Enter a process with nothing but this pid."""
        process = Process(pid, self)
        process.pgid = process.sid = pid
        process.threads.append(Thread(process))
        self.processes[pid] = process
        if self.alone:
            self.pids.table[pid] = process
        else:
            assert self.master is not None, "it is not alone"
            self.master.born(process)
        return process

    def new_child(self, parent: Process, thread: Thread) -> Steps:
        """See posix.Machine."""
        assert self.master is not None, "who has no master sees all"
        pid = yield from self.master.allocate_pid(self, thread)
        return self.enter(pid) if pid else None

    def new_child_at_once(self) -> Process | None:
        """See posix.Machine."""
        pid = self.pids.allocate()
        return self.enter(pid) if pid else None

    def start(self, process: Process, body: Callable[[Proc], Any]) -> None:
        """See posix.Machine."""
        thread = process.threads[0]
        process.body = body
        thread.task = self.port.start(lead(thread))

    def embark(self, process: Process, journey: Steps, then: Callable[[], Steps]) -> None:
        """See posix.Machine."""
        process.threads[0].task = self.port.start_at_once(journey, then)

    def lead_on(self, thread: Thread) -> Steps:
        """See posix.Machine."""
        return lead(thread, arrived=True)

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
            self.record(process.pid, "killed", name(ended.signal, self.unix.name))
        elif self.trace.all:
            self.record(process.pid, "exit", ended.exit_status)
        if self.sees_all:
            self.report(process)
        else:
            assert self.master is not None, "who has no master sees all"
            ghost.exited(self.master, process)

    def kill_silently(self, process: Process, ended: Ended, by: Thread | None = None) -> None:
        """Let a process be over without anybody being told: its threads stop where they are."""
        process.ended = ended
        for thread in process.threads:
            self._close(thread, by)

    def _close(self, thread: Thread, by: Thread | None) -> None:
        """Let a thread run no more; `by` closes itself."""
        thread.ended = True
        if thread.waiting is not None:
            withdraw(thread)
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
        if len(process.threads) != 1:
            for other in process.threads:
                if other is not thread:
                    self._close(other, None)
            process.threads[:] = [thread]
        thread.number = 1

    def report(self, process: Process) -> None:
        """Let the system learn that a process ended, and then its parent; one without a parent is reaped at once."""
        assert process.ended is not None
        process.reported = True
        if process.family is not None:
            process.family.living -= 1
        process.ghost = None
        if process.children:
            if not self.alone and self.master is not None:
                ghost.parent_gone(self.master, process)
            orphan_children(process)
        parent, master = process.parent, self.master
        if master is not None and master.signals:
            master.signals.pop(process, None)
        if parent is None:
            if process.state is not _GONE:
                process.move_to(_GONE)
            self.forget(process)
        else:
            if process.state is not _ZOMBIE and process.state is not _GONE:
                process.move_to(_ZOMBIE)
            if process.machine is not self and parent.machine is not process.machine:
                process.machine.processes.pop(process.pid, None)  # only its ghost is left
            if master is None or self.alone or parent.machine is self:
                self.hear_of_end(process)
            elif process.state is _ZOMBIE and not parent.children.has_ended(process):
                ghost.hear(master, parent, "SYS_WAIT response", lambda: parent.machine.hear_of_end(process))
        for watch in process.watchers or ():
            watch(process)
        process.proc = None
        process.threads.clear()

    def hear_of_end(self, child: Process) -> None:
        """Let a parent who is here know that a child has ended, unless he has heard so."""
        parent = child.parent
        if parent is None or not parent.alive or child.state is _GONE or parent.children.has_ended(child):
            return
        if parent.handlers.get(Signal.SIGCHLD) is Disposition.IGNORE:
            self.reap(child)
        else:
            parent.children.note_end(child)
        self._child_changed(parent)

    def reap(self, child: Process) -> None:
        """See posix.Machine."""
        child.parent.children.remove(child)
        child.move_to(_GONE)
        if self.sees_all:
            self.forget(child)
        else:
            assert self.master is not None
            ghost.waited_for(self.master, self, child)

    def _child_changed(self, parent: Process) -> None:
        """Signal a parent that something became of a child, and wake those of its threads that wait for that."""
        from bprocsim.posix.signaling import post

        post(self, parent, Signal.SIGCHLD, None)
        if parent.child_waiters is not None:
            parent.child_waiters.wake_all(self.port, Why.DONE)

    def stop(self, process: Process, signum: int) -> None:
        """See posix.Machine."""
        from bprocsim.posix.signaling import interrupt

        if process.state is not State.RUNNING:
            return
        process.move_to(State.STOPPED)
        interrupt(self, process, everybody=True)

        def heard() -> None:
            parent = process.parent
            if parent is not None and parent.alive and not parent.children.has_ended(process):
                process.stop_report = int(signum)
                parent.children.note_stop(process)
                parent.machine._child_changed(parent)

        self._tell_parent(process, "STOP", heard)

    def goes_on(self, process: Process) -> None:
        """See posix.Machine."""

        def heard() -> None:
            process.stop_report = 0
            if process.parent is not None:
                process.parent.children.forget_stop(process)

        self._tell_parent(process, "CONT", heard)

    def _tell_parent(self, process: Process, message: str, heard: Callable[[], None]) -> None:
        if self.alone or self.master is None:
            heard()
        elif process.parent is not None:
            ghost.news(self.master, process, message, heard)

    def forward(self, process: Process, signum: int, sender: Process | None) -> bool:
        """See posix.Machine."""
        master = self.master
        if master is None or self.alone or (process.machine is self and process not in master.signals):
            return False
        ghost.forward_signal(master, self, process, signum)
        return True

    def take_signals(self, thread: Thread) -> Steps:
        """See posix.Machine."""
        from bprocsim.posix.signaling import take

        return (yield from take(self, thread, proc_of(thread)))

    # ---- death ----

    def revive(self) -> None:
        """Have power again, with nothing left of what ran here; the disk is as it was."""
        self.alive, self.died_ns, self.apart = True, 0, None

    def die(self) -> None:
        """Lose power, or hang: nothing here runs on, and nobody is told."""
        self.alive = False
        self.died_ns = self.port.now_ns
        for process in list(self.processes.values()):
            if process.state is not State.MOVING and not process.spared:
                for thread in process.threads:
                    self._close(thread, None)
                if process.alarm is not None:
                    process.alarm[1].cancel()  # its clock has stopped too
        if self.apart is not None:
            self.apart.perish()

    # ---- outside of the space ----

    def outside(self) -> Apart:
        """Give the part of this machine that is outside of BProc's space."""
        from bprocsim.kernel.apart import Apart  # hardly anybody ever leaves the space

        if self.apart is None:
            self.apart = Apart(self)
        return self.apart
