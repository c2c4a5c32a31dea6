"""The world that a scenario describes, before its first call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from bprocsim.bproc.nodes import NODE_MASTER
from bprocsim.faces.errors import CallError
from bprocsim.scenario.checks import ROOT, misfit
from bprocsim.scenario.faulttables import fault_of
from bprocsim.scenario.load import Loaded
from bprocsim.scenario.materials import Material
from bprocsim.scenario.problems import Path, Problem, ScenarioError
from bprocsim.scenario.tables import ClusterTable, MachineTable, Scenario, written
from bprocsim.scenario.variants import costs_of, edition_of
from bprocsim.world.cluster import Cluster
from bprocsim.world.specs import NodeSpec, node_numbers

EXECUTABLE, PLAIN = 0o755, 0o644


def build(loaded: Loaded) -> Cluster:
    """Build the world: users, mounts, directories, files, links, nodes, with the faults in force.

    ScenarioError: all that cannot be made.
    """
    scenario = loaded.scenario
    cluster = _cluster(scenario)
    problems: list[Problem] = []
    for path, table, make in _steps(cluster, loaded):
        try:
            make(table)
        except CallError as error:
            problems.append(Problem((*path, "path"), f"cannot be made: {error.strerror}"))
        except (ValueError, TypeError) as error:
            problems.append(misfit(error, path, table))
    if problems:
        raise ScenarioError(loaded.where.name, loaded.where.placed(problems))
    return cluster


def _cluster(scenario: Scenario) -> Cluster:
    table: ClusterTable = scenario.cluster
    nodes = (
        table.nodes
        if isinstance(table.nodes, int)
        else [_spec(each) for each in table.nodes for _ in range(each.count)]
    )
    return Cluster(
        nodes, seed=scenario.seed, edition=edition_of(table.edition), kernel=table.kernel, costs=costs_of(table.costs),
        faults=[fault_of(each) for each in scenario.fault], boot=table.boot,
        master=None if table.master is None else _spec(table.master), trace=scenario.trace,
        trace_limit=scenario.trace_limit, strict_faults=table.strict_faults, max_events=table.max_events,
    )  # fmt: skip


def _spec(table: MachineTable) -> NodeSpec:
    given = written(table)
    given.pop("count", None)
    return NodeSpec(**given)


def _steps(cluster: Cluster, loaded: Loaded) -> Iterator[tuple[Path, Any, Callable[[Any], None]]]:
    """Give what is to be made, in order: each table with what makes it."""
    scenario, made = loaded.scenario, _Builder(cluster)
    for number, user in enumerate(scenario.user):
        yield ("user", number), user, made.user
    for number, mount in enumerate(scenario.mount):
        yield ("mount", number), mount, made.mount
    for number, directory in enumerate(scenario.directory):
        yield ("directory", number), directory, made.directory
    for number, (file, material) in enumerate(zip(scenario.file, loaded.materials, strict=True)):
        yield ("file", number), (file, material), made.file
    for number, link in enumerate(scenario.link):
        yield ("link", number), link, made.link
    for number, node in enumerate(scenario.node):
        yield ("node", number), node, made.node


class _Builder:
    """Makes the tables of a scenario in a cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def _trees(self, table: Any) -> Iterator[Any]:
        """Give the files of the nodes of a table, with the directories on the way to its path."""
        parent = table.path.rpartition("/")[0]
        for number in dict.fromkeys(node_numbers(table.on, len(self._cluster.nodes))):
            fs = (self._cluster.master if number == NODE_MASTER else self._cluster.nodes[number]).fs
            if parent:
                fs.mkdir(parent, parents=True, exist_ok=True)
            yield fs

    def _ids(self, table: Any) -> tuple[int, int] | None:
        """Give the user and group that a table names; None if it names none."""
        if table.owner is None and table.uid is None and table.gid is None:
            return None
        owner = None if table.owner in (None, ROOT) else self._cluster.users[table.owner]
        uid, gid = (0, 0) if owner is None else (owner.uid, owner.gid)
        return uid if table.uid is None else table.uid, gid if table.gid is None else table.gid

    def user(self, table: Any) -> None:
        """Make an account."""
        self._cluster.user(table.name, table.uid, table.gid, table.groups, table.capabilities)

    def mount(self, table: Any) -> None:
        """Mount an empty file system, on a directory that is made if need be."""
        for fs in self._trees(table):
            fs.mkdir(table.path, exist_ok=True)
            fs.mount(
                table.path,
                nosuid=table.nosuid,
                noexec=table.noexec,
                readonly=table.readonly,
                nosymfollow=table.nosymfollow,
                foreign_ids=table.foreign_ids,
                silent=table.silent,
            )

    def directory(self, table: Any) -> None:
        """Make a directory, or give one that is there its mode and owner."""
        ids = self._ids(table)
        for fs in self._trees(table):
            fs.mkdir(table.path, exist_ok=True)
            if table.mode is not None:
                fs.chmod(table.path, table.mode)
            if ids is not None:
                fs.chown(table.path, *ids)

    def file(self, both: tuple[Any, Material]) -> None:
        """Write a file, or make a special one."""
        table, material = both
        executable = material.data is None or table.host is not None
        mode = table.mode if table.mode is not None else EXECUTABLE if executable and not table.kind else PLAIN
        uid, gid = self._ids(table) or (0, 0)
        for fs in self._trees(table):
            if table.kind is not None:
                fs.mknod(table.path, table.kind, mode=mode, uid=uid, gid=gid)
            elif material.data is not None:
                fs.write_file(table.path, material.data, mode=mode, uid=uid, gid=gid)
        if material.program is not None or material.image is not None:
            self._cluster.install(
                table.path, material.program, table.on, mode=mode, uid=uid, gid=gid, image=material.image
            )
        if table.open_for_write:
            for fs in self._trees(table):
                fs.open_for_write(table.path)

    def link(self, table: Any) -> None:
        """Make a symbolic or a hard link."""
        for fs in self._trees(table):
            if table.hard:
                fs.link(table.target, table.path)
            else:
                fs.symlink(table.target, table.path)

    def node(self, table: Any) -> None:
        """Set the state and the rights of nodes."""
        ids = self._ids(table)
        for number in dict.fromkeys(node_numbers(table.on, len(self._cluster.nodes))):
            if number == NODE_MASTER:
                raise ValueError("on: the master has no state or rights of its own")
            node = self._cluster.nodes[number]
            if table.state is not None:
                node.set_state(table.state)
            if table.mode is not None:
                node.chmod(table.mode)
            if ids is not None:
                node.chown(*ids)
