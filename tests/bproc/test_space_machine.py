"""Whatever processes do and nodes suffer, the process space stays whole: a machine of random deeds and disasters."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import bprocsim as bp
from bprocsim.bproc.nodes import NodeState
from bprocsim.posix.procs import Process, State
from bprocsim.testing.machines import spacelaws
from bprocsim.units import ms
from tests.bproc.puppets import PING_TIMEOUT_NS, Theatre, watch_messages
from tests.bproc.worlds import MASTER

NODES = 3
MOST = 12  # who live at a time
SLAVES = st.integers(0, NODES - 1)
PLACES = st.integers(MASTER, NODES)  # the last is no node
MANY, VECTORS = st.lists(PLACES, min_size=1, max_size=5), st.sampled_from(["vrfork", "vexecmove"])
WHO = st.integers(0, MOST)
SOON = st.sampled_from([0, ms // 10, 2 * ms, 8 * ms, 30 * ms])
DISASTERS = st.sampled_from(
    ["dies", "hangs", "dies at a step", "is cut off", "is cut from another", "down", "reboot", "pwroff"]
)
SIGNALS = st.sampled_from([bp.SIGSTOP, bp.SIGCONT, bp.SIGCHLD, 0, bp.SIGTERM, bp.SIGKILL])
OPTIONS = st.sampled_from([0, bp.WNOHANG, bp.WUNTRACED, bp.WNOHANG | bp.WUNTRACED])


class Space(RuleBasedStateMachine):
    """Puppets that fork, move, kill and wait, on nodes that die and come back."""

    wrong: list[str]

    @initialize(
        seed=st.integers(0, 1000), edition=st.sampled_from(["scyld", "lanl32", "bproc4"]), daemon_ends=st.booleans()
    )
    def build(self, seed: int, edition: str, daemon_ends: bool) -> None:
        self.daemon_ends = daemon_ends
        self.wrong.clear()
        self.theatre = Theatre.build(seed, edition, NODES)
        self.cluster = self.theatre.cluster
        self.has_vectors = edition != "scyld"
        self.session = self.cluster.session()
        self.cluster.sim.run(until_ns=10 * ms)

    def pick(self, which: int, better: Any = None) -> Process:
        """Pick one of those that live, of the `better` ones if there are such."""
        alive = self.theatre.alive()
        chosen = [each for each in alive if better is not None and better(each)] or alive
        return chosen[which % len(chosen)]

    def slaves(self) -> list[Process]:
        """Give those that live elsewhere than on the master."""
        return [each for each in self.theatre.alive() if each.machine is not self.cluster.home]

    def go_on(self, duration_ns: int) -> None:
        self.cluster.sim.run(until_ns=self.cluster.sim.now_ns + duration_ns)

    # ---- what processes do ----

    def order(self, who: int, then_ns: int, *what: Any) -> None:
        self.theatre.order(self.pick(who), *what)
        self.go_on(then_ns)

    @precondition(lambda self: len(self.theatre.alive()) < 3)
    @rule(count=st.integers(1, 3))
    def start(self, count: int) -> None:
        for _ in range(count):
            self.theatre.start()
        self.go_on(5 * ms)

    @precondition(lambda self: 0 < len(self.theatre.alive()) < MOST)
    @rule(who=WHO, where=st.none() | PLACES, count=st.integers(1, 3), then_ns=SOON)
    def forks(self, who: int, where: int | None, count: int, then_ns: int) -> None:
        for _ in range(count):
            self.order(who, 0, *(("fork",) if where is None else ("rfork", where)))
        self.go_on(then_ns)

    @precondition(lambda self: 0 < len(self.theatre.alive()) < MOST and self.has_vectors)
    @rule(who=WHO, how=VECTORS, where=MANY, then_ns=SOON)
    def launches(self, who: int, how: str, where: list[int], then_ns: int) -> None:
        self.order(who, then_ns, how, *where)

    @precondition(lambda self: self.theatre.alive())
    @rule(who=WHO, how=st.sampled_from(["move", "move", "execmove", "rexec"]), where=PLACES, then_ns=SOON)
    def moves(self, who: int, how: str, where: int, then_ns: int) -> None:
        self.order(who, then_ns, how, where)

    @precondition(lambda self: self.theatre.alive())
    @rule(who=WHO, whom=WHO, signum=SIGNALS, group=st.sampled_from([False, False, True]), then_ns=SOON)
    def signals(self, who: int, whom: int, signum: int, group: bool, then_ns: int) -> None:
        pid = self.pick(whom).pid
        self.order(who, then_ns, "kill", -pid if group else pid, signum)

    @precondition(lambda self: self.theatre.alive())
    @rule(who=WHO, options=OPTIONS, then_ns=SOON)
    def waits(self, who: int, options: int, then_ns: int) -> None:
        self.theatre.order(self.pick(who, lambda each: each.children), "wait", options)
        self.go_on(then_ns)

    @precondition(lambda self: self.theatre.alive())
    @rule(who=WHO, what=st.sampled_from(["group", "session", "pipe", "talk"]), then_ns=SOON)
    def does(self, who: int, what: str, then_ns: int) -> None:
        self.order(who, then_ns, what)

    @precondition(lambda self: len(self.theatre.alive()) > 2)
    @rule(who=WHO, status=st.integers(0, 255), then_ns=SOON)
    def exits(self, who: int, status: int, then_ns: int) -> None:
        self.theatre.order(self.pick(who, lambda each: each.parent is not None), "exit", status)
        self.go_on(then_ns)

    # ---- what nodes suffer ----

    @rule(node=SLAVES, what=DISASTERS, step=st.sampled_from(bp.Step), lasts_ns=st.integers(1, 150 * ms), then_ns=SOON)
    def suffers(self, node: int, what: str, step: bp.Step, lasts_ns: int, then_ns: int) -> None:
        now_ns, inject = self.cluster.sim.now_ns, self.cluster.inject
        if what == "dies":
            inject(bp.PowerOff(node, at_ns=now_ns))
        elif what == "hangs":
            inject(bp.Hang(node, at_ns=now_ns))
        elif what == "dies at a step":
            inject(bp.PowerOff(node, step=step))
        elif what == "is cut off":
            inject(bp.LinkCut(MASTER, node, at_ns=now_ns, until_ns=now_ns + lasts_ns))
        elif what == "is cut from another":
            inject(bp.LinkCut(node, (node + 1) % NODES, at_ns=now_ns, until_ns=now_ns + lasts_ns))
        elif self.cluster.nodes[node].state == "up":
            self.cluster.bpmaster.set_state(self.cluster.bpmaster.nodes[node], NodeState(what))
        self.go_on(then_ns)

    @precondition(lambda self: 0 < len(self.theatre.alive()) < MOST and self.has_vectors)
    @rule(who=WHO, how=VECTORS, where=MANY, after_ns=st.integers(0, 12 * ms), node=SLAVES, what=DISASTERS)
    def suffers_meanwhile(self, who: int, how: str, where: list[int], after_ns: int, node: int, what: str) -> None:
        """Something happens to a node somewhere in the middle of a launch."""
        self.order(who, after_ns, how, *where)
        self.suffers(node, what, bp.Step.STREAM, 100 * ms, 30 * ms)

    @precondition(lambda self: self.slaves())
    @rule(who=WHO, after_ns=st.sampled_from([0, 3 * ms]), lasts_ns=st.integers(1, 150 * ms), then_ns=SOON)
    def reaps_behind_a_cut(self, who: int, after_ns: int, lasts_ns: int, then_ns: int) -> None:
        """A parent on a slave waits for a child there; its master hears so late, or never if the node is given up."""
        parent = self.slaves()[who % len(self.slaves())]
        self.theatre.order(parent, "fork")
        self.go_on(5 * ms)
        here = parent.machine
        children = [each for each in self.theatre.alive() if each.parent is parent and each.machine is here]
        if parent.ended is not None or not children or here is self.cluster.home:
            return
        self.theatre.order(children[-1], "exit", 7)
        self.theatre.order(parent, "wait", 0)
        self.go_on(after_ns)
        self.suffers(here.number, "is cut off", bp.Step.ENTRY, lasts_ns, then_ns)

    @precondition(lambda self: any(node.state == "down" for node in self.cluster.nodes))
    @rule()
    def all_boot(self) -> None:
        for number, node in enumerate(self.cluster.nodes):
            if node.state == "down" or not self.cluster.machine(number).alive:
                node.boot()
        self.go_on(10 * ms)

    # ---- time ----

    @rule()
    def the_network_falls_quiet(self) -> None:
        """After the longest cut, and the longest time until a silence is noticed, everybody knows the same."""
        self.go_on(150 * ms + 2 * PING_TIMEOUT_NS)
        spacelaws.check_agreement(self.cluster)

    # ---- what always holds ----

    @invariant()
    def nobody_is_told_what_is_not_so(self) -> None:
        assert (self.wrong, self.theatre.wrong) == ([], [])

    @invariant()
    def everybody_is_in_one_place(self) -> None:
        spacelaws.check_places(self.cluster, self.theatre.born)

    def teardown(self) -> None:
        """End them all: then nothing is left, and each was waited for once, or was init's."""
        if not hasattr(self, "theatre"):
            return
        for planned in self.cluster.planned:
            if not planned.fired:
                planned.cancel()
        if self.daemon_ends:
            self.cluster.inject(bp.MasterDaemonExit(at_ns=self.cluster.sim.now_ns))
            self.go_on(1)
            assert all(each.machine is self.cluster.home for each in self.theatre.alive())
        self.go_on(150 * ms + 2 * PING_TIMEOUT_NS)
        # Also who has not begun: children of a vector launch whose caller was lost wait to be ended.
        for _ in range(3):
            for pid in [pid for pid in self.cluster.pids.table if pid != self.session.pid]:
                self.session.libc.kill(pid, bp.SIGKILL)
            self.go_on(300 * ms)
        self.session.exit(0)
        self.go_on(300 * ms)
        assert self.theatre.alive() == []
        spacelaws.check_nothing_left(self.cluster)
        assert self.wrong == []
        for process in self.theatre.born:
            assert process.state is State.GONE
            parent = process.parent
            # Who is still somebody's child was waited for, or its parent was killed as it was told.
            assert parent is None or process in self.theatre.waited or parent.ended is not None


@pytest.mark.slow
def test_the_process_space_stays_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    Space.wrong = watch_messages(monkeypatch)
    run_state_machine_as_test(Space, settings=settings(max_examples=150, stateful_step_count=40))
