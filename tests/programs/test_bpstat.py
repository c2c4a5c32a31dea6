"""bpstat: its formats, sorting and filters; what it follows, and what it refuses. test_transcripts has its columns."""

from __future__ import annotations

import pytest

import bprocsim as bp
from tests.commandline import Said, typed


def mixed(**options: object) -> bp.Cluster:
    """Six nodes: 1 has no power, 3 is in error, 4 is a user's."""
    cluster = bp.Cluster(nodes=6, faults=[bp.PowerOff(node=1)], **options)  # type: ignore[arg-type]
    cluster.user("ann", 700, 7)
    cluster.nodes[3].set_state("error")
    cluster.nodes[4].chown(700, 0)
    return cluster


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ("-n", "0 1 2 3 4 5"),
        ("-nR", "5 4 3 2 1 0"),
        ("-n 4,0,4", "0 4 4"),
        ("-nO 4,0,4", "4 0 4"),
        ("-nS", "1 3 4 0 2 5"),
        ("-nS -N", "0 1 2 3 4 5"),
        ("-n up", "0 2 4 5"),
        ("-n 0 notup", "0 1 3"),
        ("-s", "up down up error up up"),
        ("-a 0-1", "10.54.1.0 0.0.0.0"),
        ("-t", "6"),
        ("-t allup", "4"),
        ("-t 77", "0"),
        ("-n 77", ""),
        ("--status --sort-reverse", "up up error up down up"),
        ("0-1 -n", "0 1"),
    ],
)
def test_one_thing_for_each_node(words: str, lines: str) -> None:
    assert typed(mixed(), f"bpstat {words}") == Said(0, "".join(f"{each}\n" for each in lines.split()), "")


def test_compact_lines_join_only_what_does_not_differ() -> None:
    rows = [line.split() for line in typed(mixed(), "bpstat").stdout.splitlines()[1:]]
    assert rows == [
        ["1", "down", "----------", "root", "root"],
        ["3", "error", "---x------", "root", "root"],
        ["4", "up", "---x--x--x", "ann", "root"],
        ["0,2,5", "up", "---x--x--x", "root", "root"],
    ]


def test_in_order_of_numbers_only_neighbours_are_joined() -> None:
    rows = [line.split()[0] for line in typed(mixed(), "bpstat -N").stdout.splitlines()[1:]]
    assert rows == ["0", "1", "2", "3", "4", "5"]


def test_who_has_no_name_goes_by_a_number() -> None:
    cluster = mixed()
    cluster.nodes[0].chown(4000, 5000)
    assert typed(cluster, "bpstat 0").stdout.splitlines()[1].split()[3:] == ["#4000", "#5000"]


@pytest.mark.parametrize(
    ("words", "numbers"), [("-O 3,1,0,0", "3,1,0,0"), ("-O 2-3,0-1", "2-3,0-1"), ("-NR", "3,2,1,0")]
)
def test_nodes_stand_in_the_order_that_is_asked_for(words: str, numbers: str) -> None:
    said = typed(bp.Cluster(nodes=4), f"bpstat {words}").stdout
    assert said.splitlines()[1].split()[0] == numbers


def test_it_writes_anew_whenever_anything_changes() -> None:
    cluster = mixed()
    watching = cluster.popen(["bpstat", "-Ut", "allup"], stdout=-1)
    cluster.sleep(1)
    cluster.nodes[0].set_state("unavailable")
    cluster.sleep(1)
    cluster.nodes[0].chmod(0o111)
    cluster.sleep(1)
    watching.kill()
    assert watching.communicate()[0] == b"\x1b[H\x1b[J4\n" + b"\x1b[H\x1b[J3\n" * 2


def test_without_a_master_daemon() -> None:
    cluster = bp.Cluster(nodes=1, faults=[bp.MasterDaemonExit()])
    busy = "Device or resource busy\n"
    assert typed(cluster, "bpstat") == Said(1, "", f"bproc_nodelist: {busy}")
    assert typed(cluster, "bpstat -U") == Said(1, "", f"bproc_notifier: {busy}")
    assert typed(cluster, "bpstat -p") == Said(1, "", f"bproc_proclist: {busy}")


@pytest.mark.parametrize("edition", ["scyld", "lanl32", "bproc4"])
def test_which_call_was_refused(edition: str) -> None:
    """BProc 4.0's reads its nodes from the notifier. Source: bproc-4.0.0pre8-clients."""
    call = "bproc_nodelist_" if edition == "bproc4" else "bproc_nodelist"
    for name, errno, words in (("bproc_notifier", bp.Errno.EMFILE, "bpstat -U"), (call, bp.Errno.ENOMEM, "bpstat")):
        cluster = bp.Cluster(nodes=1, edition=edition, faults=[bp.CallFails(name, errno)])
        assert typed(cluster, words) == Said(1, "", f"{name}: {errno.message}\n")


@pytest.mark.parametrize("edition", ["scyld", "lanl32", "bproc4"])
def test_it_follows_the_nodes_in_each_edition(edition: str) -> None:
    cluster = bp.Cluster(nodes=2, edition=edition)
    watching = cluster.popen(["bpstat", "-Us"], stdout=-1)
    cluster.sleep(1)
    cluster.nodes[1].set_state("error")
    cluster.sleep(1)
    watching.kill()
    assert watching.communicate()[0] == b"\x1b[H\x1b[Jup\nup\n\x1b[H\x1b[Jup\nerror\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("bpstat", "bproc_notifier: No such file or directory\n"),
        ("bpsh 1 hostname", 'Invalid node specification "1"\n'),
        ("bpsh 0- hostname", 'Invalid node specification "0-"\n'),
        ("bpsh allup hostname", 'Invalid node specification "allup"\n'),
        ("bpctl -S 1 -s up", ""),
    ],
)
def test_what_commands_of_bproc4_say_where_the_nodes_cannot_be_read(words: str, said: str) -> None:
    """On a slave. Source: bproc-4.0.0pre8-clients."""
    cluster = bp.Cluster(nodes=2, edition="bproc4")
    for name in ("hostname", "bpsh", "bpstat", "bpctl"):
        cluster.install(f"/bin/{name}", cluster.commands[name], on="all")
    assert typed(cluster, f"bpsh 0 {words}") == Said(1, "", said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("-x", "bpstat: invalid option -- x"),
        ("--nosuch", "bpstat: unrecognized option `--nosuch'"),
        ("a/b", 'Invalid node specification "a/b"'),
        ("0 a/b", 'Invalid node specification "a/b"'),
        ("-A", "bpstat: option requires an argument -- A"),
        ("-A host", "bpstat: -A does not work, as it never has: write -a to see the addresses"),
        ("-P", "bpstat: -P: expected what ps writes on stdin, with a column PID"),
    ],
)
def test_what_is_refused(words: str, said: str) -> None:
    assert typed(mixed(), f"bpstat {words}", input=b"") == Said(1, "", f"{said}\n")


@pytest.mark.parametrize(("edition", "shown"), [("scyld", "a/b"), ("lanl32", "a/b"), ("bproc4", "-l")])
def test_which_word_is_shown_when_a_specification_is_wrong(edition: str, shown: str) -> None:
    """Source: bproc-4.0.0pre8-clients."""
    cluster = bp.Cluster(nodes=1, edition=edition)
    assert typed(cluster, "bpstat -l 0 a/b") == Said(1, "", f'Invalid node specification "{shown}"\n')


def test_help_and_version() -> None:
    assert typed(mixed(), "bpstat --version") == Said(0, "bpstat version 3.1.9\n", "")
    said = typed(mixed(), "bpstat -h")
    assert said.status == 0
    assert said.stdout.startswith("Usage: bpstat [options] [nodes ...]\n")


def test_lines_of_ps_without_a_process_are_handed_on() -> None:
    said = typed(mixed(), "bpstat -P", input=b"USER PID\nann 4711\nann x\n\n")
    assert said.stdout == "NODE\tUSER PID\n\tann 4711\n\tann x\n\t\n"
