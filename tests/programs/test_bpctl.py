"""bpctl: states and rights of nodes, in the order of its options; what is refused, and for which node."""

from __future__ import annotations

import pytest

import bprocsim as bp
from tests.commandline import Said, typed

EDITIONS = ["scyld", "lanl32", "bproc4"]


@pytest.mark.parametrize("edition", EDITIONS)
def test_rights(edition: str) -> None:
    cluster = bp.Cluster(nodes=4, edition=edition)
    cluster.user("ann", 700, 7)
    assert typed(cluster, "bpctl -S 1-2 -m 110 -u ann -g 42 -S 0 -m 0") == Said(0, "", "")
    shown = [(node.mode, node.uid, node.gid) for node in cluster.nodes]
    assert shown == [(0, 0, 0), (0o110, 700, 42), (0o110, 700, 42), (0o111, 0, 0)]


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("state", ["up", "error", "unavailable", "down"])
def test_states(edition: str, state: str) -> None:
    cluster = bp.Cluster(nodes=2, edition=edition)
    assert typed(cluster, f"bpctl -S 1 --state {state}") == Said(0, "", "")
    assert [node.state for node in cluster.nodes] == ["up", state]


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("option", ["-R", "-H", "--pwroff"])
def test_nodes_are_sent_away(edition: str, option: str) -> None:
    """They disconnect, and what ran there counts as killed."""
    cluster = bp.Cluster(nodes=2, edition=edition)
    launched = cluster.popen(["bpsh", "0,1", "sleep", "60"])
    cluster.sleep(1)
    assert typed(cluster, ["bpctl", "-S", "1", option]) == Said(0, "", "")
    cluster.sleep(0.01)
    assert cluster.nodes[1].state == "down"
    assert launched.wait() == 255


@pytest.mark.parametrize("edition", EDITIONS)
def test_another_root(edition: str) -> None:
    """Whoever comes to the node from then on has it; a directory that is not there is refused by the node."""
    cluster = bp.Cluster(nodes=2, edition=edition)
    for node in cluster.nodes:
        node.fs.mkdir("/new/tmp", parents=True)
        node.fs.write_file("/new/tmp/f", b"inside\n")
        node.fs.write_file("/tmp/f", b"outside\n")
    assert typed(cluster, "bpctl -S 1 -r /new") == Said(0, "", "")
    assert typed(cluster, "bpsh -s 0,1 cat /tmp/f").stdout == "outside\ninside\n"
    assert typed(cluster, "bpctl -S 0 --root /nosuch") == Said(1, "", "0: No such file or directory\n")


@pytest.mark.parametrize("edition", ["lanl32", "bproc4"])
@pytest.mark.parametrize(
    "addresses", ["10.54.0.1", "10.54.0.1:2223", "10.54.0.1,10.54.1.1", "10.54.0.1:2223,10.54.1.1:700"]
)
def test_connecting_anew(edition: str, addresses: str) -> None:
    """What runs there runs on."""
    cluster = bp.Cluster(nodes=2, edition=edition)
    launched = cluster.popen(["bpsh", "1", "sleep", "5"])
    cluster.sleep(1)
    assert typed(cluster, ["bpctl", "-S", "1", "--reconnect", addresses]) == Said(0, "", "")
    assert launched.wait() == 0


def test_connecting_anew_is_refused() -> None:
    cluster = bp.Cluster(nodes=2, edition="lanl32")
    why = {"10.54.1.1": "Connection refused", "10.54.0.1,10.54.1.0": "Cannot assign requested address"}
    for addresses, text in why.items():
        assert typed(cluster, f"bpctl -S 1 --reconnect={addresses}") == Said(1, "", f"1: {text}\n")
    for wrong in ("x", "10.54.0", "10.54.0.1:", "10.54.0.1,", "300.1.1.1", "1.2.3.4:5:6", "1.2.3.4:65536"):
        assert typed(cluster, f"bpctl -S 1 --reconnect {wrong}") == Said(1, "", f"Invalid address: {wrong}\n")
    said = typed(bp.Cluster(nodes=1), "bpctl -S 0 --reconnect 10.54.0.1")
    assert said == Said(1, "", "bpctl: --reconnect: this BProc does not have it\n")


def test_scyld_sends_them_away_by_a_state_too() -> None:
    cluster = bp.Cluster(nodes=1)
    assert typed(cluster, "bpctl -S 0 -s reboot -s error") == Said(1, "", "0: Operation not permitted\n")
    cluster.sleep(0.01)
    assert cluster.nodes[0].state == "down"


def test_in_scyld_bpstat_shows_who_is_leaving() -> None:
    """A node that cannot hear the order stays in the state until it is found out to be silent."""
    cluster = bp.Cluster(nodes=2, faults=[bp.Hang(node=0, at_ns=1)])
    assert typed(cluster, "bpctl -S 0 -H") == Said(0, "", "")
    assert typed(cluster, "bpstat").stdout == (
        "Node(s)                        Status       Mode       User       Group\n"
        "0                              halt         ---------- root       root\n"
        "1                              up           ---x--x--x root       root\n"
    )
    assert typed(cluster, "bpsh 0 true") == Said(1, "", "")
    assert typed(cluster, "bpstat -n halt,!up").stdout == "0\n0\n"


def test_setting_a_node_down_kills_what_runs_there() -> None:
    """The node is disconnected at once; a launcher sees its process killed."""
    cluster = bp.Cluster(nodes=1)
    launched = cluster.popen(["bpsh", "0", "sleep", "60"])
    cluster.sleep(1)
    typed(cluster, "bpctl -S 0 -s down")
    assert launched.communicate() == (b"", b"bpsh: Child process exit abnormally.\n")
    assert launched.returncode == 255
    assert cluster.sim.now_ns < 2_000_000_000


def test_a_running_job_outlives_the_right_to_start_it() -> None:
    cluster = bp.Cluster(nodes=1)
    ann = cluster.user("ann", 700, 7)
    launched = cluster.popen(["bpsh", "0", "sleep", "5"], user=ann)
    cluster.sleep(1)
    assert typed(cluster, "bpctl -S 0 -m 0").status == 0
    assert typed(cluster, "bpsh 0 true", user=ann).status == 1
    assert launched.wait() == 0


@pytest.mark.parametrize(
    ("edition", "why"),
    [("scyld", "Operation not permitted"), ("lanl32", "Invalid argument"), ("bproc4", "Invalid argument")],
)
def test_it_goes_on_after_a_node_that_is_refused(edition: str, why: str) -> None:
    cluster = bp.Cluster(nodes=3, edition=edition, faults=[bp.PowerOff(node=1)])
    assert typed(cluster, "bpctl -S all -s error") == Said(1, "", f"1: {why}\n")
    assert [node.state for node in cluster.nodes] == ["error", "down", "error"]


def test_only_root_may() -> None:
    cluster = bp.Cluster(nodes=2)
    said = typed(cluster, "bpctl -S 0-1 -m 100", user=cluster.user("ann", 700, 7))
    assert said == Said(1, "", "0: Operation not permitted\n1: Operation not permitted\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("-S 0 -m 9", "Invalid number: 9"),
        ("-S 0 -m x", "Invalid number: x"),
        ("-S 0 -u nobody", "Invalid user id: nobody"),
        ("-S 0 -g nobody", "Invalid user id: nobody"),
        ("-S 0 -s nosuch", "Invalid node state: nosuch"),
        ("-S", "bpctl: option requires an argument -- S"),
        ("-q", "bpctl: invalid option -- q"),
    ],
)
def test_what_is_refused(words: str, said: str) -> None:
    assert typed(bp.Cluster(nodes=1), f"bpctl {words}") == Said(1, "", f"{said}\n")


def test_a_wrong_specification_is_refused_without_a_word() -> None:
    assert typed(bp.Cluster(nodes=1), "bpctl -S a/b -s down") == Said(1, "", "")


def test_without_nodes_nothing_is_done() -> None:
    cluster = bp.Cluster(nodes=1)
    assert typed(cluster, "bpctl -s down -S 77 -m 0 -f") == Said(0, "", "")
    assert (cluster.nodes[0].state, cluster.nodes[0].mode) == ("up", 0o111)


def test_the_master_cannot_be_changed() -> None:
    assert typed(bp.Cluster(nodes=1), "bpctl -M -s down") == Said(1, "", "-1: Input/output error\n")


def test_help_and_version() -> None:
    assert typed(bp.Cluster(nodes=1), "bpctl --version") == Said(0, "bpctl version 3.1.9\n", "")
    assert typed(bp.Cluster(nodes=1), "bpctl -h").stdout.startswith("Usage: bpctl [options]\n")
    assert typed(bp.Cluster(nodes=1), "bpctl").status == 1


def test_any_word_is_a_state_in_bproc4() -> None:
    """Up to fifteen letters and digits; bpsh -a asks for up alone."""
    cluster = bp.Cluster(nodes=2, edition="bproc4")
    assert typed(cluster, "bpctl -S 1 -s maintenance") == Said(0, "", "")
    assert typed(cluster, "bpstat -s").stdout == "up\nmaintenance\n"
    assert typed(cluster, "bpstat -n maintenance").stdout == "1\n"
    assert typed(cluster, "bpsh -a hostname").stdout == "n0\n"
    assert typed(cluster, "bpsh 1 hostname").stdout == "n1\n"
    assert typed(cluster, "bpctl -S 1 -s under_score") == Said(1, "", "1: Invalid argument\n")
    assert typed(cluster, "bpctl -S 1 -s morethanfifteenletters") == Said(1, "", "1: No space left on device\n")
