"""The master's daemon ends in the middle of something: whoever is left ends, and nothing is left behind."""

from __future__ import annotations

from subprocess import DEVNULL

import pytest

import bprocsim as bp
from bprocsim.testing.machines import spacelaws
from bprocsim.units import ms, s, us
from tests.bproc.worlds import MASTER, Steps, cluster
from tests.commandline import Said, typed

EDITIONS = ("scyld", "lanl32", "bproc4")
TCP_WAITS_NS = 189 * s


def in_the_middle(fine_us: int) -> range:
    """Give the instants of a launch of four by bpsh, from the first fork to the last connection."""
    return range(1 * ms, 13 * ms, fine_us * us)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("at_ns", in_the_middle(250))
def test_who_connects_back_meanwhile_leaves_no_port(edition: str, at_ns: int) -> None:
    """It is killed with a request on its way, or an answer that nobody has looked at."""
    made = bp.Cluster(nodes=4, edition=edition, faults=[bp.MasterDaemonExit(at_ns=at_ns)])
    launched = made.popen(["bpsh", "-a", "sleep", "3"], stderr=DEVNULL)
    made.sim.run(until_ns=20 * s)
    assert launched.poll() is not None
    spacelaws.check_nothing_left(made)


# ---- a node that nobody has missed yet -------------------------------------------------------------


def silent(kind: str, at_ns: int) -> bp.Fault:
    """Give the fault by which node 1 falls silent."""
    return bp.LinkCut(MASTER, 1, at_ns=at_ns) if kind == "LinkCut" else getattr(bp, kind)(1, at_ns=at_ns)


@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("kind", ["PowerOff", "Hang", "LinkCut"])
@pytest.mark.parametrize("at_ns", [8 * ms, 11 * ms, 1 * s])
def test_a_node_is_lost_and_nobody_is_left_to_miss_it(edition: str, kind: str, at_ns: int) -> None:
    """TCP alone finds out: its connections are reset, so that bpsh, which reads from them, ends."""
    made = bp.Cluster(nodes=3, edition=edition, faults=[silent(kind, at_ns), bp.MasterDaemonExit(at_ns=2 * s)])
    said = typed(made, "bpsh -a sleep 3")
    killed = made.edition.tools().abnormal
    assert said == Said(255, "", "".join(killed.format(node=number) + "\n" for number in range(3)))
    assert 2 * s + TCP_WAITS_NS <= made.sim.now_ns <= 2 * s + TCP_WAITS_NS + 100 * ms
    spacelaws.check_nothing_left(made)


def test_a_link_that_is_mended_in_time_resets_nothing() -> None:
    """What the node's processes wrote before they were killed arrives, and so do the ends of their streams."""
    cut = bp.LinkCut(MASTER, 1, at_ns=1 * s, until_ns=100 * s)
    made = bp.Cluster(nodes=3, faults=[cut, bp.MasterDaemonExit(at_ns=2 * s)])

    def talks(proc: bp.Proc) -> Steps:
        yield from proc.sleep(1500 * ms)
        yield from proc.print("heard late")
        yield from proc.sleep(100 * s)

    made.install("/usr/bin/talks", talks)
    said = typed(made, "bpsh 1 talks")
    assert (said.status, said.stdout) == (255, "heard late\n")
    assert 100 * s <= made.sim.now_ns <= 101 * s


def test_who_has_left_the_space_is_missed_by_tcp_alone() -> None:
    """It outlives the daemon on its node, and then the node is lost."""

    def leaves(proc: bp.BprocProc) -> Steps:
        yield from proc.bproc_detach(0)
        yield from proc.sleep(1000 * s)

    def listens(proc: bp.BprocProc) -> Steps:
        listener = yield from proc.socket()
        yield from proc.bind(listener, bp.Address("", 4000))
        yield from proc.listen(listener, 3)
        yield from proc.bproc_rfork_io(1, 4000, leaves)
        stdout, _ = yield from proc.accept(listener)
        try:
            yield from proc.read(stdout)
        except ConnectionResetError:
            return 7

    made = cluster(nodes=2, faults=[bp.MasterDaemonExit(at_ns=1 * s), bp.PowerOff(1, at_ns=2 * s)])
    made.install("/usr/bin/listens", listens)
    out = made.execve("/usr/bin/listens")
    assert (out.exit_status, out.elapsed_ns // s) == (7, 2 + TCP_WAITS_NS // s)
