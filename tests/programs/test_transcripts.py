"""What BProc's commands write, byte for byte, where it has been published."""

from __future__ import annotations

import pytest

import bprocsim as bp
from tests.commandline import Said, typed

SCYLD_BPSTAT = """\
Node(s)                        Status       Mode       User       Group
5-9                            down         ---------- root       root
4                              up           ---x--x--x any        any
0-3                            up           ---x--x--x root       root
"""


def with_group(cluster: bp.Cluster, line: str) -> None:
    """Give a group a name."""
    fs = cluster.master.fs
    fs.write_file("/etc/group", fs.read_file("/etc/group") + line.encode() + b"\n")


def test_bpstat_of_scyld() -> None:
    """Ten nodes, half of them off, one for anybody. Source: scyld-bpctl."""
    cluster = bp.Cluster(nodes=10, faults=[bp.PowerOff(node=number) for number in range(5, 10)])
    cluster.user("any", 90, 90)
    with_group(cluster, "any:x:90:")
    cluster.nodes[4].chown(90, 90)
    assert typed(cluster, "bpstat") == Said(0, SCYLD_BPSTAT, "")


@pytest.mark.parametrize("edition", ["scyld", "lanl32"])
def test_bpstat_at_csail(edition: str) -> None:
    """All nodes are a user's own. Source: bpstat-users."""
    cluster = bp.Cluster(nodes=32, edition=edition)
    cluster.user("clubmask", 95, 100)
    with_group(cluster, "users:x:100:")
    for node in cluster.nodes:
        node.chown(95, 100)
        node.chmod(0o100)
    assert typed(cluster, "bpstat").stdout == (
        "Node(s)                        Status       Mode       User       Group\n"
        "0-31                           up           ---x------ clubmask   users\n"
    )


def gregorys(edition: str) -> tuple[bp.Cluster, bp.User]:
    """The cluster of the transcript: nodes 0-1 and 10-17 are gregory's, all others root's alone."""
    cluster = bp.Cluster(nodes=18, edition=edition)
    gregory = cluster.user("gregory", 500, 100)
    for node in cluster.nodes:
        node.chmod(0o100)
        if node.number < 2 or node.number > 9:
            node.chown(500, 100)
    return cluster, gregory


def test_bpsh_to_a_node_of_somebody_else_is_silent_in_scyld() -> None:
    """Before 3.2 only the exit status tells. Source: bproc-4.0.0pre8-clients."""
    cluster, gregory = gregorys("scyld")
    assert typed(cluster, "bpsh 1,3,10-12 hostname", user=gregory) == Said(1, ".1\n.10\n.11\n.12\n", "")


@pytest.mark.parametrize("edition", ["lanl32", "bproc4"])
def test_bpsh_to_a_node_of_somebody_else(edition: str) -> None:
    """Source: bpstat-users (the text), bproc-4.0.0pre8-clients (the exit status)."""
    cluster, gregory = gregorys(edition)
    said = typed(cluster, "bpsh -s 1,3,10-12 hostname", user=gregory)
    assert said == Said(0, "n1\nn10\nn11\nn12\n", "3: Operation not permitted\n")


@pytest.mark.parametrize(("edition", "name"), [("scyld", ".0"), ("lanl32", "n0"), ("bproc4", "n0")])
def test_bpsh_hostname(edition: str, name: str) -> None:
    cluster = bp.Cluster(nodes=2, edition=edition)
    assert typed(cluster, "bpsh 0 /bin/hostname") == Said(0, f"{name}\n", "")


EACH = pytest.mark.parametrize(("edition", "dot"), [("scyld", "."), ("lanl32", "n"), ("bproc4", "n")])


def test_what_is_on_the_master_alone_runs_on_a_node_but_is_not_found_there() -> None:
    """As `bpsh 2 modprobe` works where `bpsh 2 which modprobe` fails."""
    cluster = bp.Cluster(nodes=3)
    assert typed(cluster, "bpsh -sap hostname") == Said(0, "  0: .0\n  1: .1\n  2: .2\n", "")
    assert typed(cluster, ["bpsh", "2", "sh", "-c", "hostname"]) == Said(127, "", "sh: 1: hostname: not found\n")


@EACH
def test_bpsh_with_prefix(edition: str, dot: str) -> None:
    """In the order in which the lines arrive."""
    said = typed(bp.Cluster(nodes=2, edition=edition), "bpsh -p 0-1 hostname")
    assert (said.status, said.stderr) == (0, "")
    assert sorted(said.stdout.splitlines()) == [f"  0: {dot}0", f"  1: {dot}1"]


@EACH
def test_bpsh_with_dividers(edition: str, dot: str) -> None:
    dashes = "-" * 69
    said = typed(bp.Cluster(nodes=2, edition=edition), "bpsh -d 0-1 hostname")
    assert said == Said(0, f"0\t{dashes}\n{dot}0\n1\t{dashes}\n{dot}1\n", "")


@EACH
def test_bpsh_hands_on_what_it_reads(edition: str, dot: str) -> None:
    said = typed(bp.Cluster(nodes=3, edition=edition), "bpsh 0-2 cat", input=b"hi\n")
    assert said == Said(0, "hi\nhi\nhi\n", "")


@EACH
def test_bpsh_false(edition: str, dot: str) -> None:
    assert typed(bp.Cluster(nodes=2, edition=edition), "bpsh 0,1 false") == Said(1, "", "")


@pytest.mark.parametrize(
    ("edition", "text"),
    [
        ("scyld", "bpsh: Child process exit abnormally.\n"),
        ("lanl32", "bpsh: Child process on node 0 exited abnormally.\n"),
        ("bproc4", "bpsh: Child process on node 0 exited abnormally.\n"),
    ],
)
def test_bpsh_of_a_process_that_is_killed(edition: str, text: str) -> None:
    cluster = bp.Cluster(nodes=1, edition=edition)
    assert typed(cluster, ["bpsh", "0", "sh", "-c", "kill -9 $$"]) == Said(255, "", text)


@pytest.mark.parametrize("edition", ["lanl32", "bproc4"])
def test_bpsh_of_one_that_is_killed_while_it_only_waits(edition: str) -> None:
    cluster = bp.Cluster(nodes=1, edition=edition)
    said = typed(cluster, ["bpsh", "-N", "0", "sh", "-c", "kill -9 $$"])
    assert said == Said(255, "", "bpsh: Child process exited abnormally.\n")


def test_bpstat_augments_ps() -> None:
    """The node of each process stands before its line, and nothing before those of the master."""
    cluster = bp.Cluster(nodes=3)
    launched = cluster.popen(["bpsh", "1,2", "sleep", "9"])
    cluster.sleep(1)
    listing = typed(cluster, "ps ax").stdout
    assert typed(cluster, "bpstat -P", input=listing.encode()).stdout == (
        "NODE\t  PID TTY      STAT   TIME COMMAND\n"
        "\t 1001 ?        S      0:00 bpsh 1,2 sleep 9\n"
        "1\t 1002 ?        S      0:00 [sleep]\n"
        "2\t 1003 ?        S      0:00 [sleep]\n"
        "\t 1004 ?        R      0:00 ps ax\n"
    )
    assert launched.wait() == 0


def test_bpstat_lists_processes() -> None:
    cluster = bp.Cluster(nodes=3)
    assert typed(cluster, "bpstat -p").stdout == "PID\tNode\n"
    cluster.popen(["bpsh", "0,2", "sleep", "9"])
    cluster.sleep(1)
    assert typed(cluster, "bpstat -p").stdout == "PID\tNode\n1003\t0\n1004\t2\n"


def test_bpstat_in_length() -> None:
    cluster = bp.Cluster(nodes=3, faults=[bp.PowerOff(node=2)])
    cluster.user("ann", 700, 7)
    cluster.nodes[1].chown(700, 7)
    assert typed(cluster, "bpstat -l").stdout == (
        "Node Address         Status       Mode          User       Group\n"
        "   0 10.54.1.0       up           ---x--x--x\troot       root      \n"
        "   1 10.54.1.1       up           ---x--x--x\tann        #7        \n"
        "   2 0.0.0.0         down         ----------\troot       root      \n"
    )


def test_bpstat_of_bproc4() -> None:
    """Columns of 15, 10, 8 and 8 behind a first one of what a terminal of 80 leaves."""
    cluster = bp.Cluster(nodes=10, edition="bproc4", faults=[bp.PowerOff(node=7)])
    cluster.user("ann", 700, 7)
    cluster.nodes[4].chown(700, 7)
    told = [
        ("Node(s)", "Status", "Mode", "User", "Group"),
        ("7", "down", "----------", "root", "root"),
        ("0-3", "up", "---x--x--x", "root", "root"),
        ("4", "up", "---x--x--x", "ann", "#7"),
        ("5-6,8-9", "up", "---x--x--x", "root", "root"),
    ]
    widths = (34, 15, 10, 8, 8)
    rows = [" ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in told]
    assert typed(cluster, "bpstat").stdout == "".join(f"{row}\n" for row in rows)
    narrow = typed(cluster, "bpstat 7", env={"PATH": "/usr/bin", "COLUMNS": "57"})
    assert narrow.stdout.splitlines()[1] == "7           down            ---------- root     root    "
    assert typed(cluster, "bpstat", env={"PATH": "/usr/bin", "COLUMNS": "56"}) == Said(1, "", "Window to small.\n")


def test_bpstat_of_the_master_in_bproc4() -> None:
    """A specification that names it makes a node -1, of which nothing else is known."""
    cluster = bp.Cluster(nodes=3, edition="bproc4")
    told = [("Node(s)", "Status", "Mode", "User", "Group"), ("-1", "", "----------", "root", "root")]
    told += [("0-1", "up", "---x--x--x", "root", "root")]
    rows = [f"{row[0]:<34} {row[1]:<15} {row[2]:<10} {row[3]:<8} {row[4]:<8}\n" for row in told]
    assert typed(cluster, "bpstat master").stdout == "".join(rows[:2])
    assert typed(cluster, "bpstat 0-1,master").stdout == "".join(rows)
    assert typed(cluster, "bpstat -l master").stdout == (
        "Node Address         Status       Mode          User       Group\n"
        "  -1 0.0.0.0                      ----------\troot       root      \n"
    )
    assert typed(cluster, "bpstat -n master 2 0").stdout == "-1\n0\n2\n"
    assert typed(cluster, "bpstat -t master,master").stdout == "2\n"
    assert typed(cluster, "bpstat -t all").stdout == "3\n"


@pytest.mark.parametrize("edition", ["scyld", "lanl32"])
def test_bpstat_lists_slaves_alone_before_bproc4(edition: str) -> None:
    cluster = bp.Cluster(nodes=2, edition=edition)
    assert typed(cluster, "bpstat -n master,1,master") == Said(0, "1\n", "")
