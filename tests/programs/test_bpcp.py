"""bpcp: files and trees to nodes, from nodes, between them; what cannot be copied is told, and the rest is."""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import ms, s
from tests.commandline import Said, typed

EDITIONS = ["scyld", "lanl32", "bproc4"]
DONE = Said(0, "", "")


def with_files(edition: str = "scyld", **options: Any) -> bp.Cluster:
    """A large file and a tree on the master."""
    cluster = bp.Cluster(nodes=3, edition=edition, **options)
    fs = cluster.master.fs
    fs.write_file("/tmp/large", bytes(range(256)) * 1000, mode=0o751)
    fs.mkdir("/tmp/tree/below", parents=True)
    fs.write_file("/tmp/tree/a", b"A", mode=0o600)
    fs.write_file("/tmp/tree/below/empty", b"", mode=0o755)
    return cluster


def tree_of(fs: Any, path: str) -> dict[str, tuple[int, bytes | None]]:
    """Modes and contents of a directory and all that is in it."""
    found: dict[str, tuple[int, bytes | None]] = {}
    for name in fs.listdir(path):
        status = fs.stat(f"{path}/{name}")
        inside = status.kind == "directory"
        found[name] = (status.mode, None if inside else fs.read_file(f"{path}/{name}"))
        if inside:
            found |= {f"{name}/{each}": told for each, told in tree_of(fs, f"{path}/{name}").items()}
    return found


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize(("source", "target"), [("", "0:"), ("0:", ""), ("0:", "1:"), ("", ""), ("-1:", "0:")])
def test_a_file_and_a_tree_come_whole(edition: str, source: str, target: str) -> None:
    """Wherever they are, and wherever they go."""
    cluster = with_files(edition)
    master = cluster.master.fs
    here = cluster.nodes[0].fs if source == "0:" else master
    there = {"": master, "0:": cluster.nodes[0].fs, "1:": cluster.nodes[1].fs}[target]
    if here is not master:
        assert typed(cluster, "bpcp -r /tmp/large /tmp/tree 0:/tmp") == DONE
    there.mkdir("/to")
    assert typed(cluster, f"bpcp -r -- {source}/tmp/large {source}/tmp/tree {target}/to") == DONE
    assert there.read_file("/to/large") == bytes(range(256)) * 1000
    assert there.stat("/to/large").mode == 0o751
    assert tree_of(there, "/to/tree") == tree_of(here, "/tmp/tree")


@pytest.mark.parametrize("edition", EDITIONS)
def test_nothing_is_left_behind(edition: str) -> None:
    cluster = with_files(edition)
    for line in ("bpcp /tmp/large 0:/x", "bpcp 0:/x 1:/x", "bpcp 0:/nosuch /x", "bpcp 0:/nosuch 1:/x"):
        typed(cluster, line)
    cluster.sleep(1)
    for machine in (cluster.machine(number) for number in (-1, 0, 1)):
        assert (machine.files.used, machine.memory.used_bytes, machine.processes) == (0, 0, {})
        assert not machine.sockets.held


def test_a_new_name_an_old_one_and_a_directory() -> None:
    cluster = with_files()
    fs = cluster.nodes[0].fs
    fs.write_file("/tmp/old", b"longer than what comes", mode=0o640)
    assert typed(cluster, "bpcp /tmp/tree/a 0:/tmp/old") == DONE
    assert (fs.read_file("/tmp/old"), fs.stat("/tmp/old").mode) == (b"A", 0o640)
    assert typed(cluster, "bpcp /tmp/tree/a 0:/tmp") == DONE
    assert typed(cluster, "bpcp /tmp/tree/a 0:") == DONE
    assert (fs.read_file("/tmp/a"), fs.read_file("/a")) == (b"A", b"A")


def test_modes_go_by_the_umask_unless_they_are_kept() -> None:
    cluster = with_files()
    cluster.master.fs.write_file("/tmp/open", b"", mode=0o2777)
    fs = cluster.nodes[0].fs
    typed(cluster, "bpcp /tmp/open 0:/tmp/one")
    typed(cluster, "bpcp -p /tmp/open 0:/tmp/other")
    assert (fs.stat("/tmp/one").mode, fs.stat("/tmp/other").mode) == (0o2755, 0o2777)
    fs.write_file("/tmp/old", b"", mode=0o600)
    typed(cluster, "bpcp -p /tmp/large 0:/tmp/old")
    assert fs.stat("/tmp/old").mode == 0o751


def test_a_program_can_be_run_where_it_was_copied() -> None:
    cluster = with_files()
    assert typed(cluster, "bpcp /bin/hostname 0:/bin/hostname") == DONE
    assert typed(cluster, ["bpsh", "0", "sh", "-c", "hostname"]).stdout == ".0\n"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("bpcp /nosuch 0:/tmp", "rcp: /nosuch: No such file or directory"),
        ("bpcp 0:/nosuch /tmp", "rcp: /nosuch: No such file or directory"),
        ("bpcp 0:/nosuch 1:/tmp", "rcp: /nosuch: No such file or directory"),
        ("bpcp /tmp/tree 0:/tmp", "rcp: /tmp/tree: not a plain file"),
        ("bpcp /dev/null 0:/tmp", "rcp: /dev/null: not a plain file"),
        ("bpcp /tmp/large 0:/no/x", "rcp: /no/x: No such file or directory"),
        ("bpcp 0:/bin/sh /no/x", "rcp: /no/x: No such file or directory"),
        ("bpcp 0:/bin/sh 1:/no/x", "rcp: /no/x: No such file or directory"),
        ("bpcp /bin/ps /bin/echo 0:/bin/sh", "rcp: /bin/sh: Not a directory"),
        ("bpcp 0:/bin/sh 0:/bin/sh /tmp/large", "rcp: /tmp/large: Not a directory"),
        ("bpcp /tmp/large 9:/tmp", "rfork: Invalid argument"),
        ("bpcp /tmp/large 2:/tmp", "rfork: Invalid argument"),
        ("bpcp /tmp/large n0:/tmp", "Invalid node number: n0"),
        ("bpcp all:/tmp/x /tmp", "Invalid node number: all"),
        ("bpcp x", "usage: bpcp [-p] f1 f2; or: bpcp [-pr] f1 ... fn directory"),
        ("bpcp -q x y", "bpcp: invalid option -- q"),
    ],
)
def test_what_is_refused(line: str, said: str) -> None:
    cluster = with_files(faults=[bp.PowerOff(node=2)])
    assert typed(cluster, line) == Said(1, "", f"{said}\n")


def test_a_slash_before_the_colon_makes_it_part_of_a_path() -> None:
    cluster = with_files()
    cluster.master.fs.write_file("/tmp/0:x", b"colon")
    assert typed(cluster, "bpcp /tmp/0:x /tmp/copy") == DONE
    assert cluster.master.fs.read_file("/tmp/copy") == b"colon"


def test_the_rest_is_copied_when_something_cannot_be() -> None:
    cluster = with_files()
    ann = cluster.user("ann", 700, 7)
    cluster.master.fs.write_file("/tmp/tree/secret", b"", mode=0o600)
    cluster.nodes[0].fs.mkdir("/to", mode=0o777)
    cluster.master.fs.chmod("/tmp/tree/a", 0o644)
    said = typed(cluster, "bpcp -r /tmp/nosuch /tmp/tree 0:/to", user=ann)
    assert said == Said(
        1, "", "rcp: /tmp/nosuch: No such file or directory\nrcp: /tmp/tree/secret: Permission denied\n"
    )
    copied = tree_of(cluster.nodes[0].fs, "/to/tree")
    assert set(copied) == {"a", "below", "below/empty"}
    assert cluster.nodes[0].fs.stat("/to/tree/a").uid == 700


def test_a_busy_program_is_not_overwritten() -> None:
    cluster = with_files()
    cluster.nodes[0].fs.write_file("/tmp/run", b"")
    cluster.install("/tmp/run", cluster.commands["sleep"], on=[0])
    with cluster.session(node=0) as session:
        session.spawn("/tmp/run", ["run", "60"])
        assert typed(cluster, "bpcp /tmp/large 0:/tmp/run") == Said(1, "", "rcp: /tmp/run: Text file busy\n")


@pytest.mark.parametrize("line", ["bpcp /tmp/huge 0:/tmp", "bpcp 0:/tmp/huge /tmp/x", "bpcp 0:/tmp/huge 1:/tmp"])
def test_a_node_dies_in_the_middle(line: str) -> None:
    """It is found out, and bpcp fails."""
    cluster = bp.Cluster(nodes=2)
    for machine in (cluster.master, cluster.nodes[0]):
        machine.fs.write_file("/tmp/huge", bytes(8 << 20))
    launched = cluster.popen(line.split())
    cluster.sleep(0.2)
    cluster.inject(bp.PowerOff(node=0, at_ns=cluster.sim.now_ns))
    assert launched.wait() == 1
    assert 30 * s < cluster.sim.now_ns < 46 * s
    cluster.sleep(1)
    assert cluster.home.processes == {}


def test_in_bproc4_nobody_hears_that_a_node_is_down() -> None:
    """The library gives a negative number other than -1, so bpcp waits. Source: bproc-4.0.0pre8-bpcp."""
    cluster = with_files("bproc4", faults=[bp.PowerOff(node=2)])
    with pytest.raises(bp.Deadlock, match="accept"):
        typed(cluster, "bpcp /tmp/large 2:/tmp")


@pytest.mark.parametrize("edition", EDITIONS)
def test_nobody_hears_of_a_peer_that_was_killed_before_it_had_connected(edition: str) -> None:
    """Nothing wakes an accept; a peer that had connected is missed."""
    cluster = with_files(edition, faults=[bp.MasterDaemonExit(at_ns=4 * ms)])
    with pytest.raises(bp.Deadlock, match="accept"):
        typed(cluster, "bpcp /tmp/large 2:/tmp")
    cluster = with_files(edition, faults=[bp.MasterDaemonExit(at_ns=11 * ms)])
    assert typed(cluster, "bpcp /tmp/large 2:/tmp") == Said(1, "", "rcp: lost connection\n")


def test_time_goes_by_what_is_copied() -> None:
    """A file of a megabyte takes longer than one of a byte by what the link takes for it."""
    cluster = with_files()
    cluster.master.fs.write_file("/tmp/mib", bytes(1 << 20))
    began_ns = cluster.sim.now_ns
    typed(cluster, "bpcp /tmp/tree/a 0:/tmp")
    small_ns = cluster.sim.now_ns - began_ns
    typed(cluster, "bpcp /tmp/mib 0:/tmp")
    large_ns = cluster.sim.now_ns - began_ns - small_ns
    assert large_ns - small_ns >= cluster.costs.link_ns_per_mib
    assert small_ns < 20 * ms
