"""The world that a scenario describes, before its first call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from attrs import frozen

from bprocsim.bproc.nodes import NODE_MASTER
from bprocsim.faces.errors import CallError
from bprocsim.faults import Planned
from bprocsim.scenario.checks import misfit, nodes_of
from bprocsim.scenario.faulttables import fault_of
from bprocsim.scenario.load import Loaded
from bprocsim.scenario.materials import Material
from bprocsim.scenario.problems import Path, Problem, ScenarioError
from bprocsim.scenario.systems import ROOT, homes, system_of
from bprocsim.scenario.tables import CLUSTER, LPAR, LparTable, MachineTable, Scenario, written
from bprocsim.scenario.variants import costs_of, cpu_of, edition_of, level_of
from bprocsim.trace import Trace
from bprocsim.world.cluster import Cluster
from bprocsim.world.lpar import Lpar
from bprocsim.world.simulation import Simulation
from bprocsim.world.specs import NodeSpec, node_numbers

EXECUTABLE, PLAIN = 0o755, 0o644


@frozen
class World:
    """A world that a scenario describes: its systems by name, on one clock."""

    sim: Simulation
    systems: dict[str, Cluster | Lpar]

    @property
    def trace(self) -> Trace:
        """Give its trace."""
        return self.sim.trace

    @property
    def cluster(self) -> Cluster | None:
        """Give its cluster, if it has one."""
        found = self.systems.get(CLUSTER)
        return found if isinstance(found, Cluster) else None

    @property
    def lpar(self) -> Lpar | None:
        """Give its partition, if it has one that has no name of its own."""
        found = self.systems.get(LPAR)
        return found if isinstance(found, Lpar) else None

    @property
    def planned(self) -> list[Planned]:
        """Give the faults that its systems were given."""
        return [planned for system in self.systems.values() for planned in system.planned]


def build(loaded: Loaded) -> World:
    """Build the world: users, mounts, directories, files, links, nodes, with the faults in force.

    ScenarioError: all that cannot be made.
    """
    world, problems = _world(loaded.scenario)
    for path, table, make in _steps(world, loaded) if not problems else ():
        try:
            make(table)
        except CallError as error:
            problems.append(Problem((*path, "path"), f"cannot be made: {error.strerror}"))
        except (ValueError, TypeError) as error:
            problems.append(misfit(error, path, table))
    if problems:
        raise ScenarioError(loaded.where.name, loaded.where.placed(problems))
    return world


# Faults that have no part in how a cluster boots, and whose own table can be told if they do not fit it.
AFTER_BOOT = frozenset({"CallFails"})


def _world(scenario: Scenario) -> tuple[World, list[Problem]]:
    """Make the systems; what cannot be is told."""
    sim = Simulation(  # strict is for who makes the calls
        scenario.seed, trace=scenario.trace, trace_limit=scenario.trace_limit,
        strict_faults=scenario.of_world("strict_faults"), max_events=scenario.of_world("max_events"),
        order=scenario.of_world("order"),
    )  # fmt: skip
    made: dict[str, Cluster | Lpar] = {}
    problems: list[Problem] = []
    for name, table in scenario.systems.items():
        try:
            made[name] = _lpar(sim, table) if isinstance(table, LparTable) else _cluster(sim, table, scenario)
        except (ValueError, TypeError) as error:
            problems.append(misfit(error, scenario.path_of(name), table))
    for number, fault in enumerate(scenario.fault):
        system = made.get(system_of(fault, scenario))
        if isinstance(system, Lpar) or (system is not None and fault.kind in AFTER_BOOT):
            try:
                system.inject(fault_of(fault))
            except (ValueError, TypeError) as error:
                problems.append(misfit(error, ("fault", number), fault))
    return World(sim, made), problems


def _cluster(sim: Simulation, table: Any, scenario: Scenario) -> Cluster:
    nodes = (
        table.nodes
        if isinstance(table.nodes, int)
        else [_spec(each) for each in table.nodes for _ in range(each.count)]
    )
    of_mine = (each for each in scenario.fault if system_of(each, scenario) == CLUSTER)
    faults = [fault_of(each) for each in of_mine if each.kind not in AFTER_BOOT]
    return sim.cluster(
        nodes, edition=edition_of(table.edition), kernel=table.kernel, costs=costs_of(table.costs), faults=faults,
        boot=table.boot, master=None if table.master is None else _spec(table.master),
    )  # fmt: skip


def _lpar(sim: Simulation, table: LparTable) -> Lpar:
    names = ("memory_bytes", "open_files")
    sizes = {name: value for name in names if (value := getattr(table, name)) is not None}
    return sim.lpar(
        table.cores, table.smt, name=table.name, cpu=cpu_of(table.cpu), level=level_of(table.level),
        enhanced_affinity=table.enhanced_affinity, srads=table.srads, costs=costs_of(table.costs), **sizes,
    )  # fmt: skip


def _spec(table: MachineTable) -> NodeSpec:
    given = written(table)
    given.pop("count", None)
    return NodeSpec(**given)


def _steps(world: World, loaded: Loaded) -> Iterator[tuple[Path, Any, Callable[[Any], None]]]:
    """Give what is to be made, in order: each table with what makes it."""
    scenario, made = loaded.scenario, _Builder(world, loaded.scenario)
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
    """Makes the tables of a scenario in a world."""

    def __init__(self, world: World, scenario: Scenario) -> None:
        self._world = world
        self._scenario = scenario

    def _system(self, table: Any) -> Any:
        return self._world.systems[system_of(table, self._scenario)]

    def _trees(self, table: Any) -> Iterator[Any]:
        """Give the files of the machines of a table, with the directories on the way to its path."""
        system, parent = self._system(table), table.path.rpartition("/")[0]
        if isinstance(system, Lpar):
            trees = [system.machine.fs]
        else:
            numbers = dict.fromkeys(node_numbers(nodes_of(table), len(system.nodes)))
            trees = [(system.master if number == NODE_MASTER else system.nodes[number]).fs for number in numbers]
        for fs in trees:
            if parent:
                fs.mkdir(parent, parents=True, exist_ok=True)
            yield fs

    def _ids(self, table: Any) -> tuple[int, int] | None:
        """Give the user and group that a table names; None if it names none."""
        if table.owner is None and table.uid is None and table.gid is None:
            return None
        owner = None if table.owner in (None, ROOT) else self._system(table).users[table.owner]
        uid, gid = (0, 0) if owner is None else (owner.uid, owner.gid)
        return uid if table.uid is None else table.uid, gid if table.gid is None else table.gid

    def user(self, table: Any) -> None:
        """Make an account, on every system unless one is named."""
        for name in homes(table, tuple(self._scenario.systems)):
            self._world.systems[name].user(table.name, table.uid, table.gid, table.groups, table.capabilities)

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
            self._install(table, material, mode=mode, uid=uid, gid=gid)
        if table.open_for_write:
            for fs in self._trees(table):
                fs.open_for_write(table.path)

    def _install(self, table: Any, material: Material, **how: int) -> None:
        system, image = self._system(table), material.image
        if isinstance(system, Cluster):
            system.install(table.path, material.program, nodes_of(table), image=image, **how)
        elif material.program is not None and image is not None:
            raise ValueError("image: it is an ELF image, and programs on a partition have XCOFF ones; leave it out")
        else:
            system.install(table.path, material.program, image=None if image is None else image.to_bytes(), **how)

    def link(self, table: Any) -> None:
        """Make a symbolic or a hard link."""
        for fs in self._trees(table):
            if table.hard:
                fs.link(table.target, table.path)
            else:
                fs.symlink(table.target, table.path)

    def node(self, table: Any) -> None:
        """Set the state and the rights of nodes."""
        ids, cluster = self._ids(table), self._system(table)
        for number in dict.fromkeys(node_numbers(table.on, len(cluster.nodes))):
            if number == NODE_MASTER:
                raise ValueError("on: the master has no state or rights of its own")
            node = cluster.nodes[number]
            if table.state is not None:
                node.set_state(table.state)
            if table.mode is not None:
                node.chmod(table.mode)
            if ids is not None:
                node.chown(*ids)
