"""bpsh: which nodes, how output is shown, what becomes of failures, however processes are started."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

import bprocsim as bp
from bprocsim.units import ms, s
from tests.commandline import Said, typed

DASHES = "-" * 69


def talker(proc: bp.Proc) -> Any:
    """Write on both streams in two pieces, with a pause by which nodes differ."""
    yield from proc.write(1, b"one\ntw")
    yield from proc.sleep((4 - proc.node) * 10 * ms)
    yield from proc.write(2, b"!\n")
    yield from proc.write(1, b"o\nend")
    return proc.node


@pytest.fixture(params=["scyld", "lanl32", "bproc4"])
def edition(request: pytest.FixtureRequest) -> str:
    """Each edition in turn."""
    name: str = request.param
    return name


def with_talker(edition: str) -> bp.Cluster:
    cluster = bp.Cluster(nodes=4, edition=edition)
    cluster.install("/bin/talker", talker)
    return cluster


# ---- what is shown ---------------------------------------------------------------------------------


def test_streams_stay_apart_and_pieces_come_as_they_are_written(edition: str) -> None:
    assert typed(with_talker(edition), "bpsh 0,1 talker") == Said(1, "one\ntwone\ntwo\nendo\nend", "!\n!\n")


def test_whole_lines(edition: str) -> None:
    assert typed(with_talker(edition), "bpsh -L 0,1 talker").stdout == "one\none\ntwo\nendtwo\nend"


def test_a_prefix_stands_before_each_line_of_both_streams(edition: str) -> None:
    said = typed(with_talker(edition), "bpsh -p 2,3 talker")
    assert said.stdout == "  2: one\n  3: one\n  3: two\n  3: end  2: two\n  2: end"
    assert said.stderr == "  3: !\n  2: !\n"


def test_one_node_after_the_other(edition: str) -> None:
    """In the order of their numbers, whatever the specification's."""
    said = typed(with_talker(edition), "bpsh -sp 2,3,1 talker")
    assert said.stdout == "".join(f"  {node}: one\n  {node}: two\n  {node}: end" for node in (1, 2, 3))
    assert said.status == 3


def test_a_divider_stands_before_a_node_that_writes_nothing_too(edition: str) -> None:
    cluster = bp.Cluster(nodes=2, edition=edition)
    assert typed(cluster, "bpsh -d 1,0,1 true").stdout == f"0\t{DASHES}\n" + f"1\t{DASHES}\n" * 2


def test_nothing_is_forwarded(edition: str) -> None:
    cluster = with_talker(edition)
    cluster.install("/bin/reader", lambda proc: _tell(proc))
    assert typed(cluster, "bpsh -N 1 talker") == Said(1, "", "")
    assert typed(cluster, "bpsh -N 1 reader", input=b"x").status == 7


def _tell(proc: bp.Proc) -> Any:
    """Exit with 7 if there is nothing to read."""
    return 7 if (yield from proc.read(0)) == b"" else 0


def test_stdin_may_be_left_alone(edition: str) -> None:
    cluster = with_talker(edition)
    cluster.install("/bin/reader", _tell)
    assert typed(cluster, "bpsh -n 1 reader", input=b"x").status == 7
    assert typed(cluster, "bpsh 1 reader", input=b"x").status == 0


def test_time_is_told_on_stdout(edition: str) -> None:
    """The sleep, and some milliseconds for the launch."""
    said = typed(bp.Cluster(nodes=1, edition=edition), "bpsh -t 0 sleep 2")
    assert 2.0 < float(said.stdout) < 2.01
    assert len(said.stdout.partition(".")[2]) == 7


@pytest.mark.parametrize("size", [1, 3, 4096, 100_000])
def test_large_input_reaches_every_node_whole(edition: str, size: int) -> None:
    """Longer than any buffer on the way."""
    data = b"".join(b"%06d\n" % number for number in range(30_000))
    if size < 4096:
        data = data[:700]
    cluster = bp.Cluster(nodes=2, edition=edition)
    said = typed(cluster, ["bpsh", "-s", "-b", str(size), "0,1", "cat"], input=data)
    assert said.stdout.encode() == data * 2


def test_a_process_that_does_not_read_holds_nobody_up_once_it_has_ended(edition: str) -> None:
    cluster = bp.Cluster(nodes=2, edition=edition)

    def some(proc: bp.Proc) -> Any:
        yield from proc.sleep(1 * s) if proc.node else _copy(proc)

    cluster.install("/bin/some", some)
    said = typed(cluster, "bpsh 0,1 some", input=bytes(300_000))
    assert said.status == 0
    assert len(said.stdout) == 300_000


def _copy(proc: bp.Proc) -> Any:
    while data := (yield from proc.read(0)):
        yield from proc.write(1, data)


def test_it_waits_for_a_child_of_its_process_that_holds_stdout(edition: str) -> None:
    """A process in the background keeps bpsh there until it has ended."""

    def leaves_a_child(proc: bp.Proc) -> Any:
        def child(proc: bp.Proc) -> Any:
            yield from proc.sleep(3 * s)
            yield from proc.print("late")

        yield from proc.fork(child)

    cluster = bp.Cluster(nodes=1, edition=edition)
    cluster.install("/bin/daemon", leaves_a_child)
    assert typed(cluster, "bpsh 0 daemon") == Said(0, "late\n", "")
    assert cluster.sim.now_ns > 3 * s


def test_what_is_written_to_it_is_handed_on_at_once(edition: str) -> None:
    """A conversation with processes on two nodes."""
    cluster = bp.Cluster(nodes=2, edition=edition)
    talk = cluster.popen(["bpsh", "0,1", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    for word in (b"one\n", b"two\n"):
        talk.stdin.write(word)
        talk.stdin.flush()
        assert talk.stdout.read(8) == word * 2
    talk.stdin.close()
    assert talk.wait() == 0


@pytest.mark.parametrize("seed", range(5))
def test_in_whatever_order_the_events_of_an_instant_happen(edition: str, seed: int) -> None:
    """Nodes differ in the order of their lines at most."""
    cluster = bp.Cluster(nodes=6, edition=edition, seed=seed, order="random", faults=[bp.PowerOff(node=4)])
    said = typed(cluster, "bpsh -p 0-5,0 cat", input=b"x\n")
    assert sorted(said.stdout.splitlines()) == [f"  {node}: x" for node in (0, 0, 1, 2, 3, 5)]
    told = {"scyld": (22, "")}.get(edition, (0, "4: Node is down\n"))
    assert (said.status, said.stderr) == told
    assert typed(cluster, "bpsh -s 5,3,1 hostname").stdout.split() == [
        cluster.edition.node_name.format(node) for node in (1, 3, 5)
    ]


# ---- which nodes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("nodes", "written"),
    [
        ("-a", ".0\n.2\n"),
        ("-A", ".0\n.2\n.3\n"),
        ("allup", ".0\n.2\n"),
        ("!down", ".0\n.2\n.3\n"),
        ("error,2", ".2\n.3\n"),
        ("n2,.0", ".0\n.2\n"),
        ("2-", ".2\n.3\n"),
        ("0,0", ".0\n.0\n"),
        ("master,0", "master\n.0\n"),
        ("-1", "master\n"),
        ("0,77,2", ".0\n.2\n"),
        ("10.54.1.2", ".2\n"),
        ("localhost", "master\n"),
        ("n-1", "master\n"),
        ("master", "master\n"),
    ],
)
def test_nodes_are_named_in_many_ways(nodes: str, written: str) -> None:
    cluster = bp.Cluster(nodes=4, faults=[bp.PowerOff(node=1)])
    cluster.nodes[3].set_state("error")
    assert typed(cluster, ["bpsh", "-s", nodes, "hostname"]) == Said(0, written, "")


@pytest.mark.parametrize("nodes", ["foo", "77", "error", "-3", ""])
def test_nodes_that_are_not_there_are_no_error(nodes: str) -> None:
    """A word that is misspelt is the name of a state that no node is in."""
    assert typed(bp.Cluster(nodes=2), ["bpsh", "--", nodes, "hostname"]) == Said(0, "", "")


@pytest.mark.parametrize("nodes", ["a/b", "0-x", "0,,1", "1.2.3.4", "10.54.1.99", "3n"])
def test_what_names_no_nodes_is_refused(nodes: str) -> None:
    said = typed(bp.Cluster(nodes=2), ["bpsh", nodes, "hostname"])
    assert said == Said(1, "", f'Invalid node specification "{nodes}"\n')


def test_the_master_named_as_a_node_is_shown_as_one() -> None:
    assert typed(bp.Cluster(nodes=1), "bpsh -p master hostname").stdout == " -1: master\n"


@pytest.mark.parametrize(("edition", "node"), [("scyld", "master"), ("scyld", "-1"), ("lanl32", "master")])
def test_the_master_named_on_a_slave_runs_it_there(edition: str, node: str) -> None:
    """BProc 4.0 has no list of nodes on a slave."""
    cluster = bp.Cluster(nodes=2, edition=edition)
    for name in ("hostname", "bpsh"):
        cluster.install(f"/bin/{name}", cluster.commands[name], on="all")
    assert typed(cluster, ["bpsh", "0", "bpsh", node, "hostname"]) == Said(0, "master\n", "")


# ---- what goes wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["bpsh", "bpsh 0", "bpsh -a", "bpsh -h", "bpsh -p 0"])
def test_usage_is_written_on_stdout_with_status_1(line: str) -> None:
    said = typed(bp.Cluster(nodes=1), line)
    assert (said.status, said.stderr) == (1, "")
    assert said.stdout.startswith("Usage: bpsh [options] nodes command\n")


def test_version() -> None:
    assert typed(bp.Cluster(nodes=1), "bpsh -v") == Said(0, "bpsh version 3.1.9\n", "")


@pytest.mark.parametrize("size", ["x", "0", "-4", "4k"])
def test_a_wrong_size_is_refused(size: str) -> None:
    said = typed(bp.Cluster(nodes=1), ["bpsh", f"-b{size}", "0", "true"])
    assert said == Said(1, "", f"Invalid buffer size: {size}\n")


def test_a_command_that_is_not_there(edition: str) -> None:
    """It is looked for before anything else, on the caller's node; a file without x bits is passed over."""
    cluster = bp.Cluster(nodes=1, edition=edition)
    assert typed(cluster, "bpsh a/b nosuch") == Said(1, "", "bpsh: nosuch: command not found\n")
    cluster.master.fs.write_file("/usr/bin/text", b"text", 0o644)
    assert typed(cluster, "bpsh 0 text", user=cluster.user("ann", 5, 5)).stderr == "bpsh: text: command not found\n"


def test_a_node_that_is_down_tells_by_the_status_alone() -> None:
    """Source: bproc-4.0.0pre8-clients."""
    cluster = bp.Cluster(nodes=3, faults=[bp.PowerOff(node=1)])
    assert typed(cluster, "bpsh 0-2 hostname") == Said(22, ".0\n.2\n", "")
    assert typed(cluster, "bpsh 0-2 cat", input=b"x\n") == Said(22, "x\nx\n", "")


def test_an_image_that_cannot_be_executed_is_told_by_each_child() -> None:
    cluster = bp.Cluster(nodes=2)
    cluster.master.fs.write_file("/bin/text", b"no program", 0o755)
    said = typed(cluster, "bpsh 0,1 text")
    assert said == Said(1, "", "bproc_execmove: Exec format error\n" * 2)


def test_without_a_master_daemon() -> None:
    cluster = bp.Cluster(nodes=2, faults=[bp.MasterDaemonExit()])
    assert typed(cluster, "bpsh 0 hostname") == Said(1, "", "bproc_numnodes: Device or resource busy\n")


def test_a_node_that_dies_meanwhile() -> None:
    cluster = bp.Cluster(nodes=2, faults=[bp.PowerOff(node=1, at_ns=1 * s)])
    said = typed(cluster, "bpsh 0,1 sleep 2")
    assert said == Said(255, "", "bpsh: Child process exit abnormally.\n")
    assert 31 * s <= cluster.sim.now_ns <= 46 * s


@pytest.mark.slow
@pytest.mark.parametrize("step", list(bp.Step), ids=lambda step: step.name)
def test_a_node_dies_at_every_step_of_its_launch(edition: str, step: bp.Step) -> None:
    """The others do what they have to, bpsh ends, and says so as its edition does; nothing is left."""
    cluster = bp.Cluster(nodes=3, edition=edition, faults=[bp.PowerOff(node=1, step=step)])
    said = typed(cluster, "bpsh -p 0-2 cat", input=b"x\n")
    lines = sorted(said.stdout.splitlines())
    assert [line for line in lines if not line.startswith("  1: ")] == ["  0: x", "  2: x"]
    killed = cluster.edition.tools().abnormal.format(node=1) + "\n"
    silent = {"scyld": (5, "")}.get(edition, (0, "1: Slave node died\n"))
    assert (said.status, said.stderr) in (silent, (255, killed), (0, ""))
    cluster.sleep(60)
    for number in (-1, 0, 2):
        machine = cluster.machine(number)
        assert (machine.files.used, machine.memory.used_bytes, machine.processes) == (0, 0, {})
        assert not machine.sockets.held


@pytest.mark.slow
@pytest.mark.parametrize("at_ms", [2, 3, 4, 5, 6, 8])
@pytest.mark.parametrize("kind", ["Hang", "LinkCut"])
def test_a_node_falls_silent_meanwhile(edition: str, kind: str, at_ms: int) -> None:
    """Whenever it does, it is found out, and bpsh ends."""
    silent = bp.Hang(1, at_ms * ms) if kind == "Hang" else bp.LinkCut(bp.BPROC_NODE_MASTER, 1, at_ms * ms)
    cluster = bp.Cluster(nodes=3, edition=edition, faults=[silent])
    said = typed(cluster, "bpsh -p 0-2 cat", input=b"x\n")
    lines = sorted(said.stdout.splitlines())
    assert [line for line in lines if not line.startswith("  1: ")] == ["  0: x", "  2: x"]
    cluster.sleep(60)
    for number in (-1, 0, 2):
        assert (cluster.machine(number).files.used, cluster.machine(number).processes) == (0, {})


def test_its_own_reader_goes_away(edition: str) -> None:
    """Who runs `bpsh ... | head` sees bpsh die of SIGPIPE; its processes, which wrote to it, go the same way."""
    cluster = bp.Cluster(nodes=2, edition=edition)

    def chatter(proc: bp.Proc) -> Any:
        while True:
            yield from proc.print("x" * 100)
            yield from proc.sleep(100 * ms)

    cluster.install("/bin/chatter", chatter)
    launched = cluster.popen(["bpsh", "0,1", "chatter"])
    cluster.sleep(1)
    launched.stdout.close()
    assert launched.wait() in (1, -bp.SIGPIPE)
    cluster.sleep(1)
    assert [p for node in cluster.nodes for p in node.processes] == []


def test_whoever_starts_it_may_ignore_its_children(edition: str) -> None:
    """Ignored signals survive an exec, and children of who ignores SIGCHLD could not be waited for."""

    def careless(proc: bp.Proc) -> Any:
        yield from proc.sigaction(bp.SIGCHLD, bp.SIG_IGN)
        yield from proc.execvp(proc.argv[1], proc.argv[1:])

    cluster = bp.Cluster(nodes=2, edition=edition, strict=True)
    cluster.install("/bin/careless", careless)
    assert typed(cluster, "careless bpsh 0,1 false") == Said(1, "", "")
    assert typed(cluster, "careless bpcp /bin/cat 0:/tmp") == Said(0, "", "")
    assert typed(cluster, "careless bpcp 0:/tmp/cat 1:/tmp") == Said(0, "", "")


def test_killing_bpsh_kills_nobody_else(edition: str) -> None:
    """Its processes live on, and end when they write to it."""
    cluster = bp.Cluster(nodes=1, edition=edition)
    launched = cluster.popen(["bpsh", "0", "sleep", "5"])
    cluster.sleep(1)
    launched.kill()
    launched.wait()
    cluster.sleep(1)
    assert len(cluster.nodes[0].processes) == 1
    cluster.sleep(5)
    assert len(cluster.nodes[0].processes) == 0


def test_files_on_nodes_need_what_scyld_lacks() -> None:
    said = typed(bp.Cluster(nodes=1), "bpsh -O /tmp/out 0 hostname")
    assert said.status == 1
    assert said.stderr == "bpsh: -O: files on nodes need I/O lists, which this BProc does not have\n"


def test_nothing_is_left_behind(edition: str) -> None:
    cluster = bp.Cluster(nodes=3, edition=edition, faults=[bp.PowerOff(node=2)])
    typed(cluster, "bpsh 0-2,0 cat", input=b"x")
    for machine in (cluster.machine(number) for number in (-1, 0, 1)):
        assert (machine.files.used, machine.memory.used_bytes, machine.processes) == (0, 0, {})
        assert not machine.sockets.listeners
        assert not machine.sockets.held


@pytest.mark.slow
def test_more_nodes_than_descriptors(edition: str) -> None:
    """Three for each of 400 nodes are more than a process may have."""
    said = typed(bp.Cluster(nodes=400, edition=edition), "bpsh -a sleep 5")
    assert said == Said(1, "", "bpsh: accept: Too many open files\n")
