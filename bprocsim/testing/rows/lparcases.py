"""One call on one small partition, described as data: what is wrong there, and all at once if wanted.

A `LparCase` says what the partition, its named sets, the caller, the work that a call is about, and
the arguments are like. Built with public calls and faults alone, it becomes a partition in which the
call can be made; `lparcalls` makes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import evolve, frozen

import bprocsim as bp
from bprocsim.aix.execrules import exec_profile
from bprocsim.testing.rows.execcases import STREAMS, USER, ExecCase
from bprocsim.testing.rows.files import make
from bprocsim.testing.rows.xcofffiles import xcoff_content

OWN, THEIRS = 500, 501  # user ids
NO_PID = 31999  # no process has this number
THREADS_OF_PROCESS = 1 << 16  # a thread's id is its process's pid times this, and its number
READ_AND_WRITE = 0o666


@frozen(repr=False)
class LparCase(ExecCase):
    """A call on a partition of four POWER7 cores, two threads each, in two SRADs: by default it succeeds.

    `call` the table's name. The partition: `level` a name or a record, and its switches
    `by_capability`, `overlapping`; `affinity` it is enhanced, where the level can; `exclusive`
    processors of the set sysxrset/kit, "" if there is none; `removed` a core that is, `failed` cores
    that did, and the `width` to which SMT is switched; `pids_left` how many more processes there
    may be. A name `namespace`/`rsname`: `taken` a set is registered under it, `owned` by the caller
    or else by root, with `name_mode`.

    Who calls: `root`, or a user who has CAP_NUMA_ATTACH if he `attaches`, CAP_PROPAGATE if he
    `propagates`; `inside` a program of his makes the call; `directory_lost` his current directory is.

    The work that the call is about (of ra_exec and ra_fork the caller itself): `work` "there" or
    "absent"; `theirs` another user's; `bound` which of its threads is, `bound_to` a bind id;
    `bounds` its partition set, `effective` its effective set, `own` that of its last thread, None
    where it has none.

    Arguments: `work_type`, `thread` (its number), `what`, `where`; `rstype`, `srad`, `flags`; `handle`
    "set", "null", "bad", "freed" or "number", `processors` what the set holds; `second`, `out`
    likewise of what a call fills; `command`, `info`, `sdl`, `index`, `id`, `kind`, `size`, `core`,
    `threads`; "bad" as `namespace` or `rsname` is an address; `mode`; `new_owner`, `new_group`,
    `new_mode` attributes.
    """

    call: str = "ra_exec"
    level: str | bp.Level = "7.1"
    by_capability: bool = True
    overlapping: bool = True
    affinity: bool = True
    exclusive: str = "4-7"
    removed: int | None = None
    failed: tuple[int, ...] = ()
    width: int = 2
    pids_left: int | None = None
    taken: bool = False
    owned: bool = True
    name_mode: int = READ_AND_WRITE
    root: bool = False
    attaches: bool = True
    propagates: bool = True
    inside: bool = False
    directory_lost: bool = False
    work: str = "there"
    theirs: bool = False
    bound: int | None = None
    bound_to: int = 0
    bounds: str | None = None
    effective: str | None = None
    own: str | None = None
    work_type: int = bp.R_PROCESS
    thread: int = 1
    what: int = bp.BINDPROCESS
    where: int = 0
    rstype: int = bp.R_RSET
    srad: int = 1
    flags: int = 0
    handle: str = "set"
    processors: str = "4-7"
    second: str = "set"
    out: str = "there"
    command: int = 0
    info: int = bp.R_NUMPROCS
    sdl: int = 1
    index: int = 0
    id: int = 0
    kind: int = bp.R_PROCS
    size: int = 8
    core: int = 3
    threads: int = 1
    namespace: str | None = "kit"
    rsname: str | None = "mine"
    mode: int = READ_AND_WRITE
    new_owner: int = OWN
    new_group: int = OWN
    new_mode: int = READ_AND_WRITE

    @property
    def rules(self) -> bp.Level:
        """Give the level as a record, with its switches set."""
        named = bp.levels[self.level] if isinstance(self.level, str) else self.level
        if (named.exclusive_by_capability, named.overlapping_exclusive) == (self.by_capability, self.overlapping):
            return named
        return evolve(named, exclusive_by_capability=self.by_capability, overlapping_exclusive=self.overlapping)

    @property
    def credentials(self) -> bp.Credentials:
        """Give who calls."""
        if self.root:
            return bp.Credentials(0, 0)
        had = {"CAP_NUMA_ATTACH": self.attaches, "CAP_PROPAGATE": self.propagates}
        return bp.Credentials(OWN, OWN, capabilities={name for name, has in had.items() if has})

    @property
    def owner(self) -> bp.Credentials:
        """Give whose the work is."""
        if not self.theirs:
            return evolve(self.credentials) if self.is_about_caller else bp.Credentials(OWN, OWN)
        return bp.Credentials(THEIRS, THEIRS)

    @property
    def is_about_caller(self) -> bool:
        """Tell whether the work is the caller itself."""
        return self.call in ("ra_exec", "ra_fork")

    # ---- the world ----

    def world(self, trace: str = "errors") -> bp.Lpar:
        """Build a fresh partition in which the call can be made."""
        rules = self.rules
        lpar = bp.Lpar(
            4, 2, cpu="POWER7", level=rules, srads=2, enhanced_affinity=self.affinity and rules.sradids, trace=trace
        )
        lpar.user(USER, OWN, OWN)
        if self.exclusive:
            lpar.mkrset("sysxrset/kit", self.exclusive).check()
        if self.width != 2:
            lpar.smtctl(self.width).check()
        if self.removed is not None:
            lpar.dlpar_remove(self.removed).check()
        if self.taken:
            self._take_name(lpar)
        if self.call == "ra_exec":
            self._make_files(lpar.machine.fs)
        if self.is_about_caller:
            pid = self._caller(lpar)
        elif not self.is_about_names:
            pid = lpar.popen(_works, user=self.owner).pid
            lpar.sleep(0.01)
        else:
            pid = 0
        if pid:
            self.place(lpar, pid)
        if not self.inside:
            self.limit_pids(lpar, pid)
        for fault in self._faults():
            lpar.inject(fault)
        return lpar

    @property
    def profile(self) -> bp.ExecProfile:
        """Give the rules of exec as a record."""
        return exec_profile(self.rules)

    @property
    def bits(self) -> int:
        """Give the width of a word."""
        return 64

    def _taken(self, cmd: bytes) -> int:
        return 0  # AIX counts argv and envp alone

    @property
    def is_about_names(self) -> bool:
        """Tell whether the call has to do with no process."""
        return self.call in _OF_NOBODY

    def _take_name(self, lpar: bp.Lpar) -> None:
        """Let a set be registered under the name; what is no name cannot be taken."""
        namespace, rsname = address(self.namespace), address(self.rsname)
        made = lpar.rs_registername(lpar.rset("2,3"), namespace, rsname, self.name_mode, bp.RS_DEFINE)
        if self.owned and not made.failed:
            attributes = bp.RsetAttributes(owner=OWN, group=OWN)
            lpar.rs_setnameattr(namespace, rsname, bp.RS_OWNER | bp.RS_GROUP, attributes).check()

    def limit_pids(self, lpar: bp.Lpar, pid: int) -> None:
        """Leave so many pids beside the caller's."""
        if self.pids_left is not None:
            lpar.pids.first = lpar.pids.next = pid
            lpar.pids.last = pid + self.pids_left

    def place(self, lpar: bp.Lpar, pid: int) -> None:
        """Bind and attach the work, as far as each call lets the next one."""
        if self.bound is not None:
            lpar.bindprocessor(bp.BINDTHREAD, thread_id(pid, self.bound), self.bound_to)
        if self.own is not None:
            lpar.ra_attachrset(bp.R_THREAD, thread_id(pid, len(process_of(lpar, pid).threads)), lpar.rset(self.own))
        if self.effective is not None:
            lpar.ra_attachrset(bp.R_PROCESS, pid, lpar.rset(self.effective))
        if self.bounds is not None:
            lpar.set_partition(pid, lpar.rset(self.bounds))

    def _caller(self, lpar: bp.Lpar) -> int:
        """Start who is to call, in a directory that goes away if it is to be lost; gives the pid."""
        limit = {} if self.descriptors is None else {"open_limit": STREAMS + self.descriptors}
        if not self.directory_lost:
            return lpar.idle_process(self.credentials, **limit).pid
        files = lpar.machine.fs
        files.mkdir("/remote")
        files.mount("/remote")
        pid = lpar.idle_process(self.credentials, cwd="/remote", **limit).pid
        files.unmount("/remote")
        return pid

    def _make_files(self, files: Any) -> None:
        if self.interpreted:
            make(files, self.interpreter, xcoff_content(self.interpreter, "/usr/bin/sh"))
        named = self.interpreter_path(files) if self.interpreted else ""
        make(files, self.program, xcoff_content(self.program, self.nested(files, named)))

    def _faults(self) -> Iterator[Any]:
        yield from map(bp.CoreFails, self.failed)
        yield from (bp.IoError(bp.BPROC_NODE_MASTER, path) for path in self.bad_paths())
        if self.free_files is not None:
            yield bp.OpenFileLimit(bp.BPROC_NODE_MASTER, self.free_files)
        if self.free_bytes is not None:
            yield bp.MemoryFull(bp.BPROC_NODE_MASTER, self.free_bytes)

    # ---- the call ----

    def make(self, lpar: bp.Lpar) -> bp.Outcome:
        """Make the call in a world that `world` built."""
        from bprocsim.testing.rows.lparcalls import make  # it knows this class

        return make(self, lpar)

    def run(self) -> bp.Outcome:
        """Build the world and make the call."""
        return self.make(self.world())


_OF_NOBODY = frozenset(
    {
        "rs_alloc", "rs_init", "rs_op", "rs_getinfo", "rs_numrads", "rs_getrad", "rs_getassociativity", "rs_info",
        "rs_registername", "rs_getnamedrset", "rs_discardname", "rs_getnameattr", "rs_setnameattr", "mkrset", "rmrset",
    }
)  # fmt: skip


def address(value: Any) -> Any:
    """Give "bad" as an address that leads nowhere."""
    return bp.BAD_ADDRESS if value == "bad" else value


def thread_id(pid: int, number: int) -> int:
    """Give the id of a process's thread."""
    return pid * THREADS_OF_PROCESS + number


def process_of(lpar: bp.Lpar, pid: int = 0) -> Any:
    """Give the process that the call is about: the one of that pid, or the only one there is."""
    processes = lpar.machine.processes
    return processes[pid] if pid else next(iter(processes.values()))


def _works(proc: bp.Proc) -> Iterator[Any]:
    """Have a second thread, and wait for ever."""
    yield from proc.thread_create(_waits)
    yield from proc.pause()


def _waits(proc: bp.Proc) -> Iterator[Any]:
    yield from proc.pause()
