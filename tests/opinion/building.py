"""Build a world that is told as plain data, by what any user of bprocsim may touch, and make the call in it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import bprocsim as bp
from bprocsim.posix.fs import Fs
from tests.opinion.execs import Ended, Fate, Loaded, Ran, Refused
from tests.opinion.files import parent
from tests.opinion.given import GIVEN
from tests.opinion.worlds import NOWHERE, Call, Text, Vector, Who, World

LISTENED_PORT = 4000
FEW_FILES = 10


def outcome_of(world: World, call: Call) -> Fate:
    """What the simulator says that the call comes to."""
    cluster = build(world)
    machine = cluster.master if world.at == -1 else cluster.nodes[world.at]
    with ExitStack() as held:
        for path in world.tree.written:
            held.enter_context(machine.fs.open_for_write(path))
        path, argv, envp = pointer(call.path), vector(call.argv), vector(call.envp)
        if call.node is None:
            out = cluster.execve(path, argv, envp, user=user(world.who), from_node=world.at, cwd=world.cwd)
        elif call.port is None:
            out = cluster.bproc_execmove(
                call.node, path, argv, envp, user=user(world.who), from_node=world.at, cwd=world.cwd
            )
        else:
            out = cluster.bproc_execmove_io(
                call.node, call.port, path, argv, envp,
                user=user(world.who), from_node=world.at, cwd=world.cwd, listen=call.heard,
            )  # fmt: skip
    return fate_of(out)


def fate_of(out: bp.Outcome) -> Fate:
    """An outcome in the words of the second opinion."""
    if out.failed:
        assert out.errno is not None
        return Refused(out.errno.name)
    if out.late_errno is not None:
        assert out.exit_status is not None
        return Ended(out.exit_status, out.late_errno.name)
    if out.signal is not None:
        return Loaded()
    assert out.exit_status is not None
    return Ran(out.node) if out.exit_status == 0 else Ended(out.exit_status)


def build(world: World, files_at: int | None = None) -> bp.Cluster:
    """Make the cluster, its nodes, faults, and files, which are the caller's unless they shall be another node's."""
    at = world.at if files_at is None else files_at
    cluster = bp.Cluster(
        nodes=[bp.NodeSpec(arch=station.arch) for station in world.stations], master=bp.NodeSpec(arch=world.arch),
        edition=world.edition, kernel=world.kernel, faults=[bp.PowerOff(node) for node in _off(world)],
    )  # fmt: skip
    for node, station in enumerate(world.stations):
        if station.state == "down":
            continue
        if station.state != "up":
            cluster.nodes[node].set_state(station.state)
        cluster.nodes[node].chmod(station.mode)
        cluster.nodes[node].chown(station.uid, station.gid)
        if station.full:
            cluster.inject(bp.MemoryFull(node, 0))
        for name in station.missing:
            cluster.inject(bp.LibraryMissing(node, name))
    machine = cluster.master if at == -1 else cluster.nodes[at]
    plant(world, machine.fs)
    for path in world.tree.unreadable:
        cluster.inject(bp.IoError(at, path))
    for node, station in enumerate(world.stations):
        if station.silent:
            at_ns = cluster.sim.now_ns + 1
            cut = {"power": bp.PowerOff(node, at_ns=at_ns), "hang": bp.Hang(node, at_ns=at_ns)}
            cluster.inject(cut.get(station.silent, bp.LinkCut(bp.BPROC_NODE_MASTER, node, at_ns=at_ns)))
            cluster.sim.run(until_ns=at_ns + 1)
    if world.master_gone:
        cluster.inject(bp.MasterDaemonExit())
    if world.files_left < FEW_FILES:
        # What is open before the call is open still; Linux 2.4 keeps some that only root may take.
        kept = 10 if world.kernel == "linux-2.4" else 0
        cluster.inject(bp.OpenFileLimit(at, world.files_left + kept))
    if not world.memory_left:
        cluster.inject(bp.MemoryFull(at, 0))
    return cluster


def _off(world: World) -> list[int]:
    return [node for node, station in enumerate(world.stations) if station.state == "down"]


def plant(world: World, fs: Fs) -> None:
    """Lay down the tree, parents first; owners and modes are set exactly."""
    for path, entry in world.tree.entries.items():
        if path in GIVEN:
            continue
        assert path == "/" or parent(path) == "/" or parent(path) in world.tree.entries
        if entry.same_as:
            fs.link(entry.same_as, path)
        elif entry.kind == "link":
            fs.symlink(entry.target, path)
        elif entry.kind == "dir":
            fs.mkdir(path, mode=entry.mode, uid=entry.uid, gid=entry.gid)
            if path in world.tree.mounts:
                mount = world.tree.mounts[path]
                fs.mount(path, nosuid=mount.nosuid, noexec=mount.noexec)
                fs.chmod(path, entry.mode)
                fs.chown(path, entry.uid, entry.gid)
        elif entry.kind == "file":
            fs.write_file(path, entry.data, mode=entry.mode, uid=entry.uid, gid=entry.gid)
        else:
            fs.mknod(path, entry.kind, mode=entry.mode, uid=entry.uid, gid=entry.gid)


def user(who: Who) -> bp.Credentials:
    """The caller's identity."""
    return bp.Credentials(
        who.uid, who.gid, euid=who.euid, egid=who.egid, groups=who.groups, capabilities=() if who.powerless else None
    )


def pointer(text: Text) -> Any:
    """A string, NULL, or a pointer to nowhere."""
    return bp.BAD_ADDRESS if text is NOWHERE else text


def vector(strings: Vector) -> Any:
    """A vector of them, or such a pointer."""
    return [pointer(text) for text in strings] if isinstance(strings, tuple) else pointer(strings)
