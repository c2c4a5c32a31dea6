"""The XCPU programs: images, arguments and exit statuses come through, and refusals are told."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

import bprocsim as bp
from bprocsim.programs.xcpu.launcher import xrx_flat, xrx_tree
from bprocsim.programs.xcpu.messages import Refused, Type, ask, post, receive
from bprocsim.programs.xcpu.server import xcpufs
from bprocsim.programs.xcpu.sessions import PORT, Figures, connect, divide
from bprocsim.units import KiB, MiB, ms

FIGURES = Figures(0, 0, 0)
MODES = ("flat", "tree")


def report(proc: bp.Proc) -> Any:
    """Say where it runs and by which arguments, in a file, and end with the number of the node."""
    fd = yield from proc.open("/tmp/report", bp.O_WRONLY | bp.O_CREAT | bp.O_APPEND)
    yield from proc.write(fd, " ".join([str(proc.node), *proc.argv]).encode() + b"\n")
    yield from proc.close(fd)
    return proc.node


def world(nodes: int = 9, **options: Any) -> bp.Cluster:
    """Build a cluster with a server on every node that has power, and both launchers."""
    cluster = bp.Cluster(nodes=nodes, strict=True, **options)
    cluster.install("/usr/bin/report", report)
    cluster.install("/usr/sbin/xcpufs", xcpufs(FIGURES), on="all")
    cluster.install("/usr/bin/flat", xrx_flat(FIGURES))
    cluster.install("/usr/bin/tree", xrx_tree(FIGURES))
    for node in cluster.nodes:
        if node.state == "up":
            cluster.session(node=node.number).spawn("/usr/sbin/xcpufs")
    cluster.sleep(0.01)
    return cluster


def launch(cluster: bp.Cluster, mode: str, *words: str, hosts: list[str] | None = None, fanout: int = 2) -> bp.Outcome:
    names = ",".join([node.address for node in cluster.nodes] if hosts is None else hosts)
    options = ["-n", str(fanout)] if mode == "tree" else []
    return cluster.execve(f"/usr/bin/{mode}", ["xrx", *options, names, *(words or ("/usr/bin/report", "a", "b c"))])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("fanout", [1, 2, 3, 8, 100])
def test_every_node_gets_the_image_and_runs_it_once(mode: str, fanout: int) -> None:
    cluster = world()
    out = launch(cluster, mode, fanout=fanout)
    assert (out.exit_status, out.stderr) == (8, b""), "the greatest status is that of the last node"
    image = cluster.master.fs.read_file("/usr/bin/report")
    for number, node in enumerate(cluster.nodes):
        assert node.fs.read_file("/tmp/xcpu-0") == image
        assert node.fs.read_file("/tmp/report") == f"{number} /usr/bin/report a b c\n".encode()


@pytest.mark.parametrize("mode", MODES)
def test_an_image_passes_whole_through_small_buffers(mode: str) -> None:
    small = attrs.evolve(bp.costs["clustermatic-2002"], name="small", socket_buffer_bytes=1000)
    cluster = world(5, costs=small)
    image = cluster.master.fs.read_file("/usr/bin/report").ljust(50 * KiB, b"x")
    cluster.master.fs.write_file("/usr/bin/report", image, mode=0o755)
    assert launch(cluster, mode).exit_status == 4
    assert all(node.fs.read_file("/tmp/xcpu-0") == image for node in cluster.nodes)


@pytest.mark.parametrize("mode", MODES)
def test_several_sessions_on_a_node_are_several_processes(mode: str) -> None:
    cluster = world(2)
    hosts = [cluster.nodes[number % 2].address for number in range(5)]
    assert launch(cluster, mode, hosts=hosts).exit_status == 1
    assert cluster.nodes[0].fs.read_file("/tmp/report").count(b"\n") == 3
    assert cluster.nodes[1].fs.read_file("/tmp/report").count(b"\n") == 2
    assert cluster.nodes[0].fs.exists("/tmp/xcpu-2")


@pytest.mark.parametrize("mode", MODES)
def test_a_missing_image_is_told(mode: str) -> None:
    out = launch(world(2), mode, "/usr/bin/none")
    assert out.exit_status == 1
    assert out.stderr.startswith(b"xrx: [Errno 2] No such file or directory")


@pytest.mark.parametrize("mode", MODES)
def test_a_node_without_a_server_is_told(mode: str) -> None:
    cluster = world(3)
    quiet = bp.Cluster(nodes=3)
    quiet.install("/usr/bin/flat", xrx_flat(FIGURES))
    quiet.install("/usr/bin/tree", xrx_tree(FIGURES))
    quiet.install("/usr/bin/report", report)
    assert launch(cluster, mode).exit_status == 2
    out = launch(quiet, mode)
    assert out.exit_status == 1
    assert b"Connection refused" in out.stderr


@pytest.mark.parametrize("mode", MODES)
def test_a_host_is_an_address(mode: str) -> None:
    out = launch(world(1), mode, hosts=["10.54.1.0", "n1"])
    assert (out.exit_status, out.stderr) == (1, b"xrx: n1: no address\n")


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("flat", []),
        ("flat", ["10.54.1.0"]),
        ("tree", ["10.54.1.0", "/bin/sh"]),
        ("tree", ["-n", "0", "10.54.1.0", "x"]),
    ],
)
def test_it_tells_how_it_is_called(mode: str, words: list[str]) -> None:
    out = world(1).execve(f"/usr/bin/{mode}", ["xrx", *words])
    assert out.exit_status == 2
    assert out.stderr.startswith(b"usage: xrx ")
    assert (b"-n FANOUT" in out.stderr) == (mode == "tree")


@pytest.mark.parametrize("mode", MODES)
def test_what_is_no_program_cannot_be_run(mode: str) -> None:
    cluster = world(3)
    cluster.master.fs.write_file("/usr/bin/text", b"no program, only a text\n", mode=0o755)
    assert launch(cluster, mode, "/usr/bin/text").exit_status == 127


def test_a_refusal_deep_in_the_tree_reaches_the_launcher() -> None:
    """Node 3 is filled by node 1, and has a directory where the image is to lie."""
    cluster = world(4)
    cluster.nodes[3].fs.mkdir("/tmp/xcpu-0")
    out = launch(cluster, "tree")
    assert out.exit_status == 1
    assert out.stderr.startswith(b"xrx: [Errno 21] Is a directory")


@pytest.mark.parametrize(
    ("kind", "name", "data", "told"),
    [
        (Type.READ, "7/wait", b"", "7/wait: no such file"),
        (Type.READ, "0/exec", b"", "0/exec: no such file"),
        (Type.WRITE, "0/ctl", b"dance", "ctl: dance: no such command"),
        (Type.WRITE, "0/ctl", b"clone 0 1.2.3.4/0", "ctl: clone 0 1.2.3.4/0: no such command"),
        (Type.WRITE, "0/ctl", b"clone 1 nobody", "nobody: no address"),
        (Type.READ, "0/wait", b"", "No child processes"),
    ],
)
def test_a_server_refuses_what_it_does_not_know(kind: Type, name: str, data: bytes, told: str) -> None:
    cluster = world(1)
    heard: list[str] = []

    def client(proc: bp.Proc) -> Any:
        fd = yield from connect(proc, cluster.nodes[0].address)
        yield from ask(proc, fd, Type.READ, "clone")
        try:
            yield from ask(proc, fd, kind, name, data)
        except Refused as error:
            heard.append(str(error))
        assert (yield from ask(proc, fd, Type.READ, "clone")) == b"1", "the connection is as good as before"

    cluster.install("/usr/bin/client", client)
    assert cluster.execve("/usr/bin/client").exit_status == 0
    assert told in heard[0]


def test_a_server_that_dies_is_noticed() -> None:
    cluster = world(1)

    def server(proc: bp.Proc) -> Any:
        listener = yield from proc.socket()
        yield from proc.bind(listener, bp.Address("", PORT))
        yield from proc.listen(listener)
        fd, _ = yield from proc.accept(listener)
        yield from receive(proc, fd)

    cluster.install("/usr/sbin/short", server)
    s = cluster.session()
    s.spawn("/usr/sbin/short")
    out = launch(cluster, "flat", hosts=["127.0.0.1"])
    assert (out.exit_status, out.stderr) == (1, b"xrx: the server closed the connection\n")


@pytest.mark.parametrize("last", [b"", b"half a mess", bytes(40)])
@pytest.mark.parametrize("waits", [False, True])
def test_a_client_that_goes_takes_nobody_along(last: bytes, waits: bool) -> None:
    """It leaves in the middle of a message, after garbage, or with a reply under way."""
    cluster = world(1)

    def client(proc: bp.Proc) -> Any:
        fd = yield from connect(proc, cluster.nodes[0].address)
        yield from post(proc, fd, Type.READ, "clone")
        yield from proc.write(fd, last)
        if waits:
            yield from proc.sleep(ms)
        yield from proc.close(fd)

    cluster.install("/usr/bin/client", client)
    assert cluster.execve("/usr/bin/client").exit_status == 0
    cluster.sleep(0.01)
    assert launch(cluster, "flat").exit_status == 0
    assert cluster.nodes[0].fs.exists("/tmp/xcpu-1")


@pytest.mark.parametrize(
    ("count", "fanout", "shares"),
    [
        (0, 2, []),
        (3, 8, [(0, []), (1, []), (2, [])]),
        (9, 2, [(0, [2, 3, 4, 5]), (1, [6, 7, 8])]),
        (4, 3, [(0, [3]), (1, []), (2, [])]),
        (3, 1, [(0, [1, 2])]),
    ],
)
def test_sessions_are_divided_evenly(count: int, fanout: int, shares: list[Any]) -> None:
    assert divide(range(count), fanout) == shares


def test_the_same_launch_leaves_the_same_trace() -> None:
    def digest() -> str:
        cluster = world(5, trace="all", seed=3)
        launch(cluster, "tree")
        return cluster.trace.digest()

    assert digest() == digest()


@pytest.mark.parametrize("mode", MODES)
def test_a_large_image_takes_no_more_events_than_a_small_one(mode: str) -> None:
    """What keeps a launch of 64 nodes short to simulate, whatever is launched."""

    def events(size_bytes: int) -> int:
        cluster = world(5, costs="pinkish")
        image = cluster.master.fs.read_file("/usr/bin/report").ljust(size_bytes, b"x")
        cluster.master.fs.write_file("/usr/bin/report", image, mode=0o755)
        before = cluster.sim.engine.events
        assert launch(cluster, mode).exit_status == 4
        shared = {id(node.fs.read_file("/tmp/xcpu-0")) for node in cluster.nodes}
        assert shared == {id(image)}, "all nodes share the bytes of one image"
        return cluster.sim.engine.events - before

    assert events(18 * MiB) <= events(64 * KiB) + 5 * 5
