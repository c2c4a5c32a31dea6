"""bpsh where it starts all its processes by one vector call: lanl32 and bproc4."""

from __future__ import annotations

from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import ms, s
from tests.commandline import Said, typed


@pytest.fixture(params=["lanl32", "bproc4"])
def edition(request: pytest.FixtureRequest) -> str:
    """Each edition in turn."""
    name: str = request.param
    return name


def test_a_node_that_refuses_is_named_and_counts_for_nothing(edition: str) -> None:
    """Node 3 is somebody else's."""
    cluster = bp.Cluster(nodes=18, edition=edition)
    gregory = cluster.user("gregory", 500, 100)
    for node in cluster.nodes:
        node.chmod(0o100)
        if node.number < 2 or node.number > 9:
            node.chown(500, 100)
    said = typed(cluster, "bpsh 1,3,10-12 hostname", user=gregory)
    assert (said.status, said.stderr) == (0, "3: Operation not permitted\n")
    assert sorted(said.stdout.split()) == ["n1", "n10", "n11", "n12"]


@pytest.mark.parametrize(("nodes", "failed"), [("0-2", [1]), ("1,3", [1, 3]), ("1,1", [1, 1])])
def test_nodes_that_are_down(edition: str, nodes: str, failed: list[int]) -> None:
    """Also when all are, the status is 0. Source: bproc-4.0.0pre8-clients."""
    cluster = bp.Cluster(nodes=4, edition=edition, faults=[bp.PowerOff(node=1), bp.PowerOff(node=3)])
    said = typed(cluster, ["bpsh", nodes, "cat"], input=b"x\n")
    assert said.status == 0
    assert said.stderr == "".join(f"{node}: Node is down\n" for node in failed)
    assert said.stdout == "x\n" * (len(failed) == 1) * 2


def test_one_that_was_lost_and_is_not_noticed_yet(edition: str) -> None:
    cluster = bp.Cluster(nodes=3, edition=edition, faults=[bp.PowerOff(node=1, at_ns=1 * s)])
    cluster.sleep(2)
    said = typed(cluster, "bpsh 0-2 true")
    assert said == Said(0, "", "1: Slave node died\n")
    assert 31 * s <= cluster.sim.now_ns <= 46 * s


def test_a_node_that_dies_while_its_process_runs(edition: str) -> None:
    cluster = bp.Cluster(nodes=2, edition=edition, faults=[bp.PowerOff(node=1, at_ns=1 * s)])
    assert typed(cluster, "bpsh 0,1 sleep 2") == Said(255, "", "bpsh: Child process on node 1 exited abnormally.\n")


def test_an_image_that_cannot_be_executed_is_told_of_each_node(edition: str) -> None:
    cluster = bp.Cluster(nodes=2, edition=edition)
    cluster.master.fs.write_file("/bin/text", b"no program", 0o755)
    assert typed(cluster, "bpsh 0,1 text") == Said(0, "", "0: Exec format error\n1: Exec format error\n")


@pytest.mark.parametrize(("edition", "said"), [("lanl32", "bproc_numnodes: Device or resource busy\n")])
def test_without_a_master_daemon(edition: str, said: str) -> None:
    cluster = bp.Cluster(nodes=2, edition=edition, faults=[bp.MasterDaemonExit()])
    assert typed(cluster, "bpsh 0 hostname") == Said(1, "", said)


def test_the_whole_call_may_be_refused(edition: str) -> None:
    """The daemon ends between the question which nodes there are and the launch."""
    cluster = bp.Cluster(nodes=1, edition=edition)
    why = {"lanl32": "Device or resource busy", "bproc4": "Function not implemented"}[edition]
    at_ns = next(
        record.at_ns for record in _records_of(edition) if record.kind == "call" and record.call == "thread_create"
    )
    cluster.inject(bp.MasterDaemonExit(at_ns=at_ns))
    assert typed(cluster, "bpsh 0 true") == Said(1, "", f"bproc_vexecmove_io: {why}\n")


def _records_of(edition: str) -> Any:
    """What happens in the same world without the fault."""
    cluster = bp.Cluster(nodes=1, edition=edition, trace="all")
    typed(cluster, "bpsh 0 true")
    return cluster.trace.records


# ---- files on nodes --------------------------------------------------------------------------------


def test_streams_are_files_of_the_nodes(edition: str) -> None:
    cluster = bp.Cluster(nodes=2, edition=edition)
    for number, node in enumerate(cluster.nodes):
        node.fs.write_file("/tmp/in", b"from node %d\n" % number)
    script = ["sh", "-c", "echo out; echo $0; nosuch"]
    said = typed(cluster, ["bpsh", "-O", "/tmp/out", "--stderr", "/tmp/err", "0,1", *script])
    assert said == Said(127, "", "")
    for node in cluster.nodes:
        assert node.fs.read_file("/tmp/out") == b"out\nsh\n"
        assert node.fs.read_file("/tmp/err") == b"sh: 1: nosuch: not found\n"
        assert node.fs.stat("/tmp/out").mode == 0o644
    assert typed(cluster, "bpsh -s -I /tmp/in 0,1 cat") == Said(0, "from node 0\nfrom node 1\n", "")


def test_a_file_that_is_not_there_is_told_of_the_node(edition: str) -> None:
    cluster = bp.Cluster(nodes=2, edition=edition)
    cluster.nodes[1].fs.write_file("/tmp/in", b"here\n")
    assert typed(cluster, "bpsh -I /tmp/in 0,1 cat") == Said(0, "here\n", "0: No such file or directory\n")
    assert typed(cluster, "bpsh -O /no/dir/x 1 true") == Said(0, "", "1: No such file or directory\n")


def test_files_are_opened_with_the_callers_rights(edition: str) -> None:
    cluster = bp.Cluster(nodes=1, edition=edition)
    cluster.nodes[0].fs.write_file("/tmp/secret", b"", 0o600)
    ann = cluster.user("ann", 700, 7)
    assert typed(cluster, "bpsh -I /tmp/secret 0 cat", user=ann).stderr == "0: Permission denied\n"


# ---- what its processes get ------------------------------------------------------------------------


def rank(proc: bp.Proc) -> Any:
    """Say by which index and which path the process was started."""
    yield from proc.print(proc.env["BPROC_RANK"], proc.env["BPROC_PROGNAME"], proc.env["MINE"])


def test_each_knows_its_index(edition: str) -> None:
    cluster = bp.Cluster(nodes=3, edition=edition)
    cluster.install("/usr/bin/rank", rank)
    said = typed(cluster, "bpsh -sp 2,0,1 rank", env={"PATH": "/usr/bin", "MINE": "x"})
    assert said.stdout == "".join(f"  {node}: {index:07} /usr/bin/rank x\n" for node, index in enumerate((1, 2, 0)))


def test_one_on_the_master_is_told_no_index(edition: str) -> None:
    """It never travels. Source: bproc-4.0.0pre8-interface."""
    cluster = bp.Cluster(nodes=1, edition=edition)
    cluster.install("/usr/bin/rank", rank)
    said = typed(cluster, "bpsh -s master,0 rank", env={"PATH": "/usr/bin", "MINE": "x"})
    assert said.stdout == "XXXXXXX /usr/bin/rank x\n0000001 /usr/bin/rank x\n"


def test_all_begin_once_the_last_is_placed(edition: str) -> None:
    """A node of which nobody knows that it is gone holds up the others."""
    cluster = bp.Cluster(nodes=3, edition=edition)
    began: list[int] = []

    def note(_proc: bp.Proc) -> None:
        began.append(cluster.sim.now_ns)

    cluster.install("/usr/bin/note", note)
    cluster.inject(bp.Hang(node=2, at_ns=1))
    cluster.sleep(0.001)
    typed(cluster, "bpsh 0-2 note")
    assert len(began) == 2
    assert min(began) > 29 * s
    assert max(began) - min(began) < 10 * ms


def test_who_is_no_process_of_it_is_turned_away(edition: str) -> None:
    """Somebody connects to its port and says something, or nothing: the launch is what it was."""
    cluster = bp.Cluster(nodes=1, edition=edition)
    launched = cluster.popen(["bpsh", "0", "sh", "-c", "echo fine"])
    seen: list[bytes] = []
    cluster.sleep(0.0015)  # it listens by now
    with cluster.session(node=0) as session:
        for word in (b"\1\0\0\0\1\0\0\0", b"abc", b""):
            for number in sorted(cluster.home.sockets.listeners):
                fd = session.socket()
                session.connect(fd, bp.Address("10.54.0.1", number))
                if word:
                    session.write(fd, word)
                if len(word) == 8:
                    seen.append(session.read(fd))
                session.close(fd)
    assert seen == [b""], "closed without a word"
    assert launched.communicate() == (b"fine\n", b"")
    assert launched.returncode == 0


@pytest.mark.parametrize("arch", ["ppc", "alpha"])
def test_who_connects_is_read_in_the_machines_own_order_of_bytes(edition: str, arch: str) -> None:
    cluster = bp.Cluster(nodes=[bp.NodeSpec(arch=arch)] * 2, edition=edition)
    assert typed(cluster, "bpsh -s 0,1 hostname") == Said(0, "n0\nn1\n", "")


def test_a_connection_too_many_is_told_and_dropped(edition: str) -> None:
    """Somebody says that he is a process that has its three connections already."""
    cluster = bp.Cluster(nodes=1, edition=edition)
    launched = cluster.popen(["bpsh", "0", "sleep", "5"])
    cluster.sleep(1)
    with cluster.session() as session:
        (number,) = cluster.home.sockets.listeners
        fd = session.socket()
        session.connect(fd, bp.Address("", number))
        session.write(fd, (launched.pid + 1).to_bytes(4, "little") + (2).to_bytes(4, "little"))
        assert session.read(fd) == b""
    assert launched.communicate() == (b"", f"too many connections from pid {launched.pid + 1} (rfd=2)\n".encode())
    assert launched.returncode == 0


# ---- what is peculiar to 4.0 -----------------------------------------------------------------------


def test_minus_one_means_nobody_in_bproc4() -> None:
    assert typed(bp.Cluster(nodes=1, edition="bproc4"), "bpsh -1 hostname") == Said(0, "", "")
    assert typed(bp.Cluster(nodes=1, edition="lanl32"), "bpsh -1 hostname") == Said(0, "master\n", "")


def test_the_long_option_for_the_version_leads_nowhere(edition: str) -> None:
    cluster = bp.Cluster(nodes=1, edition=edition)
    assert typed(cluster, "bpsh --version") == Said(1, "", "")
    assert typed(cluster, "bpsh -v").status == 0
