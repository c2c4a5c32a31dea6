"""One call about nodes or processes in one small cluster, as data: what is wrong there, all at once if wanted.

Built with public calls and faults alone, a `NodeCase` becomes a cluster in which the call can be made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Self

from attrs import evolve, frozen

import bprocsim as bp
from bprocsim.notation import Notated
from bprocsim.testing.rows import errandcases
from bprocsim.testing.rows.cases import CALLER, NOWHERE, OTHER, TARGET
from bprocsim.testing.rows.execcases import STREAMS
from bprocsim.testing.rows.leavecases import make_leave

OWNER, STRANGER = 500, 501  # user ids; the node's group is the owner's
CPUS = "cpus"  # an attribute that node 2 has
NO_PID = 31999  # no process has this number
_STAYS = "/usr/bin/stays"


@frozen(repr=False)
class NodeCase(Notated):
    """A call about node 2 of three, which is user 500's, or about a process there: by default it succeeds.

    `call` the table's name, `edition` a name or a record; `daemon` the master's is there, and
    BProc's kernel `module`. Who calls:
    `who` "root", "owner" or "stranger", on `from_node`; his process has `descriptors` left, his node
    `free_bytes` of memory and `free_files` files.

    `node` which the call is about; `down` node 2 is; `node_mode` who may go there; `kept` how many
    attributes it has. Arguments: `out` "there", "null" or "bad", what is filled or read, `given` likewise,
    and `other`, what is read besides; `mode`, `status`, `uid`, `gid`, `word` (a status of BProc 4.0), `attribute` its
    name, `size` of a buffer, a value or a set, `spec` a node specification; `pid` "there" or "absent";
    `notifier` there is one. Of what a slave's daemon carries out: `path` names a directory, see
    `errandcases`, `ends` two addresses, `fate` what becomes of the request. Of who leaves the space: `fork_bytes`,
    `numbers_left` what his node has left for another process.
    """

    call: str = "bproc_nodestatus"
    edition: str | bp.Edition = "scyld"
    daemon: bool = True
    module: bool = True
    who: str = "root"
    from_node: int = CALLER
    descriptors: int | None = None
    free_bytes: int | None = None
    free_files: int | None = None
    node: int = TARGET
    down: bool = False
    node_mode: int = 0o111
    out: str = "there"
    mode: int = 1
    status: int = bp.bproc_node_error
    uid: int = STRANGER
    gid: int = OWNER
    kept: int = 1
    given: str = "there"
    other: str = "there"
    word: str = "error"
    attribute: str = CPUS
    size: int = 16
    spec: str = "0,allup,!down,master"
    notifier: bool = True
    pid: str = "there"
    path: str = "there"
    ends: str = "well"
    fate: str = "answered"
    fork_bytes: int | None = None
    numbers_left: int | None = None

    def change(self, *changes: Mapping[str, Any]) -> Self:
        """Give this case with some fields changed."""
        return evolve(self, **{name: value for change in changes for name, value in change.items()})

    @property
    def record(self) -> bp.Edition:
        """Give the edition as a record."""
        return bp.editions[self.edition] if isinstance(self.edition, str) else self.edition

    @property
    def credentials(self) -> bp.Credentials:
        """Give who calls."""
        number = {"root": 0, "owner": OWNER, "stranger": STRANGER}[self.who]
        return bp.Credentials(number, number)

    # ---- the world ----

    def world(self, trace: str = "errors") -> bp.Cluster:
        """Build a fresh cluster in which the call can be made."""
        cluster = bp.Cluster(
            TARGET + 1, master=bp.NodeSpec(module=self.module), edition=self.edition, trace=trace
        )  # fmt: skip
        cluster.nodes[TARGET].chown(OWNER, OWNER)
        cluster.nodes[TARGET].chmod(self.node_mode)
        if self.call in _OF_PROCESSES:
            cluster.install(_STAYS, _stays)
            cluster.popen(_goes)
            cluster.sleep(0.1)
        limit = {} if self.descriptors is None else {"open_limit": STREAMS + self.descriptors}
        caller = cluster.idle_process(self.credentials, self.from_node, **limit)
        if self.call == "bproc_nodelist_" and self.notifier:
            cluster.bproc_notifier(caller=caller)
        if self.call in _OF_ATTRIBUTES:
            for name in (CPUS, *(f"x{number}" for number in range(1, self.kept)))[: self.kept]:
                cluster.bproc_setnodeattr(TARGET, name, b"2", 1)
        if self.call in _ERRANDS:
            errandcases.prepare(cluster, TARGET)
        if self.down:
            cluster.nodes[TARGET].set_state("down")
        for fault in self._faults():
            cluster.inject(fault)
        if self.call in _ERRANDS:
            for fault in errandcases.faults_of(cluster, TARGET, self.path, self.fate):
                cluster.inject(fault)
        return cluster

    def _faults(self) -> Iterator[Any]:
        if self.free_bytes is not None:
            yield bp.MemoryFull(self.from_node, self.free_bytes)
        if self.free_files is not None:
            yield bp.OpenFileLimit(self.from_node, self.free_files)
        if not self.daemon:
            yield bp.MasterDaemonExit()

    # ---- the call ----

    def make(self, cluster: bp.Cluster) -> bp.Outcome:
        """Make the call in a world that `world` built, by the process that waits there for it."""
        by = {"caller": self._caller(cluster)}
        return _MADE[self.call](self, cluster, by)

    def run(self) -> bp.Outcome:
        """Build the world and make the call."""
        return self.make(self.world())

    def _caller(self, cluster: bp.Cluster) -> bp.ProcessHandle:
        where = cluster.master if self.from_node == CALLER else cluster.nodes[self.from_node]
        (process,) = [each for each in where.processes.values() if getattr(each, "idle", False)]
        return bp.ProcessHandle(cluster.sim, process)

    def filled(self, made: Any) -> Any:
        """Give what the call fills, or what leads nowhere."""
        return _either(self.out, made)

    def read(self, made: Any) -> Any:
        """Give what the call reads besides, or what leads nowhere."""
        return _either(self.given, made)

    def info(self, cluster: bp.Cluster) -> Any:
        """Give what describes node 2."""
        made = bp.BprocNodeInfo()
        cluster.bproc_nodeinfo(TARGET, made)
        if not made.mode:  # nobody was there to tell
            made = bp.BprocNodeInfo(TARGET, 0 if self.down else bp.bproc_node_up, self.node_mode, OWNER, OWNER)
        return self.filled(made)

    def process(self, cluster: bp.Cluster) -> int:
        """Give the pid of the process on node 2, or one that no process has."""
        if self.pid == "absent":
            return NO_PID
        gone = [pid for pid, each in cluster.pids.table.items() if each is not None and not each.idle]
        return gone[0] if gone else NO_PID


def _either(how: str, made: Any) -> Any:
    return {"there": made, "null": None, "bad": bp.BAD_ADDRESS}[how]


_OF_PROCESSES = frozenset({"bproc_proclist", "bproc_pidnode", "bproc_pidghostnode"})
_ERRANDS = frozenset({"bproc_slave_chroot", "bproc_nodechroot", "bproc_nodereconnect"})
_OF_ATTRIBUTES = frozenset({"bproc_getnodeattr", "bproc_setnodeattr"})

By = dict[str, Any]


def _of_node(name: str, *fields: str) -> Callable[[NodeCase, bp.Cluster, By], bp.Outcome]:
    """Make a call by its name that takes a node and some fields of the case."""

    def made(case: NodeCase, cluster: bp.Cluster, by: By) -> bp.Outcome:
        found: bp.Outcome = getattr(cluster, name)(case.node, *(getattr(case, each) for each in fields), **by)
        return found

    return made


def _filling(name: str, kind: Callable[[], Any], *fields: str) -> Callable[[NodeCase, bp.Cluster, By], bp.Outcome]:
    """Make a call by its name that takes some fields of the case and what it fills."""

    def made(case: NodeCase, cluster: bp.Cluster, by: By) -> bp.Outcome:
        given = [getattr(case, each) for each in fields]
        found: bp.Outcome = getattr(cluster, name)(*given, case.filled(kind()), **by)
        return found

    return made


def _nodestatus(case: NodeCase, cluster: bp.Cluster, by: By) -> bp.Outcome:
    if case.record.bpfs:
        return cluster.bproc_nodestatus(case.node, case.filled(bytearray()), case.size, **by)
    return cluster.bproc_nodestatus(case.node, **by)


def _nodesetstatus(case: NodeCase, cluster: bp.Cluster, by: By) -> bp.Outcome:
    return cluster.bproc_nodesetstatus(case.node, case.read(case.word) if case.record.bpfs else case.status, **by)


def _nodelist(case: NodeCase, cluster: bp.Cluster, by: By) -> bp.Outcome:
    return cluster.bproc_nodelist(case.filled(bp.BprocNodeSet() if case.record.bpfs else []), **by)


def _nodelist_again(case: NodeCase, cluster: bp.Cluster, by: By) -> bp.Outcome:
    return cluster.bproc_nodelist_(case.filled(bp.BprocNodeSet()), STREAMS, **by)


def _nodefilter(case: NodeCase, cluster: bp.Cluster, by: By) -> bp.Outcome:
    known = _either(case.other, bp.BprocNodeSet())
    return cluster.bproc_nodefilter(case.filled(bp.BprocNodeSet()), known, case.read(case.spec), **by)


def _of_set(name: str, other: Callable[[NodeCase], Any]) -> Callable[[NodeCase, bp.Cluster, By], bp.Outcome]:
    """Make a call by its name that changes a set and takes something else."""

    def made(case: NodeCase, cluster: bp.Cluster, by: By) -> bp.Outcome:
        found: bp.Outcome = getattr(cluster, name)(case.filled(bp.BprocNodeSet()), other(case), **by)
        return found

    return made


def _getnodeattr(case: NodeCase, cluster: bp.Cluster, by: By) -> bp.Outcome:
    name = case.read(case.attribute)
    return cluster.bproc_getnodeattr(case.node, name, case.filled(bytearray()), case.size, **by)


def _setnodeattr(case: NodeCase, cluster: bp.Cluster, by: By) -> bp.Outcome:
    name = case.read(case.attribute)
    return cluster.bproc_setnodeattr(case.node, name, case.filled(b"4"), case.size, **by)


def _errand(name: str) -> Callable[[NodeCase, bp.Cluster, By], bp.Outcome]:
    """Make a call by its name that a slave's daemon carries out."""

    def made(case: NodeCase, cluster: bp.Cluster, by: By) -> bp.Outcome:
        given = errandcases.ENDS[case.ends] if name == "bproc_nodereconnect" else (errandcases.PATHS[case.path],)
        args = case.node, *given
        if case.fate == "interrupted":
            return errandcases.by_session(cluster, name, args, case.credentials, case.from_node)
        found: bp.Outcome = getattr(cluster, name)(*args, **by)
        return found

    return made


_MADE: Mapping[str, Callable[[NodeCase, bp.Cluster, By], bp.Outcome]] = MappingProxyType(
    {
        "bproc_numnodes": lambda case, cluster, by: cluster.bproc_numnodes(**by),
        "bproc_nodestatus": _nodestatus,
        "bproc_nodeinfo": _filling("bproc_nodeinfo", bp.BprocNodeInfo, "node"),
        "bproc_nodelist": _nodelist,
        "bproc_nodelist_": _nodelist_again,
        "bproc_nodespec": _of_set("bproc_nodespec", lambda case: case.read(case.spec)),
        "bproc_nodefilter": _nodefilter,
        "bproc_nodeset_init": _of_set("bproc_nodeset_init", lambda case: case.size),
        "bproc_nodeset_grow": _of_set("bproc_nodeset_grow", lambda case: case.size),
        "bproc_nodeset_free": _filling("bproc_nodeset_free", bp.BprocNodeSet),
        "bproc_nodeset_add": _of_set("bproc_nodeset_add", lambda case: case.read(bp.BprocNodeInfo())),
        "bproc_nodeset_append": _of_set("bproc_nodeset_append", lambda case: case.read(bp.BprocNodeSet())),
        "bproc_getnodeattr": _getnodeattr,
        "bproc_setnodeattr": _setnodeattr,
        "bproc_nodeaddr": _filling("bproc_nodeaddr", bp.BprocAddress, "node"),
        "bproc_masteraddr": _filling("bproc_masteraddr", bp.BprocAddress),
        "bproc_version": _filling("bproc_version", bp.BprocVersion),
        "bproc_notifier": lambda case, cluster, by: cluster.bproc_notifier(**by),
        "bproc_access": _of_node("bproc_access", "mode"),
        "_bproc_access": lambda case, cluster, by: cluster._bproc_access(case.info(cluster), case.mode, **by),
        "bproc_chmod": _of_node("bproc_chmod", "mode"),
        "bproc_chown": _of_node("bproc_chown", "uid"),
        "bproc_chgrp": _of_node("bproc_chgrp", "gid"),
        "bproc_setnodestatus": _of_node("bproc_setnodestatus", "status"),
        "bproc_nodesetstatus": _nodesetstatus,
        "bproc_nodereboot": _of_node("bproc_nodereboot"),
        "bproc_nodehalt": _of_node("bproc_nodehalt"),
        "bproc_nodepwroff": _of_node("bproc_nodepwroff"),
        **{name: _errand(name) for name in sorted(_ERRANDS)},
        "bproc_nodereboot_async": _of_node("bproc_nodereboot_async"),
        "bproc_nodehalt_async": _of_node("bproc_nodehalt_async"),
        "bproc_nodepwroff_async": _of_node("bproc_nodepwroff_async"),
        "bproc_detach": lambda case, cluster, _by: make_leave(case, cluster),
        "bproc_proclist": _filling("bproc_proclist", list, "node"),
        "bproc_pidnode": lambda case, cluster, by: cluster.bproc_pidnode(case.process(cluster), **by),
        "bproc_pidghostnode": lambda case, cluster, by: cluster.bproc_pidghostnode(case.process(cluster), **by),
    }
)


def _goes(proc: bp.BprocProc) -> Iterator[Any]:
    """Go to node 2 and stay there."""
    yield from proc.bproc_execmove(TARGET, _STAYS, ["stays"], {})


def _stays(proc: bp.Proc) -> Iterator[Any]:
    yield from proc.pause()


__all__ = ["NOWHERE", "NO_PID", "OTHER", "OWNER", "STRANGER", "NodeCase"]
