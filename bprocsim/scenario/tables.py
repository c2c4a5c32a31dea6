"""A scenario file as a record: every key with what it takes and what it means.

Keys are the names of the parameters of the Python calls. A record holds values as the file has
them; None stands for a key that was left out.
"""

from __future__ import annotations

from typing import Any

import attrs
from attrs import frozen

from bprocsim.posix.profiles import PROFILES
from bprocsim.scenario.bprockinds import StateWord
from bprocsim.scenario.callbase import CallTable
from bprocsim.scenario.calltables import CALL_TABLES
from bprocsim.scenario.commonkinds import ARCH, ID, MODE, NAME, NAMES, ON, SYSTEM, TRUTH
from bprocsim.scenario.faulttables import FAULT_TABLES, FaultTable
from bprocsim.scenario.filetables import DirectoryTable, FileTable, LinkTable, MountTable
from bprocsim.scenario.kinds import Choice, Either, Integer, Listed, Table, Tables, key
from bprocsim.scenario.variants import COSTS, CPU, EDITION, LEVEL, EditionTable
from bprocsim.trace import LEVELS
from bprocsim.world.specs import ORDERS

SCHEMA = 1
CLUSTER, LPAR = "cluster", "lpar"  # how tables name the systems of a world; partitions may have names of their own
MOST_NODES = 65_280  # as many as have an address: from 10.54.1.0 to 10.54.255.255


@frozen(kw_only=True)
class MachineTable:
    """What a machine is made of."""

    cores: int | None = key(Integer(1), "processors", None)
    memory_bytes: int | None = key(Integer(65536), "memory", None)
    arch: str | int | None = key(ARCH, "architecture: a name, or the machine number of its ELF headers", None)
    open_files: int | None = key(Integer(0), "how many files may be open on the whole machine", None)
    module: bool | None = key(TRUTH, "BProc's kernel module is loaded", None)


@frozen(kw_only=True)
class NodesTable(MachineTable):
    """Some slaves that are alike, numbered after those before them."""

    count: int = key(Integer(1, MOST_NODES), "how many of them there are", 1)


_SEVERAL = Tables(NodesTable)
NODES = Either({int: Integer(0, MOST_NODES), list: _SEVERAL, tuple: _SEVERAL}, "a number, or a list of tables")


@frozen(kw_only=True)
class WorldTable:
    """What a cluster and a partition both take, and what is the whole world's."""

    costs: Any = key(COSTS, "the time model", "clustermatic-2002")
    strict: bool = key(TRUTH, "a program that raises fails the call", False)
    strict_faults: bool = key(TRUTH, "a fault that never struck fails the run", False)
    max_events: int = key(Integer(1), "how many events a run may take", 10_000_000)
    order: str = key(Choice(ORDERS, "order"), "how events of one instant follow each other", "fifo")


OF_WORLD = ("strict", "strict_faults", "max_events", "order")  # rather than one system's


@frozen(kw_only=True)
class ClusterTable(WorldTable):
    """The cluster: what bp.Cluster takes."""

    nodes: int | tuple[NodesTable, ...] = key(NODES, "how many slaves, or a list of tables", 4)
    master: MachineTable | None = key(Table(MachineTable), "what the master is made of", None)
    edition: str | EditionTable = key(EDITION, "edition of BProc", "scyld")
    kernel: str = key(Choice(PROFILES, "kernel"), "whose rules of exec and of paths", "documented")
    boot: str = key(Choice(("up", "cold"), "way to boot"), "up: ready at time 0; cold: down, boot, up", "up")


@frozen(kw_only=True)
class LparTable(WorldTable):
    """The AIX partition: what bp.Lpar takes."""

    name: str | None = key(NAME, "by which other tables mean it, if there are several; left out: lpar", None)
    cores: int = key(Integer(1), "how many cores", 4)
    smt: int | None = key(Integer(1), "hardware threads that a core has; left out: the model's most", None)
    cpu: Any = key(CPU, "processor model", "POWER7")
    level: Any = key(LEVEL, "level of AIX", "7.1")
    enhanced_affinity: bool = key(TRUTH, "whether SRADIDs may be attached to", False)
    srads: int = key(Integer(1), "scheduler resource allocation domains in which the cores lie", 1)
    memory_bytes: int | None = key(Integer(65536), "memory", None)
    open_files: int | None = key(Integer(0), "how many files may be open on the whole machine", None)


_PARTITIONS = Tables(LparTable)
LPARS = Either(
    {dict: Table(LparTable), list: _PARTITIONS, tuple: _PARTITIONS}, "a table, or a list of tables that have names"
)


@frozen(kw_only=True)
class UserTable:
    """Somebody with an account; root is there without one."""

    name: str = key(NAME, "by which the file names the user")
    uid: int = key(ID, "user id")
    gid: int = key(ID, "group id")
    groups: tuple[int, ...] = key(Listed(ID, "ids"), "supplementary groups", ())
    capabilities: tuple[str, ...] | None = key(NAMES, "exactly these; left out: what the uid implies", None)
    system: str | None = key(SYSTEM, "where; left out: everywhere", None)


@frozen(kw_only=True)
class NodeTable:
    """What becomes of nodes before the first call."""

    on: Any = key(ON, "which nodes")
    state: str | None = key(StateWord(), "set by the administrator", None)
    mode: int | None = key(MODE, "who may move there; only the bits 0o111 count", None)
    owner: str | None = key(NAME, "the user whose node it is", None)
    uid: int | None = key(ID, "id of its user, in place of owner", None)
    gid: int | None = key(ID, "id of its group", None)


@frozen(kw_only=True)
class Scenario:
    """A world, what goes wrong in it, and the calls that are made there, in order."""

    schema: int = key(Integer(SCHEMA, SCHEMA), "the number of this format")
    seed: int = key(Integer(), "same seed, same run", 0)
    trace: str = key(Choice(LEVELS, "level"), "what the trace keeps; only all has a digest", "all")
    trace_limit: int | None = key(Integer(1, what="a number of records"), "how many records are kept", None)
    cluster: ClusterTable | None = key(Table(ClusterTable), "the cluster; there is one if there is no lpar", None)
    lpar: LparTable | tuple[LparTable, ...] | None = key(LPARS, "the AIX partition, or several", None)
    user: tuple[UserTable, ...] = key(Tables(UserTable), "users", ())
    mount: tuple[MountTable, ...] = key(Tables(MountTable), "file systems", ())
    directory: tuple[DirectoryTable, ...] = key(Tables(DirectoryTable), "directories", ())
    file: tuple[FileTable, ...] = key(Tables(FileTable), "files", ())
    link: tuple[LinkTable, ...] = key(Tables(LinkTable), "links", ())
    node: tuple[NodeTable, ...] = key(Tables(NodeTable), "states and rights of nodes", ())
    fault: tuple[FaultTable, ...] = key(FAULT_TABLES, "what goes wrong", ())
    call: tuple[CallTable, ...] = key(CALL_TABLES, "what is called, in order", ())

    @property
    def systems(self) -> dict[str, WorldTable]:
        """Give the systems that the world has, by name; without any it has a usual cluster."""
        found: dict[str, WorldTable] = {} if self.cluster is None else {CLUSTER: self.cluster}
        return {**found, **self.partitions} or {CLUSTER: ClusterTable()}

    @property
    def partitions(self) -> dict[str, LparTable]:
        """Give the partitions by name."""
        tables = self.lpar if isinstance(self.lpar, tuple) else () if self.lpar is None else (self.lpar,)
        return {table.name or LPAR: table for table in tables}

    def path_of(self, system: str) -> tuple[str | int, ...]:
        """Give the path to the table of a system."""
        if isinstance(self.lpar, tuple) and system != CLUSTER:
            return LPAR, list(self.partitions).index(system)
        return (CLUSTER,) if system == CLUSTER else (LPAR,)

    def of_world(self, name: str) -> Any:
        """Give one of `OF_WORLD`, which are the whole world's, from whichever table has it."""
        usual = attrs.fields_dict(WorldTable)[name].default
        given = [value for table in self.systems.values() if (value := getattr(table, name)) != usual]
        return given[0] if given else usual


def written(record: Any) -> dict[str, Any]:
    """Write a record down again, as a file would have it: what was left out stays left out."""
    return {
        field.name: _plain(value)
        for field in attrs.fields(type(record))
        if (value := getattr(record, field.name)) != field.default
    }


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return written(value) if attrs.has(type(value)) else value
