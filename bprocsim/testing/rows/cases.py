"""One call in one small world, described as data: what is wrong there, and all at once if wanted.

A `Case` says what the files, the arguments, the calling node and the destination are like. Built with
the public calls and faults alone, it becomes a cluster in which the call can be made.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import evolve, frozen

import bprocsim as bp
from bprocsim.testing.rows.execcases import STREAMS, USER, ExecCase
from bprocsim.testing.rows.files import elf_content, make
from bprocsim.testing.rows.iocases import IO_WORLDS, faults_of, prepare
from bprocsim.testing.rows.movecases import CALLS as INSIDE
from bprocsim.testing.rows.movecases import make_inside

CALLER, TARGET, OTHER = -1, 2, 1
NOWHERE = 99  # no node has this number
LOADER = "/lib64/ld-linux-x86-64.so.2"
PORT = 4000
BITS = 64  # of a word on the calling node


@frozen(repr=False)
class Case(ExecCase):
    """A call in a world: by default it succeeds.

    `call` and `edition`, `kernel` (names or records) the rules; `daemon` the master's is there, and
    `daemon_ends` while the call is still on the caller's node.

    `from_node` and `node` from where to where. Of node 2, whether it is the destination or not:
    `down` it is; `node_mode` who may go there; `lost_at` the step at which it loses power;
    `node_arch` its architecture; `loader_there` it has the usual loader; `node_free_bytes` of its
    memory, and it can open `node_files`. `by_name` the loader is not sent with the image; `port` of the
    I/O forwarding, `listens` somebody does there; `silent` the link from node 2 to the caller is cut when
    the process is about to connect back; `io` names a list in place of the port, see `iocases`. Of a call that moves a
    running process: `flags` what is sent; `fork_bytes`, `pids_left` what the calling node has left for
    a child. Of a call for several nodes: `count` for how many it says it is, None for as many as there are;
    `nodes_readable`, `pids_writable` the program has those arrays; `relayed` it is for node 1 first, which
    passes the image on, and `sender_dies` then.

    The files of bproc_rexec are those of node 2.
    """

    call: str = "bproc_execmove"
    edition: str | bp.Edition = "scyld"
    kernel: str | bp.ExecProfile = "documented"
    daemon: bool = True
    daemon_ends: bool = False
    from_node: int = CALLER
    node: int = TARGET
    down: bool = False
    node_mode: int = 0o111
    lost_at: bp.Step | None = None
    node_arch: str = "x86-64"
    by_name: bool = False
    loader_there: bool = True
    node_free_bytes: int | None = None
    node_files: int | None = None
    port: int = 0
    listens: bool = True
    silent: bool = False
    io: str = ""
    flags: int | None = None
    fork_bytes: int | None = None
    pids_left: int | None = None
    count: int | None = None
    nodes_readable: bool = True
    pids_writable: bool = True
    relayed: bool = False
    sender_dies: bool = False

    # ---- the world ----

    def world(self, trace: str = "errors") -> bp.Cluster:
        """Build a fresh cluster in which the call can be made."""
        faults: list[Any] = [*self._faults()]
        if self.silent and self.call != "execve" and self.from_node != TARGET:
            faults.append(bp.LinkCut(self.from_node, TARGET, at_ns=self._last_ns(bp.Step.THAW)))
        if self.sender_dies:
            faults.append(bp.PowerOff(OTHER, at_ns=self._last_ns(bp.Step.STUB) + 1))
        if self.daemon_ends and (entered_ns := self._last_ns(bp.Step.ARGUMENTS)):
            faults.append(bp.MasterDaemonExit(at_ns=entered_ns + 1))
        cluster = bp.Cluster(
            [bp.NodeSpec(arch=self.node_arch if number == TARGET else "x86-64") for number in range(TARGET + 1)],
            master=bp.NodeSpec(),
            edition=self._edition(),
            kernel=self.kernel,
            faults=faults,
            trace=trace,
        )
        cluster.user(USER, 500, 500)
        files = self._handle(cluster, self.exec_node).fs
        if self.interpreted:
            make(files, self.interpreter, elf_content(self.interpreter, (LOADER, LOADER)))
        named = self.interpreter_path(files) if self.interpreted else LOADER
        make(files, self.program, elf_content(self.program, (self.nested(files, named), named)))
        if self.node_mode != 0o111:
            cluster.nodes[TARGET].chmod(self.node_mode)
        if self.io:
            prepare(cluster, IO_WORLDS[self.io], TARGET)
        if not self.loader_there:
            cluster.nodes[TARGET].fs.unlink(LOADER)
        return cluster

    @property
    def exec_node(self) -> int:
        """Tell on which node the files are that the call names."""
        return TARGET if self.call == "bproc_rexec" else self.from_node

    @property
    def profile(self) -> bp.ExecProfile:
        """Give the rules of exec as a record."""
        return bp.kernels[self.kernel] if isinstance(self.kernel, str) else self.kernel

    @property
    def port_or_list(self) -> Any:
        """Give what the call is given for its I/O, 0 if nothing."""
        return IO_WORLDS[self.io].io if self.io else self.port

    @property
    def bits(self) -> int:
        """Give the width of a word on the calling node."""
        return BITS

    @property
    def loads_interpreter(self) -> bool:
        """Tell whether the interpreter of an ELF file is on the calling node to be loaded."""
        return not self.by_name

    def caller(self, cluster: bp.Cluster) -> bp.ProcessHandle:
        """Start an idle process that may make the call, with no more descriptors than the case leaves it."""
        limit = {} if self.descriptors is None else {"open_limit": STREAMS + self.descriptors}
        return cluster.idle_process(cluster.users[USER], self.from_node, **limit)

    def make(self, cluster: bp.Cluster, caller: Any = None) -> bp.Outcome:
        """Make the call in a world that `world` built, by a fresh process or by an idle `caller` there.

        ValueError: this is another world.
        """
        if USER not in getattr(cluster, "users", ()):
            raise ValueError(f"cluster: expected what this case's world() has built, got {cluster!r}")
        who: dict[str, Any] = {"from_node": self.from_node, "user": cluster.users[USER]}
        if self.descriptors is not None and caller is None:
            caller = self.caller(cluster)
        if caller is not None:
            who = {"caller": caller}
        if self.call == "execve":
            return cluster.execve(*self.arguments(), **who)
        if self.call in INSIDE or (self.call == "bproc_vexecmove" and self._needs_a_program):
            return make_inside(self, cluster, who)
        if self.call == "bproc_vexecmove":
            nodes = list(self.nodes) if self.nodes_readable else bp.BAD_ADDRESS
            if not self.port and not self.io:
                return cluster.bproc_vexecmove(nodes, *self.arguments(), **who)
            words = self.port_or_list, *self.arguments()
            return cluster.bproc_vexecmove_io(nodes, *words, **who, listen=self.listens)
        called = "bproc_rexec" if self.call == "bproc_rexec" else "bproc_execmove"
        if not self.port and not self.io:
            found: bp.Outcome = getattr(cluster, called)(self.node, *self.arguments(), **who)
        else:
            by_io = getattr(cluster, f"{called}_io")
            found = by_io(self.node, self.port_or_list, *self.arguments(), **who, listen=self.listens)
        return found

    @property
    def nodes(self) -> tuple[int, ...]:
        """Give the nodes of a call for several."""
        return (OTHER, self.node) if self.relayed else (self.node,)

    @property
    def _needs_a_program(self) -> bool:
        """Tell whether a call for several nodes is one that the harness cannot make."""
        asked = self.count, self.fork_bytes, self.pids_left
        return not self.pids_writable or any(each is not None for each in asked)

    def run(self) -> bp.Outcome:
        """Build the world and make the call."""
        return self.make(self.world())

    @staticmethod
    def _handle(cluster: bp.Cluster, number: int) -> Any:
        return cluster.master if number == CALLER else cluster.nodes[number]

    def _edition(self) -> Any:
        edition = bp.editions[self.edition] if isinstance(self.edition, str) else self.edition
        return evolve(edition, library_list=(LOADER,)) if self.by_name else edition

    def _faults(self) -> Iterable[Any]:
        here = self.exec_node
        if not self.daemon:
            yield bp.MasterDaemonExit()
        yield from (bp.IoError(here, path) for path in self.bad_paths())
        if self.free_files is not None:
            yield bp.OpenFileLimit(here, self.free_files + self.profile.reserved_files + self._open_there())
        if self.free_bytes is not None:
            yield bp.MemoryFull(here, self.free_bytes)
        if self.down:
            yield bp.PowerOff(TARGET)
        if self.lost_at is not None:
            yield bp.PowerOff(TARGET, step=self.lost_at)
        if self.node_free_bytes is not None:
            yield bp.MemoryFull(TARGET, self.node_free_bytes)
        if self.io:
            yield from faults_of(IO_WORLDS[self.io], TARGET)
        if self.node_files is not None:
            yield bp.OpenFileLimit(TARGET, self.node_files)

    def _open_there(self) -> int:
        """Tell how many files the process itself has open on the node of the exec, once it has moved there."""
        edition = self._edition()
        if self.call != "bproc_rexec" or edition.rexec_status is None:
            return 0
        return 3 if self.port else 2  # /dev/null, and the socket that two descriptors share

    def _last_ns(self, step: bp.Step) -> int:
        """Tell when the destination has come to a step, from a world in which nothing goes wrong there."""
        healthy = evolve(self, silent=False, sender_dies=False, daemon_ends=False)
        cluster = healthy.world(trace="all")
        healthy.make(cluster)
        reached = [each.at_ns for each in cluster.trace.of_kind("step") if each.step == step.name]
        return int(reached[-1]) if reached else 0
